/* Where the text is open or contradicts itself: what is done, and that others may read it in their way
 * (docs/pnrp-wire.md). And rules that take several parts of the engine to show. */
#include "tests/support/pnrp_rig.h"
#include "tests/unit/pnrp_wanted.h"

#include <stdio.h>

/* ---- what others leave out, or add --------------------------------------------------------- */

static unsigned resolves_with(const struct rig_forgery *forgery)
{
	struct rig *r = rig_open();
	struct rig_peer p = publisher(5, 1);
	unsigned resolved;

	rig_learn(r, &p.id, 5);
	rig_resolve(r, NAME);
	rig_answer_flags(r, next_lookup(r), false);
	rig_certify(r, final_inquire(r), &p, forgery);
	resolved = r->resolved;
	rig_free(r);
	return resolved;
}

static void payload_flag(struct pnrp_cpa *cpa)
{
	cpa->has_payload = true;
}

/* T12, T29 */
static void a_cpa_alone_proves_a_name(void **state)
{
	(void)state;
	assert_int_equal(resolves_with(NULL), 1);
	assert_int_equal(resolves_with(&(struct rig_forgery){.no_route = true}), 1);
	assert_int_equal(resolves_with(&(struct rig_forgery){.no_classifier = true}), 1);
	assert_int_equal(resolves_with(&(struct rig_forgery){.no_route = true, .no_classifier = true}), 1);
	assert_int_equal(resolves_with(&(struct rig_forgery){.cpa = payload_flag}), 1);
}

/* T29: who asks for a CPA alone gets no payload, whatever the flag says. */
static void a_leaf_may_have_a_payload_that_nobody_asked_for(void **state)
{
	struct rig *r = rig_open();
	struct rig_forgery announced = {.cpa = payload_flag};
	struct pnrp_message m = {.type = PNRP_FLOOD, .flood = {.no_ack = true, .has_route = true}};
	struct ponto_addr from = rig_addr(9);
	struct rig_datagram *d;
	struct ring_id local;
	struct rig_peer p;

	(void)state;
	rig_register(r, &local);
	p = rig_neighbour(1, &local, 1);
	rig_peer_route(&p, &m.flood.route);
	rig_send(r, &from, &m);
	d = rig_take(r, PNRP_INQUIRE);
	assert_true(d && d->m.inquire.want_cpa && !d->m.inquire.want_payload);
	assert_true(d->m.inquire.has_nonce); /* T13 */
	rig_certify(r, d, &p, &announced);
	assert_true(rig_is_leaf(r, &p.id));
	rig_free(r);
}

/* T23: figure 4 acknowledges the FLOODs of a synchronisation, the rule says not to. */
static void an_ack_that_nobody_waits_for_changes_nothing(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = rig_id(10, 1);
	struct ponto_addr peer = rig_addr(1);
	struct pnrp_message ack = {.type = PNRP_ACK, .ack = {.acked_id = 4711, .not_found = true}};

	(void)state;
	rig_learn(r, &id, 1);
	rig_send(r, &peer, &ack);
	assert_true(rig_knows(r, &id));
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_UNMATCHED], 1);
	rig_free(r);
}

/* ---- rules ------------------------------------------------------------------------------------- */

static size_t asked_about(struct rig *r, const struct ring_id *id)
{
	struct rig_datagram *d;
	size_t count = 0;

	while ((d = rig_take(r, PNRP_INQUIRE)) != NULL)
		count += ring_id_equal(&d->m.inquire.validate_id, id);
	return count;
}

/* The entry of an AUTHORITY is asked as the next hop first, and tested as any other when it answers (3.1.5.6.1). */
static void entries_of_every_message_are_tested(void **state)
{
	struct rig *r = rig_open();
	struct ponto_addr stranger = rig_addr(900);
	struct pnrp_message solicit = {.type = PNRP_SOLICIT, .solicit = {.has_route = true}};
	struct pnrp_message lookup = {.type = PNRP_LOOKUP, .lookup = {.has_route = true, .count = 1}};
	struct pnrp_message flood = {.type = PNRP_FLOOD, .flood = {.has_route = true}};
	struct pnrp_authority_buffer answer = {.has_route = true};
	struct ring_id id[4] = {{{0x10}}, {{0x20}}, {{0x30}}}, known = near_target(3);
	struct rig_datagram *d;

	(void)state;
	PONTO_PROVES("PNRP-480");
	rig_route(&id[0], 11, &solicit.solicit.route);
	rig_send(r, &stranger, &solicit);
	assert_int_equal(asked_about(r, &id[0]), 1);
	rig_route(&id[1], 12, &lookup.lookup.route);
	lookup.lookup.path[0] = rig_endpoint(&stranger);
	rig_send(r, &stranger, &lookup);
	assert_int_equal(asked_about(r, &id[1]), 1);
	rig_route(&id[2], 13, &flood.flood.route);
	rig_send(r, &stranger, &flood);
	assert_int_equal(asked_about(r, &id[2]), 1);
	rig_learn(r, &known, 1);
	rig_resolve(r, NAME);
	id[3] = near_target(20);
	rig_route(&id[3], 14, &answer.route);
	rig_answer(r, next_lookup(r), &answer);
	d = next_lookup(r);
	assert_memory_equal(&d->m.lookup.validate_id, &id[3], sizeof(id[3]));
	rig_answer_flags(r, d, false);
	assert_int_equal(asked_about(r, &id[3]), 1);
	rig_free(r);
}

/* Many sizes, each byte more than the one before: 1188 go in one piece, 1189 in two. */
static void answers_are_cut_where_they_must_be(void **state)
{
	static uint8_t data[512];
	uint8_t key[140];
	bool whole = false, cut = false;

	(void)state;
	PONTO_PROVES("PNRP-521");
	world_key(5, key);
	for (unsigned i = 0; i < 64; i++) {
		char friendly[40] = "a friend of four";
		struct pnrp_registration reg = {.name = "0.size",
						.identity = 5,
						.public_key = ponto_bytes(key, sizeof(key)),
						.payload_type = PNRP_PAYLOAD_BINARY,
						.payload = ponto_bytes(data, 420 + 4 * (i / 4)),
						.friendly_name = friendly};
		struct pnrp_message m = {.type = PNRP_INQUIRE, .inquire = {.want_cpa = true, .want_payload = true}};
		struct ponto_addr peer = rig_addr(1);
		struct rig *r = rig_open();
		struct rig_datagram *d;
		uint64_t handle;
		size_t size;

		friendly[12 + i % 4] = '\0';
		assert_ok(pnrp_engine_register(r->engine, r->now, &reg, &handle, &m.inquire.validate_id));
		rig_pump(r);
		rig_send(r, &peer, &m);
		d = rig_take(r, PNRP_AUTHORITY);
		assert_non_null(d);
		size = d->m.authority.size;
		assert_int_equal(d->m.authority.offset, 0);
		assert_int_equal(d->m.authority.slice.len, size <= 1188 ? size : 1188);
		d = rig_take(r, PNRP_AUTHORITY);
		assert_int_equal(d != NULL, size > 1188);
		if (d) {
			assert_int_equal(d->m.authority.offset, 1188);
			assert_int_equal(d->m.authority.slice.len, size - 1188);
		}
		whole = whole || size == 1188;
		cut = cut || size == 1189;
		rig_free(r);
	}
	assert_true(whole && cut);
}

static void the_reason_of_a_lookup_changes_nothing(void **state)
{
	struct rig *r = rig_open();
	struct ring_id local, known = {{0x20}};
	struct ponto_addr peer = rig_addr(900);
	struct pnrp_message m = {.type = PNRP_LOOKUP, .lookup = {.target = {{0x21}}, .count = 1}};
	struct ponto_bytes first = {0};
	uint8_t bytes[PNRP_FRAGMENT];

	(void)state;
	PONTO_PROVES("PNRP-143");
	rig_learn(r, &known, 1);
	rig_register(r, &local);
	m.lookup.path[0] = rig_endpoint(&peer);
	for (unsigned reason = 0; reason < 256; reason++) {
		struct rig_datagram *d;

		m.lookup.reason = (uint8_t)reason;
		rig_send(r, &peer, &m);
		d = rig_take(r, PNRP_AUTHORITY);
		assert_non_null(d);
		if (first.len == 0) {
			memcpy(bytes, d->m.authority.slice.data, d->m.authority.slice.len);
			first = ponto_bytes(bytes, d->m.authority.slice.len);
		}
		assert_true(ponto_bytes_equal(d->m.authority.slice, first));
		rig_forget(r);
	}
	rig_free(r);
}

#define NAMES 4

static void split_tests_take_any_local_id(void **state)
{
	struct rig *r = rig_new(NULL);
	struct ponto_addr seed = rig_addr(700);
	struct ring_id id[NAMES];
	unsigned tested[NAMES] = {0}, different = 0;
	uint8_t key[140];

	(void)state;
	PONTO_PROVES("PNRP-545");
	world_key(1, key);
	assert_ok(pnrp_engine_open(r->engine, r->now, &seed, 1));
	rig_pump(r);
	rig_run(r, 3 * PONTO_SECOND);
	rig_learn(r, &(struct ring_id){{0x33, 3}}, 30);
	for (unsigned i = 0; i < NAMES; i++) {
		char name[8];
		struct pnrp_registration reg = {.name = name,
						.identity = 1,
						.public_key = ponto_bytes(key, sizeof(key)),
						.payload_type = PNRP_PAYLOAD_BINARY,
						.payload = ponto_bytes("x", 1)};
		uint64_t handle;

		snprintf(name, sizeof(name), "0.%u", i);
		assert_ok(pnrp_engine_register(r->engine, r->now, &reg, &handle, &id[i]));
	}
	rig_pump(r);
	for (unsigned tick = 0; tick < 400; tick++) {
		struct rig_datagram *d;

		rig_run(r, PONTO_SECOND / 2);
		while ((d = rig_take(r, PNRP_INQUIRE)) != NULL)
			rig_answer_flags(r, d, false);
		while ((d = rig_take(r, PNRP_LOOKUP)) != NULL) {
			for (unsigned i = 0; i < NAMES && d->m.lookup.reason == PNRP_REASON_SPLIT; i++) {
				struct ring_id next = ring_id_add_u64(&id[i], 1);

				tested[i] += ring_id_equal(&d->m.lookup.target, &next);
			}
			rig_answer_flags(r, d, false);
		}
	}
	for (unsigned i = 0; i < NAMES; i++)
		different += tested[i] > 0;
	assert_int_equal(different, NAMES);
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_cpa_alone_proves_a_name),
	cmocka_unit_test(a_leaf_may_have_a_payload_that_nobody_asked_for),
	cmocka_unit_test(an_ack_that_nobody_waits_for_changes_nothing),
	cmocka_unit_test(entries_of_every_message_are_tested),
	cmocka_unit_test(answers_are_cut_where_they_must_be),
	cmocka_unit_test(the_reason_of_a_lookup_changes_nothing),
	cmocka_unit_test(split_tests_take_any_local_id),
};

PONTO_TEST_MAIN(tests)
