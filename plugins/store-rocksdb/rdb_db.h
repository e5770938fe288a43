/* store-rocksdb: opening and closing the database: the folder, RocksDB's options, the format's version.
 *
 * Open and close from one thread; what lies between is RocksDB's and thread-safe. */
#ifndef PONTO_PLUGINS_STORE_ROCKSDB_DB_H
#define PONTO_PLUGINS_STORE_ROCKSDB_DB_H

#include <rocksdb/c.h>
#include <stdatomic.h>

#include "framework/env.h"

/* What the compaction filter looks at, from RocksDB's threads. */
struct rdb_filter {
	const struct ponto_clock *clock;
	atomic_bool active; /* once the records have the current format */
};

struct rdb_db {
	const struct ponto_env *env;
	char *path;	       /* absolute */
	uint64_t write_buffer; /* bytes */
	uint64_t reserve;      /* bytes */
	rocksdb_t *db;
	rocksdb_options_t *options;
	rocksdb_compactionfilter_t *filter;
	struct rdb_filter filter_state;
	rocksdb_readoptions_t *read;
	rocksdb_writeoptions_t *write[2][2]; /* [synchronous][fails rather than waits] */
};

/* Opens what env->conf describes, creating or upgrading it when needed. Failures are logged, one line each:
 * PONTO_EACCES (folder not writable), PONTO_ELOCKED (another process or instance has it), PONTO_ECORRUPT,
 * PONTO_EABI (written by a newer version), PONTO_ECONF (no state folder, or another program's database),
 * PONTO_ENOSPC, PONTO_EIO. db is to be closed in any case. */
PONTO_MUST_CHECK int rdb_db_open(struct rdb_db *db, const struct ponto_env *env);

/* Writes what is only in memory and the log to a table, when there is room, and closes. Everything may be unset. */
void rdb_db_close(struct rdb_db *db);

/* RocksDB's options for these sizes; bench/ opens its peer with the same. filter may be NULL. gives */
rocksdb_options_t *rdb_options(uint64_t write_buffer, uint64_t cache, rocksdb_compactionfilter_t *filter);

#endif
