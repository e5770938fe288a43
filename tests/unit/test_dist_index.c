/* What the cache holds, in memory: against a list that is looked through. */
#include "plugins/service-dist/dist_index.h"
#include "tests/support/test.h"

#define THINGS 600u
#define STEPS 30000u
#define TAGS 400u /* more than the table has */

struct thing {
	struct content_id id;
	struct dist_meta meta; /* used is as the index says it */
	uint64_t kept;	       /* as the store says it */
	bool there, listed;
};

struct world {
	struct dist_index index;
	struct ponto_test_random random;
	struct thing things[THINGS];
	uint64_t now;
};

static uint64_t below(struct world *w, uint64_t most)
{
	return ponto_random_below(&w->random.random, most);
}

static void make_world(struct world *w, uint64_t seed)
{
	static const uint8_t key[16] = "a key";
	static const uint8_t lengths[] = {32, 32, 32, 1, 20, 48, 64};

	memset(w, 0, sizeof(*w));
	ponto_test_random_init(&w->random, seed);
	w->now = 1000000;
	for (size_t i = 0; i < THINGS; i++) {
		struct content_id *id = &w->things[i].id;

		id->len = lengths[below(w, i > UINT8_MAX ? 3 : sizeof(lengths))];
		w->random.random.fill(w->random.random.ctx, id->b, id->len);
		id->b[0] = (uint8_t)i;
		if (id->len > 1)
			id->b[1] = (uint8_t)(i >> 8);
	}
	assert_ok(dist_index_init(&w->index, &ponto_alloc_system, key, 0));
}

static void make_meta(struct world *w, struct dist_meta *m)
{
	uint64_t tag = below(w, TAGS);

	memset(m, 0, sizeof(*m));
	m->algo = (enum content_algo[]){CONTENT_TRUNCATED, CONTENT_SHA256, CONTENT_SHA512}[below(w, 3)];
	m->keyed = below(w, 2);
	m->size = 1 + (uint32_t)below(w, content_is_v2(m->algo) ? CONTENT_SEGMENT_V2_MAX : 5 * CONTENT_BLOCK);
	for (uint32_t i = 0; i < content_segment_blocks(m->algo, m->size); i++)
		content_blocks_add(&m->blocks, i, below(w, 2) || i == 0);
	if (m->keyed && !content_is_v2(m->algo))
		m->hashes = (uint16_t)below(w, content_segment_blocks(m->algo, m->size) + 1);
	memcpy(m->tag, &tag, sizeof(tag));
	memset(m->kp, (int)tag, sizeof(m->kp));
	memset(m->hod, (int)tag + 1, sizeof(m->hod));
}

static void compare(const struct world *w, const struct thing *t)
{
	const struct dist_entry *entry = dist_index_find(&w->index, &t->id);
	struct content_id id;
	struct dist_meta meta;
	bool whole;

	assert_int_equal(entry != NULL, t->there);
	if (!entry)
		return;
	dist_entry_id(&w->index, entry, &id);
	assert_true(content_id_equal(&id, &t->id));
	assert_int_equal(entry->listed, t->listed);
	if (!t->listed)
		return;
	whole = dist_entry_meta(&w->index, entry, &meta);
	if (!whole) { /* keys are in the store */
		assert_true(t->meta.keyed);
		memcpy(meta.kp, t->meta.kp, sizeof(meta.kp));
		memcpy(meta.hod, t->meta.hod, sizeof(meta.hod));
	}
	if (!t->meta.keyed) {
		memset(meta.kp, 0, sizeof(meta.kp));
		memset(meta.hod, 0, sizeof(meta.hod));
	}
	assert_int_equal(meta.algo, t->meta.algo);
	assert_int_equal(meta.keyed, t->meta.keyed);
	assert_int_equal(meta.size, t->meta.size);
	assert_int_equal(meta.hashes, t->meta.hashes);
	assert_int_equal(meta.created, t->meta.created);
	assert_int_equal(meta.used, t->meta.used);
	assert_memory_equal(meta.tag, t->meta.tag, DIST_TAG);
	assert_memory_equal(&meta.blocks, &t->meta.blocks, sizeof(meta.blocks));
	if (t->meta.keyed)
		assert_memory_equal(meta.kp, t->meta.kp, sizeof(meta.kp));
	assert_int_equal(entry->ahead > 0, t->meta.used > t->kept);
	assert_in_range(entry->ahead, (t->meta.used - t->kept) / 1000, (t->meta.used - t->kept) / 1000 + 2);
}

/* Each listed one stands once in each order, which ascends and is the same backwards. */
static void check_orders(const struct world *w, bool ascending)
{
	for (unsigned by = 0; by < DIST_ORDERS; by++) {
		const struct dist_entry *last = NULL, *entry = dist_index_first(&w->index, (enum dist_by)by);
		uint64_t count = 0;

		for (; entry; last = entry, entry = dist_index_after(&w->index, (enum dist_by)by, entry), count++) {
			assert_true(entry->listed);
			assert_ptr_equal(dist_index_before(&w->index, (enum dist_by)by, entry), last);
			assert_true(!last || !ascending ||
				    dist_entry_time(last, (enum dist_by)by) <= dist_entry_time(entry, (enum dist_by)by));
		}
		assert_ptr_equal(dist_index_last(&w->index, (enum dist_by)by), last);
		assert_int_equal(count, w->index.segments);
	}
}

static void check_all(const struct world *w)
{
	uint64_t segments = 0, blocks = 0, bytes = 0, there = 0;

	for (size_t i = 0; i < THINGS; i++) {
		const struct thing *t = &w->things[i];

		compare(w, t);
		there += t->there;
		if (!t->listed)
			continue;
		segments++;
		for (uint32_t b = 0; b < content_segment_blocks(t->meta.algo, t->meta.size); b++) {
			if (!content_blocks_has(&t->meta.blocks, b))
				continue;
			blocks++;
			bytes += content_block_size(t->meta.algo, t->meta.size, b);
		}
	}
	assert_int_equal(w->index.count, there);
	assert_int_equal(w->index.segments, segments);
	assert_int_equal(w->index.blocks, blocks);
	assert_int_equal(w->index.bytes, bytes);
	check_orders(w, true);
}

/* ---- one after the other ------------------------------------------------------------------ */

static void set(struct world *w, struct thing *t)
{
	struct dist_entry *entry = dist_index_find(&w->index, &t->id);
	uint64_t used = t->meta.used, created = t->meta.created;

	if (!entry)
		entry = dist_index_add(&w->index, &t->id);
	assert_non_null(entry);
	make_meta(w, &t->meta);
	t->meta.used = t->kept = w->now - below(w, 5000);
	t->meta.created = w->now - below(w, 5000);
	assert_ok(dist_index_set(&w->index, entry, &t->meta));
	if (t->listed) {
		t->meta.created = created;
		t->meta.used = used > t->kept ? used : t->kept;
	}
	t->there = t->listed = true;
}

static void drop(struct world *w, struct thing *t, struct dist_entry *entry)
{
	uint32_t block = content_blocks_next(&t->meta.blocks, 0);

	dist_index_drop(&w->index, entry, block);
	content_blocks_remove(&t->meta.blocks, block);
	t->listed = content_blocks_count(&t->meta.blocks) > 0;
}

static void one_step(struct world *w)
{
	struct thing *t = &w->things[below(w, THINGS)];
	struct dist_entry *entry = dist_index_find(&w->index, &t->id);
	uint64_t what = below(w, 8);

	w->now += below(w, 3000);
	if (!entry || what < 3) {
		set(w, t);
	} else if (what == 3) {
		dist_index_remove(&w->index, entry);
		t->there = t->listed = false;
	} else if (what == 4) {
		dist_index_unlist(&w->index, entry);
		t->listed = false;
	} else if (what == 5 && t->listed) {
		drop(w, t, entry);
	} else if (t->listed) {
		dist_index_use(&w->index, entry, w->now);
		t->meta.used = dist_entry_time(entry, DIST_BY_USE);
		assert_true(t->meta.used >= w->now);
		assert_ptr_equal(dist_index_last(&w->index, DIST_BY_USE), entry);
	}
}

static void it_says_what_it_was_told(void **state)
{
	static struct world w;

	(void)state;
	make_world(&w, 1);
	for (unsigned i = 0; i < STEPS; i++) {
		one_step(&w);
		if (i % 500 == 0)
			check_all(&w);
	}
	check_all(&w);
	for (size_t i = 0; i < THINGS; i++) {
		if (w.things[i].there)
			dist_index_remove(&w.index, dist_index_find(&w.index, &w.things[i].id));
	}
	assert_int_equal(w.index.cost, 0);
	assert_int_equal(w.index.count, 0);
	for (unsigned i = 0; i < DIST_TAGS; i++)
		assert_int_equal(w.index.tag_counts[i], 0);
	dist_index_clear(&w.index);
}

/* ---- many at once ------------------------------------------------------------------------------ */

static void load_all(struct world *w)
{
	for (size_t i = 0; i < THINGS; i++) {
		struct thing *t = &w->things[i];
		struct dist_entry *entry = dist_index_add(&w->index, &t->id);

		assert_non_null(entry);
		make_meta(w, &t->meta);
		t->meta.used = t->kept = below(w, w->now);
		t->meta.created = below(w, w->now);
		assert_ok(dist_index_load(&w->index, entry, &t->meta));
		t->there = t->listed = true;
	}
}

static void many_are_put_in_order(void **state)
{
	static struct world w;
	struct dist_sort sort;

	(void)state;
	for (unsigned shift = 21; shift <= 41; shift += 10) {
		make_world(&w, shift);
		w.now = UINT64_C(1) << shift;
		load_all(&w);
		assert_ok(dist_sort_begin(&sort, &w.index));
		/* It is in use meanwhile. */
		for (unsigned i = 0; i < 50; i++)
			one_step(&w);
		dist_sort_run(&sort);
		while (dist_sort_link(&sort, &w.index, 7))
			;
		dist_sort_end(&sort);
		for (size_t i = 0; i < THINGS; i++)
			compare(&w, &w.things[i]);
		/* What came meanwhile with an old time stands behind what was there before. */
		check_orders(&w, false);
		dist_index_clear(&w.index);
	}
}

static void the_eldest_is_the_first(void **state)
{
	static struct world w;
	struct dist_sort sort;

	(void)state;
	for (unsigned shift = 4; shift <= 51; shift++) {
		make_world(&w, shift);
		w.now = UINT64_C(1) << shift;
		load_all(&w);
		assert_ok(dist_sort_begin(&sort, &w.index));
		dist_sort_run(&sort);
		while (dist_sort_link(&sort, &w.index, 100))
			;
		dist_sort_end(&sort);
		check_all(&w);
		dist_index_clear(&w.index);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(it_says_what_it_was_told),
	cmocka_unit_test(many_are_put_in_order),
	cmocka_unit_test(the_eldest_is_the_first),
};

PONTO_TEST_MAIN(tests)
