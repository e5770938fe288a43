/* Median latency of a call over ipc, from a client through the broker to a component and back, against a bare
 * ZeroMQ DEALER/ROUTER echo over ipc. Both servers run in a process of their own,
 * both clients here, a call of each by turns: whatever else the machine does meets both. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "framework/bus.h"

#define CALLS 20000
#define WARM 500
#define PAYLOAD 64
#define LIMIT 1.5

static char dir[] = "/tmp/ponto-bench-XXXXXX";
static char endpoint[128], bare_endpoint[128];

static void die(const char *what)
{
	fprintf(stderr, "bench_bus: %s\n", what);
	exit(1);
}

static void echo(void *arg, struct ponto_call *call)
{
	(void)arg;
	ponto_call_reply(call, PONTO_OK, call->payload, NULL);
}

/* Both servers end with their parent. */
static pid_t start(void (*run)(int ready), int *ready)
{
	int channel[2];
	pid_t pid;
	char byte;

	if (pipe(channel) != 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(channel[0]);
		run(channel[1]);
		_exit(1);
	}
	close(channel[1]);
	*ready = channel[0];
	if (read(channel[0], &byte, 1) != 1)
		die("a server does not start");
	return pid;
}

static void serve_bus(int ready)
{
	static const struct ponto_port_events events = {echo, NULL};
	struct ponto_bus_setup setup = {.endpoint = endpoint, .alloc = &ponto_alloc_system,
					.clock = &ponto_clock_system, .random = &ponto_random_system};
	struct ponto_loop *loop;
	struct ponto_port *port;
	struct ponto_bus *bus;
	char reason[256];

	if (ponto_bus_create(&setup, reason, &bus) != PONTO_OK)
		die(reason);
	if (ponto_loop_uv_create(&ponto_alloc_system, &loop) != PONTO_OK ||
	    ponto_bus_attach(bus, loop, "echo", &events, NULL, &port) != PONTO_OK || write(ready, "r", 1) != 1)
		die("component");
	if (ponto_loop_run(loop) != PONTO_OK)
		die("loop");
}

static void serve_bare(int ready)
{
	void *context = zmq_ctx_new();
	void *socket = zmq_socket(context, ZMQ_ROUTER);
	zmq_msg_t route, body;

	if (!socket || zmq_bind(socket, bare_endpoint) != 0 || write(ready, "r", 1) != 1)
		die("bare server");
	zmq_msg_init(&route);
	zmq_msg_init(&body);
	for (;;) {
		if (zmq_msg_recv(&route, socket, 0) < 0 || zmq_msg_recv(&body, socket, 0) < 0)
			continue;
		(void)zmq_msg_send(&route, socket, ZMQ_SNDMORE);
		(void)zmq_msg_send(&body, socket, 0);
	}
}


static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double call_bus(struct ponto_client *client, const uint8_t *payload)
{
	struct ponto_reply reply;
	double begin = now_us(), end;

	if (ponto_client_call(client, "echo", "Echo", ponto_bytes(payload, PAYLOAD), 5000, &reply) != PONTO_OK ||
	    reply.result != PONTO_OK || reply.len != PAYLOAD)
		die("a call failed");
	end = now_us();
	ponto_reply_clear(client, &reply);
	return end - begin;
}

static double call_bare(void *socket, const uint8_t *payload)
{
	uint8_t answer[PAYLOAD];
	double begin = now_us();

	if (zmq_send(socket, payload, PAYLOAD, 0) != PAYLOAD || zmq_recv(socket, answer, PAYLOAD, 0) != PAYLOAD)
		die("an echo failed");
	return now_us() - begin;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(void)
{
	static double ours[CALLS], bare[CALLS];
	struct ponto_client_setup setup = {.endpoint = endpoint, .alloc = &ponto_alloc_system};
	struct ponto_client *client;
	uint8_t payload[PAYLOAD];
	void *context, *socket;
	pid_t servers[2];
	int ready[2];
	double mine, peer;
	char command[160];

	if (!mkdtemp(dir))
		die("no directory");
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/bus", dir);
	snprintf(bare_endpoint, sizeof(bare_endpoint), "ipc://%s/bare", dir);
	memset(payload, 'p', sizeof(payload));
	servers[0] = start(serve_bus, &ready[0]);
	servers[1] = start(serve_bare, &ready[1]);
	context = zmq_ctx_new();
	socket = zmq_socket(context, ZMQ_DEALER);
	if (zmq_connect(socket, bare_endpoint) != 0 || ponto_client_create(&setup, &client) != PONTO_OK)
		die("no client");
	for (int i = 0; i < WARM; i++) {
		(void)call_bus(client, payload);
		(void)call_bare(socket, payload);
	}
	for (int i = 0; i < CALLS; i++) {
		ours[i] = call_bus(client, payload);
		bare[i] = call_bare(socket, payload);
	}
	qsort(ours, CALLS, sizeof(double), compare);
	qsort(bare, CALLS, sizeof(double), compare);
	mine = ours[CALLS / 2];
	peer = bare[CALLS / 2];
	printf("bench bus-call-latency ratio=%.2f ours=%.1fus peer=%.1fus limit=%.1f peer-is=zmq-dealer-router-ipc\n",
	       mine / peer, mine, peer, LIMIT);
	ponto_client_destroy(client);
	zmq_close(socket);
	zmq_ctx_term(context);
	for (int i = 0; i < 2; i++) {
		kill(servers[i], SIGKILL);
		waitpid(servers[i], NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	(void)!system(command);
	return mine / peer <= LIMIT ? 0 : 1;
}
