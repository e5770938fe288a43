/* ponto-sim's attacks: what a cloud of honest engines suffers from others who know the protocol. Each prints a table.
 * What came out, and what follows from it, is in docs/simulation.md. */
#ifndef PONTO_SIM_ATTACK_H
#define PONTO_SIM_ATTACK_H

#include "apps/ponto-sim/cloud.h"
#include "apps/ponto-sim/options.h"
#include "engines/pnrp/pnrp_codec.h"

/* Runs o->attack. PSIM_USAGE when there is none of that name. */
PONTO_MUST_CHECK int psim_attack(const struct psim_options *o);

/* A settled cloud of honest nodes. */
void psim_attack_cloud(struct psim_cloud *c, const struct psim_options *o);

struct psim_outcome {
	uint64_t asked, found, false_found; /* false: something else was told in its place */
	uint64_t single, microseconds;
};

/* Resolves by honest nodes of target, or when NULL of each other. */
struct psim_outcome psim_attack_resolve(struct psim_cloud *c, struct psim_node *target, uint32_t count,
					uint32_t timeout);
void psim_attack_print(const char *what, const struct psim_outcome *o);

/* Bytes toward an address that never asked, for each byte in. */
void psim_attack_amplify(const struct psim_options *o);

/* Somebody who is no attacker. */
struct psim_node *psim_honest(struct psim_cloud *c);

/* What attackers answer those who ask the way: an attacker's own ID, one that is as near the target as can be at any
 * attacker's address, or, when neither is set, that there is nobody. */
struct psim_lie {
	struct psim_node *friend;
	bool nearer;
};

/* An intercept; arg is a struct psim_lie. Whoever asks an attacker whether an ID is there hears yes. */
bool psim_deceive(void *arg, struct psim_node *n, const struct ponto_datagram *d);

/* An ID that attackers can certify for themselves. */
struct ring_id psim_forged_id(const struct psim_cloud *c);

/* A FLOOD that brings an entry to a random node: an ID of nobody, or of an honest node, at the attacker's address. */
void psim_forge(struct psim_node *attacker);

/* The bytes of a message. */
struct ponto_bytes psim_encode(const struct psim_cloud *c, const struct pnrp_message *m,
			       uint8_t room[PNRP_DATAGRAM_MAX]);
/* The route entry of an ID at a node's address. */
struct pnrp_route_entry psim_route(const struct ring_id *id, const struct psim_node *at);

#endif
