/* Ponto PNRP engine: looking inside. */
#include "engines/pnrp/pnrp_state.h"

#include <string.h>

const char *pnrp_drop_name(enum pnrp_drop reason)
{
	static const char *const names[] = {"header", "syntax", "port", "not_local", "unmatched", "nonce", "fragment",
					    "cpa",    "route",	"full", "rate",	     "memory",	  "closed"};

	return (unsigned)reason < PONTO_ARRAY_SIZE(names) ? names[reason] : "unknown";
}

const char *pnrp_message_name(enum pnrp_message_type_index type)
{
	static const char *const names[] = {"solicit", "advertise", "request", "flood",
					    "inquire", "authority", "ack",     "lookup"};

	return (unsigned)type < PONTO_ARRAY_SIZE(names) ? names[type] : "unknown";
}

const char *pnrp_cloud_state_name(enum pnrp_cloud_state state)
{
	static const char *const names[] = {"virtual",	"synchronizing", "active", "dead",
					    "disabled", "no-net",	 "alone"};

	return (unsigned)state < PONTO_ARRAY_SIZE(names) ? names[state] : "unknown";
}

const struct pnrp_stats *pnrp_engine_stats(const struct pnrp_engine *e)
{
	return &e->stats;
}

static uint64_t memory(const struct pnrp_engine *e)
{
	uint64_t bytes = sizeof(*e) + ring_cache_memory(&e->cache) + e->pending.bytes + e->reassembly.bytes;

	bytes += e->conversations.count * sizeof(struct ring_conversation);
	bytes += e->told_hosts ? PNRP_TOLD_HOSTS * sizeof(*e->told_hosts) : 0;
	bytes += e->sync_count * sizeof(struct pnrp_sync);
	bytes += e->add_count * sizeof(struct pnrp_add);
	bytes += e->challenge_count * sizeof(struct pnrp_challenge);
	bytes += e->note_count * sizeof(struct pnrp_note);
	bytes += e->resolve_count * sizeof(struct pnrp_resolve);
	for (const struct pnrp_packet *p = e->out; p; p = p->next)
		bytes += sizeof(*p) + p->len;
	for (const struct pnrp_job *job = e->jobs; job; job = job->next)
		bytes += sizeof(*job) + job->len;
	for (const struct pnrp_local *l = e->locals; l; l = l->next)
		bytes += sizeof(*l) + l->payload_len + l->chain_len;
	return bytes;
}

void pnrp_engine_status(const struct pnrp_engine *e, struct pnrp_status *out)
{
	memset(out, 0, sizeof(*out));
	out->state = e->state;
	out->opens = e->opens;
	memcpy(out->local, e->local, e->local_count * sizeof(e->local[0]));
	out->local_count = e->local_count;
	out->cache_entries = e->cache.count;
	out->registrations = e->registrations;
	out->resolves = e->resolve_count;
	out->pending = e->pending.count;
	out->pending_adds = e->add_count;
	out->conversations = e->conversations.count;
	out->reassemblies = e->reassembly.count;
	out->jobs = e->job_count;
	out->estimated_ids = ring_cache_estimate(&e->cache);
	out->estimated_nodes = pnrp_estimated_nodes(e);
	out->memory = memory(e);
}

static void fill_route(const struct pnrp_engine *e, const struct ring_route *r, struct pnrp_route *out)
{
	const struct ring_place *place = ring_cache_place(&e->cache, &r->id);

	memset(out, 0, sizeof(*out));
	out->id = r->id;
	out->leaf = place->leaf;
	out->level = place->level;
	out->addr_count = r->count;
	for (unsigned i = 0; i < r->count && i < PNRP_ROUTE_ADDRS_MAX; i++) {
		memcpy(out->addrs[i].ip, r->addrs[i], 16);
		out->addrs[i].family = PONTO_FAMILY_IPV6;
		out->addrs[i].port = r->port;
		out->addrs[i].zone = e->zone;
	}
}

void pnrp_engine_each_route(const struct pnrp_engine *e, pnrp_route_fn *fn, void *arg)
{
	struct pnrp_route route;

	for (uint32_t i = 0; i < e->cache.count; i++) {
		fill_route(e, e->cache.entry[i], &route);
		if (!fn(arg, &route))
			return;
	}
}

void pnrp_engine_each_leaf(const struct pnrp_engine *e, uint64_t handle, pnrp_route_fn *fn, void *arg)
{
	const struct pnrp_local *l = pnrp_local_by_handle(e, handle);
	struct pnrp_route route;

	if (!l || l->revoking)
		return;
	for (unsigned up = 0; up < 2; up++) {
		struct ring_route *leaves[RING_LEAF];
		size_t count = ring_cache_leaves(&e->cache, &l->id, up, leaves);

		for (size_t i = 0; i < count; i++) {
			fill_route(e, leaves[i], &route);
			if (!fn(arg, &route))
				return;
		}
	}
}

void pnrp_engine_each_registration(const struct pnrp_engine *e, pnrp_registration_fn *fn, void *arg)
{
	for (const struct pnrp_local *l = e->locals; l; l = l->next) {
		struct ring_route *leaves[RING_LEAF];
		struct pnrp_registration_info info = {
			.handle = l->handle, .token = l->token, .id = l->id, .state = l->state};

		if (!l->revoking) {
			info.leaves_below = ring_cache_leaves(&e->cache, &l->id, false, leaves);
			info.leaves_above = ring_cache_leaves(&e->cache, &l->id, true, leaves);
		}
		if (!fn(arg, &info))
			return;
	}
}
