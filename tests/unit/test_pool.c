#include "tests/support/test.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "framework/pool.h"

struct counted {
	struct ponto_job job;
	struct crew *crew;
};

struct crew {
	atomic_uint ran, inside, most;
	atomic_bool signals_open;
	sem_t arrived, leave;
	char name[16];
};

static void count_run(struct ponto_job *job)
{
	struct crew *crew = ((struct counted *)job)->crew;
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (!sigismember(&mask, SIGTERM))
		atomic_store(&crew->signals_open, true);
	pthread_getname_np(pthread_self(), crew->name, sizeof(crew->name));
	atomic_fetch_add(&crew->ran, 1);
}

static void meet_run(struct ponto_job *job)
{
	struct crew *crew = ((struct counted *)job)->crew;

	sem_post(&crew->arrived);
	sem_wait(&crew->leave);
	atomic_fetch_add(&crew->ran, 1);
}

static void destroying_a_pool_runs_what_is_queued(void **state)
{
	struct ponto_pool *pool;
	struct crew crew = {0};
	struct counted jobs[100];

	(void)state;
	assert_ok(ponto_pool_create(&ponto_alloc_system, "a-name-longer-than-the-kernel-takes", 1, 100, &pool));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(jobs); i++) {
		jobs[i] = (struct counted){{NULL, count_run}, &crew};
		assert_ok(ponto_pool_push(pool, &jobs[i].job));
	}
	ponto_pool_destroy(pool);
	assert_int_equal(crew.ran, 100);
	assert_string_equal(crew.name, "a-name-longer-t");
	assert_false(crew.signals_open);
}

static void all_threads_work_at_once(void **state)
{
	struct ponto_pool *pool;
	struct crew crew = {0};
	struct counted jobs[8];

	(void)state;
	sem_init(&crew.arrived, 0, 0);
	sem_init(&crew.leave, 0, 0);
	assert_ok(ponto_pool_create(&ponto_alloc_system, "test", 4, 4, &pool));
	for (size_t i = 0; i < 4; i++) {
		jobs[i] = (struct counted){{NULL, meet_run}, &crew};
		assert_ok(ponto_pool_push(pool, &jobs[i].job));
	}
	/* Four are inside together: none has left yet. */
	for (size_t i = 0; i < 4; i++)
		sem_wait(&crew.arrived);
	for (size_t i = 4; i < 8; i++) {
		jobs[i] = (struct counted){{NULL, meet_run}, &crew};
		assert_ok(ponto_pool_push(pool, &jobs[i].job));
	}
	assert_int_equal(ponto_pool_push(pool, &jobs[0].job), PONTO_EBUSY);
	assert_int_equal(sem_trywait(&crew.arrived), -1);
	for (size_t i = 0; i < 8; i++)
		sem_post(&crew.leave);
	ponto_pool_destroy(pool);
	assert_int_equal(crew.ran, 8);
	sem_destroy(&crew.arrived);
	sem_destroy(&crew.leave);
}

static unsigned threads_of_process(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned count = 0;

	assert_non_null(tasks);
	for (struct dirent *entry; (entry = readdir(tasks));)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

static unsigned own_threads; /* which a sanitizer may have, too, from the first other one on */

static void *tell_id(void *arg)
{
	snprintf(arg, 64, "/proc/self/task/%d", (int)gettid());
	return NULL;
}

static int count_own_threads(void **state)
{
	pthread_t thread;
	char task[64];

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, tell_id, task), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	while (access(task, F_OK) == 0)
		usleep(1000);
	own_threads = threads_of_process();
	return 0;
}

/* The kernel lists a thread a little longer than it can be joined. */
static void await_the_end_of_threads(void)
{
	while (threads_of_process() > own_threads)
		usleep(20000);
	assert_int_equal(threads_of_process(), own_threads);
}

static void a_worker_without_work_ends_and_another_takes_the_next_job(void **state)
{
	struct ponto_pool *pool;
	struct crew crew = {0};
	struct counted jobs[2] = {{{NULL, meet_run}, &crew}, {{NULL, count_run}, &crew}};

	(void)state;
	sem_init(&crew.arrived, 0, 0);
	sem_init(&crew.leave, 0, 0);
	await_the_end_of_threads();
	assert_ok(ponto_pool_create(&ponto_alloc_system, "test", 1, 4, &pool));
	assert_ok(ponto_pool_push(pool, &jobs[0].job));
	sem_wait(&crew.arrived);
	assert_int_equal(threads_of_process(), own_threads + 1);
	sem_post(&crew.leave);
	await_the_end_of_threads();
	assert_ok(ponto_pool_push(pool, &jobs[1].job));
	ponto_pool_destroy(pool);
	assert_int_equal(crew.ran, 2);
	sem_destroy(&crew.arrived);
	sem_destroy(&crew.leave);
}

static unsigned mappings_of_process(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned count = 0;

	assert_non_null(maps);
	for (int c; (c = getc(maps)) != EOF;)
		count += c == '\n';
	fclose(maps);
#if defined(__SANITIZE_THREAD__) /* which keeps mappings of its own for each thread there was */
	count = 0;
#endif
	return count;
}

/* A stack and its guard are two mappings; the C library keeps a few of them for the next threads. */
static void workers_that_have_ended_keep_no_stacks(void **state)
{
	struct ponto_pool *pools[64];
	struct counted jobs[PONTO_ARRAY_SIZE(pools)];
	struct crew crews[PONTO_ARRAY_SIZE(pools)] = {0};
	unsigned mappings;

	(void)state;
	await_the_end_of_threads();
	mappings = mappings_of_process();
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(pools); i++) {
		jobs[i] = (struct counted){{NULL, count_run}, &crews[i]};
		assert_ok(ponto_pool_create(&ponto_alloc_system, "test", 2, 4, &pools[i]));
		assert_ok(ponto_pool_push(pools[i], &jobs[i].job));
	}
	await_the_end_of_threads();
	assert_in_range(mappings_of_process(), 0, mappings + PONTO_ARRAY_SIZE(pools));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(pools); i++) /* the second job of each finds its workers gone */
		assert_ok(ponto_pool_push(pools[i], &jobs[i].job));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(pools); i++) {
		ponto_pool_destroy(pools[i]);
		assert_int_equal(crews[i].ran, 2);
	}
}

static void odd_sizes_are_refused(void **state)
{
	struct ponto_pool *pool = NULL;

	(void)state;
	assert_int_equal(ponto_pool_create(&ponto_alloc_system, "test", 0, 4, &pool), PONTO_EINVAL);
	assert_int_equal(ponto_pool_create(&ponto_alloc_system, "test", 4, 0, &pool), PONTO_EINVAL);
	assert_int_equal(ponto_pool_create(&ponto_alloc_system, "test", 100000, 4, &pool), PONTO_EINVAL);
	assert_null(pool);
	ponto_pool_destroy(NULL);
}

static int make_pool(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_pool *pool;
	int result = ponto_pool_create(alloc, "test", 2, 2, &pool);

	(void)arg;
	if (result == PONTO_OK)
		ponto_pool_destroy(pool);
	return result;
}

static void memory_running_out_leaves_nothing_behind(void **state)
{
	(void)state;
	ponto_test_oom(make_pool, NULL, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(destroying_a_pool_runs_what_is_queued),
	cmocka_unit_test(all_threads_work_at_once),
	cmocka_unit_test(a_worker_without_work_ends_and_another_takes_the_next_job),
	cmocka_unit_test(workers_that_have_ended_keep_no_stacks),
	cmocka_unit_test(odd_sizes_are_refused),
	cmocka_unit_test(memory_running_out_leaves_nothing_behind),
};

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, count_own_threads, NULL);
}
