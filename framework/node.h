/* Ponto: a node: instances made from a configuration, in order, and taken
 * down in reverse. The daemon makes one; simulations make thousands.
 *
 * Created, started and destroyed from one thread. */
#ifndef PONTO_NODE_H
#define PONTO_NODE_H

#include "framework/conf.h"
#include "framework/env.h"
#include "framework/registry.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ponto_node;
struct ponto_bus;
struct ponto_call;

struct ponto_node_setup {
	const char *name;
	const char *state_dir; /* copies; NULL: nothing is kept */
	const struct ponto_alloc *alloc;
	const struct ponto_random *random;
	const struct ponto_clock *clock;
	struct ponto_log *log;
	struct ponto_metrics *metrics;
	struct ponto_bus *bus;	      /* services become components on it, each with a thread and a loop-uv; NULL: see loop */
	struct ponto_loop *loop;      /* with bus NULL: services run on this loop, on the caller's thread (simulation, tests) */
	bool simulation;	      /* lets plugins meant for simulation only be created */
	const struct ponto_grant *grants; /* borrows until the node is destroyed */
	size_t grant_count;
};

/* gives */
PONTO_MUST_CHECK int ponto_node_create(const struct ponto_node_setup *setup, struct ponto_node **out);

/* Adds an instance; whatever it refers to must be there. On failure reason says why, in one line.
 * borrows conf until a reload replaces it. PONTO_EEXIST: kind and name taken. */
PONTO_MUST_CHECK int ponto_node_add(struct ponto_node *node, const struct ponto_plugin *plugin, const char *name,
				    const struct ponto_conf *conf, char reason[PONTO_REASON_SIZE]);

/* Adds all of a file's instances. */
PONTO_MUST_CHECK int ponto_node_compose(struct ponto_node *node, const struct ponto_conf_file *file,
					struct ponto_registry *registry, char reason[PONTO_REASON_SIZE]);

/* Starts the services, in order. */
PONTO_MUST_CHECK int ponto_node_start(struct ponto_node *node, char reason[PONTO_REASON_SIZE]);

/* Stops services in reverse, waits for each, at most two seconds in all, destroys every instance. PONTO_EBUSY: one
 * hangs (the log says which); what it could still use is flushed but left alone, so end the process. Accepts NULL. */
int ponto_node_destroy(struct ponto_node *node);

PONTO_MUST_CHECK int ponto_node_find(const struct ponto_node *node, enum ponto_kind kind, const char *name,
				     struct ponto_iface *out);

/* Hands a call to a running service of this node without the bus. call->ops->reply runs on the service's thread;
 * with the node destroyed a call may stay without an answer. PONTO_ENOENT: no such service runs. takes call when PONTO_OK */
PONTO_MUST_CHECK int ponto_node_call(struct ponto_node *node, const char *service, struct ponto_call *call);

/* Tells that service that a client, which its calls named, has gone. PONTO_ENOENT: no such service runs. */
PONTO_MUST_CHECK int ponto_node_client_gone(struct ponto_node *node, const char *service, uint64_t client);

/* Instances in creation order. plugin and name live as long as the node. False past the end. */
bool ponto_node_at(const struct ponto_node *node, size_t index, const struct ponto_plugin **plugin, const char **name);

/* Applies a newly loaded file to running instances: live options change, the rest is reported as
 * needing a restart through report. borrows file until ponto_node_uses says that it is free. */
PONTO_MUST_CHECK int ponto_node_reload(struct ponto_node *node, const struct ponto_conf_file *file,
				       ponto_conf_report_fn *report, void *ctx);

/* True while an instance reads from file: one that took no part of it does not. The file may go when it is false. */
bool ponto_node_uses(const struct ponto_node *node, const struct ponto_conf_file *file);

/* True when option has the same value in both groups. */
bool ponto_conf_same(const struct ponto_option *option, const struct ponto_conf *a, const struct ponto_conf *b);

#ifdef __cplusplus
}
#endif
#endif
