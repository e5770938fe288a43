/* Vectors: FIPS 180-4, NIST "Examples with Intermediate Values" and the million a's; SipHash-2-4: Aumasson and
 * Bernstein 2012, appendix A, and the reference implementation's vectors_sip64. */
#include "framework/digest.h"
#include "tests/support/test.h"

typedef void digest_fn(const struct ponto_bytes *parts, size_t count, uint8_t *out);

struct vector {
	digest_fn *digest;
	size_t size;
	const char *empty, *abc, *alphabet, *million;
};

#define ALPHABET "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"

static const struct vector vectors[] = {
	{ponto_sha1, PONTO_SHA1_SIZE, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
	 "a9993e364706816aba3e25717850c26c9cd0d89d", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
	 "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
	{ponto_sha256, PONTO_SHA256_SIZE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	{ponto_sha384, PONTO_SHA384_SIZE,
	 "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
	 "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
	 "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6b0455a8520bc4e6f5fe95b1fe3c8452b",
	 "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985"},
	{ponto_sha512, PONTO_SHA512_SIZE,
	 "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	 "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	 "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	 "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	 "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
	 "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445",
	 "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
	 "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"},
};

static void check(const struct vector *v, const void *data, size_t len, const char *expected)
{
	struct ponto_bytes whole = ponto_bytes(data, len);
	uint8_t out[PONTO_SHA512_SIZE];
	char text[2 * PONTO_SHA512_SIZE + 1];

	v->digest(&whole, 1, out);
	ponto_hex(ponto_bytes(out, v->size), text);
	assert_string_equal(text, expected);
}

static void published_digests(void **state)
{
	char *million = malloc(1000000);

	(void)state;
	assert_non_null(million);
	memset(million, 'a', 1000000);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(vectors); i++) {
		check(&vectors[i], NULL, 0, vectors[i].empty);
		check(&vectors[i], "abc", 3, vectors[i].abc);
		check(&vectors[i], ALPHABET, strlen(ALPHABET), vectors[i].alphabet);
		check(&vectors[i], million, 1000000, vectors[i].million);
	}
	free(million);
}

static void parts_are_hashed_as_their_concatenation(void **state)
{
	struct ponto_test_random tr;
	uint8_t data[700], whole[PONTO_SHA512_SIZE], parted[PONTO_SHA512_SIZE];

	(void)state;
	ponto_test_random_init(&tr, 4);
	tr.random.fill(tr.random.ctx, data, sizeof(data));
	for (int n = 0; n < 2000; n++) {
		const struct vector *v = &vectors[n % 4];
		size_t len = ponto_random_below(&tr.random, sizeof(data) + 1);
		size_t a = ponto_random_below(&tr.random, len + 1), b = a + ponto_random_below(&tr.random, len - a + 1);
		struct ponto_bytes one = ponto_bytes(data, len);
		struct ponto_bytes three[] = {ponto_bytes(data, a), ponto_bytes(data + a, b - a), ponto_bytes(data + b, len - b)};

		v->digest(&one, 1, whole);
		v->digest(three, 3, parted);
		assert_memory_equal(whole, parted, v->size);
	}
	ponto_sha1(NULL, 0, whole);
	assert_memory_equal(whole, "\xda\x39\xa3\xee", 4);
}

static void siphash_of_the_paper(void **state)
{
	/* key 00..0f, message 00..(n-1): n from 0, as the eight bytes of the result, little end first */
	static const char *const expected[] = {
		"310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785", "b7877127e09427cf",
		"8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab", "6224939a79f5f593", "b0e4a90bdf82009e",
		"f3b9dd94c5bb5d7a", "a7ad6b22462fb3f4", "fbe50e86bc8f1e75", "903d84c02756ea14", "eef27a8e90ca23f7",
		"e545be4961ca29a1", "db9bc2577fcc2a3f",
	};
	uint8_t key[16], message[64];

	(void)state;
	for (uint8_t i = 0; i < 64; i++) {
		message[i] = i;
		key[i % 16] = i % 16;
	}
	assert_true(ponto_siphash(key, ponto_bytes(message, 15)) == UINT64_C(0xa129ca6149be45e5)); /* appendix A */
	for (size_t n = 0; n < PONTO_ARRAY_SIZE(expected); n++) {
		uint64_t hash = ponto_siphash(key, ponto_bytes(message, n));
		uint8_t bytes[8];
		char text[17];

		for (int i = 0; i < 8; i++)
			bytes[i] = (uint8_t)(hash >> (8 * i));
		ponto_hex(ponto_bytes(bytes, 8), text);
		assert_string_equal(text, expected[n]);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(published_digests),
	cmocka_unit_test(parts_are_hashed_as_their_concatenation),
	cmocka_unit_test(siphash_of_the_paper),
};

PONTO_TEST_MAIN(tests)
