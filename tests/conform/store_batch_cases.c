#include <stdlib.h>
#include <string.h>

#include "tests/conform/store_case.h"

bool store_case_batch(struct store_case *c)
{
	struct ponto_bytes one = B("1"), two = B("2");
	struct ponto_store_step steps[] = {
		{PONTO_STEP_PUT, B("a"), B("1"), 0},	 {PONTO_STEP_PUT, B("b"), B("1"), 0},
		{PONTO_STEP_DELETE, B("old"), B(""), 0}, {PONTO_STEP_PUT, B("a"), B("2"), 0},
		{PONTO_STEP_PUT, B("c"), B("1"), 0},	 {PONTO_STEP_DELETE, B("c"), B(""), 0},
		{PONTO_STEP_DELETE, B("d"), B(""), 0},	 {PONTO_STEP_PUT, B("d"), B("1"), 0},
	};

	RETURNS(PUT(c, B("g"), B("old"), one), PONTO_OK);
	RETURNS(PUT(c, B("g"), B("d"), two), PONTO_OK);
	RETURNS(BATCH(c, steps, PONTO_ARRAY_SIZE(steps)), PONTO_OK);
	TRY(store_holds(c, B("g"), B("a"), &two));
	TRY(store_holds(c, B("g"), B("b"), &one));
	TRY(store_holds(c, B("g"), B("c"), NULL));
	TRY(store_holds(c, B("g"), B("d"), &one));
	TRY(store_holds(c, B("g"), B("old"), NULL));
	/* Again, synchronously: the same end. */
	RETURNS(ponto_store_batch(c->store, B("g"), steps, PONTO_ARRAY_SIZE(steps), PONTO_STORE_SYNC, PONTO_NEVER),
		PONTO_OK);
	TRY(store_holds(c, B("g"), B("a"), &two));
	TRY(store_count(c, B("g"), 3, 1));
	return true;
}

bool store_case_guards(struct store_case *c)
{
	struct ponto_bytes v = B("value");
	struct ponto_store_step late_guard[] = {
		{PONTO_STEP_PUT, B("new"), B("x"), 0},
		{PONTO_STEP_DELETE, B("k"), B(""), 0},
		{PONTO_STEP_REQUIRE_ABSENT, B("k"), B(""), 0},
	};
	/* Guards look at what was there before the batch, not at what its steps did. */
	struct ponto_store_step before[] = {
		{PONTO_STEP_PUT, B("new"), B("x"), 0},
		{PONTO_STEP_REQUIRE_ABSENT, B("new"), B(""), 0},
		{PONTO_STEP_DELETE, B("k"), B(""), 0},
		{PONTO_STEP_REQUIRE_EQUAL, B("k"), B("value"), 0},
	};
	struct ponto_bytes others[] = {B("valu"), B("values"), B("Value"), B(""), B("value\0")};
	struct ponto_store_step equal = {PONTO_STEP_REQUIRE_EQUAL, B("k"), B("value"), 0};

	RETURNS(PUT(c, B("g"), B("k"), v), PONTO_OK);
	RETURNS(BATCH(c, late_guard, 3), PONTO_EGUARD);
	TRY(store_holds(c, B("g"), B("new"), NULL));
	TRY(store_holds(c, B("g"), B("k"), &v));
	RETURNS(BATCH(c, &equal, 1), PONTO_OK);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(others); i++) {
		equal.value = others[i];
		RETURNS(BATCH(c, &equal, 1), PONTO_EGUARD);
	}
	/* Absent is not the same as empty, and another group's record is another record. */
	equal.key = B("none");
	equal.value = B("");
	RETURNS(BATCH(c, &equal, 1), PONTO_EGUARD);
	RETURNS(PUT(c, B("h"), B("none"), B("")), PONTO_OK);
	RETURNS(BATCH(c, &equal, 1), PONTO_EGUARD);
	RETURNS(PUT(c, B("g"), B("none"), B("")), PONTO_OK);
	RETURNS(BATCH(c, &equal, 1), PONTO_OK);
	RETURNS(BATCH(c, before, 4), PONTO_OK);
	TRY(store_holds(c, B("g"), B("k"), NULL));
	RETURNS(BATCH(c, before, 4), PONTO_EGUARD);
	return true;
}

/* ---- deadlines ------------------------------------------------------------------ */

static bool count_group(void *arg, struct ponto_bytes group)
{
	(void)group;
	++*(int *)arg;
	return true;
}

static bool all_late(struct store_case *c, uint64_t deadline)
{
	struct ponto_store_step step = {PONTO_STEP_PUT, B("new"), B("v"), 0};
	struct store_seen seen = {0};
	uint8_t *value = NULL, *page = NULL;
	size_t len = 0, page_len = 0;
	int calls = 0;

	RETURNS(ponto_store_get(c->store, B("g"), B("k"), deadline, ALLOC, &value, &len, NULL), PONTO_ETIME);
	HOLDS(value == NULL);
	RETURNS(ponto_store_put(c->store, B("g"), B("new"), B("v"), 0, 0, deadline), PONTO_ETIME);
	RETURNS(ponto_store_remove(c->store, B("g"), B("k"), 0, deadline), PONTO_ETIME);
	RETURNS(ponto_store_batch(c->store, B("g"), &step, 1, 0, deadline), PONTO_ETIME);
	RETURNS(ponto_store_iterate(c->store, B("g"), B(""), B(""), deadline, store_see, &seen), PONTO_ETIME);
	RETURNS(ponto_store_groups(c->store, &page, &page_len, 9, deadline, ALLOC, count_group, &calls), PONTO_ETIME);
	RETURNS(ponto_store_flush(c->store, deadline), PONTO_ETIME);
	HOLDS(seen.count == 0 && calls == 0 && page == NULL);
	return true;
}

bool store_case_deadlines(struct store_case *c)
{
	uint64_t now = atomic_load(&c->mono);
	struct ponto_bytes v = B("v");

	RETURNS(PUT(c, B("g"), B("k"), v), PONTO_OK);
	TRY(all_late(c, 0));
	TRY(all_late(c, now - 1));
	TRY(all_late(c, now));
	/* Late calls did nothing here, since they were late from the start. */
	TRY(store_holds(c, B("g"), B("k"), &v));
	TRY(store_holds(c, B("g"), B("new"), NULL));
	RETURNS(ponto_store_put(c->store, B("g"), B("new"), v, 0, 0, now + 1), PONTO_OK);
	RETURNS(ponto_store_remove(c->store, B("g"), B("k"), 0, now + 1), PONTO_OK);
	RETURNS(ponto_store_flush(c->store, now + 1), PONTO_OK);
	TRY(store_holds(c, B("g"), B("new"), &v));
	TRY(store_holds(c, B("g"), B("k"), NULL));
	return true;
}

struct slow {
	struct store_case *c;
	size_t met;
};

static bool meet_slowly(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	struct slow *slow = arg;

	(void)key;
	(void)value;
	(void)expires;
	slow->met++;
	atomic_fetch_add(&slow->c->mono, 10);
	return true;
}

static bool meet_group_slowly(void *arg, struct ponto_bytes group)
{
	return meet_slowly(arg, group, group, 0);
}

bool store_case_late_iteration(struct store_case *c)
{
	struct slow slow = {c, 0};
	uint8_t key, *page = NULL;
	size_t page_len = 0;

	for (key = 0; key < 50; key++) {
		RETURNS(PUT(c, B("g"), ponto_bytes(&key, 1), B("v")), PONTO_OK);
		RETURNS(PUT(c, ponto_bytes(&key, 1), B("k"), B("v")), PONTO_OK);
	}
	RETURNS(ponto_store_iterate(c->store, B("g"), B(""), B(""), atomic_load(&c->mono) + 95, meet_slowly, &slow),
		PONTO_ETIME);
	HOLDS(slow.met == 10);
	slow.met = 0;
	RETURNS(ponto_store_groups(c->store, &page, &page_len, 100, atomic_load(&c->mono) + 95, ALLOC,
				   meet_group_slowly, &slow),
		PONTO_ETIME);
	HOLDS(slow.met == 10 && page == NULL);
	return true;
}

/* ---- memory ----------------------------------------------------------------------- */

static void *refuse_alloc(void *ctx, size_t size)
{
	(void)ctx;
	(void)size;
	return NULL;
}

static void *refuse_resize(void *ctx, void *block, size_t size)
{
	(void)ctx;
	(void)block;
	(void)size;
	return NULL;
}

static void refuse_release(void *ctx, void *block)
{
	(void)ctx;
	(void)block;
}

bool store_case_memory(struct store_case *c)
{
	const struct ponto_alloc none = {refuse_alloc, refuse_resize, refuse_release, NULL};
	struct ponto_bytes v = B("v");
	uint8_t *value = NULL, *page = NULL;
	size_t len = 7, page_len = 7;
	uint64_t expires = 7;
	int calls = 0;

	RETURNS(PUT(c, B("g"), B("k"), v), PONTO_OK);
	RETURNS(PUT(c, B("h"), B("k"), v), PONTO_OK);
	RETURNS(ponto_store_get(c->store, B("g"), B("k"), PONTO_NEVER, &none, &value, &len, &expires), PONTO_ENOMEM);
	HOLDS(value == NULL && len == 7 && expires == 7);
	RETURNS(ponto_store_groups(c->store, &page, &page_len, 1, PONTO_NEVER, &none, count_group, &calls),
		PONTO_ENOMEM);
	HOLDS(page == NULL && page_len == 7 && calls == 0);
	TRY(store_holds(c, B("g"), B("k"), &v));
	return true;
}
