/* What a newly loaded file changes while the node runs: live options of services. The rest is told. */
#include "framework/node_private.h"

#include <stdio.h>
#include <string.h>

struct reload {
	struct ponto_node *node;
	const struct ponto_conf_file *file;
	ponto_conf_report_fn *report;
	void *ctx;
};

static void tell(const struct reload *r, const struct ponto_conf_instance *c, const char *before, const char *detail,
		 const char *after)
{
	char message[PONTO_REASON_SIZE];

	snprintf(message, sizeof(message), "%s.%s: %s%s%s", ponto_kind_group((enum ponto_kind)c->kind), c->name, before,
		 detail, after);
	r->report(r->ctx, c->file, c->line, message);
}

static bool same_list(const char *const *a, const char *const *b)
{
	for (; *a && *b; a++, b++) {
		if (strcmp(*a, *b) != 0)
			return false;
	}
	return !*a && !*b;
}

bool ponto_conf_same(const struct ponto_option *o, const struct ponto_conf *a, const struct ponto_conf *b)
{
	switch (o->type) {
	case PONTO_OPTION_BOOL:
		return ponto_conf_bool(a, o->name) == ponto_conf_bool(b, o->name);
	case PONTO_OPTION_INT:
		return ponto_conf_int(a, o->name) == ponto_conf_int(b, o->name);
	case PONTO_OPTION_LIST:
	case PONTO_OPTION_REFS:
		return same_list(ponto_conf_list(a, o->name), ponto_conf_list(b, o->name));
	default:
		return strcmp(ponto_conf_string(a, o->name), ponto_conf_string(b, o->name)) == 0;
	}
}

static struct node_instance *find(const struct ponto_node *node, uint32_t kind, const char *name)
{
	for (size_t n = 0; n < node->count; n++) {
		struct node_instance *i = node->instances[n];

		if (i->plugin->kind == kind && strcmp(i->name, name) == 0)
			return i;
	}
	return NULL;
}

static int apply(struct node_instance *i, const struct ponto_conf *conf)
{
	int result;

	if (i->component) {
		result = node_component_reload(i, conf);
	} else {
		result = node_service_ops(i)->reload(i->self, conf);
		if (result == PONTO_OK)
			i->env.conf = conf;
	}
	if (result == PONTO_OK)
		i->conf = conf;
	return result;
}

static bool holds(const struct ponto_conf_file *file, const struct ponto_conf *conf)
{
	for (size_t n = 0; n < ponto_conf_instance_count(file); n++) {
		if (ponto_conf_instance_at(file, n)->conf == conf)
			return true;
	}
	return false;
}

bool ponto_node_uses(const struct ponto_node *node, const struct ponto_conf_file *file)
{
	for (size_t n = 0; n < node->count; n++) {
		const struct node_instance *i = node->instances[n];

		/* what a slow service was given may still be taken */
		if (holds(file, i->conf) || (i->component && holds(file, i->component->reload_conf)))
			return true;
	}
	return false;
}

static int compare(const struct reload *r, struct node_instance *i, const struct ponto_conf_instance *c)
{
	bool reloads = i->plugin->kind == PONTO_KIND_SERVICE && PONTO_HAS(node_service_ops(i), reload) && i->started;
	bool live = false;
	int result = PONTO_OK;

	if (strcmp(i->plugin->name, c->plugin) != 0) {
		tell(r, c, "another plugin (", c->plugin, ") needs a restart");
		return PONTO_OK;
	}
	for (size_t n = 0; n < i->plugin->option_count; n++) {
		const struct ponto_option *o = &i->plugin->options[n];

		if (ponto_conf_same(o, i->conf, c->conf))
			continue;
		if (o->live && reloads)
			live = true;
		else
			tell(r, c, "a change of \"", o->name, "\" needs a restart");
	}
	if (live) {
		result = apply(i, c->conf);
		if (result)
			tell(r, c, "the change was not taken: ", ponto_strerror(result), "");
	}
	return result;
}

static bool configured(const struct ponto_conf_file *file, const struct node_instance *i)
{
	for (size_t n = 0; n < ponto_conf_instance_count(file); n++) {
		const struct ponto_conf_instance *c = ponto_conf_instance_at(file, n);

		if (c->kind == i->plugin->kind && strcmp(c->name, i->name) == 0)
			return true;
	}
	return false;
}

int ponto_node_reload(struct ponto_node *node, const struct ponto_conf_file *file, ponto_conf_report_fn *report,
		      void *ctx)
{
	struct reload r = {node, file, report, ctx};
	int first = PONTO_OK;

	for (size_t n = 0; n < ponto_conf_instance_count(file); n++) {
		const struct ponto_conf_instance *c = ponto_conf_instance_at(file, n);
		struct node_instance *i = find(node, c->kind, c->name);
		int result = PONTO_OK;

		if (i)
			result = compare(&r, i, c);
		else
			tell(&r, c, "a new instance (", c->plugin, ") needs a restart");
		if (first == PONTO_OK)
			first = result;
	}
	for (size_t n = 0; n < node->count; n++) {
		struct node_instance *i = node->instances[n];
		struct ponto_conf_instance gone = {.kind = i->plugin->kind, .name = i->name, .file = ""};

		if (!configured(file, i))
			tell(&r, &gone, "no longer configured, stays until a restart", "", "");
	}
	return first;
}
