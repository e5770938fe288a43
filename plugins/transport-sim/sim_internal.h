/* transport-sim: what its files share. */
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include "framework/env.h"
#include "plugins/transport-sim/sim_network.h"

#define SIM_ADDRESSES_MAX 64
#define SIM_GROUPS_MAX 16
#define SIM_PAYLOAD_MAX 65507 /* what UDP over IPv4 carries; IPv6 differs by less than anyone sends */

struct sim_network;

/* A node as the network sees it. */
struct sim_host {
	struct ponto_datagram_handle *handles; /* open ones, newest first */
	uint32_t side;
	uint32_t addresses;
};

struct sim_group {
	struct ponto_datagram_handle *member;
	struct ponto_addr addr; /* port 0, zone set */
};

struct ponto_datagram_handle {
	struct ponto_datagram_handle *next;
	struct sim_network *network;
	const struct ponto_alloc *alloc;
	struct ponto_datagram_events events;
	void *arg;
	enum ponto_scope scope;
	uint32_t node;
	uint32_t max_addresses;
	uint16_t port;
	unsigned groups;
	uint64_t change_event, mtu_event; /* what will be told soon, 0: nothing */
	struct ponto_addr mtu_peer;
};

/* sim_network.c: the network of a world; NULL when memory runs out. */
struct sim_network *sim_network_of(struct ponto_sim *sim);
/* NULL when memory runs out. Valid until the next call. */
struct sim_host *sim_host_of(struct sim_network *network, uint32_t node);
int sim_network_attach(struct sim_network *network, struct ponto_datagram_handle *h);
void sim_network_detach(struct ponto_datagram_handle *h);
int sim_network_join(struct ponto_datagram_handle *h, const struct ponto_addr *group);
int sim_network_leave(struct ponto_datagram_handle *h, const struct ponto_addr *group);
/* d->local is complete. PONTO_OK also when it will be lost. */
int sim_network_send(struct ponto_datagram_handle *h, const struct ponto_datagram *d);
uint32_t sim_address_count(const struct ponto_datagram_handle *h);

/* sim_packet.c: datagrams under way, from free lists that end with the network. */
struct sim_packet {
	struct sim_packet *next;
	struct sim_network *network;
	uint32_t node; /* of the receiver */
	uint8_t size_class;
	struct ponto_datagram datagram;
	uint8_t traced[]; /* the sender's IP and what it sent */
};

#define SIM_SENDER 16 /* bytes of that IP */

#define SIM_SIZE_CLASSES 3

struct sim_slab;

struct sim_packets {
	const struct ponto_alloc *alloc;
	struct sim_slab *slabs;
	struct sim_packet *spare[SIM_SIZE_CLASSES];
};

void sim_packets_fini(struct sim_packets *packets);
/* copies the bytes; NULL when memory runs out */
struct sim_packet *sim_packet_new(struct sim_packets *packets, const struct ponto_datagram *d);
void sim_packet_free(struct sim_packets *packets, struct sim_packet *packet);

#endif
