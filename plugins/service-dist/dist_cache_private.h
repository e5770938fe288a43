/* service-dist: inside the cache: what dist_cache.c (opening, reading, telling) and dist_lane.c (changing) share. */
#ifndef PLUGINS_SERVICE_DIST_DIST_CACHE_PRIVATE_H
#define PLUGINS_SERVICE_DIST_DIST_CACHE_PRIVATE_H

#include "plugins/service-dist/dist_cache.h"
#include "plugins/service-dist/dist_depth.h"
#include "plugins/service-dist/dist_index.h"
#include "plugins/service-dist/dist_ledger.h"

#define DIST_CACHE_RETRY PONTO_SECOND /* of what failed or found no place, and nobody waits for */

struct dist_put {
	struct dist_put *next;
	struct dist_segment segment;
	struct dist_piece piece;
	uint8_t *list; /* that segment.block_hashes is a view of, when it has more than were known */
	dist_cache_done_fn *done;
	void *arg;
};

/* Of an entry. */
struct dist_lane {
	uint32_t next_writer, entry; /* entry 0: it is not taken */
	struct dist_put *puts, *last_put;
};

struct dist_clear {
	struct dist_clear *next;
	uint32_t number;
	uint64_t pending, segments;
	int result;
	dist_cache_cleared_fn *done;
	void *arg;
};

struct dist_verify {
	uint64_t left; /* segments */
	uint64_t bytes, total, damaged;
	int result;
	dist_cache_progress_fn *progress;
	dist_cache_verified_fn *done;
	void *arg;
};

struct dist_cache_metrics {
	struct ponto_gauge *segments, *blocks, *bytes;
	struct ponto_counter *stored, *read, *hot, *evicted, *expired, *damaged, *refused, *errors, *missed,
		*hit_bytes;
};

/* What was read of a segment since the start; told: of it, to the store. */
struct dist_top_slot {
	struct dist_top top;
	uint64_t told_bytes, told_blocks;
};

struct dist_tally {
	uint64_t since[DIST_COUNTS], told[DIST_COUNTS];
	struct dist_top_slot top[DIST_TOP];
	size_t top_count;
	struct dist_ledger kept;     /* what the store held when it was read last, or written */
	struct dist_ledger *pending; /* what is to be added to it, until it is told that it was */
	bool at_work, foreign;	     /* foreign: a later version's, which is left alone */
	uint64_t next;		     /* monotonic: when it is to be written */
	uint64_t began;		     /* wall: this start */
	uint64_t writer, serial;
};

struct dist_scrub {
	struct ponto_timer *timer; /* NULL: never */
	bool at_work, due;	   /* a segment is being looked at; a round is under way */
	uint32_t block;		   /* of the segment at the cursor: where it goes on */
	uint64_t began, ended;	   /* wall */
	uint64_t read;		   /* bytes, in this round */
	uint64_t found, unsaid;	   /* in this round; in no line of the log yet */
	bool alerts;
	uint64_t said;		   /* monotonic; 0: never */
	struct ponto_counter *bytes, *damaged, *rounds;
	struct ponto_gauge *alert;
};

#define DIST_ASKED 1024u /* a power of two */

struct dist_asked {
	uint64_t name, at; /* a hash of the segment's ID; monotonic, 0: never */
};

struct dist_learning {
	struct dist_learn *first, *last; /* that wait */
	unsigned count, active;
	uint64_t rest_until; /* monotonic: the store failed */
	struct dist_asked *asked; /* DIST_ASKED of them, by name; NULL: not needed yet */
};

struct dist_cache {
	struct dist_cache_config config;
	struct dist_shelf shelf;
	struct dist_index index;
	struct dist_cache_stats stats;
	struct dist_cache_metrics metrics;
	struct ponto_timer *timer;
	uint64_t armed_for; /* monotonic: when the timer comes */
	struct dist_tally tally;
	struct dist_scrub scrub;
	struct dist_learning learning;
	uint64_t share; /* bytes that the disk's share is; 0: no such limit */
	bool ready, closing;
	bool broken; /* it could not be read: nothing is kept */
	_Atomic bool stop; /* told to workers */
	unsigned jobs;	   /* on the pool, of all kinds, */
	unsigned reads, puts;
	unsigned background; /* and of those that nobody waits for */
	unsigned writes;     /* and of changes that somebody waits for */
	struct dist_depth depth; /* so many of these may be */
	struct ponto_pool *pool; /* that makes them */
	struct dist_slab lanes;
	uint32_t waiting, last_waiting; /* entries; 0: none */
	uint32_t writers, last_writer;
	struct dist_clear *clears;
	uint32_t clear_number; /* of the last one */
	struct dist_verify *verify;
	uint64_t rest_until;	       /* monotonic: nothing that waits is begun, after one failed */
	uint64_t paused_until, warned; /* monotonic; 0: not */
	uint64_t touched;	       /* wall: up to when uses were looked at */
	dist_cache_done_fn *on_ready;
	void (*on_closed)(void *arg);
	void *ready_arg, *closed_arg;
};

/* ---- dist_cache.c */

uint64_t dist_cache_wall(const struct dist_cache *cache);
void dist_cache_show(const struct dist_cache *cache);

/* At the end of each completion, the last thing done with cache. */
void dist_cache_job_done(struct dist_cache *cache);

/* Makes the timer come when there is something to come for. */
void dist_cache_arm(struct dist_cache *cache);

/* Frees all, and tells who closed it. */
void dist_cache_finish(struct dist_cache *cache);

/* Removes what is too old or too much. */
void dist_cache_trim(struct dist_cache *cache);

/* Counts an error of the store, and tells a full one from others. */
void dist_cache_failed(struct dist_cache *cache, int result);

/* ---- dist_lane.c */

/* To be done when there is a place for it. */
void dist_lane_wait(struct dist_cache *cache, struct dist_entry *entry);

/* Begins what waits, as far as there are places. */
void dist_lane_advance(struct dist_cache *cache);

/* Its blocks are held no more, and removed; clear: the number of who is told, 0: nobody. */
void dist_lane_retire(struct dist_cache *cache, struct dist_entry *entry, uint32_t clear);

/* What waits to be put ends with PONTO_ECLOSED. */
void dist_lane_abandon(struct dist_cache *cache);

/* ---- dist_load.c: what the store holds, read into the index */

PONTO_MUST_CHECK int dist_load_begin(struct dist_cache *cache);

/* On a worker: what the share of the store's disk is, 0: it is not known, or not limited. */
uint64_t dist_load_share(const struct dist_cache *cache, int *result);

/* ---- dist_learn.c: what other caches keep */

/* What waits ends with PONTO_ECLOSED; and at the very end. */
void dist_learn_abandon(struct dist_cache *cache);
void dist_learn_end(struct dist_cache *cache);

/* ---- dist_count.c: what is counted, and kept in the store */

void dist_count_begin(struct dist_cache *cache);
void dist_count_end(struct dist_cache *cache);

/* What the store holds, read with the first page. */
void dist_count_loaded(struct dist_cache *cache, int result, const struct dist_ledger *ledger, bool damaged);

/* A block was read; entry may be NULL: it went meanwhile. */
void dist_count_hit(struct dist_cache *cache, struct dist_entry *entry, uint64_t bytes);

/* Something was counted that the store does not know. */
bool dist_count_is_due(const struct dist_cache *cache);

/* Writes what was counted when it is time, or the cache closes. */
void dist_count_tick(struct dist_cache *cache);

/* ---- dist_scrub.c: all that is held is read now and then */

PONTO_MUST_CHECK int dist_scrub_begin(struct dist_cache *cache);
void dist_scrub_end(struct dist_cache *cache);

/* The index is there: it goes on where it was. */
void dist_scrub_start(struct dist_cache *cache);

/* Of an entry in the lane: blocks to be read. */
void dist_scrub_blocks(const struct dist_cache *cache, struct content_blocks *out);

/* What it asked a lane for was done, or there was nothing left to do. */
void dist_scrub_checked(struct dist_cache *cache, struct dist_entry *entry, uint64_t bytes, uint32_t damaged);

/* For the ledger; and whether it says something else. */
bool dist_scrub_moved(const struct dist_cache *cache);
void dist_scrub_tell(const struct dist_cache *cache, struct dist_ledger *ledger);

/* ---- dist_care.c */

/* What goes on when a segment was removed, or checked; clear: a number, perhaps of none. */
void dist_care_removed(struct dist_cache *cache, uint32_t clear, int result);
void dist_care_checked(struct dist_cache *cache, uint64_t bytes, int result, uint32_t damaged);
void dist_care_abandon(struct dist_cache *cache);

#endif
