/* bus.proto in memory, bounds included: whatever reaches this file may come from a hostile client. */
#include "framework/bus_private.h"

#include <stdio.h>
#include <string.h>

static void *pb_alloc(void *data, size_t size)
{
	const struct ponto_alloc *alloc = data;

	return alloc->alloc(alloc->ctx, size);
}

static void pb_free(void *data, void *block)
{
	ponto_free(data, block);
}

ProtobufCAllocator bus_pb_allocator(const struct ponto_alloc *alloc)
{
	ProtobufCAllocator pb = {pb_alloc, pb_free, (void *)(uintptr_t)alloc};

	return pb;
}

bool bus_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	return len >= 1 && len <= BUS_NAME_MAX && strspn(name, allowed) == len;
}

int bus_call_decode(const struct ponto_alloc *alloc, struct ponto_bytes data, Ponto__Bus__V1__Call **out)
{
	ProtobufCAllocator pb = bus_pb_allocator(alloc);
	Ponto__Bus__V1__Call *call;

	if (data.len == 0 || data.len > PONTO_BUS_MESSAGE_MAX)
		return PONTO_EPROTO;
	call = ponto__bus__v1__call__unpack(&pb, data.len, data.data);
	if (!call)
		return PONTO_EPROTO;
	if (!bus_name_valid(call->service) || !bus_name_valid(call->method)) {
		ponto__bus__v1__call__free_unpacked(call, &pb);
		return PONTO_EPROTO;
	}
	*out = call;
	return PONTO_OK;
}

void bus_call_free(const struct ponto_alloc *alloc, Ponto__Bus__V1__Call *call)
{
	ProtobufCAllocator pb = bus_pb_allocator(alloc);

	if (!call)
		return;
	ponto_wipe(call->payload.data, call->payload.len); /* it may hold a password */
	ponto__bus__v1__call__free_unpacked(call, &pb);
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

/* protobuf-c does not tell why it gave up. */
struct noting {
	const struct ponto_alloc *alloc;
	bool refused;
};

static void *noting_alloc(void *data, size_t size)
{
	struct noting *noting = data;
	void *block = noting->alloc->alloc(noting->alloc->ctx, size);

	noting->refused |= !block;
	return block;
}

static void noting_free(void *data, void *block)
{
	ponto_free(((struct noting *)data)->alloc, block);
}

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
	struct noting noting = {alloc, false};
	ProtobufCAllocator pb = {noting_alloc, noting_free, &noting};
	Ponto__Bus__V1__Reply *reply = ponto__bus__v1__reply__unpack(&pb, data.len, data.data);
	int result = PONTO_EBUSY;

	if (!reply)
		return noting.refused ? PONTO_ENOMEM : PONTO_EPROTO;
	if (reply->id == id || reply->id == 0)
		result = read_reply(alloc, reply, out);
	ponto__bus__v1__reply__free_unpacked(reply, &pb);
	return result;
}

int bus_event_decode(const struct ponto_alloc *alloc, struct ponto_bytes data, struct ponto_event *out)
{
	struct noting noting = {alloc, false};
	ProtobufCAllocator pb = {noting_alloc, noting_free, &noting};
	Ponto__Bus__V1__Event *event = ponto__bus__v1__event__unpack(&pb, data.len, data.data);
	uint8_t *payload;

	if (!event)
		return noting.refused ? PONTO_ENOMEM : PONTO_EPROTO;
	payload = ponto_bytes_dup(alloc, ponto_bytes(event->payload.data, event->payload.len));
	if (payload) {
		memset(out, 0, sizeof(*out));
		out->payload = payload;
		out->len = event->payload.len;
		snprintf(out->topic, sizeof(out->topic), "%s", event->topic);
	}
	ponto__bus__v1__event__free_unpacked(event, &pb);
	return payload ? PONTO_OK : PONTO_ENOMEM;
}
