/* security-sim: the security contract over keyed hashes, for simulation only. */
#include <string.h>

#include "framework/cursor.h"
#include "framework/digest.h"
#include "plugins/security-sim/sim.h"
#include "plugins/security-sim/sim_signature.h"

#define TOPIC "security.sim"
#define MAGIC "PONTOSIM"
#define MAGIC_SIZE 8

static const struct ponto_option sim_options[] = {
	{.name = "identities",
	 .type = PONTO_OPTION_INT,
	 .fallback = "100",
	 .min = 1,
	 .max = 10000000,
	 .doc = "most identities one user may have"},
};

static int sim_create(const struct ponto_env *env, void **self)
{
	struct sim *sim;

	if (!env->simulation) {
		ponto_error(env->log, TOPIC,
			    "security-sim signs with a secret everyone knows; it works in simulations only, "
			    "use security-pki");
		return PONTO_EACCES;
	}
	sim = ponto_new(env->alloc, 1, sizeof(*sim));
	if (!sim)
		return PONTO_ENOMEM;
	sim->env = env;
	sim->limit = (size_t)ponto_conf_int(env->conf, "identities");
	sim_keyring_init(&sim->ring, env->alloc);
	pthread_mutex_init(&sim->lock, NULL);
	*self = sim;
	return PONTO_OK;
}

static void sim_destroy(void *self)
{
	struct sim *sim = self;

	if (!sim)
		return;
	sim_keyring_fini(&sim->ring);
	sim_chains_clear(sim);
	pthread_mutex_destroy(&sim->lock);
	ponto_free(sim->env->alloc, sim);
}

/* ---- identities ------------------------------------------------------------------ */

/* Adds within the limit; the caller holds the lock. */
static int admit(struct sim *sim, const struct ponto_identity *identity)
{
	if (sim_keyring_find(&sim->ring, identity->owner, identity->id))
		return PONTO_EEXIST;
	/* Counting walks the ring: spared while all owners together stay within one owner's limit. */
	if (sim->ring.count >= sim->limit && sim_keyring_count(&sim->ring, identity->owner) >= sim->limit)
		return PONTO_ELIMIT;
	return sim_keyring_add(&sim->ring, identity);
}

static int sim_identity_create(void *self, uint32_t owner, uint32_t profile, const char *name,
			       struct ponto_identity *out)
{
	struct sim *sim = self;
	struct ponto_identity identity = {.profile = profile, .owner = owner};
	uint8_t key[PONTO_PUBLIC_KEY_MAX];
	uint64_t now = ponto_wall(sim->env->clock);
	int result;

	if (!ponto_identity_name_valid(name))
		return PONTO_EINVAL;
	strcpy(identity.name, name);
	result = ponto_identity_set_key(profile, ponto_bytes(key, sim_public_key(profile, sim->env->random, key)),
					&identity);
	if (result)
		return result;
	pthread_mutex_lock(&sim->lock);
	identity.created = now > sim->last_created ? now : sim->last_created + 1;
	result = admit(sim, &identity);
	if (!result)
		sim->last_created = identity.created;
	pthread_mutex_unlock(&sim->lock);
	if (!result)
		*out = identity;
	return result;
}

static int sim_identity_list(void *self, uint32_t owner, ponto_identity_fn *fn, void *arg)
{
	struct sim *sim = self;
	struct ponto_identity *list = NULL;
	size_t count = 0;
	int result;

	pthread_mutex_lock(&sim->lock);
	result = sim_keyring_list(&sim->ring, owner, &list, &count);
	pthread_mutex_unlock(&sim->lock);
	for (size_t i = 0; i < count && fn(arg, &list[i]); i++)
		;
	ponto_free(sim->env->alloc, list);
	return result;
}

int sim_identity_get(void *self, uint32_t owner, const char *id, struct ponto_identity *out)
{
	struct sim *sim = self;
	const struct ponto_identity *found;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_mutex_lock(&sim->lock);
	found = sim_keyring_find(&sim->ring, owner, id);
	if (found)
		*out = *found;
	pthread_mutex_unlock(&sim->lock);
	return found ? PONTO_OK : PONTO_ENOENT;
}

static int sim_identity_remove(void *self, uint32_t owner, const char *id)
{
	struct sim *sim = self;
	int result;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_mutex_lock(&sim->lock);
	result = sim_keyring_remove(&sim->ring, owner, id);
	pthread_mutex_unlock(&sim->lock);
	return result;
}

/* ---- exports: magic, profile, created, name, key, a hash of that and the password, a hash of it all ---- */

static void hash_export(struct ponto_bytes body, const char *password, uint8_t out[PONTO_SHA256_SIZE])
{
	struct ponto_bytes parts[] = {ponto_bytes(password, strlen(password)), body};

	ponto_sha256(parts, PONTO_ARRAY_SIZE(parts), out);
}

static int sim_identity_export(void *self, uint32_t owner, const char *id, const char *password,
			       const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	struct ponto_identity identity;
	uint8_t buffer[1024], hash[PONTO_SHA256_SIZE];
	struct ponto_writer w = ponto_writer(buffer, sizeof(buffer));
	uint8_t *copy;
	size_t size;
	int result;

	if (!password || !*password)
		return PONTO_EINVAL;
	result = sim_identity_get(self, owner, id, &identity);
	if (result)
		return result;
	ponto_write_copy(&w, MAGIC, MAGIC_SIZE);
	ponto_write_be32(&w, identity.profile);
	ponto_write_be64(&w, identity.created);
	ponto_write_be16(&w, (uint16_t)strlen(identity.name));
	ponto_write_copy(&w, identity.name, strlen(identity.name));
	ponto_write_be16(&w, identity.public_key_len);
	ponto_write_copy(&w, identity.public_key, identity.public_key_len);
	hash_export(ponto_bytes(buffer, (size_t)w.pos), password, hash);
	ponto_write_copy(&w, hash, 16);
	hash_export(ponto_bytes(buffer, (size_t)w.pos), "", hash);
	ponto_write_copy(&w, hash, 16);
	result = ponto_writer_done(&w, &size);
	if (result)
		return result;
	copy = ponto_bytes_dup(alloc, ponto_bytes(buffer, size));
	if (!copy)
		return PONTO_ENOMEM;
	*data = copy;
	*len = size;
	return PONTO_OK;
}

static int read_export(struct ponto_bytes data, const char *password, struct ponto_identity *out)
{
	struct ponto_reader r = ponto_reader(data);
	struct ponto_bytes magic = ponto_read_bytes(&r, MAGIC_SIZE), name, key, tag, seal;
	uint8_t want[PONTO_SHA256_SIZE];
	struct ponto_bytes body;

	out->profile = ponto_read_be32(&r);
	out->created = ponto_read_be64(&r);
	name = ponto_read_bytes(&r, ponto_read_be16(&r));
	key = ponto_read_bytes(&r, ponto_read_be16(&r));
	body = ponto_bytes(data.data, (size_t)r.pos);
	tag = ponto_read_bytes(&r, 16);
	seal = ponto_read_bytes(&r, 16);
	if (ponto_reader_done(&r) || !ponto_bytes_equal(magic, ponto_bytes(MAGIC, MAGIC_SIZE)) ||
	    name.len >= sizeof(out->name) || memchr(name.data, 0, name.len))
		return PONTO_EPROTO;
	hash_export(ponto_bytes(data.data, data.len - seal.len), "", want);
	if (!ponto_bytes_equal(seal, ponto_bytes(want, seal.len)))
		return PONTO_EPROTO;
	memcpy(out->name, name.data, name.len);
	if (!ponto_identity_name_valid(out->name) || ponto_identity_set_key(out->profile, key, out))
		return PONTO_EPROTO;
	hash_export(body, password, want);
	return ponto_bytes_equal(tag, ponto_bytes(want, tag.len)) ? PONTO_OK : PONTO_EAUTH;
}

static int sim_identity_import(void *self, uint32_t owner, struct ponto_bytes data, const char *password,
			       struct ponto_identity *out)
{
	struct sim *sim = self;
	struct ponto_identity identity = {.owner = owner};
	int result = password && *password ? read_export(data, password, &identity) : PONTO_EINVAL;

	if (result)
		return result;
	pthread_mutex_lock(&sim->lock);
	result = admit(sim, &identity);
	pthread_mutex_unlock(&sim->lock);
	if (!result || result == PONTO_EEXIST)
		*out = identity;
	return result;
}

/* ---- signatures ---------------------------------------------------------------------- */

static int sim_sign(void *self, uint32_t owner, const char *id, struct ponto_bytes data,
		    uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len)
{
	struct ponto_identity identity;
	int result = sim_identity_get(self, owner, id, &identity);

	if (result)
		return result;
	*len = sim_signature(identity.profile, ponto_bytes(identity.public_key, identity.public_key_len), data,
			     signature);
	return PONTO_OK;
}

static int sim_verify(void *self, uint32_t profile, struct ponto_bytes public_key, struct ponto_bytes data,
		      struct ponto_bytes signature)
{
	uint8_t want[PONTO_SIGNATURE_MAX];
	int result = ponto_public_key_check(profile, public_key);
	size_t len;

	(void)self;
	if (result)
		return result;
	len = sim_signature(profile, public_key, data, want);
	if (signature.len != len)
		return PONTO_EAUTH;
	if (memcmp(signature.data, want, len) == 0)
		return PONTO_OK;
	if (profile != PONTO_PROFILE_WINDOWS)
		return PONTO_EAUTH;
	for (size_t i = 0; i < len; i++)
		if (signature.data[i] != want[len - 1 - i])
			return PONTO_EAUTH;
	return PONTO_OK;
}

static int sim_authority(void *self, uint32_t profile, struct ponto_bytes public_key, uint8_t out[PONTO_AUTHORITY_SIZE])
{
	(void)self;
	return ponto_public_key_authority(profile, public_key, out);
}

static const struct ponto_security_ops sim_ops = {
	.head = {PONTO_SECURITY_ABI, sizeof(sim_ops)},
	.create = sim_create,
	.destroy = sim_destroy,
	.identity_create = sim_identity_create,
	.identity_list = sim_identity_list,
	.identity_get = sim_identity_get,
	.identity_remove = sim_identity_remove,
	.identity_export = sim_identity_export,
	.identity_import = sim_identity_import,
	.sign = sim_sign,
	.verify = sim_verify,
	.authority = sim_authority,
	.chain_issue = sim_chain_issue,
	.chain_read = sim_chain_read,
	.chain_verify = sim_chain_verify,
	.chain_add = sim_chain_add,
	.chain_list = sim_chain_list,
	.chain_get = sim_chain_get,
	.chain_remove = sim_chain_remove,
};

PONTO_PLUGIN(security_sim) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_SECURITY,
	.name = "security-sim",
	.version = "0.1.0",
	.summary = "keyed hashes in the place of signatures, for simulation only",
	.options = sim_options,
	.option_count = PONTO_ARRAY_SIZE(sim_options),
	.vtable = &sim_ops.head,
};
