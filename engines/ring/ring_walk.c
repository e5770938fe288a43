#include "engines/ring/ring_walk.h"

#include <string.h>

void ring_walk_init(struct ring_walk *w, const struct ponto_alloc *alloc, const struct ring_id *target,
		    const struct ring_endpoint *own)
{
	memset(w, 0, sizeof(*w));
	w->alloc = alloc;
	w->target = *target;
	w->path[0] = *own;
	w->path_count = 1;
}

/* Our own endpoint stays first, then come the newest; an endpoint asked again moves to the end. */
static void add_to_path(struct ring_walk *w, const struct ring_endpoint *e)
{
	unsigned i = 0;

	while (i < w->path_count && !ring_endpoint_equal(&w->path[i], e))
		i++;
	if (i == 0)
		return;
	if (i == w->path_count && i == RING_PATH_MAX)
		i = 1;
	if (i < w->path_count)
		memmove(w->path + i, w->path + i + 1, (--w->path_count - i) * sizeof(*e));
	w->path[w->path_count++] = *e;
}

void ring_walk_again(struct ring_walk *w, const struct ring_endpoint *own)
{
	ring_walk_clear(w);
	if (!w->met_silence)
		w->silent_count = 0;
	w->met_silence = false;
	w->suspicious = w->useful = 0;
	w->path[0] = *own;
	w->path_count = 1;
	for (unsigned i = 0; i < w->silent_count; i++)
		add_to_path(w, &w->silent[i]);
}

void ring_walk_clear(struct ring_walk *w)
{
	while (w->hop_count > 0)
		ring_route_unref(w->alloc, w->hops[--w->hop_count].route);
	while (w->match_count > 0)
		ring_route_unref(w->alloc, w->matches[--w->match_count]);
	ring_route_unref(w->alloc, w->best);
	ring_route_unref(w->alloc, w->current.route);
	w->best = NULL;
	w->current.route = NULL;
}

/* takes hop's reference */
static void push_hop(struct ring_walk *w, struct ring_hop hop)
{
	if (w->hop_count == RING_STACK) {
		ring_route_unref(w->alloc, w->hops[0].route);
		memmove(w->hops, w->hops + 1, --w->hop_count * sizeof(w->hops[0]));
	}
	w->hops[w->hop_count++] = hop;
}

static bool is_silent(const struct ring_walk *w, const struct ring_route *route)
{
	return ring_route_touches(route, w->silent, w->silent_count);
}

void ring_walk_push(struct ring_walk *w, struct ring_route *route)
{
	if (is_silent(w, route))
		return;
	push_hop(w, (struct ring_hop){ring_route_ref(route), 0});
}

void ring_walk_push_match(struct ring_walk *w, struct ring_route *route)
{
	if (w->match_count < RING_STACK)
		w->matches[w->match_count++] = ring_route_ref(route);
}

void ring_walk_set_best(struct ring_walk *w, struct ring_route *route)
{
	if (w->best) {
		if (w->match_count == RING_STACK) {
			ring_route_unref(w->alloc, w->matches[0]);
			memmove(w->matches, w->matches + 1, --w->match_count * sizeof(struct ring_route *));
		}
		w->matches[w->match_count++] = w->best;
	}
	w->best = ring_route_ref(route);
}

static void drop_current(struct ring_walk *w)
{
	ring_route_unref(w->alloc, w->current.route);
	w->current.route = NULL;
}

bool ring_walk_next(struct ring_walk *w)
{
	if (w->suspicious > RING_SUSPICIOUS_MAX || w->useful > RING_USEFUL_HOPS_MAX)
		return false;
	while (w->hop_count > 0) {
		drop_current(w);
		w->current = w->hops[--w->hop_count];
		w->current.uses++;
		if (!is_silent(w, w->current.route))
			return true;
	}
	drop_current(w);
	return false;
}

/* [MS-PNRP] 3.1.5.6.1 step 9: nowhere we have been, but for the node that just answered. */
static bool seen(const struct ring_walk *w, const struct ring_route *route)
{
	return ring_route_touches(route, w->path, w->path_count - 1u);
}

void ring_walk_answer(struct ring_walk *w, const struct ring_answer *a)
{
	struct ring_id asked = w->current.route->id;
	/* A hop known only by its address (ID zero, the split test) is close to nothing. */
	bool unnamed = ring_id_is_zero(&asked);
	bool pushed = false;

	add_to_path(w, &a->from);
	w->useful++;
	w->suspicious += a->suspicious;
	if (a->gone && !unnamed)
		drop_current(w);
	if (w->current.route && !unnamed && !a->barred &&
	    (!w->best || ring_id_closer(&asked, &w->best->id, &w->target)))
		ring_walk_set_best(w, w->current.route);
	/* A dead end would only be asked again in vain: the hop before it is next (T39). */
	if (w->current.route && (w->current.uses >= RING_USES_MAX || !a->route))
		drop_current(w);
	if (w->current.route) {
		push_hop(w, w->current);
		w->current.route = NULL;
		pushed = true;
	}
	if (!a->route || seen(w, a->route))
		return;
	if (unnamed || a->small_cache || ring_id_closer(&a->route->id, &asked, &w->target))
		ring_walk_push(w, a->route);
	else if (pushed)
		ring_route_unref(w->alloc, w->hops[--w->hop_count].route);
}

void ring_walk_skip(struct ring_walk *w)
{
	drop_current(w);
}

void ring_walk_silence(struct ring_walk *w, const struct ring_endpoint *asked, bool lasting)
{
	drop_current(w);
	add_to_path(w, asked);
	w->met_silence = true;
	if (!lasting)
		return;
	if (w->silent_count == RING_SILENT_MAX)
		memmove(w->silent, w->silent + 1, --w->silent_count * sizeof(*asked));
	w->silent[w->silent_count++] = *asked;
}

void ring_walk_repeat(struct ring_walk *w)
{
	w->current.uses++;
}

bool ring_walk_reject_best(struct ring_walk *w)
{
	ring_route_unref(w->alloc, w->best);
	w->best = w->match_count > 0 ? w->matches[--w->match_count] : NULL;
	return w->best;
}
