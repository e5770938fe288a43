/* The store suite against every store plugin. */
#include "tests/support/test.h"

#include <stdio.h>

#include "framework/env.h"
#include "framework/plugin.h"
#include "tests/conform/store_suite.h"

extern const struct ponto_plugin store_mem_LTX_ponto_plugin, store_rocksdb_LTX_ponto_plugin;

struct subject {
	const struct ponto_plugin *plugin;
	const char *const *settings;
	char *folder;
	struct ponto_conf *conf;
	struct ponto_env env;
};

struct run {
	struct subject *subject;
	size_t index;
};

static int subject_open(void *ctx, const struct ponto_clock *clock, struct ponto_store *out)
{
	struct subject *s = ctx;
	char error[256];

	s->folder = ponto_test_mkdir();
	assert_ok(ponto_conf_make(&ponto_alloc_system, s->plugin->options, s->plugin->option_count, s->settings, error,
				  sizeof(error), &s->conf));
	s->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(s->env),
		.instance = "main",
		.node_name = "test",
		.state_dir = s->folder,
		.conf = s->conf,
		.alloc = &ponto_alloc_system,
		.clock = clock,
	};
	out->ops = (const struct ponto_store_ops *)(const void *)s->plugin->vtable;
	return out->ops->create(&s->env, &out->self);
}

static void subject_close(void *ctx, struct ponto_store store)
{
	struct subject *s = ctx;

	store.ops->destroy(store.self);
	ponto_conf_destroy(s->conf);
	ponto_test_rmdir(s->folder);
}

static void run_case(void **state)
{
	struct run *run = *state;
	struct store_subject subject = {subject_open, subject_close, run->subject};
	char why[512];

	if (!store_suite_run(run->index, &subject, why, sizeof(why)))
		fail_msg("%s", why);
}

int main(void)
{
	static const char *const unbounded[] = {"max_bytes=0", NULL};
	static const char *const tiny[] = {"write_buffer=65536", "cache=65536", "reserve=0", NULL};
	static struct subject subjects[] = {
		{.plugin = &store_mem_LTX_ponto_plugin, .settings = unbounded},
		{.plugin = &store_rocksdb_LTX_ponto_plugin},
		/* The smallest buffers: records pass through tables and compactions. */
		{.plugin = &store_rocksdb_LTX_ponto_plugin, .settings = tiny},
	};
	static struct CMUnitTest tests[PONTO_ARRAY_SIZE(subjects) * 32];
	static struct run runs[PONTO_ARRAY_SIZE(tests)];
	static char names[PONTO_ARRAY_SIZE(tests)][64];
	size_t count = 0;

	for (size_t s = 0; s < PONTO_ARRAY_SIZE(subjects); s++) {
		for (size_t i = 0; i < store_suite_count() && count < PONTO_ARRAY_SIZE(tests); i++, count++) {
			runs[count] = (struct run){&subjects[s], i};
			snprintf(names[count], sizeof(names[count]), "%s%s: %s", subjects[s].plugin->name,
				 subjects[s].settings == tiny ? ", tiny" : "", store_suite_name(i));
			tests[count] = (struct CMUnitTest){names[count], run_case, NULL, NULL, &runs[count]};
		}
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("store", tests, count, NULL, NULL);
}
