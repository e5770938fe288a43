#include "plugins/transport-teredo/tt.h"

void tt_metrics_make(struct tt_hub *hub)
{
	struct ponto_metrics *metrics = hub->env->metrics;
	const char *instance = hub->env->instance;
	struct tt_metrics *m = &hub->metrics;

	if (!metrics)
		return;
	m->received = ponto_counter(metrics, "transport_datagrams_received_total", instance, "Datagrams received");
	m->sent = ponto_counter(metrics, "transport_datagrams_sent_total", instance, "Datagrams sent");
	m->solicitations =
		ponto_counter(metrics, "teredo_solicitations_total", instance, "Solicitations sent to Teredo servers");
	m->bubbles = ponto_counter(metrics, "teredo_bubbles_total", instance, "Bubbles sent, direct and indirect ones");
	m->echoes = ponto_counter(metrics, "teredo_echoes_total", instance, "Connectivity tests sent to native peers");
	m->refused = ponto_counter(metrics, "teredo_refused_total", instance,
				   "Datagrams not believed: malformed, for others, from strangers, or too many");
	m->dropped =
		ponto_counter(metrics, "teredo_dropped_total", instance, "Datagrams whose peers could not be reached");
	m->qualified = ponto_gauge(metrics, "teredo_qualified", instance, "1 while there is an address");
	m->peers = ponto_gauge(metrics, "teredo_peers", instance, "Peers that are remembered");
}

void tt_metrics_update(struct tt_hub *hub)
{
	const struct teredo_client_stats *now = teredo_client_stats(hub->client);
	struct teredo_client_status status;
	struct tt_metrics *m = &hub->metrics;
	const struct teredo_client_stats *last = &m->last;

	if (!hub->env->metrics)
		return;
	teredo_client_status(hub->client, &status);
	ponto_counter_add(m->received, now->delivered - last->delivered);
	ponto_counter_add(m->sent, now->sent - last->sent);
	ponto_counter_add(m->solicitations, now->solicitations - last->solicitations);
	ponto_counter_add(m->bubbles, now->direct + now->indirect - last->direct - last->indirect);
	ponto_counter_add(m->echoes, now->echoes - last->echoes);
	ponto_counter_add(m->refused, now->malformed + now->foreign + now->refused + now->limited - last->malformed -
					      last->foreign - last->refused - last->limited);
	ponto_counter_add(m->dropped, now->dropped - last->dropped);
	ponto_gauge_set(m->qualified, status.has_address);
	ponto_gauge_set(m->peers, status.peers);
	m->last = *now;
}

void tt_metrics_relay(struct tt_hub *hub)
{
	struct teredo_relay_status status = {0};
	struct teredo_relay_stats now = {0};
	struct tt_metrics *m = &hub->metrics;
	const struct teredo_relay_stats *last = &m->relay_last;

	if (!hub->env->metrics)
		return;
	ponto_gauge_set(m->qualified, hub->relay != NULL);
	if (!hub->relay)
		return;
	teredo_relay_status(hub->relay, &status);
	teredo_relay_stats(hub->relay, &now);
	ponto_counter_add(m->received, now.from_clients - last->from_clients);
	ponto_counter_add(m->sent, now.to_clients - last->to_clients);
	ponto_counter_add(m->bubbles, now.bubbles - last->bubbles);
	for (unsigned i = 0; i < TEREDO_RELAY_DROPS; i++)
		ponto_counter_add(i == TEREDO_RELAY_SILENT ? m->dropped : m->refused, now.dropped[i] - last->dropped[i]);
	ponto_gauge_set(m->peers, status.peers);
	m->relay_last = now;
}
