/* Clients: contents described, read from the cache and from neighbours, and completed by what the program brings. */
#include <stdlib.h>
#include <string.h>

#include "api/peerdist/object.h"
#include "framework/base.h"
#include "framework/unpack.h"
#include "plugins/service-dist/dist.pb-c.h"

#define PIECE (960u * 1024) /* of a message */
#define TIMEOUT_MS 60000
#define READ_DEFAULT_MS 5000u
#define READ_LONGEST_MS (24 * 3600 * 1000u)
#define READ_GRACE_MS 15000u   /* that the daemon may take beyond a read's time */
#define LENGTH_MAX 0xffff0000u /* that a number of bytes can say, whole blocks of it */

enum { LANE_NONE, LANE_DESCRIBE, LANE_STREAM };

static ProtobufCBinaryData bytes(const void *data, size_t len)
{
	return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)data, .len = len};
}

/* ---- opening ------------------------------------------------------------------------------------ */

static DWORD open_content(struct pd_object *o, PCPEERDIST_CONTENT_TAG tag)
{
	Ponto__Dist__V1__OpenContentRequest request = PONTO__DIST__V1__OPEN_CONTENT_REQUEST__INIT;
	ProtobufCMessage *reply;
	bool absent;
	int result;

	request.tag = bytes(tag->Data, sizeof(tag->Data));
	request.instance = o->instance->number;
	result = pd_ask("OpenContent", &request.base, &ponto__dist__v1__handle_reply__descriptor, &o->session, &absent,
			&reply);
	if (result != PONTO_OK)
		return pd_error_of(result, absent);
	o->number = ((const Ponto__Dist__V1__HandleReply *)reply)->handle;
	protobuf_c_message_free_unpacked(reply, NULL);
	return ERROR_SUCCESS;
}

DWORD WINAPI PeerDistClientOpenContent(PEERDIST_INSTANCE_HANDLE handle, PCPEERDIST_CONTENT_TAG tag, HANDLE port,
				       ULONG_PTR key, PPEERDIST_CONTENT_HANDLE out)
{
	struct pd_object *instance, *o;
	DWORD error;

	if (!tag || !out)
		return ERROR_INVALID_PARAMETER;
	instance = pd_instance(handle);
	if (!instance)
		return ERROR_INVALID_HANDLE;
	error = pd_object_new(&pd_content_type, PD_CONTENT, instance, port, key, &o);
	if (error == ERROR_SUCCESS) {
		error = open_content(o, tag);
		if (error == ERROR_SUCCESS)
			error = pd_object_open(o, out);
		else
			pd_put(o);
	}
	pd_put(instance);
	return error;
}

DWORD WINAPI PeerDistClientCloseContent(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content)
{
	return pd_object_close(instance, content, &pd_content_type);
}

static DWORD begin(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content, const struct pd_op *fill,
		   LPOVERLAPPED overlapped)
{
	struct pd_object *o = pd_object(instance, content, &pd_content_type);
	DWORD error;

	if (!o)
		return ERROR_INVALID_HANDLE;
	error = pd_op_begin(o, fill, overlapped);
	pd_put(o);
	return error;
}

/* ---- Content Information ----------------------------------------------------------------------------- */

static DWORD describe_error(const struct pd_outcome *outcome)
{
	switch (outcome->result) {
	case PONTO_EEXIST:
		return PEERDIST_ERROR_ALREADY_COMPLETED;
	case PONTO_EPROTO:
		return PEERDIST_ERROR_CANNOT_PARSE_CONTENTINFO;
	case PONTO_ENOTSUP:
		return outcome->absent ? pd_error(outcome) : PEERDIST_ERROR_CONTENTINFO_VERSION_UNSUPPORTED;
	default:
		return pd_error(outcome);
	}
}

static DWORD piece_of(const struct pd_op *op)
{
	return op->size - op->done < PIECE ? op->size - op->done : PIECE;
}

static bool ask_describe(struct pd_op *op)
{
	Ponto__Dist__V1__DescribeRequest request = PONTO__DIST__V1__DESCRIBE_REQUEST__INIT;

	request.handle = op->object->number;
	request.offset = op->object->offset + op->done;
	request.data = bytes(op->buffer + op->done, piece_of(op));
	return pd_op_call(op, "Describe", &request.base, TIMEOUT_MS, false);
}

/* All of it or nothing: what is added next begins where this did. */
static void described(struct pd_op *op, const struct pd_outcome *outcome)
{
	if (outcome->result != PONTO_OK) {
		pd_op_end(op, describe_error(outcome), 0, NULL);
		return;
	}
	op->done += piece_of(op);
	if (op->done < op->size) {
		pd_op_go_on(op);
		return;
	}
	op->object->offset += op->size;
	pd_op_end(op, ERROR_SUCCESS, op->size, NULL);
}

DWORD WINAPI PeerDistClientAddContentInformation(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content,
						 DWORD size, PBYTE buffer, LPOVERLAPPED overlapped)
{
	static const struct pd_op_type type = {ask_describe, described, LANE_DESCRIBE};
	const struct pd_op fill = {.type = &type, .buffer = buffer, .size = size};

	if (!buffer || size == 0 || !overlapped || !pd_reserved_is_zero(overlapped))
		return ERROR_INVALID_PARAMETER;
	return begin(instance, content, &fill, overlapped);
}

static bool ask_complete(struct pd_op *op)
{
	Ponto__Dist__V1__DescribedRequest request = PONTO__DIST__V1__DESCRIBED_REQUEST__INIT;

	request.handle = op->object->number;
	return pd_op_call(op, "Described", &request.base, TIMEOUT_MS, false);
}

/* A stream is read from where the description begins. */
static void completed(struct pd_op *op, const struct pd_outcome *outcome)
{
	ProtobufCMessage *message;
	int result;

	if (outcome->result != PONTO_OK) {
		pd_op_end(op, describe_error(outcome), 0, NULL);
		return;
	}
	result = ponto_unpack(&ponto_alloc_system, &ponto__dist__v1__described_reply__descriptor,
			      ponto_bytes(outcome->payload, outcome->len), &message);
	if (result == PONTO_OK) {
		op->object->position = ((const Ponto__Dist__V1__DescribedReply *)message)->start;
		protobuf_c_message_free_unpacked(message, NULL);
	}
	pd_op_end(op, pd_error_of(result, false), 0, NULL);
}

DWORD WINAPI PeerDistClientCompleteContentInformation(PEERDIST_INSTANCE_HANDLE instance,
						      PEERDIST_CONTENT_HANDLE content, LPOVERLAPPED overlapped)
{
	static const struct pd_op_type type = {ask_complete, completed, LANE_DESCRIBE};
	const struct pd_op fill = {.type = &type};

	return overlapped ? begin(instance, content, &fill, overlapped) : ERROR_INVALID_PARAMETER;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static bool ask_read(struct pd_op *op)
{
	Ponto__Dist__V1__ReadContentRequest request = PONTO__DIST__V1__READ_CONTENT_REQUEST__INIT;

	if (op->type->lane == LANE_STREAM)
		op->offset = op->object->position;
	request.handle = op->object->number;
	request.operation = op->number;
	request.offset = op->offset;
	request.max = op->size;
	request.timeout_ms = op->timeout;
	return pd_op_call(op, "ReadContent", &request.base, op->timeout + READ_GRACE_MS,
			  op->size > 0 && op->timeout > 0 /* else nobody else is asked */);
}

static DWORD outcome_of(const Ponto__Dist__V1__ReadContentReply *reply)
{
	switch (reply->outcome) {
	case PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__DATA:
		return ERROR_SUCCESS;
	case PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__MISSING:
		return PEERDIST_ERROR_MISSING_DATA;
	case PONTO__DIST__V1__READ_CONTENT_REPLY__OUTCOME__TIMEOUT:
		return ERROR_TIMEOUT;
	default:
		return PEERDIST_ERROR_NO_MORE;
	}
}

static void take_answer(struct pd_op *op, const Ponto__Dist__V1__ReadContentReply *reply)
{
	DWORD error = outcome_of(reply), length;

	if (reply->data.len > op->size || (reply->has_data && reply->length != reply->data.len)) {
		pd_op_end(op, PEERDIST_ERROR_SERVICE_UNAVAILABLE, 0, NULL);
		return;
	}
	if (reply->data.len > 0)
		memcpy(op->buffer, reply->data.data, reply->data.len);
	length = reply->length < LENGTH_MAX ? (DWORD)reply->length : LENGTH_MAX;
	/* What is missing is passed over: the program brings it. How much there is was only asked. */
	if (op->type->lane == LANE_STREAM && error != PEERDIST_ERROR_NO_MORE &&
	    (op->size > 0 || error != ERROR_SUCCESS))
		op->object->position += length;
	pd_op_end(op, error, length, error == PEERDIST_ERROR_NO_MORE ? NULL : &op->offset);
}

static void was_read(struct pd_op *op, const struct pd_outcome *outcome)
{
	ProtobufCMessage *message;
	int result = outcome->result;

	if (result == PONTO_OK)
		result = ponto_unpack(&ponto_alloc_system, &ponto__dist__v1__read_content_reply__descriptor,
				      ponto_bytes(outcome->payload, outcome->len), &message);
	if (result != PONTO_OK) {
		pd_op_end(op, pd_error_of(result, outcome->absent), 0, NULL);
		return;
	}
	take_answer(op, (const Ponto__Dist__V1__ReadContentReply *)message);
	protobuf_c_message_free_unpacked(message, NULL);
}

static DWORD begin_read(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content,
			const struct pd_op_type *type, DWORD size, PBYTE buffer, DWORD timeout, LPOVERLAPPED overlapped)
{
	struct pd_op fill = {.type = type, .buffer = buffer, .size = size, .timeout = timeout};

	if (!overlapped || (!buffer && size > 0))
		return ERROR_INVALID_PARAMETER;
	if (timeout == PEERDIST_READ_TIMEOUT_DEFAULT)
		fill.timeout = READ_DEFAULT_MS;
	else if (timeout > READ_LONGEST_MS)
		fill.timeout = READ_LONGEST_MS;
	fill.offset = (ULONGLONG)overlapped->OffsetHigh << 32 | overlapped->Offset;
	return begin(instance, content, &fill, overlapped);
}

DWORD WINAPI PeerDistClientBlockRead(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content, DWORD size,
				     PBYTE buffer, DWORD timeout, LPOVERLAPPED overlapped)
{
	static const struct pd_op_type type = {ask_read, was_read, LANE_NONE};

	return begin_read(instance, content, &type, size, buffer, timeout, overlapped);
}

DWORD WINAPI PeerDistClientStreamRead(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content, DWORD size,
				      PBYTE buffer, DWORD timeout, LPOVERLAPPED overlapped)
{
	static const struct pd_op_type type = {ask_read, was_read, LANE_STREAM};

	return begin_read(instance, content, &type, size, buffer, timeout, overlapped);
}

/* ---- bringing data ------------------------------------------------------------------------------------------ */

static bool ask_add(struct pd_op *op)
{
	Ponto__Dist__V1__AddDataRequest request = PONTO__DIST__V1__ADD_DATA_REQUEST__INIT;

	request.handle = op->object->number;
	request.offset = op->offset + op->done;
	request.data = bytes(op->buffer + op->done, piece_of(op));
	return pd_op_call(op, "AddData", &request.base, TIMEOUT_MS, false);
}

/* Data that goes on behind the end is kept as far as it goes. */
static void added(struct pd_op *op, const struct pd_outcome *outcome)
{
	if (outcome->result == PONTO_EINVAL) {
		pd_op_end(op, op->done > 0 ? ERROR_SUCCESS : PEERDIST_ERROR_OUT_OF_BOUNDS, op->done, NULL);
		return;
	}
	if (outcome->result != PONTO_OK) {
		pd_op_end(op, pd_error(outcome), op->done, NULL);
		return;
	}
	op->done += piece_of(op);
	if (op->done < op->size)
		pd_op_go_on(op);
	else
		pd_op_end(op, ERROR_SUCCESS, op->done, NULL);
}

DWORD WINAPI PeerDistClientAddData(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content, DWORD size,
				   PBYTE buffer, LPOVERLAPPED overlapped)
{
	static const struct pd_op_type type = {ask_add, added, LANE_NONE};
	struct pd_op fill = {.type = &type, .buffer = buffer, .size = size};

	if (!buffer || size == 0 || !overlapped)
		return ERROR_INVALID_PARAMETER;
	fill.offset = (ULONGLONG)overlapped->OffsetHigh << 32 | overlapped->Offset;
	return begin(instance, content, &fill, overlapped);
}

/* ---- the rest ------------------------------------------------------------------------------------------------- */

static bool ask_flush(struct pd_op *op)
{
	Ponto__Dist__V1__FlushRequest request = PONTO__DIST__V1__FLUSH_REQUEST__INIT;

	request.tag = bytes(op->tag, sizeof(op->tag));
	return pd_op_call(op, "Flush", &request.base, TIMEOUT_MS, false);
}

static void flushed(struct pd_op *op, const struct pd_outcome *outcome)
{
	pd_op_end(op, pd_error(outcome), 0, NULL);
}

DWORD WINAPI PeerDistClientFlushContent(PEERDIST_INSTANCE_HANDLE handle, PCPEERDIST_CONTENT_TAG tag, HANDLE port,
					ULONG_PTR key, LPOVERLAPPED overlapped)
{
	static const struct pd_op_type type = {ask_flush, flushed, LANE_NONE};
	struct pd_op fill = {.type = &type};
	struct handle_object *held = NULL;
	struct pd_object *instance;
	DWORD error = ERROR_INVALID_PARAMETER;

	if (!tag || !overlapped || !pd_reserved_is_zero(overlapped))
		return ERROR_INVALID_PARAMETER;
	memcpy(fill.tag, tag->Data, sizeof(fill.tag));
	instance = pd_instance(handle);
	if (!instance)
		return ERROR_INVALID_HANDLE;
	if (!port || (held = handle_get(port, &port_type)))
		error = pd_op_begin_at(instance, &fill, overlapped, held, key);
	handle_put(held);
	pd_put(instance);
	return error;
}

DWORD WINAPI PeerDistClientCancelAsyncOperation(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content,
						LPOVERLAPPED overlapped)
{
	struct pd_object *o = pd_object(instance, content, &pd_content_type);
	unsigned count;

	if (!o)
		return ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&pd_lock);
	count = pd_ops_cancel(o, overlapped);
	pthread_mutex_unlock(&pd_lock);
	pd_put(o);
	if (count > 0)
		SetLastError(ERROR_OPERATION_ABORTED); /* as the page has it */
	return count > 0 || !overlapped ? ERROR_SUCCESS : PEERDIST_ERROR_OPERATION_NOTFOUND;
}

DWORD WINAPI PeerDistClientGetInformationByHandle(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENT_HANDLE content,
						  PEERDIST_CLIENT_INFO_BY_HANDLE_CLASS info_class, DWORD size,
						  LPVOID out)
{
	Ponto__Dist__V1__InquireRequest request = PONTO__DIST__V1__INQUIRE_REQUEST__INIT;
	struct pd_object *o;
	ProtobufCMessage *reply;
	uint64_t session;
	bool absent;
	int result;

	if (!out || info_class != PeerDistClientBasicInfo)
		return ERROR_INVALID_PARAMETER;
	if (size < sizeof(PEERDIST_CLIENT_BASIC_INFO))
		return ERROR_INSUFFICIENT_BUFFER;
	o = pd_object(instance, content, &pd_content_type);
	if (!o)
		return ERROR_INVALID_HANDLE;
	request.handle = o->number;
	session = o->session;
	pd_put(o);
	result = pd_ask("Inquire", &request.base, &ponto__dist__v1__inquire_reply__descriptor, &session, &absent,
			&reply);
	if (result != PONTO_OK)
		return result == PONTO_ECLOSED ? PEERDIST_ERROR_INVALIDATED : pd_error_of(result, absent);
	((PEERDIST_CLIENT_BASIC_INFO *)out)->fFlashCrowd = ((const Ponto__Dist__V1__InquireReply *)reply)->flash_crowd;
	protobuf_c_message_free_unpacked(reply, NULL);
	return ERROR_SUCCESS;
}
