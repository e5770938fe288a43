/* Tests: what those of the cache share. */
#ifndef PONTO_TESTS_DIST_CACHE_TEST_H
#define PONTO_TESTS_DIST_CACHE_TEST_H

#include "tests/unit/dist_rig.h"

#include <stdio.h>

#define V1 (4 * CONTENT_BLOCK + 1000) /* five blocks, the last one short */

/* A content of version 1.0 with one segment of five blocks, and one of version 2.0 with several segments. */
struct stock {
	struct blob data;
	struct content_made v1, v2;
	struct dist_segment one; /* the segment of v1 */
};

static inline struct stock stock_make(uint64_t seed)
{
	struct stock s = {.data = dist_rig_content(V1, seed)};

	s.v1 = content_make(CONTENT_SHA256, bytes_of(&s.data), NULL);
	s.v2 = content_make(CONTENT_TRUNCATED, bytes_of(&s.data), NULL);
	assert_int_equal(s.v1.count, 1);
	assert_true(s.v2.count > 1);
	s.one = dist_rig_segment(&s.v1, 0);
	return s;
}

static inline void stock_free(struct stock *s)
{
	content_made_free(&s->v1);
	content_made_free(&s->v2);
	free(s->data.data);
}

static inline int put_one(struct dist_rig *rig, struct dist_cache *cache, const struct stock *s, uint32_t index)
{
	struct dist_piece piece = dist_rig_piece(&s->v1, 0, index, bytes_of(&s->data));

	return dist_rig_put(rig, cache, &s->one, &piece);
}

static inline int get_one(struct dist_rig *rig, struct dist_cache *cache, const struct stock *s, uint32_t index)
{
	return dist_rig_get(rig, cache, &s->v1, 0, index, bytes_of(&s->data));
}

static inline size_t records_of(struct dist_rig *rig, const struct content_id *id)
{
	uint8_t group[DIST_GROUP_MAX];

	return dist_rig_records(rig, ponto_bytes(group, dist_group(id, group)));
}

static inline struct dist_cache_stats stats_of(const struct dist_cache *cache)
{
	struct dist_cache_stats stats;

	dist_cache_stats(cache, &stats);
	return stats;
}

struct relayed {
	int result;
	struct ponto_bytes data;
	const uint8_t *iv;
	enum content_crypto crypto;
};

static inline int compare_relayed(void *arg, const struct dist_read *read)
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

static inline void on_relayed(void *arg, int result)
{
	((struct relayed *)arg)->result = result;
}

/* Hashes of blocks are kept as far as somebody knew them, for whoever offers the segment. */
struct listed {
	int result;
	struct ponto_bytes expected;
};

static inline int no_work(void *arg, const struct dist_read *read)
{
	(void)arg;
	(void)read;
	return PONTO_OK;
}

static inline void count_done(void *arg, int result)
{
	assert_ok(result);
	++*(unsigned *)arg;
}

#define PART 50000u
#define PARTS 8u

/* A content of version 2.0 in parts of one size. */
struct parts {
	struct blob data;
	struct content_made made;
};

static inline struct parts parts_make(void)
{
	static const uint32_t sizes[PARTS + 1] = {PART, PART, PART, PART, PART, PART, PART, PART, 0};
	struct parts p = {.data = dist_rig_content((size_t)PART * PARTS, 3)};

	p.made = content_make(CONTENT_TRUNCATED, bytes_of(&p.data), sizes);
	return p;
}

static inline void parts_free(struct parts *p)
{
	content_made_free(&p->made);
	free(p->data.data);
}

static inline int get_part(struct dist_rig *rig, struct dist_cache *cache, const struct parts *p, size_t i)
{
	return dist_rig_get(rig, cache, &p->made, i, 0, bytes_of(&p->data));
}

static inline void put_part(struct dist_rig *rig, struct dist_cache *cache, const struct parts *p, size_t i)
{
	dist_rig_put_all(rig, cache, &p->made, i, bytes_of(&p->data));
}

#endif
