/* Opening: what the store holds is read into the index. One job seeks segments, page after page; others look at those
 * of the pages before, so that neither waits for the other's disk. Meanwhile what is known already is in use. */
#include <string.h>

#include "plugins/service-dist/dist_cache_private.h"

#define TOPIC "service.dist.cache"
#define LOOKS 2u /* pages that are looked at, at once: one worker is left for who reads */
#define LINKS 32768u /* entries given their places in one go */

struct load {
	struct dist_cache *cache;
	uint8_t *token;
	size_t token_len;
	bool begun, all; /* all: segments are sought no more */
	unsigned looks;
	int result;
	uint32_t orphans, damaged, foreign;
	/* the first job's, too: */
	struct dist_ledger ledger;
	bool ledger_damaged;
	int ledger_result, share_result;
	uint64_t share;
	bool seeking;
	struct dist_sort sort;
	bool sorted;
};

struct load_job {
	struct load *load;
	int result;
	struct dist_page page;
};

uint64_t dist_load_share(const struct dist_cache *cache, int *result)
{
	uint64_t total = 0, left;

	*result = PONTO_OK;
	if (!cache->config.share)
		return 0;
	*result = ponto_store_space(cache->config.store, &total, &left,
				    ponto_mono(cache->config.clock) + 10 * PONTO_SECOND);
	if (*result != PONTO_OK)
		return 0;
	total = total / 100 * cache->config.share + total % 100 * cache->config.share / 100;
	return total ? total : 1;
}

static void free_job(struct load_job *job)
{
	const struct ponto_alloc *alloc = job->load->cache->config.alloc;

	ponto_wipe(job, sizeof(*job)); /* keys */
	ponto_free(alloc, job);
}

/* ---- the end ---------------------------------------------------------------------------- */

static void report(struct dist_cache *cache, const struct load *load)
{
	uint32_t bad = load->orphans + load->damaged;

	cache->stats.damaged += bad;
	ponto_counter_add(cache->metrics.damaged, bad);
	if (bad)
		ponto_warning(cache->config.log, TOPIC,
			      "%u segments of the cache were damaged or incomplete and are removed", bad);
	if (load->foreign)
		ponto_warning(cache->config.log, TOPIC, "%u segments of the cache cannot be read and are left alone",
			      load->foreign);
	ponto_info(cache->config.log, TOPIC, "%llu segments, %llu bytes of blocks are cached",
		   (unsigned long long)cache->index.segments, (unsigned long long)cache->index.bytes);
}

static void end(struct load *load)
{
	struct dist_cache *cache = load->cache;
	const struct ponto_alloc *alloc = cache->config.alloc;
	int result = cache->closing ? PONTO_ECLOSED : load->result;

	dist_sort_end(&load->sort);
	cache->broken = result != PONTO_OK;
	if (result == PONTO_OK) {
		cache->ready = true;
		cache->touched = dist_cache_wall(cache);
		report(cache, load);
	} else if (result != PONTO_ECLOSED) {
		ponto_error(cache->config.log, TOPIC, "the cache cannot be read: %s", ponto_strerror(result));
	}
	ponto_free(alloc, load->token);
	ponto_free(alloc, load);
	cache->on_ready(cache->ready_arg, result);
	dist_cache_trim(cache);
	if (cache->config.check && cache->ready && !cache->closing &&
	    dist_cache_verify(cache, NULL, NULL, NULL) != PONTO_OK)
		ponto_warning(cache->config.log, TOPIC, "the cache is not checked: no memory");
	if (cache->ready)
		dist_scrub_start(cache);
	dist_lane_advance(cache);
}

/* ---- places ------------------------------------------------------------------------------- */

static int submit(struct load_job *job, ponto_loop_fn *run, ponto_loop_fn *done);

static void sort_run(void *arg)
{
	struct load *load = ((struct load_job *)arg)->load;

	if (!load->sorted)
		dist_sort_run(&load->sort);
}

static int place_some(struct load *load);

static void sort_done(void *arg)
{
	struct load_job *job = arg;
	struct load *load = job->load;
	struct dist_cache *cache = load->cache;

	free_job(job);
	load->sorted = true;
	if (cache->closing || !dist_sort_link(&load->sort, &cache->index, LINKS))
		end(load);
	else if ((load->result = place_some(load)) != PONTO_OK)
		end(load);
	dist_cache_job_done(cache);
}

/* Sorted by a worker, then put into the orders, some at a time, so that nobody waits for it. */
static int place_some(struct load *load)
{
	struct load_job *job = ponto_new(load->cache->config.alloc, 1, sizeof(*job));

	if (!job)
		return PONTO_ENOMEM;
	job->load = load;
	return submit(job, sort_run, sort_done);
}

static void place(struct load *load)
{
	if (load->result == PONTO_OK && !load->cache->closing)
		load->result = dist_sort_begin(&load->sort, &load->cache->index);
	if (load->result == PONTO_OK && !load->cache->closing)
		load->result = place_some(load);
	if (load->result != PONTO_OK || load->cache->closing)
		end(load);
}

/* ---- pages ---------------------------------------------------------------------------------- */

/* What came or was begun meanwhile is newer than what was read; when that fails, the store is asked again. */
static int take_page(struct load *load, const struct dist_page *page)
{
	struct dist_cache *cache = load->cache;

	for (size_t i = 0; i < page->count; i++) {
		const struct dist_found *found = &page->found[i];
		struct dist_entry *entry = dist_index_find(&cache->index, &found->id);

		if (entry) {
			entry->touch = true;
			dist_lane_wait(cache, entry);
			continue;
		}
		entry = dist_index_add(&cache->index, &found->id);
		if (!entry || dist_index_load(&cache->index, entry, &found->meta) != PONTO_OK)
			return PONTO_ENOMEM;
	}
	load->orphans += page->orphans;
	load->damaged += page->damaged;
	load->foreign += page->foreign;
	return PONTO_OK;
}

static void advance(struct load *load);

static void failed(struct load *load, int result)
{
	if (load->result == PONTO_OK)
		load->result = result;
	load->all = true;
}

static void look_run(void *arg)
{
	struct load_job *job = arg;

	job->result = dist_shelf_look(&job->load->cache->shelf, &job->page);
}

static void look_done(void *arg)
{
	struct load_job *job = arg;
	struct load *load = job->load;
	struct dist_cache *cache = load->cache;

	load->looks--;
	if (job->result == PONTO_OK && !cache->closing)
		job->result = take_page(load, &job->page);
	if (job->result != PONTO_OK)
		failed(load, job->result);
	free_job(job);
	advance(load);
	dist_lane_advance(cache);
	dist_cache_job_done(cache);
}

static void seek_run(void *arg)
{
	struct load_job *job = arg;
	struct load *load = job->load;
	const struct dist_cache *cache = load->cache;

	if (!load->begun) {
		load->ledger_result = dist_ledger_read(&cache->shelf, &load->ledger, &load->ledger_damaged);
		load->share = dist_load_share(cache, &load->share_result);
	}
	job->result = dist_shelf_names(&cache->shelf, &load->token, &load->token_len, &job->page);
}

static void first_done(struct load *load)
{
	struct dist_cache *cache = load->cache;

	load->begun = true;
	dist_count_loaded(cache, load->ledger_result, &load->ledger, load->ledger_damaged);
	cache->share = load->share;
	if (load->share_result == PONTO_ENOTSUP)
		ponto_info(cache->config.log, TOPIC,
			   "the store has no disk of its own that it could tell the size of: cache_share does not apply");
	else if (load->share_result != PONTO_OK)
		ponto_warning(cache->config.log, TOPIC, "the size of the store's disk is not known, nor its share: %s",
			      ponto_strerror(load->share_result));
}

static int submit(struct load_job *job, ponto_loop_fn *run, ponto_loop_fn *done)
{
	struct dist_cache *cache = job->load->cache;
	int result = ponto_pool_submit(cache->config.store.pool, cache->config.loop, run, done, job);

	if (result == PONTO_OK)
		cache->jobs++;
	else
		free_job(job);
	return result;
}

static void seek_done(void *arg)
{
	struct load_job *job = arg;
	struct load *load = job->load;
	struct dist_cache *cache = load->cache;
	int result = job->result;

	load->seeking = false;
	if (!load->begun)
		first_done(load);
	if (!load->token)
		load->all = true;
	if (result == PONTO_OK && !cache->closing) {
		load->looks++;
		result = submit(job, look_run, look_done);
		load->looks -= result != PONTO_OK;
	} else {
		free_job(job);
	}
	if (result != PONTO_OK)
		failed(load, result);
	advance(load);
	dist_cache_job_done(cache);
}

static int seek(struct load *load)
{
	struct load_job *job = ponto_new(load->cache->config.alloc, 1, sizeof(*job));
	int result = job ? PONTO_OK : PONTO_ENOMEM;

	if (job) {
		job->load = load;
		result = submit(job, seek_run, seek_done);
	}
	load->seeking = result == PONTO_OK;
	return result;
}

/* The last thing done with load. */
static void advance(struct load *load)
{
	int result = PONTO_OK;

	if (!load->all && !load->seeking && load->looks < LOOKS && !load->cache->closing)
		result = seek(load);
	if (result != PONTO_OK)
		failed(load, result);
	if (!load->seeking && load->looks == 0 && (load->all || load->cache->closing))
		place(load);
}

int dist_load_begin(struct dist_cache *cache)
{
	struct load *load = ponto_new(cache->config.alloc, 1, sizeof(*load));
	int result;

	if (!load)
		return PONTO_ENOMEM;
	load->cache = cache;
	load->sort.alloc = cache->config.alloc;
	result = seek(load);
	if (result != PONTO_OK)
		ponto_free(cache->config.alloc, load);
	return result;
}
