/* store-rados at the vtable against librados called directly, on the cluster that CEPH_CONF names. Ours does what the
 * cache of service-dist does: a block of 64 KiB with its segment's "m", under the guard that "m" is what it was, 512
 * blocks a group; gets of single blocks, known to this process or not. The peer writes and reads the same blocks as
 * objects of their own, without guards. In turns of one run. Limit: 0.8 of the peer's rate. */
#include <pthread.h>
#include <rados/librados.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "framework/env.h"
#include "framework/plugin.h"
#include "framework/store.h"

#define BLOCK (65536 + 70)
#define META 200
#define SEGMENT 512
#define THREADS 4
#define TURN 40 /* calls of a thread */
#define TURNS 24
#define LIMIT 0.8

extern const struct ponto_plugin store_rados_LTX_ponto_plugin;

struct bench {
	struct ponto_store store;
	struct ponto_env env;
	struct ponto_conf *conf;
	rados_t cluster;
	rados_ioctx_t io;
	uint8_t value[BLOCK];
	double ours[TURNS], peers[TURNS]; /* seconds a turn */
};

struct worker {
	struct bench *bench;
	void (*call)(struct bench *b, unsigned thread, unsigned i);
	unsigned thread, first;
	pthread_t id;
};

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what, int result)
{
	fprintf(stderr, "bench_store_rados: %s: %d\n", what, result);
	exit(1);
}

/* ---- both sides --------------------------------------------------------------------------- */

static void open_ours(struct bench *b)
{
	const struct ponto_plugin *plugin = &store_rados_LTX_ponto_plugin;
	static const char *const settings[] = {"namespace=bench", "sweep=0", NULL};
	char error[256];
	int result;

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			    &b->conf))
		die(error, 0);
	b->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(b->env),
		.instance = "bench",
		.node_name = "bench",
		.conf = b->conf,
		.alloc = &ponto_alloc_system,
		.random = &ponto_random_system,
		.clock = &ponto_clock_system,
	};
	b->store.ops = (const struct ponto_store_ops *)(const void *)plugin->vtable;
	result = b->store.ops->create(&b->env, &b->store.self);
	if (result)
		die("the store does not open", result);
}

static void close_ours(struct bench *b)
{
	b->store.ops->destroy(b->store.self);
	ponto_conf_destroy(b->conf);
}

static void open_peer(struct bench *b)
{
	/* One thread for the network, as ours. */
	if (rados_create(&b->cluster, "ponto") || rados_conf_set(b->cluster, "ms_async_op_threads", "1") ||
	    rados_conf_read_file(b->cluster, NULL) || rados_connect(b->cluster) ||
	    rados_ioctx_create(b->cluster, "ponto", &b->io))
		die("the peer does not connect", 0);
	rados_ioctx_set_namespace(b->io, "bench-peer");
}

static void close_peer(struct bench *b)
{
	rados_ioctx_destroy(b->io);
	rados_shutdown(b->cluster);
}

static uint64_t soon(void)
{
	return ponto_mono(&ponto_clock_system) + 30 * PONTO_SECOND;
}

static struct ponto_bytes group_of(unsigned thread, unsigned i, char text[48])
{
	snprintf(text, 48, "dist/s%08u-%08u", thread, i / SEGMENT);
	return ponto_bytes(text, strlen(text));
}

static struct ponto_bytes key_of(unsigned i, uint8_t key[3])
{
	key[0] = 'b';
	key[1] = (uint8_t)(i % SEGMENT >> 8);
	key[2] = (uint8_t)i;
	return ponto_bytes(key, 3);
}

static void make_meta(unsigned i, uint8_t meta[META])
{
	memset(meta, 'm', META);
	memcpy(meta, &i, sizeof(i));
}

static void put_ours(struct bench *b, unsigned thread, unsigned i)
{
	uint8_t before[META], after[META], key[3];
	char text[48];
	struct ponto_bytes group = group_of(thread, i, text);
	bool first = i % SEGMENT == 0;
	struct ponto_store_step steps[] = {
		{first ? PONTO_STEP_REQUIRE_ABSENT : PONTO_STEP_REQUIRE_EQUAL, ponto_bytes("m", 1),
		 ponto_bytes(before, first ? 0 : META), 0},
		{PONTO_STEP_PUT, key_of(i, key), ponto_bytes(b->value, BLOCK), 0},
		{PONTO_STEP_PUT, ponto_bytes("m", 1), ponto_bytes(after, META), 0},
	};
	int result;

	make_meta(i - 1, before);
	make_meta(i, after);
	result = ponto_store_batch(b->store, group, steps, 3, 0, soon());
	if (result)
		die("batch", result);
}

static void get_ours(struct bench *b, unsigned thread, unsigned i)
{
	uint8_t key[3], *value;
	char text[48];
	size_t len;
	int result = ponto_store_get(b->store, group_of(thread, i, text), key_of(i, key), soon(), &ponto_alloc_system,
				     &value, &len, NULL);

	if (result || len != BLOCK)
		die("get", result);
	ponto_free(&ponto_alloc_system, value);
}

static void put_peers(struct bench *b, unsigned thread, unsigned i)
{
	char name[48];
	int result;

	snprintf(name, sizeof(name), "%08u-%08u", thread, i);
	result = rados_write_full(b->io, name, (const char *)b->value, BLOCK);
	if (result)
		die("the peer's write", result);
}

static void get_peers(struct bench *b, unsigned thread, unsigned i)
{
	char name[48], *value = malloc(BLOCK);
	int result;

	snprintf(name, sizeof(name), "%08u-%08u", thread, i);
	result = value ? rados_read(b->io, name, value, BLOCK, 0) : 0;
	if (result != BLOCK)
		die("the peer's read", result);
	free(value);
}

/* ---- turns --------------------------------------------------------------------------------- */

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < TURN; i++)
		w->call(w->bench, w->thread, w->first + i);
	return NULL;
}

static double turn(struct bench *b, void (*call)(struct bench *b, unsigned thread, unsigned i), unsigned first_thread,
		   unsigned threads, unsigned number)
{
	struct worker workers[THREADS];
	double start = seconds();

	for (unsigned t = 0; t < threads; t++) {
		workers[t] =
			(struct worker){.bench = b, .call = call, .thread = first_thread + t, .first = number * TURN};
		if (pthread_create(&workers[t].id, NULL, work, &workers[t]))
			die("no thread", 0);
	}
	for (unsigned t = 0; t < threads; t++)
		pthread_join(workers[t].id, NULL);
	return seconds() - start;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Alternating who goes first; the median of each one's turns decides. True: the limit is kept. */
static bool measure(struct bench *b, const char *name, void (*ours)(struct bench *b, unsigned thread, unsigned i),
		    void (*peers)(struct bench *b, unsigned thread, unsigned i), unsigned first_thread,
		    unsigned threads)
{
	double our_rate, peer_rate;

	for (unsigned n = 0; n < TURNS; n++) {
		if (n % 2)
			b->peers[n] = turn(b, peers, first_thread, threads, n);
		b->ours[n] = turn(b, ours, first_thread, threads, n);
		if (n % 2 == 0)
			b->peers[n] = turn(b, peers, first_thread, threads, n);
	}
	qsort(b->ours, TURNS, sizeof(*b->ours), ascending);
	qsort(b->peers, TURNS, sizeof(*b->peers), ascending);
	our_rate = threads * TURN / b->ours[TURNS / 2];
	peer_rate = threads * TURN / b->peers[TURNS / 2];
	printf("bench store-rados-%s-at-%u ratio=%.3f ours=%.0f/s peer=%.0f/s limit=%.2f (at least; peer: librados)\n",
	       name, threads, our_rate / peer_rate, our_rate, peer_rate, LIMIT);
	fflush(stdout);
	return our_rate / peer_rate >= LIMIT;
}

int main(void)
{
	static struct bench b;
	bool good = true;

	for (size_t i = 0; i < BLOCK; i++)
		b.value[i] = (uint8_t)(i * 2654435761u >> 13);
	open_peer(&b);
	open_ours(&b);
	good &= measure(&b, "put", put_ours, put_peers, 0, 1);
	good &= measure(&b, "put", put_ours, put_peers, 1, THREADS);
	good &= measure(&b, "get", get_ours, get_peers, 0, 1);
	good &= measure(&b, "get", get_ours, get_peers, 1, THREADS);
	/* Another process, which has seen none of it. */
	close_ours(&b);
	open_ours(&b);
	good &= measure(&b, "get-new", get_ours, get_peers, 0, 1);
	good &= measure(&b, "get-new", get_ours, get_peers, 1, THREADS);
	close_ours(&b);
	close_peer(&b);
	return good ? 0 : 1;
}
