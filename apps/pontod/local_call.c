/* Calls of the daemon itself to its services, without the bus. They start and end on the daemon's loop; only the
 * answer is written by the service's thread, before it posts. */
#include <string.h>

#include "apps/pontod/local_call.h"

struct local_call {
	struct ponto_call call;
	struct daemon *daemon;
	struct local_call *next, *prev;
	local_call_fn *done; /* NULL: abandoned */
	void *arg;
	uint8_t *request;
	int result;
	uint8_t *payload;
	size_t len;
	char *error;
};

static const struct ponto_alloc *const mem = &ponto_alloc_system;

static void call_free(struct local_call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->daemon->local_calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	ponto_free(mem, c->request);
	ponto_free(mem, c->payload);
	ponto_free(mem, c->error);
	ponto_free(mem, c);
}

static void answered(void *arg)
{
	struct local_call *c = arg;

	if (c->done)
		c->done(c->arg, c->result, ponto_bytes(c->payload, c->len), c->error);
	call_free(c);
}

/* On the service's thread. */
static void reply(struct ponto_call *call, int result, struct ponto_bytes payload, const char *error)
{
	struct local_call *c = (struct local_call *)call;

	c->result = result;
	if (result == PONTO_OK) {
		c->payload = ponto_bytes_dup(mem, payload);
		c->len = payload.len;
		if (!c->payload)
			c->result = PONTO_ENOMEM;
	}
	if (c->result)
		c->error = ponto_strdup(mem, error ? error : ponto_strerror(c->result)); /* NULL is allowed */
	if (ponto_loop_post(c->daemon->loop, answered, c) != PONTO_OK)
		ponto_error(c->daemon->log, PONTOD_TOPIC, "an answer of a service is lost: out of memory");
}

int local_call_start(struct daemon *d, const struct local_call_setup *setup, struct local_call **out)
{
	static const struct ponto_call_ops ops = {reply};
	struct local_call *c = ponto_new(mem, 1, sizeof(*c));
	int result;

	if (!c)
		return PONTO_ENOMEM;
	c->daemon = d;
	c->next = d->local_calls;
	if (c->next)
		c->next->prev = c;
	d->local_calls = c;
	c->done = setup->done;
	c->arg = setup->arg;
	c->request = ponto_bytes_dup(mem, setup->payload);
	c->call.ops = &ops;
	c->call.method = setup->method;
	c->call.payload = ponto_bytes(c->request, setup->payload.len);
	c->call.uid = setup->uid;
	c->call.pid = setup->pid;
	c->call.client = setup->client;
	c->call.deadline = ponto_mono(&ponto_clock_system) + setup->timeout;
	result = c->request ? ponto_node_call(d->node, setup->service, &c->call) : PONTO_ENOMEM;
	if (result) {
		call_free(c);
		return result;
	}
	*out = c;
	return PONTO_OK;
}

void local_call_abandon(struct local_call *c)
{
	if (c)
		c->done = NULL;
}

void local_calls_destroy(struct daemon *d)
{
	while (d->local_calls)
		call_free(d->local_calls);
}
