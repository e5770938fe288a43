/* ponto content: the verbs that need the daemon's service (cmd_dist.c); the table is in cmd_content.c. */
#ifndef PONTO_APPS_CMD_CONTENT_H
#define PONTO_APPS_CMD_CONTENT_H

#include "apps/ponto/cli.h"
#include "plugins/service-dist/dist.pb-c.h"

int content_publish(struct cli *cli, int argc, char **argv);
int content_unpublish(struct cli *cli, int argc, char **argv);
int content_fetch(struct cli *cli, int argc, char **argv); /* cmd_fetch.c */
int content_preload(struct cli *cli, const char *source);
int content_cache(struct cli *cli, int argc, char **argv);
int content_export(struct cli *cli, int argc, char **argv); /* cmd_export.c; argv[0] is "export" */
int content_import(struct cli *cli, int argc, char **argv); /* cmd_import.c */
int content_secret(struct cli *cli, int argc, char **argv);

/* A call of the distribution service, as cli_try_call; PONTO_EBUSY is tried again for half a minute. */
int content_try(struct cli *cli, const char *method, const ProtobufCMessage *request,
		const ProtobufCMessageDescriptor *descriptor, struct cli_refusal *refusal, ProtobufCMessage **reply);

/* Everything the cache holds, by ID, until fn returns something else than CLI_OK. */
typedef int content_segment_fn(void *arg, const Ponto__Dist__V1__Segment *segment);
int content_each_segment(struct cli *cli, content_segment_fn *fn, void *arg);

/* Fetches what is not held of a content, as preload does, and gives its Content Information, from malloc. */
int content_preload_described(struct cli *cli, const char *source, uint8_t **info, size_t *len);

#endif
