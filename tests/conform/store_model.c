/* The store suite's model test: thousands of seeded calls against a store and against an array, which must agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conform/store_case.h"

#define RECORDS 512
#define CALLS 6000
#define KEY_MAX 4
#define VALUE_MAX 12
#define STEPS_MAX 5

struct name {
	uint8_t data[KEY_MAX];
	size_t len;
};

struct record {
	bool used;
	struct name group, key;
	uint8_t value[VALUE_MAX];
	size_t value_len;
	uint64_t expires;
};

struct model {
	struct store_case *c;
	uint64_t random;
	struct record records[RECORDS];
	struct record saved[RECORDS];
};

static uint64_t roll(struct model *m, uint64_t bound)
{
	uint64_t z = (m->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % bound;
}

/* Few letters and short names, so that calls meet each other's records. */
static struct name roll_name(struct model *m, size_t min, size_t max)
{
	static const uint8_t letters[] = {0x00, 'a', 0xff};
	struct name name = {{0}, min + roll(m, max - min + 1)};

	for (size_t i = 0; i < name.len; i++)
		name.data[i] = letters[roll(m, sizeof(letters))];
	return name;
}

static struct ponto_bytes view(const struct name *name)
{
	return ponto_bytes(name->data, name->len);
}

static int compare(struct ponto_bytes a, struct ponto_bytes b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool live(const struct model *m, const struct record *record)
{
	return record->used && (record->expires == 0 || record->expires > atomic_load(&m->c->wall));
}

static struct record *find(struct model *m, const struct name *group, const struct name *key)
{
	for (size_t i = 0; i < RECORDS; i++) {
		struct record *record = &m->records[i];

		if (record->used && compare(view(&record->group), view(group)) == 0 &&
		    compare(view(&record->key), view(key)) == 0)
			return record;
	}
	return NULL;
}

static void model_put(struct model *m, const struct name *group, const struct name *key, struct ponto_bytes value,
		      uint64_t expires)
{
	struct record *record = find(m, group, key);

	for (size_t i = 0; !record; i++)
		record = m->records[i].used ? NULL : &m->records[i];
	*record = (struct record){.used = true, .group = *group, .key = *key, .expires = expires};
	memcpy(record->value, value.data, value.len);
	record->value_len = value.len;
}

static void model_remove(struct model *m, const struct name *group, const struct name *key)
{
	struct record *record = find(m, group, key);

	if (record)
		record->used = false;
}

static uint64_t roll_expiry(struct model *m)
{
	return roll(m, 3) ? 0 : atomic_load(&m->c->wall) + roll(m, 40);
}

static bool check_get(struct model *m, const struct name *group, const struct name *key)
{
	struct record *record = find(m, group, key);
	struct ponto_bytes value;

	if (!record || !live(m, record))
		return store_holds(m->c, view(group), view(key), NULL);
	value = ponto_bytes(record->value, record->value_len);
	return store_holds(m->c, view(group), view(key), &value);
}

static bool do_batch(struct model *m, const struct name *group)
{
	struct ponto_store_step steps[STEPS_MAX];
	struct name keys[STEPS_MAX], values[STEPS_MAX];
	size_t count = 1 + roll(m, STEPS_MAX);
	int expected = PONTO_OK;

	memcpy(m->saved, m->records, sizeof(m->saved));
	for (size_t i = 0; i < count; i++) {
		struct record *old;
		bool there;

		keys[i] = roll_name(m, 1, 2);
		values[i] = roll_name(m, 0, 1);
		steps[i] = (struct ponto_store_step){1 + (uint32_t)roll(m, 4), view(&keys[i]), view(&values[i]), 0};
		old = find(m, group, &keys[i]);
		there = old && live(m, old);
		if (steps[i].kind == PONTO_STEP_REQUIRE_ABSENT && there)
			expected = PONTO_EGUARD;
		if (steps[i].kind == PONTO_STEP_REQUIRE_EQUAL &&
		    (!there || compare(ponto_bytes(old->value, old->value_len), steps[i].value) != 0))
			expected = PONTO_EGUARD;
	}
	for (size_t i = 0; i < count && !expected; i++) {
		steps[i].expires = roll_expiry(m);
		if (steps[i].kind == PONTO_STEP_PUT)
			model_put(m, group, &keys[i], steps[i].value, steps[i].expires);
		else if (steps[i].kind == PONTO_STEP_DELETE)
			model_remove(m, group, &keys[i]);
	}
	if (ponto_store_batch(m->c->store, view(group), steps, count, 0, PONTO_NEVER) != expected)
		return store_case_fail(m->c, __FILE__, __LINE__, "batch as in the model", 0, 0);
	return true;
}

/* ---- iteration against the model ---------------------------------------------------- */

struct expectation {
	struct model *m;
	const struct name *group, *prefix;
	struct name last; /* what comes next is greater */
	bool broken;
};

static const struct record *next_record(const struct expectation *e)
{
	const struct record *best = NULL;

	for (size_t i = 0; i < RECORDS; i++) {
		const struct record *record = &e->m->records[i];

		if (!live(e->m, record) || compare(view(&record->group), view(e->group)) != 0 ||
		    record->key.len < e->prefix->len ||
		    memcmp(record->key.data, e->prefix->data, e->prefix->len) != 0 ||
		    (e->last.len > 0 && compare(view(&record->key), view(&e->last)) <= 0))
			continue;
		if (!best || compare(view(&record->key), view(&best->key)) < 0)
			best = record;
	}
	return best;
}

static bool expect(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	struct expectation *e = arg;
	const struct record *record = next_record(e);

	e->broken = !record || compare(view(&record->key), key) != 0 || record->expires != expires ||
		    !ponto_bytes_equal(ponto_bytes(record->value, record->value_len), value);
	if (record)
		e->last = record->key;
	return !e->broken;
}

static bool check_iteration(struct model *m, const struct name *group)
{
	struct name prefix = roll_name(m, 0, 2), after = roll_name(m, 0, 3);
	struct expectation e = {m, group, &prefix, after, false};
	struct store_case *c = m->c;

	RETURNS(ponto_store_iterate(c->store, view(group), view(&prefix), view(&after), PONTO_NEVER, expect, &e),
		PONTO_OK);
	HOLDS(!e.broken && !next_record(&e));
	return true;
}

static bool check_groups(struct model *m)
{
	size_t expected = 0;

	for (size_t i = 0; i < RECORDS; i++) {
		bool first = live(m, &m->records[i]);

		for (size_t j = 0; j < i && first; j++)
			first = !(live(m, &m->records[j]) &&
				  compare(view(&m->records[i].group), view(&m->records[j].group)) == 0);
		expected += first;
	}
	return store_groups(m->c, 1 + roll(m, 6), 0, expected);
}

static bool do_call(struct model *m)
{
	struct name group = roll_name(m, 1, 2), key = roll_name(m, 1, 3), value = roll_name(m, 0, 4);
	struct store_case *c = m->c;
	uint64_t expires;

	switch (roll(m, 12)) {
	case 0:
	case 1:
	case 2:
		expires = roll_expiry(m);
		model_put(m, &group, &key, view(&value), expires);
		RETURNS(ponto_store_put(c->store, view(&group), view(&key), view(&value), expires, 0, PONTO_NEVER),
			PONTO_OK);
		return true;
	case 3:
	case 4:
		model_remove(m, &group, &key);
		RETURNS(ponto_store_remove(c->store, view(&group), view(&key), 0, PONTO_NEVER), PONTO_OK);
		return true;
	case 5:
	case 6:
		return do_batch(m, &group);
	case 7:
	case 8:
		return check_iteration(m, &group);
	case 9:
		return roll(m, 4) ? true : check_groups(m);
	case 10:
		atomic_fetch_add(&c->wall, roll(m, 12));
		return true;
	default:
		return check_get(m, &group, &key);
	}
}

bool store_case_model(struct store_case *c)
{
	struct model *m = calloc(1, sizeof(*m));
	bool good = m != NULL;
	unsigned call;

	/* 12 groups of up to 39 keys fit the array. */
	if (m)
		m->c = c;
	if (m)
		m->random = 20;
	for (call = 0; good && call < CALLS; call++)
		good = do_call(m);
	if (m && !good) {
		size_t len = strlen(c->why);

		snprintf(c->why + len, c->why_size - len, " (call %u)", call);
	}
	free(m);
	return good;
}
