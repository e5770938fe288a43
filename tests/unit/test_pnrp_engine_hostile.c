/* Hostile traffic and refused memory: bounded state, bounded answers, nothing broken. */
#include "framework/digest.h"
#include "tests/support/pnrp_rig.h"

static size_t bytes_out(const struct rig *r)
{
	size_t bytes = 0;

	for (const struct rig_datagram *d = r->out; d; d = d->next)
		bytes += d->len;
	return bytes;
}

static uint64_t memory(const struct rig *r)
{
	struct pnrp_status status;

	pnrp_engine_status(r->engine, &status);
	return status.memory;
}

static uint32_t pending(const struct rig *r)
{
	struct pnrp_status status;

	pnrp_engine_status(r->engine, &status);
	return status.pending + status.resolves;
}

/* A thousand forged senders, each naming a victim in its route entry. */
static void flood_of_solicits(void **state)
{
	struct rig *r = rig_open();
	size_t in = 0, advertise = 0, inquire = 0;
	struct pnrp_status status;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		rig_learn(r, &(struct ring_id){{(uint8_t)(i * 12 + 1)}}, 100 + i);
	rig_forget(r);
	for (unsigned i = 0; i < 1000; i++) {
		struct ponto_addr forged = rig_addr(2000 + i);
		struct pnrp_message m = {.type = PNRP_SOLICIT, .solicit = {.has_route = true}};
		struct ring_id id = rig_id((uint8_t)i, (uint8_t)(i >> 8));
		uint8_t bytes[PNRP_MESSAGE_MAX];
		size_t len;

		id.b[9] = 1;
		rig_route(&id, 5000, &m.solicit.route); /* the victim */
		m.solicit.hashed_nonce[0] = (uint8_t)i;
		assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
		in += len;
		rig_send(r, &forged, &m);
	}
	for (const struct rig_datagram *d = r->out; d; d = d->next) {
		advertise += d->m.type == PNRP_ADVERTISE;
		inquire += d->m.type == PNRP_INQUIRE;
	}
	assert_int_equal(advertise, 1000);
	assert_true(inquire <= 64);
	assert_true(bytes_out(r) < in); /* less than came in: nobody gains by asking here */
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.conversations, 64);
	assert_true(memory(r) < 64 * 1024);
	rig_run(r, 16 * PONTO_SECOND);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.conversations + status.pending_adds, 0);
	rig_free(r);
}

static void offer_forged(struct rig *r, const struct ponto_addr *forged, struct pnrp_message *m, size_t *in)
{
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	assert_ok(pnrp_encode(&pnrp_windows, m, bytes, sizeof(bytes), &len));
	*in += len;
	rig_send(r, forged, m);
}

/* A nonce is of the asker's own making, so both halves of a synchronisation can be forged. Its answers, three times
 * as large, are not sent to one address as often as somebody likes; and others are served meanwhile. */
static void flood_of_forged_synchronisations(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr victim = rig_addr(2000), other = rig_addr(2001);
	struct ring_id ids[20];
	uint8_t nonce[PNRP_NONCE_SIZE] = {0};
	struct ponto_bytes part = ponto_bytes(nonce, sizeof(nonce));
	size_t in = 0;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		ids[i] = (struct ring_id){{(uint8_t)(i * 12 + 1)}};
		rig_learn(r, &ids[i], 100 + i);
	}
	rig_forget(r);
	for (unsigned i = 0; i < 2000; i++) {
		struct pnrp_message m = {.type = PNRP_SOLICIT}, request = {.type = PNRP_REQUEST};

		nonce[0] = (uint8_t)i;
		nonce[1] = (uint8_t)(i >> 8);
		ponto_sha1(&part, 1, m.solicit.hashed_nonce);
		offer_forged(r, &victim, &m, &in);
		memcpy(request.request.nonce, nonce, sizeof(nonce));
		request.request.ids = pnrp_ids(ids, 20);
		offer_forged(r, &victim, &request, &in);
		r->now += PONTO_MS;
	}
	assert_true(bytes_out(r) < in / 4);
	assert_true(rig_count(r, PNRP_FLOOD) <= 160 + 2 * 40);
	assert_true(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_RATE] > 0);
	rig_forget(r);
	for (unsigned i = 0; i < 2; i++) {
		struct pnrp_message m = {.type = i ? PNRP_REQUEST : PNRP_SOLICIT};

		if (i) {
			memcpy(m.request.nonce, nonce, sizeof(nonce));
			m.request.ids = pnrp_ids(ids, 5);
		} else {
			ponto_sha1(&part, 1, m.solicit.hashed_nonce);
		}
		offer_forged(r, &other, &m, &in);
	}
	assert_int_equal(rig_count(r, PNRP_FLOOD), 5);
	rig_free(r);
}

/* A second later the second copy of a REQUEST is welcome. */
static void who_asks_too_much_is_told_later(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(2000);
	struct ring_id id = {{1}}, ids[36];
	uint8_t nonce[PNRP_NONCE_SIZE] = {0};
	struct ponto_bytes part = ponto_bytes(nonce, sizeof(nonce));
	size_t in = 0;

	(void)state;
	rig_learn(r, &id, 100);
	for (unsigned i = 0; i < 36; i++)
		ids[i] = id;
	for (unsigned i = 0; i < 5; i++) {
		struct pnrp_message m = {.type = PNRP_SOLICIT}, request = {.type = PNRP_REQUEST};

		nonce[0] = (uint8_t)i;
		ponto_sha1(&part, 1, m.solicit.hashed_nonce);
		offer_forged(r, &peer, &m, &in);
		memcpy(request.request.nonce, nonce, sizeof(nonce));
		request.request.ids = pnrp_ids(ids, 36);
		rig_forget(r);
		offer_forged(r, &peer, &request, &in);
		assert_int_equal(rig_count(r, PNRP_ACK), i < 4);
		if (i < 4)
			continue;
		rig_run(r, PONTO_SECOND);
		offer_forged(r, &peer, &request, &in);
		assert_int_equal(rig_count(r, PNRP_ACK), 1);
	}
	rig_free(r);
}

static void flood_of_floods_and_lookups(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	size_t in = 0;

	(void)state;
	rig_register(r, &local);
	for (unsigned i = 0; i < 3000; i++) {
		struct ponto_addr forged = rig_addr(2000 + i);
		struct pnrp_message m = {.type = i % 2 ? PNRP_FLOOD : PNRP_LOOKUP};
		struct ring_id id = rig_id((uint8_t)i, (uint8_t)(i >> 8));
		struct pnrp_route_entry route;
		uint8_t bytes[PNRP_MESSAGE_MAX];
		size_t len;

		rig_route(&id, 5000 + i, &route);
		if (i % 2) {
			m.flood.has_route = true;
			m.flood.route = route;
		} else {
			m.lookup.has_route = true;
			m.lookup.route = route;
			m.lookup.count = 1;
			m.lookup.path[0] = rig_endpoint(&forged);
		}
		assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
		in += len;
		rig_send(r, &forged, &m);
	}
	assert_true(bytes_out(r) < in);
	assert_true(memory(r) < 96 * 1024);
	rig_run(r, 5 * PONTO_SECOND);
	assert_true(memory(r) < 16 * 1024);
	rig_free(r);
}

/* Certified entries ever closer to our ID: each becomes a leaf and pushes one out. */
static void eclipse_with_valid_entries_is_bounded(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct pnrp_status status;

	(void)state;
	rig_register(r, &local);
	for (unsigned i = 0; i < 300; i++) {
		struct rig_peer p = rig_neighbour(10 + i, &local, 301 - (int)i);

		rig_learn_peer(r, &p);
		rig_run(r, PONTO_SECOND / 10);
		for (struct rig_datagram *d = rig_take(r, PNRP_FLOOD); d; d = rig_take(r, PNRP_FLOOD)) {
			struct pnrp_message ack = {.type = PNRP_ACK, .ack = {.acked_id = d->m.id}};

			rig_send(r, &d->to, &ack);
		}
		for (struct rig_datagram *d = rig_take(r, PNRP_LOOKUP); d; d = rig_take(r, PNRP_LOOKUP))
			rig_answer_flags(r, d, false);
		while (rig_take(r, PNRP_INQUIRE))
			;
	}
	pnrp_engine_status(r->engine, &status);
	assert_true(status.cache_entries <= 80 + 10);
	rig_free(r);
}

/* Everything a full, idle node holds. */
static void idle_node_is_small(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 5);
	rig_register(r, &local);
	for (unsigned i = 0; i < 10; i++) {
		struct rig_peer p = rig_neighbour(10 + i, &local, i < 5 ? (int)i + 1 : 4 - (int)i);

		rig_learn_peer(r, &p);
	}
	for (unsigned i = 0; i < 2000; i++) {
		struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.no_ack = true, .has_route = true}};
		struct ring_id distance = ring_id_random(&tr.random), id;
		struct ponto_addr stranger = rig_addr(999);
		struct rig_datagram *d;

		distance = ring_id_shift_right(&distance, i % 100);
		id = ring_id_add(&local, &distance);
		rig_route(&id, 3000 + i, &m.flood.route);
		rig_send(r, &stranger, &m);
		d = rig_take(r, PNRP_INQUIRE);
		if (d)
			rig_answer_flags(r, d, false);
		r->now += PONTO_SECOND / 40;
	}
	assert_true(rig_known(r) >= 60);
	/* The largest blocks of the moment are gone once nothing is under way. */
	assert_true(memory(r) < 16 * 1024 + 1400 * (uint64_t)pending(r));
	rig_free(r);
}

static void abandoned_jobs_may_still_be_completed(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id;
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE, .inquire = {.want_cpa = true}};
	struct pnrp_completion none = {.result = PONTO_OK};
	uint64_t handle = rig_register(r, &id);

	(void)state;
	r->hold_jobs = true;
	m.inquire.validate_id = id;
	rig_send(r, &peer, &m);
	assert_int_equal(r->held_count, 1);
	assert_ok(pnrp_engine_unregister(r->engine, r->now, handle));
	rig_pump(r);
	rig_complete(r, 0, PONTO_OK);
	assert_null(rig_take(r, PNRP_AUTHORITY));
	pnrp_engine_complete(r->engine, r->now, 123456, &none);
	pnrp_engine_complete(r->engine, r->now, 0, &none);
	pnrp_engine_complete(r->engine, r->now, r->held[0].token, &none);
	rig_free(r);
}

static void failed_signature_sends_nothing(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id;
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE, .inquire = {.want_cpa = true}};

	(void)state;
	rig_register(r, &id);
	r->hold_jobs = true;
	m.inquire.validate_id = id;
	rig_send(r, &peer, &m);
	rig_complete(r, 0, PONTO_EIO);
	assert_null(rig_take(r, PNRP_AUTHORITY));
	rig_free(r);
}

static void output_and_notes_are_bounded(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE, .id = 1};
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
	for (int i = 0; i < 2000; i++) /* nobody fetches the answers */
		assert_ok(pnrp_engine_input(r->engine, r->now, &peer, &r->local, ponto_bytes(bytes, len)));
	assert_int_equal(pnrp_engine_stats(r->engine)->output_lost, 2000 - 256);
	rig_pump(r);
	assert_int_equal(rig_count(r, PNRP_AUTHORITY), 256);
	rig_free(r);
}

static void lent_buffers_must_be_large_enough(void **state)
{
	struct rig *r = rig_open();
	uint8_t bytes[PNRP_DATAGRAM_MAX - 1];
	struct pnrp_slot slot = {.data = bytes, .cap = sizeof(bytes)};

	(void)state;
	assert_int_equal(pnrp_engine_output(r->engine, r->now, &slot), PONTO_EINVAL);
	rig_free(r);
}

/* ---- refused memory ---------------------------------------------------------------------- */

static int create_under_oom(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_test_random tr;
	struct pnrp_engine_config config = {.alloc = *alloc, .profile = PNRP_PROFILE_WINDOWS};
	struct pnrp_engine *e;
	int result;

	(void)arg;
	ponto_test_random_init(&tr, 1);
	config.random = tr.random;
	config.random.ctx = &tr;
	result = pnrp_engine_create(&config, &e);
	if (result == PONTO_OK)
		pnrp_engine_destroy(e);
	return result;
}

static void creation_survives_refused_memory(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-276");
	ponto_test_oom(create_under_oom, NULL, false);
}

static void offer(struct rig *r, const struct ponto_addr *from, struct pnrp_message *m)
{
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;
	int result;

	m->id = r->next_id++;
	assert_ok(pnrp_encode(&pnrp_windows, m, bytes, sizeof(bytes), &len));
	result = pnrp_engine_input(r->engine, r->now, from, &r->local, ponto_bytes(bytes, len));
	assert_true(result == PONTO_OK || result == PONTO_ENOMEM);
	rig_pump(r);
}

static int enlist(struct rig *r, uint64_t *handle, struct ring_id *id)
{
	struct pnrp_endpoint endpoint = {.ip = {0x20, 1}, .port = 5000, .protocol = 6};
	uint8_t key[140];
	struct pnrp_registration reg = {.name = "0.local",
					.identity = 1,
					.public_key = ponto_bytes(key, sizeof(key)),
					.endpoints = &endpoint,
					.endpoint_count = 1,
					.payload_type = PNRP_PAYLOAD_STRING,
					.payload = ponto_bytes("hello", 5)};
	int result;

	world_key(1, key);
	result = pnrp_engine_register(r->engine, r->now, &reg, handle, id);
	assert_true(result == PONTO_OK || result == PONTO_ENOMEM);
	rig_pump(r);
	return result;
}

/* A SOLICIT and a FLOOD with entries, an INQUIRE for all there is. */
static void be_talked_to(struct rig *r, const struct rig_peer *p, const struct ring_id *hop, const struct ring_id *id)
{
	struct pnrp_message m = {.type = PNRP_SOLICIT, .solicit = {.has_route = true}};

	rig_peer_route(p, &m.solicit.route);
	offer(r, &p->addr, &m);
	m = (struct pnrp_message){.type = PNRP_FLOOD, .flood = {.has_route = true, .count = 1}};
	rig_route(hop, 9, &m.flood.route);
	m.flood.endpoints[0] = rig_endpoint(&p->addr);
	offer(r, &p->addr, &m);
	m = (struct pnrp_message){.type = PNRP_INQUIRE, .inquire = {.want_cpa = true, .want_payload = true}};
	m.inquire.validate_id = *id;
	offer(r, &p->addr, &m);
}

/* Each LOOKUP is answered with the hop. */
static void answer_lookups(struct rig *r, const struct ring_id *hop)
{
	struct rig_datagram *d;

	while ((d = rig_take(r, PNRP_LOOKUP)) != NULL) {
		struct pnrp_message answer = {.type = PNRP_AUTHORITY};
		struct pnrp_authority_buffer b = {.has_route = true};
		uint8_t whole[PNRP_FRAGMENT];
		size_t len;

		rig_route(hop, 9, &b.route);
		assert_ok(pnrp_authority_encode(&pnrp_windows, &b, whole, sizeof(whole), &len));
		answer.authority.acked_id = d->m.id;
		answer.authority.size = (uint16_t)len;
		answer.authority.slice = ponto_bytes(whole, len);
		offer(r, &d->to, &answer);
	}
}

/* A whole life, one allocation of which is refused. The engine goes on, and leaves no block behind. */
static bool life(size_t fail_at)
{
	struct pnrp_query q = {.name = "0.x", .criteria = PNRP_CRITERIA_ANY, .trace = true, .max_restarts = 1};
	struct rig *r = rig_open();
	struct ring_id id = rig_id(1, 1), hop = rig_id(0x77, 1);
	uint64_t handle = 0, resolve;
	struct rig_datagram *d;
	struct rig_peer p;
	bool refused;
	int result;

	r->alloc.fail_at = r->alloc.made + fail_at;
	(void)enlist(r, &handle, &id);
	p = rig_neighbour(1, &id, 1);
	be_talked_to(r, &p, &hop, &id);
	result = pnrp_engine_resolve(r->engine, r->now, &q, &resolve);
	assert_true(result == PONTO_OK || result == PONTO_ENOMEM);
	rig_pump(r);
	for (int i = 0; i < 40; i++) {
		rig_run(r, PONTO_SECOND / 4);
		answer_lookups(r, &hop);
		while ((d = rig_take(r, PNRP_INQUIRE)) != NULL && r->alloc.refused)
			rig_certify(r, d, &p, NULL);
	}
	if (handle)
		(void)!pnrp_engine_unregister(r->engine, r->now, handle);
	rig_pump(r);
	rig_run(r, 60 * PONTO_SECOND);
	refused = r->alloc.refused;
	rig_free(r);
	return refused;
}

static void a_life_survives_each_refusal(void **state)
{
	size_t n = 1;

	(void)state;
	while (life(n))
		n++;
	assert_true(n > 20);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(flood_of_solicits),
	cmocka_unit_test(flood_of_forged_synchronisations),
	cmocka_unit_test(who_asks_too_much_is_told_later),
	cmocka_unit_test(flood_of_floods_and_lookups),
	cmocka_unit_test(eclipse_with_valid_entries_is_bounded),
	cmocka_unit_test(idle_node_is_small),
	cmocka_unit_test(abandoned_jobs_may_still_be_completed),
	cmocka_unit_test(failed_signature_sends_nothing),
	cmocka_unit_test(output_and_notes_are_bounded),
	cmocka_unit_test(lent_buffers_must_be_large_enough),
	cmocka_unit_test(creation_survives_refused_memory),
	cmocka_unit_test(a_life_survives_each_refusal),
};

PONTO_TEST_MAIN(tests)
