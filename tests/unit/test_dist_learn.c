/* Several caches on one store: what one of them keeps, the others know when they are asked for it. And one cache, of what it
 * has not read yet. */
#include "tests/unit/dist_cache_test.h"

#define NOTHING 1 /* told yet */

struct pair {
	struct scene one;
	struct dist_cache *other;
	struct stock stock;
	int told;
};

static void begin(struct pair *s)
{
	scene_init(&s->one);
	s->one.config.shared = true;
	scene_open(&s->one);
	s->other = dist_rig_open(&s->one.rig, &s->one.config);
	s->stock = stock_make(1);
}

static void finish(struct pair *s)
{
	dist_rig_close(&s->one.rig, s->other);
	scene_end(&s->one);
	stock_free(&s->stock);
}

/* The other keeps a block. */
static int other_puts(struct pair *s, uint32_t index)
{
	struct dist_piece piece = piece_of(&s->stock, index);

	return dist_rig_put(&s->one.rig, s->other, &s->stock.segment, &piece);
}

/* What was told, at once or later. */
static int learn(struct pair *s, const struct content_id *ids, size_t count)
{
	int result;

	s->told = NOTHING;
	result = dist_cache_learn(s->one.cache, ids, count, note, &s->told);
	assert_int_equal(s->told, NOTHING);
	if (result != PONTO_OK)
		return result;
	dist_rig_run(&s->one.rig, PONTO_SECOND / 10);
	assert_int_not_equal(s->told, NOTHING);
	return s->told;
}

static void later(struct pair *s)
{
	dist_rig_run(&s->one.rig, PONTO_SECOND);
}

/* So many looks at the store since the last question. */
static unsigned looks(struct pair *s)
{
	unsigned calls = s->one.rig.calls;

	dist_rig_fail(&s->one.rig, DIST_RIG_GET, 1, 0, PONTO_OK);
	return calls;
}

static void what_the_other_keeps(void **state)
{
	struct dist_cache_stats stats;
	struct pair s;
	struct content_id *id = &s.stock.segment.id;

	(void)state;
	begin(&s);
	assert_ok(other_puts(&s, 0));
	assert_int_equal(blocks_of(&s.one, &s.stock), 0);
	assert_int_equal(get_one(&s.one, &s.stock, 0), PONTO_ENOENT);
	assert_ok(learn(&s, id, 1));
	assert_int_equal(blocks_of(&s.one, &s.stock), 1);
	assert_ok(get_one(&s.one, &s.stock, 0));
	/* More of it since. */
	assert_ok(other_puts(&s, 3));
	later(&s);
	assert_ok(learn(&s, id, 1));
	assert_int_equal(blocks_of(&s.one, &s.stock), 2);
	assert_ok(get_one(&s.one, &s.stock, 3));
	/* All of it: nothing is left to ask. */
	for (uint32_t i = 0; i < 5; i++)
		(void)!other_puts(&s, i);
	later(&s);
	assert_ok(learn(&s, id, 1));
	later(&s);
	(void)looks(&s);
	assert_int_equal(learn(&s, id, 1), PONTO_ENOENT);
	assert_int_equal(looks(&s), 0);
	dist_cache_stats(s.other, &stats);
	assert_int_equal(stats_of(&s.one).bytes, stats.bytes);
	finish(&s);
}

/* What is counted, aged and made room for as if it had been kept here. */
static void it_is_held_to_the_same_bounds(void **state)
{
	struct content_made v2;
	struct dist_segment small;
	struct pair s;

	(void)state;
	begin(&s);
	scene_close(&s.one);
	s.one.config.max_bytes = V1 + 8192;
	scene_open(&s.one);
	v2 = content_make(CONTENT_TRUNCATED, bytes_of(&s.stock.data), NULL);
	assert_true(v2.count > 1);
	dist_rig_put_all(&s.one.rig, s.other, &s.stock.made, 0, bytes_of(&s.stock.data));
	dist_rig_put_all(&s.one.rig, s.other, &v2, 0, bytes_of(&s.stock.data));
	assert_ok(learn(&s, &s.stock.segment.id, 1));
	small = dist_rig_segment(&v2, 0);
	assert_ok(learn(&s, &small.id, 1));
	assert_int_equal(stats_of(&s.one).evicted, 1);
	assert_int_equal(stats_of(&s.one).segments, 1);
	content_made_free(&v2);
	finish(&s);
}

/* Whoever asks while the store is being asked is told what it says, too, and it is not asked for each of them. */
static void asked_by_several_at_once(void **state)
{
	struct content_id *id;
	struct pair s;
	int told[20];

	(void)state;
	begin(&s);
	id = &s.stock.segment.id;
	assert_ok(other_puts(&s, 0));
	(void)looks(&s);
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(told); i++) {
		told[i] = NOTHING;
		assert_ok(dist_cache_learn(s.one.cache, id, 1, note, &told[i]));
	}
	later(&s);
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(told); i++)
		assert_int_equal(told[i], PONTO_OK);
	assert_int_equal(blocks_of(&s.one, &s.stock), 1);
	assert_in_range(looks(&s), 1, 2);
	finish(&s);
}

static void nobody_keeps_it(void **state)
{
	struct pair s;

	(void)state;
	begin(&s);
	(void)looks(&s);
	assert_ok(learn(&s, &s.stock.segment.id, 1));
	assert_int_equal(looks(&s), 1);
	/* For a second nobody asks the store again. */
	assert_int_equal(learn(&s, &s.stock.segment.id, 1), PONTO_ENOENT);
	assert_int_equal(looks(&s), 0);
	later(&s);
	assert_ok(learn(&s, &s.stock.segment.id, 1));
	assert_int_equal(looks(&s), 1);
	assert_int_equal(stats_of(&s.one).segments, 0);
	finish(&s);
}

/* A store of one's own has nothing that is not known. */
static void a_store_of_its_own(void **state)
{
	struct pair s;

	(void)state;
	begin(&s);
	scene_close(&s.one);
	s.one.config.shared = false;
	scene_open(&s.one);
	assert_int_equal(learn(&s, &s.stock.segment.id, 1), PONTO_ENOENT);
	finish(&s);
}

static void many_at_once(void **state)
{
	struct content_id ids[DIST_LEARN_MAX + 10];
	int told[300];
	unsigned taken = 0, ended = 0;
	struct pair s;

	(void)state;
	begin(&s);
	memset(ids, 0, sizeof(ids));
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(ids); i++) {
		ids[i].len = 32;
		ids[i].b[0] = (uint8_t)i;
		ids[i].b[1] = (uint8_t)(i >> 8);
	}
	(void)looks(&s);
	assert_ok(learn(&s, ids, PONTO_ARRAY_SIZE(ids)));
	assert_int_equal(looks(&s), DIST_LEARN_MAX);
	later(&s);
	/* Bounded: who comes when too many wait is told so. */
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(told); i++) {
		ids[0].b[2] = (uint8_t)(i + 1);
		ids[0].b[3] = (uint8_t)(i >> 7);
		told[i] = NOTHING;
		taken += dist_cache_learn(s.one.cache, ids, 1, note, &told[i]) == PONTO_OK;
	}
	assert_in_range(taken, 100, 299);
	later(&s);
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(told); i++)
		ended += told[i] == PONTO_OK;
	assert_int_equal(ended, taken);
	finish(&s);
}

/* A store that fails is left alone for five seconds. */
static void a_store_that_fails(void **state)
{
	struct pair s;

	(void)state;
	begin(&s);
	assert_ok(other_puts(&s, 0));
	dist_rig_fail(&s.one.rig, DIST_RIG_GET, 1, 1, PONTO_ETIME);
	assert_int_equal(learn(&s, &s.stock.segment.id, 1), PONTO_ETIME);
	assert_int_equal(blocks_of(&s.one, &s.stock), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(learn(&s, &s.stock.segment.id, 1), PONTO_ENOENT);
		later(&s);
	}
	later(&s);
	assert_ok(learn(&s, &s.stock.segment.id, 1));
	assert_int_equal(blocks_of(&s.one, &s.stock), 1);
	assert_int_equal(stats_of(&s.one).errors, 1);
	finish(&s);
}

/* What is damaged, or was replaced by the other under the same name, is looked at closely. */
static void another_kind_of_the_same_name(void **state)
{
	struct dist_segment relayed;
	struct dist_piece piece;
	struct pair s;

	(void)state;
	begin(&s);
	relayed = s.stock.segment;
	relayed.keyed = false;
	relayed.block_hashes = ponto_bytes(NULL, 0);
	memset(relayed.hod, 0, sizeof(relayed.hod));
	memset(relayed.kp, 0, sizeof(relayed.kp));
	piece = piece_of(&s.stock, 1);
	assert_ok(dist_rig_put(&s.one.rig, s.one.cache, &relayed, &piece));
	assert_ok(other_puts(&s, 0)); /* verified: it takes the place of what was relayed */
	assert_ok(learn(&s, &s.stock.segment.id, 1));
	later(&s);
	assert_ok(get_one(&s.one, &s.stock, 0));
	assert_int_equal(blocks_of(&s.one, &s.stock), 1);
	finish(&s);
}

static void closed_meanwhile(void **state)
{
	int told[4] = {NOTHING, NOTHING, NOTHING, NOTHING};
	struct pair s;

	(void)state;
	begin(&s);
	for (unsigned i = 0; i < 4; i++) {
		struct content_id id = s.stock.segment.id;

		id.b[0] ^= (uint8_t)i;
		assert_ok(dist_cache_learn(s.one.cache, &id, 1, note, &told[i]));
	}
	scene_close(&s.one);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(told[i], PONTO_ECLOSED);
	finish(&s);
}

#define MANY (3 * DIST_PAGE)

/* While a cache opens, what it does not know yet is found by who asks for it, whichever it is. */
static void what_was_not_read_yet(void **state)
{
	struct dist_stock stock = dist_stock_make(MANY, 100, 0, 100);
	struct ponto_bytes data = bytes_of(&stock.small);
	struct scene c;

	(void)state;
	scene_begin(&c);
	for (size_t i = 0; i < MANY; i++)
		dist_rig_put_all(&c.rig, c.cache, &stock.v2, i, data);
	scene_close(&c);
	for (size_t i = 0; i < MANY; i += MANY / 8) {
		struct content_id id = dist_rig_segment(&stock.v2, i).id, nothing = {.len = 32, .b = {(uint8_t)i}};
		int ready = NOTHING, told = NOTHING, no = NOTHING;

		assert_ok(dist_cache_open(&c.config, note, &ready, &c.cache));
		assert_true(dist_cache_learns(c.cache));
		assert_int_equal(blocks_under(c.cache, &id), 0);
		assert_ok(dist_cache_learn(c.cache, &id, 1, note, &told));
		assert_ok(dist_cache_learn(c.cache, &nothing, 1, note, &no));
		while (told == NOTHING || no == NOTHING)
			dist_rig_run(&c.rig, 1);
		assert_int_equal(ready, NOTHING);
		assert_ok(told);
		assert_ok(no);
		assert_int_equal(blocks_under(c.cache, &id), 1);
		assert_int_equal(blocks_under(c.cache, &nothing), 0);
		assert_ok(dist_rig_get(&c.rig, c.cache, &stock.v2, i, 0, data));
		while (ready == NOTHING)
			dist_rig_run(&c.rig, PONTO_SECOND);
		/* All is known, and known once. */
		assert_ok(ready);
		assert_int_equal(stats_of(&c).segments, MANY);
		assert_false(dist_cache_learns(c.cache));
		assert_int_equal(dist_cache_learn(c.cache, &nothing, 1, note, &no), PONTO_ENOENT);
		scene_close(&c);
	}
	dist_stock_free(&stock);
	scene_end(&c);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_the_other_keeps),
	cmocka_unit_test(it_is_held_to_the_same_bounds),
	cmocka_unit_test(asked_by_several_at_once),
	cmocka_unit_test(nobody_keeps_it),
	cmocka_unit_test(a_store_of_its_own),
	cmocka_unit_test(many_at_once),
	cmocka_unit_test(a_store_that_fails),
	cmocka_unit_test(another_kind_of_the_same_name),
	cmocka_unit_test(closed_meanwhile),
	cmocka_unit_test(what_was_not_read_yet),
};

PONTO_TEST_MAIN(tests)
