/* Many engines in one cloud: joining through one seed, registering, resolving, with and without loss. */
#include <stdio.h>

#include "tests/support/pnrp_world.h"

static void name_of(size_t node, char out[32])
{
	snprintf(out, 32, "0.node%zu", node);
}

static struct world *grown(size_t count, uint64_t seed, unsigned loss)
{
	struct world *w = world_new(count, seed, NULL);
	char name[32];

	w->loss_permille = loss;
	world_open(w, 0, 0);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			world_open(w, i, 0);
		world_run(w, PONTO_SECOND);
		name_of(i, name);
		world_register(w, i, name, NULL);
		world_run(w, PONTO_SECOND);
	}
	world_run(w, 60 * PONTO_SECOND);
	return w;
}

struct rate {
	size_t asked, found, first_walk;
	uint64_t hops;
};

static struct rate resolve_all(struct world *w, size_t step, uint32_t restarts)
{
	struct rate rate = {0};
	char name[32];

	for (size_t from = 0; from < w->count; from += step) {
		struct world_outcome **o = calloc(w->count, sizeof(struct world_outcome *));

		for (size_t of = 0; of < w->count; of++) {
			if (of == from)
				continue;
			name_of(of, name);
			o[of] = world_resolve(w, from, name, restarts);
			world_run(w, 200 * PONTO_MS);
		}
		world_run(w, 31 * PONTO_SECOND);
		for (size_t of = 0; of < w->count; of++) {
			if (of == from)
				continue;
			name_of(of, name);
			assert_true(o[of]->done);
			rate.asked++;
			if (o[of]->result == PONTO_OK) {
				assert_string_equal(o[of]->match.name, name);
				assert_int_equal(o[of]->match.endpoint_count, 1);
				assert_int_equal(o[of]->match.endpoints[0].port, 5000 + of);
				rate.found++;
				rate.first_walk += o[of]->walks == 1;
				rate.hops += o[of]->hops;
			} else {
				print_message("# %zu -> %zu: %d hops %u walks %u\n", from, of, o[of]->result,
					      o[of]->hops, o[of]->walks);
				for (size_t t = 0; t < o[of]->traces; t++)
					print_message("#   kind %d node %zu bits %u -> %u rtt %llu suspicious %d\n",
						      o[of]->trace[t].kind, world_node_at(w, &o[of]->trace[t].addr),
						      o[of]->trace[t].bits_before, o[of]->trace[t].bits_after,
						      (unsigned long long)o[of]->trace[t].rtt,
						      o[of]->trace[t].suspicious);
			}
		}
		free(o);
	}
	print_message("# %zu nodes, loss %u permille: %zu of %zu found, %zu in the first walk, %.2f hops\n", w->count,
		      w->loss_permille, rate.found, rate.asked, rate.first_walk,
		      (double)rate.hops / (double)rate.found);
	return rate;
}

static void thirty_without_loss(void **state)
{
	struct world *w = grown(30, 1, 0);
	struct rate rate = resolve_all(w, 3, 0);

	(void)state;
	assert_int_equal(rate.found, rate.asked);
	world_free(w);
}

static void hundred_with_loss(void **state)
{
	struct world *w = grown(100, 2, 50);
	struct rate rate = resolve_all(w, 10, 2);

	(void)state;
	assert_int_equal(rate.found, rate.asked);
	world_free(w);
}

static void same_seed_same_run(void **state)
{
	uint64_t hash[3];

	(void)state;
	for (int run = 0; run < 3; run++) {
		struct world *w = grown(20, run == 2 ? 8 : 7, 50);

		hash[run] = w->trace_hash;
		world_free(w);
	}
	assert_true(hash[0] == hash[1]);
	assert_true(hash[0] != hash[2]);
}

static void hops_grow_with_the_logarithm(void **state)
{
	static const size_t sizes[] = {10, 100, 400};

	(void)state;
	PONTO_PROVES("PNRP-459");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(sizes); i++) {
		struct world *w = grown(sizes[i], 5, 0);
		struct rate rate = resolve_all(w, sizes[i] / 5, 0);

		assert_int_equal(rate.found, rate.asked);
		/* 1, 2 and 2.6 are the logarithms. */
		assert_true((double)rate.hops / (double)rate.found < 2.0 + 0.5 * (double)i);
		world_free(w);
	}
}

static uint64_t split_tests(size_t count)
{
	struct world *w = grown(count, 6, 0);
	uint64_t before = 0, after = 0;

	for (size_t i = 0; i < count; i++)
		before += pnrp_engine_stats(w->nodes[i].engine)->splits_tested;
	world_run(w, 1800 * PONTO_SECOND);
	for (size_t i = 0; i < count; i++)
		after += pnrp_engine_stats(w->nodes[i].engine)->splits_tested;
	world_free(w);
	return after - before;
}

static void split_tests_are_as_rare_in_large_clouds(void **state)
{
	uint64_t few = split_tests(10), many = split_tests(100);

	(void)state;
	PONTO_PROVES("PNRP-544");
	assert_true(few > 0 && many > 0);
	assert_true(many < 3 * few && few < 3 * many);
}

/* All come at once, with one seed, and lose datagrams. */
static void a_crowd_at_the_door(void **state)
{
	struct world *w = world_new(60, 3, NULL);
	struct rate rate;
	char name[32];

	(void)state;
	w->loss_permille = 50;
	for (size_t i = 0; i < w->count; i++) {
		world_open(w, i, 0);
		name_of(i, name);
		world_register(w, i, name, NULL);
	}
	world_run(w, 120 * PONTO_SECOND);
	rate = resolve_all(w, 10, 2);
	assert_int_equal(rate.found, rate.asked);
	world_free(w);
}

/* A third of the nodes fall silent without a word: the others still find each other. */
static void survivors_find_each_other(void **state)
{
	struct world *w = grown(60, 4, 0);
	struct world_outcome *o[60];
	char name[32];

	(void)state;
	for (size_t i = 1; i < 60; i += 3)
		w->nodes[i].down = true;
	world_run(w, 120 * PONTO_SECOND);
	for (size_t i = 2; i < 60; i += 3) {
		name_of(i, name);
		o[i] = world_resolve(w, 0, name, 2);
		world_run(w, PONTO_SECOND);
	}
	world_run(w, 31 * PONTO_SECOND);
	for (size_t i = 2; i < 60; i += 3)
		assert_int_equal(o[i]->result, PONTO_OK);
	world_free(w);
}

static void names_taken_back_are_gone(void **state)
{
	struct world *w = world_new(20, 9, NULL);
	struct world_outcome *o;
	uint64_t handle[20];
	char name[32];
	struct pnrp_status status;

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		world_open(w, i, 0);
		name_of(i, name);
		handle[i] = world_register(w, i, name, NULL);
		world_run(w, 2 * PONTO_SECOND);
	}
	world_run(w, 30 * PONTO_SECOND);
	assert_ok(pnrp_engine_unregister(w->nodes[7].engine, w->now, handle[7]));
	world_pump(w, 7);
	world_run(w, 5 * PONTO_SECOND);
	assert_int_equal(w->nodes[7].gone, 1);
	o = world_resolve(w, 3, "0.node7", 2);
	world_run(w, 31 * PONTO_SECOND);
	assert_int_equal(o->result, PONTO_ENOENT);
	pnrp_engine_stop(w->nodes[8].engine, w->now, 2 * PONTO_SECOND);
	world_pump(w, 8);
	world_run(w, 3 * PONTO_SECOND);
	pnrp_engine_status(w->nodes[8].engine, &status);
	assert_int_equal(status.state, PNRP_CLOUD_DEAD);
	assert_int_equal(w->nodes[8].unpublished, 1);
	world_free(w);
}

/* Two halves that never heard of each other, each with its own seed; then one node of one half gets the other's. */
static bool apart(void *arg, struct world *w, size_t from, size_t to, struct ponto_bytes datagram)
{
	const bool *joined = arg;

	(void)datagram;
	return *joined || (from < w->count / 2) == (to < w->count / 2);
}

static void split_clouds_grow_together(void **state)
{
	struct world *w = world_new(24, 11, NULL);
	struct world_outcome *o[24];
	bool joined = false;
	char name[32];
	size_t found = 0;

	(void)state;
	w->filter = apart;
	w->filter_arg = &joined;
	for (size_t i = 0; i < 24; i++) {
		world_open(w, i, i < 12 ? 0 : 12);
		name_of(i, name);
		world_register(w, i, name, NULL);
		world_run(w, 2 * PONTO_SECOND);
	}
	joined = true;
	for (size_t i = 13; i < 24; i++)
		pnrp_engine_found(w->nodes[i].engine, w->now, PNRP_SOURCE_SEED, &w->nodes[0].addr, 1);
	world_run(w, 1800 * PONTO_SECOND);
	for (size_t i = 12; i < 24; i++) {
		name_of(i, name);
		o[i] = world_resolve(w, 3, name, 2);
		world_run(w, PONTO_SECOND);
	}
	world_run(w, 31 * PONTO_SECOND);
	for (size_t i = 12; i < 24; i++)
		found += o[i]->result == PONTO_OK;
	assert_int_equal(found, 12);
	world_free(w);
}

/* Node 5's way to its seed is blocked at first; nodes 6 to 9 come through node 5 and know nobody else. */
static bool blocked(void *arg, struct world *w, size_t from, size_t to, struct ponto_bytes datagram)
{
	const bool *open = arg;

	(void)w;
	(void)datagram;
	return *open || (from < 5) == (to < 5);
}

static void being_found_is_not_finding(void **state)
{
	struct world *w = world_new(10, 12, NULL);
	struct world_outcome *o;
	bool open = false;
	char name[32];

	(void)state;
	w->filter = blocked;
	w->filter_arg = &open;
	for (size_t i = 0; i < 10; i++) {
		world_open(w, i, i > 5 ? 5 : 0);
		name_of(i, name);
		world_register(w, i, name, NULL);
		world_run(w, PONTO_SECOND);
	}
	open = true;
	world_run(w, 90 * PONTO_SECOND);
	o = world_resolve(w, 2, "0.node8", 2);
	world_run(w, 31 * PONTO_SECOND);
	assert_int_equal(o->result, PONTO_OK);
	o = world_resolve(w, 9, "0.node1", 2);
	world_run(w, 31 * PONTO_SECOND);
	assert_int_equal(o->result, PONTO_OK);
	world_free(w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(thirty_without_loss),
	cmocka_unit_test(hundred_with_loss),
	cmocka_unit_test(same_seed_same_run),
	cmocka_unit_test(hops_grow_with_the_logarithm),
	cmocka_unit_test(split_tests_are_as_rare_in_large_clouds),
	cmocka_unit_test(a_crowd_at_the_door),
	cmocka_unit_test(survivors_find_each_other),
	cmocka_unit_test(names_taken_back_are_gone),
	cmocka_unit_test(split_clouds_grow_together),
	cmocka_unit_test(being_found_is_not_finding),
};

PONTO_TEST_MAIN(tests)
