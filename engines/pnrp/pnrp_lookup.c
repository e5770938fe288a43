/* Ponto PNRP engine: serving LOOKUP. [MS-PNRP] 3.2.5.2. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

struct candidates {
	const struct pnrp_lookup *lookup;
	struct ring_endpoint path[PNRP_ENDPOINTS_MAX];
	bool limited; /* only closer than Validate PNRP ID */
};

static enum ring_pick is_candidate(void *arg, const struct ring_route *r)
{
	const struct candidates *c = arg;
	const struct pnrp_lookup *l = c->lookup;

	if (c->limited && !ring_id_closer(&r->id, &l->validate_id, &l->target))
		return RING_PICK_STOP;
	return ring_route_touches(r, c->path, l->count) ? RING_PICK_NO : RING_PICK_YES;
}

/* The closest local ID, unless we have been asked already. limited: it must be closer than Validate PNRP ID. */
static const struct ring_id *closest_local(const struct pnrp_engine *e, const struct candidates *c, bool limited)
{
	const struct pnrp_lookup *l = c->lookup;
	const struct ring_id *local;

	for (unsigned i = 0; i < l->count; i++)
		if (pnrp_is_own_endpoint(e, &c->path[i]))
			return NULL;
	local = ring_cache_closest_local(&e->cache, &l->target);
	return local && limited && !ring_id_closer(local, &l->validate_id, &l->target) ? NULL : local;
}

static void fill_answer(const struct pnrp_engine *e, const struct pnrp_lookup *l, bool not_local,
			struct pnrp_authority_buffer *b)
{
	/* A zero ID, as in a split test, sets no limit (T40). */
	bool named = !ring_id_is_zero(&l->validate_id);
	struct candidates c = {.lookup = l, .limited = named && !l->accept_any};
	const struct ring_id *local;
	const struct ring_route *remote;

	pnrp_endpoints_from_wire(l->path, l->count, c.path);
	local = closest_local(e, &c, named && !not_local);
	remote = ring_cache_pick(&e->cache, &l->target, is_candidate, &c);
	b->leaf_set = !remote && ring_cache_target_in_leaf_set(&e->cache, &l->target);
	if (local && remote && ring_id_closer(&remote->id, local, &l->target))
		local = NULL;
	if (local) {
		b->has_route = pnrp_own_route(e, local, &b->route);
	} else if (remote) {
		pnrp_route_to_wire(remote, &b->route);
		b->has_route = true;
	}
}

void pnrp_on_lookup(struct pnrp_engine *e, uint64_t now, const struct pnrp_message *m, const struct ponto_addr *from,
		    const struct ponto_addr *to)
{
	const struct pnrp_lookup *l = &m->lookup;
	struct pnrp_authority_buffer b;

	memset(&b, 0, sizeof(b));
	b.not_found = !ring_id_is_zero(&l->validate_id) && !ring_cache_is_local(&e->cache, &l->validate_id);
	fill_answer(e, l, b.not_found, &b);
	pnrp_send_authority(e, &b, 0, m->id, from, to);
	if (l->has_route)
		pnrp_submit_wire(e, now, &l->route, NULL);
}
