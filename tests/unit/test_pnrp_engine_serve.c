/* Serving others: FLOOD and ACK, revokes, INQUIRE; what is dropped. */
#include "tests/support/pnrp_rig.h"

/* ---- FLOOD and ACK -------------------------------------------------------------------- */

static void flood_is_acknowledged_unless_it_says_not_to(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_FLOOD};
	struct rig_datagram *ack;
	uint32_t id;

	(void)state;
	PONTO_PROVES("PNRP-269", "PNRP-368");
	id = rig_send(r, &peer, &m);
	ack = rig_take(r, PNRP_ACK);
	assert_non_null(ack);
	assert_int_equal(ack->m.ack.acked_id, id);
	assert_false(ack->m.ack.not_found); /* zero Validate ID, T22 */
	assert_true(ponto_addr_equal(&ack->to, &peer));
	m.flood.no_ack = true;
	rig_send(r, &peer, &m);
	assert_null(rig_take(r, PNRP_ACK));
	rig_free(r);
}

static void ack_says_when_the_id_is_not_here(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_FLOOD};
	struct ring_id local;

	(void)state;
	PONTO_PROVES("PNRP-509");
	rig_register(r, &local);
	m.flood.validate_id = local;
	rig_send(r, &peer, &m);
	assert_false(rig_take(r, PNRP_ACK)->m.ack.not_found);
	m.flood.validate_id = rig_id(1, 1);
	rig_send(r, &peer, &m);
	assert_true(rig_take(r, PNRP_ACK)->m.ack.not_found);
	rig_free(r);
}

static void malformed_flood_gets_no_ack(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_FLOOD, .id = 1};
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-367");
	assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
	for (size_t cut = 12; cut < len; cut++)
		rig_deliver(r, &peer, ponto_bytes(bytes, cut));
	bytes[len - 7] = 23; /* NumEntries without entries */
	rig_deliver(r, &peer, ponto_bytes(bytes, len));
	assert_null(rig_take(r, PNRP_ACK));
	rig_free(r);
}

/* One leaf to which we flood another. */
static struct rig_datagram *flooded(struct rig *r, struct rig_peer *told, struct rig_peer *other)
{
	struct ring_id local;
	struct rig_datagram *d;

	rig_register(r, &local);
	*told = rig_neighbour(1, &local, 4);
	*other = rig_neighbour(2, &local, 2);
	rig_learn_peer(r, told);
	rig_forget(r);
	rig_learn_peer(r, other);
	do {
		d = rig_take(r, PNRP_FLOOD);
		assert_non_null(d);
	} while (!ponto_addr_equal(&d->to, &told->addr) || !ring_id_equal(&d->m.flood.route.id, &other->id));
	return d;
}

static void ack_ends_the_flood(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer told, other;
	struct rig_datagram *flood = flooded(r, &told, &other);
	struct pnrp_message m = {.type = PNRP_ACK, .ack = {.acked_id = flood->m.id}};

	(void)state;
	PONTO_PROVES("PNRP-365", "PNRP-364");
	rig_send(r, &told.addr, &m);
	for (struct rig_datagram *d = rig_take(r, PNRP_FLOOD); d; d = rig_take(r, PNRP_FLOOD)) {
		m.ack.acked_id = d->m.id;
		rig_send(r, &d->to, &m);
	}
	m.ack.acked_id = flood->m.id;
	rig_run(r, 3 * PONTO_SECOND / 2);
	for (struct rig_datagram *d = rig_take(r, PNRP_FLOOD); d; d = rig_take(r, PNRP_FLOOD))
		assert_false(d->m.id == flood->m.id);
	assert_true(rig_knows(r, &told.id));
	rig_send(r, &told.addr, &m); /* nobody waits for it */
	assert_true(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_UNMATCHED] > 0);
	rig_free(r);
}

static void ack_with_n_uncaches(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer told, other;
	struct rig_datagram *flood = flooded(r, &told, &other);
	struct pnrp_message m = {.type = PNRP_ACK, .ack = {.acked_id = flood->m.id, .not_found = true}};
	struct ponto_addr forger = rig_addr(70);

	(void)state;
	PONTO_PROVES("PNRP-366");
	rig_send(r, &forger, &m);
	assert_true(rig_knows(r, &told.id));
	rig_send(r, &told.addr, &m);
	assert_false(rig_knows(r, &told.id));
	assert_true(rig_knows(r, &other.id));
	rig_free(r);
}

static void unanswered_flood_is_sent_twice_and_uncaches(void **state)
{
	struct rig *r = rig_open();
	struct rig_peer told, other;
	struct rig_datagram *flood = flooded(r, &told, &other);
	unsigned copies = 1;

	(void)state;
	PONTO_PROVES("PNRP-532", "PNRP-554", "PNRP-479");
	rig_run(r, 2 * PONTO_SECOND - 1);
	assert_true(rig_knows(r, &told.id));
	rig_run(r, PONTO_SECOND);
	for (struct rig_datagram *d = rig_take(r, PNRP_FLOOD); d; d = rig_take(r, PNRP_FLOOD))
		copies += d->m.id == flood->m.id;
	assert_int_equal(copies, 2);
	assert_false(rig_knows(r, &told.id));
	rig_free(r);
}

/* ---- revokes ------------------------------------------------------------------------------ */

static void send_revoke(struct rig *r, const struct ponto_addr *from, struct ponto_bytes cpa)
{
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.has_revoke = true, .revoke = cpa}};

	rig_send(r, from, &m);
}

struct revocation {
	struct rig *r;
	struct ring_id local;
	struct rig_peer near, middle, far, below;
	uint8_t cpa[PNRP_CPA_MAX];
	size_t len;
};

/* Local < near < middle < far, and below; middle has signed its revoke. */
static struct revocation revocation(void)
{
	struct revocation v = {.r = rig_open()};

	rig_register(v.r, &v.local);
	v.near = rig_neighbour(1, &v.local, 2);
	v.middle = rig_neighbour(2, &v.local, 3);
	v.far = rig_neighbour(3, &v.local, 4);
	v.below = rig_neighbour(4, &v.local, -2);
	rig_learn_peer(v.r, &v.near);
	rig_learn_peer(v.r, &v.middle);
	rig_learn_peer(v.r, &v.far);
	rig_learn_peer(v.r, &v.below);
	rig_forget(v.r);
	v.len = rig_revoke(&v.middle, v.cpa);
	return v;
}

static void valid_revoke_uncaches_its_id_only(void **state)
{
	struct revocation v = revocation();

	(void)state;
	PONTO_PROVES("PNRP-371", "PNRP-372");
	send_revoke(v.r, &v.middle.addr, ponto_bytes(v.cpa, v.len));
	assert_false(rig_knows(v.r, &v.middle.id));
	assert_true(rig_knows(v.r, &v.near.id));
	assert_true(rig_knows(v.r, &v.far.id));
	assert_int_equal(pnrp_engine_stats(v.r->engine)->revoked, 1);
	rig_free(v.r);
}

static void forged_revokes_are_ignored(void **state)
{
	struct revocation v = revocation();
	struct rig_peer forger = v.middle;
	uint8_t cpa[PNRP_CPA_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-370");
	for (size_t i = 40; i < v.len; i += 37) {
		memcpy(cpa, v.cpa, v.len);
		cpa[i] ^= 0x10;
		send_revoke(v.r, &v.middle.addr, ponto_bytes(cpa, v.len));
		assert_true(rig_knows(v.r, &v.middle.id));
	}
	/* The name is unsecured: anybody can sign for it, but not with the key that certified the entry. */
	forger.identity = 4711;
	len = rig_revoke(&forger, cpa);
	send_revoke(v.r, &v.middle.addr, ponto_bytes(cpa, len));
	assert_true(rig_knows(v.r, &v.middle.id));
	v.r->verify_result = PONTO_EAUTH;
	send_revoke(v.r, &v.middle.addr, ponto_bytes(v.cpa, v.len));
	assert_true(rig_knows(v.r, &v.middle.id));
	rig_free(v.r);
}

static void revoke_goes_on_in_its_direction(void **state)
{
	struct revocation v = revocation();
	struct rig_datagram *d;
	unsigned onward = 0;

	(void)state;
	send_revoke(v.r, &v.near.addr, ponto_bytes(v.cpa, v.len));
	while ((d = rig_take(v.r, PNRP_FLOOD)) != NULL) {
		if (!d->m.flood.has_revoke)
			continue;
		onward++;
		assert_true(ponto_addr_equal(&d->to, &v.below.addr)); /* we lie below what is revoked (T11) */
		assert_true(ponto_bytes_equal(d->m.flood.revoke, ponto_bytes(v.cpa, v.len)));
	}
	assert_int_equal(onward, 1);
	rig_free(v.r);
}

static void revoke_of_the_unknown_costs_nothing(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local;
	struct rig_peer unknown;
	uint8_t cpa[PNRP_CPA_MAX];
	size_t len;

	(void)state;
	rig_register(r, &local);
	unknown = rig_neighbour(5, &local, 9);
	len = rig_revoke(&unknown, cpa);
	send_revoke(r, &unknown.addr, ponto_bytes(cpa, len));
	assert_int_equal(r->verifies, 0);
	assert_null(rig_take(r, PNRP_FLOOD));
	rig_free(r);
}

/* ---- INQUIRE ---------------------------------------------------------------------------------- */

static struct rig_datagram *inquire(struct rig *r, const struct ring_id *id, bool a, bool c, bool x, uint8_t nonce,
				    struct pnrp_authority_buffer *b)
{
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE,
				 .inquire = {.want_cpa = a, .want_chain = c, .want_payload = x, .validate_id = *id}};
	struct rig_datagram *d;
	uint32_t asked;

	m.inquire.has_nonce = nonce;
	memset(m.inquire.nonce, nonce, sizeof(m.inquire.nonce));
	asked = rig_send(r, &peer, &m);
	rig_meet_challenge(r);
	d = rig_take(r, PNRP_AUTHORITY);
	if (d) {
		assert_int_equal(d->m.authority.acked_id, asked);
		assert_true(ponto_addr_equal(&d->to, &peer));
		assert_true(ponto_addr_equal(&d->from, &r->local));
		if (d->m.authority.size <= PNRP_FRAGMENT)
			assert_ok(pnrp_authority_decode(&pnrp_windows, d->m.authority.slice, b));
	}
	return d;
}

static void unknown_id_is_answered_with_n_only(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_authority_buffer b;
	struct ring_id id = rig_id(1, 1);

	(void)state;
	PONTO_PROVES("PNRP-268", "PNRP-511", "PNRP-516");
	assert_non_null(inquire(r, &id, true, true, true, 5, &b));
	assert_true(b.not_found);
	assert_false(b.has_cpa || b.has_chain || b.has_classifier || b.has_payload || b.has_route);
	assert_int_equal(r->signs, 0);
	rig_free(r);
}

static void known_id_without_wishes(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_authority_buffer b;
	struct ring_id local;

	(void)state;
	PONTO_PROVES("PNRP-512");
	rig_register(r, &local);
	assert_non_null(inquire(r, &local, false, false, false, 0, &b));
	assert_false(b.not_found || b.has_cpa);
	rig_free(r);
}

static void cpa_carries_the_nonce_and_our_endpoints(void **state)
{
	static const uint8_t zero[PNRP_NONCE_SIZE];
	struct rig *r = rig_open();
	struct pnrp_authority_buffer b;
	struct pnrp_cpa cpa;
	struct ring_id local;
	uint8_t signature[128];

	(void)state;
	PONTO_PROVES("PNRP-513", "PNRP-517", "PNRP-518");
	rig_register(r, &local);
	assert_non_null(inquire(r, &local, true, true, false, 0x5a, &b));
	assert_true(b.has_cpa && b.has_classifier && b.has_route); /* T12 */
	assert_memory_equal(&b.route.id, &local, sizeof(local));
	assert_ok(pnrp_cpa_decode(&pnrp_windows, b.cpa, &cpa));
	assert_ok(pnrp_cpa_match_id(&pnrp_windows, &local, &cpa));
	assert_int_equal(cpa.nonce[0], 0x5a);
	assert_int_equal(cpa.nonce[15], 0x5a);
	assert_int_equal(cpa.service_count, 1);
	assert_memory_equal(cpa.services[0].ip, r->local.ip, 16);
	assert_int_equal(cpa.services[0].port, r->local.port);
	assert_int_equal(cpa.app_count, 1);
	world_sign(cpa.public_key, cpa.signed_part, signature);
	assert_memory_equal(cpa.signature.data, signature, sizeof(signature));
	assert_non_null(inquire(r, &local, true, false, false, 0, &b));
	assert_ok(pnrp_cpa_decode(&pnrp_windows, b.cpa, &cpa));
	assert_memory_equal(cpa.nonce, zero, sizeof(zero));
	rig_free(r);
}

static uint64_t register_with(struct rig *r, struct ponto_bytes payload, struct ponto_bytes chain, struct ring_id *id)
{
	uint8_t key[140];
	struct pnrp_registration reg = {.name = chain.len ? world_secure_name(5, "rich") : "0.rich",
					.identity = 5,
					.public_key = ponto_bytes(key, sizeof(key)),
					.payload_type = PNRP_PAYLOAD_BINARY,
					.payload = payload,
					.chain = chain,
					.friendly_name = "Rich \xc3\xa9"};
	uint64_t handle;

	world_key(5, key);
	assert_ok(pnrp_engine_register(r->engine, r->now, &reg, &handle, id));
	rig_pump(r);
	return handle;
}

static void chain_and_payload_come_when_asked_for(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_authority_buffer b;
	struct pnrp_payload payload;
	struct ring_id id;
	uint8_t signature[128], key[140];

	(void)state;
	PONTO_PROVES("PNRP-514", "PNRP-515", "PNRP-519");
	world_key(5, key);
	register_with(r, ponto_bytes("data", 4), ponto_bytes("chain", 5), &id);
	assert_non_null(inquire(r, &id, false, true, false, 0, &b));
	assert_true(b.has_chain && !b.has_payload && !b.has_cpa);
	assert_true(ponto_bytes_equal(b.chain, ponto_bytes("chain", 5)));
	assert_non_null(inquire(r, &id, false, false, true, 7, &b));
	assert_true(b.has_payload && !b.has_chain && !b.has_cpa);
	assert_ok(pnrp_payload_decode(&pnrp_windows, b.payload, &payload));
	assert_true(ponto_bytes_equal(payload.data, ponto_bytes("data", 4)));
	assert_memory_equal(&payload.id, &id, sizeof(id));
	assert_int_equal(payload.nonce[3], 7);
	world_sign(ponto_bytes(key, sizeof(key)), payload.signed_part, signature);
	assert_memory_equal(payload.signature.data, signature, sizeof(signature));
	assert_non_null(inquire(r, &id, true, true, true, 7, &b));
	assert_true(b.has_payload && b.has_chain && b.has_cpa);
	rig_free(r);
}

static void large_answers_are_cut_into_pieces(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1); /* who inquires */
	struct pnrp_authority_buffer b;
	struct rig_datagram *d;
	struct ring_id id;
	static uint8_t data[4096], whole[PNRP_AUTHORITY_MAX];
	size_t expected = 0, size;
	uint32_t message_id;

	(void)state;
	PONTO_PROVES("PNRP-522", "PNRP-523", "PNRP-524");
	register_with(r, ponto_bytes(data, sizeof(data)), ponto_bytes(NULL, 0), &id);
	d = inquire(r, &id, true, false, true, 7, &b);
	size = d->m.authority.size;
	message_id = d->m.id;
	assert_true(size > 4 * PNRP_FRAGMENT);
	for (; d; d = rig_take(r, PNRP_AUTHORITY)) {
		assert_int_equal(d->m.id, message_id);
		assert_true(ponto_addr_equal(&d->to, &peer));
		assert_int_equal(d->m.authority.offset, expected);
		assert_int_equal(d->m.authority.size, size);
		memcpy(whole + expected, d->m.authority.slice.data, d->m.authority.slice.len);
		expected += d->m.authority.slice.len;
		assert_true(d->m.authority.slice.len == PNRP_FRAGMENT || expected == size);
	}
	assert_int_equal(expected, size);
	assert_ok(pnrp_authority_decode(&pnrp_windows, ponto_bytes(whole, size), &b));
	assert_true(b.has_payload && b.has_cpa);
	rig_free(r);
}

/* A forged sender's address gets one small question, and that twice. */
static void large_answers_wait_for_a_sign_of_life(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_message m = {.type = PNRP_INQUIRE, .inquire = {.want_cpa = true, .want_payload = true}};
	struct ponto_addr victim = rig_addr(2);
	static uint8_t data[4096];
	size_t memory;
	struct pnrp_status status;

	(void)state;
	register_with(r, ponto_bytes(data, sizeof(data)), ponto_bytes(NULL, 0), &m.inquire.validate_id);
	pnrp_engine_status(r->engine, &status);
	memory = status.memory;
	m.inquire.has_nonce = true;
	for (unsigned i = 0; i < 1000; i++)
		rig_send(r, &victim, &m);
	assert_null(rig_take(r, PNRP_AUTHORITY));
	assert_int_equal(rig_count(r, PNRP_INQUIRE), 16);
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_FULL], 1000 - 16);
	rig_run(r, 3 * PONTO_SECOND);
	assert_null(rig_take(r, PNRP_AUTHORITY));
	assert_int_equal(rig_count(r, PNRP_INQUIRE), 32);
	pnrp_engine_status(r->engine, &status);
	assert_true(status.memory <= memory + 256);
	/* Then there is room again. */
	rig_forget(r);
	rig_send(r, &victim, &m);
	rig_meet_challenge(r);
	assert_non_null(rig_take(r, PNRP_AUTHORITY));
	rig_free(r);
}

static void a_question_that_is_repeated_is_challenged_once(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_message m = {.type = PNRP_INQUIRE, .id = 4711, .inquire = {.want_payload = true}};
	struct ponto_addr peer = rig_addr(2);
	static uint8_t data[4096];
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	register_with(r, ponto_bytes(data, sizeof(data)), ponto_bytes(NULL, 0), &m.inquire.validate_id);
	m.inquire.has_nonce = true;
	assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
	rig_deliver(r, &peer, ponto_bytes(bytes, len));
	rig_deliver(r, &peer, ponto_bytes(bytes, len));
	assert_int_equal(rig_count(r, PNRP_INQUIRE), 1);
	pnrp_engine_stop(r->engine, r->now, PONTO_SECOND);
	rig_free(r);
}

static void small_answers_go_in_one(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_authority_buffer b;
	struct rig_datagram *d;
	struct ring_id local;

	(void)state;
	rig_register(r, &local);
	d = inquire(r, &local, true, true, true, 7, &b);
	assert_int_equal(d->m.authority.offset, 0);
	assert_int_equal(d->m.authority.slice.len, d->m.authority.size);
	assert_null(rig_take(r, PNRP_AUTHORITY));
	rig_free(r);
}

static void repeated_question_is_signed_once(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE, .inquire = {.want_cpa = true}};
	struct ring_id local;

	(void)state;
	rig_register(r, &local);
	r->hold_jobs = true;
	m.inquire.validate_id = local;
	rig_send(r, &peer, &m);
	r->next_id--;
	rig_send(r, &peer, &m); /* the same Message ID */
	assert_int_equal(r->held_count, 1);
	rig_complete(r, 0, PONTO_OK);
	assert_int_equal(rig_count(r, PNRP_AUTHORITY), 1);
	rig_free(r);
}

static void signing_is_limited_by_the_second(void **state)
{
	struct rig *r = rig_open();
	struct pnrp_authority_buffer b;
	struct ring_id local;
	unsigned answered = 0;

	(void)state;
	rig_register(r, &local);
	for (int i = 0; i < 500; i++)
		answered += inquire(r, &local, true, false, false, 7, &b) != NULL;
	assert_int_equal(answered, 100); /* the burst */
	rig_run(r, PONTO_SECOND);
	for (int i = 0; i < 500; i++)
		answered += inquire(r, &local, true, false, false, 7, &b) != NULL;
	assert_int_equal(answered, 150);
	assert_non_null(inquire(r, &local, false, false, false, 0, &b)); /* what needs no signature still goes */
	rig_free(r);
}

/* ---- what is dropped ---------------------------------------------------------------------------------- */

static void malformed_requests_get_no_answer(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m[4] = {
		{.type = PNRP_SOLICIT}, {.type = PNRP_INQUIRE}, {.type = PNRP_LOOKUP}, {.type = PNRP_REQUEST}};
	struct ring_id id = rig_id(1, 1);

	(void)state;
	PONTO_PROVES("PNRP-482", "PNRP-495", "PNRP-503", "PNRP-510");
	m[2].lookup.count = 1;
	m[2].lookup.path[0] = rig_endpoint(&peer);
	m[3].request.ids = pnrp_ids(&id, 1);
	for (int i = 0; i < 4; i++) {
		uint8_t bytes[PNRP_MESSAGE_MAX];
		size_t len;

		assert_ok(pnrp_encode(&pnrp_windows, &m[i], bytes, sizeof(bytes), &len));
		for (size_t cut = 12; cut < len; cut++)
			rig_deliver(r, &peer, ponto_bytes(bytes, cut));
		bytes[12] ^= 1; /* another field */
		rig_deliver(r, &peer, ponto_bytes(bytes, len));
		bytes[12] ^= 1;
		bytes[15] ^= 1; /* another length */
		rig_deliver(r, &peer, ponto_bytes(bytes, len));
	}
	assert_null(r->out);
	rig_free(r);
}

static void foreign_headers_get_no_answer(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE};
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-354", "PNRP-357");
	assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
	for (size_t i = 0; i < 8; i++) {
		uint8_t spoiled[PNRP_MESSAGE_MAX];

		memcpy(spoiled, bytes, len);
		spoiled[i] = i == 7 ? 5 : (uint8_t)(spoiled[i] + 1); /* byte 7: a type that does not exist */
		rig_deliver(r, &peer, ponto_bytes(spoiled, len));
	}
	for (size_t cut = 0; cut < 12; cut++)
		rig_deliver(r, &peer, ponto_bytes(bytes, cut));
	assert_null(r->out);
	rig_deliver(r, &peer, ponto_bytes(bytes, len));
	assert_non_null(r->out);
	rig_free(r);
}

static void low_source_ports_get_no_answer(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE};

	(void)state;
	PONTO_PROVES("PNRP-355");
	peer.port = 1024;
	rig_send(r, &peer, &m);
	assert_null(r->out);
	peer.port = 1025;
	rig_send(r, &peer, &m);
	assert_non_null(r->out);
	rig_free(r);
}

static void foreign_destinations_get_no_answer(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr peer = rig_addr(1), elsewhere = rig_addr(2);
	struct pnrp_message m = {.type = PNRP_INQUIRE};
	uint8_t bytes[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-356");
	assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
	assert_ok(pnrp_engine_input(r->engine, r->now, &peer, &elsewhere, ponto_bytes(bytes, len)));
	rig_pump(r);
	assert_null(r->out);
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_NOT_LOCAL], 1);
	rig_free(r);
}

static void closed_clouds_are_silent(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE};

	(void)state;
	rig_send(r, &peer, &m);
	assert_null(r->out);
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(flood_is_acknowledged_unless_it_says_not_to),
	cmocka_unit_test(ack_says_when_the_id_is_not_here),
	cmocka_unit_test(malformed_flood_gets_no_ack),
	cmocka_unit_test(ack_ends_the_flood),
	cmocka_unit_test(ack_with_n_uncaches),
	cmocka_unit_test(unanswered_flood_is_sent_twice_and_uncaches),
	cmocka_unit_test(valid_revoke_uncaches_its_id_only),
	cmocka_unit_test(forged_revokes_are_ignored),
	cmocka_unit_test(revoke_goes_on_in_its_direction),
	cmocka_unit_test(revoke_of_the_unknown_costs_nothing),
	cmocka_unit_test(unknown_id_is_answered_with_n_only),
	cmocka_unit_test(known_id_without_wishes),
	cmocka_unit_test(cpa_carries_the_nonce_and_our_endpoints),
	cmocka_unit_test(chain_and_payload_come_when_asked_for),
	cmocka_unit_test(large_answers_are_cut_into_pieces),
	cmocka_unit_test(large_answers_wait_for_a_sign_of_life),
	cmocka_unit_test(a_question_that_is_repeated_is_challenged_once),
	cmocka_unit_test(small_answers_go_in_one),
	cmocka_unit_test(repeated_question_is_signed_once),
	cmocka_unit_test(signing_is_limited_by_the_second),
	cmocka_unit_test(malformed_requests_get_no_answer),
	cmocka_unit_test(foreign_headers_get_no_answer),
	cmocka_unit_test(low_source_ports_get_no_answer),
	cmocka_unit_test(foreign_destinations_get_no_answer),
	cmocka_unit_test(closed_clouds_are_silent),
};

PONTO_TEST_MAIN(tests)
