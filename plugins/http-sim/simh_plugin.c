/* http-sim: HTTP between the nodes of a simulated world. */
#include "plugins/http-sim/simh.h"

static int create(const struct ponto_env *env, void **self)
{
	struct simh_http *http;

	if (!env->simulation) {
		ponto_error(env->log, SIMH_TOPIC, "http-sim is for simulations");
		return PONTO_ENOTSUP;
	}
	http = ponto_new(env->alloc, 1, sizeof(*http));
	if (!http)
		return PONTO_ENOMEM;
	http->env = env;
	http->requests =
		ponto_counter(env->metrics, "http_requests_total", env->instance, "requests handed to services");
	http->refused = ponto_counter(env->metrics, "http_refused_total", env->instance,
				      "requests refused before a service saw them");
	http->fetches = ponto_counter(env->metrics, "http_fetches_total", env->instance, "fetches begun");
	http->failures = ponto_counter(env->metrics, "http_fetch_failures_total", env->instance, "fetches that failed");
	*self = http;
	return PONTO_OK;
}

static void destroy(void *self)
{
	struct simh_http *http = self;

	if (http)
		ponto_free(http->env->alloc, http);
}

static const struct ponto_http_ops ops = {
	.head = {PONTO_HTTP_ABI, sizeof(ops)},
	.create = create,
	.destroy = destroy,
	.listen = simh_listen,
	.unlisten = simh_unlisten,
	.local = simh_local,
	.respond = simh_respond,
	.resume = simh_resume,
	.fetch = simh_fetch,
	.transfer_resume = simh_transfer_resume,
	.cancel = simh_cancel,
};

PONTO_PLUGIN(http_sim) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_HTTP,
	.name = "http-sim",
	.version = "1",
	.summary = "HTTP between the nodes of a simulated world",
	.vtable = &ops.head,
};
