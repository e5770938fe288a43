/* The proxy of service-dist, with browsers and an origin in a simulated branch. */
#include "tests/unit/dist_client_test.h"

#define PROXY_PORT 8118

static struct scene *proxied(enum content_algo algo, size_t size)
{
	struct scene *s = scene(algo, size, 0);

	lan_add(&s->lan, (const char *const[]){"proxy=127.0.0.1:8118", NULL});
	return s;
}

static struct lan_browser browse(struct scene *s, const char *method, const char *target, const char *const *headers)
{
	struct lan_browser b;

	lan_browse(&s->lan, 0, method, target, PROXY_PORT, headers, &b);
	for (unsigned i = 0; i < 600 && !b.done; i++)
		lan_run(&s->lan, PONTO_SECOND);
	assert_true(b.done);
	return b;
}

static void look_through(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	assert_null(lan_header(ex, "Proxy-Connection"));
	assert_null(lan_header(ex, "X-Hop"));
	assert_non_null(strstr(lan_header(ex, "Via"), "1.1 ponto-"));
	assert_string_equal(lan_header(ex, "Cookie"), "a=b");
	lan_content_answer(ex);
}

static void proxy_fetches(void **state)
{
	(void)state;
	for (unsigned encodes = 0; encodes < 2; encodes++) {
		struct scene *s = proxied(CONTENT_SHA256, SIZE);
		struct lan_browser b;

		s->origin = look_through;
		s->lan.content.encodes = encodes;
		b = browse(s, "GET", URL,
			   (const char *const[]){"Cookie: a=b", "Proxy-Connection: close", "X-Hop: 1",
						 "Connection: x-hop", NULL});
		assert_ok(b.result);
		assert_int_equal(b.status, 200);
		assert_int_equal(b.body.len, SIZE);
		assert_memory_equal(b.body.data, s->lan.content.data.data, SIZE);
		assert_null(lan_browser_header(&b, "Content-Encoding"));
		assert_null(lan_browser_header(&b, "X-P2P-PeerDist"));
		assert_string_equal(lan_browser_header(&b, "ETag"), "\"one\"");
		assert_non_null(lan_browser_header(&b, "Via"));
		assert_true(s->count > 0);
		assert_int_equal(s->lan.content.described, encodes);
		lan_browser_clear(&b);
		end_scene(s);
	}
}

static void proxy_ranges(void **state)
{
	struct scene *s = proxied(CONTENT_SHA256, SIZE);
	struct lan_browser b = browse(s, "GET", URL, (const char *const[]){"Range: bytes=100000-299999", NULL});

	(void)state;
	assert_int_equal(b.status, 206);
	assert_int_equal(b.body.len, 200000);
	assert_memory_equal(b.body.data, s->lan.content.data.data + 100000, 200000);
	assert_non_null(strstr(lan_browser_header(&b, "Content-Range"), "bytes 100000-299999/"));
	lan_browser_clear(&b);
	end_scene(s);
}

static void look_at_method(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	assert_string_not_equal(ex->method, "GET");
	assert_null(lan_header(ex, "X-P2P-PeerDist"));
	assert_true(!lan_header(ex, "Accept-Encoding"));
	lan_answer(ex, 200, (const char *const[]){"X-Echo: yes", NULL},
		   strcmp(ex->method, "HEAD") == 0 ? ponto_bytes(NULL, 0) : ponto_bytes("done", 4));
}

static void proxy_passes_on(void **state)
{
	static const char *const methods[] = {"HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
	struct scene *s = proxied(CONTENT_SHA256, SIZE);

	(void)state;
	PONTO_PROVES("DIST-371");
	s->origin = look_at_method;
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(methods); i++) {
		struct lan_browser b = browse(s, methods[i], URL, NULL);

		assert_int_equal(b.status, 200);
		assert_string_equal(lan_browser_header(&b, "X-Echo"), "yes");
		assert_int_equal(b.body.len, i == 0 ? 0 : 4);
		lan_browser_clear(&b);
	}
	assert_int_equal(s->count, PONTO_ARRAY_SIZE(methods));
	end_scene(s);
}

/* Who takes part himself gets the description, untouched. */
static void proxy_of_a_peer(void **state)
{
	struct scene *s = proxied(CONTENT_SHA256, SIZE);
	struct lan_browser b = browse(
		s, "GET", URL, (const char *const[]){"Accept-Encoding: peerdist", "X-P2P-PeerDist: Version=1.0", NULL});

	(void)state;
	assert_int_equal(b.status, 200);
	assert_true(b.body.len < 10000);
	lan_browser_clear(&b);
	end_scene(s);
}

static void proxy_refuses(void **state)
{
	struct scene *s = proxied(CONTENT_SHA256, SIZE);
	char via[64];
	struct lan_browser b = browse(s, "CONNECT", "http://origin.example/", NULL);

	(void)state;
	assert_int_equal(b.status, 501);
	assert_int_equal(b.body.data[b.body.len - 1], '\n');
	lan_browser_clear(&b);
	b = browse(s, "GET", URL, NULL);
	snprintf(via, sizeof(via), "Via: %s", lan_browser_header(&b, "Via"));
	lan_browser_clear(&b);
	b = browse(s, "GET", URL, (const char *const[]){via, NULL});
	assert_int_equal(b.status, 508);
	lan_browser_clear(&b);
	b = browse(s, "GET", "/file", NULL);
	assert_int_equal(b.status, 400);
	lan_browser_clear(&b);
	b = browse(s, "GET", "ftp://origin.example/file", NULL);
	assert_int_equal(b.status, 400);
	lan_browser_clear(&b);
	s->origin = is_silent;
	b = browse(s, "GET", URL, NULL);
	assert_int_equal(b.status, 504);
	lan_browser_clear(&b);
	b = browse(s, "POST", URL, NULL);
	assert_int_equal(b.status, 504);
	lan_browser_clear(&b);
	s->origin = answers_404;
	b = browse(s, "GET", URL, NULL);
	assert_int_equal(b.status, 404);
	assert_int_equal(b.body.len, 2);
	lan_browser_clear(&b);
	end_scene(s);
}

/* One that leaves ends its fetch; a node that stops ends all. */
static void proxy_clients_leave(void **state)
{
	struct scene *s = proxied(CONTENT_SHA256, SIZE);
	struct lan_browser a, b;

	(void)state;
	s->lan.line_rate = 100000;
	lan_browse(&s->lan, 0, "GET", URL, PROXY_PORT, NULL, &a);
	lan_browse(&s->lan, 0, "GET", URL, PROXY_PORT, NULL, &b);
	lan_run(&s->lan, 3 * PONTO_SECOND);
	assert_true(a.status == 200 && !a.done);
	lan_browser_clear(&a);
	lan_run(&s->lan, 3 * PONTO_SECOND);
	assert_true(!b.done);
	lan_remove(&s->lan, 0);
	lan_browser_clear(&b);
	end_scene(s);
}

static void proxy_address(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 0);

	(void)state;
	assert_false(lan_starts(&s->lan, (const char *const[]){"proxy=192.0.2.1:8118", NULL}));
	assert_false(lan_starts(&s->lan, (const char *const[]){"proxy=[::]:8118", NULL}));
	assert_true(lan_starts(&s->lan, (const char *const[]){"proxy=[::1]:8118", NULL}));
	assert_true(lan_starts(&s->lan, (const char *const[]){"proxy=192.0.2.1:8118", "proxy_remote=true", NULL}));
	end_scene(s);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(proxy_fetches),   cmocka_unit_test(proxy_ranges),  cmocka_unit_test(proxy_passes_on),
	cmocka_unit_test(proxy_of_a_peer), cmocka_unit_test(proxy_refuses), cmocka_unit_test(proxy_clients_leave),
	cmocka_unit_test(proxy_address),
};

PONTO_TEST_MAIN(tests)
