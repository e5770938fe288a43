/* Benchmarks of the cache: a loop, store-rocksdb in a folder of its own, and a cache on it. What fails ends the program. */
#ifndef PONTO_BENCH_CACHE_SITE_H
#define PONTO_BENCH_CACHE_SITE_H

#include "framework/env.h"
#include "plugins/service-dist/dist_cache.h"

struct cache_site {
	struct ponto_loop *loop;
	struct ponto_store store;
	struct ponto_conf *conf;
	struct ponto_env env; /* the store's, as long as there is one */
	char folder[64], absolute[4096];
};

void must(int result, const char *what);

/* For qsort. */
int ascending_doubles(const void *a, const void *b);

/* The store's pool has so many workers. */
void cache_site_begin(struct cache_site *site, const char *name, unsigned workers);
/* Removes the folder. */
void cache_site_end(struct cache_site *site);

/* What a cache there has, without bounds. */
struct dist_cache_config cache_site_config(const struct cache_site *site);
struct dist_cache *cache_site_open(const struct cache_site *site, const struct dist_cache_config *config);
void cache_site_close(const struct cache_site *site, struct dist_cache *cache);

#endif
