#include "engines/ring/ring_cache.h"

#include <string.h>

void ring_cache_init(struct ring_cache *c, const struct ponto_alloc *alloc, const struct ponto_random *random,
		     uint32_t limit)
{
	memset(c, 0, sizeof(*c));
	c->alloc = alloc;
	c->random = *random;
	c->limit = limit;
	c->anchor = ring_id_random(random);
}

void ring_cache_clear(struct ring_cache *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		ring_route_unref(c->alloc, c->entry[i]);
	ponto_free(c->alloc, c->entry);
	ponto_free(c->alloc, c->place);
	ponto_free(c->alloc, c->local);
	c->entry = NULL;
	c->place = NULL;
	c->local = NULL;
	c->count = c->room = c->places_room = 0;
	c->locals = c->locals_room = 0;
}

/* ---- sorted arrays ------------------------------------------------------------ */

/* Index of the first entry whose highest word is no less, 0..count. Without a branch, since none could be foreseen. */
static uint32_t top_position(const struct ring_cache *c, uint64_t top)
{
	const struct ring_place *base = c->place;

	for (uint32_t left = c->count; left > 1;) {
		uint32_t half = left / 2;

		base += half & -(uint32_t)(base[half - 1].top < top);
		left -= half;
	}
	return (uint32_t)(base - c->place) + (c->count > 0 && base->top < top);
}

/* Index of the first entry >= id, 0..count. */
static uint32_t position(const struct ring_cache *c, const struct ring_id *id)
{
	uint64_t top = ring_id_top(id);
	uint32_t i = top_position(c, top);

	while (i < c->count && c->place[i].top == top && ring_id_compare(&c->entry[i]->id, id) < 0)
		i++;
	return i;
}

static uint32_t local_position(const struct ring_cache *c, const struct ring_id *id)
{
	uint32_t low = 0, high = c->locals;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ring_id_compare(&c->local[middle], id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool at_is(const struct ring_cache *c, uint32_t i, const struct ring_id *id)
{
	return i < c->count && c->place[i].top == ring_id_top(id) && ring_id_equal(&c->entry[i]->id, id);
}

/* An ID among the entries: where it is, or would be. */
struct spot {
	uint32_t at;
	bool present;
};

static struct spot spot_of(const struct ring_cache *c, const struct ring_id *id)
{
	struct spot spot = {.at = position(c, id)};

	spot.present = at_is(c, spot.at, id);
	return spot;
}

/* Grows in small steps: a cache is mostly full or empty, and many nodes share a machine. */
static void *grow(const struct ring_cache *c, void *block, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t more;

	if (count < *room)
		return block;
	more = *room + (*room < 16 ? 8 : *room / 4);
	block = ponto_resize(c->alloc, block, more, size);
	if (block)
		*room = more;
	return block;
}

static void mark_all(struct ring_cache *c);

/* ---- local IDs ------------------------------------------------------------------ */

int ring_cache_add_local(struct ring_cache *c, const struct ring_id *id)
{
	uint32_t i = local_position(c, id);
	struct ring_id *local;

	if (i < c->locals && ring_id_equal(&c->local[i], id))
		return PONTO_EEXIST;
	local = grow(c, c->local, c->locals, &c->locals_room, sizeof(*local));
	if (!local)
		return PONTO_ENOMEM;
	c->local = local;
	memmove(local + i + 1, local + i, (c->locals - i) * sizeof(*local));
	local[i] = *id;
	c->locals++;
	mark_all(c);
	return PONTO_OK;
}

bool ring_cache_is_local(const struct ring_cache *c, const struct ring_id *id)
{
	uint32_t i = c->locals < 2 ? 0 : local_position(c, id);

	return i < c->locals && ring_id_equal(&c->local[i], id);
}

const struct ring_id *ring_cache_closest_local(const struct ring_cache *c, const struct ring_id *target)
{
	const struct ring_id *above, *below;
	uint32_t i;

	if (c->locals < 2)
		return c->locals ? c->local : NULL;
	i = local_position(c, target);
	above = &c->local[i % c->locals];
	below = &c->local[(i + c->locals - 1) % c->locals];
	return ring_id_closer(below, above, target) ? below : above;
}

/* ---- looking ---------------------------------------------------------------------- */

struct ring_route *ring_cache_find(const struct ring_cache *c, const struct ring_id *id)
{
	uint32_t i = position(c, id);

	return at_is(c, i, id) ? c->entry[i] : NULL;
}

/* Whether the entry at a is closer to target than that at b; they are not looked at unless they must be. */
static bool place_closer(const struct ring_cache *c, uint32_t a, uint32_t b, const struct ring_id *target)
{
	int top = ring_top_closer(c->place[a].top, c->place[b].top, ring_id_top(target));

	return top ? top > 0 : ring_id_closer(&c->entry[a]->id, &c->entry[b]->id, target);
}

struct ring_route *ring_cache_closest(const struct ring_cache *c, const struct ring_id *target)
{
	uint32_t i, above, below;

	if (!c->count)
		return NULL;
	i = position(c, target);
	above = i % c->count;
	below = (i + c->count - 1) % c->count;
	return c->entry[place_closer(c, below, above, target) ? below : above];
}

/* Index of the entry nth above or below one that is, or would be, at i; it exists. */
static uint32_t nth_from(const struct ring_cache *c, uint32_t i, bool present, bool up, size_t nth)
{
	uint32_t at = up ? i + present + (uint32_t)nth : i + c->count - 1 - (uint32_t)nth;

	return at >= c->count ? at - c->count : at;
}

struct ring_route *ring_cache_neighbour(const struct ring_cache *c, const struct ring_id *id, bool up, size_t nth)
{
	uint32_t i = position(c, id);
	bool present = at_is(c, i, id);

	return nth < c->count - present ? c->entry[nth_from(c, i, present, up, nth)] : NULL;
}

size_t ring_cache_uncertified(const struct ring_cache *c, const struct ring_id *id, size_t near,
			      struct ring_route **out)
{
	struct spot spot = spot_of(c, id);
	size_t found = 0;

	for (size_t i = 0; i < 2 * near && i / 2 < c->count - spot.present; i++) {
		uint32_t k = nth_from(c, spot.at, spot.present, i % 2, i / 2);

		if (!c->place[k].certified)
			out[found++] = c->entry[k];
	}
	return found;
}

/* On the given side of centre, by the shorter arc. */
static bool on_side(const struct ring_id *id, const struct ring_id *centre, bool up)
{
	return ring_id_above(id, centre) == up;
}

/* The same of the entry at k, which is not looked at unless it must be. */
static bool place_on_side(const struct ring_cache *c, uint32_t k, const struct ring_id *centre, bool up)
{
	uint64_t way = c->place[k].top - ring_id_top(centre);

	if (way > 2 && way < UINT64_MAX / 2 - 2)
		return up;
	if (way > UINT64_MAX / 2 + 3 && way < UINT64_MAX - 2)
		return !up;
	return on_side(&c->entry[k]->id, centre, up);
}

/* How far up (or down) from a it is to b. */
static struct ring_id reach(const struct ring_id *a, const struct ring_id *b, bool up)
{
	return up ? ring_id_sub(b, a) : ring_id_sub(a, b);
}

/* Indices of the leaves on one side. */
static size_t leaves_at(const struct ring_cache *c, const struct ring_id *local, bool up, uint32_t out[RING_LEAF])
{
	uint32_t i = position(c, local);
	bool present = at_is(c, i, local);
	size_t found = 0;

	for (uint32_t nth = 0; nth < c->count - present && found < RING_LEAF; nth++) {
		uint32_t k = nth_from(c, i, present, up, nth);

		if (!place_on_side(c, k, local, up))
			break;
		if (c->place[k].certified)
			out[found++] = k;
	}
	return found;
}

size_t ring_cache_leaves(const struct ring_cache *c, const struct ring_id *local, bool up,
			 struct ring_route *out[RING_LEAF])
{
	uint32_t at[RING_LEAF];
	size_t found = leaves_at(c, local, up, at);

	for (size_t i = 0; i < found; i++)
		out[i] = c->entry[at[i]];
	return found;
}

/* Whether the entry at k, going up (or down) from id, comes no sooner than local. */
static bool reaches(const struct ring_cache *c, uint32_t k, const struct ring_id *id, const struct ring_id *local,
		    bool up)
{
	uint64_t top = c->place[k].top - ring_id_top(id), far = ring_id_top(local) - ring_id_top(id);
	struct ring_id step, way;

	top = up ? top : -top;
	far = up ? far : -far;
	/* The highest words of both ways, or one more. */
	if (top > 0 && far > 0 && (top > far ? top - far : far - top) > 1)
		return top > far;
	step = reach(id, &c->entry[k]->id, up);
	way = reach(id, local, up);
	return ring_id_compare(&step, &way) >= 0;
}

/* Whether fewer than RING_LEAF certified entries lie between id, which is at spot, and local, which is up (or down)
 * from it. */
static bool near_local(const struct ring_cache *c, const struct ring_id *id, struct spot spot,
		       const struct ring_id *local, bool up)
{
	unsigned between = 0;

	if (!on_side(id, local, !up))
		return false;
	for (uint32_t nth = 0; nth < c->count - spot.present && between < RING_LEAF; nth++) {
		uint32_t k = nth_from(c, spot.at, spot.present, up, nth);

		if (reaches(c, k, id, local, up))
			return true;
		between += c->place[k].certified;
	}
	return between < RING_LEAF;
}

/* ring_cache_in_leaf_range of an ID that is at spot. */
static bool in_leaf_range(const struct ring_cache *c, const struct ring_id *id, struct spot spot, struct ring_id *local)
{
	const struct ring_id *above, *below;
	bool by_above, by_below;
	uint32_t i;

	if (!c->locals)
		return false;
	i = local_position(c, id);
	if (i < c->locals && ring_id_equal(&c->local[i], id))
		return false;
	above = &c->local[i < c->locals ? i : 0];
	below = &c->local[(i > 0 ? i : c->locals) - 1];
	by_above = near_local(c, id, spot, above, true);
	by_below = near_local(c, id, spot, below, false);
	if (!by_above && !by_below)
		return false;
	if (local)
		*local = by_above && (!by_below || !ring_id_closer(below, above, id)) ? *above : *below;
	return true;
}

bool ring_cache_in_leaf_range(const struct ring_cache *c, const struct ring_id *id, struct ring_id *local)
{
	return in_leaf_range(c, id, spot_of(c, id), local);
}

/* ---- levels --------------------------------------------------------------------------- */

unsigned ring_cache_level(const struct ring_cache *c, const struct ring_id *id)
{
	const struct ring_id *centre = ring_cache_closest_local(c, id);
	struct ring_id distance = ring_id_distance(id, centre ? centre : &c->anchor);
	int log = ring_id_log2(&distance);
	unsigned level;

	if (log < 0)
		return RING_LEVELS - 1;
	/* log2(10) = 3.322; the farthest is 2^255 away */
	level = (unsigned)(255 - log) * 1000 / 3322;
	return level < RING_LEVELS ? level : RING_LEVELS - 1;
}

/* Writes down which entries are leaves, after any change. */
static void mark_leaves(struct ring_cache *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		c->place[i].leaf = false;
	for (uint32_t i = 0; i < c->locals * 2; i++) {
		uint32_t leaves[RING_LEAF];
		size_t count = leaves_at(c, &c->local[i / 2], i % 2, leaves);

		while (count-- > 0)
			c->place[leaves[count]].leaf = true;
	}
}

static void set_level(struct ring_cache *c, uint32_t i)
{
	c->place[i].level = (uint8_t)ring_cache_level(c, &c->entry[i]->id);
}

static void mark_all(struct ring_cache *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		set_level(c, i);
	mark_leaves(c);
}

static struct ring_id largest(void)
{
	struct ring_id id;

	memset(id.b, 0xff, sizeof(id.b));
	return id;
}

/* The arc that an ID at spot has for itself between its neighbours. */
static struct ring_id elbow_room(const struct ring_cache *c, struct spot spot)
{
	uint32_t above, below;

	if (c->count - spot.present < 2)
		return largest();
	above = nth_from(c, spot.at, spot.present, true, 0);
	below = nth_from(c, spot.at, spot.present, false, 0);
	return ring_id_sub(&c->entry[above]->id, &c->entry[below]->id);
}

/* The level that holds too much, counting one entry more in level extra (RING_LEVELS: none); RING_LEVELS when
 * none does. */
static unsigned overfull(const struct ring_cache *c, unsigned extra)
{
	uint32_t held[RING_LEVELS + 1];
	uint32_t total = extra < RING_LEVELS, high = extra < RING_LEVELS ? extra : 0;
	unsigned fullest = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		bool counts = !c->place[i].leaf;

		total += counts;
		high = counts && c->place[i].level > high ? c->place[i].level : high;
	}
	if (total <= RING_LEVEL_ENTRIES && total <= c->limit)
		return RING_LEVELS;
	memset(held, 0, (high + 1) * sizeof(held[0]));
	if (extra < RING_LEVELS)
		held[extra]++;
	for (uint32_t i = 0; i < c->count; i++)
		if (!c->place[i].leaf)
			held[c->place[i].level]++;
	for (unsigned level = 1; level <= high; level++)
		if (held[level] > held[fullest])
			fullest = level;
	return held[fullest] > RING_LEVEL_ENTRIES || total > c->limit ? fullest : RING_LEVELS;
}

/* The entry of the level that has the least room for itself, which is less than least. NULL: none has. */
static struct ring_route *most_crowded(const struct ring_cache *c, unsigned level, struct ring_id least)
{
	struct ring_route *crowded = NULL;

	for (uint32_t i = 0; i < c->count; i++) {
		const struct ring_place *p = &c->place[i];
		uint64_t top;
		struct ring_id room;

		if (p->leaf || p->level != level)
			continue;
		/* The highest word of its room, or one more. */
		top = c->place[nth_from(c, i, true, true, 0)].top - c->place[nth_from(c, i, true, false, 0)].top;
		if (c->count > 2 && ring_id_top(&least) < UINT64_MAX && top > ring_id_top(&least) + 1)
			continue;
		room = elbow_room(c, (struct spot){i, true});
		if (ring_id_compare(&room, &least) < 0) {
			least = room;
			crowded = c->entry[i];
		}
	}
	return crowded;
}

bool ring_cache_has_room(const struct ring_cache *c, const struct ring_id *id)
{
	unsigned level = ring_cache_level(c, id), full = overfull(c, level);

	return full == RING_LEVELS || most_crowded(c, full, full == level ? elbow_room(c, spot_of(c, id)) : largest());
}

const struct ring_place *ring_cache_place(const struct ring_cache *c, const struct ring_id *id)
{
	uint32_t i = position(c, id);

	return at_is(c, i, id) ? &c->place[i] : NULL;
}

/* ---- changing --------------------------------------------------------------------------- */

static int insert(struct ring_cache *c, uint32_t i, struct ring_route *r)
{
	struct ring_route **entry = grow(c, c->entry, c->count, &c->room, sizeof(struct ring_route *));
	struct ring_place *place;

	if (!entry)
		return PONTO_ENOMEM;
	c->entry = entry;
	place = grow(c, c->place, c->count, &c->places_room, sizeof(*place));
	if (!place)
		return PONTO_ENOMEM;
	c->place = place;
	memmove(entry + i + 1, entry + i, (c->count - i) * sizeof(*entry));
	memmove(place + i + 1, place + i, (c->count - i) * sizeof(*place));
	entry[i] = ring_route_ref(r);
	place[i] = (struct ring_place){
		.top = ring_id_top(&r->id), .hosts = ring_route_hosts(r), .certified = r->certified};
	c->count++;
	set_level(c, i);
	return PONTO_OK;
}

static void take_out(struct ring_cache *c, uint32_t i)
{
	ring_route_unref(c->alloc, c->entry[i]);
	c->count--;
	memmove(c->entry + i, c->entry + i + 1, (c->count - i) * sizeof(*c->entry));
	memmove(c->place + i, c->place + i + 1, (c->count - i) * sizeof(*c->place));
	mark_leaves(c);
}

static void trim(struct ring_cache *c)
{
	unsigned level;

	while ((level = overfull(c, RING_LEVELS)) < RING_LEVELS) {
		struct ring_route *out = most_crowded(c, level, largest());

		take_out(c, position(c, &out->id));
	}
}

int ring_cache_add(struct ring_cache *c, struct ring_route *r)
{
	struct spot spot = spot_of(c, &r->id);
	int result;

	if (spot.present) {
		uint32_t i = spot.at;
		struct ring_route *old = c->entry[i];

		r->certified = r->certified || (old->certified && ring_route_same_place(old, r));
		c->place[i].certified = r->certified;
		c->place[i].hosts = ring_route_hosts(r);
		c->entry[i] = ring_route_ref(r);
		ring_route_unref(c->alloc, old);
		mark_leaves(c);
		return PONTO_OK;
	}
	if (!in_leaf_range(c, &r->id, spot, NULL) && !ring_cache_has_room(c, &r->id))
		return PONTO_ENOSPC;
	result = insert(c, spot.at, r);
	if (result)
		return result;
	mark_leaves(c);
	trim(c);
	return PONTO_OK;
}

void ring_cache_remove_local(struct ring_cache *c, const struct ring_id *id)
{
	uint32_t i = local_position(c, id);

	if (i == c->locals || !ring_id_equal(&c->local[i], id))
		return;
	c->locals--;
	memmove(c->local + i, c->local + i + 1, (c->locals - i) * sizeof(*c->local));
	mark_all(c);
	trim(c); /* what were its leaves count like the others */
}

bool ring_cache_remove(struct ring_cache *c, const struct ring_id *id)
{
	uint32_t i = position(c, id);

	if (!at_is(c, i, id))
		return false;
	take_out(c, i);
	return true;
}

/* ---- choices ------------------------------------------------------------------------------- */

size_t ring_cache_spread(const struct ring_cache *c, size_t want, struct ring_route **out)
{
	struct ring_id start = ring_id_random(&c->random);
	uint32_t last = UINT32_MAX, first = UINT32_MAX;
	size_t found = 0;

	if (c->count <= want) {
		for (uint32_t i = 0; i < c->count; i++)
			out[i] = c->entry[i];
		return c->count;
	}
	/* The first entry in each of want equal arcs, or after it when the arc is empty. */
	for (size_t k = 0; k < want; k++) {
		struct ring_id offset = {{0}}, at;
		uint32_t i;

		offset.b[0] = (uint8_t)(k * 256 / want);
		offset.b[1] = (uint8_t)(k * 65536 / want);
		at = ring_id_add(&start, &offset);
		i = position(c, &at) % c->count;
		if (found && (i == last || i == first))
			continue;
		if (!found)
			first = i;
		last = i;
		out[found++] = c->entry[i];
	}
	/* Crowded arcs make up for empty ones. */
	for (uint32_t k = 0; k < c->count && found < want; k++) {
		struct ring_route *r = c->entry[(first + k) % c->count];
		bool taken = false;

		for (size_t j = 0; j < found; j++)
			taken = taken || out[j] == r;
		if (!taken)
			out[found++] = r;
	}
	return found;
}

struct ring_route *ring_cache_pick(const struct ring_cache *c, const struct ring_id *target, ring_pick_fn *fn,
				   void *arg)
{
	struct ring_route *closest = NULL;
	uint32_t up = position(c, target);
	uint32_t down = up + c->count - 1;

	up += c->count; /* both count modulo c->count and never meet zero */
	for (uint32_t left = c->count; left > 0; left--) {
		uint32_t a = up % c->count, b = down % c->count;
		bool below = place_closer(c, b, a, target);
		struct ring_route *r = c->entry[below ? b : a];
		enum ring_pick verdict = fn(arg, r);

		if (below)
			down += c->count - 1;
		else
			up++;
		if (verdict == RING_PICK_STOP)
			break;
		if (verdict == RING_PICK_NO)
			continue;
		if (!closest)
			closest = r;
		if (ponto_random_below(&c->random, 8) != 0)
			return r;
	}
	return closest;
}

double ring_cache_estimate(const struct ring_cache *c)
{
	double sum = 0;
	unsigned counted = 0;

	for (uint32_t i = 0; i < c->locals; i++) {
		struct ring_route *above[RING_LEAF], *below[RING_LEAF];
		struct ring_id span;
		double share;

		if (!ring_cache_leaves(c, &c->local[i], true, above) ||
		    !ring_cache_leaves(c, &c->local[i], false, below))
			continue;
		span = ring_id_sub(&above[0]->id, &below[0]->id);
		share = ring_id_fraction(&span);
		if (share <= 2.0 / 4294967296.0)
			continue;
		sum += 2 / share;
		counted++;
	}
	return counted ? sum / counted : 0;
}

#define AHEAD_NEAR 3u /* on each side: ring_cache_pick looks at 3.5 on average */

void ring_cache_ahead(const struct ring_cache *c, const struct ring_id *id, bool near)
{
	uint32_t i = top_position(c, ring_id_top(id));

	if (i < c->count && c->place[i].top == ring_id_top(id))
		ponto_prefetch(c->entry[i], sizeof(struct ring_route));
	for (uint32_t k = 0; near && k < 2 * AHEAD_NEAR && k < c->count; k++)
		ponto_prefetch(c->entry[(i + k + c->count - AHEAD_NEAR) % c->count], sizeof(struct ring_route));
}

size_t ring_cache_memory(const struct ring_cache *c)
{
	size_t bytes =
		c->room * sizeof(*c->entry) + c->places_room * sizeof(*c->place) + c->locals_room * sizeof(*c->local);

	for (uint32_t i = 0; i < c->count; i++)
		bytes += ring_route_size(c->entry[i]);
	return bytes;
}
