/* SOLICIT, ADVERTISE, REQUEST and ACK: [MS-PNRP] 2.2.2.1 to 2.2.2.3, 2.2.2.7. */
#include "tests/unit/pnrp_test.h"

/* ---- SOLICIT ------------------------------------------------------------------------ */

static void solicit_without_options(void **state)
{
	struct datagram d = vector("M01");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-033", "PNRP-034");
	assert_int_equal(m.type, PNRP_SOLICIT);
	assert_false(m.solicit.has_controls);
	assert_false(m.solicit.has_route);
	assert_int_equal(m.solicit.solicit_type, PNRP_SOLICIT_ANY);
	assert_hex(m.solicit.hashed_nonce, 20, NONCE_HASH);
	datagram_free(&d);
	assert_edit_dropped("M01", 12, "0093");
	assert_edit_dropped("M01", 14, "0017");
	assert_edit_dropped("M01", 14, "0019");
}

static void solicit_controls_fields(void **state)
{
	struct datagram d = vector("M02");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-016", "PNRP-018", "PNRP-021", "PNRP-022");
	assert_true(m.solicit.has_controls);
	assert_int_equal(m.solicit.solicit_type, PNRP_SOLICIT_ANY);
	edit(&d, 17, "01");
	assert_int_equal(assert_decodes(&d).solicit.solicit_type, PNRP_SOLICIT_LOCAL);
	datagram_free(&d);
	assert_edit_dropped("M02", 12, "0043");
	assert_edit_dropped("M02", 14, "0008");
	assert_edit_dropped("M02", 14, "0005");
	assert_edit_dropped("M02", 17, "02");
	assert_edit_dropped("M02", 17, "ff");
}

static void solicit_reserved_and_pads(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-019", "PNRP-020", "PNRP-024", "PNRP-025");
	assert_edit_ignored("M02", 16, "ff");
	assert_edit_ignored("M02", 18, "ffff");
}

static void solicit_route_element(void **state)
{
	struct datagram d = vector("M02");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-026", "PNRP-029", "PNRP-031", "PNRP-032");
	assert_true(m.solicit.has_route);
	assert_hex(m.solicit.route.id.b, 32, ID_SECURE);
	assert_int_equal(m.solicit.route.port, 3540);
	assert_int_equal(m.solicit.route.count, 1);
	assert_hex(m.solicit.route.addrs[0], 16, "20010db8000100000000000000000010");
	splice(&d, 78, 2, "");
	assert_dropped(&d);
	datagram_free(&d);
	assert_edit_ignored("M02", 78, "aaaa");
	assert_edit_dropped("M02", 22, "0039");
	assert_edit_dropped("M02", 22, "003b");
	assert_edit_dropped("M02", 22, "003c");
	assert_edit_dropped("M02", 20, "009b");
}

/* All four combinations of the optional elements, found by what stands there. */
static void solicit_presence_by_value(void **state)
{
	struct datagram both = vector("M02");

	(void)state;
	PONTO_PROVES("PNRP-017", "PNRP-027");
	for (unsigned mask = 0; mask < 4; mask++) {
		struct datagram d = datagram_copy(both.data, both.len);
		struct pnrp_message m;

		if (!(mask & 2))
			splice(&d, 20, 60, "");
		if (!(mask & 1))
			splice(&d, 12, 8, "");
		m = assert_decodes(&d);
		assert_int_equal(m.solicit.has_controls, mask & 1);
		assert_int_equal(m.solicit.has_route, mask >> 1);
		assert_hex(m.solicit.hashed_nonce, 20, NONCE_HASH);
		assert_encodes(&m, &d);
		datagram_free(&d);
	}
	/* Route entry before controls is another order. */
	splice(&both, 12, 8, "");
	splice(&both, 72, 0, "0044000600000000");
	assert_dropped(&both);
	datagram_free(&both);
}

static void solicit_refuses_to_encode_nonsense(void **state)
{
	struct ponto_test_random tr;
	struct pnrp_message m;
	uint8_t buf[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	ponto_test_random_init(&tr, 3);
	random_message(&tr, PNRP_SOLICIT, NULL, &m);
	m.solicit.has_controls = true;
	m.solicit.solicit_type = 2;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	m.solicit.has_controls = false;
	m.solicit.solicit_type = PNRP_SOLICIT_LOCAL;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
}

/* ---- ADVERTISE ------------------------------------------------------------------------ */

static void advertise_fields(void **state)
{
	struct datagram d = vector("M03");
	struct pnrp_message m = assert_decodes(&d);
	struct ring_id id;

	(void)state;
	PONTO_PROVES("PNRP-036", "PNRP-038", "PNRP-044", "PNRP-045");
	assert_int_equal(m.type, PNRP_ADVERTISE);
	assert_int_equal(m.advertise.acked_id, 0x01020304);
	assert_int_equal(m.advertise.ids.count, 2);
	id = pnrp_id_at(&m.advertise.ids, 0);
	assert_hex(id.b, 32, ID_SECURE);
	id = pnrp_id_at(&m.advertise.ids, 1);
	assert_hex(id.b, 32, ID_OPEN);
	assert_hex(m.advertise.hashed_nonce, 20, NONCE_HASH);
	datagram_free(&d);
	assert_edit_dropped("M03", 12, "0040");
	assert_edit_dropped("M03", 14, "0007");
	assert_edit_dropped("M03", 20, "009e");
	assert_edit_dropped("M03", 96, "0093");
	assert_edit_dropped("M03", 98, "0014");
}

static void advertise_array_lengths(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-039", "PNRP-041", "PNRP-042", "PNRP-043");
	assert_edit_dropped("M03", 22, "004b");
	assert_edit_dropped("M03", 22, "004d");
	assert_edit_dropped("M03", 22, "002c");
	assert_edit_dropped("M03", 24, "0003");
	assert_edit_dropped("M03", 24, "0001");
	assert_edit_dropped("M03", 26, "0047");
	assert_edit_dropped("M03", 26, "004c");
	assert_edit_dropped("M03", 28, "0031");
	assert_edit_dropped("M03", 30, "001f");
	assert_edit_dropped("M03", 30, "0021");
}

/* 0x8000 entries of 32 bytes are 0 modulo 65536, so that every 16-bit length would fit. */
static void advertise_count_range(void **state)
{
	struct datagram d = vector("M04");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-040");
	assert_int_equal(m.advertise.ids.count, 0);
	datagram_free(&d);
	assert_edit_dropped("M04", 24, "8000");
	assert_edit_dropped("M04", 24, "0800");
	assert_edit_dropped("M04", 24, "ffff");
}

static void id_lists_refuse_to_encode_nonsense(void **state)
{
	uint8_t *big = calloc(2047, 32), *buf = malloc(66000);
	struct pnrp_message m;
	size_t len;

	(void)state;
	assert_non_null(big);
	assert_non_null(buf);
	memset(&m, 0, sizeof(m));
	m.type = PNRP_ADVERTISE;
	m.advertise.ids.count = 2047;
	m.advertise.ids.bytes = ponto_bytes(big, 2047 * 32);
	assert_ok(pnrp_encode(&pnrp_windows, &m, buf, 66000, &len));
	assert_ok(pnrp_decode(&pnrp_windows, ponto_bytes(buf, len), &m));
	assert_int_equal(m.advertise.ids.count, 2047);
	m.advertise.ids.count = 2046;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, 66000, &len), PONTO_EINVAL);
	m.advertise.ids.count = 2048;
	m.advertise.ids.bytes.len = 2048 * 32;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, 66000, &len), PONTO_EINVAL);
	free(big);
	free(buf);
}

/* ---- REQUEST ---------------------------------------------------------------------------- */

static void request_fields(void **state)
{
	struct datagram d = vector("M05");
	struct pnrp_message m = assert_decodes(&d);
	struct ring_id id = pnrp_id_at(&m.request.ids, 0);

	(void)state;
	PONTO_PROVES("PNRP-047", "PNRP-049", "PNRP-051");
	assert_hex(m.request.nonce, 16, NONCE);
	assert_int_equal(m.request.ids.count, 1);
	assert_hex(id.b, 32, ID_OPEN);
	/* 0x8000 and 0x8001 entries of 32 bytes are 0 and 32 modulo 65536: the 16-bit lengths would fit. */
	edit(&d, 36, "8001");
	assert_dropped(&d);
	edit(&d, 36, "0000");
	edit(&d, 34, "000c");
	edit(&d, 38, "0008");
	assert_dropped(&d);
	splice(&d, 44, 32, "");
	assert_int_equal(assert_decodes(&d).request.ids.count, 0);
	edit(&d, 36, "8000");
	assert_dropped(&d);
	datagram_free(&d);
	assert_edit_dropped("M05", 12, "0092");
	assert_edit_dropped("M05", 14, "0018");
	assert_edit_dropped("M05", 32, "009e");
}

static void request_array_lengths(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-050", "PNRP-052", "PNRP-053", "PNRP-054");
	assert_edit_dropped("M05", 34, "002b");
	assert_edit_dropped("M05", 34, "004c");
	assert_edit_dropped("M05", 36, "0002");
	assert_edit_dropped("M05", 36, "0000");
	assert_edit_dropped("M05", 38, "0027");
	assert_edit_dropped("M05", 38, "002c");
	assert_edit_dropped("M05", 40, "009d");
	assert_edit_dropped("M05", 42, "0012");
}

/* ---- ACK ----------------------------------------------------------------------------------- */

static void ack_fields(void **state)
{
	struct datagram plain = vector("M06"), flagged = vector("M10");
	struct pnrp_message m = assert_decodes(&plain);

	(void)state;
	PONTO_PROVES("PNRP-126", "PNRP-127", "PNRP-129");
	assert_int_equal(m.ack.acked_id, 0x22222222);
	assert_false(m.ack.not_found);
	m = assert_decodes(&flagged);
	assert_int_equal(m.ack.acked_id, 0x33333334);
	assert_true(m.ack.not_found);
	edit(&flagged, 24, "0000");
	assert_false(assert_decodes(&flagged).ack.not_found);
	datagram_free(&plain);
	datagram_free(&flagged);
	assert_edit_dropped("M06", 12, "0040");
	assert_edit_dropped("M06", 14, "000c");
	assert_edit_dropped("M10", 20, "0041");
	assert_edit_dropped("M10", 22, "0005");
	assert_edit_dropped("M10", 22, "0008");
}

static void ack_reserved_bits(void **state)
{
	struct datagram d = vector("M10");

	(void)state;
	PONTO_PROVES("PNRP-128");
	assert_edit_ignored("M10", 24, "ffff");
	edit(&d, 24, "fffe");
	assert_false(assert_decodes(&d).ack.not_found);
	datagram_free(&d);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(solicit_without_options),
	cmocka_unit_test(solicit_controls_fields),
	cmocka_unit_test(solicit_reserved_and_pads),
	cmocka_unit_test(solicit_route_element),
	cmocka_unit_test(solicit_presence_by_value),
	cmocka_unit_test(solicit_refuses_to_encode_nonsense),
	cmocka_unit_test(advertise_fields),
	cmocka_unit_test(advertise_array_lengths),
	cmocka_unit_test(advertise_count_range),
	cmocka_unit_test(id_lists_refuse_to_encode_nonsense),
	cmocka_unit_test(request_fields),
	cmocka_unit_test(request_array_lengths),
	cmocka_unit_test(ack_fields),
	cmocka_unit_test(ack_reserved_bits),
};

PONTO_TEST_MAIN(tests)
