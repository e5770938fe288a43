/* store-rocksdb: one instance, and what its files share. Thread-safe but for creating and destroying. */
#ifndef PONTO_PLUGINS_STORE_ROCKSDB_STORE_H
#define PONTO_PLUGINS_STORE_ROCKSDB_STORE_H

#include <pthread.h>

#include "framework/store.h"
#include "plugins/store-rocksdb/rdb_db.h"
#include "plugins/store-rocksdb/rdb_room.h"

#define RDB_LOCKS 64
#define RDB_BATCHES 4

struct rdb_store {
	const struct ponto_env *env;
	struct rdb_db db;
	struct rdb_room room;
	pthread_rwlock_t locks[RDB_LOCKS]; /* by group */
	_Atomic(rocksdb_writebatch_t *) batches[RDB_BATCHES];
	atomic_int last_error; /* the last logged */
};

/* Takes an error text of RocksDB and returns its result; logs it once. */
int rdb_failed(struct rdb_store *store, char *error);

bool rdb_late(const struct rdb_store *store, uint64_t deadline);

/* Entries of the vtable, see framework/store.h. */
int rdb_iterate(void *self, struct ponto_bytes group, struct ponto_bytes prefix, struct ponto_bytes after,
		uint64_t deadline, ponto_store_record_fn *fn, void *arg);
int rdb_groups(void *self, uint8_t **page, size_t *page_len, size_t limit, uint64_t deadline,
	       const struct ponto_alloc *alloc, ponto_store_group_fn *fn, void *arg);

#endif
