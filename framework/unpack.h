/* Messages of Protocol Buffers, read. protobuf-c gives up without saying why: a want of memory is told apart here from
 * what is no such message, since only the latter is its sender's fault. Pure, any thread. Not installed. */
#ifndef PONTO_UNPACK_H
#define PONTO_UNPACK_H

#include <protobuf-c/protobuf-c.h>

#include "framework/base.h"

/* PONTO_EPROTO: no message of that type. gives *out, freed by ponto_unpacked_free; what ponto_alloc_system gave, also
 * by protobuf-c's functions without an allocator */
PONTO_MUST_CHECK int ponto_unpack(const struct ponto_alloc *alloc, const ProtobufCMessageDescriptor *type,
				  struct ponto_bytes data, ProtobufCMessage **out);

/* Accepts NULL. */
void ponto_unpacked_free(const struct ponto_alloc *alloc, ProtobufCMessage *message);

#endif
