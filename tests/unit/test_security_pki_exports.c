/* security-pki: exports made to mislead, and exports that went through mail. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "framework/digest.h"
#include "plugins/security-pki/pki_file.h"
#include "tests/conform/security_suite.h"

extern const struct ponto_plugin security_pki_LTX_ponto_plugin;

#define PKI (&security_pki_LTX_ponto_plugin)
#define ALICE 1000u

static const char *const quick[] = {"iterations=1000", NULL};

static struct ponto_identity new_identity(struct security_fixture *f, uint32_t profile)
{
	struct ponto_identity me;

	assert_ok(ponto_identity_create(f->security, ALICE, profile, "me", &me));
	return me;
}

/* An export whose checks hold but whose PKCS#8 is what the caller wants. */
static size_t forge(const struct ponto_identity *me, const uint8_t *der, size_t der_len, char *out, size_t size)
{
	char headers[1024], key[2 * PONTO_PUBLIC_KEY_MAX + 1], check_text[2 * PONTO_SHA256_SIZE + 1];
	uint8_t check[PONTO_SHA256_SIZE];
	struct ponto_bytes parts[2];
	char *base64 = malloc(2 * der_len + 4);
	size_t len;

	assert_non_null(base64);
	ponto_hex(ponto_bytes(me->public_key, me->public_key_len), key);
	snprintf(headers, sizeof(headers),
		 "Ponto-Identity: 1\nPonto-Profile: modern\nPonto-Id: %s\nPonto-Created: %llu\nPonto-Name: %s\n"
		 "Ponto-Public-Key: %s\n",
		 me->id, (unsigned long long)me->created, me->name, key);
	parts[0] = ponto_bytes(headers, strlen(headers));
	parts[1] = ponto_bytes(der, der_len);
	ponto_sha256(parts, 2, check);
	ponto_hex(ponto_bytes(check, sizeof(check)), check_text);
	EVP_EncodeBlock((uint8_t *)base64, der, (int)der_len);
	len = (size_t)snprintf(out, size, "%sPonto-Check: %s\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n", headers,
			       check_text);
	for (size_t i = 0; i < strlen(base64); i += 64)
		len += (size_t)snprintf(out + len, size - len, "%.64s\n", base64 + i);
	len += (size_t)snprintf(out + len, size - len, "-----END ENCRYPTED PRIVATE KEY-----\n");
	free(base64);
	return len;
}

static size_t sealed_with(int iterations, const EVP_CIPHER *cipher, uint8_t **der)
{
	uint8_t salt[16] = {1}, junk[64] = {0};
	X509_SIG *sealed = X509_SIG_new();
	X509_ALGOR *algor,
		*wanted = PKCS5_pbe2_set_iv(cipher, iterations, salt, sizeof(salt), NULL, NID_hmacWithSHA256);
	ASN1_OCTET_STRING *body;
	int len;

	assert_non_null(wanted);
	X509_SIG_getm(sealed, &algor, &body);
	assert_int_equal(X509_ALGOR_copy(algor, wanted), 1);
	assert_int_equal(ASN1_OCTET_STRING_set(body, junk, sizeof(junk)), 1);
	*der = NULL;
	len = i2d_X509_SIG(sealed, der);
	assert_true(len > 0);
	X509_ALGOR_free(wanted);
	X509_SIG_free(sealed);
	return (size_t)len;
}

static void exports_cannot_ask_for_hours(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, false, quick);
	struct ponto_identity me = new_identity(f, PONTO_PROFILE_MODERN), out;
	char text[8192];
	uint8_t *der;
	size_t len;

	(void)state;
	assert_ok(ponto_identity_remove(f->security, ALICE, me.id));
	len = sealed_with(INT32_MAX, EVP_aes_256_cbc(), &der);
	len = forge(&me, der, len, text, sizeof(text));
	assert_int_equal(ponto_identity_import(f->security, ALICE, ponto_bytes(text, len), "x", &out), PONTO_EPROTO);
	OPENSSL_free(der);
	len = sealed_with(1000, EVP_des_ede3_cbc(), &der);
	len = forge(&me, der, len, text, sizeof(text));
	assert_int_equal(ponto_identity_import(f->security, ALICE, ponto_bytes(text, len), "x", &out), PONTO_EPROTO);
	OPENSSL_free(der);
	len = sealed_with(1000, EVP_aes_256_cbc(), &der);
	len = forge(&me, der, len, text, sizeof(text));
	assert_int_equal(ponto_identity_import(f->security, ALICE, ponto_bytes(text, len), "x", &out), PONTO_EAUTH);
	len = forge(&me, der, 0, text, sizeof(text)); /* nothing between the PEM lines */
	assert_int_equal(ponto_identity_import(f->security, ALICE, ponto_bytes(text, len), "x", &out), PONTO_EPROTO);
	OPENSSL_free(der);
	assert_int_equal(security_list(f, ALICE, NULL, 0), 0);
	security_fixture_free(f);
}

/* The key inside is not the key outside: neither name nor profile can be borrowed. */
static void exports_cannot_claim_another_key(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, false, quick);
	struct ponto_identity victim = new_identity(f, PONTO_PROFILE_MODERN), out;
	struct pki_record claimed = {.identity = victim};
	struct pki_crypto crypto;
	EVP_PKEY *mine, *rsa;
	uint8_t *text;
	size_t len;

	(void)state;
	assert_ok(ponto_identity_remove(f->security, ALICE, victim.id));
	assert_ok(pki_crypto_init(&crypto));
	assert_ok(pki_key_generate(&crypto, PONTO_PROFILE_MODERN, &mine));
	assert_ok(pki_key_generate(&crypto, PONTO_PROFILE_WINDOWS, &rsa));
	assert_ok(pki_file_write(&crypto, &claimed, mine, ponto_bytes("x", 1), 1000, &ponto_alloc_system, &text, &len));
	assert_int_equal(ponto_identity_import(f->security, ALICE, ponto_bytes(text, len), "x", &out), PONTO_EPROTO);
	ponto_free(&ponto_alloc_system, text);
	assert_ok(pki_file_write(&crypto, &claimed, rsa, ponto_bytes("x", 1), 1000, &ponto_alloc_system, &text, &len));
	assert_int_equal(ponto_identity_import(f->security, ALICE, ponto_bytes(text, len), "x", &out), PONTO_EPROTO);
	ponto_free(&ponto_alloc_system, text);
	/* a file of the vault is no export: its key lies in the clear */
	assert_ok(pki_key_describe(PONTO_PROFILE_MODERN, mine, &claimed.identity));
	assert_ok(
		pki_file_write(&crypto, &claimed, mine, ponto_bytes(NULL, 0), 1000, &ponto_alloc_system, &text, &len));
	assert_int_equal(ponto_identity_import(f->security, ALICE, ponto_bytes(text, len), "x", &out), PONTO_EPROTO);
	ponto_free(&ponto_alloc_system, text);
	assert_int_equal(security_list(f, ALICE, NULL, 0), 0);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(mine);
	pki_crypto_fini(&crypto);
	security_fixture_free(f);
}

static void exports_survive_mail(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, false, quick);
	struct ponto_identity me = new_identity(f, PONTO_PROFILE_WINDOWS), out;
	uint8_t *data, *mailed;
	size_t len, n = 0;

	(void)state;
	assert_ok(ponto_identity_export(f->security, ALICE, me.id, "secret", &f->alloc, &data, &len));
	mailed = malloc(2 * len);
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			mailed[n++] = '\r';
		mailed[n++] = data[i];
	}
	assert_ok(ponto_identity_remove(f->security, ALICE, me.id));
	assert_ok(ponto_identity_import(f->security, ALICE, ponto_bytes(mailed, n), "secret", &out));
	assert_string_equal(out.id, me.id);
	free(mailed);
	ponto_free(&f->alloc, data);
	security_fixture_free(f);
}

static void overlong_passwords_are_refused(void **state)
{
	struct security_fixture *f = security_fixture_new(PKI, false, quick);
	struct ponto_identity me = new_identity(f, PONTO_PROFILE_MODERN);
	char password[PKI_PASSWORD_MAX + 2];
	uint8_t *data;
	size_t len;

	(void)state;
	memset(password, 'p', sizeof(password));
	password[PKI_PASSWORD_MAX + 1] = 0;
	assert_int_equal(ponto_identity_export(f->security, ALICE, me.id, password, &f->alloc, &data, &len),
			 PONTO_EINVAL);
	password[PKI_PASSWORD_MAX] = 0;
	assert_ok(ponto_identity_export(f->security, ALICE, me.id, password, &f->alloc, &data, &len));
	ponto_free(&f->alloc, data);
	security_fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exports_cannot_ask_for_hours),
		cmocka_unit_test(exports_cannot_claim_another_key),
		cmocka_unit_test(exports_survive_mail),
		cmocka_unit_test(overlong_passwords_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("security-pki exports", tests, NULL, NULL);
}
