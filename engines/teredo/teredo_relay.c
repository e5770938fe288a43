#include "engines/teredo/teredo_relay.h"

#include <string.h>

#include "engines/teredo/teredo_limit.h"
#include "framework/digest.h"

#define VALID (30 * PONTO_SECOND)   /* after the last reception, RFC 4380 5.2 */
#define RETRY (2 * PONTO_SECOND)    /* between bubbles, 5.4.1 */
#define BUBBLES 4		    /* the first and three repetitions */
#define FORGET (300 * PONTO_SECOND) /* a trusted peer that nobody speaks with any more */
#define HOP_LIMIT 255

struct packet {
	struct packet *next;
	size_t len;
	uint8_t data[];
};

/* Which list a peer is in: those that wait for an answer, by when they bubble again; the trusted ones, by when they
 * were last used. */
enum stage { STAGE_WAITING = 0, STAGE_TRUSTED, STAGES };

struct peer {
	struct peer *chain;	  /* of its bucket */
	struct peer *prev, *next; /* of its list */
	struct teredo_ip6 ip;
	uint8_t stage;
	uint8_t bubbles;   /* sent since it waits */
	bool due;	   /* the next bubbles, or the release of its queue, go out by output */
	bool direct;	   /* and the direct one of two bubbles does */
	uint64_t received; /* valid with STAGE_TRUSTED */
	uint64_t at;	   /* WAITING: of the next bubble; TRUSTED: last used */
	struct packet *first, **end;
	size_t queued;
	struct peer *out_next; /* of those that are due */
};

struct list {
	struct peer *first, *last;
	uint32_t count;
};

struct teredo_relay {
	struct teredo_relay_config config;
	struct teredo_prefix served[TEREDO_RELAY_SERVED_MAX];
	struct teredo_endpoint own[TEREDO_RELAY_OWN_MAX];
	struct teredo_subnet subnets[TEREDO_RELAY_SUBNETS_MAX];
	size_t own_count, subnet_count;
	struct teredo_limit *fresh;
	struct peer **buckets;
	size_t mask;
	uint8_t key[16];
	struct list lists[STAGES];
	struct peer *out_first, **out_end;
	size_t queued;
	struct teredo_relay_stats stats;
};

/* ---- lists of peers ---------------------------------------------------------------------- */

static void unlist(struct teredo_relay *r, struct peer *p)
{
	struct list *l = &r->lists[p->stage];

	*(p->prev ? &p->prev->next : &l->first) = p->next;
	*(p->next ? &p->next->prev : &l->last) = p->prev;
	l->count--;
}

static void enlist(struct teredo_relay *r, struct peer *p, enum stage stage, uint64_t at)
{
	struct list *l = &r->lists[stage];

	p->stage = (uint8_t)stage;
	p->at = at;
	p->prev = l->last;
	p->next = NULL;
	*(l->last ? &l->last->next : &l->first) = p;
	l->last = p;
	l->count++;
}

static void put_due(struct teredo_relay *r, struct peer *p)
{
	if (p->due)
		return;
	p->due = true;
	p->out_next = NULL;
	*r->out_end = p;
	r->out_end = &p->out_next;
}

static void take_due(struct teredo_relay *r, const struct peer *p)
{
	for (struct peer **at = &r->out_first; *at; at = &(*at)->out_next) {
		if (*at != p)
			continue;
		*at = p->out_next;
		if (r->out_end == &p->out_next)
			r->out_end = at;
		return;
	}
}

/* ---- peers ----------------------------------------------------------------------------------- */

static struct peer **bucket(struct teredo_relay *r, const struct teredo_ip6 *ip)
{
	return &r->buckets[ponto_siphash(r->key, ponto_bytes(ip->bytes, sizeof(ip->bytes))) & r->mask];
}

static struct peer *find(struct teredo_relay *r, const struct teredo_ip6 *ip)
{
	struct peer *p = *bucket(r, ip);

	while (p && !teredo_ip6_equal(&p->ip, ip))
		p = p->chain;
	return p;
}

static struct packet *dequeue(struct teredo_relay *r, struct peer *p)
{
	struct packet *packet = p->first;

	if (!packet)
		return NULL;
	p->first = packet->next;
	if (!p->first)
		p->end = &p->first;
	p->queued -= packet->len;
	r->queued -= packet->len;
	return packet;
}

static void forget(struct teredo_relay *r, struct peer *p)
{
	struct peer **at = bucket(r, &p->ip);
	struct packet *packet;

	while (*at != p)
		at = &(*at)->chain;
	*at = p->chain;
	unlist(r, p);
	if (p->due)
		take_due(r, p);
	while ((packet = dequeue(r, p))) {
		r->stats.dropped[TEREDO_RELAY_SILENT]++;
		ponto_free(r->config.alloc, packet);
	}
	ponto_free(r->config.alloc, p);
}

/* Strangers make peers that wait: they displace each other, never a trusted one. */
static void make_room(struct teredo_relay *r, enum stage stage)
{
	if (r->lists[stage].count >= r->config.peers / 2)
		forget(r, r->lists[stage].first);
}

static struct peer *make(struct teredo_relay *r, uint64_t now, const struct teredo_ip6 *ip)
{
	struct peer **at = bucket(r, ip), *p;

	if (!teredo_limit_take(r->fresh, now, 0))
		return NULL;
	make_room(r, STAGE_WAITING);
	p = ponto_new(r->config.alloc, 1, sizeof(*p));
	if (!p)
		return NULL;
	p->ip = *ip;
	p->end = &p->first;
	p->chain = *at;
	*at = p;
	enlist(r, p, STAGE_WAITING, now);
	return p;
}

/* Bubbles by output, and again after RETRY. */
static void bubble(struct teredo_relay *r, struct peer *p, uint64_t now)
{
	if (p->stage == STAGE_TRUSTED)
		make_room(r, STAGE_WAITING);
	p->bubbles++;
	p->direct = r->config.natted;
	unlist(r, p);
	enlist(r, p, STAGE_WAITING, now + RETRY);
	put_due(r, p);
}

static void trust(struct teredo_relay *r, struct peer *p, uint64_t now)
{
	if (p->stage == STAGE_WAITING)
		make_room(r, STAGE_TRUSTED);
	p->received = now;
	p->bubbles = 0;
	unlist(r, p);
	enlist(r, p, STAGE_TRUSTED, now);
	if (p->first)
		put_due(r, p);
}

static bool valid(const struct peer *p, uint64_t now)
{
	return p->stage == STAGE_TRUSTED && now - p->received < VALID;
}

static void enqueue(struct teredo_relay *r, struct peer *p, struct ponto_bytes bytes)
{
	struct packet *packet = NULL;

	if (p->queued + bytes.len <= r->config.queue && r->queued + bytes.len <= r->config.queues)
		packet = ponto_new(r->config.alloc, 1, sizeof(*packet) + bytes.len);
	if (!packet) {
		r->stats.dropped[TEREDO_RELAY_LIMIT]++;
		return;
	}
	packet->len = bytes.len;
	memcpy(packet->data, bytes.data, bytes.len);
	*p->end = packet;
	p->end = &packet->next;
	p->queued += bytes.len;
	r->queued += bytes.len;
}

/* ---- life --------------------------------------------------------------------------------------- */

static bool good(const struct teredo_relay_config *c)
{
	for (size_t i = 0; i < c->served_count; i++) {
		if (i == TEREDO_RELAY_SERVED_MAX || c->served[i].bits > 128)
			return false;
	}
	return c->peers >= TEREDO_RELAY_PEERS_MIN && c->peers <= TEREDO_RELAY_PEERS_MAX && c->queue >= TEREDO_MTU &&
	       c->queues >= c->queue && teredo_is_unicast(&c->source) && !teredo_is_address(&c->source);
}

int teredo_relay_create(const struct teredo_relay_config *config, struct teredo_relay **out)
{
	const struct teredo_limit_config fresh = {config->fresh, config->fresh ? config->fresh : 1, 1};
	struct teredo_relay *r;
	size_t buckets = 16;
	int result;

	if (!good(config))
		return PONTO_EINVAL;
	r = ponto_new(config->alloc, 1, sizeof(*r));
	if (!r)
		return PONTO_ENOMEM;
	r->config = *config;
	for (size_t i = 0; i < config->served_count; i++)
		r->served[i] = config->served[i];
	r->config.served = NULL;
	r->out_end = &r->out_first;
	config->random->fill(config->random->ctx, r->key, sizeof(r->key));
	while (buckets < config->peers)
		buckets *= 2;
	r->mask = buckets - 1;
	r->buckets = ponto_new(config->alloc, buckets, sizeof(struct peer *));
	result = r->buckets ? teredo_limit_create(config->alloc, config->random, &fresh, &r->fresh) : PONTO_ENOMEM;
	if (result != PONTO_OK) {
		teredo_relay_destroy(r);
		return result;
	}
	*out = r;
	return PONTO_OK;
}

void teredo_relay_destroy(struct teredo_relay *relay)
{
	if (!relay)
		return;
	for (unsigned i = 0; i < STAGES; i++) {
		while (relay->lists[i].first)
			forget(relay, relay->lists[i].first);
	}
	teredo_limit_destroy(relay->fresh);
	ponto_free(relay->config.alloc, relay->buckets);
	ponto_free(relay->config.alloc, relay);
}

void teredo_relay_local(struct teredo_relay *relay, const struct teredo_endpoint *own, size_t own_count,
			const struct teredo_subnet *subnets, size_t subnet_count)
{
	relay->own_count = own_count < TEREDO_RELAY_OWN_MAX ? own_count : TEREDO_RELAY_OWN_MAX;
	relay->subnet_count = subnet_count < TEREDO_RELAY_SUBNETS_MAX ? subnet_count : TEREDO_RELAY_SUBNETS_MAX;
	for (size_t i = 0; i < relay->own_count; i++)
		relay->own[i] = own[i];
	for (size_t i = 0; i < relay->subnet_count; i++)
		relay->subnets[i] = subnets[i];
}

void teredo_relay_status(const struct teredo_relay *relay, struct teredo_relay_status *out)
{
	out->trusted = relay->lists[STAGE_TRUSTED].count;
	out->peers = out->trusted + relay->lists[STAGE_WAITING].count;
	out->queued = (uint32_t)relay->queued;
}

void teredo_relay_stats(const struct teredo_relay *relay, struct teredo_relay_stats *out)
{
	*out = relay->stats;
}

const char *teredo_relay_drop_name(enum teredo_relay_drop drop)
{
	static const char *const names[TEREDO_RELAY_DROPS] = {
		[TEREDO_RELAY_MALFORMED] = "malformed", [TEREDO_RELAY_LARGE] = "large",
		[TEREDO_RELAY_SOURCE] = "source",	[TEREDO_RELAY_DESTINATION] = "destination",
		[TEREDO_RELAY_FORGED] = "forged",	[TEREDO_RELAY_STRANGER] = "stranger",
		[TEREDO_RELAY_UNSERVED] = "unserved",	[TEREDO_RELAY_LIMIT] = "limit",
		[TEREDO_RELAY_SILENT] = "silent",
	};

	return (unsigned)drop < TEREDO_RELAY_DROPS ? names[drop] : "unknown";
}

/* ---- what passes ---------------------------------------------------------------------------------- */

static int drop(struct teredo_relay *r, enum teredo_relay_drop why)
{
	r->stats.dropped[why]++;
	return 0;
}

static bool own(const struct teredo_relay *r, const struct teredo_endpoint *e)
{
	for (size_t i = 0; i < r->own_count; i++) {
		if (teredo_endpoint_equal(&r->own[i], e))
			return true;
	}
	return false;
}

static bool in_prefix(const struct teredo_ip6 *ip, const struct teredo_prefix *prefix)
{
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;

	return memcmp(ip->bytes, prefix->ip.bytes, whole) == 0 &&
	       (rest == 0 || ((ip->bytes[whole] ^ prefix->ip.bytes[whole]) >> (8 - rest)) == 0);
}

/* A native host of the IPv6 side. */
static bool served(const struct teredo_relay *r, const struct teredo_ip6 *ip)
{
	if (!teredo_is_unicast(ip) || teredo_is_address(ip))
		return false;
	for (size_t i = 0; i < r->config.served_count; i++) {
		if (in_prefix(ip, &r->served[i]))
			return true;
	}
	return false;
}

static bool usable(const struct teredo_relay *r, const struct teredo_endpoint *e)
{
	return teredo_endpoint_usable(e, r->subnets, r->subnet_count) && !own(r, e);
}

int teredo_relay_send(struct teredo_relay *relay, uint64_t now, struct ponto_bytes packet, struct teredo_endpoint *to)
{
	struct teredo_packet p;
	struct teredo_address dst;
	struct peer *peer;

	if (packet.len < TEREDO_IP6_HEADER || packet.data[0] >> 4 != 6 || teredo_decode(packet, &p) != PONTO_OK ||
	    p.trailers.len)
		return drop(relay, TEREDO_RELAY_MALFORMED);
	if (packet.len > TEREDO_MTU)
		return drop(relay, TEREDO_RELAY_LARGE);
	if (!served(relay, &p.src))
		return drop(relay, TEREDO_RELAY_SOURCE);
	teredo_address_split(&p.dst, &dst);
	if (!teredo_is_address(&p.dst) || !usable(relay, &dst.mapped) ||
	    !usable(relay, &(struct teredo_endpoint){dst.server, TEREDO_PORT}))
		return drop(relay, TEREDO_RELAY_DESTINATION);
	peer = find(relay, &p.dst);
	if (!peer) {
		peer = make(relay, now, &p.dst);
		if (!peer)
			return drop(relay, TEREDO_RELAY_LIMIT);
		if (relay->config.cone_trust && dst.flags & TEREDO_CONE)
			trust(relay, peer, now);
	}
	if (valid(peer, now)) {
		unlist(relay, peer);
		enlist(relay, peer, STAGE_TRUSTED, now);
		relay->stats.to_clients++;
		*to = dst.mapped;
		return 1;
	}
	enqueue(relay, peer, packet);
	if (peer->stage == STAGE_TRUSTED || peer->bubbles == 0)
		bubble(relay, peer, now);
	return 0;
}

int teredo_relay_input(struct teredo_relay *relay, uint64_t now, const struct teredo_endpoint *from,
		       struct ponto_bytes datagram, struct ponto_bytes *packet)
{
	struct teredo_packet p;
	struct teredo_address src;
	struct peer *peer;

	/* Authentication and origin come from servers, which have nothing to say to a relay. */
	if (teredo_decode(datagram, &p) != PONTO_OK || p.has_auth || p.has_origin)
		return drop(relay, TEREDO_RELAY_MALFORMED);
	teredo_address_split(&p.src, &src);
	if (!teredo_is_address(&p.src) || !teredo_endpoint_equal(&src.mapped, from) || !usable(relay, from))
		return drop(relay, TEREDO_RELAY_FORGED);
	peer = find(relay, &p.src);
	if (!peer)
		return drop(relay, TEREDO_RELAY_STRANGER);
	relay->stats.answers += peer->stage == STAGE_WAITING;
	trust(relay, peer, now);
	if (teredo_is_bubble(&p))
		return 0;
	if (!served(relay, &p.dst))
		return drop(relay, TEREDO_RELAY_UNSERVED);
	if (p.ip6.len > TEREDO_MTU)
		return drop(relay, TEREDO_RELAY_LARGE);
	relay->stats.from_clients++;
	*packet = p.ip6;
	return 1;
}

/* ---- output and time -------------------------------------------------------------------------------- */

/* False: it has nothing more. */
static bool output_of(struct teredo_relay *r, struct peer *p, struct teredo_relay_slot *slot, bool *last)
{
	struct ponto_writer w = ponto_writer(slot->data, sizeof(slot->data));
	struct teredo_address dst;

	teredo_address_split(&p->ip, &dst);
	if (p->stage == STAGE_TRUSTED) {
		struct packet *packet = dequeue(r, p);

		*last = p->first == NULL;
		if (!packet)
			return false;
		memcpy(slot->data, packet->data, packet->len);
		slot->len = packet->len;
		slot->to = dst.mapped;
		ponto_free(r->config.alloc, packet);
		r->stats.to_clients++;
		return true;
	}
	teredo_write_bubble(&w, &r->config.source, &p->ip, HOP_LIMIT);
	slot->len = (size_t)w.pos;
	slot->to = p->direct ? dst.mapped : (struct teredo_endpoint){dst.server, TEREDO_PORT};
	*last = !p->direct;
	p->direct = false;
	r->stats.bubbles++;
	return true;
}

int teredo_relay_output(struct teredo_relay *relay, struct teredo_relay_slot *slot)
{
	while (relay->out_first) {
		struct peer *p = relay->out_first;
		bool last, any = output_of(relay, p, slot, &last);

		if (last) {
			relay->out_first = p->out_next;
			if (!relay->out_first)
				relay->out_end = &relay->out_first;
			p->due = false;
		}
		if (any)
			return 1;
	}
	return 0;
}

void teredo_relay_advance(struct teredo_relay *relay, uint64_t now)
{
	struct peer *p;

	while ((p = relay->lists[STAGE_WAITING].first) && p->at <= now) {
		if (p->bubbles >= BUBBLES)
			forget(relay, p);
		else
			bubble(relay, p, now);
	}
	while ((p = relay->lists[STAGE_TRUSTED].first) && now - p->at >= FORGET)
		forget(relay, p);
}

uint64_t teredo_relay_deadline(const struct teredo_relay *relay)
{
	const struct peer *waiting = relay->lists[STAGE_WAITING].first, *trusted = relay->lists[STAGE_TRUSTED].first;
	uint64_t deadline = waiting ? waiting->at : PONTO_NEVER;

	if (trusted && trusted->at + FORGET < deadline)
		deadline = trusted->at + FORGET;
	return deadline;
}
