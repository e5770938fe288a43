/* Ponto: finding, checking and ordering plugins.
 *
 * Loading happens from one thread, before components start; look-ups
 * afterwards are read-only and may come from any thread. Plugins stay resident
 * until the process ends. */
#ifndef PONTO_REGISTRY_H
#define PONTO_REGISTRY_H

#include "framework/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ponto_registry;

/* Where plugins are looked for: builtin (a NULL-terminated table linked into the program, or NULL) before
 * any directory; then the colon-separated directories of PONTO_PLUGIN_PATH, of path (may be NULL), and
 * the installed one. copies path; borrows builtin for the registry's life. gives */
PONTO_MUST_CHECK int ponto_registry_create(const struct ponto_alloc *alloc,
					   const struct ponto_plugin *const *builtin, const char *path,
					   struct ponto_registry **out);
void ponto_registry_destroy(struct ponto_registry *registry);

/* Replaces path, for what is loaded from now on. copies */
PONTO_MUST_CHECK int ponto_registry_set_path(struct ponto_registry *registry, const char *path);

/* The longest reason, NUL included. */
#define PONTO_REASON_SIZE 512

/* Loads one plugin by name. Loading a loaded one is PONTO_OK. On failure reason says exactly why:
 * file missing (PONTO_ENOENT, with the directories tried), unresolved symbol or unreadable object
 * (PONTO_EIO, the dynamic loader's words), no descriptor (PONTO_EINVAL), wrong ABI (PONTO_EABI),
 * wrong kind or name (PONTO_EINVAL), name clash (PONTO_EEXIST). Needs are not followed here. */
PONTO_MUST_CHECK int ponto_registry_load(struct ponto_registry *registry, const char *name,
					 char reason[PONTO_REASON_SIZE]);

/* Loads from a file, whatever its directory. */
PONTO_MUST_CHECK int ponto_registry_load_file(struct ponto_registry *registry, const char *file,
					      const struct ponto_plugin **out, char reason[PONTO_REASON_SIZE]);

/* Loads every plugin found in the static table and the directories; a refused one is reported
 * and skipped. The loaded ones are then in the order of their names, wherever they came from.
 * Returns PONTO_OK unless memory runs out. */
typedef void ponto_registry_report_fn(void *ctx, const char *name, int result, const char *reason);
PONTO_MUST_CHECK int ponto_registry_load_all(struct ponto_registry *registry, ponto_registry_report_fn *report,
					     void *ctx);

/* Orders the loaded plugins so that each comes after what it needs, loading needed plugins by name
 * where necessary. PONTO_ENOENT: a need nobody offers; PONTO_EINVAL: a cycle, spelled out in reason. */
PONTO_MUST_CHECK int ponto_registry_order(struct ponto_registry *registry, char reason[PONTO_REASON_SIZE]);

/* Loaded plugins, in order after ponto_registry_order, else in load order. */
size_t ponto_registry_count(const struct ponto_registry *registry);
const struct ponto_plugin *ponto_registry_at(const struct ponto_registry *registry, size_t index);

/* NULL when not loaded. */
const struct ponto_plugin *ponto_registry_find(const struct ponto_registry *registry, const char *name);

/* "static" or the file it came from. */
const char *ponto_registry_origin(const struct ponto_registry *registry, const struct ponto_plugin *plugin);

/* Checks a descriptor without loading anything: used by the loader and `ponto plugin check`. */
PONTO_MUST_CHECK int ponto_plugin_check(const struct ponto_plugin *plugin, char reason[PONTO_REASON_SIZE]);

/* Adds a descriptor that is linked into the program: for tests. PONTO_EEXIST when the name is taken. */
PONTO_MUST_CHECK int ponto_registry_add(struct ponto_registry *registry, const struct ponto_plugin *plugin,
					char reason[PONTO_REASON_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
