/* Ponto PNRP engine: how a route entry gets into the cache: it is asked whether it is there, and, where it would
 * enter a leaf set, for a CPA. [MS-PNRP] 3.1.5.11, 3.2.5.1, 3.1.5.6.1.2, 3.2.5.11. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

static struct pnrp_add **find_add(struct pnrp_engine *e, uint32_t inquire_id)
{
	struct pnrp_add **at = &e->adds;

	while (*at && (*at)->inquire_id != inquire_id)
		at = &(*at)->next;
	return at;
}

static void free_add(struct pnrp_engine *e, struct pnrp_add **at)
{
	struct pnrp_add *add = *at;

	*at = add->next;
	e->add_count--;
	pnrp_job_abandon(e, add->job);
	ring_route_unref(&e->alloc, add->route);
	ponto_free(&e->alloc, add->origin);
	ponto_free(&e->alloc, add);
}

void pnrp_adds_clear(struct pnrp_engine *e)
{
	while (e->adds)
		free_add(e, &e->adds);
}

static bool is_nearest(const struct pnrp_engine *e, const struct ring_id *local, const struct ring_id *id)
{
	const struct ring_route *nearest = ring_cache_neighbour(&e->cache, local, ring_id_above(id, local), 0);

	return nearest && ring_id_equal(&nearest->id, id);
}

void pnrp_uncache(struct pnrp_engine *e, uint64_t now, const struct ring_id *id)
{
	const struct ring_place *place = ring_cache_place(&e->cache, id);
	struct ring_id gone = *id, local;
	bool leaf, nearest;

	if (!place)
		return;
	leaf = place->leaf && ring_cache_in_leaf_range(&e->cache, &gone, &local);
	nearest = leaf && is_nearest(e, &local, &gone);
	(void)ring_cache_remove(&e->cache, &gone);
	e->stats.uncached++;
	if (leaf)
		pnrp_announce_early(e, now, &local, nearest);
	pnrp_update_state(e, now);
}

/* ---- submission ----------------------------------------------------------------- */

static bool already_pending(const struct pnrp_engine *e, const struct ring_id *id)
{
	for (const struct pnrp_add *add = e->adds; add; add = add->next)
		if (ring_id_equal(&add->route->id, id))
			return true;
	return false;
}

/* Whether there is anything to find out about this entry. need_cpa: becomes whether it has to show a CPA. What is cheap
 * to tell comes first: most entries that are told of are known, and where they were. */
static bool is_news(struct pnrp_engine *e, const struct ring_route *r, bool *need_cpa)
{
	const struct ring_route *cached = ring_cache_find(&e->cache, &r->id);
	bool same = cached && ring_route_same_place(cached, r);

	if ((same && cached->certified) || ring_id_is_zero(&r->id) || ring_cache_is_local(&e->cache, &r->id) ||
	    already_pending(e, &r->id))
		return false;
	*need_cpa = ring_cache_in_leaf_range(&e->cache, &r->id, NULL);
	if (same)
		return *need_cpa;
	/* Whoever moves a known ID elsewhere has to show that it is theirs to move. */
	*need_cpa = *need_cpa || cached;
	return *need_cpa || ring_cache_has_room(&e->cache, &r->id);
}

/* Whether both are reached at one address; on the loopback, where all share one, at one port of it too. */
static bool same_host(const struct ring_route *a, const struct ring_route *b)
{
	static const uint8_t loopback[16] = {[15] = 1};

	for (unsigned i = 0; i < a->count; i++)
		for (unsigned j = 0; j < b->count; j++)
			if (memcmp(a->addrs[i], b->addrs[j], 16) == 0 &&
			    (a->port == b->port || memcmp(a->addrs[i], loopback, 16) != 0))
				return true;
	return false;
}

/* Among the ten nearest on its side of a local ID: who stands in when leaves fall silent. */
static bool is_near(const struct pnrp_engine *e, const struct ring_id *id)
{
	const struct ring_id *local = ring_cache_closest_local(&e->cache, id);
	const struct ring_route *edge;

	if (!local)
		return false;
	edge = ring_cache_neighbour(&e->cache, local, ring_id_above(id, local), 2 * RING_LEAF - 1);
	return !edge || ring_id_closer(id, &edge->id, local);
}

/* How many entries this one's level holds beyond the leaf sets. */
static unsigned on_level(const struct pnrp_engine *e, const struct ring_id *id)
{
	unsigned level = ring_cache_level(&e->cache, id), held = 0;

	for (uint32_t i = 0; i < e->cache.count; i++)
		held += !e->cache.place[i].leaf && e->cache.place[i].level == level;
	return held;
}

/* How many entries beyond the leaf sets are at this one's host. */
static unsigned at_host(const struct pnrp_engine *e, const struct ring_route *r)
{
	uint32_t hosts = ring_route_hosts(r);
	unsigned held = 0;

	for (uint32_t i = 0; i < e->cache.count; i++) {
		const struct ring_place *p = &e->cache.place[i];

		held += !p->leaf && p->hosts & hosts && same_host(e->cache.entry[i], r);
	}
	return held;
}

/* Entries beyond the leaf sets are believed because their address answers, so they are rationed: a few at one host, and
 * of what strangers bring only what a level needs that has little to choose from. What must show a CPA is not, nor
 * are neighbours. */
static bool has_ration(const struct pnrp_engine *e, const struct ring_route *r, bool stranger)
{
	if (stranger && !is_near(e, &r->id) && on_level(e, &r->id) >= PNRP_STRANGERS_LEVEL)
		return false;
	return at_host(e, r) < PNRP_HOST_ENTRIES;
}

static bool is_admissible(const struct pnrp_engine *e, const struct ring_route *r, bool stranger)
{
	return ring_cache_find(&e->cache, &r->id) || ring_cache_in_leaf_range(&e->cache, &r->id, NULL) ||
	       has_ration(e, r, stranger);
}

static int send_inquire(struct pnrp_engine *e, uint64_t now, struct pnrp_add *add, const struct ponto_addr *to,
			const struct ponto_addr *from)
{
	struct pnrp_message m = {.type = PNRP_INQUIRE};
	int result;

	m.inquire.validate_id = add->route->id;
	if (add->need_cpa) {
		e->random.fill(e->random.ctx, add->nonce, sizeof(add->nonce));
		memcpy(m.inquire.nonce, add->nonce, sizeof(add->nonce));
		m.inquire.has_nonce = true;
		m.inquire.want_cpa = true;
		m.inquire.want_chain = true;
	}
	result = pnrp_send_request(e, now, &m, to, from, 0);
	if (result == PONTO_OK)
		add->inquire_id = m.id;
	return result;
}

/* The new entry, or NULL. origin is copied. */
static struct pnrp_add *new_add(struct pnrp_engine *e, struct ring_route *r, bool need_cpa,
				const struct pnrp_flood_origin *origin)
{
	struct pnrp_add *add = ponto_new(&e->alloc, 1, sizeof(*add));

	if (!add)
		return NULL;
	if (origin) {
		add->origin = ponto_new(&e->alloc, 1, sizeof(*origin));
		if (!add->origin) {
			ponto_free(&e->alloc, add);
			return NULL;
		}
		*add->origin = *origin;
	}
	add->route = ring_route_ref(r);
	add->need_cpa = need_cpa;
	add->next = e->adds;
	e->adds = add;
	e->add_count++;
	return add;
}

void pnrp_submit(struct pnrp_engine *e, uint64_t now, struct ring_route *r, bool stranger,
		 const struct pnrp_flood_origin *origin)
{
	struct ponto_addr to, from;
	struct pnrp_add *add;
	bool need_cpa;

	/* An entry that need not show a CPA is neither known nor a leaf. */
	if (e->stopping || !is_news(e, r, &need_cpa) || (!need_cpa && !has_ration(e, r, stranger)))
		return;
	if (r->port <= PNRP_PORT_FLOOR || !pnrp_choose_address(e, r, &to, &from)) {
		pnrp_drop(e, PNRP_DROP_ROUTE);
		return;
	}
	if (e->add_count >= e->limits.pending_adds) {
		pnrp_drop(e, PNRP_DROP_FULL);
		return;
	}
	if (stranger && !pnrp_bucket_take(&e->inquire_bucket, now, 1)) {
		pnrp_drop(e, PNRP_DROP_RATE);
		return;
	}
	add = new_add(e, r, need_cpa, origin);
	if (!add) {
		pnrp_drop(e, PNRP_DROP_MEMORY);
		return;
	}
	add->stranger = stranger;
	if (send_inquire(e, now, add, &to, &from))
		free_add(e, &e->adds);
}

void pnrp_submit_wire(struct pnrp_engine *e, uint64_t now, const struct pnrp_route_entry *r,
		      const struct pnrp_flood_origin *origin)
{
	struct ring_route *route = pnrp_route_from_wire(e, r);

	if (!route)
		return;
	pnrp_submit(e, now, route, true, origin);
	ring_route_unref(&e->alloc, route);
}

void pnrp_certify_neighbours(struct pnrp_engine *e, uint64_t now, const struct ring_id *local)
{
	struct ring_route *uncertified[2 * (RING_LEAF + 1)];
	size_t count = ring_cache_uncertified(&e->cache, local, RING_LEAF + 1, uncertified);

	for (size_t i = 0; i < count; i++)
		pnrp_submit(e, now, uncertified[i], false, NULL);
}

/* ---- the answer ---------------------------------------------------------------------- */

/* What could not be certified where it had to be is not believed any more either. */
static void disbelieve(struct pnrp_engine *e, uint64_t now, const struct pnrp_add *add)
{
	const struct ring_route *cached = ring_cache_find(&e->cache, &add->route->id);

	pnrp_drop(e, PNRP_DROP_CPA);
	if (cached && !cached->certified && ring_route_same_place(cached, add->route))
		pnrp_uncache(e, now, &add->route->id);
}

/* Into the cache, and if that is into a leaf set, on to the neighbours. A new neighbour may be one of many that we have
 * not heard of, all on its far side or all between us: the next announcement finds out. */
static void admit(struct pnrp_engine *e, uint64_t now, struct pnrp_add *add)
{
	struct ring_route *known = ring_cache_find(&e->cache, &add->route->id);
	bool was_leaf =
		known && ring_cache_place(&e->cache, &known->id)->leaf && ring_route_same_place(known, add->route);
	const struct ring_place *place;
	struct pnrp_effect effect = {.type = PNRP_EFFECT_REMEMBER};
	struct ponto_addr from;
	struct ring_id local;
	bool first = e->cache.count == 0;

	add->route->certified = add->need_cpa;
	if (ring_cache_add(&e->cache, add->route))
		return;
	e->stats.cached += !known;
	if (add->origin)
		pnrp_discovery_gained(e, now, &add->origin->from);
	if (!known && pnrp_choose_address(e, add->route, &effect.remember.addr, &from))
		pnrp_note(e, &effect);
	pnrp_update_state(e, now);
	place = ring_cache_place(&e->cache, &add->route->id);
	if (place && place->leaf && !was_leaf && ring_cache_in_leaf_range(&e->cache, &add->route->id, &local)) {
		pnrp_flood_new_leaf(e, now, add->route, &local, add->origin);
		if (is_nearest(e, &local, &add->route->id))
			pnrp_announce_early(e, now, &local, true);
	}
	if (first) {
		pnrp_announce_all(e, now);
		pnrp_resolves_wake(e, now);
	}
}

/* The range of the leaf sets may have changed while the question was under way, and rations may be used up. */
static void admit_uncertified(struct pnrp_engine *e, uint64_t now, struct pnrp_add **at)
{
	struct pnrp_add *add = *at;
	struct ring_route *r = ring_route_ref(add->route);

	if (is_admissible(e, r, add->stranger))
		admit(e, now, add);
	free_add(e, find_add(e, add->inquire_id));
	if (!r->certified && ring_cache_in_leaf_range(&e->cache, &r->id, NULL))
		pnrp_submit(e, now, r, false, NULL);
	ring_route_unref(&e->alloc, r);
}

/* The addresses of the entry must be those that its owner signed. */
static bool same_services(const struct ring_route *r, const struct pnrp_cpa *cpa)
{
	if (cpa->service_count != r->count)
		return false;
	for (unsigned i = 0; i < cpa->service_count; i++) {
		struct ring_endpoint service;

		pnrp_endpoints_from_wire(&cpa->services[i], 1, &service);
		if (!ring_route_has(r, &service))
			return false;
	}
	return true;
}

static bool check_certificate(struct pnrp_engine *e, uint64_t now, struct pnrp_add *add,
			      const struct pnrp_authority_buffer *b, struct ponto_bytes bytes)
{
	struct pnrp_proof proof;
	struct pnrp_job *job;

	if (pnrp_check_answer(e, now, b, &add->route->id, add->nonce, &proof) ||
	    !same_services(add->route, &proof.cpa)) {
		disbelieve(e, now, add);
		return false;
	}
	job = pnrp_verify_answer(e, PNRP_JOB_CHECK_ENTRY, &proof, b, bytes);
	if (!job)
		return false;
	job->acked_id = add->inquire_id;
	add->job = job->token;
	return true;
}

void pnrp_on_entry_answer(struct pnrp_engine *e, uint64_t now, uint32_t inquire_id,
			  const struct pnrp_authority_buffer *b, struct ponto_bytes bytes)
{
	struct pnrp_add **at = find_add(e, inquire_id);

	if (!*at)
		return;
	if (b->not_found)
		free_add(e, at);
	else if (!(*at)->need_cpa)
		admit_uncertified(e, now, at);
	else if (!b->has_cpa || !check_certificate(e, now, *at, b, bytes))
		free_add(e, find_add(e, inquire_id));
}

/* An ID has 64 random bits: another key for the same one is no accident. */
static bool same_owner(const struct pnrp_engine *e, const struct ring_route *r)
{
	const struct ring_route *cached = ring_cache_find(&e->cache, &r->id);

	return !cached || !cached->mark || cached->mark == r->mark;
}

void pnrp_entry_checked(struct pnrp_engine *e, uint64_t now, const struct pnrp_job *job, int result)
{
	struct pnrp_add **at = find_add(e, job->acked_id);
	struct pnrp_add *add = *at;

	if (!add)
		return;
	add->job = 0;
	add->route->mark = pnrp_key_mark(job->public_key);
	if (pnrp_disproved(result) || !same_owner(e, add->route))
		disbelieve(e, now, add);
	else if (result == PONTO_OK)
		admit(e, now, add);
	free_add(e, find_add(e, job->acked_id));
}

void pnrp_entry_silent(struct pnrp_engine *e, uint32_t inquire_id)
{
	struct pnrp_add **at = find_add(e, inquire_id);

	if (*at)
		free_add(e, at);
}
