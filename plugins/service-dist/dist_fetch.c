/* A fetch: what the origin is asked first, what comes of the answer, and what is handed to who owns it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plugins/service-dist/dist_client.h"

#define REDIRECTS_MAX 10

/* ---- memory ------------------------------------------------------------------------------ */

void dist_chunk_unref(struct dist_chunk *chunk)
{
	if (!chunk || --chunk->refs > 0)
		return;
	ponto_free(chunk->alloc, chunk->memory);
	ponto_free(chunk->alloc, chunk);
}

/* By offset; what comes in order is put at the end at once. */
void dist_fetch_add(struct dist_fetch *fetch, struct dist_chunk *chunk)
{
	struct dist_chunk **at = &fetch->chunks;

	if (fetch->last && fetch->last->offset < chunk->offset)
		at = &fetch->last->next;
	else
		while (*at && (*at)->offset < chunk->offset)
			at = &(*at)->next;
	chunk->next = *at;
	*at = chunk;
	if (!chunk->next)
		fetch->last = chunk;
	chunk->refs++;
	chunk->listed = true;
	fetch->chunk_count++;
	fetch->chunk_bytes += chunk->data.len;
	fetch->tell_ready = true;
}

void dist_fetch_drop(struct dist_fetch *fetch, struct dist_chunk *chunk)
{
	struct dist_chunk **at = &fetch->chunks, *before = NULL;

	if (!chunk->listed)
		return;
	for (; *at != chunk; at = &(*at)->next)
		before = *at;
	*at = chunk->next;
	if (fetch->last == chunk)
		fetch->last = before;
	chunk->listed = false;
	fetch->chunk_count--;
	fetch->chunk_bytes -= chunk->data.len;
	dist_chunk_unref(chunk);
}

static void free_headers(const struct ponto_alloc *alloc, struct ponto_http_header *headers, size_t count)
{
	for (size_t i = 0; headers && i < count; i++) {
		ponto_free(alloc, headers[i].name);
		ponto_free(alloc, headers[i].value);
	}
	ponto_free(alloc, headers);
}

static int copy_headers(const struct ponto_alloc *alloc, const struct ponto_http_header *headers, size_t count,
			struct ponto_http_header **out)
{
	struct ponto_http_header *copy = ponto_new(alloc, count + 1, sizeof(*copy));

	if (!copy)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		copy[i].name = ponto_strdup(alloc, headers[i].name);
		copy[i].value = ponto_strdup(alloc, headers[i].value);
		if (!copy[i].name || !copy[i].value) {
			free_headers(alloc, copy, i + 1);
			return PONTO_ENOMEM;
		}
	}
	*out = copy;
	return PONTO_OK;
}

void dist_fetch_free(struct dist_fetch *fetch)
{
	const struct ponto_alloc *alloc = fetch->client->dist->env->alloc;

	ponto_http_cancel(fetch->client->dist->http, fetch->transfer);
	ponto_http_cancel(fetch->client->dist->http, fetch->invite);
	dist_blocks_end(fetch);
	while (fetch->chunks)
		dist_fetch_drop(fetch, fetch->chunks);
	content_plan_destroy(fetch->plan);
	free_headers(alloc, fetch->extra, fetch->extra_count);
	free_headers(alloc, fetch->headers, fetch->header_count);
	ponto_free(alloc, fetch->url);
	ponto_free(alloc, fetch->asked_validator);
	ponto_free(alloc, fetch->etag);
	ponto_free(alloc, fetch->modified);
	if (fetch->info_bytes)
		ponto_wipe(fetch->info_bytes, fetch->info_cap); /* it holds keys */
	ponto_free(alloc, fetch->info_bytes);
	ponto_free(alloc, fetch->walks);
	ponto_free(alloc, fetch->cached);
	ponto_free(alloc, fetch->givers);
	ponto_free(alloc, fetch);
}

/* ---- its end ---------------------------------------------------------------------------------- */

void dist_fetch_report(const struct dist_fetch *fetch, Ponto__Dist__V1__FetchReport *out)
{
	ponto__dist__v1__fetch_report__init(out);
	out->fetch = fetch->number;
	out->peers = fetch->bytes[DIST_FROM_PEERS];
	out->origin = fetch->bytes[DIST_FROM_ORIGIN];
	out->cache = fetch->bytes[DIST_FROM_CACHE];
	out->bytes = out->peers + out->origin + out->cache;
	out->has_length = fetch->has_length;
	out->length = fetch->length;
}

/* Everything it has under way is let go; what a worker has comes back to nobody. */
static void let_go(struct dist_fetch *fetch)
{
	struct dist_client *client = fetch->client;

	ponto_http_cancel(client->dist->http, fetch->transfer);
	ponto_http_cancel(client->dist->http, fetch->invite);
	fetch->transfer = fetch->invite = NULL;
	dist_blocks_end(fetch);
	for (unsigned i = 0; i < fetch->session_count; i++)
		content_client_stop(client->engine, dist_session_tag(fetch, fetch->sessions[i].segment));
	fetch->session_count = 0;
	client->again = true;
}

static void announce(struct dist_fetch *fetch)
{
	struct dist_client *client = fetch->client;
	Ponto__Dist__V1__FetchReport report;

	dist_fetch_report(fetch, &report);
	report.url = fetch->url;
	if (fetch->result != PONTO_OK)
		report.error = fetch->error;
	ponto_announce(client->dist->env, "content", &report.base);
	if (fetch->result != PONTO_OK)
		ponto_counter_add(client->metrics.failures, 1);
}

void dist_fetch_fail(struct dist_fetch *fetch, int result, const char *format, ...)
{
	va_list args;

	if (fetch->state == DIST_FETCH_OVER)
		return;
	va_start(args, format);
	vsnprintf(fetch->error, sizeof(fetch->error), format, args);
	va_end(args);
	fetch->state = DIST_FETCH_OVER;
	fetch->result = result;
	let_go(fetch);
	announce(fetch);
	fetch->tell_head = !fetch->replied;
	fetch->replied = true;
	fetch->tell_ready = true;
	fetch->client->again = true;
}

bool dist_fetch_whole(const struct dist_fetch *fetch)
{
	return fetch->state == DIST_FETCH_OVER && fetch->result == PONTO_OK && !fetch->chunks;
}

static void finish(struct dist_fetch *fetch)
{
	fetch->state = DIST_FETCH_OVER;
	let_go(fetch);
	announce(fetch);
	fetch->tell_ready = true;
}

void dist_fetch_close(struct dist_fetch *fetch)
{
	if (!fetch || fetch->closing)
		return;
	if (fetch->state != DIST_FETCH_OVER) {
		fetch->state = DIST_FETCH_OVER;
		fetch->result = PONTO_ECLOSED;
		snprintf(fetch->error, sizeof(fetch->error), "given up");
		let_go(fetch);
		announce(fetch);
	}
	fetch->closing = true;
	dist_client_pump(fetch->client);
}

/* ---- taking ------------------------------------------------------------------------------------- */

const struct dist_chunk *dist_fetch_peek(const struct dist_fetch *fetch)
{
	const struct dist_chunk *chunk = fetch->chunks;

	if (chunk && fetch->plan && !fetch->any_order && chunk->block != fetch->next_block)
		return NULL;
	return chunk;
}

struct dist_chunk *dist_fetch_take(struct dist_fetch *fetch)
{
	struct dist_chunk *chunk = (struct dist_chunk *)(uintptr_t)dist_fetch_peek(fetch);

	if (!chunk)
		return NULL;
	chunk->refs++;
	dist_fetch_drop(fetch, chunk);
	fetch->next_block = chunk->block + 1;
	fetch->given++;
	fetch->read += chunk->data.len;
	if (fetch->plan && fetch->given == content_plan_blocks(fetch->plan) && fetch->state == DIST_FETCH_BLOCKS)
		finish(fetch);
	if (fetch->paused) {
		fetch->paused = false;
		if (fetch->transfer)
			ponto_http_transfer_resume(fetch->client->dist->http, fetch->transfer);
	}
	dist_client_wake(fetch);
	return chunk;
}

/* ---- what the origin says -------------------------------------------------------------------------- */

const char *dist_fetch_header(const struct dist_fetch *fetch, const char *name)
{
	return ponto_http_find(fetch->headers, fetch->header_count, name);
}

static const char *coding_of(const struct dist_fetch *fetch)
{
	const char *coding = dist_fetch_header(fetch, "Content-Encoding");

	return coding && *coding && !ponto_http_name_is(coding, "identity") ? coding : NULL;
}

/* Where what comes begins, and how long the whole is. */
static int read_extent(struct dist_fetch *fetch, const struct content_coding *coding)
{
	const char *length = dist_fetch_header(fetch, "Content-Length");
	const char *range = dist_fetch_header(fetch, "Content-Range");
	uint64_t last = 0;

	if (fetch->status == 206) {
		if (!range || dist_origin_content_range(range, &fetch->from, &last, &fetch->has_length,
							&fetch->length) != PONTO_OK)
			return fetch->transparent && !coding->encoded ? PONTO_OK : PONTO_EPROTO;
		fetch->end = last + 1;
		return fetch->from == fetch->asked_from || fetch->transparent ? PONTO_OK : PONTO_EPROTO;
	}
	if (coding->encoded) {
		fetch->has_length = coding->has_length;
		fetch->length = coding->length;
		fetch->end = coding->has_length ? coding->length : 0;
	} else if (length) {
		fetch->has_length =
			ponto_bytes_decimal(ponto_bytes(length, strlen(length)), UINT64_MAX / 2, &fetch->length);
	}
	return PONTO_OK;
}

static void on_invited(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	struct dist_fetch *fetch = arg;

	/* The server knows now that hashes are wanted; whatever it says is for the next time. */
	(void)status;
	(void)headers;
	(void)count;
	ponto_http_cancel(fetch->client->dist->http, fetch->invite);
	fetch->invite = NULL;
}

static void on_invite_done(void *arg, int result)
{
	struct dist_fetch *fetch = arg;

	(void)result;
	fetch->invite = NULL;
}

/* Of the origin. */
static struct ponto_http_fetch question(const struct dist_fetch *fetch, uint64_t timeout,
					const struct ponto_http_header *headers)
{
	return (struct ponto_http_fetch){
		.method = "GET",
		.url = fetch->url,
		.headers = headers,
		.ca_file = fetch->client->ca_file,
		.timeout = timeout,
		.answer_limit = UINT64_MAX,
		.redirects = fetch->redirects,
	};
}

/* [MS-PCCRTP] 3.1.5.1: MakeHashRequest is answered with a hash request. */
static void invite(struct dist_fetch *fetch)
{
	static const struct ponto_http_fetch_events events = {on_invited, NULL, on_invite_done};
	struct dist_client *client = fetch->client;
	struct ponto_http_header headers[DIST_ASK_HEADERS];
	struct dist_ask_texts texts = {.range = ""};
	struct ponto_http_fetch get = question(fetch, client->origin_timeout, headers);

	get.header_count = dist_fetch_headers(fetch, CONTENT_ASK_HASHES, &texts, headers);
	/* Not sent for want of memory: the next fetch asks again. */
	if (ponto_http_fetch(client->dist->http, client->dist->env->loop, &get, &events, fetch, &fetch->invite) !=
	    PONTO_OK)
		fetch->invite = NULL;
}

static void keep_validators(struct dist_fetch *fetch)
{
	const struct ponto_alloc *alloc = fetch->client->dist->env->alloc;
	const char *etag = dist_fetch_header(fetch, "ETag"), *modified = dist_fetch_header(fetch, "Last-Modified");

	if (etag && *etag == '"')
		fetch->etag = ponto_strdup(alloc, etag);
	if (modified)
		fetch->modified = ponto_strdup(alloc, modified);
}

static void on_head(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	struct dist_fetch *fetch = arg;
	struct content_coding coding = {0};

	fetch->status = status;
	if (copy_headers(fetch->client->dist->env->alloc, headers, count, &fetch->headers) != PONTO_OK) {
		dist_fetch_fail(fetch, PONTO_ENOMEM, "no memory");
		dist_client_pump(fetch->client);
		return;
	}
	fetch->header_count = count;
	for (size_t i = 0; i < count; i++)
		content_coding_header(&coding, headers[i].name, headers[i].value);
	keep_validators(fetch);
	if (status != 200 && status != 206 && !fetch->transparent) {
		dist_fetch_fail(fetch, status == 404 || status == 410 ? PONTO_ENOENT : PONTO_EIO,
				"the origin answers %u", status);
	} else if (read_extent(fetch, &coding) != PONTO_OK) {
		dist_fetch_fail(fetch, PONTO_EPROTO, "the origin sends another range than it was asked for");
	} else if (coding.encoded && (status == 200 || status == 206)) {
		fetch->state = DIST_FETCH_INFO;
		fetch->encoded = true;
	} else if (coding_of(fetch) && !fetch->transparent) {
		dist_fetch_fail(fetch, PONTO_ENOTSUP, "the origin sends a coding that was not asked for");
	} else {
		fetch->state = DIST_FETCH_PLAIN;
		fetch->replied = fetch->tell_head = true;
		if (coding.make_hash && !coding.bad_value && status == 200)
			invite(fetch);
	}
	dist_client_pump(fetch->client);
}

static int take_info(struct dist_fetch *fetch, struct ponto_bytes data)
{
	const struct ponto_alloc *alloc = fetch->client->dist->env->alloc;

	if (data.len > fetch->client->info_limit - fetch->info_len)
		return PONTO_ELIMIT;
	if (fetch->info_len + data.len > fetch->info_cap) {
		size_t cap = fetch->info_cap ? 2 * fetch->info_cap : 16384;
		uint8_t *grown;

		while (cap < fetch->info_len + data.len)
			cap *= 2;
		grown = ponto_resize(alloc, fetch->info_bytes, cap, 1);
		if (!grown)
			return PONTO_ENOMEM;
		fetch->info_bytes = grown;
		fetch->info_cap = cap;
	}
	memcpy(fetch->info_bytes + fetch->info_len, data.data, data.len);
	fetch->info_len += data.len;
	return PONTO_OK;
}

static int take_plain(struct dist_fetch *fetch, struct ponto_bytes data)
{
	const struct ponto_alloc *alloc = fetch->client->dist->env->alloc;
	uint64_t offset = fetch->last ? fetch->last->offset + fetch->last->data.len : fetch->from + fetch->read;
	struct dist_chunk *chunk;

	if (fetch->chunk_bytes >= fetch->client->memory) {
		fetch->paused = true;
		return PONTO_EBUSY;
	}
	if (fetch->has_length && fetch->status != 206 && data.len > fetch->length - offset)
		return PONTO_EPROTO;
	chunk = ponto_new(alloc, 1, sizeof(*chunk));
	if (!chunk)
		return PONTO_ENOMEM;
	chunk->alloc = alloc;
	chunk->memory = ponto_bytes_dup(alloc, data);
	chunk->data = chunk->all = ponto_bytes(chunk->memory, data.len);
	chunk->offset = offset;
	chunk->refs = 1;
	if (chunk->memory)
		dist_fetch_add(fetch, chunk);
	dist_chunk_unref(chunk);
	if (!fetch->last || fetch->last->offset != offset)
		return PONTO_ENOMEM;
	fetch->bytes[DIST_FROM_ORIGIN] += data.len;
	ponto_counter_add(fetch->client->metrics.bytes[DIST_FROM_ORIGIN], data.len);
	if (fetch->client->dist->cached)
		dist_cache_fetched(fetch->client->dist->cache, false, data.len);
	return PONTO_OK;
}

static int on_body(void *arg, struct ponto_bytes data)
{
	struct dist_fetch *fetch = arg;
	int result = PONTO_ECLOSED;

	if (fetch->state == DIST_FETCH_INFO)
		result = take_info(fetch, data);
	else if (fetch->state == DIST_FETCH_PLAIN)
		result = take_plain(fetch, data);
	if (result == PONTO_OK)
		dist_client_pump(fetch->client);
	return result;
}

static void begin_blocks(struct dist_fetch *fetch, bool origin)
{
	int result = dist_blocks_begin(fetch, origin);

	if (result == PONTO_OK) {
		fetch->state = DIST_FETCH_BLOCKS;
		fetch->replied = fetch->tell_head = true;
		dist_client_wake(fetch);
	} else {
		dist_fetch_fail(fetch, result, "the Content Information %s",
				result == PONTO_ENOTSUP	 ? "is of a version that is not understood"
				: result == PONTO_EPROTO ? "is damaged, or not of this content"
							 : "is too large for the memory there is");
	}
}

static void on_done(void *arg, int result)
{
	struct dist_fetch *fetch = arg;
	uint64_t had = fetch->from + fetch->bytes[DIST_FROM_ORIGIN];

	fetch->transfer = NULL;
	if (fetch->state == DIST_FETCH_OVER)
		; /* said already */
	else if (result == PONTO_ELIMIT && fetch->state == DIST_FETCH_INFO)
		dist_fetch_fail(fetch, result,
				"the Content Information is larger than option information_limit allows");
	else if (result == PONTO_EAUTH)
		dist_fetch_fail(fetch, result, "the origin's certificate is not accepted");
	else if (result == PONTO_EUNREACH)
		dist_fetch_fail(fetch, result, "the origin cannot be reached");
	else if (result != PONTO_OK)
		dist_fetch_fail(fetch, result, "the origin's answer broke off: %s", ponto_strerror(result));
	else if (fetch->state == DIST_FETCH_INFO)
		begin_blocks(fetch, true);
	else if (fetch->has_length && had < fetch->length && fetch->status == 200)
		dist_fetch_fail(fetch, PONTO_EIO, "the origin's answer broke off");
	else
		finish(fetch);
	dist_client_pump(fetch->client);
}

/* ---- what it is asked --------------------------------------------------------------------------------- */

/* Not the owner's to say; conditions are, when it is the first time and the answer is for him alone. */
static bool ours(const char *name, bool conditions)
{
	static const char *const names[] = {"Accept-Encoding", CONTENT_PARAMS,	    CONTENT_PARAMS_EX,
					    "Range",	       "If-Range",	    "If-Match",
					    "If-None-Match",   "If-Modified-Since", "If-Unmodified-Since"};

	for (size_t i = 0; i < (conditions ? 3 : PONTO_ARRAY_SIZE(names)); i++) {
		if (ponto_http_name_is(name, names[i]))
			return true;
	}
	return false;
}

size_t dist_fetch_headers(const struct dist_fetch *fetch, enum content_ask ask, struct dist_ask_texts *texts,
			  struct ponto_http_header out[DIST_ASK_HEADERS])
{
	const char *codings =
		fetch->transparent ? ponto_http_find(fetch->extra, fetch->extra_count, "Accept-Encoding") : "identity";
	size_t count = 0;

	for (size_t i = 0; i < fetch->extra_count && count < DIST_ASK_HEADERS - 8; i++) {
		if (!ours(fetch->extra[i].name, fetch->transparent && ask == CONTENT_ASK_FIRST))
			out[count++] = fetch->extra[i];
	}
	content_ask_params(ask, 2, texts->params, texts->params_ex);
	if (!content_ask_offers(ask))
		snprintf(texts->accept, sizeof(texts->accept), "identity");
	else if (codings && *codings)
		snprintf(texts->accept, sizeof(texts->accept), "%.200s, peerdist", codings);
	else
		snprintf(texts->accept, sizeof(texts->accept), "peerdist");
	out[count++] = (struct ponto_http_header){"Accept-Encoding", texts->accept};
	out[count++] = (struct ponto_http_header){CONTENT_PARAMS, texts->params};
	out[count++] = (struct ponto_http_header){CONTENT_PARAMS_EX, texts->params_ex};
	if (*texts->range)
		out[count++] = (struct ponto_http_header){"Range", texts->range};
	return count;
}

static int ask_origin(struct dist_fetch *fetch)
{
	static const struct ponto_http_fetch_events events = {on_head, on_body, on_done};
	struct dist_client *client = fetch->client;
	struct ponto_http_header headers[DIST_ASK_HEADERS];
	struct dist_ask_texts texts = {.range = ""};
	struct ponto_http_fetch get = question(fetch, DIST_FETCH_LIFE, headers);

	get.connect_timeout = get.stall_timeout = client->origin_timeout;
	if (fetch->asked_from > 0)
		snprintf(texts.range, sizeof(texts.range), "bytes=%llu-", (unsigned long long)fetch->asked_from);
	get.header_count = dist_fetch_headers(fetch, CONTENT_ASK_FIRST, &texts, headers);
	if (fetch->asked_from > 0)
		headers[get.header_count++] = (struct ponto_http_header){"If-Range", fetch->asked_validator};
	return ponto_http_fetch(client->dist->http, client->dist->env->loop, &get, &events, fetch, &fetch->transfer);
}

/* ---- its beginning -------------------------------------------------------------------------------------- */

static unsigned fetches_of(const struct dist_client *client, uint32_t uid)
{
	unsigned count = 0;

	for (const struct dist_fetch *fetch = client->fetches; fetch; fetch = fetch->next)
		count += fetch->uid == uid;
	return count;
}

static int fill(struct dist_fetch *fetch, const struct dist_fetch_setup *setup)
{
	const struct ponto_alloc *alloc = fetch->client->dist->env->alloc;
	int result = PONTO_OK;

	fetch->uid = setup->uid;
	fetch->program = setup->program;
	fetch->any_order = setup->any_order;
	fetch->transparent = setup->transparent;
	fetch->redirects = setup->redirects < REDIRECTS_MAX ? setup->redirects : REDIRECTS_MAX;
	fetch->events = setup->events;
	fetch->arg = setup->arg;
	fetch->deadline = PONTO_NEVER;
	if (setup->url && !(fetch->url = ponto_strdup(alloc, setup->url)))
		return PONTO_ENOMEM;
	/* Only a strong validator, or a date, proves that the rest belongs to what is had. */
	if (setup->from > 0 && setup->validator && *setup->validator && strncmp(setup->validator, "W/", 2) != 0) {
		fetch->asked_from = setup->from;
		fetch->asked_validator = ponto_strdup(alloc, setup->validator);
		if (!fetch->asked_validator)
			return PONTO_ENOMEM;
	}
	if (setup->header_count) {
		result = copy_headers(alloc, setup->headers, setup->header_count, &fetch->extra);
		if (result == PONTO_OK)
			fetch->extra_count = setup->header_count;
	}
	if (result == PONTO_OK && setup->info.len)
		result = take_info(fetch, setup->info);
	return result;
}

int dist_fetch_open(struct dist_client *client, const struct dist_fetch_setup *setup, char why[DIST_ERROR_TEXT],
		    struct dist_fetch **out)
{
	struct dist_fetch *fetch;
	int result;

	snprintf(why, DIST_ERROR_TEXT, "too many fetches at once");
	if (client->stopping || !ponto_share(fetches_of(client, setup->uid), client->fetch_count, client->fetches_max))
		return client->stopping ? PONTO_ECLOSED : PONTO_EBUSY;
	snprintf(why, DIST_ERROR_TEXT, "a URL or Content Information is needed");
	if (!setup->url && setup->info.len == 0)
		return PONTO_EINVAL;
	fetch = ponto_new(client->dist->env->alloc, 1, sizeof(*fetch));
	if (!fetch)
		return PONTO_ENOMEM;
	fetch->client = client;
	result = fill(fetch, setup);
	if (result == PONTO_OK && fetch->info_len == 0)
		result = ask_origin(fetch);
	snprintf(why, DIST_ERROR_TEXT, "%s",
		 result == PONTO_EINVAL	   ? "not a URL that can be fetched"
		 : result == PONTO_ENOTSUP ? "only http and https are fetched"
		 : result == PONTO_ENOENT  ? "the file of option ca_file is not there"
					   : ponto_strerror(result));
	if (result != PONTO_OK) {
		dist_fetch_free(fetch);
		return result;
	}
	fetch->number = client->next_number++;
	fetch->next = client->fetches;
	client->fetches = fetch;
	client->fetch_count++;
	ponto_counter_add(client->metrics.fetches, 1);
	*out = fetch;
	if (fetch->info_len) {
		fetch->encoded = true;
		begin_blocks(fetch, fetch->url != NULL);
		dist_client_wake(fetch);
		ponto_timer_set(client->dist->env->loop, client->timer, dist_now(client->dist));
	}
	return PONTO_OK;
}
