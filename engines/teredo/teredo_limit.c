#include "engines/teredo/teredo_limit.h"

#include "framework/digest.h"

#define ROWS 2

/* A slot is the moment at which all that it counted is paid for: the generic cell rate algorithm, which needs no more
 * than that number. */
struct teredo_limit {
	const struct ponto_alloc *alloc;
	uint8_t key[16];
	uint64_t interval; /* microseconds a packet is paid for; 0: no limit */
	uint64_t depth;	   /* how far ahead a slot may be */
	uint32_t mask;
	uint64_t slots[]; /* row after row */
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
	uint32_t slots = 1;

	if (config->burst == 0 || config->slots == 0 || config->slots > TEREDO_LIMIT_SLOTS_MAX)
		return PONTO_EINVAL;
	while (slots < config->slots)
		slots *= 2;
	l = ponto_new(alloc, 1, sizeof(*l) + (size_t)slots * ROWS * sizeof(l->slots[0]));
	if (!l)
		return PONTO_ENOMEM;
	l->alloc = alloc;
	l->mask = slots - 1;
	random->fill(random->ctx, l->key, sizeof(l->key));
	set(l, config->rate, config->burst);
	*out = l;
	return PONTO_OK;
}

void teredo_limit_destroy(struct teredo_limit *limit)
{
	if (limit)
		ponto_free(limit->alloc, limit);
}

bool teredo_limit_take(struct teredo_limit *limit, uint64_t now, uint32_t ip)
{
	uint64_t hash, *slot[ROWS];
	bool within = false;

	if (limit->interval == 0)
		return true;
	hash = ponto_siphash(limit->key, ponto_bytes(&ip, sizeof(ip)));
	for (size_t i = 0; i < ROWS; i++) {
		slot[i] = &limit->slots[i * ((size_t)limit->mask + 1) + ((uint32_t)(hash >> (32 * i)) & limit->mask)];
		if (*slot[i] < now)
			*slot[i] = now;
		within |= *slot[i] - now + limit->interval <= limit->depth;
	}
	/* Nobody gets deeper than the limit: who was refused is served again as soon as there is room. */
	for (size_t i = 0; within && i < ROWS; i++) {
		if (*slot[i] - now + limit->interval <= limit->depth)
			*slot[i] += limit->interval;
	}
	return within;
}
