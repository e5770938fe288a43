/* ENOSPC at every call of store-rocksdb that needs space, one after another, for each kind of its files, for a while or
 * for good (tests/support/full_disk.h), with no reserve to prevent it. Whatever RocksDB does then, return an error, go
 * on or abort the process, the store opens without help afterwards and holds what was acknowledged. How often it did
 * which is printed. */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/interop/store_child.h"
#include "tests/support/full_disk.h"

#define OPERATIONS 300 /* enough for several tables and a merge; a child that is never refused ends here */

/* Parts of file names. */
static const char *const kinds[] = {".log", ".sst", "MANIFEST", "dbtmp", "OPTIONS", ""};

struct tally {
	unsigned rounds, refused, aborted, errors, unopened, went_on;
	uint64_t acked;
};

/* Lets a child write until it ends or has done enough. The highest acknowledged number. */
static uint64_t write_until_refused(const char *folder, const char *kind, unsigned first, unsigned count, int *status)
{
	char folder_text[4200], mark_text[4200], kind_text[64], first_text[64], count_text[64];
	const char *const variables[] = {folder_text, mark_text, kind_text, first_text, count_text, NULL};
	struct store_child_preload preload = {"full_disk", variables};
	uint64_t n, last = 0;
	int acks;
	pid_t pid;

	snprintf(folder_text, sizeof(folder_text), FULL_DISK_ENV_FOLDER "=%s/main", folder);
	snprintf(mark_text, sizeof(mark_text), FULL_DISK_ENV_MARK "=%s/mark", folder);
	snprintf(kind_text, sizeof(kind_text), FULL_DISK_ENV_KIND "=%s", kind);
	snprintf(first_text, sizeof(first_text), FULL_DISK_ENV_FIRST "=%u", first);
	snprintf(count_text, sizeof(count_text), FULL_DISK_ENV_COUNT "=%u", count);
	pid = store_child_start(folder, 1, PONTO_STORE_SYNC, &preload, &acks);
	while (read(acks, &n, sizeof(n)) == sizeof(n)) {
		assert_int_equal(n, last + 1);
		last = n;
		if (n == OPERATIONS)
			kill(pid, SIGKILL);
	}
	close(acks);
	assert_int_equal(waitpid(pid, status, 0), pid);
	return last;
}

static void count_end(struct tally *tally, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
		tally->aborted++;
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		tally->went_on++;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == STORE_CHILD_UNOPENED)
		tally->unopened++;
	else if (WIFEXITED(status) && (WEXITSTATUS(status) == STORE_CHILD_FULL || WEXITSTATUS(status) == 1))
		tally->errors++;
	else
		fail_msg("the child ended with status %x", (unsigned)status);
}

static void check_held(const char *folder, uint64_t last, const char *what)
{
	struct store_child_state expected = {{0}}, held;
	struct store_child_env *env;
	struct ponto_store store = store_child_open(folder, &env);

	store_child_read(store, &held);
	store_child_close(store, env);
	for (uint64_t n = 1; n <= last; n++)
		store_child_apply(&expected, n);
	if (memcmp(&held, &expected, sizeof(held)) == 0)
		return;
	/* The operation that was refused may be there, but then whole. */
	store_child_apply(&expected, last + 1);
	if (memcmp(&held, &expected, sizeof(held)) != 0)
		fail_msg("%s: the store does not hold what was acknowledged, %llu operations", what,
			 (unsigned long long)last);
}

static void round_of(const char *kind, unsigned first, unsigned count, struct tally *tally)
{
	char *folder = store_child_folder(), what[128], mark[4200];
	struct stat st;
	uint64_t last;
	int status;

	snprintf(what, sizeof(what), "files *%s*, %u refused from call %u on", kind, count, first);
	last = write_until_refused(folder, kind, first, count, &status);
	snprintf(mark, sizeof(mark), "%s/mark", folder);
	tally->rounds++;
	tally->acked += last;
	if (stat(mark, &st) == 0 && st.st_size > 0) {
		tally->refused++;
		count_end(tally, status);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
			printf("# aborted: %s\n", what);
	}
	check_held(folder, last, what);
	ponto_test_rmdir(folder);
}

static void nothing_acknowledged_is_lost(void **state)
{
	static const unsigned counts[] = {0, 1, 7};
	unsigned calls = getenv("PONTO_FULL") ? 100 : 8;
	struct tally all = {0};

	(void)state;
	for (size_t k = 0; k < PONTO_ARRAY_SIZE(kinds); k++) {
		struct tally tally = {0};

		for (unsigned i = 0; i < calls * PONTO_ARRAY_SIZE(counts); i++) {
			/* The first calls one by one, then ever rarer: opening, the first writes, the first tables. */
			unsigned n = i / (unsigned)PONTO_ARRAY_SIZE(counts);

			round_of(kinds[k], 1 + n + n * n / 8, counts[i % PONTO_ARRAY_SIZE(counts)], &tally);
		}
		printf("# files *%s*: %u rounds, %u refused: %u aborted, %u returned errors, %u did not open, %u went "
		       "on; %llu operations acknowledged\n",
		       kinds[k], tally.rounds, tally.refused, tally.aborted, tally.errors, tally.unopened,
		       tally.went_on, (unsigned long long)tally.acked);
		assert_true(tally.refused > 0);
		all.aborted += tally.aborted;
		all.errors += tally.errors;
		all.unopened += tally.unopened;
		all.went_on += tally.went_on;
	}
	printf("# %u aborted, %u returned errors, %u did not open, %u went on\n", all.aborted, all.errors, all.unopened,
	       all.went_on);
	assert_true(all.aborted > 0);
	assert_true(all.errors > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_acknowledged_is_lost),
	};

	store_child_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
