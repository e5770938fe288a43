/* http-mhd's server against what no client library sends: raw bytes on a socket, half a request, two requests in one;
 * and TLS. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/conform/http_suite.h"

extern const struct ponto_plugin http_mhd_LTX_ponto_plugin;

/* The service runs on a thread of its own, so that the test can block. */
struct rig {
	struct http_fixture *f;
	pthread_t thread;
	bool over;
};

static void *serve(void *arg)
{
	struct rig *rig = arg;

	while (!__atomic_load_n(&rig->over, __ATOMIC_ACQUIRE))
		assert_ok(ponto_loop_run(rig->f->side[0].loop));
	return NULL;
}

static void begin(struct rig *rig, const char *const *settings, const char *address)
{
	struct http_subject subject = {&http_mhd_LTX_ponto_plugin, settings, false};
	struct ponto_http_listen listen = {.body_limit = HTTP_BODY_LIMIT};

	memset(rig, 0, sizeof(*rig));
	rig->f = http_fixture_new(&subject);
	assert_ok(ponto_addr_parse(address, 0, &listen.local));
	http_listen(rig->f, &listen);
	assert_int_equal(pthread_create(&rig->thread, NULL, serve, rig), 0);
}

static void stop_serving(struct rig *rig)
{
	__atomic_store_n(&rig->over, true, __ATOMIC_RELEASE);
	ponto_loop_stop(rig->f->side[0].loop);
	pthread_join(rig->thread, NULL);
}

static void end(struct rig *rig)
{
	stop_serving(rig);
	http_fixture_free(rig->f);
}

/* On loopback, by IPv4. A minute without a byte fails the test. */
static int dial(const struct rig *rig)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(rig->f->addr.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval minute = {60, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void put(int fd, const char *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

/* All that comes until the other end closes; the pattern's NULs are shown as dots. */
static const char *drain(int fd)
{
	static char text[1 << 20];
	size_t used = 0;
	ssize_t n;

	while ((n = recv(fd, text + used, sizeof(text) - 1 - used, 0)) > 0)
		used += (size_t)n;
	assert_true(n == 0 || errno == ECONNRESET);
	for (size_t i = 0; i < used; i++)
		text[i] = text[i] ? text[i] : '.';
	text[used] = '\0';
	close(fd);
	return text;
}

static const char *ask(const struct rig *rig, const char *bytes, size_t len)
{
	int fd = dial(rig);

	put(fd, bytes, len);
	return drain(fd);
}

#define ASK(rig, text) ask(rig, text, sizeof(text) - 1)
#define CLOSE "Connection: close\r\n\r\n"

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

static void expect(const char *answer, const char *status)
{
	if (strncmp(answer, status, strlen(status)) != 0)
		fail_msg("wanted \"%s\", got \"%.300s\"", status, answer);
}

/* On a connection that stays. */
static void ask_on(int fd)
{
	static const char request[] = "GET /data/1 HTTP/1.1\r\nHost: x\r\n\r\n";

	put(fd, request, sizeof(request) - 1);
}

static void is_answered(int fd)
{
	char answer[4096];
	ssize_t n = recv(fd, answer, sizeof(answer) - 1, 0);

	assert_true(n > 0);
	answer[n] = '\0';
	expect(answer, "HTTP/1.1 200 OK\r\n");
}

/* ---- what is served ------------------------------------------------------------------------------- */

static void answers_have_no_other_headers(void **state)
{
	static const char wanted[] = "Connection: close\r\nX-Test: yes, it is\r\nContent-Length: 11\r\n\r\nGET /echo? ";
	const char *answer, *date;
	struct rig rig;

	(void)state;
	begin(&rig, NULL, "127.0.0.1");
	answer = ASK(&rig, "GET /echo? HTTP/1.1\r\nHost: x\r\n" CLOSE);
	expect(answer, "HTTP/1.1 200 OK\r\nDate: ");
	date = strstr(answer, "Date: ");
	assert_string_equal(strstr(date, "\r\n") + 2, wanted);
	end(&rig);
}

static void requests_in_a_row_on_one_connection(void **state)
{
	const char *answer;
	struct rig rig;

	(void)state;
	begin(&rig, NULL, "127.0.0.1");
	answer = ASK(&rig, "GET /data/1 HTTP/1.1\r\nHost: x\r\n\r\n"
			   "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
			   "HEAD /data/9 HTTP/1.1\r\nHost: x\r\n\r\n"
			   "GET /status/204 HTTP/1.1\r\nHost: x\r\n\r\n"
			   "GET http://other/echo? HTTP/1.1\r\nHost: x\r\n" CLOSE);
	assert_int_equal(count(answer, "HTTP/1.1 200 OK\r\n"), 4);
	assert_int_equal(count(answer, "HTTP/1.1 204 "), 1);
	assert_non_null(strstr(answer, "\r\n\r\nPOST /echo abc"));
	assert_non_null(strstr(answer, "\r\n\r\nGET http://other/echo? "));
	end(&rig);
}

static void chunked_bodies_and_continue(void **state)
{
	const char *answer;
	struct rig rig;
	char interim[64] = "";
	int fd;

	(void)state;
	begin(&rig, NULL, "127.0.0.1");
	answer = ASK(&rig, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
			   "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: z\r\n\r\n");
	assert_non_null(strstr(answer, "\r\n\r\nPOST /echo abcdefg"));
	fd = dial(&rig);
	put(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n" CLOSE,
	    strlen("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n" CLOSE));
	assert_int_equal(recv(fd, interim, 25, MSG_WAITALL), 25);
	assert_string_equal(interim, "HTTP/1.1 100 Continue\r\n\r\n");
	put(fd, "xyz", 3);
	assert_non_null(strstr(drain(fd), "\r\n\r\nPOST /echo xyz"));
	/* Whoever asks before sending too much is told before. */
	expect(ASK(&rig, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"),
	       "HTTP/1.1 413 ");
	end(&rig);
}

static void old_clients(void **state)
{
	const char *answer;
	struct rig rig;

	(void)state;
	begin(&rig, NULL, "127.0.0.1");
	answer = ASK(&rig, "GET /chunked/10 HTTP/1.0\r\n\r\n");
	expect(answer, "HTTP/1.1 200 OK\r\n");
	assert_null(strstr(answer, "chunked"));
	assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), 10);
	end(&rig);
}

/* ---- what is not ---------------------------------------------------------------------------------- */

static void shapes_that_smuggle_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		const char *status;
	} shapes[] = {
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc",
		 "HTTP/1.1 400 "},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		 "HTTP/1.1 400 "},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		 "HTTP/1.1 400 "},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n0\r\n\r\n",
		 "HTTP/1.1 400 "},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		 "HTTP/1.1 501 "},
		{"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400 "},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", "HTTP/1.1 400 "},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc", "HTTP/1.1 400 "},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nabc", "HTTP/1.1 4"},
		{"GET /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "HTTP/1.1 400 "},
		{"GET /echo HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc", "HTTP/1.1 400 "},
		{"GET /echo HTTP/1.1\r\nHost: x\r\nX\x01Y: 3\r\n\r\n", "HTTP/1.1 400 "},
		{"GET /echo HTTP/1.1\r\nHost: x\r\nX: a\x01z\r\n\r\n", "HTTP/1.1 400 "},
		{"G@T /echo HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 "},
	};
	struct rig rig;

	(void)state;
	begin(&rig, NULL, "127.0.0.1");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(shapes); i++)
		expect(ask(&rig, shapes[i].bytes, strlen(shapes[i].bytes)), shapes[i].status);
	/* What stood behind is no request either: the connection was ended. */
	expect(ASK(&rig, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "0\r\n\r\nGET /data/1 HTTP/1.1\r\nHost: x\r\n\r\n"),
	       "HTTP/1.1 400 ");
	stop_serving(&rig);
	assert_int_equal(rig.f->requests, 0);
	http_fixture_free(rig.f);
}

static void too_much_is_refused(void **state)
{
	static char bytes[600000];
	struct rig rig;
	size_t used;
	const char *answer;

	(void)state;
	begin(&rig, NULL, "127.0.0.1");
	/* One header beyond every limit, many small ones, a long target. */
	used = (size_t)sprintf(bytes, "GET /echo HTTP/1.1\r\nHost: x\r\nX: ");
	memset(bytes + used, 'a', 100000);
	answer = ask(&rig, bytes, used + 100000);
	expect(answer, "HTTP/1.1 4");
	used = (size_t)sprintf(bytes, "GET /echo HTTP/1.1\r\nHost: x\r\n");
	for (unsigned i = 0; i < PONTO_HTTP_HEADERS_MAX; i++)
		used += (size_t)sprintf(bytes + used, "a: b\r\n");
	used += (size_t)sprintf(bytes + used, "\r\n");
	expect(ask(&rig, bytes, used), "HTTP/1.1 431 ");
	used = (size_t)sprintf(bytes, "GET /");
	memset(bytes + used, 'a', PONTO_HTTP_TARGET_MAX);
	used += PONTO_HTTP_TARGET_MAX;
	used += (size_t)sprintf(bytes + used, " HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(ask(&rig, bytes, used), "HTTP/1.1 414 ");
	/* A chunked body that grows beyond the limit. */
	used = (size_t)sprintf(bytes, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
			       HTTP_BODY_LIMIT + 1);
	memset(bytes + used, 'a', HTTP_BODY_LIMIT + 1);
	used += HTTP_BODY_LIMIT + 1;
	used += (size_t)sprintf(bytes + used, "\r\n0\r\n\r\n");
	expect(ask(&rig, bytes, used), "HTTP/1.1 413 ");
	end(&rig);
}

/* Who sends the body along is read to its end, for he looks at the answer after it. */
static void a_body_that_is_announced_too_large(void **state)
{
	static const char *const settings[] = {"threads=1", NULL};
	static char body[HTTP_BODY_LIMIT + 1];
	const size_t parts[] = {sizeof(body) / 2, sizeof(body) - sizeof(body) / 2 - 1, 1};
	char head[256];
	struct rig rig;
	int fd;

	(void)state;
	begin(&rig, settings, "127.0.0.1");
	fd = dial(&rig);
	snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\n\r\n", HTTP_BODY_LIMIT + 1);
	put(fd, head, strlen(head));
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(parts); i++) {
		/* When others were served, what came before was looked at. */
		for (unsigned j = 0; j < 3; j++)
			expect(ASK(&rig, "GET /data/1 HTTP/1.1\r\nHost: x\r\n" CLOSE), "HTTP/1.1 200 ");
		put(fd, body, parts[i]);
	}
	expect(drain(fd), "HTTP/1.1 413 ");
	snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\nExpect: 100-continue\r\n\r\n",
		 HTTP_BODY_LIMIT + 1);
	expect(ask(&rig, head, strlen(head)), "HTTP/1.1 413 ");
	end(&rig);
}

/* A listener that expects short heads takes them, with bodies of any size. */
static void short_heads(void **state)
{
	struct http_subject subject = {&http_mhd_LTX_ponto_plugin, NULL, false};
	struct ponto_http_listen listen = {.body_limit = HTTP_BODY_LIMIT, .head_limit = 1024};
	static char bytes[HTTP_BODY_LIMIT + 20000];
	struct rig rig = {.over = false};
	size_t used;

	(void)state;
	rig.f = http_fixture_new(&subject);
	assert_ok(ponto_addr_parse("127.0.0.1", 0, &listen.local));
	http_listen(rig.f, &listen);
	assert_int_equal(pthread_create(&rig.thread, NULL, serve, &rig), 0);
	used = (size_t)sprintf(bytes, "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %u\r\n", HTTP_BODY_LIMIT);
	while (used < 1000)
		used += (size_t)sprintf(bytes + used, "X-Some: of no use\r\n");
	used += (size_t)sprintf(bytes + used, "\r\n");
	memset(bytes + used, 'a', HTTP_BODY_LIMIT);
	expect(ask(&rig, bytes, used + HTTP_BODY_LIMIT), "HTTP/1.1 200 ");
	used = (size_t)sprintf(bytes, "GET /data/5 HTTP/1.1\r\nHost: x\r\nX: ");
	memset(bytes + used, 'a', 15000);
	used += 15000;
	used += (size_t)sprintf(bytes + used, "\r\n\r\n");
	expect(ask(&rig, bytes, used), "HTTP/1.1 431 ");
	end(&rig);
}

/* libmicrohttpd ends a value at a NUL: none reaches the service. */
static void no_nul_reaches_the_service(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, NULL, "127.0.0.1");
	assert_non_null(strstr(ASK(&rig, "GET /head/X HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n" CLOSE), "\r\n\r\na"));
	end(&rig);
}

static void a_lone_lf_ends_a_line(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, NULL, "127.0.0.1");
	expect(ASK(&rig, "GET /data/1 HTTP/1.1\nHost: x\nConnection: close\n\n"), "HTTP/1.1 200 OK\r\n");
	end(&rig);
}

/* ---- patience --------------------------------------------------------------------------------------- */

/* A byte now and then keeps no connection beyond the time a request may take. */
static void slow_clients_are_cut(void **state)
{
	static const char *const settings[] = {"request_timeout=1", "idle_timeout=30", NULL};
	static const char *const quiet[] = {"idle_timeout=1", NULL};
	struct timeval tenth = {0, 100000};
	struct rig rig;
	char byte;
	ssize_t n;
	int fd;

	(void)state;
	begin(&rig, settings, "127.0.0.1");
	fd = dial(&rig);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof(tenth)), 0);
	put(fd, "GET /", 5);
	do {
		if (send(fd, "a", 1, MSG_NOSIGNAL) != 1)
			break;
		n = recv(fd, &byte, 1, 0);
	} while (n < 0 && errno == EAGAIN);
	close(fd);
	end(&rig);
	/* And one that says nothing at all by libmicrohttpd's own clock. */
	begin(&rig, quiet, "127.0.0.1");
	fd = dial(&rig);
	put(fd, "GET /", 5);
	(void)drain(fd);
	end(&rig);
}

static void one_address_gets_so_many(void **state)
{
	static const char *const settings[] = {"connections_per_address=2", NULL};
	struct rig rig;
	char byte;
	int fd[3];

	(void)state;
	begin(&rig, settings, "::");
	/* By IPv4 on ::. That both are served shows that they are counted, before the third comes. */
	for (unsigned i = 0; i < 2; i++) {
		fd[i] = dial(&rig);
		ask_on(fd[i]);
		is_answered(fd[i]);
	}
	fd[2] = dial(&rig);
	assert_true(recv(fd[2], &byte, 1, 0) <= 0);
	for (unsigned i = 0; i < 3; i++)
		close(fd[i]);
	end(&rig);
}

/* As many are ready at once as libmicrohttpd looks at: it must not wait for one more before it serves them. */
static void as_many_as_are_looked_at(void **state)
{
	static const char *const settings[] = {"threads=1", "connections=128", "idle_timeout=3600", NULL};
	int fd[128];
	struct rig rig;

	(void)state;
	begin(&rig, settings, "127.0.0.1");
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(fd); i++)
		fd[i] = dial(&rig);
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(fd); i++)
		ask_on(fd[i]);
	for (unsigned i = 0; i < 200 * PONTO_ARRAY_SIZE(fd); i++) {
		is_answered(fd[i % PONTO_ARRAY_SIZE(fd)]);
		ask_on(fd[i % PONTO_ARRAY_SIZE(fd)]);
	}
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(fd); i++)
		close(fd[i]);
	end(&rig);
}

/* ---- certificates -------------------------------------------------------------------------------------- */

static void what_is_wrong_with_a_certificate_is_said(void **state)
{
	struct http_subject subject = {&http_mhd_LTX_ponto_plugin, NULL, false};
	static const struct ponto_http_events none = {0};
	struct ponto_http_listener *listener = NULL;
	struct http_fixture *f = http_fixture_new(&subject);
	char *dir = ponto_test_mkdir(), cert[512], key[512];
	struct ponto_http_listen listen = {.certificate_file = cert, .key_file = key};
	FILE *file;

	(void)state;
	assert_ok(ponto_addr_parse("127.0.0.1", 0, &listen.local));
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	assert_int_equal(ponto_http_listen(f->side[0].http, f->side[0].loop, &listen, &none, NULL, &listener),
			 PONTO_ENOENT);
	assert_non_null(strstr(f->log_text, cert));
	for (unsigned i = 0; i < 2; i++) {
		file = fopen(i ? key : cert, "w");
		assert_non_null(file);
		fputs("no certificate\n", file);
		fclose(file);
	}
	f->log_used = 0;
	assert_int_equal(ponto_http_listen(f->side[0].http, f->side[0].loop, &listen, &none, NULL, &listener),
			 PONTO_ECONF);
	assert_non_null(strstr(f->log_text, key));
	assert_int_equal(count(f->log_text, "\n"), 1);
	http_fixture_free(f);
	ponto_test_rmdir(dir);
}

static void tls_serves_and_is_verified(void **state)
{
	struct http_subject subject = {&http_mhd_LTX_ponto_plugin, NULL, false};
	struct http_fixture *f = http_fixture_new(&subject);
	char *dir = ponto_test_mkdir(), cert[512], key[512], command[2048], url[128];
	struct ponto_http_listen listen = {.certificate_file = cert, .key_file = key, .body_limit = HTTP_BODY_LIMIT};
	struct http_watcher good = {0}, stranger = {0}, plain = {0};
	struct ponto_http_fetch fetch;

	(void)state;
	assert_ok(ponto_addr_parse("127.0.0.1", 0, &listen.local));
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test "
		 "-addext subjectAltName=IP:127.0.0.1 -keyout '%s' -out '%s' 2>/dev/null",
		 key, cert);
	assert_int_equal(system(command), 0);
	http_listen(f, &listen);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/stream/300000", (unsigned)f->addr.port);
	fetch = http_get(url);
	fetch.ca_file = cert;
	http_fetch(f, &fetch, &good);
	assert_ok(good.result);
	assert_int_equal(good.len, 300000);
	assert_false(good.wrong);
	fetch.ca_file = NULL;
	http_fetch(f, &fetch, &stranger);
	assert_int_equal(stranger.result, PONTO_EAUTH);
	memcpy(url + 1, "http://", 7);
	fetch.url = url + 1;
	http_fetch(f, &fetch, &plain);
	assert_int_not_equal(plain.result, PONTO_OK);
	fetch.ca_file = "/nowhere/ca.pem";
	assert_int_equal(ponto_http_fetch(f->side[1].http, f->side[1].loop, &fetch,
					  &(struct ponto_http_fetch_events){0}, NULL, &good.transfer),
			 PONTO_ENOENT);
	http_watcher_free(&good);
	http_watcher_free(&stranger);
	http_watcher_free(&plain);
	http_fixture_free(f);
	ponto_test_rmdir(dir);
}

/* Each allocation of listening is refused once. */
static int one_listener(const struct ponto_alloc *alloc, void *arg)
{
	const struct ponto_http_ops *ops = (const struct ponto_http_ops *)http_mhd_LTX_ponto_plugin.vtable;
	static const struct ponto_http_events none = {0};
	struct ponto_env env = {
		.conf = arg, .alloc = alloc, .random = &ponto_random_system, .clock = &ponto_clock_system};
	struct ponto_http_listener *listener = NULL;
	struct ponto_http_listen listen = {.body_limit = 1};
	struct ponto_loop *loop;
	void *self = NULL;
	int result;

	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &loop));
	assert_ok(ponto_addr_parse("127.0.0.1", 0, &listen.local));
	result = ops->create(&env, &self);
	if (result == PONTO_OK)
		result = ops->listen(self, loop, &listen, &none, NULL, &listener);
	if (listener)
		ops->unlisten(listener);
	ops->destroy(self);
	ponto_loop_destroy(loop);
	return result;
}

static void refused_memory_leaves_nothing(void **state)
{
	struct ponto_conf *conf = NULL;
	char error[256] = "";

	(void)state;
	assert_ok(ponto_conf_make(&ponto_alloc_system, http_mhd_LTX_ponto_plugin.options,
				  http_mhd_LTX_ponto_plugin.option_count, NULL, error, sizeof(error), &conf));
	ponto_test_oom(one_listener, conf, false);
	ponto_conf_destroy(conf);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(answers_have_no_other_headers),
	cmocka_unit_test(requests_in_a_row_on_one_connection),
	cmocka_unit_test(chunked_bodies_and_continue),
	cmocka_unit_test(old_clients),
	cmocka_unit_test(shapes_that_smuggle_are_refused),
	cmocka_unit_test(too_much_is_refused),
	cmocka_unit_test(a_body_that_is_announced_too_large),
	cmocka_unit_test(short_heads),
	cmocka_unit_test(no_nul_reaches_the_service),
	cmocka_unit_test(a_lone_lf_ends_a_line),
	cmocka_unit_test(slow_clients_are_cut),
	cmocka_unit_test(one_address_gets_so_many),
	cmocka_unit_test(as_many_as_are_looked_at),
	cmocka_unit_test(what_is_wrong_with_a_certificate_is_said),
	cmocka_unit_test(tls_serves_and_is_verified),
	cmocka_unit_test(refused_memory_leaves_nothing),
};

PONTO_TEST_MAIN(tests)
