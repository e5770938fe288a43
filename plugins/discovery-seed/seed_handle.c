/* A search: configured addresses at once, names when they resolve, remembered addresses when the store answers. */
#include <netdb.h>
#include <string.h>

#include "plugins/discovery-seed/seed.h"
#include "plugins/discovery-seed/seed_order.h"

/* How long addresses at hand wait for names that are still being resolved, to be put in order with theirs. */
#define PATIENCE PONTO_SECOND

/* What became of a configured name. */
struct name_state {
	int error;	   /* of the last answer; logged when it changes */
	bool answered;	   /* there was one */
	bool asked;	   /* a question is under way */
	uint64_t resolved; /* monotonic, of the last success */
	struct ponto_addr *addrs;
	size_t count;
};

struct ponto_discovery_handle {
	struct seed *seed;
	struct ponto_loop *loop;
	struct ponto_discovery_want want; /* topic is not used: memory has it */
	struct ponto_discovery_events events;
	void *arg;
	struct ponto_timer *timer;	/* set to now: there is something to report */
	struct seed_resolver *resolver; /* NULL: no names, or a simulated world */
	struct ponto_watch *watch;
	struct ponto_seed *peers;  /* of this handle, then of the instance */
	size_t peer_count;
	struct name_state *names; /* as many as peers */
	struct seed_memory memory;
	unsigned searching;	 /* sources */
	unsigned ready;		 /* sources on which the timer is to report, beside seeds */
	struct seed_found found; /* of this search for seeds */
	size_t reported;	 /* of these */
	bool gathered;		 /* this search's first report is out: what comes later is added at the end */
	uint64_t report_at;	 /* when it comes at the latest */
	size_t names_left;	 /* questions under way */
	unsigned calls;		 /* on the stack */
	bool closed;
	bool sim_told;
};

static void free_peers(struct ponto_discovery_handle *h)
{
	const struct ponto_alloc *alloc = h->seed->env->alloc;

	for (size_t i = 0; h->names && i < h->peer_count; i++)
		ponto_free(alloc, h->names[i].addrs);
	ponto_free(alloc, h->names);
	ponto_free(alloc, h->peers);
	h->names = NULL;
	h->peers = NULL;
	h->peer_count = 0;
}

static void release(struct ponto_discovery_handle *h)
{
	free_peers(h);
	seed_found_clear(&h->found);
	ponto_free(h->seed->env->alloc, h);
}

static void enter(struct ponto_discovery_handle *h)
{
	h->calls++;
}

static void leave(struct ponto_discovery_handle *h)
{
	if (--h->calls == 0 && h->closed)
		release(h);
}

static void finish(struct ponto_discovery_handle *h, enum ponto_discovery_source source)
{
	if (h->closed || !(h->searching & source))
		return;
	h->searching &= ~(unsigned)source;
	h->events.done(h->arg, source);
}

/* ---- seeds ------------------------------------------------------------------------- */

/* In order, as far as they were not reported yet: RFC 6724 over configured addresses and those of all names. Order of
 * configuration and of getaddrinfo decide the rest; where memory is short they decide alone. */
static void sort_seeds(struct ponto_discovery_handle *h, struct ponto_addr *addrs, size_t count)
{
	const struct ponto_alloc *alloc = h->seed->env->alloc;
	struct seed_candidate *candidates;

	if (count < 2 || ponto_loop_sim(h->loop))
		return; /* a simulated host has no routes to ask about */
	candidates = ponto_new(alloc, count, sizeof(*candidates));
	if (!candidates)
		return;
	for (size_t i = 0; i < count; i++) {
		candidates[i].addr = addrs[i];
		seed_source_of(&addrs[i], &candidates[i].source);
	}
	seed_order_sort(candidates, count);
	for (size_t i = 0; i < count; i++)
		addrs[i] = candidates[i].addr;
	ponto_free(alloc, candidates);
}

/* Reports what has been added to the set since the last time. */
static void report_seeds(struct ponto_discovery_handle *h)
{
	size_t from = h->reported;

	h->reported = h->found.count;
	if (h->found.count == from)
		return;
	sort_seeds(h, h->found.addrs + from, h->found.count - from);
	h->events.found(h->arg, PONTO_SOURCE_SEED, h->found.addrs + from, h->found.count - from);
}

static void add_seed(struct ponto_discovery_handle *h, const struct ponto_addr *addr, uint16_t port)
{
	struct ponto_addr fitted = *addr;

	if (fitted.port == 0)
		fitted.port = port;
	if (seed_address_fits(&h->want, &fitted))
		seed_found_add(&h->found, &fitted);
}

static void add_known(struct ponto_discovery_handle *h, size_t peer)
{
	for (size_t i = 0; i < h->names[peer].count; i++)
		add_seed(h, &h->names[peer].addrs[i], h->peers[peer].port);
}

/* All that is known of the peers now, in the order of the configuration. */
static void gather(struct ponto_discovery_handle *h)
{
	h->found.count = 0; /* its memory is for this search's report too */
	h->found.refused = false;
	h->reported = 0;
	for (size_t i = 0; i < h->peer_count; i++) {
		if (!h->peers[i].host[0])
			add_seed(h, &h->peers[i].address, 0);
		else if (h->names[i].error == 0 && !h->names[i].asked)
			add_known(h, i);
	}
}

/* The first report of a search, and its end when no name is left. */
static void report_first(struct ponto_discovery_handle *h)
{
	h->gathered = true;
	gather(h);
	report_seeds(h);
	if (h->names_left == 0)
		finish(h, PONTO_SOURCE_SEED);
}

/* What the name server says now, in the order of before: servers turn the order of equals at every question. */
static void keep_order(const struct name_state *name, const struct seed_answer *answer,
			 struct ponto_addr out[SEED_ANSWER_MAX])
{
	bool taken[SEED_ANSWER_MAX] = {false};
	size_t count = 0;

	for (size_t k = 0; k < name->count; k++) {
		for (size_t i = 0; i < answer->count; i++) {
			if (taken[i] || !ponto_addr_equal(&name->addrs[k], &answer->addrs[i]))
				continue;
			taken[i] = true;
			out[count++] = answer->addrs[i];
		}
	}
	for (size_t i = 0; i < answer->count; i++)
		if (!taken[i])
			out[count++] = answer->addrs[i];
}

static void note_answer(struct ponto_discovery_handle *h, const struct seed_answer *answer)
{
	const struct ponto_env *env = h->seed->env;
	struct name_state *name = &h->names[answer->tag];
	const char *host = h->peers[answer->tag].host;
	struct ponto_addr ordered[SEED_ANSWER_MAX], *addrs;

	name->asked = false;
	if (!name->answered || name->error != answer->error) {
		if (answer->error)
			ponto_warning(env->log, SEED_TOPIC,
				      "%s does not resolve: %s; asked again at the next search", host, answer->reason);
		else
			ponto_info(env->log, SEED_TOPIC, "%s resolves to %zu addresses", host, answer->count);
	}
	name->answered = true;
	name->error = answer->error;
	if (answer->error || answer->count == 0)
		return;
	keep_order(name, answer, ordered);
	addrs = ponto_resize(env->alloc, name->addrs, answer->count, sizeof(*addrs));
	if (!addrs)
		return; /* what was known stays known */
	memcpy(addrs, ordered, answer->count * sizeof(*addrs));
	name->addrs = addrs;
	name->count = answer->count;
	name->resolved = ponto_loop_now(h->loop);
}

static void on_answer(void *arg, unsigned events)
{
	struct ponto_discovery_handle *h = arg;
	struct seed_answer answer;

	(void)events;
	enter(h);
	while (!h->closed && seed_resolver_take(h->resolver, &answer)) {
		note_answer(h, &answer);
		h->names_left--;
		if (!h->gathered)
			continue;
		if (!answer.error)
			add_known(h, answer.tag);
		report_seeds(h);
	}
	if (!h->closed && h->names_left == 0 && (h->searching & PONTO_SOURCE_SEED)) {
		if (h->gathered)
			finish(h, PONTO_SOURCE_SEED);
		else
			report_first(h);
	}
	leave(h);
}

static bool is_fresh(const struct ponto_discovery_handle *h, size_t peer)
{
	const struct name_state *name = &h->names[peer];

	return name->count > 0 && name->error == 0 && ponto_loop_now(h->loop) - name->resolved < h->seed->refresh;
}

static void ask_name(struct ponto_discovery_handle *h, size_t peer)
{
	const struct ponto_env *env = h->seed->env;
	const char *host = h->peers[peer].host;

	if (!h->resolver) {
		if (!h->sim_told)
			ponto_warning(env->log, SEED_TOPIC, "names such as %s are not resolved in simulation", host);
		h->sim_told = true;
	} else if (seed_resolver_ask(h->resolver, host, h->want.family, peer) == PONTO_OK) {
		h->names_left++;
		h->names[peer].asked = true;
	} else {
		ponto_warning(env->log, SEED_TOPIC, "%s is not resolved: no thread or memory for it", host);
	}
}

static int start_seeds(struct ponto_discovery_handle *h)
{
	gather(h);
	if (h->found.refused)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < h->peer_count; i++)
		if (h->peers[i].host[0] && !is_fresh(h, i))
			ask_name(h, i);
	h->gathered = false;
	h->report_at = ponto_loop_now(h->loop) + (h->names_left ? PATIENCE : 0);
	return PONTO_OK;
}

/* ---- remembered ------------------------------------------------------------------------ */

static void report_remembered(struct ponto_discovery_handle *h)
{
	struct ponto_addr addrs[SEED_RECENT_MAX];
	size_t count = 0;

	for (size_t i = 0; i < h->memory.recent.count; i++) {
		addrs[count] = h->memory.recent.entry[i].addr;
		if (seed_address_fits(&h->want, &addrs[count]))
			count++;
	}
	if (count)
		h->events.found(h->arg, PONTO_SOURCE_REMEMBERED, addrs, count);
	finish(h, PONTO_SOURCE_REMEMBERED);
}

static void on_loaded(void *arg)
{
	struct ponto_discovery_handle *h = arg;

	enter(h);
	if (!h->closed && (h->searching & PONTO_SOURCE_REMEMBERED))
		report_remembered(h);
	leave(h);
}

/* ---- the handle --------------------------------------------------------------------------- */

static bool seeds_waiting(const struct ponto_discovery_handle *h)
{
	return (h->searching & PONTO_SOURCE_SEED) && !h->gathered;
}

static void arm(struct ponto_discovery_handle *h)
{
	if (h->ready)
		ponto_timer_set(h->loop, h->timer, ponto_loop_now(h->loop));
	else
		ponto_timer_set(h->loop, h->timer, seeds_waiting(h) ? h->report_at : PONTO_NEVER);
}

static void on_timer(void *arg)
{
	struct ponto_discovery_handle *h = arg;
	unsigned ready = h->ready;

	enter(h);
	h->ready = 0;
	if (ready & PONTO_SOURCE_REMEMBERED)
		report_remembered(h);
	if (!h->closed && seeds_waiting(h) && h->report_at <= ponto_loop_now(h->loop))
		report_first(h);
	if (ready & PONTO_SOURCE_MULTICAST)
		finish(h, PONTO_SOURCE_MULTICAST);
	if (!h->closed)
		arm(h);
	leave(h);
}

int seed_search(struct ponto_discovery_handle *h, unsigned sources)
{
	unsigned fresh = sources & ~h->searching;
	int result = PONTO_OK;

	if (sources & ~(PONTO_SOURCE_REMEMBERED | PONTO_SOURCE_MULTICAST | PONTO_SOURCE_SEED))
		return PONTO_EINVAL;
	if (fresh & PONTO_SOURCE_SEED)
		result = start_seeds(h);
	if (result)
		return result;
	h->searching |= fresh;
	if ((fresh & PONTO_SOURCE_REMEMBERED) && !seed_memory_load(&h->memory))
		fresh &= ~(unsigned)PONTO_SOURCE_REMEMBERED;
	h->ready |= fresh & ~(unsigned)PONTO_SOURCE_SEED;
	arm(h);
	return PONTO_OK;
}

void seed_remember(struct ponto_discovery_handle *h, const struct ponto_addr *addr)
{
	struct ponto_addr fitted = *addr;

	if (addr->port != 0 && seed_address_fits(&h->want, &fitted))
		seed_memory_add(&h->memory, addr);
}

/* The first name brings the resolver; it stays. */
static int open_resolver(struct ponto_discovery_handle *h)
{
	bool names = false;
	int result;

	for (size_t i = 0; i < h->peer_count && !names; i++)
		names = h->peers[i].host[0];
	if (!names || h->resolver || ponto_loop_sim(h->loop))
		return PONTO_OK;
	result = seed_resolver_create(&h->resolver);
	return result ? result
		      : ponto_watch_create(h->loop, seed_resolver_fd(h->resolver), PONTO_READABLE, on_answer, h,
					   &h->watch);
}

/* Replaces the handle's peers by own ones and, unless they alone count, the instance's. */
static int set_peers(struct ponto_discovery_handle *h, const struct ponto_seed *own, size_t own_count, bool only)
{
	const struct ponto_alloc *alloc = h->seed->env->alloc;
	size_t others = only ? 0 : h->seed->peer_count, count = own_count + others;
	struct ponto_seed *peers = count ? ponto_new(alloc, count, sizeof(*peers)) : NULL;
	struct name_state *names = count ? ponto_new(alloc, count, sizeof(*names)) : NULL;

	if (count && (!peers || !names)) {
		ponto_free(alloc, peers);
		ponto_free(alloc, names);
		return PONTO_ENOMEM;
	}
	if (own_count)
		memcpy(peers, own, own_count * sizeof(*peers));
	if (others)
		memcpy(peers + own_count, h->seed->peers, others * sizeof(*peers));
	free_peers(h);
	h->peers = peers;
	h->names = names;
	h->peer_count = count;
	return open_resolver(h);
}

int seed_seeds(struct ponto_discovery_handle *h, const char *const *texts, size_t count, bool only)
{
	struct ponto_seed *own = NULL;
	int result;

	if (h->searching & PONTO_SOURCE_SEED)
		return PONTO_EBUSY;
	result = seed_read_peers(h->seed->env, texts, count, &own);
	if (result == PONTO_OK)
		result = set_peers(h, own, count, only);
	ponto_free(h->seed->env->alloc, own);
	return result;
}

static void close_all(struct ponto_discovery_handle *h)
{
	h->closed = true;
	seed_memory_fini(&h->memory);
	ponto_watch_destroy(h->loop, h->watch);
	seed_resolver_close(h->resolver);
	h->watch = NULL;
	h->resolver = NULL;
	ponto_timer_destroy(h->loop, h->timer);
	h->timer = NULL;
}

int seed_open(void *self, struct ponto_loop *loop, const struct ponto_discovery_want *want,
	      const struct ponto_discovery_events *events, void *arg, struct ponto_discovery_handle **out)
{
	struct seed *seed = self;
	const struct ponto_alloc *alloc = seed->env->alloc;
	struct ponto_discovery_handle *h = ponto_new(alloc, 1, sizeof(*h));
	int result;

	if (!h)
		return PONTO_ENOMEM;
	h->seed = seed;
	h->loop = loop;
	h->want = *want;
	h->want.topic = NULL;
	h->events = *events;
	h->arg = arg;
	h->found.alloc = alloc;
	result = seed_memory_init(&h->memory, seed, loop, want->topic, on_loaded, h);
	if (!result)
		result = ponto_timer_create(loop, on_timer, h, &h->timer);
	if (!result)
		result = set_peers(h, NULL, 0, false);
	if (result) {
		close_all(h);
		release(h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

void seed_close(struct ponto_discovery_handle *h)
{
	close_all(h);
	if (h->calls == 0)
		release(h);
}
