/* Content: where the content server is asked. Each node begins somewhere and goes on from there, one unit after the
 * other: others see what it had last, and leave it what follows. Where another one began it jumps, into the middle of a
 * gap, which who is at work at the gap's beginning sees in time. What is under way nobody sees: so a node waits before
 * the first unit at a new place, and now and then later, until all units are in that had been asked for by then, and
 * looks once more; else two at the same place could stay side by side. Meanwhile others use the line. */
#include "engines/content/content_plan_private.h"

#include <string.h>

#define PLACES 4		      /* looked at for the longest gap */
#define SHORT_GAP 6u		      /* units: shorter gaps are left to who is at them, unless he does not go on */
#define PAUSES 2		      /* the first units at a new place are preceded by a pause, */
#define PAUSE 4			      /* and one of so many, */
#define PAUSE_PEER (10 * PONTO_MS)    /* as long as one or two units are on their way, and so much for each neighbour */
#define TRIES 4			      /* places tried in one step */
#define PLACE_TIME (2 * PONTO_SECOND) /* for the looks at one */
#define ALONE_AFTER (3 * PONTO_SECOND) /* only who met nobody for so long believes to be alone */
#define UNIT_SHARE 8u		       /* a unit is at most one of so many shares of a node in what is left */
#define RETRY (PONTO_SECOND)
#define RETRY_MAX (16 * PONTO_SECOND)

/* Among several, others fill the line while one waits: what is under way is what they cannot see yet. */
static uint32_t most_transfers(const struct content_plan *p)
{
	return p->peers < 2 ? p->config.transfers : 1;
}

static bool has_transfer(const struct content_plan *p)
{
	return p->config.origin && p->transfers < most_transfers(p);
}

bool content_plan_could_ask(const struct content_plan *p, uint64_t now)
{
	return has_transfer(p) && p->ask_again <= now;
}

/* ---- places --------------------------------------------------------------------------------- */

/* Nobody is seen to have it, and it was not asked for. */
static bool lacking(const struct content_plan *p, uint64_t block)
{
	uint64_t mask = UINT64_C(1) << block % 64, at = block / 64;

	return ((p->had[at] | p->listed[at] | p->unit[at]) & mask) == 0;
}

static bool may_look(const struct part *part, uint64_t now)
{
	return part->open && (!part->refused || part->again <= now);
}

uint64_t content_plan_some_place(struct content_plan *p, uint64_t now)
{
	uint32_t start = p->open_count ? (uint32_t)content_plan_random(p, p->open_count) : 0;

	for (uint32_t i = 0; i < p->open_count; i++) {
		const struct part *part = &p->parts[p->open[(start + i) % p->open_count]];
		uint64_t from = part->left && may_look(part, now) ? content_plan_random(p, part->count) : 0;

		for (uint64_t k = 0; part->left && may_look(part, now) && k < part->count; k++) {
			uint64_t block = part->first + (from + k) % part->count;

			if (lacking(p, block))
				return block;
		}
	}
	return p->blocks;
}

/* What all lack around a block; another node may be at work at its beginning. */
static uint64_t gap_around(const struct content_plan *p, uint64_t block, uint64_t *first)
{
	uint64_t end = block + 1;

	for (*first = block; *first > 0 && lacking(p, *first - 1);)
		--*first;
	while (end < p->blocks && lacking(p, end))
		end++;
	return end - *first;
}

/* Into the middle of the longest of some gaps; the first time anywhere. */
static bool jump(struct content_plan *p, uint64_t now)
{
	uint64_t longest = 0, gap = 0, place = p->blocks, first;

	for (unsigned i = 0; i < PLACES; i++) {
		uint64_t some = content_plan_some_place(p, now), len;

		if (some == p->blocks)
			return false;
		len = gap_around(p, some, &first);
		if (len <= longest)
			continue;
		longest = len;
		gap = first;
		place = some;
	}
	p->placed = now;
	if (p->peers && longest < p->blocks) {
		if (longest <= (uint64_t)SHORT_GAP * p->config.unit)
			place = gap;
		else if (content_plan_part(p, gap + longest / 2)->open)
			place = gap + longest / 2 + content_plan_random(p, longest / 4);
		p->pauses = PAUSES;
		p->paused = false;
	}
	p->place = place;
	return true;
}

/* In order it is the first that may be asked for. */
static bool first_place(struct content_plan *p, uint64_t now)
{
	for (uint32_t i = 0; i < p->open_count; i++) {
		const struct part *part = &p->parts[p->open[i]];
		uint64_t end = content_plan_end(p, part);

		for (uint64_t block = part->first; may_look(part, now) && block < end; block++) {
			if (!content_plan_idle(p, block))
				continue;
			if (p->place != block)
				p->placed = now;
			p->place = block;
			return true;
		}
	}
	return false;
}

static bool find_place(struct content_plan *p, uint64_t now)
{
	if (p->config.in_order)
		return first_place(p, now);
	if (p->place < p->blocks && lacking(p, p->place) && may_look(content_plan_part(p, p->place), now))
		return true;
	p->hold = 0;
	return jump(p, now);
}

/* ---- units ---------------------------------------------------------------------------------- */

/* Long enough for the looks at all segments of a unit, when neighbours answer slowly. */
static uint64_t fresh(const struct content_plan *p)
{
	return p->config.fresh + 2 * p->looking;
}

/* What neighbours lacked a moment ago they may have by now; without any the matter is settled for longer, and so it is
 * ahead of where this node is at work. */
static bool is_fresh(const struct content_plan *p, uint64_t now, const struct part *part)
{
	return part->looked && now <= part->looked + (p->peers ? fresh(p) : CONTENT_PLAN_LOOK_MAX);
}

/* The less is left, the less is taken of it, so that all have done at the same time. */
static uint32_t unit_size(const struct content_plan *p)
{
	uint64_t share = (p->blocks - p->had_count) / (UNIT_SHARE * ((uint64_t)p->peers + 1));

	if (p->peers == 0)
		return p->alone;
	if (p->config.in_order || share >= p->config.unit)
		return p->config.unit;
	return share ? (uint32_t)share : 1;
}

/* Blocks in a row from the place on that neighbours were seen to lack; into the next segments too, as those of version
 * 2.0 are small. */
static uint32_t unit_at(const struct content_plan *p, uint64_t now)
{
	uint32_t most = unit_size(p), space = content_plan_room(p, false), count = 0;
	const struct part *part = content_plan_part(p, p->place);
	uint64_t block = p->place;

	for (; block < p->blocks && count < most && count < space; block++, count++) {
		if (block == part->first + part->count)
			part++;
		if (block >= content_plan_end(p, part) || !content_plan_idle(p, block) ||
		    !content_plan_in(p->seen, block) || !is_fresh(p, now, part))
			break;
	}
	return count;
}

static void take_unit(struct content_plan *p, uint64_t now, uint32_t count, struct content_plan_step *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = CONTENT_PLAN_ASK;
	out->first = p->place;
	out->count = count;
	for (uint64_t block = p->place; block < p->place + count; block++)
		p->unit[block / 64] |= UINT64_C(1) << block % 64;
	p->unit_count += count;
	p->transfers++;
	p->asked = p->placed = now;
	p->place += count;
	p->hold = 0;
	p->pauses -= p->paused;
	p->paused = false;
	if (p->pauses == 0 && p->peers > 0 && !p->config.in_order)
		p->pauses = content_plan_random(p, PAUSE) == 0;
}

/* Looks at the place and what makes a unit with it, on top of the sessions that go on anyway. */
static bool look(struct content_plan *p, uint64_t now, bool *pending, bool *soon, struct content_plan_step *out)
{
	struct part *part = content_plan_part(p, p->place), *end = p->parts + p->part_count;
	uint64_t last = p->place + unit_size(p);

	for (; part < end && part->first < last; part++) {
		uint64_t from = part->first < p->place ? p->place : part->first;

		*pending |= part->session;
		*soon |= part->session && !part->lacked && now < part->began + fresh(p);
		if (part->session || part->left == 0 || !may_look(part, now) || p->sessions >= 2 * p->config.sessions)
			continue;
		if ((is_fresh(p, now, part) && content_plan_in(p->seen, from)) || !content_plan_idle(p, from))
			continue;
		if (content_plan_take_session(p, now, part, from, out))
			return true;
	}
	return false;
}

bool content_plan_ask(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	for (unsigned tries = 0; tries < TRIES && content_plan_could_ask(p, now) && content_plan_room(p, false);
	     tries++) {
		bool pending = false, soon = false;
		uint32_t count;

		if (p->hold > now || !find_place(p, now))
			return false;
		if (look(p, now, &pending, &soon, out))
			return true;
		count = unit_at(p, now);
		if (soon && count < unit_size(p))
			return false;
		if (count && p->pauses && !p->paused) {
			p->paused = true;
			p->hold = now + p->took + 1 + content_plan_random(p, p->took + p->peers * PAUSE_PEER);
			return false;
		}
		if (count) {
			take_unit(p, now, count, out);
			return true;
		}
		if (pending && now <= p->placed + PLACE_TIME)
			return false;
		p->place = p->blocks; /* it takes too long here */
	}
	return false;
}

uint64_t content_plan_ask_deadline(const struct content_plan *p, uint64_t now)
{
	if (!has_transfer(p) || !content_plan_room(p, false))
		return PONTO_NEVER;
	if (p->ask_again > now)
		return p->ask_again;
	if (p->hold > now)
		return p->hold;
	if (p->place == p->blocks)
		return PONTO_NEVER;
	return now <= p->placed + PLACE_TIME ? now + fresh(p) : p->placed + PLACE_TIME + 1;
}

void content_plan_asked(struct content_plan *plan, uint64_t now, uint64_t first, uint32_t count, int result)
{
	uint32_t got = 0;

	for (uint64_t block = first; block < first + count; block++) {
		uint64_t mask = UINT64_C(1) << block % 64;

		plan->unit_count -= (plan->unit[block / 64] & mask) != 0;
		plan->unit[block / 64] &= ~mask;
		got += content_plan_in(plan->had, block);
	}
	plan->transfers--;
	plan->took = now - plan->asked;
	if (result == PONTO_OK || got) {
		plan->failures = 0;
		plan->ask_again = 0;
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
