/* One end of bench_teredo_client.sh: datagrams over the transport contract, by lines on standard input.
 *
 * bench_teredo_client teredo [OPTION=VALUE]…   transport-teredo over transport-udp4
 * bench_teredo_client udp6|udp4                the kernel's UDP: over miredo's interface, or without Teredo
 *
 * ping ADDRESS COUNT   one after the other; median and longest in microseconds. What is lost is sent again each second.
 * flood ADDRESS MS     WINDOW datagrams of PAYLOAD bytes under way, acknowledged every ACK of them; bytes that arrived
 * open ADDRESS         one datagram, to open the NAT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "framework/node.h"
#include "framework/transport.h"
#include "tests/support/lines.h"

#define PORT 3540
#define PAYLOAD 1200
#define WINDOW 256
#define ACK 64
#define STALL (PONTO_SECOND / 20) /* what is not acknowledged by then is lost */
#define PINGS_MAX 10000

extern const struct ponto_plugin transport_udp4_LTX_ponto_plugin, transport_udp6_LTX_ponto_plugin,
	transport_teredo_LTX_ponto_plugin;

enum kind { ECHO = 'e', ECHOED = 'r', BEGIN = 'b', DATA = 'd', ACKNOWLEDGED = 'a' };

struct message {
	uint8_t kind;
	uint8_t count[8];
};

struct end {
	struct ponto_loop *loop;
	struct ponto_datagrams d;
	struct ponto_timer *timer;
	struct lines input;
	struct ponto_addr peer;
	uint64_t born;
	enum { IDLE, PINGING, BEGINNING, FLOODING } doing;
	/* pings */
	uint64_t asked, wanted, done, took[PINGS_MAX];
	/* of a flood: by the sender, and by the receiver */
	uint64_t start, length, sent, lost, acknowledged, stalled;
	uint64_t arrived;
};

static uint64_t now(void) /* in nanoseconds */
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void send_message(struct end *e, const struct ponto_addr *peer, enum kind kind, uint64_t count)
{
	struct message m = {.kind = (uint8_t)kind};
	struct ponto_datagram d = {.peer = *peer, .data = ponto_bytes((const uint8_t *)&m, sizeof(m))};
	size_t sent;
	int result;

	memcpy(m.count, &count, sizeof(m.count));
	result = ponto_datagrams_send(e->d, &d, 1, &sent);
	if (result != PONTO_OK)
		printf("not sent: %s\n", ponto_strerror(result));
}

/* ---- round trips ------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void ask(struct end *e)
{
	send_message(e, &e->peer, ECHO, e->done);
	ponto_timer_set(e->loop, e->timer, ponto_loop_now(e->loop) + PONTO_SECOND);
}

static void answered(struct end *e, uint64_t count)
{
	if (e->doing != PINGING || count != e->done)
		return;
	e->took[e->done++] = now() - e->asked;
	if (e->done < e->wanted) {
		e->asked = now();
		ask(e);
		return;
	}
	e->doing = IDLE;
	qsort(e->took, e->done, sizeof(e->took[0]), compare);
	printf("pinged %.1f %.1f\n", (double)e->took[e->done / 2] / 1e3, (double)e->took[e->done - 1] / 1e3);
}

/* ---- floods --------------------------------------------------------------------------------------- */

static void fill(struct end *e)
{
	static uint8_t bytes[PAYLOAD] = {DATA};
	struct ponto_datagram batch[PONTO_BATCH];
	size_t sent = 1;

	while (sent > 0 && e->sent + PONTO_BATCH <= e->acknowledged + e->lost + WINDOW) {
		for (size_t i = 0; i < PONTO_BATCH; i++)
			batch[i] = (struct ponto_datagram){.peer = e->peer, .data = ponto_bytes(bytes, sizeof(bytes))};
		if (ponto_datagrams_send(e->d, batch, PONTO_BATCH, &sent) != PONTO_OK)
			break;
		e->sent += sent;
	}
	ponto_timer_set(e->loop, e->timer, ponto_loop_now(e->loop) + STALL);
}

static void acknowledged(struct end *e, uint64_t count)
{
	if (e->doing == BEGINNING && count == 0) {
		e->doing = FLOODING;
		e->start = now();
		e->sent = e->lost = e->acknowledged = e->stalled = 0;
	} else if (e->doing != FLOODING || count <= e->acknowledged) {
		return;
	}
	e->acknowledged = count;
	/* What was taken for lost came after all. */
	if (e->acknowledged + e->lost > e->sent)
		e->lost = e->sent > e->acknowledged ? e->sent - e->acknowledged : 0;
	if (now() - e->start < e->length) {
		fill(e);
		return;
	}
	e->doing = IDLE;
	printf("flooded %llu %.6f %llu\n", (unsigned long long)e->acknowledged * PAYLOAD,
	       (double)(now() - e->start) / 1e9, (unsigned long long)e->stalled);
}

static void due(void *arg)
{
	struct end *e = arg;

	if (e->doing == PINGING) {
		ask(e);
	} else if (e->doing == BEGINNING) {
		send_message(e, &e->peer, BEGIN, 0);
		ponto_timer_set(e->loop, e->timer, ponto_loop_now(e->loop) + PONTO_SECOND);
	} else if (e->doing == FLOODING) {
		e->lost = e->sent - e->acknowledged;
		e->stalled++;
		fill(e);
	}
}

static void received(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct end *e = arg;

	for (size_t i = 0; i < count; i++) {
		struct message m;
		uint64_t n;

		if (batch[i].data.len < sizeof(m))
			continue;
		memcpy(&m, batch[i].data.data, sizeof(m));
		memcpy(&n, m.count, sizeof(n));
		if (m.kind == DATA && batch[i].data.len == PAYLOAD) {
			if (++e->arrived % ACK == 0)
				send_message(e, &batch[i].peer, ACKNOWLEDGED, e->arrived);
		} else if (m.kind == ECHO) {
			send_message(e, &batch[i].peer, ECHOED, n);
		} else if (m.kind == ECHOED) {
			answered(e, n);
		} else if (m.kind == BEGIN) {
			e->arrived = 0;
			send_message(e, &batch[i].peer, ACKNOWLEDGED, 0);
		} else if (m.kind == ACKNOWLEDGED) {
			acknowledged(e, n);
		}
	}
}

/* ---- orders ------------------------------------------------------------------------------------------ */

static void obey(void *arg, char *line)
{
	struct end *e = arg;
	char *word = strtok(line, " "), *address = strtok(NULL, " "), *number = strtok(NULL, " ");
	uint64_t n = number ? strtoull(number, NULL, 10) : 0;

	if (!word || !address || ponto_addr_parse(address, PORT, &e->peer) != PONTO_OK) {
		printf("what?\n");
	} else if (strcmp(word, "ping") == 0 && n > 0 && n <= PINGS_MAX) {
		e->doing = PINGING;
		e->wanted = n;
		e->done = 0;
		e->asked = now();
		ask(e);
	} else if (strcmp(word, "flood") == 0 && n > 0) {
		e->doing = BEGINNING;
		e->length = n * 1000000u;
		due(e);
	} else if (strcmp(word, "open") == 0) {
		send_message(e, &e->peer, ACKNOWLEDGED, 0);
		printf("opened %s\n", address);
	} else {
		printf("what?\n");
	}
}

static void say_local(void *arg)
{
	struct end *e = arg;
	struct ponto_addr local;
	char text[PONTO_ADDR_TEXT];
	size_t count;

	if (ponto_datagrams_local(e->d, &local, 1, &count) != PONTO_OK)
		abort();
	if (count)
		printf("local %s %.1f\n", ponto_addr_format(&local, text), (double)(now() - e->born) / 1e6);
}

static struct ponto_conf *add(struct ponto_node *node, const struct ponto_plugin *plugin, const char *name,
			      const char *const *settings)
{
	char error[256], reason[PONTO_REASON_SIZE] = "";
	struct ponto_conf *conf;

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			    &conf) != PONTO_OK) {
		fprintf(stderr, "configuration: %s\n", error);
		exit(1);
	}
	if (ponto_node_add(node, plugin, name, conf, reason) != PONTO_OK) {
		fprintf(stderr, "%s: %s\n", name, reason);
		exit(1);
	}
	return conf;
}

static int live(struct end *e, struct ponto_transport transport)
{
	const struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = PORT};
	const struct ponto_datagram_events events = {.receive = received, .addresses_changed = say_local};
	int status;

	if (ponto_datagrams_open(transport, e->loop, &want, &events, e, &e->d) != PONTO_OK ||
	    ponto_timer_create(e->loop, due, e, &e->timer) != PONTO_OK)
		return 1;
	say_local(e);
	lines_begin(&e->input, e->loop, obey, e);
	status = ponto_loop_run(e->loop) != PONTO_OK;
	lines_end(&e->input);
	ponto_timer_destroy(e->loop, e->timer);
	ponto_datagrams_close(&e->d);
	return status;
}

int main(int argc, char **argv)
{
	static struct end e;
	static char carrier[] = "carrier=wire";
	struct ponto_node_setup setup = {.name = "end",
					 .alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system};
	struct ponto_conf *confs[2] = {NULL, NULL};
	struct ponto_iface iface;
	struct ponto_node *node;
	int status;

	if (argc < 2)
		return 2;
	e.born = now();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (ponto_loop_uv_create(&ponto_alloc_system, &e.loop) != PONTO_OK ||
	    ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_STDERR_TEXT, "info", &setup.log) !=
		    PONTO_OK)
		abort();
	setup.loop = e.loop;
	if (ponto_node_create(&setup, &node) != PONTO_OK)
		abort();
	if (strcmp(argv[1], "teredo") == 0) {
		argv[1] = carrier; /* in front of those given */
		confs[0] = add(node, &transport_udp4_LTX_ponto_plugin, "wire", NULL);
		confs[1] = add(node, &transport_teredo_LTX_ponto_plugin, "wide", (const char *const *)argv + 1);
	} else {
		confs[1] = add(node,
			       strcmp(argv[1], "udp4") == 0 ? &transport_udp4_LTX_ponto_plugin
							    : &transport_udp6_LTX_ponto_plugin,
			       "wide", (const char *const *)argv + 2);
	}
	if (ponto_node_find(node, PONTO_KIND_TRANSPORT, "wide", &iface) != PONTO_OK)
		abort();
	status = live(&e,
		      (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool});
	(void)ponto_node_destroy(node);
	for (size_t i = 0; i < 2; i++)
		ponto_conf_destroy(confs[i]);
	ponto_log_destroy(setup.log);
	ponto_loop_destroy(e.loop);
	return status;
}
