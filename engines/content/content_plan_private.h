/* Content: what the files of the plan share. */
#ifndef ENGINES_CONTENT_CONTENT_PLAN_PRIVATE_H
#define ENGINES_CONTENT_CONTENT_PLAN_PRIVATE_H

#include "engines/content/content_plan.h"

#define CONTENT_PLAN_OPEN_MAX 16384u /* segments */
#define CONTENT_PLAN_TRAIL_MAX 64u

struct part {
	struct part *next; /* of those with a session */
	uint64_t first;	   /* its first wanted block, counted through */
	uint64_t again;	   /* not looked at before */
	uint64_t looked;   /* when a session on it ended; 0: never */
	uint64_t began;	   /* of its session */
	uint64_t gap;	   /* from one that found something to the next */
	uint16_t low, count, left;
	uint16_t found; /* blocks in this session */
	uint8_t empty;	/* looks in a row that found nothing */
	bool session, stopping, open;
	bool lacked;  /* neighbours said in this session what they lack: looked is when */
	bool refused; /* the last session did not begin */
	bool trailed; /* one of trail */
};

struct content_plan {
	struct content_plan_config config;
	struct part *parts;
	uint32_t part_count, part_cap;
	uint64_t blocks, had_count;
	/* A bit a block. peer, unit: under way; listed: under way from neighbours who have it; seen: looked for of
	 * late. */
	uint64_t *had, *peer, *unit, *listed, *seen;
	uint32_t peer_count, unit_count; /* blocks under way */
	uint32_t open[CONTENT_PLAN_OPEN_MAX];
	uint32_t open_count;
	bool close; /* some may be closed */
	uint64_t open_blocks;
	uint32_t next_part, opened; /* the next to be opened; so many were */
	uint32_t sessions, transfers;
	struct part *active; /* those with a session */
	uint64_t looking;    /* so long the last look at all neighbours took */
	uint32_t peers, held;
	uint64_t reader;
	uint64_t random;
	uint64_t begun_at, progress;
	bool begun;
	/* segments beside those that neighbours had (content_plan_trail.c) */
	bool fine;
	uint32_t trail[CONTENT_PLAN_TRAIL_MAX];
	uint32_t trail_count;
	uint64_t chance; /* when one is looked at by chance */
	/* the content server */
	uint64_t ask_again;
	uint32_t failures, alone; /* alone: blocks of the next unit where there are no neighbours */
	uint64_t place, placed;	  /* it is asked for this block next, and then for those behind it; chosen when */
	uint64_t hold;		  /* not before then */
	uint8_t pauses;		  /* so many units are preceded by one, */
	bool paused;		  /* which is over, or going on */
	uint64_t asked, took;	  /* when the last unit was asked for, and how long it was on its way */
};

/* ---- content_plan.c -------------------------------------------------------------------- */

uint64_t content_plan_random(struct content_plan *p, uint64_t below);
bool content_plan_in(const uint64_t *set, uint64_t block);
bool content_plan_idle(const struct content_plan *p, uint64_t block); /* neither had nor under way */
struct part *content_plan_part(const struct content_plan *p, uint64_t block);

/* In order, only what lies before the end of the window is wanted now. */
uint64_t content_plan_end(const struct content_plan *p, const struct part *part);

/* Blocks that may still be set out for: sessions leave a quarter to the content server. */
uint32_t content_plan_room(const struct content_plan *p, bool session);

/* A session on a segment: idle blocks, from one on and around its end. False: there are none, or no room. */
bool content_plan_take_session(struct content_plan *p, uint64_t now, struct part *part, uint64_t from,
			       struct content_plan_step *out);

/* ---- content_plan_trail.c -------------------------------------------------------------- */

bool content_plan_trail_session(struct content_plan *p, uint64_t now, struct content_plan_step *out);
void content_plan_trail_ended(struct content_plan *p, uint64_t now, struct part *part);
uint64_t content_plan_trail_deadline(const struct content_plan *p, uint64_t now);

/* ---- content_plan_ask.c ---------------------------------------------------------------- */

/* The content server could be asked for more now, had it a place. */
bool content_plan_could_ask(const struct content_plan *p, uint64_t now);

/* Some block of an open segment that is not had, asked for or found, by chance; blocks when there is none. */
uint64_t content_plan_some_place(struct content_plan *p, uint64_t now);

/* A unit for the content server, or a look at what is to be asked for. */
bool content_plan_ask(struct content_plan *p, uint64_t now, struct content_plan_step *out);

/* When that is worth another try. */
uint64_t content_plan_ask_deadline(const struct content_plan *p, uint64_t now);

#endif
