#include "plugins/service-dist/dist_cache.h"

#include <string.h>

#include "plugins/service-dist/dist_cache_private.h"

#define TOPIC "service.dist.cache"
#define TICK (10 * PONTO_SECOND)
#define PAUSE (30 * PONTO_SECOND)	 /* before a full store is tried again */
#define WARN_AGAIN (600 * PONTO_SECOND)	 /* that it is still full */
#define TOUCH_AFTER (600 * 1000u) /* milliseconds: times of use are written when they are so much out of date */
#define META_TIME (10 * PONTO_SECOND)	 /* that reading a segment's head may take */
#define TOUCH_AT_CLOSE 256		 /* at most, of the last used: closing must not take long */

struct read_job {
	struct dist_cache *cache;
	struct dist_read read;
	uint8_t *value;		    /* of block, when it was read from the store, */
	struct dist_hot_block *hot; /* or held in memory */
	dist_cache_work_fn *work;
	dist_cache_hashes_fn *hashes; /* instead of work */
	dist_cache_done_fn *done;
	void *arg;
	bool copy; /* nobody uses it here */
	bool bare; /* of meta only what the index has: the rest is read first */
	int got;   /* by the store */
	int result;
};

uint64_t dist_cache_wall(const struct dist_cache *cache)
{
	return ponto_wall(cache->config.clock);
}

/* ---- metrics and errors ------------------------------------------------------------------ */

static void make_metrics(struct dist_cache *cache)
{
	struct dist_cache_metrics *m = &cache->metrics;
	struct ponto_metrics *all = cache->config.metrics;
	const char *name = cache->config.instance;

	if (!all)
		return;
	m->segments = ponto_gauge(all, "dist_cache_segments", name, "segments of which something is cached");
	m->blocks = ponto_gauge(all, "dist_cache_blocks", name, "blocks in the cache");
	m->bytes = ponto_gauge(all, "dist_cache_bytes", name, "bytes of these blocks");
	m->stored = ponto_counter(all, "dist_cache_stored_total", name, "blocks put into the cache");
	m->read = ponto_counter(all, "dist_cache_read_total", name, "blocks read from the cache");
	m->hot = ponto_counter(all, "dist_cache_hot_total", name, "blocks of these that were in memory");
	m->missed = ponto_counter(all, "dist_cache_missed_total", name, "blocks asked for that were not in the cache");
	m->hit_bytes = ponto_counter(all, "dist_cache_read_bytes_total", name, "bytes of the blocks read");
	m->evicted = ponto_counter(all, "dist_cache_evicted_total", name, "segments removed to make room");
	m->expired = ponto_counter(all, "dist_cache_expired_total", name, "segments removed for their age");
	m->damaged = ponto_counter(all, "dist_cache_damaged_total", name, "damaged records found and removed");
	m->refused = ponto_counter(all, "dist_cache_refused_total", name, "blocks not kept for want of space");
	m->errors = ponto_counter(all, "dist_cache_errors_total", name, "other calls of the store that failed");
}

void dist_cache_show(const struct dist_cache *cache)
{
	ponto_gauge_set(cache->metrics.segments, (int64_t)cache->index.segments);
	ponto_gauge_set(cache->metrics.blocks, (int64_t)cache->index.blocks);
	ponto_gauge_set(cache->metrics.bytes, (int64_t)cache->index.bytes);
}

static void note_full(struct dist_cache *cache)
{
	uint64_t now = ponto_mono(cache->config.clock);

	cache->stats.paused = true;
	cache->paused_until = now + PAUSE;
	if (cache->warned && now < cache->warned + WARN_AGAIN)
		return;
	cache->warned = now ? now : 1;
	ponto_warning(cache->config.log, TOPIC, "the store has no space: nothing more is cached until it has");
}

void dist_cache_failed(struct dist_cache *cache, int result)
{
	switch (result) {
	case PONTO_ENOSPC:
		note_full(cache);
		break;
	case PONTO_EINVAL:
	case PONTO_EEXIST:
	case PONTO_ECLOSED:
	case PONTO_ENOENT:
		break; /* of what was asked for */
	default:
		cache->stats.errors++;
		ponto_counter_add(cache->metrics.errors, 1);
		ponto_debug(cache->config.log, TOPIC, "the store failed: %s", ponto_strerror(result));
	}
}

/* ---- time ------------------------------------------------------------------------------------- */

void dist_cache_arm(struct dist_cache *cache)
{
	uint64_t due = ponto_mono(cache->config.clock) + (cache->waiting ? DIST_CACHE_RETRY : TICK);

	if (cache->closing || due >= cache->armed_for ||
	    (cache->index.segments == 0 && !cache->waiting && !dist_count_is_due(cache)))
		return;
	cache->armed_for = due;
	ponto_timer_set(cache->config.loop, cache->timer, due);
}

uint64_t dist_cache_limit(const struct dist_cache *cache)
{
	uint64_t most = cache->config.max_bytes;

	return cache->share && (!most || cache->share < most) ? cache->share : most;
}

void dist_cache_trim(struct dist_cache *cache)
{
	const struct dist_cache_config *config = &cache->config;
	uint64_t now = dist_cache_wall(cache), limit = dist_cache_limit(cache);
	struct dist_entry *entry;

	if (cache->closing || !cache->ready)
		return;
	while (config->max_age && (entry = dist_index_first(&cache->index, DIST_BY_AGE)) &&
	       dist_entry_time(entry, DIST_BY_AGE) <= now &&
	       now - dist_entry_time(entry, DIST_BY_AGE) >= config->max_age) {
		cache->stats.expired++;
		ponto_counter_add(cache->metrics.expired, 1);
		dist_lane_retire(cache, entry, 0);
	}
	while (limit && cache->index.cost > limit) {
		cache->stats.evicted++;
		ponto_counter_add(cache->metrics.evicted, 1);
		dist_lane_retire(cache, dist_index_first(&cache->index, DIST_BY_USE), 0);
	}
	dist_cache_show(cache);
}

/* Of what was used since the last look, whatever the store has an old time of. */
static void touch(struct dist_cache *cache, uint32_t out_of_date, size_t most)
{
	struct dist_entry *entry = dist_index_last(&cache->index, DIST_BY_USE);

	for (; entry && dist_entry_time(entry, DIST_BY_USE) >= cache->touched && most > 0;
	     entry = dist_index_before(&cache->index, DIST_BY_USE, entry)) {
		if (entry->ahead < out_of_date)
			continue;
		entry->touch = true;
		dist_lane_wait(cache, entry);
		most--;
	}
	cache->touched = dist_cache_wall(cache);
}

static void on_timer(void *arg)
{
	struct dist_cache *cache = arg;

	cache->armed_for = PONTO_NEVER;
	dist_cache_trim(cache);
	if (cache->ready)
		touch(cache, TOUCH_AFTER, SIZE_MAX);
	dist_count_tick(cache);
	dist_lane_advance(cache);
}

/* ---- opening and closing -------------------------------------------------------------------------- */

void dist_cache_finish(struct dist_cache *cache)
{
	void (*closed)(void *arg) = cache->on_closed;
	void *arg = cache->closed_arg;

	ponto_timer_destroy(cache->config.loop, cache->timer);
	dist_scrub_end(cache);
	dist_count_end(cache);
	dist_learn_end(cache);
	dist_index_clear(&cache->index);
	dist_slab_clear(&cache->lanes);
	ponto_pool_destroy(cache->pool);
	ponto_free(cache->config.alloc, cache->config.instance);
	ponto_free(cache->config.alloc, cache);
	if (closed)
		closed(arg);
}

void dist_cache_job_done(struct dist_cache *cache)
{
	cache->jobs--;
	dist_cache_show(cache);
	if (cache->closing && cache->jobs == 0)
		dist_cache_finish(cache);
}

int dist_cache_open(const struct dist_cache_config *config, dist_cache_done_fn *ready, void *arg,
		    struct dist_cache **out)
{
	const struct ponto_alloc *alloc = config->alloc;
	struct dist_cache *cache = ponto_new(alloc, 1, sizeof(*cache));
	uint8_t key[16];
	int result;

	if (!cache)
		return PONTO_ENOMEM;
	cache->config = *config;
	cache->config.reads = config->reads ? config->reads : DIST_CACHE_READS;
	cache->config.writes = config->writes ? config->writes : DIST_CACHE_WRITES;
	cache->shelf = (struct dist_shelf){alloc, config->clock, config->store};
	cache->armed_for = PONTO_NEVER;
	dist_slab_init(&cache->lanes, alloc, sizeof(struct dist_lane));
	cache->on_ready = ready;
	cache->ready_arg = arg;
	config->random->fill(config->random->ctx, key, sizeof(key));
	cache->config.instance = ponto_strdup(alloc, config->instance);
	result = cache->config.instance ? dist_index_init(&cache->index, alloc, key, config->max_hot) : PONTO_ENOMEM;
	if (result != PONTO_OK) {
		ponto_free(alloc, cache->config.instance);
		ponto_free(alloc, cache);
		return result;
	}
	make_metrics(cache);
	dist_depth_init(&cache->depth);
	result = ponto_pool_create(alloc, config->instance, DIST_DEPTH_MAX, DIST_DEPTH_MAX, &cache->pool);
	if (result == PONTO_OK)
		result = ponto_timer_create(config->loop, on_timer, cache, &cache->timer);
	dist_count_begin(cache);
	if (result == PONTO_OK)
		result = dist_scrub_begin(cache);
	if (result == PONTO_OK)
		result = dist_load_begin(cache);
	if (result != PONTO_OK) {
		dist_cache_finish(cache);
		return result;
	}
	*out = cache;
	return PONTO_OK;
}

void dist_cache_close(struct dist_cache *cache, void (*done)(void *arg), void *arg)
{
	if (!cache)
		return;
	cache->closing = true;
	cache->stop = true;
	cache->on_closed = done;
	cache->closed_arg = arg;
	cache->jobs++; /* this call, whatever its callbacks do */
	ponto_timer_set(cache->config.loop, cache->timer, PONTO_NEVER);
	dist_care_abandon(cache);
	dist_learn_abandon(cache);
	dist_lane_abandon(cache);
	cache->touched = 0;
	if (cache->ready)
		touch(cache, 1, TOUCH_AT_CLOSE);
	dist_count_tick(cache);
	dist_lane_advance(cache);
	dist_cache_job_done(cache);
}

/* ---- what is held ----------------------------------------------------------------------------------- */

static void tell(const struct dist_index *index, const struct dist_entry *entry, struct dist_known *out)
{
	*out = (struct dist_known){
		.algo = dist_entry_algo(entry),
		.keyed = entry->keyed,
		.whole = dist_entry_whole(index, entry),
		.size = entry->size,
		.hashes = dist_entry_hashes(index, entry),
		.blocks = *dist_entry_blocks(index, entry),
		.bytes = dist_entry_bytes(index, entry),
		.created = dist_entry_time(entry, DIST_BY_AGE),
		.used = dist_entry_time(entry, DIST_BY_USE),
		.replies = entry->replies,
		.full = entry->full,
	};
	dist_entry_id(index, entry, &out->id);
	memcpy(out->tag, dist_entry_tag(index, entry), DIST_TAG);
}

static struct dist_entry *held(const struct dist_cache *cache, const struct content_id *id)
{
	struct dist_entry *entry = dist_index_find(&cache->index, id);

	return entry && entry->listed ? entry : NULL;
}

bool dist_cache_find(const struct dist_cache *cache, const struct content_id *id, struct dist_known *out)
{
	const struct dist_entry *entry = held(cache, id);

	if (entry)
		tell(&cache->index, entry, out);
	return entry;
}

bool dist_cache_glance(const struct dist_cache *cache, const struct content_id *id, struct content_hosted_known *out)
{
	const struct dist_entry *entry = held(cache, id);

	if (!entry)
		return false;
	out->keyed = entry->keyed;
	out->algo = dist_entry_algo(entry);
	out->size = entry->size;
	out->hashes = dist_entry_hashes(&cache->index, entry);
	out->blocks = *dist_entry_blocks(&cache->index, entry);
	return true;
}

uint64_t dist_cache_age(const struct dist_cache *cache, const struct dist_known *known)
{
	uint64_t now = dist_cache_wall(cache);

	return now > known->created ? now - known->created : 0;
}

int dist_cache_sought(struct dist_cache *cache, const struct content_id *id, uint32_t replies, uint32_t full)
{
	struct dist_entry *entry = held(cache, id);

	if (!entry)
		return PONTO_ENOENT;
	entry->replies = (uint8_t)(replies < UINT8_MAX ? replies : UINT8_MAX);
	entry->full = (uint8_t)(full < UINT8_MAX ? full : UINT8_MAX);
	return PONTO_OK;
}

void dist_cache_each(const struct dist_cache *cache, bool (*fn)(void *arg, const struct dist_known *known), void *arg)
{
	const struct dist_entry *entry = dist_index_last(&cache->index, DIST_BY_USE);
	struct dist_known known;

	if (!cache->ready)
		return;
	for (; entry; entry = dist_index_before(&cache->index, DIST_BY_USE, entry)) {
		tell(&cache->index, entry, &known);
		if (!fn(arg, &known))
			return;
	}
}

bool dist_cache_is_ready(const struct dist_cache *cache)
{
	return cache->ready;
}

void dist_cache_stats(const struct dist_cache *cache, struct dist_cache_stats *out)
{
	*out = cache->stats;
	out->limit = dist_cache_limit(cache);
	out->share = cache->share;
	out->segments = cache->index.segments;
	out->blocks = cache->index.blocks;
	out->bytes = cache->index.bytes;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

/* Who has changed it meanwhile may have left something else. */
static int complete_meta(struct read_job *job, const struct dist_shelf *shelf)
{
	struct dist_meta *meta = &job->read.meta, found;
	int result = dist_shelf_known(shelf, &job->read.id, ponto_mono(shelf->clock) + META_TIME, &found);

	if (result != PONTO_OK)
		return result;
	if (found.algo != meta->algo || found.size != meta->size || !found.keyed)
		return PONTO_ENOENT;
	*meta = found;
	return PONTO_OK;
}

static int read_hashes(struct read_job *job, const struct dist_shelf *shelf)
{
	struct dist_read *read = &job->read;
	struct ponto_bytes hashes;

	job->got = dist_shelf_hashes(shelf, &read->id, read->meta.algo, &job->value, &hashes);
	return job->got == PONTO_OK ? job->hashes(job->arg, &read->meta, hashes) : job->got;
}

static int read_block(struct read_job *job, const struct dist_shelf *shelf)
{
	struct dist_read *read = &job->read;

	if (!job->hot)
		job->got = dist_shelf_read(shelf, &read->id, &read->meta, read->index, &job->value, &read->block);
	return job->got == PONTO_OK ? job->work(job->arg, read) : job->got;
}

static void read_run(void *arg)
{
	struct read_job *job = arg;
	const struct dist_shelf *shelf = &job->cache->shelf;

	job->got = job->bare ? complete_meta(job, shelf) : PONTO_OK;
	if (job->got != PONTO_OK)
		job->result = job->got;
	else
		job->result = job->hashes ? read_hashes(job, shelf) : read_block(job, shelf);
}

/* A block that is not there, or not right, is told to nobody any more; what the store holds is looked at. */
static void distrust(struct dist_cache *cache, struct dist_entry *entry, const struct read_job *job)
{
	if (!job->hashes)
		dist_index_drop(&cache->index, entry, job->read.index);
	entry->check = true;
	dist_lane_wait(cache, entry);
}

/* What was read may be wanted again soon. */
static void put_away(struct dist_cache *cache, struct dist_entry *entry, const struct read_job *job)
{
	const struct dist_read *read = &job->read;

	if (job->hot)
		dist_hot_release(&cache->index.hot, job->hot);
	else if (entry && entry->keyed && read->meta.keyed && job->got == PONTO_OK && !job->hashes && !job->copy)
		dist_hot_keep(&cache->index.hot, &read->id, &read->meta, read->index, job->value, &read->block);
	else
		ponto_free(cache->config.alloc, job->value);
}

static void count_read(struct dist_cache *cache, struct dist_entry *entry, bool hot, size_t bytes)
{
	cache->stats.read++;
	cache->stats.hot += hot;
	ponto_counter_add(cache->metrics.read, 1);
	ponto_counter_add(cache->metrics.hot, hot);
	dist_count_hit(cache, entry, bytes);
	if (entry)
		dist_index_use(&cache->index, entry, dist_cache_wall(cache));
}

static void read_done(void *arg)
{
	struct read_job *job = arg;
	struct dist_cache *cache = job->cache;
	struct dist_entry *entry = held(cache, &job->read.id);

	cache->reads--;
	if (job->got == PONTO_OK) {
		if (!job->copy)
			count_read(cache, entry, job->hot != NULL, job->read.block.data.len);
	} else {
		dist_cache_failed(cache, job->got == PONTO_ECORRUPT ? PONTO_ENOENT : job->got);
		if (entry && !cache->closing && (job->got == PONTO_ENOENT || job->got == PONTO_ECORRUPT))
			distrust(cache, entry, job);
	}
	put_away(cache, entry, job);
	job->done(job->arg, job->result);
	ponto_wipe(job, sizeof(*job));
	ponto_free(cache->config.alloc, job);
	dist_lane_advance(cache);
	dist_cache_job_done(cache);
}

static int submit_read(struct dist_cache *cache, struct dist_entry *entry, const struct read_job *what)
{
	struct read_job *job = ponto_new(cache->config.alloc, 1, sizeof(*job));
	int result;

	if (!job)
		return PONTO_ENOMEM;
	*job = *what;
	job->cache = cache;
	dist_entry_id(&cache->index, entry, &job->read.id);
	job->bare = !dist_entry_meta(&cache->index, entry, &job->read.meta);
	job->hot = job->hashes ? NULL : dist_hot_hold(&cache->index.hot, &job->read.id, job->read.index);
	if (job->hot) {
		job->read.block = job->hot->block;
		memcpy(job->read.meta.hod, job->hot->hod, CONTENT_HASH_MAX);
		memcpy(job->read.meta.kp, job->hot->kp, CONTENT_HASH_MAX);
		job->bare = false;
	}
	result = ponto_pool_submit(cache->config.store.pool, cache->config.loop, read_run, read_done, job);
	if (result != PONTO_OK) {
		if (job->hot)
			dist_hot_release(&cache->index.hot, job->hot);
		ponto_free(cache->config.alloc, job);
		return result;
	}
	cache->jobs++;
	cache->reads++;
	return PONTO_OK;
}

struct dist_hot_block *dist_cache_hold(struct dist_cache *cache, const struct content_id *id, uint32_t index,
				       uint8_t kp[CONTENT_HASH_MAX])
{
	struct dist_entry *entry = cache->closing ? NULL : held(cache, id);
	struct dist_hot_block *block = entry ? dist_hot_hold(&cache->index.hot, id, index) : NULL;

	if (!block)
		return NULL;
	memcpy(kp, block->kp, CONTENT_HASH_MAX);
	count_read(cache, entry, true, block->block.data.len);
	return block;
}

void dist_cache_reveal(struct dist_cache *cache, struct dist_hot_block *block, uint32_t next)
{
	dist_hot_show(&cache->index.hot, block, next);
}

struct dist_hot_block *dist_cache_lend(struct dist_cache *cache, const struct content_id *id, uint32_t index)
{
	return dist_hot_find(&cache->index.hot, id, index);
}

void dist_cache_lent(struct dist_cache *cache, const struct content_id *id, uint64_t bytes)
{
	count_read(cache, held(cache, id), true, bytes);
}

void dist_cache_release(struct dist_cache *cache, struct dist_hot_block *block)
{
	dist_hot_release(&cache->index.hot, block);
}

bool dist_cache_answer(struct dist_cache *cache, struct dist_hot_block *block, struct ponto_bytes answer,
		       const uint8_t *data, uint32_t next)
{
	return dist_hot_answer(&cache->index.hot, block, answer, data, next);
}

static int begin_read(struct dist_cache *cache, const struct content_id *id, const struct read_job *job)
{
	struct dist_entry *entry = held(cache, id);

	if (cache->closing)
		return PONTO_ECLOSED;
	if (!entry || (job->hashes ? dist_entry_hashes(&cache->index, entry) == 0
				   : !content_blocks_has(dist_entry_blocks(&cache->index, entry), job->read.index)))
		return PONTO_ENOENT;
	return cache->reads < cache->config.reads ? submit_read(cache, entry, job) : PONTO_EBUSY;
}

int dist_cache_get(struct dist_cache *cache, const struct content_id *id, uint32_t index, dist_cache_work_fn *work,
		   dist_cache_done_fn *done, void *arg)
{
	struct read_job job = {.read.index = index, .work = work, .done = done, .arg = arg};

	return begin_read(cache, id, &job);
}

int dist_cache_copy(struct dist_cache *cache, const struct content_id *id, uint32_t index, dist_cache_work_fn *work,
		    dist_cache_done_fn *done, void *arg)
{
	struct read_job job = {.read.index = index, .work = work, .done = done, .arg = arg, .copy = true};

	return begin_read(cache, id, &job);
}

int dist_cache_hashes(struct dist_cache *cache, const struct content_id *id, dist_cache_hashes_fn *work,
		      dist_cache_done_fn *done, void *arg)
{
	struct read_job job = {.hashes = work, .done = done, .arg = arg, .copy = true};

	return begin_read(cache, id, &job);
}
