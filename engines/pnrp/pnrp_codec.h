/* PNRP messages: from bytes to structures and back.
 *
 * Pure; no allocation, so decoded messages hold views into the input, which
 * must stay as long as they are used. Decoding drops what [MS-PNRP] 2.2 forbids
 * (PONTO_EPROTO): any wrong length, count, element type or order, anything
 * missing or left over. Reserved fields, flags and pad bytes never matter.
 * Which of several readings of the text is sent and which are accepted is in
 * docs/pnrp-wire.md. */
#ifndef ENGINES_PNRP_PNRP_CODEC_H
#define ENGINES_PNRP_PNRP_CODEC_H

#include "engines/pnrp/pnrp_wire.h"
#include "engines/ring/ring_id.h"
#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PNRP_HEADER_SIZE 12
#define PNRP_PORT 3540		 /* the default; never assumed of a peer */
#define PNRP_PORT_MIN 1025	 /* 2.2.3.4, 2.2.3.6: greater than 1024 */
#define PNRP_ROUTE_ADDRS_MAX 20	 /* 2.2.3.4 */
#define PNRP_ENDPOINTS_MAX 22	 /* flooded list and flagged path */
#define PNRP_AUTHORITY_MAX 37348 /* 0x91E4: bytes of an AUTHORITY_BUFFER */
#define PNRP_FRAGMENT 1188	 /* bytes of it in one AUTHORITY */
#define PNRP_FRAGMENTS_MAX 32	 /* AUTHORITY messages of the longest buffer */
#define PNRP_DATAGRAM_MAX 1216	 /* bytes of the longest AUTHORITY message */
#define PNRP_MESSAGE_MAX 1592	 /* bytes of any message but ADVERTISE and REQUEST with long lists */
#define PNRP_ID_LIST_MAX 0x7FFF	 /* 2.2.2.2, 2.2.2.3 */
#define PNRP_IDS_PER_DATAGRAM 35 /* IDs that fit PNRP_DATAGRAM_MAX in ADVERTISE or REQUEST */

enum pnrp_type {
	PNRP_SOLICIT = 0x01,
	PNRP_ADVERTISE = 0x02,
	PNRP_REQUEST = 0x03,
	PNRP_FLOOD = 0x04,
	PNRP_INQUIRE = 0x07,
	PNRP_AUTHORITY = 0x08,
	PNRP_ACK = 0x09,
	PNRP_LOOKUP = 0x0B,
};

/* ---- parts of messages ------------------------------------------------------ */

/* IPV6_ENDPOINT (2.2.3.6). Port in host order. */
struct pnrp_ipv6_endpoint {
	uint8_t ip[16];
	uint16_t port;
};

/* ROUTE_ENTRY (2.2.3.4). Port in host order; addrs beyond count are zero. */
struct pnrp_route_entry {
	struct ring_id id;
	uint16_t port;
	uint8_t count; /* 1..20 */
	uint8_t addrs[PNRP_ROUTE_ADDRS_MAX][16];
};

/* Same id, port and address list in the same order. */
bool pnrp_route_entry_equal(const struct pnrp_route_entry *a, const struct pnrp_route_entry *b);

/* A list of PNRP IDs as it stands on the wire: count times 32 bytes, which is also how an array of
 * struct ring_id lies in memory. */
struct pnrp_ids {
	struct ponto_bytes bytes;
	uint16_t count;
};

/* borrows ids for as long as the result is used */
static inline struct pnrp_ids pnrp_ids(const struct ring_id *ids, uint16_t count)
{
	struct pnrp_ids list = {ponto_bytes(ids, (size_t)count * RING_ID_SIZE), count};
	return list;
}

/* index < ids->count */
struct ring_id pnrp_id_at(const struct pnrp_ids *ids, uint16_t index);

/* ---- messages ---------------------------------------------------------------- */

/* In each message with a route entry: a received entry of another version or with a port below 1025 is to
 * be ignored without dropping the message (2.2.3.4, 3.1.5.11): has_route is false then and route_ignored
 * true. Encoding never looks at route_ignored. */

enum pnrp_solicit_type {
	PNRP_SOLICIT_ANY = 0,
	PNRP_SOLICIT_LOCAL = 1,
};

struct pnrp_solicit {
	bool has_controls;
	bool has_route;
	bool route_ignored;
	uint8_t solicit_type; /* enum pnrp_solicit_type; ANY without controls */
	struct pnrp_route_entry route;
	uint8_t hashed_nonce[PNRP_HASH_SIZE];
};

struct pnrp_advertise {
	uint32_t acked_id;
	struct pnrp_ids ids;
	uint8_t hashed_nonce[PNRP_HASH_SIZE];
};

struct pnrp_request {
	uint8_t nonce[PNRP_NONCE_SIZE];
	struct pnrp_ids ids;
};

struct pnrp_flood {
	bool no_ack; /* flag D */
	bool has_revoke;
	bool has_route;
	bool route_ignored;
	uint8_t count; /* 0..22 endpoints that have seen this flood */
	struct ring_id validate_id;
	struct ponto_bytes revoke; /* an Encoded CPA: pnrp_cpa_decode */
	struct pnrp_route_entry route;
	struct pnrp_ipv6_endpoint endpoints[PNRP_ENDPOINTS_MAX];
};

struct pnrp_inquire {
	bool want_cpa;	   /* flag A */
	bool want_payload; /* flag X */
	bool want_chain;   /* flag C */
	bool has_nonce;
	struct ring_id validate_id;
	uint8_t nonce[PNRP_NONCE_SIZE];
};

/* One fragment. Decoding checks size and the multiple of 1188 (what fails there leaves a reassembly in
 * progress alone); pnrp_authority_fits checks the rest. */
struct pnrp_authority {
	uint32_t acked_id;
	uint16_t size;	 /* of the whole buffer, at most PNRP_AUTHORITY_MAX */
	uint16_t offset; /* a multiple of PNRP_FRAGMENT */
	struct ponto_bytes slice;
};

/* False for a slice that is empty, goes beyond size, or is short without being the last: the receiver
 * drops it and forgets the reassembly it belongs to. */
bool pnrp_authority_fits(const struct pnrp_authority *authority);

struct pnrp_ack {
	uint32_t acked_id;
	bool not_found; /* flag N */
};

enum pnrp_opcode {
	PNRP_OPCODE_NONE = 0,	    /* SEARCH_OPCODE_NONE: all 256 bits */
	PNRP_OPCODE_ANY = 1,	    /* ANY_PEERNAME: the first 128 bits */
	PNRP_OPCODE_NEAREST = 2,    /* NEAREST_PEERNAME: 256 bits, closest possible */
	PNRP_OPCODE_NEAREST64 = 4,  /* NEAREST64_PEERNAME: 192 bits, closest possible */
	PNRP_OPCODE_UPPER_BITS = 8, /* the first precision bits */
};

enum pnrp_reason {
	PNRP_REASON_APPLICATION = 0,
	PNRP_REASON_REGISTRATION = 1,
	PNRP_REASON_MAINTENANCE = 2,
	PNRP_REASON_SPLIT = 3,
};

struct pnrp_lookup {
	bool accept_any; /* flag A: nodes not closer than validate_id are welcome */
	bool has_route;
	bool route_ignored;
	uint8_t criteria;   /* enum pnrp_opcode */
	uint8_t reason;	    /* enum pnrp_reason; of a received message any value */
	uint8_t count;	    /* 1..22 endpoints of the flagged path */
	uint16_t precision; /* meaningful with PNRP_OPCODE_UPPER_BITS only */
	struct ring_id target;
	struct ring_id validate_id;
	struct pnrp_route_entry route; /* best match so far */
	struct pnrp_ipv6_endpoint path[PNRP_ENDPOINTS_MAX];
};

/* How many leading bits criteria compares, 0..256; a precision above 256 counts as 256. */
unsigned pnrp_criteria_bits(uint8_t criteria, uint16_t precision);

/* Whether a and b agree in that many leading bits. */
bool pnrp_criteria_match(uint8_t criteria, uint16_t precision, const struct ring_id *a, const struct ring_id *b);

struct pnrp_message {
	uint8_t type; /* enum pnrp_type: which member of the union counts */
	uint32_t id;  /* Message ID */
	union {
		struct pnrp_solicit solicit;
		struct pnrp_advertise advertise;
		struct pnrp_request request;
		struct pnrp_flood flood;
		struct pnrp_inquire inquire;
		struct pnrp_authority authority;
		struct pnrp_ack ack;
		struct pnrp_lookup lookup;
	};
};

/* The major version of a datagram that starts like a PNRP header, else 0: tells the profiles apart. */
uint8_t pnrp_peek_version(struct ponto_bytes datagram);

/* What a datagram seems to be about, unchecked: for fetching ahead. type 0: it is too short. */
struct pnrp_gist {
	uint8_t type;
	uint32_t acked_id; /* of ACK and AUTHORITY */
	struct ring_id id; /* the route entry's of a FLOOD without a revoke, the target of a LOOKUP */
};
void pnrp_peek(struct ponto_bytes datagram, struct pnrp_gist *out);

/* PONTO_EPROTO: to be dropped silently. borrows datagram as long as *out is used */
PONTO_MUST_CHECK int pnrp_decode(const struct pnrp_wire *wire, struct ponto_bytes datagram, struct pnrp_message *out);

/* PONTO_ELIMIT: cap bytes do not suffice. PONTO_EINVAL: the message breaks a rule of 2.2 (a count, a port,
 * a size), which a receiver would drop. borrows message */
PONTO_MUST_CHECK int pnrp_encode(const struct pnrp_wire *wire, const struct pnrp_message *message, uint8_t *buf,
				 size_t cap, size_t *len);

/* ---- AUTHORITY_BUFFER (2.2.2.6.1) ---------------------------------------------- */

/* What AUTHORITY messages carry together. Optional parts are absent when their flag is false. */
struct pnrp_authority_buffer {
	bool leaf_set;	/* flag L */
	bool busy;	/* flag B */
	bool not_found; /* flag N */
	bool has_chain;
	bool has_classifier;
	bool has_payload;
	bool has_route;
	bool route_ignored;
	bool has_cpa;
	struct ponto_bytes chain;      /* a certificate chain (2.2.3.5), opaque here */
	struct ponto_bytes classifier; /* units as on the wire: pnrp_classifier_read and _write */
	struct ponto_bytes payload;    /* an EXTENDED_PAYLOAD: pnrp_payload_decode */
	struct ponto_bytes cpa;	       /* an Encoded CPA: pnrp_cpa_decode */
	struct pnrp_route_entry route;
};

/* borrows bytes as long as *out is used */
PONTO_MUST_CHECK int pnrp_authority_decode(const struct pnrp_wire *wire, struct ponto_bytes bytes,
					   struct pnrp_authority_buffer *out);

/* Errors as pnrp_encode. borrows buffer */
PONTO_MUST_CHECK int pnrp_authority_encode(const struct pnrp_wire *wire, const struct pnrp_authority_buffer *buffer,
					   uint8_t *buf, size_t cap, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
