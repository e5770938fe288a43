/* Content: where contents are cut into pieces: blocks of version 1.0, segments
 * of version 2.0. A piece is what is hashed in one go and what peers exchange.
 *
 * Pure; no allocation; constant memory; one pass, from the first byte on.
 * Version 1.0 cuts every 65,536 bytes. For version 2.0 [MS-PCCRC] 2.4 leaves the
 * boundaries free; ours follow the content, so that an insertion moves the cuts
 * near it and no others. The rule is frozen: another rule would give unchanged
 * contents other names (docs/decisions.md). */
#ifndef ENGINES_CONTENT_CONTENT_CUT_H
#define ENGINES_CONTENT_CONTENT_CUT_H

#include "engines/content/content_hash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_BLOCK 65536u	       /* bytes of a version 1.0 block */
#define CONTENT_SEGMENT_BLOCKS 512u    /* of a version 1.0 segment */
#define CONTENT_SEGMENT_V1 33554432u   /* bytes of it */
#define CONTENT_SEGMENT_V2_MAX 131072u /* bytes of a version 2.0 segment */
#define CONTENT_SEGMENT_V2_MIN 40960u  /* except at the end of a content */
#define CONTENT_SEGMENT_V2_TARGET 65536u

/* Opaque. */
struct content_cut {
	bool v2;
	uint32_t size; /* bytes of the piece so far */
	uint64_t hash;
	uint64_t gear[256];
};

void content_cut_init(struct content_cut *cut, enum content_algo algo);

/* True when the piece ends after the first *used of these bytes; the next call begins the next piece with the others.
 * False when all of them belong to the piece (*used is their number then). borrows bytes */
bool content_cut_next(struct content_cut *cut, struct ponto_bytes bytes, size_t *used);

#ifdef __cplusplus
}
#endif
#endif
