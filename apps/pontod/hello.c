/* What a person who started the daemon by hand wants to know: where it is, which cloud it is in, what to try. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/pontod/local_call.h"
#include "framework/unpack.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define TRIES 10
#define PAUSE (200 * PONTO_MS)

struct hello {
	struct daemon *daemon;
	struct ponto_timer *timer;
	struct local_call *call;
	unsigned tries;
};

static void print_place(const struct daemon *d)
{
	fprintf(stderr, "node      %s\n", d->name);
	fprintf(stderr, "state     %s\n", d->state_dir);
	fprintf(stderr, "endpoint  %s\n", d->endpoint);
	if (d->resolve_path[0])
		fprintf(stderr, "resolve   %s\n", d->resolve_path);
}

static void print_tries(const struct daemon *d)
{
	char own[PONTO_ENDPOINT_SIZE];
	const char *option = "", *endpoint = "";

	if (strcmp(ponto_bus_default_endpoint(own), d->endpoint) != 0) {
		option = " --connect ";
		endpoint = d->endpoint;
	}
	fprintf(stderr,
		"try\n"
		"  ponto%s%s node status\n"
		"  ponto%s%s name register 0.hello --comment 'my first name'\n"
		"  ponto%s%s name resolve 0.hello --trace\n"
		"Ctrl-C ends the node.\n",
		option, endpoint, option, endpoint, option, endpoint);
}

static void print_cloud(const Ponto__Pnrp__V1__CloudInfo *cloud)
{
	fprintf(stderr, "cloud     %s (%s, %s)\n", cloud->name, cloud->scope, cloud->state);
	for (size_t i = 0; i < cloud->n_addresses; i++)
		fprintf(stderr, "address   %s\n", cloud->addresses[i]);
}

static void again(struct hello *h)
{
	ponto_timer_set(h->daemon->loop, h->timer, ponto_loop_now(h->daemon->loop) + PAUSE);
}

/* The addresses come a moment after the start: asked a few times. */
static void on_clouds(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	const Ponto__Pnrp__V1__CloudsReply *reply;
	ProtobufCMessage *message = NULL;
	struct hello *h = arg;
	bool addresses = false;

	h->call = NULL;
	if (result == PONTO_OK)
		result = ponto_unpack(&ponto_alloc_system, &ponto__pnrp__v1__clouds_reply__descriptor, payload,
				      &message);
	reply = (const Ponto__Pnrp__V1__CloudsReply *)message;
	for (size_t i = 0; reply && i < reply->n_cloud; i++)
		addresses |= reply->cloud[i]->n_addresses > 0;
	if (!addresses && ++h->tries < TRIES) {
		again(h);
	} else {
		for (size_t i = 0; reply && i < reply->n_cloud; i++)
			print_cloud(reply->cloud[i]);
		if (!reply)
			fprintf(stderr, "cloud     none: %s\n", error ? error : ponto_strerror(result));
		else if (!addresses)
			fprintf(stderr, "address   none: the node has no address of this scope\n");
		print_tries(h->daemon);
	}
	ponto_unpacked_free(&ponto_alloc_system, message);
}

static void ask(void *arg)
{
	struct hello *h = arg;
	struct local_call_setup setup = {
		.service = "pnrp", .method = "Clouds", .payload = ponto_bytes("", 0), .uid = geteuid(),
		.pid = (int32_t)getpid(), .timeout = 5 * PONTO_SECOND, .done = on_clouds, .arg = h,
	};

	if (local_call_start(h->daemon, &setup, &h->call) != PONTO_OK)
		print_tries(h->daemon); /* a node without a name service has no cloud */
}

int hello_create(struct daemon *d, struct hello **out)
{
	struct hello *h = ponto_new(&ponto_alloc_system, 1, sizeof(*h));
	int result;

	if (!h)
		return PONTO_ENOMEM;
	h->daemon = d;
	result = ponto_timer_create(d->loop, ask, h, &h->timer);
	if (result) {
		ponto_free(&ponto_alloc_system, h);
		return result;
	}
	print_place(d);
	again(h);
	*out = h;
	return PONTO_OK;
}

void hello_destroy(struct hello *h)
{
	if (!h)
		return;
	local_call_abandon(h->call);
	ponto_timer_destroy(h->daemon->loop, h->timer);
	ponto_free(&ponto_alloc_system, h);
}
