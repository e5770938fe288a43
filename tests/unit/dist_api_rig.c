#include "tests/unit/dist_api_rig.h"

static void on_answer(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	struct asked *a = arg;

	(void)error;
	assert_false(a->done);
	a->done = true;
	a->result = result;
	if (result == PONTO_OK) {
		a->reply = protobuf_c_message_unpack(a->type, NULL, payload.len, payload.data);
		assert_non_null(a->reply);
	}
}

void asked_begin(struct lan *lan, unsigned node, uint64_t program, const char *method, const ProtobufCMessage *request,
		 const ProtobufCMessageDescriptor *type, struct asked *asked)
{
	size_t len = protobuf_c_message_get_packed_size(request);
	uint8_t *packed = malloc(len + 1);

	protobuf_c_message_pack(request, packed);
	*asked = (struct asked){.type = type ? type : &ponto__dist__v1__done_reply__descriptor};
	lan_call(lan, node, method, ponto_bytes(packed, len), program, on_answer, asked);
	free(packed);
}

void asked_clear(struct asked *asked)
{
	if (asked->reply)
		protobuf_c_message_free_unpacked(asked->reply, NULL);
	asked->reply = NULL;
}

int asked_end(struct lan *lan, struct asked *asked, ProtobufCMessage **reply)
{
	for (unsigned i = 0; i < 6000 && !asked->done; i++)
		lan_run(lan, 10 * PONTO_MS);
	assert_true(asked->done);
	if (reply)
		*reply = asked->reply;
	else
		asked_clear(asked);
	return asked->result;
}

int ask(struct lan *lan, unsigned node, uint64_t program, const char *method, const ProtobufCMessage *request,
	const ProtobufCMessageDescriptor *type, ProtobufCMessage **reply)
{
	struct asked asked;

	asked_begin(lan, node, program, method, request, type, &asked);
	return asked_end(lan, &asked, reply);
}

uint64_t ask_handle(struct lan *lan, unsigned node, uint64_t program, const char *method,
		    const ProtobufCMessage *request, int *result)
{
	ProtobufCMessage *reply;
	uint64_t handle;
	int r = ask(lan, node, program, method, request, &ponto__dist__v1__handle_reply__descriptor, &reply);

	if (result)
		*result = r;
	else
		assert_ok(r);
	if (r != PONTO_OK)
		return 0;
	handle = ((Ponto__Dist__V1__HandleReply *)reply)->handle;
	protobuf_c_message_free_unpacked(reply, NULL);
	assert_true(handle > 0);
	return handle;
}

int publish(struct lan *lan, uint64_t program, const char *name, struct ponto_bytes data, uint32_t version,
	    size_t piece)
{
	Ponto__Dist__V1__OpenStreamRequest open = MSG(OPEN_STREAM_REQUEST);
	Ponto__Dist__V1__AddToStreamRequest add = MSG(ADD_TO_STREAM_REQUEST);
	Ponto__Dist__V1__CompleteStreamRequest complete = MSG(COMPLETE_STREAM_REQUEST);
	uint64_t handle;
	int result;

	open.content.data = (uint8_t *)(uintptr_t)name;
	open.content.len = strlen(name);
	open.version = version;
	handle = ask_handle(lan, 0, program, "OpenStream", &open.base, &result);
	add.handle = complete.handle = handle;
	for (size_t at = 0; at < data.len && result == PONTO_OK; at += add.data.len) {
		add.data.data = (uint8_t *)(uintptr_t)data.data + at;
		add.data.len = piece < data.len - at ? piece : data.len - at;
		result = ask(lan, 0, program, "AddToStream", &add.base, NULL, NULL);
	}
	if (result == PONTO_OK)
		result = ask(lan, 0, program, "CompleteStream", &complete.base, NULL, NULL);
	if (handle) {
		int closed = close_handle(lan, 0, program, handle);

		result = result == PONTO_OK ? closed : result;
	}
	return result;
}

struct blob retrieve(struct lan *lan, uint64_t program, const char *name, uint64_t start, uint64_t length, uint32_t min,
		     uint32_t max, size_t piece, int *result)
{
	Ponto__Dist__V1__OpenInfoRequest open = MSG(OPEN_INFO_REQUEST);
	Ponto__Dist__V1__RetrieveInfoRequest read = MSG(RETRIEVE_INFO_REQUEST);
	const Ponto__Dist__V1__OpenInfoReply *opened;
	ProtobufCMessage *reply;
	struct blob info = {NULL, 0};
	size_t size;

	open.content.data = (uint8_t *)(uintptr_t)name;
	open.content.len = strlen(name);
	open.start = start;
	open.length = length;
	open.min_version = min;
	open.max_version = max;
	*result = ask(lan, 0, program, "OpenInfo", &open.base, &ponto__dist__v1__open_info_reply__descriptor, &reply);
	if (*result != PONTO_OK)
		return info;
	opened = (const Ponto__Dist__V1__OpenInfoReply *)reply;
	read.handle = opened->handle;
	size = opened->size;
	assert_true(opened->version >= min && opened->version <= max);
	protobuf_c_message_free_unpacked(reply, NULL);
	info.data = malloc(size + 1);
	for (;;) {
		const Ponto__Dist__V1__RetrieveInfoReply *got;

		read.offset = info.len;
		read.max = (uint32_t)piece;
		*result = ask(lan, 0, program, "RetrieveInfo", &read.base,
			      &ponto__dist__v1__retrieve_info_reply__descriptor, &reply);
		if (*result != PONTO_OK) {
			(void)close_handle(lan, 0, program, read.handle);
			free(info.data);
			return (struct blob){NULL, 0};
		}
		got = (const Ponto__Dist__V1__RetrieveInfoReply *)reply;
		assert_true(got->data.len <= piece && got->data.len <= size - info.len);
		if (got->data.len)
			memcpy(info.data + info.len, got->data.data, got->data.len);
		info.len += got->data.len;
		size_t len = got->data.len;

		protobuf_c_message_free_unpacked(reply, NULL);
		if (len == 0)
			break;
	}
	assert_int_equal(info.len, size);
	*result = close_handle(lan, 0, program, read.handle);
	return info;
}

uint64_t open_described(struct lan *lan, unsigned node, uint64_t program, uint8_t tag, struct ponto_bytes info)
{
	Ponto__Dist__V1__OpenContentRequest open = MSG(OPEN_CONTENT_REQUEST);
	Ponto__Dist__V1__DescribeRequest describe = MSG(DESCRIBE_REQUEST);
	Ponto__Dist__V1__DescribedRequest described = MSG(DESCRIBED_REQUEST);
	uint8_t tags[16];

	memset(tags, tag, sizeof(tags));
	open.tag.data = tags;
	open.tag.len = sizeof(tags);
	describe.handle = described.handle = ask_handle(lan, node, program, "OpenContent", &open.base, NULL);
	while (describe.offset < info.len) {
		describe.data.data = (uint8_t *)(uintptr_t)info.data + describe.offset;
		describe.data.len = info.len - describe.offset < 5000 ? info.len - describe.offset : 5000;
		assert_ok(ask(lan, node, program, "Describe", &describe.base, NULL, NULL));
		describe.offset += describe.data.len;
	}
	assert_ok(ask(lan, node, program, "Described", &described.base, &ponto__dist__v1__described_reply__descriptor,
		      NULL));
	return describe.handle;
}

int read_content(struct lan *lan, unsigned node, uint64_t program, uint64_t handle, uint64_t offset, uint32_t max,
		 uint32_t timeout, struct content_read *out)
{
	Ponto__Dist__V1__ReadContentRequest request = MSG(READ_CONTENT_REQUEST);
	const Ponto__Dist__V1__ReadContentReply *got;
	ProtobufCMessage *reply;
	int result;

	request.handle = handle;
	request.offset = offset;
	request.max = max;
	request.timeout_ms = timeout;
	result = ask(lan, node, program, "ReadContent", &request.base, &ponto__dist__v1__read_content_reply__descriptor,
		     &reply);
	if (result != PONTO_OK)
		return result;
	got = (const Ponto__Dist__V1__ReadContentReply *)reply;
	*out = (struct content_read){got->outcome, got->offset, got->length, {NULL, 0}};
	if (got->has_data)
		out->data = blob_copy(got->data.data, got->data.len);
	protobuf_c_message_free_unpacked(reply, NULL);
	return PONTO_OK;
}

int add_data(struct lan *lan, unsigned node, uint64_t program, uint64_t handle, uint64_t offset,
	     struct ponto_bytes data)
{
	Ponto__Dist__V1__AddDataRequest add = MSG(ADD_DATA_REQUEST);

	add.handle = handle;
	add.offset = offset;
	add.data.data = (uint8_t *)(uintptr_t)data.data;
	add.data.len = data.len;
	return ask(lan, node, program, "AddData", &add.base, NULL, NULL);
}

int close_handle(struct lan *lan, unsigned node, uint64_t program, uint64_t handle)
{
	Ponto__Dist__V1__CloseRequest request = MSG(CLOSE_REQUEST);

	request.handle = handle;
	return ask(lan, node, program, "Close", &request.base, NULL, NULL);
}
