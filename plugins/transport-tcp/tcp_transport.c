#include "plugins/transport-tcp/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

int tcpt_result(int error)
{
	switch (error) {
	case 0:
		return PONTO_OK;
	case ECONNREFUSED:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
	case ENODEV:
		return PONTO_EUNREACH;
	case ETIMEDOUT:
		return PONTO_ETIME;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ENOTCONN:
	case ESHUTDOWN:
		return PONTO_ECLOSED;
	case EADDRINUSE:
		return PONTO_EEXIST;
	case EACCES:
	case EPERM:
		return PONTO_EACCES;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
		return PONTO_EBUSY;
	case ENOMEM:
		return PONTO_ENOMEM;
	case EINVAL:
		return PONTO_EINVAL;
	case EAFNOSUPPORT:
		return PONTO_ENOTSUP;
	default:
		return PONTO_EIO;
	}
}

void tcpt_settings_read(const struct ponto_conf *conf, struct tcp_settings *out)
{
	out->connect_timeout = (uint64_t)ponto_conf_int(conf, "connect_timeout") * PONTO_SECOND;
	out->keepalive = (unsigned)ponto_conf_int(conf, "keepalive");
	out->send_timeout = (unsigned)ponto_conf_int(conf, "send_timeout");
	out->backlog = (unsigned)ponto_conf_int(conf, "backlog");
	out->max_streams = (unsigned)ponto_conf_int(conf, "max_streams");
	out->send_buffer = (int)ponto_conf_int(conf, "send_buffer");
	out->receive_buffer = (int)ponto_conf_int(conf, "receive_buffer");
}

void tcpt_init(struct tcp_transport *tcp, const struct ponto_env *env, const struct tcp_settings *settings,
	      tcpt_socket_fn *socket_fn)
{
	struct ponto_metrics *metrics = env->metrics;
	const char *instance = env->instance;

	tcp->env = env;
	tcp->settings = *settings;
	tcp->socket = socket_fn;
	atomic_init(&tcp->streams, 0);
	if (!metrics)
		return;
	tcp->connected = ponto_counter(metrics, "transport_streams_connected_total", instance, "Streams to peers that came about");
	tcp->accepted = ponto_counter(metrics, "transport_streams_accepted_total", instance, "Streams from peers");
	tcp->failed = ponto_counter(metrics, "transport_streams_failed_total", instance, "Streams that did not come about or were broken off");
	tcp->received_bytes = ponto_counter(metrics, "transport_bytes_received_total", instance, "Payload bytes received");
	tcp->sent_bytes = ponto_counter(metrics, "transport_bytes_sent_total", instance, "Payload bytes sent");
}

int tcpt_socket_plain(struct tcp_transport *tcp, uint8_t family, int *fd)
{
	int got = socket(family == PONTO_FAMILY_IPV6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)tcp;
	if (got < 0)
		return tcpt_result(errno);
	*fd = got;
	return PONTO_OK;
}

static bool set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* Those of streams; accepted ones have them from their listener. */
static bool set_stream(const struct tcp_settings *settings, int fd)
{
	/* What is written is whole messages, which nothing is gained by holding back. */
	bool good = set(fd, IPPROTO_TCP, TCP_NODELAY, 1);

	if (settings->keepalive > 0)
		good = good && set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
		       set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)settings->keepalive) &&
		       set(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)(settings->keepalive + 5) / 6) &&
		       set(fd, IPPROTO_TCP, TCP_KEEPCNT, 6);
	if (settings->send_timeout > 0)
		good = good && set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)settings->send_timeout * 1000);
	if (settings->send_buffer > 0)
		good = good && set(fd, SOL_SOCKET, SO_SNDBUF, settings->send_buffer);
	if (settings->receive_buffer > 0)
		good = good && set(fd, SOL_SOCKET, SO_RCVBUF, settings->receive_buffer);
	return good;
}

int tcpt_prepare(struct tcp_transport *tcp, uint8_t family, int fd)
{
	/* Each family has its own port space, as the contract's addresses do. */
	if (family == PONTO_FAMILY_IPV6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
		return PONTO_EIO;
	return set_stream(&tcp->settings, fd) ? PONTO_OK : PONTO_EIO;
}

int tcpt_enter(struct tcp_transport *tcp)
{
	if (atomic_fetch_add(&tcp->streams, 1) < tcp->settings.max_streams)
		return PONTO_OK;
	atomic_fetch_sub(&tcp->streams, 1);
	return PONTO_EBUSY;
}

void tcpt_leave(struct tcp_transport *tcp)
{
	atomic_fetch_sub(&tcp->streams, 1);
}
