#include "plugins/service-dist/dist_seal.h"

#include <limits.h>
#include <string.h>
#include <openssl/evp.h>

#include "plugins/service-dist/dist_aes.h"

_Static_assert(DIST_SEALED_TOGETHER == DIST_AES_WIDTH, "what is given at once is enciphered at once");

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

bool dist_seals_together(void)
{
	return dist_aes();
}

/* At most DIST_AES_WIDTH; OpenSSL does what the shortest is shorter by, and the padding. */
static int seal_group(enum content_crypto crypto, const struct dist_sealing *blocks, unsigned count)
{
	struct dist_aes_message messages[DIST_AES_WIDTH];
	size_t len = SIZE_MAX;
	int result = PONTO_OK;

	for (unsigned i = 0; i < count; i++) {
		messages[i] = (struct dist_aes_message){
			.key = blocks[i].kp, .in = blocks[i].plain.data, .out = blocks[i].out};
		memcpy(messages[i].chain, blocks[i].iv, CONTENT_IV);
		len = blocks[i].plain.len < len ? blocks[i].plain.len : len;
	}
	len -= len % DIST_AES_BLOCK;
	dist_aes_encipher(content_key_size(crypto), messages, count, len);
	for (unsigned i = 0; i < count && result == PONTO_OK; i++)
		result = dist_seal(crypto, blocks[i].kp, messages[i].chain,
				   ponto_bytes(messages[i].in, blocks[i].plain.len - len), messages[i].out);
	return result;
}

int dist_seal_all(enum content_crypto crypto, const struct dist_sealing *blocks, size_t count)
{
	size_t width = dist_aes() ? DIST_AES_WIDTH : 1, key;
	int result = cipher(crypto, &key) ? PONTO_OK : PONTO_EINVAL;

	for (size_t i = 0; i < count && result == PONTO_OK; i += width) {
		size_t now = count - i < width ? count - i : width;

		result = now > 1 ? seal_group(crypto, blocks + i, (unsigned)now)
				 : dist_seal(crypto, blocks[i].kp, blocks[i].iv, blocks[i].plain, blocks[i].out);
	}
	return result;
}

int dist_unseal(enum content_crypto crypto, struct ponto_bytes key, const uint8_t iv[CONTENT_IV],
		struct ponto_bytes sealed, uint8_t *out)
{
	if (sealed.len == 0 || sealed.len % 16 != 0)
		return PONTO_EPROTO;
	return run(crypto, key, iv, sealed, false, out);
}
