#include "tests/conform/stream_suite.h"

#include "tests/conform/stream_case.h"

#define LARGE (3u << 20)

/* ---- coming about ------------------------------------------------------------------------ */

static bool case_ends(struct stream_case *c)
{
	struct ponto_addr local[2], peer[2];

	TRY(sc_pair(c));
	HOLDS(c->accepted == 1 && c->end[0].connected == 1);
	for (size_t i = 0; i < 2; i++)
		RETURNS(ponto_stream_ends(c->end[i].s, &local[i], &peer[i]), PONTO_OK);
	HOLDS(ponto_addr_equal(&peer[0], &c->at) && ponto_addr_equal(&local[1], &c->at));
	HOLDS(ponto_addr_equal(&local[0], &peer[1]) && ponto_addr_equal(&peer[1], &c->from));
	return true;
}

static bool case_refused(struct stream_case *c)
{
	int result;

	TRY(sc_listen(c));
	ponto_stream_unlisten(c->bed.transport[1], c->listener);
	c->listener = NULL;
	result = sc_connect(c, &c->end[0]);
	if (result == PONTO_OK) {
		UNTIL(c->end[0].closed);
		result = c->end[0].result;
	}
	RETURNS(result, PONTO_EUNREACH);
	HOLDS(c->end[0].connected == 0 && c->accepted == 0);
	return true;
}

static bool case_refusals(struct stream_case *c)
{
	struct ponto_stream_events none = {0};
	struct ponto_addr odd;

	TRY(sc_listen(c));
	RETURNS(ponto_stream_connect(c->bed.transport[0], c->bed.loop[0], &c->at, &none, NULL, &c->end[0].s), PONTO_EINVAL);
	odd = c->at;
	c->at.port = 0;
	RETURNS(sc_connect(c, &c->end[0]), PONTO_EINVAL);
	c->at = odd;
	c->at.family = PONTO_FAMILY_NONE;
	RETURNS(sc_connect(c, &c->end[0]), PONTO_EINVAL);
	HOLDS(c->end[0].s.handle == NULL && c->end[0].callbacks == 0);
	return true;
}

static void unwanted(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer)
{
	(void)arg;
	(void)stream;
	(void)peer;
}

static bool case_listening(struct stream_case *c)
{
	struct ponto_listener_handle *other = NULL;
	struct ponto_addr odd = {.family = PONTO_FAMILY_NONE};
	struct ponto_transport t = c->bed.transport[1];
	struct ponto_loop *loop = c->bed.loop[1];

	TRY(sc_listen(c));
	RETURNS(ponto_stream_listen(t, loop, &c->at, unwanted, NULL, &other), PONTO_EEXIST);
	RETURNS(ponto_stream_listen(t, loop, &odd, unwanted, NULL, &other), PONTO_EINVAL);
	RETURNS(ponto_stream_listen(t, loop, &c->at, NULL, NULL, &other), PONTO_EINVAL);
	RETURNS(ponto_stream_listen(t, loop, &c->bed.foreign, unwanted, NULL, &other), PONTO_ENOENT);
	HOLDS(other == NULL);
	/* Afterwards the port is free. */
	ponto_stream_unlisten(t, c->listener);
	c->listener = NULL;
	RETURNS(ponto_stream_listen(t, loop, &c->at, unwanted, NULL, &other), PONTO_OK);
	ponto_stream_unlisten(t, other);
	ponto_stream_unlisten(t, NULL);
	return true;
}

static bool case_not_adopted(struct stream_case *c)
{
	c->refuse = true;
	TRY(sc_listen(c));
	RETURNS(sc_connect(c, &c->end[0]), PONTO_OK);
	UNTIL(c->end[0].closed);
	RETURNS(c->end[0].result, PONTO_ECLOSED);
	HOLDS(c->accepted == 1 && c->end[1].callbacks == 0);
	return true;
}

static bool case_unlisten_inside(struct stream_case *c)
{
	int result;

	c->unlisten = true;
	TRY(sc_pair(c));
	sc_push(&c->end[0], 1000);
	UNTIL(c->end[1].received == 1000);
	result = sc_connect(c, &c->many[0]);
	if (result == PONTO_OK) {
		UNTIL(c->many[0].closed);
		result = c->many[0].result;
	}
	RETURNS(result, PONTO_EUNREACH);
	HOLDS(c->accepted == 1);
	return true;
}

static bool case_early(struct stream_case *c)
{
	struct ponto_addr local, peer;

	TRY(sc_listen(c));
	RETURNS(sc_connect(c, &c->end[0]), PONTO_OK);
	RETURNS(ponto_stream_ends(c->end[0].s, &local, &peer), PONTO_ECLOSED);
	sc_push(&c->end[0], 100);
	HOLDS(c->end[0].written == 0);
	UNTIL(c->end[1].received == 100);
	HOLDS(c->end[0].writable == 1 && c->end[0].connected == 1);
	return true;
}

static bool case_early_end(struct stream_case *c)
{
	TRY(sc_listen(c));
	RETURNS(sc_connect(c, &c->end[0]), PONTO_OK);
	RETURNS(sc_shutdown(&c->end[0]), PONTO_OK);
	UNTIL(c->end[1].half_closed);
	HOLDS(c->end[1].received == 0);
	c->end[1].shut_after = true;
	sc_push(&c->end[1], 10);
	UNTIL(c->end[0].closed && c->end[1].closed);
	HOLDS(c->end[0].connected == 1 && c->end[0].received == 10);
	RETURNS(c->end[0].result, PONTO_OK);
	RETURNS(c->end[1].result, PONTO_OK);
	return true;
}

/* ---- bytes ------------------------------------------------------------------------------------ */

static bool case_bytes(struct stream_case *c)
{
	size_t taken = 9;

	TRY(sc_pair(c));
	RETURNS(ponto_stream_write(c->end[0].s, ponto_bytes(NULL, 0), &taken), PONTO_OK);
	HOLDS(taken == 0);
	sc_push(&c->end[0], 1);
	UNTIL(c->end[1].received == 1);
	sc_push(&c->end[1], 17);
	UNTIL(c->end[0].received == 17);
	sc_push(&c->end[0], 18);
	UNTIL(c->end[1].received == 18);
	HOLDS(c->end[0].writable == 0 && c->end[1].writable == 0);
	return true;
}

static bool case_large(struct stream_case *c)
{
	TRY(sc_pair(c));
	sc_push(&c->end[0], LARGE);
	sc_push(&c->end[1], LARGE + 1);
	UNTIL(c->end[1].received == LARGE && c->end[0].received == LARGE + 1);
	return true;
}

static bool case_flow(struct stream_case *c)
{
	uint64_t before;

	TRY(sc_pair(c));
	c->end[1].appetite = 0;
	/* More than any buffers may hold. */
	sc_push(&c->end[0], 64u << 20);
	UNTIL(c->end[1].callbacks > 0);
	TRY(sc_settle(c));
	before = c->end[0].written;
	HOLDS(before < 64u << 20 && c->end[1].received == 0 && c->end[1].callbacks == 1);
	c->end[0].to_write = before + LARGE;
	sc_resume(&c->end[1], SIZE_MAX);
	UNTIL(c->end[1].received == before + LARGE);
	HOLDS(c->end[0].writable > 0);
	return true;
}

static bool case_sips(struct stream_case *c)
{
	size_t sip = 1;

	TRY(sc_pair(c));
	c->end[1].appetite = 1;
	c->end[0].shut_after = true;
	sc_push(&c->end[0], 3000);
	while (c->end[1].received < 3000) {
		uint64_t before = c->end[1].received;

		UNTIL(c->end[1].received > before);
		HOLDS(c->end[1].received == 3000 || c->end[1].half_closed == 0);
		sip = sip % 61 + 1;
		sc_resume(&c->end[1], sip);
		/* A second one changes nothing. */
		sc_resume(&c->end[1], sip);
	}
	UNTIL(c->end[1].half_closed);
	return true;
}

static bool case_many(struct stream_case *c)
{
	c->use_many = true;
	TRY(sc_listen(c));
	for (size_t i = 0; i < CASE_MANY; i++)
		RETURNS(sc_connect(c, &c->many[i]), PONTO_OK);
	UNTIL(c->accepted == CASE_MANY);
	for (size_t i = 0; i < CASE_MANY; i++) {
		struct end *there = &c->many[CASE_MANY + i];

		UNTIL(c->many[i].connected);
		c->many[i].shut_after = there->shut_after = true;
		sc_push(&c->many[i], 30000);
		sc_push(there, 30000);
	}
	for (size_t i = 0; i < CASE_MANY * 2; i++) {
		UNTIL(c->many[i].closed);
		RETURNS(c->many[i].result, PONTO_OK);
		HOLDS(c->many[i].received == 30000 && c->many[i].half_closed == 1);
	}
	return true;
}

/* ---- ending ---------------------------------------------------------------------------------------- */

static bool case_half_close(struct stream_case *c)
{
	size_t taken;

	TRY(sc_pair(c));
	c->end[0].shut_after = true;
	sc_push(&c->end[0], 70000);
	UNTIL(c->end[1].half_closed);
	HOLDS(c->end[1].received == 70000 && c->end[0].closed == 0 && c->end[1].closed == 0);
	RETURNS(ponto_stream_write(c->end[0].s, ponto_bytes("x", 1), &taken), PONTO_ECLOSED);
	RETURNS(sc_shutdown(&c->end[0]), PONTO_ECLOSED);
	/* The other direction goes on. */
	c->end[1].shut_after = true;
	sc_push(&c->end[1], LARGE);
	UNTIL(c->end[0].closed && c->end[1].closed);
	HOLDS(c->end[0].received == LARGE && c->end[0].half_closed == 1);
	RETURNS(c->end[0].result, PONTO_OK);
	RETURNS(c->end[1].result, PONTO_OK);
	return true;
}

static bool case_both_end(struct stream_case *c)
{
	TRY(sc_pair(c));
	RETURNS(sc_shutdown(&c->end[0]), PONTO_OK);
	RETURNS(sc_shutdown(&c->end[1]), PONTO_OK);
	UNTIL(c->end[0].closed && c->end[1].closed);
	for (size_t i = 0; i < 2; i++) {
		RETURNS(c->end[i].result, PONTO_OK);
		HOLDS(c->end[i].half_closed == 1);
	}
	TRY(sc_settle(c));
	HOLDS(c->end[0].closed == 1 && c->end[1].closed == 1);
	return true;
}

static bool case_broken_off(struct stream_case *c)
{
	TRY(sc_pair(c));
	sc_push(&c->end[0], 1000);
	UNTIL(c->end[1].received == 1000);
	sc_abort(&c->end[0]);
	UNTIL(c->end[1].closed);
	RETURNS(c->end[1].result, PONTO_ECLOSED);
	HOLDS(c->end[1].half_closed == 0);
	TRY(sc_settle(c));
	ponto_stream_abort(&c->end[0].s);
	return true;
}

/* Also when the other side has sent its end, and what was sent waits to be read. */
static bool case_broken_off_later(struct stream_case *c)
{
	TRY(sc_pair(c));
	RETURNS(sc_shutdown(&c->end[1]), PONTO_OK);
	UNTIL(c->end[0].half_closed);
	sc_push(&c->end[0], 1000);
	UNTIL(c->end[1].received == 1000);
	sc_abort(&c->end[0]);
	UNTIL(c->end[1].closed);
	RETURNS(c->end[1].result, PONTO_ECLOSED);
	return true;
}

static bool abort_inside(struct stream_case *c, enum stream_moment moment)
{
	struct end *end = &c->end[0];
	size_t callbacks;

	end->abort_at = moment;
	TRY(sc_listen(c));
	RETURNS(sc_connect(c, end), PONTO_OK);
	if (moment == MOMENT_WRITABLE)
		sc_push(end, 1);
	UNTIL(c->end[1].s.handle || end->gone);
	if (moment == MOMENT_RECEIVE || moment == MOMENT_HALF_CLOSED) {
		c->end[1].shut_after = moment == MOMENT_HALF_CLOSED;
		sc_push(&c->end[1], 500000);
	}
	UNTIL(end->gone);
	callbacks = end->callbacks;
	TRY(sc_settle(c));
	HOLDS(end->callbacks == callbacks && end->closed == 0);
	return true;
}

static bool case_abort_in_connected(struct stream_case *c)
{
	return abort_inside(c, MOMENT_CONNECTED);
}

static bool case_abort_in_receive(struct stream_case *c)
{
	return abort_inside(c, MOMENT_RECEIVE);
}

static bool case_abort_in_half_closed(struct stream_case *c)
{
	return abort_inside(c, MOMENT_HALF_CLOSED);
}

static bool case_abort_in_writable(struct stream_case *c)
{
	return abort_inside(c, MOMENT_WRITABLE);
}

/* With a call still owed: what resume and shutdown left to do never comes. */
static bool case_abort_owed(struct stream_case *c)
{
	size_t callbacks;

	TRY(sc_pair(c));
	c->end[1].appetite = 0;
	sc_push(&c->end[0], 1000);
	UNTIL(c->end[1].callbacks > 0);
	sc_resume(&c->end[1], SIZE_MAX);
	callbacks = c->end[1].callbacks;
	sc_abort(&c->end[1]);
	UNTIL(c->end[0].closed);
	RETURNS(c->end[0].result, PONTO_ECLOSED);
	HOLDS(c->end[1].callbacks == callbacks);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct stream_case *c);
} cases[] = {
	{"both ends", case_ends},
	{"refused", case_refused},
	{"refusals", case_refusals},
	{"listening", case_listening},
	{"not adopted", case_not_adopted},
	{"unlisten inside", case_unlisten_inside},
	{"write early", case_early},
	{"end early", case_early_end},
	{"bytes", case_bytes},
	{"large", case_large},
	{"flow control", case_flow},
	{"sips", case_sips},
	{"many streams", case_many},
	{"half close", case_half_close},
	{"both end", case_both_end},
	{"broken off", case_broken_off},
	{"broken off later", case_broken_off_later},
	{"abort in connected", case_abort_in_connected},
	{"abort in receive", case_abort_in_receive},
	{"abort in half_closed", case_abort_in_half_closed},
	{"abort in writable", case_abort_in_writable},
	{"abort with calls owed", case_abort_owed},
};

size_t stream_suite_count(void)
{
	return PONTO_ARRAY_SIZE(cases);
}

const char *stream_suite_name(size_t index)
{
	return cases[index].name;
}

bool stream_suite_run(size_t index, const struct stream_subject *subject, char *why, size_t why_size)
{
	return stream_case_run(cases[index].run, subject, why, why_size);
}
