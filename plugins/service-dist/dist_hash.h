/* service-dist: the hashes of a file: one pass, on every core, in memory that does not grow with the file.
 *
 * Needs neither a loop nor a daemon, so that `ponto content hash` uses it as it is. Blocks until the file is done,
 * with threads of its own beside the caller's; the component calls it on a worker. What comes out depends neither on
 * the number of threads nor on a secret. [MS-PCCRC] 2.1, 2.2. */
#ifndef PLUGINS_SERVICE_DIST_DIST_HASH_H
#define PLUGINS_SERVICE_DIST_DIST_HASH_H

#include <sys/stat.h>

#include "engines/content/content_maker.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What tells one state of a file from another. */
struct dist_file {
	uint64_t device, inode, size;
	uint64_t changed; /* ctime, nanoseconds since 1970 */
};

struct dist_file dist_file_of(const struct stat *st);

struct dist_hash {
	const char *path;
	enum content_algo algo;
	unsigned threads; /* that hash, the caller's among them; 0: one for each core that the process may use */
	const struct ponto_alloc *alloc;
	const struct ponto_clock *clock;
	/* The two are called by any of the threads, one call at a time, in the content's order; a result other than
	 * PONTO_OK ends the work with it. Nothing counts before the whole is done. segment: block_hashes until return;
	 * kp is zero. progress, may be NULL: bytes hashed so far, of the size at the start. */
	int (*segment)(void *arg, const struct content_segment *segment);
	int (*progress)(void *arg, uint64_t bytes, uint64_t size);
	void *arg;
};

#define DIST_REASON_SIZE 160

/* PONTO_OK and the state of the file that was hashed; an empty file has no segments. PONTO_EGUARD: it changed
 * meanwhile, so that the segments told are worth nothing; PONTO_ENOENT, PONTO_EACCES; PONTO_EINVAL: not a regular file;
 * PONTO_EIO, PONTO_ENOMEM. reason: the same in words, without the path; untouched when a callback ended it. borrows */
PONTO_MUST_CHECK int dist_hash_file(const struct dist_hash *setup, struct dist_file *out,
				    char reason[DIST_REASON_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
