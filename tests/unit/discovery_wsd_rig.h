/* Tests: discovery-wsd among neighbours of a simulated link. */
#ifndef PONTO_TESTS_DISCOVERY_WSD_RIG_H
#define PONTO_TESTS_DISCOVERY_WSD_RIG_H

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

static inline void on_heard(void *arg, const struct ponto_datagram *batch, size_t count)
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

static inline struct ponto_addr the_group(void)
{
	return discovery_addr("[ff02::c%1]:3702");
}

static inline struct neighbour *neighbour_new(struct discovery_fixture *f, enum ponto_scope scope, bool member)
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

static inline void neighbour_free(struct neighbour *n)
{
	ponto_datagrams_close(&n->net);
	free(n);
}

static inline void run(struct discovery_fixture *f, uint64_t us)
{
	ponto_sim_run(f->world, ponto_sim_now(f->world) + us);
}

static inline void say(struct neighbour *n, const struct ponto_addr *to, const char *text)
{
	struct ponto_datagram d = {.peer = *to, .data = ponto_bytes(text, strlen(text))};
	size_t sent;

	assert_ok(ponto_datagrams_send(n->net, &d, 1, &sent));
	assert_int_equal(sent, 1);
}

static inline struct content_id an_id(unsigned number)
{
	uint8_t bytes[32] = {(uint8_t)number, (uint8_t)(number >> 8), 7};
	struct content_id id;

	assert_ok(content_id_set(ponto_bytes(bytes, sizeof(bytes)), &id));
	return id;
}

/* Answers the Probe heard first: all of an_id(0), a part of the others. */
static inline void answer(struct neighbour *n, const char *const *addrs, uint8_t addr_count)
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

static inline void owner_close(struct owner *o)
{
	struct ponto_discovery_handle *handle = o->handle;

	o->handle = NULL;
	ponto_discovery_close(o->fixture->discovery, handle);
}

static inline void on_lookup(void *arg, const struct ponto_bytes *ids, size_t count, struct ponto_held *held)
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

static inline void on_found(void *arg, uint64_t tag, const struct ponto_addr *addrs, size_t addr_count,
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

static inline void on_ended(void *arg, uint64_t tag, uint32_t replies, uint32_t full)
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

static inline void on_address(void *arg, enum ponto_discovery_source source, const struct ponto_addr *addrs, size_t count)
{
	(void)arg;
	(void)source;
	(void)addrs;
	(void)count;
	fail_msg("an address that was not asked for");
}

static inline void on_done(void *arg, enum ponto_discovery_source source)
{
	struct owner *o = arg;

	o->done |= source;
}

static const struct ponto_discovery_want content = {.topic = PONTO_DISCOVERY_CONTENT};
static const struct ponto_discovery_events events = {on_address, on_done};
static const struct ponto_discovery_pieces pieces = {on_lookup, on_found, on_ended};

static inline void owner_open(struct owner *o, struct discovery_fixture *f)
{
	memset(o, 0, sizeof(*o));
	o->fixture = f;
	assert_ok(ponto_discovery_open(f->discovery, f->loop, &content, &events, o, &o->handle));
	assert_ok(ponto_discovery_pieces(f->discovery, o->handle, &pieces));
}

static inline int seek(struct owner *o, unsigned version, unsigned count, uint64_t tag)
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

static inline struct discovery_fixture *make(void)
{
	static const char *const settings[] = {"transports=net", "wait=400", "backoff=20", NULL};

	return discovery_fixture_new(WSD, settings, true);
}

#endif
