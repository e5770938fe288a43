/* mapping-gateway in virtual time: a PCP gateway and a node behind it on one link; datagrams are lost, doubled and
 * reordered, the gateway is started anew, goes away, comes back. A failure prints its seed. */
#include "framework/mapping.h"
#include "framework/node.h"
#include "framework/sim.h"
#include "framework/transport.h"
#include "plugins/transport-sim/sim_network.h"
#include "tests/support/test.h"

#include <stdio.h>

extern const struct ponto_plugin transport_sim_LTX_ponto_plugin, mapping_gateway_LTX_ponto_plugin;

#define PORT 40000
#define OUTSIDE "\x0b\x00\x00\x65"
#define SEEDS 100

struct side {
	struct ponto_sim_node *sim;
	struct ponto_node *node;
	struct ponto_conf *confs[2];
	size_t conf_count;
	struct ponto_transport wire;
};

struct world {
	struct ponto_sim *sim;
	struct side gateway, client;
	struct ponto_datagrams door; /* the gateway's */
	struct ponto_addr door_addr, own;
	/* the gateway */
	bool silent, refuses;
	uint64_t booted;
	bool mapped;
	uint64_t expires;
	uint16_t external;
	unsigned requests;
	/* the client */
	struct ponto_mapping mapping;
	struct ponto_mapping_handle *handle;
	struct ponto_mapping_info info;
	unsigned changes;
};

/* ---- the gateway: RFC 6887's server, as little of it as one mapping needs ------------------------- */

static void put32(uint8_t *at, uint64_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		at[i] = (uint8_t)v;
}

static void respond(struct world *w, const struct ponto_addr *to, uint8_t *m, size_t len)
{
	struct ponto_datagram out = {.peer = *to, .local = w->door_addr, .data = ponto_bytes(m, len)};
	size_t sent;

	put32(m + 8, (ponto_sim_now(w->sim) - w->booted) / PONTO_SECOND);
	memset(m + 12, 0, 12);
	(void)!ponto_datagrams_send(w->door, &out, 1, &sent);
}

static void at_gateway(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct world *w = arg;

	for (size_t i = 0; i < count && !w->silent; i++) {
		uint32_t lifetime;
		uint8_t m[64]; /* the last four: PREFER_FAILURE */

		assert_true(batch[i].data.len == 60 || batch[i].data.len == 64);
		memcpy(m, batch[i].data.data, batch[i].data.len);
		w->requests++;
		lifetime = (uint32_t)m[4] << 24 | (uint32_t)m[5] << 16 | (uint32_t)m[6] << 8 | m[7];
		m[1] |= 0x80;
		m[2] = 0;
		m[3] = w->refuses ? 2 : 0;
		w->mapped = lifetime && !w->refuses;
		w->expires = ponto_sim_now(w->sim) + lifetime * PONTO_SECOND;
		memcpy(m + 44, "\0\0\0\0\0\0\0\0\0\0\xff\xff" OUTSIDE, 16);
		m[42] = (uint8_t)(w->external >> 8);
		m[43] = (uint8_t)w->external;
		respond(w, &batch[i].peer, m, batch[i].data.len);
	}
}

/* Starts anew, having forgotten everything; says so to all if told to. */
static void reboot(struct world *w, bool announce)
{
	struct ponto_addr all = {{224, 0, 0, 1}, 0, 5350, PONTO_FAMILY_IPV4, 0};
	uint8_t m[24] = {2, 0x80};

	w->booted = ponto_sim_now(w->sim);
	w->mapped = false;
	if (announce)
		respond(w, &all, m, sizeof(m));
}

static bool has_it(const struct world *w)
{
	return w->mapped && ponto_sim_now(w->sim) < w->expires;
}

/* ---- building it ------------------------------------------------------------------------------------ */

static int add(struct side *s, const struct ponto_alloc *alloc, const struct ponto_plugin *plugin, const char *name,
	       const char *const *settings)
{
	char error[256] = "", reason[PONTO_REASON_SIZE] = "";
	int result = ponto_conf_make(alloc, plugin->options, plugin->option_count, settings, error, sizeof(error),
				     &s->confs[s->conf_count]);

	if (result != PONTO_OK)
		return result;
	return ponto_node_add(s->node, plugin, name, s->confs[s->conf_count++], reason);
}

static int make_side(struct world *w, struct side *s, const struct ponto_alloc *alloc)
{
	static const char *const four[] = {"family=4", NULL};
	struct ponto_node_setup setup = {.name = "node", .alloc = alloc, .simulation = true};
	struct ponto_iface iface;
	int result;

	assert_ok(ponto_sim_node(w->sim, &s->sim));
	assert_ok(ponto_sim_network_behind(w->sim, ponto_sim_node_number(s->sim), 1));
	setup.random = ponto_sim_node_random(s->sim);
	setup.clock = ponto_sim_node_clock(s->sim);
	setup.loop = ponto_sim_node_loop(s->sim);
	result = ponto_node_create(&setup, &s->node);
	if (result == PONTO_OK)
		result = add(s, alloc, &transport_sim_LTX_ponto_plugin, "wire", four);
	if (result != PONTO_OK)
		return result;
	assert_ok(ponto_node_find(s->node, PONTO_KIND_TRANSPORT, "wire", &iface));
	s->wire = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	return PONTO_OK;
}

/* The client's own address, by a handle that is closed again. */
static int own_address(struct world *w)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = PORT, .max_addresses = 1};
	struct ponto_datagram_events events = {.receive = at_gateway};
	struct ponto_datagrams d;
	size_t count;
	int result = ponto_datagrams_open(w->client.wire, ponto_sim_node_loop(w->client.sim), &want, &events, w, &d);

	if (result != PONTO_OK)
		return result;
	assert_ok(ponto_datagrams_local(d, &w->own, 1, &count));
	ponto_datagrams_close(&d);
	return PONTO_OK;
}

static int world_make(struct world *w, uint64_t seed, const struct ponto_alloc *alloc)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = 5351, .max_addresses = 1};
	struct ponto_datagram_events events = {.receive = at_gateway};
	char gateway[PONTO_ADDR_TEXT + 16] = "gateway=", text[PONTO_ADDR_TEXT];
	const char *settings[] = {"transport=wire", "retry=60", "lifetime=3600", gateway, NULL};
	struct ponto_addr bare;
	struct ponto_iface iface;
	size_t count;
	int result;

	memset(w, 0, sizeof(*w));
	w->external = PORT;
	assert_ok(ponto_sim_create(&ponto_alloc_system, seed, &w->sim));
	assert_ok(ponto_sim_network_nat(w->sim, 1, &(struct ponto_sim_nat){0}));
	assert_ok(make_side(w, &w->gateway, &ponto_alloc_system));
	assert_ok(ponto_datagrams_open(w->gateway.wire, ponto_sim_node_loop(w->gateway.sim), &want, &events, w, &w->door));
	assert_ok(ponto_datagrams_local(w->door, &w->door_addr, 1, &count));
	bare = w->door_addr;
	bare.port = 0;
	snprintf(gateway, sizeof(gateway), "gateway=%s", ponto_addr_format(&bare, text));
	result = make_side(w, &w->client, alloc);
	if (result == PONTO_OK)
		result = own_address(w);
	if (result == PONTO_OK)
		result = add(&w->client, alloc, &mapping_gateway_LTX_ponto_plugin, "gate", settings);
	if (result != PONTO_OK)
		return result;
	assert_ok(ponto_node_find(w->client.node, PONTO_KIND_MAPPING, "gate", &iface));
	w->mapping = (struct ponto_mapping){(const struct ponto_mapping_ops *)iface.ops, iface.self, iface.pool};
	return PONTO_OK;
}

static void side_end(struct side *s, const struct ponto_alloc *alloc)
{
	(void)alloc;
	(void)ponto_node_destroy(s->node);
	for (size_t i = 0; i < s->conf_count; i++)
		ponto_conf_destroy(s->confs[i]);
}

static void world_end(struct world *w)
{
	ponto_mapping_close(w->mapping, w->handle);
	ponto_datagrams_close(&w->door);
	side_end(&w->client, NULL);
	side_end(&w->gateway, NULL);
	ponto_sim_destroy(w->sim);
}

static void changed(void *arg, const struct ponto_mapping_info *info)
{
	struct world *w = arg;

	w->info = *info;
	w->changes++;
}

static int ask(struct world *w, bool exact)
{
	static const struct ponto_mapping_events events = {changed};
	struct ponto_mapping_want want = {.local = w->own, .protocol = 17, .exact = exact, .description = "TEST"};

	return ponto_mapping_open(w->mapping, ponto_sim_node_loop(w->client.sim), &want, &events, w, &w->handle);
}

static void run(struct world *w, uint64_t seconds)
{
	(void)!ponto_sim_run(w->sim, ponto_sim_now(w->sim) + seconds * PONTO_SECOND);
}

/* ---- cases -------------------------------------------------------------------------------------------- */

static void from_asking_to_giving_back(void **state)
{
	struct world w;

	(void)state;
	assert_ok(world_make(&w, 1, &ponto_alloc_system));
	w.external = 41000;
	assert_ok(ask(&w, false));
	assert_int_equal(w.changes, 0);
	run(&w, 2);
	assert_int_equal(w.info.state, PONTO_MAPPING_HELD);
	assert_string_equal(w.info.how, "PCP");
	assert_int_equal(w.info.external.port, 41000);
	assert_memory_equal(w.info.external.ip, OUTSIDE, 4);
	/* A day: renewed in time, and nobody is told of what stays the same. */
	for (unsigned i = 0; i < 24 * 12; i++) {
		run(&w, 300);
		assert_true(has_it(&w));
	}
	assert_int_equal(w.changes, 1);
	assert_in_range(w.requests, 24, 24 * 4);
	ponto_mapping_close(w.mapping, w.handle);
	w.handle = NULL;
	run(&w, 1);
	assert_false(w.mapped);
	world_end(&w);
}

static void a_gateway_that_starts_anew(void **state)
{
	struct world w;

	(void)state;
	assert_ok(world_make(&w, 2, &ponto_alloc_system));
	assert_ok(ask(&w, false));
	run(&w, 100);
	assert_true(has_it(&w));
	reboot(&w, true);
	run(&w, 6);
	assert_true(has_it(&w)); /* RFC 6887 14.1.3: within 5 s */
	run(&w, 100);
	/* Nobody heard of it: the next renewal restores it. */
	reboot(&w, false);
	run(&w, 3600 * 5 / 8 + 10);
	assert_true(has_it(&w));
	/* Another port outside from then on. */
	w.external = 42000;
	reboot(&w, true);
	run(&w, 6);
	assert_int_equal(w.info.external.port, 42000);
	assert_int_equal(w.changes, 2);
	world_end(&w);
}

static void refusal_and_silence(void **state)
{
	struct world w;

	(void)state;
	assert_ok(world_make(&w, 3, &ponto_alloc_system));
	w.refuses = true;
	assert_ok(ask(&w, true));
	run(&w, 2);
	assert_int_equal(w.info.state, PONTO_MAPPING_NONE);
	assert_string_equal(w.info.why, "PCP: refused, NOT_AUTHORIZED");
	w.refuses = false;
	run(&w, 70);
	assert_int_equal(w.info.state, PONTO_MAPPING_HELD);
	/* It goes away: what was had ends with its lifetime, and is asked for again when it is back. */
	w.silent = true;
	run(&w, 3700);
	assert_int_equal(w.info.state, PONTO_MAPPING_NONE);
	assert_string_equal(w.info.why, "PCP: no answer");
	w.silent = false;
	run(&w, 70);
	assert_int_equal(w.info.state, PONTO_MAPPING_HELD);
	world_end(&w);
}

static void through_losses(void **state)
{
	const struct ponto_sim_network_model bad = {.latency = 20 * PONTO_MS,
						    .jitter = 50 * PONTO_MS,
						    .loss = 300000,
						    .duplicate = 100000,
						    .reorder = 100000,
						    .reorder_delay = 2 * PONTO_SECOND,
						    .mtu = 1452};

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world w;

		assert_ok(world_make(&w, seed, &ponto_alloc_system));
		assert_ok(ponto_sim_network_set(w.sim, &bad));
		assert_ok(ask(&w, false));
		run(&w, 600);
		assert_int_equal(w.info.state, PONTO_MAPPING_HELD);
		for (unsigned i = 0; i < 6; i++) {
			run(&w, 3600);
			if (i % 2)
				reboot(&w, i == 3);
		}
		run(&w, 7200);
		assert_int_equal(w.info.state, PONTO_MAPPING_HELD);
		assert_true(has_it(&w));
		world_end(&w);
	}
}

static int without_memory(const struct ponto_alloc *alloc, void *arg)
{
	struct world w;
	int result = world_make(&w, 1, alloc);

	(void)arg;
	if (result == PONTO_OK)
		result = ask(&w, false);
	if (result == PONTO_OK) {
		run(&w, 10);
		result = w.info.state == PONTO_MAPPING_HELD ? PONTO_OK : PONTO_ENOMEM;
	}
	world_end(&w);
	return result;
}

/* What is not essential, hearing announcements, may fail without more. */
static void memory_may_run_out(void **state)
{
	(void)state;
	ponto_test_oom(without_memory, NULL, true);
}

static void what_cannot_be_mapped(void **state)
{
	static const struct ponto_mapping_events events = {changed};
	struct ponto_mapping_want want;
	struct ponto_loop *loop;
	struct world w;

	(void)state;
	assert_ok(world_make(&w, 1, &ponto_alloc_system));
	loop = ponto_sim_node_loop(w.client.sim);
	want = (struct ponto_mapping_want){.local = w.own, .protocol = 1, .description = "TEST"};
	assert_int_equal(ponto_mapping_open(w.mapping, loop, &want, &events, &w, &w.handle), PONTO_EINVAL);
	want.protocol = 6;
	want.local.port = 0;
	assert_int_equal(ponto_mapping_open(w.mapping, loop, &want, &events, &w, &w.handle), PONTO_EINVAL);
	want.local = w.own;
	want.description = "line\nbreak";
	assert_int_equal(ponto_mapping_open(w.mapping, loop, &want, &events, &w, &w.handle), PONTO_EINVAL);
	want.description = "TEST";
	want.local.family = PONTO_FAMILY_IPV6;
	assert_int_equal(ponto_mapping_open(w.mapping, loop, &want, &events, &w, &w.handle), PONTO_ENOTSUP);
	world_end(&w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(from_asking_to_giving_back),
	cmocka_unit_test(a_gateway_that_starts_anew),
	cmocka_unit_test(refusal_and_silence),
	cmocka_unit_test(through_losses),
	cmocka_unit_test(memory_may_run_out),
	cmocka_unit_test(what_cannot_be_mapped),
};

PONTO_TEST_MAIN(tests)
