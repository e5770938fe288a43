/* What the reverse proxy decides by headers alone. */
#include <stdio.h>

#include "plugins/service-dist/dist_queue.h"
#include "plugins/service-dist/dist_relay_head.h"
#include "tests/support/test.h"

#define HEADERS(...) ((const struct ponto_http_header[]){__VA_ARGS__})
#define COUNT(...) PONTO_ARRAY_SIZE(HEADERS(__VA_ARGS__))

static void origins(void **state)
{
	static const char *const good[] = {"http://127.0.0.1:8000", "https://www.example", "HTTP://a-b_c.example:1",
					   "http://[::1]:80", "http://[2001:db8::1]"};
	static const char *const bad[] = {"",
					  "http://",
					  "http://a/",
					  "http://a/b",
					  "http://a?b",
					  "http://u@a",
					  "ftp://a",
					  "127.0.0.1:80",
					  "http://a:",
					  "http://a:0",
					  "http://a:65536",
					  "http://a b",
					  "http://[::1",
					  "http://[x]:1",
					  "http://[]:1",
					  "http://a:80/",
					  "http://[::1]80",
					  "http://[127.0.0.1]"};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(good); i++)
		assert_true(dist_relay_is_origin(good[i]));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		if (dist_relay_is_origin(bad[i]))
			fail_msg("\"%s\" is an origin", bad[i]);
	}
}

static struct ponto_http_request request(const char *method, const char *target,
					 const struct ponto_http_header *headers, size_t count)
{
	struct ponto_http_request q = {.method = method, .target = target, .headers = headers, .header_count = count};

	assert_ok(ponto_addr_parse("192.0.2.7:1234", 0, &q.peer));
	return q;
}

static void targets(void **state)
{
	static const struct {
		const char *method, *target;
		int result;
		const char *path, *host;
	} cases[] = {
		{"GET", "/a?b", PONTO_OK, "/a?b", "here"},
		{"GET", "//x/../y%2f", PONTO_OK, "//x/../y%2f", "here"},
		{"GET", "http://there:8/a", PONTO_OK, "/a", "there:8"},
		{"GET", "HTTPS://there", PONTO_OK, "", "there"},
		{"GET", "http://there?q", PONTO_OK, "?q", "there"},
		{"GET", "http:///a", PONTO_EINVAL, NULL, NULL},
		{"GET", "http://u:p@there/a", PONTO_EINVAL, NULL, NULL},
		{"GET", "/a#b", PONTO_EINVAL, NULL, NULL},
		{"GET", "a", PONTO_EINVAL, NULL, NULL},
		{"GET", "", PONTO_EINVAL, NULL, NULL},
		{"GET", "ftp://there/a", PONTO_EINVAL, NULL, NULL},
		{"OPTIONS", "*", PONTO_ENOTSUP, NULL, NULL},
		{"CONNECT", "there:443", PONTO_ENOTSUP, NULL, NULL},
	};
	const struct ponto_http_header host = {"hOST", "here"}, twice[] = {{"Host", "a"}, {"Host", "a"}};
	struct ponto_http_request q;
	struct dist_relay_target t;
	char text[512];

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(cases); i++) {
		q = request(cases[i].method, cases[i].target, &host, 1);
		assert_int_equal(dist_relay_target(&q, &t), cases[i].result);
		if (cases[i].result != PONTO_OK)
			continue;
		assert_string_equal(t.path, cases[i].path);
		assert_int_equal(t.host_len, strlen(cases[i].host));
		assert_memory_equal(t.host, cases[i].host, t.host_len);
	}
	q = request("GET", "/", twice, 2);
	assert_int_equal(dist_relay_target(&q, &t), PONTO_EINVAL);
	q = request("GET", "/", NULL, 0);
	assert_ok(dist_relay_target(&q, &t));
	assert_null(t.host);
	snprintf(text, sizeof(text), "http://%0400d/", 0);
	q = request("GET", text, NULL, 0);
	assert_int_equal(dist_relay_target(&q, &t), PONTO_EINVAL);
}

/* "Name: value" lines of fields. */
static const char *shown(const struct dist_fields *f)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < f->count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s: %s\n", f->list[i].name, f->list[i].value);
	return text;
}

static void goes_on(const char *expected, bool whole, const char *target, const struct ponto_http_header *headers,
		    size_t count)
{
	struct ponto_http_request q = request("GET", target, headers, count);
	struct dist_relay_target t;
	struct dist_fields f = {0};

	assert_ok(dist_relay_target(&q, &t));
	assert_ok(dist_relay_request_fields(&ponto_alloc_system, &q, &t, whole, &f));
	assert_string_equal(shown(&f), expected);
	dist_fields_clear(&f);
}

#define GOES_ON(expected, whole, target, ...) goes_on(expected, whole, target, HEADERS(__VA_ARGS__), COUNT(__VA_ARGS__))
#define TAIL "X-Forwarded-For: 192.0.2.7\nVia: 1.1 ponto\n"

static void requests(void **state)
{
	(void)state;
	GOES_ON("Host: a\nX-A: \nx-b: 1, 2\nRange: bytes=0-1\n" TAIL, false, "/", {"X-A", ""}, {"host", "a"},
		{"x-b", "1, 2"}, {"Range", "bytes=0-1"});
	GOES_ON("X-A: 1\n" TAIL, true, "/", {"Range", "bytes=0-1"}, {"if-range", "x"}, {"X-A", "1"});
	GOES_ON("Host: b:1\n" TAIL, false, "http://b:1/x", {"Host", "a"});
	GOES_ON("Authorization: y\nCookie: c\n" TAIL, false, "/", {"Connection", "close , X-Hop,Authorization"},
		{"connection", "x-two, Cookie"}, {"X-Hop", "1"}, {"X-Two", "2"}, {"Authorization", "y"},
		{"Cookie", "c"}, {"Keep-Alive", "3"}, {"TE", "x"}, {"Trailer", "x"}, {"Transfer-Encoding", "chunked"},
		{"Upgrade", "h2c"}, {"Proxy-Connection", "x"}, {"Proxy-Authorization", "x"}, {"Content-Length", "0"},
		{"Expect", "100-continue"}, {"X-P2P-PeerDist", "Version=1.1"}, {"x-p2p-peerdistex", "x"});
	GOES_ON("Accept-Encoding: gzip;q=0.5,br\n" TAIL, false, "/",
		{"Accept-Encoding", " gzip;q=0.5,, PeerDist ;q=1 , br"});
	GOES_ON("Accept-Encoding: identity\n" TAIL, false, "/", {"Accept-Encoding", "peerdist"});
	GOES_ON("Accept-Encoding: peerdistant\n" TAIL, false, "/", {"Accept-Encoding", "peerdistant"});
	GOES_ON("X-Forwarded-For: a, b, 192.0.2.7\nVia: 1.0 x, 1.1 ponto\n", false, "/", {"X-Forwarded-For", "a"},
		{"Via", "1.0 x"}, {"x-forwarded-for", "b"}, {"X-Forwarded-For", ""});
}

/* As many as a request can name: none is lost, and what is added has its place. */
static void many_codings(void **state)
{
	static char value[8001] = "peerdist";
	const struct ponto_http_header h = {"Accept-Encoding", value};
	struct ponto_http_request q = request("GET", "/", &h, 1);
	struct dist_relay_target t;
	struct dist_fields f = {0};

	(void)state;
	for (size_t len = 8; len < sizeof(value) - 1; len += 2)
		memcpy(value + len, ",a", 2);
	assert_ok(dist_relay_target(&q, &t));
	assert_ok(dist_relay_request_fields(&ponto_alloc_system, &q, &t, false, &f));
	assert_int_equal(f.count, 3);
	assert_string_equal(f.list[0].value, value + 9);
	assert_string_equal(f.list[1].name, "X-Forwarded-For");
	assert_string_equal(f.list[2].value, "1.1 ponto");
	dist_fields_clear(&f);
}

static void answers(void **state)
{
	const struct ponto_http_header h[] = {
		{"Set-Cookie", "a"}, {"ETag", "\"e\""},	      {"Set-Cookie", "b"}, {"Connection", "X-Hop, ETag"},
		{"X-Hop", "1"},	     {"Content-Length", "5"}, {"Vary", "Cookie"},  {"Content-MD5", "x"},
		{"vary", "Origin"}};
	struct dist_fields f = {0};

	(void)state;
	assert_ok(dist_relay_answer_fields(&ponto_alloc_system, h, PONTO_ARRAY_SIZE(h), false, NULL, &f));
	assert_string_equal(shown(&f),
			    "Set-Cookie: a\nETag: \"e\"\nSet-Cookie: b\nVary: Cookie\nContent-MD5: x\nvary: Origin\n");
	dist_fields_clear(&f);
	assert_ok(dist_relay_answer_fields(&ponto_alloc_system, h, PONTO_ARRAY_SIZE(h), true, "Accept-Encoding", &f));
	dist_fields_add(&f, "X-More", "1");
	assert_string_equal(
		shown(&f),
		"Set-Cookie: a\nETag: \"e\"\nSet-Cookie: b\nVary: Cookie, Origin, Accept-Encoding\nX-More: 1\n");
	dist_fields_clear(&f);
	dist_fields_clear(&f);
}

static int refuse(const struct ponto_alloc *alloc, void *arg)
{
	const struct ponto_http_header h = {"Host", "a"};
	struct ponto_http_request q = request("GET", "/", &h, 1);
	struct dist_relay_target t;
	struct dist_fields f = {0}, g = {0};
	int result;

	(void)arg;
	assert_ok(dist_relay_target(&q, &t));
	result = dist_relay_request_fields(alloc, &q, &t, false, &f);
	if (result == PONTO_OK)
		result = dist_relay_answer_fields(alloc, &h, 1, false, NULL, &g);
	dist_fields_clear(&f);
	dist_fields_clear(&g);
	return result;
}

static void no_memory(void **state)
{
	(void)state;
	ponto_test_oom(refuse, NULL, false);
}

static void lengths(void **state)
{
	uint64_t n;

	(void)state;
	assert_ok(dist_relay_length(HEADERS({"Content-Length", "12"}), 1, &n));
	assert_int_equal(n, 12);
	assert_ok(dist_relay_length(NULL, 0, &n));
	assert_true(n == PONTO_HTTP_CHUNKED);
	assert_ok(dist_relay_length(HEADERS({"Content-Length", "12"}, {"Transfer-Encoding", "chunked"}), 2, &n));
	assert_true(n == PONTO_HTTP_CHUNKED);
	assert_ok(dist_relay_length(HEADERS({"Content-Length", "12"}, {"content-length", "12"}), 2, &n));
	assert_int_equal(n, 12);
	assert_int_equal(dist_relay_length(HEADERS({"Content-Length", "12"}, {"Content-Length", "13"}), 2, &n),
			 PONTO_EPROTO);
	assert_int_equal(dist_relay_length(HEADERS({"Content-Length", "12, 12"}), 1, &n), PONTO_EPROTO);
	assert_int_equal(dist_relay_length(HEADERS({"Content-Length", "-1"}), 1, &n), PONTO_EPROTO);
	assert_int_equal(dist_relay_length(HEADERS({"Content-Length", "9223372036854775808"}), 1, &n), PONTO_EPROTO);
}

/* ---- entities ------------------------------------------------------------------------------ */

#define DATE                                                                                                           \
	{                                                                                                              \
		"Date", "Sun, 06 Nov 1994 08:49:37 GMT"                                                                \
	}
#define OLD                                                                                                            \
	{                                                                                                              \
		"Last-Modified", "Sun, 06 Nov 1994 08:49:35 GMT"                                                       \
	}
#define YOUNG                                                                                                          \
	{                                                                                                              \
		"Last-Modified", "Sun, 06 Nov 1994 08:49:36 GMT"                                                       \
	}
#define TAG                                                                                                            \
	{                                                                                                              \
		"ETag", "\"e\""                                                                                        \
	}
#define LENGTH                                                                                                         \
	{                                                                                                              \
		"Content-Length", "100"                                                                                \
	}

static const struct dist_relay_target here = {"/a", "Here", 4};
static const struct dist_relay_name name = {"http://o", &here};

static bool entity(const struct ponto_http_header *headers, size_t count, bool authorized)
{
	struct dist_relay_entity e;

	return dist_relay_entity(&name, headers, count, authorized, &e);
}

#define IS(...) assert_true(entity(HEADERS(__VA_ARGS__), COUNT(__VA_ARGS__), false))
#define IS_NONE(...) assert_false(entity(HEADERS(__VA_ARGS__), COUNT(__VA_ARGS__), false))

static void entities(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-376");
	IS(TAG, LENGTH);
	IS(TAG, LENGTH, OLD, DATE);
	IS(LENGTH, OLD, DATE);
	IS(LENGTH, OLD, DATE, {"Vary", "Accept-Encoding, accept-encoding"});
	IS(TAG, LENGTH, {"Vary", "Cookie"});
	IS(TAG, LENGTH, {"Cache-Control", "public, max-age=\"private, no-store\""});
	IS_NONE(LENGTH);
	IS_NONE(TAG);
	IS_NONE(LENGTH, OLD);
	IS_NONE(LENGTH, YOUNG, DATE);
	IS_NONE(TAG, LENGTH, YOUNG, DATE);
	IS_NONE(TAG, LENGTH, OLD);
	IS_NONE(TAG, LENGTH, {"Last-Modified", "yesterday"}, DATE);
	IS_NONE(LENGTH, OLD, {"Date", "today"});
	IS_NONE({"ETag", "W/\"e\""}, LENGTH, OLD, DATE);
	IS_NONE({"ETag", "e"}, LENGTH);
	IS_NONE({"ETag", "\"a\"b\""}, LENGTH);
	IS_NONE({"ETag", "\""}, LENGTH);
	IS_NONE(TAG, TAG, LENGTH);
	IS_NONE(LENGTH, OLD, OLD, DATE);
	IS_NONE(TAG, {"Content-Length", "0"});
	IS_NONE(TAG, LENGTH, {"Transfer-Encoding", "chunked"});
	IS_NONE(TAG, LENGTH, {"Content-Length", "99"});
	IS_NONE(TAG, LENGTH, {"Content-Encoding", "gzip"});
	IS_NONE(TAG, LENGTH, {"Content-Range", "bytes 0-99/200"});
	IS_NONE(TAG, LENGTH, {"Vary", "Cookie, *"});
	IS_NONE(TAG, LENGTH, {"Cache-Control", "max-age=0"}, {"cache-control", "Private=\"x\""});
	IS_NONE(TAG, LENGTH, {"Cache-Control", "no-store"});
	IS_NONE(TAG, LENGTH, {"Cache-Control", "no-transform"});
	IS_NONE(LENGTH, OLD, DATE, {"Vary", "Accept-Encoding"}, {"Vary", "Cookie"});
	assert_true(entity(HEADERS(TAG, LENGTH), 2, true));
	assert_false(entity(HEADERS(LENGTH, OLD, DATE), 3, true));
}

/* Whatever tells entities apart tells what their hashes are kept under apart. */
static void names(void **state)
{
	static const struct dist_relay_target targets[] = {{"/a", "Here", 4}, {"/b", "Here", 4}, {"/a?", "Here", 4},
							   {"/a", "Her", 3},  {"/a", NULL, 0},	 {"", "Here", 4}};
	static const char *const tags[] = {"\"e\"", "\"f\"", "\"\""}, *const sizes[] = {"100", "101"};
	struct dist_relay_entity all[100], same;
	size_t count = 0;

	(void)state;
	PONTO_PROVES("DIST-401", "DIST-517");
	for (size_t t = 0; t < PONTO_ARRAY_SIZE(targets); t++) {
		for (size_t v = 0; v < 6; v++) {
			struct dist_relay_name n = {v % 2 ? "http://o" : "http://p", &targets[t]};
			const struct ponto_http_header h[] = {{"ETag", tags[v / 2]}, {"Content-Length", sizes[t % 2]}};

			assert_true(dist_relay_entity(&n, h, 2, false, &all[count++]));
		}
	}
	/* A date is not a tag of the same bytes. */
	assert_true(dist_relay_entity(&name, HEADERS(LENGTH, OLD, DATE), 3, false, &all[count++]));
	for (size_t i = 0; i < count; i++) {
		assert_true(all[i].file.device & DIST_RELAY_DEVICE);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(&all[i].file, &all[j].file, sizeof(all[i].file));
	}
	/* The root has two spellings, and hosts are compared without case. */
	{
		const struct dist_relay_target slash = {"/", "hERE", 4};
		struct dist_relay_name a = {"http://o", &slash}, b = {"http://o", &targets[5]};

		assert_true(dist_relay_entity(&a, HEADERS(TAG, LENGTH), 2, false, &all[0]));
		assert_true(dist_relay_entity(&b, HEADERS(TAG, LENGTH, DATE), 3, false, &same));
		assert_memory_equal(&all[0].file, &same.file, sizeof(same.file));
		assert_true(dist_relay_name_hash(&a) == dist_relay_name_hash(&b));
		assert_true(dist_relay_name_hash(&a) != dist_relay_name_hash(&name));
	}
}

/* ---- the queue ---------------------------------------------------------------------------------- */

static void queue(void **state)
{
	static uint8_t in[DIST_QUEUE_BYTES], out[DIST_QUEUE_BYTES];
	struct dist_queue q;
	bool wake = true, more = true;

	(void)state;
	memset(in, 7, sizeof(in));
	dist_queue_init(&q, &ponto_alloc_system);
	assert_int_equal(dist_queue_take(&q, out, 10, &more), PONTO_EBUSY);
	assert_false(more);
	assert_ok(dist_queue_put(&q, ponto_bytes(in, sizeof(in) - 1), &wake));
	assert_true(wake);
	assert_ok(dist_queue_put(&q, ponto_bytes(in, 5), &wake));
	assert_false(wake);
	assert_int_equal(dist_queue_put(&q, ponto_bytes(in, 1), &wake), PONTO_EBUSY);
	assert_int_equal(dist_queue_take(&q, out, 3, &more), 3);
	assert_false(more);
	assert_int_equal(dist_queue_take(&q, out, sizeof(out), &more), sizeof(out));
	assert_true(more);
	dist_queue_untold(&q);
	assert_int_equal(dist_queue_take(&q, out, sizeof(out), &more), 1);
	assert_true(more);
	assert_int_equal(dist_queue_take(&q, out, 1, &more), PONTO_EBUSY);
	assert_false(more);
	assert_ok(dist_queue_put(&q, ponto_bytes(in, 2), &wake));
	assert_true(wake);
	assert_false(dist_queue_end(&q, PONTO_EIO));
	assert_int_equal(dist_queue_take(&q, out, 1, &more), 1);
	assert_int_equal(dist_queue_take(&q, out, 9, &more), 1);
	assert_int_equal(dist_queue_take(&q, out, 9, &more), PONTO_EIO);
	assert_false(more);
	dist_queue_clear(&q);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(origins),	cmocka_unit_test(targets), cmocka_unit_test(requests),
	cmocka_unit_test(many_codings), cmocka_unit_test(answers), cmocka_unit_test(no_memory),
	cmocka_unit_test(lengths),	cmocka_unit_test(entities), cmocka_unit_test(names),
	cmocka_unit_test(queue),
};

PONTO_TEST_MAIN(tests)
