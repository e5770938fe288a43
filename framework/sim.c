#include "framework/sim_world.h"

#include <string.h>

#define WALL_START (UINT64_C(1767225600) * PONTO_SECOND) /* 2026-01-01T00:00:00Z */

/* ---- randomness: xoshiro256**, seeded by splitmix64 (Blackman and Vigna) --------------- */

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

static uint64_t random_next(struct sim_random *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

static void random_fill(void *ctx, uint8_t *out, size_t len)
{
	struct sim_random *r = ctx;

	if (len == sizeof(uint64_t)) { /* nearly always */
		uint64_t word = random_next(r);

		memcpy(out, &word, sizeof(word));
		return;
	}
	while (len > 0) {
		uint64_t word = random_next(r);
		size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(out, &word, n);
		out += n;
		len -= n;
	}
}

/* stream 0 is the world's own, n + 1 that of node n. */
static void random_init(struct sim_random *r, uint64_t seed, uint64_t stream)
{
	uint64_t state = stream;

	state = seed ^ splitmix(&state);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(r->s); i++)
		r->s[i] = splitmix(&state);
	r->random.fill = random_fill;
	r->random.ctx = r;
}

/* ---- the trace ------------------------------------------------------------------------- */

/* Folding the full product keeps every input bit alive; no adversary chooses these bytes. */
static inline uint64_t mix(uint64_t hash, uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product =
		(unsigned __int128)(hash ^ a ^ UINT64_C(0xa0761d6478bd642f)) * (b ^ UINT64_C(0xe7037ed1a0b428db));

	return (uint64_t)product ^ (uint64_t)(product >> 64) ^ rotl(hash, 23);
}

/* In two sums that do not wait for each other. The end of what is longer than a step is read from a full step before
 * it on: the length is in the sum. */
static inline uint64_t mix_bytes(uint64_t hash, const uint8_t *bytes, size_t len)
{
	uint64_t other = len, word[4] = {0};

	for (size_t at = 0; at + sizeof(word) < len; at += sizeof(word)) {
		memcpy(word, bytes + at, sizeof(word));
		hash = mix(hash, word[0], word[1]);
		other = mix(other, word[2], word[3]);
	}
	if (len >= sizeof(word))
		memcpy(word, bytes + len - sizeof(word), sizeof(word));
	else if (len > 0)
		memcpy(word, bytes, len);
	return mix(mix(hash, word[0], word[1]), mix(other, word[2], word[3]), 0);
}

void ponto_sim_trace(struct ponto_sim *sim, uint32_t node, const char *what, struct ponto_bytes bytes)
{
	uint64_t hash = mix(sim->hash, sim->now, node);

	for (; *what; what++)
		hash = rotl(hash, 7) ^ (uint8_t)*what;
	sim->hash = mix_bytes(hash, bytes.data, bytes.len);
}

uint64_t ponto_sim_hash(const struct ponto_sim *sim)
{
	return sim->hash;
}

/* ---- the world --------------------------------------------------------------------------- */

static uint64_t clock_mono(void *ctx)
{
	return ((struct ponto_sim *)ctx)->now;
}

static uint64_t clock_wall(void *ctx)
{
	return ((struct ponto_sim *)ctx)->now + WALL_START;
}

int ponto_sim_create(const struct ponto_alloc *alloc, uint64_t seed, struct ponto_sim **out)
{
	struct ponto_sim *sim = ponto_new(alloc, 1, sizeof(*sim));

	if (!sim)
		return PONTO_ENOMEM;
	sim->alloc = alloc;
	sim->seed = seed;
	sim->work_time = 100;
	sim->clock = (struct ponto_clock){clock_mono, clock_wall, sim};
	random_init(&sim->random, seed, 0);
	ponto_event_queue_init(&sim->events, alloc);
	*out = sim;
	return PONTO_OK;
}

void ponto_sim_destroy(struct ponto_sim *sim)
{
	if (!sim)
		return;
	while (sim->slots) {
		struct sim_slot *slot = sim->slots;

		sim->slots = slot->next;
		if (slot->value && slot->destroy)
			slot->destroy(slot->value);
		ponto_free(sim->alloc, slot);
	}
	for (uint32_t i = 0; i < sim->node_count; i++) {
		ponto_loop_sim_fini(sim->nodes[i]);
		ponto_free(sim->alloc, sim->nodes[i]);
	}
	while (sim->spare) {
		struct sim_call *call = sim->spare;

		sim->spare = call->next;
		ponto_free(sim->alloc, call);
	}
	ponto_free(sim->alloc, sim->nodes);
	ponto_event_queue_fini(&sim->events);
	ponto_free(sim->alloc, sim);
}

const struct ponto_alloc *ponto_sim_alloc(const struct ponto_sim *sim)
{
	return sim->alloc;
}

uint64_t ponto_sim_now(const struct ponto_sim *sim)
{
	return sim->now;
}

const struct ponto_random *ponto_sim_random(struct ponto_sim *sim)
{
	return &sim->random.random;
}

void ponto_sim_set_work_time(struct ponto_sim *sim, uint64_t us)
{
	sim->work_time = us;
}

void **ponto_sim_slot(struct ponto_sim *sim, const char *name, void (*destroy)(void *))
{
	struct sim_slot *slot;
	size_t size = strlen(name) + 1;

	for (slot = sim->slots; slot; slot = slot->next) {
		if (strcmp(slot->name, name) == 0)
			return &slot->value;
	}
	slot = ponto_new(sim->alloc, 1, sizeof(*slot) + size);
	if (!slot)
		return NULL;
	memcpy(slot->name, name, size);
	slot->destroy = destroy;
	slot->next = sim->slots;
	sim->slots = slot;
	return &slot->value;
}

/* ---- events -------------------------------------------------------------------------------- */

uint64_t ponto_sim_at(struct ponto_sim *sim, uint64_t at, ponto_loop_fn *fn, void *arg)
{
	uint32_t slot;

	if (ponto_event_slot_create(&sim->events, fn, arg, true, &slot) != PONTO_OK)
		return 0;
	return ponto_event_arm(&sim->events, slot, at > sim->now ? at : sim->now);
}

void ponto_sim_cancel(struct ponto_sim *sim, uint64_t id)
{
	ponto_event_cancel(&sim->events, id);
}

#define AHEAD_SPACING 2u /* events between two steps */

int ponto_sim_ahead(struct ponto_sim *sim, ponto_loop_fn *fn, ponto_sim_ahead_fn *ahead)
{
	if (sim->foreseen_count == SIM_FORESEEN_MAX)
		return PONTO_ELIMIT;
	if (ponto_event_queue_look_ahead(&sim->events, AHEAD_SPACING * PONTO_SIM_AHEAD_STEPS) != PONTO_OK)
		return PONTO_ENOMEM;
	sim->foreseen[sim->foreseen_count].fn = fn;
	sim->foreseen[sim->foreseen_count++].ahead = ahead;
	return PONTO_OK;
}

static void look_ahead(const struct ponto_sim *sim)
{
	const struct ponto_event_queue *q = &sim->events;

	if (sim->foreseen_count == 0)
		return;
	for (unsigned step = 0; step < PONTO_SIM_AHEAD_STEPS; step++) {
		uint32_t nth = (PONTO_SIM_AHEAD_STEPS - step) * AHEAD_SPACING - 1, i = 0;
		const struct ponto_event_entry *entry = ponto_event_ahead(q, nth);
		const struct ponto_event_slot *slot;

		if (!entry)
			continue;
		slot = &q->slots[entry->key & PONTO_EVENT_SLOT_MASK];
		while (i < sim->foreseen_count && sim->foreseen[i].fn != slot->fn)
			i++;
		if (i < sim->foreseen_count)
			sim->foreseen[i].ahead(slot->arg, step);
	}
}

bool ponto_sim_step(struct ponto_sim *sim)
{
	struct ponto_event_entry entry;
	ponto_loop_fn *fn;
	void *arg;

	if (!ponto_event_pop(&sim->events, &entry, &fn, &arg))
		return false;
	look_ahead(sim);
	sim->now = entry.at;
	sim->hash = mix(sim->hash, entry.at, entry.key);
	fn(arg);
	return true;
}

uint64_t ponto_sim_run(struct ponto_sim *sim, uint64_t until)
{
	uint64_t ran = 0;

	while (ponto_event_next(&sim->events) <= until && ponto_sim_step(sim))
		ran++;
	if (until > sim->now)
		sim->now = until;
	return ran;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

int ponto_sim_node(struct ponto_sim *sim, struct ponto_sim_node **out)
{
	struct ponto_sim_node *node;

	if (sim->node_count == sim->node_cap) {
		uint32_t cap = sim->node_cap ? sim->node_cap * 2 : 16;
		struct ponto_sim_node **nodes =
			ponto_resize(sim->alloc, sim->nodes, cap, sizeof(struct ponto_sim_node *));

		if (!nodes)
			return PONTO_ENOMEM;
		sim->nodes = nodes;
		sim->node_cap = cap;
	}
	node = ponto_new(sim->alloc, 1, sizeof(*node));
	if (!node)
		return PONTO_ENOMEM;
	node->world = sim;
	node->number = sim->node_count;
	random_init(&node->random, sim->seed, (uint64_t)node->number + 1);
	ponto_loop_sim_init(node);
	sim->nodes[sim->node_count++] = node;
	*out = node;
	return PONTO_OK;
}

uint32_t ponto_sim_node_number(const struct ponto_sim_node *node)
{
	return node->number;
}

struct ponto_sim *ponto_sim_node_world(const struct ponto_sim_node *node)
{
	return node->world;
}

const struct ponto_random *ponto_sim_node_random(struct ponto_sim_node *node)
{
	return &node->random.random;
}

const struct ponto_clock *ponto_sim_node_clock(struct ponto_sim_node *node)
{
	return &node->world->clock;
}

struct ponto_loop *ponto_sim_node_loop(struct ponto_sim_node *node)
{
	return &node->loop;
}
