/* service-teredo-relay: what its files share. Everything happens on the component's thread. */
#ifndef SERVICE_TEREDO_RELAY_TRL_H
#define SERVICE_TEREDO_RELAY_TRL_H

#include "engines/teredo/teredo_relay.h"
#include "framework/service.h"
#include "framework/transport.h"
#include "plugins/service-teredo-relay/teredo_tun.h"

struct trl_metrics {
	struct ponto_counter *to_clients, *from_clients, *bubbles, *answers;
	struct ponto_counter *dropped[TEREDO_RELAY_DROPS];
	struct ponto_gauge *peers, *trusted, *queued;
};

struct trl {
	const struct ponto_env *env;
	struct ponto_transport transport;
	struct ponto_datagrams net;
	struct ponto_timer *timer; /* the engine's deadline, or to look for an address again */
	struct teredo_tun *tun;
	struct teredo_relay *engine;
	struct teredo_ip6 source;
	bool told; /* that there is no address */
	struct teredo_relay_stats seen;
	struct trl_metrics metrics;
};

/* trl_options.c: the addresses that are served, and the one that bubbles come from. PONTO_ECONF, with the reason in
 * the log. out: TEREDO_RELAY_SERVED_MAX */
PONTO_MUST_CHECK int trl_served(const struct ponto_env *env, struct teredo_prefix *out, size_t *count);
PONTO_MUST_CHECK int trl_source(const struct ponto_env *env, struct teredo_ip6 *out);
bool trl_prefix_fits(const char *text, int64_t number, char *why, size_t size);
bool trl_address_fits(const char *text, int64_t number, char *why, size_t size);

/* trl_status.c */
void trl_metrics_make(struct trl *t);
void trl_metrics_update(struct trl *t);
void trl_take_call(struct trl *t, struct ponto_call *call);

#endif
