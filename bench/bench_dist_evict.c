/* Reading from the cache while it makes room: on store-rocksdb, with blocks of 64 KiB put as fast as the store takes them,
 * each of which pushes another segment out, random blocks are read by eight at a time. From the call to its end, waiting
 * included; no block is in the cache's memory. Against the limit of 50 ms at the 99.9th percentile; beside it the same
 * reads while nothing is put, which tells what of it is the machine's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "framework/env.h"
#include "plugins/service-dist/dist_cache.h"
#include "plugins/service-dist/dist_digest.h"

#define SEGMENTS 2048u /* that there is room for */
#define READS 20000u
#define READERS 8u
#define WRITERS 8u
#define LIMIT 50.0 /* milliseconds */

extern const struct ponto_plugin store_rocksdb_LTX_ponto_plugin;

static char folder[] = "bench_dist_evict-XXXXXX";

struct bench;

struct reader {
	struct bench *b;
	uint64_t began;
};

struct writer {
	struct bench *b;
	struct dist_segment segment;
	uint8_t data[CONTENT_BLOCK];
};

struct bench {
	struct ponto_loop *loop;
	struct ponto_store store;
	struct dist_cache *cache;
	struct content_id ids[SEGMENTS / 2]; /* put last: too new to go */
	uint64_t put, reads, gone, random;
	double took[READS];
	struct reader readers[READERS];
	struct writer writers[WRITERS];
	uint64_t wanted;  /* puts */
	unsigned pending; /* reads and puts under way */
};

static void must(int result, const char *what)
{
	if (result == PONTO_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, ponto_strerror(result));
	exit(2);
}

static uint64_t now_us(void)
{
	return ponto_mono(&ponto_clock_system);
}

static uint64_t next_random(struct bench *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

/* ---- putting ------------------------------------------------------------------------- */

static void put_next(struct writer *w);

static void on_put(void *arg, int result)
{
	struct writer *w = arg;
	struct bench *b = w->b;

	must(result, "keeping");
	b->ids[b->put++ % PONTO_ARRAY_SIZE(b->ids)] = w->segment.id;
	b->pending--;
	if (b->put < b->wanted && b->reads < READS)
		put_next(w);
	else if (b->pending == 0)
		ponto_loop_stop(b->loop);
}

static void put_next(struct writer *w)
{
	struct dist_piece piece = {.index = 0, .data = ponto_bytes(w->data, sizeof(w->data))};
	struct dist_segment *s = &w->segment;
	uint64_t serial = next_random(w->b);

	memcpy(w->data, &serial, sizeof(serial));
	*s = (struct dist_segment){.algo = CONTENT_TRUNCATED, .size = sizeof(w->data), .keyed = true};
	dist_digest(s->algo, piece.data, s->hod);
	content_segment_secret(s->algo, s->hod, s->hod, s->kp);
	content_segment_id(s->algo, s->kp, s->hod, &s->id);
	must(dist_cache_put(w->b->cache, s, &piece, on_put, w), "keeping");
	w->b->pending++;
}

/* ---- reading --------------------------------------------------------------------------- */

static void read_next(struct reader *r);

static int work(void *arg, const struct dist_read *read)
{
	(void)arg;
	return read->block.data.len == CONTENT_BLOCK ? PONTO_OK : PONTO_ECORRUPT;
}

static void on_read(void *arg, int result)
{
	struct reader *r = arg;
	struct bench *b = r->b;

	if (result != PONTO_ENOENT)
		must(result, "reading");
	b->gone += result == PONTO_ENOENT;
	b->pending--;
	if (b->reads < READS)
		b->took[b->reads++] = (double)(now_us() - r->began) / 1000;
	if (b->reads < READS)
		read_next(r);
	else if (b->pending == 0)
		ponto_loop_stop(b->loop);
}

static void read_next(struct reader *r)
{
	struct bench *b = r->b;
	int result = PONTO_ENOENT;

	for (unsigned tries = 0; tries < 100 && result == PONTO_ENOENT; tries++) {
		r->began = now_us();
		result = dist_cache_get(b->cache, &b->ids[next_random(b) % PONTO_ARRAY_SIZE(b->ids)], 0, work, on_read, r);
	}
	must(result, "reading");
	b->pending++;
}

/* ---- the run ------------------------------------------------------------------------------ */

static void on_result(void *arg, int result)
{
	must(result, "the cache");
	ponto_loop_stop(((struct bench *)arg)->loop);
}

static void on_closed(void *arg)
{
	ponto_loop_stop(((struct bench *)arg)->loop);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* All reads once, and what they took, in order. */
static double read_all(struct bench *b)
{
	uint64_t began = now_us();

	b->reads = 0;
	for (unsigned i = 0; i < READERS; i++) {
		b->readers[i].b = b;
		read_next(&b->readers[i]);
	}
	while (b->pending > 0)
		must(ponto_loop_run(b->loop), "running");
	qsort(b->took, READS, sizeof(b->took[0]), ascending);
	return (double)(now_us() - began) / 1e6;
}

static double worst(const struct bench *b)
{
	return b->took[READS - READS / 1000 - 1];
}

static void fill(struct bench *b)
{
	for (unsigned i = 0; i < WRITERS; i++) {
		b->writers[i].b = b;
		ponto_random_system.fill(ponto_random_system.ctx, b->writers[i].data, CONTENT_BLOCK);
		put_next(&b->writers[i]);
	}
	while (b->pending > 0)
		must(ponto_loop_run(b->loop), "running");
}

static bool run(struct bench *b)
{
	struct dist_cache_config config = {
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.random = &ponto_random_system,
		.instance = "bench",
		.loop = b->loop,
		.store = b->store,
		.max_bytes = SEGMENTS * (uint64_t)(CONTENT_BLOCK + 4096),
	};
	struct dist_cache_stats stats;
	double seconds, quiet;
	uint64_t put;

	must(dist_cache_open(&config, on_result, b, &b->cache), "opening");
	must(ponto_loop_run(b->loop), "running");
	b->wanted = SEGMENTS;
	fill(b);
	(void)read_all(b);
	quiet = worst(b);
	put = b->put;
	b->wanted = UINT64_MAX;
	for (unsigned i = 0; i < WRITERS; i++)
		put_next(&b->writers[i]);
	seconds = read_all(b);
	put = b->put - put;
	dist_cache_stats(b->cache, &stats);
	dist_cache_close(b->cache, on_closed, b);
	must(ponto_loop_run(b->loop), "running");
	printf("bench dist-evict ratio=%.2f ours=%.1fms limit=%.1fms at the 99.9th percentile (while nothing is put %.1fms; "
	       "median %.2fms, 99th %.1fms, longest %.1fms; %.0f reads/s, %.0f puts/s, %llu segments evicted, %llu gone "
	       "before they were read)\n",
	       LIMIT / worst(b), worst(b), LIMIT, quiet, b->took[READS / 2], b->took[READS - READS / 100 - 1],
	       b->took[READS - 1], READS / seconds, (double)put / seconds, (unsigned long long)stats.evicted,
	       (unsigned long long)b->gone);
	return worst(b) <= LIMIT && stats.evicted > 0;
}

int main(void)
{
	static const char *const settings[] = {"path=main", "reserve=0", NULL};
	static struct bench b = {.random = 88172645463325252u};
	const struct ponto_plugin *plugin = &store_rocksdb_LTX_ponto_plugin;
	char error[256], command[64], absolute[4096];
	struct ponto_env env = {
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(env),
		.instance = "main",
		.node_name = "bench",
		.state_dir = absolute,
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.random = &ponto_random_system,
	};
	struct ponto_conf *conf;
	bool good;

	if (!mkdtemp(folder) || !realpath(folder, absolute))
		must(PONTO_EIO, folder);
	must(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			     &conf),
	     "configuring");
	env.conf = conf;
	b.store.ops = (const struct ponto_store_ops *)(const void *)plugin->vtable;
	must(b.store.ops->create(&env, &b.store.self), "store-rocksdb");
	must(ponto_loop_uv_create(&ponto_alloc_system, &b.loop), "loop");
	must(ponto_pool_create(&ponto_alloc_system, "store", 4, 1024, &b.store.pool), "pool"); /* as a node's */
	good = run(&b);
	ponto_pool_destroy(b.store.pool);
	ponto_loop_destroy(b.loop);
	b.store.ops->destroy(b.store.self);
	ponto_conf_destroy(conf);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command) == 0 && good ? 0 : 1;
}
