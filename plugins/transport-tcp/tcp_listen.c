#include "plugins/transport-tcp/tcp.h"

#include <errno.h>
#include <unistd.h>

#define TURN 16			    /* streams accepted before others have their turn */
#define PAUSE (100 * PONTO_MS) /* when there is no room for more */

static void free_listener(struct ponto_listener_handle *l)
{
	ponto_free(l->tcp->env->alloc, l);
}

static void pause_accepting(struct ponto_listener_handle *l)
{
	if (ponto_watch_set(l->loop, l->watch, 0) != PONTO_OK)
		return;
	ponto_timer_set(l->loop, l->timer, ponto_loop_now(l->loop) + PAUSE);
}

static void accept_again(void *arg)
{
	struct ponto_listener_handle *l = arg;

	if (ponto_watch_set(l->loop, l->watch, PONTO_READABLE) != PONTO_OK)
		ponto_timer_set(l->loop, l->timer, ponto_loop_now(l->loop) + PAUSE);
}

/* False: no more for now. */
static bool accept_one(struct ponto_listener_handle *l)
{
	struct ponto_stream_handle *s;
	struct ponto_addr peer;
	int fd, error;

	/* What there is no room for waits in the kernel's queue. */
	if (tcpt_enter(l->tcp) != PONTO_OK) {
		pause_accepting(l);
		return false;
	}
	error = tcpt_accept(l->fd, &fd, &peer);
	if (error) {
		tcpt_leave(l->tcp);
		if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
			ponto_warning(l->tcp->env->log, TCP_TOPIC, "no more streams can be accepted now: %s",
				      ponto_strerror(tcpt_result(error)));
			pause_accepting(l);
		}
		return error == ECONNABORTED || error == EINTR;
	}
	if (tcpt_wrap(l->tcp, l->loop, fd, &s) != PONTO_OK)
		return true;
	if (l->tcp->accepted)
		ponto_counter_add(l->tcp->accepted, 1);
	l->accepted(l->arg, s, &peer);
	if (!s->adopted)
		tcpt_abort(s);
	return true;
}

static void ready(void *arg, unsigned events)
{
	struct ponto_listener_handle *l = arg;

	(void)events;
	l->busy++;
	for (unsigned i = 0; i < TURN && !l->closed; i++) {
		if (!accept_one(l))
			break;
	}
	if (--l->busy == 0 && l->closed)
		free_listener(l);
}

void tcpt_unlisten(struct ponto_listener_handle *l)
{
	ponto_watch_destroy(l->loop, l->watch);
	ponto_timer_destroy(l->loop, l->timer);
	if (l->fd >= 0)
		close(l->fd);
	l->closed = true;
	if (l->busy == 0)
		free_listener(l);
}

static int open_listener(struct ponto_listener_handle *l, const struct ponto_addr *local)
{
	int one = 1, result = l->tcp->socket(l->tcp, local->family, &l->fd);

	if (result == PONTO_OK)
		result = tcpt_prepare(l->tcp, local->family, l->fd);
	/* A port whose last streams are only remembered is free. */
	if (result == PONTO_OK && setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		result = PONTO_EIO;
	if (result == PONTO_OK)
		result = tcpt_bind(l->fd, local);
	if (result == PONTO_OK && listen(l->fd, (int)l->tcp->settings.backlog) < 0)
		result = tcpt_result(errno);
	if (result == PONTO_OK)
		result = ponto_timer_create(l->loop, accept_again, l, &l->timer);
	if (result == PONTO_OK)
		result = ponto_watch_create(l->loop, l->fd, PONTO_READABLE, ready, l, &l->watch);
	return result;
}

int tcpt_listen(void *self, struct ponto_loop *loop, const struct ponto_addr *local,
	       void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
	       struct ponto_listener_handle **out)
{
	struct tcp_transport *tcp = self;
	struct ponto_listener_handle *l;
	char text[PONTO_ADDR_TEXT];
	int result;

	if (!accepted || (local->family != PONTO_FAMILY_IPV6 && local->family != PONTO_FAMILY_IPV4))
		return PONTO_EINVAL;
	l = ponto_new(tcp->env->alloc, 1, sizeof(*l));
	if (!l)
		return PONTO_ENOMEM;
	l->ops = tcp->ops;
	l->tcp = tcp;
	l->loop = loop;
	l->accepted = accepted;
	l->arg = arg;
	l->fd = -1;
	result = open_listener(l, local);
	if (result != PONTO_OK) {
		ponto_info(tcp->env->log, TCP_TOPIC, "%s cannot be listened at: %s", ponto_addr_format(local, text),
			   result == PONTO_EEXIST ? "another program uses this port" : ponto_strerror(result));
		tcpt_unlisten(l);
		return result;
	}
	*out = l;
	return PONTO_OK;
}

int tcpt_listening(struct ponto_listener_handle *l, struct ponto_addr *out)
{
	return tcpt_names(l->fd, out, NULL);
}
