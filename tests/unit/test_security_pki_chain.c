/* Certificates of security-pki, each wrong in one thing: made by it, spoiled by OpenSSL, signed again. [MS-PNRP]
 * 2.2.3.5 and 3.1.5.10; [RFC2459]. */
#include "tests/support/test.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "plugins/security-pki/pki_chain.h"

#define ARC "1.3.6.1.4.1.311.44."
#define TYPE ARC "0.1"
#define VERSION ARC "0.4"
#define PEER_NAME ARC "3.1"
#define ROLE ARC "3.3"
#define CLASSIFIERS ARC "3.5"
#define UNITS_MAX 300

/* A root and the certificate of one delegate. */
struct pair {
	struct pki_crypto crypto;
	struct ponto_test_random random;
	EVP_PKEY *keys[2];
	struct ponto_identity owners[2];
	struct pnrp_certificate *contents[2];
	X509 *x509[2];
};

static int sign_with(void *arg, struct ponto_bytes tbs, uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len)
{
	struct pair *p = arg;

	return pki_key_sign(&p->crypto, PONTO_PROFILE_WINDOWS, p->keys[0], tbs, signature, len);
}

static void make_certificate(struct pair *p, unsigned i)
{
	assert_ok(pki_certificate_make(&p->crypto, &p->random.random, p->contents[i], p->contents[0]->subject, sign_with,
				       p, &p->x509[i]));
}

static struct pair *pair_new(void)
{
	static const char *const fish[] = {"fish"};
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	ponto_test_random_init(&p->random, 3);
	assert_ok(pki_crypto_init(&p->crypto));
	for (unsigned i = 0; i < 2; i++) {
		struct pnrp_grant grant = {.chain = p->contents[0],
					   .chain_count = i,
					   .name = i ? "leaf" : "root",
					   .roles = i ? PNRP_ROLE_ADMIN : 0,
					   .classifiers = fish,
					   .classifier_count = i,
					   .not_before = 1000000000,
					   .not_after = 2000000000};

		assert_ok(pki_key_generate(&p->crypto, PONTO_PROFILE_WINDOWS, &p->keys[i]));
		assert_ok(pki_key_describe(PONTO_PROFILE_WINDOWS, p->keys[i], &p->owners[i]));
		grant.public_key = ponto_bytes(p->owners[i].public_key, p->owners[i].public_key_len);
		assert_ok(pnrp_grant_make(&pnrp_windows, &grant, &ponto_alloc_system, &p->contents[i]));
		make_certificate(p, i);
	}
	return p;
}

static void pair_free(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		X509_free(p->x509[i]);
		ponto_free(&ponto_alloc_system, p->contents[i]);
		EVP_PKEY_free(p->keys[i]);
	}
	pki_crypto_fini(&p->crypto);
	free(p);
}

/* The whole judgement but for time and name. */
static int judge_bytes(struct pair *p, struct ponto_bytes der)
{
	struct pki_chain *chain = NULL;
	int result = pki_chain_parse(&ponto_alloc_system, der, &chain);

	if (!result)
		result = pnrp_chain_check(chain->certificates, chain->count);
	if (!result)
		result = pki_chain_signed(&p->crypto, chain);
	pki_chain_free(chain);
	return result;
}

static int judge(struct pair *p)
{
	uint8_t *der;
	size_t len;
	int result = pki_chain_write(p->x509, 2, &ponto_alloc_system, &der, &len);

	assert_ok(result);
	result = judge_bytes(p, ponto_bytes(der, len));
	ponto_free(&ponto_alloc_system, der);
	return result;
}

/* Signs what was changed again, so that only the change can be wrong. */
static void sign_again(struct pair *p, unsigned i)
{
	assert_true(X509_sign(p->x509[i], p->keys[0], EVP_sha1()) > 0);
}

/* The second certificate anew, spoiled by change; then the verdict. */
static int spoiled(void (*change)(X509 *x))
{
	struct pair *p = pair_new();
	int result;

	change(p->x509[1]);
	sign_again(p, 1);
	result = judge(p);
	pair_free(p);
	return result;
}

static void unchanged(X509 *x)
{
	assert_non_null(x);
}

/* Puts another value (NULL: none) in the place of an extension. */
static void set_extension(X509 *x, const char *oid, bool critical, const char *hex)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = X509_get_ext_by_OBJ(x, object, -1);

	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(x, at));
	if (hex) {
		size_t len;
		uint8_t *bytes = ponto_test_hex(hex, &len);
		ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
		X509_EXTENSION *extension;

		assert_true(ASN1_OCTET_STRING_set(data, bytes, (int)len));
		extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, data);
		assert_true(X509_add_ext(x, extension, -1));
		X509_EXTENSION_free(extension);
		ASN1_OCTET_STRING_free(data);
		free(bytes);
	}
	ASN1_OBJECT_free(object);
}

/* ---- fields, 2.2.3.5 ------------------------------------------------------------------ */

static void good_certificates_are_accepted(void **state)
{
	(void)state;
	assert_ok(spoiled(unchanged));
}

static void old_version(X509 *x)
{
	X509_set_version(x, 0);
}

static void only_version_three(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-224");
	assert_int_equal(spoiled(old_version), PONTO_EPROTO);
}

static void only_sha1_with_rsa(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	PONTO_PROVES("PNRP-225");
	assert_true(X509_sign(p->x509[1], p->keys[0], EVP_sha256()) > 0);
	assert_int_equal(judge(p), PONTO_EPROTO);
	sign_again(p, 1);
	assert_ok(judge(p));
	pair_free(p);
}

static void set_serial(X509 *x, const char *hex)
{
	BIGNUM *number = NULL;
	ASN1_INTEGER *serial;

	assert_true(BN_hex2bn(&number, hex));
	serial = BN_to_ASN1_INTEGER(number, NULL);
	assert_true(X509_set_serialNumber(x, serial));
	ASN1_INTEGER_free(serial);
	BN_free(number);
}

static void serials_have_sixteen_bytes(void **state)
{
	static const struct {
		const char *hex;
		int result;
	} rows[] = {
		{"7f00000000000000000000000000000a", PONTO_OK},
		{"ff00000000000000000000000000000a", PONTO_OK}, /* 16 with a zero before them, for the sign */
		{"-7f00000000000000000000000000000a", PONTO_OK},
		{"7f000000000000000000000000000a", PONTO_EPROTO},
		{"01ff00000000000000000000000000000a", PONTO_EPROTO},
		{"00", PONTO_EPROTO},
	};
	struct pair *p = pair_new();

	(void)state;
	PONTO_PROVES("PNRP-226");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		set_serial(p->x509[1], rows[i].hex);
		sign_again(p, 1);
		assert_int_equal(judge(p), rows[i].result);
	}
	pair_free(p);
}

/* No call makes a unique ID: it is put into the bytes, before the extensions. */
static X509 *with_unique_id(struct pair *p, X509 *x, const char *id_hex)
{
	uint8_t *tbs = NULL, *id, body[4096], der[4096], signature[PONTO_SIGNATURE_MAX], *at = der;
	int tbs_len = i2d_re_X509_tbs(x, &tbs);
	size_t id_len, body_len, len, extensions = 4;
	const unsigned char *whole;
	X509 *made;

	id = ponto_test_hex(id_hex, &id_len);
	while (!(tbs[extensions] == 0xa3 && tbs[extensions + 1] == 0x82 &&
		 extensions + 4 + (size_t)tbs[extensions + 2] * 256 + tbs[extensions + 3] == (size_t)tbs_len))
		extensions++;
	body_len = (size_t)tbs_len - 4 + id_len;
	memcpy(body, (uint8_t[]){0x30, 0x82, (uint8_t)(body_len >> 8), (uint8_t)body_len}, 4);
	memcpy(body + 4, tbs + 4, extensions - 4);
	memcpy(body + extensions, id, id_len);
	memcpy(body + extensions + id_len, tbs + extensions, (size_t)tbs_len - extensions);
	body_len += 4;
	assert_ok(sign_with(p, ponto_bytes(body, body_len), signature, &len));
	len = body_len + 15 + 132;
	memcpy(at, (uint8_t[]){0x30, 0x82, (uint8_t)(len >> 8), (uint8_t)len}, 4);
	memcpy(at += 4, body, body_len);
	memcpy(at += body_len, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00\x03\x81\x81\x00", 19);
	memcpy(at + 19, signature, 128);
	whole = der;
	made = d2i_X509(NULL, &whole, (long)len + 4);
	assert_non_null(made);
	OPENSSL_free(tbs);
	free(id);
	return made;
}

static void unique_ids_are_empty(void **state)
{
	static const struct {
		const char *hex;
		int result;
	} rows[] = {{"", PONTO_OK}, {"810100", PONTO_OK}, {"81020055", PONTO_EPROTO}, {"82020055", PONTO_EPROTO}};

	(void)state;
	PONTO_PROVES("PNRP-227");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct pair *p = pair_new();
		X509 *made = with_unique_id(p, p->x509[1], rows[i].hex);

		X509_free(p->x509[1]);
		p->x509[1] = made;
		assert_int_equal(judge(p), rows[i].result);
		pair_free(p);
	}
}

static void only_keys_of_the_profile(void **state)
{
	struct pair *p = pair_new();
	EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256"), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};

	(void)state;
	PONTO_PROVES("PNRP-228");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(keys); i++) {
		assert_non_null(keys[i]);
		assert_true(X509_set_pubkey(p->x509[1], keys[i]));
		sign_again(p, 1);
		assert_int_equal(judge(p), PONTO_EPROTO);
		EVP_PKEY_free(keys[i]);
	}
	pair_free(p);
}

/* Makes the second certificate anew from its changed content. */
static int made_anew(struct pair *p, struct pnrp_units issuer)
{
	X509_free(p->x509[1]);
	p->x509[1] = NULL;
	assert_ok(pki_certificate_make(&p->crypto, &p->random.random, p->contents[1], issuer, sign_with, p,
				       &p->x509[1]));
	return judge(p);
}

static struct pnrp_units letters(size_t count)
{
	static uint16_t units[UNITS_MAX];

	for (size_t i = 0; i < UNITS_MAX; i++)
		units[i] = (uint16_t)('a' + i % 26);
	return (struct pnrp_units){units, count};
}

static void names_have_at_most_255_characters(void **state)
{
	struct pair *p = pair_new();
	struct pnrp_units issuer = p->contents[0]->subject;

	(void)state;
	PONTO_PROVES("PNRP-229", "PNRP-230", "PNRP-231");
	for (size_t n = 255; n <= 256; n++) {
		int want = n == 255 ? PONTO_OK : PONTO_EPROTO;
		struct pnrp_certificate good = *p->contents[1];

		p->contents[1]->subject = letters(n);
		assert_int_equal(made_anew(p, issuer), want);
		*p->contents[1] = good;
		assert_int_equal(made_anew(p, letters(n)), want);
		p->contents[1]->subject_alt[PNRP_ALT_NAME] = letters(n);
		assert_int_equal(made_anew(p, issuer), want);
		*p->contents[1] = good;
	}
	pair_free(p);
}

static void a_nul_ends_a_name_and_is_nowhere_else(void **state)
{
	static const uint16_t ended[] = {'x', 'y', 0}, broken[] = {'x', 0, 'y'};
	struct pair *p = pair_new();
	struct pnrp_units issuer = p->contents[0]->subject;

	(void)state;
	PONTO_PROVES("PNRP-229", "PNRP-230");
	p->contents[1]->subject = (struct pnrp_units){ended, 3};
	assert_ok(made_anew(p, issuer));
	assert_ok(made_anew(p, (struct pnrp_units){ended, 3}));
	assert_int_equal(made_anew(p, (struct pnrp_units){broken, 3}), PONTO_EPROTO);
	p->contents[1]->subject = (struct pnrp_units){broken, 3};
	assert_int_equal(made_anew(p, issuer), PONTO_EPROTO);
	pair_free(p);
}

/* ---- extensions, 2.2.3.5.1 ---------------------------------------------------------------- */

struct extension_row {
	const char *oid;
	bool critical;
	const char *hex;
	int result;
};

static void try_extensions(const struct extension_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pair *p = pair_new();
		int result;

		set_extension(p->x509[1], rows[i].oid, rows[i].critical, rows[i].hex);
		sign_again(p, 1);
		result = judge(p);
		if (result != rows[i].result)
			fail_msg("row %zu, %s %s: %s", i, rows[i].oid, rows[i].hex ? rows[i].hex : "left out",
				 ponto_strerror(result));
		pair_free(p);
	}
}

#define MEMBER_UUID "f12dc4c708574ca093fcb1bb19a3d8c2"
#define ADMIN_UUID "04387127aa56450a8ce54f565c6790f4"

static void private_extensions_are_critical_and_others_are_not(void **state)
{
	static const struct extension_row rows[] = {
		{TYPE, false, "040401000000", PONTO_EPROTO},
		{VERSION, false, "040401000200", PONTO_EPROTO},
		{ROLE, false, "30120410" ADMIN_UUID, PONTO_EPROTO},
		{CLASSIFIERS, false, "3000", PONTO_EPROTO},
		{"1.2.3.4.5", true, "0500", PONTO_EPROTO},
		{"1.2.3.4.5", false, "0500", PONTO_OK},
		{"2.5.29.19", true, "30030101ff", PONTO_EPROTO}, /* basicConstraints: not of this protocol */
		{"2.5.29.19", false, "30030101ff", PONTO_OK},
		{ARC "3.2", true, "040400000000", PONTO_OK}, /* a group's flags, all off */
		{ARC "3.2", true, "040401000000", PONTO_EPROTO},
		{ARC "3.9", true, "040400000000", PONTO_EPROTO},
	};

	(void)state;
	PONTO_PROVES("PNRP-232", "PNRP-233", "PNRP-234");
	try_extensions(rows, PONTO_ARRAY_SIZE(rows));
}

static void type_and_version_are_four_bytes(void **state)
{
	static const struct extension_row rows[] = {
		{TYPE, true, "01000000", PONTO_OK}, /* T32: bare */
		{TYPE, true, NULL, PONTO_EPROTO},
		{TYPE, true, "040400000001", PONTO_EPROTO},
		{TYPE, true, "0403010000", PONTO_EPROTO},
		{TYPE, true, "04050100000000", PONTO_EPROTO},
		{TYPE, true, "", PONTO_EPROTO},
		{VERSION, true, "01000200", PONTO_OK},
		{VERSION, true, NULL, PONTO_EPROTO},
		{VERSION, true, "040400020001", PONTO_EPROTO},
		{VERSION, true, "040401000201", PONTO_EPROTO},
	};

	(void)state;
	PONTO_PROVES("PNRP-235", "PNRP-238");
	try_extensions(rows, PONTO_ARRAY_SIZE(rows));
}

#define PEER_OID "060a2b0601040182372c0002"
#define WORD_OID "060a2b0601040182372c0003"

static void peer_names_are_one_other_name(void **state)
{
	/* "0.g" in a UniversalString, of the right kind, is another name than the root's: EAUTH, its syntax is good. */
	static const struct extension_row rows[] = {
		{PEER_NAME, true, "301ea01c" PEER_OID "a00e1c0c000000300000002e00000067", PONTO_EAUTH},
		{PEER_NAME, true, "301ea01c" WORD_OID "a00e1c0c000000300000002e00000067", PONTO_EPROTO},
		{PEER_NAME, true, "30058203302e67", PONTO_EPROTO}, /* dNSName */
		{PEER_NAME, true, "3018a016" PEER_OID "a0081e060030002e0067", PONTO_EPROTO}, /* BMPString */
		{PEER_NAME, true, "3000", PONTO_EPROTO},
		{PEER_NAME, true, NULL, PONTO_EPROTO},
		{PEER_NAME, true, "3012a010" PEER_OID "a0021c00", PONTO_EPROTO},
		{PEER_NAME, true, "ff", PONTO_EPROTO},
	};

	(void)state;
	PONTO_PROVES("PNRP-239", "PNRP-240");
	try_extensions(rows, PONTO_ARRAY_SIZE(rows));
}

static void peer_names_have_1_to_192_characters(void **state)
{
	struct pair *p = pair_new();
	uint16_t text[200] = {'0', '.'};

	(void)state;
	PONTO_PROVES("PNRP-241");
	for (size_t i = 2; i < 200; i++)
		text[i] = 'x';
	for (unsigned i = 0; i < 2; i++)
		p->contents[i]->peer_name = (struct pnrp_units){text, 2 + PNRP_CLASSIFIER_MAX};
	X509_free(p->x509[0]);
	make_certificate(p, 0);
	assert_ok(made_anew(p, p->contents[0]->subject));
	for (size_t n = 191; n <= 194; n++) { /* the grammar ends before the string type does */
		p->contents[1]->peer_name.count = n;
		assert_int_equal(made_anew(p, p->contents[0]->subject), PONTO_EPROTO);
	}
	p->contents[1]->peer_name.count = 0;
	assert_int_equal(made_anew(p, p->contents[0]->subject), PONTO_EPROTO);
	pair_free(p);
}

static void roles_are_known_uuids(void **state)
{
	static const struct extension_row rows[] = {
		{ROLE, true, "30120410" MEMBER_UUID, PONTO_OK},
		{ROLE, true, "30240410" MEMBER_UUID "0410" ADMIN_UUID, PONTO_OK},
		{ROLE, true, NULL, PONTO_EPROTO},
		{ROLE, true, "3000", PONTO_EPROTO},
		{ROLE, true, "30120410000102030405060708090a0b0c0d0e0f", PONTO_EPROTO},
		{ROLE, true, "30240410" ADMIN_UUID "0410000102030405060708090a0b0c0d0e0f", PONTO_EPROTO},
		{ROLE, true, "3011040f04387127aa56450a8ce54f565c6790", PONTO_EPROTO},
		{ROLE, true, "0410" ADMIN_UUID, PONTO_EPROTO},
		{ROLE, true, "30120410" ADMIN_UUID "00", PONTO_EPROTO},
	};

	(void)state;
	PONTO_PROVES("PNRP-243", "PNRP-244");
	try_extensions(rows, PONTO_ARRAY_SIZE(rows));
}

static void classifiers_are_other_names(void **state)
{
	static const struct extension_row rows[] = {
		{CLASSIFIERS, true, "3000", PONTO_OK},
		{CLASSIFIERS, true, "3012a010" WORD_OID "a0021c00", PONTO_OK}, /* "" (T31) */
		{CLASSIFIERS, true, "3016a014" WORD_OID "a0061c0400000041", PONTO_OK},
		{CLASSIFIERS, true, "3016a014" WORD_OID "a0061c040001f41f", PONTO_OK},
		{CLASSIFIERS, true, NULL, PONTO_EPROTO},
		{CLASSIFIERS, true, "3016a014" PEER_OID "a0061c0400000041", PONTO_EPROTO},
		{CLASSIFIERS, true, "3003820141", PONTO_EPROTO},
		{CLASSIFIERS, true, "3013a011" WORD_OID "a0030c0141", PONTO_EPROTO}, /* UTF8String */
		{CLASSIFIERS, true, "3016a014" WORD_OID "a0061c0400110000", PONTO_EPROTO}, /* beyond Unicode */
		{CLASSIFIERS, true, "301aa018" WORD_OID "a00a1c080000000000000041", PONTO_EPROTO}, /* NUL */
	};

	(void)state;
	PONTO_PROVES("PNRP-248", "PNRP-249", "PNRP-432");
	try_extensions(rows, PONTO_ARRAY_SIZE(rows));
}

static void classifiers_have_at_most_150_characters(void **state)
{
	struct pair *p = pair_new();
	struct pnrp_units word = letters(149);

	(void)state;
	PONTO_PROVES("PNRP-250");
	p->contents[1]->classifiers = &word;
	p->contents[1]->classifier_count = 1;
	assert_ok(made_anew(p, p->contents[0]->subject));
	for (word.count = 150; word.count < 153; word.count++)
		assert_int_equal(made_anew(p, p->contents[0]->subject), PONTO_EPROTO);
	pair_free(p);
}

static void no_extension_comes_twice(void **state)
{
	static const char *const oids[] = {TYPE, "2.5.29.18"};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(oids); i++) {
		struct pair *p = pair_new();
		ASN1_OBJECT *object = OBJ_txt2obj(oids[i], 1);
		X509_EXTENSION *extension =
			X509_get_ext(p->x509[1], X509_get_ext_by_OBJ(p->x509[1], object, -1));

		assert_true(X509_add_ext(p->x509[1], extension, -1));
		sign_again(p, 1);
		assert_int_equal(judge(p), PONTO_EPROTO);
		ASN1_OBJECT_free(object);
		pair_free(p);
	}
}

/* ---- the chain ----------------------------------------------------------------------------- */

static void alternative_names_in_every_form(void **state)
{
	static const char *const forms[] = {
		"30038201" "78",				/* dNSName "x" */
		"3013a011" WORD_OID "a0030c0178",		/* otherName with a UTF8String */
		"3010a40e300c310a300806035504030c0178",	/* directoryName */
		"1e020078",					/* a BMPString, bare */
	};

	(void)state;
	PONTO_PROVES("PNRP-231", "PNRP-430");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(forms); i++) {
		struct pair *p = pair_new();

		set_extension(p->x509[0], "2.5.29.17", false, forms[i]);
		sign_again(p, 0);
		assert_int_equal(judge(p), PONTO_EAUTH); /* the issuer of the second is another */
		set_extension(p->x509[1], "2.5.29.18", false, forms[(i + 1) % PONTO_ARRAY_SIZE(forms)]);
		sign_again(p, 1);
		assert_ok(judge(p));
		set_extension(p->x509[1], "2.5.29.18", false, "30038201" "79");
		sign_again(p, 1);
		assert_int_equal(judge(p), PONTO_EAUTH);
		set_extension(p->x509[1], "2.5.29.18", false, "870401020304"); /* an address */
		sign_again(p, 1);
		assert_int_equal(judge(p), PONTO_EPROTO);
		pair_free(p);
	}
}

static void the_root_signs_itself(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	PONTO_PROVES("PNRP-434");
	assert_true(X509_sign(p->x509[0], p->keys[1], EVP_sha1()) > 0);
	assert_int_equal(judge(p), PONTO_EAUTH);
	X509_free(p->x509[0]);
	assert_ok(pki_certificate_make(&p->crypto, &p->random.random, p->contents[0], letters(5), sign_with, p,
				       &p->x509[0]));
	assert_int_equal(judge(p), PONTO_EAUTH); /* signed by itself, but under another's name */
	pair_free(p);
}

/* T30: the text forgets to ask for it. */
static void each_certificate_is_signed_by_the_one_before(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	assert_true(X509_sign(p->x509[1], p->keys[1], EVP_sha1()) > 0);
	assert_int_equal(judge(p), PONTO_EAUTH);
	pair_free(p);
}

static void a_chain_may_stand_on_its_head(void **state)
{
	struct pair *p = pair_new();
	X509 *first = p->x509[0];

	(void)state;
	p->x509[0] = p->x509[1];
	p->x509[1] = first;
	assert_ok(judge(p));
	pair_free(p);
}

static void twenty_six_are_too_many(void **state)
{
	struct pair *p = pair_new();
	X509 *many[26];
	uint8_t *der;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-223");
	for (size_t i = 0; i < 26; i++)
		many[i] = p->x509[i > 0];
	for (size_t n = 25; n <= 26; n++) { /* nonsense as a chain, but of acceptable number */
		assert_ok(pki_chain_write(many, n, &ponto_alloc_system, &der, &len));
		assert_int_equal(judge_bytes(p, ponto_bytes(der, len)), n == 25 ? PONTO_EAUTH : PONTO_EPROTO);
		ponto_free(&ponto_alloc_system, der);
	}
	pair_free(p);
}

static void what_is_no_chain_is_refused_first(void **state)
{
	struct pair *p = pair_new();
	uint8_t *der, *copy;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-222", "PNRP-428");
	assert_ok(pki_chain_write(p->x509, 2, &ponto_alloc_system, &der, &len));
	assert_ok(judge_bytes(p, ponto_bytes(der, len)));
	assert_int_equal(judge_bytes(p, ponto_bytes("chain", 5)), PONTO_EPROTO);
	assert_int_equal(judge_bytes(p, ponto_bytes(NULL, 0)), PONTO_EPROTO);
	assert_int_equal(judge_bytes(p, ponto_bytes(der, len - 1)), PONTO_EPROTO);
	copy = calloc(1, PONTO_CHAIN_MAX + 1);
	assert_non_null(copy);
	memcpy(copy, der, len);
	assert_int_equal(judge_bytes(p, ponto_bytes(copy, len + 1)), PONTO_EPROTO); /* something behind it */
	assert_int_equal(judge_bytes(p, ponto_bytes(copy, PONTO_CHAIN_MAX + 1)), PONTO_EPROTO);
	free(copy);
	ponto_free(&ponto_alloc_system, der);
	pair_free(p);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(good_certificates_are_accepted),
	cmocka_unit_test(only_version_three),
	cmocka_unit_test(only_sha1_with_rsa),
	cmocka_unit_test(serials_have_sixteen_bytes),
	cmocka_unit_test(unique_ids_are_empty),
	cmocka_unit_test(only_keys_of_the_profile),
	cmocka_unit_test(names_have_at_most_255_characters),
	cmocka_unit_test(a_nul_ends_a_name_and_is_nowhere_else),
	cmocka_unit_test(private_extensions_are_critical_and_others_are_not),
	cmocka_unit_test(type_and_version_are_four_bytes),
	cmocka_unit_test(peer_names_are_one_other_name),
	cmocka_unit_test(peer_names_have_1_to_192_characters),
	cmocka_unit_test(roles_are_known_uuids),
	cmocka_unit_test(classifiers_are_other_names),
	cmocka_unit_test(classifiers_have_at_most_150_characters),
	cmocka_unit_test(no_extension_comes_twice),
	cmocka_unit_test(alternative_names_in_every_form),
	cmocka_unit_test(the_root_signs_itself),
	cmocka_unit_test(each_certificate_is_signed_by_the_one_before),
	cmocka_unit_test(a_chain_may_stand_on_its_head),
	cmocka_unit_test(twenty_six_are_too_many),
	cmocka_unit_test(what_is_no_chain_is_refused_first),
};

PONTO_TEST_MAIN(tests)
