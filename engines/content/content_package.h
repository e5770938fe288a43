/* Content: packages: segments and their blocks in a file, from one cache to another (docs/distribution.md, Packages).
 *
 * Pure; no allocation. Records are read and written one at a time, so that a package of any length takes no more memory
 * than its largest record. What is read may be anybody's: of a segment with keys nothing is believed that does not make
 * its ID; whether a block's bytes have the hash that is wanted of them is for the caller to find out. Ours: Microsoft
 * publishes no format of what Export-BCCachePackage writes. */
#ifndef ENGINES_CONTENT_CONTENT_PACKAGE_H
#define ENGINES_CONTENT_CONTENT_PACKAGE_H

#include "engines/content/content_codec.h"
#include "engines/content/content_maker.h"
#include "engines/content/content_offer.h"
#include "framework/digest.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_PACKAGE_VERSION 1
#define CONTENT_PACKAGE_HEAD 10	      /* bytes that a package begins with */
#define CONTENT_PACKAGE_RECORD_HEAD 5 /* and each of its records */
#define CONTENT_PACKAGE_BODY_MAX (CONTENT_SEGMENT_V2_MAX + 128u)

enum content_package_type {
	CONTENT_PACKAGE_SEGMENT = 1,
	CONTENT_PACKAGE_BLOCK = 2, /* of the segment before it */
	CONTENT_PACKAGE_END = 3,
};

struct content_package_segment {
	enum content_algo algo;
	bool keyed; /* segment has HoD, Kp, and in version 1.0 the hashes of all blocks; else no more than its size */
	uint8_t tag[CONTENT_TAG];
	struct content_id id;
	struct content_segment segment;
};

struct content_package_block {
	uint32_t index;
	enum content_crypto crypto;	   /* CONTENT_PLAIN when the segment has keys */
	uint8_t iv[CONTENT_IV];		   /* when sealed */
	uint8_t hash[PONTO_SHA256_SIZE];   /* without keys: of data as it stands here */
	struct ponto_bytes data;
};

/* ---- writing ---------------------------------------------------------------------- */

void content_package_write_head(struct ponto_writer *w);
void content_package_write_segment(struct ponto_writer *w, const struct content_package_segment *segment);
/* What precedes the data, which follows as it is; data.data is not looked at. */
#define CONTENT_PACKAGE_BLOCK_HEAD (CONTENT_PACKAGE_RECORD_HEAD + 3 + CONTENT_IV + PONTO_SHA256_SIZE)
void content_package_write_block(struct ponto_writer *w, bool keyed, const struct content_package_block *block);
void content_package_write_end(struct ponto_writer *w, uint64_t segments, uint64_t blocks);

/* ---- reading ---------------------------------------------------------------------- */

/* A package as far as it was read. */
struct content_package {
	uint64_t segments, blocks;
	bool ended;
	struct content_package_segment segment; /* the last one; block_hashes are a view into list */
	uint32_t next;				/* the smallest index that its next block can have */
	struct content_package_block block;	/* the last one; data is a view into its body */
	const char *why;			/* after an error: what is wrong, static */
	uint8_t list[CONTENT_SEGMENT_BLOCKS * CONTENT_HASH_MAX];
};

/* PONTO_EPROTO: no package; PONTO_ENOTSUP: of another version. */
PONTO_MUST_CHECK int content_package_begin(struct content_package *p, const uint8_t head[CONTENT_PACKAGE_HEAD]);

/* The head of the next record: its type, and bytes of its body, at most CONTENT_PACKAGE_BODY_MAX. PONTO_EPROTO. */
PONTO_MUST_CHECK int content_package_record(struct content_package *p,
					    const uint8_t head[CONTENT_PACKAGE_RECORD_HEAD],
					    enum content_package_type *type, uint32_t *len);

/* Its body: then p->segment, p->block or p->ended say what it was. PONTO_EPROTO. borrows body as long as p->block is
 * used */
PONTO_MUST_CHECK int content_package_take(struct content_package *p, enum content_package_type type,
					  struct ponto_bytes body);

/* Whether a segment can be, and its ID is made of its keys and its whole list of its HoD; NULL, or what is wrong,
 * static. */
const char *content_package_fault(const struct content_package_segment *segment);

/* Whether a block can be one of the segment, by index, cipher and length. */
bool content_package_block_fits(const struct content_package_segment *segment,
				const struct content_package_block *block);

#ifdef __cplusplus
}
#endif
#endif
