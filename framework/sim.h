/* Ponto: the world that owns time. One heap of events keyed by (time,
 * sequence); per-node randomness derived from one seed; a rolling trace hash:
 * same seed, same hash. loop-sim and transport-sim stand on it; single-threaded. */
#ifndef PONTO_SIM_H
#define PONTO_SIM_H

#include "framework/base.h"
#include "framework/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ponto_sim;
struct ponto_sim_node;

/* gives */
PONTO_MUST_CHECK int ponto_sim_create(const struct ponto_alloc *alloc, uint64_t seed, struct ponto_sim **out);
/* Destroys nodes, their loops and undelivered events too. */
void ponto_sim_destroy(struct ponto_sim *sim);

/* The allocator it was made with: for what plugins keep in its slots. */
const struct ponto_alloc *ponto_sim_alloc(const struct ponto_sim *sim);

/* Virtual microseconds since the start of the world; wall time is that plus 2026-01-01T00:00:00Z. */
uint64_t ponto_sim_now(const struct ponto_sim *sim);

/* An event: fn(arg) at time `at` (not before now). An id to cancel it, 0 when memory runs out. */
uint64_t ponto_sim_at(struct ponto_sim *sim, uint64_t at, ponto_loop_fn *fn, void *arg);
/* Cancelling one that ran or never was does nothing. */
void ponto_sim_cancel(struct ponto_sim *sim, uint64_t id);

/* Runs events up to and including time `until`; returns how many ran. The clock then stands at until. */
uint64_t ponto_sim_run(struct ponto_sim *sim, uint64_t until);
/* Runs one event: false when there is none. */
bool ponto_sim_step(struct ponto_sim *sim);

/* What an event is going to touch can be fetched from memory while others run: most of the time of a large world is
 * spent waiting for it. ahead(arg, step) is called for step 0 up to PONTO_SIM_AHEAD_STEPS - 1 in turn, two events
 * apart, before fn(arg); earlier steps are left out of an event that was made too late for them. It changes nothing:
 * it prefetches, and follows pointers that an earlier step prefetched. PONTO_ELIMIT: too many kinds; PONTO_ENOMEM. */
#define PONTO_SIM_AHEAD_STEPS 8u
typedef void ponto_sim_ahead_fn(void *arg, unsigned step);
PONTO_MUST_CHECK int ponto_sim_ahead(struct ponto_sim *sim, ponto_loop_fn *fn, ponto_sim_ahead_fn *ahead);

/* Fetches what setting this timer of a node's loop touches. The timer itself is in reach. */
void ponto_sim_timer_ahead(const struct ponto_sim *sim, const struct ponto_timer *timer);

/* Mixes bytes into the trace hash: who, what and when. Every delivered datagram is mixed in by transport-sim. */
void ponto_sim_trace(struct ponto_sim *sim, uint32_t node, const char *what, struct ponto_bytes bytes);
uint64_t ponto_sim_hash(const struct ponto_sim *sim);

/* A node: its number (from 0), its own randomness, clock and loop. gives by way of the world */
PONTO_MUST_CHECK int ponto_sim_node(struct ponto_sim *sim, struct ponto_sim_node **out);
uint32_t ponto_sim_node_number(const struct ponto_sim_node *node);
struct ponto_sim *ponto_sim_node_world(const struct ponto_sim_node *node);
const struct ponto_random *ponto_sim_node_random(struct ponto_sim_node *node);
const struct ponto_clock *ponto_sim_node_clock(struct ponto_sim_node *node);
struct ponto_loop *ponto_sim_node_loop(struct ponto_sim_node *node);
/* The world's own randomness, apart from every node's: for the network model and the scenario. */
const struct ponto_random *ponto_sim_random(struct ponto_sim *sim);

/* What a plugin attaches to the world under a name (transport-sim its network): the slot is NULL at
 * first; destroy is called with the world. NULL when memory runs out. */
void **ponto_sim_slot(struct ponto_sim *sim, const char *name, void (*destroy)(void *));

/* How long a worker's job takes in virtual time; default 100 microseconds. */
void ponto_sim_set_work_time(struct ponto_sim *sim, uint64_t us);

#ifdef __cplusplus
}
#endif
#endif
