/* discovery-seed: destination address selection, with the examples of RFC 6724 section 10.2. */
#include "plugins/discovery-seed/seed_order.h"
#include "tests/support/test.h"

#define LIST_MAX 8

static struct ponto_addr address(const char *text)
{
	struct ponto_addr addr = {0};

	if (text)
		assert_ok(ponto_addr_parse(text, 0, &addr));
	return addr;
}

struct pair {
	const char *addr, *source; /* source NULL: unreachable */
};

static void assert_sorted(const struct pair *given, const size_t *expected)
{
	struct seed_candidate list[LIST_MAX];
	char text[PONTO_ADDR_TEXT];
	size_t count = 0;

	for (; given[count].addr; count++)
		list[count] = (struct seed_candidate){address(given[count].addr), address(given[count].source)};
	seed_order_sort(list, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(ponto_addr_format(&list[i].addr, text), given[expected[i]].addr);
}

#define SORTED(...) assert_sorted(given, (const size_t[]){__VA_ARGS__})

static void scopes_that_match_come_first(void **state)
{
	(void)state;
	PONTO_PROVES("PNRP-299");
	{
		static const struct pair given[] = {
			{"198.51.100.121", "169.254.13.78"}, {"2001:db8:1::1", "2001:db8:1::2"}, {NULL, NULL}};
		SORTED(1, 0);
	}
	{
		static const struct pair given[] = {
			{"2001:db8:1::1", "fe80::1"}, {"198.51.100.121", "198.51.100.117"}, {NULL, NULL}};
		SORTED(1, 0);
	}
	{
		static const struct pair given[] = {
			{"fe80::1", "fe80::2"}, {"2001:db8:1::1", "2001:db8:1::2"}, {NULL, NULL}};
		SORTED(0, 1); /* the smaller scope */
	}
}

static void precedence_and_labels_decide(void **state)
{
	(void)state;
	{
		static const struct pair given[] = {
			{"10.1.2.3", "10.1.2.4"}, {"2001:db8:1::1", "2001:db8:1::2"}, {NULL, NULL}};
		SORTED(1, 0);
	}
	{
		static const struct pair given[] = {
			{"2001:db8:1::1", "2002:c633:6401::2"}, {"2002:c633:6401::1", "2002:c633:6401::2"}, {NULL, NULL}};
		SORTED(1, 0); /* the label */
	}
	{
		static const struct pair given[] = {
			{"2002:c633:6401::1", "2002:c633:6401::2"}, {"2001:db8:1::1", "2001:db8:1::2"}, {NULL, NULL}};
		SORTED(1, 0); /* the precedence */
	}
	{
		static const struct pair given[] = {
			{"fd00::1", "fd00::2"}, {"2001::1", "2001::2"}, {"2001:db8::1", "2001:db8::2"}, {NULL, NULL}};
		SORTED(2, 1, 0); /* Teredo and unique local addresses last */
	}
}

static void the_longest_prefix_then_the_given_order(void **state)
{
	static const struct pair given[] = {
		{"2001:db8:3ffe::1", "2001:db8:3f44::2"},
		{"2001:db8:1::1", "2001:db8:1::2"},
		{"2001:db8:1::7", "2001:db8:1::2"},
		{"2001:db8:1::3", "2001:db8:1::2"}, /* beyond 64 bits nearness means nothing */
		{NULL, NULL},
	};

	(void)state;
	SORTED(1, 2, 3, 0);
}

static void what_cannot_be_reached_comes_last(void **state)
{
	static const struct pair given[] = {
		{"2001:db8::1", NULL}, {"2001:db8::2", NULL}, {"192.0.2.1", "192.0.2.9"}, {"2001:db8::3", NULL}, {NULL, NULL},
	};

	(void)state;
	SORTED(2, 0, 1, 3);
}

/* A sort must not depend on where things stood, but for what nothing tells apart. */
static void the_order_is_one(void **state)
{
	static const char *const addrs[] = {"2001:db8::1", "2001:db8:1::1", "2002::1", "2001::1", "fd00::1", "fe80::1",
					    "192.0.2.1", "10.0.0.1", "::1", "127.0.0.1", "fec0::1", "3ffe::1"};
	static const char *const sources[] = {"2001:db8::2", "fe80::2", "192.0.2.2", NULL};
	struct seed_candidate all[PONTO_ARRAY_SIZE(addrs) * PONTO_ARRAY_SIZE(sources)];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(addrs); i++)
		for (size_t k = 0; k < PONTO_ARRAY_SIZE(sources); k++)
			all[n++] = (struct seed_candidate){address(addrs[i]), address(sources[k])};
	for (size_t a = 0; a < n; a++) {
		assert_int_equal(seed_order_compare(&all[a], &all[a]), 0);
		for (size_t b = 0; b < n; b++) {
			int ab = seed_order_compare(&all[a], &all[b]), ba = seed_order_compare(&all[b], &all[a]);

			assert_true((ab < 0) == (ba > 0) && (ab == 0) == (ba == 0));
		}
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(scopes_that_match_come_first),
	cmocka_unit_test(precedence_and_labels_decide),
	cmocka_unit_test(the_longest_prefix_then_the_given_order),
	cmocka_unit_test(what_cannot_be_reached_comes_last),
	cmocka_unit_test(the_order_is_one),
};

PONTO_TEST_MAIN(tests)
