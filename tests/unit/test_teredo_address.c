/* Teredo addresses: RFC 4380 4, 5.2.4; RFC 5991 3.1. */
#include "engines/teredo/teredo_address.h"
#include "tests/support/test.h"
#include "tests/unit/teredo_vectors.h"

#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static struct teredo_ip6 ip6_of(const char *hex)
{
	struct teredo_ip6 ip;

	assert_ok(ponto_unhex(hex, ip.bytes, sizeof(ip.bytes)));
	return ip;
}

static void vectors_both_ways(void **state)
{
	(void)state;
	PONTO_PROVES("TEREDO-002");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(teredo_vector_addresses); i++) {
		const struct teredo_vector_address *v = &teredo_vector_addresses[i];
		struct teredo_ip6 ip = ip6_of(v->hex), again;
		struct teredo_address a;

		teredo_address_split(&ip, &a);
		assert_int_equal(a.server, v->server);
		assert_int_equal(a.flags, v->flags);
		assert_int_equal(a.mapped.port, v->port);
		assert_int_equal(a.mapped.ip, v->ip);
		teredo_address_make(&a, &again);
		assert_true(teredo_ip6_equal(&ip, &again));
	}
}

static void prefix_is_2001_0(void **state)
{
	struct teredo_ip6 yes = ip6_of("20010000cb0071780000efff3ffffdfe");
	struct teredo_ip6 other = ip6_of("20010001cb0071780000efff3ffffdfe");
	struct teredo_ip6 documentation = ip6_of("20010db8000000000000000000000001");
	struct teredo_ip6 old = ip6_of("3ffe831fcb0071780000efff3ffffdfe");

	(void)state;
	PONTO_PROVES("TEREDO-003");
	assert_true(teredo_is_address(&yes));
	assert_false(teredo_is_address(&other));
	assert_false(teredo_is_address(&documentation));
	assert_false(teredo_is_address(&old));
}

static void classes(void **state)
{
	struct teredo_ip6 link = ip6_of("fe800000000000008000f22734ff8e87"),
			  site = ip6_of("fec00000000000000000000000000001");
	struct teredo_ip6 group = ip6_of("ff0e0000000000000000000000000001"),
			  local = ip6_of("fd000000000000000000000000000001");
	struct teredo_ip6 none = {{0}}, loopback = {{[15] = 1}};

	(void)state;
	assert_true(teredo_is_link_local(&link) && !teredo_is_link_local(&site));
	assert_true(teredo_is_multicast(&group) && !teredo_is_multicast(&link));
	assert_true(teredo_is_unicast(&local));
	assert_false(teredo_is_unicast(&link) || teredo_is_unicast(&site) || teredo_is_unicast(&group) ||
		     teredo_is_unicast(&none) || teredo_is_unicast(&loopback));
}

/* Chi-square over sixteen classes of four bits; 15 degrees of freedom, one in a million beyond 56. */
static void assert_uniform(const unsigned counts[16], unsigned total)
{
	double chi = 0, wanted = total / 16.0;

	for (int i = 0; i < 16; i++)
		chi += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
	assert_true(chi < 56);
}

static void flags_are_random_where_they_may_be(void **state)
{
	unsigned first[16] = {0}, second[16] = {0}, third[16] = {0};
	struct ponto_test_random tr;

	(void)state;
	PONTO_PROVES("TEREDO-007", "TEREDO-008", "TEREDO-009", "TEREDO-010");
	ponto_test_random_init(&tr, 5991);
	for (int i = 0; i < 10000; i++) {
		uint16_t flags = teredo_flags(&tr.random, i & 1);

		assert_int_equal(flags & 0x0300, 0);
		assert_int_equal(flags & 0x4000, 0);
		assert_int_equal(flags >> 15, i & 1);
		first[flags >> 10 & 15]++;
		second[flags >> 4 & 15]++;
		third[flags & 15]++;
	}
	assert_uniform(first, 10000);
	assert_uniform(second, 10000);
	assert_uniform(third, 10000);
}

static void fill_ones(void *ctx, uint8_t *out, size_t len)
{
	++*(unsigned *)ctx;
	memset(out, 0xff, len);
}

/* The generator is the one that is given, in the daemon the kernel's (ponto_random_system). */
static void flags_come_from_the_generator_given(void **state)
{
	unsigned drawn = 0;
	struct ponto_random random = {fill_ones, &drawn};

	(void)state;
	PONTO_PROVES("TEREDO-011");
	assert_int_equal(teredo_flags(&random, false), 0x3cff);
	assert_int_equal(teredo_flags(&random, true), 0xbcff);
	assert_int_equal(drawn, 2);
}

static void link_locals(void **state)
{
	struct teredo_endpoint private = {IP4(10, 0, 1, 2), 36011};
	struct teredo_ip6 ip, wanted = ip6_of("fe800000000000008000f22734ff8e87");

	(void)state;
	teredo_server_link_local(0xcb007178, &ip);
	assert_true(teredo_ip6_equal(&ip, &wanted));
	wanted = ip6_of("fe8000000000000000007354f5fffefd");
	teredo_link_local(0, &private, &ip);
	assert_true(teredo_ip6_equal(&ip, &wanted));
}

static void ranges_first(void **state)
{
	(void)state;
	PONTO_PROVES("TEREDO-133", "TEREDO-134", "TEREDO-135", "TEREDO-136");
	assert_false(teredo_ip4_global(IP4(0, 1, 2, 3)) || teredo_ip4_global(0));
	assert_false(teredo_ip4_global(IP4(127, 0, 0, 1)) || teredo_ip4_global(IP4(127, 255, 255, 255)));
	assert_false(teredo_ip4_global(IP4(10, 0, 0, 0)) || teredo_ip4_global(IP4(10, 255, 255, 255)));
	assert_false(teredo_ip4_global(IP4(172, 16, 0, 0)) || teredo_ip4_global(IP4(172, 31, 255, 255)));
}

static void ranges_second(void **state)
{
	(void)state;
	PONTO_PROVES("TEREDO-137", "TEREDO-138", "TEREDO-139", "TEREDO-140");
	assert_false(teredo_ip4_global(IP4(192, 168, 0, 1)) || teredo_ip4_global(IP4(192, 168, 255, 255)));
	assert_false(teredo_ip4_global(IP4(169, 254, 1, 1)));
	assert_false(teredo_ip4_global(IP4(192, 88, 99, 1)));
	assert_false(teredo_ip4_global(IP4(224, 0, 0, 253)) || teredo_ip4_global(IP4(239, 255, 255, 255)));
}

static void ranges_third(void **state)
{
	static const uint32_t allowed[] = {
		IP4(1, 0, 0, 1),      IP4(9, 255, 255, 255), IP4(11, 0, 0, 0),	  IP4(126, 0, 0, 1),
		IP4(128, 0, 0, 1),    IP4(172, 15, 0, 1),    IP4(172, 32, 0, 1),  IP4(192, 88, 98, 1),
		IP4(192, 88, 100, 1), IP4(192, 167, 0, 1),   IP4(192, 169, 0, 1), IP4(223, 255, 255, 1),
		IP4(169, 253, 0, 1),  IP4(169, 255, 0, 1),   IP4(192, 0, 2, 1),
	};
	static const struct teredo_subnet attached[] = {{IP4(192, 0, 2, 5), 24}, {IP4(198, 51, 100, 4), 31}};

	(void)state;
	PONTO_PROVES("TEREDO-141", "TEREDO-142", "TEREDO-143");
	assert_false(teredo_ip4_global(UINT32_MAX));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(allowed); i++)
		assert_true(teredo_ip4_global(allowed[i]));
	assert_true(teredo_ip4_broadcast(IP4(192, 0, 2, 255), attached, 2));
	assert_false(teredo_ip4_broadcast(IP4(192, 0, 2, 254), attached, 2));
	assert_false(teredo_ip4_broadcast(IP4(198, 51, 100, 5), attached, 2));
	assert_true(teredo_ip4_attached(IP4(192, 0, 2, 9), attached, 2));
	assert_false(teredo_ip4_attached(IP4(192, 0, 3, 9), attached, 2));
	assert_false(teredo_endpoint_usable(&(struct teredo_endpoint){IP4(192, 0, 2, 255), 1}, attached, 2));
	assert_true(teredo_endpoint_usable(&(struct teredo_endpoint){IP4(192, 0, 2, 255), 1}, NULL, 0));
	assert_false(teredo_endpoint_usable(&(struct teredo_endpoint){IP4(192, 0, 2, 1), 0}, NULL, 0));
	assert_true(teredo_ip4_unicast(IP4(10, 0, 0, 1)) && teredo_ip4_unicast(IP4(192, 168, 0, 1)));
	assert_false(teredo_ip4_unicast(IP4(224, 0, 0, 1)) || teredo_ip4_unicast(IP4(240, 0, 0, 1)) ||
		     teredo_ip4_unicast(IP4(0, 0, 0, 1)));
}

static void to_and_from_the_framework(void **state)
{
	struct teredo_endpoint e = {IP4(192, 0, 2, 1), 4096}, back;
	struct ponto_addr addr;
	char text[PONTO_ADDR_TEXT];
	struct teredo_ip6 ip = ip6_of("20010000cb0071780000efff3ffffdfe");

	(void)state;
	teredo_endpoint_to(&e, &addr);
	assert_string_equal(ponto_addr_format(&addr, text), "192.0.2.1:4096");
	assert_true(teredo_endpoint_from(&addr, &back));
	assert_true(teredo_endpoint_equal(&e, &back));
	teredo_ip6_to(&ip, 3540, &addr);
	assert_string_equal(ponto_addr_format(&addr, text), "[2001:0:cb00:7178:0:efff:3fff:fdfe]:3540");
	assert_false(teredo_endpoint_from(&addr, &back));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(vectors_both_ways),
	cmocka_unit_test(prefix_is_2001_0),
	cmocka_unit_test(classes),
	cmocka_unit_test(flags_are_random_where_they_may_be),
	cmocka_unit_test(flags_come_from_the_generator_given),
	cmocka_unit_test(link_locals),
	cmocka_unit_test(ranges_first),
	cmocka_unit_test(ranges_second),
	cmocka_unit_test(ranges_third),
	cmocka_unit_test(to_and_from_the_framework),
};

PONTO_TEST_MAIN(tests)
