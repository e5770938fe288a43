/* ponto node: the daemon itself. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apps/ponto/cli.h"
#include "apps/pontod/node.pb-c.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

/* Verbs without arguments. */
static bool no_arguments(int argc, char **argv)
{
	if (argc == 1)
		return true;
	cli_fail(CLI_USAGE, "'%s' takes no argument, not '%s'", argv[0], argv[1]);
	return false;
}

static void print_instance(const Ponto__Node__V1__Instance *i)
{
	printf("%-9s %s (%s)\n", i->kind, i->name, i->plugin);
	for (size_t k = 0; k < i->n_detail; k++)
		printf("          %-22s %s\n", i->detail[k]->key, i->detail[k]->value);
}

static void print_status(const Ponto__Node__V1__StatusReply *status)
{
	printf("node      %s (pontod %s, process %u, uid %u)\n", status->name, status->version, status->pid, status->uid);
	printf("uptime    %" PRIu64 " s\n", status->uptime_us / PONTO_SECOND);
	printf("memory    %" PRIu64 " KiB resident\n", status->resident_bytes / 1024);
	printf("state     %s\n", status->state_dir);
	printf("endpoint  %s\n", status->endpoint);
	printf("config    %s\n", *status->config_file ? status->config_file : "built-in defaults");
	for (size_t i = 0; i < status->n_instance; i++)
		print_instance(status->instance[i]);
}

static int print_status_json(const Ponto__Node__V1__StatusReply *status)
{
	json_t *object = cli_message_json(&status->base);
	json_t *metrics = json_loads(status->metrics_json, 0, NULL);

	if (object && metrics) {
		json_object_del(object, "metrics_json");
		json_object_set_new(object, "metrics", metrics);
	}
	return cli_print_json(object);
}

static int node_status(struct cli *cli, int argc, char **argv)
{
	Ponto__Node__V1__StatusRequest request = PONTO__NODE__V1__STATUS_REQUEST__INIT;
	ProtobufCMessage *reply;
	int status;

	if (!no_arguments(argc, argv))
		return CLI_USAGE;
	status = cli_call(cli, "node", "Status", &request.base, &ponto__node__v1__status_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	if (cli->json)
		status = print_status_json((const Ponto__Node__V1__StatusReply *)reply);
	else
		print_status((const Ponto__Node__V1__StatusReply *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int node_metrics(struct cli *cli, int argc, char **argv)
{
	Ponto__Node__V1__MetricsRequest request = PONTO__NODE__V1__METRICS_REQUEST__INIT;
	ProtobufCMessage *reply;
	int status;

	if (!no_arguments(argc, argv))
		return CLI_USAGE;
	status = cli_call(cli, "node", "Metrics", &request.base, &ponto__node__v1__metrics_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	if (cli->json)
		status = cli_print_message(reply);
	else
		fputs(((const Ponto__Node__V1__MetricsReply *)reply)->text, stdout);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int node_peers(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{"cloud", true, 'c'}, {NULL, false, 0}};
	Ponto__Pnrp__V1__PeersRequest request = PONTO__PNRP__V1__PEERS_REQUEST__INIT;
	struct cli_scan scan = {argc, argv, 1, false};
	const Ponto__Pnrp__V1__PeersReply *peers;
	ProtobufCMessage *reply;
	const char *value;
	int key, status;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0)
			return cli_fail(CLI_USAGE, "'peers' takes no argument, not '%s'", value);
		request.cloud = (char *)(uintptr_t)value;
	}
	if (key == -2)
		return CLI_USAGE;
	status = cli_cloud_call(cli, request.cloud, "Peers", &request.base, &ponto__pnrp__v1__peers_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	peers = (const Ponto__Pnrp__V1__PeersReply *)reply;
	if (cli->json)
		status = cli_print_message(reply);
	for (size_t i = 0; !cli->json && i < peers->n_peer; i++) {
		printf("%s %s", peers->peer[i]->id, peers->peer[i]->leaf ? "leaf " : "cache");
		for (size_t k = 0; k < peers->peer[i]->n_addresses; k++)
			printf(" %s", peers->peer[i]->addresses[k]);
		putchar('\n');
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

/* The message that an event of that topic carries; NULL when it is not known here. */
static const ProtobufCMessageDescriptor *event_type(const char *topic)
{
	const char *dot = strrchr(topic, '.');

	if (dot && strcmp(dot, ".cloud") == 0)
		return &ponto__pnrp__v1__cloud_info__descriptor;
	if (dot && strcmp(dot, ".name") == 0)
		return &ponto__pnrp__v1__name_info__descriptor;
	if (strcmp(topic, "node.state") == 0)
		return &ponto__node__v1__state_event__descriptor;
	return NULL;
}

/* One compact JSON line per event, in both output modes: events are for programs and for `grep`. */
static int print_event(const struct ponto_event *event)
{
	const ProtobufCMessageDescriptor *type = event_type(event->topic);
	ProtobufCMessage *message = type ? protobuf_c_message_unpack(type, NULL, event->len, event->payload) : NULL;
	json_t *line = json_pack("{s:s, s:I, s:o}", "topic", event->topic, "time", (json_int_t)time(NULL), "data",
				 message ? cli_message_json(message) : json_null());
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
	json_decref(line);
	if (!text)
		return cli_fail(CLI_NO, "out of memory");
	puts(text);
	free(text);
	return fflush(stdout) == 0 ? CLI_OK : CLI_NO; /* main says why */
}

static int node_events(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{"count", true, 'n'}, {"timeout", true, 't'}, {NULL, false, 0}};
	struct cli_scan scan = {argc, argv, 1, false};
	uint64_t count = UINT64_MAX, timeout = 0;
	const char *prefix = "", *value;
	struct ponto_event event;
	int key, status, result;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (key == 0)
			prefix = value;
		else if (!cli_number(key == 'n' ? "--count" : "--timeout", value, 1, 1000000000,
				     key == 'n' ? &count : &timeout))
			return CLI_USAGE;
	}
	if (key == -2)
		return CLI_USAGE;
	/* A call first: it tells at once when there is no daemon. */
	Ponto__Node__V1__PluginsRequest probe = PONTO__NODE__V1__PLUGINS_REQUEST__INIT;
	ProtobufCMessage *reply;

	status = cli_call(cli, "node", "Plugins", &probe.base, &ponto__node__v1__plugins_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	protobuf_c_message_free_unpacked(reply, NULL);
	result = ponto_client_subscribe(cli->client, prefix);
	if (result != PONTO_OK)
		return cli_fail(CLI_UNREACHABLE, "%s", ponto_strerror(result));
	while (count > 0) {
		result = ponto_client_next_event(cli->client, timeout ? (unsigned)timeout * 1000 : 3600000, &event);
		if (result == PONTO_ETIME && !timeout)
			continue;
		if (result != PONTO_OK)
			return cli_fail(CLI_NO, "%s", ponto_strerror(result));
		status = print_event(&event);
		ponto_event_clear(cli->client, &event);
		if (status != CLI_OK)
			return status;
		count--;
	}
	return CLI_OK;
}

static int node_reload(struct cli *cli, int argc, char **argv)
{
	Ponto__Node__V1__ReloadRequest request = PONTO__NODE__V1__RELOAD_REQUEST__INIT;
	const Ponto__Node__V1__ReloadReply *answer;
	ProtobufCMessage *reply;
	int status;

	if (!no_arguments(argc, argv))
		return CLI_USAGE;
	status = cli_call(cli, "node", "Reload", &request.base, &ponto__node__v1__reload_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	answer = (const Ponto__Node__V1__ReloadReply *)reply;
	if (cli->json)
		status = cli_print_message(reply);
	for (size_t i = 0; !cli->json && i < answer->n_message; i++)
		puts(answer->message[i]);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

const struct cli_command cli_node_commands[] = {
	{"node", "status", "", "what runs, since when, from which configuration; --json adds all metrics", node_status},
	{"node", "nat-test", "[--timeout SECONDS]", "what works from here through NATs, what does not, and why", cli_nat_test},
	{"node", "metrics", "", "metrics as Prometheus text", node_metrics},
	{"node", "peers", "[--cloud C]", "the route entries that the name service knows", node_peers},
	{"node", "events", "[PREFIX] [--count N] [--timeout SECONDS]", "follows events, one JSON object a line",
	 node_events},
	{"node", "reload", "", "reads the configuration again, as SIGHUP does", node_reload},
	{"node", "key", "[--make] [FILE]", "the public key of a key file for tcp://; --make makes a missing one",
	 cli_node_key},
	{NULL, NULL, NULL, NULL, NULL},
};
