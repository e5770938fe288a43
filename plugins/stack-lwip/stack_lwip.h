/* stack-lwip: streams from IPv6 packets by Debian's lwIP, where private namespaces are forbidden.
 *
 * Beneath TLS only: every connection of this build begins at the same sequence number (RFC 6528 wants them unguessable),
 * so whoever knows both addresses can put bytes into a stream; TLS makes that a broken stream and no more.
 *
 * lwIP is one for the process and has one lock. Packets' side and streams are on their own loops; what lwIP calls back,
 * on any thread and under the lock, is noted and their loops are woken. */
#ifndef STACK_LWIP_H
#define STACK_LWIP_H

#include "framework/env.h"
#include "framework/transport.h"

struct lw;

struct lw_settings {
	uint64_t connect_timeout; /* microseconds */
	unsigned keepalive;	  /* seconds; 0: never */
	unsigned backlog, max_streams;
};

extern const struct ponto_transport_ops lw_stream_ops; /* self: struct lw */

/* As stack.h has it. lw_create starts lwIP's thread, which ends with the process. */
PONTO_MUST_CHECK int lw_create(const struct ponto_env *env, const struct lw_settings *settings, struct lw **out);
void lw_destroy(struct lw *lw); /* accepts NULL */
PONTO_MUST_CHECK int lw_attach(struct lw *lw, struct ponto_loop *loop,
			       void (*output)(void *arg, const struct ponto_bytes *packets, size_t count), void *arg);
void lw_detach(struct lw *lw);
void lw_address(struct lw *lw, const uint8_t *ip);
/* False: no memory. borrows */
bool lw_input(struct lw *lw, struct ponto_bytes packet);

#endif
