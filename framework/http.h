/* Ponto: the HTTP contract: a server and a client, so that libraries which own
 * sockets and clocks stay behind one vtable and simulation can stand in.
 *
 * create/destroy run on the node's thread. A listener and a transfer are bound
 * to the caller's loop: they are used, called back and ended only there, by
 * any number of loops at once; a plugin's own threads hand over by the loop.
 * Only ponto_http_body_fn and at_once, with the release of its answer, may be
 * called elsewhere. No callback comes before the call that caused it returned. Headers pass as they are: nothing is decoded,
 * folded or added but what framing needs. Times are microseconds.
 * RFC 9110, RFC 9112. */
#ifndef PONTO_HTTP_H
#define PONTO_HTTP_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_HTTP_ABI 2

struct ponto_http_header {
	const char *name;  /* a token, compared without case */
	const char *value; /* no CR, LF or NUL */
};

#define PONTO_HTTP_HEADERS_MAX 256	       /* of one message; a peer's with more is refused */
#define PONTO_HTTP_HEADER_BYTES (16u * 1024) /* names and values of one message together, likewise */
#define PONTO_HTTP_TARGET_MAX (8u * 1024)    /* bytes of a target or URL */

/* ---- serving ------------------------------------------------------------------ */

/* A request that arrived whole. Lives until its gone or its response's release returned; of a response without
 * release, until respond did. */
struct ponto_http_request {
	const char *method;
	const char *target; /* as on the wire, undecoded, in whatever form */
	const struct ponto_http_header *headers;
	size_t header_count;
	struct ponto_bytes body; /* without chunked coding; larger than the listener's limit was refused with 413 */
	struct ponto_addr peer;	 /* IPv4 also where it came in by an IPv6 socket */
	void *user;		 /* the service's own, NULL at first */
};

/* Fills up to cap bytes at offset: the number filled, 0 at the end of a body of unknown length, PONTO_EBUSY to be
 * asked again after resume, another PONTO_E* to break off: the client sees a body cut short. Comes from the plugin's
 * own thread, must not block, calls nothing of the plugin. */
typedef int64_t ponto_http_body_fn(void *arg, uint64_t offset, uint8_t *out, size_t cap);

/* STREAM: a body of unknown length: chunked, or up to the end of the connection for HTTP/1.0. */
#define PONTO_HTTP_CHUNKED UINT64_MAX

enum ponto_http_source {
	PONTO_HTTP_NOTHING = 0, /* no body; length is told by the answers to HEAD and by 304, else it is 0 */
	PONTO_HTTP_DATA = 1,	/* data, uncopied */
	PONTO_HTTP_FILE = 2,	/* length bytes of fd from offset on, by the kernel where it can */
	PONTO_HTTP_STREAM = 3,	/* what body fills */
};

/* No body is sent for HEAD, 204 and 304, whatever the source. Content-Length, Transfer-Encoding and Connection are the
 * plugin's affair, and Date unless given. */
struct ponto_http_response {
	uint16_t status; /* 200..599 */
	uint16_t source; /* enum ponto_http_source */
	bool close;	 /* end the connection afterwards */
	bool ready;	 /* STREAM of known length: body never says PONTO_EBUSY; when it breaks off, there may be no head either */
	const struct ponto_http_header *headers;
	size_t header_count;
	uint64_t length;	  /* FILE, STREAM: bytes of the body; STREAM also PONTO_HTTP_CHUNKED */
	struct ponto_bytes data;  /* DATA: unchanged until release; without one, until unlisten returned */
	int fd;			  /* FILE: a regular file, readable; takes */
	uint64_t offset;	  /* FILE */
	ponto_http_body_fn *body; /* STREAM */
	void *arg;		  /* of body and release */
	void (*release)(void *arg); /* once: sent, or given up; data and body are not used any more. May be NULL */
};

struct ponto_http_listen {
	struct ponto_addr local;      /* port 0: the kernel's choice; IPv6 :: takes IPv4 as well */
	size_t body_limit;	      /* bytes of a request body */
	const char *certificate_file; /* PEM, the chain, with key_file: HTTPS; else NULL */
	const char *key_file;
	size_t head_limit; /* bytes that a request's line and headers usually have at most; larger ones may be refused with 431.
			    * 0: within the bounds above */
};

struct ponto_http_events {
	void (*request)(void *arg, struct ponto_http_request *request);
	/* The client left before it was answered; half-closing counts as leaving. No respond any more. */
	void (*gone)(void *arg, struct ponto_http_request *request);
	/* Before request: an answer that can be had without the loop. True: *response is sent, as respond would, and neither
	 * request nor gone comes; a STREAM is ready. False: request comes. Also from the plugin's own threads, several at once,
	 * never after unlisten returned, and so is release; both must not block, and call nothing of the plugin. May be NULL.
	 * borrows request until release, else until this returns; copies headers */
	bool (*at_once)(void *arg, const struct ponto_http_request *request, struct ponto_http_response *response);
};

/* ---- fetching ------------------------------------------------------------------ */

/* Of headers, those that framing and the URL need are added: Host unless given, Content-Length. No proxy, cookie or
 * password comes from the surroundings. */
struct ponto_http_fetch {
	const char *method;
	const char *url; /* absolute, http or https, without user name; its target goes out as it is */
	const struct ponto_http_header *headers;
	size_t header_count;
	struct ponto_bytes body;  /* copies */
	const char *ca_file;	  /* PEM; NULL: the system's */
	uint64_t timeout;	  /* for the whole exchange, at least 1 */
	uint64_t connect_timeout; /* 0: only that */
	uint64_t stall_timeout;	  /* the longest time without a byte, in whole seconds, rounded up; 0: any */
	uint64_t answer_limit;	  /* bytes of the answer's body */
	uint32_t redirects;	  /* so many are followed, GET and HEAD only; 0: a redirection is an answer like others */
	bool negotiate;		  /* with SPNEGO, by the credentials of the process (RFC 4559); what refuses is a 401 */
};

struct ponto_http_fetch_events {
	/* The last answer's, never of one that was followed; once, before body. May be NULL. borrows */
	void (*head)(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count);
	/* Bytes of the body in order, chunked coding taken off, content coding not. PONTO_OK: they are consumed;
	 * PONTO_EBUSY: none of them is, and they come again, perhaps with more behind them, after transfer_resume;
	 * another PONTO_E*: the fetch ends with that. What is not consumed is bounded. May be NULL. borrows */
	int (*body)(void *arg, struct ponto_bytes data);
	/* Once, last; the transfer is gone when it returns. PONTO_OK: the whole answer, whatever its status;
	 * PONTO_EUNREACH: no such host or no connection; PONTO_EAUTH: its certificate is not accepted; PONTO_ETIME;
	 * PONTO_ELIMIT: larger than answer_limit, too many headers or redirections; PONTO_EPROTO: not HTTP;
	 * PONTO_EIO: broken off; PONTO_ENOTSUP: redirected to another scheme; PONTO_ENOMEM */
	void (*done)(void *arg, int result);
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
	void (*local)(struct ponto_http_listener *listener, struct ponto_addr *out);
	int (*respond)(struct ponto_http_listener *listener, struct ponto_http_request *request,
		       const struct ponto_http_response *response);
	void (*resume)(struct ponto_http_listener *listener, struct ponto_http_request *request);
	int (*fetch)(void *self, struct ponto_loop *loop, const struct ponto_http_fetch *fetch,
		     const struct ponto_http_fetch_events *events, void *arg, struct ponto_http_transfer **out);
	void (*transfer_resume)(struct ponto_http_transfer *transfer);
	void (*cancel)(struct ponto_http_transfer *transfer);
};

struct ponto_http {
	const struct ponto_http_ops *ops;
	void *self;
	struct ponto_pool *pool;
};

/* Serves on an address. PONTO_EINVAL: no address, or one of certificate and key alone; PONTO_EEXIST: the address is
 * taken; PONTO_EACCES: the port or a file is not ours; PONTO_ENOENT: no such address or file; PONTO_ECONF: certificate
 * and key are damaged or no pair; PONTO_ENOTSUP: not on this loop; PONTO_EIO; PONTO_ENOMEM. The log says more.
 * copies; gives */
PONTO_MUST_CHECK static inline int ponto_http_listen(struct ponto_http h, struct ponto_loop *loop,
						     const struct ponto_http_listen *listen,
						     const struct ponto_http_events *events, void *arg,
						     struct ponto_http_listener **out)
{
	return h.ops->listen(h.self, loop, listen, events, arg, out);
}

/* Accepts NULL. Cuts all connections; requests end without gone, releases still owed come before it returns, no
 * callback afterwards. Safe inside request and gone. */
static inline void ponto_http_unlisten(struct ponto_http h, struct ponto_http_listener *listener)
{
	if (listener)
		h.ops->unlisten(listener);
}

/* The address that is bound, with the port that the kernel chose. */
static inline void ponto_http_local(struct ponto_http h, struct ponto_http_listener *listener, struct ponto_addr *out)
{
	h.ops->local(listener, out);
}

/* Answers, inside request or later. On failure nothing is released but fd, and the request still wants an answer.
 * PONTO_EINVAL: a status, source or length outside its range, a header that is none or the plugin's affair, answered
 * already; PONTO_ELIMIT: more headers than PONTO_HTTP_HEADERS_MAX; PONTO_ENOMEM. copies headers; borrows data until release */
PONTO_MUST_CHECK static inline int ponto_http_respond(struct ponto_http h, struct ponto_http_listener *listener,
						      struct ponto_http_request *request,
						      const struct ponto_http_response *response)
{
	return h.ops->respond(listener, request, response);
}

/* There is more for a body that said PONTO_EBUSY, or soon will. Before its release only. */
static inline void ponto_http_resume(struct ponto_http h, struct ponto_http_listener *listener,
				     struct ponto_http_request *request)
{
	h.ops->resume(listener, request);
}

/* Starts an exchange. PONTO_EINVAL: a method, URL or header that is none, no timeout; PONTO_ENOTSUP: a scheme but http
 * and https, or not on this loop; PONTO_ELIMIT: too many or too long headers, URL too long; PONTO_ENOENT: no ca_file;
 * PONTO_EBUSY: too many at once; PONTO_ENOMEM. copies; gives, until done */
PONTO_MUST_CHECK static inline int ponto_http_fetch(struct ponto_http h, struct ponto_loop *loop,
						    const struct ponto_http_fetch *fetch,
						    const struct ponto_http_fetch_events *events, void *arg,
						    struct ponto_http_transfer **out)
{
	return h.ops->fetch(h.self, loop, fetch, events, arg, out);
}

/* What body refused with PONTO_EBUSY can come again. Safe at any time before done. */
static inline void ponto_http_transfer_resume(struct ponto_http h, struct ponto_http_transfer *transfer)
{
	h.ops->transfer_resume(transfer);
}

/* Accepts NULL. Ends it before done; no callback comes afterwards, done included. Safe inside head and body. */
static inline void ponto_http_cancel(struct ponto_http h, struct ponto_http_transfer *transfer)
{
	if (transfer)
		h.ops->cancel(transfer);
}

/* ---- for the plugins that implement HTTP ---------------------------------------
 *
 * What every implementation checks first, with the results above. */

/* A token of RFC 9110 §5.6.2, not empty. */
bool ponto_http_is_token(const char *text);

/* Bytes of a field value: no controls but tab (RFC 9110 §5.5). */
bool ponto_http_is_value(const char *text);

bool ponto_http_name_is(const char *name, const char *other);

/* The first value of a name, or NULL. borrows */
const char *ponto_http_find(const struct ponto_http_header *headers, size_t count, const char *name);

PONTO_MUST_CHECK int ponto_http_check_listen(const struct ponto_http_listen *listen);
PONTO_MUST_CHECK int ponto_http_check_response(const struct ponto_http_response *response, bool head);
PONTO_MUST_CHECK int ponto_http_check_fetch(const struct ponto_http_fetch *fetch);

#ifdef __cplusplus
}
#endif
#endif
