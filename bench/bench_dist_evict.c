/* Reading from the cache while it makes room: on store-rocksdb, with blocks of 64 KiB put as fast as the store takes them,
 * each of which pushes another segment out, random blocks are read by eight at a time. From the call to its end, waiting
 * included; no block is in the cache's memory. Against the limit of 50 ms at the 99.9th percentile; beside it the same
 * reads while nothing is put, which tells what of it is the machine's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cache_site.h"
#include "plugins/service-dist/dist_digest.h"

#define SEGMENTS 2048u /* that there is room for */
#define READS 20000u
#define READERS 8u
#define WRITERS 8u
#define LIMIT 50.0 /* milliseconds */

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
	struct cache_site site;
	struct dist_cache *cache;
	struct content_id ids[SEGMENTS / 2]; /* put last: too new to go */
	uint64_t put, reads, gone, random;
	double took[READS];
	struct reader readers[READERS];
	struct writer writers[WRITERS];
	uint64_t wanted;  /* puts */
	unsigned pending; /* reads and puts under way */
};

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
		ponto_loop_stop(b->site.loop);
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
		ponto_loop_stop(b->site.loop);
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
		must(ponto_loop_run(b->site.loop), "running");
	qsort(b->took, READS, sizeof(b->took[0]), ascending_doubles);
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
		must(ponto_loop_run(b->site.loop), "running");
}

static bool run(struct bench *b)
{
	struct dist_cache_config config = cache_site_config(&b->site);
	struct dist_cache_stats stats;
	double seconds, quiet;
	uint64_t put;

	config.max_bytes = SEGMENTS * (uint64_t)(CONTENT_BLOCK + 4096);
	b->cache = cache_site_open(&b->site, &config);
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
	cache_site_close(&b->site, b->cache);
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
	static struct bench b = {.random = 88172645463325252u};
	bool good;

	cache_site_begin(&b.site, "bench_dist_evict", 4); /* as a node's */
	good = run(&b);
	cache_site_end(&b.site);
	return good ? 0 : 1;
}
