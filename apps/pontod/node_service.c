/* The component "node": what the daemon says about itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/pontod/node.pb-c.h"
#include "apps/pontod/pontod.h"
#include "config.h"
#include "framework/answer.h"
#include "framework/transport.h"

struct node_service {
	struct daemon *daemon;
	struct ponto_port *port;
};

static void refuse(struct ponto_call *call, int result, const char *text)
{
	ponto_call_reply(call, result, ponto_bytes(NULL, 0), text);
}

/* Requests without fields still have to be messages. */
static bool readable(struct ponto_call *call, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *m = NULL;
	int result = ponto_unpack(&ponto_alloc_system, type, call->payload, &m);

	if (result)
		refuse(call, result, result == PONTO_EPROTO ? "the request cannot be read" : NULL);
	ponto_unpacked_free(&ponto_alloc_system, m);
	return result == PONTO_OK;
}

static uint64_t resident(void)
{
	unsigned long long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f) {
		if (fscanf(f, "%llu %llu", &size, &pages) != 2)
			pages = 0;
		fclose(f);
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static size_t count_instances(const struct ponto_node *node)
{
	const struct ponto_plugin *plugin;
	const char *name;
	size_t count = 0;

	while (ponto_node_at(node, count, &plugin, &name))
		count++;
	return count;
}

#define DETAILS_MAX 64

/* What a transport says of itself. Strings are copies. */
struct details {
	Ponto__Node__V1__Detail item[DETAILS_MAX];
	Ponto__Node__V1__Detail *list[DETAILS_MAX];
	size_t count;
	bool incomplete; /* no memory */
};

static void add_detail(void *arg, const char *key, const char *value)
{
	struct details *d = arg;
	Ponto__Node__V1__Detail *item = &d->item[d->count];

	if (d->count == DETAILS_MAX)
		return;
	ponto__node__v1__detail__init(item);
	item->key = ponto_strdup(&ponto_alloc_system, key);
	item->value = ponto_strdup(&ponto_alloc_system, value);
	d->list[d->count++] = item;
	d->incomplete = d->incomplete || !item->key || !item->value;
}

static void free_details(struct details *d)
{
	for (size_t i = 0; d && i < d->count; i++) {
		ponto_free(&ponto_alloc_system, d->item[i].key);
		ponto_free(&ponto_alloc_system, d->item[i].value);
	}
	ponto_free(&ponto_alloc_system, d);
}

/* NULL in *out: it has nothing to say. */
static int describe(const struct ponto_node *node, const struct ponto_plugin *plugin, const char *name,
		    struct details **out)
{
	struct ponto_iface iface;
	struct ponto_transport transport;
	struct details *d;

	if (plugin->kind != PONTO_KIND_TRANSPORT || ponto_node_find(node, PONTO_KIND_TRANSPORT, name, &iface))
		return PONTO_OK;
	transport = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	if (!PONTO_HAS(transport.ops, describe))
		return PONTO_OK;
	d = ponto_new(&ponto_alloc_system, 1, sizeof(*d));
	if (!d)
		return PONTO_ENOMEM;
	if (ponto_transport_describe(transport, add_detail, d) != PONTO_OK || d->incomplete) {
		int result = d->incomplete ? PONTO_ENOMEM : PONTO_OK;

		free_details(d);
		return result;
	}
	*out = d;
	return PONTO_OK;
}

static int fill_instances(struct daemon *d, size_t count, Ponto__Node__V1__Instance *items,
			  Ponto__Node__V1__Instance **list, struct details **details)
{
	int result = PONTO_OK;

	for (size_t i = 0; i < count && result == PONTO_OK; i++) {
		const struct ponto_plugin *plugin;
		const char *name;

		(void)ponto_node_at(d->node, i, &plugin, &name);
		ponto__node__v1__instance__init(&items[i]);
		items[i].kind = (char *)(uintptr_t)ponto_kind_name((enum ponto_kind)plugin->kind);
		items[i].name = (char *)(uintptr_t)name;
		items[i].plugin = (char *)(uintptr_t)plugin->name;
		list[i] = &items[i];
		result = describe(d->node, plugin, name, &details[i]);
		if (details[i]) {
			items[i].n_detail = details[i]->count;
			items[i].detail = details[i]->list;
		}
	}
	return result;
}

static void status(struct daemon *d, struct ponto_call *call)
{
	Ponto__Node__V1__StatusReply reply = PONTO__NODE__V1__STATUS_REPLY__INIT;
	size_t count = count_instances(d->node);
	Ponto__Node__V1__Instance *items = ponto_new(&ponto_alloc_system, count + 1, sizeof(*items));
	Ponto__Node__V1__Instance **list = ponto_new(&ponto_alloc_system, count + 1, sizeof(Ponto__Node__V1__Instance *));
	struct details **details = ponto_new(&ponto_alloc_system, count + 1, sizeof(struct details *));
	char *json = NULL;
	int result = items && list && details ? ponto_metrics_json(d->metrics, &json) : PONTO_ENOMEM;

	if (!result)
		result = fill_instances(d, count, items, list, details);
	if (result) {
		refuse(call, result, NULL);
		goto out;
	}
	reply.name = d->name;
	reply.version = (char *)(uintptr_t)PACKAGE_VERSION;
	reply.uptime_us = ponto_mono(&ponto_clock_system) - d->started;
	reply.pid = (uint32_t)getpid();
	reply.uid = geteuid();
	reply.state_dir = d->state_dir;
	reply.endpoint = d->endpoint;
	reply.config_file = (char *)(uintptr_t)(d->conf_path ? d->conf_path : "");
	reply.n_instance = count;
	reply.instance = list;
	reply.metrics_json = json;
	reply.resident_bytes = resident();
	reply.has_started_us = true;
	reply.started_us = d->started_wall;
	ponto_answer(&ponto_alloc_system, call, &reply.base);
out:
	for (size_t i = 0; details && i < count; i++)
		free_details(details[i]);
	ponto_free(&ponto_alloc_system, details);
	ponto_free(&ponto_alloc_system, json);
	ponto_free(&ponto_alloc_system, items);
	ponto_free(&ponto_alloc_system, list);
}

static void metrics(struct daemon *d, struct ponto_call *call)
{
	Ponto__Node__V1__MetricsReply reply = PONTO__NODE__V1__METRICS_REPLY__INIT;
	char *text;
	int result = ponto_metrics_prometheus(d->metrics, &text);

	if (result) {
		refuse(call, result, NULL);
		return;
	}
	reply.text = text;
	ponto_answer(&ponto_alloc_system, call, &reply.base);
	ponto_free(&ponto_alloc_system, text);
}

static void plugins(struct daemon *d, struct ponto_call *call)
{
	Ponto__Node__V1__PluginsReply reply = PONTO__NODE__V1__PLUGINS_REPLY__INIT;
	size_t count = ponto_registry_count(d->registry);
	Ponto__Node__V1__Plugin *items = ponto_new(&ponto_alloc_system, count + 1, sizeof(*items));
	Ponto__Node__V1__Plugin **list = ponto_new(&ponto_alloc_system, count + 1, sizeof(Ponto__Node__V1__Plugin *));

	if (!items || !list) {
		refuse(call, PONTO_ENOMEM, NULL);
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		const struct ponto_plugin *plugin = ponto_registry_at(d->registry, i);

		ponto__node__v1__plugin__init(&items[i]);
		items[i].name = (char *)(uintptr_t)plugin->name;
		items[i].kind = (char *)(uintptr_t)ponto_kind_name((enum ponto_kind)plugin->kind);
		items[i].version = (char *)(uintptr_t)plugin->version;
		items[i].summary = (char *)(uintptr_t)plugin->summary;
		items[i].origin = (char *)(uintptr_t)ponto_registry_origin(d->registry, plugin);
		list[i] = &items[i];
	}
	reply.n_plugin = count;
	reply.plugin = list;
	ponto_answer(&ponto_alloc_system, call, &reply.base);
out:
	ponto_free(&ponto_alloc_system, items);
	ponto_free(&ponto_alloc_system, list);
}

static void config(struct daemon *d, struct ponto_call *call)
{
	Ponto__Node__V1__ConfigReply reply = PONTO__NODE__V1__CONFIG_REPLY__INIT;
	char *text;
	int result = ponto_conf_show(&ponto_alloc_system, d->conf->file, &text);

	if (result) {
		refuse(call, result, NULL);
		return;
	}
	reply.text = text;
	ponto_answer(&ponto_alloc_system, call, &reply.base);
	ponto_free(&ponto_alloc_system, text);
}

#define LINES_MAX 256

struct lines {
	char *line[LINES_MAX];
	size_t count;
	struct daemon *daemon;
};

static void add_line(void *arg, const char *line)
{
	struct lines *l = arg;

	ponto_warning(l->daemon->log, PONTOD_TOPIC, "reload: %s", line);
	if (l->count < LINES_MAX) {
		l->line[l->count] = ponto_strdup(&ponto_alloc_system, line);
		if (l->line[l->count])
			l->count++;
	}
}

static void reload(struct daemon *d, struct ponto_call *call)
{
	Ponto__Node__V1__ReloadReply reply = PONTO__NODE__V1__RELOAD_REPLY__INIT;
	struct lines lines = {.daemon = d};
	int result;

	if (!call->admin) {
		refuse(call, PONTO_EACCES, "only an administrator may reload");
		return;
	}
	result = daemon_reload(d, add_line, &lines);
	if (result) {
		refuse(call, result, lines.count ? lines.line[0] : NULL);
	} else {
		reply.n_message = lines.count;
		reply.message = lines.line;
		ponto_answer(&ponto_alloc_system, call, &reply.base);
	}
	for (size_t i = 0; i < lines.count; i++)
		ponto_free(&ponto_alloc_system, lines.line[i]);
}

static void on_call(void *arg, struct ponto_call *call)
{
	static const struct {
		const char *name;
		const ProtobufCMessageDescriptor *type;
		void (*run)(struct daemon *d, struct ponto_call *call);
	} methods[] = {
		{"Status", &ponto__node__v1__status_request__descriptor, status},
		{"Metrics", &ponto__node__v1__metrics_request__descriptor, metrics},
		{"Plugins", &ponto__node__v1__plugins_request__descriptor, plugins},
		{"Config", &ponto__node__v1__config_request__descriptor, config},
		{"Reload", &ponto__node__v1__reload_request__descriptor, reload},
	};
	struct node_service *s = arg;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(methods); i++) {
		if (strcmp(call->method, methods[i].name) != 0)
			continue;
		if (readable(call, methods[i].type))
			methods[i].run(s->daemon, call);
		return;
	}
	refuse(call, PONTO_ENOTSUP, "service node has no such method");
}

int node_service_create(struct daemon *d, struct node_service **out)
{
	static const struct ponto_port_events events = {on_call, NULL};
	struct node_service *s = ponto_new(&ponto_alloc_system, 1, sizeof(*s));
	int result;

	if (!s)
		return PONTO_ENOMEM;
	s->daemon = d;
	result = ponto_bus_attach(d->bus, d->loop, "node", &events, s, &s->port);
	if (result) {
		ponto_free(&ponto_alloc_system, s);
		return result;
	}
	*out = s;
	return PONTO_OK;
}

void node_service_destroy(struct node_service *s)
{
	if (!s)
		return;
	ponto_port_detach(s->port);
	ponto_free(&ponto_alloc_system, s);
}

void node_service_state(struct node_service *s, const char *state)
{
	Ponto__Node__V1__StateEvent event = PONTO__NODE__V1__STATE_EVENT__INIT;
	uint8_t data[64];

	event.state = (char *)(uintptr_t)state;
	if (ponto__node__v1__state_event__get_packed_size(&event) <= sizeof(data))
		ponto_port_event(s->port, "state", ponto_bytes(data, ponto__node__v1__state_event__pack(&event, data)));
}
