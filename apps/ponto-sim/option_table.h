/* ponto-sim's command lines: tables of options, and what is done with one. */
#ifndef PONTO_SIM_OPTION_TABLE_H
#define PONTO_SIM_OPTION_TABLE_H

#include "framework/base.h"

#define PSIM_OK 0
#define PSIM_FAILED 1 /* a figure misses its mark */
#define PSIM_USAGE 2

enum psim_option_kind {
	PSIM_OPTION_U32,
	PSIM_OPTION_U64,
	PSIM_OPTION_PERCENT, /* a double, 1 for 100 % */
	PSIM_OPTION_TEXT,
	PSIM_OPTION_FLAG,
};

struct psim_option {
	const char *name;
	enum psim_option_kind kind;
	size_t offset; /* in the struct of options */
	double min, max;
	const char *argument, *help;
	enum { PSIM_WHEN_CHANGED = 0, PSIM_ALWAYS, PSIM_NEVER } replay; /* whether the command that replays names it */
};

struct psim_option_table {
	const char *protocol; /* the subcommand */
	const char *about;    /* lines of --help */
	const struct psim_option *options;
	size_t count;
};

/* Fills o from argv[2..]; PSIM_USAGE after a message to standard error. help: true when that was asked for. */
PONTO_MUST_CHECK int psim_table_parse(const struct psim_option_table *table, int argc, char **argv, void *o, bool *help);

void psim_table_help(const struct psim_option_table *table);

/* The command that gives o again; what is as in usual is left out. out: text of that size */
void psim_table_command(const struct psim_option_table *table, const void *o, const void *usual, char *out, size_t size);

/* A message about an option, to standard error. PSIM_USAGE */
int psim_complain(const char *name, const char *fault);

#endif
