/* Ponto PNRP engine: finding the cloud: remembered addresses, then multicast, then a seed. [MS-PNRP] 3.1.4.2.
 *
 * A round begins at open and at each maintenance tick while nobody is known. Each mode starts its search and
 * names the next; the round goes on to that at once when there was nothing to contact, or nothing contacted
 * answered (the text lets us wait or go on), and ends after the seed. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

/* From a REQUEST to the answers of those it was about: two round trips, each perhaps repeated. */
#define SETTLE (4 * PONTO_SECOND)

/* Ticks in a row at which a node that was only ever found by others looks for the cloud; then now and then. */
#define IMPATIENT 8

static void search(struct pnrp_engine *e, unsigned source, enum pnrp_discovery_mode next)
{
	struct pnrp_discovery *d = &e->discovery;

	d->targets = 0;
	e->discover_due |= source & ~d->running;
	d->running |= source;
	d->mode = next;
}

static bool syncing(const struct pnrp_engine *e)
{
	for (const struct pnrp_sync *sync = e->syncs; sync; sync = sync->next)
		if (sync->discovery)
			return true;
	return false;
}

bool pnrp_discovery_seed(const struct pnrp_engine *e, struct ponto_addr *out)
{
	const struct pnrp_discovery *d = &e->discovery;
	unsigned first = d->seed_count ? (unsigned)ponto_random_below(&e->random, d->seed_count) : 0;

	for (unsigned tried = 0; tried < d->seed_count; tried++) {
		const struct ponto_addr *seed = &d->seeds[(first + tried) % d->seed_count];

		if (!pnrp_is_own_address(e, seed)) {
			*out = *seed;
			return true;
		}
	}
	return false;
}

/* 3.1.4.2.1. False: there is no seed, or it could not be asked. */
static bool contact_seed(struct pnrp_engine *e, uint64_t now)
{
	struct pnrp_discovery *d = &e->discovery;
	struct ponto_addr seed;

	for (unsigned tried = 0; tried < d->seed_count; tried++) {
		if (d->seed_index >= d->seed_count)
			d->seed_index = 0;
		seed = d->seeds[d->seed_index++];
		if (pnrp_synchronize(e, now, &seed, true))
			return true;
	}
	return false;
}

static void seed_step(struct pnrp_engine *e, uint64_t now)
{
	struct pnrp_discovery *d = &e->discovery;

	if (d->seed_count > 0 && !d->seed_tried)
		e->discover_due |= PNRP_SOURCE_SEED; /* names may have got new addresses; nobody waits for that */
	if (d->seed_count == 0 && !d->seed_tried) {
		/* Its own search first; the mode stays, pnrp_engine_discovery_done comes back here. */
		d->seed_tried = true;
		search(e, PNRP_SOURCE_SEED, PNRP_MODE_SEED);
		return;
	}
	d->seed_tried = true;
	d->mode = PNRP_MODE_LOCAL_OOB;
	if (!contact_seed(e, now))
		d->round = false;
}

/* The next step of the round, unless something of it is still going on. */
static void step(struct pnrp_engine *e, uint64_t now)
{
	struct pnrp_discovery *d = &e->discovery;

	if (!d->round || d->running || e->settle_at != PONTO_NEVER || syncing(e))
		return;
	if (d->mode == PNRP_MODE_LOCAL_OOB && d->seed_tried)
		d->round = false;
	else if (d->mode == PNRP_MODE_LOCAL_OOB)
		search(e, PNRP_SOURCE_REMEMBERED, PNRP_MODE_SSDP);
	else if (d->mode == PNRP_MODE_SSDP && !e->no_multicast)
		search(e, PNRP_SOURCE_MULTICAST, PNRP_MODE_SEED);
	else
		seed_step(e, now);
	pnrp_update_state(e, now);
}

void pnrp_discover(struct pnrp_engine *e, uint64_t now)
{
	struct pnrp_discovery *d = &e->discovery;

	if (e->local_count == 0 || d->round)
		return;
	d->round = true;
	d->seed_tried = false;
	step(e, now);
}

static bool is_seed(const struct pnrp_discovery *d, const struct ponto_addr *a)
{
	for (unsigned i = 0; i < d->seed_count; i++)
		if (ponto_addr_equal(a, &d->seeds[i]))
			return true;
	return false;
}

void pnrp_discovery_seeds(struct pnrp_engine *e, const struct ponto_addr *addrs, size_t count, bool own)
{
	struct pnrp_discovery *d = &e->discovery;

	for (size_t i = 0; i < count && d->own_seeds < PNRP_SEEDS_MAX; i++) {
		struct ponto_addr a = addrs[i], *oldest = d->seeds + d->own_seeds;
		unsigned at;

		if (a.port == 0)
			a.port = e->seed_port;
		if (a.family != PONTO_FAMILY_IPV6 || is_seed(d, &a))
			continue;
		if (d->seed_count == PNRP_SEEDS_MAX)
			memmove(oldest, oldest + 1, (--d->seed_count - d->own_seeds) * sizeof(a));
		at = own ? d->own_seeds : d->seed_count;
		memmove(d->seeds + at + 1, d->seeds + at, (d->seed_count - at) * sizeof(a));
		d->seeds[at] = a;
		d->seed_count++;
		d->own_seeds += own;
	}
}

void pnrp_engine_found(struct pnrp_engine *e, uint64_t now, enum pnrp_source source, const struct ponto_addr *addrs,
		       size_t count)
{
	struct pnrp_discovery *d = &e->discovery;
	unsigned limit = source == PNRP_SOURCE_REMEMBERED ? PNRP_REMEMBERED_TARGETS : PNRP_MULTICAST_TARGETS;

	if (source == PNRP_SOURCE_SEED) {
		pnrp_discovery_seeds(e, addrs, count, false);
		return;
	}
	if (!pnrp_is_open(e) || !(d->running & source))
		return;
	for (size_t i = 0; i < count && d->targets < limit; i++) {
		struct ponto_addr a = addrs[i];

		if (a.port == 0)
			a.port = e->seed_port;
		if (a.family == PONTO_FAMILY_IPV6 && pnrp_synchronize(e, now, &a, true))
			d->targets++;
	}
}

void pnrp_engine_discovery_done(struct pnrp_engine *e, uint64_t now, enum pnrp_source source)
{
	e->discovery.running &= ~(unsigned)source;
	if (pnrp_is_open(e))
		step(e, now);
}

void pnrp_discovery_sync_ended(struct pnrp_engine *e, uint64_t now, bool useful)
{
	if (useful && e->discovery.round)
		e->settle_at = now + SETTLE;
	else
		step(e, now);
	pnrp_update_state(e, now);
}

void pnrp_discovery_tick(struct pnrp_engine *e, uint64_t now)
{
	if (e->settle_at > now)
		return;
	e->settle_at = PONTO_NEVER;
	if (e->discovery.recalled && e->cache.count > 0)
		e->discovery.round = false;
	e->discovery.recalled = false;
	step(e, now);
}

size_t pnrp_engine_recall(struct pnrp_engine *e, uint64_t now, const struct pnrp_route *routes, size_t count)
{
	struct pnrp_discovery *d = &e->discovery;
	uint32_t before = e->add_count;

	if (!pnrp_is_open(e))
		return 0;
	for (size_t i = 0; i < count; i++) {
		uint8_t addrs[PNRP_ROUTE_ADDRS_MAX][16];
		const struct pnrp_route *known = &routes[i];
		struct ring_route *r;

		if (known->addr_count == 0 || known->addr_count > PNRP_ROUTE_ADDRS_MAX)
			continue;
		for (size_t k = 0; k < known->addr_count; k++)
			memcpy(addrs[k], known->addrs[k].ip, 16);
		r = ring_route_make(&e->alloc, &known->id, known->addrs[0].port, (const uint8_t(*)[16])addrs,
				    known->addr_count);
		if (!r)
			break;
		pnrp_submit(e, now, r, false, NULL);
		ring_route_unref(&e->alloc, r);
	}
	if (e->add_count == before || !d->round || d->mode == PNRP_MODE_SEED)
		return e->add_count - before;
	e->discover_due &= ~(unsigned)PNRP_SOURCE_REMEMBERED;
	d->running &= ~(unsigned)PNRP_SOURCE_REMEMBERED;
	d->mode = PNRP_MODE_SSDP;
	d->recalled = true;
	e->settle_at = now + SETTLE;
	return e->add_count - before;
}

void pnrp_discovery_end(struct pnrp_engine *e)
{
	e->discovery.round = false;
	e->settle_at = PONTO_NEVER;
}

void pnrp_discovery_partner(struct pnrp_engine *e, const struct ponto_addr *peer)
{
	struct pnrp_discovery *d = &e->discovery;

	d->partners[d->partner_next] = *peer;
	d->partner_next = (uint8_t)((d->partner_next + 1) % PNRP_PARTNERS);
}

void pnrp_discovery_gained(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *peer)
{
	struct pnrp_discovery *d = &e->discovery;

	for (unsigned i = 0; i < PNRP_PARTNERS; i++) {
		if (!ponto_addr_equal(&d->partners[i], peer))
			continue;
		pnrp_discovery_end(e);
		if (!d->joined)
			pnrp_announce_soon(e, now);
		d->joined = true;
		return;
	}
}

bool pnrp_discovery_needed(struct pnrp_engine *e)
{
	struct pnrp_discovery *d = &e->discovery;

	if (e->cache.count == 0)
		return true;
	if (d->joined)
		return false;
	if (d->impatience < UINT8_MAX)
		d->impatience++;
	return d->impatience <= IMPATIENT || ponto_random_below(&e->random, IMPATIENT) == 0;
}
