#include "plugins/service-dist/dist_aes.h"

#include <assert.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define ROUNDS_MAX 14

struct schedule {
	__m128i keys[ROUNDS_MAX + 1];
};

/* FIPS 197, 5.2. The instruction gives SubWord of the second word of what it is given, rotated or not. */
static __attribute__((target("aes,sse4.1"))) void expand(const uint8_t *key, size_t len, struct schedule *out)
{
	uint32_t w[4 * (ROUNDS_MAX + 1)], rcon = 1;
	unsigned words = (unsigned)len / 4, all = 4 * (words + 7);

	memcpy(w, key, len);
	for (unsigned i = words; i < all; i++) {
		__m128i sub = _mm_aeskeygenassist_si128(_mm_set1_epi32((int)w[i - 1]), 0);
		uint32_t mixed = w[i - 1];

		if (i % words == 0) {
			mixed = (uint32_t)_mm_extract_epi32(sub, 1) ^ rcon;
			rcon = (rcon << 1) ^ (rcon >> 7) * 0x11b;
		} else if (words > 6 && i % words == 4) {
			mixed = (uint32_t)_mm_extract_epi32(sub, 0);
		}
		w[i] = w[i - words] ^ mixed;
	}
	memcpy(out->keys, w, all * sizeof(w[0]));
	ponto_wipe(w, sizeof(w));
}

static inline __attribute__((always_inline, target("aes,sse4.1"))) void encipher(const struct schedule *schedules,
										 unsigned rounds,
										 struct dist_aes_message *messages,
										 unsigned count, size_t len)
{
	__m128i x[DIST_AES_WIDTH];

	for (unsigned m = 0; m < count; m++)
		x[m] = _mm_loadu_si128((const void *)messages[m].chain);
	for (size_t at = 0; at < len; at += DIST_AES_BLOCK) {
#pragma GCC unroll 8
		for (unsigned m = 0; m < count; m++)
			x[m] = _mm_xor_si128(_mm_xor_si128(x[m], schedules[m].keys[0]),
					     _mm_loadu_si128((const void *)(messages[m].in + at)));
		for (unsigned r = 1; r < rounds; r++) {
#pragma GCC unroll 8
			for (unsigned m = 0; m < count; m++)
				x[m] = _mm_aesenc_si128(x[m], schedules[m].keys[r]);
		}
#pragma GCC unroll 8
		for (unsigned m = 0; m < count; m++) {
			x[m] = _mm_aesenclast_si128(x[m], schedules[m].keys[rounds]);
			_mm_storeu_si128((void *)(messages[m].out + at), x[m]);
		}
	}
	for (unsigned m = 0; m < count; m++) {
		_mm_storeu_si128((void *)messages[m].chain, x[m]);
		messages[m].in += len;
		messages[m].out += len;
	}
}

bool dist_aes(void)
{
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
}

/* The number has to be known when this is compiled, for the messages to stay in registers. */
#define SIDE_BY_SIDE(n)                                                                                                \
	case n:                                                                                                        \
		encipher(schedules, rounds, messages, n, len);                                                         \
		break

__attribute__((target("aes,sse4.1"))) void dist_aes_encipher(size_t key_len, struct dist_aes_message *messages,
							     unsigned count, size_t len)
{
	struct schedule schedules[DIST_AES_WIDTH];
	unsigned rounds = (unsigned)key_len / 4 + 6;

	assert(count <= DIST_AES_WIDTH && len % DIST_AES_BLOCK == 0);
	for (unsigned m = 0; m < count; m++)
		expand(messages[m].key, key_len, &schedules[m]);
	switch (count) {
		SIDE_BY_SIDE(1);
		SIDE_BY_SIDE(2);
		SIDE_BY_SIDE(3);
		SIDE_BY_SIDE(4);
		SIDE_BY_SIDE(5);
		SIDE_BY_SIDE(6);
		SIDE_BY_SIDE(7);
		SIDE_BY_SIDE(8);
	}
	ponto_wipe(schedules, sizeof(schedules));
}
#else
bool dist_aes(void)
{
	return false;
}

void dist_aes_encipher(size_t key_len, struct dist_aes_message *messages, unsigned count, size_t len)
{
	(void)key_len;
	(void)messages;
	(void)count;
	(void)len;
}
#endif
