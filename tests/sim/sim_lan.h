/* Tests: a branch in virtual time: nodes with service-dist as it is, HTTP and discovery played, an origin behind a line
 * of its own. Exchanges that go wrong are the test's to make: by what the origin answers, by mangling what neighbours
 * say, by nodes that are gone. */
#ifndef PONTO_TESTS_SIM_LAN_H
#define PONTO_TESTS_SIM_LAN_H

#include "framework/http.h"
#include "framework/node.h"
#include "framework/service.h"
#include "framework/sim.h"
#include "tests/unit/content_test.h"

#define LAN_NODES 640
#define LAN_HEADERS 24
#define LAN_CONFS 4

struct lan;

/* One exchange, from fetch to done. */
struct lan_exchange {
	struct lan_exchange *next;
	struct lan *lan;
	unsigned from; /* node */
	int to;	       /* node, -1: the origin */
	char *method, *url;
	struct ponto_http_header *headers;
	size_t header_count;
	struct blob body;
	struct ponto_loop *loop;
	struct ponto_http_fetch_events events;
	void *arg;
	uint64_t answer_limit, patience, guard, event, copied;
	/* the answer */
	struct lan_listener *listener;
	struct ponto_http_request request;
	struct ponto_http_response response;
	bool responded, streamed, released, paused, starved, ended;
	unsigned status;
	struct ponto_http_header answer[LAN_HEADERS];
	size_t answer_count;
	struct blob data;
	uint64_t sent;
	bool head_told, stall, cut; /* stall: nothing more comes; cut: broken off at its end */
};

const char *lan_header(const struct lan_exchange *ex, const char *name);

/* What the origin answers: headers are "Name: value", NULL-terminated. copies data */
void lan_answer(struct lan_exchange *ex, unsigned status, const char *const *headers, struct ponto_bytes data);

struct lan_node {
	struct ponto_sim_node *sim;
	struct ponto_node *node;
	struct ponto_metrics *metrics;
	struct ponto_conf *confs[LAN_CONFS];
	size_t conf_count;
	struct ponto_service service;
	bool gone; /* nothing reaches it, nothing comes from it */
};

/* What the origin has. */
struct lan_content {
	struct blob data;
	struct content_made made;
	const char *etag;
	bool encodes;					   /* answers Content Information to who asks for it */
	unsigned plain, described, missing, hash_requests; /* answers given */
};

struct lan {
	struct ponto_sim *sim;
	const struct ponto_alloc *alloc; /* of the nodes */
	struct lan_node nodes[LAN_NODES];
	unsigned count;
	struct lan_exchange *exchanges;
	struct lan_listener *listeners;
	struct ponto_discovery_handle *handles;
	uint64_t latency, peer_rate, line_rate, line_free; /* microseconds; bytes a second */
	uint64_t origin_bytes, peer_bytes;
	unsigned origin_requests, peer_requests, searches, at_once; /* at_once: of peers, answered without the loop */
	struct lan_content content;
	void (*origin)(void *arg, struct lan_exchange *ex); /* NULL: as it should be, lan_content_answer */
	void (*mangle)(void *arg, struct lan_exchange *ex); /* what a neighbour answered; may be NULL */
	void *arg;
	uint32_t uid;	       /* who calls, */
	bool admin;	       /* at first: an administrator */
	int refuse_fetch;      /* fetches fail at once with this */
	unsigned search_limit; /* neighbours that answer a search */
	uint64_t disk;	       /* bytes of the file systems that stores of further nodes lie on; 0: they lie on none */
};

void lan_init(struct lan *lan, uint64_t seed);
void lan_clear(struct lan *lan);

/* settings of service-dist, NULL-terminated; the number of the node. */
unsigned lan_add(struct lan *lan, const char *const *settings);
bool lan_starts(struct lan *lan, const char *const *settings); /* the same, and it is gone again */
void lan_remove(struct lan *lan, unsigned node);
void lan_run(struct lan *lan, uint64_t us);

typedef void lan_reply_fn(void *arg, int result, struct ponto_bytes payload, const char *error);
void lan_call(struct lan *lan, unsigned node, const char *method, struct ponto_bytes payload, uint64_t client,
	      lan_reply_fn *reply, void *arg);

/* An exchange of a client that is no node: of a browser with the proxy at addr, for instance. */
struct lan_browser {
	struct ponto_http_transfer *transfer;
	unsigned status;
	struct ponto_http_header headers[LAN_HEADERS];
	size_t header_count;
	struct blob body;
	bool done;
	int result;
};

void lan_browse(struct lan *lan, unsigned node, const char *method, const char *target, uint16_t port,
		const char *const *headers, struct lan_browser *browser);
const char *lan_browser_header(const struct lan_browser *browser, const char *name);
void lan_browser_clear(struct lan_browser *browser);

/* ---- a content and its origin, as it should be ------------------------------------------------- */

/* What the origin has from now on. */
void lan_content_init(struct lan *lan, enum content_algo algo, size_t size);
void lan_content_answer(struct lan_exchange *ex);

/* The blocks of version 2.0 of these bytes are in the node's store, as another process would have left them. */
void lan_leave(struct lan *lan, unsigned node, const struct content_made *made, struct ponto_bytes data);

/* A program that fetches and reads all of it. */
struct lan_download {
	struct lan *lan;
	unsigned node;
	uint64_t client, fetch, from, pause; /* pause: between two reads */
	uint8_t *seen;			     /* a byte for each of the content's */
	uint64_t received, peers, origin, cache;
	bool any_order, begun, done, stop; /* stop: reads no more */
	int result;
	char error[256];
	uint64_t ended;
};

void lan_download(struct lan *lan, unsigned node, const char *url, struct lan_download *download);
void lan_download_info(struct lan *lan, unsigned node, struct ponto_bytes info, struct lan_download *download);
/* Until it is done; at most an hour. */
void lan_download_wait(struct lan_download *download);
/* All bytes came once, and were right. */
bool lan_downloaded(const struct lan_download *download);
void lan_download_clear(struct lan_download *download);

/* Fetches all of it in any order, and fails the test when it is not right: where it came from; cleared. */
struct lan_download lan_fetch_all(struct lan *lan, unsigned node, const char *url);
/* Two nodes with these settings, of which the first has fetched the content. */
void lan_one_has_it(struct lan *lan, const char *url, const char *const *first, const char *const *second);

#endif
