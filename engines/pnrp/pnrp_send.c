/* Ponto PNRP engine: messages on their way out, and between which addresses they go. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

/* ---- counting ---------------------------------------------------------------- */

static enum pnrp_message_type_index count_index(uint8_t type)
{
	switch (type) {
	case PNRP_SOLICIT:
		return PNRP_COUNT_SOLICIT;
	case PNRP_ADVERTISE:
		return PNRP_COUNT_ADVERTISE;
	case PNRP_REQUEST:
		return PNRP_COUNT_REQUEST;
	case PNRP_FLOOD:
		return PNRP_COUNT_FLOOD;
	case PNRP_INQUIRE:
		return PNRP_COUNT_INQUIRE;
	case PNRP_AUTHORITY:
		return PNRP_COUNT_AUTHORITY;
	case PNRP_ACK:
		return PNRP_COUNT_ACK;
	default:
		return PNRP_COUNT_LOOKUP;
	}
}

void pnrp_count_received(struct pnrp_engine *e, uint8_t type)
{
	e->stats.received[count_index(type)]++;
}

/* ---- the queue ------------------------------------------------------------------ */

void pnrp_send_bytes(struct pnrp_engine *e, uint8_t type, struct ponto_bytes bytes, const struct ponto_addr *to,
		     const struct ponto_addr *from)
{
	struct pnrp_packet *p;

	if (e->out_count >= e->limits.output) {
		e->stats.output_lost++;
		return;
	}
	p = ponto_new(&e->alloc, 1, sizeof(*p) + bytes.len);
	if (!p) {
		pnrp_drop(e, PNRP_DROP_MEMORY);
		return;
	}
	p->to = *to;
	if (pnrp_is_own_address(e, from))
		p->from = *from;
	p->len = (uint16_t)bytes.len;
	memcpy(p->bytes, bytes.data, bytes.len);
	*e->out_end = p;
	e->out_end = &p->next;
	e->out_count++;
	e->stats.sent[count_index(type)]++;
	e->stats.sent_bytes += bytes.len;
}

int pnrp_engine_output(struct pnrp_engine *e, uint64_t now, struct pnrp_slot *slot)
{
	struct pnrp_packet *p = e->out;

	(void)now;
	if (slot->cap < PNRP_DATAGRAM_MAX)
		return PONTO_EINVAL;
	if (!p)
		return 0;
	memcpy(slot->data, p->bytes, p->len);
	slot->len = p->len;
	slot->to = p->to;
	slot->from = p->from;
	e->out = p->next;
	if (!e->out)
		e->out_end = &e->out;
	e->out_count--;
	ponto_free(&e->alloc, p);
	return 1;
}

/* ---- messages ---------------------------------------------------------------------- */

/* A Message ID that nobody can guess and that waits for no answer yet. */
static uint32_t unused_id(struct pnrp_engine *e)
{
	uint32_t id;

	do
		id = (uint32_t)ponto_random_u64(&e->random);
	while (ring_pending_find(&e->pending, id));
	return id;
}

void pnrp_send(struct pnrp_engine *e, struct pnrp_message *m, const struct ponto_addr *to,
	       const struct ponto_addr *from)
{
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	m->id = (uint32_t)ponto_random_u64(&e->random); /* nothing answers it */
	if (pnrp_encode(e->wire, m, bytes, sizeof(bytes), &len) == PONTO_OK)
		pnrp_send_bytes(e, m->type, ponto_bytes(bytes, len), to, from);
}

int pnrp_send_request(struct pnrp_engine *e, uint64_t now, struct pnrp_message *m, const struct ponto_addr *to,
		      const struct ponto_addr *from, uint64_t owner)
{
	uint8_t bytes[PNRP_MESSAGE_MAX];
	struct ring_message *pending;
	size_t len;
	int result;

	m->id = unused_id(e);
	result = pnrp_encode(e->wire, m, bytes, sizeof(bytes), &len);
	if (result)
		return result;
	pending = ring_pending_add(&e->pending, now, m->type, m->id, ponto_bytes(bytes, len));
	if (!pending) {
		pnrp_drop(e, PNRP_DROP_MEMORY);
		return PONTO_ENOMEM;
	}
	pending->to = *to;
	pending->from = *from;
	pending->owner = owner;
	pnrp_send_bytes(e, m->type, ponto_bytes(bytes, len), to, from);
	return PONTO_OK;
}

void pnrp_acknowledge(struct pnrp_engine *e, uint32_t acked_id, bool not_found, const struct ponto_addr *to,
		      const struct ponto_addr *from)
{
	struct pnrp_message m = {.type = PNRP_ACK, .ack = {.acked_id = acked_id, .not_found = not_found}};

	pnrp_send(e, &m, to, from);
}

void pnrp_forget_request(struct pnrp_engine *e, uint32_t message_id)
{
	struct ring_message *m = ring_pending_find(&e->pending, message_id);

	ring_reassembly_forget(&e->reassembly, message_id);
	if (m)
		ring_pending_remove(&e->pending, m);
}

/* ---- addresses ------------------------------------------------------------------------ */

struct ring_endpoint pnrp_endpoint_of(const struct ponto_addr *a)
{
	struct ring_endpoint p = {.port = a->port};

	memcpy(p.ip, a->ip, sizeof(p.ip));
	return p;
}

static bool same_endpoint(const struct ponto_addr *a, const struct ring_endpoint *p)
{
	return a->port == p->port && memcmp(a->ip, p->ip, sizeof(p->ip)) == 0;
}

bool pnrp_is_own_endpoint(const struct pnrp_engine *e, const struct ring_endpoint *p)
{
	for (unsigned i = 0; i < e->local_count; i++)
		if (same_endpoint(&e->local[i], p))
			return true;
	return false;
}

bool pnrp_is_own_address(const struct pnrp_engine *e, const struct ponto_addr *a)
{
	if (a->family != PONTO_FAMILY_IPV6)
		return false;
	for (unsigned i = 0; i < e->local_count; i++)
		if (a->port == e->local[i].port && memcmp(a->ip, e->local[i].ip, sizeof(a->ip)) == 0)
			return true;
	return false;
}

struct ring_endpoint pnrp_own_endpoint(const struct pnrp_engine *e)
{
	return pnrp_endpoint_of(&e->local[0]);
}

/* Written out so that compilers make it one load. */
static uint64_t half(const uint8_t *p)
{
	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
	       (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

static unsigned common_prefix(const uint8_t a[16], const uint8_t b[16])
{
	uint64_t high = half(a) ^ half(b), low = half(a + 8) ^ half(b + 8);

	if (high)
		return (unsigned)__builtin_clzll(high);
	return low ? 64 + (unsigned)__builtin_clzll(low) : 128;
}

struct ponto_addr pnrp_choose_local(const struct pnrp_engine *e, const struct ponto_addr *to)
{
	struct ponto_addr none = {0};
	const struct ponto_addr *best = &none;
	unsigned best_bits = 0;

	for (unsigned i = 0; i < e->local_count; i++) {
		unsigned bits = common_prefix(e->local[i].ip, to->ip) + 1;

		if (bits > best_bits) {
			best = &e->local[i];
			best_bits = bits;
		}
	}
	return *best;
}

bool pnrp_is_of_cloud(const struct pnrp_engine *e, const struct ponto_addr *a)
{
	return a->ip[0] != 0xff && (e->scope == PONTO_SCOPE_NONE || ponto_addr_scope(a) == e->scope);
}

bool pnrp_choose_address(const struct pnrp_engine *e, const struct ring_route *r, struct ponto_addr *to,
			 struct ponto_addr *from)
{
	unsigned best_bits = 0;

	for (unsigned i = 0; i < r->count; i++) {
		struct ponto_addr a = {.family = PONTO_FAMILY_IPV6, .port = r->port, .zone = e->zone}, local;
		unsigned bits;

		memcpy(a.ip, r->addrs[i], sizeof(a.ip));
		if (!pnrp_is_of_cloud(e, &a))
			continue;
		local = pnrp_choose_local(e, &a);
		bits = common_prefix(local.ip, a.ip) + 1;
		if (bits <= best_bits || pnrp_is_own_address(e, &a))
			continue;
		best_bits = bits;
		*to = a;
		*from = local;
	}
	return best_bits > 0;
}

/* ---- forms of a route entry ----------------------------------------------------------------- */

struct ring_route *pnrp_route_from_wire(struct pnrp_engine *e, const struct pnrp_route_entry *r)
{
	struct ring_route *route = ring_route_make(&e->alloc, &r->id, r->port, r->addrs, r->count);

	if (!route)
		pnrp_drop(e, PNRP_DROP_MEMORY);
	return route;
}

void pnrp_route_to_wire(const struct ring_route *r, struct pnrp_route_entry *out)
{
	memset(out, 0, sizeof(*out));
	out->id = r->id;
	out->port = r->port;
	out->count = r->count < PNRP_ROUTE_ADDRS_MAX ? r->count : PNRP_ROUTE_ADDRS_MAX;
	memcpy(out->addrs, r->addrs, (size_t)out->count * 16);
}

bool pnrp_own_route(const struct pnrp_engine *e, const struct ring_id *id, struct pnrp_route_entry *out)
{
	memset(out, 0, sizeof(*out));
	if (e->local_count == 0)
		return false;
	out->id = *id;
	out->port = e->local[0].port;
	out->count = e->local_count;
	for (unsigned i = 0; i < e->local_count; i++)
		memcpy(out->addrs[i], e->local[i].ip, 16);
	return true;
}

size_t pnrp_endpoints_to_wire(const struct ring_endpoint *list, size_t count, struct pnrp_ipv6_endpoint *out)
{
	for (size_t i = 0; i < count; i++) {
		memcpy(out[i].ip, list[i].ip, sizeof(out[i].ip));
		out[i].port = list[i].port;
	}
	return count;
}

size_t pnrp_endpoints_from_wire(const struct pnrp_ipv6_endpoint *list, size_t count, struct ring_endpoint *out)
{
	for (size_t i = 0; i < count; i++) {
		memcpy(out[i].ip, list[i].ip, sizeof(out[i].ip));
		out[i].port = list[i].port;
	}
	return count;
}
