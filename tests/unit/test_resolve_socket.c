/* The daemon's resolve socket: its protocol, its limits, and that a client that leaves takes its walk along. */
#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/pontod/local_call.h"
#include "apps/pontod/node.pb-c.h"
#include "framework/service.h"

/* ---- a name service that answers when it is told to ------------------------------- */

static struct {
	struct ponto_call *open[8];
	size_t count;
	uint64_t gone;
} service;

static int fake_create(const struct ponto_env *env, void **self)
{
	(void)env;
	*self = &service;
	return PONTO_OK;
}

static void fake_call(void *self, struct ponto_call *call)
{
	(void)self;
	assert_true(service.count < PONTO_ARRAY_SIZE(service.open));
	service.open[service.count++] = call;
}

static void fake_gone(void *self, uint64_t client)
{
	(void)self;
	service.gone = client;
	for (size_t i = 0; i < service.count; i++) {
		if (service.open[i]->client != client)
			continue;
		ponto_call_reply(service.open[i], PONTO_ECLOSED, ponto_bytes(NULL, 0), NULL);
		service.open[i--] = service.open[--service.count];
	}
}

static void fake_destroy(void *self)
{
	(void)self;
}

static const struct ponto_service_ops fake_ops = {
	.head = {PONTO_SERVICE_ABI, sizeof(fake_ops)},
	.create = fake_create,
	.call = fake_call,
	.client_gone = fake_gone,
	.destroy = fake_destroy,
};

static const struct ponto_plugin fake = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_SERVICE,
	.name = "service-fake",
	.version = "1",
	.summary = "answers when told to",
	.vtable = &fake_ops.head,
};

/* ---- a daemon around it --------------------------------------------------------------- */

static struct ponto_conf *conf;
static char *directory;

const struct ponto_conf *daemon_node_conf(const struct daemon *d)
{
	(void)d;
	return conf;
}

static struct daemon *start(void)
{
	static struct daemon d;
	const char *settings[] = {"resolve_socket=/given", NULL};
	struct ponto_node_setup setup = {.name = "n",
					 .alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system};
	char reason[PONTO_REASON_SIZE] = "";

	memset(&d, 0, sizeof(d));
	memset(&service, 0, sizeof(service));
	directory = ponto_test_mkdir();
	snprintf(d.resolve_path, sizeof(d.resolve_path), "%s/resolve", directory);
	assert_ok(ponto_conf_make(&ponto_alloc_system, ponto_node_options, ponto_node_option_count, settings, reason,
				  sizeof(reason), &conf));
	assert_ok(ponto_metrics_create(&ponto_alloc_system, &d.metrics));
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &d.loop));
	setup.loop = d.loop;
	assert_ok(ponto_node_create(&setup, &d.node));
	assert_ok(ponto_node_add(d.node, &fake, "pnrp", conf, reason));
	assert_ok(ponto_node_start(d.node, reason));
	assert_ok(resolve_socket_create(&d, &d.resolve, reason));
	return &d;
}

static void stop(struct daemon *d)
{
	resolve_socket_stop(d->resolve);
	assert_ok(ponto_node_destroy(d->node));
	local_calls_destroy(d);
	resolve_socket_destroy(d->resolve);
	ponto_loop_destroy(d->loop);
	ponto_metrics_destroy(d->metrics);
	ponto_conf_destroy(conf);
	ponto_test_rmdir(directory);
}

static int64_t metric(struct daemon *d, const char *name)
{
	char *text = NULL, *at;
	int64_t value;

	assert_ok(ponto_metrics_json(d->metrics, &text));
	at = strstr(text, name);
	assert_non_null(at);
	value = strtoll(at + strcspn(at, "0123456789"), NULL, 10);
	ponto_free(&ponto_alloc_system, text);
	return value;
}

static void enough(void *arg)
{
	ponto_loop_stop(arg);
}

/* Lets the daemon do what there is to do. */
static void turn(struct daemon *d)
{
	struct ponto_timer *timer;

	assert_ok(ponto_timer_create(d->loop, enough, d->loop, &timer));
	ponto_timer_set(d->loop, timer, ponto_loop_now(d->loop) + 20 * PONTO_MS);
	assert_ok(ponto_loop_run(d->loop));
	ponto_timer_destroy(d->loop, timer);
}

/* ---- a client ---------------------------------------------------------------------------- */

static int connect_client(struct daemon *d)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, d->resolve_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void ask(struct daemon *d, int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
	turn(d);
}

/* The next answer's result; payload and error go to text. */
static int answered(struct daemon *d, int fd, char text[256])
{
	Ponto__Node__V1__ResolveAnswer *answer;
	uint8_t data[1024];
	ssize_t got;
	int result;

	turn(d);
	for (;;) {
		got = recv(fd, data, sizeof(data), 0);
		assert_true(got > 0);
		answer = ponto__node__v1__resolve_answer__unpack(NULL, (size_t)got, data);
		assert_non_null(answer);
		if (!answer->pending)
			break;
		ponto__node__v1__resolve_answer__free_unpacked(answer, NULL);
	}
	result = answer->result;
	snprintf(text, 256, "%s%.*s", answer->error ? answer->error : "", (int)answer->payload.len,
		 answer->payload.len ? (const char *)answer->payload.data : "");
	ponto__node__v1__resolve_answer__free_unpacked(answer, NULL);
	return result;
}

/* ---- cases ---------------------------------------------------------------------------------- */

static void a_request_is_one_packet_and_so_is_its_answer(void **state)
{
	struct daemon *d = start();
	int fd = connect_client(d);
	char text[256];

	(void)state;
	ask(d, fd, "half a req", 10); /* whatever it is: the service reads it */
	assert_int_equal(service.count, 1);
	assert_string_equal(service.open[0]->method, "Resolve");
	assert_int_equal(service.open[0]->payload.len, 10);
	assert_int_equal(service.open[0]->uid, getuid());
	assert_int_equal(service.open[0]->pid, getpid());
	assert_false(service.open[0]->admin);
	ask(d, fd, "too soon", 8);
	assert_int_equal(answered(d, fd, text), PONTO_EBUSY);
	assert_string_equal(text, "one request at a time");
	ponto_call_reply(service.open[0], PONTO_OK, ponto_bytes("found", 5), NULL);
	assert_int_equal(answered(d, fd, text), PONTO_OK);
	assert_string_equal(text, "found");
	service.count = 0;
	ask(d, fd, "again", 5);
	ponto_call_reply(service.open[0], PONTO_EPROTO, ponto_bytes(NULL, 0), "the request cannot be read");
	assert_int_equal(answered(d, fd, text), PONTO_EPROTO);
	assert_string_equal(text, "the request cannot be read");
	close(fd);
	stop(d);
}

static void a_request_is_bounded(void **state)
{
	static const uint8_t large[2049];
	struct daemon *d = start();
	int fd = connect_client(d);
	char text[256];

	(void)state;
	ask(d, fd, large, sizeof(large));
	assert_int_equal(answered(d, fd, text), PONTO_ELIMIT);
	assert_int_equal(service.count, 0);
	close(fd);
	stop(d);
}

static void a_user_has_a_rate_and_a_share_of_the_connections(void **state)
{
	struct daemon *d = start();
	int fds[17], fd = connect_client(d);
	unsigned refused = 0;
	char text[256], byte;

	(void)state;
	for (unsigned i = 0; i < 200 && !refused; i++) {
		assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
		turn(d);
		if (service.count == 1)
			ponto_call_reply(service.open[--service.count], PONTO_OK, ponto_bytes("y", 1), NULL);
		refused += answered(d, fd, text) == PONTO_EBUSY;
	}
	assert_int_equal(refused, 1);
	assert_string_equal(text, "too many requests");
	for (unsigned i = 0; i < 16; i++) {
		fds[i] = connect_client(d);
		turn(d);
	}
	assert_int_equal(recv(fds[14], &byte, 1, 0), -1); /* the sixteenth of this user: open */
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(recv(fds[15], &byte, 1, 0), 0); /* one too many */
	for (unsigned i = 0; i < 16; i++)
		close(fds[i]);
	close(fd);
	stop(d);
}

static void who_waits_is_told_so(void **state)
{
	struct daemon *d = start();
	int fd = connect_client(d), idle = connect_client(d);
	uint8_t data[64];
	char text[256];

	(void)state;
	ask(d, fd, "slow", 4);
	for (unsigned round = 0; round < 3; round++) {
		ssize_t got = -1;

		for (unsigned i = 0; i < 500 && got < 0; i++) {
			turn(d);
			got = recv(fd, data, sizeof(data), 0);
		}
		assert_int_equal(got, 4); /* result 0, pending */
		assert_memory_equal(data, "\x08\x00\x20\x01", 4);
	}
	ponto_call_reply(service.open[0], PONTO_OK, ponto_bytes("found", 5), NULL);
	assert_int_equal(answered(d, fd, text), PONTO_OK);
	assert_string_equal(text, "found");
	for (unsigned i = 0; i < 8; i++)
		turn(d);
	assert_int_equal(recv(fd, data, sizeof(data), 0), -1);
	assert_int_equal(recv(idle, data, sizeof(data), 0), -1);
	close(idle);
	close(fd);
	stop(d);
}

static unsigned unread(int fd)
{
	uint8_t data[1024];
	unsigned count = 0;

	while (recv(fd, data, sizeof(data), 0) > 0)
		count++;
	return count;
}

static void who_does_not_read_is_told_once(void **state)
{
	struct daemon *d = start();
	int fd = connect_client(d);
	char text[256];

	(void)state;
	ask(d, fd, "slow", 4);
	for (unsigned i = 0; i < 25; i++) /* half a second, in which ten words would be due */
		turn(d);
	assert_int_equal(unread(fd), 1);
	for (unsigned i = 0; i < 10; i++)
		turn(d);
	assert_int_equal(unread(fd), 1); /* it goes on for who reads again */
	ponto_call_reply(service.open[0], PONTO_OK, ponto_bytes("found", 5), NULL);
	assert_int_equal(answered(d, fd, text), PONTO_OK);
	close(fd);
	stop(d);
}

/* A socket that takes no more ends the connection, and with it what is asked for on it. */
static void who_never_reads_is_dropped(void **state)
{
	static uint8_t large[8192];
	struct daemon *d = start();
	int fd = connect_client(d);
	unsigned asked = 0;

	(void)state;
	while (asked < 1000 && send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
		for (unsigned i = 0; i < 3; i++) /* refused requests, too many of them, are answered as well */
			turn(d);
		if (service.count == 1)
			ponto_call_reply(service.open[--service.count], PONTO_OK, ponto_bytes(large, sizeof(large)),
					 NULL);
		asked++;
	}
	assert_int_equal(errno, EPIPE);
	assert_true(unread(fd) < asked);
	close(fd);
	stop(d);
}

static void a_client_that_leaves_takes_its_request_along(void **state)
{
	struct daemon *d = start();
	int other = connect_client(d), fd = connect_client(d);
	uint64_t client;
	char text[256];

	(void)state;
	ask(d, other, "a", 1);
	ask(d, fd, "b", 1);
	assert_int_equal(service.count, 2);
	client = service.open[1]->client;
	close(fd);
	turn(d);
	assert_int_equal(service.gone, client);
	assert_int_equal(service.count, 1);
	ponto_call_reply(service.open[0], PONTO_OK, ponto_bytes("a", 1), NULL);
	assert_int_equal(answered(d, other, text), PONTO_OK);
	close(other);
	stop(d);
}

static rlim_t highest_descriptor(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	long highest = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		highest = atol(entry->d_name) > highest ? atol(entry->d_name) : highest;
	closedir(dir);
	return (rlim_t)highest;
}

static void without_descriptors_it_waits(void **state)
{
	struct daemon *d = start();
	struct rlimit before, none;
	static int fill[4096];
	int fd;
	unsigned count = 0;

	(void)state;
	turn(d);
	fd = connect_client(d);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = highest_descriptor() + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (count < PONTO_ARRAY_SIZE(fill) && (fill[count] = dup(0)) >= 0)
		count++;
	assert_true(count < PONTO_ARRAY_SIZE(fill));
	for (unsigned i = 0; i < 5; i++)
		turn(d);
	/* once, or a few times on a slow machine: not as often as the loop turns */
	assert_in_range(metric(d, "resolve_pauses_total"), 1, 5);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	while (count > 0)
		close(fill[--count]);
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	for (unsigned i = 0; i < 500 && service.count == 0; i++)
		turn(d);
	assert_int_equal(service.count, 1);
	close(fd);
	turn(d);
	stop(d);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_request_is_one_packet_and_so_is_its_answer),
	cmocka_unit_test(a_request_is_bounded),
	cmocka_unit_test(a_user_has_a_rate_and_a_share_of_the_connections),
	cmocka_unit_test(who_waits_is_told_so),
	cmocka_unit_test(who_does_not_read_is_told_once),
	cmocka_unit_test(who_never_reads_is_dropped),
	cmocka_unit_test(a_client_that_leaves_takes_its_request_along),
	cmocka_unit_test(without_descriptors_it_waits),
};

PONTO_TEST_MAIN(tests)
