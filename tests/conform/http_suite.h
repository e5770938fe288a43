/* The HTTP contract as tests: every plugin of the kind passes the same ones, its server and its client facing each
 * other; on loop-uv by loopback, on loop-sim between two nodes of a world. */
#ifndef PONTO_TESTS_CONFORM_HTTP_SUITE_H
#define PONTO_TESTS_CONFORM_HTTP_SUITE_H

#include <stdatomic.h>

#include "framework/http.h"
#include "framework/node.h"
#include "framework/sim.h"
#include "tests/support/test.h"

struct http_subject {
	const struct ponto_plugin *plugin;
	const char *const *settings;
	bool sim; /* on loop-sim, else on loop-uv */
};

#define HTTP_BODY_LIMIT (256u * 1024)
#define HTTP_PATTERN (8u * 1024 * 1024)

/* Byte i of every body that is made up. */
static inline uint8_t http_pattern(uint64_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) * 7);
}

/* One instance on its own loop; outside of simulation both sides are one. */
struct http_side {
	struct ponto_loop *loop;
	struct ponto_node *node;
	struct ponto_http http;
};

/* A listener whose service answers by target:
 *   /echo          method, target and body in one
 *   /head/NAME     the value of the request's header of that name
 *   /data/N /file/N /stream/N /chunked/N   N bytes of the pattern, from each source
 *   /starve/N      streamed, every 4096 bytes with EBUSY in between
 *   /break/N       streamed, broken off at N of twice as many
 *   /status/N      that status, no body; /length/N  200 without a body but with that length for HEAD
 *   /hold          kept until the test answers it
 *   /to/TARGET     302 to there
 *   /many/N        N headers "x: y"
 *   /once/SOURCE/N as /SOURCE/N, at once
 *   /same/N        N bytes of the pattern, at once, nobody is told when they are sent */
struct http_fixture {
	struct ponto_sim *world; /* NULL: loop-uv */
	struct ponto_log *log;
	struct ponto_metrics *metrics;
	struct ponto_conf *conf;
	struct http_side side[2]; /* 0 serves, 1 fetches */
	struct ponto_http_listener *listener;
	struct ponto_addr addr;
	uint8_t *pattern;
	int file;
	struct ponto_http_request *held;
	unsigned requests, gone, released, respond_failed;
	atomic_uint once, released_once;
	bool unlisten_in_request;
	bool timed_out;
	char log_text[8192];
	size_t log_used;
};

/* One fetch and what came of it. */
struct http_watcher {
	struct http_fixture *fixture;
	struct ponto_http_transfer *transfer;
	unsigned status, heads;
	char headers[8192]; /* "name: value\n" each */
	uint8_t *body;
	size_t len;
	bool wrong; /* a byte was not the pattern's */
	int result;
	bool done;
	unsigned refuse;     /* so many calls of body are answered EBUSY, and resumed by a timer */
	bool hold;	     /* every call is */
	size_t fail_after;   /* bytes: then body says EIO; 0: never */
	size_t cancel_after; /* bytes: then it is cancelled; 0: never */
	unsigned late;	     /* callbacks after its end */
	unsigned busy;	     /* how often body was refused */
	unsigned pieces;     /* how often it was not */
	struct ponto_timer *timer;
};

struct http_fixture *http_fixture_new(const struct http_subject *subject);
void http_fixture_free(struct http_fixture *f);
void http_listen(struct http_fixture *f, const struct ponto_http_listen *listen);

/* A request of the service above, with what is usual. */
struct ponto_http_fetch http_get(const char *url);
/* The service's URL of that target. Static buffer. */
const char *http_url(const struct http_fixture *f, const char *target);

void http_start(struct http_fixture *f, const struct ponto_http_fetch *fetch, struct http_watcher *w);
/* Runs until it is done. */
void http_wait(struct http_watcher *w);
void http_fetch(struct http_fixture *f, const struct ponto_http_fetch *fetch, struct http_watcher *w);
/* Runs the loop until *seen is not 0. */
void http_wait_for(struct http_fixture *f, const unsigned *seen);
/* Lets what is under way come to its end. */
void http_settle(struct http_fixture *f);
/* Cancels it when it still runs. */
void http_watcher_free(struct http_watcher *w);

/* Whether it can be made outside of a simulated world. */
bool http_fits_system(const struct ponto_plugin *plugin);

extern const size_t http_suite_count;
void http_suite_cases(const struct http_subject *subject, const char *name, struct CMUnitTest *out);

#endif
