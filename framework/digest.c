/* OpenSSL's block functions are called directly: they neither allocate nor fail,
 * which the one-shot EVP calls cannot promise, and no provider policy forbids
 * the SHA-1 that the protocols prescribe. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "framework/digest.h"

#include <openssl/sha.h>
#include <string.h>

void ponto_sha1(const struct ponto_bytes *parts, size_t count, uint8_t out[PONTO_SHA1_SIZE])
{
	SHA_CTX ctx;

	SHA1_Init(&ctx);
	for (size_t i = 0; i < count; i++)
		SHA1_Update(&ctx, parts[i].data, parts[i].len);
	SHA1_Final(out, &ctx);
}

void ponto_sha256(const struct ponto_bytes *parts, size_t count, uint8_t out[PONTO_SHA256_SIZE])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	for (size_t i = 0; i < count; i++)
		SHA256_Update(&ctx, parts[i].data, parts[i].len);
	SHA256_Final(out, &ctx);
}

void ponto_sha384(const struct ponto_bytes *parts, size_t count, uint8_t out[PONTO_SHA384_SIZE])
{
	SHA512_CTX ctx;

	SHA384_Init(&ctx);
	for (size_t i = 0; i < count; i++)
		SHA384_Update(&ctx, parts[i].data, parts[i].len);
	SHA384_Final(out, &ctx);
}

void ponto_sha512(const struct ponto_bytes *parts, size_t count, uint8_t out[PONTO_SHA512_SIZE])
{
	SHA512_CTX ctx;

	SHA512_Init(&ctx);
	for (size_t i = 0; i < count; i++)
		SHA512_Update(&ctx, parts[i].data, parts[i].len);
	SHA512_Final(out, &ctx);
}

/* ---- SipHash-2-4 (Aumasson and Bernstein, 2012) ------------------------------- */

static uint64_t rotate(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 8; i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_mix(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t ponto_siphash(const uint8_t key[16], struct ponto_bytes bytes)
{
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
			 k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
	uint8_t last[8] = {0};
	size_t full = bytes.len & ~(size_t)7;

	for (size_t i = 0; i < full; i += 8)
		sip_mix(v, load64(bytes.data + i));
	if (bytes.len != full)
		memcpy(last, bytes.data + full, bytes.len - full);
	last[7] = (uint8_t)bytes.len;
	sip_mix(v, load64(last));
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
