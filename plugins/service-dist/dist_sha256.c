#include "plugins/service-dist/dist_sha.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define WIDTH 2 /* with more, states and schedules outnumber the registers */

/* 4.2.2 */
static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The instructions want the words a, b, e, f in one register and c, d, g, h in the other, the last one lowest. */
static inline __attribute__((always_inline, target("sha,sse4.1"))) void load_state(const void *state, __m128i *abef,
										   __m128i *cdgh)
{
	__m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(state), 0xb1);
	__m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state + 1), 0x1b);

	*abef = _mm_alignr_epi8(badc, hgfe, 8);
	*cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
}

static inline __attribute__((always_inline, target("sha,sse4.1"))) void store_state(void *state, __m128i abef,
										    __m128i cdgh)
{
	__m128i feba = _mm_shuffle_epi32(abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);

	_mm_storeu_si128(state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)state + 1, _mm_alignr_epi8(dchg, feba, 8));
}

/* W of the next four rounds, in place of that of sixteen rounds ago. */
static inline __attribute__((always_inline, target("sha,sse4.1"))) __m128i schedule(const __m128i w[4], unsigned i)
{
	__m128i last = w[(i + 3) % 4];
	__m128i sum =
		_mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]), _mm_alignr_epi8(last, w[(i + 2) % 4], 4));

	return _mm_sha256msg2_epu32(sum, last);
}

static __attribute__((target("sha,sse4.1"))) void sha_ni(void *const states[], const uint8_t *const data[],
							 size_t count)
{
	const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
	__m128i abef[WIDTH], cdgh[WIDTH];

	for (unsigned m = 0; m < WIDTH; m++)
		load_state(states[m], &abef[m], &cdgh[m]);
	for (size_t at = 0; at < count * 64; at += 64) {
		__m128i w[WIDTH][4], x[WIDTH] = {abef[0], abef[1]}, y[WIDTH] = {cdgh[0], cdgh[1]};

#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++) {
#pragma GCC unroll 2
			for (unsigned m = 0; m < WIDTH; m++) {
				const __m128i *in = (const void *)(data[m] + at + 16 * (i % 4));
				__m128i sum;

				w[m][i % 4] =
					i < 4 ? _mm_shuffle_epi8(_mm_loadu_si128(in), big_endian) : schedule(w[m], i);
				sum = _mm_add_epi32(w[m][i % 4], _mm_loadu_si128((const void *)(k + 4 * i)));
				y[m] = _mm_sha256rnds2_epu32(y[m], x[m], sum);
				x[m] = _mm_sha256rnds2_epu32(x[m], y[m], _mm_shuffle_epi32(sum, 0x0e));
			}
		}
		for (unsigned m = 0; m < WIDTH; m++) {
			abef[m] = _mm_add_epi32(abef[m], x[m]);
			cdgh[m] = _mm_add_epi32(cdgh[m], y[m]);
		}
	}
	for (unsigned m = 0; m < WIDTH; m++)
		store_state(states[m], abef[m], cdgh[m]);
}

const struct dist_sha *dist_sha256(unsigned index)
{
	static const struct dist_sha way = {"SHA-NI", WIDTH, 64, sha_ni};
	unsigned a, b, c, d;

	return index == 0 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA ? &way : NULL;
}
#else
const struct dist_sha *dist_sha256(unsigned index)
{
	(void)index;
	return NULL;
}
#endif
