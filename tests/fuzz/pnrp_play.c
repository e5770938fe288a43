#include "tests/fuzz/pnrp_play.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

/* ---- delivery ----------------------------------------------------------------------- */

static uint64_t dropped(const struct pnrp_host *h, enum pnrp_drop reason)
{
	return pnrp_engine_stats(h->engine)->dropped[reason];
}

static uint64_t received(const struct pnrp_host *h)
{
	const struct pnrp_stats *stats = pnrp_engine_stats(h->engine);
	uint64_t sum = 0;

	for (unsigned i = 0; i < PNRP_COUNT_TYPES; i++)
		sum += stats->received[i];
	return sum;
}

/* What pnrp_engine.h promises about the cost of one datagram, the jobs it asks for being done at once. */
static void check_cost(const struct pnrp_host *h, uint8_t type, bool unmatched)
{
	const size_t *sent = h->sent_by_type;

	FUZZ_REQUIRE(!unmatched || h->sent_bytes == 0);
	if (type == PNRP_SOLICIT)
		FUZZ_REQUIRE(sent[PNRP_ADVERTISE] == 1 && sent[PNRP_INQUIRE] <= 2 && sent[PNRP_AUTHORITY] == 0 &&
			     h->sent_bytes <= 216 + 2 * 76);
	else if (type == PNRP_LOOKUP)
		FUZZ_REQUIRE(sent[PNRP_AUTHORITY] <= 1 && sent[PNRP_INQUIRE] <= 2 &&
			     h->sent_bytes <= 160 + 16 * 19 + 2 * 76);
	else if (type == PNRP_FLOOD)
		FUZZ_REQUIRE(sent[PNRP_ACK] <= 1 && sent[PNRP_INQUIRE] <= 2 && sent[PNRP_AUTHORITY] == 0);
	else if (type == PNRP_INQUIRE)
		FUZZ_REQUIRE(sent[PNRP_AUTHORITY] <= PNRP_FRAGMENTS_MAX);
	else if (type == PNRP_REQUEST)
		FUZZ_REQUIRE(sent[PNRP_ACK] <= 1 && sent[PNRP_FLOOD] <= PNRP_IDS_PER_DATAGRAM);
}

/* Too small an output queue loses what is due. */
static bool lossless(const struct pnrp_host *h)
{
	return h->config.limits.output == 0 && !h->fail_at;
}

void pnrp_play_deliver(struct pnrp_play *p, struct pnrp_host *h, const struct ponto_addr *from,
		       struct ponto_bytes bytes)
{
	struct ponto_addr to = pnrp_host_at(h);
	uint8_t *copy = malloc(bytes.len + 1);
	struct pnrp_message m = {.type = 0};
	uint64_t unmatched = dropped(h, PNRP_DROP_UNMATCHED), taken = received(h);
	int result;

	FUZZ_REQUIRE(copy);
	memcpy(copy, bytes.data ? bytes.data : copy, bytes.len);
	if (p->bent && bytes.len > 0) {
		copy[(p->bend[0] | (size_t)p->bend[1] << 8) % bytes.len] ^= p->bend[2];
		bytes.len -= p->bend[3] % bytes.len;
		to.ip[15] ^= p->bend[2] == 0;
	}
	p->bent = false;
	copy = realloc(copy, bytes.len ? bytes.len : 1); /* so that AddressSanitizer sees its end */
	FUZZ_REQUIRE(copy);
	if (pnrp_decode(h->wire, ponto_bytes(copy, bytes.len), &m))
		m.type = 0;
	memset(h->sent_by_type, 0, sizeof(h->sent_by_type));
	h->sent_bytes = 0;
	result = pnrp_engine_input(h->engine, p->now, from, &to, ponto_bytes(copy, bytes.len));
	FUZZ_REQUIRE(result == PONTO_OK || (result == PONTO_ENOMEM && h->fail_at));
	free(copy);
	pnrp_host_drain(h, p->now);
	if (lossless(h) && received(h) > taken)
		check_cost(h, m.type, dropped(h, PNRP_DROP_UNMATCHED) != unmatched);
}

static void deliver_message(struct pnrp_play *p, struct pnrp_host *h, const struct ponto_addr *from,
			    struct pnrp_message *m)
{
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	m->id = p->next_id++;
	if (pnrp_encode(h->wire, m, bytes, sizeof(bytes), &len) == PONTO_OK)
		pnrp_play_deliver(p, h, from, ponto_bytes(bytes, len));
}

/* ---- choices --------------------------------------------------------------------------- */

/* 0..15 the peers' IDs, then the host's own, those one further, what it spoke of last, none, any. */
static struct ring_id choose_id(struct pnrp_play *p, struct pnrp_host *h, uint8_t c)
{
	struct ring_id id = {{0}};
	struct pnrp_message m;
	size_t own = h->asked_count;

	(void)p;
	if (c < 16)
		return pnrp_actor(h->wire, c)->id;
	if (c < 32) {
		for (unsigned skip = c % 8; own > 0; own--)
			if (h->asked[own - 1].registration && skip-- == 0)
				return c < 24 ? h->asked[own - 1].id : ring_id_add_u64(&h->asked[own - 1].id, 1);
		return id;
	}
	if (c < 48 && pnrp_host_sent(h, c - 32, &m)) {
		if (m.type == PNRP_LOOKUP)
			return c % 2 ? m.lookup.target : m.lookup.validate_id;
		if (m.type == PNRP_INQUIRE)
			return m.inquire.validate_id;
		if (m.type == PNRP_FLOOD)
			return m.flood.validate_id;
	}
	if (c == 48)
		return id;
	memset(id.b, c, sizeof(id.b));
	id.b[1] = (uint8_t)(c * 7);
	return id;
}

/* The entry of an ID: at its publisher's place, or at that of the peer of the same number. */
static bool choose_route(struct pnrp_play *p, struct pnrp_host *h, uint8_t which, uint8_t place,
			 struct pnrp_route_entry *out)
{
	struct ring_id id = choose_id(p, h, which);
	const struct pnrp_actor *a = pnrp_actor_of(h->wire, &id);
	struct ponto_addr own = pnrp_host_at(h);

	if (place == 255)
		return false;
	pnrp_actor_route(a ? a : pnrp_actor(h->wire, which), &id, place % PNRP_PLACES, &own, out);
	return true;
}

static struct ponto_addr choose_peer(const struct pnrp_play *p, const struct pnrp_host *h, uint8_t c)
{
	struct ponto_addr a = pnrp_actor(h->wire, c)->addr;

	if (c == 255)
		a.port = PNRP_PORT_FLOOR;
	if (c == 254)
		a.family = PONTO_FAMILY_IPV4;
	if (c == 253)
		return pnrp_host_at(&p->host[p->hosts - 1]);
	if (c >= 128 && c < 253)
		a.ip[7] = c; /* a stranger */
	return a;
}

static void fill_endpoints(const struct pnrp_play *p, const struct pnrp_host *h, uint8_t c,
			   struct pnrp_ipv6_endpoint *out, uint8_t *count, uint8_t least)
{
	*count = c % 64 < least ? least : c % 64 > PNRP_ENDPOINTS_MAX ? PNRP_ENDPOINTS_MAX : c % 64;
	for (unsigned i = 0; i < *count; i++) {
		struct ponto_addr a = i == 1 && c & 64 ? pnrp_host_at(h) : choose_peer(p, h, (uint8_t)(c / 128 + i));

		memcpy(out[i].ip, a.ip, sizeof(a.ip));
		out[i].port = a.port;
	}
}

/* Each peer has one nonce. */
static void nonce_of(const struct ponto_addr *a, uint8_t nonce[PNRP_NONCE_SIZE])
{
	memcpy(nonce, a->ip, PNRP_NONCE_SIZE);
	nonce[PNRP_NONCE_SIZE - 1] ^= 0x5a;
}

static void hash_nonce(const struct pnrp_host *h, const uint8_t *nonce, uint8_t out[PNRP_HASH_SIZE])
{
	struct ponto_bytes part = ponto_bytes(nonce, PNRP_NONCE_SIZE);

	pnrp_hash(h->wire, &part, 1, out);
}

static struct pnrp_saying saying(const struct pnrp_play *p, const struct pnrp_host *h, const struct pnrp_actor *a,
				 uint64_t faults)
{
	return (struct pnrp_saying){.wire = h->wire, .actor = a, .now = p->now, .faults = faults};
}

/* ---- out of the blue ------------------------------------------------------------------------ */

static void build_solicit(struct pnrp_play *p, struct pnrp_host *h, const struct ponto_addr *from, const uint8_t *c,
			  struct pnrp_message *m)
{
	uint8_t nonce[PNRP_NONCE_SIZE];

	nonce_of(from, nonce);
	nonce[0] ^= c[2];
	hash_nonce(h, nonce, m->solicit.hashed_nonce);
	m->solicit.has_controls = c[3] & 1;
	m->solicit.solicit_type = c[3] & 2 && m->solicit.has_controls ? PNRP_SOLICIT_LOCAL : PNRP_SOLICIT_ANY;
	m->solicit.has_route = choose_route(p, h, c[0], c[1], &m->solicit.route);
}

static void build_ids(struct pnrp_play *p, struct pnrp_host *h, const uint8_t *c, struct ring_id *ids,
		      struct pnrp_ids *out)
{
	unsigned count = c[1] % (PNRP_IDS_PER_DATAGRAM + 1);

	for (unsigned i = 0; i < count; i++)
		ids[i] = choose_id(p, h, (uint8_t)(c[0] + i));
	*out = pnrp_ids(ids, (uint16_t)count);
}

static void build_flood(struct pnrp_play *p, struct pnrp_host *h, const uint8_t *c, uint8_t *cpa,
			struct pnrp_message *m)
{
	struct pnrp_saying s = saying(p, h, pnrp_actor(h->wire, c[0]), PNRP_FAULT_BIT(c[3] % 64));
	size_t len;

	m->flood.no_ack = c[4] & 1;
	m->flood.validate_id = c[4] & 2 ? choose_id(p, h, c[2]) : (struct ring_id){{0}};
	fill_endpoints(p, h, c[2], m->flood.endpoints, &m->flood.count, 0);
	m->flood.has_revoke = c[4] & 4;
	if (m->flood.has_revoke) {
		len = pnrp_actor_cpa(&s, NULL, cpa);
		m->flood.revoke = ponto_bytes(cpa, len);
	}
	m->flood.has_route = choose_route(p, h, c[0], m->flood.has_revoke && !(c[4] & 8) ? 255 : c[1], &m->flood.route);
}

static void build_lookup(struct pnrp_play *p, struct pnrp_host *h, const uint8_t *c, struct pnrp_message *m)
{
	static const uint8_t criteria[] = {0, 1, 2, 4, 8};

	m->lookup.target = choose_id(p, h, c[0]);
	m->lookup.validate_id = choose_id(p, h, c[2]);
	m->lookup.has_route = choose_route(p, h, (uint8_t)(c[0] + 1), c[1], &m->lookup.route);
	m->lookup.criteria = criteria[c[4] % 5];
	m->lookup.accept_any = c[4] & 64;
	m->lookup.precision = c[4];
	m->lookup.reason = c[4] % 4;
	fill_endpoints(p, h, c[3], m->lookup.path, &m->lookup.count, 1);
}

static void build_inquire(struct pnrp_play *p, struct pnrp_host *h, const uint8_t *c, struct pnrp_message *m)
{
	m->inquire.validate_id = choose_id(p, h, c[0]);
	m->inquire.want_cpa = c[1] & 1;
	m->inquire.want_payload = c[1] & 2;
	m->inquire.want_chain = c[1] & 4;
	m->inquire.has_nonce = c[1] & 3 || c[1] & 8;
	m->inquire.nonce[0] = c[2];
}

void pnrp_play_send(struct pnrp_play *p, struct pnrp_host *h, const uint8_t c[7])
{
	static const uint8_t types[] = {PNRP_SOLICIT, PNRP_ADVERTISE, PNRP_REQUEST, PNRP_FLOOD,
					PNRP_INQUIRE, PNRP_AUTHORITY, PNRP_ACK,	    PNRP_LOOKUP};
	struct ponto_addr from = choose_peer(p, h, c[1]);
	struct ring_id ids[PNRP_IDS_PER_DATAGRAM];
	uint8_t cpa[PNRP_CPA_MAX];
	struct pnrp_message m;

	memset(&m, 0, sizeof(m));
	m.type = types[c[0] % 8];
	if (c[0] & 64 && p->next_id > 0x1000)
		p->next_id--; /* the Message ID of the one before: a copy, or pretending to be one */
	switch (m.type) {
	case PNRP_SOLICIT:
		build_solicit(p, h, &from, c + 2, &m);
		break;
	case PNRP_ADVERTISE:
		m.advertise.acked_id = c[4];
		build_ids(p, h, c + 2, ids, &m.advertise.ids);
		break;
	case PNRP_REQUEST:
		nonce_of(&from, m.request.nonce);
		m.request.nonce[0] ^= c[4];
		build_ids(p, h, c + 2, ids, &m.request.ids);
		break;
	case PNRP_FLOOD:
		build_flood(p, h, c + 2, cpa, &m);
		break;
	case PNRP_INQUIRE:
		build_inquire(p, h, c + 2, &m);
		break;
	case PNRP_AUTHORITY:
		m.authority.size = 8;
		m.authority.slice = ponto_bytes(c, 7);
		break;
	case PNRP_LOOKUP:
		build_lookup(p, h, c + 2, &m);
		break;
	default:
		break;
	}
	deliver_message(p, h, &from, &m);
}

/* ---- answers ------------------------------------------------------------------------------- */

enum way { /* how the pieces of an AUTHORITY come */
	   WAY_STRAIGHT,
	   WAY_BACKWARDS,
	   WAY_ONE_MISSING,
	   WAY_ONE_TWICE,
	   WAY_TWO_AT_ONCE, /* under two Message IDs, interleaved */
	   WAY_OTHER_SIZE,  /* one piece says another */
	   WAY_SHORT,	    /* one piece is */
	   WAY_EMPTY,
	   WAY_FOREIGN_ID, /* of a message that was never sent */
	   WAY_ELSEWHERE,  /* from another peer */
	   WAYS
};

struct reply {
	struct ponto_addr to; /* whom the question went to: it comes from there */
	uint32_t acked_id;
	enum way way;
	uint8_t which; /* piece */
};

static void deliver_piece(struct pnrp_play *p, struct pnrp_host *h, const struct reply *r, uint32_t id,
			  struct ponto_bytes whole, size_t piece)
{
	size_t at = piece * PNRP_FRAGMENT, left = whole.len - at, len;
	struct pnrp_message m = {.type = PNRP_AUTHORITY, .id = id};
	bool odd = piece == r->which % (whole.len / PNRP_FRAGMENT + 1);
	uint8_t bytes[PNRP_MESSAGE_MAX];

	if (odd && r->way == WAY_ONE_MISSING)
		return;
	m.authority.acked_id = r->acked_id;
	m.authority.size = (uint16_t)(whole.len + (odd && r->way == WAY_OTHER_SIZE ? 1 : 0));
	m.authority.offset = (uint16_t)at;
	m.authority.slice = ponto_bytes(whole.data + at, left < PNRP_FRAGMENT ? left : PNRP_FRAGMENT);
	if (odd && r->way == WAY_SHORT && m.authority.slice.len > 1)
		m.authority.slice.len--;
	if (odd && r->way == WAY_EMPTY)
		m.authority.slice.len = 0;
	if (pnrp_encode(h->wire, &m, bytes, sizeof(bytes), &len))
		return;
	pnrp_play_deliver(p, h, &r->to, ponto_bytes(bytes, len));
	if (odd && r->way == WAY_ONE_TWICE)
		pnrp_play_deliver(p, h, &r->to, ponto_bytes(bytes, len));
}

static void reply_with(struct pnrp_play *p, struct pnrp_host *h, const struct reply *r, struct ponto_bytes whole)
{
	size_t pieces = (whole.len + PNRP_FRAGMENT - 1) / PNRP_FRAGMENT;
	uint32_t id = p->next_id++, other = p->next_id++;

	for (size_t i = 0; i < pieces; i++) {
		deliver_piece(p, h, r, id, whole, r->way == WAY_BACKWARDS ? pieces - 1 - i : i);
		if (r->way == WAY_TWO_AT_ONCE)
			deliver_piece(p, h, r, other, whole, i);
	}
}

static void answer_inquire(struct pnrp_play *p, struct pnrp_host *h, const struct pnrp_inquire *q,
			   const struct reply *r, uint64_t faults)
{
	static uint8_t whole[PNRP_AUTHORITY_MAX];
	const struct pnrp_actor *a = pnrp_actor_of(h->wire, &q->validate_id);
	const struct pnrp_actor *there = pnrp_actor_at(h->wire, &r->to);
	struct pnrp_saying s = saying(p, h, a ? a : there ? there : pnrp_actor(h->wire, r->which), faults);
	size_t len;

	if (!q->want_cpa)
		len = pnrp_actor_flags(&s, NULL, whole);
	else
		len = pnrp_actor_certificate(&s, q->nonce, whole);
	reply_with(p, h, r, ponto_bytes(whole, len));
}

static void answer_lookup(struct pnrp_play *p, struct pnrp_host *h, const struct reply *r, uint64_t faults,
			  const struct pnrp_route_entry *route)
{
	static uint8_t whole[PNRP_AUTHORITY_MAX];
	struct pnrp_saying s = saying(p, h, pnrp_actor(h->wire, r->which), faults);
	size_t len = pnrp_actor_flags(&s, route, whole);

	reply_with(p, h, r, ponto_bytes(whole, len));
}

static void answer_solicit(struct pnrp_play *p, struct pnrp_host *h, const struct pnrp_solicit *q,
			   const struct reply *r, uint64_t faults, const uint8_t *c)
{
	struct ring_id ids[PNRP_IDS_PER_DATAGRAM];
	struct pnrp_message m = {.type = PNRP_ADVERTISE};

	m.advertise.acked_id = r->acked_id;
	memcpy(m.advertise.hashed_nonce, q->hashed_nonce, sizeof(q->hashed_nonce));
	m.advertise.hashed_nonce[0] ^= (faults & PNRP_FAULT_BIT(PNRP_FAULT_NONCE)) != 0;
	build_ids(p, h, c, ids, &m.advertise.ids);
	deliver_message(p, h, &r->to, &m);
}

static void acknowledge(struct pnrp_play *p, struct pnrp_host *h, const struct reply *r, uint64_t faults)
{
	struct pnrp_message m = {.type = PNRP_ACK};

	m.ack.acked_id = r->acked_id;
	m.ack.not_found = faults & PNRP_FAULT_BIT(PNRP_FAULT_NOT_FOUND);
	deliver_message(p, h, &r->to, &m);
}

/* What a peer asks for after an ADVERTISE: all of it. */
static void request_all(struct pnrp_play *p, struct pnrp_host *h, const struct pnrp_advertise *a, const struct reply *r,
			uint64_t faults)
{
	struct pnrp_message m = {.type = PNRP_REQUEST};

	nonce_of(&r->to, m.request.nonce);
	m.request.nonce[3] ^= (faults & PNRP_FAULT_BIT(PNRP_FAULT_NONCE)) != 0;
	m.request.ids = a->ids;
	deliver_message(p, h, &r->to, &m);
}

/* The route entries that a REQUEST asks a peer for, as far as they are of peers. */
static void flood_requested(struct pnrp_play *p, struct pnrp_host *h, const struct pnrp_request *q,
			    const struct reply *r)
{
	for (uint16_t i = 0; i < q->ids.count; i++) {
		struct ring_id id = pnrp_id_at(&q->ids, i);
		const struct pnrp_actor *a = pnrp_actor_of(h->wire, &id);
		struct pnrp_message m = {.type = PNRP_FLOOD};

		if (!a)
			continue;
		m.flood.no_ack = true;
		m.flood.has_route = true;
		pnrp_actor_route(a, &id, PNRP_PLACE_RIGHT, NULL, &m.flood.route);
		deliver_message(p, h, &r->to, &m);
	}
}

/* c: what of. truth: route entries are those of the nearest peer. */
static void answer(struct pnrp_play *p, struct pnrp_host *h, const struct pnrp_message *m, const struct reply *r,
		   uint64_t faults, const uint8_t *c, const struct pnrp_route_entry *route)
{
	switch (m->type) {
	case PNRP_SOLICIT:
		answer_solicit(p, h, &m->solicit, r, faults, c);
		break;
	case PNRP_ADVERTISE:
		request_all(p, h, &m->advertise, r, faults);
		break;
	case PNRP_REQUEST:
		acknowledge(p, h, r, faults);
		flood_requested(p, h, &m->request, r);
		break;
	case PNRP_FLOOD:
		acknowledge(p, h, r, faults);
		break;
	case PNRP_INQUIRE:
		answer_inquire(p, h, &m->inquire, r, faults);
		break;
	case PNRP_LOOKUP:
		answer_lookup(p, h, r, faults, route);
		break;
	default:
		break;
	}
}

void pnrp_play_answer(struct pnrp_play *p, struct pnrp_host *h, const uint8_t c[7])
{
	uint64_t faults = (c[1] ? PNRP_FAULT_BIT(c[1] % 64) : 0) | (c[2] ? PNRP_FAULT_BIT(c[2] % 64) : 0);
	struct pnrp_route_entry route;
	const struct pnrp_host_sent *sent;
	struct pnrp_message m;
	struct reply r;
	static uint8_t bytes[PNRP_DATAGRAM_MAX];

	sent = pnrp_host_sent(h, c[0], &m);
	if (!sent)
		return;
	memcpy(bytes, sent->bytes, sent->len);
	FUZZ_REQUIRE(pnrp_decode(h->wire, ponto_bytes(bytes, sent->len), &m) == PONTO_OK);
	r = (struct reply){.to = sent->to, .acked_id = m.id, .way = c[3] % WAYS, .which = c[6]};
	if (r.way == WAY_ELSEWHERE)
		r.to = choose_peer(p, h, c[6]);
	if (r.way == WAY_FOREIGN_ID)
		r.acked_id ^= 1;
	answer(p, h, &m, &r, faults, c + 4, choose_route(p, h, c[4], c[5], &route) ? &route : NULL);
}

/* The peer nearest to the target that has not been asked yet; NULL: all have. */
static const struct pnrp_actor *nearest(const struct pnrp_host *h, const struct pnrp_lookup *l)
{
	const struct pnrp_actor *best = NULL;

	for (unsigned i = 0; i < PNRP_ACTORS; i++) {
		const struct pnrp_actor *a = pnrp_actor(h->wire, i);
		bool asked = false;

		for (unsigned k = 0; k < l->count; k++)
			asked = asked || memcmp(l->path[k].ip, a->addr.ip, 16) == 0;
		if (!asked && (!best || ring_id_closer(&a->id, &best->id, &l->target)))
			best = a;
	}
	return best;
}

/* None that is known, or a publisher at this peer. */
static bool lives_there(const struct pnrp_host *h, const struct ring_id *id, const struct pnrp_actor *there)
{
	const struct pnrp_actor *a = pnrp_actor_of(h->wire, id);

	return !a || a == there;
}

static void answer_truly(struct pnrp_play *p, struct pnrp_host *h, const struct pnrp_host_sent *question)
{
	const struct pnrp_actor *there = pnrp_actor_at(h->wire, &question->to), *best = NULL;
	struct pnrp_host_sent sent = *question; /* what comes of it may take its place */
	struct reply r = {.to = sent.to};
	struct pnrp_route_entry route;
	const uint8_t all[] = {0, PNRP_ACTORS};
	struct pnrp_message m;
	uint64_t faults = 0;

	FUZZ_REQUIRE(pnrp_decode(h->wire, ponto_bytes(sent.bytes, sent.len), &m) == PONTO_OK);
	if (!there)
		return;
	r.acked_id = m.id;
	/* Any ID is there, but only publishers can prove it. */
	if ((m.type == PNRP_INQUIRE && m.inquire.want_cpa && !pnrp_actor_of(h->wire, &m.inquire.validate_id)) ||
	    (m.type == PNRP_FLOOD && !lives_there(h, &m.flood.validate_id, there)))
		faults = PNRP_FAULT_BIT(PNRP_FAULT_NOT_FOUND);
	if (m.type == PNRP_LOOKUP)
		best = nearest(h, &m.lookup);
	if (best)
		pnrp_actor_route(best, &best->id, PNRP_PLACE_RIGHT, NULL, &route);
	answer(p, h, &m, &r, faults, all, best ? &route : NULL);
}

void pnrp_play_world(struct pnrp_play *p, struct pnrp_host *h, unsigned rounds)
{
	for (unsigned round = 0; round < rounds && h->answered < h->sent_count; round++) {
		size_t end = h->sent_count;

		if (h->answered + PNRP_HOST_SENT < end)
			h->answered = end - PNRP_HOST_SENT;
		while (h->answered < end) {
			/* Answers to answers may have overwritten it. */
			if (h->answered + PNRP_HOST_SENT >= h->sent_count)
				answer_truly(p, h, &h->sent[h->answered % PNRP_HOST_SENT]);
			h->answered++;
		}
	}
}

/* ---- time, and the other host ---------------------------------------------------------------- */

void pnrp_play_run(struct pnrp_play *p, uint64_t duration)
{
	uint64_t end = p->now + duration;

	for (;;) {
		struct pnrp_host *next = NULL;
		uint64_t at = end;

		for (unsigned i = 0; i < p->hosts; i++) {
			uint64_t deadline = pnrp_engine_deadline(p->host[i].engine);

			if (deadline <= at) {
				at = deadline;
				next = &p->host[i];
			}
		}
		if (!next)
			break;
		p->now = at > p->now ? at : p->now;
		pnrp_host_tick(next, p->now);
	}
	p->now = end;
}

void pnrp_play_carry(void *arg, const struct pnrp_host *from, const struct pnrp_host_sent *sent)
{
	struct pnrp_play *p = arg;

	for (unsigned i = 0; i < p->hosts; i++) {
		struct ponto_addr there = pnrp_host_at(&p->host[i]);

		if (&p->host[i] == from || !ponto_addr_equal(&there, &sent->to))
			continue;
		if (p->net_count == PNRP_PLAY_NET)
			memmove(p->net, p->net + 1, --p->net_count * sizeof(p->net[0]));
		p->net[p->net_count].to = (uint8_t)i;
		p->net[p->net_count++].datagram = *sent;
	}
}

static void arrive(struct pnrp_play *p, size_t index, bool stays)
{
	struct pnrp_play_flight f = p->net[index];
	struct pnrp_host *h = &p->host[f.to];

	if (!stays) {
		p->net_count--;
		memmove(p->net + index, p->net + index + 1, (p->net_count - index) * sizeof(p->net[0]));
	}
	if (f.datagram.from.family == PONTO_FAMILY_NONE)
		f.datagram.from = pnrp_host_at(&p->host[1 - f.to]);
	pnrp_play_deliver(p, h, &f.datagram.from, ponto_bytes(f.datagram.bytes, f.datagram.len));
}

void pnrp_play_net(struct pnrp_play *p, const uint8_t c[7])
{
	for (unsigned n = 0; c[0] % 4 == 0 && p->net_count > 0 && n < 64u + c[1]; n++)
		arrive(p, 0, false);
	if (c[0] % 4 == 0 || p->net_count == 0)
		return;
	if (c[0] % 4 == 2) {
		p->net_count = 0;
		return;
	}
	arrive(p, c[1] % p->net_count, c[0] % 4 == 3);
}
