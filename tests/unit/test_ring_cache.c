/* The route entry cache against brute force: leaf sets, levels, choices. */
#include "engines/ring/ring_cache.h"
#include "tests/support/test.h"

#define MANY 600

struct fixture {
	struct ponto_test_alloc ta;
	struct ponto_test_random tr;
	struct ring_cache cache;
};

static void begin(struct fixture *f, uint64_t seed, uint32_t limit)
{
	ponto_test_alloc_init(&f->ta);
	ponto_test_random_init(&f->tr, seed);
	ring_cache_init(&f->cache, &f->ta.alloc, &f->tr.random, limit);
}

static void end(struct fixture *f)
{
	ring_cache_clear(&f->cache);
	assert_int_equal(f->ta.live, 0);
}

static int add(struct fixture *f, const struct ring_id *id, bool certified)
{
	static const uint8_t ip[1][16] = {{0x20, 1}};
	struct ring_route *r = ring_route_make(&f->ta.alloc, id, 4000, ip, 1);
	int result;

	if (!r)
		return PONTO_ENOMEM;
	r->certified = certified;
	result = ring_cache_add(&f->cache, r);
	ring_route_unref(&f->ta.alloc, r);
	return result;
}

static struct ring_id draw(struct fixture *f)
{
	return ring_id_random(&f->tr.random);
}

/* The rank of x among all, counting up (or down) from local; ids beyond half the circle are not on that side. */
static bool brute_leaf(const struct ring_id *all, size_t count, const struct ring_id *local, const struct ring_id *x)
{
	bool up = ring_id_above(x, local);
	unsigned nearer = 0;

	for (size_t i = 0; i < count; i++)
		if (ring_id_above(&all[i], local) == up && ring_id_closer(&all[i], x, local))
			nearer++;
	return nearer < RING_LEAF;
}

static void leaf_sets_are_the_nearest_five(void **state)
{
	static struct ring_id all[MANY];
	struct fixture f;

	(void)state;
	PONTO_PROVES("PNRP-458", "PNRP-460");
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct ring_id local[3];

		begin(&f, seed, 40);
		for (int l = 0; l < 3; l++) {
			local[l] = draw(&f);
			/* Close to zero, so that the circle's seam runs through a leaf set. */
			if (l == 0)
				memset(local[l].b, 0, 4);
			assert_ok(ring_cache_add_local(&f.cache, &local[l]));
		}
		for (size_t i = 0; i < MANY; i++) {
			all[i] = draw(&f);
			(void)!add(&f, &all[i], true);
		}
		for (size_t i = 0; i < MANY; i++) {
			bool leaf = false;

			for (int l = 0; l < 3; l++)
				leaf = leaf || brute_leaf(all, MANY, &local[l], &all[i]);
			if (!leaf)
				continue;
			assert_non_null(ring_cache_find(&f.cache, &all[i]));
			assert_true(ring_cache_place(&f.cache, &all[i])->leaf);
		}
		end(&f);
	}
}

static void leaves_come_nearest_first(void **state)
{
	struct fixture f;
	struct ring_id local = {{0x50}};
	struct ring_route *leaves[RING_LEAF];

	(void)state;
	begin(&f, 9, 80);
	assert_ok(ring_cache_add_local(&f.cache, &local));
	for (int i = 1; i <= 8; i++) {
		struct ring_id up = {{(uint8_t)(0x50 + i)}}, down = {{(uint8_t)(0x50 - i)}};

		assert_ok(add(&f, &up, true));
		assert_ok(add(&f, &down, i != 2)); /* one is not certified: it is passed over */
	}
	assert_int_equal(ring_cache_leaves(&f.cache, &local, true, leaves), RING_LEAF);
	for (int i = 0; i < RING_LEAF; i++)
		assert_int_equal(leaves[i]->id.b[0], 0x51 + i);
	assert_int_equal(ring_cache_leaves(&f.cache, &local, false, leaves), RING_LEAF);
	assert_int_equal(leaves[0]->id.b[0], 0x4f);
	assert_int_equal(leaves[1]->id.b[0], 0x4d);
	assert_false(ring_cache_place(&f.cache, &(struct ring_id){{0x4e}})->leaf);
	end(&f);
}

static void tiny_clouds_have_no_overlap(void **state)
{
	struct fixture f;
	struct ring_id local = {{0}}, up = {{0x20}}, down = {{0xd0}};
	struct ring_route *leaves[RING_LEAF];

	(void)state;
	begin(&f, 9, 80);
	assert_ok(ring_cache_add_local(&f.cache, &local));
	assert_ok(add(&f, &up, true));
	assert_ok(add(&f, &down, true));
	assert_int_equal(ring_cache_leaves(&f.cache, &local, true, leaves), 1);
	assert_memory_equal(&leaves[0]->id, &up, sizeof(up));
	assert_int_equal(ring_cache_leaves(&f.cache, &local, false, leaves), 1);
	assert_memory_equal(&leaves[0]->id, &down, sizeof(down));
	end(&f);
}

static void is_bounded_by_its_limit(void **state)
{
	struct fixture f;
	struct ring_id local;
	size_t leaves = 0;

	(void)state;
	begin(&f, 3, 50);
	local = draw(&f);
	assert_ok(ring_cache_add_local(&f.cache, &local));
	/* Ever nearer certified entries, each a leaf at first: those pushed out count like the others. */
	for (unsigned i = 0; i < 2000; i++) {
		struct ring_id distance = draw(&f), id;

		distance = ring_id_shift_right(&distance, i / 10 < 255 ? i / 10 : 255);
		id = ring_id_add(&local, &distance);
		(void)!add(&f, &id, true);
	}
	for (uint32_t i = 0; i < f.cache.count; i++)
		leaves += f.cache.place[i].leaf;
	assert_true(leaves <= 2 * RING_LEAF);
	assert_true(f.cache.count - leaves <= 50);
	assert_true(f.cache.count > 50);
	ring_cache_remove_local(&f.cache, &local); /* they are leaves no more */
	assert_true(f.cache.count <= 50);
	end(&f);
}

static void levels_hold_twenty_each_and_reach_down(void **state)
{
	struct fixture f;
	struct ring_id local;
	unsigned held[RING_LEVELS] = {0};

	(void)state;
	PONTO_PROVES("PNRP-558");
	begin(&f, 4, 200);
	local = draw(&f);
	assert_ok(ring_cache_add_local(&f.cache, &local));
	for (int i = 0; i < 20000; i++) {
		struct ring_id id = draw(&f);

		(void)!add(&f, &id, false);
	}
	for (uint32_t i = 0; i < f.cache.count; i++)
		if (!f.cache.place[i].leaf)
			held[f.cache.place[i].level]++;
	assert_int_equal(held[0], RING_LEVEL_ENTRIES);
	assert_int_equal(held[1], RING_LEVEL_ENTRIES);
	assert_int_equal(held[2], RING_LEVEL_ENTRIES);
	for (int i = 0; i < RING_LEVELS; i++)
		assert_true(held[i] <= RING_LEVEL_ENTRIES);
	end(&f);
}

static void full_levels_stay_evenly_spread(void **state)
{
	struct fixture f;
	double widest = 0;

	(void)state;
	PONTO_PROVES("PNRP-461");
	begin(&f, 5, 80);
	for (int i = 0; i < 5000; i++) {
		struct ring_id id = draw(&f);

		/* Nine in ten arrive in one sixteenth of the circle. */
		if (i % 10)
			id.b[0] = (uint8_t)(0x30 | (id.b[0] & 0x0f));
		(void)!add(&f, &id, false);
	}
	assert_true(f.cache.count >= 10);
	for (uint32_t i = 0; i < f.cache.count; i++) {
		struct ring_id gap = ring_id_sub(&f.cache.entry[(i + 1) % f.cache.count]->id, &f.cache.entry[i]->id);

		widest = ring_id_fraction(&gap) > widest ? ring_id_fraction(&gap) : widest;
	}
	/* Ten even entries would leave gaps of a tenth. */
	assert_true(widest < 0.1);
	end(&f);
}

static void small_clouds_are_kept_whole(void **state)
{
	struct fixture f;
	struct ring_id id[9];

	(void)state;
	PONTO_PROVES("PNRP-461");
	begin(&f, 6, 80);
	for (int i = 0; i < 9; i++) {
		id[i] = draw(&f);
		assert_ok(add(&f, &id[i], false));
	}
	for (int i = 0; i < 9; i++)
		assert_non_null(ring_cache_find(&f.cache, &id[i]));
	end(&f);
}

static void closest_and_neighbours_by_brute_force(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 7, 1000);
	for (int i = 0; i < 15; i++) {
		struct ring_id id = draw(&f);

		assert_ok(add(&f, &id, false));
	}
	for (int round = 0; round < 300; round++) {
		struct ring_id target = draw(&f);
		struct ring_route *closest = ring_cache_closest(&f.cache, &target);
		struct ring_route *above = ring_cache_neighbour(&f.cache, &target, true, 0);
		struct ring_route *below = ring_cache_neighbour(&f.cache, &target, false, 0);

		for (uint32_t i = 0; i < f.cache.count; i++) {
			const struct ring_id *id = &f.cache.entry[i]->id;

			assert_false(ring_id_closer(id, &closest->id, &target));
			assert_false(ring_id_between(id, &target, &above->id));
			assert_false(ring_id_between(id, &below->id, &target));
		}
	}
	assert_null(ring_cache_neighbour(&f.cache, &f.cache.entry[3]->id, true, 14));
	assert_ptr_equal(ring_cache_neighbour(&f.cache, &f.cache.entry[3]->id, true, 0), f.cache.entry[4]);
	assert_ptr_equal(ring_cache_neighbour(&f.cache, &f.cache.entry[3]->id, false, 0), f.cache.entry[2]);
	end(&f);
}

static void the_uncertified_near_an_id(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 11, 1000);
	for (unsigned i = 0; i < 15; i++) {
		struct ring_id id = draw(&f);

		assert_ok(add(&f, &id, i % 3 == 0));
	}
	for (unsigned round = 0; round < 60; round++) {
		struct ring_id id = round % 2 ? draw(&f) : f.cache.entry[round % 15]->id;
		struct ring_route *found[40];
		size_t near = round % 20, count = ring_cache_uncertified(&f.cache, &id, near, found), expected = 0;

		for (size_t i = 0; i < 2 * near; i++) {
			struct ring_route *r = ring_cache_neighbour(&f.cache, &id, i % 2, i / 2);

			if (r && !r->certified)
				assert_ptr_equal(found[expected++], r);
		}
		assert_int_equal(count, expected);
	}
	end(&f);
}

static enum ring_pick pick_any(void *arg, const struct ring_route *route)
{
	(void)arg;
	(void)route;
	return RING_PICK_YES;
}

static enum ring_pick pick_far(void *arg, const struct ring_route *route)
{
	(void)arg;
	return route->id.b[0] > 0x30 ? RING_PICK_YES : RING_PICK_NO;
}

static enum ring_pick pick_stop(void *arg, const struct ring_route *route)
{
	(void)arg;
	return route->id.b[0] > 0x20 ? RING_PICK_STOP : RING_PICK_NO;
}

static void picks_are_random_with_weight_on_the_closest(void **state)
{
	struct fixture f;
	struct ring_id target = {{0x10}};
	unsigned chosen[16] = {0};

	(void)state;
	begin(&f, 8, 80);
	for (int i = 1; i <= 5; i++) {
		struct ring_id id = {{(uint8_t)(i * 16)}};

		assert_ok(add(&f, &id, false));
	}
	for (int i = 0; i < 4000; i++)
		chosen[ring_cache_pick(&f.cache, &target, pick_any, NULL)->id.b[0] / 16]++;
	assert_true(chosen[1] > 3300 && chosen[1] < 3700);
	assert_true(chosen[2] > chosen[3] && chosen[3] > chosen[4] && chosen[2] > 0);
	for (int i = 0; i < 100; i++)
		assert_true(ring_cache_pick(&f.cache, &target, pick_far, NULL)->id.b[0] > 0x30);
	assert_null(ring_cache_pick(&f.cache, &target, pick_stop, NULL));
	end(&f);
}

static void spread_covers_the_circle(void **state)
{
	struct fixture f;
	struct ring_route *out[5];

	(void)state;
	PONTO_PROVES("PNRP-498");
	begin(&f, 10, 200);
	for (int i = 0; i < 3000; i++) {
		struct ring_id id = draw(&f);

		(void)!add(&f, &id, false);
	}
	for (int round = 0; round < 50; round++) {
		assert_int_equal(ring_cache_spread(&f.cache, 5, out), 5);
		for (int a = 0; a < 5; a++) {
			double nearest = 1;

			for (int b = 0; b < 5; b++) {
				struct ring_id d = ring_id_distance(&out[a]->id, &out[b]->id);

				if (a != b && ring_id_fraction(&d) < nearest)
					nearest = ring_id_fraction(&d);
			}
			assert_true(nearest > 0.05);
		}
	}
	end(&f);
}

static void estimates_by_hand(void **state)
{
	struct fixture f;
	struct ring_id local = {{0x80}}, above = {{0x90}}, below = {{0x70}}, lonely = {{0x08}}, near_it = {{0x08}};
	double estimate;

	(void)state;
	PONTO_PROVES("PNRP-547", "PNRP-548", "PNRP-549", "PNRP-550");
	begin(&f, 11, 80);
	assert_ok(ring_cache_add_local(&f.cache, &local));
	assert_true(ring_cache_estimate(&f.cache) == 0);
	assert_ok(add(&f, &above, true));
	assert_true(ring_cache_estimate(&f.cache) == 0); /* no leaf below */
	assert_ok(add(&f, &below, true));
	/* 2 * 2^256 / (0x90.. - 0x70..) = 2 / (1/8) */
	assert_true(ring_cache_estimate(&f.cache) == 16);
	/* A second local ID between neighbours 2^-40 apart: 2^41 is too much to be true and left out. */
	lonely.b[5] = 1;
	assert_ok(ring_cache_add_local(&f.cache, &lonely));
	near_it = lonely;
	near_it.b[6] = 1;
	assert_ok(add(&f, &near_it, true));
	near_it = ring_id_sub(&lonely, &(struct ring_id){{[6] = 1}});
	assert_ok(add(&f, &near_it, true));
	estimate = ring_cache_estimate(&f.cache);
	assert_true(estimate > 15.9 && estimate < 16.1);
	end(&f);
}

static int fill_under_oom(const struct ponto_alloc *alloc, void *arg)
{
	static const uint8_t ip[1][16] = {{0x20, 1}};
	struct ponto_test_random tr;
	struct ring_cache cache;
	int result = PONTO_OK;

	(void)arg;
	ponto_test_random_init(&tr, 1);
	ring_cache_init(&cache, alloc, &tr.random, 30);
	for (int i = 0; i < 40 && result == PONTO_OK; i++) {
		struct ring_id id = ring_id_random(&tr.random);
		struct ring_route *r = ring_route_make(alloc, &id, 4000, ip, 1);

		result = r ? ring_cache_add(&cache, r) : PONTO_ENOMEM;
		result = result == PONTO_ENOSPC ? PONTO_OK : result;
		ring_route_unref(alloc, r);
		if (result == PONTO_OK && i % 10 == 0)
			result = ring_cache_add_local(&cache, &id);
	}
	ring_cache_clear(&cache);
	return result;
}

static void survives_refused_memory(void **state)
{
	(void)state;
	ponto_test_oom(fill_under_oom, NULL, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(leaf_sets_are_the_nearest_five),
	cmocka_unit_test(leaves_come_nearest_first),
	cmocka_unit_test(tiny_clouds_have_no_overlap),
	cmocka_unit_test(is_bounded_by_its_limit),
	cmocka_unit_test(levels_hold_twenty_each_and_reach_down),
	cmocka_unit_test(full_levels_stay_evenly_spread),
	cmocka_unit_test(small_clouds_are_kept_whole),
	cmocka_unit_test(closest_and_neighbours_by_brute_force),
	cmocka_unit_test(the_uncertified_near_an_id),
	cmocka_unit_test(picks_are_random_with_weight_on_the_closest),
	cmocka_unit_test(spread_covers_the_circle),
	cmocka_unit_test(estimates_by_hand),
	cmocka_unit_test(survives_refused_memory),
};

PONTO_TEST_MAIN(tests)
