#include "plugins/transport-sim/sim_stream.h"

#include <string.h>

static const struct ponto_bytes nothing;

static struct sim_streams *streams_of(const struct ponto_stream_handle *s)
{
	return s->connection->streams;
}

int sim_stream_new(struct sim_connection *c, unsigned side, const struct ponto_alloc *alloc, struct ponto_loop *loop,
		   struct ponto_stream_handle **out)
{
	struct ponto_stream_handle *s = ponto_new(alloc, 1, sizeof(*s));

	if (!s)
		return PONTO_ENOMEM;
	s->connection = c;
	s->alloc = alloc;
	s->i = side;
	s->loop = loop;
	c->side[side].handle = s;
	*out = s;
	return PONTO_OK;
}

/* ---- the end of a stream --------------------------------------------------------------------- */

static void callback_end(struct ponto_stream_handle *s)
{
	if (--s->busy == 0 && s->closed)
		ponto_free(s->alloc, s);
}

static void release(struct ponto_stream_handle *s, bool reset)
{
	struct sim_connection *c = s->connection;

	s->closed = true;
	ponto_sim_cancel(c->streams->sim, s->soon);
	sim_segments_free(c->streams->alloc, s->inbox);
	s->inbox = NULL;
	c->side[s->i].handle = NULL;
	/* Without memory for it the other side hears nothing, as of a host that went down. */
	if (reset) {
		int told = sim_flow_send(c, s->i, SIM_RESET, nothing, 0);

		(void)told;
	}
	sim_connection_check(c);
}

/* reset: the other side does not know yet. */
static void finish(struct ponto_stream_handle *s, int result, bool reset)
{
	if (s->closed)
		return;
	release(s, reset);
	if (s->events.closed)
		s->events.closed(s->arg, result);
}

void sim_abort(struct ponto_stream_handle *s)
{
	s->busy++;
	if (!s->closed)
		release(s, !(s->shut && s->told_end));
	callback_end(s);
}

/* ---- what comes ------------------------------------------------------------------------------- */

/* Tells the other side how much room there is again. */
static void give_credit(struct ponto_stream_handle *s, size_t len)
{
	if (len > 0 && sim_flow_send(s->connection, s->i, SIM_CREDIT, nothing, len) != PONTO_OK)
		finish(s, PONTO_ENOMEM, true);
}

static void drain(struct ponto_stream_handle *s)
{
	while (s->inbox && !s->paused && !s->closed) {
		struct sim_segment *first = s->inbox;
		size_t left = first->len - first->used;
		size_t used = s->events.receive(s->arg, ponto_bytes(first->data + first->used, left));

		if (s->closed)
			return;
		s->paused = used < left;
		first->used += s->paused ? used : left;
		if (!s->paused) {
			s->inbox = first->next;
			ponto_free(streams_of(s)->alloc, first);
		}
		give_credit(s, s->paused ? used : left);
	}
	if (s->closed || s->inbox || !s->peer_ended || s->told_end)
		return;
	s->told_end = true;
	if (s->events.half_closed)
		s->events.half_closed(s->arg);
	if (!s->closed && s->shut)
		finish(s, PONTO_OK, false);
}

static void opened(struct ponto_stream_handle *s)
{
	s->connecting = false;
	if (s->events.connected)
		s->events.connected(s->arg);
	if (s->closed || !s->want_write)
		return;
	s->want_write = false;
	if (s->events.writable)
		s->events.writable(s->arg);
}

static void credited(struct ponto_stream_handle *s, size_t len)
{
	s->connection->flow[s->i].outstanding -= len;
	if (!s->want_write || s->connecting)
		return;
	s->want_write = false;
	if (s->events.writable)
		s->events.writable(s->arg);
}

static void take(struct ponto_stream_handle *s, struct sim_segment *segment)
{
	struct sim_streams *streams = streams_of(s);

	ponto_sim_trace(streams->sim, s->connection->side[s->i].node, "stream", ponto_bytes(segment->data, segment->len));
	if (s->inbox)
		s->inbox_last->next = segment;
	else
		s->inbox = segment;
	s->inbox_last = segment;
	drain(s);
}

void sim_stream_arrived(struct sim_connection *c, unsigned to, struct sim_segment *segment)
{
	struct ponto_stream_handle *s = c->side[to].handle;
	enum sim_segment_kind kind = segment->kind;
	size_t len = segment->len;

	if (s && kind == SIM_DATA && !s->closing) {
		s->busy++;
		take(s, segment);
		callback_end(s);
		return;
	}
	ponto_free(c->streams->alloc, segment);
	if (kind == SIM_OPEN)
		sim_listener_open(c);
	if (!s || s->closing)
		return;
	s->busy++;
	if (kind == SIM_OPENED) {
		opened(s);
	} else if (kind == SIM_CREDIT) {
		credited(s, len);
	} else if (kind == SIM_END) {
		s->peer_ended = true;
		drain(s);
	} else if (kind == SIM_RESET || kind == SIM_REFUSED) {
		finish(s, kind == SIM_RESET ? PONTO_ECLOSED : PONTO_EUNREACH, false);
	}
	callback_end(s);
}

void sim_stream_timed_out(struct sim_connection *c, unsigned from)
{
	struct ponto_stream_handle *s = c->side[from].handle;

	sim_segments_free(c->streams->alloc, c->flow[from].head);
	c->flow[from].head = NULL;
	if (!s)
		return;
	s->busy++;
	finish(s, PONTO_ETIME, false);
	callback_end(s);
}

/* ---- the contract ------------------------------------------------------------------------------ */

static void owed(void *arg)
{
	struct ponto_stream_handle *s = arg;

	s->soon = 0;
	s->busy++;
	if (s->closing) {
		finish(s, s->failure, false);
	} else if (s->resumed) {
		s->resumed = s->paused = false;
		drain(s);
	}
	callback_end(s);
}

static bool owe(struct ponto_stream_handle *s)
{
	struct ponto_sim *sim = streams_of(s)->sim;

	if (!s->soon)
		s->soon = ponto_sim_at(sim, ponto_sim_now(sim), owed, s);
	return s->soon != 0;
}

int sim_adopt(struct ponto_stream_handle *s, const struct ponto_stream_events *events, void *arg)
{
	if (s->adopted || !events->receive)
		return PONTO_EINVAL;
	s->events = *events;
	s->arg = arg;
	s->adopted = true;
	return PONTO_OK;
}

int sim_write(struct ponto_stream_handle *s, struct ponto_bytes data, size_t *taken)
{
	struct sim_flow *flow = &s->connection->flow[s->i];
	size_t room = s->connecting ? 0 : SIM_WINDOW - flow->outstanding;
	size_t len = data.len < room ? data.len : room;
	int result = PONTO_OK;

	if (s->shut || s->closing || s->closed)
		return PONTO_ECLOSED;
	if (len > 0)
		result = sim_flow_send(s->connection, s->i, SIM_DATA, ponto_bytes(data.data, len), len);
	if (result != PONTO_OK)
		return result;
	flow->outstanding += len;
	if (len < data.len)
		s->want_write = true;
	*taken = len;
	return PONTO_OK;
}

void sim_resume(struct ponto_stream_handle *s)
{
	if (s->paused && !s->closing && !s->closed)
		s->resumed = owe(s);
}

int sim_shutdown(struct ponto_stream_handle *s)
{
	int result;

	if (s->shut || s->closing || s->closed)
		return PONTO_ECLOSED;
	if (s->told_end && !owe(s))
		return PONTO_ENOMEM;
	result = sim_flow_send(s->connection, s->i, SIM_END, nothing, 0);
	if (result != PONTO_OK)
		return result;
	s->shut = true;
	s->want_write = false;
	s->closing = s->told_end;
	return PONTO_OK;
}

int sim_ends(struct ponto_stream_handle *s, struct ponto_addr *local, struct ponto_addr *peer)
{
	if (s->connecting || s->closed)
		return PONTO_ECLOSED;
	*local = s->connection->side[s->i].addr;
	*peer = s->connection->side[1 - s->i].addr;
	return PONTO_OK;
}
