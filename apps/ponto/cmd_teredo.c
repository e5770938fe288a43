/* ponto teredo: what this node's Teredo servers and relays do. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apps/ponto/cli.h"
#include "apps/pontod/node.pb-c.h"
#include "plugins/service-teredo-relay/teredo_relay.pb-c.h"
#include "plugins/service-teredo-server/teredo_server.pb-c.h"

static void print_count(const char *what, uint64_t count)
{
	printf("%-12s %" PRIu64 "\n", what, count);
}

static void print_server(const char *name, const ProtobufCMessage *message)
{
	const Ponto__Teredo__Server__V1__StatusReply *s = (const Ponto__Teredo__Server__V1__StatusReply *)message;

	printf("server       %s\n", name);
	if (s->serving)
		printf("serves at    %s%s%s\n", s->primary, s->secondary ? " and " : " alone",
		       s->secondary ? s->secondary : "");
	else
		printf("serves at    no address\n");
	printf("clients      %s", s->secure ? "those with a key" : "any");
	printf(s->keys ? ", %u keys\n" : "\n", s->keys);
	printf("native hosts %s\n", s->native ? "through a TUN interface" : "refused");
	print_count("received", s->received);
	print_count("advertised", s->advertised);
	print_count("relayed", s->relayed);
	print_count("forwarded", s->forwarded);
	for (size_t i = 0; i < s->n_refused; i++) {
		if (s->refused[i]->count)
			printf("refused      %" PRIu64 " %s\n", s->refused[i]->count, s->refused[i]->reason);
	}
}

static void print_relay(const char *name, const ProtobufCMessage *message)
{
	const Ponto__Teredo__Relay__V1__StatusReply *r = (const Ponto__Teredo__Relay__V1__StatusReply *)message;

	printf("relay        %s\n", name);
	printf("interface    %s\n", r->interface);
	printf("bubbles from %s\n", r->source);
	for (size_t i = 0; i < r->n_local; i++)
		printf("endpoint     %s\n", r->local[i]);
	printf("peers        %u, %u of them trusted; %u bytes wait\n", r->peers, r->trusted, r->queued);
	print_count("to clients", r->to_clients);
	print_count("from clients", r->from_clients);
	print_count("bubbles", r->bubbles);
	print_count("answers", r->answers);
	for (size_t i = 0; i < r->n_dropped; i++) {
		if (r->dropped[i]->count)
			printf("dropped      %" PRIu64 " %s\n", r->dropped[i]->count, r->dropped[i]->reason);
	}
}

static const struct kind {
	const char *plugin, *list;
	const ProtobufCMessageDescriptor *descriptor;
	void (*print)(const char *name, const ProtobufCMessage *message);
} kinds[] = {
	{"service-teredo-server", "server", &ponto__teredo__server__v1__status_reply__descriptor, print_server},
	{"service-teredo-relay", "relay", &ponto__teredo__relay__v1__status_reply__descriptor, print_relay},
};

/* Both requests are empty messages. */
static int show(struct cli *cli, const struct kind *kind, const char *name, json_t *lists)
{
	Ponto__Teredo__Server__V1__StatusRequest request = PONTO__TEREDO__SERVER__V1__STATUS_REQUEST__INIT;
	ProtobufCMessage *reply;
	int status = cli_call(cli, name, "Status", &request.base, kind->descriptor, CLI_TIMEOUT_MS, &reply);
	json_t *one;

	if (status != CLI_OK)
		return status;
	if (lists) {
		one = cli_message_json(reply);
		if (one)
			json_object_set_new(one, "instance", json_string(name));
		json_array_append_new(json_object_get(lists, kind->list), one);
	} else {
		cli_message_clean(reply);
		kind->print(name, reply);
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return CLI_OK;
}

static int show_all(struct cli *cli, json_t *lists, size_t *shown)
{
	Ponto__Node__V1__StatusRequest request = PONTO__NODE__V1__STATUS_REQUEST__INIT;
	const Ponto__Node__V1__StatusReply *node;
	ProtobufCMessage *reply;
	int status = cli_call(cli, "node", "Status", &request.base, &ponto__node__v1__status_reply__descriptor,
			      CLI_TIMEOUT_MS, &reply);

	if (status != CLI_OK)
		return status;
	node = (const Ponto__Node__V1__StatusReply *)reply;
	for (size_t i = 0; i < node->n_instance; i++) {
		for (size_t k = 0; k < PONTO_ARRAY_SIZE(kinds) && status == CLI_OK; k++) {
			if (strcmp(node->instance[i]->plugin, kinds[k].plugin) != 0 ||
			    (cli->service && strcmp(cli->service, node->instance[i]->name) != 0))
				continue;
			if (*shown > 0 && !lists)
				printf("\n");
			++*shown;
			status = show(cli, &kinds[k], node->instance[i]->name, lists);
		}
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int teredo_status(struct cli *cli, int argc, char **argv)
{
	json_t *lists = NULL;
	size_t shown = 0;
	int status;

	if (argc > 1)
		return cli_fail(CLI_USAGE, "'status' takes no argument, not '%s'", argv[1]);
	if (cli->json) {
		lists = json_pack("{s:[], s:[]}", "server", "relay");
		if (!lists)
			return cli_print_json(NULL);
	}
	status = show_all(cli, lists, &shown);
	if (status == CLI_OK && shown == 0)
		status = cli_fail(CLI_NO, "no Teredo server or relay here");
	else if (status == CLI_OK && lists)
		return cli_print_json(lists);
	json_decref(lists);
	return status;
}

const struct cli_command cli_teredo_commands[] = {
	{"teredo", "status", "", "what this node's Teredo servers and relays do", teredo_status},
	{NULL, NULL, NULL, NULL, NULL},
};
