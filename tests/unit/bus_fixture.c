#include "tests/unit/bus_fixture.h"

#include <grp.h>
#include <sys/wait.h>
#include <time.h>

static void answer_text(struct ponto_call *call, const char *text)
{
	ponto_call_reply(call, PONTO_OK, ponto_bytes(text, strlen(text)), NULL);
}

static bool is(const struct ponto_call *call, const char *method)
{
	return strcmp(call->method, method) == 0;
}

static unsigned number(const struct ponto_call *call)
{
	char text[32] = "";

	memcpy(text, call->payload.data, call->payload.len < 31 ? call->payload.len : 31);
	return (unsigned)strtoul(text, NULL, 10);
}

static void on_late(void *arg)
{
	struct bus_fixture *f = arg;

	answer_text(f->late_call, "late");
}

static void release(struct bus_fixture *f)
{
	while (f->held) {
		struct held *h = f->held;

		f->held = h->next;
		answer_text(h->call, "released");
		free(h);
	}
}

static void hold(struct bus_fixture *f, struct ponto_call *call)
{
	struct held *h = malloc(sizeof(*h));

	h->call = call;
	h->next = f->held;
	f->held = h;
	atomic_fetch_add(&f->held_count, 1);
}

static void big(struct ponto_call *call)
{
	size_t len = number(call);
	uint8_t *data = calloc(1, len + 1);

	ponto_call_reply(call, PONTO_OK, ponto_bytes(data, len), NULL);
	free(data);
}

static void events(struct bus_fixture *f, struct ponto_call *call)
{
	uint8_t data[1024] = {0};

	for (unsigned i = 0, n = number(call); i < n; i++) {
		memcpy(data, &i, sizeof(i));
		ponto_port_event(f->port, "tick", ponto_bytes(data, sizeof(data)));
	}
	answer_text(call, "sent");
}

static void on_call(void *arg, struct ponto_call *call)
{
	struct bus_fixture *f = arg;
	char text[128];

	atomic_store(&f->last_client, call->client);
	atomic_fetch_add(&f->calls, 1);
	if (is(call, "Echo")) {
		ponto_call_reply(call, PONTO_OK, call->payload, NULL);
	} else if (is(call, "Who")) {
		snprintf(text, sizeof(text), "%u %d %d %llu", call->uid, (int)call->pid, call->admin,
			 (unsigned long long)call->client);
		answer_text(call, text);
	} else if (is(call, "Hold")) {
		hold(f, call);
	} else if (is(call, "Release")) {
		release(f);
		answer_text(call, "done");
	} else if (is(call, "Late")) {
		f->late_call = call;
		ponto_timer_set(f->loop, f->late, call->deadline + 50 * PONTO_MS);
	} else if (is(call, "Big")) {
		big(call);
	} else if (is(call, "Events")) {
		events(f, call);
	} else {
		ponto_call_reply(call, PONTO_EACCES, ponto_bytes(NULL, 0), "no");
	}
}

static void on_gone(void *arg, uint64_t client)
{
	struct bus_fixture *f = arg;

	atomic_store(&f->last_gone, client);
	atomic_fetch_add(&f->gone, 1);
}

static void *component(void *arg)
{
	static const struct ponto_port_events port_events = {on_call, on_gone};
	struct bus_fixture *f = arg;

	assert_ok(ponto_timer_create(f->loop, on_late, f, &f->late));
	assert_ok(ponto_bus_attach(f->bus, f->loop, "echo", &port_events, f, &f->port));
	pthread_mutex_lock(&f->lock);
	f->attached = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	assert_ok(ponto_loop_run(f->loop));
	ponto_port_detach(f->port);
	release(f);
	ponto_timer_destroy(f->loop, f->late);
	return NULL;
}

void bus_fixture_join(struct bus_fixture *f)
{
	f->attached = false;
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &f->loop));
	assert_int_equal(pthread_create(&f->thread, NULL, component, f), 0);
	pthread_mutex_lock(&f->lock);
	while (!f->attached)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

void bus_fixture_leave(struct bus_fixture *f)
{
	ponto_loop_stop(f->loop);
	pthread_join(f->thread, NULL);
	ponto_loop_destroy(f->loop);
	f->loop = NULL;
}

void bus_fixture_start(struct bus_fixture *f, void (*adjust)(struct ponto_bus_setup *setup))
{
	char reason[256];

	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->dir = ponto_test_mkdir();
	snprintf(f->path, sizeof(f->path), "%s/bus", f->dir);
	snprintf(f->endpoint, sizeof(f->endpoint), "ipc://%s", f->path);
	assert_ok(ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_NONE, "debug", &f->log));
	assert_ok(ponto_metrics_create(&ponto_alloc_system, &f->metrics));
	f->setup.endpoint = f->endpoint;
	f->setup.alloc = &ponto_alloc_system;
	f->setup.clock = &ponto_clock_system;
	f->setup.random = &ponto_random_system;
	f->setup.log = f->log;
	f->setup.metrics = f->metrics;
	if (adjust)
		adjust(&f->setup);
	if (ponto_bus_create(&f->setup, reason, &f->bus) != PONTO_OK)
		fail_msg("%s", reason);
	bus_fixture_join(f);
}

void bus_fixture_restart(struct bus_fixture *f)
{
	char reason[256];

	bus_fixture_leave(f);
	ponto_bus_destroy(f->bus);
	if (ponto_bus_create(&f->setup, reason, &f->bus) != PONTO_OK)
		fail_msg("%s", reason);
	bus_fixture_join(f);
}

void bus_fixture_stop(struct bus_fixture *f)
{
	if (f->loop)
		bus_fixture_leave(f);
	ponto_bus_destroy(f->bus);
	ponto_metrics_destroy(f->metrics);
	ponto_log_destroy(f->log);
	ponto_test_rmdir(f->dir);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
}

struct ponto_client *bus_fixture_client(struct bus_fixture *f)
{
	struct ponto_client_setup setup = {.endpoint = f->endpoint, .alloc = &ponto_alloc_system};
	struct ponto_client *client;

	assert_ok(ponto_client_create(&setup, &client));
	return client;
}

int bus_fixture_call(struct ponto_client *client, const char *method, const char *payload, unsigned timeout_ms,
		     char text[512])
{
	struct ponto_reply reply;
	int result = ponto_client_call(client, "echo", method, ponto_bytes(payload, strlen(payload)), timeout_ms, &reply);

	text[0] = '\0';
	if (result)
		return result;
	if (reply.result == PONTO_OK) {
		size_t len = reply.len < 511 ? reply.len : 511;

		memcpy(text, reply.payload, len);
		text[len] = '\0';
	} else {
		snprintf(text, 512, "%s", reply.error);
	}
	result = reply.result;
	ponto_reply_clear(client, &reply);
	return result;
}

static void nap(void)
{
	struct timespec t = {0, 2000000};

	nanosleep(&t, NULL);
}

void bus_fixture_await(atomic_uint *value, unsigned at_least)
{
	while (atomic_load(value) < at_least)
		nap();
}

uint64_t bus_fixture_counter(struct bus_fixture *f, const char *name)
{
	return ponto_counter_value(ponto_counter(f->metrics, name, "", ""));
}

void bus_fixture_await_counter(struct bus_fixture *f, const char *name, uint64_t at_least)
{
	while (bus_fixture_counter(f, name) < at_least)
		nap();
}

/* ---- clients in processes of their own ------------------------------------------------- */

struct order {
	char endpoint[PONTO_ENDPOINT_SIZE];
	char method[16];
	uid_t uid;
	gid_t gid;
};

struct outcome {
	int result;
	char text[512];
};

static bool become(const struct order *order)
{
	if (order->uid == geteuid() && order->gid == getegid())
		return true;
	return setgroups(0, NULL) == 0 && setresgid(order->gid, order->gid, order->gid) == 0 &&
	       setresuid(order->uid, order->uid, order->uid) == 0;
}

static int help(int in, int out)
{
	struct ponto_client_setup setup = {.alloc = &ponto_alloc_system};
	struct outcome outcome = {0};
	struct ponto_client *client = NULL;
	struct order order;

	while (read(in, &order, sizeof(order)) == (ssize_t)sizeof(order)) {
		setup.endpoint = order.endpoint;
		if (!client && (!become(&order) || ponto_client_create(&setup, &client) != PONTO_OK))
			return 1;
		outcome.result = bus_fixture_call(client, order.method, "", 60000, outcome.text);
		if (write(out, &outcome, sizeof(outcome)) != (ssize_t)sizeof(outcome))
			return 2;
	}
	return 0;
}

void bus_helper_fork(struct bus_helper *h)
{
	int order[2], answer[2];

	assert_int_equal(pipe(order), 0);
	assert_int_equal(pipe(answer), 0);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (h->pid == 0) {
		close(order[1]);
		close(answer[0]);
		_exit(help(order[0], answer[1]));
	}
	close(order[0]);
	close(answer[1]);
	h->order = order[1];
	h->answer = answer[0];
}

void bus_helper_call(struct bus_helper *h, struct bus_fixture *f, uid_t uid, gid_t gid, const char *method)
{
	struct order order = {.uid = uid, .gid = gid};

	memcpy(order.endpoint, f->endpoint, sizeof(order.endpoint));
	snprintf(order.method, sizeof(order.method), "%s", method);
	assert_int_equal(write(h->order, &order, sizeof(order)), sizeof(order));
}

int bus_helper_answer(struct bus_helper *h, char text[512])
{
	struct outcome outcome = {.result = PONTO_EINTERNAL};
	ssize_t got = read(h->answer, &outcome, sizeof(outcome));

	memcpy(text, outcome.text, sizeof(outcome.text));
	return got == (ssize_t)sizeof(outcome) ? outcome.result : PONTO_EINTERNAL;
}

int bus_helper_result(struct bus_helper *h, char text[512])
{
	int result = bus_helper_answer(h, text);

	close(h->order);
	close(h->answer);
	kill(h->pid, SIGKILL); /* a helper forked later keeps the other end of its pipe open */
	waitpid(h->pid, NULL, 0);
	return result;
}
