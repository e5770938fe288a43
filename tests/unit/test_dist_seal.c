/* Blocks sealed side by side are what OpenSSL makes of each alone. */
#include "plugins/service-dist/dist_seal.h"
#include "tests/unit/content_test.h"

#define COUNT_MAX (2 * DIST_SEALED_TOGETHER + 1)

static const enum content_crypto ciphers[] = {CONTENT_AES_128, CONTENT_AES_192, CONTENT_AES_256};

/* Each with a key and an initialization vector of its own. */
static void compare(struct ponto_bytes data, const size_t *lengths, size_t count)
{
	uint8_t keys[COUNT_MAX][CONTENT_HASH_MAX];
	struct ponto_test_random tr;

	ponto_test_random_init(&tr, count);
	for (size_t c = 0; c < PONTO_ARRAY_SIZE(ciphers); c++) {
		struct dist_sealing blocks[COUNT_MAX] = {{.kp = NULL}};

		for (size_t i = 0; i < count; i++) {
			tr.random.fill(tr.random.ctx, keys[i], sizeof(keys[i]));
			tr.random.fill(tr.random.ctx, blocks[i].iv, CONTENT_IV);
			blocks[i].kp = keys[i];
			blocks[i].plain = ponto_bytes(data.data + i, lengths[i]);
			blocks[i].out = malloc(content_sealed_size(ciphers[c], lengths[i]));
			assert_non_null(blocks[i].out);
		}
		assert_ok(dist_seal_all(ciphers[c], blocks, count));
		for (size_t i = 0; i < count; i++) {
			struct blob sealed = openssl_encrypt(ponto_bytes(keys[i], content_key_size(ciphers[c])),
							     blocks[i].iv, blocks[i].plain);

			assert_int_equal(sealed.len, content_sealed_size(ciphers[c], lengths[i]));
			assert_memory_equal(blocks[i].out, sealed.data, sealed.len);
			free(sealed.data);
			free(blocks[i].out);
		}
	}
}

/* Around a cipher's block and nothing at all, beside longer ones. */
static void every_length(void **state)
{
	struct blob data = pattern(1024);

	(void)state;
	for (size_t len = 0; len <= 70; len++) {
		size_t lengths[] = {len, 64 + len, 71 - len, len};

		compare(bytes_of(&data), lengths, PONTO_ARRAY_SIZE(lengths));
	}
	free(data.data);
}

/* None, one, as many as go together, more; blocks of version 1.0 and segments of 2.0, of which some are short. */
static void every_count(void **state)
{
	struct blob data = pattern(CONTENT_SEGMENT_V2_MAX + COUNT_MAX);
	size_t blocks[COUNT_MAX], segments[COUNT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_MAX; i++) {
		blocks[i] = i % 7 == 6 ? 12345 : CONTENT_BLOCK;
		segments[i] = CONTENT_SEGMENT_V2_MAX - i * 4321;
	}
	for (size_t count = 0; count <= COUNT_MAX; count++) {
		compare(bytes_of(&data), blocks, count);
		compare(bytes_of(&data), segments, count);
	}
	free(data.data);
}

static void no_cipher(void **state)
{
	uint8_t key[CONTENT_HASH_MAX] = {0}, out[32];
	struct dist_sealing block = {.kp = key, .plain = ponto_bytes(key, 16), .out = out};

	(void)state;
	assert_int_equal(dist_seal_all(CONTENT_PLAIN, &block, 1), PONTO_EINVAL);
	assert_int_equal(dist_seal_all((enum content_crypto)4, &block, 1), PONTO_EINVAL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_length),
	cmocka_unit_test(every_count),
	cmocka_unit_test(no_cipher),
};

PONTO_TEST_MAIN(tests)
