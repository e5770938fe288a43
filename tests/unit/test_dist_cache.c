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
	PONTO_PROVES("DIST-205", "DIST-167");
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
	assert_int_equal(known.age, dist_rig_wall(&rig) - first);
	dist_rig_close(&rig, cache);
	dist_rig_run(&rig, 10 * PONTO_SECOND);
	cache = dist_rig_open(&rig, &config);
	assert_true(dist_cache_find(cache, &s.one.id, &known));
	assert_int_equal(known.age, dist_rig_wall(&rig) - first);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_given),
		cmocka_unit_test(equal_blocks_of_two_segments_are_two),
		cmocka_unit_test(a_common_segment_is_one),
		cmocka_unit_test(relayed_blocks_stay_as_they_came),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
