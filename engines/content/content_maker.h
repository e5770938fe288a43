/* Content: from hashed pieces to segments.
 *
 * Pure; no allocation; what is kept is one segment's list of hashes, however
 * long the content. Whoever reads the content cuts it (content_cut), hashes the
 * pieces, on as many cores as he likes, and hands the hashes in in order. What
 * comes out does not depend on the server's secret, so it can be kept and
 * outlives a change of it. [MS-PCCRC] 2.1, 2.2. */
#ifndef ENGINES_CONTENT_CONTENT_MAKER_H
#define ENGINES_CONTENT_CONTENT_MAKER_H

#include "engines/content/content_cut.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One segment. */
struct content_segment {
	uint64_t index;	 /* in the content, from 0 */
	uint64_t offset; /* of its first byte in the content */
	uint32_t size;	 /* bytes, at least 1 */
	uint8_t hod[CONTENT_HASH_MAX];
	uint8_t kp[CONTENT_HASH_MAX]; /* zero until content_segment_secret */
	struct ponto_bytes
		block_hashes; /* version 1.0: of its blocks from 0 on, back to back; may be fewer than it has */
};

/* Blocks of a segment: in version 2.0 it is its own block 0. */
uint32_t content_segment_blocks(enum content_algo algo, uint32_t segment_size);

/* Where block index lies in its segment, and how long it is; index < content_segment_blocks. */
uint32_t content_block_offset(enum content_algo algo, uint32_t index);
uint32_t content_block_size(enum content_algo algo, uint32_t segment_size, uint32_t index);

/* What the bytes of block index must hash to, a view into segment; empty when the hash is not listed. */
struct ponto_bytes content_block_hash(enum content_algo algo, const struct content_segment *segment, uint32_t index);

struct content_maker {
	enum content_algo algo;
	bool ended; /* a short piece came: it was the last */
	uint64_t index, offset;
	uint32_t blocks, size; /* of the segment so far */
	uint8_t list[CONTENT_SEGMENT_BLOCKS * CONTENT_HASH_MAX];
};

void content_maker_init(struct content_maker *maker, enum content_algo algo);

/* The next piece's length and hash: 1 when it completes a segment, which out shows (block_hashes is a view into maker,
 * until the next call), else 0. PONTO_EINVAL: no piece of such a length can come now. copies hash */
PONTO_MUST_CHECK int content_maker_piece(struct content_maker *maker, uint32_t len, const uint8_t *hash,
					 struct content_segment *out);

/* After the last piece: 1 and the short last segment, or 0 when nothing is left. */
PONTO_MUST_CHECK int content_maker_end(struct content_maker *maker, struct content_segment *out);

#ifdef __cplusplus
}
#endif
#endif
