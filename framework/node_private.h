/* Ponto: the node inside. node.c keeps the instances, node_component.c runs
 * services: on a thread each when there is a bus, else on the caller's loop. */
#ifndef PONTO_NODE_PRIVATE_H
#define PONTO_NODE_PRIVATE_H

#include <pthread.h>

#include "framework/bus.h"
#include "framework/node.h"
#include "framework/service.h"

#define NODE_TOPIC "node"

/* What a service's thread was asked and has done; guarded by the component's lock. */
enum component_state {
	COMPONENT_CREATING, /* the thread makes loop, place on the bus and instance */
	COMPONENT_READY,    /* created; waits to be started or ended */
	COMPONENT_STARTING,
	COMPONENT_RUNNING,
	COMPONENT_ENDED, /* nothing is left of it but the thread to join */
};

struct node_component {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum component_state state;
	bool start, quit; /* asked for by the node's thread */
	int result;	  /* of the last step */
	struct ponto_loop *loop;
	struct ponto_port *port;

	const struct ponto_conf *reload_conf;
	bool reload_done;
	int reload_result;
};

struct node_instance {
	struct ponto_node *node;
	const struct ponto_plugin *plugin;
	char *name;
	const struct ponto_conf *conf;
	struct ponto_env env;
	void *self;
	struct ponto_log *log; /* its view, which carries its name; NULL without a log */
	struct ponto_pool *pool;
	bool created;
	bool started;
	struct node_component *component; /* services on a bus only */
	bool stop_done;			  /* without a bus: the service has called done */
	bool stop_waited;
};

struct ponto_node {
	struct ponto_node_setup setup;
	char *name, *state_dir;
	pthread_mutex_t lock; /* guards the list: services look others up from their threads */
	struct node_instance **instances;
	size_t count, room;
};

static inline const struct ponto_service_ops *node_service_ops(const struct node_instance *i)
{
	return (const struct ponto_service_ops *)i->plugin->vtable;
}

/* Makes the thread, and on it the loop, the place on the bus and the instance. On failure nothing is left. */
PONTO_MUST_CHECK int node_component_create(struct node_instance *i);
PONTO_MUST_CHECK int node_component_start(struct node_instance *i);

/* Asks it to end; does not wait. */
void node_component_quit(struct node_instance *i);

/* Waits until deadline (CLOCK_MONOTONIC microseconds). False: it hangs and nothing of it may be freed. */
bool node_component_end(struct node_instance *i, uint64_t deadline);

/* Hands conf to the running service. PONTO_ETIME when it does not take it within two seconds. */
PONTO_MUST_CHECK int node_component_reload(struct node_instance *i, const struct ponto_conf *conf);

/* The same for the end of a client. */
PONTO_MUST_CHECK int node_component_gone(struct node_instance *i, uint64_t client);

/* Hands call over to the service's thread. takes call when PONTO_OK */
PONTO_MUST_CHECK int node_component_call(struct node_instance *i, struct ponto_call *call);

#endif
