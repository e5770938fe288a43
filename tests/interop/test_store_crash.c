/* Crash safety of store-rocksdb: a process that writes is killed at a random one of the moments that make a
 * difference, its files are cut back to what it had synced (tests/support/synced_length.h), and the store must open
 * without help and hold exactly what the acknowledged operations left, or those and the one under way. Without
 * synchronous writes the same must lose records: else the cut would prove nothing. */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/interop/store_child.h"
#include "tests/support/synced_length.h"

#define ROUNDS 60
#define ROUNDS_FULL 200
#define ROUNDS_A_FOLDER 10   /* then from an empty one, so that its making is interrupted too */
#define OPENING_MOMENTS 120  /* that opening a database takes, a little more */
#define WRITING_MOMENTS 1000 /* enough for tables to be written and merged */

static unsigned rounds(void)
{
	return getenv("PONTO_FULL") ? ROUNDS_FULL : ROUNDS;
}

/* Lets a child write until its power fails at that moment; then cuts. Returns the last acknowledged operation. */
static uint64_t write_and_fail(const char *folder, uint64_t first, unsigned flags, uint64_t moment,
			       struct synced_report *report)
{
	char table[4200], path[4200], moment_text[64];
	const char *const variables[] = {table, path, moment_text, NULL};
	struct store_child_preload preload = {"synced_length", variables};
	uint64_t last;
	int acks, status;
	pid_t pid;

	snprintf(table, sizeof(table), SYNCED_ENV_TABLE "=%s/table", folder);
	snprintf(path, sizeof(path), SYNCED_ENV_FOLDER "=%s/main", folder);
	snprintf(moment_text, sizeof(moment_text), SYNCED_ENV_MOMENT "=%llu", (unsigned long long)moment);
	pid = store_child_start(folder, first, flags, &preload, &acks);
	last = store_child_acked(acks, first);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("the child ended by itself, status %x", (unsigned)status);
	snprintf(table, sizeof(table), "%s/table", folder);
	snprintf(path, sizeof(path), "%s/main", folder);
	assert_int_equal(synced_cut(path, table, report), 0);
	assert_int_equal(report->overwrites, 0);
	assert_int_equal(report->overflows, 0);
	unlink(table);
	return last;
}

static void read_again(const char *folder, struct store_child_state *held)
{
	struct store_child_env *env;
	struct ponto_store store = store_child_open(folder, &env);

	store_child_read(store, held);
	store_child_close(store, env);
}

static void kept_when_synced(void **state)
{
	struct ponto_test_random random;
	struct store_child_state expected, held;
	uint64_t acked = 0, cut_bytes = 0, removed = 0, unrenamed = 0, done = 0, under_way = 0;
	char *folder = NULL;

	(void)state;
	ponto_test_random_init(&random, 1);
	for (unsigned round = 0; round < rounds(); round++) {
		struct synced_report report;
		uint64_t first, moment;

		if (round % ROUNDS_A_FOLDER == 0) {
			ponto_test_rmdir(folder);
			folder = store_child_folder();
			memset(&expected, 0, sizeof(expected));
			done = 0;
		}
		first = done + 1;
		moment = 1 + ponto_random_below(&random.random, round % 2 ? WRITING_MOMENTS : OPENING_MOMENTS);
		done = write_and_fail(folder, first, PONTO_STORE_SYNC, moment, &report);
		for (uint64_t n = first; n <= done; n++)
			store_child_apply(&expected, n);
		acked += done - first + 1;
		cut_bytes += (uint64_t)report.bytes;
		removed += report.removed;
		unrenamed += report.unrenamed;
		read_again(folder, &held);
		if (memcmp(&held, &expected, sizeof(held)) == 0)
			continue;
		/* The operation under way may be there, but then whole. */
		store_child_apply(&expected, ++done);
		under_way++;
		if (memcmp(&held, &expected, sizeof(held)) != 0)
			fail_msg("round %u, moment %llu: after operation %llu the store does not hold what was "
				 "acknowledged",
				 round, (unsigned long long)moment, (unsigned long long)done - 1);
	}
	ponto_test_rmdir(folder);
	printf("# %u rounds: %llu operations acknowledged, %llu bytes cut off, %llu files and %llu renames undone, "
	       "%llu operations under way kept\n",
	       rounds(), (unsigned long long)acked, (unsigned long long)cut_bytes, (unsigned long long)removed,
	       (unsigned long long)unrenamed, (unsigned long long)under_way);
	assert_true(acked > rounds());
	assert_true(cut_bytes > 0);
	assert_true(removed > 0);
	assert_true(unrenamed > 0);
}

/* Operations whose effect is gone. */
static unsigned count_lost(const struct store_child_state *held, const struct store_child_state *expected)
{
	unsigned lost = 0;

	for (size_t i = 0; i < STORE_CHILD_KEYS; i++)
		lost += held->written[i] != expected->written[i];
	return lost;
}

static void lost_when_not_synced(void **state)
{
	struct ponto_test_random random;
	unsigned lost = 0;

	(void)state;
	ponto_test_random_init(&random, 2);
	for (unsigned round = 0; round < rounds() && lost == 0; round++) {
		char *folder = store_child_folder();
		struct store_child_state expected = {{0}}, held;
		struct synced_report report;
		uint64_t moment = 1 + ponto_random_below(&random.random, WRITING_MOMENTS);
		uint64_t last = write_and_fail(folder, 1, 0, moment, &report);

		for (uint64_t n = 1; n <= last; n++)
			store_child_apply(&expected, n);
		read_again(folder, &held);
		lost += count_lost(&held, &expected);
		ponto_test_rmdir(folder);
	}
	assert_true(lost > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_when_synced),
		cmocka_unit_test(lost_when_not_synced),
	};

	store_child_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
