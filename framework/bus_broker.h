/* Ponto: the broker's state, shared by the files that make it (bus.c) and run it (bus_broker.c). The broker's thread
 * and the components' use it by turns, see monitor. */
#ifndef PONTO_BUS_BROKER_H
#define PONTO_BUS_BROKER_H

#include <pthread.h>

#include "framework/bus_private.h"

/* In the order in which one wake-up serves them. */
enum bus_source {
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
	bool used; /* since it was last looked at: its edge may be gone, so look before sleeping */
};

struct ponto_bus {
	struct ponto_bus_setup setup; /* its texts belong to the caller of create and are not used later */
	char endpoint[PONTO_ENDPOINT_SIZE];
	void *context;
	struct bus_access access; /* does not change */
	int processes;		  /* epoll over the clients' pidfds */
	int lock;
	int wake; /* eventfd: there is something to look at that no descriptor tells */
	pthread_t thread;
	struct ponto_counter *dropped, *refused, *turns;

	/* Held by the broker's thread for a turn, not while it sleeps, and by a component's for one answer or event: what
	 * the core knows and the sockets in sources. Never held across a wait or anybody else's code. */
	pthread_mutex_t monitor;
	struct bus_socket sources[BUS_SOURCE_COUNT];
	struct bus_core *core;
	struct bus_item *outbox, **outbox_end; /* what the turn has for components */
	char routes[BUS_PORTS_MAX][BUS_COMPONENT_SIZE];
	bool ending;

	/* Taken after monitor, or alone: the socket to the components. The broker hands over when its turn is done, so
	 * that the component it wakes finds the monitor free. */
	pthread_mutex_t handing;
	void *hand;	     /* ROUTER, inproc */
	uint32_t components; /* that ever came */
};

extern const struct bus_core_ops bus_broker_ops;

void *bus_broker_run(void *bus);

/* Wakes the broker's thread. */
void bus_broker_wake(struct ponto_bus *bus);

/* The rest is for the components' threads. Makes socket, a DEALER, a component's. PONTO_EEXIST, PONTO_EBUSY, PONTO_EIO */
PONTO_MUST_CHECK int bus_broker_attach(struct ponto_bus *bus, void *socket, const char *name, unsigned *port);

/* After this the component's socket has all it will ever get. */
void bus_broker_detach(struct ponto_bus *bus, unsigned port);

/* takes call */
void bus_broker_reply(struct ponto_bus *bus, struct bus_call *call);

/* copies */
void bus_broker_publish(struct ponto_bus *bus, const char *topic, struct ponto_bytes envelope);

#endif
