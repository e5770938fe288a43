/* transport-udp6 at the vtable against a bare recvmmsg/sendmmsg loop: same payload, same batch, same loopback, same
 * process, in turns; and the simulated world's events per second. Neither side ever waits, so the time counted is the
 * processor's, which other programs on the machine disturb least. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "framework/env.h"
#include "framework/plugin.h"
#include "framework/sim.h"
#include "framework/transport.h"

#define PAYLOAD 512
#define ROUNDS 4000 /* of a batch each */
#define REPETITIONS 15
#define LIMIT 0.9
#define SIM_NODES 100000
#define SIM_EVENTS 5000000

extern const struct ponto_plugin transport_udp6_LTX_ponto_plugin;

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "bench_transport: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double processor_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* ---- the bare loop: two sockets, one epoll, batches both ways ----------------------------- */

static int bare_socket(uint16_t *port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int size = 1 << 20;

	must(fd >= 0, "socket");
	must(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0, "SO_RCVBUF");
	must(bind(fd, (struct sockaddr *)&address, len) == 0, "bind");
	must(getsockname(fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
	*port = ntohs(address.sin6_port);
	return fd;
}

struct bare {
	struct mmsghdr messages[PONTO_BATCH];
	struct iovec views[PONTO_BATCH];
	struct sockaddr_in6 peers[PONTO_BATCH];
	uint8_t bytes[PONTO_BATCH][2048];
};

static void bare_init(struct bare *b, size_t len, uint16_t port)
{
	for (size_t i = 0; i < PONTO_BATCH; i++) {
		b->peers[i] = (struct sockaddr_in6){
			.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
		b->views[i] = (struct iovec){b->bytes[i], len};
		b->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &b->peers[i], .msg_namelen = sizeof(b->peers[i]), .msg_iov = &b->views[i], .msg_iovlen = 1};
	}
}

static double run_bare(void)
{
	static struct bare out, in;
	struct epoll_event event = {.events = EPOLLIN};
	uint16_t from, to;
	int sender = bare_socket(&from), receiver = bare_socket(&to);
	int poll = epoll_create1(EPOLL_CLOEXEC);
	size_t sent = 0, received = 0;
	double start;

	bare_init(&out, PAYLOAD, to);
	bare_init(&in, sizeof(in.bytes[0]), 0);
	must(poll >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, receiver, &event) == 0, "epoll");
	start = processor_seconds();
	while (received < (size_t)ROUNDS * PONTO_BATCH) {
		if (sent == received) {
			int n = sendmmsg(sender, out.messages, PONTO_BATCH, MSG_DONTWAIT);

			must(n > 0, "sendmmsg");
			sent += (size_t)n;
		}
		must(epoll_wait(poll, &event, 1, 5000) == 1, "epoll_wait");
		for (size_t i = 0; i < PONTO_BATCH; i++)
			in.messages[i].msg_hdr.msg_namelen = sizeof(in.peers[i]);
		int n = recvmmsg(receiver, in.messages, PONTO_BATCH, MSG_DONTWAIT, NULL);

		must(n > 0, "recvmmsg");
		received += (size_t)n;
	}
	start = processor_seconds() - start;
	close(poll);
	close(sender);
	close(receiver);
	return (double)received / start;
}

/* ---- the same through the vtable ---------------------------------------------------------- */

struct ours {
	struct ponto_loop *loop;
	struct ponto_datagrams sender, receiver;
	struct ponto_datagram batch[PONTO_BATCH];
	size_t sent, received;
};

static void send_batch(void *arg)
{
	struct ours *o = arg;
	size_t sent;

	must(ponto_datagrams_send(o->sender, o->batch, PONTO_BATCH, &sent) == PONTO_OK && sent > 0, "send");
	o->sent += sent;
}

static void received(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct ours *o = arg;

	(void)batch;
	o->received += count;
	if (o->received >= (size_t)ROUNDS * PONTO_BATCH)
		ponto_loop_stop(o->loop);
	else if (o->sent == o->received)
		send_batch(o);
}

static uint16_t free_port(void)
{
	uint16_t port;

	close(bare_socket(&port));
	return port;
}

static struct ponto_datagrams open_handle(struct ponto_transport transport, struct ours *o)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_LOOPBACK, .port = free_port()};
	struct ponto_datagram_events events = {.receive = received};
	struct ponto_datagrams d;

	must(ponto_datagrams_open(transport, o->loop, &want, &events, o, &d) == PONTO_OK, "open");
	return d;
}

static double run_ours(struct ponto_transport transport)
{
	static uint8_t bytes[PAYLOAD];
	struct ours o = {0};
	struct ponto_addr to;
	size_t count;
	double start;

	must(ponto_loop_uv_create(&ponto_alloc_system, &o.loop) == PONTO_OK, "loop");
	o.sender = open_handle(transport, &o);
	o.receiver = open_handle(transport, &o);
	must(ponto_datagrams_local(o.receiver, &to, 1, &count) == PONTO_OK && count == 1, "local");
	for (size_t i = 0; i < PONTO_BATCH; i++)
		o.batch[i] = (struct ponto_datagram){.peer = to, .data = ponto_bytes(bytes, sizeof(bytes))};
	must(ponto_loop_post(o.loop, send_batch, &o) == PONTO_OK, "post");
	start = processor_seconds();
	must(ponto_loop_run(o.loop) == PONTO_OK, "run");
	start = processor_seconds() - start;
	ponto_datagrams_close(&o.sender);
	ponto_datagrams_close(&o.receiver);
	ponto_loop_destroy(o.loop);
	return (double)o.received / start;
}

static bool bench_udp(void)
{
	const struct ponto_plugin *plugin = &transport_udp6_LTX_ponto_plugin;
	double ours[REPETITIONS], bare[REPETITIONS], ratios[REPETITIONS], ratio;
	struct ponto_transport transport = {.ops = (const struct ponto_transport_ops *)(const void *)plugin->vtable};
	struct ponto_env env = {
		.abi = PONTO_PLUGIN_ABI, .size = sizeof(env), .instance = "bench", .alloc = &ponto_alloc_system};
	struct ponto_metrics *metrics;
	struct ponto_conf *conf;
	char error[256];

	must(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, NULL, error, sizeof(error),
			     &conf) == PONTO_OK, error);
	must(ponto_metrics_create(&ponto_alloc_system, &metrics) == PONTO_OK, "metrics");
	env.conf = conf;
	env.metrics = metrics;
	must(transport.ops->create(&env, &transport.self) == PONTO_OK, "create");
	run_bare();
	run_ours(transport);
	for (size_t i = 0; i < REPETITIONS; i++) {
		bare[i] = run_bare();
		ours[i] = run_ours(transport);
		ratios[i] = ours[i] / bare[i];
	}
	transport.ops->destroy(transport.self);
	ponto_metrics_destroy(metrics);
	ponto_conf_destroy(conf);
	ratio = median(ratios, REPETITIONS);
	printf("bench transport-udp6-datagrams ratio=%.3f ours=%.0f/s peer=%.0f/s limit=%.2f\n", ratio,
	       median(ours, REPETITIONS), median(bare, REPETITIONS), LIMIT);
	return ratio >= LIMIT;
}

/* ---- the simulated world --------------------------------------------------------------------- */

static void tick(void *arg)
{
	struct ponto_sim_node *node = arg;
	struct ponto_sim *sim = ponto_sim_node_world(node);
	uint64_t next = ponto_sim_now(sim) + 1 + ponto_random_below(ponto_sim_node_random(node), PONTO_SECOND);

	must(ponto_sim_at(sim, next, tick, node) != 0, "event");
}

static bool bench_sim(void)
{
	struct ponto_sim *sim;
	double start, rate;

	must(ponto_sim_create(&ponto_alloc_system, 1, &sim) == PONTO_OK, "sim");
	for (uint32_t i = 0; i < SIM_NODES; i++) {
		struct ponto_sim_node *node;

		must(ponto_sim_node(sim, &node) == PONTO_OK, "node");
		must(ponto_sim_at(sim, i, tick, node) != 0, "event");
	}
	for (unsigned i = 0; i < SIM_NODES; i++)
		ponto_sim_step(sim);
	start = processor_seconds();
	for (unsigned i = 0; i < SIM_EVENTS; i++)
		ponto_sim_step(sim);
	rate = SIM_EVENTS / (processor_seconds() - start);
	ponto_sim_destroy(sim);
	printf("bench sim-events ratio=%.2f ours=%.0f/s peer=1000000/s limit=1.00\n", rate / 1e6, rate);
	return rate >= 1e6;
}

int main(void)
{
	bool udp = bench_udp();

	return bench_sim() && udp ? 0 : 1;
}
