/* ponto-sim teredo's figures as SVG. */
#include "apps/ponto-sim/chart.h"
#include "apps/ponto-sim/teredo_story.h"

static int draw_answers(const struct tsim_report *r)
{
	static const char *const names[PONTO_ARRAY_SIZE(r->talks)] = {"quiet", "loss and churn", "under attack"};
	static struct psim_shares shares[PONTO_ARRAY_SIZE(r->talks)];
	struct psim_chart c = {.file = "first", .title = "Time to the first answer", .x = "seconds", .y = "% at most"};

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(r->talks); i++) {
		if (r->talks[i].answer.count == 0)
			continue;
		psim_shares_of(&r->talks[i].answer, (double)PONTO_SECOND, true, &shares[i]);
		c.lines[c.count++] = (struct psim_line){names[i], shares[i].points, shares[i].count};
	}
	return psim_chart_draw(r->options.svg, &c);
}

static int draw_requalified(const struct tsim_report *r)
{
	static struct psim_shares shares[2];
	struct psim_chart c = {.file = "requalified",
			       .title = "Until there is an address",
			       .x = "seconds",
			       .y = "% at most",
			       .count = 1};

	psim_shares_of(&r->qualify, (double)PONTO_SECOND, true, &shares[0]);
	c.lines[0] = (struct psim_line){"at first", shares[0].points, shares[0].count};
	if (r->requalified.count) {
		psim_shares_of(&r->requalified, (double)PONTO_SECOND, true, &shares[1]);
		c.lines[c.count++] = (struct psim_line){"after a lost mapping", shares[1].points, shares[1].count};
	}
	return psim_chart_draw(r->options.svg, &c);
}

int tsim_draw(const struct tsim_report *r)
{
	struct psim_chart traffic = {.file = "traffic",
				     .title = "Messages per client and second",
				     .x = "virtual seconds",
				     .y = "messages",
				     .lines = {{NULL, r->traffic.points, r->traffic.count}},
				     .count = 1};
	int result = psim_chart_dir(r->options.svg);

	if (result == PONTO_OK)
		result = draw_answers(r);
	if (result == PONTO_OK)
		result = draw_requalified(r);
	if (result == PONTO_OK)
		result = psim_chart_draw(r->options.svg, &traffic);
	return result;
}
