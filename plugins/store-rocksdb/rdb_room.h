/* store-rocksdb: whether the disk has room for a write.
 *
 * Debian's RocksDB aborts the process when the disk is full, so writes are refused while less than a reserve is free.
 * Thread-safe. What statvfs said is kept for a quarter of a second or until a MiB was written since. */
#ifndef PONTO_PLUGINS_STORE_ROCKSDB_ROOM_H
#define PONTO_PLUGINS_STORE_ROCKSDB_ROOM_H

#include <stdatomic.h>

#include "framework/env.h"

struct rdb_room {
	const struct ponto_env *env;
	const char *path;
	uint64_t reserve; /* bytes; 0: never refuse */
	_Atomic uint64_t free;
	_Atomic uint64_t checked; /* mono */
	_Atomic uint64_t written; /* since then */
	atomic_bool full;
	struct ponto_gauge *gauge;
};

/* borrows path for the room's life */
void rdb_room_init(struct rdb_room *room, const struct ponto_env *env, const char *path, uint64_t reserve);

/* PONTO_ENOSPC when writing bytes would leave less than the reserve, with one log line when that begins and one when
 * it ends. Writes that only delete may use half the reserve: they are how room is made. */
PONTO_MUST_CHECK int rdb_room_take(struct rdb_room *room, uint64_t bytes, bool only_deletes);

/* Bytes free to this user right now; UINT64_MAX when the file system does not say. */
uint64_t rdb_room_free(const char *path);

/* Bytes of the file system, and of these what is free. PONTO_EIO: it does not say. */
PONTO_MUST_CHECK int rdb_room_space(const char *path, uint64_t *total, uint64_t *left);

#endif
