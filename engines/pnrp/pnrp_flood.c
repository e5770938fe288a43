/* Ponto PNRP engine: FLOOD and ACK: leaf sets told of each other, and revokes. [MS-PNRP] 3.1.5.4, 3.1.5.5,
 * 3.2.5.5, 3.2.5.11. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

/* ---- sending ------------------------------------------------------------------ */

void pnrp_flood_to(struct pnrp_engine *e, uint64_t now, const struct ring_route *to, const struct ring_route *r,
		   struct ponto_bytes revoke)
{
	struct pnrp_message m = {.type = PNRP_FLOOD};
	struct ring_endpoint list[2] = {pnrp_own_endpoint(e)};
	struct ponto_addr peer, local;

	if (!pnrp_choose_address(e, to, &peer, &local))
		return;
	list[1] = pnrp_endpoint_of(&peer);
	m.flood.validate_id = to->id;
	m.flood.count = (uint8_t)pnrp_endpoints_to_wire(list, 2, m.flood.endpoints);
	m.flood.has_revoke = revoke.len > 0;
	m.flood.revoke = revoke;
	m.flood.has_route = r;
	if (r)
		pnrp_route_to_wire(r, &m.flood.route);
	(void)!pnrp_send_request(e, now, &m, &peer, &local, 0);
}

/* The nearest cached entry above or below r whose node has not been told and is not r's own. */
static struct ring_route *choose_target(const struct pnrp_engine *e, const struct ring_route *r, bool up,
					const struct ring_endpoint *told, size_t count)
{
	for (size_t nth = 0;; nth++) {
		struct ring_route *n = ring_cache_neighbour(&e->cache, &r->id, up, nth);
		bool same_node = false;

		if (!n)
			return NULL;
		for (unsigned i = 0; i < n->count; i++) {
			struct ring_endpoint p = {.port = n->port};

			memcpy(p.ip, n->addrs[i], sizeof(p.ip));
			same_node = same_node || ring_route_has(r, &p);
		}
		if (!same_node && !ring_route_touches(n, told, count))
			return n;
	}
}

void pnrp_flood_own(struct pnrp_engine *e, uint64_t now, const struct ring_id *local, const struct ring_id *validate,
		    const struct ponto_addr *to, uint64_t owner)
{
	struct pnrp_message m = {.type = PNRP_FLOOD};
	struct ring_endpoint own = pnrp_own_endpoint(e);
	struct ponto_addr from = pnrp_choose_local(e, to);

	if (!pnrp_own_route(e, local, &m.flood.route))
		return;
	m.flood.has_route = true;
	m.flood.validate_id = *validate;
	m.flood.count = (uint8_t)pnrp_endpoints_to_wire(&own, 1, m.flood.endpoints);
	(void)!pnrp_send_request(e, now, &m, to, &from, owner);
}

/* Which ID a node at this address is known to have; zero when none is. */
static struct ring_id id_at(const struct pnrp_engine *e, const struct ponto_addr *a)
{
	struct ring_endpoint p = pnrp_endpoint_of(a);
	struct ring_id none = {{0}};

	for (uint32_t i = 0; i < e->cache.count; i++)
		if (ring_route_has(e->cache.entry[i], &p))
			return e->cache.entry[i]->id;
	return none;
}

/* So both sides know each other: the flooder learns of us, and the new leaf itself, as section 4.4 ends, unless it was
 * that which told us. A leaf that came without a FLOOD has not told anybody. */
static void introduce(struct pnrp_engine *e, uint64_t now, const struct ring_route *r, const struct ring_id *local,
		      const struct pnrp_flood_origin *origin)
{
	struct ponto_addr to, from;

	if (origin) {
		struct ring_endpoint flooder = pnrp_endpoint_of(&origin->from);
		struct ring_id validate = id_at(e, &origin->from);

		if (ring_route_has(r, &flooder))
			return;
		pnrp_flood_own(e, now, local, &validate, &origin->from, 0);
	}
	if (pnrp_choose_address(e, r, &to, &from))
		pnrp_flood_own(e, now, local, &r->id, &to, 0);
}

void pnrp_flood_new_leaf(struct pnrp_engine *e, uint64_t now, const struct ring_route *r, const struct ring_id *local,
			 const struct pnrp_flood_origin *origin)
{
	struct ring_endpoint list[PNRP_ENDPOINTS_MAX];
	size_t told = origin ? origin->count : 0, count = told;
	struct ring_endpoint own = pnrp_own_endpoint(e);
	struct ring_route *target[2];
	struct ponto_addr to[2], from[2];

	if (origin)
		memcpy(list, origin->list, told * sizeof(list[0]));
	target[0] = choose_target(e, r, true, list, told);
	target[1] = choose_target(e, r, false, list, told);
	if (target[0] == target[1])
		target[1] = NULL;
	for (unsigned i = 0; i < 2; i++) {
		if (!target[i] || !pnrp_choose_address(e, target[i], &to[i], &from[i]))
			target[i] = NULL;
		else if (count < PNRP_ENDPOINTS_MAX)
			list[count++] = pnrp_endpoint_of(&to[i]);
		else
			target[i] = NULL; /* the list is full: the flood ends here (T24) */
	}
	if (count < PNRP_ENDPOINTS_MAX)
		list[count++] = own;
	for (unsigned i = 0; i < 2; i++) {
		struct pnrp_message m = {.type = PNRP_FLOOD};

		if (!target[i])
			continue;
		m.flood.validate_id = target[i]->id;
		m.flood.has_route = true;
		pnrp_route_to_wire(r, &m.flood.route);
		m.flood.count = (uint8_t)pnrp_endpoints_to_wire(list, count, m.flood.endpoints);
		(void)!pnrp_send_request(e, now, &m, &to[i], &from[i], 0);
		e->stats.floods_forwarded++;
	}
	introduce(e, now, r, local, origin);
}

/* ---- receiving ------------------------------------------------------------------------ */

/* The cached entry that a revoke names, under any byte order a peer may have used. */
static const struct ring_route *revoked_entry(const struct pnrp_engine *e, struct pnrp_cpa *cpa)
{
	for (unsigned reading = 0; reading < PNRP_CPA_READINGS; reading++) {
		const struct ring_route *r;
		struct ring_id id;

		pnrp_cpa_id(e->wire, cpa, reading, &id);
		r = ring_cache_find(&e->cache, &id);
		if (r && pnrp_cpa_match_id(e->wire, &id, cpa) == PONTO_OK)
			return r;
	}
	return NULL;
}

/* 3.1.5.7 as far as it applies (T10): no INQUIRE, so no nonce; no route entry. What we do not know needs no
 * verification, it only costs. */
static void on_revoke(struct pnrp_engine *e, uint64_t now, struct ponto_bytes bytes)
{
	static const uint8_t zero[PNRP_NONCE_SIZE];
	const struct ring_route *known;
	struct pnrp_cpa cpa;
	struct pnrp_job *job;

	if (pnrp_cpa_decode(e->wire, bytes, &cpa) || !cpa.revoke || memcmp(cpa.nonce, zero, sizeof(zero)) != 0 ||
	    cpa.not_after < pnrp_filetime(pnrp_wall(e, now))) {
		pnrp_drop(e, PNRP_DROP_CPA);
		return;
	}
	known = revoked_entry(e, &cpa);
	if (!known)
		return;
	/* The key must be the one that certified the entry; only that can tell for delegated and unsecured names. */
	if (known->mark ? known->mark != pnrp_key_mark(cpa.public_key) : !pnrp_cpa_key_fits(e->wire, &cpa)) {
		pnrp_drop(e, PNRP_DROP_CPA);
		return;
	}
	job = pnrp_job_new(e, PNRP_JOB_CHECK_REVOKE, bytes.len);
	if (!job)
		return;
	memcpy(job->bytes, bytes.data, bytes.len);
	job->id = known->id;
	job->public_key = ponto_bytes(job->bytes + (cpa.public_key.data - bytes.data), cpa.public_key.len);
	job->items[0].data = ponto_bytes(job->bytes + (cpa.signed_part.data - bytes.data), cpa.signed_part.len);
	job->items[0].signature = ponto_bytes(job->bytes + (cpa.signature.data - bytes.data), cpa.signature.len);
	job->count = 1;
}

void pnrp_revoke_checked(struct pnrp_engine *e, uint64_t now, const struct pnrp_job *job, int result)
{
	struct ring_route *r = ring_cache_find(&e->cache, &job->id);
	struct ring_route *onward = NULL;
	struct ring_id local;

	if (result) {
		pnrp_drop(e, PNRP_DROP_CPA);
		return;
	}
	if (!r)
		return;
	/* Out of a leaf set: on in the same direction, away from the ID that is no more (T11). */
	if (ring_cache_place(&e->cache, &job->id)->leaf && ring_cache_in_leaf_range(&e->cache, &job->id, &local))
		onward = ring_cache_neighbour(&e->cache, &local, ring_id_above(&local, &job->id), 0);
	if (onward == r)
		onward = NULL;
	if (onward)
		ring_route_ref(onward);
	pnrp_uncache(e, now, &job->id);
	e->stats.revoked++;
	if (onward)
		pnrp_flood_to(e, now, onward, NULL, ponto_bytes(job->bytes, job->len));
	ring_route_unref(&e->alloc, onward);
}

void pnrp_on_flood(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		   const struct ponto_addr *to)
{
	const struct pnrp_flood *f = &m->flood;
	struct pnrp_flood_origin origin = {.from = *from, .count = f->count};

	if (!f->no_ack) {
		bool unknown = !ring_id_is_zero(&f->validate_id) && !pnrp_local_find(e, &f->validate_id);

		pnrp_acknowledge(e, m->id, unknown, from, to);
	}
	if (f->has_route) {
		pnrp_endpoints_from_wire(f->endpoints, f->count, origin.list);
		if (ring_cache_find(&e->cache, &f->route.id))
			pnrp_discovery_gained(e, now, from);
		pnrp_submit_wire(e, now, &f->route, &origin);
	}
	if (f->has_revoke)
		on_revoke(e, now, f->revoke);
}

void pnrp_flood_refused(struct pnrp_engine *e, uint64_t now, const struct ring_message *m)
{
	struct pnrp_message flood;

	if (pnrp_decode(e->wire, ponto_bytes(m->bytes, m->len), &flood) == PONTO_OK && flood.type == PNRP_FLOOD)
		pnrp_uncache(e, now, &flood.flood.validate_id);
}

void pnrp_on_ack(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from)
{
	struct ring_message *pending = ring_pending_find(&e->pending, m->ack.acked_id);

	if (!pending || (pending->type != PNRP_FLOOD && pending->type != PNRP_REQUEST) ||
	    !ponto_addr_equal(&pending->to, from)) {
		pnrp_drop(e, PNRP_DROP_UNMATCHED);
		return;
	}
	if (m->ack.not_found)
		pnrp_flood_refused(e, now, pending);
	ring_pending_remove(&e->pending, pending);
}
