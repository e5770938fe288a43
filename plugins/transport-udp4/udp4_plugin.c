#include "plugins/transport-udp6/udp_transport.h"

static int udp4_create(const struct ponto_env *env, void **self)
{
	return udp_create(env, PONTO_FAMILY_IPV4, self);
}

static const struct ponto_transport_ops ops = {
	.head = {PONTO_TRANSPORT_ABI, sizeof(ops)},
	.create = udp4_create,
	.destroy = udp_destroy,
	.open = udp_open,
	.close = udp_close,
	.local = udp_local,
	.send = udp_send,
	.join = udp_join,
	.leave = udp_leave,
	.zones = udp_zones,
	.subnets = udp_subnets,
};

static const char *const offers[] = {PONTO_FEATURE_DATAGRAM, NULL};

PONTO_PLUGIN(transport_udp4) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_TRANSPORT,
	.name = "transport-udp4",
	.version = "1",
	.summary = "UDP over IPv4",
	.offers = offers,
	.options = udp_options,
	.option_count = UDP_OPTION_COUNT,
	.vtable = &ops.head,
};
