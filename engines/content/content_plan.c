#include "engines/content/content_plan.h"

#include <assert.h>
#include <string.h>

#define OPEN_BLOCKS 32768u /* of the segments worked on at once, 2 GiB in version 1.0: what a look goes over */
#define OPEN_MAX 1024u
#define HOLD_UNIT (100 * PONTO_MS) /* near the end each waits up to so long for each neighbour before it asks */
#define HOLD_MAX (2 * PONTO_SECOND)
#define TARGET_TRIES 4		     /* choices of segments in one step */
#define TARGET_TIME (250 * PONTO_MS) /* for the looks at what is to be asked for */
#define QUANTUM 64u /* blocks that a reader's window goes on by, so that what is set out for stays in one piece */
#define ALONE_AFTER (3 * PONTO_SECOND) /* only who met nobody for so long believes to be alone */
#define LOOK_BLOCK (8 * PONTO_MS)      /* between two looks, for each block that is left */
#define UNIT_TIME (200 * PONTO_MS)     /* for a unit to come, among neighbours */
#define UNIT_SHARE 16u		       /* a node's unit is one of so many shares of what is left */
#define RETRY (PONTO_SECOND)
#define RETRY_MAX (16 * PONTO_SECOND)

struct part {
	uint64_t first;	 /* its first wanted block, counted through */
	uint64_t again;	 /* not looked at before */
	uint64_t looked; /* when a session on it ended; 0: never */
	uint64_t hold;	 /* the content server is not asked before; 0: not decided */
	uint64_t began;	 /* of its session */
	uint16_t low, count, left;
	uint8_t empty; /* looks in a row that found nothing */
	bool session, stopping, found, open;
	bool lacked;  /* neighbours said in this session what they lack: looked is when */
	bool refused; /* the last session did not begin */
};

struct content_plan {
	struct content_plan_config config;
	struct part *parts;
	uint32_t part_count, part_cap;
	uint64_t blocks, had_count;
	uint64_t *had, *peer, *unit, *seen; /* a bit a block; peer, unit: under way; seen: looked for of late */
	uint32_t peer_count, unit_count;    /* blocks under way */
	uint32_t open[OPEN_MAX];
	uint32_t open_count;
	uint64_t open_blocks;
	uint32_t next_part, opened; /* the next to be opened; so many were */
	uint32_t sessions, transfers;
	uint32_t peers, held;
	uint64_t reader;
	uint64_t random;
	uint64_t begun_at, progress, ask_again;
	uint32_t failures, alone; /* alone: blocks of the next unit where there are no neighbours */
	uint32_t pace;		  /* and at most so many where there are, as the last one took its time */
	uint64_t asked;		  /* when that was asked for */
	bool begun;
	uint32_t target, targets; /* segments looked at in order to ask for some of them: the first, and how many */
	uint64_t targeted;	  /* when they were chosen */
};

struct content_plan_config content_plan_defaults(const struct ponto_alloc *alloc, uint64_t seed)
{
	return (struct content_plan_config){
		.alloc = alloc,
		.seed = seed,
		.origin = true,
		.window = 512,
		.sessions = 8,
		.transfers = 2,
		.unit = 4,
		.unit_alone = 64,
		.fresh = 120 * PONTO_MS,
		.look = PONTO_SECOND,
		.patience = 5 * PONTO_SECOND,
		.give_up = 30 * PONTO_SECOND,
		.failures = 5,
	};
}

/* ---- sets of blocks ----------------------------------------------------------------- */

static bool has(const uint64_t *set, uint64_t block)
{
	return set[block / 64] >> block % 64 & 1;
}

static void set_bit(uint64_t *set, uint64_t block)
{
	set[block / 64] |= UINT64_C(1) << block % 64;
}

static bool clear_bit(uint64_t *set, uint64_t block)
{
	bool was = has(set, block);

	set[block / 64] &= ~(UINT64_C(1) << block % 64);
	return was;
}

/* Neither had nor under way. */
static bool idle(const struct content_plan *p, uint64_t block)
{
	uint64_t mask = UINT64_C(1) << block % 64, at = block / 64;

	return ((p->had[at] | p->peer[at] | p->unit[at]) & mask) == 0;
}

/* xorshift64*: places only, nothing that anybody must not guess. */
static uint64_t below(struct content_plan *p, uint64_t n)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return (p->random * UINT64_C(0x2545F4914F6CDD1D) >> 11) % n;
}

/* ---- making ---------------------------------------------------------------------------- */

int content_plan_create(const struct content_plan_config *config, struct content_plan **out)
{
	struct content_plan *p;

	if (config->window == 0 || config->sessions == 0 || config->transfers == 0 || config->unit == 0 ||
	    config->unit_alone == 0 || config->look == 0 || config->failures == 0)
		return PONTO_EINVAL;
	p = ponto_new(config->alloc, 1, sizeof(*p));
	if (!p)
		return PONTO_ENOMEM;
	p->config = *config;
	p->random = (config->seed ^ UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9) | 1;
	p->alone = p->pace = config->unit;
	*out = p;
	return PONTO_OK;
}

void content_plan_destroy(struct content_plan *plan)
{
	if (!plan)
		return;
	ponto_free(plan->config.alloc, plan->parts);
	ponto_free(plan->config.alloc, plan->had);
	ponto_free(plan->config.alloc, plan);
}

int content_plan_add(struct content_plan *plan, uint32_t low, uint32_t count)
{
	struct part *part;

	if (plan->begun || count == 0 || low >= CONTENT_BLOCKS_MAX || count > CONTENT_BLOCKS_MAX - low)
		return PONTO_EINVAL;
	if (plan->part_count == plan->part_cap) {
		uint32_t cap = plan->part_cap ? 2 * plan->part_cap : 16;

		if (cap < plan->part_cap)
			return PONTO_ENOMEM;
		part = ponto_resize(plan->config.alloc, plan->parts, cap, sizeof(*part));
		if (!part)
			return PONTO_ENOMEM;
		plan->parts = part;
		plan->part_cap = cap;
	}
	part = &plan->parts[plan->part_count++];
	memset(part, 0, sizeof(*part));
	part->first = plan->blocks;
	part->low = (uint16_t)low;
	part->count = part->left = (uint16_t)count;
	plan->blocks += count;
	return PONTO_OK;
}

int content_plan_begin(struct content_plan *plan, uint64_t now)
{
	uint64_t words = plan->blocks / 64 + 1;

	if (words > SIZE_MAX / 4)
		return PONTO_ENOMEM;
	plan->had = ponto_new(plan->config.alloc, (size_t)words * 4, sizeof(*plan->had));
	if (!plan->had)
		return PONTO_ENOMEM;
	plan->peer = plan->had + words;
	plan->unit = plan->peer + words;
	plan->seen = plan->unit + words;
	plan->begun = true;
	plan->progress = plan->begun_at = now;
	if (plan->part_count && !plan->config.in_order)
		plan->next_part = (uint32_t)below(plan, plan->part_count);
	return PONTO_OK;
}

/* ---- what is open ---------------------------------------------------------------------- */

static void close_whole(struct content_plan *p)
{
	for (uint32_t i = 0; i < p->open_count;) {
		struct part *part = &p->parts[p->open[i]];

		if (part->left || part->session) {
			i++;
			continue;
		}
		p->open_blocks -= part->count;
		part->open = false;
		/* In order they stay sorted: the first is needed first. */
		memmove(&p->open[i], &p->open[i + 1], (p->open_count - i - 1) * sizeof(*p->open));
		p->open_count--;
	}
}

/* In order they are sorted. */
static void open_part(struct content_plan *p, uint32_t at)
{
	uint32_t i = p->open_count++;

	for (; p->config.in_order && i > 0 && p->open[i - 1] > at; i--)
		p->open[i] = p->open[i - 1];
	p->open[i] = at;
	p->open_blocks += p->parts[at].count;
	p->parts[at].open = true;
}

static void open_more(struct content_plan *p)
{
	while (p->opened < p->part_count && p->open_count < OPEN_MAX && p->open_blocks < OPEN_BLOCKS) {
		if (p->parts[p->next_part].left && !p->parts[p->next_part].open)
			open_part(p, p->next_part);
		p->next_part = (p->next_part + 1) % p->part_count;
		p->opened++;
	}
}

/* In order, only what lies before the end of the window is wanted now. */
static uint64_t end_of(const struct content_plan *p, const struct part *part)
{
	uint64_t end = part->first + part->count,
		 quantum = p->config.window / 4 < QUANTUM ? p->config.window / 4 : QUANTUM;
	uint64_t window = p->reader + p->config.window;

	if (quantum > 1)
		window -= window % quantum;
	if (p->config.in_order && window < end)
		end = window;
	return end > part->first ? end : part->first;
}

/* Blocks that may still be set out for: sessions leave a quarter to the content server. */
static uint32_t room(const struct content_plan *p, bool session)
{
	uint64_t used = (uint64_t)p->peer_count + p->unit_count + (p->config.in_order ? 0 : p->held);
	uint64_t limit = session ? p->config.window - p->config.window / 4 : p->config.window;

	if (used + p->config.unit > limit && used)
		return 0; /* not in crumbs */
	return used < limit ? (uint32_t)(limit - used) : 0;
}

/* ---- sessions ------------------------------------------------------------------------------ */

/* When a segment is looked at again: the less is left, the sooner, as looks are few then and waiting is all that is
 * left to do. */
static uint64_t due(const struct content_plan *p, const struct part *part)
{
	uint64_t most = p->config.fresh + (p->blocks - p->had_count) * LOOK_BLOCK;

	if (part->refused || !part->looked || !p->config.origin || part->again <= part->looked + most)
		return part->again;
	return part->looked + most;
}

/* Idle blocks of a part, from a place on and around its end; they are then under way. */
static bool take_session(struct content_plan *p, uint64_t now, uint32_t at, struct content_plan_step *out)
{
	struct part *part = &p->parts[at];
	uint64_t end = end_of(p, part), span = end - part->first, start;
	uint32_t most = room(p, true), taken = 0;

	if (span == 0 || most == 0)
		return false;
	if (most > CONTENT_PLAN_SESSION)
		most = CONTENT_PLAN_SESSION;
	memset(out, 0, sizeof(*out));
	start = p->config.in_order ? 0 : below(p, span);
	for (uint64_t i = 0; i < part->count; i++)
		clear_bit(p->seen, part->first + i);
	for (uint64_t i = 0; i < span && taken < most; i++) {
		uint64_t block = part->first + (start + i) % span;

		if (!idle(p, block))
			continue;
		content_blocks_add(&out->blocks, part->low + (uint32_t)(block - part->first), 1);
		set_bit(p->peer, block);
		set_bit(p->seen, block);
		taken++;
	}
	if (taken == 0)
		return false;
	p->peer_count += taken;
	p->sessions++;
	part->session = true;
	part->stopping = part->found = part->lacked = false;
	part->began = now;
	out->kind = CONTENT_PLAN_SESSION_BEGIN;
	out->segment = at;
	return true;
}

static bool begin_session(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	uint32_t start = p->open_count && !p->config.in_order ? (uint32_t)below(p, p->open_count) : 0;

	for (uint32_t i = 0; i < p->open_count && p->sessions < p->config.sessions; i++) {
		uint32_t at = p->open[(start + i) % p->open_count];
		const struct part *part = &p->parts[at];

		if (!part->session && part->left && due(p, part) <= now && take_session(p, now, at, out))
			return true;
	}
	return false;
}

/* Among several, others fill the line while one waits: what is under way is what they cannot see yet. */
static uint32_t most_transfers(const struct content_plan *p)
{
	return p->peers < 2 ? p->config.transfers : 1;
}

static bool could_ask(const struct content_plan *p, uint64_t now)
{
	return p->config.origin && p->transfers < most_transfers(p) && p->ask_again <= now;
}

/* One that goes on although the content server has nothing else to do. */
static bool stop_session(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	for (uint32_t i = 0; p->transfers == 0 && could_ask(p, now) && i < p->open_count; i++) {
		struct part *part = &p->parts[p->open[i]];

		if (!part->session || part->stopping || now < part->began + p->config.patience)
			continue;
		part->stopping = true;
		memset(out, 0, sizeof(*out));
		out->kind = CONTENT_PLAN_SESSION_STOP;
		out->segment = p->open[i];
		return true;
	}
	return false;
}

static void free_session(struct content_plan *p, struct part *part)
{
	for (uint64_t i = 0; i < part->count; i++)
		p->peer_count -= clear_bit(p->peer, part->first + i);
	p->sessions -= part->session;
	part->session = part->stopping = false;
}

void content_plan_lacked(struct content_plan *plan, uint64_t now, uint32_t segment, const struct content_blocks *blocks)
{
	struct part *part = &plan->parts[segment];

	if (!part->session)
		return;
	for (uint32_t i = content_blocks_next(blocks, part->low); i < (uint32_t)part->low + part->count;
	     i = content_blocks_next(blocks, i + 1))
		plan->peer_count -= clear_bit(plan->peer, part->first + (i - part->low));
	part->lacked = true;
	part->looked = now;
}

void content_plan_session_ended(struct content_plan *plan, uint64_t now, uint32_t segment)
{
	struct part *part = &plan->parts[segment];
	uint64_t wait = plan->config.look;

	if (!part->session)
		return;
	free_session(plan, part);
	part->refused = false;
	if (!part->lacked)
		part->looked = now;
	part->empty = part->found ? 0 : part->empty < 8 ? part->empty + 1 : part->empty;
	for (unsigned i = 1; i < part->empty && wait < CONTENT_PLAN_LOOK_MAX; i++)
		wait *= 2;
	/* Who gave something may have more by now. */
	part->again = now + (part->found ? 0 : wait < CONTENT_PLAN_LOOK_MAX ? wait : CONTENT_PLAN_LOOK_MAX);
	if (part->found && plan->config.origin)
		part->again = now + plan->config.fresh / 3;
}

void content_plan_session_refused(struct content_plan *plan, uint64_t now, uint32_t segment)
{
	struct part *part = &plan->parts[segment];

	if (!part->session)
		return;
	for (uint64_t i = 0; i < part->count; i++)
		clear_bit(plan->seen, part->first + i);
	free_session(plan, part);
	part->refused = true;
	part->again = now + plan->config.fresh;
}

/* ---- the content server --------------------------------------------------------------------- */

/* What neighbours lacked a moment ago they may have by now; without any the matter is settled for longer. */
static bool is_fresh(const struct content_plan *p, uint64_t now, const struct part *part)
{
	uint64_t for_long = p->peers ? p->config.fresh : CONTENT_PLAN_LOOK_MAX;

	return part->looked && now <= part->looked + for_long;
}

/* The first block from a place on that may be asked for; blocks when there is none. */
static uint64_t askable(const struct content_plan *p, uint64_t from, uint64_t to, bool seen)
{
	for (uint64_t block = from; block < to; block++) {
		if (idle(p, block) && (!seen || has(p->seen, block)))
			return block;
	}
	return p->blocks;
}

static bool is_target(const struct content_plan *p, uint64_t now, const struct part *part)
{
	return part->left && part->hold <= now && (!part->refused || part->again <= now) &&
	       askable(p, part->first, end_of(p, part), false) < p->blocks;
}

/* Blocks of the next unit. What each has under way the others cannot see, so among neighbours the less is left the
 * less of it; but not in long segments, where each unit costs a wait of the whole segment (hold_back). */
static uint32_t unit_size(const struct content_plan *p, const struct part *part)
{
	uint64_t share = (p->blocks - p->had_count) / (UNIT_SHARE * ((uint64_t)p->peers + 1));

	if (p->peers == 0)
		return p->alone;
	if (p->config.in_order || part->count > p->config.unit || share >= p->pace)
		return p->pace;
	return share ? (uint32_t)share : 1;
}

/* Some segment, and those behind it, until they make a unit. Any: all see the same, so that whatever it were chosen by
 * would lead them to the same one. */
static bool choose_target(struct content_plan *p, uint64_t now)
{
	uint32_t start = p->open_count && !p->config.in_order ? (uint32_t)below(p, p->open_count) : 0;
	uint32_t blocks = 0, i = 0;
	const struct part *part;

	while (i < p->open_count && !is_target(p, now, &p->parts[p->open[(start + i) % p->open_count]]))
		i++;
	p->targets = 0;
	p->targeted = now;
	if (i == p->open_count)
		return false;
	p->target = p->open[(start + i) % p->open_count];
	part = &p->parts[p->target];
	while (blocks < unit_size(p, part) && p->target + p->targets < p->part_count)
		blocks += p->parts[p->target + p->targets++].count;
	return true;
}

/* So little is left that others are at the same: each waits a while of its own, and looks once more. */
static bool hold_back(struct content_plan *p, uint64_t now, struct part *part)
{
	uint64_t most = p->peers * HOLD_UNIT < HOLD_MAX ? p->peers * HOLD_UNIT : HOLD_MAX;

	if (p->peers == 0 || p->config.in_order || part->hold ||
	    p->blocks - p->had_count > (uint64_t)4 * p->config.unit * (p->peers + 1))
		return false;
	part->hold = now + 1 + below(p, most);
	return true;
}

/* Blocks in a row that neighbours were seen to lack; into the next segments too, as those of version 2.0 are small. */
static bool take_unit(struct content_plan *p, uint64_t now, struct part *part, struct content_plan_step *out)
{
	uint32_t most = unit_size(p, part), space = room(p, false);
	uint64_t end = end_of(p, part), start = part->first, first;

	if (!p->config.in_order)
		start += below(p, part->count);
	first = askable(p, start, end, true);
	if (first == p->blocks)
		first = askable(p, part->first, end, true);
	if (first == p->blocks || space == 0)
		return false;
	memset(out, 0, sizeof(*out));
	out->kind = CONTENT_PLAN_ASK;
	out->first = first;
	for (uint64_t block = first; block < p->blocks && out->count < most && out->count < space; block++) {
		if (block == part->first + part->count)
			part++;
		if (block >= end_of(p, part) || !idle(p, block) || !has(p->seen, block) || !is_fresh(p, now, part))
			break;
		set_bit(p->unit, block);
		part->hold = 0;
		out->count++;
	}
	p->unit_count += out->count;
	p->transfers++;
	p->asked = now;
	return true;
}

/* Looks at the targets that were not looked at of late, on top of the sessions that go on anyway. */
static bool look_at_targets(struct content_plan *p, uint64_t now, bool *pending, struct content_plan_step *out)
{
	for (uint32_t i = 0; i < p->targets; i++) {
		struct part *part = &p->parts[p->target + i];

		*pending |= part->session;
		if (part->session || !is_target(p, now, part) || hold_back(p, now, part))
			continue;
		if ((!is_fresh(p, now, part) || askable(p, part->first, end_of(p, part), true) == p->blocks) &&
		    p->sessions < 2 * p->config.sessions && take_session(p, now, p->target + i, out))
			return true;
	}
	return false;
}

static bool ask(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	for (unsigned tries = 0; tries < TARGET_TRIES && could_ask(p, now) && room(p, false); tries++) {
		bool pending = false;

		if ((p->targets == 0 || now > p->targeted + TARGET_TIME) && !choose_target(p, now))
			return false;
		if (look_at_targets(p, now, &pending, out))
			return true;
		for (uint32_t i = 0; i < p->targets; i++) {
			struct part *part = &p->parts[p->target + i];

			if (is_target(p, now, part) && is_fresh(p, now, part) && take_unit(p, now, part, out)) {
				p->targets = 0;
				return true;
			}
		}
		if (pending)
			return false;
		p->targets = 0;
	}
	return false;
}

/* What one waits longer for than UNIT_TIME only waits on the line, where nobody sees that it comes. */
static void keep_pace(struct content_plan *p, uint64_t now, uint32_t blocks)
{
	uint64_t took = now > p->asked ? now - p->asked : 1, fit = blocks * UNIT_TIME / took;

	p->pace = fit < 1 ? 1 : fit < p->config.unit ? (uint32_t)fit : p->config.unit;
}

void content_plan_asked(struct content_plan *plan, uint64_t now, uint64_t first, uint32_t count, int result)
{
	uint32_t got = 0;

	for (uint64_t block = first; block < first + count; block++) {
		plan->unit_count -= clear_bit(plan->unit, block);
		got += has(plan->had, block);
	}
	plan->transfers--;
	if (result == PONTO_OK || got) {
		plan->failures = 0;
		plan->ask_again = 0;
		keep_pace(plan, now, got);
		if (plan->alone < plan->config.unit_alone && got == count && now >= plan->begun_at + ALONE_AFTER)
			plan->alone =
				plan->alone * 2 < plan->config.unit_alone ? plan->alone * 2 : plan->config.unit_alone;
		return;
	}
	plan->alone = plan->config.unit;
	if (++plan->failures >= plan->config.failures) {
		plan->config.origin = false;
		return;
	}
	plan->ask_again = now + (RETRY << (plan->failures - 1) < RETRY_MAX ? RETRY << (plan->failures - 1) : RETRY_MAX);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void wait_step(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	uint64_t deadline = PONTO_NEVER;
	bool asks = p->config.origin && p->transfers < most_transfers(p) && room(p, false);

	memset(out, 0, sizeof(*out));
	out->kind = CONTENT_PLAN_WAIT;
	for (uint32_t i = 0; i < p->open_count; i++) {
		const struct part *part = &p->parts[p->open[i]];

		if (part->session && asks && p->transfers == 0 && !part->stopping)
			deadline = sooner(deadline, part->began + p->config.patience);
		if (!part->session && part->left && due(p, part) > now)
			deadline = sooner(deadline, due(p, part));
		if (part->left && asks && part->hold > now)
			deadline = sooner(deadline, part->hold);
	}
	if (asks && p->ask_again > now)
		deadline = sooner(deadline, p->ask_again);
	else if (asks && p->targets)
		deadline = sooner(deadline, p->targeted + TARGET_TIME + 1);
	if (!p->config.origin)
		deadline = sooner(deadline, p->progress + p->config.give_up);
	out->deadline = deadline == PONTO_NEVER || deadline > now ? deadline : now + PONTO_MS;
}

void content_plan_next(struct content_plan *plan, uint64_t now, struct content_plan_step *out)
{
	memset(out, 0, sizeof(*out));
	if (plan->had_count == plan->blocks && plan->sessions == 0 && plan->transfers == 0) {
		out->kind = CONTENT_PLAN_DONE;
		return;
	}
	close_whole(plan);
	open_more(plan);
	if (begin_session(plan, now, out) || ask(plan, now, out) || stop_session(plan, now, out))
		return;
	if (!plan->config.origin && plan->sessions == 0 && plan->transfers == 0 && room(plan, true) &&
	    now >= plan->progress + plan->config.give_up) {
		out->kind = CONTENT_PLAN_FAILED;
		return;
	}
	wait_step(plan, now, out);
}

/* ---- what is told ------------------------------------------------------------------------------- */

static struct part *part_of(const struct content_plan *p, uint64_t block)
{
	uint32_t from = 0, to = p->part_count;

	assert(block < p->blocks);
	while (to - from > 1) {
		uint32_t middle = from + (to - from) / 2;

		*(p->parts[middle].first <= block ? &from : &to) = middle;
	}
	return &p->parts[from];
}

bool content_plan_had(struct content_plan *plan, uint64_t now, uint64_t block)
{
	if (has(plan->had, block))
		return false;
	set_bit(plan->had, block);
	plan->peer_count -= clear_bit(plan->peer, block);
	plan->unit_count -= clear_bit(plan->unit, block);
	plan->had_count++;
	part_of(plan, block)->left--;
	plan->progress = now;
	return true;
}

void content_plan_from_peer(struct content_plan *plan, uint64_t block)
{
	struct part *part = part_of(plan, block);

	part->found = true;
	part->hold = 0;
}

void content_plan_lost(struct content_plan *plan, uint64_t block)
{
	struct part *part = part_of(plan, block);
	uint32_t at = (uint32_t)(part - plan->parts);

	if (!clear_bit(plan->had, block))
		return;
	plan->had_count--;
	part->left++;
	part->again = 0;
	if (part->open)
		return;
	plan->opened = 0; /* all are gone through once more */
	if (!plan->config.in_order)
		return;
	if (plan->open_count == OPEN_MAX) { /* the last one lies beyond any window */
		plan->open_count--;
		plan->parts[plan->open[plan->open_count]].open = false;
		plan->open_blocks -= plan->parts[plan->open[plan->open_count]].count;
	}
	open_part(plan, at);
}

void content_plan_peers(struct content_plan *plan, uint32_t count)
{
	plan->peers = count;
	if (count)
		plan->alone = plan->config.unit;
}

void content_plan_held(struct content_plan *plan, uint32_t blocks)
{
	plan->held = blocks;
}

void content_plan_reader(struct content_plan *plan, uint64_t block)
{
	plan->reader = block;
}

uint64_t content_plan_blocks(const struct content_plan *plan)
{
	return plan->blocks;
}

uint64_t content_plan_had_count(const struct content_plan *plan)
{
	return plan->had_count;
}

bool content_plan_has(const struct content_plan *plan, uint64_t block)
{
	return has(plan->had, block);
}

void content_plan_locate(const struct content_plan *plan, uint64_t block, uint32_t *segment, uint32_t *index)
{
	const struct part *part = part_of(plan, block);

	*segment = (uint32_t)(part - plan->parts);
	*index = part->low + (uint32_t)(block - part->first);
}

uint64_t content_plan_block(const struct content_plan *plan, uint32_t segment, uint32_t index)
{
	return plan->parts[segment].first + (index - plan->parts[segment].low);
}

void content_plan_wanted(const struct content_plan *plan, uint32_t segment, uint32_t *low, uint32_t *count)
{
	*low = plan->parts[segment].low;
	*count = plan->parts[segment].count;
}
