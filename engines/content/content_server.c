#include "engines/content/content_server.h"

#include <assert.h>
#include <string.h>

struct content_serving {
	struct content_serving *previous, *next; /* at work, oldest first: also the order of deadlines */
	struct content_serving *after;		 /* in the queue of effects */
	bool queued, counted, overdue;
	uint8_t effect; /* enum content_server_kind: wanted next */
	uint8_t type;	/* enum content_type */
	uint64_t deadline;
	struct ponto_addr client;
	void *user;
	struct content_id id;
	struct content_blocks wanted;
	uint32_t lowest;
	struct content_blk blk;
	uint8_t request_id[CONTENT_REQUEST_ID];
	struct content_ids ids;
	uint8_t *ids_copy, *body;
	size_t body_len;
};

struct content_server {
	struct content_server_config config;
	struct content_serving *first, *last;	/* at work */
	struct content_serving *due, *due_last; /* wanting an effect */
	struct content_server_stats stats;
};

int content_server_create(const struct content_server_config *config, struct content_server **out)
{
	struct content_server *s;

	if (config->limit == 0 || (!config->hosted && config->limit > CONTENT_SERVER_LIMIT_MAX) ||
	    config->timeout < CONTENT_UPLOAD_TIMEOUT_MIN || config->timeout > CONTENT_UPLOAD_TIMEOUT_MAX ||
	    config->crypto > CONTENT_AES_256 || config->most < 1 || config->most > 2)
		return PONTO_EINVAL;
	s = ponto_new(config->alloc, 1, sizeof(*s));
	if (!s)
		return PONTO_ENOMEM;
	s->config = *config;
	*out = s;
	return PONTO_OK;
}

void content_server_destroy(struct content_server *server)
{
	if (!server)
		return;
	assert(!server->first);
	ponto_free(server->config.alloc, server);
}

static void want(struct content_server *s, struct content_serving *v, enum content_server_kind kind)
{
	v->effect = kind;
	if (v->queued)
		return;
	v->queued = true;
	v->after = NULL;
	if (s->due_last)
		s->due_last->after = v;
	else
		s->due = v;
	s->due_last = v;
}

static void unqueue(struct content_server *s, struct content_serving *v)
{
	struct content_serving **at = &s->due, *before = NULL;

	if (!v->queued)
		return;
	while (*at != v) {
		before = *at;
		at = &before->after;
	}
	*at = v->after;
	if (s->due_last == v)
		s->due_last = before;
	v->queued = false;
}

/* ---- answers ------------------------------------------------------------------------ */

static int answer(struct content_server *s, struct content_serving *v, struct content_message *m, size_t cap)
{
	int result;

	m->crypto = s->config.crypto;
	v->body = ponto_new(s->config.alloc, cap, 1);
	if (!v->body) {
		want(s, v, CONTENT_SERVER_ABORT);
		return PONTO_ENOMEM;
	}
	result = content_encode(m, v->body, cap, &v->body_len);
	assert(result == PONTO_OK);
	(void)result;
	want(s, v, CONTENT_SERVER_ANSWER);
	return PONTO_OK;
}

static int answer_versions(struct content_server *s, struct content_serving *v)
{
	struct content_message m = {.type = CONTENT_NEGO_RESP, .nego = {{1, 0}, {s->config.most, 0}}};

	s->stats.negotiated++;
	return answer(s, v, &m, CONTENT_LIST_MAX);
}

/* The list of what is wanted and in held; next is what is held after it. */
static int answer_list(struct content_server *s, struct content_serving *v, const struct content_blocks *held)
{
	struct content_message m = {.type = CONTENT_BLKLIST};
	uint32_t index = 0, count = 0;

	m.blklist.id = v->id;
	m.blklist.blocks = v->wanted;
	content_blocks_keep(&m.blklist.blocks, held);
	while (content_blocks_run(&m.blklist.blocks, index + count, &index, &count))
		;
	if (count > 0)
		m.blklist.next = content_blocks_next(held, index + count) % CONTENT_BLOCKS_MAX;
	s->stats.lists++;
	return answer(s, v, &m, CONTENT_LIST_MAX);
}

static int answer_empty(struct content_server *s, struct content_serving *v, uint32_t next)
{
	struct content_message m = {.type = CONTENT_BLK};

	m.blk.id = v->id;
	m.blk.index = v->lowest;
	m.blk.next = next;
	s->stats.absent++;
	return answer(s, v, &m, CONTENT_LIST_MAX);
}

/* Ages count positions from the first segment listed (2.2.5.4). */
static void write_ages(const struct content_held *held, const uint8_t *any, uint32_t count, uint8_t *blob, size_t *len)
{
	uint32_t first = 0;

	content_ages_start(blob, len);
	while (first < count && !any[first])
		first++;
	for (uint32_t i = first; i < count && i - first <= UINT8_MAX; i++) {
		if (any[i] && content_ages_append((uint8_t)(i - first), held[i].age, blob, len) != PONTO_OK)
			break;
	}
}

static int answer_segments(struct content_server *s, struct content_serving *v, const struct content_held *held,
			   uint32_t count)
{
	struct content_message m = {.type = CONTENT_SEGLIST};
	uint8_t blob[CONTENT_AGES_BYTES], *any = ponto_new(s->config.alloc, count + 8 * ((size_t)count + 1) / 2 + 8, 1);
	size_t blob_len;
	int result;

	if (!any) {
		want(s, v, CONTENT_SERVER_ABORT);
		return PONTO_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		any[i] = content_blocks_count(&held[i].blocks) > 0;
	memcpy(m.seglist.request_id, v->request_id, CONTENT_REQUEST_ID);
	m.seglist.ranges = content_ranges_of(any, count, any + count);
	write_ages(held, any, count, blob, &blob_len);
	m.seglist.blob = ponto_bytes(blob, blob_len);
	s->stats.lists++;
	result = answer(s, v, &m, CONTENT_LIST_MAX + m.seglist.ranges.bytes.len + blob_len);
	ponto_free(s->config.alloc, any);
	return result;
}

static int answer_nothing(struct content_server *s, struct content_serving *v)
{
	static const struct content_blocks none;

	if (v->type == CONTENT_GETSEGLIST)
		return answer_segments(s, v, NULL, 0);
	return v->type == CONTENT_GETBLKLIST ? answer_list(s, v, &none) : answer_empty(s, v, 0);
}

/* ---- requests ----------------------------------------------------------------------- */

static uint32_t elsewhere(const struct content_server *s, const struct ponto_addr *client)
{
	return s->config.elsewhere ? s->config.elsewhere(s->config.arg, client) : 0;
}

static bool has_room(const struct content_server *s, const struct ponto_addr *client)
{
	uint32_t own = 0;

	if (s->stats.active + elsewhere(s, NULL) >= s->config.limit)
		return false;
	if (s->config.per_client == 0)
		return true;
	own = elsewhere(s, client);
	for (const struct content_serving *v = s->first; v; v = v->next)
		own += v->counted && ponto_addr_same_host(&v->client, client);
	return own < s->config.per_client;
}

/* The parts of a request that are needed until it is answered. */
static int keep(struct content_server *s, struct content_serving *v, const struct content_message *m)
{
	struct ponto_writer w;

	v->type = m->type;
	if (m->type == CONTENT_GETSEGLIST) {
		memcpy(v->request_id, m->getseglist.request_id, CONTENT_REQUEST_ID);
		v->ids = m->getseglist.ids;
		v->ids_copy = ponto_bytes_dup(s->config.alloc, v->ids.bytes);
	} else {
		v->id = m->wanted.id;
		v->wanted = m->wanted.blocks;
		/* The first of several blocks; without any, what was named. */
		v->lowest = content_blocks_next(&v->wanted, 0);
		if (v->lowest == CONTENT_BLOCKS_MAX)
			v->lowest = m->wanted.lowest;
		v->ids = (struct content_ids){{NULL, 0}, 1};
		v->ids_copy = ponto_new(s->config.alloc, 1, 4 + CONTENT_ID_MAX);
		if (v->ids_copy)
			v->ids.bytes.len = 4 + ((v->id.len + 3u) & ~3u);
	}
	if (!v->ids_copy)
		return PONTO_ENOMEM;
	v->ids.bytes.data = v->ids_copy;
	if (m->type == CONTENT_GETSEGLIST)
		return PONTO_OK;
	w = ponto_writer(v->ids_copy, v->ids.bytes.len);
	ponto_write_be32(&w, v->id.len);
	ponto_write_copy(&w, v->id.b, v->id.len);
	return PONTO_OK;
}

static void drop(struct content_server *s, struct content_serving *v)
{
	ponto_free(s->config.alloc, v->ids_copy);
	ponto_free(s->config.alloc, v->body);
	ponto_free(s->config.alloc, v);
}

static void begin(struct content_server *s, struct content_serving *v)
{
	v->previous = s->last;
	if (s->last)
		s->last->next = v;
	else
		s->first = v;
	s->last = v;
}

/* 3.2.5.2: the version first, then the load, then the content. */
static int decide(struct content_server *s, struct content_serving *v, const struct content_message *m, bool spoken)
{
	int result;

	if (!spoken || m->type == CONTENT_NEGO_REQ)
		return answer_versions(s, v);
	result = keep(s, v, m);
	if (result != PONTO_OK)
		return result;
	if (!has_room(s, &v->client)) {
		s->stats.refused++;
		return answer_nothing(s, v);
	}
	v->counted = true;
	s->stats.active++;
	want(s, v, CONTENT_SERVER_LOOKUP);
	return PONTO_OK;
}

int content_server_input(struct content_server *server, uint64_t now, const struct ponto_addr *client,
			 struct ponto_bytes body, void *user, struct content_serving **out)
{
	struct content_message m;
	struct content_serving *v;
	int result = content_request_decode(body, 1, server->config.most, &m);

	server->stats.requests++;
	if (result == PONTO_EPROTO) {
		server->stats.malformed++;
		return result;
	}
	v = ponto_new(server->config.alloc, 1, sizeof(*v));
	if (!v)
		return PONTO_ENOMEM;
	v->client = *client;
	v->user = user;
	v->deadline = now + server->config.timeout;
	result = decide(server, v, &m, result == PONTO_OK);
	if (result != PONTO_OK) {
		unqueue(server, v);
		drop(server, v);
		return result;
	}
	begin(server, v);
	*out = v;
	return PONTO_OK;
}

int content_server_effect(struct content_server *server, struct content_server_effect *out)
{
	struct content_serving *v = server->due;

	if (!v)
		return 0;
	server->due = v->after;
	if (!server->due)
		server->due_last = NULL;
	v->queued = false;
	memset(out, 0, sizeof(*out));
	out->kind = v->effect;
	out->serving = v;
	out->user = v->user;
	out->ids = v->ids;
	out->blk = v->blk;
	out->crypto = server->config.crypto;
	out->body = ponto_bytes(v->body, v->body_len);
	return 1;
}

int content_server_held(struct content_server *server, struct content_serving *serving, const struct content_held *held,
			size_t count)
{
	struct content_serving *v = serving;
	uint32_t next;

	assert(count == v->ids.count);
	if (v->overdue)
		return PONTO_OK;
	if (v->type == CONTENT_GETSEGLIST)
		return answer_segments(server, v, held, (uint32_t)count);
	if (v->type == CONTENT_GETBLKLIST)
		return answer_list(server, v, &held->blocks);
	next = v->lowest < CONTENT_BLOCKS_MAX ? content_blocks_next(&held->blocks, v->lowest + 1) % CONTENT_BLOCKS_MAX
					      : 0;
	if (!content_blocks_has(&v->wanted, v->lowest) || !content_blocks_has(&held->blocks, v->lowest))
		return answer_empty(server, v, next);
	v->blk.id = v->id;
	v->blk.index = v->lowest;
	v->blk.next = next;
	want(server, v, CONTENT_SERVER_SERVE);
	return PONTO_OK;
}

int content_server_served(struct content_server *server, struct content_serving *serving, int result)
{
	if (result == PONTO_OK) {
		server->stats.blocks++;
		return PONTO_OK;
	}
	return serving->overdue ? PONTO_OK : answer_empty(server, serving, 0);
}

void content_server_done(struct content_server *server, struct content_serving *serving)
{
	struct content_serving *v = serving;

	unqueue(server, v);
	if (v->previous)
		v->previous->next = v->next;
	else
		server->first = v->next;
	if (v->next)
		v->next->previous = v->previous;
	else
		server->last = v->previous;
	if (v->counted)
		server->stats.active--;
	drop(server, v);
}

/* ---- time --------------------------------------------------------------------------- */

static struct content_serving *oldest(const struct content_server *s)
{
	struct content_serving *v = s->first;

	while (v && v->overdue)
		v = v->next;
	return v;
}

void content_server_advance(struct content_server *server, uint64_t now)
{
	struct content_serving *v;

	while ((v = oldest(server)) && v->deadline <= now) {
		v->overdue = true;
		server->stats.aborted++;
		want(server, v, CONTENT_SERVER_ABORT);
	}
}

uint64_t content_server_deadline(const struct content_server *server)
{
	const struct content_serving *v = oldest(server);

	return v ? v->deadline : PONTO_NEVER;
}

void content_server_stats(const struct content_server *server, struct content_server_stats *out)
{
	*out = server->stats;
}
