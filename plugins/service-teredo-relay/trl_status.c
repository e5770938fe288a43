/* What the relay has done: metrics, and the call Status. */
#include <stdio.h>
#include <string.h>

#include "framework/answer.h"
#include "plugins/service-teredo-relay/teredo_relay.pb-c.h"
#include "plugins/service-teredo-relay/trl.h"

#define LOCAL_SHOWN 8

void trl_metrics_make(struct trl *t)
{
	struct trl_metrics *m = &t->metrics;
	struct ponto_metrics *metrics = t->env->metrics;
	const char *instance = t->env->instance;

	if (!metrics)
		return;
	m->to_clients = ponto_counter(metrics, "teredo_relay_to_clients_total", instance, "Packets sent to Teredo clients");
	m->from_clients = ponto_counter(metrics, "teredo_relay_from_clients_total", instance, "Packets of Teredo clients for the IPv6 side");
	m->bubbles = ponto_counter(metrics, "teredo_relay_bubbles_total", instance, "Bubbles sent");
	m->answers = ponto_counter(metrics, "teredo_relay_answers_total", instance, "Clients that answered");
	m->peers = ponto_gauge(metrics, "teredo_relay_peers", instance, "Peers known");
	m->trusted = ponto_gauge(metrics, "teredo_relay_trusted", instance, "of these, trusted");
	m->queued = ponto_gauge(metrics, "teredo_relay_queued_bytes", instance, "Bytes that wait for peers");
	for (unsigned i = 0; i < TEREDO_RELAY_DROPS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "teredo_relay_dropped_%s_total",
			 teredo_relay_drop_name((enum teredo_relay_drop)i));
		m->dropped[i] = ponto_counter(metrics, name, instance, "Packets dropped for this reason");
	}
}

void trl_metrics_update(struct trl *t)
{
	struct trl_metrics *m = &t->metrics;
	struct teredo_relay_status status;
	struct teredo_relay_stats now;

	teredo_relay_stats(t->engine, &now);
	ponto_counter_add(m->to_clients, now.to_clients - t->seen.to_clients);
	ponto_counter_add(m->from_clients, now.from_clients - t->seen.from_clients);
	ponto_counter_add(m->bubbles, now.bubbles - t->seen.bubbles);
	ponto_counter_add(m->answers, now.answers - t->seen.answers);
	for (unsigned i = 0; i < TEREDO_RELAY_DROPS; i++)
		ponto_counter_add(m->dropped[i], now.dropped[i] - t->seen.dropped[i]);
	t->seen = now;
	teredo_relay_status(t->engine, &status);
	ponto_gauge_set(m->peers, status.peers);
	ponto_gauge_set(m->trusted, status.trusted);
	ponto_gauge_set(m->queued, status.queued);
}

static char *address_text(struct ponto_arena *arena, const struct ponto_addr *addr)
{
	char text[PONTO_ADDR_TEXT];

	return ponto_arena_text(arena, ponto_addr_format(addr, text));
}

static void fill_local(const struct trl *t, struct ponto_arena *arena, Ponto__Teredo__Relay__V1__StatusReply *reply)
{
	struct ponto_addr addrs[LOCAL_SHOWN];
	size_t count = 0;

	if (!t->net.handle || ponto_datagrams_local(t->net, addrs, LOCAL_SHOWN, &count) != PONTO_OK)
		return;
	count = count < LOCAL_SHOWN ? count : LOCAL_SHOWN;
	reply->local = ponto_arena_take(arena, LOCAL_SHOWN, sizeof(*reply->local));
	for (size_t i = 0; i < count && !arena->failed; i++)
		reply->local[reply->n_local++] = address_text(arena, &addrs[i]);
}

static void fill_dropped(const struct trl *t, struct ponto_arena *arena, Ponto__Teredo__Relay__V1__StatusReply *reply)
{
	Ponto__Teredo__Relay__V1__Drop *each = ponto_arena_take(arena, TEREDO_RELAY_DROPS, sizeof(*each));

	reply->dropped = ponto_arena_take(arena, TEREDO_RELAY_DROPS, sizeof(*reply->dropped));
	if (arena->failed)
		return;
	for (unsigned i = 0; i < TEREDO_RELAY_DROPS; i++) {
		ponto__teredo__relay__v1__drop__init(&each[i]);
		each[i].reason = (char *)(uintptr_t)teredo_relay_drop_name((enum teredo_relay_drop)i);
		each[i].count = t->seen.dropped[i];
		reply->dropped[i] = &each[i];
	}
	reply->n_dropped = TEREDO_RELAY_DROPS;
}

static void status(struct trl *t, struct ponto_call *call)
{
	Ponto__Teredo__Relay__V1__StatusReply reply = PONTO__TEREDO__RELAY__V1__STATUS_REPLY__INIT;
	struct ponto_arena arena = {.alloc = t->env->alloc};
	struct teredo_relay_status s;
	struct ponto_addr source;

	trl_metrics_update(t);
	teredo_relay_status(t->engine, &s);
	teredo_ip6_to(&t->source, 0, &source);
	reply.source = address_text(&arena, &source);
	reply.interface = (char *)(uintptr_t)ponto_conf_string(t->env->conf, "tun");
	reply.peers = s.peers;
	reply.trusted = s.trusted;
	reply.queued = s.queued;
	reply.to_clients = t->seen.to_clients;
	reply.from_clients = t->seen.from_clients;
	reply.bubbles = t->seen.bubbles;
	reply.answers = t->seen.answers;
	fill_local(t, &arena, &reply);
	fill_dropped(t, &arena, &reply);
	ponto_answer_made(&arena, call, &reply.base);
}

void trl_take_call(struct trl *t, struct ponto_call *call)
{
	ProtobufCMessage *request = NULL;
	int result;

	if (strcmp(call->method, "Status") != 0) {
		ponto_refuse(call, PONTO_ENOENT, "%s has no method '%s'", t->env->instance, call->method);
		return;
	}
	result = ponto_unpack(t->env->alloc, &ponto__teredo__relay__v1__status_request__descriptor, call->payload, &request);
	if (result)
		ponto_refuse(call, result, result == PONTO_EPROTO ? "the request cannot be read" : NULL);
	else
		status(t, call);
	ponto_unpacked_free(t->env->alloc, request);
}
