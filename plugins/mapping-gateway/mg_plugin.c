/* mapping-gateway: what it may be told, and the instance. */
#include "plugins/mapping-gateway/mg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "ponto-map"
#define THREADS 2
#define QUEUE 64

static const char *const protocol_names[MG_PROTOCOLS] = {"pcp", "natpmp", "upnp"};

static bool fits_protocol(const char *text, int64_t unused, char *why, size_t size)
{
	(void)unused;
	for (unsigned i = 0; i < MG_PROTOCOLS; i++)
		if (strcmp(text, protocol_names[i]) == 0)
			return true;
	snprintf(why, size, "'%s' is none of pcp, natpmp, upnp", text);
	return false;
}

static bool fits_gateway(const char *text, int64_t unused, char *why, size_t size)
{
	struct ponto_addr addr;

	(void)unused;
	if (!text[0] || (ponto_addr_parse(text, 0, &addr) == PONTO_OK && addr.family == PONTO_FAMILY_IPV4 && !addr.port))
		return true;
	snprintf(why, size, "'%s' is no IPv4 address", text);
	return false;
}

static const struct ponto_option options[] = {
	{.name = "transport",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_TRANSPORT,
	 .doc = "the IPv4 transport that PCP and announcements go over"},
	{.name = "protocols",
	 .type = PONTO_OPTION_LIST,
	 .fallback = "pcp,natpmp,upnp",
	 .fits = fits_protocol,
	 .doc = "what the gateway is asked by: pcp, natpmp, upnp, always in this order"},
	{.name = "gateway",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = fits_gateway,
	 .doc = "its IPv4 address inside; empty: that of the default route"},
	{.name = "lifetime",
	 .type = PONTO_OPTION_INT,
	 .fallback = "7200",
	 .min = 10,
	 .max = PCP_LIFETIME_MAX,
	 .unit = "seconds",
	 .doc = "how long PCP and NAT-PMP are to keep a port unless it is renewed"},
	{.name = "check",
	 .type = PONTO_OPTION_INT,
	 .fallback = "600",
	 .min = 2,
	 .max = 86400,
	 .unit = "seconds",
	 .doc = "how often a port got by UPnP is asked for again, since nothing tells when it is lost"},
	{.name = "patience",
	 .type = PONTO_OPTION_INT,
	 .fallback = "4",
	 .min = 1,
	 .max = 60,
	 .unit = "seconds",
	 .doc = "how long PCP's answer is waited for before the next protocol is tried"},
	{.name = "retry",
	 .type = PONTO_OPTION_INT,
	 .fallback = "300",
	 .min = 2,
	 .max = 86400,
	 .unit = "seconds",
	 .doc = "how long after none of them got a port they are tried again"},
};

static void mg_destroy(void *self)
{
	struct mg *mg = self;

	if (!mg)
		return;
	ponto_pool_destroy(mg->pool);
	ponto_free(mg->env->alloc, mg);
}

static bool runs(const char *path)
{
	return access(path, X_OK) == 0;
}

/* $PONTO_LIBEXEC if it is set, else beside this program or above its .libs (the build tree), else where it is
 * installed. */
static void find_program(char path[PATH_MAX])
{
	const char *given = secure_getenv("PONTO_LIBEXEC");
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (given && given[0]) {
		snprintf(path, PATH_MAX, "%s/" PROGRAM, given);
		return;
	}
	self[len > 0 ? len : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash) {
		*slash = '\0';
		if (snprintf(path, PATH_MAX, "%s/" PROGRAM, self) < PATH_MAX && runs(path))
			return;
		slash = strrchr(self, '/');
		if (slash && strcmp(slash, "/.libs") == 0 &&
		    snprintf(path, PATH_MAX, "%.*s/" PROGRAM, (int)(slash - self), self) < PATH_MAX && runs(path))
			return;
	}
	snprintf(path, PATH_MAX, "%s/" PROGRAM, PONTO_LIBEXEC_DIR);
}

static void make_counters(struct mg *mg)
{
	struct ponto_metrics *metrics = mg->env->metrics;
	const char *instance = mg->env->instance;

	if (!metrics)
		return;
	mg->asked = ponto_counter(metrics, "mapping_requests_total", instance, "Times that a gateway was asked");
	mg->lost = ponto_counter(metrics, "mapping_lost_total", instance, "Ports that were had and lost");
	mg->foreign = ponto_counter(metrics, "mapping_foreign_total", instance,
				    "Answers that were not from the gateway");
}

static void read_options(struct mg *mg)
{
	const struct ponto_conf *conf = mg->env->conf;
	const char *gateway = ponto_conf_string(conf, "gateway");

	for (const char *const *name = ponto_conf_list(conf, "protocols"); *name; name++)
		for (unsigned i = 0; i < MG_PROTOCOLS; i++)
			if (strcmp(*name, protocol_names[i]) == 0)
				mg->protocols |= 1u << i;
	if (gateway[0] && ponto_addr_parse(gateway, 0, &mg->gateway) != PONTO_OK)
		mg->gateway.family = PONTO_FAMILY_NONE; /* checked before */
	mg->lifetime = (uint32_t)ponto_conf_int(conf, "lifetime");
	mg->check = (uint64_t)ponto_conf_int(conf, "check") * PONTO_SECOND;
	mg->patience = (uint64_t)ponto_conf_int(conf, "patience") * PONTO_SECOND;
	mg->retry = (uint64_t)ponto_conf_int(conf, "retry") * PONTO_SECOND;
}

static int mg_create(const struct ponto_env *env, void **self)
{
	struct mg *mg = ponto_new(env->alloc, 1, sizeof(*mg));
	struct ponto_iface iface;
	int result;

	if (!mg)
		return PONTO_ENOMEM;
	mg->env = env;
	result = ponto_env_find(env, PONTO_KIND_TRANSPORT, ponto_conf_string(env->conf, "transport"), &iface);
	if (result == PONTO_OK && !env->simulation)
		result = ponto_pool_create(env->alloc, env->instance, THREADS, QUEUE, &mg->pool);
	if (result != PONTO_OK) {
		mg_destroy(mg);
		return result;
	}
	mg->transport = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	read_options(mg);
	find_program(mg->program);
	make_counters(mg);
	*self = mg;
	return PONTO_OK;
}

static const struct ponto_mapping_ops ops = {
	.head = {PONTO_MAPPING_ABI, sizeof(ops)},
	.create = mg_create,
	.destroy = mg_destroy,
	.open = mg_open,
	.close = mg_close,
	.renew = mg_renew,
};

static const char *const needs[] = {PONTO_FEATURE_DATAGRAM, NULL};

PONTO_PLUGIN(mapping_gateway) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_MAPPING,
	.name = "mapping-gateway",
	.version = "1",
	.summary = "a port of the NAT, asked of it by PCP, NAT-PMP or UPnP",
	.needs = needs,
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
