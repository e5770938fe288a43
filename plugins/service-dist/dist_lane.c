/* Changes of segments in the store: one job at a time for a segment, so that they do not get in each other's way;
 * blocks that come meanwhile go together in the next. Of those that nobody waits for one is at work at a time, of the others
 * as many as the store takes with profit, on workers of the cache's own: a store that holds writes back must not hold the
 * workers of its pool, for reads need them. */
#include <assert.h>
#include <string.h>

#include "plugins/service-dist/dist_cache_private.h"

#define BACKGROUND_MAX 1u

struct lane_job {
	struct dist_cache *cache;
	struct dist_entry *entry; /* stays as long as its lane is busy */
	struct content_id id;
	bool remove, verify, scrub, background;
	uint64_t reads; /* bytes, for the scrub */
	uint64_t took;	/* microseconds */
	uint32_t blocks; /* that it can have, when it is removed */
	struct dist_segment segment;
	struct dist_change change;
	struct dist_changed changed;
	struct dist_put *puts;
	int result;
};

static void next(struct dist_cache *cache, struct dist_entry *entry);

/* ---- what waits to be put ---------------------------------------------------------------- */

/* NULL: nothing does. */
static struct dist_lane *lane_of(const struct dist_cache *cache, const struct dist_entry *entry)
{
	return (struct dist_lane *)dist_slab_at(&cache->lanes, entry->lane);
}

static void drop_lane(struct dist_cache *cache, struct dist_entry *entry)
{
	if (!entry->lane || entry->queued || lane_of(cache, entry)->puts)
		return;
	dist_slab_give(&cache->lanes, entry->lane);
	entry->lane = 0;
}

static bool has_puts(const struct dist_cache *cache, const struct dist_entry *entry)
{
	return entry->lane && lane_of(cache, entry)->puts;
}

/* All of an entry. */
static struct dist_put *take_all(struct dist_cache *cache, struct dist_entry *entry)
{
	struct dist_put *puts = lane_of(cache, entry)->puts;

	lane_of(cache, entry)->puts = NULL;
	drop_lane(cache, entry);
	return puts;
}

static void free_put(struct dist_cache *cache, struct dist_put *put)
{
	ponto_wipe(put->segment.kp, sizeof(put->segment.kp));
	ponto_free(cache->config.alloc, put->list);
	ponto_free(cache->config.alloc, put);
}

/* Tells all of a list; cache stays, whatever they do. */
static void end_puts(struct dist_cache *cache, struct dist_put *puts, int result)
{
	while (puts) {
		struct dist_put *put = puts;

		puts = put->next;
		cache->puts--;
		put->done(put->arg, result);
		free_put(cache, put);
	}
}

/* ---- jobs ---------------------------------------------------------------------------------- */

static void lane_run(void *arg)
{
	struct lane_job *job = arg;
	const struct dist_shelf *shelf = &job->cache->shelf;
	uint64_t began = ponto_mono(shelf->clock);

	job->result = job->remove ? dist_shelf_remove(shelf, &job->id, job->blocks)
				  : dist_shelf_change(shelf, &job->id, &job->change, &job->changed);
	job->took = ponto_mono(shelf->clock) - began;
}

static void removed(struct lane_job *job)
{
	struct dist_cache *cache = job->cache;
	struct dist_entry *entry = job->entry;
	uint32_t clear = entry->ahead;
	bool verify = entry->verify, scrub = entry->scrub;

	entry->ahead = 0;
	entry->remove = job->result != PONTO_OK && !cache->closing;
	entry->check = entry->touch = entry->verify = entry->scrub = false;
	if (job->result != PONTO_OK) {
		dist_cache_failed(cache, job->result);
		cache->rest_until = ponto_mono(cache->config.clock) + DIST_CACHE_RETRY;
	}
	if (scrub)
		dist_scrub_checked(cache, entry, 0, 0);
	next(cache, entry);
	dist_care_removed(cache, clear, job->result);
	if (verify)
		dist_care_checked(cache, 0, PONTO_OK, 0);
}

/* What the store holds was not understood for want of memory. */
static void again(struct dist_cache *cache, struct dist_entry *entry)
{
	entry->touch = true;
	cache->rest_until = ponto_mono(cache->config.clock) + DIST_CACHE_RETRY;
}

static void changed(struct lane_job *job)
{
	struct dist_cache *cache = job->cache;
	struct dist_entry *entry = job->entry;
	uint64_t bytes = 0;

	if (job->result == PONTO_OK) {
		cache->stats.stored += job->change.count;
		cache->stats.damaged += job->changed.damaged;
		ponto_counter_add(cache->metrics.stored, job->change.count);
		ponto_counter_add(cache->metrics.damaged, job->changed.damaged);
		if (job->changed.damaged && !job->scrub) /* which says so itself, once for all */
			ponto_warning(cache->config.log, "service.dist.cache",
				      "%u records of a segment were damaged and are removed", job->changed.damaged);
		if (!job->changed.present)
			dist_index_unlist(&cache->index, entry);
		else if (!entry->remove && dist_index_set(&cache->index, entry, &job->changed.meta) != PONTO_OK)
			again(cache, entry);
		bytes = dist_entry_bytes(&cache->index, entry);
	} else {
		if (job->result == PONTO_ENOSPC) {
			cache->stats.refused += job->change.count;
			ponto_counter_add(cache->metrics.refused, job->change.count);
		}
		dist_cache_failed(cache, job->result);
	}
	if (job->result == PONTO_OK && job->change.count > 0 && cache->stats.paused) {
		cache->stats.paused = false;
		ponto_info(cache->config.log, "service.dist.cache", "there is space again: blocks are kept");
	}
	if (job->scrub)
		dist_scrub_checked(cache, entry, job->reads, job->result == PONTO_OK ? job->changed.damaged : 0);
	next(cache, entry);
	end_puts(cache, job->puts, job->result);
	if (job->verify)
		dist_care_checked(cache, bytes, job->result, job->result == PONTO_OK ? job->changed.damaged : 0);
}

static void lane_done(void *arg)
{
	struct lane_job *job = arg;
	struct dist_cache *cache = job->cache;

	job->entry->busy = false;
	if (cache->closing)
		job->entry->remove = job->entry->check = job->entry->verify = job->entry->scrub = false;
	cache->background -= job->background;
	cache->writes -= !job->background;
	if (!job->background)
		dist_depth_took(&cache->depth, job->took, cache->writers != 0);
	if (job->remove)
		removed(job);
	else
		changed(job);
	ponto_wipe(job, sizeof(*job));
	ponto_free(cache->config.alloc, job);
	dist_cache_trim(cache);
	dist_lane_advance(cache);
	dist_cache_job_done(cache);
}

/* Puts that can go together: of one kind, as many as a change takes. */
static void take_puts(struct lane_job *job, struct dist_lane *lane)
{
	const struct dist_segment *first = &lane->puts->segment;
	struct dist_put *put, *last = NULL;

	job->puts = lane->puts;
	job->segment = *first;
	job->change.segment = &job->segment;
	for (put = lane->puts; put && job->change.count < DIST_PIECES_MAX; put = put->next) {
		const struct dist_segment *s = &put->segment;

		if (s->algo != first->algo || s->size != first->size || s->keyed != first->keyed ||
		    s->replace != first->replace)
			break;
		if (s->block_hashes.len > job->segment.block_hashes.len)
			job->segment.block_hashes = s->block_hashes;
		job->change.pieces[job->change.count++] = &put->piece;
		last = put;
	}
	assert(last);
	lane->puts = put;
	if (!put)
		lane->last_put = NULL;
	last->next = NULL;
}

/* What is read of it, and what is written of its use: not for the scrub's sake. */
static void choose_checks(struct lane_job *job, const struct dist_cache *cache, const struct dist_entry *entry)
{
	bool puts = has_puts(cache, entry);
	struct dist_change *change = &job->change;

	if (entry->check) {
		content_blocks_add(&change->check, 0, CONTENT_BLOCKS_MAX);
		change->check_list = true;
	}
	job->verify = entry->verify;
	job->scrub = entry->scrub && !puts;
	if (job->scrub && !entry->check) {
		dist_scrub_blocks(cache, &change->check);
		change->check_list = content_blocks_has(&change->check, 0);
	}
	if (job->scrub && entry->listed) {
		struct content_blocks read = change->check;

		content_blocks_keep(&read, dist_entry_blocks(&cache->index, entry));
		job->reads = dist_entry_bytes_of(entry, &read);
	}
	if (entry->listed && (entry->check || entry->touch || puts))
		change->used = dist_entry_time(entry, DIST_BY_USE);
}

static void give_back(struct dist_lane *lane, struct dist_put *puts)
{
	struct dist_put *last = puts;

	while (last->next)
		last = last->next;
	last->next = lane->puts;
	lane->last_put = lane->puts ? lane->last_put : last;
	lane->puts = puts;
}

/* Begins what is next for a segment. Refused: nothing was taken. */
static int begin(struct dist_cache *cache, struct dist_entry *entry, bool background)
{
	struct lane_job *job = ponto_new(cache->config.alloc, 1, sizeof(*job));
	int result;

	if (!job)
		return PONTO_ENOMEM;
	job->cache = cache;
	job->entry = entry;
	dist_entry_id(&cache->index, entry, &job->id);
	job->remove = entry->remove;
	job->blocks = entry->remove ? content_segment_blocks(dist_entry_algo(entry), entry->size) : 0;
	job->background = background;
	job->change.now = dist_cache_wall(cache);
	job->change.stop = &cache->stop;
	if (!job->remove) {
		choose_checks(job, cache, entry);
		if (has_puts(cache, entry)) {
			take_puts(job, lane_of(cache, entry));
			job->change.used = job->change.now;
		}
	}
	result = ponto_pool_submit(background ? cache->config.store.pool : cache->pool, cache->config.loop, lane_run,
				   lane_done, job);
	if (result != PONTO_OK) {
		if (job->puts)
			give_back(lane_of(cache, entry), job->puts);
		ponto_free(cache->config.alloc, job);
		return result;
	}
	if (!job->remove)
		entry->check = entry->touch = entry->verify = false;
	if (job->scrub)
		entry->scrub = false;
	entry->busy = true;
	drop_lane(cache, entry);
	cache->jobs++;
	cache->background += background;
	cache->writes += !background;
	return PONTO_OK;
}

/* ---- who waits --------------------------------------------------------------------------------- */

void dist_lane_wait(struct dist_cache *cache, struct dist_entry *entry)
{
	if (entry->waits || entry->busy)
		return;
	entry->waits = true;
	entry->next_waiting = 0;
	*(cache->waiting ? &dist_index_at(&cache->index, cache->last_waiting)->next_waiting : &cache->waiting) =
		entry->self;
	cache->last_waiting = entry->self;
}

/* What somebody waits for, in the order in which it came. */
static void queue_writer(struct dist_cache *cache, struct dist_entry *entry)
{
	const struct dist_entry *last = dist_index_at(&cache->index, cache->last_writer);

	if (entry->queued || entry->busy)
		return;
	entry->queued = true;
	lane_of(cache, entry)->next_writer = 0;
	*(cache->writers ? &lane_of(cache, last)->next_writer : &cache->writers) = entry->self;
	cache->last_writer = entry->self;
}

static void advance_writers(struct dist_cache *cache)
{
	while (cache->writers && cache->writes < cache->depth.now) {
		struct dist_entry *entry = dist_index_at(&cache->index, cache->writers);
		struct dist_put *refused = NULL;
		int result = PONTO_OK;

		cache->writers = lane_of(cache, entry)->next_writer;
		entry->queued = false;
		if (has_puts(cache, entry) && !entry->busy && !entry->remove)
			result = begin(cache, entry, false);
		if (result != PONTO_OK)
			refused = take_all(cache, entry);
		drop_lane(cache, entry);
		next(cache, entry);
		end_puts(cache, refused, result);
	}
}

static bool has_work(const struct dist_entry *entry)
{
	return entry->remove || entry->check || entry->touch || entry->scrub;
}

void dist_lane_advance(struct dist_cache *cache)
{
	bool rest = !cache->closing && ponto_mono(cache->config.clock) < cache->rest_until;

	advance_writers(cache);
	while (cache->waiting && cache->background < BACKGROUND_MAX && !rest) {
		struct dist_entry *entry = dist_index_at(&cache->index, cache->waiting);

		/* A block that came meanwhile took its other work along. */
		if (!entry->busy && has_work(entry) && begin(cache, entry, true) != PONTO_OK)
			break;
		cache->waiting = entry->next_waiting;
		entry->waits = false;
		if (!entry->busy)
			next(cache, entry);
	}
	dist_cache_arm(cache);
}

/* After a job, or after nothing was to be done. */
static void next(struct dist_cache *cache, struct dist_entry *entry)
{
	if (entry->busy)
		return;
	if (has_puts(cache, entry) && !entry->remove)
		queue_writer(cache, entry);
	else if (has_work(entry))
		dist_lane_wait(cache, entry);
	else if (!entry->listed && !entry->waits && !entry->queued)
		dist_index_remove(&cache->index, entry);
}

void dist_lane_retire(struct dist_cache *cache, struct dist_entry *entry, uint32_t clear)
{
	dist_index_unlist(&cache->index, entry);
	entry->remove = true;
	entry->ahead = clear;
	dist_lane_wait(cache, entry);
}

void dist_lane_abandon(struct dist_cache *cache)
{
	struct dist_put *puts = NULL;
	struct dist_entry *entry;

	cache->writers = 0;
	for (uint32_t number = cache->waiting; number; number = entry->next_waiting) {
		entry = dist_index_at(&cache->index, number);
		entry->remove = entry->check = entry->touch = entry->verify = entry->scrub = false;
	}
	for (uint32_t i = 1; i <= cache->lanes.made; i++) {
		struct dist_lane *lane = dist_slab_at(&cache->lanes, i);

		if (!lane->entry)
			continue;
		entry = dist_index_at(&cache->index, lane->entry);
		if (lane->puts) {
			lane->last_put->next = puts;
			puts = lane->puts;
			lane->puts = NULL;
		}
		entry->queued = false;
		drop_lane(cache, entry);
	}
	end_puts(cache, puts, PONTO_ECLOSED);
}

/* ---- putting ------------------------------------------------------------------------------------- */

/* Whether the segment is possible, its ID made of its keys, and the block one of it; the block's hash comes out. */
static int examine(const struct dist_segment *segment, struct dist_piece *piece)
{
	struct dist_meta meta = {.algo = segment->algo, .size = segment->size, .keyed = segment->keyed};
	struct content_segment described = {.size = segment->size, .block_hashes = segment->block_hashes};
	struct content_id id;
	struct ponto_bytes hash;
	size_t each;

	content_blocks_add(&meta.blocks, 0, 1);
	if (!dist_meta_valid(&meta) || piece->crypto > CONTENT_AES_256 || segment->id.len == 0 ||
	    segment->id.len > CONTENT_ID_MAX ||
	    !content_block_fits(segment->algo, segment->size, piece->index, piece->crypto, piece->data.len))
		return PONTO_EINVAL;
	if (!segment->keyed)
		return PONTO_OK;
	each = content_hash_size(segment->algo);
	content_segment_id(segment->algo, segment->kp, segment->hod, &id);
	memcpy(described.hod, segment->hod, CONTENT_HASH_MAX);
	if (piece->crypto != CONTENT_PLAIN || !content_id_equal(&id, &segment->id) ||
	    segment->block_hashes.len % each != 0 ||
	    segment->block_hashes.len / each > content_segment_blocks(segment->algo, segment->size))
		return PONTO_EINVAL;
	hash = content_block_hash(segment->algo, &described, piece->index);
	if (hash.len == 0)
		return PONTO_EINVAL;
	memset(piece->hash, 0, sizeof(piece->hash));
	memcpy(piece->hash, hash.data, hash.len);
	return PONTO_OK;
}

/* Against what is held. */
static int compare(const struct dist_cache *cache, const struct dist_entry *entry, const struct dist_segment *segment,
		   uint32_t index)
{
	if (!entry || !entry->listed)
		return PONTO_OK;
	if (!entry->keyed && (segment->keyed || segment->replace))
		return PONTO_OK; /* it makes room */
	if (dist_entry_algo(entry) != segment->algo || entry->size != segment->size)
		return PONTO_EINVAL;
	if (entry->keyed == segment->keyed)
		return content_blocks_has(dist_entry_blocks(&cache->index, entry), index) ? PONTO_EEXIST : PONTO_OK;
	return entry->keyed ? PONTO_EEXIST : PONTO_OK;
}

static struct dist_put *make_put(struct dist_cache *cache, const struct dist_segment *segment,
				 const struct dist_piece *piece, size_t known)
{
	const struct ponto_alloc *alloc = cache->config.alloc;
	struct dist_put *put = ponto_new(alloc, 1, sizeof(*put));

	if (!put)
		return NULL;
	put->segment = *segment;
	put->piece = *piece;
	put->segment.block_hashes = ponto_bytes(NULL, 0);
	if (!segment->keyed || content_is_v2(segment->algo) || segment->block_hashes.len <= known)
		return put;
	put->list = ponto_bytes_dup(alloc, segment->block_hashes);
	if (!put->list) {
		free_put(cache, put);
		return NULL;
	}
	put->segment.block_hashes = ponto_bytes(put->list, segment->block_hashes.len);
	return put;
}

static int admit(struct dist_cache *cache)
{
	if (cache->closing)
		return PONTO_ECLOSED;
	if (cache->broken || cache->puts >= cache->config.writes)
		return PONTO_EBUSY;
	/* Until all is known nothing can make room. */
	if (!cache->ready && dist_cache_limit(cache) && cache->index.cost >= dist_cache_limit(cache))
		return PONTO_EBUSY;
	if (!cache->stats.paused || ponto_mono(cache->config.clock) >= cache->paused_until)
		return PONTO_OK;
	cache->stats.refused++;
	ponto_counter_add(cache->metrics.refused, 1);
	return PONTO_ENOSPC;
}

/* Into the lane; it begins at once when that is idle. */
static int enqueue(struct dist_cache *cache, struct dist_entry *entry, struct dist_put *put)
{
	struct dist_lane *lane;
	int result;

	if (!entry->lane)
		entry->lane = dist_slab_take(&cache->lanes);
	lane = lane_of(cache, entry);
	if (!lane)
		return PONTO_ENOMEM;
	lane->entry = entry->self;
	*(lane->puts ? &lane->last_put->next : &lane->puts) = put;
	lane->last_put = put;
	if (entry->busy || entry->remove || entry->queued)
		return PONTO_OK;
	if (cache->writes >= cache->depth.now) {
		queue_writer(cache, entry);
		return PONTO_OK;
	}
	/* It is alone: others would have made the lane busy. */
	result = begin(cache, entry, false);
	if (result != PONTO_OK)
		(void)take_all(cache, entry);
	return result;
}

int dist_cache_put(struct dist_cache *cache, const struct dist_segment *segment, const struct dist_piece *piece,
		   dist_cache_done_fn *done, void *arg)
{
	struct dist_piece examined = *piece;
	struct dist_entry *entry;
	struct dist_put *put;
	int result = examine(segment, &examined);

	if (result == PONTO_OK)
		result = admit(cache);
	if (result != PONTO_OK)
		return result;
	entry = dist_index_find(&cache->index, &segment->id);
	result = compare(cache, entry, segment, piece->index);
	if (result != PONTO_OK)
		return result;
	put = make_put(cache, segment, &examined,
		       entry ? dist_entry_hashes(&cache->index, entry) * content_hash_size(segment->algo) : 0);
	if (put && !entry)
		entry = dist_index_add(&cache->index, &segment->id);
	if (!put || !entry) {
		if (put)
			free_put(cache, put);
		return PONTO_ENOMEM;
	}
	put->done = done;
	put->arg = arg;
	result = enqueue(cache, entry, put);
	if (result == PONTO_OK) {
		cache->puts++;
		return PONTO_OK;
	}
	free_put(cache, put);
	if (!entry->listed && !entry->busy && !entry->waits && !entry->queued && !entry->lane)
		dist_index_remove(&cache->index, entry);
	return result;
}
