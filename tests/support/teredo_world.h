/* Tests: Teredo in virtual time: a server, NAT boxes, nodes with transport-teredo as it is, carried by transport-sim. */
#ifndef PONTO_TESTS_SUPPORT_TEREDO_WORLD_H
#define PONTO_TESTS_SUPPORT_TEREDO_WORLD_H

#include "engines/teredo/teredo_server.h"
#include "framework/node.h"
#include "framework/sim.h"
#include "framework/transport.h"
#include "plugins/transport-sim/sim_network.h"

#define TEREDO_WORLD_NODES 8
#define TEREDO_WORLD_SETTINGS 8

struct teredo_world_node {
	struct ponto_sim_node *sim;
	struct ponto_node *node;
	struct ponto_conf *confs[2];
	struct ponto_transport wide; /* the instance of transport-teredo */
};

struct teredo_world {
	struct ponto_sim *sim;
	/* the server, node 0: its two addresses are one after the other */
	struct ponto_sim_node *server_node;
	struct ponto_conf *server_conf;
	struct ponto_env server_env;
	struct ponto_transport server_wire;
	struct ponto_datagrams server_port;
	struct teredo_server *server;
	bool server_down;
	struct teredo_world_node nodes[TEREDO_WORLD_NODES];
	size_t count;
};

/* False, and nothing is left, when memory runs out. tolerant: of symmetric NATs, see the server. */
bool teredo_world_init(struct teredo_world *world, uint64_t seed, bool tolerant);
void teredo_world_fini(struct teredo_world *world);

/* Adds a node behind box, 0 for none, with settings ("name=value", NULL-terminated, or NULL) besides carrier and
 * servers; its number, or -1. */
int teredo_world_add(struct teredo_world *world, uint32_t box, const char *const *settings);

struct ponto_loop *teredo_world_loop(struct teredo_world *world, size_t node);
void teredo_world_run(struct teredo_world *world, uint64_t time);

/* Runs until a handle has an address, at most a minute. */
bool teredo_world_wait(struct teredo_world *world, struct ponto_datagrams d, struct ponto_addr *out);

#endif
