/* http-mhd: HTTP by libmicrohttpd (server) and libcurl (client). */
#include "plugins/http-mhd/mhd.h"

static const struct ponto_option options[] = {
	{.name = "threads",
	 .type = PONTO_OPTION_INT,
	 .fallback = "0",
	 .min = 0,
	 .max = 64,
	 .doc = "threads that serve, for each address, but no more than connections; 0: one for each core, at most 8"},
	{.name = "connections",
	 .type = PONTO_OPTION_INT,
	 .fallback = "1024",
	 .min = 1,
	 .max = 65536,
	 .doc = "connections open to each address; further ones wait until one ends"},
	{.name = "connections_per_address",
	 .type = PONTO_OPTION_INT,
	 .fallback = "256",
	 .min = 1,
	 .max = 65536,
	 .doc = "of them, those of one client's address; further ones are closed"},
	{.name = "idle_timeout",
	 .type = PONTO_OPTION_INT,
	 .fallback = "30",
	 .min = 1,
	 .max = 3600,
	 .unit = "seconds",
	 .doc = "a connection without a byte for so long is closed, unless it waits for our answer"},
	{.name = "request_timeout",
	 .type = PONTO_OPTION_INT,
	 .fallback = "120",
	 .min = 1,
	 .max = 3600,
	 .unit = "seconds",
	 .doc = "a request has to come whole within this time since the one before, or the connection is cut"},
	{.name = "fetches",
	 .type = PONTO_OPTION_INT,
	 .fallback = "256",
	 .min = 1,
	 .max = 4096,
	 .doc = "fetches under way at once; further ones are refused"},
	{.name = "fetch_connections",
	 .type = PONTO_OPTION_INT,
	 .fallback = "64",
	 .min = 1,
	 .max = 4096,
	 .doc = "connections that fetches use at once, and those kept open for the next one"},
	{.name = "fetch_connections_per_host",
	 .type = PONTO_OPTION_INT,
	 .fallback = "8",
	 .min = 1,
	 .max = 1024,
	 .doc = "of them, those to one host; further fetches from it wait"},
};

static void measure(struct mhd_http *http)
{
	struct ponto_metrics *m = http->env->metrics;
	const char *name = http->env->instance;

	http->metrics = (struct mhd_metrics){
		.requests = ponto_counter(m, "http_requests_total", name, "requests handed to services"),
		.refused = ponto_counter(m, "http_refused_total", name, "requests refused before a service saw them"),
		.failures = ponto_counter(m, "http_failures_total", name, "answers that did not reach their client"),
		.bytes_in = ponto_counter(m, "http_received_bytes_total", name, "bodies of requests"),
		.bytes_out = ponto_counter(m, "http_sent_bytes_total", name, "bodies of answers"),
		.fetches = ponto_counter(m, "http_fetches_total", name, "fetches begun"),
		.fetch_failures = ponto_counter(m, "http_fetch_failures_total", name, "fetches that failed"),
		.fetch_bytes = ponto_counter(m, "http_fetched_bytes_total", name, "bodies of fetched answers"),
		.connections = ponto_gauge(m, "http_connections", name, "open connections of clients"),
	};
}

static int create(const struct ponto_env *env, void **self)
{
	struct mhd_http *http;

	if (env->simulation) {
		ponto_error(env->log, MHD_TOPIC_SERVE, "http-mhd uses real sockets and is for no simulation");
		return PONTO_ENOTSUP;
	}
	http = ponto_new(env->alloc, 1, sizeof(*http));
	if (!http)
		return PONTO_ENOMEM;
	http->env = env;
	pthread_mutex_init(&http->lock, NULL);
	measure(http);
	*self = http;
	return PONTO_OK;
}

static void destroy(void *self)
{
	struct mhd_http *http = self;

	if (!http)
		return;
	mhd_client_destroy(http->client);
	pthread_mutex_destroy(&http->lock);
	ponto_free(http->env->alloc, http);
}

static const struct ponto_http_ops ops = {
	.head = {PONTO_HTTP_ABI, sizeof(ops)},
	.create = create,
	.destroy = destroy,
	.listen = mhd_listen,
	.unlisten = mhd_unlisten,
	.local = mhd_local,
	.respond = mhd_respond,
	.resume = mhd_resume,
	.fetch = mhd_fetch,
	.transfer_resume = mhd_transfer_resume,
	.cancel = mhd_cancel,
};

PONTO_PLUGIN(http_mhd) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_HTTP,
	.name = "http-mhd",
	.version = "1",
	.summary = "HTTP and HTTPS, served by libmicrohttpd and fetched by libcurl",
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
