/* Addresses and endpoints between programs and the daemon. Pure. */
#ifndef PONTO_API_PEER_ENDPOINT_H
#define PONTO_API_PEER_ENDPOINT_H

#include <p2p.h>

#include "api/peer/block.h"
#include "api/peer/registration.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

/* IPv6, or IPv4, which PNRP carries as ::ffff:a.b.c.d. E_INVALIDARG: NULL or another family. */
HRESULT peer_address_read(const SOCKADDR *from, uint16_t protocol, struct peer_address *out);

/* The reverse of what the daemon says, scope_id for link-local addresses. The length is out. NULL when measuring. */
SOCKADDR *peer_address_pack(struct peer_block *b, const Ponto__Pnrp__V1__Endpoint *endpoint, ULONG scope_id,
			    INT *length);

/* All of a match; out NULL when measuring. */
void peer_endpoint_pack(struct peer_block *b, const Ponto__Pnrp__V1__Match *match, ULONG scope_id,
			PEER_PNRP_ENDPOINT_INFO *out);

#endif
