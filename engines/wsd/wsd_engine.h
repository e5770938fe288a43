/* WS-Discovery: asking neighbours who holds segments, and answering them.
 *
 * Pure. One engine per link. Datagrams come in and go out; what is held of
 * segments that others ask for is an effect (LOOKUP), as is what was found for
 * those asked for here (FOUND, ENDED). [MS-PCCRD] 3. */
#ifndef ENGINES_WSD_WSD_ENGINE_H
#define ENGINES_WSD_WSD_ENGINE_H

#include "engines/wsd/wsd_message.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WSD_BACKOFF (65 * PONTO_MS) /* APP_MAX_DELAY, 3.2.2 */
#define WSD_BACKOFF_MAX (10 * PONTO_SECOND)
#define WSD_WAIT (300 * PONTO_MS) /* the request timer, 3.1.2 */
#define WSD_WAIT_MAX (60 * PONTO_SECOND)
#define WSD_SUPPRESS 10	    /* n of 3.2.4.1 */
#define WSD_PROBES_MAX 1024 /* of ours, waiting for answers */
#define WSD_ANSWERS_MAX 512 /* to others, waiting for their moment */
#define WSD_FOUND_MAX 1024  /* not yet fetched by wsd_engine_effect */
#define WSD_PREFIXES_MAX 16
#define WSD_ONE_DATAGRAM 8 /* IDs whose Probe fits an unfragmented datagram */

struct wsd_engine;
struct wsd_answer; /* a Probe of others */

struct wsd_config {
	const struct ponto_alloc *alloc;
	const struct ponto_random *random;
	uint64_t instance; /* grows with every start: the Unix time in seconds */
	uint64_t backoff;  /* 1 ms..WSD_BACKOFF_MAX */
	uint64_t wait;	   /* at most WSD_WAIT_MAX; raised to backoff */
	uint32_t suppress; /* answers to the first search from which on we need not answer; 0: always answer */
};

/* A subnet of this link. */
struct wsd_prefix {
	struct ponto_addr addr;
	uint8_t bits;
};

/* What is held of a segment, and how the search for it went when it was fetched. */
struct wsd_held {
	struct wsd_segment segment; /* all its fields, whatever the version asked for */
	uint32_t replies, full;
};

enum wsd_effect_kind {
	WSD_EFFECT_LOOKUP = 1, /* to be answered with wsd_engine_held, at once or later */
	WSD_EFFECT_FOUND,      /* a neighbour holds some of what a Probe asked for */
	WSD_EFFECT_ENDED,      /* a Probe's time is over */
};

struct wsd_effect {
	uint8_t kind;			    /* enum wsd_effect_kind */
	struct wsd_answer *answer;	    /* LOOKUP */
	const struct content_id *ids;	    /* LOOKUP: what is asked for; until answered */
	uint16_t count;			    /* LOOKUP, FOUND */
	uint64_t tag;			    /* FOUND, ENDED: the Probe's */
	const struct wsd_segment *segments; /* FOUND: in the Probe's order, as many; until the next call */
	const struct ponto_addr *addrs;	    /* FOUND: to be tried in this order; until the next call */
	uint8_t addr_count;
	uint32_t replies, full; /* ENDED: answers, and those that hold everything asked for; kept with the segments */
};

struct wsd_stats {
	uint64_t probes, matches, malformed, foreign, duplicates;
	uint64_t unheld, suppressed, answered, dropped; /* Probes of others */
	uint64_t unasked;				/* matches to no Probe of ours */
	uint64_t remote;				/* matches and Probes from elsewhere */
};

/* PONTO_EINVAL: a time out of its range. gives */
PONTO_MUST_CHECK int wsd_engine_create(const struct wsd_config *config, struct wsd_engine **out);
void wsd_engine_destroy(struct wsd_engine *engine); /* accepts NULL */

/* Where this node serves blocks; with none, nothing is answered. At most WSD_ADDRS_MAX, the first ones are taken. An
 * asker is told those in its subnet; all, if none is, or if its address is link-local. copies */
void wsd_engine_addrs(struct wsd_engine *engine, const struct ponto_addr *addrs, size_t count);

/* The subnets of the link, the first WSD_PREFIXES_MAX: nobody else is answered or believed. copies */
void wsd_engine_prefixes(struct wsd_engine *engine, const struct wsd_prefix *prefixes, size_t count);

/* Asks who holds these. tag comes back with what is found. PONTO_EINVAL: as wsd_probe_make; PONTO_EBUSY: too many at
 * once; PONTO_ENOMEM. copies ids */
PONTO_MUST_CHECK int wsd_engine_probe(struct wsd_engine *engine, uint64_t now, uint8_t version,
				      const struct content_id *ids, uint16_t count, uint64_t tag);

/* PONTO_OK also when it is dropped (counted); PONTO_ENOMEM. borrows */
PONTO_MUST_CHECK int wsd_engine_input(struct wsd_engine *engine, uint64_t now, const struct ponto_addr *from,
				      struct ponto_bytes datagram);

/* The next datagram: its length; 0: none now. To the group when to is of family NONE. buf: WSD_MESSAGE_MAX bytes. */
size_t wsd_engine_output(struct wsd_engine *engine, uint64_t now, char *buf, struct ponto_addr *to);

/* 1 and the next wish, or 0. */
int wsd_engine_effect(struct wsd_engine *engine, struct wsd_effect *out);

/* The answer to LOOKUP, one for each of its IDs; answer is gone with it or with its sending. borrows */
void wsd_engine_held(struct wsd_engine *engine, uint64_t now, struct wsd_answer *answer, const struct wsd_held *held);

/* Time passes; deadline: when to call advance, then effect and output, next; PONTO_NEVER for no need. */
void wsd_engine_advance(struct wsd_engine *engine, uint64_t now);
uint64_t wsd_engine_deadline(const struct wsd_engine *engine);

void wsd_engine_stats(const struct wsd_engine *engine, struct wsd_stats *out);

#ifdef __cplusplus
}
#endif
#endif
