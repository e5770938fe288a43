/* ponto-sim pnrp's figures as SVG. */
#include "apps/ponto-sim/chart.h"
#include "apps/ponto-sim/scenario.h"

/* Both series of resolves, without and with faults, as one chart. */
static int draw_resolves(const struct psim_report *r, struct psim_chart *c, bool hops)
{
	static const enum psim_phase_name phases[] = {PSIM_RESOLVE, PSIM_FAULTS, PSIM_AFTER};
	static struct psim_shares shares[PONTO_ARRAY_SIZE(phases)];

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(phases); i++) {
		const struct psim_resolves *q = &r->phase[phases[i]].resolves;

		if (q->found == 0)
			continue;
		psim_shares_of(hops ? &q->hops : &q->latency, hops ? 1 : 1000, !hops, &shares[i]);
		c->lines[c->count++] =
			(struct psim_line){psim_phase_title(phases[i]), shares[i].points, shares[i].count};
	}
	return psim_chart_draw(r->options.svg, c);
}

static struct psim_line line_of(const char *name, const struct psim_series *s)
{
	return (struct psim_line){name, s->points, s->count};
}

int psim_draw(const struct psim_report *r)
{
	struct psim_chart hops = {
		.file = "hops", .title = "Hops of resolves that found", .x = "hops", .y = "% of resolves", .bars = true};
	struct psim_chart latency = {
		.file = "latency", .title = "Latency of resolves that found", .x = "milliseconds", .y = "% at most"};
	struct psim_chart traffic = {.file = "messages",
				.title = "Messages per node and second",
				.x = "virtual seconds",
				.y = "messages",
				.lines = {line_of(NULL, &r->traffic)},
				.count = 1};
	struct psim_chart fill = {.file = "cache",
			     .title = "Cache fill",
			     .x = "virtual seconds",
			     .y = "entries, leaf sets included",
			     .lines = {line_of(NULL, &r->fill)},
			     .count = 1};
	struct psim_chart repair = {.file = "repair",
			       .title = "After the halves meet again",
			       .x = "virtual seconds since",
			       .y = "share",
			       .lines = {line_of("nodes with wrong neighbours", &r->apart),
					 line_of("resolves across that fail", &r->failing)},
			       .count = 2};
	int result;

	result = psim_chart_dir(r->options.svg);
	if (result == PONTO_OK)
		result = draw_resolves(r, &hops, true);
	if (result == PONTO_OK)
		result = draw_resolves(r, &latency, false);
	if (result == PONTO_OK)
		result = psim_chart_draw(r->options.svg, &traffic);
	if (result == PONTO_OK)
		result = psim_chart_draw(r->options.svg, &fill);
	if (result == PONTO_OK && r->phase[PSIM_REPAIR].told)
		result = psim_chart_draw(r->options.svg, &repair);
	return result;
}
