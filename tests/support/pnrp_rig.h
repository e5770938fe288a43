/* Ponto tests: one PNRP engine and hand-made peers: what it sends is kept, what it receives is built here.
 * Signatures are those of pnrp_world. */
#ifndef PONTO_TESTS_SUPPORT_PNRP_RIG_H
#define PONTO_TESTS_SUPPORT_PNRP_RIG_H

#include "engines/pnrp/pnrp_codec.h"
#include "engines/pnrp/pnrp_cpa.h"
#include "engines/pnrp/pnrp_name.h"
#include "tests/support/pnrp_world.h"

struct rig_datagram {
	struct rig_datagram *next;
	struct ponto_addr to, from;
	uint64_t at;
	struct pnrp_message m; /* its views show bytes */
	size_t len;
	uint8_t bytes[PNRP_MESSAGE_MAX];
};

struct rig {
	struct ponto_test_alloc alloc;
	struct ponto_test_random random;
	struct pnrp_engine *engine;
	struct ponto_addr local;
	uint64_t now;
	uint32_t next_id;
	struct rig_datagram *out, *taken; /* sent by the engine, oldest first; and those looked at */
	bool hold_jobs;			  /* SIGN and VERIFY wait in held */
	struct pnrp_effect held[16];
	size_t held_count;
	int verify_result; /* instead of the truth unless 0 */
	/* counted effects */
	unsigned signs, verifies, published, unpublished, remembered, resolved, unresolved, discovers;
	unsigned sources; /* of the last DISCOVER */
	enum pnrp_cloud_state cloud;
	unsigned cloud_changes;
	enum pnrp_registration_state registration;
	uint64_t registration_handle;
	struct pnrp_match match;
	int result;
	uint32_t walks;
	struct pnrp_trace trace[WORLD_TRACES];
	size_t traces;
	bool quiet_discovery; /* DISCOVER is not answered */
};

/* A publisher played by the test. */
struct rig_peer {
	struct ponto_addr addr;
	struct pnrp_name name;
	uint64_t identity;
	uint8_t location[PNRP_LOCATION_SIZE];
	struct ring_id id;
};

/* configure may be NULL. gives; the cloud is not open */
struct rig *rig_new(void (*configure)(struct pnrp_engine_config *config));
void rig_free(struct rig *r);

/* A rig whose cloud is open and that has asked nobody. */
struct rig *rig_open(void);

/* The address of peer number n: 2001:db8:1000:<n>::1 port 4000. */
struct ponto_addr rig_addr(unsigned n);
struct ring_endpoint;
struct pnrp_ipv6_endpoint rig_endpoint(const struct ponto_addr *a);

/* A peer with this name whose ID's low half is location. */
struct rig_peer rig_peer(unsigned n, const char *name, const uint8_t location[PNRP_LOCATION_SIZE]);
void rig_peer_route(const struct rig_peer *p, struct pnrp_route_entry *out);

/* A route entry without publisher: any ID, at peer number n. */
void rig_route(const struct ring_id *id, unsigned n, struct pnrp_route_entry *out);
struct ring_id rig_id(uint8_t first, uint8_t last);

/* Gives m a new Message ID, encodes and delivers it; returns the ID. */
uint32_t rig_send(struct rig *r, const struct ponto_addr *from, struct pnrp_message *m);
void rig_deliver(struct rig *r, const struct ponto_addr *from, struct ponto_bytes bytes);

/* Moves effects and output. */
void rig_pump(struct rig *r);

/* Completes what was held. */
void rig_complete(struct rig *r, size_t index, int result);

/* Lets time pass. */
void rig_run(struct rig *r, uint64_t duration);

/* The oldest datagram of a type not taken yet; NULL when there is none. Lives as long as the rig. */
struct rig_datagram *rig_take(struct rig *r, uint8_t type);
size_t rig_count(const struct rig *r, uint8_t type);
void rig_forget(struct rig *r);

/* Delivers one AUTHORITY, or as many as the buffer needs. */
void rig_answer(struct rig *r, const struct rig_datagram *question, const struct pnrp_authority_buffer *b);
/* If the engine asks whether a peer is there before it tells much, it is. */
void rig_meet_challenge(struct rig *r);
void rig_answer_flags(struct rig *r, const struct rig_datagram *question, bool not_found);

/* Changes a CPA before it is signed, or its bytes after. */
struct rig_forgery {
	void (*cpa)(struct pnrp_cpa *cpa);
	void (*route)(struct pnrp_route_entry *route);
	bool bad_signature, no_cpa, other_key, with_chain;
	struct ponto_bytes chain; /* instead of the one of with_chain */
	bool empty_chain, little_classifier, foreign_classifier, no_classifier, no_route;
	bool with_payload, bad_payload_signature, late_payload, foreign_payload_nonce, foreign_payload_id;
};

/* Answers an INQUIRE as p would. forgery may be NULL */
void rig_certify(struct rig *r, const struct rig_datagram *inquire, const struct rig_peer *p,
		 const struct rig_forgery *forgery);

/* A revoke CPA of p. Returns its length. */
size_t rig_revoke(const struct rig_peer *p, uint8_t out[PNRP_CPA_MAX]);

/* Has the engine cache entries: known from before, or by a FLOOD; an INQUIRE, the answer. */
void rig_learn(struct rig *r, const struct ring_id *id, unsigned n);
void rig_learn_peer(struct rig *r, const struct rig_peer *p);
bool rig_knows(const struct rig *r, const struct ring_id *id);
size_t rig_known(const struct rig *r);
bool rig_is_leaf(const struct rig *r, const struct ring_id *id);

/* Registers "0.local" (identity 1) with the location prefix 0x4000000000000000; returns the handle. */
uint64_t rig_register(struct rig *r, struct ring_id *id);

/* A neighbour of id: same name, the low half of the ID steps away. */
struct rig_peer rig_neighbour(unsigned n, const struct ring_id *id, int steps);

uint64_t rig_resolve(struct rig *r, const char *name);

#endif
