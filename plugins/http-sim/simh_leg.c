#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugins/http-sim/simh.h"

/* ---- its end ------------------------------------------------------------------------------------- */

void simh_leg_free_parts(struct simh_leg *leg)
{
	while (leg->first) {
		struct simh_part *part = leg->first;

		leg->first = part->next;
		ponto_sim_cancel(leg->web->sim, part->event);
		ponto_free(leg->web->alloc, part);
	}
	leg->last = NULL;
}

/* When both ends are through with it. */
static void free_leg(struct simh_leg *leg)
{
	struct simh_web *web = leg->web;
	struct simh_leg **link = &web->legs;

	if (leg->transfer || leg->phase != SIMH_OVER || leg->pinned)
		return;
	while (*link != leg)
		link = &(*link)->next;
	*link = leg->next;
	simh_leg_free_parts(leg);
	ponto_sim_cancel(web->sim, leg->coming);
	ponto_sim_cancel(web->sim, leg->pumping);
	ponto_sim_cancel(web->sim, leg->leaving);
	simh_headers_free(web->alloc, leg->headers, leg->request.header_count);
	simh_headers_free(web->alloc, leg->answer_headers, leg->answer_count);
	ponto_free(web->alloc, leg->method);
	ponto_free(web->alloc, leg->target);
	ponto_free(web->alloc, leg->body);
	ponto_free(web->alloc, leg);
}

static void enter(struct ponto_http_listener *l)
{
	l->depth++;
}

static void leave(struct ponto_http_listener *l)
{
	l->depth--;
	if (l->dead && l->depth == 0)
		ponto_free(l->web->alloc, l);
}

/* The server is through with it. */
static void over(struct simh_leg *leg)
{
	struct ponto_http_listener *l = leg->listener;
	void (*release)(void *) = leg->phase == SIMH_ANSWERED ? leg->answer.release : NULL;

	if (leg->phase == SIMH_OVER)
		return;
	leg->phase = SIMH_OVER;
	leg->listener = NULL;
	ponto_sim_cancel(leg->web->sim, leg->pumping);
	leg->pumping = 0;
	if (leg->answer.source == PONTO_HTTP_FILE && leg->answer.fd >= 0)
		close(leg->answer.fd);
	leg->answer.fd = -1;
	if (release) {
		enter(l);
		release(leg->answer.arg);
		leave(l);
	}
}

static void learned_gone(void *arg)
{
	struct simh_leg *leg = arg;
	struct ponto_http_listener *l = leg->listener;

	leg->leaving = 0;
	if (leg->phase == SIMH_WAITING) {
		leg->phase = SIMH_COMING; /* no answer any more */
		leg->pinned = true;
		enter(l);
		l->events.gone(l->arg, &leg->request);
		leave(l);
		leg->pinned = false;
	}
	over(leg);
	free_leg(leg);
}

void simh_leg_leave(struct simh_leg *leg)
{
	struct simh_web *web = leg->web;
	uint64_t at = ponto_sim_now(web->sim) + (leg->severed ? SIMH_SILENCE : web->model.latency);

	leg->transfer = NULL;
	simh_leg_free_parts(leg);
	if (leg->phase == SIMH_WAITING || leg->phase == SIMH_ANSWERED) {
		if (leg->leaving == 0)
			leg->leaving = ponto_sim_at(web->sim, at, learned_gone, leg);
		if (leg->leaving == 0)
			learned_gone(leg);
		return;
	}
	leg->phase = SIMH_OVER;
	free_leg(leg);
}

/* ---- sending ---------------------------------------------------------------------------------------- */

static bool send_part(struct simh_leg *leg, enum simh_kind kind, const uint8_t *data, size_t len, int result)
{
	struct simh_part *part = ponto_new(leg->web->alloc, 1, sizeof(*part) + len);

	if (!part)
		return false;
	part->leg = leg;
	part->kind = kind;
	part->result = result;
	part->len = len;
	if (len > 0)
		memcpy(part->data, data, len);
	part->event =
		ponto_sim_at(leg->web->sim, simh_arrival(leg->web, &leg->clear_down, len), simh_part_arrived, part);
	if (part->event == 0) {
		ponto_free(leg->web->alloc, part);
		return false;
	}
	*(leg->last ? &leg->last->next : &leg->first) = part;
	leg->last = part;
	leg->unconsumed += len;
	return true;
}

/* Up to cap bytes of the body: as ponto_http_body_fn. */
static int64_t produce(struct simh_leg *leg, uint8_t *out, size_t cap)
{
	const struct ponto_http_response *a = &leg->answer;
	uint64_t left = leg->length - leg->sent;
	size_t n = left < cap ? (size_t)left : cap;

	if (n == 0)
		return 0;
	switch (a->source) {
	case PONTO_HTTP_DATA:
		memcpy(out, a->data.data + leg->sent, n);
		return (int64_t)n;
	case PONTO_HTTP_FILE: {
		ssize_t got = pread(a->fd, out, n, (off_t)(a->offset + leg->sent));

		return got > 0 ? got : PONTO_EIO;
	}
	default: {
		int64_t got = a->body(a->arg, leg->sent, out, n);

		return got == 0 && leg->length != PONTO_HTTP_CHUNKED ? PONTO_EIO : got;
	}
	}
}

static void end_answer(struct simh_leg *leg, int result)
{
	leg->ended = true;
	if (leg->transfer)
		(void)send_part(leg, SIMH_END, NULL, 0, result);
	over(leg);
	free_leg(leg);
}

static void pump(void *arg)
{
	struct simh_leg *leg = arg;
	uint8_t bytes[SIMH_PART];

	leg->pumping = 0;
	while (leg->phase == SIMH_ANSWERED && !leg->ended && !leg->starved && leg->unconsumed < SIMH_WINDOW) {
		int64_t n = produce(leg, bytes, sizeof(bytes));

		if (n == PONTO_EBUSY) {
			leg->starved = true;
		} else if (n <= 0 || !leg->transfer) {
			end_answer(leg, n == 0 ? PONTO_OK : PONTO_EIO);
			return;
		} else if (!send_part(leg, SIMH_DATA, bytes, (size_t)n, PONTO_OK)) {
			end_answer(leg, PONTO_ENOMEM);
			return;
		} else {
			leg->sent += (uint64_t)n;
		}
	}
}

static void pump_at(struct simh_leg *leg, uint64_t at)
{
	if (leg->phase == SIMH_ANSWERED && leg->pumping == 0 && !leg->severed)
		leg->pumping = ponto_sim_at(leg->web->sim, at, pump, leg);
}

void simh_leg_consumed(struct simh_leg *leg, size_t len)
{
	leg->unconsumed -= len;
	pump_at(leg, ponto_sim_now(leg->web->sim) + leg->web->model.latency);
}

void simh_resume(struct ponto_http_listener *l, struct ponto_http_request *request)
{
	struct simh_leg *leg = (struct simh_leg *)request;

	(void)l;
	leg->starved = false;
	pump_at(leg, ponto_sim_now(leg->web->sim));
}

/* ---- answering ----------------------------------------------------------------------------------------- */

static bool add_header(struct simh_leg *leg, const char *name, const char *value)
{
	struct ponto_http_header *h = &leg->answer_headers[leg->answer_count++];

	h->name = ponto_strdup(leg->web->alloc, name);
	h->value = ponto_strdup(leg->web->alloc, value);
	return h->name && h->value;
}

/* What framing adds, as http-mhd does. */
static bool frame(struct simh_leg *leg, const struct ponto_http_response *r)
{
	const struct ponto_clock *clock = leg->listener->http->env->clock;
	uint64_t length = r->source == PONTO_HTTP_DATA ? r->data.len : r->length;
	time_t seconds = (time_t)(clock->wall(clock->ctx) / 1000000);
	char text[64];
	struct tm tm;

	if (!ponto_http_find(r->headers, r->header_count, "Date")) {
		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		if (!add_header(leg, "Date", text))
			return false;
	}
	if (r->close && !add_header(leg, "Connection", "close"))
		return false;
	if (r->status == 204 || (r->status == 304 && length == 0))
		return true;
	if (length == PONTO_HTTP_CHUNKED)
		return leg->head || r->status == 304 || add_header(leg, "Transfer-Encoding", "chunked");
	snprintf(text, sizeof(text), "%llu", (unsigned long long)length);
	return add_header(leg, "Content-Length", text);
}

static int start_answer(struct simh_leg *leg, const struct ponto_http_response *r)
{
	bool bare = leg->head || r->status == 204 || r->status == 304 || r->source == PONTO_HTTP_NOTHING;

	leg->answer_headers = simh_headers(leg->web->alloc, r->headers, r->header_count, 3);
	leg->answer_count = leg->answer_headers ? r->header_count : 0;
	if (!leg->answer_headers || !frame(leg, r) ||
	    (leg->transfer && !send_part(leg, SIMH_HEAD, NULL, 0, PONTO_OK))) {
		simh_headers_free(leg->web->alloc, leg->answer_headers, leg->answer_count);
		leg->answer_headers = NULL;
		leg->answer_count = 0;
		return PONTO_ENOMEM;
	}
	leg->answer = *r;
	leg->length = bare ? 0 : r->source == PONTO_HTTP_DATA ? r->data.len : r->length;
	leg->phase = SIMH_ANSWERED;
	pump_at(leg, ponto_sim_now(leg->web->sim));
	return PONTO_OK;
}

int simh_respond(struct ponto_http_listener *l, struct ponto_http_request *request, const struct ponto_http_response *r)
{
	struct simh_leg *leg = (struct simh_leg *)request;
	int result = ponto_http_check_response(r, leg->head);

	(void)l;
	if (result == PONTO_OK && leg->phase != SIMH_WAITING)
		result = PONTO_EINVAL;
	if (result == PONTO_OK)
		result = start_answer(leg, r);
	if (result != PONTO_OK && r->source == PONTO_HTTP_FILE && r->fd >= 0)
		close(r->fd);
	return result;
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static bool answered_at_once(struct simh_leg *leg)
{
	struct ponto_http_listener *l = leg->listener;
	struct ponto_http_response response = {.status = 0};

	if (!l->events.at_once || !l->events.at_once(l->arg, &leg->request, &response))
		return false;
	if (simh_respond(l, &leg->request, &response) == PONTO_OK)
		return true;
	if (response.release)
		response.release(response.arg);
	end_answer(leg, PONTO_EIO);
	return true;
}

void simh_leg_arrived(void *arg)
{
	static const struct ponto_http_response too_large = {.status = 413, .close = true};
	struct simh_leg *leg = arg;
	struct ponto_http_listener *l = leg->listener;

	leg->coming = 0;
	if (leg->severed)
		return; /* the client finds out by waiting */
	leg->phase = SIMH_WAITING;
	if (leg->request.body.len > l->body_limit) {
		ponto_counter_add(l->http->refused, 1);
		(void)start_answer(leg, &too_large);
		return;
	}
	ponto_counter_add(l->http->requests, 1);
	leg->web->stats.requests++;
	ponto_sim_trace(leg->web->sim, l->node, "http request", ponto_bytes(leg->target, strlen(leg->target)));
	if (answered_at_once(leg))
		return;
	enter(l);
	l->events.request(l->arg, &leg->request);
	leave(l);
}

/* ---- listening ------------------------------------------------------------------------------------------- */

static int bind_to(struct ponto_http_listener *l, const struct ponto_addr *local)
{
	struct simh_web *web = l->web;
	uint32_t node;
	bool exists;

	l->local = *local;
	if (local->port == 0) {
		l->local.port = web->next_port++;
		if (web->next_port == 0)
			web->next_port = 49152;
	}
	for (struct ponto_http_listener *other = web->listeners; other; other = other->next) {
		if (other->node == l->node && ponto_addr_equal(&other->local, &l->local))
			return PONTO_EEXIST;
	}
	(void)simh_find(web, &l->local, l->node, &node, &exists);
	return exists && node != l->node ? PONTO_ENOENT : PONTO_OK;
}

int simh_listen(void *self, struct ponto_loop *loop, const struct ponto_http_listen *listen,
		const struct ponto_http_events *events, void *arg, struct ponto_http_listener **out)
{
	struct ponto_sim_node *node = ponto_loop_sim(loop);
	struct simh_web *web = node ? simh_web_of(ponto_sim_node_world(node)) : NULL;
	int result = ponto_http_check_listen(listen);
	struct ponto_http_listener *l;

	if (result != PONTO_OK)
		return result;
	if (!node || listen->local.family != PONTO_FAMILY_IPV6)
		return PONTO_ENOTSUP;
	l = web ? ponto_new(web->alloc, 1, sizeof(*l)) : NULL;
	if (!l)
		return PONTO_ENOMEM;
	l->http = self;
	l->web = web;
	l->events = *events;
	l->arg = arg;
	l->node = ponto_sim_node_number(node);
	l->body_limit = listen->body_limit;
	l->tls = listen->key_file != NULL;
	result = bind_to(l, &listen->local);
	if (result != PONTO_OK) {
		ponto_free(web->alloc, l);
		return result;
	}
	l->next = web->listeners;
	web->listeners = l;
	*out = l;
	return PONTO_OK;
}

static struct simh_leg *leg_of(struct ponto_http_listener *l)
{
	struct simh_leg *leg = l->web->legs;

	while (leg && leg->listener != l)
		leg = leg->next;
	return leg;
}

void simh_unlisten(struct ponto_http_listener *l)
{
	struct ponto_http_listener **link = &l->web->listeners;
	struct simh_leg *leg;

	while (*link != l)
		link = &(*link)->next;
	*link = l->next;
	enter(l);
	l->dead = true;
	while ((leg = leg_of(l))) {
		ponto_sim_cancel(l->web->sim, leg->coming);
		ponto_sim_cancel(l->web->sim, leg->leaving);
		leg->coming = leg->leaving = 0;
		if (leg->transfer && !leg->ended)
			(void)send_part(leg, SIMH_END, NULL, 0, PONTO_EIO);
		leg->ended = true;
		over(leg);
		free_leg(leg);
	}
	leave(l);
}

void simh_local(struct ponto_http_listener *l, struct ponto_addr *out)
{
	*out = l->local;
}
