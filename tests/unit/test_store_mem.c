/* store-mem beyond the contract: its bound, and memory that runs out. */
#include "tests/support/test.h"

#include "framework/env.h"
#include "framework/plugin.h"
#include "framework/store.h"
#include "plugins/store-mem/mem_map.h"

#define LIT(text) ponto_bytes(text, sizeof(text) - 1)

extern const struct ponto_plugin store_mem_LTX_ponto_plugin;

struct fixture {
	struct ponto_env env;
	struct ponto_conf *conf;
	struct ponto_test_clock clock;
	struct ponto_store store;
};

static int set_up(struct fixture *f, const struct ponto_alloc *alloc, const char *setting)
{
	const struct ponto_plugin *plugin = &store_mem_LTX_ponto_plugin;
	const char *settings[] = {setting, NULL};
	char error[256];

	memset(f, 0, sizeof(*f));
	ponto_test_clock_init(&f->clock);
	assert_ok(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error,
				  sizeof(error), &f->conf));
	f->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(f->env),
		.instance = "main",
		.node_name = "test",
		.conf = f->conf,
		.alloc = alloc,
		.clock = &f->clock.clock,
	};
	f->store.ops = (const struct ponto_store_ops *)(const void *)plugin->vtable;
	return f->store.ops->create(&f->env, &f->store.self);
}

static void tear_down(struct fixture *f)
{
	f->store.ops->destroy(f->store.self);
	ponto_conf_destroy(f->conf);
}

static int put(struct fixture *f, const char *key, size_t value_len, uint64_t expires)
{
	static const uint8_t value[4096];

	return ponto_store_put(f->store, LIT("g"), ponto_bytes(key, strlen(key)), ponto_bytes(value, value_len),
			       expires, 0, PONTO_NEVER);
}

static int length_of(struct fixture *f, const char *key)
{
	uint8_t *value;
	size_t len;
	int result = ponto_store_get(f->store, LIT("g"), ponto_bytes(key, strlen(key)), PONTO_NEVER,
				     &ponto_alloc_system, &value, &len, NULL);

	if (result)
		return result;
	free(value);
	return (int)len;
}

static void bounded(void **state)
{
	struct ponto_store_step too_much[] = {
		{PONTO_STEP_PUT, LIT("a"), LIT("x"), 0},   {PONTO_STEP_PUT, LIT("a"), LIT("yy"), 0},
		{PONTO_STEP_DELETE, LIT("b"), LIT(""), 0}, {PONTO_STEP_PUT, LIT("big"), ponto_bytes(NULL, 0), 0},
		{PONTO_STEP_PUT, LIT("b"), LIT("z"), 0},
	};
	struct fixture f;
	uint8_t *big = calloc(1, 4000);

	(void)state;
	assert_ok(set_up(&f, &ponto_alloc_system, "max_bytes=4000"));
	assert_ok(put(&f, "a", 1000, 0));
	assert_ok(put(&f, "b", 1000, 0));
	assert_ok(put(&f, "c", 1000, f.clock.wall + 10));
	assert_int_equal(put(&f, "d", 1000, 0), PONTO_ENOSPC);
	assert_int_equal(length_of(&f, "d"), PONTO_ENOENT);
	/* All or nothing, also where a step was undone by a later one. */
	too_much[3].value = ponto_bytes(big, 4000);
	assert_int_equal(ponto_store_batch(f.store, LIT("g"), too_much, 5, 0, PONTO_NEVER), PONTO_ENOSPC);
	assert_int_equal(length_of(&f, "a"), 1000);
	assert_int_equal(length_of(&f, "b"), 1000);
	assert_int_equal(length_of(&f, "big"), PONTO_ENOENT);
	/* What makes it no larger fits, and so does what replaces something expired. */
	assert_ok(put(&f, "a", 900, 0));
	f.clock.wall += 10;
	assert_ok(put(&f, "d", 1000, 0));
	assert_int_equal(length_of(&f, "d"), 1000);
	assert_ok(ponto_store_remove(f.store, LIT("g"), LIT("a"), 0, PONTO_NEVER));
	assert_ok(put(&f, "e", 900, 0));
	tear_down(&f);
	free(big);
}

static int use_once(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_store_step steps[] = {
		{PONTO_STEP_PUT, LIT("a"), LIT("2"), 0},
		{PONTO_STEP_PUT, LIT("b"), LIT("2"), 7},
		{PONTO_STEP_REQUIRE_EQUAL, LIT("a"), LIT("1"), 0},
		{PONTO_STEP_DELETE, LIT("a"), LIT(""), 0},
	};
	struct fixture f;
	uint8_t *value = NULL;
	size_t len;
	int result = set_up(&f, alloc, "max_bytes=0");

	(void)arg;
	if (!result)
		result = ponto_store_put(f.store, LIT("g"), LIT("a"), LIT("1"), 0, 0, PONTO_NEVER);
	if (!result)
		result = ponto_store_get(f.store, LIT("g"), LIT("a"), PONTO_NEVER, alloc, &value, &len, NULL);
	if (!result) {
		result = ponto_store_batch(f.store, LIT("g"), steps, 4, 0, PONTO_NEVER);
		/* Refused memory changed nothing. */
		assert_int_equal(length_of(&f, "a") > 0, result != PONTO_OK);
	}
	ponto_free(alloc, value);
	tear_down(&f);
	return result;
}

static void memory_refused(void **state)
{
	(void)state;
	ponto_test_oom(use_once, NULL, false);
}

static void map_counts(void **state)
{
	struct mem_map map;
	struct mem_record *one = mem_record_new(&ponto_alloc_system, LIT("k"), LIT("v"), 5);
	struct mem_record *two = mem_record_new(&ponto_alloc_system, LIT("k"), LIT("other"), 0);

	(void)state;
	mem_map_init(&map);
	assert_null(mem_map_insert(&map, one));
	assert_int_equal(map.bytes, mem_record_size(1, 1));
	assert_ptr_equal(mem_map_first_expiring(&map), one);
	assert_false(mem_record_expired(one, 4));
	assert_true(mem_record_expired(one, 5));
	assert_ptr_equal(mem_map_insert(&map, two), one);
	assert_null(mem_map_first_expiring(&map));
	assert_int_equal(map.count, 1);
	ponto_free(&ponto_alloc_system, one);
	mem_map_clear(&map, &ponto_alloc_system);
	assert_int_equal(map.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounded),
		cmocka_unit_test(memory_refused),
		cmocka_unit_test(map_counts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
