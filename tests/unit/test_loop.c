/* Both backends of the loop by one table; what only threads or descriptors show runs on libuv's. */
#include "tests/support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "framework/loop.h"
#include "framework/sim.h"

struct backend {
	const char *name;
	bool simulated;
};

static const struct backend uv_backend = {"uv", false};
static const struct backend sim_backend = {"sim", true};

struct fixture {
	struct ponto_sim *sim;
	struct ponto_loop *loop;
};

static int fixture_open(const struct backend *backend, const struct ponto_alloc *alloc, struct fixture *f)
{
	struct ponto_sim_node *node;
	int result;

	memset(f, 0, sizeof(*f));
	if (!backend->simulated)
		return ponto_loop_uv_create(alloc, &f->loop);
	result = ponto_sim_create(alloc, 1, &f->sim);
	if (result != PONTO_OK)
		return result;
	result = ponto_sim_node(f->sim, &node);
	if (result != PONTO_OK) {
		ponto_sim_destroy(f->sim);
		return result;
	}
	f->loop = ponto_sim_node_loop(node);
	return PONTO_OK;
}

static void fixture_close(struct fixture *f)
{
	ponto_loop_destroy(f->loop);
	ponto_sim_destroy(f->sim);
}

/* What ran, in order, as text. */
struct record {
	struct ponto_loop *loop;
	char text[64];
	size_t len;
};

struct step {
	struct record *record;
	char letter;
	bool last;
	uint64_t deadline;
	struct ponto_timer *timer, *victim;
};

static void note(struct record *record, char letter)
{
	assert_true(record->len + 1 < sizeof(record->text));
	record->text[record->len++] = letter;
}

static void run_step(void *arg)
{
	struct step *step = arg;

	note(step->record, step->letter);
	assert_true(ponto_loop_now(step->record->loop) >= step->deadline);
	if (step->victim) {
		ponto_timer_destroy(step->record->loop, step->victim);
		ponto_timer_destroy(step->record->loop, step->timer);
		step->victim = step->timer = NULL;
	}
	if (step->last)
		ponto_loop_stop(step->record->loop);
}

static void timers_fire_in_order(void **state)
{
	struct fixture f;
	struct record record = {0};
	struct step steps[5] = {
		{&record, 'd', false, 2000, NULL, NULL}, {&record, 'a', false, 1000, NULL, NULL},
		{&record, 'b', false, 1000, NULL, NULL}, {&record, 'c', false, 1001, NULL, NULL},
		{&record, 'e', true, 3000, NULL, NULL},
	};
	uint64_t now;

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	record.loop = f.loop;
	now = ponto_loop_now(f.loop);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(steps); i++) {
		steps[i].deadline += now;
		assert_ok(ponto_timer_create(f.loop, run_step, &steps[i], &steps[i].timer));
		ponto_timer_set(f.loop, steps[i].timer, steps[i].deadline);
	}
	assert_ok(ponto_loop_run(f.loop));
	assert_string_equal(record.text, "abcde");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(steps); i++)
		ponto_timer_destroy(f.loop, steps[i].timer);
	fixture_close(&f);
}

/* However late the thread is in getting to run. */
static void timers_overdue_at_the_start_fire_by_deadline(void **state)
{
	struct fixture f;
	struct record record = {0};
	struct step steps[3] = {{&record, 'c', true, 3, NULL, NULL},
				{&record, 'b', false, 2, NULL, NULL},
				{&record, 'a', false, 1, NULL, NULL}};

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	record.loop = f.loop;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(steps); i++) {
		assert_ok(ponto_timer_create(f.loop, run_step, &steps[i], &steps[i].timer));
		ponto_timer_set(f.loop, steps[i].timer, steps[i].deadline);
	}
	assert_ok(ponto_loop_run(f.loop));
	assert_string_equal(record.text, "abc");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(steps); i++)
		ponto_timer_destroy(f.loop, steps[i].timer);
	fixture_close(&f);
}

static void a_timer_destroyed_in_a_callback_stays_silent(void **state)
{
	struct fixture f;
	struct record record = {0};
	struct step steps[4] = {
		{&record, 'a', false, 1000, NULL, NULL},
		{&record, 'x', false, 1000, NULL, NULL},
		{&record, 'y', false, 1000, NULL, NULL},
		{&record, 'z', true, 1500, NULL, NULL},
	};
	uint64_t now;

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	record.loop = f.loop;
	now = ponto_loop_now(f.loop);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(steps); i++) {
		assert_ok(ponto_timer_create(f.loop, run_step, &steps[i], &steps[i].timer));
		ponto_timer_set(f.loop, steps[i].timer, now + steps[i].deadline);
		steps[i].deadline += now;
	}
	steps[0].victim = steps[1].timer;
	ponto_timer_set(f.loop, steps[2].timer, PONTO_NEVER);
	assert_ok(ponto_loop_run(f.loop));
	assert_string_equal(record.text, "az");
	ponto_timer_destroy(f.loop, steps[2].timer);
	ponto_timer_destroy(f.loop, steps[3].timer);
	ponto_timer_destroy(f.loop, NULL);
	fixture_close(&f);
}

/* A timer that re-arms itself for the past, beside one that waits its turn. */
struct greedy {
	struct ponto_loop *loop;
	struct ponto_timer *timer;
	unsigned fired, limit;
};

static void run_greedy(void *arg)
{
	struct greedy *greedy = arg;

	greedy->fired++;
	assert_true(greedy->fired < 1000);
	ponto_timer_set(greedy->loop, greedy->timer, 0);
}

static void run_polite(void *arg)
{
	struct greedy *greedy = arg;

	ponto_loop_stop(greedy->loop);
}

static void a_timer_set_in_the_past_starves_none(void **state)
{
	struct fixture f;
	struct greedy greedy = {0};
	struct ponto_timer *polite;

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	greedy.loop = f.loop;
	assert_ok(ponto_timer_create(f.loop, run_greedy, &greedy, &greedy.timer));
	assert_ok(ponto_timer_create(f.loop, run_polite, &greedy, &polite));
	ponto_timer_set(f.loop, greedy.timer, 0);
	ponto_timer_set(f.loop, polite, ponto_loop_now(f.loop));
	assert_ok(ponto_loop_run(f.loop));
	assert_true(greedy.fired >= 1);
	ponto_timer_destroy(f.loop, greedy.timer);
	ponto_timer_destroy(f.loop, polite);
	fixture_close(&f);
}

static void posted_calls_run_in_order(void **state)
{
	struct fixture f;
	struct record record = {0};
	struct step steps[3] = {{&record, 'a', false, 0, NULL, NULL},
				{&record, 'b', false, 0, NULL, NULL},
				{&record, 'c', true, 0, NULL, NULL}};

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	record.loop = f.loop;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(steps); i++)
		assert_ok(ponto_loop_post(f.loop, run_step, &steps[i]));
	assert_ok(ponto_loop_run(f.loop));
	assert_string_equal(record.text, "abc");
	fixture_close(&f);
}

static void a_stop_before_the_run_ends_it(void **state)
{
	struct fixture f;
	struct record record = {0};
	struct step after = {&record, 'a', true, 0, NULL, NULL};

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	record.loop = f.loop;
	ponto_loop_stop(f.loop);
	assert_ok(ponto_loop_run(f.loop));
	assert_int_equal(record.len, 0);
	/* The stop is used up: the loop runs again. */
	assert_ok(ponto_loop_post(f.loop, run_step, &after));
	assert_ok(ponto_loop_run(f.loop));
	assert_string_equal(record.text, "a");
	fixture_close(&f);
}

static void destroying_a_loop_drops_what_was_posted(void **state)
{
	struct fixture f;
	struct record record = {0};
	struct step never = {&record, 'x', false, 0, NULL, NULL};

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	record.loop = f.loop;
	assert_ok(ponto_loop_post(f.loop, run_step, &never));
	fixture_close(&f);
	assert_int_equal(record.len, 0);
}

/* ---- workers -------------------------------------------------------------------------- */

struct work {
	struct record *record;
	struct ponto_pool *pool;
	char letter;
	bool ran, again;
	pthread_t thread;
};

static void work_run(void *arg)
{
	struct work *work = arg;

	work->ran = true;
	work->thread = pthread_self();
}

static void work_done(void *arg)
{
	struct work *work = arg;

	assert_true(work->ran);
	note(work->record, work->letter);
	if (work->again) {
		work->again = work->ran = false;
		work->letter = 'z';
		assert_ok(ponto_pool_submit(work->pool, work->record->loop, work_run, work_done, work));
	}
}

static void a_stopped_loop_waits_for_its_workers(void **state)
{
	const struct backend *backend = *state;
	struct fixture f;
	struct record record = {0};
	struct ponto_pool *pool;
	struct work work[3] = {{.letter = 'a'}, {.letter = 'b', .again = true}, {.letter = 'c'}};

	assert_ok(fixture_open(backend, &ponto_alloc_system, &f));
	assert_ok(ponto_pool_create(&ponto_alloc_system, "test", 1, 8, &pool));
	record.loop = f.loop;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(work); i++) {
		work[i].record = &record;
		work[i].pool = pool;
		assert_ok(ponto_pool_submit(pool, f.loop, work_run, work_done, &work[i]));
	}
	ponto_loop_stop(f.loop);
	assert_ok(ponto_loop_run(f.loop));
	assert_string_equal(record.text, "abcz");
	assert_int_equal(pthread_equal(work[0].thread, pthread_self()) != 0, backend->simulated);
	ponto_pool_destroy(pool);
	fixture_close(&f);
}

static void destroying_a_loop_still_finishes_jobs(void **state)
{
	struct fixture f;
	struct record record = {0};
	struct ponto_pool *pool;
	struct work work = {.record = &record, .letter = 'a'};

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	assert_ok(ponto_pool_create(&ponto_alloc_system, "test", 2, 8, &pool));
	record.loop = f.loop;
	work.pool = pool;
	assert_ok(ponto_pool_submit(pool, f.loop, work_run, work_done, &work));
	fixture_close(&f);
	assert_string_equal(record.text, "a");
	ponto_pool_destroy(pool);
}

/* ---- the clock -------------------------------------------------------------------------- */

struct instant {
	struct ponto_loop *loop;
	uint64_t seen;
	bool first_done;
};

static void see_now(void *arg)
{
	struct instant *instant = arg;
	volatile unsigned spin = 0;

	if (!instant->first_done) {
		instant->first_done = true;
		instant->seen = ponto_loop_now(instant->loop);
		while (spin < 1000000)
			spin++;
		return;
	}
	assert_int_equal(ponto_loop_now(instant->loop), instant->seen);
	ponto_loop_stop(instant->loop);
}

static void the_calls_of_one_round_see_one_time(void **state)
{
	struct fixture f;
	struct instant instant = {0};
	uint64_t start;

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	start = ponto_loop_now(f.loop);
	instant.loop = f.loop;
	assert_ok(ponto_loop_post(f.loop, see_now, &instant));
	assert_ok(ponto_loop_post(f.loop, see_now, &instant));
	assert_ok(ponto_loop_run(f.loop));
	assert_true(ponto_loop_now(f.loop) >= start);
	fixture_close(&f);
}

/* ---- threads and descriptors --------------------------------------------------------------- */

#define THREADS 4
#define POSTS 2000

struct crowd {
	struct ponto_loop *loop;
	unsigned next[THREADS], total;
};

struct shout {
	struct crowd *crowd;
	unsigned thread, number;
};

static void heard(void *arg)
{
	struct shout *shout = arg;
	struct crowd *crowd = shout->crowd;

	assert_int_equal(shout->number, crowd->next[shout->thread]);
	crowd->next[shout->thread]++;
	if (++crowd->total == THREADS * POSTS)
		ponto_loop_stop(crowd->loop);
}

static void *shouter(void *arg)
{
	struct shout *shouts = arg;

	for (unsigned i = 0; i < POSTS; i++) {
		if (ponto_loop_post(shouts[i].crowd->loop, heard, &shouts[i]) != PONTO_OK)
			abort();
	}
	return NULL;
}

static void posts_from_threads_keep_their_order(void **state)
{
	struct fixture f;
	struct crowd crowd = {0};
	struct shout *shouts = calloc(THREADS * POSTS, sizeof(*shouts));
	pthread_t threads[THREADS];

	assert_non_null(shouts);
	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	crowd.loop = f.loop;
	for (unsigned t = 0; t < THREADS; t++) {
		for (unsigned i = 0; i < POSTS; i++)
			shouts[t * POSTS + i] = (struct shout){&crowd, t, i};
		assert_int_equal(pthread_create(&threads[t], NULL, shouter, &shouts[t * POSTS]), 0);
	}
	assert_ok(ponto_loop_run(f.loop));
	assert_int_equal(crowd.total, THREADS * POSTS);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	fixture_close(&f);
	free(shouts);
}

static void *stopper(void *arg)
{
	ponto_loop_stop(arg);
	return NULL;
}

static void a_stop_from_a_thread_wakes_the_loop(void **state)
{
	struct fixture f;
	pthread_t thread;

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	assert_int_equal(pthread_create(&thread, NULL, stopper, f.loop), 0);
	assert_ok(ponto_loop_run(f.loop));
	pthread_join(thread, NULL);
	fixture_close(&f);
}

struct blocked {
	sem_t started, go;
	unsigned done;
};

static void blocked_run(void *arg)
{
	struct blocked *blocked = arg;

	sem_post(&blocked->started);
	sem_wait(&blocked->go);
}

static void blocked_done(void *arg)
{
	((struct blocked *)arg)->done++;
}

static void a_full_pool_says_busy(void **state)
{
	struct fixture f;
	struct ponto_pool *pool;
	struct blocked blocked = {0};

	sem_init(&blocked.started, 0, 0);
	sem_init(&blocked.go, 0, 0);
	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	assert_ok(ponto_pool_create(&ponto_alloc_system, "test", 1, 1, &pool));
	assert_ok(ponto_pool_submit(pool, f.loop, blocked_run, blocked_done, &blocked));
	sem_wait(&blocked.started);
	assert_ok(ponto_pool_submit(pool, f.loop, blocked_run, blocked_done, &blocked));
	assert_int_equal(ponto_pool_submit(pool, f.loop, blocked_run, blocked_done, &blocked), PONTO_EBUSY);
	sem_post(&blocked.go);
	sem_post(&blocked.go);
	ponto_loop_stop(f.loop);
	assert_ok(ponto_loop_run(f.loop));
	assert_int_equal(blocked.done, 2);
	ponto_pool_destroy(pool);
	fixture_close(&f);
	sem_destroy(&blocked.started);
	sem_destroy(&blocked.go);
}

struct pipe_test {
	struct ponto_loop *loop;
	struct ponto_watch *watch;
	int fd[2];
	unsigned calls, writable;
};

static void pipe_ready(void *arg, unsigned events)
{
	struct pipe_test *test = arg;
	char byte;

	assert_int_equal(events, PONTO_READABLE);
	/* Level-triggered: two bytes, one read a call, two calls. */
	assert_int_equal(read(test->fd[0], &byte, 1), 1);
	if (++test->calls == 2) {
		ponto_watch_destroy(test->loop, test->watch);
		close(test->fd[0]);
		ponto_loop_stop(test->loop);
	}
}

static void pipe_writable(void *arg, unsigned events)
{
	struct pipe_test *test = arg;

	assert_int_equal(events, PONTO_WRITABLE);
	test->writable++;
	assert_int_equal(write(test->fd[1], "ab", 2), 2);
	ponto_watch_destroy(test->loop, test->watch);
	assert_ok(ponto_watch_create(test->loop, test->fd[0], 0, pipe_ready, test, &test->watch));
	assert_ok(ponto_watch_set(test->loop, test->watch, PONTO_READABLE));
}

static void watches_are_level_triggered(void **state)
{
	struct fixture f;
	struct pipe_test test = {0};

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	test.loop = f.loop;
	assert_int_equal(pipe2(test.fd, O_NONBLOCK | O_CLOEXEC), 0);
	assert_ok(ponto_watch_create(f.loop, test.fd[1], PONTO_WRITABLE, pipe_writable, &test, &test.watch));
	assert_ok(ponto_loop_run(f.loop));
	assert_int_equal(test.writable, 1);
	assert_int_equal(test.calls, 2);
	close(test.fd[1]);
	fixture_close(&f);
}

static void a_descriptor_that_cannot_be_watched_is_an_error(void **state)
{
	struct fixture f;
	struct ponto_watch *watch = NULL;
	char *directory = ponto_test_mkdir();
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	assert_true(fd >= 0);
	assert_int_equal(ponto_watch_create(f.loop, fd, PONTO_READABLE, pipe_ready, NULL, &watch), PONTO_EIO);
	assert_null(watch);
	close(fd);
	fixture_close(&f);
	ponto_test_rmdir(directory);
}

static void a_simulated_loop_watches_nothing(void **state)
{
	struct fixture f;
	struct ponto_watch *watch = NULL;

	assert_ok(fixture_open(*state, &ponto_alloc_system, &f));
	assert_int_equal(ponto_watch_create(f.loop, 0, PONTO_READABLE, pipe_ready, NULL, &watch), PONTO_ENOTSUP);
	assert_null(watch);
	/* Nothing can ever stop this one. */
	assert_int_equal(ponto_loop_run(f.loop), PONTO_EIO);
	fixture_close(&f);
}

/* ---- allocation failure ----------------------------------------------------------------------- */

static void nothing(void *arg)
{
	(void)arg;
}

static int use_everything(const struct ponto_alloc *alloc, void *arg)
{
	struct fixture f;
	struct ponto_timer *timers[20] = {NULL};
	struct ponto_pool *pool = NULL;
	struct ponto_watch *watch = NULL;
	int fd[2];
	int result = fixture_open(arg, alloc, &f);

	if (result != PONTO_OK)
		return result;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(timers) && result == PONTO_OK; i++)
		result = ponto_timer_create(f.loop, nothing, NULL, &timers[i]);
	if (result == PONTO_OK)
		result = ponto_loop_post(f.loop, nothing, NULL);
	if (result == PONTO_OK && !f.sim)
		result = ponto_watch_create(f.loop, fd[0], PONTO_READABLE, pipe_ready, NULL, &watch);
	if (result == PONTO_OK)
		result = ponto_pool_create(alloc, "test", 1, 1, &pool);
	if (result == PONTO_OK)
		result = ponto_pool_submit(pool, f.loop, nothing, nothing, NULL);
	ponto_watch_destroy(f.loop, watch);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(timers); i++)
		ponto_timer_destroy(f.loop, timers[i]);
	fixture_close(&f);
	ponto_pool_destroy(pool);
	close(fd[0]);
	close(fd[1]);
	return result;
}

static void memory_running_out_leaves_nothing_behind(void **state)
{
	ponto_test_oom(use_everything, *state, false);
}

#define ON(backend, test) {#test " (" #backend ")", test, NULL, NULL, (void *)&backend##_backend}
#define ON_BOTH(test) ON(uv, test), ON(sim, test)

static const struct CMUnitTest tests[] = {
	ON_BOTH(timers_fire_in_order),
	ON_BOTH(timers_overdue_at_the_start_fire_by_deadline),
	ON_BOTH(a_timer_destroyed_in_a_callback_stays_silent),
	ON_BOTH(a_timer_set_in_the_past_starves_none),
	ON_BOTH(posted_calls_run_in_order),
	ON_BOTH(a_stop_before_the_run_ends_it),
	ON_BOTH(destroying_a_loop_drops_what_was_posted),
	ON_BOTH(a_stopped_loop_waits_for_its_workers),
	ON_BOTH(destroying_a_loop_still_finishes_jobs),
	ON_BOTH(the_calls_of_one_round_see_one_time),
	ON_BOTH(memory_running_out_leaves_nothing_behind),
	ON(uv, posts_from_threads_keep_their_order),
	ON(uv, a_stop_from_a_thread_wakes_the_loop),
	ON(uv, a_full_pool_says_busy),
	ON(uv, watches_are_level_triggered),
	ON(uv, a_descriptor_that_cannot_be_watched_is_an_error),
	ON(sim, a_simulated_loop_watches_nothing),
};

PONTO_TEST_MAIN(tests)
