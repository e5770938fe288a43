/* http-mhd: what its files share. Threads: the caller's loop; those that serve (some per listener, each with a
 * libmicrohttpd of its own); one that drives libcurl. They hand over to the loop by a mailbox, and nothing else of the
 * loop is touched by them. */
#ifndef MHD_H
#define MHD_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "framework/http.h"
#include "plugins/http-mhd/mhd_mailbox.h"

#define MHD_TOPIC_SERVE "http.mhd.serve"
#define MHD_TOPIC_FETCH "http.mhd.fetch"
#define MHD_KEPT_BYTES (128u * 1024) /* a larger buffer is not kept for the next request */

struct mhd_client;

struct mhd_metrics {
	struct ponto_counter *requests, *refused, *failures, *bytes_in, *bytes_out;
	struct ponto_counter *fetches, *fetch_failures, *fetch_bytes;
	struct ponto_gauge *connections;
};

struct mhd_http {
	const struct ponto_env *env;
	struct mhd_metrics metrics;
	pthread_mutex_t lock;	   /* guards client */
	struct mhd_client *client; /* NULL until the first fetch */
};

/* ---- serving --------------------------------------------------------------------- */

/* Answers without a body that are the same for everyone. */
enum mhd_refusal { MHD_BAD, MHD_TOO_LARGE, MHD_TARGET_LONG, MHD_HEADERS_LONG, MHD_NO_CODING, MHD_REFUSALS };

struct mhd_tls {
	char *certificate, *key; /* PEM; NULL: none */
};

struct mhd_thread {
	struct ponto_http_listener *listener;
	struct MHD_Daemon *daemon;
	int bell; /* eventfd: a connection is to go on, or all are to end */
	bool runs;
	pthread_t id;
};

/* A client's address, and how many connections it has. */
struct mhd_host {
	struct mhd_host *next;
	struct ponto_addr addr;
	unsigned connections;
};

#define MHD_HOST_BUCKETS 256u

struct ponto_http_listener {
	struct mhd_http *http;
	struct ponto_loop *loop;
	struct ponto_http_events events;
	void *arg;
	struct ponto_addr local;
	size_t body_limit;
	uint64_t patience; /* microseconds for a request to arrive whole */
	unsigned per_host; /* connections */
	struct mhd_thread *threads;
	unsigned thread_count;
	bool started;
	atomic_bool ending;
	struct MHD_Response *refusals[MHD_REFUSALS];
	struct mhd_mailbox *mailbox;
	int hangups; /* epoll: who of those that wait for an answer left */
	struct ponto_watch *watch;
	struct ponto_timer *timer;
	unsigned depth; /* of callbacks under way */
	bool dead;
	char said[256]; /* libmicrohttpd's last message while starting */

	pthread_mutex_t lock; /* guards what follows */
	bool closing;
	struct mhd_conn *conns;
	struct mhd_host *hosts[MHD_HOST_BUCKETS];
};

enum mhd_phase {
	MHD_READING = 0,   /* libmicrohttpd's thread fills it */
	MHD_WAITING = 1,   /* suspended, the service's turn */
	MHD_ANSWERED = 2,  /* resumed with a response */
	MHD_ABANDONED = 3, /* the connection is to be cut */
	MHD_AT_ONCE = 4,   /* answered without the loop */
};

/* A request and its answer. Made and filled by libmicrohttpd's thread; its mail brings it to the loop twice: as a
 * request, and when its answer is over. */
struct mhd_request {
	struct ponto_http_request request; /* first */
	struct mhd_mail mail;
	struct mhd_conn *conn;
	struct ponto_http_header *headers;
	size_t header_cap;
	char *target, *text; /* text: method and headers */
	size_t target_cap, text_cap;
	uint8_t *body, *out; /* out: of an answer that is filled whole */
	size_t body_cap, out_cap;
	bool begun;	  /* its headers were read */
	bool head;	  /* HEAD */
	bool whole;	  /* out is to be filled before it is sent */
	uint64_t dropped; /* bytes of a body beyond the limit */
	uint16_t status;
	ponto_http_body_fn *fill;
	uint64_t length; /* of the answer's body; PONTO_HTTP_CHUNKED */
	uint64_t filled;
	void *arg;
	void (*release)(void *arg);

	/* conn->lock guards what follows */
	enum mhd_phase phase;
	uint64_t serial;	       /* of the request; this object is used again */
	bool given;		       /* the service has it, or had it */
	bool held;		       /* its body said EBUSY */
	bool again;		       /* resume came since body was asked last */
	struct MHD_Response *response; /* until it is queued */
};

/* A connection: made by libmicrohttpd's thread, freed by the loop. */
struct mhd_conn {
	struct mhd_conn *prev, *next; /* listener->lock */
	struct ponto_http_listener *listener;
	struct mhd_thread *thread;
	struct mhd_host *host; /* until it is closed */
	struct MHD_Connection *connection;
	struct mhd_mail mail; /* it is closed */
	int fd;
	struct ponto_addr peer;
	struct MHD_Response *kept; /* libmicrohttpd's thread: the last answer at once that others may have again, */
	struct ponto_bytes kept_data; /* which is these bytes */
	pthread_mutex_t lock; /* guards what follows */
	bool closing, closed, watched, left, suspended;
	uint64_t since; /* when it began to wait for the request that is being read; 0: it does not */
	struct mhd_request *current, *spare;
};

/* mhd_socket.c: a bound socket that listens, and its address. */
int mhd_socket_listen(struct mhd_http *http, const struct ponto_addr *local, int *fd, struct ponto_addr *bound);
struct ponto_addr mhd_socket_addr(const void *sockaddr);

/* mhd_listen.c */
int mhd_listen(void *self, struct ponto_loop *loop, const struct ponto_http_listen *listen,
	       const struct ponto_http_events *events, void *arg, struct ponto_http_listener **out);
void mhd_unlisten(struct ponto_http_listener *l);
void mhd_local(struct ponto_http_listener *l, struct ponto_addr *out);
/* Brackets what calls the service: an unlisten inside is finished by leave. */
void mhd_listener_enter(struct ponto_http_listener *l);
void mhd_listener_leave(struct ponto_http_listener *l);

/* mhd_threads.c */
/* closes fd, which listens. Fails with nothing left. */
int mhd_threads_start(struct ponto_http_listener *l, int fd, const struct mhd_tls *tls, size_t head_limit);
/* All connections end. None may be suspended. */
void mhd_threads_stop(struct ponto_http_listener *l);
void mhd_thread_ring(struct mhd_thread *thread);

/* mhd_host.c, under the listener's lock. NULL: it has as many connections as it may, or there is no memory. */
struct mhd_host *mhd_host_enter(struct ponto_http_listener *l, const struct ponto_addr *addr);
void mhd_host_leave(struct ponto_http_listener *l, struct mhd_host *host);

/* mhd_conn.c: libmicrohttpd's callbacks about connections, and the loop's side of them. */
void mhd_conn_notify(void *cls, struct MHD_Connection *connection, void **context,
		     enum MHD_ConnectionNotificationCode code);
void mhd_conn_free(struct mhd_conn *conn);
/* Under its lock: the loop is to hear when the other end leaves; a suspended one goes on. */
void mhd_conn_watch(struct mhd_conn *conn);
void mhd_conn_wake(struct mhd_conn *conn);
/* On the loop: the other end left. */
void mhd_conn_left(struct mhd_conn *conn);

/* mhd_request.c: libmicrohttpd's callbacks about requests. */
void *mhd_request_line(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result mhd_request_part(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				 const char *version, const char *data, size_t *len, void **context);
void mhd_request_over(void *cls, struct MHD_Connection *connection, void **context,
		      enum MHD_RequestTerminationCode code);
void mhd_request_free(const struct ponto_alloc *alloc, struct mhd_request *r);
/* What is left of a listener's mail when nobody sends any more: releases that are owed. */
void mhd_request_leftover(struct mhd_mail *mail);

/* mhd_answer.c */
/* libmicrohttpd's thread: makes the body of an answer that is filled whole. False: it cannot be had. */
bool mhd_answer_fill(struct mhd_request *r);
/* libmicrohttpd's thread: asks the service, and queues what it answers at once. False: the loop is to be asked. */
bool mhd_answer_at_once(struct mhd_request *r, enum MHD_Result *result);
int mhd_respond(struct ponto_http_listener *l, struct ponto_http_request *request,
		const struct ponto_http_response *response);
void mhd_resume(struct ponto_http_listener *l, struct ponto_http_request *request);

/* ---- fetching: mhd_fetch.c, mhd_client.c ---------------------------------------------- */

int mhd_fetch(void *self, struct ponto_loop *loop, const struct ponto_http_fetch *fetch,
	      const struct ponto_http_fetch_events *events, void *arg, struct ponto_http_transfer **out);
void mhd_transfer_resume(struct ponto_http_transfer *t);
void mhd_cancel(struct ponto_http_transfer *t);
/* Accepts NULL. */
void mhd_client_destroy(struct mhd_client *client);

#endif
