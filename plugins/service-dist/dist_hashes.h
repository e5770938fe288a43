/* service-dist: hashes of files, kept in a store under what tells one state of a file from another.
 *
 * Calls block and are thread-safe: run them on a worker. What is kept depends on no secret and names no path. A file's
 * hashes are records of 512 pieces and a head that is written last: a set is whole, or it is not there. What cannot be
 * read is removed and counted, and the file hashed again. Memory does not grow with the file. */
#ifndef PLUGINS_SERVICE_DIST_DIST_HASHES_H
#define PLUGINS_SERVICE_DIST_DIST_HASHES_H

#include "framework/env.h"
#include "framework/store.h"
#include "plugins/service-dist/dist_record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIST_HASHES_MAX_PIECES UINT64_C(16777216) /* the default bound: a tebibyte of content, 512 MiB of hashes */

struct dist_hashes;
struct dist_saving; /* a file's hashes, while they come */

struct dist_hashes_config {
	const struct ponto_alloc *alloc;
	const struct ponto_clock *clock;
	struct ponto_log *log;	       /* may be NULL */
	struct ponto_metrics *metrics; /* may be NULL */
	const char *instance;	       /* of metrics */
	struct ponto_store store;
	uint64_t max_pieces; /* of all files; the ones unused for longest go first; 0: no bound */
};

struct dist_hashes_stats {
	uint64_t files, pieces;	   /* kept, as far as known here */
	uint64_t evicted, damaged; /* files, since the start */
};

/* Looks through the heads: what is incomplete for a day, or damaged, is removed. PONTO_ENOMEM, the store's. borrows
 * config's objects for its life. gives */
PONTO_MUST_CHECK int dist_hashes_open(const struct dist_hashes_config *config, struct dist_hashes **out);

/* Accepts NULL. No saving may be open. */
void dist_hashes_close(struct dist_hashes *hashes);

void dist_hashes_stats(struct dist_hashes *hashes, struct dist_hashes_stats *out);

/* Begins to keep the hashes of a file in that state, which the caller looks up before dist_hash_file. Sets of its other
 * states are removed. PONTO_ENOMEM, the store's. gives */
PONTO_MUST_CHECK int dist_hashes_begin(struct dist_hashes *hashes, const struct dist_file *file, enum content_algo algo,
				       struct dist_saving **out);

/* The next segment, as dist_hash_file hands it over. PONTO_ELIMIT: more than may be kept; PONTO_EINVAL: not the next
 * one; the store's: abort then. borrows segment */
PONTO_MUST_CHECK int dist_hashes_segment(struct dist_saving *saving, const struct content_segment *segment);

/* All segments came, and the file was in that state: the set is there, and what was unused for longest makes room.
 * PONTO_EGUARD: it was in another state, or its size is not that of the segments; the store's: nothing is kept. takes
 */
PONTO_MUST_CHECK int dist_hashes_commit(struct dist_saving *saving, const struct dist_file *file);

/* Nothing is kept. Accepts NULL. takes */
void dist_hashes_abort(struct dist_saving *saving);

/* The segments of a file in that state, in order; kp is zero. A result of fn other than PONTO_OK ends it with that.
 * Nothing counts before PONTO_OK is returned: PONTO_ENOENT: there is no whole set, though a part may have been told;
 * PONTO_ENOMEM, the store's. Counts as use. fn borrows, and makes no call to hashes */
typedef int dist_hashes_segment_fn(void *arg, const struct content_segment *segment);
PONTO_MUST_CHECK int dist_hashes_load(struct dist_hashes *hashes, const struct dist_file *file, enum content_algo algo,
				      dist_hashes_segment_fn *fn, void *arg);

struct dist_hashes_set {
	struct dist_file file;
	enum content_algo algo;
	uint64_t segments, pieces;
	uint64_t created, used; /* wall microseconds */
};

/* All whole sets, in no order that means something; false ends it. fn makes no call to hashes. PONTO_ENOMEM, the
 * store's. */
typedef bool dist_hashes_set_fn(void *arg, const struct dist_hashes_set *set);
PONTO_MUST_CHECK int dist_hashes_each(struct dist_hashes *hashes, dist_hashes_set_fn *fn, void *arg);

/* Removes all sets of a file, whatever its state; NULL: of all files. The store's. */
PONTO_MUST_CHECK int dist_hashes_forget(struct dist_hashes *hashes, const struct dist_file *file);

#ifdef __cplusplus
}
#endif
#endif
