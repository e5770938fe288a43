/* Daemons that do not keep to the rules: they answer other calls, without end, or nonsense. A client's calls end in
 * their time all the same. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <zmq.h>

#include "framework/bus.h"
#include "framework/bus_private.h"

/* ---- a daemon ------------------------------------------------------------------------------------ */

static struct {
	char *dir;
	char endpoint[PONTO_ENDPOINT_SIZE];
	pthread_t thread;
	atomic_bool stop;
	bool nonsense; /* instead of answers to other calls */
	void *context, *calls, *events;
} fake;

static void answer(const uint8_t *route, size_t route_len)
{
	uint8_t data[BUS_REPLY_SMALL];
	size_t len = fake.nonsense ? 1 : bus_reply_small(UINT64_C(1) << 40, PONTO_ENOENT, NULL, data);

	if (fake.nonsense)
		data[0] = 0xff;
	if (zmq_send(fake.calls, route, route_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
		(void)zmq_send(fake.calls, data, len, 0);
}

static void *serve(void *arg)
{
	uint8_t route[64], data[4096];
	int route_len = 0;

	(void)arg;
	while (!fake.stop) {
		zmq_pollitem_t item = {.socket = fake.calls, .events = ZMQ_POLLIN};

		if (zmq_poll(&item, 1, 1) > 0) {
			route_len = zmq_recv(fake.calls, route, sizeof(route), 0);
			(void)zmq_recv(fake.calls, data, sizeof(data), 0);
		}
		while (zmq_recv(fake.events, data, sizeof(data), ZMQ_DONTWAIT) >= 0)
			; /* subscriptions */
		for (int i = 0; i < 20; i++) {
			if (route_len > 0)
				answer(route, (size_t)route_len);
			(void)zmq_send(fake.events, "topic of no event", 17, ZMQ_DONTWAIT);
		}
	}
	return NULL;
}

static int setup(void **state)
{
	char events[PONTO_ENDPOINT_SIZE + 16];
	int none = 0;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.dir = ponto_test_mkdir();
	snprintf(fake.endpoint, sizeof(fake.endpoint), "ipc://%.100s/bus", fake.dir);
	snprintf(events, sizeof(events), "%s-events", fake.endpoint);
	fake.context = zmq_ctx_new();
	fake.calls = zmq_socket(fake.context, ZMQ_ROUTER);
	fake.events = zmq_socket(fake.context, ZMQ_XPUB);
	assert_int_equal(zmq_setsockopt(fake.calls, ZMQ_LINGER, &none, sizeof(none)), 0);
	assert_int_equal(zmq_setsockopt(fake.events, ZMQ_LINGER, &none, sizeof(none)), 0);
	assert_int_equal(zmq_bind(fake.calls, fake.endpoint), 0);
	assert_int_equal(zmq_bind(fake.events, events), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake.stop = true;
	assert_int_equal(pthread_join(fake.thread, NULL), 0);
	zmq_close(fake.calls);
	zmq_close(fake.events);
	zmq_ctx_term(fake.context);
	ponto_test_rmdir(fake.dir);
	return 0;
}

static struct ponto_client *start(bool nonsense)
{
	struct ponto_client_setup client_setup = {.endpoint = fake.endpoint, .alloc = &ponto_alloc_system};
	struct ponto_client *client;

	fake.nonsense = nonsense;
	assert_int_equal(pthread_create(&fake.thread, NULL, serve, NULL), 0);
	assert_ok(ponto_client_create(&client_setup, &client));
	return client;
}

/* ---- cases ---------------------------------------------------------------------------------------- */

/* Without a limit of its own the call would read for as long as there is something: the test would not end. */
static void answers_to_other_calls_without_end(void **state)
{
	struct ponto_client *client = start(false);
	struct ponto_reply reply;

	(void)state;
	assert_int_equal(ponto_client_call(client, "node", "Status", ponto_bytes(NULL, 0), 200, &reply), PONTO_ETIME);
	ponto_client_destroy(client);
}

static void nonsense_for_an_answer(void **state)
{
	struct ponto_client *client = start(true);
	struct ponto_reply reply;

	(void)state;
	assert_int_equal(ponto_client_call(client, "node", "Status", ponto_bytes(NULL, 0), 60000, &reply),
			 PONTO_EPROTO);
	ponto_client_destroy(client);
}

static void messages_that_are_no_events(void **state)
{
	struct ponto_client *client = start(false);

	(void)state;
	assert_int_equal(ponto_client_subscribe(client, "topic"), PONTO_EUNREACH);
	ponto_client_destroy(client);
}

static void events_that_never_come(void **state)
{
	struct ponto_client *client = start(false);
	struct ponto_event event;

	(void)state;
	assert_int_equal(ponto_client_subscribe(client, "topic"), PONTO_EUNREACH); /* it stays subscribed */
	assert_int_equal(ponto_client_next_event(client, 200, &event), PONTO_ETIME);
	ponto_client_destroy(client);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(answers_to_other_calls_without_end, setup, teardown),
	cmocka_unit_test_setup_teardown(nonsense_for_an_answer, setup, teardown),
	cmocka_unit_test_setup_teardown(messages_that_are_no_events, setup, teardown),
	cmocka_unit_test_setup_teardown(events_that_never_come, setup, teardown),
};

PONTO_TEST_MAIN(tests)
