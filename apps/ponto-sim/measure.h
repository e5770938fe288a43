/* ponto-sim's measuring: histograms in bounded space, and series over virtual time. */
#ifndef PONTO_SIM_MEASURE_H
#define PONTO_SIM_MEASURE_H

#include "framework/base.h"

/* Buckets grow by a sixteenth: a quantile is right to about 6 %. */
#define PSIM_BUCKETS 512

struct psim_histogram {
	uint64_t bucket[PSIM_BUCKETS];
	uint64_t count;
	double sum;
};

void psim_histogram_add(struct psim_histogram *h, uint64_t value);

/* The value that a share q of all does not exceed; 0 when there is none. */
uint64_t psim_histogram_quantile(const struct psim_histogram *h, double q);
double psim_histogram_mean(const struct psim_histogram *h);

/* Lowest value of a bucket. */
uint64_t psim_bucket_low(unsigned bucket);

struct psim_point {
	double x, y;
};

/* Grows as needed; what memory does not suffice for is left out. */
struct psim_series {
	struct psim_point *points;
	size_t count, room;
};

void psim_series_add(struct psim_series *s, double x, double y);
void psim_series_clear(struct psim_series *s);

/* Seconds: of the wall clock; of the process, to which others on a busy machine do not count. */
double psim_wall_now(void);
double psim_cpu_now(void);

#endif
