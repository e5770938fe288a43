/* LOOKUP: [MS-PNRP] 2.2.2.8. */
#include "tests/unit/pnrp_test.h"

static void lookup_fields(void **state)
{
	struct datagram d = vector("M13");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-130", "PNRP-145", "PNRP-146");
	assert_true(m.lookup.accept_any);
	assert_int_equal(m.lookup.criteria, PNRP_OPCODE_NEAREST);
	assert_int_equal(m.lookup.reason, PNRP_REASON_APPLICATION);
	assert_hex(m.lookup.target.b, 32, ID_TARGET);
	assert_hex(m.lookup.validate_id.b, 32, ID_OPEN);
	assert_false(m.lookup.has_route);
	assert_int_equal(m.lookup.count, 1);
	assert_int_equal(m.lookup.path[0].port, 3540);
	assert_hex(m.lookup.path[0].ip, 16, "20010db8000400000000000000000040");
	datagram_free(&d);
	assert_edit_dropped("M13", 12, "0044");
	assert_edit_dropped("M13", 14, "000b");
	assert_edit_dropped("M13", 14, "0010");
	assert_edit_dropped("M13", 24, "0039");
	assert_edit_dropped("M13", 26, "0020");
	assert_edit_dropped("M13", 60, "0038");
	assert_edit_dropped("M13", 62, "0025");
}

static void lookup_reserved(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-131", "PNRP-144");
	assert_edit_ignored("M13", 16, "ffff");
	assert_edit_ignored("M14", 16, "fffd");
	assert_edit_ignored("M13", 22, "ffff");
}

static void lookup_flag_a(void **state)
{
	struct datagram with = vector("M13"), without = vector("M14");

	(void)state;
	PONTO_PROVES("PNRP-132");
	assert_true(assert_decodes(&with).lookup.accept_any);
	assert_false(assert_decodes(&without).lookup.accept_any);
	datagram_free(&with);
	datagram_free(&without);
}

static void lookup_precision_and_criteria(void **state)
{
	struct datagram d = vector("M13");

	(void)state;
	PONTO_PROVES("PNRP-133", "PNRP-136");
	for (unsigned criteria = 0; criteria < 256; criteria++) {
		struct pnrp_message m, before;
		uint8_t buf[PNRP_MESSAGE_MAX];
		size_t len;

		memset(&m, 0, sizeof(m));
		before = m;
		d.data[20] = (uint8_t)criteria;
		edit(&d, 18, "ffff");
		if (criteria == 0 || criteria == 1 || criteria == 2 || criteria == 4 || criteria == 8) {
			m = assert_decodes(&d);
			assert_int_equal(m.lookup.criteria, criteria);
			assert_int_equal(m.lookup.precision, 0xffff);
			continue;
		}
		assert_int_equal(pnrp_decode(&pnrp_windows, bytes_of(&d), &m), PONTO_EPROTO);
		assert_memory_equal(&m, &before, sizeof(m));
		d.data[20] = 0;
		m = assert_decodes(&d);
		m.lookup.criteria = (uint8_t)criteria;
		assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	}
	datagram_free(&d);
}

static void lookup_any_reason_is_read(void **state)
{
	struct datagram d = vector("M13");

	(void)state;
	for (unsigned reason = 0; reason < 256; reason++) {
		d.data[21] = (uint8_t)reason;
		assert_int_equal(assert_decodes(&d).lookup.reason, reason);
	}
	datagram_free(&d);
}

static void lookup_route(void **state)
{
	struct datagram d = vector("M14");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-147", "PNRP-148");
	assert_true(m.lookup.has_route);
	assert_hex(m.lookup.route.id.b, 32, ID_SECURE);
	assert_int_equal(m.lookup.count, 2);
	splice(&d, 154, 2, "");
	assert_dropped(&d);
	datagram_free(&d);
	assert_edit_ignored("M14", 154, "aaaa");
	assert_edit_dropped("M14", 96, "009b");
	assert_edit_dropped("M14", 98, "0039");
	assert_edit_dropped("M14", 98, "003b");
}

static void lookup_path_lengths(void **state)
{
	struct datagram d = vector("M13");

	(void)state;
	PONTO_PROVES("PNRP-149", "PNRP-151");
	splice(&d, 24, 36, "");
	assert_dropped(&d);
	datagram_free(&d);
	assert_edit_dropped("M13", 96, "0060");
	assert_edit_dropped("M13", 98, "001d");
	assert_edit_dropped("M13", 98, "0030");
	assert_edit_dropped("M13", 102, "0019");
	assert_edit_dropped("M13", 102, "001e");
	assert_edit_dropped("M13", 104, "009e");
	assert_edit_dropped("M13", 106, "0013");
}

static void lookup_path_range(void **state)
{
	struct datagram d = vector("M13");
	struct pnrp_message m = assert_decodes(&d);
	uint8_t buf[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-150", "PNRP-258");
	for (size_t i = 0; i < PNRP_ENDPOINTS_MAX; i++)
		m.lookup.path[i].port = PNRP_PORT;
	m.lookup.count = 0;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	m.lookup.count = 23;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	m.lookup.count = 22;
	assert_ok(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len));
	datagram_free(&d);
	d = datagram_copy(buf, len);
	assert_int_equal(assert_decodes(&d).lookup.count, 22);
	edit(&d, 98, "01aa");
	edit(&d, 100, "0017");
	edit(&d, 102, "01a6");
	splice(&d, d.len, 0, "0dd420010db800010000000000000000001000");
	splice(&d, d.len - 1, 1, "");
	assert_dropped(&d);
	datagram_free(&d);
	d = vector("M13");
	edit(&d, 98, "000c00000008");
	splice(&d, 108, 18, "");
	assert_dropped(&d);
	datagram_free(&d);
	assert_edit_dropped("M13", 100, "0000");
	assert_edit_dropped("M13", 100, "0017");
	assert_edit_dropped("M13", 108, "0400");
}

static void lookup_elements_in_another_order(void **state)
{
	struct datagram d = vector("M13");
	struct datagram swapped = datagram_copy(d.data, d.len);

	(void)state;
	memcpy(swapped.data + 24, d.data + 60, 36);
	memcpy(swapped.data + 60, d.data + 24, 36);
	assert_dropped(&swapped);
	datagram_free(&swapped);
	datagram_free(&d);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(lookup_fields),
	cmocka_unit_test(lookup_reserved),
	cmocka_unit_test(lookup_flag_a),
	cmocka_unit_test(lookup_precision_and_criteria),
	cmocka_unit_test(lookup_any_reason_is_read),
	cmocka_unit_test(lookup_route),
	cmocka_unit_test(lookup_path_lengths),
	cmocka_unit_test(lookup_path_range),
	cmocka_unit_test(lookup_elements_in_another_order),
};

PONTO_TEST_MAIN(tests)
