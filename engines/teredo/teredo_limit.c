#include "engines/teredo/teredo_limit.h"

#include "framework/digest.h"

#define LINE 8 /* slots: a cache line is fetched once for both */

/* A slot is the moment at which all that it counted is paid for: the generic cell rate algorithm, which needs no more
 * than that number. */
struct line {
	_Alignas(64) uint64_t slots[LINE];
};

struct teredo_limit {
	const struct ponto_alloc *alloc;
	uint8_t key[16];
	uint64_t interval; /* microseconds a packet is paid for; 0: no limit */
	uint64_t depth;	   /* how far ahead a slot may be */
	uint32_t mask;	   /* of lines */
	uint8_t *block;	   /* what the lines lie in */
	struct line *lines;
};

static void set(struct teredo_limit *l, uint32_t rate, uint32_t burst)
{
	/* Above one a microsecond there is nothing to count. */
	l->interval = rate ? PONTO_SECOND / rate : 0;
	l->depth = l->interval * burst;
}

int teredo_limit_change(struct teredo_limit *limit, uint32_t rate, uint32_t burst)
{
	if (burst == 0)
		return PONTO_EINVAL;
	set(limit, rate, burst);
	return PONTO_OK;
}

int teredo_limit_create(const struct ponto_alloc *alloc, const struct ponto_random *random,
			const struct teredo_limit_config *config, struct teredo_limit **out)
{
	struct teredo_limit *l;
	uint32_t lines = 1;

	if (config->burst == 0 || config->slots == 0 || config->slots > TEREDO_LIMIT_SLOTS_MAX)
		return PONTO_EINVAL;
	while (lines < config->slots / (LINE / 2))
		lines *= 2;
	l = ponto_new(alloc, 1, sizeof(*l));
	if (!l)
		return PONTO_ENOMEM;
	l->block = ponto_new(alloc, lines + 1, sizeof(struct line));
	if (!l->block) {
		ponto_free(alloc, l);
		return PONTO_ENOMEM;
	}
	l->lines = (struct line *)(l->block + (-(uintptr_t)l->block & (sizeof(struct line) - 1)));
	l->alloc = alloc;
	l->mask = lines - 1;
	random->fill(random->ctx, l->key, sizeof(l->key));
	set(l, config->rate, config->burst);
	*out = l;
	return PONTO_OK;
}

void teredo_limit_destroy(struct teredo_limit *limit)
{
	if (!limit)
		return;
	ponto_free(limit->alloc, limit->block);
	ponto_free(limit->alloc, limit);
}

static uint64_t hash_of(const struct teredo_limit *limit, uint32_t ip)
{
	return ponto_siphash(limit->key, ponto_bytes(&ip, sizeof(ip)));
}

void teredo_limit_ahead(const struct teredo_limit *limit, uint32_t ip)
{
	if (limit->interval)
		ponto_prefetch(&limit->lines[hash_of(limit, ip) & limit->mask], sizeof(struct line));
}

bool teredo_limit_take(struct teredo_limit *limit, uint64_t now, uint32_t ip)
{
	uint64_t hash, first, *line, *slot[2];
	bool within = false;

	if (limit->interval == 0)
		return true;
	hash = hash_of(limit, ip);
	line = limit->lines[hash & limit->mask].slots;
	first = hash >> 40 & (LINE - 1);
	slot[0] = &line[first];
	slot[1] = &line[(first + 1 + (hash >> 48) % (LINE - 1)) % LINE];
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(slot); i++) {
		if (*slot[i] < now)
			*slot[i] = now;
		within |= *slot[i] - now + limit->interval <= limit->depth;
	}
	/* Nobody gets deeper than the limit: who was refused is served again as soon as there is room. */
	for (size_t i = 0; within && i < PONTO_ARRAY_SIZE(slot); i++) {
		if (*slot[i] - now + limit->interval <= limit->depth)
			*slot[i] += limit->interval;
	}
	return within;
}
