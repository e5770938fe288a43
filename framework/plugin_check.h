/* Ponto, internal to the framework: what the loader and the configuration share
 * about names and schemas. */
#ifndef PONTO_PLUGIN_CHECK_H
#define PONTO_PLUGIN_CHECK_H

#include "framework/plugin.h"
#include "framework/registry.h"

/* The longest name of a plugin, NUL not included. */
#define PONTO_PLUGIN_NAME_MAX 63

/* "store-mem": a kind, a dash, lower-case letters, digits and dashes. The kind, or 0. */
enum ponto_kind ponto_plugin_name_kind(const char *name);

/* Checks a schema: names, types, defaults, limits. PONTO_EINVAL with the first fault in reason. */
PONTO_MUST_CHECK int ponto_schema_check(const struct ponto_option *options, size_t count,
					char reason[PONTO_REASON_SIZE]);

#endif
