#include "tests/support/pnrp_world.h"

#include <stdio.h>

#include "engines/pnrp/pnrp_codec.h"
#include "framework/digest.h"
#include "tests/support/pnrp_keys.h"

struct world_datagram {
	uint64_t at, sequence;
	size_t to;
	struct ponto_addr from, dest;
	size_t len;
	uint8_t bytes[PNRP_MESSAGE_MAX];
};

/* ---- the heap ------------------------------------------------------------------ */

static bool earlier(const struct world_datagram *a, const struct world_datagram *b)
{
	return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

static void heap_push(struct world *w, struct world_datagram *d)
{
	size_t i = w->heap_count++;

	if (w->heap_count > w->heap_room) {
		w->heap_room = w->heap_room * 2 + 64;
		w->heap = realloc(w->heap, w->heap_room * sizeof(*w->heap));
		assert_non_null(w->heap);
	}
	for (; i > 0 && earlier(d, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = d;
}

static struct world_datagram *heap_pop(struct world *w)
{
	struct world_datagram *top = w->heap[0], *last = w->heap[--w->heap_count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < w->heap_count) {
		if (child + 1 < w->heap_count && earlier(w->heap[child + 1], w->heap[child]))
			child++;
		if (!earlier(w->heap[child], last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return top;
}

/* ---- keys --------------------------------------------------------------------------- */

void world_key(uint64_t identity, uint8_t key[140])
{
	pnrp_test_key(identity, key, 140);
}

void world_sign(struct ponto_bytes key, struct ponto_bytes data, uint8_t out[128])
{
	pnrp_test_sign(key, data, out, 128);
}

const char *world_secure_name(uint64_t identity, const char *classifier)
{
	static char text[512];
	uint8_t key[140], authority[PNRP_HASH_SIZE];
	char hex[2 * PNRP_HASH_SIZE + 1];

	world_key(identity, key);
	pnrp_key_authority(&pnrp_windows, ponto_bytes(key, sizeof(key)), authority);
	ponto_hex(ponto_bytes(authority, sizeof(authority)), hex);
	snprintf(text, sizeof(text), "%s.%s", hex, classifier);
	return text;
}

/* ---- nodes --------------------------------------------------------------------------- */

struct world *world_new(size_t count, uint64_t seed, const struct pnrp_limits *limits)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	ponto_test_alloc_init(&w->alloc);
	ponto_test_random_init(&w->random, seed);
	w->now = PONTO_SECOND;
	w->latency_min = 5 * PONTO_MS;
	w->latency_max = 40 * PONTO_MS;
	w->count = count;
	w->nodes = calloc(count, sizeof(*w->nodes));
	assert_non_null(w->nodes);
	for (size_t i = 0; i < count; i++) {
		struct world_node *n = &w->nodes[i];
		struct pnrp_engine_config config = {.alloc = w->alloc.alloc,
						    .random = w->random.random,
						    .profile = PNRP_PROFILE_WINDOWS,
						    .scope = PONTO_SCOPE_GLOBAL};
		struct ponto_addr a = {.family = PONTO_FAMILY_IPV6, .port = PNRP_PORT};

		if (limits)
			config.limits = *limits;
		memcpy(a.ip, (uint8_t[]){0x20, 0x01, 0x0d, 0xb8, (uint8_t)(i >> 8), (uint8_t)i}, 6);
		a.ip[15] = 1;
		n->addr = a;
		n->deadline = PONTO_NEVER;
		assert_ok(pnrp_engine_create(&config, &n->engine));
		pnrp_engine_set_wall(n->engine, WORLD_WALL);
		assert_ok(pnrp_engine_set_local(n->engine, w->now, &a, 1));
	}
	return w;
}

void world_free(struct world *w)
{
	for (size_t i = 0; i < w->count; i++)
		pnrp_engine_destroy(w->nodes[i].engine);
	assert_int_equal(w->alloc.live, 0);
	while (w->heap_count > 0)
		free(heap_pop(w));
	for (size_t i = 0; i < w->outcome_count; i++)
		free(w->outcomes[i]);
	free(w->outcomes);
	free(w->heap);
	free(w->nodes);
	free(w);
}

size_t world_node_at(const struct world *w, const struct ponto_addr *a)
{
	size_t i = (size_t)a->ip[4] << 8 | a->ip[5];

	return i < w->count && ponto_addr_equal(&w->nodes[i].addr, a) ? i : w->count;
}

static void do_sign(struct world *w, size_t node, const struct pnrp_effect *effect)
{
	struct pnrp_completion c = {.result = PONTO_OK};
	uint8_t key[140], signature[PNRP_ITEMS_MAX][128];

	world_key(effect->sign.identity, key);
	for (size_t i = 0; i < effect->sign.count; i++) {
		world_sign(ponto_bytes(key, sizeof(key)), effect->sign.items[i].data, signature[i]);
		c.signatures[i] = ponto_bytes(signature[i], sizeof(signature[i]));
	}
	pnrp_engine_complete(w->nodes[node].engine, w->now, effect->token, &c);
}

static void do_verify(struct world *w, size_t node, const struct pnrp_effect *effect)
{
	struct pnrp_completion c = {.result = w->nodes[node].verify_result};
	uint8_t signature[128];

	for (size_t i = 0; i < effect->verify.count && c.result == PONTO_OK; i++) {
		world_sign(effect->verify.public_key, effect->verify.items[i].data, signature);
		if (!ponto_bytes_equal(ponto_bytes(signature, sizeof(signature)), effect->verify.items[i].signature))
			c.result = PONTO_EAUTH;
	}
	pnrp_engine_complete(w->nodes[node].engine, w->now, effect->token, &c);
}

static void do_discover(struct world *w, size_t node, unsigned sources)
{
	struct world_node *n = &w->nodes[node];

	n->discovers++;
	for (unsigned source = PNRP_SOURCE_REMEMBERED; source <= PNRP_SOURCE_SEED; source *= 2) {
		if (!(sources & source))
			continue;
		if (source == PNRP_SOURCE_SEED)
			pnrp_engine_found(n->engine, w->now, source, n->seeds, n->seed_count);
		pnrp_engine_discovery_done(n->engine, w->now, source);
	}
}

static void end_resolve(struct world *w, const struct pnrp_effect *effect)
{
	struct world_outcome *o = w->outcomes[effect->token - 1];

	assert_false(o->done);
	o->done = true;
	if (effect->type == PNRP_EFFECT_UNRESOLVED) {
		o->result = effect->unresolved.result;
		o->walks = effect->unresolved.walks;
		o->hops = effect->unresolved.hops;
		o->elapsed = effect->unresolved.elapsed;
		return;
	}
	o->match = *effect->resolved.match;
	assert_true(o->match.payload.len <= sizeof(o->payload));
	if (o->match.payload.len > 0)
		memcpy(o->payload, o->match.payload.data, o->match.payload.len);
	o->match.payload.data = o->payload;
	o->walks = effect->resolved.walks;
	o->hops = effect->resolved.hops;
	o->elapsed = effect->resolved.elapsed;
}

static void do_effect(struct world *w, size_t node, const struct pnrp_effect *effect)
{
	struct world_node *n = &w->nodes[node];
	struct world_outcome *o;

	switch (effect->type) {
	case PNRP_EFFECT_SIGN:
		if (!n->hold_jobs)
			do_sign(w, node, effect);
		break;
	case PNRP_EFFECT_VERIFY:
		if (!n->hold_jobs)
			do_verify(w, node, effect);
		break;
	case PNRP_EFFECT_DISCOVER:
		do_discover(w, node, effect->discover.sources);
		break;
	case PNRP_EFFECT_PUBLISH:
		n->published++;
		break;
	case PNRP_EFFECT_UNPUBLISH:
		n->unpublished++;
		break;
	case PNRP_EFFECT_REMEMBER:
		n->remembered++;
		break;
	case PNRP_EFFECT_RESOLVED:
	case PNRP_EFFECT_UNRESOLVED:
		end_resolve(w, effect);
		break;
	case PNRP_EFFECT_TRACE:
		o = w->outcomes[effect->token - 1];
		if (o->traces < WORLD_TRACES)
			o->trace[o->traces++] = effect->trace;
		break;
	case PNRP_EFFECT_REGISTRATION:
		n->registration = effect->registration.state;
		n->registration_token = effect->token;
		n->gone += effect->registration.state == PNRP_REGISTRATION_GONE;
		break;
	case PNRP_EFFECT_CLOUD:
		n->state = effect->cloud.state;
		break;
	case PNRP_EFFECT_ABANDON:
		break;
	}
}

static void send(struct world *w, size_t node, const struct pnrp_slot *slot)
{
	size_t to = world_node_at(w, &slot->to);
	struct ponto_bytes bytes = ponto_bytes(slot->data, slot->len);
	struct world_datagram *d;

	assert_true(slot->len <= PNRP_DATAGRAM_MAX);
	if ((w->filter && !w->filter(w->filter_arg, w, node, to, bytes)) || to == w->count ||
	    ponto_random_below(&w->random.random, 1000) < w->loss_permille) {
		w->lost++;
		return;
	}
	d = malloc(sizeof(*d));
	assert_non_null(d);
	d->at = w->now + w->latency_min + ponto_random_below(&w->random.random, w->latency_max - w->latency_min + 1);
	d->sequence = w->sequence++;
	d->to = to;
	d->from = slot->from.family ? slot->from : w->nodes[node].addr;
	d->dest = slot->to;
	d->len = slot->len;
	memcpy(d->bytes, slot->data, slot->len);
	heap_push(w, d);
}

void world_pump(struct world *w, size_t node)
{
	struct world_node *n = &w->nodes[node];
	uint8_t bytes[PNRP_MESSAGE_MAX];
	struct pnrp_slot slot = {.data = bytes, .cap = sizeof(bytes)};
	struct pnrp_effect effect;
	bool more = true;

	while (more) {
		more = false;
		while (pnrp_engine_effect(n->engine, &effect) == 1) {
			do_effect(w, node, &effect);
			more = true;
		}
		while (pnrp_engine_output(n->engine, w->now, &slot) == 1) {
			send(w, node, &slot);
			more = true;
		}
	}
	n->deadline = pnrp_engine_deadline(n->engine);
}

/* ---- time ---------------------------------------------------------------------------------- */

static void deliver(struct world *w, struct world_datagram *d)
{
	struct world_node *n = &w->nodes[d->to];
	uint64_t parts[] = {w->trace_hash, w->now, d->to, d->len};
	static const uint8_t key[16];
	struct ponto_bytes bytes = ponto_bytes(d->bytes, d->len);

	if (!n->down) {
		w->delivered++;
		w->trace_hash = ponto_siphash(key, ponto_bytes(parts, sizeof(parts))) ^ ponto_siphash(key, bytes);
		assert_ok(pnrp_engine_input(n->engine, w->now, &d->from, &d->dest, bytes));
		world_pump(w, d->to);
	}
	free(d);
}

void world_run(struct world *w, uint64_t duration)
{
	uint64_t end = w->now + duration;

	for (;;) {
		size_t due = w->count;
		uint64_t next = end;

		for (size_t i = 0; i < w->count; i++) {
			if (!w->nodes[i].down && w->nodes[i].deadline < next) {
				due = i;
				next = w->nodes[i].deadline;
			}
		}
		if (w->heap_count > 0 && w->heap[0]->at <= next) {
			w->now = w->heap[0]->at > w->now ? w->heap[0]->at : w->now;
			deliver(w, heap_pop(w));
		} else if (due < w->count) {
			w->now = next > w->now ? next : w->now;
			pnrp_engine_tick(w->nodes[due].engine, w->now);
			world_pump(w, due);
			assert_true(w->nodes[due].deadline > w->now);
		} else {
			break;
		}
	}
	w->now = end;
}

/* ---- what applications do --------------------------------------------------------------------- */

void world_open(struct world *w, size_t node, size_t seed_node)
{
	struct world_node *n = &w->nodes[node];

	if (seed_node != node && n->seed_count < WORLD_SEEDS)
		n->seeds[n->seed_count++] = w->nodes[seed_node].addr;
	assert_ok(pnrp_engine_open(n->engine, w->now, NULL, 0));
	world_pump(w, node);
}

uint64_t world_register(struct world *w, size_t node, const char *name, struct ring_id *id)
{
	struct pnrp_endpoint endpoint = {.port = (uint16_t)(5000 + node), .protocol = 6};
	uint8_t key[140];
	struct pnrp_registration r = {.name = name,
				      .token = node + 1,
				      .identity = node + 1,
				      .public_key = ponto_bytes(key, sizeof(key)),
				      .endpoints = &endpoint,
				      .endpoint_count = 1};
	struct ring_id unused;
	uint64_t handle;

	world_key(r.identity, key);
	memcpy(endpoint.ip, w->nodes[node].addr.ip, 16);
	assert_ok(pnrp_engine_register(w->nodes[node].engine, w->now, &r, &handle, id ? id : &unused));
	world_pump(w, node);
	return handle;
}

struct world_outcome *world_query(struct world *w, size_t node, struct pnrp_query *q)
{
	struct world_outcome *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	w->outcomes = realloc(w->outcomes, (w->outcome_count + 1) * sizeof(struct world_outcome *));
	assert_non_null(w->outcomes);
	w->outcomes[w->outcome_count++] = o;
	q->token = w->outcome_count;
	assert_ok(pnrp_engine_resolve(w->nodes[node].engine, w->now, q, &o->handle));
	world_pump(w, node);
	return o;
}

struct world_outcome *world_resolve(struct world *w, size_t node, const char *name, uint32_t max_restarts)
{
	struct pnrp_query q = {
		.name = name, .criteria = PNRP_CRITERIA_ANY, .trace = true, .max_restarts = max_restarts};

	return world_query(w, node, &q);
}
