#include "plugins/store-rocksdb/rdb_version.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "plugins/store-rocksdb/rdb_error.h"
#include "plugins/store-rocksdb/rdb_record.h"

#define TOPIC "store.rocksdb.version"
#define UPGRADE_STEPS 256
#define UPGRADE_BYTES (4u << 20)

static const char first_key[] = {RDB_META + 1};

static int fail(const struct rdb_db *db, char *error)
{
	int result = rdb_result(error);

	ponto_error(db->env->log, TOPIC, "%s: %s", db->path, error);
	rocksdb_free(error);
	return result;
}

/* Version 0 had no expiry: its values had no head. */
static void add_head(rocksdb_writebatch_t *batch, const char *key, size_t key_len, const char *value, size_t len)
{
	static const char never[RDB_HEAD];
	const char *parts[] = {never, value};
	size_t lens[] = {RDB_HEAD, len};

	rocksdb_writebatch_putv(batch, 1, &key, &key_len, 2, parts, lens);
}

/* upgrades[n] makes a record of version n one of version n + 1. */
static void (*const upgrades[RDB_VERSION])(rocksdb_writebatch_t *batch, const char *key, size_t key_len,
					   const char *value, size_t len) = {add_head};

static void put_version(rocksdb_writebatch_t *batch, uint32_t version)
{
	uint32_t big = htobe32(version);

	rocksdb_writebatch_put(batch, RDB_VERSION_KEY, RDB_VERSION_KEY_LEN, (const char *)&big, sizeof(big));
}

/* Rewrites the next records in one batch; *more tells whether there may be others. */
static int upgrade_some(struct rdb_db *db, rocksdb_iterator_t *iterator, uint32_t from, bool *more)
{
	rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
	char *error = NULL;
	size_t bytes = 0;

	for (size_t n = 0; n < UPGRADE_STEPS && bytes < UPGRADE_BYTES && rocksdb_iter_valid(iterator); n++) {
		size_t key_len, len;
		const char *key = rocksdb_iter_key(iterator, &key_len);
		const char *value = rocksdb_iter_value(iterator, &len);

		upgrades[from](batch, key, key_len, value, len);
		rocksdb_writebatch_put(batch, RDB_PROGRESS_KEY, RDB_PROGRESS_KEY_LEN, key, key_len);
		bytes += key_len + len;
		rocksdb_iter_next(iterator);
	}
	*more = rocksdb_iter_valid(iterator);
	rocksdb_iter_get_error(iterator, &error);
	if (!error && !*more) {
		put_version(batch, from + 1);
		rocksdb_writebatch_delete(batch, RDB_PROGRESS_KEY, RDB_PROGRESS_KEY_LEN);
	}
	if (!error)
		rocksdb_write(db->db, db->write[1][0], batch, &error);
	rocksdb_writebatch_destroy(batch);
	return error ? fail(db, error) : PONTO_OK;
}

static bool is_at(const rocksdb_iterator_t *iterator, const char *key, size_t len)
{
	size_t at_len;
	const char *at = rocksdb_iter_key(iterator, &at_len);

	return at_len == len && memcmp(at, key, len) == 0;
}

static int upgrade(struct rdb_db *db, uint32_t from)
{
	rocksdb_iterator_t *iterator;
	char *error = NULL;
	size_t len = 0;
	char *done = rocksdb_get(db->db, db->read, RDB_PROGRESS_KEY, RDB_PROGRESS_KEY_LEN, &len, &error);
	bool more = true;
	int result = PONTO_OK;

	if (error)
		return fail(db, error);
	ponto_info(db->env->log, TOPIC, "%s: upgrading from version %u to %u%s", db->path, from, from + 1,
		   done ? ", continued" : "");
	iterator = rocksdb_create_iterator(db->db, db->read);
	if (done) {
		rocksdb_iter_seek(iterator, done, len);
		if (rocksdb_iter_valid(iterator) && is_at(iterator, done, len))
			rocksdb_iter_next(iterator);
	} else {
		rocksdb_iter_seek(iterator, first_key, sizeof(first_key));
	}
	rocksdb_free(done);
	while (!result && more)
		result = upgrade_some(db, iterator, from, &more);
	rocksdb_iter_destroy(iterator);
	return result;
}

/* A database without version: PONTO_OK and marked when it is empty. */
static int mark_new(struct rdb_db *db)
{
	rocksdb_iterator_t *iterator = rocksdb_create_iterator(db->db, db->read);
	rocksdb_writebatch_t *batch;
	char *error = NULL;
	bool empty;

	rocksdb_iter_seek_to_first(iterator);
	empty = !rocksdb_iter_valid(iterator);
	rocksdb_iter_get_error(iterator, &error);
	rocksdb_iter_destroy(iterator);
	if (error)
		return fail(db, error);
	if (!empty) {
		ponto_error(db->env->log, TOPIC, "%s holds another program's database", db->path);
		return PONTO_ECONF;
	}
	batch = rocksdb_writebatch_create();
	put_version(batch, RDB_VERSION);
	rocksdb_write(db->db, db->write[1][0], batch, &error);
	rocksdb_writebatch_destroy(batch);
	return error ? fail(db, error) : PONTO_OK;
}

int rdb_version_settle(struct rdb_db *db)
{
	char *error = NULL;
	size_t len = 0;
	char *stored = rocksdb_get(db->db, db->read, RDB_VERSION_KEY, RDB_VERSION_KEY_LEN, &len, &error);
	uint32_t version;
	int result = PONTO_OK;

	if (error)
		return fail(db, error);
	if (!stored)
		return mark_new(db);
	if (len != sizeof(version)) {
		rocksdb_free(stored);
		ponto_error(db->env->log, TOPIC, "%s has a damaged version record", db->path);
		return PONTO_ECORRUPT;
	}
	memcpy(&version, stored, sizeof(version));
	rocksdb_free(stored);
	version = be32toh(version);
	if (version > RDB_VERSION) {
		ponto_error(db->env->log, TOPIC,
			    "%s has format version %u, written by a newer Ponto; this one reads up to %u", db->path,
			    version, RDB_VERSION);
		return PONTO_EABI;
	}
	for (; !result && version < RDB_VERSION; version++)
		result = upgrade(db, version);
	return result;
}
