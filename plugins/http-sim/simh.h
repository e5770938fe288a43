/* http-sim: what its files share. */
#ifndef SIMH_H
#define SIMH_H

#include "framework/http.h"
#include "plugins/http-sim/sim_web.h"

#define SIMH_TOPIC "http.sim"
#define SIMH_PART (16u * 1024)	  /* bytes of a body sent at once */
#define SIMH_WINDOW (256u * 1024) /* bytes under way and not consumed */
#define SIMH_SILENCE 60000000ull  /* after which a server gives up a connection that fell silent */

struct simh_http {
	const struct ponto_env *env;
	struct ponto_counter *requests, *refused, *fetches, *failures;
};

struct simh_web {
	struct ponto_sim *sim;
	const struct ponto_alloc *alloc;
	struct ponto_sim_web_model model;
	struct ponto_sim_web_stats stats;
	struct ponto_http_listener *listeners;
	struct simh_leg *legs;
	uint32_t *sides;
	uint32_t side_count;
	uint16_t next_port;
};

struct ponto_http_listener {
	struct ponto_http_listener *next;
	struct simh_http *http;
	struct simh_web *web;
	struct ponto_http_events events;
	void *arg;
	struct ponto_addr local;
	uint32_t node;
	size_t body_limit;
	bool tls;
	unsigned depth;
	bool dead;
};

#define SIMH_LOST UINT64_MAX

enum simh_kind { SIMH_HEAD, SIMH_DATA, SIMH_END };

/* What is under way from a server to its client, or waits there for its consumer. */
struct simh_part {
	struct simh_part *next;
	struct simh_leg *leg;
	uint64_t event; /* 0: arrived; SIMH_LOST: never will */
	enum simh_kind kind;
	int result; /* END */
	size_t len, used;
	uint8_t data[];
};

enum simh_phase { SIMH_COMING, SIMH_WAITING, SIMH_ANSWERED, SIMH_OVER };

/* One exchange on one connection: both ends know it until they are through with it. */
struct simh_leg {
	struct ponto_http_request request; /* first: what the service is given */
	struct simh_leg *next;
	struct simh_web *web;
	struct ponto_http_listener *listener; /* NULL: none, or through with it */
	struct ponto_http_transfer *transfer; /* NULL: through with it */
	uint32_t server, client;	      /* nodes */
	bool severed;
	bool pinned; /* a callback about it is under way */
	enum simh_phase phase;
	uint64_t coming, pumping, leaving; /* events */
	uint64_t clear_up, clear_down;	   /* when the last byte sent arrives */
	uint64_t unconsumed;
	struct simh_part *first, *last;

	/* the request and the answer; texts are owned */
	char *method, *target;
	struct ponto_http_header *headers;
	uint8_t *body;
	struct ponto_http_response answer; /* headers are owned */
	struct ponto_http_header *answer_headers;
	size_t answer_count;
	uint64_t sent, length;
	bool head, starved, ended;
};

struct ponto_http_transfer {
	struct simh_http *http;
	struct simh_web *web;
	struct ponto_http_fetch_events events;
	void *arg;
	uint32_t node;
	struct simh_leg *leg;
	char *url, *method;
	struct ponto_http_header *headers;
	size_t header_count;
	uint8_t *body;
	size_t body_len;
	uint64_t connect_timeout, stall_timeout, answer_limit, received;
	uint32_t redirects;
	uint64_t deadline, patience, telling; /* events */
	unsigned depth;
	bool asked; /* for redirections */
	bool head_told, blocked, ended;
};

/* simh_web.c */
struct simh_web *simh_web_of(struct ponto_sim *sim);
bool simh_reaches(const struct simh_web *web, uint32_t a, uint32_t b);
/* The listener behind an address as seen from a node; *exists: there is such a node, its number in *node. */
struct ponto_http_listener *simh_find(struct simh_web *web, const struct ponto_addr *addr, uint32_t from,
				      uint32_t *node, bool *exists);
/* The global address of a node. */
struct ponto_addr simh_address(uint32_t node, uint16_t port);
/* When len bytes sent now arrive, behind what was sent before (*clear). */
uint64_t simh_arrival(struct simh_web *web, uint64_t *clear, size_t len);
/* Copies of headers; NULL when memory runs out. */
struct ponto_http_header *simh_headers(const struct ponto_alloc *alloc, const struct ponto_http_header *headers,
				       size_t count, size_t more);
void simh_headers_free(const struct ponto_alloc *alloc, struct ponto_http_header *headers, size_t count);

/* simh_leg.c: the server's end. */
int simh_listen(void *self, struct ponto_loop *loop, const struct ponto_http_listen *listen,
		const struct ponto_http_events *events, void *arg, struct ponto_http_listener **out);
void simh_unlisten(struct ponto_http_listener *l);
void simh_local(struct ponto_http_listener *l, struct ponto_addr *out);
int simh_respond(struct ponto_http_listener *l, struct ponto_http_request *request,
		 const struct ponto_http_response *response);
void simh_resume(struct ponto_http_listener *l, struct ponto_http_request *request);
/* A request has arrived at its listener. */
void simh_leg_arrived(void *arg);
/* The client is through with it; the server learns that later, if at all. */
void simh_leg_leave(struct simh_leg *leg);
/* Bytes were consumed. */
void simh_leg_consumed(struct simh_leg *leg, size_t len);
void simh_leg_free_parts(struct simh_leg *leg);

/* simh_fetch.c: the client's end. */
int simh_fetch(void *self, struct ponto_loop *loop, const struct ponto_http_fetch *fetch,
	       const struct ponto_http_fetch_events *events, void *arg, struct ponto_http_transfer **out);
void simh_transfer_resume(struct ponto_http_transfer *t);
void simh_cancel(struct ponto_http_transfer *t);
void simh_part_arrived(void *arg);

#endif
