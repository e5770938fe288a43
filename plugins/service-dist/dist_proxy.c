/* The proxy: GETs are fetched among neighbours and streamed in order, everything else goes to the origin as it is.
 *
 * A body is filled on a thread of the HTTP plugin; what lies between it and the loop is a short queue with a lock. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plugins/service-dist/dist_client.h"

#define QUEUE_MAX (512u * 1024) /* bytes between the loop and a body */
#define BODY_LIMIT (16u * 1024 * 1024)
#define NOBODY UINT32_MAX /* whose fetches they are */
#define NAME_TEXT 24
#define RELAY_HEADERS 200

struct dist_proxy {
	struct dist_client *client;
	struct ponto_http_listener *listener;
	struct relay *relays;
	char name[NAME_TEXT]; /* in Via */
};

/* A request on its way; its answer comes from a fetch or, untouched, from the origin. */
struct relay {
	struct relay *next;
	struct dist_proxy *proxy; /* NULL: it is over, but a call of its own is still on its way */
	const struct ponto_alloc *alloc;
	struct ponto_loop *loop;
	struct ponto_http_request *request;
	struct dist_fetch *fetch;
	struct ponto_http_transfer *transfer;
	bool responded, paused;
	/* under the lock */
	pthread_mutex_t lock;
	struct dist_chunk *queue, **queue_end, *spent; /* spent: to be freed on the loop */
	size_t queued, front;			       /* bytes waiting; bytes of the first that are sent */
	bool whole, failed, posted, hungry;
};

/* ---- memory ------------------------------------------------------------------------------- */

static void unref_list(struct dist_chunk *chunk)
{
	while (chunk) {
		struct dist_chunk *next = chunk->next;

		dist_chunk_unref(chunk);
		chunk = next;
	}
}

static void free_relay(struct relay *relay)
{
	unref_list(relay->queue);
	unref_list(relay->spent);
	pthread_mutex_destroy(&relay->lock);
	ponto_free(relay->alloc, relay);
}

/* Nothing is answered any more. */
static void end_relay(struct relay *relay)
{
	struct dist_proxy *proxy = relay->proxy;
	struct relay **at = &proxy->relays;
	bool posted;

	while (*at != relay)
		at = &(*at)->next;
	*at = relay->next;
	ponto_http_cancel(proxy->client->dist->http, relay->transfer);
	dist_fetch_close(relay->fetch);
	relay->proxy = NULL;
	pthread_mutex_lock(&relay->lock);
	posted = relay->posted;
	pthread_mutex_unlock(&relay->lock);
	if (!posted)
		free_relay(relay);
}

static void released(void *arg)
{
	end_relay(arg);
}

/* ---- the body ----------------------------------------------------------------------------------- */

static void refill(void *arg);

/* On a thread of the HTTP plugin. */
static int64_t fill(void *arg, uint64_t offset, uint8_t *out, size_t cap)
{
	struct relay *relay = arg;
	int64_t result;
	size_t len = 0;

	(void)offset;
	pthread_mutex_lock(&relay->lock);
	while (relay->queue && len < cap) {
		struct dist_chunk *chunk = relay->queue;
		size_t left = chunk->data.len - relay->front, take = left < cap - len ? left : cap - len;

		memcpy(out + len, chunk->data.data + relay->front, take);
		len += take;
		relay->front += take;
		relay->queued -= take;
		if (relay->front < chunk->data.len)
			continue;
		relay->queue = chunk->next;
		if (!relay->queue)
			relay->queue_end = &relay->queue;
		chunk->next = relay->spent;
		relay->spent = chunk;
		relay->front = 0;
	}
	result = len > 0 ? (int64_t)len : relay->failed ? PONTO_EIO : relay->whole ? 0 : PONTO_EBUSY;
	relay->hungry = result == PONTO_EBUSY;
	if (!relay->posted && relay->queued < QUEUE_MAX / 2 && !relay->whole && !relay->failed) {
		relay->posted = ponto_loop_post(relay->loop, refill, relay) == PONTO_OK;
		if (!relay->posted && result == PONTO_EBUSY)
			result = PONTO_ENOMEM;
	}
	pthread_mutex_unlock(&relay->lock);
	return result;
}

static void push(struct relay *relay, struct dist_chunk *chunk)
{
	pthread_mutex_lock(&relay->lock);
	chunk->next = NULL;
	*relay->queue_end = chunk;
	relay->queue_end = &chunk->next;
	relay->queued += chunk->data.len;
	pthread_mutex_unlock(&relay->lock);
}

/* The body, if it waits, is asked again. */
static void feed(struct relay *relay)
{
	bool hungry;

	pthread_mutex_lock(&relay->lock);
	hungry = relay->hungry && (relay->queue || relay->whole || relay->failed);
	if (hungry)
		relay->hungry = false;
	pthread_mutex_unlock(&relay->lock);
	if (hungry && relay->responded)
		ponto_http_resume(relay->proxy->client->dist->http, relay->proxy->listener, relay->request);
}

static size_t queued(struct relay *relay)
{
	size_t bytes;

	pthread_mutex_lock(&relay->lock);
	bytes = relay->queued;
	pthread_mutex_unlock(&relay->lock);
	return bytes;
}

static void end_body(struct relay *relay, bool failed)
{
	pthread_mutex_lock(&relay->lock);
	*(failed ? &relay->failed : &relay->whole) = true;
	pthread_mutex_unlock(&relay->lock);
	feed(relay);
}

/* From the fetch into the queue, as much as there is room for. */
static void pour(struct relay *relay)
{
	struct dist_chunk *chunk;

	while (queued(relay) < QUEUE_MAX && (chunk = dist_fetch_take(relay->fetch)))
		push(relay, chunk);
	if (dist_fetch_whole(relay->fetch))
		end_body(relay, false);
	else if (relay->fetch->state == DIST_FETCH_OVER && relay->fetch->result != PONTO_OK &&
		 !dist_fetch_peek(relay->fetch))
		end_body(relay, true);
	else
		feed(relay);
}

static void refill(void *arg)
{
	struct relay *relay = arg;
	struct dist_chunk *spent;

	pthread_mutex_lock(&relay->lock);
	relay->posted = false;
	spent = relay->spent;
	relay->spent = NULL;
	pthread_mutex_unlock(&relay->lock);
	unref_list(spent);
	if (!relay->proxy) {
		free_relay(relay);
	} else if (relay->fetch) {
		struct dist_client *client = relay->proxy->client;

		pour(relay);
		dist_client_pump(client);
	} else if (relay->paused && relay->transfer) {
		relay->paused = false;
		ponto_http_transfer_resume(relay->proxy->client->dist->http, relay->transfer);
	}
}

/* ---- answers ------------------------------------------------------------------------------------------ */

/* One line of ours. */
static void refuse(struct relay *relay, unsigned status, const char *text)
{
	static const struct ponto_http_header headers[] = {{"Content-Type", "text/plain; charset=utf-8"}};
	struct ponto_http_response response = {
		.status = (uint16_t)status,
		.source = PONTO_HTTP_DATA,
		.headers = headers,
		.header_count = PONTO_ARRAY_SIZE(headers),
		.data = ponto_bytes(text, strlen(text)), /* of static life */
		.arg = relay,
		.release = released,
	};

	relay->responded = true;
	if (ponto_http_respond(relay->proxy->client->dist->http, relay->proxy->listener, relay->request, &response) ==
	    PONTO_OK)
		return;
	/* Without memory for an answer the client is left without one, until it leaves. */
	relay->responded = false;
}

static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (list && *list) {
		size_t item;

		list += strspn(list, " \t,");
		item = strcspn(list, " \t,");
		if (item == len && strncasecmp(list, name, len) == 0)
			return true;
		list += item;
	}
	return false;
}

/* Those of one connection alone (RFC 9110 7.6.1), and those that Connection names. */
static bool hop_by_hop(const struct ponto_http_header *headers, size_t count, const char *name)
{
	static const char *const names[] = {
		"Connection", "Proxy-Connection",  "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "TE",
		"Trailer",    "Transfer-Encoding", "Upgrade",	 "Content-Length"};

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		if (ponto_http_name_is(name, names[i]))
			return true;
	}
	for (size_t i = 0; i < count; i++) {
		if (ponto_http_name_is(headers[i].name, "Connection") && listed(headers[i].value, name))
			return true;
	}
	return false;
}

static bool of_encoding(const char *name)
{
	return ponto_http_name_is(name, "Content-Encoding") || ponto_http_name_is(name, CONTENT_PARAMS) ||
	       ponto_http_name_is(name, CONTENT_PARAMS_EX);
}

/* The origin's answer, but for what belongs to its connection; decoded: and to the encoding. */
static void answer(struct relay *relay, unsigned status, const struct ponto_http_header *headers, size_t count,
		   uint64_t length, bool decoded)
{
	struct dist_proxy *proxy = relay->proxy;
	struct ponto_http_header out[RELAY_HEADERS];
	char via[NAME_TEXT + 8];
	struct ponto_http_response response = {
		.status = (uint16_t)status,
		.source = PONTO_HTTP_STREAM,
		.headers = out,
		.length = length,
		.body = fill,
		.arg = relay,
		.release = released,
	};
	bool head = strcmp(relay->request->method, "HEAD") == 0;

	for (size_t i = 0; i < count && response.header_count < RELAY_HEADERS - 1; i++) {
		if (hop_by_hop(headers, count, headers[i].name) ||
		    ponto_http_name_is(headers[i].name, CONTENT_PARAMS) ||
		    ponto_http_name_is(headers[i].name, CONTENT_PARAMS_EX) || (decoded && of_encoding(headers[i].name)))
			continue;
		out[response.header_count++] = headers[i];
	}
	snprintf(via, sizeof(via), "1.1 %s", proxy->name);
	out[response.header_count++] = (struct ponto_http_header){"Via", via};
	if (head || status == 204 || status == 304) {
		response.source = PONTO_HTTP_NOTHING;
		response.length = head && length != PONTO_HTTP_CHUNKED ? length : 0;
	}
	relay->responded = true;
	if (ponto_http_respond(proxy->client->dist->http, proxy->listener, relay->request, &response) != PONTO_OK) {
		relay->responded = false;
		refuse(relay, 502, "the origin's answer cannot be passed on\n");
	}
}

static uint64_t length_of(const struct ponto_http_header *headers, size_t count)
{
	const char *text = ponto_http_find(headers, count, "Content-Length");
	uint64_t length;

	if (text && ponto_bytes_decimal(ponto_bytes(text, strlen(text)), UINT64_MAX / 2, &length))
		return length;
	return PONTO_HTTP_CHUNKED;
}

/* ---- fetched ------------------------------------------------------------------------------------------- */

static void on_fetch_head(void *arg, struct dist_fetch *fetch)
{
	struct relay *relay = arg;

	if (fetch->state == DIST_FETCH_OVER && fetch->result != PONTO_OK) {
		refuse(relay, fetch->result == PONTO_ETIME ? 504 : 502, "the origin cannot be fetched from\n");
		return;
	}
	answer(relay, fetch->status, fetch->headers, fetch->header_count,
	       fetch->encoded ? fetch->end - fetch->from : length_of(fetch->headers, fetch->header_count),
	       fetch->encoded);
}

static void on_fetch_ready(void *arg, struct dist_fetch *fetch)
{
	struct relay *relay = arg;

	(void)fetch;
	if (relay->responded)
		pour(relay);
}

static size_t request_headers(const struct relay *relay, struct ponto_http_header out[RELAY_HEADERS], char *via,
			      size_t via_size)
{
	const struct ponto_http_request *request = relay->request;
	size_t count = 0;

	for (size_t i = 0; i < request->header_count && count < RELAY_HEADERS - 1; i++) {
		const char *name = request->headers[i].name;

		if (!hop_by_hop(request->headers, request->header_count, name) && !ponto_http_name_is(name, "Host"))
			out[count++] = request->headers[i];
	}
	snprintf(via, via_size, "1.1 %s", relay->proxy->name);
	out[count++] = (struct ponto_http_header){"Via", via};
	return count;
}

static int fetch(struct relay *relay)
{
	static const struct dist_fetch_events events = {on_fetch_head, on_fetch_ready};
	struct ponto_http_header headers[RELAY_HEADERS];
	char via[NAME_TEXT + 8], why[DIST_ERROR_TEXT];
	struct dist_fetch_setup setup = {
		.url = relay->request->target,
		.transparent = true,
		.headers = headers,
		.uid = NOBODY,
		.events = &events,
		.arg = relay,
	};

	setup.header_count = request_headers(relay, headers, via, sizeof(via));
	return dist_fetch_open(relay->proxy->client, &setup, why, &relay->fetch);
}

/* ---- passed on -------------------------------------------------------------------------------------------- */

static void on_head(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	struct relay *relay = arg;

	answer(relay, status, headers, count, length_of(headers, count), false);
}

static int on_body(void *arg, struct ponto_bytes data)
{
	struct relay *relay = arg;
	struct dist_chunk *chunk;

	if (queued(relay) >= QUEUE_MAX) {
		relay->paused = true;
		return PONTO_EBUSY;
	}
	chunk = ponto_new(relay->alloc, 1, sizeof(*chunk));
	if (!chunk)
		return PONTO_ENOMEM;
	chunk->alloc = relay->alloc;
	chunk->refs = 1;
	chunk->memory = ponto_bytes_dup(relay->alloc, data);
	chunk->data = ponto_bytes(chunk->memory, data.len);
	if (!chunk->memory) {
		dist_chunk_unref(chunk);
		return PONTO_ENOMEM;
	}
	push(relay, chunk);
	feed(relay);
	return PONTO_OK;
}

static void on_done(void *arg, int result)
{
	struct relay *relay = arg;

	relay->transfer = NULL;
	if (!relay->responded)
		refuse(relay, result == PONTO_ETIME ? 504 : 502, "the origin cannot be reached\n");
	else
		end_body(relay, result != PONTO_OK);
}

static int pass_on(struct relay *relay)
{
	static const struct ponto_http_fetch_events events = {on_head, on_body, on_done};
	struct dist_client *client = relay->proxy->client;
	struct ponto_http_header headers[RELAY_HEADERS];
	char via[NAME_TEXT + 8];
	struct ponto_http_fetch out = {
		.method = relay->request->method,
		.url = relay->request->target,
		.headers = headers,
		.body = relay->request->body,
		.ca_file = client->ca_file,
		.timeout = DIST_FETCH_LIFE,
		.connect_timeout = client->origin_timeout,
		.stall_timeout = client->origin_timeout,
		.answer_limit = UINT64_MAX,
	};

	out.header_count = request_headers(relay, headers, via, sizeof(via));
	return ponto_http_fetch(client->dist->http, client->dist->env->loop, &out, &events, relay, &relay->transfer);
}

/* ---- requests ------------------------------------------------------------------------------------------------ */

static const char *header(const struct ponto_http_request *request, const char *name)
{
	return ponto_http_find(request->headers, request->header_count, name);
}

/* A client that takes part itself gets what it asks for. */
static bool takes_part(const struct ponto_http_request *request)
{
	struct content_coding coding = {0};

	for (size_t i = 0; i < request->header_count; i++)
		content_coding_header(&coding, request->headers[i].name, request->headers[i].value);
	return coding.accepted || coding.missing_data || coding.hash_request;
}

static void start(struct relay *relay)
{
	const struct ponto_http_request *request = relay->request;
	const char *via = header(request, "Via");
	bool absolute =
		strncasecmp(request->target, "http://", 7) == 0 || strncasecmp(request->target, "https://", 8) == 0;
	int result;

	if (strcmp(request->method, "CONNECT") == 0) {
		refuse(relay, 501, "this proxy offers no tunnels\n");
		return;
	}
	if (via && strstr(via, relay->proxy->name)) {
		refuse(relay, 508, "this proxy was asked to ask itself\n");
		return;
	}
	if (!absolute) {
		refuse(relay, 400, "this is a proxy: it takes whole URLs\n");
		return;
	}
	if (strcmp(request->method, "GET") == 0 && request->body.len == 0 && !takes_part(request))
		result = fetch(relay);
	else
		result = pass_on(relay);
	if (result == PONTO_EBUSY)
		refuse(relay, 503, "this proxy has too much to do\n");
	else if (result != PONTO_OK)
		refuse(relay, result == PONTO_EINVAL || result == PONTO_ELIMIT ? 400 : 502,
		       "this proxy cannot fetch that\n");
}

static void on_request(void *arg, struct ponto_http_request *request)
{
	struct dist_proxy *proxy = arg;
	struct relay *relay = ponto_new(proxy->client->dist->env->alloc, 1, sizeof(*relay));
	static const struct ponto_http_response no_memory = {.status = 503, .close = true};

	if (!relay || pthread_mutex_init(&relay->lock, NULL) != 0) {
		ponto_free(proxy->client->dist->env->alloc, relay);
		/* Then it waits until it leaves. */
		(void)!ponto_http_respond(proxy->client->dist->http, proxy->listener, request, &no_memory);
		return;
	}
	relay->proxy = proxy;
	relay->alloc = proxy->client->dist->env->alloc;
	relay->loop = proxy->client->dist->env->loop;
	relay->request = request;
	relay->queue_end = &relay->queue;
	relay->next = proxy->relays;
	proxy->relays = relay;
	request->user = relay;
	start(relay);
	dist_client_pump(proxy->client);
}

static void on_gone(void *arg, struct ponto_http_request *request)
{
	(void)arg;
	if (request->user)
		end_relay(request->user);
}

/* ---- its life -------------------------------------------------------------------------------------------------- */

static int listen_at(struct dist_proxy *proxy, const struct ponto_addr *addr)
{
	static const struct ponto_http_events events = {.request = on_request, .gone = on_gone};
	const struct ponto_http_listen listen = {.local = *addr, .body_limit = BODY_LIMIT};
	struct dist *dist = proxy->client->dist;
	char text[PONTO_ADDR_TEXT];
	int result = ponto_http_listen(dist->http, dist->env->loop, &listen, &events, proxy, &proxy->listener);

	if (result != PONTO_OK)
		ponto_error(dist->env->log, DIST_CLIENT_TOPIC, "no proxy at %s: %s", ponto_addr_format(addr, text),
			    ponto_strerror(result));
	return result;
}

int dist_proxy_check(const struct dist *dist)
{
	const char *text = ponto_conf_string(dist->conf, "proxy");
	struct ponto_addr addr;

	if (!*text)
		return PONTO_OK;
	if (ponto_addr_parse(text, 0, &addr) != PONTO_OK)
		return PONTO_ECONF;
	if (ponto_addr_scope(&addr) == PONTO_SCOPE_LOOPBACK || ponto_conf_bool(dist->conf, "proxy_remote"))
		return PONTO_OK;
	ponto_error(dist->env->log, DIST_CLIENT_TOPIC,
		    "no proxy at %s: others could use it; proxy_remote = true allows that", text);
	return PONTO_ECONF;
}

int dist_proxy_open(struct dist_client *client, struct dist_proxy **out)
{
	const struct ponto_env *env = client->dist->env;
	const char *text = ponto_conf_string(client->dist->conf, "proxy");
	struct dist_proxy *proxy;
	struct ponto_addr addr;
	uint8_t random[4];
	int result;

	if (!*text)
		return PONTO_OK;
	if (ponto_addr_parse(text, 0, &addr) != PONTO_OK)
		return PONTO_ECONF;
	proxy = ponto_new(env->alloc, 1, sizeof(*proxy));
	if (!proxy)
		return PONTO_ENOMEM;
	proxy->client = client;
	env->random->fill(env->random->ctx, random, sizeof(random));
	snprintf(proxy->name, sizeof(proxy->name), "ponto-%02x%02x%02x%02x", random[0], random[1], random[2],
		 random[3]);
	result = listen_at(proxy, &addr);
	if (result != PONTO_OK)
		ponto_free(env->alloc, proxy);
	else
		*out = proxy;
	return result;
}

void dist_proxy_close(struct dist_proxy *proxy)
{
	if (!proxy)
		return;
	ponto_http_unlisten(proxy->client->dist->http, proxy->listener);
	while (proxy->relays) /* those that were not answered */
		end_relay(proxy->relays);
	ponto_free(proxy->client->dist->env->alloc, proxy);
}

uint16_t dist_proxy_port(const struct dist_proxy *proxy)
{
	struct ponto_addr addr;

	if (!proxy)
		return 0;
	ponto_http_local(proxy->client->dist->http, proxy->listener, &addr);
	return addr.port;
}
