#include "plugins/transport-tcp/tcp.h"

static const struct ponto_option options[] = {TCP_OPTIONS};

static int plugin_create(const struct ponto_env *env, void **self)
{
	struct tcp_transport *tcp = ponto_new(env->alloc, 1, sizeof(*tcp));
	struct tcp_settings settings;

	if (!tcp)
		return PONTO_ENOMEM;
	tcpt_settings_read(env->conf, &settings);
	tcpt_init(tcp, env, &settings, tcpt_socket_plain);
	*self = tcp;
	return PONTO_OK;
}

static void plugin_destroy(void *self)
{
	struct tcp_transport *tcp = self;

	if (tcp)
		ponto_free(tcp->env->alloc, tcp);
}

static const struct ponto_transport_ops ops = {
	.head = {PONTO_TRANSPORT_ABI, sizeof(ops)},
	.create = plugin_create,
	.destroy = plugin_destroy,
	TCPT_STREAM_OPS,
};

static const char *const offers[] = {PONTO_FEATURE_STREAM, NULL};

PONTO_PLUGIN(transport_tcp) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_TRANSPORT,
	.name = "transport-tcp",
	.version = "1",
	.summary = "TCP over IPv6 and IPv4",
	.offers = offers,
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
