/* The cache on store-rocksdb when its process is killed at a random moment, and its files are cut back to what was
 * synced (tests/support/synced_length.h): blocks may be lost, for nothing is synced, but what is held afterwards is
 * whole and right, and nothing lies about that is not held. */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/interop/store_child.h"
#include "tests/support/synced_length.h"
#include "tests/unit/dist_rig.h"

#define ROUNDS 20
#define ROUNDS_FULL 150
#define ROUNDS_A_FOLDER 6 /* then from an empty one */
#define MOMENTS 600
#define SMALL 60 /* segments of version 2.0 */
#define LARGE (4 * CONTENT_BLOCK + 1000)

/* The rig with a store on disk instead of the one in memory. */
struct place {
	struct dist_rig rig;
	struct store_child_env *env;
	struct ponto_store memory;
};

static int place_open(struct place *p, const char *folder)
{
	dist_rig_init(&p->rig);
	p->memory = p->rig.inner;
	return store_child_try(folder, NULL, &ponto_alloc_system, &p->rig.inner, &p->env);
}

static void place_close(struct place *p)
{
	store_child_close(p->rig.inner, p->env);
	p->rig.inner = p->memory;
	dist_rig_clear(&p->rig);
}

/* ---- the child: keeps and reads until it is killed ------------------------------------- */

static int one_step(struct place *p, struct dist_cache *cache, const struct dist_stock *s, uint64_t random)
{
	bool v1 = random % 4 == 0;
	const struct content_made *made = v1 ? &s->v1 : &s->v2;
	struct ponto_bytes data = bytes_of(v1 ? &s->large : &s->small);
	size_t i = v1 ? 0 : random / 4 % SMALL;
	uint32_t index = v1 ? (uint32_t)(random / 4 % 5) : 0;
	struct dist_segment segment = dist_rig_segment(made, i);
	struct dist_piece piece = dist_rig_piece(made, i, index, data);
	int result;

	if (random / 1024 % 64 == 0)
		return dist_cache_clear(cache, &segment.id, NULL, NULL, NULL);
	result = dist_rig_put(&p->rig, cache, &segment, &piece);
	return result == PONTO_EEXIST ? dist_rig_get(&p->rig, cache, made, i, index, data) : result;
}

static void child(const char *folder, uint64_t first, int acks)
{
	struct dist_stock s = dist_stock_make(SMALL, 100, 50, LARGE);
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct place p;

	if (place_open(&p, folder) != PONTO_OK)
		_exit(STORE_CHILD_UNOPENED);
	ponto_log_tap(p.rig.log, NULL, NULL);
	config = dist_rig_config(&p.rig);
	config.max_bytes = LARGE + SMALL / 2 * (uint64_t)(4096 + 1500); /* about half of them */
	cache = dist_rig_open(&p.rig, &config);
	for (uint64_t n = first;; n++) {
		struct ponto_test_random random;

		ponto_test_random_init(&random, n);
		if (one_step(&p, cache, &s, ponto_random_u64(&random.random)) != PONTO_OK)
			_exit(1);
		if (write(acks, &n, sizeof(n)) != sizeof(n))
			_exit(0);
	}
}

/* ---- the parent ---------------------------------------------------------------------------- */

static uint64_t live_and_die(const char *folder, uint64_t first, uint64_t moment, struct synced_report *report)
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
	pid = store_child_start(folder, first, 0, &preload, &acks);
	last = store_child_acked(acks, first);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("the child ended by itself, status %x", (unsigned)status);
	snprintf(table, sizeof(table), "%s/table", folder);
	snprintf(path, sizeof(path), "%s/main", folder);
	assert_int_equal(synced_cut(path, table, report), 0);
	assert_int_equal(report->overflows, 0);
	unlink(table);
	return last;
}

static void on_verified(void *arg, int result, uint64_t damaged)
{
	assert_ok(result);
	assert_int_equal(damaged, 0);
	*(bool *)arg = true;
}

static uint64_t read_of(struct place *p, struct dist_cache *cache, const struct content_made *made, size_t i,
			struct ponto_bytes data)
{
	struct dist_segment segment = dist_rig_segment(made, i);
	struct dist_known known;
	uint64_t count = 0;

	if (!dist_cache_find(cache, &segment.id, &known))
		return 0;
	for (uint32_t b = content_blocks_next(&known.blocks, 0); b < CONTENT_BLOCKS_MAX;
	     b = content_blocks_next(&known.blocks, b + 1), count++)
		assert_ok(dist_rig_get(&p->rig, cache, made, i, b, data));
	return count;
}

/* Every record in the store belongs to what is held, and the other way round. Blocks held. */
static uint64_t examine(const char *folder, const struct dist_stock *s)
{
	struct dist_cache_config config;
	struct dist_cache_stats stats;
	struct dist_cache *cache;
	bool verified = false;
	uint64_t blocks;
	struct place p;

	assert_ok(place_open(&p, folder));
	config = dist_rig_config(&p.rig);
	cache = dist_rig_open(&p.rig, &config);
	blocks = read_of(&p, cache, &s->v1, 0, bytes_of(&s->large));
	for (size_t i = 0; i < SMALL; i++)
		blocks += read_of(&p, cache, &s->v2, i, bytes_of(&s->small));
	assert_ok(dist_cache_verify(cache, NULL, on_verified, &verified));
	dist_rig_run(&p.rig, 10 * PONTO_SECOND);
	assert_true(verified);
	dist_cache_stats(cache, &stats);
	assert_int_equal(stats.damaged, 0); /* nothing was found without its head */
	assert_int_equal(stats.blocks, blocks);
	assert_int_equal(p.rig.warnings, 0);
	dist_rig_close(&p.rig, cache);
	place_close(&p);
	return blocks;
}

static void what_is_held_is_whole(void **state)
{
	unsigned rounds = getenv("PONTO_FULL") ? ROUNDS_FULL : ROUNDS;
	uint64_t acked = 0, held = 0, cut_bytes = 0, next = 1;
	struct ponto_test_random random;
	struct dist_stock s = dist_stock_make(SMALL, 100, 50, LARGE);
	char *folder = NULL;

	(void)state;
	ponto_test_random_init(&random, 3);
	for (unsigned round = 0; round < rounds; round++) {
		struct synced_report report;
		uint64_t last, moment = 1 + ponto_random_below(&random.random, MOMENTS);

		if (round % ROUNDS_A_FOLDER == 0) {
			ponto_test_rmdir(folder);
			folder = store_child_folder();
		}
		last = live_and_die(folder, next, moment, &report);
		acked += last + 1 - next;
		next = last + 1;
		cut_bytes += (uint64_t)report.bytes;
		held += examine(folder, &s);
	}
	ponto_test_rmdir(folder);
	printf("# %u rounds: %llu steps acknowledged, %llu bytes cut off, %llu blocks read afterwards\n", rounds,
	       (unsigned long long)acked, (unsigned long long)cut_bytes, (unsigned long long)held);
	assert_true(acked > 10 * (uint64_t)rounds);
	assert_true(held > rounds);
	assert_true(cut_bytes > 0);
	dist_stock_free(&s);
}

/* A second process on the same store is refused by its lock, before there is a cache. */
static void a_second_process_is_refused(void **state)
{
	char *folder = store_child_folder();
	int acks, status;
	struct place p;
	pid_t pid;

	(void)state;
	assert_ok(place_open(&p, folder));
	pid = store_child_start(folder, 1, 0, NULL, &acks);
	assert_int_equal(store_child_acked(acks, 1), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), STORE_CHILD_UNOPENED);
	place_close(&p);
	ponto_test_rmdir(folder);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_held_is_whole),
		cmocka_unit_test(a_second_process_is_refused),
	};

	/* Started again by store_child_start. */
	if (argc == 6 && strcmp(argv[1], "child") == 0)
		child(argv[2], strtoull(argv[3], NULL, 10), atoi(argv[5]));
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
