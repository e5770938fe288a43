/* ponto node nat-test: what works through the NATs around the node. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apps/ponto/cli.h"
#include "apps/ponto/nat_judge.h"
#include "apps/pontod/node.pb-c.h"

#define PLUGIN "transport-teredo"
#define TIMEOUT_S 30
#define POLL_NS 250000000L

static void facts_of(const Ponto__Node__V1__Instance *i, struct nat_facts *f)
{
	memset(f, 0, sizeof(*f));
	for (size_t k = 0; k < i->n_detail; k++)
		nat_fact(f, i->detail[k]->key, i->detail[k]->value);
}

/* ---- in words ------------------------------------------------------------------------------------ */

/* What is wrong with a port that is held. */
static const char *but(const struct nat_facts *f)
{
	if (!f->mapping_only_nat || strcmp(f->mapping_only_nat, "no") != 0 || !f->mapped)
		return "";
	return nat_same_host(f->mapping_address, f->mapped)
		       ? "; but what is sent from here leaves by another port"
		       : "; but the servers see another address: a second NAT lies behind the gateway";
}

static void print_mapping(const struct nat_facts *f)
{
	if (!f->mapping || strcmp(f->mapping, "off") == 0)
		puts("  port mapping   the gateway is not asked for a port (no mapping is configured)");
	else if (strcmp(f->mapping, "held") == 0)
		printf("  port mapping   %s, got by %s%s\n", f->mapping_address ? f->mapping_address : "?",
		       f->mapping_by ? f->mapping_by : "?", but(f));
	else if (f->mapping_why)
		printf("  port mapping   none: %s\n", f->mapping_why);
	else
		puts("  port mapping   the gateway is still being asked");
}

static void print_facts(const struct nat_facts *f, const struct nat_verdict *v)
{
	if (v->kind == NAT_IDLE)
		return;
	if (f->local)
		printf("  own address    %s\n", f->local);
	if (f->mapped)
		printf("  seen outside   %s\n", f->mapped);
	if (f->server && f->server_heard)
		printf("  server         %s, heard %s s ago\n", f->server, f->server_heard);
	else if (f->server)
		printf("  server         %s, asked %s times, never heard\n", f->server,
		       f->solicitations ? f->solicitations : "0");
	printf("  NAT            %s: %s\n", v->name, v->explanation);
	if (f->keeps_ports && v->kind != NAT_NONE)
		printf("                 it %s port numbers\n",
		       strcmp(f->keeps_ports, "yes") == 0 ? "keeps" : "does not keep");
	print_mapping(f);
}

static void print_verdict(const Ponto__Node__V1__Instance *i, const struct nat_facts *f, const struct nat_verdict *v)
{
	printf("%s (%s)\n", i->name, i->plugin);
	print_facts(f, v);
	for (size_t k = 0; k < v->count; k++) {
		const struct nat_line *line = &v->line[k];

		printf("  %-8s %s%s%s\n           %s\n", nat_answer_name(line->answer), line->what,
		       k == 0 && f->address ? ": " : "", k == 0 && f->address ? f->address : "", line->why);
	}
}

/* ---- as JSON ---------------------------------------------------------------------------------------- */

static json_t *verdict_json(const Ponto__Node__V1__Instance *i, const struct nat_verdict *v)
{
	json_t *details = json_object(), *works = json_array();

	for (size_t k = 0; k < i->n_detail; k++)
		json_object_set_new(details, i->detail[k]->key, json_string(i->detail[k]->value));
	for (size_t k = 0; k < v->count; k++)
		json_array_append_new(works, json_pack("{s:s, s:s, s:s}", "what", v->line[k].what, "answer",
						       nat_answer_name(v->line[k].answer), "why", v->line[k].why));
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "transport", i->name, "plugin", i->plugin, "nat", v->name,
			 "explanation", v->explanation, "works", works, "details", details);
}

/* ---- asking ------------------------------------------------------------------------------------------- */

/* Whether one of them will know more soon: its address, its kind of NAT, its port. */
static bool unsettled(const Ponto__Node__V1__StatusReply *status)
{
	for (size_t i = 0; i < status->n_instance; i++) {
		struct nat_verdict v;
		struct nat_facts f;

		if (strcmp(status->instance[i]->plugin, PLUGIN) != 0)
			continue;
		facts_of(status->instance[i], &f);
		nat_judge(&f, &v);
		if (v.kind == NAT_STARTING || (v.kind != NAT_IDLE && f.mapping && strcmp(f.mapping, "asking") == 0))
			return true;
	}
	return false;
}

static int show(const struct cli *cli, const Ponto__Node__V1__StatusReply *status)
{
	json_t *array = cli->json ? json_array() : NULL;
	size_t found = 0, good = 0;

	for (size_t i = 0; i < status->n_instance; i++) {
		const Ponto__Node__V1__Instance *instance = status->instance[i];
		struct nat_verdict v;
		struct nat_facts f;

		if (strcmp(instance->plugin, PLUGIN) != 0)
			continue;
		facts_of(instance, &f);
		nat_judge(&f, &v);
		good += v.line[0].answer == NAT_YES;
		found++;
		if (array)
			json_array_append_new(array, verdict_json(instance, &v));
		else
			print_verdict(instance, &f, &v);
	}
	if (array && cli_print_json(array) != CLI_OK)
		return CLI_NO;
	if (found == 0)
		return cli_fail(CLI_NO, "no " PLUGIN " is configured: without IPv6 of its own this node reaches nobody "
					"outside, and nobody reaches it; see docs/teredo.md");
	return good ? CLI_OK : CLI_NO;
}

int cli_nat_test(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{"timeout", true, 't'}, {NULL, false, 0}};
	static const struct timespec pause = {.tv_nsec = POLL_NS};
	Ponto__Node__V1__StatusRequest request = PONTO__NODE__V1__STATUS_REQUEST__INIT;
	struct cli_scan scan = {argc, argv, 1, false};
	uint64_t timeout = TIMEOUT_S, until;
	ProtobufCMessage *reply;
	const char *value;
	int key, status;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0)
			return cli_fail(CLI_USAGE, "'nat-test' takes no argument, not '%s'", value);
		if (!cli_number("--timeout", value, 0, 3600, &timeout))
			return CLI_USAGE;
	}
	if (key == -2)
		return CLI_USAGE;
	until = ponto_mono(&ponto_clock_system) + timeout * PONTO_SECOND;
	for (;;) {
		status = cli_call(cli, "node", "Status", &request.base, &ponto__node__v1__status_reply__descriptor,
				  CLI_TIMEOUT_MS, &reply);
		if (status != CLI_OK)
			return status;
		if (!unsettled((const Ponto__Node__V1__StatusReply *)reply) ||
		    ponto_mono(&ponto_clock_system) >= until)
			break;
		protobuf_c_message_free_unpacked(reply, NULL);
		nanosleep(&pause, NULL);
	}
	status = show(cli, (const Ponto__Node__V1__StatusReply *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}
