#include "plugins/transport-tcp/tcp.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536 /* bytes read at once */
#define TURN 4	    /* chunks of one stream before others have their turn */

/* ---- the end of a stream ------------------------------------------------------------------ */

static void callback_begin(struct ponto_stream_handle *s)
{
	s->busy++;
}

static void callback_end(struct ponto_stream_handle *s)
{
	const struct ponto_alloc *alloc = s->tcp->env->alloc;

	if (--s->busy > 0 || !s->closed)
		return;
	ponto_free(alloc, s->rest);
	ponto_free(alloc, s);
}

/* Else the peer took what is missing for a proper end. */
static void reset_on_close(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	int result = setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));

	assert(result == 0);
	(void)result;
}

/* Gives back all but the memory. */
static void release(struct ponto_stream_handle *s, bool reset)
{
	s->closed = true;
	ponto_watch_destroy(s->loop, s->watch);
	ponto_timer_destroy(s->loop, s->timer);
	if (reset)
		reset_on_close(s->fd);
	close(s->fd);
	tcpt_leave(s->tcp);
}

static void finish(struct ponto_stream_handle *s, int result)
{
	if (s->closed)
		return;
	if (result != PONTO_OK && s->tcp->failed)
		ponto_counter_add(s->tcp->failed, 1);
	release(s, result != PONTO_OK);
	if (s->events.closed)
		s->events.closed(s->arg, result);
}

/* closed will be called, but not from inside the present call. */
static void finish_soon(struct ponto_stream_handle *s, int result)
{
	if (s->closing)
		return;
	s->closing = true;
	s->failure = result;
	ponto_timer_set(s->loop, s->timer, ponto_loop_now(s->loop));
}

void tcpt_abort(struct ponto_stream_handle *s)
{
	callback_begin(s);
	if (!s->closed)
		release(s, !(s->shut && s->peer_ended));
	callback_end(s);
}

/* ---- what is waited for ---------------------------------------------------------------------- */

static void rewatch(struct ponto_stream_handle *s)
{
	unsigned wanted = 0;

	if (s->closed)
		return;
	if (s->connecting)
		wanted = PONTO_WRITABLE;
	else
		wanted = (s->paused || s->peer_ended ? 0 : PONTO_READABLE) | (s->want_write ? PONTO_WRITABLE : 0);
	if (wanted == s->watched)
		return;
	s->watched = wanted;
	if (ponto_watch_set(s->loop, s->watch, wanted) != PONTO_OK)
		finish_soon(s, PONTO_EIO);
}

/* Keeps what was not consumed, which lies at the end of rest already if it was rest. */
static bool keep(struct ponto_stream_handle *s, const uint8_t *data, size_t len)
{
	uint8_t *rest;

	if (s->rest) {
		memmove(s->rest, data, len);
		s->rest_len = len;
		return true;
	}
	rest = ponto_bytes_dup(s->tcp->env->alloc, ponto_bytes(data, len));
	if (!rest)
		return false;
	s->rest = rest;
	s->rest_len = len;
	return true;
}

/* False: receiving stops here. */
static bool deliver(struct ponto_stream_handle *s, const uint8_t *data, size_t len)
{
	size_t used = s->events.receive(s->arg, ponto_bytes(data, len));

	if (s->closed)
		return false;
	if (used >= len) {
		ponto_free(s->tcp->env->alloc, s->rest);
		s->rest = NULL;
		s->rest_len = 0;
		return true;
	}
	s->paused = true;
	if (!keep(s, data + used, len - used))
		finish(s, PONTO_ENOMEM);
	return false;
}

static void peer_ended(struct ponto_stream_handle *s)
{
	s->peer_ended = true;
	if (s->events.half_closed)
		s->events.half_closed(s->arg);
	if (!s->closed && s->shut)
		finish(s, PONTO_OK);
}

static void read_some(struct ponto_stream_handle *s)
{
	uint8_t chunk[CHUNK];

	for (unsigned i = 0; i < TURN && !s->paused && !s->closed; i++) {
		ssize_t got = recv(s->fd, chunk, sizeof(chunk), 0);

		if (got > 0) {
			if (s->tcp->received_bytes)
				ponto_counter_add(s->tcp->received_bytes, (uint64_t)got);
			if (!deliver(s, chunk, (size_t)got) || (size_t)got < sizeof(chunk))
				return;
		} else if (got == 0) {
			peer_ended(s);
			return;
		} else {
			if (errno != EAGAIN && errno != EINTR)
				finish(s, tcpt_result(errno));
			return;
		}
	}
}

static void connection_made(struct ponto_stream_handle *s)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		finish(s, tcpt_result(error));
		return;
	}
	s->connecting = false;
	ponto_timer_set(s->loop, s->timer, PONTO_NEVER);
	if (s->tcp->connected)
		ponto_counter_add(s->tcp->connected, 1);
	if (s->shut && shutdown(s->fd, SHUT_WR) < 0)
		finish_soon(s, tcpt_result(errno));
	if (s->events.connected)
		s->events.connected(s->arg);
}

static void ready(void *arg, unsigned events)
{
	struct ponto_stream_handle *s = arg;

	callback_begin(s);
	if (s->connecting && !s->closing) {
		connection_made(s);
	} else if (!s->closing) {
		if (events & PONTO_WRITABLE && s->want_write) {
			s->want_write = false;
			if (s->events.writable)
				s->events.writable(s->arg);
		}
		if (events & PONTO_READABLE && !s->closed && !s->closing && !s->peer_ended)
			read_some(s);
	}
	rewatch(s);
	callback_end(s);
}

/* Connecting took too long, or what calls left to do. */
static void timer_rang(void *arg)
{
	struct ponto_stream_handle *s = arg;

	callback_begin(s);
	if (s->closing) {
		finish(s, s->failure);
	} else if (s->connecting) {
		finish(s, PONTO_ETIME);
	} else if (s->resumed) {
		s->resumed = s->paused = false;
		if (s->rest)
			deliver(s, s->rest, s->rest_len);
		rewatch(s);
	}
	callback_end(s);
}

/* ---- the contract -------------------------------------------------------------------------------- */

int tcpt_wrap(struct tcp_transport *tcp, struct ponto_loop *loop, int fd, struct ponto_stream_handle **out)
{
	struct ponto_stream_handle *s = ponto_new(tcp->env->alloc, 1, sizeof(*s));

	if (!s) {
		reset_on_close(fd);
		close(fd);
		tcpt_leave(tcp);
		return PONTO_ENOMEM;
	}
	s->ops = tcp->ops;
	s->tcp = tcp;
	s->loop = loop;
	s->fd = fd;
	*out = s;
	return PONTO_OK;
}

static int start_watching(struct ponto_stream_handle *s)
{
	int result = ponto_timer_create(s->loop, timer_rang, s, &s->timer);

	s->watched = s->connecting ? PONTO_WRITABLE : PONTO_READABLE;
	if (result == PONTO_OK)
		result = ponto_watch_create(s->loop, s->fd, s->watched, ready, s, &s->watch);
	return result;
}

int tcpt_adopt(struct ponto_stream_handle *s, const struct ponto_stream_events *events, void *arg)
{
	int result;

	if (s->adopted || !events->receive)
		return PONTO_EINVAL;
	s->events = *events;
	s->arg = arg;
	result = start_watching(s);
	if (result == PONTO_OK)
		s->adopted = true;
	return result;
}

static int open_socket(struct tcp_transport *tcp, uint8_t family, int *fd)
{
	int got, result = tcp->socket(tcp, family, &got);

	if (result != PONTO_OK)
		return result;
	result = tcpt_prepare(tcp, family, got);
	if (result != PONTO_OK) {
		close(got);
		return result;
	}
	*fd = got;
	return PONTO_OK;
}

static int begin(struct ponto_stream_handle *s, const struct ponto_addr *peer)
{
	int error = tcpt_start(s->fd, peer), result;

	/* A connection made at once is told by the watch, like any other. */
	if (error != 0 && error != EINPROGRESS)
		return tcpt_result(error);
	s->connecting = s->adopted = true;
	result = start_watching(s);
	if (result == PONTO_OK)
		ponto_timer_set(s->loop, s->timer, ponto_loop_now(s->loop) + s->tcp->settings.connect_timeout);
	return result;
}

int tcpt_connect(void *self, struct ponto_loop *loop, const struct ponto_addr *peer,
		const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out)
{
	struct tcp_transport *tcp = self;
	struct ponto_stream_handle *s;
	int fd = -1, result;

	if (!events->receive || peer->port == 0 ||
	    (peer->family != PONTO_FAMILY_IPV6 && peer->family != PONTO_FAMILY_IPV4))
		return PONTO_EINVAL;
	result = tcpt_enter(tcp);
	if (result != PONTO_OK)
		return result;
	result = open_socket(tcp, peer->family, &fd);
	if (result != PONTO_OK) {
		tcpt_leave(tcp);
		return result;
	}
	result = tcpt_wrap(tcp, loop, fd, &s);
	if (result != PONTO_OK)
		return result;
	s->events = *events;
	s->arg = arg;
	result = begin(s, peer);
	if (result != PONTO_OK) {
		tcpt_abort(s);
		return result;
	}
	*out = s;
	return PONTO_OK;
}

int tcpt_write(struct ponto_stream_handle *s, struct ponto_bytes data, size_t *taken)
{
	size_t done = 0;

	if (s->shut || s->closing || s->closed)
		return PONTO_ECLOSED;
	while (done < data.len && !s->connecting) {
		ssize_t sent = send(s->fd, data.data + done, data.len - done, MSG_NOSIGNAL);

		if (sent >= 0) {
			done += (size_t)sent;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			break;
		} else if (errno != EINTR) {
			int result = tcpt_result(errno);

			finish_soon(s, result);
			return PONTO_ECLOSED;
		}
	}
	if (done > 0 && s->tcp->sent_bytes)
		ponto_counter_add(s->tcp->sent_bytes, done);
	if (done < data.len && !s->want_write) {
		s->want_write = true;
		rewatch(s);
	}
	*taken = done;
	return PONTO_OK;
}

void tcpt_resume(struct ponto_stream_handle *s)
{
	if (!s->paused || s->closing || s->closed)
		return;
	s->resumed = true;
	ponto_timer_set(s->loop, s->timer, ponto_loop_now(s->loop));
}

int tcpt_shutdown(struct ponto_stream_handle *s)
{
	if (s->shut || s->closing || s->closed)
		return PONTO_ECLOSED;
	s->shut = true;
	if (s->connecting)
		return PONTO_OK;
	if (shutdown(s->fd, SHUT_WR) < 0) {
		finish_soon(s, tcpt_result(errno));
		return PONTO_ECLOSED;
	}
	if (s->want_write) {
		s->want_write = false;
		rewatch(s);
	}
	if (s->peer_ended)
		finish_soon(s, PONTO_OK);
	return PONTO_OK;
}

int tcpt_ends(struct ponto_stream_handle *s, struct ponto_addr *local, struct ponto_addr *peer)
{
	if (s->connecting || s->closed)
		return PONTO_ECLOSED;
	return tcpt_names(s->fd, local, peer);
}
