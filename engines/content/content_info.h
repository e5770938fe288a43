/* Content: Content Information, versions 1.0 and 2.0, made and parsed.
 *
 * Pure; no allocation. A parsed structure holds views into the input, whose
 * counts, sizes and offsets have all been held against its real length by then.
 * Making is in steps, so that the description of a content of any length can be
 * streamed: the layout tells every size beforehand. [MS-PCCRC] 2.3, 2.4. */
#ifndef ENGINES_CONTENT_CONTENT_INFO_H
#define ENGINES_CONTENT_CONTENT_INFO_H

#include "engines/content/content_maker.h"
#include "framework/cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- making ---------------------------------------------------------------------- */

/* How one range of a content is described. */
struct content_layout {
	enum content_algo algo;
	uint64_t start, length;	  /* the range, bytes of the content */
	bool whole;		  /* it is the whole content */
	uint64_t first_index;	  /* the first segment described, */
	uint64_t first_offset;	  /* and its place in the content */
	uint64_t segments;	  /* described, at least 1 */
	uint32_t offset_in_first; /* where the range begins in the first, */
	uint32_t read_in_last;	  /* version 1.0: and its bytes in the last; 0: up to the last one's end */
	uint32_t last_blocks;	  /* version 1.0: hashes listed of the last segment */
	uint64_t size;		  /* bytes of the Content Information */
};

/* Version 1.0, where sizes alone decide. PONTO_EINVAL: algo is of version 2.0, the range is empty or goes beyond the
 * content; PONTO_ELIMIT: more than the structure can say. */
PONTO_MUST_CHECK int content_layout_v1(enum content_algo algo, uint64_t content_size, uint64_t start, uint64_t length,
				       struct content_layout *out);

/* Version 2.0: the caller has found the segments that the range touches: the first one's index and offset, their number
 * and their sizes together. PONTO_EINVAL: the range is empty, goes beyond the content or does not lie in them. */
PONTO_MUST_CHECK int content_layout_v2(uint64_t content_size, uint64_t start, uint64_t length, uint64_t first_index,
				       uint64_t first_offset, uint64_t segments, uint64_t segments_size,
				       struct content_layout *out);

/* The three kinds of parts, in this order: the head; each segment's description, i = 0..segments-1; in version 1.0 each
 * segment's blocks, from its first hash on (nothing in version 2.0). A segment's own index is first_index + i. Together
 * they are layout->size bytes. Faults of the caller (hashes missing) fail the writer. */
void content_info_write_head(const struct content_layout *layout, struct ponto_writer *w);
void content_info_write_segment(const struct content_layout *layout, uint64_t i, const struct content_segment *segment,
				struct ponto_writer *w);
void content_info_write_blocks(const struct content_layout *layout, uint64_t i, const struct content_segment *segment,
			       struct ponto_writer *w);

/* ---- parsing --------------------------------------------------------------------- */

struct content_info {
	enum content_algo algo;
	uint64_t start, length; /* the range, bytes of the content */
	bool to_end;		/* version 2.0: the range was given as 0, up to the end of what is described */
	uint64_t first_index, first_offset;
	uint64_t segments;
	uint32_t offset_in_first;
	struct ponto_bytes descriptions; /* version 2.0: the chunks */
	struct ponto_bytes blocks;
};

/* PONTO_ENOTSUP: neither version 1.0 nor 2.0; PONTO_EPROTO: anything else that is wrong, a list of block hashes that
 * does not fit its HoD included. borrows bytes as long as *out is used */
PONTO_MUST_CHECK int content_info_parse(struct ponto_bytes bytes, struct content_info *out);

/* The one segment that Content Information of version 1.0 describes where it is offered ([MS-PCHC] 2.2.1.4): its range
 * does not matter, and its list may be as short as it likes. PONTO_EPROTO: another version or number of segments, or
 * anything else that is wrong, a whole list that does not fit its HoD included. out's block_hashes are a view into bytes,
 * its index and offset what the original says. */
PONTO_MUST_CHECK int content_info_segment(struct ponto_bytes bytes, enum content_algo *algo,
					  struct content_segment *out);

/* The segments one after the other. */
struct content_walk {
	const struct content_info *info;
	struct ponto_reader descriptions, blocks;
	uint64_t chunk_end; /* version 2.0: position in descriptions */
	uint64_t index, offset;
};

void content_walk_start(struct content_walk *walk, const struct content_info *info);

/* False after the last. out's block_hashes are a view into the input. */
bool content_walk_next(struct content_walk *walk, struct content_segment *out);

/* The blocks of segment that the bytes [start, start + length) of the content touch: their number, and the first one's
 * index; 0 when none. */
uint32_t content_touched(enum content_algo algo, const struct content_segment *segment, uint64_t start, uint64_t length,
			 uint32_t *first);

#ifdef __cplusplus
}
#endif
#endif
