/* Content servers: publications, and Content Information of them. */
#include <stdlib.h>
#include <string.h>

#include "api/peerdist/object.h"
#include "framework/base.h"
#include "framework/unpack.h"
#include "plugins/service-dist/dist.pb-c.h"

#define PIECE (960u * 1024) /* of a message */
#define TIMEOUT_MS 60000
#define NAME_MAX_BYTES 4096u
#define LANE 1

static bool good_content(DWORD size, const BYTE *content)
{
	return content && size > 0 && size <= NAME_MAX_BYTES;
}

static ProtobufCBinaryData bytes(const void *data, size_t len)
{
	return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)data, .len = len};
}

static DWORD keep_name(struct pd_object *o, DWORD size, const BYTE *content)
{
	o->content = malloc(size);
	if (!o->content)
		return ERROR_NOT_ENOUGH_MEMORY;
	memcpy(o->content, content, size);
	o->content_size = size;
	return ERROR_SUCCESS;
}

static bool is_named(const struct pd_object *o, DWORD size, const BYTE *content)
{
	return o->content && o->content_size == size && memcmp(o->content, content, size) == 0;
}

/* ---- streams ---------------------------------------------------------------------------------- */

static DWORD open_stream(struct pd_object *o, ULONGLONG length, DWORD version)
{
	Ponto__Dist__V1__OpenStreamRequest request = PONTO__DIST__V1__OPEN_STREAM_REQUEST__INIT;
	ProtobufCMessage *reply;
	bool absent;
	int result;

	request.content = bytes(o->content, o->content_size);
	request.length = length;
	request.version = version;
	request.instance = o->instance->number;
	result = pd_ask("OpenStream", &request.base, &ponto__dist__v1__handle_reply__descriptor, &o->session, &absent,
			&reply);
	if (result == PONTO_EEXIST)
		return PEERDIST_ERROR_ALREADY_EXISTS;
	if (result != PONTO_OK)
		return pd_error_of(result, absent);
	o->number = ((const Ponto__Dist__V1__HandleReply *)reply)->handle;
	protobuf_c_message_free_unpacked(reply, NULL);
	return ERROR_SUCCESS;
}

/* Without options: as the version of the interface that was asked for has it. */
static bool version_of(const struct pd_object *instance, PCPEERDIST_PUBLICATION_OPTIONS options, DWORD *version)
{
	*version = options ? options->dwVersion : instance->version;
	return *version >= PEERDIST_PUBLICATION_OPTIONS_VERSION_1 &&
	       *version <= PEERDIST_PUBLICATION_OPTIONS_VERSION_2 && (!options || options->dwFlags == 0);
}

DWORD WINAPI PeerDistServerPublishStream(PEERDIST_INSTANCE_HANDLE handle, DWORD size, PBYTE content, ULONGLONG length,
					 PCPEERDIST_PUBLICATION_OPTIONS options, HANDLE port, ULONG_PTR key,
					 PPEERDIST_STREAM_HANDLE out)
{
	struct pd_object *instance, *o = NULL;
	DWORD version, error = ERROR_INVALID_PARAMETER;

	if (!out || !good_content(size, content))
		return ERROR_INVALID_PARAMETER;
	instance = pd_instance(handle);
	if (!instance)
		return ERROR_INVALID_HANDLE;
	if (version_of(instance, options, &version))
		error = pd_object_new(&pd_stream_type, PD_STREAM, instance, port, key, &o);
	if (error == ERROR_SUCCESS)
		error = keep_name(o, size, content);
	if (error == ERROR_SUCCESS)
		error = open_stream(o, length, version);
	if (error == ERROR_SUCCESS)
		error = pd_object_open(o, out);
	else
		pd_put(o);
	pd_put(instance);
	return error;
}

static DWORD stream_error(const struct pd_outcome *outcome, bool ending)
{
	if (outcome->result == PONTO_EEXIST)
		return PEERDIST_ERROR_ALREADY_COMPLETED;
	if (outcome->result == PONTO_EINVAL && !ending)
		return PEERDIST_ERROR_OUT_OF_BOUNDS; /* more than the length that was announced */
	return pd_error(outcome);
}

static DWORD piece_of(const struct pd_op *op)
{
	return op->size - op->done < PIECE ? op->size - op->done : PIECE;
}

static bool ask_add(struct pd_op *op)
{
	Ponto__Dist__V1__AddToStreamRequest request = PONTO__DIST__V1__ADD_TO_STREAM_REQUEST__INIT;

	request.handle = op->object->number;
	request.data = bytes(op->buffer + op->done, piece_of(op));
	return pd_op_call(op, "AddToStream", &request.base, TIMEOUT_MS, false);
}

/* What was added before a failure stays added. */
static void added(struct pd_op *op, const struct pd_outcome *outcome)
{
	if (outcome->result != PONTO_OK) {
		op->object->broken |= op->done > 0;
		pd_op_end(op, stream_error(outcome, false), op->done, NULL);
		return;
	}
	op->done += piece_of(op);
	if (op->done < op->size)
		pd_op_go_on(op);
	else
		pd_op_end(op, ERROR_SUCCESS, op->done, NULL);
}

static bool ask_complete(struct pd_op *op)
{
	Ponto__Dist__V1__CompleteStreamRequest request = PONTO__DIST__V1__COMPLETE_STREAM_REQUEST__INIT;

	request.handle = op->object->number;
	return pd_op_call(op, "CompleteStream", &request.base, TIMEOUT_MS, false);
}

static void completed(struct pd_op *op, const struct pd_outcome *outcome)
{
	pd_op_end(op, stream_error(outcome, true), 0, NULL);
}

static DWORD begin_on_stream(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STREAM_HANDLE stream, const struct pd_op *fill,
			     LPOVERLAPPED overlapped)
{
	struct pd_object *o;
	DWORD error = ERROR_OPERATION_ABORTED;
	bool broken;

	if (!overlapped || !pd_reserved_is_zero(overlapped))
		return ERROR_INVALID_PARAMETER;
	o = pd_object(instance, stream, &pd_stream_type);
	if (!o)
		return ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&pd_lock);
	broken = o->broken;
	pthread_mutex_unlock(&pd_lock);
	if (!broken)
		error = pd_op_begin(o, fill, overlapped);
	pd_put(o);
	return error;
}

DWORD WINAPI PeerDistServerPublishAddToStream(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STREAM_HANDLE stream,
					      DWORD size, PBYTE buffer, LPOVERLAPPED overlapped)
{
	static const struct pd_op_type type = {ask_add, added, LANE};
	const struct pd_op fill = {.type = &type, .buffer = buffer, .size = size};

	return buffer && size > 0 ? begin_on_stream(instance, stream, &fill, overlapped) : ERROR_INVALID_PARAMETER;
}

DWORD WINAPI PeerDistServerPublishCompleteStream(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STREAM_HANDLE stream,
						 LPOVERLAPPED overlapped)
{
	static const struct pd_op_type type = {ask_complete, completed, LANE};
	const struct pd_op fill = {.type = &type};

	return begin_on_stream(instance, stream, &fill, overlapped);
}

DWORD WINAPI PeerDistServerCloseStreamHandle(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_STREAM_HANDLE stream)
{
	return pd_object_close(instance, stream, &pd_stream_type);
}

/* ---- by name ------------------------------------------------------------------------------------ */

/* Operations on that content end: all, or that one. */
static unsigned cancel_named(struct pd_object *instance, DWORD size, const BYTE *content, const OVERLAPPED *overlapped)
{
	unsigned count = 0;

	pthread_mutex_lock(&pd_lock);
	for (struct pd_object *o = instance->objects; o; o = o->next) {
		if (is_named(o, size, content))
			count += pd_ops_cancel(o, overlapped);
	}
	pthread_mutex_unlock(&pd_lock);
	return count;
}

DWORD WINAPI PeerDistServerUnpublish(PEERDIST_INSTANCE_HANDLE handle, DWORD size, PBYTE content)
{
	Ponto__Dist__V1__WithdrawRequest request = PONTO__DIST__V1__WITHDRAW_REQUEST__INIT;
	struct pd_object *instance;
	uint64_t session = 0;
	bool absent;
	int result;

	if (!good_content(size, content))
		return ERROR_INVALID_PARAMETER;
	instance = pd_instance(handle);
	if (!instance)
		return ERROR_INVALID_HANDLE;
	request.content = bytes(content, size);
	result = pd_ask("Withdraw", &request.base, NULL, &session, &absent, NULL);
	if (result == PONTO_OK)
		(void)cancel_named(instance, size, content, NULL);
	pd_put(instance);
	return result == PONTO_ENOENT ? ERROR_NOT_FOUND : pd_error_of(result, absent);
}

DWORD WINAPI PeerDistServerCancelAsyncOperation(PEERDIST_INSTANCE_HANDLE handle, DWORD size, PBYTE content,
						LPOVERLAPPED overlapped)
{
	struct pd_object *instance;
	unsigned count;

	if (!good_content(size, content) || !overlapped)
		return ERROR_INVALID_PARAMETER;
	instance = pd_instance(handle);
	if (!instance)
		return ERROR_INVALID_HANDLE;
	count = cancel_named(instance, size, content, overlapped);
	pd_put(instance);
	if (count == 0)
		return PEERDIST_ERROR_OPERATION_NOTFOUND;
	SetLastError(ERROR_OPERATION_ABORTED); /* as the page has it */
	return ERROR_SUCCESS;
}

/* ---- Content Information ----------------------------------------------------------------------------- */

static DWORD open_info(struct pd_object *o, ULONGLONG start, ULONGLONG length, DWORD min, DWORD max)
{
	Ponto__Dist__V1__OpenInfoRequest request = PONTO__DIST__V1__OPEN_INFO_REQUEST__INIT;
	ProtobufCMessage *reply;
	bool absent;
	int result;

	request.content = bytes(o->content, o->content_size);
	request.start = start;
	request.length = length;
	request.min_version = min;
	request.max_version = max;
	request.instance = o->instance->number;
	result = pd_ask("OpenInfo", &request.base, &ponto__dist__v1__open_info_reply__descriptor, &o->session, &absent,
			&reply);
	if (result == PONTO_ENOENT)
		return ERROR_NOT_FOUND;
	if (result == PONTO_ENOTSUP && !absent)
		return PEERDIST_ERROR_CONTENTINFO_VERSION_UNSUPPORTED;
	if (result != PONTO_OK)
		return pd_error_of(result, absent);
	o->number = ((const Ponto__Dist__V1__OpenInfoReply *)reply)->handle;
	protobuf_c_message_free_unpacked(reply, NULL);
	return ERROR_SUCCESS;
}

static DWORD open_info_handle(PEERDIST_INSTANCE_HANDLE handle, DWORD size, const BYTE *content, ULONGLONG start,
			      ULONGLONG length, const PEERDIST_RETRIEVAL_OPTIONS *options, HANDLE port, ULONG_PTR key,
			      PPEERDIST_CONTENTINFO_HANDLE out)
{
	struct pd_object *instance, *o = NULL;
	DWORD error;

	if (!out || !good_content(size, content))
		return ERROR_INVALID_PARAMETER;
	instance = pd_instance(handle);
	if (!instance)
		return ERROR_INVALID_HANDLE;
	error = pd_object_new(&pd_info_type, PD_INFO, instance, port, key, &o);
	if (error == ERROR_SUCCESS)
		error = keep_name(o, size, content);
	if (error == ERROR_SUCCESS)
		error = open_info(o, start, length, options->dwContentInfoMinVersion, options->dwContentInfoMaxVersion);
	if (error == ERROR_SUCCESS)
		error = pd_object_open(o, out);
	else
		pd_put(o);
	pd_put(instance);
	return error;
}

/* What Windows 7's function gives, and what all understand. */
DWORD WINAPI PeerDistServerOpenContentInformation(PEERDIST_INSTANCE_HANDLE handle, DWORD size, PBYTE content,
						  ULONGLONG start, ULONGLONG length, HANDLE port, ULONG_PTR key,
						  PPEERDIST_CONTENTINFO_HANDLE out)
{
	static const PEERDIST_RETRIEVAL_OPTIONS one = {.dwContentInfoMinVersion = 1, .dwContentInfoMaxVersion = 1};

	return open_info_handle(handle, size, content, start, length, &one, port, key, out);
}

static bool is_version(DWORD version)
{
	return version >= PEERDIST_RETRIEVAL_OPTIONS_CONTENTINFO_VERSION_1 &&
	       version <= PEERDIST_RETRIEVAL_OPTIONS_CONTENTINFO_VERSION_2;
}

DWORD WINAPI PeerDistServerOpenContentInformationEx(PEERDIST_INSTANCE_HANDLE handle, DWORD size, PBYTE content,
						    ULONGLONG start, ULONGLONG length,
						    PEERDIST_RETRIEVAL_OPTIONS *options, HANDLE port, ULONG_PTR key,
						    PPEERDIST_CONTENTINFO_HANDLE out)
{
	if (!options || options->cbSize != sizeof(*options) || options->dwReserved != 0 ||
	    !is_version(options->dwContentInfoMinVersion) || !is_version(options->dwContentInfoMaxVersion) ||
	    options->dwContentInfoMinVersion > options->dwContentInfoMaxVersion)
		return ERROR_INVALID_PARAMETER;
	return open_info_handle(handle, size, content, start, length, options, port, key, out);
}

static bool ask_retrieve(struct pd_op *op)
{
	Ponto__Dist__V1__RetrieveInfoRequest request = PONTO__DIST__V1__RETRIEVE_INFO_REQUEST__INIT;

	request.handle = op->object->number;
	request.offset = op->object->offset;
	request.max = op->size;
	return pd_op_call(op, "RetrieveInfo", &request.base, TIMEOUT_MS, false);
}

static void retrieved(struct pd_op *op, const struct pd_outcome *outcome)
{
	ULONGLONG offset = op->object->offset;
	const Ponto__Dist__V1__RetrieveInfoReply *reply;
	ProtobufCMessage *message;
	DWORD size;
	int result;

	if (outcome->result != PONTO_OK) {
		pd_op_end(op, pd_error(outcome), 0, NULL);
		return;
	}
	result = ponto_unpack(&ponto_alloc_system, &ponto__dist__v1__retrieve_info_reply__descriptor,
			      ponto_bytes(outcome->payload, outcome->len), &message);
	reply = (const Ponto__Dist__V1__RetrieveInfoReply *)message;
	if (result != PONTO_OK || reply->data.len > op->size) {
		if (result == PONTO_OK)
			protobuf_c_message_free_unpacked(message, NULL);
		pd_op_end(op, result == PONTO_ENOMEM ? ERROR_NOT_ENOUGH_MEMORY : PEERDIST_ERROR_SERVICE_UNAVAILABLE, 0,
			  NULL);
		return;
	}
	size = (DWORD)reply->data.len;
	if (size > 0)
		memcpy(op->buffer, reply->data.data, size);
	protobuf_c_message_free_unpacked(message, NULL);
	op->object->offset += size;
	pd_op_end(op, size > 0 ? ERROR_SUCCESS : PEERDIST_ERROR_NO_MORE, size, size > 0 ? &offset : NULL);
}

DWORD WINAPI PeerDistServerRetrieveContentInformation(PEERDIST_INSTANCE_HANDLE instance,
						      PEERDIST_CONTENTINFO_HANDLE info, DWORD size, PBYTE buffer,
						      LPOVERLAPPED overlapped)
{
	static const struct pd_op_type type = {ask_retrieve, retrieved, LANE};
	const struct pd_op fill = {.type = &type, .buffer = buffer, .size = size};
	struct pd_object *o;
	DWORD error;

	if (!buffer || size == 0 || !overlapped)
		return ERROR_INVALID_PARAMETER;
	o = pd_object(instance, info, &pd_info_type);
	if (!o)
		return ERROR_INVALID_HANDLE;
	error = pd_op_begin(o, &fill, overlapped);
	pd_put(o);
	return error;
}

DWORD WINAPI PeerDistServerCloseContentInformation(PEERDIST_INSTANCE_HANDLE instance, PEERDIST_CONTENTINFO_HANDLE info)
{
	return pd_object_close(instance, info, &pd_info_type);
}
