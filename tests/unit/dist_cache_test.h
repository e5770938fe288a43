/* Tests: what those of the cache share. */
#ifndef PONTO_TESTS_DIST_CACHE_TEST_H
#define PONTO_TESTS_DIST_CACHE_TEST_H

#include "tests/unit/dist_rig.h"

#include <stdio.h>

#define KEY(text) ponto_bytes(text, sizeof(text) - 1)

/* A cache on a store of its own. */
struct scene {
	struct dist_rig rig;
	struct dist_cache_config config;
	struct dist_cache *cache; /* NULL: not open */
};

static inline void scene_init(struct scene *c)
{
	dist_rig_init(&c->rig);
	c->config = dist_rig_config(&c->rig);
	c->cache = NULL;
}

static inline void scene_open(struct scene *c)
{
	c->cache = dist_rig_open(&c->rig, &c->config);
}

static inline void scene_close(struct scene *c)
{
	dist_rig_close(&c->rig, c->cache);
	c->cache = NULL;
}

static inline void scene_begin(struct scene *c)
{
	scene_init(c);
	scene_open(c);
}

static inline void scene_reopen(struct scene *c)
{
	scene_close(c);
	scene_open(c);
}

static inline void scene_end(struct scene *c)
{
	if (c->cache)
		scene_close(c);
	dist_rig_clear(&c->rig);
}

static inline struct dist_cache_stats stats_of(const struct scene *c)
{
	struct dist_cache_stats stats;

	dist_cache_stats(c->cache, &stats);
	return stats;
}

#define V1 (4 * CONTENT_BLOCK + 1000) /* five blocks, the last one short */

/* A content of version 1.0 with one segment. */
struct stock {
	struct blob data;
	struct content_made made;
	struct dist_segment segment;
	uint8_t group[DIST_GROUP_MAX];
	size_t group_len;
};

/* Another one for each seed. */
static inline struct stock stock_sized(size_t len, uint64_t seed)
{
	struct stock s = {.data = dist_rig_content(len, seed)};

	s.made = content_make(CONTENT_SHA256, bytes_of(&s.data), NULL);
	assert_int_equal(s.made.count, 1);
	s.segment = dist_rig_segment(&s.made, 0);
	s.group_len = dist_group(&s.segment.id, s.group);
	return s;
}

static inline struct stock stock_make(uint64_t seed)
{
	return stock_sized(V1, seed);
}

static inline void stock_free(struct stock *s)
{
	content_made_free(&s->made);
	free(s->data.data);
}

static inline struct ponto_bytes group_of(const struct stock *s)
{
	return ponto_bytes(s->group, s->group_len);
}

static inline struct dist_piece piece_of(const struct stock *s, uint32_t index)
{
	return dist_rig_piece(&s->made, 0, index, bytes_of(&s->data));
}

static inline int put_one(struct scene *c, const struct stock *s, uint32_t index)
{
	struct dist_piece piece = piece_of(s, index);

	return dist_rig_put(&c->rig, c->cache, &s->segment, &piece);
}

static inline void put_all(struct scene *c, const struct stock *s)
{
	dist_rig_put_all(&c->rig, c->cache, &s->made, 0, bytes_of(&s->data));
}

static inline int get_one(struct scene *c, const struct stock *s, uint32_t index)
{
	return dist_rig_get(&c->rig, c->cache, &s->made, 0, index, bytes_of(&s->data));
}

static inline uint32_t blocks_under(const struct dist_cache *cache, const struct content_id *id)
{
	struct dist_known known;

	return dist_cache_find(cache, id, &known) ? content_blocks_count(&known.blocks) : 0;
}

static inline uint32_t blocks_of(const struct scene *c, const struct stock *s)
{
	return blocks_under(c->cache, &s->segment.id);
}

static inline size_t records_of(struct scene *c, const struct content_id *id)
{
	uint8_t group[DIST_GROUP_MAX];

	return dist_rig_records(&c->rig, ponto_bytes(group, dist_group(id, group)));
}

static inline void note(void *arg, int result)
{
	*(int *)arg = result;
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

static inline int get_part(struct scene *c, const struct parts *p, size_t i)
{
	return dist_rig_get(&c->rig, c->cache, &p->made, i, 0, bytes_of(&p->data));
}

static inline void put_part(struct scene *c, const struct parts *p, size_t i)
{
	dist_rig_put_all(&c->rig, c->cache, &p->made, i, bytes_of(&p->data));
}

#endif
