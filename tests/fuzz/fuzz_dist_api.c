/* Programs of peerdist.h that are hostile: calls of three programs of two users at a simulated service-dist, in an
 * order and with numbers that the input says. Each is answered once, what a user has stays within its bound, and when
 * the programs are gone nothing of them is left. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "plugins/service-dist/dist_api.h"
#include "tests/sim/sim_lan.h"

#define HANDLES 8
#define CONTENT 150000
#define CALLS 300

struct call {
	bool done;
	int result;
	uint64_t *handle; /* gets what was opened */
};

struct play {
	struct lan lan;
	const uint8_t *data;
	size_t size;
	struct call calls[CALLS];
	unsigned count;
	uint64_t handles[HANDLES];
	unsigned next;
	uint8_t content[CONTENT];
	struct blob info[2];
};

static uint8_t next_byte(struct play *p)
{
	if (p->size == 0)
		return 0;
	p->size--;
	return *p->data++;
}

/* Small numbers, edges, and any. */
static uint64_t next_number(struct play *p)
{
	uint8_t b = next_byte(p);
	uint64_t n = 0;

	if (b < 128)
		return b;
	if (b < 192)
		return (uint64_t)(b - 128) * 4096 + next_byte(p);
	if (b < 224)
		return UINT64_MAX - (b - 192);
	for (unsigned i = 0; i < 8; i++)
		n = n << 8 | next_byte(p);
	return n;
}

static ProtobufCBinaryData slice(struct play *p, const uint8_t *from, size_t len)
{
	uint64_t at = next_number(p) % (len + 1), count = next_number(p) * 977;

	return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)from + at, .len = count % (len - at + 1)};
}

static void on_answer(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	struct call *call = arg;
	Ponto__Dist__V1__HandleReply *reply;

	(void)error;
	FUZZ_REQUIRE(!call->done);
	call->done = true;
	call->result = result;
	if (result != PONTO_OK || !call->handle)
		return;
	reply = ponto__dist__v1__handle_reply__unpack(NULL, payload.len, payload.data);
	if (reply) {
		*call->handle = reply->handle;
		ponto__dist__v1__handle_reply__free_unpacked(reply, NULL);
	}
}

static void send(struct play *p, const char *method, const ProtobufCMessage *request, bool opens)
{
	size_t len = protobuf_c_message_get_packed_size(request);
	uint8_t *packed = malloc(len + 1);
	struct call *call = &p->calls[p->count++];
	uint8_t who = next_byte(p) % 3;

	FUZZ_REQUIRE(packed);
	protobuf_c_message_pack(request, packed);
	call->handle = opens ? &p->handles[p->next++ % HANDLES] : NULL;
	p->lan.uid = who == 2 ? 1001 : 1000;
	lan_call(&p->lan, 0, method, ponto_bytes(packed, len), 1 + who, on_answer, call);
	free(packed);
}

static uint64_t some_handle(struct play *p)
{
	return p->handles[next_byte(p) % HANDLES];
}

static void server_call(struct play *p, uint8_t which)
{
	static uint8_t names[4096 + 8];
	Ponto__Dist__V1__OpenStreamRequest open = PONTO__DIST__V1__OPEN_STREAM_REQUEST__INIT;
	Ponto__Dist__V1__AddToStreamRequest add = PONTO__DIST__V1__ADD_TO_STREAM_REQUEST__INIT;
	Ponto__Dist__V1__CompleteStreamRequest complete = PONTO__DIST__V1__COMPLETE_STREAM_REQUEST__INIT;
	Ponto__Dist__V1__WithdrawRequest withdraw = PONTO__DIST__V1__WITHDRAW_REQUEST__INIT;
	Ponto__Dist__V1__OpenInfoRequest info = PONTO__DIST__V1__OPEN_INFO_REQUEST__INIT;
	Ponto__Dist__V1__RetrieveInfoRequest retrieve = PONTO__DIST__V1__RETRIEVE_INFO_REQUEST__INIT;
	const ProtobufCBinaryData name = {.data = names,
					  .len = next_byte(p) % 4 ? 1 : (size_t)(next_number(p) % sizeof(names))};

	switch (which % 6) {
	case 0:
		open.content = name;
		open.length = next_number(p);
		open.version = next_byte(p) % 4;
		open.instance = next_byte(p) % 2;
		send(p, "OpenStream", &open.base, true);
		break;
	case 1:
		add.handle = some_handle(p);
		add.data = slice(p, p->content, CONTENT);
		send(p, "AddToStream", &add.base, false);
		break;
	case 2:
		complete.handle = some_handle(p);
		send(p, "CompleteStream", &complete.base, false);
		break;
	case 3:
		withdraw.content = name;
		send(p, "Withdraw", &withdraw.base, false);
		break;
	case 4:
		info.content = name;
		info.start = next_number(p);
		info.length = next_number(p);
		info.min_version = next_byte(p) % 4;
		info.max_version = next_byte(p) % 4;
		send(p, "OpenInfo", &info.base, true);
		break;
	default:
		retrieve.handle = some_handle(p);
		retrieve.offset = next_number(p);
		retrieve.max = (uint32_t)next_number(p);
		send(p, "RetrieveInfo", &retrieve.base, false);
		break;
	}
}

/* Mostly descriptions that are right, and some with a byte changed. */
static void describe(struct play *p)
{
	Ponto__Dist__V1__DescribeRequest request = PONTO__DIST__V1__DESCRIBE_REQUEST__INIT;
	const struct blob *info = &p->info[next_byte(p) % 2];
	uint8_t how = next_byte(p);
	struct blob copy = blob_copy(info->data, info->len);

	request.handle = some_handle(p);
	if (how % 4 == 0)
		copy.data[next_number(p) % copy.len] ^= how;
	request.data = (ProtobufCBinaryData){.data = copy.data, .len = copy.len};
	if (how % 4 == 1) {
		request.offset = next_number(p);
		request.data = slice(p, copy.data, copy.len);
	}
	send(p, "Describe", &request.base, false);
	free(copy.data);
}

static void client_call(struct play *p, uint8_t which)
{
	static uint8_t tag[17] = {1};
	Ponto__Dist__V1__OpenContentRequest open = PONTO__DIST__V1__OPEN_CONTENT_REQUEST__INIT;
	Ponto__Dist__V1__DescribedRequest described = PONTO__DIST__V1__DESCRIBED_REQUEST__INIT;
	Ponto__Dist__V1__ReadContentRequest read = PONTO__DIST__V1__READ_CONTENT_REQUEST__INIT;
	Ponto__Dist__V1__AddDataRequest add = PONTO__DIST__V1__ADD_DATA_REQUEST__INIT;
	Ponto__Dist__V1__InquireRequest inquire = PONTO__DIST__V1__INQUIRE_REQUEST__INIT;
	Ponto__Dist__V1__FlushRequest flush = PONTO__DIST__V1__FLUSH_REQUEST__INIT;

	switch (which % 7) {
	case 0:
		open.tag = (ProtobufCBinaryData){.data = tag, .len = next_byte(p) % 16 ? 16 : next_byte(p) % 18};
		send(p, "OpenContent", &open.base, true);
		break;
	case 1:
		describe(p);
		break;
	case 2:
		described.handle = some_handle(p);
		send(p, "Described", &described.base, false);
		break;
	case 3:
		read.handle = some_handle(p);
		read.operation = next_byte(p) % 4;
		read.offset = next_number(p);
		read.max = (uint32_t)next_number(p);
		read.timeout_ms = (uint32_t)next_number(p);
		send(p, "ReadContent", &read.base, false);
		break;
	case 4:
		add.handle = some_handle(p);
		add.data = slice(p, p->content, CONTENT);
		add.offset = next_byte(p) % 4 ? (uint64_t)(add.data.data - p->content) : next_number(p);
		send(p, "AddData", &add.base, false);
		break;
	case 5:
		inquire.handle = some_handle(p);
		send(p, "Inquire", &inquire.base, false);
		break;
	default:
		flush.tag = (ProtobufCBinaryData){.data = tag, .len = 16};
		send(p, "Flush", &flush.base, false);
		break;
	}
}

static void other_call(struct play *p, uint8_t which)
{
	Ponto__Dist__V1__StateRequest state = PONTO__DIST__V1__STATE_REQUEST__INIT;
	Ponto__Dist__V1__StopRequest stop = PONTO__DIST__V1__STOP_REQUEST__INIT;
	Ponto__Dist__V1__CloseRequest close = PONTO__DIST__V1__CLOSE_REQUEST__INIT;
	Ponto__Dist__V1__EndInstanceRequest end = PONTO__DIST__V1__END_INSTANCE_REQUEST__INIT;
	const struct ponto_service *service = &p->lan.nodes[0].service;

	switch (which % 6) {
	case 0:
		state.has_unlike = next_byte(p) % 2;
		state.unlike = next_byte(p) % 4;
		send(p, "State", &state.base, false);
		break;
	case 1:
		stop.handle = some_handle(p);
		stop.has_operation = next_byte(p) % 2;
		stop.operation = next_byte(p) % 4;
		send(p, "Stop", &stop.base, false);
		break;
	case 2:
		close.handle = some_handle(p);
		send(p, "Close", &close.base, false);
		break;
	case 3:
		end.instance = next_byte(p) % 2;
		send(p, "EndInstance", &end.base, false);
		break;
	case 4:
		service->ops->client_gone(service->self, 1 + next_byte(p) % 3);
		break;
	default:
		lan_run(&p->lan, next_byte(p) * 1000 * PONTO_MS / 16);
		break;
	}
}

/* What a user's programs have is counted, and never too much. */
static void look(const struct play *p)
{
	const struct dist *dist = p->lan.nodes[0].service.self;

	for (const struct dist_api_user *user = dist->api->users; user; user = user->next) {
		/* hashes that have just been made are counted afterwards */
		FUZZ_REQUIRE(user->bytes <= dist->api->limit + 65536);
		FUZZ_REQUIRE(user->handles <= DIST_API_USER_HANDLES && user->reads <= DIST_API_USER_READS);
	}
}

static void play(struct play *p)
{
	const struct ponto_service *service = &p->lan.nodes[0].service;
	const struct dist *dist = service->self;

	while (p->size > 0 && p->count < CALLS) {
		uint8_t which = next_byte(p);

		if (which < 100)
			server_call(p, which);
		else if (which < 200)
			client_call(p, which);
		else
			other_call(p, which);
		look(p);
	}
	for (uint64_t program = 1; program <= 3; program++)
		service->ops->client_gone(service->self, program);
	lan_run(&p->lan, 60 * PONTO_SECOND);
	for (unsigned i = 0; i < p->count; i++)
		FUZZ_REQUIRE(p->calls[i].done);
	FUZZ_REQUIRE(!dist->api->handles && !dist->api->users && !dist->api->publications && !dist->api->waits);
	FUZZ_REQUIRE(!dist->api->reads && !dist->api->seeks && dist->api->jobs == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const settings[] = {"programs_memory=2", NULL};
	struct play *p = calloc(1, sizeof(*p));
	struct content_made made;

	FUZZ_REQUIRE(p);
	p->data = data;
	p->size = size;
	for (size_t i = 0; i < CONTENT; i++)
		p->content[i] = (uint8_t)(i % 251 + i / 4096);
	for (unsigned v = 0; v < 2; v++) {
		made = content_make(v ? CONTENT_TRUNCATED : CONTENT_SHA256, ponto_bytes(p->content, CONTENT), NULL);
		p->info[v] = content_describe(&made, 0, CONTENT);
		content_made_free(&made);
	}
	lan_init(&p->lan, 1);
	(void)lan_add(&p->lan, settings);
	lan_run(&p->lan, PONTO_SECOND);
	play(p);
	lan_clear(&p->lan);
	free(p->info[0].data);
	free(p->info[1].data);
	free(p);
	return 0;
}
