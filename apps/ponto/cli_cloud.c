/* Which instance of the name service has which cloud. */
#include <stdio.h>
#include <string.h>

#include "apps/ponto/cli.h"
#include "apps/pontod/node.pb-c.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define PLUGIN "service-pnrp"

int cli_each_name_service(struct cli *cli, cli_name_service_fn *fn, void *arg)
{
	Ponto__Node__V1__StatusRequest request = PONTO__NODE__V1__STATUS_REQUEST__INIT;
	const Ponto__Node__V1__StatusReply *node;
	ProtobufCMessage *reply;
	int status;

	if (cli->service)
		return fn(arg, cli->service);
	status = cli_call(cli, "node", "Status", &request.base, &ponto__node__v1__status_reply__descriptor,
			  CLI_TIMEOUT_MS, &reply);
	if (status != CLI_OK)
		return status;
	node = (const Ponto__Node__V1__StatusReply *)reply;
	for (size_t i = 0; i < node->n_instance && status == CLI_OK; i++)
		if (strcmp(node->instance[i]->plugin, PLUGIN) == 0)
			status = fn(arg, node->instance[i]->name);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

struct looking {
	struct cli *cli;
	const char *cloud;
};

/* Keeps the service if the cloud is one of its own. */
static int look(void *arg, const char *service)
{
	struct looking *looking = arg;
	struct cli *cli = looking->cli;
	Ponto__Pnrp__V1__CloudsRequest request = PONTO__PNRP__V1__CLOUDS_REQUEST__INIT;
	const Ponto__Pnrp__V1__CloudsReply *clouds;
	ProtobufCMessage *reply;
	int status = cli_call(cli, service, "Clouds", &request.base, &ponto__pnrp__v1__clouds_reply__descriptor,
			      CLI_TIMEOUT_MS, &reply);

	if (status != CLI_OK)
		return status;
	clouds = (const Ponto__Pnrp__V1__CloudsReply *)reply;
	for (size_t i = 0; i < clouds->n_cloud; i++)
		if (strcmp(clouds->cloud[i]->name, looking->cloud) == 0)
			snprintf(cli->chosen, sizeof(cli->chosen), "%s", service);
	protobuf_c_message_free_unpacked(reply, NULL);
	return CLI_OK;
}

int cli_cloud_call(struct cli *cli, const char *cloud, const char *method, const ProtobufCMessage *request,
		   const ProtobufCMessageDescriptor *descriptor, unsigned timeout_ms, ProtobufCMessage **reply)
{
	struct looking looking = {cli, cloud};
	int status = CLI_OK;

	snprintf(cli->chosen, sizeof(cli->chosen), "%s", cli->service ? cli->service : CLI_NAME_SERVICE);
	if (cloud && *cloud && !cli->service)
		status = cli_each_name_service(cli, look, &looking);
	return status == CLI_OK ? cli_call(cli, cli->chosen, method, request, descriptor, timeout_ms, reply) : status;
}
