/* Ponto PNRP engine: one node's part in one cloud. Opens the cloud, finds it, keeps a route entry cache and
 * leaf sets, registers peer names and resolves them. [MS-PNRP] section 3.
 *
 * Pure: no socket, clock, thread or randomness of its own. One engine is used by one thread at a time.
 * Its owner (the glue) moves bytes and does the work asked for by effects:
 *
 *     datagram in     pnrp_engine_input
 *     time            pnrp_engine_tick when pnrp_engine_deadline has come
 *     after each call pnrp_engine_output until dry, pnrp_engine_effect until dry, re-arm the deadline
 *
 * `now` is monotonic microseconds and must not go back. No function calls back into the glue except the
 * iterators, whose callback must not call the engine.
 *
 * What strangers can cost (all counted in struct pnrp_stats): every table has a limit in struct pnrp_limits;
 * when one is full the message is dropped or answered empty-handed, nothing grows. A datagram never causes
 * more than these bytes toward an address that has not shown it can receive:
 *   SOLICIT (36 bytes, with a route entry 96 or more) -> one ADVERTISE of at most 216 bytes, and for a contained
 *     route entry at most two INQUIREs of 76 bytes to an address it names;
 *   LOOKUP (126 or more) -> one AUTHORITY of at most 160 bytes and 16 for each further address of the entry in
 *     it, and INQUIREs as above;
 *   INQUIRE (56 or more) -> AUTHORITY as large as the name's CPA, classifier and payload make it (600 to 1200
 *     bytes; with a 4 KiB payload five datagrams; with a certificate chain of 25 some twenty): with more than
 *     512 bytes of payload or chain not before the asker has answered an INQUIRE of 56 bytes, so a forged
 *     sender's address gets that twice and no more. Answers with a signature or a chain are limited per second
 *     (sign_per_second) and so is their burst; a chain counts once more for each four datagrams of it;
 *   FLOOD (52 or more) -> one ACK of at most 28, and INQUIREs as above;
 *   REQUEST (44 and 32 for each ID, after a SOLICIT of the same sender) -> one ACK of 20, and for each known ID a
 *     FLOOD of 132 and 16 for each further address. The nonce is of the asker's own making and shows nothing: a
 *     host is told 40 messages a second (a burst of 160), and what it still asks for keeps its conversation, of
 *     which a host has a quarter of the table.
 * INQUIREs for strangers' entries are limited together by inquire_per_second, conversations by their table. */
#ifndef ENGINES_PNRP_PNRP_ENGINE_H
#define ENGINES_PNRP_PNRP_ENGINE_H

#include "engines/ring/ring_id.h"
#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PNRP_DATAGRAM_MAX 1216	  /* bytes of the largest UDP payload this protocol sends, 2.2.2.6 */
#define PNRP_DEFAULT_PORT 3540	  /* 1.9 */
#define PNRP_PORT_FLOOR 1024	  /* ports up to this are never used nor accepted (T25) */
#define PNRP_LOCAL_MAX 4	  /* local addresses of a cloud, 3.1.4.1 */
#define PNRP_ROUTE_ADDRS_MAX 20	  /* addresses in a route entry, 2.2.3.4 */
#define PNRP_SERVICE_ADDRS_MAX 4  /* service addresses in a CPA, 2.2.3.1 */
#define PNRP_APP_ENDPOINTS_MAX 10 /* application endpoints in a CPA, 2.2.3.1.2 */
#define PNRP_FRIENDLY_UNITS 39	  /* UTF-16 units of a friendly name, 2.2.3.1 */
#define PNRP_PAYLOAD_BYTES 4096	  /* extended payload, 2.2.3.3 */
#define PNRP_NAME_TEXT 512	  /* bytes of a peer name in UTF-8, NUL included */
#define PNRP_KEY_BYTES 160	  /* public key: DER RSAPublicKey of 140, or 32 raw bytes */
#define PNRP_SIGNATURE_BYTES 128  /* 128 or 64 used */
#define PNRP_RESTARTS_MAX 16	  /* walks of one resolve after the first */
#define PNRP_CHAIN_MAX 31744	  /* bytes of a certificate chain: with it the longest answer still fits, 2.2.2.6 */

struct pnrp_engine;

/* Values equal enum ponto_profile. */
enum pnrp_profile {
	PNRP_PROFILE_WINDOWS = 1, /* header major 4, RSA-1024 with SHA-1 */
	PNRP_PROFILE_MODERN = 2,  /* header major 5, Ed25519; docs/modern.md */
};

/* Values equal enum ponto_discovery_source. */
enum pnrp_source {
	PNRP_SOURCE_REMEMBERED = 1u,
	PNRP_SOURCE_MULTICAST = 2u,
	PNRP_SOURCE_SEED = 4u,
};

/* Names as in the Windows API; see the state diagram in README.md. */
enum pnrp_cloud_state {
	PNRP_CLOUD_VIRTUAL = 0,	      /* created, never opened, or closed and forgotten */
	PNRP_CLOUD_SYNCHRONIZING = 1, /* looking for others */
	PNRP_CLOUD_ACTIVE = 2,	      /* at least one other node is known */
	PNRP_CLOUD_DEAD = 3,	      /* stopped: nothing happens any more, destroy it */
	PNRP_CLOUD_DISABLED = 4,      /* never reported by the engine: for the glue's configuration */
	PNRP_CLOUD_NO_NET = 5,	      /* no local address */
	PNRP_CLOUD_ALONE = 6,	      /* a whole round of discovery found nobody */
};

enum pnrp_registration_state {
	PNRP_REGISTRATION_ANNOUNCING = 1, /* answers for the ID; the walk that tells the neighbours is under way */
	PNRP_REGISTRATION_ACTIVE = 2,	  /* announced (or there is nobody to tell) */
	PNRP_REGISTRATION_GONE = 3,	  /* unregistered and revoked; the handle is dead */
};

/* ---- configuration -------------------------------------------------------- */

/* 0 means the default named here. */
struct pnrp_limits {
	uint32_t conversations;	     /* open SOLICITs of others, 64; a quarter at most for one host */
	uint32_t pending_adds;	     /* route entries being checked, 64 */
	uint32_t reassemblies;	     /* answers being put together, 16 */
	uint32_t reassembly_bytes;   /* their memory together, 128 KiB */
	uint32_t resolves;	     /* walks under way, internal ones included, 64 */
	uint32_t cache_entries;	     /* route entries beyond the leaf sets, 80 */
	uint32_t output;	     /* datagrams waiting for pnrp_engine_output, 256 */
	uint32_t effects;	     /* notifications waiting for pnrp_engine_effect, 1024 */
	uint32_t jobs;		     /* signatures and verifications under way, 64 */
	uint32_t sign_per_second;    /* CPA signatures for strangers, 50 */
	uint32_t sign_burst;	     /* 100 */
	uint32_t registrations;	     /* local IDs, 1024 */
	uint32_t inquire_per_second; /* route entries of strangers put to the test, 50; burst twice that */
};

struct pnrp_engine_config {
	struct ponto_alloc alloc;   /* copies the record; ctx must outlive the engine */
	struct ponto_random random; /* likewise */
	enum pnrp_profile profile;
	enum ponto_scope scope; /* of every address in this cloud; PONTO_SCOPE_NONE: unchecked */
	uint32_t zone;		/* put into addresses learned from messages */
	uint16_t seed_port;	/* replaces port 0 of seeds; 0: 3540 */
	bool resolve_only;	/* register is refused with PONTO_EACCES */
	bool no_multicast;	/* never asks for PNRP_SOURCE_MULTICAST */
	uint64_t cpa_lifetime;	/* microseconds; 0: 1 day. 12 h to 7 d, 2.2.3.1 */
	struct pnrp_limits limits;
};

/* PONTO_EINVAL: profile or lifetime out of range; PONTO_ENOMEM. copies config; gives *out */
PONTO_MUST_CHECK int pnrp_engine_create(const struct pnrp_engine_config *config, struct pnrp_engine **out);

/* Forgets everything at once, without a word to others (see pnrp_engine_stop). Accepts NULL. */
void pnrp_engine_destroy(struct pnrp_engine *e);

/* Wall clock = now + offset_us, microseconds since 1970 UTC: for Not After. Call at the start (before it the
 * wall clock is `now`) and whenever it changes. */
void pnrp_engine_set_wall(struct pnrp_engine *e, int64_t offset_us);

/* The addresses the node receives on: the first PNRP_LOCAL_MAX IPv6 addresses of the cloud's scope and with
 * the port of the first are used, the rest left out. At the start and at every change (3.1.7.1). A change
 * republishes every local ID (3.2.7.2); an empty list makes the cloud NO_NET, fails resolves under way and
 * refuses new ones; what is known of others stays, and nobody is asked. PONTO_EINVAL: a port up to 1024 (nothing
 * changes). borrows */
PONTO_MUST_CHECK int pnrp_engine_set_local(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *addrs,
					   size_t count);

/* ---- life ------------------------------------------------------------------ */

/* Opens the cloud, or opens it once more (3.1.4.1). seeds, if any, are asked before what discovery finds as
 * PNRP_SOURCE_SEED; at most 16 are kept. PONTO_EUNREACH: no local address (set_local first).
 * PONTO_ECLOSED: stopped. copies seeds */
PONTO_MUST_CHECK int pnrp_engine_open(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *seeds,
				      size_t count);

struct pnrp_route;

/* Entries known before a restart, as pnrp_engine_each_route gave them; right after the first open. Each is asked
 * whether it is still there and cached when it answers: one round trip, in the place of remembered addresses. The
 * round of discovery goes on to its other means if none does. Returns how many are asked; unusable ones are passed
 * over. borrows */
size_t pnrp_engine_recall(struct pnrp_engine *e, uint64_t now, const struct pnrp_route *routes, size_t count);

/* Undoes one open; after the last the cloud lives 15 minutes more, then everything is forgotten and the
 * state is VIRTUAL again (3.1.4.5, 3.1.6.1). PONTO_ENOENT: not open. */
PONTO_MUST_CHECK int pnrp_engine_close(struct pnrp_engine *e, uint64_t now);

/* Polite end: no new work is accepted, resolves fail with PONTO_ECLOSED, every local ID is revoked. Done, and
 * the state DEAD, when nothing is in flight any more or after limit microseconds. Keep moving bytes, effects
 * and time until pnrp_engine_state is DEAD. */
void pnrp_engine_stop(struct pnrp_engine *e, uint64_t now, uint64_t limit);

/* ---- traffic and time ------------------------------------------------------- */

/* A datagram. from: the sender; to: the local address it arrived on (answers go out from it). Never fails for
 * what a peer sent; such faults are counted. PONTO_ENOMEM: dropped for lack of memory; the engine is as
 * before, the peer will send again. borrows */
int pnrp_engine_input(struct pnrp_engine *e, uint64_t now, const struct ponto_addr *from, const struct ponto_addr *to,
		      struct ponto_bytes datagram);

struct pnrp_slot {
	uint8_t *data; /* lent by the caller */
	size_t cap;    /* at least PNRP_DATAGRAM_MAX, else PONTO_EINVAL */
	size_t len;
	struct ponto_addr to;
	struct ponto_addr from; /* the local address to send from; family NONE: any */
};

/* 1: slot filled; 0: nothing to send. */
PONTO_MUST_CHECK int pnrp_engine_output(struct pnrp_engine *e, uint64_t now, struct pnrp_slot *slot);

/* For hosts of so many engines that each waits for memory: fetches what the next call is going to touch, the engine
 * itself (step 0), what it points to (1), what that points to (2), and what that names (3). datagram is what that call
 * brings, which by step 1 is in reach itself; empty: it is pnrp_engine_tick. The steps want some time between them, and
 * change nothing. borrows */
void pnrp_engine_ahead(const struct pnrp_engine *e, struct ponto_bytes datagram, unsigned step);

/* When to call pnrp_engine_tick, PONTO_NEVER if not needed. May lie in the past. */
uint64_t pnrp_engine_deadline(const struct pnrp_engine *e);

/* Does everything that is due by now. */
void pnrp_engine_tick(struct pnrp_engine *e, uint64_t now);

/* ---- effects ----------------------------------------------------------------- */

enum pnrp_effect_type {
	PNRP_EFFECT_SIGN = 1,	  /* sign items[0..count) with identity; then pnrp_engine_complete */
	PNRP_EFFECT_VERIFY,	  /* check items and chain; then pnrp_engine_complete */
	PNRP_EFFECT_DISCOVER,	  /* search; then pnrp_engine_found and, per source, pnrp_engine_discovery_done */
	PNRP_EFFECT_PUBLISH,	  /* answer others' discovery with the local addresses; replaces the former */
	PNRP_EFFECT_UNPUBLISH,	  /* stop that */
	PNRP_EFFECT_REMEMBER,	  /* an address that answered: ask it first after a restart */
	PNRP_EFFECT_RESOLVED,	  /* a resolve ended with a match */
	PNRP_EFFECT_UNRESOLVED,	  /* a resolve ended without */
	PNRP_EFFECT_TRACE,	  /* one step of a resolve that was asked to trace */
	PNRP_EFFECT_REGISTRATION, /* a registration changed its state */
	PNRP_EFFECT_CLOUD,	  /* the cloud changed its state (also: no local address, as NO_NET) */
	PNRP_EFFECT_ABANDON,	  /* the job with this token is not needed any more; completing it is allowed */
};

#define PNRP_ITEMS_MAX 2 /* the CPA, and its extended payload */

/* What is signed or verified, per 3.1.5.9: the structure without its SIGNATURE. */
struct pnrp_item {
	struct ponto_bytes data;
	struct ponto_bytes signature; /* VERIFY only */
};

/* An application endpoint in a CPA. zone is not carried. */
struct pnrp_endpoint {
	uint8_t ip[16]; /* network order; ::ffff:a.b.c.d for IPv4 */
	uint16_t port;
	uint16_t protocol; /* IANA number, 6 TCP, 17 UDP */
};

enum pnrp_payload_type {
	PNRP_PAYLOAD_NONE = 0,
	PNRP_PAYLOAD_STRING = 2, /* UTF-8 without NUL here; on the wire as T34 */
	PNRP_PAYLOAD_BINARY = 3,
};

/* What a resolve found: all of it verified, except that an unsecured name's signature proves nothing.
 * Pointers live until the next call of pnrp_engine_effect. */
struct pnrp_match {
	struct ring_id id;
	char name[PNRP_NAME_TEXT]; /* "0.alice" or "<40 hex>.alice"; empty when the publisher left the classifier out */
	bool secured;
	bool delegated; /* secured by a certificate chain: the key is not the authority's */
	uint8_t authority[20];
	uint8_t service_location[16];			 /* natural order */
	uint64_t not_after;				 /* wall microseconds */
	char friendly_name[PNRP_FRIENDLY_UNITS * 3 + 1]; /* UTF-8, may be empty */
	uint8_t public_key[PNRP_KEY_BYTES];
	size_t public_key_len;
	struct ponto_addr publisher[PNRP_SERVICE_ADDRS_MAX]; /* where its PNRP listens */
	size_t publisher_count;
	struct pnrp_endpoint endpoints[PNRP_APP_ENDPOINTS_MAX];
	size_t endpoint_count;
	enum pnrp_payload_type payload_type;
	struct ponto_bytes payload;
	bool local; /* registered on this node */
};

enum pnrp_trace_kind {
	PNRP_TRACE_ANSWER = 1, /* LOOKUP answered */
	PNRP_TRACE_GONE,       /* answered, but the asked ID is not there (N) */
	PNRP_TRACE_TIMEOUT,    /* LOOKUP not answered */
	PNRP_TRACE_CONFIRMED,  /* INQUIRE answered and verified */
	PNRP_TRACE_REFUSED,    /* INQUIRE answered, but not good: N, no CPA, or it does not verify */
	PNRP_TRACE_SILENT,     /* INQUIRE not answered */
	PNRP_TRACE_RESTART,    /* the walk failed; another begins */
};

struct pnrp_trace {
	enum pnrp_trace_kind kind;
	struct ponto_addr addr; /* asked; family NONE for RESTART */
	struct ring_id id;	/* asked */
	uint64_t rtt;		/* microseconds from the first copy to the answer; waited time if none came */
	uint32_t hop;		/* 1, 2, … in this resolve */
	uint16_t bits_before;	/* leading bits of the target the best match had before the step */
	uint16_t bits_after;	/* and after it */
	bool suspicious;	/* the answer had L set */
};

struct pnrp_effect {
	enum pnrp_effect_type type;
	uint64_t token;	 /* SIGN, VERIFY, ABANDON: the job; RESOLVED, UNRESOLVED, TRACE, REGISTRATION: user token */
	uint64_t handle; /* RESOLVED, UNRESOLVED, TRACE, REGISTRATION: the engine's handle */
	union {
		/* Views stay valid until the job is completed or the engine destroyed, so workers may use them. */
		struct {
			uint64_t identity; /* as given to register */
			struct pnrp_item items[PNRP_ITEMS_MAX];
			size_t count;
		} sign;
		struct {
			struct ponto_bytes public_key;
			struct pnrp_item items[PNRP_ITEMS_MAX];
			size_t count;
			struct ponto_bytes chain;      /* empty: none; else it must be validated too, 3.1.5.10 */
			struct ponto_bytes classifier; /* UTF-16BE, its hash fits the CPA's: the chain must allow it */
			uint8_t authority[20];	       /* for the chain's root */
		} verify;
		struct {
			unsigned sources; /* one bit of enum pnrp_source */
		} discover;
		struct {
			const struct ponto_addr *addrs; /* until the next call */
			size_t count;
		} publish;
		struct {
			struct ponto_addr addr;
		} remember;
		struct {
			const struct pnrp_match *match; /* until the next call of pnrp_engine_effect */
			uint32_t walks;			/* 1 + restarts */
			uint32_t hops;			/* useful hops of the last walk */
			uint64_t elapsed;
		} resolved;
		struct {
			int result; /* PONTO_ENOENT not found, ETIME, ECLOSED, EUNREACH (no address), EAUTH (only
				     * answers that did not verify) */
			uint32_t walks;
			uint32_t hops;
			uint64_t elapsed;
		} unresolved;
		struct pnrp_trace trace;
		struct {
			enum pnrp_registration_state state;
		} registration;
		struct {
			enum pnrp_cloud_state state;
		} cloud;
	};
};

/* 1: out filled; 0: nothing to do. Effects that do not fit limits.effects are dropped if they are TRACE or
 * REMEMBER; the others have a place of their own and are never lost. */
PONTO_MUST_CHECK int pnrp_engine_effect(struct pnrp_engine *e, struct pnrp_effect *out);

struct pnrp_completion {
	int result; /* PONTO_OK or an error. VERIFY: EAUTH, EPROTO, ENOTSUP (a chain): not to be believed; others: not
		       verified */
	struct ponto_bytes signatures[PNRP_ITEMS_MAX]; /* SIGN: RFC 8017 or RFC 8032 order, one per item */
};

/* The answer to a SIGN or VERIFY. Unknown and abandoned tokens are ignored. borrows */
void pnrp_engine_complete(struct pnrp_engine *e, uint64_t now, uint64_t token, const struct pnrp_completion *c);

/* Addresses from one source, best first; may come several times a search. Accepted at any time: seeds are
 * kept for the split test, the others only while a search is under way. borrows */
void pnrp_engine_found(struct pnrp_engine *e, uint64_t now, enum pnrp_source source, const struct ponto_addr *addrs,
		       size_t count);

/* The source's search is over, also when nothing was found. */
void pnrp_engine_discovery_done(struct pnrp_engine *e, uint64_t now, enum pnrp_source source);

/* ---- names ---------------------------------------------------------------------- */

struct pnrp_registration {
	const char *name;		       /* UTF-8 "authority.classifier", authority "0" or 40 of 0-9a-f */
	uint64_t token;			       /* the glue's, returned in REGISTRATION effects */
	uint64_t identity;		       /* the glue's, returned in SIGN effects */
	struct ponto_bytes public_key;	       /* of the identity: DER RSAPublicKey (windows) or 32 bytes (modern) */
	const char *friendly_name;	       /* UTF-8 or NULL */
	const struct pnrp_endpoint *endpoints; /* up to PNRP_APP_ENDPOINTS_MAX; none only with a payload */
	size_t endpoint_count;
	enum pnrp_payload_type payload_type;
	struct ponto_bytes payload;
	struct ponto_bytes chain; /* certificate chain of a delegated name, usually empty; carried as it is, so the
				   * glue has it validated; at most PNRP_CHAIN_MAX bytes, secured names only */
	bool has_prefix;
	uint64_t prefix; /* high 64 bits of the service location; else the first local address's */
};

/* Adds a local ID and announces it (3.2.4.1). It is answered for at once. Later steps come as REGISTRATION
 * effects. PONTO_EINVAL: name, endpoints, friendly name or payload break the rules; PONTO_EAUTH: the name's
 * authority is not the key's and there is no chain; PONTO_ECLOSED: cloud not open; PONTO_EUNREACH: no local
 * address; PONTO_EBUSY: limits.registrations; PONTO_EACCES: resolve_only; PONTO_ENOMEM. copies */
PONTO_MUST_CHECK int pnrp_engine_register(struct pnrp_engine *e, uint64_t now, const struct pnrp_registration *r,
					  uint64_t *handle, struct ring_id *id);

/* Revokes and forgets it (3.2.4.2); GONE follows once the revoke is signed and sent (or could not be). From now
 * on the ID is answered with N. PONTO_ENOENT: no such handle. */
PONTO_MUST_CHECK int pnrp_engine_unregister(struct pnrp_engine *e, uint64_t now, uint64_t handle);

/* [MS-PNRP] 2.2.2.8 ResolveCriteria */
enum pnrp_criteria {
	PNRP_CRITERIA_NONE = 0,	      /* all 256 bits */
	PNRP_CRITERIA_ANY = 1,	      /* any of this name: 128 bits */
	PNRP_CRITERIA_NEAREST = 2,    /* of this name, nearest to the location */
	PNRP_CRITERIA_NEAREST_64 = 4, /* 192 bits: of this name and prefix, nearest */
	PNRP_CRITERIA_UPPER_BITS = 8, /* precision bits */
};

struct pnrp_query {
	const char *name; /* as in a registration */
	uint64_t token;	  /* the glue's, returned in effects */
	enum pnrp_criteria criteria;
	uint16_t precision; /* bits, PNRP_CRITERIA_UPPER_BITS only, 1..256 */
	uint64_t prefix;    /* high 64 bits of the service location; 0 where nearness does not matter */
	bool include_local; /* names registered on this node count */
	bool trace;
	uint64_t timeout;	       /* microseconds; 0: 30 s. At least until then walks restart, see max_restarts */
	uint32_t max_restarts;	       /* a failed walk begins again, at most this often, PNRP_RESTARTS_MAX, and
					* within the timeout */
	const struct ring_id *exclude; /* IDs not wanted, e.g. those of earlier matches: several matches of a name
					* are found by asking again without them. up to 32 */
	size_t exclude_count;
};

/* Begins a resolve (3.1.4.4). It ends with exactly one RESOLVED (the first match that satisfies the criteria
 * and verifies) or UNRESOLVED effect, never before this returns. PONTO_EINVAL: name or criteria;
 * PONTO_ECLOSED: cloud not open; PONTO_EUNREACH: no local address; PONTO_EBUSY: limits.resolves;
 * PONTO_ENOMEM. copies */
PONTO_MUST_CHECK int pnrp_engine_resolve(struct pnrp_engine *e, uint64_t now, const struct pnrp_query *q,
					 uint64_t *handle);

/* No effect for it comes any more. Unknown handles are ignored. */
void pnrp_engine_cancel(struct pnrp_engine *e, uint64_t now, uint64_t handle);

/* ---- inspection --------------------------------------------------------------------- */

enum pnrp_message_type_index { /* of the counters below */
			       PNRP_COUNT_SOLICIT,
			       PNRP_COUNT_ADVERTISE,
			       PNRP_COUNT_REQUEST,
			       PNRP_COUNT_FLOOD,
			       PNRP_COUNT_INQUIRE,
			       PNRP_COUNT_AUTHORITY,
			       PNRP_COUNT_ACK,
			       PNRP_COUNT_LOOKUP,
			       PNRP_COUNT_TYPES
};

enum pnrp_drop {		      /* why something received came to nothing */
		 PNRP_DROP_HEADER,    /* not a PNRP header of this cloud's version, or an unknown type */
		 PNRP_DROP_SYNTAX,    /* the message breaks its layout */
		 PNRP_DROP_PORT,      /* from a port up to 1024 */
		 PNRP_DROP_NOT_LOCAL, /* to an address that is not (any more) in the local list */
		 PNRP_DROP_UNMATCHED, /* an answer nobody waits for */
		 PNRP_DROP_NONCE,     /* nonce or its hash does not fit */
		 PNRP_DROP_FRAGMENT,  /* reassembly contradicts itself */
		 PNRP_DROP_CPA,	      /* CPA or payload invalid: syntax, expired, ID, key, signature */
		 PNRP_DROP_ROUTE,     /* route entry of another scope or with a bad port */
		 PNRP_DROP_FULL,      /* a table was full */
		 PNRP_DROP_RATE,      /* a rate limit */
		 PNRP_DROP_MEMORY,    /* allocation refused */
		 PNRP_DROP_CLOSED,    /* the cloud is not open */
		 PNRP_DROP_REASONS
};

/* A short lower-case word for metrics labels. Static storage. */
const char *pnrp_drop_name(enum pnrp_drop reason);
const char *pnrp_message_name(enum pnrp_message_type_index type);
const char *pnrp_cloud_state_name(enum pnrp_cloud_state state);

#define PNRP_HOPS_BUCKETS 24 /* 0, 1, … 23 useful hops */

struct pnrp_stats {
	uint64_t dropped[PNRP_DROP_REASONS];
	uint64_t received[PNRP_COUNT_TYPES];
	uint64_t sent[PNRP_COUNT_TYPES]; /* datagrams, retransmissions included */
	uint64_t received_bytes;
	uint64_t sent_bytes;
	uint64_t retransmitted;
	uint64_t timeouts;    /* requests never answered */
	uint64_t output_lost; /* limits.output reached */
	uint64_t walks;	      /* begun, all reasons */
	uint64_t walks_failed;
	uint64_t resolves; /* asked for by the application */
	uint64_t resolves_found;
	uint64_t resolves_failed;
	uint64_t signatures;
	uint64_t verifications;
	uint64_t cached;   /* entries that entered the cache */
	uint64_t uncached; /* entries removed because they were gone or silent */
	uint64_t revoked;  /* of these, by a revoke CPA */
	uint64_t probes;   /* entries asked whether they are still there */
	uint64_t floods_forwarded;
	uint64_t splits_tested;
	uint64_t splits_found;
	uint64_t splits_found_smaller;	  /* of these, with this node in the smaller part */
	uint64_t hops[PNRP_HOPS_BUCKETS]; /* of application walks that found */
};

/* Lives as long as the engine. */
const struct pnrp_stats *pnrp_engine_stats(const struct pnrp_engine *e);

struct pnrp_status {
	enum pnrp_cloud_state state;
	uint32_t opens;
	struct ponto_addr local[PNRP_LOCAL_MAX];
	size_t local_count;
	uint32_t cache_entries; /* leaf sets included */
	uint32_t registrations;
	uint32_t resolves; /* under way, internal ones included */
	uint32_t pending;  /* messages waiting for an answer */
	uint32_t pending_adds;
	uint32_t conversations;
	uint32_t reassemblies;
	uint32_t jobs;
	double estimated_ids; /* in the cloud, 3.2.6.2.1.1; 0: no estimate */
	double estimated_nodes;
	uint64_t memory; /* bytes of heap asked for and not given back */
};

void pnrp_engine_status(const struct pnrp_engine *e, struct pnrp_status *out);
enum pnrp_cloud_state pnrp_engine_state(const struct pnrp_engine *e);

struct pnrp_route {
	struct ring_id id;
	struct ponto_addr addrs[PNRP_ROUTE_ADDRS_MAX];
	size_t addr_count;
	bool leaf;     /* in a leaf set */
	uint8_t level; /* of the cache, 0 the whole circle */
};

/* borrows. Return false to stop. */
typedef bool pnrp_route_fn(void *arg, const struct pnrp_route *route);

/* Every cache entry, in no order. */
void pnrp_engine_each_route(const struct pnrp_engine *e, pnrp_route_fn *fn, void *arg);

/* The leaf set of one registration: the entries below it from the nearest, then those above it. */
void pnrp_engine_each_leaf(const struct pnrp_engine *e, uint64_t handle, pnrp_route_fn *fn, void *arg);

struct pnrp_registration_info {
	uint64_t handle;
	uint64_t token;
	struct ring_id id;
	enum pnrp_registration_state state;
	size_t leaves_below;
	size_t leaves_above;
};

typedef bool pnrp_registration_fn(void *arg, const struct pnrp_registration_info *info);

void pnrp_engine_each_registration(const struct pnrp_engine *e, pnrp_registration_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif
#endif
