/* Keys on their way in and out in forms of others: PKCS #12 (RFC 7292), as Windows exports identities, and PEM. */
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "engines/pnrp/pnrp_name.h"
#include "plugins/security-pki/pki.h"
#include "plugins/security-pki/pki_chain.h"

/* ---- out: PKCS #12 ------------------------------------------------------------------------- */

/* With what every Windows reads: three-key triple DES, and SHA-1 for the password and the check. */
static int write_pfx(struct pki *pki, const struct ponto_identity *me, EVP_PKEY *key, X509 *x, const char *password,
		     const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	const int method = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
	PKCS12 *p12 = PKCS12_create_ex(password, me->name, key, x, NULL, method, method, pki->iterations, -1, 0,
				       pki->crypto.lib, NULL);
	uint8_t *der = NULL, *copy;
	int size = -1;

	if (p12 && PKCS12_set_mac(p12, password, -1, NULL, 0, pki->iterations, EVP_sha1()))
		size = i2d_PKCS12(p12, &der);
	PKCS12_free(p12);
	if (size <= 0)
		return pki_crypto_error(PONTO_ENOMEM);
	copy = ponto_bytes_dup(alloc, ponto_bytes(der, (size_t)size));
	OPENSSL_clear_free(der, (size_t)size);
	if (!copy)
		return PONTO_ENOMEM;
	*data = copy;
	*len = (size_t)size;
	return PONTO_OK;
}

int pki_identity_export_pfx(void *self, uint32_t owner, const char *id, const char *password,
			    const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	struct pki_record record;
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	int result = pki_check_password(password);

	if (!result)
		result = pki_card_load(self, owner, id, &record, &key, &x);
	if (!result)
		result = write_pfx(self, &record.identity, key, x, password, alloc, data, len);
	X509_free(x);
	EVP_PKEY_free(key);
	return result;
}

/* ---- in: PKCS #12 -------------------------------------------------------------------------- */

/* How long a password may be worked on is for us to say, not for the file. */
static bool rounds_fit(const X509_ALGOR *algorithm)
{
	PBEPARAM *pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
	int64_t rounds = 0;
	bool good = pbe && ASN1_INTEGER_get_int64(&rounds, pbe->iter) && rounds >= 1 && rounds <= PKI_ITERATIONS_MAX;

	PBEPARAM_free(pbe);
	return good;
}

static bool bags_fit(const STACK_OF(PKCS12_SAFEBAG) * bags)
{
	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
		const X509_ALGOR *algorithm;

		if (PKCS12_SAFEBAG_get_nid(bag) != NID_pkcs8ShroudedKeyBag)
			continue;
		X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
		if (!rounds_fit(algorithm))
			return false;
	}
	return true;
}

static bool safes_fit(const PKCS12 *p12)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	bool good = safes;

	for (int i = 0; good && i < sk_PKCS7_num(safes); i++) {
		PKCS7 *safe = sk_PKCS7_value(safes, i);
		STACK_OF(PKCS12_SAFEBAG) * bags;

		if (PKCS7_type_is_encrypted(safe)) {
			good = rounds_fit(safe->d.encrypted->enc_data->algorithm);
			continue;
		}
		bags = PKCS7_type_is_data(safe) ? PKCS12_unpack_p7data(safe) : NULL;
		good = bags && bags_fit(bags);
		sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	}
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return good;
}

/* What the check over all the rest does not cover is bounded, or must be as RFC 7292 writes it. */
static bool mac_fits(const PKCS12 *p12)
{
	const ASN1_INTEGER *iter = NULL;
	const X509_ALGOR *algorithm = NULL;
	int64_t rounds = 1;
	int parameter;

	if (!PKCS12_mac_present(p12))
		return false;
	PKCS12_get0_mac(NULL, &algorithm, NULL, &iter, p12);
	X509_ALGOR_get0(NULL, &parameter, NULL, algorithm);
	return (parameter == V_ASN1_UNDEF || parameter == V_ASN1_NULL) &&
	       (!iter || ASN1_INTEGER_get_int64(&rounds, iter)) && rounds >= 1 && rounds <= PKI_ITERATIONS_MAX;
}

/* Version 3 stands first, and OpenSSL does not look at it. */
static bool version_fits(struct ponto_bytes data)
{
	static const uint8_t version[] = {V_ASN1_INTEGER, 1, 3};
	const unsigned char *at = data.data;
	int tag, class;
	long len;

	return !(ASN1_get_object(&at, &len, &tag, &class, (long)data.len) & 0x80) && len >= (long)sizeof(version) &&
	       memcmp(at, version, sizeof(version)) == 0;
}

/* Key and certificate, if there is one. PONTO_EAUTH: wrong password. gives *key and *x */
static int open_pfx(struct pki *pki, struct ponto_bytes data, const char *password, EVP_PKEY **key, X509 **x)
{
	PKCS12 *p12 = PKCS12_init_ex(NID_pkcs7_data, pki->crypto.lib, NULL);
	const uint8_t *at = data.data;
	int result = PONTO_OK;

	if (!p12)
		return pki_crypto_error(PONTO_ENOMEM);
	if (!d2i_PKCS12(&p12, &at, (long)data.len) || at != data.data + data.len || !version_fits(data) ||
	    !mac_fits(p12) || !safes_fit(p12))
		result = pki_crypto_error(PONTO_EPROTO);
	else if (!PKCS12_verify_mac(p12, password, -1))
		result = pki_crypto_error(PONTO_EAUTH);
	else if (!PKCS12_parse(p12, password, key, x, NULL) || !*key)
		result = pki_crypto_error(PONTO_EPROTO);
	PKCS12_free(p12);
	return result;
}

/* The certificate's display name; without one, the identity's own id. */
static void take_name(X509 *x, struct ponto_identity *identity)
{
	int len = 0;
	const uint8_t *alias = x ? X509_alias_get0(x, &len) : NULL;

	snprintf(identity->name, sizeof(identity->name), "%.*s", len, alias ? (const char *)alias : "");
	if (!ponto_identity_name_valid(identity->name))
		strcpy(identity->name, identity->id);
}

/* Of the names a certificate says one must be this. One that says none, or in another form, proves nothing. */
static int check_certificate(struct pki *pki, X509 *x, const char *peer_name)
{
	const struct ponto_alloc *alloc = pki->env->alloc;
	const struct pnrp_certificate *c;
	struct pki_chain *chain = NULL;
	uint8_t *der = NULL;
	bool said = false, same = false;
	size_t len = 0;
	int result = pki_chain_write(&x, 1, alloc, &der, &len);

	if (!result)
		result = pki_chain_parse(alloc, ponto_bytes(der, len), &chain);
	ponto_free(alloc, der);
	if (result)
		return result == PONTO_ENOMEM ? result : PONTO_OK;
	c = &chain->certificates[0];
	for (size_t i = 0; i < PNRP_ALT_NAMES; i++) {
		char text[PNRP_NAME_TEXT];

		if (!c->has_subject_alt[i])
			continue;
		pnrp_units_text(c->subject_alt[i].unit, c->subject_alt[i].count, text, sizeof(text));
		said = true;
		same = same || strcmp(text, peer_name) == 0;
	}
	pki_chain_free(chain);
	return said && !same ? PONTO_EPROTO : PONTO_OK;
}

/* A key of unknown origin becomes an identity. */
static int take_key(struct pki *pki, struct pki_record *record, EVP_PKEY *key, struct ponto_identity *out)
{
	int result = pki_key_check(&pki->crypto, record->identity.profile, key);

	if (!result)
		result = pki_admit(pki, record, key, true);
	if (!result || result == PONTO_EEXIST)
		*out = record->identity;
	return result;
}

/* The parts of authority.classifier. */
static bool split_name(const char *peer_name, char id[PONTO_IDENTITY_ID], char classifier[PONTO_CLASSIFIER_TEXT])
{
	size_t len = peer_name ? strnlen(peer_name, PNRP_NAME_TEXT) : 0;

	if (len < PONTO_IDENTITY_ID || len >= PONTO_IDENTITY_ID + PONTO_CLASSIFIER_TEXT ||
	    peer_name[PONTO_IDENTITY_ID - 1] != '.')
		return false;
	memcpy(id, peer_name, PONTO_IDENTITY_ID - 1);
	id[PONTO_IDENTITY_ID - 1] = '\0';
	strcpy(classifier, peer_name + PONTO_IDENTITY_ID);
	return ponto_identity_id_valid(id) && ponto_identity_classifier_valid(classifier);
}

static int check_import(struct pki *pki, struct ponto_bytes data, const char *password)
{
	int result = pki_check_password(password);

	if (!result)
		result = pki_usable(pki, PONTO_PROFILE_WINDOWS);
	return !result && (data.len == 0 || data.len > PONTO_EXPORT_MAX) ? PONTO_EPROTO : result;
}

int pki_identity_import_pfx(void *self, uint32_t owner, const char *peer_name, struct ponto_bytes data,
			    const char *password, struct ponto_identity *out)
{
	struct pki_record record = {.identity = {.profile = PONTO_PROFILE_WINDOWS, .owner = owner}};
	char id[PONTO_IDENTITY_ID];
	struct pki *pki = self;
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	int result = check_import(pki, data, password);

	if (!result && !split_name(peer_name, id, record.classifier))
		result = PONTO_EPROTO;
	if (!result)
		result = open_pfx(pki, data, password, &key, &x);
	if (!result)
		result = pki_key_describe(PONTO_PROFILE_WINDOWS, key, &record.identity);
	if (!result && strcmp(record.identity.id, id) != 0)
		result = PONTO_EPROTO;
	if (!result && x)
		result = check_certificate(pki, x, peer_name);
	if (!result) {
		take_name(x, &record.identity);
		result = take_key(pki, &record, key, out);
	}
	X509_free(x);
	EVP_PKEY_free(key);
	return result;
}

/* ---- in: PEM -------------------------------------------------------------------------------------- */

/* Nobody is asked for a password. */
static int no_password(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

int pki_identity_adopt(void *self, uint32_t owner, uint32_t profile, const char *name, struct ponto_bytes key,
		       struct ponto_identity *out)
{
	struct pki_record record = {.identity = {.profile = profile, .owner = owner}};
	struct pki *pki = self;
	EVP_PKEY *found = NULL;
	BIO *bio = NULL;
	int result = ponto_identity_name_valid(name) ? pki_usable(pki, profile) : PONTO_EINVAL;

	if (!result && (key.len == 0 || key.len > PONTO_EXPORT_MAX))
		result = PONTO_EPROTO;
	if (!result)
		result = pki_has_room(pki, owner);
	if (result)
		return result;
	strcpy(record.identity.name, name);
	bio = BIO_new_mem_buf(key.data, (int)key.len);
	if (!bio)
		return pki_crypto_error(PONTO_ENOMEM);
	found = PEM_read_bio_PrivateKey_ex(bio, NULL, no_password, NULL, pki->crypto.lib, NULL);
	result = found ? pki_key_describe(profile, found, &record.identity) : pki_crypto_error(PONTO_EPROTO);
	if (!result)
		result = take_key(pki, &record, found, out);
	EVP_PKEY_free(found);
	BIO_free(bio);
	return result;
}
