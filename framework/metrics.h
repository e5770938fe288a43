/* Ponto: counters, gauges and histograms.
 *
 * Registration takes a lock; updates are single atomic operations and may come
 * from any thread. Names follow Prometheus: "pnrp_lookups_total"; the instance
 * becomes a label. Handles live as long as the registry; updating a NULL handle
 * does nothing, so a caller that ran out of memory at registration still works. */
#ifndef PONTO_METRICS_H
#define PONTO_METRICS_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ponto_metrics;
struct ponto_counter;
struct ponto_gauge;
struct ponto_histogram;

PONTO_MUST_CHECK int ponto_metrics_create(const struct ponto_alloc *alloc, struct ponto_metrics **out);
void ponto_metrics_destroy(struct ponto_metrics *metrics);

/* The metric of that name and instance, made on first use; NULL when memory runs out, the name is not
 * [a-z_][a-z0-9_]*, or the name already has another type. copies name and instance; help is a constant: it stays */
struct ponto_counter *ponto_counter(struct ponto_metrics *metrics, const char *name, const char *instance,
				    const char *help);
struct ponto_gauge *ponto_gauge(struct ponto_metrics *metrics, const char *name, const char *instance,
				const char *help);
/* bounds: ascending upper limits, finite, at most 32; a last bucket without limit is added. copies bounds; those
 * of the first use stay */
struct ponto_histogram *ponto_histogram(struct ponto_metrics *metrics, const char *name, const char *instance,
					const char *help, const double *bounds, size_t count);

void ponto_counter_add(struct ponto_counter *counter, uint64_t n);
void ponto_gauge_set(struct ponto_gauge *gauge, int64_t value);
void ponto_gauge_add(struct ponto_gauge *gauge, int64_t delta);
/* A value that is not finite is ignored. */
void ponto_histogram_observe(struct ponto_histogram *histogram, double value);
uint64_t ponto_counter_value(const struct ponto_counter *counter);
int64_t ponto_gauge_value(const struct ponto_gauge *gauge);

/* Prometheus text exposition format 0.0.4, every name prefixed "ponto_". gives text, from the registry's allocator */
PONTO_MUST_CHECK int ponto_metrics_prometheus(struct ponto_metrics *metrics, char **out);

/* A JSON object: {"name": {"instance": value | {"count":…,"sum":…,"buckets":{"0.1":…,"+Inf":…}}}};
 * buckets count all values up to their limit, as in Prometheus. gives text, from the registry's allocator */
PONTO_MUST_CHECK int ponto_metrics_json(struct ponto_metrics *metrics, char **out);

#ifdef __cplusplus
}
#endif
#endif
