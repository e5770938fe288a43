/* Delegated peer names in simulation: the calls of the contract. The text of a chain is its bytes. */
#include "plugins/security-sim/sim.h"

#include <string.h>

#include "framework/digest.h"
#include "plugins/security-sim/sim_chain.h"

#define SECONDS(microseconds) ((microseconds) / PONTO_SECOND)

struct sim_kept {
	struct sim_kept *next;
	uint32_t owner;
	struct ponto_chain chain;
	uint8_t bytes[];
};

/* ---- judging ----------------------------------------------------------------------- */

static int judge(struct sim *sim, struct ponto_bytes bytes, struct sim_chain **out)
{
	struct sim_chain *chain = NULL;
	int result = sim_chain_parse(sim->env->alloc, bytes, &chain);

	if (!result)
		result = pnrp_chain_check(chain->certificates, chain->count);
	if (!result)
		result = sim_chain_signed(chain);
	if (result) {
		sim_chain_free(chain);
		return result;
	}
	*out = chain;
	return PONTO_OK;
}

int sim_chain_verify(void *self, uint32_t profile, struct ponto_bytes bytes, const struct ponto_chain_use *use)
{
	struct sim *sim = self;
	uint16_t room[PNRP_CLASSIFIER_MAX];
	struct pnrp_units classifier = {room, use->classifier.len / 2};
	struct sim_chain *chain = NULL;
	int result;

	if (profile != PONTO_PROFILE_WINDOWS)
		return profile == PONTO_PROFILE_MODERN ? PONTO_ENOTSUP : PONTO_EINVAL;
	if (use->classifier.len % 2 || classifier.count > PNRP_CLASSIFIER_MAX)
		return PONTO_EAUTH;
	for (size_t i = 0; i < classifier.count; i++)
		room[i] = (uint16_t)(use->classifier.data[2 * i] << 8 | use->classifier.data[2 * i + 1]);
	result = judge(sim, bytes, &chain);
	if (!result)
		result = pnrp_chain_timely(chain->certificates, chain->count, SECONDS(ponto_wall(sim->env->clock)));
	if (!result)
		result = pnrp_chain_allows(&pnrp_windows, chain->certificates, chain->count, use->authority,
					   use->public_key, classifier);
	sim_chain_free(chain);
	return result;
}

/* ---- telling -------------------------------------------------------------------------- */

static void summarize(const struct sim_chain *chain, struct ponto_bytes bytes, struct ponto_chain *out)
{
	uint8_t hash[PONTO_SHA256_SIZE];

	memset(out, 0, sizeof(*out));
	ponto_sha256(&bytes, 1, hash);
	ponto_hex(ponto_bytes(hash, PONTO_AUTHORITY_SIZE), out->id);
	pnrp_key_id(&pnrp_windows, chain->certificates[0].public_key, out->root);
	pnrp_key_id(&pnrp_windows, chain->certificates[chain->count - 1].public_key, out->leaf);
	out->profile = PONTO_PROFILE_WINDOWS;
	out->certificates = (uint32_t)chain->count;
	pnrp_chain_times(chain->certificates, chain->count, &out->not_before, &out->not_after);
	out->not_before *= PONTO_SECOND;
	out->not_after *= PONTO_SECOND;
	out->size = bytes.len;
}

/* 1 to go on, 0 to stop, or an error. */
static int tell(const struct sim *sim, const struct pnrp_certificate *c, ponto_certificate_fn *fn, void *arg)
{
	struct ponto_certificate out = {.roles = c->roles,
					.not_before = c->not_before * PONTO_SECOND,
					.not_after = c->not_after * PONTO_SECOND,
					.classifier_count = c->classifier_count};
	struct pnrp_certificate_text *text;
	int result = pnrp_certificate_tell(&pnrp_windows, c, sim->env->alloc, &text);

	if (result)
		return result;
	memcpy(out.id, text->id, sizeof(out.id));
	memcpy(out.name, text->name, sizeof(out.name));
	out.classifiers = text->classifiers;
	result = fn(arg, &out);
	ponto_free(sim->env->alloc, text);
	return result;
}

int sim_chain_read(void *self, struct ponto_bytes data, ponto_certificate_fn *fn, void *arg, struct ponto_chain *out)
{
	struct sim *sim = self;
	struct sim_chain *chain = NULL;
	int result = judge(sim, data, &chain), more = 1;

	for (size_t i = 0; !result && fn && more > 0 && i < chain->count; i++)
		more = tell(sim, &chain->certificates[i], fn, arg);
	if (more < 0)
		result = more;
	if (!result)
		summarize(chain, data, out);
	sim_chain_free(chain);
	return result;
}

/* ---- issuing ------------------------------------------------------------------------------ */

/* bytes and one certificate more, by me; chain is bytes taken apart. */
static int append(struct sim *sim, const struct ponto_identity *me, struct ponto_bytes bytes,
		  const struct sim_chain *chain, const struct ponto_delegation *d, const struct ponto_alloc *alloc,
		  uint8_t **data, size_t *len)
{
	struct ponto_bytes key = ponto_bytes(me->public_key, me->public_key_len);
	struct pnrp_grant grant = {.public_key = key,
				   .name = me->name,
				   .not_before = SECONDS(d->not_before),
				   .not_after = SECONDS(d->not_after)};
	struct pnrp_certificate *content = NULL;
	int result;

	if (chain) {
		uint64_t begins, ends;

		if (!ponto_bytes_equal(chain->certificates[chain->count - 1].public_key, key))
			return PONTO_EAUTH;
		pnrp_chain_times(chain->certificates, chain->count, &begins, &ends);
		grant.chain = chain->certificates;
		grant.chain_count = chain->count;
		grant.public_key = d->public_key;
		grant.name = d->name;
		grant.roles = d->roles;
		grant.classifiers = d->classifiers;
		grant.classifier_count = d->classifier_count;
		grant.not_before = begins > grant.not_before ? begins : grant.not_before;
		grant.not_after = ends < grant.not_after ? ends : grant.not_after;
		if (grant.not_after < grant.not_before)
			return PONTO_EAUTH; /* the chain is over */
	}
	result = pnrp_grant_make(&pnrp_windows, &grant, sim->env->alloc, &content);
	if (!result)
		result = sim_chain_append(bytes, content, key, alloc, data, len);
	ponto_free(sim->env->alloc, content);
	return result;
}

int sim_chain_issue(void *self, uint32_t owner, const char *id, struct ponto_bytes given,
		    const struct ponto_delegation *d, bool text, const struct ponto_alloc *alloc, uint8_t **data,
		    size_t *len)
{
	struct sim *sim = self;
	struct sim_chain *chain = NULL;
	struct ponto_identity me;
	uint8_t *root = NULL;
	size_t root_len = 0;
	int result = sim_identity_get(sim, owner, id, &me);

	(void)text;
	if (!result && me.profile != PONTO_PROFILE_WINDOWS)
		result = PONTO_ENOTSUP;
	if (!result && (!ponto_identity_name_valid(d->name) || d->not_after < d->not_before || !d->roles ||
			ponto_public_key_check(PONTO_PROFILE_WINDOWS, d->public_key)))
		result = PONTO_EINVAL;
	if (!result && given.len == 0) {
		result = append(sim, &me, given, NULL, d, sim->env->alloc, &root, &root_len);
		given = ponto_bytes(root, root_len);
	}
	if (!result)
		result = judge(sim, given, &chain);
	if (!result)
		result = append(sim, &me, given, chain, d, alloc, data, len);
	sim_chain_free(chain);
	ponto_free(sim->env->alloc, root);
	return result;
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* Where the owner's chain of that id is, or would be; the caller holds the lock. */
static struct sim_kept **place_of(struct sim *sim, uint32_t owner, const char *id)
{
	struct sim_kept **at = &sim->chains;

	while (*at && (strcmp((*at)->chain.id, id) < 0 ||
		       (strcmp((*at)->chain.id, id) == 0 && (*at)->owner != owner)))
		at = &(*at)->next;
	return at;
}

static bool is_at(struct sim_kept *const *at, uint32_t owner, const char *id)
{
	return *at && (*at)->owner == owner && strcmp((*at)->chain.id, id) == 0;
}

static size_t count_of(const struct sim *sim, uint32_t owner)
{
	size_t count = 0;

	for (const struct sim_kept *k = sim->chains; k; k = k->next)
		count += k->owner == owner;
	return count;
}

int sim_chain_add(void *self, uint32_t owner, struct ponto_bytes data, struct ponto_chain *out)
{
	struct sim *sim = self;
	struct ponto_identity leaf;
	struct ponto_chain chain;
	struct sim_kept *kept = NULL, **at;
	int result = sim_chain_read(sim, data, NULL, NULL, &chain);

	if (!result)
		result = sim_identity_get(sim, owner, chain.leaf, &leaf);
	if (result)
		return result;
	kept = ponto_new(sim->env->alloc, 1, sizeof(*kept) + data.len);
	if (!kept)
		return PONTO_ENOMEM;
	kept->owner = owner;
	kept->chain = chain;
	memcpy(kept->bytes, data.data, data.len);
	pthread_mutex_lock(&sim->lock);
	at = place_of(sim, owner, chain.id);
	if (is_at(at, owner, chain.id)) {
		result = PONTO_EEXIST;
	} else if (count_of(sim, owner) >= sim->limit) {
		result = PONTO_ELIMIT;
	} else {
		kept->next = *at;
		*at = kept;
		kept = NULL;
	}
	pthread_mutex_unlock(&sim->lock);
	ponto_free(sim->env->alloc, kept);
	if (!result)
		*out = chain;
	return result;
}

int sim_chain_list(void *self, uint32_t owner, ponto_chain_fn *fn, void *arg)
{
	struct sim *sim = self;
	struct ponto_chain *list = NULL;
	size_t count, n = 0;

	pthread_mutex_lock(&sim->lock);
	count = count_of(sim, owner);
	if (count)
		list = ponto_new(sim->env->alloc, count, sizeof(*list));
	for (const struct sim_kept *k = sim->chains; list && k; k = k->next)
		if (k->owner == owner)
			list[n++] = k->chain;
	pthread_mutex_unlock(&sim->lock);
	if (count && !list)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < n && fn(arg, &list[i]); i++)
		;
	ponto_free(sim->env->alloc, list);
	return PONTO_OK;
}

int sim_chain_get(void *self, uint32_t owner, const char *id, bool text, const struct ponto_alloc *alloc,
		  uint8_t **data, size_t *len)
{
	struct sim *sim = self;
	struct sim_kept **at;
	int result = PONTO_ENOENT;

	(void)text;
	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_mutex_lock(&sim->lock);
	at = place_of(sim, owner, id);
	if (is_at(at, owner, id)) {
		uint8_t *copy = ponto_bytes_dup(alloc, ponto_bytes((*at)->bytes, (*at)->chain.size));

		result = copy ? PONTO_OK : PONTO_ENOMEM;
		if (copy) {
			*data = copy;
			*len = (*at)->chain.size;
		}
	}
	pthread_mutex_unlock(&sim->lock);
	return result;
}

int sim_chain_remove(void *self, uint32_t owner, const char *id)
{
	struct sim *sim = self;
	struct sim_kept **at, *gone = NULL;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_mutex_lock(&sim->lock);
	at = place_of(sim, owner, id);
	if (is_at(at, owner, id)) {
		gone = *at;
		*at = gone->next;
	}
	pthread_mutex_unlock(&sim->lock);
	ponto_free(sim->env->alloc, gone);
	return gone ? PONTO_OK : PONTO_ENOENT;
}

void sim_chains_clear(struct sim *sim)
{
	while (sim->chains) {
		struct sim_kept *gone = sim->chains;

		sim->chains = gone->next;
		ponto_free(sim->env->alloc, gone);
	}
}
