#include <inttypes.h>
#include <string.h>

#include "framework/conf_load.h"
#include "framework/text.h"

/* ---- the effective configuration ------------------------------------------------------ */

static void put_string(struct ponto_text *t, const char *text)
{
	ponto_text_add(t, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			ponto_text_add(t, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			ponto_text_add(t, "\\x%02x", (unsigned)(unsigned char)*text);
		else
			ponto_text_add_bytes(t, text, 1);
	}
	ponto_text_add(t, "\"");
}

static void put_value(struct ponto_text *t, const struct ponto_option *option, const struct ponto_conf_value *v)
{
	switch (option->type) {
	case PONTO_OPTION_BOOL:
		ponto_text_add(t, "%s", v->boolean ? "true" : "false");
		return;
	case PONTO_OPTION_INT:
		ponto_text_add(t, "%" PRId64 "%s", v->integer,
			       v->integer > INT32_MAX || v->integer < INT32_MIN ? "L" : "");
		return;
	case PONTO_OPTION_STRING:
	case PONTO_OPTION_REF:
		put_string(t, v->text);
		return;
	default:
		ponto_text_add(t, "[");
		for (char **item = v->list; *item; item++) {
			ponto_text_add(t, item == v->list ? "" : ", ");
			put_string(t, *item);
		}
		ponto_text_add(t, "]");
	}
}

static void put_group(struct ponto_text *t, const struct ponto_conf *conf, const char *indent)
{
	for (size_t i = 0; i < conf->option_count; i++) {
		ponto_text_add(t, "%s%s = ", indent, conf->options[i].name);
		put_value(t, &conf->options[i], &conf->values[i]);
		ponto_text_add(t, ";%s\n", conf->values[i].given ? "" : " # default");
	}
}

int ponto_conf_show(const struct ponto_alloc *alloc, const struct ponto_conf_file *file, char **out)
{
	struct ponto_text t = {.alloc = alloc};

	ponto_text_add(&t, "node = {\n");
	put_group(&t, file->node, "\t");
	ponto_text_add(&t, "};\n");
	for (unsigned kind = 1; kind < PONTO_KIND_LIMIT; kind++) {
		ponto_text_add(&t, "%s = {\n", ponto_kind_group((enum ponto_kind)kind));
		for (size_t i = 0; i < file->instance_count; i++) {
			const struct ponto_conf_instance *instance = &file->instances[i];

			if (instance->kind != kind)
				continue;
			ponto_text_add(&t, "\t%s = {\n\t\tplugin = \"%s\";%s\n", instance->name, instance->plugin,
				       instance->line ? "" : " # default");
			put_group(&t, instance->conf, "\t\t");
			ponto_text_add(&t, "\t};\n");
		}
		ponto_text_add(&t, "};\n");
	}
	return ponto_text_take(&t, out);
}

/* ---- the reference of options ------------------------------------------------------------ */

/* A cell of a Markdown table. */
static void put_cell(struct ponto_text *t, const char *text)
{
	for (; *text; text++)
		ponto_text_add(t, "%s%c", *text == '|' ? "\\" : "", *text == '\n' ? ' ' : *text);
}

static void put_type(struct ponto_text *t, const struct ponto_option *o)
{
	bool ref = o->type == PONTO_OPTION_REF || o->type == PONTO_OPTION_REFS;

	if (ref) {
		ponto_text_add(t, "%s of %s", o->type == PONTO_OPTION_REF ? "name" : "names",
			       ponto_kind_group((enum ponto_kind)o->ref_kind));
	} else if (o->choices) {
		for (const char *const *choice = o->choices; *choice; choice++)
			ponto_text_add(t, "%s`%s`", choice == o->choices ? "" : ", ", *choice);
	} else {
		ponto_text_add(t, "%s", ponto_option_type_text(o->type));
	}
	if (o->type == PONTO_OPTION_INT && (o->min || o->max))
		ponto_text_add(t, ", %" PRId64 " to %" PRId64, o->min, o->max);
	if (o->unit)
		ponto_text_add(t, ", %s", o->unit);
}

static void put_default(struct ponto_text *t, const struct ponto_option *o)
{
	if (o->fallback && o->fallback[0])
		ponto_text_add(t, "`%s`", o->fallback);
	else if (!o->fallback && o->type == PONTO_OPTION_REF)
		ponto_text_add(t, "the only one");
	else if (!o->fallback && o->type == PONTO_OPTION_REFS)
		ponto_text_add(t, "all");
	else
		ponto_text_add(t, "empty");
}

static void put_options(struct ponto_text *t, const struct ponto_option *options, size_t count)
{
	if (count == 0) {
		ponto_text_add(t, "No options.\n\n");
		return;
	}
	ponto_text_add(t, "| Option | Value | Default | Reload | Meaning |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++) {
		const struct ponto_option *o = &options[i];

		ponto_text_add(t, "| `%s` | ", o->name);
		put_type(t, o);
		ponto_text_add(t, " | ");
		put_default(t, o);
		ponto_text_add(t, " | %s | ", o->live ? "live" : "restart");
		put_cell(t, o->doc);
		ponto_text_add(t, " |\n");
	}
	ponto_text_add(t, "\n");
}

int ponto_conf_docs(const struct ponto_alloc *alloc, struct ponto_registry *registry, char **out)
{
	struct ponto_text t = {.alloc = alloc};

	ponto_text_add(&t, "# Options\n\n## node\n\n");
	put_options(&t, ponto_node_options, ponto_node_option_count);
	for (unsigned kind = 1; kind < PONTO_KIND_LIMIT; kind++) {
		bool any = false;

		for (size_t i = 0; i < ponto_registry_count(registry); i++) {
			const struct ponto_plugin *p = ponto_registry_at(registry, i);

			if (p->kind != kind)
				continue;
			if (!any)
				ponto_text_add(&t, "## %s\n\n", ponto_kind_group((enum ponto_kind)kind));
			any = true;
			ponto_text_add(&t, "### %s\n\n", p->name);
			put_cell(&t, p->summary);
			ponto_text_add(&t, ".\n\n");
			put_options(&t, p->options, p->option_count);
		}
	}
	return ponto_text_take(&t, out);
}
