#include "plugins/service-dist/dist_seal.h"

#include <limits.h>
#include <openssl/evp.h>

static const EVP_CIPHER *cipher(enum content_crypto crypto, size_t *key)
{
	switch (crypto) {
	case CONTENT_AES_128:
		*key = 16;
		return EVP_aes_128_cbc();
	case CONTENT_AES_192:
		*key = 24;
		return EVP_aes_192_cbc();
	case CONTENT_AES_256:
		*key = 32;
		return EVP_aes_256_cbc();
	default:
		return NULL;
	}
}

static int run(enum content_crypto crypto, struct ponto_bytes key, const uint8_t *iv, struct ponto_bytes in, bool seal,
	       uint8_t *out)
{
	size_t key_len;
	const EVP_CIPHER *how = cipher(crypto, &key_len);
	EVP_CIPHER_CTX *ctx;
	int len = 0, rest = 0, result = PONTO_OK;

	if (!how || key.len < key_len || in.len > INT_MAX - 16)
		return PONTO_EINVAL;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		return PONTO_ENOMEM;
	if (EVP_CipherInit_ex(ctx, how, NULL, key.data, iv, seal) != 1 || EVP_CIPHER_CTX_set_padding(ctx, seal) != 1 ||
	    EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) != 1 ||
	    EVP_CipherFinal_ex(ctx, out + len, &rest) != 1)
		result = PONTO_ENOMEM;
	EVP_CIPHER_CTX_free(ctx);
	return result;
}

int dist_seal(enum content_crypto crypto, const uint8_t kp[CONTENT_HASH_MAX], const uint8_t iv[CONTENT_IV],
	      struct ponto_bytes plain, uint8_t *out)
{
	return run(crypto, ponto_bytes(kp, CONTENT_HASH_MAX), iv, plain, true, out);
}

int dist_unseal(enum content_crypto crypto, struct ponto_bytes key, const uint8_t iv[CONTENT_IV],
		struct ponto_bytes sealed, uint8_t *out)
{
	if (sealed.len == 0 || sealed.len % 16 != 0)
		return PONTO_EPROTO;
	return run(crypto, key, iv, sealed, false, out);
}
