#include "engines/content/content_caches.h"

#include <string.h>

/* A segment of which something is to be offered. */
struct entry {
	struct entry *next;
	struct content_fresh fresh;
	struct content_blocks blocks; /* new since it was last offered */
	uint64_t used, due;	      /* due: 0: not yet */
	uint8_t tries;
	bool whole;
};

enum stage {
	STAGE_NEW, /* to be sent */
	STAGE_SENT,
	STAGE_ASK, /* hashes are wanted */
	STAGE_ASKED,
	STAGE_CANCEL, /* it has expired */
};

struct content_offering {
	struct content_offering *next;
	uint32_t cache;
	uint8_t stage, type; /* enum stage, enum content_offer_type */
	bool negotiate;
	uint64_t expires; /* ticks */
	struct entry *entries;
	uint32_t entry_count;
	uint8_t *body;
	size_t len;
};

struct cache {
	uint64_t until; /* it is left alone */
	uint32_t failures, wrong;
};

struct content_caches {
	struct content_caches_config config;
	struct cache caches[CONTENT_CACHES_MAX];
	struct entry *entries; /* not in any request; those due are in their order */
	uint32_t entry_count;
	struct content_offering *requests;
	uint32_t request_count;
	uint64_t ticks, tick_at; /* tick_at: the next; 0: the timer stands */
	struct content_caches_stats stats;
};

struct content_caches_config content_caches_defaults(const struct ponto_alloc *alloc)
{
	return (struct content_caches_config){
		.alloc = alloc,
		.batch = PONTO_SECOND,
		.backoff = PONTO_SECOND,
		.backoff_max = 600 * PONTO_SECOND,
		.wrong = 8,
		.segments = 2048,
		.requests = 8,
		.tries = 3,
	};
}

int content_caches_create(const struct content_caches_config *config, struct content_caches **out)
{
	struct content_caches *c;

	if (config->count > CONTENT_CACHES_MAX || config->backoff == 0 || config->backoff_max < config->backoff ||
	    config->wrong == 0 || config->segments == 0 || config->requests == 0 || config->tries == 0 ||
	    config->tries > UINT8_MAX)
		return PONTO_EINVAL;
	c = ponto_new(config->alloc, 1, sizeof(*c));
	if (!c)
		return PONTO_ENOMEM;
	c->config = *config;
	*out = c;
	return PONTO_OK;
}

static void free_entries(struct content_caches *c, struct entry *entries)
{
	while (entries) {
		struct entry *e = entries;

		entries = e->next;
		ponto_free(c->config.alloc, e);
	}
}

static void forget(struct content_caches *c, struct content_offering *r)
{
	struct content_offering **at = &c->requests;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	c->request_count--;
	if (r->body)
		ponto_wipe(r->body, r->len); /* keys */
	free_entries(c, r->entries);
	ponto_free(c->config.alloc, r->body);
	ponto_free(c->config.alloc, r);
	if (!c->requests)
		c->tick_at = 0;
}

void content_caches_destroy(struct content_caches *caches)
{
	if (!caches)
		return;
	while (caches->requests)
		forget(caches, caches->requests);
	free_entries(caches, caches->entries);
	ponto_free(caches->config.alloc, caches);
}

/* ---- which is asked ------------------------------------------------------------------- */

bool content_caches_pick(const struct content_caches *caches, uint64_t now, uint32_t *cache)
{
	for (uint32_t i = 0; i < caches->config.count; i++) {
		if (now < caches->caches[i].until)
			continue;
		*cache = i;
		return true;
	}
	return false;
}

void content_caches_right(struct content_caches *caches, uint32_t cache)
{
	caches->caches[cache].failures = caches->caches[cache].wrong = 0;
}

/* Many exchanges with it may fail at once: that is one failure. */
void content_caches_failed(struct content_caches *caches, uint64_t now, uint32_t cache)
{
	struct cache *at = &caches->caches[cache];
	uint64_t wait = caches->config.backoff;

	if (now < at->until)
		return;
	for (uint32_t i = 0; i < at->failures && wait < caches->config.backoff_max; i++)
		wait *= 2;
	if (wait >= caches->config.backoff_max)
		wait = caches->config.backoff_max;
	else
		at->failures++;
	at->wrong = 0;
	at->until = now + wait;
	caches->stats.backoffs++;
}

void content_caches_wrong(struct content_caches *caches, uint64_t now, uint32_t cache)
{
	if (++caches->caches[cache].wrong >= caches->config.wrong)
		content_caches_failed(caches, now, cache);
}

void content_caches_serve(struct content_caches *caches, uint16_t port)
{
	caches->config.port = port;
}

/* ---- what is offered ------------------------------------------------------------------ */

static struct entry **find_entry(struct content_caches *c, const struct content_id *id)
{
	struct entry **at = &c->entries;

	while (*at && !content_id_equal(&(*at)->fresh.id, id))
		at = &(*at)->next;
	return at;
}

/* The one longest untouched makes room. */
static void drop_oldest(struct content_caches *c)
{
	struct entry **oldest = &c->entries;

	for (struct entry **at = &c->entries; *at; at = &(*at)->next) {
		if ((*at)->used < (*oldest)->used)
			oldest = at;
	}
	if (*oldest) {
		struct entry *e = *oldest;

		*oldest = e->next;
		ponto_free(c->config.alloc, e);
		c->entry_count--;
		c->stats.dropped++;
	}
}

/* Whether a cache has words for it. */
static bool sayable(const struct content_caches *c, uint32_t cache, const struct content_fresh *f)
{
	struct content_descriptor d;

	if (c->config.secure[cache])
		return !content_is_v2(f->algo);
	return content_descriptor_of(f->algo, f->size, &f->id, f->tag, &d) == PONTO_OK;
}

static bool sayable_anywhere(const struct content_caches *c, const struct content_fresh *f)
{
	for (uint32_t i = 0; i < c->config.count; i++) {
		if (sayable(c, i, f))
			return true;
	}
	return false;
}

static struct entry *meet(struct content_caches *c, const struct content_fresh *fresh)
{
	struct entry *e = *find_entry(c, &fresh->id);

	if (e)
		return e;
	if (c->entry_count >= c->config.segments)
		drop_oldest(c);
	e = ponto_new(c->config.alloc, 1, sizeof(*e));
	if (!e)
		return NULL;
	e->fresh = *fresh;
	e->next = c->entries;
	c->entries = e;
	c->entry_count++;
	return e;
}

void content_caches_fresh(struct content_caches *caches, uint64_t now, const struct content_fresh *fresh,
			  uint32_t index, bool whole)
{
	uint32_t blocks = content_segment_blocks(fresh->algo, fresh->size);
	struct entry *e;

	if (caches->config.port == 0 || caches->config.count == 0 || index >= blocks)
		return;
	if (!sayable_anywhere(caches, fresh)) {
		caches->stats.unofferable++;
		return;
	}
	e = meet(caches, fresh);
	if (!e)
		return;
	e->used = now;
	e->whole |= whole;
	content_blocks_add(&e->blocks, index, 1);
	/* The last ones may be fewer than a fifth: without this they would never be offered. */
	if (e->due == 0 && (e->whole || content_blocks_count(&e->blocks) * CONTENT_OFFER_SHARE >= blocks))
		e->due = now;
}

/* ---- requests ------------------------------------------------------------------------- */

static void start_timer(struct content_caches *c, uint64_t now)
{
	if (c->tick_at == 0)
		c->tick_at = now + CONTENT_OFFER_TICK;
}

/* Takes entries; without memory they are dropped. */
static struct content_offering *new_request(struct content_caches *c, uint32_t cache, enum content_offer_type type,
					    size_t room)
{
	struct content_offering *r = ponto_new(c->config.alloc, 1, sizeof(*r));

	if (!r)
		return NULL;
	r->body = ponto_new(c->config.alloc, room, 1);
	if (!r->body) {
		ponto_free(c->config.alloc, r);
		return NULL;
	}
	r->cache = cache;
	r->type = (uint8_t)type;
	r->next = c->requests;
	c->requests = r;
	c->request_count++;
	return r;
}

/* The cache that an entry may go to now; false: none. */
static bool cache_for(const struct content_caches *c, uint64_t now, const struct entry *e, uint32_t *cache)
{
	for (uint32_t i = 0; i < c->config.count; i++) {
		if (now < c->caches[i].until || !sayable(c, i, &e->fresh))
			continue;
		*cache = i;
		return true;
	}
	return false;
}

static struct entry *take_entry(struct content_caches *c, struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	c->entry_count--;
	return e;
}

/* Version 1.0: one segment. */
static bool make_initial(struct content_caches *c, struct entry **at, uint32_t cache)
{
	struct content_offering *r = new_request(c, cache, CONTENT_INITIAL_OFFER, CONTENT_OFFER_HEAD + CONTENT_ID_MAX);
	int result;

	if (!r)
		return false;
	r->entries = take_entry(c, at);
	r->entries->next = NULL;
	r->entry_count = 1;
	result = content_offer_initial(c->config.port, &r->entries->fresh.id, r->body,
				       CONTENT_OFFER_HEAD + CONTENT_ID_MAX, &r->len);
	if (result == PONTO_OK)
		return true;
	forget(c, r); /* an ID that no hash has: not one of ours */
	c->stats.dropped++;
	return true;
}

/* Version 2.0: all that are due and can be said, up to 128. */
static bool make_batch(struct content_caches *c, uint64_t now, uint32_t cache)
{
	struct content_descriptor d[CONTENT_DESCRIPTORS];
	const size_t room = CONTENT_OFFER_HEAD + CONTENT_DESCRIPTORS * CONTENT_DESCRIPTOR;
	struct content_offering *r = new_request(c, cache, CONTENT_BATCHED_OFFER, room);
	uint32_t chosen;

	if (!r)
		return false;
	for (struct entry **at = &c->entries; *at && r->entry_count < CONTENT_DESCRIPTORS;) {
		struct entry *e = *at;

		if (e->due == 0 || !cache_for(c, now, e, &chosen) || chosen != cache ||
		    content_descriptor_of(e->fresh.algo, e->fresh.size, &e->fresh.id, e->fresh.tag,
					  &d[r->entry_count]) != PONTO_OK) {
			at = &e->next;
			continue;
		}
		e = take_entry(c, at);
		e->next = r->entries;
		r->entries = e;
		r->entry_count++;
	}
	if (r->entry_count > 0 &&
	    content_offer_batch(c->config.port, d, r->entry_count, r->body, room, &r->len) == PONTO_OK)
		return true;
	forget(c, r);
	return false;
}

/* How many wait for a batch to that cache, and since when the eldest does. */
static uint32_t batched(const struct content_caches *c, uint64_t now, uint32_t cache, uint64_t *since)
{
	uint32_t count = 0, chosen;

	*since = PONTO_NEVER;
	for (const struct entry *e = c->entries; e; e = e->next) {
		if (e->due == 0 || !cache_for(c, now, e, &chosen) || chosen != cache)
			continue;
		count++;
		if (e->due < *since)
			*since = e->due;
	}
	return count;
}

static void make_requests(struct content_caches *c, uint64_t now)
{
	uint64_t since;
	uint32_t cache;

	for (struct entry **at = &c->entries; *at && c->request_count < c->config.requests;) {
		struct entry *e = *at;

		if (e->due == 0 || !cache_for(c, now, e, &cache) || !c->config.secure[cache] ||
		    !make_initial(c, at, cache))
			at = &e->next;
	}
	for (cache = 0; cache < c->config.count; cache++) {
		while (!c->config.secure[cache] && c->request_count < c->config.requests) {
			uint32_t count = batched(c, now, cache, &since);

			if (count == 0 || (count < CONTENT_DESCRIPTORS && now - since < c->config.batch))
				break;
			if (!make_batch(c, now, cache))
				break;
		}
	}
}

int content_caches_effect(struct content_caches *caches, uint64_t now, struct content_caches_effect *out)
{
	make_requests(caches, now);
	for (struct content_offering *r = caches->requests; r; r = r->next) {
		if (r->stage != STAGE_NEW && r->stage != STAGE_ASK && r->stage != STAGE_CANCEL)
			continue;
		memset(out, 0, sizeof(*out));
		out->request = r;
		out->cache = r->cache;
		out->negotiate = r->negotiate;
		out->body = ponto_bytes(r->body, r->len);
		if (r->stage == STAGE_NEW) {
			out->kind = CONTENT_CACHES_OFFER;
			r->stage = STAGE_SENT;
			start_timer(caches, now);
			r->expires = caches->ticks + CONTENT_OFFER_TICKS;
			caches->stats.requests++;
		} else if (r->stage == STAGE_ASK) {
			out->kind = CONTENT_CACHES_DESCRIBE;
			out->id = r->entries->fresh.id;
			r->stage = STAGE_ASKED;
		} else {
			out->kind = CONTENT_CACHES_CANCEL;
			forget(caches, r);
		}
		return 1;
	}
	return 0;
}

/* ---- answers -------------------------------------------------------------------------- */

/* Back among those that are due, or given up. Blocks that came meanwhile have an entry of their own. */
static void offer_again(struct content_caches *c, uint64_t now, struct content_offering *r)
{
	while (r->entries) {
		struct entry *e = r->entries, *other;

		r->entries = e->next;
		other = *find_entry(c, &e->fresh.id);
		if (++e->tries >= c->config.tries || other || c->entry_count >= c->config.segments) {
			if (other && e->tries < c->config.tries) {
				other->due = now;
				other->tries = e->tries;
			} else {
				c->stats.dropped++;
			}
			ponto_free(c->config.alloc, e);
			continue;
		}
		e->due = now;
		e->next = c->entries;
		c->entries = e;
		c->entry_count++;
	}
}

static void give_up(struct content_caches *c, uint64_t now, struct content_offering *r)
{
	c->stats.failed++;
	content_caches_failed(c, now, r->cache);
	offer_again(c, now, r);
}

/* 1: another request follows, by the same name. */
static int take_answer(struct content_caches *c, uint64_t now, struct content_offering *r, unsigned status,
		       struct ponto_bytes body)
{
	enum content_offer_code code;

	if (status == 401 && !r->negotiate) { /* 3.2.5.3: the timer begins anew when it is sent */
		r->negotiate = true;
		r->stage = STAGE_NEW;
		return 1;
	}
	if (status != 200 || content_offer_answer_decode(body, &code) != PONTO_OK ||
	    (code == CONTENT_OFFER_INTERESTED && r->type != CONTENT_INITIAL_OFFER)) {
		give_up(c, now, r);
		return 0;
	}
	c->caches[r->cache].failures = 0;
	if (code == CONTENT_OFFER_OK) {
		c->stats.offered += r->entry_count;
		return 0;
	}
	c->stats.interested++;
	r->stage = STAGE_ASK;
	return 1;
}

void content_caches_response(struct content_caches *caches, uint64_t now, struct content_offering *request, int result,
			     unsigned status, struct ponto_bytes body)
{
	if (request->stage == STAGE_CANCEL) { /* too late: it counts as none */
		forget(caches, request);
		return;
	}
	if (result != PONTO_OK)
		give_up(caches, now, request);
	else if (take_answer(caches, now, request, status, body))
		return;
	forget(caches, request);
}

void content_caches_described(struct content_caches *caches, struct content_offering *request,
			      const struct content_segment *segment)
{
	struct content_offering *r = request;
	const struct content_fresh *f = &r->entries->fresh;
	struct content_segment placed = {0};
	uint8_t *body;
	size_t len;

	if (segment)
		placed = *segment;
	placed.offset = f->place;
	body = segment ? ponto_new(caches->config.alloc, CONTENT_OFFER_MAX, 1) : NULL;
	if (!body || content_offer_segment(caches->config.port, f->tag, f->algo, &placed, f->offset, body,
					   CONTENT_OFFER_MAX, &len) != PONTO_OK) {
		ponto_free(caches->config.alloc, body);
		caches->stats.dropped++;
		forget(caches, r);
		return;
	}
	ponto_free(caches->config.alloc, r->body);
	r->body = body;
	r->len = len;
	r->type = CONTENT_SEGMENT_INFO;
	r->stage = STAGE_NEW;
}

/* ---- time ----------------------------------------------------------------------------- */

static void expire(struct content_caches *c, uint64_t now)
{
	for (struct content_offering *r = c->requests; r; r = r->next) {
		if (r->stage != STAGE_SENT || c->ticks <= r->expires)
			continue;
		c->stats.expired++;
		give_up(c, now, r);
		r->stage = STAGE_CANCEL;
	}
}

void content_caches_advance(struct content_caches *caches, uint64_t now)
{
	while (caches->tick_at && caches->tick_at <= now) {
		caches->ticks++;
		caches->tick_at += CONTENT_OFFER_TICK;
		expire(caches, now);
	}
}

/* When a due entry can go: its batch is full of time, or a cache is no longer left alone. */
static uint64_t next_offer(const struct content_caches *c, uint64_t now)
{
	uint64_t at = PONTO_NEVER, when;
	uint32_t cache;

	for (const struct entry *e = c->entries; e; e = e->next) {
		if (e->due == 0)
			continue;
		when = PONTO_NEVER;
		if (cache_for(c, now, e, &cache)) {
			when = c->config.secure[cache] ? now : e->due + c->config.batch;
		} else {
			for (uint32_t i = 0; i < c->config.count; i++) {
				if (sayable(c, i, &e->fresh) && c->caches[i].until < when)
					when = c->caches[i].until;
			}
		}
		if (when < at)
			at = when;
	}
	return at;
}

uint64_t content_caches_deadline(const struct content_caches *caches, uint64_t now)
{
	uint64_t at = caches->request_count < caches->config.requests ? next_offer(caches, now) : PONTO_NEVER;

	return caches->tick_at && caches->tick_at < at ? caches->tick_at : at;
}

void content_caches_stats(const struct content_caches *caches, struct content_caches_stats *out)
{
	*out = caches->stats;
}
