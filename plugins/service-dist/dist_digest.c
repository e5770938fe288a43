#include "plugins/service-dist/dist_digest.h"

#include <string.h>
#include <openssl/evp.h>

int dist_digest(enum content_algo algo, struct ponto_bytes bytes, uint8_t out[CONTENT_HASH_MAX])
{
	const EVP_MD *md = algo == CONTENT_SHA256 ? EVP_sha256() : algo == CONTENT_SHA384 ? EVP_sha384() : EVP_sha512();
	uint8_t full[CONTENT_HASH_MAX];

	if (EVP_Digest(bytes.data, bytes.len, full, NULL, md, NULL) != 1)
		return PONTO_ENOMEM;
	memset(out, 0, CONTENT_HASH_MAX);
	memcpy(out, full, content_hash_size(algo));
	return PONTO_OK;
}
