/* Content: the messages of the Retrieval Protocol, versions 1.0 and 2.0: from
 * bytes to structures and back.
 *
 * Pure; no allocation, so decoded messages hold views into the input. A message
 * is the body of one HTTP POST or of its answer; answers begin with their
 * length. Sizes, counts and lengths are held against the input before they are
 * used. [MS-PCCRR] 2. */
#ifndef ENGINES_CONTENT_CONTENT_CODEC_H
#define ENGINES_CONTENT_CONTENT_CODEC_H

#include "engines/content/content_blocks.h"
#include "engines/content/content_maker.h"
#include "framework/cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_PATH "/116B50EB-ECE2-41ac-8429-9F9E963361B7/"
#define CONTENT_PORT 80
#define CONTENT_HEADER 16	     /* bytes */
#define CONTENT_REQUEST_MAX 98304u   /* bytes of a request, */
#define CONTENT_RESPONSE_MAX 393216u /* of an answer without its length, 2.2.3 */
#define CONTENT_LENGTH_PREFIX 4	     /* and of that */
#define CONTENT_REQUEST_ID 16
#define CONTENT_IV 16
#define CONTENT_LIST_MAX 2144 /* bytes of the longest GETBLKLIST, GETBLKS, BLKLIST or negotiation */

/* Whether an undecoded request target names the protocol; case and the last slash do not matter. */
bool content_is_path(const char *target);

/* ---- versions (2.2.3, 3.1.5.1) ----------------------------------------------------- */

struct content_version {
	uint16_t major, minor;
};

/* Of the versions one speaks, ascending, the highest minor of each major, the one to use with a peer that speaks least
 * to most. PONTO_ENOTSUP: no major in common. borrows spoken */
PONTO_MUST_CHECK int content_version_pick(const struct content_version *spoken, size_t count,
					  struct content_version least, struct content_version most,
					  struct content_version *out);

/* ---- ciphers ------------------------------------------------------------------------ */

enum content_crypto {
	CONTENT_PLAIN = 0,
	CONTENT_AES_128 = 1, /* CBC */
	CONTENT_AES_192 = 2,
	CONTENT_AES_256 = 3,
};

/* Bytes of the key, which are the first of Kp: 0, 16, 24 or 32. */
size_t content_key_size(enum content_crypto crypto);

/* Bytes of a block of len under it: PKCS#7 padding always adds 1 to 16. */
size_t content_sealed_size(enum content_crypto crypto, size_t len);

/* Whether len bytes can be that block of a segment: a plain one has the block's size, a sealed one up to 16 bytes of
 * padding more, in whole blocks of the cipher. */
bool content_block_fits(enum content_algo algo, uint32_t segment_size, uint32_t index, enum content_crypto crypto,
			size_t len);

/* ---- messages ----------------------------------------------------------------------- */

enum content_type {
	CONTENT_NEGO_REQ = 0,
	CONTENT_NEGO_RESP = 1,
	CONTENT_GETBLKLIST = 2,
	CONTENT_GETBLKS = 3,
	CONTENT_BLKLIST = 4,
	CONTENT_BLK = 5,
	CONTENT_GETSEGLIST = 6,
	CONTENT_SEGLIST = 7,
};

static inline bool content_is_request(unsigned type)
{
	return type == CONTENT_NEGO_REQ || type == CONTENT_GETBLKLIST || type == CONTENT_GETBLKS ||
	       type == CONTENT_GETSEGLIST;
}

struct content_nego {
	struct content_version least, most;
};

/* GETBLKLIST and GETBLKS. Decoded: ranges as they came, even none or empty ones. Encoded: sorted and merged, at least
 * one block, exactly one in GETBLKS; lowest and count do not matter. */
struct content_wanted {
	struct content_id id;
	struct content_blocks blocks;
	uint32_t lowest; /* the smallest index of all ranges, whatever its size; 0 without ranges */
	uint32_t count;	 /* of ranges */
};

struct content_blklist {
	struct content_id id;
	struct content_blocks blocks;
	uint32_t next; /* held after these; 0: none */
};

struct content_blk {
	struct content_id id;
	uint32_t index;
	uint32_t next;		 /* held after it; 0: none */
	struct ponto_bytes data; /* empty: not held; sealed if the message's crypto says so */
	uint8_t iv[CONTENT_IV];	 /* when sealed */
};

/* Segment IDs as they stand on the wire, checked. */
struct content_ids {
	struct ponto_bytes bytes;
	uint32_t count;
};

struct content_getseglist {
	uint8_t request_id[CONTENT_REQUEST_ID];
	struct content_ids ids;
	struct ponto_bytes blob;
};

/* Ranges of positions in a request's IDs, as they stand on the wire. */
struct content_ranges {
	struct ponto_bytes bytes;
	uint32_t count;
};

struct content_seglist {
	uint8_t request_id[CONTENT_REQUEST_ID];
	struct content_ranges ranges; /* none of them empty */
	struct ponto_bytes blob;
};

struct content_message {
	uint8_t type;			/* enum content_type: which member of the union counts */
	uint32_t crypto;		/* of a request any value: a wish */
	struct content_version version; /* encoding: major 0 for the type's own, which a BLK always has */
	union {
		struct content_nego nego;     /* NEGO_REQ, NEGO_RESP */
		struct content_wanted wanted; /* GETBLKLIST, GETBLKS */
		struct content_blklist blklist;
		struct content_blk blk;
		struct content_getseglist getseglist;
		struct content_seglist seglist;
	};
};

/* PONTO_EPROTO: to be dropped. PONTO_ENOTSUP: a request whose major version is not one of least..most: type, crypto and
 * version are set, and it is answered with NEGO_RESP. borrows body as long as *out is used */
PONTO_MUST_CHECK int content_request_decode(struct ponto_bytes body, uint16_t least, uint16_t most,
					    struct content_message *out);

/* PONTO_EPROTO: to be dropped. body: with its length in front. borrows body as long as *out is used */
PONTO_MUST_CHECK int content_response_decode(struct ponto_bytes body, struct content_message *out);

/* Answers with their length in front. PONTO_ELIMIT: cap bytes, or the protocol's limit, do not suffice. PONTO_EINVAL:
 * the message breaks a rule. borrows message */
PONTO_MUST_CHECK int content_encode(const struct content_message *message, uint8_t *buf, size_t cap, size_t *len);

/* A BLK whose block is written in place: bytes of the whole for a block of len bytes as it will stand there; the part
 * before the block, which gives the room for it; the part behind it. data and iv of blk do not matter to open, only iv
 * to close. NULL: does not fit. */
size_t content_blk_size(const struct content_id *id, enum content_crypto crypto, size_t len);
uint8_t *content_blk_open(struct ponto_writer *w, const struct content_blk *blk, enum content_crypto crypto,
			  size_t len);
void content_blk_close(struct ponto_writer *w, enum content_crypto crypto, size_t len, const uint8_t iv[CONTENT_IV]);

/* ---- lists -------------------------------------------------------------------------- */

/* Writes IDs the way GETSEGLIST lists them, at *len of buf, and advances it. PONTO_ELIMIT: cap does not suffice. */
PONTO_MUST_CHECK int content_ids_append(const struct content_id *id, uint8_t *buf, size_t cap, size_t *len);

/* One after the other: start with a reader of ids->bytes; false at the end. */
bool content_ids_next(struct ponto_reader *r, struct content_id *out);

/* Ranges of those of count positions whose byte in held is not 0. buf: at least 8 * ((count + 1) / 2) bytes, lent. */
struct content_ranges content_ranges_of(const uint8_t *held, uint32_t count, uint8_t *buf);

/* index below ranges->count */
void content_range_at(const struct content_ranges *ranges, uint32_t i, uint32_t *index, uint32_t *count);

/* Whether all positions are below count. */
bool content_ranges_fit(const struct content_ranges *ranges, uint32_t count);

/* ---- ages: Extensible Blob version 1 (2.2.6.1) --------------------------------------- */

#define CONTENT_AGES_MAX 255
#define CONTENT_AGES_BYTES (4 * (CONTENT_AGES_MAX + 1))

struct content_ages {
	uint8_t unit; /* 1 to 4 */
	uint8_t count;
	struct ponto_bytes bytes;
};

/* PONTO_EPROTO: the blob is to be ignored, the message is not. borrows blob as long as *out is used */
PONTO_MUST_CHECK int content_ages_decode(struct ponto_bytes blob, struct content_ages *out);

/* i below ages->count: the position, relative to the first segment of the message, and its age in microseconds. */
void content_age_at(const struct content_ages *ages, unsigned i, uint8_t *index, uint64_t *age);

/* An empty blob is started, and entries are added; ages are in microseconds, cut to what 24 bits of hundredths of a
 * second hold. PONTO_ELIMIT: 255 are in it. */
void content_ages_start(uint8_t blob[CONTENT_AGES_BYTES], size_t *len);
PONTO_MUST_CHECK int content_ages_append(uint8_t index, uint64_t age, uint8_t blob[CONTENT_AGES_BYTES], size_t *len);

#ifdef __cplusplus
}
#endif
#endif
