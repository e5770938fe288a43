/* http-sim: the web of a simulated world, as tests and simulators control it.
 *
 * It is made on first use and ends with the world. A node has the addresses that transport-sim gives it, and ::1. All
 * calls come from the world's one thread; what is random is drawn from the world's own randomness. */
#ifndef PONTO_SIM_WEB_H
#define PONTO_SIM_WEB_H

#include "framework/http.h"
#include "framework/sim.h"

/* Times in microseconds. */
struct ponto_sim_web_model {
	uint64_t latency;   /* one way; default 10,000. A connection costs two, then the request one */
	uint64_t jitter;    /* uniform in [0, jitter) on top of each; default 0. Order is kept */
	uint64_t bandwidth; /* bytes a second of each connection, either way; 0: any; the default */
};

struct ponto_sim_web_stats {
	uint64_t fetches, connected, refused; /* refused: nobody listened, or no such node */
	uint64_t requests, answers;	      /* handed to services; whole ones that arrived */
	uint64_t severed;		      /* connections cut by partition */
};

/* Applies to what is sent from now on. PONTO_ENOMEM. copies */
PONTO_MUST_CHECK int ponto_sim_web_set(struct ponto_sim *sim, const struct ponto_sim_web_model *model);
PONTO_MUST_CHECK int ponto_sim_web_stats(struct ponto_sim *sim, struct ponto_sim_web_stats *out);

/* Puts a node on a side (0 at first). Connections between sides fall silent, there and then; new ones are not answered.
 * A node alone on its side is one that died without a word. PONTO_ENOMEM */
PONTO_MUST_CHECK int ponto_sim_web_partition(struct ponto_sim *sim, uint32_t node, uint32_t side);

#endif
