/* Asks a node's service "pnrp" for more than one user may have, as the user it runs as.
 *
 *     shares_tool ENDPOINT register PREFIX    registers 0.PREFIX0, 0.PREFIX1, … until one is refused
 *     shares_tool ENDPOINT resolve COUNT      resolves that many names at once
 *
 * Prints how many were not refused as too many, and a refusal's words; once standard input ends, how many resolves were
 * under way until then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/bus.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define MOST 2000
#define LONG_MS 60000

static const char *endpoint;

static int call(struct ponto_client *client, const char *method, const ProtobufCMessage *message, char error[512])
{
	uint8_t packed[512];
	struct ponto_reply reply = {0};
	int result = ponto_client_call(client, "pnrp", method,
				       ponto_bytes(packed, protobuf_c_message_pack(message, packed)), LONG_MS, &reply);

	if (result != PONTO_OK) {
		fprintf(stderr, "%s\n", ponto_strerror(result));
		exit(2);
	}
	result = reply.result;
	snprintf(error, 512, "%s", result ? reply.error : "");
	ponto_reply_clear(client, &reply);
	return result;
}

static void send_call(struct ponto_client *client, const char *method, const ProtobufCMessage *message, uint64_t *id)
{
	uint8_t packed[512];

	if (ponto_client_send(client, "pnrp", method, ponto_bytes(packed, protobuf_c_message_pack(message, packed)), LONG_MS,
			      id) != PONTO_OK)
		exit(2);
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

/* Answers that come before that to one more call: of one connection's all come in order. */
static unsigned answered(struct ponto_client *client, int result, char error[512])
{
	Ponto__Pnrp__V1__NamesRequest last = PONTO__PNRP__V1__NAMES_REQUEST__INIT;
	unsigned count = 0;
	uint64_t id, end;

	send_call(client, "Names", &last.base, &end);
	for (;;) {
		struct ponto_reply reply = {0};

		if (ponto_client_receive(client, LONG_MS, &id, &reply) != PONTO_OK)
			exit(2);
		if (id != end && reply.result == result) {
			count++;
			snprintf(error, 512, "%s", reply.error);
		}
		ponto_reply_clear(client, &reply);
		if (id == end)
			return count;
	}
}

static void resolve_many(unsigned count)
{
	Ponto__Pnrp__V1__ResolveRequest request = PONTO__PNRP__V1__RESOLVE_REQUEST__INIT;
	struct ponto_client *client = connect_client();
	char error[512] = "";
	uint64_t id;

	request.name = (char *)(uintptr_t) "0.nowhere";
	request.has_timeout_ms = true;
	request.timeout_ms = LONG_MS;
	for (unsigned i = 0; i < count; i++)
		send_call(client, "Resolve", &request.base, &id);
	count -= answered(client, PONTO_EBUSY, error);
	printf("%u %s\n", count, error);
	fflush(stdout);
	(void)getchar();
	printf("%u wait\n", count - answered(client, PONTO_ENOENT, error));
	ponto_client_destroy(client);
}

int main(int argc, char **argv)
{
	unsigned count = argc == 4 ? (unsigned)atoi(argv[3]) : 0;

	if (argc != 4)
		return 2;
	endpoint = argv[1];
	if (strcmp(argv[2], "register") == 0)
		register_many(argv[3]);
	else if (strcmp(argv[2], "resolve") == 0 && count < PONTO_BUS_OPEN_CALLS)
		resolve_many(count);
	else
		return 2;
	return 0;
}
