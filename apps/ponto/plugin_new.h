/* ponto plugin new: the source of a new plugin that builds with one gcc line,
 * loads and keeps its contract: the example of its kind under another name. */
#ifndef PONTO_APPS_PLUGIN_NEW_H
#define PONTO_APPS_PLUGIN_NEW_H

#include "framework/base.h"

/* The example of one kind, from docs/examples. */
struct ponto_plugin_template {
	const char *kind;   /* "store" */
	const char *name;   /* "store-file" */
	const char *module; /* "store_file" */
	const char *libs;   /* "-lcrypto", or "" */
	const char *source;
};

/* Written from docs/examples by apps/ponto/write-templates; ends with a NULL kind. */
extern const struct ponto_plugin_template ponto_plugin_templates[];

/* Makes DIR/KIND-NAME with MODULE.c, Makefile and README.md; name may begin with the kind already. dir must
 * exist. PONTO_EINVAL (kind or name), PONTO_EEXIST (the folder), PONTO_EIO, with one line in error. */
PONTO_MUST_CHECK int ponto_plugin_new(const char *kind, const char *name, const char *dir, char *error, size_t size);

#endif
