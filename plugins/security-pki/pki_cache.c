#include "plugins/security-pki/pki_cache.h"

#include <pthread.h>
#include <string.h>

#include "framework/digest.h"

#define WAYS 4

struct entry {
	struct entry *next;
	EVP_PKEY *key;
	uint32_t tag;
	uint16_t name_len;
	uint8_t name[];
};

struct pki_cache {
	const struct ponto_alloc *alloc;
	pthread_mutex_t lock;
	uint8_t hash_key[16];
	size_t sets;
	struct entry *set[]; /* at most WAYS, the one used last first */
};

int pki_cache_create(const struct ponto_alloc *alloc, const struct ponto_random *random, size_t capacity,
		     struct pki_cache **out)
{
	size_t sets = capacity < WAYS ? 1 : (capacity + WAYS - 1) / WAYS;
	struct pki_cache *cache = ponto_new(alloc, 1, sizeof(*cache) + sets * sizeof(cache->set[0]));

	if (!cache)
		return PONTO_ENOMEM;
	cache->alloc = alloc;
	cache->sets = sets;
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
	for (size_t i = 0; i < cache->sets; i++) {
		while (cache->set[i]) {
			struct entry *entry = cache->set[i];

			cache->set[i] = entry->next;
			entry_destroy(cache, entry);
		}
	}
	pthread_mutex_destroy(&cache->lock);
	ponto_free(cache->alloc, cache);
}

static struct entry **set_of(struct pki_cache *cache, struct ponto_bytes name)
{
	return &cache->set[ponto_siphash(cache->hash_key, name) % cache->sets];
}

/* Out of its set, when it is there; else NULL. */
static struct entry *take_out(struct entry **set, struct ponto_bytes name)
{
	struct entry *entry;

	while (*set && !ponto_bytes_equal(ponto_bytes((*set)->name, (*set)->name_len), name))
		set = &(*set)->next;
	entry = *set;
	if (entry)
		*set = entry->next;
	return entry;
}

static void put_first(struct entry **set, struct entry *entry)
{
	entry->next = *set;
	*set = entry;
}

EVP_PKEY *pki_cache_get(struct pki_cache *cache, struct ponto_bytes name, uint32_t *tag)
{
	struct entry **set = set_of(cache, name), *entry;
	EVP_PKEY *key = NULL;

	pthread_mutex_lock(&cache->lock);
	entry = take_out(set, name);
	if (entry) {
		put_first(set, entry);
		if (EVP_PKEY_up_ref(entry->key)) {
			key = entry->key;
			*tag = entry->tag;
		}
	}
	pthread_mutex_unlock(&cache->lock);
	return key;
}

/* The one for which there is no place, NULL: none. */
static struct entry *take_surplus(struct entry **set)
{
	struct entry *entry;

	for (size_t i = 0; i < WAYS && *set; i++)
		set = &(*set)->next;
	entry = *set;
	*set = NULL;
	return entry;
}

int pki_cache_put(struct pki_cache *cache, struct ponto_bytes name, EVP_PKEY *key, uint32_t tag)
{
	struct entry **set = set_of(cache, name), *entry, *before, *surplus;

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
	before = take_out(set, name);
	put_first(set, entry);
	surplus = take_surplus(set);
	pthread_mutex_unlock(&cache->lock);
	entry_destroy(cache, before);
	entry_destroy(cache, surplus);
	return PONTO_OK;
}

void pki_cache_drop(struct pki_cache *cache, struct ponto_bytes name)
{
	struct entry *dropped;

	pthread_mutex_lock(&cache->lock);
	dropped = take_out(set_of(cache, name), name);
	pthread_mutex_unlock(&cache->lock);
	entry_destroy(cache, dropped);
}
