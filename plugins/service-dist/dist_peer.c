/* The serving peer: retrieval requests of neighbours, answered from the cache ([MS-PCCRR] 3.2). */
#include <string.h>
#include <strings.h>

#include "engines/content/content_offer.h"
#include "engines/content/content_server.h"
#include "plugins/service-dist/dist_caches.h"
#include "plugins/service-dist/dist_crowd.h"
#include "plugins/service-dist/dist_http.h"
#include "plugins/service-dist/dist_inbox.h"
#include "plugins/service-dist/dist_seal.h"

#define TOPIC "service.dist.peer"
#define INBOX (256u * 1024) /* bytes of notes of what was answered at once */
#define HEAD_LIMIT 512u /* bytes of a request's head: neighbours send some hundred */
#define PATH "/116B50EB-ECE2-41ac-8429-9F9E963361B7" /* 2.1; others write it with a slash behind, or otherwise */

struct dist_peer {
	struct dist *dist;
	struct content_server *engine;
	struct ponto_http_listener *listener;
	struct ponto_timer *timer;
	struct dist_crowd *crowd;
	struct dist_inbox *inbox; /* struct note each */
	enum content_crypto crypto;
	uint16_t most;
	unsigned servings; /* at work */
	uint64_t missed;   /* blocks that were not there, told to the cache */
	bool pumping;
	struct ponto_counter *bytes, *refused, *blocks, *absent;
};

/* One request, from its arrival until its answer is sent or nobody waits for it. */
struct serving {
	struct dist_peer *peer;
	struct ponto_http_request *request; /* NULL: its client left, or it was answered */
	struct content_serving *serving;
	/* a block that is being read and sealed, on a worker: */
	struct content_blk blk;
	enum content_crypto crypto;
	uint8_t *buffer;
	size_t len;
	bool reading; /* or what is held is being looked up in the store */
	struct content_ids ids; /* which then are asked for */
	bool overdue;		/* meanwhile */
	bool counted; /* in the crowd, as this address */
	struct ponto_addr client;
	bool relayed; /* it is given as it came */
	size_t plain; /* bytes of the block, as it is kept */
	struct dist_hot_block *hot;   /* which is being sent, */
	uint8_t kp[CONTENT_HASH_MAX]; /* and the key it is sealed with */
};

static void pump(struct dist_peer *peer);

/* After stop no request is anybody's. */
static bool waits(const struct serving *s)
{
	return s->request && s->peer->listener;
}

static void finish(struct serving *s)
{
	struct dist_peer *peer = s->peer;

	if (s->serving)
		content_server_done(peer->engine, s->serving);
	if (s->hot)
		dist_cache_release(peer->dist->cache, s->hot);
	if (s->counted)
		dist_crowd_leave(peer->crowd, &s->client, DIST_CROWD_LOOP);
	ponto_free(peer->dist->env->alloc, s->buffer);
	ponto_wipe(s->kp, sizeof(s->kp));
	ponto_free(peer->dist->env->alloc, s);
	peer->servings--;
}

/* The answer is sent, or its client left. */
static void released(void *arg)
{
	struct serving *s = arg;
	struct dist_peer *peer = s->peer;

	finish(s);
	pump(peer);
	dist_check_stopped(peer->dist);
}

/* takes s */
static void answer(struct serving *s, struct ponto_http_response *response, uint64_t len)
{
	static const struct ponto_http_header header = {"Content-Type", "application/octet-stream"};
	struct ponto_http_request *request = s->request;

	if (!waits(s)) {
		finish(s);
		return;
	}
	s->request = NULL;
	request->user = NULL;
	response->headers = &header;
	response->header_count = len ? 1 : 0;
	response->arg = s;
	response->release = released;
	ponto_counter_add(s->peer->bytes, len);
	if (ponto_http_respond(s->peer->dist->http, s->peer->listener, request, response) != PONTO_OK) {
		ponto_debug(s->peer->dist->env->log, TOPIC, "a request goes without an answer");
		finish(s);
	}
}

/* takes s */
static void respond(struct serving *s, unsigned status, struct ponto_bytes body)
{
	struct ponto_http_response response = {
		.status = (uint16_t)status,
		.source = body.len ? PONTO_HTTP_DATA : PONTO_HTTP_NOTHING,
		.close = status != 200,
		.data = body,
	};

	answer(s, &response, body.len);
}

/* ---- what is held ------------------------------------------------------------------------ */

static void tell_held(struct serving *s)
{
	struct dist_peer *peer = s->peer;
	const struct ponto_alloc *alloc = peer->dist->env->alloc;
	struct content_held *held = ponto_new(alloc, s->ids.count ? s->ids.count : 1, sizeof(*held));
	struct ponto_reader r = ponto_reader(s->ids.bytes);
	struct content_id id;
	size_t count = 0;
	int result = PONTO_ENOMEM;

	while (held && count < s->ids.count && content_ids_next(&r, &id)) {
		struct dist_known known;

		if (peer->dist->cached && dist_cache_find(peer->dist->cache, &id, &known)) {
			held[count].blocks = known.blocks;
			held[count].age = dist_cache_age(peer->dist->cache, &known);
		}
		count++;
	}
	if (held)
		result = content_server_held(peer->engine, s->serving, held, s->ids.count);
	if (result != PONTO_OK)
		ponto_debug(peer->dist->env->log, TOPIC, "a request is aborted: %s", ponto_strerror(result));
	ponto_free(alloc, held);
}

static void learned(void *arg, int result)
{
	struct serving *s = arg;
	struct dist_peer *peer = s->peer;

	(void)result; /* what is known by now is told, whatever it is */
	s->reading = false;
	if (!waits(s))
		finish(s);
	else if (s->overdue)
		respond(s, 503, ponto_bytes(NULL, 0));
	else
		tell_held(s);
	pump(peer);
	dist_check_stopped(peer->dist);
}

/* The store may hold what is not known here. */
static bool ask_store(struct serving *s)
{
	struct dist *dist = s->peer->dist;
	struct ponto_reader r = ponto_reader(s->ids.bytes);
	struct content_id *ids;
	size_t count = 0;
	int result = PONTO_ENOENT;

	if (!dist->cached || !dist_cache_learns(dist->cache))
		return false;
	ids = ponto_new(dist->env->alloc, s->ids.count ? s->ids.count : 1, sizeof(*ids));
	while (ids && count < s->ids.count && content_ids_next(&r, &ids[count]))
		count++;
	if (count > 0)
		result = dist_cache_learn(dist->cache, ids, count, learned, s);
	ponto_free(dist->env->alloc, ids);
	return result == PONTO_OK;
}

static void look_up(struct serving *s, const struct content_server_effect *effect)
{
	s->ids = effect->ids;
	s->reading = ask_store(s);
	if (!s->reading)
		tell_held(s);
}

/* ---- blocks --------------------------------------------------------------------------------- */

static size_t sealed_len(size_t plain)
{
	return plain + 16 - plain % 16;
}

/* A block as it was stored, in the clear or, offered without keys, as it came: where it stands in the answer. */
static int write_answer(struct serving *s, const struct dist_block *block, uint8_t **at)
{
	const struct ponto_alloc *alloc = s->peer->dist->env->alloc;
	struct ponto_writer w;

	s->len = content_blk_size(&s->blk.id, block->crypto, block->data.len);
	s->buffer = alloc->alloc(alloc->ctx, s->len);
	if (!s->buffer)
		return PONTO_ENOMEM;
	w = ponto_writer(s->buffer, s->len);
	*at = content_blk_open(&w, &s->blk, block->crypto, block->data.len);
	if (!*at)
		return PONTO_ELIMIT;
	memcpy(*at, block->data.data, block->data.len);
	content_blk_close(&w, block->crypto, block->data.len, block->iv);
	return ponto_writer_done(&w, &s->len);
}

/* The whole answer into len bytes that suffice, the block sealed where it stands in it. */
static int write_sealed(const struct serving *s, const uint8_t *kp, struct ponto_bytes block, uint8_t *out, size_t len)
{
	const struct ponto_random *random = s->peer->dist->env->random;
	uint8_t iv[CONTENT_IV], *at;
	struct ponto_writer w = ponto_writer(out, len);
	int result;

	at = content_blk_open(&w, &s->blk, s->crypto, sealed_len(block.len));
	if (!at)
		return PONTO_ELIMIT;
	random->fill(random->ctx, iv, sizeof(iv));
	result = dist_seal(s->crypto, kp, iv, block, at);
	content_blk_close(&w, s->crypto, sealed_len(block.len), iv);
	return result == PONTO_OK ? ponto_writer_done(&w, &len) : result;
}

static int make_sealed(struct serving *s, const uint8_t *kp, struct ponto_bytes block)
{
	const struct ponto_alloc *alloc = s->peer->dist->env->alloc;

	s->len = content_blk_size(&s->blk.id, s->crypto, sealed_len(block.len));
	s->buffer = alloc->alloc(alloc->ctx, s->len);
	return s->buffer ? write_sealed(s, kp, block, s->buffer, s->len) : PONTO_ENOMEM;
}

/* On a worker. */
static int make_answer(void *arg, const struct dist_read *read)
{
	struct serving *s = arg;
	uint8_t *at;

	s->relayed = !read->meta.keyed;
	s->plain = read->block.data.len;
	return read->meta.keyed && s->crypto != CONTENT_PLAIN ? make_sealed(s, read->meta.kp, read->block.data)
							      : write_answer(s, &read->block, &at);
}

/* On a thread of the HTTP server: a block in memory is sealed where the answer is sent from. */
static int64_t fill_sealed(void *arg, uint64_t offset, uint8_t *out, size_t cap)
{
	struct serving *s = arg;
	struct ponto_bytes block = s->hot->block.data;
	size_t len = content_blk_size(&s->blk.id, s->crypto, sealed_len(block.len));
	int result = PONTO_OK;

	if (offset == 0 && cap >= len)
		result = write_sealed(s, s->kp, block, out, cap = len);
	else if (!s->buffer)
		result = make_sealed(s, s->kp, block);
	if (result != PONTO_OK)
		return result;
	if (s->buffer) {
		cap = offset >= s->len ? 0 : cap < s->len - offset ? cap : s->len - (size_t)offset;
		memcpy(out, s->buffer + offset, cap);
	}
	return (int64_t)cap;
}

/* takes s */
static void give(struct serving *s)
{
	struct ponto_http_response response = {.status = 200, .source = PONTO_HTTP_STREAM, .ready = true, .body = fill_sealed};

	if (s->buffer || s->crypto == CONTENT_PLAIN) {
		respond(s, 200, s->buffer ? ponto_bytes(s->buffer, s->len) : s->hot->answer);
		return;
	}
	response.length = content_blk_size(&s->blk.id, s->crypto, sealed_len(s->hot->block.data.len));
	answer(s, &response, response.length);
}

static void block_served(struct serving *s, int result)
{
	struct dist_peer *peer = s->peer;
	int answered = content_server_served(peer->engine, s->serving, result);

	s->reading = false;
	if (answered != PONTO_OK)
		ponto_debug(peer->dist->env->log, TOPIC, "a request is aborted: %s", ponto_strerror(answered));
	if (!waits(s)) {
		finish(s);
	} else if (result == PONTO_OK) {
		ponto_counter_add(peer->blocks, 1);
		if (peer->dist->cached)
			dist_cache_given(peer->dist->cache, s->plain);
		if (s->relayed)
			dist_hosted_served(peer->dist->hosted, &s->blk.id, &s->request->peer);
		give(s);
	} else {
		ponto_counter_add(peer->absent, 1); /* an empty block: the engine's ANSWER comes */
		if (s->overdue)
			respond(s, 503, ponto_bytes(NULL, 0));
	}
}

static void made(void *arg, int result)
{
	struct serving *s = arg;
	struct dist_peer *peer = s->peer;

	block_served(s, result);
	pump(peer);
	dist_check_stopped(peer->dist);
}

/* A block in memory that is not to be sealed is copied into an answer once; the same answer goes to all. From then on, and
 * of one that is sealed for each, threads of the HTTP server know all that an answer needs. */
static int take_hot(struct serving *s)
{
	uint8_t *at;
	int result;

	if (s->hot->found && s->hot->next == s->blk.next)
		return PONTO_OK;
	if (s->crypto != CONTENT_PLAIN) {
		dist_cache_reveal(s->peer->dist->cache, s->hot, s->blk.next);
		return PONTO_OK;
	}
	result = write_answer(s, &s->hot->block, &at);
	if (result == PONTO_OK &&
	    dist_cache_answer(s->peer->dist->cache, s->hot, ponto_bytes(s->buffer, s->len), at, s->blk.next))
		s->buffer = NULL;
	return result;
}

static void serve(struct serving *s, const struct content_server_effect *effect)
{
	struct dist_peer *peer = s->peer;
	int result = PONTO_ENOENT;

	s->blk = effect->blk;
	s->crypto = effect->crypto;
	s->reading = true;
	if (peer->dist->cached)
		s->hot = dist_cache_hold(peer->dist->cache, &s->blk.id, s->blk.index, s->kp);
	if (s->hot) {
		s->plain = s->hot->block.data.len;
		block_served(s, take_hot(s));
		return;
	}
	if (peer->dist->cached)
		result = dist_cache_get(peer->dist->cache, &s->blk.id, s->blk.index, make_answer, made, s);
	if (result != PONTO_OK)
		block_served(s, result);
}

/* ---- requests --------------------------------------------------------------------------------- */

/* Blocks that were asked for in vain. */
static void tell_missed(struct dist_peer *peer)
{
	struct content_server_stats stats;

	content_server_stats(peer->engine, &stats);
	if (peer->dist->cached && stats.absent > peer->missed)
		dist_cache_missed(peer->dist->cache, true, stats.absent - peer->missed);
	peer->missed = stats.absent;
}

static void pump(struct dist_peer *peer)
{
	struct content_server_effect effect;

	if (peer->pumping)
		return;
	peer->pumping = true;
	while (content_server_effect(peer->engine, &effect)) {
		struct serving *s = effect.user;

		switch (effect.kind) {
		case CONTENT_SERVER_LOOKUP:
			look_up(s, &effect);
			break;
		case CONTENT_SERVER_SERVE:
			serve(s, &effect);
			break;
		case CONTENT_SERVER_ANSWER:
			respond(s, 200, effect.body);
			break;
		default: /* too slow, or no memory; one that is being sent ends with its connection's own time */
			s->overdue = true;
			if (!s->reading && s->request)
				respond(s, 503, ponto_bytes(NULL, 0));
		}
	}
	peer->pumping = false;
	tell_missed(peer);
	ponto_timer_set(peer->dist->env->loop, peer->timer, content_server_deadline(peer->engine));
}

static void on_timer(void *arg)
{
	struct dist_peer *peer = arg;

	content_server_advance(peer->engine, dist_now(peer->dist));
	pump(peer);
}

enum wanted { WANTED_NOTHING, WANTED_RETRIEVAL, WANTED_OFFER };

static enum wanted named(const struct dist_peer *peer, const char *path)
{
	size_t len = sizeof(PATH) - 1;

	if (strncasecmp(path, PATH, len) == 0 && (!path[len] || strcmp(path + len, "/") == 0))
		return WANTED_RETRIEVAL;
	return peer->dist->hosted && content_offer_path(path) == 2 ? WANTED_OFFER : WANTED_NOTHING;
}

/* As nearly all write it, or in any other form. */
static enum wanted wanted(const struct dist_peer *peer, const char *target)
{
	char path[DIST_PATH_MAX];
	enum wanted what = named(peer, target);

	return what != WANTED_NOTHING || dist_path(target, path) != PONTO_OK ? what : named(peer, path);
}

static void refuse(struct dist_peer *peer, struct ponto_http_request *request, unsigned status)
{
	struct ponto_http_response response = {.status = (uint16_t)status, .close = true};

	ponto_counter_add(peer->refused, 1);
	if (ponto_http_respond(peer->dist->http, peer->listener, request, &response) != PONTO_OK)
		ponto_debug(peer->dist->env->log, TOPIC, "a request goes without an answer");
}

static void on_request(void *arg, struct ponto_http_request *request)
{
	struct dist_peer *peer = arg;
	enum wanted what = wanted(peer, request->target);
	struct serving *s;
	int result;

	if (what == WANTED_NOTHING || strcmp(request->method, "POST") != 0) {
		refuse(peer, request, what == WANTED_NOTHING ? 404 : 405);
		return;
	}
	if (what == WANTED_OFFER) {
		dist_hosted_offer(peer->dist->hosted, peer->listener, request);
		return;
	}
	s = ponto_new(peer->dist->env->alloc, 1, sizeof(*s));
	if (!s) {
		refuse(peer, request, 503);
		return;
	}
	s->peer = peer;
	s->request = request;
	request->user = s;
	peer->servings++;
	result = content_server_input(peer->engine, dist_now(peer->dist), &request->peer, request->body, s, &s->serving);
	if (result != PONTO_OK) {
		s->serving = NULL;
		request->user = NULL;
		finish(s);
		refuse(peer, request, result == PONTO_EPROTO ? 400 : 503);
		return;
	}
	s->client = request->peer;
	s->counted = dist_crowd_enter(peer->crowd, &s->client, DIST_CROWD_LOOP);
	pump(peer);
}

/* ---- on threads of the HTTP server ---------------------------------------------------------------- */

/* A block that is being sent, or was: what the loop is to know of it. */
struct note {
	struct content_id id;
	size_t plain; /* bytes of the block, */
	size_t len;   /* and of the answer */
};

static void sent(void *arg)
{
	struct serving *s = arg;
	struct dist_peer *peer = s->peer;

	dist_cache_release(peer->dist->cache, s->hot);
	dist_crowd_leave(peer->crowd, &s->client, DIST_CROWD_ONCE);
	ponto_free(peer->dist->env->alloc, s->buffer);
	ponto_wipe(s->kp, sizeof(s->kp));
	ponto_free(peer->dist->env->alloc, s);
}

static struct ponto_http_response prepare(struct serving *s)
{
	static const struct ponto_http_header header = {"Content-Type", "application/octet-stream"};
	struct ponto_http_response response = {
		.status = 200, .headers = &header, .header_count = 1, .arg = s, .release = sent};

	if (s->crypto == CONTENT_PLAIN) {
		response.source = PONTO_HTTP_DATA;
		response.data = s->hot->answer;
		return response;
	}
	response.source = PONTO_HTTP_STREAM;
	response.ready = true;
	response.body = fill_sealed;
	response.length = content_blk_size(&s->blk.id, s->crypto, sealed_len(s->hot->block.data.len));
	return response;
}

static bool send_at_once(struct dist_peer *peer, const struct ponto_addr *client, struct dist_hot_block *hot,
			 struct ponto_http_response *response)
{
	struct serving *s = ponto_new(peer->dist->env->alloc, 1, sizeof(*s));
	struct ponto_http_response prepared;
	struct note note;

	if (!s || !dist_crowd_enter(peer->crowd, client, DIST_CROWD_ONCE)) {
		ponto_free(peer->dist->env->alloc, s);
		return false;
	}
	s->peer = peer;
	s->crypto = peer->crypto;
	s->blk = (struct content_blk){.id = hot->id, .index = hot->index, .next = hot->next};
	s->hot = hot;
	s->client = *client;
	memcpy(s->kp, hot->kp, sizeof(s->kp));
	prepared = prepare(s);
	note = (struct note){hot->id, hot->block.data.len,
			     peer->crypto == CONTENT_PLAIN ? hot->answer.len : (size_t)prepared.length};
	if (!dist_inbox_put(peer->inbox, client, ponto_bytes((const uint8_t *)&note, sizeof(note)))) {
		dist_crowd_leave(peer->crowd, client, DIST_CROWD_ONCE);
		ponto_wipe(s->kp, sizeof(s->kp));
		ponto_free(peer->dist->env->alloc, s);
		return false;
	}
	*response = prepared;
	return true;
}

/* A block that lies in memory, and of which all is known that an answer says: what the engine would decide is no other. */
static bool block_at_once(struct dist_peer *peer, const struct ponto_http_request *request,
			  struct ponto_http_response *response)
{
	struct content_message m;
	struct dist_hot_block *hot = NULL;
	uint32_t index;

	if (content_request_decode(request->body, 1, peer->most, &m) != PONTO_OK || m.type != CONTENT_GETBLKS)
		return false;
	index = content_blocks_next(&m.wanted.blocks, 0);
	if (index < CONTENT_BLOCKS_MAX)
		hot = dist_cache_lend(peer->dist->cache, &m.wanted.id, index);
	if (!hot)
		return false;
	if (send_at_once(peer, &request->peer, hot, response))
		return true;
	dist_cache_release(peer->dist->cache, hot);
	return false;
}

static bool at_once(void *arg, const struct ponto_http_request *request, struct ponto_http_response *response)
{
	struct dist_peer *peer = arg;
	enum wanted what = strcmp(request->method, "POST") == 0 ? wanted(peer, request->target) : WANTED_NOTHING;

	return what == WANTED_OFFER	  ? dist_hosted_at_once(peer->dist->hosted, request, response)
	       : what == WANTED_RETRIEVAL ? block_at_once(peer, request, response)
					  : false;
}

/* ---- of which the loop learns ------------------------------------------------------------------------ */

static void take_note(void *arg, const struct ponto_addr *from, struct ponto_bytes bytes)
{
	struct dist_peer *peer = arg;
	struct note note;

	(void)from;
	memcpy(&note, bytes.data, sizeof(note));
	ponto_counter_add(peer->blocks, 1);
	ponto_counter_add(peer->bytes, note.len);
	if (!peer->dist->cached)
		return;
	dist_cache_lent(peer->dist->cache, &note.id, note.plain);
	dist_cache_given(peer->dist->cache, note.plain);
}

static void notes_taken(void *arg)
{
	dist_check_stopped(((struct dist_peer *)arg)->dist);
}

static void on_gone(void *arg, struct ponto_http_request *request)
{
	struct dist_peer *peer = arg;
	struct serving *s = request->user;

	if (!s)
		return;
	s->request = NULL;
	if (s->reading)
		return; /* the worker is at it */
	finish(s);
	pump(peer);
}

/* ---- life ------------------------------------------------------------------------------------------ */

static enum content_crypto chosen_cipher(const char *name)
{
	return strcmp(name, "none") == 0      ? CONTENT_PLAIN
	       : strcmp(name, "aes-192") == 0 ? CONTENT_AES_192
	       : strcmp(name, "aes-256") == 0 ? CONTENT_AES_256
					      : CONTENT_AES_128;
}

static uint32_t elsewhere(void *arg, const struct ponto_addr *client)
{
	return dist_crowd_count(((struct dist_peer *)arg)->crowd, client, DIST_CROWD_ONCE);
}

static int make_engine(struct dist_peer *peer)
{
	static const struct dist_inbox_events events = {take_note, notes_taken};
	const struct ponto_env *env = peer->dist->env;
	const struct ponto_conf *conf = peer->dist->conf;
	struct content_server_config config = {
		.alloc = peer->dist->env->alloc,
		.limit = (uint32_t)ponto_conf_int(conf, "clients"),
		.per_client = (uint32_t)ponto_conf_int(conf, "clients_per_address"),
		.timeout = (uint64_t)ponto_conf_int(conf, "upload_timeout") * PONTO_MS,
		.crypto = chosen_cipher(ponto_conf_string(conf, "cipher")),
		.most = (uint16_t)ponto_conf_int(conf, "retrieval_version"),
		.hosted = peer->dist->hosted,
		.elsewhere = elsewhere,
		.arg = peer,
	};
	int result;

	if (config.hosted && !ponto_conf_given(conf, "clients"))
		config.limit = CONTENT_HOSTED_LIMIT;
	peer->crypto = config.crypto;
	peer->most = config.most;
	result = dist_crowd_create(env->alloc, config.limit, config.per_client, &peer->crowd);
	if (result == PONTO_OK)
		result = dist_inbox_create(env->alloc, env->loop, INBOX, &events, peer, &peer->inbox);
	return result == PONTO_OK ? content_server_create(&config, &peer->engine) : result;
}

static int listen_on(struct dist_peer *peer, const char *text)
{
	static const struct ponto_http_events events = {on_request, on_gone, at_once};
	struct dist *dist = peer->dist;
	struct ponto_http_listen listen = {.body_limit = CONTENT_REQUEST_MAX, .head_limit = HEAD_LIMIT};
	struct ponto_addr bound;
	int result = ponto_addr_parse(text, 0, &listen.local);

	if (result == PONTO_OK)
		result = ponto_http_listen(dist->http, dist->env->loop, &listen, &events, peer, &peer->listener);
	if (result != PONTO_OK) {
		ponto_error(dist->env->log, TOPIC,
			    "no retrieval by neighbours on %s: %s; another port of option 'retrieval' is announced to "
			    "them just as well",
			    text, ponto_strerror(result));
		return result;
	}
	ponto_http_local(dist->http, peer->listener, &bound);
	dist_caches_serve(dist->caches, bound.port);
	return dist_search_publish(dist->search, bound.port);
}

static void make_metrics(struct dist_peer *peer)
{
	struct ponto_metrics *m = peer->dist->env->metrics;
	const char *instance = peer->dist->env->instance;

	peer->bytes = ponto_counter(m, "dist_peer_sent_bytes_total", instance, "Bytes answered to neighbours");
	peer->refused = ponto_counter(m, "dist_peer_refused_total", instance, "Requests of neighbours that were none");
	peer->blocks = ponto_counter(m, "dist_peer_blocks_total", instance, "Blocks given to neighbours");
	peer->absent = ponto_counter(m, "dist_peer_lost_total", instance,
				     "Blocks that were to be given and could not be read");
}

int dist_peer_open(struct dist *dist, struct dist_peer **out)
{
	const char *text = ponto_conf_string(dist->conf, "retrieval");
	struct dist_peer *peer;
	int result;

	if (!*text)
		return PONTO_OK;
	peer = ponto_new(dist->env->alloc, 1, sizeof(*peer));
	if (!peer)
		return PONTO_ENOMEM;
	peer->dist = dist;
	make_metrics(peer);
	result = make_engine(peer);
	if (result == PONTO_OK)
		result = ponto_timer_create(dist->env->loop, on_timer, peer, &peer->timer);
	if (result == PONTO_OK)
		result = listen_on(peer, text);
	if (result != PONTO_OK) {
		dist_peer_stop(peer);
		dist_peer_close(peer);
		return result;
	}
	*out = peer;
	return PONTO_OK;
}

/* Releases owed come before unlisten returns; blocks being read end by themselves. */
void dist_peer_stop(struct dist_peer *peer)
{
	struct ponto_http_listener *listener;

	if (!peer || !peer->listener)
		return;
	listener = peer->listener;
	peer->listener = NULL;
	ponto_http_unlisten(peer->dist->http, listener);
}

bool dist_peer_idle(const struct dist_peer *peer)
{
	return !peer || (peer->servings == 0 && dist_inbox_idle(peer->inbox));
}

void dist_peer_close(struct dist_peer *peer)
{
	if (!peer)
		return;
	content_server_destroy(peer->engine);
	dist_inbox_destroy(peer->inbox);
	dist_crowd_destroy(peer->crowd);
	ponto_timer_destroy(peer->dist->env->loop, peer->timer);
	ponto_free(peer->dist->env->alloc, peer);
}
