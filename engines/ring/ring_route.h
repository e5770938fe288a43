/* Ponto ring: a route entry, that is an ID and where its node listens, as small as it can be kept.
 *
 * Pure. Entries are counted references, shared by the cache and the walks of one engine (one thread) and never
 * changed once made but for their marks. [MS-PNRP] 2.2.3.4. */
#ifndef ENGINES_RING_RING_ROUTE_H
#define ENGINES_RING_RING_ROUTE_H

#include "engines/ring/ring_id.h"
#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ring_endpoint {
	uint8_t ip[16];
	uint16_t port;
};

struct ring_route {
	struct ring_id id;
	uint64_t mark; /* the owner's: of the key that certified it; 0: none */
	uint16_t refs;
	uint16_t port;
	uint8_t count;	/* addresses, at least 1 */
	bool certified; /* its CPA was verified: may be in a leaf set */
	uint8_t addrs[][16];
};

/* One reference; NULL when memory is refused. count 1..255. borrows addrs; gives */
struct ring_route *ring_route_make(const struct ponto_alloc *alloc, const struct ring_id *id, uint16_t port,
				   const uint8_t (*addrs)[16], size_t count);

static inline struct ring_route *ring_route_ref(struct ring_route *r)
{
	r->refs++;
	return r;
}

/* Accepts NULL. takes one reference */
void ring_route_unref(const struct ponto_alloc *alloc, struct ring_route *r);

/* One bit for each address: no bit in common, no address in common. */
static inline uint32_t ring_route_hosts(const struct ring_route *r)
{
	uint32_t hosts = 0;

	for (unsigned i = 0; i < r->count; i++) {
		uint64_t half[2];

		memcpy(half, r->addrs[i], sizeof(half));
		hosts |= UINT32_C(1) << (((half[0] ^ half[1]) * UINT64_C(0x9e3779b97f4a7c15)) >> 59);
	}
	return hosts;
}

/* The same port and the same addresses in any order. */
bool ring_route_same_place(const struct ring_route *a, const struct ring_route *b);

bool ring_route_has(const struct ring_route *r, const struct ring_endpoint *e);

/* True when any address of the entry is among the endpoints. */
bool ring_route_touches(const struct ring_route *r, const struct ring_endpoint *list, size_t count);

bool ring_endpoint_equal(const struct ring_endpoint *a, const struct ring_endpoint *b);

/* Bytes of memory. */
static inline size_t ring_route_size(const struct ring_route *r)
{
	return sizeof(*r) + (size_t)r->count * 16;
}

#ifdef __cplusplus
}
#endif
#endif
