/* ponto-sim's figures as SVG. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "apps/ponto-sim/scenario.h"

#define WIDTH 720
#define HEIGHT 360
#define LEFT 70
#define RIGHT 20
#define TOP 40
#define BOTTOM 50
#define LINES_MAX 4

struct line {
	const char *name;
	const struct psim_point *points;
	size_t count;
};

struct chart {
	const char *file, *title, *x, *y;
	struct line lines[LINES_MAX];
	size_t count;
	bool bars;
};

static const char *const colours[LINES_MAX] = {"#1f5fa8", "#c2541b", "#2c8a4b", "#7a3e9d"};

/* 1, 2 or 5 times a power of ten, so that about six ticks cover the span. */
static double tick_step(double span)
{
	double raw = span > 0 ? span / 6 : 1, power = pow(10, floor(log10(raw))), digit = raw / power;

	return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

struct scale {
	double x_low, x_high, y_high;
};

static double x_at(const struct scale *s, double x)
{
	return LEFT + (x - s->x_low) / (s->x_high - s->x_low) * (WIDTH - LEFT - RIGHT);
}

static double y_at(const struct scale *s, double y)
{
	return HEIGHT - BOTTOM - y / s->y_high * (HEIGHT - TOP - BOTTOM);
}

static struct scale scale_of(const struct chart *c)
{
	struct scale s = {.x_low = INFINITY, .x_high = -INFINITY};

	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->lines[i].count; k++) {
			const struct psim_point *p = &c->lines[i].points[k];

			s.x_low = fmin(s.x_low, p->x);
			s.x_high = fmax(s.x_high, p->x);
			s.y_high = fmax(s.y_high, p->y);
		}
	if (c->bars) {
		s.x_low -= 0.5;
		s.x_high += 0.5;
	}
	if (!(s.x_high > s.x_low))
		s.x_high = s.x_low + 1;
	s.y_high = s.y_high > 0 ? s.y_high * 1.05 : 1;
	return s;
}

static void draw_axes(FILE *f, const struct chart *c, const struct scale *s)
{
	double step = tick_step(s->x_high - s->x_low);

	for (double x = ceil(s->x_low / step) * step; x <= s->x_high; x += step)
		fprintf(f,
			"<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' stroke='#ddd'/>"
			"<text x='%.1f' y='%d' text-anchor='middle'>%g</text>\n",
			x_at(s, x), TOP, x_at(s, x), HEIGHT - BOTTOM, x_at(s, x), HEIGHT - BOTTOM + 18, x);
	step = tick_step(s->y_high);
	for (double y = 0; y <= s->y_high; y += step)
		fprintf(f,
			"<line x1='%d' y1='%.1f' x2='%d' y2='%.1f' stroke='#ddd'/>"
			"<text x='%d' y='%.1f' text-anchor='end'>%g</text>\n",
			LEFT, y_at(s, y), WIDTH - RIGHT, y_at(s, y), LEFT - 8, y_at(s, y) + 4, y);
	fprintf(f, "<text x='%d' y='24' font-size='15'>%s</text>\n", LEFT, c->title);
	fprintf(f, "<text x='%d' y='%d' text-anchor='middle'>%s</text>\n", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, c->x);
	fprintf(f, "<text transform='translate(16 %d) rotate(-90)' text-anchor='middle'>%s</text>\n",
		(TOP + HEIGHT - BOTTOM) / 2, c->y);
}

static void draw_line(FILE *f, const struct chart *c, const struct scale *s, size_t i)
{
	const struct line *l = &c->lines[i];
	double width = (x_at(s, 1) - x_at(s, 0)) * 0.8 / (double)c->count;

	if (!c->bars)
		fprintf(f, "<polyline fill='none' stroke='%s' stroke-width='1.8' points='", colours[i]);
	for (size_t k = 0; k < l->count; k++) {
		double x = x_at(s, l->points[k].x), y = y_at(s, l->points[k].y);

		if (c->bars)
			fprintf(f, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='%s'/>\n",
				x + width * ((double)i - (double)c->count / 2), y, width, HEIGHT - BOTTOM - y, colours[i]);
		else
			fprintf(f, "%.1f,%.1f ", x, y);
	}
	if (!c->bars)
		fputs("'/>\n", f);
	if (l->name)
		fprintf(f, "<text x='%d' y='%zu' text-anchor='end' fill='%s'>%s</text>\n", WIDTH - RIGHT, 24 + 16 * i,
			colours[i], l->name);
}

static int draw_chart(const char *dir, const struct chart *c)
{
	struct scale s = scale_of(c);
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.svg", dir, c->file);
	f = fopen(path, "w");
	if (!f) {
		fprintf(stderr, "ponto-sim: %s: %s\n", path, strerror(errno));
		return PONTO_EIO;
	}
	fprintf(f,
		"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' font-size='12'>\n"
		"<rect width='100%%' height='100%%' fill='white'/>\n",
		WIDTH, HEIGHT);
	draw_axes(f, c, &s);
	for (size_t i = 0; i < c->count; i++)
		draw_line(f, c, &s, i);
	fputs("</svg>\n", f);
	if (ferror(f) | fclose(f)) {
		fprintf(stderr, "ponto-sim: %s: cannot be written\n", path);
		return PONTO_EIO;
	}
	return PONTO_OK;
}

/* ---- the figures ------------------------------------------------------------------------- */

struct shares {
	struct psim_point points[PSIM_BUCKETS];
	size_t count;
};

/* Share of all in each bucket (or up to it). unit: of x */
static void shares_of(const struct psim_histogram *h, double unit, bool up_to, struct shares *out)
{
	double sum = 0;

	out->count = 0;
	for (unsigned b = 0; b < PSIM_BUCKETS && h->count > 0 && sum < (double)h->count; b++) {
		sum += (double)h->bucket[b];
		if (sum > 0)
			out->points[out->count++] =
				(struct psim_point){(double)psim_bucket_low(b) / unit,
						    100 * (up_to ? sum : (double)h->bucket[b]) / (double)h->count};
	}
}

/* Both series of resolves, without and with faults, as one chart. */
static int draw_resolves(const struct psim_report *r, struct chart *c, bool hops)
{
	static const enum psim_phase_name phases[] = {PSIM_RESOLVE, PSIM_FAULTS, PSIM_AFTER};
	static struct shares shares[PONTO_ARRAY_SIZE(phases)];

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(phases); i++) {
		const struct psim_resolves *q = &r->phase[phases[i]].resolves;

		if (q->found == 0)
			continue;
		shares_of(hops ? &q->hops : &q->latency, hops ? 1 : 1000, !hops, &shares[i]);
		c->lines[c->count++] =
			(struct line){psim_phase_title(phases[i]), shares[i].points, shares[i].count};
	}
	return draw_chart(r->options.svg, c);
}

static struct line line_of(const char *name, const struct psim_series *s)
{
	return (struct line){name, s->points, s->count};
}

int psim_draw(const struct psim_report *r)
{
	struct chart hops = {
		.file = "hops", .title = "Hops of resolves that found", .x = "hops", .y = "% of resolves", .bars = true};
	struct chart latency = {
		.file = "latency", .title = "Latency of resolves that found", .x = "milliseconds", .y = "% at most"};
	struct chart traffic = {.file = "messages",
				.title = "Messages per node and second",
				.x = "virtual seconds",
				.y = "messages",
				.lines = {line_of(NULL, &r->traffic)},
				.count = 1};
	struct chart fill = {.file = "cache",
			     .title = "Cache fill",
			     .x = "virtual seconds",
			     .y = "entries, leaf sets included",
			     .lines = {line_of(NULL, &r->fill)},
			     .count = 1};
	struct chart repair = {.file = "repair",
			       .title = "After the halves meet again",
			       .x = "virtual seconds since",
			       .y = "share",
			       .lines = {line_of("nodes with wrong neighbours", &r->apart),
					 line_of("resolves across that fail", &r->failing)},
			       .count = 2};
	int result;

	if (mkdir(r->options.svg, 0777) && errno != EEXIST) {
		fprintf(stderr, "ponto-sim: %s: %s\n", r->options.svg, strerror(errno));
		return PONTO_EIO;
	}
	result = draw_resolves(r, &hops, true);
	if (result == PONTO_OK)
		result = draw_resolves(r, &latency, false);
	if (result == PONTO_OK)
		result = draw_chart(r->options.svg, &traffic);
	if (result == PONTO_OK)
		result = draw_chart(r->options.svg, &fill);
	if (result == PONTO_OK && r->phase[PSIM_REPAIR].told)
		result = draw_chart(r->options.svg, &repair);
	return result;
}
