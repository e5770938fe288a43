/* Content: the client of hosted caches: which of them is asked, what is offered to
 * which, and when again.
 *
 * Pure. Caches are taken in the order they are configured in: the first that has
 * not failed lately. What came from a content server and is held is told block by
 * block; once a fifth of a segment is new, or the segment is whole, it is offered:
 * under version 1.0 (HTTPS) by itself, with its hashes when the cache wants them,
 * under version 2.0 (HTTP) in batches. Offers are a courtesy: whatever goes wrong
 * costs no download. [MS-PCHC] 3.2. */
#ifndef ENGINES_CONTENT_CONTENT_CACHES_H
#define ENGINES_CONTENT_CONTENT_CACHES_H

#include "engines/content/content_offer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_CACHES_MAX 16u
#define CONTENT_OFFER_TICK (5 * PONTO_SECOND) /* 3.2.2 */
#define CONTENT_OFFER_TICKS 2u		      /* that a request lives for, and the one begun */
#define CONTENT_OFFER_SHARE 5u		      /* one in so many blocks must be new, 3.2.4 note 9 */

struct content_caches;
struct content_offering; /* a request under way */

struct content_caches_config {
	const struct ponto_alloc *alloc;
	uint32_t count;			 /* of caches, 0..CONTENT_CACHES_MAX */
	bool secure[CONTENT_CACHES_MAX]; /* offers go over HTTPS, version 1.0 */
	uint16_t port;			 /* of this client's retrieval server; 0: nothing is offered */
	uint64_t batch;			 /* microseconds that offers of version 2.0 wait for others */
	uint64_t backoff, backoff_max;	 /* microseconds after a failure; twice as long after each */
	uint32_t wrong;			 /* wrong blocks in a row that count as a failure */
	uint32_t segments;		 /* that are remembered until they are offered */
	uint32_t requests;		 /* at once */
	uint32_t tries;			 /* of an offer */
};

/* The defaults, without caches. borrows alloc */
struct content_caches_config content_caches_defaults(const struct ponto_alloc *alloc);

enum content_caches_kind {
	CONTENT_CACHES_OFFER = 1, /* POST body to cache, then content_caches_response */
	CONTENT_CACHES_CANCEL,	  /* break it off; it is forgotten: no response any more */
	CONTENT_CACHES_DESCRIBE,  /* the hashes of segment id are wanted: content_caches_described, once */
};

struct content_caches_effect {
	uint8_t kind; /* enum content_caches_kind */
	struct content_offering *request;
	uint32_t cache;
	bool negotiate;		 /* OFFER: with HTTP authentication by SPNEGO */
	struct ponto_bytes body; /* OFFER: until the response */
	struct content_id id;	 /* DESCRIBE */
};

/* A segment of which blocks are held. */
struct content_fresh {
	struct content_id id;
	enum content_algo algo;
	uint32_t size;
	uint32_t offset; /* in it, where the range that was wanted begins */
	uint64_t place;	 /* of its first byte in the content */
	uint8_t tag[CONTENT_TAG];
};

struct content_caches_stats {
	uint64_t offered;     /* segments, in requests that were answered */
	uint64_t requests;    /* sent */
	uint64_t interested;  /* answers that wanted hashes */
	uint64_t failed;      /* requests: no answer, or none of the protocol */
	uint64_t expired;     /* and those given up after two ticks */
	uint64_t dropped;     /* segments: nobody took the offer, or too many waited */
	uint64_t unofferable; /* segments that no cache's version has words for */
	uint64_t backoffs;    /* caches that failed */
};

/* PONTO_EINVAL: a bound of 0, too many caches. gives */
PONTO_MUST_CHECK int content_caches_create(const struct content_caches_config *config, struct content_caches **out);

/* Requests under way are forgotten. Accepts NULL. */
void content_caches_destroy(struct content_caches *caches);

/* ---- which is asked ------------------------------------------------------------- */

/* The first that has not failed lately; false: none. */
bool content_caches_pick(const struct content_caches *caches, uint64_t now, uint32_t *cache);

/* It sent a block that is right, or one that is not; it did not answer. */
void content_caches_right(struct content_caches *caches, uint32_t cache);
void content_caches_failed(struct content_caches *caches, uint64_t now, uint32_t cache);
void content_caches_wrong(struct content_caches *caches, uint64_t now, uint32_t cache);

/* The port of this client's retrieval server; 0: nothing is offered. */
void content_caches_serve(struct content_caches *caches, uint16_t port);

/* ---- what is offered ------------------------------------------------------------ */

/* A block came from a content server, and can be retrieved here from now on. whole: all of the segment can. copies */
void content_caches_fresh(struct content_caches *caches, uint64_t now, const struct content_fresh *fresh,
			  uint32_t index, bool whole);

/* 1 and the next wish, or 0. */
int content_caches_effect(struct content_caches *caches, uint64_t now, struct content_caches_effect *out);

/* How a request went: the exchange's result, the HTTP status, the body of a 200. Once for each OFFER that was not
 * cancelled. */
void content_caches_response(struct content_caches *caches, uint64_t now, struct content_offering *request, int result,
			     unsigned status, struct ponto_bytes body);

/* What DESCRIBE asked for, its place in the content apart; NULL: it is not to be had. borrows */
void content_caches_described(struct content_caches *caches, struct content_offering *request,
			      const struct content_segment *segment);

void content_caches_advance(struct content_caches *caches, uint64_t now);
uint64_t content_caches_deadline(const struct content_caches *caches, uint64_t now);
void content_caches_stats(const struct content_caches *caches, struct content_caches_stats *out);

#ifdef __cplusplus
}
#endif
#endif
