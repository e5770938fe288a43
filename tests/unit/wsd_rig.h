/* Tests: an engine of [MS-PCCRD] 3, and what it is told. */
#ifndef PONTO_TESTS_WSD_RIG_H
#define PONTO_TESTS_WSD_RIG_H

#include "engines/wsd/wsd_engine.h"
#include "tests/unit/content_test.h"

#define START (1000 * PONTO_SECOND)

struct rig {
	struct ponto_test_alloc alloc;
	struct ponto_test_random random;
	struct wsd_engine *engine;
	struct ponto_addr peer;
	uint64_t now;
	char text[WSD_MESSAGE_MAX + 1];
	struct ponto_addr to;
};

static inline struct ponto_addr addr_of(const char *text)
{
	struct ponto_addr addr;

	assert_ok(ponto_addr_parse(text, 0, &addr));
	return addr;
}

static inline struct wsd_config usual(struct rig *rig)
{
	return (struct wsd_config){&rig->alloc.alloc, &rig->random.random, 1218765447, WSD_BACKOFF,
				   WSD_WAIT,	      WSD_SUPPRESS};
}

static inline void rig_open(struct rig *rig, const struct wsd_config *config)
{
	struct ponto_addr own[2] = {addr_of("10.0.0.1:80"), addr_of("[fe80::1]:80")};
	struct wsd_prefix prefixes[2] = {{addr_of("10.0.0.0"), 24}, {addr_of("fe80::"), 10}};

	assert_ok(wsd_engine_create(config, &rig->engine));
	wsd_engine_addrs(rig->engine, own, 2);
	wsd_engine_prefixes(rig->engine, prefixes, 2);
}

static inline void rig_start(struct rig *rig)
{
	struct wsd_config config;

	ponto_test_alloc_init(&rig->alloc);
	ponto_test_random_init(&rig->random, 11);
	rig->now = START;
	rig->peer = addr_of("10.0.0.9:5000");
	config = usual(rig);
	rig_open(rig, &config);
}

static inline void rig_end(struct rig *rig)
{
	wsd_engine_destroy(rig->engine);
	assert_int_equal(rig->alloc.live, 0);
}

static inline struct content_id an_id(unsigned byte)
{
	uint8_t bytes[32] = {(uint8_t)byte, (uint8_t)(byte >> 8), 7};
	struct content_id id;

	assert_ok(content_id_set(ponto_bytes(bytes, 32), &id));
	return id;
}

static inline void input(struct rig *rig, const char *text, size_t len)
{
	assert_ok(wsd_engine_input(rig->engine, rig->now, &rig->peer, ponto_bytes(text, len)));
}

static inline struct wsd_effect next_effect(struct rig *rig, unsigned kind)
{
	struct wsd_effect e;

	assert_int_equal(wsd_engine_effect(rig->engine, &e), 1);
	assert_int_equal(e.kind, kind);
	return e;
}

static inline void no_effect(struct rig *rig)
{
	struct wsd_effect e;

	assert_int_equal(wsd_engine_effect(rig->engine, &e), 0);
}

static inline bool output(struct rig *rig)
{
	size_t len = wsd_engine_output(rig->engine, rig->now, rig->text, &rig->to);

	rig->text[len] = 0;
	return len > 0;
}

static inline struct wsd_stats stats_of(struct rig *rig)
{
	struct wsd_stats stats;

	wsd_engine_stats(rig->engine, &stats);
	return stats;
}

/* The Probe that goes out. */
static inline struct wsd_probe asked(struct rig *rig)
{
	struct wsd_probe p;

	assert_true(output(rig));
	assert_int_equal(rig->to.family, PONTO_FAMILY_NONE);
	assert_ok(wsd_probe_parse(ponto_bytes(rig->text, strlen(rig->text)), &p));
	return p;
}

static inline void match_for(struct wsd_match *m, const struct wsd_probe *p, uint8_t version)
{
	static unsigned serial;

	memset(m, 0, sizeof(*m));
	m->version = version;
	memcpy(m->message_id, "urn:uuid:m00", 13);
	m->message_id[10] = (char)('a' + ++serial % 26);
	m->message_id[11] = (char)('a' + serial / 26 % 26);
	strcpy(m->relates_to, p->message_id);
	strcpy(m->address, "urn:uuid:peer");
	m->addr_count = 1;
	m->addrs[0] = addr_of("10.0.0.9:8080");
	m->count = p->count;
	for (unsigned i = 0; i < p->count; i++) {
		m->ids[i] = p->ids[i];
		m->segments[i].state = WSD_COMPLETE;
		m->segments[i].blocks = 10 + i;
	}
}

#endif
