/* Teredo: what the files of the client share. RFC 4380 5.2; RFC 6081 5. */
#ifndef ENGINES_TEREDO_TEREDO_STATE_H
#define ENGINES_TEREDO_TEREDO_STATE_H

#include "engines/teredo/teredo_client.h"
#include "engines/teredo/teredo_icmp.h"
#include "engines/teredo/teredo_trailer.h"

#define PEER_VALID (30 * PONTO_SECOND)	 /* RFC 4380 5.2.4 */
#define PEER_LOCAL (600 * PONTO_SECOND)	 /* 5.2.4 case 3 */
#define RETRY (2 * PONTO_SECOND)	 /* 5.2.4, 5.2.6 */
#define ROUNDS 4			 /* the first and three repetitions */
#define WINDOW (300 * PONTO_SECOND)	 /* 5.2.6 */
#define SOLICITATIONS 3			 /* RFC 6081 5.7.2 */
#define PEER_REFRESH (30 * PONTO_SECOND) /* RFC 6081 5.4.2.1 */
#define PEER_REFRESHES 20
#define BUBBLE_HOP_LIMIT 255
#define BUBBLE_ECHO_BYTES 56u /* of a connectivity test: headers and a nonce */
#define EFFECTS_MAX 256

/* A datagram that waits: for its peer, or for the next output. */
struct pending {
	struct pending *next;
	struct teredo_endpoint to;
	uint8_t via, ttl;
	uint16_t len;
	uint8_t data[];
};

struct pending_list {
	struct pending *head, **tail;
	uint32_t bytes;
};

/* What is being tried to reach a peer. */
enum effort {
	EFFORT_NONE = 0,
	EFFORT_BUBBLE,	/* direct and indirect bubbles */
	EFFORT_ECHO,	/* the direct IPv6 connectivity test */
	EFFORT_LOCAL,	/* bubbles to its local endpoint */
	EFFORT_SOLICIT, /* is it still there? RFC 6081 5.7 */
};

struct peer {
	struct teredo_ip6 ip;
	struct peer *chain;	    /* of the hash table */
	struct peer *older, *newer; /* of its list */
	size_t heap_index;	    /* 1.. while it is due for something; 0 otherwise */
	uint64_t due;

	struct teredo_endpoint endpoint; /* where it is, or where its address says */
	struct teredo_endpoint local;
	bool trusted, symmetric;
	bool ours; /* we wanted to speak with it, or it gave a nonce of ours back: no stranger's doing */
	uint8_t effort;	    /* enum effort */
	uint8_t tries;	    /* of it */
	uint64_t effort_at; /* the next one */
	uint64_t received, transmitted, discovered;
	uint64_t tested;   /* when strangers last had us test it or answer */
	uint16_t paid;	   /* bytes from its unknown endpoint that have not been answered by a test */
	uint64_t round_at; /* the last round of bubbles */
	uint64_t window;   /* the first of those counted */
	uint8_t rounds;
	bool has_round, has_local, was_tested;
	bool nonce_sent_set, nonce_received_set;
	uint32_t nonce_sent, nonce_received; /* RFC 6081 5.2.1 */
	uint8_t echo_nonce[8];
	bool echoing;
	struct pending_list queue;

	/* RFC 6081 5.4.1, 5.5.1 */
	uint8_t via;	    /* its random port; 0: none */
	uint16_t predicted; /* and the external one, 0: not known */
	uint16_t peer_port; /* what it announced */
	bool direct_primary, direct_random, indirect_waits;
	bool no_alternates; /* it told none itself: it looks at none, RFC 6081 5.6.4.2 */
	uint8_t refreshes;
	uint64_t refresh_at, data_at;
	uint8_t test_nonce[2][TEREDO_NONCE];
	uint16_t test_port[2];
	uint8_t tests;
	uint64_t failover_at;
};

struct peer_list {
	struct peer *oldest, *newest;
	uint32_t count;
};

/* The lists, by who is displaced first. Whoever forges a source is trusted there and can make any number of such
 * strangers: those displace each other alone. */
enum standing { STANDING_STRANGER = 0, STANDING_WANTED, STANDING_TRUSTED, STANDINGS };

enum phase {
	PHASE_IDLE = 0,
	PHASE_MAP, /* RFC 6081 5.3.3: the NAT is asked for a port first */
	PHASE_CONE,
	PHASE_PRIMARY,
	PHASE_SECONDARY,
	PHASE_MAINTAIN, /* qualified, a solicitation is under way */
	PHASE_REST,	/* qualified or Off-line, none is */
};

/* So many a second, and a second's worth at once. What is used up comes back evenly: who tries again after whole
 * seconds must not always come too late. */
struct bucket {
	uint64_t at; /* when it was as full as left says */
	uint32_t rate, left;
};

/* RFC 4380 5.2.7 */
enum search_stage { SEARCH_OFF = 0, SEARCH_OPENING, SEARCH_ASKING, SEARCH_WAITING, SEARCH_PROBING };

struct search {
	enum search_stage stage;
	bool unwanted; /* the port is still being opened */
	uint8_t tries; /* of the stage */
	uint64_t at;   /* when it goes on by itself */
	uint64_t candidate, maximum;
	struct teredo_ip6 address; /* the secondary one */
	uint8_t nonce[TEREDO_NONCE];
};

#define VIA_SECONDARY TEREDO_PORTS_MAX /* its port, which is no peer's while the feature is on */

struct port {
	struct peer *peer;
	uint16_t number;
	uint8_t attempts;
	uint64_t since;
	bool used, open;
};

struct teredo_client {
	struct teredo_client_config config; /* id and secret are its own */
	uint8_t *id, *secret;
	struct teredo_client_stats stats;

	/* qualification */
	enum teredo_client_state state;
	enum teredo_nat nat;
	enum phase phase;
	bool has_local, has_address, cone, preserving, renew;
	struct teredo_endpoint local;
	struct teredo_subnet subnets[TEREDO_SUBNETS_MAX];
	size_t subnet_count;
	size_t server;			  /* index of the one in use */
	struct teredo_endpoint candidate; /* what the primary said */
	struct teredo_endpoint mapped;
	struct teredo_ip6 address;
	struct teredo_pair home; /* the server of the address */
	uint8_t nonce[TEREDO_NONCE];
	struct teredo_ip6 asked_from; /* source of the solicitation under way */
	uint32_t asked;
	uint8_t tries;
	uint64_t phase_at; /* when the phase goes on by itself */
	uint64_t failures;
	uint64_t interaction;
	uint64_t discovery_at;

	uint64_t refresh; /* the interval in use */
	struct search search;

	/* UPNP */
	bool upnp; /* the NAT keeps a port for us */
	bool mapping_asked;
	struct teredo_endpoint upnp_mapped; /* port 0: none, or the only NAT */

	/* peers */
	struct peer **buckets;
	size_t bucket_count;
	uint8_t hash_key[16];
	struct peer **heap; /* from 1 on */
	size_t heap_count;
	struct peer_list lists[STANDINGS];
	uint32_t trusted_count;
	uint32_t queued;

	struct pending_list out;
	struct bucket tests, relayed, echoes; /* relayed: by the server, so that no direct flood keeps those out */
	struct port ports[TEREDO_PORTS_MAX + 1]; /* from 1 on */

	struct teredo_effect effects[EFFECTS_MAX];
	size_t effect_head, effect_count;
	bool address_changed, key_changed;
};

static inline bool has(const struct teredo_client *c, unsigned feature)
{
	return (c->config.features & feature) != 0;
}

/* ---- teredo_client.c ------------------------------------------------------------------- */

/* One more of what is limited. */
bool client_take(struct bucket *bucket, uint64_t now);
void client_effect(struct teredo_client *c, const struct teredo_effect *effect);
/* Copies what was written to the end of what goes out; drops it when there is too much of that or it failed. */
void client_emit(struct teredo_client *c, const struct ponto_writer *w, const struct teredo_endpoint *to, uint8_t via,
		 uint8_t ttl);
uint32_t client_nonce(struct teredo_client *c); /* not 0 */

/* ---- teredo_peer.c ------------------------------------------------------------------------ */

PONTO_MUST_CHECK int peers_init(struct teredo_client *c);
void peers_fini(struct teredo_client *c);
void peers_forget(struct teredo_client *c);
struct peer *peer_find(const struct teredo_client *c, const struct teredo_ip6 *ip);
/* Finds or makes one. A stranger takes the place of strangers only. NULL: no memory, or no place. */
struct peer *peer_get(struct teredo_client *c, uint64_t now, const struct teredo_ip6 *ip, bool stranger);
void peer_drop(struct teredo_client *c, struct peer *p);
/* It was used: the last of its list to go. */
void peer_touch(struct teredo_client *c, struct peer *p);
void peer_trust(struct teredo_client *c, struct peer *p, bool trusted);
/* It is no stranger any more. */
void peer_ours(struct teredo_client *c, struct peer *p);
/* Sets when it is due next, from its times. */
void peer_arm(struct teredo_client *c, struct peer *p);
struct peer *peer_due(const struct teredo_client *c); /* the first, or NULL */
uint32_t peer_count(const struct teredo_client *c);
static inline bool peer_valid(const struct peer *p, uint64_t now)
{
	return p->trusted && now - p->received < PEER_VALID;
}

static inline bool peer_silent(const struct peer *p, uint64_t now)
{
	return now - p->received >= PEER_VALID && now - p->transmitted >= PEER_VALID;
}

/* Queues a datagram; copies. PONTO_EBUSY, PONTO_ENOMEM */
PONTO_MUST_CHECK int peer_queue(struct teredo_client *c, struct peer *p, struct ponto_bytes data);
void peer_flush(struct teredo_client *c, struct peer *p, uint64_t now);
void peer_drop_queue(struct teredo_client *c, struct peer *p);
void pending_init(struct pending_list *list);
void pending_clear(struct teredo_client *c, struct pending_list *list);
struct pending *pending_new(struct teredo_client *c, struct ponto_bytes data);
void pending_add(struct pending_list *list, struct pending *one);

/* ---- teredo_qualify.c -------------------------------------------------------------------------- */

void qualify_start(struct teredo_client *c, uint64_t now);
void qualify_advance(struct teredo_client *c, uint64_t now);
/* True when the packet is an advertisement, believed or not. */
bool qualify_input(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
		   const struct teredo_packet *p);
void qualify_withdraw(struct teredo_client *c);
/* The NAT answered to MAP, or will not. */
void qualify_mapped(struct teredo_client *c, uint64_t now);
/* A solicitation with that nonce, from a port. */
void qualify_solicit(struct teredo_client *c, uint32_t server, uint8_t via, const uint8_t nonce[TEREDO_NONCE]);
/* The checks that all advertisements pass. */
bool qualify_valid(const struct teredo_client *c, const struct teredo_packet *p, const uint8_t nonce[TEREDO_NONCE]);

/* ---- teredo_interval.c ------------------------------------------------------------------------- */

/* The interval configured, and the search for a longer one if that is wanted. */
void interval_begin(struct teredo_client *c);
void interval_stop(struct teredo_client *c);
/* The secondary port is open, or not. */
void interval_opened(struct teredo_client *c, uint64_t now, int result);
void interval_advance(struct teredo_client *c, uint64_t now);
/* What came by the secondary port. */
void interval_input(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
		    const struct teredo_packet *p);

/* ---- teredo_bubble.c ------------------------------------------------------------------------------ */

/* Where a peer is sent to. RFC 6081 5.3.4.2, 5.3.4.3 */
struct teredo_endpoint bubble_target(const struct teredo_client *c, const struct peer *p);
/* Whether what a Teredo address says may be sent to at all: mapped address, port and server. RFC 4380 5.2.4 */
bool bubble_possible(const struct teredo_client *c, const struct teredo_ip6 *ip);
/* May a round be sent now? RFC 4380 5.2.6 */
bool bubble_allowed(struct peer *p, uint64_t now);
/* Begins what leads to the peer, unless it is under way. PONTO_EUNREACH: it may not be tried (again) yet. */
PONTO_MUST_CHECK int bubble_begin(struct teredo_client *c, struct peer *p, uint64_t now);
/* The peer tries us after a silence: what was learnt or tried before, ports too, is not held against the new try. */
void bubble_outdated(struct teredo_client *c, struct peer *p, uint64_t now);
/* The next step of it. */
void bubble_advance(struct teredo_client *c, struct peer *p, uint64_t now);
/* One direct bubble; trailers may be NULL. */
void bubble_direct(struct teredo_client *c, const struct teredo_ip6 *to_ip, const struct teredo_endpoint *to,
		   uint8_t via, const struct teredo_trailers *trailers);
/* The same to a peer with all that there is to tell it, and another by random ports. RFC 6081 5.4.4.3 */
void bubble_direct_all(struct teredo_client *c, struct peer *p, const struct teredo_endpoint *to);
/* A bubble to the port that the peer announced, from our random one if there is one, RFC 6081 5.4.4.3; and from our
 * random one to its only one, when an indirect bubble came that announced none: else its NAT would let ours in but ours
 * not its own. Not earlier: a NAT may keep the port number for one destination only. */
void bubble_by_port(struct teredo_client *c, struct peer *p);
/* By way of its server: when the port for it is there; at once. */
void bubble_indirect(struct teredo_client *c, struct peer *p, uint64_t now);
void bubble_indirect_now(struct teredo_client *c, struct peer *p, uint64_t now);
void bubble_discovery(struct teredo_client *c);
/* Both halves of a round, which counts. */
void bubble_round(struct teredo_client *c, struct peer *p, uint64_t now, bool direct);

/* ---- teredo_receive.c -------------------------------------------------------------------------------- */

/* A peer proved that it is at an endpoint. */
void receive_trust(struct teredo_client *c, struct peer *p, uint64_t now, const struct teredo_endpoint *at,
		   uint8_t via);

/* ---- teredo_accept.c ------------------------------------------------------------------------------------ */

/* A packet that is believed: 1 when it is for an application. */
int accept_packet(struct teredo_client *c, uint64_t now, const struct teredo_packet *p,
		  const struct teredo_endpoint *back, uint8_t via, struct teredo_delivery *out);
/* An error about a packet of ours, from whomever: 1 when it is for an application. */
int accept_error(struct teredo_client *c, const struct teredo_received *in, const struct teredo_packet *p,
		 struct teredo_delivery *out);

/* ---- teredo_port.c ------------------------------------------------------------------------------------- */

/* Wants a random port for a peer: RFC 6081 5.4.4.2, 5.5.4.1. False: there is none to be had. */
bool port_want(struct teredo_client *c, struct peer *p, uint64_t now);
void port_close(struct teredo_client *c, struct peer *p);
/* Whether an indirect bubble to it waits for a port, or for a test of one. */
bool port_before_indirect(struct teredo_client *c, struct peer *p, uint64_t now);
/* What came by a random port is an advertisement: the answer to a test, believed or not. */
bool port_advertisement(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
			const struct teredo_packet *p);
void port_advance(struct teredo_client *c, struct peer *p, uint64_t now);
/* The peer announced one. RFC 6081 5.4.4.4 */
void port_announced(struct teredo_client *c, struct peer *p, uint64_t now, uint16_t port);

#endif
