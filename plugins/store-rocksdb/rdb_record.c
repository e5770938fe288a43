#include "plugins/store-rocksdb/rdb_record.h"

#include <endian.h>
#include <string.h>

void rdb_head_write(uint64_t expires, uint8_t head[RDB_HEAD])
{
	uint64_t big = htobe64(expires);

	memcpy(head, &big, RDB_HEAD);
}

bool rdb_value_split(struct ponto_bytes stored, uint64_t *expires, struct ponto_bytes *value)
{
	uint64_t big;

	if (stored.len < RDB_HEAD)
		return false;
	memcpy(&big, stored.data, RDB_HEAD);
	*expires = be64toh(big);
	*value = ponto_bytes(stored.data + RDB_HEAD, stored.len - RDB_HEAD);
	return true;
}
