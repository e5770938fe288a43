/* A component's place on the bus. Everything here runs on the component's own loop. */
#include "framework/bus_broker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define TURN 64 /* items before the loop's other descriptors have their turn */

struct ponto_port {
	struct ponto_bus *bus; /* NULL once detached */
	const struct ponto_alloc *alloc;
	struct ponto_loop *loop;
	struct ponto_port_events events;
	void *arg;
	void *socket;
	struct ponto_watch *watch;
	struct ponto_timer *again; /* looks again: the descriptor tells only once */
	unsigned number;	   /* at the core */
	char name[BUS_NAME_MAX + 1];
	struct bus_call *open;
};

static void port_free(struct ponto_port *port)
{
	ponto_timer_destroy(port->loop, port->again);
	ponto_watch_destroy(port->loop, port->watch);
	if (port->socket)
		(void)zmq_close(port->socket);
	port->again = NULL;
	port->watch = NULL;
	port->socket = NULL;
	port->bus = NULL;
	if (!port->open)
		ponto_free(port->alloc, port);
}

static void unlink_call(struct bus_call *call)
{
	if (call->prev)
		call->prev->next = call->next;
	else
		call->port->open = call->next;
	if (call->next)
		call->next->prev = call->prev;
}

static void reply_call(struct ponto_call *base, int result, struct ponto_bytes payload, const char *error)
{
	struct bus_call *call = (struct bus_call *)((char *)base - offsetof(struct bus_call, call));
	struct ponto_port *port = call->port;

	unlink_call(call);
	if (!port->bus) { /* answered PONTO_ECLOSED when the component left */
		bus_item_free(port->alloc, &call->item);
		if (!port->open)
			ponto_free(port->alloc, port);
		return;
	}
	if (bus_reply_encode(port->alloc, call->id, result, payload, error, &call->reply, &call->reply_len) != PONTO_OK)
		call->reply = NULL; /* the core says so */
	bus_broker_reply(port->bus, call);
}

static const struct ponto_call_ops call_ops = {reply_call};

static void take_call(struct ponto_port *port, struct bus_call *call)
{
	call->call.ops = &call_ops;
	call->port = port;
	call->prev = NULL;
	call->next = port->open;
	if (port->open)
		port->open->prev = call;
	port->open = call;
	port->events.call(port->arg, &call->call);
}

static void drain(struct ponto_port *port)
{
	for (unsigned i = 0;; i++) {
		struct bus_item *item;

		if (i == TURN) {
			ponto_timer_set(port->loop, port->again, 0);
			break;
		}
		item = bus_item_receive(port->socket);
		if (!item)
			break;
		if (item->kind == BUS_ITEM_CALL) {
			take_call(port, (struct bus_call *)item);
		} else {
			if (item->kind == BUS_ITEM_GONE && port->events.client_gone)
				port->events.client_gone(port->arg, item->client);
			bus_item_free(port->alloc, item);
		}
	}
}

static void on_readable(void *arg, unsigned events)
{
	(void)events;
	drain(arg);
}

static void on_again(void *arg)
{
	drain(arg);
}

int ponto_bus_attach(struct ponto_bus *bus, struct ponto_loop *loop, const char *name,
		     const struct ponto_port_events *events, void *arg, struct ponto_port **out)
{
	const struct ponto_alloc *alloc = bus->setup.alloc;
	struct ponto_port *port;
	size_t size = sizeof(int);
	int none = 0;
	int fd;
	int result;

	if (!bus_name_valid(name))
		return PONTO_EINVAL;
	port = ponto_new(alloc, 1, sizeof(*port));
	if (!port)
		return PONTO_ENOMEM;
	port->alloc = alloc;
	port->loop = loop;
	port->events = *events;
	port->arg = arg;
	strcpy(port->name, name);
	port->socket = zmq_socket(bus->context, ZMQ_DEALER);
	if (!port->socket || zmq_setsockopt(port->socket, ZMQ_RCVHWM, &none, sizeof(none)) != 0 ||
	    zmq_getsockopt(port->socket, ZMQ_FD, &fd, &size) != 0) {
		result = PONTO_EIO;
		goto fail;
	}
	result = ponto_timer_create(loop, on_again, port, &port->again);
	if (result)
		goto fail;
	result = ponto_watch_create(loop, fd, PONTO_READABLE, on_readable, port, &port->watch);
	if (result)
		goto fail;
	result = bus_broker_attach(bus, port->socket, name, &port->number);
	if (result)
		goto fail;
	port->bus = bus;
	ponto_timer_set(loop, port->again, 0); /* libzmq tells only of what comes after a first look */
	*out = port;
	return PONTO_OK;
fail:
	port_free(port);
	return result;
}

void ponto_port_detach(struct ponto_port *port)
{
	struct bus_item *item;

	if (!port)
		return;
	bus_broker_detach(port->bus, port->number);
	while ((item = bus_item_receive(port->socket)))
		bus_item_free(port->alloc, item); /* a call, answered PONTO_ECLOSED by now */
	port_free(port);
}

void ponto_port_event(struct ponto_port *port, const char *topic, struct ponto_bytes payload)
{
	char name[BUS_TOPIC_MAX + 1];
	uint8_t *envelope = NULL;
	size_t len = 0;
	int result = PONTO_EINVAL;
	int length;

	if (!port || !port->bus)
		return;
	length = snprintf(name, sizeof(name), "%s.%s", port->name, topic);
	if (length >= 0 && (size_t)length < sizeof(name))
		result = bus_event_encode(port->alloc, name, payload, ponto_wall(port->bus->setup.clock), &envelope, &len);
	if (result == PONTO_OK)
		bus_broker_publish(port->bus, name, ponto_bytes(envelope, len));
	else
		ponto_counter_add(port->bus->dropped, 1);
	ponto_free(port->alloc, envelope);
}
