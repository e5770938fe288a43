/* discovery-list: gives the numeric addresses of its configuration.
 *
 * A search is answered from a timer, because no callback may come before search
 * returns. A handle is used on its own loop only, so there is no lock. */
#include "framework/discovery.h"

#define TOPIC "discovery.list"
#define MAX_ADDRESSES 64

struct list {
	const struct ponto_env *env;
	struct ponto_addr addresses[MAX_ADDRESSES]; /* port 0: the searcher's */
	size_t count;
};

struct ponto_discovery_handle {
	struct list *list;
	struct ponto_loop *loop;
	struct ponto_discovery_want want;
	struct ponto_discovery_events events;
	void *arg;
	struct ponto_timer *timer;
	unsigned wanted; /* sources of the search that is on */
	bool busy, closed; /* answer calls back; and the handle was closed meanwhile */
};

static int list_create(const struct ponto_env *env, void **self)
{
	const char *const *text = ponto_conf_list(env->conf, "addresses");
	struct list *l = ponto_new(env->alloc, 1, sizeof(*l));

	if (!l)
		return PONTO_ENOMEM;
	l->env = env;
	for (; *text; text++) {
		if (l->count == MAX_ADDRESSES || ponto_addr_parse(*text, 0, &l->addresses[l->count]) != PONTO_OK) {
			ponto_error(env->log, TOPIC, "\"%s\" is no numeric address, or one of more than %d", *text, MAX_ADDRESSES);
			ponto_free(env->alloc, l);
			return PONTO_ECONF;
		}
		l->count++;
	}
	*self = l;
	return PONTO_OK;
}

static void list_destroy(void *self)
{
	struct list *l = self;

	if (l)
		ponto_free(l->env->alloc, l);
}

static bool fits(const struct ponto_discovery_want *want, const struct ponto_addr *address)
{
	return (want->scope == PONTO_SCOPE_NONE || ponto_addr_scope(address) == want->scope) &&
	       (want->family == PONTO_FAMILY_NONE || address->family == want->family);
}

/* Answers the search. The handle may be closed in any callback, and none comes after that. */
static void answer(void *arg)
{
	struct ponto_discovery_handle *h = arg;
	struct ponto_addr found[MAX_ADDRESSES];
	unsigned wanted = h->wanted;
	size_t count = 0;

	h->wanted = 0;
	h->busy = true;
	for (size_t i = 0; i < h->list->count; i++) {
		if (!fits(&h->want, &h->list->addresses[i]))
			continue;
		found[count] = h->list->addresses[i];
		if (found[count].port == 0)
			found[count].port = h->want.port;
		if (found[count].zone == 0 && ponto_addr_scope(&found[count]) == PONTO_SCOPE_LINK)
			found[count].zone = h->want.zone;
		count++;
	}
	if ((wanted & PONTO_SOURCE_SEED) && count > 0)
		h->events.found(h->arg, PONTO_SOURCE_SEED, found, count);
	for (unsigned source = 1; source <= PONTO_SOURCE_SEED && !h->closed; source <<= 1) {
		if (wanted & source)
			h->events.done(h->arg, (enum ponto_discovery_source)source);
	}
	h->busy = false;
	if (h->closed)
		ponto_free(h->list->env->alloc, h);
}

static int list_open(void *self, struct ponto_loop *loop, const struct ponto_discovery_want *want,
		     const struct ponto_discovery_events *events, void *arg, struct ponto_discovery_handle **out)
{
	struct list *l = self;
	struct ponto_discovery_handle *h = ponto_new(l->env->alloc, 1, sizeof(*h));
	int result;

	if (!h)
		return PONTO_ENOMEM;
	h->list = l;
	h->loop = loop;
	h->want = *want;
	h->want.topic = NULL; /* the caller's, and of no use here */
	h->events = *events;
	h->arg = arg;
	result = ponto_timer_create(loop, answer, h, &h->timer);
	if (result != PONTO_OK) {
		ponto_free(l->env->alloc, h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

static void list_close(struct ponto_discovery_handle *h)
{
	ponto_timer_destroy(h->loop, h->timer);
	h->closed = true;
	if (!h->busy)
		ponto_free(h->list->env->alloc, h);
}

static int list_search(struct ponto_discovery_handle *h, unsigned sources)
{
	h->wanted |= sources;
	ponto_timer_set(h->loop, h->timer, ponto_loop_now(h->loop));
	return PONTO_OK;
}

static const struct ponto_option options[] = {
	{.name = "addresses",
	 .type = PONTO_OPTION_LIST,
	 .fallback = "",
	 .doc = "numeric addresses, e.g. \"[2001:db8::1]:3540\"; the port may be left out"},
};

static const struct ponto_discovery_ops ops = {
	.head = {PONTO_DISCOVERY_ABI, sizeof(ops)},
	.sources = PONTO_SOURCE_SEED,
	.create = list_create,
	.destroy = list_destroy,
	.open = list_open,
	.close = list_close,
	.search = list_search,
};

PONTO_PLUGIN(discovery_list) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_DISCOVERY,
	.name = "discovery-list",
	.version = "1",
	.summary = "the numeric addresses of its configuration",
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
