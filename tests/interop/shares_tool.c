/* Asks a node's service "pnrp" for more than one user may have, as the user it runs as.
 *
 *     shares_tool ENDPOINT register PREFIX    registers 0.PREFIX0, 0.PREFIX1, … until one is refused
 *     shares_tool ENDPOINT resolve COUNT      resolves that many names at once, each for three seconds
 *
 * Prints how many were not refused as too many, and the first refusal's words. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/bus.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define MOST 2000
#define RESOLVES 64
#define WAIT_MS 3000

static const char *endpoint;

static int call(struct ponto_client *client, const char *method, const ProtobufCMessage *message, char error[512])
{
	uint8_t packed[512];
	struct ponto_reply reply = {0};
	int result = ponto_client_call(client, "pnrp", method,
				       ponto_bytes(packed, protobuf_c_message_pack(message, packed)), 10000, &reply);

	if (result != PONTO_OK) {
		fprintf(stderr, "%s\n", ponto_strerror(result));
		exit(2);
	}
	result = reply.result;
	snprintf(error, 512, "%s", result ? reply.error : "");
	ponto_reply_clear(client, &reply);
	return result;
}

static struct ponto_client *connect_client(void)
{
	struct ponto_client_setup setup = {.endpoint = endpoint, .alloc = &ponto_alloc_system};
	struct ponto_client *client;

	if (ponto_client_create(&setup, &client) != PONTO_OK)
		exit(2);
	return client;
}

static void register_many(const char *prefix)
{
	struct ponto_client *client = connect_client();
	char name[64], error[512] = "";
	unsigned count = 0;
	int result = PONTO_OK;

	while (count < MOST) {
		Ponto__Pnrp__V1__RegisterRequest request = PONTO__PNRP__V1__REGISTER_REQUEST__INIT;

		snprintf(name, sizeof(name), "0.%s%u", prefix, count);
		request.name = name;
		result = call(client, "Register", &request.base, error);
		if (result != PONTO_OK)
			break;
		count++;
	}
	printf("%u %s\n", count, error);
	ponto_client_destroy(client);
	if (result != PONTO_EBUSY)
		exit(1);
}

struct asker {
	pthread_t thread;
	int result;
	char error[512];
};

static void *ask(void *arg)
{
	Ponto__Pnrp__V1__ResolveRequest request = PONTO__PNRP__V1__RESOLVE_REQUEST__INIT;
	struct ponto_client *client = connect_client();
	struct asker *asker = arg;

	request.name = (char *)(uintptr_t) "0.nowhere";
	request.has_timeout_ms = true;
	request.timeout_ms = WAIT_MS;
	asker->result = call(client, "Resolve", &request.base, asker->error);
	ponto_client_destroy(client);
	return NULL;
}

static void resolve_many(unsigned count)
{
	static struct asker askers[RESOLVES];
	const char *error = "";
	unsigned served = 0;

	for (unsigned i = 0; i < count; i++) {
		if (pthread_create(&askers[i].thread, NULL, ask, &askers[i]) != 0)
			exit(2);
	}
	for (unsigned i = 0; i < count; i++) {
		pthread_join(askers[i].thread, NULL);
		if (askers[i].result != PONTO_EBUSY)
			served++;
		else
			error = askers[i].error;
	}
	printf("%u %s\n", served, error);
}

int main(int argc, char **argv)
{
	unsigned count = argc == 4 ? (unsigned)atoi(argv[3]) : 0;

	if (argc != 4)
		return 2;
	endpoint = argv[1];
	if (strcmp(argv[2], "register") == 0)
		register_many(argv[3]);
	else if (strcmp(argv[2], "resolve") == 0 && count <= RESOLVES)
		resolve_many(count);
	else
		return 2;
	return 0;
}
