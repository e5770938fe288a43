/* The cache with real workers: blocks are kept, read and evicted at once, and whoever reads gets the right bytes or
 * none. */
#include "tests/unit/dist_rig.h"

#define PART 3000u
#define PARTS 60u
#define LANES 12u
#define STEPS 3000u

struct world;

/* One that does one thing after the other. */
struct lane {
	struct world *world;
	size_t part;
	struct dist_segment segment;
	struct dist_piece piece;
};

struct world {
	struct dist_rig rig; /* its store alone */
	struct ponto_loop *loop;
	struct ponto_pool *pool;
	struct dist_cache *cache;
	struct blob data;
	struct content_made made;
	struct ponto_test_random random;
	struct lane lanes[LANES];
	unsigned steps, busy, kept, given, missed;
	bool closed;
};

static void step(struct lane *lane);

static int compare(void *arg, const struct dist_read *read)
{
	const struct lane *lane = arg;

	assert_true(content_id_equal(&read->id, &lane->segment.id));
	assert_true(ponto_bytes_equal(read->block.data, lane->piece.data));
	return PONTO_OK;
}

static void on_put(void *arg, int result)
{
	struct lane *lane = arg;

	assert_true(result == PONTO_OK || result == PONTO_EBUSY); /* the pool's queue is short */
	lane->world->kept += result == PONTO_OK;
	step(lane);
}

static void on_got(void *arg, int result)
{
	struct lane *lane = arg;

	assert_true(result == PONTO_OK || result == PONTO_ENOENT);
	lane->world->given += result == PONTO_OK;
	lane->world->missed += result != PONTO_OK;
	step(lane);
}

static void on_closed(void *arg)
{
	struct world *w = arg;

	w->closed = true;
	ponto_loop_stop(w->loop);
}

static void again(void *arg)
{
	step(arg);
}

static void step(struct lane *lane)
{
	struct world *w = lane->world;
	int result;

	if (w->steps == STEPS) {
		if (--w->busy == 0)
			dist_cache_close(w->cache, on_closed, w);
		return;
	}
	w->steps++;
	lane->part = (size_t)ponto_random_below(&w->random.random, PARTS);
	lane->segment = dist_rig_segment(&w->made, lane->part);
	lane->piece = dist_rig_piece(&w->made, lane->part, 0, bytes_of(&w->data));
	if (w->steps % 500 == 0)
		assert_ok(dist_cache_clear(w->cache, NULL, NULL, NULL, NULL));
	if (w->steps % 300 == 0)
		(void)!dist_cache_verify(w->cache, NULL, NULL, NULL);
	result = dist_cache_get(w->cache, &lane->segment.id, 0, compare, on_got, lane);
	if (result == PONTO_ENOENT)
		result = dist_cache_put(w->cache, &lane->segment, &lane->piece, on_put, lane);
	if (result != PONTO_OK) {
		assert_int_equal(result, PONTO_EBUSY); /* of the pool's queue */
		assert_ok(ponto_loop_post(w->loop, again, lane));
	}
}

static void on_ready(void *arg, int result)
{
	struct world *w = arg;

	assert_ok(result);
	w->busy = LANES;
	for (size_t i = 0; i < LANES; i++) {
		w->lanes[i].world = w;
		step(&w->lanes[i]);
	}
}

static void readers_get_the_right_bytes_or_none(void **state)
{
	static struct world w;
	uint32_t sizes[PARTS + 1];
	struct dist_cache_config config;

	(void)state;
	for (size_t i = 0; i < PARTS; i++)
		sizes[i] = PART;
	sizes[PARTS] = 0;
	w.data = dist_rig_content((size_t)PART * PARTS, 5);
	w.made = content_make(CONTENT_TRUNCATED, bytes_of(&w.data), sizes);
	ponto_test_random_init(&w.random, 1);
	dist_rig_init(&w.rig);
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &w.loop));
	assert_ok(ponto_pool_create(&ponto_alloc_system, "store", 3, 8, &w.pool));
	config = dist_rig_config(&w.rig);
	config.loop = w.loop;
	config.store = (struct ponto_store){w.rig.inner.ops, w.rig.inner.self, w.pool};
	config.log = NULL;
	config.max_bytes = 25 * (PART + 4096);
	config.max_hot = 10 * PART;
	assert_ok(dist_cache_open(&config, on_ready, &w, &w.cache));
	assert_ok(ponto_loop_run(w.loop));
	assert_true(w.closed);
	/* Each of the three happened, and what was kept is still right. */
	assert_true(w.kept > PARTS && w.given > 0);
	config = dist_rig_config(&w.rig);
	w.cache = dist_rig_open(&w.rig, &config);
	for (size_t i = 0; i < PARTS; i++) {
		int result = dist_rig_get(&w.rig, w.cache, &w.made, i, 0, bytes_of(&w.data));

		assert_true(result == PONTO_OK || result == PONTO_ENOENT);
	}
	dist_rig_close(&w.rig, w.cache);
	ponto_pool_destroy(w.pool);
	ponto_loop_destroy(w.loop);
	dist_rig_clear(&w.rig);
	content_made_free(&w.made);
	free(w.data.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_get_the_right_bytes_or_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
