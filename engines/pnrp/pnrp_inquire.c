/* Ponto PNRP engine: answering INQUIRE with what the publisher certifies. [MS-PNRP] 3.2.5.6 to 3.2.5.9. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

/* An AUTHORITY_BUFFER without chain, payload and CPA: flags, classifier, route entry. */
#define ANSWER_BASE_MAX (8 + 4 + 2 * PNRP_CLASSIFIER_MAX + 4 + 4 + 38 + 16 * PNRP_LOCAL_MAX + 4)

/* ---- building what is signed ------------------------------------------------------ */

static void fill_services(const struct pnrp_engine *e, struct pnrp_cpa *cpa)
{
	cpa->service_count = e->local_count < PNRP_CPA_SERVICES_MAX ? e->local_count : PNRP_CPA_SERVICES_MAX;
	for (unsigned i = 0; i < cpa->service_count; i++) {
		memcpy(cpa->services[i].ip, e->local[i].ip, 16);
		cpa->services[i].port = e->local[i].port;
	}
}

int pnrp_build_cpa(const struct pnrp_engine *e, uint64_t now, const struct pnrp_local *l, bool revoke,
		   const uint8_t nonce[PNRP_NONCE_SIZE], uint8_t *buf, size_t cap, size_t *len)
{
	struct pnrp_cpa cpa;

	memset(&cpa, 0, sizeof(cpa));
	cpa.revoke = revoke;
	cpa.has_payload = l->payload_len > 0;
	cpa.has_authority = l->name.secure;
	memcpy(cpa.authority, l->name.authority, sizeof(cpa.authority));
	cpa.has_classifier_hash = true;
	pnrp_classifier_hash(e->wire, &l->name, cpa.classifier_hash);
	cpa.not_after = pnrp_filetime(pnrp_wall(e, now) + e->cpa_lifetime);
	memcpy(cpa.location, l->location, sizeof(cpa.location));
	memcpy(cpa.nonce, nonce, sizeof(cpa.nonce));
	if (l->friendly_len > 0) {
		cpa.has_friendly_name = true;
		cpa.friendly_name_utf8 = l->friendly_utf8;
		cpa.friendly_name = ponto_bytes(l->friendly_wire, l->friendly_len);
	}
	fill_services(e, &cpa);
	cpa.app_count = l->endpoint_count;
	memcpy(cpa.apps, l->endpoints, l->endpoint_count * sizeof(cpa.apps[0]));
	cpa.public_key = ponto_bytes(l->public_key, e->wire->key_len);
	return pnrp_cpa_encode(e->wire, &cpa, buf, cap, len);
}

static int build_payload(const struct pnrp_engine *e, uint64_t now, const struct pnrp_local *l,
			 const uint8_t nonce[PNRP_NONCE_SIZE], uint8_t *buf, size_t cap, size_t *len)
{
	struct pnrp_payload payload = {.not_after = pnrp_filetime(pnrp_wall(e, now) + e->cpa_lifetime),
				       .id = l->id,
				       .kind = l->payload_type == PNRP_PAYLOAD_STRING ? PNRP_KIND_UTF8
										      : PNRP_KIND_BINARY,
				       .data = ponto_bytes(l->payload, l->payload_len)};

	memcpy(payload.nonce, nonce, sizeof(payload.nonce));
	return pnrp_payload_encode(e->wire, &payload, buf, cap, len);
}

/* ---- answering --------------------------------------------------------------------- */

_Static_assert(ANSWER_BASE_MAX + PNRP_CHAIN_MAX + PNRP_CPA_MAX + PNRP_PAYLOAD_ENCODED_MAX + 24 <= PNRP_AUTHORITY_MAX,
	       "every answer has room");

#define PNRP_UNPROVEN_MAX 512		/* bytes of payload and chain toward an address that has shown nothing */
#define CHAIN_TOKEN (4 * PNRP_FRAGMENT) /* bytes of chain that cost as much as a signature */

/* Whether the limits let this question be answered with something large or costly. */
static bool may_answer(struct pnrp_engine *e, uint64_t now, const struct pnrp_local *l, bool signature, bool chain)
{
	size_t tokens = signature + (chain ? (l->chain_len + CHAIN_TOKEN - 1) / CHAIN_TOKEN : 0);

	if (pnrp_bucket_take(&e->sign_bucket, now, (uint32_t)tokens))
		return true;
	pnrp_drop(e, PNRP_DROP_RATE);
	return false;
}

/* What needs no signature goes at once. */
static void answer_plain(struct pnrp_engine *e, const struct pnrp_local *l, const struct pnrp_message *m,
			 const struct ponto_addr *to, const struct ponto_addr *from)
{
	struct pnrp_authority_buffer b;

	memset(&b, 0, sizeof(b));
	b.not_found = !l;
	if (l && m->inquire.want_chain && l->chain_len > 0) {
		b.has_chain = true;
		b.chain = ponto_bytes(l->chain, l->chain_len);
	}
	pnrp_send_authority(e, &b, b.has_chain ? ANSWER_BASE_MAX + b.chain.len + 8 : 0, m->id, to, from);
}

/* The same question again while its answer is being signed: the answer will do for both. */
static bool being_answered(const struct pnrp_engine *e, uint32_t message_id, const struct ponto_addr *from)
{
	for (const struct pnrp_job *job = e->jobs; job; job = job->next)
		if (job->kind == PNRP_JOB_ANSWER && !job->orphan && job->acked_id == message_id &&
		    ponto_addr_equal(&job->to, from))
			return true;
	return false;
}

static void begin_answer(struct pnrp_engine *e, uint64_t now, const struct pnrp_local *l, const struct pnrp_message *m,
			 const struct ponto_addr *from, const struct ponto_addr *to)
{
	const struct pnrp_inquire *q = &m->inquire;
	bool payload = q->want_payload && l->payload_len > 0;
	size_t cpa_room = q->want_cpa ? PNRP_CPA_MAX : 0, payload_room = payload ? PNRP_PAYLOAD_ENCODED_MAX : 0;
	struct pnrp_job *job = pnrp_job_new(e, PNRP_JOB_ANSWER, cpa_room + payload_room);
	int result = PONTO_OK;
	size_t len;

	if (!job)
		return;
	job->owner = l->handle;
	job->acked_id = m->id;
	job->to = *from;
	job->from = *to;
	job->want_chain = q->want_chain;
	job->want_cpa = q->want_cpa;
	job->identity = l->identity;
	if (q->want_cpa) {
		result = pnrp_build_cpa(e, now, l, false, q->nonce, job->bytes, cpa_room, &len);
		job->items[job->count].data = ponto_bytes(job->bytes, len);
		job->room[job->count++] = cpa_room;
	}
	if (payload && result == PONTO_OK) {
		result = build_payload(e, now, l, q->nonce, job->bytes + cpa_room, payload_room, &len);
		job->items[job->count].data = ponto_bytes(job->bytes + cpa_room, len);
		job->room[job->count++] = payload_room;
	}
	if (result)
		pnrp_job_abandon(e, job->token);
}

/* Whether the answer would take more than a datagram or two. */
static bool is_large(const struct pnrp_local *l, const struct pnrp_inquire *q)
{
	size_t len = (q->want_payload ? l->payload_len : 0) + (q->want_chain ? l->chain_len : 0);

	return len > PNRP_UNPROVEN_MAX;
}

void pnrp_on_inquire(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		     const struct ponto_addr *to)
{
	const struct pnrp_local *l = pnrp_local_find(e, &m->inquire.validate_id);

	if (l && is_large(l, &m->inquire))
		pnrp_challenge(e, now, m, from, to);
	else
		pnrp_answer_inquire(e, now, m, from, to);
}

void pnrp_answer_inquire(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m,
			 const struct ponto_addr *from, const struct ponto_addr *to)
{
	const struct pnrp_inquire *q = &m->inquire;
	const struct pnrp_local *l = pnrp_local_find(e, &q->validate_id);
	bool chain = l && q->want_chain && l->chain_len > 0;
	bool signature = l && (q->want_cpa || (q->want_payload && l->payload_len > 0));

	if (signature && being_answered(e, m->id, from))
		return;
	if ((signature || chain) && !may_answer(e, now, l, signature, chain))
		return;
	if (signature)
		begin_answer(e, now, l, m, from, to);
	else
		answer_plain(e, l, m, from, to);
}

/* ---- signed --------------------------------------------------------------------------- */

/* The item with its signature behind it, in the job's own bytes. */
static int append_signature(const struct pnrp_engine *e, const struct pnrp_job *job, size_t index,
			    const struct pnrp_completion *c, struct ponto_bytes *out)
{
	uint8_t *bytes = (uint8_t *)job->items[index].data.data;
	size_t len = job->items[index].data.len;
	int result = pnrp_signature_append(e->wire, c->signatures[index], bytes, job->room[index], &len);

	if (result == PONTO_OK)
		*out = ponto_bytes(bytes, len);
	return result;
}

void pnrp_answer_signed(struct pnrp_engine *e, const struct pnrp_job *job, const struct pnrp_completion *c)
{
	const struct pnrp_local *l = pnrp_local_by_handle(e, job->owner);
	uint8_t classifier[2 * PNRP_CLASSIFIER_MAX];
	struct pnrp_authority_buffer b;
	size_t index = 0;

	/* Unregistered meanwhile: the second copy of the question is answered with N. */
	if (!l || l->revoking || c->result)
		return;
	memset(&b, 0, sizeof(b));
	if (job->want_cpa) {
		if (append_signature(e, job, index++, c, &b.cpa))
			return;
		b.has_cpa = true;
		b.has_classifier = true;
		b.classifier = ponto_bytes(classifier, pnrp_classifier_write(&l->name, classifier));
		b.has_route = pnrp_own_route(e, &l->id, &b.route);
	}
	if (index < job->count) {
		if (append_signature(e, job, index, c, &b.payload))
			return;
		b.has_payload = true;
	}
	if (job->want_chain && l->chain_len > 0) {
		b.has_chain = true;
		b.chain = ponto_bytes(l->chain, l->chain_len);
	}
	pnrp_send_authority(e, &b, ANSWER_BASE_MAX + b.cpa.len + b.payload.len + b.chain.len + 24, job->acked_id,
			    &job->to, &job->from);
}
