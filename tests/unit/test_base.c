#include "tests/support/test.h"

static void every_result_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (int a = PONTO_EINTERNAL; a <= PONTO_OK; a++) {
		assert_string_not_equal(ponto_strerror(a), "unknown error");
		for (int b = PONTO_EINTERNAL; b < a; b++)
			assert_string_not_equal(ponto_strerror(a), ponto_strerror(b));
	}
	assert_string_equal(ponto_strerror(1), "unknown error");
	assert_string_equal(ponto_strerror(PONTO_EINTERNAL - 1), "unknown error");
	assert_string_equal(ponto_strerror(INT32_MIN), "unknown error");
}

static void bytes_compare(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "ab", false}, {"ab", "ac", false}};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		struct ponto_bytes a = ponto_bytes(cases[i].a, strlen(cases[i].a));
		struct ponto_bytes b = ponto_bytes(cases[i].b, strlen(cases[i].b));

		assert_int_equal(ponto_bytes_equal(a, b), cases[i].equal);
		assert_int_equal(ponto_bytes_equal_secret(a, b), cases[i].equal);
	}
	assert_true(ponto_bytes_equal(ponto_bytes(NULL, 0), ponto_bytes("", 0)));
	assert_true(ponto_bytes_equal_secret(ponto_bytes(NULL, 0), ponto_bytes("", 0)));
}

static void wipe_clears_exactly_its_range(void **state)
{
	char secret[] = "xsecretx";

	(void)state;
	ponto_wipe(secret + 1, 6);
	assert_memory_equal(secret, "x\0\0\0\0\0\0x", 8);
	ponto_wipe(NULL, 0);
}

static void hex_round_trips(void **state)
{
	uint8_t all[256], back[256];
	char text[513];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	ponto_hex(ponto_bytes(all, sizeof(all)), text);
	assert_int_equal(strlen(text), 512);
	assert_ok(ponto_unhex(text, back, sizeof(back)));
	assert_memory_equal(all, back, sizeof(all));
	ponto_hex(ponto_bytes(NULL, 0), text);
	assert_string_equal(text, "");
	assert_ok(ponto_unhex("aBcD", back, 2));
	assert_memory_equal(back, "\xab\xcd", 2);
}

static void unhex_refuses_all_else_and_writes_nothing(void **state)
{
	static const char *const bad[] = {"", "0", "000", "00000", "0g00", "00 0", "00g0", "-000", "000x"};
	uint8_t out[2] = {0x5a, 0x5a};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		assert_int_equal(ponto_unhex(bad[i], out, 2), PONTO_EINVAL);
		assert_memory_equal(out, "\x5a\x5a", 2);
	}
}

static void decimals_up_to_a_bound(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t value;
	} cases[] = {
		{"0", 0, true, 0},
		{"007", 9, true, 7},
		{"65535", 65535, true, 65535},
		{"65536", 65535, false, 0},
		{"9", 7, false, 0},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
		{"99999999999999999999", UINT64_MAX, false, 0},
		{"", UINT64_MAX, false, 0},
		{"-1", UINT64_MAX, false, 0},
		{"+1", UINT64_MAX, false, 0},
		{" 1", UINT64_MAX, false, 0},
		{"1a", UINT64_MAX, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		uint64_t value = 42;

		assert_int_equal(
			ponto_bytes_decimal(ponto_bytes(cases[i].text, strlen(cases[i].text)), cases[i].max, &value),
			cases[i].good);
		assert_int_equal(value, cases[i].good ? cases[i].value : 42);
	}
}

static void memory_is_zeroed_and_sizes_do_not_wrap(void **state)
{
	struct ponto_test_alloc ta;
	uint8_t *block, *grown;

	(void)state;
	ponto_test_alloc_init(&ta);
	block = ponto_new(&ta.alloc, 16, 4);
	assert_non_null(block);
	for (int i = 0; i < 64; i++)
		assert_int_equal(block[i], 0);
	assert_null(ponto_new(&ta.alloc, SIZE_MAX / 2, 3));
	assert_null(ponto_resize(&ta.alloc, block, SIZE_MAX / 2, 3));
	block[63] = 7;
	grown = ponto_resize(&ta.alloc, block, 32, 4);
	assert_non_null(grown);
	assert_int_equal(grown[63], 7);
	ponto_free(&ta.alloc, grown);
	ponto_free(&ta.alloc, NULL);
	assert_int_equal(ta.live, 0);
	ponto_free(&ponto_alloc_system, ponto_new(&ponto_alloc_system, 0, 8));
	ponto_free(&ponto_alloc_system, ponto_resize(&ponto_alloc_system, NULL, 1, 8));
}

static int make_copies(const struct ponto_alloc *alloc, void *arg)
{
	char *whole = ponto_strdup(alloc, "peer name"), *part = ponto_strndup(alloc, "peer name", 4);
	uint8_t *bytes = ponto_bytes_dup(alloc, ponto_bytes("\0\1", 2)), *none = ponto_bytes_dup(alloc, ponto_bytes(0, 0));
	bool complete = whole && part && bytes && none;

	(void)arg;
	if (complete) {
		assert_string_equal(whole, "peer name");
		assert_string_equal(part, "peer");
		assert_memory_equal(bytes, "\0\1", 2);
	}
	ponto_free(alloc, whole);
	ponto_free(alloc, part);
	ponto_free(alloc, bytes);
	ponto_free(alloc, none);
	return complete ? PONTO_OK : PONTO_ENOMEM;
}

static void copies_survive_refused_memory(void **state)
{
	(void)state;
	ponto_test_oom(make_copies, NULL, false);
}

static void random_below_stays_below_and_is_even(void **state)
{
	static const uint64_t bounds[] = {1, 2, 3, 10, 255, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1, UINT64_MAX};
	struct ponto_test_random tr;
	unsigned counts[10] = {0};

	(void)state;
	ponto_test_random_init(&tr, 1);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bounds); i++) {
		for (int n = 0; n < 1000; n++)
			assert_true(ponto_random_below(&tr.random, bounds[i]) < bounds[i]);
	}
	for (int n = 0; n < 100000; n++)
		counts[ponto_random_below(&tr.random, 10)]++;
	for (int i = 0; i < 10; i++)
		assert_in_range(counts[i], 9600, 10400);
}

/* A source that gives the values of a list: shows that the uneven low end is thrown away. */
static void fill_from_list(void *ctx, uint8_t *out, size_t len)
{
	uint64_t **next = ctx;

	assert_int_equal(len, 8);
	memcpy(out, (*next)++, 8);
}

static void random_below_rejects_the_uneven_part(void **state)
{
	uint64_t list[] = {0, 5, 7}, *next = list; /* 2^64 mod 10 is 6: 0 and 5 would be one too many */
	struct ponto_random random = {fill_from_list, &next};

	(void)state;
	assert_int_equal(ponto_random_below(&random, 10), 7);
	assert_ptr_equal(next, list + 3);
}

static void system_services_work(void **state)
{
	uint64_t before = ponto_mono(&ponto_clock_system), after = ponto_mono(&ponto_clock_system);
	uint8_t a[300] = {0}, b[300] = {0};

	(void)state;
	assert_true(after >= before);
	assert_true(ponto_wall(&ponto_clock_system) > UINT64_C(1700000000) * PONTO_SECOND);
	ponto_random_system.fill(ponto_random_system.ctx, a, sizeof(a));
	ponto_random_system.fill(ponto_random_system.ctx, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	ponto_random_system.fill(ponto_random_system.ctx, NULL, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_result_has_a_text_of_its_own),
	cmocka_unit_test(bytes_compare),
	cmocka_unit_test(wipe_clears_exactly_its_range),
	cmocka_unit_test(hex_round_trips),
	cmocka_unit_test(unhex_refuses_all_else_and_writes_nothing),
	cmocka_unit_test(decimals_up_to_a_bound),
	cmocka_unit_test(memory_is_zeroed_and_sizes_do_not_wrap),
	cmocka_unit_test(copies_survive_refused_memory),
	cmocka_unit_test(random_below_stays_below_and_is_even),
	cmocka_unit_test(random_below_rejects_the_uneven_part),
	cmocka_unit_test(system_services_work),
};

PONTO_TEST_MAIN(tests)
