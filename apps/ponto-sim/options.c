#include "apps/ponto-sim/options.h"

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

static const struct psim_option options[] = {
	{"nodes", PSIM_OPTION_U32, offsetof(struct psim_options, nodes), 2, NODES_MAX, "N", "nodes of the cloud; 1000", PSIM_ALWAYS},
	{"seed", PSIM_OPTION_U64, offsetof(struct psim_options, seed), 0, 1.8e19, "S",
	 "seed of all randomness: the same one gives the same run; 1", PSIM_ALWAYS},
	{"resolves", PSIM_OPTION_U32, offsetof(struct psim_options, resolves), 1, 100000000, "N",
	 "resolves in each phase; ten for each node, 1000 to 20000", 0},
	{"timeout", PSIM_OPTION_U32, offsetof(struct psim_options, timeout), 1, 600, "SECONDS", "of a resolve; 30", 0},
	{"join", PSIM_OPTION_PERCENT, offsetof(struct psim_options, join), 0.1, 100, "PERCENT",
	 "of those present that join in a second; 5", 0},
	{"seeds", PSIM_OPTION_U32, offsetof(struct psim_options, seeds), 1, 1000, "N",
	 "seed servers; one for 500 nodes, 1 to 16", 0},
	{"settle", PSIM_OPTION_U32, offsetof(struct psim_options, settle), 0, 86400, "SECONDS",
	 "after the last has joined; 180", 0},
	{"idle", PSIM_OPTION_U32, offsetof(struct psim_options, idle), 0, 86400, "SECONDS",
	 "without a resolve, to measure maintenance; 300", 0},
	{"faults", PSIM_OPTION_U32, offsetof(struct psim_options, faults), 0, 86400, "SECONDS",
	 "of loss and churn; 600, 0: none", 0},
	{"loss", PSIM_OPTION_PERCENT, offsetof(struct psim_options, loss), 0, 90, "PERCENT",
	 "of datagrams lost meanwhile; 10", 0},
	{"duplicate", PSIM_OPTION_PERCENT, offsetof(struct psim_options, duplicate), 0, 90, "PERCENT",
	 "of datagrams that come twice meanwhile; 0", 0},
	{"churn", PSIM_OPTION_PERCENT, offsetof(struct psim_options, churn), 0, 10000, "PERCENT",
	 "of the nodes replaced in an hour meanwhile, without a word; 50", 0},
	{"partition", PSIM_OPTION_U32, offsetof(struct psim_options, partition), 0, 86400, "SECONDS",
	 "of two halves apart; 1200, 0: never", 0},
	{"repair", PSIM_OPTION_U32, offsetof(struct psim_options, repair), 1, 864000, "SECONDS",
	 "to wait at most until every leaf set is right again; 3600", 0},
	{"latency", PSIM_OPTION_U32, offsetof(struct psim_options, latency), 1, 10000, "MS", "of a datagram; 40", 0},
	{"jitter", PSIM_OPTION_U32, offsetof(struct psim_options, jitter), 0, 10000, "MS",
	 "on top, even, so that datagrams overtake; 20", 0},
	{"svg", PSIM_OPTION_TEXT, offsetof(struct psim_options, svg), 0, 0, "DIR", "draws the figures into this directory",
	 PSIM_NEVER},
	{"attack", PSIM_OPTION_TEXT, offsetof(struct psim_options, attack), 0, 0, "KIND",
	 "amplify, eclipse, flood or poison, in the place of the usual story", 0},
	{"attackers", PSIM_OPTION_PERCENT, offsetof(struct psim_options, attackers), 0.1, 90, "PERCENT",
	 "of the nodes that collude in an attack; 5", 0},
	{"profile", PSIM_OPTION_TEXT, offsetof(struct psim_options, profile), 0, 0, "NAME", "windows or modern; windows", 0},
	{"json", PSIM_OPTION_FLAG, offsetof(struct psim_options, json), 0, 0, NULL, "prints JSON", PSIM_NEVER},
	{"quiet", PSIM_OPTION_FLAG, offsetof(struct psim_options, quiet), 0, 0, NULL, "no progress on standard error",
	 PSIM_NEVER},
	{"check", PSIM_OPTION_FLAG, offsetof(struct psim_options, check), 0, 0, NULL,
	 "status 1 when a figure misses what docs/simulation.md promises", PSIM_NEVER},
};

static const struct psim_option_table table = {
	"pnrp",
	"Runs a cloud of PNRP engines in one process and virtual time: nodes join in waves\n"
	"and register a name each, idle, resolve, suffer loss and churn, are parted and\n"
	"joined again. Prints a table of what was measured.\n",
	options, PONTO_ARRAY_SIZE(options)};

void psim_help(void)
{
	psim_table_help(&table);
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
	int result;

	*o = defaults;
	result = psim_table_parse(&table, argc, argv, o, help);
	if (result != PSIM_OK || *help)
		return result;
	if (strcmp(o->profile, "windows") != 0 && strcmp(o->profile, "modern") != 0)
		return psim_complain(o->profile, "no profile");
	if (o->attack && (o->svg || o->json || o->check))
		return psim_complain("attack", "has no --check, --json or --svg");
	complete(o);
	return PSIM_OK;
}

void psim_options_command(const struct psim_options *o, char *out, size_t size)
{
	struct psim_options standard = defaults;

	standard.nodes = o->nodes;
	complete(&standard);
	psim_table_command(&table, o, &standard, out, size);
}
