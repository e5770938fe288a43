/* security-pki: the security contract over pki_crypto, pki_file, pki_vault and pki_cache. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/security-pki/pki.h"

static const struct ponto_option pki_options[] = {
	{.name = "key_file",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .unit = "path",
	 .doc = "file (mode 0600) with the secret that encrypts keys at rest; empty: keys lie in the clear, 0600"},
	{.name = "identities",
	 .type = PONTO_OPTION_INT,
	 .fallback = "100",
	 .min = 1,
	 .max = 10000,
	 .doc = "most identities one user may have"},
	{.name = "iterations",
	 .type = PONTO_OPTION_INT,
	 .fallback = "600000",
	 .min = 1000,
	 .max = PKI_ITERATIONS_MAX,
	 .doc = "rounds of PBKDF2 between a password and the key it makes"},
	{.name = "cache",
	 .type = PONTO_OPTION_INT,
	 .fallback = "256",
	 .min = 16,
	 .max = 65536,
	 .unit = "keys",
	 .doc = "parsed private keys kept in memory"},
};

/* ---- making one --------------------------------------------------------------- */

/* Reads a regular file that is nobody else's into buffer; a line end at its end does not count. */
static int read_secret(struct pki *pki, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *wrong = NULL;
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		wrong = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		wrong = "not a regular file";
	else if (st.st_mode & 077)
		wrong = "open to other users: chmod 0600 it";
	else if (st.st_size > PKI_PASSWORD_MAX)
		wrong = "longer than 1024 bytes";
	else if ((n = read(fd, pki->secret, sizeof(pki->secret))) < 0)
		wrong = strerror(errno);
	while (n > 0 && (pki->secret[n - 1] == '\n' || pki->secret[n - 1] == '\r'))
		n--;
	if (!wrong && n == 0)
		wrong = "empty";
	if (fd >= 0)
		close(fd);
	if (wrong) {
		ponto_error(pki->env->log, PKI_TOPIC, "key_file %s: %s", path, wrong);
		return PONTO_ECONF;
	}
	pki->secret_len = (size_t)n;
	return PONTO_OK;
}

static int load_secret(struct pki *pki)
{
	const char *name = ponto_conf_string(pki->env->conf, "key_file");
	char path[4096];

	if (!*name)
		return PONTO_OK;
	if (*name == '/' || !pki->env->state_dir)
		return read_secret(pki, name);
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", pki->env->state_dir, name) >= sizeof(path))
		return PONTO_ECONF;
	return read_secret(pki, path);
}

/* A profile this OpenSSL cannot do is refused by name from then on; the other one goes on working. */
static int tell_profiles(const struct pki *pki)
{
	static const char *const names[] = {
		[PONTO_PROFILE_WINDOWS] = "windows (RSA-1024, SHA-1)", [PONTO_PROFILE_MODERN] = "modern (Ed25519)"};
	bool any = false;

	for (uint32_t profile = PONTO_PROFILE_WINDOWS; profile <= PONTO_PROFILE_MODERN; profile++) {
		if (!pki->crypto.works[profile])
			ponto_error(pki->env->log, PKI_TOPIC,
				    "this OpenSSL gives wrong answers for profile %s: not offered", names[profile]);
		any |= pki->crypto.works[profile];
	}
	return any ? PONTO_OK : PONTO_ENOTSUP;
}

int pki_usable(const struct pki *pki, uint32_t profile)
{
	if (profile != PONTO_PROFILE_WINDOWS && profile != PONTO_PROFILE_MODERN)
		return PONTO_EINVAL;
	return pki->crypto.works[profile] ? PONTO_OK : PONTO_ENOTSUP;
}

static void add_metrics(struct pki *pki)
{
	struct ponto_metrics *metrics = pki->env->metrics;
	const char *instance = pki->env->instance;

	if (!metrics)
		return;
	pki->signed_count = ponto_counter(metrics, "security_signatures_total", instance, "signatures made");
	pki->verified_count = ponto_counter(metrics, "security_verifications_total", instance,
					    "signatures that were verified and fit");
	pki->refused_count =
		ponto_counter(metrics, "security_refusals_total", instance, "signatures or keys that did not fit");
}

static void pki_destroy(void *self)
{
	struct pki *pki = self;
	const struct ponto_alloc *alloc;

	if (!pki)
		return;
	alloc = pki->env->alloc;
	pki_cache_destroy(pki->cache);
	pki_vault_destroy(pki->vault);
	pki_crypto_fini(&pki->crypto);
	pthread_rwlock_destroy(&pki->lock);
	ponto_wipe(pki->secret, sizeof(pki->secret));
	ponto_free(alloc, pki);
}

static int pki_create(const struct ponto_env *env, void **self)
{
	struct pki *pki = ponto_new(env->alloc, 1, sizeof(*pki));
	int result;

	if (!pki)
		return PONTO_ENOMEM;
	pki->env = env;
	pki->limit = (size_t)ponto_conf_int(env->conf, "identities");
	pki->iterations = (int)ponto_conf_int(env->conf, "iterations");
	pthread_rwlock_init(&pki->lock, NULL);
	result = load_secret(pki);
	if (!result)
		result = pki_crypto_init(&pki->crypto);
	if (!result)
		result = tell_profiles(pki);
	if (!result)
		result = pki_vault_create(env, &pki->vault);
	if (!result)
		result = pki_cache_create(env->alloc, env->random, (size_t)ponto_conf_int(env->conf, "cache"),
					  &pki->cache);
	if (result) {
		pki_destroy(pki);
		return result;
	}
	add_metrics(pki);
	*self = pki;
	return PONTO_OK;
}

/* ---- helpers ------------------------------------------------------------------- */

void pki_free_text(const struct ponto_alloc *alloc, uint8_t *text, size_t len)
{
	if (text)
		ponto_wipe(text, len);
	ponto_free(alloc, text);
}

/* What a private key is kept under. */
struct private_name {
	uint8_t bytes[4 + PONTO_IDENTITY_ID];
};

static struct ponto_bytes private_name(struct private_name *name, uint32_t owner, const char *id)
{
	memcpy(name->bytes, &owner, sizeof(owner));
	memcpy(name->bytes + sizeof(owner), id, PONTO_IDENTITY_ID);
	return ponto_bytes(name->bytes, sizeof(name->bytes));
}

/* How an unreadable file is answered for, after a line in the log. */
static int blame(struct pki *pki, uint32_t owner, const char *id, int result)
{
	if (result == PONTO_EPROTO)
		result = PONTO_ECORRUPT;
	if (result == PONTO_ECORRUPT)
		ponto_error(pki->env->log, PKI_TOPIC, "identity %s of uid %u is damaged; it stays where it is", id,
			    owner);
	else if (result == PONTO_EAUTH)
		ponto_error(pki->env->log, PKI_TOPIC,
			    "identity %s of uid %u is encrypted, and key_file does not open it", id, owner);
	return result;
}

int pki_describe(struct pki *pki, uint32_t owner, const char *id, struct pki_record *out)
{
	struct pki_record seen;
	uint8_t *text = NULL;
	size_t len = 0;
	int result = pki_vault_get(pki->vault, PKI_IDENTITY, owner, id, pki->env->alloc, &text, &len);

	memset(&seen, 0, sizeof(seen));
	if (!result)
		result = pki_file_describe(ponto_bytes(text, len), &seen, NULL);
	if (!result && strcmp(seen.identity.id, id) != 0)
		result = PONTO_ECORRUPT;
	pki_free_text(pki->env->alloc, text, len);
	if (result)
		return blame(pki, owner, id, result);
	*out = seen;
	out->identity.owner = owner;
	return PONTO_OK;
}

int pki_load_key(struct pki *pki, uint32_t owner, const char *id, struct pki_record *out, EVP_PKEY **key)
{
	uint8_t *text = NULL;
	size_t len = 0;
	EVP_PKEY *found = NULL;
	int result = pki_vault_get(pki->vault, PKI_IDENTITY, owner, id, pki->env->alloc, &text, &len);

	memset(out, 0, sizeof(*out));
	if (!result)
		result = pki_file_read(&pki->crypto, ponto_bytes(text, len), ponto_bytes(pki->secret, pki->secret_len),
				       false, out, &found);
	if (!result && strcmp(out->identity.id, id) != 0)
		result = PONTO_ECORRUPT;
	pki_free_text(pki->env->alloc, text, len);
	if (result) {
		EVP_PKEY_free(found);
		return blame(pki, owner, id, result);
	}
	out->identity.owner = owner;
	*key = found;
	return PONTO_OK;
}

int pki_admit(struct pki *pki, struct pki_record *record, EVP_PKEY *key, bool fresh)
{
	struct ponto_identity *identity = &record->identity;
	const struct ponto_alloc *alloc = pki->env->alloc;
	char(*ids)[PONTO_IDENTITY_ID] = NULL;
	uint8_t *text = NULL;
	size_t count = 0, len = 0;
	int result;

	if (fresh) { /* later than any other of this run, so that "oldest first" has an answer */
		uint64_t now = ponto_wall(pki->env->clock);

		pthread_rwlock_wrlock(&pki->lock);
		identity->created = now > pki->last_created ? now : pki->last_created + 1;
		pki->last_created = identity->created;
		pthread_rwlock_unlock(&pki->lock);
	}
	result = pki_file_write(&pki->crypto, record, key, ponto_bytes(pki->secret, pki->secret_len), pki->iterations,
				alloc, &text, &len);
	if (result)
		return result;
	pthread_rwlock_wrlock(&pki->lock);
	result = pki_vault_ids(pki->vault, PKI_IDENTITY, identity->owner, &ids, &count);
	for (size_t i = 0; i < count && !result; i++)
		if (strcmp(ids[i], identity->id) == 0)
			result = PONTO_EEXIST;
	if (!result && count >= pki->limit)
		result = PONTO_ELIMIT;
	if (!result)
		result = pki_vault_add(pki->vault, PKI_IDENTITY, identity->owner, identity->id, ponto_bytes(text, len));
	pthread_rwlock_unlock(&pki->lock);
	ponto_free(alloc, ids);
	pki_free_text(alloc, text, len);
	return result;
}

int pki_has_room(struct pki *pki, uint32_t owner)
{
	char(*ids)[PONTO_IDENTITY_ID] = NULL;
	size_t count = 0;
	int result;

	pthread_rwlock_rdlock(&pki->lock);
	result = pki_vault_ids(pki->vault, PKI_IDENTITY, owner, &ids, &count);
	pthread_rwlock_unlock(&pki->lock);
	ponto_free(pki->env->alloc, ids);
	return result ? result : count >= pki->limit ? PONTO_ELIMIT : PONTO_OK;
}

/* ---- identities ------------------------------------------------------------------ */

static int pki_identity_create(void *self, uint32_t owner, uint32_t profile, const char *name,
			       struct ponto_identity *out)
{
	struct pki *pki = self;
	struct pki_record record = {.identity = {.profile = profile, .owner = owner}};
	EVP_PKEY *key = NULL;
	int result = ponto_identity_name_valid(name) ? pki_usable(pki, profile) : PONTO_EINVAL;

	if (!result)
		result = pki_has_room(pki, owner);
	if (result)
		return result;
	strcpy(record.identity.name, name);
	result = pki_key_generate(&pki->crypto, profile, &key);
	if (!result)
		result = pki_key_describe(profile, key, &record.identity);
	if (!result)
		result = pki_admit(pki, &record, key, true);
	EVP_PKEY_free(key);
	if (!result)
		*out = record.identity;
	return result;
}

static int by_age(const void *a, const void *b)
{
	const struct ponto_identity *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return strcmp(x->id, y->id);
}

static int pki_identity_list(void *self, uint32_t owner, ponto_identity_fn *fn, void *arg)
{
	struct pki *pki = self;
	struct ponto_identity *found = NULL;
	char(*ids)[PONTO_IDENTITY_ID] = NULL;
	struct pki_record record;
	size_t count = 0, good = 0;
	int result;

	pthread_rwlock_rdlock(&pki->lock);
	result = pki_vault_ids(pki->vault, PKI_IDENTITY, owner, &ids, &count);
	if (!result && count) {
		found = ponto_new(pki->env->alloc, count, sizeof(*found));
		if (!found)
			result = PONTO_ENOMEM;
	}
	for (size_t i = 0; i < count && !result; i++) {
		result = pki_describe(pki, owner, ids[i], &record);
		if (!result)
			found[good++] = record.identity;
		else if (result == PONTO_ECORRUPT || result == PONTO_ENOENT || result == PONTO_EACCES)
			result = PONTO_OK; /* logged, and left out */
	}
	pthread_rwlock_unlock(&pki->lock);
	if (!result && good) {
		qsort(found, good, sizeof(*found), by_age);
		for (size_t i = 0; i < good && fn(arg, &found[i]); i++)
			;
	}
	ponto_free(pki->env->alloc, found);
	ponto_free(pki->env->alloc, ids);
	return result;
}

int pki_identity_get(void *self, uint32_t owner, const char *id, struct ponto_identity *out)
{
	struct pki *pki = self;
	struct pki_record record;
	int result;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_rwlock_rdlock(&pki->lock);
	result = pki_describe(pki, owner, id, &record);
	pthread_rwlock_unlock(&pki->lock);
	if (!result)
		*out = record.identity;
	return result;
}

static int pki_identity_remove(void *self, uint32_t owner, const char *id)
{
	struct pki *pki = self;
	struct private_name name;
	int result;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_rwlock_wrlock(&pki->lock);
	result = pki_vault_remove(pki->vault, PKI_IDENTITY, owner, id);
	if (!result)
		pki_cache_drop(pki->cache, private_name(&name, owner, id));
	pthread_rwlock_unlock(&pki->lock);
	return result;
}

int pki_check_password(const char *password)
{
	size_t len = password ? strnlen(password, PKI_PASSWORD_MAX + 1) : 0;

	return len == 0 || len > PKI_PASSWORD_MAX ? PONTO_EINVAL : PONTO_OK;
}

static int pki_identity_export(void *self, uint32_t owner, const char *id, const char *password,
			       const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	struct pki *pki = self;
	struct pki_record record;
	EVP_PKEY *key = NULL;
	int result = pki_check_password(password);

	if (result)
		return result;
	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	pthread_rwlock_rdlock(&pki->lock);
	result = pki_load_key(pki, owner, id, &record, &key);
	pthread_rwlock_unlock(&pki->lock);
	if (!result)
		result = pki_file_write(&pki->crypto, &record, key, ponto_bytes(password, strlen(password)),
					pki->iterations, alloc, data, len);
	EVP_PKEY_free(key);
	return result;
}

static int pki_identity_import(void *self, uint32_t owner, struct ponto_bytes data, const char *password,
			       struct ponto_identity *out)
{
	struct pki *pki = self;
	struct pki_record record = {.identity = {.owner = owner}};
	EVP_PKEY *key = NULL;
	bool encrypted = false;
	int result = pki_check_password(password);

	if (!result)
		result = pki_file_describe(data, &record, &encrypted);
	if (!result && !encrypted)
		result = PONTO_EPROTO; /* no export of ours */
	if (!result)
		result = pki_usable(pki, record.identity.profile);
	if (!result)
		result =
			pki_file_read(&pki->crypto, data, ponto_bytes(password, strlen(password)), true, &record, &key);
	if (!result)
		result = pki_admit(pki, &record, key, false);
	EVP_PKEY_free(key);
	if (!result || result == PONTO_EEXIST)
		*out = record.identity;
	return result;
}

/* ---- signatures ---------------------------------------------------------------------- */

int pki_sign(void *self, uint32_t owner, const char *id, struct ponto_bytes data,
	     uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len)
{
	struct pki *pki = self;
	struct private_name name;
	struct pki_record record;
	uint32_t profile = 0;
	EVP_PKEY *key;
	int result = PONTO_OK;

	if (!ponto_identity_id_valid(id))
		return PONTO_ENOENT;
	key = pki_cache_get(pki->cache, private_name(&name, owner, id), &profile);
	if (!key) {
		pthread_rwlock_rdlock(&pki->lock); /* a removal must not slip in between reading and keeping */
		result = pki_load_key(pki, owner, id, &record, &key);
		if (!result) {
			profile = record.identity.profile;
			result = pki_cache_put(pki->cache, private_name(&name, owner, id), key, profile);
		}
		pthread_rwlock_unlock(&pki->lock);
	}
	if (!result)
		result = pki_usable(pki, profile);
	if (!result)
		result = pki_key_sign(&pki->crypto, profile, key, data, signature, len);
	EVP_PKEY_free(key);
	if (!result)
		ponto_counter_add(pki->signed_count, 1);
	return result;
}

static int pki_verify(void *self, uint32_t profile, struct ponto_bytes public_key, struct ponto_bytes data,
		      struct ponto_bytes signature)
{
	struct pki *pki = self;
	int result = pki_usable(pki, profile);

	if (!result)
		result = pki_verify_with(&pki->crypto, profile, public_key, data, signature);
	if (result && result != PONTO_EAUTH) /* it was not tried */
		return result;
	ponto_counter_add(result ? pki->refused_count : pki->verified_count, 1);
	return result;
}

static int pki_authority(void *self, uint32_t profile, struct ponto_bytes public_key, uint8_t out[PONTO_AUTHORITY_SIZE])
{
	(void)self;
	return ponto_public_key_authority(profile, public_key, out);
}

static const struct ponto_security_ops pki_ops = {
	.head = {PONTO_SECURITY_ABI, sizeof(pki_ops)},
	.create = pki_create,
	.destroy = pki_destroy,
	.identity_create = pki_identity_create,
	.identity_list = pki_identity_list,
	.identity_get = pki_identity_get,
	.identity_remove = pki_identity_remove,
	.identity_export = pki_identity_export,
	.identity_import = pki_identity_import,
	.sign = pki_sign,
	.verify = pki_verify,
	.authority = pki_authority,
	.chain_issue = pki_chain_issue,
	.chain_read = pki_chain_read,
	.chain_verify = pki_chain_verify,
	.chain_add = pki_chain_add,
	.chain_list = pki_chain_list,
	.chain_get = pki_chain_get,
	.chain_remove = pki_chain_remove,
	.identity_detail = pki_identity_detail,
	.identity_change = pki_identity_change,
	.identity_card = pki_identity_card,
	.identity_export_pfx = pki_identity_export_pfx,
	.identity_import_pfx = pki_identity_import_pfx,
	.identity_adopt = pki_identity_adopt,
};

PONTO_PLUGIN(security_pki) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_SECURITY,
	.name = "security-pki",
	.version = "0.1.0",
	.summary = "identities and signatures by OpenSSL: RSA-1024 with SHA-1 for windows, Ed25519 for modern",
	.options = pki_options,
	.option_count = PONTO_ARRAY_SIZE(pki_options),
	.vtable = &pki_ops.head,
};
