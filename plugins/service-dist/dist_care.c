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

void dist_care_removed(struct dist_cache *cache, uint32_t number, int result)
{
	struct dist_clear *clear = cache->clears;

	while (clear && clear->number != number)
		clear = clear->next;
	if (!clear)
		return;
	if (result == PONTO_OK)
		clear->segments++;
	else if (clear->result == PONTO_OK)
		clear->result = result;
	if (--clear->pending == 0)
		end_clear(cache, clear);
}

int dist_cache_clear(struct dist_cache *cache, const struct content_id *id, const uint8_t *tag,
		     dist_cache_cleared_fn *done, void *arg)
{
	struct dist_entry *entry, *after;
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
	clear->number = ++cache->clear_number ? cache->clear_number : ++cache->clear_number;
	entry = id ? dist_index_find(&cache->index, id) : dist_index_first(&cache->index, DIST_BY_USE);
	for (; entry; entry = id ? NULL : after) {
		after = dist_index_after(&cache->index, DIST_BY_USE, entry);
		if (!entry->listed || (tag && memcmp(dist_entry_tag(&cache->index, entry), tag, DIST_TAG) != 0))
			continue;
		clear->pending++;
		dist_lane_retire(cache, entry, clear->number);
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
	ponto_free(cache->config.alloc, v);
}

/* The next one, in the order in which they came. */
static void check_next(struct dist_cache *cache)
{
	struct dist_entry *entry = cache->index.cursor[DIST_CURSOR_VERIFY];
	struct dist_verify *v = cache->verify;

	if (!entry || v->left-- == 0) {
		end_verify(cache, v->result);
		return;
	}
	cache->index.cursor[DIST_CURSOR_VERIFY] = dist_index_after(&cache->index, DIST_BY_AGE, entry);
	entry->check = entry->verify = true;
	dist_lane_wait(cache, entry);
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
	v->left = cache->index.segments;
	cache->index.cursor[DIST_CURSOR_VERIFY] = dist_index_first(&cache->index, DIST_BY_AGE);
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
	while (cache->clears) {
		if (cache->clears->result == PONTO_OK)
			cache->clears->result = PONTO_ECLOSED;
		end_clear(cache, cache->clears);
	}
	if (cache->verify)
		end_verify(cache, PONTO_ECLOSED);
}
