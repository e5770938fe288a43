/* Taking a certificate chain apart. */
#include "plugins/security-pki/pki_chain.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "plugins/security-pki/pki_chain_text.h"

#define PEM_LABEL "PKCS7"
#define WORD_BYTES 16 /* an otherName with a type-id of ours has more */

/* ---- fields of one certificate -------------------------------------------------------- */

static bool is_sha1_rsa(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *oid;
	int type;

	X509_ALGOR_get0(&oid, &type, NULL, algorithm);
	return OBJ_obj2nid(oid) == NID_sha1WithRSAEncryption && (type == V_ASN1_NULL || type == V_ASN1_UNDEF);
}

/* Exactly 16 bytes: as they stand in the certificate, or of a number that needs a zero before them. */
static bool serial_fits(const ASN1_INTEGER *serial)
{
	int encoded = i2d_ASN1_INTEGER(serial, NULL) - 2;

	return encoded == PNRP_CERTIFICATE_SERIAL ||
	       (encoded == PNRP_CERTIFICATE_SERIAL + 1 && ASN1_STRING_length(serial) == PNRP_CERTIFICATE_SERIAL);
}

static bool no_unique_ids(const X509 *x)
{
	const ASN1_BIT_STRING *issuer = NULL, *subject = NULL;

	X509_get0_uids(x, &issuer, &subject);
	return (!issuer || ASN1_STRING_length(issuer) == 0) && (!subject || ASN1_STRING_length(subject) == 0);
}

/* Seconds since 1970, 0 for what is earlier. */
static bool read_time(const ASN1_TIME *time, uint64_t *out)
{
	struct tm tm;
	time_t seconds;

	if (!ASN1_TIME_to_tm(time, &tm))
		return false;
	seconds = timegm(&tm);
	*out = seconds < 0 ? 0 : (uint64_t)seconds;
	return true;
}

static bool read_key(X509 *x, struct pnrp_certificate *c)
{
	const unsigned char *key;
	ASN1_OBJECT *oid;
	X509_ALGOR *algorithm;
	int len, type;

	if (!X509_PUBKEY_get0_param(&oid, &key, &len, &algorithm, X509_get_X509_PUBKEY(x)))
		return false;
	X509_ALGOR_get0(NULL, &type, NULL, algorithm);
	c->public_key = ponto_bytes(key, (size_t)len);
	return OBJ_obj2nid(oid) == NID_rsaEncryption && (type == V_ASN1_NULL || type == V_ASN1_UNDEF) &&
	       ponto_public_key_check(PONTO_PROFILE_WINDOWS, c->public_key) == PONTO_OK;
}

/* ---- extensions -------------------------------------------------------------------------- */

/* Four bytes, bare or as the OCTET STRING that the ASN.1 has (T32). */
static const uint8_t *four_bytes(struct ponto_bytes value)
{
	if (value.len == 4)
		return value.data;
	return value.len == 6 && value.data[0] == V_ASN1_OCTET_STRING && value.data[1] == 4 ? value.data + 2 : NULL;
}

static bool read_type(struct pki_chain *chain, struct pnrp_certificate *c, struct ponto_bytes value)
{
	const uint8_t *b = four_bytes(value);

	(void)chain;
	if (b)
		c->type = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	return b;
}

static bool read_version(struct pki_chain *chain, struct pnrp_certificate *c, struct ponto_bytes value)
{
	const uint8_t *b = four_bytes(value);

	(void)chain;
	(void)c;
	return b && memcmp(b, pki_certificate_version, sizeof(pki_certificate_version)) == 0;
}

static bool read_flags(struct pki_chain *chain, struct pnrp_certificate *c, struct ponto_bytes value)
{
	static const uint8_t zero[4];
	const uint8_t *b = four_bytes(value);

	(void)chain;
	(void)c;
	return b && memcmp(b, zero, sizeof(zero)) == 0;
}

static bool read_roles(struct pki_chain *chain, struct pnrp_certificate *c, struct ponto_bytes value)
{
	const unsigned char *at = value.data;
	ASN1_SEQUENCE_ANY *list = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long)value.len);
	bool good = list && at == value.data + value.len && sk_ASN1_TYPE_num(list) > 0;

	(void)chain;
	for (int i = 0; good && i < sk_ASN1_TYPE_num(list); i++) {
		const ASN1_TYPE *item = sk_ASN1_TYPE_value(list, i);
		unsigned role = 0;

		if (item->type == V_ASN1_OCTET_STRING && ASN1_STRING_length(item->value.octet_string) == 16)
			role = pnrp_role_of(ASN1_STRING_get0_data(item->value.octet_string));
		c->roles |= role;
		good = role;
	}
	c->has_roles = good;
	sk_ASN1_TYPE_pop_free(list, ASN1_TYPE_free);
	return good;
}

static GENERAL_NAMES *general_names(struct ponto_bytes value)
{
	const unsigned char *at = value.data;
	GENERAL_NAMES *names = d2i_GENERAL_NAMES(NULL, &at, (long)value.len);

	if (names && at != value.data + value.len) {
		GENERAL_NAMES_free(names);
		return NULL;
	}
	return names;
}

/* An otherName of this type-id with a UniversalString. */
static bool read_own_kind(struct pki_chain *chain, const GENERAL_NAME *name, uint8_t a, uint8_t b, size_t max,
			  struct pnrp_units *out)
{
	const ASN1_TYPE *value;

	if (name->type != GEN_OTHERNAME || !pki_oid_is(name->d.otherName->type_id, a, b))
		return false;
	value = name->d.otherName->value;
	return value->type == V_ASN1_UNIVERSALSTRING &&
	       pki_text_of_string(chain, value->value.universalstring, max, out);
}

static bool read_peer_name(struct pki_chain *chain, struct pnrp_certificate *c, struct ponto_bytes value)
{
	GENERAL_NAMES *names = general_names(value);

	c->has_peer_name = names && sk_GENERAL_NAME_num(names) == 1 &&
			   read_own_kind(chain, sk_GENERAL_NAME_value(names, 0), PKI_OID_PEER_NAME_VALUE,
					 PNRP_PEER_NAME_TEXT, &c->peer_name) &&
			   c->peer_name.count > 0;
	GENERAL_NAMES_free(names);
	return c->has_peer_name;
}

static bool read_classifiers(struct pki_chain *chain, struct pnrp_certificate *c, struct ponto_bytes value)
{
	GENERAL_NAMES *names = general_names(value);
	bool good = names;

	c->classifiers = chain->words + chain->word_count;
	for (int i = 0; good && i < sk_GENERAL_NAME_num(names); i++) {
		good = chain->word_count < chain->word_room &&
		       read_own_kind(chain, sk_GENERAL_NAME_value(names, i), PKI_OID_CLASSIFIER_VALUE,
				     PNRP_CLASSIFIER_TEXT, &chain->words[chain->word_count]);
		if (good) {
			chain->word_count++;
			c->classifier_count++;
		}
	}
	c->has_classifiers = good;
	GENERAL_NAMES_free(names);
	return good;
}

/* Where [RFC2459] leaves the choice, and [MS-PNRP] says only "Unicode": any name that holds one text (T43). */
static bool read_general_name(struct pki_chain *chain, const GENERAL_NAME *name, struct pnrp_units *out)
{
	switch (name->type) {
	case GEN_OTHERNAME:
		return pki_text_of_type(chain, name->d.otherName->value, PNRP_CERTIFICATE_TEXT, out);
	case GEN_EMAIL:
	case GEN_DNS:
	case GEN_URI:
		return pki_text_of_string(chain, name->d.ia5, PNRP_CERTIFICATE_TEXT, out);
	case GEN_DIRNAME:
		return pki_text_of_name(chain, name->d.directoryName, out);
	default:
		return false;
	}
}

static bool read_bare_text(struct pki_chain *chain, struct ponto_bytes value, struct pnrp_units *out)
{
	const unsigned char *at = value.data;
	ASN1_TYPE *text = d2i_ASN1_TYPE(NULL, &at, (long)value.len);
	bool good = text && at == value.data + value.len && pki_text_of_type(chain, text, PNRP_CERTIFICATE_TEXT, out);

	ASN1_TYPE_free(text);
	return good;
}

static bool read_alt_name(struct pki_chain *chain, struct ponto_bytes value, struct pnrp_units *out)
{
	GENERAL_NAMES *names;
	bool good;

	if (value.len > 0 && value.data[0] != (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
		return read_bare_text(chain, value, out);
	names = general_names(value);
	good = names && sk_GENERAL_NAME_num(names) == 1 &&
	       read_general_name(chain, sk_GENERAL_NAME_value(names, 0), out);
	GENERAL_NAMES_free(names);
	return good;
}

static const struct {
	uint8_t a, b;
	bool (*read)(struct pki_chain *chain, struct pnrp_certificate *c, struct ponto_bytes value);
} private_extensions[] = {
	{PKI_OID_TYPE, read_type},	     {PKI_OID_VERSION, read_version},
	{PKI_OID_PEER_NAME, read_peer_name}, {PKI_OID_FLAGS, read_flags},
	{PKI_OID_ROLE, read_roles},	     {PKI_OID_CLASSIFIERS, read_classifiers},
};

#define PRIVATE_COUNT PONTO_ARRAY_SIZE(private_extensions)
#define SEEN_VERSION 1 /* places in the table above */
#define SEEN_ALT PRIVATE_COUNT

static bool is_id_ce(const ASN1_OBJECT *oid, uint8_t last)
{
	const uint8_t want[] = {0x55, 0x1d, last}; /* 2.5.29.last */

	return OBJ_length(oid) == sizeof(want) && memcmp(OBJ_get0_data(oid), want, sizeof(want)) == 0;
}

/* Where an alternative name goes; -1: it is none. */
static int alt_name_place(const ASN1_OBJECT *oid)
{
	static const uint8_t places[] = {17, 7, 18, 8}; /* subjectAltName, its forerunner; issuerAltName, likewise */

	for (int i = 0; i < 4; i++)
		if (is_id_ce(oid, places[i]))
			return i;
	return -1;
}

static bool read_extension(struct pki_chain *chain, struct pnrp_certificate *c, X509_EXTENSION *extension,
			   uint32_t *seen)
{
	const ASN1_OBJECT *oid = X509_EXTENSION_get_object(extension);
	const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(extension);
	struct ponto_bytes value = ponto_bytes(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data));
	bool critical = X509_EXTENSION_get_critical(extension) > 0;
	int place = alt_name_place(oid);
	size_t i = 0;

	if (place >= 0) {
		unsigned which = (unsigned)place % PNRP_ALT_NAMES;

		if (*seen & 1u << (SEEN_ALT + (unsigned)place))
			return false;
		*seen |= 1u << (SEEN_ALT + (unsigned)place);
		if (place < PNRP_ALT_NAMES) {
			c->has_subject_alt[which] = true;
			return read_alt_name(chain, value, &c->subject_alt[which]);
		}
		c->has_issuer_alt[which] = true;
		return read_alt_name(chain, value, &c->issuer_alt[which]);
	}
	while (i < PRIVATE_COUNT && !pki_oid_is(oid, private_extensions[i].a, private_extensions[i].b))
		i++;
	if (i == PRIVATE_COUNT)
		return !critical; /* what must be understood is not */
	if (!critical || *seen & 1u << i)
		return false;
	*seen |= 1u << i;
	return private_extensions[i].read(chain, c, value);
}

static bool read_extensions(struct pki_chain *chain, struct pnrp_certificate *c, const X509 *x)
{
	int count = X509_get_ext_count(x);
	uint32_t seen = 0;

	for (int i = 0; i < count; i++)
		if (!read_extension(chain, c, X509_get_ext(x, i), &seen))
			return false;
	return seen & 1u << SEEN_VERSION; /* what else has to be there, the rules say */
}

/* ---- one certificate, all of them ------------------------------------------------------------ */

static bool read_certificate(struct pki_chain *chain, X509 *x, struct pnrp_certificate *c)
{
	const ASN1_BIT_STRING *signature;
	const X509_ALGOR *algorithm;
	struct pnrp_units issuer;

	X509_get0_signature(&signature, &algorithm, x);
	return X509_get_version(x) == X509_VERSION_3 && is_sha1_rsa(algorithm) && is_sha1_rsa(X509_get0_tbs_sigalg(x)) &&
	       serial_fits(X509_get0_serialNumber(x)) && no_unique_ids(x) &&
	       read_time(X509_get0_notBefore(x), &c->not_before) && read_time(X509_get0_notAfter(x), &c->not_after) &&
	       pki_text_of_name(chain, X509_get_subject_name(x), &c->subject) &&
	       pki_text_of_name(chain, X509_get_issuer_name(x), &issuer) && read_key(x, c) &&
	       read_extensions(chain, c, x);
}

/* A SET has no order: root first as we write it, or root last (T44). */
static void root_first(struct pki_chain *chain)
{
	size_t last = chain->count - 1;

	if (chain->certificates[0].type == PNRP_CERTIFICATE_ROOT ||
	    chain->certificates[last].type != PNRP_CERTIFICATE_ROOT)
		return;
	for (size_t i = 0; i < last - i; i++) {
		struct pnrp_certificate c = chain->certificates[i];
		X509 *x = chain->x509[i];

		chain->certificates[i] = chain->certificates[last - i];
		chain->x509[i] = chain->x509[last - i];
		chain->certificates[last - i] = c;
		chain->x509[last - i] = x;
	}
}

static int read_certificates(struct pki_chain *chain)
{
	STACK_OF(X509) *list = chain->p7->d.sign->cert;
	int count = list ? sk_X509_num(list) : 0;

	if (count <= 0 || count > PNRP_CERTIFICATES_MAX || ASN1_INTEGER_get(chain->p7->d.sign->version) != 1)
		return PONTO_EPROTO;
	for (int i = 0; i < count; i++) {
		chain->x509[i] = sk_X509_value(list, i);
		if (!read_certificate(chain, chain->x509[i], &chain->certificates[i]))
			return PONTO_EPROTO;
	}
	chain->count = (size_t)count;
	root_first(chain);
	return PONTO_OK;
}

void pki_chain_free(struct pki_chain *chain)
{
	if (!chain)
		return;
	PKCS7_free(chain->p7);
	ponto_free(chain->alloc, chain->words);
	ponto_free(chain->alloc, chain->units);
	ponto_free(chain->alloc, chain);
}

int pki_chain_parse(const struct ponto_alloc *alloc, struct ponto_bytes der, struct pki_chain **out)
{
	struct pki_chain *chain;
	const unsigned char *at = der.data;
	int result = PONTO_ENOMEM;

	if (der.len == 0 || der.len > PONTO_CHAIN_MAX)
		return PONTO_EPROTO;
	chain = ponto_new(alloc, 1, sizeof(*chain));
	if (!chain)
		return PONTO_ENOMEM;
	chain->alloc = alloc;
	chain->unit_room = der.len + 2; /* no character has less than a byte for each unit */
	chain->word_room = der.len / WORD_BYTES;
	chain->units = ponto_new(alloc, chain->unit_room, sizeof(*chain->units));
	chain->words = ponto_new(alloc, chain->word_room + 1, sizeof(*chain->words));
	if (!chain->units || !chain->words)
		goto out;
	chain->p7 = d2i_PKCS7(NULL, &at, (long)der.len);
	if (!chain->p7 || at != der.data + der.len || !PKCS7_type_is_signed(chain->p7) || !chain->p7->d.sign)
		result = pki_crypto_error(PONTO_EPROTO);
	else
		result = read_certificates(chain);
	if (result == PONTO_OK) {
		*out = chain;
		chain = NULL;
	}
out:
	ERR_clear_error();
	pki_chain_free(chain);
	return result;
}

/* ---- signatures ------------------------------------------------------------------------------- */

/* The bytes that are signed, as they came: the first element of the certificate's SEQUENCE. gives *whole */
static int signed_part(const X509 *x, uint8_t **whole, struct ponto_bytes *tbs)
{
	const unsigned char *at, *start;
	long len;
	int tag, class, size;

	*whole = NULL;
	size = i2d_X509(x, whole);
	if (size <= 0)
		return pki_crypto_error(PONTO_EPROTO);
	at = *whole;
	if (ASN1_get_object(&at, &len, &tag, &class, size) & 0x80)
		return PONTO_EPROTO;
	start = at;
	if (ASN1_get_object(&at, &len, &tag, &class, size - (at - *whole)) & 0x80)
		return PONTO_EPROTO;
	*tbs = ponto_bytes(start, (size_t)(at - start + len));
	return PONTO_OK;
}

static int check_signature(struct pki_crypto *crypto, const X509 *x, struct ponto_bytes issuer)
{
	const ASN1_BIT_STRING *signature;
	const X509_ALGOR *algorithm;
	struct ponto_bytes tbs;
	uint8_t *whole;
	int result = signed_part(x, &whole, &tbs);

	X509_get0_signature(&signature, &algorithm, x);
	if (!result)
		result = pki_verify_with(crypto, PONTO_PROFILE_WINDOWS, issuer, tbs,
					 ponto_bytes(ASN1_STRING_get0_data(signature),
						     (size_t)ASN1_STRING_length(signature)));
	OPENSSL_free(whole);
	return result;
}

int pki_chain_signed(struct pki_crypto *crypto, const struct pki_chain *chain)
{
	/* Self-signed: [RFC2459] 6.1 has issuer and subject the same too. */
	if (X509_NAME_cmp(X509_get_issuer_name(chain->x509[0]), X509_get_subject_name(chain->x509[0])) != 0)
		return PONTO_EAUTH;
	for (size_t i = 0; i < chain->count; i++) {
		const struct pnrp_certificate *issuer = &chain->certificates[i ? i - 1 : 0];
		int result = check_signature(crypto, chain->x509[i], issuer->public_key);

		if (result)
			return result;
	}
	return PONTO_OK;
}

/* ---- text ---------------------------------------------------------------------------------------- */

static int copy_out(const void *bytes, size_t len, const struct ponto_alloc *alloc, uint8_t **out, size_t *size)
{
	uint8_t *copy = ponto_bytes_dup(alloc, ponto_bytes(bytes, len));

	if (!copy)
		return PONTO_ENOMEM;
	*out = copy;
	*size = len;
	return PONTO_OK;
}

int pki_chain_to_text(struct ponto_bytes der, const struct ponto_alloc *alloc, uint8_t **out, size_t *len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;
	int result;

	if (!bio || PEM_write_bio(bio, PEM_LABEL, "", der.data, (long)der.len) <= 0) {
		result = pki_crypto_error(PONTO_ENOMEM);
	} else {
		size = BIO_get_mem_data(bio, &text);
		result = copy_out(text, (size_t)size, alloc, out, len);
	}
	BIO_free(bio);
	return result;
}

int pki_chain_from_text(struct ponto_bytes text, const struct ponto_alloc *alloc, uint8_t **out, size_t *len)
{
	BIO *bio = text.len > 0 && text.len <= PONTO_CHAIN_TEXT_MAX ? BIO_new_mem_buf(text.data, (int)text.len) : NULL;
	char *label = NULL, *header = NULL;
	unsigned char *der = NULL;
	long size = 0;
	int result = PONTO_EPROTO;

	if (bio && PEM_read_bio(bio, &label, &header, &der, &size) > 0 && strcmp(label, PEM_LABEL) == 0)
		result = copy_out(der, (size_t)size, alloc, out, len);
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	ERR_clear_error();
	return result;
}
