/* The calls of the contract, questions of the owner, and time. */
#include <string.h>

#include "plugins/discovery-wsd/wsdd.h"

static void release(struct ponto_discovery_handle *h)
{
	const struct ponto_alloc *alloc = h->wsdd->env->alloc;

	wsdd_links_close(h);
	for (struct wsdd_search *s = h->searches, *next; s; s = next) {
		next = s->next;
		ponto_free(alloc, s);
	}
	ponto_free(alloc, h);
}

void wsdd_enter(struct ponto_discovery_handle *h)
{
	h->calls++;
}

void wsdd_leave(struct ponto_discovery_handle *h)
{
	if (--h->calls == 0 && h->closed)
		release(h);
}

/* ---- questions ------------------------------------------------------------------------ */

struct wsdd_search *wsdd_search_numbered(const struct ponto_discovery_handle *h, uint64_t number)
{
	struct wsdd_search *s = h->searches;

	while (s && s->number != number)
		s = s->next;
	return s;
}

static int read_ids(const struct ponto_bytes *ids, size_t count, struct content_id out[PONTO_PIECES_MAX])
{
	if (count == 0 || count > PONTO_PIECES_MAX)
		return PONTO_EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (content_id_set(ids[i], &out[i]) != PONTO_OK)
			return PONTO_EINVAL;
	}
	return PONTO_OK;
}

/* On every link that takes it. With no link it is over at once, and finds nothing. */
static int ask(struct ponto_discovery_handle *h, struct wsdd_search *s, uint8_t version, const struct content_id *ids,
	       size_t count)
{
	uint64_t now = ponto_loop_now(h->loop);
	int first_fault = PONTO_OK;

	for (size_t i = 0; i < WSDD_LINKS_MAX; i++) {
		int result;

		if (!h->links[i])
			continue;
		result = wsd_engine_probe(h->links[i]->engine, now, version, ids, (uint16_t)count, s->number);
		if (result == PONTO_OK)
			s->links |= 1u << i;
		else if (first_fault == PONTO_OK)
			first_fault = result;
	}
	return s->links ? PONTO_OK : first_fault;
}

int wsdd_seek(struct ponto_discovery_handle *h, unsigned version, const struct ponto_bytes *ids, size_t count,
	      uint64_t tag)
{
	struct content_id own[PONTO_PIECES_MAX];
	struct wsdd_search *s;
	int result;

	if (!h->content)
		return PONTO_ENOTSUP;
	if (!h->pieces.found || version < 1 || version > 2 || read_ids(ids, count, own) != PONTO_OK)
		return PONTO_EINVAL;
	if (h->search_count >= WSD_PROBES_MAX)
		return PONTO_EBUSY;
	s = ponto_new(h->wsdd->env->alloc, 1, sizeof(*s));
	if (!s)
		return PONTO_ENOMEM;
	if (!h->active)
		wsdd_links_look(h);
	s->number = ++h->number;
	s->tag = tag;
	result = ask(h, s, (uint8_t)version, own, count);
	if (result != PONTO_OK) {
		ponto_free(h->wsdd->env->alloc, s);
		return result;
	}
	*h->searches_end = s;
	h->searches_end = &s->next;
	h->search_count++;
	/* Sent by the timer, as the owner may be inside a callback of an engine's. */
	h->asked = true;
	wsdd_arm(h);
	return PONTO_OK;
}

static struct wsdd_search *take_over(struct ponto_discovery_handle *h)
{
	struct wsdd_search **at = &h->searches, *s;

	while (*at && (*at)->links)
		at = &(*at)->next;
	s = *at;
	if (!s)
		return NULL;
	*at = s->next;
	if (h->searches_end == &s->next)
		h->searches_end = at;
	h->search_count--;
	return s;
}

/* Those that are over on every link. */
void wsdd_end_searches(struct ponto_discovery_handle *h)
{
	struct wsdd_search *s;

	while (!h->closed && (s = take_over(h))) {
		struct wsdd_search over = *s;

		ponto_free(h->wsdd->env->alloc, s);
		h->pieces.ended(h->arg, over.tag, over.replies, over.full);
	}
}

/* ---- time ------------------------------------------------------------------------------- */

static void report_done(struct ponto_discovery_handle *h)
{
	unsigned ready = h->ready;

	h->ready = 0;
	for (unsigned source = 1; source <= PONTO_SOURCE_SEED; source <<= 1) {
		if (ready & source && !h->closed)
			h->events.done(h->arg, (enum ponto_discovery_source)source);
	}
}

static void on_timer(void *arg)
{
	struct ponto_discovery_handle *h = arg;
	uint64_t now = ponto_loop_now(h->loop);

	wsdd_enter(h);
	h->asked = false;
	report_done(h);
	if (!h->closed && h->active && h->look_at <= now)
		wsdd_links_look(h);
	for (size_t i = 0; i < WSDD_LINKS_MAX && !h->closed; i++) {
		if (!h->links[i])
			continue;
		wsd_engine_advance(h->links[i]->engine, now);
		wsdd_link_pump(h->links[i]);
	}
	wsdd_end_searches(h);
	wsdd_arm(h);
	wsdd_leave(h);
}

void wsdd_arm(struct ponto_discovery_handle *h)
{
	uint64_t next = h->active ? h->look_at : PONTO_NEVER;

	if (h->closed)
		return;
	if (h->ready || h->asked)
		next = ponto_loop_now(h->loop);
	for (size_t i = 0; i < WSDD_LINKS_MAX; i++) {
		uint64_t deadline = h->links[i] ? wsd_engine_deadline(h->links[i]->engine) : PONTO_NEVER;

		if (deadline < next)
			next = deadline;
	}
	ponto_timer_set(h->loop, h->timer, next);
}

/* ---- the rest of the contract -------------------------------------------------------------- */

/* Nobody is found who was not asked for a piece. */
int wsdd_search(struct ponto_discovery_handle *h, unsigned sources)
{
	if (sources & ~(unsigned)(PONTO_SOURCE_REMEMBERED | PONTO_SOURCE_MULTICAST | PONTO_SOURCE_SEED))
		return PONTO_EINVAL;
	h->ready |= sources;
	wsdd_arm(h);
	return PONTO_OK;
}

int wsdd_publish(struct ponto_discovery_handle *h, const struct ponto_addr *addrs, size_t count)
{
	if (count == 0)
		return PONTO_EINVAL;
	if (!h->content)
		return PONTO_OK;
	h->published_count = count < WSDD_PUBLISHED_MAX ? count : WSDD_PUBLISHED_MAX;
	memcpy(h->published, addrs, h->published_count * sizeof(*addrs));
	/* The owner may be inside a callback of an engine's; not when there is none yet. */
	if (h->active)
		h->look_at = ponto_loop_now(h->loop);
	else
		wsdd_links_look(h);
	wsdd_arm(h);
	return PONTO_OK;
}

void wsdd_unpublish(struct ponto_discovery_handle *h)
{
	if (h->published_count == 0)
		return;
	h->published_count = 0;
	h->look_at = ponto_loop_now(h->loop);
	wsdd_arm(h);
}

int wsdd_pieces(struct ponto_discovery_handle *h, const struct ponto_discovery_pieces *events)
{
	if (!h->content)
		return PONTO_ENOTSUP;
	if (!events->found || !events->ended)
		return PONTO_EINVAL;
	h->pieces = *events;
	return PONTO_OK;
}

int wsdd_open(void *self, struct ponto_loop *loop, const struct ponto_discovery_want *want,
	      const struct ponto_discovery_events *events, void *arg, struct ponto_discovery_handle **out)
{
	struct wsdd *wsdd = self;
	struct ponto_discovery_handle *h = ponto_new(wsdd->env->alloc, 1, sizeof(*h));
	int result;

	if (!h)
		return PONTO_ENOMEM;
	h->wsdd = wsdd;
	h->loop = loop;
	h->scope = want->scope;
	h->zone = want->zone;
	h->family = want->family;
	h->content = strcmp(want->topic, PONTO_DISCOVERY_CONTENT) == 0;
	h->events = *events;
	h->arg = arg;
	h->searches_end = &h->searches;
	wsdd->env->random->fill(wsdd->env->random->ctx, h->key, sizeof(h->key));
	result = ponto_timer_create(loop, on_timer, h, &h->timer);
	if (result != PONTO_OK) {
		release(h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

void wsdd_close(struct ponto_discovery_handle *h)
{
	for (size_t i = 0; i < WSDD_LINKS_MAX; i++) {
		for (unsigned k = 0; h->links[i] && k < WSDD_FAMILIES; k++)
			ponto_datagrams_close(&h->links[i]->sockets[k].net);
	}
	ponto_timer_destroy(h->loop, h->timer);
	h->closed = true;
	if (h->calls == 0)
		release(h);
}
