/* PNRP names: peer names, the identifiers made of them, cloud names, and
 * the time format of CPAs.
 *
 * Pure; no allocation. [MS-PNRP] 1.3.1.1, 1.3.1.2, 2.2.4, 3.1.4.4.1. */
#ifndef ENGINES_PNRP_PNRP_NAME_H
#define ENGINES_PNRP_PNRP_NAME_H

#include "engines/pnrp/pnrp_wire.h"
#include "engines/ring/ring_id.h"
#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PNRP_CLASSIFIER_MAX 149 /* UTF-16 units */
#define PNRP_NAME_TEXT 512	/* bytes that hold any peer name in UTF-8, NUL included */
#define PNRP_P2P_ID_SIZE 16
#define PNRP_LOCATION_SIZE 16 /* a service location */
#define PNRP_CLOUD_TEXT 48    /* bytes that hold any cloud name, NUL included */

/* Plain data, compared with pnrp_name_equal. authority is zero unless secure. */
struct pnrp_name {
	bool secure;
	uint8_t authority[PNRP_HASH_SIZE]; /* in the order of its hexadecimal text */
	uint16_t classifier_len;	   /* units */
	uint16_t classifier[PNRP_CLASSIFIER_MAX];
};

/* "authority.classifier" in UTF-8, split at the first dot: authority "0" or 40 of 0-9a-f, classifier 0..149
 * UTF-16 units, none NUL. PONTO_EINVAL on anything else, bad UTF-8 included. borrows text */
PONTO_MUST_CHECK int pnrp_name_parse(const char *text, struct pnrp_name *out);

/* The same from UTF-16 units, for wide-character interfaces; unpaired surrogates are allowed. borrows units */
PONTO_MUST_CHECK int pnrp_name_parse_units(const uint16_t *units, size_t count, struct pnrp_name *out);

/* A name of its parts: authority NULL for an unsecured name; classifier in UTF-8. borrows */
PONTO_MUST_CHECK int pnrp_name_make(const uint8_t authority[PNRP_HASH_SIZE], const char *classifier,
				    struct pnrp_name *out);

/* The UTF-16 units of a text in UTF-8. PONTO_EINVAL: bad UTF-8, or more than max units (at most INT_MAX). borrows */
PONTO_MUST_CHECK int pnrp_units_of(const char *text, uint16_t *out, size_t max, size_t *count);

/* The reverse: UTF-8 with its NUL, at most cap bytes (4 or more), cut between characters; what is no character
 * becomes U+FFFD. borrows */
void pnrp_units_text(const uint16_t *units, size_t count, char *out, size_t cap);

/* Writes the name as UTF-8. PONTO_EINVAL when a surrogate of the classifier stands alone. */
PONTO_MUST_CHECK int pnrp_name_format(const struct pnrp_name *name, char out[PNRP_NAME_TEXT]);

/* Case-sensitive, no folding. */
bool pnrp_name_equal(const struct pnrp_name *a, const struct pnrp_name *b);

/* ---- identifiers ---------------------------------------------------------- */

/* ClassifierHash: the hash of the classifier as UTF-16LE without terminator. */
void pnrp_classifier_hash(const struct pnrp_wire *wire, const struct pnrp_name *name, uint8_t out[PNRP_HASH_SIZE]);

/* The P2P ID of a name: 16 bytes of hash(ClassifierHash, authority, ClassifierHash, "PNRP"). */
void pnrp_p2p_id(const struct pnrp_wire *wire, const struct pnrp_name *name, uint8_t out[PNRP_P2P_ID_SIZE]);

/* The same from the hashes that a CPA carries; authority NULL (or zero) for an unsecured name,
 * classifier_hash NULL for the empty classifier. */
void pnrp_p2p_id_of(const struct pnrp_wire *wire, const uint8_t *authority, const uint8_t *classifier_hash,
		    uint8_t out[PNRP_P2P_ID_SIZE]);

/* PNRP ID: P2P ID in the high half, service location in the low half. */
void pnrp_id_make(const uint8_t p2p_id[PNRP_P2P_ID_SIZE], const uint8_t location[PNRP_LOCATION_SIZE],
		  struct ring_id *out);

/* The service location that a registration uses: the first half of ip, then low (random). */
void pnrp_location_register(const uint8_t ip[16], const uint8_t low[8], uint8_t out[PNRP_LOCATION_SIZE]);

/* The service location that a resolver asks for: the first half of ip, then 8000000000000000. */
void pnrp_location_resolve(const uint8_t ip[16], uint8_t out[PNRP_LOCATION_SIZE]);

/* ---- classifiers on the wire ----------------------------------------------- */

/* Writes the classifier as the CLASSIFIER element carries it, big-endian units. out holds
 * 2 * PNRP_CLASSIFIER_MAX bytes; returns the bytes written. */
size_t pnrp_classifier_write(const struct pnrp_name *name, uint8_t out[2 * PNRP_CLASSIFIER_MAX]);

/* Sets name's classifier from the bytes of a CLASSIFIER element, in the byte order whose hash is
 * classifier_hash (of a CPA that was verified). PONTO_EPROTO when neither is, or it is no classifier;
 * name is untouched then. borrows units */
PONTO_MUST_CHECK int pnrp_classifier_read(const struct pnrp_wire *wire, struct ponto_bytes units,
					  const uint8_t classifier_hash[PNRP_HASH_SIZE], struct pnrp_name *name);

/* ---- clouds ------------------------------------------------------------------ */

/* A cloud is a scope, its zone (interface index; 0 for Global and Loopback) and a profile. */
struct pnrp_cloud_name {
	uint8_t scope; /* enum ponto_scope: LOOPBACK, LINK, SITE or GLOBAL */
	uint32_t zone;
	const struct pnrp_wire *wire;
};

/* "Global_", "SiteLocal_%3", "LinkLocal_%2", "Loopback_", with "@modern" at the end for that profile.
 * PONTO_EINVAL for another scope or a zone where there is none. */
PONTO_MUST_CHECK int pnrp_cloud_format(const struct pnrp_cloud_name *cloud, char out[PNRP_CLOUD_TEXT]);

/* ---- time ---------------------------------------------------------------------- */

/* FILETIME (100 ns since 1601-01-01 UTC) of wall microseconds since 1970, and back; times before 1970
 * become 0, and times too late for the other scale its largest value. */
uint64_t pnrp_filetime(uint64_t wall);
uint64_t pnrp_filetime_wall(uint64_t filetime);

#ifdef __cplusplus
}
#endif
#endif
