/* What the cache has done: hits, savings, what is read most, offers, the scrub. */
#include <stdlib.h>
#include <string.h>

#include "engines/content/content_hosted.h"
#include "plugins/service-dist/dist.h"

#define COUNTERS_MAX 32u

struct counters {
	struct ponto_arena *arena;
	Ponto__Dist__V1__Counter **list;
	size_t count;
};

static void add(struct counters *c, const char *name, uint64_t value)
{
	Ponto__Dist__V1__Counter *counter = ponto_arena_take(c->arena, 1, sizeof(*counter));

	if (!counter || !c->list || c->count == COUNTERS_MAX)
		return;
	ponto__dist__v1__counter__init(counter);
	counter->name = (char *)(uintptr_t)name;
	counter->value = value;
	c->list[c->count++] = counter;
}

static struct counters begin(struct ponto_arena *arena)
{
	return (struct counters){arena, ponto_arena_take(arena, COUNTERS_MAX, sizeof(Ponto__Dist__V1__Counter *)), 0};
}

static struct counters ledger_counters(struct ponto_arena *arena, const struct dist_ledger *ledger)
{
	struct counters c = begin(arena);

	for (size_t i = 0; i < DIST_COUNTS; i++)
		add(&c, dist_count_name((enum dist_count)i), ledger->count[i]);
	return c;
}

/* [MS-PCHC]: segments offered by clients, and what became of them. */
static struct counters offers(struct ponto_arena *arena, const struct dist *dist)
{
	struct counters c = begin(arena);
	struct content_hosted_stats stats;

	if (!dist->hosted)
		return c;
	dist_hosted_figures(dist->hosted, &stats);
	add(&c, "messages", stats.messages);
	add(&c, "malformed", stats.malformed);
	add(&c, "segments", stats.segments);
	add(&c, "held", stats.held);
	add(&c, "unsound", stats.unsound);
	add(&c, "refused", stats.refused);
	add(&c, "rationed", stats.rationed);
	add(&c, "ignored", stats.ignored);
	add(&c, "failed", stats.failed);
	add(&c, "blocks", stats.blocks);
	add(&c, "bytes", stats.bytes);
	add(&c, "wrong", stats.wrong);
	add(&c, "waiting", stats.waiting);
	add(&c, "active", stats.active);
	add(&c, "of-wininet", stats.tags[CONTENT_TAG_WININET]);
	add(&c, "of-webio", stats.tags[CONTENT_TAG_WEBIO]);
	add(&c, "of-bits", stats.tags[CONTENT_TAG_BITS]);
	add(&c, "of-smb", stats.tags[CONTENT_TAG_SMB]);
	add(&c, "of-other", stats.tags[CONTENT_TAG_OTHER]);
	return c;
}

static void fill_scrub(const struct dist *dist, const struct dist_ledger *all, Ponto__Dist__V1__Scrub *out)
{
	ponto__dist__v1__scrub__init(out);
	out->interval = (uint64_t)ponto_conf_int(dist->conf, "cache_scrub") * 24 * 3600;
	out->running = dist_cache_scrubs(dist->cache, &out->found, &out->bytes_ahead);
	out->began = all->scrub_began;
	out->ended = all->scrub_ended;
}

static void fill_ratio(const struct dist_ledger *all, Ponto__Dist__V1__StatsReply *reply)
{
	uint64_t asked = all->count[DIST_COUNT_HITS] + all->count[DIST_COUNT_MISSES];

	reply->has_hit_ratio = asked > 0;
	if (asked)
		reply->hit_ratio = (double)all->count[DIST_COUNT_HITS] / (double)asked;
}

static void fill_sums(const struct dist *dist, Ponto__Dist__V1__StatsReply *reply, struct counters *since)
{
	struct dist_cache_stats stats;

	dist_cache_stats(dist->cache, &stats);
	reply->segments = stats.segments;
	reply->blocks = stats.blocks;
	reply->bytes = stats.bytes;
	reply->limit = stats.limit;
	reply->has_share = stats.share > 0;
	reply->share = stats.share;
	reply->complete = dist_cache_is_ready(dist->cache);
	add(since, "read", stats.read);
	add(since, "hot", stats.hot);
	add(since, "errors", stats.errors);
	add(since, "paused", stats.paused);
}

static bool is_open(struct dist *dist, struct ponto_call *call)
{
	if (!dist->cached)
		ponto_refuse(call, PONTO_EBUSY, "there is no cache: its store could not be read");
	return dist->cached;
}

void dist_call_stats(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	Ponto__Dist__V1__StatsReply reply = PONTO__DIST__V1__STATS_REPLY__INIT;
	struct ponto_arena arena = {.alloc = dist->env->alloc};
	struct dist_ledger *ledgers;
	struct counters since, kept, offered;
	Ponto__Dist__V1__Scrub scrub;

	(void)request;
	if (!is_open(dist, call))
		return;
	ledgers = ponto_arena_take(&arena, 2, sizeof(*ledgers));
	if (ledgers) {
		dist_cache_count(dist->cache, &ledgers[0], &ledgers[1]);
		since = ledger_counters(&arena, &ledgers[0]);
		kept = ledger_counters(&arena, &ledgers[1]);
		offered = offers(&arena, dist);
		fill_sums(dist, &reply, &since);
		fill_scrub(dist, &ledgers[1], &scrub);
		fill_ratio(&ledgers[1], &reply);
		reply.counter = since.list;
		reply.n_counter = since.count;
		reply.kept = kept.list;
		reply.n_kept = kept.count;
		reply.offer = offered.list;
		reply.n_offer = offered.count;
		reply.has_began = true;
		reply.began = ledgers[1].began;
		reply.scrub = scrub.interval ? &scrub : NULL;
	}
	ponto_answer_made(&arena, call, &reply.base);
}

/* ---- what is read most ------------------------------------------------------------------ */

static int more_first(const void *a, const void *b)
{
	const struct dist_top *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return memcmp(x->id.b, y->id.b, sizeof(x->id.b));
}

static void fill_top(struct ponto_arena *arena, const struct dist *dist, struct dist_top *top,
		     Ponto__Dist__V1__Top *out)
{
	struct dist_known known;

	ponto__dist__v1__top__init(out);
	out->id.data = top->id.b;
	out->id.len = top->id.len;
	out->bytes = top->bytes;
	out->blocks = top->blocks;
	out->held = dist_cache_find(dist->cache, &top->id, &known);
	out->tag = (char *)(uintptr_t)(out->held ? dist_tag_text(arena, known.tag) : "");
}

void dist_call_top(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request)
{
	const Ponto__Dist__V1__TopRequest *r = (const Ponto__Dist__V1__TopRequest *)request;
	Ponto__Dist__V1__TopReply reply = PONTO__DIST__V1__TOP_REPLY__INIT;
	struct ponto_arena arena = {.alloc = dist->env->alloc};
	struct dist_ledger *ledgers, *chosen;
	Ponto__Dist__V1__Top *list;

	if (!is_open(dist, call))
		return;
	ledgers = ponto_arena_take(&arena, 2, sizeof(*ledgers));
	list = ponto_arena_take(&arena, DIST_TOP, sizeof(*list));
	reply.top = ponto_arena_take(&arena, DIST_TOP, sizeof(*reply.top));
	if (!arena.failed) {
		dist_cache_count(dist->cache, &ledgers[0], &ledgers[1]);
		chosen = &ledgers[r->has_since_start && r->since_start ? 0 : 1];
		qsort(chosen->top, chosen->top_count, sizeof(chosen->top[0]), more_first);
		for (size_t i = 0; i < chosen->top_count; i++) {
			fill_top(&arena, dist, &chosen->top[i], &list[i]);
			reply.top[reply.n_top++] = &list[i];
		}
	}
	ponto_answer_made(&arena, call, &reply.base);
}
