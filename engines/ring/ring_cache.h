/* Ponto ring: the route entry cache, with the leaf sets of the local IDs inside it.
 *
 * Pure. One sorted array holds every known entry. The leaf set of a local ID is not stored: it is the
 * RING_LEAF nearest certified entries on each side, so an entry that leaves uncovers the next one. Where sides
 * would overlap (tiny clouds) each entry belongs to its shorter arc.
 *
 * Entries beyond the leaf sets are kept in levels: level 0 spans the circle, each next one a tenth of it around
 * the nearest local ID, and each holds up to RING_LEVEL_ENTRIES. A full level gives up its most crowded entry,
 * so each stays evenly spread, and a resolve needs about log10(n) steps. [MS-PNRP] 3.2.1, 3.2.1.1. */
#ifndef ENGINES_RING_RING_CACHE_H
#define ENGINES_RING_RING_CACHE_H

#include "engines/ring/ring_route.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_LEAF 5
#define RING_LEVEL_ENTRIES 20
#define RING_LEVELS 78 /* enough for 256 bits */

/* What most questions about an entry need, side by side: entries themselves lie all over the memory. */
struct ring_place {
	uint64_t top;	/* ring_id_top of its ID */
	uint32_t hosts; /* ring_route_hosts of it */
	uint8_t level;
	bool leaf;	/* in a leaf set */
	bool certified; /* as the entry is */
};

struct ring_cache {
	struct ring_route **entry; /* ascending */
	struct ring_place *place;  /* of each entry */
	struct ring_id *local;	   /* ascending */
	uint32_t count, room, places_room;
	uint32_t locals, locals_room;
	uint32_t limit; /* entries outside leaf sets */
	const struct ponto_alloc *alloc;
	struct ponto_random random;
	struct ring_id anchor; /* centre of the levels while there is no local ID */
};

/* Needs no memory yet. borrows alloc for the cache's life; copies random */
void ring_cache_init(struct ring_cache *c, const struct ponto_alloc *alloc, const struct ponto_random *random,
		     uint32_t limit);

/* Forgets all entries and local IDs; the cache may be used again. */
void ring_cache_clear(struct ring_cache *c);

/* ---- local IDs -------------------------------------------------------------- */

/* PONTO_EEXIST, PONTO_ENOMEM. */
PONTO_MUST_CHECK int ring_cache_add_local(struct ring_cache *c, const struct ring_id *id);
void ring_cache_remove_local(struct ring_cache *c, const struct ring_id *id);
bool ring_cache_is_local(const struct ring_cache *c, const struct ring_id *id);

/* The local ID closest to target; NULL when there is none. */
const struct ring_id *ring_cache_closest_local(const struct ring_cache *c, const struct ring_id *target);

/* ---- entries ------------------------------------------------------------------ */

struct ring_route *ring_cache_find(const struct ring_cache *c, const struct ring_id *id);

/* Where it is kept; NULL when it is not there. Valid until the cache changes. */
const struct ring_place *ring_cache_place(const struct ring_cache *c, const struct ring_id *id);

/* The entry closest to target; NULL when empty. */
struct ring_route *ring_cache_closest(const struct ring_cache *c, const struct ring_id *target);

/* The entry nth (from 0) strictly above (up) or below id, going round; NULL when there are no more. */
struct ring_route *ring_cache_neighbour(const struct ring_cache *c, const struct ring_id *id, bool up, size_t nth);

/* Of the near entries nearest above and below id those that are not certified, at most 2 * near, from the nearest on;
 * returns how many. An entry is there twice when there are few. borrowed from the cache */
size_t ring_cache_uncertified(const struct ring_cache *c, const struct ring_id *id, size_t near,
			      struct ring_route **out);

/* Whether an entry with this ID would be kept that is neither there nor in the range of a leaf set, which are kept
 * anyhow: its level has room or is more crowded elsewhere. */
bool ring_cache_has_room(const struct ring_cache *c, const struct ring_id *id);

/* Adds a reference to r, in place of an entry with the same ID (whose mark certified is kept only if the place
 * is the same). Another entry may have to go, and an entry may lose its place to its own arrival. PONTO_ENOSPC: not
 * wanted; PONTO_ENOMEM. */
PONTO_MUST_CHECK int ring_cache_add(struct ring_cache *c, struct ring_route *r);

/* True when it was there. */
bool ring_cache_remove(struct ring_cache *c, const struct ring_id *id);

/* ---- leaf sets ------------------------------------------------------------------ */

/* The leaves of a local ID on one side, nearest first; returns how many. borrowed from the cache */
size_t ring_cache_leaves(const struct ring_cache *c, const struct ring_id *local, bool up,
			 struct ring_route *out[RING_LEAF]);

/* Whether id is in a leaf set, or would be if it were entered certified. *local (may be NULL) becomes the nearest
 * local ID concerned. */
bool ring_cache_in_leaf_range(const struct ring_cache *c, const struct ring_id *id, struct ring_id *local);

/* Whether target lies in a leaf set's range: between a local ID and its outermost leaf on a side, or a side is
 * not full. */
static inline bool ring_cache_target_in_leaf_set(const struct ring_cache *c, const struct ring_id *target)
{
	return ring_cache_in_leaf_range(c, target, NULL);
}

/* ---- choices ---------------------------------------------------------------------- */

/* Up to want entries evenly spread over the circle, from a random starting point. Returns how many. */
size_t ring_cache_spread(const struct ring_cache *c, size_t want, struct ring_route **out);

enum ring_pick {
	RING_PICK_NO,	/* not this one */
	RING_PICK_YES,	/* a candidate */
	RING_PICK_STOP, /* neither this one nor any farther */
};

typedef enum ring_pick ring_pick_fn(void *arg, const struct ring_route *route);

/* A random candidate, offered by distance from target: each is taken with 7 chances in 8, else the next. When
 * none was taken, the closest one. NULL: no candidate. */
struct ring_route *ring_cache_pick(const struct ring_cache *c, const struct ring_id *target, ring_pick_fn *fn,
				   void *arg);

/* The level of an ID: 0, 1, … */
unsigned ring_cache_level(const struct ring_cache *c, const struct ring_id *id);

/* The mean, over local IDs with a leaf on each side, of 2 * 2^256 / (nearest above - nearest below), values of
 * 2^32 and more left out. 0: none. [MS-PNRP] 3.2.6.2.1.1 */
double ring_cache_estimate(const struct ring_cache *c);

/* Fetches the entry with this ID and, if near, those that ring_cache_pick looks at first. Changes nothing. */
void ring_cache_ahead(const struct ring_cache *c, const struct ring_id *id, bool near);

/* Bytes of heap held. */
size_t ring_cache_memory(const struct ring_cache *c);

#ifdef __cplusplus
}
#endif
#endif
