/* What is particular to streams of the simulated network: partitions, seeds, memory. */
#include "tests/support/test.h"

#include "framework/plugin.h"
#include "framework/sim.h"
#include "plugins/transport-sim/sim_network.h"

extern const struct ponto_plugin transport_sim_LTX_ponto_plugin;

struct world {
	const struct ponto_alloc *alloc;
	struct ponto_conf *conf;
	struct ponto_env env;
	struct ponto_transport transport;
	struct ponto_sim *sim;
	struct ponto_loop *loop[2];
	struct ponto_listener_handle *listener;
	struct ponto_stream s[2];
	struct ponto_addr at;
	size_t received, connected, appetite, ended;
	int result[2], failure;
};

static void connected(void *arg)
{
	((struct world *)arg)->connected++;
}

static size_t receive(void *arg, struct ponto_bytes data)
{
	struct world *w = arg;
	size_t used = data.len < w->appetite ? data.len : w->appetite;

	w->received += used;
	return used;
}

static void ended(void *arg)
{
	((struct world *)arg)->ended++;
}

static void closed_0(void *arg, int result)
{
	struct world *w = arg;

	w->result[0] = result;
	w->s[0].handle = NULL;
}

static void closed_1(void *arg, int result)
{
	struct world *w = arg;

	w->result[1] = result;
	w->s[1].handle = NULL;
}

static void accepted(void *arg, struct ponto_stream_handle *handle, const struct ponto_addr *peer)
{
	static const struct ponto_stream_events events = {.receive = receive, .half_closed = ended, .closed = closed_1};
	struct world *w = arg;

	(void)peer;
	w->failure = ponto_stream_adopt(w->transport, handle, &events, w, &w->s[1]);
}

static int make(struct world *w, const struct ponto_alloc *alloc, uint64_t seed)
{
	static const struct ponto_stream_events events = {.connected = connected, .receive = receive, .closed = closed_0};
	const struct ponto_plugin *plugin = &transport_sim_LTX_ponto_plugin;
	struct ponto_addr local;
	char error[256];
	int result;

	*w = (struct world){.alloc = alloc, .appetite = SIZE_MAX, .result = {1, 1}};
	assert_ok(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, NULL, error, sizeof(error),
				  &w->conf));
	w->env = (struct ponto_env){.abi = PONTO_PLUGIN_ABI, .size = sizeof(w->env), .conf = w->conf, .alloc = alloc,
				    .simulation = true};
	w->transport.ops = (const struct ponto_transport_ops *)(const void *)plugin->vtable;
	result = w->transport.ops->create(&w->env, &w->transport.self);
	if (result == PONTO_OK)
		result = ponto_sim_create(alloc, seed, &w->sim);
	for (unsigned i = 0; i < 2 && result == PONTO_OK; i++) {
		struct ponto_sim_node *node;

		result = ponto_sim_node(w->sim, &node);
		if (result == PONTO_OK)
			w->loop[i] = ponto_sim_node_loop(node);
	}
	ponto_sim_network_address(1, PONTO_SCOPE_GLOBAL, 0, 0, &local);
	if (result == PONTO_OK)
		result = ponto_stream_listen(w->transport, w->loop[1], &local, accepted, w, &w->listener);
	if (result == PONTO_OK)
		result = ponto_stream_listening(w->transport, w->listener, &w->at);
	if (result == PONTO_OK)
		result = ponto_stream_connect(w->transport, w->loop[0], &w->at, &events, w, &w->s[0]);
	return result;
}

static void unmake(struct world *w)
{
	ponto_stream_abort(&w->s[0]);
	ponto_stream_abort(&w->s[1]);
	ponto_stream_unlisten(w->transport, w->listener);
	ponto_sim_destroy(w->sim);
	if (w->transport.self)
		w->transport.ops->destroy(w->transport.self);
	ponto_conf_destroy(w->conf);
}

static void run(struct world *w, uint64_t time)
{
	ponto_sim_run(w->sim, ponto_sim_now(w->sim) + time);
}

static void a_short_partition_only_delays(void **state)
{
	struct world w;
	size_t taken;

	(void)state;
	assert_ok(make(&w, &ponto_alloc_system, 1));
	run(&w, PONTO_SECOND);
	assert_int_equal(w.connected, 1);
	assert_ok(ponto_sim_network_partition(w.sim, 1, 7));
	assert_ok(ponto_stream_write(w.s[0], ponto_bytes("late", 4), &taken));
	run(&w, 10 * PONTO_SECOND);
	assert_int_equal(w.received, 0);
	assert_ok(ponto_sim_network_heal(w.sim));
	run(&w, 20 * PONTO_SECOND);
	assert_int_equal(w.received, 4);
	assert_int_equal(w.result[0], 1);
	unmake(&w);
}

static void a_long_partition_ends_it(void **state)
{
	struct world w;
	size_t taken;

	(void)state;
	assert_ok(make(&w, &ponto_alloc_system, 1));
	run(&w, PONTO_SECOND);
	assert_ok(ponto_sim_network_partition(w.sim, 1, 7));
	assert_ok(ponto_stream_write(w.s[0], ponto_bytes("lost", 4), &taken));
	run(&w, 120 * PONTO_SECOND);
	assert_int_equal(w.result[0], PONTO_ETIME);
	assert_int_equal(w.received, 0);
	/* Who does not send hears nothing, as of a host that went away. */
	assert_int_equal(w.result[1], 1);
	unmake(&w);
}

static uint64_t trace(uint64_t seed)
{
	struct ponto_sim_network_model model;
	uint8_t bytes[1000] = {5};
	struct world w;
	uint64_t hash;
	size_t taken;

	assert_ok(make(&w, &ponto_alloc_system, seed));
	assert_ok(ponto_sim_network_get(w.sim, &model));
	model.loss = 300000;
	assert_ok(ponto_sim_network_set(w.sim, &model));
	run(&w, 60 * PONTO_SECOND);
	for (unsigned i = 0; i < 50; i++)
		assert_ok(ponto_stream_write(w.s[0], ponto_bytes(bytes, sizeof(bytes)), &taken));
	run(&w, 600 * PONTO_SECOND);
	assert_int_equal(w.received, 50000);
	hash = ponto_sim_hash(w.sim);
	unmake(&w);
	return hash;
}

static void a_seed_is_a_run(void **state)
{
	(void)state;
	assert_true(trace(4) == trace(4));
	assert_true(trace(4) != trace(5));
}

static void the_window_is_bounded(void **state)
{
	static uint8_t bytes[1 << 20];
	struct world w;
	size_t taken, again;

	(void)state;
	assert_ok(make(&w, &ponto_alloc_system, 1));
	run(&w, PONTO_SECOND);
	w.appetite = 10;
	assert_ok(ponto_stream_write(w.s[0], ponto_bytes(bytes, sizeof(bytes)), &taken));
	assert_int_equal(taken, 65536);
	assert_ok(ponto_stream_write(w.s[0], ponto_bytes(bytes, sizeof(bytes)), &again));
	assert_int_equal(again, 0);
	run(&w, PONTO_SECOND);
	assert_int_equal(w.received, 10);
	assert_ok(ponto_stream_write(w.s[0], ponto_bytes(bytes, sizeof(bytes)), &again));
	assert_int_equal(again, 10);
	unmake(&w);
}

static int live(const struct ponto_alloc *alloc, void *arg)
{
	size_t taken = 0;
	struct world w;
	int result = make(&w, alloc, 1);

	(void)arg;
	if (result == PONTO_OK)
		run(&w, 60 * PONTO_SECOND);
	if (result == PONTO_OK && !w.s[0].handle)
		result = PONTO_ENOMEM;
	if (result == PONTO_OK)
		result = ponto_stream_write(w.s[0], ponto_bytes("hello", 5), &taken);
	if (result == PONTO_OK)
		result = ponto_stream_shutdown(w.s[0]);
	if (result == PONTO_OK) {
		run(&w, 60 * PONTO_SECOND);
		result = w.received == 5 && w.ended == 1 ? PONTO_OK : PONTO_ENOMEM;
	}
	if (result == PONTO_OK)
		result = ponto_stream_shutdown(w.s[1]);
	if (result == PONTO_OK) {
		run(&w, 60 * PONTO_SECOND);
		result = w.result[0] == PONTO_OK && w.result[1] == PONTO_OK ? PONTO_OK : PONTO_ENOMEM;
	}
	unmake(&w);
	return result;
}

static void memory_running_out_leaves_nothing_behind(void **state)
{
	(void)state;
	ponto_test_oom(live, NULL, true);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_short_partition_only_delays), cmocka_unit_test(a_long_partition_ends_it),
	cmocka_unit_test(a_seed_is_a_run),		 cmocka_unit_test(the_window_is_bounded),
	cmocka_unit_test(memory_running_out_leaves_nothing_behind),
};

PONTO_TEST_MAIN(tests)
