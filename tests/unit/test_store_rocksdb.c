/* store-rocksdb beyond the contract: what is on disk, and everything that can be wrong with it. */
#include "tests/support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <rocksdb/c.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/store-rocksdb/rdb_error.h"
#include "plugins/store-rocksdb/rdb_store.h"
#include "plugins/store-rocksdb/rdb_version.h"
#include "tests/interop/store_child.h"

#define NOBODY 65534
#define LIT(text) ponto_bytes(text, sizeof(text) - 1)

static char *in(const char *folder, const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Opening gives this and exactly one line of warning or worse. */
static void assert_refused(const char *folder, int expected)
{
	struct store_child_env *env;
	struct ponto_store store;

	assert_int_equal(store_child_try(folder, NULL, &ponto_alloc_system, &store, &env), expected);
	assert_int_equal(env->lines, 1);
	store_child_close(store, env);
}

static void put_text(const char *folder, const char *text)
{
	struct store_child_env *env;
	struct ponto_store store = store_child_open(folder, &env);

	assert_ok(ponto_store_put(store, LIT("g"), LIT("k"), ponto_bytes(text, strlen(text)), 0, 0, PONTO_NEVER));
	store_child_close(store, env);
}

static void assert_text(const char *folder, const char *text)
{
	struct store_child_env *env;
	struct ponto_store store = store_child_open(folder, &env);
	uint8_t *value;
	size_t len;

	assert_ok(ponto_store_get(store, LIT("g"), LIT("k"), PONTO_NEVER, &ponto_alloc_system, &value, &len, NULL));
	assert_true(ponto_bytes_equal(ponto_bytes(value, len), ponto_bytes(text, strlen(text))));
	free(value);
	store_child_close(store, env);
}

static void stays_when_closed(void **state)
{
	char *folder = ponto_test_mkdir();
	struct stat st;

	(void)state;
	put_text(folder, "one");
	assert_int_equal(stat(in(folder, "main"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_text(folder, "one");
	put_text(folder, "two");
	assert_text(folder, "two");
	ponto_test_rmdir(folder);
}

struct seen {
	unsigned count, on_page;
	uint8_t last;
};

static bool in_order(void *arg, struct ponto_bytes group)
{
	struct seen *seen = arg;

	assert_int_equal(group.len, 1);
	assert_int_equal(group.data[0], seen->count ? seen->last + 1 : 1);
	seen->last = group.data[0];
	seen->count++;
	seen->on_page++;
	return true;
}

/* Groups of few records and of many: each is given once, however it is passed. */
static void groups_of_any_size(void **state)
{
	char *folder = ponto_test_mkdir();
	struct store_child_env *env;
	struct ponto_store store = store_child_open(folder, &env);

	(void)state;
	for (uint8_t g = 1; g <= 200; g++) {
		for (uint8_t k = 0; k < (g % 50 < 30 ? 1 + g % 2 : g % 7 + 1); k++)
			assert_ok(ponto_store_put(store, ponto_bytes(&g, 1), ponto_bytes(&k, 1), LIT("value"), 0, 0, PONTO_NEVER));
	}
	for (size_t limit = 1; limit <= 256; limit *= 2) {
		struct seen seen = {0};
		uint8_t *page = NULL;
		size_t len = 0;

		do {
			seen.on_page = 0;
			assert_ok(ponto_store_groups(store, &page, &len, limit, PONTO_NEVER, &ponto_alloc_system, in_order, &seen));
			assert_in_range(seen.on_page, 0, limit);
		} while (page);
		assert_int_equal(seen.count, 200);
	}
	store_child_close(store, env);
	ponto_test_rmdir(folder);
}

static void places(void **state)
{
	char *folder = ponto_test_mkdir(), setting[4200];
	const char *settings[] = {setting, NULL};
	struct store_child_env *env;
	struct ponto_store store;

	(void)state;
	snprintf(setting, sizeof(setting), "path=%s/elsewhere", folder);
	assert_ok(store_child_try(NULL, settings, &ponto_alloc_system, &store, &env));
	store_child_close(store, env);
	assert_int_equal(access(in(folder, "elsewhere/CURRENT"), F_OK), 0);
	snprintf(setting, sizeof(setting), "path=relative");
	assert_int_equal(store_child_try(NULL, settings, &ponto_alloc_system, &store, &env), PONTO_ECONF);
	store_child_close(store, env);
	snprintf(setting, sizeof(setting), "path=no/such/parent");
	assert_int_equal(store_child_try(folder, settings, &ponto_alloc_system, &store, &env), PONTO_EIO);
	store_child_close(store, env);
	fclose(fopen(in(folder, "main"), "w"));
	assert_refused(folder, PONTO_EIO);
	ponto_test_rmdir(folder);
}

/* ---- held by another ---------------------------------------------------------------- */

static void locked(void **state)
{
	char *folder = ponto_test_mkdir();
	struct store_child_env *env;
	struct ponto_store store;
	uint64_t acked, n = 0;
	int acks;
	pid_t pid;

	(void)state;
	store = store_child_open(folder, &env);
	assert_refused(folder, PONTO_ELOCKED);
	store_child_close(store, env);
	pid = store_child_start(folder, 1, 0, NULL, &acks);
	assert_int_equal(read(acks, &n, sizeof(n)), sizeof(n));
	assert_refused(folder, PONTO_ELOCKED);
	/* The holder goes on. */
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(read(acks, &n, sizeof(n)), sizeof(n));
	kill(pid, SIGKILL);
	acked = store_child_acked(acks, n + 1);
	waitpid(pid, NULL, 0);
	assert_true(acked >= 101);
	store = store_child_open(folder, &env);
	store_child_close(store, env);
	ponto_test_rmdir(folder);
}

/* ---- permissions: as an unprivileged user, for root may everything --------------------- */

static void become_nobody(void)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
}

static void become_again(void)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

static void own(const char *path)
{
	if (getuid() == 0)
		assert_int_equal(chown(path, NOBODY, NOBODY), 0);
}

static void read_only(void **state)
{
	char *folder = ponto_test_mkdir(), database[4096];

	(void)state;
	snprintf(database, sizeof(database), "%s/main", folder);
	own(folder);
	become_nobody();
	assert_int_equal(chmod(folder, 0500), 0);
	assert_refused(folder, PONTO_EACCES);
	assert_int_equal(chmod(folder, 0700), 0);
	put_text(folder, "kept");
	assert_int_equal(chmod(database, 0500), 0);
	assert_refused(folder, PONTO_EACCES);
	assert_int_equal(chmod(database, 0000), 0);
	assert_refused(folder, PONTO_EACCES);
	assert_int_equal(chmod(database, 0700), 0);
	assert_int_equal(chmod(in(folder, "main/CURRENT"), 0000), 0);
	assert_refused(folder, PONTO_EACCES);
	assert_int_equal(chmod(in(folder, "main/CURRENT"), 0600), 0);
	assert_text(folder, "kept");
	become_again();
	ponto_test_rmdir(folder);
}

/* ---- versions ------------------------------------------------------------------------ */

static rocksdb_t *raw_open(const char *folder)
{
	rocksdb_options_t *options = rdb_options(64 * 1024, 64 * 1024, NULL);
	char *error = NULL;
	rocksdb_t *db;

	rocksdb_options_set_create_if_missing(options, 1);
	db = rocksdb_open(options, in(folder, "main"), &error);
	assert_null(error);
	rocksdb_options_destroy(options);
	return db;
}

static void raw_put(rocksdb_t *db, struct ponto_bytes key, struct ponto_bytes value)
{
	rocksdb_writeoptions_t *options = rocksdb_writeoptions_create();
	char *error = NULL;

	rocksdb_put(db, options, (const char *)key.data, key.len, (const char *)value.data, value.len, &error);
	assert_null(error);
	rocksdb_writeoptions_destroy(options);
}

static void raw_put_version(rocksdb_t *db, uint8_t version)
{
	uint8_t bytes[4] = {0, 0, 0, version};

	raw_put(db, ponto_bytes(RDB_VERSION_KEY, RDB_VERSION_KEY_LEN), ponto_bytes(bytes, 4));
}

static size_t raw_key(unsigned i, char key[16])
{
	snprintf(key, 16, "\1gk%05u", i);
	return 8;
}

#define OLD_RECORDS 1000

/* A database of version 0: no expiry before the values. The first `done` are upgraded already. */
static void make_old(const char *folder, unsigned done)
{
	rocksdb_t *db = raw_open(folder);
	char key[16], value[32];

	raw_put_version(db, 0);
	for (unsigned i = 0; i < OLD_RECORDS; i++) {
		int len = snprintf(value, sizeof(value), "%svalue %u", i < done ? "........" : "", i);

		if (i < done)
			memset(value, 0, 8);
		raw_put(db, ponto_bytes(key, raw_key(i, key)), ponto_bytes(value, (size_t)len));
	}
	if (done > 0)
		raw_put(db, ponto_bytes(RDB_PROGRESS_KEY, RDB_PROGRESS_KEY_LEN),
			ponto_bytes(key, raw_key(done - 1, key)));
	rocksdb_close(db);
}

static bool check_old(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	unsigned *count = arg;
	char expected[32];

	snprintf(expected, sizeof(expected), "k%05u", *count);
	assert_true(ponto_bytes_equal(key, ponto_bytes(expected, 6)));
	snprintf(expected, sizeof(expected), "value %u", *count);
	assert_true(ponto_bytes_equal(value, ponto_bytes(expected, strlen(expected))));
	assert_int_equal(expires, 0);
	++*count;
	return true;
}

static void upgraded(void **state)
{
	static const unsigned dones[] = {0, 1, 300, OLD_RECORDS};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(dones); i++) {
		char *folder = ponto_test_mkdir();

		assert_int_equal(mkdir(in(folder, "main"), 0700), 0);
		make_old(folder, dones[i]);
		/* The second time it is current. */
		for (unsigned times = 0; times < 2; times++) {
			struct store_child_env *env;
			struct ponto_store store = store_child_open(folder, &env);
			unsigned count = 0;

			assert_ok(
				ponto_store_iterate(store, LIT("g"), LIT(""), LIT(""), PONTO_NEVER, check_old, &count));
			assert_int_equal(count, OLD_RECORDS);
			store_child_close(store, env);
		}
		ponto_test_rmdir(folder);
	}
}

static void not_ours(void **state)
{
	char *folder = ponto_test_mkdir();
	rocksdb_t *db;

	(void)state;
	put_text(folder, "kept");
	db = raw_open(folder);
	raw_put_version(db, RDB_VERSION + 1);
	rocksdb_close(db);
	assert_refused(folder, PONTO_EABI);
	db = raw_open(folder);
	raw_put(db, ponto_bytes(RDB_VERSION_KEY, RDB_VERSION_KEY_LEN), LIT("?"));
	rocksdb_close(db);
	assert_refused(folder, PONTO_ECORRUPT);
	db = raw_open(folder);
	raw_put_version(db, RDB_VERSION);
	rocksdb_close(db);
	assert_text(folder, "kept");
	ponto_test_rmdir(folder);

	folder = ponto_test_mkdir();
	assert_int_equal(mkdir(in(folder, "main"), 0700), 0);
	db = raw_open(folder);
	raw_put(db, LIT("theirs"), LIT("value"));
	rocksdb_close(db);
	assert_refused(folder, PONTO_ECONF);
	ponto_test_rmdir(folder);
}

/* ---- damage ---------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
	char block[65536];
	int in_fd = open(from, O_RDONLY), out_fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	assert_true(in_fd >= 0 && out_fd >= 0);
	while ((n = read(in_fd, block, sizeof(block))) > 0)
		assert_int_equal(write(out_fd, block, (size_t)n), n);
	close(in_fd);
	close(out_fd);
}

/* A fresh to/main with the files of from/main. */
static void copy_database(const char *from, const char *to)
{
	char path[4096], target[4096];
	struct dirent *entry;
	DIR *dir;

	ponto_test_rmdir(strdup(in(to, "main")));
	assert_int_equal(mkdir(in(to, "main"), 0700), 0);
	dir = opendir(in(from, "main"));
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_REG || strcmp(entry->d_name, "LOCK") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/main/%s", from, entry->d_name);
		snprintf(target, sizeof(target), "%s/main/%s", to, entry->d_name);
		copy_file(path, target);
	}
	closedir(dir);
}

static void flip(const char *path, off_t offset)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x55;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

/* A store with that damage is refused as damaged, or all it gives is right and what it misses it reports. */
static void check_damaged(const char *folder, const struct store_child_state *expected, const char *what)
{
	struct store_child_env *env;
	struct ponto_store store;
	int result = store_child_try(folder, NULL, &ponto_alloc_system, &store, &env);

	if (result) {
		if (result != PONTO_ECORRUPT || env->lines != 1)
			fail_msg("%s: opening gives %s, %u lines", what, ponto_strerror(result), env->lines);
		store_child_close(store, env);
		return;
	}
	for (unsigned k = 0; k < STORE_CHILD_KEYS; k++) {
		uint8_t key = (uint8_t)k, *value;
		size_t len;
		uint64_t n = 0;

		result = ponto_store_get(store, LIT("g"), ponto_bytes(&key, 1), PONTO_NEVER, &ponto_alloc_system,
					 &value, &len, NULL);
		if (result == PONTO_OK) {
			memcpy(&n, value, sizeof(n));
			free(value);
		}
		if (result != PONTO_ECORRUPT && n != expected->written[k])
			fail_msg("%s: record %u is of operation %llu, not %llu", what, k, (unsigned long long)n,
				 (unsigned long long)expected->written[k]);
	}
	store_child_close(store, env);
}

static void damage_each(const char *origin, const char *folder, const struct store_child_state *expected)
{
	struct dirent *entry;
	DIR *dir = opendir(in(origin, "main"));

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		struct stat st;
		char what[400];

		/* RocksDB's own log, options and identity hold no records; a flipped one changes nothing. */
		if (!strstr(entry->d_name, ".sst") && !strstr(entry->d_name, ".log") &&
		    strncmp(entry->d_name, "MANIFEST", 8) != 0 && strcmp(entry->d_name, "CURRENT") != 0)
			continue;
		snprintf(what, sizeof(what), "main/%s", entry->d_name);
		assert_int_equal(stat(in(origin, what), &st), 0);
		for (off_t i = 0; i < 4 && st.st_size > 0; i++) {
			off_t at = (st.st_size - 1) * i / 3;

			copy_database(origin, folder);
			snprintf(what, sizeof(what), "main/%s", entry->d_name);
			flip(in(folder, what), at);
			snprintf(what, sizeof(what), "%s, byte %lld of %lld", entry->d_name, (long long)at,
				 (long long)st.st_size);
			check_damaged(folder, expected, what);
		}
	}
	closedir(dir);
}

static void damaged(void **state)
{
	char *origin = ponto_test_mkdir(), *folder = ponto_test_mkdir();
	struct store_child_state expected = {{0}}, held;
	struct store_child_env *env;
	struct ponto_store store;
	uint64_t n = 0, last;
	int acks;
	pid_t pid;

	(void)state;
	/* Killed, so that there is a log too; the page cache survives that. */
	pid = store_child_start(origin, 1, 0, NULL, &acks);
	while (n < 300)
		assert_int_equal(read(acks, &n, sizeof(n)), sizeof(n));
	kill(pid, SIGKILL);
	last = store_child_acked(acks, n + 1);
	waitpid(pid, NULL, 0);
	for (n = 1; n <= last; n++)
		store_child_apply(&expected, n);
	/* Settle the operation that was under way. */
	copy_database(origin, folder);
	store = store_child_open(folder, &env);
	store_child_read(store, &held);
	store_child_close(store, env);
	if (memcmp(&held, &expected, sizeof(held)) != 0)
		store_child_apply(&expected, last + 1);
	assert_memory_equal(&held, &expected, sizeof(held));

	damage_each(origin, folder, &expected);

	copy_database(origin, folder);
	assert_int_equal(unlink(in(folder, "main/CURRENT")), 0);
	assert_refused(folder, PONTO_ECORRUPT);
	copy_database(origin, folder);
	store = store_child_open(folder, &env);
	store_child_read(store, &held);
	store_child_close(store, env);
	assert_memory_equal(&held, &expected, sizeof(held));
	ponto_test_rmdir(origin);
	ponto_test_rmdir(folder);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static size_t count_raw(rocksdb_t *db)
{
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	rocksdb_iterator_t *iterator = rocksdb_create_iterator(db, options);
	size_t count = 0;

	for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator))
		count++;
	rocksdb_iter_destroy(iterator);
	rocksdb_readoptions_destroy(options);
	return count;
}

static void expired_leave_the_disk(void **state)
{
	char *folder = ponto_test_mkdir(), key[16];
	struct store_child_env *env;
	struct ponto_store store = store_child_open(folder, &env);
	rocksdb_t *db = ((struct rdb_store *)store.self)->db.db;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_ok(ponto_store_put(store, LIT("g"), ponto_bytes(key, raw_key(i, key)), LIT("v"),
					  i % 4 ? env->wall + 10 : 0, 0, PONTO_NEVER));
	rocksdb_compact_range(db, NULL, 0, NULL, 0);
	assert_int_equal(count_raw(db), 101); /* and the version */
	env->wall += 10;
	rocksdb_compact_range(db, NULL, 0, NULL, 0);
	assert_true(count_raw(db) <= 101);
	/* The lowest level is only rewritten when something new comes to it. */
	for (unsigned i = 0; i < 100; i += 99)
		assert_ok(ponto_store_put(store, LIT("g"), ponto_bytes(key, raw_key(i, key)), LIT("w"), 0, 0,
					  PONTO_NEVER));
	rocksdb_compact_range(db, NULL, 0, NULL, 0);
	assert_int_equal(count_raw(db), 27); /* 25, the last one, the version */
	store_child_close(store, env);
	ponto_test_rmdir(folder);
}

static int use_once(const struct ponto_alloc *alloc, void *arg)
{
	char *folder = ponto_test_mkdir();
	struct store_child_env *env;
	struct ponto_store store;
	uint8_t *value = NULL;
	size_t len;
	int result = store_child_try(folder, NULL, alloc, &store, &env);

	(void)arg;
	if (!result)
		result = ponto_store_put(store, LIT("g"), LIT("k"), LIT("v"), 0, 0, PONTO_NEVER);
	if (!result)
		result = ponto_store_get(store, LIT("g"), LIT("k"), PONTO_NEVER, alloc, &value, &len, NULL);
	ponto_free(alloc, value);
	store_child_close(store, env);
	ponto_test_rmdir(folder);
	return result;
}

static void memory_refused(void **state)
{
	(void)state;
	ponto_test_oom(use_once, NULL, false);
}

static void error_texts(void **state)
{
	(void)state;
	assert_int_equal(rdb_result(NULL), PONTO_OK);
	assert_int_equal(rdb_result("Corruption: block checksum mismatch"), PONTO_ECORRUPT);
	assert_int_equal(rdb_result("IO error: No space left on device: While appending to file: /x.log"),
			 PONTO_ENOSPC);
	assert_int_equal(rdb_result("IO error: While lock file: /x/LOCK: Resource temporarily unavailable"),
			 PONTO_ELOCKED);
	assert_int_equal(rdb_result("Result incomplete: Write stall"), PONTO_EBUSY);
	assert_int_equal(rdb_result("IO error: Input/output error"), PONTO_EIO);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_when_closed),
		cmocka_unit_test(groups_of_any_size),
		cmocka_unit_test(places),
		cmocka_unit_test(locked),
		cmocka_unit_test(read_only),
		cmocka_unit_test(upgraded),
		cmocka_unit_test(not_ours),
		cmocka_unit_test(damaged),
		cmocka_unit_test(expired_leave_the_disk),
		cmocka_unit_test(memory_refused),
		cmocka_unit_test(error_texts),
	};

	store_child_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
