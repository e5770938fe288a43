/* The cache of content distribution in operation: what it counts and keeps of that, what is read most, the scrub, the
 * share of the disk, and what it does while it is still being read. */
#include "framework/metrics.h"
#include "tests/unit/dist_cache_test.h"

#define DAY (24 * 3600 * PONTO_SECOND)

static uint64_t counted(const struct dist_cache *cache, enum dist_count which, bool all)
{
	struct dist_ledger ledgers[2];

	dist_cache_count(cache, &ledgers[0], &ledgers[1]);
	return ledgers[all].count[which];
}

/* ---- what is counted -------------------------------------------------------------------- */

static void what_is_counted_is_kept(void **state)
{
	struct stock s = stock_make(1);
	struct dist_ledger since, all;
	struct dist_cache *second;
	struct scene c;
	uint64_t began;

	(void)state;
	scene_begin(&c);
	began = dist_rig_wall(&c.rig);
	put_all(&c, &s);
	for (unsigned i = 0; i < 3; i++)
		assert_ok(get_one(&c, &s, 1));
	assert_ok(get_one(&c, &s, 4));
	dist_cache_missed(c.cache, true, 2);
	dist_cache_missed(c.cache, false, 3);
	dist_cache_given(c.cache, 700);
	dist_cache_fetched(c.cache, true, 40);
	dist_cache_fetched(c.cache, false, 50);
	dist_cache_count(c.cache, &since, &all);
	assert_int_equal(since.count[DIST_COUNT_HITS], 4);
	assert_int_equal(since.count[DIST_COUNT_HIT_BYTES], 3 * CONTENT_BLOCK + 1000);
	assert_int_equal(since.count[DIST_COUNT_MISSES], 5);
	assert_int_equal(since.count[DIST_COUNT_ABSENT], 2);
	assert_int_equal(since.count[DIST_COUNT_GIVEN], 1);
	assert_int_equal(since.count[DIST_COUNT_GIVEN_BYTES], 700);
	assert_int_equal(since.count[DIST_COUNT_NEIGHBOURS], 40);
	assert_int_equal(since.count[DIST_COUNT_ORIGINS], 50);
	assert_int_equal(since.count[DIST_COUNT_STORED], 5);
	assert_memory_equal(all.count, since.count, sizeof(all.count));
	assert_int_equal(since.top_count, 1);
	assert_true(content_id_equal(&since.top[0].id, &s.segment.id));
	assert_int_equal(since.top[0].bytes, 3 * CONTENT_BLOCK + 1000);
	assert_int_equal(since.top[0].blocks, 4);
	/* A minute later who opens the store sees it, whatever becomes of this one. */
	dist_rig_run(&c.rig, 80 * PONTO_SECOND);
	second = dist_rig_open(&c.rig, &c.config);
	assert_int_equal(counted(second, DIST_COUNT_HITS, true), 4);
	assert_int_equal(counted(second, DIST_COUNT_HITS, false), 0);
	assert_int_equal(counted(second, DIST_COUNT_MISSES, true), 5);
	/* Both go on, and the sums are those of both. */
	assert_ok(dist_rig_get(&c.rig, second, &s.made, 0, 0, bytes_of(&s.data)));
	assert_ok(get_one(&c, &s, 0));
	scene_close(&c);
	dist_rig_close(&c.rig, second);
	scene_open(&c);
	dist_cache_count(c.cache, &since, &all);
	assert_int_equal(since.count[DIST_COUNT_HITS], 0);
	assert_int_equal(since.top_count, 0);
	assert_int_equal(all.count[DIST_COUNT_HITS], 6);
	assert_int_equal(all.count[DIST_COUNT_STORED], 5);
	assert_int_equal(all.top_count, 1);
	assert_int_equal(all.top[0].blocks, 6);
	assert_true(all.began <= began && all.began > 0);
	scene_close(&c);
	assert_int_equal(c.rig.warnings, 0);
	scene_end(&c);
	stock_free(&s);
}

/* Nobody is told how a write ended that took too long: it is tried again, and counts once. */
static void what_is_written_twice_counts_once(void **state)
{
	struct dist_ledger more = {.began = 5, .writer = 77, .serial = 1}, got;
	struct dist_shelf shelf;
	struct dist_rig rig;
	bool damaged;

	(void)state;
	dist_rig_init(&rig);
	shelf = (struct dist_shelf){&ponto_alloc_system, ponto_sim_node_clock(rig.node), rig.store};
	more.count[DIST_COUNT_HITS] = 3;
	assert_ok(dist_ledger_keep(&shelf, &more, &got));
	assert_ok(dist_ledger_keep(&shelf, &more, &got));
	assert_int_equal(got.count[DIST_COUNT_HITS], 3);
	more.serial = 2;
	assert_ok(dist_ledger_keep(&shelf, &more, &got));
	assert_int_equal(got.count[DIST_COUNT_HITS], 6);
	assert_ok(dist_ledger_read(&shelf, &got, &damaged));
	assert_false(damaged);
	assert_int_equal(got.count[DIST_COUNT_HITS], 6);
	assert_int_equal(got.began, 5);
	dist_rig_fail(&rig, DIST_RIG_ALL, 2, 1, PONTO_EIO);
	more.serial = 3;
	assert_int_equal(dist_ledger_keep(&shelf, &more, &got), PONTO_EIO);
	assert_ok(dist_ledger_keep(&shelf, &more, &got));
	assert_int_equal(got.count[DIST_COUNT_HITS], 9);
	dist_rig_clear(&rig);
}

/* Of several caches on one store, one that has found nothing does not take back what another one found, until it has
 * read all. */
static void one_alerts_for_all(void **state)
{
	struct dist_ledger one = {.writer = 1, .serial = 1, .scrub_alert = true};
	struct dist_ledger other = {.writer = 2, .serial = 1}, got;
	struct dist_shelf shelf;
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	shelf = (struct dist_shelf){&ponto_alloc_system, ponto_sim_node_clock(rig.node), rig.store};
	assert_ok(dist_ledger_keep(&shelf, &one, &got));
	assert_ok(dist_ledger_keep(&shelf, &other, &got));
	assert_true(got.scrub_alert);
	other.serial = 2;
	other.count[DIST_COUNT_ROUNDS] = 1;
	assert_ok(dist_ledger_keep(&shelf, &other, &got));
	assert_false(got.scrub_alert);
	dist_rig_clear(&rig);
}

static void a_ledger_is_right_or_none(void **state)
{
	struct dist_ledger ledger = {.began = 1, .scrub_at = 2, .scrub_began = 3, .scrub_ended = 4,
				     .scrub_found = 5, .scrub_alert = true, .top_count = DIST_TOP};
	uint8_t bytes[DIST_LEDGER_MAX], more[DIST_LEDGER_MAX + 1];
	struct dist_ledger got;
	struct ponto_writer w;
	size_t len, body;

	(void)state;
	for (size_t i = 0; i < DIST_COUNTS; i++)
		ledger.count[i] = UINT64_MAX - i;
	for (size_t i = 0; i < DIST_TOP; i++) {
		uint8_t id[CONTENT_ID_MAX] = {(uint8_t)i};

		assert_ok(content_id_set(ponto_bytes(id, 1 + i % CONTENT_ID_MAX), &ledger.top[i].id));
		ledger.top[i].bytes = i;
		ledger.top[i].blocks = 2 * i;
	}
	assert_ok(dist_ledger_encode(&ledger, bytes, &len));
	assert_ok(dist_ledger_decode(ponto_bytes(bytes, len), &got));
	assert_memory_equal(got.count, ledger.count, sizeof(got.count));
	assert_int_equal(got.scrub_at, 2);
	assert_int_equal(got.scrub_found, 5);
	assert_true(got.scrub_alert);
	assert_int_equal(got.top_count, DIST_TOP);
	for (size_t i = 0; i < DIST_TOP; i++) {
		assert_true(content_id_equal(&got.top[i].id, &ledger.top[i].id));
		assert_int_equal(got.top[i].blocks, 2 * i);
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(dist_ledger_decode(ponto_bytes(bytes, cut), &got), PONTO_EPROTO);
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 1;
		assert_int_equal(dist_ledger_decode(ponto_bytes(bytes, len), &got), PONTO_EPROTO);
		bytes[i] ^= 1;
	}
	/* Well sealed, but too long, or of a later version. */
	body = len > 8 && len <= sizeof(bytes) ? len - 8 : 0;
	memcpy(more, bytes, body);
	w = ponto_writer(more, sizeof(more));
	w.pos = body;
	ponto_write_u8(&w, 0);
	assert_ok(dist_value_close(KEY("ledger"), &w, &len));
	assert_int_equal(dist_ledger_decode(ponto_bytes(more, len), &got), PONTO_EPROTO);
	more[0] = DIST_RECORD_VERSION + 1;
	w = ponto_writer(more, sizeof(more));
	w.pos = 20;
	assert_ok(dist_value_close(KEY("ledger"), &w, &len));
	assert_int_equal(dist_ledger_decode(ponto_bytes(more, len), &got), PONTO_ENOTSUP);
}

static void a_damaged_ledger_begins_anew(void **state)
{
	const struct ponto_bytes group = KEY("dist/meta"), key = KEY("ledger");
	uint8_t later[64] = {DIST_RECORD_VERSION + 1}, *value;
	struct stock s = stock_make(1);
	struct ponto_writer w = ponto_writer(later, sizeof(later));
	struct scene c;
	size_t len, found;

	(void)state;
	scene_begin(&c);
	put_all(&c, &s);
	scene_close(&c);
	dist_rig_damage(&c.rig, group, key, 30, false);
	scene_open(&c);
	assert_int_equal(c.rig.warnings, 1);
	assert_int_equal(counted(c.cache, DIST_COUNT_STORED, true), 0);
	assert_ok(get_one(&c, &s, 0));
	scene_reopen(&c);
	assert_int_equal(c.rig.warnings, 1);
	assert_int_equal(counted(c.cache, DIST_COUNT_HITS, true), 1);
	scene_close(&c);
	/* What a later version wrote stays as it is. */
	w.pos = 20;
	assert_ok(dist_value_close(key, &w, &len));
	assert_ok(ponto_store_put(c.rig.inner, group, key, ponto_bytes(later, len), 0, 0, PONTO_NEVER));
	scene_open(&c);
	assert_int_equal(c.rig.warnings, 2);
	assert_ok(get_one(&c, &s, 0));
	dist_rig_run(&c.rig, 100 * PONTO_SECOND);
	scene_close(&c);
	assert_ok(ponto_store_get(c.rig.inner, group, key, PONTO_NEVER, &ponto_alloc_system, &value, &found, NULL));
	assert_int_equal(found, len);
	assert_memory_equal(value, later, len);
	free(value);
	scene_end(&c);
	stock_free(&s);
}

#define MANY (DIST_TOP + 20)

/* The first were read least; one that is read much, late, takes the place of one that was not. */
static void what_is_read_most_is_known(void **state)
{
	static struct stock s[MANY];
	struct dist_ledger since, all;
	struct scene c;
	bool seen = false;

	(void)state;
	scene_begin(&c);
	for (size_t i = 0; i < MANY; i++) {
		s[i] = stock_sized(100 + i, i);
		put_all(&c, &s[i]);
		assert_ok(get_one(&c, &s[i], 0));
	}
	for (unsigned i = 0; i < 5; i++)
		assert_ok(get_one(&c, &s[0], 0));
	dist_cache_count(c.cache, &since, &all);
	assert_int_equal(since.top_count, DIST_TOP);
	for (size_t t = 0; t < DIST_TOP; t++) {
		assert_false(content_id_equal(&since.top[t].id, &s[1].segment.id));
		if (!content_id_equal(&since.top[t].id, &s[0].segment.id))
			continue;
		assert_int_equal(since.top[t].bytes, 600);
		seen = true;
	}
	assert_true(seen);
	/* It stays known when it goes, and goes on when it comes back. */
	assert_ok(dist_cache_clear(c.cache, &s[0].segment.id, NULL, NULL, NULL));
	dist_rig_run(&c.rig, PONTO_SECOND);
	put_all(&c, &s[0]);
	assert_ok(get_one(&c, &s[0], 0));
	scene_reopen(&c);
	dist_cache_count(c.cache, &since, &all);
	assert_int_equal(all.top_count, DIST_TOP);
	for (size_t t = 0; t < DIST_TOP; t++) {
		if (content_id_equal(&all.top[t].id, &s[0].segment.id))
			assert_int_equal(all.top[t].bytes, 700);
	}
	scene_end(&c);
	for (size_t i = 0; i < MANY; i++)
		stock_free(&s[i]);
}

/* ---- the scrub ------------------------------------------------------------------------------ */

static bool alerts(struct ponto_metrics *metrics)
{
	return ponto_gauge_value(ponto_gauge(metrics, "dist_cache_scrub_alert", "test", "")) == 1;
}

static void the_scrub_finds_damage(void **state)
{
	struct stock s[3] = {stock_make(1), stock_make(2), stock_sized(40 * CONTENT_BLOCK, 3)};
	struct scene c;
	struct ponto_metrics *metrics;
	uint64_t found, ahead;

	(void)state;
	dist_rig_init(&c.rig);
	assert_ok(ponto_metrics_create(&ponto_alloc_system, &metrics));
	c.config = dist_rig_config(&c.rig);
	c.config.scrub = DAY;
	c.config.metrics = metrics;
	scene_open(&c);
	for (size_t i = 0; i < 3; i++)
		put_all(&c, &s[i]);
	dist_rig_run(&c.rig, 2 * DAY);
	assert_true(counted(c.cache, DIST_COUNT_ROUNDS, false) >= 1);
	assert_int_equal(c.rig.warnings, 0);
	assert_int_equal(counted(c.cache, DIST_COUNT_FOUND, false), 0);
	assert_false(alerts(metrics));
	dist_rig_damage(&c.rig, group_of(&s[0]), KEY("b\0\2"), 5000, false);
	dist_rig_damage(&c.rig, group_of(&s[2]), KEY("b\0\0"), 5000, false);
	dist_rig_damage(&c.rig, group_of(&s[2]), KEY("b\0\x27"), 5000, false);
	dist_rig_damage(&c.rig, group_of(&s[1]), KEY("h"), 50, false);
	dist_rig_run(&c.rig, DAY + PONTO_SECOND);
	assert_int_equal(counted(c.cache, DIST_COUNT_FOUND, false), 4);
	assert_int_equal(stats_of(&c).damaged, 4);
	assert_int_equal(blocks_of(&c, &s[0]), 4);
	assert_int_equal(blocks_of(&c, &s[1]), 5);
	assert_int_equal(blocks_of(&c, &s[2]), 38);
	/* One line at once, one for the rest at the end of the round, not one for each. */
	assert_int_equal(c.rig.warnings, 2);
	assert_false(dist_cache_scrubs(c.cache, &found, &ahead));
	assert_int_equal(found, 4);
	assert_int_equal(ahead, 0);
	assert_true(alerts(metrics));
	for (uint32_t i = 1; i < 39; i++)
		assert_ok(get_one(&c, &s[2], i));
	/* A new start does not make it good. */
	scene_close(&c);
	ponto_metrics_destroy(metrics);
	assert_ok(ponto_metrics_create(&ponto_alloc_system, &metrics));
	c.config.metrics = metrics;
	scene_open(&c);
	(void)dist_cache_scrubs(c.cache, &found, &ahead);
	assert_int_equal(found, 4);
	assert_true(alerts(metrics));
	/* The next round has nothing to tell, and says that the damage is past. */
	dist_rig_run(&c.rig, DAY);
	assert_int_equal(c.rig.warnings, 2);
	(void)dist_cache_scrubs(c.cache, &found, &ahead);
	assert_int_equal(found, 0);
	assert_false(alerts(metrics));
	scene_close(&c);
	ponto_metrics_destroy(metrics);
	scene_end(&c);
	for (size_t i = 0; i < 3; i++)
		stock_free(&s[i]);
}

/* No faster than it may; in the meantime blocks are read and kept; what went is no hindrance. */
static void the_scrub_takes_its_time(void **state)
{
	struct stock s[2] = {stock_sized(64 * CONTENT_BLOCK, 1), stock_make(2)};
	struct scene c;
	uint64_t found, ahead, read;

	(void)state;
	scene_init(&c);
	c.config.scrub = DAY;
	c.config.scrub_rate = 16 * CONTENT_BLOCK / 10; /* a MiB in ten seconds */
	scene_open(&c);
	put_all(&c, &s[0]);
	dist_rig_run(&c.rig, 3600 * PONTO_SECOND);
	read = counted(c.cache, DIST_COUNT_CHECKED, false); /* in the first round */
	dist_rig_run(&c.rig, DAY - 3595 * PONTO_SECOND);
	assert_true(dist_cache_scrubs(c.cache, &found, &ahead));
	read = counted(c.cache, DIST_COUNT_CHECKED, false) - read;
	assert_true(read > 0 && read < 64 * CONTENT_BLOCK);
	assert_int_equal(ahead, 64 * CONTENT_BLOCK - read);
	put_all(&c, &s[1]);
	assert_ok(get_one(&c, &s[0], 63));
	assert_ok(dist_cache_clear(c.cache, &s[0].segment.id, NULL, NULL, NULL));
	dist_rig_run(&c.rig, 40 * PONTO_SECOND);
	assert_int_equal(blocks_of(&c, &s[0]), 0);
	assert_int_equal(blocks_of(&c, &s[1]), 5);
	assert_false(dist_cache_scrubs(c.cache, &found, &ahead));
	assert_int_equal(counted(c.cache, DIST_COUNT_ROUNDS, false), 2);
	scene_end(&c);
	stock_free(&s[0]);
	stock_free(&s[1]);
}

#define ROOM 24

/* A node that is restarted in the middle goes on there; each block is read once, and what it left is not forgotten. */
static void the_scrub_goes_on_after_a_restart(void **state)
{
	struct stock s[ROOM];
	struct scene c;
	uint64_t found, ahead, total = 0;

	(void)state;
	scene_begin(&c);
	for (size_t i = 0; i < ROOM; i++) {
		s[i] = stock_make(i);
		put_all(&c, &s[i]);
	}
	scene_close(&c);
	c.config.scrub = 100 * DAY;
	c.config.scrub_rate = V1 / 10;
	for (unsigned starts = 0; starts < 5; starts++) {
		scene_open(&c);
		dist_rig_run(&c.rig, starts == 0 ? 40 * PONTO_SECOND : 20 * PONTO_SECOND);
		assert_true(dist_cache_scrubs(c.cache, &found, &ahead));
		total += counted(c.cache, DIST_COUNT_CHECKED, false);
		assert_true(total + ahead >= ROOM * (uint64_t)V1 && total < ROOM * (uint64_t)V1);
		scene_close(&c);
	}
	/* In a segment that had passed, then in one to come. */
	dist_rig_damage(&c.rig, group_of(&s[0]), KEY("b\0\2"), 5000, false);
	dist_rig_damage(&c.rig, group_of(&s[ROOM - 1]), KEY("b\0\2"), 5000, false);
	scene_open(&c);
	dist_rig_run(&c.rig, 200 * PONTO_SECOND);
	assert_false(dist_cache_scrubs(c.cache, &found, &ahead));
	assert_int_equal(found, 1);
	assert_int_equal(blocks_of(&c, &s[0]), 5);
	assert_int_equal(blocks_of(&c, &s[ROOM - 1]), 4);
	total += counted(c.cache, DIST_COUNT_CHECKED, false);
	assert_true(total <= (ROOM + 5) * (uint64_t)(5 * CONTENT_BLOCK)); /* one at each restart again, at most */
	assert_int_equal(counted(c.cache, DIST_COUNT_ROUNDS, true), 1);
	scene_close(&c);
	/* It rests until the interval is over, restarts or not. */
	scene_open(&c);
	dist_rig_run(&c.rig, 50 * DAY);
	assert_int_equal(counted(c.cache, DIST_COUNT_ROUNDS, true), 1);
	dist_rig_run(&c.rig, 51 * DAY);
	assert_int_equal(counted(c.cache, DIST_COUNT_ROUNDS, true), 2);
	assert_int_equal(blocks_of(&c, &s[0]), 4);
	scene_end(&c);
	for (size_t i = 0; i < ROOM; i++)
		stock_free(&s[i]);
}

/* ---- the share of the disk -------------------------------------------------------------------- */

static void the_disk_is_shared(void **state)
{
	struct stock s[4];
	struct scene c;

	(void)state;
	scene_init(&c);
	c.config.share = 10;
	/* One that tells nothing of a disk: the other limit alone. */
	c.config.max_bytes = 1 << 30;
	scene_open(&c);
	assert_int_equal(stats_of(&c).limit, 1 << 30);
	assert_int_equal(stats_of(&c).share, 0);
	for (size_t i = 0; i < 4; i++) {
		s[i] = stock_make(i);
		put_all(&c, &s[i]);
	}
	assert_int_equal(stats_of(&c).segments, 4);
	scene_close(&c);
	assert_int_equal(c.rig.warnings, 0);
	/* A tenth holds two of them. */
	c.rig.disk = 10 * 2 * (V1 + 8192);
	scene_open(&c);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(stats_of(&c).limit, c.rig.disk / 10);
	assert_int_equal(stats_of(&c).segments, 2);
	assert_int_equal(stats_of(&c).evicted, 2);
	put_all(&c, &s[0]);
	assert_int_equal(stats_of(&c).segments, 2);
	scene_close(&c);
	/* The smaller of the two. */
	c.config.max_bytes = V1 + 8192;
	scene_open(&c);
	dist_rig_run(&c.rig, PONTO_SECOND);
	assert_int_equal(stats_of(&c).limit, c.config.max_bytes);
	assert_int_equal(stats_of(&c).segments, 1);
	scene_end(&c);
	for (size_t i = 0; i < 4; i++)
		stock_free(&s[i]);
}

/* ---- while it is being read ----------------------------------------------------------------------- */

static void what_comes_early_is_not_lost(void **state)
{
	struct stock s = stock_make(1);
	struct dist_piece piece = piece_of(&s, 1);
	int ready = 1, put = 1;
	struct scene c;

	(void)state;
	for (int fault = 0; fault < 2; fault++) {
		struct dist_piece first = piece_of(&s, 0);

		scene_begin(&c);
		assert_ok(dist_rig_put(&c.rig, c.cache, &s.segment, &first));
		scene_close(&c);
		ready = put = 1;
		assert_ok(dist_cache_open(&c.config, note, &ready, &c.cache));
		assert_int_equal(blocks_of(&c, &s), 0);
		if (fault)
			dist_rig_fail(&c.rig, DIST_RIG_BATCH, 1, 1, PONTO_EIO);
		assert_ok(dist_cache_put(c.cache, &s.segment, &piece, note, &put));
		dist_rig_run(&c.rig, 3 * PONTO_SECOND);
		assert_ok(ready);
		assert_int_equal(put, fault ? PONTO_EIO : PONTO_OK);
		assert_int_equal(blocks_of(&c, &s), fault ? 1 : 2);
		assert_ok(get_one(&c, &s, 0));
		assert_int_equal(stats_of(&c).segments, 1);
		scene_end(&c);
	}
	stock_free(&s);
}

/* What is known is read before all is. */
static void what_is_known_is_given_at_once(void **state)
{
	static struct stock s[3 * DIST_PAGE];
	struct scene c;
	uint64_t early = 0;
	int ready = 1;

	(void)state;
	scene_begin(&c);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(s); i++) {
		s[i] = stock_sized(100, i);
		put_all(&c, &s[i]);
	}
	scene_close(&c);
	assert_ok(dist_cache_open(&c.config, note, &ready, &c.cache));
	for (unsigned i = 0; i < 100000 && ready == 1; i++) {
		dist_rig_run(&c.rig, 1);
		if (ready == 1 && early == 0)
			early = stats_of(&c).segments;
	}
	assert_ok(ready);
	assert_true(early > 0 && early < PONTO_ARRAY_SIZE(s));
	assert_int_equal(stats_of(&c).segments, PONTO_ARRAY_SIZE(s));
	scene_end(&c);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(s); i++)
		stock_free(&s[i]);
}

/* ---- what is eldest is known without memory, too ------------------------------------------------------ */

#define ROWS 40

/* Opens a store with a limit that half of it fits into: PONTO_OK says that all went well, and then the half that was put
 * last is there. */
static int open_half(const struct ponto_alloc *alloc, void *arg)
{
	const struct stock *s = arg;
	struct scene c;
	int ready = 1, result;

	scene_begin(&c);
	for (size_t i = 0; i < ROWS; i++)
		put_all(&c, &s[i]);
	scene_close(&c);
	c.config.alloc = alloc;
	c.config.max_bytes = ROWS / 2 * (100 + 32 + 4096);
	result = dist_cache_open(&c.config, note, &ready, &c.cache);
	if (result == PONTO_OK) {
		dist_rig_run(&c.rig, 30 * PONTO_SECOND);
		result = ready;
		for (size_t i = 0; i < ROWS && result == PONTO_OK; i++)
			assert_int_equal(blocks_of(&c, &s[i]), i >= ROWS / 2);
		scene_close(&c);
	}
	scene_end(&c);
	return result;
}

static void the_eldest_go_with_little_memory(void **state)
{
	static struct stock s[ROWS];

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		s[i] = stock_sized(100, i);
	ponto_test_oom(open_half, s, true);
	for (size_t i = 0; i < ROWS; i++)
		stock_free(&s[i]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_counted_is_kept),
	cmocka_unit_test(what_is_written_twice_counts_once),
	cmocka_unit_test(one_alerts_for_all),
	cmocka_unit_test(a_ledger_is_right_or_none),
	cmocka_unit_test(a_damaged_ledger_begins_anew),
	cmocka_unit_test(what_is_read_most_is_known),
	cmocka_unit_test(the_scrub_finds_damage),
	cmocka_unit_test(the_scrub_takes_its_time),
	cmocka_unit_test(the_scrub_goes_on_after_a_restart),
	cmocka_unit_test(the_disk_is_shared),
	cmocka_unit_test(what_comes_early_is_not_lost),
	cmocka_unit_test(what_is_known_is_given_at_once),
	cmocka_unit_test(the_eldest_go_with_little_memory),
};

PONTO_TEST_MAIN(tests)
