#include "api/peer/endpoint.h"

#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

HRESULT peer_address_read(const SOCKADDR *from, uint16_t protocol, struct peer_address *out)
{
	memset(out, 0, sizeof(*out));
	out->protocol = protocol;
	if (from && from->sa_family == AF_INET6) {
		const SOCKADDR_IN6 *in6 = (const SOCKADDR_IN6 *)(const void *)from;

		memcpy(out->ip, &in6->sin6_addr, 16);
		out->port = ntohs(in6->sin6_port);
	} else if (from && from->sa_family == AF_INET) {
		const SOCKADDR_IN *in = (const SOCKADDR_IN *)(const void *)from;

		memcpy(out->ip, mapped, 12);
		memcpy(out->ip + 12, &in->sin_addr, 4);
		out->port = ntohs(in->sin_port);
	} else {
		return E_INVALIDARG;
	}
	return S_OK;
}

SOCKADDR *peer_address_pack(struct peer_block *b, const Ponto__Pnrp__V1__Endpoint *endpoint, ULONG scope_id,
			    INT *length)
{
	struct ponto_addr addr = {0};
	SOCKADDR_IN6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)endpoint->port)};
	SOCKADDR_IN in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)endpoint->port)};

	/* ::ffff:a.b.c.d may be read as IPv4 at once. */
	if (ponto_addr_parse(endpoint->address, 0, &addr) == PONTO_OK && addr.family == PONTO_FAMILY_IPV4) {
		memcpy(&in.sin_addr, addr.ip, 4);
	} else if (memcmp(addr.ip, mapped, 12) == 0) {
		memcpy(&in.sin_addr, addr.ip + 12, 4);
	} else {
		memcpy(&in6.sin6_addr, addr.ip, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
			in6.sin6_scope_id = scope_id;
		*length = sizeof(in6);
		return peer_block_bytes(b, &in6, sizeof(in6));
	}
	*length = sizeof(in);
	return peer_block_bytes(b, &in, sizeof(in));
}

void peer_endpoint_pack(struct peer_block *b, const Ponto__Pnrp__V1__Match *match, ULONG scope_id,
			PEER_PNRP_ENDPOINT_INFO *out)
{
	PEER_PNRP_ENDPOINT_INFO info = {.cAddresses = (ULONG)match->n_endpoint};

	info.pwzPeerName = peer_block_text(b, match->name);
	info.pwzComment = peer_block_text(b, match->comment ? match->comment : "");
	info.ppAddresses = peer_block_take(b, match->n_endpoint * sizeof(*info.ppAddresses));
	for (size_t i = 0; i < match->n_endpoint; i++) {
		INT length;
		SOCKADDR *address = peer_address_pack(b, match->endpoint[i], scope_id, &length);

		if (info.ppAddresses)
			info.ppAddresses[i] = address;
	}
	info.payload.cbData = (ULONG)match->payload.len;
	info.payload.pbData = peer_block_bytes(b, match->payload.data, match->payload.len);
	if (out)
		*out = info;
}
