/* Content: which of very many small segments are looked for among neighbours, when each look costs as much as a block.
 * What a node has lies in rows, as it goes on where it began (content_plan_ask.c): what lies beside a segment that was
 * found is looked for next. Where a row ends is looked at again, ever more rarely, and now and then some segment by
 * chance, where another row may lie. */
#include "engines/content/content_plan_private.h"

#include <string.h>

#define BACKOFF_MAX 3		   /* of looks where a row ends: twice as rarely each time, so many times */
#define CHANCE_MIN (50 * PONTO_MS) /* between two looks by chance */
#define CHANCE_MAX (PONTO_SECOND)

static bool is_ripe(const struct part *part, uint64_t now)
{
	return !part->session && part->again <= now;
}

/* Those that were had meanwhile are none any more. */
static void forget_had(struct content_plan *p)
{
	for (uint32_t i = 0; i < p->trail_count;) {
		struct part *part = &p->parts[p->trail[i]];

		if (part->left) {
			i++;
			continue;
		}
		part->trailed = false;
		p->trail[i] = p->trail[--p->trail_count];
	}
}

/* When there are too many, the one that was looked at in vain most often goes. */
static void add(struct content_plan *p, uint64_t now, uint32_t at)
{
	struct part *part;
	uint32_t worst = 0;

	if (at >= p->part_count || !p->parts[at].left || p->parts[at].session)
		return;
	part = &p->parts[at];
	part->again = part->refused ? part->again : now;
	if (part->trailed)
		return;
	if (p->trail_count == CONTENT_PLAN_TRAIL_MAX) {
		for (uint32_t i = 1; i < p->trail_count; i++) {
			if (p->parts[p->trail[i]].empty > p->parts[p->trail[worst]].empty)
				worst = i;
		}
		p->parts[p->trail[worst]].trailed = false;
		p->trail[worst] = p->trail[--p->trail_count];
	}
	part->trailed = true;
	part->empty = 0;
	p->trail[p->trail_count++] = at;
}

void content_plan_trail_ended(struct content_plan *p, uint64_t now, struct part *part)
{
	uint32_t at = (uint32_t)(part - p->parts);

	if (!part->found && part->left) {
		uint64_t wait = p->took > p->config.look ? p->took : p->config.look;

		part->again = now + (wait << (part->empty <= BACKOFF_MAX ? part->empty - 1 : BACKOFF_MAX));
		return;
	}
	add(p, now, at + 1);
	add(p, now, at - 1);
}

/* Twice while each gets a unit: a look at all neighbours for some twenty blocks that come over the line to ten. */
static uint64_t next_chance(const struct content_plan *p, uint64_t now)
{
	uint64_t wait = p->took / 2;

	return now + (wait < CHANCE_MIN ? CHANCE_MIN : wait > CHANCE_MAX ? CHANCE_MAX : wait);
}

/* Where nobody is known many are looked for at once, which is one question to all. */
static bool look_by_chance(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	uint64_t place = content_plan_some_place(p, now);
	struct part *part = place < p->blocks ? content_plan_part(p, place) : NULL;

	p->chance = p->peers || !part || p->sessions + 1 >= p->config.sessions ? next_chance(p, now) : now;
	if (!part || part->session || place == p->place || (part->looked && now < part->looked + p->config.look)) {
		p->chance = next_chance(p, now);
		return false;
	}
	return content_plan_take_session(p, now, part, place, out);
}

bool content_plan_trail_session(struct content_plan *p, uint64_t now, struct content_plan_step *out)
{
	forget_had(p);
	for (uint32_t i = 0; i < p->trail_count && p->sessions < p->config.sessions; i++) {
		struct part *part = &p->parts[p->trail[i]];

		if (is_ripe(part, now) && content_plan_take_session(p, now, part, part->first, out))
			return true;
	}
	return p->chance <= now && p->sessions < p->config.sessions && look_by_chance(p, now, out);
}

uint64_t content_plan_trail_deadline(const struct content_plan *p, uint64_t now)
{
	uint64_t deadline = p->chance > now ? p->chance : PONTO_NEVER;

	for (uint32_t i = 0; i < p->trail_count; i++) {
		const struct part *part = &p->parts[p->trail[i]];

		if (!part->session && part->left && part->again > now && part->again < deadline)
			deadline = part->again;
	}
	return deadline;
}
