/* Ponto: the store contract: records under a group and a key, promises that a
 * distributed engine can keep too.
 *
 * Calls block and are thread-safe: run them on the instance's pool
 * (ponto_pool_submit(store.pool, …)). Every call has a deadline: monotonic
 * microseconds of env->clock, PONTO_NEVER for none; past it a call fails with
 * PONTO_ETIME, and a write that did may or may not have happened. */
#ifndef PONTO_STORE_H
#define PONTO_STORE_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_STORE_ABI 1

#define PONTO_STORE_GROUP_MAX 255		   /* bytes, at least 1 */
#define PONTO_STORE_KEY_MAX 1024		   /* bytes, at least 1 */
#define PONTO_STORE_VALUE_MAX (16u * 1024 * 1024) /* bytes, may be 0 */
#define PONTO_STORE_BATCH_MAX 1024		   /* steps */
#define PONTO_STORE_BATCH_BYTES (64u * 1024 * 1024) /* keys and values of all steps together */

enum ponto_store_flags {
	PONTO_STORE_SYNC = 1u, /* acknowledged means it survives power loss */
};

enum ponto_store_step_kind {
	PONTO_STEP_PUT = 1,
	PONTO_STEP_DELETE = 2,
	PONTO_STEP_REQUIRE_ABSENT = 3, /* guard: no such (unexpired) record */
	PONTO_STEP_REQUIRE_EQUAL = 4,  /* guard: the record's value is exactly value */
};

/* One step of a batch. */
struct ponto_store_step {
	uint32_t kind;	  /* enum ponto_store_step_kind */
	struct ponto_bytes key;
	struct ponto_bytes value; /* PUT and REQUIRE_EQUAL */
	uint64_t expires; /* PUT: wall microseconds, 0: never */
};

/* A record met while iterating. borrows. Return false to stop. */
typedef bool ponto_store_record_fn(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires);
typedef bool ponto_store_group_fn(void *arg, struct ponto_bytes group);

struct ponto_store_ops {
	struct ponto_vtable head;
	int (*create)(const struct ponto_env *env, void **self);
	void (*destroy)(void *self);
	int (*get)(void *self, struct ponto_bytes group, struct ponto_bytes key, uint64_t deadline,
		   const struct ponto_alloc *alloc, uint8_t **value, size_t *len, uint64_t *expires);
	int (*put)(void *self, struct ponto_bytes group, struct ponto_bytes key, struct ponto_bytes value,
		   uint64_t expires, unsigned flags, uint64_t deadline);
	int (*remove)(void *self, struct ponto_bytes group, struct ponto_bytes key, unsigned flags, uint64_t deadline);
	int (*iterate)(void *self, struct ponto_bytes group, struct ponto_bytes prefix, struct ponto_bytes after,
		       uint64_t deadline, ponto_store_record_fn *fn, void *arg);
	int (*groups)(void *self, uint8_t **page, size_t *page_len, size_t limit, uint64_t deadline,
		      const struct ponto_alloc *alloc, ponto_store_group_fn *fn, void *arg);
	int (*batch)(void *self, struct ponto_bytes group, const struct ponto_store_step *steps, size_t count,
		     unsigned flags, uint64_t deadline);
	int (*flush)(void *self, uint64_t deadline);
	int (*space)(void *self, uint64_t *total, uint64_t *left, uint64_t deadline); /* may be NULL */
	bool (*shared)(void *self); /* may be NULL */
};

struct ponto_store {
	const struct ponto_store_ops *ops;
	void *self;
	struct ponto_pool *pool;
};

/* All calls: PONTO_EINVAL (empty or over-long group or key), PONTO_ELIMIT (value or batch too large),
 * PONTO_ETIME, PONTO_EIO, PONTO_ECORRUPT (this record; others stay readable), PONTO_ENOSPC (writes only). */

/* The value of an unexpired record, else PONTO_ENOENT. expires may be NULL. gives *value, allocated with alloc */
PONTO_MUST_CHECK static inline int ponto_store_get(struct ponto_store s, struct ponto_bytes group,
						   struct ponto_bytes key, uint64_t deadline,
						   const struct ponto_alloc *alloc, uint8_t **value, size_t *len,
						   uint64_t *expires)
{
	return s.ops->get(s.self, group, key, deadline, alloc, value, len, expires);
}

/* Writes or replaces. expires: wall microseconds from which on the record is gone; 0 never. copies */
PONTO_MUST_CHECK static inline int ponto_store_put(struct ponto_store s, struct ponto_bytes group,
						   struct ponto_bytes key, struct ponto_bytes value, uint64_t expires,
						   unsigned flags, uint64_t deadline)
{
	return s.ops->put(s.self, group, key, value, expires, flags, deadline);
}

/* PONTO_OK also when there was none. */
PONTO_MUST_CHECK static inline int ponto_store_remove(struct ponto_store s, struct ponto_bytes group,
						      struct ponto_bytes key, unsigned flags, uint64_t deadline)
{
	return s.ops->remove(s.self, group, key, flags, deadline);
}

/* Unexpired records whose key starts with prefix, in ascending byte order, those greater than after only
 * (empty: all); neither longer than a key may be. No snapshot: records written meanwhile may or may not be met. fn
 * must not call the store. */
PONTO_MUST_CHECK static inline int ponto_store_iterate(struct ponto_store s, struct ponto_bytes group,
						       struct ponto_bytes prefix, struct ponto_bytes after,
						       uint64_t deadline, ponto_store_record_fn *fn, void *arg)
{
	return s.ops->iterate(s.self, group, prefix, after, deadline, fn, arg);
}

/* Groups that hold a record, each at least once over all pages, in no order, at most limit (not 0) a call. *page is
 * a resume token: NULL at first, NULL again when all were given; owned by the caller, freed with alloc. A caller
 * that stops early frees it. When fn returns false, the next call goes on after that group. fn must not call the
 * store. */
PONTO_MUST_CHECK static inline int ponto_store_groups(struct ponto_store s, uint8_t **page, size_t *page_len,
						      size_t limit, uint64_t deadline, const struct ponto_alloc *alloc,
						      ponto_store_group_fn *fn, void *arg)
{
	return s.ops->groups(s.self, page, page_len, limit, deadline, alloc, fn, arg);
}

/* All steps or none, within one group; guards first, whatever their place: PONTO_EGUARD when one does not hold. */
PONTO_MUST_CHECK static inline int ponto_store_batch(struct ponto_store s, struct ponto_bytes group,
						     const struct ponto_store_step *steps, size_t count, unsigned flags,
						     uint64_t deadline)
{
	return s.ops->batch(s.self, group, steps, count, flags, deadline);
}

/* Makes everything acknowledged so far durable. */
PONTO_MUST_CHECK static inline int ponto_store_flush(struct ponto_store s, uint64_t deadline)
{
	return s.ops->flush(s.self, deadline);
}

/* Bytes of the file system that the records lie on, and of these what is free. PONTO_ENOTSUP: they lie on none that is
 * this machine's, as those in memory or of a distributed engine. */
PONTO_MUST_CHECK static inline int ponto_store_space(struct ponto_store s, uint64_t *total, uint64_t *left,
						     uint64_t deadline)
{
	return PONTO_HAS(s.ops, space) ? s.ops->space(s.self, total, left, deadline) : PONTO_ENOTSUP;
}

/* Whether others, in other processes, may read and write the same records at the same time: then what was not there a
 * moment ago may be there now. */
static inline bool ponto_store_shared(struct ponto_store s)
{
	return PONTO_HAS(s.ops, shared) && s.ops->shared(s.self);
}

/* ---- for the plugins that implement a store ---------------------------------
 *
 * What every implementation checks first, and one way to keep groups and keys in a single ordered key space: the
 * group's length in one byte, the group, the key. Within a group that keeps the byte order of the keys, and no group's
 * flat prefix is the start of another's. */
#define PONTO_STORE_FLAT_MAX (1 + PONTO_STORE_GROUP_MAX + PONTO_STORE_KEY_MAX)

/* PONTO_EINVAL or PONTO_ELIMIT as above; unknown flags are PONTO_EINVAL. */
PONTO_MUST_CHECK int ponto_store_check_record(struct ponto_bytes group, struct ponto_bytes key, size_t value_len,
					      unsigned flags);
PONTO_MUST_CHECK int ponto_store_check_range(struct ponto_bytes group, struct ponto_bytes prefix,
					     struct ponto_bytes after);
PONTO_MUST_CHECK int ponto_store_check_batch(struct ponto_bytes group, const struct ponto_store_step *steps,
					     size_t count, unsigned flags);

/* Writes the flat key of a checked group and key (or prefix, or nothing) and returns its length. */
size_t ponto_store_flatten(struct ponto_bytes group, struct ponto_bytes key, uint8_t out[PONTO_STORE_FLAT_MAX]);

/* The reverse, views into flat; false when flat is no flat key. */
bool ponto_store_unflatten(struct ponto_bytes flat, struct ponto_bytes *group, struct ponto_bytes *key);

/* Turns a flat prefix into the smallest flat key beyond all that start with it and returns its length; 0 when there
 * is none. */
size_t ponto_store_flat_end(uint8_t *flat, size_t len);

#ifdef __cplusplus
}
#endif
#endif
