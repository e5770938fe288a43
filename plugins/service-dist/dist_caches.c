/* The client of hosted caches: its two engines, and their exchanges. In the engine of retrieval a cache is an address;
 * one that is configured by name has one that nobody can have (RFC 6666), and its URL says the name. */
#include "plugins/service-dist/dist_caches.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engines/content/content_lists.h"
#include "plugins/service-dist/dist_client.h"

#define TOPIC "service.dist.hosted"
#define HOST_MAX 256 /* bytes of a name */

struct named {
	struct ponto_addr addr;
	bool secure;
	char host[HOST_MAX]; /* as it stands in a URL */
	uint16_t port, retrieval;
};

struct offer {
	struct offer *next;
	struct dist_caches *caches;
	uint32_t cache;
	struct content_offering *request;
	struct dist_post *post;
};

struct listing {
	struct listing *next;
	struct dist_caches *caches;
	struct content_listing *request;
	struct ponto_addr addr;
	struct dist_post *post;
};

/* The hashes of a segment, from the cache. */
struct described {
	struct dist_caches *caches;
	struct content_offering *request;
	struct content_segment segment;
	uint8_t *hashes;
};

struct dist_caches {
	struct dist *dist;
	struct content_caches *engine;
	struct content_lists *lists;
	struct named named[CONTENT_CACHES_MAX];
	uint32_t count;
	struct offer *offers;
	struct listing *listings;
	struct ponto_timer *timer;
	const char *ca_file;
	unsigned jobs;
	bool pumping, again, stopping;
	struct content_caches_stats told;
	struct ponto_counter *offered, *failed, *backoffs, *dropped, *unofferable;
};

static void pump(struct dist_caches *caches);

/* ---- names ------------------------------------------------------------------------------ */

static bool parse_port(const char *text, uint16_t *port)
{
	unsigned long value = 0;

	if (!*text || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text))
		return false;
	for (; *text; text++)
		value = 10 * value + (unsigned long)(*text - '0');
	*port = (uint16_t)value;
	return value > 0 && value <= UINT16_MAX;
}

/* HOST, HOST:PORT, ADDRESS, [ADDRESS]:PORT, with or without a scheme. */
static bool parse_name(const char *text, struct named *out)
{
	static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	const char *port;
	size_t len;

	memset(out, 0, sizeof(*out));
	out->secure = strncasecmp(text, "https://", 8) == 0;
	if (out->secure || strncasecmp(text, "http://", 7) == 0)
		text += out->secure ? 8 : 7;
	out->port = out->secure ? CONTENT_OFFER_PORT_V1 : CONTENT_OFFER_PORT_V2;
	if (*text == '[' || strspn(text, "0123456789.:") == strlen(text) || strchr(text, ':') != strrchr(text, ':')) {
		char bare[PONTO_ADDR_TEXT];
		struct ponto_addr addr;

		if (ponto_addr_parse(text, out->port, &addr) != PONTO_OK || addr.port == 0 || addr.zone)
			return false;
		out->port = addr.port;
		addr.port = 0;
		out->addr = addr;
		ponto_addr_format(&addr, bare);
		snprintf(out->host, sizeof(out->host), addr.family == PONTO_FAMILY_IPV6 ? "[%s]" : "%s", bare);
		return true;
	}
	port = strchr(text, ':');
	len = port ? (size_t)(port - text) : strlen(text);
	if (len == 0 || len >= sizeof(out->host) || strspn(text, name_bytes) < len)
		return false;
	memcpy(out->host, text, len);
	return !port || parse_port(port + 1, &out->port);
}

bool dist_caches_fits(const char *text, int64_t number, char *why, size_t size)
{
	struct named named;

	(void)number;
	if (!*text || parse_name(text, &named))
		return true;
	snprintf(why, size, "'%s' is no hosted cache, such as cache.example.net:80 or https://cache.example.net", text);
	return false;
}

/* Where it is retrieved from: at the same port as it is offered to, or, beside HTTPS, at one of its own. */
static void place(struct dist_caches *caches, struct named *n, uint32_t i)
{
	n->retrieval = n->secure ? (uint16_t)ponto_conf_int(caches->dist->conf, "hosted_port") : n->port;
	if (n->addr.family == PONTO_FAMILY_NONE) {
		n->addr.family = PONTO_FAMILY_IPV6;
		n->addr.ip[0] = 0x01; /* 100::/64, discarded everywhere */
		n->addr.ip[15] = (uint8_t)(i + 1);
	}
	n->addr.port = n->retrieval;
}

static int index_of(const struct dist_caches *caches, const struct ponto_addr *addr)
{
	for (uint32_t i = 0; caches && i < caches->count; i++) {
		if (ponto_addr_equal(&caches->named[i].addr, addr))
			return (int)i;
	}
	return -1;
}

bool dist_caches_url(const struct dist_caches *caches, const struct ponto_addr *addr, char out[DIST_POST_URL])
{
	int i = index_of(caches, addr);

	if (i >= 0)
		snprintf(out, DIST_POST_URL, "http://%s:%u%s", caches->named[i].host, caches->named[i].retrieval,
			 CONTENT_PATH);
	return i >= 0;
}

/* ---- which is asked ------------------------------------------------------------------------ */

/* Nobody has it: the content server is asked. */
static void nobody(struct dist_caches *caches, const struct content_id *id)
{
	content_client_searched(caches->dist->client->engine, dist_now(caches->dist), id);
}

static void has(struct dist_caches *caches, const struct content_id *id, const struct ponto_addr *addr)
{
	content_client_found(caches->dist->client->engine, dist_now(caches->dist), id, addr);
	nobody(caches, id);
}

/* What is sought in one turn is asked in one list, at its end. */
static void at_the_end(struct dist_caches *caches)
{
	ponto_timer_set(caches->dist->env->loop, caches->timer, dist_now(caches->dist));
}

void dist_caches_seek(struct dist_caches *caches, const struct content_id *id, bool v2)
{
	uint32_t i;

	if (caches->stopping || !content_caches_pick(caches->engine, dist_now(caches->dist), &i)) {
		nobody(caches, id);
		return;
	}
	/* Of version 1.0 there are few segments with many blocks, whose lists are asked for anyway. */
	if (!v2)
		has(caches, id, &caches->named[i].addr);
	else if (content_lists_ask(caches->lists, &caches->named[i].addr, id) != PONTO_OK)
		nobody(caches, id);
	else
		at_the_end(caches);
}

bool dist_caches_right(struct dist_caches *caches, const struct ponto_addr *addr)
{
	int i = index_of(caches, addr);

	if (i >= 0)
		content_caches_right(caches->engine, (uint32_t)i);
	return i >= 0;
}

static void note_failure(struct dist_caches *caches)
{
	struct content_caches_stats now;

	content_caches_stats(caches->engine, &now);
	ponto_counter_add(caches->offered, now.offered - caches->told.offered);
	ponto_counter_add(caches->failed, now.failed - caches->told.failed);
	ponto_counter_add(caches->backoffs, now.backoffs - caches->told.backoffs);
	ponto_counter_add(caches->dropped, now.dropped - caches->told.dropped);
	ponto_counter_add(caches->unofferable, now.unofferable - caches->told.unofferable);
	caches->told = now;
}

/* One line when a cache begins to be left alone. */
static void told_failed(struct dist_caches *caches, uint32_t i, const char *why)
{
	uint64_t before = caches->told.backoffs;

	note_failure(caches);
	if (caches->told.backoffs > before)
		ponto_warning(caches->dist->env->log, TOPIC, "hosted cache %s: %s; it is left alone for a while",
			      caches->named[i].host, why);
}

bool dist_caches_wrong(struct dist_caches *caches, const struct ponto_addr *addr)
{
	int i = index_of(caches, addr);

	if (i < 0)
		return false;
	content_caches_wrong(caches->engine, dist_now(caches->dist), (uint32_t)i);
	told_failed(caches, (uint32_t)i, "one wrong block after the other");
	return true;
}

void dist_caches_failed(struct dist_caches *caches, const struct ponto_addr *addr)
{
	int i = index_of(caches, addr);

	if (i < 0)
		return;
	content_caches_failed(caches->engine, dist_now(caches->dist), (uint32_t)i);
	told_failed(caches, (uint32_t)i, "no answer, or none of the Retrieval Protocol");
	at_the_end(caches);
}

/* ---- lists of segments ------------------------------------------------------------------------ */

static void forget_listing(struct listing *l)
{
	struct listing **at = &l->caches->listings;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	dist_post_close(l->post);
	ponto_free(l->caches->dist->env->alloc, l);
}

static void listed(struct listing *l, int result, unsigned status, struct ponto_bytes body)
{
	struct dist_caches *caches = l->caches;

	if (result == PONTO_OK && status != 200)
		result = PONTO_EPROTO;
	result = content_lists_response(caches->lists, l->request, result, body);
	if (result != PONTO_OK && !caches->stopping)
		dist_caches_failed(caches, &l->addr);
	forget_listing(l);
}

static void on_list(void *arg, int result, unsigned status, struct ponto_bytes body)
{
	struct listing *l = arg;
	struct dist_caches *caches = l->caches;

	listed(l, result, status, body);
	pump(caches);
}

static void ask(struct dist_caches *caches, const struct content_lists_effect *e)
{
	struct dist *dist = caches->dist;
	struct listing *l = ponto_new(dist->env->alloc, 1, sizeof(*l));
	char url[DIST_POST_URL];
	struct dist_post_setup setup = {
		.url = url,
		.body = e->body,
		.timeout = 2 * CONTENT_REQUEST_TIMEOUT_MAX, /* the engine's own is shorter */
		.limit = CONTENT_LENGTH_PREFIX + CONTENT_RESPONSE_MAX,
		.usual = 1024,
	};
	int result;

	if (!l) {
		(void)!content_lists_response(caches->lists, e->request, PONTO_ENOMEM, ponto_bytes(NULL, 0));
		dist_caches_failed(caches, &e->addr); /* or it would be asked again at once */
		return;
	}
	l->caches = caches;
	l->request = e->request;
	l->addr = e->addr;
	l->next = caches->listings;
	caches->listings = l;
	(void)dist_caches_url(caches, &e->addr, url);
	result = dist_post_open(dist, &setup, on_list, l, &l->post);
	if (result != PONTO_OK)
		listed(l, result, 0, ponto_bytes(NULL, 0));
}

static void take_list(struct dist_caches *caches, const struct content_lists_effect *e)
{
	struct listing *l = caches->listings;

	switch (e->kind) {
	case CONTENT_LISTS_REQUEST:
		ask(caches, e);
		break;
	case CONTENT_LISTS_CANCEL:
		while (l && l->request != e->request)
			l = l->next;
		dist_caches_failed(caches, &e->addr);
		if (l)
			forget_listing(l);
		break;
	case CONTENT_LISTS_LACKS:
		nobody(caches, &e->id);
		break;
	case CONTENT_LISTS_FAILED: /* it is left alone now: the next one, if there is any */
		dist_caches_seek(caches, &e->id, true);
		break;
	default:
		has(caches, &e->id, &e->addr);
		break;
	}
}

/* ---- offers --------------------------------------------------------------------------------------- */

static void forget_offer(struct offer *o)
{
	struct offer **at = &o->caches->offers;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	dist_post_close(o->post);
	ponto_free(o->caches->dist->env->alloc, o);
}

static const char *failure(int result)
{
	return result == PONTO_EAUTH ? "its certificate is not accepted" : ponto_strerror(result);
}

static void offered(struct offer *o, int result, unsigned status, struct ponto_bytes body)
{
	struct dist_caches *caches = o->caches;

	content_caches_response(caches->engine, dist_now(caches->dist), o->request, result, status, body);
	told_failed(caches, o->cache,
		    result != PONTO_OK ? failure(result)
		    : status == 401    ? "it refuses this client"
				       : "an answer that is none of the Hosted Cache Protocol");
	forget_offer(o);
}

static void on_offered(void *arg, int result, unsigned status, struct ponto_bytes body)
{
	struct offer *o = arg;
	struct dist_caches *caches = o->caches;

	offered(o, result, status, body);
	pump(caches);
}

static void offer(struct dist_caches *caches, const struct content_caches_effect *e)
{
	const struct named *n = &caches->named[e->cache];
	struct dist *dist = caches->dist;
	struct offer *o = ponto_new(dist->env->alloc, 1, sizeof(*o));
	char url[DIST_POST_URL];
	struct dist_post_setup setup = {
		.url = url,
		.body = e->body,
		.timeout = 60 * PONTO_SECOND, /* the engine's own is shorter */
		.limit = 4096,
		.ca_file = n->secure ? caches->ca_file : NULL,
		.negotiate = e->negotiate,
	};
	int result;

	snprintf(url, sizeof(url), "%s://%s:%u%s", n->secure ? "https" : "http", n->host, n->port,
		 n->secure ? CONTENT_OFFER_PATH_V1 : CONTENT_OFFER_PATH_V2);
	if (!o) {
		content_caches_response(caches->engine, dist_now(dist), e->request, PONTO_ENOMEM, 0,
					ponto_bytes(NULL, 0));
		return;
	}
	o->caches = caches;
	o->request = e->request;
	o->cache = e->cache;
	o->next = caches->offers;
	caches->offers = o;
	result = dist_post_open(dist, &setup, on_offered, o, &o->post);
	if (result != PONTO_OK)
		offered(o, result, 0, ponto_bytes(NULL, 0));
}

/* On a worker. */
static int copy_hashes(void *arg, const struct dist_meta *meta, struct ponto_bytes hashes)
{
	struct described *d = arg;

	return dist_meta_segment(meta, hashes, d->caches->dist->env->alloc, &d->hashes, &d->segment);
}

static void hashes_read(void *arg, int result)
{
	struct described *d = arg;
	struct dist_caches *caches = d->caches;
	const struct ponto_alloc *alloc = caches->dist->env->alloc;

	caches->jobs--;
	content_caches_described(caches->engine, d->request, result == PONTO_OK ? &d->segment : NULL);
	ponto_free(alloc, d->hashes);
	ponto_wipe(d, sizeof(*d));
	ponto_free(alloc, d);
	pump(caches);
	dist_check_stopped(caches->dist);
}

static void describe(struct dist_caches *caches, const struct content_caches_effect *e)
{
	struct dist *dist = caches->dist;
	struct described *d = dist->cached ? ponto_new(dist->env->alloc, 1, sizeof(*d)) : NULL;

	if (d) {
		d->caches = caches;
		d->request = e->request;
		if (dist_cache_hashes(dist->cache, &e->id, copy_hashes, hashes_read, d) == PONTO_OK) {
			caches->jobs++;
			return;
		}
	}
	ponto_free(dist->env->alloc, d);
	content_caches_described(caches->engine, e->request, NULL);
}

static void take_offer(struct dist_caches *caches, const struct content_caches_effect *e)
{
	struct offer *o = caches->offers;

	if (e->kind == CONTENT_CACHES_OFFER) {
		offer(caches, e);
	} else if (e->kind == CONTENT_CACHES_DESCRIBE) {
		describe(caches, e);
	} else {
		while (o && o->request != e->request)
			o = o->next;
		told_failed(caches, e->cache, "it does not answer an offer");
		if (o)
			forget_offer(o);
	}
}

void dist_caches_fresh(struct dist_caches *caches, const struct content_fresh *fresh, uint32_t index)
{
	struct dist *dist;
	struct dist_known known;

	if (!caches || caches->stopping)
		return;
	dist = caches->dist;
	content_caches_fresh(caches->engine, dist_now(dist), fresh, index,
			     dist_cache_find(dist->cache, &fresh->id, &known) && known.whole);
	at_the_end(caches);
}

/* ---- both ---------------------------------------------------------------------------------------------- */

static void pump(struct dist_caches *caches)
{
	uint64_t now = dist_now(caches->dist), at;
	struct content_caches_effect offer_effect;
	struct content_lists_effect list_effect;
	bool told = false;

	caches->again = true;
	if (caches->pumping || caches->stopping)
		return;
	caches->pumping = true;
	while (caches->again) {
		caches->again = false;
		while (content_lists_effect(caches->lists, now, &list_effect)) {
			take_list(caches, &list_effect);
			told = true;
		}
		while (content_caches_effect(caches->engine, now, &offer_effect))
			take_offer(caches, &offer_effect);
	}
	caches->pumping = false;
	note_failure(caches);
	at = content_caches_deadline(caches->engine, now);
	if (content_lists_deadline(caches->lists) < at)
		at = content_lists_deadline(caches->lists);
	ponto_timer_set(caches->dist->env->loop, caches->timer, at);
	if (told)
		dist_client_pump(caches->dist->client);
}

static void on_timer(void *arg)
{
	struct dist_caches *caches = arg;
	uint64_t now = dist_now(caches->dist);

	content_lists_advance(caches->lists, now);
	content_caches_advance(caches->engine, now);
	pump(caches);
}

/* ---- its life ------------------------------------------------------------------------------------------- */

static int make_engines(struct dist_caches *caches)
{
	const struct ponto_env *env = caches->dist->env;
	struct content_caches_config config = content_caches_defaults(env->alloc);
	uint64_t timeout = (uint64_t)ponto_conf_int(env->conf, "request_timeout") * PONTO_MS;
	int result;

	config.count = caches->count;
	for (uint32_t i = 0; i < caches->count; i++)
		config.secure[i] = caches->named[i].secure;
	result = content_caches_create(&config, &caches->engine);
	if (result == PONTO_OK)
		result = content_lists_create(env->alloc, timeout, ponto_random_u64(env->random), &caches->lists);
	return result;
}

static void make_metrics(struct dist_caches *caches)
{
	struct ponto_metrics *m = caches->dist->env->metrics;
	const char *name = caches->dist->env->instance;

	caches->offered = ponto_counter(m, "dist_offered_segments_total", name, "segments offered to hosted caches");
	caches->failed = ponto_counter(m, "dist_offers_failed_total", name, "offers that no hosted cache answered");
	caches->dropped = ponto_counter(m, "dist_offers_dropped_total", name, "segments whose offer was given up");
	caches->unofferable = ponto_counter(m, "dist_unofferable_blocks_total", name,
					    "blocks of segments that no hosted cache's version has words for");
	caches->backoffs = ponto_counter(m, "dist_hosted_backoffs_total", name, "times a hosted cache was left alone");
}

int dist_caches_open(struct dist *dist, struct dist_caches **out)
{
	const char *const *names = ponto_conf_list(dist->conf, "hosted");
	const char *ca = ponto_conf_string(dist->conf, "hosted_ca");
	struct dist_caches *caches;
	int result = PONTO_OK;

	if (!names[0])
		return PONTO_OK;
	caches = ponto_new(dist->env->alloc, 1, sizeof(*caches));
	if (!caches)
		return PONTO_ENOMEM;
	caches->dist = dist;
	caches->ca_file = *ca ? ca : NULL;
	make_metrics(caches);
	for (; names[caches->count] && result == PONTO_OK; caches->count++) {
		if (caches->count == CONTENT_CACHES_MAX) {
			ponto_error(dist->env->log, TOPIC, "more than %u hosted caches", CONTENT_CACHES_MAX);
			result = PONTO_ELIMIT;
			break;
		}
		if (!parse_name(names[caches->count], &caches->named[caches->count]))
			result = PONTO_ECONF;
		place(caches, &caches->named[caches->count], caches->count);
	}
	if (result == PONTO_OK)
		result = make_engines(caches);
	if (result == PONTO_OK)
		result = ponto_timer_create(dist->env->loop, on_timer, caches, &caches->timer);
	if (result != PONTO_OK) {
		dist_caches_close(caches);
		return result;
	}
	if (ponto_conf_given(dist->conf, "discovery") && ponto_conf_list(dist->conf, "discovery")[0])
		ponto_warning(dist->env->log, TOPIC, "option 'hosted' is set: no neighbour is asked, nor answered");
	*out = caches;
	return PONTO_OK;
}

/* Offers say at which port; until it is known there are none. */
void dist_caches_serve(struct dist_caches *caches, uint16_t port)
{
	if (caches)
		content_caches_serve(caches->engine, port);
}

/* Offers and questions are broken off; hashes that are read are waited for. */
void dist_caches_stop(struct dist_caches *caches)
{
	if (!caches)
		return;
	caches->stopping = true;
	while (caches->listings)
		listed(caches->listings, PONTO_ECLOSED, 0, ponto_bytes(NULL, 0));
	while (caches->offers)
		forget_offer(caches->offers);
	if (caches->timer)
		ponto_timer_set(caches->dist->env->loop, caches->timer, PONTO_NEVER);
}

bool dist_caches_idle(const struct dist_caches *caches)
{
	return !caches || caches->jobs == 0;
}

void dist_caches_close(struct dist_caches *caches)
{
	if (!caches)
		return;
	dist_caches_stop(caches);
	content_caches_destroy(caches->engine);
	content_lists_destroy(caches->lists);
	ponto_timer_destroy(caches->dist->env->loop, caches->timer);
	ponto_free(caches->dist->env->alloc, caches);
}
