#include "plugins/stack-lwip/lw.h"

#include <string.h>

/* ---- what lwIP says: on any thread, under its lock -------------------------------------------------- */

void lw_let_go(struct ponto_stream_handle *s)
{
	tcp_arg(s->pcb, NULL);
	tcp_recv(s->pcb, NULL);
	tcp_sent(s->pcb, NULL);
	tcp_err(s->pcb, NULL);
	s->pcb = NULL;
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
	struct ponto_stream_handle *s = arg;

	(void)error;
	LW_ENTERED();
	if (p && s->inbox) {
		pbuf_cat(s->inbox, p);
	} else if (p) {
		s->inbox = p;
	} else {
		s->peer_ended = true;
		/* Both sides ended it: lwIP forgets it when it pleases, which nobody would be told. */
		if (s->sent_end) {
			lw_let_go(s);
			tcp_close(pcb);
		}
	}
	lw_bell_ring(&s->bell);
	LW_LEAVING();
	return ERR_OK;
}

static err_t acknowledged(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct ponto_stream_handle *s = arg;

	(void)pcb;
	(void)len;
	LW_ENTERED();
	s->has_room = true;
	if (s->want_write)
		lw_bell_ring(&s->bell);
	LW_LEAVING();
	return ERR_OK;
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
	struct ponto_stream_handle *s = arg;

	(void)pcb;
	(void)error;
	LW_ENTERED();
	s->is_connected = true;
	lw_bell_ring(&s->bell);
	LW_LEAVING();
	return ERR_OK;
}

/* The connection is gone already. */
static void lost(void *arg, err_t error)
{
	struct ponto_stream_handle *s = arg;

	LW_ENTERED();
	s->pcb = NULL;
	s->error = error;
	lw_bell_ring(&s->bell);
	LW_LEAVING();
}

/* Under the lock. */
static err_t send_end(struct ponto_stream_handle *s)
{
	err_t error = tcp_shutdown(s->pcb, 0, 1);

	if (error != ERR_OK)
		return error;
	s->sent_end = true;
	if (s->peer_ended)
		lw_let_go(s);
	return ERR_OK;
}

/* ---- the end of a stream ------------------------------------------------------------------------------ */

static void callback_end(struct ponto_stream_handle *s)
{
	if (--s->busy == 0 && s->closed)
		ponto_free(s->lw->env->alloc, s);
}

bool lw_enter(struct lw *lw)
{
	if (atomic_fetch_add(&lw->streams, 1) < lw->settings.max_streams)
		return true;
	atomic_fetch_sub(&lw->streams, 1);
	return false;
}

static void release(struct ponto_stream_handle *s)
{
	struct tcp_pcb *pcb;

	s->closed = true;
	lw_lock();
	pcb = s->pcb;
	if (pcb) {
		lw_let_go(s);
		tcp_abort(pcb);
	}
	if (s->inbox)
		pbuf_free(s->inbox);
	s->inbox = NULL;
	lw_unlock();
	if (s->bell.fd >= 0)
		lw_bell_close(&s->bell);
	ponto_timer_destroy(s->loop, s->timer);
	atomic_fetch_sub(&s->lw->streams, 1);
}

static void finish(struct ponto_stream_handle *s, int result)
{
	if (s->closed)
		return;
	release(s);
	if (s->events.closed)
		s->events.closed(s->arg, result);
}

static void finish_soon(struct ponto_stream_handle *s, int result)
{
	if (s->closing)
		return;
	s->closing = true;
	s->failure = result;
	ponto_timer_set(s->loop, s->timer, ponto_loop_now(s->loop));
}

void lw_abort(struct ponto_stream_handle *s)
{
	s->busy++;
	if (!s->closed)
		release(s);
	callback_end(s);
}

/* ---- on its loop ------------------------------------------------------------------------------------- */

/* What was consumed of the first part; the rest of the chain is lwIP's to add to. */
static void consumed(struct ponto_stream_handle *s, size_t len)
{
	struct pbuf *first, *rest;

	lw_lock();
	first = s->inbox;
	s->used += len;
	if (s->used == first->len) {
		rest = first->next;
		if (rest)
			pbuf_ref(rest);
		pbuf_free(first);
		s->inbox = rest;
		s->used = 0;
	}
	if (s->pcb)
		tcp_recved(s->pcb, (u16_t)len);
	lw_unlock();
}

static bool next_part(struct ponto_stream_handle *s, struct ponto_bytes *out)
{
	bool is_there;

	lw_lock();
	is_there = s->inbox != NULL;
	if (is_there)
		*out = ponto_bytes((uint8_t *)s->inbox->payload + s->used, s->inbox->len - s->used);
	lw_unlock();
	return is_there;
}

static void drain(struct ponto_stream_handle *s)
{
	struct ponto_bytes part;
	bool ended;

	while (!s->paused && next_part(s, &part)) {
		size_t used = s->events.receive(s->arg, part);

		if (s->closed)
			return;
		s->paused = used < part.len;
		if (used > 0)
			consumed(s, s->paused ? used : part.len);
	}
	lw_lock();
	ended = s->peer_ended && !s->inbox;
	lw_unlock();
	if (!ended || s->told_end || s->paused)
		return;
	s->told_end = true;
	if (s->events.half_closed)
		s->events.half_closed(s->arg);
	if (!s->closed && s->shut)
		finish(s, PONTO_OK);
}

static void connection_made(struct ponto_stream_handle *s)
{
	err_t error = ERR_OK;

	s->connecting = false;
	ponto_timer_set(s->loop, s->timer, PONTO_NEVER);
	lw_lock();
	if (s->shut && s->pcb)
		error = send_end(s);
	s->has_room = true;
	lw_unlock();
	if (error != ERR_OK)
		finish_soon(s, lw_result(error));
	if (s->events.connected)
		s->events.connected(s->arg);
}

static bool has_room(struct ponto_stream_handle *s)
{
	bool tell;

	lw_lock();
	tell = s->want_write && s->has_room && !s->shut && s->pcb;
	if (tell)
		s->want_write = s->has_room = false;
	lw_unlock();
	return tell;
}

static void woken(void *arg, unsigned events)
{
	struct ponto_stream_handle *s = arg;
	bool is_connected;
	err_t error;

	(void)events;
	s->busy++;
	lw_bell_heard(&s->bell);
	lw_lock();
	error = s->error;
	is_connected = s->is_connected;
	lw_unlock();
	if (!s->closing && s->connecting && is_connected)
		connection_made(s);
	if (!s->closed && !s->closing && !s->connecting && error == ERR_OK) {
		if (has_room(s) && s->events.writable)
			s->events.writable(s->arg);
		if (!s->closed && !s->closing)
			drain(s);
	}
	if (!s->closed && !s->closing && error != ERR_OK)
		finish(s, s->connecting && error == ERR_RST ? PONTO_EUNREACH : lw_result(error));
	callback_end(s);
}

static void timer_rang(void *arg)
{
	struct ponto_stream_handle *s = arg;

	s->busy++;
	if (s->closing) {
		finish(s, s->failure);
	} else if (s->connecting) {
		finish(s, PONTO_ETIME);
	} else if (s->resumed) {
		s->resumed = s->paused = false;
		drain(s);
	}
	callback_end(s);
}

/* ---- the contract --------------------------------------------------------------------------------------- */

int lw_wrap(struct lw *lw, struct tcp_pcb *pcb, struct ponto_stream_handle **out)
{
	struct ponto_stream_handle *s = ponto_new(lw->env->alloc, 1, sizeof(*s));

	if (!s)
		return PONTO_ENOMEM;
	s->ops = &lw_stream_ops;
	s->lw = lw;
	s->pcb = pcb;
	s->bell.fd = -1;
	tcp_arg(pcb, s);
	tcp_recv(pcb, received);
	tcp_sent(pcb, acknowledged);
	tcp_err(pcb, lost);
	tcp_nagle_disable(pcb);
	if (lw->settings.keepalive > 0) {
		ip_set_option(pcb, SOF_KEEPALIVE);
		pcb->keep_idle = lw->settings.keepalive * 1000;
	}
	*out = s;
	return PONTO_OK;
}

static int start_watching(struct ponto_stream_handle *s)
{
	struct lw_bell bell;
	int result = ponto_timer_create(s->loop, timer_rang, s, &s->timer);

	if (result == PONTO_OK)
		result = lw_bell_open(&bell, s->loop, woken, s);
	if (result != PONTO_OK)
		return result;
	lw_lock();
	s->bell = bell;
	lw_bell_ring(&s->bell); /* what came before */
	lw_unlock();
	return PONTO_OK;
}

int lw_adopt(struct ponto_stream_handle *s, const struct ponto_stream_events *events, void *arg)
{
	int result;

	if (s->adopted || !events->receive)
		return PONTO_EINVAL;
	s->events = *events;
	s->arg = arg;
	result = start_watching(s);
	s->adopted = result == PONTO_OK;
	return result;
}

/* A new connection from the own address. Under the lock. */
static int begin(struct lw *lw, const struct ponto_addr *peer, struct ponto_stream_handle **out)
{
	struct tcp_pcb *pcb;
	ip_addr_t own, to;
	err_t error;
	int result;

	if (lw->ip.family == PONTO_FAMILY_NONE)
		return PONTO_EUNREACH;
	pcb = tcp_new_ip_type(IPADDR_TYPE_V6);
	if (!pcb)
		return PONTO_ENOMEM;
	lw_to_ip(&lw->ip, &own);
	lw_to_ip(peer, &to);
	tcp_bind_netif(pcb, &lw->netif);
	error = tcp_bind(pcb, &own, 0);
	result = error == ERR_OK ? lw_wrap(lw, pcb, out) : lw_result(error);
	if (result != PONTO_OK) {
		tcp_abort(pcb);
		return result;
	}
	error = tcp_connect(pcb, &to, peer->port, connected);
	return lw_result(error);
}

int lw_connect(void *self, struct ponto_loop *loop, const struct ponto_addr *peer,
	       const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out)
{
	struct ponto_stream_handle *s = NULL;
	struct lw *lw = self;
	int result;

	if (!events->receive || peer->port == 0 || peer->family != PONTO_FAMILY_IPV6)
		return PONTO_EINVAL;
	if (!lw_enter(lw))
		return PONTO_EBUSY;
	lw_lock();
	result = begin(lw, peer, &s);
	lw_unlock();
	if (!s) {
		atomic_fetch_sub(&lw->streams, 1);
		return result;
	}
	s->loop = loop;
	s->events = *events;
	s->arg = arg;
	s->connecting = s->adopted = true;
	if (result == PONTO_OK)
		result = start_watching(s);
	if (result != PONTO_OK) {
		lw_abort(s);
		return result;
	}
	ponto_timer_set(loop, s->timer, ponto_loop_now(loop) + lw->settings.connect_timeout);
	*out = s;
	return PONTO_OK;
}

/* As much as there is room for, in pieces that it takes. Under the lock. */
static size_t put(struct ponto_stream_handle *s, struct ponto_bytes data)
{
	size_t done = 0, room = tcp_sndbuf(s->pcb), len = data.len < room ? data.len : room;

	while (len > 0 && done < data.len) {
		err_t error = tcp_write(s->pcb, data.data + done, (u16_t)len, TCP_WRITE_FLAG_COPY);

		if (error == ERR_OK) {
			done += len;
			room = tcp_sndbuf(s->pcb);
			len = data.len - done < room ? data.len - done : room;
		} else {
			len = error == ERR_MEM ? len / 2 : 0;
		}
	}
	tcp_output(s->pcb);
	return done;
}

int lw_write(struct ponto_stream_handle *s, struct ponto_bytes data, size_t *taken)
{
	size_t done = 0;
	bool gone;

	if (s->shut || s->closing || s->closed)
		return PONTO_ECLOSED;
	lw_lock();
	gone = !s->pcb;
	if (!gone && !s->connecting)
		done = put(s, data);
	if (done < data.len) {
		s->want_write = true;
		s->has_room = false;
	}
	lw_unlock();
	if (gone)
		return PONTO_ECLOSED;
	*taken = done;
	return PONTO_OK;
}

void lw_resume(struct ponto_stream_handle *s)
{
	if (!s->paused || s->closing || s->closed)
		return;
	s->resumed = true;
	ponto_timer_set(s->loop, s->timer, ponto_loop_now(s->loop));
}

int lw_shutdown(struct ponto_stream_handle *s)
{
	err_t error = ERR_OK;

	if (s->shut || s->closing || s->closed)
		return PONTO_ECLOSED;
	lw_lock();
	if (!s->pcb)
		error = ERR_CLSD;
	else if (!s->connecting)
		error = send_end(s);
	if (error == ERR_OK) {
		s->shut = true;
		s->want_write = false;
	}
	lw_unlock();
	if (error == ERR_OK && s->told_end)
		finish_soon(s, PONTO_OK);
	return error == ERR_OK ? PONTO_OK : lw_result(error);
}

int lw_ends(struct ponto_stream_handle *s, struct ponto_addr *local, struct ponto_addr *peer)
{
	int result = PONTO_ECLOSED;

	lw_lock();
	if (!s->connecting && s->pcb) {
		lw_from_ip(&s->pcb->local_ip, s->pcb->local_port, local);
		lw_from_ip(&s->pcb->remote_ip, s->pcb->remote_port, peer);
		result = PONTO_OK;
	}
	lw_unlock();
	return result;
}
