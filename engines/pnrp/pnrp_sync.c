/* Ponto PNRP engine: synchronisation: SOLICIT, ADVERTISE, REQUEST, from both ends. [MS-PNRP] 3.1.4.3, 3.1.5.3,
 * 3.2.5.3, 3.2.5.4, 3.2.6.3. */
#include "engines/pnrp/pnrp_state.h"

#include "framework/digest.h"

#include <string.h>

/* ---- asking ------------------------------------------------------------------- */

bool pnrp_synchronize(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *peer, bool discovery)
{
	struct pnrp_message m = {.type = PNRP_SOLICIT};
	struct ponto_addr from = pnrp_choose_local(e, peer), to = *peer;
	struct ponto_bytes nonce;
	struct pnrp_sync *sync;

	if (e->sync_count >= PNRP_SYNCS_MAX || pnrp_is_own_address(e, peer) || peer->port <= PNRP_PORT_FLOOR ||
	    !pnrp_is_of_cloud(e, peer))
		return false;
	to.zone = e->zone;
	sync = ponto_new(&e->alloc, 1, sizeof(*sync));
	if (!sync) {
		pnrp_drop(e, PNRP_DROP_MEMORY);
		return false;
	}
	sync->discovery = discovery;
	e->random.fill(e->random.ctx, sync->nonce, sizeof(sync->nonce));
	nonce = ponto_bytes(sync->nonce, sizeof(sync->nonce));
	pnrp_hash(e->wire, &nonce, 1, m.solicit.hashed_nonce);
	m.solicit.has_controls = true;
	if (e->cache.locals > 0)
		m.solicit.has_route = pnrp_own_route(e, &e->cache.local[0], &m.solicit.route);
	if (pnrp_send_request(e, now, &m, &to, &from, 0)) {
		ponto_free(&e->alloc, sync);
		return false;
	}
	sync->solicit_id = m.id;
	sync->next = e->syncs;
	e->syncs = sync;
	e->sync_count++;
	return true;
}

static struct pnrp_sync **find_sync(struct pnrp_engine *e, uint32_t solicit_id)
{
	struct pnrp_sync **at = &e->syncs;

	while (*at && (*at)->solicit_id != solicit_id)
		at = &(*at)->next;
	return at;
}

void pnrp_sync_release(struct pnrp_engine *e, uint64_t now, uint32_t solicit_id, bool useful)
{
	struct pnrp_sync **at = find_sync(e, solicit_id);
	struct pnrp_sync *sync = *at;
	bool discovery;

	if (!sync)
		return;
	discovery = sync->discovery;
	*at = sync->next;
	e->sync_count--;
	ponto_free(&e->alloc, sync);
	if (discovery)
		pnrp_discovery_sync_ended(e, now, useful);
}

/* All IDs are wanted, but for our own; as many as a datagram holds. */
static bool send_request(struct pnrp_engine *e, uint64_t now, const struct pnrp_advertise *a,
			 const struct pnrp_sync *sync, const struct ponto_addr *peer, const struct ponto_addr *local)
{
	struct pnrp_message m = {.type = PNRP_REQUEST};
	struct ring_id ids[PNRP_IDS_PER_DATAGRAM];
	uint16_t count = 0;

	for (uint16_t i = 0; i < a->ids.count && count < PNRP_IDS_PER_DATAGRAM; i++) {
		ids[count] = pnrp_id_at(&a->ids, i);
		if (!ring_cache_is_local(&e->cache, &ids[count]))
			count++;
	}
	if (count == 0)
		return false;
	memcpy(m.request.nonce, sync->nonce, sizeof(m.request.nonce));
	m.request.ids = pnrp_ids(ids, count);
	return pnrp_send_request(e, now, &m, peer, local, 0) == PONTO_OK;
}

void pnrp_on_advertise(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		       const struct ponto_addr *to)
{
	const struct pnrp_advertise *a = &m->advertise;
	struct ring_message *solicit = ring_pending_find(&e->pending, a->acked_id);
	uint8_t hash[PNRP_HASH_SIZE];
	struct ponto_bytes nonce;
	struct pnrp_sync *sync;
	bool useful = false;

	if (!solicit || solicit->type != PNRP_SOLICIT || !ponto_addr_equal(&solicit->to, from)) {
		pnrp_drop(e, PNRP_DROP_UNMATCHED);
		return;
	}
	pnrp_forget_request(e, a->acked_id);
	sync = *find_sync(e, a->acked_id);
	if (!sync)
		return;
	nonce = ponto_bytes(sync->nonce, sizeof(sync->nonce));
	pnrp_hash(e->wire, &nonce, 1, hash);
	if (memcmp(hash, a->hashed_nonce, sizeof(hash)) != 0)
		pnrp_drop(e, PNRP_DROP_NONCE);
	else
		useful = send_request(e, now, a, sync, from, to);
	if (useful)
		pnrp_discovery_partner(e, from);
	pnrp_sync_release(e, now, a->acked_id, useful);
}

/* ---- answering ------------------------------------------------------------------- */

static uint16_t add_local_ids(const struct pnrp_engine *e, struct ring_id *ids, uint16_t count)
{
	for (uint32_t i = 0; i < e->cache.locals && count < PNRP_ADVERTISED; i++)
		ids[count++] = e->cache.local[i];
	return count;
}

/* Five from all over the circle; with fewer in the cache, our own too. */
static uint16_t choose_ids(const struct pnrp_engine *e, uint8_t solicit_type, struct ring_id ids[PNRP_ADVERTISED])
{
	struct ring_route *spread[PNRP_ADVERTISED];
	uint16_t count = 0;

	if (solicit_type == PNRP_SOLICIT_LOCAL)
		return add_local_ids(e, ids, 0);
	count = (uint16_t)ring_cache_spread(&e->cache, PNRP_ADVERTISED, spread);
	for (uint16_t i = 0; i < count; i++)
		ids[i] = spread[i]->id;
	return add_local_ids(e, ids, count);
}

void pnrp_on_solicit(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		     const struct ponto_addr *to)
{
	static const struct ring_id nobody;
	const struct pnrp_solicit *s = &m->solicit;
	struct pnrp_message answer = {.type = PNRP_ADVERTISE};
	struct ring_id ids[PNRP_ADVERTISED];
	uint16_t count = 0;
	int result;

	result = ring_conversation_open(&e->conversations, now, from, s->hashed_nonce,
					s->has_route ? &s->route.id : &nobody);
	if (result)
		pnrp_drop(e, result == PONTO_EBUSY ? PNRP_DROP_FULL : PNRP_DROP_MEMORY);
	else if (!e->stopping)
		count = choose_ids(e, s->solicit_type, ids);
	answer.advertise.acked_id = m->id;
	answer.advertise.ids = pnrp_ids(ids, count);
	memcpy(answer.advertise.hashed_nonce, s->hashed_nonce, PNRP_HASH_SIZE);
	pnrp_send(e, &answer, from, to);
	if (result == PONTO_OK && s->has_route)
		pnrp_submit_wire(e, now, &s->route, NULL);
}

/* A FLOOD with D set, 3.2.5.4; validate: the peer's ID, or zero (T22). */
static void send_known(struct pnrp_engine *e, const struct ring_id *id, const struct ring_id *validate,
		       const struct ponto_addr *to, const struct ponto_addr *from)
{
	struct pnrp_message m = {.type = PNRP_FLOOD};
	struct ring_route *r = ring_cache_find(&e->cache, id);
	struct ring_endpoint own = pnrp_own_endpoint(e);

	if (r)
		pnrp_route_to_wire(r, &m.flood.route);
	else if (!ring_cache_is_local(&e->cache, id) || !pnrp_own_route(e, id, &m.flood.route))
		return;
	m.flood.no_ack = true;
	m.flood.has_route = true;
	m.flood.validate_id = *validate;
	m.flood.count = (uint8_t)pnrp_endpoints_to_wire(&own, 1, m.flood.endpoints);
	pnrp_send(e, &m, to, from);
}

/* Who asks has shown a nonce, but it may be one of its own making: an address that never asked must not be told entries
 * as fast as somebody likes to ask in its name. Hosts are told apart by a hash; on the loopback by their ports. */
static bool may_tell(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *from, uint32_t entries)
{
	static const uint8_t fixed[16];
	bool loopback = ponto_addr_scope(from) == PONTO_SCOPE_LOOPBACK;
	uint64_t hash = ponto_siphash(fixed, ponto_bytes(from->ip, sizeof(from->ip))) + (loopback ? from->port : 0);
	struct pnrp_bucket bucket = {.rate = PNRP_TOLD_PER_SECOND, .burst = PNRP_TOLD_BURST};

	if (!e->told_hosts)
		e->told_hosts = ponto_new(&e->alloc, PNRP_TOLD_HOSTS, sizeof(*e->told_hosts));
	if (!e->told_hosts) {
		pnrp_drop(e, PNRP_DROP_MEMORY);
		return false;
	}
	bucket.since = e->told_hosts[hash % PNRP_TOLD_HOSTS];
	if (!pnrp_bucket_take(&bucket, now, entries)) {
		pnrp_drop(e, PNRP_DROP_RATE);
		return false;
	}
	e->told_hosts[hash % PNRP_TOLD_HOSTS] = bucket.since;
	return true;
}

void pnrp_on_request(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		     const struct ponto_addr *to)
{
	const struct pnrp_request *q = &m->request;
	struct ponto_bytes nonce = ponto_bytes(q->nonce, sizeof(q->nonce));
	uint8_t hash[PNRP_HASH_SIZE];
	struct ring_id validate;

	ring_conversations_expire(&e->conversations, now);
	pnrp_hash(e->wire, &nonce, 1, hash);
	if (!ring_conversation_has(&e->conversations, from, hash)) {
		pnrp_drop(e, ring_conversation_any(&e->conversations, from) ? PNRP_DROP_NONCE : PNRP_DROP_UNMATCHED);
		return;
	}
	/* If not, the second copy finds the conversation as it is. */
	if (!may_tell(e, now, from, 1u + q->ids.count) ||
	    ring_conversation_take(&e->conversations, from, hash, &validate))
		return;
	pnrp_acknowledge(e, m->id, false, from, to);
	for (uint16_t i = 0; i < q->ids.count && i < PNRP_IDS_PER_DATAGRAM; i++) {
		struct ring_id id = pnrp_id_at(&q->ids, i);

		send_known(e, &id, &validate, from, to);
	}
}
