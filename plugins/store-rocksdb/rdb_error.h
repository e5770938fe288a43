/* store-rocksdb: RocksDB's C API reports errors as texts; here they become results. */
#ifndef PONTO_PLUGINS_STORE_ROCKSDB_ERROR_H
#define PONTO_PLUGINS_STORE_ROCKSDB_ERROR_H

#include "framework/base.h"

/* The result for an error text of RocksDB; PONTO_OK for NULL. PONTO_EBUSY: the write would have had to wait. */
int rdb_result(const char *error);

#endif
