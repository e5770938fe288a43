/* What the cache has done: counted in memory, added to the ledger in the store once a minute and at the end. Of what is
 * read most a bounded number of segments is remembered. */
#include <string.h>

#include "framework/digest.h"
#include "plugins/service-dist/dist_cache_private.h"

#define TOPIC "service.dist.cache"
#define KEEP_AFTER (60 * PONTO_SECOND)

struct keep_job {
	struct dist_cache *cache;
	struct dist_ledger after;
	int result;
};

/* ---- what is read most ---------------------------------------------------------------- */

static struct dist_top_slot *slot_of(struct dist_tally *tally, const struct content_id *id)
{
	for (size_t i = 0; i < tally->top_count; i++) {
		if (content_id_equal(&tally->top[i].top.id, id))
			return &tally->top[i];
	}
	return NULL;
}

/* The one that least was read of makes room for who has had more. */
static struct dist_top_slot *make_room(struct dist_cache *cache, uint64_t bytes)
{
	struct dist_tally *tally = &cache->tally;
	struct dist_top_slot *least = tally->top;
	struct dist_entry *entry;

	if (tally->top_count < DIST_TOP)
		return &tally->top[tally->top_count++];
	for (size_t i = 1; i < DIST_TOP; i++) {
		if (tally->top[i].top.bytes < least->top.bytes)
			least = &tally->top[i];
	}
	if (least->top.bytes >= bytes)
		return NULL;
	entry = dist_index_find(&cache->index, &least->top.id);
	if (entry)
		entry->ranked = false;
	return least;
}

static void rank(struct dist_cache *cache, struct dist_entry *entry, uint64_t bytes)
{
	struct dist_tally *tally = &cache->tally;
	struct dist_top_slot *slot = NULL;
	struct content_id id;

	dist_entry_id(&cache->index, entry, &id);
	if (entry->ranked || entry->served <= 0) /* it may have been here before */
		slot = slot_of(tally, &id);
	if (!slot) {
		slot = make_room(cache, (uint64_t)entry->served + bytes);
		if (slot)
			*slot = (struct dist_top_slot){.top = {.id = id, .bytes = (uint64_t)entry->served}};
	}
	entry->served += (float)bytes;
	entry->ranked = slot != NULL;
	if (!slot)
		return;
	slot->top.bytes += bytes;
	slot->top.blocks++;
}

/* ---- counting ----------------------------------------------------------------------------- */

void dist_count_hit(struct dist_cache *cache, struct dist_entry *entry, uint64_t bytes)
{
	cache->tally.since[DIST_COUNT_HITS]++;
	cache->tally.since[DIST_COUNT_HIT_BYTES] += bytes;
	ponto_counter_add(cache->metrics.hit_bytes, bytes);
	if (entry)
		rank(cache, entry, bytes);
}

void dist_cache_missed(struct dist_cache *cache, bool neighbour, uint64_t blocks)
{
	cache->tally.since[DIST_COUNT_MISSES] += blocks;
	cache->tally.since[DIST_COUNT_ABSENT] += neighbour ? blocks : 0;
	ponto_counter_add(cache->metrics.missed, blocks);
	dist_cache_arm(cache);
}

void dist_cache_given(struct dist_cache *cache, uint64_t bytes)
{
	cache->tally.since[DIST_COUNT_GIVEN]++;
	cache->tally.since[DIST_COUNT_GIVEN_BYTES] += bytes;
}

void dist_cache_fetched(struct dist_cache *cache, bool neighbours, uint64_t bytes)
{
	cache->tally.since[neighbours ? DIST_COUNT_NEIGHBOURS : DIST_COUNT_ORIGINS] += bytes;
	dist_cache_arm(cache);
}

/* What is counted elsewhere, too. */
static void gather(const struct dist_cache *cache, uint64_t count[DIST_COUNTS])
{
	memcpy(count, cache->tally.since, sizeof(cache->tally.since));
	count[DIST_COUNT_STORED] = cache->stats.stored;
	count[DIST_COUNT_EVICTED] = cache->stats.evicted;
	count[DIST_COUNT_EXPIRED] = cache->stats.expired;
	count[DIST_COUNT_DAMAGED] = cache->stats.damaged;
	count[DIST_COUNT_REFUSED] = cache->stats.refused;
}

/* What the store does not know yet; or, whole, all since the start. */
static void difference(const struct dist_cache *cache, bool whole, struct dist_ledger *out)
{
	const struct dist_tally *tally = &cache->tally;

	memset(out, 0, sizeof(*out));
	out->began = tally->began;
	gather(cache, out->count);
	for (size_t i = 0; i < DIST_COUNTS && !whole; i++)
		out->count[i] -= tally->told[i];
	for (size_t i = 0; i < tally->top_count; i++) {
		const struct dist_top_slot *slot = &tally->top[i];
		struct dist_top *top = &out->top[out->top_count];

		*top = slot->top;
		if (!whole) {
			top->bytes -= slot->told_bytes;
			top->blocks -= slot->told_blocks;
		}
		out->top_count += top->blocks > 0;
	}
	dist_scrub_tell(cache, out);
	out->writer = tally->writer;
	out->serial = tally->serial;
}

void dist_cache_count(const struct dist_cache *cache, struct dist_ledger *since, struct dist_ledger *all)
{
	struct dist_ledger more;

	difference(cache, true, since);
	difference(cache, false, &more);
	*all = cache->tally.kept;
	dist_ledger_add(all, &more);
}

/* ---- keeping --------------------------------------------------------------------------------- */

bool dist_count_is_due(const struct dist_cache *cache)
{
	uint64_t count[DIST_COUNTS];

	gather(cache, count);
	return !cache->tally.foreign && (cache->tally.pending || memcmp(count, cache->tally.told, sizeof(count)) != 0 ||
					 dist_scrub_moved(cache));
}

static void keep_run(void *arg)
{
	struct keep_job *job = arg;

	job->result = dist_ledger_keep(&job->cache->shelf, job->cache->tally.pending, &job->after);
}

/* The store has it. */
static void kept(struct dist_cache *cache, const struct dist_ledger *after)
{
	struct dist_tally *tally = &cache->tally;
	const struct dist_ledger *more = tally->pending;

	for (size_t i = 0; i < DIST_COUNTS; i++)
		tally->told[i] += more->count[i];
	for (size_t i = 0; i < more->top_count; i++) {
		struct dist_top_slot *slot = slot_of(tally, &more->top[i].id);

		if (!slot) /* it made room meanwhile */
			continue;
		slot->told_bytes += more->top[i].bytes;
		slot->told_blocks += more->top[i].blocks;
	}
	tally->kept = *after;
	tally->serial++;
	ponto_free(cache->config.alloc, tally->pending);
	tally->pending = NULL;
}

static void keep_done(void *arg)
{
	struct keep_job *job = arg;
	struct dist_cache *cache = job->cache;

	cache->tally.at_work = false;
	if (job->result == PONTO_OK)
		kept(cache, &job->after);
	else if (job->result == PONTO_ENOTSUP)
		cache->tally.foreign = true;
	else
		ponto_debug(cache->config.log, TOPIC, "the ledger is not written: %s", ponto_strerror(job->result));
	/* What was counted while it was written goes, too, but a store that failed is not waited for. */
	if (cache->closing && job->result == PONTO_OK)
		dist_count_tick(cache);
	ponto_free(cache->config.alloc, job);
	dist_cache_arm(cache);
	dist_cache_job_done(cache);
}

void dist_count_tick(struct dist_cache *cache)
{
	struct dist_tally *tally = &cache->tally;
	uint64_t now = ponto_mono(cache->config.clock);
	struct keep_job *job;

	if (tally->at_work || (!cache->closing && now < tally->next) || !dist_count_is_due(cache))
		return;
	tally->next = now + KEEP_AFTER;
	job = ponto_new(cache->config.alloc, 1, sizeof(*job));
	if (job && !tally->pending) {
		tally->pending = ponto_new(cache->config.alloc, 1, sizeof(*tally->pending));
		if (tally->pending)
			difference(cache, false, tally->pending);
	}
	if (!job || !tally->pending) {
		ponto_free(cache->config.alloc, job);
		return;
	}
	job->cache = cache;
	if (ponto_pool_submit(cache->config.store.pool, cache->config.loop, keep_run, keep_done, job) != PONTO_OK) {
		ponto_free(cache->config.alloc, job);
		return;
	}
	tally->at_work = true;
	cache->jobs++;
}

/* ---- its life ---------------------------------------------------------------------------------- */

void dist_count_begin(struct dist_cache *cache)
{
	struct dist_tally *tally = &cache->tally;

	/* Of what nobody else has drawn, and nothing is learnt of it. */
	tally->writer = ponto_siphash(cache->index.key, ponto_bytes("writer", 6));
	tally->serial = 1;
	tally->began = dist_cache_wall(cache);
	tally->next = ponto_mono(cache->config.clock) + KEEP_AFTER;
}

void dist_count_end(struct dist_cache *cache)
{
	ponto_free(cache->config.alloc, cache->tally.pending);
}

void dist_count_loaded(struct dist_cache *cache, int result, const struct dist_ledger *ledger, bool damaged)
{
	struct dist_tally *tally = &cache->tally;

	if (damaged)
		ponto_warning(cache->config.log, TOPIC, "what the cache had counted was damaged: it begins anew");
	tally->foreign = result == PONTO_ENOTSUP;
	if (tally->foreign)
		ponto_warning(cache->config.log, TOPIC,
			      "what the cache had counted was written by a later version, and is left alone");
	if (result != PONTO_OK)
		return; /* it is read again when it is added to */
	tally->kept = *ledger;
}
