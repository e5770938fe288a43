#include "plugins/transport-sim/sim_stream.h"

#include <string.h>

#define TOPIC "transport.sim"

struct sim_transport {
	const struct ponto_env *env;
	uint16_t port;
	uint8_t family;
};

static const char *const families[] = {"4", "6", NULL};

static const struct ponto_option options[] = {
	{.name = "port",
	 .type = PONTO_OPTION_INT,
	 .fallback = "3540",
	 .min = 1025,
	 .max = 65535,
	 .doc = "port that services listen on unless they name another"},
	{.name = "family", .type = PONTO_OPTION_STRING, .fallback = "6", .choices = families, .doc = "of its addresses"},
};

static int sim_create(const struct ponto_env *env, void **self)
{
	struct sim_transport *transport;

	if (!env->simulation) {
		ponto_error(env->log, TOPIC, "transport-sim works in simulated worlds only");
		return PONTO_ECONF;
	}
	transport = ponto_new(env->alloc, 1, sizeof(*transport));
	if (!transport)
		return PONTO_ENOMEM;
	transport->env = env;
	transport->port = (uint16_t)ponto_conf_int(env->conf, "port");
	transport->family = ponto_conf_string(env->conf, "family")[0] == '4' ? PONTO_FAMILY_IPV4 : PONTO_FAMILY_IPV6;
	*self = transport;
	return PONTO_OK;
}

const struct ponto_env *sim_transport_env(void *self)
{
	return ((struct sim_transport *)self)->env;
}

static void sim_destroy(void *self)
{
	struct sim_transport *transport = self;

	if (transport)
		ponto_free(transport->env->alloc, transport);
}

static bool zone_exists(const struct ponto_datagram_want *want)
{
	if (want->scope == PONTO_SCOPE_LINK || want->scope == PONTO_SCOPE_SITE)
		return want->zone == 0 || want->zone == PONTO_SIM_ZONE;
	return true;
}

static int sim_open(void *self, struct ponto_loop *loop, const struct ponto_datagram_want *want,
		    const struct ponto_datagram_events *events, void *arg, struct ponto_datagram_handle **out)
{
	struct sim_transport *transport = self;
	struct ponto_sim_node *node = ponto_loop_sim(loop);
	struct ponto_datagram_handle *h;
	struct sim_network *network;
	int result;

	if (!node)
		return PONTO_ENOTSUP;
	if (want->scope == PONTO_SCOPE_NONE || !events->receive)
		return PONTO_EINVAL;
	/* Of IPv4 there are public and private addresses, which are one scope. */
	if (!zone_exists(want) || (transport->family == PONTO_FAMILY_IPV4 && want->scope != PONTO_SCOPE_GLOBAL))
		return PONTO_ENOENT;
	network = sim_network_of(ponto_sim_node_world(node));
	h = network ? ponto_new(transport->env->alloc, 1, sizeof(*h)) : NULL;
	if (!h)
		return PONTO_ENOMEM;
	h->alloc = transport->env->alloc;
	h->events = *events;
	h->arg = arg;
	h->scope = want->scope;
	h->family = transport->family;
	h->node = ponto_sim_node_number(node);
	h->max_addresses = want->max_addresses ? want->max_addresses : 4;
	h->port = want->port ? want->port : transport->port;
	result = sim_network_attach(network, h);
	if (result != PONTO_OK) {
		ponto_free(h->alloc, h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

static void sim_close(struct ponto_datagram_handle *h)
{
	sim_network_detach(h);
	ponto_free(h->alloc, h);
}

static void own_address(struct ponto_datagram_handle *h, uint32_t index, struct ponto_addr *out)
{
	if (h->family == PONTO_FAMILY_IPV4)
		sim_nat_local(h, index, out);
	else
		ponto_sim_network_address(h->node, h->scope, index, h->port, out);
}

static int sim_local(struct ponto_datagram_handle *h, struct ponto_addr *out, size_t cap, size_t *count)
{
	uint32_t n = sim_address_count(h);

	for (uint32_t i = 0; i < n && i < cap; i++)
		own_address(h, i, &out[i]);
	*count = n;
	return PONTO_OK;
}

/* The sender's own address: the named one, or the first. */
static int complete_local(struct ponto_datagram_handle *h, struct ponto_datagram *d)
{
	uint32_t n = sim_address_count(h);

	for (uint32_t i = 0; i < n; i++) {
		struct ponto_addr local;

		own_address(h, i, &local);
		if (d->local.family == PONTO_FAMILY_NONE || memcmp(d->local.ip, local.ip, sizeof(local.ip)) == 0) {
			d->local = local;
			return PONTO_OK;
		}
	}
	return PONTO_EUNREACH;
}

static int sim_send(struct ponto_datagram_handle *h, const struct ponto_datagram *batch, size_t count, size_t *sent)
{
	size_t done = 0;
	int result = PONTO_OK;

	for (; done < count && result == PONTO_OK; done++) {
		struct ponto_datagram d = batch[done];

		if (d.peer.family != h->family || d.peer.port == 0)
			result = PONTO_EINVAL;
		else
			result = complete_local(h, &d);
		if (result == PONTO_OK)
			result = sim_network_send(h, &d);
		if (result != PONTO_OK)
			break;
	}
	*sent = done;
	return result;
}

static int sim_join(struct ponto_datagram_handle *h, const struct ponto_addr *group)
{
	if (group->family != h->family ||
	    (h->family == PONTO_FAMILY_IPV4 ? group->ip[0] >> 4 != 0xe : group->ip[0] != 0xff))
		return PONTO_EINVAL;
	return h->scope == PONTO_SCOPE_LOOPBACK ? PONTO_ENOTSUP : sim_network_join(h, group);
}

static int sim_leave(struct ponto_datagram_handle *h, const struct ponto_addr *group)
{
	return sim_network_leave(h, group);
}

static void put_subnet(uint32_t node, enum ponto_scope scope, uint32_t index, struct ponto_subnet *out)
{
	*out = (struct ponto_subnet){.zone = PONTO_SIM_ZONE, .bits = 64};
	ponto_sim_network_address(node, scope, index, 0, &out->addr);
}

/* Of the loop's node. */
static int sim_subnets(void *self, struct ponto_loop *loop, struct ponto_subnet *out, size_t cap, size_t *count)
{
	static const enum ponto_scope scopes[] = {PONTO_SCOPE_LINK, PONTO_SCOPE_SITE, PONTO_SCOPE_GLOBAL};
	const struct sim_transport *transport = self;
	struct ponto_sim_node *node = ponto_loop_sim(loop);
	struct sim_network *network = node ? sim_network_of(ponto_sim_node_world(node)) : NULL;
	struct sim_host *host = network ? sim_host_of(network, ponto_sim_node_number(node)) : NULL;
	size_t n = 0;

	if (!host)
		return node ? PONTO_ENOMEM : PONTO_ENOTSUP;
	for (; transport->family == PONTO_FAMILY_IPV4 && n < host->addresses; n++) {
		if (n < cap)
			sim_nat_subnet(network, ponto_sim_node_number(node), (uint32_t)n, &out[n]);
	}
	if (transport->family == PONTO_FAMILY_IPV4) {
		*count = n;
		return PONTO_OK;
	}
	for (size_t s = 0; s < PONTO_ARRAY_SIZE(scopes); s++) {
		for (uint32_t i = 0; i < host->addresses; i++, n++) {
			if (n < cap)
				put_subnet(ponto_sim_node_number(node), scopes[s], i, &out[n]);
		}
	}
	*count = n;
	return PONTO_OK;
}

static const struct ponto_transport_ops ops = {
	.head = {PONTO_TRANSPORT_ABI, sizeof(ops)},
	.create = sim_create,
	.destroy = sim_destroy,
	.open = sim_open,
	.close = sim_close,
	.local = sim_local,
	.send = sim_send,
	.join = sim_join,
	.leave = sim_leave,
	.subnets = sim_subnets,
	.connect = sim_connect,
	.listen = sim_listen,
	.unlisten = sim_unlisten,
	.adopt = sim_adopt,
	.write = sim_write,
	.resume = sim_resume,
	.shutdown = sim_shutdown,
	.abort = sim_abort,
	.listening = sim_listening,
	.ends = sim_ends,
};

static const char *const offers[] = {PONTO_FEATURE_DATAGRAM, PONTO_FEATURE_STREAM, NULL};

PONTO_PLUGIN(transport_sim) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_TRANSPORT,
	.name = "transport-sim",
	.version = "1",
	.summary = "datagrams and streams in a simulated world",
	.offers = offers,
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
