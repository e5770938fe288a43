/* Ponto tests: a world of PNRP engines in virtual time: one thread, one heap of datagrams, signatures that are
 * keyed hashes made at once. The same seed gives the same run. For tests of the engine alone; the simulation of
 * whole nodes is in tests/sim. */
#ifndef PONTO_TESTS_SUPPORT_PNRP_WORLD_H
#define PONTO_TESTS_SUPPORT_PNRP_WORLD_H

#include "engines/pnrp/pnrp_engine.h"
#include "tests/support/test.h"

#define WORLD_SEEDS 4
#define WORLD_TRACES 64
#define WORLD_WALL INT64_C(1790000000000000) /* microseconds since 1970 at the start of time */

struct world_outcome {
	uint64_t handle;
	bool done;
	int result; /* PONTO_OK: match holds it, its payload in payload */
	struct pnrp_match match;
	uint8_t payload[4096];
	uint32_t walks, hops;
	uint64_t elapsed;
	struct pnrp_trace trace[WORLD_TRACES];
	size_t traces;
};

struct world_node {
	struct pnrp_engine *engine;
	struct ponto_addr addr;
	struct ponto_addr seeds[WORLD_SEEDS];
	size_t seed_count;
	uint64_t deadline;
	enum pnrp_cloud_state state;
	unsigned published, unpublished, remembered, discovers;
	enum pnrp_registration_state registration; /* of the last effect */
	uint64_t registration_token;
	unsigned gone;
	bool down;	   /* neither receives nor acts */
	bool hold_jobs;	   /* SIGN and VERIFY are not completed */
	int verify_result; /* reported instead of the truth unless 0 */
};

struct world_datagram;

struct world {
	struct ponto_test_alloc alloc;
	struct ponto_test_random random;
	uint64_t now;
	uint64_t sequence;
	uint64_t trace_hash; /* rolls over every datagram delivered */
	uint64_t delivered, lost;
	unsigned loss_permille;
	uint64_t latency_min, latency_max;
	struct world_node *nodes;
	size_t count;
	struct world_datagram **heap;
	size_t heap_count, heap_room;
	struct world_outcome **outcomes; /* by token - 1 */
	size_t outcome_count;
	/* Sees every datagram sent; false: it is lost. */
	bool (*filter)(void *arg, struct world *w, size_t from, size_t to, struct ponto_bytes datagram);
	void *filter_arg;
};

/* count nodes at 2001:db8:<i>::1 port 3540, with engines that are not open. limits may be NULL. gives */
struct world *world_new(size_t count, uint64_t seed, const struct pnrp_limits *limits);
void world_free(struct world *w);

/* The key of an identity: token number to bytes. */
void world_key(uint64_t identity, uint8_t key[140]);

/* The signature the world accepts. out: 128 bytes */
void world_sign(struct ponto_bytes key, struct ponto_bytes data, uint8_t out[128]);

/* "0.name" or, for a secured name of this identity, "<authority>.name". Static buffer. */
const char *world_secure_name(uint64_t identity, const char *classifier);

void world_open(struct world *w, size_t node, size_t seed_node);

/* Registers name with one endpoint, port 5000 + node; the identity is the node's number + 1. */
uint64_t world_register(struct world *w, size_t node, const char *name, struct ring_id *id);

/* Begins a resolve; the outcome is filled as time runs. */
struct world_outcome *world_resolve(struct world *w, size_t node, const char *name, uint32_t max_restarts);
struct world_outcome *world_query(struct world *w, size_t node, struct pnrp_query *q);

/* Lets time pass. */
void world_run(struct world *w, uint64_t duration);

/* Moves what the node's engine has to say; after calling the engine directly. */
void world_pump(struct world *w, size_t node);

/* Which node has this address; count when none. */
size_t world_node_at(const struct world *w, const struct ponto_addr *a);

#endif
