/* Ponto: the broker's state, shared by the files that make it (bus.c) and run it (bus_broker.c). After
 * ponto_bus_create it belongs to the broker's thread, but for what is atomic. */
#ifndef PONTO_BUS_BROKER_H
#define PONTO_BUS_BROKER_H

#include <pthread.h>

#include "framework/bus_private.h"

/* In the order in which one wake-up serves them. */
enum bus_source {
	BUS_COMPONENTS,	    /* ROUTER, inproc */
	BUS_MONITOR,	    /* PAIR: which connections ended */
	BUS_CALLS,	    /* ROUTER, ipc */
	BUS_EVENTS,	    /* XPUB, ipc */
	BUS_ACCESS,	    /* REP, ZAP */
	BUS_REMOTE_MONITOR, /* the same over tcp; absent without setup.remote */
	BUS_REMOTE_CALLS,
	BUS_REMOTE_EVENTS,
	BUS_SOURCE_COUNT
};

struct bus_socket {
	void *socket;
	int fd;
	bool used; /* since its descriptor was last seen: look before sleeping */
};

struct ponto_bus {
	struct ponto_bus_setup setup; /* its texts belong to the caller of create and are not used later */
	char endpoint[PONTO_ENDPOINT_SIZE];
	void *context;
	struct bus_socket sources[BUS_SOURCE_COUNT];
	struct bus_core *core;
	struct bus_access access;
	uint8_t routes[BUS_PORTS_MAX][BUS_ROUTE_MAX];
	uint8_t route_len[BUS_PORTS_MAX];
	int processes; /* epoll over the clients' pidfds */
	int lock;
	int stop; /* eventfd: ponto_bus_destroy asks the thread to end */
	pthread_t thread;
	atomic_uint events_pending;
	struct bus_item farewell[BUS_PORTS_MAX]; /* a component leaves even when memory has run out */
	struct ponto_counter *dropped, *refused, *turns;
};

extern const struct bus_core_ops bus_broker_ops;

void *bus_broker_run(void *bus);

#endif
