/* PNRP: what publishers sign: the Encoded CPA and the EXTENDED_PAYLOAD.
 *
 * Pure; no allocation; decoded structures hold views into the input. Signing
 * and verifying are work for others: encoding is in two steps, the part to be
 * signed (its length fields already final) and the signature behind it.
 * [MS-PNRP] 2.2.3.1 to 2.2.3.3. */
#ifndef ENGINES_PNRP_PNRP_CPA_H
#define ENGINES_PNRP_PNRP_CPA_H

#include "engines/pnrp/pnrp_codec.h"
#include "engines/pnrp/pnrp_name.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PNRP_CPA_MAX 759	      /* bytes of the longest Encoded CPA */
#define PNRP_CPA_SERVICES_MAX 4	      /* 2.2.3.1.1 */
#define PNRP_CPA_APPS_MAX 10	      /* 2.2.3.1.2 */
#define PNRP_FRIENDLY_NAME_MAX 78     /* bytes */
#define PNRP_PAYLOAD_MAX 4096	      /* bytes of application data, a string's terminator included */
#define PNRP_PAYLOAD_ENCODED_MAX 4308 /* bytes of the longest EXTENDED_PAYLOAD */

/* IPV6_APP_ENDPOINT (2.2.3.1.3). Port in host order; protocol is the IANA number. */
struct pnrp_app_endpoint {
	uint8_t ip[16];
	uint16_t port;
	uint16_t protocol;
};

struct pnrp_cpa {
	bool has_payload; /* flag X: an EXTENDED_PAYLOAD belongs to it */
	bool has_friendly_name;
	bool friendly_name_utf8; /* flag U; else UTF-16LE */
	bool has_classifier_hash;
	bool has_authority;
	bool revoke;			      /* flag R */
	uint64_t not_after;		      /* FILETIME: pnrp_filetime */
	uint8_t location[PNRP_LOCATION_SIZE]; /* service location in the order of the PNRP ID */
	uint8_t nonce[PNRP_NONCE_SIZE];	      /* zero in a revoke */
	uint8_t authority[PNRP_HASH_SIZE];    /* in the order of its hexadecimal text */
	uint8_t classifier_hash[PNRP_HASH_SIZE];
	struct ponto_bytes friendly_name; /* 1..78 bytes as on the wire, no NUL */
	uint8_t service_count;		  /* 0..4; at least 1 unless revoke */
	uint8_t app_count;		  /* 0..10 */
	struct pnrp_ipv6_endpoint services[PNRP_CPA_SERVICES_MAX];
	struct pnrp_app_endpoint apps[PNRP_CPA_APPS_MAX];
	struct ponto_bytes public_key;	/* wire->key_len bytes */
	struct ponto_bytes signed_part; /* decoding: all bytes before the SIGNATURE, what it signs */
	struct ponto_bytes signature;	/* decoding: wire->signature_len bytes */
};

/* Syntax only (first rule of 3.1.5.7); authority and location are taken as least significant byte first,
 * which pnrp_cpa_match_id corrects where a peer reads the text otherwise. A revoke CPA without nonce field is
 * accepted. borrows bytes as long as *out is used */
PONTO_MUST_CHECK int pnrp_cpa_decode(const struct pnrp_wire *wire, struct ponto_bytes bytes, struct pnrp_cpa *out);

/* Everything before the SIGNATURE, with CPA Length as it will be after it. PONTO_EINVAL when a field is out of
 * its range, PONTO_ELIMIT when cap is short. borrows cpa */
PONTO_MUST_CHECK int pnrp_cpa_encode(const struct pnrp_wire *wire, const struct pnrp_cpa *cpa, uint8_t *buf, size_t cap,
				     size_t *len);

/* Appends the SIGNATURE at *len (of a CPA or an EXTENDED_PAYLOAD) and advances it. PONTO_EINVAL when the
 * signature's length is not the profile's. borrows signature */
PONTO_MUST_CHECK int pnrp_signature_append(const struct pnrp_wire *wire, struct ponto_bytes signature, uint8_t *buf,
					   size_t cap, size_t *len);

/* The byte orders of authority and location that a peer may have used: pass 0..PNRP_CPA_READINGS-1;
 * 0 is what the text says. */
#define PNRP_CPA_READINGS 4

/* The PNRP ID that a CPA certifies under one reading (3.1.4.4.1). */
void pnrp_cpa_id(const struct pnrp_wire *wire, const struct pnrp_cpa *cpa, unsigned reading, struct ring_id *out);

/* Finds the reading under which the CPA certifies id and puts authority and location of cpa into the right
 * order. PONTO_EAUTH when there is none: the CPA belongs to another ID. */
PONTO_MUST_CHECK int pnrp_cpa_match_id(const struct pnrp_wire *wire, const struct ring_id *id, struct pnrp_cpa *cpa);

/* The second rule of 3.1.5.7 without a chain: no authority, a zero one, or the hash of the key. A false answer
 * with a certificate chain at hand is for the chain to decide. */
bool pnrp_cpa_key_fits(const struct pnrp_wire *wire, const struct pnrp_cpa *cpa);

/* ---- EXTENDED_PAYLOAD (2.2.3.3) --------------------------------------------------- */

enum pnrp_payload_kind {
	PNRP_KIND_BINARY = 0,
	PNRP_KIND_UNICODE = 1, /* UTF-16LE */
	PNRP_KIND_UTF8 = 2,
};

struct pnrp_payload {
	uint64_t not_after; /* FILETIME */
	struct ring_id id;
	uint8_t nonce[PNRP_NONCE_SIZE];
	uint8_t kind;			/* enum pnrp_payload_kind */
	struct ponto_bytes data;	/* of strings without the terminator */
	struct ponto_bytes signed_part; /* decoding: what the signature signs */
	struct ponto_bytes signature;	/* decoding */
};

/* Syntax only (first rule of 3.1.5.8). borrows bytes as long as *out is used */
PONTO_MUST_CHECK int pnrp_payload_decode(const struct pnrp_wire *wire, struct ponto_bytes bytes,
					 struct pnrp_payload *out);

/* Everything before the SIGNATURE, lengths final; pnrp_signature_append completes it. A UTF-8 string of one or
 * two bytes is below the smallest length allowed and is written as UTF-16 instead. PONTO_EINVAL: empty data, a
 * string with a NUL or of bad length, more than PNRP_PAYLOAD_MAX. borrows payload */
PONTO_MUST_CHECK int pnrp_payload_encode(const struct pnrp_wire *wire, const struct pnrp_payload *payload, uint8_t *buf,
					 size_t cap, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
