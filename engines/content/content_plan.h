/* Content: what a download does next: which blocks are sought among neighbours,
 * which are asked of the content server, and when to look again.
 *
 * Pure. Many nodes may begin at the same moment behind one thin line, so each
 * works at places of its own, looks at what the others have before it asks the
 * content server for a few blocks, and leaves to them what they are seen to be
 * at. Every wait ends: neighbours that lie, hang or are gone cost time, never
 * the download, and the content server is the last word. Memory: five bits a
 * block and a record a segment, whatever the blocks' size. */
#ifndef ENGINES_CONTENT_CONTENT_PLAN_H
#define ENGINES_CONTENT_CONTENT_PLAN_H

#include "engines/content/content_blocks.h"
#include "engines/content/content_hash.h"

#ifdef __cplusplus
extern "C" {
#endif

struct content_plan;

struct content_plan_config {
	const struct ponto_alloc *alloc;
	uint64_t seed;		   /* another one at each node */
	bool in_order;		   /* as a reader needs them; else at places of the seed's choice */
	bool origin;		   /* there is a content server to ask */
	uint32_t window;	   /* blocks under way or not yet read at once; in order: from the reader's place on */
	uint32_t sessions;	   /* segments sought among neighbours at once */
	uint32_t transfers;	   /* units asked of the content server at once */
	uint32_t unit, unit_alone; /* most blocks of a unit: among neighbours, and where there are none */
	uint64_t fresh;		   /* so long what neighbours were seen to lack is believed, microseconds */
	uint64_t look;		   /* between two looks at one segment, at first; at most CONTENT_PLAN_LOOK_MAX */
	uint64_t patience;	   /* a session is ended after so long when the content server could go on */
	uint64_t give_up;	   /* without a block from anybody, and no content server */
	uint32_t failures;	   /* of the content server in a row before it is given up */
};

#define CONTENT_PLAN_LOOK_MAX (8 * PONTO_SECOND)
#define CONTENT_PLAN_SESSION 64u /* blocks of a session */

/* The defaults. borrows alloc */
struct content_plan_config content_plan_defaults(const struct ponto_alloc *alloc, uint64_t seed);

enum content_plan_kind {
	CONTENT_PLAN_WAIT,	    /* nothing until deadline, unless something is told before */
	CONTENT_PLAN_SESSION_BEGIN, /* seek blocks of segment among neighbours, then content_plan_session_ended */
	CONTENT_PLAN_SESSION_STOP,  /* end that session early; it is still to be told as ended */
	CONTENT_PLAN_ASK,    /* ask the content server for blocks first..first+count-1, then content_plan_asked */
	CONTENT_PLAN_DONE,   /* all blocks are had */
	CONTENT_PLAN_FAILED, /* nobody has what is missing */
};

/* Blocks are counted through: the first one wanted of the first segment is 0. */
struct content_plan_step {
	uint8_t kind; /* enum content_plan_kind */
	uint32_t segment;
	struct content_blocks blocks; /* of segment */
	uint64_t first;
	uint32_t count;
	uint64_t deadline; /* WAIT; PONTO_NEVER: something else has to happen */
};

/* PONTO_EINVAL: a setting that is 0; PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int content_plan_create(const struct content_plan_config *config, struct content_plan **out);

/* Accepts NULL. */
void content_plan_destroy(struct content_plan *plan);

/* The next segment, of which blocks low..low+count-1 are wanted; count at least 1, at most CONTENT_BLOCKS_MAX. All
 * are told before the first step. PONTO_EINVAL, PONTO_ENOMEM. */
PONTO_MUST_CHECK int content_plan_add(struct content_plan *plan, uint32_t low, uint32_t count);

/* After the last one; without it no step is told. PONTO_ENOMEM. */
PONTO_MUST_CHECK int content_plan_begin(struct content_plan *plan, uint64_t now);

/* What to do next; to be called until it says WAIT, DONE or FAILED. */
void content_plan_next(struct content_plan *plan, uint64_t now, struct content_plan_step *out);

/* A block is had, whoever sent it. False: it was had before. */
bool content_plan_had(struct content_plan *plan, uint64_t now, uint64_t block);

/* It came from a neighbour: others are at work on its segment. */
void content_plan_from_peer(struct content_plan *plan, uint64_t block);

/* One that was had is lost again. */
void content_plan_lost(struct content_plan *plan, uint64_t block);

/* The session on segment goes on, but all neighbours lack these of its blocks. */
void content_plan_lacked(struct content_plan *plan, uint64_t now, uint32_t segment, const struct content_blocks *blocks);

void content_plan_session_ended(struct content_plan *plan, uint64_t now, uint32_t segment);

/* A session could not begin, as others are at work on it or there are too many: again after a while. */
void content_plan_session_refused(struct content_plan *plan, uint64_t now, uint32_t segment);

/* How ASK ended. What was not told as had is asked for again; result other than PONTO_OK counts as a failure of the
 * content server when not one block came. */
void content_plan_asked(struct content_plan *plan, uint64_t now, uint64_t first, uint32_t count, int result);

/* Neighbours that are known to work on this content. */
void content_plan_peers(struct content_plan *plan, uint32_t count);

/* Blocks that are had but not yet read, and take memory; in order: the block that the reader needs next. */
void content_plan_held(struct content_plan *plan, uint32_t blocks);
void content_plan_reader(struct content_plan *plan, uint64_t block);

uint64_t content_plan_blocks(const struct content_plan *plan);	  /* wanted */
uint64_t content_plan_had_count(const struct content_plan *plan); /* and had */
bool content_plan_has(const struct content_plan *plan, uint64_t block);

/* Where a block is: its segment, in the order told, and its index there. */
void content_plan_locate(const struct content_plan *plan, uint64_t block, uint32_t *segment, uint32_t *index);

/* The reverse; index is one of those wanted. */
uint64_t content_plan_block(const struct content_plan *plan, uint32_t segment, uint32_t index);

/* The blocks wanted of a segment. */
void content_plan_wanted(const struct content_plan *plan, uint32_t segment, uint32_t *low, uint32_t *count);

#ifdef __cplusplus
}
#endif
#endif
