/* Content: the serving side of the Retrieval Protocol: what is answered to a
 * request, in which order it is decided, and how many at once.
 *
 * Pure. A request comes in as the body of a POST; what is wanted of others comes
 * out as effects: what is held of a segment (LOOKUP), a block read, sealed and
 * sent (SERVE), bytes to be answered as they are (ANSWER), a connection to be
 * closed (ABORT). No block passes through here. [MS-PCCRR] 3.2. */
#ifndef ENGINES_CONTENT_CONTENT_SERVER_H
#define ENGINES_CONTENT_CONTENT_SERVER_H

#include "engines/content/content_codec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_SERVER_LIMIT 64	       /* clients at once, the default of a peer, */
#define CONTENT_SERVER_LIMIT_MAX 16384 /* and its largest, */
#define CONTENT_HOSTED_LIMIT 1024      /* the default of a hosted cache, which may have any */
#define CONTENT_UPLOAD_TIMEOUT (15 * PONTO_SECOND)
#define CONTENT_UPLOAD_TIMEOUT_MIN (100 * PONTO_MS)
#define CONTENT_UPLOAD_TIMEOUT_MAX (3600 * PONTO_SECOND)

struct content_server;
struct content_serving; /* one request, from input to done */

struct content_server_config {
	const struct ponto_alloc *alloc;
	bool hosted;		    /* a hosted cache's limits */
	uint32_t limit;		    /* requests at work; more are answered as if nothing were held */
	uint32_t per_client;	    /* of them from one address; 0: as many as there are */
	uint64_t timeout;	    /* microseconds that one may take */
	enum content_crypto crypto; /* what blocks are sealed with */
	uint16_t most;		    /* the highest major version spoken: 1 or 2; the lowest is 1 */
	/* Requests at work that do not come here, of one client or, with NULL, of all: they count, too. NULL: there are none. */
	uint32_t (*elsewhere)(void *arg, const struct ponto_addr *client);
	void *arg;
};

enum content_server_kind {
	CONTENT_SERVER_LOOKUP = 1, /* what is held of ids, answered with content_server_held */
	CONTENT_SERVER_SERVE,	   /* block blk.index of blk.id: read, seal, answer, then content_server_served */
	CONTENT_SERVER_ANSWER,	   /* body, which stays until done */
	CONTENT_SERVER_ABORT,	   /* close the connection, then done */
};

struct content_server_effect {
	uint8_t kind; /* enum content_server_kind */
	struct content_serving *serving;
	void *user;
	struct content_ids ids;	    /* LOOKUP: read with content_ids_next; stays until answered */
	struct content_blk blk;	    /* SERVE: for content_blk_open */
	enum content_crypto crypto; /* SERVE */
	struct ponto_bytes body;    /* ANSWER */
};

struct content_server_stats {
	uint64_t requests, malformed, refused, negotiated, lists, blocks, absent, aborted;
	uint32_t active;
};

/* PONTO_EINVAL: a limit or timeout out of its range, an unknown cipher or version. gives */
PONTO_MUST_CHECK int content_server_create(const struct content_server_config *config, struct content_server **out);

/* All servings must be done. Accepts NULL. */
void content_server_destroy(struct content_server *server);

/* A request's body. PONTO_OK: *out is to be given to content_server_done once, after the answer went out or the client
 * left, at any time. PONTO_EPROTO: not a request, nothing is answered: close the connection. PONTO_ENOMEM. copies */
PONTO_MUST_CHECK int content_server_input(struct content_server *server, uint64_t now, const struct ponto_addr *client,
					  struct ponto_bytes body, void *user, struct content_serving **out);

/* 1 and the next wish, or 0. */
int content_server_effect(struct content_server *server, struct content_server_effect *out);

/* What is held of a segment: of version 2.0 block 0. */
struct content_held {
	struct content_blocks blocks;
	uint64_t age; /* microseconds since the first of it was kept */
};

/* The answer to LOOKUP, as many as there were IDs. PONTO_ENOMEM: the serving is aborted. borrows held */
PONTO_MUST_CHECK int content_server_held(struct content_server *server, struct content_serving *serving,
					 const struct content_held *held, size_t count);

/* How SERVE went: PONTO_OK: answered; otherwise nothing was, and an empty block is. */
PONTO_MUST_CHECK int content_server_served(struct content_server *server, struct content_serving *serving, int result);

void content_server_done(struct content_server *server, struct content_serving *serving);

/* Time passes; deadline: when to call next, PONTO_NEVER for no need. */
void content_server_advance(struct content_server *server, uint64_t now);
uint64_t content_server_deadline(const struct content_server *server);

void content_server_stats(const struct content_server *server, struct content_server_stats *out);

#ifdef __cplusplus
}
#endif
#endif
