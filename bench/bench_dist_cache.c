/* Reading blocks from the cache on store-rocksdb, as a serving peer does: a block of 64 KiB is read, its hash compared,
 * and sealed (AES-128-CBC) on a worker. Against the same sealing of blocks that lie in memory already, by one thread
 * without a cache: what it costs at least. Once with all blocks in the cache's memory, once with none. By processor
 * time, so that other programs do not decide the ratio; by turns, medians. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/evp.h>

#include "bench/cache_site.h"
#include "plugins/service-dist/dist_digest.h"

#define BLOCKS 256u
#define READS 4096u
#define AT_ONCE 16u
#define REPEATS 5
#define LIMIT_HOT 0.6
#define LIMIT_COLD 0.3

static uint8_t data[BLOCKS][CONTENT_BLOCK], hashes[BLOCKS][32];
static struct dist_segment segment;

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void seal(const uint8_t *plain)
{
	static const uint8_t iv[16];
	uint8_t *out = malloc(CONTENT_BLOCK + 16);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len, rest;

	if (!out || !ctx || EVP_EncryptInit_ex(ctx, EVP_aes_128_cbc(), NULL, segment.kp, iv) != 1 ||
	    EVP_EncryptUpdate(ctx, out, &len, plain, CONTENT_BLOCK) != 1 ||
	    EVP_EncryptFinal_ex(ctx, out + len, &rest) != 1)
		must(PONTO_ENOMEM, "sealing");
	EVP_CIPHER_CTX_free(ctx);
	free(out);
}

static void make_segment(void)
{
	const struct ponto_bytes list = ponto_bytes(hashes, sizeof(hashes));

	ponto_random_system.fill(ponto_random_system.ctx, data[0], sizeof(data));
	for (size_t i = 0; i < BLOCKS; i++) {
		uint8_t hash[CONTENT_HASH_MAX];

		dist_digest(CONTENT_SHA256, ponto_bytes(data[i], CONTENT_BLOCK), hash);
		memcpy(hashes[i], hash, 32);
	}
	segment = (struct dist_segment){
		.algo = CONTENT_SHA256, .size = sizeof(data), .keyed = true, .block_hashes = list};
	content_hash(CONTENT_SHA256, &list, 1, segment.hod);
	content_segment_secret(CONTENT_SHA256, segment.hod, segment.hod, segment.kp);
	content_segment_id(CONTENT_SHA256, segment.kp, segment.hod, &segment.id);
}

/* ---- the cache ------------------------------------------------------------------------ */

struct bench {
	struct cache_site site;
	struct dist_cache *cache;
	unsigned begun, ended, total;
};

static void get_next(struct bench *b);

static int work(void *arg, const struct dist_read *read)
{
	(void)arg;
	seal(read->block.data.data);
	return PONTO_OK;
}

static void on_result(void *arg, int result)
{
	struct bench *b = arg;

	must(result, "the cache");
	if (++b->ended == b->total)
		ponto_loop_stop(b->site.loop);
	else
		get_next(b);
}

static void get_next(struct bench *b)
{
	if (b->begun < b->total)
		must(dist_cache_get(b->cache, &segment.id, b->begun++ * 37 % BLOCKS, work, on_result, b), "reading");
}

static void open_cache(struct bench *b, uint64_t max_hot)
{
	struct dist_cache_config config = cache_site_config(&b->site);

	config.max_hot = max_hot;
	b->begun = b->ended = b->total = 0;
	b->cache = cache_site_open(&b->site, &config);
}

static void fill(struct bench *b)
{
	b->total += BLOCKS;
	for (uint32_t i = 0; i < BLOCKS; i++) {
		struct dist_piece piece = {.index = i, .data = ponto_bytes(data[i], CONTENT_BLOCK)};

		must(dist_cache_put(b->cache, &segment, &piece, on_result, b), "keeping");
	}
	b->begun = b->total;
	must(ponto_loop_run(b->site.loop), "running");
	must(ponto_store_flush(b->site.store, PONTO_NEVER), "flushing");
}

static double read_all(struct bench *b, unsigned reads)
{
	double start = seconds();

	b->total += reads;
	for (unsigned i = 0; i < AT_ONCE; i++)
		get_next(b);
	must(ponto_loop_run(b->site.loop), "running");
	return reads * (double)CONTENT_BLOCK / (seconds() - start);
}

static double seal_all(void)
{
	double start = seconds();

	for (unsigned i = 0; i < READS; i++)
		seal(data[i * 37 % BLOCKS]);
	return READS * (double)CONTENT_BLOCK / (seconds() - start);
}

static bool report(const char *name, struct bench *b, uint64_t max_hot, double limit)
{
	double ours[REPEATS], least[REPEATS], ratio;

	open_cache(b, max_hot);
	(void)read_all(b, BLOCKS);
	for (unsigned i = 0; i < REPEATS; i++) {
		ours[i] = read_all(b, READS);
		least[i] = seal_all();
	}
	cache_site_close(&b->site, b->cache);
	qsort(ours, REPEATS, sizeof(ours[0]), ascending_doubles);
	qsort(least, REPEATS, sizeof(least[0]), ascending_doubles);
	ratio = ours[REPEATS / 2] / least[REPEATS / 2];
	printf("bench dist-cache-%s ratio=%.2f ours=%.0fMB/s peer=%.0fMB/s (sealing alone) limit=%.2f\n", name, ratio,
	       ours[REPEATS / 2] / 1e6, least[REPEATS / 2] / 1e6, limit);
	return ratio >= limit;
}

int main(void)
{
	struct bench b = {.total = 0};
	bool good;

	make_segment();
	cache_site_begin(&b.site, "bench_dist_cache", 2);
	open_cache(&b, 0);
	fill(&b);
	cache_site_close(&b.site, b.cache);
	good = report("hot", &b, sizeof(data), LIMIT_HOT);
	good = report("store", &b, 0, LIMIT_COLD) && good;
	cache_site_end(&b.site);
	return good ? 0 : 1;
}
