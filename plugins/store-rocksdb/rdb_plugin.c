/* store-rocksdb: the store contract on RocksDB's C API. This file reads and writes records; rdb_db.c opens and closes,
 * rdb_range.c iterates. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "framework/env.h"
#include "framework/plugin.h"
#include "plugins/store-rocksdb/rdb_error.h"
#include "plugins/store-rocksdb/rdb_record.h"
#include "plugins/store-rocksdb/rdb_store.h"

#define TOPIC "store.rocksdb"
#define STALL_PAUSE_NS 1000000	    /* between two tries while RocksDB holds writes back */
#define BATCHES_LARGEST (64 * 1024) /* a kept batch's buffer, bytes */

static const struct ponto_option rdb_schema[] = {
	{.name = "path",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .unit = "path",
	 .doc = "folder of the database, below the node's state folder unless absolute; empty: the instance's name"},
	{.name = "write_buffer",
	 .type = PONTO_OPTION_INT,
	 .fallback = "4194304",
	 .min = 64 * 1024,
	 .max = INT64_C(1) << 30,
	 .unit = "bytes",
	 .doc = "records kept in memory before they become a table; two such buffers at most"},
	{.name = "cache",
	 .type = PONTO_OPTION_INT,
	 .fallback = "2097152",
	 .min = 64 * 1024,
	 .max = INT64_C(1) << 40,
	 .unit = "bytes",
	 .doc = "memory for blocks read from tables"},
	{.name = "reserve",
	 .type = PONTO_OPTION_INT,
	 .fallback = "-1",
	 .min = -1,
	 .max = INT64_C(1) << 50,
	 .unit = "bytes",
	 .doc = "free disk space below which writes are refused; -1: four write buffers and 64 MiB; 0: never refuse"},
};

/* ---- results ---------------------------------------------------------------- */

/* Takes RocksDB's error. Damage and device errors are logged when they differ from the last one, not at each call. */
static int failed(struct rdb_store *store, char *error)
{
	int result = rdb_result(error);

	if (result != PONTO_EBUSY && atomic_exchange(&store->last_error, result) != result)
		ponto_error(store->env->log, TOPIC, "%s: %s", store->db.path, error);
	rocksdb_free(error);
	return result;
}

int rdb_failed(struct rdb_store *store, char *error)
{
	return failed(store, error);
}

bool rdb_late(const struct rdb_store *store, uint64_t deadline)
{
	return deadline != PONTO_NEVER && ponto_mono(store->env->clock) >= deadline;
}

/* ---- the locks of groups ------------------------------------------------------ */

/* Guards are read before they are written, so a guarded batch keeps every other writer of its group out; other
 * writers of a group share. Readers take no lock: RocksDB shows them a batch whole or not at all. */
static pthread_rwlock_t *group_lock(struct rdb_store *store, struct ponto_bytes group)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < group.len; i++)
		hash = (hash ^ group.data[i]) * 16777619u;
	return &store->locks[(hash ^ hash >> 16) % RDB_LOCKS];
}

static void make_locks(struct rdb_store *store)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	for (size_t i = 0; i < RDB_LOCKS; i++)
		pthread_rwlock_init(&store->locks[i], &attr);
	pthread_rwlockattr_destroy(&attr);
}

/* ---- life ----------------------------------------------------------------------- */

static void rdb_destroy(void *self)
{
	struct rdb_store *store = self;

	if (!store)
		return;
	for (size_t i = 0; i < RDB_BATCHES; i++) {
		if (store->batches[i])
			rocksdb_writebatch_destroy(store->batches[i]);
	}
	rdb_db_close(&store->db);
	for (size_t i = 0; i < RDB_LOCKS; i++)
		pthread_rwlock_destroy(&store->locks[i]);
	ponto_free(store->env->alloc, store);
}

static int rdb_create(const struct ponto_env *env, void **self)
{
	struct rdb_store *store = ponto_new(env->alloc, 1, sizeof(*store));
	int result;

	if (!store)
		return PONTO_ENOMEM;
	store->env = env;
	make_locks(store);
	result = rdb_db_open(&store->db, env);
	if (result) {
		rdb_destroy(store);
		return result;
	}
	rdb_room_init(&store->room, env, store->db.path, store->db.reserve);
	*self = store;
	return PONTO_OK;
}

/* ---- reading ---------------------------------------------------------------------- */

/* The unexpired record of that key: *slice (to be destroyed) holds what *value views. */
static int look_up(struct rdb_store *store, struct ponto_bytes group, struct ponto_bytes key,
		   rocksdb_pinnableslice_t **slice, struct ponto_bytes *value, uint64_t *expires)
{
	uint8_t flat[PONTO_STORE_FLAT_MAX];
	size_t flat_len = ponto_store_flatten(group, key, flat), len;
	char *error = NULL;
	const char *stored;
	int result;

	*slice = rocksdb_get_pinned(store->db.db, store->db.read, (const char *)flat, flat_len, &error);
	if (error)
		return failed(store, error);
	if (!*slice)
		return PONTO_ENOENT;
	stored = rocksdb_pinnableslice_value(*slice, &len);
	if (!rdb_value_split(ponto_bytes(stored, len), expires, value))
		result = PONTO_ECORRUPT;
	else
		result = rdb_expired(*expires, store->env->clock) ? PONTO_ENOENT : PONTO_OK;
	if (result)
		rocksdb_pinnableslice_destroy(*slice);
	return result;
}

static int rdb_get(void *self, struct ponto_bytes group, struct ponto_bytes key, uint64_t deadline,
		   const struct ponto_alloc *alloc, uint8_t **value, size_t *len, uint64_t *expires)
{
	struct rdb_store *store = self;
	rocksdb_pinnableslice_t *slice;
	struct ponto_bytes found;
	uint64_t until;
	uint8_t *copy;
	int result = ponto_store_check_record(group, key, 0, 0);

	if (result)
		return result;
	if (rdb_late(store, deadline))
		return PONTO_ETIME;
	result = look_up(store, group, key, &slice, &found, &until);
	if (result)
		return result;
	copy = ponto_bytes_dup(alloc, found);
	rocksdb_pinnableslice_destroy(slice);
	if (!copy)
		return PONTO_ENOMEM;
	if (rdb_late(store, deadline)) {
		ponto_free(alloc, copy);
		return PONTO_ETIME;
	}
	*value = copy;
	*len = found.len;
	if (expires)
		*expires = until;
	return PONTO_OK;
}

/* ---- writing ------------------------------------------------------------------------ */

/* Batches are kept, with their buffers, for the next writes. */
static rocksdb_writebatch_t *take_batch(struct rdb_store *store)
{
	for (size_t i = 0; i < RDB_BATCHES; i++) {
		rocksdb_writebatch_t *batch = atomic_exchange_explicit(&store->batches[i], NULL, memory_order_acquire);

		if (batch)
			return batch;
	}
	return rocksdb_writebatch_create();
}

static void give_batch(struct rdb_store *store, rocksdb_writebatch_t *batch, size_t bytes)
{
	if (bytes <= BATCHES_LARGEST) {
		rocksdb_writebatch_clear(batch);
		for (size_t i = 0; batch && i < RDB_BATCHES; i++) {
			rocksdb_writebatch_t *none = NULL;

			if (atomic_compare_exchange_strong_explicit(&store->batches[i], &none, batch,
								    memory_order_release, memory_order_relaxed))
				batch = NULL;
		}
	}
	if (batch)
		rocksdb_writebatch_destroy(batch);
}

/* With a deadline, a write that RocksDB would hold back (it compacts too slowly) fails at once and is tried again. */
static int write_batch(struct rdb_store *store, rocksdb_writebatch_t *batch, unsigned flags, uint64_t deadline)
{
	const struct timespec pause = {0, STALL_PAUSE_NS};
	const rocksdb_writeoptions_t *options =
		store->db.write[(flags & PONTO_STORE_SYNC) != 0][deadline != PONTO_NEVER];

	for (;;) {
		char *error = NULL;
		int result;

		if (rdb_late(store, deadline))
			return PONTO_ETIME;
		rocksdb_write(store->db.db, options, batch, &error);
		if (!error)
			return PONTO_OK;
		result = failed(store, error);
		if (result != PONTO_EBUSY)
			return result;
		nanosleep(&pause, NULL);
	}
}

static void add_put(rocksdb_writebatch_t *batch, struct ponto_bytes group, struct ponto_bytes key,
		    struct ponto_bytes value, uint64_t expires)
{
	uint8_t flat[PONTO_STORE_FLAT_MAX], head[RDB_HEAD];
	const char *keys[] = {(const char *)flat};
	size_t key_lens[] = {ponto_store_flatten(group, key, flat)};
	const char *values[] = {(const char *)head, (const char *)value.data};
	size_t value_lens[] = {RDB_HEAD, value.len};

	rdb_head_write(expires, head);
	rocksdb_writebatch_putv(batch, 1, keys, key_lens, 2, values, value_lens);
}

static void add_delete(rocksdb_writebatch_t *batch, struct ponto_bytes group, struct ponto_bytes key)
{
	uint8_t flat[PONTO_STORE_FLAT_MAX];

	rocksdb_writebatch_delete(batch, (const char *)flat, ponto_store_flatten(group, key, flat));
}

static int rdb_put(void *self, struct ponto_bytes group, struct ponto_bytes key, struct ponto_bytes value,
		   uint64_t expires, unsigned flags, uint64_t deadline)
{
	struct rdb_store *store = self;
	rocksdb_writebatch_t *batch;
	pthread_rwlock_t *lock;
	int result = ponto_store_check_record(group, key, value.len, flags);

	if (result || (!value.data && value.len > 0))
		return result ? result : PONTO_EINVAL;
	result = rdb_room_take(&store->room, group.len + key.len + value.len, false);
	if (result)
		return result;
	batch = take_batch(store);
	add_put(batch, group, key, value, expires);
	lock = group_lock(store, group);
	pthread_rwlock_rdlock(lock);
	result = write_batch(store, batch, flags, deadline);
	pthread_rwlock_unlock(lock);
	give_batch(store, batch, value.len);
	return result;
}

static int check_guard(struct rdb_store *store, struct ponto_bytes group, const struct ponto_store_step *step)
{
	rocksdb_pinnableslice_t *slice;
	struct ponto_bytes value;
	uint64_t expires;
	bool equal;
	int result = look_up(store, group, step->key, &slice, &value, &expires);

	if (result == PONTO_ENOENT)
		return step->kind == PONTO_STEP_REQUIRE_ABSENT ? PONTO_OK : PONTO_EGUARD;
	if (result)
		return result;
	equal = step->kind == PONTO_STEP_REQUIRE_EQUAL && ponto_bytes_equal(value, step->value);
	rocksdb_pinnableslice_destroy(slice);
	return equal ? PONTO_OK : PONTO_EGUARD;
}

/* What a checked batch is made of. */
struct content {
	size_t bytes;
	size_t puts, deletes, guards;
};

static struct content fill_batch(rocksdb_writebatch_t *batch, struct ponto_bytes group,
				 const struct ponto_store_step *steps, size_t count)
{
	struct content content = {0, 0, 0, 0};

	for (size_t i = 0; i < count; i++) {
		const struct ponto_store_step *step = &steps[i];

		if (step->kind == PONTO_STEP_PUT) {
			add_put(batch, group, step->key, step->value, step->expires);
			content.puts++;
			content.bytes += group.len + step->key.len + step->value.len;
		} else if (step->kind == PONTO_STEP_DELETE) {
			add_delete(batch, group, step->key);
			content.deletes++;
			content.bytes += group.len + step->key.len;
		} else {
			content.guards++;
		}
	}
	return content;
}

static int guard_and_write(struct rdb_store *store, rocksdb_writebatch_t *batch, struct ponto_bytes group,
			   const struct ponto_store_step *steps, size_t count, unsigned flags, uint64_t deadline)
{
	int result = PONTO_OK;

	for (size_t i = 0; !result && i < count; i++) {
		if (steps[i].kind == PONTO_STEP_REQUIRE_ABSENT || steps[i].kind == PONTO_STEP_REQUIRE_EQUAL)
			result = check_guard(store, group, &steps[i]);
	}
	return result ? result : write_batch(store, batch, flags, deadline);
}

static int rdb_batch(void *self, struct ponto_bytes group, const struct ponto_store_step *steps, size_t count,
		     unsigned flags, uint64_t deadline)
{
	struct rdb_store *store = self;
	rocksdb_writebatch_t *batch;
	struct content content;
	pthread_rwlock_t *lock;
	int result = ponto_store_check_batch(group, steps, count, flags);

	if (result)
		return result;
	if (rdb_late(store, deadline))
		return PONTO_ETIME;
	lock = group_lock(store, group);
	batch = take_batch(store);
	content = fill_batch(batch, group, steps, count);
	if (content.puts + content.deletes > 0)
		result = rdb_room_take(&store->room, content.bytes, content.puts == 0);
	if (!result && content.guards > 0) {
		pthread_rwlock_wrlock(lock);
		result = guard_and_write(store, batch, group, steps, count, flags, deadline);
		pthread_rwlock_unlock(lock);
	} else if (!result) {
		pthread_rwlock_rdlock(lock);
		result = write_batch(store, batch, flags, deadline);
		pthread_rwlock_unlock(lock);
	}
	give_batch(store, batch, content.bytes);
	return result;
}

static int rdb_remove(void *self, struct ponto_bytes group, struct ponto_bytes key, unsigned flags, uint64_t deadline)
{
	struct ponto_store_step step = {PONTO_STEP_DELETE, key, {NULL, 0}, 0};

	return rdb_batch(self, group, &step, 1, flags, deadline);
}

static int rdb_flush(void *self, uint64_t deadline)
{
	struct rdb_store *store = self;
	char *error = NULL;

	if (rdb_late(store, deadline))
		return PONTO_ETIME;
	rocksdb_flush_wal(store->db.db, 1, &error);
	if (error)
		return failed(store, error);
	return rdb_late(store, deadline) ? PONTO_ETIME : PONTO_OK;
}

static int rdb_space(void *self, uint64_t *total, uint64_t *left, uint64_t deadline)
{
	struct rdb_store *store = self;

	return rdb_late(store, deadline) ? PONTO_ETIME : rdb_room_space(store->db.path, total, left);
}

static const struct ponto_store_ops rdb_ops = {
	.head = {PONTO_STORE_ABI, sizeof(struct ponto_store_ops)},
	.create = rdb_create,
	.destroy = rdb_destroy,
	.get = rdb_get,
	.put = rdb_put,
	.remove = rdb_remove,
	.iterate = rdb_iterate,
	.groups = rdb_groups,
	.batch = rdb_batch,
	.flush = rdb_flush,
	.space = rdb_space,
};

PONTO_PLUGIN(store_rocksdb) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_STORE,
	.name = "store-rocksdb",
	.version = "1",
	.summary = "records on disk by RocksDB, durable where the caller asks",
	.options = rdb_schema,
	.option_count = PONTO_ARRAY_SIZE(rdb_schema),
	.vtable = &rdb_ops.head,
};
