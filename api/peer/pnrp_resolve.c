/* The pnrp family: resolves. */
#include <stdlib.h>
#include <string.h>

#include "api/peer/ask.h"
#include "api/peer/block.h"
#include "api/peer/clouds.h"
#include "api/peer/endpoint.h"
#include "api/peer/lookup.h"
#include "api/peer/pnrp.h"
#include "api/peer/result.h"
#include "api/peer/text.h"

#define TIMEOUT_MS 30000
#define GRACE_MS 1000 /* the daemon's own time is up first */

/* A match, and the interface of link-local addresses in it. */
struct item {
	const Ponto__Pnrp__V1__Match *match;
	ULONG scope_id;
};

static PPEER_PNRP_ENDPOINT_INFO pack(struct peer_block *b, const struct item *items, size_t count)
{
	PPEER_PNRP_ENDPOINT_INFO array = peer_block_take(b, count * sizeof(*array));

	for (size_t i = 0; i < count; i++)
		peer_endpoint_pack(b, items[i].match, items[i].scope_id, array ? &array[i] : NULL);
	return array;
}

static HRESULT give(const struct item *items, size_t count, ULONG *out_count, PPEER_PNRP_ENDPOINT_INFO *out)
{
	struct peer_block block = {0};

	(void)pack(&block, items, count);
	if (count > 0 && !peer_block_alloc(&block))
		return E_OUTOFMEMORY;
	*out = count > 0 ? pack(&block, items, count) : NULL;
	*out_count = (ULONG)count;
	return S_OK;
}

/* ---- waiting for the answer ------------------------------------------------------------------------ */

/* The usual case, from the caller's own thread. */
static HRESULT resolve_in(const struct peer_cloud *cloud, const struct peer_query *query, ULONG *count,
			  PPEER_PNRP_ENDPOINT_INFO *out)
{
	Ponto__Pnrp__V1__ResolveRequest request;
	const Ponto__Pnrp__V1__ResolveReply *reply;
	ProtobufCMessage *message;
	struct item items[PEER_FOUND_MAX] = {{0}};
	const struct peer_question question = {cloud->service, "Resolve", &ponto__pnrp__v1__resolve_reply__descriptor,
					       peer_result_resolve};
	HRESULT result;
	size_t n;

	peer_query_request(query, cloud->name, &request);
	result = peer_ask(&question, &request.base, query->timeout_ms + GRACE_MS, -1, &message);
	if (FAILED(result))
		return result;
	if (result == S_FALSE)
		return give(NULL, 0, count, out);
	reply = (const Ponto__Pnrp__V1__ResolveReply *)message;
	for (n = 0; n < reply->n_match && n < PEER_FOUND_MAX; n++)
		items[n] = (struct item){reply->match[n], cloud->scope_id};
	result = give(items, n, count, out);
	protobuf_c_message_free_unpacked(message, NULL);
	return result;
}

/* Whichever cloud answers first, until there is enough. */
static HRESULT resolve_everywhere(const struct peer_query *query, ULONG *count, PPEER_PNRP_ENDPOINT_INFO *out)
{
	size_t room = query->max < PEER_CLOUDS_MAX * PEER_FOUND_MAX ? query->max : PEER_CLOUDS_MAX * PEER_FOUND_MAX;
	struct item *items = calloc(room, sizeof(*items));
	struct peer_found *found = NULL, *one;
	struct peer_lookup *lookup;
	size_t n = 0;
	HRESULT result = items ? peer_lookup_start(query, NULL, &lookup) : E_OUTOFMEMORY;

	if (FAILED(result))
		goto out;
	while (n < room && (result = peer_lookup_next(lookup, true, &one)) == S_OK) {
		one->next = found;
		found = one;
		items[n++] = (struct item){one->reply->match[0], one->scope_id};
	}
	if (n > 0 || result == PEER_E_NO_MORE)
		result = give(items, n, count, out);
	peer_lookup_cancel(lookup);
	peer_lookup_put(lookup);
out:
	while (found) {
		one = found->next;
		peer_found_free(found);
		found = one;
	}
	free(items);
	return result;
}

static HRESULT read_query(PCWSTR name, PCWSTR cloud, ULONG max, struct peer_query *out)
{
	HRESULT result = peer_name_utf8(name, out->name);

	if (FAILED(result))
		return result;
	if (FAILED(peer_text_utf8(cloud, PEER_CLOUD_UNITS - 1, out->cloud, sizeof(out->cloud))) || (cloud && !*cloud))
		return PEER_E_CLOUD_NOT_FOUND;
	out->owner = PEER_OWNER_PNRP;
	out->max = max;
	out->timeout_ms = TIMEOUT_MS;
	out->criteria = PNRP_RESOLVE_CRITERIA_DEFAULT;
	return S_OK;
}

HRESULT WINAPI PeerPnrpResolve(PCWSTR name, PCWSTR cloud, ULONG *count, PPEER_PNRP_ENDPOINT_INFO *out)
{
	struct peer_query query = {0};
	struct peer_clouds clouds;
	size_t chosen[PEER_CLOUDS_MAX], n;
	HRESULT result;

	if (!peer_pnrp_started())
		return PEER_E_NOT_INITIALIZED;
	if (!count || !*count || !out)
		return E_INVALIDARG;
	result = read_query(name, cloud, *count, &query);
	if (SUCCEEDED(result))
		result = peer_clouds(false, &clouds);
	if (SUCCEEDED(result))
		result = peer_clouds_match(&clouds, *query.cloud ? query.cloud : NULL, chosen, &n);
	if (FAILED(result))
		return result;
	return n == 1 ? resolve_in(&clouds.cloud[chosen[0]], &query, count, out)
		      : resolve_everywhere(&query, count, out);
}

/* ---- meanwhile ------------------------------------------------------------------------------------------ */

HRESULT WINAPI PeerPnrpStartResolve(PCWSTR name, PCWSTR cloud, ULONG max, HANDLE event_handle, HRESOLUTION *out)
{
	struct handle_object *event;
	struct peer_query query = {0};
	struct peer_lookup *lookup;
	HANDLE handle;
	HRESULT result;

	if (!peer_pnrp_started())
		return PEER_E_NOT_INITIALIZED;
	if (!out)
		return E_INVALIDARG;
	event = handle_get(event_handle, &event_type);
	if (!event)
		return E_INVALIDARG;
	result = read_query(name, cloud, max, &query);
	if (SUCCEEDED(result))
		result = peer_lookup_start(&query, event, &lookup);
	handle_put(event);
	if (FAILED(result))
		return result;
	if (!handle_open((struct handle_object *)lookup, &handle)) {
		peer_lookup_cancel(lookup);
		peer_lookup_put(lookup);
		return E_OUTOFMEMORY;
	}
	peer_lookup_opened(lookup, handle);
	*out = handle;
	return S_OK;
}

static PPEER_PNRP_ENDPOINT_INFO pack_one(struct peer_block *b, const struct peer_found *found)
{
	PPEER_PNRP_ENDPOINT_INFO info = peer_block_take(b, sizeof(*info));

	peer_endpoint_pack(b, found->reply->match[0], found->scope_id, info);
	return info;
}

HRESULT WINAPI PeerPnrpGetEndpoint(HRESOLUTION handle, PPEER_PNRP_ENDPOINT_INFO *out)
{
	struct peer_block block = {0};
	struct peer_lookup *lookup;
	struct peer_found *found;
	HRESULT result;

	if (!peer_pnrp_started())
		return PEER_E_NOT_INITIALIZED;
	lookup = out ? (struct peer_lookup *)handle_get(handle, &peer_lookup_type) : NULL;
	if (!lookup)
		return E_INVALIDARG;
	result = peer_lookup_next(lookup, true, &found);
	if (result == S_OK) {
		(void)pack_one(&block, found);
		if (peer_block_alloc(&block)) {
			*out = pack_one(&block, found);
			peer_found_free(found);
		} else {
			peer_lookup_return(lookup, found);
			result = E_OUTOFMEMORY;
		}
	}
	peer_lookup_put(lookup);
	return result;
}

HRESULT WINAPI PeerPnrpEndResolve(HRESOLUTION handle)
{
	if (!peer_pnrp_started())
		return PEER_E_NOT_INITIALIZED;
	return handle_close(handle, &peer_lookup_type) ? S_OK : E_INVALIDARG;
}
