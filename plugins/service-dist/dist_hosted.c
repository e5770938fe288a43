/* The hosted cache: offers over HTTP and HTTPS, and what is pulled of who offers ([MS-PCHC] 3.1). Decisions are the
 * engine's; a fetching engine of its own, with nobody to search for, asks the sources of each pull. */
#include <assert.h>
#include <string.h>

#include "engines/content/content_hosted.h"
#include "plugins/service-dist/dist_client.h"
#include "plugins/service-dist/dist_hosted.h"
#include "plugins/service-dist/dist_inbox.h"

#define TOPIC "service.dist.hosted"
#define PUTS_MAX 128u /* blocks that the cache is writing: then those that came wait */
#define INBOX (1024u * 1024)	/* bytes of offers that were answered and not looked at */

/* A pull, as the fetching engine has it: a session. */
struct pull {
	struct pull *next;
	struct dist_hosted *hosted;
	struct content_hosted_effect e;
	struct content_segment segment; /* keys and hashes, unless it is relayed */
	uint8_t *list;			/* of its hashes, when the cache had them */
	bool begun, ended;
	unsigned puts;
	int cause; /* why it failed when that was nobody's fault */
};

/* One exchange with a source, and what becomes of the block that it brought. */
struct pulled {
	struct dist_exchange exchange;
	struct pulled *next_stalled;
	struct pull *pull; /* while the block is put */
	struct dist_piece piece;
};

struct dist_hosted {
	struct dist *dist;
	struct content_hosted *engine;
	struct content_client *client;
	struct dist_hosted_listen *listen; /* HTTPS; NULL: none */
	struct dist_inbox *inbox;	   /* of offers over HTTP that were answered at once */
	struct ponto_timer *timer;
	struct pull *pulls;
	struct dist_exchanges exchanges; /* struct pulled each */
	struct pulled *stalled;
	unsigned puts, jobs;
	unsigned share; /* percent of what the cache may keep, that one client may bring in an hour */
	bool pumping, again, stopping, overdue;
	uint8_t answers[2][CONTENT_OFFER_ANSWER];
	struct content_hosted_stats told;
	struct ponto_counter *offers, *segments, *held, *unsound, *refused, *rationed, *ignored, *malformed, *blocks,
		*bytes, *failed, *wrong, *replaced, *distrusted;
	struct ponto_counter *tags[CONTENT_TAGS];
	struct ponto_gauge *waiting, *active;
};

static void pump(struct dist_hosted *hosted);
static void on_opened(void *arg);

/* ---- pulls --------------------------------------------------------------------------------- */

static struct pull *pull_of(const struct dist_hosted *hosted, uint64_t tag)
{
	struct pull *p = hosted->pulls;

	while (p && p->e.tag != tag)
		p = p->next;
	return p;
}

/* It is over, and what it brought is kept. */
static void finish(struct pull *pull)
{
	struct dist_hosted *hosted = pull->hosted;
	struct pull **at = &hosted->pulls;
	const struct ponto_alloc *alloc = hosted->dist->env->alloc;

	while (*at != pull)
		at = &(*at)->next;
	*at = pull->next;
	content_hosted_ended(hosted->engine, dist_now(hosted->dist), pull->e.tag, pull->cause);
	ponto_free(alloc, pull->list);
	ponto_wipe(pull, sizeof(*pull));
	ponto_free(alloc, pull);
	hosted->again = true;
}

static void begin_session(struct pull *pull)
{
	struct dist_hosted *hosted = pull->hosted;
	const struct content_hosted_effect *e = &pull->e;
	uint64_t now = dist_now(hosted->dist);
	int result;

	content_client_forget(hosted->client, &e->id); /* who offered it before may be the one whose word is doubted */
	for (uint32_t i = 0; i < e->source_count; i++)
		content_client_expect(hosted->client, now, &e->id, &e->sources[i]);
	if (e->mode == CONTENT_HOSTED_RELAYED)
		result = content_client_relay(hosted->client, now, &e->id, e->algo, e->size, &e->blocks, e->tag);
	else
		result = content_client_add(hosted->client, now, e->algo, &pull->segment, &e->blocks, e->tag);
	pull->begun = result == PONTO_OK;
	if (result == PONTO_OK)
		return;
	pull->cause = result;
	finish(pull);
}

/* On a worker: what the cache knows of a segment that is there in part. */
static int copy_known(void *arg, const struct dist_meta *meta, struct ponto_bytes hashes)
{
	struct pull *pull = arg;

	return dist_meta_segment(meta, hashes, pull->hosted->dist->env->alloc, &pull->list, &pull->segment);
}

static void known_read(void *arg, int result)
{
	struct pull *pull = arg;
	struct dist_hosted *hosted = pull->hosted;

	hosted->jobs--;
	if (result == PONTO_OK && !hosted->stopping) {
		begin_session(pull);
	} else {
		pull->cause = result != PONTO_OK ? result : PONTO_ECLOSED;
		finish(pull);
	}
	pump(hosted);
	dist_check_stopped(hosted->dist);
}

static void begin_known(struct pull *pull)
{
	struct dist *dist = pull->hosted->dist;
	int result = PONTO_EBUSY;

	if (pull->e.mode != CONTENT_HOSTED_STORED) {
		begin_session(pull);
		return;
	}
	if (dist->cached)
		result = dist_cache_hashes(dist->cache, &pull->e.id, copy_known, known_read, pull);
	if (result == PONTO_OK) {
		pull->hosted->jobs++;
		return;
	}
	pull->cause = result;
	finish(pull);
}

static void learned(void *arg, int result)
{
	struct pull *pull = arg;
	struct dist_hosted *hosted = pull->hosted;

	(void)result; /* it was fetched in vain then */
	hosted->jobs--;
	pull->cause = hosted->stopping ? PONTO_ECLOSED
		      : content_hosted_again(hosted->engine, dist_now(hosted->dist), &pull->e) ? PONTO_OK
											       : PONTO_EEXIST;
	if (pull->cause == PONTO_OK)
		begin_known(pull);
	else
		finish(pull);
	pump(hosted);
	dist_check_stopped(hosted->dist);
}

/* The store may hold what is not known here: it is asked first. */
static bool ask_store(struct pull *pull)
{
	struct dist *dist = pull->hosted->dist;

	if (pull->e.replace || !dist->cached || !dist_cache_learns(dist->cache) ||
	    dist_cache_learn(dist->cache, &pull->e.id, 1, learned, pull) != PONTO_OK)
		return false;
	pull->hosted->jobs++;
	return true;
}

static void begin_pull(struct dist_hosted *hosted, const struct content_hosted_effect *e)
{
	struct pull *pull = ponto_new(hosted->dist->env->alloc, 1, sizeof(*pull));

	if (!pull) {
		content_hosted_ended(hosted->engine, dist_now(hosted->dist), e->tag, PONTO_ENOMEM);
		return;
	}
	pull->hosted = hosted;
	pull->e = *e;
	pull->segment = e->segment;
	pull->next = hosted->pulls;
	hosted->pulls = pull;
	if (!ask_store(pull))
		begin_known(pull);
}

static void join(struct dist_hosted *hosted, const struct content_hosted_effect *e)
{
	struct pull *pull = pull_of(hosted, e->tag);

	if (pull && pull->begun)
		content_client_found(hosted->client, dist_now(hosted->dist), &e->id, &e->sources[0]);
	else if (pull && pull->e.source_count < CONTENT_HOSTED_SOURCES)
		pull->e.sources[pull->e.source_count++] = e->sources[0];
}

/* ---- blocks ----------------------------------------------------------------------------------- */

static void settle(struct dist_hosted *hosted)
{
	struct pulled *pulled = hosted->stalled;

	if (!pulled || hosted->puts >= PUTS_MAX)
		return;
	hosted->stalled = pulled->next_stalled;
	hosted->jobs++;
	on_opened(pulled);
}

static void put_done(void *arg, int result)
{
	struct pulled *pulled = arg;
	struct dist_hosted *hosted = pulled->exchange.all->owner;
	struct pull *pull = pulled->pull;

	hosted->puts--;
	hosted->jobs--;
	pull->puts--;
	if (result == PONTO_OK || result == PONTO_EEXIST)
		content_hosted_block(hosted->engine, dist_now(hosted->dist), pull->e.tag, &pulled->exchange.addr,
				     (uint32_t)pulled->piece.data.len);
	else
		pull->cause = result;
	if (pull->ended && pull->puts == 0)
		finish(pull);
	dist_exchange_forget(&pulled->exchange);
	settle(hosted);
	pump(hosted);
	dist_check_stopped(hosted->dist);
}

/* Into the cache: plain when it was checked, else as it came. takes pulled */
static void keep(struct pulled *pulled, struct pull *pull)
{
	struct dist_hosted *hosted = pulled->exchange.all->owner;
	const struct content_hosted_effect *e = &pull->e;
	struct dist_segment segment = {.id = e->id, .algo = e->algo, .size = e->size, .replace = e->replace};
	const struct content_open *open = &pulled->exchange.block.open;
	int result = PONTO_EBUSY;

	segment.keyed = e->mode != CONTENT_HOSTED_RELAYED;
	memcpy(segment.tag, e->content_tag, DIST_TAG);
	pulled->pull = pull;
	pulled->piece.index = open->index;
	pulled->piece.crypto = CONTENT_PLAIN;
	if (segment.keyed) {
		memcpy(segment.hod, pull->segment.hod, sizeof(segment.hod));
		memcpy(segment.kp, pull->segment.kp, sizeof(segment.kp));
		segment.block_hashes = pull->segment.block_hashes;
		pulled->piece.data = ponto_bytes(pulled->exchange.block.plain, open->size);
	} else {
		pulled->piece.crypto = open->crypto;
		memcpy(pulled->piece.iv, open->iv, sizeof(pulled->piece.iv));
		pulled->piece.data = open->data;
	}
	if (hosted->dist->cached)
		result = dist_cache_put(hosted->dist->cache, &segment, &pulled->piece, put_done, pulled);
	if (result == PONTO_OK) {
		hosted->puts++;
		hosted->jobs++;
		pull->puts++;
		return;
	}
	/* Others brought it meanwhile: he served all the same. */
	if (result == PONTO_EEXIST)
		content_hosted_block(hosted->engine, dist_now(hosted->dist), e->tag, &pulled->exchange.addr, 0);
	else
		pull->cause = result;
	dist_exchange_forget(&pulled->exchange);
}

static void on_opened(void *arg)
{
	struct pulled *pulled = arg;
	struct dist_exchange *ex = &pulled->exchange;
	struct dist_hosted *hosted = ex->all->owner;
	struct dist_opened *block = &ex->block;
	struct pull *pull = pull_of(hosted, block->open.tag);
	struct content_client_stats before, after;
	uint64_t now = dist_now(hosted->dist);

	hosted->jobs--;
	if (hosted->puts >= PUTS_MAX && !hosted->stopping) { /* the source waits, too */
		struct pulled **at = &hosted->stalled;

		while (*at)
			at = &(*at)->next_stalled;
		pulled->next_stalled = NULL;
		*at = pulled;
		return;
	}
	content_client_stats(hosted->client, &before);
	if (content_client_opened(hosted->client, now, ex->request, block->result, block->hash) && pull &&
	    !hosted->stopping) {
		keep(pulled, pull);
	} else {
		content_client_stats(hosted->client, &after);
		/* The description is of who offered it first, perhaps not of who sent this. */
		if (after.wrong > before.wrong && !block->innocent && block->result != PONTO_ENOMEM) {
			content_hosted_wrong(hosted->engine, now, &ex->addr);
			ponto_peer_fault(hosted->dist->env->log, TOPIC, &ex->addr,
					 "offered a segment and sent a block that is none of it");
		}
		dist_exchange_forget(ex);
	}
	settle(hosted);
	pump(hosted);
	dist_check_stopped(hosted->dist);
}

static void on_block(struct dist_exchange *ex)
{
	struct dist_hosted *hosted = ex->all->owner;

	hosted->jobs++;
	if (!ex->block.open.relayed && ponto_pool_submit(hosted->dist->pool, hosted->dist->env->loop,
							 dist_exchange_open, on_opened, ex) == PONTO_OK)
		return;
	dist_exchange_open(ex);
	on_opened(ex);
}

static void on_none(struct dist_exchange *ex, int result, bool malformed)
{
	(void)malformed;
	if (result != PONTO_OK && result != PONTO_ECLOSED)
		ponto_debug(ex->all->dist->env->log, TOPIC, "who offered does not serve: %s", ponto_strerror(result));
}

static void on_answered(void *owner)
{
	pump(owner);
}

/* ---- the fetching engine ------------------------------------------------------------------------ */

static void session_ended(struct dist_hosted *hosted, uint64_t tag)
{
	struct pull *pull = pull_of(hosted, tag);

	if (!pull)
		return;
	pull->ended = true;
	if (pull->puts == 0)
		finish(pull);
}

static void take_effect(struct dist_hosted *hosted, const struct content_client_effect *e)
{
	switch (e->kind) {
	case CONTENT_CLIENT_REQUEST:
		dist_exchange_begin(&hosted->exchanges, e);
		break;
	case CONTENT_CLIENT_CANCEL:
		dist_exchange_cancel(&hosted->exchanges, e->request, hosted->overdue ? PONTO_ETIME : PONTO_ECLOSED);
		break;
	case CONTENT_CLIENT_ENDED:
		session_ended(hosted, e->tag);
		break;
	case CONTENT_CLIENT_LACKED:
		break;
	default: /* nobody is searched for: who has it said so */
		content_client_searched(hosted->client, dist_now(hosted->dist), &e->id);
		break;
	}
}

/* ---- figures ------------------------------------------------------------------------------------- */

static void show(struct dist_hosted *hosted)
{
	struct content_hosted_stats now;

	content_hosted_stats(hosted->engine, &now);
#define ADD(counter, field) ponto_counter_add(hosted->counter, now.field - hosted->told.field)
	ADD(offers, messages);
	ADD(segments, segments);
	ADD(held, held);
	ADD(malformed, malformed);
	ADD(blocks, blocks);
	ADD(bytes, bytes);
	ADD(failed, failed);
	ADD(wrong, wrong);
	ADD(replaced, replaced);
	ADD(distrusted, distrusted);
	ADD(ignored, ignored);
	ADD(unsound, unsound);
	ADD(refused, refused);
	ADD(rationed, rationed);
#undef ADD
	for (unsigned i = 0; i < CONTENT_TAGS; i++)
		ponto_counter_add(hosted->tags[i], now.tags[i] - hosted->told.tags[i]);
	ponto_gauge_set(hosted->waiting, now.waiting);
	ponto_gauge_set(hosted->active, now.active);
	hosted->told = now;
}

void dist_hosted_figures(const struct dist_hosted *hosted, struct content_hosted_stats *out)
{
	content_hosted_stats(hosted->engine, out);
}

static void make_metrics(struct dist_hosted *hosted)
{
	struct ponto_metrics *m = hosted->dist->env->metrics;
	const char *name = hosted->dist->env->instance;

	hosted->offers = ponto_counter(m, "dist_hosted_offers_total", name, "messages of clients that offer");
	hosted->malformed = ponto_counter(m, "dist_hosted_malformed_total", name, "of these that were none");
	hosted->segments = ponto_counter(m, "dist_hosted_segments_total", name, "segments offered");
	hosted->held = ponto_counter(m, "dist_hosted_held_total", name, "of these that were there already");
	hosted->unsound = ponto_counter(m, "dist_hosted_unsound_total", name,
					"of these of a size, function or description that cannot be");
	hosted->refused = ponto_counter(m, "dist_hosted_refused_total", name,
					"of these that there was no room for to wait: hosted_offers, clients, memory");
	hosted->rationed = ponto_counter(m, "dist_hosted_rationed_total", name,
					 "of these beyond the bytes that one host may bring an hour: hosted_share");
	hosted->ignored =
		ponto_counter(m, "dist_hosted_ignored_total", name, "of these by clients that did not serve before");
	hosted->blocks = ponto_counter(m, "dist_hosted_blocks_total", name, "blocks fetched of who offered them");
	hosted->bytes = ponto_counter(m, "dist_hosted_bytes_total", name, "bytes of these");
	hosted->failed = ponto_counter(m, "dist_hosted_failed_total", name, "segments offered and not served");
	hosted->wrong =
		ponto_counter(m, "dist_hosted_wrong_total", name, "blocks that were none of the segment offered");
	hosted->replaced = ponto_counter(m, "dist_hosted_replaced_total", name,
					 "relayed segments that were doubted and fetched anew");
	hosted->distrusted = ponto_counter(m, "dist_hosted_distrusted_total", name,
					   "clients left alone because many others contradicted them");
	hosted->tags[CONTENT_TAG_WININET] =
		ponto_counter(m, "dist_hosted_of_wininet_total", name, "segments offered that WinINet fetched");
	hosted->tags[CONTENT_TAG_WEBIO] =
		ponto_counter(m, "dist_hosted_of_webio_total", name, "segments offered that WinHTTP fetched");
	hosted->tags[CONTENT_TAG_BITS] =
		ponto_counter(m, "dist_hosted_of_bits_total", name, "segments offered that BITS fetched");
	hosted->tags[CONTENT_TAG_SMB] =
		ponto_counter(m, "dist_hosted_of_smb_total", name, "segments offered that SMB fetched");
	hosted->tags[CONTENT_TAG_OTHER] =
		ponto_counter(m, "dist_hosted_of_other_total", name, "segments offered that other programs fetched");
	hosted->waiting = ponto_gauge(m, "dist_hosted_waiting", name, "offered segments that wait to be fetched");
	hosted->active = ponto_gauge(m, "dist_hosted_pulls", name, "offered segments being fetched");
}

/* ---- both engines ---------------------------------------------------------------------------------- */

static void pump(struct dist_hosted *hosted)
{
	struct content_hosted_effect wish;
	struct content_client_effect e;

	hosted->again = true;
	if (hosted->pumping)
		return;
	hosted->pumping = true;
	while (hosted->again) {
		hosted->again = false;
		while (!hosted->stopping && content_hosted_effect(hosted->engine, dist_now(hosted->dist), &wish)) {
			if (wish.kind == CONTENT_HOSTED_PULL)
				begin_pull(hosted, &wish);
			else
				join(hosted, &wish);
		}
		while (content_client_effect(hosted->client, dist_now(hosted->dist), &e)) {
			take_effect(hosted, &e);
			hosted->again = true;
		}
	}
	hosted->pumping = false;
	show(hosted);
	ponto_timer_set(hosted->dist->env->loop, hosted->timer, content_client_deadline(hosted->client));
}

static void on_timer(void *arg)
{
	struct dist_hosted *hosted = arg;
	struct content_client_stats before, after;

	content_client_stats(hosted->client, &before);
	content_client_advance(hosted->client, dist_now(hosted->dist));
	content_client_stats(hosted->client, &after);
	hosted->overdue = after.timeouts > before.timeouts;
	pump(hosted);
	hosted->overdue = false;
}

void dist_hosted_served(struct dist_hosted *hosted, const struct content_id *id, const struct ponto_addr *to)
{
	struct dist_known known;

	if (hosted && hosted->dist->cached && dist_cache_find(hosted->dist->cache, id, &known))
		content_hosted_served(hosted->engine, id, to, known.whole);
}

/* ---- offers ------------------------------------------------------------------------------------------ */

static bool look(void *arg, const struct content_id *id, struct content_hosted_known *out)
{
	const struct dist_hosted *hosted = arg;

	return hosted->dist->cached && dist_cache_glance(hosted->dist->cache, id, out);
}

void dist_hosted_answer(struct dist_hosted *hosted, struct ponto_http_listener *listener,
			struct ponto_http_request *request, unsigned status, enum content_offer_code code,
			const char *negotiate)
{
	struct ponto_http_header headers[2];
	struct ponto_http_response response = {
		.status = (uint16_t)status, .close = status != 200 && status != 401, .headers = headers};

	if (status == 200) {
		headers[response.header_count++] =
			(struct ponto_http_header){"Content-Type", "application/octet-stream"};
		response.source = PONTO_HTTP_DATA;
		response.data = ponto_bytes(hosted->answers[code], CONTENT_OFFER_ANSWER);
	}
	if (negotiate)
		headers[response.header_count++] = (struct ponto_http_header){"WWW-Authenticate", negotiate};
	if (ponto_http_respond(hosted->dist->http, listener, request, &response) != PONTO_OK)
		ponto_debug(hosted->dist->env->log, TOPIC, "an offer goes without an answer");
}

/* What one client may bring is a share of what the cache may keep, which its disk may bound. */
static int offer(struct dist_hosted *hosted, const struct ponto_addr *from, unsigned version, struct ponto_bytes body,
		 enum content_offer_code *code)
{
	struct dist *dist = hosted->dist;

	if (dist->cached)
		content_hosted_ration(hosted->engine, dist_cache_limit(dist->cache) / 100 * hosted->share);
	return content_hosted_offer(hosted->engine, dist_now(dist), from, version, body, code);
}

void dist_hosted_take(struct dist_hosted *hosted, unsigned version, struct ponto_http_listener *listener,
		      struct ponto_http_request *request, const char *negotiate)
{
	enum content_offer_code code = CONTENT_OFFER_OK;
	int result = offer(hosted, &request->peer, version, request->body, &code);

	if (result != PONTO_OK)
		ponto_peer_fault(hosted->dist->env->log, TOPIC, &request->peer,
				 "an offer that is none of the Hosted Cache Protocol");
	dist_hosted_answer(hosted, listener, request, result == PONTO_OK ? 200 : 400, code, negotiate);
	pump(hosted);
}

void dist_hosted_offer(struct dist_hosted *hosted, struct ponto_http_listener *listener,
		       struct ponto_http_request *request)
{
	dist_hosted_take(hosted, 2, listener, request, NULL);
}

/* Who offers by version 2.0 is told nothing but that it came (3.1.5.3). */
bool dist_hosted_at_once(struct dist_hosted *hosted, const struct ponto_http_request *request,
			 struct ponto_http_response *response)
{
	static const struct ponto_http_header header = {"Content-Type", "application/octet-stream"};
	struct content_offer offer;

	if (content_offer_decode(request->body, 2, &offer) != PONTO_OK ||
	    !dist_inbox_put(hosted->inbox, &request->peer, request->body))
		return false;
	*response = (struct ponto_http_response){
		.status = 200,
		.source = PONTO_HTTP_DATA,
		.headers = &header,
		.header_count = 1,
		.data = ponto_bytes(hosted->answers[CONTENT_OFFER_OK], CONTENT_OFFER_ANSWER),
	};
	return true;
}

static void take_offer(void *arg, const struct ponto_addr *from, struct ponto_bytes body)
{
	struct dist_hosted *hosted = arg;
	enum content_offer_code code;
	int result = offer(hosted, from, 2, body, &code);

	assert(result == PONTO_OK);
	(void)result;
}

static void offers_taken(void *arg)
{
	struct dist_hosted *hosted = arg;

	pump(hosted);
	dist_check_stopped(hosted->dist);
}

/* ---- its life -------------------------------------------------------------------------------------------- */

static int make_engines(struct dist_hosted *hosted)
{
	static const struct dist_exchange_events events = {on_block, on_none, on_answered};
	const struct ponto_env *env = hosted->dist->env;
	struct content_hosted_config config = content_hosted_defaults(env->alloc, ponto_random_u64(env->random));
	struct content_client_config client = content_client_defaults(env->alloc);
	int result;

	config.look = look;
	config.arg = hosted;
	config.pulls = (uint32_t)ponto_conf_int(env->conf, "hosted_pulls");
	config.pulls_per_client = config.pulls / 4 ? config.pulls / 4 : 1;
	config.waiting_per_client = (uint32_t)ponto_conf_int(env->conf, "hosted_offers");
	config.waiting = 8 * config.waiting_per_client;
	hosted->share = (unsigned)ponto_conf_int(env->conf, "hosted_share");
	result = content_hosted_create(&config, &hosted->engine);
	client.request_timeout = (uint64_t)ponto_conf_int(env->conf, "request_timeout") * PONTO_MS;
	client.sessions = config.pulls;
	client.requests = config.pulls * CONTENT_HOSTED_SOURCES;
	client.segments = 2 * config.pulls;
	client.probes = 0;
	if (result == PONTO_OK)
		result = content_client_create(&client, &hosted->client);
	hosted->exchanges = (struct dist_exchanges){.dist = hosted->dist,
						    .engine = hosted->client,
						    .events = &events,
						    .owner = hosted,
						    .size = sizeof(struct pulled)};
	return result;
}

int dist_hosted_open(struct dist *dist, struct dist_hosted **out)
{
	static const struct dist_inbox_events events = {take_offer, offers_taken};
	struct dist_hosted *hosted;
	int result;

	if (!ponto_conf_bool(dist->conf, "hosted_cache"))
		return PONTO_OK;
	if (!*ponto_conf_string(dist->conf, "retrieval")) {
		ponto_error(dist->env->log, TOPIC, "a hosted cache needs option 'retrieval'");
		return PONTO_ECONF;
	}
	hosted = ponto_new(dist->env->alloc, 1, sizeof(*hosted));
	if (!hosted)
		return PONTO_ENOMEM;
	hosted->dist = dist;
	content_offer_answer(CONTENT_OFFER_OK, hosted->answers[CONTENT_OFFER_OK]);
	content_offer_answer(CONTENT_OFFER_INTERESTED, hosted->answers[CONTENT_OFFER_INTERESTED]);
	make_metrics(hosted);
	result = make_engines(hosted);
	if (result == PONTO_OK)
		result = ponto_timer_create(dist->env->loop, on_timer, hosted, &hosted->timer);
	if (result == PONTO_OK)
		result = dist_inbox_create(dist->env->alloc, dist->env->loop, INBOX, &events, hosted, &hosted->inbox);
	if (result == PONTO_OK)
		result = dist_hosted_listen_open(dist, hosted, &hosted->listen);
	if (result != PONTO_OK) {
		dist_hosted_stop(hosted);
		dist_hosted_close(hosted);
		return result;
	}
	*out = hosted;
	return PONTO_OK;
}

/* No more offers; exchanges are broken off; what workers and the cache are at is waited for. */
void dist_hosted_stop(struct dist_hosted *hosted)
{
	if (!hosted || hosted->stopping)
		return;
	hosted->stopping = true;
	dist_hosted_listen_stop(hosted->listen);
	while (hosted->stalled) {
		struct pulled *pulled = hosted->stalled;

		hosted->stalled = pulled->next_stalled;
		hosted->jobs++;
		on_opened(pulled);
	}
	for (const struct pull *p = hosted->pulls; p; p = p->next)
		content_client_stop(hosted->client, p->e.tag);
	if (hosted->timer)
		pump(hosted);
}

bool dist_hosted_idle(const struct dist_hosted *hosted)
{
	return !hosted || (hosted->jobs == 0 && dist_hosted_listen_idle(hosted->listen) && dist_inbox_idle(hosted->inbox));
}

void dist_hosted_close(struct dist_hosted *hosted)
{
	if (!hosted)
		return;
	dist_exchanges_end(&hosted->exchanges);
	while (hosted->pulls)
		finish(hosted->pulls);
	dist_hosted_listen_close(hosted->listen);
	dist_inbox_destroy(hosted->inbox);
	content_client_destroy(hosted->client);
	content_hosted_destroy(hosted->engine);
	if (hosted->timer)
		ponto_timer_destroy(hosted->dist->env->loop, hosted->timer);
	ponto_free(hosted->dist->env->alloc, hosted);
}
