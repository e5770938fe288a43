/* service-dist: inside the cache: what dist_cache.c (opening, reading, telling) and dist_lane.c (changing) share. */
#ifndef PLUGINS_SERVICE_DIST_DIST_CACHE_PRIVATE_H
#define PLUGINS_SERVICE_DIST_DIST_CACHE_PRIVATE_H

#include "plugins/service-dist/dist_cache.h"
#include "plugins/service-dist/dist_index.h"

#define DIST_CACHE_RETRY PONTO_SECOND /* of what failed or found no place, and nobody waits for */

struct dist_put {
	struct dist_put *next;
	struct dist_segment segment;
	struct dist_piece piece;
	uint8_t *list; /* that segment.block_hashes is a view of, when it has more than were known */
	dist_cache_done_fn *done;
	void *arg;
};

struct dist_clear {
	struct dist_clear *next;
	uint64_t pending, segments;
	int result;
	dist_cache_cleared_fn *done;
	void *arg;
};

struct dist_verify {
	struct content_id *ids;
	size_t count, at;
	uint64_t bytes, total, damaged;
	int result;
	dist_cache_progress_fn *progress;
	dist_cache_verified_fn *done;
	void *arg;
};

struct dist_cache_metrics {
	struct ponto_gauge *segments, *blocks, *bytes;
	struct ponto_counter *stored, *read, *hot, *evicted, *expired, *damaged, *refused, *errors;
};

struct dist_cache {
	struct dist_cache_config config;
	struct dist_shelf shelf;
	struct dist_index index;
	struct dist_cache_stats stats;
	struct dist_cache_metrics metrics;
	struct ponto_timer *timer;
	uint64_t armed_for; /* monotonic: when the timer comes */
	bool ready, closing;
	_Atomic bool stop; /* told to workers */
	unsigned jobs;	   /* on the pool, of all kinds, */
	unsigned reads, puts;
	unsigned background; /* and of those that nobody waits for */
	struct dist_entry *waiting, *last_waiting;
	struct dist_clear *clears;
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

/* Removes what is too old or too much. */
void dist_cache_trim(struct dist_cache *cache);

/* Counts an error of the store, and tells a full one from others. */
void dist_cache_failed(struct dist_cache *cache, int result);

/* ---- dist_lane.c */

/* To be done when there is a place for it. */
void dist_lane_wait(struct dist_cache *cache, struct dist_entry *entry);

/* Begins what waits, as far as there are places. */
void dist_lane_advance(struct dist_cache *cache);

/* Its blocks are held no more, and removed. */
void dist_lane_retire(struct dist_cache *cache, struct dist_entry *entry);

/* What waits to be put ends with PONTO_ECLOSED. */
void dist_lane_abandon(struct dist_cache *cache);

/* ---- dist_care.c */

/* What goes on when a segment was removed, or checked. */
void dist_care_removed(struct dist_cache *cache, struct dist_clear *clear, int result);
void dist_care_checked(struct dist_cache *cache, uint64_t bytes, int result, uint32_t damaged);
void dist_care_abandon(struct dist_cache *cache);

#endif
