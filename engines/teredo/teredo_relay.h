/* Teredo: the relay, between IPv6 hosts and Teredo clients; of a whole network or of one host.
 *
 * Pure. Packets of the IPv6 side go to clients once those have answered a bubble
 * through their server; packets of clients come in when they are who they say
 * and for somebody who is served. RFC 4380 5.4; RFC 5991 3.2. */
#ifndef ENGINES_TEREDO_TEREDO_RELAY_H
#define ENGINES_TEREDO_TEREDO_RELAY_H

#include "engines/teredo/teredo_codec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEREDO_RELAY_PEERS_MIN 16
#define TEREDO_RELAY_PEERS_MAX (UINT32_C(1) << 22)
#define TEREDO_RELAY_SERVED_MAX 64
#define TEREDO_RELAY_SUBNETS_MAX 64
#define TEREDO_RELAY_OWN_MAX 8

/* IPv6 addresses that are served. */
struct teredo_prefix {
	struct teredo_ip6 ip;
	uint8_t bits; /* 0..128 */
};

struct teredo_relay_config {
	const struct ponto_alloc *alloc;
	const struct ponto_random *random;  /* used at creation only */
	struct teredo_ip6 source;	    /* a local address, from which bubbles come */
	const struct teredo_prefix *served; /* at most TEREDO_RELAY_SERVED_MAX; copied */
	size_t served_count;
	uint32_t peers;	 /* TEREDO_RELAY_PEERS_MIN..MAX; half of them at most are not trusted */
	uint32_t queue;	 /* bytes that wait for one peer, at least TEREDO_MTU */
	uint32_t queues; /* and for all, at least queue */
	uint32_t fresh;	 /* new peers a second; 0: no limit */
	bool natted;	 /* behind a NAT that is no cone: bubbles go directly as well, to open it */
	bool cone_trust; /* RFC 4380 5.4.1 case 2, which RFC 5991 3.2 has ignored */
};

enum teredo_relay_drop {
	TEREDO_RELAY_MALFORMED = 0, /* no IPv6, or not the encapsulation */
	TEREDO_RELAY_LARGE,	    /* more than TEREDO_MTU */
	TEREDO_RELAY_SOURCE, /* of the IPv6 side: not a host's, or Teredo's own (relays must not feed each other) */
	TEREDO_RELAY_DESTINATION, /* not a Teredo client with a global IPv4 address, or this relay itself */
	TEREDO_RELAY_FORGED,	  /* of clients: not from where its source address says */
	TEREDO_RELAY_STRANGER,	  /* of clients nobody here has sent to */
	TEREDO_RELAY_UNSERVED,	  /* for somebody who is not served */
	TEREDO_RELAY_LIMIT,	  /* too many new peers, too much that waits, no memory */
	TEREDO_RELAY_SILENT,	  /* waited for a client that did not answer */
	TEREDO_RELAY_DROPS
};

struct teredo_relay_stats {
	uint64_t to_clients, from_clients; /* packets passed on */
	uint64_t bubbles, answers;	   /* sent; first packets of peers that were not trusted */
	uint64_t dropped[TEREDO_RELAY_DROPS];
};

struct teredo_relay_status {
	uint32_t peers, trusted;
	uint32_t queued; /* bytes */
};

/* Lent to the engine, which fills it. */
struct teredo_relay_slot {
	uint8_t data[TEREDO_MTU];
	size_t len;
	struct teredo_endpoint to;
};

struct teredo_relay;

/* PONTO_EINVAL: a setting out of its range, a source that is no native unicast address; PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int teredo_relay_create(const struct teredo_relay_config *config, struct teredo_relay **out);
void teredo_relay_destroy(struct teredo_relay *relay); /* accepts NULL */

/* Its own IPv4 endpoints (the first TEREDO_RELAY_OWN_MAX), which no packet comes from or goes to, and the attached
 * subnets. copies */
void teredo_relay_local(struct teredo_relay *relay, const struct teredo_endpoint *own, size_t own_count,
			const struct teredo_subnet *subnets, size_t subnet_count);

/* A packet of the IPv6 side. 1: it is to be sent to *to as it is; 0: it waits for its peer, or was dropped (counted).
 */
int teredo_relay_send(struct teredo_relay *relay, uint64_t now, struct ponto_bytes packet, struct teredo_endpoint *to);

/* A datagram. 1: *packet, a view into it, is for the IPv6 side; 0: nothing is. */
int teredo_relay_input(struct teredo_relay *relay, uint64_t now, const struct teredo_endpoint *from,
		       struct ponto_bytes datagram, struct ponto_bytes *packet);

/* 1 and the next datagram to send, or 0. To be asked after each of the others. */
int teredo_relay_output(struct teredo_relay *relay, struct teredo_relay_slot *slot);

/* Time passes; deadline: when to call advance, then output, next; PONTO_NEVER for no need. */
void teredo_relay_advance(struct teredo_relay *relay, uint64_t now);
uint64_t teredo_relay_deadline(const struct teredo_relay *relay);

void teredo_relay_status(const struct teredo_relay *relay, struct teredo_relay_status *out);
void teredo_relay_stats(const struct teredo_relay *relay, struct teredo_relay_stats *out);

/* A word for a reason: "forged". Static storage. */
const char *teredo_relay_drop_name(enum teredo_relay_drop drop);

#ifdef __cplusplus
}
#endif
#endif
