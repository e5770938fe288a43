/* store-rocksdb: which format the database has, and how an older one becomes the current one. */
#ifndef PONTO_PLUGINS_STORE_ROCKSDB_VERSION_H
#define PONTO_PLUGINS_STORE_ROCKSDB_VERSION_H

#include "plugins/store-rocksdb/rdb_db.h"

#define RDB_VERSION 1

/* The version's key and the key that remembers how far an upgrade came. */
#define RDB_VERSION_KEY "\0version"
#define RDB_VERSION_KEY_LEN 8
#define RDB_PROGRESS_KEY "\0upgrade"
#define RDB_PROGRESS_KEY_LEN 8

/* Marks a new database, accepts a current one, upgrades an older one, record by record in synchronous batches that
 * also remember how far they came: an interrupted upgrade goes on at the next opening. Refusals are logged. */
PONTO_MUST_CHECK int rdb_version_settle(struct rdb_db *db);

#endif
