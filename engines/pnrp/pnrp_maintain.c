/* Ponto PNRP engine: what is done every 15 seconds: discovery while alone, asking whether entries are still there,
 * the split test, keeping the cache evenly filled. [MS-PNRP] 3.1.6.2, 3.2.6.2, 3.2.5.11.1. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

double pnrp_estimated_nodes(const struct pnrp_engine *e)
{
	return e->cache.locals ? ring_cache_estimate(&e->cache) / e->cache.locals : 0;
}

/* ---- the split test ------------------------------------------------------------------ */

/* A seed is a hop known only by its address. */
struct ring_route *pnrp_seed_hop(struct pnrp_engine *e, const struct ponto_addr *seed)
{
	static const struct ring_id zero;

	return ring_route_make(&e->alloc, &zero, seed->port, (const uint8_t(*)[16])seed->ip, 1);
}

static void begin_split_test(struct pnrp_engine *e, uint64_t now, const struct ring_id *local, bool repeat)
{
	struct pnrp_walk_request request = {.target = ring_id_add_u64(local, 1),
					    .reason = PNRP_REASON_SPLIT,
					    .criteria = PNRP_OPCODE_NONE,
					    .repeat = repeat};
	struct ponto_addr seed;
	uint64_t handle;

	if (!pnrp_discovery_seed(e, &seed))
		return;
	request.first_hop = pnrp_seed_hop(e, &seed);
	if (!request.first_hop)
		return;
	e->stats.splits_tested++;
	handle = pnrp_walk_begin(e, now, &request);
	if (repeat)
		e->split_handle = handle;
	ring_route_unref(&e->alloc, request.first_hop);
}

/* About one test in the whole cloud each tick. */
static void maybe_test_split(struct pnrp_engine *e, uint64_t now)
{
	double nodes = pnrp_estimated_nodes(e);
	uint64_t one_in = nodes < 1 ? 1 : nodes > 4294967296.0 ? UINT64_C(4294967296) : (uint64_t)nodes;

	if (e->cache.locals == 0 || e->split_handle || ponto_random_below(&e->random, one_in) != 0)
		return;
	begin_split_test(e, now, &e->cache.local[ponto_random_below(&e->random, e->cache.locals)], true);
}

static bool anything_between(const struct pnrp_engine *e, const struct ring_id *a, const struct ring_id *b)
{
	for (uint32_t i = 0; i < e->cache.count; i++)
		if (ring_id_inside(&e->cache.entry[i]->id, a, b))
			return true;
	return false;
}

void pnrp_split_verdict(struct pnrp_engine *e, uint64_t now, const struct pnrp_resolve *r, const struct ring_id *best)
{
	const struct ring_id *target = &r->walk.target;
	struct ring_route *closest = ring_cache_closest(&e->cache, target);
	bool smaller = false;

	if (r->best_known && !anything_between(e, best, target))
		return;
	e->stats.splits_found++;
	if (!r->best_known)
		smaller = !closest || !ring_id_closer(&closest->id, best, target);
	if (!smaller)
		return;
	e->stats.splits_found_smaller++;
	/* As many parts of the circle as possible should meet again. */
	for (uint32_t i = 0; r->repeat && i < e->cache.locals; i++) {
		struct ring_id next = ring_id_add_u64(&e->cache.local[i], 1);

		if (!ring_id_equal(&next, target))
			begin_split_test(e, now, &e->cache.local[i], false);
	}
}

/* ---- whether entries are still there ------------------------------------------------------- */

static void send_probe(struct pnrp_engine *e, uint64_t now, const struct ring_route *r, uint64_t owner)
{
	struct pnrp_message m = {.type = PNRP_INQUIRE, .inquire.validate_id = r->id};
	struct ponto_addr to, from;

	if (pnrp_choose_address(e, r, &to, &from))
		(void)!pnrp_send_request(e, now, &m, &to, &from, owner);
}

void pnrp_probe(struct pnrp_engine *e, uint64_t now, const struct ring_route *r)
{
	e->stats.probes++;
	send_probe(e, now, r, PNRP_PROBE);
}

void pnrp_probe_refused(struct pnrp_engine *e, uint64_t now, const struct ring_message *m, bool gone)
{
	bool first = m->owner == PNRP_PROBE;
	struct pnrp_message probe;
	struct ring_route *r;
	struct ring_id id;

	if (pnrp_decode(e->wire, ponto_bytes(m->bytes, m->len), &probe))
		return;
	id = probe.type == PNRP_FLOOD ? probe.flood.validate_id : probe.inquire.validate_id;
	r = ring_cache_find(&e->cache, &id);
	if (r && first && !gone)
		send_probe(e, now, r, PNRP_PROBE_AGAIN);
	else if (r)
		pnrp_uncache(e, now, &id);
}

/* A leaf of one local ID, the nearest every other time. That is asked by telling it of us: nobody else tells it when it
 * has not heard of us or has lost us, and a node that its neighbours do not know is found by nobody. */
static bool probe_leaf(struct pnrp_engine *e, uint64_t now, uint32_t turn)
{
	const struct ring_id *local = &e->cache.local[ponto_random_below(&e->random, e->cache.locals)];
	struct ring_route *leaves[RING_LEAF];
	size_t count = ring_cache_leaves(&e->cache, local, turn % 2, leaves);
	struct ponto_addr to, from;

	if (count == 0)
		return false;
	if (turn / 2 % 2 == 0) {
		pnrp_probe(e, now, leaves[ponto_random_below(&e->random, count)]);
	} else if (pnrp_choose_address(e, leaves[0], &to, &from)) {
		e->stats.probes++;
		pnrp_flood_own(e, now, local, &leaves[0]->id, &to, PNRP_PROBE);
	}
	return true;
}

/* One entry each time, leaves by turns with all others: a node that fell silent does not stay known for long. */
static void probe_one(struct pnrp_engine *e, uint64_t now)
{
	uint32_t turn = e->probes++;

	if (turn % 2 && e->cache.locals > 0 && probe_leaf(e, now, turn / 2))
		return;
	pnrp_probe(e, now, e->cache.entry[ponto_random_below(&e->random, e->cache.count)]);
}

/* ---- the cache ---------------------------------------------------------------------------- */

/* Looks for an entry in the middle of the gap around a random place, while the cache has fewer entries than it
 * should. Precision is just what lands in the gap. */
static void fill_gap(struct pnrp_engine *e, uint64_t now)
{
	struct pnrp_walk_request request = {.reason = PNRP_REASON_MAINTENANCE, .criteria = PNRP_OPCODE_UPPER_BITS};
	struct ring_id place = ring_id_random(&e->random), gap, half;
	struct ring_route *above = ring_cache_neighbour(&e->cache, &place, true, 0);
	struct ring_route *below = ring_cache_neighbour(&e->cache, &place, false, 0);

	if (e->cache.count >= RING_LEVEL_ENTRIES || ponto_random_below(&e->random, 4) != 0)
		return;
	if (!above || !below)
		return;
	request.target = place;
	request.precision = 2;
	if (above != below) {
		int bits;

		gap = ring_id_sub(&above->id, &below->id);
		half = ring_id_shift_right(&gap, 1);
		request.target = ring_id_add(&below->id, &half);
		bits = 257 - ring_id_log2(&gap);
		request.precision = (uint16_t)(bits > RING_ID_BITS ? RING_ID_BITS : bits);
	}
	(void)pnrp_walk_begin(e, now, &request);
}

void pnrp_maintain(struct pnrp_engine *e, uint64_t now)
{
	if (pnrp_discovery_needed(e)) {
		pnrp_discover(e, now);
		pnrp_update_state(e, now);
	}
	if (e->cache.count == 0 || e->local_count == 0)
		return;
	for (uint32_t i = 0; i < e->cache.locals; i++)
		pnrp_certify_neighbours(e, now, &e->cache.local[i]);
	probe_one(e, now);
	maybe_test_split(e, now);
	fill_gap(e, now);
}
