/* Teredo: the server: qualification of clients, bubbles and echoes on their way.
 *
 * Pure, and stateless towards clients: one datagram comes in, at most one goes
 * out, and what memory there is (keys, the limits' counters) is of a size given
 * at creation. RFC 4380 5.3, 5.2.2; RFC 5991 3.2; RFC 6081 4. */
#ifndef ENGINES_TEREDO_TEREDO_SERVER_H
#define ENGINES_TEREDO_TEREDO_SERVER_H

#include "engines/teredo/teredo_auth.h"
#include "engines/teredo/teredo_limit.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEREDO_SERVER_SUBNETS_MAX 64
#define TEREDO_SERVER_KEYS_MAX (UINT32_C(1) << 20)
#define TEREDO_SERVER_EXTRA_MAX 1232 /* most that may be relayed behind an IPv6 header */
/* Room for whatever it sends. */
#define TEREDO_SERVER_OUTPUT_MAX (TEREDO_AUTH_MAX + TEREDO_ORIGIN + TEREDO_MTU)

/* What a client may be known by, RFC 4380 5.2.2. */
struct teredo_key {
	struct ponto_bytes id, secret; /* 1..255 bytes; any */
	uint8_t algo;		       /* enum teredo_algo */
	bool expired;		       /* still served, and told to get a new one */
};

struct teredo_server_config {
	const struct ponto_alloc *alloc;
	const struct ponto_random *random; /* used at creation only */
	uint32_t primary;		   /* told to clients, and the source of what is relayed */
	uint32_t secondary;		   /* 0: none; then solicitations with the cone bit stay without answer */
	const struct teredo_key *keys;	   /* copied */
	size_t key_count;
	bool secure;	    /* only clients with one of the keys are served */
	bool tolerant;	    /* bubbles of a client that comes from another port than its address says: symmetric NATs */
	bool native;	    /* IPv6 packets for native hosts are wanted */
	uint16_t extra_max; /* bytes of an ICMPv6 message, or of trailers, at most TEREDO_SERVER_EXTRA_MAX */
	struct teredo_limit_config limit; /* of datagrams from one IPv4 address, and of those to one */
};

enum teredo_server_kind {
	TEREDO_SERVER_NOTHING = 0,
	TEREDO_SERVER_ADVERTISEMENT, /* a datagram */
	TEREDO_SERVER_RELAYED,	     /* a datagram */
	TEREDO_SERVER_NATIVE,	     /* an IPv6 packet for IPv6 routing */
};

/* Why nothing is sent. */
enum teredo_server_refusal {
	TEREDO_REFUSED_MALFORMED = 0,	/* not the encapsulation, or no valid message in it */
	TEREDO_REFUSED_KIND,		/* neither bubble nor echo nor solicitation */
	TEREDO_REFUSED_LARGE,		/* more than extra_max */
	TEREDO_REFUSED_SOURCE,		/* the IPv4 source is not global unicast */
	TEREDO_REFUSED_LOOP,		/* from this server, or to it */
	TEREDO_REFUSED_MISMATCH,	/* the Teredo source does not fit the IPv4 source and port */
	TEREDO_REFUSED_FOREIGN,		/* neither from a client nor to one of this server's */
	TEREDO_REFUSED_UNAUTHENTICATED, /* no key, or a value that does not fit */
	TEREDO_REFUSED_CONE,		/* there is no second address to answer from */
	TEREDO_REFUSED_DESTINATION,	/* the IPv4 inside the destination is not global unicast, or has no port */
	TEREDO_REFUSED_SCOPE,		/* the IPv6 destination is not of global scope */
	TEREDO_REFUSED_NATIVE,		/* no way to native hosts */
	TEREDO_REFUSED_LIMIT,		/* too many */
	TEREDO_REFUSALS
};

struct teredo_server_output {
	uint8_t kind;		   /* enum teredo_server_kind */
	uint8_t refusal;	   /* enum teredo_server_refusal, of NOTHING */
	uint32_t from;		   /* datagrams: the own address, port TEREDO_PORT */
	struct teredo_endpoint to; /* datagrams */
	size_t len;		   /* bytes in the buffer */
};

struct teredo_server_stats {
	uint64_t received, advertised, relayed, native;
	uint64_t refused[TEREDO_REFUSALS];
};

struct teredo_server;

/* PONTO_EINVAL: addresses that are not global unicast or equal; secure without keys; an identifier that is empty, too
 * long or there twice; a limit. PONTO_ENOMEM. copies config. gives */
PONTO_MUST_CHECK int teredo_server_create(const struct teredo_server_config *config, struct teredo_server **out);
void teredo_server_destroy(struct teredo_server *server); /* accepts NULL */

/* The attached subnets, the first TEREDO_SERVER_SUBNETS_MAX: nothing is sent to their broadcast addresses. copies */
void teredo_server_subnets(struct teredo_server *server, const struct teredo_subnet *subnets, size_t count);

/* The limits of each address from now on. PONTO_EINVAL: no burst */
PONTO_MUST_CHECK int teredo_server_limit(struct teredo_server *server, uint32_t rate, uint32_t burst);

/* A datagram from an endpoint to one of the server's addresses, port TEREDO_PORT. buf holds what is to be sent: at
 * least TEREDO_SERVER_OUTPUT_MAX bytes. borrows all */
void teredo_server_input(struct teredo_server *server, uint64_t now, const struct teredo_endpoint *from, uint32_t to,
			 struct ponto_bytes datagram, uint8_t *buf, struct teredo_server_output *out);

/* To be called, or not, for each of several datagrams before the first of them is given to input: what they need is
 * fetched meanwhile. */
void teredo_server_ahead(const struct teredo_server *server, const struct teredo_endpoint *from,
			 struct ponto_bytes datagram);

void teredo_server_stats(const struct teredo_server *server, struct teredo_server_stats *out);

/* A word for a refusal: "malformed". Static storage. */
const char *teredo_server_refusal_name(enum teredo_server_refusal refusal);

#ifdef __cplusplus
}
#endif
#endif
