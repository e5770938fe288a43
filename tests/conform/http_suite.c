#include "tests/conform/http_suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const struct ponto_http_listen everywhere = {.local = {.family = PONTO_FAMILY_IPV6, .ip = {[15] = 1}},
						    .body_limit = HTTP_BODY_LIMIT};

/* In a simulated world a node is reached by the address that is its own. */
static struct http_fixture *begin(void **state)
{
	const struct http_subject *subject = *state;
	struct http_fixture *f = http_fixture_new(subject);
	struct ponto_http_listen listen = everywhere;

	if (subject->sim)
		listen.local =
			(struct ponto_addr){.family = PONTO_FAMILY_IPV6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	http_listen(f, &listen);
	return f;
}

/* A GET of a made-up body arrives whole and right. */
static void expect_pattern(struct http_fixture *f, const char *target, size_t len)
{
	struct ponto_http_fetch fetch = http_get(http_url(f, target));
	struct http_watcher w = {0};

	http_fetch(f, &fetch, &w);
	if (w.result != PONTO_OK || w.len != len || w.wrong)
		fail_msg("%s: result %d, status %u, %zu bytes of %zu%s; log: %s", target, w.result, w.status, w.len,
			 len, w.wrong ? ", wrong ones" : "", f->log_text);
	assert_int_equal(w.status, 200);
	assert_int_equal(w.heads, 1);
	http_watcher_free(&w);
}

static void expect_status(struct http_fixture *f, const struct ponto_http_fetch *fetch, unsigned status, size_t len)
{
	struct http_watcher w = {0};

	http_fetch(f, fetch, &w);
	assert_ok(w.result);
	assert_int_equal(w.status, status);
	assert_int_equal(w.len, len);
	http_watcher_free(&w);
}

static void expect_result(struct http_fixture *f, const struct ponto_http_fetch *fetch, int result)
{
	struct http_watcher w = {0};

	http_fetch(f, fetch, &w);
	assert_int_equal(w.result, result);
	http_watcher_free(&w);
}

/* ---- requests --------------------------------------------------------------------------------- */

static void a_request_arrives_as_it_was_sent(void **state)
{
	struct http_fixture *f = begin(state);
	const char *target = "/a%20b/%2e%2e/../echo?x=%41+y&z=%zz",
		   *wanted = "POST /a%20b/%2e%2e/../echo?x=%41+y&z=%zz body";
	struct ponto_http_fetch fetch = http_get(http_url(f, target));
	struct http_watcher w = {0};

	fetch.method = "POST";
	fetch.body = ponto_bytes("body", 4);
	http_fetch(f, &fetch, &w);
	assert_ok(w.result);
	assert_int_equal(w.status, 200);
	assert_int_equal(w.len, strlen(wanted));
	assert_memory_equal(w.body, wanted, w.len);
	assert_non_null(strstr(w.headers, "X-Test: yes, it is\n"));
	http_settle(f);
	assert_int_equal(f->requests, 1);
	assert_int_equal(f->released, 1);
	http_watcher_free(&w);
	http_fixture_free(f);
}

static void expect_seen(struct http_fixture *f, const char *name, const struct ponto_http_header *header,
			const char *wanted)
{
	char target[64];
	struct ponto_http_fetch fetch;
	struct http_watcher w = {0};

	snprintf(target, sizeof(target), "/head/%s", name);
	fetch = http_get(http_url(f, target));
	fetch.headers = header;
	fetch.header_count = header ? 1 : 0;
	http_fetch(f, &fetch, &w);
	assert_ok(w.result);
	assert_int_equal(w.len, strlen(wanted));
	assert_memory_equal(w.body, wanted, w.len);
	http_watcher_free(&w);
}

static void headers_pass_and_none_is_made_up(void **state)
{
	static const char *const made_up[] = {"Accept", "Accept-Encoding", "User-Agent", "Expect", "Content-Type"};
	struct http_fixture *f = begin(state);
	struct ponto_http_header x = {"X-Some", "a, \"b\"; c"}, coding = {"accept-encoding", "peerdist"};
	char host[PONTO_ADDR_TEXT];

	expect_seen(f, "x-some", &x, "a, \"b\"; c");
	expect_seen(f, "Accept-Encoding", &coding, "peerdist");
	expect_seen(f, "Host", NULL, ponto_addr_format(&f->addr, host));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(made_up); i++)
		expect_seen(f, made_up[i], NULL, "(none)");
	http_fixture_free(f);
}

static void a_body_beyond_the_limit_is_refused(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/echo"));
	uint8_t *bytes = calloc(1, HTTP_BODY_LIMIT + 1);

	assert_non_null(bytes);
	fetch.method = "POST";
	fetch.body = ponto_bytes(bytes, HTTP_BODY_LIMIT + 1);
	expect_status(f, &fetch, 413, 0);
	assert_int_equal(f->requests, 0);
	fetch.body.len--;
	expect_status(f, &fetch, 200, HTTP_BODY_LIMIT + strlen("POST /echo "));
	assert_int_equal(f->requests, 1);
	free(bytes);
	http_fixture_free(f);
}

static void an_address_is_taken_once(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_listen listen = everywhere;
	struct ponto_http_listener *other = NULL;
	static const struct ponto_http_events none = {0};

	assert_int_not_equal(f->addr.port, 0);
	listen.local = f->addr;
	assert_int_equal(ponto_http_listen(f->side[0].http, f->side[0].loop, &listen, &none, NULL, &other),
			 PONTO_EEXIST);
	listen.local.family = PONTO_FAMILY_NONE;
	assert_int_equal(ponto_http_listen(f->side[0].http, f->side[0].loop, &listen, &none, NULL, &other),
			 PONTO_EINVAL);
	listen.local = f->addr;
	listen.key_file = "/nowhere";
	assert_int_equal(ponto_http_listen(f->side[0].http, f->side[0].loop, &listen, &none, NULL, &other),
			 PONTO_EINVAL);
	assert_null(other);
	/* Free again afterwards. */
	ponto_http_unlisten(f->side[0].http, f->listener);
	listen.key_file = NULL;
	http_listen(f, &listen);
	assert_int_equal(f->addr.port, listen.local.port);
	expect_pattern(f, "/data/10", 10);
	http_fixture_free(f);
}

/* ---- answers ----------------------------------------------------------------------------------- */

static void bodies_of_every_source_arrive(void **state)
{
	static const size_t sizes[] = {0, 1, 65536, 1000003};
	static const char *const sources[] = {"data", "file", "stream", "ready", "chunked", "starve"};
	struct http_fixture *f = begin(state);
	unsigned count = 0;

	for (size_t s = 0; s < PONTO_ARRAY_SIZE(sources); s++) {
		for (size_t i = 0; i < PONTO_ARRAY_SIZE(sizes); i++, count++) {
			char target[64];

			snprintf(target, sizeof(target), "/%s/%zu", sources[s], sizes[i]);
			expect_pattern(f, target, sizes[i]);
		}
	}
	http_settle(f);
	assert_int_equal(f->released, count);
	assert_int_equal(f->respond_failed, 0);
	http_fixture_free(f);
}

static void head_and_bodiless_answers(void **state)
{
	static const unsigned bodiless[] = {204, 304, 205, 416, 404};
	static const char *const targets[] = {"/data/12345", "/file/12345", "/stream/12345", "/length/12345",
					      "/chunked/12345"};
	struct http_fixture *f = begin(state);
	char target[64];

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(targets); i++) {
		struct ponto_http_fetch fetch = http_get(http_url(f, targets[i]));
		struct http_watcher w = {0};

		fetch.method = "HEAD";
		http_fetch(f, &fetch, &w);
		assert_ok(w.result);
		assert_int_equal(w.status, 200);
		assert_int_equal(w.len, 0);
		/* Of a length that is not known nothing is said. */
		assert_true(!strstr(w.headers, "Content-Length: 12345\n") == !strncmp(targets[i], "/chunked", 8));
		http_watcher_free(&w);
		expect_pattern(f, "/data/7", 7);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bodiless); i++) {
		struct ponto_http_fetch fetch;

		snprintf(target, sizeof(target), "/status/%u", bodiless[i]);
		fetch = http_get(http_url(f, target));
		expect_status(f, &fetch, bodiless[i], 0);
		/* The connection is still in step. */
		expect_pattern(f, "/data/7", 7);
	}
	http_fixture_free(f);
}

static void a_length_without_a_body_is_for_head_alone(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/length/5"));
	struct http_watcher w = {0};

	http_start(f, &fetch, &w);
	http_wait_for(f, &f->respond_failed);
	ponto_http_cancel(f->side[1].http, w.transfer);
	w.transfer = NULL;
	http_watcher_free(&w);
	http_fixture_free(f);
}

static int answer_held(struct http_fixture *f, const struct ponto_http_response *r)
{
	return ponto_http_respond(f->side[0].http, f->listener, f->held, r);
}

static void what_is_no_answer_is_refused(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/hold"));
	static const struct ponto_http_header wrong[] = {{"X", "a\r\nSet-Cookie: b"},
							 {"X", "a\nb"},
							 {"X y", "a"},
							 {"", "a"},
							 {"X:", "a"},
							 {"X", NULL},
							 {"Content-Length", "5"},
							 {"transfer-encoding", "chunked"},
							 {"Connection", "close"}};
	struct ponto_http_header fine = {"X", "tab\tand \xc3\xa4"};
	struct ponto_http_response r = {.status = 200};
	struct http_watcher w = {0};

	http_start(f, &fetch, &w);
	http_wait_for(f, &f->requests);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(wrong); i++) {
		r.headers = &wrong[i];
		r.header_count = 1;
		assert_int_equal(answer_held(f, &r), PONTO_EINVAL);
	}
	r.headers = &fine;
	for (unsigned i = 0; i < 3; i++) {
		r.status = (uint16_t[]){0, 199, 600}[i];
		assert_int_equal(answer_held(f, &r), PONTO_EINVAL);
	}
	r.status = 200;
	r.source = 9;
	assert_int_equal(answer_held(f, &r), PONTO_EINVAL);
	r.source = PONTO_HTTP_STREAM;
	assert_int_equal(answer_held(f, &r), PONTO_EINVAL);
	r.source = PONTO_HTTP_NOTHING;
	r.header_count = PONTO_HTTP_HEADERS_MAX + 1;
	assert_int_equal(answer_held(f, &r), PONTO_ELIMIT);
	r.header_count = 1;
	assert_ok(answer_held(f, &r));
	http_wait(&w);
	assert_ok(w.result);
	assert_non_null(strstr(w.headers, "X: tab\tand \xc3\xa4\n"));
	http_watcher_free(&w);
	http_fixture_free(f);
}

static void an_answer_broken_off_is_no_whole_one(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/break/100000"));
	struct http_watcher w = {0};

	http_fetch(f, &fetch, &w);
	assert_int_equal(w.result, PONTO_EIO);
	assert_true(w.len <= 100000);
	assert_false(w.wrong);
	http_watcher_free(&w);
	http_settle(f);
	assert_int_equal(f->released, 1);
	http_fixture_free(f);
}

/* Without the loop, whose callbacks do not hear of it; what else comes on the connection does. */
static void some_are_answered_at_once(void **state)
{
	static const char *const sources[] = {"data", "file", "ready"};
	static const size_t sizes[] = {0, 5, 65536, 100000};
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch;
	struct http_watcher w = {0};
	char target[64];
	unsigned count = 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(sources); i++) {
		for (size_t k = 0; k < PONTO_ARRAY_SIZE(sizes); k++) {
			snprintf(target, sizeof(target), "/once/%s/%zu", sources[i], sizes[k]);
			expect_pattern(f, target, sizes[k]);
			assert_int_equal(atomic_load(&f->once), ++count);
			assert_int_equal(f->requests, count - 1);
			expect_pattern(f, target + 5, sizes[k]);
		}
	}
	for (size_t i = 0; i < 6; i++) {
		snprintf(target, sizeof(target), "/same/%u", i < 3 ? 5u : (unsigned)i);
		expect_pattern(f, target, i < 3 ? 5 : i);
	}
	fetch = http_get(http_url(f, "/once/nothing"));
	expect_status(f, &fetch, 404, 0);
	fetch.url = http_url(f, "/once/data/5");
	http_fetch(f, &fetch, &w);
	assert_non_null(strstr(w.headers, "X-Test: at once\n"));
	http_watcher_free(&w);
	http_settle(f);
	ponto_http_unlisten(f->side[0].http, f->listener);
	f->listener = NULL;
	assert_int_equal(atomic_load(&f->released_once), count + 2);
	assert_int_equal(f->released, count);
	http_fixture_free(f);
}

/* ---- leaving ------------------------------------------------------------------------------------- */

static void who_leaves_is_gone(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/hold"));
	struct http_watcher w = {0};

	http_start(f, &fetch, &w);
	http_wait_for(f, &f->requests);
	ponto_http_cancel(f->side[1].http, w.transfer);
	w.transfer = NULL;
	http_wait_for(f, &f->gone);
	http_settle(f);
	assert_int_equal(f->gone, 1);
	assert_false(w.done);
	http_watcher_free(&w);
	expect_pattern(f, "/data/10", 10);
	http_fixture_free(f);
}

static void unlisten_cuts_and_is_silent(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch hold = http_get(http_url(f, "/hold")),
				starve = http_get(http_url(f, "/starve/8000000"));
	struct http_watcher a = {0}, b = {0};

	http_start(f, &hold, &a);
	http_wait_for(f, &f->requests);
	http_start(f, &starve, &b);
	http_wait_for(f, &b.pieces);
	ponto_http_unlisten(f->side[0].http, f->listener);
	f->listener = NULL;
	assert_int_equal(f->released, 1);
	http_wait(&a);
	http_wait(&b);
	assert_int_not_equal(a.result, PONTO_OK);
	assert_int_not_equal(b.result, PONTO_OK);
	assert_int_equal(f->gone, 0);
	http_watcher_free(&a);
	http_watcher_free(&b);
	http_fixture_free(f);
}

static void unlisten_inside_a_request(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/data/1"));
	struct http_watcher w = {0};

	f->unlisten_in_request = true;
	http_fetch(f, &fetch, &w);
	assert_int_not_equal(w.result, PONTO_OK);
	assert_int_equal(f->requests, 1);
	http_watcher_free(&w);
	http_fixture_free(f);
}

/* ---- fetching -------------------------------------------------------------------------------------- */

static void many_fetches_at_once(void **state)
{
	struct http_fixture *f = begin(state);
	struct http_watcher w[40] = {0};

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(w); i++) {
		struct ponto_http_fetch fetch = http_get(http_url(f, i % 2 ? "/data/70000" : "/chunked/70000"));

		http_start(f, &fetch, &w[i]);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(w); i++) {
		http_wait(&w[i]);
		assert_ok(w[i].result);
		assert_int_equal(w[i].len, 70000);
		assert_false(w[i].wrong);
		http_watcher_free(&w[i]);
	}
	http_fixture_free(f);
}

static void a_slow_consumer_loses_nothing(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/stream/3000000"));
	struct http_watcher w = {.refuse = 20};

	http_fetch(f, &fetch, &w);
	assert_ok(w.result);
	assert_int_equal(w.busy, 20);
	assert_int_equal(w.len, 3000000);
	assert_false(w.wrong);
	http_watcher_free(&w);
	http_fixture_free(f);
}

static void what_nobody_consumes_is_not_sent(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/stream/8388608"));
	struct http_watcher w = {.hold = true};

	http_start(f, &fetch, &w);
	http_wait_for(f, &w.busy);
	http_settle(f);
	assert_int_equal(w.busy, 1);
	assert_int_equal(f->released, 0); /* 8 MiB are more than what may wait on the way */
	w.hold = false;
	ponto_http_transfer_resume(f->side[1].http, w.transfer);
	http_wait(&w);
	assert_ok(w.result);
	assert_int_equal(w.len, 8388608);
	assert_false(w.wrong);
	http_watcher_free(&w);
	http_fixture_free(f);
}

static void a_consumer_may_end_it(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/stream/3000000"));
	struct http_watcher fails = {.fail_after = 1000}, cancels = {.cancel_after = 1000};

	http_fetch(f, &fetch, &fails);
	assert_int_equal(fails.result, PONTO_EIO);
	http_watcher_free(&fails);
	http_start(f, &fetch, &cancels);
	while (cancels.transfer)
		http_settle(f);
	http_settle(f);
	assert_false(cancels.done);
	http_watcher_free(&cancels);
	http_fixture_free(f);
}

static void an_answer_beyond_its_limits_ends(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/data/5001"));

	fetch.answer_limit = 5000;
	expect_result(f, &fetch, PONTO_ELIMIT);
	fetch.url = http_url(f, "/chunked/5001");
	expect_result(f, &fetch, PONTO_ELIMIT);
	fetch.url = http_url(f, "/chunked/5000");
	expect_result(f, &fetch, PONTO_OK);
	http_fixture_free(f);
}

static void time_runs_out(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/hold"));
	struct http_watcher w = {0};

	fetch.timeout = 200000;
	http_fetch(f, &fetch, &w);
	assert_int_equal(w.result, PONTO_ETIME);
	assert_int_equal(w.heads, 0);
	http_watcher_free(&w);
	http_fixture_free(f);
}

static void nobody_listens(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/data/1"));

	ponto_http_unlisten(f->side[0].http, f->listener);
	f->listener = NULL;
	expect_result(f, &fetch, PONTO_EUNREACH);
	http_fixture_free(f);
}

static void redirections_are_followed_when_asked(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/to/to/data/5"));
	struct http_watcher w = {0};

	expect_status(f, &fetch, 302, 0);
	fetch.redirects = 1;
	expect_result(f, &fetch, PONTO_ELIMIT);
	fetch.redirects = 2;
	http_fetch(f, &fetch, &w);
	assert_ok(w.result);
	assert_int_equal(w.status, 200);
	assert_int_equal(w.heads, 1);
	assert_int_equal(w.len, 5);
	http_watcher_free(&w);
	fetch.url = http_url(f, "/to/ftp");
	expect_result(f, &fetch, PONTO_ENOTSUP);
	http_fixture_free(f);
}

static void what_is_no_fetch_is_refused(void **state)
{
	static const struct {
		const char *method, *url;
		struct ponto_http_header header;
		int result;
	} wrong[] = {
		{"GET", "ftp://[::1]/", {"X", "y"}, PONTO_ENOTSUP},
		{"GET", "file:///etc/passwd", {"X", "y"}, PONTO_ENOTSUP},
		{"GET", "/data/1", {"X", "y"}, PONTO_EINVAL},
		{"GET", "http://", {"X", "y"}, PONTO_EINVAL},
		{"GET", "http:///x", {"X", "y"}, PONTO_EINVAL},
		{"GET", "http://a b/", {"X", "y"}, PONTO_EINVAL},
		{"GET", "http://user:secret@[::1]/", {"X", "y"}, PONTO_EINVAL},
		{"GE T", "http://[::1]/", {"X", "y"}, PONTO_EINVAL},
		{"", "http://[::1]/", {"X", "y"}, PONTO_EINVAL},
		{"GET", "http://[::1]/", {"X", "y\r\nZ: z"}, PONTO_EINVAL},
		{"GET", "http://[::1]/", {"Content-Length", "4"}, PONTO_EINVAL},
	};
	struct http_fixture *f = begin(state);
	static const struct ponto_http_fetch_events events = {0};
	struct ponto_http_transfer *transfer = NULL;
	struct ponto_http_fetch fetch;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(wrong); i++) {
		fetch = http_get(wrong[i].url);
		fetch.method = wrong[i].method;
		fetch.headers = &wrong[i].header;
		fetch.header_count = 1;
		assert_int_equal(ponto_http_fetch(f->side[1].http, f->side[1].loop, &fetch, &events, NULL, &transfer),
				 wrong[i].result);
	}
	fetch = http_get("http://[::1]/");
	fetch.timeout = 0;
	assert_int_equal(ponto_http_fetch(f->side[1].http, f->side[1].loop, &fetch, &events, NULL, &transfer),
			 PONTO_EINVAL);
	fetch = http_get("http://[::1]/");
	fetch.method = "POST";
	fetch.redirects = 1;
	assert_int_equal(ponto_http_fetch(f->side[1].http, f->side[1].loop, &fetch, &events, NULL, &transfer),
			 PONTO_EINVAL);
	assert_null(transfer);
	http_fixture_free(f);
}

static void headers_are_bounded(void **state)
{
	struct http_fixture *f = begin(state);
	struct ponto_http_fetch fetch = http_get(http_url(f, "/many/200"));
	struct http_watcher w = {0};

	http_fetch(f, &fetch, &w);
	assert_ok(w.result);
	http_watcher_free(&w);
	fetch.url = http_url(f, "/many/256"); /* and those that framing adds */
	expect_result(f, &fetch, PONTO_ELIMIT);
	http_fixture_free(f);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_request_arrives_as_it_was_sent),
	cmocka_unit_test(headers_pass_and_none_is_made_up),
	cmocka_unit_test(a_body_beyond_the_limit_is_refused),
	cmocka_unit_test(an_address_is_taken_once),
	cmocka_unit_test(bodies_of_every_source_arrive),
	cmocka_unit_test(head_and_bodiless_answers),
	cmocka_unit_test(a_length_without_a_body_is_for_head_alone),
	cmocka_unit_test(what_is_no_answer_is_refused),
	cmocka_unit_test(an_answer_broken_off_is_no_whole_one),
	cmocka_unit_test(some_are_answered_at_once),
	cmocka_unit_test(who_leaves_is_gone),
	cmocka_unit_test(unlisten_cuts_and_is_silent),
	cmocka_unit_test(unlisten_inside_a_request),
	cmocka_unit_test(many_fetches_at_once),
	cmocka_unit_test(a_slow_consumer_loses_nothing),
	cmocka_unit_test(what_nobody_consumes_is_not_sent),
	cmocka_unit_test(a_consumer_may_end_it),
	cmocka_unit_test(an_answer_beyond_its_limits_ends),
	cmocka_unit_test(time_runs_out),
	cmocka_unit_test(nobody_listens),
	cmocka_unit_test(redirections_are_followed_when_asked),
	cmocka_unit_test(what_is_no_fetch_is_refused),
	cmocka_unit_test(headers_are_bounded),
};

const size_t http_suite_count = PONTO_ARRAY_SIZE(cases);

void http_suite_cases(const struct http_subject *subject, const char *name, struct CMUnitTest *out)
{
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		static char names[4][PONTO_ARRAY_SIZE(cases)][128];
		static unsigned subjects;

		if (i == 0)
			subjects++;
		snprintf(names[subjects % 4][i], sizeof(names[0][0]), "%s: %s", name, cases[i].name);
		out[i] = cases[i];
		out[i].name = names[subjects % 4][i];
		out[i].initial_state = (void *)(uintptr_t)subject;
	}
}
