/* transport-sim: the network of a simulated world, as tests and simulators control it.
 *
 * The network is made on first use and ends with the world. Every node is one hop from every other; link and site
 * scope are one zone (number 1) that all nodes share. All calls come from the world's one thread. What happens to a
 * datagram is drawn from the world's own randomness, so the same seed and the same calls give the same run. */
#ifndef PONTO_SIM_NETWORK_H
#define PONTO_SIM_NETWORK_H

#include "framework/sim.h"
#include "framework/transport.h"

#define PONTO_SIM_ZONE 1u
#define PONTO_SIM_PPM 1000000u

/* Chances are in millionths, times in microseconds. */
struct ponto_sim_network_model {
	uint64_t latency;	/* of every datagram; default 10,000 */
	uint64_t jitter;	/* uniform in [0, jitter) on top, which also reorders; default 0 */
	uint32_t loss;		/* default 0 */
	uint32_t duplicate;	/* a second copy, with a delay of its own; default 0 */
	uint32_t reorder;	/* held back by reorder_delay; default 0 */
	uint64_t reorder_delay; /* default 0 */
	uint32_t mtu;		/* of payload, for datagrams that must not be fragmented; default 1452 */
};

struct ponto_sim_network_stats {
	uint64_t sent, sent_bytes;	     /* handed to the network; a multicast counts once per receiver */
	uint64_t delivered, delivered_bytes; /* to a handle */
	uint64_t lost, duplicated, reordered;
	uint64_t partitioned; /* dropped between two sides */
	uint64_t filtered;    /* dropped by the filter */
	uint64_t unclaimed;   /* nobody had that address and port when it arrived */
};

/* Applies to datagrams sent from now on. PONTO_ENOMEM; PONTO_EINVAL: a chance above PONTO_SIM_PPM. copies */
PONTO_MUST_CHECK int ponto_sim_network_set(struct ponto_sim *sim, const struct ponto_sim_network_model *model);
PONTO_MUST_CHECK int ponto_sim_network_get(struct ponto_sim *sim, struct ponto_sim_network_model *out);
PONTO_MUST_CHECK int ponto_sim_network_stats(struct ponto_sim *sim, struct ponto_sim_network_stats *out);

/* Puts a node on a side (0 at first); only nodes of one side hear each other. What is under way still arrives. */
PONTO_MUST_CHECK int ponto_sim_network_partition(struct ponto_sim *sim, uint32_t node, uint32_t side);
/* Everyone on side 0 again. */
PONTO_MUST_CHECK int ponto_sim_network_heal(struct ponto_sim *sim);

/* Gives a node count addresses per scope from now on (1 at first, at most 64, 0: off the net). Its handles lose or
 * gain addresses and are told. */
PONTO_MUST_CHECK int ponto_sim_network_set_addresses(struct ponto_sim *sim, uint32_t node, uint32_t count);

/* Address number index of a node: 2001:db8:0:INDEX::NODE+1, fe80::INDEX:0:0:NODE+1, fec0::… likewise, or ::1. */
void ponto_sim_network_address(uint32_t node, enum ponto_scope scope, uint32_t index, uint16_t port,
			       struct ponto_addr *out);

/* ---- IPv4: handles of instances whose family is 4 ------------------------------------------- */

#define PONTO_SIM_BOXES 65535u

/* What a NAT box tells apart: RFC 4787 4.1, 5. */
enum ponto_sim_nat_rule {
	PONTO_SIM_NAT_ANY = 0,	    /* independent of the other end */
	PONTO_SIM_NAT_ADDRESS,	    /* dependent on its address */
	PONTO_SIM_NAT_ADDRESS_PORT, /* and port */
};

enum ponto_sim_nat_ports {
	PONTO_SIM_PORTS_RANDOM = 0,
	PONTO_SIM_PORTS_PRESERVING, /* the inner one while it is free */
	PONTO_SIM_PORTS_SEQUENTIAL, /* the next one */
	PONTO_SIM_PORTS_LOWEST,	    /* the first that is free: what one gives up another gets */
};

struct ponto_sim_nat {
	enum ponto_sim_nat_rule mapping, filter;
	enum ponto_sim_nat_ports ports;
	bool hairpin;	  /* its nodes reach each other by its public address */
	bool blocked;	  /* nothing crosses it */
	uint8_t address;  /* which of its 256 public ones it has */
	uint64_t timeout; /* of a mapping after the last datagram out; 0: 120 s */
};

/* Sets up box 1..PONTO_SIM_BOXES, or changes it; its mappings are forgotten, and ports that follow each other begin
 * anew. copies */
PONTO_MUST_CHECK int ponto_sim_network_nat(struct ponto_sim *sim, uint32_t box, const struct ponto_sim_nat *nat);

/* Puts a node behind a box, before its handles are opened; 0: it has public addresses (the default). */
PONTO_MUST_CHECK int ponto_sim_network_behind(struct ponto_sim *sim, uint32_t node, uint32_t box);

/* Public address number index of a node, one after the other in 44.0.0.0/8; the first one of a box in 45.0.0.0/16, the
 * next one in 45.1.0.0/16 and so on. Nodes behind a box are in 10.X.0.0/16, X being the last byte of its number: other
 * boxes have the same network. It is one link for multicast too. */
void ponto_sim_network_address4(uint32_t node, uint32_t index, uint16_t port, struct ponto_addr *out);
void ponto_sim_network_box_address(uint32_t box, uint16_t port, struct ponto_addr *out);

/* A datagram from whom it says, sent on the public side: nobody looks whether the sender is there. copies */
PONTO_MUST_CHECK int ponto_sim_network_forge(struct ponto_sim *sim, const struct ponto_addr *from,
					     const struct ponto_addr *to, struct ponto_bytes data);

/* Sees every datagram before the model does, local being the sender and peer the receiver (of IPv4 as they are
 * between NATs); false drops it. NULL
 * removes it. borrows the datagram */
typedef bool ponto_sim_filter_fn(void *ctx, const struct ponto_datagram *datagram);
PONTO_MUST_CHECK int ponto_sim_network_filter(struct ponto_sim *sim, ponto_sim_filter_fn *filter, void *ctx);

/* Carries the steps of ponto_sim_ahead on to who will receive a datagram, with the arg of the handle, from
 * PONTO_SIM_NETWORK_AHEAD on: the ones before are the network's own. */
#define PONTO_SIM_NETWORK_AHEAD 3u
typedef void ponto_sim_network_ahead_fn(void *arg, struct ponto_bytes datagram, unsigned step);
PONTO_MUST_CHECK int ponto_sim_network_ahead(struct ponto_sim *sim, ponto_sim_network_ahead_fn *ahead);

#endif
