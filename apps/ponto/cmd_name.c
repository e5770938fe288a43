/* ponto name: peer names, registered and resolved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/ponto/cli.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define ENDPOINTS_MAX 10    /* [MS-PNRP] 2.2.3.1.2 */
#define PAYLOAD_MAX 4096    /* [MS-PNRP] 2.2.3.3 */
#define RESULTS_MAX 32 /* what the service finds at most */
#define TIMEOUT_MAX_S 600
#define ADDRESS_TEXT 64

/* "ADDR:PORT[/PROTO]"; the address text goes to address. */
static bool parse_endpoint(const char *text, Ponto__Pnrp__V1__Endpoint *out, char address[ADDRESS_TEXT])
{
	const char *slash = strchr(text, '/');
	struct ponto_addr addr;
	char whole[128];
	char host[PONTO_ADDR_TEXT];
	uint64_t protocol = 6;

	snprintf(whole, sizeof(whole), "%.*s", slash ? (int)(slash - text) : (int)strlen(text), text);
	if (ponto_addr_parse(whole, 0, &addr) != PONTO_OK || addr.family != PONTO_FAMILY_IPV6 || addr.zone) {
		cli_fail(CLI_USAGE, "'%s' is not an endpoint: [IPV6]:PORT[/tcp|/udp|/NUMBER] is wanted", text);
		return false;
	}
	if (slash && strcasecmp(slash + 1, "udp") == 0)
		protocol = 17;
	else if (slash && strcasecmp(slash + 1, "tcp") != 0 && !cli_number("the protocol", slash + 1, 0, 65535, &protocol))
		return false;
	out->port = addr.port;
	out->protocol = (uint32_t)protocol;
	addr.port = 0;
	snprintf(address, ADDRESS_TEXT, "%s", ponto_addr_format(&addr, host));
	out->address = address;
	return true;
}

static void print_endpoint(const Ponto__Pnrp__V1__Endpoint *endpoint)
{
	printf("  endpoint  [%s]:%u/", endpoint->address, endpoint->port);
	if (endpoint->protocol == 6 || endpoint->protocol == 17)
		puts(endpoint->protocol == 6 ? "tcp" : "udp");
	else
		printf("%u\n", endpoint->protocol);
}

static void print_name(const Ponto__Pnrp__V1__NameInfo *name)
{
	printf("%s in %s, %s%s%s\n", name->name, name->cloud, name->state, name->reason ? ": " : "",
	       name->reason ? name->reason : "");
	for (size_t i = 0; i < name->n_endpoint; i++)
		print_endpoint(name->endpoint[i]);
	if (name->comment && *name->comment)
		printf("  comment   %s\n", name->comment);
	if (name->payload_size)
		printf("  payload   %u bytes\n", name->payload_size);
	if (name->has_chain_until_us) {
		cli_print_time("  chain     until ", name->chain_until_us);
		putchar('\n');
	}
	if (name->client_lifetime)
		puts("  lifetime  of the client that registered it");
}

struct register_arguments {
	Ponto__Pnrp__V1__RegisterRequest request;
	Ponto__Pnrp__V1__Endpoint endpoint[ENDPOINTS_MAX];
	Ponto__Pnrp__V1__Endpoint *pointer[ENDPOINTS_MAX];
	char address[ENDPOINTS_MAX][ADDRESS_TEXT];
	const char *payload_file;
};

static int add_endpoint(struct register_arguments *a, const char *text)
{
	size_t n = a->request.n_endpoint;

	if (n == ENDPOINTS_MAX)
		return cli_fail(CLI_USAGE, "at most %d endpoints", ENDPOINTS_MAX);
	ponto__pnrp__v1__endpoint__init(&a->endpoint[n]);
	if (!parse_endpoint(text, &a->endpoint[n], a->address[n]))
		return CLI_USAGE;
	a->pointer[n] = &a->endpoint[n];
	a->request.endpoint = a->pointer;
	a->request.n_endpoint = n + 1;
	return CLI_OK;
}

static int parse_register(struct register_arguments *a, int argc, char **argv)
{
	static const struct cli_option options[] = {
		{"cloud", true, 'c'},	{"endpoint", true, 'e'}, {"comment", true, 'm'},
		{"payload", true, 'p'}, {"identity", true, 'i'}, {"chain", true, 'h'},
		{NULL, false, 0},
	};
	struct cli_scan scan = {argc, argv, 1, false};
	const char *value;
	int key;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		char *text = (char *)(uintptr_t)value;

		if (key == 0 && a->request.name)
			return cli_fail(CLI_USAGE, "one name only, not '%s' too", value);
		if (key == 0)
			a->request.name = text;
		else if (key == 'c')
			a->request.cloud = text;
		else if (key == 'm')
			a->request.comment = text;
		else if (key == 'i')
			a->request.identity = text;
		else if (key == 'h')
			a->request.chain = text;
		else if (key == 'p')
			a->payload_file = value;
		else if (add_endpoint(a, value) != CLI_OK)
			return CLI_USAGE;
	}
	if (key == -2)
		return CLI_USAGE;
	return a->request.name ? CLI_OK : cli_fail(CLI_USAGE, "'register' needs a NAME");
}

static int name_register(struct cli *cli, int argc, char **argv)
{
	struct register_arguments a = {.request = PONTO__PNRP__V1__REGISTER_REQUEST__INIT};
	ProtobufCMessage *reply;
	int status = parse_register(&a, argc, argv);

	if (status != CLI_OK)
		return status;
	if (a.payload_file) {
		status = cli_read_file(a.payload_file, PAYLOAD_MAX, &a.request.payload.data, &a.request.payload.len);
		if (status != CLI_OK)
			return status;
		a.request.has_payload = true;
	}
	status = cli_cloud_call(cli, a.request.cloud, "Register", &a.request.base,
				&ponto__pnrp__v1__register_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	free(a.request.payload.data);
	if (status != CLI_OK)
		return status;
	if (cli->json)
		status = cli_print_message(&((const Ponto__Pnrp__V1__RegisterReply *)reply)->name->base);
	else
		print_name(((const Ponto__Pnrp__V1__RegisterReply *)reply)->name);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

/* ---- resolve ---------------------------------------------------------------------- */

static void print_hops(const Ponto__Pnrp__V1__ResolveReply *answer)
{
	uint32_t best = 0;

	if (answer->n_hop)
		printf("hop  %-44s %-8s %9s  %-7s %s\n", "address", "message", "ms", "bits", "outcome");
	for (size_t i = 0; i < answer->n_hop; i++) {
		const Ponto__Pnrp__V1__Hop *hop = answer->hop[i];
		char bits[24];

		if (hop->bits > best)
			snprintf(bits, sizeof(bits), "%u +%u", hop->bits, hop->bits - best);
		else
			snprintf(bits, sizeof(bits), "%u", hop->bits);
		best = hop->bits > best ? hop->bits : best;
		printf("%3zu  %-44s %-8s %9.3f  %-7s %s\n", i + 1, hop->address, hop->kind, (double)hop->rtt_us / 1000,
		       bits, hop->outcome);
	}
}

static void print_match(const Ponto__Pnrp__V1__Match *match)
{
	printf("%s in %s%s%s\n", match->name, match->cloud, match->secured ? ", secured" : "",
	       match->local ? ", registered here" : "");
	for (size_t i = 0; i < match->n_endpoint; i++)
		print_endpoint(match->endpoint[i]);
	if (match->signer && *match->signer)
		printf("  delegate  %s\n", match->signer);
	if (match->comment && *match->comment)
		printf("  comment   %s\n", match->comment);
	if (match->has_payload && match->payload.len)
		printf("  payload   %zu bytes (--json prints them)\n", match->payload.len);
	for (size_t i = 0; i < match->n_nodes; i++)
		printf("  node      %s\n", match->nodes[i]);
}

static int parse_resolve(Ponto__Pnrp__V1__ResolveRequest *request, int argc, char **argv)
{
	static const struct cli_option options[] = {
		{"cloud", true, 'c'},	{"max", true, 'n'},	{"timeout", true, 't'}, {"trace", false, 'x'},
		{"nearest", false, 'r'}, {"remote", false, 'o'}, {NULL, false, 0},
	};
	struct cli_scan scan = {argc, argv, 1, false};
	const char *value;
	uint64_t number;
	int key;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0 && request->name)
			return cli_fail(CLI_USAGE, "one name only, not '%s' too", value);
		if (key == 0) {
			request->name = (char *)(uintptr_t)value;
		} else if (key == 'c') {
			request->cloud = (char *)(uintptr_t)value;
		} else if (key == 'n') {
			if (!cli_number("--max", value, 1, RESULTS_MAX, &number))
				return CLI_USAGE;
			request->has_max = true;
			request->max = (uint32_t)number;
		} else if (key == 't') {
			if (!cli_number("--timeout", value, 1, TIMEOUT_MAX_S, &number))
				return CLI_USAGE;
			request->has_timeout_ms = true;
			request->timeout_ms = (uint32_t)number * 1000;
		} else if (key == 'x') {
			request->has_trace = request->trace = true;
		} else if (key == 'r') {
			request->has_nearest = request->nearest = true;
		} else {
			request->has_include_local = true;
			request->include_local = false;
		}
	}
	if (key == -2)
		return CLI_USAGE;
	return request->name ? CLI_OK : cli_fail(CLI_USAGE, "'resolve' needs a NAME");
}

static int name_resolve(struct cli *cli, int argc, char **argv)
{
	Ponto__Pnrp__V1__ResolveRequest request = PONTO__PNRP__V1__RESOLVE_REQUEST__INIT;
	const Ponto__Pnrp__V1__ResolveReply *answer;
	ProtobufCMessage *reply;
	int status = parse_resolve(&request, argc, argv);

	if (status != CLI_OK)
		return status;
	status = cli_cloud_call(cli, request.cloud, "Resolve", &request.base, &ponto__pnrp__v1__resolve_reply__descriptor,
			  request.timeout_ms + 2000, &reply);
	if (status != CLI_OK)
		return status;
	answer = (const Ponto__Pnrp__V1__ResolveReply *)reply;
	if (cli->json)
		status = cli_print_message(reply);
	else
		print_hops(answer);
	for (size_t i = 0; !cli->json && i < answer->n_match; i++)
		print_match(answer->match[i]);
	if (answer->n_match == 0) { /* the trace of a failed walk */
		fflush(stdout);
		status = cli_fail(CLI_NO, "%s: %s", request.name, answer->error ? answer->error : "not found");
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int name_list(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{"cloud", true, 'c'}, {NULL, false, 0}};
	Ponto__Pnrp__V1__NamesRequest request = PONTO__PNRP__V1__NAMES_REQUEST__INIT;
	struct cli_scan scan = {argc, argv, 1, false};
	const Ponto__Pnrp__V1__NamesReply *names;
	ProtobufCMessage *reply;
	const char *value;
	int key, status;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0)
			return cli_fail(CLI_USAGE, "'list' takes no argument, not '%s'", value);
		request.cloud = (char *)(uintptr_t)value;
	}
	if (key == -2)
		return CLI_USAGE;
	status = cli_cloud_call(cli, request.cloud, "Names", &request.base, &ponto__pnrp__v1__names_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	names = (const Ponto__Pnrp__V1__NamesReply *)reply;
	if (cli->json)
		status = cli_print_message(reply);
	for (size_t i = 0; !cli->json && i < names->n_name; i++)
		print_name(names->name[i]);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int name_unregister(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{"cloud", true, 'c'}, {NULL, false, 0}};
	Ponto__Pnrp__V1__UnregisterRequest request = PONTO__PNRP__V1__UNREGISTER_REQUEST__INIT;
	struct cli_scan scan = {argc, argv, 1, false};
	ProtobufCMessage *reply;
	const char *value;
	int key, status;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0 && request.name)
			return cli_fail(CLI_USAGE, "one name only, not '%s' too", value);
		if (key == 0)
			request.name = (char *)(uintptr_t)value;
		else
			request.cloud = (char *)(uintptr_t)value;
	}
	if (key == -2)
		return CLI_USAGE;
	if (!request.name)
		return cli_fail(CLI_USAGE, "'unregister' needs a NAME");
	status = cli_cloud_call(cli, request.cloud, "Unregister", &request.base,
			  &ponto__pnrp__v1__unregister_reply__descriptor, CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	if (cli->json)
		status = cli_print_message(reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

const struct cli_command cli_name_commands[] = {
	{"name", "register",
	 "NAME [--cloud C] [--endpoint [IPV6]:PORT[/PROTO]]... [--comment TEXT] [--payload FILE|-] [--identity ID] "
	 "[--chain CHAIN]",
	 "publishes a peer name until it is unregistered", name_register},
	{"name", "resolve", "NAME [--cloud C] [--max N] [--timeout SECONDS] [--nearest] [--remote] [--trace]",
	 "finds who publishes a name; --trace shows each hop", name_resolve},
	{"name", "list", "[--cloud C]", "the names registered here", name_list},
	{"name", "unregister", "NAME [--cloud C]", "withdraws a name", name_unregister},
	{NULL, NULL, NULL, NULL, NULL},
};
