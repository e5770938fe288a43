/* store-rocksdb: what a record looks like in the database (README.md, "Format").
 *
 * Pure, thread-safe. */
#ifndef PONTO_PLUGINS_STORE_ROCKSDB_RECORD_H
#define PONTO_PLUGINS_STORE_ROCKSDB_RECORD_H

#include "framework/base.h"

/* Before each value: when it expires, wall microseconds, big-endian; 0: never. */
#define RDB_HEAD 8

/* Keys of our own begin with this byte, which no flat key does: a group is never empty. */
#define RDB_META 0

void rdb_head_write(uint64_t expires, uint8_t head[RDB_HEAD]);

/* The parts of a stored value; false when it is too short to be one. The view borrows. */
bool rdb_value_split(struct ponto_bytes stored, uint64_t *expires, struct ponto_bytes *value);

static inline bool rdb_expired(uint64_t expires, const struct ponto_clock *clock)
{
	return expires != 0 && expires <= ponto_wall(clock);
}

#endif
