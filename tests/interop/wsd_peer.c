/* A holder and seeker of pieces on real links, driven by lines on standard input, telling on standard output what
 * happens: the test in network namespaces puts one in each.
 *
 * wsd_peer [OPTION=VALUE]…
 * hold BLOCKS ID | publish ADDRESS | unpublish | seek VERSION TAG ID… | metrics | quit
 *
 * IDs are hexadecimal. BLOCKS: 0 for nothing any more; "all" for everything, told as one block. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/discovery.h"
#include "framework/metrics.h"
#include "framework/node.h"
#include "tests/support/lines.h"

extern const struct ponto_plugin transport_udp6_LTX_ponto_plugin, transport_udp4_LTX_ponto_plugin,
	discovery_wsd_LTX_ponto_plugin;

#define HOLDS_MAX 1024
#define ID_SIZE 32

struct holding {
	uint8_t id[ID_SIZE];
	struct ponto_held held;
};

struct peer {
	struct ponto_loop *loop;
	struct ponto_metrics *metrics;
	struct ponto_discovery discovery;
	struct ponto_discovery_handle *handle;
	struct lines input;
	struct holding holds[HOLDS_MAX];
	size_t hold_count;
};

/* ---- what is asked and found -------------------------------------------------------- */

static struct holding *holding_of(struct peer *p, struct ponto_bytes id)
{
	for (size_t i = 0; i < p->hold_count; i++) {
		if (ponto_bytes_equal(id, ponto_bytes(p->holds[i].id, ID_SIZE)))
			return &p->holds[i];
	}
	return NULL;
}

static void lookup(void *arg, const struct ponto_bytes *ids, size_t count, struct ponto_held *held)
{
	for (size_t i = 0; i < count; i++) {
		const struct holding *h = holding_of(arg, ids[i]);

		if (h)
			held[i] = h->held;
	}
}

static void found(void *arg, uint64_t tag, const struct ponto_addr *addrs, size_t addr_count,
		  const struct ponto_held *held, size_t count)
{
	char text[PONTO_ADDR_TEXT];

	(void)arg;
	printf("found %llu at", (unsigned long long)tag);
	for (size_t i = 0; i < addr_count; i++)
		printf(" %s", ponto_addr_format(&addrs[i], text));
	printf(" held");
	for (size_t i = 0; i < count; i++)
		printf(" %u:%u", held[i].state, held[i].blocks);
	printf("\n");
}

static void ended(void *arg, uint64_t tag, uint32_t replies, uint32_t full)
{
	(void)arg;
	printf("ended %llu replies %u full %u\n", (unsigned long long)tag, replies, full);
}

static void no_address(void *arg, enum ponto_discovery_source source, const struct ponto_addr *addrs, size_t count)
{
	(void)arg;
	(void)source;
	(void)addrs;
	(void)count;
}

static void no_end(void *arg, enum ponto_discovery_source source)
{
	(void)arg;
	(void)source;
}

/* ---- commands -------------------------------------------------------------------------- */

static void do_hold(struct peer *p, const char *blocks, const char *id)
{
	struct holding new = {.held = {.state = PONTO_HELD_PART, .blocks = (uint32_t)strtoul(blocks, NULL, 10)}};
	struct holding *h;

	if (ponto_unhex(id, new.id, ID_SIZE) != PONTO_OK) {
		printf("bad id\n");
		return;
	}
	if (strcmp(blocks, "all") == 0)
		new.held = (struct ponto_held){.state = PONTO_HELD_ALL, .blocks = 1};
	else if (new.held.blocks == 0)
		new.held.state = PONTO_HELD_NOTHING;
	new.held.age = 60 * PONTO_SECOND;
	h = holding_of(p, ponto_bytes(new.id, ID_SIZE));
	if (!h && p->hold_count < HOLDS_MAX)
		h = &p->holds[p->hold_count++];
	if (h)
		*h = new;
	printf("hold: %s\n", h ? "success" : "too many");
}

static void do_publish(struct peer *p, const char *address)
{
	struct ponto_addr addr;
	int result = ponto_addr_parse(address, 0, &addr);

	if (result == PONTO_OK)
		result = ponto_discovery_publish(p->discovery, p->handle, &addr, 1);
	printf("publish: %s\n", ponto_strerror(result));
}

static void do_seek(struct peer *p, char **save)
{
	static uint8_t ids[PONTO_PIECES_MAX][ID_SIZE];
	struct ponto_bytes views[PONTO_PIECES_MAX];
	const char *version = strtok_r(NULL, " ", save), *tag = strtok_r(NULL, " ", save), *id;
	size_t count = 0;
	int result;

	while (count < PONTO_PIECES_MAX && (id = strtok_r(NULL, " ", save)) &&
	       ponto_unhex(id, ids[count], ID_SIZE) == PONTO_OK) {
		views[count] = ponto_bytes(ids[count], ID_SIZE);
		count++;
	}
	result = ponto_discovery_seek(p->discovery, p->handle, version ? (unsigned)strtoul(version, NULL, 10) : 0,
				      views, count, tag ? strtoull(tag, NULL, 10) : 0);
	printf("seek: %s\n", ponto_strerror(result));
}

static void do_metrics(struct peer *p)
{
	char *text;

	if (ponto_metrics_prometheus(p->metrics, &text) != PONTO_OK)
		abort();
	printf("%s", text);
	ponto_free(&ponto_alloc_system, text);
	printf("end of metrics\n");
}

static void obey(void *arg, char *line)
{
	struct peer *p = arg;
	char *save;
	const char *verb = strtok_r(line, " ", &save), *first, *second;

	if (verb && strcmp(verb, "hold") == 0 && (first = strtok_r(NULL, " ", &save)) &&
	    (second = strtok_r(NULL, " ", &save)))
		do_hold(p, first, second);
	else if (verb && strcmp(verb, "publish") == 0 && (first = strtok_r(NULL, " ", &save)))
		do_publish(p, first);
	else if (verb && strcmp(verb, "unpublish") == 0)
		ponto_discovery_unpublish(p->discovery, p->handle);
	else if (verb && strcmp(verb, "seek") == 0)
		do_seek(p, &save);
	else if (verb && strcmp(verb, "metrics") == 0)
		do_metrics(p);
	else if (verb && strcmp(verb, "quit") == 0)
		ponto_loop_stop(p->loop);
	else
		printf("what?\n");
}

/* ---- the node --------------------------------------------------------------------------- */

static struct ponto_conf *add(struct ponto_node *node, const struct ponto_plugin *plugin, const char *name,
			      const char *const *settings)
{
	char error[256], reason[PONTO_REASON_SIZE];
	struct ponto_conf *conf;

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			    &conf) != PONTO_OK) {
		printf("configuration: %s\n", error);
		exit(2);
	}
	if (ponto_node_add(node, plugin, name, conf, reason) != PONTO_OK) {
		printf("%s: %s\n", name, reason);
		exit(2);
	}
	return conf;
}

static void serve(struct peer *p)
{
	static const struct ponto_discovery_want want = {.topic = PONTO_DISCOVERY_CONTENT};
	static const struct ponto_discovery_events events = {no_address, no_end};
	static const struct ponto_discovery_pieces pieces = {lookup, found, ended};

	if (ponto_discovery_open(p->discovery, p->loop, &want, &events, p, &p->handle) != PONTO_OK ||
	    ponto_discovery_pieces(p->discovery, p->handle, &pieces) != PONTO_OK)
		abort();
	lines_begin(&p->input, p->loop, obey, p);
	printf("ready\n");
	if (ponto_loop_run(p->loop) != PONTO_OK)
		abort();
	lines_end(&p->input);
	ponto_discovery_close(p->discovery, p->handle);
}

int main(int argc, char **argv)
{
	static struct peer p;
	const char *settings[16] = {"transports=six,four"};
	struct ponto_node_setup setup = {.name = "peer",
					 .alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system};
	struct ponto_conf *confs[3];
	struct ponto_node *node;
	struct ponto_iface iface;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc && i < 15; i++)
		settings[i] = argv[i];
	if (ponto_loop_uv_create(&ponto_alloc_system, &p.loop) != PONTO_OK ||
	    ponto_metrics_create(&ponto_alloc_system, &p.metrics) != PONTO_OK ||
	    ponto_log_create(&ponto_alloc_system, setup.clock, PONTO_LOG_STDERR_TEXT, "info", &setup.log) != PONTO_OK)
		abort();
	setup.loop = p.loop;
	setup.metrics = p.metrics;
	if (ponto_node_create(&setup, &node) != PONTO_OK)
		abort();
	confs[0] = add(node, &transport_udp6_LTX_ponto_plugin, "six", NULL);
	confs[1] = add(node, &transport_udp4_LTX_ponto_plugin, "four", NULL);
	confs[2] = add(node, &discovery_wsd_LTX_ponto_plugin, "near", settings);
	if (ponto_node_find(node, PONTO_KIND_DISCOVERY, "near", &iface) != PONTO_OK)
		abort();
	p.discovery = (struct ponto_discovery){(const struct ponto_discovery_ops *)iface.ops, iface.self, iface.pool};
	serve(&p);
	ponto_loop_destroy(p.loop);
	ponto_node_destroy(node);
	for (size_t i = 0; i < 3; i++)
		ponto_conf_destroy(confs[i]);
	ponto_log_destroy(setup.log);
	ponto_metrics_destroy(p.metrics);
	return 0;
}
