/* Teredo: the client: qualification, maintenance, peers, bubbles.
 *
 * Pure. Datagrams come in and go out by slots lent to it; what only others can
 * do (opening ports, telling the application) are effects. One engine per
 * service port; not for sharing between threads. RFC 4380 5.2; RFC 5991 3;
 * RFC 6081 5. */
#ifndef ENGINES_TEREDO_TEREDO_CLIENT_H
#define ENGINES_TEREDO_TEREDO_CLIENT_H

#include "engines/teredo/teredo_auth.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEREDO_SERVERS_MAX 8
#define TEREDO_SUBNETS_MAX 16
#define TEREDO_PORTS_MAX 32 /* random ports at once */
#define TEREDO_PEERS_MIN 16
#define TEREDO_PEERS_MAX 65536
#define TEREDO_REFRESH (30 * PONTO_SECOND) /* RFC 6081 5.1.1 */
#define TEREDO_REFRESH_MIN PONTO_SECOND
#define TEREDO_REFRESH_MAX (86400 * PONTO_SECOND)

struct teredo_client;

/* A server by its two addresses; secondary 0: there is no second one, and the kind of NAT stays unknown. */
struct teredo_pair {
	uint32_t primary, secondary;
};

/* Extensions and options. */
enum teredo_feature {
	TEREDO_FEATURE_SYMMETRIC = 1u << 0,  /* RFC 6081 5.2: works behind and with symmetric NATs */
	TEREDO_FEATURE_PRESERVING = 1u << 1, /* 5.4; needs SYMMETRIC */
	TEREDO_FEATURE_SEQUENTIAL = 1u << 2, /* 5.5; needs PRESERVING */
	TEREDO_FEATURE_HAIRPIN = 1u << 3,    /* 5.6 */
	TEREDO_FEATURE_SOLICIT = 1u << 4,    /* 5.7: server load reduction */
	TEREDO_FEATURE_UPNP = 1u << 5,	     /* 5.3; needs SYMMETRIC: MAP and UNMAP effects come */
	TEREDO_FEATURE_LOCAL = 1u << 6,	     /* RFC 4380 5.2.8: local discovery */
	TEREDO_FEATURE_LOCAL_SAME = 1u << 7, /* only of peers with our mapped IPv4 address */
	TEREDO_FEATURE_CONE_PROBE = 1u << 8, /* phase 1 of RFC 4380 5.2.1, which RFC 5991 3.2 skips */
	TEREDO_FEATURE_CONE_TRUST = 1u << 9, /* case 4 of RFC 4380 5.2.4, which RFC 5991 3.2 ignores */
	TEREDO_FEATURE_NO_NONCE = 1u << 10,  /* solicitations without authentication */
	TEREDO_FEATURE_WHOLE = 1u << 11,     /* all that is believed is for a whole host, which answers echo requests itself */
	TEREDO_FEATURE_INTERVAL = 1u << 12,  /* 5.2.7: looks for a longer refresh interval, with a port of its own */
	TEREDO_FEATURE_ALL = (1u << 13) - 1,
};
#define TEREDO_FEATURE_DEFAULT                                                                                         \
	(TEREDO_FEATURE_SYMMETRIC | TEREDO_FEATURE_PRESERVING | TEREDO_FEATURE_SEQUENTIAL | TEREDO_FEATURE_HAIRPIN |   \
	 TEREDO_FEATURE_SOLICIT)

struct teredo_client_config {
	const struct ponto_alloc *alloc;
	const struct ponto_random *random; /* fit for nonces */
	struct teredo_pair servers[TEREDO_SERVERS_MAX];
	size_t server_count;	       /* at least one */
	unsigned features;	       /* enum teredo_feature */
	struct ponto_bytes id, secret; /* secret empty: nonce only; id at most 255 bytes */
	enum teredo_algo algo;
	uint64_t refresh;		   /* TEREDO_REFRESH_MIN..MAX */
	uint8_t refresh_low, refresh_high; /* percent of it, 50 <= low <= high <= 150 */
	uint32_t peers;			   /* TEREDO_PEERS_MIN..TEREDO_PEERS_MAX */
	uint32_t queue;			   /* bytes that wait for one peer, at least TEREDO_MTU */
	uint32_t queues;		   /* and for all */
	uint32_t tests;			   /* connectivity tests and bubbles a second that strangers can cause */
	uint32_t echoes;		   /* echo requests a second that are answered */
};

/* The defaults: one server pair is still to be named. borrows */
struct teredo_client_config teredo_client_defaults(const struct ponto_alloc *alloc, const struct ponto_random *random);

/* The port a datagram comes in by or leaves from: the service port, one that OPEN opened, or the discovery group. */
#define TEREDO_VIA_SERVICE 0
#define TEREDO_VIA_GROUP 255

struct teredo_received {
	struct teredo_endpoint from;
	uint8_t via;
	struct ponto_bytes data;
};

/* Lent to the engine, which fills all but cap. */
struct teredo_slot {
	uint8_t data[TEREDO_AUTH_MAX + TEREDO_MTU];
	size_t len;
	struct teredo_endpoint to;
	uint8_t via;
	uint8_t ttl; /* 0: the usual */
};

enum teredo_delivery_kind {
	TEREDO_DELIVERY_DATAGRAM = 1,
	TEREDO_DELIVERY_ERROR, /* a datagram of ours did not arrive: udp.from is our port, udp.to the peer's */
	TEREDO_DELIVERY_PACKET, /* TCP, or an ICMPv6 error about it: packet, for a stack that keeps streams; with WHOLE
				   whatever is neither a datagram nor an error about one */
};

/* What is for an application. Views into what was received. */
struct teredo_delivery {
	uint8_t kind;
	struct teredo_ip6 peer;
	struct teredo_udp udp;
	uint8_t hop_limit, ecn;
	uint32_t mtu; /* ERROR: not 0 when it was too big */
	struct ponto_bytes packet; /* PACKET, with WHOLE all: with its IPv6 header, without trailers */
};

enum teredo_client_state {
	TEREDO_INITIAL = 0,
	TEREDO_STARTING,
	TEREDO_QUALIFIED,
	TEREDO_OFFLINE, /* tries again by itself */
};

enum teredo_nat {
	TEREDO_NAT_UNKNOWN = 0,
	TEREDO_NAT_CONE,
	TEREDO_NAT_RESTRICTED,
	TEREDO_NAT_SYMMETRIC,
};

enum teredo_effect_kind {
	TEREDO_EFFECT_ADDRESS = 1, /* the address changed: see status */
	TEREDO_EFFECT_UNREACHABLE, /* what waited for a peer was dropped */
	TEREDO_EFFECT_OPEN,	   /* open local port `port` and tell teredo_client_opened; it is `via` from then on */
	TEREDO_EFFECT_CLOSE,	   /* close it */
	TEREDO_EFFECT_MAP,	   /* ask the NAT for port `port`, then teredo_client_mapped */
	TEREDO_EFFECT_UNMAP,	   /* and end that */
	TEREDO_EFFECT_KEY,	   /* the server wants the key renewed */
};

struct teredo_effect {
	uint8_t kind;
	uint8_t via;   /* OPEN, CLOSE */
	uint16_t port; /* OPEN, MAP, UNMAP */
	struct teredo_ip6 peer;
};

struct teredo_client_status {
	enum teredo_client_state state;
	enum teredo_nat nat;
	bool has_address; /* also while Off-line, as long as peers are heard */
	bool preserving;  /* the NAT keeps port numbers */
	bool single_nat;  /* UPNP: the mapping of the NAT asked is the one that servers see */
	bool renew;	  /* the last valid answer asked for a new key */
	struct teredo_ip6 address;
	struct teredo_endpoint mapped;
	struct teredo_pair server;
	uint64_t interaction; /* when the server was last heard */
	uint64_t refresh;     /* the interval in use: the one configured, or a longer one that was found */
	bool searching;	      /* for that */
	uint32_t peers, trusted, queued;
};

struct teredo_client_stats {
	uint64_t malformed; /* not an encapsulated IPv6 packet, or a trailer that has it discarded */
	uint64_t foreign;   /* not for our address */
	uint64_t refused;   /* not believed */
	uint64_t limited;   /* a limit of rate or memory */
	uint64_t fragments; /* not put together */
	uint64_t solicitations, advertisements, bad_advertisements;
	uint64_t direct, indirect, echoes; /* sent */
	uint64_t delivered, errors, sent, queued, dropped;
	uint64_t changes; /* of the address */
};

/* PONTO_EINVAL: a setting out of its range. copies */
PONTO_MUST_CHECK int teredo_client_create(const struct teredo_client_config *config, struct teredo_client **out);
void teredo_client_destroy(struct teredo_client *c); /* accepts NULL */

/* The service port's own address, and the attached subnets (the first TEREDO_SUBNETS_MAX). Another one than before
 * begins qualification anew; so does the first. copies */
void teredo_client_local(struct teredo_client *c, uint64_t now, const struct teredo_endpoint *local,
			 const struct teredo_subnet *subnets, size_t count);

/* Ends it: no address, nothing more to send; UNMAP may come. teredo_client_local starts again. */
void teredo_client_stop(struct teredo_client *c);

/* 1: out is for an application; 0: nothing is. borrows; out has views into the datagram */
int teredo_client_input(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
			struct teredo_delivery *out);

/* An application's datagram to peer. 1: it is in slot, to be sent; 0: it waits for the peer; PONTO_ELIMIT: more than
 * TEREDO_UDP_MAX bytes; PONTO_EUNREACH: no address, or the peer cannot be reached; PONTO_EBUSY: too much waits;
 * PONTO_ENOMEM. copies */
int teredo_client_send(struct teredo_client *c, uint64_t now, const struct teredo_ip6 *peer,
		       const struct teredo_udp *udp, uint8_t hop_limit, uint8_t ecn, struct teredo_slot *slot);

/* A whole IPv6 packet from our address, of a stack that keeps streams: the same, by where it goes. PONTO_EINVAL: it is none,
 * or, without WHOLE, not TCP; PONTO_ELIMIT: more than TEREDO_MTU bytes. copies */
int teredo_client_send_packet(struct teredo_client *c, uint64_t now, struct ponto_bytes packet, struct teredo_slot *slot);

/* Whether an application may be told of an error about a datagram to port udp.to: nobody listens. Answers peer with
 * Port Unreachable, within the limits. in is the datagram, whose delivery nobody took. */
void teredo_client_refuse(struct teredo_client *c, uint64_t now, const struct teredo_received *in);

/* 1 and the next datagram to send, or 0. */
int teredo_client_output(struct teredo_client *c, struct teredo_slot *slot);

/* 1 and the next effect, or 0. */
int teredo_client_effect(struct teredo_client *c, struct teredo_effect *out);

/* How OPEN went. */
void teredo_client_opened(struct teredo_client *c, uint64_t now, uint8_t via, int result);

/* How MAP went: external is the NAT's address and port. borrows */
void teredo_client_mapped(struct teredo_client *c, uint64_t now, int result, const struct teredo_endpoint *external);

/* A solicitation now, at any time. RFC 6081 5.1.1 */
void teredo_client_refresh(struct teredo_client *c, uint64_t now);

void teredo_client_advance(struct teredo_client *c, uint64_t now);
uint64_t teredo_client_deadline(const struct teredo_client *c);

void teredo_client_status(const struct teredo_client *c, struct teredo_client_status *out);
/* The peers by how they stand. */
struct teredo_census {
	uint32_t reached; /* trusted and heard within 30 s: sent to at once */
	uint32_t quiet;	  /* trusted, but silent since */
	uint32_t tried;	  /* not trusted, bubbles or tests are under way */
	uint32_t unreached;
	uint32_t relayed;   /* of all: native ones, behind a relay */
	uint32_t symmetric; /* of all: behind a symmetric NAT */
	uint32_t local;	    /* of all: on this link */
};

void teredo_client_census(const struct teredo_client *c, uint64_t now, struct teredo_census *out);
const struct teredo_client_stats *teredo_client_stats(const struct teredo_client *c);
const char *teredo_client_state_name(enum teredo_client_state state);
const char *teredo_nat_name(enum teredo_nat nat);

/* A peer as it stands. PONTO_ENOENT: there is none. */
struct teredo_peer_info {
	bool trusted, local, symmetric;
	struct teredo_endpoint endpoint, local_endpoint;
	uint64_t received, transmitted;
	uint8_t bubbles; /* rounds since the last direct answer, within 300 s */
	uint32_t queued; /* bytes */
	uint8_t via;	 /* the port it is spoken to from */
};
PONTO_MUST_CHECK int teredo_client_peer(const struct teredo_client *c, const struct teredo_ip6 *ip,
					struct teredo_peer_info *out);

#ifdef __cplusplus
}
#endif
#endif
