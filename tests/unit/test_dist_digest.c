/* Hashes of several pieces at once: every way that this processor has gives what OpenSSL makes of each piece alone. */
#include "plugins/service-dist/dist_digest.h"
#include "tests/unit/content_test.h"

#define COUNT_MAX 9 /* two rounds of the widest way, and one piece more */

static const enum content_algo algos[] = {CONTENT_SHA256, CONTENT_SHA384, CONTENT_SHA512, CONTENT_TRUNCATED};

static void compare(const struct dist_sha *way, enum content_algo algo, const struct ponto_bytes *pieces, size_t count)
{
	uint8_t out[COUNT_MAX + 1][CONTENT_HASH_MAX], expected[CONTENT_HASH_MAX];
	static const uint8_t zero[CONTENT_HASH_MAX];
	size_t size = content_hash_size(algo);

	memset(out, 0xa5, sizeof(out));
	dist_digests(way, algo, pieces, count, out);
	for (size_t i = 0; i < count; i++) {
		openssl_hash(algo, pieces[i], expected);
		assert_memory_equal(out[i], expected, size);
		assert_memory_equal(out[i] + size, zero, sizeof(zero) - size);
	}
	memset(expected, 0xa5, sizeof(expected));
	assert_memory_equal(out[count], expected, sizeof(expected));
}

/* By each way, and by none. */
static void compare_all(const struct ponto_bytes *pieces, size_t count)
{
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(algos); i++) {
		const struct dist_sha *way;
		unsigned index = 0;

		do {
			way = dist_sha(algos[i], index++);
			compare(way, algos[i], pieces, count);
		} while (way);
	}
}

/* Around both functions' blocks and their padding, side by side with the empty message and much longer ones; wherever
 * they begin in memory. */
static void every_length(void **state)
{
	struct blob data = pattern(8192);

	(void)state;
	for (size_t len = 0; len <= 600; len++) {
		struct ponto_bytes pieces[] = {
			ponto_bytes(data.data + len % 64, len), ponto_bytes(data.data + 1, 0),
			ponto_bytes(data.data + 3, 600 - len),	ponto_bytes(data.data + 5, 4096 + len),
			ponto_bytes(data.data + 7, len),
		};

		compare_all(pieces, PONTO_ARRAY_SIZE(pieces));
	}
	free(data.data);
}

/* None, fewer than go side by side, more: blocks of version 1.0, the last one short. */
static void every_count(void **state)
{
	struct blob data = pattern(COUNT_MAX * CONTENT_BLOCK);

	(void)state;
	for (size_t count = 0; count <= COUNT_MAX; count++) {
		struct ponto_bytes pieces[COUNT_MAX];

		for (size_t i = 0; i < count; i++)
			pieces[i] = ponto_bytes(data.data + i * CONTENT_BLOCK,
						i + 1 < count ? CONTENT_BLOCK : CONTENT_BLOCK - 12345);
		compare_all(pieces, count);
	}
	free(data.data);
}

/* Segments of version 2.0: of any length between the least and the most, so that each ends at another time. */
static void segments(void **state)
{
	struct blob data = pattern(COUNT_MAX * CONTENT_SEGMENT_V2_MAX);
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 1);
	for (unsigned turn = 0; turn < 20; turn++) {
		struct ponto_bytes pieces[COUNT_MAX];
		size_t at = 0;

		for (size_t i = 0; i < COUNT_MAX; i++) {
			uint32_t more;

			tr.random.fill(tr.random.ctx, (uint8_t *)&more, sizeof(more));
			pieces[i] = ponto_bytes(data.data + at,
						CONTENT_SEGMENT_V2_MIN +
							more % (CONTENT_SEGMENT_V2_MAX - CONTENT_SEGMENT_V2_MIN + 1));
			at += pieces[i].len;
		}
		compare_all(pieces, COUNT_MAX);
	}
	free(data.data);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_length),
	cmocka_unit_test(every_count),
	cmocka_unit_test(segments),
};

PONTO_TEST_MAIN(tests)
