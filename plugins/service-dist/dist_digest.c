#include "plugins/service-dist/dist_digest.h"

#include <string.h>
#include <openssl/evp.h>

const EVP_MD *dist_digest_md(enum content_algo algo)
{
	return algo == CONTENT_SHA256 ? EVP_sha256() : algo == CONTENT_SHA384 ? EVP_sha384() : EVP_sha512();
}

int dist_digest(enum content_algo algo, struct ponto_bytes bytes, uint8_t out[CONTENT_HASH_MAX])
{
	uint8_t full[CONTENT_HASH_MAX];

	if (EVP_Digest(bytes.data, bytes.len, full, NULL, dist_digest_md(algo), NULL) != 1)
		return PONTO_ENOMEM;
	memset(out, 0, CONTENT_HASH_MAX);
	memcpy(out, full, content_hash_size(algo));
	return PONTO_OK;
}
