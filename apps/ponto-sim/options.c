#include "apps/ponto-sim/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX 4000000

static const struct psim_options defaults = {
	.nodes = 1000,
	.seed = 1,
	.join = 0.05,
	.loss = 0.10,
	.churn = 0.5,
	.settle = 180,
	.idle = 300,
	.faults = 600,
	.partition = 1200,
	.repair = 3600,
	.latency = 40,
	.jitter = 20,
	.timeout = 30,
	.attackers = 0.05,
	.profile = "windows",
};

enum option_kind { OPTION_U32, OPTION_U64, OPTION_PERCENT, OPTION_TEXT, OPTION_FLAG };

static const struct option {
	const char *name;
	enum option_kind kind;
	size_t offset;
	double min, max;
	const char *argument, *help;
} options[] = {
	{"nodes", OPTION_U32, offsetof(struct psim_options, nodes), 2, NODES_MAX, "N", "nodes of the cloud; 1000"},
	{"seed", OPTION_U64, offsetof(struct psim_options, seed), 0, 1.8e19, "S",
	 "seed of all randomness: the same one gives the same run; 1"},
	{"resolves", OPTION_U32, offsetof(struct psim_options, resolves), 1, 100000000, "N",
	 "resolves in each phase; ten for each node, 1000 to 20000"},
	{"timeout", OPTION_U32, offsetof(struct psim_options, timeout), 1, 600, "SECONDS", "of a resolve; 30"},
	{"join", OPTION_PERCENT, offsetof(struct psim_options, join), 0.1, 100, "PERCENT",
	 "of those present that join in a second; 5"},
	{"seeds", OPTION_U32, offsetof(struct psim_options, seeds), 1, 1000, "N",
	 "seed servers; one for 500 nodes, 1 to 16"},
	{"settle", OPTION_U32, offsetof(struct psim_options, settle), 0, 86400, "SECONDS",
	 "after the last has joined; 180"},
	{"idle", OPTION_U32, offsetof(struct psim_options, idle), 0, 86400, "SECONDS",
	 "without a resolve, to measure maintenance; 300"},
	{"faults", OPTION_U32, offsetof(struct psim_options, faults), 0, 86400, "SECONDS",
	 "of loss and churn; 600, 0: none"},
	{"loss", OPTION_PERCENT, offsetof(struct psim_options, loss), 0, 90, "PERCENT",
	 "of datagrams lost meanwhile; 10"},
	{"churn", OPTION_PERCENT, offsetof(struct psim_options, churn), 0, 10000, "PERCENT",
	 "of the nodes replaced in an hour meanwhile, without a word; 50"},
	{"partition", OPTION_U32, offsetof(struct psim_options, partition), 0, 86400, "SECONDS",
	 "of two halves apart; 1200, 0: never"},
	{"repair", OPTION_U32, offsetof(struct psim_options, repair), 1, 864000, "SECONDS",
	 "to wait at most until every leaf set is right again; 3600"},
	{"latency", OPTION_U32, offsetof(struct psim_options, latency), 1, 10000, "MS", "of a datagram; 40"},
	{"jitter", OPTION_U32, offsetof(struct psim_options, jitter), 0, 10000, "MS",
	 "on top, even, so that datagrams overtake; 20"},
	{"svg", OPTION_TEXT, offsetof(struct psim_options, svg), 0, 0, "DIR", "draws the figures into this directory"},
	{"attack", OPTION_TEXT, offsetof(struct psim_options, attack), 0, 0, "KIND",
	 "amplify, eclipse, flood or poison, in the place of the usual story"},
	{"attackers", OPTION_PERCENT, offsetof(struct psim_options, attackers), 0.1, 90, "PERCENT",
	 "of the nodes that collude in an attack; 5"},
	{"profile", OPTION_TEXT, offsetof(struct psim_options, profile), 0, 0, "NAME", "windows or modern; windows"},
	{"json", OPTION_FLAG, offsetof(struct psim_options, json), 0, 0, NULL, "prints JSON"},
	{"quiet", OPTION_FLAG, offsetof(struct psim_options, quiet), 0, 0, NULL, "no progress on standard error"},
	{"check", OPTION_FLAG, offsetof(struct psim_options, check), 0, 0, NULL,
	 "status 1 when a figure misses what docs/simulation.md promises"},
};

void psim_help(void)
{
	puts("Usage: ponto-sim pnrp [OPTION]...\n"
	     "Runs a cloud of PNRP engines in one process and virtual time: nodes join in waves\n"
	     "and register a name each, idle, resolve, suffer loss and churn, are parted and\n"
	     "joined again. Prints a table of what was measured.\n");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(options); i++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].argument ? " " : "",
			 options[i].argument ? options[i].argument : "");
		printf("  %-22s %s\n", left, options[i].help);
	}
	puts("  --help, --version\n\nStatus 0; 1 with --check when a figure misses its mark; 2 usage.");
}

static int complain(const char *name, const char *fault)
{
	fprintf(stderr, "ponto-sim: %s: %s (try --help)\n", name, fault);
	return PSIM_USAGE;
}

static const struct option *find(const char *text)
{
	for (size_t i = 0; strncmp(text, "--", 2) == 0 && i < PONTO_ARRAY_SIZE(options); i++)
		if (strcmp(text + 2, options[i].name) == 0)
			return &options[i];
	return NULL;
}

static int set(struct psim_options *o, const struct option *option, const char *text)
{
	void *field = (char *)o + option->offset;
	double number;
	char *end;

	if (option->kind == OPTION_TEXT) {
		*(const char **)field = text;
		return PSIM_OK;
	}
	errno = 0;
	number = strtod(text, &end);
	if (end == text || *end || errno || !(number >= option->min && number <= option->max))
		return complain(option->name, "not a number in range");
	if (option->kind == OPTION_PERCENT)
		*(double *)field = number / 100;
	else if (option->kind == OPTION_U64)
		*(uint64_t *)field = strtoull(text, NULL, 10);
	else
		*(uint32_t *)field = (uint32_t)number;
	return PSIM_OK;
}

/* What follows from the size of the cloud unless it was said. */
static void complete(struct psim_options *o)
{
	uint32_t resolves = o->nodes < 2000 ? o->nodes * 10 : 20000;
	uint32_t seeds = o->nodes / 500;

	if (!o->resolves)
		o->resolves = resolves < 1000 ? 1000 : resolves;
	if (!o->seeds)
		o->seeds = seeds < 1 ? 1 : seeds > 16 ? 16 : seeds;
	if (o->seeds > o->nodes)
		o->seeds = o->nodes;
}

int psim_options_parse(int argc, char **argv, struct psim_options *o, bool *help)
{
	*o = defaults;
	*help = false;
	for (int i = 2; i < argc; i++) {
		const struct option *option = find(argv[i]);
		int result;

		if (strcmp(argv[i], "--help") == 0) {
			*help = true;
			return PSIM_OK;
		}
		if (!option)
			return complain(argv[i], "unknown option");
		if (option->kind == OPTION_FLAG) {
			*(bool *)((char *)o + option->offset) = true;
			continue;
		}
		if (++i == argc)
			return complain(argv[i - 1], "needs a value");
		result = set(o, option, argv[i]);
		if (result)
			return result;
	}
	if (strcmp(o->profile, "windows") != 0 && strcmp(o->profile, "modern") != 0)
		return complain(o->profile, "no profile");
	complete(o);
	return PSIM_OK;
}

void psim_options_command(const struct psim_options *o, char *out, size_t size)
{
	size_t at = (size_t)snprintf(out, size, "ponto-sim pnrp");
	struct psim_options standard = defaults;

	standard.nodes = o->nodes;
	complete(&standard);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(options) && at < size; i++) {
		const struct option *option = &options[i];
		const char *mine = (const char *)o + option->offset, *usual = (const char *)&standard + option->offset;
		bool named = option->offset == offsetof(struct psim_options, nodes) ||
			     option->offset == offsetof(struct psim_options, seed);

		if (option->kind == OPTION_U32 && (named || memcmp(mine, usual, sizeof(uint32_t)) != 0))
			at += (size_t)snprintf(out + at, size - at, " --%s %u", option->name,
					       (unsigned)*(const uint32_t *)(const void *)mine);
		else if (option->kind == OPTION_U64)
			at += (size_t)snprintf(out + at, size - at, " --%s %llu", option->name,
					       (unsigned long long)*(const uint64_t *)(const void *)mine);
		else if (option->kind == OPTION_TEXT && option->offset != offsetof(struct psim_options, svg) &&
			 memcmp(mine, usual, sizeof(char *)) != 0)
			at += (size_t)snprintf(out + at, size - at, " --%s %s", option->name,
					       *(const char *const *)(const void *)mine);
		else if (option->kind == OPTION_PERCENT && memcmp(mine, usual, sizeof(double)) != 0)
			at += (size_t)snprintf(out + at, size - at, " --%s %g", option->name,
					       *(const double *)(const void *)mine * 100);
	}
}
