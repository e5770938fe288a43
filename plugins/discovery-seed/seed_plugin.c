/* discovery-seed: what it may be told, and the instance. */
#include <string.h>

#include "plugins/discovery-seed/seed.h"

static const struct ponto_option seed_options[] = {
	{.name = "peers",
	 .type = PONTO_OPTION_LIST,
	 .fallback = "",
	 .fits = ponto_seed_fits,
	 .doc = "nodes to ask first, at most 64: \"[addr]:port\", \"addr\", \"host\" or \"host:port\"; without a port "
		"the "
		"service's own"},
	{.name = "store",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_STORE,
	 .doc = "where addresses that answered are remembered; \"\": only in memory"},
	{.name = "remember",
	 .type = PONTO_OPTION_INT,
	 .fallback = "10",
	 .min = 1,
	 .max = SEED_RECENT_MAX,
	 .unit = "addresses",
	 .doc = "how many addresses that answered are remembered, for each cloud"},
	{.name = "refresh",
	 .type = PONTO_OPTION_INT,
	 .fallback = "60",
	 .min = 0,
	 .max = 86400,
	 .unit = "seconds",
	 .doc = "how long a name's addresses are used without asking again"},
};

static void seed_destroy(void *self)
{
	struct seed *seed = self;

	if (!seed)
		return;
	ponto_free(seed->env->alloc, seed->peers);
	ponto_free(seed->env->alloc, seed);
}

/* All that is wrong, not only the first. */
int seed_read_peers(const struct ponto_env *env, const char *const *texts, size_t count, struct ponto_seed **out)
{
	struct ponto_seed *peers;
	int result = PONTO_OK;

	if (count > SEED_PEERS_MAX) {
		ponto_error(env->log, SEED_TOPIC, "%zu peers are more than %d", count, SEED_PEERS_MAX);
		return PONTO_ECONF;
	}
	peers = count ? ponto_new(env->alloc, count, sizeof(*peers)) : NULL;
	if (count && !peers)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (ponto_seed_parse(texts[i], &peers[i]) != PONTO_OK) {
			ponto_error(env->log, SEED_TOPIC,
				    "peer \"%s\" is neither an address nor a host name, with or without a port",
				    texts[i]);
			result = PONTO_ECONF;
		}
	}
	if (result == PONTO_OK)
		*out = peers;
	else
		ponto_free(env->alloc, peers);
	return result;
}

static int read_peers(struct seed *seed)
{
	const char *const *texts = ponto_conf_list(seed->env->conf, "peers");
	size_t count = 0;
	int result;

	while (texts[count])
		count++;
	result = seed_read_peers(seed->env, texts, count, &seed->peers);
	if (result == PONTO_OK)
		seed->peer_count = count;
	return result;
}

static int find_store(struct seed *seed)
{
	const char *name = ponto_conf_string(seed->env->conf, "store");

	return *name ? ponto_env_find(seed->env, PONTO_KIND_STORE, name, &seed->store) : PONTO_OK;
}

static int seed_create(const struct ponto_env *env, void **self)
{
	struct seed *seed = ponto_new(env->alloc, 1, sizeof(*seed));
	int result;

	if (!seed)
		return PONTO_ENOMEM;
	seed->env = env;
	seed->remember = (size_t)ponto_conf_int(env->conf, "remember");
	seed->refresh = (uint64_t)ponto_conf_int(env->conf, "refresh") * PONTO_SECOND;
	result = read_peers(seed);
	if (!result)
		result = find_store(seed);
	if (result) {
		seed_destroy(seed);
		return result;
	}
	*self = seed;
	return PONTO_OK;
}

static const struct ponto_discovery_ops seed_ops = {
	.head = {PONTO_DISCOVERY_ABI, sizeof(seed_ops)},
	.sources = PONTO_SOURCE_REMEMBERED | PONTO_SOURCE_SEED,
	.create = seed_create,
	.destroy = seed_destroy,
	.open = seed_open,
	.close = seed_close,
	.search = seed_search,
	.remember = seed_remember,
	.seeds = seed_seeds,
};

PONTO_PLUGIN(discovery_seed) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_DISCOVERY,
	.name = "discovery-seed",
	.version = "0.1.0",
	.summary = "first addresses from the configuration, from DNS, and from earlier runs",
	.options = seed_options,
	.option_count = PONTO_ARRAY_SIZE(seed_options),
	.vtable = &seed_ops.head,
};
