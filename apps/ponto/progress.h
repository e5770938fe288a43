/* The ponto command: a bar for what takes more than a second. Single-threaded. */
#ifndef PONTO_APPS_PROGRESS_H
#define PONTO_APPS_PROGRESS_H

#include <stdio.h>

#include "framework/base.h"

struct cli_progress {
	FILE *out; /* a terminal; NULL: nothing is shown */
	const struct ponto_clock *clock;
	uint64_t begun, due; /* mono: when it began, when something is shown next */
	bool shown;
	const char *note; /* shown behind it; may be NULL */
};

/* borrows out and clock until the end */
void cli_progress_begin(struct cli_progress *p, FILE *out, const struct ponto_clock *clock);

/* done of total bytes; nothing is shown in the first second, then ten times a second at the most. */
void cli_progress(struct cli_progress *p, uint64_t done, uint64_t total);

/* Takes away what is shown. */
void cli_progress_end(struct cli_progress *p);

#endif
