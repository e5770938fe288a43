/* ROUTE_ENTRY: [MS-PNRP] 2.2.3.4, where M02 carries it at offset 24. */
#include "tests/unit/pnrp_test.h"

#define AT 24

static void route_layout(void **state)
{
	struct datagram d = vector("M17");
	struct pnrp_message m = assert_decodes(&d);
	struct pnrp_authority_buffer b;

	(void)state;
	PONTO_PROVES("PNRP-216");
	assert_ok(pnrp_authority_decode(&pnrp_windows, m.authority.slice, &b));
	assert_hex(b.route.id.b, 32, ID_OPEN);
	assert_int_equal(b.route.port, 3540);
	assert_int_equal(b.route.count, 2);
	assert_hex(b.route.addrs[0], 16, "20010db8000200000000000000000020");
	assert_hex(b.route.addrs[1], 16, "20010db8000300000000000000000030");
	for (size_t i = 2; i < PNRP_ROUTE_ADDRS_MAX; i++)
		assert_hex(b.route.addrs[i], 16, "00000000000000000000000000000000");
	datagram_free(&d);
}

/* The entry is ignored, the message is not. */
static void ignored(size_t at, const char *hex)
{
	struct datagram d = vector("M02");
	struct pnrp_message m;

	edit(&d, at, hex);
	m = assert_decodes(&d);
	assert_false(m.solicit.has_route);
	assert_true(m.solicit.route_ignored);
	assert_hex(m.solicit.hashed_nonce, 20, NONCE_HASH);
	datagram_free(&d);
}

static void route_of_another_version(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-217");
	ignored(AT + 32, "05");
	ignored(AT + 32, "03");
	ignored(AT + 33, "01");
	ignored(AT + 32, "0004");
}

static void route_with_a_reserved_port(void **state)
{
	struct datagram d = vector("M02");
	struct pnrp_message m = assert_decodes(&d);
	uint8_t buf[PNRP_MESSAGE_MAX];
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-218");
	ignored(AT + 34, "0400");
	ignored(AT + 34, "0050");
	ignored(AT + 34, "0000");
	m.solicit.route.port = 1024;
	assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
	edit(&d, AT + 34, "0401");
	assert_int_equal(assert_decodes(&d).solicit.route.port, 1025);
	datagram_free(&d);
}

static void route_flags(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-219");
	assert_edit_ignored("M02", AT + 36, "ff");
}

static void route_address_count(void **state)
{
	struct ponto_test_random tr;
	uint8_t buf[PNRP_MESSAGE_MAX];
	struct pnrp_message m;
	struct datagram d;
	size_t len;

	(void)state;
	PONTO_PROVES("PNRP-220", "PNRP-221");
	assert_edit_dropped("M02", AT + 37, "00");
	assert_edit_dropped("M02", AT + 37, "02");
	assert_edit_dropped("M02", AT + 37, "15");
	assert_edit_dropped("M02", AT + 37, "ff");
	ponto_test_random_init(&tr, 7);
	memset(&m, 0, sizeof(m));
	m.type = PNRP_SOLICIT;
	m.solicit.has_route = true;
	random_route(&tr, &m.solicit.route);
	for (unsigned count = 0; count < 23; count++) {
		m.solicit.route.count = (uint8_t)count;
		if (count < 1 || count > 20) {
			assert_int_equal(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len), PONTO_EINVAL);
			continue;
		}
		assert_ok(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len));
		d = datagram_copy(buf, len);
		assert_int_equal(assert_decodes(&d).solicit.route.count, count);
		d.data[12 + 4 + 37] = (uint8_t)(count + 1);
		assert_dropped(&d);
		d.data[12 + 4 + 37] = (uint8_t)(count - 1);
		assert_dropped(&d);
		datagram_free(&d);
	}
	/* An array of 21 that fits all lengths. */
	m.solicit.route.count = 20;
	assert_ok(pnrp_encode(&pnrp_windows, &m, buf, sizeof(buf), &len));
	d = datagram_copy(buf, len);
	splice(&d, 12 + 4 + 38, 0, "20010db8000200000000000000000020");
	edit(&d, 14, "017a");
	edit(&d, 12 + 4 + 37, "15");
	assert_dropped(&d);
	datagram_free(&d);
}

static void route_equality(void **state)
{
	struct ponto_test_random tr;
	struct pnrp_route_entry a, b;

	(void)state;
	ponto_test_random_init(&tr, 8);
	do
		random_route(&tr, &a);
	while (a.count < 2);
	b = a;
	assert_true(pnrp_route_entry_equal(&a, &b));
	b.addrs[1][15] ^= 1;
	assert_false(pnrp_route_entry_equal(&a, &b));
	b = a;
	b.count--;
	assert_false(pnrp_route_entry_equal(&a, &b));
	b = a;
	b.port ^= 1;
	assert_false(pnrp_route_entry_equal(&a, &b));
	b = a;
	b.id.b[31] ^= 1;
	assert_false(pnrp_route_entry_equal(&a, &b));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(route_layout),
	cmocka_unit_test(route_of_another_version),
	cmocka_unit_test(route_with_a_reserved_port),
	cmocka_unit_test(route_flags),
	cmocka_unit_test(route_address_count),
	cmocka_unit_test(route_equality),
};

PONTO_TEST_MAIN(tests)
