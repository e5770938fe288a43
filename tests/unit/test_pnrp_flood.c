/* FLOOD: [MS-PNRP] 2.2.2.4, and IPV6_ENDPOINT, 2.2.3.6. */
#include "tests/unit/pnrp_test.h"

static void flood_controls(void **state)
{
	struct datagram plain = vector("M08"), quiet = vector("M07");

	(void)state;
	PONTO_PROVES("PNRP-056", "PNRP-057", "PNRP-060");
	assert_false(assert_decodes(&plain).flood.no_ack);
	assert_true(assert_decodes(&quiet).flood.no_ack);
	datagram_free(&plain);
	datagram_free(&quiet);
	assert_edit_dropped("M08", 12, "0044");
	assert_edit_dropped("M08", 14, "0006");
	assert_edit_dropped("M08", 14, "0008");
}

static void flood_reserved(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-058", "PNRP-059", "PNRP-061", "PNRP-062");
	assert_edit_ignored("M08", 16, "fffe");
	assert_edit_ignored("M07", 16, "ffff");
	assert_edit_ignored("M08", 18, "ff");
	assert_edit_ignored("M08", 19, "ff");
}

static void flood_validate_id(void **state)
{
	struct datagram d = vector("M08");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-063");
	assert_hex(m.flood.validate_id.b, 32, ID_OPEN);
	datagram_free(&d);
	assert_edit_dropped("M08", 20, "0038");
	assert_edit_dropped("M08", 22, "0023");
	assert_edit_dropped("M08", 22, "0025");
}

static void flood_revoke(void **state)
{
	struct datagram d = vector("M09");
	struct pnrp_message m = assert_decodes(&d);
	struct pnrp_cpa cpa;

	(void)state;
	PONTO_PROVES("PNRP-067", "PNRP-068", "PNRP-069", "PNRP-070");
	assert_true(m.flood.has_revoke);
	assert_false(m.flood.has_route);
	assert_int_equal(m.flood.revoke.len, 401);
	assert_ok(pnrp_cpa_decode(&pnrp_windows, m.flood.revoke, &cpa));
	assert_true(cpa.revoke);
	splice(&d, 461, 3, "");
	assert_dropped(&d);
	datagram_free(&d);
	assert_edit_ignored("M09", 461, "aabbcc");
	/* A wrong length is caught even where the pad bytes would absorb it. */
	assert_edit_dropped("M09", 58, "0194");
	assert_edit_dropped("M09", 58, "0196");
	assert_edit_dropped("M09", 58, "0198");
	assert_edit_dropped("M09", 58, "0004");
	assert_edit_dropped("M09", 58, "0003");
	assert_edit_dropped("M09", 56, "009b");
}

static void flood_route(void **state)
{
	struct datagram d = vector("M07");
	struct pnrp_message m = assert_decodes(&d);

	(void)state;
	PONTO_PROVES("PNRP-073", "PNRP-074");
	assert_true(m.flood.has_route);
	assert_hex(m.flood.route.id.b, 32, ID_OPEN);
	assert_int_equal(m.flood.route.count, 2);
	assert_hex(m.flood.route.addrs[1], 16, "20010db8000300000000000000000030");
	datagram_free(&d);
	assert_edit_ignored("M08", 114, "aaaa");
	assert_edit_dropped("M08", 58, "0039");
	assert_edit_dropped("M08", 58, "003b");
	assert_edit_dropped("M08", 58, "003c");
	assert_edit_dropped("M08", 58, "004a");
	assert_edit_dropped("M08", 56, "009b");
}

/* None, revoke, route, both: found by what stands there, and in this order only. */
static void flood_presence_by_value(void **state)
{
	struct datagram route = vector("M08"), revoke = vector("M09");

	(void)state;
	PONTO_PROVES("PNRP-072");
	for (unsigned mask = 0; mask < 4; mask++) {
		struct datagram d = datagram_copy(route.data, 56);
		struct pnrp_message m;

		d.data = realloc(d.data, 56 + 408 + 60 + 66);
		assert_non_null(d.data);
		if (mask & 1) {
			memcpy(d.data + d.len, revoke.data + 56, 408);
			d.len += 408;
		}
		if (mask & 2) {
			memcpy(d.data + d.len, route.data + 56, 60);
			d.len += 60;
		}
		memcpy(d.data + d.len, route.data + 116, 66);
		d.len += 66;
		m = assert_decodes(&d);
		assert_int_equal(m.flood.has_revoke, mask & 1);
		assert_int_equal(m.flood.has_route, mask >> 1);
		assert_int_equal(m.flood.count, 3);
		assert_encodes(&m, &d);
		if (mask == 3) {
			memmove(d.data + 56 + 60, d.data + 56, 408);
			memcpy(d.data + 56, route.data + 56, 60);
			assert_dropped(&d);
		}
		datagram_free(&d);
	}
	datagram_free(&route);
	datagram_free(&revoke);
}

static void flood_list_lengths(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-075", "PNRP-076", "PNRP-078", "PNRP-079");
	assert_edit_dropped("M08", 116, "0060");
	assert_edit_dropped("M08", 118, "0041");
	assert_edit_dropped("M08", 118, "0043");
	assert_edit_dropped("M08", 122, "003d");
	assert_edit_dropped("M08", 122, "0042");
	assert_edit_dropped("M08", 124, "009c");
	assert_edit_dropped("M08", 126, "0011");
	assert_edit_dropped("M08", 126, "0020");
	assert_edit_dropped("M08", 120, "0002");
	assert_edit_dropped("M08", 120, "0004");
}

/* 0 to 22 entries, received and sent. */
static void flood_list_range(void **state)
{
	struct ponto_test_random tr;
	uint8_t scratch[SCRATCH_SIZE], buf[PNRP_MESSAGE_MAX];
	struct pnrp_message m;
	struct datagram d;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-077");
	ponto_test_random_init(&tr, 4);
	do
		random_message(&tr, PNRP_FLOOD, scratch, &m);
	while (m.flood.count != PNRP_ENDPOINTS_MAX || m.flood.has_revoke || m.flood.has_route);
	assert_ok(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len));
	d = datagram_copy(buf, len);
	assert_int_equal(assert_decodes(&d).flood.count, 22);
	splice(&d, d.len, 0, "0dd420010db80001000000000000000000100000");
	edit(&d, 58, "01aa");
	edit(&d, 60, "0017");
	edit(&d, 62, "01a6");
	assert_dropped(&d);
	splice(&d, d.len - 2, 2, "");
	assert_dropped(&d);
	datagram_free(&d);
	m.flood.count = 23;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	d = vector("M07");
	assert_int_equal(assert_decodes(&d).flood.count, 0);
	datagram_free(&d);
}

static void flood_endpoints(void **state)
{
	struct datagram d = vector("M08");
	struct pnrp_message m = assert_decodes(&d);
	uint8_t buf[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-257", "PNRP-258");
	assert_int_equal(m.flood.count, 3);
	assert_int_equal(m.flood.endpoints[2].port, 3540);
	assert_hex(m.flood.endpoints[2].ip, 16, "20010db8000300000000000000000030");
	m.flood.endpoints[1].port = 1024;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	edit(&d, 128, "0401");
	assert_int_equal(assert_decodes(&d).flood.endpoints[0].port, 1025);
	datagram_free(&d);
	assert_edit_dropped("M08", 128, "0400");
	assert_edit_dropped("M08", 146, "0050");
	assert_edit_dropped("M08", 164, "0000");
}

static void flood_refuses_a_revoke_of_another_length(void **state)
{
	struct datagram d = vector("M09");
	struct pnrp_message m = assert_decodes(&d);
	uint8_t buf[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	m.flood.revoke.len--;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	m.flood.revoke.len = 1;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	datagram_free(&d);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(flood_controls),     cmocka_unit_test(flood_reserved),
	cmocka_unit_test(flood_validate_id),  cmocka_unit_test(flood_revoke),
	cmocka_unit_test(flood_route),	      cmocka_unit_test(flood_presence_by_value),
	cmocka_unit_test(flood_list_lengths), cmocka_unit_test(flood_list_range),
	cmocka_unit_test(flood_endpoints),    cmocka_unit_test(flood_refuses_a_revoke_of_another_length),
};

PONTO_TEST_MAIN(tests)
