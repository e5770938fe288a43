/* The broker's decisions without sockets: limits, deadlines, malformed messages, ends of clients. */
#include "tests/support/test.h"

#include <stdio.h>

#include "framework/bus_private.h"

#define OUT_MAX 2048

struct sent {
	uint8_t route;
	bool delimiter;
	uint64_t id;
	int result;
	char error[128];
};

/* A world of one component ("svc", port 0) that keeps its calls until the test answers. */
struct world {
	struct ponto_test_clock clock;
	struct bus_core *core;
	const struct ponto_alloc *alloc;
	struct sent sent[OUT_MAX];
	size_t sent_count;
	struct bus_call *calls[OUT_MAX];
	size_t call_count;
	uint64_t gone[64];
	size_t gone_count;
	int client_result, watch_result;
	int watches;
	unsigned port;
};

static int send_client(void *arg, bool remote, struct ponto_bytes route, bool delimiter, struct ponto_bytes envelope)
{
	struct world *w = arg;
	struct sent *s = &w->sent[w->sent_count];
	Ponto__Bus__V1__Reply *reply = ponto__bus__v1__reply__unpack(NULL, envelope.len, envelope.data);

	(void)remote;
	assert_non_null(reply);
	assert_true(w->sent_count < OUT_MAX);
	s->route = route.data[0];
	s->delimiter = delimiter;
	s->id = reply->id;
	s->result = reply->result;
	snprintf(s->error, sizeof(s->error), "%s", reply->error ? reply->error : "");
	ponto__bus__v1__reply__free_unpacked(reply, NULL);
	w->sent_count++;
	return w->client_result;
}

static void send_port(void *arg, unsigned port, struct bus_item *item)
{
	struct world *w = arg;

	assert_int_equal(port, w->port);
	if (item->kind == BUS_ITEM_CALL) {
		w->calls[w->call_count++] = (struct bus_call *)item;
	} else {
		assert_int_equal(item->kind, BUS_ITEM_GONE);
		w->gone[w->gone_count++] = item->client;
		bus_item_free(w->alloc, item);
	}
}

static int begin_watch(void *arg, uint64_t client, const struct bus_peer *peer, int *watch)
{
	struct world *w = arg;

	(void)client;
	assert_true(peer->pid > 0);
	if (w->watch_result)
		return w->watch_result;
	*watch = 1000 + w->watches++;
	return PONTO_OK;
}

static void end_watch(void *arg, int watch)
{
	struct world *w = arg;

	assert_true(watch >= 1000);
	w->watches--;
}

static const struct bus_core_ops ops = {send_client, send_port, begin_watch, end_watch};

static int world_create(struct world *w, const struct ponto_alloc *alloc)
{
	struct bus_core_setup setup = {&ops, w, alloc, &w->clock.clock, NULL, NULL};
	int result;

	memset(w, 0, sizeof(*w));
	w->alloc = alloc;
	ponto_test_clock_init(&w->clock);
	result = bus_core_create(&setup, &w->core);
	return result ? result : bus_core_attach(w->core, "svc", &w->port);
}

static void drop_calls(struct world *w)
{
	while (w->call_count > 0)
		bus_item_free(w->alloc, &w->calls[--w->call_count]->item);
}

static void world_destroy(struct world *w)
{
	drop_calls(w);
	bus_core_destroy(w->core);
	assert_int_equal(w->watches, 0);
}

static int setup(void **state)
{
	struct world *w = malloc(sizeof(*w));

	assert_ok(world_create(w, &ponto_alloc_system));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_destroy(*state);
	free(*state);
	return 0;
}

static struct bus_peer peer_of(uint8_t route)
{
	struct bus_peer peer = {.uid = 1000, .pid = 100 + route, .fd = 10 + route};

	return peer;
}

static void raw(struct world *w, uint8_t route, const void *data, size_t len, size_t frame_count)
{
	struct bus_peer peer = peer_of(route);
	struct ponto_bytes frames[2] = {ponto_bytes(data, len), ponto_bytes(data, len)};

	if (frame_count == 2)
		frames[0].len = 0;
	bus_core_message(w->core, ponto_bytes(&route, 1), &peer, frames, frame_count);
}

static void call(struct world *w, uint8_t route, uint64_t id, const char *service, uint32_t timeout_ms)
{
	Ponto__Bus__V1__Call c = PONTO__BUS__V1__CALL__INIT;
	uint8_t data[256];

	c.id = id;
	c.service = (char *)(uintptr_t)service;
	c.method = (char *)"Do";
	c.has_timeout_ms = timeout_ms != 0;
	c.timeout_ms = timeout_ms ? timeout_ms : 10000;
	raw(w, route, data, ponto__bus__v1__call__pack(&c, data), 1);
}

static void answer(struct world *w, size_t n)
{
	struct bus_call *c = w->calls[n];

	memmove(&w->calls[n], &w->calls[n + 1], (w->call_count - n - 1) * sizeof(w->calls[0]));
	w->call_count--;
	if (bus_reply_encode(w->alloc, c->id, PONTO_OK, ponto_bytes(NULL, 0), NULL, &c->reply, &c->reply_len) != PONTO_OK)
		c->reply = NULL;
	bus_core_reply(w->core, c);
}

static const struct sent *last(const struct world *w)
{
	assert_true(w->sent_count > 0);
	return &w->sent[w->sent_count - 1];
}

static void test_the_65th_open_call_is_busy(void **state)
{
	struct world *w = *state;

	for (uint64_t id = 1; id <= PONTO_BUS_OPEN_CALLS; id++)
		call(w, 1, id, "svc", 0);
	assert_int_equal(w->sent_count, 0);
	assert_int_equal(w->call_count, PONTO_BUS_OPEN_CALLS);
	call(w, 1, 65, "svc", 0);
	assert_int_equal(w->call_count, PONTO_BUS_OPEN_CALLS);
	assert_int_equal(last(w)->id, 65);
	assert_int_equal(last(w)->result, PONTO_EBUSY);
	call(w, 2, 1, "svc", 0); /* another client has its own 64 */
	assert_int_equal(w->call_count, PONTO_BUS_OPEN_CALLS + 1);
	answer(w, 0);
	assert_int_equal(last(w)->result, PONTO_OK);
	call(w, 1, 66, "svc", 0); /* one answer, one place */
	assert_int_equal(w->sent_count, 2);
}

static void test_unknown_service(void **state)
{
	struct world *w = *state;

	call(w, 1, 7, "nobody", 0);
	assert_int_equal(last(w)->id, 7);
	assert_int_equal(last(w)->result, PONTO_ENOENT);
	assert_string_equal(last(w)->error, "no such service");
}

static void test_malformed_messages_are_answered_sixteen_times(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 40; i++)
		raw(w, 1, "\xff\xff\xff", 3, 1);
	assert_int_equal(w->sent_count, BUS_FAULTS_MAX);
	assert_int_equal(last(w)->id, 0);
	assert_int_equal(last(w)->result, PONTO_EPROTO);
	call(w, 1, 1, "svc", 0); /* this one is not listened to any more */
	assert_int_equal(w->call_count, 0);
	call(w, 2, 1, "svc", 0); /* everybody else is */
	assert_int_equal(w->call_count, 1);
}

/* Want of memory is ours: the client hears of it and is served again as soon as there is some. */
static void test_a_want_of_memory_is_no_fault(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct ponto_test_alloc ta;

	(void)state;
	ponto_test_alloc_init(&ta);
	assert_ok(world_create(w, &ta.alloc));
	call(w, 1, 1, "svc", 0);
	for (uint64_t id = 2; id < 2 + 2 * BUS_FAULTS_MAX; id++) {
		ta.fail_at = ta.made + 1;
		call(w, 1, id, "svc", 0);
		assert_int_equal(last(w)->result, PONTO_ENOMEM);
	}
	assert_int_equal(w->sent_count, 2 * BUS_FAULTS_MAX);
	call(w, 1, 99, "svc", 0);
	assert_int_equal(w->call_count, 2);
	world_destroy(w);
	assert_int_equal(ta.live, 0);
	free(w);
}

static void test_frames_are_bounded(void **state)
{
	struct world *w = *state;

	raw(w, 1, "x", 1, 1000);
	assert_int_equal(w->sent_count, 1);
	assert_int_equal(last(w)->result, PONTO_EPROTO);
	raw(w, 1, "", 0, 1);
	assert_int_equal(last(w)->result, PONTO_EPROTO);
	raw(w, 1, "", 0, 2);
	assert_int_equal(last(w)->result, PONTO_EPROTO);
	assert_true(last(w)->delimiter);
	assert_int_equal(w->sent_count, 3);
}

static void test_deadlines_in_order(void **state)
{
	struct world *w = *state;
	uint64_t start = w->clock.mono;

	for (uint64_t id = 1; id <= 20; id++)
		call(w, 1, id, "svc", (uint32_t)((id * 7) % 20 + 1) * 10);
	for (unsigned step = 1; step <= 20; step++) {
		assert_int_equal(bus_core_deadline(w->core), start + step * 10 * PONTO_MS);
		bus_core_expire(w->core, start + step * 10 * PONTO_MS - 1);
		assert_int_equal(w->sent_count, step - 1);
		bus_core_expire(w->core, start + step * 10 * PONTO_MS);
		assert_int_equal(w->sent_count, step);
		assert_int_equal((last(w)->id * 7) % 20 + 1, step);
		assert_int_equal(last(w)->result, PONTO_ETIME);
	}
	assert_int_equal(bus_core_deadline(w->core), PONTO_NEVER);
	while (w->call_count > 0)
		answer(w, 0);
	assert_int_equal(w->sent_count, 20); /* late answers go nowhere */
}

static void test_timeouts_are_clamped(void **state)
{
	struct world *w = *state;

	call(w, 1, 1, "svc", UINT32_MAX);
	assert_int_equal(bus_core_deadline(w->core), w->clock.mono + 3600 * PONTO_SECOND);
}

/* A slot is used again: the late answer to its former call must not reach the new caller. */
static void test_late_answer_does_not_meet_a_reused_slot(void **state)
{
	struct world *w = *state;

	call(w, 1, 1, "svc", 10);
	bus_core_expire(w->core, w->clock.mono + PONTO_SECOND);
	call(w, 2, 2, "svc", 0);
	assert_int_equal(w->sent_count, 1);
	answer(w, 0);
	assert_int_equal(w->sent_count, 1);
	answer(w, 0);
	assert_int_equal(last(w)->route, 2);
	assert_int_equal(last(w)->id, 2);
}

static void test_end_of_a_client(void **state)
{
	struct world *w = *state;
	struct bus_peer peer = peer_of(1), other = peer_of(1);
	uint8_t route = 1;
	uint64_t first;

	call(w, 1, 1, "svc", 0);
	call(w, 2, 1, "svc", 0);
	first = w->calls[0]->call.client;
	assert_true(bus_core_knows(w->core, ponto_bytes(&route, 1), &peer));
	bus_core_disconnected(w->core, false, peer.fd);
	bus_core_disconnected(w->core, true, peer_of(2).fd); /* the other socket's numbers mean nothing here */
	assert_int_equal(w->gone_count, 1);
	assert_int_equal(w->gone[0], first);
	assert_int_equal(bus_core_open(w->core), 1);
	answer(w, 0);
	assert_int_equal(w->sent_count, 0);
	bus_core_gone(w->core, w->calls[0]->call.client);
	assert_int_equal(w->gone_count, 2);
	assert_int_equal(bus_core_clients(w->core), 0);

	/* the same routing id by another process is another client */
	call(w, 1, 1, "svc", 0);
	other.pid = 999;
	assert_false(bus_core_knows(w->core, ponto_bytes(&route, 1), &other));
	bus_core_message(w->core, ponto_bytes(&route, 1), &other, &(struct ponto_bytes){(const uint8_t *)"x", 1}, 1);
	assert_int_equal(w->gone_count, 3);
	assert_int_equal(bus_core_clients(w->core), 1);
}

static void test_a_dead_process_is_not_served(void **state)
{
	struct world *w = *state;

	w->watch_result = PONTO_ENOENT;
	call(w, 1, 1, "svc", 0);
	assert_int_equal(w->call_count, 0);
	assert_int_equal(w->sent_count, 0);
	assert_int_equal(bus_core_clients(w->core), 0);
}

static void test_client_table_is_bounded(void **state)
{
	struct world *w = *state;
	struct bus_peer peer = {.uid = 1};

	for (uint32_t i = 0; i <= BUS_CLIENTS_MAX; i++) {
		struct ponto_bytes frame = ponto_bytes("x", 1);

		w->sent_count = 0;
		peer.fd = (int)i;
		bus_core_message(w->core, ponto_bytes(&i, 4), &peer, &frame, 1);
	}
	assert_int_equal(last(w)->result, PONTO_EBUSY);
	assert_string_equal(last(w)->error, "too many clients");
	/* one user leaves half to others, the next half of that, … */
	assert_int_equal(bus_core_clients(w->core), BUS_CLIENTS_MAX / 2);
	for (uint32_t i = 0; i < 2 * BUS_CLIENTS_MAX; i++) {
		struct ponto_bytes frame = ponto_bytes("x", 1);
		uint32_t route = BUS_CLIENTS_MAX + 1 + i;

		w->sent_count = 0;
		peer.uid = 2 + i / 64;
		peer.fd = (int)route;
		bus_core_message(w->core, ponto_bytes(&route, 4), &peer, &frame, 1);
	}
	assert_int_equal(bus_core_clients(w->core), BUS_CLIENTS_MAX);
}

static void test_detach_and_close(void **state)
{
	struct world *w = *state;
	unsigned port;

	assert_int_equal(bus_core_attach(w->core, "svc", &port), PONTO_EEXIST);
	assert_int_equal(bus_core_attach(w->core, "", &port), PONTO_EINVAL);
	for (unsigned i = 1; i < BUS_PORTS_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s%u", i);
		assert_ok(bus_core_attach(w->core, name, &port));
	}
	assert_int_equal(bus_core_attach(w->core, "more", &port), PONTO_EBUSY);
	call(w, 1, 1, "svc", 0);
	bus_core_detach(w->core, w->port);
	assert_int_equal(last(w)->result, PONTO_ECLOSED);
	assert_string_equal(last(w)->error, "service svc ended");
	bus_core_gone(w->core, w->calls[0]->call.client);
	assert_int_equal(w->gone_count, 0); /* nobody is there to be told */
	assert_ok(bus_core_attach(w->core, "svc", &port));
	call(w, 1, 2, "svc", 0);
	bus_core_close(w->core);
	assert_int_equal(last(w)->result, PONTO_ECLOSED);
	assert_int_equal(bus_core_open(w->core), 0);
}

/* ROUTER_MANDATORY: what cannot be delivered is told, and costs nobody else anything. */
static void test_unreachable_peers(void **state)
{
	struct world *w = *state;

	call(w, 1, 1, "svc", 0);
	w->client_result = PONTO_EUNREACH;
	answer(w, 0);
	assert_int_equal(bus_core_open(w->core), 0);
	w->client_result = PONTO_OK;
	call(w, 1, 2, "svc", 0);
	answer(w, 0);
	assert_int_equal(last(w)->id, 2);
	assert_int_equal(last(w)->result, PONTO_OK);
}

static int run_out(const struct ponto_alloc *alloc, void *arg)
{
	struct world *w = arg;
	int result = world_create(w, alloc);

	if (result == PONTO_OK) {
		call(w, 1, 1, "svc", 0);
		call(w, 1, 2, "svc", 0);
		if (w->call_count > 0)
			answer(w, 0);
		bus_core_disconnected(w->core, false, peer_of(1).fd);
	}
	for (size_t i = 0; i < w->sent_count; i++) {
		if (w->sent[i].result != PONTO_OK)
			result = w->sent[i].result;
	}
	world_destroy(w);
	return result;
}

static void test_out_of_memory(void **state)
{
	struct world *w = malloc(sizeof(*w));

	(void)state;
	ponto_test_oom(run_out, w, true);
	free(w);
}

static void test_envelopes(void **state)
{
	uint8_t small[BUS_REPLY_SMALL];
	char *text = malloc(4000);
	uint8_t *data;
	size_t len;

	(void)state;
	memset(text, 'e', 3999);
	text[3999] = '\0';
	memcpy(text + BUS_ERROR_MAX - 1, "\xc3\xa9", 2); /* a character across the cut goes whole */
	len = bus_reply_small(UINT64_MAX, PONTO_EINTERNAL, text, small);
	assert_true(len <= BUS_REPLY_SMALL);
	Ponto__Bus__V1__Reply *reply = ponto__bus__v1__reply__unpack(NULL, len, small);
	assert_non_null(reply);
	assert_int_equal(strlen(reply->error), BUS_ERROR_MAX - 1);
	ponto__bus__v1__reply__free_unpacked(reply, NULL);
	assert_ok(bus_reply_encode(&ponto_alloc_system, 1, PONTO_EIO, ponto_bytes(NULL, 0), text, &data, &len));
	free(data);
	free(text);
	assert_true(bus_name_valid("service-pnrp_1.x"));
	assert_false(bus_name_valid(""));
	assert_false(bus_name_valid("a/b"));
	assert_false(bus_name_valid("0123456789012345678901234567890123456789012345678901234567890123456789"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_65th_open_call_is_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_service, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed_messages_are_answered_sixteen_times, setup, teardown),
		cmocka_unit_test(test_a_want_of_memory_is_no_fault),
		cmocka_unit_test_setup_teardown(test_frames_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadlines_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timeouts_are_clamped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_answer_does_not_meet_a_reused_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_of_a_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_dead_process_is_not_served, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_table_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_detach_and_close, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreachable_peers, setup, teardown),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_envelopes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
