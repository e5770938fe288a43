/* Clients that do not keep to the rules: half messages, garbage, a thousand frames, too much, silence. Whatever they
 * do, an ordinary client is served meanwhile. */
#include "tests/unit/bus_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <zmq.h>

static int setup(void **state)
{
	struct bus_fixture *f = malloc(sizeof(*f));

	bus_fixture_start(f, NULL);
	*state = f;
	return 0;
}

static void still_served(struct bus_fixture *f)
{
	struct ponto_client *client = bus_fixture_client(f);
	char text[512];

	assert_ok(bus_fixture_call(client, "Echo", "served", 20000, text));
	assert_string_equal(text, "served");
	ponto_client_destroy(client);
}

static int teardown(void **state)
{
	still_served(*state);
	bus_fixture_stop(*state);
	free(*state);
	return 0;
}

static int raw_connect(struct bus_fixture *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void put(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

/* ZMTP 3.0 (RFC 23): greeting, NULL mechanism, READY of a DEALER. */
static const uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
static const uint8_t ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06" "DEALER";

static void read_until_ready(int fd)
{
	uint8_t data[256];
	size_t total = 0;

	while (total < sizeof(greeting) + 10) { /* its greeting and the start of its READY */
		ssize_t got = recv(fd, data, sizeof(data), 0);

		assert_true(got > 0);
		total += (size_t)got;
	}
}

static void test_half_a_greeting(void **state)
{
	int fd = raw_connect(*state);

	put(fd, greeting, 11);
	still_served(*state);
	close(fd);
}

static void test_garbage_for_a_greeting(void **state)
{
	int fd = raw_connect(*state);
	char data[256];

	memset(data, 'G', sizeof(data));
	put(fd, data, sizeof(data));
	still_served(*state);
	close(fd);
}

static void test_half_a_request(void **state)
{
	static const uint8_t half[] = "\x00\x40only the beginning";
	struct bus_fixture *f = *state;
	int fd = raw_connect(f);

	put(fd, greeting, sizeof(greeting));
	put(fd, ready, sizeof(ready) - 1);
	read_until_ready(fd);
	put(fd, half, sizeof(half) - 1);
	still_served(f);
	assert_int_equal(atomic_load(&f->calls), 1);
	close(fd);
	still_served(f);
}

static void test_more_frames_without_end(void **state)
{
	static const uint8_t more[] = "\x01\x04more";
	int fd = raw_connect(*state);

	put(fd, greeting, sizeof(greeting));
	put(fd, ready, sizeof(ready) - 1);
	read_until_ready(fd);
	for (int i = 0; i < 5000; i++)
		put(fd, more, sizeof(more) - 1);
	still_served(*state);
	close(fd);
}

/* A raw socket of libzmq: what a program in another language could send. */
static void *dealer(struct bus_fixture *f, void *context, int type)
{
	void *socket = zmq_socket(context, type);
	int none = 0, limit = 20000;

	assert_non_null(socket);
	assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)), 0);
	assert_int_equal(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(zmq_connect(socket, f->endpoint), 0);
	return socket;
}

static int receive_result(void *socket, uint64_t *id)
{
	uint8_t data[1024];
	int got = zmq_recv(socket, data, sizeof(data), 0);
	Ponto__Bus__V1__Reply *reply;
	int result;

	assert_true(got > 0);
	reply = ponto__bus__v1__reply__unpack(NULL, (size_t)got, data);
	assert_non_null(reply);
	result = reply->result;
	*id = reply->id;
	ponto__bus__v1__reply__free_unpacked(reply, NULL);
	return result;
}

static void send_call(void *socket, uint64_t id, const char *method)
{
	Ponto__Bus__V1__Call call = PONTO__BUS__V1__CALL__INIT;
	uint8_t data[256];
	size_t len;

	call.id = id;
	call.service = (char *)"echo";
	call.method = (char *)(uintptr_t)method;
	len = ponto__bus__v1__call__pack(&call, data);
	assert_int_equal(zmq_send(socket, data, len, 0), len);
}

static void test_a_thousand_frames(void **state)
{
	void *context = zmq_ctx_new();
	void *socket = dealer(*state, context, ZMQ_DEALER);
	uint64_t id;

	for (int i = 0; i < 1000; i++)
		assert_int_equal(zmq_send(socket, "frame", 5, i < 999 ? ZMQ_SNDMORE : 0), 5);
	assert_int_equal(receive_result(socket, &id), PONTO_EPROTO);
	assert_int_equal(id, 0);
	send_call(socket, 5, "Echo"); /* one error, and that was it */
	assert_int_equal(receive_result(socket, &id), PONTO_OK);
	assert_int_equal(id, 5);
	zmq_close(socket);
	zmq_ctx_term(context);
}

static void test_garbage_envelope(void **state)
{
	void *context = zmq_ctx_new();
	void *socket = dealer(*state, context, ZMQ_DEALER);
	uint64_t id;

	assert_int_equal(zmq_send(socket, "\xff\xff\xff\xff", 4, 0), 4);
	assert_int_equal(receive_result(socket, &id), PONTO_EPROTO);
	assert_int_equal(zmq_send(socket, "", 0, 0), 0);
	assert_int_equal(receive_result(socket, &id), PONTO_EPROTO);
	zmq_close(socket);
	zmq_ctx_term(context);
}

/* MAXMSGSIZE ends the connection of who sends more, and its record. */
static void test_an_oversized_frame(void **state)
{
	struct bus_fixture *f = *state;
	void *context = zmq_ctx_new();
	void *socket = dealer(f, context, ZMQ_DEALER);
	uint8_t *data = calloc(1, 2 * PONTO_BUS_MESSAGE_MAX);
	uint64_t id;

	send_call(socket, 1, "Echo");
	assert_int_equal(receive_result(socket, &id), PONTO_OK);
	assert_int_equal(zmq_send(socket, data, 2 * PONTO_BUS_MESSAGE_MAX, 0), 2 * PONTO_BUS_MESSAGE_MAX);
	bus_fixture_await(&f->gone, 1);
	assert_int_equal(bus_fixture_counter(f, "bus_malformed_total"), 0);
	free(data);
	zmq_close(socket);
	zmq_ctx_term(context);
}

static void test_a_req_socket_is_a_client(void **state)
{
	void *context = zmq_ctx_new();
	void *socket = dealer(*state, context, ZMQ_REQ);
	uint64_t id;

	for (uint64_t i = 1; i <= 3; i++) {
		send_call(socket, i, "Echo");
		assert_int_equal(receive_result(socket, &id), PONTO_OK);
		assert_int_equal(id, i);
	}
	zmq_close(socket);
	zmq_ctx_term(context);
}

static void test_the_65th_open_call_is_busy(void **state)
{
	struct bus_fixture *f = *state;
	void *context = zmq_ctx_new();
	void *socket = dealer(f, context, ZMQ_DEALER);
	unsigned answered[PONTO_BUS_OPEN_CALLS + 1] = {0};
	uint64_t id;

	for (uint64_t i = 0; i <= PONTO_BUS_OPEN_CALLS; i++)
		send_call(socket, i, "Hold");
	assert_int_equal(receive_result(socket, &id), PONTO_EBUSY);
	assert_int_equal(id, PONTO_BUS_OPEN_CALLS);
	bus_fixture_await(&f->held_count, PONTO_BUS_OPEN_CALLS);
	still_served(f);

	/* every held call's answer fits, though none was read before */
	struct ponto_client *client = bus_fixture_client(f);
	char text[512];

	assert_ok(bus_fixture_call(client, "Release", "", 20000, text));
	for (unsigned i = 0; i < PONTO_BUS_OPEN_CALLS; i++) {
		assert_int_equal(receive_result(socket, &id), PONTO_OK);
		assert_true(id < PONTO_BUS_OPEN_CALLS);
		answered[id]++;
	}
	for (unsigned i = 0; i < PONTO_BUS_OPEN_CALLS; i++)
		assert_int_equal(answered[i], 1);
	ponto_client_destroy(client);
	zmq_close(socket);
	zmq_ctx_term(context);
}

/* A client takes another one's routing id: it gets nothing of it, and its own uid and pid count. */
static void test_a_stolen_routing_id(void **state)
{
	struct bus_fixture *f = *state;
	void *context = zmq_ctx_new();
	void *first = dealer(f, context, ZMQ_DEALER);
	void *second = zmq_socket(context, ZMQ_DEALER);
	int none = 0;
	uint64_t id;

	assert_int_equal(zmq_setsockopt(first, ZMQ_ROUTING_ID, "name", 4), 0);
	send_call(first, 1, "Echo");
	assert_int_equal(receive_result(first, &id), PONTO_OK);
	assert_int_equal(zmq_setsockopt(second, ZMQ_LINGER, &none, sizeof(none)), 0);
	assert_int_equal(zmq_setsockopt(second, ZMQ_ROUTING_ID, "name", 4), 0);
	assert_int_equal(zmq_connect(second, f->endpoint), 0);
	send_call(second, 2, "Echo");
	send_call(first, 3, "Echo");
	assert_int_equal(receive_result(first, &id), PONTO_OK);
	assert_int_equal(id, 3);
	zmq_close(first);
	zmq_close(second);
	zmq_ctx_term(context);
}

/* Ends with calls open, again and again: their answers find nobody. */
static void test_clients_that_do_not_wait(void **state)
{
	struct bus_fixture *f = *state;
	struct ponto_client *client;
	char text[512];

	for (unsigned i = 1; i <= 20; i++) {
		void *context = zmq_ctx_new();
		void *socket = dealer(f, context, ZMQ_DEALER);

		send_call(socket, 1, "Hold");
		bus_fixture_await(&f->held_count, i);
		zmq_close(socket);
		zmq_ctx_term(context);
	}
	bus_fixture_await(&f->gone, 20);
	client = bus_fixture_client(f);
	assert_ok(bus_fixture_call(client, "Release", "", 20000, text));
	bus_fixture_await_counter(f, "bus_late_replies_total", 20);
	ponto_client_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_half_a_greeting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage_for_a_greeting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_a_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_frames_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_thousand_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage_envelope, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_oversized_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_req_socket_is_a_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_65th_open_call_is_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_stolen_routing_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clients_that_do_not_wait, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
