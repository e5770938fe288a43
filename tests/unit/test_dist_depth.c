/* How many changes a store gets at once: what it says of itself by how long it takes. */
#include "plugins/service-dist/dist_depth.h"
#include "tests/support/test.h"

/* 1,000 changes, as many at once as may be; each takes what its number among them says. */
static unsigned settled(struct dist_depth *d, uint64_t (*took)(unsigned at_once), bool full)
{
	for (unsigned i = 0; i < 1000; i++)
		dist_depth_took(d, took(d->now), full);
	return d->now;
}

static uint64_t at_the_end_of_a_line(unsigned at_once)
{
	(void)at_once;
	return 5000;
}

/* Twice as many take twice as long. */
static uint64_t one_processor(unsigned at_once)
{
	return 200 * at_once;
}

static uint64_t four_disks(unsigned at_once)
{
	return at_once <= 4 ? 3000 : 3000 * at_once / 4;
}

static uint64_t held_back(unsigned at_once)
{
	(void)at_once;
	return 2000000;
}

static void what_takes_no_longer_is_done_at_once(void **state)
{
	struct dist_depth d;

	(void)state;
	dist_depth_init(&d);
	assert_int_equal(d.now, DIST_DEPTH_MIN);
	assert_int_equal(settled(&d, at_the_end_of_a_line, true), DIST_DEPTH_MAX);
}

static void nothing_is_tried_that_nobody_waits_for(void **state)
{
	struct dist_depth d;

	(void)state;
	dist_depth_init(&d);
	assert_int_equal(settled(&d, at_the_end_of_a_line, false), DIST_DEPTH_MIN);
}

static void what_gets_in_its_own_way_is_done_by_few(void **state)
{
	struct dist_depth d;
	unsigned few;

	(void)state;
	dist_depth_init(&d);
	few = settled(&d, one_processor, true);
	assert_true(few >= DIST_DEPTH_MIN && few <= 9); /* each takes up to four times as long as the best */
	dist_depth_init(&d);
	few = settled(&d, four_disks, true);
	assert_true(few >= 4 && few < DIST_DEPTH_MAX);
}

/* A store that begins to hold writes back gets few of them within some rounds, and many when it is fast again. */
static void it_follows_the_store(void **state)
{
	struct dist_depth d;

	(void)state;
	dist_depth_init(&d);
	assert_int_equal(settled(&d, at_the_end_of_a_line, true), DIST_DEPTH_MAX);
	for (unsigned i = 0; i < 64; i++)
		dist_depth_took(&d, held_back(0), true);
	assert_true(d.now <= DIST_DEPTH_MIN + 1);
	assert_int_equal(settled(&d, at_the_end_of_a_line, true), DIST_DEPTH_MAX);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_takes_no_longer_is_done_at_once),
	cmocka_unit_test(nothing_is_tried_that_nobody_waits_for),
	cmocka_unit_test(what_gets_in_its_own_way_is_done_by_few),
	cmocka_unit_test(it_follows_the_store),
};

PONTO_TEST_MAIN(tests)
