/* Queries: begin, next, end. */
#include <stdlib.h>
#include <string.h>

#include "api/peer/nsp.h"
#include "api/peer/result.h"
#include "api/peer/text.h"
#include "api/winsock/winsock.h"

#define TIMEOUT_S 30 /* where the program says none */

/* ---- life ------------------------------------------------------------------------------------ */

static void destroy(struct handle_object *object)
{
	struct nsp_query *q = (struct nsp_query *)object;

	peer_lookup_put(q->lookup);
	while (q->first) {
		struct nsp_change *next = q->first->next;

		free(q->first);
		q->first = next;
	}
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void end(struct nsp_query *q)
{
	if (q->generation != link_generation())
		return; /* the parent's, before a fork */
	if (q->lookup) {
		peer_lookup_on_ready(q->lookup, NULL, NULL);
		peer_lookup_cancel(q->lookup);
	} else {
		nsp_clouds_end(q);
	}
	nsp_tell_end(q);
	link_drop();
}

static void closed(struct handle_object *object)
{
	end((struct nsp_query *)object);
}

const struct handle_type nsp_query_type = {
	.name = "namespace query", .destroy = destroy, .closed = closed, .private_close = true};

/* ---- begin ------------------------------------------------------------------------------------- */

static int begin_name(struct nsp_query *q, const WSAQUERYSETW *set)
{
	struct peer_query query = {.owner = PEER_OWNER_NSP};
	PNRPINFO_V2 info;
	HRESULT result;
	int code;

	if (FAILED(peer_name_utf8(set->lpszServiceInstanceName, query.name)))
		return WSAEINVAL;
	code = nsp_read_info(set, &info);
	if (!code)
		code = nsp_read_hint(&info, &query.has_prefix, query.prefix);
	if (!code && (info.lpwszIdentity || info.dwLifetime || info.enNameState))
		code = WSAEINVAL;
	if (!code)
		code = nsp_read_cloud(set->lpszContext, query.cloud);
	if (code)
		return code;
	query.max = info.nMaxResolve ? info.nMaxResolve : 1;
	query.timeout_ms = (info.dwTimeout ? info.dwTimeout : TIMEOUT_S) * 1000;
	query.criteria = info.enResolveCriteria;
	result = peer_lookup_start(&query, NULL, &q->lookup);
	if (FAILED(result))
		return peer_result_wsa(result);
	peer_lookup_on_ready(q->lookup, nsp_tell, q);
	return 0;
}

/* What is reserved must be empty. */
static int check(const WSAQUERYSETW *set, DWORD flags, bool names)
{
	if (set->lpVersion || set->lpszComment || set->dwNumberOfProtocols || set->lpszQueryString ||
	    set->dwNumberOfCsAddrs || set->lpcsaBuffer || set->dwOutputFlags || (flags & ~(DWORD)LUP_RETURN_ALL))
		return WSAEINVAL;
	if (names)
		return set->lpszServiceInstanceName ? 0 : WSAEINVAL;
	return set->lpszServiceInstanceName || set->lpszContext ? WSAEINVAL : 0;
}

static struct nsp_query *make(const WSAQUERYSETW *set, DWORD flags)
{
	struct nsp_query *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	handle_init(&q->object, &nsp_query_type);
	q->generation = link_generation();
	q->flags = flags ? flags : LUP_RETURN_ALL;
	q->class_id = *set->lpServiceClassId;
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	return q;
}

static int begin(const WSAQUERYSETW *set, DWORD flags, HANDLE *out)
{
	struct nsp_query *q;
	bool names;
	int code = nsp_read_class(set, &names);

	if (!code)
		code = check(set, flags, names);
	if (code)
		return code;
	q = make(set, flags);
	if (!q)
		return WSA_NOT_ENOUGH_MEMORY;
	code = peer_result_wsa(link_use());
	if (code)
		goto out;
	code = names ? begin_name(q, set) : nsp_clouds_begin(q, set->lpBlob);
	if (code) {
		link_drop();
		goto out;
	}
	if (handle_open(&q->object, out))
		return 0;
	end(q);
	code = WSA_NOT_ENOUGH_MEMORY;
out:
	handle_put(&q->object);
	return code;
}

INT WSAAPI WSALookupServiceBeginW(LPWSAQUERYSETW set, DWORD flags, LPHANDLE out)
{
	int code;

	if (!winsock_started())
		return SOCKET_ERROR;
	code = set && out ? begin(set, flags, out) : WSAEFAULT;
	return code ? winsock_fail(code) : 0;
}

/* ---- next ----------------------------------------------------------------------------------------- */

/* Fits what was measured into the program's buffer. */
static bool fit(struct peer_block *b, LPWSAQUERYSETW results, LPDWORD length)
{
	DWORD needed = (DWORD)b->used;

	if (results && peer_block_into(b, results, *length))
		return true;
	*length = needed;
	return false;
}

static int next_name(struct nsp_query *q, LPDWORD length, LPWSAQUERYSETW results)
{
	struct peer_block block = {0};
	struct peer_found *found;
	HRESULT result = peer_lookup_next(q->lookup, true, &found);

	if (result != S_OK)
		return peer_result_wsa(result);
	nsp_pack_found(&block, q, found, NULL);
	if (!fit(&block, results, length)) {
		peer_lookup_return(q->lookup, found);
		return WSAEFAULT;
	}
	nsp_pack_found(&block, q, found, results);
	peer_found_free(found);
	return 0;
}

static int next_cloud(struct nsp_query *q, LPDWORD length, LPWSAQUERYSETW results)
{
	struct peer_block block = {0};
	struct nsp_change *change;
	int code = nsp_clouds_next(q, &change);

	if (code)
		return code;
	nsp_pack_cloud(&block, q, change, NULL);
	if (!fit(&block, results, length)) {
		nsp_clouds_return(q, change);
		return WSAEFAULT;
	}
	nsp_pack_cloud(&block, q, change, results);
	free(change);
	return 0;
}

INT WSAAPI WSALookupServiceNextW(HANDLE lookup, DWORD flags, LPDWORD length, LPWSAQUERYSETW results)
{
	struct nsp_query *q;
	int code;

	if (!winsock_started())
		return SOCKET_ERROR;
	if (!length)
		return winsock_fail(WSAEFAULT);
	if (flags & ~(DWORD)LUP_RETURN_ALL)
		return winsock_fail(WSAEINVAL);
	q = (struct nsp_query *)handle_get(lookup, &nsp_query_type);
	if (!q)
		return winsock_fail(WSA_INVALID_HANDLE);
	code = q->lookup ? next_name(q, length, results) : next_cloud(q, length, results);
	handle_put(&q->object);
	return code ? winsock_fail(code) : 0;
}

INT WSAAPI WSALookupServiceEnd(HANDLE lookup)
{
	if (!winsock_started())
		return SOCKET_ERROR;
	return handle_close(lookup, &nsp_query_type) ? 0 : winsock_fail(WSA_INVALID_HANDLE);
}
