/* discovery-seed: which addresses are wanted, and sets of them. Pure. */
#ifndef DISCOVERY_SEED_PEERS_H
#define DISCOVERY_SEED_PEERS_H

#include "framework/discovery.h"

#define SEED_PEERS_MAX 64

/* Makes addr one that want asks for, its port and zone filled in where they are missing; false when it is not. */
bool seed_address_fits(const struct ponto_discovery_want *want, struct ponto_addr *addr);

/* A set of addresses in order of arrival, bounded, without duplicates. */
#define SEED_FOUND_MAX 512

struct seed_found {
	const struct ponto_alloc *alloc;
	struct ponto_addr *addrs;
	size_t count, room;
	bool refused; /* memory was */
};

/* Adds it unless it is there, the set is full, or memory is refused. */
void seed_found_add(struct seed_found *found, const struct ponto_addr *addr);
void seed_found_clear(struct seed_found *found);

#endif
