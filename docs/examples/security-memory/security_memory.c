/* security-memory: Ed25519 identities in memory, gone when the node ends. Keys
 * come from the node's randomness; the profile "modern" only.
 *
 * One lock; needs OpenSSL: LIBS = -lcrypto. RFC 8032, RFC 5958. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "framework/digest.h"
#include "framework/security.h"

#define KEY_SIZE 32
#define SIGNATURE_SIZE 64

struct entry {
	struct entry *next; /* oldest first */
	struct ponto_identity identity;
	EVP_PKEY *key;
};

struct memory {
	const struct ponto_env *env;
	pthread_mutex_t lock;
	struct entry *entries;
};

static int memory_create(const struct ponto_env *env, void **self)
{
	struct memory *m = ponto_new(env->alloc, 1, sizeof(*m));

	if (!m)
		return PONTO_ENOMEM;
	m->env = env;
	pthread_mutex_init(&m->lock, NULL);
	*self = m;
	return PONTO_OK;
}

static void entry_free(struct memory *m, struct entry *e)
{
	if (e)
		EVP_PKEY_free(e->key);
	ponto_free(m->env->alloc, e);
}

static void memory_destroy(void *self)
{
	struct memory *m = self;

	while (m && m->entries) {
		struct entry *e = m->entries;

		m->entries = e->next;
		entry_free(m, e);
	}
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	ponto_free(m->env->alloc, m);
}

/* The place of an owner's identity in the list; the end when there is none. The caller holds the lock. */
static struct entry **find(struct memory *m, uint32_t owner, const char *id)
{
	struct entry **at = &m->entries;

	if (!id)
		id = "";
	while (*at && ((*at)->identity.owner != owner || strcmp((*at)->identity.id, id) != 0))
		at = &(*at)->next;
	return at;
}

static int memory_authority(void *self, uint32_t profile, struct ponto_bytes public_key,
			    uint8_t out[PONTO_AUTHORITY_SIZE])
{
	uint8_t hash[PONTO_SHA256_SIZE];

	(void)self;
	if (profile != PONTO_PROFILE_MODERN)
		return profile == PONTO_PROFILE_WINDOWS ? PONTO_ENOTSUP : PONTO_EINVAL;
	if (public_key.len != KEY_SIZE)
		return PONTO_EPROTO;
	ponto_sha256(&public_key, 1, hash);
	memcpy(out, hash, PONTO_AUTHORITY_SIZE);
	return PONTO_OK;
}

/* What follows from the key. */
static int describe(struct memory *m, EVP_PKEY *key, struct ponto_identity *identity)
{
	size_t len = KEY_SIZE;
	int result;

	identity->profile = PONTO_PROFILE_MODERN;
	identity->public_key_len = KEY_SIZE;
	if (EVP_PKEY_get_raw_public_key(key, identity->public_key, &len) != 1 || len != KEY_SIZE)
		return PONTO_EPROTO;
	result = memory_authority(m, identity->profile, ponto_bytes(identity->public_key, KEY_SIZE), identity->authority);
	ponto_hex(ponto_bytes(identity->authority, sizeof(identity->authority)), identity->id);
	return result;
}

/* Adds an identity with that key. takes key */
static int add(struct memory *m, uint32_t owner, const char *name, uint64_t created, EVP_PKEY *key,
	       struct ponto_identity *out)
{
	struct entry *e = ponto_new(m->env->alloc, 1, sizeof(*e)), **at;
	int result;

	if (!e) {
		EVP_PKEY_free(key);
		return PONTO_ENOMEM;
	}
	e->key = key;
	e->identity.owner = owner;
	e->identity.created = created;
	memcpy(e->identity.name, name, strlen(name) + 1);
	result = describe(m, key, &e->identity);
	pthread_mutex_lock(&m->lock);
	at = find(m, owner, e->identity.id);
	if (result == PONTO_OK && *at)
		result = PONTO_EEXIST;
	if (result == PONTO_OK)
		*at = e;
	if (result == PONTO_OK || result == PONTO_EEXIST)
		*out = e->identity;
	pthread_mutex_unlock(&m->lock);
	if (result != PONTO_OK)
		entry_free(m, e);
	return result;
}

static int memory_identity_create(void *self, uint32_t owner, uint32_t profile, const char *name,
				  struct ponto_identity *out)
{
	struct memory *m = self;
	uint8_t seed[KEY_SIZE];
	EVP_PKEY *key;

	if (profile != PONTO_PROFILE_MODERN)
		return profile == PONTO_PROFILE_WINDOWS ? PONTO_ENOTSUP : PONTO_EINVAL;
	if (!ponto_identity_name_valid(name))
		return PONTO_EINVAL;
	m->env->random->fill(m->env->random->ctx, seed, sizeof(seed));
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	ponto_wipe(seed, sizeof(seed));
	return key ? add(m, owner, name, ponto_wall(m->env->clock), key, out) : PONTO_ENOMEM;
}

static int memory_identity_list(void *self, uint32_t owner, ponto_identity_fn *fn, void *arg)
{
	struct memory *m = self;
	bool more = true;

	pthread_mutex_lock(&m->lock);
	for (const struct entry *e = m->entries; e && more; e = e->next) {
		if (e->identity.owner == owner)
			more = fn(arg, &e->identity);
	}
	pthread_mutex_unlock(&m->lock);
	return PONTO_OK;
}

static int memory_identity_get(void *self, uint32_t owner, const char *id, struct ponto_identity *out)
{
	struct memory *m = self;
	const struct entry *e;

	pthread_mutex_lock(&m->lock);
	e = *find(m, owner, id);
	if (e)
		*out = e->identity;
	pthread_mutex_unlock(&m->lock);
	return e ? PONTO_OK : PONTO_ENOENT;
}

static int memory_identity_remove(void *self, uint32_t owner, const char *id)
{
	struct memory *m = self;
	struct entry **at, *e;

	pthread_mutex_lock(&m->lock);
	at = find(m, owner, id);
	e = *at;
	if (e)
		*at = e->next;
	pthread_mutex_unlock(&m->lock);
	if (!e)
		return PONTO_ENOENT;
	entry_free(m, e);
	return PONTO_OK;
}

/* The owner's key, to use without the lock, and its description (may be NULL). gives */
static EVP_PKEY *share_key(struct memory *m, uint32_t owner, const char *id, struct ponto_identity *out)
{
	struct entry *e;
	EVP_PKEY *key = NULL;

	pthread_mutex_lock(&m->lock);
	e = *find(m, owner, id);
	if (e && EVP_PKEY_up_ref(e->key) == 1) {
		key = e->key;
		if (out)
			*out = e->identity;
	}
	pthread_mutex_unlock(&m->lock);
	return key;
}

/* Name and birth on lines of their own, then PKCS#8 in PEM, encrypted; a hash of it all tells damage from a wrong
 * password. */
static int memory_identity_export(void *self, uint32_t owner, const char *id, const char *password,
				  const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	struct memory *m = self;
	struct ponto_identity identity;
	uint8_t *copy = NULL;
	char *bytes = NULL;
	EVP_PKEY *key;
	BIO *bio;
	long size;

	if (!password || !password[0])
		return PONTO_EINVAL;
	key = share_key(m, owner, id, &identity);
	if (!key)
		return PONTO_ENOENT;
	bio = BIO_new(BIO_s_mem());
	if (bio && BIO_printf(bio, "%s\n%016llx\n", identity.name, (unsigned long long)identity.created) > 0 &&
	    PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), NULL, 0, NULL, (void *)(uintptr_t)password) == 1) {
		size = BIO_get_mem_data(bio, &bytes);
		copy = ponto_new(alloc, 1, (size_t)size + PONTO_SHA256_SIZE);
		if (copy) {
			struct ponto_bytes all = ponto_bytes(copy, (size_t)size);

			memcpy(copy, bytes, (size_t)size);
			ponto_sha256(&all, 1, copy + size);
			*data = copy;
			*len = (size_t)size + PONTO_SHA256_SIZE;
		}
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	return copy ? PONTO_OK : PONTO_ENOMEM;
}

static int memory_identity_import(void *self, uint32_t owner, struct ponto_bytes data, const char *password,
				  struct ponto_identity *out)
{
	char name[PONTO_IDENTITY_NAME] = "", born[18] = "";
	uint8_t hash[PONTO_SHA256_SIZE];
	const uint8_t *end;
	EVP_PKEY *key;
	size_t len;
	BIO *bio;

	if (!password || !password[0])
		return PONTO_EINVAL;
	if (data.len > PONTO_EXPORT_MAX || data.len < sizeof(hash))
		return PONTO_EPROTO;
	data.len -= sizeof(hash);
	ponto_sha256(&data, 1, hash);
	end = data.len ? memchr(data.data, '\n', data.len) : NULL;
	if (memcmp(hash, data.data + data.len, sizeof(hash)) != 0 || !end || (len = (size_t)(end - data.data)) >= sizeof(name))
		return PONTO_EPROTO;
	memcpy(name, data.data, len);
	data = ponto_bytes(end + 1, data.len - len - 1);
	if (strlen(name) != len || !ponto_identity_name_valid(name) || data.len < sizeof(born) ||
	    !memmem(data.data, data.len, "BEGIN ENCRYPTED PRIVATE KEY", 27))
		return PONTO_EPROTO;
	memcpy(born, data.data, sizeof(born) - 1);
	bio = BIO_new_mem_buf(data.data + sizeof(born) - 1, (int)(data.len - sizeof(born) + 1));
	if (!bio)
		return PONTO_ENOMEM;
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t)password);
	BIO_free(bio);
	if (!key)
		return PONTO_EAUTH;
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		return PONTO_EPROTO;
	}
	return add(self, owner, name, strtoull(born, NULL, 16), key, out);
}

static int memory_sign(void *self, uint32_t owner, const char *id, struct ponto_bytes data,
		       uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len)
{
	EVP_PKEY *key = share_key(self, owner, id, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t out[SIGNATURE_SIZE];
	size_t size = sizeof(out);
	int result = key ? PONTO_ENOMEM : PONTO_ENOENT;

	if (key && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, out, &size, data.data, data.len) == 1) {
		memcpy(signature, out, size);
		*len = size;
		result = PONTO_OK;
	}
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return result;
}

static int memory_verify(void *self, uint32_t profile, struct ponto_bytes public_key, struct ponto_bytes data,
			 struct ponto_bytes signature)
{
	EVP_PKEY *key;
	EVP_MD_CTX *ctx;
	int result = PONTO_ENOMEM;

	(void)self;
	if (profile != PONTO_PROFILE_MODERN)
		return profile == PONTO_PROFILE_WINDOWS ? PONTO_ENOTSUP : PONTO_EINVAL;
	if (public_key.len != KEY_SIZE)
		return PONTO_EPROTO;
	key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key.data, public_key.len);
	ctx = EVP_MD_CTX_new();
	if (key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1)
		result = EVP_DigestVerify(ctx, signature.data, signature.len, data.data, data.len) == 1 ? PONTO_OK :
													  PONTO_EAUTH;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return result;
}

static const struct ponto_security_ops ops = {
	.head = {PONTO_SECURITY_ABI, sizeof(ops)},
	.create = memory_create,
	.destroy = memory_destroy,
	.identity_create = memory_identity_create,
	.identity_list = memory_identity_list,
	.identity_get = memory_identity_get,
	.identity_remove = memory_identity_remove,
	.identity_export = memory_identity_export,
	.identity_import = memory_identity_import,
	.sign = memory_sign,
	.verify = memory_verify,
	.authority = memory_authority,
};

PONTO_PLUGIN(security_memory) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_SECURITY,
	.name = "security-memory",
	.version = "1",
	.summary = "Ed25519 identities in memory, gone when the node ends",
	.vtable = &ops.head,
};
