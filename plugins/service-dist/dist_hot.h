/* service-dist: blocks that were read lately, in memory: those of the store were read, copied and hashed, which takes
 * longer than sealing them (docs/benchmarks.md).
 *
 * Bounded by bytes; the one unused for longest goes. Only checked blocks of segments with keys: what is named by its
 * hashes never changes. One thread; a block that is held stays, whoever forgets it meanwhile. */
#ifndef PLUGINS_SERVICE_DIST_DIST_HOT_H
#define PLUGINS_SERVICE_DIST_DIST_HOT_H

#include "plugins/service-dist/dist_record.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dist_hot_block {
	struct dist_hot_block *before, *after;
	struct dist_hot_set *set; /* NULL: forgotten, gone with its last holder */
	uint32_t index;
	unsigned holders;
	uint8_t *value;
	struct dist_block block;   /* data is a view into value */
	struct ponto_bytes answer; /* what value is, when it is a whole answer with the block in it; */
	uint32_t next;		   /* what that says is held after the block */
};

/* Of a segment; all zero: none. */
struct dist_hot_set {
	struct dist_hot_block **blocks; /* by index, NULL: not hot */
	uint32_t count;
};

struct dist_hot {
	const struct ponto_alloc *alloc;
	uint64_t max, bytes;
	struct dist_hot_block *first, *last; /* by last use */
};

/* The block, held until dist_hot_release; NULL: not hot. */
struct dist_hot_block *dist_hot_hold(struct dist_hot *hot, struct dist_hot_set *set, uint32_t index);
void dist_hot_release(struct dist_hot *hot, struct dist_hot_block *block);

/* Keeps one of blocks blocks, if there is room and memory. takes value, which block's data is a view into */
void dist_hot_keep(struct dist_hot *hot, struct dist_hot_set *set, uint32_t blocks, uint32_t index, uint8_t *value,
		   const struct dist_block *block);

/* A held block's value becomes an answer that the block stands in at data, unless somebody else holds it too: false.
 * takes answer when true */
bool dist_hot_answer(struct dist_hot *hot, struct dist_hot_block *block, struct ponto_bytes answer, const uint8_t *data,
		     uint32_t next);

/* All of a segment. */
void dist_hot_forget(struct dist_hot *hot, struct dist_hot_set *set);

#ifdef __cplusplus
}
#endif
#endif
