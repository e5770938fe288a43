#include "engines/ring/ring_route.h"

#include <string.h>

struct ring_route *ring_route_make(const struct ponto_alloc *alloc, const struct ring_id *id, uint16_t port,
				   const uint8_t (*addrs)[16], size_t count)
{
	struct ring_route *r = ponto_new(alloc, 1, sizeof(*r) + count * 16);

	if (!r)
		return NULL;
	r->id = *id;
	r->refs = 1;
	r->port = port;
	r->count = (uint8_t)count;
	memcpy(r->addrs, addrs, count * 16);
	return r;
}

void ring_route_unref(const struct ponto_alloc *alloc, struct ring_route *r)
{
	if (r && --r->refs == 0)
		ponto_free(alloc, r);
}

static bool has_ip(const struct ring_route *r, const uint8_t ip[16])
{
	for (unsigned i = 0; i < r->count; i++)
		if (memcmp(r->addrs[i], ip, 16) == 0)
			return true;
	return false;
}

bool ring_route_same_place(const struct ring_route *a, const struct ring_route *b)
{
	if (a->port != b->port || a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (!has_ip(b, a->addrs[i]) || !has_ip(a, b->addrs[i]))
			return false;
	return true;
}

bool ring_route_has(const struct ring_route *r, const struct ring_endpoint *e)
{
	return r->port == e->port && has_ip(r, e->ip);
}

bool ring_route_touches(const struct ring_route *r, const struct ring_endpoint *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ring_route_has(r, &list[i]))
			return true;
	return false;
}

bool ring_endpoint_equal(const struct ring_endpoint *a, const struct ring_endpoint *b)
{
	return a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}
