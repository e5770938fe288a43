#include "framework/answer.h"

#include <stdarg.h>
#include <stdio.h>

static uint8_t *pack(const struct ponto_alloc *alloc, const ProtobufCMessage *message, size_t *size)
{
	uint8_t *packed;

	*size = protobuf_c_message_get_packed_size(message);
	packed = ponto_new(alloc, 1, *size ? *size : 1);
	if (packed)
		protobuf_c_message_pack(message, packed);
	return packed;
}

void ponto_answer(const struct ponto_alloc *alloc, struct ponto_call *call, const ProtobufCMessage *message)
{
	size_t size;
	uint8_t *packed = pack(alloc, message, &size);

	if (!packed) {
		ponto_refuse(call, PONTO_ENOMEM, NULL);
		return;
	}
	ponto_call_reply(call, PONTO_OK, ponto_bytes(packed, size), NULL);
	ponto_free(alloc, packed);
}

void ponto_answer_made(struct ponto_arena *arena, struct ponto_call *call, const ProtobufCMessage *message)
{
	if (arena->failed)
		ponto_refuse(call, PONTO_ENOMEM, NULL);
	else
		ponto_answer(arena->alloc, call, message);
	ponto_arena_clear(arena);
}

void ponto_refuse(struct ponto_call *call, int result, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!format) {
		ponto_call_reply(call, result, ponto_bytes(NULL, 0), NULL);
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ponto_call_reply(call, result, ponto_bytes(NULL, 0), text);
}

void ponto_announce(const struct ponto_env *env, const char *topic, const ProtobufCMessage *message)
{
	size_t size;
	uint8_t *packed;

	if (!env->port)
		return;
	packed = pack(env->alloc, message, &size);
	if (!packed)
		return;
	ponto_port_event(env->port, topic, ponto_bytes(packed, size));
	ponto_free(env->alloc, packed);
}
