/* The cache of content distribution: what it keeps and gives, its limits, what is removed and when. */
#include "tests/unit/dist_cache_test.h"

/* ---- keeping and giving ------------------------------------------------------------------- */

static void all_is_given(struct scene *c, const struct stock *s, const struct content_made *v2)
{
	struct dist_known known;

	for (uint32_t b = 0; b < 5; b++)
		assert_ok(get_one(c, s, b));
	for (size_t i = 0; i < v2->count; i++)
		assert_ok(dist_rig_get(&c->rig, c->cache, v2, i, 0, bytes_of(&s->data)));
	assert_true(dist_cache_find(c->cache, &s->segment.id, &known));
	assert_true(known.whole && known.keyed);
	assert_int_equal(known.bytes, V1);
	assert_int_equal(known.hashes, 5);
	assert_int_equal(stats_of(c).segments, 1 + v2->count);
	assert_int_equal(stats_of(c).blocks, 5 + v2->count);
	assert_int_equal(stats_of(c).bytes, 2 * V1);
}

static void what_is_kept_is_given(void **state)
{
	struct stock s = stock_make(1);
	struct content_made v2 = content_make(CONTENT_TRUNCATED, bytes_of(&s.data), NULL);
	struct dist_known known;
	struct scene c;
	uint64_t first;

	(void)state;
	PONTO_PROVES("DIST-205");
	scene_begin(&c);
	assert_false(dist_cache_find(c.cache, &s.segment.id, &known));
	assert_int_equal(get_one(&c, &s, 0), PONTO_ENOENT);
	assert_true(v2.count > 1);
	first = dist_rig_wall(&c.rig);
	put_all(&c, &s);
	for (size_t i = 0; i < v2.count; i++)
		dist_rig_put_all(&c.rig, c.cache, &v2, i, bytes_of(&s.data));
	all_is_given(&c, &s, &v2);
	assert_int_equal(put_one(&c, &s, 3), PONTO_EEXIST);
	dist_rig_run(&c.rig, 10 * PONTO_SECOND);
	/* Age counts from the first block, and goes on while nobody is there. */
	assert_true(dist_cache_find(c.cache, &s.segment.id, &known));
	assert_int_equal(known.created, first);
	assert_int_equal(dist_cache_age(c.cache, &known), dist_rig_wall(&c.rig) - first);
	scene_close(&c);
	dist_rig_run(&c.rig, 10 * PONTO_SECOND);
	scene_open(&c);
	assert_true(dist_cache_find(c.cache, &s.segment.id, &known));
	assert_int_equal(dist_cache_age(c.cache, &known), dist_rig_wall(&c.rig) - first);
	all_is_given(&c, &s, &v2);
	scene_close(&c);
	assert_int_equal(c.rig.warnings, 0);
	scene_end(&c);
	content_made_free(&v2);
	stock_free(&s);
}

/* Two segments of equal bytes, under the keys of two servers. */
static void equal_blocks_of_two_segments_are_two(void **state)
{
	struct stock s = stock_make(1);
	struct dist_segment other = s.segment;
	struct dist_piece piece;
	struct dist_known known;
	struct scene c;

	(void)state;
	PONTO_PROVES("DIST-010");
	other.kp[0] ^= 1;
	content_segment_id(other.algo, other.kp, other.hod, &other.id);
	scene_begin(&c);
	assert_ok(put_one(&c, &s, 0));
	assert_false(dist_cache_find(c.cache, &other.id, &known));
	assert_int_equal(dist_cache_get(c.cache, &other.id, 0, NULL, NULL, NULL), PONTO_ENOENT);
	piece = piece_of(&s, 1);
	assert_ok(dist_rig_put(&c.rig, c.cache, &other, &piece));
	assert_true(dist_cache_find(c.cache, &other.id, &known));
	assert_false(content_blocks_has(&known.blocks, 0));
	assert_true(content_blocks_has(&known.blocks, 1));
	assert_true(dist_cache_find(c.cache, &s.segment.id, &known));
	assert_int_equal(content_blocks_count(&known.blocks), 1);
	assert_int_equal(get_one(&c, &s, 1), PONTO_ENOENT);
	scene_end(&c);
	stock_free(&s);
}

/* The first 32 MiB of two contents are the same: one entry, whichever brought which blocks. */
static void a_common_segment_is_one(void **state)
{
	struct blob data[2] = {dist_rig_content(CONTENT_SEGMENT_V1 + 10, 1),
			       dist_rig_content(CONTENT_SEGMENT_V1 + 20, 1)};
	struct content_made made[2];
	struct dist_known known;
	struct scene c;

	(void)state;
	PONTO_PROVES("DIST-008");
	scene_begin(&c);
	for (size_t n = 0; n < 2; n++) {
		memset(data[n].data + CONTENT_SEGMENT_V1, (int)n, data[n].len - CONTENT_SEGMENT_V1);
		made[n] = content_make(CONTENT_SHA256, bytes_of(&data[n]), NULL);
		for (size_t i = 0; i < 2; i++) {
			struct dist_segment segment = dist_rig_segment(&made[n], i);
			struct dist_piece piece =
				dist_rig_piece(&made[n], i, i ? 0 : 500 + (uint32_t)n, bytes_of(&data[n]));

			assert_ok(dist_rig_put(&c.rig, c.cache, &segment, &piece));
			if (i == 0) {
				assert_true(dist_cache_find(c.cache, &segment.id, &known));
				assert_int_equal(content_blocks_count(&known.blocks), n + 1);
			}
		}
	}
	assert_int_equal(stats_of(&c).segments, 3);
	assert_ok(dist_rig_get(&c.rig, c.cache, &made[0], 0, 501, bytes_of(&data[0])));
	assert_ok(dist_rig_get(&c.rig, c.cache, &made[1], 0, 500, bytes_of(&data[1])));
	scene_end(&c);
	for (size_t n = 0; n < 2; n++) {
		content_made_free(&made[n]);
		free(data[n].data);
	}
}

/* What came sealed, without keys, goes as it came; the first checked block replaces all of it. */
static void relayed_blocks_stay_as_they_came(void **state)
{
	static const uint8_t iv[CONTENT_IV] = "0123456789abcde";
	struct stock s = stock_make(1);
	struct blob sealed = dist_rig_content(CONTENT_BLOCK + 16, 9);
	struct dist_segment unkeyed = {.id = s.segment.id, .algo = CONTENT_SHA256, .size = V1};
	struct dist_piece piece = {.index = 2, .crypto = CONTENT_AES_128, .data = bytes_of(&sealed)};
	struct relayed expected = {1, bytes_of(&sealed), iv, CONTENT_AES_128};
	struct dist_known known;
	struct scene c;

	(void)state;
	memcpy(piece.iv, iv, sizeof(iv));
	scene_begin(&c);
	assert_ok(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece));
	scene_reopen(&c);
	assert_true(dist_cache_find(c.cache, &s.segment.id, &known));
	assert_false(known.keyed);
	assert_ok(dist_cache_get(c.cache, &s.segment.id, 2, compare_relayed, on_relayed, &expected));
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_ok(expected.result);
	piece.index = 3;
	assert_ok(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece));
	assert_ok(put_one(&c, &s, 2));
	assert_true(dist_cache_find(c.cache, &s.segment.id, &known));
	assert_true(known.keyed);
	assert_int_equal(content_blocks_count(&known.blocks), 1);
	assert_ok(get_one(&c, &s, 2));
	assert_int_equal(dist_rig_put(&c.rig, c.cache, &unkeyed, &piece), PONTO_EEXIST);
	assert_int_equal(records_of(&c, &s.segment.id), 3);
	scene_end(&c);
	free(sealed.data);
	stock_free(&s);
}

/* Hashes of blocks are kept as far as somebody knew them, for whoever offers the segment. */
struct listed {
	int result;
	struct ponto_bytes expected;
};

static int compare_hashes(void *arg, const struct dist_meta *meta, struct ponto_bytes hashes)
{
	assert_int_equal(meta->size, V1);
	assert_true(ponto_bytes_equal(hashes, ((struct listed *)arg)->expected));
	return PONTO_OK;
}

static void on_listed(void *arg, int result)
{
	((struct listed *)arg)->result = result;
}

static void lists_of_hashes_grow(void **state)
{
	struct stock s = stock_make(1);
	struct dist_segment part = s.segment;
	struct listed listed = {1, ponto_bytes(NULL, 0)};
	struct dist_piece piece;
	struct dist_known known;
	struct scene c;

	(void)state;
	scene_begin(&c);
	for (uint32_t n = 2; n <= 5; n++) {
		part.block_hashes.len = n == 4 ? 32 : n * 32; /* and does not shrink */
		piece = dist_rig_piece(&s.made, 0, n == 4 ? 0 : n - 1, bytes_of(&s.data));
		assert_ok(dist_rig_put(&c.rig, c.cache, &part, &piece));
		assert_true(dist_cache_find(c.cache, &s.segment.id, &known));
		assert_int_equal(known.hashes, n == 4 ? 3 : n);
		listed = (struct listed){1, ponto_bytes(s.segment.block_hashes.data, (n == 4 ? 3 : n) * 32)};
		assert_ok(dist_cache_hashes(c.cache, &s.segment.id, compare_hashes, on_listed, &listed));
		dist_rig_run(&c.rig, PONTO_SECOND);
		assert_ok(listed.result);
	}
	scene_end(&c);
	stock_free(&s);
}

/* ---- limits ------------------------------------------------------------------------------ */

static struct ponto_bytes an_answer(const struct dist_hot_block *block, size_t before)
{
	size_t len = before + block->block.data.len + 4;
	uint8_t *bytes = ponto_new(&ponto_alloc_system, len, 1);

	assert_non_null(bytes);
	memcpy(bytes + before, block->block.data.data, block->block.data.len);
	return ponto_bytes(bytes, len);
}

/* An answer stays with its block and goes to everybody; one that is being sent is not replaced. */
static void check_answers(struct dist_cache *cache, const struct dist_segment *segment)
{
	uint8_t kp[CONTENT_HASH_MAX];
	struct dist_hot_block *block = dist_cache_hold(cache, &segment->id, 0, kp), *same;
	struct ponto_bytes first, second;

	assert_non_null(block);
	assert_memory_equal(kp, segment->kp, sizeof(kp));
	assert_null(dist_cache_hold(cache, &segment->id, 4, kp));
	assert_null(dist_cache_hold(cache, &(struct content_id){.len = 32}, 0, kp));
	assert_int_equal(block->answer.len, 0);
	assert_null(dist_cache_lend(cache, &segment->id, 0)); /* there is no answer to be sent yet */
	first = an_answer(block, 5);
	assert_true(dist_cache_answer(cache, block, first, first.data + 5, 7));
	same = dist_cache_hold(cache, &segment->id, 0, kp);
	assert_ptr_equal(same, block);
	assert_ptr_equal(block->answer.data, first.data);
	assert_int_equal(block->next, 7);
	second = an_answer(block, 9);
	assert_false(dist_cache_answer(cache, block, second, second.data + 9, 0));
	dist_cache_release(cache, same);
	same = dist_cache_lend(cache, &segment->id, 0);
	assert_ptr_equal(same, block);
	assert_false(dist_cache_answer(cache, block, second, second.data + 9, 0));
	dist_cache_release(cache, same);
	assert_true(dist_cache_answer(cache, block, second, second.data + 9, 0));
	assert_ptr_equal(block->answer.data, second.data);
	dist_cache_release(cache, block);
	assert_null(dist_cache_lend(cache, &segment->id, 1));
}

static void what_was_read_lately_is_in_memory(void **state)
{
	struct parts p = parts_make();
	struct dist_segment first = dist_rig_segment(&p.made, 0);
	struct dist_known known;
	struct dist_hot_block *lent;
	struct scene c;
	uint8_t group[DIST_GROUP_MAX];

	(void)state;
	scene_init(&c);
	c.config.max_hot = 3 * PART;
	scene_open(&c);
	for (size_t i = 0; i < 5; i++)
		put_part(&c, &p, i);
	dist_rig_fail(&c.rig, DIST_RIG_GET, 1, 0, PONTO_OK);
	for (size_t i = 0; i < 3; i++)
		assert_ok(get_part(&c, &p, i));
	assert_int_equal(c.rig.calls, 6); /* the block, and its segment's key */
	for (size_t i = 0; i < 3; i++)
		assert_ok(get_part(&c, &p, i));
	assert_int_equal(c.rig.calls, 6);
	assert_int_equal(stats_of(&c).hot, 3);
	assert_ok(get_part(&c, &p, 3)); /* for which 0 goes */
	assert_ok(get_part(&c, &p, 1));
	assert_int_equal(c.rig.calls, 8);
	assert_ok(get_part(&c, &p, 0));
	assert_int_equal(c.rig.calls, 10);
	/* On the spot: only what is there. */
	check_answers(c.cache, &first);
	assert_int_equal(stats_of(&c).hot, 6);
	assert_int_equal(c.rig.calls, 10);
	/* What is lent counts when the cache hears of it. */
	dist_cache_lent(c.cache, &first.id, PART);
	assert_int_equal(stats_of(&c).hot, 7);
	/* Cleared while somebody reads it: that one gets it, nobody else. */
	lent = dist_cache_lend(c.cache, &first.id, 0);
	assert_non_null(lent);
	dist_rig_damage(&c.rig, ponto_bytes(group, dist_group(&first.id, group)), KEY("b\0\0"), -1, false);
	assert_ok(get_part(&c, &p, 0)); /* from memory */
	assert_ok(dist_cache_get(c.cache, &first.id, 0, no_work, count_done, &(unsigned){0}));
	assert_ok(dist_cache_clear(c.cache, &first.id, NULL, NULL, NULL));
	assert_false(dist_cache_find(c.cache, &first.id, &known));
	assert_null(dist_cache_lend(c.cache, &first.id, 0));
	assert_true(ponto_bytes_equal(lent->block.data, ponto_bytes(p.data.data, PART)));
	dist_cache_release(c.cache, lent);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(get_part(&c, &p, 0), PONTO_ENOENT);
	put_part(&c, &p, 0);
	dist_rig_damage(&c.rig, ponto_bytes(group, dist_group(&first.id, group)), KEY("b\0\0"), -1, false);
	assert_int_equal(get_part(&c, &p, 0), PONTO_ECORRUPT);
	scene_end(&c);
	parts_free(&p);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_kept_is_given),
	cmocka_unit_test(equal_blocks_of_two_segments_are_two),
	cmocka_unit_test(a_common_segment_is_one),
	cmocka_unit_test(relayed_blocks_stay_as_they_came),
	cmocka_unit_test(lists_of_hashes_grow),
	cmocka_unit_test(what_was_read_lately_is_in_memory),
};

PONTO_TEST_MAIN(tests)
