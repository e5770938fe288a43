/* service-dist: what the cache holds, in memory: segments by ID, in the order of their last use and of their age.
 *
 * No store, no time. One thread, but for dist_sort_run. It has what is decided by; keys, HoDs and hashes are read from the
 * store when they are needed. A segment takes 104 bytes, its place in the table included; one of several blocks, or with an
 * ID that has not 32 bytes, DIST_WIDE more. */
#ifndef PLUGINS_SERVICE_DIST_DIST_INDEX_H
#define PLUGINS_SERVICE_DIST_DIST_INDEX_H

#include "plugins/service-dist/dist_hot.h"
#include "plugins/service-dist/dist_record.h"
#include "plugins/service-dist/dist_slab.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a segment costs beside its blocks: its records' keys, and its entry here. So the number of small segments is
 * bounded by the bytes, too. */
#define DIST_SEGMENT_COST 4096u

#define DIST_ID_SHORT 32 /* bytes of an ID that has its place in the entry */
#define DIST_TAGS 254u	 /* that are in the table; who has another one has it himself */

enum dist_by { DIST_BY_USE, DIST_BY_AGE, DIST_ORDERS };

/* A place in an ascending order of times: numbers of the entries beside it, 0: none; both its own: it has no place. */
struct dist_link {
	uint32_t before, after;
};

struct dist_order {
	uint32_t first, last;
};

/* Wall microseconds, where four bytes are enough to align them. */
struct dist_time {
	uint32_t high, low;
};

struct dist_entry {
	uint32_t next; /* in its bucket; first, as the slab's */
	uint32_t self; /* its number */
	uint8_t id[DIST_ID_SHORT];
	struct dist_link links[DIST_ORDERS];
	struct dist_time at[DIST_ORDERS]; /* last use, creation */
	uint32_t ahead;			  /* listed: milliseconds, about, that the store's last use is behind by; being
					   * removed: the number of the clear that is told, 0: none */
	float served;			  /* bytes read of it since it is here, to seven digits */
	uint32_t wide, lane;		  /* what only some have; lane: what waits to be put (dist_lane.c) */
	uint32_t next_waiting;
	uint32_t size : 26, algo : 3, keyed : 1;
	uint32_t listed : 1; /* something of it is held; otherwise something is being done with it */
	uint32_t ranked : 1; /* among those that most is read of */
	uint8_t tag, replies, full;
	/* What is to be done with it in the store: waits: for a place of those that nobody waits for; queued: of the others */
	uint8_t busy : 1, waits : 1, queued : 1, remove : 1, check : 1, touch : 1, verify : 1, scrub : 1;
};

/* Of a segment of several blocks, with hashes of them, an ID of another length, or a tag beyond the table. */
struct dist_wide {
	struct content_blocks blocks;
	struct content_id id; /* len 0: it is in the entry */
	uint16_t hashes;
	uint8_t tag[DIST_TAG];
	uint8_t hod[CONTENT_HASH_MAX], kp[CONTENT_HASH_MAX];
};

#define DIST_WIDE sizeof(struct dist_wide)

enum dist_cursor { DIST_CURSOR_SCRUB, DIST_CURSOR_VERIFY, DIST_CURSORS };

struct dist_index {
	const struct ponto_alloc *alloc;
	uint8_t key[16];
	struct dist_slab entries, wide, buckets; /* buckets: numbers of entries; as many as segments, one more at a time */
	uint32_t bucket_count, level;		 /* level: the highest power of two in it */
	uint32_t count;				 /* of entries */
	struct dist_order orders[DIST_ORDERS];
	struct dist_entry *cursor[DIST_CURSORS]; /* by age: moves on when its entry leaves; NULL: at the end */
	uint8_t tags[DIST_TAGS][DIST_TAG];
	uint32_t tag_counts[DIST_TAGS];
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

static inline struct dist_entry *dist_index_at(const struct dist_index *index, uint32_t number)
{
	return (struct dist_entry *)dist_slab_at(&index->entries, number);
}

/* Of an order, NULL: there is none. */
static inline struct dist_entry *dist_index_first(const struct dist_index *index, enum dist_by by)
{
	return dist_index_at(index, index->orders[by].first);
}

static inline struct dist_entry *dist_index_last(const struct dist_index *index, enum dist_by by)
{
	return dist_index_at(index, index->orders[by].last);
}

static inline struct dist_entry *dist_index_after(const struct dist_index *index, enum dist_by by,
						  const struct dist_entry *entry)
{
	return dist_index_at(index, entry->links[by].after);
}

static inline struct dist_entry *dist_index_before(const struct dist_index *index, enum dist_by by,
						   const struct dist_entry *entry)
{
	return dist_index_at(index, entry->links[by].before);
}

/* The entry is as the store says, and listed. PONTO_ENOMEM: it is not. */
PONTO_MUST_CHECK int dist_index_set(struct dist_index *index, struct dist_entry *entry, const struct dist_meta *meta);
/* The same of one that is not listed and, as many others are, is given its place in the orders by dist_sort. */
PONTO_MUST_CHECK int dist_index_load(struct dist_index *index, struct dist_entry *entry, const struct dist_meta *meta);
/* Nothing is held of it any more. */
void dist_index_unlist(struct dist_index *index, struct dist_entry *entry);
/* One block is not; the last one unlists it. */
void dist_index_drop(struct dist_index *index, struct dist_entry *entry, uint32_t block);

/* It was used now: the newest. */
void dist_index_use(struct dist_index *index, struct dist_entry *entry, uint64_t now);

/* ---- an entry ------------------------------------------------------------------------------ */

static inline uint64_t dist_entry_time(const struct dist_entry *entry, enum dist_by by)
{
	return (uint64_t)entry->at[by].high << 32 | entry->at[by].low;
}

void dist_entry_id(const struct dist_index *index, const struct dist_entry *entry, struct content_id *out);
static inline enum content_algo dist_entry_algo(const struct dist_entry *entry)
{
	return (enum content_algo)entry->algo;
}
/* Until the index is changed. */
const struct content_blocks *dist_entry_blocks(const struct dist_index *index, const struct dist_entry *entry);
uint16_t dist_entry_hashes(const struct dist_index *index, const struct dist_entry *entry);
const uint8_t *dist_entry_tag(const struct dist_index *index, const struct dist_entry *entry);

/* Bytes of the blocks that are held, or of some of them. */
uint64_t dist_entry_bytes(const struct dist_index *index, const struct dist_entry *entry);
uint64_t dist_entry_bytes_of(const struct dist_entry *entry, const struct content_blocks *blocks);

/* Whether all blocks are held. */
bool dist_entry_whole(const struct dist_index *index, const struct dist_entry *entry);

/* What the store would say of it; HoD and Kp only when true. */
bool dist_entry_meta(const struct dist_index *index, const struct dist_entry *entry, struct dist_meta *out);

/* ---- places for many -------------------------------------------------------------------------- */

/* Those that dist_index_load left without: gathered, sorted on any thread, and linked before all others, while the index
 * is in use. What was removed or used meanwhile is passed over. */
struct dist_sort {
	const struct ponto_alloc *alloc;
	uint64_t *keys[DIST_ORDERS], *spare; /* times of entries, and their numbers; then both in one */
	size_t count, left[DIST_ORDERS];
	unsigned bits; /* of numbers */
};

PONTO_MUST_CHECK int dist_sort_begin(struct dist_sort *sort, const struct dist_index *index);
void dist_sort_run(struct dist_sort *sort);
/* So many at most; false: none are left. */
bool dist_sort_link(struct dist_sort *sort, struct dist_index *index, size_t most);
void dist_sort_end(struct dist_sort *sort);

#ifdef __cplusplus
}
#endif
#endif
