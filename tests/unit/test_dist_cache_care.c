/* The cache of content distribution when something is wrong: damaged records, a store that fails, memory that runs
 * out, others on the same store; and what is done on demand: checking and clearing. */
#include "tests/unit/dist_cache_test.h"

struct outcome {
	int result;
	uint64_t number, bytes, total;
};

static void on_number(void *arg, int result, uint64_t number)
{
	struct outcome *o = arg;

	o->result = result;
	o->number = number;
}

static void on_progress(void *arg, uint64_t bytes, uint64_t total)
{
	struct outcome *o = arg;

	assert_true(bytes >= o->bytes && bytes <= total);
	o->bytes = bytes;
	o->total = total;
}

/* ---- damage ------------------------------------------------------------------------------ */

#define BLOCK_2 KEY("b\0\002")

static void a_damaged_block_is_never_given(void **state)
{
	/* The version, the cipher, the hash, the data, its end; and cut off. */
	static const struct {
		long at;
		bool cut;
	} spots[] = {{0, false},  {1, false}, {2, false}, {3, false}, {40, false},
		     {-1, false}, {-1, true}, {20, true}, {0, true}};
	struct stock s = stock_make(1);

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(spots); i++) {
		struct scene c;

		scene_begin(&c);
		put_all(&c, &s);
		dist_rig_damage(&c.rig, group_of(&s), BLOCK_2, spots[i].at, spots[i].cut);
		assert_int_equal(get_one(&c, &s, 2), PONTO_ECORRUPT);
		assert_int_equal(blocks_of(&c, &s), 4);
		assert_int_equal(get_one(&c, &s, 2), PONTO_ENOENT);
		assert_int_equal(stats_of(&c).damaged, 1);
		assert_int_equal(c.rig.warnings, 1);
		assert_int_equal(dist_rig_records(&c.rig, group_of(&s)), 4 + 2);
		/* It may come again. */
		assert_ok(put_one(&c, &s, 2));
		assert_ok(get_one(&c, &s, 2));
		scene_end(&c);
	}
	stock_free(&s);
}

/* The store itself cannot read it, or it is gone. */
static void a_block_that_the_store_lost_is_told_no_more(void **state)
{
	struct stock s = stock_make(1);
	struct scene c;

	(void)state;
	scene_begin(&c);
	put_all(&c, &s);
	assert_ok(ponto_store_remove(c.rig.inner, group_of(&s), BLOCK_2, 0, PONTO_NEVER));
	assert_int_equal(get_one(&c, &s, 2), PONTO_ENOENT);
	assert_int_equal(blocks_of(&c, &s), 4);
	scene_reopen(&c);
	assert_int_equal(blocks_of(&c, &s), 4);
	/* The first read fails, and so does the same one when it is looked at again. */
	dist_rig_fail(&c.rig, DIST_RIG_GET, 1, 1, PONTO_ECORRUPT);
	assert_int_equal(get_one(&c, &s, 3), PONTO_ECORRUPT);
	assert_int_equal(blocks_of(&c, &s), 4); /* it was right after all */
	dist_rig_fail(&c.rig, DIST_RIG_GET, 1, 1, PONTO_EIO);
	assert_int_equal(get_one(&c, &s, 3), PONTO_EIO);
	assert_int_equal(blocks_of(&c, &s), 4);
	assert_int_equal(stats_of(&c).errors, 1);
	assert_ok(get_one(&c, &s, 3));
	scene_end(&c);
	stock_free(&s);
}

/* "m" with any byte changed, or cut anywhere: the segment is as if it had never been, and its blocks are removed. */
static void a_segment_with_a_damaged_head_is_removed(void **state)
{
	struct stock s = stock_make(1), other = stock_make(2);
	struct scene c;
	uint8_t *value;
	size_t len;

	(void)state;
	scene_begin(&c);
	put_all(&c, &other);
	assert_ok(put_one(&c, &s, 0));
	assert_ok(ponto_store_get(c.rig.inner, group_of(&s), KEY("m"), PONTO_NEVER, &ponto_alloc_system, &value, &len,
				  NULL));
	free(value);
	for (size_t at = 0; at < 2 * len; at++) {
		dist_rig_damage(&c.rig, group_of(&s), KEY("m"), (long)(at / 2), at % 2);
		scene_reopen(&c);
		assert_int_equal(blocks_of(&c, &s), 0);
		assert_int_equal(stats_of(&c).damaged, 1);
		assert_int_equal(dist_rig_records(&c.rig, group_of(&s)), 0);
		assert_int_equal(blocks_of(&c, &other), 5);
		assert_ok(put_one(&c, &s, 0));
	}
	/* Damaged while the cache is open: found by the next block that is kept. */
	dist_rig_damage(&c.rig, group_of(&s), KEY("m"), 9, false);
	assert_ok(put_one(&c, &s, 1));
	assert_int_equal(blocks_of(&c, &s), 1);
	assert_ok(get_one(&c, &s, 1));
	scene_end(&c);
	stock_free(&s);
	stock_free(&other);
}

static void blocks_without_a_head_are_removed(void **state)
{
	struct stock s = stock_make(1);
	struct scene c;

	(void)state;
	scene_begin(&c);
	put_all(&c, &s);
	scene_close(&c);
	assert_ok(ponto_store_remove(c.rig.inner, group_of(&s), KEY("m"), 0, PONTO_NEVER));
	/* Groups of others are not touched. */
	assert_ok(ponto_store_put(c.rig.inner, KEY("dist/hash"), KEY("k"), KEY("v"), 0, 0, PONTO_NEVER));
	assert_ok(ponto_store_put(c.rig.inner, KEY("dist/s"), KEY("k"), KEY("v"), 0, 0, PONTO_NEVER));
	assert_ok(ponto_store_put(c.rig.inner, KEY("pnrp/names/x"), KEY("k"), KEY("v"), 0, 0, PONTO_NEVER));
	scene_open(&c);
	assert_int_equal(dist_rig_records(&c.rig, group_of(&s)), 0);
	assert_int_equal(stats_of(&c).damaged, 1);
	assert_int_equal(dist_rig_records(&c.rig, KEY("dist/hash")), 1);
	assert_int_equal(dist_rig_records(&c.rig, KEY("dist/s")), 1);
	assert_int_equal(dist_rig_records(&c.rig, KEY("pnrp/names/x")), 1);
	scene_end(&c);
	stock_free(&s);
}

/* More groups than a page, in any order of use. */
static void many_segments_are_found_again(void **state)
{
	enum { MANY = 300 };
	struct blob data = dist_rig_content(MANY * 100, 4);
	uint32_t sizes[MANY + 1];
	struct content_made made;
	struct dist_segment segment;
	struct dist_known known;
	struct scene c;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		sizes[i] = 100;
	sizes[MANY] = 0;
	made = content_make(CONTENT_TRUNCATED, bytes_of(&data), sizes);
	scene_begin(&c);
	for (size_t i = 0; i < MANY; i++)
		dist_rig_put_all(&c.rig, c.cache, &made, i, bytes_of(&data));
	scene_reopen(&c);
	assert_int_equal(stats_of(&c).segments, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_ok(dist_rig_get(&c.rig, c.cache, &made, i, 0, bytes_of(&data)));
	scene_close(&c);
	/* By age and by use the first was the first. */
	c.config.max_bytes = 50 * (100 + 4096);
	scene_open(&c);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(stats_of(&c).segments, 50);
	for (size_t i = 0; i < MANY; i++) {
		segment = dist_rig_segment(&made, i);
		assert_int_equal(dist_cache_find(c.cache, &segment.id, &known), i >= MANY - 50);
	}
	scene_end(&c);
	content_made_free(&made);
	free(data.data);
}

static void checking_finds_all_damage(void **state)
{
	struct stock s = stock_make(1), other = stock_make(2);
	struct outcome o = {.result = 1};
	struct dist_known known;
	struct scene c;

	(void)state;
	scene_begin(&c);
	put_all(&c, &s);
	put_all(&c, &other);
	assert_ok(dist_cache_verify(c.cache, on_progress, on_number, &o));
	assert_int_equal(dist_cache_verify(c.cache, NULL, NULL, NULL), PONTO_EBUSY);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_ok(o.result);
	assert_int_equal(o.number, 0);
	assert_int_equal(o.bytes, 2 * V1);
	assert_int_equal(o.total, 2 * V1);
	dist_rig_damage(&c.rig, group_of(&s), BLOCK_2, 5000, false);
	dist_rig_damage(&c.rig, group_of(&s), KEY("b\0\0"), 5000, false);
	dist_rig_damage(&c.rig, group_of(&other), KEY("h"), 50, false);
	o = (struct outcome){.result = 1};
	assert_ok(dist_cache_verify(c.cache, on_progress, on_number, &o));
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_ok(o.result);
	assert_int_equal(o.number, 3);
	assert_int_equal(blocks_of(&c, &s), 3);
	assert_int_equal(blocks_of(&c, &other), 5);
	assert_true(dist_cache_find(c.cache, &other.segment.id, &known));
	assert_int_equal(known.hashes, 0);
	/* The same at the start, when it is asked for. */
	dist_rig_damage(&c.rig, group_of(&s), KEY("b\0\1"), 5000, false);
	scene_close(&c);
	c.config.check = true;
	scene_open(&c);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(blocks_of(&c, &s), 2);
	/* The last block takes the segment along. */
	dist_rig_damage(&c.rig, group_of(&s), KEY("b\0\3"), 5000, false);
	dist_rig_damage(&c.rig, group_of(&s), KEY("b\0\4"), 500, false);
	assert_ok(dist_cache_verify(c.cache, NULL, NULL, NULL));
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(blocks_of(&c, &s), 0);
	assert_int_equal(dist_rig_records(&c.rig, group_of(&s)), 0);
	/* What cannot be read is not damaged. */
	dist_rig_fail(&c.rig, DIST_RIG_GET, 2, 1, PONTO_EIO);
	o = (struct outcome){.result = 1};
	assert_ok(dist_cache_verify(c.cache, on_progress, on_number, &o));
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(o.result, PONTO_EIO);
	assert_int_equal(blocks_of(&c, &other), 5);
	scene_end(&c);
	stock_free(&s);
	stock_free(&other);
}

/* ---- clearing -------------------------------------------------------------------------------- */

static void what_is_cleared_is_gone(void **state)
{
	struct stock s[4] = {stock_make(1), stock_make(2), stock_make(3), stock_make(4)};
	struct outcome o = {.result = 1};
	struct scene c;

	(void)state;
	scene_begin(&c);
	for (size_t i = 0; i < 4; i++) {
		s[i].segment.tag[0] = i < 2 ? 7 : 9;
		assert_ok(put_one(&c, &s[i], 0));
	}
	assert_ok(dist_cache_clear(c.cache, &s[3].segment.id, NULL, on_number, &o));
	assert_int_equal(blocks_of(&c, &s[3]), 0); /* at once */
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_ok(o.result);
	assert_int_equal(o.number, 1);
	o = (struct outcome){.result = 1};
	assert_ok(dist_cache_clear(c.cache, NULL, s[0].segment.tag, on_number, &o));
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_ok(o.result);
	assert_int_equal(o.number, 2);
	assert_int_equal(blocks_of(&c, &s[2]), 1);
	/* A block that comes while its segment is removed is kept after that. */
	assert_ok(dist_cache_clear(c.cache, NULL, NULL, on_number, &o));
	assert_ok(put_one(&c, &s[2], 1));
	assert_int_equal(o.number, 1);
	assert_int_equal(blocks_of(&c, &s[2]), 1);
	assert_ok(get_one(&c, &s[2], 1));
	/* What cannot be removed is held no more, and is removed later. */
	dist_rig_fail(&c.rig, DIST_RIG_BATCH, 1, 10, PONTO_EIO);
	assert_ok(dist_cache_clear(c.cache, NULL, NULL, on_number, &o));
	dist_rig_run(&c.rig, PONTO_SECOND / 10);
	assert_int_equal(o.result, PONTO_EIO);
	assert_int_equal(o.number, 0);
	assert_int_equal(blocks_of(&c, &s[2]), 0);
	dist_rig_run(&c.rig, 5 * PONTO_SECOND);
	assert_true(c.rig.calls > 3 && c.rig.calls < 8); /* once a second, not as fast as it can */
	dist_rig_run(&c.rig, 30 * PONTO_SECOND);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(dist_rig_records(&c.rig, group_of(&s[i])), 0);
	o = (struct outcome){.result = 1};
	assert_ok(dist_cache_clear(c.cache, NULL, NULL, on_number, &o));
	assert_ok(o.result);
	scene_end(&c);
	for (size_t i = 0; i < 4; i++)
		stock_free(&s[i]);
}

/* ---- others on the same store -------------------------------------------------------------------- */

struct rival {
	const struct stock *stock;
	uint32_t index;
	bool remove;
};

/* Another process, between the read and the write of this one. */
static void interfere(struct dist_rig *rig, void *arg)
{
	const struct rival *rival = arg;
	struct dist_shelf shelf = {&ponto_alloc_system, ponto_sim_node_clock(rig->node), rig->inner};
	struct dist_piece piece = piece_of(rival->stock, rival->index);
	struct dist_change change = {.segment = &rival->stock->segment, .pieces = {&piece}, .count = 1, .now = 5};
	struct dist_changed changed;

	memcpy(piece.hash, rival->stock->segment.block_hashes.data + (size_t)rival->index * 32, 32);
	if (rival->remove)
		assert_ok(dist_shelf_remove(&shelf, &rival->stock->segment.id, CONTENT_BLOCKS_MAX));
	else
		assert_ok(dist_shelf_change(&shelf, &rival->stock->segment.id, &change, &changed));
}

static void whoever_is_slower_begins_again(void **state)
{
	struct stock s = stock_make(1);
	struct rival rival = {&s, 3, false};
	struct dist_cache *second;
	struct scene c;

	(void)state;
	scene_begin(&c);
	c.rig.before_batch = interfere;
	c.rig.before_arg = &rival;
	/* Both begin the segment. */
	assert_ok(put_one(&c, &s, 0));
	assert_int_equal(blocks_of(&c, &s), 2);
	assert_ok(get_one(&c, &s, 3));
	/* Both bring the same block. */
	rival.index = 1;
	c.rig.before_batch = interfere;
	assert_ok(put_one(&c, &s, 1));
	assert_int_equal(blocks_of(&c, &s), 3);
	/* The other removes all while a block comes. */
	rival.remove = true;
	c.rig.before_batch = interfere;
	assert_ok(put_one(&c, &s, 2));
	assert_int_equal(blocks_of(&c, &s), 1);
	assert_int_equal(dist_rig_records(&c.rig, group_of(&s)), 2); /* "h" went, and nobody brought it again */
	/* A second cache on the store, which removes what this one believes to hold. */
	second = dist_rig_open(&c.rig, &c.config);
	assert_ok(dist_cache_clear(second, NULL, NULL, NULL, NULL));
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(get_one(&c, &s, 2), PONTO_ENOENT);
	assert_int_equal(blocks_of(&c, &s), 0);
	dist_rig_close(&c.rig, second);
	scene_end(&c);
	stock_free(&s);
}

/* ---- a life with faults ------------------------------------------------------------------------------ */

static void note_first(void *arg, int result)
{
	int *kept = arg;

	if (*kept == PONTO_OK)
		*kept = result;
}

static void note_verified(void *arg, int result, uint64_t number)
{
	(void)number;
	note_first(arg, result);
}

static void keep_first(int *result, int got)
{
	if (*result == PONTO_OK)
		*result = got;
}

/* Opens, keeps, reads, checks, clears, closes; the first thing that went wrong. */
static int live(struct scene *c, const struct stock *s, const struct ponto_alloc *alloc)
{
	int result, later = PONTO_OK;

	c->config = dist_rig_config(&c->rig);
	c->config.alloc = alloc;
	c->config.max_bytes = V1 + 8192;
	c->config.max_hot = 3 * CONTENT_BLOCK;
	c->config.scrub = 10 * PONTO_SECOND;
	result = dist_cache_open(&c->config, note_first, &later, &c->cache);
	if (result != PONTO_OK)
		return result;
	dist_rig_run(&c->rig, PONTO_SECOND);
	for (uint32_t i = 0; i < 5; i++) {
		struct dist_piece piece = piece_of(s, i);

		keep_first(&result, dist_cache_put(c->cache, &s->segment, &piece, note_first, &later));
		piece = piece_of(s + 1, i);
		keep_first(&result, dist_cache_put(c->cache, &s[1].segment, &piece, note_first, &later));
	}
	dist_rig_run(&c->rig, PONTO_SECOND);
	for (uint32_t i = 0; i < 5; i++) {
		struct dist_known known;

		/* One of the two had no room; blocks that were not kept are not held. */
		if (dist_cache_find(c->cache, &s->segment.id, &known) && content_blocks_has(&known.blocks, i))
			keep_first(&result, dist_cache_get(c->cache, &s->segment.id, i, no_work, note_first, &later));
	}
	dist_rig_run(&c->rig, PONTO_SECOND);
	if (dist_cache_get(c->cache, &s->segment.id, 4, no_work, note_first, &later) == PONTO_ENOMEM)
		keep_first(&result, PONTO_ENOMEM);
	dist_rig_run(&c->rig, PONTO_SECOND);
	keep_first(&result, dist_cache_verify(c->cache, NULL, note_verified, &later));
	dist_rig_run(&c->rig, PONTO_SECOND);
	keep_first(&result, dist_cache_clear(c->cache, &s[1].segment.id, NULL, note_verified, &later));
	dist_rig_run(&c->rig, 20 * PONTO_SECOND);
	scene_close(c);
	return result != PONTO_OK ? result : later;
}

struct life {
	struct stock s[2];
};

/* Afterwards, without faults: whatever is held is right. */
static void all_is_well(struct scene *c, const struct life *life)
{
	struct outcome o = {.result = 1};

	dist_rig_fail(&c->rig, 0, 1, 0, PONTO_OK);
	c->config = dist_rig_config(&c->rig);
	scene_open(c);
	assert_int_equal(stats_of(c).damaged, 0);
	for (size_t n = 0; n < 2; n++) {
		struct dist_known known;

		if (!dist_cache_find(c->cache, &life->s[n].segment.id, &known))
			continue;
		for (uint32_t i = content_blocks_next(&known.blocks, 0); i < CONTENT_BLOCKS_MAX;
		     i = content_blocks_next(&known.blocks, i + 1))
			assert_ok(get_one(c, &life->s[n], i));
	}
	assert_ok(dist_cache_verify(c->cache, NULL, on_number, &o));
	dist_rig_run(&c->rig, PONTO_SECOND);
	assert_ok(o.result);
	assert_int_equal(o.number, 0);
	scene_close(c);
}

static int live_once(const struct ponto_alloc *alloc, void *arg)
{
	struct life *life = arg;
	struct scene c;
	int result;

	scene_init(&c);
	result = live(&c, life->s, alloc);
	all_is_well(&c, life);
	scene_end(&c);
	return result;
}

static void memory_runs_out(void **state)
{
	struct life life = {{stock_make(1), stock_make(2)}};

	(void)state;
	ponto_test_oom(live_once, &life, true);
	stock_free(&life.s[0]);
	stock_free(&life.s[1]);
}

static void the_store_fails(void **state)
{
	static const int faults[] = {PONTO_EIO, PONTO_ENOSPC, PONTO_ECORRUPT, PONTO_ETIME};
	struct life life = {{stock_make(1), stock_make(2)}};
	struct scene c;
	unsigned calls, told = 0;

	(void)state;
	scene_init(&c);
	dist_rig_fail(&c.rig, DIST_RIG_ALL, 1, 0, PONTO_OK);
	assert_ok(live(&c, life.s, &ponto_alloc_system));
	calls = c.rig.calls;
	scene_end(&c);
	assert_true(calls > 20);
	for (unsigned nth = 1; nth <= calls; nth++) {
		for (size_t f = 0; f < PONTO_ARRAY_SIZE(faults); f++) {
			scene_init(&c);
			ponto_log_tap(c.rig.log, NULL, NULL);
			dist_rig_fail(&c.rig, DIST_RIG_ALL, nth, 1, faults[f]);
			told += live(&c, life.s, &ponto_alloc_system) != PONTO_OK;
			all_is_well(&c, &life);
			scene_end(&c);
		}
	}
	/* Most are told to somebody; eviction and what is read again are nobody's. */
	assert_true(told > calls);
	stock_free(&life.s[0]);
	stock_free(&life.s[1]);
}

/* A fault that does not pass, and one that passes while things are done again. */
static void the_store_stays_broken(void **state)
{
	struct life life = {{stock_make(1), stock_make(2)}};
	struct scene c;
	unsigned told = 0;

	(void)state;
	for (unsigned nth = 1; nth < 25; nth++) {
		scene_init(&c);
		ponto_log_tap(c.rig.log, NULL, NULL);
		dist_rig_fail(&c.rig, DIST_RIG_ALL, nth, 100000, PONTO_EIO);
		told += live(&c, life.s, &ponto_alloc_system) != PONTO_OK;
		all_is_well(&c, &life);
		scene_end(&c);
	}
	assert_true(told > 12);
	stock_free(&life.s[0]);
	stock_free(&life.s[1]);
}

static void closing_ends_what_waits(void **state)
{
	struct stock s = stock_make(1);
	struct dist_piece pieces[5];
	struct outcome cleared = {.result = 1}, verified = {.result = 1};
	int results[5], read = 1;
	struct scene c;

	(void)state;
	scene_begin(&c);
	assert_ok(put_one(&c, &s, 0));
	assert_ok(dist_cache_get(c.cache, &s.segment.id, 0, no_work, note_first, (read = PONTO_OK, &read)));
	for (uint32_t i = 1; i < 5; i++) {
		results[i] = PONTO_OK;
		pieces[i] = piece_of(&s, i);
		assert_ok(dist_cache_put(c.cache, &s.segment, &pieces[i], note_first, &results[i]));
	}
	assert_ok(dist_cache_verify(c.cache, NULL, on_number, &verified));
	assert_ok(dist_cache_clear(c.cache, NULL, NULL, on_number, &cleared));
	scene_close(&c);
	assert_ok(read);
	assert_ok(results[1]); /* was under way */
	for (uint32_t i = 2; i < 5; i++)
		assert_int_equal(results[i], PONTO_ECLOSED);
	assert_int_equal(verified.result, PONTO_ECLOSED);
	assert_int_equal(cleared.result, PONTO_ECLOSED);
	dist_cache_close(NULL, NULL, NULL);
	/* While it opens, too. */
	assert_ok(dist_cache_open(&c.config, note_first, (read = PONTO_OK, &read), &c.cache));
	scene_close(&c);
	assert_int_equal(read, PONTO_ECLOSED);
	scene_end(&c);
	stock_free(&s);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_damaged_block_is_never_given),
	cmocka_unit_test(a_block_that_the_store_lost_is_told_no_more),
	cmocka_unit_test(a_segment_with_a_damaged_head_is_removed),
	cmocka_unit_test(blocks_without_a_head_are_removed),
	cmocka_unit_test(many_segments_are_found_again),
	cmocka_unit_test(checking_finds_all_damage),
	cmocka_unit_test(what_is_cleared_is_gone),
	cmocka_unit_test(whoever_is_slower_begins_again),
	cmocka_unit_test(memory_runs_out),
	cmocka_unit_test(the_store_fails),
	cmocka_unit_test(the_store_stays_broken),
	cmocka_unit_test(closing_ends_what_waits),
};

PONTO_TEST_MAIN(tests)
