/* Ponto fuzzing: the peers of a PNRP engine: sixteen publishers with names, keys and places, and what they say, right
 * or wrong in chosen ways. Stateless: what a peer would have to remember it works out again. */
#ifndef PONTO_TESTS_FUZZ_PNRP_ACTOR_H
#define PONTO_TESTS_FUZZ_PNRP_ACTOR_H

#include "engines/pnrp/pnrp_cpa.h"
#include "tests/fuzz/pnrp_host.h"

#define PNRP_ACTORS 16

/* Numbers 0 to 5 are neighbours of what a host registers as "0.local"; 6 and 7 have secured names, 8 a delegated one;
 * 9 to 11 are called "0.other"; each of the rest has a name of its own. */
struct pnrp_actor {
	struct ponto_addr addr;
	struct pnrp_name name;
	uint64_t identity;
	uint8_t location[PNRP_LOCATION_SIZE];
	struct ring_id id;
};

/* The identity whose key gives the authority of delegated names. */
#define PNRP_ACTOR_ROOT 900

/* Static storage. n is taken modulo PNRP_ACTORS */
const struct pnrp_actor *pnrp_actor(const struct pnrp_wire *wire, unsigned n);

/* By ID, or by where it listens; NULL: nobody. */
const struct pnrp_actor *pnrp_actor_of(const struct pnrp_wire *wire, const struct ring_id *id);
const struct pnrp_actor *pnrp_actor_at(const struct pnrp_wire *wire, const struct ponto_addr *addr);

/* "<authority>.classifier" of an identity's key. */
void pnrp_actor_secured(const struct pnrp_wire *wire, uint64_t identity, const char *classifier,
			char out[PNRP_NAME_TEXT]);

/* What is wrong, or unusual, in an answer. Bits. */
enum pnrp_fault {
	PNRP_FAULT_SIGNATURE,
	PNRP_FAULT_OTHER_KEY,
	PNRP_FAULT_LATE,
	PNRP_FAULT_NONCE,
	PNRP_FAULT_LOCATION,
	PNRP_FAULT_AUTHORITY, /* none in the CPA */
	PNRP_FAULT_NO_CLASSIFIER,
	PNRP_FAULT_LITTLE_CLASSIFIER, /* the other byte order */
	PNRP_FAULT_FOREIGN_CLASSIFIER,
	PNRP_FAULT_NO_CLASSIFIER_HASH,
	PNRP_FAULT_CHAIN, /* of one small datagram */
	PNRP_FAULT_LONG_CHAIN,
	PNRP_FAULT_LONGEST_CHAIN,
	PNRP_FAULT_EMPTY_CHAIN,
	PNRP_FAULT_BAD_CHAIN,
	PNRP_FAULT_PAYLOAD, /* binary */
	PNRP_FAULT_PAYLOAD_UTF8,
	PNRP_FAULT_PAYLOAD_UTF16,
	PNRP_FAULT_PAYLOAD_LONGEST,
	PNRP_FAULT_PAYLOAD_SIGNATURE,
	PNRP_FAULT_PAYLOAD_LATE,
	PNRP_FAULT_PAYLOAD_NONCE,
	PNRP_FAULT_PAYLOAD_ID,
	PNRP_FAULT_FRIENDLY_UTF8,
	PNRP_FAULT_FRIENDLY_UTF16,
	PNRP_FAULT_REVOKE,
	PNRP_FAULT_NO_CPA,
	PNRP_FAULT_NOT_FOUND, /* flag N */
	PNRP_FAULT_BUSY,      /* flag B */
	PNRP_FAULT_LEAF_SET,  /* flag L */
	PNRP_FAULT_ROUTE_ID,
	PNRP_FAULT_NO_ROUTE,
	PNRP_FAULT_SERVICES, /* other addresses in the CPA */
	PNRP_FAULT_MORE_SERVICES,
	PNRP_FAULT_READING, /* location least significant byte last */
	PNRP_FAULTS
};

#define PNRP_FAULT_BIT(fault) (UINT64_C(1) << (fault))

struct pnrp_saying {
	const struct pnrp_wire *wire;
	const struct pnrp_actor *actor;
	uint64_t now;	 /* for Not After */
	uint64_t faults; /* PNRP_FAULT_BIT */
};

/* A signed CPA. nonce NULL: of a revoke. Returns its length, 0 when the faults make none. */
size_t pnrp_actor_cpa(const struct pnrp_saying *s, const uint8_t *nonce, uint8_t out[PNRP_CPA_MAX]);

/* The answer to an INQUIRE for the CPA. Returns its length, 0 when the faults make none. */
size_t pnrp_actor_certificate(const struct pnrp_saying *s, const uint8_t nonce[PNRP_NONCE_SIZE],
			      uint8_t out[PNRP_AUTHORITY_MAX]);

/* An answer without certificate; route may be NULL. */
size_t pnrp_actor_flags(const struct pnrp_saying *s, const struct pnrp_route_entry *route,
			uint8_t out[PNRP_AUTHORITY_MAX]);

/* How a route entry names its node's place. */
enum pnrp_place {
	PNRP_PLACE_RIGHT,
	PNRP_PLACE_ELSEWHERE,
	PNRP_PLACE_MANY, /* twenty addresses */
	PNRP_PLACE_LINK_LOCAL,
	PNRP_PLACE_MIXED, /* the right one is the second */
	PNRP_PLACE_MULTICAST,
	PNRP_PLACE_ASKER, /* the host's own */
	PNRP_PLACES
};

/* id at the place of the actor. asker: used by PNRP_PLACE_ASKER. borrows */
void pnrp_actor_route(const struct pnrp_actor *a, const struct ring_id *id, enum pnrp_place place,
		      const struct ponto_addr *asker, struct pnrp_route_entry *out);

#endif
