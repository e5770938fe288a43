/* The engine's counters, shown as metrics. The engine counts by itself; here the
 * difference since the last look is added. */
#include <stdio.h>
#include <string.h>

#include "plugins/service-pnrp/svc.h"

#define LEVELS_SHOWN 10 /* each a tenth of the one before: the last is for clouds of more than a thousand million */

struct svc_metrics {
	struct pnrp_stats seen;
	struct ponto_counter *received[PNRP_COUNT_TYPES];
	struct ponto_counter *sent[PNRP_COUNT_TYPES];
	struct ponto_counter *dropped[PNRP_DROP_REASONS];
	struct ponto_counter *plain[SVC_COUNTERS];
	struct ponto_gauge *cached, *leaves, *level[LEVELS_SHOWN], *estimate, *names, *memory;
};

const struct svc_counter svc_counters[SVC_COUNTERS] = {
	{"received bytes", "Bytes of PNRP received", offsetof(struct pnrp_stats, received_bytes)},
	{"sent bytes", "Bytes of PNRP sent", offsetof(struct pnrp_stats, sent_bytes)},
	{"retransmitted", "Requests sent a second time", offsetof(struct pnrp_stats, retransmitted)},
	{"timeouts", "Requests never answered", offsetof(struct pnrp_stats, timeouts)},
	{"walks", "Resolve walks begun, for whatever reason", offsetof(struct pnrp_stats, walks)},
	{"walks failed", "Resolve walks that found nothing", offsetof(struct pnrp_stats, walks_failed)},
	{"resolves", "Names asked for by applications", offsetof(struct pnrp_stats, resolves)},
	{"resolves found", "of these, found", offsetof(struct pnrp_stats, resolves_found)},
	{"resolves failed", "of these, not found", offsetof(struct pnrp_stats, resolves_failed)},
	{"signatures", "CPAs and payloads signed", offsetof(struct pnrp_stats, signatures)},
	{"verifications", "CPAs and payloads verified", offsetof(struct pnrp_stats, verifications)},
	{"probes", "entries asked whether they are still there", offsetof(struct pnrp_stats, probes)},
	{"floods forwarded", "FLOODs passed on to neighbours", offsetof(struct pnrp_stats, floods_forwarded)},
	{"output lost", "Messages that found no room to wait for sending", offsetof(struct pnrp_stats, output_lost)},
	{"cached", "Route entries that entered the cache", offsetof(struct pnrp_stats, cached)},
	{"uncached", "Route entries removed because they were gone or silent", offsetof(struct pnrp_stats, uncached)},
	{"revoked", "of these, by a revoke CPA", offsetof(struct pnrp_stats, revoked)},
	{"splits tested", "Tests whether the cloud is split", offsetof(struct pnrp_stats, splits_tested)},
	{"splits found", "of these, that found it so", offsetof(struct pnrp_stats, splits_found)},
	{"splits found smaller", "of these, with this side as the smaller one", offsetof(struct pnrp_stats, splits_found_smaller)},
};

uint64_t svc_counter_value(const struct pnrp_stats *stats, unsigned counter)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + svc_counters[counter].offset, sizeof(value));
	return value;
}

/* "not found" becomes "not_found". */
static struct ponto_counter *named(struct svc *svc, const char *what, const char *word, const char *help)
{
	char name[96];

	snprintf(name, sizeof(name), "pnrp_%s%s_total", what, word);
	for (char *c = name; *c; c++) {
		if (*c == ' ' || *c == '-')
			*c = '_';
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return ponto_counter(svc->env->metrics, name, svc->label, help);
}

static bool add_to_shape(void *arg, const struct pnrp_route *route)
{
	struct svc_shape *shape = arg;

	shape->leaves += route->leaf;
	shape->level[route->level < SVC_LEVELS ? route->level : SVC_LEVELS - 1]++;
	return true;
}

void svc_shape(const struct svc *svc, struct svc_shape *out)
{
	memset(out, 0, sizeof(*out));
	pnrp_engine_each_route(svc->engine, add_to_shape, out);
}

static void make_gauges(struct svc *svc, struct svc_metrics *m)
{
	struct ponto_metrics *metrics = svc->env->metrics;
	const char *instance = svc->label;
	char name[64];

	m->cached = ponto_gauge(metrics, "pnrp_cached_routes", instance, "Route entries in the cache");
	m->leaves = ponto_gauge(metrics, "pnrp_leaf_routes", instance, "of these, in a leaf set");
	for (unsigned i = 0; i < LEVELS_SHOWN; i++) {
		snprintf(name, sizeof(name), "pnrp_cached_routes_level_%u", i);
		m->level[i] =
			ponto_gauge(metrics, name, instance,
				    i + 1 < LEVELS_SHOWN ? "Route entries of this level of the cache"
							 : "Route entries of this level of the cache or a deeper one");
	}
	m->estimate = ponto_gauge(metrics, "pnrp_estimated_nodes", instance, "Nodes in the cloud, 0: unknown");
	m->names = ponto_gauge(metrics, "pnrp_registered_names", instance, "Names registered on this node");
	m->memory = ponto_gauge(metrics, "pnrp_engine_bytes", instance, "Heap memory of the engine");
}

static void set_gauges(struct svc *svc, struct svc_metrics *m)
{
	uint32_t deep = 0;
	struct pnrp_status status;
	struct svc_shape shape;

	pnrp_engine_status(svc->engine, &status);
	svc_shape(svc, &shape);
	for (unsigned i = LEVELS_SHOWN - 1; i < SVC_LEVELS; i++)
		deep += shape.level[i];
	for (unsigned i = 0; i < LEVELS_SHOWN; i++)
		ponto_gauge_set(m->level[i], i + 1 < LEVELS_SHOWN ? shape.level[i] : deep);
	ponto_gauge_set(m->cached, status.cache_entries);
	ponto_gauge_set(m->leaves, shape.leaves);
	ponto_gauge_set(m->estimate, (int64_t)status.estimated_nodes);
	ponto_gauge_set(m->names, status.registrations);
	ponto_gauge_set(m->memory, (int64_t)status.memory);
}

int svc_metrics_create(struct svc *svc)
{
	struct svc_metrics *m;

	if (!svc->env->metrics)
		return PONTO_OK;
	m = ponto_new(svc->env->alloc, 1, sizeof(*m));
	if (!m)
		return PONTO_ENOMEM;
	for (unsigned i = 0; i < PNRP_COUNT_TYPES; i++) {
		m->received[i] = named(svc, "received_", pnrp_message_name(i), "Messages of this type received");
		m->sent[i] = named(svc, "sent_", pnrp_message_name(i), "Messages of this type sent");
	}
	for (unsigned i = 0; i < PNRP_DROP_REASONS; i++)
		m->dropped[i] = named(svc, "dropped_", pnrp_drop_name(i), "Received messages that came to nothing");
	for (unsigned i = 0; i < SVC_COUNTERS; i++)
		m->plain[i] = named(svc, "", svc_counters[i].name, svc_counters[i].help);
	make_gauges(svc, m);
	svc->metrics = m;
	return PONTO_OK;
}

void svc_metrics_update(struct svc *svc)
{
	struct svc_metrics *m = svc->metrics;
	const struct pnrp_stats *now;

	if (!m || !svc->engine)
		return;
	now = pnrp_engine_stats(svc->engine);
	for (unsigned i = 0; i < PNRP_COUNT_TYPES; i++) {
		ponto_counter_add(m->received[i], now->received[i] - m->seen.received[i]);
		ponto_counter_add(m->sent[i], now->sent[i] - m->seen.sent[i]);
	}
	for (unsigned i = 0; i < PNRP_DROP_REASONS; i++)
		ponto_counter_add(m->dropped[i], now->dropped[i] - m->seen.dropped[i]);
	for (unsigned i = 0; i < SVC_COUNTERS; i++)
		ponto_counter_add(m->plain[i], svc_counter_value(now, i) - svc_counter_value(&m->seen, i));
	m->seen = *now;
	set_gauges(svc, m);
}

void svc_metrics_destroy(struct svc *svc)
{
	ponto_free(svc->env->alloc, svc->metrics);
	svc->metrics = NULL;
}
