/* stack: an IPv6 host of its own, without privilege: packets on one side, streams on the other.
 *
 * The kernel's TCP in a private user and network namespace, behind a TUN interface; or lwIP; or, with an interface that
 * was granted, the whole machine. The owner feeds it packets and sends what it gives on the thread of one loop; the
 * streams keep the stream contract of framework/transport.h and are used from any loops. But for the machine no file,
 * interface or route outside of the namespace is touched, and it ends with its descriptors. */
#ifndef STACK_H
#define STACK_H

#include "framework/transport.h"
#include "plugins/transport-tcp/tcp.h"

#define STACK_MTU 1280 /* of every packet, either way */

struct stack;

/* Packets to send, at most STACK_MTU bytes each: IPv6 from the stack's address, TCP unless it is the machine's. borrows */
typedef void stack_output_fn(void *arg, const struct ponto_bytes *packets, size_t count);

enum stack_kind {
	STACK_KERNEL,
	STACK_LWIP, /* beneath TLS only: see plugins/stack-lwip/stack_lwip.h */
	STACK_HOST, /* the machine itself */
};

/* Makes the host, without an address. PONTO_EACCES: such namespaces or interfaces are not permitted here; PONTO_ENOTSUP:
 * there is no /dev/net/tun; the reason is in the log. gives. copies settings */
PONTO_MUST_CHECK int stack_create(const struct ponto_env *env, const struct tcp_settings *settings, enum stack_kind kind,
				  struct stack **out);
/* The machine, behind that interface, which outlives it: any program's packets pass, and its streams are the
 * machine's. grant NULL: streams alone. PONTO_EIO, PONTO_ENOMEM. gives. copies settings, borrows grant */
PONTO_MUST_CHECK int stack_create_host(const struct ponto_env *env, const struct tcp_settings *settings,
				       const struct ponto_grant *grant, struct stack **out);
/* Its streams and listeners are gone, and it is detached. Accepts NULL. */
void stack_destroy(struct stack *stack);

/* Has packets given to output from now on, on this loop. Once. PONTO_ENOMEM */
PONTO_MUST_CHECK int stack_attach(struct stack *stack, struct ponto_loop *loop, stack_output_fn *output, void *arg);
/* Does nothing when it is not attached. */
void stack_detach(struct stack *stack);

/* Its only address from now on, of 16 bytes; NULL: none. Streams of the one before fail by time. PONTO_EIO */
PONTO_MUST_CHECK int stack_address(struct stack *stack, const uint8_t *ip);

/* A packet that came, and the end of a batch of them: between the two it may be held back to be joined with the next.
 * What is not TCP over IPv6 for its address is dropped, or an ICMPv6 error; the machine gets whatever a host may be told
 * by another. On the loop's thread. borrows */
void stack_input(struct stack *stack, struct ponto_bytes packet);
void stack_flush(struct stack *stack);

/* For ponto_stream_connect and ponto_stream_listen. Valid until stack_destroy. */
struct ponto_transport stack_streams(struct stack *stack);

enum stack_kind stack_kind(const struct stack *stack);

/* The contract's calls on handles of whatever kind. */
int stack_adopt(struct ponto_stream_handle *s, const struct ponto_stream_events *events, void *arg);
int stack_write(struct ponto_stream_handle *s, struct ponto_bytes data, size_t *taken);
void stack_resume(struct ponto_stream_handle *s);
int stack_shutdown(struct ponto_stream_handle *s);
void stack_abort(struct ponto_stream_handle *s);
int stack_ends(struct ponto_stream_handle *s, struct ponto_addr *local, struct ponto_addr *peer);
void stack_unlisten(struct ponto_listener_handle *l);
int stack_listening(struct ponto_listener_handle *l, struct ponto_addr *out);

struct stack_stats {
	uint64_t in, in_joined;	 /* packets, and writes to the interface that they became */
	uint64_t out, out_split; /* packets, and reads from the interface that they came from */
	uint64_t dropped;
};
void stack_stats(const struct stack *stack, struct stack_stats *out);

#endif
