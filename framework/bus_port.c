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
	struct ponto_timer *again; /* looks again soon: the descriptor's edge may have been used up by a send */
	unsigned number;
	bool draining;
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

/* Sends after which something may already be waiting: its edge is gone, so look. */
static void look_again(struct ponto_port *port)
{
	uint32_t events = 0;
	size_t size = sizeof(events);

	if (port->draining)
		return;
	if (zmq_getsockopt(port->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN))
		ponto_timer_set(port->loop, port->again, 0);
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
		call->reply = NULL; /* the broker says so */
	if (bus_item_send(port->socket, &call->item, true) != PONTO_OK)
		bus_item_free(port->alloc, &call->item);
	look_again(port);
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
	port->draining = true;
	for (unsigned i = 0;; i++) {
		struct bus_item *item;

		if (i == TURN) {
			ponto_timer_set(port->loop, port->again, 0);
			break;
		}
		item = bus_item_receive(port->socket, NULL, NULL);
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
	port->draining = false;
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

static void wait_readable(void *socket)
{
	zmq_pollitem_t poll = {.socket = socket, .events = ZMQ_POLLIN};

	while (zmq_poll(&poll, 1, -1) < 0 && errno == EINTR)
		;
}

/* Sends item and waits until the broker gives it back; what else comes first is dropped: a component that
 * attaches gets nothing, one that detaches no longer serves. PONTO_OK: item is the caller's again. */
static int exchange(struct ponto_port *port, struct bus_item *item)
{
	int result = bus_item_send(port->socket, item, true);

	while (result == PONTO_OK) {
		struct bus_item *got = bus_item_receive(port->socket, NULL, NULL);

		if (got == item)
			break;
		if (got)
			bus_item_free(port->alloc, got);
		else
			wait_readable(port->socket);
	}
	return result;
}

static int connect_port(struct ponto_port *port, struct ponto_bus *bus)
{
	int none = 0;

	port->socket = zmq_socket(bus->context, ZMQ_DEALER);
	if (!port->socket)
		return PONTO_ENOMEM;
	if (zmq_setsockopt(port->socket, ZMQ_SNDHWM, &none, sizeof(none)) ||
	    zmq_setsockopt(port->socket, ZMQ_RCVHWM, &none, sizeof(none)) || zmq_connect(port->socket, BUS_CONTROL))
		return PONTO_EIO;
	return PONTO_OK;
}

static int announce(struct ponto_port *port)
{
	struct bus_item *item = ponto_new(port->alloc, 1, sizeof(*item));
	int result;

	if (!item)
		return PONTO_ENOMEM;
	item->kind = BUS_ITEM_ATTACH;
	strcpy(item->name, port->name);
	result = exchange(port, item);
	if (result == PONTO_OK)
		result = item->result;
	port->number = item->port;
	bus_item_free(port->alloc, item);
	return result;
}

int ponto_bus_attach(struct ponto_bus *bus, struct ponto_loop *loop, const char *name,
		     const struct ponto_port_events *events, void *arg, struct ponto_port **out)
{
	const struct ponto_alloc *alloc = bus->setup.alloc;
	struct ponto_port *port;
	size_t size = sizeof(int);
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
	result = connect_port(port, bus);
	if (result)
		goto fail;
	result = ponto_timer_create(loop, on_again, port, &port->again);
	if (result)
		goto fail;
	if (zmq_getsockopt(port->socket, ZMQ_FD, &fd, &size) != 0) {
		result = PONTO_EIO;
		goto fail;
	}
	result = ponto_watch_create(loop, fd, PONTO_READABLE, on_readable, port, &port->watch);
	if (result)
		goto fail;
	result = announce(port);
	if (result)
		goto fail;
	port->bus = bus;
	ponto_timer_set(loop, port->again, 0); /* calls may have come with the answer's edge */
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
	item = ponto_new(port->alloc, 1, sizeof(*item));
	if (!item) /* the broker must hear of it, so the memory is taken from elsewhere */
		item = &port->bus->farewell[port->number];
	memset(item, 0, sizeof(*item));
	item->kind = BUS_ITEM_DETACH;
	item->port = port->number;
	if (exchange(port, item) == PONTO_OK && item != &port->bus->farewell[port->number])
		bus_item_free(port->alloc, item);
	port_free(port);
}

/* True when the event may wait for the broker too. */
static bool reserve_event(struct ponto_bus *bus)
{
	if (atomic_fetch_add_explicit(&bus->events_pending, 1, memory_order_relaxed) < BUS_EVENTS_PENDING)
		return true;
	atomic_fetch_sub_explicit(&bus->events_pending, 1, memory_order_relaxed);
	return false;
}

void ponto_port_event(struct ponto_port *port, const char *topic, struct ponto_bytes payload)
{
	struct bus_item *item;
	int length;

	if (!port || !port->bus)
		return;
	if (!reserve_event(port->bus)) {
		ponto_counter_add(port->bus->dropped, 1);
		return;
	}
	item = ponto_new(port->alloc, 1, sizeof(*item));
	if (!item)
		goto drop;
	item->kind = BUS_ITEM_EVENT;
	length = snprintf(item->name, sizeof(item->name), "%s.%s", port->name, topic);
	if (length < 0 || (size_t)length >= sizeof(item->name))
		goto drop;
	if (bus_event_encode(port->alloc, item->name, payload, ponto_wall(port->bus->setup.clock), &item->data,
			     &item->len) != PONTO_OK)
		goto drop;
	if (bus_item_send(port->socket, item, true) != PONTO_OK)
		goto drop;
	look_again(port);
	return;
drop:
	bus_item_free(port->alloc, item);
	atomic_fetch_sub_explicit(&port->bus->events_pending, 1, memory_order_relaxed);
	ponto_counter_add(port->bus->dropped, 1);
}
