/* service-dist: the client's inside: one engine for all fetches, a fetch, and what it holds in memory.
 *
 * On the component's loop, but what jobs run. dist_client.c: the engine and its exchanges with neighbours;
 * dist_fetch.c: a fetch from its first request to its end; dist_blocks.c: the plan, the cache, and blocks accepted;
 * dist_origin.c: what the origin is asked for; dist_reader.c: calls of the bus; dist_proxy.c: the proxy. */
#ifndef PLUGINS_SERVICE_DIST_DIST_CLIENT_H
#define PLUGINS_SERVICE_DIST_DIST_CLIENT_H

#include "engines/content/content_client.h"
#include "engines/content/content_coding.h"
#include "engines/content/content_info.h"
#include "engines/content/content_plan.h"
#include "plugins/service-dist/dist.h"
#include "plugins/service-dist/dist_exchange.h"

#define DIST_CLIENT_TOPIC "service.dist"
#define DIST_PEERS_MAX 16
#define DIST_RECENT 16
#define DIST_ERROR_TEXT 200
#define DIST_FETCH_LIFE (7 * 24 * 3600 * PONTO_SECOND) /* the longest exchange with an origin */

/* Bytes of an entity in memory. refs: the fetch's list, the cache while it writes, a reader. */
struct dist_chunk {
	struct dist_chunk *next;
	const struct ponto_alloc *alloc;
	uint8_t *memory;
	struct ponto_bytes data; /* of what was asked for */
	struct ponto_bytes all;	 /* of the whole block */
	uint64_t offset;	 /* of data, in the entity */
	uint64_t block;
	unsigned refs;
	bool listed;
};

void dist_chunk_unref(struct dist_chunk *chunk);

enum dist_source { DIST_FROM_PEERS, DIST_FROM_ORIGIN, DIST_FROM_CACHE, DIST_SOURCES };

struct dist_fetch;

/* What owns a fetch is told, never from inside a call it made: head: once, when the answer is known, or has failed;
 * ready: there is more to take, or it has ended. */
struct dist_fetch_events {
	void (*head)(void *arg, struct dist_fetch *fetch);
	void (*ready)(void *arg, struct dist_fetch *fetch);
};

struct dist_fetch_setup {
	const char *url;	     /* may be NULL with info */
	struct ponto_bytes info;     /* may be empty */
	uint64_t from;		     /* bytes that are had of the entity that validator names */
	const char *validator;	     /* may be NULL */
	bool any_order, transparent; /* transparent: answers of any status and coding are passed on */
	uint32_t redirects;
	const struct ponto_http_header *headers; /* sent along, may be NULL */
	size_t header_count;
	uint32_t uid;
	uint64_t program;
	const struct dist_fetch_events *events;
	void *arg;
};

enum dist_fetch_state {
	DIST_FETCH_ASKING, /* the origin has not answered */
	DIST_FETCH_INFO,   /* Content Information comes in */
	DIST_FETCH_PLAIN,  /* the entity itself comes in */
	DIST_FETCH_BLOCKS,
	DIST_FETCH_OVER, /* with result */
};

struct dist_peer_known {
	struct ponto_addr addr;
	uint8_t strikes;
};

struct dist_session {
	uint32_t segment;
	struct content_id id;
};

#define DIST_SESSIONS_MAX 24
#define DIST_STRIDE 64 /* segments between two places from which Content Information is walked */

struct dist_ask; /* dist_origin.c */

struct dist_fetch {
	struct dist_fetch *next;
	struct dist_client *client;
	uint64_t number;
	uint32_t uid;
	uint64_t program;
	const struct dist_fetch_events *events;
	void *arg;
	uint8_t state; /* enum dist_fetch_state */
	bool closing;  /* nobody owns it any more */
	bool any_order, transparent, tell_head, tell_ready, dirty;
	uint32_t redirects;
	char *url, *asked_validator;
	uint64_t asked_from;
	struct ponto_http_header *extra; /* names and values are its own */
	size_t extra_count;

	/* the answer */
	struct ponto_http_transfer *transfer, *invite;
	unsigned status;
	struct ponto_http_header *headers; /* of the answer, likewise */
	size_t header_count;
	char *etag, *modified;
	bool has_length, encoded, changed;
	uint64_t length; /* of the whole entity */
	uint64_t from;	 /* where it begins */
	uint64_t end;	 /* what is fetched ends there, when encoded */

	/* its description */
	uint8_t *info_bytes;
	size_t info_len, info_cap;
	struct content_info info;
	struct content_walk *walks;

	/* blocks */
	struct content_plan *plan;
	uint64_t *cached;     /* a bit a block: held by the cache, still to be read from there */
	uint64_t *from_cache; /* likewise: it was there before, and counted */
	uint64_t cached_count, cached_from;
	struct dist_session sessions[DIST_SESSIONS_MAX];
	unsigned session_count;
	struct dist_peer_known peers[DIST_PEERS_MAX];
	unsigned peer_count;
	struct ponto_addr doubted[DIST_PEERS_MAX]; /* this description alone speaks against them */
	unsigned doubted_next;
	uint8_t *givers; /* of each segment: which of peers had some of it, counted from 1; a hint */
	uint32_t recent[DIST_RECENT];
	unsigned recent_count;
	uint64_t probe_at, probe_gap, deadline;
	struct dist_ask *asks;
	bool ranges_refused; /* the origin sends all or nothing */
	unsigned origin_wrong;
	unsigned gets;	 /* of the cache, under way */
	uint32_t window; /* blocks in memory */

	/* reading */
	struct dist_chunk *chunks; /* by offset */
	struct dist_chunk *last;
	uint32_t chunk_count;
	size_t chunk_bytes;
	bool replied; /* what owns it knows the answer */
	bool paused;  /* the origin's body waits for room */
	uint64_t next_block, given, read;

	unsigned jobs; /* under way: it cannot be freed */
	uint64_t bytes[DIST_SOURCES];
	int result; /* OVER */
	char error[DIST_ERROR_TEXT];
};

struct dist_ban {
	struct ponto_addr addr;
	uint64_t until;
};

struct dist_alternate {
	struct ponto_addr addr, other;
};

#define DIST_BANS 64
#define DIST_ALTERNATES 64

struct dist_client_metrics {
	struct ponto_counter *bytes[DIST_SOURCES], *saved, *fetches, *failures, *wrong;
	struct ponto_gauge *open;
};

struct dist_proxy;
struct dist_reader;

struct dist_client {
	struct dist *dist;
	struct content_client *engine;
	struct dist_exchanges exchanges;
	struct dist_fetch *fetches;
	unsigned fetch_count;
	uint64_t next_number;
	struct ponto_timer *timer;
	bool pumping, again, stopping, overdue;
	unsigned jobs; /* on workers or with the cache */
	unsigned puts;
	struct dist_ban bans[DIST_BANS];
	unsigned ban_next;
	struct dist_alternate alternates[DIST_ALTERNATES];
	unsigned alternate_next;
	uint64_t probe_window; /* questions in version 2.0 are few: */
	unsigned probe_count;
	struct dist_client_metrics metrics;
	struct dist_proxy *proxy;
	struct dist_reader *readers; /* of the bus */
	/* options */
	uint64_t origin_timeout;
	size_t memory, info_limit;
	uint32_t fetches_max;
	const char *ca_file; /* NULL: the system's */
};

/* ---- dist_client.c ------------------------------------------------------------------------ */

/* Runs run(arg) on a worker, or here when there is none free, then done(arg). */
void dist_client_work(struct dist_client *client, ponto_loop_fn *run, ponto_loop_fn *done, void *arg);

/* Does all that can be done now; at the end of every callback. */
void dist_client_pump(struct dist_client *client);

/* The same of one fetch, whose plan has something new. */
void dist_client_wake(struct dist_fetch *fetch);

bool dist_client_banned(const struct dist_client *client, const struct ponto_addr *addr);

uint64_t dist_session_tag(const struct dist_fetch *fetch, uint32_t segment);

/* ---- dist_fetch.c ---------------------------------------------------------------------------- */

/* PONTO_EINVAL: neither url nor info, or info is none (why); PONTO_EBUSY: too many fetches, of this user or at all;
 * PONTO_ENOMEM; ponto_http_fetch's. copies setup; gives, until dist_fetch_close */
PONTO_MUST_CHECK int dist_fetch_open(struct dist_client *client, const struct dist_fetch_setup *setup,
				     char why[DIST_ERROR_TEXT], struct dist_fetch **out);

/* Whatever it is at ends; no event comes afterwards. Accepts NULL. takes */
void dist_fetch_close(struct dist_fetch *fetch);

/* The next bytes, in order or not; NULL: none now. They are the caller's until dist_chunk_unref. */
struct dist_chunk *dist_fetch_take(struct dist_fetch *fetch);
const struct dist_chunk *dist_fetch_peek(const struct dist_fetch *fetch);

/* All was taken. */
bool dist_fetch_whole(const struct dist_fetch *fetch);

PONTO_PRINTF(3, 4) void dist_fetch_fail(struct dist_fetch *fetch, int result, const char *format, ...);
void dist_fetch_add(struct dist_fetch *fetch, struct dist_chunk *chunk);
void dist_fetch_drop(struct dist_fetch *fetch, struct dist_chunk *chunk);
void dist_fetch_report(const struct dist_fetch *fetch, Ponto__Dist__V1__FetchReport *out);
void dist_fetch_free(struct dist_fetch *fetch);

/* The value of a header of the answer, or NULL. */
/* Headers of an exchange with the origin: those handed in that do not clash, and the encoding's. texts: room. */
#define DIST_ASK_HEADERS 64
struct dist_ask_texts {
	char params[CONTENT_PARAMS_TEXT], params_ex[CONTENT_PARAMS_TEXT], range[64], accept[256];
};
size_t dist_fetch_headers(const struct dist_fetch *fetch, enum content_ask ask, struct dist_ask_texts *texts,
			  struct ponto_http_header out[DIST_ASK_HEADERS]);

const char *dist_fetch_header(const struct dist_fetch *fetch, const char *name);

/* ---- dist_blocks.c ------------------------------------------------------------------------------ */

/* Content Information is there: it is believed or not. PONTO_EPROTO, PONTO_ENOTSUP, PONTO_ELIMIT, PONTO_ENOMEM. */
PONTO_MUST_CHECK int dist_blocks_begin(struct dist_fetch *fetch, bool origin);
void dist_blocks_step(struct dist_fetch *fetch);
void dist_blocks_end(struct dist_fetch *fetch);

/* Segment i as described, valid as long as the fetch. False: there is none. */
bool dist_blocks_segment(const struct dist_fetch *fetch, uint32_t i, struct content_segment *out);

/* A block whose hash is right, from neighbours or the origin. takes memory, in which data lies */
void dist_blocks_accept(struct dist_fetch *fetch, uint64_t block, uint8_t *memory, const uint8_t *data, size_t len,
			enum dist_source source);
void dist_blocks_lacked(struct dist_fetch *fetch, uint32_t segment, const struct content_blocks *blocks);
void dist_blocks_session_ended(struct dist_fetch *fetch, uint32_t segment);
void dist_blocks_found(struct dist_fetch *fetch, const struct content_id *id, const struct ponto_addr *addr);
/* He had some of a segment. */
void dist_blocks_given(struct dist_fetch *fetch, uint32_t segment, const struct ponto_addr *addr);
void dist_blocks_peer_failed(struct dist_fetch *fetch, const struct ponto_addr *addr, bool for_good);

/* What he sent is not what is described, by somebody who may be wrong: this fetch asks him no more, others do. */
void dist_blocks_doubt(struct dist_fetch *fetch, const struct ponto_addr *addr);
/* The segment is sought by this fetch, which does not ask him. */
bool dist_blocks_doubts(const struct dist_fetch *fetch, const struct content_id *id, const struct ponto_addr *addr);

/* Where a block lies in the entity, and its bytes. */
uint64_t dist_blocks_place(const struct dist_fetch *fetch, uint64_t block, uint32_t *size);

/* ---- dist_origin.c --------------------------------------------------------------------------------- */

/* Asks for blocks; content_plan_asked comes later, or a failure at once. */
void dist_origin_ask(struct dist_fetch *fetch, uint64_t first, uint32_t count);
void dist_origin_resume(struct dist_fetch *fetch);
void dist_origin_end(struct dist_fetch *fetch);

/* "bytes FIRST-LAST/SIZE"; *has_size false for "*". PONTO_EPROTO: anything else. */
PONTO_MUST_CHECK int dist_origin_content_range(const char *value, uint64_t *first, uint64_t *last, bool *has_size,
					       uint64_t *size);

/* ---- dist_reader.c ---------------------------------------------------------------------------------- */

void dist_reader_close_all(struct dist_client *client);

/* ---- dist_proxy.c ------------------------------------------------------------------------------------ */

/* Listens where option "proxy" says; NULL when nowhere. gives */
PONTO_MUST_CHECK int dist_proxy_open(struct dist_client *client, struct dist_proxy **out);
void dist_proxy_close(struct dist_proxy *proxy);

/* The port that was bound, 0: none. */
uint16_t dist_proxy_port(const struct dist_proxy *proxy);

#endif
