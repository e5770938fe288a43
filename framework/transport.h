/* Ponto: the transport contract: datagrams and streams.
 *
 * create/destroy run on the node's thread. open and stream calls give handles
 * bound to the caller's loop: used, called back and closed only on that loop's
 * thread. State behind several handles is the plugin's affair. */
#ifndef PONTO_TRANSPORT_H
#define PONTO_TRANSPORT_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_TRANSPORT_ABI 1

/* Features a plugin names in `offers`. */
#define PONTO_FEATURE_DATAGRAM "datagram"
#define PONTO_FEATURE_STREAM "stream"

/* The most datagrams in one receive callback, and the most bytes of each. */
#define PONTO_BATCH 64
#define PONTO_DATAGRAM_MAX 65535

enum ponto_datagram_flags {
	PONTO_DGRAM_DONT_FRAGMENT = 1u, /* send: fail with PONTO_ELIMIT rather than fragment */
	PONTO_DGRAM_MAY_FRAGMENT = 2u,	/* send: routers may fragment it (IPv4: DF clear, which is not the default) */
};

/* One datagram, either way. For receiving data is a view that lives until the callback returns. */
struct ponto_datagram {
	struct ponto_addr peer;	 /* where to, where from */
	struct ponto_addr local; /* the own address and port; for sending family NONE lets the system choose */
	struct ponto_bytes data;
	uint8_t hop_limit; /* 0: default, or unknown */
	uint8_t ecn;	   /* RFC 3168 code point, 0..3 */
	uint16_t flags;	   /* enum ponto_datagram_flags */
};

/* What a handle needs. */
struct ponto_datagram_want {
	enum ponto_scope scope; /* only addresses of this scope */
	uint32_t zone;		/* interface index; 0: any zone for global scope, the first one found otherwise */
	uint16_t port;		/* 0: the instance's configured port */
	uint16_t max_addresses; /* at most this many local addresses; 0: 4 */
};

/* An own address, and the subnet it lies in. */
struct ponto_subnet {
	struct ponto_addr addr; /* port 0 */
	uint32_t zone;		/* the interface, of unscoped addresses too */
	uint8_t bits;		/* of addr that its neighbours share */
};

struct ponto_datagram_events {
	/* count in 1..PONTO_BATCH. borrows all */
	void (*receive)(void *arg, const struct ponto_datagram *batch, size_t count);
	/* The local addresses changed: ask ponto_datagram_local. May be NULL. */
	void (*addresses_changed)(void *arg);
	/* A path to peer takes no more than mtu bytes of payload (from the kernel's PMTU discovery). May be NULL. */
	void (*path_mtu)(void *arg, const struct ponto_addr *peer, uint32_t mtu);
};

struct ponto_datagram_handle; /* opaque: a plugin's own struct */
struct ponto_stream_handle;
struct ponto_listener_handle;

/* Callbacks of a stream; none comes inside one of its own calls, and each may abort it. receive must be set, the others
 * may be NULL. */
struct ponto_stream_events {
	/* An outgoing stream is there: once, before any other. */
	void (*connected)(void *arg);
	/* Bytes in order; data is not empty. Returns how many were consumed; fewer than all pauses until resume, after
	 * which the rest comes again, with or without more behind it. borrows */
	size_t (*receive)(void *arg, struct ponto_bytes data);
	/* The peer sends no more, and all it sent was consumed. Writing goes on. */
	void (*half_closed)(void *arg);
	/* There is room again, after a write took less than all. */
	void (*writable)(void *arg);
	/* The last call; the handle is gone. PONTO_OK: both sides ended it; PONTO_ECLOSED: the peer broke it off;
	 * PONTO_EUNREACH: refused, or no way there; PONTO_ETIME: no answer in time; PONTO_EIO, PONTO_ENOMEM. What was
	 * received and not consumed is lost unless the result is PONTO_OK. */
	void (*closed)(void *arg, int result);
};

/* A line of what an instance says of itself: a key in lower-case words joined by dashes, a value in plain words. borrows */
typedef void ponto_describe_fn(void *arg, const char *key, const char *value);

struct ponto_transport_ops {
	struct ponto_vtable head;
	/* PONTO_ECONF, PONTO_EIO, PONTO_EACCES; the reason is in the log. gives */
	int (*create)(const struct ponto_env *env, void **self);
	void (*destroy)(void *self); /* handles are closed */

	/* datagrams (feature "datagram") */
	int (*open)(void *self, struct ponto_loop *loop, const struct ponto_datagram_want *want,
		    const struct ponto_datagram_events *events, void *arg, struct ponto_datagram_handle **out);
	void (*close)(struct ponto_datagram_handle *handle);
	int (*local)(struct ponto_datagram_handle *handle, struct ponto_addr *out, size_t cap, size_t *count);
	int (*send)(struct ponto_datagram_handle *handle, const struct ponto_datagram *batch, size_t count, size_t *sent);
	int (*join)(struct ponto_datagram_handle *handle, const struct ponto_addr *group);
	int (*leave)(struct ponto_datagram_handle *handle, const struct ponto_addr *group);

	/* streams (feature "stream") */
	int (*connect)(void *self, struct ponto_loop *loop, const struct ponto_addr *peer,
		       const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out);
	int (*listen)(void *self, struct ponto_loop *loop, const struct ponto_addr *local,
		      void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer),
		      void *arg, struct ponto_listener_handle **out);
	void (*unlisten)(struct ponto_listener_handle *listener);
	int (*adopt)(struct ponto_stream_handle *stream, const struct ponto_stream_events *events, void *arg);
	int (*write)(struct ponto_stream_handle *stream, struct ponto_bytes data, size_t *taken);
	void (*resume)(struct ponto_stream_handle *stream);
	int (*shutdown)(struct ponto_stream_handle *stream);
	void (*abort)(struct ponto_stream_handle *stream);

	/* datagrams: the zones of a scope; may be NULL */
	int (*zones)(void *self, enum ponto_scope scope, uint32_t *out, size_t cap, size_t *count);

	/* datagrams: the links; may be NULL */
	int (*subnets)(void *self, struct ponto_loop *loop, struct ponto_subnet *out, size_t cap, size_t *count);

	/* streams: where a listener listens, and the two ends of a stream; may be NULL */
	int (*listening)(struct ponto_listener_handle *listener, struct ponto_addr *out);
	int (*ends)(struct ponto_stream_handle *stream, struct ponto_addr *local, struct ponto_addr *peer);

	/* any; may be NULL */
	int (*describe)(void *self, ponto_describe_fn *line, void *arg);

	/* streams: whether nothing but TLS may be put on them; NULL: no */
	bool (*wants_tls)(void *self);
};

struct ponto_transport {
	const struct ponto_transport_ops *ops;
	void *self;
	struct ponto_pool *pool;
};

/* An open handle together with its vtable. */
struct ponto_datagrams {
	const struct ponto_transport_ops *ops;
	struct ponto_datagram_handle *handle;
};

/* Opens for datagrams. PONTO_ENOENT: no local address of that scope (addresses_changed tells when to
 * try again is not promised: poll or open with another scope); PONTO_EEXIST: port taken;
 * PONTO_EACCES: port refused; PONTO_ENOTSUP: no datagrams here. copies events; arg is handed back.
 * No callback comes before open returns. */
PONTO_MUST_CHECK static inline int ponto_datagrams_open(struct ponto_transport transport, struct ponto_loop *loop,
							const struct ponto_datagram_want *want,
							const struct ponto_datagram_events *events, void *arg,
							struct ponto_datagrams *out)
{
	struct ponto_datagram_handle *handle;
	int result;

	if (!PONTO_HAS(transport.ops, open))
		return PONTO_ENOTSUP;
	result = transport.ops->open(transport.self, loop, want, events, arg, &handle);
	if (result == PONTO_OK) {
		out->ops = transport.ops;
		out->handle = handle;
	}
	return result;
}

/* The zones that have an address of this scope now, so that a handle of each may be opened; count may exceed cap: out
 * then holds the first cap. PONTO_ENOTSUP: this transport does not tell. */
PONTO_MUST_CHECK static inline int ponto_datagrams_zones(struct ponto_transport transport, enum ponto_scope scope,
							 uint32_t *out, size_t cap, size_t *count)
{
	return PONTO_HAS(transport.ops, zones) ? transport.ops->zones(transport.self, scope, out, cap, count)
					       : PONTO_ENOTSUP;
}

/* The subnets of the addresses that handles on this loop may use now, of all scopes but loopback; count may exceed cap:
 * out then holds the first cap. PONTO_ENOTSUP: this transport does not tell. */
PONTO_MUST_CHECK static inline int ponto_datagrams_subnets(struct ponto_transport transport, struct ponto_loop *loop,
							   struct ponto_subnet *out, size_t cap, size_t *count)
{
	return PONTO_HAS(transport.ops, subnets) ? transport.ops->subnets(transport.self, loop, out, cap, count)
						 : PONTO_ENOTSUP;
}

/* How the instance stands, for whoever runs the node: from any thread but those of its handles' callbacks, within a
 * second. line is called before it returns. PONTO_ENOTSUP: it has nothing to say. */
PONTO_MUST_CHECK static inline int ponto_transport_describe(struct ponto_transport transport, ponto_describe_fn *line,
							    void *arg)
{
	return PONTO_HAS(transport.ops, describe) ? transport.ops->describe(transport.self, line, arg) : PONTO_ENOTSUP;
}

/* No callback comes afterwards; safe inside a callback. Leaves d empty; closing an empty one does nothing. */
static inline void ponto_datagrams_close(struct ponto_datagrams *d)
{
	if (d->handle)
		d->ops->close(d->handle);
	d->handle = NULL;
}

/* The addresses that may be announced to peers, port set; count may exceed cap: out then holds the first cap. */
PONTO_MUST_CHECK static inline int ponto_datagrams_local(struct ponto_datagrams d, struct ponto_addr *out, size_t cap,
							 size_t *count)
{
	return d.ops->local(d.handle, out, cap, count);
}

/* Sends in order; *sent tells how many were handed to the system. Fewer than count is PONTO_OK when the
 * socket is full: what is left is the caller's to drop or retry. A datagram that cannot be sent for its own
 * reasons (unreachable, PONTO_ELIMIT: too large) stops the batch there with that error, *sent counting those
 * before it. borrows batch */
PONTO_MUST_CHECK static inline int ponto_datagrams_send(struct ponto_datagrams d, const struct ponto_datagram *batch,
							size_t count, size_t *sent)
{
	return d.ops->send(d.handle, batch, count, sent);
}

/* Multicast membership on every local interface of the handle (or the group's zone). The group is received on its
 * port, or on the handle's when that is 0; a group's port may be shared with other programs. A group that is a
 * member already, whatever its port, is PONTO_EEXIST. */
PONTO_MUST_CHECK static inline int ponto_datagrams_join(struct ponto_datagrams d, const struct ponto_addr *group)
{
	return PONTO_HAS(d.ops, join) ? d.ops->join(d.handle, group) : PONTO_ENOTSUP;
}

PONTO_MUST_CHECK static inline int ponto_datagrams_leave(struct ponto_datagrams d, const struct ponto_addr *group)
{
	return PONTO_HAS(d.ops, leave) ? d.ops->leave(d.handle, group) : PONTO_ENOTSUP;
}

/* Streams: bytes in order and without loss, each direction ending by itself. A stream is not secret and its peer not
 * proven: that is what TLS above it is for. */
struct ponto_stream {
	const struct ponto_transport_ops *ops;
	struct ponto_stream_handle *handle;
};

/* Whether others than the two ends can put bytes into streams of this instance, by guessing alone: a service without TLS
 * must not use them. */
static inline bool ponto_stream_wants_tls(struct ponto_transport transport)
{
	return PONTO_HAS(transport.ops, wants_tls) && transport.ops->wants_tls(transport.self);
}

/* Begins to connect; connected or closed follows. PONTO_EINVAL: peer has no port or a family that is not carried;
 * PONTO_EUNREACH: no way there; PONTO_EBUSY: as many streams as the instance may have; PONTO_ENOTSUP: no streams here.
 * copies events; arg is handed back. */
PONTO_MUST_CHECK static inline int ponto_stream_connect(struct ponto_transport transport, struct ponto_loop *loop,
							const struct ponto_addr *peer,
							const struct ponto_stream_events *events, void *arg,
							struct ponto_stream *out)
{
	struct ponto_stream_handle *handle;
	int result;

	if (!PONTO_HAS(transport.ops, connect))
		return PONTO_ENOTSUP;
	result = transport.ops->connect(transport.self, loop, peer, events, arg, &handle);
	if (result == PONTO_OK) {
		out->ops = transport.ops;
		out->handle = handle;
	}
	return result;
}

/* Listens at local: an own address, or the family's unspecified one for all; port 0: one that is free. accepted has a
 * stream on this loop, which it adopts before it returns; else the stream is aborted. PONTO_EEXIST: port taken;
 * PONTO_EACCES: port refused; PONTO_ENOENT: no own address; PONTO_EINVAL: not a family that is carried. */
PONTO_MUST_CHECK static inline int
ponto_stream_listen(struct ponto_transport transport, struct ponto_loop *loop, const struct ponto_addr *local,
		    void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer),
		    void *arg, struct ponto_listener_handle **out)
{
	return PONTO_HAS(transport.ops, listen) ? transport.ops->listen(transport.self, loop, local, accepted, arg, out)
						: PONTO_ENOTSUP;
}

/* The address as given, with the port that it has. */
PONTO_MUST_CHECK static inline int ponto_stream_listening(struct ponto_transport transport,
							  struct ponto_listener_handle *listener, struct ponto_addr *out)
{
	return PONTO_HAS(transport.ops, listening) ? transport.ops->listening(listener, out) : PONTO_ENOTSUP;
}

/* No stream is accepted any more; those that were stay. Safe inside accepted. Accepts NULL. */
static inline void ponto_stream_unlisten(struct ponto_transport transport, struct ponto_listener_handle *listener)
{
	if (listener)
		transport.ops->unlisten(listener);
}

/* Inside accepted only. On failure the stream is aborted as if it were not adopted. copies events */
PONTO_MUST_CHECK static inline int ponto_stream_adopt(struct ponto_transport transport,
						      struct ponto_stream_handle *handle,
						      const struct ponto_stream_events *events, void *arg,
						      struct ponto_stream *out)
{
	int result = transport.ops->adopt(handle, events, arg);

	if (result == PONTO_OK) {
		out->ops = transport.ops;
		out->handle = handle;
	}
	return result;
}

/* Both ends' addresses. PONTO_ECLOSED: not connected yet, or broken off. */
PONTO_MUST_CHECK static inline int ponto_stream_ends(struct ponto_stream s, struct ponto_addr *local,
						     struct ponto_addr *peer)
{
	return PONTO_HAS(s.ops, ends) ? s.ops->ends(s.handle, local, peer) : PONTO_ENOTSUP;
}

/* Takes what there is room for, *taken bytes; writable follows when that was less than all, also when nothing could be
 * taken because the stream is not connected yet. PONTO_ECLOSED: after shutdown, or the peer broke it off: closed
 * follows then. copies what it took */
PONTO_MUST_CHECK static inline int ponto_stream_write(struct ponto_stream s, struct ponto_bytes data, size_t *taken)
{
	return s.ops->write(s.handle, data, taken);
}

/* After receive consumed less than all. Does nothing when it did not pause. */
static inline void ponto_stream_resume(struct ponto_stream s)
{
	s.ops->resume(s.handle);
}

/* Sends the end of stream after all that was written; receiving goes on until half_closed, after which closed follows.
 * PONTO_ECLOSED: not the first one, or broken off. */
PONTO_MUST_CHECK static inline int ponto_stream_shutdown(struct ponto_stream s)
{
	return s.ops->shutdown(s.handle);
}

/* Frees at once without a further callback; the peer's closed gets PONTO_ECLOSED unless the stream had ended. What was
 * written may be lost. Leaves s empty; aborting an empty one does nothing. */
static inline void ponto_stream_abort(struct ponto_stream *s)
{
	if (s->handle)
		s->ops->abort(s->handle);
	s->handle = NULL;
}

#ifdef __cplusplus
}
#endif
#endif
