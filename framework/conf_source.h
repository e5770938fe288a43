/* Ponto, internal to the framework: the source text of a configuration, its
 * includes put in place, with the origin of every line.
 *
 * libconfig 1.5 resolves includes against the working directory, follows a
 * cycle until its depth limit, stops at a NUL byte and lets integers wrap
 * silently, so it only ever sees text that went through here. */
#ifndef PONTO_CONF_SOURCE_H
#define PONTO_CONF_SOURCE_H

#include "framework/conf.h"
#include "framework/text.h"

#define PONTO_CONF_SOURCE_MAX (1u << 20) /* bytes, all files together */
#define PONTO_CONF_INCLUDE_DEPTH 10	 /* as libconfig's own */

struct ponto_conf_line {
	uint32_t file;
	uint32_t line;
	bool overflow; /* it holds an integer of more than 64 bits, which was reported */
};

struct ponto_conf_source {
	const struct ponto_alloc *alloc;
	struct ponto_text text;
	struct ponto_conf_line *lines;
	size_t line_count, line_cap;
	char **files;
	size_t file_count;
	ponto_conf_report_fn *report;
	void *ctx;
	bool wrong; /* something was reported */
	bool fatal; /* what was reported makes the text useless */
	int result; /* PONTO_ENOMEM once memory ran out */
};

/* Reads path and what it includes. PONTO_ECONF when the text is useless, after reports; else see source->wrong.
 * Free the source in any case. */
PONTO_MUST_CHECK int ponto_conf_source_read(struct ponto_conf_source *source, const struct ponto_alloc *alloc,
					    const char *path, ponto_conf_report_fn *report, void *ctx);
void ponto_conf_source_free(struct ponto_conf_source *source);

/* Where line (from 1) of the text came from; the last line for one past the end. */
struct ponto_conf_line ponto_conf_source_line(const struct ponto_conf_source *source, unsigned line);

#endif
