#include "engines/content/content_plan_private.h"

#include <assert.h>
#include <string.h>

#define FINE 4u /* blocks of a segment on average: fewer are looked for by their place */
#define OPEN_IN_ORDER 1024u
#define OPEN_BLOCKS 32768u /* of the segments worked on at once, 2 GiB in version 1.0: what a look goes over */
#define QUANTUM 64u /* blocks that a reader's window goes on by, so that what is set out for stays in one piece */
#define LOOKING_MAX (PONTO_SECOND)
#define LOOK_WORTH 12u		  /* blocks */
#define GAP_BLOCK (PONTO_MS)	  /* likewise, where something was found */
#define LOOK_BLOCK (8 * PONTO_MS) /* between two looks, for each block that is left */

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

bool content_plan_in(const uint64_t *set, uint64_t block)
{
	return set[block / 64] >> block % 64 & 1;
}

static void set_bit(uint64_t *set, uint64_t block)
{
	set[block / 64] |= UINT64_C(1) << block % 64;
}

static bool clear_bit(uint64_t *set, uint64_t block)
{
	bool was = content_plan_in(set, block);

	set[block / 64] &= ~(UINT64_C(1) << block % 64);
	return was;
}

/* Neither had nor under way. */
bool content_plan_idle(const struct content_plan *p, uint64_t block)
{
	uint64_t mask = UINT64_C(1) << block % 64, at = block / 64;

	return ((p->had[at] | p->peer[at] | p->unit[at]) & mask) == 0;
}

/* xorshift64*: places only, nothing that anybody must not guess. */
uint64_t content_plan_random(struct content_plan *p, uint64_t below)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return (p->random * UINT64_C(0x2545F4914F6CDD1D) >> 11) % below;
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
	p->alone = config->unit;
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

	if (words > SIZE_MAX / 5)
		return PONTO_ENOMEM;
	plan->had = ponto_new(plan->config.alloc, (size_t)words * 5, sizeof(*plan->had));
	if (!plan->had)
		return PONTO_ENOMEM;
	plan->peer = plan->had + words;
	plan->unit = plan->peer + words;
	plan->listed = plan->unit + words;
	plan->seen = plan->listed + words;
	plan->begun = true;
	plan->progress = plan->begun_at = now;
	plan->place = plan->blocks;
	plan->fine = !plan->config.in_order && plan->blocks < (uint64_t)FINE * plan->part_count;
	if (plan->part_count && !plan->config.in_order)
		plan->next_part = (uint32_t)content_plan_random(plan, plan->part_count);
	return PONTO_OK;
}

/* ---- what is open ---------------------------------------------------------------------- */

static void close_whole(struct content_plan *p)
{
	if (!p->close)
		return;
	p->close = false;
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
	uint32_t most = p->config.in_order ? OPEN_IN_ORDER : CONTENT_PLAN_OPEN_MAX;

	while (p->opened < p->part_count && p->open_count < most && p->open_blocks < OPEN_BLOCKS) {
		if (p->parts[p->next_part].left && !p->parts[p->next_part].open)
			open_part(p, p->next_part);
		p->next_part = (p->next_part + 1) % p->part_count;
		p->opened++;
	}
}

uint64_t content_plan_end(const struct content_plan *p, const struct part *part)
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

uint32_t content_plan_room(const struct content_plan *p, bool session)
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

bool content_plan_take_session(struct content_plan *p, uint64_t now, struct part *part, uint64_t from,
			       struct content_plan_step *out)
{
	uint64_t span = content_plan_end(p, part) - part->first, start = from - part->first;
	uint32_t most = content_plan_room(p, true), taken = 0;

	if (span == 0 || most == 0)
		return false;
	if (most > CONTENT_PLAN_SESSION)
		most = CONTENT_PLAN_SESSION;
	memset(out, 0, sizeof(*out));
	for (uint64_t i = 0; i < part->count; i++)
		clear_bit(p->seen, part->first + i);
	for (uint64_t i = 0; i < span && taken < most; i++) {
		uint64_t block = part->first + (start + i) % span;

		if (!content_plan_idle(p, block))
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
	part->next = p->active;
	p->active = part;
	part->stopping = part->lacked = false;
	part->found = 0;
	part->began = now;
	out->kind = CONTENT_PLAN_SESSION_BEGIN;
	out->segment = (uint32_t)(part - p->parts);
	return true;
}

/* What is looked at first: what is about to be asked of the content server, else anything. */
static uint64_t look_from(struct content_plan *p, const struct part *part)
{
	if (p->config.in_order)
		return part->first;
	if (p->place >= part->first && p->place < part->first + part->count)
		return p->place;
	return part->first + content_plan_random(p, part->count);
}

/* Without a content server all have to be looked for, again and again. */
static bool follows_trails(const struct content_plan *p)
{
	return p->fine && p->config.origin;
}

static bool begin_session(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	uint32_t start = p->open_count && !p->config.in_order ? (uint32_t)content_plan_random(p, p->open_count) : 0;

	if (follows_trails(p))
		return content_plan_trail_session(p, now, out);
	for (uint32_t i = 0; i < p->open_count && p->sessions < p->config.sessions; i++) {
		uint32_t at = p->open[(start + i) % p->open_count];
		struct part *part = &p->parts[at];

		if (!part->session && part->left && due(p, part) <= now &&
		    content_plan_take_session(p, now, part, look_from(p, part), out))
			return true;
	}
	return false;
}

/* One that goes on although the content server has nothing else to do. */
static bool stop_session(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	if (p->transfers || !content_plan_could_ask(p, now))
		return false;
	for (struct part *part = p->active; part; part = part->next) {
		if (part->stopping || now < part->began + p->config.patience)
			continue;
		part->stopping = true;
		memset(out, 0, sizeof(*out));
		out->kind = CONTENT_PLAN_SESSION_STOP;
		out->segment = (uint32_t)(part - p->parts);
		return true;
	}
	return false;
}

static void free_session(struct content_plan *p, struct part *part)
{
	struct part **at = &p->active;

	for (uint64_t i = 0; i < part->count; i++) {
		p->peer_count -= clear_bit(p->peer, part->first + i);
		clear_bit(p->listed, part->first + i);
	}
	while (*at != part)
		at = &(*at)->next;
	*at = part->next;
	p->sessions--;
	part->session = part->stopping = false;
	p->close |= part->left == 0;
}

void content_plan_lacked(struct content_plan *plan, uint64_t now, uint32_t segment, const struct content_blocks *blocks)
{
	struct part *part = &plan->parts[segment];

	if (!part->session)
		return;
	for (uint32_t i = content_blocks_next(blocks, part->low); i < (uint32_t)part->low + part->count;
	     i = content_blocks_next(blocks, i + 1))
		plan->peer_count -= clear_bit(plan->peer, part->first + (i - part->low));
	for (uint64_t block = part->first; block < part->first + part->count; block++) {
		if (content_plan_in(plan->peer, block))
			set_bit(plan->listed, block);
	}
	part->lacked = true;
	part->looked = now;
}

/* Until as much has come to neighbours as is worth a look at each of them. */
static uint64_t gap_after(const struct content_plan *p, struct part *part)
{
	uint64_t least = p->config.fresh / 3, most = (p->blocks - p->had_count) * GAP_BLOCK;

	part->gap = part->found < LOOK_WORTH ? 2 * part->gap : part->gap / 2;
	if (most > 2 * p->config.look)
		most = 2 * p->config.look;
	if (part->gap > most)
		part->gap = most;
	if (part->gap < least)
		part->gap = least;
	return part->gap;
}

void content_plan_session_ended(struct content_plan *plan, uint64_t now, uint32_t segment)
{
	struct part *part = &plan->parts[segment];
	uint64_t wait = plan->config.look;

	if (!part->session)
		return;
	free_session(plan, part);
	part->refused = false;
	if (!part->found && part->left)
		plan->looking = now < part->began + LOOKING_MAX ? now - part->began : LOOKING_MAX;
	if (!part->lacked)
		part->looked = now;
	part->empty = part->found ? 0 : part->empty < 8 ? part->empty + 1 : part->empty;
	for (unsigned i = 1; i < part->empty && wait < CONTENT_PLAN_LOOK_MAX; i++)
		wait *= 2;
	/* Who gave something may have more by now. */
	part->again = now + (part->found ? 0 : wait < CONTENT_PLAN_LOOK_MAX ? wait : CONTENT_PLAN_LOOK_MAX);
	if (part->found && plan->config.origin)
		part->again = now + gap_after(plan, part);
	if (follows_trails(plan))
		content_plan_trail_ended(plan, now, part);
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

/* ---- steps ----------------------------------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void wait_step(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	uint64_t deadline = content_plan_ask_deadline(p, now);
	bool stops = p->transfers == 0 && p->config.origin && content_plan_room(p, false);

	memset(out, 0, sizeof(*out));
	out->kind = CONTENT_PLAN_WAIT;
	for (const struct part *part = p->active; stops && part; part = part->next) {
		if (!part->stopping)
			deadline = sooner(deadline, part->began + p->config.patience);
	}
	if (follows_trails(p))
		deadline = sooner(deadline, content_plan_trail_deadline(p, now));
	for (uint32_t i = 0; !follows_trails(p) && i < p->open_count; i++) {
		const struct part *part = &p->parts[p->open[i]];

		if (!part->session && part->left && due(p, part) > now)
			deadline = sooner(deadline, due(p, part));
	}
	if (!p->config.origin)
		deadline = sooner(deadline, p->progress + p->config.give_up);
	out->deadline = deadline == PONTO_NEVER || deadline > now ? deadline : now + PONTO_MS;
}

void content_plan_next(struct content_plan *plan, uint64_t now, struct content_plan_step *out)
{
	bool over =
		!plan->config.origin && content_plan_room(plan, true) && now >= plan->progress + plan->config.give_up;

	memset(out, 0, sizeof(*out));
	if (plan->had_count == plan->blocks && plan->sessions == 0 && plan->transfers == 0) {
		out->kind = CONTENT_PLAN_DONE;
		return;
	}
	close_whole(plan);
	open_more(plan);
	if ((!over && begin_session(plan, now, out)) || content_plan_ask(plan, now, out) ||
	    stop_session(plan, now, out))
		return;
	if (over && plan->sessions == 0 && plan->transfers == 0) {
		out->kind = CONTENT_PLAN_FAILED;
		return;
	}
	wait_step(plan, now, out);
}

/* ---- what is told ------------------------------------------------------------------------------- */

struct part *content_plan_part(const struct content_plan *p, uint64_t block)
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
	if (content_plan_in(plan->had, block))
		return false;
	set_bit(plan->had, block);
	plan->peer_count -= clear_bit(plan->peer, block);
	plan->unit_count -= clear_bit(plan->unit, block);
	plan->had_count++;
	plan->close |= --content_plan_part(plan, block)->left == 0;
	plan->progress = now;
	return true;
}

void content_plan_from_peer(struct content_plan *plan, uint64_t block)
{
	content_plan_part(plan, block)->found++;
}

void content_plan_lost(struct content_plan *plan, uint64_t block)
{
	struct part *part = content_plan_part(plan, block);
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
	if (plan->open_count == OPEN_IN_ORDER) { /* the last one lies beyond any window */
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
	return content_plan_in(plan->had, block);
}

void content_plan_locate(const struct content_plan *plan, uint64_t block, uint32_t *segment, uint32_t *index)
{
	const struct part *part = content_plan_part(plan, block);

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
