/* discovery-wsd among neighbours that say what the test wants, over the simulated network. */
#include "tests/unit/discovery_wsd_rig.h"

/* ---- neighbours ------------------------------------------------------------------------ */

/* Asks for an_id(first) and those behind it. */
static void ask(struct neighbour *n, uint8_t version, unsigned first, uint16_t count)
{
	struct ponto_addr group = the_group();
	struct wsd_probe probe = {.version = version, .count = count};
	char text[WSD_MESSAGE_MAX + 1];
	size_t len;

	snprintf(probe.message_id, sizeof(probe.message_id), "urn:uuid:%u-%u", n->addr.ip[15], ++n->named);
	for (unsigned i = 0; i < count; i++)
		probe.ids[i] = an_id(first + i);
	assert_ok(wsd_probe_make(&probe, text, WSD_MESSAGE_MAX, &len));
	text[len] = 0;
	say(n, &group, text);
}

/* The only thing heard, which is an answer. */
static struct wsd_match heard_match(struct neighbour *n)
{
	struct wsd_match m;

	assert_int_equal(n->count, 1);
	assert_ok(wsd_match_parse(ponto_bytes(n->heard[0], strlen(n->heard[0])), &m));
	assert_int_equal(n->hop_limit[0], 1);
	n->count = 0;
	return m;
}

/* ---- owners ---------------------------------------------------------------------------- */

static void publish(struct owner *o, const char *text)
{
	struct ponto_addr addr = discovery_addr(text);

	assert_ok(ponto_discovery_publish(o->fixture->discovery, o->handle, &addr, 1));
}

/* ---- answering ------------------------------------------------------------------------------- */

static void what_is_held_is_answered_while_it_is(void **state)
{
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, false);
	struct wsd_match m;
	struct owner o;

	(void)state;
	PONTO_PROVES("DIST-167", "DIST-177", "DIST-162");
	owner_open(&o, f);
	publish(&o, "[::]:80");
	ask(n, 1, 0, 2);
	run(f, PONTO_SECOND);
	assert_int_equal(o.lookups, 1);
	assert_int_equal(n->count, 0);
	o.holds = 1;
	ask(n, 1, 0, 2);
	run(f, PONTO_SECOND);
	m = heard_match(n);
	assert_int_equal(m.count, 1);
	assert_int_equal(m.segments[0].blocks, 1);
	o.holds = 2;
	ask(n, 1, 0, 2);
	run(f, PONTO_SECOND);
	m = heard_match(n);
	assert_int_equal(m.count, 2);
	assert_int_equal(m.segments[1].blocks, 2);
	ask(n, 2, 0, 3);
	run(f, PONTO_SECOND);
	m = heard_match(n);
	assert_int_equal(m.segments[0].state, WSD_COMPLETE);
	assert_int_equal(m.segments[1].state, WSD_PARTIAL);
	assert_int_equal(m.segments[2].state, WSD_ABSENT);
	assert_int_equal(m.segments[1].age, 3 * PONTO_SECOND);
	o.holds = 0;
	ask(n, 2, 0, 3);
	run(f, PONTO_SECOND);
	assert_int_equal(n->count, 0);
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

/* What is told is of use to others. */
static void answers_carry_own_addresses_on_the_link(void **state)
{
	static const char *const published[] = {"[::]:8008", "0.0.0.0:80", "[::1]:80", "[2001:db8:7::1]:80"};
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, false);
	struct ponto_addr addrs[4];
	struct wsd_match m;
	struct owner o;

	(void)state;
	PONTO_PROVES("DIST-140");
	owner_open(&o, f);
	o.holds = 1;
	for (size_t i = 0; i < 4; i++)
		addrs[i] = discovery_addr(published[i]);
	assert_ok(ponto_discovery_publish(f->discovery, o.handle, addrs, 4));
	ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	m = heard_match(n);
	assert_int_equal(m.addr_count, 3); /* global and site first */
	assert_int_equal(ponto_addr_scope(&m.addrs[2]), PONTO_SCOPE_LINK);
	for (size_t i = 0; i < 3; i++) {
		assert_true(ponto_addr_scope(&m.addrs[i]) > PONTO_SCOPE_LOOPBACK);
		assert_int_equal(m.addrs[i].port, 8008);
	}
	assert_ok(ponto_discovery_publish(f->discovery, o.handle, &addrs[2], 2)); /* nothing that is on the link */
	ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	assert_int_equal(n->count, 0);
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void an_instance_is_named_by_when_it_began(void **state)
{
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, false);
	struct wsd_match first, second;
	struct owner o;

	(void)state;
	PONTO_PROVES("DIST-134", "DIST-136", "DIST-131");
	run(f, 100 * PONTO_SECOND);
	owner_open(&o, f);
	o.holds = 1;
	publish(&o, "[::]:80");
	ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	first = heard_match(n);
	assert_int_equal(first.instance, UNIX_2026 + 100);
	assert_int_equal(first.number, 1);
	owner_close(&o);
	owner_open(&o, f);
	o.holds = 1;
	publish(&o, "[::]:80");
	ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	second = heard_match(n);
	assert_int_equal(second.instance, UNIX_2026 + 101);
	assert_int_equal(second.number, 1);
	assert_string_not_equal(first.address, second.address);
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void nothing_is_answered_before_and_after_publication(void **state)
{
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, false);
	struct owner o;

	(void)state;
	owner_open(&o, f);
	o.holds = 1;
	assert_ok(seek(&o, 1, 1, 1)); /* the links are looked at */
	run(f, PONTO_SECOND);
	ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	assert_int_equal(o.lookups + n->count, 0);
	publish(&o, "[::]:80");
	run(f, PONTO_MS);
	ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	heard_match(n);
	assert_int_equal(o.lookups, 1);
	ponto_discovery_unpublish(f->discovery, o.handle);
	run(f, PONTO_MS);
	ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	assert_int_equal(o.lookups, 1);
	assert_int_equal(n->count, 0);
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void one_finds_what_another_holds(void **state)
{
	struct discovery_fixture *f = make();
	struct owner a, b;

	(void)state;
	owner_open(&a, f);
	owner_open(&b, f);
	a.holds = 2;
	publish(&a, "[::]:80");
	assert_ok(seek(&b, 2, 3, 77));
	run(f, PONTO_SECOND);
	assert_int_equal(b.found, 1);
	assert_int_equal(b.tag, 77);
	assert_int_equal(b.held[0].state, PONTO_HELD_ALL);
	assert_int_equal(b.held[1].state, PONTO_HELD_PART);
	assert_int_equal(b.held[2].state, PONTO_HELD_NOTHING);
	assert_int_equal(b.addrs[0].port, 80);
	assert_int_equal(b.replies, 1);
	assert_int_equal(b.full, 0);
	assert_ok(seek(&a, 2, 1, 78)); /* nobody finds himself */
	run(f, PONTO_SECOND);
	assert_int_equal(a.found, 0);
	assert_int_equal(a.ended, 1);
	owner_close(&a);
	owner_close(&b);
	discovery_fixture_free(f);
}

static void handles_may_be_closed_in_every_callback(void **state)
{
	struct discovery_fixture *f = make();
	struct owner a, b;

	(void)state;
	for (unsigned where = 1; where <= 3; where++) {
		owner_open(&a, f);
		owner_open(&b, f);
		a.holds = 1;
		a.close_in = where == 1 ? 1 : 0;
		b.close_in = where;
		publish(&a, "[::]:80");
		assert_ok(seek(&b, 2, 1, 1));
		assert_ok(seek(&b, 2, 1, 2));
		run(f, PONTO_SECOND);
		assert_true(where == 1 ? a.handle == NULL && b.ended == 2 : b.handle == NULL);
		if (a.handle)
			owner_close(&a);
		if (b.handle)
			owner_close(&b);
		run(f, PONTO_SECOND);
	}
	discovery_fixture_free(f);
}

/* ---- links -------------------------------------------------------------------------------------- */

static void links_come_and_go(void **state)
{
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, true);
	uint32_t self = ponto_sim_node_number(f->place);
	struct owner o;

	(void)state;
	assert_ok(ponto_sim_network_set_addresses(f->world, self, 0));
	owner_open(&o, f);
	o.holds = 1;
	publish(&o, "[::]:80");
	assert_ok(seek(&o, 1, 1, 5)); /* nowhere to ask: over at once */
	assert_int_equal(o.ended, 0);
	run(f, PONTO_MS);
	assert_int_equal(o.ended, 1);
	assert_int_equal(n->count, 0);
	assert_ok(ponto_sim_network_set_addresses(f->world, self, 1));
	run(f, 31 * PONTO_SECOND);
	ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	assert_int_equal(o.lookups, 1);
	n->count = 0;
	assert_ok(seek(&o, 1, 1, 6)); /* and it goes in the middle of a question */
	run(f, 20 * PONTO_MS);
	assert_int_equal(n->count, 1);
	assert_int_equal(o.ended, 0);
	assert_ok(ponto_sim_network_set_addresses(f->world, self, 0));
	run(f, 40 * PONTO_MS);
	assert_int_equal(o.ended, 1);
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

/* ---- what strangers do ------------------------------------------------------------------------- */

static void nonsense_is_not_answered(void **state)
{
	static const char *const texts[] = {
		"",
		"nonsense",
		"<a/>",
		"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
		"M-SEARCH * HTTP/1.1\r\n\r\n",
	};
	struct ponto_addr group = the_group();
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, false);
	struct owner o;

	(void)state;
	owner_open(&o, f);
	o.holds = 1;
	publish(&o, "[::]:80");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(texts); i++)
		say(n, &group, texts[i]);
	run(f, PONTO_SECOND);
	assert_int_equal(o.lookups + n->count, 0);
	ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	heard_match(n);
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

/* A burst of hundreds is answered; a flood is read within the limit, and does not keep others from being heard. */
static void a_burst_is_answered_and_a_flood_bounded(void **state)
{
	struct discovery_fixture *f = make();
	struct neighbour *flooder = neighbour_new(f, PONTO_SCOPE_LINK, false);
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, false);
	struct owner o;

	(void)state;
	owner_open(&o, f);
	o.holds = 1;
	publish(&o, "[::]:80");
	for (unsigned i = 0; i < 500; i++)
		ask(n, 1, 0, 1);
	run(f, PONTO_SECOND);
	assert_int_equal(n->count, 500);
	n->count = 0;
	o.lookups = 0;
	for (unsigned i = 0; i < 20000; i++)
		ask(flooder, 1, 0, 1);
	run(f, PONTO_SECOND / 10);
	assert_in_range(o.lookups, WSD_ANSWERS_MAX / 2, WSDD_SENDER_BURST + 1);
	assert_in_range(flooder->count, WSD_ANSWERS_MAX / 2, WSD_ANSWERS_MAX);
	n->count = 0;
	for (unsigned i = 0; i < 20000; i++)
		ask(flooder, 1, 0, 1);
	ask(n, 1, 0, 1); /* behind them, while the flooder has used up what is his */
	run(f, PONTO_SECOND);
	assert_int_equal(n->count, 1);
	run(f, 10 * PONTO_SECOND);
	flooder->count = 0;
	ask(flooder, 1, 0, 1);
	run(f, PONTO_SECOND);
	assert_int_equal(flooder->count, 1);
	owner_close(&o);
	neighbour_free(flooder);
	neighbour_free(n);
	discovery_fixture_free(f);
}

/* An instance of its own on this memory: asked, asking, found, and closed. */
static int oom_run(const struct ponto_alloc *alloc, void *arg)
{
	static const char *const settings[] = {"transports=net", NULL}, *const addrs[] = {"[fe80::9]:80"};
	struct neighbour *n = arg;
	struct discovery_fixture *f = n->fixture;
	struct ponto_env env = {.abi = PONTO_PLUGIN_ABI,
				.size = sizeof(env),
				.instance = "disc",
				.alloc = alloc,
				.clock = ponto_sim_node_clock(f->place),
				.random = ponto_sim_node_random(f->place),
				.node = f->node,
				.simulation = true};
	struct ponto_discovery usual = f->discovery;
	struct owner o = {.fixture = f, .holds = 1};
	struct ponto_conf *conf;
	int result;

	assert_ok(ponto_conf_make(&ponto_alloc_system, WSD->options, WSD->option_count, settings, NULL, 0, &conf));
	env.conf = conf;
	f->discovery = (struct ponto_discovery){(const struct ponto_discovery_ops *)WSD->vtable, NULL, NULL};
	result = f->discovery.ops->create(&env, &f->discovery.self);
	if (!result)
		result = ponto_discovery_open(f->discovery, f->loop, &content, &events, &o, &o.handle);
	if (!result) {
		assert_ok(ponto_discovery_pieces(f->discovery, o.handle, &pieces));
		publish(&o, "[::]:80");
		result = seek(&o, 2, 1, 1);
		run(f, 20 * PONTO_MS);
		if (n->count > 0)
			answer(n, addrs, 1);
		ask(n, 2, 0, 1);
		run(f, PONTO_SECOND);
		n->last_of_owner = o.found + o.lookups;
		assert_int_equal(o.ended, result ? 0 : 1); /* whatever was lost on the way */
		owner_close(&o);
	}
	n->count = 0;
	f->discovery.ops->destroy(f->discovery.self);
	f->discovery = usual;
	ponto_conf_destroy(conf);
	return result;
}

static void refused_memory_is_survived(void **state)
{
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, true);

	(void)state;
	ponto_test_oom(oom_run, n, true);
	assert_int_equal(n->last_of_owner, 2); /* the run that was refused nothing found and was asked */
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void unknown_transport_is_refused(void **state)
{
	static const char *const settings[] = {"transports=elsewhere", NULL};
	char text[4096];

	(void)state;
	assert_int_equal(discovery_try(WSD, settings, text, sizeof(text)), PONTO_ENOENT);
	assert_non_null(strstr(text, "elsewhere"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_held_is_answered_while_it_is),
	cmocka_unit_test(answers_carry_own_addresses_on_the_link),
	cmocka_unit_test(an_instance_is_named_by_when_it_began),
	cmocka_unit_test(nothing_is_answered_before_and_after_publication),
	cmocka_unit_test(one_finds_what_another_holds),
	cmocka_unit_test(handles_may_be_closed_in_every_callback),
	cmocka_unit_test(links_come_and_go),
	cmocka_unit_test(nonsense_is_not_answered),
	cmocka_unit_test(a_burst_is_answered_and_a_flood_bounded),
	cmocka_unit_test(refused_memory_is_survived),
	cmocka_unit_test(unknown_transport_is_refused),
};

PONTO_TEST_MAIN(tests)
