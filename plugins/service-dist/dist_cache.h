/* service-dist: the cache: blocks of segments, in a store, and the index of what is held, in memory.
 *
 * Belongs to the thread of its loop: all calls are made and all callbacks come there, but dist_cache_work_fn. Calls of
 * the store run on the store's pool. Several caches may share a store, in one process or in several: each learns of
 * the others' blocks when it keeps some of the same segment (dist_shelf.h), or asks for it (dist_cache_learn). What is
 * kept survives the process; what was acknowledged may be lost with power, never half. [MS-PCCRR] 3.2.1. */
#ifndef PLUGINS_SERVICE_DIST_DIST_CACHE_H
#define PLUGINS_SERVICE_DIST_DIST_CACHE_H

#include "engines/content/content_hosted.h"
#include "framework/env.h"
#include "plugins/service-dist/dist_hot.h"
#include "plugins/service-dist/dist_ledger.h"
#include "plugins/service-dist/dist_shelf.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dist_cache;

#define DIST_CACHE_READS 64 /* the defaults */
#define DIST_CACHE_WRITES 256

struct dist_cache_config {
	const struct ponto_alloc *alloc;
	const struct ponto_clock *clock;
	const struct ponto_random *random;
	struct ponto_log *log;	       /* may be NULL */
	struct ponto_metrics *metrics; /* may be NULL */
	const char *instance;	       /* of metrics; copied */
	struct ponto_loop *loop;
	struct ponto_store store;
	uint64_t max_bytes; /* of blocks, with 4 KiB a segment; 0: no bound */
	uint64_t max_age;   /* microseconds since the first block was kept; 0: no bound */
	uint64_t max_hot;   /* bytes of blocks read lately that are kept in memory; 0: none */
	unsigned reads;	    /* dist_cache_get at once; 0: DIST_CACHE_READS */
	unsigned writes;    /* dist_cache_put at once; 0: DIST_CACHE_WRITES */
	bool check;	    /* read and check every block once it is open, in the background */
	unsigned share;	    /* percent of the file system that the store lies on, for blocks as above; 0: no bound */
	uint64_t scrub;	    /* microseconds from the beginning of one round of the scrub to the next; 0: none */
	uint64_t scrub_rate; /* bytes a second that it reads at most; 0: no bound */
	bool shared;	     /* other caches use the store at the same time: dist_cache_learn */
};

typedef void dist_cache_done_fn(void *arg, int result);

/* Reads what the store holds. Until ready(arg, PONTO_OK) what is held is known in part: that is found and read, the rest
 * when dist_cache_learn has asked for it, and what is put is kept; nothing is removed for room or age, listed, cleared or
 * verified. When ready tells an error, the
 * store's, nothing more is kept: close it. PONTO_ENOMEM; PONTO_EBUSY: the store's pool is full. gives */
PONTO_MUST_CHECK int dist_cache_open(const struct dist_cache_config *config, dist_cache_done_fn *ready, void *arg,
				     struct dist_cache **out);

/* Ends: what the store is at work on is waited for; what waits ends with PONTO_ECLOSED, perhaps before this returns.
 * Then done, perhaps at once, after which the cache is gone. Accepts NULL (nothing happens). takes */
void dist_cache_close(struct dist_cache *cache, void (*done)(void *arg), void *arg);

/* ---- what is held: from memory, at once ---------------------------------------------- */

struct dist_known {
	struct content_id id;
	enum content_algo algo;
	bool keyed, whole;
	uint32_t size;	 /* bytes of the segment */
	uint32_t hashes; /* of its blocks that are known, version 1.0 */
	struct content_blocks blocks;
	uint64_t bytes;		/* of these */
	uint64_t created, used; /* wall microseconds: when the first of it was kept; last use */
	uint8_t tag[DIST_TAG];
	uint32_t replies, full; /* of dist_cache_sought, 255 at most */
};

/* False: nothing of it. */
bool dist_cache_find(const struct dist_cache *cache, const struct content_id *id, struct dist_known *out);

/* Microseconds since the first of it was kept. */
uint64_t dist_cache_age(const struct dist_cache *cache, const struct dist_known *known);

/* Of it no more than what tells whether something is missing, for who asks often. */
bool dist_cache_glance(const struct dist_cache *cache, const struct content_id *id, struct content_hosted_known *out);

/* Whether the store may hold what is not known: other caches use it, or ready has not told yet. */
bool dist_cache_learns(const struct dist_cache *cache);

/* What the store holds of these segments is known here from done on, as far as it told in time. PONTO_OK: done comes
 * later, with PONTO_OK, or why some were not asked for. At once, and without done: PONTO_ENOENT: nothing is to be asked
 * (all of them are whole, or were asked for lately; dist_cache_learns says no, or the store failed lately); PONTO_EBUSY:
 * too much is asked already; PONTO_ECLOSED, PONTO_ENOMEM. At most DIST_LEARN_MAX are asked for. copies */
#define DIST_LEARN_MAX 256u
PONTO_MUST_CHECK int dist_cache_learn(struct dist_cache *cache, const struct content_id *ids, size_t count,
				      dist_cache_done_fn *done, void *arg);

/* How many neighbours answered when it was sought here, and how many of them held all of it: told to discovery as long
 * as something is held. PONTO_ENOENT: nothing is. */
PONTO_MUST_CHECK int dist_cache_sought(struct dist_cache *cache, const struct content_id *id, uint32_t replies,
				       uint32_t full);

/* All that is held, last used first, until fn returns false. fn makes no call to the cache. */
void dist_cache_each(const struct dist_cache *cache, bool (*fn)(void *arg, const struct dist_known *known), void *arg);

/* ready has told PONTO_OK. */
bool dist_cache_is_ready(const struct dist_cache *cache);

/* Bytes that may be held, 0: no bound. The share of a disk is known once the cache begins to be read. */
uint64_t dist_cache_limit(const struct dist_cache *cache);

struct dist_cache_stats {
	uint64_t segments, blocks, bytes; /* held; bytes of blocks */
	uint64_t limit;			  /* of them, 0: none; */
	uint64_t share;			  /* of it, what the share of the disk is; 0: not limited, or not known */
	uint64_t stored, read;		  /* blocks, since the start */
	uint64_t hot;			  /* of those read: from memory */
	uint64_t evicted, expired;	  /* segments removed for room, for age */
	uint64_t damaged;		  /* records that were not right, and removed */
	uint64_t refused;		  /* blocks not kept for want of space */
	uint64_t errors;		  /* other calls of the store that failed */
	bool paused;			  /* the store is full: nothing is kept for a while */
};

void dist_cache_stats(const struct dist_cache *cache, struct dist_cache_stats *out);

/* What was counted since the start; and since the cache began, as far as the store has told. */
void dist_cache_count(const struct dist_cache *cache, struct dist_ledger *since, struct dist_ledger *all);

/* The scrub: a round is under way; damaged records found in this or the last one; bytes of segments still to be read. */
bool dist_cache_scrubs(const struct dist_cache *cache, uint64_t *found, uint64_t *ahead);

/* Somebody asked for blocks that are not held: a neighbour, or somebody here. */
void dist_cache_missed(struct dist_cache *cache, bool neighbour, uint64_t blocks);
/* A block that was read went to a neighbour. */
void dist_cache_given(struct dist_cache *cache, uint64_t bytes);
/* Bytes of contents came here from neighbours, or from their origins. */
void dist_cache_fetched(struct dist_cache *cache, bool neighbours, uint64_t bytes);

/* ---- blocks ------------------------------------------------------------------------------ */

/* Keeps a block that was checked against its hash: HoD in version 2.0, else the one that segment lists; piece->hash is
 * found there. Without keys: as it came; with segment->replace instead of what is relayed of it. PONTO_OK: done comes
 * later, with PONTO_OK when it is kept, also by somebody else. At once: PONTO_EEXIST: it is held, or others are under its
 * ID that have keys where these have none; PONTO_EINVAL: sizes, hash or ID do not fit each other, or what is held;
 * PONTO_EBUSY: too many at once, or not ready; PONTO_ENOSPC: there was no space lately; PONTO_ECLOSED, PONTO_ENOMEM. done
 * may tell these too, and the store's. copies segment, borrows piece->data until done */
PONTO_MUST_CHECK int dist_cache_put(struct dist_cache *cache, const struct dist_segment *segment,
				    const struct dist_piece *piece, dist_cache_done_fn *done, void *arg);

struct dist_read {
	struct content_id id;
	uint32_t index;
	struct dist_meta meta; /* with hod and kp, when keyed */
	struct dist_block block;
};

/* On a worker, with a block whose hash is right; its result becomes done's. borrows read */
typedef int dist_cache_work_fn(void *arg, const struct dist_read *read);

/* Reads a block, works on it, and tells done: the worker's result; PONTO_ENOENT: it went meanwhile; PONTO_ECORRUPT: it
 * was damaged, and goes; PONTO_ENOMEM, the store's. At once, and without done: PONTO_ENOENT: not held; PONTO_EBUSY: too
 * many at once; PONTO_ECLOSED, PONTO_ENOMEM. Counts as use of the segment. */
PONTO_MUST_CHECK int dist_cache_get(struct dist_cache *cache, const struct content_id *id, uint32_t index,
				    dist_cache_work_fn *work, dist_cache_done_fn *done, void *arg);

/* The same for who takes it elsewhere: it is no use of the segment, and counted nowhere. */
PONTO_MUST_CHECK int dist_cache_copy(struct dist_cache *cache, const struct content_id *id, uint32_t index,
				     dist_cache_work_fn *work, dist_cache_done_fn *done, void *arg);

/* A block that is in memory, counted as read, and its segment's key; NULL: it is not. Held until dist_cache_release. */
struct dist_hot_block *dist_cache_hold(struct dist_cache *cache, const struct content_id *id, uint32_t index,
				       uint8_t kp[CONTENT_HASH_MAX]);
/* dist_hot_show of it. */
void dist_cache_reveal(struct dist_cache *cache, struct dist_hot_block *block, uint32_t next);
/* On any thread: a block that is in memory and has an answer or was revealed; the loop is to be told, by dist_cache_lent. NULL:
 * there is none. Held until dist_cache_release. */
struct dist_hot_block *dist_cache_lend(struct dist_cache *cache, const struct content_id *id, uint32_t index);
void dist_cache_lent(struct dist_cache *cache, const struct content_id *id, uint64_t bytes);
/* On any thread. */
void dist_cache_release(struct dist_cache *cache, struct dist_hot_block *block);
/* dist_hot_answer of it. */
bool dist_cache_answer(struct dist_cache *cache, struct dist_hot_block *block, struct ponto_bytes answer,
		       const uint8_t *data, uint32_t next);

/* The hashes of the first blocks of a segment of version 1.0, for who offers it to a hosted cache. work borrows them on
 * a worker. No use of the segment; otherwise like dist_cache_get. */
typedef int dist_cache_hashes_fn(void *arg, const struct dist_meta *meta, struct ponto_bytes hashes);
PONTO_MUST_CHECK int dist_cache_hashes(struct dist_cache *cache, const struct content_id *id,
				       dist_cache_hashes_fn *work, dist_cache_done_fn *done, void *arg);

/* ---- care ----------------------------------------------------------------------------------- */

/* Removes all segments, or that one, or those with that tag (DIST_TAG bytes), and tells how many; result: the first
 * error, and what it left is tried again. done may come before this returns. PONTO_EBUSY: not ready; PONTO_ENOMEM,
 * PONTO_ECLOSED. copies */
typedef void dist_cache_cleared_fn(void *arg, int result, uint64_t segments);
PONTO_MUST_CHECK int dist_cache_clear(struct dist_cache *cache, const struct content_id *id, const uint8_t *tag,
				      dist_cache_cleared_fn *done, void *arg);

/* Reads every block and list of what is held now, removes what is not right, and tells how many that were. progress:
 * after each segment, bytes of blocks; may be NULL, as may done, which comes before this returns when nothing is held.
 * One at a time (PONTO_EBUSY, also when not ready); PONTO_ENOMEM, PONTO_ECLOSED. done's result: PONTO_OK, or the first
 * error of the store. */
typedef void dist_cache_progress_fn(void *arg, uint64_t bytes, uint64_t total);
typedef void dist_cache_verified_fn(void *arg, int result, uint64_t damaged);
PONTO_MUST_CHECK int dist_cache_verify(struct dist_cache *cache, dist_cache_progress_fn *progress,
				       dist_cache_verified_fn *done, void *arg);

#ifdef __cplusplus
}
#endif
#endif
