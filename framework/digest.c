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

static inline uint64_t rotate(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static inline uint64_t load64(const uint8_t *p)
{
	return (uint64_t)p[7] << 56 | (uint64_t)p[6] << 48 | (uint64_t)p[5] << 40 | (uint64_t)p[4] << 32 |
	       (uint64_t)p[3] << 24 | (uint64_t)p[2] << 16 | (uint64_t)p[1] << 8 | (uint64_t)p[0];
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline struct sip sip_round(struct sip s)
{
	s.v0 += s.v1;
	s.v1 = rotate(s.v1, 13) ^ s.v0;
	s.v0 = rotate(s.v0, 32);
	s.v2 += s.v3;
	s.v3 = rotate(s.v3, 16) ^ s.v2;
	s.v0 += s.v3;
	s.v3 = rotate(s.v3, 21) ^ s.v0;
	s.v2 += s.v1;
	s.v1 = rotate(s.v1, 17) ^ s.v2;
	s.v2 = rotate(s.v2, 32);
	return s;
}

static inline struct sip sip_mix(struct sip s, uint64_t word)
{
	s.v3 ^= word;
	s = sip_round(sip_round(s));
	s.v0 ^= word;
	return s;
}

uint64_t ponto_siphash(const uint8_t key[16], struct ponto_bytes bytes)
{
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	struct sip s = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
			k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
	uint8_t last[8] = {0};
	size_t full = bytes.len & ~(size_t)7;

	for (size_t i = 0; i < full; i += 8)
		s = sip_mix(s, load64(bytes.data + i));
	if (bytes.len != full)
		memcpy(last, bytes.data + full, bytes.len - full);
	last[7] = (uint8_t)bytes.len;
	s = sip_mix(s, load64(last));
	s.v2 ^= 0xff;
	s = sip_round(sip_round(sip_round(sip_round(s))));
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
