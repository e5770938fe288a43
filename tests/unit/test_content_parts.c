/* What retrieval messages are made of: ages of segments, versions, paths, sets of blocks.
 * [MS-PCCRR] 2.1.1, 2.2.1, 2.2.6, 3.1.5.1. */
#include "engines/content/content_codec.h"
#include "tests/unit/content_test.h"

/* ---- ages: Extensible Blob version 1 ------------------------------------------------------------ */

static void ages(void **state)
{
	static const struct {
		const char *hex;
		uint64_t age;
	} units[] = {
		{"0001 01 01 05 580200", 600 * PONTO_SECOND},
		{"0001 02 01 05 701700", 600 * PONTO_SECOND},
		{"0001 03 01 05 60ea00", 600 * PONTO_SECOND},
		{"0001 04 01 05 c02709", 600 * PONTO_SECOND},
	};
	uint8_t index;
	uint64_t age;

	(void)state;
	PONTO_PROVES("DIST-203", "DIST-204", "DIST-282", "DIST-276");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(units); i++) {
		struct blob b = blob_hex(units[i].hex);
		struct content_ages a;

		assert_ok(content_ages_decode(bytes_of(&b), &a));
		assert_int_equal(a.count, 1);
		content_age_at(&a, 0, &index, &age);
		assert_int_equal(index, 5);
		assert_int_equal(age, units[i].age);
		free(b.data);
	}
}

static void bad_ages(void **state)
{
	static const char *const bad[] = {"",
					  "00",
					  "0001",
					  "0001 03",
					  "0002 03 00",
					  "0000 03 00",
					  "0001 00 00",
					  "0001 05 00",
					  "0001 03 01",
					  "0001 03 02 00 60ea00",
					  "0001 03 ff 00 60ea00"};
	struct content_ages a, before;
	struct blob more = blob_hex("0001 03 01 05 60ea00 ffffffff");

	(void)state;
	PONTO_PROVES("DIST-277", "DIST-278", "DIST-279", "DIST-283");
	memset(&a, 0xa5, sizeof(a));
	before = a;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct blob b = blob_hex(bad[i]);

		assert_int_equal(content_ages_decode(bytes_of(&b), &a), PONTO_EPROTO);
		free(b.data);
	}
	assert_memory_equal(&a, &before, sizeof(a));
	assert_ok(content_ages_decode(bytes_of(&more), &a));
	free(more.data);
}

static void ages_made(void **state)
{
	uint8_t blob[CONTENT_AGES_BYTES];
	size_t len;

	(void)state;
	PONTO_PROVES("DIST-281", "DIST-207");
	content_ages_start(blob, &len);
	assert_hex(blob, len, "0001 03 00");
	assert_ok(content_ages_append(0, UINT64_C(50) * 3600 * PONTO_SECOND, blob, &len));
	assert_ok(content_ages_append(1, UINT64_C(46) * 3600 * PONTO_SECOND, blob, &len));
	assert_hex(blob, len, "0001 03 02 00 ffffff 01 80affc");
	for (unsigned i = 2; i < 255; i++)
		assert_ok(content_ages_append((uint8_t)i, 0, blob, &len));
	assert_int_equal(content_ages_append(255, 0, blob, &len), PONTO_ELIMIT);
	assert_int_equal(blob[3], 255);
	assert_int_equal(len, sizeof(blob));
}

/* ---- versions, paths, sets ---------------------------------------------------------------------- */

static void versions(void **state)
{
	static const struct content_version client[] = {{3, 9}, {4, 8}, {5, 0}}, server[] = {{2, 1}, {3, 0}, {4, 3}};
	static const struct content_version old_client[] = {{1, 0}, {2, 1}}, new_server[] = {{2, 9}};
	struct content_version v = {99, 99};

	(void)state;
	PONTO_PROVES("DIST-303", "DIST-304");
	/* The examples of 3.1.5.1. */
	assert_ok(content_version_pick(client, 3, (struct content_version){2, 0}, (struct content_version){4, 3}, &v));
	assert_int_equal(v.major * 100 + v.minor, 408);
	assert_ok(content_version_pick(server, 3, (struct content_version){3, 2}, (struct content_version){5, 0}, &v));
	assert_int_equal(v.major * 100 + v.minor, 403);
	assert_ok(content_version_pick(old_client, 2, (struct content_version){2, 5}, (struct content_version){2, 9},
				       &v));
	assert_int_equal(v.major * 100 + v.minor, 201);
	assert_ok(content_version_pick(new_server, 1, (struct content_version){1, 0}, (struct content_version){2, 1},
				       &v));
	assert_int_equal(v.major * 100 + v.minor, 209);
	assert_int_equal(
		content_version_pick(old_client, 2, (struct content_version){3, 0}, (struct content_version){4, 0}, &v),
		PONTO_ENOTSUP);
	assert_int_equal(v.minor, 9);
}

static void paths(void **state)
{
	(void)state;
	assert_true(content_is_path("/116B50EB-ECE2-41ac-8429-9F9E963361B7/"));
	assert_true(content_is_path("/116B50EB-ECE2-41ac-8429-9F9E963361B7"));
	assert_true(content_is_path("/116b50eb-ece2-41AC-8429-9f9e963361b7/"));
	assert_false(content_is_path("/116B50EB-ECE2-41ac-8429-9F9E963361B7/x"));
	assert_false(content_is_path("/116B50EB-ECE2-41ac-8429-9F9E963361B7//"));
	assert_false(content_is_path("/116B50EB-ECE2-41ac-8429-9F9E963361B"));
	assert_false(content_is_path("/"));
	assert_false(content_is_path(""));
}

static void sets_of_blocks(void **state)
{
	struct ponto_test_random tr;

	(void)state;
	ponto_test_random_init(&tr, 3);
	for (int round = 0; round < 2000; round++) {
		struct content_blocks a = {{0}}, b = {{0}};
		bool in_a[512] = {0}, in_b[512] = {0};
		uint32_t count = 0, index, run;

		for (int i = 0; i < 6; i++) {
			uint32_t from = (uint32_t)ponto_random_below(&tr.random, 520);
			uint32_t n = (uint32_t)ponto_random_below(&tr.random, 80);

			content_blocks_add(i % 2 ? &a : &b, from, n);
			for (uint32_t k = from; k < from + n && k < 512; k++)
				(i % 2 ? in_a : in_b)[k] = true;
		}
		if (round % 2)
			content_blocks_keep(&a, &b);
		else
			content_blocks_drop(&a, &b);
		for (uint32_t k = 0; k < 512; k++) {
			in_a[k] = in_a[k] && in_b[k] == (round % 2 == 1);
			assert_int_equal(content_blocks_has(&a, k), in_a[k]);
			count += in_a[k];
		}
		assert_int_equal(content_blocks_count(&a), count);
		for (uint32_t from = 0; content_blocks_run(&a, from, &index, &run); from = index + run) {
			assert_true(index >= from && run > 0);
			for (uint32_t k = from; k < index + run; k++)
				assert_int_equal(in_a[k], k >= index);
			assert_true(index + run == 512 || !in_a[index + run]);
			assert_int_equal(content_blocks_next(&a, from), index);
			count -= run;
		}
		assert_int_equal(count, 0);
		content_blocks_remove(&a, 512);
		content_blocks_remove(&a, 100);
		assert_false(content_blocks_has(&a, 100));
		assert_false(content_blocks_has(&a, 512));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(ages),	    cmocka_unit_test(bad_ages), cmocka_unit_test(ages_made),
	cmocka_unit_test(versions), cmocka_unit_test(paths),	cmocka_unit_test(sets_of_blocks),
};

PONTO_TEST_MAIN(tests)
