#include "engines/pnrp/pnrp_wire.h"

#include <string.h>

#include "framework/digest.h"

const struct pnrp_wire pnrp_windows = {
	.name = "windows",
	.version = 4,
	.sha256 = false,
	.security = 1,
	.key_oid = "1.2.840.113549.1.1.1",
	.key_oid_len = 20,
	.key_len = 140,
	.signature_len = 128,
	.alg_id = 0x00008004,
	/* RFC 8017 A.1 */
	.spki_prefix_len = 22,
	.spki_prefix = {0x30, 0x81, 0x9f, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
			0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x81, 0x8d, 0x00},
};

/* ALG_ID names the hash inside the signature scheme, as CryptoAPI does: CALG_SHA_512 for Ed25519. */
const struct pnrp_wire pnrp_modern = {
	.name = "modern",
	.version = 5,
	.sha256 = true,
	.security = 2,
	.question_len = 144,
	.key_oid = "1.3.101.112",
	.key_oid_len = 11,
	.key_len = 32,
	.signature_len = 64,
	.alg_id = 0x0000800e,
	/* RFC 8410 4 */
	.spki_prefix_len = 12,
	.spki_prefix = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00},
};

void pnrp_hash(const struct pnrp_wire *wire, const struct ponto_bytes *parts, size_t count, uint8_t out[PNRP_HASH_SIZE])
{
	uint8_t full[PONTO_SHA256_SIZE];

	if (!wire->sha256) {
		ponto_sha1(parts, count, out);
		return;
	}
	ponto_sha256(parts, count, full);
	memcpy(out, full, PNRP_HASH_SIZE);
}

void pnrp_key_authority(const struct pnrp_wire *wire, struct ponto_bytes key, uint8_t out[PNRP_HASH_SIZE])
{
	pnrp_hash(wire, &key, 1, out);
}

bool pnrp_key_fits_authority(const struct pnrp_wire *wire, struct ponto_bytes key,
			     const uint8_t authority[PNRP_HASH_SIZE])
{
	struct ponto_bytes info[] = {ponto_bytes(wire->spki_prefix, wire->spki_prefix_len), key};
	uint8_t hash[PNRP_HASH_SIZE];

	pnrp_key_authority(wire, key, hash);
	if (memcmp(hash, authority, sizeof(hash)) == 0)
		return true;
	pnrp_hash(wire, info, PONTO_ARRAY_SIZE(info), hash);
	return memcmp(hash, authority, sizeof(hash)) == 0;
}
