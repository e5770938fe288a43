#include "bench/cache_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct ponto_plugin store_rocksdb_LTX_ponto_plugin;

void must(int result, const char *what)
{
	if (result == PONTO_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, ponto_strerror(result));
	exit(2);
}

int ascending_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void cache_site_begin(struct cache_site *site, const char *name, unsigned workers)
{
	static const char *const settings[] = {"path=main", "reserve=0", NULL};
	const struct ponto_plugin *plugin = &store_rocksdb_LTX_ponto_plugin;
	char error[256];

	snprintf(site->folder, sizeof(site->folder), "%s-XXXXXX", name);
	if (!mkdtemp(site->folder) || !realpath(site->folder, site->absolute))
		must(PONTO_EIO, site->folder);
	must(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			     &site->conf),
	     "configuring");
	site->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(site->env),
		.instance = "main",
		.node_name = "bench",
		.state_dir = site->absolute,
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.random = &ponto_random_system,
		.conf = site->conf,
	};
	site->store.ops = (const struct ponto_store_ops *)(const void *)plugin->vtable;
	must(site->store.ops->create(&site->env, &site->store.self), "store-rocksdb");
	must(ponto_loop_uv_create(&ponto_alloc_system, &site->loop), "loop");
	must(ponto_pool_create(&ponto_alloc_system, "store", workers, 1024, &site->store.pool), "pool");
}

void cache_site_end(struct cache_site *site)
{
	char command[sizeof(site->folder) + 16];

	ponto_pool_destroy(site->store.pool);
	ponto_loop_destroy(site->loop);
	site->store.ops->destroy(site->store.self);
	ponto_conf_destroy(site->conf);
	snprintf(command, sizeof(command), "rm -r '%s'", site->folder);
	must(system(command) == 0 ? PONTO_OK : PONTO_EIO, command);
}

struct dist_cache_config cache_site_config(const struct cache_site *site)
{
	return (struct dist_cache_config){
		.alloc = &ponto_alloc_system,
		.clock = &ponto_clock_system,
		.random = &ponto_random_system,
		.instance = "bench",
		.loop = site->loop,
		.store = site->store,
	};
}

static void on_ready(void *loop, int result)
{
	must(result, "the cache");
	ponto_loop_stop(loop);
}

struct dist_cache *cache_site_open(const struct cache_site *site, const struct dist_cache_config *config)
{
	struct dist_cache *cache;

	must(dist_cache_open(config, on_ready, site->loop, &cache), "opening");
	must(ponto_loop_run(site->loop), "running");
	return cache;
}

static void on_closed(void *loop)
{
	ponto_loop_stop(loop);
}

void cache_site_close(const struct cache_site *site, struct dist_cache *cache)
{
	dist_cache_close(cache, on_closed, site->loop);
	must(ponto_loop_run(site->loop), "running");
}
