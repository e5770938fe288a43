/* ponto plugin check: the contract suite of a plugin's kind, run on it in this process. */
#ifndef PONTO_APPS_PLUGIN_CHECK_H
#define PONTO_APPS_PLUGIN_CHECK_H

#include "apps/ponto/cli.h"
#include "framework/registry.h"

/* Prints one line per sentence of the contract that was tried; CLI_OK when all hold, CLI_NO else. borrows */
int cli_plugin_check(struct cli *cli, struct ponto_registry *registry, const struct ponto_plugin *plugin);

#endif
