/* transport-tcp: streams over the kernel's TCP.
 *
 * Its functions begin with tcpt_, because lwIP's begin with tcp_ and may be in the same program. The handles of an
 * instance live on their loops; the instance is shared by them and counts its streams. Where sockets
 * come from is a function, so that others can put sockets of another network namespace behind the same contract. */
#ifndef TCP_H
#define TCP_H

#include <stdatomic.h>
#include <sys/socket.h>

#include "framework/env.h"
#include "framework/transport.h"

#define TCP_TOPIC "transport.tcp"

struct tcp_settings {
	uint64_t connect_timeout; /* microseconds */
	unsigned keepalive;	  /* seconds of silence before the peer is asked; 0: never */
	unsigned send_timeout;	  /* seconds that sent bytes may stay unanswered; 0: the system's */
	unsigned backlog;
	unsigned max_streams;
	int send_buffer, receive_buffer; /* 0: the system's */
};

struct tcp_transport;

/* A socket of that family, SOCK_STREAM, not blocking, closed on exec; or a PONTO_E*. From any thread. */
typedef int tcpt_socket_fn(struct tcp_transport *tcp, uint8_t family, int *fd);

struct tcp_transport {
	const struct ponto_env *env;
	struct tcp_settings settings;
	tcpt_socket_fn *socket;
	const struct ponto_transport_ops *ops; /* what handles name as theirs; may be NULL */
	atomic_uint streams; /* there are now */
	struct ponto_counter *connected, *accepted, *failed, *received_bytes, *sent_bytes;
};

struct ponto_stream_handle {
	const struct ponto_transport_ops *ops; /* first: for those who have streams of several kinds */
	struct tcp_transport *tcp;
	struct ponto_loop *loop;
	struct ponto_watch *watch;
	struct ponto_timer *timer; /* connecting: its end; later: calls that are owed */
	struct ponto_stream_events events;
	void *arg;
	uint8_t *rest; /* received and not consumed */
	size_t rest_len;
	int fd;
	int failure;   /* what closed will be told */
	unsigned busy; /* callbacks under way */
	unsigned watched;
	bool connecting, adopted, paused, resumed, peer_ended, shut, want_write, closing, closed;
};

struct ponto_listener_handle {
	const struct ponto_transport_ops *ops; /* first */
	struct tcp_transport *tcp;
	struct ponto_loop *loop;
	struct ponto_watch *watch;
	struct ponto_timer *timer; /* accepting again */
	void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer);
	void *arg;
	int fd;
	unsigned busy;
	bool closed;
};

/* tcp_transport.c: options that every user of this code has, and reading them. */
#define TCP_OPTIONS                                                                                                    \
	{.name = "connect_timeout", .type = PONTO_OPTION_INT, .fallback = "30", .min = 1, .max = 600, .unit = "seconds",  \
	 .doc = "how long a peer may take to answer before connecting has failed"},                                    \
	{.name = "keepalive", .type = PONTO_OPTION_INT, .fallback = "60", .min = 0, .max = 7200, .unit = "seconds",      \
	 .doc = "silence after which a peer is asked whether it is still there; 0: never"},                            \
	{.name = "send_timeout", .type = PONTO_OPTION_INT, .fallback = "120", .min = 0, .max = 3600, .unit = "seconds",  \
	 .doc = "how long what was sent may stay unacknowledged before the stream has failed; 0: the system's time"},  \
	{.name = "backlog", .type = PONTO_OPTION_INT, .fallback = "128", .min = 1, .max = 4096,                          \
	 .doc = "streams that may wait to be accepted"},                                                               \
	{.name = "max_streams", .type = PONTO_OPTION_INT, .fallback = "1024", .min = 1, .max = 1000000,                  \
	 .doc = "most streams at once; more wait to be accepted, and connecting is refused"},                          \
	{.name = "send_buffer", .type = PONTO_OPTION_INT, .fallback = "0", .min = 0, .max = 1 << 30, .unit = "bytes",    \
	 .doc = "send buffer of a stream; 0: as the system adapts it"},                                                \
	{.name = "receive_buffer", .type = PONTO_OPTION_INT, .fallback = "0", .min = 0, .max = 1 << 30, .unit = "bytes", \
	 .doc = "receive buffer of a stream; 0: as the system adapts it"}

void tcpt_settings_read(const struct ponto_conf *conf, struct tcp_settings *out);
/* Everything but the sockets. copies settings */
void tcpt_init(struct tcp_transport *tcp, const struct ponto_env *env, const struct tcp_settings *settings,
	      tcpt_socket_fn *socket);
/* The kernel's own, of this process's network. */
int tcpt_socket_plain(struct tcp_transport *tcp, uint8_t family, int *fd);
/* Before connecting or listening. */
PONTO_MUST_CHECK int tcpt_prepare(struct tcp_transport *tcp, uint8_t family, int fd);
/* A place for one more stream: PONTO_EBUSY. */
PONTO_MUST_CHECK int tcpt_enter(struct tcp_transport *tcp);
void tcpt_leave(struct tcp_transport *tcp);
int tcpt_result(int error);

/* tcp_stream.c, tcp_listen.c: the contract. self is a struct tcp_transport. */
int tcpt_connect(void *self, struct ponto_loop *loop, const struct ponto_addr *peer,
		const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out);
int tcpt_adopt(struct ponto_stream_handle *s, const struct ponto_stream_events *events, void *arg);
int tcpt_write(struct ponto_stream_handle *s, struct ponto_bytes data, size_t *taken);
void tcpt_resume(struct ponto_stream_handle *s);
int tcpt_shutdown(struct ponto_stream_handle *s);
void tcpt_abort(struct ponto_stream_handle *s);
int tcpt_ends(struct ponto_stream_handle *s, struct ponto_addr *local, struct ponto_addr *peer);
int tcpt_listen(void *self, struct ponto_loop *loop, const struct ponto_addr *local,
	       void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
	       struct ponto_listener_handle **out);
void tcpt_unlisten(struct ponto_listener_handle *l);
int tcpt_listening(struct ponto_listener_handle *l, struct ponto_addr *out);
/* Of a struct ponto_transport_ops. */
#define TCPT_STREAM_OPS                                                                                                \
	.connect = tcpt_connect, .listen = tcpt_listen, .unlisten = tcpt_unlisten, .adopt = tcpt_adopt,                \
	.write = tcpt_write, .resume = tcpt_resume, .shutdown = tcpt_shutdown, .abort = tcpt_abort,                    \
	.listening = tcpt_listening, .ends = tcpt_ends
/* A stream on a connected socket, not watched before it is adopted. takes fd, and the place it entered */
PONTO_MUST_CHECK int tcpt_wrap(struct tcp_transport *tcp, struct ponto_loop *loop, int fd, struct ponto_stream_handle **out);

/* tcp_address.c: between the framework's addresses and the kernel's. */
PONTO_MUST_CHECK int tcpt_bind(int fd, const struct ponto_addr *local);
/* 0, or an errno. */
int tcpt_start(int fd, const struct ponto_addr *peer);
int tcpt_accept(int listener, int *fd, struct ponto_addr *peer);
PONTO_MUST_CHECK int tcpt_names(int fd, struct ponto_addr *local, struct ponto_addr *peer); /* either may be NULL */

#endif
