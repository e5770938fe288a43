/* Ponto: schema-checked configuration. A file in libconfig syntax composes the
 * node; each plugin declares its options; everything has a default.
 *
 * A loaded configuration is immutable and may be read from any thread. */
#ifndef PONTO_CONF_H
#define PONTO_CONF_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ponto_option_type {
	PONTO_OPTION_BOOL = 1,
	PONTO_OPTION_INT = 2,	 /* 64 bits, min..max inclusive */
	PONTO_OPTION_STRING = 3, /* choices, if given, are the only values */
	PONTO_OPTION_LIST = 4,	 /* of strings; a single string is accepted as a list of one */
	PONTO_OPTION_REF = 5,	 /* the name of an instance of ref_kind */
	PONTO_OPTION_REFS = 6,	 /* a list of such names */
};

/* One option of a schema. A REF without default takes the only instance of its
 * kind if there is exactly one, else it must be given; REFS without default
 * take every instance of their kind; "" means none. BOOL, INT and choices need
 * a default. */
struct ponto_option {
	const char *name;	     /* snake_case */
	uint32_t type;		     /* enum ponto_option_type */
	uint32_t ref_kind;	     /* enum ponto_kind, for REF and REFS */
	const char *fallback;	     /* the default in the file's syntax without quotes ("3540", "true", "a,b"); NULL: see REF, or empty */
	int64_t min, max;	     /* INT only; both 0 means any */
	const char *const *choices;  /* STRING only, NULL-terminated; or NULL */
	const char *unit;	     /* "seconds", "bytes", …; or NULL */
	const char *doc;	     /* one line */
	bool live;		     /* true: a reload applies it without restart */
	/* A rule beyond type, range and choices, for STRING, LIST (each item) and INT (text is NULL then): false, with
	 * what is wrong in why. NULL: none. May look at the system (users, files), so what fits here may not fit there. */
	bool (*fits)(const char *text, int64_t number, char *why, size_t size);
};

/* The values of one group ("node" or one instance), checked and completed with defaults. */
struct ponto_conf;

/* Readers. The option must be in the schema with that type: anything else is a programming error (assert). */
bool ponto_conf_bool(const struct ponto_conf *conf, const char *name);
int64_t ponto_conf_int(const struct ponto_conf *conf, const char *name);
/* "" when empty; lives as long as conf */
const char *ponto_conf_string(const struct ponto_conf *conf, const char *name);
/* NULL-terminated, never NULL; lives as long as conf */
const char *const *ponto_conf_list(const struct ponto_conf *conf, const char *name);
/* True when the file gave it, false when it is a default. */
bool ponto_conf_given(const struct ponto_conf *conf, const char *name);

/* For tests and simulations: a group made of "name=value" texts over a schema (value as in
 * ponto_option.fallback); settings is NULL-terminated or NULL.
 * PONTO_ECONF with the first reason in error (error_size bytes, always terminated). gives */
PONTO_MUST_CHECK int ponto_conf_make(const struct ponto_alloc *alloc, const struct ponto_option *options,
				     size_t option_count, const char *const *settings, char *error,
				     size_t error_size, struct ponto_conf **out);
void ponto_conf_destroy(struct ponto_conf *conf);

/* ---- whole files: used by the daemon and the command line ----------------- */

struct ponto_registry;

/* One configured instance. */
struct ponto_conf_instance {
	uint32_t kind; /* enum ponto_kind */
	const char *name;
	const char *plugin;
	const struct ponto_conf *conf;
	const char *file;
	unsigned line; /* 0: from the default composition */
};

struct ponto_conf_file;

/* Called once per problem, all schema problems in one run: "FILE:LINE: text", or "FILE: text" when line is 0
 * (the file as a whole, or a group it left out). borrows all */
typedef void ponto_conf_report_fn(void *ctx, const char *file, unsigned line, const char *message);

/* Loads path (NULL: the built-in default composition), loading through registry the plugins it names.
 * Groups a file leaves out get the default composition, so an empty file is a working node.
 * Relative paths of options whose unit is "path" are resolved by their users against node.state.
 * PONTO_ECONF after at least one report. gives */
PONTO_MUST_CHECK int ponto_conf_load(const struct ponto_alloc *alloc, struct ponto_registry *registry,
				     const char *path, ponto_conf_report_fn *report, void *ctx,
				     struct ponto_conf_file **out);
void ponto_conf_file_destroy(struct ponto_conf_file *file);

/* The group "node" (schema: ponto_node_options). */
const struct ponto_conf *ponto_conf_node(const struct ponto_conf_file *file);
extern const struct ponto_option ponto_node_options[];
extern const size_t ponto_node_option_count;

/* Instances in creation order: whatever one refers to comes before it. */
size_t ponto_conf_instance_count(const struct ponto_conf_file *file);
const struct ponto_conf_instance *ponto_conf_instance_at(const struct ponto_conf_file *file, size_t index);

/* The effective configuration in the file's own syntax, defaults marked by a comment. gives text */
PONTO_MUST_CHECK int ponto_conf_show(const struct ponto_alloc *alloc, const struct ponto_conf_file *file, char **out);

/* The option reference of the node and every loaded plugin, Markdown. gives text */
PONTO_MUST_CHECK int ponto_conf_docs(const struct ponto_alloc *alloc, struct ponto_registry *registry, char **out);

#ifdef __cplusplus
}
#endif
#endif
