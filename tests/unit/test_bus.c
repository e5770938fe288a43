/* The bus as a client and a component see it: calls, events, deadlines, restarts. Rules of design "Components
 * and the bus": the cases name them. */
#include "tests/unit/bus_fixture.h"

#include <signal.h>
#include <sys/eventfd.h>

static int setup(void **state)
{
	struct bus_fixture *f = malloc(sizeof(*f));

	bus_fixture_start(f, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	bus_fixture_stop(*state);
	free(*state);
	return 0;
}

static void test_call_and_answer(void **state)
{
	struct ponto_client *client = bus_fixture_client(*state);
	char text[512];

	assert_ok(bus_fixture_call(client, "Echo", "hello", 60000, text));
	assert_string_equal(text, "hello");
	assert_ok(bus_fixture_call(client, "Echo", "", 60000, text));
	assert_string_equal(text, "");
	assert_int_equal(bus_fixture_call(client, "Fail", "", 60000, text), PONTO_EACCES);
	assert_string_equal(text, "no");
	ponto_client_destroy(client);
}

static void test_uid_and_pid_come_from_the_kernel(void **state)
{
	struct ponto_client *client = bus_fixture_client(*state);
	char text[512], expected[64];

	assert_ok(bus_fixture_call(client, "Who", "", 60000, text));
	snprintf(expected, sizeof(expected), "%u %d 1 ", (unsigned)getuid(), (int)getpid());
	assert_memory_equal(text, expected, strlen(expected));
	ponto_client_destroy(client);
}

static void test_unknown_service(void **state)
{
	struct ponto_client *client = bus_fixture_client(*state);
	struct ponto_reply reply;

	assert_ok(ponto_client_call(client, "nobody", "Do", ponto_bytes(NULL, 0), 60000, &reply));
	assert_int_equal(reply.result, PONTO_ENOENT);
	assert_string_equal(reply.error, "no such service");
	ponto_reply_clear(client, &reply);
	assert_int_equal(ponto_client_call(client, "", "Do", ponto_bytes(NULL, 0), 60000, &reply), PONTO_EINVAL);
	assert_int_equal(ponto_client_call(client, "a b", "Do", ponto_bytes(NULL, 0), 60000, &reply), PONTO_EINVAL);
	ponto_client_destroy(client);
}

static void test_name_taken(void **state)
{
	static const struct ponto_port_events none = {0};
	struct bus_fixture *f = *state;
	struct ponto_loop *loop;
	struct ponto_port *port;

	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &loop));
	assert_int_equal(ponto_bus_attach(f->bus, loop, "echo", &none, NULL, &port), PONTO_EEXIST);
	assert_int_equal(ponto_bus_attach(f->bus, loop, "no spaces", &none, NULL, &port), PONTO_EINVAL);
	assert_ok(ponto_bus_attach(f->bus, loop, "other", &none, NULL, &port));
	ponto_port_detach(port);
	ponto_port_detach(NULL);
	ponto_loop_destroy(loop);
}

static void test_deadline_is_answered_and_late_reply_dropped(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *client = bus_fixture_client(f);
	char text[512];

	assert_int_equal(bus_fixture_call(client, "Late", "", 30, text), PONTO_ETIME);
	assert_string_equal(text, "service echo did not answer in time");
	bus_fixture_await_counter(f, "bus_late_replies_total", 1);
	assert_ok(bus_fixture_call(client, "Echo", "next", 60000, text));
	assert_string_equal(text, "next");
	ponto_client_destroy(client);
}

static void *call_hold(void *arg)
{
	static char text[512];
	struct ponto_client *client = bus_fixture_client(arg);
	long result = bus_fixture_call(client, "Hold", "", 60000, text);

	ponto_client_destroy(client);
	return (void *)result;
}

static void test_detach_answers_open_calls(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *client = bus_fixture_client(f);
	pthread_t thread;
	char text[512];
	void *result;

	pthread_create(&thread, NULL, call_hold, f);
	bus_fixture_await(&f->held_count, 1);
	bus_fixture_leave(f); /* replies to the held call only after it detached */
	pthread_join(thread, &result);
	assert_int_equal((long)result, PONTO_ECLOSED);
	assert_int_equal(bus_fixture_call(client, "Echo", "", 60000, text), PONTO_ENOENT);
	bus_fixture_join(f);
	assert_ok(bus_fixture_call(client, "Echo", "back", 60000, text));
	ponto_client_destroy(client);
}

struct caller {
	struct bus_fixture *f;
	atomic_uint *calls;
	atomic_bool *end;
	unsigned answered;
	int other; /* than answered, or refused for want of the component */
};

static void *call_until_end(void *arg)
{
	struct caller *c = arg;
	struct ponto_client *client = bus_fixture_client(c->f);
	char text[512];

	while (!atomic_load(c->end)) {
		int result = bus_fixture_call(client, "Echo", "x", 20000, text);

		if (result == PONTO_OK)
			c->answered++;
		else if (result != PONTO_ENOENT && result != PONTO_ECLOSED)
			c->other = result;
		atomic_fetch_add(c->calls, 1);
	}
	ponto_client_destroy(client);
	return NULL;
}

/* Calls on their way to a component that leaves are answered too, and nothing of them stays behind. */
static void test_leaving_while_calls_come(void **state)
{
	struct bus_fixture *f = *state;
	struct caller callers[3];
	pthread_t threads[3];
	atomic_bool end = false;
	atomic_uint calls = 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++) {
		callers[i] = (struct caller){.f = f, .calls = &calls, .end = &end};
		pthread_create(&threads[i], NULL, call_until_end, &callers[i]);
	}
	for (unsigned i = 1; i <= 50; i++) {
		bus_fixture_await(&calls, 20 * i);
		bus_fixture_leave(f);
		bus_fixture_join(f);
	}
	atomic_store(&end, true);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(callers[i].other, PONTO_OK);
		assert_true(callers[i].answered > 0);
	}
}

static void test_sizes(void **state)
{
	struct ponto_client *client = bus_fixture_client(*state);
	struct ponto_reply reply;
	uint8_t *data = calloc(1, PONTO_BUS_MESSAGE_MAX + 1);

	assert_ok(ponto_client_call(client, "echo", "Echo", ponto_bytes(data, PONTO_BUS_MESSAGE_MAX - 100), 5000,
				    &reply));
	assert_int_equal(reply.len, PONTO_BUS_MESSAGE_MAX - 100);
	ponto_reply_clear(client, &reply);
	assert_int_equal(
		ponto_client_call(client, "echo", "Echo", ponto_bytes(data, PONTO_BUS_MESSAGE_MAX), 60000, &reply),
		PONTO_ELIMIT);
	assert_int_equal(
		ponto_client_call(client, "echo", "Echo", ponto_bytes(data, PONTO_BUS_MESSAGE_MAX + 1), 60000, &reply),
		PONTO_ELIMIT);
	assert_ok(ponto_client_call(client, "echo", "Big", ponto_bytes("2000000", 7), 60000, &reply));
	assert_int_equal(reply.result, PONTO_ELIMIT);
	ponto_reply_clear(client, &reply);
	free(data);
	ponto_client_destroy(client);
}

static void test_no_daemon_is_told(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client_setup setup = {.alloc = &ponto_alloc_system};
	struct ponto_client *client;
	char path[PONTO_ENDPOINT_SIZE + 8], text[512];

	snprintf(path, sizeof(path), "%s-nobody", f->path);
	setup.endpoint = path;
	assert_ok(ponto_client_create(&setup, &client));
	assert_int_equal(bus_fixture_call(client, "Echo", "", 60000, text), PONTO_EUNREACH);
	assert_int_equal(ponto_client_subscribe(client, ""), PONTO_EUNREACH);
	ponto_client_destroy(client);
	setup.endpoint = "tcp://127.0.0.1:9";
	assert_int_equal(ponto_client_create(&setup, &client), PONTO_EINVAL);
	setup.endpoint = "nonsense";
	assert_int_equal(ponto_client_create(&setup, &client), PONTO_EINVAL);
}

static void test_client_survives_a_restart(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *client = bus_fixture_client(f);
	char text[512];

	for (int i = 0; i < 3; i++) {
		assert_ok(bus_fixture_call(client, "Echo", "a", 60000, text));
		bus_fixture_restart(f);
	}
	assert_ok(bus_fixture_call(client, "Echo", "a", 60000, text));
	ponto_client_destroy(client);
}

/* Also in the moment in which the client's own thread has not heard yet that the old daemon is gone. */
static void test_the_call_after_a_restart(void **state)
{
	struct bus_helper helper;
	struct bus_fixture f;
	char text[512];

	(void)state;
	bus_helper_fork(&helper);
	bus_fixture_start(&f, NULL);
	bus_helper_call(&helper, &f, geteuid(), getegid(), "Echo");
	for (unsigned i = 0; i < 50; i++) {
		assert_ok(bus_helper_answer(&helper, text));
		kill(helper.pid, SIGSTOP);
		bus_fixture_restart(&f);
		bus_helper_call(&helper, &f, geteuid(), getegid(), "Echo");
		kill(helper.pid, SIGCONT);
	}
	assert_ok(bus_helper_result(&helper, text));
	bus_fixture_stop(&f);
}

/* What a call made for the client's life ends with its connection: the client can tell, and when to make it again. */
static void test_a_new_connection_is_told(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client_setup setup = {
		.endpoint = f->endpoint, .tell_reconnect = true, .alloc = &ponto_alloc_system};
	struct ponto_client *client, *calls = bus_fixture_client(f);
	uint64_t called, now, before;
	struct ponto_event event;
	char text[512];

	ponto_client_sessions(calls, &called, &now);
	assert_int_equal(now, 0);
	assert_ok(bus_fixture_call(calls, "Echo", "a", 60000, text));
	ponto_client_sessions(calls, &called, &now);
	assert_int_not_equal(now, 0);
	assert_int_equal(called, now);
	assert_ok(ponto_client_create(&setup, &client));
	assert_ok(ponto_client_subscribe(client, "echo."));
	assert_int_equal(ponto_client_next_event(client, 0, &event), PONTO_ETIME);
	bus_fixture_restart(f);
	assert_int_equal(ponto_client_next_event(client, 60000, &event), PONTO_ECLOSED);
	assert_int_equal(ponto_client_next_event(client, 0, &event), PONTO_ETIME);
	ponto_client_sessions(calls, &before, &now);
	assert_int_equal(before, called);
	assert_int_not_equal(now, called);
	assert_ok(bus_fixture_call(calls, "Echo", "a", 60000, text));
	ponto_client_sessions(calls, &called, &now);
	assert_int_equal(called, now);
	assert_true(called > before);
	ponto_client_destroy(client);
	ponto_client_destroy(calls);
}

struct cancelled_call {
	struct ponto_client *client;
	int result;
};

static void *call_until_cancelled(void *arg)
{
	struct cancelled_call *c = arg;
	char text[512];

	c->result = bus_fixture_call(c->client, "Hold", "", 600000, text);
	return NULL;
}

/* It ends at once, and the component learns that nobody waits. */
static void test_a_call_can_be_cancelled(void **state)
{
	struct bus_fixture *f = *state;
	struct cancelled_call c = {bus_fixture_client(f), PONTO_OK};
	struct ponto_event event;
	char text[512];
	pthread_t thread;
	int end[2];

	assert_int_equal(pipe(end), 0);
	ponto_client_set_cancel(c.client, end[0]);
	pthread_create(&thread, NULL, call_until_cancelled, &c);
	bus_fixture_await(&f->held_count, 1);
	assert_int_equal(write(end[1], "", 1), 1);
	pthread_join(thread, NULL);
	assert_int_equal(c.result, PONTO_ECLOSED);
	bus_fixture_await(&f->gone, 1);
	assert_int_equal(ponto_client_subscribe(c.client, "echo."), PONTO_ECLOSED);
	ponto_client_set_cancel(c.client, -1);
	assert_ok(bus_fixture_call(c.client, "Echo", "a", 60000, text));
	assert_ok(ponto_client_subscribe(c.client, "echo."));
	ponto_client_set_cancel(c.client, end[0]);
	assert_int_equal(ponto_client_next_event(c.client, 600000, &event), PONTO_ECLOSED);
	ponto_client_destroy(c.client);
	close(end[0]);
	close(end[1]);
}

/* ---- several calls at once ---------------------------------------------------------- */

static void test_answers_come_in_any_order(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *client = bus_fixture_client(f);
	struct ponto_reply reply;
	uint64_t held, echo[8], release, id;
	bool told[8] = {false};

	assert_ok(ponto_client_send(client, "echo", "Hold", ponto_bytes("h", 1), 60000, &held));
	for (unsigned i = 0; i < 8; i++)
		assert_ok(ponto_client_send(client, "echo", "Echo", ponto_bytes(&"abcdefgh"[i], 1), 60000, &echo[i]));
	for (unsigned n = 0; n < 8; n++) {
		assert_ok(ponto_client_receive(client, 60000, &id, &reply));
		for (unsigned i = 0; i < 8; i++) {
			if (id != echo[i])
				continue;
			assert_ok(reply.result);
			assert_true(reply.len == 1 && reply.payload[0] == "abcdefgh"[i]);
			assert_false(told[i]);
			told[i] = true;
		}
		ponto_reply_clear(client, &reply);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_true(told[i]);
	assert_int_equal(ponto_client_receive(client, 10, &id, &reply), PONTO_ETIME);
	assert_ok(ponto_client_send(client, "echo", "Release", ponto_bytes(NULL, 0), 60000, &release));
	for (unsigned n = 0; n < 2; n++) {
		assert_ok(ponto_client_receive(client, 60000, &id, &reply));
		assert_true(id == held || id == release);
		ponto_reply_clear(client, &reply);
	}
	ponto_client_destroy(client);
}

/* What was sent is not answered once the connection is gone, and the next call finds the next daemon. */
static void test_an_end_is_told_to_who_waits(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *client = bus_fixture_client(f);
	int wake = eventfd(1, EFD_CLOEXEC), result;
	struct ponto_reply reply;
	uint64_t id;

	ponto_client_set_cancel(client, wake);
	assert_int_equal(ponto_client_receive(client, 60000, &id, &reply), PONTO_ECLOSED);
	assert_ok(ponto_client_send(client, "echo", "Hold", ponto_bytes("h", 1), 60000, &id));
	assert_int_equal(ponto_client_receive(client, 60000, &id, &reply), PONTO_ECLOSED);
	ponto_client_set_cancel(client, -1);
	bus_fixture_await(&f->held_count, 1);
	bus_fixture_restart(f);
	result = ponto_client_receive(client, 60000, &id, &reply); /* the component's end is an answer, if it was quick */
	if (result == PONTO_OK) {
		assert_int_equal(reply.result, PONTO_ECLOSED);
		ponto_reply_clear(client, &reply);
		result = ponto_client_receive(client, 60000, &id, &reply);
	}
	assert_int_equal(result, PONTO_EUNREACH);
	assert_int_equal(ponto_client_receive(client, 10, &id, &reply), PONTO_ETIME);
	assert_ok(ponto_client_send(client, "echo", "Echo", ponto_bytes("x", 1), 60000, &id));
	assert_ok(ponto_client_receive(client, 60000, &id, &reply));
	assert_ok(reply.result);
	ponto_reply_clear(client, &reply);
	ponto_client_destroy(client);
	close(wake);
}

static void test_end_during_a_call(void **state)
{
	struct bus_fixture *f = *state;
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, call_hold, f);
	bus_fixture_await(&f->held_count, 1);
	bus_fixture_restart(f);
	pthread_join(thread, &result);
	assert_int_equal((long)result, PONTO_ECLOSED);
}

/* A program that gets no processor while the daemon answers and goes sees both at once, and still the answer. */
static void test_the_last_answer_is_read(void **state)
{
	struct bus_fixture f;
	struct bus_helper helper;
	char text[512];

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		bus_helper_fork(&helper);
		bus_fixture_start(&f, NULL);
		bus_helper_call(&helper, &f, geteuid(), getegid(), "Hold");
		bus_fixture_await(&f.held_count, 1);
		kill(helper.pid, SIGSTOP);
		bus_fixture_stop(&f);
		kill(helper.pid, SIGCONT);
		assert_int_equal(bus_helper_result(&helper, text), PONTO_ECLOSED);
	}
}

/* An open call and a dead process behind it: its pidfd tells every component it called. */
static void test_dead_client_is_noticed(void **state)
{
	struct bus_fixture f;
	struct bus_helper helper;
	char text[512];

	(void)state;
	bus_helper_fork(&helper);
	bus_fixture_start(&f, NULL);
	bus_helper_call(&helper, &f, geteuid(), getegid(), "Hold");
	bus_fixture_await(&f.held_count, 1);
	kill(helper.pid, SIGKILL);
	assert_int_equal(bus_helper_result(&helper, text), PONTO_EINTERNAL);
	bus_fixture_await(&f.gone, 1);
	assert_int_equal(atomic_load(&f.last_gone), atomic_load(&f.last_client));
	bus_fixture_stop(&f);
}

/* The process lives on, its connection ends. */
static void test_ended_connection_is_noticed(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *client = bus_fixture_client(f);
	char text[512];

	assert_ok(bus_fixture_call(client, "Echo", "", 60000, text));
	ponto_client_destroy(client);
	bus_fixture_await(&f->gone, 1);
	assert_int_equal(atomic_load(&f->last_gone), atomic_load(&f->last_client));
}

/* ZMQ_FD is edge-triggered: a lost edge would stall one of thousands of calls for good. */
static void *call_often(void *arg)
{
	struct ponto_client *client = bus_fixture_client(arg);
	char text[512];
	long result = PONTO_OK;

	for (int i = 0; i < 1500 && result == PONTO_OK; i++)
		result = bus_fixture_call(client, "Echo", "x", 60000, text);
	ponto_client_destroy(client);
	return (void *)result;
}

static void test_no_stall_in_thousands_of_calls(void **state)
{
	pthread_t threads[4];
	void *result;

	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, call_often, *state);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		assert_int_equal((long)result, PONTO_OK);
	}
}

struct pair {
	struct bus_fixture *f;
	pthread_barrier_t both;
};

static long call_together(struct pair *pair, unsigned timeout_ms)
{
	struct ponto_client *client = bus_fixture_client(pair->f);
	char text[512];
	long result = PONTO_OK;

	for (int i = 0; i < 3000; i++) {
		pthread_barrier_wait(&pair->both);
		if (result == PONTO_OK)
			result = bus_fixture_call(client, "Echo", "x", timeout_ms, text);
	}
	ponto_client_destroy(client);
	return result;
}

static void *call_briefly(void *arg)
{
	return (void *)call_together(arg, 20000);
}

/* The answer to one call may use up the notice of the other, and no third call comes that would bring it to light; the
 * broker's thread may wake at the deadline of the first, though, which is why that is later. */
static void test_no_stall_of_two_calls(void **state)
{
	struct pair pair = {.f = *state};
	pthread_t thread;
	void *other;
	long mine;

	pthread_barrier_init(&pair.both, NULL, 2);
	pthread_create(&thread, NULL, call_briefly, &pair);
	mine = call_together(&pair, 60000);
	pthread_join(thread, &other);
	pthread_barrier_destroy(&pair.both);
	assert_int_equal(mine, PONTO_OK);
	assert_int_equal((long)other, PONTO_OK);
}

static void test_events(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *client = bus_fixture_client(f);
	struct ponto_client *other = bus_fixture_client(f);
	struct ponto_event event;
	char text[512];

	assert_int_equal(ponto_client_next_event(client, 0, &event), PONTO_EINVAL);
	assert_ok(ponto_client_subscribe(client, "echo.t"));
	assert_ok(ponto_client_subscribe(other, "pnrp."));
	assert_ok(bus_fixture_call(client, "Events", "3", 60000, text));
	for (uint8_t i = 0; i < 3; i++) {
		assert_ok(ponto_client_next_event(client, 60000, &event));
		assert_string_equal(event.topic, "echo.tick");
		assert_int_equal(event.payload[0], i);
		ponto_event_clear(client, &event);
	}
	assert_int_equal(ponto_client_next_event(client, 0, &event), PONTO_ETIME);
	assert_int_equal(ponto_client_next_event(other, 0, &event), PONTO_ETIME);
	ponto_client_destroy(client);
	ponto_client_destroy(other);
}

/* A subscriber that reads nothing loses events, which is counted; calls and others go on. */
static void test_events_dropped_are_counted(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *slow = bus_fixture_client(f);
	struct ponto_client *client = bus_fixture_client(f);
	char text[512];

	assert_ok(ponto_client_subscribe(slow, "echo."));
	while (bus_fixture_counter(f, "bus_events_dropped_total") == 0)
		assert_ok(bus_fixture_call(client, "Events", "1000", 60000, text));
	assert_ok(bus_fixture_call(client, "Echo", "still", 60000, text));
	ponto_client_destroy(slow);
	ponto_client_destroy(client);
}

/* Between messages the broker sleeps: however long this takes, a few rounds are the connection's, not thousands. */
static void test_the_broker_sleeps(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *client = bus_fixture_client(f);
	uint64_t before;
	char text[512];

	assert_ok(bus_fixture_call(client, "Echo", "", 60000, text));
	before = bus_fixture_counter(f, "bus_wakeups_total");
	usleep(100000);
	assert_true(bus_fixture_counter(f, "bus_wakeups_total") < before + 50);
	ponto_client_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_call_and_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uid_and_pid_come_from_the_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_service, setup, teardown),
		cmocka_unit_test_setup_teardown(test_name_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline_is_answered_and_late_reply_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_detach_answers_open_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaving_while_calls_come, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_daemon_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_survives_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_new_connection_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_call_can_be_cancelled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_during_a_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_come_in_any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_end_is_told_to_who_waits, setup, teardown),
		cmocka_unit_test(test_the_call_after_a_restart),
		cmocka_unit_test(test_the_last_answer_is_read),
		cmocka_unit_test(test_dead_client_is_noticed),
		cmocka_unit_test_setup_teardown(test_ended_connection_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_stall_in_thousands_of_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_stall_of_two_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_broker_sleeps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_dropped_are_counted, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
