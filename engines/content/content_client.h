/* Content: the fetching side of the Retrieval Protocol: segments wanted, who has
 * them, which block is asked of whom, and what may be believed.
 *
 * Pure. A segment is one session: neighbours are looked for unless they are
 * known, each is asked for one block at a time, whatever goes wrong gives the
 * block back, and what nobody has is left to the content server. No block passes
 * through here: its hash does. [MS-PCCRR] 3.1; [MS-CCROD] 2.8.2. */
#ifndef ENGINES_CONTENT_CONTENT_CLIENT_H
#define ENGINES_CONTENT_CONTENT_CLIENT_H

#include "engines/content/content_codec.h"
#include "engines/content/content_maker.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_REQUEST_TIMEOUT (2 * PONTO_SECOND) /* 3.1.2 */
#define CONTENT_REQUEST_TIMEOUT_MIN PONTO_MS
#define CONTENT_REQUEST_TIMEOUT_MAX (60 * PONTO_SECOND)
#define CONTENT_SESSION_TIMEOUT (5 * PONTO_SECOND)  /* without a block */
#define CONTENT_EMPTY_LIFETIME (15 * PONTO_SECOND)  /* of "nobody has it" */
#define CONTENT_SERVER_LIFETIME (60 * PONTO_SECOND) /* of "he has it" */
#define CONTENT_SERVERS_MAX 16			    /* of a segment */
#define CONTENT_STRIKES 3			    /* timeouts before a server is dropped */
#define CONTENT_SIMPLE_MAX 3			    /* consecutive blocks that are fetched without asking for a list */

struct content_client;
struct content_request;

struct content_client_config {
	const struct ponto_alloc *alloc;
	uint64_t request_timeout, session_timeout, empty_lifetime, server_lifetime;
	uint8_t servers;   /* of one segment: 1..CONTENT_SERVERS_MAX */
	uint8_t strikes;   /* 1..100 */
	uint32_t sessions; /* at once */
	uint32_t requests; /* at once, over all sessions */
	uint32_t segments; /* whose servers are remembered, sessions included */
	uint32_t probes;   /* a second; more sessions end at once */
};

/* The defaults. borrows alloc */
struct content_client_config content_client_defaults(const struct ponto_alloc *alloc);

enum content_client_kind {
	CONTENT_CLIENT_PROBE =
		1, /* who has id? content_client_found, any number of times, then content_client_searched */
	CONTENT_CLIENT_REQUEST, /* POST body to addr, then content_client_response, once */
	CONTENT_CLIENT_CANCEL,	/* break it off, then content_client_response as well */
	CONTENT_CLIENT_LACKED,	/* all who were asked said that they lack missing; the session goes on with others */
	CONTENT_CLIENT_ENDED,	/* the session is over; missing is what is to come from the content server */
};

struct content_client_effect {
	uint8_t kind; /* enum content_client_kind */
	uint64_t tag; /* PROBE, LACKED, ENDED */
	struct content_id id;
	bool v2;			 /* PROBE: the version to ask in */
	struct content_request *request; /* REQUEST, CANCEL */
	struct ponto_addr addr;		 /* REQUEST */
	struct ponto_bytes body;	 /* REQUEST: until the response */
	struct content_blocks missing;	 /* LACKED, ENDED */
};

/* What is to be done with a block that came: decrypt with the key, keep the first size bytes, hash them. One of a
 * segment without keys is kept as it came. */
struct content_open {
	uint64_t tag;
	uint32_t index;
	enum content_algo algo;
	uint32_t size;
	bool relayed; /* there is no key and no hash */
	bool bound;   /* the hash wanted follows from the segment's ID: whoever holds that has such a block, or lies. A list
			 of a part of a segment's hashes says what who made it likes. */
	uint8_t wanted[CONTENT_HASH_MAX];
	enum content_crypto crypto;
	struct ponto_bytes key;	 /* until opened */
	struct ponto_bytes data; /* a view into the response */
	uint8_t iv[CONTENT_IV];
};

struct content_client_stats {
	uint64_t probes, requests, blocks, absent, wrong, malformed, timeouts, dropped;
};

/* PONTO_EINVAL: a setting out of its range. gives */
PONTO_MUST_CHECK int content_client_create(const struct content_client_config *config, struct content_client **out);

/* Requests must have had their response. Accepts NULL. */
void content_client_destroy(struct content_client *client);

/* Wants blocks of a segment, which must be listed in it, at least one. A whole list of hashes fits the HoD, as
 * content_info_parse sees to. tag comes back. PONTO_EEXIST: it is being
 * fetched; PONTO_EBUSY: too many sessions; PONTO_EINVAL: a block is not in the segment or its hash is not listed.
 * copies */
PONTO_MUST_CHECK int content_client_add(struct content_client *client, uint64_t now, enum content_algo algo,
					const struct content_segment *segment, const struct content_blocks *blocks,
					uint64_t tag);

/* The same of a segment of which nothing but its name is known, as a hosted cache is offered it: its blocks cannot be
 * opened, and are taken as they come. No search is made for it: who has it is to be told before
 * (content_client_expect). PONTO_EINVAL also: such a segment cannot be. copies */
PONTO_MUST_CHECK int content_client_relay(struct content_client *client, uint64_t now, const struct content_id *id,
					  enum content_algo algo, uint32_t size, const struct content_blocks *blocks,
					  uint64_t tag);

/* Ends a session; ENDED comes. */
void content_client_stop(struct content_client *client, uint64_t tag);

/* A server that has some of a segment. Unknown IDs do not matter. */
void content_client_found(struct content_client *client, uint64_t now, const struct content_id *id,
			  const struct ponto_addr *addr);

/* The same before the segment is sought: a server that holds others of the same content, so that no search is needed
 * for each of them. Who is told last is asked first. Without room or memory he is found otherwise. */
void content_client_expect(struct content_client *client, uint64_t now, const struct content_id *id,
			   const struct ponto_addr *addr);

/* Whoever was known to have a segment is asked for it no more, unless it is being fetched now. */
void content_client_forget(struct content_client *client, const struct content_id *id);

/* The search for it is over. */
void content_client_searched(struct content_client *client, uint64_t now, const struct content_id *id);

/* 1 and the next wish, or 0. */
int content_client_effect(struct content_client *client, uint64_t now, struct content_client_effect *out);

/* How a request went: result of the exchange, and the body of a 200. 1: open is to be done, then content_client_opened;
 * 0: the request is gone. borrows body as long as open is used */
int content_client_response(struct content_client *client, uint64_t now, struct content_request *request, int result,
			    struct ponto_bytes body, struct content_open *open);

/* The block's hash, or why there is none; relayed blocks have none (NULL). 1: it is the right block, to be kept, given on
 * and announced; 0: to be thrown away. The request is gone. */
int content_client_opened(struct content_client *client, uint64_t now, struct content_request *request, int result,
			  const uint8_t *hash);

void content_client_advance(struct content_client *client, uint64_t now);
uint64_t content_client_deadline(const struct content_client *client);
void content_client_stats(const struct content_client *client, struct content_client_stats *out);

#ifdef __cplusplus
}
#endif
#endif
