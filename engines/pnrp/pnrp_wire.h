/* PNRP: what differs between the published protocol and its modern form.
 *
 * Pure, constant data: every codec function takes the profile of the cloud that
 * the bytes belong to. windows is [MS-PNRP] 2.2; modern is docs/modern.md. */
#ifndef ENGINES_PNRP_PNRP_WIRE_H
#define ENGINES_PNRP_PNRP_WIRE_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every hash of PNRP is 20 bytes: SHA-1, or the first 20 of SHA-256. */
#define PNRP_HASH_SIZE 20
#define PNRP_NONCE_SIZE 16
#define PNRP_KEY_MAX 140       /* bytes of public key in the longest profile */
#define PNRP_SIGNATURE_MAX 128 /* bytes of signature in the longest profile */

/* Holds no pointers, so that the profiles are truly read-only data. */
struct pnrp_wire {
	char name[8];	   /* "windows", "modern" */
	uint8_t version;   /* major version in header, route entry and CPA: 4 or 5; the minor is 0 */
	bool sha256;	   /* hashes are SHA-256 cut to 20 bytes, not SHA-1 */
	uint32_t security; /* the value of enum ponto_profile (framework/security.h) for sign and verify */
	uint32_t alg_id;   /* ALG_ID of the SIGNATURE (2.2.3.2) */
	char key_oid[24];  /* ASCII, as the CPA Public Key spells it (2.2.3.1.4) */
	uint8_t key_oid_len;
	uint8_t question_len;  /* bytes at least of what is answered with more than it has; 0: no rule */
	uint8_t key_len;       /* PublicKey cbData: 140 (DER RSAPublicKey) or 32 (raw Ed25519) */
	uint8_t signature_len; /* Signature Length: 128 or 64 */
	/* Bytes that precede the key in its SubjectPublicKeyInfo: for the other reading of "authority" (1.3.1.1). */
	uint8_t spki_prefix_len;
	uint8_t spki_prefix[24];
};

extern const struct pnrp_wire pnrp_windows;
extern const struct pnrp_wire pnrp_modern;

/* The profile's hash of the concatenation of count views. borrows parts */
void pnrp_hash(const struct pnrp_wire *wire, const struct ponto_bytes *parts, size_t count,
	       uint8_t out[PNRP_HASH_SIZE]);

/* BinaryAuthority of a key: the hash of PublicKey Data (2.2.3.1). */
void pnrp_key_authority(const struct pnrp_wire *wire, struct ponto_bytes key, uint8_t out[PNRP_HASH_SIZE]);

/* Whether authority is the hash of key, of PublicKey Data (2.2.3.1) or of SubjectPublicKeyInfo (1.3.1.1). */
bool pnrp_key_fits_authority(const struct pnrp_wire *wire, struct ponto_bytes key,
			     const uint8_t authority[PNRP_HASH_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
