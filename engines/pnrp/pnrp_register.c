/* Ponto PNRP engine: names registered here: announcing them, taking them back. [MS-PNRP] 3.2.4, 3.2.7.2. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

#define REPEAT_FIRST (15 * PONTO_SECOND)     /* the first announcement may have been lost in part */
#define REPEAT_LAST (15 * 60 * PONTO_SECOND) /* the interval doubles up to this */
#define RETRY (15 * PONTO_SECOND)
#define EARLY_APART (30 * PONTO_SECOND) /* between announcements because a leaf has gone */
#define SEED_TURN 4			/* one in so many repeated announcements begins at a seed */

/* ---- the list ------------------------------------------------------------------- */

struct pnrp_local *pnrp_local_find(const struct pnrp_engine *e, const struct ring_id *id)
{
	struct pnrp_local *l = e->locals;

	if (!ring_cache_is_local(&e->cache, id))
		return NULL;
	while (l && (l->revoking || !ring_id_equal(&l->id, id)))
		l = l->next;
	return l;
}

struct pnrp_local *pnrp_local_by_handle(const struct pnrp_engine *e, uint64_t handle)
{
	struct pnrp_local *l = e->locals;

	while (l && l->handle != handle)
		l = l->next;
	return l;
}

void pnrp_local_free(struct pnrp_engine *e, struct pnrp_local *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->above_count; i++)
		ring_route_unref(&e->alloc, l->above[i]);
	for (unsigned i = 0; i < l->below_count; i++)
		ring_route_unref(&e->alloc, l->below[i]);
	ponto_free(&e->alloc, l->payload);
	ponto_free(&e->alloc, l->chain);
	ponto_free(&e->alloc, l);
}

static void set_state(struct pnrp_local *l, enum pnrp_registration_state state)
{
	l->changed = l->changed || l->state != state;
	l->state = state;
}

/* ---- announcing ---------------------------------------------------------------------- */

static void schedule(struct pnrp_engine *e, uint64_t now, struct pnrp_local *l)
{
	uint64_t interval = l->announced ? l->walk_interval : RETRY;

	/* Nodes that began together should not go on together. */
	l->walk_at = now + interval * 3 / 4 + ponto_random_below(&e->random, interval / 2);
}

/* Where an announcement may begin that is not the first: far away, where another part of the cloud may be known. */
static struct ring_route *far_hop(struct pnrp_engine *e)
{
	struct ponto_addr seed;

	if (ponto_random_below(&e->random, SEED_TURN) == 0 && pnrp_discovery_seed(e, &seed))
		return pnrp_seed_hop(e, &seed);
	if (e->cache.count == 0)
		return NULL;
	return ring_route_ref(e->cache.entry[ponto_random_below(&e->random, e->cache.count)]);
}

void pnrp_announce(struct pnrp_engine *e, uint64_t now, struct pnrp_local *l, enum pnrp_reason reason)
{
	struct pnrp_walk_request request = {.target = ring_id_add_u64(&l->id, 1),
					    .reason = reason,
					    .criteria = PNRP_OPCODE_NONE,
					    .local = l->handle};
	struct pnrp_route_entry entry;

	if (l->walk || l->revoking || !pnrp_own_route(e, &l->id, &entry))
		return;
	if (pnrp_walks_full(e)) {
		l->walk_at = now + PONTO_SECOND + ponto_random_below(&e->random, PONTO_SECOND);
		return;
	}
	schedule(e, now, l);
	request.own = pnrp_route_from_wire(e, &entry);
	if (!request.own)
		return;
	if (reason == PNRP_REASON_MAINTENANCE)
		request.first_hop = far_hop(e);
	l->walked_at = now;
	l->walk = pnrp_walk_begin(e, now, &request);
	ring_route_unref(&e->alloc, request.own);
	ring_route_unref(&e->alloc, request.first_hop);
}

/* The walk has told its hops, and they have answered. */
void pnrp_announce_ended(struct pnrp_engine *e, uint64_t now, const struct pnrp_resolve *r)
{
	struct pnrp_local *l = pnrp_local_by_handle(e, r->local);

	if (!l || l->revoking)
		return;
	l->walk = 0;
	if (l->stale) {
		l->stale = false;
		l->walk_at = now;
		return;
	}
	if (r->walk.useful > 0) {
		l->announced = true;
		set_state(l, PNRP_REGISTRATION_ACTIVE);
		pnrp_certify_neighbours(e, now, &l->id);
	}
	schedule(e, now, l);
	if (l->announced && l->walk_interval < REPEAT_LAST)
		l->walk_interval *= 2;
}

void pnrp_announce_all(struct pnrp_engine *e, uint64_t now)
{
	for (struct pnrp_local *l = e->locals; l; l = l->next)
		if (!l->announced)
			pnrp_announce(e, now, l, PNRP_REASON_REGISTRATION);
}

void pnrp_announce_soon(struct pnrp_engine *e, uint64_t now)
{
	for (struct pnrp_local *l = e->locals; l; l = l->next) {
		l->walk_interval = REPEAT_FIRST;
		if (!l->walk && l->announced)
			l->walk_at = now + 2 * PONTO_SECOND + ponto_random_below(&e->random, 2 * PONTO_SECOND);
	}
}

void pnrp_announce_early(struct pnrp_engine *e, uint64_t now, const struct ring_id *local, bool nearest)
{
	struct pnrp_local *l = pnrp_local_find(e, local);
	uint64_t at = now + PONTO_SECOND + ponto_random_below(&e->random, 2 * PONTO_SECOND);

	if (!l || !l->announced)
		return;
	if (nearest)
		l->walk_interval = REPEAT_FIRST;
	if (at < l->walked_at + EARLY_APART)
		at = l->walked_at + EARLY_APART;
	if (at < l->walk_at)
		l->walk_at = at;
}

void pnrp_locals_alone(struct pnrp_engine *e)
{
	for (struct pnrp_local *l = e->locals; l; l = l->next)
		if (l->state == PNRP_REGISTRATION_ANNOUNCING)
			set_state(l, PNRP_REGISTRATION_ACTIVE);
}

void pnrp_locals_tick(struct pnrp_engine *e, uint64_t now)
{
	for (struct pnrp_local *l = e->locals; l; l = l->next) {
		if (l->revoking || l->walk || l->walk_at > now)
			continue;
		if (e->cache.count > 0 && e->local_count > 0)
			pnrp_announce(e, now, l, l->announced ? PNRP_REASON_MAINTENANCE : PNRP_REASON_REGISTRATION);
		else
			schedule(e, now, l);
	}
}

uint64_t pnrp_locals_deadline(const struct pnrp_engine *e)
{
	uint64_t deadline = PONTO_NEVER;

	for (const struct pnrp_local *l = e->locals; l; l = l->next)
		if (!l->revoking && !l->walk && l->walk_at < deadline)
			deadline = l->walk_at;
	return deadline;
}

/* ---- registering ------------------------------------------------------------------------- */

/* UTF-8 if it fits, else UTF-16LE, which always does. */
static int copy_friendly(struct pnrp_local *l, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	struct pnrp_name units;

	if (len == 0)
		return PONTO_OK;
	if (len >= sizeof(l->friendly) || pnrp_name_make(NULL, text, &units) ||
	    units.classifier_len > PNRP_FRIENDLY_UNITS)
		return PONTO_EINVAL;
	memcpy(l->friendly, text, len);
	if (len <= sizeof(l->friendly_wire)) {
		l->friendly_utf8 = true;
		l->friendly_len = (uint8_t)len;
		memcpy(l->friendly_wire, text, len);
		return PONTO_OK;
	}
	for (unsigned i = 0; i < units.classifier_len; i++) {
		l->friendly_wire[2 * i] = (uint8_t)units.classifier[i];
		l->friendly_wire[2 * i + 1] = (uint8_t)(units.classifier[i] >> 8);
	}
	l->friendly_len = (uint8_t)(2 * units.classifier_len);
	return PONTO_OK;
}

static int copy_bytes(struct pnrp_engine *e, struct ponto_bytes bytes, size_t max, uint8_t **out, size_t *len)
{
	if (bytes.len > max)
		return PONTO_EINVAL;
	if (bytes.len == 0)
		return PONTO_OK;
	*out = ponto_bytes_dup(&e->alloc, bytes);
	*len = bytes.len;
	return *out ? PONTO_OK : PONTO_ENOMEM;
}

/* What does not depend on the engine's state. */
static int copy_registration(struct pnrp_engine *e, const struct pnrp_registration *r, struct pnrp_local *l)
{
	bool payload = r->payload_type != PNRP_PAYLOAD_NONE && r->payload.len > 0;
	int result = pnrp_name_parse(r->name, &l->name);

	if (result)
		return result;
	if (r->public_key.len != e->wire->key_len || r->endpoint_count > PNRP_CPA_APPS_MAX ||
	    (r->endpoint_count == 0 && !payload) || (r->chain.len > 0 && !l->name.secure))
		return PONTO_EINVAL;
	if (l->name.secure && r->chain.len == 0 && !pnrp_key_fits_authority(e->wire, r->public_key, l->name.authority))
		return PONTO_EAUTH;
	memcpy(l->public_key, r->public_key.data, r->public_key.len);
	l->token = r->token;
	l->identity = r->identity;
	l->endpoint_count = (uint8_t)r->endpoint_count;
	for (size_t i = 0; i < r->endpoint_count; i++) {
		memcpy(l->endpoints[i].ip, r->endpoints[i].ip, sizeof(l->endpoints[i].ip));
		l->endpoints[i].port = r->endpoints[i].port;
		l->endpoints[i].protocol = r->endpoints[i].protocol;
	}
	result = copy_friendly(l, r->friendly_name);
	if (result == PONTO_OK && payload) {
		l->payload_type = r->payload_type;
		result = copy_bytes(e, r->payload, PNRP_PAYLOAD_MAX, &l->payload, &l->payload_len);
	}
	if (result == PONTO_OK)
		result = copy_bytes(e, r->chain, PNRP_CHAIN_MAX, &l->chain, &l->chain_len);
	return result;
}

/* 3.2.4.1 steps 3 and 4. */
static void make_id(struct pnrp_engine *e, const struct pnrp_registration *r, struct pnrp_local *l)
{
	uint8_t p2p[PNRP_P2P_ID_SIZE], prefix[16] = {0}, low[8];

	memcpy(prefix, e->local[0].ip, 8);
	for (unsigned i = 0; r->has_prefix && i < 8; i++)
		prefix[i] = (uint8_t)(r->prefix >> (56 - 8 * i));
	e->random.fill(e->random.ctx, low, sizeof(low));
	pnrp_location_register(prefix, low, l->location);
	pnrp_p2p_id(e->wire, &l->name, p2p);
	pnrp_id_make(p2p, l->location, &l->id);
}

/* What could not be published later is refused now. */
static int try_encoding(struct pnrp_engine *e, uint64_t now, const struct pnrp_local *l)
{
	static const uint8_t nonce[PNRP_NONCE_SIZE];
	struct pnrp_payload payload = {.kind = l->payload_type == PNRP_PAYLOAD_STRING ? PNRP_KIND_UTF8
										      : PNRP_KIND_BINARY,
				       .data = ponto_bytes(l->payload, l->payload_len)};
	uint8_t cpa[PNRP_CPA_MAX], *bytes;
	size_t len;
	int result = pnrp_build_cpa(e, now, l, false, nonce, cpa, sizeof(cpa), &len);

	if (result || l->payload_len == 0)
		return result;
	bytes = ponto_new(&e->alloc, 1, PNRP_PAYLOAD_ENCODED_MAX);
	if (!bytes)
		return PONTO_ENOMEM;
	result = pnrp_payload_encode(e->wire, &payload, bytes, PNRP_PAYLOAD_ENCODED_MAX, &len);
	ponto_free(&e->alloc, bytes);
	return result;
}

static void enter(struct pnrp_engine *e, uint64_t now, struct pnrp_local *l)
{
	l->handle = e->next_handle++;
	l->state = PNRP_REGISTRATION_ANNOUNCING;
	l->changed = true;
	l->walk_interval = REPEAT_FIRST;
	l->walk_at = now + RETRY;
	l->next = e->locals;
	e->locals = l;
	e->registrations++;
	if (e->cache.locals == 1) {
		e->publish_due = true;
		e->unpublish_due = false;
	}
	pnrp_announce(e, now, l, PNRP_REASON_REGISTRATION);
	if (e->cache.count > 0)
		return;
	/* Nobody is known: at least the seed should know us. */
	e->discover_again = e->discovery.round;
	pnrp_discover(e, now);
	pnrp_update_state(e, now);
}

int pnrp_engine_register(struct pnrp_engine *e, uint64_t now, const struct pnrp_registration *r, uint64_t *handle,
			 struct ring_id *id)
{
	struct pnrp_local *l;
	int result;

	if (e->resolve_only)
		return PONTO_EACCES;
	if (!pnrp_is_open(e))
		return PONTO_ECLOSED;
	if (e->local_count == 0)
		return PONTO_EUNREACH;
	if (e->registrations >= e->limits.registrations)
		return PONTO_EBUSY;
	l = ponto_new(&e->alloc, 1, sizeof(*l));
	if (!l)
		return PONTO_ENOMEM;
	result = copy_registration(e, r, l);
	if (result == PONTO_OK) {
		make_id(e, r, l);
		result = try_encoding(e, now, l);
	}
	if (result == PONTO_OK)
		result = ring_cache_add_local(&e->cache, &l->id);
	if (result) {
		pnrp_local_free(e, l);
		return result;
	}
	/* An entry of the same ID from an earlier life of this node would point at us. */
	(void)ring_cache_remove(&e->cache, &l->id);
	enter(e, now, l);
	*handle = l->handle;
	*id = l->id;
	return PONTO_OK;
}

/* ---- unregistering --------------------------------------------------------------------------- */

static uint8_t keep_leaves(const struct pnrp_engine *e, const struct ring_id *id, bool up,
			   struct ring_route *out[RING_LEAF])
{
	size_t count = ring_cache_leaves(&e->cache, id, up, out);

	for (size_t i = 0; i < count; i++)
		ring_route_ref(out[i]);
	return (uint8_t)count;
}

/* The revoke, up to its signature. False: it cannot be made, or nobody would receive it. */
static bool begin_revoke(struct pnrp_engine *e, uint64_t now, const struct pnrp_local *l)
{
	static const uint8_t nonce[PNRP_NONCE_SIZE];
	struct pnrp_job *job;
	size_t len;

	if (l->above_count + l->below_count == 0 || e->local_count == 0)
		return false;
	job = pnrp_job_new(e, PNRP_JOB_REVOKE, PNRP_CPA_MAX);
	if (!job)
		return false;
	if (pnrp_build_cpa(e, now, l, true, nonce, job->bytes, PNRP_CPA_MAX, &len)) {
		pnrp_job_abandon(e, job->token);
		return false;
	}
	job->owner = l->handle;
	job->identity = l->identity;
	job->items[0].data = ponto_bytes(job->bytes, len);
	job->room[0] = PNRP_CPA_MAX;
	job->count = 1;
	return true;
}

/* Its place is free at once: names that move to new addresses are registered before their revokes are out. */
static void retire(struct pnrp_engine *e, struct pnrp_local *l)
{
	e->registrations -= !l->revoking;
	l->revoking = true;
}

static void take_back(struct pnrp_engine *e, uint64_t now, struct pnrp_local *l)
{
	struct pnrp_resolve *r = e->resolves;

	l->above_count = keep_leaves(e, &l->id, true, l->above);
	l->below_count = keep_leaves(e, &l->id, false, l->below);
	retire(e, l);
	while (r && (!l->walk || r->handle != l->walk))
		r = r->next;
	if (r)
		r->deadline = now; /* ends at the next tick */
	ring_cache_remove_local(&e->cache, &l->id);
	if (e->cache.locals == 0) {
		e->unpublish_due = true;
		e->publish_due = false;
	}
	if (!begin_revoke(e, now, l))
		set_state(l, PNRP_REGISTRATION_GONE);
}

/* 3.2.4.2: the revoke to the nearest on each side, and the far ends of the leaf set are told of each other's
 * nearest, so that they close the gap. */
void pnrp_revoke_signed(struct pnrp_engine *e, uint64_t now, const struct pnrp_job *job,
			const struct pnrp_completion *c)
{
	struct pnrp_local *l = pnrp_local_by_handle(e, job->owner);
	uint8_t *bytes = (uint8_t *)job->items[0].data.data;
	size_t len = job->items[0].data.len;
	struct ponto_bytes none = {0};

	if (!l)
		return;
	if (e->local_count > 0 && c->result == PONTO_OK &&
	    pnrp_signature_append(e->wire, c->signatures[0], bytes, job->room[0], &len) == PONTO_OK) {
		if (l->above_count > 0)
			pnrp_flood_to(e, now, l->above[0], NULL, ponto_bytes(bytes, len));
		if (l->below_count > 0)
			pnrp_flood_to(e, now, l->below[0], NULL, ponto_bytes(bytes, len));
	}
	if (e->local_count > 0 && l->above_count > 0 && l->below_count > 0) {
		pnrp_flood_to(e, now, l->below[l->below_count - 1], l->above[0], none);
		pnrp_flood_to(e, now, l->above[l->above_count - 1], l->below[0], none);
	}
	set_state(l, PNRP_REGISTRATION_GONE);
}

int pnrp_engine_unregister(struct pnrp_engine *e, uint64_t now, uint64_t handle)
{
	struct pnrp_local *l = pnrp_local_by_handle(e, handle);

	if (!l || l->revoking)
		return PONTO_ENOENT;
	take_back(e, now, l);
	return PONTO_OK;
}

void pnrp_revoke_all(struct pnrp_engine *e, uint64_t now)
{
	for (struct pnrp_local *l = e->locals; l; l = l->next)
		if (!l->revoking)
			take_back(e, now, l);
}

/* Without a word to others. */
void pnrp_locals_forget(struct pnrp_engine *e)
{
	for (struct pnrp_local *l = e->locals; l; l = l->next) {
		retire(e, l);
		l->walk = 0;
		set_state(l, PNRP_REGISTRATION_GONE);
	}
}
