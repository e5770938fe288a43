#include "tests/conform/stream_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A limit on hanging, not on speed. */
#define GUARD_TIME (30 * PONTO_SECOND)
#define SETTLE_TIME (50 * PONTO_MS)

bool stream_case_fail(struct stream_case *c, const char *file, int line, const char *text, int got, int want)
{
	if (want == got)
		snprintf(c->why, c->why_size, "%s:%d: %s does not hold", file, line, text);
	else
		snprintf(c->why, c->why_size, "%s:%d: %s is %d (%s), not %d (%s)", file, line, text, got,
			 ponto_strerror(got), want, ponto_strerror(want));
	return false;
}

static uint8_t pattern_at(uint64_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 8) * 13 + (offset >> 16));
}

/* ---- callbacks ---------------------------------------------------------------------------- */

/* Every callback begins so. */
static void note(struct end *end)
{
	end->callbacks++;
	if (end->calling || end->gone)
		end->wrong = true;
	ponto_loop_stop(end->c->bed.loop[0]);
}

static void maybe_abort(struct end *end, enum stream_moment now)
{
	if (end->abort_at == now)
		sc_abort(end);
}

static void push(struct end *end)
{
	uint8_t bytes[20000];

	while (end->s.handle && end->written < end->to_write) {
		uint64_t left = end->to_write - end->written;
		size_t len = left < sizeof(bytes) ? (size_t)left : sizeof(bytes), taken = len + 1;
		int result;

		for (size_t i = 0; i < len; i++)
			bytes[i] = pattern_at(end->written + i);
		end->calling = true;
		result = ponto_stream_write(end->s, ponto_bytes(bytes, len), &taken);
		end->calling = false;
		if (result != PONTO_OK)
			return;
		if (taken > len)
			end->wrong = true;
		end->written += taken;
		if (taken < len)
			return;
	}
	if (end->shut_after && end->s.handle) {
		end->shut_after = false;
		if (sc_shutdown(end) != PONTO_OK)
			end->wrong = true;
	}
}

static void connected(void *arg)
{
	struct end *end = arg;

	note(end);
	if (end->connected++ > 0 || end->received > 0)
		end->wrong = true;
	maybe_abort(end, MOMENT_CONNECTED);
}

static size_t receive(void *arg, struct ponto_bytes data)
{
	struct end *end = arg;
	size_t used = data.len < end->appetite ? data.len : end->appetite;

	note(end);
	if (data.len == 0 || end->half_closed)
		end->wrong = true;
	for (size_t i = 0; i < data.len; i++) {
		if (data.data[i] != pattern_at(end->received + i))
			end->wrong = true;
	}
	end->received += used;
	maybe_abort(end, MOMENT_RECEIVE);
	return used;
}

static void half_closed(void *arg)
{
	struct end *end = arg;

	note(end);
	if (end->half_closed++ > 0)
		end->wrong = true;
	maybe_abort(end, MOMENT_HALF_CLOSED);
}

static void writable(void *arg)
{
	struct end *end = arg;

	note(end);
	end->writable++;
	maybe_abort(end, MOMENT_WRITABLE);
	push(end);
}

static void closed(void *arg, int result)
{
	struct end *end = arg;

	note(end);
	end->closed++;
	end->result = result;
	end->gone = true;
	end->s.handle = NULL;
}

static const struct ponto_stream_events events = {
	.connected = connected, .receive = receive, .half_closed = half_closed, .writable = writable, .closed = closed};

static void accepted(void *arg, struct ponto_stream_handle *handle, const struct ponto_addr *peer)
{
	struct stream_case *c = arg;
	struct end *end = c->use_many ? &c->many[CASE_MANY + c->accepted % CASE_MANY] : &c->end[1];

	c->from = *peer;
	c->accepted++;
	ponto_loop_stop(c->bed.loop[0]);
	if (c->unlisten) {
		ponto_stream_unlisten(c->bed.transport[1], c->listener);
		c->listener = NULL;
	}
	if (c->refuse || end->s.handle)
		return;
	if (ponto_stream_adopt(c->bed.transport[1], handle, &events, end, &end->s) != PONTO_OK)
		end->wrong = true;
}

/* ---- what cases do ---------------------------------------------------------------------------- */

bool sc_listen(struct stream_case *c)
{
	int result;

	RETURNS(ponto_stream_listen(c->bed.transport[1], c->bed.loop[1], &c->bed.local[1], accepted, c, &c->listener),
		PONTO_OK);
	result = ponto_stream_listening(c->bed.transport[1], c->listener, &c->at);
	RETURNS(result, PONTO_OK);
	HOLDS(c->at.port != 0 && ponto_addr_same_host(&c->at, &c->bed.local[1]));
	return true;
}

int sc_connect(struct stream_case *c, struct end *end)
{
	int result;

	end->calling = true;
	result = ponto_stream_connect(c->bed.transport[0], c->bed.loop[0], &c->at, &events, end, &end->s);
	end->calling = false;
	return result;
}

bool sc_pair(struct stream_case *c)
{
	TRY(sc_listen(c));
	RETURNS(sc_connect(c, &c->end[0]), PONTO_OK);
	UNTIL(c->end[0].connected && c->end[1].s.handle);
	HOLDS(c->end[0].closed == 0 && c->end[1].connected == 0);
	return true;
}

void sc_push(struct end *end, uint64_t to_write)
{
	end->to_write = to_write;
	push(end);
}

int sc_shutdown(struct end *end)
{
	int result;

	end->calling = true;
	result = ponto_stream_shutdown(end->s);
	end->calling = false;
	return result;
}

void sc_resume(struct end *end, size_t appetite)
{
	end->appetite = appetite;
	end->calling = true;
	ponto_stream_resume(end->s);
	end->calling = false;
}

void sc_abort(struct end *end)
{
	ponto_stream_abort(&end->s);
	end->gone = true;
}

static void guard_rang(void *arg)
{
	struct stream_case *c = arg;

	c->timed_out = true;
	ponto_loop_stop(c->bed.loop[0]);
}

static bool run(struct stream_case *c, uint64_t limit)
{
	c->timed_out = false;
	ponto_timer_set(c->bed.loop[0], c->guard, ponto_loop_now(c->bed.loop[0]) + limit);
	RETURNS(ponto_loop_run(c->bed.loop[0]), PONTO_OK);
	ponto_timer_set(c->bed.loop[0], c->guard, PONTO_NEVER);
	return true;
}

bool sc_run(struct stream_case *c)
{
	return run(c, GUARD_TIME);
}

bool sc_settle(struct stream_case *c)
{
	do {
		TRY(run(c, SETTLE_TIME));
	} while (!c->timed_out);
	return true;
}

static bool prepare(struct stream_case *c, const struct stream_subject *subject)
{
	for (size_t i = 0; i < 2; i++) {
		c->end[i].c = c;
		c->end[i].appetite = SIZE_MAX;
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(c->many); i++) {
		c->many[i].c = c;
		c->many[i].appetite = SIZE_MAX;
	}
	RETURNS(subject->open(subject->ctx, &c->bed), PONTO_OK);
	return true;
}

static bool all_right(struct stream_case *c)
{
	for (size_t i = 0; i < 2; i++)
		HOLDS(!c->end[i].wrong);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(c->many); i++)
		HOLDS(!c->many[i].wrong);
	return true;
}

bool stream_case_run(bool (*run_case)(struct stream_case *c), const struct stream_subject *subject, char *why,
		     size_t why_size)
{
	struct stream_case *c = calloc(1, sizeof(*c));
	bool holds = false;

	snprintf(why, why_size, "no reason given");
	if (!c)
		return false;
	c->why = why;
	c->why_size = why_size;
	if (!prepare(c, subject)) {
		free(c);
		return false;
	}
	if (ponto_timer_create(c->bed.loop[0], guard_rang, c, &c->guard) == PONTO_OK)
		holds = run_case(c) && all_right(c);
	for (size_t i = 0; i < 2; i++)
		ponto_stream_abort(&c->end[i].s);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(c->many); i++)
		ponto_stream_abort(&c->many[i].s);
	ponto_stream_unlisten(c->bed.transport[1], c->listener);
	ponto_timer_destroy(c->bed.loop[0], c->guard);
	subject->close(subject->ctx, &c->bed);
	free(c);
	return holds;
}
