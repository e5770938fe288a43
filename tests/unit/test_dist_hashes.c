/* The kept hashes of files: whole sets or none, of one state of a file, bounded. */
#include "tests/unit/dist_rig.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "plugins/service-dist/dist_hash.h"
#include "plugins/service-dist/dist_hashes.h"

#define GROUP ponto_bytes(DIST_GROUP_HASHES, strlen(DIST_GROUP_HASHES))
#define DAY (24 * 3600 * PONTO_SECOND)

/* Segments that no content has: what is kept is what came. */
struct made {
	struct dist_file file;
	enum content_algo algo;
	size_t count;
	struct content_segment *segments;
	uint8_t *lists;
};

static struct made make(uint64_t inode, enum content_algo algo, size_t count, uint32_t last)
{
	size_t hash = content_hash_size(algo), list = content_is_v2(algo) ? 0 : CONTENT_SEGMENT_BLOCKS * hash;
	uint32_t each = content_is_v2(algo) ? 50000 : CONTENT_SEGMENT_V1;
	struct made m = {
		.file = {.device = 1, .inode = inode, .changed = 77},
		.algo = algo,
		.count = count,
		.segments = calloc(count + 1, sizeof(*m.segments)),
		.lists = calloc(count + 1, list + 1),
	};
	struct ponto_test_random tr;

	assert_non_null(m.segments);
	assert_non_null(m.lists);
	ponto_test_random_init(&tr, inode);
	for (size_t i = 0; i < count; i++) {
		struct content_segment *s = &m.segments[i];

		s->index = i;
		s->offset = m.file.size;
		s->size = i + 1 < count ? each : last;
		tr.random.fill(tr.random.ctx, s->hod, hash);
		if (list) {
			s->block_hashes = ponto_bytes(m.lists + i * list, content_segment_blocks(algo, s->size) * hash);
			tr.random.fill(tr.random.ctx, m.lists + i * list, list);
		}
		m.file.size += s->size;
	}
	return m;
}

static void made_free(struct made *m)
{
	free(m->segments);
	free(m->lists);
}

static struct dist_hashes_config config_of(struct dist_rig *rig)
{
	return (struct dist_hashes_config){
		.alloc = &ponto_alloc_system,
		.clock = ponto_sim_node_clock(rig->node),
		.log = rig->log,
		.instance = "test",
		.store = rig->store,
	};
}

static struct dist_hashes *open_hashes(struct dist_rig *rig)
{
	struct dist_hashes_config config = config_of(rig);
	struct dist_hashes *h;

	assert_ok(dist_hashes_open(&config, &h));
	return h;
}

static int save(struct dist_hashes *h, const struct made *m)
{
	struct dist_saving *saving;
	int result = dist_hashes_begin(h, &m->file, m->algo, &saving);

	if (result != PONTO_OK)
		return result;
	for (size_t i = 0; i < m->count && result == PONTO_OK; i++)
		result = dist_hashes_segment(saving, &m->segments[i]);
	if (result == PONTO_OK)
		return dist_hashes_commit(saving, &m->file);
	dist_hashes_abort(saving);
	return result;
}

struct seen {
	const struct made *made;
	size_t count;
	int stop; /* with this */
	size_t stop_at;
};

static int compare(void *arg, const struct content_segment *s)
{
	static const uint8_t zeros[CONTENT_HASH_MAX];
	struct seen *seen = arg;
	const struct content_segment *same = &seen->made->segments[seen->count];

	if (seen->stop && seen->count == seen->stop_at)
		return seen->stop;
	assert_true(seen->count < seen->made->count);
	assert_int_equal(s->index, same->index);
	assert_int_equal(s->offset, same->offset);
	assert_int_equal(s->size, same->size);
	assert_memory_equal(s->hod, same->hod, sizeof(s->hod));
	assert_memory_equal(s->kp, zeros, sizeof(zeros));
	assert_true(ponto_bytes_equal(s->block_hashes, same->block_hashes));
	seen->count++;
	return PONTO_OK;
}

static int load(struct dist_hashes *h, const struct made *m)
{
	struct seen seen = {.made = m};
	int result = dist_hashes_load(h, &m->file, m->algo, compare, &seen);

	if (result == PONTO_OK)
		assert_int_equal(seen.count, m->count);
	return result;
}

static struct dist_hashes_stats stats_of(struct dist_hashes *h)
{
	struct dist_hashes_stats stats;

	dist_hashes_stats(h, &stats);
	return stats;
}

/* ---- sets ------------------------------------------------------------------------------- */

static void a_set_comes_back_whole(void **state)
{
	/* One record, several, one short, exactly full ones, none. */
	struct made made[] = {
		make(1, CONTENT_SHA256, 1, 10),
		make(2, CONTENT_SHA256, 3, CONTENT_SEGMENT_V1),
		make(3, CONTENT_SHA512, 2, 70000),
		make(4, CONTENT_SHA384, 2, 1),
		make(5, CONTENT_TRUNCATED, 1, 1),
		make(6, CONTENT_TRUNCATED, DIST_HASHES_PIECES, 131072),
		make(7, CONTENT_TRUNCATED, 2 * DIST_HASHES_PIECES + 1, 5),
		make(8, CONTENT_TRUNCATED, 0, 0),
	};
	struct dist_hashes *h;
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	h = open_hashes(&rig);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(made); i++) {
		assert_int_equal(load(h, &made[i]), PONTO_ENOENT);
		assert_ok(save(h, &made[i]));
		assert_ok(load(h, &made[i]));
	}
	/* Kept again, it is the same, and counts once. */
	assert_ok(save(h, &made[1]));
	assert_int_equal(stats_of(h).files, PONTO_ARRAY_SIZE(made));
	dist_hashes_close(h);
	h = open_hashes(&rig);
	assert_int_equal(stats_of(h).files, PONTO_ARRAY_SIZE(made));
	assert_int_equal(stats_of(h).pieces, 1 + 3 * 512 + 514 + 513 + 1 + 512 + 1025);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(made); i++) {
		struct seen seen = {.made = &made[i], .stop = PONTO_ECORRUPT, .stop_at = made[i].count / 2};

		assert_ok(load(h, &made[i]));
		/* Whatever the caller says is his own affair. */
		assert_int_equal(dist_hashes_load(h, &made[i].file, made[i].algo, compare, &seen),
				 made[i].count ? PONTO_ECORRUPT : PONTO_OK);
		assert_ok(load(h, &made[i]));
		made_free(&made[i]);
	}
	assert_int_equal(stats_of(h).damaged, 0);
	assert_int_equal(rig.warnings, 0);
	dist_hashes_close(h);
	dist_rig_clear(&rig);
}

static void other_states_of_a_file_are_removed(void **state)
{
	struct made v1 = make(1, CONTENT_SHA256, 2, 10), v2 = make(1, CONTENT_TRUNCATED, 600, 10),
		    neighbour = make(2, CONTENT_SHA256, 1, 10);
	struct dist_hashes *h;
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	h = open_hashes(&rig);
	v2.file = v1.file;
	v2.segments[599].size = (uint32_t)(v1.file.size - v2.segments[599].offset) % 131072 + 1;
	v2.file.size = v1.file.size = v2.segments[599].offset + v2.segments[599].size;
	v1.segments[1].size = (uint32_t)(v1.file.size - v1.segments[1].offset);
	if (v1.file.size <= CONTENT_SEGMENT_V1) {
		v1.count = 1;
		v1.segments[0].size = (uint32_t)v1.file.size;
		v1.segments[0].block_hashes.len = content_segment_blocks(CONTENT_SHA256, v1.segments[0].size) * 32;
	}
	assert_ok(save(h, &neighbour));
	assert_ok(save(h, &v1));
	assert_ok(save(h, &v2));
	assert_ok(load(h, &v1)); /* one state, two algorithms */
	assert_int_equal(stats_of(h).files, 3);
	v1.file.changed++;
	assert_int_equal(load(h, &v1), PONTO_ENOENT);
	assert_ok(save(h, &v1));
	assert_int_equal(stats_of(h).files, 2);
	assert_int_equal(load(h, &v2), PONTO_ENOENT);
	assert_ok(load(h, &v1));
	assert_ok(load(h, &neighbour));
	assert_int_equal(dist_rig_records(&rig, GROUP), 4);
	assert_ok(dist_hashes_forget(h, &v1.file));
	assert_int_equal(load(h, &v1), PONTO_ENOENT);
	assert_ok(load(h, &neighbour));
	assert_ok(dist_hashes_forget(h, NULL));
	assert_int_equal(dist_rig_records(&rig, GROUP), 0);
	assert_int_equal(stats_of(h).files, 0);
	assert_int_equal(stats_of(h).pieces, 0);
	dist_hashes_close(h);
	dist_rig_clear(&rig);
	made_free(&v1);
	made_free(&v2);
	made_free(&neighbour);
}

static void what_was_not_finished_is_not_there(void **state)
{
	struct made m = make(1, CONTENT_TRUNCATED, 1000, 10);
	struct dist_saving *saving;
	struct dist_file changed;
	struct dist_hashes *h;
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	h = open_hashes(&rig);
	/* It changed while it was hashed, or is not as long as what came. */
	changed = m.file;
	changed.changed++;
	assert_ok(dist_hashes_begin(h, &m.file, m.algo, &saving));
	for (size_t i = 0; i < m.count; i++)
		assert_ok(dist_hashes_segment(saving, &m.segments[i]));
	assert_int_equal(load(h, &m), PONTO_ENOENT);
	assert_int_equal(dist_hashes_commit(saving, &changed), PONTO_EGUARD);
	assert_int_equal(dist_rig_records(&rig, GROUP), 0);
	assert_ok(dist_hashes_begin(h, &m.file, m.algo, &saving));
	assert_ok(dist_hashes_segment(saving, &m.segments[0]));
	assert_int_equal(dist_hashes_segment(saving, &m.segments[0]), PONTO_EINVAL);
	assert_int_equal(dist_hashes_segment(saving, &m.segments[2]), PONTO_EINVAL);
	assert_int_equal(dist_hashes_commit(saving, &m.file), PONTO_EGUARD);
	dist_hashes_abort(NULL);
	/* As if the process had ended: nothing can be removed any more. */
	assert_ok(dist_hashes_begin(h, &m.file, m.algo, &saving));
	for (size_t i = 0; i < 600; i++)
		assert_ok(dist_hashes_segment(saving, &m.segments[i]));
	dist_rig_fail(&rig, DIST_RIG_ALL, 1, 1000, PONTO_EIO);
	dist_hashes_abort(saving);
	dist_hashes_close(h);
	dist_rig_fail(&rig, 0, 1, 0, PONTO_OK);
	assert_int_equal(dist_rig_records(&rig, GROUP), 2);
	h = open_hashes(&rig);
	assert_int_equal(load(h, &m), PONTO_ENOENT);
	dist_hashes_close(h);
	assert_int_equal(dist_rig_records(&rig, GROUP), 2); /* it may be somebody else's, at work */
	dist_rig_run(&rig, DAY + PONTO_SECOND);
	h = open_hashes(&rig);
	assert_int_equal(dist_rig_records(&rig, GROUP), 0);
	assert_int_equal(stats_of(h).damaged, 0);
	dist_hashes_close(h);
	dist_rig_clear(&rig);
	made_free(&m);
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* What is left of a set behind the number of its records and its head: nothing. */
static void expect_gone(struct dist_rig *rig, struct dist_hashes *h, const struct made *m, uint64_t *damaged)
{
	assert_int_equal(load(h, m), PONTO_ENOENT);
	assert_int_equal(stats_of(h).damaged, ++*damaged);
	assert_int_equal(dist_rig_records(rig, GROUP), 2); /* the other's */
}

static void damage_is_absence(void **state)
{
	struct made m = make(1, CONTENT_TRUNCATED, 600, 10), other = make(2, CONTENT_SHA256, 1, 10);
	uint8_t keys[3][DIST_HASHES_KEY], *value;
	struct ponto_bytes key[3];
	struct dist_hashes *h;
	struct dist_rig rig;
	uint64_t damaged = 0;
	size_t len;

	(void)state;
	dist_rig_init(&rig);
	h = open_hashes(&rig);
	assert_ok(save(h, &other));
	dist_head_key(&m.file, m.algo, keys[0]);
	key[0] = ponto_bytes(keys[0], DIST_HEAD_KEY);
	for (uint32_t n = 0; n < 2; n++) {
		dist_hashes_key(&m.file, m.algo, n, keys[n + 1]);
		key[n + 1] = ponto_bytes(keys[n + 1], DIST_HASHES_KEY);
	}
	for (size_t i = 0; i < 3; i++) {
		for (long at = -24; at < 24; at++) {
			assert_ok(save(h, &m));
			dist_rig_damage(&rig, GROUP, key[i], at, at % 3 == 0);
			expect_gone(&rig, h, &m, &damaged);
		}
		assert_ok(save(h, &m));
		dist_rig_fail(&rig, DIST_RIG_GET, (unsigned)i + 1, 1, PONTO_ECORRUPT); /* by the store's own check */
		expect_gone(&rig, h, &m, &damaged);
		dist_rig_fail(&rig, 0, 1, 0, PONTO_OK);
		assert_ok(save(h, &m));
		assert_ok(ponto_store_remove(rig.inner, GROUP, key[i], 0, PONTO_NEVER));
		if (i > 0) {
			expect_gone(&rig, h, &m, &damaged);
		} else {
			assert_int_equal(load(h, &m), PONTO_ENOENT);
			damaged++; /* the next one finds records without a head */
		}
	}
	/* A record in another's place. */
	assert_ok(save(h, &m));
	assert_ok(ponto_store_get(rig.inner, GROUP, key[1], PONTO_NEVER, &ponto_alloc_system, &value, &len, NULL));
	assert_ok(ponto_store_put(rig.inner, GROUP, key[2], ponto_bytes(value, len), 0, 0, PONTO_NEVER));
	free(value);
	expect_gone(&rig, h, &m, &damaged);
	/* Records without a head are removed at the start. */
	assert_ok(save(h, &m));
	assert_ok(ponto_store_remove(rig.inner, GROUP, key[0], 0, PONTO_NEVER));
	dist_hashes_close(h);
	h = open_hashes(&rig);
	assert_int_equal(stats_of(h).damaged, 1);
	assert_int_equal(dist_rig_records(&rig, GROUP), 2);
	assert_ok(load(h, &other));
	dist_hashes_close(h);
	dist_rig_clear(&rig);
	made_free(&m);
	made_free(&other);
}

/* ---- the bound ------------------------------------------------------------------------------------- */

static bool collect(void *arg, const struct dist_hashes_set *set)
{
	uint64_t *inodes = arg;

	assert_true(set->file.inode < 64);
	assert_int_equal(set->algo, CONTENT_TRUNCATED);
	assert_int_equal(set->segments, 100);
	assert_int_equal(set->pieces, 100);
	assert_true(set->used >= set->created);
	*inodes |= UINT64_C(1) << set->file.inode;
	return true;
}

static bool stop_at_first(void *arg, const struct dist_hashes_set *set)
{
	(void)set;
	++*(unsigned *)arg;
	return false;
}

static void the_longest_unused_make_room(void **state)
{
	struct made made[6], large = make(9, CONTENT_TRUNCATED, 301, 10);
	struct dist_hashes_config config;
	struct dist_hashes *h;
	struct dist_rig rig;
	uint64_t inodes = 0;
	unsigned calls = 0;

	(void)state;
	dist_rig_init(&rig);
	config = config_of(&rig);
	config.max_pieces = 300;
	assert_ok(dist_hashes_open(&config, &h));
	for (size_t i = 0; i < 6; i++) {
		made[i] = make(i, CONTENT_TRUNCATED, 100, 10);
		assert_ok(save(h, &made[i]));
		dist_rig_run(&rig, DAY);
		if (i >= 1)
			assert_ok(load(h, &made[1]));
	}
	assert_ok(dist_hashes_each(h, collect, &inodes));
	assert_int_equal(inodes, 1 << 1 | 1 << 4 | 1 << 5);
	assert_int_equal(stats_of(h).evicted, 3);
	assert_int_equal(stats_of(h).pieces, 300);
	assert_ok(dist_hashes_each(h, stop_at_first, &calls));
	assert_int_equal(calls, 1);
	/* What is larger than all may be is not kept, and costs the others nothing. */
	assert_int_equal(save(h, &large), PONTO_ELIMIT);
	assert_int_equal(stats_of(h).files, 3);
	assert_int_equal(dist_rig_records(&rig, GROUP), 6);
	dist_hashes_close(h);
	dist_rig_clear(&rig);
	for (size_t i = 0; i < 6; i++)
		made_free(&made[i]);
	made_free(&large);
}

/* ---- faults ------------------------------------------------------------------------------------------ */

struct life {
	struct made a, b;
};

static int live(struct dist_rig *rig, const struct life *life, const struct ponto_alloc *alloc)
{
	struct dist_hashes_config config = config_of(rig);
	struct dist_hashes *h;
	int result;

	config.alloc = alloc;
	config.max_pieces = 1000;
	result = dist_hashes_open(&config, &h);
	if (result != PONTO_OK)
		return result;
	result = save(h, &life->a);
	if (result == PONTO_OK)
		result = save(h, &life->b); /* which evicts a */
	dist_rig_run(rig, 2 * 3600 * PONTO_SECOND);
	if (result == PONTO_OK)
		result = load(h, &life->b);
	if (result == PONTO_OK)
		result = dist_hashes_each(h, stop_at_first, &(unsigned){0});
	if (result == PONTO_OK)
		result = dist_hashes_forget(h, &life->a.file);
	dist_hashes_close(h);
	return result;
}

/* Afterwards a set is whole or not there, and what is no use to anybody goes in a day. */
static void all_is_well(struct dist_rig *rig, const struct life *life)
{
	struct dist_hashes *h;
	int result;

	dist_rig_fail(rig, 0, 1, 0, PONTO_OK);
	dist_rig_run(rig, DAY + PONTO_SECOND);
	h = open_hashes(rig);
	result = load(h, &life->b);
	assert_true(result == PONTO_OK || result == PONTO_ENOENT);
	result = load(h, &life->a);
	assert_true(result == PONTO_OK || result == PONTO_ENOENT);
	assert_ok(save(h, &life->a));
	assert_ok(load(h, &life->a));
	assert_ok(dist_hashes_forget(h, NULL));
	assert_int_equal(dist_rig_records(rig, GROUP), 0);
	dist_hashes_close(h);
}

static int live_once(const struct ponto_alloc *alloc, void *arg)
{
	struct dist_rig rig;
	int result;

	dist_rig_init(&rig);
	result = live(&rig, arg, alloc);
	all_is_well(&rig, arg);
	dist_rig_clear(&rig);
	return result;
}

static struct life life_make(void)
{
	return (struct life){make(1, CONTENT_TRUNCATED, 600, 10), make(2, CONTENT_SHA256, 2, 100)};
}

static void memory_runs_out(void **state)
{
	struct life life = life_make();

	(void)state;
	ponto_test_oom(live_once, &life, true);
	made_free(&life.a);
	made_free(&life.b);
}

static void the_store_fails(void **state)
{
	static const int faults[] = {PONTO_EIO, PONTO_ENOSPC, PONTO_ECORRUPT, PONTO_ETIME};
	struct life life = life_make();
	struct dist_rig rig;
	unsigned calls, told = 0;

	(void)state;
	dist_rig_init(&rig);
	dist_rig_fail(&rig, DIST_RIG_ALL, 1, 0, PONTO_OK);
	assert_ok(live(&rig, &life, &ponto_alloc_system));
	calls = rig.calls;
	dist_rig_clear(&rig);
	assert_true(calls > 15);
	for (unsigned nth = 1; nth <= calls; nth++) {
		for (size_t f = 0; f < PONTO_ARRAY_SIZE(faults); f++) {
			dist_rig_init(&rig);
			dist_rig_fail(&rig, DIST_RIG_ALL, nth, 1, faults[f]);
			told += live(&rig, &life, &ponto_alloc_system) != PONTO_OK;
			all_is_well(&rig, &life);
			dist_rig_fail(&rig, 0, 1, 0, PONTO_OK);
			dist_rig_clear(&rig);
		}
	}
	assert_true(told > 3 * calls);
	made_free(&life.a);
	made_free(&life.b);
}

/* ---- with the hasher, and by several threads --------------------------------------------------------------- */

static int hand_on(void *arg, const struct content_segment *segment)
{
	return dist_hashes_segment(arg, segment);
}

static void a_file_is_hashed_once(void **state)
{
	char *dir = ponto_test_mkdir(), path[300], reason[DIST_REASON_SIZE];
	struct blob data = dist_rig_content(CONTENT_SEGMENT_V1 + 100000, 5);
	struct content_made made = content_make(CONTENT_TRUNCATED, bytes_of(&data), NULL);
	struct made expected = {.algo = CONTENT_TRUNCATED, .count = made.count, .segments = made.segments};
	struct dist_hash setup = {
		.path = path,
		.algo = CONTENT_TRUNCATED,
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.segment = hand_on,
	};
	struct dist_saving *saving;
	struct dist_hashes *h;
	struct dist_rig rig;
	struct stat st;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", dir);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data.data, 1, data.len, file), data.len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(stat(path, &st), 0);
	expected.file = (struct dist_file){st.st_dev, st.st_ino, (uint64_t)st.st_size,
					   (uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec};
	for (size_t i = 0; i < made.count; i++)
		memset(made.segments[i].kp, 0, CONTENT_HASH_MAX);
	dist_rig_init(&rig);
	h = open_hashes(&rig);
	assert_ok(dist_hashes_begin(h, &expected.file, CONTENT_TRUNCATED, &saving));
	setup.arg = saving;
	assert_ok(dist_hash_file(&setup, &expected.file, reason));
	assert_ok(dist_hashes_commit(saving, &expected.file));
	assert_ok(load(h, &expected));
	dist_hashes_close(h);
	dist_rig_clear(&rig);
	content_made_free(&made);
	free(data.data);
	ponto_test_rmdir(dir);
}

static void *keep_some(void *arg)
{
	struct dist_hashes *h = *(struct dist_hashes **)arg;
	static _Atomic unsigned next;
	unsigned first = 100 * ++next;

	for (unsigned i = 0; i < 20; i++) {
		struct made m = make(first + i, CONTENT_TRUNCATED, 100, 10);

		assert_ok(save(h, &m));
		assert_true(load(h, &m) != PONTO_ECORRUPT);
		made_free(&m);
	}
	return NULL;
}

static void several_threads_keep_at_once(void **state)
{
	struct dist_hashes_config config;
	struct dist_hashes *h;
	pthread_t threads[4];
	struct dist_rig rig;

	(void)state;
	dist_rig_init(&rig);
	config = config_of(&rig);
	config.store = rig.inner; /* the rig's own counters are for one thread */
	config.max_pieces = 3000;
	assert_ok(dist_hashes_open(&config, &h));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_some, &h), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(stats_of(h).evicted, 50);
	assert_int_equal(stats_of(h).pieces, 3000);
	assert_int_equal(stats_of(h).damaged, 0);
	dist_hashes_close(h);
	assert_ok(dist_hashes_open(&config, &h));
	assert_int_equal(stats_of(h).files, 30); /* what is there, counted anew */
	dist_hashes_close(h);
	dist_rig_clear(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_comes_back_whole),
		cmocka_unit_test(other_states_of_a_file_are_removed),
		cmocka_unit_test(what_was_not_finished_is_not_there),
		cmocka_unit_test(damage_is_absence),
		cmocka_unit_test(the_longest_unused_make_room),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(the_store_fails),
		cmocka_unit_test(a_file_is_hashed_once),
		cmocka_unit_test(several_threads_keep_at_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
