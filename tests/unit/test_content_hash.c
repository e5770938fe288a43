/* Keys, names and the secret key's file: [MS-PCCRC] 2.2, 2.5. Expected values were computed with the formulas that
 * reproduce Content Information of a Windows server; HMAC is computed again by OpenSSL. */
#include "engines/content/content_secret.h"
#include "tests/unit/content_test.h"

#include <openssl/hmac.h>

#define HOD_1 "d36449396b598ea10758414633f27b561b8d3a25dcf5ff508e57aa573ba7cefd"
#define KP_1 "37298ec9c5d8b88e269df0925d966658859ba4e362d00920092da64204fc3d7e"
#define ID_1 "784cc201a04478136df716598cc6c8608047bd0536a84738120a115927e6ac31"

static struct ponto_bytes secret_key(void)
{
	return ponto_bytes(SECRET_KEY, strlen(SECRET_KEY));
}

static void expect_keys(enum content_algo algo, const char *hod_hex, const char *ks_hex, const char *kp_hex,
			const char *id_hex)
{
	uint8_t hod[CONTENT_HASH_MAX] = {0}, ks[CONTENT_HASH_MAX], kp[CONTENT_HASH_MAX];
	struct blob given = blob_hex(hod_hex);
	struct content_id id;
	size_t size = content_hash_size(algo);

	assert_int_equal(given.len, size);
	memcpy(hod, given.data, size);
	content_server_secret(algo, secret_key(), ks);
	assert_hex(ks, size, ks_hex);
	content_segment_secret(algo, ks, hod, kp);
	assert_hex(kp, size, kp_hex);
	content_segment_id(algo, kp, hod, &id);
	assert_hex(id.b, id.len, id_hex);
	free(given.data);
}

static void sha256_keys(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-018", "DIST-055", "DIST-083", "DIST-020");
	expect_keys(CONTENT_SHA256, HOD_1, "5ae6569b5de55b1cb15d1d893b3ffdeafc9b1c00aab131844c36730d6d2fa091", KP_1,
		    ID_1);
}

static void longer_hashes(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-014");
	expect_keys(CONTENT_SHA384,
		    "792ef307a45913a179f2735c0f60059172994acc6307ed0b2a34efb5563ca8cd5aba79eb6dbe6d2a8064c73cf1beb157",
		    "3aaa55353d10d0a0c013d4ebe46fbd89d34bd7a926849aa52432aa20f2426da08252436445ecebcc7bbaf46d7c5c361b",
		    "18bb9afc5e19ec29c17d9617612ade1233d87ff94b408cede51b2e339f6c64cfea8be615157d60dc1f2224bd88c809ae",
		    "77abcf3530ab7f91d1a7d84d9aa34f1cc544ce1da5bc82481aa3bfa1c66035dd86cd2c1a6b6a88001a3607799fb9d2ee");
	expect_keys(CONTENT_SHA512,
		    "de32a37aac1991e3d28d1ea3ca0d3959f2a328bb8cd82e1eac2ed08c662895fc2716eedda3ab517d4e0116be8de366b91e"
		    "81ddee"
		    "4951178200e8e862fc651aff",
		    "de5336e19c45891368f48e9dd5d7642a828c4fbd83e1c9fecf0eb80542b0c33d56c31ca10b24d3442d497516e6629e1d4a"
		    "2e85e5"
		    "cd272ad9ae5898bd2a35b5b9",
		    "77ea89a823c8b4737e259986232605f9bb0927efd0c7ce36e9514730dc0e3cad5a6621258327b14478175113b6d7b1e04b"
		    "2796e3"
		    "e861591179443abf1b19e759",
		    "53ea64197ae3ac15179699f559adc92452584c1ef7f61b3d93b734cd842e41f4a8d570c5196fbb73906c35dc5b12d1b765"
		    "fbdf8d"
		    "4fc948d5673ab4ade7424282");
}

/* Truncated are the results of the hash and of the whole HMAC; the secret under each function is another. */
static void truncated_keys(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-029", "DIST-066", "DIST-084", "DIST-028");
	expect_keys(CONTENT_TRUNCATED, "db3446f4d2796f24da89b0e578546a8dc2ac64f037b5985d9e4ac45c8916432e",
		    "de5336e19c45891368f48e9dd5d7642a828c4fbd83e1c9fecf0eb80542b0c33d",
		    "a3991a4877e99048bdaa31b97d410d9ee4acd33934973a61282be2d19c739e67",
		    "7627f80935abdb14b48c9214806a1ddc8a3908e5fe99228acab2e57a2b837435");
	expect_keys(CONTENT_TRUNCATED, "6683254687276eee20315a876cb928e082bb8fe5adbc3a9142b9530344622363",
		    "de5336e19c45891368f48e9dd5d7642a828c4fbd83e1c9fecf0eb80542b0c33d",
		    "208f9262cf412a0e3c6a85fd7622164ae10b8e6e1d76484ec78f2ea1693e9bf6",
		    "0b6521583e5932bdc8506e31bdd36c6a17a8f94496e8bd367110632f27169be7");
}

static void hmac_as_openssl(void **state)
{
	struct ponto_test_random tr;
	uint8_t key[64], text[300], mine[CONTENT_HASH_MAX], theirs[64];

	(void)state;
	ponto_test_random_init(&tr, 5);
	for (unsigned round = 0; round < 400; round++) {
		enum content_algo algo = 1 + round % 4;
		const EVP_MD *md = algo == CONTENT_SHA256   ? EVP_sha256()
				   : algo == CONTENT_SHA384 ? EVP_sha384()
							    : EVP_sha512();
		size_t key_len = ponto_random_below(&tr.random, sizeof(key) + 1);
		size_t len = ponto_random_below(&tr.random, sizeof(text) + 1);
		size_t half = ponto_random_below(&tr.random, len + 1);

		tr.random.fill(tr.random.ctx, key, sizeof(key));
		tr.random.fill(tr.random.ctx, text, sizeof(text));
		content_hmac(algo, ponto_bytes(key, key_len), ponto_bytes(text, half),
			     ponto_bytes(text + half, len - half), mine);
		assert_non_null(HMAC(md, key, (int)key_len, text, len, theirs, NULL));
		assert_memory_equal(mine, theirs, content_hash_size(algo));
	}
}

static void only_known_functions(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-013");
	for (unsigned algo = 0; algo < 300; algo++)
		assert_int_equal(content_algo_known(algo), algo >= 1 && algo <= 4);
	assert_int_equal(content_hash_size(CONTENT_SHA256), 32);
	assert_int_equal(content_hash_size(CONTENT_SHA384), 48);
	assert_int_equal(content_hash_size(CONTENT_SHA512), 64);
	assert_int_equal(content_hash_size(CONTENT_TRUNCATED), 32);
}

static void ids_of_any_length(void **state)
{
	struct content_id a, b, before;
	uint8_t bytes[65] = {1, 2, 3};

	(void)state;
	memset(&a, 0xff, sizeof(a));
	memset(&b, 0x00, sizeof(b));
	assert_ok(content_id_set(ponto_bytes(bytes, 33), &a));
	assert_ok(content_id_set(ponto_bytes(bytes, 33), &b));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(content_id_equal(&a, &b));
	assert_ok(content_id_set(ponto_bytes(bytes, 32), &b));
	assert_false(content_id_equal(&a, &b));
	before = a;
	assert_int_equal(content_id_set(ponto_bytes(bytes, 0), &a), PONTO_EPROTO);
	assert_int_equal(content_id_set(ponto_bytes(bytes, 65), &a), PONTO_EPROTO);
	assert_memory_equal(&a, &before, sizeof(a));
}

/* ---- the file ----------------------------------------------------------------------- */

static void key_file(void **state)
{
	static const uint8_t zero[16];
	uint8_t key[32], plain[CONTENT_SECRET_PLAIN_MAX];
	struct ponto_bytes back;
	struct blob file, opened;
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-085", "DIST-087", "DIST-088", "DIST-089");
	assert_ok(content_secret_file_key("somepassword", key));
	assert_hex(key, 32, "e6ec71434b9e44a2a36afb0f5fa7406d41244093a64f51a4e8ea1f8db2dae6f8");
	assert_ok(content_secret_wrap(secret_key(), plain, &len));
	assert_int_equal(len, 48);
	assert_hex(plain, 47,
		   "5ae6569b5de55b1cb15d1d893b3ffdeafc9b1c00aab131844c36730d6d2fa091 6e6f206d6f72652073656372657473");
	/* The cipher's own padding would say the same. */
	file = openssl_encrypt(ponto_bytes(key, 32), zero, ponto_bytes(plain, 47));
	assert_hex(file.data, file.len,
		   "9c053b3322cbb68b64fa2fff85eb2dc8e1991fbfc6ac309f6035a5d3a1c72496"
		   "2114ec7de76b9e9b7d35e1055b5d0bf1");
	opened = openssl_decrypt(ponto_bytes(key, 32), zero, bytes_of(&file));
	assert_int_equal(opened.len, len);
	assert_memory_equal(opened.data, plain, len);
	assert_ok(content_secret_unwrap(bytes_of(&opened), &back));
	assert_true(ponto_bytes_equal(back, secret_key()));
	free(file.data);
	free(opened.data);
}

static void export_needs_a_passphrase(void **state)
{
	char text[CONTENT_PASSPHRASE_MAX + 2];
	uint8_t key[32], plain[CONTENT_SECRET_PLAIN_MAX], long_key[CONTENT_SECRET_MAX + 1] = {0};
	size_t len = 7;

	(void)state;
	PONTO_PROVES("DIST-086");
	assert_int_equal(content_secret_file_key("", key), PONTO_EINVAL);
	assert_int_equal(content_secret_file_key("no\xffgood", key), PONTO_EINVAL);
	memset(text, 'x', sizeof(text));
	text[CONTENT_PASSPHRASE_MAX + 1] = 0;
	assert_int_equal(content_secret_file_key(text, key), PONTO_EINVAL);
	text[CONTENT_PASSPHRASE_MAX] = 0;
	assert_ok(content_secret_file_key(text, key));
	assert_int_equal(content_secret_wrap(ponto_bytes(NULL, 0), plain, &len), PONTO_EINVAL);
	assert_int_equal(content_secret_wrap(ponto_bytes(long_key, sizeof(long_key)), plain, &len), PONTO_EINVAL);
	assert_int_equal(len, 7);
}

static void damaged_files(void **state)
{
	uint8_t plain[CONTENT_SECRET_PLAIN_MAX];
	struct ponto_bytes out = {NULL, 99};
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-090");
	assert_ok(content_secret_wrap(secret_key(), plain, &len));
	for (size_t i = 0; i < len; i++) {
		plain[i] ^= 1;
		assert_int_equal(content_secret_unwrap(ponto_bytes(plain, len), &out), PONTO_EAUTH);
		plain[i] ^= 1;
	}
	for (size_t n = 0; n < len; n++)
		assert_int_equal(content_secret_unwrap(ponto_bytes(plain, n), &out), PONTO_EAUTH);
	/* Padding that would leave nothing of the key. */
	memset(plain + 32, 16, 16);
	assert_int_equal(content_secret_unwrap(ponto_bytes(plain, 48), &out), PONTO_EAUTH);
	plain[47] = 17;
	assert_int_equal(content_secret_unwrap(ponto_bytes(plain, 48), &out), PONTO_EAUTH);
	assert_null(out.data);
	assert_int_equal(out.len, 99);
}

static void keys_of_every_length(void **state)
{
	static const uint8_t iv[16];
	uint8_t plain[CONTENT_SECRET_PLAIN_MAX], key[32] = {9}, secret[CONTENT_SECRET_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(i * 7);
	for (size_t n = 1; n <= sizeof(secret); n++) {
		struct ponto_bytes back;
		struct blob file, opened;
		size_t len;

		assert_ok(content_secret_wrap(ponto_bytes(secret, n), plain, &len));
		file = openssl_encrypt(ponto_bytes(key, 32), iv, ponto_bytes(plain, 32 + n));
		assert_int_equal(file.len, len);
		opened = openssl_decrypt(ponto_bytes(key, 32), iv, bytes_of(&file));
		assert_ok(content_secret_unwrap(bytes_of(&opened), &back));
		assert_true(ponto_bytes_equal(back, ponto_bytes(secret, n)));
		free(file.data);
		free(opened.data);
	}
}

static void secrets_set_as_text(void **state)
{
	uint8_t wide[64], ks[CONTENT_HASH_MAX];
	size_t len;

	(void)state;
	assert_ok(content_utf16(SECRET_KEY, wide, sizeof(wide), &len));
	content_server_secret(CONTENT_SHA256, ponto_bytes(wide, len), ks);
	assert_hex(ks, 32, "252cee11757e72cdb14bb9943283b30dde4cdfeeb46adc51fd09c43a85edbfc5");
	content_server_secret(CONTENT_TRUNCATED, ponto_bytes(wide, len), ks);
	assert_hex(ks, 32, "d30eb02c9059ecc9bc63dc7570684ad34b78e22f2c1b7da6eb989203399c9065");
	assert_ok(content_utf16("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", wide, sizeof(wide), &len));
	assert_hex(wide, len, "e900 ac20 3dd8 00de");
	assert_int_equal(content_utf16("abc", wide, 5, &len), PONTO_ELIMIT);
}

static void not_utf8(void **state)
{
	static const char *const bad[] = {"\x80",
					  "\xc3",
					  "\xc3\x28",
					  "\xc0\xaf",
					  "\xe0\x80\xaf",
					  "\xed\xa0\x80",
					  "\xf4\x90\x80\x80",
					  "\xf8\x88\x80\x80\x80",
					  "\xf0\x80\x80\xaf",
					  "ok\xe2\x82 not"};
	uint8_t wide[64];
	size_t len = 3;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++)
		assert_int_equal(content_utf16(bad[i], wide, sizeof(wide), &len), PONTO_EINVAL);
	assert_int_equal(len, 3);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(sha256_keys),
	cmocka_unit_test(longer_hashes),
	cmocka_unit_test(truncated_keys),
	cmocka_unit_test(hmac_as_openssl),
	cmocka_unit_test(only_known_functions),
	cmocka_unit_test(ids_of_any_length),
	cmocka_unit_test(key_file),
	cmocka_unit_test(export_needs_a_passphrase),
	cmocka_unit_test(damaged_files),
	cmocka_unit_test(keys_of_every_length),
	cmocka_unit_test(secrets_set_as_text),
	cmocka_unit_test(not_utf8),
};

PONTO_TEST_MAIN(tests)
