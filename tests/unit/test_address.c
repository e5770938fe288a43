/* The C library's inet_pton and inet_ntop serve as the second opinion. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <stdio.h>

static struct ponto_addr parse(const char *text)
{
	struct ponto_addr addr;

	assert_int_equal(ponto_addr_parse(text, 0, &addr), PONTO_OK);
	return addr;
}

static void texts_of_rfc_5952(void **state)
{
	/* Text given, text expected: RFC 5952 sections 2 and 4, RFC 4007 section 11. */
	static const char *const cases[][2] = {
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"2001:db8::0:1", "2001:db8::1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"2001:DB8::AAAA", "2001:db8::aaaa"},
		{"0:0:0:0:0:0:0:0", "::"},
		{"0:0:0:0:0:0:0:1", "::1"},
		{"1::", "1::"},
		{"1:0:0:0:0:0:0:0", "1::"},
		{"0:0:1::", "0:0:1::"},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
		{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"::ffff:c000:201", "::ffff:192.0.2.1"},
		{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
		{"fe80::1%2", "fe80::1%2"},
		{"fe80::1%4294967295", "fe80::1%4294967295"},
		{"[2001:db8::1]:3540", "[2001:db8::1]:3540"},
		{"[fe80::1%2]:3540", "[fe80::1%2]:3540"},
		{"[::1]", "::1"},
		{"192.0.2.1", "192.0.2.1"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
		{"0.0.0.0", "0.0.0.0"},
	};
	char text[PONTO_ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		struct ponto_addr addr = parse(cases[i][0]);

		assert_string_equal(ponto_addr_format(&addr, text), cases[i][1]);
	}
}

static void the_longest_text_fits(void **state)
{
	struct ponto_addr addr = {.family = PONTO_FAMILY_IPV6, .zone = UINT32_MAX, .port = 65535}, back;
	char text[PONTO_ADDR_TEXT];

	(void)state;
	memset(addr.ip, 0xfe, sizeof(addr.ip));
	ponto_addr_format(&addr, text);
	assert_ok(ponto_addr_parse(text, 0, &back));
	assert_true(ponto_addr_equal(&addr, &back));
	memset(&addr, 0, sizeof(addr));
	assert_string_equal(ponto_addr_format(&addr, text), "none");
}

static void refused_texts_leave_out_untouched(void **state)
{
	static const char *const bad[] = {
		"", " ", ":", ":::", "::1 ", " ::1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g",
		"1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", ":1::", "1::2:", "1:2:3:4:5:6:7:192.0.2.1", "::192.0.2", "::192.0.2.1:1",
		"::192.0.2.256", "fe80::1%", "fe80::1%0", "fe80::1%eth0", "fe80::1%4294967296", "fe80::1%-1", "fe80::1%01",
		"[::1", "[::1]x", "[::1]:", "[::1]:0", "[::1]:65536", "[::1]:01", "[::1]:+1", "[::1]: 1", "[]", "[]:1", "[192.0.2.1]",
		"192.0.2", "192.0.2.", "192.0.2.1.1", "192.0.2.01", "192.0.2.256", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
		"192.0.2.1:99999999999999999999", "192.0.2.-1", "192..2.1", ".192.0.2.1", "localhost", "1", "0x7f.0.0.1",
		"192.0.2.1%2", "::ffff:192.0.2.1.5",
	};
	struct ponto_addr out;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct ponto_addr before;

		memset(&out, 0x5a, sizeof(out));
		before = out;
		if (ponto_addr_parse(bad[i], 1, &out) != PONTO_EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_memory_equal(&out, &before, sizeof(out));
	}
}

static void a_missing_port_becomes_the_default(void **state)
{
	static const char *const without[] = {"::1", "[::1]", "fe80::1%3", "192.0.2.1"};
	struct ponto_addr addr;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(without); i++) {
		assert_ok(ponto_addr_parse(without[i], 3540, &addr));
		assert_int_equal(addr.port, 3540);
	}
	assert_ok(ponto_addr_parse("[::1]:1", 3540, &addr));
	assert_int_equal(addr.port, 1);
}

static void scopes(void **state)
{
	static const struct {
		const char *text;
		enum ponto_scope scope;
	} cases[] = {
		{"::", PONTO_SCOPE_NONE},	    {"0.0.0.0", PONTO_SCOPE_NONE},     {"::1", PONTO_SCOPE_LOOPBACK},
		{"127.255.0.1", PONTO_SCOPE_LOOPBACK}, {"ff01::1", PONTO_SCOPE_LOOPBACK}, {"fe80::1", PONTO_SCOPE_LINK},
		{"febf::1", PONTO_SCOPE_LINK},	    {"169.254.1.1", PONTO_SCOPE_LINK}, {"ff02::c", PONTO_SCOPE_LINK},
		{"ff12::c", PONTO_SCOPE_LINK},	    {"fec0::1", PONTO_SCOPE_SITE},     {"feff::1", PONTO_SCOPE_SITE},
		{"ff05::c", PONTO_SCOPE_SITE},	    {"fc00::1", PONTO_SCOPE_GLOBAL},   {"fd12::1", PONTO_SCOPE_GLOBAL},
		{"2001:db8::1", PONTO_SCOPE_GLOBAL},   {"ff0e::1", PONTO_SCOPE_GLOBAL},   {"192.168.0.1", PONTO_SCOPE_GLOBAL},
		{"fe7f::1", PONTO_SCOPE_GLOBAL},    {"168.254.1.1", PONTO_SCOPE_GLOBAL}, {"::2", PONTO_SCOPE_GLOBAL},
	};
	struct ponto_addr none = {.ip = {1}};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		struct ponto_addr addr = parse(cases[i].text);

		assert_int_equal(ponto_addr_scope(&addr), cases[i].scope);
	}
	assert_int_equal(ponto_addr_scope(&none), PONTO_SCOPE_NONE);
	assert_string_equal(ponto_scope_name(PONTO_SCOPE_GLOBAL), "global");
	assert_string_equal(ponto_scope_name(PONTO_SCOPE_NONE), "none");
	assert_string_equal(ponto_scope_name((enum ponto_scope)77), "none");
	assert_string_equal(ponto_scope_name((enum ponto_scope)-1), "none");
}

static void equality(void **state)
{
	struct ponto_addr a = parse("[fe80::1%2]:3540"), port = a, zone = a, ip = a, family = a;

	(void)state;
	port.port++;
	zone.zone++;
	ip.ip[15]++;
	family.family = PONTO_FAMILY_IPV4;
	assert_true(ponto_addr_equal(&a, &a));
	assert_false(ponto_addr_equal(&a, &port));
	assert_true(ponto_addr_same_host(&a, &port));
	assert_false(ponto_addr_same_host(&a, &zone));
	assert_false(ponto_addr_same_host(&a, &ip));
	assert_false(ponto_addr_same_host(&a, &family));
}

/* Groups are zero half the time, so that runs of zeros come up. */
static void random_addresses_agree_with_the_c_library(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 2);
	for (int n = 0; n < 20000; n++) {
		struct ponto_addr addr = {.family = PONTO_FAMILY_IPV6, .port = (uint16_t)ponto_random_u64(&tr.random)}, back;
		char ours[PONTO_ADDR_TEXT], theirs[INET6_ADDRSTRLEN];

		for (int i = 0; i < 8; i++) {
			uint64_t r = ponto_random_u64(&tr.random);

			addr.ip[2 * i] = r & 1 ? (uint8_t)(r >> 8) : 0;
			addr.ip[2 * i + 1] = r & 3 ? (uint8_t)(r >> 16) : 0;
		}
		if (n % 2)
			addr.zone = (uint32_t)ponto_random_u64(&tr.random);
		ponto_addr_format(&addr, ours);
		assert_ok(ponto_addr_parse(ours, 0, &back));
		assert_true(ponto_addr_equal(&addr, &back));
		addr.port = 0;
		addr.zone = 0;
		assert_non_null(inet_ntop(AF_INET6, addr.ip, theirs, sizeof(theirs)));
		/* The C library also writes the deprecated ::a.b.c.d, which RFC 5952 does not ask for. */
		if (!strncmp(theirs, "::", 2) && strchr(theirs, '.') && strncmp(theirs, "::ffff:", 7))
			continue;
		assert_string_equal(ponto_addr_format(&addr, ours), theirs);
	}
}

static void random_texts_are_judged_like_the_c_library(void **state)
{
	static const char letters[] = "0123456789abcdefABCDEF::::::....g% ";
	struct ponto_test_random tr;
	unsigned accepted = 0;

	(void)state;
	ponto_test_random_init(&tr, 3);
	for (int n = 0; n < 200000; n++) {
		char text[48] = "1:2::3.4.5.6";
		size_t len = ponto_random_below(&tr.random, 20), touched = ponto_random_below(&tr.random, 3);
		struct ponto_addr addr;
		uint8_t ip[16];

		if (n % 2) {
			for (size_t i = 0; i < len; i++)
				text[i] = letters[ponto_random_below(&tr.random, sizeof(letters) - 1)];
			text[len] = '\0';
		} else {
			for (size_t i = 0; i <= touched; i++)
				text[ponto_random_below(&tr.random, 12)] =
					letters[ponto_random_below(&tr.random, sizeof(letters) - 1)];
		}
		if (strchr(text, '%') || !strchr(text, ':') || strchr(text, ':') == strrchr(text, ':'))
			continue;
		assert_int_equal(ponto_addr_parse(text, 0, &addr) == PONTO_OK, inet_pton(AF_INET6, text, ip) == 1);
		if (inet_pton(AF_INET6, text, ip) == 1) {
			assert_memory_equal(addr.ip, ip, 16);
			accepted++;
		}
	}
	assert_true(accepted > 1000);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(texts_of_rfc_5952),
	cmocka_unit_test(the_longest_text_fits),
	cmocka_unit_test(refused_texts_leave_out_untouched),
	cmocka_unit_test(a_missing_port_becomes_the_default),
	cmocka_unit_test(scopes),
	cmocka_unit_test(equality),
	cmocka_unit_test(random_addresses_agree_with_the_c_library),
	cmocka_unit_test(random_texts_are_judged_like_the_c_library),
};

PONTO_TEST_MAIN(tests)
