/* Ponto PNRP engine: life, time, and where each datagram goes. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

#define LIFETIME_DEFAULT (24 * 3600 * PONTO_SECOND)
#define LIFETIME_MIN (12 * 3600 * PONTO_SECOND)
#define LIFETIME_MAX (7 * 24 * 3600 * PONTO_SECOND)

/* ---- creation -------------------------------------------------------------------- */

static uint32_t limit_or(uint32_t value, uint32_t standard)
{
	return value ? value : standard;
}

static void set_limits(struct pnrp_engine *e, const struct pnrp_limits *l)
{
	e->limits = (struct pnrp_limits){.conversations = limit_or(l->conversations, 64),
					 .pending_adds = limit_or(l->pending_adds, 64),
					 .reassemblies = limit_or(l->reassemblies, 16),
					 .reassembly_bytes = limit_or(l->reassembly_bytes, 128 * 1024),
					 .resolves = limit_or(l->resolves, 64),
					 .cache_entries = limit_or(l->cache_entries, 80),
					 .output = limit_or(l->output, 256),
					 .effects = limit_or(l->effects, 1024),
					 .jobs = limit_or(l->jobs, 64),
					 .sign_per_second = limit_or(l->sign_per_second, 50),
					 .sign_burst = limit_or(l->sign_burst, 100),
					 .registrations = limit_or(l->registrations, 1024),
					 .inquire_per_second = limit_or(l->inquire_per_second, 50)};
	e->sign_bucket.rate = e->limits.sign_per_second;
	e->sign_bucket.burst = e->limits.sign_burst;
	e->inquire_bucket.rate = e->limits.inquire_per_second;
	e->inquire_bucket.burst = 2 * e->limits.inquire_per_second;
}

int pnrp_engine_create(const struct pnrp_engine_config *config, struct pnrp_engine **out)
{
	uint64_t lifetime = config->cpa_lifetime ? config->cpa_lifetime : LIFETIME_DEFAULT;
	struct pnrp_engine *e;

	if ((config->profile != PNRP_PROFILE_WINDOWS && config->profile != PNRP_PROFILE_MODERN) ||
	    lifetime < LIFETIME_MIN || lifetime > LIFETIME_MAX)
		return PONTO_EINVAL;
	e = ponto_new(&config->alloc, 1, sizeof(*e));
	if (!e)
		return PONTO_ENOMEM;
	e->alloc = config->alloc;
	e->random = config->random;
	e->wire = config->profile == PNRP_PROFILE_MODERN ? &pnrp_modern : &pnrp_windows;
	e->scope = config->scope;
	e->zone = config->zone;
	e->seed_port = config->seed_port ? config->seed_port : PNRP_PORT;
	e->resolve_only = config->resolve_only;
	e->no_multicast = config->no_multicast;
	e->cpa_lifetime = lifetime;
	set_limits(e, &config->limits);
	e->out_end = &e->out;
	e->notes_end = &e->notes;
	e->next_handle = 1;
	e->cleanup_at = e->maintenance_at = e->stop_at = PONTO_NEVER;
	e->settle_at = PONTO_NEVER;
	ring_cache_init(&e->cache, &e->alloc, &e->random, e->limits.cache_entries);
	ring_pending_init(&e->pending, &e->alloc);
	ring_reassembly_init(&e->reassembly, &e->alloc, e->limits.reassemblies, e->limits.reassembly_bytes);
	ring_conversations_init(&e->conversations, &e->alloc, e->limits.conversations);
	*out = e;
	return PONTO_OK;
}

static void drop_output(struct pnrp_engine *e)
{
	while (e->out) {
		struct pnrp_packet *p = e->out;

		e->out = p->next;
		ponto_free(&e->alloc, p);
	}
	e->out_end = &e->out;
	e->out_count = 0;
}

/* All that others were asked, but for resolves. */
static void forget_questions(struct pnrp_engine *e)
{
	pnrp_adds_clear(e);
	pnrp_challenges_clear(e);
	ring_pending_clear(&e->pending);
	ring_reassembly_clear(&e->reassembly);
	while (e->syncs) {
		struct pnrp_sync *sync = e->syncs;

		e->syncs = sync->next;
		ponto_free(&e->alloc, sync);
	}
	e->sync_count = 0;
	pnrp_discovery_end(e);
}

/* All that is known of others, and all that waits for them. */
static void forget_others(struct pnrp_engine *e)
{
	forget_questions(e);
	ring_conversations_clear(&e->conversations);
	memset(&e->discovery, 0, sizeof(e->discovery));
	e->discover_due = 0;
	ring_cache_clear(&e->cache);
}

void pnrp_engine_destroy(struct pnrp_engine *e)
{
	if (!e)
		return;
	forget_others(e);
	drop_output(e);
	pnrp_effects_clear(e);
	while (e->resolves) {
		struct pnrp_resolve *r = e->resolves;

		e->resolves = r->next;
		pnrp_resolve_free(e, r);
	}
	while (e->locals) {
		struct pnrp_local *l = e->locals;

		e->locals = l->next;
		pnrp_local_free(e, l);
	}
	ponto_free(&e->alloc, e->told_hosts);
	ponto_free(&e->alloc, e);
}

void pnrp_engine_set_wall(struct pnrp_engine *e, int64_t offset_us)
{
	e->wall_offset = offset_us;
}

bool pnrp_bucket_take(struct pnrp_bucket *b, uint64_t now, uint32_t tokens)
{
	uint64_t cost = PONTO_SECOND / b->rate, from = b->since > now ? b->since : now;

	from += cost * (tokens < b->burst ? tokens : b->burst);
	if (from > now + b->burst * cost)
		return false;
	b->since = from;
	return true;
}

/* ---- the cloud's state --------------------------------------------------------------- */

bool pnrp_is_open(const struct pnrp_engine *e)
{
	return e->opens > 0 && !e->stopping && e->state != PNRP_CLOUD_DEAD;
}

enum pnrp_cloud_state pnrp_engine_state(const struct pnrp_engine *e)
{
	return e->state;
}

static void set_state(struct pnrp_engine *e, enum pnrp_cloud_state state)
{
	e->state_changed = e->state_changed || e->state != state;
	e->state = state;
}

void pnrp_update_state(struct pnrp_engine *e, uint64_t now)
{
	if (e->state == PNRP_CLOUD_VIRTUAL || e->state == PNRP_CLOUD_DEAD)
		return;
	if (e->local_count == 0) {
		set_state(e, PNRP_CLOUD_NO_NET);
	} else if (e->cache.count > 0) {
		set_state(e, PNRP_CLOUD_ACTIVE);
	} else if (e->discovery.round) {
		set_state(e, PNRP_CLOUD_SYNCHRONIZING);
	} else if (e->discover_again) {
		e->discover_again = false;
		set_state(e, PNRP_CLOUD_SYNCHRONIZING);
		pnrp_discover(e, now);
	} else {
		set_state(e, PNRP_CLOUD_ALONE);
		pnrp_locals_alone(e);
		pnrp_resolves_wake(e, now);
	}
}

static size_t choose_local(const struct pnrp_engine *e, const struct ponto_addr *addrs, size_t count,
			   struct ponto_addr out[PNRP_LOCAL_MAX])
{
	size_t chosen = 0;

	for (size_t i = 0; i < count && chosen < PNRP_LOCAL_MAX; i++) {
		if (addrs[i].family != PONTO_FAMILY_IPV6 ||
		    (e->scope != PONTO_SCOPE_NONE && ponto_addr_scope(&addrs[i]) != e->scope) ||
		    (chosen > 0 && (addrs[i].port != out[0].port || addrs[i].zone != out[0].zone)))
			continue;
		out[chosen++] = addrs[i];
	}
	return chosen;
}

/* 3.1.7.1, 3.2.7.2 */
int pnrp_engine_set_local(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *addrs, size_t count)
{
	struct ponto_addr chosen[PNRP_LOCAL_MAX];
	size_t n = choose_local(e, addrs, count, chosen);
	bool same = n == e->local_count;

	for (size_t i = 0; i < n; i++) {
		if (chosen[i].port <= PNRP_PORT_FLOOR)
			return PONTO_EINVAL;
		same = same && pnrp_is_own_address(e, &chosen[i]); /* another order is no change */
	}
	if (same)
		return PONTO_OK;
	memcpy(e->local, chosen, n * sizeof(chosen[0]));
	e->local_count = (uint8_t)n;
	if (e->state == PNRP_CLOUD_VIRTUAL || e->state == PNRP_CLOUD_DEAD)
		return PONTO_OK;
	if (n == 0) {
		pnrp_resolves_fail(e, now, PONTO_EUNREACH);
		forget_questions(e); /* it is not those asked who are silent */
	} else if (e->cache.locals > 0) {
		e->publish_due = true;
	}
	for (struct pnrp_local *l = e->locals; n > 0 && l; l = l->next) {
		l->announced = false;
		l->stale = l->walk != 0; /* again as soon as the walk with the old addresses is over */
		pnrp_announce(e, now, l, PNRP_REASON_REGISTRATION);
	}
	if (n > 0 && e->cache.count == 0)
		pnrp_discover(e, now);
	pnrp_update_state(e, now);
	return PONTO_OK;
}

/* ---- opening and closing ---------------------------------------------------------------- */

int pnrp_engine_open(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *seeds, size_t count)
{
	if (e->stopping || e->state == PNRP_CLOUD_DEAD)
		return PONTO_ECLOSED;
	if (e->local_count == 0)
		return PONTO_EUNREACH;
	pnrp_discovery_seeds(e, seeds, count, true);
	e->cleanup_at = PONTO_NEVER;
	e->opens++;
	if (e->state != PNRP_CLOUD_VIRTUAL)
		return PONTO_OK;
	set_state(e, PNRP_CLOUD_SYNCHRONIZING);
	e->discovery.mode = PNRP_MODE_LOCAL_OOB;
	e->discovery.seed_index = 0;
	e->maintenance_at = now + PNRP_MAINTENANCE;
	pnrp_discover(e, now);
	return PONTO_OK;
}

int pnrp_engine_close(struct pnrp_engine *e, uint64_t now)
{
	if (e->opens == 0)
		return PONTO_ENOENT;
	if (--e->opens == 0)
		e->cleanup_at = now + PNRP_CLEANUP;
	return PONTO_OK;
}

/* 3.1.6.1 */
static void forget_all(struct pnrp_engine *e, uint64_t now, enum pnrp_cloud_state state)
{
	pnrp_resolves_fail(e, now, PONTO_ECLOSED);
	if (e->cache.locals > 0)
		e->unpublish_due = true;
	pnrp_locals_forget(e);
	forget_others(e);
	e->publish_due = false;
	e->opens = 0;
	e->cleanup_at = e->maintenance_at = e->stop_at = PONTO_NEVER;
	set_state(e, state);
}

/* A polite end is over when all has been said, and answered or given up. */
static void stop_if_done(struct pnrp_engine *e, uint64_t now)
{
	bool busy = e->pending.count > 0 || e->out_count > 0;

	if (!e->stopping || e->state == PNRP_CLOUD_DEAD)
		return;
	for (const struct pnrp_local *l = e->locals; l; l = l->next)
		busy = busy || l->state != PNRP_REGISTRATION_GONE;
	if (!busy || e->stop_at <= now)
		forget_all(e, now, PNRP_CLOUD_DEAD);
}

void pnrp_engine_stop(struct pnrp_engine *e, uint64_t now, uint64_t limit)
{
	if (e->stopping)
		return;
	pnrp_resolves_fail(e, now, PONTO_ECLOSED);
	e->stopping = true;
	e->stop_at = now + limit;
	e->maintenance_at = e->cleanup_at = PONTO_NEVER;
	pnrp_adds_clear(e);
	pnrp_challenges_clear(e);
	pnrp_revoke_all(e, now);
	/* Questions that nobody needs answered any more would only hold up the end. */
	for (struct ring_message *m = e->pending.oldest; m;) {
		struct ring_message *newer = m->newer;

		if (m->type != PNRP_FLOOD)
			ring_pending_remove(&e->pending, m);
		m = newer;
	}
	stop_if_done(e, now);
}

/* ---- datagrams --------------------------------------------------------------------------- */

static void dispatch(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		     const struct ponto_addr *to)
{
	switch (m->type) {
	case PNRP_SOLICIT:
		pnrp_on_solicit(e, now, m, from, to);
		break;
	case PNRP_ADVERTISE:
		pnrp_on_advertise(e, now, m, from, to);
		break;
	case PNRP_REQUEST:
		pnrp_on_request(e, now, m, from, to);
		break;
	case PNRP_FLOOD:
		pnrp_on_flood(e, now, m, from, to);
		break;
	case PNRP_INQUIRE:
		pnrp_on_inquire(e, now, m, from, to);
		break;
	case PNRP_AUTHORITY:
		pnrp_on_authority(e, now, m, from);
		break;
	case PNRP_ACK:
		pnrp_on_ack(e, now, m, from);
		break;
	case PNRP_LOOKUP:
		pnrp_on_lookup(e, now, m, from, to);
		break;
	default:
		pnrp_drop(e, PNRP_DROP_HEADER);
		break;
	}
}

int pnrp_engine_input(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *from, const struct ponto_addr *to,
		      struct ponto_bytes datagram)
{
	uint64_t refused = e->stats.dropped[PNRP_DROP_MEMORY];
	struct ponto_addr sender = *from;
	struct pnrp_message m;

	e->stats.received_bytes += datagram.len;
	sender.zone = e->zone;
	if (e->state == PNRP_CLOUD_VIRTUAL || e->state == PNRP_CLOUD_DEAD) {
		pnrp_drop(e, PNRP_DROP_CLOSED);
	} else if (from->port <= PNRP_PORT_FLOOR || from->family != PONTO_FAMILY_IPV6) {
		pnrp_drop(e, PNRP_DROP_PORT);
	} else if (!pnrp_is_own_address(e, to)) {
		pnrp_drop(e, PNRP_DROP_NOT_LOCAL);
	} else if (pnrp_peek_version(datagram) != e->wire->version) {
		pnrp_drop(e, PNRP_DROP_HEADER);
	} else if (pnrp_decode(e->wire, datagram, &m)) {
		pnrp_drop(e, PNRP_DROP_SYNTAX);
	} else {
		pnrp_count_received(e, m.type);
		dispatch(e, now, &m, &sender, to);
		stop_if_done(e, now);
	}
	return e->stats.dropped[PNRP_DROP_MEMORY] != refused ? PONTO_ENOMEM : PONTO_OK;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Walks are short: of their stacks only the beginning is in use. */
static void resolve_ahead(const struct pnrp_resolve *r)
{
	if (!r)
		return;
	ponto_prefetch(r, offsetof(struct pnrp_resolve, walk.hops[8]));
	ponto_prefetch(r->walk.matches, 1);
	ponto_prefetch(&r->walk.best, offsetof(struct ring_walk, silent) - offsetof(struct ring_walk, best));
}

static void cache_ahead(const struct ring_cache *c)
{
	ponto_prefetch(c->place, c->count * sizeof(*c->place));
	ponto_prefetch(c->entry, c->count * sizeof(struct ring_route *));
}

/* What the engine points to. Every call asks for the deadline, and so for the first line of each list; few kinds of
 * messages need more. */
static void parts_ahead(const struct pnrp_engine *e, const struct pnrp_gist *gist)
{
	const struct ring_message *request = e->pending.oldest;

	ponto_prefetch(e->cache.local, sizeof(*e->cache.local));
	ponto_prefetch(e->locals, offsetof(struct pnrp_local, name));
	ponto_prefetch(e->conversations.list, 1);
	ponto_prefetch(request, 1);
	switch (gist->type) {
	case PNRP_ACK:
	case PNRP_AUTHORITY:
		request = e->pending.bucket[gist->acked_id % RING_PENDING_BUCKETS];
		ponto_prefetch(request, sizeof(*request));
		if (gist->type == PNRP_ACK)
			break;
		ponto_prefetch(e->adds, sizeof(*e->adds));
		resolve_ahead(e->resolves);
		cache_ahead(&e->cache);
		return;
	case PNRP_INQUIRE:
		break;
	case PNRP_FLOOD:
		ponto_prefetch(e->adds, 1);
		cache_ahead(&e->cache);
		break;
	case PNRP_LOOKUP:
		cache_ahead(&e->cache);
		break;
	default:
		ponto_prefetch(&e->split_handle, offsetof(struct pnrp_engine, discovery.partners) -
							 offsetof(struct pnrp_engine, split_handle));
		ponto_prefetch(e->adds, sizeof(*e->adds));
		ponto_prefetch(request, sizeof(*request));
		resolve_ahead(e->resolves);
		cache_ahead(&e->cache);
		return;
	}
	ponto_prefetch(e->resolves, 1);
}

/* What these point to. */
static void entries_ahead(const struct pnrp_engine *e, const struct pnrp_gist *gist, unsigned step)
{
	const struct pnrp_resolve *r = e->resolves;

	if (gist->type == PNRP_FLOOD || gist->type == PNRP_LOOKUP) {
		if (step == 2)
			ring_cache_ahead(&e->cache, &gist->id, gist->type == PNRP_LOOKUP);
	} else if (gist->type == PNRP_ACK || gist->type == PNRP_INQUIRE) {
		;
	} else if (step == 2) {
		ponto_prefetch(e->adds ? e->adds->route : NULL, sizeof(struct ring_route));
		if (r) {
			ponto_prefetch(r->walk.current.route, sizeof(struct ring_route));
			ponto_prefetch(r->walk.best, sizeof(struct ring_route));
			ponto_prefetch(r->own, sizeof(struct ring_route));
		}
		if (gist->type != PNRP_AUTHORITY && e->cache.locals > 0)
			ring_cache_ahead(&e->cache, e->cache.local, true);
	} else if (r && r->walk.current.route) {
		ring_cache_ahead(&e->cache, &r->walk.current.route->id, false);
	}
}

void pnrp_engine_ahead(const struct pnrp_engine *e, struct ponto_bytes datagram, unsigned step)
{
	struct pnrp_gist gist;

	if (step == 0) {
		ponto_prefetch(e, offsetof(struct pnrp_engine, local[1]));
		ponto_prefetch(&e->stats.dropped[PNRP_DROP_MEMORY],
			       offsetof(struct pnrp_stats, retransmitted) -
				       offsetof(struct pnrp_stats, dropped[PNRP_DROP_MEMORY]));
		return;
	}
	pnrp_peek(datagram, &gist);
	if (step == 1)
		parts_ahead(e, &gist);
	else
		entries_ahead(e, &gist, step);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* 3.1.6.3 and 3.2.6.3: no answer to either copy. */
static void request_died(struct pnrp_engine *e, uint64_t now, struct ring_message *m)
{
	struct pnrp_resolve *r = pnrp_resolve_by_message(e, m->id);
	uint32_t id = m->id;
	bool challenge = m->owner == PNRP_CHALLENGE;
	uint8_t type = m->type;

	e->stats.timeouts++;
	if (pnrp_is_probe(m))
		pnrp_probe_refused(e, now, m, false);
	else if (type == PNRP_FLOOD)
		pnrp_flood_refused(e, now, m);
	pnrp_forget_request(e, id);
	if (type == PNRP_SOLICIT)
		pnrp_sync_release(e, now, id, false);
	else if (r)
		pnrp_resolve_silent(e, now, r);
	else if (challenge)
		pnrp_challenge_over(e, now, id, false);
	else if (type == PNRP_INQUIRE)
		pnrp_entry_silent(e, id);
}

static void retransmit(struct pnrp_engine *e, uint64_t now)
{
	struct ring_message *m;

	while ((m = ring_pending_due(&e->pending, now)) != NULL) {
		if (!ring_pending_retry(&e->pending, m, now)) {
			request_died(e, now, m);
			continue;
		}
		if (!pnrp_is_own_address(e, &m->from))
			m->from = pnrp_choose_local(e, &m->to);
		e->stats.retransmitted++;
		pnrp_send_bytes(e, m->type, ponto_bytes(m->bytes, m->len), &m->to, &m->from);
	}
}

void pnrp_engine_tick(struct pnrp_engine *e, uint64_t now)
{
	retransmit(e, now);
	ring_conversations_expire(&e->conversations, now);
	pnrp_discovery_tick(e, now);
	pnrp_resolves_tick(e, now);
	if (!e->stopping)
		pnrp_locals_tick(e, now);
	if (e->maintenance_at <= now) {
		e->maintenance_at = now + PNRP_MAINTENANCE;
		pnrp_maintain(e, now);
	}
	if (e->cleanup_at <= now)
		forget_all(e, now, PNRP_CLOUD_VIRTUAL);
	stop_if_done(e, now);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t pnrp_engine_deadline(const struct pnrp_engine *e)
{
	uint64_t deadline = earlier(e->maintenance_at, earlier(e->cleanup_at, e->stop_at));

	deadline = earlier(deadline, ring_pending_deadline(&e->pending));
	deadline = earlier(deadline, ring_conversations_deadline(&e->conversations));
	deadline = earlier(deadline, pnrp_resolves_deadline(e));
	deadline = earlier(deadline, e->settle_at);
	return e->stopping ? deadline : earlier(deadline, pnrp_locals_deadline(e));
}
