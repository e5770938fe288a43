#include <string.h>

#include "api/peer/endpoint.h"
#include "api/peer/nsp.h"

static void begin(struct peer_block *b, const struct nsp_query *q, const GUID *provider, DWORD space, WSAQUERYSETW *set)
{
	memset(set, 0, sizeof(*set));
	set->dwSize = sizeof(*set);
	set->lpServiceClassId = peer_block_bytes(b, &q->class_id, sizeof(q->class_id));
	set->lpNSProviderId = peer_block_bytes(b, provider, sizeof(*provider));
	set->dwNameSpace = space;
}

static void add_blob(struct peer_block *b, WSAQUERYSETW *set, const void *data, size_t size)
{
	BLOB *blob = peer_block_take(b, sizeof(*blob));
	void *copy = peer_block_bytes(b, data, size);

	if (blob)
		*blob = (BLOB){(ULONG)size, copy};
	set->lpBlob = blob;
}

/* A program looks for the protocol and the length of the address it wants. */
static void add_addresses(struct peer_block *b, const Ponto__Pnrp__V1__Match *match, ULONG scope_id, WSAQUERYSETW *set)
{
	LPCSADDR_INFO array = peer_block_take(b, match->n_endpoint * sizeof(*array));

	for (size_t i = 0; i < match->n_endpoint; i++) {
		CSADDR_INFO info = {.iProtocol = (INT)match->endpoint[i]->protocol};

		info.iSocketType = info.iProtocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
		info.RemoteAddr.lpSockaddr =
			peer_address_pack(b, match->endpoint[i], scope_id, &info.RemoteAddr.iSockaddrLength);
		if (array)
			array[i] = info;
	}
	set->lpcsaBuffer = array;
	set->dwNumberOfCsAddrs = (DWORD)match->n_endpoint;
}

/* Version 2 carries a payload; without one there is no blob. */
static void add_payload(struct peer_block *b, const Ponto__Pnrp__V1__Match *match, WSAQUERYSETW *set)
{
	PNRPINFO_V2 info = {.dwSize = sizeof(info), .enNameState = PNRP_REGISTERED_ID_STATE_OK};

	if (match->payload_text) {
		char text[PNRP_MAX_EXTENDED_PAYLOAD_BYTES + 1];

		memcpy(text, match->payload.data, match->payload.len);
		text[match->payload.len] = 0;
		info.enExtendedPayloadType = PNRP_EXTENDED_PAYLOAD_TYPE_STRING;
		info.pwszPayload = peer_block_text(b, text);
	} else {
		info.enExtendedPayloadType = PNRP_EXTENDED_PAYLOAD_TYPE_BINARY;
		info.blobPayload.cbSize = (ULONG)match->payload.len;
		info.blobPayload.pBlobData = peer_block_bytes(b, match->payload.data, match->payload.len);
	}
	add_blob(b, set, &info, sizeof(info));
}

void nsp_pack_found(struct peer_block *b, const struct nsp_query *q, const struct peer_found *found,
		    WSAQUERYSETW *results)
{
	const Ponto__Pnrp__V1__Match *match = found->reply->match[0];
	WSAQUERYSETW set;

	(void)peer_block_take(b, sizeof(set)); /* *results itself */
	begin(b, q, &NS_PROVIDER_PNRPNAME, NS_PNRPNAME, &set);
	if (q->flags & LUP_RETURN_NAME) {
		set.lpszServiceInstanceName = peer_block_text(b, match->name);
		set.lpszContext = peer_block_text(b, found->cloud);
	}
	if (q->flags & LUP_RETURN_COMMENT)
		set.lpszComment = peer_block_text(b, match->comment ? match->comment : "");
	if (q->flags & LUP_RETURN_ADDR)
		add_addresses(b, match, found->scope_id, &set);
	if ((q->flags & LUP_RETURN_BLOB) && match->payload.len > 0 &&
	    match->payload.len <= PNRP_MAX_EXTENDED_PAYLOAD_BYTES && IsEqualGUID(&q->class_id, &SVCID_PNRPNAME_V2))
		add_payload(b, match, &set);
	if (results)
		*results = set;
}

void nsp_pack_cloud(struct peer_block *b, const struct nsp_query *q, const struct nsp_change *change,
		    WSAQUERYSETW *results)
{
	const struct peer_cloud *cloud = &change->cloud;
	PNRPCLOUDINFO info = {
		.dwSize = sizeof(info),
		.Cloud = {.AddressFamily = AF_INET6, .Scope = cloud->scope, .ScopeId = cloud->scope_id},
		.enCloudState = cloud->state,
	};
	int flags = cloud->resolve_only ? PNRP_CLOUD_RESOLVE_ONLY : PNRP_CLOUD_FULL_PARTICIPANT;
	WSAQUERYSETW set;

	/* The name of a link's cloud has this machine's number of the interface in it. */
	if (cloud->scope != PNRP_GLOBAL_SCOPE || cloud->state == PNRP_CLOUD_STATE_DISABLED)
		flags |= PNRP_CLOUD_NAME_LOCAL;
	info.enCloudFlags = (PNRP_CLOUD_FLAGS)flags;
	(void)peer_block_take(b, sizeof(set));
	begin(b, q, &NS_PROVIDER_PNRPCLOUD, NS_PNRPCLOUD, &set);
	set.dwOutputFlags = change->flags;
	if (q->flags & LUP_RETURN_NAME)
		set.lpszServiceInstanceName = peer_block_text(b, cloud->name);
	if (q->flags & LUP_RETURN_BLOB)
		add_blob(b, &set, &info, sizeof(info));
	if (results)
		*results = set;
}
