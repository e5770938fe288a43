/* What is particular to streams over TCP; the contract itself is tested in tests/conform. */
#include "tests/support/test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "framework/plugin.h"
#include "plugins/transport-tcp/tcp.h"

extern const struct ponto_plugin transport_tcp_LTX_ponto_plugin;

#define SIDES 8

struct side {
	struct fixture *f;
	struct ponto_stream s;
	size_t received, appetite;
	bool connected, closed;
	int result;
};

struct fixture {
	struct ponto_conf *conf;
	struct ponto_env env;
	struct ponto_transport transport;
	struct ponto_loop *loop;
	struct ponto_listener_handle *listener;
	struct ponto_addr at;
	struct side out[SIDES], in[SIDES];
	size_t accepted;
	int failure; /* of adopting */
};

static int create(struct fixture *f, const struct ponto_alloc *alloc, const char *setting)
{
	const struct ponto_plugin *plugin = &transport_tcp_LTX_ponto_plugin;
	const char *settings[] = {setting, NULL};
	char error[256];
	int result;

	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < SIDES; i++) {
		f->in[i] = (struct side){.f = f, .appetite = SIZE_MAX};
		f->out[i] = f->in[i];
	}
	assert_ok(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error,
				  sizeof(error), &f->conf));
	f->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI, .size = sizeof(f->env), .instance = "tcp", .conf = f->conf, .alloc = alloc};
	f->transport.ops = (const struct ponto_transport_ops *)(const void *)plugin->vtable;
	result = f->transport.ops->create(&f->env, &f->transport.self);
	if (result == PONTO_OK)
		result = ponto_loop_uv_create(alloc, &f->loop);
	return result;
}

static void destroy(struct fixture *f)
{
	for (size_t i = 0; i < SIDES; i++) {
		ponto_stream_abort(&f->out[i].s);
		ponto_stream_abort(&f->in[i].s);
	}
	ponto_stream_unlisten(f->transport, f->listener);
	if (f->transport.self) {
		assert_int_equal(atomic_load(&((struct tcp_transport *)f->transport.self)->streams), 0);
		f->transport.ops->destroy(f->transport.self);
	}
	ponto_loop_destroy(f->loop);
	ponto_conf_destroy(f->conf);
}

static void connected(void *arg)
{
	struct side *side = arg;

	side->connected = true;
	ponto_loop_stop(side->f->loop);
}

static size_t receive(void *arg, struct ponto_bytes data)
{
	struct side *side = arg;
	size_t used = data.len < side->appetite ? data.len : side->appetite;

	side->received += used;
	ponto_loop_stop(side->f->loop);
	return used;
}

static void closed(void *arg, int result)
{
	struct side *side = arg;

	side->closed = true;
	side->result = result;
	side->s.handle = NULL;
	ponto_loop_stop(side->f->loop);
}

static const struct ponto_stream_events events = {.connected = connected, .receive = receive, .closed = closed};

static void accepted(void *arg, struct ponto_stream_handle *handle, const struct ponto_addr *peer)
{
	struct fixture *f = arg;
	struct side *side = &f->in[f->accepted++];

	(void)peer;
	f->failure = ponto_stream_adopt(f->transport, handle, &events, side, &side->s);
	ponto_loop_stop(f->loop);
}

static int start_listening(struct fixture *f)
{
	struct ponto_addr local;
	int result = ponto_addr_parse("::1", 0, &local);

	if (result == PONTO_OK)
		result = ponto_stream_listen(f->transport, f->loop, &local, accepted, f, &f->listener);
	if (result == PONTO_OK)
		result = ponto_stream_listening(f->transport, f->listener, &f->at);
	return result;
}

static int start_connecting(struct fixture *f, size_t i)
{
	return ponto_stream_connect(f->transport, f->loop, &f->at, &events, &f->out[i], &f->out[i].s);
}

#define UNTIL(condition)                                \
	do {                                            \
		while (!(condition))                    \
			assert_ok(ponto_loop_run(f.loop)); \
	} while (0)

static void no_more_streams_than_allowed(void **state)
{
	struct fixture f;

	(void)state;
	assert_ok(create(&f, &ponto_alloc_system, "max_streams=3"));
	assert_ok(start_listening(&f));
	assert_ok(start_connecting(&f, 0));
	UNTIL(f.out[0].connected && f.accepted == 1);
	assert_ok(start_connecting(&f, 1));
	assert_int_equal(start_connecting(&f, 2), PONTO_EBUSY);
	assert_null(f.out[2].s.handle);
	/* The system connected it; it waits to be accepted until another ends. */
	UNTIL(f.out[1].connected);
	assert_int_equal(f.accepted, 1);
	ponto_stream_abort(&f.out[0].s);
	UNTIL(f.accepted == 2);
	destroy(&f);
}

static void running_out_of_descriptors_is_no_end(void **state)
{
	struct rlimit limit, none;
	struct fixture f;

	(void)state;
	assert_ok(create(&f, &ponto_alloc_system, NULL));
	assert_ok(start_listening(&f));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_ok(start_connecting(&f, 0));
	none = limit;
	none.rlim_cur = (rlim_t)f.out[0].s.handle->fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(start_connecting(&f, 1), PONTO_EBUSY);
	UNTIL(f.out[0].connected);
	assert_int_equal(f.accepted, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	UNTIL(f.accepted == 1);
	destroy(&f);
}

static void who_does_not_answer_is_given_up(void **state)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t len = sizeof(address);
	int full = socket(AF_INET6, SOCK_STREAM, 0);
	struct fixture f;

	(void)state;
	/* Its queue holds one, then the kernel drops what asks to connect. */
	assert_int_equal(bind(full, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(full, 0), 0);
	assert_int_equal(getsockname(full, (struct sockaddr *)&address, &len), 0);
	assert_ok(create(&f, &ponto_alloc_system, "connect_timeout=1"));
	assert_ok(ponto_addr_parse("::1", ntohs(address.sin6_port), &f.at));
	for (size_t i = 0; i < 4; i++)
		assert_ok(start_connecting(&f, i));
	UNTIL(f.out[3].closed);
	assert_int_equal(f.out[3].result, PONTO_ETIME);
	assert_false(f.out[3].connected);
	destroy(&f);
	close(full);
}

static int option_of(const struct ponto_stream *s, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(s->handle->fd, level, name, &value, &len), 0);
	return value;
}

static void both_ends_have_the_options(void **state)
{
	struct fixture f;

	(void)state;
	assert_ok(create(&f, &ponto_alloc_system, "keepalive=77"));
	assert_ok(start_listening(&f));
	assert_ok(start_connecting(&f, 0));
	UNTIL(f.out[0].connected && f.accepted == 1);
	for (size_t i = 0; i < 2; i++) {
		const struct ponto_stream *s = i ? &f.in[0].s : &f.out[0].s;

		assert_int_equal(option_of(s, SOL_SOCKET, SO_KEEPALIVE), 1);
		assert_int_equal(option_of(s, IPPROTO_TCP, TCP_KEEPIDLE), 77);
		assert_int_equal(option_of(s, IPPROTO_TCP, TCP_USER_TIMEOUT), 120000);
		assert_int_equal(option_of(s, IPPROTO_TCP, TCP_NODELAY), 1);
		assert_int_not_equal(fcntl(s->handle->fd, F_GETFD) & FD_CLOEXEC, 0);
	}
	destroy(&f);
}

/* The whole life of a stream, with bytes kept back; what fails on the way is returned. */
static int live(struct fixture *f)
{
	size_t taken = 0;
	int result = start_listening(f);

	if (result == PONTO_OK)
		result = start_connecting(f, 0);
	if (result != PONTO_OK)
		return result;
	while ((!f->out[0].connected || f->accepted == 0) && !f->out[0].closed)
		assert_ok(ponto_loop_run(f->loop));
	/* There was no memory for the one accepted, which therefore was reset. */
	if (f->accepted == 0)
		return PONTO_ENOMEM;
	if (f->failure != PONTO_OK)
		return f->failure;
	f->in[0].appetite = 2;
	assert_ok(ponto_stream_write(f->out[0].s, ponto_bytes("hello", 5), &taken));
	assert_int_equal(taken, 5);
	while (f->in[0].received < 5 && !f->in[0].closed) {
		assert_ok(ponto_loop_run(f->loop));
		if (!f->in[0].closed)
			ponto_stream_resume(f->in[0].s);
	}
	return f->in[0].closed ? f->in[0].result : PONTO_OK;
}

static int live_with(const struct ponto_alloc *alloc, void *arg)
{
	struct fixture f;
	int result = create(&f, alloc, NULL);

	(void)arg;
	if (result == PONTO_OK)
		result = live(&f);
	destroy(&f);
	return result;
}

static void memory_running_out_leaves_nothing_behind(void **state)
{
	(void)state;
	ponto_test_oom(live_with, NULL, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(no_more_streams_than_allowed),
	cmocka_unit_test(running_out_of_descriptors_is_no_end),
	cmocka_unit_test(who_does_not_answer_is_given_up),
	cmocka_unit_test(both_ends_have_the_options),
	cmocka_unit_test(memory_running_out_leaves_nothing_behind),
};

PONTO_TEST_MAIN(tests)
