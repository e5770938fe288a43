/* A full disk under store-rocksdb, on a small file system of its own in a private mount namespace. With the reserve,
 * writes are refused in time; without it whatever RocksDB does must lose nothing acknowledged. test_store_refused makes
 * it abort. */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/interop/store_child.h"

static char *mount_point;

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* Root in a user namespace may mount as real root may. */
static bool enter_namespace(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0)
		return unshare(CLONE_NEWNS) == 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	if (!write_text("/proc/self/uid_map", map) || !write_text("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
	return write_text("/proc/self/gid_map", map);
}

static bool mount_small(void)
{
	return enter_namespace() && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", mount_point, "tmpfs", 0, "size=4m") == 0;
}

static void resize(const char *size)
{
	assert_int_equal(mount("tmpfs", mount_point, "tmpfs", MS_REMOUNT, size), 0);
}

/* The disk fills while the child writes synchronously; each time from another size, so that it is another write that
 * finds no room. */
static void full_disk_loses_nothing(void **state)
{
	struct store_child_state expected = {{0}}, held;
	unsigned aborted = 0;
	uint64_t done = 0;

	(void)state;
	for (unsigned round = 0; round < 8; round++) {
		char size[32];
		int acks, status;
		uint64_t first = done + 1;
		struct store_child_env *env;
		struct ponto_store store;
		struct statvfs st;
		pid_t pid;

		assert_int_equal(statvfs(mount_point, &st), 0);
		snprintf(size, sizeof(size), "size=%lluk",
			 (unsigned long long)(st.f_blocks - st.f_bavail) * st.f_frsize / 1024 + 300 + 37 * round);
		resize(size);
		pid = store_child_start(mount_point, first, PONTO_STORE_SYNC, NULL, &acks);
		done = store_child_acked(acks, first);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
			aborted++;
		else if (!WIFEXITED(status) || WEXITSTATUS(status) != STORE_CHILD_FULL)
			fail_msg("the child ended with status %x", (unsigned)status);
		for (uint64_t n = first; n <= done; n++)
			store_child_apply(&expected, n);
		resize("size=64m");
		store = store_child_open(mount_point, &env);
		store_child_read(store, &held);
		store_child_close(store, env);
		if (memcmp(&held, &expected, sizeof(held)) == 0)
			continue;
		store_child_apply(&expected, ++done);
		assert_memory_equal(&held, &expected, sizeof(held));
	}
	printf("# %llu operations, %u aborts\n", (unsigned long long)done, aborted);
	assert_true(done > 0);
}

/* With a reserve, writes are refused while less is free, in one line, and accepted again; what is there stays. */
static void reserve_refuses_in_time(void **state)
{
	static const char *const settings[] = {"path=second", "write_buffer=65536", NULL}; /* 64 MiB and 256 KiB */
	struct ponto_bytes group = ponto_bytes("g", 1), key = ponto_bytes("k", 1), other = ponto_bytes("o", 1);
	struct ponto_bytes text = ponto_bytes("text", 4);
	struct store_child_env *env;
	struct ponto_store store;
	uint8_t *value;
	size_t len;

	(void)state;
	resize("size=120m");
	assert_ok(store_child_try(mount_point, settings, &ponto_alloc_system, &store, &env));
	assert_ok(ponto_store_put(store, group, key, text, 0, 0, PONTO_NEVER));
	assert_ok(ponto_store_put(store, group, other, text, 0, 0, PONTO_NEVER));
	resize("size=60m");
	/* What statvfs said last is trusted for a while, by the injected clock. */
	assert_ok(ponto_store_put(store, group, key, text, 0, 0, PONTO_NEVER));
	env->mono += PONTO_SECOND;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(ponto_store_put(store, group, other, key, 0, 0, PONTO_NEVER), PONTO_ENOSPC);
	assert_int_equal(env->lines, 1);
	assert_ok(ponto_store_get(store, group, other, PONTO_NEVER, &ponto_alloc_system, &value, &len, NULL));
	assert_true(ponto_bytes_equal(ponto_bytes(value, len), text));
	free(value);
	assert_ok(ponto_store_remove(store, group, other, 0, PONTO_NEVER));
	resize("size=20m");
	assert_int_equal(ponto_store_remove(store, group, key, 0, PONTO_NEVER), PONTO_ENOSPC);
	resize("size=120m");
	assert_ok(ponto_store_put(store, group, other, text, 0, PONTO_STORE_SYNC, PONTO_NEVER));
	store_child_close(store, env);
	/* Too full even to open. */
	resize("size=10m");
	assert_int_equal(store_child_try(mount_point, settings, &ponto_alloc_system, &store, &env), PONTO_ENOSPC);
	assert_int_equal(env->lines, 1);
	store_child_close(store, env);
	resize("size=120m");
	assert_ok(store_child_try(mount_point, settings, &ponto_alloc_system, &store, &env));
	assert_ok(ponto_store_get(store, group, key, PONTO_NEVER, &ponto_alloc_system, &value, &len, NULL));
	free(value);
	store_child_close(store, env);
}

static int clean_up(void **state)
{
	(void)state;
	umount2(mount_point, MNT_DETACH);
	ponto_test_rmdir(mount_point);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_disk_loses_nothing),
		cmocka_unit_test(reserve_refuses_in_time),
	};

	store_child_main(argc, argv);
	mount_point = ponto_test_mkdir();
	if (!mount_small()) {
		printf("1..0 # SKIP no private mount namespace here: %s\n", strerror(errno));
		rmdir(mount_point);
		free(mount_point);
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, clean_up);
}
