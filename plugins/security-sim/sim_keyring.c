#include "plugins/security-sim/sim_keyring.h"

#include <stdlib.h>
#include <string.h>

/* Ids come out of a hash, or at least out of the simulation: no peer of the outside chooses them. */
static size_t bucket_of(const struct sim_keyring *ring, const char *id)
{
	size_t h = 0;

	for (int i = 0; i < 12; i++)
		h = h * 31 + (unsigned char)id[i];
	return h & (ring->bucket_count - 1);
}

void sim_keyring_init(struct sim_keyring *ring, const struct ponto_alloc *alloc)
{
	memset(ring, 0, sizeof(*ring));
	ring->alloc = alloc;
}

void sim_keyring_fini(struct sim_keyring *ring)
{
	for (size_t i = 0; i < ring->bucket_count; i++) {
		for (struct sim_entry *entry = ring->buckets[i], *next; entry; entry = next) {
			next = entry->next;
			ponto_free(ring->alloc, entry);
		}
	}
	ponto_free(ring->alloc, ring->buckets);
	sim_keyring_init(ring, ring->alloc);
}

static struct sim_entry **find(const struct sim_keyring *ring, uint32_t owner, const char *id)
{
	struct sim_entry **at;

	if (ring->bucket_count == 0)
		return NULL;
	at = &ring->buckets[bucket_of(ring, id)];
	while (*at && ((*at)->identity.owner != owner || strcmp((*at)->identity.id, id) != 0))
		at = &(*at)->next;
	return *at ? at : NULL;
}

const struct ponto_identity *sim_keyring_find(const struct sim_keyring *ring, uint32_t owner, const char *id)
{
	struct sim_entry **at = find(ring, owner, id);

	return at ? &(*at)->identity : NULL;
}

static int grow(struct sim_keyring *ring)
{
	struct sim_keyring larger = *ring;

	larger.bucket_count = ring->bucket_count ? 2 * ring->bucket_count : 16;
	larger.buckets = ponto_new(ring->alloc, larger.bucket_count, sizeof(struct sim_entry *));
	if (!larger.buckets)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < ring->bucket_count; i++) {
		for (struct sim_entry *entry = ring->buckets[i], *next; entry; entry = next) {
			struct sim_entry **at = &larger.buckets[bucket_of(&larger, entry->identity.id)];

			next = entry->next;
			entry->next = *at;
			*at = entry;
		}
	}
	ponto_free(ring->alloc, ring->buckets);
	*ring = larger;
	return PONTO_OK;
}

int sim_keyring_add(struct sim_keyring *ring, const struct ponto_identity *identity)
{
	struct sim_entry *entry, **at;
	int result;

	if (find(ring, identity->owner, identity->id))
		return PONTO_EEXIST;
	if (ring->count >= ring->bucket_count) {
		result = grow(ring);
		if (result)
			return result;
	}
	entry = ponto_new(ring->alloc, 1, sizeof(*entry));
	if (!entry)
		return PONTO_ENOMEM;
	entry->identity = *identity;
	at = &ring->buckets[bucket_of(ring, identity->id)];
	entry->next = *at;
	*at = entry;
	ring->count++;
	return PONTO_OK;
}

int sim_keyring_remove(struct sim_keyring *ring, uint32_t owner, const char *id)
{
	struct sim_entry **at = find(ring, owner, id);
	struct sim_entry *gone;

	if (!at)
		return PONTO_ENOENT;
	gone = *at;
	*at = gone->next;
	ring->count--;
	ponto_free(ring->alloc, gone);
	return PONTO_OK;
}

size_t sim_keyring_count(const struct sim_keyring *ring, uint32_t owner)
{
	size_t count = 0;

	for (size_t i = 0; i < ring->bucket_count; i++)
		for (struct sim_entry *entry = ring->buckets[i]; entry; entry = entry->next)
			count += entry->identity.owner == owner;
	return count;
}

static int by_age(const void *a, const void *b)
{
	const struct ponto_identity *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return strcmp(x->id, y->id);
}

int sim_keyring_list(const struct sim_keyring *ring, uint32_t owner, struct ponto_identity **out, size_t *count)
{
	size_t found = sim_keyring_count(ring, owner), n = 0;
	struct ponto_identity *list = NULL;

	if (found) {
		list = ponto_new(ring->alloc, found, sizeof(*list));
		if (!list)
			return PONTO_ENOMEM;
		for (size_t i = 0; i < ring->bucket_count; i++)
			for (struct sim_entry *entry = ring->buckets[i]; entry; entry = entry->next)
				if (entry->identity.owner == owner)
					list[n++] = entry->identity;
		qsort(list, found, sizeof(*list), by_age);
	}
	*out = list;
	*count = found;
	return PONTO_OK;
}
