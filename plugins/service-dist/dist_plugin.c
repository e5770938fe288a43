/* service-dist: descriptor, options, the component's life. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engines/content/content_server.h"
#include "plugins/service-dist/dist_api_options.h"
#include "plugins/service-dist/dist_caches.h"
#include "plugins/service-dist/dist_client_options.h"
#include "plugins/service-dist/dist_hosted_options.h"
#include "plugins/service-dist/dist_relay_head.h"

#define TOPIC "service.dist"
#define QUEUE 4096u /* jobs that wait for a worker */
#define MIB (1024u * 1024u)
#define DAY (24 * 3600 * PONTO_SECOND)

static int find(const struct ponto_env *env, enum ponto_kind kind, const char *option, struct ponto_iface *out)
{
	return ponto_env_find(env, kind, ponto_conf_string(env->conf, option), out);
}

static void destroy(void *self)
{
	struct dist *dist = self;

	if (!dist)
		return;
	dist_api_close(dist->api);
	dist_caches_close(dist->caches);
	dist_client_close(dist->client);
	dist_peer_close(dist->peer);
	dist_hosted_close(dist->hosted);
	dist_server_close(dist->server);
	dist_search_close(dist->search);
	dist_secret_close(dist->secret);
	ponto_pool_destroy(dist->pool);
	ponto_free(dist->env->alloc, dist);
}

static int create(const struct ponto_env *env, void **self)
{
	struct dist *dist = ponto_new(env->alloc, 1, sizeof(*dist));
	int64_t workers = ponto_conf_int(env->conf, "workers");
	struct ponto_iface iface;
	int result;

	if (!dist)
		return PONTO_ENOMEM;
	dist->env = env;
	dist->conf = env->conf;
	result = find(env, PONTO_KIND_HTTP, "http", &iface);
	if (result == PONTO_OK) {
		dist->http = (struct ponto_http){(const struct ponto_http_ops *)iface.ops, iface.self, iface.pool};
		result = find(env, PONTO_KIND_STORE, "store", &iface);
	}
	if (result == PONTO_OK) {
		dist->store = (struct ponto_store){(const struct ponto_store_ops *)iface.ops, iface.self, iface.pool};
		result = ponto_pool_create(env->alloc, env->instance,
					   (unsigned)(workers ? workers : sysconf(_SC_NPROCESSORS_ONLN)), QUEUE,
					   &dist->pool);
	}
	if (result != PONTO_OK) {
		destroy(dist);
		return result;
	}
	*self = dist;
	return PONTO_OK;
}

/* ---- start and stop -------------------------------------------------------------------------- */

static void on_ready(void *arg, int result)
{
	struct dist *dist = arg;

	dist->cached = result == PONTO_OK;
	if (result != PONTO_OK && result != PONTO_ECLOSED) /* the latter: the node stops meanwhile */
		ponto_error(dist->env->log, TOPIC, "nothing is cached: the store cannot be read: %s",
			    ponto_strerror(result));
}

static int open_cache(struct dist *dist)
{
	const struct ponto_env *env = dist->env;
	struct dist_cache_config config = {
		.alloc = env->alloc,
		.clock = env->clock,
		.random = env->random,
		.log = env->log,
		.metrics = env->metrics,
		.instance = env->instance,
		.loop = env->loop,
		.store = dist->store,
		.max_bytes = (uint64_t)ponto_conf_int(dist->conf, "cache_size") * MIB,
		.max_hot = (uint64_t)ponto_conf_int(dist->conf, "cache_memory") * MIB,
		.max_age = (uint64_t)ponto_conf_int(dist->conf, "cache_age") * DAY,
		.check = ponto_conf_bool(dist->conf, "cache_check"),
		.share = (unsigned)ponto_conf_int(dist->conf, "cache_share"),
		.scrub = (uint64_t)ponto_conf_int(dist->conf, "cache_scrub") * DAY,
		.scrub_rate = (uint64_t)ponto_conf_int(dist->conf, "cache_scrub_rate") * MIB,
		.shared = ponto_store_shared(dist->store),
	};
	int result = dist_cache_open(&config, on_ready, dist, &dist->cache);

	/* What is known of it while it is read is of use already. */
	dist->cached = result == PONTO_OK;
	return result;
}

static void closed(void *arg)
{
	struct dist *dist = arg;
	ponto_loop_fn *done = dist->stopped;

	dist->stopped = NULL;
	done(dist->stopped_arg);
}

/* Whatever still runs ends by itself, soon; then the cache, which it may use. */
void dist_check_stopped(struct dist *dist)
{
	struct dist_cache *cache = dist->cache;

	if (!dist->stopped || !dist_server_idle(dist->server) || !dist_peer_idle(dist->peer) ||
	    !dist_client_idle(dist->client) || !dist_caches_idle(dist->caches) || !dist_hosted_idle(dist->hosted) ||
	    !dist_secret_idle(dist->secret) || !dist_api_idle(dist->api) || dist->packaging > 0)
		return;
	dist->cache = NULL;
	dist->cached = false;
	if (cache)
		dist_cache_close(cache, closed, dist);
}

static void stop(void *self, ponto_loop_fn *done, void *arg)
{
	struct dist *dist = self;

	dist_server_stop(dist->server);
	dist_peer_stop(dist->peer);
	dist_api_stop(dist->api);
	dist_hosted_stop(dist->hosted);
	dist_client_stop(dist->client);
	dist_caches_stop(dist->caches);
	/* Not before: what ends within those looks whether all has. */
	dist->stopped = done;
	dist->stopped_arg = arg;
	dist_check_stopped(dist);
}

static void abandoned(void *arg)
{
	ponto_loop_stop(arg);
}

/* Jobs are under way that use what destroy frees: a start that fails ends like a node that stops. */
static void abandon(struct dist *dist)
{
	stop(dist, abandoned, dist->env->loop);
	if (ponto_loop_run(dist->env->loop) != PONTO_OK)
		ponto_error(dist->env->log, TOPIC, "the start could not be taken back");
}

static int start(void *self)
{
	struct dist *dist = self;
	int result = dist_proxy_check(dist);

	if (result == PONTO_OK)
		result = open_cache(dist);
	if (result == PONTO_OK)
		result = dist_secret_open(dist, &dist->secret);
	if (result == PONTO_OK)
		result = dist_caches_open(dist, &dist->caches);
	if (result == PONTO_OK)
		result = dist_search_open(dist, &dist->search);
	if (result == PONTO_OK)
		result = dist_client_open(dist, &dist->client);
	if (result == PONTO_OK)
		result = dist_api_open(dist, &dist->api);
	if (result == PONTO_OK)
		result = dist_server_open(dist, &dist->server);
	if (result == PONTO_OK)
		result = dist_hosted_open(dist, &dist->hosted);
	if (result == PONTO_OK)
		result = dist_peer_open(dist, &dist->peer);
	if (result != PONTO_OK)
		abandon(dist);
	return result;
}

static void take_call(void *self, struct ponto_call *call)
{
	dist_take_call(self, call);
}

static void client_gone(void *self, uint64_t client)
{
	struct dist *dist = self;

	dist_client_gone(dist->client, client);
	dist_api_gone(dist->api, client);
}

static const struct ponto_service_ops ops = {
	.head = {PONTO_SERVICE_ABI, sizeof(struct ponto_service_ops)},
	.create = create,
	.start = start,
	.call = take_call,
	.client_gone = client_gone,
	.stop = stop,
	.destroy = destroy,
};

/* ---- options ------------------------------------------------------------------------------------ */

static bool fits_address(const char *text, int64_t number, char *why, size_t size)
{
	struct ponto_addr addr;

	(void)number;
	if (!*text || ponto_addr_parse(text, 0, &addr) == PONTO_OK)
		return true;
	snprintf(why, size, "'%s' is not an address, such as [::]:8080", text);
	return false;
}

static bool fits_folder(const char *text, int64_t number, char *why, size_t size)
{
	(void)number;
	if (!*text || *text == '/')
		return true;
	snprintf(why, size, "'%s' is not PREFIX=FOLDER, nor an absolute path", text);
	return false;
}

static bool fits_origin(const char *text, int64_t number, char *why, size_t size)
{
	(void)number;
	if (!*text || dist_relay_is_origin(text))
		return true;
	snprintf(why, size, "'%s' is not a server, such as http://127.0.0.1:8000, without a path", text);
	return false;
}

static const char *const algorithms[] = {"sha256", "sha384", "sha512", NULL};
static const char *const information[] = {"1.0", "2.0", NULL};
static const char *const ciphers[] = {"none", "aes-128", "aes-192", "aes-256", NULL};

static const struct ponto_option options[] = {
	{.name = "http", .type = PONTO_OPTION_REF, .ref_kind = PONTO_KIND_HTTP, .doc = "what serves and fetches over HTTP"},
	{.name = "store",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_STORE,
	 .doc = "keeps hashes of files, the secret key, and the cache"},
	{.name = "discovery",
	 .type = PONTO_OPTION_REFS,
	 .ref_kind = PONTO_KIND_DISCOVERY,
	 .doc = "how neighbours are found; those that do not know contents are left out"},
	{.name = "workers",
	 .type = PONTO_OPTION_INT,
	 .fallback = "0",
	 .min = 0,
	 .max = 256,
	 .doc = "threads that read, hash and encrypt; 0: one for each processor"},
	{.name = "listen",
	 .type = PONTO_OPTION_LIST,
	 .fallback = "",
	 .fits = fits_address,
	 .doc = "where contents are served, \"[::]:8080\" for instance, without a port at one that the system chooses; "
		"empty: no content server"},
	{.name = "certificate",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .unit = "path",
	 .doc = "certificate chain in PEM; with key, contents are served over HTTPS"},
	{.name = "key", .type = PONTO_OPTION_STRING, .fallback = "", .unit = "path", .doc = "its private key in PEM"},
	{.name = "publish",
	 .type = PONTO_OPTION_LIST,
	 .fallback = "",
	 .fits = fits_folder,
	 .doc = "folders served, each \"PREFIX=FOLDER\" or a FOLDER for all of the server, \"/docs=/srv/docs\" for "
		"instance"},
	{.name = "origin",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = fits_origin,
	 .doc = "a web server, \"http://127.0.0.1:8000\" for instance, that is asked for all that is in no published folder; "
		"empty: it is not there"},
	{.name = "origin_ca",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .unit = "path",
	 .doc = "certificates in PEM that an https origin's is held against; empty: the system's"},
	{.name = "relay_timeout",
	 .type = PONTO_OPTION_INT,
	 .fallback = "60000",
	 .min = 1000,
	 .max = 3600000,
	 .unit = "milliseconds",
	 .doc = "that the origin may take until it answers, and later without a byte"},
	{.name = "body_limit",
	 .type = PONTO_OPTION_INT,
	 .fallback = "64",
	 .min = 1,
	 .max = 4096,
	 .unit = "MiB",
	 .doc = "of a request's body that goes to the origin, kept in memory until it is there"},
	{.name = "information",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "2.0",
	 .choices = information,
	 .doc = "the highest version of Content Information given out"},
	{.name = "algorithm",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "sha256",
	 .choices = algorithms,
	 .doc = "hash of Content Information 1.0; Windows' clients retrieve with sha256 only"},
	{.name = "retrieval",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "[::]:80",
	 .fits = fits_address,
	 .doc = "where neighbours retrieve blocks; any port will do, they are told it; empty: nothing is served to "
		"them"},
	{.name = "retrieval_version",
	 .type = PONTO_OPTION_INT,
	 .fallback = "2",
	 .min = 1,
	 .max = 2,
	 .doc = "the highest version of the Retrieval Protocol spoken"},
	{.name = "cipher",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "aes-128",
	 .choices = ciphers,
	 .doc = "what blocks are sealed with on their way; neighbours take any"},
	{.name = "clients",
	 .type = PONTO_OPTION_INT,
	 .fallback = "64",
	 .min = 1,
	 .max = CONTENT_SERVER_LIMIT_MAX,
	 .doc = "requests of neighbours at once; more are answered as if nothing were held"},
	{.name = "clients_per_address",
	 .type = PONTO_OPTION_INT,
	 .fallback = "32",
	 .min = 0,
	 .max = CONTENT_SERVER_LIMIT_MAX,
	 .doc = "of them from one address; 0: as many as there are"},
	{.name = "upload_timeout",
	 .type = PONTO_OPTION_INT,
	 .fallback = "15000",
	 .min = 100,
	 .max = 3600000,
	 .unit = "milliseconds",
	 .doc = "time that answering a neighbour may take"},
	{.name = "cache_size",
	 .type = PONTO_OPTION_INT,
	 .fallback = "4096",
	 .min = 0,
	 .max = 1048576,
	 .unit = "MiB",
	 .doc = "of blocks kept; 0: no bound"},
	{.name = "cache_memory",
	 .type = PONTO_OPTION_INT,
	 .fallback = "32",
	 .min = 0,
	 .max = 65536,
	 .unit = "MiB",
	 .doc = "of blocks given to neighbours lately, kept in memory"},
	{.name = "cache_age",
	 .type = PONTO_OPTION_INT,
	 .fallback = "28",
	 .min = 0,
	 .max = 3650,
	 .unit = "days",
	 .doc = "that a segment is kept since its first block came; 0: for ever"},
	{.name = "cache_share",
	 .type = PONTO_OPTION_INT,
	 .fallback = "0",
	 .min = 0,
	 .max = 100,
	 .unit = "percent",
	 .doc = "of the file system that the store lies on, for blocks, when that is less than cache_size; looked at when the "
		"node starts; stores that lie on no disk of this machine have none; 0: no bound"},
	{.name = "cache_scrub",
	 .type = PONTO_OPTION_INT,
	 .fallback = "7",
	 .min = 0,
	 .max = 3650,
	 .unit = "days",
	 .doc = "in which all that is cached is read and checked once, in the background; 0: never"},
	{.name = "cache_scrub_rate",
	 .type = PONTO_OPTION_INT,
	 .fallback = "8",
	 .min = 0,
	 .max = 65536,
	 .unit = "MiB a second",
	 .doc = "that this reads at most; 0: no bound"},
	{.name = "cache_check",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "read and check every block in the background when the node starts"},
	DIST_CLIENT_OPTIONS
	DIST_HOSTED_OPTIONS
	DIST_API_OPTIONS
};

PONTO_PLUGIN(service_dist) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_SERVICE,
	.name = "service-dist",
	.version = PACKAGE_VERSION,
	.summary = "contents once across the line, then from neighbours: BranchCache's protocols",
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
