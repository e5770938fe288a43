/* Reloads a daemon's configuration again and again: reload_often ENDPOINT COUNT. Prints how many configurations the
 * daemon holds at the end, and how many bytes its memory grew over the second half. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/pontod/node.pb-c.h"
#include "framework/bus.h"

static struct ponto_client *client;

static struct ponto_reply ask(const char *method)
{
	struct ponto_reply reply;
	int result = ponto_client_call(client, "node", method, ponto_bytes("", 0), 10000, &reply);

	if (result || reply.result) {
		fprintf(stderr, "%s: %s\n", method, result ? ponto_strerror(result) : reply.error);
		exit(1);
	}
	return reply;
}

static uint64_t look(long long *configurations)
{
	struct ponto_reply reply = ask("Status");
	Ponto__Node__V1__StatusReply *status = ponto__node__v1__status_reply__unpack(NULL, reply.len, reply.payload);
	uint64_t resident = status->resident_bytes;
	const char *at = strstr(status->metrics_json, "node_configurations");

	*configurations = at ? strtoll(at + strcspn(at, "0123456789"), NULL, 10) : -1;
	ponto__node__v1__status_reply__free_unpacked(status, NULL);
	ponto_reply_clear(client, &reply);
	return resident;
}

int main(int argc, char **argv)
{
	struct ponto_client_setup setup = {.endpoint = argc > 2 ? argv[1] : NULL, .alloc = &ponto_alloc_system};
	long count = argc > 2 ? atol(argv[2]) : 0;
	uint64_t half = 0, end;
	long long configurations;

	if (ponto_client_create(&setup, &client) != PONTO_OK)
		return 1;
	for (long i = 0; i < count; i++) {
		struct ponto_reply reply = ask("Reload");

		ponto_reply_clear(client, &reply);
		if (i == count / 2)
			half = look(&configurations);
	}
	end = look(&configurations);
	printf("%lld %lld\n", configurations, end > half ? (long long)(end - half) : 0);
	ponto_client_destroy(client);
	return 0;
}
