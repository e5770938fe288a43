#include "plugins/security-pki/pki_cache.h"

#include <pthread.h>
#include <string.h>

#include "framework/digest.h"

#define WAYS 4

struct slot {
	uint8_t name[PKI_CACHE_NAME_MAX];
	uint16_t name_len;
	uint32_t tag;
	uint64_t used;
	EVP_PKEY *key; /* NULL: free */
};

struct pki_cache {
	const struct ponto_alloc *alloc;
	pthread_mutex_t lock;
	uint8_t hash_key[16];
	uint64_t uses;
	size_t sets;
	struct slot *slots; /* sets * WAYS */
};

int pki_cache_create(const struct ponto_alloc *alloc, const struct ponto_random *random, size_t capacity,
		     struct pki_cache **out)
{
	struct pki_cache *cache = ponto_new(alloc, 1, sizeof(*cache));

	if (!cache)
		return PONTO_ENOMEM;
	cache->alloc = alloc;
	cache->sets = (capacity + WAYS - 1) / WAYS;
	if (cache->sets == 0)
		cache->sets = 1;
	cache->slots = ponto_new(alloc, cache->sets * WAYS, sizeof(*cache->slots));
	if (!cache->slots) {
		ponto_free(alloc, cache);
		return PONTO_ENOMEM;
	}
	random->fill(random->ctx, cache->hash_key, sizeof(cache->hash_key));
	pthread_mutex_init(&cache->lock, NULL);
	*out = cache;
	return PONTO_OK;
}

void pki_cache_destroy(struct pki_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->sets * WAYS; i++)
		EVP_PKEY_free(cache->slots[i].key);
	pthread_mutex_destroy(&cache->lock);
	ponto_free(cache->alloc, cache->slots);
	ponto_free(cache->alloc, cache);
}

static struct slot *set_of(struct pki_cache *cache, struct ponto_bytes name)
{
	return cache->slots + ponto_siphash(cache->hash_key, name) % cache->sets * WAYS;
}

static struct slot *find(struct slot *set, struct ponto_bytes name)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].key && ponto_bytes_equal(ponto_bytes(set[i].name, set[i].name_len), name))
			return &set[i];
	return NULL;
}

EVP_PKEY *pki_cache_get(struct pki_cache *cache, struct ponto_bytes name, uint32_t *tag)
{
	EVP_PKEY *key = NULL;
	struct slot *slot;

	pthread_mutex_lock(&cache->lock);
	slot = find(set_of(cache, name), name);
	if (slot && EVP_PKEY_up_ref(slot->key)) {
		slot->used = ++cache->uses;
		key = slot->key;
		*tag = slot->tag;
	}
	pthread_mutex_unlock(&cache->lock);
	return key;
}

void pki_cache_put(struct pki_cache *cache, struct ponto_bytes name, EVP_PKEY *key, uint32_t tag)
{
	EVP_PKEY *evicted = NULL;
	struct slot *set, *slot;

	if (name.len > PKI_CACHE_NAME_MAX || !EVP_PKEY_up_ref(key))
		return;
	pthread_mutex_lock(&cache->lock);
	set = set_of(cache, name);
	slot = find(set, name);
	if (!slot) {
		slot = set;
		for (size_t i = 1; i < WAYS && slot->key; i++)
			if (!set[i].key || set[i].used < slot->used)
				slot = &set[i];
	}
	evicted = slot->key;
	memcpy(slot->name, name.data, name.len);
	slot->name_len = (uint16_t)name.len;
	slot->tag = tag;
	slot->used = ++cache->uses;
	slot->key = key;
	pthread_mutex_unlock(&cache->lock);
	EVP_PKEY_free(evicted);
}

void pki_cache_drop(struct pki_cache *cache, struct ponto_bytes name)
{
	EVP_PKEY *dropped = NULL;
	struct slot *slot;

	pthread_mutex_lock(&cache->lock);
	slot = find(set_of(cache, name), name);
	if (slot) {
		dropped = slot->key;
		slot->key = NULL;
	}
	pthread_mutex_unlock(&cache->lock);
	EVP_PKEY_free(dropped);
}
