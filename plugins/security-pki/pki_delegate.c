/* Delegated peer names: certificate chains issued, judged and kept. [MS-PNRP] 1.3.2, 2.2.3.5, 3.1.5.10. */
#include "plugins/security-pki/pki.h"

#include <stdlib.h>
#include <string.h>

#include "framework/digest.h"
#include "plugins/security-pki/pki_chain.h"

#define SECONDS(microseconds) ((microseconds) / PONTO_SECOND)

/* ---- judging ----------------------------------------------------------------------- */

/* Cheap before costly: syntax, rules, then a signature for each certificate. */
static int judge(struct pki *pki, struct ponto_bytes der, struct pki_chain **out)
{
	struct pki_chain *chain = NULL;
	int result = pki_usable(pki, PONTO_PROFILE_WINDOWS);

	if (!result)
		result = pki_chain_parse(pki->env->alloc, der, &chain);
	if (!result)
		result = pnrp_chain_check(chain->certificates, chain->count);
	if (!result)
		result = pki_chain_signed(&pki->crypto, chain);
	if (result) {
		pki_chain_free(chain);
		return result;
	}
	*out = chain;
	return PONTO_OK;
}

/* The classifier of a name as units; the room holds PNRP_CLASSIFIER_MAX. */
static int units_of(struct ponto_bytes classifier, uint16_t *room, struct pnrp_units *out)
{
	if (classifier.len % 2 || classifier.len > 2 * PNRP_CLASSIFIER_MAX)
		return PONTO_EAUTH;
	*out = (struct pnrp_units){room, classifier.len / 2};
	for (size_t i = 0; i < out->count; i++)
		room[i] = (uint16_t)(classifier.data[2 * i] << 8 | classifier.data[2 * i + 1]);
	return PONTO_OK;
}

static int verify(struct pki *pki, struct ponto_bytes der, const struct ponto_chain_use *use)
{
	uint16_t room[PNRP_CLASSIFIER_MAX];
	struct pnrp_units classifier;
	struct pki_chain *chain = NULL;
	int result = units_of(use->classifier, room, &classifier);

	if (!result)
		result = pki_chain_parse(pki->env->alloc, der, &chain);
	if (!result)
		result = pnrp_chain_check(chain->certificates, chain->count);
	if (!result)
		result = pnrp_chain_timely(chain->certificates, chain->count, SECONDS(ponto_wall(pki->env->clock)));
	if (!result)
		result = pnrp_chain_allows(&pnrp_windows, chain->certificates, chain->count, use->authority,
					   use->public_key, classifier);
	if (!result)
		result = pki_chain_signed(&pki->crypto, chain);
	pki_chain_free(chain);
	return result;
}

int pki_chain_verify(void *self, uint32_t profile, struct ponto_bytes chain, const struct ponto_chain_use *use)
{
	struct pki *pki = self;
	int result = pki_usable(pki, profile);

	if (!result && profile != PONTO_PROFILE_WINDOWS)
		result = PONTO_ENOTSUP; /* docs/modern.md */
	if (!result)
		result = verify(pki, chain, use);
	if (result != PONTO_ENOTSUP && result != PONTO_EINVAL)
		ponto_counter_add(result ? pki->refused_count : pki->verified_count, 1);
	return result;
}

/* ---- telling -------------------------------------------------------------------------- */

static void chain_id(struct ponto_bytes der, char out[PONTO_IDENTITY_ID])
{
	uint8_t hash[PONTO_SHA256_SIZE];

	ponto_sha256(&der, 1, hash);
	ponto_hex(ponto_bytes(hash, PONTO_AUTHORITY_SIZE), out);
}

static void summarize(const struct pki_chain *chain, struct ponto_bytes der, struct ponto_chain *out)
{
	memset(out, 0, sizeof(*out));
	chain_id(der, out->id);
	pnrp_key_id(&pnrp_windows, chain->certificates[0].public_key, out->root);
	pnrp_key_id(&pnrp_windows, chain->certificates[chain->count - 1].public_key, out->leaf);
	out->profile = PONTO_PROFILE_WINDOWS;
	out->certificates = (uint32_t)chain->count;
	pnrp_chain_times(chain->certificates, chain->count, &out->not_before, &out->not_after);
	out->not_before *= PONTO_SECOND;
	out->not_after *= PONTO_SECOND;
	out->size = der.len;
}

/* 1 to go on, 0 to stop, or an error. */
static int tell(const struct pki *pki, const struct pnrp_certificate *c, ponto_certificate_fn *fn, void *arg)
{
	struct ponto_certificate out = {.roles = c->roles,
					.not_before = c->not_before * PONTO_SECOND,
					.not_after = c->not_after * PONTO_SECOND,
					.classifier_count = c->classifier_count};
	struct pnrp_certificate_text *text;
	int result = pnrp_certificate_tell(&pnrp_windows, c, pki->env->alloc, &text);

	if (result)
		return result;
	memcpy(out.id, text->id, sizeof(out.id));
	memcpy(out.name, text->name, sizeof(out.name));
	out.classifiers = text->classifiers;
	result = fn(arg, &out);
	ponto_free(pki->env->alloc, text);
	return result;
}

/* The bytes of a chain that came as bytes or as text. gives *out, allocated with the instance's allocator */
static int to_der(const struct pki *pki, struct ponto_bytes data, uint8_t **out, size_t *len)
{
	if (data.len >= 10 && memcmp(data.data, "-----BEGIN", 10) == 0)
		return pki_chain_from_text(data, pki->env->alloc, out, len);
	if (data.len == 0 || data.len > PONTO_CHAIN_MAX)
		return PONTO_EPROTO;
	*out = ponto_bytes_dup(pki->env->alloc, data);
	*len = data.len;
	return *out ? PONTO_OK : PONTO_ENOMEM;
}

int pki_chain_read(void *self, struct ponto_bytes data, ponto_certificate_fn *fn, void *arg, struct ponto_chain *out)
{
	struct pki *pki = self;
	struct pki_chain *chain = NULL;
	uint8_t *der = NULL;
	size_t len = 0;
	int result = to_der(pki, data, &der, &len), more = 1;

	if (!result)
		result = judge(pki, ponto_bytes(der, len), &chain);
	for (size_t i = 0; !result && fn && more > 0 && i < chain->count; i++)
		more = tell(pki, &chain->certificates[i], fn, arg);
	if (more < 0)
		result = more;
	if (!result)
		summarize(chain, ponto_bytes(der, len), out);
	pki_chain_free(chain);
	ponto_free(pki->env->alloc, der);
	return result;
}

/* ---- issuing ------------------------------------------------------------------------------ */

struct signer {
	struct pki *pki;
	uint32_t owner;
	const char *id;
};

static int sign_tbs(void *arg, struct ponto_bytes tbs, uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len)
{
	struct signer *signer = arg;

	return pki_sign(signer->pki, signer->owner, signer->id, tbs, signature, len);
}

/* A new certificate behind those of chain, signed by signer. gives *out */
static int add_certificate(struct pki *pki, struct signer *signer, const struct pnrp_grant *grant,
			   struct pnrp_units issuer, struct pki_chain *chain)
{
	struct pnrp_certificate *content = NULL;
	int result = pnrp_grant_make(&pnrp_windows, grant, pki->env->alloc, &content);

	if (!result)
		result = pki_certificate_make(&pki->crypto, pki->env->random, content,
					      issuer.count ? issuer : content->subject, sign_tbs, signer,
					      &chain->x509[chain->count]);
	if (!result)
		chain->count++;
	ponto_free(pki->env->alloc, content);
	return result;
}

/* The identity's own root certificate, as a chain of one. gives *out */
static int make_root(struct pki *pki, struct signer *signer, const struct ponto_identity *me,
		     const struct ponto_delegation *d, uint8_t **der, size_t *len)
{
	struct pnrp_grant grant = {.public_key = ponto_bytes(me->public_key, me->public_key_len),
				   .name = me->name,
				   .not_before = SECONDS(d->not_before),
				   .not_after = SECONDS(d->not_after)};
	struct pki_chain root = {.count = 0};
	int result = add_certificate(pki, signer, &grant, (struct pnrp_units){NULL, 0}, &root);

	if (!result)
		result = pki_chain_write(root.x509, root.count, pki->env->alloc, der, len);
	for (size_t i = 0; i < root.count; i++)
		X509_free(root.x509[i]);
	return result;
}

/* The chain with a certificate of the delegate behind it. */
static int extend(struct pki *pki, struct signer *signer, const struct ponto_identity *me, struct pki_chain *chain,
		  const struct ponto_delegation *d, const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	struct pnrp_grant grant = {.chain = chain->certificates,
				   .chain_count = chain->count,
				   .public_key = d->public_key,
				   .name = d->name,
				   .roles = d->roles,
				   .classifiers = d->classifiers,
				   .classifier_count = d->classifier_count};
	size_t before = chain->count;
	int result;

	if (!ponto_bytes_equal(chain->certificates[before - 1].public_key,
			       ponto_bytes(me->public_key, me->public_key_len)))
		return PONTO_EAUTH;
	pnrp_chain_times(chain->certificates, before, &grant.not_before, &grant.not_after);
	if (grant.not_before < SECONDS(d->not_before))
		grant.not_before = SECONDS(d->not_before);
	if (grant.not_after > SECONDS(d->not_after))
		grant.not_after = SECONDS(d->not_after);
	if (grant.not_after < grant.not_before)
		return PONTO_EAUTH; /* the chain is over */
	result = before < PNRP_CERTIFICATES_MAX
			 ? add_certificate(pki, signer, &grant, chain->certificates[before - 1].subject, chain)
			 : PONTO_ELIMIT;
	if (!result)
		result = pki_chain_write(chain->x509, chain->count, alloc, data, len);
	if (chain->count > before)
		X509_free(chain->x509[before]); /* the others belong to the message they came in */
	return result;
}

static int check_delegation(const struct ponto_delegation *d)
{
	if (!ponto_identity_name_valid(d->name) || d->not_after < d->not_before || !d->roles ||
	    ponto_public_key_check(PONTO_PROFILE_WINDOWS, d->public_key))
		return PONTO_EINVAL;
	return PONTO_OK;
}

int pki_chain_issue(void *self, uint32_t owner, const char *id, struct ponto_bytes given,
		    const struct ponto_delegation *d, bool text, const struct ponto_alloc *alloc, uint8_t **data,
		    size_t *len)
{
	struct pki *pki = self;
	struct signer signer = {pki, owner, id};
	struct pki_chain *chain = NULL;
	struct ponto_identity me;
	uint8_t *root = NULL, *der = NULL;
	size_t root_len = 0, der_len = 0;
	int result = pki_identity_get(pki, owner, id, &me);

	if (!result && me.profile != PONTO_PROFILE_WINDOWS)
		result = PONTO_ENOTSUP;
	if (!result)
		result = check_delegation(d);
	if (!result && given.len == 0)
		result = make_root(pki, &signer, &me, d, &root, &root_len);
	if (!result)
		result = judge(pki, given.len ? given : ponto_bytes(root, root_len), &chain);
	if (!result)
		result = extend(pki, &signer, &me, chain, d, text ? pki->env->alloc : alloc, &der, &der_len);
	if (!result && text) {
		result = pki_chain_to_text(ponto_bytes(der, der_len), alloc, data, len);
		ponto_free(pki->env->alloc, der);
	} else if (!result) {
		*data = der;
		*len = der_len;
	}
	pki_chain_free(chain);
	ponto_free(pki->env->alloc, root);
	return result;
}

/* ---- keeping --------------------------------------------------------------------------------- */

static int keep(struct pki *pki, uint32_t owner, const struct ponto_chain *chain, struct ponto_bytes der)
{
	char(*ids)[PONTO_IDENTITY_ID] = NULL;
	size_t count = 0;
	int result;

	pthread_rwlock_wrlock(&pki->lock);
	result = pki_vault_ids(pki->vault, PKI_CHAIN, owner, &ids, &count);
	for (size_t i = 0; i < count && !result; i++)
		if (strcmp(ids[i], chain->id) == 0)
			result = PONTO_EEXIST;
	if (!result && count >= pki->limit)
		result = PONTO_ELIMIT;
	if (!result)
		result = pki_vault_add(pki->vault, PKI_CHAIN, owner, chain->id, der);
	pthread_rwlock_unlock(&pki->lock);
	ponto_free(pki->env->alloc, ids);
	return result;
}

int pki_chain_add(void *self, uint32_t owner, struct ponto_bytes data, struct ponto_chain *out)
{
	struct pki *pki = self;
	struct ponto_identity leaf;
	struct ponto_chain seen;
	uint8_t *der = NULL;
	size_t len = 0;
	int result = to_der(pki, data, &der, &len);

	if (!result)
		result = pki_chain_read(pki, ponto_bytes(der, len), NULL, NULL, &seen);
	if (!result)
		result = pki_identity_get(pki, owner, seen.leaf, &leaf);
	if (!result)
		result = keep(pki, owner, &seen, ponto_bytes(der, len));
	if (!result)
		*out = seen;
	ponto_free(pki->env->alloc, der);
	return result;
}

/* gives *der */
static int fetch(struct pki *pki, uint32_t owner, const char *id, const struct ponto_alloc *alloc, uint8_t **der,
		 size_t *len)
{
	int result;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_rwlock_rdlock(&pki->lock);
	result = pki_vault_get(pki->vault, PKI_CHAIN, owner, id, alloc, der, len);
	pthread_rwlock_unlock(&pki->lock);
	return result;
}

/* What is kept under id, unless it was spoiled or put there by hand. */
static int describe(struct pki *pki, uint32_t owner, const char *id, struct ponto_chain *out)
{
	uint8_t *der = NULL;
	size_t len = 0;
	int result = fetch(pki, owner, id, pki->env->alloc, &der, &len);

	if (!result)
		result = pki_chain_read(pki, ponto_bytes(der, len), NULL, NULL, out);
	if (result == PONTO_EPROTO || result == PONTO_EAUTH || (!result && strcmp(out->id, id) != 0))
		result = PONTO_ECORRUPT;
	if (result == PONTO_ECORRUPT)
		ponto_error(pki->env->log, PKI_TOPIC, "certificate chain %s of uid %u is damaged; it stays where it is",
			    id, owner);
	ponto_free(pki->env->alloc, der);
	return result;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(a, b);
}

int pki_chain_list(void *self, uint32_t owner, ponto_chain_fn *fn, void *arg)
{
	struct pki *pki = self;
	char(*ids)[PONTO_IDENTITY_ID] = NULL;
	size_t count = 0;
	bool more = true;
	int result;

	pthread_rwlock_rdlock(&pki->lock);
	result = pki_vault_ids(pki->vault, PKI_CHAIN, owner, &ids, &count);
	pthread_rwlock_unlock(&pki->lock);
	if (!result && count)
		qsort(ids, count, sizeof(*ids), by_id);
	for (size_t i = 0; i < count && !result && more; i++) {
		struct ponto_chain chain;

		result = describe(pki, owner, ids[i], &chain);
		if (!result)
			more = fn(arg, &chain);
		else if (result == PONTO_ECORRUPT || result == PONTO_ENOENT || result == PONTO_EACCES)
			result = PONTO_OK; /* logged, and left out */
	}
	ponto_free(pki->env->alloc, ids);
	return result;
}

int pki_chain_get(void *self, uint32_t owner, const char *id, bool text, const struct ponto_alloc *alloc,
		  uint8_t **data, size_t *len)
{
	struct pki *pki = self;
	struct ponto_chain chain;
	uint8_t *der = NULL;
	size_t der_len = 0;
	int result = ponto_identity_id_valid(id) ? describe(pki, owner, id, &chain) : PONTO_ENOENT;

	if (!result)
		result = fetch(pki, owner, id, text ? pki->env->alloc : alloc, &der, &der_len);
	if (result)
		return result;
	if (text) {
		result = pki_chain_to_text(ponto_bytes(der, der_len), alloc, data, len);
		ponto_free(pki->env->alloc, der);
		return result;
	}
	*data = der;
	*len = der_len;
	return PONTO_OK;
}

int pki_chain_remove(void *self, uint32_t owner, const char *id)
{
	struct pki *pki = self;
	int result;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_rwlock_wrlock(&pki->lock);
	result = pki_vault_remove(pki->vault, PKI_CHAIN, owner, id);
	pthread_rwlock_unlock(&pki->lock);
	return result;
}
