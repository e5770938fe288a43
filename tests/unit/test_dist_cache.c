/* The cache of content distribution: what it keeps and gives, its limits, what is removed and when. */
#include "tests/unit/dist_rig.h"

#include <stdio.h>

#define V1 (4 * CONTENT_BLOCK + 1000) /* five blocks, the last one short */

/* A content of version 1.0 with one segment of five blocks, and one of version 2.0 with several segments. */
struct stock {
	struct blob data;
	struct content_made v1, v2;
	struct dist_segment one; /* the segment of v1 */
};

static struct stock stock_make(uint64_t seed)
{
	struct stock s = {.data = dist_rig_content(V1, seed)};

	s.v1 = content_make(CONTENT_SHA256, bytes_of(&s.data), NULL);
	s.v2 = content_make(CONTENT_TRUNCATED, bytes_of(&s.data), NULL);
	assert_int_equal(s.v1.count, 1);
	assert_true(s.v2.count > 1);
	s.one = dist_rig_segment(&s.v1, 0);
	return s;
}

static void stock_free(struct stock *s)
{
	content_made_free(&s->v1);
	content_made_free(&s->v2);
	free(s->data.data);
}

static int put_one(struct dist_rig *rig, struct dist_cache *cache, const struct stock *s, uint32_t index)
{
	struct dist_piece piece = dist_rig_piece(&s->v1, 0, index, bytes_of(&s->data));

	return dist_rig_put(rig, cache, &s->one, &piece);
}

static int get_one(struct dist_rig *rig, struct dist_cache *cache, const struct stock *s, uint32_t index)
{
	return dist_rig_get(rig, cache, &s->v1, 0, index, bytes_of(&s->data));
}

static size_t records_of(struct dist_rig *rig, const struct content_id *id)
{
	uint8_t group[DIST_GROUP_MAX];

	return dist_rig_records(rig, ponto_bytes(group, dist_group(id, group)));
}

static struct dist_cache_stats stats_of(const struct dist_cache *cache)
{
	struct dist_cache_stats stats;

	dist_cache_stats(cache, &stats);
	return stats;
}

/* ---- keeping and giving ------------------------------------------------------------------- */

static void all_is_given(struct dist_rig *rig, struct dist_cache *cache, const struct stock *s)
{
	struct dist_known known;

	for (uint32_t b = 0; b < 5; b++)
		assert_ok(get_one(rig, cache, s, b));
	for (size_t i = 0; i < s->v2.count; i++)
		assert_ok(dist_rig_get(rig, cache, &s->v2, i, 0, bytes_of(&s->data)));
	assert_true(dist_cache_find(cache, &s->one.id, &known));
	assert_true(known.whole && known.keyed);
	assert_int_equal(known.bytes, V1);
	assert_int_equal(known.hashes, 5);
	assert_int_equal(stats_of(cache).segments, 1 + s->v2.count);
	assert_int_equal(stats_of(cache).blocks, 5 + s->v2.count);
	assert_int_equal(stats_of(cache).bytes, 2 * V1);
}

static void what_is_kept_is_given(void **state)
{
	struct stock s = stock_make(1);
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_known known;
	struct dist_rig rig;
	uint64_t first;

	(void)state;
	PONTO_PROVES("DIST-205");
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	cache = dist_rig_open(&rig, &config);
	assert_false(dist_cache_find(cache, &s.one.id, &known));
	assert_int_equal(get_one(&rig, cache, &s, 0), PONTO_ENOENT);
	first = dist_rig_wall(&rig);
	dist_rig_put_all(&rig, cache, &s.v1, 0, bytes_of(&s.data));
	for (size_t i = 0; i < s.v2.count; i++)
		dist_rig_put_all(&rig, cache, &s.v2, i, bytes_of(&s.data));
	all_is_given(&rig, cache, &s);
	assert_int_equal(put_one(&rig, cache, &s, 3), PONTO_EEXIST);
	dist_rig_run(&rig, 10 * PONTO_SECOND);
	/* Age counts from the first block, and goes on while nobody is there. */
	assert_true(dist_cache_find(cache, &s.one.id, &known));
	assert_int_equal(known.created, first);
	assert_int_equal(dist_cache_age(cache, &known), dist_rig_wall(&rig) - first);
	dist_rig_close(&rig, cache);
	dist_rig_run(&rig, 10 * PONTO_SECOND);
	cache = dist_rig_open(&rig, &config);
	assert_true(dist_cache_find(cache, &s.one.id, &known));
	assert_int_equal(dist_cache_age(cache, &known), dist_rig_wall(&rig) - first);
	all_is_given(&rig, cache, &s);
	dist_rig_close(&rig, cache);
	assert_int_equal(rig.warnings, 0);
	dist_rig_clear(&rig);
	stock_free(&s);
}

/* Two segments of equal bytes, under the keys of two servers. */
static void equal_blocks_of_two_segments_are_two(void **state)
{
	struct stock s = stock_make(1);
	struct dist_segment other = s.one;
	struct dist_cache_config config;
	struct dist_piece piece;
	struct dist_cache *cache;
	struct dist_known known;
	struct dist_rig rig;

	(void)state;
	PONTO_PROVES("DIST-010");
	other.kp[0] ^= 1;
	content_segment_id(other.algo, other.kp, other.hod, &other.id);
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	cache = dist_rig_open(&rig, &config);
	assert_ok(put_one(&rig, cache, &s, 0));
	assert_false(dist_cache_find(cache, &other.id, &known));
	assert_int_equal(dist_cache_get(cache, &other.id, 0, NULL, NULL, NULL), PONTO_ENOENT);
	piece = dist_rig_piece(&s.v1, 0, 1, bytes_of(&s.data));
	assert_ok(dist_rig_put(&rig, cache, &other, &piece));
	assert_true(dist_cache_find(cache, &other.id, &known));
	assert_false(content_blocks_has(&known.blocks, 0));
	assert_true(content_blocks_has(&known.blocks, 1));
	assert_true(dist_cache_find(cache, &s.one.id, &known));
	assert_int_equal(content_blocks_count(&known.blocks), 1);
	assert_int_equal(get_one(&rig, cache, &s, 1), PONTO_ENOENT);
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	stock_free(&s);
}

/* The first 32 MiB of two contents are the same: one entry, whichever brought which blocks. */
static void a_common_segment_is_one(void **state)
{
	struct blob data[2] = {dist_rig_content(CONTENT_SEGMENT_V1 + 10, 1),
			       dist_rig_content(CONTENT_SEGMENT_V1 + 20, 1)};
	struct content_made made[2];
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_known known;
	struct dist_rig rig;

	(void)state;
	PONTO_PROVES("DIST-008");
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	cache = dist_rig_open(&rig, &config);
	for (size_t n = 0; n < 2; n++) {
		memset(data[n].data + CONTENT_SEGMENT_V1, (int)n, data[n].len - CONTENT_SEGMENT_V1);
		made[n] = content_make(CONTENT_SHA256, bytes_of(&data[n]), NULL);
		for (size_t i = 0; i < 2; i++) {
			struct dist_segment segment = dist_rig_segment(&made[n], i);
			struct dist_piece piece =
				dist_rig_piece(&made[n], i, i ? 0 : 500 + (uint32_t)n, bytes_of(&data[n]));

			assert_ok(dist_rig_put(&rig, cache, &segment, &piece));
			if (i == 0) {
				assert_true(dist_cache_find(cache, &segment.id, &known));
				assert_int_equal(content_blocks_count(&known.blocks), n + 1);
			}
		}
	}
	assert_int_equal(stats_of(cache).segments, 3);
	assert_ok(dist_rig_get(&rig, cache, &made[0], 0, 501, bytes_of(&data[0])));
	assert_ok(dist_rig_get(&rig, cache, &made[1], 0, 500, bytes_of(&data[1])));
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	for (size_t n = 0; n < 2; n++) {
		content_made_free(&made[n]);
		free(data[n].data);
	}
}

struct relayed {
	int result;
	struct ponto_bytes data;
	const uint8_t *iv;
	enum content_crypto crypto;
};

static int compare_relayed(void *arg, const struct dist_read *read)
{
	const struct relayed *r = arg;
	static const uint8_t zeros[CONTENT_HASH_MAX];

	assert_false(read->meta.keyed);
	assert_memory_equal(read->meta.kp, zeros, sizeof(zeros));
	assert_int_equal(read->block.crypto, r->crypto);
	assert_memory_equal(read->block.iv, r->iv, CONTENT_IV);
	assert_true(ponto_bytes_equal(read->block.data, r->data));
	return PONTO_OK;
}

static void on_relayed(void *arg, int result)
{
	((struct relayed *)arg)->result = result;
}

/* What came sealed, without keys, goes as it came; the first checked block replaces all of it. */
static void relayed_blocks_stay_as_they_came(void **state)
{
	static const uint8_t iv[CONTENT_IV] = "0123456789abcde";
	struct stock s = stock_make(1);
	struct blob sealed = dist_rig_content(CONTENT_BLOCK + 16, 9);
	struct dist_segment unkeyed = {.id = s.one.id, .algo = CONTENT_SHA256, .size = V1};
	struct dist_piece piece = {.index = 2, .crypto = CONTENT_AES_128, .data = bytes_of(&sealed)};
	struct relayed expected = {1, bytes_of(&sealed), iv, CONTENT_AES_128};
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_known known;
	struct dist_rig rig;

	(void)state;
	memcpy(piece.iv, iv, sizeof(iv));
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	cache = dist_rig_open(&rig, &config);
	assert_ok(dist_rig_put(&rig, cache, &unkeyed, &piece));
	dist_rig_close(&rig, cache);
	cache = dist_rig_open(&rig, &config);
	assert_true(dist_cache_find(cache, &s.one.id, &known));
	assert_false(known.keyed);
	assert_ok(dist_cache_get(cache, &s.one.id, 2, compare_relayed, on_relayed, &expected));
	dist_rig_run(&rig, PONTO_SECOND);
	assert_ok(expected.result);
	piece.index = 3;
	assert_ok(dist_rig_put(&rig, cache, &unkeyed, &piece));
	assert_ok(put_one(&rig, cache, &s, 2));
	assert_true(dist_cache_find(cache, &s.one.id, &known));
	assert_true(known.keyed);
	assert_int_equal(content_blocks_count(&known.blocks), 1);
	assert_ok(get_one(&rig, cache, &s, 2));
	assert_int_equal(dist_rig_put(&rig, cache, &unkeyed, &piece), PONTO_EEXIST);
	assert_int_equal(records_of(&rig, &s.one.id), 3);
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	free(sealed.data);
	stock_free(&s);
}

/* What another one brings takes the place of what is relayed, never of what was checked. */
static void relayed_blocks_make_room(void **state)
{
	static const uint8_t iv[CONTENT_IV] = "fedcba987654321";
	struct stock s = stock_make(1);
	struct blob first = dist_rig_content(CONTENT_BLOCK + 16, 9), second = dist_rig_content(CONTENT_BLOCK + 16, 10);
	struct blob small = dist_rig_content(116, 11);
	struct dist_segment unkeyed = {.id = s.one.id, .algo = CONTENT_SHA256, .size = V1};
	struct dist_piece piece = {.index = 2, .crypto = CONTENT_AES_128, .data = bytes_of(&first)};
	struct relayed expected = {1, bytes_of(&second), iv, CONTENT_AES_128};
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_known known;
	struct dist_rig rig;

	(void)state;
	memcpy(piece.iv, iv, sizeof(iv));
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	cache = dist_rig_open(&rig, &config);
	assert_ok(dist_rig_put(&rig, cache, &unkeyed, &piece));
	piece.index = 3;
	assert_ok(dist_rig_put(&rig, cache, &unkeyed, &piece));
	piece.index = 2;
	piece.data = bytes_of(&second);
	assert_int_equal(dist_rig_put(&rig, cache, &unkeyed, &piece), PONTO_EEXIST);
	unkeyed.replace = true;
	assert_ok(dist_rig_put(&rig, cache, &unkeyed, &piece));
	assert_true(dist_cache_find(cache, &s.one.id, &known));
	assert_int_equal(content_blocks_count(&known.blocks), 2);
	assert_ok(dist_cache_get(cache, &s.one.id, 2, compare_relayed, on_relayed, &expected));
	dist_rig_run(&rig, PONTO_SECOND);
	assert_ok(expected.result);
	/* Of another size: nothing of it stays. */
	unkeyed.size = 100;
	piece.index = 0;
	piece.data = ponto_bytes(small.data, 112);
	unkeyed.replace = false;
	assert_int_equal(dist_rig_put(&rig, cache, &unkeyed, &piece), PONTO_EINVAL);
	unkeyed.replace = true;
	assert_ok(dist_rig_put(&rig, cache, &unkeyed, &piece));
	assert_true(dist_cache_find(cache, &s.one.id, &known));
	assert_int_equal(known.size, 100);
	assert_int_equal(content_blocks_count(&known.blocks), 1);
	assert_int_equal(records_of(&rig, &s.one.id), 2);
	/* Whatever its size was, what is checked takes its place and stays. */
	assert_ok(put_one(&rig, cache, &s, 2));
	assert_ok(get_one(&rig, cache, &s, 2));
	assert_int_equal(dist_rig_put(&rig, cache, &unkeyed, &piece), PONTO_EINVAL);
	unkeyed.size = V1;
	piece.index = 2;
	piece.data = bytes_of(&first);
	assert_int_equal(dist_rig_put(&rig, cache, &unkeyed, &piece), PONTO_EEXIST);
	assert_ok(get_one(&rig, cache, &s, 2));
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	free(first.data);
	free(second.data);
	free(small.data);
	stock_free(&s);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct stock s = stock_make(1);
	struct dist_cache_config config;
	struct dist_segment wrong;
	struct dist_piece piece, bad;
	struct dist_cache *cache;
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	cache = dist_rig_open(&rig, &config);
	piece = dist_rig_piece(&s.v1, 0, 4, bytes_of(&s.data));
#define REFUSED(change, expected)                                                                                      \
	do {                                                                                                           \
		wrong = s.one;                                                                                         \
		bad = piece;                                                                                           \
		change;                                                                                                \
		assert_int_equal(dist_rig_put(&rig, cache, &wrong, &bad), expected);                                   \
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
	assert_int_equal(stats_of(cache).segments, 1);
	assert_int_equal(stats_of(cache).errors, 0);
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
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
	struct dist_segment part = s.one;
	struct listed listed = {1, ponto_bytes(NULL, 0)};
	struct dist_cache_config config;
	struct dist_piece piece;
	struct dist_cache *cache;
	struct dist_known known;
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	cache = dist_rig_open(&rig, &config);
	for (uint32_t n = 2; n <= 5; n++) {
		part.block_hashes.len = n == 4 ? 32 : n * 32; /* and does not shrink */
		piece = dist_rig_piece(&s.v1, 0, n == 4 ? 0 : n - 1, bytes_of(&s.data));
		assert_ok(dist_rig_put(&rig, cache, &part, &piece));
		assert_true(dist_cache_find(cache, &s.one.id, &known));
		assert_int_equal(known.hashes, n == 4 ? 3 : n);
		listed = (struct listed){1, ponto_bytes(s.one.block_hashes.data, (n == 4 ? 3 : n) * 32)};
		assert_ok(dist_cache_hashes(cache, &s.one.id, compare_hashes, on_listed, &listed));
		dist_rig_run(&rig, PONTO_SECOND);
		assert_ok(listed.result);
	}
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	stock_free(&s);
}

/* ---- limits ------------------------------------------------------------------------------ */

static int no_work(void *arg, const struct dist_read *read)
{
	(void)arg;
	(void)read;
	return PONTO_OK;
}

static void count_done(void *arg, int result)
{
	assert_ok(result);
	++*(unsigned *)arg;
}

static void so_many_at_a_time(void **state)
{
	struct stock s = stock_make(1);
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_piece piece;
	struct dist_rig rig;
	unsigned done = 0;

	(void)state;
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	config.reads = config.writes = 3;
	assert_ok(dist_cache_open(&config, count_done, &done, &cache));
	/* What is kept while it opens is not lost, but what needs all of it has to wait. */
	piece = dist_rig_piece(&s.v1, 0, 4, bytes_of(&s.data));
	assert_ok(dist_cache_put(cache, &s.one, &piece, count_done, &done));
	assert_false(dist_cache_is_ready(cache));
	assert_int_equal(dist_cache_verify(cache, NULL, NULL, NULL), PONTO_EBUSY);
	assert_int_equal(dist_cache_clear(cache, NULL, NULL, NULL, NULL), PONTO_EBUSY);
	dist_rig_run(&rig, PONTO_SECOND);
	assert_int_equal(done--, 2);
	assert_true(dist_cache_is_ready(cache));
	assert_ok(get_one(&rig, cache, &s, 4));
	for (uint32_t b = 0; b < 4; b++) {
		piece = dist_rig_piece(&s.v1, 0, b, bytes_of(&s.data));
		assert_int_equal(dist_cache_put(cache, &s.one, &piece, count_done, &done),
				 b < 3 ? PONTO_OK : PONTO_EBUSY);
	}
	/* The first goes alone, the others that came meanwhile together. */
	dist_rig_fail(&rig, DIST_RIG_BATCH, 1, 0, PONTO_OK);
	dist_rig_run(&rig, PONTO_SECOND);
	assert_int_equal(rig.calls, 1);
	assert_int_equal(done, 4);
	for (uint32_t b = 0; b < 4; b++)
		assert_int_equal(dist_cache_get(cache, &s.one.id, b % 3, no_work, count_done, &done),
				 b < 3 ? PONTO_OK : PONTO_EBUSY);
	dist_rig_run(&rig, PONTO_SECOND);
	assert_int_equal(done, 7);
	assert_ok(dist_cache_get(cache, &s.one.id, 0, no_work, count_done, &done));
	dist_rig_close(&rig, cache);
	assert_int_equal(done, 8);
	dist_rig_clear(&rig);
	stock_free(&s);
}

#define PART 50000u
#define PARTS 8u

/* A content of version 2.0 in parts of one size. */
struct parts {
	struct blob data;
	struct content_made made;
};

static struct parts parts_make(void)
{
	static const uint32_t sizes[PARTS + 1] = {PART, PART, PART, PART, PART, PART, PART, PART, 0};
	struct parts p = {.data = dist_rig_content((size_t)PART * PARTS, 3)};

	p.made = content_make(CONTENT_TRUNCATED, bytes_of(&p.data), sizes);
	return p;
}

static void parts_free(struct parts *p)
{
	content_made_free(&p->made);
	free(p->data.data);
}

static int get_part(struct dist_rig *rig, struct dist_cache *cache, const struct parts *p, size_t i)
{
	return dist_rig_get(rig, cache, &p->made, i, 0, bytes_of(&p->data));
}

static void put_part(struct dist_rig *rig, struct dist_cache *cache, const struct parts *p, size_t i)
{
	dist_rig_put_all(rig, cache, &p->made, i, bytes_of(&p->data));
}

static void the_longest_unused_goes(void **state)
{
	struct parts p = parts_make();
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_known known;
	struct dist_segment gone = dist_rig_segment(&p.made, 1);
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	config.max_bytes = 3 * (PART + 4096) + 1000;
	cache = dist_rig_open(&rig, &config);
	for (size_t i = 0; i < 3; i++)
		put_part(&rig, cache, &p, i);
	assert_ok(get_part(&rig, cache, &p, 0));
	dist_rig_close(&rig, cache);
	/* The order of use outlives the process. */
	cache = dist_rig_open(&rig, &config);
	put_part(&rig, cache, &p, 3);
	assert_false(dist_cache_find(cache, &gone.id, &known));
	assert_int_equal(records_of(&rig, &gone.id), 0);
	assert_int_equal(get_part(&rig, cache, &p, 1), PONTO_ENOENT);
	assert_ok(get_part(&rig, cache, &p, 0));
	assert_ok(get_part(&rig, cache, &p, 2));
	assert_ok(get_part(&rig, cache, &p, 3));
	assert_int_equal(stats_of(cache).evicted, 1);
	/* It may come back. */
	put_part(&rig, cache, &p, 1);
	assert_ok(get_part(&rig, cache, &p, 1));
	assert_int_equal(get_part(&rig, cache, &p, 0), PONTO_ENOENT);
	dist_rig_close(&rig, cache);
	/* A smaller limit holds from the start. */
	config.max_bytes = PART + 4096;
	cache = dist_rig_open(&rig, &config);
	dist_rig_run(&rig, PONTO_SECOND);
	assert_int_equal(stats_of(cache).segments, 1);
	assert_ok(get_part(&rig, cache, &p, 1));
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	parts_free(&p);
}

/* Whatever is read counts, whether or not its time of use is written yet. */
static void the_order_of_use_is_that_of_reading(void **state)
{
	struct parts p = parts_make();
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	config.max_bytes = 4 * (PART + 4096);
	cache = dist_rig_open(&rig, &config);
	for (size_t i = 0; i < 4; i++)
		put_part(&rig, cache, &p, i);
	assert_ok(get_part(&rig, cache, &p, 1));
	assert_ok(get_part(&rig, cache, &p, 0));
	put_part(&rig, cache, &p, 4); /* 2 goes */
	put_part(&rig, cache, &p, 5); /* 3 */
	put_part(&rig, cache, &p, 6); /* 1 */
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(get_part(&rig, cache, &p, i), i >= 1 && i <= 3 ? PONTO_ENOENT : PONTO_OK);
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	parts_free(&p);
}

static void the_old_go(void **state)
{
	struct parts p = parts_make();
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	config.max_age = 3600 * PONTO_SECOND;
	cache = dist_rig_open(&rig, &config);
	put_part(&rig, cache, &p, 0);
	dist_rig_run(&rig, 1800 * PONTO_SECOND);
	put_part(&rig, cache, &p, 1);
	dist_rig_run(&rig, 1700 * PONTO_SECOND);
	assert_ok(get_part(&rig, cache, &p, 0)); /* use does not make it younger */
	dist_rig_run(&rig, 120 * PONTO_SECOND);
	assert_int_equal(get_part(&rig, cache, &p, 0), PONTO_ENOENT);
	assert_ok(get_part(&rig, cache, &p, 1));
	assert_int_equal(stats_of(cache).expired, 1);
	dist_rig_close(&rig, cache);
	dist_rig_run(&rig, 3600 * PONTO_SECOND);
	cache = dist_rig_open(&rig, &config);
	dist_rig_run(&rig, PONTO_SECOND);
	assert_int_equal(stats_of(cache).segments, 0);
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	parts_free(&p);
}

static void times_of_use_are_written_seldom(void **state)
{
	struct parts p = parts_make();
	struct dist_segment first = dist_rig_segment(&p.made, 0);
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_known known;
	struct dist_rig rig;
	uint64_t used;

	(void)state;
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	cache = dist_rig_open(&rig, &config);
	put_part(&rig, cache, &p, 0);
	dist_rig_fail(&rig, DIST_RIG_BATCH, 1, 0, PONTO_OK);
	for (unsigned i = 0; i < 100; i++) {
		dist_rig_run(&rig, PONTO_SECOND);
		assert_ok(get_part(&rig, cache, &p, 0));
	}
	assert_int_equal(rig.calls, 0);
	dist_rig_run(&rig, 900 * PONTO_SECOND);
	for (unsigned i = 0; i < 100; i++) {
		dist_rig_run(&rig, PONTO_SECOND);
		assert_ok(get_part(&rig, cache, &p, 0));
	}
	assert_int_equal(rig.calls, 1);
	assert_true(dist_cache_find(cache, &first.id, &known));
	used = known.used;
	assert_true(dist_rig_wall(&rig) - used < PONTO_SECOND);
	dist_rig_close(&rig, cache);
	assert_int_equal(rig.calls, 2);
	cache = dist_rig_open(&rig, &config);
	assert_true(dist_cache_find(cache, &first.id, &known));
	assert_int_equal(known.used, used);
	dist_rig_close(&rig, cache);
	assert_int_equal(rig.calls, 2); /* there was nothing to write */
	dist_rig_clear(&rig);
	parts_free(&p);
}

static void a_full_store_is_tried_again_later(void **state)
{
	struct parts p = parts_make();
	struct dist_cache_config config;
	struct dist_segment segment = dist_rig_segment(&p.made, 1);
	struct dist_piece piece = dist_rig_piece(&p.made, 1, 0, bytes_of(&p.data));
	struct dist_cache *cache;
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	cache = dist_rig_open(&rig, &config);
	put_part(&rig, cache, &p, 0);
	dist_rig_fail(&rig, DIST_RIG_BATCH, 1, 1000, PONTO_ENOSPC);
	for (unsigned i = 0; i < 4 * 60; i++) {
		assert_int_equal(dist_rig_put(&rig, cache, &segment, &piece), PONTO_ENOSPC);
		dist_rig_run(&rig, PONTO_SECOND);
		assert_true(stats_of(cache).paused);
	}
	assert_int_equal(rig.warnings, 1);
	assert_true(rig.calls >= 4 && rig.calls < 12); /* twice a minute, not at each block */
	assert_int_equal(stats_of(cache).refused, 240);
	assert_ok(get_part(&rig, cache, &p, 0));
	dist_rig_fail(&rig, 0, 1, 0, PONTO_OK);
	dist_rig_run(&rig, 31 * PONTO_SECOND);
	assert_ok(dist_rig_put(&rig, cache, &segment, &piece));
	assert_false(stats_of(cache).paused);
	assert_ok(get_part(&rig, cache, &p, 1));
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	parts_free(&p);
}

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
	struct dist_cache_config config;
	struct dist_cache *cache;
	struct dist_known known;
	struct dist_hot_block *lent;
	struct dist_rig rig;
	uint8_t group[DIST_GROUP_MAX];

	(void)state;
	dist_rig_init(&rig);
	config = dist_rig_config(&rig);
	config.max_hot = 3 * PART;
	cache = dist_rig_open(&rig, &config);
	for (size_t i = 0; i < 5; i++)
		put_part(&rig, cache, &p, i);
	dist_rig_fail(&rig, DIST_RIG_GET, 1, 0, PONTO_OK);
	for (size_t i = 0; i < 3; i++)
		assert_ok(get_part(&rig, cache, &p, i));
	assert_int_equal(rig.calls, 3);
	for (size_t i = 0; i < 3; i++)
		assert_ok(get_part(&rig, cache, &p, i));
	assert_int_equal(rig.calls, 3);
	assert_int_equal(stats_of(cache).hot, 3);
	assert_ok(get_part(&rig, cache, &p, 3)); /* for which 0 goes */
	assert_ok(get_part(&rig, cache, &p, 1));
	assert_int_equal(rig.calls, 4);
	assert_ok(get_part(&rig, cache, &p, 0));
	assert_int_equal(rig.calls, 5);
	/* On the spot: only what is there. */
	check_answers(cache, &first);
	assert_int_equal(stats_of(cache).hot, 6);
	assert_int_equal(rig.calls, 5);
	/* What is lent counts when the cache hears of it. */
	dist_cache_lent(cache, &first.id, PART);
	assert_int_equal(stats_of(cache).hot, 7);
	/* Cleared while somebody reads it: that one gets it, nobody else. */
	lent = dist_cache_lend(cache, &first.id, 0);
	assert_non_null(lent);
	dist_rig_damage(&rig, ponto_bytes(group, dist_group(&first.id, group)), ponto_bytes("b\0\0", 3), -1, false);
	assert_ok(get_part(&rig, cache, &p, 0)); /* from memory */
	assert_ok(dist_cache_get(cache, &first.id, 0, no_work, count_done, &(unsigned){0}));
	assert_ok(dist_cache_clear(cache, &first.id, NULL, NULL, NULL));
	assert_false(dist_cache_find(cache, &first.id, &known));
	assert_null(dist_cache_lend(cache, &first.id, 0));
	assert_true(ponto_bytes_equal(lent->block.data, ponto_bytes(p.data.data, PART)));
	dist_cache_release(cache, lent);
	dist_rig_run(&rig, PONTO_SECOND);
	assert_int_equal(get_part(&rig, cache, &p, 0), PONTO_ENOENT);
	put_part(&rig, cache, &p, 0);
	dist_rig_damage(&rig, ponto_bytes(group, dist_group(&first.id, group)), ponto_bytes("b\0\0", 3), -1, false);
	assert_int_equal(get_part(&rig, cache, &p, 0), PONTO_ECORRUPT);
	dist_rig_close(&rig, cache);
	dist_rig_clear(&rig);
	parts_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_given),
		cmocka_unit_test(equal_blocks_of_two_segments_are_two),
		cmocka_unit_test(a_common_segment_is_one),
		cmocka_unit_test(relayed_blocks_stay_as_they_came),
		cmocka_unit_test(relayed_blocks_make_room),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(lists_of_hashes_grow),
		cmocka_unit_test(so_many_at_a_time),
		cmocka_unit_test(the_longest_unused_goes),
		cmocka_unit_test(the_order_of_use_is_that_of_reading),
		cmocka_unit_test(the_old_go),
		cmocka_unit_test(times_of_use_are_written_seldom),
		cmocka_unit_test(a_full_store_is_tried_again_later),
		cmocka_unit_test(what_was_read_lately_is_in_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
