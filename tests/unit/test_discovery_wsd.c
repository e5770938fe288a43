/* discovery-wsd among neighbours that say what the test wants, over the simulated network. */
#include <stdio.h>
#include <stdlib.h>

#include "plugins/discovery-wsd/wsdd.h"
#include "plugins/transport-sim/sim_network.h"
#include "tests/conform/discovery_suite.h"

extern const struct ponto_plugin discovery_wsd_LTX_ponto_plugin;

#define WSD (&discovery_wsd_LTX_ponto_plugin)
#define HEARD_MAX 64
#define UNIX_2026 UINT64_C(1767225600) /* where simulated worlds begin */

/* A neighbour: a port of its own, the group if it likes, and what it heard. */
struct neighbour {
	struct discovery_fixture *fixture;
	struct ponto_sim_node *place;
	struct ponto_datagrams net;
	struct ponto_addr addr;
	char heard[HEARD_MAX][8192];
	struct ponto_addr from[HEARD_MAX];
	uint8_t hop_limit[HEARD_MAX];
	size_t count;
	unsigned named; /* messages so far */
	unsigned last_of_owner;
};

/* The owner of a handle. */
struct owner {
	struct discovery_fixture *fixture;
	struct ponto_discovery_handle *handle;
	unsigned holds; /* an_id(0) up to an_id(holds - 1) */
	unsigned lookups, found, ended, done;
	uint64_t tag, ended_tag;
	uint32_t replies, full;
	struct ponto_addr addrs[WSD_ADDRS_MAX];
	size_t addr_count, count;
	struct ponto_held held[PONTO_PIECES_MAX];
	unsigned close_in; /* 1: lookup, 2: found, 3: ended */
};

/* ---- neighbours ------------------------------------------------------------------------ */

static void on_heard(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct neighbour *n = arg;

	for (size_t i = 0; i < count; i++) {
		if (n->count < HEARD_MAX) {
			snprintf(n->heard[n->count], sizeof(n->heard[0]), "%.*s", (int)batch[i].data.len,
				 (const char *)batch[i].data.data);
			n->from[n->count] = batch[i].peer;
			n->hop_limit[n->count] = batch[i].hop_limit;
		}
		n->count++;
	}
}

static struct ponto_addr the_group(void)
{
	return discovery_addr("[ff02::c%1]:3702");
}

static struct neighbour *neighbour_new(struct discovery_fixture *f, enum ponto_scope scope, bool member)
{
	static const struct ponto_datagram_events events = {.receive = on_heard};
	struct ponto_datagram_want want = {.scope = scope, .port = 4000};
	struct ponto_addr group = the_group();
	struct neighbour *n = calloc(1, sizeof(*n));
	size_t count;

	assert_non_null(n);
	n->fixture = f;
	assert_ok(ponto_sim_node(f->world, &n->place));
	assert_ok(ponto_datagrams_open(f->transport, ponto_sim_node_loop(n->place), &want, &events, n, &n->net));
	assert_ok(ponto_datagrams_local(n->net, &n->addr, 1, &count));
	if (member)
		assert_ok(ponto_datagrams_join(n->net, &group));
	return n;
}

static void neighbour_free(struct neighbour *n)
{
	ponto_datagrams_close(&n->net);
	free(n);
}

static void run(struct discovery_fixture *f, uint64_t us)
{
	ponto_sim_run(f->world, ponto_sim_now(f->world) + us);
}

static void say(struct neighbour *n, const struct ponto_addr *to, const char *text)
{
	struct ponto_datagram d = {.peer = *to, .data = ponto_bytes(text, strlen(text))};
	size_t sent;

	assert_ok(ponto_datagrams_send(n->net, &d, 1, &sent));
	assert_int_equal(sent, 1);
}

static struct content_id an_id(unsigned number)
{
	uint8_t bytes[32] = {(uint8_t)number, (uint8_t)(number >> 8), 7};
	struct content_id id;

	assert_ok(content_id_set(ponto_bytes(bytes, sizeof(bytes)), &id));
	return id;
}

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

/* Answers the Probe heard first: all of an_id(0), a part of the others. */
static void answer(struct neighbour *n, const char *const *addrs, uint8_t addr_count)
{
	struct wsd_match m = {.address = "urn:uuid:4", .instance = 1, .number = 1, .addr_count = addr_count};
	struct wsd_probe p;
	char text[WSD_MESSAGE_MAX + 1];
	size_t len;

	assert_ok(wsd_probe_parse(ponto_bytes(n->heard[0], strlen(n->heard[0])), &p));
	m.version = p.version;
	m.count = p.count;
	snprintf(m.message_id, sizeof(m.message_id), "urn:uuid:%u-%u", n->addr.ip[15], ++n->named);
	memcpy(m.relates_to, p.message_id, sizeof(m.relates_to));
	for (unsigned i = 0; i < addr_count; i++)
		m.addrs[i] = discovery_addr(addrs[i]);
	for (unsigned i = 0; i < p.count; i++) {
		m.ids[i] = p.ids[i];
		m.segments[i] = (struct wsd_segment){i ? WSD_PARTIAL : WSD_COMPLETE, 5 + i, true, 7 * PONTO_SECOND};
	}
	assert_ok(wsd_match_make(&m, text, WSD_MESSAGE_MAX, &len));
	text[len] = 0;
	say(n, &n->from[0], text);
}

/* ---- owners ---------------------------------------------------------------------------- */

static void owner_close(struct owner *o)
{
	struct ponto_discovery_handle *handle = o->handle;

	o->handle = NULL;
	ponto_discovery_close(o->fixture->discovery, handle);
}

static void on_lookup(void *arg, const struct ponto_bytes *ids, size_t count, struct ponto_held *held)
{
	struct owner *o = arg;

	assert_non_null(o->handle);
	o->lookups++;
	for (size_t i = 0; i < count; i++) {
		for (unsigned k = 0; k < o->holds; k++) {
			struct content_id id = an_id(k);

			if (ponto_bytes_equal(ids[i], content_id_bytes(&id)))
				held[i] = (struct ponto_held){.state = k ? PONTO_HELD_PART : PONTO_HELD_ALL,
							      .blocks = k + 1,
							      .age = 3 * PONTO_SECOND};
		}
	}
	if (o->close_in == 1)
		owner_close(o);
}

static void on_found(void *arg, uint64_t tag, const struct ponto_addr *addrs, size_t addr_count,
		     const struct ponto_held *held, size_t count)
{
	struct owner *o = arg;

	assert_non_null(o->handle);
	assert_true(addr_count > 0 && addr_count <= WSD_ADDRS_MAX && count <= PONTO_PIECES_MAX);
	assert_int_equal(o->ended, 0);
	o->found++;
	o->tag = tag;
	memcpy(o->addrs, addrs, addr_count * sizeof(*addrs));
	o->addr_count = addr_count;
	memcpy(o->held, held, count * sizeof(*held));
	o->count = count;
	if (o->close_in == 2)
		owner_close(o);
}

static void on_ended(void *arg, uint64_t tag, uint32_t replies, uint32_t full)
{
	struct owner *o = arg;

	assert_non_null(o->handle);
	o->ended++;
	o->ended_tag = tag;
	o->replies = replies;
	o->full = full;
	if (o->close_in == 3)
		owner_close(o);
}

static void on_address(void *arg, enum ponto_discovery_source source, const struct ponto_addr *addrs, size_t count)
{
	(void)arg;
	(void)source;
	(void)addrs;
	(void)count;
	fail_msg("an address that was not asked for");
}

static void on_done(void *arg, enum ponto_discovery_source source)
{
	struct owner *o = arg;

	o->done |= source;
}

static const struct ponto_discovery_want content = {.topic = PONTO_DISCOVERY_CONTENT};
static const struct ponto_discovery_events events = {on_address, on_done};
static const struct ponto_discovery_pieces pieces = {on_lookup, on_found, on_ended};

static void owner_open(struct owner *o, struct discovery_fixture *f)
{
	memset(o, 0, sizeof(*o));
	o->fixture = f;
	assert_ok(ponto_discovery_open(f->discovery, f->loop, &content, &events, o, &o->handle));
	assert_ok(ponto_discovery_pieces(f->discovery, o->handle, &pieces));
}

static void publish(struct owner *o, const char *text)
{
	struct ponto_addr addr = discovery_addr(text);

	assert_ok(ponto_discovery_publish(o->fixture->discovery, o->handle, &addr, 1));
}

static int seek(struct owner *o, unsigned version, unsigned count, uint64_t tag)
{
	static struct content_id ids[PONTO_PIECES_MAX + 1];
	struct ponto_bytes views[PONTO_PIECES_MAX + 1];

	o->ended = 0;
	for (unsigned i = 0; i < count; i++) {
		ids[i] = an_id(i);
		views[i] = content_id_bytes(&ids[i]);
	}
	return ponto_discovery_seek(o->fixture->discovery, o->handle, version, views, count, tag);
}

static struct discovery_fixture *make(void)
{
	static const char *const settings[] = {"transports=net", "wait=400", "backoff=20", NULL};

	return discovery_fixture_new(WSD, settings, true);
}

/* ---- asking ------------------------------------------------------------------------------- */

static void a_question_goes_to_the_group_once(void **state)
{
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, true);
	struct wsd_probe p;
	struct owner o;

	(void)state;
	owner_open(&o, f);
	for (uint8_t version = 1; version <= 2; version++) {
		assert_ok(seek(&o, version, 3, 9));
		run(f, PONTO_SECOND / 4);
		assert_int_equal(n->count, 1);
		assert_int_equal(n->hop_limit[0], 1);
		assert_true(n->from[0].port >= 49152);
		assert_int_equal(ponto_addr_scope(&n->from[0]), PONTO_SCOPE_LINK);
		assert_ok(wsd_probe_parse(ponto_bytes(n->heard[0], strlen(n->heard[0])), &p));
		assert_int_equal(p.version, version);
		assert_int_equal(p.count, 3);
		for (unsigned i = 0; i < 3; i++) {
			struct content_id id = an_id(i);

			assert_true(content_id_equal(&p.ids[i], &id));
		}
		assert_int_equal(o.ended, 0);
		run(f, PONTO_SECOND / 4);
		assert_int_equal(o.ended, 1);
		assert_int_equal(o.ended_tag, 9);
		assert_int_equal(o.replies, 0);
		n->count = 0;
	}
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void what_neighbours_hold_is_found(void **state)
{
	static const char *const addrs[] = {"[2001:db8::9]:80", "192.0.2.1:80", "[2001:db9::9]:80", "[fe80::9]:8080"};
	struct ponto_addr first = discovery_addr("[2001:db8::9]:80"), last = discovery_addr("[fe80::9%1]:8080");
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, true);
	struct owner o;

	(void)state;
	PONTO_PROVES("DIST-157");
	owner_open(&o, f);
	for (uint8_t version = 1; version <= 2; version++) {
		assert_ok(seek(&o, version, 2, version));
		run(f, 20 * PONTO_MS);
		answer(n, addrs, 4);
		answer(n, addrs, 4); /* another neighbour, as far as anyone can tell */
		run(f, PONTO_SECOND);
		assert_int_equal(o.found, 2 * version);
		assert_int_equal(o.tag, version);
		assert_int_equal(o.addr_count, 2); /* those that lie on the link */
		assert_true(ponto_addr_equal(&o.addrs[0], &first) && ponto_addr_equal(&o.addrs[1], &last));
		assert_int_equal(o.count, 2);
		assert_int_equal(o.held[0].state, version == 2 ? PONTO_HELD_ALL : PONTO_HELD_PART);
		assert_int_equal(o.held[1].state, PONTO_HELD_PART);
		assert_int_equal(o.held[1].blocks, version == 2 ? 0 : 6);
		assert_true(o.held[0].age == (version == 2 ? 7 * PONTO_SECOND : PONTO_NEVER));
		assert_int_equal(o.ended, 1);
		assert_int_equal(o.replies, 2);
		answer(n, addrs, 4); /* too late */
		run(f, PONTO_SECOND);
		assert_int_equal(o.found, 2 * version);
		n->count = 0;
	}
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void only_addresses_that_are_wanted_are_found(void **state)
{
	static const char *const addrs[] = {"[2001:db8::9]:80", "[fe80::9]:8080"}, *const local[] = {"[fe80::9]:8080"};
	struct ponto_discovery_want want = content;
	struct discovery_fixture *f = make();
	struct neighbour *n = neighbour_new(f, PONTO_SCOPE_LINK, true);
	struct owner o = {.fixture = f};

	(void)state;
	want.scope = PONTO_SCOPE_GLOBAL;
	assert_ok(ponto_discovery_open(f->discovery, f->loop, &want, &events, &o, &o.handle));
	assert_ok(ponto_discovery_pieces(f->discovery, o.handle, &pieces));
	assert_ok(seek(&o, 2, 1, 1));
	run(f, 20 * PONTO_MS);
	answer(n, addrs, 2);
	answer(n, local, 1);
	run(f, PONTO_SECOND);
	assert_int_equal(o.found, 1);
	assert_int_equal(o.addr_count, 1);
	owner_close(&o);
	neighbour_free(n);
	discovery_fixture_free(f);
}

static void questions_that_cannot_be_asked_are_refused(void **state)
{
	static const struct ponto_discovery_pieces deaf = {.lookup = on_lookup};
	struct ponto_discovery_want other = {.topic = "pnrp/Global_"};
	struct discovery_fixture *f = make();
	struct ponto_discovery_handle *handle;
	struct ponto_bytes odd = ponto_bytes("odd", 3), empty = ponto_bytes("", 0);
	struct owner o;

	(void)state;
	owner_open(&o, f);
	assert_int_equal(seek(&o, 2, 0, 1), PONTO_EINVAL);
	assert_int_equal(seek(&o, 2, PONTO_PIECES_MAX + 1, 1), PONTO_EINVAL);
	assert_int_equal(seek(&o, 0, 1, 1), PONTO_EINVAL);
	assert_int_equal(seek(&o, 3, 1, 1), PONTO_EINVAL);
	assert_int_equal(ponto_discovery_seek(f->discovery, o.handle, 2, &odd, 1, 1), PONTO_EINVAL);
	assert_int_equal(ponto_discovery_seek(f->discovery, o.handle, 1, &empty, 1, 1), PONTO_EINVAL);
	assert_ok(ponto_discovery_seek(f->discovery, o.handle, 1, &odd, 1, 1));
	assert_int_equal(ponto_discovery_pieces(f->discovery, o.handle, &deaf), PONTO_EINVAL);
	owner_close(&o);
	assert_ok(ponto_discovery_open(f->discovery, f->loop, &content, &events, &o, &handle));
	assert_int_equal(ponto_discovery_seek(f->discovery, handle, 1, &odd, 1, 1), PONTO_EINVAL);
	ponto_discovery_close(f->discovery, handle);
	assert_ok(ponto_discovery_open(f->discovery, f->loop, &other, &events, &o, &handle));
	assert_int_equal(ponto_discovery_pieces(f->discovery, handle, &pieces), PONTO_ENOTSUP);
	assert_int_equal(ponto_discovery_seek(f->discovery, handle, 1, &odd, 1, 1), PONTO_ENOTSUP);
	ponto_discovery_close(f->discovery, handle);
	discovery_fixture_free(f);
}

static void too_many_questions_are_busy_and_all_end(void **state)
{
	struct discovery_fixture *f = make();
	struct owner o;
	unsigned asked = 0;

	(void)state;
	owner_open(&o, f);
	while (seek(&o, 1, 1, asked) == PONTO_OK)
		asked++;
	assert_int_equal(asked, WSD_PROBES_MAX);
	assert_int_equal(seek(&o, 1, 1, asked), PONTO_EBUSY);
	run(f, PONTO_SECOND);
	assert_int_equal(o.ended, asked);
	assert_ok(seek(&o, 1, 1, asked));
	owner_close(&o);
	discovery_fixture_free(f);
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
	cmocka_unit_test(a_question_goes_to_the_group_once),
	cmocka_unit_test(what_neighbours_hold_is_found),
	cmocka_unit_test(only_addresses_that_are_wanted_are_found),
	cmocka_unit_test(questions_that_cannot_be_asked_are_refused),
	cmocka_unit_test(too_many_questions_are_busy_and_all_end),
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
