/* Reading blocks from the cache on store-rocksdb, as a serving peer does: a block of 64 KiB is read, its hash compared,
 * and sealed (AES-128-CBC) on a worker. Against the same sealing of blocks that lie in memory already, by one thread
 * without a cache: what it costs at least. Once with all blocks in the cache's memory, once with none. By processor
 * time, so that other programs do not decide the ratio; by turns, medians. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "framework/env.h"
#include "plugins/service-dist/dist_cache.h"
#include "plugins/service-dist/dist_digest.h"

#define BLOCKS 256u
#define READS 4096u
#define AT_ONCE 16u
#define REPEATS 5
#define LIMIT_HOT 0.6
#define LIMIT_COLD 0.3

extern const struct ponto_plugin store_rocksdb_LTX_ponto_plugin;

static char folder[] = "bench_dist_cache-XXXXXX";
static uint8_t data[BLOCKS][CONTENT_BLOCK], hashes[BLOCKS][32];
static struct dist_segment segment;

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
	struct ponto_loop *loop;
	struct ponto_store store;
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
		ponto_loop_stop(b->loop);
	else
		get_next(b);
}

static void get_next(struct bench *b)
{
	if (b->begun < b->total)
		must(dist_cache_get(b->cache, &segment.id, b->begun++ * 37 % BLOCKS, work, on_result, b), "reading");
}

static void on_closed(void *arg)
{
	ponto_loop_stop(((struct bench *)arg)->loop);
}

static void open_cache(struct bench *b, uint64_t max_hot)
{
	struct dist_cache_config config = {
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.random = &ponto_random_system,
		.instance = "bench",
		.loop = b->loop,
		.store = b->store,
		.max_hot = max_hot,
	};

	*b = (struct bench){.loop = b->loop, .store = b->store, .total = 1};
	must(dist_cache_open(&config, on_result, b, &b->cache), "opening");
	must(ponto_loop_run(b->loop), "running");
}

static void close_cache(struct bench *b)
{
	dist_cache_close(b->cache, on_closed, b);
	must(ponto_loop_run(b->loop), "running");
}

static void fill(struct bench *b)
{
	b->total += BLOCKS;
	for (uint32_t i = 0; i < BLOCKS; i++) {
		struct dist_piece piece = {.index = i, .data = ponto_bytes(data[i], CONTENT_BLOCK)};

		must(dist_cache_put(b->cache, &segment, &piece, on_result, b), "keeping");
	}
	b->begun = b->total;
	must(ponto_loop_run(b->loop), "running");
	must(ponto_store_flush(b->store, PONTO_NEVER), "flushing");
}

static double read_all(struct bench *b, unsigned reads)
{
	double start = seconds();

	b->total += reads;
	for (unsigned i = 0; i < AT_ONCE; i++)
		get_next(b);
	must(ponto_loop_run(b->loop), "running");
	return reads * (double)CONTENT_BLOCK / (seconds() - start);
}

static double seal_all(void)
{
	double start = seconds();

	for (unsigned i = 0; i < READS; i++)
		seal(data[i * 37 % BLOCKS]);
	return READS * (double)CONTENT_BLOCK / (seconds() - start);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
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
	close_cache(b);
	qsort(ours, REPEATS, sizeof(ours[0]), ascending);
	qsort(least, REPEATS, sizeof(least[0]), ascending);
	ratio = ours[REPEATS / 2] / least[REPEATS / 2];
	printf("bench dist-cache-%s ratio=%.2f ours=%.0fMB/s peer=%.0fMB/s (sealing alone) limit=%.2f\n", name, ratio,
	       ours[REPEATS / 2] / 1e6, least[REPEATS / 2] / 1e6, limit);
	return ratio >= limit;
}

int main(void)
{
	static const char *const settings[] = {"path=main", "reserve=0", NULL};
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
	struct bench b = {.total = 0};
	bool good;

	if (!mkdtemp(folder) || !realpath(folder, absolute))
		must(PONTO_EIO, folder);
	make_segment();
	must(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			     &conf),
	     "configuring");
	env.conf = conf;
	b.store.ops = (const struct ponto_store_ops *)(const void *)plugin->vtable;
	must(b.store.ops->create(&env, &b.store.self), "store-rocksdb");
	must(ponto_loop_uv_create(&ponto_alloc_system, &b.loop), "loop");
	must(ponto_pool_create(&ponto_alloc_system, "store", 2, 1024, &b.store.pool), "pool");
	open_cache(&b, 0);
	fill(&b);
	close_cache(&b);
	good = report("hot", &b, sizeof(data), LIMIT_HOT);
	good = report("store", &b, 0, LIMIT_COLD) && good;
	ponto_pool_destroy(b.store.pool);
	ponto_loop_destroy(b.loop);
	b.store.ops->destroy(b.store.self);
	ponto_conf_destroy(conf);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command) == 0 && good ? 0 : 1;
}
