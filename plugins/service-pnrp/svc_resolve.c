/* Resolves that clients asked for. */
#include <stdlib.h>
#include <string.h>

#include "engines/pnrp/pnrp_host.h"
#include "plugins/service-pnrp/svc.h"

#define TIMEOUT_MIN_MS 100u
#define TIMEOUT_MAX_MS 600000u

struct svc_query {
	struct svc_query *next;
	uint64_t token;
	uint64_t handle; /* the engine's */
	struct ponto_call *call;
	Ponto__Pnrp__V1__ResolveRequest *request;
	uint64_t deadline;
	struct ponto_arena arena; /* of what follows */
	Ponto__Pnrp__V1__Match *matches[SVC_MATCHES_MAX];
	size_t match_count;
	struct ring_id barred[SVC_MATCHES_MAX]; /* what the client does not want, then what it has got */
	size_t barred_count;
	Ponto__Pnrp__V1__Hop *hops[SVC_HOPS_MAX];
	size_t hop_count;
	uint32_t walks;
};

static struct svc_query *find_query(struct svc *svc, uint64_t token)
{
	for (struct svc_query *query = svc->queries; query; query = query->next) {
		if (query->token == token)
			return query;
	}
	return NULL;
}

static void drop_query(struct svc *svc, struct svc_query *query)
{
	struct svc_query **at = &svc->queries;

	while (*at != query)
		at = &(*at)->next;
	*at = query->next;
	svc->query_count--;
	ponto__pnrp__v1__resolve_request__free_unpacked(query->request, NULL);
	ponto_arena_clear(&query->arena);
	ponto_free(svc->env->alloc, query);
}

/* Whether more is asked for, and can be told apart from what there is. */
static bool wants_more(const struct svc_query *query)
{
	return query->match_count < query->request->max && query->barred_count < SVC_MATCHES_MAX;
}

/* ---- asking the engine ------------------------------------------------------- */

static int ask(struct svc *svc, struct svc_query *query)
{
	const Ponto__Pnrp__V1__ResolveRequest *request = query->request;
	uint64_t now = svc_now(svc);
	struct pnrp_query q = {
		.name = request->name,
		.token = query->token,
		.criteria = request->nearest ? PNRP_CRITERIA_NEAREST : PNRP_CRITERIA_ANY,
		.include_local = request->include_local,
		.trace = request->trace,
		.timeout = query->deadline > now ? query->deadline - now : 1,
		.max_restarts = PNRP_RESTARTS_MAX,
		.exclude = query->barred,
		.exclude_count = query->barred_count,
	};
	struct pnrp_status status;

	if (request->has_prefix) {
		for (size_t i = 0; i < 8; i++)
			q.prefix = q.prefix << 8 | request->prefix.data[i];
	} else {
		/* Nearest to here, by default: the first half of an own address. */
		pnrp_engine_status(svc->engine, &status);
		for (size_t i = 0; status.local_count > 0 && i < 8; i++)
			q.prefix = q.prefix << 8 | status.local[0].ip[i];
	}
	return pnrp_engine_resolve(svc->engine, now, &q, &query->handle);
}

static size_t queries_of(const struct svc *svc, uint32_t uid)
{
	size_t count = 0;

	for (const struct svc_query *query = svc->queries; query; query = query->next)
		count += query->call->uid == uid;
	return count;
}

static const char *request_fault(const Ponto__Pnrp__V1__ResolveRequest *request)
{
	if (request->has_prefix && request->prefix.len != 8)
		return "a prefix has 8 bytes";
	if (request->n_exclude >= SVC_MATCHES_MAX)
		return "at most 31 IDs can be excluded";
	for (size_t i = 0; i < request->n_exclude; i++) {
		if (request->exclude[i].len != RING_ID_SIZE)
			return "an excluded ID has 32 bytes";
	}
	return NULL;
}

/* One place is left for what is found. */
static void bar(struct svc *svc, struct svc_query *query)
{
	const Ponto__Pnrp__V1__ResolveRequest *request = query->request;

	for (size_t i = 0; i < request->n_exclude; i++)
		memcpy(query->barred[query->barred_count++].b, request->exclude[i].data, RING_ID_SIZE);
	if (request->other_process)
		query->barred_count +=
			svc_name_ids_of(svc, request->name, query->call->pid, query->barred + query->barred_count,
					SVC_MATCHES_MAX - 1 - query->barred_count);
}

/* The peer name that a host name stands for takes its place in the request. */
static int name_of_host(Ponto__Pnrp__V1__ResolveRequest *request)
{
	char text[PNRP_NAME_TEXT], *copy;
	struct pnrp_name name;

	if (!request->host)
		return PONTO_OK;
	if (pnrp_host_parse(request->host, &name) != PONTO_OK || pnrp_name_format(&name, text) != PONTO_OK)
		return PONTO_EINVAL;
	copy = strdup(text); /* protobuf-c frees it */
	if (!copy)
		return PONTO_ENOMEM;
	free(request->name);
	request->name = copy;
	return PONTO_OK;
}

void svc_resolve(struct svc *svc, struct ponto_call *call, ProtobufCMessage *message)
{
	Ponto__Pnrp__V1__ResolveRequest *request = (Ponto__Pnrp__V1__ResolveRequest *)message;
	struct svc_query *query;
	uint32_t timeout;
	int result;

	if (request_fault(request)) {
		ponto_refuse(call, PONTO_EINVAL, "%s", request_fault(request));
		goto refused;
	}
	result = name_of_host(request);
	if (result != PONTO_OK) {
		ponto_refuse(call, result, "%s: %s", request->host,
			   result == PONTO_EINVAL ? "no host name of a peer" : ponto_strerror(result));
		goto refused;
	}
	if (!ponto_share(queries_of(svc, call->uid), svc->query_count, SVC_QUERIES_MAX)) {
		ponto_refuse(call, PONTO_EBUSY, "%s: too many names are being resolved by you", request->name);
		goto refused;
	}
	query = ponto_new(svc->env->alloc, 1, sizeof(*query));
	if (!query) {
		ponto_refuse(call, PONTO_ENOMEM, "%s", ponto_strerror(PONTO_ENOMEM));
		goto refused;
	}
	timeout = request->timeout_ms < TIMEOUT_MIN_MS	 ? TIMEOUT_MIN_MS
		  : request->timeout_ms > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS
							 : request->timeout_ms;
	query->request = request;
	query->call = call;
	query->arena.alloc = svc->env->alloc;
	query->token = svc->next_token++;
	query->deadline = svc_now(svc) + timeout * PONTO_MS;
	if (call->deadline < query->deadline)
		query->deadline = call->deadline; /* nobody waits any longer */
	bar(svc, query);
	query->next = svc->queries;
	svc->queries = query;
	svc->query_count++;
	result = ask(svc, query);
	if (result != PONTO_OK) {
		ponto_refuse(call, result, "%s: %s", request->name,
			   result == PONTO_EINVAL     ? svc_name_fault(request->name)
			   : result == PONTO_EUNREACH ? "the node has no address"
						      : ponto_strerror(result));
		drop_query(svc, query);
	}
	svc_pump(svc);
	return;
refused:
	ponto__pnrp__v1__resolve_request__free_unpacked(request, NULL);
}

/* ---- its answers ----------------------------------------------------------------- */

/* Where a secured name was signed with another key than the authority's, that key's own authority. */
static char *signer_of(struct svc *svc, struct ponto_arena *arena, const struct pnrp_match *in)
{
	struct ponto_bytes key = ponto_bytes(in->public_key, in->public_key_len);
	uint8_t authority[PONTO_AUTHORITY_SIZE];
	char text[PONTO_IDENTITY_ID];

	if (!in->delegated || ponto_authority(svc->security, svc->profile, key, authority) != PONTO_OK)
		return NULL;
	ponto_hex(ponto_bytes(authority, sizeof(authority)), text);
	return ponto_arena_text(arena, text);
}

static Ponto__Pnrp__V1__Match *copy_match(struct svc *svc, struct svc_query *query, const struct pnrp_match *in)
{
	struct ponto_arena *arena = &query->arena;
	Ponto__Pnrp__V1__Match *out = ponto_arena_take(arena, 1, sizeof(*out));
	char text[PONTO_ADDR_TEXT];
	char id[2 * RING_ID_SIZE + 1];

	if (!out)
		return NULL;
	ponto__pnrp__v1__match__init(out);
	ponto_hex(ponto_bytes(in->id.b, RING_ID_SIZE), id);
	out->name = ponto_arena_text(arena, *in->name ? in->name : query->request->name);
	out->cloud = svc->cloud;
	out->id = ponto_arena_text(arena, id);
	out->comment = ponto_arena_text(arena, in->friendly_name);
	out->secured = in->secured;
	out->local = in->local;
	out->signer = signer_of(svc, arena, in);
	if (in->payload_type != PNRP_PAYLOAD_NONE) {
		out->has_payload = true;
		out->has_payload_text = out->payload_text = in->payload_type == PNRP_PAYLOAD_STRING;
		out->payload.len = in->payload.len;
		out->payload.data = ponto_arena_take(arena, 1, in->payload.len);
		if (out->payload.data && in->payload.len)
			memcpy(out->payload.data, in->payload.data, in->payload.len);
	}
	out->nodes = ponto_arena_take(arena, in->publisher_count, sizeof(*out->nodes));
	for (size_t i = 0; i < in->publisher_count && !arena->failed; i++)
		out->nodes[out->n_nodes++] = ponto_arena_text(arena, ponto_addr_format(&in->publisher[i], text));
	out->endpoint = ponto_arena_take(arena, in->endpoint_count, sizeof(*out->endpoint));
	for (size_t i = 0; i < in->endpoint_count && !arena->failed; i++) {
		Ponto__Pnrp__V1__Endpoint *endpoint = ponto_arena_take(arena, 1, sizeof(*endpoint));
		struct ponto_addr addr = {.family = PONTO_FAMILY_IPV6};

		if (!endpoint)
			break;
		ponto__pnrp__v1__endpoint__init(endpoint);
		memcpy(addr.ip, in->endpoints[i].ip, sizeof(addr.ip));
		if (ponto_addr_scope(&addr) == PONTO_SCOPE_LINK)
			addr.zone = svc->zone;
		endpoint->address = ponto_arena_text(arena, ponto_addr_format(&addr, text));
		endpoint->port = in->endpoints[i].port;
		endpoint->protocol = in->endpoints[i].protocol;
		out->endpoint[out->n_endpoint++] = endpoint;
	}
	return arena->failed ? NULL : out;
}

/* result and error: of a walk that found nothing but has hops to show. */
static void answer(struct svc *svc, struct svc_query *query, int result, const char *error)
{
	Ponto__Pnrp__V1__ResolveReply reply = PONTO__PNRP__V1__RESOLVE_REPLY__INIT;

	reply.match = query->matches;
	reply.n_match = query->match_count;
	reply.hop = query->hops;
	reply.n_hop = query->hop_count;
	reply.walks = query->walks;
	reply.has_result = result != PONTO_OK;
	reply.result = result;
	reply.error = (char *)(uintptr_t)error;
	if (query->arena.failed)
		ponto_refuse(query->call, PONTO_ENOMEM, "%s", ponto_strerror(PONTO_ENOMEM));
	else
		ponto_answer(svc->env->alloc, query->call, &reply.base);
	drop_query(svc, query);
}

void svc_resolve_found(struct svc *svc, const struct pnrp_effect *effect)
{
	struct svc_query *query = find_query(svc, effect->token);
	Ponto__Pnrp__V1__Match *match;

	if (!query)
		return;
	query->walks += effect->resolved.walks;
	match = copy_match(svc, query, effect->resolved.match);
	if (match) {
		query->barred[query->barred_count++] = effect->resolved.match->id;
		query->matches[query->match_count++] = match;
		if (wants_more(query) && ask(svc, query) == PONTO_OK)
			return;
	}
	answer(svc, query, PONTO_OK, NULL);
}

static const char *failure(int result)
{
	switch (result) {
	case PONTO_ENOENT:
		return "not found";
	case PONTO_ETIME:
		return "not found in time";
	case PONTO_EAUTH:
		return "refused: only answers that do not prove the name";
	case PONTO_EUNREACH:
		return "the node has no address";
	case PONTO_ECLOSED:
		return "the cloud is closing";
	default:
		return ponto_strerror(result);
	}
}

/* With matches, or a trace to show, that is an answer; else it is a refusal with its reason. */
void svc_resolve_failed(struct svc *svc, const struct pnrp_effect *effect)
{
	struct svc_query *query = find_query(svc, effect->token);
	int result = effect->unresolved.result;

	if (!query)
		return;
	query->walks += effect->unresolved.walks;
	if (query->match_count > 0) {
		answer(svc, query, PONTO_OK, NULL);
		return;
	}
	if (query->request->trace && query->hop_count > 0) {
		answer(svc, query, result, failure(result));
		return;
	}
	ponto_refuse(query->call, result, "%s: %s", query->request->name, failure(result));
	drop_query(svc, query);
}

void svc_resolve_trace(struct svc *svc, const struct pnrp_effect *effect)
{
	static const char *const outcomes[] = {
		[PNRP_TRACE_ANSWER] = "no closer", [PNRP_TRACE_GONE] = "not there",  [PNRP_TRACE_TIMEOUT] = "timeout",
		[PNRP_TRACE_CONFIRMED] = "match",  [PNRP_TRACE_REFUSED] = "refused", [PNRP_TRACE_SILENT] = "timeout",
		[PNRP_TRACE_RESTART] = "new walk",
	};
	const struct pnrp_trace *trace = &effect->trace;
	struct svc_query *query = find_query(svc, effect->token);
	char text[PONTO_ADDR_TEXT];
	Ponto__Pnrp__V1__Hop *hop;
	const char *outcome;

	if (!query || query->hop_count == SVC_HOPS_MAX)
		return;
	hop = ponto_arena_take(&query->arena, 1, sizeof(*hop));
	if (!hop)
		return;
	if (trace->kind == PNRP_TRACE_ANSWER && trace->bits_after > trace->bits_before)
		outcome = "closer";
	else
		outcome = trace->suspicious ? "suspicious" : outcomes[trace->kind];
	ponto__pnrp__v1__hop__init(hop);
	hop->address = ponto_arena_text(&query->arena,
				      trace->kind == PNRP_TRACE_RESTART ? "" : ponto_addr_format(&trace->addr, text));
	hop->rtt_us = trace->rtt;
	hop->bits = trace->bits_after;
	hop->outcome = (char *)(uintptr_t)outcome;
	hop->kind = (char *)(uintptr_t)(trace->kind == PNRP_TRACE_CONFIRMED || trace->kind == PNRP_TRACE_REFUSED ||
							trace->kind == PNRP_TRACE_SILENT
						? "inquire"
						: "lookup");
	if (!query->arena.failed)
		query->hops[query->hop_count++] = hop;
}

/* ---- ends --------------------------------------------------------------------------- */

static void end(struct svc *svc, struct svc_query *query, const char *why)
{
	if (svc->engine)
		pnrp_engine_cancel(svc->engine, svc_now(svc), query->handle);
	ponto_refuse(query->call, PONTO_ECLOSED, "%s: %s", query->request->name, why);
	drop_query(svc, query);
}

void svc_resolve_client_gone(struct svc *svc, uint64_t client)
{
	struct svc_query *next;

	for (struct svc_query *query = svc->queries; query; query = next) {
		next = query->next;
		if (query->call->client == client)
			end(svc, query, "the client has gone");
	}
}

void svc_resolve_drop(struct svc *svc)
{
	while (svc->queries)
		end(svc, svc->queries, "the node is stopping");
}
