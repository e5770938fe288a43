#include "tests/conform/transport_case.h"

#include <stdio.h>
#include <string.h>

/* A limit on hanging, not on speed. */
#define GUARD_TIME (20 * PONTO_SECOND)
#define SETTLE_TIME (50 * PONTO_MS)

bool transport_case_fail(struct transport_case *c, const char *file, int line, const char *text, int got, int want)
{
	if (want == got)
		snprintf(c->why, c->why_size, "%s:%d: %s does not hold", file, line, text);
	else
		snprintf(c->why, c->why_size, "%s:%d: %s is %d (%s), not %d (%s)", file, line, text, got,
			 ponto_strerror(got), want, ponto_strerror(want));
	return false;
}

static void record(struct end *end, const struct ponto_datagram *d)
{
	uint32_t number;

	end->last = *d;
	end->last_len = d->data.len;
	memset(end->head, 0, sizeof(end->head));
	if (d->data.len > 0)
		memcpy(end->head, d->data.data, d->data.len < sizeof(end->head) ? d->data.len : sizeof(end->head));
	end->last.data = ponto_bytes(end->head, d->data.len < sizeof(end->head) ? d->data.len : sizeof(end->head));
	memcpy(&number, end->head, sizeof(number));
	if (d->data.len >= sizeof(number) && number != end->received)
		end->out_of_order = true;
	end->received++;
}

static void answer(struct end *end, const struct ponto_datagram *d)
{
	struct ponto_datagram reply = {.peer = d->peer, .local = d->local, .data = d->data};
	size_t sent;

	if (ponto_datagrams_send(end->d, &reply, 1, &sent) != PONTO_OK)
		end->out_of_order = true;
}

static void receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct end *end = arg;

	end->callbacks++;
	if (count > end->largest_batch)
		end->largest_batch = count;
	for (size_t i = 0; i < count; i++) {
		record(end, &batch[i]);
		if (end->echo)
			answer(end, &batch[i]);
	}
	if (end->close_in_callback)
		ponto_datagrams_close(&end->d);
	if (end->received >= end->goal)
		ponto_loop_stop(end->c->bed.loop[0]);
}

int case_open(struct transport_case *c, size_t i)
{
	struct ponto_datagram_want want = {.scope = c->bed.scope, .port = c->bed.port[i]};
	struct ponto_datagram_events events = {.receive = receive};

	return ponto_datagrams_open(c->bed.transport[i], c->bed.loop[i], &want, &events, &c->end[i], &c->end[i].d);
}

bool case_open_both(struct transport_case *c)
{
	RETURNS(case_open(c, 0), PONTO_OK);
	RETURNS(case_open(c, 1), PONTO_OK);
	return true;
}

bool case_address(struct transport_case *c, size_t i, struct ponto_addr *out)
{
	size_t count;

	RETURNS(ponto_datagrams_local(c->end[i].d, out, 1, &count), PONTO_OK);
	HOLDS(count >= 1);
	return true;
}

static void guard_rang(void *arg)
{
	struct transport_case *c = arg;

	c->timed_out = true;
	ponto_loop_stop(c->bed.loop[0]);
}

static bool run(struct transport_case *c, uint64_t limit)
{
	c->timed_out = false;
	ponto_timer_set(c->bed.loop[0], c->guard, ponto_loop_now(c->bed.loop[0]) + limit);
	RETURNS(ponto_loop_run(c->bed.loop[0]), PONTO_OK);
	ponto_timer_set(c->bed.loop[0], c->guard, PONTO_NEVER);
	return true;
}

bool case_wait(struct transport_case *c, size_t i, size_t total)
{
	struct end *end = &c->end[i];

	end->goal = total;
	while (end->received < total) {
		TRY(run(c, GUARD_TIME));
		HOLDS(!c->timed_out);
	}
	end->goal = SIZE_MAX;
	return true;
}

bool case_settle(struct transport_case *c)
{
	TRY(run(c, SETTLE_TIME));
	return true;
}

bool case_send(struct transport_case *c, size_t from, const struct ponto_datagram *batch, size_t count)
{
	for (size_t done = 0, sent; done < count; done += sent) {
		sent = count + 1;
		RETURNS(ponto_datagrams_send(c->end[from].d, batch + done, count - done, &sent), PONTO_OK);
		HOLDS(sent <= count - done);
		if (sent == 0)
			TRY(case_settle(c));
	}
	return true;
}

static bool prepare(struct transport_case *c, const struct transport_subject *subject)
{
	for (size_t i = 0; i < 2; i++) {
		c->end[i].c = c;
		c->end[i].goal = SIZE_MAX;
	}
	RETURNS(subject->open(subject->ctx, &c->bed), PONTO_OK);
	return true;
}

bool transport_case_run(bool (*run_case)(struct transport_case *c), const struct transport_subject *subject, char *why,
			size_t why_size)
{
	struct transport_case c = {.why = why, .why_size = why_size};
	bool holds;

	snprintf(why, why_size, "no reason given");
	if (!prepare(&c, subject))
		return false;
	holds = ponto_timer_create(c.bed.loop[0], guard_rang, &c, &c.guard) == PONTO_OK && run_case(&c);
	for (size_t i = 0; i < 2; i++)
		ponto_datagrams_close(&c.end[i].d);
	ponto_timer_destroy(c.bed.loop[0], c.guard);
	subject->close(subject->ctx, &c.bed);
	return holds;
}
