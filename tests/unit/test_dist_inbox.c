/* Messages of several threads on their way to one loop: all of them arrive, in each one's order, or find no room. */
#include <pthread.h>
#include <sched.h>

#include "framework/loop.h"
#include "plugins/service-dist/dist_inbox.h"
#include "tests/support/test.h"

#define THREADS 4u
#define MESSAGES 20000u

struct world {
	struct ponto_loop *loop;
	struct dist_inbox *inbox;
	unsigned taken[THREADS], total, wakes, wanted;
};

struct sender {
	struct world *world;
	uint8_t number;
	pthread_t id;
};

static void take(void *arg, const struct ponto_addr *from, struct ponto_bytes message)
{
	struct world *w = arg;
	unsigned number;

	assert_true(message.len >= sizeof(number) && from->port < THREADS);
	memcpy(&number, message.data, sizeof(number));
	assert_int_equal(number, w->taken[from->port]++);
	assert_int_equal(message.len, sizeof(number) + number % 7);
	w->total++;
}

static void taken(void *arg)
{
	struct world *w = arg;

	w->wakes++;
	if (w->total == w->wanted)
		ponto_loop_stop(w->loop);
}

static void begin(struct world *w, size_t room)
{
	static const struct dist_inbox_events events = {take, taken};

	memset(w, 0, sizeof(*w));
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &w->loop));
	assert_ok(dist_inbox_create(&ponto_alloc_system, w->loop, room, &events, w, &w->inbox));
	assert_true(dist_inbox_idle(w->inbox));
}

static void end(struct world *w)
{
	assert_true(dist_inbox_idle(w->inbox));
	dist_inbox_destroy(w->inbox);
	ponto_loop_destroy(w->loop);
}

static bool put(struct world *w, uint8_t sender, unsigned number)
{
	struct ponto_addr from = {.port = sender};
	uint8_t message[16] = {0};

	memcpy(message, &number, sizeof(number));
	return dist_inbox_put(w->inbox, &from, ponto_bytes(message, sizeof(number) + number % 7));
}

static void *send_all(void *arg)
{
	struct sender *s = arg;

	for (unsigned i = 0; i < MESSAGES; i++) {
		while (!put(s->world, s->number, i))
			sched_yield();
	}
	return NULL;
}

static void every_message_arrives_in_order(void **state)
{
	struct sender senders[THREADS];
	struct world w;

	(void)state;
	begin(&w, 4096);
	w.wanted = THREADS * MESSAGES;
	for (unsigned i = 0; i < THREADS; i++) {
		senders[i] = (struct sender){.world = &w, .number = (uint8_t)i};
		assert_int_equal(pthread_create(&senders[i].id, NULL, send_all, &senders[i]), 0);
	}
	assert_ok(ponto_loop_run(w.loop));
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(senders[i].id, NULL);
	assert_int_equal(w.total, THREADS * MESSAGES);
	end(&w);
}

static void it_is_bounded_and_the_loop_wakes_once(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1024);
	while (put(&w, 0, w.wanted))
		w.wanted++;
	assert_in_range(w.wanted, 1024 / 64, 1024 / 32);
	assert_false(dist_inbox_idle(w.inbox));
	assert_false(dist_inbox_put(w.inbox, &(struct ponto_addr){.port = 0}, ponto_bytes("", 2000)));
	assert_ok(ponto_loop_run(w.loop));
	assert_int_equal(w.wakes, 1);
	assert_int_equal(w.total, w.wanted);
	/* There is room again. */
	assert_true(put(&w, 0, w.wanted++));
	assert_ok(ponto_loop_run(w.loop));
	assert_int_equal(w.wakes, 2);
	end(&w);
}

/* Each allocation is refused once. */
static int make(const struct ponto_alloc *alloc, void *arg)
{
	static const struct dist_inbox_events events = {take, taken};
	struct dist_inbox *inbox = NULL;
	int result = dist_inbox_create(alloc, arg, 1024, &events, NULL, &inbox);

	dist_inbox_destroy(inbox);
	return result;
}

static void refused_memory_leaves_nothing(void **state)
{
	struct ponto_loop *loop;

	(void)state;
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &loop));
	ponto_test_oom(make, loop, false);
	ponto_loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_message_arrives_in_order),
	cmocka_unit_test(it_is_bounded_and_the_loop_wakes_once),
	cmocka_unit_test(refused_memory_leaves_nothing),
};

PONTO_TEST_MAIN(tests)
