/* Ponto tests: a mapping plugin in a simulated world: its node, and another one that may play the gateway. */
#ifndef PONTO_TESTS_CONFORM_MAPPING_WORLD_H
#define PONTO_TESTS_CONFORM_MAPPING_WORLD_H

#include "framework/node.h"
#include "framework/sim.h"
#include "framework/transport.h"
#include "tests/conform/mapping_suite.h"

#define MAPPING_WORLD_PORT 40000

enum { MAPPING_WORLD_GATEWAY, MAPPING_WORLD_CLIENT, MAPPING_WORLD_NODES };

struct mapping_world {
	struct ponto_sim *sim;
	struct ponto_sim_node *place[MAPPING_WORLD_NODES];
	struct ponto_node *node[MAPPING_WORLD_NODES];
	struct ponto_transport wire[MAPPING_WORLD_NODES];
	struct ponto_conf *conf[MAPPING_WORLD_NODES + 1];
};

/* The nodes with an instance "wire" of transport-sim each, of IPv4. On failure nothing is left. */
PONTO_MUST_CHECK int mapping_world_open(struct mapping_world *w, const struct ponto_plugin *transport_sim);
/* The plugin on the client; settings: "name=value", NULL-terminated, at most 6, besides the transport that it refers to.
 * Fills all of the bed but the gateway. */
PONTO_MUST_CHECK int mapping_world_add(struct mapping_world *w, const struct ponto_plugin *plugin,
				       const char *const *settings, struct mapping_bed *out);
void mapping_world_close(struct mapping_world *w);

#endif
