/* Ponto, internal to the framework: a configuration while it is being loaded. */
#ifndef PONTO_CONF_LOAD_H
#define PONTO_CONF_LOAD_H

#include <libconfig.h>

#include "framework/conf_source.h"
#include "framework/conf_value.h"
#include "framework/plugin_check.h"

/* The longest name of an instance. It names threads, directories, events and metrics. */
#define PONTO_INSTANCE_NAME_MAX 63

/* One instance, also one whose plugin could not be loaded: others may refer to it. */
struct conf_entry {
	uint32_t kind;
	char *name;
	char *plugin;
	struct ponto_conf *conf; /* NULL when the plugin was refused */
	const char *file;
	unsigned line;
	unsigned state; /* used while ordering */
};

struct ponto_conf_file {
	const struct ponto_alloc *alloc;
	char **files; /* names, one for each file read, borrowed by everything below */
	size_t file_count;
	struct ponto_conf *node;
	struct conf_entry *entries; /* as written, by kind */
	size_t entry_count, entry_cap;
	struct ponto_conf_instance *instances; /* in creation order */
	size_t instance_count;
};

struct conf_loader {
	const struct ponto_alloc *alloc;
	struct ponto_registry *registry;
	const char *path; /* as given, or "built-in defaults" */
	struct ponto_conf_source *source; /* NULL: none */
	struct ponto_conf_file *file;
	ponto_conf_report_fn *report;
	void *ctx;
	bool wrong;
	int result; /* PONTO_ENOMEM once memory ran out: everything stops then */
};

/* The composition for groups a file leaves out. */
struct conf_default {
	uint32_t kind;
	const char *name, *plugin;
};
extern const struct conf_default conf_defaults[];
extern const size_t conf_default_count;

/* Reports a problem at a place. */
void conf_fault(struct conf_loader *l, const char *file, unsigned line, const char *format, ...) PONTO_PRINTF(4, 5);

/* Reports a problem at a setting. */
void conf_fault_at(struct conf_loader *l, const config_setting_t *setting, const char *format, ...)
	PONTO_PRINTF(3, 4);

/* What to add to a report about an entry that the file does not hold; else "". */
const char *conf_why(const struct conf_entry *e);

/* Where a setting stands. */
void conf_place(const struct conf_loader *l, const config_setting_t *setting, const char **file, unsigned *line);

/* Writes "; did you mean \"x\"?" or, when nothing is near, "; LABEL: a, b" to out. names: count texts. */
void conf_suggest(const char *wrong, const char *const *names, size_t count, const char *label, char *out,
		  size_t size);

/* Reads the settings of one group into conf; where names the group in reports ("node", "stores.main"). */
void conf_check_group(struct conf_loader *l, const config_setting_t *group, const char *where, bool instance,
		      struct ponto_conf *conf);

/* Finds the name on that line of the text that its group already has, and the line where it was set first.
 * False when it cannot tell. */
bool conf_find_duplicate(const struct ponto_conf_source *source, unsigned line, char *name, size_t size,
			 unsigned *first);

/* Resolves every REF and REFS and puts file->instances in order. */
void conf_refer(struct conf_loader *l);
void conf_order(struct conf_loader *l);

#endif
