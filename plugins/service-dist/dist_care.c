/* Clearing and verifying. */
#include <string.h>

#include "plugins/service-dist/dist_cache_private.h"

/* ---- clearing ------------------------------------------------------------------------- */

static void end_clear(struct dist_cache *cache, struct dist_clear *clear)
{
	struct dist_clear **at = &cache->clears;

	while (*at != clear)
		at = &(*at)->next;
	*at = clear->next;
	if (clear->done)
		clear->done(clear->arg, clear->result, clear->segments);
	ponto_free(cache->config.alloc, clear);
}

void dist_care_removed(struct dist_cache *cache, struct dist_clear *clear, int result)
{
	if (result == PONTO_OK)
		clear->segments++;
	else if (clear->result == PONTO_OK)
		clear->result = result;
	if (--clear->pending == 0)
		end_clear(cache, clear);
}

static bool is_meant(const struct dist_entry *entry, const struct content_id *id, const uint8_t *tag)
{
	return (!id || content_id_equal(&entry->id, id)) && (!tag || memcmp(entry->tag, tag, DIST_TAG) == 0);
}

int dist_cache_clear(struct dist_cache *cache, const struct content_id *id, const uint8_t *tag,
		     dist_cache_cleared_fn *done, void *arg)
{
	struct dist_clear *clear;

	if (cache->closing)
		return PONTO_ECLOSED;
	if (!cache->ready)
		return PONTO_EBUSY;
	clear = ponto_new(cache->config.alloc, 1, sizeof(*clear));
	if (!clear)
		return PONTO_ENOMEM;
	clear->done = done;
	clear->arg = arg;
	clear->pending = 1; /* this call's own */
	clear->next = cache->clears;
	cache->clears = clear;
	for (struct dist_link *link = cache->index.uses.first, *after; link; link = after) {
		struct dist_entry *entry = dist_by_use(link);

		after = link->after;
		if (!is_meant(entry, id, tag))
			continue;
		clear->pending++;
		entry->lane.clear = clear;
		dist_lane_retire(cache, entry);
	}
	dist_lane_advance(cache);
	dist_cache_show(cache);
	if (--clear->pending == 0)
		end_clear(cache, clear);
	return PONTO_OK;
}

/* ---- verifying ---------------------------------------------------------------------------- */

static void end_verify(struct dist_cache *cache, int result)
{
	struct dist_verify *v = cache->verify;

	cache->verify = NULL;
	if (v->damaged)
		ponto_warning(cache->config.log, "service.dist.cache", "%llu damaged records of the cache are removed",
			      (unsigned long long)v->damaged);
	if (v->done)
		v->done(v->arg, result, v->damaged);
	ponto_free(cache->config.alloc, v->ids);
	ponto_free(cache->config.alloc, v);
}

/* The next one that is still held; others were removed meanwhile. */
static void check_next(struct dist_cache *cache)
{
	struct dist_verify *v = cache->verify;

	while (v->at < v->count) {
		struct dist_entry *entry = dist_index_find(&cache->index, &v->ids[v->at++]);

		if (!entry || !entry->listed)
			continue;
		entry->lane.check = entry->lane.verify = true;
		dist_lane_wait(cache, entry);
		return;
	}
	end_verify(cache, v->result);
}

void dist_care_checked(struct dist_cache *cache, uint64_t bytes, int result, uint32_t damaged)
{
	struct dist_verify *v = cache->verify;

	if (!v)
		return; /* it was abandoned */
	v->bytes += bytes;
	if (v->total < v->bytes)
		v->total = v->bytes;
	v->damaged += damaged;
	if (v->result == PONTO_OK)
		v->result = result;
	if (v->progress)
		v->progress(v->arg, v->bytes, v->total);
	if (cache->verify == v) /* and was not closed by progress */
		check_next(cache);
}

int dist_cache_verify(struct dist_cache *cache, dist_cache_progress_fn *progress, dist_cache_verified_fn *done,
		      void *arg)
{
	const struct ponto_alloc *alloc = cache->config.alloc;
	struct dist_verify *v;

	if (cache->closing)
		return PONTO_ECLOSED;
	if (!cache->ready || cache->verify)
		return PONTO_EBUSY;
	v = ponto_new(alloc, 1, sizeof(*v));
	if (!v)
		return PONTO_ENOMEM;
	v->ids = ponto_new(alloc, (size_t)cache->index.segments + 1, sizeof(*v->ids));
	if (!v->ids) {
		ponto_free(alloc, v);
		return PONTO_ENOMEM;
	}
	for (struct dist_link *link = cache->index.ages.first; link; link = link->after)
		v->ids[v->count++] = dist_by_age(link)->id;
	v->total = cache->index.bytes;
	v->progress = progress;
	v->done = done;
	v->arg = arg;
	cache->verify = v;
	check_next(cache);
	dist_lane_advance(cache);
	return PONTO_OK;
}

void dist_care_abandon(struct dist_cache *cache)
{
	for (size_t i = 0; i < cache->index.bucket_count; i++) {
		for (struct dist_entry *e = cache->index.buckets[i]; e; e = e->next)
			e->lane.clear = NULL;
	}
	while (cache->clears) {
		if (cache->clears->result == PONTO_OK)
			cache->clears->result = PONTO_ECLOSED;
		end_clear(cache, cache->clears);
	}
	if (cache->verify)
		end_verify(cache, PONTO_ECLOSED);
}
