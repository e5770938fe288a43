/* store-rocksdb at the vtable against RocksDB's C API called directly: 1 KiB values that expire, not synced, the same
 * options, keys and order, in turns of one run. Limit: 0.95 of the peer's rate for puts and for gets. */
#include <ftw.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "framework/env.h"
#include "framework/plugin.h"
#include "framework/store.h"
#include "plugins/store-rocksdb/rdb_db.h"

#define KEYS 20000
#define KEY_LEN 24
#define VALUE_LEN 1024
#define TURN 200 /* calls */
#define TURNS 500
#define LIMIT 0.95

extern const struct ponto_plugin store_rocksdb_LTX_ponto_plugin;

struct bench {
	char folder[64];
	struct ponto_store store;
	struct ponto_env env;
	struct ponto_conf *conf;
	rocksdb_t *peer;
	rocksdb_options_t *options;
	rocksdb_readoptions_t *read;
	rocksdb_writeoptions_t *write;
	uint8_t value[VALUE_LEN];
	uint64_t deadline, expires;
	double ours[TURNS], peers[TURNS]; /* seconds a turn */
};

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_store: %s\n", what);
	exit(1);
}

/* The flat key, group included: "\7records" and the rest. */
#define GROUP "records"
#define GROUP_LEN (sizeof(GROUP) - 1)
static void make_key(unsigned i, char flat[1 + GROUP_LEN + KEY_LEN + 1])
{
	flat[0] = GROUP_LEN;
	memcpy(flat + 1, GROUP, GROUP_LEN);
	snprintf(flat + 1 + GROUP_LEN, KEY_LEN + 1, "%024u", (unsigned)((i * UINT64_C(2654435761)) % KEYS));
}

static void open_both(struct bench *b)
{
	const struct ponto_plugin *plugin = &store_rocksdb_LTX_ponto_plugin;
	char error[256], path[128], *failure = NULL;

	if (!mkdtemp(b->folder))
		die("no folder");
	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, NULL, error, sizeof(error),
			    &b->conf))
		die(error);
	b->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(b->env),
		.instance = "ours",
		.node_name = "bench",
		.state_dir = b->folder,
		.conf = b->conf,
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
	};
	b->store.ops = (const struct ponto_store_ops *)(const void *)plugin->vtable;
	if (b->store.ops->create(&b->env, &b->store.self))
		die("the store does not open");
	snprintf(path, sizeof(path), "%s/peer", b->folder);
	b->options = rdb_options((uint64_t)ponto_conf_int(b->conf, "write_buffer"),
				 (uint64_t)ponto_conf_int(b->conf, "cache"), NULL);
	rocksdb_options_set_create_if_missing(b->options, 1);
	b->peer = rocksdb_open(b->options, path, &failure);
	if (failure)
		die(failure);
	b->read = rocksdb_readoptions_create();
	b->write = rocksdb_writeoptions_create();
	for (size_t i = 0; i < VALUE_LEN; i++)
		b->value[i] = (uint8_t)(i * 2654435761u >> 13);
	b->deadline = ponto_mono(&ponto_clock_system) + 3600 * PONTO_SECOND;
	b->expires = ponto_wall(&ponto_clock_system) + 3600 * PONTO_SECOND;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void close_both(struct bench *b)
{
	b->store.ops->destroy(b->store.self);
	ponto_conf_destroy(b->conf);
	rocksdb_close(b->peer);
	rocksdb_options_destroy(b->options);
	rocksdb_readoptions_destroy(b->read);
	rocksdb_writeoptions_destroy(b->write);
	nftw(b->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_ours(struct bench *b, unsigned i)
{
	char flat[1 + GROUP_LEN + KEY_LEN + 1];

	make_key(i, flat);
	if (ponto_store_put(b->store, ponto_bytes(flat + 1, GROUP_LEN), ponto_bytes(flat + 1 + GROUP_LEN, KEY_LEN),
			    ponto_bytes(b->value, VALUE_LEN), b->expires, 0, b->deadline))
		die("put failed");
}

static void put_peers(struct bench *b, unsigned i)
{
	char flat[1 + GROUP_LEN + KEY_LEN + 1], *failure = NULL;

	make_key(i, flat);
	rocksdb_put(b->peer, b->write, flat, sizeof(flat) - 1, (const char *)b->value, VALUE_LEN, &failure);
	if (failure)
		die(failure);
}

static void get_ours(struct bench *b, unsigned i)
{
	char flat[1 + GROUP_LEN + KEY_LEN + 1];
	uint8_t *value;
	size_t len;

	make_key(i, flat);
	if (ponto_store_get(b->store, ponto_bytes(flat + 1, GROUP_LEN), ponto_bytes(flat + 1 + GROUP_LEN, KEY_LEN),
			    b->deadline, &ponto_alloc_system, &value, &len, NULL) ||
	    len != VALUE_LEN)
		die("get failed");
	ponto_free(&ponto_alloc_system, value);
}

static void get_peers(struct bench *b, unsigned i)
{
	char flat[1 + GROUP_LEN + KEY_LEN + 1], *failure = NULL, *value;
	size_t len;

	make_key(i, flat);
	value = rocksdb_get(b->peer, b->read, flat, sizeof(flat) - 1, &len, &failure);
	if (failure || len != VALUE_LEN)
		die("the peer's get failed");
	rocksdb_free(value);
}

static double turn(struct bench *b, void (*call)(struct bench *b, unsigned i), unsigned number)
{
	double start = seconds();

	for (unsigned i = 0; i < TURN; i++)
		call(b, number * TURN + i);
	return seconds() - start;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Alternating who goes first. The lower quartile of each one's turns decides: flushes and other programs only make
 * turns longer, and hit single ones. */
static void measure(struct bench *b, const char *name, void (*ours)(struct bench *b, unsigned i),
		    void (*peers)(struct bench *b, unsigned i))
{
	double our_rate, peer_rate;

	for (unsigned n = 0; n < TURNS; n++) {
		if (n % 2)
			b->peers[n] = turn(b, peers, n);
		b->ours[n] = turn(b, ours, n);
		if (n % 2 == 0)
			b->peers[n] = turn(b, peers, n);
	}
	qsort(b->ours, TURNS, sizeof(*b->ours), ascending);
	qsort(b->peers, TURNS, sizeof(*b->peers), ascending);
	our_rate = TURN / b->ours[TURNS / 4];
	peer_rate = TURN / b->peers[TURNS / 4];
	printf("bench store-rocksdb-%s ratio=%.3f ours=%.0f/s peer=%.0f/s limit=%.2f (at least; peer: RocksDB's C "
	       "API)\n",
	       name, our_rate / peer_rate, our_rate, peer_rate, LIMIT);
}

int main(void)
{
	static struct bench b = {.folder = "/tmp/ponto-bench-XXXXXX"};

	open_both(&b);
	measure(&b, "put", put_ours, put_peers);
	measure(&b, "get", get_ours, get_peers);
	close_both(&b);
	return 0;
}
