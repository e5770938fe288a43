#include "plugins/store-mem/mem_map.h"

#include <string.h>

int mem_compare(struct ponto_bytes a, struct ponto_bytes b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_keys(const struct mem_record *a, const struct mem_record *b)
{
	return mem_compare(a->flat, b->flat);
}

static int compare_expiries(const struct mem_record *a, const struct mem_record *b)
{
	if (a->expires != b->expires)
		return a->expires < b->expires ? -1 : 1;
	return mem_compare(a->flat, b->flat);
}

RB_GENERATE_INTERNAL(mem_key_tree, mem_record, by_key, compare_keys, __attribute__((unused)) static)
RB_GENERATE_INTERNAL(mem_expiry_tree, mem_record, by_expiry, compare_expiries, __attribute__((unused)) static)

void mem_map_init(struct mem_map *map)
{
	memset(map, 0, sizeof(*map));
	RB_INIT(&map->keys);
	RB_INIT(&map->expiries);
}

uint64_t mem_record_size(size_t flat_len, size_t value_len)
{
	return (uint64_t)sizeof(struct mem_record) + flat_len + value_len;
}

struct mem_record *mem_record_new(const struct ponto_alloc *alloc, struct ponto_bytes flat, struct ponto_bytes value,
				  uint64_t expires)
{
	struct mem_record *record = alloc->alloc(alloc->ctx, sizeof(*record) + flat.len + value.len);
	uint8_t *bytes = (uint8_t *)(record + 1);

	if (!record)
		return NULL;
	memset(record, 0, sizeof(*record));
	memcpy(bytes, flat.data, flat.len);
	if (value.len > 0)
		memcpy(bytes + flat.len, value.data, value.len);
	record->flat = ponto_bytes(bytes, flat.len);
	record->value = ponto_bytes(bytes + flat.len, value.len);
	record->expires = expires;
	return record;
}

bool mem_record_expired(const struct mem_record *record, uint64_t wall)
{
	return record->expires != 0 && record->expires <= wall;
}

/* The trees' macros take non-const heads and elements, though looking up changes neither. */
struct mem_record *mem_map_find(const struct mem_map *map, struct ponto_bytes flat)
{
	struct mem_record probe = {.flat = flat};

	return RB_FIND(mem_key_tree, (struct mem_key_tree *)&map->keys, &probe);
}

struct mem_record *mem_map_seek(const struct mem_map *map, struct ponto_bytes flat)
{
	struct mem_record probe = {.flat = flat};

	return RB_NFIND(mem_key_tree, (struct mem_key_tree *)&map->keys, &probe);
}

struct mem_record *mem_map_next(struct mem_record *record)
{
	return RB_NEXT(mem_key_tree, NULL, record);
}

struct mem_record *mem_map_first_expiring(const struct mem_map *map)
{
	return RB_MIN(mem_expiry_tree, (struct mem_expiry_tree *)&map->expiries);
}

struct mem_record *mem_map_insert(struct mem_map *map, struct mem_record *record)
{
	struct mem_record *old = mem_map_find(map, record->flat);

	if (old)
		mem_map_take(map, old);
	RB_INSERT(mem_key_tree, &map->keys, record);
	if (record->expires != 0)
		RB_INSERT(mem_expiry_tree, &map->expiries, record);
	map->bytes += mem_record_size(record->flat.len, record->value.len);
	map->count++;
	return old;
}

void mem_map_take(struct mem_map *map, struct mem_record *record)
{
	RB_REMOVE(mem_key_tree, &map->keys, record);
	if (record->expires != 0)
		RB_REMOVE(mem_expiry_tree, &map->expiries, record);
	map->bytes -= mem_record_size(record->flat.len, record->value.len);
	map->count--;
}

void mem_map_clear(struct mem_map *map, const struct ponto_alloc *alloc)
{
	struct mem_record *record;

	while ((record = RB_ROOT(&map->keys))) {
		mem_map_take(map, record);
		ponto_free(alloc, record);
	}
}
