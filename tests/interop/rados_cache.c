/* Two caches of service-dist, each in a process of its own, on one store-rados: they keep blocks of the same segments
 * at the same time, and one of them is killed at it. What is held afterwards is all that both kept, whole and right,
 * and a cache that starts later holds it too. Run by tests/interop/store_rados.sh. */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/interop/rados_rig.h"
#include "tests/unit/dist_rig.h"

#define SMALL 30 /* segments of version 2.0 */
#define BLOCKS 24
#define LARGE (BLOCKS * CONTENT_BLOCK)
#define STEPS (SMALL + BLOCKS)
#define KILLED_AFTER 15

/* A node with the cluster as its store. */
struct place {
	struct dist_rig rig;
	struct rados_rig rados;
	struct ponto_store memory;
	struct dist_cache *cache;
};

static void place_open(struct place *p, const char *nspace)
{
	struct dist_cache_config config;

	dist_rig_init(&p->rig);
	p->memory = p->rig.inner;
	assert_ok(rados_rig_try(&p->rados, nspace, p->rig.env.clock, NULL, NULL));
	p->rig.inner = p->rados.store;
	config = dist_rig_config(&p->rig);
	config.shared = ponto_store_shared(p->rados.store);
	p->cache = dist_rig_open(&p->rig, &config);
}

static void place_close(struct place *p)
{
	dist_rig_close(&p->rig, p->cache);
	rados_rig_close(&p->rados);
	p->rig.inner = p->memory;
	dist_rig_clear(&p->rig);
}

/* Step n keeps a block: of the large segment, or a small one. */
static int keep(struct place *p, const struct dist_stock *s, unsigned n)
{
	bool large = n < BLOCKS;
	const struct content_made *made = large ? &s->v1 : &s->v2;
	size_t i = large ? 0 : n - BLOCKS;
	struct dist_segment segment = dist_rig_segment(made, i);
	struct dist_piece piece = dist_rig_piece(made, i, large ? n : 0, bytes_of(large ? &s->large : &s->small));
	int result;

	/* Overtaken too often in a row. */
	do {
		result = dist_rig_put(&p->rig, p->cache, &segment, &piece);
	} while (result == PONTO_EBUSY);
	return result == PONTO_EEXIST ? PONTO_OK : result;
}

static int read_back(struct place *p, const struct dist_stock *s, unsigned n)
{
	bool large = n < BLOCKS;

	return dist_rig_get(&p->rig, p->cache, large ? &s->v1 : &s->v2, large ? 0 : n - BLOCKS, large ? n : 0,
			    bytes_of(large ? &s->large : &s->small));
}

/* Upwards, or downwards, so that the two meet. */
static void child(const char *nspace, const char *direction, int acks)
{
	static struct place p;
	struct dist_stock s = dist_stock_make(SMALL, 3000, 2000, LARGE);
	bool down = strcmp(direction, "down") == 0;

	place_open(&p, nspace);
	ponto_log_tap(p.rig.log, NULL, NULL);
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned n = down ? STEPS - 1 - i : i;

		int result = keep(&p, &s, n);

		if (result) {
			fprintf(stderr, "# step %u: %s\n", n, ponto_strerror(result));
			_exit(1);
		}
		if (write(acks, &n, sizeof(n)) != sizeof(n))
			_exit(2);
	}
	/* Who is to be killed does not end before. */
	if (strcmp(direction, "up to the death") == 0)
		pause();
	place_close(&p);
	_exit(0);
}

static pid_t start(const char *nspace, const char *direction, int *acks)
{
	char fd[16];
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	snprintf(fd, sizeof(fd), "%d", ends[1]);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		close(ends[0]);
		execl("/proc/self/exe", "rados_cache", "child", nspace, direction, fd, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*acks = ends[0];
	return pid;
}

static void on_verified(void *arg, int result, uint64_t damaged)
{
	assert_ok(result);
	assert_int_equal(damaged, 0);
	*(bool *)arg = true;
}

/* A cache that starts now holds at least those, and nothing that is not right. */
static void examine(const char *nspace, const struct dist_stock *s, const bool kept[STEPS])
{
	static struct place p;
	struct dist_cache_stats stats;
	bool verified = false;

	place_open(&p, nspace);
	for (unsigned n = 0; n < STEPS; n++) {
		int result = read_back(&p, s, n);

		if (kept[n])
			assert_ok(result);
		else
			assert_true(result == PONTO_OK || result == PONTO_ENOENT);
	}
	assert_ok(dist_cache_verify(p.cache, NULL, on_verified, &verified));
	dist_rig_run(&p.rig, 10 * PONTO_SECOND);
	assert_true(verified);
	dist_cache_stats(p.cache, &stats);
	assert_int_equal(stats.damaged, 0);
	place_close(&p);
}

static void run_both(bool kill_one)
{
	struct dist_stock s = dist_stock_make(SMALL, 3000, 2000, LARGE);
	bool kept[STEPS] = {false};
	char nspace[128];
	int acks[2], status;
	pid_t pids[2];
	unsigned n, count;

	rados_rig_namespace(nspace);
	pids[0] = start(nspace, kill_one ? "up to the death" : "up", &acks[0]);
	pids[1] = start(nspace, "down", &acks[1]);
	for (unsigned i = 0; i < 2; i++) {
		bool killed = kill_one && i == 0;

		for (count = 1; read(acks[i], &n, sizeof(n)) == sizeof(n); count++) {
			assert_in_range(n, 0, STEPS - 1);
			kept[n] = true;
			if (killed && count == KILLED_AFTER)
				kill(pids[i], SIGKILL);
		}
		close(acks[i]);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		if (killed)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		else
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	examine(nspace, &s, kept);
	dist_stock_free(&s);
}

static void two_caches_share_a_store(void **state)
{
	(void)state;
	run_both(false);
}

static void one_of_two_caches_is_killed(void **state)
{
	(void)state;
	run_both(true);
}

static void on_learned(void *arg, int result)
{
	assert_ok(result);
	*(bool *)arg = true;
}

/* In one process: what the other kept is found when it is asked for, or one's own block of it is kept. */
static void each_learns_of_the_other(void **state)
{
	static struct place one, other;
	struct dist_stock s = dist_stock_make(SMALL, 3000, 2000, LARGE);
	struct dist_segment segment;
	bool learned = false;
	char nspace[128];

	(void)state;
	rados_rig_namespace(nspace);
	place_open(&one, nspace);
	place_open(&other, nspace);
	assert_ok(keep(&one, &s, 0));
	assert_ok(keep(&one, &s, 1));
	assert_int_equal(read_back(&other, &s, 0), PONTO_ENOENT);
	segment = dist_rig_segment(&s.v1, 0);
	assert_ok(dist_cache_learn(other.cache, &segment.id, 1, on_learned, &learned));
	dist_rig_run(&other.rig, PONTO_SECOND / 4);
	assert_true(learned);
	assert_ok(read_back(&other, &s, 0));
	assert_ok(keep(&other, &s, 2));
	for (unsigned n = 0; n < 3; n++)
		assert_ok(read_back(&other, &s, n));
	assert_ok(keep(&one, &s, 3));
	for (unsigned n = 0; n < 4; n++)
		assert_ok(read_back(&one, &s, n));
	place_close(&other);
	place_close(&one);
	dist_stock_free(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_learns_of_the_other),
		cmocka_unit_test(two_caches_share_a_store),
		cmocka_unit_test(one_of_two_caches_is_killed),
	};

	if (argc == 5 && strcmp(argv[1], "child") == 0)
		child(argv[2], argv[3], atoi(argv[4]));
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
