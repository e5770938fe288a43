/* Neighbours by discovery: what is sought within one turn of the loop is asked in few questions, and questions of
 * others are answered from the cache's index. */
#include <string.h>

#include "plugins/service-dist/dist.h"

#define TOPIC "service.dist"
#define QUESTION_MAX 16 /* segments in one question, so that it fits a datagram in every version */
#define QUESTIONS_MAX 64
#define WAITING_MAX 1024

/* Where segments are asked for. */
struct place {
	struct dist_search *search;
	struct ponto_discovery discovery;
	struct ponto_discovery_handle *handle;
};

struct question {
	struct question *next;
	uint64_t tag;
	unsigned open; /* places that have not ended it */
	uint32_t replies, full;
	size_t count;
	struct content_id ids[QUESTION_MAX];
};

struct waiting {
	struct content_id id;
	bool v2;
};

struct dist_search {
	struct dist *dist;
	struct place places[DIST_DISCOVERY_MAX];
	size_t place_count;
	struct question *questions;
	unsigned question_count;
	uint64_t next_tag;
	struct waiting *waiting; /* sought, still to be asked */
	size_t waiting_count;
	struct ponto_timer *timer; /* at the end of the turn */
};

/* ---- questions of others ------------------------------------------------------------------- */

static void learned(void *arg, int result)
{
	(void)arg;
	(void)result;
}

static void lookup(void *arg, const struct ponto_bytes *ids, size_t count, struct ponto_held *held)
{
	const struct place *place = arg;
	const struct dist *dist = place->search->dist;
	struct dist_known known;
	struct content_id id;

	for (size_t i = 0; i < count && dist->cache; i++) {
		if (content_id_set(ids[i], &id) != PONTO_OK)
			continue;
		if (!dist_cache_find(dist->cache, &id, &known)) {
			/* Nobody waits: who seeks it asks again. */
			if (!dist_cache_is_ready(dist->cache))
				(void)!dist_cache_learn(dist->cache, &id, 1, learned, NULL);
			continue;
		}
		held[i].state = known.whole ? PONTO_HELD_ALL : PONTO_HELD_PART;
		held[i].blocks = content_blocks_count(&known.blocks);
		held[i].age = dist_cache_age(dist->cache, &known);
		held[i].replies = known.replies;
		held[i].full = known.full;
	}
}

/* ---- answers ---------------------------------------------------------------------------------- */

static struct question *question_of(struct dist_search *search, uint64_t tag)
{
	struct question *q = search->questions;

	while (q && q->tag != tag)
		q = q->next;
	return q;
}

static void found(void *arg, uint64_t tag, const struct ponto_addr *addrs, size_t addr_count,
		  const struct ponto_held *held, size_t count)
{
	const struct place *place = arg;
	const struct question *q = question_of(place->search, tag);

	for (size_t i = 0; q && i < count && i < q->count; i++) {
		if (held[i].state != PONTO_HELD_NOTHING)
			dist_client_found(place->search->dist->client, &q->ids[i], addrs, addr_count);
	}
}

static void end_question(struct dist_search *search, struct question *q)
{
	struct dist *dist = search->dist;
	struct question **at = &search->questions;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	search->question_count--;
	for (size_t i = 0; i < q->count; i++) {
		if (dist->cache) /* held, or nothing to remember */
			(void)!dist_cache_sought(dist->cache, &q->ids[i], q->replies, q->full);
		dist_client_searched(dist->client, &q->ids[i]);
	}
	ponto_free(dist->env->alloc, q);
}

static void ended(void *arg, uint64_t tag, uint32_t replies, uint32_t full)
{
	const struct place *place = arg;
	struct question *q = question_of(place->search, tag);

	if (!q)
		return;
	q->replies += replies;
	q->full += full;
	if (--q->open == 0)
		end_question(place->search, q);
}

static const struct ponto_discovery_pieces pieces = {lookup, found, ended};

/* ---- asking --------------------------------------------------------------------------------------- */

static bool already_asked(const struct dist_search *search, const struct content_id *id)
{
	for (const struct question *q = search->questions; q; q = q->next) {
		for (size_t i = 0; i < q->count; i++) {
			if (content_id_equal(&q->ids[i], id))
				return true;
		}
	}
	for (size_t i = 0; i < search->waiting_count; i++) {
		if (content_id_equal(&search->waiting[i].id, id))
			return true;
	}
	return false;
}

/* The first of those waiting and what goes with it: one version, and IDs of one length. */
static void gather(struct dist_search *search, struct question *q, bool *v2)
{
	size_t kept = 0, len = search->waiting[0].id.len;

	*v2 = search->waiting[0].v2;
	for (size_t i = 0; i < search->waiting_count; i++) {
		const struct waiting *w = &search->waiting[i];

		if (q->count < QUESTION_MAX && w->v2 == *v2 && w->id.len == len)
			q->ids[q->count++] = w->id;
		else
			search->waiting[kept++] = *w;
	}
	search->waiting_count = kept;
}

static void ask(struct dist_search *search, struct question *q, bool v2)
{
	struct ponto_bytes ids[QUESTION_MAX];

	for (size_t i = 0; i < q->count; i++)
		ids[i] = content_id_bytes(&q->ids[i]);
	q->tag = search->next_tag++;
	q->next = search->questions;
	search->questions = q;
	search->question_count++;
	for (size_t i = 0; i < search->place_count; i++) {
		struct place *place = &search->places[i];

		q->open += ponto_discovery_seek(place->discovery, place->handle, v2 ? 2 : 1, ids, q->count, q->tag) ==
			   PONTO_OK;
	}
	if (q->open == 0)
		end_question(search, q);
}

static void ask_all(void *arg)
{
	struct dist_search *search = arg;

	while (search->waiting_count > 0) {
		struct question *q = ponto_new(search->dist->env->alloc, 1, sizeof(*q)), none = {0};
		bool v2;

		if (q) {
			gather(search, q, &v2);
			ask(search, q, v2);
			continue;
		}
		gather(search, &none, &v2); /* no memory: nobody has it */
		for (size_t i = 0; i < none.count; i++)
			dist_client_searched(search->dist->client, &none.ids[i]);
	}
}

int dist_search_seek(struct dist_search *search, const struct content_id *id, bool v2)
{
	if (search->place_count == 0)
		return PONTO_ENOTSUP;
	if (already_asked(search, id))
		return PONTO_OK;
	if (search->waiting_count == WAITING_MAX || search->question_count >= QUESTIONS_MAX)
		return PONTO_EBUSY;
	search->waiting[search->waiting_count++] = (struct waiting){*id, v2};
	ponto_timer_set(search->dist->env->loop, search->timer, dist_now(search->dist));
	return PONTO_OK;
}

int dist_search_publish(struct dist_search *search, uint16_t port)
{
	const struct ponto_addr addrs[] = {
		{.family = PONTO_FAMILY_IPV6, .port = port},
		{.family = PONTO_FAMILY_IPV4, .port = port},
	};
	int result = PONTO_OK;

	for (size_t i = 0; i < search->place_count && result == PONTO_OK; i++)
		result = ponto_discovery_publish(search->places[i].discovery, search->places[i].handle, addrs,
						 PONTO_ARRAY_SIZE(addrs));
	return result;
}

/* ---- its life --------------------------------------------------------------------------------------- */

/* One that does not know pieces is left out. */
static int open_place(struct dist_search *search, const char *name)
{
	static const struct ponto_discovery_events no_events = {NULL, NULL};
	const struct ponto_discovery_want want = {.topic = PONTO_DISCOVERY_CONTENT};
	struct place *place = &search->places[search->place_count];
	struct dist *dist = search->dist;
	struct ponto_iface iface;
	int result = ponto_env_find(dist->env, PONTO_KIND_DISCOVERY, name, &iface);

	if (result != PONTO_OK)
		return result;
	place->search = search;
	place->discovery =
		(struct ponto_discovery){(const struct ponto_discovery_ops *)iface.ops, iface.self, iface.pool};
	if (!PONTO_HAS(place->discovery.ops, pieces))
		return PONTO_OK;
	result = ponto_discovery_open(place->discovery, dist->env->loop, &want, &no_events, place, &place->handle);
	if (result != PONTO_OK)
		return result == PONTO_ENOTSUP ? PONTO_OK : result;
	result = ponto_discovery_pieces(place->discovery, place->handle, &pieces);
	if (result == PONTO_OK) {
		search->place_count++;
		return PONTO_OK;
	}
	ponto_discovery_close(place->discovery, place->handle);
	return result == PONTO_ENOTSUP ? PONTO_OK : result;
}

int dist_search_open(struct dist *dist, struct dist_search **out)
{
	const char *const *names = ponto_conf_list(dist->conf, "discovery");
	struct dist_search *search = ponto_new(dist->env->alloc, 1, sizeof(*search));
	int result = PONTO_OK;

	if (!search)
		return PONTO_ENOMEM;
	search->dist = dist;
	search->next_tag = 1;
	search->waiting = ponto_new(dist->env->alloc, WAITING_MAX, sizeof(*search->waiting));
	if (!search->waiting)
		result = PONTO_ENOMEM;
	if (result == PONTO_OK)
		result = ponto_timer_create(dist->env->loop, ask_all, search, &search->timer);
	/* With hosted caches neighbours are neither asked nor answered ([MS-CCROD] 2.5.4.1.3). */
	for (size_t i = 0; names[i] && result == PONTO_OK && !dist->caches; i++) {
		if (search->place_count == DIST_DISCOVERY_MAX) {
			ponto_error(dist->env->log, TOPIC, "more than %d discovery instances", DIST_DISCOVERY_MAX);
			result = PONTO_ELIMIT;
			break;
		}
		result = open_place(search, names[i]);
	}
	if (result != PONTO_OK)
		dist_search_close(search);
	else
		*out = search;
	return result;
}

void dist_search_close(struct dist_search *search)
{
	if (!search)
		return;
	for (size_t i = 0; i < search->place_count; i++)
		ponto_discovery_close(search->places[i].discovery, search->places[i].handle);
	ponto_timer_destroy(search->dist->env->loop, search->timer);
	while (search->questions) {
		struct question *q = search->questions;

		search->questions = q->next;
		ponto_free(search->dist->env->alloc, q);
	}
	ponto_free(search->dist->env->alloc, search->waiting);
	ponto_free(search->dist->env->alloc, search);
}
