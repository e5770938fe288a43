/* One resolve walk, step by step. */
#include "engines/ring/ring_walk.h"
#include "tests/support/test.h"

struct fixture {
	struct ponto_test_alloc ta;
	struct ring_walk walk;
};

/* Node n: ID n << 248 at 2001::n. */
static struct ring_route *node(struct fixture *f, uint8_t n)
{
	struct ring_id id = {{n}};
	uint8_t ip[1][16] = {{0x20, 1, [15] = n}};
	struct ring_route *r = ring_route_make(&f->ta.alloc, &id, 4000, ip, 1);

	assert_non_null(r);
	return r;
}

static struct ring_endpoint at(uint8_t n)
{
	return (struct ring_endpoint){{0x20, 1, [15] = n}, 4000};
}

static void begin(struct fixture *f, uint8_t target, uint8_t first)
{
	struct ring_id id = {{target}};
	struct ring_endpoint own = at(0xee);

	ponto_test_alloc_init(&f->ta);
	ring_walk_init(&f->walk, &f->ta.alloc, &id, &own);
	if (first) {
		struct ring_route *r = node(f, first);

		ring_walk_push(&f->walk, r);
		ring_route_unref(&f->ta.alloc, r);
	}
}

static void end(struct fixture *f)
{
	ring_walk_clear(&f->walk);
	assert_int_equal(f->ta.live, 0);
}

static uint8_t ask(struct fixture *f)
{
	return ring_walk_next(&f->walk) ? f->walk.current.route->id.b[0] : 0;
}

/* The current hop answers with node n (0: none). */
static void answer(struct fixture *f, uint8_t n, bool suspicious, bool gone, bool small)
{
	struct ring_answer a = {.from = at(f->walk.current.route->addrs[0][15]),
				.suspicious = suspicious,
				.gone = gone,
				.small_cache = small,
				.route = n ? node(f, n) : NULL};

	ring_walk_answer(&f->walk, &a);
	ring_route_unref(&f->ta.alloc, a.route);
}

static void silence(struct fixture *f)
{
	struct ring_endpoint asked = at(f->walk.current.route->addrs[0][15]);

	ring_walk_silence(&f->walk, &asked, true);
}

static void goes_closer_and_keeps_the_best(void **state)
{
	struct fixture f;

	(void)state;
	PONTO_PROVES("PNRP-331", "PNRP-391");
	begin(&f, 0x80, 0x10);
	assert_int_equal(f.walk.hops[0].uses, 0);
	assert_int_equal(f.walk.suspicious + f.walk.useful, 0);
	assert_int_equal(ask(&f), 0x10);
	assert_int_equal(f.walk.current.uses, 1);
	answer(&f, 0x40, false, false, false);
	assert_int_equal(f.walk.best->id.b[0], 0x10);
	assert_int_equal(ask(&f), 0x40);
	answer(&f, 0x70, false, false, false);
	assert_int_equal(f.walk.best->id.b[0], 0x40);
	assert_int_equal(f.walk.matches[0]->id.b[0], 0x10);
	assert_int_equal(f.walk.useful, 2);
	assert_int_equal(ask(&f), 0x70);
	end(&f);
}

static void path_holds_own_endpoint_and_those_asked(void **state)
{
	struct fixture f;
	struct ring_endpoint own = at(0xee), first = at(0x10);

	(void)state;
	begin(&f, 0x80, 0x10);
	assert_int_equal(f.walk.path_count, 1);
	assert_true(ring_endpoint_equal(&f.walk.path[0], &own));
	ask(&f);
	answer(&f, 0x40, false, false, false);
	assert_int_equal(f.walk.path_count, 2);
	assert_true(ring_endpoint_equal(&f.walk.path[1], &first));
	end(&f);
}

/* T18: more nodes are asked than the path has room for. */
static void path_keeps_the_newest_and_none_twice(void **state)
{
	struct fixture f;
	struct ring_endpoint own = at(0xee), expected;

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	for (uint8_t n = 0x11; n < 0x11 + RING_USEFUL_HOPS_MAX; n++) {
		answer(&f, n, false, false, false);
		assert_int_equal(ask(&f), n);
		for (unsigned i = 0; i < f.walk.path_count; i++)
			for (unsigned k = 0; k < i; k++)
				assert_false(ring_endpoint_equal(&f.walk.path[i], &f.walk.path[k]));
	}
	assert_int_equal(f.walk.path_count, 22);
	assert_true(ring_endpoint_equal(&f.walk.path[0], &own));
	for (unsigned i = 1; i < 22; i++) {
		expected = at((uint8_t)(0x10 + RING_USEFUL_HOPS_MAX - 22 + i));
		assert_true(ring_endpoint_equal(&f.walk.path[i], &expected));
	}
	end(&f);
}

/* Likewise, where a hop is asked again. */
static void path_has_those_asked_again_last(void **state)
{
	struct fixture f;
	struct ring_endpoint first = at(0x10), second = at(0x40);

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	answer(&f, 0x40, false, false, false);
	assert_int_equal(ask(&f), 0x40);
	answer(&f, 0, false, false, false);
	assert_int_equal(ask(&f), 0x10);
	answer(&f, 0, false, false, false);
	assert_int_equal(f.walk.path_count, 3);
	assert_true(ring_endpoint_equal(&f.walk.path[1], &second));
	assert_true(ring_endpoint_equal(&f.walk.path[2], &first));
	end(&f);
}

static void dead_end_leads_back_to_the_older_hop(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	answer(&f, 0x40, false, false, false);
	assert_int_equal(ask(&f), 0x40);
	answer(&f, 0, false, false, false); /* T39: not asked again */
	assert_int_equal(ask(&f), 0x10);
	assert_int_equal(f.walk.current.uses, 2);
	answer(&f, 0x50, false, false, false);
	assert_int_equal(ask(&f), 0x50);
	end(&f);
}

static void nobody_is_asked_four_times(void **state)
{
	struct fixture f;
	uint8_t n = 0x20;
	unsigned asked = 0;

	(void)state;
	begin(&f, 0x80, 0x10);
	for (uint8_t hop = ask(&f); hop; hop = ask(&f)) {
		asked += hop == 0x10;
		answer(&f, hop == 0x10 ? n++ : 0, false, false, false);
	}
	assert_int_equal(asked, RING_USES_MAX);
	end(&f);
}

static void gone_hop_is_not_kept(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	answer(&f, 0x40, false, true, false);
	assert_null(f.walk.best);
	assert_int_equal(ask(&f), 0x40);
	answer(&f, 0, false, false, false);
	assert_int_equal(ask(&f), 0);
	end(&f);
}

static void loops_are_not_followed(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	answer(&f, 0x40, false, false, true);
	ask(&f);
	answer(&f, 0x10, false, false, true); /* an endpoint of the path, not its last */
	assert_int_equal(ask(&f), 0x40);
	answer(&f, 0x40, false, false, true); /* the last of the path: allowed */
	assert_int_equal(ask(&f), 0x40);
	end(&f);
}

static void candidate_not_closer_needs_a_small_cache(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0x80, 0x60);
	ask(&f);
	answer(&f, 0x20, false, false, true);
	assert_int_equal(ask(&f), 0x20);
	end(&f);
	begin(&f, 0x80, 0x60);
	ask(&f);
	answer(&f, 0x20, false, false, false); /* large cache: it is dropped, and the hop is popped again */
	assert_int_equal(ask(&f), 0);
	end(&f);
}

static void seven_suspicious_answers_stop(void **state)
{
	struct fixture f;
	unsigned asked = 0;

	(void)state;
	begin(&f, 0x80, 0x10);
	for (uint8_t n = 0x11; ask(&f); n++) {
		asked++;
		answer(&f, n, true, false, false);
	}
	assert_int_equal(asked, RING_SUSPICIOUS_MAX + 1);
	end(&f);
}

static void twenty_three_answers_stop(void **state)
{
	struct fixture f;
	unsigned asked = 0;

	(void)state;
	begin(&f, 0x80, 0x10);
	for (uint8_t n = 0x11; ask(&f); n++) {
		asked++;
		answer(&f, n, false, false, false);
	}
	assert_int_equal(asked, RING_USEFUL_HOPS_MAX + 1);
	assert_int_equal(f.walk.path_count, RING_PATH_MAX);
	end(&f);
}

static void rejected_best_gives_way_to_the_one_before(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	answer(&f, 0x40, false, false, false);
	ask(&f);
	answer(&f, 0, false, false, false);
	assert_int_equal(f.walk.best->id.b[0], 0x40);
	assert_true(ring_walk_reject_best(&f.walk));
	assert_int_equal(f.walk.best->id.b[0], 0x10);
	assert_false(ring_walk_reject_best(&f.walk));
	end(&f);
}

static void silent_hop_is_forgotten(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	silence(&f);
	assert_int_equal(f.walk.useful, 0);
	assert_int_equal(ask(&f), 0);
	end(&f);
}

static void who_leads_to_a_silent_node_is_told(void **state)
{
	struct fixture f;
	struct ring_endpoint dead = at(0x40);

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	answer(&f, 0x40, false, false, false);
	assert_int_equal(ask(&f), 0x40);
	silence(&f);
	assert_int_equal(ask(&f), 0x10);
	assert_true(ring_endpoint_equal(&f.walk.path[f.walk.path_count - 1], &dead));
	answer(&f, 0x40, false, false, false); /* all the same: not followed */
	assert_int_equal(ask(&f), 0x10);
	answer(&f, 0x50, false, false, false);
	assert_int_equal(ask(&f), 0x50);
	end(&f);
}

/* A host that fell silent under one ID is not asked for another that was on the stack already. */
static void silent_endpoint_is_not_asked_for_another_id(void **state)
{
	struct fixture f;
	struct ring_id id = {{0x11}};
	uint8_t ip[1][16] = {{0x20, 1, [15] = 0x40}};
	struct ring_route *twin;

	(void)state;
	begin(&f, 0x80, 0x10);
	twin = ring_route_make(&f.ta.alloc, &id, 4000, ip, 1);
	ring_walk_push(&f.walk, twin);
	ring_walk_push(&f.walk, twin);
	ring_route_unref(&f.ta.alloc, twin);
	assert_int_equal(ask(&f), 0x11);
	ring_walk_silence(&f.walk, &(struct ring_endpoint){{0x20, 1, [15] = 0x40}, 4000}, true);
	assert_int_equal(ask(&f), 0x10);
	end(&f);
}

static void push(struct fixture *f, uint8_t n)
{
	struct ring_route *r = node(f, n);

	ring_walk_push(&f->walk, r);
	ring_route_unref(&f->ta.alloc, r);
}

static void next_walk_knows_who_was_silent(void **state)
{
	struct fixture f;
	struct ring_endpoint own = at(0xee), dead = at(0x40);

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	answer(&f, 0x40, false, false, false);
	ask(&f);
	silence(&f);
	ring_walk_again(&f.walk, &own);
	assert_int_equal(f.walk.useful + f.walk.suspicious, 0);
	assert_null(f.walk.best);
	assert_int_equal(f.walk.path_count, 2);
	assert_true(ring_endpoint_equal(&f.walk.path[0], &own));
	assert_true(ring_endpoint_equal(&f.walk.path[1], &dead));
	push(&f, 0x40);
	assert_int_equal(ask(&f), 0);
	/* This walk met nobody who was silent and failed: perhaps for want of those. */
	ring_walk_again(&f.walk, &own);
	assert_int_equal(f.walk.path_count, 1);
	push(&f, 0x40);
	assert_int_equal(ask(&f), 0x40);
	end(&f);
}

static void the_silent_are_remembered_within_bounds(void **state)
{
	struct fixture f;
	struct ring_endpoint first = at(1), second = at(2);

	(void)state;
	begin(&f, 0x80, 0);
	for (uint8_t n = 1; n <= RING_SILENT_MAX + 1; n++) {
		push(&f, n);
		assert_int_equal(ask(&f), n);
		silence(&f);
	}
	assert_int_equal(f.walk.silent_count, RING_SILENT_MAX);
	assert_true(ring_endpoint_equal(&f.walk.silent[0], &second));
	assert_true(ring_endpoint_equal(&f.walk.path[1], &first)); /* the path is longer */
	end(&f);
}

static void hop_that_cannot_be_asked_leaves_no_trace(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0x80, 0x10);
	ask(&f);
	ring_walk_skip(&f.walk);
	assert_int_equal(f.walk.path_count, 1);
	assert_int_equal(f.walk.silent_count, 0);
	assert_int_equal(ask(&f), 0);
	end(&f);
}

static void nameless_hop_never_matches(void **state)
{
	struct fixture f;
	struct ring_id zero = {{0}};
	uint8_t ip[1][16] = {{0x20, 1, [15] = 5}};
	struct ring_route *r;

	(void)state;
	begin(&f, 0x01, 0);
	r = ring_route_make(&f.ta.alloc, &zero, 4000, ip, 1);
	ring_walk_push(&f.walk, r);
	ring_route_unref(&f.ta.alloc, r);
	assert_true(ring_walk_next(&f.walk));
	answer(&f, 0x70, false, true, false); /* farther from the target than zero is, and yet welcome (T40) */
	assert_null(f.walk.best);
	assert_int_equal(ask(&f), 0x70);
	end(&f);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(goes_closer_and_keeps_the_best),
	cmocka_unit_test(path_holds_own_endpoint_and_those_asked),
	cmocka_unit_test(path_keeps_the_newest_and_none_twice),
	cmocka_unit_test(path_has_those_asked_again_last),
	cmocka_unit_test(dead_end_leads_back_to_the_older_hop),
	cmocka_unit_test(nobody_is_asked_four_times),
	cmocka_unit_test(gone_hop_is_not_kept),
	cmocka_unit_test(loops_are_not_followed),
	cmocka_unit_test(candidate_not_closer_needs_a_small_cache),
	cmocka_unit_test(seven_suspicious_answers_stop),
	cmocka_unit_test(twenty_three_answers_stop),
	cmocka_unit_test(rejected_best_gives_way_to_the_one_before),
	cmocka_unit_test(silent_hop_is_forgotten),
	cmocka_unit_test(who_leads_to_a_silent_node_is_told),
	cmocka_unit_test(silent_endpoint_is_not_asked_for_another_id),
	cmocka_unit_test(next_walk_knows_who_was_silent),
	cmocka_unit_test(the_silent_are_remembered_within_bounds),
	cmocka_unit_test(hop_that_cannot_be_asked_leaves_no_trace),
	cmocka_unit_test(nameless_hop_never_matches),
};

PONTO_TEST_MAIN(tests)
