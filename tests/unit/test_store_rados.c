/* store-rados without a cluster: names, entries, places. The rest is in tests/interop/store_rados.sh. */
#include "tests/support/test.h"

#include "plugins/store-rados/rds_area.h"
#include "plugins/store-rados/rds_entry.h"
#include "plugins/store-rados/rds_hint.h"
#include "plugins/store-rados/rds_name.h"

#define LIT(text) ponto_bytes(text, sizeof(text) - 1)

static size_t random_bytes(struct ponto_test_random *random, uint8_t *out, size_t max)
{
	static const uint8_t odd[] = {0, 1, 2, 'a', '.', '%', '/', 0x7f, 0x80, 0xff};
	size_t len = ponto_random_below(&random->random, max + 1);

	for (size_t i = 0; i < len; i++)
		out[i] = ponto_random_below(&random->random, 2) ? odd[ponto_random_below(&random->random, sizeof(odd))]
								: (uint8_t)ponto_random_u64(&random->random);
	return len;
}

static void groups_as_objects(void **state)
{
	static const char *const wrong[] = {"",	     "g",     "g.",    "b.61",	"meta", "g.%",	 "g.%6",
					    "g.%6g", "g.%61", "g.a b", "g.%FF", "G.a",	"g.\x80"};
	struct ponto_test_random random;
	uint8_t group[PONTO_STORE_GROUP_MAX], back[PONTO_STORE_GROUP_MAX];
	char object[RDS_OBJECT_MAX], longest[RDS_OBJECT_MAX + 1];
	size_t len, back_len;

	(void)state;
	rds_object_name(LIT("dist/s\0\xff%"), object);
	assert_string_equal(object, "g.dist/s%00%ff%25");
	ponto_test_random_init(&random, 1);
	for (unsigned i = 0; i < 2000; i++) {
		len = random_bytes(&random, group, i < 100 ? PONTO_STORE_GROUP_MAX : 20);
		if (len == 0)
			continue;
		rds_object_name(ponto_bytes(group, len), object);
		assert_true(strlen(object) < RDS_OBJECT_MAX);
		assert_true(rds_object_group(ponto_bytes(object, strlen(object)), back, &back_len));
		assert_int_equal(back_len, len);
		assert_memory_equal(back, group, len);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(wrong); i++)
		assert_false(rds_object_group(ponto_bytes(wrong[i], strlen(wrong[i])), back, &back_len));
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "g.", 2);
	assert_true(rds_object_group(ponto_bytes(longest, 2 + PONTO_STORE_GROUP_MAX), back, &back_len));
	assert_false(rds_object_group(ponto_bytes(longest, 3 + PONTO_STORE_GROUP_MAX), back, &back_len));
}

static int compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	order = order ? order : (a_len > b_len) - (a_len < b_len);
	return (order > 0) - (order < 0);
}

static void keys_keep_their_order(void **state)
{
	const struct ponto_bytes wrong[] = {LIT(""),	  LIT("k"),   LIT("a1"),     LIT("k\1"),
					    LIT("k\1\3"), LIT("k\0"), LIT("kab\0c"), LIT("k\1\0")};
	struct ponto_test_random random;
	uint8_t key[PONTO_STORE_KEY_MAX], other[PONTO_STORE_KEY_MAX], back[PONTO_STORE_KEY_MAX];
	char name[RDS_KEY_MAX], other_name[RDS_KEY_MAX];
	size_t len, other_len, back_len, name_len, other_name_len;

	(void)state;
	ponto_test_random_init(&random, 2);
	for (unsigned i = 0; i < 5000; i++) {
		len = random_bytes(&random, key, i < 50 ? PONTO_STORE_KEY_MAX : 6);
		other_len = random_bytes(&random, other, 6);
		name_len = rds_key_name(ponto_bytes(key, len), name);
		other_name_len = rds_key_name(ponto_bytes(other, other_len), other_name);
		assert_int_equal(strlen(name), name_len);
		assert_int_equal(compare(name, name_len, other_name, other_name_len),
				 compare(key, len, other, other_len));
		/* What starts a key starts its name. */
		if (other_len <= len)
			assert_int_equal(memcmp(name, other_name, other_name_len) == 0,
					 memcmp(key, other, other_len) == 0);
		if (len == 0)
			continue;
		assert_true(rds_name_key(ponto_bytes(name, name_len), back, &back_len));
		assert_int_equal(back_len, len);
		assert_memory_equal(back, key, len);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(wrong); i++)
		assert_false(rds_name_key(wrong[i], back, &back_len));
}

/* As `ceph osd map POOL OBJECT NAMESPACE` and a listing have them. */
static void places_are_cephs(void **state)
{
	(void)state;
	assert_int_equal(rds_position(LIT("seek"), LIT("g.1")), 0xe4bd575c);
	assert_int_equal(rds_position(LIT("seek"), LIT("g.30")), 0xd1d1c420);
	assert_int_equal(rds_position(LIT("seek"), LIT("g.34")), 0x222faf8f);
	assert_true(rds_order(LIT("seek"), "g.30", "g.10") < 0);
	assert_true(rds_order(LIT("seek"), "g.10", "g.37") < 0);
	assert_true(rds_order(LIT("seek"), "g.34", "g.9") > 0);
	assert_true(rds_order(LIT("seek"), "g.34", "g.34") == 0);
}

static void check_entry(const struct rds_entry *entry)
{
	uint8_t bytes[RDS_ENTRY_MAX], longer[RDS_ENTRY_MAX + 1];
	size_t len = rds_entry_encode(entry, bytes);
	struct rds_entry back;

	assert_true(len > 0);
	assert_true(rds_entry_decode(ponto_bytes(bytes, len), &back));
	assert_int_equal(back.kind, entry->kind);
	assert_int_equal(back.expires, entry->expires);
	assert_int_equal(back.len, entry->len);
	if (entry->kind == RDS_INLINE) {
		assert_true(ponto_bytes_equal(back.value, entry->value));
		return;
	}
	assert_true(len <= RDS_PLACED_MAX);
	for (size_t cut = 0; cut < len; cut++)
		assert_false(rds_entry_decode(ponto_bytes(bytes, cut), &back));
	memcpy(longer, bytes, len);
	longer[len] = 0;
	assert_false(rds_entry_decode(ponto_bytes(longer, len + 1), &back));
}

static void entries(void **state)
{
	static uint8_t value[RDS_INLINE_MAX + 1];
	static const uint8_t kinds[][RDS_HEAD_INLINE] = {{0}, {4}, {0xff}};
	struct rds_entry inlined = {.kind = RDS_INLINE, .expires = 77, .len = 5, .value = LIT("value")};
	struct rds_entry extent = {.kind = RDS_EXTENT, .expires = UINT64_MAX, .len = 65606, .unit = 3, .tag = 9};
	struct rds_entry blob = {.kind = RDS_BLOB, .len = PONTO_STORE_VALUE_MAX, .id = "0123456789abcde"};
	struct rds_entry back;
	uint8_t bytes[RDS_ENTRY_MAX];

	(void)state;
	check_entry(&inlined);
	inlined.value = ponto_bytes(value, RDS_INLINE_MAX);
	inlined.len = RDS_INLINE_MAX;
	check_entry(&inlined);
	inlined.value.len++;
	assert_int_equal(rds_entry_encode(&inlined, bytes), 0);
	check_entry(&extent);
	check_entry(&blob);
	/* Beyond the area, of no length, too long. */
	extent.unit = RDS_UNITS - rds_units(extent.len);
	check_entry(&extent);
	extent.unit++;
	assert_false(rds_entry_decode(ponto_bytes(bytes, rds_entry_encode(&extent, bytes)), &back));
	extent.unit = UINT32_MAX;
	assert_false(rds_entry_decode(ponto_bytes(bytes, rds_entry_encode(&extent, bytes)), &back));
	extent.unit = 0;
	extent.len = 0;
	assert_false(rds_entry_decode(ponto_bytes(bytes, rds_entry_encode(&extent, bytes)), &back));
	extent.len = UINT32_MAX;
	assert_false(rds_entry_decode(ponto_bytes(bytes, rds_entry_encode(&extent, bytes)), &back));
	blob.len++;
	assert_false(rds_entry_decode(ponto_bytes(bytes, rds_entry_encode(&blob, bytes)), &back));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(kinds); i++)
		assert_false(rds_entry_decode(ponto_bytes(kinds[i], sizeof(kinds[i])), &back));
	assert_false(rds_entry_expired(&inlined, 76));
	assert_true(rds_entry_expired(&inlined, 77));
	assert_false(rds_entry_expired(&blob, UINT64_MAX));
}

/* Against an array of booleans: nothing is given twice, and everything can be taken. */
static void areas(void **state)
{
	static struct rds_area area;
	static bool model[RDS_UNITS];
	static struct {
		uint32_t unit, units;
	} held[RDS_UNITS];
	struct ponto_test_random random;
	size_t count = 0, used = 0;
	uint32_t unit;

	(void)state;
	ponto_test_random_init(&random, 3);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t units = 1 + (uint32_t)ponto_random_below(&random.random, i % 7 ? 17 : 256);

		if (ponto_random_below(&random.random, 5) < 3) {
			if (!rds_area_take(&area, units, &unit))
				continue;
			for (uint32_t u = unit; u < unit + units; u++) {
				assert_true(u < RDS_UNITS && !model[u]);
				model[u] = true;
			}
			held[count].unit = unit;
			held[count++].units = units;
			used += units;
		} else if (count > 0) {
			size_t n = ponto_random_below(&random.random, count);

			rds_area_give(&area, held[n].unit, held[n].units);
			memset(model + held[n].unit, 0, held[n].units);
			used -= held[n].units;
			held[n] = held[--count];
		}
		assert_true(area.len <= RDS_AREA_MAX && (area.len == 0 || area.bits[area.len - 1] != 0));
	}
	for (; rds_area_take(&area, 1, &unit); used++)
		assert_false(model[unit]);
	assert_int_equal(used, RDS_UNITS);
	assert_int_equal(area.len, RDS_AREA_MAX);
	rds_area_give(&area, 0, RDS_UNITS);
	assert_int_equal(area.len, 0);
	assert_true(rds_area_take(&area, RDS_UNITS, &unit) && unit == 0);
}

static void stored_areas(void **state)
{
	static uint8_t stored[RDS_AREA_MAX + 1] = {1, 0, 0x80};
	static struct rds_area area;
	uint32_t unit;

	(void)state;
	assert_true(rds_area_load(&area, ponto_bytes(stored, 20)));
	assert_int_equal(area.len, 3);
	/* The first that fits; what is long begins at a multiple, while there is one. */
	assert_true(rds_area_take(&area, 15, &unit) && unit == 1);
	assert_true(rds_area_take(&area, 15, &unit) && unit == 24);
	assert_true(rds_area_take(&area, 17, &unit) && unit == 48);
	assert_true(rds_area_take(&area, RDS_UNITS - 80, &unit) && unit == 80);
	assert_true(rds_area_take(&area, 9, &unit) && unit == 39);
	assert_false(rds_area_take(&area, 16, &unit));
	rds_area_give(&area, 39, 9);
	rds_area_give(&area, 24, 15);
	assert_true(rds_area_take(&area, 24, &unit) && unit == 24);
	assert_true(rds_area_load(&area, ponto_bytes(NULL, 0)));
	assert_int_equal(area.len, 0);
	assert_false(rds_area_load(&area, ponto_bytes(stored, sizeof(stored))));
}

static int use_hints(const struct ponto_alloc *alloc, void *arg)
{
	uint8_t entry[RDS_PLACED_MAX] = {RDS_EXTENT, 1, 2}, out[RDS_PLACED_MAX];
	static struct rds_area area, back;
	struct rds_hints hints;
	uint64_t one = rds_hint_hash(LIT("g"), LIT("ab")), other = rds_hint_hash(LIT("ga"), LIT("b"));
	int result = rds_hints_init(&hints, alloc);

	(void)arg;
	assert_true(one != other);
	if (!result) {
		assert_int_equal(rds_hint_get(&hints, one, out), 0);
		rds_hint_set(&hints, one, entry, 25);
		assert_int_equal(rds_hint_get(&hints, one, out), 25);
		assert_memory_equal(out, entry, 25);
		/* Another in its place is not taken for it. */
		rds_hint_set(&hints, one + RDS_HINTS, entry, 26);
		assert_int_equal(rds_hint_get(&hints, one, out), 0);
		rds_hint_set(&hints, one, NULL, 0);
		assert_int_equal(rds_hint_get(&hints, one + RDS_HINTS, out), 26);
		rds_hint_set(&hints, one + RDS_HINTS, NULL, 0);
		assert_int_equal(rds_hint_get(&hints, one + RDS_HINTS, out), 0);
		area.len = 2;
		area.bits[1] = 1;
		assert_false(rds_hint_area_get(&hints, one, &back));
		rds_hint_area_set(&hints, one, &area);
		assert_true(rds_hint_area_get(&hints, one, &back));
		assert_int_equal(back.len, 2);
		rds_hint_area_set(&hints, other, NULL);
		rds_hint_area_set(&hints, one, NULL);
		assert_false(rds_hint_area_get(&hints, one, &back));
	}
	rds_hints_free(&hints);
	return result;
}

static void hints(void **state)
{
	(void)state;
	ponto_test_oom(use_hints, NULL, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(groups_as_objects),
	cmocka_unit_test(keys_keep_their_order),
	cmocka_unit_test(places_are_cephs),
	cmocka_unit_test(entries),
	cmocka_unit_test(areas),
	cmocka_unit_test(stored_areas),
	cmocka_unit_test(hints),
};

PONTO_TEST_MAIN(tests)
