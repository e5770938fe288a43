#include "plugins/transport-teredo/tt.h"

static void tt_destroy(void *self)
{
	struct tt_hub *hub = self;

	if (!hub)
		return;
	tt_hub_stop(hub);
	stack_destroy(hub->stack);
	stack_destroy(hub->plain);
	tt_queue_clear(hub, &(struct tt_queue){.head = hub->spare});
	pthread_cond_destroy(&hub->reported);
	pthread_mutex_destroy(&hub->lock);
	pthread_mutex_destroy(&hub->starting);
	ponto_wipe(hub->secret, sizeof(hub->secret));
	ponto_free(hub->env->alloc, hub);
}

static int tt_create(const struct ponto_env *env, void **self)
{
	struct tt_hub *hub = ponto_new(env->alloc, 1, sizeof(*hub));
	int result;

	if (!hub)
		return PONTO_ENOMEM;
	hub->env = env;
	hub->bell.fd = -1;
	tt_queue_init(&hub->out);
	pthread_mutex_init(&hub->lock, NULL);
	pthread_mutex_init(&hub->starting, NULL);
	pthread_cond_init(&hub->reported, NULL);
	result = tt_conf_read(hub);
	if (result == PONTO_OK) {
		tt_metrics_make(hub);
		result = tt_stream_host(hub);
	}
	if (result != PONTO_OK) {
		tt_destroy(hub);
		return result;
	}
	*self = hub;
	return PONTO_OK;
}

static const struct ponto_transport_ops ops = {
	.head = {PONTO_TRANSPORT_ABI, sizeof(ops)},
	.create = tt_create,
	.destroy = tt_destroy,
	.open = tt_open,
	.close = tt_close,
	.local = tt_local,
	.send = tt_send,
	.connect = tt_connect,
	.listen = tt_listen,
	.unlisten = stack_unlisten,
	.adopt = stack_adopt,
	.write = stack_write,
	.resume = stack_resume,
	.shutdown = stack_shutdown,
	.abort = stack_abort,
	.listening = stack_listening,
	.ends = stack_ends,
	.describe = tt_describe,
	.wants_tls = tt_wants_tls,
};

static const char *const offers[] = {PONTO_FEATURE_DATAGRAM, PONTO_FEATURE_STREAM, NULL};

PONTO_PLUGIN(transport_teredo) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_TRANSPORT,
	.name = "transport-teredo",
	.version = "1",
	.summary = "UDP and TCP over IPv6 through IPv4 NATs, by Teredo",
	.offers = offers,
	.options = tt_options,
	.option_count = TT_OPTION_COUNT,
	.vtable = &ops.head,
};
