#include "plugins/store-rados/rds_hint.h"

#include <string.h>

struct rds_hint {
	uint64_t hash; /* 0: empty */
	uint8_t len;
	uint8_t entry[RDS_PLACED_MAX];
};

struct rds_hint_area {
	uint64_t hash;
	struct rds_area area;
};

int rds_hints_init(struct rds_hints *hints, const struct ponto_alloc *alloc)
{
	hints->alloc = alloc;
	hints->records = ponto_new(alloc, RDS_HINTS, sizeof(*hints->records));
	hints->areas = ponto_new(alloc, RDS_HINT_AREAS, sizeof(*hints->areas));
	pthread_mutex_init(&hints->lock, NULL);
	return hints->records && hints->areas ? PONTO_OK : PONTO_ENOMEM;
}

void rds_hints_free(struct rds_hints *hints)
{
	if (!hints->alloc)
		return;
	ponto_free(hints->alloc, hints->records);
	ponto_free(hints->alloc, hints->areas);
	pthread_mutex_destroy(&hints->lock);
}

uint64_t rds_hint_hash(struct ponto_bytes object, struct ponto_bytes key)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < object.len; i++)
		hash = (hash ^ object.data[i]) * UINT64_C(1099511628211);
	hash = (hash ^ 0x100) * UINT64_C(1099511628211);
	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ key.data[i]) * UINT64_C(1099511628211);
	hash ^= hash >> 29;
	return hash ? hash : 1;
}

size_t rds_hint_get(struct rds_hints *hints, uint64_t hash, uint8_t out[RDS_PLACED_MAX])
{
	struct rds_hint *hint = &hints->records[hash % RDS_HINTS];
	size_t len = 0;

	pthread_mutex_lock(&hints->lock);
	if (hint->hash == hash) {
		len = hint->len;
		memcpy(out, hint->entry, len);
	}
	pthread_mutex_unlock(&hints->lock);
	return len;
}

void rds_hint_set(struct rds_hints *hints, uint64_t hash, const uint8_t *entry, size_t len)
{
	struct rds_hint *hint = &hints->records[hash % RDS_HINTS];

	pthread_mutex_lock(&hints->lock);
	if (len > 0 && len <= RDS_PLACED_MAX) {
		hint->hash = hash;
		hint->len = (uint8_t)len;
		memcpy(hint->entry, entry, len);
	} else if (hint->hash == hash) {
		hint->hash = 0;
	}
	pthread_mutex_unlock(&hints->lock);
}

bool rds_hint_area_get(struct rds_hints *hints, uint64_t hash, struct rds_area *out)
{
	struct rds_hint_area *hint = &hints->areas[hash % RDS_HINT_AREAS];
	bool known;

	pthread_mutex_lock(&hints->lock);
	known = hint->hash == hash;
	if (known)
		*out = hint->area;
	pthread_mutex_unlock(&hints->lock);
	return known;
}

void rds_hint_area_set(struct rds_hints *hints, uint64_t hash, const struct rds_area *area)
{
	struct rds_hint_area *hint = &hints->areas[hash % RDS_HINT_AREAS];

	pthread_mutex_lock(&hints->lock);
	if (area) {
		hint->hash = hash;
		hint->area = *area;
	} else if (hint->hash == hash) {
		hint->hash = 0;
	}
	pthread_mutex_unlock(&hints->lock);
}
