/* store-mem: a store that lives as long as its instance. One lock over one ordered map: batches are atomic because
 * they are applied under it, and undone under it when they do not fit. */
#include <pthread.h>
#include <string.h>

#include "framework/env.h"
#include "framework/plugin.h"
#include "framework/store.h"
#include "plugins/store-mem/mem_map.h"

#define TOPIC "store.mem"
/* Expired records removed by each write besides those it needs gone: keeps the cost of one write bounded. */
#define SWEEP 4
#define MAX_BYTES_DEFAULT "268435456"

struct mem_store {
	const struct ponto_env *env;
	pthread_rwlock_t lock;
	struct mem_map map;
	uint64_t max_bytes; /* 0: no bound */
	bool full;	    /* the last write that could be refused for room was */
	struct ponto_gauge *bytes_gauge;
	struct ponto_gauge *records_gauge;
};

static const struct ponto_option mem_options[] = {
	{.name = "max_bytes",
	 .type = PONTO_OPTION_INT,
	 .fallback = MAX_BYTES_DEFAULT,
	 .min = 0,
	 .max = INT64_MAX,
	 .unit = "bytes",
	 .doc = "most memory the records may take, 0 for no bound; writes beyond are refused"},
};

static bool late(const struct mem_store *store, uint64_t deadline)
{
	return deadline != PONTO_NEVER && ponto_mono(store->env->clock) >= deadline;
}

static uint64_t wall(const struct mem_store *store)
{
	return ponto_wall(store->env->clock);
}

/* Both wait for the lock, then look at the deadline again: waiting may have used it up. */
static int lock_read(struct mem_store *store, uint64_t deadline)
{
	if (late(store, deadline))
		return PONTO_ETIME;
	pthread_rwlock_rdlock(&store->lock);
	if (!late(store, deadline))
		return PONTO_OK;
	pthread_rwlock_unlock(&store->lock);
	return PONTO_ETIME;
}

static int lock_write(struct mem_store *store, uint64_t deadline)
{
	if (late(store, deadline))
		return PONTO_ETIME;
	pthread_rwlock_wrlock(&store->lock);
	if (!late(store, deadline))
		return PONTO_OK;
	pthread_rwlock_unlock(&store->lock);
	return PONTO_ETIME;
}

static void unlock_write(struct mem_store *store)
{
	ponto_gauge_set(store->bytes_gauge, (int64_t)store->map.bytes);
	ponto_gauge_set(store->records_gauge, (int64_t)store->map.count);
	pthread_rwlock_unlock(&store->lock);
}

/* Frees up to most expired records. */
static void sweep(struct mem_store *store, uint64_t now, size_t most)
{
	struct mem_record *first;

	while (most-- > 0 && (first = mem_map_first_expiring(&store->map)) && mem_record_expired(first, now)) {
		mem_map_take(&store->map, first);
		ponto_free(store->env->alloc, first);
	}
}

/* One line when it becomes full, one when there is room again. */
static void note_room(struct mem_store *store, bool full)
{
	if (full && !store->full)
		ponto_error(store->env->log, TOPIC, "full: %llu bytes of max_bytes = %llu are in use",
			    (unsigned long long)store->map.bytes,
			    (unsigned long long)store->max_bytes);
	if (!full && store->full)
		ponto_info(store->env->log, TOPIC, "there is room again");
	store->full = full;
}

static int mem_create(const struct ponto_env *env, void **self)
{
	struct mem_store *store = ponto_new(env->alloc, 1, sizeof(*store));
	pthread_rwlockattr_t attr;

	if (!store)
		return PONTO_ENOMEM;
	store->env = env;
	store->max_bytes = (uint64_t)ponto_conf_int(env->conf, "max_bytes");
	mem_map_init(&store->map);
	/* glibc's default lets readers in for ever; no callback takes the lock a second time. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&store->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	if (env->metrics) {
		store->bytes_gauge =
			ponto_gauge(env->metrics, "store_bytes", env->instance, "bytes the stored records take");
		store->records_gauge = ponto_gauge(env->metrics, "store_records", env->instance,
						   "records in memory, expired ones not yet removed included");
	}
	*self = store;
	return PONTO_OK;
}

static void mem_destroy(void *self)
{
	struct mem_store *store = self;

	if (!store)
		return;
	mem_map_clear(&store->map, store->env->alloc);
	pthread_rwlock_destroy(&store->lock);
	ponto_free(store->env->alloc, store);
}

/* The unexpired record of that key; NULL when there is none. */
static struct mem_record *find_live(struct mem_store *store, struct ponto_bytes group, struct ponto_bytes key)
{
	uint8_t flat[PONTO_STORE_FLAT_MAX];
	struct mem_record *record = mem_map_find(&store->map, ponto_bytes(flat, ponto_store_flatten(group, key, flat)));

	return record && !mem_record_expired(record, wall(store)) ? record : NULL;
}

static int mem_get(void *self, struct ponto_bytes group, struct ponto_bytes key, uint64_t deadline,
		   const struct ponto_alloc *alloc, uint8_t **value, size_t *len, uint64_t *expires)
{
	struct mem_store *store = self;
	const struct mem_record *record;
	uint8_t *copy;
	int result = ponto_store_check_record(group, key, 0, 0);

	if (result)
		return result;
	result = lock_read(store, deadline);
	if (result)
		return result;
	record = find_live(store, group, key);
	if (!record) {
		result = PONTO_ENOENT;
		goto out;
	}
	copy = ponto_bytes_dup(alloc, record->value);
	if (!copy) {
		result = PONTO_ENOMEM;
		goto out;
	}
	*value = copy;
	*len = record->value.len;
	if (expires)
		*expires = record->expires;
out:
	pthread_rwlock_unlock(&store->lock);
	return result;
}

/* ---- batches -------------------------------------------------------------- */

/* What became of one step: undone by taking in out and putting out back. */
struct change {
	struct mem_record *in;	/* ours until it is in the map, and again after an undo */
	struct mem_record *out; /* ours from when it is taken */
};

static int make_records(struct mem_store *store, struct ponto_bytes group, const struct ponto_store_step *steps,
			size_t count, struct change *changes)
{
	uint8_t flat[PONTO_STORE_FLAT_MAX];

	for (size_t i = 0; i < count; i++) {
		if (steps[i].kind != PONTO_STEP_PUT)
			continue;
		changes[i].in = mem_record_new(store->env->alloc,
					       ponto_bytes(flat, ponto_store_flatten(group, steps[i].key, flat)),
					       steps[i].value, steps[i].expires);
		if (!changes[i].in)
			return PONTO_ENOMEM;
	}
	return PONTO_OK;
}

static int check_guards(struct mem_store *store, struct ponto_bytes group, const struct ponto_store_step *steps,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct mem_record *record;

		if (steps[i].kind != PONTO_STEP_REQUIRE_ABSENT && steps[i].kind != PONTO_STEP_REQUIRE_EQUAL)
			continue;
		record = find_live(store, group, steps[i].key);
		if (steps[i].kind == PONTO_STEP_REQUIRE_ABSENT
			    ? record != NULL
			    : !record || !ponto_bytes_equal(record->value, steps[i].value))
			return PONTO_EGUARD;
	}
	return PONTO_OK;
}

static void apply(struct mem_store *store, struct ponto_bytes group, const struct ponto_store_step *steps, size_t count,
		  struct change *changes)
{
	uint8_t flat[PONTO_STORE_FLAT_MAX];

	for (size_t i = 0; i < count; i++) {
		if (steps[i].kind == PONTO_STEP_PUT) {
			changes[i].out = mem_map_insert(&store->map, changes[i].in);
		} else if (steps[i].kind == PONTO_STEP_DELETE) {
			size_t len = ponto_store_flatten(group, steps[i].key, flat);

			changes[i].out = mem_map_find(&store->map, ponto_bytes(flat, len));
			if (changes[i].out)
				mem_map_take(&store->map, changes[i].out);
		}
	}
}

/* Backwards, so that a key changed twice gets its first value back. */
static void undo(struct mem_store *store, size_t count, struct change *changes)
{
	while (count-- > 0) {
		if (changes[count].in)
			mem_map_take(&store->map, changes[count].in);
		if (changes[count].out)
			(void)mem_map_insert(&store->map, changes[count].out);
		changes[count].out = NULL;
	}
}

static bool fits(const struct mem_store *store)
{
	return store->max_bytes == 0 || store->map.bytes <= store->max_bytes;
}

/* Applies the steps, or none when they do not fit even after every expired record is gone. A batch that makes the map
 * no larger always fits. */
static int apply_fitting(struct mem_store *store, struct ponto_bytes group, const struct ponto_store_step *steps,
			 size_t count, struct change *changes)
{
	uint64_t before = store->map.bytes;

	apply(store, group, steps, count, changes);
	if (fits(store) || store->map.bytes <= before) {
		note_room(store, store->full && !fits(store));
		return PONTO_OK;
	}
	undo(store, count, changes);
	sweep(store, wall(store), SIZE_MAX);
	before = store->map.bytes;
	apply(store, group, steps, count, changes);
	if (fits(store) || store->map.bytes <= before)
		return PONTO_OK;
	undo(store, count, changes);
	note_room(store, true);
	return PONTO_ENOSPC;
}

static int mem_batch(void *self, struct ponto_bytes group, const struct ponto_store_step *steps, size_t count,
		     unsigned flags, uint64_t deadline)
{
	struct mem_store *store = self;
	const struct ponto_alloc *alloc = store->env->alloc;
	struct change one = {NULL, NULL};
	struct change *changes = &one;
	int result = ponto_store_check_batch(group, steps, count, flags);

	if (result)
		return result;
	if (count > 1)
		changes = ponto_new(alloc, count, sizeof(*changes));
	if (!changes)
		return PONTO_ENOMEM;
	/* Before the lock, so that nobody waits for our copying and nothing can fail half way. */
	result = make_records(store, group, steps, count, changes);
	if (result)
		goto out_free;
	result = lock_write(store, deadline);
	if (result)
		goto out_free;
	result = check_guards(store, group, steps, count);
	if (!result)
		result = apply_fitting(store, group, steps, count, changes);
	if (!result)
		sweep(store, wall(store), SWEEP);
	unlock_write(store);
out_free:
	for (size_t i = 0; i < count; i++) {
		if (result)
			ponto_free(alloc, changes[i].in);
		ponto_free(alloc, changes[i].out);
	}
	if (changes != &one)
		ponto_free(alloc, changes);
	return result;
}

static int mem_put(void *self, struct ponto_bytes group, struct ponto_bytes key, struct ponto_bytes value,
		   uint64_t expires, unsigned flags, uint64_t deadline)
{
	struct ponto_store_step step = {PONTO_STEP_PUT, key, value, expires};

	return mem_batch(self, group, &step, 1, flags, deadline);
}

static int mem_remove(void *self, struct ponto_bytes group, struct ponto_bytes key, unsigned flags, uint64_t deadline)
{
	struct ponto_store_step step = {PONTO_STEP_DELETE, key, {NULL, 0}, 0};

	return mem_batch(self, group, &step, 1, flags, deadline);
}

/* ---- iteration ------------------------------------------------------------ */

static bool starts_with(struct ponto_bytes bytes, struct ponto_bytes prefix)
{
	return bytes.len >= prefix.len && memcmp(bytes.data, prefix.data, prefix.len) == 0;
}

static int mem_iterate(void *self, struct ponto_bytes group, struct ponto_bytes prefix, struct ponto_bytes after,
		       uint64_t deadline, ponto_store_record_fn *fn, void *arg)
{
	struct mem_store *store = self;
	uint8_t flat_prefix[PONTO_STORE_FLAT_MAX], flat_after[PONTO_STORE_FLAT_MAX];
	struct ponto_bytes range, start;
	struct mem_record *record;
	int result = ponto_store_check_range(group, prefix, after);

	if (result)
		return result;
	range = ponto_bytes(flat_prefix, ponto_store_flatten(group, prefix, flat_prefix));
	start = ponto_bytes(flat_after, ponto_store_flatten(group, after, flat_after));
	result = lock_read(store, deadline);
	if (result)
		return result;
	record = mem_map_seek(&store->map, mem_compare(start, range) > 0 ? start : range);
	if (record && after.len > 0 && ponto_bytes_equal(record->flat, start))
		record = mem_map_next(record);
	for (; record && starts_with(record->flat, range); record = mem_map_next(record)) {
		struct ponto_bytes key =
			ponto_bytes(record->flat.data + 1 + group.len, record->flat.len - 1 - group.len);

		if (late(store, deadline)) {
			result = PONTO_ETIME;
			break;
		}
		if (!mem_record_expired(record, wall(store)) && !fn(arg, key, record->value, record->expires))
			break;
	}
	pthread_rwlock_unlock(&store->lock);
	return result;
}

/* ---- groups --------------------------------------------------------------- */

/* The first unexpired record in a group after the one named flat_group (length 0: in any group). */
static struct mem_record *next_group(struct mem_store *store, const uint8_t *flat_group, size_t len)
{
	uint8_t flat[PONTO_STORE_FLAT_MAX];
	struct mem_record *record;

	memcpy(flat, flat_group, len);
	if (len > 0) {
		len = ponto_store_flat_end(flat, len);
		if (len == 0)
			return NULL;
	}
	record = mem_map_seek(&store->map, ponto_bytes(flat, len));
	while (record && mem_record_expired(record, wall(store)))
		record = mem_map_next(record);
	return record;
}

static int mem_groups(void *self, uint8_t **page, size_t *page_len, size_t limit, uint64_t deadline,
		      const struct ponto_alloc *alloc, ponto_store_group_fn *fn, void *arg)
{
	struct mem_store *store = self;
	uint8_t *token;
	size_t token_len = *page ? *page_len : 0;
	struct mem_record *record;
	bool more = true;
	int result;

	if (limit == 0 || token_len > 1 + PONTO_STORE_GROUP_MAX)
		return PONTO_EINVAL;
	token = ponto_new(alloc, 1, 1 + PONTO_STORE_GROUP_MAX);
	if (!token)
		return PONTO_ENOMEM;
	if (token_len > 0)
		memcpy(token, *page, token_len);
	result = lock_read(store, deadline);
	if (result) {
		ponto_free(alloc, token);
		return result;
	}
	while ((record = next_group(store, token, token_len)) && limit-- > 0 && more) {
		if (late(store, deadline)) {
			result = PONTO_ETIME;
			break;
		}
		token_len = 1 + (size_t)record->flat.data[0];
		memcpy(token, record->flat.data, token_len);
		more = fn(arg, ponto_bytes(token + 1, token_len - 1));
	}
	pthread_rwlock_unlock(&store->lock);
	if (result || !record) {
		ponto_free(alloc, token);
		token = NULL;
		token_len = 0;
	}
	if (!result) {
		ponto_free(alloc, *page);
		*page = token;
		*page_len = token_len;
	}
	return result;
}

/* Acknowledged means as durable as memory is. */
static int mem_flush(void *self, uint64_t deadline)
{
	return late(self, deadline) ? PONTO_ETIME : PONTO_OK;
}

static const struct ponto_store_ops mem_ops = {
	.head = {PONTO_STORE_ABI, sizeof(struct ponto_store_ops)},
	.create = mem_create,
	.destroy = mem_destroy,
	.get = mem_get,
	.put = mem_put,
	.remove = mem_remove,
	.iterate = mem_iterate,
	.groups = mem_groups,
	.batch = mem_batch,
	.flush = mem_flush,
};

PONTO_PLUGIN(store_mem) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_STORE,
	.name = "store-mem",
	.version = "1",
	.summary = "records in memory, gone when the node ends",
	.options = mem_options,
	.option_count = PONTO_ARRAY_SIZE(mem_options),
	.vtable = &mem_ops.head,
};
