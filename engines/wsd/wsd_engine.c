#include "engines/wsd/wsd_engine.h"

#include <string.h>

#include "framework/digest.h"

#define SEEN 256		   /* names of messages remembered, */
#define SEEN_TIME (900 * PONTO_MS) /* for so long: repeated by the transport within it, by applications after it */
#define CHANCE 33		   /* percent, of 3.2.4.1 */

/* A Probe of ours. */
struct probe {
	struct probe *next;
	uint64_t tag, ends;
	bool sent, ended;
	uint32_t replies, full;
	char message_id[WSD_URI_MAX];
	uint8_t version;
	uint16_t count;
	struct content_id ids[];
};

struct found {
	struct found *next;
	uint64_t tag;
	uint8_t addr_count;
	uint16_t count;
	struct ponto_addr addrs[WSD_ADDRS_MAX];
	struct wsd_segment segments[];
};

enum stage { STAGE_NEW, STAGE_ASKED, STAGE_DUE };

struct wsd_answer {
	struct wsd_answer *next;
	uint8_t stage, version;
	uint64_t due;
	struct ponto_addr to;
	char relates_to[WSD_URI_MAX];
	uint16_t count;
	struct content_id *ids;
	struct wsd_segment *segments;
};

struct wsd_engine {
	struct wsd_config config;
	char address[WSD_URI_MAX];
	uint64_t number; /* of the last message */
	struct ponto_addr addrs[WSD_ADDRS_MAX];
	uint8_t addr_count;
	struct wsd_prefix prefixes[WSD_PREFIXES_MAX];
	size_t prefix_count;
	struct probe *probes, **probes_end;
	struct found *found, **found_end, *lent; /* lent: shown by the last effect */
	struct wsd_answer *answers, **answers_end;
	size_t probe_count, found_count, answer_count;
	uint8_t key[16];
	struct {
		uint64_t hash, until;
	} seen[SEEN];
	size_t seen_at;
	struct wsd_stats stats;
};

/* ---- life --------------------------------------------------------------------------- */

static void make_uuid(const struct ponto_random *random, char out[WSD_URI_MAX])
{
	static const uint8_t dashes[] = {8, 12, 16, 20, 32};
	uint8_t bytes[16];
	char hex[33], *at = out + 9;
	size_t from = 0;

	random->fill(random->ctx, bytes, sizeof(bytes));
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	ponto_hex(ponto_bytes(bytes, sizeof(bytes)), hex);
	memcpy(out, "urn:uuid:", 9);
	for (size_t i = 0; i < sizeof(dashes); from = dashes[i++]) {
		memcpy(at, hex + from, dashes[i] - from);
		at += dashes[i] - from;
		*at++ = '-';
	}
	at[-1] = 0;
}

int wsd_engine_create(const struct wsd_config *config, struct wsd_engine **out)
{
	struct wsd_engine *e;

	if (config->backoff < PONTO_MS || config->backoff > WSD_BACKOFF_MAX || config->wait > WSD_WAIT_MAX)
		return PONTO_EINVAL;
	e = ponto_new(config->alloc, 1, sizeof(*e));
	if (!e)
		return PONTO_ENOMEM;
	e->config = *config;
	/* Whoever answers at the last moment is to be heard. */
	if (e->config.wait < e->config.backoff)
		e->config.wait = e->config.backoff;
	e->probes_end = &e->probes;
	e->found_end = &e->found;
	e->answers_end = &e->answers;
	make_uuid(config->random, e->address);
	config->random->fill(config->random->ctx, e->key, sizeof(e->key));
	*out = e;
	return PONTO_OK;
}

static void free_answer(struct wsd_engine *e, struct wsd_answer *a)
{
	ponto_free(e->config.alloc, a->ids);
	ponto_free(e->config.alloc, a->segments);
	ponto_free(e->config.alloc, a);
}

void wsd_engine_destroy(struct wsd_engine *engine)
{
	const struct ponto_alloc *alloc;

	if (!engine)
		return;
	alloc = engine->config.alloc;
	for (struct probe *p = engine->probes, *next; p; p = next) {
		next = p->next;
		ponto_free(alloc, p);
	}
	for (struct found *f = engine->found, *next; f; f = next) {
		next = f->next;
		ponto_free(alloc, f);
	}
	for (struct wsd_answer *a = engine->answers, *next; a; a = next) {
		next = a->next;
		free_answer(engine, a);
	}
	ponto_free(alloc, engine->lent);
	ponto_free(alloc, engine);
}

void wsd_engine_addrs(struct wsd_engine *engine, const struct ponto_addr *addrs, size_t count)
{
	engine->addr_count = (uint8_t)(count < WSD_ADDRS_MAX ? count : WSD_ADDRS_MAX);
	for (size_t i = 0; i < engine->addr_count; i++)
		engine->addrs[i] = addrs[i];
}

void wsd_engine_prefixes(struct wsd_engine *engine, const struct wsd_prefix *prefixes, size_t count)
{
	engine->prefix_count = count < WSD_PREFIXES_MAX ? count : WSD_PREFIXES_MAX;
	for (size_t i = 0; i < engine->prefix_count; i++)
		engine->prefixes[i] = prefixes[i];
}

/* ---- asking ------------------------------------------------------------------------- */

static bool good_probe(uint8_t version, const struct content_id *ids, uint16_t count)
{
	if (version < 1 || version > 2 || count == 0 || count > WSD_IDS_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (version == 2 ? ids[i].len != 32 : ids[i].len == 0 || ids[i].len > CONTENT_ID_MAX)
			return false;
	}
	return true;
}

int wsd_engine_probe(struct wsd_engine *engine, uint64_t now, uint8_t version, const struct content_id *ids,
		     uint16_t count, uint64_t tag)
{
	struct probe *p;

	if (!good_probe(version, ids, count))
		return PONTO_EINVAL;
	if (engine->probe_count >= WSD_PROBES_MAX)
		return PONTO_EBUSY;
	p = ponto_new(engine->config.alloc, 1, sizeof(*p) + count * sizeof(*ids));
	if (!p)
		return PONTO_ENOMEM;
	p->tag = tag;
	p->ends = now + engine->config.wait;
	p->version = version;
	p->count = count;
	memcpy(p->ids, ids, count * sizeof(*ids));
	make_uuid(engine->config.random, p->message_id);
	*engine->probes_end = p;
	engine->probes_end = &p->next;
	engine->probe_count++;
	return PONTO_OK;
}

static struct probe *probe_named(const struct wsd_engine *e, const char *message_id)
{
	for (struct probe *p = e->probes; p; p = p->next) {
		if (!p->ended && strcmp(p->message_id, message_id) == 0)
			return p;
	}
	return NULL;
}

static bool in_prefix(const struct ponto_addr *addr, const struct wsd_prefix *prefix)
{
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;

	if (addr->family != prefix->addr.family || whole > sizeof(addr->ip))
		return false;
	if (memcmp(addr->ip, prefix->addr.ip, whole) != 0)
		return false;
	return rest == 0 || whole == sizeof(addr->ip) || (addr->ip[whole] ^ prefix->addr.ip[whole]) >> (8 - rest) == 0;
}

static bool is_local(const struct wsd_engine *e, const struct ponto_addr *addr)
{
	for (size_t i = 0; i < e->prefix_count; i++) {
		if (in_prefix(addr, &e->prefixes[i]))
			return true;
	}
	return false;
}

/* What a match says of segment i of the Probe. */
static const struct wsd_segment *told(const struct probe *p, const struct wsd_match *m, unsigned i)
{
	if (m->version == 2)
		return i < m->count ? &m->segments[i] : NULL;
	for (unsigned k = 0; k < m->count; k++) {
		if (content_id_equal(&m->ids[k], &p->ids[i]))
			return &m->segments[k];
	}
	return NULL;
}

/* NULL: nothing of what was asked for, or no memory. */
static struct found *make_found(struct wsd_engine *e, const struct probe *p, const struct wsd_match *m, unsigned *held,
				unsigned *complete)
{
	struct found *f = ponto_new(e->config.alloc, 1, sizeof(*f) + p->count * sizeof(f->segments[0]));

	*held = *complete = 0;
	if (!f)
		return NULL;
	f->tag = p->tag;
	f->count = p->count;
	for (unsigned i = 0; i < p->count; i++) {
		const struct wsd_segment *s = told(p, m, i);

		if (s)
			f->segments[i] = *s;
		*held += f->segments[i].state != WSD_ABSENT;
		*complete += f->segments[i].state == WSD_COMPLETE;
	}
	return f;
}

static int match_arrived(struct wsd_engine *e, const struct ponto_addr *from, struct wsd_match *m)
{
	struct probe *p = probe_named(e, m->relates_to);
	struct found *f;
	unsigned held, complete;

	if (!p || p->version != m->version || !p->sent) {
		e->stats.unasked++;
		return PONTO_OK;
	}
	if (e->found_count >= WSD_FOUND_MAX) {
		e->stats.dropped++;
		return PONTO_OK;
	}
	f = make_found(e, p, m, &held, &complete);
	if (!f)
		return PONTO_ENOMEM;
	for (unsigned i = 0; i < m->addr_count; i++) {
		if (ponto_addr_scope(&m->addrs[i]) == PONTO_SCOPE_LINK)
			m->addrs[i].zone = from->zone;
		if (is_local(e, &m->addrs[i]))
			f->addrs[f->addr_count++] = m->addrs[i];
	}
	if (held == 0 || f->addr_count == 0 || !is_local(e, from)) {
		e->stats.unasked += held == 0;
		e->stats.remote += held != 0;
		ponto_free(e->config.alloc, f);
		return PONTO_OK;
	}
	e->stats.matches++;
	p->replies++;
	p->full += complete == p->count;
	*e->found_end = f;
	e->found_end = &f->next;
	e->found_count++;
	return PONTO_OK;
}

/* ---- answering ----------------------------------------------------------------------- */

/* A link-local address says of nobody which subnets it is in. */
static bool says_subnet(const struct ponto_addr *addr)
{
	return ponto_addr_scope(addr) != PONTO_SCOPE_LINK;
}

static bool same_subnet(const struct wsd_engine *e, const struct ponto_addr *a, const struct ponto_addr *b)
{
	for (size_t i = 0; i < e->prefix_count; i++) {
		if (in_prefix(a, &e->prefixes[i]) && in_prefix(b, &e->prefixes[i]))
			return true;
	}
	return false;
}

/* A question that came already, over the other family for instance. The answer goes where it says more: there are
 * askers that give up an address, and with it a neighbour, which they cannot reach. */
static void asked_again(struct wsd_engine *e, const struct ponto_addr *from, const char *message_id)
{
	if (!says_subnet(from))
		return;
	for (struct wsd_answer *a = e->answers; a; a = a->next) {
		if (!says_subnet(&a->to) && strcmp(a->relates_to, message_id) == 0)
			a->to = *from;
	}
}

/* Own addresses that the asker reaches: those of its subnet, if it has told which, and there are any. */
static uint8_t addrs_for(const struct wsd_engine *e, const struct ponto_addr *asker,
			 struct ponto_addr out[WSD_ADDRS_MAX])
{
	uint8_t n = 0;

	for (unsigned i = 0; i < e->addr_count && says_subnet(asker); i++) {
		if (same_subnet(e, asker, &e->addrs[i]))
			out[n++] = e->addrs[i];
	}
	if (n > 0)
		return n;
	memcpy(out, e->addrs, e->addr_count * sizeof(*out));
	return e->addr_count;
}

static int probe_arrived(struct wsd_engine *e, const struct ponto_addr *from, const struct wsd_probe *probe)
{
	struct wsd_answer *a;

	if (probe_named(e, probe->message_id)) /* our own, heard on the group */
		return PONTO_OK;
	e->stats.probes++;
	if (e->answer_count >= WSD_ANSWERS_MAX || e->addr_count == 0) {
		e->stats.dropped++;
		return PONTO_OK;
	}
	a = ponto_new(e->config.alloc, 1, sizeof(*a));
	if (!a)
		return PONTO_ENOMEM;
	a->ids = ponto_new(e->config.alloc, probe->count, sizeof(*a->ids));
	a->segments = ponto_new(e->config.alloc, probe->count, sizeof(*a->segments));
	if (!a->ids || !a->segments) {
		free_answer(e, a);
		return PONTO_ENOMEM;
	}
	a->version = probe->version;
	a->to = *from;
	a->count = probe->count;
	memcpy(a->ids, probe->ids, probe->count * sizeof(*a->ids));
	memcpy(a->relates_to, probe->message_id, sizeof(a->relates_to));
	*e->answers_end = a;
	e->answers_end = &a->next;
	e->answer_count++;
	return PONTO_OK;
}

static void forget_answer(struct wsd_engine *e, struct wsd_answer *a)
{
	struct wsd_answer **at = &e->answers;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	if (e->answers_end == &a->next)
		e->answers_end = at;
	e->answer_count--;
	free_answer(e, a);
}

/* Whether others have this segment anyway (3.2.4.1). */
static bool suppressed(struct wsd_engine *e, const struct wsd_held *held)
{
	if (e->config.suppress == 0 || held->replies < e->config.suppress)
		return false;
	return held->full >= e->config.suppress || ponto_random_below(e->config.random, 100) >= CHANCE;
}

void wsd_engine_held(struct wsd_engine *engine, uint64_t now, struct wsd_answer *answer, const struct wsd_held *held)
{
	unsigned any = 0, left = 0;

	for (unsigned i = 0; i < answer->count; i++) {
		bool there = answer->version == 1 ? held[i].segment.blocks > 0 : held[i].segment.state != WSD_ABSENT;

		any += there;
		if (!there || suppressed(engine, &held[i]))
			continue;
		answer->segments[i] = held[i].segment;
		left++;
	}
	if (left == 0) {
		engine->stats.unheld += any == 0;
		engine->stats.suppressed += any != 0;
		forget_answer(engine, answer);
		return;
	}
	answer->stage = STAGE_DUE;
	answer->due = now + PONTO_MS + ponto_random_below(engine->config.random, engine->config.backoff - PONTO_MS + 1);
}

/* ---- datagrams ------------------------------------------------------------------------ */

/* Whether a message of this name came a moment ago; it is remembered. */
static bool seen_before(struct wsd_engine *e, uint64_t now, const char *message_id)
{
	uint64_t hash = ponto_siphash(e->key, ponto_bytes(message_id, strlen(message_id)));

	for (size_t i = 0; i < SEEN; i++) {
		if (e->seen[i].hash == hash && e->seen[i].until > now)
			return true;
	}
	e->seen[e->seen_at].hash = hash;
	e->seen[e->seen_at].until = now + SEEN_TIME;
	e->seen_at = (e->seen_at + 1) % SEEN;
	return false;
}

static int settle(struct wsd_engine *e, int result)
{
	if (result == PONTO_EPROTO)
		e->stats.malformed++;
	if (result == PONTO_ENOENT)
		e->stats.foreign++;
	return result == PONTO_ENOMEM ? result : PONTO_OK;
}

int wsd_engine_input(struct wsd_engine *engine, uint64_t now, const struct ponto_addr *from,
		     struct ponto_bytes datagram)
{
	union {
		struct wsd_probe probe;
		struct wsd_match match;
	} m;
	const char *name = m.probe.message_id;
	int result = wsd_probe_parse(datagram, &m.probe);
	bool probe = result == PONTO_OK;

	if (result == PONTO_ENOENT) {
		result = wsd_match_parse(datagram, &m.match);
		name = m.match.message_id;
	}
	if (result != PONTO_OK)
		return settle(engine, result);
	if (probe && !is_local(engine, from)) { /* not remembered: it may also have come from where it is answered */
		engine->stats.probes++;
		engine->stats.remote++;
		return PONTO_OK;
	}
	if (seen_before(engine, now, name)) {
		engine->stats.duplicates++;
		if (probe)
			asked_again(engine, from, name);
		return PONTO_OK;
	}
	return probe ? probe_arrived(engine, from, &m.probe) : match_arrived(engine, from, &m.match);
}

static size_t send_probe(struct probe *p, char *buf, struct ponto_addr *to)
{
	struct wsd_probe m;
	size_t len = 0;

	m.version = p->version;
	m.count = p->count;
	memcpy(m.message_id, p->message_id, sizeof(m.message_id));
	memcpy(m.ids, p->ids, p->count * sizeof(p->ids[0]));
	memset(to, 0, sizeof(*to));
	p->sent = true;
	return wsd_probe_make(&m, buf, WSD_MESSAGE_MAX, &len) == PONTO_OK ? len : 0;
}

static size_t send_answer(struct wsd_engine *e, struct wsd_answer *a, char *buf, struct ponto_addr *to)
{
	struct wsd_match m;
	size_t len = 0;

	memset(&m, 0, offsetof(struct wsd_match, ids));
	m.version = a->version;
	make_uuid(e->config.random, m.message_id);
	memcpy(m.relates_to, a->relates_to, sizeof(m.relates_to));
	memcpy(m.address, e->address, sizeof(m.address));
	m.instance = e->config.instance;
	m.number = ++e->number;
	m.addr_count = addrs_for(e, &a->to, m.addrs);
	m.count = a->count;
	memcpy(m.ids, a->ids, a->count * sizeof(a->ids[0]));
	memcpy(m.segments, a->segments, a->count * sizeof(a->segments[0]));
	*to = a->to;
	if (wsd_match_make(&m, buf, WSD_MESSAGE_MAX, &len) != PONTO_OK)
		len = 0;
	e->stats.answered += len > 0;
	forget_answer(e, a);
	return len;
}

size_t wsd_engine_output(struct wsd_engine *engine, uint64_t now, char *buf, struct ponto_addr *to)
{
	size_t len;

	for (struct probe *p = engine->probes; p; p = p->next) {
		if (!p->sent && (len = send_probe(p, buf, to)) > 0)
			return len;
	}
	for (struct wsd_answer *a = engine->answers, *next; a; a = next) {
		next = a->next;
		if (a->stage == STAGE_DUE && a->due <= now && (len = send_answer(engine, a, buf, to)) > 0)
			return len;
	}
	return 0;
}

/* ---- effects and time ------------------------------------------------------------------- */

static bool effect_lookup(struct wsd_engine *e, struct wsd_effect *out)
{
	for (struct wsd_answer *a = e->answers; a; a = a->next) {
		if (a->stage != STAGE_NEW)
			continue;
		a->stage = STAGE_ASKED;
		*out = (struct wsd_effect){.kind = WSD_EFFECT_LOOKUP, .answer = a, .ids = a->ids, .count = a->count};
		return true;
	}
	return false;
}

static bool effect_found(struct wsd_engine *e, struct wsd_effect *out)
{
	struct found *f = e->found;

	if (!f)
		return false;
	e->found = f->next;
	if (!e->found)
		e->found_end = &e->found;
	e->found_count--;
	e->lent = f;
	*out = (struct wsd_effect){.kind = WSD_EFFECT_FOUND,
				   .count = f->count,
				   .tag = f->tag,
				   .segments = f->segments,
				   .addrs = f->addrs,
				   .addr_count = f->addr_count};
	return true;
}

static bool effect_ended(struct wsd_engine *e, struct wsd_effect *out)
{
	struct probe **at = &e->probes, *p;

	while (*at && !(*at)->ended)
		at = &(*at)->next;
	p = *at;
	if (!p)
		return false;
	*at = p->next;
	if (e->probes_end == &p->next)
		e->probes_end = at;
	e->probe_count--;
	*out = (struct wsd_effect){.kind = WSD_EFFECT_ENDED, .tag = p->tag, .replies = p->replies, .full = p->full};
	ponto_free(e->config.alloc, p);
	return true;
}

int wsd_engine_effect(struct wsd_engine *engine, struct wsd_effect *out)
{
	ponto_free(engine->config.alloc, engine->lent);
	engine->lent = NULL;
	return effect_lookup(engine, out) || effect_found(engine, out) || effect_ended(engine, out);
}

void wsd_engine_advance(struct wsd_engine *engine, uint64_t now)
{
	for (struct probe *p = engine->probes; p; p = p->next)
		p->ended |= p->ends <= now;
}

uint64_t wsd_engine_deadline(const struct wsd_engine *engine)
{
	uint64_t deadline = PONTO_NEVER;

	for (const struct probe *p = engine->probes; p; p = p->next) {
		if (!p->ended && p->ends < deadline)
			deadline = p->ends;
	}
	for (const struct wsd_answer *a = engine->answers; a; a = a->next) {
		if (a->stage == STAGE_DUE && a->due < deadline)
			deadline = a->due;
	}
	return deadline;
}

void wsd_engine_stats(const struct wsd_engine *engine, struct wsd_stats *out)
{
	*out = engine->stats;
}
