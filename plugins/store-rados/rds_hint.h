/* store-rados: what this process saw of groups last. Only hints: a wrong one costs a round trip, for every step checks
 * against the cluster what it believes. So they need no invalidation between processes.
 *
 * Thread-safe. */
#ifndef PONTO_PLUGINS_STORE_RADOS_HINT_H
#define PONTO_PLUGINS_STORE_RADOS_HINT_H

#include <pthread.h>

#include "plugins/store-rados/rds_area.h"
#include "plugins/store-rados/rds_entry.h"

#define RDS_HINTS 32768 /* records: 2 GiB in blocks of 64 KiB */
#define RDS_HINT_AREAS 64

struct rds_hint;
struct rds_hint_area;

struct rds_hints {
	pthread_mutex_t lock;
	const struct ponto_alloc *alloc;
	struct rds_hint *records;
	struct rds_hint_area *areas;
};

PONTO_MUST_CHECK int rds_hints_init(struct rds_hints *hints, const struct ponto_alloc *alloc);
void rds_hints_free(struct rds_hints *hints);

/* object: the group's. key: the record's name in it. */
uint64_t rds_hint_hash(struct ponto_bytes object, struct ponto_bytes key);

/* The entry of a record whose value is not inline. Returns its length, 0: none known. */
size_t rds_hint_get(struct rds_hints *hints, uint64_t hash, uint8_t out[RDS_PLACED_MAX]);

/* len 0: forget. */
void rds_hint_set(struct rds_hints *hints, uint64_t hash, const uint8_t *entry, size_t len);

/* The area of a group; false: not known. */
bool rds_hint_area_get(struct rds_hints *hints, uint64_t hash, struct rds_area *out);

/* NULL: forget. */
void rds_hint_area_set(struct rds_hints *hints, uint64_t hash, const struct rds_area *area);

#endif
