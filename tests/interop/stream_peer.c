/* A transport of streams driven by lines on standard input, telling on standard output what happens: tests put one behind
 * each NAT.
 *
 * stream_peer teredo|tcp LISTEN-ADDRESS [echo=FD] [OPTION=VALUE]…
 * echo: that descriptor is granted as "echo", and there is a transport-udp6 "six" for the option native.
 * Listens on port 4000, where what comes is sent back, and 4001, where it is swallowed.
 * echo ADDRESS BYTES    sends so many to an echo, and looks at what comes back
 * push ADDRESS BYTES    sends so many to be swallowed, and says how long that took */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/node.h"
#include "framework/transport.h"
#include "tests/support/lines.h"

extern const struct ponto_plugin transport_udp4_LTX_ponto_plugin, transport_udp6_LTX_ponto_plugin, transport_teredo_LTX_ponto_plugin,
	transport_tcp_LTX_ponto_plugin;

#define ECHO_PORT 4000
#define SWALLOW_PORT 4001
#define CHUNK 65536

enum role {
	ROLE_ECHO,
	ROLE_SWALLOW,
	ROLE_CLIENT,
};

struct peer {
	struct ponto_loop *loop;
	struct ponto_transport transport;
	struct ponto_datagrams d;
	struct ponto_listener_handle *echo, *swallow;
	struct lines input;
};

struct stream {
	struct ponto_stream s;
	enum role role;
	uint64_t received, written, wanted, started;
	bool wrong, pushing;
};

static uint64_t now_us(void)
{
	return ponto_mono(&ponto_clock_system);
}

static uint8_t pattern(uint64_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 8) * 13 + (offset >> 16));
}

/* ---- streams ----------------------------------------------------------------------------------- */

static void end(struct stream *s)
{
	if (ponto_stream_shutdown(s->s) != PONTO_OK)
		printf("no end could be sent\n");
}

static void client_write(struct stream *s)
{
	static uint8_t bytes[CHUNK];

	while (s->written < s->wanted) {
		size_t len = s->wanted - s->written < CHUNK ? (size_t)(s->wanted - s->written) : CHUNK, taken;

		for (size_t i = 0; i < len && !s->pushing; i++)
			bytes[i] = pattern(s->written + i);
		if (ponto_stream_write(s->s, ponto_bytes(bytes, len), &taken) != PONTO_OK)
			return;
		s->written += taken;
		if (taken < len)
			return;
	}
	end(s);
}

static void connected(void *arg)
{
	struct stream *s = arg;
	struct ponto_addr local, peer;
	char text[2][PONTO_ADDR_TEXT];

	if (ponto_stream_ends(s->s, &local, &peer) == PONTO_OK)
		printf("connected %s to %s\n", ponto_addr_format(&local, text[0]), ponto_addr_format(&peer, text[1]));
	s->started = now_us();
	client_write(s);
}

static size_t echo_some(struct stream *s, struct ponto_bytes data)
{
	size_t taken = 0;

	if (ponto_stream_write(s->s, data, &taken) != PONTO_OK)
		return data.len;
	/* The rest when there is room. */
	return taken;
}

static size_t receive(void *arg, struct ponto_bytes data)
{
	struct stream *s = arg;

	if (s->role == ROLE_ECHO)
		return echo_some(s, data);
	for (size_t i = 0; i < data.len && s->role == ROLE_CLIENT; i++)
		s->wrong = s->wrong || data.data[i] != pattern(s->received + i);
	s->received += data.len;
	return data.len;
}

static void writable(void *arg)
{
	struct stream *s = arg;

	if (s->role == ROLE_CLIENT)
		client_write(s);
	else
		ponto_stream_resume(s->s);
}

static void half_closed(void *arg)
{
	struct stream *s = arg;

	if (s->role != ROLE_CLIENT)
		end(s);
}

static void closed(void *arg, int result)
{
	struct stream *s = arg;

	if (s->role == ROLE_CLIENT && result != PONTO_OK)
		printf("failed: %s\n", ponto_strerror(result));
	else if (s->role == ROLE_CLIENT && s->pushing)
		printf("pushed %llu in %llu us\n", (unsigned long long)s->written, (unsigned long long)(now_us() - s->started));
	else if (s->role == ROLE_CLIENT)
		printf("%s %llu of %llu\n", s->wrong ? "garbled" : "echoed", (unsigned long long)s->received,
		       (unsigned long long)s->wanted);
	free(s);
}

static const struct ponto_stream_events events = {
	.connected = connected, .receive = receive, .half_closed = half_closed, .writable = writable, .closed = closed};

static void take(struct peer *p, struct ponto_stream_handle *handle, enum role role, const struct ponto_addr *peer)
{
	struct stream *s = calloc(1, sizeof(*s));
	char text[PONTO_ADDR_TEXT];

	if (!s)
		abort();
	s->role = role;
	printf("accepted %s\n", ponto_addr_format(peer, text));
	if (ponto_stream_adopt(p->transport, handle, &events, s, &s->s) != PONTO_OK)
		free(s);
}

static void accepted_echo(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer)
{
	take(arg, stream, ROLE_ECHO, peer);
}

static void accepted_swallow(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer)
{
	take(arg, stream, ROLE_SWALLOW, peer);
}

/* ---- orders --------------------------------------------------------------------------------------- */

static void obey(void *arg, char *line)
{
	struct peer *p = arg;
	char *word = strtok(line, " "), *address = strtok(NULL, " "), *bytes = strtok(NULL, " ");
	struct stream *s = calloc(1, sizeof(*s));
	struct ponto_addr peer;
	int result;

	if (!s)
		abort();
	if (!word || !address || !bytes || ponto_addr_parse(address, ECHO_PORT, &peer) != PONTO_OK) {
		printf("what?\n");
		free(s);
		return;
	}
	s->role = ROLE_CLIENT;
	s->pushing = strcmp(word, "push") == 0;
	s->wanted = strtoull(bytes, NULL, 10);
	result = ponto_stream_connect(p->transport, p->loop, &peer, &events, s, &s->s);
	if (result != PONTO_OK) {
		printf("failed: %s\n", ponto_strerror(result));
		free(s);
	}
}

/* ---- the node ------------------------------------------------------------------------------------------ */

static void say_local(void *arg)
{
	struct peer *p = arg;
	struct ponto_addr local;
	char text[PONTO_ADDR_TEXT];
	size_t count;

	if (ponto_datagrams_local(p->d, &local, 1, &count) != PONTO_OK)
		abort();
	local.port = 0;
	if (count)
		printf("local %s\n", ponto_addr_format(&local, text));
}

static void unwanted(void *arg, const struct ponto_datagram *batch, size_t count)
{
	(void)arg;
	(void)batch;
	(void)count;
}

static struct ponto_conf *add(struct ponto_node *node, const struct ponto_plugin *plugin, const char *name,
			      const char *const *settings)
{
	char error[256], reason[PONTO_REASON_SIZE] = "";
	struct ponto_conf *conf;

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			    &conf) != PONTO_OK) {
		printf("configuration: %s\n", error);
		exit(1);
	}
	if (ponto_node_add(node, plugin, name, conf, reason) != PONTO_OK) {
		printf("%s: %s\n", name, reason);
		exit(1);
	}
	return conf;
}

static int listen_at(struct peer *p, const char *address)
{
	struct ponto_addr local;
	int result = ponto_addr_parse(address, ECHO_PORT, &local);

	local.port = ECHO_PORT;
	if (result == PONTO_OK)
		result = ponto_stream_listen(p->transport, p->loop, &local, accepted_echo, p, &p->echo);
	local.port = SWALLOW_PORT;
	if (result == PONTO_OK)
		result = ponto_stream_listen(p->transport, p->loop, &local, accepted_swallow, p, &p->swallow);
	printf("wants TLS: %s\n", ponto_stream_wants_tls(p->transport) ? "yes" : "no");
	printf("listening: %s\n", ponto_strerror(result));
	return result;
}

static int live(struct peer *p, const char *address, bool teredo)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL};
	struct ponto_datagram_events datagrams = {.receive = unwanted, .addresses_changed = say_local};
	int status = 1;

	if (teredo && ponto_datagrams_open(p->transport, p->loop, &want, &datagrams, p, &p->d) != PONTO_OK)
		abort();
	if (teredo)
		say_local(p);
	if (listen_at(p, address) == PONTO_OK) {
		lines_begin(&p->input, p->loop, obey, p);
		status = ponto_loop_run(p->loop) != PONTO_OK;
		lines_end(&p->input);
	}
	ponto_stream_unlisten(p->transport, p->echo);
	ponto_stream_unlisten(p->transport, p->swallow);
	ponto_datagrams_close(&p->d);
	return status;
}

int main(int argc, char **argv)
{
	struct ponto_node_setup setup = {.name = "peer",
					 .alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system};
	bool teredo = argc > 2 && strcmp(argv[1], "teredo") == 0;
	static char carrier[] = "carrier=wire";
	struct ponto_grant echo = {.name = "echo", .control = -1};
	struct ponto_conf *confs[3] = {NULL};
	struct ponto_iface iface;
	struct ponto_node *node;
	struct peer p = {0};
	const char *address;
	int status;

	if (argc < 3)
		return 2;
	address = argv[2];
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (ponto_loop_uv_create(&ponto_alloc_system, &p.loop) != PONTO_OK ||
	    ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_STDERR_TEXT, "info", &setup.log) != PONTO_OK)
		abort();
	setup.loop = p.loop;
	if (argc > 3 && sscanf(argv[3], "echo=%d", &echo.fd) == 1) {
		setup.grants = &echo;
		setup.grant_count = 1;
		argv++;
	}
	if (ponto_node_create(&setup, &node) != PONTO_OK)
		abort();
	if (teredo) {
		argv[2] = carrier; /* in front of those given */
		confs[0] = add(node, &transport_udp4_LTX_ponto_plugin, "wire", NULL);
		if (setup.grant_count)
			confs[2] = add(node, &transport_udp6_LTX_ponto_plugin, "six", NULL);
		confs[1] = add(node, &transport_teredo_LTX_ponto_plugin, "wide", (const char *const *)argv + 2);
	} else {
		confs[1] = add(node, &transport_tcp_LTX_ponto_plugin, "wide", (const char *const *)argv + 3);
	}
	if (ponto_node_find(node, PONTO_KIND_TRANSPORT, "wide", &iface) != PONTO_OK)
		abort();
	p.transport = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	status = live(&p, address, teredo);
	(void)ponto_node_destroy(node);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(confs); i++)
		ponto_conf_destroy(confs[i]);
	ponto_log_destroy(setup.log);
	ponto_loop_destroy(p.loop);
	return status;
}
