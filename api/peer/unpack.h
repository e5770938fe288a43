/* Messages of the daemon, read. Pure. */
#ifndef PONTO_API_PEER_UNPACK_H
#define PONTO_API_PEER_UNPACK_H

#include <p2p.h>
#include <protobuf-c/protobuf-c.h>

#include "framework/base.h"

/* E_OUTOFMEMORY, or E_UNEXPECTED when it is no such message. gives *out, freed with protobuf_c_message_free_unpacked and
 * no allocator */
HRESULT peer_unpack(const ProtobufCMessageDescriptor *type, struct ponto_bytes data, ProtobufCMessage **out);

#endif
