/* Ponto PNRP engine: effects: work for others, and what the application is told. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

/* ---- jobs ---------------------------------------------------------------------- */

/* What strangers ask for takes half the room, what we find out about them three quarters: the rest is for names
 * being resolved and taken back. */
static uint32_t job_limit(const struct pnrp_engine *e, enum pnrp_job_kind kind)
{
	switch (kind) {
	case PNRP_JOB_ANSWER:
		return (e->limits.jobs + 1) / 2;
	case PNRP_JOB_CHECK_ENTRY:
	case PNRP_JOB_CHECK_REVOKE:
		return (e->limits.jobs * 3 + 3) / 4;
	default:
		return e->limits.jobs;
	}
}

struct pnrp_job *pnrp_job_new(struct pnrp_engine *e, enum pnrp_job_kind kind, size_t len)
{
	struct pnrp_job *job, **end = &e->jobs;

	if (e->job_count >= job_limit(e, kind)) {
		pnrp_drop(e, PNRP_DROP_FULL);
		return NULL;
	}
	job = ponto_new(&e->alloc, 1, sizeof(*job) + len);
	if (!job) {
		pnrp_drop(e, PNRP_DROP_MEMORY);
		return NULL;
	}
	job->kind = kind;
	job->token = e->next_handle++;
	job->len = len;
	while (*end)
		end = &(*end)->next;
	*end = job;
	e->job_count++;
	return job;
}

static struct pnrp_job **find_job(struct pnrp_engine *e, uint64_t token)
{
	struct pnrp_job **at = &e->jobs;

	while (*at && (*at)->token != token)
		at = &(*at)->next;
	return at;
}

static struct pnrp_job *unlink_job(struct pnrp_engine *e, struct pnrp_job **at)
{
	struct pnrp_job *job = *at;

	*at = job->next;
	e->job_count--;
	return job;
}

void pnrp_job_abandon(struct pnrp_engine *e, uint64_t token)
{
	struct pnrp_job **at = find_job(e, token);
	struct pnrp_job *job = *at;

	if (!token || !job || job->orphan)
		return;
	if (!job->handed_out) {
		ponto_free(&e->alloc, unlink_job(e, at));
		return;
	}
	/* A worker may be reading its bytes: they stay until it is completed. */
	job->orphan = true;
	job->abandon_due = true;
}

void pnrp_engine_complete(struct pnrp_engine *e, uint64_t now, uint64_t token, const struct pnrp_completion *c)
{
	struct pnrp_job **at = find_job(e, token);
	struct pnrp_job *job;

	if (!token || !*at || !(*at)->handed_out)
		return;
	job = unlink_job(e, at);
	if (!job->orphan) {
		switch (job->kind) {
		case PNRP_JOB_ANSWER:
			pnrp_answer_signed(e, job, c);
			break;
		case PNRP_JOB_REVOKE:
			pnrp_revoke_signed(e, now, job, c);
			break;
		case PNRP_JOB_CHECK_MATCH:
			pnrp_match_checked(e, now, job, c->result);
			break;
		case PNRP_JOB_CHECK_ENTRY:
			pnrp_entry_checked(e, now, job, c->result);
			break;
		case PNRP_JOB_CHECK_REVOKE:
			pnrp_revoke_checked(e, now, job, c->result);
			break;
		}
	}
	ponto_free(&e->alloc, job);
}

static bool is_signing(const struct pnrp_job *job)
{
	return job->kind == PNRP_JOB_ANSWER || job->kind == PNRP_JOB_REVOKE;
}

/* The rest of an effect, which is large, is zeroed only when there is one. */
static void begin(struct pnrp_effect *out, enum pnrp_effect_type type)
{
	memset(out, 0, sizeof(*out));
	out->type = type;
}

static void hand_out(struct pnrp_engine *e, struct pnrp_job *job, struct pnrp_effect *out)
{
	job->handed_out = true;
	if (is_signing(job)) {
		begin(out, PNRP_EFFECT_SIGN);
		out->token = job->token;
		out->sign.identity = job->identity;
		memcpy(out->sign.items, job->items, sizeof(out->sign.items));
		out->sign.count = job->count;
		e->stats.signatures += job->count;
		return;
	}
	begin(out, PNRP_EFFECT_VERIFY);
	out->token = job->token;
	out->verify.public_key = job->public_key;
	memcpy(out->verify.items, job->items, sizeof(out->verify.items));
	out->verify.count = job->count;
	out->verify.chain = job->chain;
	out->verify.classifier = job->classifier;
	memcpy(out->verify.authority, job->authority, sizeof(out->verify.authority));
	e->stats.verifications += job->count;
}

static bool job_effect(struct pnrp_engine *e, struct pnrp_effect *out)
{
	for (struct pnrp_job *job = e->jobs; job; job = job->next) {
		if (job->abandon_due) {
			job->abandon_due = false;
			begin(out, PNRP_EFFECT_ABANDON);
			out->token = job->token;
			return true;
		}
		if (!job->handed_out) {
			hand_out(e, job, out);
			return true;
		}
	}
	return false;
}

/* ---- notes ------------------------------------------------------------------------- */

void pnrp_note(struct pnrp_engine *e, const struct pnrp_effect *effect)
{
	struct pnrp_note *note;

	if (e->note_count >= e->limits.effects)
		return;
	note = ponto_new(&e->alloc, 1, sizeof(*note));
	if (!note)
		return;
	note->effect = *effect;
	*e->notes_end = note;
	e->notes_end = &note->next;
	e->note_count++;
}

static bool note_effect(struct pnrp_engine *e, struct pnrp_effect *out)
{
	struct pnrp_note *note = e->notes;

	if (!note)
		return false;
	*out = note->effect;
	e->notes = note->next;
	if (!e->notes)
		e->notes_end = &e->notes;
	e->note_count--;
	ponto_free(&e->alloc, note);
	return true;
}

/* ---- the cloud and its names ------------------------------------------------------------ */

static bool cloud_effect(struct pnrp_engine *e, struct pnrp_effect *out)
{
	if (e->state_changed) {
		e->state_changed = false;
		begin(out, PNRP_EFFECT_CLOUD);
		out->cloud.state = e->state;
	} else if (e->publish_due) {
		e->publish_due = false;
		begin(out, PNRP_EFFECT_PUBLISH);
		out->publish.addrs = e->local;
		out->publish.count = e->local_count;
	} else if (e->unpublish_due) {
		e->unpublish_due = false;
		begin(out, PNRP_EFFECT_UNPUBLISH);
	} else if (e->discover_due) {
		begin(out, PNRP_EFFECT_DISCOVER);
		out->discover.sources = e->discover_due;
		e->discover_due = 0;
	} else {
		return false;
	}
	return true;
}

static bool registration_effect(struct pnrp_engine *e, struct pnrp_effect *out)
{
	for (struct pnrp_local **at = &e->locals; *at; at = &(*at)->next) {
		struct pnrp_local *l = *at;

		if (!l->changed)
			continue;
		l->changed = false;
		begin(out, PNRP_EFFECT_REGISTRATION);
		out->token = l->token;
		out->handle = l->handle;
		out->registration.state = l->state;
		if (l->state == PNRP_REGISTRATION_GONE) {
			*at = l->next;
			pnrp_local_free(e, l);
		}
		return true;
	}
	return false;
}

/* The resolve is kept until the next call, since the effect shows its match. */
static bool resolve_effect(struct pnrp_engine *e, struct pnrp_effect *out)
{
	struct pnrp_resolve **at = &e->resolves, *r;

	while (*at && (*at)->stage != PNRP_STAGE_FINISHED)
		at = &(*at)->next;
	r = *at;
	if (!r)
		return false;
	*at = r->next;
	e->resolve_count--;
	e->told = r;
	if (r->match) {
		begin(out, PNRP_EFFECT_RESOLVED);
		out->resolved.match = r->match;
		out->resolved.walks = r->walks;
		out->resolved.hops = r->walk.useful;
		out->resolved.elapsed = r->asked_at - r->begun;
	} else {
		begin(out, PNRP_EFFECT_UNRESOLVED);
		out->unresolved.result = r->result;
		out->unresolved.walks = r->walks;
		out->unresolved.hops = r->walk.useful;
		out->unresolved.elapsed = r->asked_at - r->begun;
	}
	out->token = r->token;
	out->handle = r->handle;
	return true;
}

int pnrp_engine_effect(struct pnrp_engine *e, struct pnrp_effect *out)
{
	if (e->told) {
		pnrp_resolve_free(e, e->told);
		e->told = NULL;
	}
	return job_effect(e, out) || cloud_effect(e, out) || registration_effect(e, out) || note_effect(e, out) ||
	       resolve_effect(e, out);
}

void pnrp_effects_clear(struct pnrp_engine *e)
{
	struct pnrp_effect dropped;

	while (e->jobs)
		ponto_free(&e->alloc, unlink_job(e, &e->jobs));
	while (note_effect(e, &dropped))
		;
	if (e->told)
		pnrp_resolve_free(e, e->told);
	e->told = NULL;
}
