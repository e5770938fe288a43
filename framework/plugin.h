/* Ponto: what a plugin is. One shared object (or one entry of the static
 * table) with one exported symbol, the descriptor. design: docs/architecture.md */
#ifndef PONTO_PLUGIN_H
#define PONTO_PLUGIN_H

#include "framework/base.h"
#include "framework/conf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when the descriptor, the environment or a rule of loading changes. */
#define PONTO_PLUGIN_ABI 2

/* Kinds match the vtable headers and the top-level groups of the configuration. */
enum ponto_kind {
	PONTO_KIND_TRANSPORT = 1, /* transport.h, "transports" */
	PONTO_KIND_STORE = 2,	  /* store.h, "stores" */
	PONTO_KIND_SECURITY = 3,  /* security.h, "security" */
	PONTO_KIND_DISCOVERY = 4, /* discovery.h, "discovery" */
	PONTO_KIND_SERVICE = 5,	  /* service.h, "services" */
	PONTO_KIND_HTTP = 6,	  /* http.h, "http" */
	PONTO_KIND_MAPPING = 7,	  /* mapping.h, "mappings" */
	PONTO_KIND_LIMIT
};

/* "transport", "store", …; NULL for a number that is no kind. */
const char *ponto_kind_name(enum ponto_kind kind);

/* The name of the configuration group: "transports", "stores", "security", "discovery", "services", "http",
 * "mappings". */
const char *ponto_kind_group(enum ponto_kind kind);

/* The reverse of ponto_kind_name; 0 when unknown. */
enum ponto_kind ponto_kind_parse(const char *name);

/* Everything is static and lives as long as the process: plugins stay resident. */
struct ponto_plugin {
	uint32_t abi;			     /* PONTO_PLUGIN_ABI */
	uint32_t kind;			     /* enum ponto_kind */
	const char *name;		     /* "store-mem": kind, dash, rest; also the file's name */
	const char *version;		     /* of the plugin, free text */
	const char *summary;		     /* one line, no full stop */
	const char *const *needs;	     /* features or plugin names that must be loaded, NULL-terminated; or NULL */
	const char *const *offers;	     /* features besides its own name, NULL-terminated; or NULL */
	const struct ponto_option *options;  /* the schema of its configuration group */
	size_t option_count;
	const struct ponto_vtable *vtable;   /* the kind's ops; its abi is the kind's own number */
};

/* Exports the descriptor. module is the plugin's name with underscores:
 *   PONTO_PLUGIN(store_mem) = { .abi = PONTO_PLUGIN_ABI, … };
 * libltdl maps <module>_LTX_ponto_plugin to "ponto_plugin" for both shared and static builds. */
#define PONTO_PLUGIN(module)                                               \
	extern const struct ponto_plugin module##_LTX_ponto_plugin;        \
	__attribute__((visibility("default"))) const struct ponto_plugin module##_LTX_ponto_plugin

#ifdef __cplusplus
}
#endif
#endif
