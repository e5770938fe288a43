#include "tests/support/pnrp_rig.h"

#include "engines/ring/ring_route.h"

#define RIG_NAME "0.local"

/* ---- life ------------------------------------------------------------------------ */

struct rig *rig_new(void (*configure)(struct pnrp_engine_config *config))
{
	struct rig *r = calloc(1, sizeof(*r));
	struct pnrp_engine_config config = {.profile = PNRP_PROFILE_WINDOWS, .scope = PONTO_SCOPE_GLOBAL};

	assert_non_null(r);
	ponto_test_alloc_init(&r->alloc);
	ponto_test_random_init(&r->random, 7);
	config.alloc = r->alloc.alloc;
	config.random = r->random.random;
	if (configure)
		configure(&config);
	r->now = PONTO_SECOND;
	r->next_id = 0x1000;
	r->local = (struct ponto_addr){.family = PONTO_FAMILY_IPV6, .port = PNRP_PORT};
	memcpy(r->local.ip, (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, [15] = 1}, 16);
	assert_ok(pnrp_engine_create(&config, &r->engine));
	pnrp_engine_set_wall(r->engine, WORLD_WALL);
	assert_ok(pnrp_engine_set_local(r->engine, r->now, &r->local, 1));
	return r;
}

static void free_list(struct rig_datagram *d)
{
	while (d) {
		struct rig_datagram *next = d->next;

		free(d);
		d = next;
	}
}

void rig_free(struct rig *r)
{
	pnrp_engine_destroy(r->engine);
	assert_int_equal(r->alloc.live, 0);
	free_list(r->out);
	free_list(r->taken);
	free(r);
}

struct rig *rig_open(void)
{
	struct rig *r = rig_new(NULL);

	assert_ok(pnrp_engine_open(r->engine, r->now, NULL, 0));
	rig_pump(r);
	return r;
}

/* ---- peers ----------------------------------------------------------------------------- */

struct ponto_addr rig_addr(unsigned n)
{
	struct ponto_addr a = {.family = PONTO_FAMILY_IPV6, .port = 4000};

	memcpy(a.ip, (uint8_t[]){0x20, 0x01, 0x0d, 0xb8, 0x10, 0, (uint8_t)(n >> 8), (uint8_t)n}, 8);
	a.ip[15] = 1;
	return a;
}

struct pnrp_ipv6_endpoint rig_endpoint(const struct ponto_addr *a)
{
	struct pnrp_ipv6_endpoint p = {.port = a->port};

	memcpy(p.ip, a->ip, sizeof(p.ip));
	return p;
}

struct rig_peer rig_peer(unsigned n, const char *name, const uint8_t location[PNRP_LOCATION_SIZE])
{
	struct rig_peer p = {.addr = rig_addr(n), .identity = 100 + n};
	uint8_t p2p[PNRP_P2P_ID_SIZE];

	assert_ok(pnrp_name_parse(name, &p.name));
	memcpy(p.location, location, sizeof(p.location));
	pnrp_p2p_id(&pnrp_windows, &p.name, p2p);
	pnrp_id_make(p2p, p.location, &p.id);
	return p;
}

struct rig_peer rig_neighbour(unsigned n, const struct ring_id *id, int steps)
{
	struct ring_id at = {{0}}, gap = {{0}};

	gap.b[RING_ID_SIZE / 2 + 2] = 1; /* 2^104 */
	at = *id;
	for (int i = 0; i < (steps < 0 ? -steps : steps); i++)
		at = steps < 0 ? ring_id_sub(&at, &gap) : ring_id_add(&at, &gap);
	return rig_peer(n, RIG_NAME, at.b + RING_ID_SIZE / 2);
}

void rig_route(const struct ring_id *id, unsigned n, struct pnrp_route_entry *out)
{
	struct ponto_addr a = rig_addr(n);

	memset(out, 0, sizeof(*out));
	out->id = *id;
	out->port = a.port;
	out->count = 1;
	memcpy(out->addrs[0], a.ip, 16);
}

void rig_peer_route(const struct rig_peer *p, struct pnrp_route_entry *out)
{
	memset(out, 0, sizeof(*out));
	out->id = p->id;
	out->port = p->addr.port;
	out->count = 1;
	memcpy(out->addrs[0], p->addr.ip, 16);
}

struct ring_id rig_id(uint8_t first, uint8_t last)
{
	struct ring_id id = {{0}};

	id.b[0] = first;
	id.b[RING_ID_SIZE - 1] = last;
	return id;
}

/* ---- effects ----------------------------------------------------------------------------- */

static void finish_job(struct rig *r, const struct pnrp_effect *effect, int result)
{
	struct pnrp_completion c = {.result = result};
	uint8_t key[140], signature[PNRP_ITEMS_MAX][128];

	if (effect->type == PNRP_EFFECT_SIGN) {
		world_key(effect->sign.identity, key);
		for (size_t i = 0; i < effect->sign.count; i++) {
			world_sign(ponto_bytes(key, sizeof(key)), effect->sign.items[i].data, signature[i]);
			c.signatures[i] = ponto_bytes(signature[i], sizeof(signature[i]));
		}
	}
	for (size_t i = 0; effect->type == PNRP_EFFECT_VERIFY && i < effect->verify.count && !c.result; i++) {
		world_sign(effect->verify.public_key, effect->verify.items[i].data, signature[0]);
		if (!ponto_bytes_equal(ponto_bytes(signature[0], 128), effect->verify.items[i].signature))
			c.result = PONTO_EAUTH;
	}
	pnrp_engine_complete(r->engine, r->now, effect->token, &c);
}

void rig_complete(struct rig *r, size_t index, int result)
{
	finish_job(r, &r->held[index], result);
	rig_pump(r);
}

static void do_job(struct rig *r, const struct pnrp_effect *effect)
{
	r->signs += effect->type == PNRP_EFFECT_SIGN;
	r->verifies += effect->type == PNRP_EFFECT_VERIFY;
	if (r->hold_jobs) {
		assert_true(r->held_count < PONTO_ARRAY_SIZE(r->held));
		r->held[r->held_count++] = *effect;
	} else {
		finish_job(r, effect, effect->type == PNRP_EFFECT_VERIFY ? r->verify_result : PONTO_OK);
	}
}

static void do_effect(struct rig *r, const struct pnrp_effect *effect)
{
	switch (effect->type) {
	case PNRP_EFFECT_SIGN:
	case PNRP_EFFECT_VERIFY:
		do_job(r, effect);
		break;
	case PNRP_EFFECT_DISCOVER:
		r->discovers++;
		r->sources = effect->discover.sources;
		for (unsigned s = 1; s <= 4 && !r->quiet_discovery; s *= 2)
			if (effect->discover.sources & s)
				pnrp_engine_discovery_done(r->engine, r->now, s);
		break;
	case PNRP_EFFECT_PUBLISH:
		r->published++;
		break;
	case PNRP_EFFECT_UNPUBLISH:
		r->unpublished++;
		break;
	case PNRP_EFFECT_REMEMBER:
		r->remembered++;
		break;
	case PNRP_EFFECT_RESOLVED:
		r->resolved++;
		r->match = *effect->resolved.match;
		r->walks = effect->resolved.walks;
		r->result = PONTO_OK;
		break;
	case PNRP_EFFECT_UNRESOLVED:
		r->unresolved++;
		r->walks = effect->unresolved.walks;
		r->result = effect->unresolved.result;
		break;
	case PNRP_EFFECT_TRACE:
		if (r->traces < WORLD_TRACES)
			r->trace[r->traces++] = effect->trace;
		break;
	case PNRP_EFFECT_REGISTRATION:
		r->registration = effect->registration.state;
		r->registration_handle = effect->handle;
		break;
	case PNRP_EFFECT_CLOUD:
		r->cloud = effect->cloud.state;
		r->cloud_changes++;
		break;
	case PNRP_EFFECT_ABANDON:
		break;
	}
}

static void keep(struct rig *r, const struct pnrp_slot *slot)
{
	struct rig_datagram *d = calloc(1, sizeof(*d)), **end = &r->out;

	assert_non_null(d);
	assert_true(slot->len <= PNRP_DATAGRAM_MAX);
	d->to = slot->to;
	d->from = slot->from;
	d->at = r->now;
	d->len = slot->len;
	memcpy(d->bytes, slot->data, slot->len);
	assert_ok(pnrp_decode(pnrp_peek_version(ponto_bytes(d->bytes, d->len)) == 5 ? &pnrp_modern : &pnrp_windows,
			      ponto_bytes(d->bytes, d->len), &d->m));
	while (*end)
		end = &(*end)->next;
	*end = d;
}

void rig_pump(struct rig *r)
{
	uint8_t bytes[PNRP_MESSAGE_MAX];
	struct pnrp_slot slot = {.data = bytes, .cap = sizeof(bytes)};
	struct pnrp_effect effect;
	bool more = true;

	while (more) {
		more = false;
		while (pnrp_engine_effect(r->engine, &effect) == 1) {
			do_effect(r, &effect);
			more = true;
		}
		while (pnrp_engine_output(r->engine, r->now, &slot) == 1) {
			keep(r, &slot);
			more = true;
		}
	}
}

void rig_run(struct rig *r, uint64_t duration)
{
	uint64_t end = r->now + duration;

	while (pnrp_engine_deadline(r->engine) <= end) {
		uint64_t at = pnrp_engine_deadline(r->engine);

		r->now = at > r->now ? at : r->now;
		pnrp_engine_tick(r->engine, r->now);
		rig_pump(r);
	}
	r->now = end;
}

/* ---- traffic -------------------------------------------------------------------------------- */

void rig_deliver(struct rig *r, const struct ponto_addr *from, struct ponto_bytes bytes)
{
	assert_ok(pnrp_engine_input(r->engine, r->now, from, &r->local, bytes));
	rig_pump(r);
}

uint32_t rig_send(struct rig *r, const struct ponto_addr *from, struct pnrp_message *m)
{
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	m->id = r->next_id++;
	assert_ok(pnrp_encode(&pnrp_windows, m, bytes, sizeof(bytes), &len));
	rig_deliver(r, from, ponto_bytes(bytes, len));
	return m->id;
}

struct rig_datagram *rig_take(struct rig *r, uint8_t type)
{
	struct rig_datagram **at = &r->out, *d;

	while (*at && (*at)->m.type != type)
		at = &(*at)->next;
	d = *at;
	if (!d)
		return NULL;
	*at = d->next;
	d->next = r->taken;
	r->taken = d;
	return d;
}

size_t rig_count(const struct rig *r, uint8_t type)
{
	size_t count = 0;

	for (const struct rig_datagram *d = r->out; d; d = d->next)
		count += d->m.type == type;
	return count;
}

void rig_forget(struct rig *r)
{
	free_list(r->out);
	r->out = NULL;
}

/* ---- answers ------------------------------------------------------------------------------------ */

void rig_answer(struct rig *r, const struct rig_datagram *question, const struct pnrp_authority_buffer *b)
{
	static uint8_t whole[PNRP_AUTHORITY_MAX];
	struct pnrp_message m = {.type = PNRP_AUTHORITY, .id = r->next_id++};
	uint8_t bytes[PNRP_DATAGRAM_MAX];
	size_t len, piece;

	assert_ok(pnrp_authority_encode(&pnrp_windows, b, whole, sizeof(whole), &len));
	m.authority.acked_id = question->m.id;
	m.authority.size = (uint16_t)len;
	for (size_t at = 0; at < len; at += PNRP_FRAGMENT) {
		m.authority.offset = (uint16_t)at;
		m.authority.slice = ponto_bytes(whole + at, len - at < PNRP_FRAGMENT ? len - at : PNRP_FRAGMENT);
		assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &piece));
		rig_deliver(r, &question->to, ponto_bytes(bytes, piece));
	}
}

void rig_answer_flags(struct rig *r, const struct rig_datagram *question, bool not_found)
{
	struct pnrp_authority_buffer b = {.not_found = not_found};

	rig_answer(r, question, &b);
}

static size_t build_cpa(const struct rig_peer *p, const uint8_t *nonce, bool revoke, const struct rig_forgery *f,
			uint8_t out[PNRP_CPA_MAX])
{
	struct pnrp_app_endpoint app = {.port = 7000, .protocol = 6};
	struct pnrp_cpa cpa = {.revoke = revoke, .has_classifier_hash = true, .service_count = 1, .app_count = 1};
	uint8_t key[140], signature[128];
	size_t len;

	world_key(f && f->other_key ? 999 : p->identity, key);
	cpa.not_after = pnrp_filetime(WORLD_WALL + 24 * 3600 * PONTO_SECOND);
	cpa.has_authority = p->name.secure;
	cpa.has_payload = f && f->with_payload;
	memcpy(cpa.authority, p->name.authority, sizeof(cpa.authority));
	memcpy(cpa.location, p->location, sizeof(cpa.location));
	if (nonce)
		memcpy(cpa.nonce, nonce, sizeof(cpa.nonce));
	pnrp_classifier_hash(&pnrp_windows, &p->name, cpa.classifier_hash);
	cpa.services[0] = rig_endpoint(&p->addr);
	memcpy(app.ip, p->addr.ip, 16);
	cpa.apps[0] = app;
	cpa.public_key = ponto_bytes(key, sizeof(key));
	if (f && f->cpa)
		f->cpa(&cpa);
	assert_ok(pnrp_cpa_encode(&pnrp_windows, &cpa, out, PNRP_CPA_MAX, &len));
	world_sign(ponto_bytes(key, sizeof(key)), ponto_bytes(out, len), signature);
	signature[5] ^= f && f->bad_signature;
	assert_ok(pnrp_signature_append(&pnrp_windows, ponto_bytes(signature, 128), out, PNRP_CPA_MAX, &len));
	return len;
}

static size_t build_payload(const struct rig_peer *p, const uint8_t *nonce, const struct rig_forgery *f,
			    uint8_t out[PNRP_PAYLOAD_ENCODED_MAX])
{
	struct pnrp_payload payload = {.not_after = pnrp_filetime(WORLD_WALL + 24 * 3600 * PONTO_SECOND),
				       .id = p->id,
				       .kind = PNRP_KIND_BINARY,
				       .data = ponto_bytes("payload", 7)};
	uint8_t key[140], signature[128];
	size_t len;

	world_key(p->identity, key);
	memcpy(payload.nonce, nonce, sizeof(payload.nonce));
	payload.nonce[0] ^= f->foreign_payload_nonce;
	payload.id.b[31] ^= f->foreign_payload_id;
	if (f->late_payload)
		payload.not_after = pnrp_filetime(WORLD_WALL - PONTO_SECOND);
	assert_ok(pnrp_payload_encode(&pnrp_windows, &payload, out, PNRP_PAYLOAD_ENCODED_MAX, &len));
	world_sign(ponto_bytes(key, sizeof(key)), ponto_bytes(out, len), signature);
	signature[5] ^= f->bad_payload_signature;
	assert_ok(
		pnrp_signature_append(&pnrp_windows, ponto_bytes(signature, 128), out, PNRP_PAYLOAD_ENCODED_MAX, &len));
	return len;
}

static void forge_chain(const struct rig_forgery *f, struct pnrp_authority_buffer *b, uint8_t *classifier)
{
	b->has_chain = f->with_chain || f->empty_chain;
	if (f->with_chain)
		b->chain = f->chain.len > 0 ? f->chain : ponto_bytes("chain", 5);
	for (size_t i = 0; f->little_classifier && i < b->classifier.len; i += 2) {
		uint8_t high = classifier[i];

		classifier[i] = classifier[i + 1];
		classifier[i + 1] = high;
	}
	if (f->foreign_classifier)
		classifier[b->classifier.len - 1] ^= 1;
	if (f->no_classifier)
		b->has_classifier = false;
}

void rig_certify(struct rig *r, const struct rig_datagram *inquire, const struct rig_peer *p,
		 const struct rig_forgery *f)
{
	uint8_t cpa[PNRP_CPA_MAX], classifier[2 * PNRP_CLASSIFIER_MAX], payload[PNRP_PAYLOAD_ENCODED_MAX];
	const uint8_t *nonce = inquire->m.inquire.nonce;
	struct pnrp_authority_buffer b = {.has_route = true, .has_classifier = true};

	rig_peer_route(p, &b.route);
	if (f && f->route)
		f->route(&b.route);
	b.has_route = !f || !f->no_route;
	b.classifier = ponto_bytes(classifier, pnrp_classifier_write(&p->name, classifier));
	if (f)
		forge_chain(f, &b, classifier);
	if (!f || !f->no_cpa) {
		b.has_cpa = true;
		b.cpa = ponto_bytes(cpa, build_cpa(p, nonce, false, f, cpa));
	}
	if (f && f->with_payload) {
		b.has_payload = true;
		b.payload = ponto_bytes(payload, build_payload(p, nonce, f, payload));
	}
	rig_answer(r, inquire, &b);
}

size_t rig_revoke(const struct rig_peer *p, uint8_t out[PNRP_CPA_MAX])
{
	return build_cpa(p, NULL, true, NULL, out);
}

static void flood(struct rig *r, const struct pnrp_route_entry *route)
{
	struct ponto_addr stranger = rig_addr(9999);
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.no_ack = true, .has_route = true, .route = *route}};

	rig_send(r, &stranger, &m);
}

void rig_meet_challenge(struct rig *r)
{
	struct rig_datagram *inquire = rig_take(r, PNRP_INQUIRE);

	if (inquire)
		rig_answer_flags(r, inquire, true);
}

void rig_learn(struct rig *r, const struct ring_id *id, unsigned n)
{
	struct pnrp_route known = {.id = *id, .addrs = {rig_addr(n)}, .addr_count = 1};
	struct rig_datagram *inquire;

	assert_int_equal(pnrp_engine_recall(r->engine, r->now, &known, 1), 1);
	rig_pump(r);
	inquire = rig_take(r, PNRP_INQUIRE);
	assert_non_null(inquire);
	assert_false(inquire->m.inquire.want_cpa);
	rig_answer_flags(r, inquire, false);
	assert_true(rig_knows(r, id));
}

void rig_learn_peer(struct rig *r, const struct rig_peer *p)
{
	struct pnrp_route_entry route;
	struct rig_datagram *inquire;

	rig_peer_route(p, &route);
	flood(r, &route);
	inquire = rig_take(r, PNRP_INQUIRE);
	assert_non_null(inquire);
	rig_certify(r, inquire, p, NULL);
	assert_true(rig_knows(r, &p->id));
}

/* ---- looking ---------------------------------------------------------------------------------------- */

struct look {
	const struct ring_id *id;
	size_t count;
	bool found, leaf;
};

static bool look_at(void *arg, const struct pnrp_route *route)
{
	struct look *look = arg;

	look->count++;
	if (look->id && ring_id_equal(look->id, &route->id)) {
		look->found = true;
		look->leaf = route->leaf;
	}
	return true;
}

bool rig_knows(const struct rig *r, const struct ring_id *id)
{
	struct look look = {.id = id};

	pnrp_engine_each_route(r->engine, look_at, &look);
	return look.found;
}

bool rig_is_leaf(const struct rig *r, const struct ring_id *id)
{
	struct look look = {.id = id};

	pnrp_engine_each_route(r->engine, look_at, &look);
	return look.leaf;
}

size_t rig_known(const struct rig *r)
{
	struct look look = {0};

	pnrp_engine_each_route(r->engine, look_at, &look);
	return look.count;
}

/* ---- what applications do ------------------------------------------------------------------------------ */

uint64_t rig_register(struct rig *r, struct ring_id *id)
{
	struct pnrp_endpoint endpoint = {.ip = {0x20, 1, [15] = 9}, .port = 5000, .protocol = 6};
	uint8_t key[140];
	struct pnrp_registration registration = {.name = RIG_NAME,
						 .token = 77,
						 .identity = 1,
						 .public_key = ponto_bytes(key, sizeof(key)),
						 .endpoints = &endpoint,
						 .endpoint_count = 1,
						 .has_prefix = true,
						 .prefix = UINT64_C(0x4000000000000000)};
	uint64_t handle;

	world_key(1, key);
	assert_ok(pnrp_engine_register(r->engine, r->now, &registration, &handle, id));
	rig_pump(r);
	return handle;
}

uint64_t rig_resolve(struct rig *r, const char *name)
{
	struct pnrp_query q = {.name = name, .criteria = PNRP_CRITERIA_ANY, .trace = true};
	uint64_t handle;

	assert_ok(pnrp_engine_resolve(r->engine, r->now, &q, &handle));
	rig_pump(r);
	return handle;
}
