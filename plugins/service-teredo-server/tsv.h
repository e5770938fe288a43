/* service-teredo-server: what its files share. Everything happens on the component's thread. */
#ifndef SERVICE_TEREDO_SERVER_TSV_H
#define SERVICE_TEREDO_SERVER_TSV_H

#include "engines/teredo/teredo_server.h"
#include "framework/service.h"
#include "framework/transport.h"
#include "plugins/service-teredo-relay/teredo_tun.h"

/* The clients that are known, of a file. */
struct tsv_keys {
	uint8_t *text; /* the file's bytes; identifiers and secrets are views into it */
	size_t text_len;
	struct teredo_key *keys;
	size_t count;
};

struct tsv_metrics {
	struct ponto_counter *received, *advertised, *relayed, *native;
	struct ponto_counter *refused[TEREDO_REFUSALS];
	struct ponto_gauge *serving;
};

struct tsv {
	const struct ponto_env *env;
	const struct ponto_conf *conf;
	struct ponto_transport transport;
	struct ponto_datagrams net;
	struct ponto_timer *timer; /* looks for an address again */
	struct teredo_tun *tun;
	struct tsv_keys keys;
	struct teredo_server *engine; /* NULL: no address to serve from */
	uint32_t primary, secondary;
	bool told; /* that there is no address */
	struct teredo_server_stats seen, total; /* of this engine, of all */
	struct tsv_metrics metrics;
	uint8_t bytes[PONTO_BATCH * TEREDO_SERVER_OUTPUT_MAX]; /* one after the other, so that few are touched */
};

/* tsv_keys.c: PONTO_ECONF, PONTO_EACCES, PONTO_EIO, PONTO_ENOMEM; the reason is in the log. "": none. gives */
PONTO_MUST_CHECK int tsv_keys_read(const struct ponto_env *env, const char *path, struct tsv_keys *out);
void tsv_keys_free(const struct ponto_env *env, struct tsv_keys *keys);

/* tsv_status.c */
void tsv_metrics_make(struct tsv *s);
void tsv_metrics_update(struct tsv *s);
void tsv_take_call(struct tsv *s, struct ponto_call *call);

#endif
