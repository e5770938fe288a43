/* The simulated web beyond the contract: sides, what time costs, the same seed the same run. */
#include <stdio.h>

#include "plugins/http-sim/sim_web.h"
#include "tests/conform/http_suite.h"

extern const struct ponto_plugin http_sim_LTX_ponto_plugin;

static struct http_fixture *begin(void)
{
	static const struct http_subject subject = {&http_sim_LTX_ponto_plugin, NULL, true};
	static const struct ponto_http_listen listen = {
		.local = {.family = PONTO_FAMILY_IPV6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
		.body_limit = HTTP_BODY_LIMIT};
	struct http_fixture *f = http_fixture_new(&subject);

	http_listen(f, &listen);
	return f;
}

static uint64_t time_of(struct http_fixture *f, const char *target, size_t len)
{
	struct ponto_http_fetch fetch = http_get(http_url(f, target));
	uint64_t before = ponto_sim_now(f->world);
	struct http_watcher w = {0};

	http_fetch(f, &fetch, &w);
	assert_ok(w.result);
	assert_int_equal(w.len, len);
	http_watcher_free(&w);
	return ponto_sim_now(f->world) - before;
}

static void latency_and_bandwidth_cost_time(void **state)
{
	struct http_fixture *f = begin();
	struct ponto_sim_web_model model = {.latency = 50000};

	(void)state;
	assert_ok(ponto_sim_web_set(f->world, &model));
	assert_int_equal(time_of(f, "/data/100", 100), 4 * 50000);
	model.bandwidth = 100000;
	assert_ok(ponto_sim_web_set(f->world, &model));
	assert_int_equal(time_of(f, "/data/10000", 10000), 4 * 50000 + 100000);
	http_fixture_free(f);
}

static void sides_do_not_reach_each_other(void **state)
{
	struct http_fixture *f = begin();
	struct ponto_http_fetch fetch = http_get(http_url(f, "/data/10"));
	struct ponto_sim_web_stats stats;
	struct http_watcher w = {0};

	(void)state;
	assert_ok(ponto_sim_web_partition(f->world, 0, 1));
	fetch.connect_timeout = 3000000;
	http_fetch(f, &fetch, &w);
	assert_int_equal(w.result, PONTO_ETIME);
	assert_int_equal(ponto_sim_now(f->world), 3000000);
	http_watcher_free(&w);
	assert_ok(ponto_sim_web_partition(f->world, 0, 0));
	(void)time_of(f, "/data/10", 10);
	assert_ok(ponto_sim_web_stats(f->world, &stats));
	assert_int_equal(stats.answers, 1);
	assert_int_equal(stats.severed, 0);
	http_fixture_free(f);
}

static void a_server_that_dies_leaves_half_an_answer(void **state)
{
	struct http_fixture *f = begin();
	struct ponto_http_fetch fetch = http_get(http_url(f, "/stream/2000000"));
	struct http_watcher w = {0};

	(void)state;
	fetch.stall_timeout = 5000000;
	http_start(f, &fetch, &w);
	http_wait_for(f, &w.pieces);
	assert_ok(ponto_sim_web_partition(f->world, 0, 1));
	http_wait(&w);
	assert_int_equal(w.result, PONTO_ETIME);
	assert_in_range(w.len, 1, 1999999);
	assert_int_equal(f->released, 0);
	/* The server hears nothing, and gives up later. */
	ponto_sim_run(f->world, ponto_sim_now(f->world) + 70000000);
	assert_int_equal(f->released, 1);
	http_watcher_free(&w);
	http_fixture_free(f);
}

static void who_is_not_there_refuses(void **state)
{
	static const char *const nowhere[] = {"http://[2001:db8::1]:9/", "http://[2001:db8::77]:80/",
					      "http://a.example/", "http://192.0.2.1/", "http://[2001:db8::1]/"};
	struct http_fixture *f = begin();

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(nowhere); i++) {
		struct ponto_http_fetch fetch = http_get(nowhere[i]);
		struct http_watcher w = {0};

		http_fetch(f, &fetch, &w);
		assert_int_equal(w.result, PONTO_EUNREACH);
		http_watcher_free(&w);
	}
	http_fixture_free(f);
}

static uint64_t hash_of_a_run(void)
{
	struct http_fixture *f = begin();
	struct ponto_sim_web_model model = {.latency = 1000, .jitter = 5000};
	struct http_watcher w[8] = {0};
	uint64_t hash;

	assert_ok(ponto_sim_web_set(f->world, &model));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(w); i++) {
		struct ponto_http_fetch fetch = http_get(http_url(f, i % 2 ? "/data/50000" : "/starve/50000"));

		http_start(f, &fetch, &w[i]);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(w); i++) {
		http_wait(&w[i]);
		assert_ok(w[i].result);
		assert_false(w[i].wrong);
		http_watcher_free(&w[i]);
	}
	hash = ponto_sim_hash(f->world) ^ ponto_sim_now(f->world);
	http_fixture_free(f);
	return hash;
}

static void the_same_seed_is_the_same_run(void **state)
{
	(void)state;
	assert_int_equal(hash_of_a_run(), hash_of_a_run());
}

/* Every allocation of an exchange is refused once: it fails with that, and nothing is left behind. */
static int one_exchange(const struct ponto_alloc *alloc, void *arg)
{
	static const struct ponto_http_fetch_events none = {0};
	struct ponto_sim_node *node = NULL;
	struct ponto_sim *world = NULL;
	struct ponto_http_transfer *transfer = NULL;
	struct ponto_http_listener *listener = NULL;
	const struct ponto_http_ops *ops = (const struct ponto_http_ops *)http_sim_LTX_ponto_plugin.vtable;
	struct ponto_http_listen listen = {.local = {.family = PONTO_FAMILY_IPV6, .port = 80}};
	struct ponto_http_events events = {0};
	struct ponto_http_fetch fetch = http_get("http://[2001:db8::1]/x");
	struct ponto_env env = {.alloc = alloc, .simulation = true};
	void *self = NULL;
	int result;

	(void)arg;
	result = ponto_sim_create(alloc, 1, &world);
	if (result == PONTO_OK)
		result = ponto_sim_node(world, &node);
	if (result == PONTO_OK)
		result = ops->create(&env, &self);
	if (result == PONTO_OK)
		result = ops->listen(self, ponto_sim_node_loop(node), &listen, &events, NULL, &listener);
	if (result == PONTO_OK)
		result = ops->fetch(self, ponto_sim_node_loop(node), &fetch, &none, NULL, &transfer);
	if (transfer)
		ops->cancel(transfer);
	if (listener)
		ops->unlisten(listener);
	ops->destroy(self);
	ponto_sim_destroy(world);
	return result;
}

static void refused_memory_leaves_nothing(void **state)
{
	(void)state;
	ponto_test_oom(one_exchange, NULL, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(latency_and_bandwidth_cost_time),
	cmocka_unit_test(sides_do_not_reach_each_other),
	cmocka_unit_test(a_server_that_dies_leaves_half_an_answer),
	cmocka_unit_test(who_is_not_there_refuses),
	cmocka_unit_test(the_same_seed_is_the_same_run),
	cmocka_unit_test(refused_memory_leaves_nothing),
};

PONTO_TEST_MAIN(tests)
