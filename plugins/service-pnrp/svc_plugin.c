/* service-pnrp: descriptor, options, the life of one cloud. */
#include <stdio.h>
#include <string.h>

#include "plugins/service-pnrp/svc.h"

#define TOPIC "service.pnrp"

static int find(const struct ponto_env *env, enum ponto_kind kind, const char *option, struct ponto_iface *out)
{
	return ponto_env_find(env, kind, ponto_conf_string(env->conf, option), out);
}

static int find_discovery(struct svc *svc)
{
	const char *const *names = ponto_conf_list(svc->conf, "discovery");

	for (; *names; names++) {
		struct svc_discovery *d = &svc->discovery[svc->discovery_count];
		struct ponto_iface iface;
		int result;

		if (svc->discovery_count == SVC_DISCOVERY_MAX) {
			ponto_error(svc->env->log, TOPIC, "more than %d discovery instances", SVC_DISCOVERY_MAX);
			return PONTO_ELIMIT;
		}
		result = ponto_env_find(svc->env, PONTO_KIND_DISCOVERY, *names, &iface);
		if (result != PONTO_OK)
			return result;
		d->svc = svc;
		d->discovery.ops = (const struct ponto_discovery_ops *)iface.ops;
		d->discovery.self = iface.self;
		d->discovery.pool = iface.pool;
		svc->discovery_count++;
	}
	return PONTO_OK;
}

static int find_all(struct svc *svc)
{
	struct ponto_iface iface;
	int result = find(svc->env, PONTO_KIND_TRANSPORT, "transport", &iface);

	if (result != PONTO_OK)
		return result;
	svc->transport.ops = (const struct ponto_transport_ops *)iface.ops;
	svc->transport.self = iface.self;
	result = find(svc->env, PONTO_KIND_SECURITY, "security", &iface);
	if (result != PONTO_OK)
		return result;
	svc->security.ops = (const struct ponto_security_ops *)iface.ops;
	svc->security.self = iface.self;
	svc->security.pool = iface.pool;
	if (*ponto_conf_string(svc->conf, "store")) {
		result = find(svc->env, PONTO_KIND_STORE, "store", &iface);
		if (result != PONTO_OK)
			return result;
		svc->store.ops = (const struct ponto_store_ops *)iface.ops;
		svc->store.self = iface.self;
		svc->store.pool = iface.pool;
		svc->has_store = true;
	}
	return find_discovery(svc);
}

void svc_free(struct svc *svc)
{
	if (!svc)
		return;
	svc_resolve_drop(svc);
	svc_names_drop(svc);
	svc_close(svc);
	svc_metrics_destroy(svc);
	ponto_free(svc->env->alloc, svc);
}

int svc_new(const struct ponto_env *env, unsigned scopes, uint32_t link, struct svc **out)
{
	struct svc *svc = ponto_new(env->alloc, 1, sizeof(*svc));
	int result;

	if (!svc)
		return PONTO_ENOMEM;
	svc->env = env;
	svc->conf = env->conf;
	svc->scopes = scopes;
	svc->link = link;
	if (link)
		snprintf(svc->label, sizeof(svc->label), "%.48s%%%u", env->instance, link);
	else
		snprintf(svc->label, sizeof(svc->label), "%s", env->instance);
	svc->next_token = 1;
	svc->chains_at = PONTO_NEVER;
	svc->profile = strcmp(ponto_conf_string(env->conf, "profile"), "modern") == 0 ? PONTO_PROFILE_MODERN
										      : PONTO_PROFILE_WINDOWS;
	result = svc_metrics_create(svc);
	if (result == PONTO_OK)
		result = find_all(svc);
	if (result != PONTO_OK) {
		svc_free(svc);
		return result;
	}
	*out = svc;
	return PONTO_OK;
}

int svc_begin(struct svc *svc)
{
	int result = svc_open(svc);

	if (result != PONTO_ENOENT || !svc->timer)
		return result;
	ponto_timer_set(svc->env->loop, svc->timer, svc_now(svc));
	return PONTO_OK;
}

/* Neighbours are told that the names here are going; that may take this long. */
#define STOP_LIMIT (800 * PONTO_MS)

void svc_end(struct svc *svc, ponto_loop_fn *done, void *arg)
{
	svc->stopped = done;
	svc->stopped_arg = arg;
	svc_resolve_drop(svc);
	if (svc->engine) {
		svc_routes_save(svc);
		pnrp_engine_stop(svc->engine, svc_now(svc), STOP_LIMIT);
		svc_pump(svc);
	} else {
		svc_check_stopped(svc);
	}
}

/* [MS-PNRP] peers refuse datagrams from the ports below. */
static bool port_fits(const char *text, int64_t number, char *why, size_t size)
{
	(void)text;
	if (number == 0 || number > PNRP_PORT_FLOOR)
		return true;
	snprintf(why, size, "%d is a port that no peer accepts: 0, or %d and above", (int)number, PNRP_PORT_FLOOR + 1);
	return false;
}

static const char *const scopes[] = {"auto", "all", "global", "site", "link", "loopback", NULL};
static const char *const profiles[] = {"windows", "modern", NULL};
static const char *const needs[] = {PONTO_FEATURE_DATAGRAM, NULL};

static const struct ponto_option options[] = {
	{.name = "transport",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_TRANSPORT,
	 .doc = "the transport that carries the cloud's datagrams"},
	{.name = "discovery",
	 .type = PONTO_OPTION_REFS,
	 .ref_kind = PONTO_KIND_DISCOVERY,
	 .doc = "where to look for the cloud's other nodes"},
	{.name = "security",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_SECURITY,
	 .doc = "identities, and the keys that sign"},
	{.name = "store",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_STORE,
	 .doc = "keeps registrations over restarts; \"\" for none"},
	{.name = "scope",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "auto",
	 .choices = scopes,
	 .doc = "the cloud to open; auto takes the widest scope that has an address when the node starts; all opens "
		"the global or "
		"site cloud and one for each link, as interfaces come and go"},
	{.name = "port",
	 .type = PONTO_OPTION_INT,
	 .fallback = "0",
	 .min = 0,
	 .max = 65535,
	 .fits = port_fits,
	 .doc = "UDP port of the cloud, 1025 or higher; 0 takes the transport's"},
	{.name = "profile",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "windows",
	 .choices = profiles,
	 .doc = "windows: the published protocol; modern: Ed25519 and SHA-256, a cloud of its own"},
	{.name = "resolve_only",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "resolve names but register none"},
	{.name = "disabled", .type = PONTO_OPTION_BOOL, .fallback = "false", .doc = "do not open the cloud at all"},
	{.name = "seed_servers",
	 .type = PONTO_OPTION_LIST,
	 .fallback = "",
	 .fits = ponto_seed_fits,
	 .doc = "nodes of this cloud to ask first, before those that discovery has: addresses or host names, with or "
		"without a port"},
	{.name = "only_seed_servers",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "leave out the seeds that discovery has"},
	{.name = "multicast_bootstrap",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "true",
	 .doc = "look for neighbours by multicast, and be found by them; false: Windows' DisableMulticastBootstrap"},
};

PONTO_PLUGIN(service_pnrp) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_SERVICE,
	.name = "service-pnrp",
	.version = PACKAGE_VERSION,
	.summary = "peer names, registered and resolved over MS-PNRP",
	.needs = needs,
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &svc_clouds_ops.head,
};
