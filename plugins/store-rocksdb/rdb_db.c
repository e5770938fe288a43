#include "plugins/store-rocksdb/rdb_db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/store-rocksdb/rdb_error.h"
#include "plugins/store-rocksdb/rdb_record.h"
#include "plugins/store-rocksdb/rdb_room.h"
#include "plugins/store-rocksdb/rdb_version.h"

#define TOPIC "store.rocksdb.open"
#define MIB (UINT64_C(1) << 20)
#define TABLE_SIZE (4 * MIB)
#define OPEN_FILES 128
#define LOG_SIZE (256 * 1024)
#define LOG_ERRORS 3		 /* RocksDB's InfoLogLevel::ERROR_LEVEL */
#define WAL_TOLERATE_TORN_TAIL 0 /* RocksDB's WALRecoveryMode */

/* ---- RocksDB's options ------------------------------------------------------ */

static unsigned char drop_expired(void *state, int level, const char *key, size_t key_len, const char *stored,
				  size_t stored_len, char **new_value, size_t *new_len, unsigned char *changed)
{
	const struct rdb_filter *filter = state;
	struct ponto_bytes value;
	uint64_t expires;

	(void)level;
	(void)new_value;
	(void)new_len;
	*changed = 0;
	if (!atomic_load_explicit(&filter->active, memory_order_relaxed) || key_len == 0 || key[0] == RDB_META ||
	    !rdb_value_split(ponto_bytes(stored, stored_len), &expires, &value))
		return 0;
	return rdb_expired(expires, filter->clock);
}

static const char *filter_name(void *state)
{
	(void)state;
	return "ponto.expiry";
}

/* The state lives in struct rdb_db. */
static void filter_done(void *state)
{
	(void)state;
}

rocksdb_options_t *rdb_options(uint64_t write_buffer, uint64_t cache, rocksdb_compactionfilter_t *filter)
{
	rocksdb_options_t *options = rocksdb_options_create();
	rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
	rocksdb_cache_t *blocks = rocksdb_cache_create_lru(cache);

	rocksdb_block_based_options_set_block_cache(table, blocks);
	rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10));
	rocksdb_options_set_block_based_table_factory(options, table);
	rocksdb_options_set_write_buffer_size(options, write_buffer);
	/* Small tables keep each compaction, and so the space it needs at once, small. */
	rocksdb_options_set_target_file_size_base(options, write_buffer < TABLE_SIZE ? write_buffer : TABLE_SIZE);
	rocksdb_options_set_max_bytes_for_level_base(options, 4 * write_buffer);
	rocksdb_options_set_max_background_jobs(options, 1);
	rocksdb_options_set_max_open_files(options, OPEN_FILES);
	rocksdb_options_set_max_manifest_file_size(options, 4 * MIB);
	/* A record torn by a power cut at the end of the log was never acknowledged as durable; damage anywhere
	 * else is an error, never silently skipped. */
	rocksdb_options_set_wal_recovery_mode(options, WAL_TOLERATE_TORN_TAIL);
	rocksdb_options_set_paranoid_checks(options, 1);
	rocksdb_options_set_allow_mmap_reads(options, 0);
	rocksdb_options_set_allow_mmap_writes(options, 0);
	rocksdb_options_set_info_log_level(options, LOG_ERRORS);
	rocksdb_options_set_max_log_file_size(options, LOG_SIZE);
	rocksdb_options_set_keep_log_file_num(options, 1);
	rocksdb_options_set_stats_dump_period_sec(options, 0);
	rocksdb_options_set_stats_persist_period_sec(options, 0);
	if (filter)
		rocksdb_options_set_compaction_filter(options, filter);
	rocksdb_cache_destroy(blocks);
	rocksdb_block_based_options_destroy(table);
	return options;
}

static void make_options(struct rdb_db *db)
{
	db->filter_state.clock = db->env->clock;
	atomic_init(&db->filter_state.active, false);
	db->filter = rocksdb_compactionfilter_create(&db->filter_state, filter_done, drop_expired, filter_name);
	db->options = rdb_options(db->write_buffer, (uint64_t)ponto_conf_int(db->env->conf, "cache"), db->filter);
	db->read = rocksdb_readoptions_create();
	for (int sync = 0; sync < 2; sync++) {
		for (int hasty = 0; hasty < 2; hasty++) {
			db->write[sync][hasty] = rocksdb_writeoptions_create();
			rocksdb_writeoptions_set_sync(db->write[sync][hasty], (unsigned char)sync);
			rocksdb_writeoptions_set_no_slowdown(db->write[sync][hasty], (unsigned char)hasty);
		}
	}
}

/* ---- the folder ------------------------------------------------------------- */

static int refuse(const struct rdb_db *db, int result, const char *reason)
{
	ponto_error(db->env->log, TOPIC, "cannot open %s: %s", db->path, reason);
	return result;
}

static int make_path(struct rdb_db *db)
{
	const struct ponto_env *env = db->env;
	const char *given = ponto_conf_string(env->conf, "path");
	char path[4096];
	int len;

	if (!*given)
		given = env->instance;
	if (*given == '/') {
		len = snprintf(path, sizeof(path), "%s", given);
	} else if (env->state_dir) {
		len = snprintf(path, sizeof(path), "%s/%s", env->state_dir, given);
	} else {
		ponto_error(env->log, TOPIC, "no place: the node keeps no state and path is not absolute");
		return PONTO_ECONF;
	}
	if (len < 0 || (size_t)len >= sizeof(path)) {
		ponto_error(env->log, TOPIC, "the path is too long");
		return PONTO_ECONF;
	}
	db->path = ponto_strdup(env->alloc, path);
	return db->path ? PONTO_OK : PONTO_ENOMEM;
}

/* A new folder is only there after a power cut when its parent was synced. */
static int sync_parent(const char *path)
{
	char parent[4096];
	const char *slash = strrchr(path, '/');
	int fd, result;

	snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : -1; /* a parent we may enter but not list is not ours to sync */
	result = fsync(fd);
	close(fd);
	return result;
}

static int refuse_errno(const struct rdb_db *db)
{
	int error = errno;
	bool access = error == EACCES || error == EPERM || error == EROFS;

	return refuse(db, access ? PONTO_EACCES : error == ENOSPC ? PONTO_ENOSPC : PONTO_EIO, strerror(error));
}

static int make_folder(const struct rdb_db *db)
{
	struct stat st;

	if (mkdir(db->path, 0700) == 0) {
		if (sync_parent(db->path) != 0)
			return refuse_errno(db);
	} else if (errno != EEXIST) {
		return refuse_errno(db);
	}
	if (stat(db->path, &st) != 0)
		return refuse_errno(db);
	if (!S_ISDIR(st.st_mode))
		return refuse(db, PONTO_EIO, "it is not a folder");
	if (faccessat(AT_FDCWD, db->path, R_OK | W_OK | X_OK, AT_EACCESS) != 0)
		return refuse_errno(db);
	return PONTO_OK;
}

static bool ends_with(const char *name, const char *end)
{
	size_t name_len = strlen(name), end_len = strlen(end);

	return name_len >= end_len && strcmp(name + name_len - end_len, end) == 0;
}

/* RocksDB starts a new database where CURRENT is missing and then removes the old one's files as unknown: so it may
 * only where there are none. */
static int check_files(const struct rdb_db *db, bool *create)
{
	DIR *dir = opendir(db->path);
	struct dirent *entry;
	bool current = false, data = false;

	if (!dir)
		return refuse_errno(db);
	while ((entry = readdir(dir))) {
		current |= strcmp(entry->d_name, "CURRENT") == 0;
		data |= ends_with(entry->d_name, ".sst") || ends_with(entry->d_name, ".log");
	}
	closedir(dir);
	if (data && !current)
		return refuse(db, PONTO_ECORRUPT, "the file CURRENT is missing, but there are data files");
	*create = !current;
	return PONTO_OK;
}

static int open_database(struct rdb_db *db)
{
	char *error = NULL;
	bool create = false;
	int result = check_files(db, &create);

	if (result)
		return result;
	/* RocksDB writes a little even to open, and aborts when it cannot. */
	if (rdb_room_free(db->path) < db->reserve / 4)
		return refuse(db, PONTO_ENOSPC, "less than a quarter of the reserve is free");
	rocksdb_options_set_create_if_missing(db->options, create);
	db->db = rocksdb_open(db->options, db->path, &error);
	if (!error)
		return PONTO_OK;
	result = rdb_result(error);
	if (result == PONTO_ELOCKED)
		refuse(db, result, "another process or instance has it open");
	else
		refuse(db, result, error);
	rocksdb_free(error);
	return result;
}

int rdb_db_open(struct rdb_db *db, const struct ponto_env *env)
{
	int64_t reserve = ponto_conf_int(env->conf, "reserve");
	int result;

	memset(db, 0, sizeof(*db));
	db->env = env;
	db->write_buffer = (uint64_t)ponto_conf_int(env->conf, "write_buffer");
	db->reserve = reserve >= 0 ? (uint64_t)reserve : 4 * db->write_buffer + 64 * MIB;
	result = make_path(db);
	if (!result)
		result = make_folder(db);
	if (result)
		return result;
	make_options(db);
	result = open_database(db);
	if (!result)
		result = rdb_version_settle(db);
	if (!result)
		atomic_store(&db->filter_state.active, true);
	return result;
}

/* After an orderly end the log is empty, so that damage to it can lose nothing. */
static void flush_memory(struct rdb_db *db)
{
	rocksdb_flushoptions_t *options;
	char *error = NULL;

	if (db->reserve > 0 && rdb_room_free(db->path) < db->reserve / 4)
		return;
	options = rocksdb_flushoptions_create();
	rocksdb_flushoptions_set_wait(options, 1);
	rocksdb_flush(db->db, options, &error);
	rocksdb_flushoptions_destroy(options);
	if (error)
		ponto_warning(db->env->log, TOPIC, "%s stays in the log: %s", db->path, error);
	rocksdb_free(error);
}

void rdb_db_close(struct rdb_db *db)
{
	if (db->db) {
		if (atomic_load(&db->filter_state.active))
			flush_memory(db);
		rocksdb_close(db->db);
	}
	if (db->options)
		rocksdb_options_destroy(db->options);
	if (db->filter)
		rocksdb_compactionfilter_destroy(db->filter);
	if (db->read)
		rocksdb_readoptions_destroy(db->read);
	for (int i = 0; i < 4; i++) {
		if (db->write[i / 2][i % 2])
			rocksdb_writeoptions_destroy(db->write[i / 2][i % 2]);
	}
	ponto_free(db->env->alloc, db->path);
}
