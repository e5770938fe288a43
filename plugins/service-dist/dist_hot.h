/* service-dist: blocks that were read lately, in memory: those of the store were read, copied and hashed, which takes
 * longer than sealing them (docs/benchmarks.md).
 *
 * Bounded by bytes; the one unused for longest goes. Only checked blocks of segments with keys: what is named by its
 * hashes never changes. One thread, but for dist_hot_find and dist_hot_release; a block that is held stays, whoever
 * forgets it meanwhile. */
#ifndef PLUGINS_SERVICE_DIST_DIST_HOT_H
#define PLUGINS_SERVICE_DIST_DIST_HOT_H

#include <pthread.h>

#include "plugins/service-dist/dist_record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIST_HOT_BUCKETS 4096u

struct dist_hot_block {
	struct dist_hot_block *before, *after, *in_bucket;
	struct content_id id;
	uint32_t index;
	unsigned holders;
	bool gone; /* forgotten: it goes with its last holder */
	uint8_t *value;
	struct dist_block block;   /* data is a view into value */
	struct ponto_bytes answer; /* what value is, when it is a whole answer with the block in it */
	bool found;		   /* by any thread, with what follows: */
	uint32_t next;		   /* what is held after the block, as answers say it */
	uint8_t hod[CONTENT_HASH_MAX], kp[CONTENT_HASH_MAX]; /* the segment's */
};

struct dist_hot {
	const struct ponto_alloc *alloc;
	uint64_t max, bytes;
	uint8_t key[16];
	pthread_mutex_t lock; /* guards what follows, and what blocks say of each other */
	struct dist_hot_block *first, *last; /* by last use */
	struct dist_hot_block *buckets[DIST_HOT_BUCKETS];
};

/* key: of a table whose names strangers choose; max: bytes. */
void dist_hot_init(struct dist_hot *hot, const struct ponto_alloc *alloc, const uint8_t key[16], uint64_t max);
/* No block is held. */
void dist_hot_clear(struct dist_hot *hot);

/* The block, held until dist_hot_release; NULL: not hot. */
struct dist_hot_block *dist_hot_hold(struct dist_hot *hot, const struct content_id *id, uint32_t index);
void dist_hot_release(struct dist_hot *hot, struct dist_hot_block *block);

/* On any thread: a block that dist_hot_answer or dist_hot_show was told of, held; NULL: there is none. */
struct dist_hot_block *dist_hot_find(struct dist_hot *hot, const struct content_id *id, uint32_t index);

/* Keeps a block of the segment that meta is of, if there is room and memory. takes value, which block's data is a view into */
void dist_hot_keep(struct dist_hot *hot, const struct content_id *id, const struct dist_meta *meta, uint32_t index,
		   uint8_t *value, const struct dist_block *block);

/* A held block's value becomes an answer that the block stands in at data, and dist_hot_find finds it, unless somebody
 * else holds it too: false. takes answer when true */
bool dist_hot_answer(struct dist_hot *hot, struct dist_hot_block *block, struct ponto_bytes answer, const uint8_t *data,
		     uint32_t next);

/* dist_hot_find finds a held block, with what an answer is sealed with and what it says is held after the block, unless
 * somebody else holds it too. */
void dist_hot_show(struct dist_hot *hot, struct dist_hot_block *block, uint32_t next);

/* What the answers of a segment say, which can have so many blocks, may be true no more: dist_hot_find finds none. */
void dist_hot_doubt(struct dist_hot *hot, const struct content_id *id, uint32_t blocks);

/* All of a segment. */
void dist_hot_forget(struct dist_hot *hot, const struct content_id *id, uint32_t blocks);

#ifdef __cplusplus
}
#endif
#endif
