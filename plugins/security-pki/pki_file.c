#include "plugins/security-pki/pki_file.h"

#include <inttypes.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "framework/digest.h"

#define HEADERS_MAX 1536 /* bytes: the longest name, classifier and key leave a quarter of it */
#define CLASSIFIER "Ponto-Classifier"
#define LABEL_PLAIN PEM_STRING_PKCS8INF
#define LABEL_ENCRYPTED PEM_STRING_PKCS8

/* A file taken apart. */
struct parts {
	struct pki_record record;
	bool encrypted;
	uint8_t *der; /* OpenSSL's memory */
	long der_len;
};

static const char *profile_name(uint32_t profile)
{
	return profile == PONTO_PROFILE_WINDOWS ? "windows" : "modern";
}

/* The headers before the check, as they are written and as they are hashed. */
static size_t format_headers(const struct pki_record *record, char out[HEADERS_MAX])
{
	const struct ponto_identity *identity = &record->identity;
	bool classified = record->classifier[0];
	char key[2 * PONTO_PUBLIC_KEY_MAX + 1];

	ponto_hex(ponto_bytes(identity->public_key, identity->public_key_len), key);
	return (size_t)snprintf(out, HEADERS_MAX,
				"Ponto-Identity: 1\nPonto-Profile: %s\nPonto-Id: %s\nPonto-Created: %" PRIu64
				"\nPonto-Name: %s\n%s%s%sPonto-Public-Key: %s\n",
				profile_name(identity->profile), identity->id, identity->created, identity->name,
				classified ? CLASSIFIER ": " : "", record->classifier, classified ? "\n" : "", key);
}

static void compute_check(const struct pki_record *record, const uint8_t *der, size_t len,
			  uint8_t out[PONTO_SHA256_SIZE])
{
	char headers[HEADERS_MAX];
	struct ponto_bytes parts[2];

	parts[0] = ponto_bytes(headers, format_headers(record, headers));
	parts[1] = ponto_bytes(der, len);
	ponto_sha256(parts, 2, out);
}

/* ---- writing ---------------------------------------------------------------- */

/* The PKCS#8 DER of a key; encrypted by PBES2 with AES-256 when there is a password. */
static int key_to_der(struct pki_crypto *crypto, EVP_PKEY *key, struct ponto_bytes password, int iterations,
		      uint8_t **der, int *len)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	EVP_CIPHER *cipher = NULL;
	X509_SIG *sealed = NULL;
	int result = PONTO_OK;

	*der = NULL;
	if (info && password.len) {
		cipher = EVP_CIPHER_fetch(crypto->lib, "AES-256-CBC", NULL);
		if (cipher)
			sealed = PKCS8_encrypt_ex(-1, cipher, (const char *)password.data, (int)password.len, NULL, 0,
						  iterations, info, crypto->lib, NULL);
		*len = sealed ? i2d_X509_SIG(sealed, der) : -1;
	} else {
		*len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, der) : -1;
	}
	if (*len <= 0)
		result = pki_crypto_error(PONTO_ENOTSUP);
	X509_SIG_free(sealed);
	EVP_CIPHER_free(cipher);
	PKCS8_PRIV_KEY_INFO_free(info);
	return result;
}

int pki_file_write(struct pki_crypto *crypto, const struct pki_record *record, EVP_PKEY *key,
		   struct ponto_bytes password, int iterations, const struct ponto_alloc *alloc, uint8_t **text,
		   size_t *len)
{
	uint8_t check[PONTO_SHA256_SIZE];
	char headers[HEADERS_MAX], hex[2 * PONTO_SHA256_SIZE + 1];
	uint8_t *der = NULL, *copy;
	char *written;
	BIO *bio = NULL;
	int der_len = 0;
	long size;
	int result = key_to_der(crypto, key, password, iterations, &der, &der_len);

	if (result)
		return result;
	compute_check(record, der, (size_t)der_len, check);
	ponto_hex(ponto_bytes(check, sizeof(check)), hex);
	format_headers(record, headers);
	bio = BIO_new(BIO_s_mem());
	if (!bio || BIO_printf(bio, "%sPonto-Check: %s\n", headers, hex) <= 0 ||
	    PEM_write_bio(bio, password.len ? LABEL_ENCRYPTED : LABEL_PLAIN, "", der, der_len) <= 0) {
		result = pki_crypto_error(PONTO_ENOMEM);
		goto out;
	}
	size = BIO_get_mem_data(bio, &written);
	copy = ponto_new(alloc, (size_t)size + 1, 1);
	if (!copy) {
		result = PONTO_ENOMEM;
		goto out;
	}
	memcpy(copy, written, (size_t)size);
	*text = copy;
	*len = (size_t)size;
out:
	BIO_free(bio); /* OpenSSL clears its buffer */
	OPENSSL_clear_free(der, (size_t)der_len);
	return result;
}

/* ---- reading ---------------------------------------------------------------- */

/* Takes the next line, which must be "name: value", without its end (a carriage return from mail is forgiven). */
static int take_header(struct ponto_bytes *rest, const char *name, struct ponto_bytes *value)
{
	const uint8_t *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	size_t name_len = strlen(name);
	size_t line = end ? (size_t)(end - rest->data) : 0;

	if (!end || line < name_len + 2 || memcmp(rest->data, name, name_len) != 0 ||
	    memcmp(rest->data + name_len, ": ", 2) != 0)
		return PONTO_EPROTO;
	*value = ponto_bytes(rest->data + name_len + 2, line - name_len - 2);
	if (value->len && value->data[value->len - 1] == '\r')
		value->len--;
	*rest = ponto_bytes(end + 1, rest->len - line - 1);
	return PONTO_OK;
}

/* The value as text of less than size bytes; a NUL inside makes it too short to be valid. */
static int take_text(struct ponto_bytes *rest, const char *name, char *out, size_t size)
{
	struct ponto_bytes value;
	int result = take_header(rest, name, &value);

	if (result)
		return result;
	if (value.len == 0 || value.len >= size || memchr(value.data, 0, value.len))
		return PONTO_EPROTO;
	memcpy(out, value.data, value.len);
	out[value.len] = 0;
	return PONTO_OK;
}

static int parse_u64(const char *text, uint64_t *out)
{
	uint64_t v = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return PONTO_EPROTO;
	for (; *text; text++) {
		unsigned digit = (unsigned)*text - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return PONTO_EPROTO;
		v = v * 10 + digit;
	}
	*out = v;
	return PONTO_OK;
}

/* Lower-case hexadecimal of len bytes: one text for one value. */
static int parse_hex(const char *text, uint8_t *out, size_t len)
{
	return text[strspn(text, "0123456789abcdef")] || ponto_unhex(text, out, len) ? PONTO_EPROTO : PONTO_OK;
}

/* There is none where it would be empty. */
static int take_classifier(struct ponto_bytes *rest, char out[PONTO_CLASSIFIER_TEXT])
{
	struct ponto_bytes value, ahead = *rest;

	out[0] = '\0';
	if (take_header(&ahead, CLASSIFIER, &value))
		return PONTO_OK;
	if (take_text(rest, CLASSIFIER, out, PONTO_CLASSIFIER_TEXT) || !ponto_identity_classifier_valid(out))
		return PONTO_EPROTO;
	return PONTO_OK;
}

static int parse_headers(struct ponto_bytes *rest, struct pki_record *record, uint8_t check[PONTO_SHA256_SIZE])
{
	struct ponto_identity *identity = &record->identity;
	char version[8], profile[16], id[PONTO_IDENTITY_ID], created[24], key[2 * PONTO_PUBLIC_KEY_MAX + 1];
	char hex[2 * PONTO_SHA256_SIZE + 1];
	uint8_t raw[PONTO_PUBLIC_KEY_MAX];

	memset(record, 0, sizeof(*record));
	if (take_text(rest, "Ponto-Identity", version, sizeof(version)) || strcmp(version, "1") != 0 ||
	    take_text(rest, "Ponto-Profile", profile, sizeof(profile)) || take_text(rest, "Ponto-Id", id, sizeof(id)) ||
	    take_text(rest, "Ponto-Created", created, sizeof(created)) || parse_u64(created, &identity->created) ||
	    take_text(rest, "Ponto-Name", identity->name, sizeof(identity->name)) ||
	    !ponto_identity_name_valid(identity->name) || take_classifier(rest, record->classifier) ||
	    take_text(rest, "Ponto-Public-Key", key, sizeof(key)) || strlen(key) % 2 ||
	    parse_hex(key, raw, strlen(key) / 2) || take_text(rest, "Ponto-Check", hex, sizeof(hex)) ||
	    parse_hex(hex, check, PONTO_SHA256_SIZE))
		return PONTO_EPROTO;
	identity->profile = strcmp(profile, "windows") == 0 ? PONTO_PROFILE_WINDOWS : PONTO_PROFILE_MODERN;
	if (strcmp(profile, profile_name(identity->profile)) != 0 ||
	    ponto_identity_set_key(identity->profile, ponto_bytes(raw, strlen(key) / 2), identity) ||
	    strcmp(id, identity->id) != 0)
		return PONTO_EPROTO;
	return PONTO_OK;
}

/* OpenSSL overlooks control characters at the ends of lines; here they are damage. */
static bool is_text(struct ponto_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if ((bytes.data[i] < ' ' && bytes.data[i] != '\n' && bytes.data[i] != '\r') || bytes.data[i] > '~')
			return false;
	return true;
}

static bool only_space(BIO *bio)
{
	char c;

	while (BIO_read(bio, &c, 1) == 1)
		if (c != '\n' && c != '\r' && c != ' ')
			return false;
	return true;
}

static int parse_pem(struct ponto_bytes rest, struct parts *parts)
{
	BIO *bio = rest.len <= PONTO_EXPORT_MAX ? BIO_new_mem_buf(rest.data, (int)rest.len) : NULL;
	char *label = NULL, *header = NULL;
	int result = PONTO_EPROTO;

	if (!bio)
		return pki_crypto_error(PONTO_EPROTO);
	if (rest.len > 10 && memcmp(rest.data, "-----BEGIN", 10) == 0 && is_text(rest) &&
	    PEM_read_bio(bio, &label, &header, &parts->der, &parts->der_len) > 0 && !*header && only_space(bio)) {
		parts->encrypted = strcmp(label, LABEL_ENCRYPTED) == 0;
		if (parts->encrypted || strcmp(label, LABEL_PLAIN) == 0)
			result = PONTO_OK;
	}
	OPENSSL_free(label);
	OPENSSL_free(header);
	BIO_free(bio);
	return result ? pki_crypto_error(result) : PONTO_OK;
}

static void parts_clear(struct parts *parts)
{
	OPENSSL_clear_free(parts->der, parts->der ? (size_t)parts->der_len : 0);
	parts->der = NULL;
}

static int parse(struct ponto_bytes text, struct parts *parts)
{
	uint8_t check[PONTO_SHA256_SIZE], seen[PONTO_SHA256_SIZE];
	struct ponto_bytes rest = text;
	int result;

	memset(parts, 0, sizeof(*parts));
	if (text.len > PONTO_EXPORT_MAX)
		return PONTO_EPROTO;
	result = parse_headers(&rest, &parts->record, check);
	if (!result)
		result = parse_pem(rest, parts);
	if (!result) {
		compute_check(&parts->record, parts->der, (size_t)parts->der_len, seen);
		if (memcmp(check, seen, sizeof(check)) != 0)
			result = PONTO_EPROTO;
	}
	if (result)
		parts_clear(parts);
	return result;
}

int pki_file_describe(struct ponto_bytes text, struct pki_record *out, bool *encrypted)
{
	struct parts parts;
	uint32_t owner = out->identity.owner;
	int result = parse(text, &parts);

	if (result)
		return result;
	*out = parts.record;
	out->identity.owner = owner;
	if (encrypted)
		*encrypted = parts.encrypted;
	parts_clear(&parts);
	return PONTO_OK;
}

/* Only what we write: PBES2 with PBKDF2 and AES-256-CBC, so that no file can ask for an hour of hashing. */
static bool kdf_acceptable(const X509_SIG *sealed)
{
	const X509_ALGOR *algor;
	PBE2PARAM *pbe = NULL;
	PBKDF2PARAM *kdf = NULL;
	bool good = false;
	int64_t iterations;

	X509_SIG_get0(sealed, &algor, NULL);
	if (OBJ_obj2nid(algor->algorithm) == NID_pbes2)
		pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algor->parameter);
	if (pbe && OBJ_obj2nid(pbe->keyfunc->algorithm) == NID_id_pbkdf2)
		kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbe->keyfunc->parameter);
	if (kdf && ASN1_INTEGER_get_int64(&iterations, kdf->iter))
		good = iterations >= 1 && iterations <= PKI_ITERATIONS_MAX &&
		       OBJ_obj2nid(pbe->encryption->algorithm) == NID_aes_256_cbc;
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(pbe);
	return good;
}

static int decrypt(struct pki_crypto *crypto, const struct parts *parts, struct ponto_bytes password,
		   PKCS8_PRIV_KEY_INFO **out)
{
	const uint8_t *p = parts->der;
	X509_SIG *sealed;

	if (!parts->encrypted) {
		*out = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, parts->der_len);
		return *out && p == parts->der + parts->der_len ? PONTO_OK : pki_crypto_error(PONTO_EPROTO);
	}
	if (password.len == 0)
		return PONTO_EAUTH;
	sealed = d2i_X509_SIG(NULL, &p, parts->der_len);
	if (!sealed || p != parts->der + parts->der_len || !kdf_acceptable(sealed)) {
		X509_SIG_free(sealed);
		return pki_crypto_error(PONTO_EPROTO);
	}
	*out = PKCS8_decrypt_ex(sealed, (const char *)password.data, (int)password.len, crypto->lib, NULL);
	X509_SIG_free(sealed);
	return *out ? PONTO_OK : pki_crypto_error(PONTO_EAUTH);
}

int pki_file_read(struct pki_crypto *crypto, struct ponto_bytes text, struct ponto_bytes password, bool thorough,
		  struct pki_record *out, EVP_PKEY **key)
{
	struct ponto_identity seen;
	struct parts parts;
	PKCS8_PRIV_KEY_INFO *info = NULL;
	EVP_PKEY *found = NULL;
	uint32_t owner = out->identity.owner;
	int result = parse(text, &parts);

	if (result)
		return result;
	memset(&seen, 0, sizeof(seen));
	result = decrypt(crypto, &parts, password, &info);
	if (!result) {
		found = EVP_PKCS82PKEY_ex(info, crypto->lib, NULL);
		if (!found)
			result = pki_crypto_error(PONTO_EPROTO);
	}
	if (!result)
		result = pki_key_describe(parts.record.identity.profile, found, &seen);
	if (!result && strcmp(seen.id, parts.record.identity.id) != 0)
		result = PONTO_EPROTO;
	if (!result && thorough)
		result = pki_key_check(crypto, parts.record.identity.profile, found);
	if (!result) {
		*out = parts.record;
		out->identity.owner = owner;
		*key = found;
		found = NULL;
	}
	EVP_PKEY_free(found);
	PKCS8_PRIV_KEY_INFO_free(info);
	parts_clear(&parts);
	return result;
}
