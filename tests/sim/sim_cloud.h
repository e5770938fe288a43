/* A cloud of simulated nodes, each with the production glue: service-pnrp,
 * discovery-seed, discovery-ssdp, transport-sim, and security-sim unless another is given, on one virtual clock. */
#ifndef PONTO_TESTS_SIM_CLOUD_H
#define PONTO_TESTS_SIM_CLOUD_H

#include "framework/node.h"
#include "framework/service.h"
#include "framework/sim.h"

struct sim_member {
	struct ponto_node *node;
	struct ponto_service service;
	struct ponto_metrics *metrics; /* NULL: none */
	struct ponto_conf *confs[6];
	size_t conf_count;
	char address[PONTO_ADDR_TEXT]; /* where its PNRP listens */
};

struct sim_cloud {
	struct ponto_sim *sim;
	struct sim_member *members;
	size_t count; /* created so far */
	size_t capacity;
	/* Of nodes added from now on: */
	bool metered;					     /* they have metrics */
	bool stored;					     /* they have store-mem as "main" */
	struct ponto_log *log;				     /* theirs; NULL: none */
	const struct ponto_plugin *security;		     /* NULL: security-sim */
	void (*prepare)(void *arg, struct ponto_node *node); /* NULL, or called before one starts */
	void *prepare_arg;
	/* Who makes calls from now on: */
	int32_t pid;	 /* 0: unknown */
	uint64_t client; /* 0: 1 */
};

/* Ends the process with a message when something that cannot fail here does. */
void sim_cloud_init(struct sim_cloud *cloud, size_t capacity, uint64_t seed);
void sim_cloud_clear(struct sim_cloud *cloud);

/* One more node; it knows the first member, the cloud's seed server, and the member seed; -1: not even the first. Returns its
 * index. */
size_t sim_cloud_join(struct sim_cloud *cloud, long seed);

/* One more node, with these settings of discovery-seed ("seeds"), and of service-pnrp beside its transport "net" and
 * security "id"; discovery-ssdp is there as "near". seeds NULL: it knows nobody. Its address is known only if its cloud
 * opens. Returns its index. */
size_t sim_cloud_add(struct sim_cloud *cloud, const char *const *seeds, const char *const *service);

/* A call; done(arg, …) comes when it is answered. copies payload */
typedef void sim_done_fn(void *arg, int result, struct ponto_bytes payload);
void sim_cloud_call(struct sim_cloud *cloud, size_t member, const char *method, struct ponto_bytes payload,
		    sim_done_fn *done, void *arg);

void sim_cloud_register(struct sim_cloud *cloud, size_t member, const char *name, sim_done_fn *done, void *arg);
void sim_cloud_resolve(struct sim_cloud *cloud, size_t member, const char *name, unsigned timeout_ms, sim_done_fn *done,
		       void *arg);

/* The same, and virtual time passes, 20 and 15 seconds; returns the answer. */
int sim_cloud_registered(struct sim_cloud *cloud, size_t member, const char *name);
int sim_cloud_resolved(struct sim_cloud *cloud, size_t member, const char *name);

/* Lets virtual time pass. */
void sim_cloud_run(struct sim_cloud *cloud, uint64_t us);

#endif
