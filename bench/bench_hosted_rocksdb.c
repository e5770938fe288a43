/* RocksDB called directly, opened with the options of store-rocksdb but for a cache that holds all; keys and lengths as in
 * a cache's store. Offers are one batched lookup each, blocks are pinned where they lie: nothing is copied. */
#include <rocksdb/c.h>
#include <stdio.h>
#include <string.h>

#include "bench/hosted_raw.h"
#include "plugins/store-rocksdb/rdb_db.h"

#define WRITE_BUFFER (4u << 20)
#define CACHE (64u << 20)
#define META_KEY (RAW_KEY + 1)
#define BLOCK_KEY (RAW_KEY + 3)

static rocksdb_t *db;
static rocksdb_options_t *options;
static rocksdb_readoptions_t *reading;
static rocksdb_column_family_handle_t *family;
static char meta_keys[RAW_SEGMENTS][META_KEY], block_keys[RAW_SEGMENTS][BLOCK_KEY];

static void check(char *failure)
{
	if (failure)
		raw_die(failure);
}

static void put(rocksdb_writeoptions_t *writing, const char *key, size_t key_len, const uint8_t *value, size_t len)
{
	char *failure = NULL;

	rocksdb_put(db, writing, key, key_len, (const char *)value, len, &failure);
	check(failure);
}

static void open_db(const char *place, unsigned threads, const uint8_t block[RAW_BLOCK])
{
	rocksdb_writeoptions_t *writing = rocksdb_writeoptions_create();
	rocksdb_flushoptions_t *flushing = rocksdb_flushoptions_create();
	const char *name = "default";
	char *failure = NULL;

	(void)threads;
	options = rdb_options(WRITE_BUFFER, CACHE, NULL);
	rocksdb_options_set_create_if_missing(options, 1);
	reading = rocksdb_readoptions_create();
	db = rocksdb_open_column_families(options, place, 1, &name, (const rocksdb_options_t *const *)&options, &family,
					  &failure);
	check(failure);
	for (unsigned i = 0; i < RAW_SEGMENTS; i++) {
		raw_key(i, (uint8_t *)meta_keys[i]);
		memcpy(block_keys[i], meta_keys[i], RAW_KEY);
		meta_keys[i][RAW_KEY] = 'm';
		memcpy(block_keys[i] + RAW_KEY, "b\0\0", 3);
		put(writing, meta_keys[i], META_KEY, block, RAW_META);
		put(writing, block_keys[i], BLOCK_KEY, block, RAW_BLOCK);
	}
	/* Into one table, read through its cache: in the one that is still written there is nothing to pin. */
	rocksdb_flush(db, flushing, &failure);
	check(failure);
	rocksdb_compact_range(db, NULL, 0, NULL, 0);
	rocksdb_flushoptions_destroy(flushing);
	rocksdb_writeoptions_destroy(writing);
}

static void offers(unsigned thread, unsigned segment, unsigned count)
{
	const char *keys[RAW_OFFERED];
	size_t lens[RAW_OFFERED];
	rocksdb_pinnableslice_t *values[RAW_OFFERED];
	char *failures[RAW_OFFERED];

	(void)thread;
	for (unsigned n = 0; n < count; n++) {
		for (unsigned i = 0; i < RAW_OFFERED; i++) {
			keys[i] = meta_keys[(segment + n * RAW_OFFERED + i) % RAW_SEGMENTS];
			lens[i] = META_KEY;
		}
		rocksdb_batched_multi_get_cf(db, reading, family, RAW_OFFERED, keys, lens, values, failures, false);
		for (unsigned i = 0; i < RAW_OFFERED; i++) {
			check(failures[i]);
			if (!values[i])
				raw_die("a segment is not there");
			rocksdb_pinnableslice_destroy(values[i]);
		}
	}
}

static void blocks(unsigned thread, unsigned segment, unsigned count)
{
	(void)thread;
	for (unsigned n = 0; n < count; n++) {
		char *failure = NULL;
		rocksdb_pinnableslice_t *value =
			rocksdb_get_pinned(db, reading, block_keys[(segment + n) % RAW_SEGMENTS], BLOCK_KEY, &failure);
		size_t len = 0;

		check(failure);
		if (!value || !rocksdb_pinnableslice_value(value, &len) || len != RAW_BLOCK)
			raw_die("a block is not there");
		rocksdb_pinnableslice_destroy(value);
	}
}

static void close_db(void)
{
	rocksdb_column_family_handle_destroy(family);
	rocksdb_readoptions_destroy(reading);
	rocksdb_close(db);
	rocksdb_options_destroy(options);
}

int main(int argc, char **argv)
{
	static const struct raw_side side = {open_db, offers, blocks, close_db};

	return raw_run(&side, argc, argv);
}
