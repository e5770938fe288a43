/* One question to the daemon and its answer. */
#ifndef PONTO_API_PEER_ASK_H
#define PONTO_API_PEER_ASK_H

#include <p2p.h>
#include <protobuf-c/protobuf-c.h>

struct peer_question {
	const char *service, *method;
	const ProtobufCMessageDescriptor *answer; /* its type */
	HRESULT (*tell)(int ponto);		  /* how the daemon's result is told: result.h */
};

/* What link_call, whose timeout and cancel these are, or tell says, S_FALSE included; E_OUTOFMEMORY; E_UNEXPECTED: the
 * answer cannot be read. With S_OK alone gives *out, freed with protobuf_c_message_free_unpacked and no allocator */
HRESULT peer_ask(const struct peer_question *question, const ProtobufCMessage *request, unsigned timeout_ms, int cancel,
		 ProtobufCMessage **out);

#endif
