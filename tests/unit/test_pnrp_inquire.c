/* INQUIRE: [MS-PNRP] 2.2.2.5. */
#include "tests/unit/pnrp_test.h"

static void inquire_fields(void **state)
{
	struct datagram d = vector("M12");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-081", "PNRP-088", "PNRP-089");
	assert_true(m.inquire.want_cpa && m.inquire.want_payload && m.inquire.want_chain && m.inquire.has_nonce);
	assert_hex(m.inquire.validate_id.b, 32, ID_SECURE);
	assert_hex(m.inquire.nonce, 16, NONCE);
	datagram_free(&d);
	assert_edit_dropped("M12", 12, "0043");
	assert_edit_dropped("M12", 14, "0008");
	assert_edit_dropped("M12", 14, "0005");
	assert_edit_dropped("M12", 20, "0038");
	assert_edit_dropped("M12", 22, "0020");
	assert_edit_dropped("M12", 22, "0025");
	assert_edit_dropped("M12", 56, "0092");
}

static void inquire_flag_bits(void **state)
{
	static const struct {
		const char *hex;
		bool cpa, payload, chain;
	} rows[] = {{"0010", true, false, false},  {"0008", false, true, false}, {"0004", false, false, true},
		    {"0000", false, false, false}, {"0018", true, true, false},	 {"000c", false, true, true}};

	(void)state;
	PONTO_PROVES("PNRP-083", "PNRP-084", "PNRP-085");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct datagram d = vector("M12");
		struct pnrp_message m;

		edit(&d, 16, rows[i].hex);
		m = assert_decodes(&d);
		assert_int_equal(m.inquire.want_cpa, rows[i].cpa);
		assert_int_equal(m.inquire.want_payload, rows[i].payload);
		assert_int_equal(m.inquire.want_chain, rows[i].chain);
		assert_encodes(&m, &d);
		datagram_free(&d);
	}
}

static void inquire_reserved(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-082", "PNRP-086", "PNRP-087");
	assert_edit_ignored("M11", 16, "ffe0");
	assert_edit_ignored("M12", 16, "fffc");
	assert_edit_ignored("M11", 16, "0003");
	assert_edit_ignored("M12", 16, "001f");
	assert_edit_ignored("M11", 18, "ffff");
}

static void inquire_nonce_is_whole_or_absent(void **state)
{
	struct datagram d = vector("M12"), plain = vector("M11");

	(void)state;
	PONTO_PROVES("PNRP-090");
	for (size_t len = 57; len < d.len; len++) {
		struct datagram cut = datagram_copy(d.data, len);

		assert_dropped(&cut);
		datagram_free(&cut);
	}
	assert_false(assert_decodes(&plain).inquire.has_nonce);
	datagram_free(&d);
	datagram_free(&plain);
	assert_edit_dropped("M12", 58, "0013");
	assert_edit_dropped("M12", 58, "0018");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(inquire_fields),
	cmocka_unit_test(inquire_flag_bits),
	cmocka_unit_test(inquire_reserved),
	cmocka_unit_test(inquire_nonce_is_whole_or_absent),
};

PONTO_TEST_MAIN(tests)
