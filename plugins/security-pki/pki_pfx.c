/* Keys on their way in and out in forms of others: PKCS #12 (RFC 7292), as Windows exports identities, and PEM. */
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "engines/pnrp/pnrp_name.h"
#include "plugins/security-pki/pki.h"
#include "plugins/security-pki/pki_chain.h"
#include "plugins/security-pki/pki_pfx_read.h"

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
		result = pki_pfx_read(&pki->crypto, data, password, PKI_ITERATIONS_MAX, &key, &x);
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
