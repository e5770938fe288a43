/* Which identity signs for a name: found, or made, on the security instance's pool. */
#include <string.h>

#include "engines/pnrp/pnrp_name.h"
#include "plugins/service-pnrp/svc.h"

_Static_assert(PONTO_CHAIN_MAX <= PNRP_CHAIN_MAX, "every chain can be published");

#define CANDIDATES_MAX 32 /* chains tried for one name */

struct candidate {
	char chain[PONTO_IDENTITY_ID], leaf[PONTO_IDENTITY_ID];
	uint64_t not_after;
};

struct signer_job {
	struct svc *svc;
	uint64_t token;
	struct ponto_security security;
	const struct ponto_alloc *alloc;
	struct svc_signer found;
	uint32_t profile;
	bool secured;
	char identity[PONTO_IDENTITY_ID]; /* asked for; empty: any */
	char chain[PONTO_IDENTITY_ID];	  /* likewise */
	char authority[PONTO_IDENTITY_ID];
	struct pnrp_name name;
	struct candidate candidates[CANDIDATES_MAX]; /* those that last longest first */
	size_t candidate_count;
};

/* ---- on a worker --------------------------------------------------------------------- */

static bool take_first(void *arg, const struct ponto_identity *identity)
{
	struct signer_job *job = arg;

	if (identity->profile != job->profile)
		return true;
	job->found.identity = *identity;
	return false;
}

/* For names that prove nothing. */
static void find_node_identity(struct signer_job *job)
{
	struct svc_signer *found = &job->found;

	found->result = ponto_identity_list(job->security, found->owner, take_first, job);
	if (found->result == PONTO_OK && !found->identity.id[0])
		found->result = ponto_identity_create(job->security, found->owner, job->profile, "node",
						      &found->identity);
}

/* A chain that leads from the authority to an identity that is as good as any other. */
static bool consider(void *arg, const struct ponto_chain *chain)
{
	struct signer_job *job = arg;
	size_t at = job->candidate_count;

	if (strcmp(chain->root, job->authority) != 0 || chain->profile != job->profile ||
	    (job->identity[0] && strcmp(chain->leaf, job->identity) != 0) ||
	    (job->chain[0] && strcmp(chain->id, job->chain) != 0))
		return true;
	while (at > 0 && job->candidates[at - 1].not_after < chain->not_after)
		at--;
	if (at == CANDIDATES_MAX)
		return true;
	if (job->candidate_count < CANDIDATES_MAX)
		job->candidate_count++;
	memmove(&job->candidates[at + 1], &job->candidates[at],
		(job->candidate_count - at - 1) * sizeof(job->candidates[0]));
	memcpy(job->candidates[at].chain, chain->id, PONTO_IDENTITY_ID);
	memcpy(job->candidates[at].leaf, chain->leaf, PONTO_IDENTITY_ID);
	job->candidates[at].not_after = chain->not_after;
	return true;
}

static int check_use(struct signer_job *job)
{
	const struct ponto_identity *identity = &job->found.identity;
	struct ponto_chain_use use = {.public_key = ponto_bytes(identity->public_key, identity->public_key_len)};
	uint8_t classifier[2 * PNRP_CLASSIFIER_MAX];

	memcpy(use.authority, job->name.authority, sizeof(use.authority));
	use.classifier = ponto_bytes(classifier, pnrp_classifier_write(&job->name, classifier));
	return ponto_chain_verify(job->security, job->profile, ponto_bytes(job->found.chain, job->found.chain_len),
				  &use);
}

static int try_chain(struct signer_job *job, const struct candidate *c)
{
	struct svc_signer *found = &job->found;
	int result = ponto_identity_get(job->security, found->owner, c->leaf, &found->identity);

	if (result == PONTO_OK)
		result = ponto_chain_get(job->security, found->owner, c->chain, false, job->alloc, &found->chain,
					 &found->chain_len);
	if (result == PONTO_OK)
		result = check_use(job);
	if (result != PONTO_OK) {
		ponto_free(job->alloc, found->chain);
		found->chain = NULL;
		return result;
	}
	memcpy(found->chain_id, c->chain, sizeof(found->chain_id));
	found->chain_until = c->not_after;
	return PONTO_OK;
}

/* The first that will do; or why the last one will not. */
static void find_chain(struct signer_job *job)
{
	struct svc_signer *found = &job->found;
	int listed = ponto_chain_list(job->security, found->owner, consider, job);

	found->result = listed == PONTO_OK || listed == PONTO_ENOTSUP ? PONTO_ENOENT : listed;
	for (size_t i = 0; i < job->candidate_count && found->result != PONTO_OK; i++)
		found->result = try_chain(job, &job->candidates[i]);
}

static void run(void *arg)
{
	struct signer_job *job = arg;
	struct svc_signer *found = &job->found;
	const char *wanted = job->identity[0] ? job->identity : job->authority;

	if (!job->secured && !job->identity[0]) {
		find_node_identity(job);
		return;
	}
	found->result = PONTO_ENOENT;
	if (!job->chain[0] && (!job->secured || strcmp(wanted, job->authority) == 0))
		found->result = ponto_identity_get(job->security, found->owner, wanted, &found->identity);
	if (found->result == PONTO_ENOENT && job->secured)
		find_chain(job);
}

/* ---- on the loop ----------------------------------------------------------------------- */

static void done(void *arg)
{
	struct signer_job *job = arg;
	struct svc *svc = job->svc;

	svc->jobs--;
	if (job->found.result == PONTO_OK && job->found.owner == SVC_NODE_OWNER)
		svc->node_identity = job->found.identity;
	svc_name_signed(svc, job->token, &job->found);
	ponto_free(job->alloc, job->found.chain);
	ponto_free(job->alloc, job);
	svc_pump(svc);
	svc_check_stopped(svc);
}

static void copy_id(char out[PONTO_IDENTITY_ID], const char *id)
{
	if (id)
		memcpy(out, id, strnlen(id, PONTO_IDENTITY_ID - 1));
}

int svc_find_signer(struct svc *svc, const struct svc_name *name)
{
	const Ponto__Pnrp__V1__RegisterRequest *request = name->request;
	struct signer_job *job = ponto_new(svc->env->alloc, 1, sizeof(*job));
	int result = job ? pnrp_name_parse(request->name, &job->name) : PONTO_ENOMEM;

	if (result == PONTO_OK) {
		job->svc = svc;
		job->token = name->token;
		job->security = svc->security;
		job->alloc = svc->env->alloc;
		job->profile = svc->profile;
		job->secured = job->name.secure;
		copy_id(job->identity, request->identity);
		copy_id(job->chain, request->chain);
		if (job->secured)
			copy_id(job->authority, request->name);
		job->found.owner = job->secured || job->identity[0] ? name->uid : SVC_NODE_OWNER;
		result = ponto_pool_submit(svc->security.pool, svc->env->loop, run, done, job);
	}
	if (result == PONTO_OK)
		svc->jobs++;
	else
		ponto_free(svc->env->alloc, job);
	return result;
}
