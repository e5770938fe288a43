/* What the server has done: metrics, and the call Status. */
#include <stdio.h>
#include <string.h>

#include "framework/answer.h"
#include "plugins/service-teredo-server/teredo_server.pb-c.h"
#include "plugins/service-teredo-server/tsv.h"

void tsv_metrics_make(struct tsv *s)
{
	struct tsv_metrics *m = &s->metrics;
	struct ponto_metrics *metrics = s->env->metrics;
	const char *instance = s->env->instance;

	if (!metrics)
		return;
	m->received = ponto_counter(metrics, "teredo_server_received_total", instance, "Datagrams received");
	m->advertised = ponto_counter(metrics, "teredo_server_advertised_total", instance, "Solicitations answered");
	m->relayed = ponto_counter(metrics, "teredo_server_relayed_total", instance, "Bubbles and echoes passed on to clients");
	m->native = ponto_counter(metrics, "teredo_server_native_total", instance, "Packets passed on to native hosts");
	m->serving = ponto_gauge(metrics, "teredo_server_serving", instance, "1 while there is an address to serve from");
	for (unsigned i = 0; i < TEREDO_REFUSALS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "teredo_server_refused_%s_total",
			 teredo_server_refusal_name((enum teredo_server_refusal)i));
		m->refused[i] = ponto_counter(metrics, name, instance, "Datagrams refused for this reason");
	}
}

static void add(struct ponto_counter *counter, uint64_t now, uint64_t *seen, uint64_t *total)
{
	if (now == *seen)
		return;
	ponto_counter_add(counter, now - *seen);
	*total += now - *seen;
	*seen = now;
}

void tsv_metrics_update(struct tsv *s)
{
	struct tsv_metrics *m = &s->metrics;
	struct teredo_server_stats now;

	ponto_gauge_set(m->serving, s->engine != NULL);
	if (!s->engine)
		return;
	teredo_server_stats(s->engine, &now);
	add(m->received, now.received, &s->seen.received, &s->total.received);
	add(m->advertised, now.advertised, &s->seen.advertised, &s->total.advertised);
	add(m->relayed, now.relayed, &s->seen.relayed, &s->total.relayed);
	add(m->native, now.native, &s->seen.native, &s->total.native);
	for (unsigned i = 0; i < TEREDO_REFUSALS; i++)
		add(m->refused[i], now.refused[i], &s->seen.refused[i], &s->total.refused[i]);
}

static char *address_text(struct ponto_arena *arena, uint32_t ip)
{
	struct teredo_endpoint e = {ip, 0};
	char text[PONTO_ADDR_TEXT];
	struct ponto_addr addr;

	if (!ip)
		return NULL;
	teredo_endpoint_to(&e, &addr);
	return ponto_arena_text(arena, ponto_addr_format(&addr, text));
}

static void fill_refused(const struct tsv *s, struct ponto_arena *arena, Ponto__Teredo__Server__V1__StatusReply *reply)
{
	Ponto__Teredo__Server__V1__Refusal *each = ponto_arena_take(arena, TEREDO_REFUSALS, sizeof(*each));

	reply->refused = ponto_arena_take(arena, TEREDO_REFUSALS, sizeof(*reply->refused));
	if (arena->failed)
		return;
	for (unsigned i = 0; i < TEREDO_REFUSALS; i++) {
		ponto__teredo__server__v1__refusal__init(&each[i]);
		each[i].reason = (char *)(uintptr_t)teredo_server_refusal_name((enum teredo_server_refusal)i);
		each[i].count = s->total.refused[i];
		reply->refused[i] = &each[i];
	}
	reply->n_refused = TEREDO_REFUSALS;
}

static void status(struct tsv *s, struct ponto_call *call)
{
	Ponto__Teredo__Server__V1__StatusReply reply = PONTO__TEREDO__SERVER__V1__STATUS_REPLY__INIT;
	struct ponto_arena arena = {.alloc = s->env->alloc};

	reply.serving = s->engine != NULL;
	reply.primary = address_text(&arena, s->primary);
	reply.secondary = address_text(&arena, s->secondary);
	reply.secure = ponto_conf_bool(s->conf, "secure");
	reply.keys = (uint32_t)s->keys.count;
	reply.native = s->tun != NULL;
	reply.received = s->total.received;
	reply.advertised = s->total.advertised;
	reply.relayed = s->total.relayed;
	reply.forwarded = s->total.native;
	fill_refused(s, &arena, &reply);
	ponto_answer_made(&arena, call, &reply.base);
}

void tsv_take_call(struct tsv *s, struct ponto_call *call)
{
	ProtobufCMessage *request = NULL;
	int result;

	if (strcmp(call->method, "Status") != 0) {
		ponto_refuse(call, PONTO_ENOENT, "%s has no method '%s'", s->env->instance, call->method);
		return;
	}
	result = ponto_unpack(s->env->alloc, &ponto__teredo__server__v1__status_request__descriptor, call->payload,
			      &request);
	if (result)
		ponto_refuse(call, result, result == PONTO_EPROTO ? "the request cannot be read" : NULL);
	else
		status(s, call);
	ponto_unpacked_free(s->env->alloc, request);
}
