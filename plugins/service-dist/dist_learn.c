/* Segments that are not known yet, because other caches on the same store keep them, or because not all of it has been
 * read since this one opened. Who misses one asks the store for its "m", in the same way as all of them are read then.
 * Nobody waits long for a store that holds back, and what was asked for is not asked for again at once, so that those
 * who ask for what nobody has cost the store little. */
#include <string.h>

#include "framework/digest.h"
#include "plugins/service-dist/dist_cache_private.h"

#define WORKERS 2u		/* of the store's, so that who reads finds one */
#define WAITING_MAX 256u	/* asked at once */
#define PATIENCE PONTO_SECOND	/* until one who asks is told what is known by then */
#define AGAIN PONTO_SECOND	/* after which a segment is asked for again */
#define REST (5 * PONTO_SECOND) /* after the store failed */

struct wanted {
	struct content_id id;
	struct dist_meta meta;
	bool found;
};

struct dist_learn {
	struct dist_learn *next;
	struct dist_cache *cache;
	dist_cache_done_fn *done;
	void *arg;
	uint64_t deadline;
	int result;
	bool failed; /* the store, before it told anything */
	size_t count, looked; /* looked: so many of them */
	struct wanted wanted[];
};

static void end(struct dist_learn *learn, int result);
static void advance(struct dist_cache *cache);

static uint64_t mono(const struct dist_cache *cache)
{
	return ponto_mono(cache->config.clock);
}

static void free_learn(struct dist_learn *learn)
{
	const struct ponto_alloc *alloc = learn->cache->config.alloc;

	ponto_wipe(learn->wanted, learn->count * sizeof(learn->wanted[0])); /* keys */
	ponto_free(alloc, learn);
}

/* ---- what it said lately --------------------------------------------------------------------- */

static struct dist_asked *asked_of(const struct dist_cache *cache, const struct content_id *id, uint64_t *name)
{
	*name = ponto_siphash(cache->index.key, content_id_bytes(id));
	return &cache->learning.asked[*name % DIST_ASKED];
}

/* It has answered: who asks before that waits for it. */
static void note_asked(struct dist_cache *cache, const struct content_id *id)
{
	uint64_t name, now = mono(cache);
	struct dist_asked *asked = asked_of(cache, id, &name);

	*asked = (struct dist_asked){name, now ? now : 1};
}

static bool asked_lately(const struct dist_cache *cache, const struct content_id *id)
{
	uint64_t name;
	const struct dist_asked *asked = asked_of(cache, id, &name);

	return asked->name == name && asked->at && mono(cache) < asked->at + AGAIN;
}

static bool is_whole(const struct dist_cache *cache, const struct content_id *id)
{
	const struct dist_entry *entry = dist_index_find(&cache->index, id);

	return entry && entry->listed && dist_entry_whole(&cache->index, entry);
}

/* What others have asked for while it waited is known now. */
static bool still_wanted(const struct dist_cache *cache, struct dist_learn *learn)
{
	size_t count = 0;

	for (size_t i = 0; i < learn->count; i++) {
		if (!is_whole(cache, &learn->wanted[i].id) && !asked_lately(cache, &learn->wanted[i].id))
			learn->wanted[count++].id = learn->wanted[i].id;
	}
	learn->count = count;
	return count > 0;
}

/* ---- what the store says ------------------------------------------------------------------- */

static void run(void *arg)
{
	struct dist_learn *learn = arg;
	const struct dist_shelf *shelf = &learn->cache->shelf;

	for (size_t i = 0; i < learn->count && learn->result == PONTO_OK; i++) {
		struct wanted *w = &learn->wanted[i];
		int result = ponto_mono(shelf->clock) < learn->deadline
				     ? dist_shelf_known(shelf, &w->id, learn->deadline, &w->meta)
				     : PONTO_EBUSY;

		w->found = result == PONTO_OK;
		/* What is wrong with one segment is found out when it is read. */
		if (w->found || result == PONTO_ENOENT || result == PONTO_ECORRUPT || result == PONTO_ENOTSUP) {
			learn->looked++;
			continue;
		}
		learn->result = result;
		learn->failed = i == 0 && result != PONTO_EBUSY && result != PONTO_ENOMEM;
	}
}

/* What is known here and may have come since the store was read stays. */
static void take(struct dist_cache *cache, const struct wanted *w)
{
	struct dist_entry *entry = dist_index_find(&cache->index, &w->id);
	const struct content_blocks *held;
	struct dist_meta meta = w->meta;

	if (!entry) {
		entry = dist_index_add(&cache->index, &w->id);
		if (entry && dist_index_set(&cache->index, entry, &meta) != PONTO_OK)
			dist_index_remove(&cache->index, entry);
		return;
	}
	if (!entry->listed)
		return; /* it is being kept, or removed: that tells by itself */
	held = dist_entry_blocks(&cache->index, entry);
	if (dist_entry_algo(entry) != meta.algo || entry->size != meta.size || entry->keyed != meta.keyed) {
		entry->touch = true;
		dist_lane_wait(cache, entry);
		return;
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(meta.blocks.bits); i++)
		meta.blocks.bits[i] |= held->bits[i];
	if (meta.hashes < dist_entry_hashes(&cache->index, entry))
		meta.hashes = dist_entry_hashes(&cache->index, entry);
	/* Without memory it is as it was. */
	(void)!dist_index_set(&cache->index, entry, &meta);
}

static void run_done(void *arg)
{
	struct dist_learn *learn = arg;
	struct dist_cache *cache = learn->cache;

	cache->learning.active--;
	for (size_t i = 0; i < learn->looked && !cache->closing; i++) {
		note_asked(cache, &learn->wanted[i].id);
		if (learn->wanted[i].found)
			take(cache, &learn->wanted[i]);
	}
	if (learn->failed) {
		cache->learning.rest_until = mono(cache) + REST;
		dist_cache_failed(cache, learn->result);
	}
	dist_cache_trim(cache);
	end(learn, cache->closing ? PONTO_ECLOSED : learn->result);
	advance(cache);
	dist_lane_advance(cache);
	dist_cache_job_done(cache);
}

/* ---- who asks --------------------------------------------------------------------------------- */

static int begin(struct dist_cache *cache, struct dist_learn *learn)
{
	int result = ponto_pool_submit(cache->config.store.pool, cache->config.loop, run, run_done, learn);

	if (result == PONTO_OK) {
		cache->learning.active++;
		cache->jobs++;
	}
	return result;
}

static struct dist_learn *take_first(struct dist_learning *l)
{
	struct dist_learn *learn = l->first;

	l->first = learn->next;
	l->count--;
	return learn;
}

/* takes learn */
static void end(struct dist_learn *learn, int result)
{
	learn->done(learn->arg, result);
	free_learn(learn);
}

static void advance(struct dist_cache *cache)
{
	struct dist_learning *l = &cache->learning;

	while (l->first && l->active < WORKERS) {
		struct dist_learn *learn = take_first(l);
		bool wanted = still_wanted(cache, learn);
		int result = wanted ? begin(cache, learn) : PONTO_OK;

		if (!wanted || result != PONTO_OK)
			end(learn, result);
	}
}

static void enqueue(struct dist_learning *l, struct dist_learn *learn)
{
	if (l->first)
		l->last->next = learn;
	else
		l->first = learn;
	l->last = learn;
	l->count++;
}

bool dist_cache_learns(const struct dist_cache *cache)
{
	return !cache->broken && (cache->config.shared || !cache->ready);
}

int dist_cache_learn(struct dist_cache *cache, const struct content_id *ids, size_t count, dist_cache_done_fn *done,
		     void *arg)
{
	const struct ponto_alloc *alloc = cache->config.alloc;
	struct dist_learning *l = &cache->learning;
	uint64_t now = mono(cache);
	struct dist_learn *learn;
	int result;

	if (cache->closing)
		return PONTO_ECLOSED;
	if (!dist_cache_learns(cache) || now < l->rest_until)
		return PONTO_ENOENT;
	if (l->count >= WAITING_MAX)
		return PONTO_EBUSY;
	while (count > 0 && is_whole(cache, &ids[count - 1]))
		count--;
	if (count == 0)
		return PONTO_ENOENT;
	count = count < DIST_LEARN_MAX ? count : DIST_LEARN_MAX;
	if (!l->asked)
		l->asked = ponto_new(alloc, DIST_ASKED, sizeof(*l->asked));
	learn = ponto_new(alloc, 1, sizeof(*learn) + count * sizeof(learn->wanted[0]));
	if (!learn || !l->asked) {
		ponto_free(alloc, learn);
		return PONTO_ENOMEM;
	}
	learn->cache = cache;
	learn->done = done;
	learn->arg = arg;
	learn->deadline = now + PATIENCE;
	for (size_t i = 0; i < count; i++) {
		if (!is_whole(cache, &ids[i]) && !asked_lately(cache, &ids[i]))
			learn->wanted[learn->count++].id = ids[i];
	}
	if (learn->count == 0) {
		ponto_free(alloc, learn);
		return PONTO_ENOENT;
	}
	if (l->active >= WORKERS) {
		enqueue(l, learn);
		return PONTO_OK;
	}
	result = begin(cache, learn);
	if (result != PONTO_OK)
		free_learn(learn);
	return result;
}

void dist_learn_abandon(struct dist_cache *cache)
{
	while (cache->learning.first)
		end(take_first(&cache->learning), PONTO_ECLOSED);
}

void dist_learn_end(struct dist_cache *cache)
{
	ponto_free(cache->config.alloc, cache->learning.asked);
}
