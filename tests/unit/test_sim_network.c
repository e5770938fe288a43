/* The model of the simulated network; the transport contract itself is tested in tests/conform. */
#include "tests/support/test.h"

#include "framework/env.h"
#include "framework/plugin.h"
#include "plugins/transport-sim/sim_network.h"

extern const struct ponto_plugin transport_sim_LTX_ponto_plugin;

#define NODES 20

struct fixture {
	struct ponto_sim *sim;
	struct ponto_conf *conf;
	struct ponto_env env;
	struct ponto_transport transport;
	struct end {
		struct fixture *f;
		struct ponto_sim_node *node;
		struct ponto_datagrams d;
		size_t received, changed, echo;
		uint64_t last_at;
		uint32_t mtu, last, reordered;
	} end[NODES];
};

static void receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct end *end = arg;

	assert_int_equal(count, 1);
	end->received++;
	end->last_at = ponto_sim_now(end->f->sim);
	if (batch->data.len == sizeof(end->last)) {
		uint32_t number;

		memcpy(&number, batch->data.data, sizeof(number));
		end->reordered += number < end->last;
		end->last = number;
	}
	if (end->echo > 0) {
		struct ponto_datagram d = {.peer = batch->peer, .data = batch->data};
		size_t sent;

		end->echo--;
		assert_ok(ponto_datagrams_send(end->d, &d, 1, &sent));
	}
}

static void changed(void *arg)
{
	((struct end *)arg)->changed++;
}

static void path_mtu(void *arg, const struct ponto_addr *peer, uint32_t mtu)
{
	(void)peer;
	((struct end *)arg)->mtu = mtu;
}

static int fixture_open(struct fixture *f, const struct ponto_alloc *alloc, uint64_t seed)
{
	const struct ponto_plugin *plugin = &transport_sim_LTX_ponto_plugin;
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL};
	struct ponto_datagram_events events = {receive, changed, path_mtu};
	char error[256];
	int result;

	memset(f, 0, sizeof(*f));
	assert_ok(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, NULL, error, sizeof(error),
				  &f->conf));
	f->env = (struct ponto_env){.abi = PONTO_PLUGIN_ABI, .size = sizeof(f->env), .instance = "net", .conf = f->conf,
				    .alloc = alloc, .simulation = true};
	f->transport.ops = (const struct ponto_transport_ops *)(const void *)plugin->vtable;
	result = ponto_sim_create(alloc, seed, &f->sim);
	if (result == PONTO_OK)
		result = f->transport.ops->create(&f->env, &f->transport.self);
	for (size_t i = 0; i < NODES && result == PONTO_OK; i++) {
		struct end *end = &f->end[i];

		end->f = f;
		result = ponto_sim_node(f->sim, &end->node);
		if (result == PONTO_OK)
			result = ponto_datagrams_open(f->transport, ponto_sim_node_loop(end->node), &want, &events, end,
						      &end->d);
	}
	return result;
}

static void fixture_close(struct fixture *f)
{
	for (size_t i = 0; i < NODES; i++)
		ponto_datagrams_close(&f->end[i].d);
	if (f->transport.self)
		f->transport.ops->destroy(f->transport.self);
	ponto_sim_destroy(f->sim);
	ponto_conf_destroy(f->conf);
}

static int send_number(struct fixture *f, uint32_t from, uint32_t to, uint32_t number)
{
	struct ponto_datagram d = {.data = {(const uint8_t *)&number, sizeof(number)}};
	size_t sent;

	ponto_sim_network_address(to, PONTO_SCOPE_GLOBAL, 0, 3540, &d.peer);
	return ponto_datagrams_send(f->end[from].d, &d, 1, &sent);
}

static void set(struct fixture *f, uint64_t latency, uint32_t loss, uint32_t duplicate, uint32_t reorder)
{
	struct ponto_sim_network_model model = {
		.latency = latency, .loss = loss, .duplicate = duplicate, .reorder = reorder, .reorder_delay = 5000, .mtu = 1000};

	assert_ok(ponto_sim_network_set(f->sim, &model));
}

static void it_is_refused_outside_simulations(void **state)
{
	struct fixture f;
	struct ponto_env env;
	void *self = NULL;

	(void)state;
	assert_ok(fixture_open(&f, &ponto_alloc_system, 1));
	env = f.env;
	env.simulation = false;
	assert_int_equal(f.transport.ops->create(&env, &self), PONTO_ECONF);
	assert_null(self);
	fixture_close(&f);
}

static void datagrams_take_their_time(void **state)
{
	struct fixture f;

	(void)state;
	assert_ok(fixture_open(&f, &ponto_alloc_system, 1));
	set(&f, 1234, 0, 0, 0);
	assert_ok(send_number(&f, 0, 1, 1));
	ponto_sim_run(f.sim, 1233);
	assert_int_equal(f.end[1].received, 0);
	ponto_sim_run(f.sim, 1234);
	assert_int_equal(f.end[1].received, 1);
	assert_int_equal(f.end[1].last_at, 1234);
	fixture_close(&f);
}

static void loss_duplication_and_reordering_come_as_told(void **state)
{
	struct ponto_sim_network_stats stats;
	struct fixture f;

	(void)state;
	assert_ok(fixture_open(&f, &ponto_alloc_system, 3));
	set(&f, 1000, 100000, 50000, 20000);
	for (uint32_t i = 0; i < 10000; i++) {
		assert_ok(send_number(&f, 0, 1, i));
		ponto_sim_run(f.sim, ponto_sim_now(f.sim) + 10);
	}
	ponto_sim_run(f.sim, ponto_sim_now(f.sim) + PONTO_SECOND);
	assert_ok(ponto_sim_network_stats(f.sim, &stats));
	assert_int_equal(stats.sent, 10000);
	assert_int_equal(stats.sent_bytes, 40000);
	assert_in_range(stats.lost, 850, 1150);
	assert_in_range(stats.duplicated, 370, 530);
	assert_in_range(stats.reordered, 140, 240);
	assert_true(f.end[1].reordered > 0);
	assert_int_equal(stats.delivered, stats.sent - stats.lost + stats.duplicated);
	assert_int_equal(f.end[1].received, stats.delivered);
	fixture_close(&f);
}

static void sides_do_not_hear_each_other(void **state)
{
	struct ponto_sim_network_stats stats;
	struct fixture f;

	(void)state;
	assert_ok(fixture_open(&f, &ponto_alloc_system, 1));
	assert_ok(ponto_sim_network_partition(f.sim, 1, 7));
	assert_ok(send_number(&f, 0, 1, 1));
	assert_ok(send_number(&f, 1, 2, 1));
	assert_ok(send_number(&f, 0, 2, 1));
	assert_ok(send_number(&f, 1, 1, 1));
	ponto_sim_run(f.sim, PONTO_SECOND);
	assert_int_equal(f.end[1].received, 1);
	assert_int_equal(f.end[2].received, 1);
	assert_ok(ponto_sim_network_heal(f.sim));
	assert_ok(send_number(&f, 0, 1, 2));
	ponto_sim_run(f.sim, 2 * PONTO_SECOND);
	assert_int_equal(f.end[1].received, 2);
	assert_ok(ponto_sim_network_stats(f.sim, &stats));
	assert_int_equal(stats.partitioned, 2);
	fixture_close(&f);
}

static void large_datagrams_meet_the_mtu(void **state)
{
	static uint8_t bytes[1001];
	struct ponto_datagram d = {.data = {bytes, sizeof(bytes)}, .flags = PONTO_DGRAM_DONT_FRAGMENT};
	struct fixture f;
	size_t sent = 9;

	(void)state;
	assert_ok(fixture_open(&f, &ponto_alloc_system, 1));
	set(&f, 1, 0, 0, 0);
	ponto_sim_network_address(1, PONTO_SCOPE_GLOBAL, 0, 3540, &d.peer);
	assert_int_equal(ponto_datagrams_send(f.end[0].d, &d, 1, &sent), PONTO_ELIMIT);
	assert_int_equal(sent, 0);
	ponto_sim_run(f.sim, 10);
	assert_int_equal(f.end[0].mtu, 1000);
	d.flags = 0;
	assert_ok(ponto_datagrams_send(f.end[0].d, &d, 1, &sent));
	/* News for a handle that is gone is dropped. */
	d.flags = PONTO_DGRAM_DONT_FRAGMENT;
	assert_int_equal(ponto_datagrams_send(f.end[0].d, &d, 1, &sent), PONTO_ELIMIT);
	ponto_datagrams_close(&f.end[0].d);
	ponto_sim_run(f.sim, 100);
	assert_int_equal(f.end[1].received, 1);
	fixture_close(&f);
}

static void addresses_come_and_go(void **state)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_LINK};
	struct ponto_datagram_events events = {.receive = receive};
	struct ponto_datagrams d = {0};
	struct ponto_addr local[8];
	struct fixture f;
	size_t count;

	(void)state;
	assert_ok(fixture_open(&f, &ponto_alloc_system, 1));
	assert_ok(ponto_sim_network_set_addresses(f.sim, 1, 6));
	ponto_sim_run(f.sim, 10);
	assert_int_equal(f.end[1].changed, 1);
	assert_int_equal(f.end[0].changed, 0);
	assert_ok(ponto_datagrams_local(f.end[1].d, local, 8, &count));
	assert_int_equal(count, 4);
	assert_ok(ponto_sim_network_set_addresses(f.sim, 1, 0));
	assert_ok(send_number(&f, 0, 1, 1));
	assert_int_equal(send_number(&f, 1, 0, 1), PONTO_EUNREACH);
	assert_int_equal(ponto_datagrams_open(f.transport, ponto_sim_node_loop(f.end[1].node), &want, &events, NULL, &d),
			 PONTO_ENOENT);
	ponto_sim_run(f.sim, PONTO_SECOND);
	assert_int_equal(f.end[1].changed, 2);
	assert_int_equal(f.end[1].received, 0);
	fixture_close(&f);
}

static bool drop_odd(void *ctx, const struct ponto_datagram *d)
{
	(void)ctx;
	return d->data.data[0] % 2 == 0;
}

static void a_filter_sees_everything(void **state)
{
	struct ponto_sim_network_stats stats;
	struct fixture f;

	(void)state;
	assert_ok(fixture_open(&f, &ponto_alloc_system, 1));
	assert_ok(ponto_sim_network_filter(f.sim, drop_odd, NULL));
	for (uint32_t i = 0; i < 10; i++)
		assert_ok(send_number(&f, 0, 1, i));
	ponto_sim_run(f.sim, PONTO_SECOND);
	assert_ok(ponto_sim_network_stats(f.sim, &stats));
	assert_int_equal(stats.filtered, 5);
	assert_int_equal(f.end[1].received, 5);
	fixture_close(&f);
}

/* Everybody plays ping-pong over a bad net. */
static uint64_t play(uint64_t seed)
{
	struct fixture f;
	uint64_t hash;

	assert_ok(fixture_open(&f, &ponto_alloc_system, seed));
	set(&f, 1000, 20000, 10000, 50000);
	for (uint32_t i = 0; i < NODES; i++) {
		f.end[i].echo = 500;
		for (uint32_t j = 0; j < NODES; j++)
			assert_ok(send_number(&f, i, j, i));
	}
	ponto_sim_run(f.sim, PONTO_SECOND);
	hash = ponto_sim_hash(f.sim);
	fixture_close(&f);
	return hash;
}

static void the_same_seed_gives_the_same_trace(void **state)
{
	(void)state;
	assert_true(play(1) == play(1));
	assert_true(play(1) != play(2));
}

static void delivering_allocates_nothing(void **state)
{
	struct ponto_test_alloc ta;
	struct fixture f;
	size_t made;

	(void)state;
	ponto_test_alloc_init(&ta);
	assert_ok(fixture_open(&f, &ta.alloc, 1));
	for (uint32_t i = 0; i < NODES; i++) {
		f.end[i].echo = SIZE_MAX;
		assert_ok(send_number(&f, i, (i + 1) % NODES, i));
	}
	ponto_sim_run(f.sim, PONTO_SECOND);
	made = ta.made;
	assert_true(ponto_sim_run(f.sim, 20 * PONTO_SECOND) > 30000);
	assert_int_equal(ta.made, made);
	fixture_close(&f);
	assert_int_equal(ta.live, 0);
}

static int send_some(const struct ponto_alloc *alloc, void *arg)
{
	static uint8_t bytes[5000];
	struct ponto_datagram d = {.data = {bytes, sizeof(bytes)}};
	struct fixture f;
	size_t sent;
	int result = fixture_open(&f, alloc, 1);

	(void)arg;
	ponto_sim_network_address(1, PONTO_SCOPE_GLOBAL, 0, 3540, &d.peer);
	if (result == PONTO_OK)
		result = send_number(&f, 0, 1, 1);
	if (result == PONTO_OK)
		result = ponto_datagrams_send(f.end[0].d, &d, 1, &sent);
	fixture_close(&f);
	return result;
}

static void memory_running_out_leaves_nothing_behind(void **state)
{
	(void)state;
	ponto_test_oom(send_some, NULL, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(it_is_refused_outside_simulations),
	cmocka_unit_test(datagrams_take_their_time),
	cmocka_unit_test(loss_duplication_and_reordering_come_as_told),
	cmocka_unit_test(sides_do_not_hear_each_other),
	cmocka_unit_test(large_datagrams_meet_the_mtu),
	cmocka_unit_test(addresses_come_and_go),
	cmocka_unit_test(a_filter_sees_everything),
	cmocka_unit_test(the_same_seed_gives_the_same_trace),
	cmocka_unit_test(delivering_allocates_nothing),
	cmocka_unit_test(memory_running_out_leaves_nothing_behind),
};

PONTO_TEST_MAIN(tests)
