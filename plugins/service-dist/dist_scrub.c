/* The scrub: reads everything held once an interval, eldest segments first, a little at a time and no faster than it
 * may; what is not right is removed, counted, and told in one line. It goes on after a restart where it was: the ledger
 * has the creation of the segment that it looks at. Who reads, keeps or makes room does not wait for it: it is one job of
 * those that nobody waits for, of at most a MiB. */
#include <string.h>

#include "plugins/service-dist/dist_cache_private.h"

#define TOPIC "service.dist.scrub"
#define STEP 16u /* blocks of a segment in one go */
#define SAY_AGAIN (3600 * PONTO_SECOND)
#define REST_LEAST (10 * PONTO_SECOND) /* between two rounds, however short the interval */

static void at(struct dist_cache *cache, uint64_t us)
{
	ponto_timer_set(cache->config.loop, cache->scrub.timer, ponto_mono(cache->config.clock) + us);
}

/* ---- telling --------------------------------------------------------------------------- */

/* One line for much damage; the rest is told an hour later, or at the end of the round. */
static void say(struct dist_cache *cache, bool all)
{
	struct dist_scrub *s = &cache->scrub;
	uint64_t now = ponto_mono(cache->config.clock);

	if (!s->unsaid || (!all && s->said && now < s->said + SAY_AGAIN))
		return;
	s->said = now ? now : 1;
	ponto_error(cache->config.log, TOPIC,
		    "the scrub found %llu damaged records in the cache and removed them: look after the store's disk",
		    (unsigned long long)s->unsaid);
	s->unsaid = 0;
}

/* Where it is, 0: it rests. */
static uint64_t place(const struct dist_cache *cache)
{
	const struct dist_entry *at = cache->index.cursor[DIST_CURSOR_SCRUB];
	uint64_t created = at ? dist_entry_time(at, DIST_BY_AGE) : 0;

	return !cache->scrub.due || !at ? 0 : created ? created : 1;
}

/* What others left stays until it has begun. */
static bool is_here(const struct dist_cache *cache)
{
	return cache->ready && cache->scrub.timer;
}

void dist_scrub_tell(const struct dist_cache *cache, struct dist_ledger *ledger)
{
	const struct dist_ledger *kept = &cache->tally.kept;
	const struct dist_scrub *s = &cache->scrub;
	bool here = is_here(cache);

	ledger->scrub_at = here ? place(cache) : kept->scrub_at;
	ledger->scrub_began = here ? s->began : kept->scrub_began;
	ledger->scrub_ended = here ? s->ended : kept->scrub_ended;
	ledger->scrub_found = here ? s->found : kept->scrub_found;
	ledger->scrub_alert = here ? s->alerts : kept->scrub_alert;
}

bool dist_scrub_moved(const struct dist_cache *cache)
{
	const struct dist_ledger *kept = &cache->tally.kept;

	return is_here(cache) && (place(cache) != kept->scrub_at || cache->scrub.began != kept->scrub_began ||
				  cache->scrub.ended != kept->scrub_ended);
}

static void set_alert(struct dist_scrub *s, bool alerts)
{
	s->alerts = alerts;
	ponto_gauge_set(s->alert, alerts);
}

/* ---- a round ------------------------------------------------------------------------------- */

static void rest(struct dist_cache *cache)
{
	uint64_t now = dist_cache_wall(cache), due = cache->scrub.began + cache->config.scrub, wait = REST_LEAST;

	/* A clock that was set back makes it no longer than an interval. */
	if (cache->scrub.began <= now && due > now + wait)
		wait = due - now;
	else if (cache->scrub.began > now && cache->config.scrub > wait)
		wait = cache->config.scrub;
	at(cache, wait);
}

static void end_round(struct dist_cache *cache)
{
	struct dist_scrub *s = &cache->scrub;

	s->due = false;
	s->ended = dist_cache_wall(cache);
	cache->tally.since[DIST_COUNT_ROUNDS]++;
	ponto_counter_add(s->rounds, 1);
	set_alert(s, s->found > 0);
	say(cache, true);
	ponto_info(cache->config.log, TOPIC, "all of the cache was read: %llu damaged records",
		   (unsigned long long)s->found);
	rest(cache);
	dist_cache_arm(cache);
}

static void begin_round(struct dist_cache *cache)
{
	struct dist_scrub *s = &cache->scrub;

	s->due = true;
	s->found = s->read = 0;
	s->block = 0;
	s->began = dist_cache_wall(cache);
	cache->index.cursor[DIST_CURSOR_SCRUB] = dist_index_first(&cache->index, DIST_BY_AGE);
}

static void step(void *arg)
{
	struct dist_cache *cache = arg;
	struct dist_scrub *s = &cache->scrub;
	struct dist_entry *entry;

	if (cache->closing || s->at_work)
		return;
	if (!s->due)
		begin_round(cache);
	entry = cache->index.cursor[DIST_CURSOR_SCRUB];
	if (!entry) {
		end_round(cache);
		return;
	}
	s->at_work = true;
	entry->scrub = true;
	dist_lane_wait(cache, entry);
	dist_lane_advance(cache);
}

void dist_scrub_blocks(const struct dist_cache *cache, struct content_blocks *out)
{
	content_blocks_add(out, cache->scrub.block, STEP);
}

/* To the next blocks that are held: of this segment, or the next one. */
static void move_on(struct dist_cache *cache, const struct dist_entry *entry)
{
	struct dist_scrub *s = &cache->scrub;

	if (cache->index.cursor[DIST_CURSOR_SCRUB] != entry) {
		s->block = 0; /* it went, and the cursor with it */
		return;
	}
	s->block = content_blocks_next(dist_entry_blocks(&cache->index, entry), s->block + STEP);
	if (s->block < CONTENT_BLOCKS_MAX)
		return;
	s->block = 0;
	cache->index.cursor[DIST_CURSOR_SCRUB] = dist_index_after(&cache->index, DIST_BY_AGE, entry);
}

void dist_scrub_checked(struct dist_cache *cache, struct dist_entry *entry, uint64_t bytes, uint32_t damaged)
{
	struct dist_scrub *s = &cache->scrub;
	uint64_t rate = cache->config.scrub_rate;

	s->at_work = false;
	s->read += bytes;
	s->found += damaged;
	s->unsaid += damaged;
	cache->tally.since[DIST_COUNT_CHECKED] += bytes;
	cache->tally.since[DIST_COUNT_FOUND] += damaged;
	ponto_counter_add(s->bytes, bytes);
	ponto_counter_add(s->damaged, damaged);
	if (damaged)
		set_alert(s, true);
	if (!s->due || cache->closing)
		return;
	move_on(cache, entry);
	say(cache, false);
	at(cache, rate ? bytes * PONTO_SECOND / rate : 0);
}

/* ---- its life --------------------------------------------------------------------------------- */

void dist_scrub_start(struct dist_cache *cache)
{
	const struct dist_ledger *kept = &cache->tally.kept;
	struct dist_scrub *s = &cache->scrub;
	struct dist_entry *entry = dist_index_first(&cache->index, DIST_BY_AGE);

	if (!s->timer)
		return;
	s->began = kept->scrub_began;
	s->ended = kept->scrub_ended;
	s->found = kept->scrub_found;
	set_alert(s, kept->scrub_alert);
	if (kept->scrub_at) {
		for (; entry && dist_entry_time(entry, DIST_BY_AGE) < kept->scrub_at;
		     entry = dist_index_after(&cache->index, DIST_BY_AGE, entry))
			s->read += dist_entry_bytes(&cache->index, entry);
		cache->index.cursor[DIST_CURSOR_SCRUB] = entry;
		s->due = true;
		at(cache, 0);
	} else {
		rest(cache);
	}
}

int dist_scrub_begin(struct dist_cache *cache)
{
	struct ponto_metrics *all = cache->config.metrics;
	const char *name = cache->config.instance;
	struct dist_scrub *s = &cache->scrub;

	if (!cache->config.scrub)
		return PONTO_OK;
	if (all) {
		s->bytes = ponto_counter(all, "dist_cache_scrub_bytes_total", name, "bytes of blocks that the scrub read");
		s->damaged = ponto_counter(all, "dist_cache_scrub_damaged_total", name,
					   "damaged records that the scrub found and removed");
		s->rounds = ponto_counter(all, "dist_cache_scrub_rounds_total", name,
					  "times that the scrub has read all of the cache");
		s->alert = ponto_gauge(all, "dist_cache_scrub_alert", name,
				       "1: the scrub found damage in this round, or in the one that ended last");
	}
	return ponto_timer_create(cache->config.loop, step, cache, &s->timer);
}

void dist_scrub_end(struct dist_cache *cache)
{
	if (cache->scrub.timer)
		ponto_timer_destroy(cache->config.loop, cache->scrub.timer);
}

bool dist_cache_scrubs(const struct dist_cache *cache, uint64_t *found, uint64_t *ahead)
{
	const struct dist_scrub *s = &cache->scrub;

	*found = s->found;
	/* By what the round has read: who came first in it is not known any more. */
	*ahead = s->due && cache->index.bytes > s->read ? cache->index.bytes - s->read : 0;
	return s->due;
}
