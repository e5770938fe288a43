/* stack-lwip: what its files share. */
#ifndef LW_H
#define LW_H

#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>
#include <stdatomic.h>

#include "plugins/stack-lwip/stack_lwip.h"

#define LW_TOPIC "transport.stack.lwip"
#define LW_MTU 1280
#define LW_OUT 1024 /* packets that wait to be sent */

/* lwIP is not instrumented, so that ThreadSanitizer is told what its lock orders: here, and in callbacks. */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define LW_ENTERED() __tsan_acquire(&lw_order)
#define LW_LEAVING() __tsan_release(&lw_order)
#else
#define LW_ENTERED() (void)0
#define LW_LEAVING() (void)0
#endif
extern char lw_order;

static inline void lw_lock(void)
{
	LOCK_TCPIP_CORE();
	LW_ENTERED();
}

static inline void lw_unlock(void)
{
	LW_LEAVING();
	UNLOCK_TCPIP_CORE();
}

struct lw_packet {
	struct lw_packet *next;
	uint16_t len;
	uint8_t data[];
};

/* Wakes a loop from any thread. */
struct lw_bell {
	struct ponto_loop *loop;
	struct ponto_watch *watch;
	int fd;
};

struct lw {
	const struct ponto_env *env;
	struct lw_settings settings;
	atomic_uint streams;
	/* under lwIP's lock */
	struct netif netif;
	struct ponto_addr ip; /* family NONE: none */
	struct lw_packet *out, **out_tail;
	size_t out_count;
	bool attached;
	/* the packets' side */
	struct lw_bell bell;
	void (*output)(void *arg, const struct ponto_bytes *packets, size_t count);
	void *arg;
};

struct ponto_stream_handle {
	const struct ponto_transport_ops *ops; /* first */
	struct lw *lw;
	struct ponto_loop *loop;
	struct ponto_timer *timer; /* connecting: its end; later: calls that are owed */
	struct ponto_stream_events events;
	void *arg;
	struct ponto_stream_handle *next; /* waiting to be accepted */
	int failure;
	unsigned busy;
	bool connecting, adopted, paused, resumed, told_end, closing, closed;
	/* under lwIP's lock */
	struct lw_bell bell;
	struct tcp_pcb *pcb; /* NULL: ended, lost, or lwIP's own affair */
	struct pbuf *inbox;
	size_t used; /* of its first part */
	bool is_connected, has_room, peer_ended, shut, sent_end, want_write;
	err_t error;
};

struct ponto_listener_handle {
	const struct ponto_transport_ops *ops; /* first */
	struct lw *lw;
	struct ponto_loop *loop;
	void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer);
	void *arg;
	unsigned busy;
	bool closed;
	/* under lwIP's lock */
	struct lw_bell bell;
	struct tcp_pcb *pcb;
	struct ponto_stream_handle *queue, **tail;
	unsigned queued;
};

/* lw.c */
PONTO_MUST_CHECK int lw_bell_open(struct lw_bell *bell, struct ponto_loop *loop, ponto_watch_fn *fn, void *arg);
void lw_bell_ring(struct lw_bell *bell);
void lw_bell_heard(struct lw_bell *bell);
void lw_bell_close(struct lw_bell *bell);
void lw_to_ip(const struct ponto_addr *addr, ip_addr_t *out);
void lw_from_ip(const ip_addr_t *ip, uint16_t port, struct ponto_addr *out);
int lw_result(err_t error);

/* lw_stream.c */
/* A stream on a connection, whose callbacks it becomes. Under the lock. */
PONTO_MUST_CHECK int lw_wrap(struct lw *lw, struct tcp_pcb *pcb, struct ponto_stream_handle **out);
/* The connection is lwIP's own affair from now on. Under the lock. */
void lw_let_go(struct ponto_stream_handle *s);
bool lw_enter(struct lw *lw);
int lw_connect(void *self, struct ponto_loop *loop, const struct ponto_addr *peer,
	       const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out);
int lw_adopt(struct ponto_stream_handle *s, const struct ponto_stream_events *events, void *arg);
int lw_write(struct ponto_stream_handle *s, struct ponto_bytes data, size_t *taken);
void lw_resume(struct ponto_stream_handle *s);
int lw_shutdown(struct ponto_stream_handle *s);
void lw_abort(struct ponto_stream_handle *s);
int lw_ends(struct ponto_stream_handle *s, struct ponto_addr *local, struct ponto_addr *peer);

/* lw_listen.c */
int lw_listen(void *self, struct ponto_loop *loop, const struct ponto_addr *local,
	      void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
	      struct ponto_listener_handle **out);
void lw_unlisten(struct ponto_listener_handle *l);
int lw_listening(struct ponto_listener_handle *l, struct ponto_addr *out);

#endif
