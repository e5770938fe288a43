/* bus.proto in memory, bounds included: whatever reaches this file may come from a hostile client. */
#include "framework/bus_private.h"

#include <stdio.h>
#include <string.h>

#include "framework/unpack.h"

bool bus_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	return len >= 1 && len <= BUS_NAME_MAX && strspn(name, allowed) == len;
}

int bus_call_decode(const struct ponto_alloc *alloc, struct ponto_bytes data, Ponto__Bus__V1__Call **out)
{
	ProtobufCMessage *message;
	Ponto__Bus__V1__Call *call;
	int result;

	if (data.len == 0 || data.len > PONTO_BUS_MESSAGE_MAX)
		return PONTO_EPROTO;
	result = ponto_unpack(alloc, &ponto__bus__v1__call__descriptor, data, &message);
	if (result)
		return result;
	call = (Ponto__Bus__V1__Call *)message;
	if (!bus_name_valid(call->service) || !bus_name_valid(call->method)) {
		bus_call_free(alloc, call);
		return PONTO_EPROTO;
	}
	*out = call;
	return PONTO_OK;
}

void bus_call_free(const struct ponto_alloc *alloc, Ponto__Bus__V1__Call *call)
{
	if (!call)
		return;
	ponto_wipe(call->payload.data, call->payload.len); /* it may hold a password */
	ponto_unpacked_free(alloc, &call->base);
}

/* An error text of ours can quote a client's bytes: cut it at a character, never inside one. */
static void copy_error(const char *error, char out[BUS_ERROR_MAX + 1])
{
	size_t len = strnlen(error, BUS_ERROR_MAX + 1);

	if (len > BUS_ERROR_MAX) {
		len = BUS_ERROR_MAX;
		while (len > 0 && ((uint8_t)error[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, error, len);
	out[len] = '\0';
}

size_t bus_reply_small(uint64_t id, int result, const char *error, uint8_t out[BUS_REPLY_SMALL])
{
	Ponto__Bus__V1__Reply reply = PONTO__BUS__V1__REPLY__INIT;
	char text[BUS_ERROR_MAX + 1];

	copy_error(error ? error : ponto_strerror(result), text);
	reply.id = id;
	reply.result = result;
	reply.error = text;
	return ponto__bus__v1__reply__pack(&reply, out);
}

int bus_reply_encode(const struct ponto_alloc *alloc, uint64_t id, int result, struct ponto_bytes payload,
		     const char *error, uint8_t **out, size_t *len)
{
	Ponto__Bus__V1__Reply reply = PONTO__BUS__V1__REPLY__INIT;
	char text[BUS_ERROR_MAX + 1];
	size_t size;
	uint8_t *data;

	reply.id = id;
	reply.result = result;
	if (result == PONTO_OK) {
		reply.has_payload = true;
		reply.payload.data = (uint8_t *)(uintptr_t)payload.data;
		reply.payload.len = payload.len;
	} else {
		copy_error(error ? error : ponto_strerror(result), text);
		reply.error = text;
	}
	if (payload.len > PONTO_BUS_MESSAGE_MAX ||
	    ponto__bus__v1__reply__get_packed_size(&reply) > PONTO_BUS_MESSAGE_MAX) {
		reply.has_payload = false;
		reply.result = PONTO_ELIMIT;
		reply.error = strcpy(text, "the answer is larger than a message may be");
	}
	size = ponto__bus__v1__reply__get_packed_size(&reply);
	data = ponto_new(alloc, size, 1);
	if (!data)
		return PONTO_ENOMEM;
	*len = ponto__bus__v1__reply__pack(&reply, data);
	*out = data;
	return PONTO_OK;
}

int bus_event_encode(const struct ponto_alloc *alloc, const char *topic, struct ponto_bytes payload, uint64_t wall,
		     uint8_t **out, size_t *len)
{
	Ponto__Bus__V1__Event event = PONTO__BUS__V1__EVENT__INIT;
	uint8_t *data;

	if (payload.len > PONTO_BUS_MESSAGE_MAX - 256)
		return PONTO_ELIMIT;
	event.topic = (char *)(uintptr_t)topic;
	event.has_payload = true;
	event.payload.data = (uint8_t *)(uintptr_t)payload.data;
	event.payload.len = payload.len;
	event.has_wall_us = true;
	event.wall_us = wall;
	data = ponto_new(alloc, ponto__bus__v1__event__get_packed_size(&event), 1);
	if (!data)
		return PONTO_ENOMEM;
	*len = ponto__bus__v1__event__pack(&event, data);
	*out = data;
	return PONTO_OK;
}

/* ---- what a client reads --------------------------------------------------------- */

static int read_reply(const struct ponto_alloc *alloc, const Ponto__Bus__V1__Reply *in, struct ponto_reply *out)
{
	uint8_t *payload = NULL;

	if (in->result == PONTO_OK) {
		payload = ponto_bytes_dup(alloc, ponto_bytes(in->payload.data, in->payload.len));
		if (!payload)
			return PONTO_ENOMEM;
	}
	memset(out, 0, sizeof(*out));
	out->result = in->result > 0 ? PONTO_EPROTO : in->result;
	out->payload = payload;
	out->len = payload ? in->payload.len : 0;
	if (out->result)
		snprintf(out->error, sizeof(out->error), "%s",
			 in->error && in->error[0] ? in->error : ponto_strerror(out->result));
	return PONTO_OK;
}

int bus_reply_decode(const struct ponto_alloc *alloc, uint64_t id, struct ponto_bytes data, struct ponto_reply *out)
{
	const Ponto__Bus__V1__Reply *reply;
	ProtobufCMessage *message;
	int result = ponto_unpack(alloc, &ponto__bus__v1__reply__descriptor, data, &message);

	if (result)
		return result;
	reply = (const Ponto__Bus__V1__Reply *)message;
	result = reply->id == id || reply->id == 0 ? read_reply(alloc, reply, out) : PONTO_EBUSY;
	ponto_unpacked_free(alloc, message);
	return result;
}

int bus_reply_decode_any(const struct ponto_alloc *alloc, struct ponto_bytes data, uint64_t *id,
			 struct ponto_reply *out)
{
	const Ponto__Bus__V1__Reply *reply;
	ProtobufCMessage *message;
	int result = ponto_unpack(alloc, &ponto__bus__v1__reply__descriptor, data, &message);

	if (result)
		return result;
	reply = (const Ponto__Bus__V1__Reply *)message;
	result = read_reply(alloc, reply, out);
	if (result == PONTO_OK)
		*id = reply->id;
	ponto_unpacked_free(alloc, message);
	return result;
}

int bus_event_decode(const struct ponto_alloc *alloc, struct ponto_bytes data, struct ponto_event *out)
{
	const Ponto__Bus__V1__Event *event;
	ProtobufCMessage *message;
	uint8_t *payload;
	int result = ponto_unpack(alloc, &ponto__bus__v1__event__descriptor, data, &message);

	if (result)
		return result;
	event = (const Ponto__Bus__V1__Event *)message;
	payload = ponto_bytes_dup(alloc, ponto_bytes(event->payload.data, event->payload.len));
	if (payload) {
		memset(out, 0, sizeof(*out));
		out->payload = payload;
		out->len = event->payload.len;
		snprintf(out->topic, sizeof(out->topic), "%s", event->topic);
	}
	ponto_unpacked_free(alloc, message);
	return payload ? PONTO_OK : PONTO_ENOMEM;
}
