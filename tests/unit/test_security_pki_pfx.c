/* security-pki: PKCS #12 of others, and PKCS #12 made to keep a worker busy. */
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "plugins/security-pki/pki_crypto.h"
#include "tests/conform/security_suite.h"

extern const struct ponto_plugin security_pki_LTX_ponto_plugin;

#define PKI (&security_pki_LTX_ponto_plugin)
#define ALICE 1000u
#define PASSWORD                                                                                                       \
	"s\xc3\xa9"                                                                                                    \
	"cret"
#define LONG_TIME INT32_MAX /* rounds: half an hour */

static const char *const quick[] = {"iterations=1000", NULL};

/* ---- a key, a certificate, and bags of them ------------------------------------------------------- */

struct world {
	struct security_fixture *f;
	struct pki_crypto crypto;
	EVP_PKEY *key;
	X509 *x;
	char name[128]; /* of the peer */
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct ponto_identity me;

	assert_non_null(w);
	w->f = security_fixture_new(PKI, false, quick);
	assert_ok(pki_crypto_init(&w->crypto));
	assert_ok(pki_key_generate(&w->crypto, PONTO_PROFILE_WINDOWS, &w->key));
	assert_ok(pki_key_describe(PONTO_PROFILE_WINDOWS, w->key, &me));
	snprintf(w->name, sizeof(w->name), "%s.work", me.id);
	w->x = X509_new();
	assert_int_equal(X509_set_pubkey(w->x, w->key), 1);
	X509_gmtime_adj(X509_getm_notBefore(w->x), 0);
	X509_gmtime_adj(X509_getm_notAfter(w->x), 3600);
	assert_true(X509_sign(w->x, w->key, EVP_sha1()) > 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	X509_free(w->x);
	EVP_PKEY_free(w->key);
	pki_crypto_fini(&w->crypto);
	security_fixture_free(w->f);
	free(w);
	return 0;
}

static STACK_OF(PKCS12_SAFEBAG) * certificate_bag(struct world *w)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	PKCS12_SAFEBAG *bag = PKCS12_add_cert(&bags, w->x);

	assert_non_null(bag);
	assert_int_equal(PKCS12_add_friendlyname_utf8(bag, "ich \xe2\x82\xac", -1), 1);
	return bags;
}

static X509_ALGOR *pbes2(const EVP_CIPHER *cipher, int rounds, int prf)
{
	uint8_t salt[16] = {1}, iv[16] = {2};

	return PKCS5_pbe2_set_iv(cipher, rounds, salt, sizeof(salt), iv, prf);
}

/* takes algorithm */
static PKCS12_SAFEBAG *key_bag(struct world *w, X509_ALGOR *algorithm)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(w->key);
	X509_SIG *sealed = PKCS8_set0_pbe(PASSWORD, -1, info, algorithm);
	PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create0_pkcs8(sealed);

	assert_non_null(bag);
	PKCS8_PRIV_KEY_INFO_free(info);
	return bag;
}

/* The same with a number of rounds that nobody has worked off. */
static PKCS12_SAFEBAG *key_bag_of(struct world *w, int claimed)
{
	PKCS12_SAFEBAG *bag = key_bag(w, pbes2(EVP_aes_256_cbc(), 1, NID_hmacWithSHA256));
	X509_ALGOR *wanted = pbes2(EVP_aes_256_cbc(), claimed, NID_hmacWithSHA256), *algorithm;

	X509_SIG_getm((X509_SIG *)(uintptr_t)PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
	assert_int_equal(X509_ALGOR_copy(algorithm, wanted), 1);
	X509_ALGOR_free(wanted);
	return bag;
}

static void push(STACK_OF(PKCS12_SAFEBAG) * *bags, PKCS12_SAFEBAG *bag)
{
	if (!*bags)
		*bags = sk_PKCS12_SAFEBAG_new_null();
	assert_true(sk_PKCS12_SAFEBAG_push(*bags, bag) > 0);
}

/* takes bags. method: how the safe is encrypted, -1 not at all */
static void add_safe(STACK_OF(PKCS7) * *safes, STACK_OF(PKCS12_SAFEBAG) * bags, int method)
{
	assert_int_equal(PKCS12_add_safe(safes, bags, method, 1000, PASSWORD), 1);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

/* takes safes */
static size_t write_pfx(STACK_OF(PKCS7) * safes, const EVP_MD *md, uint8_t **der)
{
	PKCS12 *p12 = PKCS12_add_safes(safes, 0);
	int len;

	assert_non_null(p12);
	assert_int_equal(PKCS12_set_mac(p12, PASSWORD, -1, NULL, 0, 1000, md), 1);
	*der = NULL;
	len = i2d_PKCS12(p12, der);
	assert_true(len > 0);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
	return (size_t)len;
}

static int import(struct world *w, const uint8_t *der, size_t len, const char *password, struct ponto_identity *out)
{
	return ponto_identity_import_pfx(w->f->security, ALICE, w->name, ponto_bytes(der, len), password, out);
}

/* takes safes; what it is told must not change anything */
static void refused(struct world *w, STACK_OF(PKCS7) * safes)
{
	struct ponto_identity out;
	uint8_t *der;
	size_t len = write_pfx(safes, EVP_sha256(), &der);

	assert_int_equal(import(w, der, len, PASSWORD, &out), PONTO_EPROTO);
	assert_int_equal(security_list(w->f, ALICE, NULL, 0), 0);
	OPENSSL_free(der);
}

/* ---- what is read ----------------------------------------------------------------------------------- */

/* RFC 8018's schemes as Windows and OpenSSL write them, and those of RFC 7292. */
static void every_usual_scheme(void **state)
{
	struct world *w = *state;
	const struct {
		const EVP_CIPHER *cipher; /* NULL: prf is a scheme of RFC 7292 */
		int prf, safe;
		const EVP_MD *mac;
	} schemes[] = {
		{EVP_aes_256_cbc(), NID_hmacWithSHA256, NID_aes_256_cbc, EVP_sha256()},
		{EVP_aes_128_cbc(), NID_hmacWithSHA1, NID_aes_128_cbc, EVP_sha1()},
		{EVP_aes_192_cbc(), NID_hmacWithSHA384, NID_aes_192_cbc, EVP_sha384()},
		{EVP_aes_256_cbc(), NID_hmacWithSHA512, -1, EVP_sha512()},
		{EVP_des_ede3_cbc(), NID_hmacWithSHA1, NID_des_ede3_cbc, EVP_sha1()},
		{NULL, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, EVP_sha1()},
		{NULL, NID_pbe_WithSHA1And2_Key_TripleDES_CBC, NID_aes_256_cbc, EVP_sha256()},
	};

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(schemes); i++) {
		STACK_OF(PKCS12_SAFEBAG) *keys = NULL;
		STACK_OF(PKCS7) *safes = NULL;
		struct ponto_identity out;
		uint8_t *der;
		size_t len;

		push(&keys, key_bag(w, schemes[i].cipher ? pbes2(schemes[i].cipher, 2000, schemes[i].prf)
							 : PKCS5_pbe_set(schemes[i].prf, 2000, NULL, 0)));
		add_safe(&safes, certificate_bag(w), schemes[i].safe);
		add_safe(&safes, keys, -1);
		len = write_pfx(safes, schemes[i].mac, &der);
		assert_int_equal(import(w, der, len, "another", &out), PONTO_EAUTH);
		assert_ok(import(w, der, len, PASSWORD, &out));
		assert_string_equal(out.name, "ich \xe2\x82\xac");
		assert_memory_equal(out.id, w->name, PONTO_IDENTITY_ID - 1);
		assert_ok(ponto_identity_remove(w->f->security, ALICE, out.id));
		OPENSSL_free(der);
	}
}

/* No bit of it counts for nothing. */
static void damage_changes_nothing(void **state)
{
	STACK_OF(PKCS12_SAFEBAG) *keys = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	struct world *w = *state;
	struct ponto_identity out;
	uint8_t *der;
	size_t len;

	push(&keys, key_bag(w, pbes2(EVP_aes_256_cbc(), 1000, NID_hmacWithSHA256)));
	add_safe(&safes, certificate_bag(w), NID_aes_256_cbc);
	add_safe(&safes, keys, -1);
	len = write_pfx(safes, EVP_sha256(), &der);
	for (size_t i = 0; i < len; i++) {
		int result;

		der[i] ^= (uint8_t)(1 << i % 8);
		result = import(w, der, len, PASSWORD, &out);
		if (result != PONTO_EPROTO && result != PONTO_EAUTH)
			fail_msg("byte %zu is not missed: %d", i, result);
		der[i] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(import(w, der, i, PASSWORD, &out), PONTO_EPROTO);
	}
	assert_int_equal(security_list(w->f, ALICE, NULL, 0), 0);
	assert_ok(import(w, der, len, PASSWORD, &out));
	OPENSSL_free(der);
}

/* ---- what would take hours ----------------------------------------------------------------------------- */

static void one_bag_that_takes_hours(void **state)
{
	STACK_OF(PKCS12_SAFEBAG) *keys = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	struct world *w = *state;

	push(&keys, key_bag_of(w, LONG_TIME));
	add_safe(&safes, keys, -1);
	refused(w, safes);
}

/* Where nobody sees it before the password has been used. */
static void one_bag_in_an_encrypted_safe(void **state)
{
	STACK_OF(PKCS12_SAFEBAG) *keys = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	struct world *w = *state;

	push(&keys, key_bag_of(w, LONG_TIME));
	add_safe(&safes, keys, NID_aes_256_cbc);
	refused(w, safes);
}

/* None too much, but all of them together: the rounds are those of the whole file. */
static void many_safes(void **state)
{
	STACK_OF(PKCS7) *safes = NULL;
	struct world *w = *state;

	for (int i = 0; i < 12; i++) {
		X509_ALGOR *wanted = pbes2(EVP_aes_256_cbc(), 999999 + 1, NID_hmacWithSHA256), *algorithm;

		add_safe(&safes, certificate_bag(w), NID_aes_256_cbc);
		algorithm = sk_PKCS7_value(safes, i)->d.encrypted->enc_data->algorithm;
		if (i > 0) /* the first one is good, the others would fail only after their rounds */
			assert_int_equal(X509_ALGOR_copy(algorithm, wanted), 1);
		X509_ALGOR_free(wanted);
	}
	refused(w, safes);
}

static void a_check_that_takes_hours(void **state)
{
	STACK_OF(PKCS12_SAFEBAG) *keys = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	struct world *w = *state;
	struct ponto_identity out;
	const ASN1_INTEGER *iter;
	PKCS12 *p12;
	uint8_t *der = NULL;
	int len;

	push(&keys, key_bag(w, pbes2(EVP_aes_256_cbc(), 1000, NID_hmacWithSHA256)));
	add_safe(&safes, keys, -1);
	p12 = PKCS12_add_safes(safes, 0);
	assert_int_equal(PKCS12_set_mac(p12, PASSWORD, -1, NULL, 0, 1000, EVP_sha256()), 1);
	PKCS12_get0_mac(NULL, NULL, NULL, &iter, p12);
	assert_int_equal(ASN1_INTEGER_set((ASN1_INTEGER *)(uintptr_t)iter, LONG_TIME), 1);
	len = i2d_PKCS12(p12, &der);
	assert_int_equal(import(w, der, (size_t)len, PASSWORD, &out), PONTO_EPROTO);
	OPENSSL_free(der);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
}

/* Memory instead of time. */
static void scrypt_is_refused(void **state)
{
	STACK_OF(PKCS12_SAFEBAG) *keys = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	struct world *w = *state;

	push(&keys, key_bag(w, PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, 2, 8, 1)));
	add_safe(&safes, keys, -1);
	refused(w, safes);
}

static void without_a_key(void **state)
{
	STACK_OF(PKCS7) *safes = NULL;
	struct world *w = *state;

	add_safe(&safes, certificate_bag(w), NID_aes_256_cbc);
	refused(w, safes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_usual_scheme, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(one_bag_that_takes_hours, setup, teardown),
		cmocka_unit_test_setup_teardown(one_bag_in_an_encrypted_safe, setup, teardown),
		cmocka_unit_test_setup_teardown(many_safes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_check_that_takes_hours, setup, teardown),
		cmocka_unit_test_setup_teardown(scrypt_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_key, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("security-pki PKCS #12", tests, NULL, NULL);
}
