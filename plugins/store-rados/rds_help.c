/* store-rados: the helper's thread: new connections, and lists of objects. */
#include <errno.h>
#include <string.h>

#include "plugins/store-rados/rds_link.h"
#include "plugins/store-rados/rds_list.h"

/* ---- on the thread -------------------------------------------------------------------- */

/* Seeking goes to the first object of the placement group. */
static bool comes_after(const struct rds_store *store, const char *name, const struct rds_list *list)
{
	return !list->after[0] || rds_order(ponto_bytes(store->nspace, strlen(store->nspace)), name, list->after) > 0;
}

/* The list made last, open, and the last names it gave. */
struct rds_recent {
	uint64_t run; /* 0: none */
	struct rds_link *link;
	rados_list_ctx_t ctx;
	bool end;
	size_t count;
	char names[RDS_LIST_MAX][RDS_OBJECT_MAX];
};

struct rds_recent *rds_recent_new(const struct ponto_alloc *alloc)
{
	return ponto_new(alloc, 1, sizeof(struct rds_recent));
}

static void forget(struct rds_recent *recent)
{
	if (recent->run == 0)
		return;
	rados_nobjects_list_close(recent->ctx);
	rds_link_leave(recent->link);
	recent->run = 0;
}

static void fill(struct rds_store *store, struct rds_list *list, rados_list_ctx_t ctx)
{
	const char *name;

	while (!list->error && list->count < RDS_LIST_MAX) {
		list->error = rados_nobjects_list_next(ctx, &name, NULL, NULL);
		if (list->error == -ENOENT)
			list->end = true;
		else if (!list->error && strlen(name) < RDS_OBJECT_MAX && comes_after(store, name, list))
			strcpy(list->names[list->count++], name);
	}
	if (list->end)
		list->error = 0;
}

/* What is left of the names given last. True: it was asked for by who got them, after one of them; there may be none
 * left. */
static bool give_left(const struct rds_recent *recent, const struct rds_link *link, struct rds_list *list)
{
	size_t at = 0;

	if (recent->run == 0 || recent->run != list->run || recent->link != link)
		return false;
	while (at < recent->count && strcmp(recent->names[at], list->after) != 0)
		at++;
	if (at == recent->count)
		return false;
	for (at++; at < recent->count; at++)
		strcpy(list->names[list->count++], recent->names[at]);
	list->end = recent->end;
	return true;
}

static void keep(struct rds_recent *recent, const struct rds_list *list)
{
	recent->end = list->end;
	recent->count = list->count;
	memcpy(recent->names, list->names, list->count * sizeof(list->names[0]));
}

static void list_objects(struct rds_store *store, struct rds_link *link, struct rds_list *list)
{
	struct ponto_bytes nspace = ponto_bytes(store->nspace, strlen(store->nspace));
	struct rds_recent *recent = store->recent;
	rados_list_ctx_t ctx;

	if (give_left(recent, link, list)) {
		if (list->count > 0 || list->end)
			return;
		fill(store, list, recent->ctx);
	} else {
		list->error = rados_nobjects_list_open(link->io, &ctx);
		if (list->error)
			return;
		if (list->after[0])
			rados_nobjects_list_seek(ctx,
						 rds_position(nspace, ponto_bytes(list->after, strlen(list->after))));
		fill(store, list, ctx);
		forget(recent);
		recent->run = list->run;
		recent->link = link;
		recent->ctx = ctx;
		rds_link_use(link);
	}
	keep(recent, list);
	if (list->error)
		forget(recent);
}

/* The first failure is logged, then silence until it works. */
static void connect_anew(struct rds_store *store, bool *quiet)
{
	struct ponto_env env = *store->env;
	struct rds_link *link;
	int result;

	if (*quiet)
		env.log = NULL;
	result = rds_link_open(&env, store->nspace, store->timeout, &link);
	if (!result)
		ponto_info(store->env->log, RDS_TOPIC, "connected anew");
	*quiet = result != PONTO_OK;
	pthread_mutex_lock(&store->lock);
	if (!result)
		store->link = link;
	pthread_cond_broadcast(&store->cond);
	if (result && !store->ending)
		rds_wait_locked(store, PONTO_NEVER);
	pthread_mutex_unlock(&store->lock);
}

static void serve_list(struct rds_store *store)
{
	struct rds_list *list = store->lists;
	struct rds_link *link = store->link;
	bool abandoned = list->abandoned;

	store->lists = list->next;
	rds_link_use(link);
	pthread_mutex_unlock(&store->lock);
	if (!abandoned)
		list_objects(store, link, list);
	if (list->error)
		list->error = rds_failed(store, link, list->error, false);
	rds_link_leave(link);
	pthread_mutex_lock(&store->lock);
	list->done = true;
	abandoned = list->abandoned;
	pthread_cond_broadcast(&store->cond);
	if (!abandoned)
		return;
	pthread_mutex_unlock(&store->lock);
	rds_list_free(store, list);
	pthread_mutex_lock(&store->lock);
}

void *rds_help(void *arg)
{
	struct rds_store *store = arg;
	bool quiet = false;

	pthread_mutex_lock(&store->lock);
	while (!store->ending) {
		if (!store->link) {
			pthread_mutex_unlock(&store->lock);
			forget(store->recent);
			connect_anew(store, &quiet);
			pthread_mutex_lock(&store->lock);
		} else if (store->lists) {
			serve_list(store);
		} else {
			pthread_cond_wait(&store->cond, &store->lock);
		}
	}
	pthread_mutex_unlock(&store->lock);
	forget(store->recent);
	return NULL;
}

/* ---- asking for a list ------------------------------------------------------------------- */

void rds_list_free(struct rds_store *store, struct rds_list *list)
{
	ponto_free(store->env->alloc, list);
}

static int ask(struct rds_store *store, const char *after, uint64_t run, uint64_t deadline, struct rds_list **out)
{
	struct rds_list *list = ponto_new(store->env->alloc, 1, sizeof(*list)), **last;
	bool done;

	if (!list)
		return PONTO_ENOMEM;
	strcpy(list->after, after);
	list->run = run;
	pthread_mutex_lock(&store->lock);
	for (last = &store->lists; *last; last = &(*last)->next)
		;
	*last = list;
	pthread_cond_broadcast(&store->cond);
	while (!list->done && !store->ending && !rds_late(store, deadline))
		rds_wait_locked(store, deadline);
	done = list->done;
	if (!done)
		list->abandoned = true;
	pthread_mutex_unlock(&store->lock);
	if (!done)
		return PONTO_ETIME;
	*out = list;
	return PONTO_OK;
}

int rds_list_names(struct rds_store *store, const char *after, uint64_t run, uint64_t deadline, struct rds_list **out)
{
	int result = RDS_AGAIN;

	for (unsigned tries = 0; result == RDS_AGAIN && tries < 3; tries++) {
		result = ask(store, after, run, deadline, out);
		if (!result && (*out)->error) {
			result = (*out)->error;
			rds_list_free(store, *out);
		}
	}
	return result > 0 ? PONTO_EIO : result;
}
