#include "framework/conf_load.h"
#include "framework/conf_node.h"

#include <stdio.h>
#include <string.h>

const char *conf_why(const struct conf_entry *e)
{
	return e->line ? "" : " (a default, because the group is left out)";
}

/* ---- instances ---------------------------------------------------------------------- */

static bool good_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PONTO_INSTANCE_NAME_MAX && !strchr(name, '*');
}

/* A new entry, in its place: NULL after l->result was set. */
static struct conf_entry *add_entry(struct conf_loader *l, uint32_t kind, const char *name, const char *plugin,
				    const char *file, unsigned line)
{
	struct ponto_conf_file *f = l->file;
	struct conf_entry *e;

	if (f->entry_count == f->entry_cap) {
		size_t cap = f->entry_cap ? 2 * f->entry_cap : 8;
		struct conf_entry *grown = ponto_resize(l->alloc, f->entries, cap, sizeof(*grown));

		if (!grown) {
			l->result = PONTO_ENOMEM;
			return NULL;
		}
		f->entries = grown;
		f->entry_cap = cap;
	}
	e = &f->entries[f->entry_count++];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->file = file;
	e->line = line;
	e->name = ponto_strdup(l->alloc, name);
	e->plugin = ponto_strdup(l->alloc, plugin);
	if (!e->name || !e->plugin)
		l->result = PONTO_ENOMEM;
	return e;
}

/* Loads the entry's plugin and makes its defaults; false after a report or a failure. */
static bool prepare(struct conf_loader *l, struct conf_entry *e)
{
	const char *group = ponto_kind_group((enum ponto_kind)e->kind);
	enum ponto_kind named = ponto_plugin_name_kind(e->plugin);
	const struct ponto_plugin *plugin;
	char reason[PONTO_REASON_SIZE];
	int result;

	if (named && named != e->kind) {
		conf_fault(l, e->file, e->line, "%s.%s: plugin \"%s\" is of kind %s and belongs in %s", group, e->name,
			   e->plugin, ponto_kind_name(named), ponto_kind_group(named));
		return false;
	}
	result = ponto_registry_load(l->registry, e->plugin, reason);
	if (result == PONTO_ENOMEM)
		l->result = result;
	else if (result != PONTO_OK)
		conf_fault(l, e->file, e->line, "%s.%s: plugin \"%.64s\": %s%s", group, e->name, e->plugin, reason,
			   conf_why(e));
	if (result != PONTO_OK)
		return false;
	plugin = ponto_registry_find(l->registry, e->plugin);
	l->result = ponto_conf_new(l->alloc, plugin->options, plugin->option_count, &e->conf);
	return l->result == PONTO_OK;
}

static void read_instance(struct conf_loader *l, uint32_t kind, const config_setting_t *s)
{
	const char *group = ponto_kind_group((enum ponto_kind)kind), *name = config_setting_name(s), *file, *text;
	const config_setting_t *plugin;
	char where[PONTO_INSTANCE_NAME_MAX + 32];
	struct conf_entry *e;
	unsigned line;

	snprintf(where, sizeof(where), "%s.%.*s", group, PONTO_INSTANCE_NAME_MAX, name);
	if (!config_setting_is_group(s)) {
		conf_fault_at(l, s, "%s: expected a group, as in %s = { plugin = \"%s-…\"; }", where, name,
			      ponto_kind_name((enum ponto_kind)kind));
		return;
	}
	if (!good_name(name))
		conf_fault_at(l, s, "%s: a name has at most %d characters and no asterisk", where,
			      PONTO_INSTANCE_NAME_MAX);
	plugin = config_setting_get_member(s, "plugin");
	text = plugin ? config_setting_get_string(plugin) : NULL;
	if (!text || !text[0])
		conf_fault_at(l, plugin ? plugin : s, "%s: it names no plugin, as in plugin = \"%s-…\";", where,
			      ponto_kind_name((enum ponto_kind)kind));
	conf_place(l, plugin ? plugin : s, &file, &line);
	e = add_entry(l, kind, name, text ? text : "", file, line);
	if (l->result != PONTO_OK || e->plugin[0] == '\0' || !prepare(l, e))
		return;
	conf_check_group(l, s, where, true, e->conf);
}

static void read_kind(struct conf_loader *l, uint32_t kind, const config_setting_t *group)
{
	if (!config_setting_is_group(group)) {
		conf_fault_at(l, group, "%s: expected a group of named instances", config_setting_name(group));
		return;
	}
	for (int i = 0; i < config_setting_length(group) && l->result == PONTO_OK; i++)
		read_instance(l, kind, config_setting_get_elem(group, (unsigned)i));
}

/* The default composition for a group that is not there. */
static void default_kind(struct conf_loader *l, uint32_t kind)
{
	for (size_t i = 0; i < conf_default_count && l->result == PONTO_OK; i++) {
		const struct conf_default *d = &conf_defaults[i];
		struct conf_entry *e;

		if (d->kind != kind)
			continue;
		e = add_entry(l, kind, d->name, d->plugin, l->file->files[0], 0);
		if (l->result == PONTO_OK)
			(void)prepare(l, e);
	}
}

/* ---- the file ------------------------------------------------------------------------- */

static void report_syntax(struct conf_loader *l, const config_t *config)
{
	struct ponto_conf_line place = ponto_conf_source_line(l->source, (unsigned)config_error_line(config));
	const char *text = config_error_text(config), *file = l->file->files[place.file];
	char name[PONTO_INSTANCE_NAME_MAX + 1];
	unsigned first = 0;

	if (!text || strcmp(text, "duplicate setting name") != 0) {
		conf_fault(l, file, place.line, "%s", text ? text : "syntax error");
	} else if (!conf_find_duplicate(l->source, (unsigned)config_error_line(config), name, sizeof(name), &first)) {
		conf_fault(l, file, place.line, "duplicate name: a name on this line is set twice in its group");
	} else {
		struct ponto_conf_line before = ponto_conf_source_line(l->source, first);

		conf_fault(l, file, place.line, "duplicate name: \"%s\" was set at %s:%u already", name,
			   l->file->files[before.file], (unsigned)before.line);
	}
}

static void unknown_group(struct conf_loader *l, const config_setting_t *s)
{
	const char *names[PONTO_KIND_LIMIT] = {"node"};
	char hint[512];

	for (unsigned kind = 1; kind < PONTO_KIND_LIMIT; kind++)
		names[kind] = ponto_kind_group((enum ponto_kind)kind);
	conf_suggest(config_setting_name(s), names, PONTO_KIND_LIMIT, "groups", hint, sizeof(hint));
	conf_fault_at(l, s, "unknown key \"%.64s\"%s", config_setting_name(s), hint);
}

static void read_tree(struct conf_loader *l, const config_setting_t *root)
{
	const config_setting_t *groups[PONTO_KIND_LIMIT] = {NULL};
	const char *path;

	for (int i = 0; root && i < config_setting_length(root) && l->result == PONTO_OK; i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
		unsigned kind = 1;

		if (strcmp(config_setting_name(s), "node") == 0) {
			if (config_setting_is_group(s))
				conf_check_group(l, s, "node", false, l->file->node);
			else
				conf_fault_at(l, s, "node: expected a group");
			continue;
		}
		while (kind < PONTO_KIND_LIMIT &&
		       strcmp(config_setting_name(s), ponto_kind_group((enum ponto_kind)kind)) != 0)
			kind++;
		if (kind < PONTO_KIND_LIMIT)
			groups[kind] = s;
		else
			unknown_group(l, s);
	}
	path = ponto_conf_string(l->file->node, "plugin_path");
	if (path[0] && l->result == PONTO_OK)
		l->result = ponto_registry_set_path(l->registry, path);
	for (unsigned kind = 1; kind < PONTO_KIND_LIMIT && l->result == PONTO_OK; kind++) {
		if (groups[kind])
			read_kind(l, kind, groups[kind]);
		else
			default_kind(l, kind);
	}
}

/* What plugins need of each other, reported at an instance of the one that lacks something. */
static void check_needs(struct conf_loader *l)
{
	char reason[PONTO_REASON_SIZE];
	int result = ponto_registry_order(l->registry, reason);

	if (result == PONTO_ENOMEM)
		l->result = result;
	if (result == PONTO_OK || result == PONTO_ENOMEM)
		return;
	for (size_t i = 0; i < l->file->entry_count; i++) {
		const struct conf_entry *e = &l->file->entries[i];
		size_t len = strlen(e->plugin);

		if (len > 0 && strncmp(reason, e->plugin, len) == 0 && reason[len] == ' ') {
			conf_fault(l, e->file, e->line, "%s", reason);
			return;
		}
	}
	conf_fault(l, l->file->files[0], 0, "%s", reason);
}

static void load_tree(struct conf_loader *l, const config_setting_t *root)
{
	l->result = ponto_conf_new(l->alloc, ponto_node_options, ponto_node_option_count, &l->file->node);
	if (l->result == PONTO_OK)
		read_tree(l, root);
	if (l->result == PONTO_OK && !l->wrong)
		conf_check_node(l);
	if (l->result == PONTO_OK)
		conf_refer(l);
	if (l->result == PONTO_OK)
		conf_order(l);
	if (l->result == PONTO_OK && !l->wrong)
		check_needs(l);
}

static void load_source(struct conf_loader *l)
{
	config_t config;

	config_init(&config);
	if (config_read_string(&config, l->source->text.data) == CONFIG_TRUE)
		load_tree(l, config_root_setting(&config));
	else
		report_syntax(l, &config);
	config_destroy(&config);
}

static int load_path(struct conf_loader *l, const char *path)
{
	struct ponto_conf_source source;
	int result = ponto_conf_source_read(&source, l->alloc, path, l->report, l->ctx);

	if (result == PONTO_OK) {
		l->source = &source;
		l->wrong = source.wrong;
		l->file->files = source.files;
		l->file->file_count = source.file_count;
		source.files = NULL;
		source.file_count = 0;
		load_source(l);
		result = l->result;
	}
	ponto_conf_source_free(&source);
	l->source = NULL;
	return result;
}

static int load_defaults(struct conf_loader *l)
{
	struct ponto_conf_file *f = l->file;

	f->files = ponto_new(l->alloc, 1, sizeof(*f->files));
	if (!f->files)
		return PONTO_ENOMEM;
	f->file_count = 1;
	f->files[0] = ponto_strdup(l->alloc, "built-in defaults");
	if (!f->files[0])
		return PONTO_ENOMEM;
	load_tree(l, NULL);
	return l->result;
}

int ponto_conf_load(const struct ponto_alloc *alloc, struct ponto_registry *registry, const char *path,
		    ponto_conf_report_fn *report, void *ctx, struct ponto_conf_file **out)
{
	struct conf_loader l = {.alloc = alloc, .registry = registry, .report = report, .ctx = ctx};
	int result;

	l.file = ponto_new(alloc, 1, sizeof(*l.file));
	if (!l.file)
		return PONTO_ENOMEM;
	l.file->alloc = alloc;
	result = path ? load_path(&l, path) : load_defaults(&l);
	if (result == PONTO_OK && l.wrong)
		result = PONTO_ECONF;
	if (result == PONTO_OK)
		*out = l.file;
	else
		ponto_conf_file_destroy(l.file);
	return result;
}

/* ---- the result -------------------------------------------------------------------------- */

void ponto_conf_file_destroy(struct ponto_conf_file *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->entry_count; i++) {
		ponto_free(f->alloc, f->entries[i].name);
		ponto_free(f->alloc, f->entries[i].plugin);
		ponto_conf_destroy(f->entries[i].conf);
	}
	ponto_free(f->alloc, f->entries);
	ponto_free(f->alloc, f->instances);
	ponto_conf_destroy(f->node);
	for (size_t i = 0; i < f->file_count; i++)
		ponto_free(f->alloc, f->files[i]);
	ponto_free(f->alloc, f->files);
	ponto_free(f->alloc, f);
}

const struct ponto_conf *ponto_conf_node(const struct ponto_conf_file *file)
{
	return file->node;
}

size_t ponto_conf_instance_count(const struct ponto_conf_file *file)
{
	return file->instance_count;
}

const struct ponto_conf_instance *ponto_conf_instance_at(const struct ponto_conf_file *file, size_t index)
{
	return index < file->instance_count ? &file->instances[index] : NULL;
}
