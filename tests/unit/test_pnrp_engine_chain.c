/* Delegated names in the engine: what a certificate chain is asked about, and how it travels. What makes a chain
 * good is the affair of test_pnrp_chain and of the security plugins. */
#include "tests/support/pnrp_rig.h"

static const uint8_t middle[PNRP_LOCATION_SIZE] = {0x80};

#define STRANGER 4242 /* the authority's identity; the publisher has another key */

/* A resolve of a name whose publisher has another key than the authority, up to the publisher's answer. */
static void resolve_delegated(struct rig *r, const struct rig_forgery *forgery)
{
	const char *name = world_secure_name(STRANGER, "caf\xc3\xa9");
	struct rig_peer p = rig_peer(5, name, middle);
	struct rig_datagram *d;

	rig_learn(r, &p.id, 5);
	rig_resolve(r, name);
	d = rig_take(r, PNRP_LOOKUP);
	assert_non_null(d);
	rig_answer_flags(r, d, false);
	while ((d = rig_take(r, PNRP_INQUIRE)) && !d->m.inquire.want_payload)
		;
	assert_non_null(d);
	assert_true(d->m.inquire.want_chain);
	rig_certify(r, d, &p, forgery);
}

static void the_chain_is_asked_about_key_name_and_classifier(void **state)
{
	static const uint8_t classifier[] = {0, 'c', 0, 'a', 0, 'f', 0, 0xe9};
	const char *name = world_secure_name(STRANGER, "x");
	struct rig_peer p = rig_peer(5, name, middle);

	(void)state;
	PONTO_PROVES("PNRP-334", "PNRP-414", "PNRP-415");
	for (int little = 0; little < 2; little++) { /* T3: whichever order the characters came in */
		struct rig *r = rig_open();

		r->hold_jobs = true;
		resolve_delegated(r, &(struct rig_forgery){.with_chain = true, .little_classifier = little});
		assert_int_equal(r->held_count, 1);
		assert_true(ponto_bytes_equal(r->held[0].verify.chain, ponto_bytes("chain", 5)));
		assert_true(ponto_bytes_equal(r->held[0].verify.classifier,
					      ponto_bytes(classifier, sizeof(classifier))));
		assert_memory_equal(r->held[0].verify.authority, p.name.authority, PNRP_HASH_SIZE);
		assert_int_equal(r->held[0].verify.public_key.len, 140);
		rig_complete(r, 0, PONTO_OK);
		assert_int_equal(r->resolved, 1);
		assert_true(r->match.secured);
		rig_free(r);
	}
}

/* Only the hash of the classifier is signed: a chain that allows the one says nothing about the other. */
static void a_classifier_that_was_not_signed_is_refused(void **state)
{
	static const struct rig_forgery bad[] = {
		{.with_chain = true, .foreign_classifier = true},
		{.with_chain = true, .no_classifier = true},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct rig *r = rig_open();

		resolve_delegated(r, &bad[i]);
		assert_int_equal(r->verifies, 0);
		rig_run(r, 31 * PONTO_SECOND);
		assert_int_equal(r->resolved, 0);
		assert_int_equal(r->result, PONTO_EAUTH);
		rig_free(r);
	}
}

/* An element without bytes is no chain, so the key has to be the authority's. */
static void an_empty_chain_is_no_excuse(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	resolve_delegated(r, &(struct rig_forgery){.empty_chain = true});
	assert_int_equal(r->verifies, 0);
	rig_run(r, 31 * PONTO_SECOND);
	assert_int_equal(r->resolved, 0);
	assert_int_equal(r->result, PONTO_EAUTH);
	rig_free(r);
}

static void the_longest_chain_arrives_in_pieces(void **state)
{
	static uint8_t chain[PNRP_CHAIN_MAX];
	static const int results[] = {PONTO_EAUTH, PONTO_ENOTSUP, PONTO_OK};

	(void)state;
	for (size_t i = 0; i < sizeof(chain); i++)
		chain[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(results); i++) {
		struct rig *r = rig_open();

		r->hold_jobs = true;
		resolve_delegated(r, &(struct rig_forgery){.with_chain = true,
							   .chain = ponto_bytes(chain, sizeof(chain)),
							   .with_payload = true});
		assert_int_equal(r->held_count, 1);
		assert_true(ponto_bytes_equal(r->held[0].verify.chain, ponto_bytes(chain, sizeof(chain))));
		rig_complete(r, 0, results[i]);
		assert_int_equal(r->resolved, results[i] == PONTO_OK);
		rig_free(r);
	}
}

/* A route entry that would enter a leaf set needs its certificates too. */
static void a_leaf_needs_its_chain(void **state)
{
	static const int results[] = {PONTO_EAUTH, PONTO_EPROTO, PONTO_OK};

	(void)state;
	PONTO_PROVES("PNRP-410", "PNRP-428");
	for (size_t i = 0; i <= PONTO_ARRAY_SIZE(results); i++) {
		struct rig *r = rig_open();
		struct rig_forgery chain = {.with_chain = true, .other_key = true}, none = {.other_key = true};
		struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.no_ack = true, .has_route = true}};
		struct ponto_addr from = rig_addr(9);
		struct rig_peer p = rig_peer(5, world_secure_name(5, "x"), middle);
		struct rig_datagram *d;
		struct ring_id local;

		rig_register(r, &local);
		rig_peer_route(&p, &m.flood.route);
		rig_send(r, &from, &m);
		d = rig_take(r, PNRP_INQUIRE);
		assert_true(d && d->m.inquire.want_cpa && d->m.inquire.want_chain);
		r->hold_jobs = true;
		rig_certify(r, d, &p, i < PONTO_ARRAY_SIZE(results) ? &chain : &none);
		if (i == PONTO_ARRAY_SIZE(results)) {
			assert_int_equal(r->held_count, 0);
			assert_false(rig_knows(r, &p.id));
		} else {
			assert_int_equal(r->held_count, 1);
			assert_true(ponto_bytes_equal(r->held[0].verify.chain, ponto_bytes("chain", 5)));
			rig_complete(r, 0, results[i]);
			assert_int_equal(rig_knows(r, &p.id), results[i] == PONTO_OK);
		}
		rig_free(r);
	}
}

/* ---- publishing ----------------------------------------------------------------------- */

static int register_chain(struct rig *r, const char *name, size_t chain_len, struct ring_id *id)
{
	static uint8_t chain[PNRP_CHAIN_MAX + 1], payload[PNRP_PAYLOAD_BYTES];
	uint8_t key[140];
	struct pnrp_registration reg = {.name = name,
					.identity = 5,
					.public_key = ponto_bytes(key, sizeof(key)),
					.payload_type = PNRP_PAYLOAD_BINARY,
					.payload = ponto_bytes(payload, sizeof(payload)),
					.chain = ponto_bytes(chain, chain_len)};
	uint64_t handle;
	int result;

	world_key(5, key);
	result = pnrp_engine_register(r->engine, r->now, &reg, &handle, id);
	rig_pump(r);
	return result;
}

static void registering_wants_a_chain_that_fits(void **state)
{
	const char *name = world_secure_name(STRANGER, "x");
	struct rig *r = rig_open();
	struct ring_id id;

	(void)state;
	assert_int_equal(register_chain(r, name, 0, &id), PONTO_EAUTH);
	assert_int_equal(register_chain(r, name, PNRP_CHAIN_MAX + 1, &id), PONTO_EINVAL);
	assert_int_equal(register_chain(r, "0.x", 100, &id), PONTO_EINVAL);
	assert_ok(register_chain(r, name, PNRP_CHAIN_MAX, &id));
	rig_free(r);
}

static struct rig_datagram *inquire(struct rig *r, const struct ring_id *id, bool a, bool c, bool x)
{
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message m = {.type = PNRP_INQUIRE,
				 .inquire = {.want_cpa = a, .want_chain = c, .want_payload = x, .validate_id = *id}};

	m.inquire.has_nonce = a || x;
	rig_send(r, &peer, &m);
	rig_meet_challenge(r);
	return rig_take(r, PNRP_AUTHORITY);
}

/* The longest chain, payload and CPA together fit into one answer. */
static void the_largest_answer_goes_out_whole(void **state)
{
	static uint8_t whole[PNRP_AUTHORITY_MAX];
	struct rig *r = rig_open();
	struct pnrp_authority_buffer b;
	struct rig_datagram *d;
	size_t size, seen = 0;
	struct ring_id id;

	(void)state;
	PONTO_PROVES("PNRP-104", "PNRP-514");
	assert_ok(register_chain(r, world_secure_name(STRANGER, "x"), PNRP_CHAIN_MAX, &id));
	d = inquire(r, &id, true, true, true);
	assert_non_null(d);
	size = d->m.authority.size;
	assert_in_range(size, PNRP_CHAIN_MAX + PNRP_PAYLOAD_BYTES, PNRP_AUTHORITY_MAX);
	for (; d; d = rig_take(r, PNRP_AUTHORITY)) {
		memcpy(whole + d->m.authority.offset, d->m.authority.slice.data, d->m.authority.slice.len);
		seen += d->m.authority.slice.len;
	}
	assert_int_equal(seen, size);
	assert_ok(pnrp_authority_decode(&pnrp_windows, ponto_bytes(whole, size), &b));
	assert_true(b.has_chain && b.has_cpa && b.has_payload && b.has_classifier && b.has_route);
	assert_int_equal(b.chain.len, PNRP_CHAIN_MAX);
	rig_free(r);
}

/* 56 bytes of question must not buy any number of 31 KiB answers toward an address that asked for none. */
static void chains_are_rationed(void **state)
{
	struct rig *r = rig_open();
	uint64_t before, sent;
	struct ring_id id;

	(void)state;
	assert_ok(register_chain(r, world_secure_name(STRANGER, "x"), PNRP_CHAIN_MAX, &id));
	before = pnrp_engine_stats(r->engine)->sent_bytes;
	for (int i = 0; i < 1000; i++)
		(void)inquire(r, &id, false, true, false);
	sent = pnrp_engine_stats(r->engine)->sent_bytes - before;
	assert_in_range(sent, PNRP_CHAIN_MAX, 16 * (PNRP_CHAIN_MAX + 2000));
	assert_true(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_RATE] > 900);
	rig_run(r, 2 * PONTO_SECOND);
	before = pnrp_engine_stats(r->engine)->sent_bytes;
	assert_non_null(inquire(r, &id, false, true, false));
	assert_true(pnrp_engine_stats(r->engine)->sent_bytes - before > PNRP_CHAIN_MAX);
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_chain_is_asked_about_key_name_and_classifier),
	cmocka_unit_test(a_classifier_that_was_not_signed_is_refused),
	cmocka_unit_test(an_empty_chain_is_no_excuse),
	cmocka_unit_test(the_longest_chain_arrives_in_pieces),
	cmocka_unit_test(a_leaf_needs_its_chain),
	cmocka_unit_test(registering_wants_a_chain_that_fits),
	cmocka_unit_test(the_largest_answer_goes_out_whole),
	cmocka_unit_test(chains_are_rationed),
};

PONTO_TEST_MAIN(tests)
