/* Ponto PNRP engine, inside: what one engine is made of, and what its parts ask of each other.
 *
 * Included by the engine's own files only. Functions that cannot fail for their caller's purposes return void
 * and count what went wrong in the statistics: a peer will ask again. */
#ifndef ENGINES_PNRP_PNRP_STATE_H
#define ENGINES_PNRP_PNRP_STATE_H

#include "engines/pnrp/pnrp_codec.h"
#include "engines/pnrp/pnrp_cpa.h"
#include "engines/pnrp/pnrp_engine.h"
#include "engines/pnrp/pnrp_name.h"
#include "engines/ring/ring_cache.h"
#include "engines/ring/ring_conversation.h"
#include "engines/ring/ring_pending.h"
#include "engines/ring/ring_reassembly.h"
#include "engines/ring/ring_walk.h"

#define PNRP_MAINTENANCE (15 * PONTO_SECOND)  /* 3.1.2 */
#define PNRP_CLEANUP (15 * 60 * PONTO_SECOND) /* 3.1.2 */
#define PNRP_ADVERTISED 5		      /* IDs in an ADVERTISE, 3.2.5.3 */
#define PNRP_MULTICAST_TARGETS 5	      /* 3.1.5.1 */
#define PNRP_REMEMBERED_TARGETS 10	      /* 3.1.4.2, appendix A <2> */
#define PNRP_SYNCS_MAX 32
#define PNRP_PARTNERS 4
#define PNRP_SEEDS_MAX 16
#define PNRP_REFUSED_MAX 8 /* best matches of one resolve that were no good */
#define PNRP_EXCLUDE_MAX 32
#define PNRP_CHALLENGES_MAX 16
#define PNRP_HOST_ENTRIES 2    /* beyond the leaf sets, at one host */
#define PNRP_STRANGERS_LEVEL 5 /* a level beyond the leaf sets that has as many takes no more from strangers */
#define PNRP_TOLD_PER_SECOND 40 /* messages that answer REQUESTs, to one host */
#define PNRP_TOLD_BURST 160
#define PNRP_TOLD_HOSTS 64 /* that are told apart */
#define PNRP_PROBE UINT64_MAX  /* owner of an INQUIRE or FLOOD that asks whether an entry is still there */
#define PNRP_PROBE_AGAIN (UINT64_MAX - 1) /* owner of the INQUIRE after one that was not answered */
#define PNRP_CHALLENGE (UINT64_MAX - 2)	  /* owner of an INQUIRE that asks whether its addressee receives */

/* ---- parts -------------------------------------------------------------------- */

/* A datagram on its way out. */
struct pnrp_packet {
	struct pnrp_packet *next;
	struct ponto_addr to, from;
	uint16_t len;
	uint8_t bytes[];
};

/* A synchronisation this node has begun, 3.1.4.3. */
struct pnrp_sync {
	struct pnrp_sync *next;
	uint32_t solicit_id;
	bool discovery; /* part of a discovery round */
	uint8_t nonce[PNRP_NONCE_SIZE];
};

/* The Already Flooded List a route entry came with, and from whom. */
struct pnrp_flood_origin {
	struct ponto_addr from;
	uint8_t count;
	struct ring_endpoint list[PNRP_ENDPOINTS_MAX];
};

/* An entry of the Pending Route Entry Add List, 3.1.1. */
struct pnrp_add {
	struct pnrp_add *next;
	struct ring_route *route;
	struct pnrp_flood_origin *origin; /* NULL: not from a FLOOD */
	uint32_t inquire_id;
	bool need_cpa;
	bool stranger; /* it was not us who asked for it */
	uint64_t job;  /* verification under way, or 0 */
	uint8_t nonce[PNRP_NONCE_SIZE];
};

/* An INQUIRE whose answer waits for that. */
struct pnrp_challenge {
	struct pnrp_challenge *next;
	uint32_t question_id; /* of our INQUIRE */
	uint32_t inquire_id;  /* of the asker's */
	struct pnrp_inquire inquire;
	struct ponto_addr peer, local;
};

/* An entry of the Locally Registered PNRP ID List, 3.2.1; kept on until its revoke is out. */
struct pnrp_local {
	struct pnrp_local *next;
	uint64_t handle, token, identity;
	struct ring_id id;
	enum pnrp_registration_state state;
	bool changed;	/* a REGISTRATION effect is due */
	bool announced; /* a walk has reached others */
	bool revoking;
	bool stale;	    /* the walk under way tells of addresses that are no more */
	uint64_t walk;	    /* handle of the announcing resolve, or 0 */
	uint64_t walked_at; /* when the last one began */
	uint64_t walk_at;   /* when to announce again */
	uint64_t walk_interval;
	struct pnrp_name name;
	uint8_t location[PNRP_LOCATION_SIZE];
	uint8_t public_key[PNRP_KEY_MAX];
	uint8_t endpoint_count;
	uint8_t friendly_len; /* bytes of friendly_wire */
	bool friendly_utf8;   /* else UTF-16LE, when that is the only form that fits */
	enum pnrp_payload_type payload_type;
	struct pnrp_app_endpoint endpoints[PNRP_CPA_APPS_MAX];
	char friendly[PNRP_FRIENDLY_UNITS * 3 + 1]; /* UTF-8 */
	uint8_t friendly_wire[PNRP_FRIENDLY_NAME_MAX];
	size_t payload_len, chain_len;
	uint8_t *payload, *chain;				/* owned */
	struct ring_route *above[RING_LEAF], *below[RING_LEAF]; /* leaves at unregistration */
	uint8_t above_count, below_count;
};

enum pnrp_resolve_stage {
	PNRP_STAGE_WAITING,   /* for the first route entry */
	PNRP_STAGE_ASKING,    /* a LOOKUP is out */
	PNRP_STAGE_INQUIRING, /* an INQUIRE is out */
	PNRP_STAGE_VERIFYING, /* a VERIFY job is out */
	PNRP_STAGE_FINISHED,  /* the effect is due */
};

/* An entry of the Outstanding Resolves Table, 3.1.1. */
struct pnrp_resolve {
	struct pnrp_resolve *next;
	uint64_t handle, token;
	enum pnrp_resolve_stage stage;
	enum pnrp_reason reason;
	uint8_t criteria;
	uint16_t precision;
	bool include_local, trace, unverified; /* unverified: an answer did not verify */
	bool stopped;			       /* the walk has stopped, only best matches are tried */
	bool waited;			       /* it has waited for a round of discovery */
	bool best_known;		       /* the best match was cached before this walk met it */
	bool repeat;			       /* a split test that may lead to others */
	bool repeated;			       /* this walk has asked again who has the asked name */
	uint64_t begun, deadline;
	uint32_t restarts, walks;
	uint32_t last_id; /* LastSentMessageID */
	uint64_t asked_at;
	struct ponto_addr asked;
	uint32_t steps;
	uint64_t job;
	uint64_t local;		      /* registration this walk announces, or 0 */
	struct ring_route *own;	      /* the own route entry every LOOKUP carries, or NULL */
	struct ring_route *first_hop; /* where a test or an announcement begins, or NULL */
	uint8_t nonce[PNRP_NONCE_SIZE];
	uint8_t refused_count;
	uint8_t exclude_count;
	struct ring_walk walk;
	struct ring_id refused[PNRP_REFUSED_MAX];
	struct ring_id *exclude; /* owned */
	int result;
	struct pnrp_match *match; /* owned; its payload in the same block */
};

enum pnrp_job_kind {
	PNRP_JOB_ANSWER,       /* sign the CPA, and payload, of an AUTHORITY */
	PNRP_JOB_REVOKE,       /* sign a revoke CPA */
	PNRP_JOB_CHECK_MATCH,  /* verify the answer to a resolve's INQUIRE */
	PNRP_JOB_CHECK_ENTRY,  /* verify the CPA of a pending route entry */
	PNRP_JOB_CHECK_REVOKE, /* verify a revoke CPA */
};

/* Work for others. What its views show is in its own bytes. */
struct pnrp_job {
	struct pnrp_job *next;
	enum pnrp_job_kind kind;
	uint64_t token;
	bool handed_out, orphan, abandon_due;
	uint64_t owner;		    /* handle of the registration or resolve */
	uint32_t acked_id;	    /* ANSWER: of the INQUIRE; CHECK_ENTRY: InquireMessageId */
	struct ponto_addr to, from; /* ANSWER */
	bool want_chain;	    /* ANSWER */
	bool want_cpa;		    /* ANSWER */
	struct ring_id id;	    /* CHECK_REVOKE */
	uint64_t identity;
	struct pnrp_item items[PNRP_ITEMS_MAX];
	size_t count;
	size_t room[PNRP_ITEMS_MAX]; /* ANSWER, REVOKE: of each item's bytes, signature included */
	struct ponto_bytes public_key, chain, classifier;
	uint8_t authority[PNRP_HASH_SIZE];
	size_t len;
	uint8_t bytes[];
};

/* A step of a resolve or an address, to be told. */
struct pnrp_note {
	struct pnrp_note *next;
	struct pnrp_effect effect;
};

struct pnrp_bucket {
	uint32_t rate, burst; /* tokens per second, at most */
	uint64_t since;	      /* microseconds: when the bucket was empty */
};

enum pnrp_discovery_mode { /* 3.1.1 CloudDiscoveryMode */
			   PNRP_MODE_LOCAL_OOB,
			   PNRP_MODE_SSDP,
			   PNRP_MODE_SEED,
};

struct pnrp_discovery {
	enum pnrp_discovery_mode mode;
	unsigned running;   /* sources being searched */
	bool round;	    /* a round has not ended */
	bool seed_tried;    /* in this round */
	bool recalled;	    /* what is waited for are entries from before a restart */
	bool joined;	    /* somebody we asked has given us an entry that holds */
	uint8_t impatience; /* ticks without that */
	uint8_t partner_next;
	struct ponto_addr partners[PNRP_PARTNERS]; /* those who answered our SOLICITs last */
	uint8_t targets; /* CloudDiscoverySSDPTargetCount, and its like for remembered addresses */
	uint8_t seed_index;
	uint8_t seed_count, own_seeds; /* own_seeds: given at open, they come first */
	struct ponto_addr seeds[PNRP_SEEDS_MAX];
};

struct pnrp_engine {
	/* What nearly every call looks at, side by side down to the statistics: see pnrp_engine_ahead. */
	struct ponto_alloc alloc;
	struct ponto_random random;
	const struct pnrp_wire *wire;
	enum ponto_scope scope;
	uint32_t zone;
	enum pnrp_cloud_state state;
	bool state_changed, publish_due, unpublish_due;
	bool stopping;
	bool resolve_only, no_multicast;
	uint8_t local_count;
	uint32_t opens;
	unsigned discover_due; /* sources of the DISCOVER effect to come */
	uint64_t cleanup_at, maintenance_at, stop_at;
	uint64_t settle_at; /* discovery: a sync has asked for entries: until then they may come in; or PONTO_NEVER */
	uint64_t next_handle;
	struct pnrp_sync *syncs;
	struct pnrp_add *adds;
	struct pnrp_challenge *challenges;
	struct pnrp_local *locals;
	struct pnrp_resolve *resolves;
	struct pnrp_resolve *told; /* the resolve whose effect was handed out last */
	struct pnrp_job *jobs;
	struct pnrp_packet *out, **out_end;
	struct pnrp_note *notes, **notes_end;
	uint32_t sync_count, add_count, challenge_count, registrations, resolve_count, job_count, out_count, note_count;
	struct pnrp_limits limits;
	struct pnrp_bucket sign_bucket, inquire_bucket;
	struct ring_pending pending;
	struct ring_conversations conversations;
	struct ring_reassembly reassembly;
	struct ring_cache cache;
	struct ponto_addr local[PNRP_LOCAL_MAX]; /* mostly one */
	struct pnrp_stats stats;		 /* of the datagrams; the rest is seldom touched */

	uint16_t seed_port;
	uint64_t cpa_lifetime;
	int64_t wall_offset;
	uint64_t *told_hosts; /* since of each host's bucket, once a REQUEST has come; owned */
	/* What maintenance looks at, side by side down to the partners of discovery. */
	uint64_t split_handle; /* the split test under way, or 0 */
	uint32_t probes;       /* begun so far: whose turn it is */
	bool discover_again;   /* a name was registered while nobody was known: tell the seed about it */
	struct pnrp_discovery discovery;
};

/* ---- pnrp_engine.c --------------------------------------------------------------- */

static inline void pnrp_drop(struct pnrp_engine *e, enum pnrp_drop reason)
{
	e->stats.dropped[reason]++;
}

static inline uint64_t pnrp_wall(const struct pnrp_engine *e, uint64_t now)
{
	return now + (uint64_t)e->wall_offset;
}

/* Works out the cloud's state from what is known. */
void pnrp_update_state(struct pnrp_engine *e, uint64_t now);

/* Takes tokens, all of them when they are more than it ever holds; false when they are not there. */
bool pnrp_bucket_take(struct pnrp_bucket *b, uint64_t now, uint32_t tokens);

/* Open and not being stopped. */
bool pnrp_is_open(const struct pnrp_engine *e);

/* ---- pnrp_send.c ------------------------------------------------------------------ */

/* Encodes and queues a message that waits for no answer. m->id is set. */
void pnrp_send(struct pnrp_engine *e, struct pnrp_message *m, const struct ponto_addr *to,
	       const struct ponto_addr *from);

/* The same, and puts it in the pending list. PONTO_ENOMEM: nothing was sent. */
PONTO_MUST_CHECK int pnrp_send_request(struct pnrp_engine *e, uint64_t now, struct pnrp_message *m,
				       const struct ponto_addr *to, const struct ponto_addr *from, uint64_t owner);

void pnrp_count_received(struct pnrp_engine *e, uint8_t type);

/* Queues bytes as they are; counted as type. */
void pnrp_send_bytes(struct pnrp_engine *e, uint8_t type, struct ponto_bytes bytes, const struct ponto_addr *to,
		     const struct ponto_addr *from);

void pnrp_acknowledge(struct pnrp_engine *e, uint32_t acked_id, bool not_found, const struct ponto_addr *to,
		      const struct ponto_addr *from);

/* Forgets what waits for an answer under this Message ID, and its reassembly. */
void pnrp_forget_request(struct pnrp_engine *e, uint32_t message_id);

/* The best address of an entry, and the local one to use with it (RFC 3484 section 6: same scope, longest matching
 * prefix). False: none is of the cloud's scope. */
bool pnrp_choose_address(const struct pnrp_engine *e, const struct ring_route *r, struct ponto_addr *to,
			 struct ponto_addr *from);

/* One node's, and of the cloud's scope: nothing goes anywhere else. */
bool pnrp_is_of_cloud(const struct pnrp_engine *e, const struct ponto_addr *a);

/* The local address to use toward another. */
struct ponto_addr pnrp_choose_local(const struct pnrp_engine *e, const struct ponto_addr *to);

bool pnrp_is_own_endpoint(const struct pnrp_engine *e, const struct ring_endpoint *p);
bool pnrp_is_own_address(const struct pnrp_engine *e, const struct ponto_addr *a);
struct ring_endpoint pnrp_own_endpoint(const struct pnrp_engine *e);
struct ring_endpoint pnrp_endpoint_of(const struct ponto_addr *a);

/* Between the wire's form of a route entry and the cache's. NULL: no memory. gives a reference */
struct ring_route *pnrp_route_from_wire(struct pnrp_engine *e, const struct pnrp_route_entry *r);
void pnrp_route_to_wire(const struct ring_route *r, struct pnrp_route_entry *out);

/* The route entry of a local ID. False: no local address. */
bool pnrp_own_route(const struct pnrp_engine *e, const struct ring_id *id, struct pnrp_route_entry *out);
size_t pnrp_endpoints_to_wire(const struct ring_endpoint *list, size_t count, struct pnrp_ipv6_endpoint *out);
size_t pnrp_endpoints_from_wire(const struct pnrp_ipv6_endpoint *list, size_t count, struct ring_endpoint *out);

/* ---- pnrp_effect.c -------------------------------------------------------------------- */

/* A job with room for len bytes; NULL: limits.jobs or no memory (counted). It is handed out by the next
 * pnrp_engine_effect. */
struct pnrp_job *pnrp_job_new(struct pnrp_engine *e, enum pnrp_job_kind kind, size_t len);

/* Nobody waits for it any more. Unknown tokens, and 0, are ignored. */
void pnrp_job_abandon(struct pnrp_engine *e, uint64_t token);

/* Queues a copy; dropped when the queue is full. */
void pnrp_note(struct pnrp_engine *e, const struct pnrp_effect *effect);
void pnrp_effects_clear(struct pnrp_engine *e);

/* ---- pnrp_sync.c ------------------------------------------------------------------------ */

/* 3.1.4.3. False: nothing was sent. */
bool pnrp_synchronize(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *peer, bool discovery);
/* useful: the peer had something to tell. */
void pnrp_sync_release(struct pnrp_engine *e, uint64_t now, uint32_t solicit_id, bool useful);
void pnrp_on_solicit(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		     const struct ponto_addr *to);
void pnrp_on_advertise(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		       const struct ponto_addr *to);
void pnrp_on_request(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		     const struct ponto_addr *to);

/* ---- pnrp_flood.c --------------------------------------------------------------------------- */

void pnrp_on_flood(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		   const struct ponto_addr *to);
void pnrp_on_ack(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from);

/* 3.2.5.11: the entry has joined the leaf set of local. origin may be NULL */
void pnrp_flood_new_leaf(struct pnrp_engine *e, uint64_t now, const struct ring_route *r, const struct ring_id *local,
			 const struct pnrp_flood_origin *origin);

/* One FLOOD with D clear to a known node: a route entry (r) or a revoke CPA. */
void pnrp_flood_to(struct pnrp_engine *e, uint64_t now, const struct ring_route *to, const struct ring_route *r,
		   struct ponto_bytes revoke);

/* One FLOOD with D clear and the entry of our local ID, to a leaf of it or who told of one. validate may be zero (T22);
 * owner is PNRP_PROBE or 0. */
void pnrp_flood_own(struct pnrp_engine *e, uint64_t now, const struct ring_id *local, const struct ring_id *validate,
		    const struct ponto_addr *to, uint64_t owner);

/* A FLOOD was never answered, or with N. */
void pnrp_flood_refused(struct pnrp_engine *e, uint64_t now, const struct ring_message *m);
void pnrp_revoke_checked(struct pnrp_engine *e, uint64_t now, const struct pnrp_job *job, int result);

/* ---- pnrp_admit.c ----------------------------------------------------------------------------- */

/* 3.1.5.11 and 3.2.5.1: puts a route entry to the test. stranger: it counts against limits.inquire_per_second.
 * borrows; origin may be NULL */
void pnrp_submit(struct pnrp_engine *e, uint64_t now, struct ring_route *r, bool stranger,
		 const struct pnrp_flood_origin *origin);
void pnrp_submit_wire(struct pnrp_engine *e, uint64_t now, const struct pnrp_route_entry *r,
		      const struct pnrp_flood_origin *origin);

/* 3.1.5.6.1.2: the answer to an entry's INQUIRE. */
void pnrp_on_entry_answer(struct pnrp_engine *e, uint64_t now, uint32_t inquire_id,
			  const struct pnrp_authority_buffer *b, struct ponto_bytes bytes);
void pnrp_entry_checked(struct pnrp_engine *e, uint64_t now, const struct pnrp_job *job, int result);
void pnrp_entry_silent(struct pnrp_engine *e, uint32_t inquire_id);
/* It is gone. If it was a leaf, the names beside it are announced again soon, and so find out who is next. */
void pnrp_uncache(struct pnrp_engine *e, uint64_t now, const struct ring_id *id);

/* Asks a cached entry whether it is still there, and once more when it is silent; then it is uncached. */
void pnrp_probe(struct pnrp_engine *e, uint64_t now, const struct ring_route *r);
/* The answer was N (gone), or none came. */
void pnrp_probe_refused(struct pnrp_engine *e, uint64_t now, const struct ring_message *m, bool gone);
static inline bool pnrp_is_probe(const struct ring_message *m)
{
	return m->owner >= PNRP_PROBE_AGAIN;
}
void pnrp_adds_clear(struct pnrp_engine *e);

/* Entries near a local ID that were never certified are put to that test. */
void pnrp_certify_neighbours(struct pnrp_engine *e, uint64_t now, const struct ring_id *local);

/* ---- pnrp_validate.c ------------------------------------------------------------------------------ */

struct pnrp_proof {
	struct pnrp_cpa cpa;
	bool has_payload;
	struct pnrp_payload payload;
	struct pnrp_name delegated; /* its classifier: what a certificate chain has to allow */
};

/* 3.1.5.7 and 3.1.5.8 but for the signatures. id: what was asked for. */
PONTO_MUST_CHECK int pnrp_check_answer(const struct pnrp_engine *e, uint64_t now, const struct pnrp_authority_buffer *b,
				       const struct ring_id *id, const uint8_t nonce[PNRP_NONCE_SIZE],
				       struct pnrp_proof *out);

/* A VERIFY job over a copy of the buffer; NULL as pnrp_job_new. */
struct pnrp_job *pnrp_verify_answer(struct pnrp_engine *e, enum pnrp_job_kind kind, const struct pnrp_proof *proof,
				    const struct pnrp_authority_buffer *b, struct ponto_bytes bytes);

/* Whether a verification found against it, and did not merely fail to take place. */
static inline bool pnrp_disproved(int result)
{
	return result == PONTO_EAUTH || result == PONTO_EPROTO || result == PONTO_ENOTSUP;
}

/* The mark of a key in a route entry, never 0. */
uint64_t pnrp_key_mark(struct ponto_bytes key);

/* ---- pnrp_inquire.c ---------------------------------------------------------------------------------- */

void pnrp_on_inquire(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		     const struct ponto_addr *to);
/* Likewise, when the asker is known to receive. */
void pnrp_answer_inquire(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m,
			 const struct ponto_addr *from, const struct ponto_addr *to);
void pnrp_answer_signed(struct pnrp_engine *e, const struct pnrp_job *job, const struct pnrp_completion *c);

/* A CPA of a local ID, up to its signature. */
PONTO_MUST_CHECK int pnrp_build_cpa(const struct pnrp_engine *e, uint64_t now, const struct pnrp_local *l, bool revoke,
				    const uint8_t nonce[PNRP_NONCE_SIZE], uint8_t *buf, size_t cap, size_t *len);

/* ---- pnrp_challenge.c ---------------------------------------------------------------------------------- */

/* Asks peer something small; when it answers so is its INQUIRE m, by pnrp_answer_inquire. copies m */
void pnrp_challenge(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *peer,
		    const struct ponto_addr *local);
/* The question was answered, or never was. */
void pnrp_challenge_over(struct pnrp_engine *e, uint64_t now, uint32_t question_id, bool answered);
void pnrp_challenges_clear(struct pnrp_engine *e);

/* ---- pnrp_authority.c ----------------------------------------------------------------------------------- */

void pnrp_on_authority(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m,
		       const struct ponto_addr *from);

/* Encodes the buffer, cuts it and queues the pieces, 3.2.5.10. room: bytes that suffice for it */
void pnrp_send_authority(struct pnrp_engine *e, const struct pnrp_authority_buffer *b, size_t room, uint32_t acked_id,
			 const struct ponto_addr *to, const struct ponto_addr *from);

/* ---- pnrp_lookup.c ------------------------------------------------------------------------------------------ */

void pnrp_on_lookup(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		    const struct ponto_addr *to);

/* ---- pnrp_resolve.c ----------------------------------------------------------------------------------------- */

struct pnrp_walk_request {
	struct ring_id target;
	enum pnrp_reason reason;
	uint8_t criteria;
	uint16_t precision;
	uint64_t local;		      /* registration, or 0 */
	struct ring_route *own;	      /* borrows */
	struct ring_route *first_hop; /* instead of the closest to the target, or NULL; borrows */
	bool repeat;
};

/* An internal resolve. Returns its handle, 0 when it could not begin or is over already. */
uint64_t pnrp_walk_begin(struct pnrp_engine *e, uint64_t now, const struct pnrp_walk_request *request);
bool pnrp_walks_full(const struct pnrp_engine *e);
struct pnrp_resolve *pnrp_resolve_by_message(const struct pnrp_engine *e, uint32_t message_id);
void pnrp_on_lookup_answer(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r,
			   const struct pnrp_authority_buffer *b);
void pnrp_on_match_answer(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r,
			  const struct pnrp_authority_buffer *b, struct ponto_bytes bytes);
void pnrp_match_checked(struct pnrp_engine *e, uint64_t now, const struct pnrp_job *job, int result);
void pnrp_resolve_silent(struct pnrp_engine *e, uint64_t now, struct pnrp_resolve *r);

/* Those that wait for the first route entry begin, or, when there is nobody, end. */
void pnrp_resolves_wake(struct pnrp_engine *e, uint64_t now);
void pnrp_resolves_tick(struct pnrp_engine *e, uint64_t now);
uint64_t pnrp_resolves_deadline(const struct pnrp_engine *e);
void pnrp_resolves_fail(struct pnrp_engine *e, uint64_t now, int result);
void pnrp_resolve_free(struct pnrp_engine *e, struct pnrp_resolve *r);

/* ---- pnrp_match.c --------------------------------------------------------------------------------------------- */

/* What the application is told, from an answer or from a registration of this node. NULL: no memory. gives */
struct pnrp_match *pnrp_match_of_answer(struct pnrp_engine *e, const struct ring_id *id,
					const struct pnrp_authority_buffer *b);
struct pnrp_match *pnrp_match_of_local(struct pnrp_engine *e, uint64_t now, const struct pnrp_local *l);

/* ---- pnrp_register.c ------------------------------------------------------------------------------------------ */

struct pnrp_local *pnrp_local_find(const struct pnrp_engine *e, const struct ring_id *id);
struct pnrp_local *pnrp_local_by_handle(const struct pnrp_engine *e, uint64_t handle);

/* Tells the cloud of a local ID: a walk to ID + 1 that carries its route entry. */
void pnrp_announce(struct pnrp_engine *e, uint64_t now, struct pnrp_local *l, enum pnrp_reason reason);

/* Those announced already are announced again shortly: the cloud has turned out to be larger. */
void pnrp_announce_soon(struct pnrp_engine *e, uint64_t now);
/* The leaf set of this local ID has changed; nearest: on a side there is another neighbour than before, and it may take
 * several announcements to find the right one. */
void pnrp_announce_early(struct pnrp_engine *e, uint64_t now, const struct ring_id *local, bool nearest);
void pnrp_locals_alone(struct pnrp_engine *e);
void pnrp_locals_forget(struct pnrp_engine *e);
void pnrp_announce_ended(struct pnrp_engine *e, uint64_t now, const struct pnrp_resolve *r);
void pnrp_announce_all(struct pnrp_engine *e, uint64_t now);
void pnrp_locals_tick(struct pnrp_engine *e, uint64_t now);
uint64_t pnrp_locals_deadline(const struct pnrp_engine *e);
void pnrp_revoke_all(struct pnrp_engine *e, uint64_t now);
void pnrp_revoke_signed(struct pnrp_engine *e, uint64_t now, const struct pnrp_job *job,
			const struct pnrp_completion *c);
void pnrp_local_free(struct pnrp_engine *e, struct pnrp_local *l);

/* ---- pnrp_discovery.c ---------------------------------------------------------------------------------------------
 */

void pnrp_discover(struct pnrp_engine *e, uint64_t now);
void pnrp_discovery_sync_ended(struct pnrp_engine *e, uint64_t now, bool useful);
void pnrp_discovery_seeds(struct pnrp_engine *e, const struct ponto_addr *addrs, size_t count, bool own);
void pnrp_discovery_tick(struct pnrp_engine *e, uint64_t now);

/* This peer has answered a SOLICIT of ours with something to ask for. */
void pnrp_discovery_partner(struct pnrp_engine *e, const struct ponto_addr *peer);

/* An entry that holds has come from this peer. */
void pnrp_discovery_gained(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *peer);

/* Whether to look for the cloud at this tick. Those who found us may know as little as we do: until somebody we
 * asked has told us of others, we may be in a cloud of our own. */
bool pnrp_discovery_needed(struct pnrp_engine *e);
void pnrp_discovery_end(struct pnrp_engine *e);
/* Any seed that is not this node itself. False: none is known. */
bool pnrp_discovery_seed(const struct pnrp_engine *e, struct ponto_addr *out);

/* ---- pnrp_maintain.c
 * -------------------------------------------------------------------------------------------------- */

/* 3.1.6.2, 3.2.6.2 */
void pnrp_maintain(struct pnrp_engine *e, uint64_t now);

/* 3.2.5.11.1: the split test's best match was INQUIREd and is sound. */
void pnrp_split_verdict(struct pnrp_engine *e, uint64_t now, const struct pnrp_resolve *r, const struct ring_id *best);
/* NULL: no memory. gives a reference */
struct ring_route *pnrp_seed_hop(struct pnrp_engine *e, const struct ponto_addr *seed);
double pnrp_estimated_nodes(const struct pnrp_engine *e);

#endif
