#include "plugins/stack-lwip/lw.h"

#include <string.h>

static bool unspecified(const struct ponto_addr *addr)
{
	static const uint8_t zero[16];

	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

/* What there is no room for is refused: it has no queue that would hold it. */
static err_t take(struct ponto_listener_handle *l, struct tcp_pcb *pcb)
{
	struct ponto_stream_handle *s;

	if (l->queued >= l->lw->settings.backlog || !lw_enter(l->lw)) {
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	if (lw_wrap(l->lw, pcb, &s) != PONTO_OK) {
		atomic_fetch_sub(&l->lw->streams, 1);
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	s->loop = l->loop;
	s->is_connected = true;
	*l->tail = s;
	l->tail = &s->next;
	l->queued++;
	lw_bell_ring(&l->bell);
	return ERR_OK;
}

/* From lwIP, under its lock. */
static err_t came(void *arg, struct tcp_pcb *pcb, err_t error)
{
	if (error != ERR_OK || !pcb)
		return ERR_VAL;
	LW_ENTERED();
	error = take(arg, pcb);
	LW_LEAVING();
	return error;
}

static struct ponto_stream_handle *next_waiting(struct ponto_listener_handle *l, struct ponto_addr *peer)
{
	struct ponto_stream_handle *s;

	lw_lock();
	s = l->queue;
	if (s) {
		l->queue = s->next;
		if (!l->queue)
			l->tail = &l->queue;
		l->queued--;
		*peer = (struct ponto_addr){.family = PONTO_FAMILY_NONE};
		if (s->pcb)
			lw_from_ip(&s->pcb->remote_ip, s->pcb->remote_port, peer);
	}
	lw_unlock();
	return s;
}

static void woken(void *arg, unsigned events)
{
	struct ponto_listener_handle *l = arg;
	struct ponto_stream_handle *s;
	struct ponto_addr peer;

	(void)events;
	l->busy++;
	lw_bell_heard(&l->bell);
	while (!l->closed && (s = next_waiting(l, &peer))) {
		/* Broken off meanwhile: nobody needs to know. */
		if (peer.family != PONTO_FAMILY_NONE)
			l->accepted(l->arg, s, &peer);
		if (!s->adopted)
			lw_abort(s);
	}
	if (--l->busy == 0 && l->closed)
		ponto_free(l->lw->env->alloc, l);
}

void lw_unlisten(struct ponto_listener_handle *l)
{
	struct ponto_stream_handle *s;
	struct ponto_addr peer;

	lw_lock();
	if (l->pcb) {
		tcp_accept(l->pcb, NULL);
		tcp_close(l->pcb);
	}
	l->pcb = NULL;
	lw_unlock();
	while ((s = next_waiting(l, &peer)))
		lw_abort(s);
	if (l->bell.fd >= 0)
		lw_bell_close(&l->bell);
	l->closed = true;
	if (l->busy == 0)
		ponto_free(l->lw->env->alloc, l);
}

/* Under the lock. */
static int begin(struct ponto_listener_handle *l, const struct ponto_addr *local)
{
	struct tcp_pcb *pcb, *listening;
	ip_addr_t ip;
	err_t error;

	if (!unspecified(local) && (l->lw->ip.family == PONTO_FAMILY_NONE || memcmp(local->ip, l->lw->ip.ip, 16) != 0))
		return PONTO_ENOENT;
	pcb = tcp_new_ip_type(IPADDR_TYPE_V6);
	if (!pcb)
		return PONTO_ENOMEM;
	lw_to_ip(local, &ip);
	tcp_bind_netif(pcb, &l->lw->netif);
	error = tcp_bind(pcb, &ip, local->port);
	if (error != ERR_OK) {
		tcp_abort(pcb);
		return lw_result(error);
	}
	listening = tcp_listen_with_backlog(pcb, 255);
	if (!listening) {
		tcp_abort(pcb);
		return PONTO_ENOMEM;
	}
	l->pcb = listening;
	tcp_arg(listening, l);
	tcp_accept(listening, came);
	return PONTO_OK;
}

int lw_listen(void *self, struct ponto_loop *loop, const struct ponto_addr *local,
	      void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
	      struct ponto_listener_handle **out)
{
	struct ponto_listener_handle *l;
	struct lw *lw = self;
	int result;

	if (!accepted || local->family != PONTO_FAMILY_IPV6)
		return PONTO_EINVAL;
	l = ponto_new(lw->env->alloc, 1, sizeof(*l));
	if (!l)
		return PONTO_ENOMEM;
	l->ops = &lw_stream_ops;
	l->lw = lw;
	l->loop = loop;
	l->accepted = accepted;
	l->arg = arg;
	l->tail = &l->queue;
	l->bell.fd = -1;
	result = lw_bell_open(&l->bell, loop, woken, l);
	if (result == PONTO_OK) {
		lw_lock();
		result = begin(l, local);
		lw_unlock();
	}
	if (result != PONTO_OK) {
		lw_unlisten(l);
		return result;
	}
	*out = l;
	return PONTO_OK;
}

int lw_listening(struct ponto_listener_handle *l, struct ponto_addr *out)
{
	lw_lock();
	lw_from_ip(&l->pcb->local_ip, l->pcb->local_port, out);
	lw_unlock();
	return PONTO_OK;
}
