#include "apps/ponto-sim/measure.h"

#include <stdlib.h>
#include <time.h>

/* Values below 16 have a bucket each, then sixteen for each power of two. */
static unsigned bucket_of(uint64_t value)
{
	unsigned log, b;

	if (value < 16)
		return (unsigned)value;
	log = 63 - (unsigned)__builtin_clzll(value);
	b = 16 + (log - 4) * 16 + (unsigned)(value >> (log - 4) & 15);
	return b < PSIM_BUCKETS ? b : PSIM_BUCKETS - 1;
}

uint64_t psim_bucket_low(unsigned bucket)
{
	if (bucket < 16)
		return bucket;
	return (16 + (uint64_t)(bucket - 16) % 16) << ((bucket - 16) / 16);
}

void psim_histogram_add(struct psim_histogram *h, uint64_t value)
{
	h->bucket[bucket_of(value)]++;
	h->count++;
	h->sum += (double)value;
}

uint64_t psim_histogram_quantile(const struct psim_histogram *h, double q)
{
	uint64_t want = (uint64_t)(q * (double)h->count), seen = 0;

	for (unsigned b = 0; b < PSIM_BUCKETS && h->count > 0; b++) {
		seen += h->bucket[b];
		if (seen > want || seen == h->count)
			return psim_bucket_low(b);
	}
	return 0;
}

double psim_histogram_mean(const struct psim_histogram *h)
{
	return h->count ? h->sum / (double)h->count : 0;
}

void psim_series_add(struct psim_series *s, double x, double y)
{
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		struct psim_point *points = realloc(s->points, room * sizeof(*points));

		if (!points)
			return;
		s->points = points;
		s->room = room;
	}
	s->points[s->count++] = (struct psim_point){x, y};
}

void psim_series_clear(struct psim_series *s)
{
	free(s->points);
	*s = (struct psim_series){0};
}

static double clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double psim_wall_now(void)
{
	return clock_now(CLOCK_MONOTONIC);
}

double psim_cpu_now(void)
{
	return clock_now(CLOCK_PROCESS_CPUTIME_ID);
}
