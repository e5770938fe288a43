/* The reverse proxy with HTTP played: each answer of the origin and each step of the client is the test's, so that a
 * client can leave, and memory be refused, in every state. */
#include <stdio.h>
#include <unistd.h>

#include "engines/content/content_info.h"
#include "plugins/service-dist/dist_server.h"
#include "tests/unit/dist_rig.h"

extern const struct ponto_plugin service_dist_LTX_ponto_plugin;

#define SIZE 700000u /* more than two batches */

/* ---- HTTP, played ------------------------------------------------------------------------------ */

struct ponto_http_listener {
	int unused;
};

struct ponto_http_transfer {
	struct ponto_http_fetch_events events;
	void *arg;
	char method[16];
	bool range; /* it asks for one */
	bool blocked, resumed;
	struct ponto_http_transfer *next;
};

struct stage {
	struct dist_rig rig;
	struct ponto_env env;
	struct ponto_conf *conf;
	struct dist dist;
	struct ponto_http_listener listener;
	const struct ponto_http_events *events;
	void *arg;
	struct ponto_http_transfer *transfers;
	unsigned fetches, cancelled;
	int fetch_with, respond_with; /* once */
	/* the request under way */
	struct ponto_http_request request;
	bool open, answered, owed, resumed;
	unsigned status, asked_range;
	char headers[2048];
	struct ponto_http_response response;
	int fd;
	struct blob got;
};

static int play_create(const struct ponto_env *env, void **self)
{
	(void)env;
	(void)self;
	return PONTO_ENOTSUP;
}

static void play_destroy(void *self)
{
	(void)self;
}

static int play_listen(void *self, struct ponto_loop *loop, const struct ponto_http_listen *listen,
		       const struct ponto_http_events *events, void *arg, struct ponto_http_listener **out)
{
	struct stage *s = self;

	(void)loop;
	assert_int_equal(listen->body_limit, 3 * 1024 * 1024);
	s->events = events;
	s->arg = arg;
	*out = &s->listener;
	return PONTO_OK;
}

static struct stage *the_stage; /* listeners are told without self */

static void release(struct stage *s)
{
	s->owed = s->open = false;
	s->response.release(s->response.arg);
}

static void play_unlisten(struct ponto_http_listener *listener)
{
	(void)listener;
	if (the_stage->owed)
		release(the_stage);
	the_stage->open = false;
}

static void play_local(struct ponto_http_listener *listener, struct ponto_addr *out)
{
	(void)listener;
	*out = (struct ponto_addr){.family = PONTO_FAMILY_IPV4};
}

static int play_respond(struct ponto_http_listener *listener, struct ponto_http_request *request,
			const struct ponto_http_response *r)
{
	struct stage *s = the_stage;
	size_t len = 0;
	int result = ponto_http_check_response(r, strcmp(request->method, "HEAD") == 0);

	(void)listener;
	assert_ptr_equal(request, &s->request);
	assert_true(s->open && !s->answered);
	if (result == PONTO_OK && s->respond_with) {
		result = s->respond_with;
		s->respond_with = 0;
	}
	if (result != PONTO_OK) {
		if (r->source == PONTO_HTTP_FILE)
			close(r->fd);
		return result;
	}
	s->answered = true;
	s->status = r->status;
	s->response = *r;
	s->fd = r->source == PONTO_HTTP_FILE ? r->fd : -1;
	s->headers[0] = '\0';
	for (size_t i = 0; i < r->header_count; i++)
		len += (size_t)snprintf(s->headers + len, sizeof(s->headers) - len, "%s: %s\n", r->headers[i].name,
					r->headers[i].value);
	s->owed = r->release != NULL;
	s->open = s->owed;
	return PONTO_OK;
}

static void play_resume(struct ponto_http_listener *listener, struct ponto_http_request *request)
{
	(void)listener;
	assert_ptr_equal(request, &the_stage->request);
	assert_true(the_stage->owed);
	the_stage->resumed = true;
}

static int play_fetch(void *self, struct ponto_loop *loop, const struct ponto_http_fetch *fetch,
		      const struct ponto_http_fetch_events *events, void *arg, struct ponto_http_transfer **out)
{
	struct stage *s = self;
	struct ponto_http_transfer *t;
	int result = ponto_http_check_fetch(fetch);

	(void)loop;
	if (result == PONTO_OK && s->fetch_with) {
		result = s->fetch_with;
		s->fetch_with = 0;
	}
	if (result != PONTO_OK)
		return result;
	t = calloc(1, sizeof(*t));
	assert_non_null(t);
	t->events = *events;
	t->arg = arg;
	t->range = ponto_http_find(fetch->headers, fetch->header_count, "Range") != NULL;
	snprintf(t->method, sizeof(t->method), "%s", fetch->method);
	t->next = s->transfers;
	s->transfers = t;
	s->fetches++;
	*out = t;
	return PONTO_OK;
}

static void play_transfer_resume(struct ponto_http_transfer *t)
{
	t->resumed = t->blocked;
}

static void drop(struct ponto_http_transfer *t)
{
	struct ponto_http_transfer **link = &the_stage->transfers;

	while (*link != t)
		link = &(*link)->next;
	*link = t->next;
	free(t);
}

static void play_cancel(struct ponto_http_transfer *t)
{
	the_stage->cancelled++;
	drop(t);
}

static const struct ponto_http_ops play = {
	.head = {PONTO_HTTP_ABI, sizeof(play)},
	.create = play_create,
	.destroy = play_destroy,
	.listen = play_listen,
	.unlisten = play_unlisten,
	.local = play_local,
	.respond = play_respond,
	.resume = play_resume,
	.fetch = play_fetch,
	.transfer_resume = play_transfer_resume,
	.cancel = play_cancel,
};

/* ---- the stage ----------------------------------------------------------------------------------- */

static void pass(struct stage *s)
{
	dist_rig_run(&s->rig, PONTO_SECOND / 2);
}

static void stage_open(struct stage *s, const struct ponto_alloc *alloc)
{
	const struct ponto_plugin *plugin = &service_dist_LTX_ponto_plugin;
	const char *const settings[] = {"listen=127.0.0.1:80", "origin=http://origin", "relay_timeout=5000",
					"body_limit=3", NULL};
	char error[256];

	memset(s, 0, sizeof(*s));
	the_stage = s;
	s->fd = -1;
	dist_rig_init(&s->rig);
	assert_ok(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error,
				  sizeof(error), &s->conf));
	s->env = s->rig.env;
	s->env.conf = s->conf;
	s->env.alloc = alloc;
	s->env.loop = ponto_sim_node_loop(s->rig.node);
	s->env.random = ponto_sim_node_random(s->rig.node);
	s->env.log = s->rig.log;
	assert_ok(ponto_metrics_create(&ponto_alloc_system, &s->env.metrics));
	s->dist = (struct dist){.env = &s->env, .conf = s->conf, .http = {&play, s, NULL}, .store = s->rig.store};
	assert_ok(dist_secret_open(&s->dist, &s->dist.secret));
	assert_ok(dist_server_open(&s->dist, &s->dist.server));
	pass(s); /* the key and the hashes are read */
}

static void stage_close(struct stage *s)
{
	dist_server_stop(s->dist.server);
	for (unsigned i = 0; i < 100 && !(dist_server_idle(s->dist.server) && dist_secret_idle(s->dist.secret)); i++)
		pass(s);
	assert_true(dist_server_idle(s->dist.server));
	assert_null(s->transfers);
	dist_server_close(s->dist.server);
	dist_secret_close(s->dist.secret);
	ponto_conf_destroy(s->conf);
	ponto_metrics_destroy(s->env.metrics);
	if (s->fd >= 0)
		close(s->fd);
	free(s->got.data);
	dist_rig_clear(&s->rig);
}

#define OFFER                                                                                                          \
	{"Accept-Encoding", "peerdist"},                                                                               \
	{                                                                                                              \
		"X-P2P-PeerDist", "Version=1.1"                                                                        \
	}
static const struct ponto_http_header plain[] = {{"Host", "a"}};
static const struct ponto_http_header hashes[] = {
	{"Host", "a"},
	OFFER,
	{"X-P2P-PeerDistEx", "MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true"}};
static const struct ponto_http_header part[] = {
	{"Host", "a"},
	OFFER,
	{"Range", "bytes=100-199"},
	{"X-P2P-PeerDistEx", "MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true"}};

static void ask(struct stage *s, const char *method, const struct ponto_http_header *headers, size_t count)
{
	assert_false(s->open);
	free(s->got.data);
	s->got = (struct blob){0};
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->answered = s->resumed = false;
	s->open = true;
	s->request = (struct ponto_http_request){
		.method = method, .target = "/x", .headers = headers, .header_count = count};
	assert_ok(ponto_addr_parse("192.0.2.1:1", 0, &s->request.peer));
	s->events->request(s->arg, &s->request);
}

#define ASK(s, headers) ask(s, "GET", headers, PONTO_ARRAY_SIZE(headers))

static void origin_head(struct stage *s, unsigned status, const char *etag)
{
	char size[24];
	const struct ponto_http_header h[] = {{"Content-Length", size}, {"ETag", etag}, {"Content-Type", "a/b"}};
	struct ponto_http_transfer *t = s->transfers;

	snprintf(size, sizeof(size), "%u", SIZE);
	t->events.head(t->arg, status, h, PONTO_ARRAY_SIZE(h));
}

static void origin_done(struct stage *s, int result)
{
	struct ponto_http_transfer *t = s->transfers;
	struct ponto_http_transfer copy = *t;

	drop(t);
	copy.events.done(copy.arg, result);
}

/* The client reads what there is. */
static int64_t client_reads(struct stage *s)
{
	uint8_t *data = realloc(s->got.data, s->got.len + SIZE);
	int64_t n;

	assert_non_null(data);
	s->got.data = data;
	n = s->response.body(s->response.arg, s->got.len, data + s->got.len, SIZE);
	if (n > 0)
		s->got.len += (size_t)n;
	return n;
}

/* All of a body, through to the client; ends like the exchange, or earlier. */
static int pour(struct stage *s, struct ponto_bytes body, size_t part_size)
{
	size_t at = 0;

	while (at < body.len) {
		size_t n = part_size < body.len - at ? part_size : body.len - at;
		struct ponto_http_transfer *t = s->transfers;
		int result;

		if (!t)
			return PONTO_ECLOSED;
		result = t->events.body(t->arg, ponto_bytes(body.data + at, n));
		if (result == PONTO_EBUSY) {
			t->blocked = true;
			t->resumed = false;
			(void)client_reads(s);
			pass(s);
			if (s->transfers == t)
				assert_true(t->resumed);
			continue;
		}
		if (result != PONTO_OK) {
			origin_done(s, result);
			return result;
		}
		at += n;
	}
	return PONTO_OK;
}

/* GET with head, body and end. What the client got is a beginning of the body. */
static void serve(struct stage *s, struct ponto_bytes body, const char *etag)
{
	int64_t n = 1;

	if (!s->transfers)
		return;
	assert_string_equal(s->transfers->method, "GET");
	origin_head(s, 200, etag);
	if (!s->owed)
		return;
	if (pour(s, body, 50000) == PONTO_OK && s->transfers)
		origin_done(s, PONTO_OK);
	while (n > 0)
		n = client_reads(s);
	assert_true(s->got.len <= body.len);
	assert_memory_equal(s->got.data, body.data, s->got.len);
	if (n == 0)
		assert_int_equal(s->got.len, body.len);
	release(s);
	pass(s);
}

static void asked_by_head(struct stage *s, unsigned status, const char *etag)
{
	if (!s->transfers)
		return;
	assert_string_equal(s->transfers->method, "HEAD");
	assert_false(s->transfers->range);
	origin_head(s, status, etag);
	origin_done(s, PONTO_OK);
	pass(s);
}

static bool encoded(const struct stage *s)
{
	return s->answered && s->fd >= 0 && strstr(s->headers, "Content-Encoding: peerdist\n") != NULL;
}

/* ---- cases ---------------------------------------------------------------------------------------- */

static void stages(void **state)
{
	struct blob body = dist_rig_content(SIZE, 1);
	struct ponto_bytes bytes = ponto_bytes(body.data, body.len);
	struct stage s;

	(void)state;
	PONTO_PROVES("DIST-517");
	stage_open(&s, &ponto_alloc_system);
	/* A hash request asks first, and gets the content as nothing is kept. */
	ASK(&s, hashes);
	asked_by_head(&s, 200, "\"1\"");
	assert_false(s.answered);
	serve(&s, bytes, "\"1\"");
	assert_int_equal(s.status, 200);
	assert_non_null(strstr(s.headers, "X-P2P-PeerDistEx: MakeHashRequest=true\n"));
	/* Then it gets Content Information, of all and of a part. */
	ASK(&s, hashes);
	asked_by_head(&s, 200, "\"1\"");
	assert_true(encoded(&s) && s.status == 200);
	assert_non_null(strstr(s.headers, "ETag: \"1\"\n"));
	ASK(&s, part);
	asked_by_head(&s, 200, "\"1\"");
	assert_true(encoded(&s) && s.status == 206);
	assert_non_null(strstr(s.headers, "Content-Range: bytes 100-199/700000\n"));
	/* Never of another state, nor when the origin says anything but yes. */
	ASK(&s, hashes);
	asked_by_head(&s, 200, "\"2\"");
	serve(&s, bytes, "\"2\"");
	assert_int_equal(s.status, 200);
	assert_int_equal(s.got.len, SIZE);
	ASK(&s, hashes);
	asked_by_head(&s, 401, "\"1\"");
	assert_false(s.answered);
	origin_head(&s, 401, "\"1\"");
	assert_int_equal(s.status, 401);
	assert_null(strstr(s.headers, "PeerDist"));
	release(&s);
	/* It had nothing to ask for who does not speak PeerDist, and tells him nothing. */
	ASK(&s, plain);
	assert_string_equal(s.transfers->method, "GET");
	serve(&s, bytes, "\"1\"");
	assert_string_equal(s.headers, "ETag: \"1\"\nContent-Type: a/b\n");
	stage_close(&s);
	free(body.data);
}

/* What came of a body that was cut, or longer or shorter than was said, is not kept. */
static void not_whole(void **state)
{
	struct blob body = dist_rig_content(SIZE, 1);
	struct stage s;

	(void)state;
	PONTO_PROVES("DIST-401");
	for (unsigned i = 0; i < 4; i++) {
		size_t len = i == 0 ? SIZE - 1 : i == 1 ? 0 : i == 2 ? SIZE / 2 : SIZE;

		stage_open(&s, &ponto_alloc_system);
		for (unsigned again = 0; again < 2; again++) {
			ASK(&s, hashes);
			asked_by_head(&s, 200, "\"1\"");
			assert_false(s.answered);
			origin_head(&s, 200, "\"1\"");
			assert_ok(pour(&s, ponto_bytes(body.data, len), 50000));
			/* Even an end that is told as a good one. */
			origin_done(&s, i < 2 ? PONTO_OK : PONTO_EIO);
			while (client_reads(&s) > 0)
				;
			release(&s);
			pass(&s);
		}
		stage_close(&s);
	}
	free(body.data);
}

/* The client leaves, or everything ends, after each step. */
static void leaving(void **state)
{
	struct blob body = dist_rig_content(SIZE, 1);
	struct stage s;

	(void)state;
	for (unsigned step = 0; step < 9; step++) {
		for (unsigned stop = 0; stop < 2; stop++) {
			stage_open(&s, &ponto_alloc_system);
			if (step >= 7) { /* hashes are kept */
				ASK(&s, hashes);
				asked_by_head(&s, 200, "\"1\"");
				serve(&s, ponto_bytes(body.data, body.len), "\"1\"");
			}
			ASK(&s, hashes);
			if (step >= 1)
				origin_head(&s, 200, "\"1\"");
			if (step >= 2)
				origin_done(&s, PONTO_OK); /* a worker looks for hashes */
			if (step >= 3 && step != 7)
				pass(&s);
			if (step >= 4 && step < 7)
				origin_head(&s, 200, "\"1\"");
			if (step == 5) { /* the queue is full, a batch is at work */
				struct ponto_http_transfer *t = s.transfers;

				while (t->events.body(t->arg, ponto_bytes(body.data, 50000)) == PONTO_OK)
					;
			}
			if (step == 6) { /* and the client made room, which is not told yet */
				struct ponto_http_transfer *t = s.transfers;

				pass(&s);
				while (t->events.body(t->arg, ponto_bytes(body.data, 50000)) == PONTO_OK)
					;
				(void)client_reads(&s);
			}
			if (step == 8)
				assert_true(encoded(&s));
			if (!stop && s.owed) {
				release(&s);
			} else if (!stop && s.open) {
				s.open = false;
				s.events->gone(s.arg, &s.request);
			}
			if (!stop) {
				assert_null(s.transfers);
				pass(&s);
				pass(&s);
				assert_true(dist_server_idle(s.dist.server));
			}
			stage_close(&s);
		}
	}
	free(body.data);
}

static void failures(void **state)
{
	static const struct {
		int result;
		unsigned status;
	} ends[] = {{PONTO_EUNREACH, 502},
		    {PONTO_EAUTH, 502},
		    {PONTO_ETIME, 504},
		    {PONTO_EPROTO, 502},
		    {PONTO_ENOMEM, 503}},
	  starts[] = {{PONTO_EBUSY, 503},
		      {PONTO_ENOENT, 502},
		      {PONTO_ENOMEM, 503},
		      {PONTO_EINVAL, 400},
		      {PONTO_ELIMIT, 431}};
	struct stage s;

	(void)state;
	stage_open(&s, &ponto_alloc_system);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(ends); i++) {
		ASK(&s, plain);
		origin_done(&s, ends[i].result);
		assert_int_equal(s.status, ends[i].status);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(starts); i++) {
		s.fetch_with = starts[i].result;
		ASK(&s, plain);
		assert_int_equal(s.status, starts[i].status);
	}
	/* A HEAD that goes wrong: where the origin is not to be had that is all; else the request itself decides. */
	ASK(&s, hashes);
	origin_done(&s, PONTO_EUNREACH);
	assert_int_equal(s.status, 502);
	ASK(&s, hashes);
	origin_done(&s, PONTO_EPROTO);
	assert_string_equal(s.transfers->method, "GET");
	origin_done(&s, PONTO_EPROTO);
	assert_int_equal(s.status, 502);
	/* Nothing for too long. */
	ASK(&s, plain);
	dist_rig_run(&s.rig, 4 * PONTO_SECOND);
	assert_false(s.answered);
	dist_rig_run(&s.rig, 2 * PONTO_SECOND);
	assert_int_equal(s.status, 504);
	assert_null(s.transfers);
	/* An answer that cannot be given. */
	ASK(&s, plain);
	s.respond_with = PONTO_ENOMEM;
	origin_head(&s, 200, "\"1\"");
	assert_int_equal(s.status, 503);
	ASK(&s, plain);
	origin_head(&s, 700, "\"1\"");
	assert_int_equal(s.status, 502);
	assert_int_equal(s.cancelled, 3);
	ask(&s, "CONNECT", plain, 1);
	assert_int_equal(s.status, 501);
	stage_close(&s);
}

/* A store that fails costs hashes, not answers. */
static void no_store(void **state)
{
	struct blob body = dist_rig_content(SIZE, 1);
	struct stage s;

	(void)state;
	for (unsigned nth = 1; nth < 12; nth++) {
		stage_open(&s, &ponto_alloc_system);
		dist_rig_fail(&s.rig, DIST_RIG_ALL, nth, 1, PONTO_EIO);
		for (unsigned again = 0; again < 3; again++) {
			ASK(&s, hashes);
			asked_by_head(&s, 200, "\"1\"");
			if (!s.answered)
				serve(&s, ponto_bytes(body.data, body.len), "\"1\"");
			assert_int_equal(s.status, 200);
			assert_true(encoded(&s) || s.got.len == SIZE);
		}
		assert_true(encoded(&s));
		stage_close(&s);
	}
	free(body.data);
}

/* Memory is refused to what is asked of an open server. */
static int all_of_it(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_test_alloc *ta = alloc->ctx;
	size_t nth = ta->fail_at;
	const struct blob *body = arg;
	struct stage s;
	int result;

	ta->fail_at = 0;
	stage_open(&s, alloc);
	ta->fail_at = ta->made + nth;
	for (unsigned again = 0; again < 3; again++) {
		ASK(&s, hashes);
		asked_by_head(&s, 200, "\"1\"");
		if (!s.answered)
			serve(&s, ponto_bytes(body->data, body->len), "\"1\"");
		assert_true(s.answered);
		assert_true(s.status == 200 || s.status == 503);
	}
	result = encoded(&s) ? PONTO_OK : PONTO_ENOMEM;
	stage_close(&s);
	return result;
}

static void no_memory(void **state)
{
	struct blob body = dist_rig_content(SIZE, 1);

	(void)state;
	ponto_test_oom(all_of_it, &body, true);
	free(body.data);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(stages),   cmocka_unit_test(not_whole), cmocka_unit_test(leaving),
	cmocka_unit_test(failures), cmocka_unit_test(no_store),	 cmocka_unit_test(no_memory),
};

PONTO_TEST_MAIN(tests)
