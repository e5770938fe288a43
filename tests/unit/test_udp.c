/* What is particular to the UDP transports; the contract itself is tested in tests/conform. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "framework/env.h"
#include "framework/plugin.h"
#include "framework/transport.h"

extern const struct ponto_plugin transport_udp6_LTX_ponto_plugin, transport_udp4_LTX_ponto_plugin;

struct fixture {
	struct ponto_conf *conf;
	struct ponto_env env;
	struct ponto_transport transport;
	struct ponto_loop *loop;
	struct ponto_addr mtu_peer;
	uint32_t mtu;
	size_t received;
};

static int make_conf(const struct ponto_plugin *plugin, const char *setting, struct ponto_conf **out)
{
	const char *settings[] = {setting, NULL};
	char error[256];

	return ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error,
			       sizeof(error), out);
}

static int create(struct fixture *f, const struct ponto_alloc *alloc, const struct ponto_plugin *plugin,
		  const char *setting)
{
	memset(f, 0, sizeof(*f));
	assert_ok(make_conf(plugin, setting, &f->conf));
	f->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI, .size = sizeof(f->env), .instance = "wide", .conf = f->conf, .alloc = alloc};
	f->transport.ops = (const struct ponto_transport_ops *)(const void *)plugin->vtable;
	return f->transport.ops->create(&f->env, &f->transport.self);
}

static void destroy(struct fixture *f)
{
	if (f->transport.self)
		f->transport.ops->destroy(f->transport.self);
	ponto_loop_destroy(f->loop);
	ponto_conf_destroy(f->conf);
}

static void receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct fixture *f = arg;

	(void)batch;
	f->received += count;
	ponto_loop_stop(f->loop);
}

static void path_mtu(void *arg, const struct ponto_addr *peer, uint32_t mtu)
{
	struct fixture *f = arg;

	f->mtu_peer = *peer;
	f->mtu = mtu;
	ponto_loop_stop(f->loop);
}

static int open_loopback(struct fixture *f, uint16_t port, struct ponto_datagrams *out)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_LOOPBACK, .port = port};
	struct ponto_datagram_events events = {.receive = receive, .path_mtu = path_mtu};

	return ponto_datagrams_open(f->transport, f->loop, &want, &events, f, out);
}

static void low_ports_are_refused(void **state)
{
	const struct ponto_plugin *plugins[] = {&transport_udp6_LTX_ponto_plugin, &transport_udp4_LTX_ponto_plugin};
	static const char *const wrong[] = {"port=0", "port=1023", "port=1024", "port=65536", "port=-1"};
	struct ponto_conf *conf = NULL;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(plugins); i++) {
		for (size_t j = 0; j < PONTO_ARRAY_SIZE(wrong); j++)
			assert_int_equal(make_conf(plugins[i], wrong[j], &conf), PONTO_ECONF);
		assert_null(conf);
		assert_ok(make_conf(plugins[i], "port=1025", &conf));
		ponto_conf_destroy(conf);
		conf = NULL;
	}
	PONTO_PROVES("PNRP-002");
}

static void addresses_must_be_of_the_family(void **state)
{
	static const char *const wrong[] = {"addresses=192.0.2.1", "addresses=[::1]:3540", "addresses=::1,nonsense"};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(wrong); i++) {
		assert_int_equal(create(&f, &ponto_alloc_system, &transport_udp6_LTX_ponto_plugin, wrong[i]),
				 PONTO_ECONF);
		assert_null(f.transport.self);
		destroy(&f);
	}
	assert_int_equal(create(&f, &ponto_alloc_system, &transport_udp4_LTX_ponto_plugin, "addresses=::1"),
			 PONTO_ECONF);
	destroy(&f);
}

static void only_listed_addresses_and_interfaces_are_used(void **state)
{
	static const struct {
		const char *setting;
		int result;
	} rows[] = {{"addresses=::1", PONTO_OK},
		    {"addresses=2001:db8::ffff", PONTO_ENOENT},
		    {"interfaces=lo", PONTO_OK},
		    {"interfaces=no-such-link", PONTO_ENOENT}};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct ponto_datagrams d = {0};

		assert_ok(create(&f, &ponto_alloc_system, &transport_udp6_LTX_ponto_plugin, rows[i].setting));
		assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &f.loop));
		assert_int_equal(open_loopback(&f, ponto_test_port(), &d), rows[i].result);
		ponto_datagrams_close(&d);
		destroy(&f);
	}
}

static void no_address_and_port_is_shared(void **state)
{
	struct ponto_datagrams one = {0}, two = {0};
	struct fixture f;
	uint16_t port = ponto_test_port();

	(void)state;
	assert_ok(create(&f, &ponto_alloc_system, &transport_udp6_LTX_ponto_plugin, NULL));
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &f.loop));
	assert_ok(open_loopback(&f, port, &one));
	assert_int_equal(open_loopback(&f, port, &two), PONTO_EEXIST);
	assert_null(two.handle);
	ponto_datagrams_close(&one);
	destroy(&f);
	PONTO_PROVES("PNRP-280");
}

static void what_may_not_be_fragmented_is_refused_and_the_size_told(void **state)
{
	static uint8_t bytes[65500];
	struct ponto_datagrams d = {0};
	struct ponto_datagram large = {.data = {bytes, sizeof(bytes)}, .flags = PONTO_DGRAM_DONT_FRAGMENT};
	struct fixture f;
	size_t count, sent = 9;

	(void)state;
	assert_ok(create(&f, &ponto_alloc_system, &transport_udp6_LTX_ponto_plugin, NULL));
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &f.loop));
	assert_ok(open_loopback(&f, ponto_test_port(), &d));
	assert_ok(ponto_datagrams_local(d, &large.peer, 1, &count));
	assert_int_equal(ponto_datagrams_send(d, &large, 1, &sent), PONTO_ELIMIT);
	assert_int_equal(sent, 0);
	assert_ok(ponto_loop_run(f.loop));
	assert_true(f.mtu > 0 && f.mtu < sizeof(bytes));
	assert_true(ponto_addr_equal(&f.mtu_peer, &large.peer));
	/* What was told fits; and in fragments the large one goes too. */
	large.data.len = f.mtu;
	assert_ok(ponto_datagrams_send(d, &large, 1, &sent));
	assert_int_equal(sent, 1);
	assert_ok(ponto_loop_run(f.loop));
	large.data.len = sizeof(bytes);
	large.flags = 0;
	assert_ok(ponto_datagrams_send(d, &large, 1, &sent));
	assert_ok(ponto_loop_run(f.loop));
	assert_int_equal(f.received, 2);
	ponto_datagrams_close(&d);
	destroy(&f);
}

/* ---- datagrams that pass the kernel as one ------------------------------------------------------- */

#define SEGMENT 100

static int bare_socket(struct ponto_addr *addr)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*addr = (struct ponto_addr){.family = PONTO_FAMILY_IPV6, .port = ntohs(address.sin6_port)};
	memcpy(addr->ip, &address.sin6_addr, 16);
	return fd;
}

/* The next message of a socket that takes several datagrams at once: its length, and that of each in it. */
static size_t next_message(int fd, uint8_t *bytes, size_t size, int *segment)
{
	_Alignas(struct cmsghdr) uint8_t control[128];
	struct iovec view = {bytes, size};
	struct msghdr message = {
		.msg_iov = &view, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &message, 0);

	assert_true(n >= 0);
	*segment = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			memcpy(segment, CMSG_DATA(c), sizeof(*segment));
	return (size_t)n;
}

static void those_of_one_length_to_one_peer_leave_together(void **state)
{
	static const struct {
		size_t len;
		uint8_t hop_limit;
	} rows[] = {{SEGMENT, 0}, {SEGMENT, 0}, {SEGMENT, 0}, {40, 0},	{SEGMENT, 0},
		    {SEGMENT, 9}, {0, 9},	{1401, 9},    {1401, 9}};
	static const size_t lengths[] = {340, SEGMENT, SEGMENT, 0, 1401, 1401};
	static uint8_t bytes[PONTO_ARRAY_SIZE(rows)][1500], got[16384];
	struct ponto_datagram batch[PONTO_ARRAY_SIZE(rows)] = {0};
	struct ponto_datagrams d = {0};
	struct ponto_addr to;
	struct fixture f;
	size_t sent;
	int segment, on = 1, fd = bare_socket(&to);

	(void)state;
	assert_int_equal(setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on)), 0);
	assert_ok(create(&f, &ponto_alloc_system, &transport_udp6_LTX_ponto_plugin, NULL));
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &f.loop));
	assert_ok(open_loopback(&f, ponto_test_port(), &d));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		memset(bytes[i], (int)i + 1, sizeof(bytes[i]));
		batch[i] = (struct ponto_datagram){
			.peer = to, .data = ponto_bytes(bytes[i], rows[i].len), .hop_limit = rows[i].hop_limit};
	}
	assert_ok(ponto_datagrams_send(d, batch, PONTO_ARRAY_SIZE(rows), &sent));
	assert_int_equal(sent, PONTO_ARRAY_SIZE(rows));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(lengths); i++) {
		assert_int_equal(next_message(fd, got, sizeof(got), &segment), lengths[i]);
		assert_int_equal(segment, i == 0 ? SEGMENT : 0);
		if (i == 0)
			for (size_t j = 0; j < lengths[0]; j++)
				assert_int_equal(got[j], j / SEGMENT + 1);
	}
	close(fd);
	ponto_datagrams_close(&d);
	destroy(&f);
}

struct apart {
	struct fixture *f;
	size_t count, wanted, close_at;
	struct ponto_datagrams *d;
};

static void receive_apart(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct apart *a = arg;

	assert_in_range(count, 1, PONTO_BATCH);
	for (size_t i = 0; i < count; i++, a->count++) {
		bool last = a->count % 60 == 59;

		assert_int_equal(batch[i].data.len, last ? 7 : SEGMENT);
		assert_int_equal(batch[i].data.data[0], a->count % 60);
		assert_int_equal(batch[i].data.data[batch[i].data.len - 1], a->count % 60);
		assert_int_equal(batch[i].hop_limit, 64);
	}
	if (a->close_at && a->count >= a->close_at)
		ponto_datagrams_close(a->d);
	if (a->count >= a->wanted)
		ponto_loop_stop(a->f->loop);
}

/* Three times 59 datagrams and a shorter one, each time in one message. */
static void send_together(int fd, const struct ponto_addr *to)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6, .sin6_port = htons(to->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	uint8_t bytes[59 * SEGMENT + 7];
	int segment = SEGMENT;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i / SEGMENT);
	assert_int_equal(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sendto(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&address, sizeof(address)),
				 sizeof(bytes));
}

static void what_comes_together_is_handed_over_apart(void **state)
{
	/* Closed within the first message, the rest of it is not handed over. */
	static const struct apart rows[] = {{.wanted = 180}, {.wanted = PONTO_BATCH, .close_at = PONTO_BATCH}};
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_LOOPBACK};
	struct ponto_datagram_events events = {.receive = receive_apart};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(rows); i++) {
		struct ponto_datagrams d = {0};
		struct ponto_addr own, bare;
		struct apart a = rows[i];
		struct fixture f;
		size_t count;
		int fd = bare_socket(&bare);

		assert_ok(create(&f, &ponto_alloc_system, &transport_udp6_LTX_ponto_plugin, NULL));
		assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &f.loop));
		a.f = &f;
		a.d = &d;
		want.port = ponto_test_port();
		assert_ok(ponto_datagrams_open(f.transport, f.loop, &want, &events, &a, &d));
		assert_ok(ponto_datagrams_local(d, &own, 1, &count));
		send_together(fd, &own);
		assert_ok(ponto_loop_run(f.loop));
		assert_int_equal(a.count, a.wanted);
		close(fd);
		ponto_datagrams_close(&d);
		destroy(&f);
	}
}

/* A datagram from d to itself. */
static void send_to_itself(struct fixture *f, struct ponto_datagrams d)
{
	struct ponto_datagram datagram = {.data = ponto_bytes("x", 1)};
	size_t count, sent = 0;

	assert_ok(ponto_datagrams_local(d, &datagram.peer, 1, &count));
	assert_ok(ponto_datagrams_send(d, &datagram, 1, &sent));
	assert_int_equal(sent, 1);
	assert_ok(ponto_loop_run(f->loop));
}

static void handles_share_what_a_call_needs(void **state)
{
	struct ponto_datagrams d[4] = {{0}};
	struct ponto_test_alloc ta;
	struct fixture f;
	size_t live;

	(void)state;
	ponto_test_alloc_init(&ta);
	assert_ok(create(&f, &ta.alloc, &transport_udp6_LTX_ponto_plugin, NULL));
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &f.loop));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(d); i++)
		assert_ok(open_loopback(&f, ponto_test_port(), &d[i]));
	live = ta.live;
	send_to_itself(&f, d[0]);
	assert_in_range(ta.live, live, live + 3); /* the sender, the receiver and its buffers */
	live = ta.live;
	for (size_t i = 1; i < PONTO_ARRAY_SIZE(d); i++)
		send_to_itself(&f, d[i]);
	assert_int_equal(ta.live, live);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(d); i++)
		ponto_datagrams_close(&d[i]);
	destroy(&f);
	assert_int_equal(ta.live, 0);
}

static void without_memory_nothing_is_sent_and_what_comes_is_lost(void **state)
{
	struct ponto_datagram datagram = {.data = ponto_bytes("x", 1)};
	struct ponto_datagrams d = {0};
	struct ponto_test_alloc ta;
	struct fixture f;
	size_t count, sent = 7;

	(void)state;
	ponto_test_alloc_init(&ta);
	assert_ok(create(&f, &ta.alloc, &transport_udp6_LTX_ponto_plugin, NULL));
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &f.loop));
	assert_ok(open_loopback(&f, ponto_test_port(), &d));
	assert_ok(ponto_datagrams_local(d, &datagram.peer, 1, &count));
	ta.fail_at = ta.made + 1;
	assert_int_equal(ponto_datagrams_send(d, &datagram, 1, &sent), PONTO_ENOMEM);
	assert_int_equal(sent, 0);
	assert_ok(ponto_datagrams_send(d, &datagram, 1, &sent));
	ta.fail_at = ta.made + 1; /* of the first receiver */
	assert_ok(ponto_datagrams_send(d, &datagram, 1, &sent));
	assert_ok(ponto_loop_run(f.loop));
	assert_true(ta.refused);
	assert_int_equal(f.received, 1);
	ponto_datagrams_close(&d);
	destroy(&f);
	assert_int_equal(ta.live, 0);
}

static int open_and_close(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_datagrams d = {0};
	struct fixture f;
	int result = create(&f, alloc, &transport_udp6_LTX_ponto_plugin, "addresses=::1");

	(void)arg;
	if (result == PONTO_OK)
		result = ponto_loop_uv_create(alloc, &f.loop);
	if (result == PONTO_OK)
		result = open_loopback(&f, ponto_test_port(), &d);
	ponto_datagrams_close(&d);
	destroy(&f);
	return result;
}

static void memory_running_out_leaves_nothing_behind(void **state)
{
	(void)state;
	ponto_test_oom(open_and_close, NULL, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(low_ports_are_refused),
	cmocka_unit_test(addresses_must_be_of_the_family),
	cmocka_unit_test(only_listed_addresses_and_interfaces_are_used),
	cmocka_unit_test(no_address_and_port_is_shared),
	cmocka_unit_test(what_may_not_be_fragmented_is_refused_and_the_size_told),
	cmocka_unit_test(those_of_one_length_to_one_peer_leave_together),
	cmocka_unit_test(what_comes_together_is_handed_over_apart),
	cmocka_unit_test(handles_share_what_a_call_needs),
	cmocka_unit_test(without_memory_nothing_is_sent_and_what_comes_is_lost),
	cmocka_unit_test(memory_running_out_leaves_nothing_behind),
};

PONTO_TEST_MAIN(tests)
