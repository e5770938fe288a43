/* Ponto ring: one resolve walk: whom to ask next, who is the best match so far, when to give up.
 *
 * Pure. Knows nothing of messages: its owner asks the current hop and reports the answer.
 * [MS-PNRP] 3.1.4.4.2 steps 1-10 and 3.1.5.6.1 steps 1-11.
 *
 *     init -> push_hop -> next -ASK-> (owner asks) -> answer | silence -> next …
 *                           `-STOP-> best is what was found, or again -> push_hop -> … */
#ifndef ENGINES_RING_RING_WALK_H
#define ENGINES_RING_RING_WALK_H

#include "engines/ring/ring_route.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_PATH_MAX 22	/* endpoints of the path */
#define RING_SUSPICIOUS_MAX 6	/* more answers with L end the walk */
#define RING_USEFUL_HOPS_MAX 22 /* more answers end the walk */
#define RING_USES_MAX 3		/* a hop is asked at most this often */
#define RING_STACK 32		/* a walk of 23 answers pushes fewer */
#define RING_CACHE_LARGE 8	/* smaller caches accept hops that are not closer */
#define RING_SILENT_MAX 16	/* endpoints that did not answer, remembered */

struct ring_hop {
	struct ring_route *route;
	uint8_t uses;
};

struct ring_walk {
	const struct ponto_alloc *alloc;
	struct ring_id target;
	struct ring_endpoint path[RING_PATH_MAX]; /* [0] is our own */
	struct ring_hop hops[RING_STACK];	  /* last in, first out */
	struct ring_route *matches[RING_STACK];	  /* former best matches, last in, first out */
	struct ring_route *best;		  /* may be NULL */
	struct ring_hop current;		  /* being asked; route NULL: nobody */
	uint8_t path_count, hop_count, match_count;
	uint8_t suspicious, useful;
	uint8_t silent_count;
	bool met_silence;			      /* this walk, and not only those before */
	struct ring_endpoint silent[RING_SILENT_MAX]; /* oldest first; of the walks before as well */
};

/* borrows alloc for the walk's life; copies the rest */
void ring_walk_init(struct ring_walk *w, const struct ponto_alloc *alloc, const struct ring_id *target,
		    const struct ring_endpoint *own);

/* Another walk to the same target, from nothing but who was silent: these are on its path from the start, so that
 * nobody leads there again. When the walk that ends met no silence they are forgotten, being perhaps what it lacked:
 * datagrams get lost. */
void ring_walk_again(struct ring_walk *w, const struct ring_endpoint *own);

/* Accepts a zeroed walk. */
void ring_walk_clear(struct ring_walk *w);

/* Pushes a hop that was not asked yet, unless its endpoint is known to be silent. Takes a reference of its own. A full
 * stack loses its oldest. */
void ring_walk_push(struct ring_walk *w, struct ring_route *route);

/* Puts route behind the best match without making it that: the initial best match of a registration (T15). Takes a
 * reference of its own. */
void ring_walk_push_match(struct ring_walk *w, struct ring_route *route);

/* Makes route the best match; the former is kept behind it. Takes a reference of its own. */
void ring_walk_set_best(struct ring_walk *w, struct ring_route *route);

/* The next hop becomes current and is to be asked: true. False: stop, nobody is left or a limit is reached. */
bool ring_walk_next(struct ring_walk *w);

struct ring_answer {
	struct ring_endpoint from; /* the endpoint that was asked */
	bool suspicious;	   /* flag L */
	bool gone;		   /* flag N: the ID is not there any more */
	bool barred;		   /* the hop must not become the best match */
	bool small_cache;	   /* ours has fewer than RING_CACHE_LARGE entries */
	struct ring_route *route;  /* returned by the hop, or NULL; the walk takes a reference of its own */
};

/* The current hop has answered; afterwards there is no current hop. */
void ring_walk_answer(struct ring_walk *w, const struct ring_answer *a);

/* The current hop is forgotten, and nothing remembered of it. */
void ring_walk_skip(struct ring_walk *w);

/* The current hop, asked at that endpoint, did not answer: it is forgotten, and the endpoint is on the path from now
 * on, so that those who know it name others (T20). lasting: in the walks that follow as well. */
void ring_walk_silence(struct ring_walk *w, const struct ring_endpoint *asked, bool lasting);

/* The current hop is asked once more: fewer than RING_USES_MAX uses before. */
void ring_walk_repeat(struct ring_walk *w);

/* The best match was no good: the one before it takes its place. False: there is none. */
bool ring_walk_reject_best(struct ring_walk *w);

#ifdef __cplusplus
}
#endif
#endif
