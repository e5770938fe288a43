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

#define DIST_HOT_BUCKETS 1024u

struct dist_hot_block {
	struct dist_hot_block *before, *after, *next_found;
	struct content_id id;
	struct dist_hot_set *set; /* NULL: forgotten, gone with its last holder */
	uint32_t index;
	unsigned holders;
	uint8_t *value;
	struct dist_block block;   /* data is a view into value */
	struct ponto_bytes answer; /* what value is, when it is a whole answer with the block in it */
	bool found;		   /* by any thread, with what follows: */
	uint32_t next;		   /* what is held after the block, as answers say it */
	uint8_t kp[CONTENT_HASH_MAX]; /* the segment's, unless it has an answer */
};

/* Of a segment; all zero: none. */
struct dist_hot_set {
	struct dist_hot_block **blocks; /* by index, NULL: not hot */
	uint32_t count;
};

struct dist_hot {
	const struct ponto_alloc *alloc;
	uint64_t max, bytes;
	uint8_t key[16];
	pthread_mutex_t lock; /* guards what follows, and what blocks and sets say of each other */
	struct dist_hot_block *first, *last; /* by last use */
	struct dist_hot_block *answers[DIST_HOT_BUCKETS];
};

/* key: of a table whose names strangers choose; max: bytes. */
void dist_hot_init(struct dist_hot *hot, const struct ponto_alloc *alloc, const uint8_t key[16], uint64_t max);
/* All sets are forgotten, and no block is held. */
void dist_hot_clear(struct dist_hot *hot);

/* The block, held until dist_hot_release; NULL: not hot. */
struct dist_hot_block *dist_hot_hold(struct dist_hot *hot, struct dist_hot_set *set, uint32_t index);
void dist_hot_release(struct dist_hot *hot, struct dist_hot_block *block);

/* On any thread: a block that dist_hot_answer or dist_hot_show was told of, held; NULL: there is none. */
struct dist_hot_block *dist_hot_find(struct dist_hot *hot, const struct content_id *id, uint32_t index);

/* Keeps one of blocks blocks, if there is room and memory. takes value, which block's data is a view into */
void dist_hot_keep(struct dist_hot *hot, struct dist_hot_set *set, const struct content_id *id, uint32_t blocks,
		   uint32_t index, uint8_t *value, const struct dist_block *block);

/* A held block's value becomes an answer that the block stands in at data, and dist_hot_find finds it, unless somebody
 * else holds it too: false. takes answer when true */
bool dist_hot_answer(struct dist_hot *hot, struct dist_hot_block *block, struct ponto_bytes answer, const uint8_t *data,
		     uint32_t next);

/* dist_hot_find finds a held block, with what an answer is sealed with and what it says is held after the block, unless
 * somebody else holds it too. copies kp */
void dist_hot_show(struct dist_hot *hot, struct dist_hot_block *block, const uint8_t kp[CONTENT_HASH_MAX], uint32_t next);

/* What the answers of a segment say may be true no more: dist_hot_find finds none. */
void dist_hot_doubt(struct dist_hot *hot, struct dist_hot_set *set);

/* All of a segment. */
void dist_hot_forget(struct dist_hot *hot, struct dist_hot_set *set);

#ifdef __cplusplus
}
#endif
#endif
