#include "apps/ponto-sim/chart.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WIDTH 720
#define HEIGHT 360
#define LEFT 70
#define RIGHT 20
#define TOP 40
#define BOTTOM 50

static const char *const colours[PSIM_LINES_MAX] = {"#1f5fa8", "#c2541b", "#2c8a4b", "#7a3e9d"};

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

static struct scale scale_of(const struct psim_chart *c)
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

static void draw_axes(FILE *f, const struct psim_chart *c, const struct scale *s)
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

static void draw_line(FILE *f, const struct psim_chart *c, const struct scale *s, size_t i)
{
	const struct psim_line *l = &c->lines[i];
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

int psim_chart_draw(const char *dir, const struct psim_chart *c)
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

void psim_shares_of(const struct psim_histogram *h, double unit, bool up_to, struct psim_shares *out)
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

int psim_chart_dir(const char *dir)
{
	if (mkdir(dir, 0777) == 0 || errno == EEXIST)
		return PONTO_OK;
	fprintf(stderr, "ponto-sim: %s: %s\n", dir, strerror(errno));
	return PONTO_EIO;
}
