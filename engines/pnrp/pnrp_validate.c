/* Ponto PNRP engine: what makes a CPA and its extended payload believable. The signatures themselves, and
 * certificate chains, are checked by others. [MS-PNRP] 3.1.5.7 to 3.1.5.10. */
#include "engines/pnrp/pnrp_state.h"

#include "framework/digest.h"

#include <string.h>

uint64_t pnrp_key_mark(struct ponto_bytes key)
{
	static const uint8_t fixed[16];

	return ponto_siphash(fixed, key) | 1;
}

static int check_payload(const struct pnrp_engine *e, uint64_t wall, const struct pnrp_authority_buffer *b,
			 const struct ring_id *id, const uint8_t nonce[PNRP_NONCE_SIZE], struct pnrp_payload *out)
{
	int result = pnrp_payload_decode(e->wire, b->payload, out);

	if (result)
		return result;
	if (out->not_after < pnrp_filetime(wall) || !ring_id_equal(&out->id, id) ||
	    memcmp(out->nonce, nonce, PNRP_NONCE_SIZE) != 0)
		return PONTO_EAUTH;
	return PONTO_OK;
}

/* What a certificate chain speaks about must be what the CPA speaks about: the classifier is judged by the chain,
 * but only its hash is signed, so the two have to fit (3.1.5.10). An element without a chain in it is none. */
static int check_chain(const struct pnrp_engine *e, const struct pnrp_authority_buffer *b, struct pnrp_proof *proof)
{
	const struct pnrp_cpa *cpa = &proof->cpa;
	struct ponto_bytes classifier = b->has_classifier ? b->classifier : ponto_bytes(NULL, 0);
	struct pnrp_name *name = &proof->delegated;
	uint8_t hash[PNRP_HASH_SIZE];

	if (b->chain.len == 0 || b->chain.len > PNRP_CHAIN_MAX || !cpa->has_authority)
		return PONTO_EAUTH;
	pnrp_classifier_hash(e->wire, name, hash); /* of no classifier */
	return pnrp_classifier_read(e->wire, classifier, cpa->has_classifier_hash ? cpa->classifier_hash : hash, name);
}

int pnrp_check_answer(const struct pnrp_engine *e, uint64_t now, const struct pnrp_authority_buffer *b,
		      const struct ring_id *id, const uint8_t nonce[PNRP_NONCE_SIZE], struct pnrp_proof *out)
{
	uint64_t wall = pnrp_wall(e, now);
	int result;

	memset(out, 0, sizeof(*out));
	if (!b->has_cpa)
		return PONTO_EPROTO;
	result = pnrp_cpa_decode(e->wire, b->cpa, &out->cpa);
	if (result)
		return result;
	if (out->cpa.revoke || out->cpa.not_after < pnrp_filetime(wall) ||
	    memcmp(out->cpa.nonce, nonce, PNRP_NONCE_SIZE) != 0)
		return PONTO_EAUTH;
	/* The entry in the same buffer, where there is one, and what was asked for must be the same. */
	if (b->has_route && !ring_id_equal(&b->route.id, id))
		return PONTO_EAUTH;
	result = pnrp_cpa_match_id(e->wire, id, &out->cpa);
	if (result)
		return result;
	if (b->has_chain)
		result = check_chain(e, b, out);
	else if (!pnrp_cpa_key_fits(e->wire, &out->cpa))
		result = PONTO_EAUTH;
	if (result)
		return result;
	/* The X flag announces a payload; it is there only if it was asked for (T29). */
	out->has_payload = out->cpa.has_payload && b->has_payload;
	return out->has_payload ? check_payload(e, wall, b, id, nonce, &out->payload) : PONTO_OK;
}

/* The same view in the job's copy of what it lay in. */
static struct ponto_bytes moved(const struct pnrp_job *job, struct ponto_bytes bytes, struct ponto_bytes view)
{
	if (view.len == 0)
		return ponto_bytes(NULL, 0);
	return ponto_bytes(job->bytes + (view.data - bytes.data), view.len);
}

struct pnrp_job *pnrp_verify_answer(struct pnrp_engine *e, enum pnrp_job_kind kind, const struct pnrp_proof *proof,
				    const struct pnrp_authority_buffer *b, struct ponto_bytes bytes)
{
	struct pnrp_job *job = pnrp_job_new(e, kind, bytes.len);

	if (!job)
		return NULL;
	memcpy(job->bytes, bytes.data, bytes.len);
	job->public_key = moved(job, bytes, proof->cpa.public_key);
	job->items[0].data = moved(job, bytes, proof->cpa.signed_part);
	job->items[0].signature = moved(job, bytes, proof->cpa.signature);
	job->count = 1;
	if (proof->has_payload) {
		job->items[1].data = moved(job, bytes, proof->payload.signed_part);
		job->items[1].signature = moved(job, bytes, proof->payload.signature);
		job->count = 2;
	}
	if (b->has_chain)
		job->chain = moved(job, bytes, b->chain);
	if (b->has_chain && b->has_classifier) {
		/* In the one byte order, whichever it came in (T3). */
		job->classifier = moved(job, bytes, b->classifier);
		pnrp_classifier_write(&proof->delegated, (uint8_t *)job->classifier.data);
	}
	memcpy(job->authority, proof->cpa.authority, sizeof(job->authority));
	return job;
}
