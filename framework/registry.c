#include "framework/registry.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "framework/plugin_check.h"
#include "framework/plugin_file.h"
#include "framework/registry_order.h"

#define FILE_NAME_MAX 4096

struct ponto_registry {
	const struct ponto_alloc *alloc;
	const struct ponto_plugin *const *builtin;
	char *environment, *path; /* directories, colon-separated; searched in this order, then the installed one */
	struct ponto_registry_entry *entries;
	size_t count, cap;
};

static int PONTO_PRINTF(3, 4) refuse(char *reason, int result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, PONTO_REASON_SIZE, format, args);
	va_end(args);
	return result;
}

static int out_of_memory(char *reason)
{
	return refuse(reason, PONTO_ENOMEM, "%s", ponto_strerror(PONTO_ENOMEM));
}

int ponto_registry_create(const struct ponto_alloc *alloc, const struct ponto_plugin *const *builtin, const char *path,
			  struct ponto_registry **out)
{
	const char *environment = secure_getenv("PONTO_PLUGIN_PATH");
	struct ponto_registry *r = ponto_new(alloc, 1, sizeof(*r));

	if (!r)
		return PONTO_ENOMEM;
	r->alloc = alloc;
	r->builtin = builtin;
	r->environment = ponto_strdup(alloc, environment ? environment : "");
	r->path = ponto_strdup(alloc, path ? path : "");
	if (!r->environment || !r->path) {
		ponto_registry_destroy(r);
		return PONTO_ENOMEM;
	}
	*out = r;
	return PONTO_OK;
}

int ponto_registry_set_path(struct ponto_registry *r, const char *path)
{
	char *copy = ponto_strdup(r->alloc, path);

	if (!copy)
		return PONTO_ENOMEM;
	ponto_free(r->alloc, r->path);
	r->path = copy;
	return PONTO_OK;
}

void ponto_registry_destroy(struct ponto_registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		ponto_free(r->alloc, r->entries[i].origin);
	ponto_free(r->alloc, r->entries);
	ponto_free(r->alloc, r->environment);
	ponto_free(r->alloc, r->path);
	ponto_free(r->alloc, r);
}

/* ---- look-ups ------------------------------------------------------------------- */

static struct ponto_registry_entry *find_entry(const struct ponto_registry *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->entries[i].plugin->name, name) == 0)
			return &r->entries[i];
	}
	return NULL;
}

size_t ponto_registry_count(const struct ponto_registry *r)
{
	return r->count;
}

const struct ponto_plugin *ponto_registry_at(const struct ponto_registry *r, size_t index)
{
	return index < r->count ? r->entries[index].plugin : NULL;
}

const struct ponto_plugin *ponto_registry_find(const struct ponto_registry *r, const char *name)
{
	struct ponto_registry_entry *entry = find_entry(r, name);

	return entry ? entry->plugin : NULL;
}

const char *ponto_registry_origin(const struct ponto_registry *r, const struct ponto_plugin *plugin)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->entries[i].plugin == plugin)
			return r->entries[i].origin;
	}
	return NULL;
}

/* ---- adding ----------------------------------------------------------------------- */

/* Adds a checked descriptor. */
static int append(struct ponto_registry *r, const struct ponto_plugin *plugin, const char *origin, char *reason)
{
	struct ponto_registry_entry *clash = find_entry(r, plugin->name);
	char *copy;

	if (clash)
		return refuse(reason, PONTO_EEXIST, "name clash: %s is already loaded (%.300s)", plugin->name,
			      clash->origin);
	if (r->count == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 16;
		struct ponto_registry_entry *grown = ponto_resize(r->alloc, r->entries, cap, sizeof(*grown));

		if (!grown)
			return out_of_memory(reason);
		r->entries = grown;
		r->cap = cap;
	}
	copy = ponto_strdup(r->alloc, origin);
	if (!copy)
		return out_of_memory(reason);
	r->entries[r->count].plugin = plugin;
	r->entries[r->count].origin = copy;
	r->count++;
	return PONTO_OK;
}

int ponto_registry_add(struct ponto_registry *r, const struct ponto_plugin *plugin, char reason[PONTO_REASON_SIZE])
{
	int result = ponto_plugin_check(plugin, reason);

	return result == PONTO_OK ? append(r, plugin, "static", reason) : result;
}

int ponto_registry_load_file(struct ponto_registry *r, const char *file, const struct ponto_plugin **out,
			     char reason[PONTO_REASON_SIZE])
{
	const struct ponto_plugin *plugin;
	struct ponto_registry_entry *loaded;
	char path[PATH_MAX], fault[PONTO_REASON_SIZE];
	int result;

	if (!realpath(file, path))
		return refuse(reason, errno == ENOENT || errno == ENOTDIR ? PONTO_ENOENT : PONTO_EIO, "%.300s: %s",
			      file, strerror(errno));
	result = ponto_plugin_file_open(path, &plugin, reason);
	if (result != PONTO_OK)
		return result;
	result = ponto_plugin_check(plugin, fault);
	if (result != PONTO_OK)
		return refuse(reason, result, "%.200s: %.300s", file, fault);
	if (!ponto_plugin_file_is(path, plugin->name))
		return refuse(reason, PONTO_EINVAL, "%.300s: its name is %s, so the file must be %s.so", file,
			      plugin->name, plugin->name);
	loaded = find_entry(r, plugin->name);
	if (!loaded || loaded->plugin != plugin) {
		result = append(r, plugin, path, reason);
		if (result != PONTO_OK)
			return result;
	}
	*out = plugin;
	return PONTO_OK;
}

/* Walks the directories in the order of search. */
struct walk {
	const char *lists[3];
	unsigned list;
};

static struct walk walk_start(const struct ponto_registry *r)
{
	struct walk w = {{r->environment, r->path, PONTO_PLUGIN_DIR}, 0};

	return w;
}

static bool next_directory(struct walk *w, char directory[FILE_NAME_MAX])
{
	while (w->list < PONTO_ARRAY_SIZE(w->lists)) {
		const char *start = w->lists[w->list];
		size_t len = strcspn(start, ":");

		if (*start)
			w->lists[w->list] += len + (start[len] == ':');
		else
			w->list++;
		if (len > 0 && len < FILE_NAME_MAX) {
			memcpy(directory, start, len);
			directory[len] = '\0';
			return true;
		}
	}
	return false;
}

static const struct ponto_plugin *find_builtin(const struct ponto_registry *r, const char *name)
{
	for (const struct ponto_plugin *const *p = r->builtin; p && *p; p++) {
		if ((*p)->name && strcmp((*p)->name, name) == 0)
			return *p;
	}
	return NULL;
}

int ponto_registry_load(struct ponto_registry *r, const char *name, char reason[PONTO_REASON_SIZE])
{
	const struct ponto_plugin *plugin = find_builtin(r, name);
	char directory[FILE_NAME_MAX], file[FILE_NAME_MAX + PONTO_PLUGIN_NAME_MAX + 8];
	struct walk w = walk_start(r);

	if (find_entry(r, name))
		return PONTO_OK;
	if (plugin)
		return ponto_registry_add(r, plugin, reason);
	if (!ponto_plugin_name_kind(name))
		return refuse(reason, PONTO_EINVAL, "\"%.80s\" is no name of a plugin, which is KIND-NAME", name);
	while (next_directory(&w, directory)) {
		snprintf(file, sizeof(file), "%s/%s.so", directory, name);
		if (access(file, F_OK) == 0)
			return ponto_registry_load_file(r, file, &plugin, reason);
	}
	return refuse(reason, PONTO_ENOENT, "no file %s.so in %.200s%s%.200s%s%s", name, r->environment,
		      r->environment[0] ? ":" : "", r->path, r->path[0] ? ":" : "", PONTO_PLUGIN_DIR);
}

/* ---- everything there is ------------------------------------------------------------- */

static int is_plugin_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	char name[NAME_MAX + 1];

	if (len < 4 || strcmp(entry->d_name + len - 3, ".so") != 0)
		return 0;
	memcpy(name, entry->d_name, len - 3);
	name[len - 3] = '\0';
	return ponto_plugin_name_kind(name) != 0;
}

static int load_directory(struct ponto_registry *r, const char *directory, ponto_registry_report_fn *report, void *ctx)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_plugin_file, alphasort);
	int result = PONTO_OK;

	if (count < 0)
		return errno == ENOMEM ? PONTO_ENOMEM : PONTO_OK; /* a directory that is not there holds no plugin */
	for (int i = 0; i < count; i++) {
		char reason[PONTO_REASON_SIZE], *name = entries[i]->d_name;

		name[strlen(name) - 3] = '\0';
		if (result == PONTO_OK) {
			int loaded = ponto_registry_load(r, name, reason);

			if (loaded == PONTO_ENOMEM)
				result = loaded;
			else if (loaded != PONTO_OK)
				report(ctx, name, loaded, reason);
		}
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int by_name(const void *a, const void *b)
{
	const struct ponto_registry_entry *x = a, *y = b;

	return strcmp(x->plugin->name, y->plugin->name);
}

int ponto_registry_load_all(struct ponto_registry *r, ponto_registry_report_fn *report, void *ctx)
{
	struct walk w = walk_start(r);
	char directory[FILE_NAME_MAX], reason[PONTO_REASON_SIZE];
	int result = PONTO_OK;

	for (const struct ponto_plugin *const *p = r->builtin; p && *p; p++) {
		const char *name = (*p)->name ? (*p)->name : "?";
		struct ponto_registry_entry *loaded = find_entry(r, name);

		if (loaded && loaded->plugin == *p)
			continue;
		result = ponto_registry_add(r, *p, reason);
		if (result == PONTO_ENOMEM)
			return result;
		if (result != PONTO_OK)
			report(ctx, name, result, reason);
	}
	result = PONTO_OK;
	while (result == PONTO_OK && next_directory(&w, directory))
		result = load_directory(r, directory, report, ctx);
	if (result == PONTO_OK && r->count > 0)
		qsort(r->entries, r->count, sizeof(*r->entries), by_name);
	return result;
}

/* ---- order -------------------------------------------------------------------------- */

/* Loads what the loaded ones need by name; a need that is no plugin's name is a feature. */
static int load_needs(struct ponto_registry *r, char *reason)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct ponto_plugin *p = r->entries[i].plugin;

		for (const char *const *need = p->needs; need && *need; need++) {
			char fault[PONTO_REASON_SIZE];
			int result;

			if (ponto_registry_offered(r->entries, r->count, *need, p))
				continue;
			if (!ponto_plugin_name_kind(*need))
				return refuse(reason, PONTO_ENOENT,
					      "%s needs %.64s, which no loaded plugin offers", p->name, *need);
			result = ponto_registry_load(r, *need, fault);
			if (result != PONTO_OK)
				return refuse(reason, result, "%s needs %s: %.380s", p->name, *need, fault);
		}
	}
	return PONTO_OK;
}

int ponto_registry_order(struct ponto_registry *r, char reason[PONTO_REASON_SIZE])
{
	int result = load_needs(r, reason);

	return result == PONTO_OK ? ponto_registry_sort(r->alloc, r->entries, r->count, reason) : result;
}
