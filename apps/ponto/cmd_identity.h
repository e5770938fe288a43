/* ponto identity: the verbs that deal with certificate chains (cmd_chain.c); the table is in cmd_identity.c. */
#ifndef PONTO_APPS_CMD_IDENTITY_H
#define PONTO_APPS_CMD_IDENTITY_H

#include "apps/ponto/cli.h"

int identity_key(struct cli *cli, int argc, char **argv);
int identity_delegate(struct cli *cli, int argc, char **argv);
int identity_chains(struct cli *cli, int argc, char **argv);
int identity_chain_show(struct cli *cli, int argc, char **argv);
int identity_chain_export(struct cli *cli, int argc, char **argv);
int identity_chain_import(struct cli *cli, int argc, char **argv);
int identity_chain_delete(struct cli *cli, int argc, char **argv);

#endif
