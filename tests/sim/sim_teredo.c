/* Teredo in virtual time: transport-teredo as it is behind NAT boxes of every kind, with loss, boxes that forget, and a
 * server that goes away. */
#include "tests/support/teredo_world.h"
#include "tests/support/test.h"

#define SECONDS 60

enum kind { NONE, CONE, ADDRESS, PORT, PRESERVING, SEQUENTIAL, SYMMETRIC, KINDS };

static const char *const names[KINDS] = {
	"none",
	"cone",
	"address-restricted",
	"port-restricted",
	"port-preserving symmetric",
	"sequential symmetric",
	"port symmetric",
};

static const struct ponto_sim_nat boxes[KINDS] = {
	[CONE] = {.mapping = PONTO_SIM_NAT_ANY, .filter = PONTO_SIM_NAT_ANY},
	[ADDRESS] = {.mapping = PONTO_SIM_NAT_ANY, .filter = PONTO_SIM_NAT_ADDRESS},
	[PORT] = {.mapping = PONTO_SIM_NAT_ANY, .filter = PONTO_SIM_NAT_ADDRESS_PORT},
	[PRESERVING] = {.mapping = PONTO_SIM_NAT_ADDRESS_PORT,
			.filter = PONTO_SIM_NAT_ADDRESS_PORT,
			.ports = PONTO_SIM_PORTS_PRESERVING},
	[SEQUENTIAL] = {.mapping = PONTO_SIM_NAT_ADDRESS_PORT,
			.filter = PONTO_SIM_NAT_ADDRESS_PORT,
			.ports = PONTO_SIM_PORTS_SEQUENTIAL},
	[SYMMETRIC] = {.mapping = PONTO_SIM_NAT_ADDRESS_PORT, .filter = PONTO_SIM_NAT_ADDRESS_PORT},
};

/* What RFC 6081 3 promises: rows begin to talk to columns. */
static const bool meet[KINDS][KINDS] = {
	[NONE] = {true, true, true, true, true, true, true},
	[CONE] = {true, true, true, true, true, true, true},
	[ADDRESS] = {true, true, true, true, true, true, true},
	[PORT] = {true, true, true, true, true, true, false},
	[PRESERVING] = {true, true, true, true, true, true, false},
	[SEQUENTIAL] = {true, true, true, true, false, false, false},
	[SYMMETRIC] = {true, true, true, false, false, false, false},
};

struct end {
	struct teredo_world *world;
	int node;
	struct ponto_datagrams d;
	struct ponto_addr addr, peer; /* the last datagram's sender */
	unsigned received, changes;
	bool echo;
};

static void receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct end *end = arg;
	size_t sent;

	for (size_t i = 0; i < count; i++) {
		struct ponto_datagram reply = {.peer = batch[i].peer, .data = batch[i].data};

		end->received++;
		end->peer = batch[i].peer;
		if (end->echo)
			(void)!ponto_datagrams_send(end->d, &reply, 1, &sent);
	}
}

static void changed(void *arg)
{
	struct end *end = arg;

	end->changes++;
}

static void add(struct teredo_world *world, struct end *end, uint32_t box, const char *const *settings)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL};
	struct ponto_datagram_events events = {.receive = receive, .addresses_changed = changed};

	memset(end, 0, sizeof(*end));
	end->world = world;
	end->node = teredo_world_add(world, box, settings);
	assert_true(end->node >= 0);
	assert_ok(ponto_datagrams_open(world->nodes[end->node].wide, teredo_world_loop(world, (size_t)end->node), &want,
				       &events, end, &end->d));
}

static void add_behind(struct teredo_world *world, struct end *end, enum kind kind, uint32_t box)
{
	if (kind != NONE)
		assert_ok(ponto_sim_network_nat(world->sim, box, &boxes[kind]));
	add(world, end, kind == NONE ? 0 : box, NULL);
	assert_true(teredo_world_wait(world, end->d, &end->addr));
}

static void send_to(struct end *end, const struct ponto_addr *peer)
{
	struct ponto_datagram d = {.peer = *peer, .data = ponto_bytes("PNRP?", 5)};
	size_t sent;

	/* What cannot be sent now is as good as lost: the application sends again. */
	(void)!ponto_datagrams_send(end->d, &d, 1, &sent);
}

/* a sends every second until it has an answer; how many seconds that took, 0: it has none. */
static unsigned talk(struct end *a, struct end *b, unsigned seconds)
{
	unsigned before = a->received;

	b->echo = true;
	for (unsigned i = 1; i <= seconds; i++) {
		send_to(a, &b->addr);
		teredo_world_run(a->world, PONTO_SECOND);
		if (a->received > before)
			return i;
	}
	return 0;
}

static unsigned pair(enum kind from, enum kind to, uint64_t seed, uint32_t loss, uint64_t jitter, uint64_t *hash)
{
	struct ponto_sim_network_model model;
	struct teredo_world world;
	struct end a, b;
	unsigned took;

	assert_true(teredo_world_init(&world, seed, false));
	assert_ok(ponto_sim_network_get(world.sim, &model));
	add_behind(&world, &a, from, 1);
	add_behind(&world, &b, to, 2);
	model.loss = loss;
	model.jitter = jitter;
	assert_ok(ponto_sim_network_set(world.sim, &model));
	took = talk(&a, &b, SECONDS);
	if (took) {
		assert_true(ponto_addr_equal(&b.peer, &a.addr));
		assert_true(ponto_addr_equal(&a.peer, &b.addr));
	}
	*hash = ponto_sim_hash(world.sim);
	ponto_datagrams_close(&a.d);
	ponto_datagrams_close(&b.d);
	teredo_world_fini(&world);
	return took;
}

static void every_pair_meets(void **state)
{
	uint64_t hash, again;

	(void)state;
	for (enum kind from = 0; from < KINDS; from++) {
		for (enum kind to = 0; to < KINDS; to++) {
			for (uint64_t seed = 1; seed <= 4; seed++) {
				unsigned took = pair(from, to, seed, 0, 0, &hash);

				if (meet[from][to] && !took)
					fail_msg("%s to %s does not meet, seed %u", names[from], names[to],
						 (unsigned)seed);
				if (seed == 1)
					print_message("# %s to %s: %u s\n", names[from], names[to], took);
			}
		}
	}
	pair(PRESERVING, SEQUENTIAL, 9, 50000, 0, &hash);
	pair(PRESERVING, SEQUENTIAL, 9, 50000, 0, &again);
	assert_true(hash == again);
}

static void and_with_loss(void **state)
{
	uint64_t hash;

	(void)state;
	for (enum kind from = 0; from < KINDS; from++) {
		for (enum kind to = 0; to < KINDS; to++) {
			/* One prediction in vain is all that random ports have in a minute. */
			bool sure = meet[from][to] && from <= PORT && to <= PORT;

			for (uint64_t seed = 11; seed <= 14; seed++)
				if (!pair(from, to, seed, 100000, 5 * PONTO_MS, &hash) && sure)
					fail_msg("%s to %s does not meet with loss, seed %u", names[from], names[to],
						 (unsigned)seed);
		}
	}
}

/* Neither knows the other's private address, and the box does not hairpin: each tells it by its server. */
static void behind_one_box(void **state)
{
	struct teredo_world world;
	struct end a, b;

	(void)state;
	for (enum kind kind = CONE; kind <= PORT; kind++) {
		assert_true(teredo_world_init(&world, 1, false));
		add_behind(&world, &a, kind, 1);
		add(&world, &b, 1, NULL);
		assert_true(teredo_world_wait(&world, b.d, &b.addr));
		assert_int_not_equal(talk(&a, &b, SECONDS), 0);
		ponto_datagrams_close(&a.d);
		ponto_datagrams_close(&b.d);
		teredo_world_fini(&world);
	}
}

/* Without hairpinning by bubbles, but with local discovery, they find each other on the link. */
static void on_one_link(void **state)
{
	static const char *const local[] = {"extensions=symmetric", "local_discovery=true", NULL};
	struct teredo_world world;
	struct end a, b;

	(void)state;
	PONTO_PROVES("TEREDO-173");
	assert_true(teredo_world_init(&world, 1, false));
	assert_ok(ponto_sim_network_nat(world.sim, 1, &boxes[PORT]));
	add(&world, &a, 1, local);
	add(&world, &b, 1, local);
	assert_true(teredo_world_wait(&world, a.d, &a.addr) && teredo_world_wait(&world, b.d, &b.addr));
	assert_int_equal(talk(&a, &b, 20), 0);
	teredo_world_run(&world, 300 * PONTO_SECOND);
	assert_int_not_equal(talk(&a, &b, 20), 0);
	ponto_datagrams_close(&a.d);
	ponto_datagrams_close(&b.d);
	teredo_world_fini(&world);
}

static void mapping_is_kept_alive(void **state)
{
	struct ponto_sim_nat nat = boxes[PORT];
	struct teredo_world world;
	struct end a;

	(void)state;
	nat.timeout = 31 * PONTO_SECOND;
	assert_true(teredo_world_init(&world, 1, false));
	assert_ok(ponto_sim_network_nat(world.sim, 1, &nat));
	add(&world, &a, 1, NULL);
	assert_true(teredo_world_wait(&world, a.d, &a.addr));
	assert_int_equal(a.changes, 1);
	teredo_world_run(&world, 3600 * PONTO_SECOND);
	assert_int_equal(a.changes, 1);
	ponto_datagrams_close(&a.d);
	teredo_world_fini(&world);
}

/* What half an hour takes, of both ways. */
static uint64_t datagrams(struct teredo_world *world)
{
	struct ponto_sim_network_stats before, after;

	assert_ok(ponto_sim_network_stats(world->sim, &before));
	teredo_world_run(world, 1800 * PONTO_SECOND);
	assert_ok(ponto_sim_network_stats(world->sim, &after));
	return after.sent - before.sent;
}

/* The longest interval that the box allows, but for its last quarter, and no mapping lost by that. */
static void longer_interval_is_found(void **state)
{
	static const char *const search[] = {"interval_search=true", NULL};
	struct ponto_sim_nat nat = boxes[PORT];
	struct teredo_world world;
	struct end a;

	(void)state;
	for (unsigned timeout = 40; timeout <= 160; timeout += 10) {
		uint64_t usual;

		nat.timeout = timeout * PONTO_SECOND;
		assert_true(teredo_world_init(&world, 1, false));
		assert_ok(ponto_sim_network_nat(world.sim, 1, &nat));
		add(&world, &a, 1, NULL);
		assert_true(teredo_world_wait(&world, a.d, &a.addr));
		usual = datagrams(&world);
		ponto_datagrams_close(&a.d);
		teredo_world_fini(&world);
		assert_true(teredo_world_init(&world, 1, false));
		assert_ok(ponto_sim_network_nat(world.sim, 1, &nat));
		add(&world, &a, 1, search);
		teredo_world_run(&world, 600 * PONTO_SECOND);
		assert_int_equal(a.changes, 1);
		if (timeout >= 100)
			assert_true(2 * datagrams(&world) < usual);
		else
			assert_true(datagrams(&world) <= usual + 8);
		assert_int_equal(a.changes, 1);
		ponto_datagrams_close(&a.d);
		teredo_world_fini(&world);
	}
}

/* The box starts anew: the address changes, the application is told, and talks on with the new one. */
static void box_forgets(void **state)
{
	struct ponto_addr before;
	struct teredo_world world;
	struct end a, b;
	size_t count;

	(void)state;
	PONTO_PROVES("TEREDO-152", "TEREDO-153");
	assert_true(teredo_world_init(&world, 1, false));
	add_behind(&world, &a, PORT, 1);
	add_behind(&world, &b, PORT, 2);
	assert_int_not_equal(talk(&a, &b, SECONDS), 0);
	before = a.addr;
	assert_ok(ponto_sim_network_nat(world.sim, 1, &boxes[PORT]));
	teredo_world_run(&world, 40 * PONTO_SECOND);
	assert_int_equal(a.changes, 2);
	assert_ok(ponto_datagrams_local(a.d, &a.addr, 1, &count));
	assert_int_equal(count, 1);
	assert_false(ponto_addr_equal(&a.addr, &before));
	assert_int_not_equal(talk(&a, &b, SECONDS), 0);
	assert_true(ponto_addr_equal(&b.peer, &a.addr));
	ponto_datagrams_close(&a.d);
	ponto_datagrams_close(&b.d);
	teredo_world_fini(&world);
}

static void server_goes_away(void **state)
{
	struct teredo_world world;
	struct end a, b;
	size_t count;

	(void)state;
	assert_true(teredo_world_init(&world, 1, false));
	add_behind(&world, &a, PORT, 1);
	add_behind(&world, &b, ADDRESS, 2);
	assert_int_not_equal(talk(&a, &b, SECONDS), 0);
	world.server_down = true;
	for (int i = 0; i < 300; i++)
		assert_int_equal(talk(&a, &b, 1), 1);
	assert_int_equal(a.changes + b.changes, 2);
	/* Silent, they lose their addresses; with the server back they get them again. */
	teredo_world_run(&world, 300 * PONTO_SECOND);
	assert_ok(ponto_datagrams_local(a.d, &a.addr, 1, &count));
	assert_int_equal(count, 0);
	world.server_down = false;
	teredo_world_run(&world, 200 * PONTO_SECOND);
	assert_true(teredo_world_wait(&world, a.d, &a.addr) && teredo_world_wait(&world, b.d, &b.addr));
	assert_int_not_equal(talk(&a, &b, SECONDS), 0);
	ponto_datagrams_close(&a.d);
	ponto_datagrams_close(&b.d);
	teredo_world_fini(&world);
}

static void nothing_crosses(void **state)
{
	static const struct ponto_sim_nat blocked = {.blocked = true};
	struct teredo_world world;
	struct ponto_addr addr;
	struct end a;
	size_t count = 9, sent;
	struct ponto_datagram d = {.data = ponto_bytes("x", 1)};

	(void)state;
	PONTO_PROVES("TEREDO-121");
	assert_true(teredo_world_init(&world, 1, false));
	assert_ok(ponto_sim_network_nat(world.sim, 1, &blocked));
	add(&world, &a, 1, NULL);
	teredo_world_run(&world, 600 * PONTO_SECOND);
	assert_ok(ponto_datagrams_local(a.d, &addr, 1, &count));
	assert_int_equal(count, 0);
	assert_ok(ponto_addr_parse("[2001:0:2c00:40:0:efff:d2ff:fffd]:3540", 0, &d.peer));
	assert_int_equal(ponto_datagrams_send(a.d, &d, 1, &sent), PONTO_EUNREACH);
	ponto_datagrams_close(&a.d);
	/* A peer that is silent is told as unreachable by a later send. */
	add_behind(&world, &a, PORT, 2);
	assert_ok(ponto_datagrams_send(a.d, &d, 1, &sent));
	teredo_world_run(&world, 7 * PONTO_SECOND);
	assert_ok(ponto_datagrams_send(a.d, &d, 1, &sent));
	teredo_world_run(&world, 2 * PONTO_SECOND);
	assert_int_equal(ponto_datagrams_send(a.d, &d, 1, &sent), PONTO_EUNREACH);
	ponto_datagrams_close(&a.d);
	teredo_world_fini(&world);
}

/* Ports of different runs, and one that is wanted. */
static bool seen_port(void *ctx, const struct ponto_datagram *d)
{
	*(uint16_t *)ctx = d->local.port != TEREDO_PORT ? d->local.port : *(uint16_t *)ctx;
	return true;
}

static void service_ports(void **state)
{
	static const char *const wanted[] = {"service_port=40000", NULL};
	uint16_t ports[20], port;
	unsigned distinct = 0;

	(void)state;
	PONTO_PROVES("TEREDO-028", "TEREDO-032", "TEREDO-033");
	for (uint64_t i = 0; i < 20; i++) {
		struct teredo_world world;
		struct end a, b;
		bool is_new = true;

		assert_true(teredo_world_init(&world, i, false));
		assert_ok(ponto_sim_network_filter(world.sim, seen_port, &port));
		add_behind(&world, &a, NONE, 0);
		ports[i] = port;
		for (uint64_t j = 0; j < i; j++)
			is_new = is_new && ports[j] != ports[i];
		distinct += is_new;
		add(&world, &b, 0, wanted);
		assert_true(teredo_world_wait(&world, b.d, &b.addr));
		assert_int_equal(port, 40000);
		/* And everything else from there, too. */
		for (int s = 0; s < 20; s++) {
			send_to(&b, &a.addr);
			teredo_world_run(&world, PONTO_SECOND);
			assert_true(port == 40000 || port == ports[i]);
		}
		ponto_datagrams_close(&a.d);
		ponto_datagrams_close(&b.d);
		teredo_world_fini(&world);
	}
	assert_true(distinct >= 19);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_pair_meets), cmocka_unit_test(and_with_loss),	     cmocka_unit_test(behind_one_box),
	cmocka_unit_test(on_one_link),	    cmocka_unit_test(mapping_is_kept_alive), cmocka_unit_test(box_forgets),
	cmocka_unit_test(longer_interval_is_found),
	cmocka_unit_test(server_goes_away), cmocka_unit_test(nothing_crosses),	     cmocka_unit_test(service_ports),
};

PONTO_TEST_MAIN(tests)
