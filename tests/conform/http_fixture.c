#include <stdio.h>
#include <unistd.h>

#include "tests/conform/http_suite.h"

#define GUARD (60 * 1000000ull)

/* ---- the service -------------------------------------------------------------------------- */

struct answer {
	struct http_fixture *fixture;
	struct ponto_http_request *request;
	struct ponto_timer *timer;
	uint64_t length, cut, allowed;
	uint8_t *bytes; /* what data shows, when it is the answer's own */
	bool starve;
};

static void stop(struct http_fixture *f)
{
	ponto_loop_stop(f->side[1].loop);
}

static void released(void *arg)
{
	struct answer *a = arg;
	struct http_fixture *f = a->fixture;

	f->released++;
	ponto_timer_destroy(f->side[0].loop, a->timer);
	free(a->bytes);
	free(a);
	stop(f);
}

static int64_t body(void *arg, uint64_t offset, uint8_t *out, size_t cap)
{
	struct answer *a = arg;
	uint64_t allowed = __atomic_load_n(&a->allowed, __ATOMIC_ACQUIRE);
	uint64_t left = (a->cut > 0 ? a->cut : a->length) - offset;
	size_t n = left < cap ? (size_t)left : cap;

	if (a->cut > 0 && offset >= a->cut)
		return PONTO_EIO;
	if (a->starve && offset < a->length) {
		if (offset >= allowed)
			return PONTO_EBUSY;
		n = allowed - offset < n ? (size_t)(allowed - offset) : n;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = http_pattern(offset + i);
	return (int64_t)n;
}

static void feed(void *arg)
{
	struct answer *a = arg;

	__atomic_fetch_add(&a->allowed, 4096, __ATOMIC_RELEASE);
	ponto_http_resume(a->fixture->side[0].http, a->fixture->listener, a->request);
	ponto_timer_set(a->fixture->side[0].loop, a->timer, ponto_loop_now(a->fixture->side[0].loop) + 200);
}

static bool is(const char *target, const char *prefix, uint64_t *number)
{
	size_t len = strlen(prefix);

	if (strncmp(target, prefix, len) != 0)
		return false;
	*number = strtoull(target + len, NULL, 10);
	return true;
}

static bool respond(struct http_fixture *f, struct ponto_http_request *request, struct ponto_http_response *r)
{
	if (ponto_http_respond(f->side[0].http, f->listener, request, r) == PONTO_OK)
		return true;
	f->respond_failed++;
	released(r->arg);
	return false;
}

static void echo(struct http_fixture *f, struct ponto_http_request *q, struct answer *a, struct ponto_http_response *r)
{
	size_t method = strlen(q->method), target = strlen(q->target);

	(void)f;
	a->bytes = malloc(method + target + q->body.len + 2);
	assert_non_null(a->bytes);
	memcpy(a->bytes, q->method, method);
	a->bytes[method] = ' ';
	memcpy(a->bytes + method + 1, q->target, target);
	a->bytes[method + 1 + target] = ' ';
	if (q->body.len > 0)
		memcpy(a->bytes + method + target + 2, q->body.data, q->body.len);
	r->source = PONTO_HTTP_DATA;
	r->data = ponto_bytes(a->bytes, method + target + 2 + q->body.len);
}

static void by_source(struct http_fixture *f, const char *target, struct answer *a, struct ponto_http_response *r)
{
	uint64_t n = 0;

	if (is(target, "/data/", &n)) {
		r->source = PONTO_HTTP_DATA;
		r->data = ponto_bytes(f->pattern, (size_t)n);
	} else if (is(target, "/file/", &n)) {
		r->source = PONTO_HTTP_FILE;
		r->fd = dup(f->file);
		r->offset = 4096; /* the pattern begins there */
		r->length = n;
	} else if (is(target, "/length/", &n)) {
		r->length = n;
	} else if (is(target, "/stream/", &n) || is(target, "/starve/", &n)) {
		r->source = PONTO_HTTP_STREAM;
		a->length = r->length = n;
		a->starve = target[3] == 'a';
	} else if (is(target, "/ready/", &n)) {
		r->source = PONTO_HTTP_STREAM;
		r->ready = true;
		a->length = r->length = n;
	} else if (is(target, "/chunked/", &n)) {
		r->source = PONTO_HTTP_STREAM;
		a->length = n;
		r->length = PONTO_HTTP_CHUNKED;
	} else if (is(target, "/break/", &n)) {
		r->source = PONTO_HTTP_STREAM;
		a->length = r->length = 2 * n;
		a->cut = n;
	} else {
		r->status = 404;
	}
	r->body = body;
}

static void answer(struct http_fixture *f, struct ponto_http_request *q)
{
	static struct ponto_http_header many[PONTO_HTTP_HEADERS_MAX];
	struct answer *a = calloc(1, sizeof(*a));
	struct ponto_http_header header = {"X-Test", "yes, it is"};
	struct ponto_http_response r = {
		.status = 200, .headers = &header, .header_count = 1, .arg = a, .release = released};
	uint64_t n = 0;

	assert_non_null(a);
	a->fixture = f;
	a->request = q;
	if (strcmp(q->target, "/echo") == 0 || strstr(q->target, "echo?")) {
		echo(f, q, a, &r);
	} else if (strncmp(q->target, "/head/", 6) == 0) {
		const char *value = ponto_http_find(q->headers, q->header_count, q->target + 6);

		a->bytes = (uint8_t *)strdup(value ? value : "(none)");
		r.source = PONTO_HTTP_DATA;
		r.data = ponto_bytes(a->bytes, strlen((char *)a->bytes));
	} else if (is(q->target, "/status/", &n)) {
		r.status = (uint16_t)n;
	} else if (strncmp(q->target, "/to/", 4) == 0) {
		r.status = 302;
		header = (struct ponto_http_header){"Location", q->target + 3};
		if (strncmp(q->target, "/to/ftp", 7) == 0)
			header.value = "ftp://127.0.0.1/";
	} else if (is(q->target, "/many/", &n)) {
		for (size_t i = 0; i < n && i < PONTO_HTTP_HEADERS_MAX; i++)
			many[i] = (struct ponto_http_header){"x", "y"};
		r.headers = many;
		r.header_count = (size_t)n;
	} else {
		by_source(f, q->target, a, &r);
	}
	if (a->starve)
		assert_ok(ponto_timer_create(f->side[0].loop, feed, a, &a->timer));
	if (respond(f, q, &r) && a->starve)
		ponto_timer_set(f->side[0].loop, a->timer, ponto_loop_now(f->side[0].loop) + 200);
}

static void on_request(void *arg, struct ponto_http_request *q)
{
	struct http_fixture *f = arg;

	f->requests++;
	stop(f);
	if (f->unlisten_in_request) {
		ponto_http_unlisten(f->side[0].http, f->listener);
		f->listener = NULL;
	} else if (strcmp(q->target, "/hold") == 0) {
		q->user = f;
		f->held = q;
	} else {
		answer(f, q);
	}
}

static void on_gone(void *arg, struct ponto_http_request *q)
{
	struct http_fixture *f = arg;

	assert_ptr_equal(q, f->held);
	assert_ptr_equal(q->user, f);
	f->held = NULL;
	f->gone++;
	stop(f);
}

/* On a thread of the server. */
static void released_once(void *arg)
{
	struct answer *a = arg;

	atomic_fetch_add(&a->fixture->released_once, 1);
	free(a);
}

static bool at_once(void *arg, const struct ponto_http_request *q, struct ponto_http_response *r)
{
	static const struct ponto_http_header header = {"X-Test", "at once"};
	struct http_fixture *f = arg;
	struct answer *a;

	if (strncmp(q->target, "/same/", 6) == 0) {
		*r = (struct ponto_http_response){.status = 200, .source = PONTO_HTTP_DATA, .headers = &header, .header_count = 1};
		r->data = ponto_bytes(f->pattern, (size_t)atoi(q->target + 6));
		return true;
	}
	if (strncmp(q->target, "/once/", 6) != 0)
		return false;
	a = calloc(1, sizeof(*a));
	assert_non_null(a);
	a->fixture = f;
	atomic_fetch_add(&f->once, 1);
	*r = (struct ponto_http_response){
		.status = 200, .headers = &header, .header_count = 1, .arg = a, .release = released_once};
	by_source(f, q->target + 5, a, r);
	return true;
}

void http_listen(struct http_fixture *f, const struct ponto_http_listen *listen)
{
	static const struct ponto_http_events events = {on_request, on_gone, at_once};

	if (ponto_http_listen(f->side[0].http, f->side[0].loop, listen, &events, f, &f->listener))
		fail_msg("%s", f->log_text);
	ponto_http_local(f->side[0].http, f->listener, &f->addr);
}

/* ---- the bed --------------------------------------------------------------------------------- */

static void remember_line(void *ctx, enum ponto_log_level level, const char *topic, const char *message)
{
	struct http_fixture *f = ctx;
	int n;

	if (level > PONTO_LOG_WARNING)
		return;
	n = snprintf(f->log_text + f->log_used, sizeof(f->log_text) - f->log_used, "%d %s %s\n", (int)level, topic,
		     message);
	if (n > 0 && f->log_used + (size_t)n < sizeof(f->log_text))
		f->log_used += (size_t)n;
}

static void make_side(struct http_fixture *f, const struct http_subject *subject, struct http_side *side,
		      struct ponto_sim_node *place)
{
	struct ponto_node_setup setup = {.name = "test",
					 .alloc = &ponto_alloc_system,
					 .simulation = place != NULL,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system,
					 .log = f->log,
					 .metrics = f->metrics};
	char reason[PONTO_REASON_SIZE] = "";
	struct ponto_iface iface;

	if (place) {
		side->loop = ponto_sim_node_loop(place);
		setup.random = ponto_sim_node_random(place);
		setup.clock = ponto_sim_node_clock(place);
	} else {
		assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &side->loop));
	}
	setup.loop = side->loop;
	assert_ok(ponto_node_create(&setup, &side->node));
	if (ponto_node_add(side->node, subject->plugin, "web", f->conf, reason))
		fail_msg("%s %s", reason, f->log_text);
	assert_ok(ponto_node_find(side->node, PONTO_KIND_HTTP, "web", &iface));
	side->http = (struct ponto_http){(const struct ponto_http_ops *)iface.ops, iface.self, iface.pool};
}

static void make_pattern(struct http_fixture *f)
{
	FILE *file = tmpfile();

	f->pattern = malloc(HTTP_PATTERN);
	assert_non_null(f->pattern);
	assert_non_null(file);
	for (size_t i = 0; i < HTTP_PATTERN; i++)
		f->pattern[i] = http_pattern(i);
	f->file = dup(fileno(file));
	fclose(file);
	assert_int_equal(pwrite(f->file, f->pattern, HTTP_PATTERN, 4096), HTTP_PATTERN);
}

struct http_fixture *http_fixture_new(const struct http_subject *subject)
{
	struct http_fixture *f = calloc(1, sizeof(*f));
	struct ponto_sim_node *places[2] = {NULL, NULL};
	char error[256] = "";

	assert_non_null(f);
	if (subject->sim) {
		assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &f->world));
		assert_ok(ponto_sim_node(f->world, &places[0]));
		assert_ok(ponto_sim_node(f->world, &places[1]));
	}
	assert_ok(ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_NONE, "debug", &f->log));
	assert_ok(ponto_metrics_create(&ponto_alloc_system, &f->metrics));
	ponto_log_tap(f->log, remember_line, f);
	if (ponto_conf_make(&ponto_alloc_system, subject->plugin->options, subject->plugin->option_count,
			    subject->settings, error, sizeof(error), &f->conf))
		fail_msg("%s", error);
	make_side(f, subject, &f->side[0], places[0]);
	if (subject->sim)
		make_side(f, subject, &f->side[1], places[1]);
	else
		f->side[1] = f->side[0];
	make_pattern(f);
	return f;
}

void http_fixture_free(struct http_fixture *f)
{
	ponto_http_unlisten(f->side[0].http, f->listener);
	if (f->world)
		ponto_sim_run(f->world, ponto_sim_now(f->world) + 1000000);
	ponto_node_destroy(f->side[0].node);
	if (f->world)
		ponto_node_destroy(f->side[1].node);
	else
		ponto_loop_destroy(f->side[0].loop);
	ponto_conf_destroy(f->conf);
	ponto_log_destroy(f->log);
	ponto_metrics_destroy(f->metrics);
	ponto_sim_destroy(f->world);
	close(f->file);
	free(f->pattern);
	free(f);
}

bool http_fits_system(const struct ponto_plugin *plugin)
{
	struct ponto_env env = {.abi = PONTO_PLUGIN_ABI,
				.size = sizeof(env),
				.instance = "web",
				.node_name = "test",
				.alloc = &ponto_alloc_system,
				.random = &ponto_random_system,
				.clock = &ponto_clock_system};
	struct ponto_conf *conf = NULL;
	char error[256] = "";
	void *self = NULL;
	bool fits;

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, NULL, error, sizeof(error),
			    &conf) != PONTO_OK)
		return true;
	env.conf = conf;
	fits = ((const struct ponto_http_ops *)plugin->vtable)->create(&env, &self) != PONTO_ENOTSUP;
	if (self)
		((const struct ponto_http_ops *)plugin->vtable)->destroy(self);
	ponto_conf_destroy(conf);
	return fits;
}

/* ---- fetching ----------------------------------------------------------------------------------- */

struct ponto_http_fetch http_get(const char *url)
{
	return (struct ponto_http_fetch){
		.method = "GET", .url = url, .timeout = 30 * 1000000, .answer_limit = HTTP_PATTERN};
}

const char *http_url(const struct http_fixture *f, const char *target)
{
	static char url[2][PONTO_HTTP_TARGET_MAX + 512];
	static unsigned turn;
	char text[PONTO_ADDR_TEXT];
	char *out = url[turn++ % 2];

	snprintf(out, sizeof(url[0]), "http://%s%s", ponto_addr_format(&f->addr, text), target);
	return out;
}

static void resume(void *arg)
{
	struct http_watcher *w = arg;

	ponto_http_transfer_resume(w->fixture->side[1].http, w->transfer);
}

static void on_head(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	struct http_watcher *w = arg;
	size_t used = 0;

	w->late += w->done || !w->transfer;
	w->heads++;
	w->status = status;
	for (size_t i = 0; i < count && used < sizeof(w->headers); i++)
		used += (size_t)snprintf(w->headers + used, sizeof(w->headers) - used, "%s: %s\n", headers[i].name,
					 headers[i].value);
}

static int on_body(void *arg, struct ponto_bytes data)
{
	struct http_watcher *w = arg;

	w->late += w->done || !w->transfer || w->heads == 0;
	assert_true(data.len > 0);
	if (w->hold || w->refuse > 0) {
		if (w->refuse > 0)
			w->refuse--;
		w->busy++;
		if (!w->hold)
			ponto_timer_set(w->fixture->side[1].loop, w->timer,
					ponto_loop_now(w->fixture->side[1].loop) + 1000);
		ponto_loop_stop(w->fixture->side[1].loop);
		return PONTO_EBUSY;
	}
	if (w->pieces++ == 0)
		ponto_loop_stop(w->fixture->side[1].loop);
	w->body = realloc(w->body, w->len + data.len);
	assert_non_null(w->body);
	memcpy(w->body + w->len, data.data, data.len);
	for (size_t i = 0; i < data.len; i++)
		w->wrong |= data.data[i] != http_pattern(w->len + i);
	w->len += data.len;
	if (w->fail_after > 0 && w->len >= w->fail_after)
		return PONTO_EIO;
	if (w->cancel_after > 0 && w->len >= w->cancel_after) {
		ponto_http_cancel(w->fixture->side[1].http, w->transfer);
		w->transfer = NULL;
		ponto_loop_stop(w->fixture->side[1].loop);
	}
	return PONTO_OK;
}

static void on_done(void *arg, int result)
{
	struct http_watcher *w = arg;

	w->late += w->done || !w->transfer;
	w->result = result;
	w->done = true;
	w->transfer = NULL;
	ponto_loop_stop(w->fixture->side[1].loop);
}

void http_start(struct http_fixture *f, const struct ponto_http_fetch *fetch, struct http_watcher *w)
{
	static const struct ponto_http_fetch_events events = {on_head, on_body, on_done};

	w->fixture = f;
	assert_ok(ponto_timer_create(f->side[1].loop, resume, w, &w->timer));
	assert_ok(ponto_http_fetch(f->side[1].http, f->side[1].loop, fetch, &events, w, &w->transfer));
	assert_int_equal(w->heads, 0);
	assert_false(w->done);
}

static void guard(void *arg)
{
	struct http_fixture *f = arg;

	f->timed_out = true;
	stop(f);
}

static void run(struct http_fixture *f)
{
	struct ponto_timer *timer;

	assert_ok(ponto_timer_create(f->side[1].loop, guard, f, &timer));
	ponto_timer_set(f->side[1].loop, timer, ponto_loop_now(f->side[1].loop) + GUARD);
	assert_ok(ponto_loop_run(f->side[1].loop));
	ponto_timer_destroy(f->side[1].loop, timer);
	if (f->timed_out)
		fail_msg("nothing happened for a minute; log: %s", f->log_text);
}

void http_wait(struct http_watcher *w)
{
	while (!w->done)
		run(w->fixture);
}

void http_wait_for(struct http_fixture *f, const unsigned *seen)
{
	while (*seen == 0)
		run(f);
}

void http_fetch(struct http_fixture *f, const struct ponto_http_fetch *fetch, struct http_watcher *w)
{
	http_start(f, fetch, w);
	http_wait(w);
}

struct settling {
	struct http_fixture *fixture;
	bool over;
};

static void settled(void *arg)
{
	struct settling *s = arg;

	s->over = true;
	stop(s->fixture);
}

void http_settle(struct http_fixture *f)
{
	struct settling s = {f, false};
	struct ponto_timer *timer;

	assert_ok(ponto_timer_create(f->side[1].loop, settled, &s, &timer));
	ponto_timer_set(f->side[1].loop, timer, ponto_loop_now(f->side[1].loop) + (f->world ? 2000000 : 50000));
	while (!s.over)
		assert_ok(ponto_loop_run(f->side[1].loop));
	ponto_timer_destroy(f->side[1].loop, timer);
}

void http_watcher_free(struct http_watcher *w)
{
	assert_int_equal(w->late, 0);
	if (w->transfer)
		ponto_http_cancel(w->fixture->side[1].http, w->transfer);
	ponto_timer_destroy(w->fixture->side[1].loop, w->timer);
	free(w->body);
	memset(w, 0, sizeof(*w));
}
