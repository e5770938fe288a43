#include "framework/unpack.h"

struct source {
	const struct ponto_alloc *alloc;
	bool refused;
};

static void *take(void *data, size_t size)
{
	struct source *source = data;
	void *block = source->alloc->alloc(source->alloc->ctx, size);

	source->refused |= !block;
	return block;
}

static void give_back(void *data, void *block)
{
	ponto_free(((struct source *)data)->alloc, block);
}

int ponto_unpack(const struct ponto_alloc *alloc, const ProtobufCMessageDescriptor *type, struct ponto_bytes data,
		 ProtobufCMessage **out)
{
	struct source source = {alloc, false};
	ProtobufCAllocator allocator = {take, give_back, &source};
	ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, data.len, data.data);

	if (!message)
		return source.refused ? PONTO_ENOMEM : PONTO_EPROTO;
	*out = message;
	return PONTO_OK;
}

void ponto_unpacked_free(const struct ponto_alloc *alloc, ProtobufCMessage *message)
{
	struct source source = {alloc, false};
	ProtobufCAllocator allocator = {take, give_back, &source};

	protobuf_c_message_free_unpacked(message, &allocator);
}
