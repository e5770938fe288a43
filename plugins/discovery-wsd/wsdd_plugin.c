/* discovery-wsd: what it may be told, and the instance. */
#include "plugins/discovery-wsd/wsdd.h"

static const struct ponto_option wsdd_options[] = {
	{.name = "transports",
	 .type = PONTO_OPTION_REFS,
	 .ref_kind = PONTO_KIND_TRANSPORT,
	 .doc = "the transports whose links are searched: one of IPv6, one of IPv4, or both"},
	{.name = "backoff",
	 .type = PONTO_OPTION_INT,
	 .fallback = "65",
	 .min = 1,
	 .max = WSD_BACKOFF_MAX / PONTO_MS,
	 .unit = "milliseconds",
	 .doc = "a neighbour is answered after a random part of this"},
	{.name = "wait",
	 .type = PONTO_OPTION_INT,
	 .fallback = "300",
	 .min = 1,
	 .max = WSD_WAIT_MAX / PONTO_MS,
	 .unit = "milliseconds",
	 .doc = "how long answers are awaited; at least backoff"},
	{.name = "suppress",
	 .type = PONTO_OPTION_INT,
	 .fallback = "10",
	 .min = 0,
	 .max = 1000,
	 .unit = "answers",
	 .doc = "neighbours that had a segment when it was sought, from which on questions for it are left to them; "
		"0: never"},
};

static void wsdd_destroy(void *self)
{
	struct wsdd *wsdd = self;

	if (wsdd)
		ponto_free(wsdd->env->alloc, wsdd);
}

static void make_counters(struct wsdd *wsdd)
{
	struct ponto_metrics *metrics = wsdd->env->metrics;
	const char *instance = wsdd->env->instance;

	if (!metrics)
		return;
	wsdd->searches = ponto_counter(metrics, "discovery_searches_sent_total", instance, "Searches sent to a group");
	wsdd->found = ponto_counter(metrics, "discovery_answers_received_total", instance,
				    "Answers of others to searches of ours");
	wsdd->asked = ponto_counter(metrics, "discovery_searches_received_total", instance, "Searches of others");
	wsdd->answered =
		ponto_counter(metrics, "discovery_answers_sent_total", instance, "Searches of others answered");
	wsdd->dropped = ponto_counter(metrics, "discovery_dropped_total", instance,
				      "Messages of others that came to nothing: malformed, not for us, or too many");
}

static int find_transports(struct wsdd *wsdd)
{
	const struct ponto_env *env = wsdd->env;

	for (const char *const *name = ponto_conf_list(env->conf, "transports"); *name; name++) {
		struct ponto_iface iface;
		int result;

		if (wsdd->transport_count == WSDD_TRANSPORTS_MAX) {
			ponto_error(env->log, WSDD_TOPIC, "more than %d transports", WSDD_TRANSPORTS_MAX);
			return PONTO_ECONF;
		}
		result = ponto_env_find(env, PONTO_KIND_TRANSPORT, *name, &iface);
		if (result != PONTO_OK)
			return result;
		wsdd->transports[wsdd->transport_count++] =
			(struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	}
	return PONTO_OK;
}

static int wsdd_create(const struct ponto_env *env, void **self)
{
	struct wsdd *wsdd = ponto_new(env->alloc, 1, sizeof(*wsdd));
	int result;

	if (!wsdd)
		return PONTO_ENOMEM;
	wsdd->env = env;
	wsdd->backoff = (uint64_t)ponto_conf_int(env->conf, "backoff") * PONTO_MS;
	wsdd->wait = (uint64_t)ponto_conf_int(env->conf, "wait") * PONTO_MS;
	wsdd->suppress = (uint32_t)ponto_conf_int(env->conf, "suppress");
	result = find_transports(wsdd);
	if (result != PONTO_OK) {
		wsdd_destroy(wsdd);
		return result;
	}
	make_counters(wsdd);
	*self = wsdd;
	return PONTO_OK;
}

static const struct ponto_discovery_ops ops = {
	.head = {PONTO_DISCOVERY_ABI, sizeof(ops)},
	.create = wsdd_create,
	.destroy = wsdd_destroy,
	.open = wsdd_open,
	.close = wsdd_close,
	.search = wsdd_search,
	.publish = wsdd_publish,
	.unpublish = wsdd_unpublish,
	.pieces = wsdd_pieces,
	.seek = wsdd_seek,
};

static const char *const needs[] = {PONTO_FEATURE_DATAGRAM, NULL};

PONTO_PLUGIN(discovery_wsd) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_DISCOVERY,
	.name = "discovery-wsd",
	.version = "1",
	.summary = "who on the same links holds segments of content, by multicast as MS-PCCRD frames it",
	.needs = needs,
	.options = wsdd_options,
	.option_count = PONTO_ARRAY_SIZE(wsdd_options),
	.vtable = &ops.head,
};
