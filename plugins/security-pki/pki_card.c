/* An identity's own certificate: the IDC of [MS-PPSEC] 2.2.3. */
#include <string.h>

#include "engines/pnrp/pnrp_host.h"
#include "framework/digest.h"
#include "plugins/security-pki/pki.h"
#include "plugins/security-pki/pki_chain.h"

#define VALID_YEARS 1000 /* "infinite" to Windows */
#define YEAR_SECONDS UINT64_C(31557600)

struct own {
	struct pki *pki;
	EVP_PKEY *key;
};

static int sign_own(void *arg, struct ponto_bytes tbs, uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len)
{
	struct own *own = arg;

	return pki_key_sign(&own->pki->crypto, PONTO_PROFILE_WINDOWS, own->key, tbs, signature, len);
}

/* The serial number comes from what the certificate says, so that the same identity always has the same card. */
static void fill_serial(void *ctx, uint8_t *out, size_t len)
{
	uint8_t digest[PONTO_SHA256_SIZE];

	ponto_sha256(ctx, 2, digest);
	for (size_t i = 0; i < len; i++)
		out[i] = digest[i % sizeof(digest)];
}

static int certificate_of(struct pki *pki, const struct pki_record *record, EVP_PKEY *key, X509 **out)
{
	const struct ponto_identity *me = &record->identity;
	uint16_t subject[PONTO_IDENTITY_NAME], peer[PNRP_NAME_TEXT], host_units[PNRP_HOST_TEXT];
	char peer_text[PNRP_NAME_TEXT], host[PNRP_HOST_TEXT];
	struct pnrp_certificate c = {
		.not_before = me->created / PONTO_SECOND,
		.not_after = me->created / PONTO_SECOND + VALID_YEARS * YEAR_SECONDS,
		.public_key = ponto_bytes(me->public_key, me->public_key_len),
		.type = PNRP_CERTIFICATE_IDENTITY,
	};
	struct ponto_bytes said[2];
	struct ponto_random serial = {fill_serial, said};
	struct own own = {pki, key};
	struct pnrp_name name;
	size_t count;

	if (pnrp_name_make(me->authority, record->classifier, &name) != PONTO_OK ||
	    pnrp_name_format(&name, peer_text) != PONTO_OK ||
	    pnrp_units_of(me->name, subject, PONTO_ARRAY_SIZE(subject), &c.subject.count) != PONTO_OK ||
	    pnrp_units_of(peer_text, peer, PONTO_ARRAY_SIZE(peer), &count) != PONTO_OK)
		return PONTO_EINTERNAL;
	c.subject.unit = subject;
	c.has_subject_alt[PNRP_ALT_NAME_OLD] = true;
	c.subject_alt[PNRP_ALT_NAME_OLD] = (struct pnrp_units){peer, count};
	if (pnrp_host_format(&name, host) == PONTO_OK &&
	    pnrp_units_of(host, host_units, PONTO_ARRAY_SIZE(host_units), &count) == PONTO_OK) {
		c.has_subject_alt[PNRP_ALT_NAME] = true;
		c.subject_alt[PNRP_ALT_NAME] = (struct pnrp_units){host_units, count};
	}
	said[0] = ponto_bytes(peer_text, strlen(peer_text));
	said[1] = ponto_bytes(me->name, strlen(me->name));
	return pki_certificate_make(&pki->crypto, &serial, &c, c.subject, sign_own, &own, out);
}

int pki_card_load(struct pki *pki, uint32_t owner, const char *id, struct pki_record *out, EVP_PKEY **key, X509 **x)
{
	int result;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_rwlock_rdlock(&pki->lock);
	result = pki_load_key(pki, owner, id, out, key);
	pthread_rwlock_unlock(&pki->lock);
	if (!result && out->identity.profile != PONTO_PROFILE_WINDOWS)
		result = PONTO_ENOTSUP;
	if (!result)
		result = certificate_of(pki, out, *key, x);
	return result;
}

int pki_identity_card(void *self, uint32_t owner, const char *id, const struct ponto_alloc *alloc, uint8_t **data,
		      size_t *len)
{
	struct pki_record record;
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	int result = pki_card_load(self, owner, id, &record, &key, &x);

	if (!result)
		result = pki_chain_write(&x, 1, alloc, data, len);
	X509_free(x);
	EVP_PKEY_free(key);
	return result;
}
