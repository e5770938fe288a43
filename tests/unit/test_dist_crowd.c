/* How many are at work: bounds that two sides share, and counts that end where they began. */
#include <pthread.h>

#include "plugins/service-dist/dist_crowd.h"
#include "tests/support/test.h"

#define THREADS 4u
#define TURNS 20000u

static struct ponto_addr client(unsigned n)
{
	return (struct ponto_addr){.ip = {10, 0, (uint8_t)(n >> 8), (uint8_t)n}, .family = PONTO_FAMILY_IPV4};
}

static bool enter(struct dist_crowd *crowd, unsigned n, enum dist_crowd_side side)
{
	struct ponto_addr addr = client(n);

	return dist_crowd_enter(crowd, &addr, side);
}

static void leave(struct dist_crowd *crowd, unsigned n, enum dist_crowd_side side)
{
	struct ponto_addr addr = client(n);

	dist_crowd_leave(crowd, &addr, side);
}

static uint32_t count(struct dist_crowd *crowd, unsigned n, enum dist_crowd_side side)
{
	struct ponto_addr addr = client(n);

	return dist_crowd_count(crowd, &addr, side);
}

static void both_sides_share_the_bounds(void **state)
{
	struct dist_crowd *crowd;

	(void)state;
	assert_ok(dist_crowd_create(&ponto_alloc_system, 4, 2, &crowd));
	assert_true(enter(crowd, 1, DIST_CROWD_LOOP));
	assert_true(enter(crowd, 1, DIST_CROWD_ONCE));
	assert_false(enter(crowd, 1, DIST_CROWD_ONCE));
	assert_true(enter(crowd, 1, DIST_CROWD_LOOP)); /* who is bounded by others */
	assert_int_equal(count(crowd, 1, DIST_CROWD_LOOP), 2);
	assert_int_equal(count(crowd, 1, DIST_CROWD_ONCE), 1);
	assert_int_equal(count(crowd, 2, DIST_CROWD_ONCE), 0);
	assert_true(enter(crowd, 2, DIST_CROWD_ONCE));
	assert_false(enter(crowd, 3, DIST_CROWD_ONCE)); /* four are there */
	assert_int_equal(dist_crowd_count(crowd, NULL, DIST_CROWD_ONCE), 2);
	leave(crowd, 1, DIST_CROWD_LOOP);
	assert_true(enter(crowd, 3, DIST_CROWD_ONCE));
	leave(crowd, 1, DIST_CROWD_LOOP);
	leave(crowd, 1, DIST_CROWD_ONCE);
	leave(crowd, 2, DIST_CROWD_ONCE);
	leave(crowd, 3, DIST_CROWD_ONCE);
	assert_int_equal(dist_crowd_count(crowd, NULL, DIST_CROWD_ONCE), 0);
	dist_crowd_destroy(crowd);
}

static void *come_and_go(void *arg)
{
	for (unsigned i = 0; i < TURNS; i++) {
		unsigned n = i % 600;

		if (enter(arg, n, i % 2 ? DIST_CROWD_ONCE : DIST_CROWD_LOOP))
			leave(arg, n, i % 2 ? DIST_CROWD_ONCE : DIST_CROWD_LOOP);
	}
	return NULL;
}

static void threads_leave_nothing(void **state)
{
	struct dist_crowd *crowd;
	pthread_t threads[THREADS];

	(void)state;
	assert_ok(dist_crowd_create(&ponto_alloc_system, 3, 0, &crowd));
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, crowd), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 600; i++)
		assert_int_equal(count(crowd, i, DIST_CROWD_LOOP) + count(crowd, i, DIST_CROWD_ONCE), 0);
	dist_crowd_destroy(crowd);
}

static int once(const struct ponto_alloc *alloc, void *arg)
{
	struct dist_crowd *crowd = NULL;
	int result = dist_crowd_create(alloc, 4, 2, &crowd);

	(void)arg;
	if (result == PONTO_OK && !enter(crowd, 1, DIST_CROWD_ONCE))
		result = PONTO_ENOMEM;
	else if (result == PONTO_OK)
		leave(crowd, 1, DIST_CROWD_ONCE);
	dist_crowd_destroy(crowd);
	return result;
}

static void refused_memory_leaves_nothing(void **state)
{
	(void)state;
	ponto_test_oom(once, NULL, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(both_sides_share_the_bounds),
	cmocka_unit_test(threads_leave_nothing),
	cmocka_unit_test(refused_memory_leaves_nothing),
};

PONTO_TEST_MAIN(tests)
