#include "plugins/security-pki/pki_cache.h"

#include <pthread.h>
#include <string.h>

#include "framework/digest.h"

#define WAYS 4

struct entry {
	EVP_PKEY *key;
	uint64_t used;
	uint32_t tag;
	uint16_t name_len;
	uint8_t name[];
};

struct pki_cache {
	const struct ponto_alloc *alloc;
	pthread_mutex_t lock;
	uint8_t hash_key[16];
	uint64_t uses;
	size_t sets;
	struct entry **entries; /* sets * WAYS; NULL: free */
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
	cache->entries = ponto_new(alloc, cache->sets * WAYS, sizeof(*cache->entries));
	if (!cache->entries) {
		ponto_free(alloc, cache);
		return PONTO_ENOMEM;
	}
	random->fill(random->ctx, cache->hash_key, sizeof(cache->hash_key));
	pthread_mutex_init(&cache->lock, NULL);
	*out = cache;
	return PONTO_OK;
}

static void entry_destroy(const struct pki_cache *cache, struct entry *entry)
{
	if (!entry)
		return;
	EVP_PKEY_free(entry->key);
	ponto_free(cache->alloc, entry);
}

void pki_cache_destroy(struct pki_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->sets * WAYS; i++)
		entry_destroy(cache, cache->entries[i]);
	pthread_mutex_destroy(&cache->lock);
	ponto_free(cache->alloc, cache->entries);
	ponto_free(cache->alloc, cache);
}

static struct entry **set_of(struct pki_cache *cache, struct ponto_bytes name)
{
	return cache->entries + ponto_siphash(cache->hash_key, name) % cache->sets * WAYS;
}

/* Where it is, else NULL. */
static struct entry **find(struct entry **set, struct ponto_bytes name)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set[i] && ponto_bytes_equal(ponto_bytes(set[i]->name, set[i]->name_len), name))
			return &set[i];
	return NULL;
}

EVP_PKEY *pki_cache_get(struct pki_cache *cache, struct ponto_bytes name, uint32_t *tag)
{
	EVP_PKEY *key = NULL;
	struct entry **at;

	pthread_mutex_lock(&cache->lock);
	at = find(set_of(cache, name), name);
	if (at && EVP_PKEY_up_ref((*at)->key)) {
		(*at)->used = ++cache->uses;
		key = (*at)->key;
		*tag = (*at)->tag;
	}
	pthread_mutex_unlock(&cache->lock);
	return key;
}

static struct entry **place_for(struct entry **set, struct ponto_bytes name)
{
	struct entry **at = find(set, name);

	if (at)
		return at;
	at = set;
	for (size_t i = 1; i < WAYS && *at; i++)
		if (!set[i] || set[i]->used < (*at)->used)
			at = &set[i];
	return at;
}

int pki_cache_put(struct pki_cache *cache, struct ponto_bytes name, EVP_PKEY *key, uint32_t tag)
{
	struct entry *entry, *evicted, **at;

	if (name.len > PKI_CACHE_NAME_MAX)
		return PONTO_OK;
	entry = ponto_new(cache->alloc, 1, sizeof(*entry) + name.len);
	if (!entry)
		return PONTO_ENOMEM;
	if (!EVP_PKEY_up_ref(key)) {
		ponto_free(cache->alloc, entry);
		return PONTO_ENOMEM;
	}
	entry->key = key;
	entry->tag = tag;
	entry->name_len = (uint16_t)name.len;
	memcpy(entry->name, name.data, name.len);
	pthread_mutex_lock(&cache->lock);
	entry->used = ++cache->uses;
	at = place_for(set_of(cache, name), name);
	evicted = *at;
	*at = entry;
	pthread_mutex_unlock(&cache->lock);
	entry_destroy(cache, evicted);
	return PONTO_OK;
}

void pki_cache_drop(struct pki_cache *cache, struct ponto_bytes name)
{
	struct entry *dropped = NULL, **at;

	pthread_mutex_lock(&cache->lock);
	at = find(set_of(cache, name), name);
	if (at) {
		dropped = *at;
		*at = NULL;
	}
	pthread_mutex_unlock(&cache->lock);
	entry_destroy(cache, dropped);
}
