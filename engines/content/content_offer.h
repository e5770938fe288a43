/* Content: the messages of the Hosted Cache Protocol, versions 1.0 and 2.0: from
 * bytes to structures and back.
 *
 * Pure; no allocation, so decoded messages hold views into the input. A message
 * is the body of one HTTP POST; which version it may be its URL says, for there
 * is no negotiation. Integers are big-endian, but for the Content Information
 * inside SEGMENT_INFO. [MS-PCHC] 2. */
#ifndef ENGINES_CONTENT_CONTENT_OFFER_H
#define ENGINES_CONTENT_CONTENT_OFFER_H

#include "engines/content/content_codec.h"
#include "engines/content/content_info.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_OFFER_PATH_V1 "/C574AC30-5794-4AEE-B1BB-6651C5315029" /* https */
#define CONTENT_OFFER_PATH_V2 "/0131501b-d67f-491b-9a40-c4bf27bcb4d4" /* http */
#define CONTENT_OFFER_PORT_V1 443
#define CONTENT_OFFER_PORT_V2 80
#define CONTENT_TAG 16		 /* bytes of a content tag, */
#define CONTENT_DESCRIPTOR 59	 /* of a segment descriptor, */
#define CONTENT_DESCRIPTORS 128u /* of which a message has at most so many */
#define CONTENT_OFFER_HEAD 16
/* Bytes of the longest message: a SEGMENT_INFO of 512 hashes of 64 bytes. */
#define CONTENT_OFFER_MAX (CONTENT_OFFER_HEAD + CONTENT_TAG + 18 + 16 + 2 * 64 + 4 + 512 * 64)
#define CONTENT_OFFER_ANSWER 5 /* bytes of an answer, its length in front */

enum content_offer_type {
	CONTENT_INITIAL_OFFER = 1, /* version 1.0 */
	CONTENT_SEGMENT_INFO = 2,  /* version 1.0 */
	CONTENT_BATCHED_OFFER = 3, /* version 2.0 */
};

enum content_offer_code { CONTENT_OFFER_OK = 0, CONTENT_OFFER_INTERESTED = 1 };

/* What BATCHED_OFFER says of a segment. */
struct content_descriptor {
	uint32_t block_size, segment_size;
	uint8_t tag[CONTENT_TAG];
	uint8_t algo; /* as on the wire: 1 or 4, perhaps another */
	struct content_id id;
};

struct content_offer {
	uint8_t type;	      /* enum content_offer_type */
	uint16_t port;	      /* of the offering client's retrieval server, not 0 */
	struct content_id id; /* INITIAL_OFFER; SEGMENT_INFO when described */
	/* SEGMENT_INFO */
	uint8_t tag[CONTENT_TAG];
	bool described; /* its Content Information is sound; else it is answered, and nothing is done about it */
	enum content_algo algo;
	struct content_segment segment; /* block_hashes is a view into the input */
	/* BATCHED_OFFER */
	uint32_t count; /* 1..CONTENT_DESCRIPTORS */
	struct ponto_bytes descriptors;
};

/* Which version an undecoded request target names, 1 or 2; 0: none. Case and one last slash do not matter. */
unsigned content_offer_path(const char *target);

/* A request that came by the URL of that version. PONTO_EPROTO: to be dropped. borrows body as long as *out is used */
PONTO_MUST_CHECK int content_offer_decode(struct ponto_bytes body, unsigned version, struct content_offer *out);

/* Descriptor i, below offer->count. */
void content_offer_descriptor(const struct content_offer *offer, uint32_t i, struct content_descriptor *out);

/* Whether such a segment can be; algo is then what it says. */
bool content_descriptor_sound(const struct content_descriptor *d, enum content_algo *algo);

/* Describes a segment of a content. PONTO_ENOTSUP: its hash has no number in version 2.0 (SHA-384, SHA-512). */
PONTO_MUST_CHECK int content_descriptor_of(enum content_algo algo, uint32_t segment_size, const struct content_id *id,
					   const uint8_t tag[CONTENT_TAG], struct content_descriptor *out);

/* Requests. PONTO_EINVAL: a port of 0, no or too many descriptors, an ID or a segment of the wrong version or without
 * hashes; PONTO_ELIMIT: cap does not suffice. offset: where the range of the content begins in the segment. */
PONTO_MUST_CHECK int content_offer_initial(uint16_t port, const struct content_id *id, uint8_t *buf, size_t cap,
					   size_t *len);
PONTO_MUST_CHECK int content_offer_segment(uint16_t port, const uint8_t tag[CONTENT_TAG], enum content_algo algo,
					   const struct content_segment *segment, uint32_t offset, uint8_t *buf,
					   size_t cap, size_t *len);
PONTO_MUST_CHECK int content_offer_batch(uint16_t port, const struct content_descriptor *descriptors, size_t count,
					 uint8_t *buf, size_t cap, size_t *len);

/* Answers. */
void content_offer_answer(enum content_offer_code code, uint8_t out[CONTENT_OFFER_ANSWER]);

/* PONTO_EPROTO: anything but OK or INTERESTED, or more or fewer bytes: to be dropped. */
PONTO_MUST_CHECK int content_offer_answer_decode(struct ponto_bytes body, enum content_offer_code *out);

#ifdef __cplusplus
}
#endif
#endif
