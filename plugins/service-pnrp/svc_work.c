/* Signing and verifying for the engine: what may read a key or walks a chain on the security instance's pool, a
 * signature alone on the spot. */
#include <stdio.h>
#include <string.h>

#include "plugins/service-pnrp/svc.h"

#define TOPIC "service.pnrp.work"

/* The engine keeps the bytes of a job until it is completed: the pool reads them where they are. */
struct svc_job {
	struct svc *svc;
	uint64_t token;
	struct pnrp_item items[PNRP_ITEMS_MAX];
	size_t count;
	int result;
	/* sign */
	uint32_t owner;
	char id[PONTO_IDENTITY_ID];
	uint8_t signatures[PNRP_ITEMS_MAX][PONTO_SIGNATURE_MAX];
	size_t lengths[PNRP_ITEMS_MAX];
	/* verify */
	uint32_t profile;
	struct ponto_bytes public_key;
	struct ponto_bytes chain;
	struct ponto_chain_use use;
};

static void complete(struct svc *svc, uint64_t token, int result, const struct svc_job *job)
{
	struct pnrp_completion completion = {.result = result};

	for (size_t i = 0; job && i < job->count; i++)
		completion.signatures[i] = ponto_bytes(job->signatures[i], job->lengths[i]);
	pnrp_engine_complete(svc->engine, svc_now(svc), token, &completion);
}

static void job_done(void *arg)
{
	struct svc_job *job = arg;
	struct svc *svc = job->svc;

	svc->jobs--;
	complete(svc, job->token, job->result, job);
	ponto_free(svc->env->alloc, job);
	svc_pump(svc);
}

static void sign_run(void *arg)
{
	struct svc_job *job = arg;

	for (size_t i = 0; i < job->count && job->result == PONTO_OK; i++)
		job->result = ponto_sign(job->svc->security, job->owner, job->id, job->items[i].data,
					 job->signatures[i], &job->lengths[i]);
}

static int verify_items(struct svc *svc, uint32_t profile, struct ponto_bytes public_key, const struct pnrp_item *items,
			size_t count)
{
	int result = PONTO_OK;

	for (size_t i = 0; i < count && result == PONTO_OK; i++)
		result = ponto_verify(svc->security, profile, public_key, items[i].data, items[i].signature);
	return result;
}

static void verify_run(void *arg)
{
	struct svc_job *job = arg;

	job->result = verify_items(job->svc, job->profile, job->public_key, job->items, job->count);
	if (job->result == PONTO_OK)
		job->result = ponto_chain_verify(job->svc->security, job->profile, job->chain, &job->use);
}

static struct svc_job *job_new(struct svc *svc, const struct pnrp_effect *effect, const struct pnrp_item *items,
			       size_t count)
{
	struct svc_job *job = ponto_new(svc->env->alloc, 1, sizeof(*job));

	if (!job) {
		complete(svc, effect->token, PONTO_ENOMEM, NULL);
		return NULL;
	}
	job->svc = svc;
	job->token = effect->token;
	job->count = count;
	memcpy(job->items, items, count * sizeof(*items));
	return job;
}

static void job_submit(struct svc_job *job, ponto_loop_fn *run)
{
	struct svc *svc = job->svc;
	int result = ponto_pool_submit(svc->security.pool, svc->env->loop, run, job_done, job);

	if (result == PONTO_OK) {
		svc->jobs++;
		return;
	}
	ponto_debug(svc->env->log, TOPIC, "no room for a job: %s", ponto_strerror(result));
	complete(svc, job->token, result, NULL);
	ponto_free(svc->env->alloc, job);
}

void svc_work_sign(struct svc *svc, const struct pnrp_effect *effect)
{
	const struct svc_name *name = svc_name_by_token(svc, effect->sign.identity);
	struct svc_job *job;

	if (!name) {
		complete(svc, effect->token, PONTO_ENOENT, NULL);
		return;
	}
	job = job_new(svc, effect, effect->sign.items, effect->sign.count);
	if (!job)
		return;
	job->owner = name->identity_owner;
	memcpy(job->id, name->identity.id, sizeof(job->id));
	job_submit(job, sign_run);
}

/* A signature takes less time to verify than two hand-overs between threads; the engine bounds how many come. */
static void verify_here(struct svc *svc, const struct pnrp_effect *effect)
{
	int result =
		verify_items(svc, svc->profile, effect->verify.public_key, effect->verify.items, effect->verify.count);

	complete(svc, effect->token, result, NULL);
}

void svc_work_verify(struct svc *svc, const struct pnrp_effect *effect)
{
	struct svc_job *job;

	if (effect->verify.chain.len == 0) {
		verify_here(svc, effect);
		return;
	}
	job = job_new(svc, effect, effect->verify.items, effect->verify.count);
	if (!job)
		return;
	job->profile = svc->profile;
	job->public_key = effect->verify.public_key;
	job->chain = effect->verify.chain;
	memcpy(job->use.authority, effect->verify.authority, sizeof(job->use.authority));
	job->use.public_key = effect->verify.public_key;
	job->use.classifier = effect->verify.classifier;
	job_submit(job, verify_run);
}
