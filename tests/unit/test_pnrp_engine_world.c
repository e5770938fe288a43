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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(thirty_without_loss),
	cmocka_unit_test(hundred_with_loss),
};

PONTO_TEST_MAIN(tests)
