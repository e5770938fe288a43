/* What a cloud answers about itself. */
#include <stdio.h>
#include <string.h>

#include "plugins/service-pnrp/svc.h"

/* ---- clouds ---------------------------------------------------------------------- */

static void add_counter(Ponto__Pnrp__V1__CloudInfo *info, struct ponto_arena *arena, const char *prefix, const char *name,
			uint64_t value)
{
	Ponto__Pnrp__V1__Counter *counter = ponto_arena_take(arena, 1, sizeof(*counter));
	char text[96];

	if (!counter)
		return;
	snprintf(text, sizeof(text), "%s%s", prefix, name);
	ponto__pnrp__v1__counter__init(counter);
	counter->name = ponto_arena_text(arena, text);
	counter->value = value;
	info->counters[info->n_counters++] = counter;
}

static void fill_counters(struct svc *svc, struct ponto_arena *arena, Ponto__Pnrp__V1__CloudInfo *info)
{
	const struct pnrp_stats *stats = pnrp_engine_stats(svc->engine);
	size_t count = SVC_COUNTERS + 2 * PNRP_COUNT_TYPES + PNRP_DROP_REASONS;

	info->counters = ponto_arena_take(arena, count, sizeof(*info->counters));
	if (!info->counters)
		return;
	for (unsigned i = 0; i < PNRP_COUNT_TYPES; i++) {
		add_counter(info, arena, "received ", pnrp_message_name(i), stats->received[i]);
		add_counter(info, arena, "sent ", pnrp_message_name(i), stats->sent[i]);
	}
	for (unsigned i = 0; i < PNRP_DROP_REASONS; i++)
		add_counter(info, arena, "dropped ", pnrp_drop_name(i), stats->dropped[i]);
	for (unsigned i = 0; i < SVC_COUNTERS; i++)
		add_counter(info, arena, "", svc_counters[i].name, svc_counter_value(stats, i));
}

static void fill_levels(struct ponto_arena *arena, const struct svc_shape *shape, Ponto__Pnrp__V1__CloudInfo *info)
{
	info->level = ponto_arena_take(arena, SVC_LEVELS, sizeof(*info->level));
	for (unsigned i = 0; i < SVC_LEVELS && !arena->failed; i++) {
		Ponto__Pnrp__V1__CacheLevel *level;

		if (shape->level[i] == 0)
			continue;
		level = ponto_arena_take(arena, 1, sizeof(*level));
		if (!level)
			return;
		ponto__pnrp__v1__cache_level__init(level);
		level->level = i;
		level->entries = shape->level[i];
		info->level[info->n_level++] = level;
	}
}

struct leaf_list {
	struct svc *svc;
	struct ponto_arena *arena;
	Ponto__Pnrp__V1__CloudInfo *info;
	size_t room;
};

static bool add_leaf_set(void *arg, const struct pnrp_registration_info *registration)
{
	struct leaf_list *list = arg;
	const struct svc_name *name = svc_name_by_token(list->svc, registration->token);
	char id[2 * RING_ID_SIZE + 1];
	Ponto__Pnrp__V1__LeafSet *set;

	if (!name || name->handle != registration->handle || list->info->n_leaf_set == list->room)
		return true; /* it is on its way out */
	set = ponto_arena_take(list->arena, 1, sizeof(*set));
	if (!set)
		return false;
	ponto__pnrp__v1__leaf_set__init(set);
	ponto_hex(ponto_bytes(registration->id.b, RING_ID_SIZE), id);
	set->name = ponto_arena_text(list->arena, name->request->name);
	set->id = ponto_arena_text(list->arena, id);
	set->below = (uint32_t)registration->leaves_below;
	set->above = (uint32_t)registration->leaves_above;
	list->info->leaf_set[list->info->n_leaf_set++] = set;
	return !list->arena->failed;
}

static void fill_leaf_sets(struct svc *svc, struct ponto_arena *arena, Ponto__Pnrp__V1__CloudInfo *info, size_t room)
{
	struct leaf_list list = {svc, arena, info, room};

	info->leaf_set = ponto_arena_take(arena, room, sizeof(*info->leaf_set));
	if (!arena->failed)
		pnrp_engine_each_registration(svc->engine, add_leaf_set, &list);
}

void svc_fill_cloud(struct svc *svc, struct ponto_arena *arena, Ponto__Pnrp__V1__CloudInfo *info)
{
	struct pnrp_status status;
	struct svc_shape shape;
	char text[PONTO_ADDR_TEXT];

	pnrp_engine_status(svc->engine, &status);
	svc_shape(svc, &shape);
	ponto__pnrp__v1__cloud_info__init(info);
	info->name = svc->cloud;
	info->scope = (char *)(uintptr_t)ponto_scope_name(svc->scope);
	info->zone = svc->zone;
	info->state = (char *)(uintptr_t)pnrp_cloud_state_name(status.state);
	info->profile = (char *)(uintptr_t)(svc->profile == PONTO_PROFILE_MODERN ? "modern" : "windows");
	info->cached = status.cache_entries;
	info->names = status.registrations;
	info->estimate = status.estimated_nodes;
	info->resolve_only = ponto_conf_bool(svc->conf, "resolve_only");
	info->leaves = shape.leaves;
	fill_levels(arena, &shape, info);
	fill_leaf_sets(svc, arena, info, status.registrations);
	info->addresses = ponto_arena_take(arena, status.local_count, sizeof(*info->addresses));
	for (size_t i = 0; i < status.local_count && !arena->failed; i++)
		info->addresses[info->n_addresses++] = ponto_arena_text(arena, ponto_addr_format(&status.local[i], text));
	fill_counters(svc, arena, info);
}

void svc_cloud_event(struct svc *svc)
{
	struct ponto_arena arena = {.alloc = svc->env->alloc};
	Ponto__Pnrp__V1__CloudInfo info;

	if (!svc->env->port)
		return;
	svc_fill_cloud(svc, &arena, &info);
	if (!arena.failed)
		ponto_announce(svc->env, "cloud", &info.base);
	ponto_arena_clear(&arena);
}

void svc_fill_disabled(struct svc *svc, Ponto__Pnrp__V1__CloudInfo *info)
{
	const char *scope = ponto_conf_string(svc->conf, "scope");

	ponto__pnrp__v1__cloud_info__init(info);
	info->name = (char *)(uintptr_t)svc->env->instance;
	info->scope = (char *)(uintptr_t)scope;
	info->state = (char *)(uintptr_t)pnrp_cloud_state_name(PNRP_CLOUD_DISABLED);
	info->profile = (char *)(uintptr_t)(svc->profile == PONTO_PROFILE_MODERN ? "modern" : "windows");
}

void svc_call_cloud(struct svc *svc, struct ponto_call *call, ProtobufCMessage *request)
{
	Ponto__Pnrp__V1__CloudReply reply = PONTO__PNRP__V1__CLOUD_REPLY__INIT;
	struct ponto_arena arena = {.alloc = svc->env->alloc};
	Ponto__Pnrp__V1__CloudInfo info;

	svc_fill_cloud(svc, &arena, &info);
	reply.cloud = &info;
	ponto_answer_made(&arena, call, &reply.base);
	protobuf_c_message_free_unpacked(request, NULL);
}

/* ---- peers ------------------------------------------------------------------------- */

struct peer_list {
	Ponto__Pnrp__V1__PeersReply reply;
	struct ponto_arena arena;
	size_t room;
};

static bool add_peer(void *arg, const struct pnrp_route *route)
{
	struct peer_list *list = arg;
	struct ponto_arena *arena = &list->arena;
	Ponto__Pnrp__V1__Peer *peer;
	char text[PONTO_ADDR_TEXT];
	char id[2 * RING_ID_SIZE + 1];

	if (list->reply.n_peer == list->room)
		return false;
	peer = ponto_arena_take(arena, 1, sizeof(*peer));
	if (!peer)
		return false;
	ponto__pnrp__v1__peer__init(peer);
	ponto_hex(ponto_bytes(route->id.b, RING_ID_SIZE), id);
	peer->id = ponto_arena_text(arena, id);
	peer->leaf = route->leaf;
	peer->addresses = ponto_arena_take(arena, route->addr_count, sizeof(*peer->addresses));
	for (size_t i = 0; i < route->addr_count && !arena->failed; i++)
		peer->addresses[peer->n_addresses++] = ponto_arena_text(arena, ponto_addr_format(&route->addrs[i], text));
	list->reply.peer[list->reply.n_peer++] = peer;
	return !arena->failed;
}

void svc_call_peers(struct svc *svc, struct ponto_call *call, ProtobufCMessage *request)
{
	struct peer_list list = {.reply = PONTO__PNRP__V1__PEERS_REPLY__INIT, .arena = {.alloc = svc->env->alloc}};
	struct pnrp_status status;

	pnrp_engine_status(svc->engine, &status);
	list.room = status.cache_entries;
	list.reply.peer = ponto_arena_take(&list.arena, list.room, sizeof(*list.reply.peer));
	pnrp_engine_each_route(svc->engine, add_peer, &list);
	ponto_answer_made(&list.arena, call, &list.reply.base);
	protobuf_c_message_free_unpacked(request, NULL);
}
