/* ponto-sim's memory: an allocator for a million engines in one thread.
 *
 * Blocks of one size come from slabs of their own, so a block has no header and
 * a free list serves the next one; the slab of a block is found by its address.
 * Built with sanitizers it is the system's allocator, so that they see every block. */
#ifndef PONTO_SIM_POOL_H
#define PONTO_SIM_POOL_H

#include "framework/base.h"

struct psim_pool;

/* NULL: no memory. gives */
struct psim_pool *psim_pool_create(void);

/* Every block with it. Accepts NULL. */
void psim_pool_destroy(struct psim_pool *pool);

/* Valid as long as the pool. */
const struct ponto_alloc *psim_pool_alloc(const struct psim_pool *pool);

/* Bytes in blocks handed out and not given back, rounded as they are; and at most so far. */
uint64_t psim_pool_used(const struct psim_pool *pool);
uint64_t psim_pool_peak(const struct psim_pool *pool);

/* Ends the process unless condition holds: there is no measuring without memory. */
void psim_require(bool condition, const char *what);

#endif
