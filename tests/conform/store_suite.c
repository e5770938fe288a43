#include "tests/conform/store_suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conform/store_case.h"

static uint64_t case_mono(void *ctx)
{
	return atomic_load(&((struct store_case *)ctx)->mono);
}

static uint64_t case_wall(void *ctx)
{
	return atomic_load(&((struct store_case *)ctx)->wall);
}

bool store_case_fail(struct store_case *c, const char *file, int line, const char *text, int got, int want)
{
	if (want == got)
		snprintf(c->why, c->why_size, "%s:%d: %s does not hold", file, line, text);
	else
		snprintf(c->why, c->why_size, "%s:%d: %s is %d (%s), not %d (%s)", file, line, text, got,
			 ponto_strerror(got), want, ponto_strerror(want));
	return false;
}

/* ---- limits and bytes ------------------------------------------------------- */

static bool refuse_name(struct store_case *c, struct ponto_bytes group, struct ponto_bytes key)
{
	struct ponto_store_step step = {PONTO_STEP_PUT, key, B("v"), 0};
	uint8_t *value = NULL;
	size_t len = 0;

	RETURNS(PUT(c, group, key, B("v")), PONTO_EINVAL);
	RETURNS(ponto_store_get(c->store, group, key, PONTO_NEVER, ALLOC, &value, &len, NULL), PONTO_EINVAL);
	RETURNS(ponto_store_remove(c->store, group, key, 0, PONTO_NEVER), PONTO_EINVAL);
	RETURNS(ponto_store_batch(c->store, group, &step, 1, 0, PONTO_NEVER), PONTO_EINVAL);
	HOLDS(value == NULL && len == 0);
	return true;
}

static bool case_names(struct store_case *c)
{
	static const uint8_t long_name[PONTO_STORE_KEY_MAX + 1];
	struct ponto_bytes long_key = ponto_bytes(long_name, sizeof(long_name));
	struct ponto_bytes long_group = ponto_bytes(long_name, PONTO_STORE_GROUP_MAX + 1);
	struct store_seen seen = {0};

	TRY(refuse_name(c, B(""), B("k")));
	TRY(refuse_name(c, B("g"), B("")));
	TRY(refuse_name(c, long_group, B("k")));
	TRY(refuse_name(c, B("g"), long_key));
	TRY(refuse_name(c, ponto_bytes(NULL, 1), B("k")));
	RETURNS(ITERATE(c, B(""), B(""), B(""), &seen), PONTO_EINVAL);
	RETURNS(ITERATE(c, long_group, B(""), B(""), &seen), PONTO_EINVAL);
	RETURNS(ITERATE(c, B("g"), long_key, B(""), &seen), PONTO_EINVAL);
	RETURNS(ITERATE(c, B("g"), B(""), long_key, &seen), PONTO_EINVAL);
	RETURNS(ponto_store_put(c->store, B("g"), B("k"), B("v"), 0, 0x80, PONTO_NEVER), PONTO_EINVAL);
	RETURNS(ponto_store_put(c->store, B("g"), B("k"), ponto_bytes(NULL, 1), 0, 0, PONTO_NEVER), PONTO_EINVAL);
	TRY(store_holds(c, B("g"), B("k"), NULL));
	return true;
}

static bool case_largest(struct store_case *c)
{
	uint8_t *big = malloc(PONTO_STORE_VALUE_MAX + 1);
	uint8_t name[PONTO_STORE_KEY_MAX];
	struct ponto_bytes group = ponto_bytes(name, PONTO_STORE_GROUP_MAX), key = ponto_bytes(name, sizeof(name));
	struct ponto_bytes value = ponto_bytes(big, PONTO_STORE_VALUE_MAX);

	HOLDS(big);
	memset(name, 0xff, sizeof(name));
	for (size_t i = 0; i <= PONTO_STORE_VALUE_MAX; i++)
		big[i] = (uint8_t)(i * 31 + i / 4096);
	RETURNS(PUT(c, group, key, value), PONTO_OK);
	TRY(store_holds(c, group, key, &value));
	RETURNS(PUT(c, group, key, ponto_bytes(big, PONTO_STORE_VALUE_MAX + 1)), PONTO_ELIMIT);
	TRY(store_holds(c, group, key, &value));
	value = B("");
	RETURNS(PUT(c, group, key, value), PONTO_OK);
	TRY(store_holds(c, group, key, &value));
	RETURNS(PUT(c, group, key, ponto_bytes(NULL, 0)), PONTO_OK);
	TRY(store_holds(c, group, key, &value));
	free(big);
	return true;
}

static bool case_batch_limits(struct store_case *c)
{
	static struct ponto_store_step steps[PONTO_STORE_BATCH_MAX + 1];
	static uint8_t keys[PONTO_STORE_BATCH_MAX + 1][2];
	struct ponto_store_step odd = {99, B("k"), B("v"), 0};
	struct ponto_bytes last = B("v"), big;
	uint8_t *bytes = calloc(1, PONTO_STORE_VALUE_MAX + 1);

	HOLDS(bytes);
	for (size_t i = 0; i <= PONTO_STORE_BATCH_MAX; i++) {
		keys[i][0] = (uint8_t)(i >> 8);
		keys[i][1] = (uint8_t)i;
		steps[i] = (struct ponto_store_step){PONTO_STEP_PUT, ponto_bytes(keys[i], 2), B("v"), 0};
	}
	RETURNS(BATCH(c, steps, PONTO_STORE_BATCH_MAX + 1), PONTO_ELIMIT);
	TRY(store_holds(c, B("g"), ponto_bytes(keys[0], 2), NULL));
	RETURNS(BATCH(c, steps, PONTO_STORE_BATCH_MAX), PONTO_OK);
	TRY(store_holds(c, B("g"), ponto_bytes(keys[PONTO_STORE_BATCH_MAX - 1], 2), &last));
	RETURNS(BATCH(c, NULL, 1), PONTO_EINVAL);
	RETURNS(BATCH(c, &odd, 1), PONTO_EINVAL);
	odd.kind = 0;
	RETURNS(BATCH(c, &odd, 1), PONTO_EINVAL);
	RETURNS(BATCH(c, NULL, 0), PONTO_OK);
	big = ponto_bytes(bytes, PONTO_STORE_VALUE_MAX + 1);
	odd = (struct ponto_store_step){PONTO_STEP_PUT, B("k"), big, 0};
	RETURNS(BATCH(c, &odd, 1), PONTO_ELIMIT);
	/* Four of the largest values and their keys are over the limit of bytes; three are not. */
	for (size_t i = 0; i < 4; i++)
		steps[i].value.data = bytes, steps[i].value.len = PONTO_STORE_VALUE_MAX;
	RETURNS(BATCH(c, steps, 4), PONTO_ELIMIT);
	TRY(store_holds(c, B("g"), ponto_bytes(keys[0], 2), &last));
	RETURNS(BATCH(c, steps, 3), PONTO_OK);
	TRY(store_holds(c, B("g"), ponto_bytes(keys[2], 2), &steps[0].value));
	free(bytes);
	return true;
}

static bool case_replace_and_remove(struct store_case *c)
{
	struct ponto_bytes one = B("one"), two = B("second");

	TRY(store_holds(c, B("g"), B("k"), NULL));
	RETURNS(PUT(c, B("g"), B("k"), one), PONTO_OK);
	TRY(store_holds(c, B("g"), B("k"), &one));
	RETURNS(ponto_store_put(c->store, B("g"), B("k"), two, 0, PONTO_STORE_SYNC, PONTO_NEVER), PONTO_OK);
	TRY(store_holds(c, B("g"), B("k"), &two));
	TRY(store_holds(c, B("h"), B("k"), NULL));
	RETURNS(ponto_store_remove(c->store, B("g"), B("k"), 0, PONTO_NEVER), PONTO_OK);
	TRY(store_holds(c, B("g"), B("k"), NULL));
	RETURNS(ponto_store_remove(c->store, B("g"), B("k"), PONTO_STORE_SYNC, PONTO_NEVER), PONTO_OK);
	RETURNS(ponto_store_flush(c->store, PONTO_NEVER), PONTO_OK);
	return true;
}

/* Of its disk, when it has one, and always the same way. */
static bool case_space(struct store_case *c)
{
	uint64_t total = 0, left = 0, now = atomic_load(&c->mono);
	int result = ponto_store_space(c->store, &total, &left, PONTO_NEVER);

	if (result == PONTO_ENOTSUP) {
		HOLDS(total == 0 && left == 0);
		return true;
	}
	RETURNS(result, PONTO_OK);
	HOLDS(total > 0 && left <= total);
	total = left = 0;
	RETURNS(ponto_store_space(c->store, &total, &left, now), PONTO_ETIME);
	HOLDS(total == 0 && left == 0);
	return true;
}

/* Groups and keys that a careless encoding would mix up. */
static bool case_any_bytes(struct store_case *c)
{
	static const struct {
		struct ponto_bytes group, key;
	} names[] = {
		{B("a"), B("bc")},	    {B("ab"), B("c")},		{B("\0"), B("\0")},
		{B("\0\0"), B("\0")},	    {B("\0"), B("\0\0")},	{B("\xff"), B("\xff")},
		{B("\xff\xff"), B("\xff")}, {B("\xff"), B("\xff\xff")}, {B("\1a"), B("a")},
		{B("a\0b"), B("c")},	    {B("a"), B("\0b\0c")},	{B("version"), B("version")},
		{B("\x07version"), B("x")}, {B("/.."), B("../\n%s")},	{B("A"), B("bc")},
		{B("a"), B("BC")},
	};
	char text[24];

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		snprintf(text, sizeof(text), "value %zu", i);
		RETURNS(PUT(c, names[i].group, names[i].key, ponto_bytes(text, strlen(text))), PONTO_OK);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		struct ponto_bytes value;

		snprintf(text, sizeof(text), "value %zu", i);
		value = ponto_bytes(text, strlen(text));
		TRY(store_holds(c, names[i].group, names[i].key, &value));
	}
	return true;
}

/* ---- expiry ------------------------------------------------------------------- */

static bool case_expiry(struct store_case *c)
{
	uint64_t now = atomic_load(&c->wall), expires = 7;
	struct ponto_bytes v = B("v"), w = B("w");
	struct ponto_store_step take[] = {{PONTO_STEP_REQUIRE_ABSENT, B("k"), B(""), 0},
					  {PONTO_STEP_PUT, B("k"), w, 0}};
	struct ponto_store_step same[] = {{PONTO_STEP_REQUIRE_EQUAL, B("k"), v, 0}};
	uint8_t *value;
	size_t len;

	RETURNS(ponto_store_put(c->store, B("g"), B("k"), v, now + 100, 0, PONTO_NEVER), PONTO_OK);
	RETURNS(ponto_store_put(c->store, B("g"), B("past"), v, now, 0, PONTO_NEVER), PONTO_OK);
	TRY(store_holds(c, B("g"), B("past"), NULL));
	atomic_store(&c->wall, now + 99);
	RETURNS(ponto_store_get(c->store, B("g"), B("k"), PONTO_NEVER, ALLOC, &value, &len, &expires), PONTO_OK);
	free(value);
	HOLDS(expires == now + 100);
	TRY(store_count(c, B("g"), 1, 1));
	RETURNS(BATCH(c, take, 2), PONTO_EGUARD);
	RETURNS(BATCH(c, same, 1), PONTO_OK);
	atomic_store(&c->wall, now + 100);
	TRY(store_holds(c, B("g"), B("k"), NULL));
	TRY(store_count(c, B("g"), 0, 0));
	RETURNS(BATCH(c, same, 1), PONTO_EGUARD);
	RETURNS(BATCH(c, take, 2), PONTO_OK);
	TRY(store_holds(c, B("g"), B("k"), &w));
	RETURNS(ponto_store_get(c->store, B("g"), B("k"), PONTO_NEVER, ALLOC, &value, &len, &expires), PONTO_OK);
	free(value);
	HOLDS(expires == 0);
	atomic_store(&c->wall, UINT64_MAX);
	TRY(store_holds(c, B("g"), B("k"), &w));
	TRY(store_count(c, B("g"), 1, 1));
	return true;
}

/* Most of a group gone, and groups of which nothing is left. */
static bool case_many_expire(struct store_case *c)
{
	uint64_t now = atomic_load(&c->wall);
	struct store_seen seen = {0};
	char key[16];

	for (unsigned i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "%04u", i);
		RETURNS(ponto_store_put(c->store, B("g"), ponto_bytes(key, 4), B("v"), i % 50 ? now + 1 + i % 7 : 0, 0,
					PONTO_NEVER),
			PONTO_OK);
		RETURNS(ponto_store_put(c->store, ponto_bytes(key, 4), B("k"), B("v"), now + 5, 0, PONTO_NEVER),
			PONTO_OK);
	}
	TRY(store_count(c, B("g"), 500, 501));
	atomic_store(&c->wall, now + 1000);
	TRY(store_count(c, B("g"), 10, 1));
	RETURNS(ITERATE(c, B("g"), B("04"), B("0400"), &seen), PONTO_OK);
	HOLDS(seen.count == 1 && memcmp(seen.keys[0], "0450", 4) == 0);
	return true;
}

/* ---- iteration ---------------------------------------------------------------- */

static bool case_order(struct store_case *c)
{
	static const struct ponto_bytes keys[] = {B("\0"),   B("\0\0"), B("\0\xff"), B("\1"),	   B("a"),
						  B("a\0"),  B("aa"),	B("ab"),     B("b"),	   B("\x7f"),
						  B("\x80"), B("\xff"), B("\xff\0"), B("\xff\xff")};
	const size_t n = PONTO_ARRAY_SIZE(keys);
	struct store_seen seen = {0};

	RETURNS(PUT(c, B("f"), B("zz"), B("other")), PONTO_OK);
	RETURNS(PUT(c, B("ga"), B("a"), B("other")), PONTO_OK);
	for (size_t i = 0; i < n; i++)
		RETURNS(PUT(c, B("g"), keys[(i * 5 + 3) % n], keys[(i * 5 + 3) % n]), PONTO_OK);
	RETURNS(ITERATE(c, B("g"), B(""), B(""), &seen), PONTO_OK);
	HOLDS(seen.count == n);
	for (size_t i = 0; i < n; i++)
		HOLDS(store_seen_is(&seen, i, keys[i], keys[i]));
	/* One at a time, each time after the last. */
	for (size_t i = 0; i < n; i++) {
		memset(&seen, 0, sizeof(seen));
		seen.stop_after = 1;
		RETURNS(ITERATE(c, B("g"), B(""), i ? keys[i - 1] : B(""), &seen), PONTO_OK);
		HOLDS(seen.count == 1 && store_seen_is(&seen, 0, keys[i], keys[i]));
	}
	memset(&seen, 0, sizeof(seen));
	RETURNS(ITERATE(c, B("g"), B(""), keys[n - 1], &seen), PONTO_OK);
	HOLDS(seen.count == 0);
	return true;
}

/* prefix and after, in every relation they can have. */
static bool case_prefix(struct store_case *c)
{
	static const struct {
		struct ponto_bytes prefix, after;
		const char *expected; /* values, one letter each */
	} table[] = {
		{B("a"), B(""), "ABCD"},	{B("a"), B("a"), "BCD"},	{B("a"), B("a\0"), "BCD"},
		{B("a"), B("aa"), "CD"},	{B("a"), B("\0"), "ABCD"},	{B("a"), B("ab"), "D"},
		{B("a"), B("a\xff"), ""},	{B("a"), B("b"), ""},		{B("aa"), B(""), "B"},
		{B("ab"), B("a"), "C"},		{B("ac"), B(""), ""},		{B("b"), B("aa"), "E"},
		{B("\xff"), B(""), "FG"},	{B("\xff"), B("\xff"), "G"},	{B("\xff\xff"), B(""), "G"},
		{B("\xff"), B("\xff\xff"), ""}, {B(""), B("aab"), "CDEFG"},	{B("abc"), B("ab"), ""},
		{B("c"), B("a"), ""},		{B(""), B("\xff\xff\xff"), ""},
	};

	RETURNS(PUT(c, B("g"), B("a"), B("A")), PONTO_OK);
	RETURNS(PUT(c, B("g"), B("aa"), B("B")), PONTO_OK);
	RETURNS(PUT(c, B("g"), B("ab"), B("C")), PONTO_OK);
	RETURNS(PUT(c, B("g"), B("a\xff"), B("D")), PONTO_OK);
	RETURNS(PUT(c, B("g"), B("b"), B("E")), PONTO_OK);
	RETURNS(PUT(c, B("g"), B("\xff"), B("F")), PONTO_OK);
	RETURNS(PUT(c, B("g"), B("\xff\xff"), B("G")), PONTO_OK);
	RETURNS(PUT(c, B("h"), B("a"), B("X")), PONTO_OK);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(table); i++) {
		struct store_seen seen = {0};

		RETURNS(ITERATE(c, B("g"), table[i].prefix, table[i].after, &seen), PONTO_OK);
		for (size_t j = 0; j < seen.count; j++)
			HOLDS(table[i].expected[j] && seen.values[j][0] == (uint8_t)table[i].expected[j]);
		HOLDS(seen.count == strlen(table[i].expected));
	}
	return true;
}

/* ---- groups --------------------------------------------------------------------- */

static bool case_groups(struct store_case *c)
{
	static uint8_t longest[PONTO_STORE_GROUP_MAX];
	uint8_t group[2];

	TRY(store_count(c, B("none"), 0, 0));
	memset(longest, 0xff, sizeof(longest));
	RETURNS(PUT(c, ponto_bytes(longest, sizeof(longest)), B("\xff"), B("v")), PONTO_OK);
	for (unsigned i = 0; i < 300; i++) {
		group[0] = (uint8_t)(i >> 8);
		group[1] = (uint8_t)i;
		for (unsigned k = 0; k < 3; k++)
			RETURNS(PUT(c, ponto_bytes(group, i % 2 + 1), ponto_bytes(&k, sizeof(k)), B("v")), PONTO_OK);
	}
	/* 150 of two bytes, {0} and {1}, and the longest. */
	for (size_t limit = 1; limit < 400; limit = limit * 3 + 1)
		TRY(store_groups(c, limit, 0, 153));
	TRY(store_groups(c, SIZE_MAX, 0, 153));
	TRY(store_groups(c, 10, 3, 153));
	RETURNS(ponto_store_remove(c->store, ponto_bytes(longest, sizeof(longest)), B("\xff"), 0, PONTO_NEVER),
		PONTO_OK);
	TRY(store_groups(c, 7, 0, 152));
	return true;
}

static bool stop_at_once(void *arg, struct ponto_bytes group)
{
	(void)group;
	++*(int *)arg;
	return false;
}

static bool case_group_pages(struct store_case *c)
{
	uint8_t *page = NULL;
	size_t len = 0;
	int calls = 0;

	RETURNS(ponto_store_groups(c->store, &page, &len, 0, PONTO_NEVER, ALLOC, stop_at_once, &calls), PONTO_EINVAL);
	RETURNS(ponto_store_groups(c->store, &page, &len, 5, PONTO_NEVER, ALLOC, stop_at_once, &calls), PONTO_OK);
	HOLDS(calls == 0 && page == NULL);
	RETURNS(PUT(c, B("a"), B("k"), B("v")), PONTO_OK);
	/* The last group given, even though fn stopped there: no page. */
	RETURNS(ponto_store_groups(c->store, &page, &len, 1, PONTO_NEVER, ALLOC, stop_at_once, &calls), PONTO_OK);
	HOLDS(calls == 1 && page == NULL);
	RETURNS(PUT(c, B("b"), B("k"), B("v")), PONTO_OK);
	RETURNS(ponto_store_groups(c->store, &page, &len, 5, PONTO_NEVER, ALLOC, stop_at_once, &calls), PONTO_OK);
	HOLDS(calls == 2 && page != NULL);
	/* A group that went meanwhile does not break the page. */
	RETURNS(ponto_store_remove(c->store, B("a"), B("k"), 0, PONTO_NEVER), PONTO_OK);
	RETURNS(ponto_store_remove(c->store, B("b"), B("k"), 0, PONTO_NEVER), PONTO_OK);
	RETURNS(ponto_store_groups(c->store, &page, &len, 5, PONTO_NEVER, ALLOC, stop_at_once, &calls), PONTO_OK);
	HOLDS(calls == 2 && page == NULL);
	return true;
}

/* ---- the list --------------------------------------------------------------------- */

static const struct {
	const char *name;
	bool (*run)(struct store_case *c);
} cases[] = {
	{"names", case_names},
	{"largest", case_largest},
	{"batch limits", case_batch_limits},
	{"replace and remove", case_replace_and_remove},
	{"the space of its disk", case_space},
	{"any bytes", case_any_bytes},
	{"expiry", case_expiry},
	{"many expire", case_many_expire},
	{"order", case_order},
	{"prefix and after", case_prefix},
	{"groups", case_groups},
	{"group pages", case_group_pages},
	{"batch", store_case_batch},
	{"guards", store_case_guards},
	{"deadlines", store_case_deadlines},
	{"late while iterating", store_case_late_iteration},
	{"memory refused", store_case_memory},
	{"counted by guards", store_case_counter},
	{"never half a batch", store_case_atomic},
	{"many threads", store_case_threads},
	{"model", store_case_model},
};

size_t store_suite_count(void)
{
	return PONTO_ARRAY_SIZE(cases);
}

const char *store_suite_name(size_t index)
{
	return cases[index].name;
}

bool store_suite_run(size_t index, const struct store_subject *subject, char *why, size_t why_size)
{
	struct store_case c = {.why = why, .why_size = why_size};
	bool good;
	int result;

	atomic_init(&c.mono, PONTO_SECOND);
	atomic_init(&c.wall, UINT64_C(1767225600) * PONTO_SECOND);
	c.clock = (struct ponto_clock){case_mono, case_wall, &c};
	snprintf(why, why_size, "no reason given");
	result = subject->open(subject->ctx, &c.clock, &c.store);
	if (result) {
		snprintf(why, why_size, "the store does not open: %s", ponto_strerror(result));
		return false;
	}
	good = cases[index].run(&c);
	subject->close(subject->ctx, c.store);
	return good;
}
