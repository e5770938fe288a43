/* ponto-sim's cloud: simulated nodes, each the production PNRP engine on transport-sim's network with
 * security-sim's signatures, and a host as thin as can be in the place of service-pnrp's glue, so that a million
 * fit into one process. What the host does in the glue's place: it moves datagrams, keeps the engine's one timer,
 * names seed servers, signs and verifies on the spot.
 *
 * One thread. Memory that runs out ends the process with a message: there is no measuring without it. */
#ifndef PONTO_SIM_CLOUD_H
#define PONTO_SIM_CLOUD_H

#include "apps/ponto-sim/pool.h"
#include "engines/pnrp/pnrp_engine.h"
#include "engines/pnrp/pnrp_wire.h"
#include "framework/node.h"
#include "framework/sim.h"
#include "framework/transport.h"
#include "plugins/transport-sim/sim_network.h"

#define PSIM_NOBODY UINT32_MAX

struct psim_cloud;
struct psim_query;

struct psim_node {
	struct psim_cloud *cloud;
	struct pnrp_engine *engine;
	struct ponto_sim_node *place; /* in the world */
	struct ponto_datagrams net;
	struct ponto_timer *timer;
	uint64_t armed; /* what the timer is set to */
	bool pumping;
	bool bad;    /* an attacker's */
	bool active; /* the registration has been announced */
	uint64_t joined_at;
	uint64_t registration; /* the engine's handle of its name */
	struct ring_id id;
	struct psim_query *queries; /* of its own under way */
	uint32_t asked_for;	    /* queries under way that look for its name */
	uint32_t number;	    /* of the place */
	uint32_t live;		    /* index among the living */
	char *name;		    /* owned; NULL: 0.nNUMBER */
};

/* A resolve: from its beginning to done. */
struct psim_query {
	struct psim_query *next;
	struct psim_node *from, *target;
	bool withdrawn; /* the target has left */
	uint64_t begun;
	void (*done)(void *arg, const struct psim_query *q, const struct pnrp_effect *effect);
	void *arg;
};

struct psim_traffic {
	uint64_t at; /* virtual microseconds */
	uint64_t events;
	uint64_t messages, bytes; /* handed to the network */
	struct pnrp_stats engine; /* of all engines, those gone included */
};

struct psim_cloud {
	struct psim_pool *pool;
	const struct ponto_alloc *alloc;
	struct ponto_sim *sim;
	const struct pnrp_wire *wire; /* of the profile */
	struct ponto_transport transport;
	struct ponto_conf *conf;
	struct ponto_env *env;
	struct psim_node **live;
	uint32_t count, room;
	uint32_t joined; /* so far, those who have left included */
	uint32_t seeds;	 /* the first so many nodes are seed servers and never leave */
	struct ponto_addr *seed_addr;
	uint32_t seed_count;
	uint64_t events;	/* run so far */
	uint64_t asking;	/* queries under way */
	struct pnrp_stats gone; /* of engines that are no more */
	/* Sees each datagram before the engine of a node does: true, it is dealt with. NULL: none. */
	bool (*intercept)(void *arg, struct psim_node *n, const struct ponto_datagram *d);
	void *intercept_arg;
};

/* profile: "windows" or "modern" */
void psim_cloud_init(struct psim_cloud *c, const char *profile, uint64_t seed, uint32_t seeds);
void psim_cloud_clear(struct psim_cloud *c);

/* One more node; it registers its name at once. */
struct psim_node *psim_join(struct psim_cloud *c);

/* Likewise, with another name, copied; with a payload of its own if any, so long. */
struct psim_node *psim_join_as(struct psim_cloud *c, const char *name, size_t payload);

/* "SHA-1 of a key.classifier": of the node that joins next, or after so many others. out: text of PNRP_NAME_TEXT */
void psim_secure_name(const struct psim_cloud *c, uint32_t others, const char *classifier, char *out);

/* The public key of the node with this number. */
struct ponto_bytes psim_key(const struct psim_cloud *c, uint32_t number, uint8_t room[PNRP_KEY_BYTES]);

/* A datagram as it is, from this node; or out of nothing, with a sender's address that is not its own. */
void psim_send(struct psim_node *from, const struct ponto_addr *to, struct ponto_bytes bytes);
void psim_spoof(struct psim_node *to, const struct ponto_addr *from, struct ponto_bytes bytes);
struct ponto_addr psim_address(const struct psim_node *n);

/* It falls silent: power off. */
void psim_leave(struct psim_cloud *c, struct psim_node *n);

/* out: text of PNRP_NAME_TEXT */
void psim_name(const struct psim_node *n, char *out);

/* Anybody, or anybody but a seed server. */
struct psim_node *psim_anybody(struct psim_cloud *c);
struct psim_node *psim_any_leaver(struct psim_cloud *c);

/* done comes once, unless from leaves first. timeout in microseconds. */
typedef void psim_done_fn(void *arg, const struct psim_query *q, const struct pnrp_effect *effect);
void psim_resolve(struct psim_node *from, struct psim_node *target, uint64_t timeout, psim_done_fn *done, void *arg);

/* Moves everything the engine has ready: call after any call to it. */
void psim_pump(struct psim_node *n);

/* Lets virtual time pass; tick (may be NULL) is called about once a virtual second. */
void psim_run(struct psim_cloud *c, uint64_t us, void (*tick)(void *arg), void *arg);

/* What has been said so far. */
void psim_traffic(const struct psim_cloud *c, struct psim_traffic *out);

struct psim_ring {
	uint32_t nodes;
	uint32_t next;	/* know their true neighbours on both sides as nearest leaves */
	uint32_t whole; /* have all ten true leaves, and nothing else */
};

/* Compares every leaf set with the truth. */
struct psim_ring psim_ring(const struct psim_cloud *c);

/* Mean cache entries of some nodes, and mean heap bytes of an engine and of all about a node. */
double psim_cache_fill(struct psim_cloud *c, uint32_t sample);
double psim_engine_memory(struct psim_cloud *c, uint32_t sample);

#endif
