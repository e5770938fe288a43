/* Ponto: the inside of the simulated world, shared by sim.c and loop_sim.c. */
#ifndef PONTO_SIM_WORLD_H
#define PONTO_SIM_WORLD_H

#include "framework/event_queue.h"
#include "framework/sim.h"

struct sim_random {
	uint64_t s[4];
	struct ponto_random random;
};

struct sim_slot {
	struct sim_slot *next;
	void *value;
	void (*destroy)(void *value);
	char name[];
};

/* A posted call, or the done call of a job. */
struct sim_call {
	struct sim_call *prev, *next;
	struct ponto_sim_node *node;
	ponto_loop_fn *fn;
	void *arg;
	uint64_t event;
	bool job;
};

struct ponto_sim_node {
	struct ponto_loop loop; /* first: a loop is its node */
	struct ponto_sim *world;
	uint32_t number;
	unsigned outstanding; /* jobs whose done call has not run */
	bool stopping;
	struct sim_call *calls; /* not yet run */
	struct sim_random random;
};

#define SIM_FORESEEN_MAX 4

struct ponto_sim {
	const struct ponto_alloc *alloc;
	struct ponto_event_queue events;
	struct {
		ponto_loop_fn *fn;
		ponto_sim_ahead_fn *ahead;
	} foreseen[SIM_FORESEEN_MAX];
	uint32_t foreseen_count;
	uint64_t seed;
	uint64_t now;
	uint64_t hash;
	uint64_t work_time;
	struct ponto_sim_node **nodes;
	uint32_t node_count, node_cap;
	struct sim_slot *slots;
	struct sim_call *spare; /* calls to use again */
	struct sim_random random;
	struct ponto_clock clock;
};

/* The loop of a new node, and its end with the world. */
void ponto_loop_sim_init(struct ponto_sim_node *node);
void ponto_loop_sim_fini(struct ponto_sim_node *node);

#endif
