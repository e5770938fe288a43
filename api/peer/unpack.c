#include "api/peer/unpack.h"

#include <stdbool.h>
#include <stdlib.h>

/* protobuf-c does not tell why it gave up. */
static void *take(void *refused, size_t size)
{
	void *block = malloc(size);

	if (!block)
		*(bool *)refused = true;
	return block;
}

static void give_back(void *refused, void *block)
{
	(void)refused;
	free(block);
}

HRESULT peer_unpack(const ProtobufCMessageDescriptor *type, struct ponto_bytes data, ProtobufCMessage **out)
{
	bool refused = false;
	ProtobufCAllocator allocator = {take, give_back, &refused};
	ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, data.len, data.data);

	if (!message)
		return refused ? E_OUTOFMEMORY : E_UNEXPECTED;
	*out = message;
	return S_OK;
}
