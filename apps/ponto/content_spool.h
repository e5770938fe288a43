/* The ponto command: what hashing yields, segment by segment, in an unnamed temporary file: a terabyte's hashes do not
 * belong into memory, and nothing is told before the whole is known to be good. Single-threaded. */
#ifndef PONTO_APPS_CONTENT_SPOOL_H
#define PONTO_APPS_CONTENT_SPOOL_H

#include <stdio.h>

#include "plugins/service-dist/dist_info.h"

struct content_spool {
	enum content_algo algo;
	FILE *file;
	uint64_t segments, blocks, size;			 /* size: of the content, bytes */
	uint8_t ks[CONTENT_HASH_MAX];				 /* for what is read */
	uint64_t index;						 /* of the next one read, */
	uint64_t offset;					 /* and its place in the content */
	uint8_t list[CONTENT_SEGMENT_BLOCKS * CONTENT_HASH_MAX]; /* block hashes of the last one read */
};

/* PONTO_EIO: no temporary file, errno says why. Destroy it with content_spool_close. copies ks */
PONTO_MUST_CHECK int content_spool_open(struct content_spool *s, enum content_algo algo,
					const uint8_t ks[CONTENT_HASH_MAX]);
void content_spool_close(struct content_spool *s);

/* PONTO_EIO, errno says why: no room, mostly. */
PONTO_MUST_CHECK int content_spool_add(struct content_spool *s, const struct content_segment *segment);

/* From the first one on, as often as wanted. next: 1 and the segment, Kp included, until the next call; 0 after the
 * last; PONTO_EIO. */
PONTO_MUST_CHECK int content_spool_rewind(struct content_spool *s);
PONTO_MUST_CHECK int content_spool_next(struct content_spool *s, struct content_segment *out);

/* Content Information of the whole content. PONTO_EINVAL: it is empty; PONTO_ELIMIT: more than can be said; PONTO_EIO.
 */
PONTO_MUST_CHECK int content_spool_layout(const struct content_spool *s, struct content_layout *out);
PONTO_MUST_CHECK int content_spool_write_info(struct content_spool *s, FILE *out);

#endif
