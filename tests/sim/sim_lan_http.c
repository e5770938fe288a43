#include "tests/sim/sim_lan_private.h"

#define PIECE 65536u

/* ---- HTTP: exchanges ----------------------------------------------------------------------- */

struct lan_listener {
	struct lan_listener *next;
	struct lan *lan;
	unsigned node;
	struct ponto_loop *loop;
	struct ponto_addr local;
	struct ponto_http_events events;
	void *arg;
};

static void deliver(void *arg);

static void later(struct lan_exchange *ex, uint64_t at, ponto_loop_fn *fn)
{
	ponto_sim_cancel(ex->lan->sim, ex->event);
	ex->event = ponto_sim_at(ex->lan->sim, at, fn, ex);
}

static struct ponto_http_header *copy_headers(const struct ponto_http_header *headers, size_t count)
{
	struct ponto_http_header *copy = must(calloc(count + 1, sizeof(*copy)));

	for (size_t i = 0; i < count; i++) {
		copy[i].name = must(strdup(headers[i].name));
		copy[i].value = must(strdup(headers[i].value));
	}
	return copy;
}

static void free_headers(struct ponto_http_header *headers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((char *)(uintptr_t)headers[i].name);
		free((char *)(uintptr_t)headers[i].value);
	}
}

static void release(struct lan_exchange *ex)
{
	if (!ex->responded || ex->released)
		return;
	ex->released = true;
	if (ex->response.release)
		ex->response.release(ex->response.arg);
}

/* Both sides are told that it is over. */
static void forget(struct lan_exchange *ex)
{
	struct lan_exchange **at = &ex->lan->exchanges;

	while (*at != ex)
		at = &(*at)->next;
	*at = ex->next;
	ponto_sim_cancel(ex->lan->sim, ex->event);
	ponto_sim_cancel(ex->lan->sim, ex->guard);
	ponto_sim_cancel(ex->lan->sim, ex->copied);
	if (ex->listener && !ex->responded && ex->request.method)
		ex->listener->events.gone(ex->listener->arg, &ex->request);
	release(ex);
	free_headers(ex->headers, ex->header_count);
	free(ex->headers);
	free_headers(ex->answer, ex->answer_count);
	free(ex->method);
	free(ex->url);
	free(ex->body.data);
	free(ex->data.data);
	free(ex);
}

static void end(struct lan_exchange *ex, int result)
{
	struct ponto_http_fetch_events events = ex->events;
	void *arg = ex->arg;

	forget(ex);
	events.done(arg, result);
}

static void impatient(void *arg)
{
	end(arg, PONTO_ETIME);
}

static void be_patient(struct lan_exchange *ex)
{
	ponto_sim_cancel(ex->lan->sim, ex->guard);
	ex->guard = ponto_sim_at(ex->lan->sim, ponto_sim_now(ex->lan->sim) + ex->patience, impatient, ex);
}

/* When the next len bytes are there. */
static uint64_t arrival(struct lan_exchange *ex, uint64_t len)
{
	struct lan *lan = ex->lan;
	uint64_t now = ponto_sim_now(lan->sim);

	if (ex->to >= 0) {
		lan->peer_bytes += len;
		return now + len * PONTO_SECOND / lan->peer_rate;
	}
	lan->origin_bytes += len;
	lan->line_free = (lan->line_free > now ? lan->line_free : now) + len * PONTO_SECOND / lan->line_rate;
	return lan->line_free;
}

static void schedule_piece(struct lan_exchange *ex)
{
	uint64_t left = ex->data.len - ex->sent, len = left < PIECE ? left : PIECE;

	later(ex, arrival(ex, len), deliver);
}

/* The next bytes of a body that is filled on demand. */
static int pull(struct lan_exchange *ex)
{
	int64_t len;

	free(ex->data.data);
	ex->data.data = must(malloc(PIECE));
	len = ex->response.body(ex->response.arg, ex->sent, ex->data.data, PIECE);
	ex->data.len = len > 0 ? (size_t)len : 0;
	return len > 0 ? 1 : (int)len;
}

static void deliver_stream(struct lan_exchange *ex)
{
	for (;;) {
		int more = ex->data.len ? 1 : pull(ex), result;

		if (more == PONTO_EBUSY) {
			ex->starved = true;
			return;
		}
		if (more <= 0) {
			end(ex, more == 0 ? PONTO_OK : PONTO_EIO);
			return;
		}
		result = ex->events.body(ex->arg, bytes_of(&ex->data));
		if (result == PONTO_EBUSY) {
			ex->paused = true;
			return;
		}
		ex->sent += ex->data.len;
		ex->data.len = 0;
		if (ex->response.length != PONTO_HTTP_CHUNKED && ex->sent == ex->response.length) {
			end(ex, PONTO_OK);
			return;
		}
	}
}

static void deliver(void *arg)
{
	struct lan_exchange *ex = arg;
	struct lan_exchange **at;
	struct lan *lan = ex->lan;
	size_t len;
	int result = PONTO_OK;

	ex->event = 0;
	if (!ex->head_told) {
		ex->head_told = true;
		if (ex->events.head)
			ex->events.head(ex->arg, ex->status, ex->answer, ex->answer_count);
		for (at = &lan->exchanges; *at && *at != ex; at = &(*at)->next)
			;
		if (!*at)
			return; /* cancelled */
	}
	if (ex->stall)
		return;
	be_patient(ex);
	if (ex->streamed && strcmp(ex->method, "HEAD") != 0) {
		deliver_stream(ex);
		return;
	}
	len = ex->data.len - ex->sent < PIECE ? (size_t)(ex->data.len - ex->sent) : PIECE;
	if (ex->sent + len > ex->answer_limit)
		result = PONTO_ELIMIT;
	else if (len > 0 && ex->events.body)
		result = ex->events.body(ex->arg, ponto_bytes(ex->data.data + ex->sent, len));
	for (at = &lan->exchanges; *at && *at != ex; at = &(*at)->next)
		;
	if (!*at)
		return;
	if (result == PONTO_EBUSY) {
		ex->paused = true;
		ponto_sim_cancel(lan->sim, ex->guard);
		return;
	}
	ex->sent += len;
	if (result != PONTO_OK || ex->sent == ex->data.len)
		end(ex, result != PONTO_OK ? result : ex->cut ? PONTO_EIO : PONTO_OK);
	else
		schedule_piece(ex);
}

void lan_answer(struct lan_exchange *ex, unsigned status, const char *const *headers, struct ponto_bytes data)
{
	ex->status = status;
	for (size_t i = 0; headers && headers[i]; i++) {
		const char *colon = strchr(headers[i], ':');

		ex->answer[ex->answer_count].name = must(strndup(headers[i], (size_t)(colon - headers[i])));
		ex->answer[ex->answer_count++].value = must(strdup(colon + 2));
	}
	ex->data = blob_copy(data.data, data.len);
	schedule_piece(ex);
}

const char *lan_header(const struct lan_exchange *ex, const char *name)
{
	return ponto_http_find(ex->headers, ex->header_count, name);
}

static int node_at(const struct ponto_addr *addr)
{
	return addr->family == PONTO_FAMILY_IPV4 ? addr->ip[2] << 8 | addr->ip[3] : -1;
}

static int lan_respond(struct ponto_http_listener *listener, struct ponto_http_request *request,
		       const struct ponto_http_response *response);

static void arrive(void *arg)
{
	struct lan_exchange *ex = arg;
	struct ponto_http_response response = {.status = 0};
	struct lan *lan = ex->lan;

	ex->event = 0;
	if (ex->to < 0) {
		lan->origin_requests++;
		if (lan->origin)
			lan->origin(lan->arg, ex);
		else
			lan_content_answer(ex);
		return;
	}
	lan->peer_requests++;
	if (lan->nodes[ex->to].gone)
		return; /* silence */
	if (!ex->listener) {
		end(ex, PONTO_EUNREACH);
		return;
	}
	ex->request.method = ex->method;
	if (!ex->request.target)
		ex->request.target = strchr(strstr(ex->url, "://") + 3, '/');
	ex->request.headers = ex->headers;
	ex->request.header_count = ex->header_count;
	ex->request.body = bytes_of(&ex->body);
	ex->request.peer = addr_of(ex->from, 40000);
	if (!ex->listener->events.at_once ||
	    !ex->listener->events.at_once(ex->listener->arg, &ex->request, &response)) {
		ex->listener->events.request(ex->listener->arg, &ex->request);
		return;
	}
	lan->at_once++;
	assert_ok(lan_respond((struct ponto_http_listener *)ex->listener, &ex->request, &response));
}

static struct lan_listener *listener_at(struct lan *lan, int node, uint16_t port)
{
	struct lan_listener *l = lan->listeners;

	while (l && ((int)l->node != node || l->local.port != port))
		l = l->next;
	return l;
}

static struct lan_exchange *begin(struct lan *lan, unsigned from, const struct ponto_http_fetch *fetch)
{
	struct lan_exchange *ex = must(calloc(1, sizeof(*ex)));

	ex->lan = lan;
	ex->from = from;
	ex->to = -1;
	ex->method = must(strdup(fetch->method));
	ex->url = must(strdup(fetch->url));
	ex->headers = copy_headers(fetch->headers, fetch->header_count);
	ex->header_count = fetch->header_count;
	ex->body = blob_copy(fetch->body.data, fetch->body.len);
	ex->answer_limit = fetch->answer_limit;
	ex->patience =
		fetch->stall_timeout && fetch->stall_timeout < fetch->timeout ? fetch->stall_timeout : fetch->timeout;
	ex->next = lan->exchanges;
	lan->exchanges = ex;
	return ex;
}

static int lan_fetch(void *self, struct ponto_loop *loop, const struct ponto_http_fetch *fetch,
		     const struct ponto_http_fetch_events *events, void *arg, struct ponto_http_transfer **out)
{
	struct lan *lan = lan_of(loop);
	unsigned from = ponto_sim_node_number(ponto_loop_sim(loop));
	int checked = ponto_http_check_fetch(fetch);
	char host[64] = "";
	struct lan_exchange *ex;
	struct ponto_addr addr;

	(void)self;
	if (checked != PONTO_OK || lan->refuse_fetch)
		return checked != PONTO_OK ? checked : lan->refuse_fetch;
	ex = begin(lan, from, fetch);
	ex->loop = loop;
	ex->events = *events;
	ex->arg = arg;
	if ((sscanf(fetch->url, "http://%63[^/]", host) == 1 || sscanf(fetch->url, "https://%63[^/]", host) == 1) &&
	    ponto_addr_parse(host, fetch->url[4] == 's' ? 443 : 80, &addr) == PONTO_OK) {
		ex->to = node_at(&addr);
		ex->listener = listener_at(lan, ex->to, addr.port);
	}
	be_patient(ex);
	if (!lan->nodes[from].gone)
		later(ex, ponto_sim_now(lan->sim) + lan->latency, arrive);
	*out = (struct ponto_http_transfer *)ex;
	return PONTO_OK;
}

static void transfer_resume(struct ponto_http_transfer *transfer)
{
	struct lan_exchange *ex = (struct lan_exchange *)transfer;

	if (!ex->paused)
		return;
	ex->paused = false;
	later(ex, ponto_sim_now(ex->lan->sim), deliver);
}

static void cancel(struct ponto_http_transfer *transfer)
{
	forget((struct lan_exchange *)transfer);
}

/* ---- HTTP: serving ---------------------------------------------------------------------------- */

static int lan_listen(void *self, struct ponto_loop *loop, const struct ponto_http_listen *listen,
		      const struct ponto_http_events *events, void *arg, struct ponto_http_listener **out)
{
	struct lan *lan = lan_of(loop);
	struct lan_listener *l = must(calloc(1, sizeof(*l)));

	(void)self;
	l->lan = lan;
	l->node = ponto_sim_node_number(ponto_loop_sim(loop));
	l->loop = loop;
	l->local = listen->local;
	if (l->local.port == 0)
		l->local.port = 49152;
	l->events = *events;
	l->arg = arg;
	l->next = lan->listeners;
	lan->listeners = l;
	*out = (struct ponto_http_listener *)l;
	return PONTO_OK;
}

static void lan_unlisten(struct ponto_http_listener *listener)
{
	struct lan_listener *l = (struct lan_listener *)listener, **at = &l->lan->listeners;

	for (struct lan_exchange *ex = l->lan->exchanges; ex; ex = ex->next) {
		if (ex->listener != l)
			continue;
		if (ex->responded) {
			release(ex);
			ex->streamed = false;
			ex->stall = true;
		}
		ex->listener = NULL;
	}
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	free(l);
}

static void lan_local(struct ponto_http_listener *listener, struct ponto_addr *out)
{
	*out = ((struct lan_listener *)listener)->local;
}

static void copied(void *arg)
{
	release(arg);
}

/* A block of a neighbour is there as soon as it is asked for: taken at once, sometimes in two pieces. */
static void take_whole(struct lan_exchange *ex)
{
	size_t len = (size_t)ex->response.length, at = 0;

	ex->data.data = must(malloc(len));
	while (at < len) {
		int64_t n = ex->response.body(ex->response.arg, at, ex->data.data + at, len % 3 || at ? len - at : 1000);

		if (n <= 0)
			abort();
		at += (size_t)n;
	}
	ex->data.len = len;
	ex->streamed = false;
}

static int lan_respond(struct ponto_http_listener *listener, struct ponto_http_request *request,
		       const struct ponto_http_response *response)
{
	struct lan_exchange *ex =
		(struct lan_exchange *)(void *)((char *)request - offsetof(struct lan_exchange, request));
	int result = ponto_http_check_response(response, strcmp(request->method, "HEAD") == 0);
	struct ponto_http_header *headers;

	(void)listener;
	if (result != PONTO_OK)
		return result;
	ex->responded = true;
	ex->response = *response;
	ex->status = response->status;
	headers = copy_headers(response->headers, response->header_count);
	for (size_t i = 0; i < response->header_count && i < LAN_HEADERS; i++)
		ex->answer[ex->answer_count++] = headers[i];
	free(headers);
	if (response->source == PONTO_HTTP_DATA)
		ex->data = blob_copy(response->data.data, response->data.len);
	ex->streamed = response->source == PONTO_HTTP_STREAM;
	if (ex->streamed && strncmp(request->target, "/116B50EB-", 10) == 0)
		take_whole(ex);
	if (!ex->streamed) /* nothing of it is needed any more */
		ex->copied = ponto_sim_at(ex->lan->sim, ponto_sim_now(ex->lan->sim), copied, ex);
	if (ex->lan->mangle && !ex->streamed)
		ex->lan->mangle(ex->lan->arg, ex);
	if (!ex->stall)
		later(ex, arrival(ex, ex->data.len < PIECE ? ex->data.len : PIECE) + ex->lan->latency, deliver);
	return PONTO_OK;
}

static void lan_resume(struct ponto_http_listener *listener, struct ponto_http_request *request)
{
	struct lan_exchange *ex =
		(struct lan_exchange *)(void *)((char *)request - offsetof(struct lan_exchange, request));

	(void)listener;
	if (!ex->starved)
		return;
	ex->starved = false;
	later(ex, ponto_sim_now(ex->lan->sim), deliver);
}

static const struct ponto_http_ops http_ops = {
	.head = {PONTO_HTTP_ABI, sizeof(http_ops)},
	.create = nothing_create,
	.destroy = nothing_destroy,
	.listen = lan_listen,
	.unlisten = lan_unlisten,
	.local = lan_local,
	.respond = lan_respond,
	.resume = lan_resume,
	.fetch = lan_fetch,
	.transfer_resume = transfer_resume,
	.cancel = cancel,
};

const struct ponto_plugin lan_http_plugin = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_HTTP,
	.name = "http-lan",
	.version = "1",
	.summary = "HTTP of a simulated branch",
	.vtable = &http_ops.head,
};

/* ---- a browser ------------------------------------------------------------------------------------------- */

static void b_head(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	struct lan_browser *b = arg;
	struct ponto_http_header *copy = copy_headers(headers, count);

	b->status = status;
	for (size_t i = 0; i < count && i < LAN_HEADERS; i++)
		b->headers[b->header_count++] = copy[i];
	free(copy);
}

static int b_body(void *arg, struct ponto_bytes data)
{
	struct lan_browser *b = arg;

	b->body.data = must(realloc(b->body.data, b->body.len + data.len + 1));
	memcpy(b->body.data + b->body.len, data.data, data.len);
	b->body.len += data.len;
	return PONTO_OK;
}

static void b_done(void *arg, int result)
{
	struct lan_browser *b = arg;

	b->transfer = NULL;
	b->done = true;
	b->result = result;
}

void lan_browse(struct lan *lan, unsigned node, const char *method, const char *target, uint16_t port,
		const char *const *headers, struct lan_browser *browser)
{
	static const struct ponto_http_fetch_events events = {b_head, b_body, b_done};
	struct ponto_http_header list[LAN_HEADERS];
	struct ponto_http_fetch fetch = {.method = method,
					 .url = target,
					 .headers = list,
					 .timeout = 3600 * PONTO_SECOND,
					 .answer_limit = UINT64_MAX};
	char names[LAN_HEADERS][64];
	struct lan_exchange *ex;

	memset(browser, 0, sizeof(*browser));
	for (size_t i = 0; headers && headers[i]; i++) {
		const char *colon = strchr(headers[i], ':');

		snprintf(names[i], sizeof(names[i]), "%.*s", (int)(colon - headers[i]), headers[i]);
		list[fetch.header_count++] = (struct ponto_http_header){names[i], colon + 2};
	}
	ex = begin(lan, node, &fetch);
	ex->events = events;
	ex->arg = browser;
	ex->to = (int)node;
	ex->listener = listener_at(lan, (int)node, port);
	ex->request.target = ex->url; /* absolute form */
	be_patient(ex);
	later(ex, ponto_sim_now(lan->sim) + lan->latency, arrive);
	browser->transfer = (struct ponto_http_transfer *)ex;
}

const char *lan_browser_header(const struct lan_browser *browser, const char *name)
{
	return ponto_http_find(browser->headers, browser->header_count, name);
}

void lan_browser_clear(struct lan_browser *browser)
{
	if (browser->transfer)
		cancel(browser->transfer);
	free_headers(browser->headers, browser->header_count);
	free(browser->body.data);
}
