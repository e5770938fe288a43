/* mapping-gateway for the gateways of mapping.sh:
 *   mapping_peer ADDRESS PORT tcp|udp exact|any LIFETIME [OPTION=VALUE]...
 * Has the port mapped and prints what comes of it, one line each:
 *   asking | held ADDRESS:PORT by PROTOCOL | none: REASON
 * A line "renew" on standard input has it look again; its end gives the port back and ends the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/mapping.h"
#include "framework/node.h"

extern const struct ponto_plugin mapping_gateway_LTX_ponto_plugin, transport_udp4_LTX_ponto_plugin;

struct peer {
	struct ponto_loop *loop;
	struct ponto_log *log;
	struct ponto_metrics *metrics;
	struct ponto_conf *wire_conf, *gate_conf;
	struct ponto_node *node;
	struct ponto_mapping mapping;
	struct ponto_mapping_handle *handle;
};

static void check(int result, const char *what)
{
	if (result == PONTO_OK)
		return;
	fprintf(stderr, "mapping_peer: %s: %s\n", what, ponto_strerror(result));
	exit(1);
}

static struct ponto_conf *add(struct peer *p, const struct ponto_plugin *plugin, const char *name,
			      const char *const *settings)
{
	char error[256] = "", reason[PONTO_REASON_SIZE] = "";
	struct ponto_conf *conf;

	check(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error,
			      sizeof(error), &conf),
	      error);
	check(ponto_node_add(p->node, plugin, name, conf, reason), reason);
	return conf;
}

static void begin(struct peer *p, const char *const *settings)
{
	struct ponto_node_setup setup = {.name = "peer",
					 .alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system};
	struct ponto_iface iface;

	check(ponto_loop_uv_create(&ponto_alloc_system, &p->loop), "loop");
	check(ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_STDERR_TEXT, "debug", &p->log),
	      "log");
	check(ponto_metrics_create(&ponto_alloc_system, &p->metrics), "metrics");
	setup.loop = p->loop;
	setup.log = p->log;
	setup.metrics = p->metrics;
	check(ponto_node_create(&setup, &p->node), "node");
	p->wire_conf = add(p, &transport_udp4_LTX_ponto_plugin, "wire", NULL);
	p->gate_conf = add(p, &mapping_gateway_LTX_ponto_plugin, "gate", settings);
	check(ponto_node_find(p->node, PONTO_KIND_MAPPING, "gate", &iface), "gate");
	p->mapping = (struct ponto_mapping){(const struct ponto_mapping_ops *)iface.ops, iface.self, iface.pool};
}

static void end(struct peer *p)
{
	ponto_node_destroy(p->node);
	ponto_loop_destroy(p->loop);
	ponto_conf_destroy(p->gate_conf);
	ponto_conf_destroy(p->wire_conf);
	ponto_log_destroy(p->log);
	ponto_metrics_destroy(p->metrics);
}

static void changed(void *arg, const struct ponto_mapping_info *info)
{
	char text[PONTO_ADDR_TEXT];

	(void)arg;
	if (info->state == PONTO_MAPPING_HELD)
		printf("held %s by %s\n", ponto_addr_format(&info->external, text), info->how);
	else if (info->state == PONTO_MAPPING_NONE)
		printf("none: %s\n", info->why);
	else
		puts("asking");
	fflush(stdout);
}

static void on_input(void *arg, unsigned events)
{
	struct peer *p = arg;
	char bytes[64];

	(void)events;
	if (read(STDIN_FILENO, bytes, sizeof(bytes)) > 0) {
		ponto_mapping_renew(p->mapping, p->handle);
		return;
	}
	ponto_mapping_close(p->mapping, p->handle);
	ponto_loop_stop(p->loop);
}

int main(int argc, char **argv)
{
	static const struct ponto_mapping_events events = {changed};
	struct ponto_mapping_want want = {.description = "TEREDO"};
	const char *settings[16] = {"transport=wire"};
	struct ponto_watch *watch;
	struct peer p = {0};

	if (argc < 6 || argc > 20) {
		fputs("usage: mapping_peer ADDRESS PORT tcp|udp exact|any LIFETIME [OPTION=VALUE]...\n", stderr);
		return 2;
	}
	for (int i = 6; i < argc; i++)
		settings[i - 5] = argv[i];
	begin(&p, settings);
	check(ponto_addr_parse(argv[1], (uint16_t)atoi(argv[2]), &want.local), "address");
	want.protocol = strcmp(argv[3], "tcp") == 0 ? 6 : 17;
	want.exact = strcmp(argv[4], "exact") == 0;
	want.lifetime = (uint32_t)atol(argv[5]);
	check(ponto_mapping_open(p.mapping, p.loop, &want, &events, &p, &p.handle), "open");
	check(ponto_watch_create(p.loop, STDIN_FILENO, PONTO_READABLE, on_input, &p, &watch), "watch");
	check(ponto_loop_run(p.loop), "run");
	ponto_watch_destroy(p.loop, watch);
	end(&p);
	return 0;
}
