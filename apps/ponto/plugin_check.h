/* ponto plugin check: the contract suite of a plugin's kind, run on it in this process. */
#ifndef PONTO_APPS_PLUGIN_CHECK_H
#define PONTO_APPS_PLUGIN_CHECK_H

#include "apps/ponto/cli.h"
#include "framework/registry.h"

/* Prints one line per sentence of the contract; CLI_OK when all that were tried hold, CLI_NO else. what is the name or
 * file the plugin was loaded by. borrows */
int cli_plugin_check(struct cli *cli, struct ponto_registry *registry, const struct ponto_plugin *plugin,
		     const char *what);

#endif
