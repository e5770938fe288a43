/* The cache of content distribution: its limits, and what goes when. */
#include "tests/unit/dist_cache_test.h"

/* ---- keeping and giving ------------------------------------------------------------------- */

/* What another one brings takes the place of what is relayed, never of what was checked. */
static void relayed_blocks_make_room(void **state)
{
	static const uint8_t iv[CONTENT_IV] = "fedcba987654321";
	struct stock s = stock_make(1);
	struct blob first = dist_rig_content(CONTENT_BLOCK + 16, 9), second = dist_rig_content(CONTENT_BLOCK + 16, 10);
	struct blob small = dist_rig_content(116, 11);
	struct dist_segment unkeyed = {.id = s.segment.id, .algo = CONTENT_SHA256, .size = V1};
	struct dist_piece piece = {.index = 2, .crypto = CONTENT_AES_128, .data = bytes_of(&first)};
	struct relayed expected = {1, bytes_of(&second), iv, CONTENT_AES_128};
	struct dist_known known;
	struct scene c;

	(void)state;
	memcpy(piece.iv, iv, sizeof(iv));
	scene_begin(&c);
	assert_ok(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece));
	piece.index = 3;
	assert_ok(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece));
	piece.index = 2;
	piece.data = bytes_of(&second);
	assert_int_equal(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece), PONTO_EEXIST);
	unkeyed.replace = true;
	assert_ok(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece));
	assert_true(dist_cache_find(c.cache, &s.segment.id, &known));
	assert_int_equal(content_blocks_count(&known.blocks), 2);
	assert_ok(dist_cache_get(c.cache, &s.segment.id, 2, compare_relayed, on_relayed, &expected));
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_ok(expected.result);
	/* Of another size: nothing of it stays. */
	unkeyed.size = 100;
	piece.index = 0;
	piece.data = ponto_bytes(small.data, 112);
	unkeyed.replace = false;
	assert_int_equal(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece), PONTO_EINVAL);
	unkeyed.replace = true;
	assert_ok(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece));
	assert_true(dist_cache_find(c.cache, &s.segment.id, &known));
	assert_int_equal(known.size, 100);
	assert_int_equal(content_blocks_count(&known.blocks), 1);
	assert_int_equal(records_of(&c, &s.segment.id), 2);
	/* Whatever its size was, what is checked takes its place and stays. */
	assert_ok(put_one(&c, &s, 2));
	assert_ok(get_one(&c, &s, 2));
	assert_int_equal(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece), PONTO_EINVAL);
	unkeyed.size = V1;
	piece.index = 2;
	piece.data = bytes_of(&first);
	assert_int_equal(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece), PONTO_EEXIST);
	assert_ok(get_one(&c, &s, 2));
	scene_end(&c);
	free(first.data);
	free(second.data);
	free(small.data);
	stock_free(&s);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct stock s = stock_make(1);
	struct dist_segment wrong;
	struct dist_piece piece, bad;
	struct scene c;

	(void)state;
	scene_begin(&c);
	piece = piece_of(&s, 4);
#define REFUSED(change, expected)                                                                                      \
	do {                                                                                                           \
		wrong = s.segment;                                                                                     \
		bad = piece;                                                                                           \
		change;                                                                                                \
		assert_int_equal(dist_rig_put(&c.rig, c.cache, &wrong, &bad), expected);                               \
	} while (0)
	REFUSED(wrong.id.b[5] ^= 1, PONTO_EINVAL); /* not the name of these keys */
	REFUSED(wrong.kp[5] ^= 1, PONTO_EINVAL);
	REFUSED(wrong.size = 0, PONTO_EINVAL);
	REFUSED(wrong.size = CONTENT_SEGMENT_V1 + 1, PONTO_EINVAL);
	REFUSED(wrong.algo = (enum content_algo)5, PONTO_EINVAL);
	REFUSED(wrong.block_hashes.len -= 32, PONTO_EINVAL); /* the hash is not listed */
	REFUSED(wrong.block_hashes.len -= 1, PONTO_EINVAL);
	REFUSED(bad.index = 5, PONTO_EINVAL);
	REFUSED(bad.data.len -= 1, PONTO_EINVAL);
	REFUSED(bad.crypto = CONTENT_AES_128, PONTO_EINVAL);
	REFUSED(wrong.keyed = false; bad.crypto = CONTENT_AES_128, PONTO_EINVAL); /* no whole cipher blocks */
	REFUSED(wrong.keyed = false; bad.crypto = (enum content_crypto)4, PONTO_EINVAL);
	REFUSED(wrong.keyed = false; wrong.id.len = 0, PONTO_EINVAL);
	REFUSED((void)0, PONTO_OK);
	/* Of what is held now: another size under its name. */
	REFUSED(wrong.keyed = false; wrong.size = 4 * CONTENT_BLOCK + 1001; bad.index = 0;
		bad.data.len = CONTENT_BLOCK, PONTO_EINVAL);
#undef REFUSED
	assert_int_equal(stats_of(&c).segments, 1);
	assert_int_equal(stats_of(&c).errors, 0);
	scene_end(&c);
	stock_free(&s);
}

/* ---- limits ------------------------------------------------------------------------------ */

static void so_many_at_a_time(void **state)
{
	struct stock s = stock_make(1);
	struct dist_piece piece;
	struct scene c;
	unsigned done = 0;

	(void)state;
	scene_init(&c);
	c.config.reads = c.config.writes = 3;
	assert_ok(dist_cache_open(&c.config, count_done, &done, &c.cache));
	/* What is kept while it opens is not lost, but what needs all of it has to wait. */
	piece = piece_of(&s, 4);
	assert_ok(dist_cache_put(c.cache, &s.segment, &piece, count_done, &done));
	assert_false(dist_cache_is_ready(c.cache));
	assert_int_equal(dist_cache_verify(c.cache, NULL, NULL, NULL), PONTO_EBUSY);
	assert_int_equal(dist_cache_clear(c.cache, NULL, NULL, NULL, NULL), PONTO_EBUSY);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(done--, 2);
	assert_true(dist_cache_is_ready(c.cache));
	assert_ok(get_one(&c, &s, 4));
	for (uint32_t b = 0; b < 4; b++) {
		piece = piece_of(&s, b);
		assert_int_equal(dist_cache_put(c.cache, &s.segment, &piece, count_done, &done),
				 b < 3 ? PONTO_OK : PONTO_EBUSY);
	}
	/* The first goes alone, the others that came meanwhile together. */
	dist_rig_fail(&c.rig, DIST_RIG_BATCH, 1, 0, PONTO_OK);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(c.rig.calls, 1);
	assert_int_equal(done, 4);
	for (uint32_t b = 0; b < 4; b++)
		assert_int_equal(dist_cache_get(c.cache, &s.segment.id, b % 3, no_work, count_done, &done),
				 b < 3 ? PONTO_OK : PONTO_EBUSY);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(done, 7);
	assert_ok(dist_cache_get(c.cache, &s.segment.id, 0, no_work, count_done, &done));
	scene_close(&c);
	assert_int_equal(done, 8);
	scene_end(&c);
	stock_free(&s);
}

static void the_longest_unused_goes(void **state)
{
	struct parts p = parts_make();
	struct dist_known known;
	struct dist_segment gone = dist_rig_segment(&p.made, 1);
	struct scene c;

	(void)state;
	scene_init(&c);
	c.config.max_bytes = 3 * (PART + 4096) + 1000;
	scene_open(&c);
	for (size_t i = 0; i < 3; i++)
		put_part(&c, &p, i);
	assert_ok(get_part(&c, &p, 0));
	scene_close(&c);
	/* The order of use outlives the process. */
	scene_open(&c);
	put_part(&c, &p, 3);
	assert_false(dist_cache_find(c.cache, &gone.id, &known));
	assert_int_equal(records_of(&c, &gone.id), 0);
	assert_int_equal(get_part(&c, &p, 1), PONTO_ENOENT);
	assert_ok(get_part(&c, &p, 0));
	assert_ok(get_part(&c, &p, 2));
	assert_ok(get_part(&c, &p, 3));
	assert_int_equal(stats_of(&c).evicted, 1);
	/* It may come back. */
	put_part(&c, &p, 1);
	assert_ok(get_part(&c, &p, 1));
	assert_int_equal(get_part(&c, &p, 0), PONTO_ENOENT);
	scene_close(&c);
	/* A smaller limit holds from the start. */
	c.config.max_bytes = PART + 4096;
	scene_open(&c);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(stats_of(&c).segments, 1);
	assert_ok(get_part(&c, &p, 1));
	scene_end(&c);
	parts_free(&p);
}

/* Whatever is read counts, whether or not its time of use is written yet. */
static void the_order_of_use_is_that_of_reading(void **state)
{
	struct parts p = parts_make();
	struct scene c;

	(void)state;
	scene_init(&c);
	c.config.max_bytes = 4 * (PART + 4096);
	scene_open(&c);
	for (size_t i = 0; i < 4; i++)
		put_part(&c, &p, i);
	assert_ok(get_part(&c, &p, 1));
	assert_ok(get_part(&c, &p, 0));
	put_part(&c, &p, 4); /* 2 goes */
	put_part(&c, &p, 5); /* 3 */
	put_part(&c, &p, 6); /* 1 */
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(get_part(&c, &p, i), i >= 1 && i <= 3 ? PONTO_ENOENT : PONTO_OK);
	scene_end(&c);
	parts_free(&p);
}

static void the_old_go(void **state)
{
	struct parts p = parts_make();
	struct scene c;

	(void)state;
	scene_init(&c);
	c.config.max_age = 3600 * PONTO_SECOND;
	scene_open(&c);
	put_part(&c, &p, 0);
	dist_rig_run(&c.rig, 1800 * PONTO_SECOND);
	put_part(&c, &p, 1);
	dist_rig_run(&c.rig, 1700 * PONTO_SECOND);
	assert_ok(get_part(&c, &p, 0)); /* use does not make it younger */
	dist_rig_run(&c.rig, 120 * PONTO_SECOND);
	assert_int_equal(get_part(&c, &p, 0), PONTO_ENOENT);
	assert_ok(get_part(&c, &p, 1));
	assert_int_equal(stats_of(&c).expired, 1);
	scene_close(&c);
	dist_rig_run(&c.rig, 3600 * PONTO_SECOND);
	scene_open(&c);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(stats_of(&c).segments, 0);
	scene_end(&c);
	parts_free(&p);
}

static void times_of_use_are_written_seldom(void **state)
{
	struct parts p = parts_make();
	struct dist_segment first = dist_rig_segment(&p.made, 0);
	struct dist_known known;
	struct scene c;
	uint64_t used;

	(void)state;
	scene_begin(&c);
	put_part(&c, &p, 0);
	dist_rig_fail(&c.rig, DIST_RIG_BATCH, 1, 0, PONTO_OK);
	for (unsigned i = 0; i < 100; i++) {
		dist_rig_run(&c.rig, PONTO_SECOND);
		assert_ok(get_part(&c, &p, 0));
	}
	assert_int_equal(c.rig.calls, 0);
	dist_rig_run(&c.rig, 900 * PONTO_SECOND);
	for (unsigned i = 0; i < 100; i++) {
		dist_rig_run(&c.rig, PONTO_SECOND);
		assert_ok(get_part(&c, &p, 0));
	}
	assert_int_equal(c.rig.calls, 1);
	assert_true(dist_cache_find(c.cache, &first.id, &known));
	used = known.used;
	assert_true(dist_rig_wall(&c.rig) - used < PONTO_SECOND);
	scene_close(&c);
	assert_int_equal(c.rig.calls, 2);
	scene_open(&c);
	assert_true(dist_cache_find(c.cache, &first.id, &known));
	assert_int_equal(known.used, used);
	scene_close(&c);
	assert_int_equal(c.rig.calls, 2); /* there was nothing to write */
	scene_end(&c);
	parts_free(&p);
}

static void a_full_store_is_tried_again_later(void **state)
{
	struct parts p = parts_make();
	struct dist_segment segment = dist_rig_segment(&p.made, 1);
	struct dist_piece piece = dist_rig_piece(&p.made, 1, 0, bytes_of(&p.data));
	struct scene c;

	(void)state;
	scene_begin(&c);
	put_part(&c, &p, 0);
	dist_rig_fail(&c.rig, DIST_RIG_BATCH, 1, 1000, PONTO_ENOSPC);
	for (unsigned i = 0; i < 4 * 60; i++) {
		assert_int_equal(dist_rig_put(&c.rig, c.cache, &segment, &piece), PONTO_ENOSPC);
		dist_rig_run(&c.rig, PONTO_SECOND);
		assert_true(stats_of(&c).paused);
	}
	assert_int_equal(c.rig.warnings, 1);
	assert_true(c.rig.calls >= 4 && c.rig.calls < 12); /* twice a minute, not at each block */
	assert_int_equal(stats_of(&c).refused, 240);
	assert_ok(get_part(&c, &p, 0));
	dist_rig_fail(&c.rig, 0, 1, 0, PONTO_OK);
	dist_rig_run(&c.rig, 31 * PONTO_SECOND);
	assert_ok(dist_rig_put(&c.rig, c.cache, &segment, &piece));
	assert_false(stats_of(&c).paused);
	assert_ok(get_part(&c, &p, 1));
	scene_end(&c);
	parts_free(&p);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(relayed_blocks_make_room),
	cmocka_unit_test(what_does_not_fit_is_refused),
	cmocka_unit_test(so_many_at_a_time),
	cmocka_unit_test(the_longest_unused_goes),
	cmocka_unit_test(the_order_of_use_is_that_of_reading),
	cmocka_unit_test(the_old_go),
	cmocka_unit_test(times_of_use_are_written_seldom),
	cmocka_unit_test(a_full_store_is_tried_again_later),
};

PONTO_TEST_MAIN(tests)
