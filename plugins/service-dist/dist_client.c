/* The client: one engine for all fetches, its exchanges with neighbours, and the blocks they send. */
#include <string.h>

#include "plugins/service-dist/dist_caches.h"
#include "plugins/service-dist/dist_client.h"

#define BAN (10 * 60 * PONTO_SECOND) /* of who sent wrong bytes */
#define PROBE_WINDOW (100 * PONTO_MS) /* in which so many segments of version 2.0 are asked for: */
#define PROBE_SEGMENTS 16u

uint64_t dist_session_tag(const struct dist_fetch *fetch, uint32_t segment)
{
	return fetch->number << 24 | segment;
}

static struct dist_fetch *fetch_of(const struct dist_client *client, uint64_t tag)
{
	struct dist_fetch *fetch = client->fetches;

	while (fetch && (fetch->number != tag >> 24 || fetch->closing || fetch->state != DIST_FETCH_BLOCKS))
		fetch = fetch->next;
	return fetch;
}

/* ---- work ---------------------------------------------------------------------------------- */

void dist_client_work(struct dist_client *client, ponto_loop_fn *run, ponto_loop_fn *done, void *arg)
{
	client->jobs++;
	if (ponto_pool_submit(client->dist->pool, client->dist->env->loop, run, done, arg) == PONTO_OK)
		return;
	run(arg);
	done(arg);
}

/* ---- who is not asked any more --------------------------------------------------------------- */

bool dist_client_banned(const struct dist_client *client, const struct ponto_addr *addr)
{
	for (unsigned i = 0; i < DIST_BANS; i++) {
		if (client->bans[i].until > dist_now(client->dist) && ponto_addr_equal(&client->bans[i].addr, addr))
			return true;
	}
	return false;
}

static void ban(struct dist_client *client, const struct ponto_addr *addr)
{
	if (dist_client_banned(client, addr))
		return;
	client->bans[client->ban_next] = (struct dist_ban){*addr, dist_now(client->dist) + BAN};
	client->ban_next = (client->ban_next + 1) % DIST_BANS;
	for (struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next)
		dist_blocks_peer_failed(fetch, addr, true);
}

/* It has another address, perhaps. */
static void try_other(struct dist_client *client, const struct ponto_addr *addr)
{
	for (unsigned i = 0; i < DIST_ALTERNATES; i++) {
		const struct dist_alternate *a = &client->alternates[i];

		if (a->addr.family == PONTO_FAMILY_NONE || !ponto_addr_equal(&a->addr, addr) ||
		    dist_client_banned(client, &a->other))
			continue;
		for (struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next) {
			for (unsigned k = 0; k < fetch->session_count; k++)
				dist_blocks_found(fetch, &fetch->sessions[k].id, &a->other);
		}
		return;
	}
}

/* ---- exchanges ---------------------------------------------------------------------------------- */

static void opened(void *arg)
{
	struct dist_exchange *ex = arg;
	struct dist_client *client = ex->all->owner;
	struct content_client_stats before, after;
	struct dist_opened *block = &ex->block;
	struct dist_fetch *fetch = fetch_of(client, block->open.tag);
	uint32_t segment = (uint32_t)(block->open.tag & 0xffffff);
	int right;

	client->jobs--;
	content_client_stats(client->engine, &before);
	right = content_client_opened(client->engine, dist_now(client->dist), ex->request, block->result, block->hash);
	content_client_stats(client->engine, &after);
	if (right && fetch) {
		dist_blocks_accept(fetch, content_plan_block(fetch->plan, segment, block->open.index), block->plain,
				   block->plain, block->open.size, DIST_FROM_PEERS);
		if (!dist_caches_right(client->dist->caches, &ex->addr))
			dist_blocks_given(fetch, segment, &ex->addr);
		block->plain = NULL;
	} else if (right && (block->open.tag & DIST_API_TAG)) {
		(void)dist_caches_right(client->dist->caches, &ex->addr);
		dist_api_block(client->dist->api, block->open.tag, block->open.index, block->plain, block->open.size,
			       block->hash, &ex->addr);
		block->plain = NULL;
	} else if (after.wrong > before.wrong && block->innocent) {
		if (fetch)
			dist_blocks_doubt(fetch, &ex->addr);
	} else if (after.wrong > before.wrong && block->result != PONTO_ENOMEM) {
		ponto_counter_add(client->metrics.wrong, 1);
		ponto_peer_fault(client->dist->env->log, DIST_CLIENT_TOPIC, &ex->addr,
				 "sent a block that is not the one asked for");
		if (!dist_caches_wrong(client->dist->caches, &ex->addr))
			ban(client, &ex->addr);
	}
	dist_exchange_forget(ex);
	dist_client_pump(client);
}

static void on_block(struct dist_exchange *ex)
{
	dist_client_work(ex->all->owner, dist_exchange_open, opened, ex);
}

static void on_none(struct dist_exchange *ex, int result, bool malformed)
{
	struct dist_client *client = ex->all->owner;

	if (malformed)
		ponto_peer_fault(client->dist->env->log, DIST_CLIENT_TOPIC, &ex->addr,
				 "an answer that is none of the Retrieval Protocol");
	if ((result == PONTO_OK || result == PONTO_ECLOSED) && !malformed)
		return;
	dist_caches_failed(client->dist->caches, &ex->addr);
	for (struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next)
		dist_blocks_peer_failed(fetch, &ex->addr, false);
	try_other(client, &ex->addr);
}

static void on_answered(void *owner)
{
	dist_client_pump(owner);
}

/* ---- the engine ------------------------------------------------------------------------------------ */

/* Segments of version 2.0 are many: few of them are asked for by multicast, the others among neighbours known. */
static bool may_probe(struct dist_client *client, bool v2)
{
	uint64_t window = dist_now(client->dist) / PROBE_WINDOW;

	if (!v2)
		return true;
	if (window != client->probe_window)
		client->probe_count = 0;
	client->probe_window = window;
	return client->probe_count++ < PROBE_SEGMENTS;
}

static void take_effect(struct dist_client *client, const struct content_client_effect *e)
{
	struct dist_fetch *fetch;

	switch (e->kind) {
	case CONTENT_CLIENT_PROBE:
		if (client->dist->caches)
			dist_caches_seek(client->dist->caches, &e->id, e->v2);
		else if (!may_probe(client, e->v2) || dist_search_seek(client->dist->search, &e->id, e->v2) != PONTO_OK)
			content_client_searched(client->engine, dist_now(client->dist), &e->id);
		break;
	case CONTENT_CLIENT_REQUEST:
		dist_exchange_begin(&client->exchanges, e);
		break;
	case CONTENT_CLIENT_CANCEL:
		dist_exchange_cancel(&client->exchanges, e->request, client->overdue ? PONTO_ETIME : PONTO_ECLOSED);
		break;
	case CONTENT_CLIENT_LACKED:
		fetch = e->tag & DIST_API_TAG ? NULL : fetch_of(client, e->tag);
		if (fetch)
			dist_blocks_lacked(fetch, (uint32_t)(e->tag & 0xffffff), &e->missing);
		break;
	default:
		if (e->tag & DIST_API_TAG) {
			dist_api_ended(client->dist->api, e->tag, &e->missing);
			break;
		}
		fetch = fetch_of(client, e->tag);
		if (fetch)
			dist_blocks_session_ended(fetch, (uint32_t)(e->tag & 0xffffff));
		break;
	}
}

void dist_client_wake(struct dist_fetch *fetch)
{
	fetch->dirty = true;
	fetch->client->again = true;
}

/* Those that nobody owns any more, and that wait for nothing. */
static void sweep(struct dist_client *client)
{
	for (struct dist_fetch **at = &client->fetches; *at;) {
		struct dist_fetch *fetch = *at;

		if (!fetch->closing || fetch->jobs > 0) {
			at = &fetch->next;
			continue;
		}
		*at = fetch->next;
		client->fetch_count--;
		dist_fetch_free(fetch);
		at = &client->fetches;
	}
	ponto_gauge_set(client->metrics.open, client->fetch_count);
}

/* The owner may close it, and others, from inside. */
static void tell(struct dist_client *client)
{
	for (struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next) {
		if (!fetch->closing && fetch->tell_head) {
			fetch->tell_head = false;
			fetch->events->head(fetch->arg, fetch);
		}
		if (!fetch->closing && fetch->tell_ready && !fetch->tell_head) {
			fetch->tell_ready = false;
			fetch->events->ready(fetch->arg, fetch);
		}
	}
}

static void set_timer(struct dist_client *client)
{
	uint64_t deadline = content_client_deadline(client->engine);

	for (const struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next) {
		if (!fetch->closing && fetch->state == DIST_FETCH_BLOCKS && fetch->deadline < deadline)
			deadline = fetch->deadline;
	}
	ponto_timer_set(client->dist->env->loop, client->timer, deadline);
}

void dist_client_pump(struct dist_client *client)
{
	struct content_client_effect e;

	client->again = true;
	if (client->pumping)
		return;
	client->pumping = true;
	while (client->again) {
		client->again = false;
		while (content_client_effect(client->engine, dist_now(client->dist), &e)) {
			take_effect(client, &e);
			client->again = true;
		}
		for (struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next) {
			if (fetch->dirty && !fetch->closing) {
				fetch->dirty = false;
				dist_blocks_step(fetch);
				client->again = true;
			}
		}
		tell(client);
	}
	sweep(client);
	client->pumping = false;
	set_timer(client);
	if (client->stopping)
		dist_check_stopped(client->dist);
}

static void tick(void *arg)
{
	struct dist_client *client = arg;
	uint64_t now = dist_now(client->dist);
	struct content_client_stats before, after;

	content_client_stats(client->engine, &before);
	content_client_advance(client->engine, now);
	content_client_stats(client->engine, &after);
	client->overdue = after.timeouts > before.timeouts; /* what is broken off now did not answer */
	for (struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next) {
		if (fetch->deadline <= now)
			dist_client_wake(fetch);
	}
	dist_client_pump(client);
	client->overdue = false;
}

/* ---- what discovery tells ----------------------------------------------------------------------------- */

void dist_client_found(struct dist_client *client, const struct content_id *id, const struct ponto_addr *addrs,
		       size_t count)
{
	size_t first = 0;

	if (!client)
		return;
	while (first < count && dist_client_banned(client, &addrs[first]))
		first++;
	if (first == count)
		return;
	for (const struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next) {
		if (dist_blocks_doubts(fetch, id, &addrs[first]))
			return;
	}
	/* The others are tried when this one does not answer. */
	for (size_t i = first + 1; i < count; i++) {
		client->alternates[client->alternate_next] = (struct dist_alternate){addrs[i - 1], addrs[i]};
		client->alternate_next = (client->alternate_next + 1) % DIST_ALTERNATES;
	}
	content_client_found(client->engine, dist_now(client->dist), id, &addrs[first]);
	for (struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next)
		dist_blocks_found(fetch, id, &addrs[first]);
	dist_client_pump(client);
}

void dist_client_searched(struct dist_client *client, const struct content_id *id)
{
	if (!client)
		return;
	content_client_searched(client->engine, dist_now(client->dist), id);
	dist_client_pump(client);
}

/* ---- its life ------------------------------------------------------------------------------------------- */

static void make_metrics(struct dist_client *client)
{
	const struct ponto_env *env = client->dist->env;
	struct dist_client_metrics *m = &client->metrics;

	m->bytes[DIST_FROM_PEERS] = ponto_counter(env->metrics, "dist_fetched_peers_bytes_total", env->instance,
						  "bytes of contents that neighbours sent, verified");
	m->bytes[DIST_FROM_ORIGIN] = ponto_counter(env->metrics, "dist_fetched_origin_bytes_total", env->instance,
						   "bytes of contents that origins sent");
	m->bytes[DIST_FROM_CACHE] = ponto_counter(env->metrics, "dist_fetched_cache_bytes_total", env->instance,
						  "bytes of contents that were here already");
	m->saved = ponto_counter(env->metrics, "dist_saved_bytes_total", env->instance,
				 "bytes of contents that no origin had to send");
	m->fetches = ponto_counter(env->metrics, "dist_fetches_total", env->instance, "fetches begun");
	m->failures = ponto_counter(env->metrics, "dist_fetch_failures_total", env->instance, "fetches that failed");
	m->wrong = ponto_counter(env->metrics, "dist_wrong_blocks_total", env->instance,
				 "blocks that were not what was asked for");
	m->open = ponto_gauge(env->metrics, "dist_fetches_open", env->instance, "fetches under way");
}

static void read_options(struct dist_client *client, struct content_client_config *config)
{
	const struct ponto_conf *conf = client->dist->conf;
	const char *ca = ponto_conf_string(conf, "ca_file");

	config->request_timeout = (uint64_t)ponto_conf_int(conf, "request_timeout") * PONTO_MS;
	config->session_timeout = (uint64_t)ponto_conf_int(conf, "session_timeout") * PONTO_MS;
	config->empty_lifetime = (uint64_t)ponto_conf_int(conf, "empty_lifetime") * PONTO_MS;
	config->server_lifetime = (uint64_t)ponto_conf_int(conf, "server_lifetime") * PONTO_MS;
	config->servers = (uint8_t)ponto_conf_int(conf, "servers");
	config->strikes = (uint8_t)ponto_conf_int(conf, "strikes");
	config->probes = (uint32_t)ponto_conf_int(conf, "probes");
	if (client->dist->caches) { /* they are asked each time ([MS-CCROD] 2.8.2.2.2); no network is flooded by it */
		config->empty_lifetime = 0;
		config->probes = UINT32_MAX;
	}
	client->origin_timeout = (uint64_t)ponto_conf_int(conf, "origin_timeout") * PONTO_MS;
	client->memory = (size_t)ponto_conf_int(conf, "fetch_memory") * 1024 * 1024;
	client->info_limit = (size_t)ponto_conf_int(conf, "information_limit") * 1024 * 1024;
	client->fetches_max = (uint32_t)ponto_conf_int(conf, "fetches");
	client->ca_file = *ca ? ca : NULL;
}

int dist_client_open(struct dist *dist, struct dist_client **out)
{
	static const struct dist_exchange_events events = {on_block, on_none, on_answered};
	struct dist_client *client = ponto_new(dist->env->alloc, 1, sizeof(*client));
	struct content_client_config config = content_client_defaults(dist->env->alloc);
	int result;

	if (!client)
		return PONTO_ENOMEM;
	client->dist = dist;
	client->next_number = 1;
	read_options(client, &config);
	make_metrics(client);
	result = content_client_create(&config, &client->engine);
	client->exchanges = (struct dist_exchanges){
		.dist = dist, .engine = client->engine, .events = &events, .owner = client, .size = sizeof(struct dist_exchange)};
	if (result == PONTO_OK)
		result = ponto_timer_create(dist->env->loop, tick, client, &client->timer);
	if (result == PONTO_OK)
		result = dist_proxy_open(client, &client->proxy);
	if (result != PONTO_OK)
		dist_client_close(client);
	else
		*out = client;
	return result;
}

/* Exchanges are broken off; what a worker has is waited for. */
void dist_client_stop(struct dist_client *client)
{
	if (!client || client->stopping)
		return;
	client->stopping = true;
	dist_proxy_close(client->proxy);
	client->proxy = NULL;
	for (struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next) {
		if (fetch->closing)
			continue;
		dist_fetch_fail(fetch, PONTO_ECLOSED, "the node is stopping");
	}
	dist_client_pump(client);
}

bool dist_client_idle(const struct dist_client *client)
{
	if (!client)
		return true;
	for (const struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next) {
		if (fetch->jobs > 0)
			return false;
	}
	return client->jobs == 0;
}

void dist_client_close(struct dist_client *client)
{
	if (!client)
		return;
	dist_proxy_close(client->proxy);
	dist_reader_close_all(client);
	while (client->fetches) {
		struct dist_fetch *fetch = client->fetches;

		client->fetches = fetch->next;
		dist_fetch_free(fetch);
	}
	dist_exchanges_end(&client->exchanges);
	content_client_destroy(client->engine);
	ponto_timer_destroy(client->dist->env->loop, client->timer);
	ponto_free(client->dist->env->alloc, client);
}
