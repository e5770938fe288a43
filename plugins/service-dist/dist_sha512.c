#include "plugins/service-dist/dist_sha.h"

#include <string.h>
#include <openssl/sha.h>

#if defined(__x86_64__)
#define WIDTH 4 /* AVX-512 has room for eight: a quarter faster in full use, but pieces are few */

/* One word of each message. */
typedef uint64_t words __attribute__((vector_size(8 * WIDTH)));

/* 4.2.3 */
static const uint64_t k[80] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
	0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
	0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
	0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
	0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
	0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
	0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
	0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
	0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
	0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
	0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
	0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
	0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

#define ROTR(n, x) ((x) >> (n) | (x) << (64 - (n)))

/* 4.1.3 */
#define CH(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MAJ(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))
#define SUM0(x) (ROTR(28, x) ^ ROTR(34, x) ^ ROTR(39, x))
#define SUM1(x) (ROTR(14, x) ^ ROTR(18, x) ^ ROTR(41, x))
#define SIGMA0(x) (ROTR(1, x) ^ ROTR(8, x) ^ (x) >> 7)
#define SIGMA1(x) (ROTR(19, x) ^ ROTR(61, x) ^ (x) >> 6)

static inline __attribute__((always_inline)) uint64_t big_endian(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return __builtin_bswap64(word);
}

/* 6.4.2; the schedule is kept as its last sixteen words. */
static inline __attribute__((always_inline)) void rounds(words h[8], words w[16])
{
	words v[8];

	memcpy(v, h, sizeof(v));
	for (unsigned t = 0; t < 80; t += 16) {
#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++) {
			words one, two;

			if (t > 0)
				w[i] += SIGMA1(w[(i + 14) % 16]) + w[(i + 9) % 16] + SIGMA0(w[(i + 1) % 16]);
			one = v[7] + SUM1(v[4]) + CH(v[4], v[5], v[6]) + k[t + i] + w[i];
			two = SUM0(v[0]) + MAJ(v[0], v[1], v[2]);
			v[7] = v[6];
			v[6] = v[5];
			v[5] = v[4];
			v[4] = v[3] + one;
			v[3] = v[2];
			v[2] = v[1];
			v[1] = v[0];
			v[0] = one + two;
		}
	}
	for (unsigned i = 0; i < 8; i++)
		h[i] += v[i];
}

static inline __attribute__((always_inline)) void blocks(void *const states[], const uint8_t *const data[],
							 size_t count)
{
	SHA_LONG64 *const *state = (SHA_LONG64 *const *)states;
	words h[8], w[16];

	for (unsigned i = 0; i < 8; i++)
		h[i] = (words){state[0][i], state[1][i], state[2][i], state[3][i]};
	for (size_t at = 0; at < count * 128; at += 128) {
		for (unsigned i = 0; i < 16; i++)
			w[i] = (words){big_endian(data[0] + at + 8 * i), big_endian(data[1] + at + 8 * i),
				       big_endian(data[2] + at + 8 * i), big_endian(data[3] + at + 8 * i)};
		rounds(h, w);
	}
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned m = 0; m < WIDTH; m++)
			state[m][i] = h[i][m];
	}
}

static __attribute__((target("avx512vl"))) void avx512(void *const states[], const uint8_t *const data[], size_t count)
{
	blocks(states, data, count);
}

static __attribute__((target("avx2"))) void avx2(void *const states[], const uint8_t *const data[], size_t count)
{
	blocks(states, data, count);
}

const struct dist_sha *dist_sha512(unsigned index)
{
	static const struct dist_sha wide = {"AVX-512", WIDTH, 128, avx512}, narrow = {"AVX2", WIDTH, 128, avx2};

	if (__builtin_cpu_supports("avx512vl") && index-- == 0)
		return &wide;
	return __builtin_cpu_supports("avx2") && index == 0 ? &narrow : NULL;
}
#else
const struct dist_sha *dist_sha512(unsigned index)
{
	(void)index;
	return NULL;
}
#endif
