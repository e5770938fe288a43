/* service-dist: the cache's ledger: what it has done since it began, kept in the store beside it.
 *
 * One record for a store, whoever caches there: each adds what it has counted since it last wrote, so the sums are
 * those of all. A crash loses what was counted since then, never what was written. Group "dist/meta", key "ledger". */
#ifndef PLUGINS_SERVICE_DIST_DIST_LEDGER_H
#define PLUGINS_SERVICE_DIST_DIST_LEDGER_H

#include "plugins/service-dist/dist_shelf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appended to, never reordered: records hold them in this order. */
enum dist_count {
	DIST_COUNT_HITS, /* blocks that were asked for and read from the cache, */
	DIST_COUNT_HIT_BYTES,
	DIST_COUNT_GIVEN, /* of these, to neighbours, */
	DIST_COUNT_GIVEN_BYTES,
	DIST_COUNT_MISSES, /* blocks that were asked for and not there, */
	DIST_COUNT_ABSENT, /* of these, by neighbours */
	DIST_COUNT_NEIGHBOURS, /* bytes of contents fetched from neighbours, */
	DIST_COUNT_ORIGINS,    /* and from origins */
	DIST_COUNT_STORED,     /* blocks */
	DIST_COUNT_EVICTED,    /* segments, for room, */
	DIST_COUNT_EXPIRED,    /* for age */
	DIST_COUNT_DAMAGED,    /* records that were not right */
	DIST_COUNT_REFUSED,    /* blocks not kept for want of space */
	DIST_COUNT_CHECKED,    /* bytes that the scrub has read, */
	DIST_COUNT_FOUND,      /* damaged records that it found, */
	DIST_COUNT_ROUNDS,     /* times that it came to the end */
	DIST_COUNTS,
};

/* As they are shown: "hits". */
const char *dist_count_name(enum dist_count which);

/* A segment that much was read of. */
struct dist_top {
	struct content_id id;
	uint64_t bytes, blocks;
};

#define DIST_TOP 64 /* at most so many are remembered */

struct dist_ledger {
	uint64_t began; /* wall microseconds; 0: not yet */
	uint64_t count[DIST_COUNTS];
	/* The scrub: where it is: the creation of the segment that it looks at next, 0: it rests; when the round began and
	 * when the last one ended, wall microseconds; 0: never. */
	uint64_t scrub_at, scrub_began, scrub_ended;
	uint64_t scrub_found; /* damaged records, in the round that goes on or ended last */
	bool scrub_alert;     /* or, while one goes on, in the one before */
	/* Who wrote it last, and the number of that writing: so that a writing whose end was not told is not repeated. */
	uint64_t writer, serial;
	struct dist_top top[DIST_TOP];
	size_t top_count;
};

#define DIST_LEDGER_MAX (128 + 8 * DIST_COUNTS + DIST_TOP * (1 + CONTENT_ID_MAX + 16))
PONTO_MUST_CHECK int dist_ledger_encode(const struct dist_ledger *ledger, uint8_t out[DIST_LEDGER_MAX], size_t *len);

/* PONTO_EPROTO; PONTO_ENOTSUP: of a later version. */
PONTO_MUST_CHECK int dist_ledger_decode(struct ponto_bytes value, struct dist_ledger *out);

/* Adds one to the other; of what both know the most read stay. The rest of the ledger becomes more's. */
void dist_ledger_add(struct dist_ledger *ledger, const struct dist_ledger *more);

/* By calls that block, on a worker. An empty one when there is none, or a damaged one (*damaged). PONTO_ENOTSUP: a later
 * version's, to be left alone; the store's. */
PONTO_MUST_CHECK int dist_ledger_read(const struct dist_shelf *shelf, struct dist_ledger *out, bool *damaged);

/* Adds what was counted to what the store holds, and tells what that is now; more->writer and serial name this writing,
 * which happens once however often it is tried. PONTO_EBUSY: others write without end; PONTO_ENOMEM, dist_ledger_read's. */
PONTO_MUST_CHECK int dist_ledger_keep(const struct dist_shelf *shelf, const struct dist_ledger *more,
				      struct dist_ledger *out);

#ifdef __cplusplus
}
#endif
#endif
