/* ponto-sim's charts as SVG. */
#ifndef PONTO_SIM_CHART_H
#define PONTO_SIM_CHART_H

#include "apps/ponto-sim/measure.h"

#define PSIM_LINES_MAX 4

struct psim_line {
	const char *name;
	const struct psim_point *points;
	size_t count;
};

struct psim_chart {
	const char *file, *title, *x, *y;
	struct psim_line lines[PSIM_LINES_MAX];
	size_t count;
	bool bars;
};

struct psim_shares {
	struct psim_point points[PSIM_BUCKETS];
	size_t count;
};

/* Share of all in each bucket, in percent (or up to it). unit: of x */
void psim_shares_of(const struct psim_histogram *h, double unit, bool up_to, struct psim_shares *out);

/* Negative PONTO_E* after a message. */
PONTO_MUST_CHECK int psim_chart_dir(const char *dir); /* makes it */
PONTO_MUST_CHECK int psim_chart_draw(const char *dir, const struct psim_chart *c);

#endif
