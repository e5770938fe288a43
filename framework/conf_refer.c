#include "framework/conf_load.h"

#include <stdio.h>
#include <string.h>

/* References between instances, and the order in which they can be created. */

static const char *kind_text(uint32_t kind)
{
	return ponto_kind_name((enum ponto_kind)kind);
}

static const char *group_text(uint32_t kind)
{
	return ponto_kind_group((enum ponto_kind)kind);
}

static size_t find(const struct ponto_conf_file *f, uint32_t kind, const char *name)
{
	size_t i = 0;

	while (i < f->entry_count && (f->entries[i].kind != kind || strcmp(f->entries[i].name, name) != 0))
		i++;
	return i;
}

/* ---- one reference -------------------------------------------------------------------- */

struct reference {
	const struct conf_entry *from;
	const struct ponto_option *option;
	const struct ponto_conf_value *value;
};

static void fault_at(struct conf_loader *l, const struct reference *r, const char *text)
{
	const char *file = r->value->given ? r->value->file : r->from->file;
	unsigned line = r->value->given ? r->value->line : r->from->line;

	conf_fault(l, file, line, "%s.%s.%s: %s%s", group_text(r->from->kind), r->from->name, r->option->name, text,
		   conf_why(r->from));
}

/* The names of all instances of a kind but self. */
static size_t names_of(const struct ponto_conf_file *f, uint32_t kind, const struct conf_entry *self, const char **names,
		       size_t cap)
{
	size_t count = 0;

	for (size_t i = 0; i < f->entry_count; i++) {
		if (f->entries[i].kind != kind || &f->entries[i] == self)
			continue;
		if (count < cap)
			names[count] = f->entries[i].name;
		count++;
	}
	return count;
}

#define SHOWN 32

static void check_reference(struct conf_loader *l, const struct reference *r, const char *name)
{
	const struct ponto_conf_file *f = l->file;
	const char *names[SHOWN], *wanted = kind_text(r->option->ref_kind);
	char hint[1024], text[1400];
	size_t count;

	if (find(f, r->option->ref_kind, name) < f->entry_count)
		return;
	for (uint32_t kind = 1; kind < PONTO_KIND_LIMIT; kind++) {
		if (find(f, kind, name) == f->entry_count)
			continue;
		snprintf(text, sizeof(text), "\"%s\" is of kind %s, expected %s", name, kind_text(kind), wanted);
		fault_at(l, r, text);
		return;
	}
	count = names_of(f, r->option->ref_kind, r->from, names, SHOWN);
	conf_suggest(name, names, count < SHOWN ? count : SHOWN, group_text(r->option->ref_kind), hint, sizeof(hint));
	snprintf(text, sizeof(text), "there is no %s \"%.64s\"%s", wanted, name, count ? hint : ": none is configured");
	fault_at(l, r, text);
}

/* A REF without default is the only instance of its kind. */
static int resolve_one(struct conf_loader *l, const struct reference *r)
{
	const char *names[SHOWN];
	size_t count = names_of(l->file, r->option->ref_kind, r->from, names, SHOWN);
	char text[512];

	if (count == 1)
		return ponto_conf_set_string(r->from->conf, r->option, names[0]);
	if (count == 0)
		snprintf(text, sizeof(text), "it needs a %s, and none is configured", kind_text(r->option->ref_kind));
	else
		snprintf(text, sizeof(text), "it must be given, for there are %zu instances in %s", count,
			 group_text(r->option->ref_kind));
	fault_at(l, r, text);
	return PONTO_OK;
}

/* REFS without default are all instances of the kind. */
static int resolve_all(struct conf_loader *l, const struct reference *r)
{
	size_t count = names_of(l->file, r->option->ref_kind, r->from, NULL, 0);
	const char **names = ponto_new(l->alloc, count + 1, sizeof(*names));
	int result;

	if (!names)
		return PONTO_ENOMEM;
	(void)names_of(l->file, r->option->ref_kind, r->from, names, count);
	result = ponto_conf_set_list(r->from->conf, r->option, names, count);
	ponto_free(l->alloc, names);
	return result;
}

static int resolve(struct conf_loader *l, const struct reference *r)
{
	bool one = r->option->type == PONTO_OPTION_REF;

	if (r->value->unresolved)
		return one ? resolve_one(l, r) : resolve_all(l, r);
	if (one && r->value->text[0])
		check_reference(l, r, r->value->text);
	for (char **name = one ? NULL : r->value->list; name && *name; name++)
		check_reference(l, r, *name);
	return PONTO_OK;
}

static bool is_reference(const struct ponto_option *option)
{
	return option->type == PONTO_OPTION_REF || option->type == PONTO_OPTION_REFS;
}

void conf_refer(struct conf_loader *l)
{
	for (size_t i = 0; i < l->file->entry_count; i++) {
		const struct conf_entry *e = &l->file->entries[i];

		for (size_t j = 0; e->conf && j < e->conf->option_count && l->result == PONTO_OK; j++) {
			struct reference r = {e, &e->conf->options[j], &e->conf->values[j]};

			if (is_reference(r.option))
				l->result = resolve(l, &r);
		}
	}
}

/* ---- order ------------------------------------------------------------------------------- */

enum { UNSEEN, OPEN, DONE };

struct order {
	struct conf_loader *l;
	size_t *path, depth;
	bool cycle;
};

static void report_cycle(struct order *o, size_t again)
{
	const struct ponto_conf_file *f = o->l->file;
	const struct conf_entry *e = &f->entries[again];
	char text[1024];
	size_t i = 0, used;

	while (o->path[i] != again)
		i++;
	text[0] = '\0';
	for (; i < o->depth; i++) {
		const struct conf_entry *step = &f->entries[o->path[i]];

		used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%s.%s refers to ", group_text(step->kind), step->name);
	}
	conf_fault(o->l, e->file, e->line, "reference cycle: %s%s.%s", text, group_text(e->kind), e->name);
	o->cycle = true;
}

static void visit(struct order *o, size_t index);

static void follow(struct order *o, uint32_t kind, const char *name)
{
	struct ponto_conf_file *f = o->l->file;
	size_t index = find(f, kind, name);

	if (o->cycle || index == f->entry_count || f->entries[index].state == DONE)
		return;
	if (f->entries[index].state == OPEN)
		report_cycle(o, index);
	else
		visit(o, index);
}

/* Depth first; as deep as the longest chain of references, which entry_count bounds. */
static void visit(struct order *o, size_t index)
{
	struct ponto_conf_file *f = o->l->file;
	struct conf_entry *e = &f->entries[index];

	e->state = OPEN;
	o->path[o->depth++] = index;
	for (size_t i = 0; e->conf && i < e->conf->option_count; i++) {
		const struct ponto_option *option = &e->conf->options[i];
		const struct ponto_conf_value *v = &e->conf->values[i];

		if (option->type == PONTO_OPTION_REF)
			follow(o, option->ref_kind, v->text);
		for (char **name = option->type == PONTO_OPTION_REFS ? v->list : NULL; name && *name; name++)
			follow(o, option->ref_kind, *name);
	}
	o->depth--;
	e->state = DONE;
	f->instances[f->instance_count++] = (struct ponto_conf_instance){
		.kind = e->kind, .name = e->name, .plugin = e->plugin, .conf = e->conf, .file = e->file, .line = e->line};
}

void conf_order(struct conf_loader *l)
{
	/* services last: nothing refers to them but other services */
	static const uint32_t kinds[] = {PONTO_KIND_TRANSPORT, PONTO_KIND_STORE, PONTO_KIND_SECURITY,
					 PONTO_KIND_DISCOVERY, PONTO_KIND_HTTP,  PONTO_KIND_MAPPING,
					 PONTO_KIND_SERVICE};
	struct ponto_conf_file *f = l->file;
	struct order o = {.l = l};

	f->instances = ponto_new(l->alloc, f->entry_count + 1, sizeof(*f->instances));
	o.path = ponto_new(l->alloc, f->entry_count + 1, sizeof(*o.path));
	if (!f->instances || !o.path)
		l->result = PONTO_ENOMEM;
	for (size_t k = 0; k < PONTO_ARRAY_SIZE(kinds) && l->result == PONTO_OK; k++) {
		for (size_t i = 0; i < f->entry_count && !o.cycle; i++) {
			if (f->entries[i].kind == kinds[k] && f->entries[i].state == UNSEEN)
				visit(&o, i);
		}
	}
	ponto_free(l->alloc, o.path);
}
