#include "apps/ponto/progress.h"

#include <string.h>

#define WIDTH 40 /* of the bar, characters */

void cli_progress_begin(struct cli_progress *p, FILE *out, const struct ponto_clock *clock)
{
	p->out = out;
	p->clock = clock;
	p->begun = ponto_mono(clock);
	p->due = p->begun + PONTO_SECOND;
	p->shown = false;
	p->note = NULL;
}

void cli_progress(struct cli_progress *p, uint64_t done, uint64_t total)
{
	uint64_t now = p->out ? ponto_mono(p->clock) : 0;
	double share = total > 0 && done < total ? (double)done / (double)total : 1;
	double seconds = (double)(now - p->begun) / (double)PONTO_SECOND;
	char bar[WIDTH + 1];

	if (!p->out || now < p->due)
		return;
	p->due = now + PONTO_SECOND / 10;
	p->shown = true;
	memset(bar, ' ', WIDTH);
	memset(bar, '=', (size_t)(share * WIDTH));
	bar[WIDTH] = '\0';
	fprintf(p->out, "\r[%s] %3.0f %%  %.1f of %.1f GB  %.0f MB/s%s\033[K", bar, share * 100, (double)done / 1e9,
		(double)total / 1e9, (double)done / seconds / 1e6, p->note ? p->note : "");
	fflush(p->out);
}

void cli_progress_end(struct cli_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", p->out);
	p->shown = false;
}
