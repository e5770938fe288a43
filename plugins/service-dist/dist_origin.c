/* What the origin is asked for: a few blocks at a time, by a range and with the validator seen, hashed like those of
 * neighbours before they are anyone's. [MS-PCCRTP] 2.2: MissingDataRequest. */
#include <stdio.h>
#include <string.h>

#include "plugins/service-dist/dist_client.h"
#include "plugins/service-dist/dist_digest.h"

#define TOPIC DIST_CLIENT_TOPIC
#define HASHING_MAX 8u /* blocks of one answer at workers */
#define WRONG_MAX 3u   /* wrong blocks in a row: the origin's bytes are not those described */

struct dist_ask {
	struct dist_ask *next;
	struct dist_fetch *fetch;
	struct ponto_http_transfer *transfer;
	uint64_t first, at; /* blocks: asked for; the one coming in */
	uint32_t count;
	uint64_t end_block; /* behind the last that may come */
	uint64_t position;  /* of the next byte, in the entity */
	uint8_t *block;	    /* being filled */
	uint32_t filled, size;
	uint64_t place;
	unsigned hashing, held;		/* held: it is being worked on right now */
	bool whole, paused, over, gone; /* whole: all of the entity comes; gone: its fetch let it go */
	int result;
};

struct hashing {
	struct dist_ask *ask;
	uint64_t block;
	uint8_t *memory;
	uint32_t size;
	uint8_t hash[CONTENT_HASH_MAX];
};

static const struct ponto_alloc *alloc_of(const struct dist_ask *ask)
{
	return ask->fetch->client->dist->env->alloc;
}

int dist_origin_content_range(const char *value, uint64_t *first, uint64_t *last, bool *has_size, uint64_t *size)
{
	const char *dash = strchr(value, '-'), *slash = strchr(value, '/');
	uint64_t from, to, whole = 0;

	if (strncmp(value, "bytes ", 6) != 0 || !dash || !slash || dash > slash)
		return PONTO_EPROTO;
	if (!ponto_bytes_decimal(ponto_bytes(value + 6, (size_t)(dash - value - 6)), UINT64_MAX / 2, &from) ||
	    !ponto_bytes_decimal(ponto_bytes(dash + 1, (size_t)(slash - dash - 1)), UINT64_MAX / 2, &to) || from > to)
		return PONTO_EPROTO;
	if (strcmp(slash + 1, "*") != 0 &&
	    (!ponto_bytes_decimal(ponto_bytes(slash + 1, strlen(slash + 1)), UINT64_MAX / 2, &whole) || to >= whole))
		return PONTO_EPROTO;
	*first = from;
	*last = to;
	*has_size = strcmp(slash + 1, "*") != 0;
	*size = whole;
	return PONTO_OK;
}

/* ---- its end ------------------------------------------------------------------------------- */

static void forget(struct dist_ask *ask)
{
	struct dist_ask **at = &ask->fetch->asks;

	while (*at != ask)
		at = &(*at)->next;
	*at = ask->next;
	ponto_free(alloc_of(ask), ask->block);
	ponto_free(alloc_of(ask), ask);
}

/* The answer is in, and so is the last hash. */
static void settle(struct dist_ask *ask)
{
	struct dist_fetch *fetch = ask->fetch;

	if (!ask->over || ask->hashing > 0 || ask->held > 0)
		return;
	if (!ask->gone && fetch->plan)
		content_plan_asked(fetch->plan, dist_now(fetch->client->dist), ask->first, ask->count, ask->result);
	forget(ask);
	dist_client_wake(fetch);
}

/* Between the two neither it nor its fetch is freed, whoever lets go of them. */
static void hold(struct dist_ask *ask)
{
	ask->held++;
	ask->fetch->jobs++;
}

static void release(struct dist_ask *ask)
{
	struct dist_fetch *fetch = ask->fetch;

	ask->held--;
	settle(ask);
	fetch->jobs--;
	dist_client_pump(fetch->client);
}

void dist_origin_end(struct dist_fetch *fetch)
{
	for (struct dist_ask *ask = fetch->asks, *next; ask; ask = next) {
		next = ask->next;
		ponto_http_cancel(fetch->client->dist->http, ask->transfer);
		ask->transfer = NULL;
		ask->gone = ask->over = true;
		settle(ask);
	}
}

/* More would not be wanted now: memory is full, or the reader is far behind. */
static bool crowded(const struct dist_ask *ask)
{
	const struct dist_fetch *fetch = ask->fetch;

	if (ask->hashing >= HASHING_MAX)
		return true;
	return ask->whole && (fetch->chunk_count >= fetch->window ||
			      (!fetch->any_order && ask->at >= fetch->next_block + fetch->window));
}

void dist_origin_resume(struct dist_fetch *fetch)
{
	for (struct dist_ask *ask = fetch->asks; ask; ask = ask->next) {
		if (ask->paused && ask->transfer && !crowded(ask)) {
			ask->paused = false;
			ponto_http_transfer_resume(fetch->client->dist->http, ask->transfer);
		}
	}
}

/* ---- blocks -------------------------------------------------------------------------------------- */

/* On a worker. */
static void hash_block(void *arg)
{
	struct hashing *h = arg;

	dist_digest(h->ask->fetch->info.algo, ponto_bytes(h->memory, h->size), h->hash);
}

static bool right(const struct hashing *h)
{
	const struct dist_fetch *fetch = h->ask->fetch;
	struct content_segment segment;
	struct ponto_bytes wanted;
	uint32_t at, index;

	content_plan_locate(fetch->plan, h->block, &at, &index);
	if (!dist_blocks_segment(fetch, at, &segment))
		return false;
	wanted = content_block_hash(fetch->info.algo, &segment, index);
	return wanted.len > 0 && memcmp(wanted.data, h->hash, wanted.len) == 0;
}

static void hashed(void *arg)
{
	struct hashing *h = arg;
	struct dist_ask *ask = h->ask;
	struct dist_fetch *fetch = ask->fetch;
	struct dist_client *client = fetch->client;

	hold(ask);
	client->jobs--;
	fetch->jobs--;
	ask->hashing--;
	if (!ask->gone && right(h)) {
		fetch->origin_wrong = 0;
		dist_blocks_accept(fetch, h->block, h->memory, h->memory, h->size, DIST_FROM_ORIGIN);
		h->memory = NULL;
	} else if (!ask->gone) {
		ponto_counter_add(client->metrics.wrong, 1);
		if (++fetch->origin_wrong >= WRONG_MAX)
			dist_fetch_fail(fetch, PONTO_EPROTO, "what the origin sends is not what it described");
	}
	ponto_free(client->dist->env->alloc, h->memory);
	ponto_free(client->dist->env->alloc, h);
	if (!ask->gone)
		dist_origin_resume(fetch);
	release(ask);
}

static int hash_one(struct dist_ask *ask)
{
	struct dist_fetch *fetch = ask->fetch;
	struct hashing *h = ponto_new(alloc_of(ask), 1, sizeof(*h));

	if (!h)
		return PONTO_ENOMEM;
	h->ask = ask;
	h->block = ask->at;
	h->memory = ask->block;
	h->size = ask->size;
	ask->block = NULL;
	ask->hashing++;
	fetch->jobs++;
	dist_client_work(fetch->client, hash_block, hashed, h);
	return PONTO_OK;
}

/* The next block that comes in; false: none. */
static bool next_block(struct dist_ask *ask, uint64_t block)
{
	if (block >= ask->end_block)
		return false;
	ask->at = block;
	ask->filled = 0;
	ask->place = dist_blocks_place(ask->fetch, block, &ask->size);
	return true;
}

/* Bytes at ask->position; what lies between blocks wanted is skipped. PONTO_OK; PONTO_ENOMEM. */
static int take(struct dist_ask *ask, struct ponto_bytes data)
{
	while (data.len > 0 && ask->at < ask->end_block) {
		size_t take = data.len;

		if (ask->position < ask->place) {
			if (take > ask->place - ask->position)
				take = (size_t)(ask->place - ask->position);
		} else {
			if (take > ask->size - ask->filled)
				take = ask->size - ask->filled;
			if (!ask->block)
				ask->block = ponto_new(alloc_of(ask), ask->size, 1);
			if (!ask->block)
				return PONTO_ENOMEM;
			memcpy(ask->block + ask->filled, data.data, take);
			ask->filled += (uint32_t)take;
		}
		ask->position += take;
		data.data += take;
		data.len -= take;
		if (ask->filled < ask->size)
			continue;
		/* Of an answer in full, much may be had already. */
		if (!content_plan_has(ask->fetch->plan, ask->at) && hash_one(ask) != PONTO_OK)
			return PONTO_ENOMEM;
		ponto_free(alloc_of(ask), ask->block);
		ask->block = NULL;
		if (ask->gone || !next_block(ask, ask->at + 1))
			break;
	}
	return PONTO_OK;
}

static int on_body(void *arg, struct ponto_bytes data)
{
	struct dist_ask *ask = arg;
	int result;

	if (crowded(ask)) {
		ask->paused = true;
		return PONTO_EBUSY;
	}
	hold(ask);
	result = take(ask, data);
	if (ask->gone)
		result = PONTO_ECLOSED;
	release(ask);
	return result;
}

/* ---- the answer -------------------------------------------------------------------------------------- */

static bool is_changed(const struct dist_fetch *fetch, const struct ponto_http_header *headers, size_t count)
{
	const char *etag = ponto_http_find(headers, count, "ETag");
	const char *modified = ponto_http_find(headers, count, "Last-Modified");

	if (fetch->etag && etag)
		return strcmp(fetch->etag, etag) != 0;
	return fetch->modified && modified && strcmp(fetch->modified, modified) != 0;
}

/* PONTO_EBUSY: to be asked once more, for everything. */
static int check_head(struct dist_ask *ask, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	struct dist_fetch *fetch = ask->fetch;
	const char *range = ponto_http_find(headers, count, "Content-Range");
	const char *coding = ponto_http_find(headers, count, "Content-Encoding");
	uint64_t first, last, size;
	bool has_size;

	if (status == 412 || ((status == 200 || status == 206) && is_changed(fetch, headers, count))) {
		dist_fetch_fail(fetch, PONTO_EGUARD, "it was changed at its origin meanwhile");
		return PONTO_EGUARD;
	}
	if (coding && *coding && !ponto_http_name_is(coding, "identity"))
		return PONTO_EPROTO;
	if (status == 200 && ask->whole)
		return PONTO_OK;
	if (status == 200) { /* it does not know ranges: the next time all is asked for */
		fetch->ranges_refused = true;
		return PONTO_EBUSY;
	}
	if (status != 206 || !range || dist_origin_content_range(range, &first, &last, &has_size, &size) != PONTO_OK ||
	    first != ask->position || (has_size && size != fetch->length && fetch->url))
		return PONTO_EPROTO;
	return PONTO_OK;
}

static void on_head(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	struct dist_ask *ask = arg;
	struct dist_fetch *fetch = ask->fetch;

	hold(ask);
	ask->result = check_head(ask, status, headers, count);
	if (ask->result == PONTO_EPROTO)
		ponto_info(fetch->client->dist->env->log, TOPIC, "the origin answers %u to a range", status);
	if (ask->result != PONTO_OK && !ask->gone) {
		ponto_http_cancel(fetch->client->dist->http, ask->transfer);
		ask->transfer = NULL;
		ask->over = true;
		/* That it knows no ranges is no failure. */
		if (ask->result == PONTO_EBUSY)
			ask->result = PONTO_OK;
	}
	release(ask);
}

static void on_done(void *arg, int result)
{
	struct dist_ask *ask = arg;
	struct dist_client *client = ask->fetch->client;

	ask->transfer = NULL;
	ask->over = true;
	if (ask->result == PONTO_OK)
		ask->result = result == PONTO_OK && ask->at < ask->end_block ? PONTO_EIO : result;
	settle(ask);
	dist_client_pump(client);
}

/* ---- asking ---------------------------------------------------------------------------------------------- */

static int send(struct dist_ask *ask)
{
	static const struct ponto_http_fetch_events events = {on_head, on_body, on_done};
	struct dist_fetch *fetch = ask->fetch;
	struct dist_client *client = fetch->client;
	struct ponto_http_header headers[DIST_ASK_HEADERS];
	struct dist_ask_texts texts = {.range = ""};
	uint32_t size;
	uint64_t end = dist_blocks_place(fetch, ask->first + ask->count - 1, &size) + size;
	struct ponto_http_fetch get = {
		.method = "GET",
		.url = fetch->url,
		.headers = headers,
		.ca_file = client->ca_file,
		.timeout = ask->whole ? DIST_FETCH_LIFE : 20 * client->origin_timeout,
		.connect_timeout = client->origin_timeout,
		.stall_timeout = client->origin_timeout,
		.answer_limit = ask->whole ? UINT64_MAX : end - ask->position,
		.redirects = fetch->redirects,
	};

	if (!ask->whole)
		snprintf(texts.range, sizeof(texts.range), "bytes=%llu-%llu", (unsigned long long)ask->position,
			 (unsigned long long)end - 1);
	get.header_count = dist_fetch_headers(fetch, CONTENT_ASK_MISSING, &texts, headers);
	if (fetch->etag)
		headers[get.header_count++] = (struct ponto_http_header){"If-Match", fetch->etag};
	else if (fetch->modified)
		headers[get.header_count++] = (struct ponto_http_header){"If-Unmodified-Since", fetch->modified};
	return ponto_http_fetch(client->dist->http, client->dist->env->loop, &get, &events, ask, &ask->transfer);
}

void dist_origin_ask(struct dist_fetch *fetch, uint64_t first, uint32_t count)
{
	struct dist_ask *ask = ponto_new(fetch->client->dist->env->alloc, 1, sizeof(*ask));
	int result = PONTO_ENOMEM;

	if (ask) {
		ask->fetch = fetch;
		ask->first = first;
		ask->count = count;
		ask->whole = fetch->ranges_refused;
		ask->end_block = ask->whole ? content_plan_blocks(fetch->plan) : first + count;
		(void)next_block(ask, ask->whole ? 0 : first);
		ask->position = ask->whole ? 0 : ask->place;
		ask->next = fetch->asks;
		fetch->asks = ask;
		result = send(ask);
		if (result != PONTO_OK)
			forget(ask);
	}
	if (result != PONTO_OK)
		content_plan_asked(fetch->plan, dist_now(fetch->client->dist), first, count, result);
}
