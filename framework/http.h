/* Ponto: the HTTP contract: a server and a client, so that libraries which own
 * sockets and clocks stay behind one vtable and simulation can stand in.
 *
 * create/destroy run on the node's thread. listen and fetch are bound to the
 * caller's loop: callbacks come there and the calls are made there; a plugin's
 * own threads hand over by the loop. RFC 9110, RFC 9112. */
#ifndef PONTO_HTTP_H
#define PONTO_HTTP_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_HTTP_ABI 1

struct ponto_http_header {
	const char *name;  /* compared without case */
	const char *value; /* NUL-terminated, no line breaks */
};

/* Body of unknown length. */
#define PONTO_HTTP_CHUNKED UINT64_MAX

/* A request that arrived. Lives until respond or the client's end, which gone tells. */
struct ponto_http_request {
	const char *method;
	const char *target; /* as on the wire, undecoded */
	const struct ponto_http_header *headers;
	size_t header_count;
	struct ponto_bytes body; /* complete; larger than the listener's limit was refused with 413 */
	struct ponto_addr peer;
	void *user; /* the service's own */
};

/* Fills up to cap bytes at offset: the number filled, 0 at the end, PONTO_EBUSY to be asked again after
 * resume, another PONTO_E* to break off. May be called from the plugin's own thread. */
typedef int64_t ponto_http_body_fn(void *arg, uint64_t offset, uint8_t *out, size_t cap);

struct ponto_http_response {
	unsigned status; /* 100..599 */
	const struct ponto_http_header *headers;
	size_t header_count;
	uint64_t length;	  /* bytes, or PONTO_HTTP_CHUNKED */
	ponto_http_body_fn *body; /* NULL: none */
	void *arg;
	void (*release)(void *arg); /* once, when body is not called any more; may be NULL */
};

struct ponto_http_listen {
	struct ponto_addr local;
	size_t body_limit;	     /* bytes of a request body */
	const char *certificate_file; /* PEM, with key_file: HTTPS; else NULL */
	const char *key_file;
};

struct ponto_http_events {
	void (*request)(void *arg, struct ponto_http_request *request);
	void (*gone)(void *arg, struct ponto_http_request *request); /* the client left before the answer */
};

struct ponto_http_fetch {
	const char *method;
	const char *url; /* absolute */
	const struct ponto_http_header *headers;
	size_t header_count;
	struct ponto_bytes body;
	const char *ca_file;  /* PEM; NULL: the system's */
	uint64_t timeout;     /* microseconds for the whole exchange */
	uint64_t answer_limit; /* bytes of the answer's body */
};

struct ponto_http_fetch_events {
	void (*head)(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count); /* may be NULL */
	void (*body)(void *arg, struct ponto_bytes data);
	void (*done)(void *arg, int result); /* once, last */
};

struct ponto_http_listener;
struct ponto_http_transfer;

struct ponto_http_ops {
	struct ponto_vtable head;
	int (*create)(const struct ponto_env *env, void **self);
	void (*destroy)(void *self);
	int (*listen)(void *self, struct ponto_loop *loop, const struct ponto_http_listen *listen,
		      const struct ponto_http_events *events, void *arg, struct ponto_http_listener **out);
	void (*unlisten)(struct ponto_http_listener *listener);
	int (*respond)(struct ponto_http_listener *listener, struct ponto_http_request *request,
		       const struct ponto_http_response *response);
	void (*resume)(struct ponto_http_listener *listener, struct ponto_http_request *request);
	int (*fetch)(void *self, struct ponto_loop *loop, const struct ponto_http_fetch *fetch,
		     const struct ponto_http_fetch_events *events, void *arg, struct ponto_http_transfer **out);
	void (*cancel)(struct ponto_http_transfer *transfer);
};

struct ponto_http {
	const struct ponto_http_ops *ops;
	void *self;
	struct ponto_pool *pool;
};

#ifdef __cplusplus
}
#endif
#endif
