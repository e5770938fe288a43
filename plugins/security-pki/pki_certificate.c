/* Writing certificates and chains, [MS-PNRP] 2.2.3.5. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "plugins/security-pki/pki_chain.h"

/* ---- texts ------------------------------------------------------------------------- */

/* UTF-16 units as characters of four bytes, or as two-byte units. gives; NULL: no memory */
static ASN1_STRING *string_of(struct pnrp_units text, int type)
{
	ASN1_STRING *string = ASN1_STRING_type_new(type);
	uint8_t *bytes = OPENSSL_malloc(4 * text.count + 1);
	size_t len = 0;
	bool good;

	for (size_t i = 0; bytes && i < text.count; i++) {
		uint32_t point = text.unit[i];

		if (type == V_ASN1_UNIVERSALSTRING) {
			if (point >= 0xd800 && point < 0xdc00 && i + 1 < text.count && text.unit[i + 1] >= 0xdc00 &&
			    text.unit[i + 1] < 0xe000)
				point = 0x10000 + ((point - 0xd800) << 10) + (text.unit[++i] - 0xdc00u);
			bytes[len++] = 0;
			bytes[len++] = (uint8_t)(point >> 16);
		}
		bytes[len++] = (uint8_t)(point >> 8);
		bytes[len++] = (uint8_t)point;
	}
	good = string && bytes && ASN1_STRING_set(string, bytes, (int)len);
	OPENSSL_free(bytes);
	if (good)
		return string;
	ASN1_STRING_free(string);
	return NULL;
}

static bool set_name(X509_NAME *name, struct pnrp_units text)
{
	ASN1_STRING *string = string_of(text, V_ASN1_BMPSTRING);
	bool good =
		string && X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_BMPSTRING,
						     ASN1_STRING_get0_data(string), ASN1_STRING_length(string), -1, 0);

	ASN1_STRING_free(string);
	return good;
}

/* Appends an otherName with a UniversalString. */
static bool add_general_name(GENERAL_NAMES *names, uint8_t a, uint8_t b, struct pnrp_units text)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_OBJECT *oid = pki_oid_make(a, b);
	ASN1_STRING *string = string_of(text, V_ASN1_UNIVERSALSTRING);
	ASN1_TYPE *value = ASN1_TYPE_new();

	if (name && oid && string && value) {
		ASN1_TYPE_set(value, V_ASN1_UNIVERSALSTRING, string);
		string = NULL;
		if (GENERAL_NAME_set0_othername(name, oid, value)) {
			oid = NULL;
			value = NULL;
			if (sk_GENERAL_NAME_push(names, name))
				return true;
		}
	}
	ASN1_TYPE_free(value);
	ASN1_STRING_free(string);
	ASN1_OBJECT_free(oid);
	GENERAL_NAME_free(name);
	return false;
}

/* ---- extensions ----------------------------------------------------------------------- */

/* takes oid and, from OpenSSL, value */
static bool add_extension(X509 *x, ASN1_OBJECT *oid, bool critical, uint8_t *value, int len)
{
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	bool good = false;

	if (data && oid && value && len > 0 && ASN1_OCTET_STRING_set(data, value, len))
		extension = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, data);
	if (extension)
		good = X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(data);
	ASN1_OBJECT_free(oid);
	OPENSSL_free(value);
	return good;
}

static bool add_octets(X509 *x, uint8_t a, uint8_t b, const uint8_t bytes[4])
{
	ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();
	uint8_t *value = NULL;
	int len = string && ASN1_OCTET_STRING_set(string, bytes, 4) ? i2d_ASN1_OCTET_STRING(string, &value) : -1;

	ASN1_OCTET_STRING_free(string);
	return add_extension(x, pki_oid_make(a, b), true, value, len);
}

/* A list of otherNames; takes oid. a, b: of their type-id */
static bool add_names(X509 *x, ASN1_OBJECT *oid, uint8_t a, uint8_t b, const struct pnrp_units *texts, size_t count)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	uint8_t *value = NULL;
	bool good = names;
	int len;

	for (size_t i = 0; good && i < count; i++)
		good = add_general_name(names, a, b, texts[i]);
	len = good ? i2d_GENERAL_NAMES(names, &value) : -1;
	GENERAL_NAMES_free(names);
	return add_extension(x, oid, true, value, len);
}

static bool add_roles(X509 *x, unsigned roles)
{
	static const enum pnrp_role all[] = {PNRP_ROLE_ADMIN, PNRP_ROLE_MEMBER, PNRP_ROLE_INVITING};
	uint8_t value[3 * 18 + 2] = {V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, 0}, *copy;
	size_t len = 2;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(all); i++) {
		if (!(roles & all[i]))
			continue;
		value[len] = V_ASN1_OCTET_STRING;
		value[len + 1] = 16;
		memcpy(value + len + 2, pnrp_role_uuid(all[i]), 16);
		len += 18;
	}
	value[1] = (uint8_t)(len - 2);
	copy = OPENSSL_memdup(value, len);
	return add_extension(x, pki_oid_make(PKI_OID_ROLE), true, copy, (int)len);
}

/* "A Unicode string", as the subject is one: a distinguished name with a BMPString in it (T43). */
static bool add_alt_name(X509 *x, const char *oid, struct pnrp_units text)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	X509_NAME *directory = X509_NAME_new();
	uint8_t *value = NULL;
	int len = -1;

	if (names && name && directory && set_name(directory, text)) {
		GENERAL_NAME_set0_value(name, GEN_DIRNAME, directory);
		directory = NULL;
		if (sk_GENERAL_NAME_push(names, name)) {
			name = NULL;
			len = i2d_GENERAL_NAMES(names, &value);
		}
	}
	X509_NAME_free(directory);
	GENERAL_NAME_free(name);
	GENERAL_NAMES_free(names);
	return add_extension(x, OBJ_txt2obj(oid, 1), false, value, len);
}

static bool add_alt_names(X509 *x, const struct pnrp_certificate *c)
{
	static const char *const subject[PNRP_ALT_NAMES] = {"2.5.29.17", "2.5.29.7"};
	static const char *const issuer[PNRP_ALT_NAMES] = {"2.5.29.18", "2.5.29.8"};

	for (unsigned i = 0; i < PNRP_ALT_NAMES; i++) {
		if (c->has_subject_alt[i] && !add_alt_name(x, subject[i], c->subject_alt[i]))
			return false;
		if (c->has_issuer_alt[i] && !add_alt_name(x, issuer[i], c->issuer_alt[i]))
			return false;
	}
	return true;
}

/* [MS-PPSEC] 2.2.3: peer authentication, and a TLS server's. */
static bool add_usage(X509 *x)
{
	EXTENDED_KEY_USAGE *usage = EXTENDED_KEY_USAGE_new();
	ASN1_OBJECT *peer = pki_oid_make(PKI_OID_PEER_AUTHENTICATION);
	uint8_t *value = NULL;
	int len = -1;

	if (usage && peer && sk_ASN1_OBJECT_push(usage, peer)) {
		peer = NULL;
		if (sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_server_auth)))
			len = i2d_EXTENDED_KEY_USAGE(usage, &value);
	}
	ASN1_OBJECT_free(peer);
	EXTENDED_KEY_USAGE_free(usage);
	return add_extension(x, OBJ_txt2obj("2.5.29.37", 1), false, value, len);
}

/* What says that an identity is one. */
static bool add_identity_extensions(X509 *x, const struct pnrp_certificate *c)
{
	const uint8_t type[4] = {(uint8_t)c->type, 0, 0, 0};

	return add_octets(x, PKI_OID_TYPE, type) && add_octets(x, PKI_OID_VERSION, pki_certificate_version) &&
	       add_alt_names(x, c) && add_usage(x);
}

static bool add_extensions(X509 *x, const struct pnrp_certificate *c)
{
	const uint8_t type[4] = {(uint8_t)c->type, 0, 0, 0};

	if (c->type == PNRP_CERTIFICATE_IDENTITY)
		return add_identity_extensions(x, c);

	return add_octets(x, PKI_OID_TYPE, type) && add_octets(x, PKI_OID_VERSION, pki_certificate_version) &&
	       add_names(x, pki_oid_make(PKI_OID_PEER_NAME), PKI_OID_PEER_NAME_VALUE, &c->peer_name, 1) &&
	       (!c->has_roles || add_roles(x, c->roles)) &&
	       (!c->has_classifiers || add_names(x, pki_oid_make(PKI_OID_CLASSIFIERS), PKI_OID_CLASSIFIER_VALUE,
						 c->classifiers, c->classifier_count)) &&
	       add_alt_names(x, c);
}

/* ---- a certificate ------------------------------------------------------------------------ */

/* 16 bytes that stay 16 in DER: positive, and the first not zero. */
static bool set_serial(X509 *x, const struct ponto_random *random)
{
	uint8_t bytes[PNRP_CERTIFICATE_SERIAL];
	ASN1_INTEGER *serial = NULL;
	BIGNUM *number;
	bool good;

	random->fill(random->ctx, bytes, sizeof(bytes));
	bytes[0] = (bytes[0] & 0x3f) | 0x40;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	if (number)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	good = serial && X509_set_serialNumber(x, serial);
	ASN1_INTEGER_free(serial);
	BN_free(number);
	return good;
}

static bool set_key(struct pki_crypto *crypto, X509 *x, struct ponto_bytes public_key)
{
	EVP_PKEY *key = NULL;
	bool good =
		pki_key_public(crypto, PONTO_PROFILE_WINDOWS, public_key, &key) == PONTO_OK && X509_set_pubkey(x, key);

	EVP_PKEY_free(key);
	return good;
}

static bool set_fields(struct pki_crypto *crypto, const struct ponto_random *random, const struct pnrp_certificate *c,
		       struct pnrp_units issuer, X509 *x)
{
	/* No call sets them from outside; x is ours, and not const. */
	X509_ALGOR *inner = (X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(x);

	return X509_set_version(x, X509_VERSION_3) && set_serial(x, random) &&
	       X509_ALGOR_set0(inner, OBJ_nid2obj(NID_sha1WithRSAEncryption), V_ASN1_NULL, NULL) &&
	       set_name(X509_get_subject_name(x), c->subject) && set_name(X509_get_issuer_name(x), issuer) &&
	       ASN1_TIME_set(X509_getm_notBefore(x), (time_t)c->not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), (time_t)c->not_after) && set_key(crypto, x, c->public_key) &&
	       add_extensions(x, c);
}

/* Through the one way of signing that works whatever the system forbids (pki_crypto.c). */
static int sign_certificate(X509 *x, pki_sign_fn *sign, void *arg)
{
	const ASN1_BIT_STRING *signature;
	const X509_ALGOR *algorithm;
	uint8_t bytes[PONTO_SIGNATURE_MAX], *tbs = NULL;
	int tbs_len = i2d_re_X509_tbs(x, &tbs);
	ASN1_BIT_STRING *bits;
	size_t len = 0;
	int result;

	if (tbs_len <= 0)
		return pki_crypto_error(PONTO_ENOMEM);
	result = sign(arg, ponto_bytes(tbs, (size_t)tbs_len), bytes, &len);
	OPENSSL_free(tbs);
	if (result)
		return result;
	X509_get0_signature(&signature, &algorithm, x);
	bits = (ASN1_BIT_STRING *)(uintptr_t)signature;
	if (!X509_ALGOR_set0((X509_ALGOR *)(uintptr_t)algorithm, OBJ_nid2obj(NID_sha1WithRSAEncryption), V_ASN1_NULL,
			     NULL) ||
	    !ASN1_BIT_STRING_set(bits, bytes, (int)len))
		return pki_crypto_error(PONTO_ENOMEM);
	bits->flags &= ~7L; /* no bits of the last byte are left out, whatever their value */
	bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	return PONTO_OK;
}

int pki_certificate_make(struct pki_crypto *crypto, const struct ponto_random *random,
			 const struct pnrp_certificate *content, struct pnrp_units issuer, pki_sign_fn *sign, void *arg,
			 X509 **out)
{
	X509 *x = X509_new_ex(crypto->lib, NULL);
	int result = PONTO_OK;

	if (!x || !set_fields(crypto, random, content, issuer, x))
		result = pki_crypto_error(PONTO_ENOMEM);
	if (!result)
		result = sign_certificate(x, sign, arg);
	if (result) {
		X509_free(x);
		return result;
	}
	*out = x;
	return PONTO_OK;
}

/* ---- a chain ---------------------------------------------------------------------------------- */

/* A message with certificates only: nothing is said, and nobody signs it. */
static PKCS7 *new_message(void)
{
	PKCS7 *p7 = PKCS7_new();

	if (p7 && PKCS7_set_type(p7, NID_pkcs7_signed)) {
		p7->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
		return p7;
	}
	PKCS7_free(p7);
	return NULL;
}

int pki_chain_write(X509 *const *certificates, size_t count, const struct ponto_alloc *alloc, uint8_t **out,
		    size_t *len)
{
	PKCS7 *p7 = new_message();
	uint8_t *der = NULL, *copy;
	int size = -1, result = PONTO_OK;
	bool good = p7;

	for (size_t i = 0; good && i < count; i++)
		good = PKCS7_add_certificate(p7, certificates[i]);
	if (good)
		size = i2d_PKCS7(p7, &der);
	PKCS7_free(p7);
	if (size <= 0)
		return pki_crypto_error(PONTO_ENOMEM);
	if (size > PONTO_CHAIN_MAX) {
		result = PONTO_ELIMIT;
	} else {
		copy = ponto_bytes_dup(alloc, ponto_bytes(der, (size_t)size));
		if (copy) {
			*out = copy;
			*len = (size_t)size;
		} else {
			result = PONTO_ENOMEM;
		}
	}
	OPENSSL_free(der);
	return result;
}
