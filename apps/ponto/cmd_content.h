/* ponto content: the verbs that need the daemon's service (cmd_dist.c); the table is in cmd_content.c. */
#ifndef PONTO_APPS_CMD_CONTENT_H
#define PONTO_APPS_CMD_CONTENT_H

#include "apps/ponto/cli.h"

int content_publish(struct cli *cli, int argc, char **argv);
int content_unpublish(struct cli *cli, int argc, char **argv);
int content_fetch(struct cli *cli, int argc, char **argv); /* cmd_fetch.c */
int content_preload(struct cli *cli, const char *source);
int content_cache(struct cli *cli, int argc, char **argv);
int content_secret(struct cli *cli, int argc, char **argv);

#endif
