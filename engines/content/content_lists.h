/* Content: which of many segments a hosted cache has, asked in batches by the
 * lists of segments that version 2.0 of the Retrieval Protocol has for this.
 *
 * Pure. IDs that wait go together into one GETSEGLIST; what a SEGLIST says is
 * told ID by ID. A cache that does not speak version 2.0 tells nothing, and is
 * then asked for each. [MS-PCCRR] 3.1.4.4, 3.1.5.4. */
#ifndef ENGINES_CONTENT_CONTENT_LISTS_H
#define ENGINES_CONTENT_CONTENT_LISTS_H

#include "engines/content/content_codec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_LISTS_IDS 128u	    /* of one request */
#define CONTENT_LISTS_WAITING 4096u /* IDs */

struct content_lists;
struct content_listing; /* a request under way */

enum content_lists_kind {
	CONTENT_LISTS_REQUEST = 1, /* POST body to addr, then content_lists_response */
	CONTENT_LISTS_CANCEL,	   /* break it off: it is forgotten, no response any more */
	CONTENT_LISTS_HELD,	   /* addr has some of id */
	CONTENT_LISTS_LACKS,	   /* it has nothing of it */
	CONTENT_LISTS_FAILED,	   /* it did not answer, or not this */
	CONTENT_LISTS_UNKNOWN,	   /* it does not speak of lists */
};

struct content_lists_effect {
	uint8_t kind; /* enum content_lists_kind */
	struct content_listing *request;
	struct ponto_addr addr;
	struct ponto_bytes body; /* REQUEST: until the response */
	struct content_id id;
};

struct content_lists_stats {
	uint64_t requests, held, lacks;
	uint64_t malformed; /* answers that are none to what was asked */
	uint64_t timeouts, failed;
};

/* timeout: of a request, microseconds, at least 1; seed: where RequestIDs begin. PONTO_EINVAL, PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int content_lists_create(const struct ponto_alloc *alloc, uint64_t timeout, uint64_t seed,
					  struct content_lists **out);

/* Requests under way are forgotten. Accepts NULL. */
void content_lists_destroy(struct content_lists *lists);

/* Asks addr for id; HELD, LACKS, FAILED or UNKNOWN comes. PONTO_EBUSY: too many wait; PONTO_ENOMEM. copies */
PONTO_MUST_CHECK int content_lists_ask(struct content_lists *lists, const struct ponto_addr *addr,
				       const struct content_id *id);

/* 1 and the next wish, or 0. Asking is best done before: what waits then goes together. */
int content_lists_effect(struct content_lists *lists, uint64_t now, struct content_lists_effect *out);

/* How the exchange went, and the body of a 200. Returns PONTO_OK: it was answered; else why not. */
PONTO_MUST_CHECK int content_lists_response(struct content_lists *lists, struct content_listing *request, int result,
					    struct ponto_bytes body);

void content_lists_advance(struct content_lists *lists, uint64_t now);
uint64_t content_lists_deadline(const struct content_lists *lists);
void content_lists_stats(const struct content_lists *lists, struct content_lists_stats *out);

#ifdef __cplusplus
}
#endif
#endif
