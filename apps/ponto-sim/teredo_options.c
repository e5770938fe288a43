#include <string.h>

#include "apps/ponto-sim/teredo_story.h"

#define NODES_MAX 60000

static const struct tsim_options defaults = {
	.nodes = 1000,
	.seed = 1,
	.join = 30,
	.idle = 120,
	.talk = 120,
	.faults = 900,
	.outage = 120,
	.hostile = 60,
	.loss = 0.05,
	.churn = 4,
	.rate = 200,
	.latency = 40,
	.jitter = 20,
	.peers = 1000,
};

#define FIELD(name) offsetof(struct tsim_options, name)

static const struct psim_option options[] = {
	{"nodes", PSIM_OPTION_U32, FIELD(nodes), 10, NODES_MAX, "N", "clients; 1000", PSIM_ALWAYS},
	{"seed", PSIM_OPTION_U64, FIELD(seed), 0, 1.8e19, "S",
	 "seed of all randomness: the same one gives the same run; 1", PSIM_ALWAYS},
	{"servers", PSIM_OPTION_U32, FIELD(servers), 1, 64, "N", "one for 2500 clients, at least 3", 0},
	{"relays", PSIM_OPTION_U32, FIELD(relays), 1, 64, "N", "likewise, at least 2", 0},
	{"natives", PSIM_OPTION_U32, FIELD(natives), 1, 5000, "N", "hosts with native IPv6; one for 100 clients, 4 to 5000",
	 0},
	{"pairs", PSIM_OPTION_U32, FIELD(pairs), 1, 10000, "N",
	 "conversations for each pair of kinds; one for 100 clients, 4 to 200", 0},
	{"join", PSIM_OPTION_U32, FIELD(join), 1, 3600, "SECONDS", "in which all clients begin; 30", 0},
	{"idle", PSIM_OPTION_U32, FIELD(idle), 1, 86400, "SECONDS", "without a conversation; 120", 0},
	{"talk", PSIM_OPTION_U32, FIELD(talk), 1, 86400, "SECONDS", "in which conversations begin; 120", 0},
	{"faults", PSIM_OPTION_U32, FIELD(faults), 0, 86400, "SECONDS", "of loss and churn; 900, 0: none", 0},
	{"loss", PSIM_OPTION_PERCENT, FIELD(loss), 0, 90, "PERCENT", "of datagrams lost meanwhile; 5", 0},
	{"churn", PSIM_OPTION_PERCENT, FIELD(churn), 0, 10000, "PERCENT",
	 "of boxes restarted, or clients shut for a while, in an hour of it; 400", 0},
	{"outage", PSIM_OPTION_U32, FIELD(outage), 0, 86400, "SECONDS",
	 "that a third of the servers is gone while others talk; 120, 0: never", 0},
	{"hostile", PSIM_OPTION_U32, FIELD(hostile), 0, 86400, "SECONDS",
	 "of forged advertisements and floods of bubbles; 60, 0: none", 0},
	{"rate", PSIM_OPTION_U32, FIELD(rate), 10, 100000, "N", "of them a second for each target; 200", 0},
	{"latency", PSIM_OPTION_U32, FIELD(latency), 1, 10000, "MS", "of a datagram; 40", 0},
	{"jitter", PSIM_OPTION_U32, FIELD(jitter), 0, 10000, "MS", "on top, even, so that datagrams overtake; 20", 0},
	{"peers", PSIM_OPTION_U32, FIELD(peers), TEREDO_PEERS_MIN, TEREDO_PEERS_MAX, "N", "that a client remembers; 1000",
	 0},
	{"svg", PSIM_OPTION_TEXT, FIELD(svg), 0, 0, "DIR", "draws the figures into this directory", PSIM_NEVER},
	{"json", PSIM_OPTION_FLAG, FIELD(json), 0, 0, NULL, "prints JSON", PSIM_NEVER},
	{"quiet", PSIM_OPTION_FLAG, FIELD(quiet), 0, 0, NULL, "no progress on standard error", PSIM_NEVER},
	{"check", PSIM_OPTION_FLAG, FIELD(check), 0, 0, NULL,
	 "status 1 when a figure misses what docs/simulation.md promises", PSIM_NEVER},
};

static const struct psim_option_table table = {
	"teredo",
	"Runs Teredo clients behind NAT boxes of every kind, servers, relays and native hosts\n"
	"in one process and virtual time: clients qualify, idle, talk in all pairs of kinds,\n"
	"suffer loss and boxes that forget, lose servers, are attacked. Prints tables of what\n"
	"was measured.\n",
	options, PONTO_ARRAY_SIZE(options)};

void tsim_help(void)
{
	psim_table_help(&table);
}

static uint32_t within(uint32_t value, uint32_t low, uint32_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* What follows from the number of clients unless it was said. */
static void complete(struct tsim_options *o)
{
	if (!o->servers)
		o->servers = within(o->nodes / 2500, 3, 64);
	if (!o->relays)
		o->relays = within(o->nodes / 2500, 2, 64);
	if (!o->natives)
		o->natives = within(o->nodes / 100, 4, 5000);
	if (!o->pairs)
		o->pairs = within(o->nodes / 100, 4, 200);
}

int tsim_options_parse(int argc, char **argv, struct tsim_options *o, bool *help)
{
	int result;

	*o = defaults;
	result = psim_table_parse(&table, argc, argv, o, help);
	if (result == PSIM_OK)
		complete(o);
	return result;
}

void tsim_options_command(const struct tsim_options *o, char *out, size_t size)
{
	struct tsim_options usual = defaults;

	usual.nodes = o->nodes;
	complete(&usual);
	psim_table_command(&table, o, &usual, out, size);
}
