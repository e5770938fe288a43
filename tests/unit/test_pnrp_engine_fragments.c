/* Fragmented answers, and fragments that never become one. */
#include "tests/support/pnrp_rig.h"

#define NAME "0.wanted"

/* An ID that shares the given number of leading bits with what a resolve asks for. */
static struct ring_id near_target(unsigned bits)
{
	static const uint8_t middle[PNRP_LOCATION_SIZE] = {[8] = 0x80};
	struct ring_id id = rig_peer(0, NAME, middle).id;

	id.b[bits / 8] ^= (uint8_t)(0x80 >> bits % 8);
	return id;
}

static struct rig_datagram *next_lookup(struct rig *r)
{
	struct rig_datagram *d = rig_take(r, PNRP_LOOKUP);

	assert_non_null(d);
	return d;
}

static struct pnrp_authority_buffer big_buffer(void)
{
	static uint8_t chain[3000];

	return (struct pnrp_authority_buffer){.has_chain = true, .chain = ponto_bytes(chain, sizeof(chain))};
}

static void send_piece(struct rig *r, const struct rig_datagram *question, const struct ponto_addr *from, uint32_t id,
		       struct ponto_bytes whole, uint16_t offset)
{
	struct pnrp_message m = {.type = PNRP_AUTHORITY, .id = id};
	uint8_t bytes[PNRP_DATAGRAM_MAX];
	size_t len, rest = whole.len - offset;

	m.authority.acked_id = question->m.id;
	m.authority.size = (uint16_t)whole.len;
	m.authority.offset = offset;
	m.authority.slice = ponto_bytes(whole.data + offset, rest < PNRP_FRAGMENT ? rest : PNRP_FRAGMENT);
	assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
	rig_deliver(r, from, ponto_bytes(bytes, len));
}

static void fragments_in_any_order_complete_the_answer(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	struct pnrp_authority_buffer b = big_buffer();
	uint8_t whole[4000];
	struct rig_datagram *d;
	struct pnrp_status status;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-375", "PNRP-381", "PNRP-382", "PNRP-384");
	assert_ok(pnrp_authority_encode(&pnrp_windows, &b, whole, sizeof(whole), &len));
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	d = next_lookup(r);
	send_piece(r, d, &d->to, 7, ponto_bytes(whole, len), 2376);
	send_piece(r, d, &d->to, 7, ponto_bytes(whole, len), 0);
	assert_int_equal(r->unresolved, 0);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.reassemblies, 1);
	send_piece(r, d, &d->to, 8, ponto_bytes(whole, len), 1188); /* another Message ID: does not mix */
	assert_int_equal(r->unresolved, 0);
	send_piece(r, d, &d->to, 7, ponto_bytes(whole, len), 1188);
	assert_int_equal(r->unresolved, 1);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.reassemblies + status.pending, 0);
	rig_free(r);
}

static void pieces_of_different_answers_do_not_mix(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	struct pnrp_authority_buffer b = big_buffer();
	uint8_t bytes[4000];
	struct ponto_bytes whole;
	struct ponto_addr neighbour;
	struct rig_datagram *d;
	struct pnrp_status status;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-377");
	assert_ok(pnrp_authority_encode(&pnrp_windows, &b, bytes, sizeof(bytes), &len));
	whole = ponto_bytes(bytes, len);
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	d = next_lookup(r);
	neighbour = d->to;
	neighbour.port++;
	send_piece(r, d, &d->to, 7, whole, 0);
	send_piece(r, d, &neighbour, 7, whole, 1188);
	send_piece(r, d, &d->to, 7, whole, 2376);
	assert_int_equal(r->unresolved, 0);
	send_piece(r, d, &d->to, 8, whole, 1188);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.reassemblies, 2);
	assert_int_equal(r->unresolved, 0);
	send_piece(r, d, &d->to, 8, whole, 0);
	send_piece(r, d, &d->to, 8, whole, 2376);
	assert_int_equal(r->unresolved, 1);
	rig_free(r);
}

/* The question goes on waiting for a sound one. */
static void malformed_authority_is_dropped(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
	} faults[] = {
		{13, 0x19}, /* FieldID1 */
		{15, 0x09}, /* Length1 */
		{21, 0x99}, /* FieldID2 */
		{23, 0x0a}, /* Length2 */
		{24, 0x92}, /* Size above 37,348 */
		{27, 0x04}, /* Offset no multiple of 1,188 */
	};
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	struct pnrp_message m = {.type = PNRP_AUTHORITY, .id = 7};
	uint8_t flags[] = {0, 0x40, 0, 6, 0, 0, 0, 0}, bytes[PNRP_DATAGRAM_MAX];
	struct rig_datagram *d;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-373");
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	d = next_lookup(r);
	m.authority.acked_id = d->m.id;
	m.authority.size = sizeof(flags);
	m.authority.slice = ponto_bytes(flags, sizeof(flags));
	assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &len));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(faults); i++) {
		uint8_t right = bytes[faults[i].at];

		bytes[faults[i].at] = faults[i].value;
		rig_deliver(r, &d->to, ponto_bytes(bytes, len));
		bytes[faults[i].at] = right;
		assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_SYNTAX], i + 1);
		assert_int_equal(r->unresolved, 0);
	}
	rig_deliver(r, &d->to, ponto_bytes(bytes, len));
	assert_int_equal(r->unresolved, 1);
	rig_free(r);
}

static void dead_request_drops_its_fragments(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	struct pnrp_authority_buffer b = big_buffer();
	uint8_t whole[4000];
	struct rig_datagram *d;
	struct pnrp_status status;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-452");
	assert_ok(pnrp_authority_encode(&pnrp_windows, &b, whole, sizeof(whole), &len));
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	d = next_lookup(r);
	send_piece(r, d, &d->to, 7, ponto_bytes(whole, len), 0);
	rig_run(r, 3 * PONTO_SECOND);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.reassemblies, 0);
	rig_free(r);
}

static void fragment_storm_is_bounded(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	static uint8_t whole[PNRP_AUTHORITY_MAX];
	struct rig_datagram *d;
	struct pnrp_status status;
	struct ponto_addr stranger = rig_addr(77);

	(void)state;
	PONTO_PROVES("PNRP-378");
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	d = next_lookup(r);
	for (uint32_t i = 0; i < 5000; i++) {
		send_piece(r, d, &d->to, i, ponto_bytes(whole, sizeof(whole)), (uint16_t)(1188 * (i % 30)));
		send_piece(r, d, &stranger, i, ponto_bytes(whole, sizeof(whole)), 0);
	}
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.reassemblies, 2);
	assert_true(status.memory < 160 * 1024);
	rig_run(r, 3 * PONTO_SECOND);
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.reassemblies, 0);
	rig_free(r);
}

static void contradicting_fragments_start_over(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	struct pnrp_authority_buffer b = big_buffer();
	uint8_t whole[4000];
	struct rig_datagram *d;
	struct pnrp_status status;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-380", "PNRP-379");
	assert_ok(pnrp_authority_encode(&pnrp_windows, &b, whole, sizeof(whole), &len));
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	d = next_lookup(r);
	send_piece(r, d, &d->to, 7, ponto_bytes(whole, len), 0);
	send_piece(r, d, &d->to, 7, ponto_bytes(whole, len - 4), 1188); /* another Size */
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.reassemblies, 0);
	assert_int_equal(pnrp_engine_stats(r->engine)->dropped[PNRP_DROP_FRAGMENT], 1);
	send_piece(r, d, &d->to, 7, ponto_bytes(whole, len), 0);
	{
		/* Offset plus length beyond Size: built by hand from a sound one. */
		struct pnrp_message m = {.type = PNRP_AUTHORITY, .id = 7};
		uint8_t bytes[PNRP_DATAGRAM_MAX];
		size_t n;

		m.authority.acked_id = d->m.id;
		m.authority.size = (uint16_t)len;
		m.authority.offset = 1188;
		m.authority.slice = ponto_bytes(whole, PNRP_FRAGMENT);
		assert_ok(pnrp_encode(&pnrp_windows, &m, bytes, sizeof(bytes), &n));
		bytes[26] = 2376 >> 8;
		bytes[27] = 2376 & 0xff;
		rig_deliver(r, &d->to, ponto_bytes(bytes, n));
	}
	pnrp_engine_status(r->engine, &status);
	assert_int_equal(status.reassemblies, 0);
	rig_free(r);
}

static void malformed_buffer_is_ignored(void **state)
{
	struct rig *r = rig_open();
	struct ring_id id = near_target(3);
	struct rig_datagram *d;
	uint8_t junk[64] = {9, 9, 9};

	(void)state;
	PONTO_PROVES("PNRP-383", "PNRP-376");
	rig_learn(r, &id, 1);
	rig_resolve(r, NAME);
	d = next_lookup(r);
	send_piece(r, d, &d->to, 7, ponto_bytes(junk, sizeof(junk)), 0);
	assert_int_equal(r->unresolved, 0); /* still waiting */
	rig_answer_flags(r, d, false);
	assert_int_equal(r->unresolved, 1);
	rig_free(r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(fragments_in_any_order_complete_the_answer),
	cmocka_unit_test(pieces_of_different_answers_do_not_mix),
	cmocka_unit_test(malformed_authority_is_dropped),
	cmocka_unit_test(dead_request_drops_its_fragments),
	cmocka_unit_test(fragment_storm_is_bounded),
	cmocka_unit_test(contradicting_fragments_start_over),
	cmocka_unit_test(malformed_buffer_is_ignored),
};

PONTO_TEST_MAIN(tests)
