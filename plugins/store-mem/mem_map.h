/* store-mem: the records in memory, ordered by flat key and, those that expire, by expiry.
 *
 * Not locked: the plugin does that. Everything is one allocation a record, so that once a record is made, putting it
 * in, taking it out and undoing either cannot fail. The trees are libbsd's red-black trees. */
#ifndef PONTO_PLUGINS_STORE_MEM_MAP_H
#define PONTO_PLUGINS_STORE_MEM_MAP_H

#include <bsd/sys/tree.h>

#include "framework/base.h"

struct mem_record {
	RB_ENTRY(mem_record) by_key;
	RB_ENTRY(mem_record) by_expiry;
	struct ponto_bytes flat;
	struct ponto_bytes value;
	uint64_t expires; /* wall microseconds, 0: never */
};

RB_HEAD(mem_key_tree, mem_record);
RB_HEAD(mem_expiry_tree, mem_record);

struct mem_map {
	struct mem_key_tree keys;
	struct mem_expiry_tree expiries;
	uint64_t bytes; /* what the records take, their own overhead included */
	uint64_t count;
};

/* Ascending byte order: negative, 0 or positive. */
int mem_compare(struct ponto_bytes a, struct ponto_bytes b);

void mem_map_init(struct mem_map *map);

/* What a record of these lengths adds to map.bytes. */
uint64_t mem_record_size(size_t flat_len, size_t value_len);

/* copies flat and value. gives; NULL when memory runs out */
struct mem_record *mem_record_new(const struct ponto_alloc *alloc, struct ponto_bytes flat, struct ponto_bytes value,
				  uint64_t expires);

bool mem_record_expired(const struct mem_record *record, uint64_t wall);

/* The record of exactly that key, expired or not; NULL when there is none. */
struct mem_record *mem_map_find(const struct mem_map *map, struct ponto_bytes flat);

/* The first record whose key is flat or greater; NULL when there is none. */
struct mem_record *mem_map_seek(const struct mem_map *map, struct ponto_bytes flat);

/* The next in key order; NULL after the last. */
struct mem_record *mem_map_next(struct mem_record *record);

/* The record that expires first; NULL when none does. */
struct mem_record *mem_map_first_expiring(const struct mem_map *map);

/* Puts a record in (takes it) and takes the one of the same key out, which the caller now owns; NULL when there was
 * none. */
struct mem_record *mem_map_insert(struct mem_map *map, struct mem_record *record);

/* Takes a record of the map out: the caller owns it. */
void mem_map_take(struct mem_map *map, struct mem_record *record);

/* Frees every record. */
void mem_map_clear(struct mem_map *map, const struct ponto_alloc *alloc);

#endif
