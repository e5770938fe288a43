/* service-dist: what the cache holds, in memory: segments by ID, in the order of their last use and of their age.
 *
 * No store, no time. One thread. About 450 bytes a segment. */
#ifndef PLUGINS_SERVICE_DIST_DIST_INDEX_H
#define PLUGINS_SERVICE_DIST_DIST_INDEX_H

#include "plugins/service-dist/dist_hot.h"
#include "plugins/service-dist/dist_record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a segment costs beside its blocks: its records' keys, and its entry here. So the number of small segments is
 * bounded by the bytes, too. */
#define DIST_SEGMENT_COST 4096u

struct dist_put;
struct dist_clear;

/* What is to be done with a segment in the store, one thing at a time: the cache's own (dist_lane.c). */
struct dist_lane {
	struct dist_put *puts, *last_put;
	struct dist_entry *next_waiting, *next_writer;
	struct dist_clear *clear; /* who is told when it is removed */
	bool busy, waiting, queued; /* waiting: for a place of those that nobody waits for; queued: of the others */
	bool remove, check, touch, verify, scrub;
};

/* A place in an ascending order of times. */
struct dist_link {
	struct dist_link *before, *after;
	uint64_t at; /* wall microseconds */
};

struct dist_order {
	struct dist_link *first, *last;
};

struct dist_entry {
	struct dist_entry *next;   /* in its bucket */
	struct dist_link use, age; /* by last use and by creation: in the orders when listed */
	struct content_id id;
	bool listed; /* something of it is held; otherwise something is being done with it */
	enum content_algo algo;
	bool keyed;
	uint16_t hashes;
	uint32_t size, replies, full;
	uint64_t used_kept; /* what the store knows of its last use */
	uint64_t cost;	    /* bytes */
	uint64_t served;    /* bytes read of it since it is here */
	uint8_t top;	    /* its slot among those that most is read of, from 1 on; 0: none */
	uint8_t tag[DIST_TAG];
	uint8_t hod[CONTENT_HASH_MAX], kp[CONTENT_HASH_MAX];
	struct content_blocks blocks;
	struct dist_hot_set hot;
	struct dist_lane lane;
};

struct dist_index {
	const struct ponto_alloc *alloc;
	uint8_t key[16];
	struct dist_entry **buckets;
	size_t bucket_count, entries;
	bool loading; /* entries are listed at the end of the orders, which dist_index_loaded puts right */
	struct dist_order uses, ages;
	struct dist_link *cursor; /* in ages: moves on when its entry leaves; NULL: at the end */
	struct dist_hot hot;			/* of what is listed */
	uint64_t segments, blocks, bytes, cost; /* of what is listed */
};

/* key: of the table, whose IDs strangers choose; hot_bytes: of blocks in memory. */
PONTO_MUST_CHECK int dist_index_init(struct dist_index *index, const struct ponto_alloc *alloc, const uint8_t key[16],
				     uint64_t hot_bytes);
void dist_index_clear(struct dist_index *index);

/* NULL when it is not there. */
struct dist_entry *dist_index_find(const struct dist_index *index, const struct content_id *id);

/* An entry, not listed. NULL when memory runs out; there is none of that ID yet. */
struct dist_entry *dist_index_add(struct dist_index *index, const struct content_id *id);

/* Forgets it, listed or not. */
void dist_index_remove(struct dist_index *index, struct dist_entry *entry);

/* The first of an order, NULL when nothing is listed; and the one after it. */
static inline struct dist_entry *dist_by_use(struct dist_link *link)
{
	return link ? (struct dist_entry *)(void *)((char *)link - offsetof(struct dist_entry, use)) : NULL;
}

static inline struct dist_entry *dist_by_age(struct dist_link *link)
{
	return link ? (struct dist_entry *)(void *)((char *)link - offsetof(struct dist_entry, age)) : NULL;
}

/* Many were listed in any order: sorts, once. */
void dist_index_loaded(struct dist_index *index);

/* The entry is as the store says, and listed. */
void dist_index_set(struct dist_index *index, struct dist_entry *entry, const struct dist_meta *meta);
/* Nothing is held of it any more. */
void dist_index_unlist(struct dist_index *index, struct dist_entry *entry);
/* One block is not; the last one unlists it. */
void dist_index_drop(struct dist_index *index, struct dist_entry *entry, uint32_t block);

/* It was used now: the newest. */
void dist_index_use(struct dist_index *index, struct dist_entry *entry, uint64_t now);

/* Bytes of the blocks that are held, or of some of them. */
uint64_t dist_entry_bytes(const struct dist_entry *entry);
uint64_t dist_entry_bytes_of(const struct dist_entry *entry, const struct content_blocks *blocks);

/* Whether all blocks are held. */
bool dist_entry_whole(const struct dist_entry *entry);

/* What the store would say of it. */
void dist_entry_meta(const struct dist_entry *entry, struct dist_meta *out);

#ifdef __cplusplus
}
#endif
#endif
