#include "tests/support/pnrp_keys.h"

#include "framework/digest.h"

#include <string.h>

static void stretch(const struct ponto_bytes *parts, size_t count, uint8_t *out, size_t len)
{
	uint8_t hash[PONTO_SHA256_SIZE];
	struct ponto_bytes again = ponto_bytes(hash, sizeof(hash));

	ponto_sha256(parts, count, hash);
	for (size_t at = 0; at < len; at += sizeof(hash)) {
		memcpy(out + at, hash, len - at < sizeof(hash) ? len - at : sizeof(hash));
		ponto_sha256(&again, 1, hash);
	}
}

void pnrp_test_key(uint64_t identity, uint8_t *key, size_t len)
{
	struct ponto_bytes part = ponto_bytes(&identity, sizeof(identity));

	stretch(&part, 1, key, len);
}

void pnrp_test_sign(struct ponto_bytes key, struct ponto_bytes data, uint8_t *out, size_t len)
{
	struct ponto_bytes parts[] = {key, data};

	stretch(parts, 2, out, len);
}
