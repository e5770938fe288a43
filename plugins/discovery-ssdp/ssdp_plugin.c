/* discovery-ssdp: what it may be told, and the instance. */
#include "plugins/discovery-ssdp/ssdp.h"

static const struct ponto_option ssdp_options[] = {
	{.name = "transport",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_TRANSPORT,
	 .doc = "the transport whose links are searched; IPv6"},
};

static void ssdp_destroy(void *self)
{
	struct ssdp *ssdp = self;

	if (ssdp)
		ponto_free(ssdp->env->alloc, ssdp);
}

static void make_counters(struct ssdp *ssdp)
{
	struct ponto_metrics *metrics = ssdp->env->metrics;
	const char *instance = ssdp->env->instance;

	if (!metrics)
		return;
	ssdp->searches = ponto_counter(metrics, "discovery_searches_sent_total", instance, "Searches sent to a group");
	ssdp->answered = ponto_counter(metrics, "discovery_answers_sent_total", instance, "Searches of others answered");
	ssdp->found = ponto_counter(metrics, "discovery_addresses_found_total", instance, "Addresses found");
	ssdp->dropped = ponto_counter(metrics, "discovery_dropped_total", instance,
				      "Messages of others that came to nothing: malformed, not for us, or too many");
}

static int ssdp_create(const struct ponto_env *env, void **self)
{
	struct ssdp *ssdp = ponto_new(env->alloc, 1, sizeof(*ssdp));
	struct ponto_iface iface;
	int result;

	if (!ssdp)
		return PONTO_ENOMEM;
	ssdp->env = env;
	result = ponto_env_find(env, PONTO_KIND_TRANSPORT, ponto_conf_string(env->conf, "transport"), &iface);
	if (result != PONTO_OK) {
		ssdp_destroy(ssdp);
		return result;
	}
	ssdp->transport.ops = (const struct ponto_transport_ops *)iface.ops;
	ssdp->transport.self = iface.self;
	ssdp->transport.pool = iface.pool;
	make_counters(ssdp);
	*self = ssdp;
	return PONTO_OK;
}

static const struct ponto_discovery_ops ops = {
	.head = {PONTO_DISCOVERY_ABI, sizeof(ops)},
	.sources = PONTO_SOURCE_MULTICAST,
	.create = ssdp_create,
	.destroy = ssdp_destroy,
	.open = ssdp_open,
	.close = ssdp_close,
	.search = ssdp_search,
	.publish = ssdp_publish,
	.unpublish = ssdp_unpublish,
};

static const char *const needs[] = {PONTO_FEATURE_DATAGRAM, NULL};

PONTO_PLUGIN(discovery_ssdp) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_DISCOVERY,
	.name = "discovery-ssdp",
	.version = "1",
	.summary = "neighbours on the same link, by multicast as MS-PNRP frames it",
	.needs = needs,
	.options = ssdp_options,
	.option_count = PONTO_ARRAY_SIZE(ssdp_options),
	.vtable = &ops.head,
};
