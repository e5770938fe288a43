/* The truth about the ring, known to nobody in it: how much of it the nodes know. */
#include <stdlib.h>
#include <string.h>

#include "apps/ponto-sim/cloud.h"

#define LEAF 5

struct walk {
	const struct psim_node *const *sorted;
	uint32_t count, at; /* of the node itself */
	uint32_t below, above;
	bool right, nearest_below, nearest_above;
	const struct ring_id *id;
};

static int by_id(const void *a, const void *b)
{
	const struct psim_node *const *x = a, *const *y = b;

	return ring_id_compare(&(*x)->id, &(*y)->id);
}

static const struct ring_id *true_leaf(const struct walk *w, bool up, uint32_t nth)
{
	uint32_t at = up ? w->at + 1 + nth : w->at + w->count - 1 - nth;

	return &w->sorted[at % w->count]->id;
}

/* Below from the nearest, then above from the nearest: above begins with the first that lies above. */
static bool see_leaf(void *arg, const struct pnrp_route *route)
{
	struct walk *w = arg;
	bool up = ring_id_above(&route->id, w->id);
	uint32_t nth = up ? w->above++ : w->below++;
	bool right = nth < LEAF && ring_id_equal(&route->id, true_leaf(w, up, nth));

	if (nth == 0)
		*(up ? &w->nearest_above : &w->nearest_below) = right;
	w->right = w->right && right;
	return true;
}

struct psim_ring psim_ring(const struct psim_cloud *c)
{
	struct psim_ring ring = {.nodes = c->count};
	const struct psim_node **sorted = malloc(c->count * sizeof(struct psim_node *));

	psim_require(sorted, "out of memory");
	memcpy(sorted, c->live, c->count * sizeof(struct psim_node *));
	qsort(sorted, c->count, sizeof(struct psim_node *), by_id);
	for (uint32_t i = 0; i < c->count; i++) {
		struct walk w = {.sorted = sorted, .count = c->count, .at = i, .right = true, .id = &sorted[i]->id};

		pnrp_engine_each_leaf(sorted[i]->engine, sorted[i]->registration, see_leaf, &w);
		ring.next += w.nearest_below && w.nearest_above;
		ring.whole += w.right && w.below == LEAF && w.above == LEAF;
	}
	free(sorted);
	return ring;
}

double psim_cache_fill(struct psim_cloud *c, uint32_t sample)
{
	uint32_t step = c->count > sample ? c->count / sample : 1, seen = 0;
	double sum = 0;

	for (uint32_t i = 0; i < c->count; i += step, seen++) {
		struct pnrp_status status;

		pnrp_engine_status(c->live[i]->engine, &status);
		sum += status.cache_entries;
	}
	return seen ? sum / seen : 0;
}

double psim_engine_memory(struct psim_cloud *c, uint32_t sample)
{
	uint32_t step = c->count > sample ? c->count / sample : 1, seen = 0;
	double sum = 0;

	for (uint32_t i = 0; i < c->count; i += step, seen++) {
		struct pnrp_status status;

		pnrp_engine_status(c->live[i]->engine, &status);
		sum += (double)status.memory;
	}
	return seen ? sum / seen : 0;
}
