#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plugins/http-sim/simh.h"

/* ---- URLs ------------------------------------------------------------------------------------------- */

struct url {
	struct ponto_addr addr;
	bool tls;
	const char *authority, *target;
	size_t authority_len, target_len;
};

/* A checked URL; false: its host is no address. */
static bool parse_url(const char *text, struct url *url)
{
	char host[PONTO_ADDR_TEXT];
	const char *at = strstr(text, "://") + 3;

	url->tls = strncasecmp(text, "https", 5) == 0;
	url->authority = at;
	url->authority_len = strcspn(at, "/?#");
	url->target = at + url->authority_len;
	url->target_len = strcspn(url->target, "#");
	if (url->authority_len >= sizeof(host))
		return false;
	memcpy(host, at, url->authority_len);
	host[url->authority_len] = '\0';
	/* Without a port an IPv6 address keeps its brackets here, which the reader of addresses takes with one only. */
	if (host[0] == '[' && url->authority_len > 1 && host[url->authority_len - 1] == ']') {
		host[url->authority_len - 1] = '\0';
		return ponto_addr_parse(host + 1, url->tls ? 443 : 80, &url->addr) == PONTO_OK;
	}
	return ponto_addr_parse(host, url->tls ? 443 : 80, &url->addr) == PONTO_OK;
}

/* ---- the end ------------------------------------------------------------------------------------------ */

static void forget(struct ponto_http_transfer *t)
{
	const struct ponto_alloc *alloc = t->web->alloc;

	ponto_sim_cancel(t->web->sim, t->deadline);
	ponto_sim_cancel(t->web->sim, t->patience);
	ponto_sim_cancel(t->web->sim, t->telling);
	if (t->leg) {
		struct simh_leg *leg = t->leg;

		t->leg = NULL;
		simh_leg_leave(leg);
	}
	simh_headers_free(alloc, t->headers, t->header_count);
	ponto_free(alloc, t->url);
	ponto_free(alloc, t->method);
	ponto_free(alloc, t->body);
	ponto_free(alloc, t);
}

static void finish(struct ponto_http_transfer *t, int result)
{
	if (t->ended)
		return;
	t->ended = true;
	t->depth++;
	if (result == PONTO_OK)
		t->web->stats.answers++;
	else
		ponto_counter_add(t->http->failures, 1);
	t->events.done(t->arg, result);
	t->depth--;
	if (t->depth == 0)
		forget(t);
}

void simh_cancel(struct ponto_http_transfer *t)
{
	if (t->ended)
		return;
	t->ended = true;
	if (t->depth == 0)
		forget(t);
}

static void out_of_time(void *arg)
{
	struct ponto_http_transfer *t = arg;

	t->deadline = 0;
	finish(t, PONTO_ETIME);
}

static void out_of_patience(void *arg)
{
	struct ponto_http_transfer *t = arg;

	t->patience = 0;
	finish(t, PONTO_ETIME);
}

/* So long may it take until something happens; 0: as long as it likes. */
static void be_patient(struct ponto_http_transfer *t, uint64_t us)
{
	ponto_sim_cancel(t->web->sim, t->patience);
	t->patience = us > 0 && !t->blocked
			      ? ponto_sim_at(t->web->sim, ponto_sim_now(t->web->sim) + us, out_of_patience, t)
			      : 0;
}

/* ---- the request ---------------------------------------------------------------------------------------- */

static void unreachable(void *arg)
{
	struct ponto_http_transfer *t = arg;

	t->telling = 0;
	finish(t, PONTO_EUNREACH);
}

static void wrong_protocol(void *arg)
{
	struct ponto_http_transfer *t = arg;

	t->telling = 0;
	finish(t, PONTO_EPROTO);
}

static char *make_target(const struct ponto_alloc *alloc, const struct url *url)
{
	bool slash = url->target[0] != '/';
	char *target = ponto_new(alloc, url->target_len + slash + 1, 1);

	if (!target)
		return NULL;
	if (slash)
		target[0] = '/';
	memcpy(target + slash, url->target, url->target_len);
	return target;
}

static bool fill_leg(struct ponto_http_transfer *t, struct simh_leg *leg, const struct url *url)
{
	const struct ponto_alloc *alloc = t->web->alloc;
	bool host = ponto_http_find(t->headers, t->header_count, "Host") != NULL;
	bool sized = t->body_len > 0 || strcmp(t->method, "POST") == 0 || strcmp(t->method, "PUT") == 0;
	size_t count = t->header_count;
	char length[32];

	leg->method = ponto_strdup(alloc, t->method);
	leg->target = make_target(alloc, url);
	leg->body = ponto_bytes_dup(alloc, ponto_bytes(t->body, t->body_len));
	leg->headers = simh_headers(alloc, t->headers, count, 2);
	if (!leg->headers)
		return false;
	if (!host) {
		leg->headers[count].name = ponto_strdup(alloc, "Host");
		leg->headers[count++].value = ponto_strndup(alloc, url->authority, url->authority_len);
	}
	if (sized) {
		snprintf(length, sizeof(length), "%zu", t->body_len);
		leg->headers[count].name = ponto_strdup(alloc, "Content-Length");
		leg->headers[count++].value = ponto_strdup(alloc, length);
	}
	leg->head = strcmp(t->method, "HEAD") == 0;
	leg->request = (struct ponto_http_request){.method = leg->method,
						   .target = leg->target,
						   .headers = leg->headers,
						   .header_count = count,
						   .body = ponto_bytes(leg->body, t->body_len),
						   .peer = simh_address(t->node, 49151)};
	for (size_t i = t->header_count; i < count; i++) {
		if (!leg->headers[i].name || !leg->headers[i].value)
			return false;
	}
	return leg->method && leg->target && leg->body;
}

/* Two ways to connect, one more for the request. */
static int connect_to(struct ponto_http_transfer *t, struct ponto_http_listener *l, const struct url *url)
{
	struct simh_web *web = t->web;
	struct simh_leg *leg = ponto_new(web->alloc, 1, sizeof(*leg));
	bool filled;

	if (!leg)
		return PONTO_ENOMEM;
	leg->web = web;
	leg->listener = l;
	leg->transfer = t;
	leg->server = l->node;
	leg->client = t->node;
	leg->answer.fd = -1;
	leg->next = web->legs;
	web->legs = leg;
	t->leg = leg;
	filled = fill_leg(t, leg, url);
	if (filled)
		leg->coming =
			ponto_sim_at(web->sim, simh_arrival(web, &leg->clear_up, t->body_len) + 2 * web->model.latency,
				     simh_leg_arrived, leg);
	if (!filled || leg->coming == 0) {
		t->leg = NULL;
		simh_leg_leave(leg);
		return PONTO_ENOMEM;
	}
	web->stats.connected++;
	be_patient(t, t->stall_timeout);
	return PONTO_OK;
}

static int later(struct ponto_http_transfer *t, ponto_loop_fn *fn)
{
	t->telling = ponto_sim_at(t->web->sim, ponto_sim_now(t->web->sim) + 2 * t->web->model.latency, fn, t);
	return t->telling ? PONTO_OK : PONTO_ENOMEM;
}

static int go(struct ponto_http_transfer *t)
{
	struct ponto_http_listener *l;
	struct url url = {0};
	uint32_t node = 0;
	bool exists;

	if (!parse_url(t->url, &url)) {
		t->web->stats.refused++;
		return later(t, unreachable);
	}
	l = simh_find(t->web, &url.addr, t->node, &node, &exists);
	if (exists && !simh_reaches(t->web, t->node, node)) {
		be_patient(t, t->connect_timeout); /* silence */
		return PONTO_OK;
	}
	if (!l) {
		t->web->stats.refused++;
		return later(t, unreachable);
	}
	return l->tls == url.tls ? connect_to(t, l, &url) : later(t, wrong_protocol);
}

/* ---- the answer -------------------------------------------------------------------------------------------- */

/* The location relative to the URL it came from: absolute, or a path. gives */
static char *follow(struct ponto_http_transfer *t, const char *location)
{
	const struct ponto_alloc *alloc = t->web->alloc;
	struct url url = {0};
	size_t prefix;
	char *text;

	if (strstr(location, "://"))
		return ponto_strdup(alloc, location);
	(void)parse_url(t->url, &url);
	prefix = (size_t)(url.authority + url.authority_len - t->url);
	text = ponto_new(alloc, prefix + strlen(location) + 2, 1);
	if (text)
		snprintf(text, prefix + strlen(location) + 2, "%.*s%s%s", (int)prefix, t->url,
			 location[0] == '/' ? "" : "/", location);
	return text;
}

/* True when the answer is not the last one: another request is under way, or it failed. */
static bool redirected(struct ponto_http_transfer *t, struct simh_leg *leg)
{
	unsigned status = leg->answer.status;
	const char *location = ponto_http_find(leg->answer_headers, leg->answer_count, "Location");
	char *url;
	int result;

	if (t->redirects == 0 || !location || status / 100 != 3 || status == 300 || status == 304)
		return false;
	url = follow(t, location);
	if (!url) {
		finish(t, PONTO_ENOMEM);
		return true;
	}
	ponto_free(t->web->alloc, t->url);
	t->url = url;
	t->redirects--;
	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) {
		finish(t, PONTO_ENOTSUP);
		return true;
	}
	t->leg = NULL;
	simh_leg_leave(leg);
	result = go(t);
	if (result != PONTO_OK)
		finish(t, result);
	return true;
}

static void take_head(struct ponto_http_transfer *t, struct simh_leg *leg)
{
	unsigned status = leg->answer.status;

	if (leg->answer_count > PONTO_HTTP_HEADERS_MAX) {
		finish(t, PONTO_ELIMIT);
		return;
	}
	if (redirected(t, leg))
		return;
	t->head_told = true;
	if (t->events.head)
		t->events.head(t->arg, status, leg->answer_headers, leg->answer_count);
	/* Redirections were asked for, and are used up. */
	if (!t->ended && t->asked && status / 100 == 3 && status != 300 && status != 304 &&
	    ponto_http_find(leg->answer_headers, leg->answer_count, "Location"))
		finish(t, PONTO_ELIMIT);
}

static void take_data(struct ponto_http_transfer *t, struct simh_part *part)
{
	size_t len = part->len - part->used;
	int result = PONTO_OK;

	if (part->used == 0 && t->received + part->len > t->answer_limit) {
		finish(t, PONTO_ELIMIT);
		return;
	}
	if (t->events.body)
		result = t->events.body(t->arg, ponto_bytes(part->data + part->used, len));
	if (result == PONTO_EBUSY) {
		t->blocked = true;
		be_patient(t, 0);
	} else if (result != PONTO_OK && !t->ended) {
		finish(t, result);
	} else {
		part->used = part->len;
		t->received += len;
	}
}

/* Whatever has arrived, in order. */
static void tell(struct ponto_http_transfer *t)
{
	t->depth++;
	while (!t->ended && !t->blocked && t->leg && t->leg->first && t->leg->first->event == 0) {
		struct simh_leg *leg = t->leg;
		struct simh_part *part = leg->first;
		enum simh_kind kind = part->kind;
		size_t len = part->len;

		if (kind == SIMH_DATA) {
			take_data(t, part);
			if (t->blocked || t->ended)
				break;
		}
		leg->first = part->next;
		if (!leg->first)
			leg->last = NULL;
		if (kind == SIMH_END)
			finish(t, part->result);
		ponto_free(t->web->alloc, part);
		if (kind == SIMH_HEAD)
			take_head(t, leg);
		else if (kind == SIMH_DATA)
			simh_leg_consumed(leg, len);
	}
	t->depth--;
	if (t->ended && t->depth == 0)
		forget(t);
}

void simh_part_arrived(void *arg)
{
	struct simh_part *part = arg;
	struct simh_leg *leg = part->leg;

	part->event = leg->severed ? SIMH_LOST : 0;
	if (leg->severed)
		return;
	if (part->len > 0)
		ponto_sim_trace(leg->web->sim, leg->client, "http answer", ponto_bytes(part->data, part->len));
	be_patient(leg->transfer, leg->transfer->stall_timeout);
	tell(leg->transfer);
}

static void tell_again(void *arg)
{
	struct ponto_http_transfer *t = arg;

	t->telling = 0;
	tell(t);
}

void simh_transfer_resume(struct ponto_http_transfer *t)
{
	if (!t->blocked)
		return;
	t->blocked = false;
	be_patient(t, t->stall_timeout);
	t->telling = ponto_sim_at(t->web->sim, ponto_sim_now(t->web->sim), tell_again, t);
}

/* ---- the contract -------------------------------------------------------------------------------------------- */

static int prepare(struct ponto_http_transfer *t, const struct ponto_http_fetch *f)
{
	const struct ponto_alloc *alloc = t->web->alloc;

	t->url = ponto_strdup(alloc, f->url);
	t->method = ponto_strdup(alloc, f->method);
	t->headers = simh_headers(alloc, f->headers, f->header_count, 0);
	t->header_count = t->headers ? f->header_count : 0;
	t->body = ponto_bytes_dup(alloc, f->body);
	t->body_len = f->body.len;
	t->connect_timeout = f->connect_timeout;
	t->stall_timeout = f->stall_timeout;
	t->answer_limit = f->answer_limit;
	t->redirects = f->redirects;
	t->asked = f->redirects > 0;
	t->deadline = ponto_sim_at(t->web->sim, ponto_sim_now(t->web->sim) + f->timeout, out_of_time, t);
	return t->url && t->method && t->headers && t->body && t->deadline ? PONTO_OK : PONTO_ENOMEM;
}

int simh_fetch(void *self, struct ponto_loop *loop, const struct ponto_http_fetch *fetch,
	       const struct ponto_http_fetch_events *events, void *arg, struct ponto_http_transfer **out)
{
	struct ponto_sim_node *node = ponto_loop_sim(loop);
	struct simh_web *web = node ? simh_web_of(ponto_sim_node_world(node)) : NULL;
	struct ponto_http_transfer *t;
	int result = ponto_http_check_fetch(fetch);

	if (result != PONTO_OK)
		return result;
	if (!node)
		return PONTO_ENOTSUP;
	t = web ? ponto_new(web->alloc, 1, sizeof(*t)) : NULL;
	if (!t)
		return PONTO_ENOMEM;
	t->http = self;
	t->web = web;
	t->events = *events;
	t->arg = arg;
	t->node = ponto_sim_node_number(node);
	result = prepare(t, fetch);
	if (result == PONTO_OK)
		result = go(t);
	if (result != PONTO_OK) {
		forget(t);
		return result;
	}
	web->stats.fetches++;
	ponto_counter_add(t->http->fetches, 1);
	*out = t;
	return PONTO_OK;
}
