/* Tests: what the two halves of the played branch share. */
#ifndef PONTO_TESTS_SIM_LAN_PRIVATE_H
#define PONTO_TESTS_SIM_LAN_PRIVATE_H

#include <stdio.h>

#include "tests/sim/sim_lan.h"

extern const struct ponto_plugin lan_http_plugin;

void lan_content_clear(struct lan_content *content);

static inline struct lan *lan_of(struct ponto_loop *loop)
{
	return *ponto_sim_slot(ponto_sim_node_world(ponto_loop_sim(loop)), "lan", NULL);
}

static inline void *must(void *memory)
{
	if (!memory) {
		printf("Bail out! no memory for the simulation\n");
		exit(1);
	}
	return memory;
}

static inline struct ponto_addr addr_of(unsigned node, uint16_t port)
{
	struct ponto_addr addr = {{10, 0, (uint8_t)(node >> 8), (uint8_t)node}, 0, port, PONTO_FAMILY_IPV4, 0};

	return addr;
}

/* create and destroy of plugins that have nothing of their own. */
static inline int nothing_create(const struct ponto_env *env, void **self)
{
	static int token;

	(void)env;
	*self = &token;
	return PONTO_OK;
}

static inline void nothing_destroy(void *self)
{
	(void)self;
}

#endif
