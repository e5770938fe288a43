#include "apps/ponto/plugin_new.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LEN 63 /* as the loader has it */

/* What is written where. */
struct plan {
	const struct ponto_plugin_template *template;
	char name[NAME_MAX_LEN + 1];   /* "store-tape" */
	char module[NAME_MAX_LEN + 1]; /* "store_tape" */
	char folder[PATH_MAX];
	char *error;
	size_t error_size;
};

static int PONTO_PRINTF(3, 4) refuse(struct plan *plan, int result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(plan->error, plan->error_size, format, args);
	va_end(args);
	return result;
}

static int find_template(struct plan *plan, const char *kind)
{
	char kinds[128] = "";
	size_t used = 0;

	for (plan->template = ponto_plugin_templates; plan->template->kind; plan->template++) {
		if (strcmp(plan->template->kind, kind) == 0)
			return PONTO_OK;
		used += (size_t)snprintf(kinds + used, sizeof(kinds) - used, "%s%s", used ? ", " : "",
					 plan->template->kind);
	}
	return refuse(plan, PONTO_EINVAL, "'%.40s' is no kind of plugin: %s", kind, kinds);
}

static int set_names(struct plan *plan, const char *name)
{
	size_t kind_len = strlen(plan->template->kind);
	int len;

	if (strncmp(name, plan->template->kind, kind_len) == 0 && name[kind_len] == '-')
		name += kind_len + 1;
	if (!name[0] || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name) || name[0] == '-' ||
	    name[strlen(name) - 1] == '-')
		return refuse(plan, PONTO_EINVAL, "'%.80s' is no name: lower-case letters, digits and dashes between them",
			      name);
	len = snprintf(plan->name, sizeof(plan->name), "%s-%s", plan->template->kind, name);
	if (len >= (int)sizeof(plan->name))
		return refuse(plan, PONTO_EINVAL, "the name is longer than %d characters", NAME_MAX_LEN);
	memcpy(plan->module, plan->name, (size_t)len + 1);
	for (char *c = plan->module; *c; c++)
		*c = *c == '-' ? '_' : *c;
	return PONTO_OK;
}

/* ---- files ------------------------------------------------------------------------ */

/* Makes a file of the folder, anew. */
static FILE *create(struct plan *plan, const char *name, const char *suffix)
{
	char path[2 * PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s%s", plan->folder, name, suffix);
	file = fopen(path, "wx");
	if (!file)
		(void)refuse(plan, PONTO_EIO, "cannot create %.400s: %s", path, strerror(errno));
	return file;
}

/* Closes a file whose writes are to be on it. */
static int finish(struct plan *plan, FILE *file)
{
	bool bad = ferror(file) != 0;

	if (fclose(file) != 0 || bad)
		return refuse(plan, PONTO_EIO, "cannot write into %.400s: %s", plan->folder, strerror(errno));
	return PONTO_OK;
}

/* The template's text with its two names replaced by the new ones. */
static void substitute(const struct plan *plan, FILE *file)
{
	const struct ponto_plugin_template *t = plan->template;
	const char *at = t->source;
	size_t name_len = strlen(t->name), module_len = strlen(t->module);

	while (*at) {
		if (strncmp(at, t->name, name_len) == 0) {
			fputs(plan->name, file);
			at += name_len;
		} else if (strncmp(at, t->module, module_len) == 0) {
			fputs(plan->module, file);
			at += module_len;
		} else {
			fputc(*at++, file);
		}
	}
}

static int write_source(struct plan *plan)
{
	FILE *file = create(plan, plan->module, ".c");

	if (!file)
		return PONTO_EIO;
	substitute(plan, file);
	return finish(plan, file);
}

static int write_makefile(struct plan *plan)
{
	FILE *file = create(plan, "Makefile", "");

	if (!file)
		return PONTO_EIO;
	fprintf(file,
		"# Where Ponto is installed elsewhere: PKG_CONFIG_PATH=PREFIX/lib/pkgconfig make\n"
		"CC = gcc\n"
		"CFLAGS = -O2 -g -Wall -Wextra\n"
		"LIBS =%s%s\n\n"
		"%s.so: %s.c\n"
		"\t$(CC) -std=gnu11 -D_GNU_SOURCE $(CFLAGS) -fPIC -shared -o $@ $< "
		"$$(pkg-config --cflags --libs ponto-plugin) $(LIBS)\n\n"
		"check: %s.so\n"
		"\tponto plugin check ./%s.so\n\n"
		"clean:\n"
		"\trm -f %s.so\n\n"
		".PHONY: check clean\n",
		plan->template->libs[0] ? " " : "", plan->template->libs, plan->name, plan->module, plan->name, plan->name,
		plan->name);
	return finish(plan, file);
}

static int write_readme(struct plan *plan)
{
	static const char *const groups[][2] = {{"transport", "transports"}, {"store", "stores"}, {"service", "services"}};
	const char *group = plan->template->kind;
	FILE *file = create(plan, "README", ".md");

	if (!file)
		return PONTO_EIO;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(groups); i++) {
		if (strcmp(groups[i][0], group) == 0)
			group = groups[i][1];
	}
	fprintf(file,
		"# %s\n\n"
		"A Ponto plugin of the kind %s. It begins as a copy of the example %s: rename\n"
		"what it does, keep what its contract says (`framework/%s.h`).\n\n"
		"    make          builds %s.so\n"
		"    make check    loads it and checks what its contract promises\n\n"
		"To use it, name its folder and put it into the configuration:\n\n"
		"    PONTO_PLUGIN_PATH=$PWD pontod -c ponto.conf\n\n"
		"    %s = { mine = { plugin = \"%s\"; }; };\n",
		plan->name, plan->template->kind, plan->template->name, plan->template->kind, plan->name, group, plan->name);
	return finish(plan, file);
}

int ponto_plugin_new(const char *kind, const char *name, const char *dir, char *error, size_t size)
{
	struct plan plan = {.error = error, .error_size = size};
	int result = find_template(&plan, kind);

	if (result == PONTO_OK)
		result = set_names(&plan, name);
	if (result != PONTO_OK)
		return result;
	if (snprintf(plan.folder, sizeof(plan.folder), "%s/%s", dir, plan.name) >= (int)sizeof(plan.folder))
		return refuse(&plan, PONTO_EINVAL, "the folder's path is too long");
	if (mkdir(plan.folder, 0777) != 0)
		return refuse(&plan, errno == EEXIST ? PONTO_EEXIST : PONTO_EIO, "cannot create %.400s: %s", plan.folder,
			      strerror(errno));
	result = write_source(&plan);
	if (result == PONTO_OK)
		result = write_makefile(&plan);
	if (result == PONTO_OK)
		result = write_readme(&plan);
	return result;
}
