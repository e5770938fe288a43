/* http-mhd for the peers of http_peers.sh:
 *   http_peer serve [CERTIFICATE KEY]   listens on 127.0.0.1, prints the port, serves until standard input ends:
 *                                       /echo: method, target and body; /data/N: N times 'x'; else 404
 *   http_peer get URL [CA]              prints the answer's body; its status, or the error, on standard error */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/http.h"
#include "framework/node.h"

extern const struct ponto_plugin http_mhd_LTX_ponto_plugin;

struct peer {
	struct ponto_loop *loop;
	struct ponto_log *log;
	struct ponto_metrics *metrics;
	struct ponto_conf *conf;
	struct ponto_node *node;
	struct ponto_http http;
	struct ponto_http_listener *listener;
	int result;
};

static void check(int result, const char *what)
{
	if (result == PONTO_OK)
		return;
	fprintf(stderr, "http_peer: %s: %s\n", what, ponto_strerror(result));
	exit(1);
}

static void begin(struct peer *p)
{
	struct ponto_node_setup setup = {.name = "peer",
					 .alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system};
	char error[256] = "", reason[PONTO_REASON_SIZE] = "";
	struct ponto_iface iface;

	check(ponto_loop_uv_create(&ponto_alloc_system, &p->loop), "loop");
	check(ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_STDERR_TEXT, "warning", &p->log),
	      "log");
	check(ponto_metrics_create(&ponto_alloc_system, &p->metrics), "metrics");
	setup.loop = p->loop;
	setup.log = p->log;
	setup.metrics = p->metrics;
	check(ponto_node_create(&setup, &p->node), "node");
	check(ponto_conf_make(&ponto_alloc_system, http_mhd_LTX_ponto_plugin.options,
			      http_mhd_LTX_ponto_plugin.option_count, NULL, error, sizeof(error), &p->conf),
	      error);
	check(ponto_node_add(p->node, &http_mhd_LTX_ponto_plugin, "web", p->conf, reason), reason);
	check(ponto_node_find(p->node, PONTO_KIND_HTTP, "web", &iface), "web");
	p->http = (struct ponto_http){(const struct ponto_http_ops *)iface.ops, iface.self, iface.pool};
}

static void end(struct peer *p)
{
	ponto_node_destroy(p->node);
	ponto_loop_destroy(p->loop);
	ponto_conf_destroy(p->conf);
	ponto_log_destroy(p->log);
	ponto_metrics_destroy(p->metrics);
}

/* ---- serving -------------------------------------------------------------------------------------- */

static void on_request(void *arg, struct ponto_http_request *q)
{
	struct peer *p = arg;
	struct ponto_http_response r = {.status = 404, .source = PONTO_HTTP_DATA, .release = free};
	size_t len = strlen(q->method) + strlen(q->target) + q->body.len + 2;
	uint8_t *bytes = NULL;

	if (strncmp(q->target, "/echo", 5) == 0 && (bytes = malloc(len + 1))) {
		int head = snprintf((char *)bytes, len + 1, "%s %s ", q->method, q->target);

		if (q->body.len > 0)
			memcpy(bytes + head, q->body.data, q->body.len);
		r.status = 200;
	} else if (strncmp(q->target, "/data/", 6) == 0) {
		len = strtoul(q->target + 6, NULL, 10);
		bytes = malloc(len + 1);
		if (bytes)
			memset(bytes, 'x', len);
		r.status = bytes ? 200 : 500;
	}
	r.arg = bytes;
	r.data = ponto_bytes(bytes, bytes ? len : 0);
	check(ponto_http_respond(p->http, p->listener, q, &r), "respond");
}

static void on_gone(void *arg, struct ponto_http_request *q)
{
	(void)arg;
	(void)q;
}

static void on_input(void *arg, unsigned events)
{
	struct peer *p = arg;
	char bytes[64];

	(void)events;
	if (read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0)
		ponto_loop_stop(p->loop);
}

static void serve(struct peer *p, char **files)
{
	static const struct ponto_http_events events = {.request = on_request, .gone = on_gone};
	struct ponto_http_listen listen = {.body_limit = 16 * 1024 * 1024};
	struct ponto_watch *watch;
	struct ponto_addr local;

	if (files[0]) {
		listen.certificate_file = files[0];
		listen.key_file = files[1];
	}
	check(ponto_addr_parse("127.0.0.1", 0, &listen.local), "address");
	check(ponto_http_listen(p->http, p->loop, &listen, &events, p, &p->listener), "listen");
	check(ponto_watch_create(p->loop, STDIN_FILENO, PONTO_READABLE, on_input, p, &watch), "watch");
	ponto_http_local(p->http, p->listener, &local);
	printf("%u\n", (unsigned)local.port);
	fflush(stdout);
	check(ponto_loop_run(p->loop), "run");
	ponto_watch_destroy(p->loop, watch);
	ponto_http_unlisten(p->http, p->listener);
}

/* ---- fetching --------------------------------------------------------------------------------------- */

static void on_head(void *arg, unsigned status, const struct ponto_http_header *headers, size_t count)
{
	(void)arg;
	(void)headers;
	(void)count;
	fprintf(stderr, "%u\n", status);
}

static int on_body(void *arg, struct ponto_bytes data)
{
	(void)arg;
	return fwrite(data.data, 1, data.len, stdout) == data.len ? PONTO_OK : PONTO_EIO;
}

static void on_done(void *arg, int result)
{
	struct peer *p = arg;

	p->result = result;
	ponto_loop_stop(p->loop);
}

static void get(struct peer *p, const char *url, const char *ca_file)
{
	static const struct ponto_http_fetch_events events = {on_head, on_body, on_done};
	struct ponto_http_fetch fetch = {.method = "GET",
					 .url = url,
					 .ca_file = ca_file,
					 .timeout = 60000000,
					 .answer_limit = 64 * 1024 * 1024,
					 .redirects = 3};
	struct ponto_http_transfer *transfer;

	check(ponto_http_fetch(p->http, p->loop, &fetch, &events, p, &transfer), "fetch");
	check(ponto_loop_run(p->loop), "run");
	if (p->result != PONTO_OK)
		fprintf(stderr, "%s\n", ponto_strerror(p->result));
}

int main(int argc, char **argv)
{
	struct peer p = {0};

	if (argc < 2 || (strcmp(argv[1], "get") == 0 && argc < 3)) {
		fprintf(stderr, "usage: http_peer serve [CERTIFICATE KEY] | get URL [CA]\n");
		return 2;
	}
	begin(&p);
	if (strcmp(argv[1], "serve") == 0)
		serve(&p, argv + 2);
	else
		get(&p, argv[2], argv[3]);
	end(&p);
	return p.result == PONTO_OK ? 0 : 1;
}
