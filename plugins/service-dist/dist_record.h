/* service-dist: what it keeps in a store, from structures to bytes and back (docs/distribution.md, Store layout).
 *
 * Pure; no allocation; decoded records hold views into the input. Values begin with a version; integers are
 * big-endian. What is read may be damaged: every value is either exactly what the encoder makes, or PONTO_EPROTO. All
 * but blocks, which carry a hash of their own, end with 8 bytes of SHA-256 over what they belong to and themselves, so
 * that neither a flipped bit nor a record in a wrong place is believed. */
#ifndef PLUGINS_SERVICE_DIST_DIST_RECORD_H
#define PLUGINS_SERVICE_DIST_DIST_RECORD_H

#include "engines/content/content_codec.h"
#include "engines/content/content_maker.h"
#include "plugins/service-dist/dist_hash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIST_RECORD_VERSION 1
#define DIST_TAG 16 /* bytes of a content tag, [MS-PCHC] 2.2.1.4; zeros: none */

/* Ends a value that belongs to owner, and tells its length. PONTO_ELIMIT: the writer had no room. */
PONTO_MUST_CHECK int dist_value_close(struct ponto_bytes owner, struct ponto_writer *w, size_t *len);

/* A reader behind the version, of what the seal covers. PONTO_EPROTO; PONTO_ENOTSUP: another version with a good seal. */
PONTO_MUST_CHECK int dist_value_open(struct ponto_bytes owner, struct ponto_bytes value, struct ponto_reader *r);

/* ---- segments: group "dist/s" and the ID --------------------------------------------- */

#define DIST_GROUP_MAX (6 + CONTENT_ID_MAX)
size_t dist_group(const struct content_id *id, uint8_t out[DIST_GROUP_MAX]);

/* The reverse; false: some other group. */
bool dist_group_id(struct ponto_bytes group, struct content_id *out);

#define DIST_KEY_META "m"
#define DIST_KEY_LIST "h"
#define DIST_KEY_BLOCK 3 /* "b" and the index */
void dist_block_key(uint32_t index, uint8_t out[DIST_KEY_BLOCK]);

/* "m": all of a segment but its blocks and their hashes. */
struct dist_meta {
	enum content_algo algo;
	bool keyed; /* hod and kp are known; without them blocks are kept as they came, to be relayed */
	uint32_t size;
	uint16_t hashes;	/* of blocks, from 0 on, that "h" lists */
	uint64_t created, used; /* wall microseconds: first block kept; last block read or kept */
	uint8_t tag[DIST_TAG];
	uint8_t hod[CONTENT_HASH_MAX], kp[CONTENT_HASH_MAX];
	struct content_blocks blocks; /* at least one */
};

/* The segment as its meta and hashes describe it; *list holds a copy of the hashes, of which out has a view. PONTO_ENOMEM.
 * gives *list */
PONTO_MUST_CHECK int dist_meta_segment(const struct dist_meta *meta, struct ponto_bytes hashes,
				       const struct ponto_alloc *alloc, uint8_t **list, struct content_segment *out);

#define DIST_META_MAX 256
/* Whether algo and size are possible, and blocks and hashes are not more than such a segment has. */
bool dist_meta_valid(const struct dist_meta *meta);
PONTO_MUST_CHECK int dist_meta_encode(const struct content_id *id, const struct dist_meta *meta,
				      uint8_t out[DIST_META_MAX], size_t *len);

/* PONTO_EPROTO; PONTO_ENOTSUP: of a later version, to be left alone. */
PONTO_MUST_CHECK int dist_meta_decode(const struct content_id *id, struct ponto_bytes value, struct dist_meta *out);

/* "h": hashes of blocks from 0 on, back to back. */
#define DIST_LIST_MAX (16 + CONTENT_SEGMENT_BLOCKS * CONTENT_HASH_MAX)
PONTO_MUST_CHECK int dist_list_encode(const struct content_id *id, enum content_algo algo, struct ponto_bytes hashes,
				      uint8_t out[DIST_LIST_MAX], size_t *len);
PONTO_MUST_CHECK int dist_list_decode(const struct content_id *id, enum content_algo algo, struct ponto_bytes value,
				      struct ponto_bytes *hashes);

/* "b": a block, plain; or without keys as it came, perhaps sealed. */
struct dist_block {
	enum content_crypto crypto;
	enum content_algo
		by; /* what hash is made with, of data as it stands here: the segment's; without keys SHA-256 */
	uint8_t hash[CONTENT_HASH_MAX];
	uint8_t iv[CONTENT_IV]; /* when sealed */
	struct ponto_bytes data;
};

/* What precedes the data. */
#define DIST_BLOCK_HEAD_MAX (3 + CONTENT_HASH_MAX + CONTENT_IV)
void dist_block_encode(const struct dist_block *block, struct ponto_writer *w);

/* meta and index: what it is a block of. The hash is for the caller to compare. */
PONTO_MUST_CHECK int dist_block_decode(const struct dist_meta *meta, uint32_t index, struct ponto_bytes value,
				       struct dist_block *out);

/* ---- hashes of files: group "dist/hash" ------------------------------------------------ */

#define DIST_GROUP_HASHES "dist/hash"
#define DIST_HASHES_PIECES 512u /* in a record: a segment of version 1.0, up to so many of version 2.0 */

/* The key of a file's head; those of its records are this and their number, so the head comes first. */
#define DIST_HEAD_KEY 33
#define DIST_HEAD_KEY_FILE 16 /* of it: device and inode */
#define DIST_HASHES_KEY (DIST_HEAD_KEY + 4)
void dist_head_key(const struct dist_file *file, enum content_algo algo, uint8_t out[DIST_HEAD_KEY]);
void dist_hashes_key(const struct dist_file *file, enum content_algo algo, uint32_t number,
		     uint8_t out[DIST_HASHES_KEY]);
PONTO_MUST_CHECK int dist_head_key_decode(struct ponto_bytes key, struct dist_file *file, enum content_algo *algo);

struct dist_head {
	bool complete; /* false: being written since created */
	uint32_t records;
	uint64_t segments, pieces;
	uint64_t created, used; /* wall microseconds */
};

#define DIST_HEAD_MAX 64
PONTO_MUST_CHECK int dist_head_encode(const struct dist_file *file, enum content_algo algo,
				      const struct dist_head *head, uint8_t out[DIST_HEAD_MAX], size_t *len);
PONTO_MUST_CHECK int dist_head_decode(const struct dist_file *file, enum content_algo algo, struct ponto_bytes value,
				      struct dist_head *out);

#define DIST_HASHES_MAX (32 + 4 + (CONTENT_SEGMENT_BLOCKS + 1) * CONTENT_HASH_MAX)

/* A record is begun, gets segments and is ended; room: DIST_HASHES_MAX. */
void dist_hashes_begin_record(struct ponto_writer *w, enum content_algo algo, const struct content_segment *first);
void dist_hashes_add(struct ponto_writer *w, enum content_algo algo, const struct content_segment *segment);
PONTO_MUST_CHECK int dist_hashes_end_record(const struct dist_file *file, enum content_algo algo, uint32_t number,
					    uint32_t count, struct ponto_writer *w, size_t *len);

struct dist_hashes_record {
	enum content_algo algo;
	uint32_t count;		/* of segments */
	uint64_t index, offset; /* of the first */
	struct ponto_bytes segments;
};

PONTO_MUST_CHECK int dist_hashes_decode(const struct dist_file *file, enum content_algo algo, uint32_t number,
					struct ponto_bytes value, struct dist_hashes_record *out);

/* One segment after the other: start with a reader of record->segments and *index and *offset of it, which move on;
 * false at the end. out's block_hashes are a view, its kp is zero. */
bool dist_hashes_next(const struct dist_hashes_record *record, struct ponto_reader *r, uint64_t *index,
		      uint64_t *offset, struct content_segment *out);

#ifdef __cplusplus
}
#endif
#endif
