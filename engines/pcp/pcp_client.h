/* PCP: a client of one mapping: asks, repeats, renews, follows, gives it back.
 *
 * Pure, and without memory of its own. Not for sharing between threads.
 * RFC 6887 8, 9, 11, 14.1, 15, 16. */
#ifndef ENGINES_PCP_PCP_CLIENT_H
#define ENGINES_PCP_PCP_CLIENT_H

#include "engines/pcp/pcp_codec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PCP_LIFETIME_MIN 120u	/* 15: a server grants no less */
#define PCP_LIFETIME_MAX 86400u /* 15: a client believes no more */
#define PCP_ERROR_MIN 30u	/* 7.4: how long short and long errors stand */
#define PCP_ERROR_MAX 1800u

/* Whether a server went on counting since it was last heard. 8.5 */
struct pcp_epoch {
	bool known;
	uint32_t server; /* seconds */
	uint64_t client; /* microseconds */
};

/* False: the server has lost its state. Remembers the time either way. */
bool pcp_epoch_follows(struct pcp_epoch *e, uint64_t now, uint32_t server);

struct pcp_client_config {
	const struct ponto_random *random; /* fit for nonces */
	struct ponto_addr server;	   /* with its port */
	struct ponto_addr client;	   /* the own address, and the port to be mapped */
	uint8_t protocol;		   /* 6 or 17 */
	uint16_t external_port;		   /* suggested; 0: any */
	bool exact;			   /* that port or none: PREFER_FAILURE */
	uint32_t lifetime;		   /* seconds wanted, 1..PCP_LIFETIME_MAX */
};

enum pcp_state {
	PCP_ASKING = 0,
	PCP_HELD,
	PCP_REFUSED,
	PCP_FOREIGN, /* whoever answers speaks another version; ended */
	PCP_RELEASED,
};

struct pcp_client {
	struct pcp_client_config config;
	enum pcp_state state;
	uint8_t nonce[PCP_NONCE];
	struct pcp_epoch epoch;
	uint64_t expires;	  /* of the mapping */
	uint64_t renew_at;	  /* when it is asked for again; PONTO_NEVER while that is done */
	uint64_t send_at;	  /* PONTO_NEVER: nothing to say */
	uint64_t interval;	  /* of the last repetition; 0: none yet */
	struct ponto_addr external;
	uint32_t granted;	  /* seconds */
	uint8_t result;		  /* of the last answer */
	uint8_t foreign_version;
	bool planned;		  /* what is to be sent is a renewal, repeated at renew_at */
	uint8_t renewals;	  /* since it was granted, unanswered */
	uint32_t sent, answered, ignored, resets;
};

/* PONTO_EINVAL: a setting out of its range. Asks at once. copies */
PONTO_MUST_CHECK int pcp_client_init(struct pcp_client *c, const struct pcp_client_config *config, uint64_t now);

/* A datagram. multicast: it came to a group. 1: it changed something, see the members; 0: it did not. borrows */
int pcp_client_input(struct pcp_client *c, uint64_t now, const struct ponto_addr *from, bool multicast,
		     struct ponto_bytes data);

/* 1 and a request for config.server in out, of *len bytes; or 0. */
int pcp_client_output(struct pcp_client *c, uint64_t now, uint8_t out[PCP_MAX], size_t *len);

/* Ends it: a mapping that may be there is given back by one more request. */
void pcp_client_release(struct pcp_client *c, uint64_t now);

/* Asked again now: the network or what is behind the NAT changed. */
void pcp_client_renew(struct pcp_client *c, uint64_t now);

/* What is due. 1: the state changed. */
int pcp_client_advance(struct pcp_client *c, uint64_t now);
uint64_t pcp_client_deadline(const struct pcp_client *c);

#ifdef __cplusplus
}
#endif
#endif
