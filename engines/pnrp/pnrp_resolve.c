/* Ponto PNRP engine: the resolver: walks toward an ID and asks the best match for its CPA. [MS-PNRP] 3.1.4.4,
 * 3.1.4.4.2, 3.1.5.6.1, 3.1.5.6.1.1, 3.2.7.1. The stacks and limits of a walk are in engines/ring. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

#define DEFAULT_TIMEOUT (30 * PONTO_SECOND)
#define INTERNAL_TIMEOUT (120 * PONTO_SECOND)

static void advance(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r);

/* ---- the table ------------------------------------------------------------------ */

void pnrp_resolve_free(struct pnrp_engine *e, struct pnrp_resolve *r)
{
	ring_walk_clear(&r->walk);
	ring_route_unref(&e->alloc, r->own);
	ring_route_unref(&e->alloc, r->first_hop);
	ponto_free(&e->alloc, r->exclude);
	ponto_free(&e->alloc, r->match);
	ponto_free(&e->alloc, r);
}

static void remove_resolve(struct pnrp_engine *e, struct pnrp_resolve *r)
{
	struct pnrp_resolve **at = &e->resolves;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	e->resolve_count--;
	pnrp_resolve_free(e, r);
}

static struct pnrp_resolve *new_resolve(struct pnrp_engine *e, uint64_t now)
{
	struct pnrp_resolve *r = ponto_new(&e->alloc, 1, sizeof(*r)), **end = &e->resolves;

	if (!r)
		return NULL;
	r->handle = e->next_handle++;
	r->begun = now;
	while (*end)
		end = &(*end)->next;
	*end = r;
	e->resolve_count++;
	return r;
}

struct pnrp_resolve *pnrp_resolve_by_message(const struct pnrp_engine *e, uint32_t message_id)
{
	struct pnrp_resolve *r = e->resolves;

	while (r && !((r->stage == PNRP_STAGE_ASKING || r->stage == PNRP_STAGE_INQUIRING) && r->last_id == message_id))
		r = r->next;
	return r;
}

static struct pnrp_resolve *find_resolve(const struct pnrp_engine *e, uint64_t handle)
{
	struct pnrp_resolve *r = e->resolves;

	while (r && r->handle != handle)
		r = r->next;
	return r;
}

/* Nothing that is under way for it comes back any more. */
static void let_go(struct pnrp_engine *e, struct pnrp_resolve *r)
{
	if (r->stage == PNRP_STAGE_ASKING || r->stage == PNRP_STAGE_INQUIRING)
		pnrp_forget_request(e, r->last_id);
	pnrp_job_abandon(e, r->job);
	r->job = 0;
}

/* ---- telling ------------------------------------------------------------------------ */

static uint16_t best_bits(const struct pnrp_resolve *r)
{
	return r->walk.best ? (uint16_t)ring_id_common_bits(&r->walk.best->id, &r->walk.target) : 0;
}

static void trace(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r, struct pnrp_trace *t)
{
	struct pnrp_effect effect;

	if (!r->trace)
		return;
	effect = (struct pnrp_effect){.type = PNRP_EFFECT_TRACE, .token = r->token, .handle = r->handle};
	t->hop = ++r->steps;
	t->bits_after = best_bits(r);
	if (t->kind != PNRP_TRACE_RESTART) {
		t->addr = r->asked;
		t->rtt = now - r->asked_at;
	}
	effect.trace = *t;
	pnrp_note(e, &effect);
}

/* The end, for better or worse. r must not be used afterwards. match: takes */
static void finish(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r, int result, struct pnrp_match *match)
{
	let_go(e, r);
	r->result = result;
	r->match = match;
	r->asked_at = now;
	r->stage = PNRP_STAGE_FINISHED;
	if (r->reason != PNRP_REASON_APPLICATION) {
		if (r->local)
			pnrp_announce_ended(e, now, r);
		if (e->split_handle == r->handle)
			e->split_handle = 0;
		remove_resolve(e, r);
		return;
	}
	if (match) {
		unsigned hops = r->walk.useful;

		e->stats.resolves_found++;
		e->stats.hops[hops < PNRP_HOPS_BUCKETS ? hops : PNRP_HOPS_BUCKETS - 1]++;
	} else {
		e->stats.resolves_failed++;
	}
	ring_walk_clear(&r->walk);
}

/* ---- one walk --------------------------------------------------------------------------- */

static bool is_barred(const struct pnrp_resolve *r, const struct ring_id *id)
{
	for (unsigned i = 0; i < r->refused_count; i++)
		if (ring_id_equal(&r->refused[i], id))
			return true;
	for (unsigned i = 0; i < r->exclude_count; i++)
		if (ring_id_equal(&r->exclude[i], id))
			return true;
	return false;
}

/* "Sufficiently close": while walking, what the criteria compare; once the walk has stopped, also the closest of
 * the asked name where the closest is asked for (T17). Tests of the cloud inquire whatever is closest (T16). */
static bool good_enough(const struct pnrp_engine *e, const struct pnrp_resolve *r, const struct ring_id *id)
{
	unsigned bits = ring_id_common_bits(id, &r->walk.target);

	if (is_barred(r, id))
		return false;
	switch (r->reason) {
	case PNRP_REASON_APPLICATION:
		if (bits >= pnrp_criteria_bits(r->criteria, r->precision))
			return true;
		return r->stopped && bits >= 8 * PNRP_P2P_ID_SIZE &&
		       (r->criteria == PNRP_OPCODE_NEAREST || r->criteria == PNRP_OPCODE_NEAREST64);
	case PNRP_REASON_REGISTRATION:
	case PNRP_REASON_SPLIT:
		return r->stopped && !ring_cache_is_local(&e->cache, id);
	default:
		return false;
	}
}

/* Maintenance that looks for any entry in a gap has found one; as every hop that answers it is on its way into the
 * cache. */
static bool gap_is_filled(const struct pnrp_resolve *r)
{
	return r->reason == PNRP_REASON_MAINTENANCE && r->criteria == PNRP_OPCODE_UPPER_BITS && r->walk.best &&
	       pnrp_criteria_match(r->criteria, r->precision, &r->walk.best->id, &r->walk.target);
}

static bool send_lookup(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r)
{
	const struct ring_route *hop = r->walk.current.route;
	const struct ring_route *match = r->own ? r->own : r->walk.best;
	struct pnrp_message m = {.type = PNRP_LOOKUP};
	struct ponto_addr to, from;

	if (!pnrp_choose_address(e, hop, &to, &from))
		return false;
	m.lookup.accept_any = e->cache.count < RING_CACHE_LARGE;
	m.lookup.criteria = r->criteria;
	m.lookup.precision = r->precision;
	m.lookup.reason = (uint8_t)r->reason;
	m.lookup.target = r->walk.target;
	m.lookup.validate_id = hop->id;
	m.lookup.has_route = match;
	if (match)
		pnrp_route_to_wire(match, &m.lookup.route);
	m.lookup.count = (uint8_t)pnrp_endpoints_to_wire(r->walk.path, r->walk.path_count, m.lookup.path);
	if (pnrp_send_request(e, now, &m, &to, &from, r->handle))
		return false;
	r->last_id = m.id;
	r->asked = to;
	r->asked_at = now;
	r->stage = PNRP_STAGE_ASKING;
	return true;
}

static bool send_inquire(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r)
{
	struct pnrp_message m = {.type = PNRP_INQUIRE};
	struct ponto_addr to, from;

	if (!pnrp_choose_address(e, r->walk.best, &to, &from))
		return false;
	e->random.fill(e->random.ctx, r->nonce, sizeof(r->nonce));
	m.inquire.validate_id = r->walk.best->id;
	m.inquire.want_cpa = true;
	m.inquire.want_chain = true;
	m.inquire.want_payload = true;
	m.inquire.has_nonce = true;
	memcpy(m.inquire.nonce, r->nonce, sizeof(r->nonce));
	if (pnrp_send_request(e, now, &m, &to, &from, r->handle))
		return false;
	r->last_id = m.id;
	r->asked = to;
	r->asked_at = now;
	r->stage = PNRP_STAGE_INQUIRING;
	return true;
}

/* The best match was no good; the one before it is next. */
static void refuse_best(struct pnrp_resolve *r)
{
	if (r->refused_count < PNRP_REFUSED_MAX)
		r->refused[r->refused_count++] = r->walk.best->id;
	(void)ring_walk_reject_best(&r->walk);
}

/* All who are near were silent, as where a host with many names is no more: those behind them. */
static void push_beyond(struct pnrp_engine *e, struct pnrp_resolve *r, uint32_t nth)
{
	for (; r->walk.hop_count == 0 && nth < e->cache.count; nth++)
		for (unsigned up = 0; up < 2; up++) {
			struct ring_route *next = ring_cache_neighbour(&e->cache, &r->walk.target, up, nth);

			if (next)
				ring_walk_push(&r->walk, next);
		}
}

/* The closest known entry, or the one asked for. Two kinds of walks begin on other sides as well: one that begins
 * again, at the second, third, … neighbours of the target, with the nearer ones behind them; and one that announces a
 * name once more, at the whole leaf set, so that each leaf learns of us and tells who has come between, and far
 * away, where a part of the cloud may be known that the leaves do not know. */
static void push_first_hops(struct pnrp_engine *e, struct pnrp_resolve *r)
{
	struct ring_route *first = r->first_hop ? r->first_hop : ring_cache_closest(&e->cache, &r->walk.target);
	bool repair = r->local && r->reason == PNRP_REASON_MAINTENANCE;
	uint32_t wide = repair ? RING_LEAF : r->walks > 0 ? r->walks + 1 : 0;

	if (!first)
		return;
	if (!repair)
		ring_walk_push(&r->walk, first);
	for (uint32_t i = 0; i < wide; i++) {
		uint32_t nth = repair ? wide - 1 - i : i;
		struct ring_route *above = ring_cache_neighbour(&e->cache, &r->walk.target, true, nth);
		struct ring_route *below = ring_cache_neighbour(&e->cache, &r->walk.target, false, nth);

		if (above && (repair || above != first))
			ring_walk_push(&r->walk, above);
		if (below && below != above && (repair || below != first))
			ring_walk_push(&r->walk, below);
	}
	if (repair && r->first_hop)
		ring_walk_push(&r->walk, r->first_hop);
	if (r->walks > 0)
		push_beyond(e, r, wide);
}

/* The closest ID of this node's that the resolve may end at. */
static const struct ring_id *closest_allowed_local(const struct pnrp_engine *e, const struct pnrp_resolve *r)
{
	const struct ring_id *target = &r->walk.target, *closest = ring_cache_closest_local(&e->cache, target);

	if (!closest || !is_barred(r, closest))
		return closest;
	closest = NULL;
	for (const struct pnrp_local *l = e->locals; l; l = l->next) {
		if (!is_barred(r, &l->id) && ring_cache_is_local(&e->cache, &l->id) &&
		    (!closest || ring_id_closer(&l->id, closest, target)))
			closest = &l->id;
	}
	return closest;
}

static void begin_walk(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r)
{
	struct ring_endpoint own = pnrp_own_endpoint(e);
	struct ring_id target = r->walk.target;
	const struct ring_id *local = r->include_local ? closest_allowed_local(e, r) : NULL;
	struct pnrp_route_entry entry;

	ring_walk_clear(&r->walk);
	if (r->walks == 0)
		ring_walk_init(&r->walk, &e->alloc, &target, &own);
	else
		ring_walk_again(&r->walk, &own);
	r->stopped = r->repeated = false;
	r->refused_count = 0;
	if (local && pnrp_own_route(e, local, &entry)) {
		struct ring_route *route = pnrp_route_from_wire(e, &entry);

		if (route)
			ring_walk_set_best(&r->walk, route);
		ring_route_unref(&e->alloc, route);
	}
	if (r->own)
		ring_walk_push_match(&r->walk, r->own);
	push_first_hops(e, r);
	r->walks++;
	e->stats.walks++;
	advance(e, now, r);
}

/* No match in this walk: another one, or the end. */
static void walk_failed(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r)
{
	bool nobody = e->cache.count == 0 && !r->first_hop;

	e->stats.walks_failed += r->reason == PNRP_REASON_APPLICATION;
	if (nobody && r->reason == PNRP_REASON_APPLICATION && !r->waited) {
		r->waited = true;
		r->stage = PNRP_STAGE_WAITING;
		pnrp_discover(e, now);
	} else if (nobody || r->restarts == 0) {
		finish(e, now, r, r->unverified ? PONTO_EAUTH : PONTO_ENOENT, NULL);
	} else {
		struct pnrp_trace t = {.kind = PNRP_TRACE_RESTART};

		r->restarts--;
		trace(e, now, r, &t);
		begin_walk(e, now, r);
	}
}

/* True when the best match needs no INQUIRE, being ours; r is finished then. */
static bool match_is_local(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r)
{
	const struct pnrp_local *l = pnrp_local_find(e, &r->walk.best->id);
	struct pnrp_match *match;

	if (!l || !r->include_local)
		return false;
	match = pnrp_match_of_local(e, now, l);
	finish(e, now, r, match ? PONTO_OK : PONTO_ENOMEM, match);
	return true;
}

/* Step 7 of 3.1.4.4.2 and on. r may be finished, and freed, when it returns. */
static void advance(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r)
{
	for (;;) {
		if (r->walk.best && good_enough(e, r, &r->walk.best->id)) {
			if (match_is_local(e, now, r) || send_inquire(e, now, r))
				return;
			refuse_best(r);
		} else if (gap_is_filled(r)) {
			finish(e, now, r, PONTO_OK, NULL);
			return;
		} else if (r->stopped) {
			if (!r->walk.best || !ring_walk_reject_best(&r->walk)) {
				walk_failed(e, now, r);
				return;
			}
		} else if (!ring_walk_next(&r->walk)) {
			r->stopped = true;
		} else if (send_lookup(e, now, r)) {
			return;
		} else {
			ring_walk_skip(&r->walk);
		}
	}
}

/* ---- answers ------------------------------------------------------------------------------- */

void pnrp_on_lookup_answer(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r,
			   const struct pnrp_authority_buffer *b)
{
	struct ring_route *hop = ring_route_ref(r->walk.current.route);
	struct ring_answer answer = {.from = pnrp_endpoint_of(&r->asked),
				     .suspicious = b->leaf_set,
				     .gone = b->not_found,
				     .barred = is_barred(r, &hop->id),
				     .small_cache = e->cache.count < RING_CACHE_LARGE};
	struct pnrp_trace t = {.kind = b->not_found ? PNRP_TRACE_GONE : PNRP_TRACE_ANSWER,
			       .id = hop->id,
			       .bits_before = best_bits(r),
			       .suspicious = b->leaf_set};
	bool known;

	known = ring_cache_find(&e->cache, &hop->id);
	if (b->not_found)
		pnrp_uncache(e, now, &hop->id);
	else
		pnrp_submit(e, now, hop, false, NULL);
	/* A busy node has nothing to say but is there (T21). */
	if (b->has_route && !b->busy && !pnrp_local_find(e, &b->route.id))
		answer.route = pnrp_route_from_wire(e, &b->route);
	ring_walk_answer(&r->walk, &answer);
	if (r->walk.best == hop)
		r->best_known = known;
	trace(e, now, r, &t);
	ring_route_unref(&e->alloc, answer.route);
	ring_route_unref(&e->alloc, hop);
	advance(e, now, r);
}

static void match_refused(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r, enum pnrp_trace_kind kind)
{
	struct pnrp_trace t = {.kind = kind, .id = r->walk.best->id, .bits_before = best_bits(r)};

	refuse_best(r);
	trace(e, now, r, &t);
	advance(e, now, r);
}

void pnrp_on_match_answer(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r,
			  const struct pnrp_authority_buffer *b, struct ponto_bytes bytes)
{
	struct pnrp_proof proof;
	struct pnrp_job *job = NULL;

	if (b->not_found) {
		pnrp_uncache(e, now, &r->walk.best->id);
	} else if (pnrp_check_answer(e, now, b, &r->walk.best->id, r->nonce, &proof)) {
		pnrp_drop(e, PNRP_DROP_CPA);
		r->unverified = true;
	} else {
		job = pnrp_verify_answer(e, PNRP_JOB_CHECK_MATCH, &proof, b, bytes);
	}
	if (!job) {
		match_refused(e, now, r, PNRP_TRACE_REFUSED);
		return;
	}
	job->owner = r->handle;
	r->job = job->token;
	r->stage = PNRP_STAGE_VERIFYING;
}

void pnrp_match_checked(struct pnrp_engine *e, uint64_t now, const struct pnrp_job *job, int result)
{
	struct pnrp_resolve *r = find_resolve(e, job->owner);
	struct pnrp_match *match = NULL;
	struct pnrp_authority_buffer b;
	struct pnrp_trace t = {.kind = PNRP_TRACE_CONFIRMED};

	if (!r || r->job != job->token)
		return;
	r->job = 0;
	if (result) {
		if (pnrp_disproved(result)) {
			pnrp_drop(e, PNRP_DROP_CPA);
			r->unverified = true;
		}
		match_refused(e, now, r, PNRP_TRACE_REFUSED);
		return;
	}
	t.id = r->walk.best->id;
	t.bits_before = best_bits(r);
	trace(e, now, r, &t);
	if (r->reason == PNRP_REASON_SPLIT)
		pnrp_split_verdict(e, now, r, &r->walk.best->id);
	if (r->reason == PNRP_REASON_APPLICATION &&
	    pnrp_authority_decode(e->wire, ponto_bytes(job->bytes, job->len), &b) == PONTO_OK)
		match = pnrp_match_of_answer(e, &r->walk.best->id, &b);
	finish(e, now, r, match || r->reason != PNRP_REASON_APPLICATION ? PONTO_OK : PONTO_ENOMEM, match);
}

/* A leaf is not given up for two datagrams that were lost: it is asked once more. */
static void hop_silent(struct pnrp_engine *e, uint64_t now, const struct ring_route *hop)
{
	const struct ring_place *place = ring_cache_place(&e->cache, &hop->id);

	if (place && place->leaf)
		pnrp_probe(e, now, hop);
	else
		pnrp_uncache(e, now, &hop->id);
}

static bool has_asked_name(const struct pnrp_resolve *r, const struct ring_id *id)
{
	return ring_id_common_bits(id, &r->walk.target) >= 8 * PNRP_P2P_ID_SIZE;
}

/* Whoever has the asked name is asked once more in each walk, since others cannot take their place: an INQUIRE as
 * 3.1.4.4.2 says, which goes back to the best match without an end (T20), a LOOKUP likewise. */
static bool may_ask_again(const struct pnrp_resolve *r)
{
	bool inquiring = r->stage == PNRP_STAGE_INQUIRING;
	const struct ring_route *asked = inquiring ? r->walk.best : r->walk.current.route;

	return !r->repeated && r->reason == PNRP_REASON_APPLICATION && has_asked_name(r, &asked->id) &&
	       (inquiring || r->walk.current.uses < RING_USES_MAX);
}

static void ask_again(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r)
{
	struct pnrp_trace t = {.kind = PNRP_TRACE_TIMEOUT, .bits_before = best_bits(r)};
	bool inquiring = r->stage == PNRP_STAGE_INQUIRING, sent;

	t.id = inquiring ? r->walk.best->id : r->walk.current.route->id;
	if (inquiring)
		t.kind = PNRP_TRACE_SILENT;
	trace(e, now, r, &t);
	r->repeated = true;
	if (inquiring) {
		sent = send_inquire(e, now, r);
	} else {
		ring_walk_repeat(&r->walk);
		sent = send_lookup(e, now, r);
	}
	if (!sent)
		pnrp_resolve_silent(e, now, r);
}

void pnrp_resolve_silent(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r)
{
	struct pnrp_trace t = {.kind = PNRP_TRACE_TIMEOUT, .bits_before = best_bits(r)};
	struct ring_endpoint asked = pnrp_endpoint_of(&r->asked);

	if (may_ask_again(r)) {
		ask_again(e, now, r);
		return;
	}
	if (r->stage == PNRP_STAGE_INQUIRING) {
		pnrp_uncache(e, now, &r->walk.best->id);
		match_refused(e, now, r, PNRP_TRACE_SILENT);
		return;
	}
	t.id = r->walk.current.route->id;
	hop_silent(e, now, r->walk.current.route);
	/* Walks of our own have time to ask again, and must: it is how the halves of a cloud that was parted meet. Who
	 * has the asked name is worth another try in each walk. */
	if (r->reason == PNRP_REASON_APPLICATION)
		ring_walk_silence(&r->walk, &asked, !has_asked_name(r, &t.id));
	else
		ring_walk_skip(&r->walk);
	trace(e, now, r, &t);
	advance(e, now, r);
}

/* ---- beginning and ending -------------------------------------------------------------------- */

/* Walks of our own take at most half the table, so that applications always find room. */
bool pnrp_walks_full(const struct pnrp_engine *e)
{
	uint32_t own = 0;

	for (const struct pnrp_resolve *r = e->resolves; r; r = r->next)
		own += r->reason != PNRP_REASON_APPLICATION;
	return own >= (e->limits.resolves + 1) / 2 || e->resolve_count >= e->limits.resolves;
}

uint64_t pnrp_walk_begin(struct pnrp_engine *e, uint64_t now, const struct pnrp_walk_request *request)
{
	struct pnrp_resolve *r;
	uint64_t handle;

	if (e->stopping || e->local_count == 0 || pnrp_walks_full(e) || (!request->first_hop && e->cache.count == 0))
		return 0;
	r = new_resolve(e, now);
	if (!r) {
		pnrp_drop(e, PNRP_DROP_MEMORY);
		return 0;
	}
	handle = r->handle;
	r->reason = request->reason;
	r->criteria = request->criteria;
	r->precision = request->precision;
	r->local = request->local;
	r->deadline = now + INTERNAL_TIMEOUT;
	r->walk.target = request->target;
	if (request->own)
		r->own = ring_route_ref(request->own);
	if (request->first_hop)
		r->first_hop = ring_route_ref(request->first_hop);
	r->repeat = request->repeat;
	begin_walk(e, now, r);
	return find_resolve(e, handle) ? handle : 0;
}

static int check_query(const struct pnrp_engine *e, const struct pnrp_query *q, struct pnrp_name *name)
{
	bool known = q->criteria == PNRP_CRITERIA_NONE || q->criteria == PNRP_CRITERIA_ANY ||
		     q->criteria == PNRP_CRITERIA_NEAREST || q->criteria == PNRP_CRITERIA_NEAREST_64 ||
		     q->criteria == PNRP_CRITERIA_UPPER_BITS;

	if (!pnrp_is_open(e))
		return PONTO_ECLOSED;
	if (e->local_count == 0)
		return PONTO_EUNREACH;
	if (!known || q->exclude_count > PNRP_EXCLUDE_MAX ||
	    (q->criteria == PNRP_CRITERIA_UPPER_BITS && (q->precision == 0 || q->precision > RING_ID_BITS)))
		return PONTO_EINVAL;
	return pnrp_name_parse(q->name, name);
}

/* 3.1.4.4.1, with the suffix 8000000000000000 of a resolve. */
static struct ring_id query_target(const struct pnrp_engine *e, const struct pnrp_name *name, uint64_t prefix)
{
	uint8_t p2p[PNRP_P2P_ID_SIZE], location[PNRP_LOCATION_SIZE], ip[16] = {0};
	struct ring_id target;

	for (unsigned i = 0; i < 8; i++)
		ip[i] = (uint8_t)(prefix >> (56 - 8 * i));
	pnrp_location_resolve(ip, location);
	pnrp_p2p_id(e->wire, name, p2p);
	pnrp_id_make(p2p, location, &target);
	return target;
}

int pnrp_engine_resolve(struct pnrp_engine *e, uint64_t now, const struct pnrp_query *q, uint64_t *handle)
{
	struct pnrp_name name;
	struct pnrp_resolve *r;
	int result = check_query(e, q, &name);

	if (result)
		return result;
	if (e->resolve_count >= e->limits.resolves)
		return PONTO_EBUSY;
	r = new_resolve(e, now);
	if (!r)
		return PONTO_ENOMEM;
	if (q->exclude_count > 0) {
		r->exclude = ponto_new(&e->alloc, q->exclude_count, sizeof(*r->exclude));
		if (!r->exclude) {
			remove_resolve(e, r);
			return PONTO_ENOMEM;
		}
		memcpy(r->exclude, q->exclude, q->exclude_count * sizeof(*r->exclude));
		r->exclude_count = (uint8_t)q->exclude_count;
	}
	r->token = q->token;
	r->reason = PNRP_REASON_APPLICATION;
	r->criteria = (uint8_t)q->criteria;
	r->precision = q->precision;
	r->include_local = q->include_local;
	r->trace = q->trace;
	r->restarts = q->max_restarts < PNRP_RESTARTS_MAX ? q->max_restarts : PNRP_RESTARTS_MAX;
	r->deadline = now + (q->timeout ? q->timeout : DEFAULT_TIMEOUT);
	r->walk.target = query_target(e, &name, q->prefix);
	e->stats.resolves++;
	*handle = r->handle;
	begin_walk(e, now, r);
	return PONTO_OK;
}

void pnrp_engine_cancel(struct pnrp_engine *e, uint64_t now, uint64_t handle)
{
	struct pnrp_resolve *r = find_resolve(e, handle);

	(void)now;
	if (!r || r->reason != PNRP_REASON_APPLICATION)
		return;
	let_go(e, r);
	remove_resolve(e, r);
}

void pnrp_resolves_wake(struct pnrp_engine *e, uint64_t now)
{
	struct pnrp_resolve *r = e->resolves;

	while (r) {
		struct pnrp_resolve *next = r->next;

		if (r->stage == PNRP_STAGE_WAITING) {
			r->walks--;
			begin_walk(e, now, r);
		}
		r = next;
	}
}

void pnrp_resolves_tick(struct pnrp_engine *e, uint64_t now)
{
	struct pnrp_resolve *r = e->resolves;

	while (r) {
		struct pnrp_resolve *next = r->next;

		if (r->stage != PNRP_STAGE_FINISHED && r->deadline <= now)
			finish(e, now, r, PONTO_ETIME, NULL);
		r = next;
	}
}

uint64_t pnrp_resolves_deadline(const struct pnrp_engine *e)
{
	uint64_t deadline = PONTO_NEVER;

	for (const struct pnrp_resolve *r = e->resolves; r; r = r->next)
		if (r->stage != PNRP_STAGE_FINISHED && r->deadline < deadline)
			deadline = r->deadline;
	return deadline;
}

void pnrp_resolves_fail(struct pnrp_engine *e, uint64_t now, int result)
{
	struct pnrp_resolve *r = e->resolves;

	while (r) {
		struct pnrp_resolve *next = r->next;

		if (r->stage != PNRP_STAGE_FINISHED)
			finish(e, now, r, result, NULL);
		r = next;
	}
}
