/* service-echo: a service that answers "Echo" with the bytes it was sent, and
 * tells subscribers about each call.
 *
 * Everything runs on the instance's own thread, so there is no lock. */
#include <string.h>

#include "framework/service.h"

#define TOPIC "service.echo"

struct echo {
	const struct ponto_env *env;
	const struct ponto_conf *conf;
	struct ponto_counter *calls;
};

static int echo_create(const struct ponto_env *env, void **self)
{
	struct echo *e = ponto_new(env->alloc, 1, sizeof(*e));

	if (!e)
		return PONTO_ENOMEM;
	e->env = env;
	e->conf = env->conf;
	if (env->metrics)
		e->calls = ponto_counter(env->metrics, "echo_calls_total", env->instance, "calls answered");
	*self = e;
	return PONTO_OK;
}

static int echo_start(void *self)
{
	struct echo *e = self;

	ponto_info(e->env->log, TOPIC, "%s answers calls of up to %lld bytes", e->env->instance,
		   (long long)ponto_conf_int(e->conf, "limit"));
	return PONTO_OK;
}

static void echo_call(void *self, struct ponto_call *call)
{
	struct echo *e = self;

	ponto_counter_add(e->calls, 1);
	if (strcmp(call->method, "Echo") != 0) {
		ponto_call_reply(call, PONTO_ENOTSUP, ponto_bytes(NULL, 0), "the only method is Echo");
	} else if (call->payload.len > (uint64_t)ponto_conf_int(e->conf, "limit")) {
		ponto_call_reply(call, PONTO_ELIMIT, ponto_bytes(NULL, 0), "the message is longer than the limit");
	} else {
		ponto_port_event(e->env->port, "echoed", call->payload);
		ponto_call_reply(call, PONTO_OK, call->payload, NULL);
	}
}

/* limit is live: calls read it from the configuration that is in force. */
static int echo_reload(void *self, const struct ponto_conf *conf)
{
	((struct echo *)self)->conf = conf;
	return PONTO_OK;
}

/* No call is open and no peer is to be told. */
static void echo_stop(void *self, ponto_loop_fn *done, void *arg)
{
	(void)self;
	done(arg);
}

static void echo_destroy(void *self)
{
	struct echo *e = self;

	if (e)
		ponto_free(e->env->alloc, e);
}

static const struct ponto_option options[] = {
	{.name = "limit",
	 .type = PONTO_OPTION_INT,
	 .fallback = "65536",
	 .min = 1,
	 .max = 1048576,
	 .unit = "bytes",
	 .live = true,
	 .doc = "longest message that is echoed"},
};

static const struct ponto_service_ops ops = {
	.head = {PONTO_SERVICE_ABI, sizeof(ops)},
	.create = echo_create,
	.start = echo_start,
	.call = echo_call,
	.reload = echo_reload,
	.stop = echo_stop,
	.destroy = echo_destroy,
};

PONTO_PLUGIN(service_echo) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_SERVICE,
	.name = "service-echo",
	.version = "1",
	.summary = "answers with the bytes it was sent",
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
