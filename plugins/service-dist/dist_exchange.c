#include "plugins/service-dist/dist_exchange.h"

#include "plugins/service-dist/dist_caches.h"
#include "plugins/service-dist/dist_post.h"

#define BODY_USUAL (CONTENT_BLOCK + 256u)

void dist_exchange_forget(struct dist_exchange *ex)
{
	struct dist_exchange **at = &ex->all->first;
	const struct ponto_alloc *alloc = ex->all->dist->env->alloc;

	while (*at != ex)
		at = &(*at)->next;
	*at = ex->next;
	dist_post_close(ex->post);
	ponto_free(alloc, ex->block.plain);
	ponto_wipe(ex, ex->all->size);
	ponto_free(alloc, ex);
}

void dist_exchange_open(void *arg)
{
	struct dist_exchange *ex = arg;

	dist_open(ex->all->dist->env->alloc, &ex->block);
}

/* takes ex */
static void answered(struct dist_exchange *ex, int result, unsigned status, struct ponto_bytes body)
{
	struct dist_exchanges *all = ex->all;
	struct content_client_stats before, after;
	int open;

	if (result == PONTO_OK && status != 200)
		result = PONTO_EPROTO;
	content_client_stats(all->engine, &before);
	open = content_client_response(all->engine, dist_now(all->dist), ex->request, result, body, &ex->block.open);
	content_client_stats(all->engine, &after);
	if (open) {
		all->events->block(ex);
		return;
	}
	all->events->none(ex, result, after.malformed > before.malformed);
	dist_exchange_forget(ex);
}

static void on_answer(void *arg, int result, unsigned status, struct ponto_bytes body)
{
	struct dist_exchange *ex = arg;
	struct dist_exchanges *all = ex->all;

	answered(ex, result, status, body);
	all->events->pump(all->owner);
}

void dist_exchange_begin(struct dist_exchanges *all, const struct content_client_effect *e)
{
	struct dist *dist = all->dist;
	struct dist_exchange *ex = ponto_new(dist->env->alloc, 1, all->size);
	struct content_open open;
	char url[DIST_POST_URL];
	struct dist_post_setup setup = {
		.url = url,
		.body = e->body,
		.timeout = 2 * CONTENT_REQUEST_TIMEOUT_MAX, /* the engine's own is shorter */
		.limit = CONTENT_LENGTH_PREFIX + CONTENT_RESPONSE_MAX,
		.usual = BODY_USUAL,
	};
	int result;

	if (!ex) {
		(void)content_client_response(all->engine, dist_now(dist), e->request, PONTO_ENOMEM,
					      ponto_bytes(NULL, 0), &open);
		return;
	}
	if (!dist_caches_url(dist->caches, &e->addr, url))
		dist_post_url(&e->addr, CONTENT_PATH, url);
	ex->all = all;
	ex->request = e->request;
	ex->addr = e->addr;
	ex->next = all->first;
	all->first = ex;
	result = dist_post_open(dist, &setup, on_answer, ex, &ex->post);
	if (result != PONTO_OK)
		answered(ex, result, 0, ponto_bytes(NULL, 0));
}

void dist_exchange_cancel(struct dist_exchanges *all, struct content_request *request, int result)
{
	struct dist_exchange *ex = all->first;

	while (ex && ex->request != request)
		ex = ex->next;
	if (ex)
		answered(ex, result, 0, ponto_bytes(NULL, 0));
}

void dist_exchanges_end(struct dist_exchanges *all)
{
	while (all->first) {
		struct content_open open;

		(void)content_client_response(all->engine, dist_now(all->dist), all->first->request, PONTO_ECLOSED,
					      ponto_bytes(NULL, 0), &open);
		dist_exchange_forget(all->first);
	}
}
