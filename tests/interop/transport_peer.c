/* One UDP handle driven by lines on standard input, telling on standard output what happens: the tests in network
 * namespaces put one in each.
 *
 * transport_peer FAMILY SCOPE [OPTION=VALUE]…
 * send ADDRESS TEXT | df ADDRESS LENGTH | burst ADDRESS LENGTH | join GROUP | leave GROUP | local | quit */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/env.h"
#include "framework/plugin.h"
#include "framework/transport.h"
#include "tests/support/lines.h"

extern const struct ponto_plugin transport_udp6_LTX_ponto_plugin, transport_udp4_LTX_ponto_plugin;

struct peer {
	struct ponto_loop *loop;
	struct ponto_datagrams d;
	struct lines input;
};

static void say_local(struct peer *p)
{
	struct ponto_addr local[64];
	char text[PONTO_ADDR_TEXT];
	size_t count;

	if (ponto_datagrams_local(p->d, local, 64, &count) != PONTO_OK)
		abort();
	printf("local %zu", count);
	for (size_t i = 0; i < count; i++)
		printf(" %s", ponto_addr_format(&local[i], text));
	printf("\n");
}

static void received(void *arg, const struct ponto_datagram *batch, size_t count)
{
	char from[PONTO_ADDR_TEXT], at[PONTO_ADDR_TEXT];

	(void)arg;
	for (size_t i = 0; i < count; i++)
		printf("received %.*s from %s at %s hops %u\n", (int)batch[i].data.len,
		       (const char *)batch[i].data.data, ponto_addr_format(&batch[i].peer, from),
		       ponto_addr_format(&batch[i].local, at), batch[i].hop_limit);
}

static void addresses_changed(void *arg)
{
	printf("changed ");
	say_local(arg);
}

static void path_mtu(void *arg, const struct ponto_addr *peer, uint32_t mtu)
{
	char text[PONTO_ADDR_TEXT];

	(void)arg;
	printf("mtu %u to %s\n", mtu, ponto_addr_format(peer, text));
}

static void do_send(struct peer *p, const char *address, const char *text, uint16_t flags)
{
	static char zeros[65536];
	struct ponto_datagram d = {.flags = flags};
	size_t sent = 0;
	int result;

	if (ponto_addr_parse(address, 3540, &d.peer) != PONTO_OK) {
		printf("bad address\n");
		return;
	}
	d.data = flags ? ponto_bytes(zeros, strtoul(text, NULL, 10)) : ponto_bytes(text, strlen(text));
	result = ponto_datagrams_send(p->d, &d, 1, &sent);
	printf("sent %zu: %s\n", sent, ponto_strerror(result));
}

/* Ten at once, each beginning with its number. */
static void do_burst(struct peer *p, const char *address, const char *length)
{
	static char texts[10][1501];
	struct ponto_datagram batch[10];
	struct ponto_addr peer;
	size_t sent = 0, len = strtoul(length, NULL, 10);
	int result;

	if (ponto_addr_parse(address, 3540, &peer) != PONTO_OK || len == 0 || len >= sizeof(texts[0])) {
		printf("bad address\n");
		return;
	}
	for (size_t i = 0; i < 10; i++) {
		memset(texts[i], 'x', len);
		texts[i][0] = (char)('0' + i);
		batch[i] = (struct ponto_datagram){.peer = peer, .data = ponto_bytes(texts[i], len)};
	}
	result = ponto_datagrams_send(p->d, batch, 10, &sent);
	printf("sent %zu: %s\n", sent, ponto_strerror(result));
}

static void do_group(struct peer *p, const char *address, bool join)
{
	struct ponto_addr group;
	int result = ponto_addr_parse(address, 0, &group);

	if (result == PONTO_OK)
		result = join ? ponto_datagrams_join(p->d, &group) : ponto_datagrams_leave(p->d, &group);
	printf("%s: %s\n", join ? "joined" : "left", ponto_strerror(result));
}

static void obey(void *arg, char *line)
{
	struct peer *p = arg;
	char *save;
	char *verb = strtok_r(line, " ", &save);
	char *address = strtok_r(NULL, " ", &save);
	char *text = strtok_r(NULL, " ", &save);

	if (verb && strcmp(verb, "send") == 0 && text)
		do_send(p, address, text, 0);
	else if (verb && strcmp(verb, "df") == 0 && text)
		do_send(p, address, text, PONTO_DGRAM_DONT_FRAGMENT);
	else if (verb && strcmp(verb, "burst") == 0 && text)
		do_burst(p, address, text);
	else if (verb && strcmp(verb, "join") == 0 && address)
		do_group(p, address, true);
	else if (verb && strcmp(verb, "leave") == 0 && address)
		do_group(p, address, false);
	else if (verb && strcmp(verb, "local") == 0)
		say_local(p);
	else if (verb && strcmp(verb, "quit") == 0)
		ponto_loop_stop(p->loop);
	else
		printf("what?\n");
}

static int serve(struct peer *p, struct ponto_transport transport, enum ponto_scope scope)
{
	struct ponto_datagram_want want = {.scope = scope};
	struct ponto_datagram_events events = {received, addresses_changed, path_mtu};
	int result = ponto_datagrams_open(transport, p->loop, &want, &events, p, &p->d);

	printf("open: %s\n", ponto_strerror(result));
	if (result != PONTO_OK)
		return 1;
	say_local(p);
	lines_begin(&p->input, p->loop, obey, p);
	if (ponto_loop_run(p->loop) != PONTO_OK)
		abort();
	lines_end(&p->input);
	ponto_datagrams_close(&p->d);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const scopes[] = {"none", "loopback", "link", "site", "global"};
	const struct ponto_plugin *plugin =
		argc > 1 && *argv[1] == '4' ? &transport_udp4_LTX_ponto_plugin : &transport_udp6_LTX_ponto_plugin;
	struct ponto_env env = {
		.abi = PONTO_PLUGIN_ABI, .size = sizeof(env), .instance = "peer", .alloc = &ponto_alloc_system};
	struct ponto_transport transport = {.ops = (const struct ponto_transport_ops *)(const void *)plugin->vtable};
	struct peer p = {0};
	struct ponto_conf *conf;
	unsigned scope = 0;
	char error[256];
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3)
		return 2;
	while (scope < 4 && strcmp(scopes[scope], argv[2]) != 0)
		scope++;
	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, (const char *const *)argv + 3,
			    error, sizeof(error), &conf) != PONTO_OK) {
		printf("configuration: %s\n", error);
		return 1;
	}
	env.conf = conf;
	if (transport.ops->create(&env, &transport.self) != PONTO_OK ||
	    ponto_loop_uv_create(&ponto_alloc_system, &p.loop) != PONTO_OK)
		abort();
	status = serve(&p, transport, (enum ponto_scope)scope);
	ponto_loop_destroy(p.loop);
	transport.ops->destroy(transport.self);
	ponto_conf_destroy(conf);
	return status;
}
