#include "tests/unit/dist_rig.h"

#include <stdio.h>

extern const struct ponto_plugin store_mem_LTX_ponto_plugin;

/* ---- a store that fails --------------------------------------------------------------- */

/* What the cache counts is written when it likes: not meant, unless all is. */
static bool fails(struct dist_rig *rig, unsigned call, struct ponto_bytes group)
{
	if (!(rig->which & call) ||
	    (rig->which != DIST_RIG_ALL && ponto_bytes_equal(group, ponto_bytes("dist/meta", 9))))
		return false;
	rig->calls++;
	return rig->calls >= rig->fail_at && rig->calls - rig->fail_at < rig->fail_count;
}

static int rig_get(void *self, struct ponto_bytes group, struct ponto_bytes key, uint64_t deadline,
		   const struct ponto_alloc *alloc, uint8_t **value, size_t *len, uint64_t *expires)
{
	struct dist_rig *rig = self;

	return fails(rig, DIST_RIG_GET, group) ? rig->fail_with
					: ponto_store_get(rig->inner, group, key, deadline, alloc, value, len, expires);
}

static int rig_put(void *self, struct ponto_bytes group, struct ponto_bytes key, struct ponto_bytes value,
		   uint64_t expires, unsigned flags, uint64_t deadline)
{
	struct dist_rig *rig = self;

	return fails(rig, DIST_RIG_PUT, group) ? rig->fail_with
					: ponto_store_put(rig->inner, group, key, value, expires, flags, deadline);
}

static int rig_remove(void *self, struct ponto_bytes group, struct ponto_bytes key, unsigned flags, uint64_t deadline)
{
	struct dist_rig *rig = self;

	return fails(rig, DIST_RIG_REMOVE, group) ? rig->fail_with
					   : ponto_store_remove(rig->inner, group, key, flags, deadline);
}

static int rig_iterate(void *self, struct ponto_bytes group, struct ponto_bytes prefix, struct ponto_bytes after,
		       uint64_t deadline, ponto_store_record_fn *fn, void *arg)
{
	struct dist_rig *rig = self;

	return fails(rig, DIST_RIG_ITERATE, group) ? rig->fail_with
					    : ponto_store_iterate(rig->inner, group, prefix, after, deadline, fn, arg);
}

static int rig_groups(void *self, uint8_t **page, size_t *page_len, size_t limit, uint64_t deadline,
		      const struct ponto_alloc *alloc, ponto_store_group_fn *fn, void *arg)
{
	struct dist_rig *rig = self;

	return fails(rig, DIST_RIG_GROUPS, ponto_bytes(NULL, 0))
		       ? rig->fail_with
		       : ponto_store_groups(rig->inner, page, page_len, limit, deadline, alloc, fn, arg);
}

static int rig_batch(void *self, struct ponto_bytes group, const struct ponto_store_step *steps, size_t count,
		     unsigned flags, uint64_t deadline)
{
	struct dist_rig *rig = self;
	void (*before)(struct dist_rig * rig, void *arg) = rig->before_batch;

	if (fails(rig, DIST_RIG_BATCH, group))
		return rig->fail_with;
	rig->before_batch = NULL;
	if (before)
		before(rig, rig->before_arg);
	return ponto_store_batch(rig->inner, group, steps, count, flags, deadline);
}

static int rig_space(void *self, uint64_t *total, uint64_t *left, uint64_t deadline)
{
	const struct dist_rig *rig = self;

	(void)deadline;
	*total = rig->disk;
	*left = rig->disk / 2;
	return rig->disk ? PONTO_OK : PONTO_ENOTSUP;
}

static const struct ponto_store_ops rig_ops = {
	.head = {PONTO_STORE_ABI, sizeof(rig_ops)},
	.get = rig_get,
	.put = rig_put,
	.remove = rig_remove,
	.iterate = rig_iterate,
	.groups = rig_groups,
	.batch = rig_batch,
	.space = rig_space,
};

/* ---- the rig ------------------------------------------------------------------------------ */

static void on_line(void *ctx, enum ponto_log_level level, const char *topic, const char *message)
{
	struct dist_rig *rig = ctx;

	printf("# %s: %s\n", topic, message);
	rig->warnings += level <= PONTO_LOG_WARNING;
}

void dist_rig_init(struct dist_rig *rig)
{
	const struct ponto_plugin *plugin = &store_mem_LTX_ponto_plugin;
	char error[256];

	memset(rig, 0, sizeof(*rig));
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &rig->sim));
	assert_ok(ponto_sim_node(rig->sim, &rig->node));
	assert_ok(ponto_log_create(&ponto_alloc_system, ponto_sim_node_clock(rig->node), PONTO_LOG_NONE, "info",
				   &rig->log));
	ponto_log_tap(rig->log, on_line, rig);
	assert_ok(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count,
				  (const char *const[]){NULL}, error, sizeof(error), &rig->conf));
	rig->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(rig->env),
		.instance = "main",
		.node_name = "test",
		.conf = rig->conf,
		.alloc = &ponto_alloc_system,
		.clock = ponto_sim_node_clock(rig->node),
	};
	rig->inner.ops = (const struct ponto_store_ops *)(const void *)plugin->vtable;
	assert_ok(rig->inner.ops->create(&rig->env, &rig->inner.self));
	rig->store = (struct ponto_store){&rig_ops, rig, NULL};
}

void dist_rig_clear(struct dist_rig *rig)
{
	rig->inner.ops->destroy(rig->inner.self);
	ponto_conf_destroy(rig->conf);
	ponto_log_destroy(rig->log);
	ponto_sim_destroy(rig->sim);
}

void dist_rig_fail(struct dist_rig *rig, unsigned which, unsigned nth, unsigned count, int with)
{
	rig->which = which;
	rig->calls = 0;
	rig->fail_at = nth;
	rig->fail_count = count;
	rig->fail_with = with;
}

void dist_rig_run(struct dist_rig *rig, uint64_t us)
{
	ponto_sim_run(rig->sim, ponto_sim_now(rig->sim) + us);
}

uint64_t dist_rig_wall(struct dist_rig *rig)
{
	return ponto_wall(ponto_sim_node_clock(rig->node));
}

struct dist_cache_config dist_rig_config(struct dist_rig *rig)
{
	return (struct dist_cache_config){
		.alloc = &ponto_alloc_system,
		.clock = ponto_sim_node_clock(rig->node),
		.random = ponto_sim_node_random(rig->node),
		.log = rig->log,
		.instance = "test",
		.loop = ponto_sim_node_loop(rig->node),
		.store = rig->store,
	};
}

#define PENDING 1 /* no result */

static void note_result(void *arg, int result)
{
	*(int *)arg = result;
}

struct dist_cache *dist_rig_open(struct dist_rig *rig, const struct dist_cache_config *config)
{
	struct dist_cache *cache;
	int ready = PENDING;

	assert_ok(dist_cache_open(config, note_result, &ready, &cache));
	assert_int_equal(ready, PENDING);
	dist_rig_run(rig, PONTO_SECOND / 4);
	assert_ok(ready);
	return cache;
}

static void note_closed(void *arg)
{
	*(bool *)arg = true;
}

void dist_rig_close(struct dist_rig *rig, struct dist_cache *cache)
{
	bool closed = false;

	dist_cache_close(cache, note_closed, &closed);
	dist_rig_run(rig, PONTO_SECOND / 4);
	assert_true(closed);
}

struct dist_segment dist_rig_segment(const struct content_made *made, size_t i)
{
	const struct content_segment *from = &made->segments[i];
	struct dist_segment s = {
		.algo = made->algo, .size = from->size, .keyed = true, .block_hashes = from->block_hashes};

	memcpy(s.hod, from->hod, sizeof(s.hod));
	memcpy(s.kp, from->kp, sizeof(s.kp));
	content_segment_id(s.algo, s.kp, s.hod, &s.id);
	return s;
}

struct dist_piece dist_rig_piece(const struct content_made *made, size_t i, uint32_t index, struct ponto_bytes data)
{
	const struct content_segment *s = &made->segments[i];

	return (struct dist_piece){
		.index = index,
		.data = ponto_bytes(data.data + s->offset + content_block_offset(made->algo, index),
				    content_block_size(made->algo, s->size, index)),
	};
}

struct blob dist_rig_content(size_t len, uint64_t seed)
{
	struct blob b = pattern(len);
	struct ponto_test_random tr;

	ponto_test_random_init(&tr, seed);
	tr.random.fill(tr.random.ctx, b.data, len);
	return b;
}

struct dist_stock dist_stock_make(unsigned count, uint32_t first, uint32_t step, size_t large)
{
	uint32_t *sizes = calloc(count + 1, sizeof(*sizes));
	struct dist_stock s;
	size_t all = 0;

	assert_non_null(sizes);
	for (unsigned i = 0; i < count; i++)
		all += sizes[i] = first + step * i;
	s.small = dist_rig_content(all, 7);
	s.large = dist_rig_content(large, 8);
	s.v2 = content_make(CONTENT_TRUNCATED, bytes_of(&s.small), sizes);
	s.v1 = content_make(CONTENT_SHA256, bytes_of(&s.large), NULL);
	free(sizes);
	return s;
}

void dist_stock_free(struct dist_stock *stock)
{
	content_made_free(&stock->v1);
	content_made_free(&stock->v2);
	free(stock->small.data);
	free(stock->large.data);
}

int dist_rig_put(struct dist_rig *rig, struct dist_cache *cache, const struct dist_segment *segment,
		 const struct dist_piece *piece)
{
	int later = PENDING, result = dist_cache_put(cache, segment, piece, note_result, &later);

	if (result != PONTO_OK)
		return result;
	assert_int_equal(later, PENDING);
	dist_rig_run(rig, PONTO_SECOND / 4);
	assert_int_not_equal(later, PENDING);
	return later;
}

void dist_rig_put_all(struct dist_rig *rig, struct dist_cache *cache, const struct content_made *made, size_t i,
		      struct ponto_bytes data)
{
	struct dist_segment segment = dist_rig_segment(made, i);

	for (uint32_t b = 0; b < content_segment_blocks(made->algo, segment.size); b++) {
		struct dist_piece piece = dist_rig_piece(made, i, b, data);

		assert_ok(dist_rig_put(rig, cache, &segment, &piece));
	}
}

struct expected {
	int later; /* what done told */
	struct dist_segment segment;
	struct dist_piece piece;
};

static int compare(void *arg, const struct dist_read *read)
{
	const struct expected *e = arg;

	assert_true(content_id_equal(&read->id, &e->segment.id));
	assert_int_equal(read->index, e->piece.index);
	assert_int_equal(read->meta.algo, e->segment.algo);
	assert_int_equal(read->meta.size, e->segment.size);
	assert_true(read->meta.keyed);
	assert_memory_equal(read->meta.kp, e->segment.kp, CONTENT_HASH_MAX);
	assert_memory_equal(read->meta.hod, e->segment.hod, CONTENT_HASH_MAX);
	assert_int_equal(read->block.crypto, CONTENT_PLAIN);
	assert_true(ponto_bytes_equal(read->block.data, e->piece.data));
	return PONTO_OK;
}

static void note_expected(void *arg, int result)
{
	((struct expected *)arg)->later = result;
}

int dist_rig_get(struct dist_rig *rig, struct dist_cache *cache, const struct content_made *made, size_t i,
		 uint32_t index, struct ponto_bytes data)
{
	struct expected e = {PENDING, dist_rig_segment(made, i), dist_rig_piece(made, i, index, data)};
	int result = dist_cache_get(cache, &e.segment.id, index, compare, note_expected, &e);

	if (result != PONTO_OK)
		return result;
	assert_int_equal(e.later, PENDING);
	dist_rig_run(rig, PONTO_SECOND / 4);
	assert_int_not_equal(e.later, PENDING);
	return e.later;
}

void dist_rig_damage(struct dist_rig *rig, struct ponto_bytes group, struct ponto_bytes key, long at, bool cut)
{
	uint8_t *value;
	size_t size, from;

	assert_ok(ponto_store_get(rig->inner, group, key, PONTO_NEVER, &ponto_alloc_system, &value, &size, NULL));
	from = at < 0 ? size - (size_t)-at : (size_t)at;
	assert_true(from < size);
	if (cut)
		size = from;
	else
		value[from] ^= 0xee;
	assert_ok(ponto_store_put(rig->inner, group, key, ponto_bytes(value, size), 0, 0, PONTO_NEVER));
	free(value);
}

static bool count_one(void *arg, struct ponto_bytes key, struct ponto_bytes value, uint64_t expires)
{
	(void)key;
	(void)value;
	(void)expires;
	++*(size_t *)arg;
	return true;
}

size_t dist_rig_records(struct dist_rig *rig, struct ponto_bytes group)
{
	const struct ponto_bytes none = {NULL, 0};
	size_t count = 0;

	assert_ok(ponto_store_iterate(rig->inner, group, none, none, PONTO_NEVER, count_one, &count));
	return count;
}
