/* ponto cloud: the clouds that the name service has open. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apps/ponto/cli.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

static void print_cloud(const Ponto__Pnrp__V1__CloudInfo *cloud)
{
	printf("cloud      %s\n", cloud->name);
	printf("scope      %s", cloud->scope);
	if (cloud->zone)
		printf(" (zone %u)", cloud->zone);
	printf("\nstate      %s%s\n", cloud->state, cloud->resolve_only ? ", resolve only" : "");
	printf("profile    %s\n", cloud->profile);
	for (size_t i = 0; i < cloud->n_addresses; i++)
		printf("address    %s\n", cloud->addresses[i]);
	printf("cached     %u route entries, %u of them leaves\n", cloud->cached, cloud->leaves);
	printf("names      %u registered here\n", cloud->names);
	if (cloud->estimate > 0)
		printf("estimate   %.0f nodes\n", cloud->estimate);
}

static void print_stats(const Ponto__Pnrp__V1__CloudInfo *cloud)
{
	char what[48];

	printf("%-32s %.0f nodes\n", "estimate", cloud->estimate);
	printf("%-32s %u, %u of them leaves\n", "cache", cloud->cached, cloud->leaves);
	for (size_t i = 0; i < cloud->n_level; i++) {
		snprintf(what, sizeof(what), "cache level %u", cloud->level[i]->level);
		printf("%-32s %u\n", what, cloud->level[i]->entries);
	}
	for (size_t i = 0; i < cloud->n_leaf_set; i++)
		printf("%-32s %u below, %u above: %s\n", "leaf set", cloud->leaf_set[i]->below, cloud->leaf_set[i]->above,
		       cloud->leaf_set[i]->name);
	for (size_t i = 0; i < cloud->n_counters; i++)
		printf("%-32s %" PRIu64 "\n", cloud->counters[i]->name, cloud->counters[i]->value);
}

struct listing {
	struct cli *cli;
	json_t *clouds;
};

static int list_service(void *arg, const char *service)
{
	Ponto__Pnrp__V1__CloudsRequest request = PONTO__PNRP__V1__CLOUDS_REQUEST__INIT;
	struct listing *listing = arg;
	const Ponto__Pnrp__V1__CloudsReply *clouds;
	ProtobufCMessage *reply;
	int status;

	status = cli_call(listing->cli, service, "Clouds", &request.base, &ponto__pnrp__v1__clouds_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	clouds = (const Ponto__Pnrp__V1__CloudsReply *)reply;
	for (size_t i = 0; i < clouds->n_cloud; i++) {
		const Ponto__Pnrp__V1__CloudInfo *cloud = clouds->cloud[i];

		if (listing->clouds)
			json_array_append_new(listing->clouds, cli_message_json(&cloud->base));
		else
			printf("%-24s %-9s %-14s %5u cached %5u names\n", cloud->name, cloud->scope, cloud->state,
			       cloud->cached, cloud->names);
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return CLI_OK;
}

static int cloud_list(struct cli *cli, int argc, char **argv)
{
	struct listing listing = {.cli = cli, .clouds = cli->json ? json_array() : NULL};
	int status;

	if (argc > 1)
		return cli_fail(CLI_USAGE, "'list' takes no argument, not '%s'", argv[1]);
	status = cli_each_name_service(cli, list_service, &listing);
	if (cli->json && status == CLI_OK)
		return cli_print_json(json_pack("{s:o}", "cloud", listing.clouds));
	json_decref(listing.clouds);
	return status;
}

/* show and stats differ only in what is printed. */
static int one_cloud(struct cli *cli, int argc, char **argv)
{
	static const struct cli_option options[] = {{NULL, false, 0}};
	Ponto__Pnrp__V1__CloudRequest request = PONTO__PNRP__V1__CLOUD_REQUEST__INIT;
	struct cli_scan scan = {argc, argv, 1, false};
	bool stats = strcmp(argv[0], "stats") == 0;
	const Ponto__Pnrp__V1__CloudInfo *cloud;
	ProtobufCMessage *reply;
	const char *value;
	int key, status;

	while ((key = cli_next_option(&scan, options, &value)) >= 0) {
		if (request.cloud)
			return cli_fail(CLI_USAGE, "one cloud only, not '%s' too", value);
		request.cloud = (char *)(uintptr_t)value;
	}
	if (key == -2)
		return CLI_USAGE;
	status = cli_cloud_call(cli, request.cloud, "Cloud", &request.base, &ponto__pnrp__v1__cloud_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	cloud = ((const Ponto__Pnrp__V1__CloudReply *)reply)->cloud;
	if (cli->json)
		status = cli_print_message(&cloud->base);
	else if (stats)
		print_stats(cloud);
	else
		print_cloud(cloud);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

const struct cli_command cli_cloud_commands[] = {
	{"cloud", "list", "", "the open clouds", cloud_list},
	{"cloud", "show", "[CLOUD]", "one cloud: state, addresses, cache", one_cloud},
	{"cloud", "stats", "[CLOUD]", "cache levels, leaf sets, estimated size, messages, drops", one_cloud},
	{NULL, NULL, NULL, NULL, NULL},
};
