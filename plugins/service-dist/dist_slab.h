/* service-dist: many things of one size, named by numbers of 32 bits instead of pointers, which half as much memory holds.
 *
 * They lie in pieces that never move, so that a pointer to one is good until it is given back; what was given back is
 * taken again first, and no memory returns to the allocator before the end. One thread. */
#ifndef PLUGINS_SERVICE_DIST_DIST_SLAB_H
#define PLUGINS_SERVICE_DIST_DIST_SLAB_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIST_SLAB_PIECE 1024u /* things */

struct dist_slab {
	const struct ponto_alloc *alloc;
	size_t size; /* of a thing, at least 4 bytes */
	uint8_t **pieces;
	size_t room;   /* of pieces */
	uint32_t made; /* numbers 1 to made were taken at least once */
	uint32_t free; /* what was given back last, and there the number of the one before it */
};

void dist_slab_init(struct dist_slab *slab, const struct ponto_alloc *alloc, size_t size);
void dist_slab_clear(struct dist_slab *slab);

/* A zeroed one's number; 0: there is no memory. */
uint32_t dist_slab_take(struct dist_slab *slab);
void dist_slab_give(struct dist_slab *slab, uint32_t number);

/* NULL for 0. */
static inline void *dist_slab_at(const struct dist_slab *slab, uint32_t number)
{
	return number ? slab->pieces[number / DIST_SLAB_PIECE] + number % DIST_SLAB_PIECE * slab->size : NULL;
}

#ifdef __cplusplus
}
#endif
#endif
