/* transport-sim: what its files share. */
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include "framework/env.h"
#include "plugins/transport-sim/sim_network.h"

#define SIM_ADDRESSES_MAX 64
#define SIM_GROUPS_MAX 16
#define SIM_PAYLOAD_MAX 65507 /* what UDP over IPv4 carries; IPv6 differs by less than anyone sends */

struct sim_network;
struct sim_nats;

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
	uint8_t family;
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
/* The node behind a unicast address as seen from one: false when no node could have it. */
bool sim_node_at(const struct ponto_addr *addr, uint32_t seen_from, uint32_t *node, uint32_t *index);
uint32_t sim_address_count(const struct ponto_datagram_handle *h);
struct ponto_sim *sim_network_world(struct sim_network *network);
const struct ponto_alloc *sim_network_alloc(struct sim_network *network);
struct sim_nats **sim_network_nats(struct sim_network *network);
/* The node's IPv4 handle that is in a group on its port. */
struct ponto_datagram_handle *sim_network_member(struct sim_network *network, uint32_t node,
						 const struct ponto_addr *group);
/* On its way, d as its receiver will see it but for the NAT; node: of the group's member, or the sender. */
int sim_network_launch4(struct sim_network *network, uint32_t node, bool group, const struct ponto_datagram *d);

/* sim_nat.c: IPv4 */
void sim_nats_destroy(const struct ponto_alloc *alloc, struct sim_nats *nats);
void sim_nat_local(const struct ponto_datagram_handle *h, uint32_t index, struct ponto_addr *out);
uint32_t sim_nat_addresses(const struct ponto_datagram_handle *h, uint32_t has);
void sim_nat_subnet(struct sim_network *network, uint32_t node, uint32_t index, struct ponto_subnet *out);
int sim_nat_send(struct ponto_datagram_handle *h, const struct ponto_datagram *sent);
void sim_nat_arrive(void *packet);

/* sim_plugin.c: of an instance */
const struct ponto_env *sim_transport_env(void *self);

/* sim_packet.c: datagrams under way, from free lists that end with the network. */
struct sim_packet {
	struct sim_packet *next;
	struct sim_network *network;
	uint32_t node; /* of the receiver */
	uint8_t size_class;
	bool group; /* IPv4: for a group's member */
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
/* Hands it to h, or to nobody; it is gone then. */
void sim_network_deliver(struct sim_packet *packet, struct ponto_datagram_handle *h);

#endif
