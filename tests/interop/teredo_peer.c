/* transport-teredo over transport-udp4, driven by lines on standard input, telling on standard output what happens: the
 * tests in network namespaces put one behind each NAT.
 *
 * teredo_peer [echo=FD] [OPTION=VALUE]…
 * echo: that descriptor is granted as "echo", and there is a transport-udp6 "six" for the option native.
 * send ADDRESS TEXT | ecn ADDRESS TEXT | echo | quiet | local
 * echo: from now on what comes is sent back; quiet: not any more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/node.h"
#include "framework/transport.h"
#include "tests/support/lines.h"

extern const struct ponto_plugin transport_udp4_LTX_ponto_plugin, transport_udp6_LTX_ponto_plugin,
	transport_teredo_LTX_ponto_plugin;

struct peer {
	struct ponto_loop *loop;
	struct ponto_datagrams d;
	struct lines input;
	bool echo;
};

static void say_local(struct peer *p)
{
	struct ponto_addr local;
	char text[PONTO_ADDR_TEXT];
	size_t count;

	if (ponto_datagrams_local(p->d, &local, 1, &count) != PONTO_OK)
		abort();
	printf("local %s\n", count ? ponto_addr_format(&local, text) : "none");
}

static void send_one(struct peer *p, const struct ponto_datagram *d)
{
	size_t sent;
	int result = ponto_datagrams_send(p->d, d, 1, &sent);

	if (result != PONTO_OK)
		printf("not sent: %s\n", ponto_strerror(result));
}

static void received(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct peer *p = arg;
	char from[PONTO_ADDR_TEXT];

	for (size_t i = 0; i < count; i++) {
		struct ponto_datagram reply = {.peer = batch[i].peer, .data = batch[i].data};

		printf("received %.*s from %s\n", (int)batch[i].data.len, (const char *)batch[i].data.data,
		       ponto_addr_format(&batch[i].peer, from));
		if (p->echo)
			send_one(p, &reply);
	}
}

static void addresses_changed(void *arg)
{
	say_local(arg);
}

static void obey(void *arg, char *line)
{
	struct ponto_datagram d = {0};
	struct peer *p = arg;
	char *word = strtok(line, " "), *address = strtok(NULL, " "), *text = strtok(NULL, "");

	if (!word)
		return;
	if (strcmp(word, "echo") == 0) {
		p->echo = true;
	} else if (strcmp(word, "quiet") == 0) {
		p->echo = false;
	} else if (strcmp(word, "local") == 0) {
		say_local(p);
	} else if (address && text && ponto_addr_parse(address, 3540, &d.peer) == PONTO_OK) {
		d.data = ponto_bytes(text, strlen(text));
		d.ecn = strcmp(word, "ecn") == 0 ? 2 : 0;
		send_one(p, &d);
	} else {
		printf("what?\n");
	}
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

int main(int argc, char **argv)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL};
	struct ponto_datagram_events events = {.receive = received, .addresses_changed = addresses_changed};
	struct ponto_node_setup setup = {.name = "peer",
					 .alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system};
	static char carrier[] = "carrier=wire";
	struct ponto_grant echo = {.name = "echo", .control = -1};
	struct ponto_conf *confs[3] = {NULL};
	struct ponto_transport wide;
	struct ponto_iface iface;
	struct ponto_node *node;
	struct peer p = {0};
	int status = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && sscanf(argv[1], "echo=%d", &echo.fd) == 1) {
		setup.grants = &echo;
		setup.grant_count = 1;
		argv++;
	}
	argv[0] = carrier; /* in front of those given */
	if (ponto_loop_uv_create(&ponto_alloc_system, &p.loop) != PONTO_OK ||
	    ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_STDERR_TEXT, "info", &setup.log) !=
		    PONTO_OK)
		abort();
	setup.loop = p.loop;
	if (ponto_node_create(&setup, &node) != PONTO_OK)
		abort();
	confs[0] = add(node, &transport_udp4_LTX_ponto_plugin, "wire", NULL);
	if (setup.grant_count)
		confs[2] = add(node, &transport_udp6_LTX_ponto_plugin, "six", NULL);
	confs[1] = add(node, &transport_teredo_LTX_ponto_plugin, "wide", (const char *const *)argv);
	if (ponto_node_find(node, PONTO_KIND_TRANSPORT, "wide", &iface) != PONTO_OK)
		abort();
	wide = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	if (ponto_datagrams_open(wide, p.loop, &want, &events, &p, &p.d) != PONTO_OK)
		abort();
	lines_begin(&p.input, p.loop, obey, &p);
	if (ponto_loop_run(p.loop) != PONTO_OK)
		status = 1;
	lines_end(&p.input);
	ponto_datagrams_close(&p.d);
	(void)ponto_node_destroy(node);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(confs); i++)
		ponto_conf_destroy(confs[i]);
	ponto_log_destroy(setup.log);
	ponto_loop_destroy(p.loop);
	return status;
}
