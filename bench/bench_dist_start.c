/* How long the cache takes to start on store-rocksdb, and what memory it has then: 10,000,000 blocks are held, or as many
 * as PONTO_BLOCKS says. It has started when a block was put, kept, and read again, and one of the segments that lie there,
 * chosen at random, was asked for and found; then another 1,000 are, one after the other, and how long the longest question
 * took is told, and when all was known. As segments of version 1.0, of 512 blocks of 64 KiB of which 1 KiB each is kept, so that a disk
 * holds them (PONTO_VERSION=1, the default), or of 2.0, of one of 1 KiB, which are read too.
 *
 *     bench_dist_start            makes a store here, opens the cache, removes the store
 *     PONTO_STORE=FOLDER          keeps it, and opens what is there instead of making it again
 *
 * Cold: nothing of the store is in the page cache. The limit of 5 seconds is for the start, opening the store included. It
 * is filled in the order of its keys, which spares RocksDB the compactions and us an hour. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "framework/env.h"
#include "plugins/service-dist/dist_cache.h"
#include "plugins/service-dist/dist_digest.h"

#define LIMIT 5.0  /* seconds */
#define BODY 1024u /* bytes kept of a block */
#define SEGMENT_BLOCKS 512u
#define NOW UINT64_C(1700000000000000)
#define QUESTIONS 1000u

extern const struct ponto_plugin store_rocksdb_LTX_ponto_plugin;

static struct ponto_store store;
static bool v2;
static uint64_t state;

static void must(int result, const char *what)
{
	if (result == PONTO_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, ponto_strerror(result));
	exit(2);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* MiB that the process has in memory. */
static double resident(void)
{
	unsigned long pages = 0, total;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &total, &pages) != 2)
		must(PONTO_EIO, "/proc/self/statm");
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

/* ---- a store full of segments ------------------------------------------------------------ */

/* Bytes that no compression finds anything in, and that cost little. */
static void noise(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(state)) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(out + i, &state, sizeof(state));
	}
}

/* The same for a number, whenever it is made. */
static void begin_noise(uint64_t number)
{
	state = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* A segment's keys, and bytes of its first block. */
static void make_keys(uint64_t number, struct dist_meta *meta, uint8_t body[BODY], struct content_id *id)
{
	*meta = (struct dist_meta){.algo = v2 ? CONTENT_TRUNCATED : CONTENT_SHA256, .keyed = true};
	begin_noise(number);
	noise(body, BODY);
	if (v2)
		dist_digest(meta->algo, ponto_bytes(body, BODY), meta->hod);
	else
		noise(meta->hod, 32);
	noise(meta->kp, 32);
	content_segment_id(meta->algo, meta->kp, meta->hod, id);
}

struct filler {
	struct ponto_store_step steps[SEGMENT_BLOCKS + 2];
	uint8_t keys[SEGMENT_BLOCKS][DIST_KEY_BLOCK];
	uint8_t values[SEGMENT_BLOCKS][DIST_BLOCK_HEAD_MAX + BODY];
	uint8_t hashes[SEGMENT_BLOCKS * 32], list[DIST_LIST_MAX], meta[DIST_META_MAX];
	size_t count;
};

static void add(struct filler *f, struct ponto_bytes key, struct ponto_bytes value)
{
	f->steps[f->count++] = (struct ponto_store_step){.kind = PONTO_STEP_PUT, .key = key, .value = value};
}

/* Records as dist_shelf_change makes them, in one batch. */
static void make_segment(struct filler *f, uint64_t number, uint32_t blocks)
{
	struct dist_meta meta;
	struct content_id id;
	uint8_t group[DIST_GROUP_MAX], body[BODY];
	size_t len;

	make_keys(number, &meta, body, &id);
	noise(f->hashes, blocks * 32);
	if (v2)
		memcpy(f->hashes, meta.hod, 32);
	content_blocks_add(&meta.blocks, 0, blocks);
	meta.size = v2 ? BODY : blocks * CONTENT_BLOCK;
	/* Used in another order than kept. */
	meta.created = NOW + number;
	meta.used = NOW + (number * UINT64_C(2654435761) & 0xffffffff);
	meta.hashes = v2 ? 0 : (uint16_t)blocks;
	f->count = 0;
	for (uint32_t i = 0; i < blocks; i++) {
		struct dist_block block = {.crypto = CONTENT_PLAIN, .by = meta.algo};
		struct ponto_writer w = ponto_writer(f->values[i], sizeof(f->values[i]));

		if (i > 0)
			noise(body, sizeof(body));
		memcpy(block.hash, f->hashes + (size_t)i * 32, 32);
		block.data = ponto_bytes(body, sizeof(body));
		dist_block_encode(&block, &w);
		dist_block_key(i, f->keys[i]);
		add(f, ponto_bytes(f->keys[i], DIST_KEY_BLOCK), ponto_bytes(f->values[i], (size_t)w.pos));
	}
	if (!v2) {
		must(dist_list_encode(&id, meta.algo, ponto_bytes(f->hashes, blocks * 32), f->list, &len), "a list");
		add(f, ponto_bytes(DIST_KEY_LIST, 1), ponto_bytes(f->list, len));
	}
	must(dist_meta_encode(&id, &meta, f->meta, &len), "a head");
	add(f, ponto_bytes(DIST_KEY_META, 1), ponto_bytes(f->meta, len));
	must(ponto_store_batch(store, ponto_bytes(group, dist_group(&id, group)), f->steps, f->count, 0, PONTO_NEVER),
	     "filling");
}

struct turn {
	uint8_t id[8]; /* its first bytes */
	uint64_t number;
};

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct turn *)a)->id, ((const struct turn *)b)->id, sizeof(((const struct turn *)a)->id));
}

static struct turn *make_turns(uint64_t segments)
{
	struct turn *turns = calloc(segments, sizeof(*turns));

	if (!turns)
		must(PONTO_ENOMEM, "filling");
	for (uint64_t n = 0; n < segments; n++) {
		struct dist_meta meta;
		struct content_id id;
		uint8_t body[BODY];

		make_keys(n, &meta, body, &id);
		memcpy(turns[n].id, id.b, sizeof(turns[n].id));
		turns[n].number = n;
	}
	qsort(turns, segments, sizeof(*turns), by_id);
	return turns;
}

static uint32_t each(void)
{
	return v2 ? 1 : SEGMENT_BLOCKS;
}

static uint64_t segments_of(uint64_t blocks)
{
	return (blocks + each() - 1) / each();
}

static void fill(uint64_t blocks)
{
	uint64_t segments = segments_of(blocks);
	struct turn *turns = make_turns(segments);
	struct filler *f = calloc(1, sizeof(*f));

	if (!f)
		must(PONTO_ENOMEM, "filling");
	for (uint64_t n = 0; n < segments; n++) {
		uint64_t left = blocks - turns[n].number * each();

		make_segment(f, turns[n].number, left < each() ? (uint32_t)left : each());
		if (isatty(STDERR_FILENO) && n % 1024 == 0)
			fprintf(stderr, "\rfilling: %llu of %llu segments", (unsigned long long)n,
				(unsigned long long)segments);
	}
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	free(f);
	free(turns);
}

/* ---- the store -------------------------------------------------------------------------------- */

static struct ponto_conf *conf;
static char folder[4096];
static struct ponto_env env = {
	.abi = PONTO_PLUGIN_ABI,
	.size = sizeof(env),
	.instance = "main",
	.node_name = "bench",
	.state_dir = folder,
	.alloc = &ponto_alloc_system,
	.clock = &ponto_clock_system,
	.random = &ponto_random_system,
};

static void open_store(void)
{
	store.ops = (const struct ponto_store_ops *)(const void *)store_rocksdb_LTX_ponto_plugin.vtable;
	must(store.ops->create(&env, &store.self), "store-rocksdb");
}

/* Of its files nothing stays in the page cache. */
static void make_cold(void)
{
	char path[sizeof(folder) + 300];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/main", folder);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		int fd;

		snprintf(path, sizeof(path), "%s/main/%s", folder, entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fdatasync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
			fprintf(stderr, "%s stays in memory\n", path);
		close(fd);
	}
	if (dir)
		closedir(dir);
}

/* ---- opening ------------------------------------------------------------------------------------ */

struct start {
	struct ponto_loop *loop;
	struct dist_cache *cache;
	struct dist_segment segment;
	uint8_t data[BODY];
	double began, used, told, known; /* when; 0: not yet */
	double asked, longest; /* when it was last asked; the longest question */
	uint64_t segments, early; /* there are; known when it had started */
	unsigned questions, early_questions; /* answered; of them of what was known already */
	struct content_id id;
	uint8_t body[BODY]; /* of what was asked for */
};

static void end_perhaps(struct start *s)
{
	if (s->known > 0 && s->told > 0)
		ponto_loop_stop(s->loop);
}

static void on_ready(void *arg, int result)
{
	struct start *s = arg;

	must(result, "opening");
	s->known = seconds();
	end_perhaps(s);
}

static int compare(void *arg, const struct dist_read *read)
{
	const struct start *s = arg;

	return ponto_bytes_equal(read->block.data, ponto_bytes(s->body, BODY)) ? PONTO_OK : PONTO_ECORRUPT;
}

static void ask(struct start *s);

static void answered(void *arg, int result)
{
	struct start *s = arg;
	double took = seconds() - s->asked;
	struct dist_cache_stats stats;

	must(result, "what was asked for");
	s->longest = took > s->longest ? took : s->longest;
	if (s->used <= 0) {
		s->used = seconds();
		dist_cache_stats(s->cache, &stats);
		s->early = stats.segments;
	}
	if (s->questions++ < QUESTIONS) {
		ask(s);
		return;
	}
	s->told = seconds();
	fprintf(stderr, "# started after %.2fs, %u more questions took %.2fs; the rest is waited for\n", s->used - s->began,
		QUESTIONS, s->told - s->used);
	end_perhaps(s);
}

static void look(void *arg, int result)
{
	struct start *s = arg;
	struct dist_known known;

	must(result, "asking");
	must(dist_cache_find(s->cache, &s->id, &known) ? PONTO_OK : PONTO_ENOENT, "what lies there");
	if (v2)
		must(dist_cache_get(s->cache, &s->id, 0, compare, answered, s), "reading");
	else
		answered(s, PONTO_OK);
}

/* As a neighbour does. */
static void ask(struct start *s)
{
	struct dist_meta meta;
	uint64_t number;
	int result;

	ponto_random_system.fill(ponto_random_system.ctx, (uint8_t *)&number, sizeof(number));
	make_keys(number % s->segments, &meta, s->body, &s->id);
	s->asked = seconds();
	result = dist_cache_learn(s->cache, &s->id, 1, look, s);
	if (result != PONTO_OK) {
		s->early_questions++;
		look(s, result == PONTO_ENOENT ? PONTO_OK : result);
	}
}

static void on_read(void *arg, int result)
{
	must(result, "reading");
	ask(arg);
}

static void on_put(void *arg, int result)
{
	struct start *s = arg;

	must(result, "keeping");
	must(dist_cache_get(s->cache, &s->segment.id, 0, compare, on_read, s), "reading");
}

/* A block that comes as soon as the cache is there. */
static void use(struct start *s)
{
	struct dist_piece piece = {.index = 0, .data = ponto_bytes(s->data, sizeof(s->data))};

	ponto_random_system.fill(ponto_random_system.ctx, s->data, sizeof(s->data));
	memcpy(s->body, s->data, sizeof(s->body));
	s->segment = (struct dist_segment){.algo = CONTENT_TRUNCATED, .size = sizeof(s->data), .keyed = true};
	dist_digest(s->segment.algo, piece.data, s->segment.hod);
	content_segment_secret(s->segment.algo, s->segment.hod, s->segment.hod, s->segment.kp);
	content_segment_id(s->segment.algo, s->segment.kp, s->segment.hod, &s->segment.id);
	must(dist_cache_put(s->cache, &s->segment, &piece, on_put, s), "keeping");
}

static void on_cleared(void *arg, int result, uint64_t segments)
{
	must(segments == 1 ? result : PONTO_EIO, "clearing");
	ponto_loop_stop(arg);
}

static void on_closed(void *arg)
{
	ponto_loop_stop(arg);
}

static bool measure(uint64_t blocks)
{
	struct dist_cache_config config = {
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.random = &ponto_random_system,
		.instance = "bench",
	};
	struct dist_cache_stats stats;
	struct start s = {.segments = segments_of(blocks)};
	double start, opened, before, after;

	make_cold();
	start = seconds();
	open_store();
	opened = seconds();
	must(ponto_loop_uv_create(&ponto_alloc_system, &config.loop), "loop");
	must(ponto_pool_create(&ponto_alloc_system, "store", 4, 1024, &store.pool), "pool");
	config.store = store;
	before = resident();
	s.loop = config.loop;
	s.began = start;
	must(dist_cache_open(&config, on_ready, &s, &s.cache), "opening");
	use(&s);
	must(ponto_loop_run(config.loop), "running");
	after = resident();
	must(dist_cache_clear(s.cache, &s.segment.id, NULL, on_cleared, config.loop), "clearing");
	must(ponto_loop_run(config.loop), "running");
	dist_cache_stats(s.cache, &stats);
	printf("bench dist-start-v%d ratio=%.2f ours=%.2fs limit=%.2fs (the store %.2fs; blocks=%llu of %llu in %llu segments, "
	       "%llu of them known at the start, all after %.2fs; %u questions, %u of what was known, %.1fms each, the longest %.0fms; "
	       "memory: the store %.0fMiB, the cache %.0fMiB, %.0f bytes a segment)\n",
	       v2 ? 2 : 1, LIMIT / (s.used - start), s.used - start, LIMIT, opened - start,
	       (unsigned long long)stats.blocks, (unsigned long long)blocks, (unsigned long long)stats.segments,
	       (unsigned long long)s.early, s.known - start, s.questions, s.early_questions, 1000 * (s.told - s.used) / QUESTIONS, 1000 * s.longest, before,
	       after - before, (after - before) * 1048576 / (double)stats.segments);
	dist_cache_close(s.cache, on_closed, config.loop);
	must(ponto_loop_run(config.loop), "running");
	ponto_pool_destroy(store.pool);
	ponto_loop_destroy(config.loop);
	store.ops->destroy(store.self);
	return stats.blocks == blocks && s.used - start <= LIMIT;
}

int main(void)
{
	static const char *const settings[] = {"path=main", "reserve=0", NULL};
	const struct ponto_plugin *plugin = &store_rocksdb_LTX_ponto_plugin;
	const char *kept = getenv("PONTO_STORE"), *count = getenv("PONTO_BLOCKS"), *version = getenv("PONTO_VERSION");
	uint64_t blocks = count ? strtoull(count, NULL, 10) : 10000000;
	char own[] = "bench_dist_start-XXXXXX", error[256], path[sizeof(folder) + 16];
	bool good;

	v2 = version && strcmp(version, "2") == 0;
	if (kept ? mkdir(kept, 0700) != 0 && access(kept, F_OK) != 0 : !mkdtemp(own))
		must(PONTO_EIO, kept ? kept : own);
	if (!realpath(kept ? kept : own, folder))
		must(PONTO_EIO, folder);
	must(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			     &conf),
	     "configuring");
	env.conf = conf;
	snprintf(path, sizeof(path), "%s/main", folder);
	if (access(path, F_OK) != 0) {
		open_store();
		fill(blocks);
		store.ops->destroy(store.self);
	}
	good = measure(blocks);
	ponto_conf_destroy(conf);
	snprintf(path, sizeof(path), "rm -r '%.4000s'", own);
	if (!kept && system(path) != 0)
		good = false;
	return good ? 0 : 1;
}
