/* Programs of peerdist.h at service-dist, in simulated nodes: what they publish, and how it is described. */
#include <stdio.h>

#include "tests/unit/dist_api_rig.h"

static struct lan *scene(const char *const *settings, unsigned nodes)
{
	Ponto__Dist__V1__SecretRequest secret = MSG(SECRET_REQUEST);
	struct lan *lan = calloc(1, sizeof(*lan));

	assert_non_null(lan);
	lan_init(lan, 1);
	for (unsigned i = 0; i < nodes; i++)
		assert_int_equal(lan_add(lan, settings), i);
	lan_run(lan, PONTO_SECOND);
	secret.has_key = true;
	secret.key.data = (uint8_t *)(uintptr_t)SECRET_KEY;
	secret.key.len = strlen(SECRET_KEY);
	assert_ok(ask(lan, 0, 99, "Secret", &secret.base, &ponto__dist__v1__secret_reply__descriptor, NULL));
	return lan;
}

static void end_scene(struct lan *lan)
{
	lan_clear(lan);
	free(lan);
}

static uint64_t open_stream(struct lan *lan, uint64_t program, const char *name, uint64_t length, int *result)
{
	Ponto__Dist__V1__OpenStreamRequest open = MSG(OPEN_STREAM_REQUEST);

	open.content.data = (uint8_t *)(uintptr_t)name;
	open.content.len = strlen(name);
	open.version = 2;
	open.length = length;
	return ask_handle(lan, 0, program, "OpenStream", &open.base, result);
}

static int add_to(struct lan *lan, uint64_t program, uint64_t handle, const void *data, size_t len)
{
	Ponto__Dist__V1__AddToStreamRequest add = MSG(ADD_TO_STREAM_REQUEST);

	add.handle = handle;
	add.data.data = (uint8_t *)(uintptr_t)data;
	add.data.len = len;
	return ask(lan, 0, program, "AddToStream", &add.base, NULL, NULL);
}

static int complete(struct lan *lan, uint64_t program, uint64_t handle)
{
	Ponto__Dist__V1__CompleteStreamRequest request = MSG(COMPLETE_STREAM_REQUEST);

	request.handle = handle;
	return ask(lan, 0, program, "CompleteStream", &request.base, NULL, NULL);
}

static int withdraw(struct lan *lan, uint64_t program, const char *name)
{
	Ponto__Dist__V1__WithdrawRequest request = MSG(WITHDRAW_REQUEST);

	request.content.data = (uint8_t *)(uintptr_t)name;
	request.content.len = strlen(name);
	return ask(lan, 0, program, "Withdraw", &request.base, NULL, NULL);
}

static int info_result(struct lan *lan, uint64_t program, const char *name, uint64_t start, uint64_t length,
		       uint32_t min, uint32_t max)
{
	int result;
	struct blob info = retrieve(lan, program, name, start, length, min, max, 100000, &result);

	free(info.data);
	return result;
}

/* ---- descriptions -------------------------------------------------------------------------------- */

static void described_as(struct lan *lan, const struct content_made *made, uint64_t start, uint64_t length,
			 size_t piece)
{
	uint32_t version = content_is_v2(made->algo) ? 2 : 1;
	struct blob expected = content_describe(made, start, length ? length : made->size);
	int result;
	struct blob info = retrieve(lan, 1, "x", start, length, version, version, piece, &result);

	assert_ok(result);
	assert_int_equal(info.len, expected.len);
	assert_memory_equal(info.data, expected.data, info.len);
	free(info.data);
	free(expected.data);
}

/* Whatever the pieces that the bytes come in, and those that the description is read in. */
static void contents_are_described_as_they_are(void **state)
{
	static const char *const v1[] = {"sha256", "sha384", "sha512"};
	struct blob data = pattern(34 * 1024 * 1024 + 4321);

	(void)state;
	for (unsigned a = 0; a < 3; a++) {
		char setting[32];
		const char *const settings[] = {setting, NULL};
		struct content_made one = content_make((enum content_algo)(CONTENT_SHA256 + a), bytes_of(&data), NULL),
				    two = content_make(CONTENT_TRUNCATED, bytes_of(&data), NULL);
		struct lan *lan;

		snprintf(setting, sizeof(setting), "algorithm=%s", v1[a]);
		lan = scene(settings, 1);
		assert_ok(publish(lan, 1, "x", bytes_of(&data), 2, a == 0 ? 70001 : a == 1 ? 65536 : 900000));
		described_as(lan, &one, 0, 0, 100000);
		described_as(lan, &one, 1000000, 5, 100000);
		described_as(lan, &one, 33 * 1024 * 1024, 700000, 777);
		described_as(lan, &two, 0, 0, 100000);
		described_as(lan, &two, 0, 0, 311);
		described_as(lan, &two, 7777777, 1234567, 50);
		end_scene(lan);
		content_made_free(&one);
		content_made_free(&two);
	}
	free(data.data);
}

/* Any place may be read again, and none behind the end. */
static void descriptions_are_read_from_any_place(void **state)
{
	struct lan *lan = scene(NULL, 1);
	struct blob data = pattern(300000);
	struct content_made made = content_make(CONTENT_SHA256, bytes_of(&data), NULL);
	struct blob expected = content_describe(&made, 0, data.len);
	Ponto__Dist__V1__OpenInfoRequest open = MSG(OPEN_INFO_REQUEST);
	Ponto__Dist__V1__RetrieveInfoRequest read = MSG(RETRIEVE_INFO_REQUEST);
	ProtobufCMessage *reply;

	(void)state;
	assert_ok(publish(lan, 1, "x", bytes_of(&data), 1, 100000));
	open.content.data = (uint8_t *)(uintptr_t) "x";
	open.content.len = 1;
	open.min_version = open.max_version = 1;
	assert_ok(ask(lan, 0, 1, "OpenInfo", &open.base, &ponto__dist__v1__open_info_reply__descriptor, &reply));
	read.handle = ((Ponto__Dist__V1__OpenInfoReply *)reply)->handle;
	protobuf_c_message_free_unpacked(reply, NULL);
	for (unsigned i = 0; i < 60; i++) {
		const Ponto__Dist__V1__RetrieveInfoReply *got;

		read.offset = i * 7919 % (expected.len + 1);
		read.max = 1 + i * 13;
		assert_ok(ask(lan, 0, 1, "RetrieveInfo", &read.base, &ponto__dist__v1__retrieve_info_reply__descriptor,
			      &reply));
		got = (const Ponto__Dist__V1__RetrieveInfoReply *)reply;
		assert_true(got->data.len == read.max || read.offset + got->data.len == expected.len);
		if (got->data.len)
			assert_memory_equal(got->data.data, expected.data + read.offset, got->data.len);
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	read.offset = expected.len + 1;
	assert_int_equal(ask(lan, 0, 1, "RetrieveInfo", &read.base, NULL, NULL), PONTO_EINVAL);
	read.offset = read.max = 0;
	assert_int_equal(ask(lan, 0, 1, "RetrieveInfo", &read.base, NULL, NULL), PONTO_EINVAL);
	end_scene(lan);
	content_made_free(&made);
	free(expected.data);
	free(data.data);
}

static void versions_are_as_published_and_wanted(void **state)
{
	static const char *const settings[] = {"information=1.0", NULL};
	struct lan *lan = scene(NULL, 1);
	struct blob data = pattern(100000), info;
	int result;

	(void)state;
	assert_ok(publish(lan, 1, "one", bytes_of(&data), 1, 100000));
	assert_ok(publish(lan, 1, "both", bytes_of(&data), 2, 100000));
	info = retrieve(lan, 1, "both", 0, 0, 1, 2, 1000, &result);
	assert_ok(result);
	assert_true(info.data[0] == 0 && info.data[1] == 2); /* the highest */
	free(info.data);
	info = retrieve(lan, 1, "one", 0, 0, 1, 2, 1000, &result);
	assert_ok(result);
	assert_true(info.data[0] == 0 && info.data[1] == 1);
	free(info.data);
	assert_int_equal(info_result(lan, 1, "one", 0, 0, 2, 2), PONTO_ENOTSUP);
	assert_int_equal(info_result(lan, 1, "both", 0, 0, 3, 4), PONTO_ENOTSUP);
	assert_int_equal(info_result(lan, 1, "both", 0, 0, 2, 1), PONTO_ENOTSUP);
	end_scene(lan);
	/* what the administrator does not give out is not given out */
	lan = scene(settings, 1);
	assert_ok(publish(lan, 1, "both", bytes_of(&data), 2, 100000));
	assert_int_equal(info_result(lan, 1, "both", 0, 0, 2, 2), PONTO_ENOTSUP);
	assert_ok(info_result(lan, 1, "both", 0, 0, 1, 2));
	end_scene(lan);
	free(data.data);
}

static void ranges_beyond_the_content(void **state)
{
	struct lan *lan = scene(NULL, 1);
	struct blob data = pattern(100000);

	(void)state;
	assert_ok(publish(lan, 1, "x", bytes_of(&data), 2, 100000));
	assert_ok(info_result(lan, 1, "x", 99999, 1, 1, 2));
	assert_int_equal(info_result(lan, 1, "x", 100000, 1, 1, 2), PONTO_EINVAL);
	assert_int_equal(info_result(lan, 1, "x", 99999, 2, 1, 2), PONTO_EINVAL);
	assert_int_equal(info_result(lan, 1, "x", 5, 0, 1, 2), PONTO_EINVAL);
	assert_int_equal(info_result(lan, 1, "x", 0, UINT64_MAX, 1, 1), PONTO_EINVAL);
	assert_ok(publish(lan, 1, "empty", ponto_bytes(NULL, 0), 2, 1));
	assert_int_equal(info_result(lan, 1, "empty", 0, 0, 1, 2), PONTO_EINVAL);
	end_scene(lan);
	free(data.data);
}

/* ---- whose it is, and until when ------------------------------------------------------------------ */

static void publications_are_the_users(void **state)
{
	struct lan *lan = scene(NULL, 1);
	struct blob data = pattern(100000), other = pattern(50000);
	uint64_t handle;
	int result;

	(void)state;
	assert_ok(publish(lan, 1, "x", bytes_of(&data), 2, 100000));
	assert_int_equal(publish(lan, 1, "x", bytes_of(&data), 2, 100000), PONTO_EEXIST);
	assert_int_equal(publish(lan, 2, "x", bytes_of(&data), 2, 100000), PONTO_EEXIST);
	assert_ok(info_result(lan, 2, "x", 0, 0, 1, 2));
	lan->uid = 1001;
	assert_int_equal(info_result(lan, 3, "x", 0, 0, 1, 2), PONTO_ENOENT);
	assert_int_equal(withdraw(lan, 3, "x"), PONTO_ENOENT);
	assert_ok(publish(lan, 3, "x", bytes_of(&other), 2, 100000));
	assert_int_equal(info_result(lan, 3, "x", 0, 100000, 1, 2), PONTO_EINVAL); /* it is the other one */
	lan->uid = 1000;
	assert_ok(info_result(lan, 1, "x", 0, 100000, 1, 2));
	assert_ok(withdraw(lan, 2, "x"));
	assert_int_equal(withdraw(lan, 2, "x"), PONTO_ENOENT);
	assert_int_equal(info_result(lan, 1, "x", 0, 0, 1, 2), PONTO_ENOENT);
	/* a handle is nobody else's, not even the same user's */
	handle = open_stream(lan, 1, "y", 0, &result);
	assert_ok(result);
	assert_int_equal(add_to(lan, 2, handle, "a", 1), PONTO_ENOENT);
	assert_int_equal(close_handle(lan, 0, 2, handle), PONTO_ENOENT);
	assert_ok(add_to(lan, 1, handle, "a", 1));
	end_scene(lan);
	free(data.data);
	free(other.data);
}

static void only_what_is_complete_is_published(void **state)
{
	struct lan *lan = scene(NULL, 1);
	uint64_t handle;
	int result;

	(void)state;
	handle = open_stream(lan, 1, "x", 10, &result);
	assert_ok(result);
	assert_ok(add_to(lan, 1, handle, "0123", 4));
	assert_int_equal(info_result(lan, 1, "x", 0, 0, 1, 2), PONTO_ENOENT);
	assert_int_equal(complete(lan, 1, handle), PONTO_EINVAL); /* less than announced */
	assert_int_equal(add_to(lan, 1, handle, "0123456", 7), PONTO_EINVAL);
	assert_ok(add_to(lan, 1, handle, "456789", 6));
	assert_ok(complete(lan, 1, handle));
	assert_int_equal(complete(lan, 1, handle), PONTO_EEXIST);
	assert_int_equal(add_to(lan, 1, handle, "a", 1), PONTO_EEXIST);
	assert_ok(info_result(lan, 1, "x", 0, 0, 1, 2));
	assert_ok(close_handle(lan, 0, 1, handle));
	assert_int_equal(close_handle(lan, 0, 1, handle), PONTO_ENOENT);
	assert_ok(info_result(lan, 1, "x", 0, 0, 1, 2));
	/* closed before: nothing is published, and the name is free */
	handle = open_stream(lan, 1, "y", 0, &result);
	assert_ok(add_to(lan, 1, handle, "0123", 4));
	assert_ok(close_handle(lan, 0, 1, handle));
	assert_int_equal(withdraw(lan, 1, "y"), PONTO_ENOENT);
	/* withdrawn meanwhile */
	handle = open_stream(lan, 1, "y", 0, &result);
	assert_ok(withdraw(lan, 1, "y"));
	assert_int_equal(add_to(lan, 1, handle, "0123", 4), PONTO_ENOENT);
	assert_int_equal(complete(lan, 1, handle), PONTO_ENOENT);
	assert_ok(close_handle(lan, 0, 1, handle));
	end_scene(lan);
}

static void end_instance(struct lan *lan, uint64_t program, uint64_t instance)
{
	Ponto__Dist__V1__EndInstanceRequest request = MSG(END_INSTANCE_REQUEST);

	request.instance = instance;
	assert_ok(ask(lan, 0, program, "EndInstance", &request.base, NULL, NULL));
}

static void publications_end_with_who_made_them(void **state)
{
	struct lan *lan = scene(NULL, 1);
	struct blob data = pattern(100000);
	const struct ponto_service *service = &lan->nodes[0].service;

	(void)state;
	assert_ok(publish(lan, 1, "x", bytes_of(&data), 2, 100000));
	assert_ok(publish(lan, 2, "y", bytes_of(&data), 2, 100000));
	end_instance(lan, 1, 7);
	assert_ok(info_result(lan, 1, "x", 0, 0, 1, 2));
	end_instance(lan, 1, 0);
	assert_int_equal(info_result(lan, 1, "x", 0, 0, 1, 2), PONTO_ENOENT);
	assert_ok(info_result(lan, 1, "y", 0, 0, 1, 2));
	service->ops->client_gone(service->self, 2);
	assert_int_equal(info_result(lan, 1, "y", 0, 0, 1, 2), PONTO_ENOENT);
	end_scene(lan);
	free(data.data);
}

/* A description that is being read when its content is withdrawn is none any more. */
static void withdrawn_while_it_is_read(void **state)
{
	struct lan *lan = scene(NULL, 1);
	struct blob data = pattern(100000);
	Ponto__Dist__V1__OpenInfoRequest open = MSG(OPEN_INFO_REQUEST);
	Ponto__Dist__V1__RetrieveInfoRequest read = MSG(RETRIEVE_INFO_REQUEST);
	struct asked asked;
	ProtobufCMessage *reply;

	(void)state;
	assert_ok(publish(lan, 1, "x", bytes_of(&data), 2, 100000));
	open.content.data = (uint8_t *)(uintptr_t) "x";
	open.content.len = 1;
	open.min_version = open.max_version = 2;
	assert_ok(ask(lan, 0, 1, "OpenInfo", &open.base, &ponto__dist__v1__open_info_reply__descriptor, &reply));
	read.handle = ((Ponto__Dist__V1__OpenInfoReply *)reply)->handle;
	read.max = 1000;
	protobuf_c_message_free_unpacked(reply, NULL);
	asked_begin(lan, 0, 1, "RetrieveInfo", &read.base, &ponto__dist__v1__retrieve_info_reply__descriptor, &asked);
	assert_int_equal(ask(lan, 0, 1, "RetrieveInfo", &read.base, NULL, NULL), PONTO_EBUSY);
	assert_ok(asked_end(lan, &asked, NULL));
	asked_begin(lan, 0, 1, "RetrieveInfo", &read.base, &ponto__dist__v1__retrieve_info_reply__descriptor, &asked);
	assert_ok(withdraw(lan, 1, "x"));
	assert_int_equal(asked_end(lan, &asked, NULL), PONTO_ENOENT);
	assert_int_equal(ask(lan, 0, 1, "RetrieveInfo", &read.base, NULL, NULL), PONTO_ENOENT);
	/* and closed while it is */
	assert_ok(publish(lan, 1, "x", bytes_of(&data), 2, 100000));
	assert_ok(close_handle(lan, 0, 1, read.handle));
	assert_ok(ask(lan, 0, 1, "OpenInfo", &open.base, &ponto__dist__v1__open_info_reply__descriptor, &reply));
	read.handle = ((Ponto__Dist__V1__OpenInfoReply *)reply)->handle;
	protobuf_c_message_free_unpacked(reply, NULL);
	asked_begin(lan, 0, 1, "RetrieveInfo", &read.base, &ponto__dist__v1__retrieve_info_reply__descriptor, &asked);
	assert_ok(close_handle(lan, 0, 1, read.handle));
	assert_int_equal(asked_end(lan, &asked, NULL), PONTO_ECLOSED);
	end_scene(lan);
	free(data.data);
}

/* ---- what is too much ------------------------------------------------------------------------------- */

static void users_are_bounded(void **state)
{
	static const char *const settings[] = {"programs_memory=2", NULL};
	struct lan *lan = scene(settings, 1);
	struct blob data = pattern(900000);
	Ponto__Dist__V1__OpenContentRequest open = MSG(OPEN_CONTENT_REQUEST);
	uint8_t tag[16] = {0};
	uint64_t handle, first = 0;
	int result = PONTO_OK;
	unsigned count = 0;
	char name[16];

	(void)state;
	/* streams that grow take memory: a few of them are all there may be */
	for (; result == PONTO_OK && count < 100; count++) {
		snprintf(name, sizeof(name), "n%u", count);
		handle = open_stream(lan, 1, name, 0, &result);
		first = first ? first : handle;
	}
	assert_int_equal(result, PONTO_ELIMIT);
	assert_true(count > 2 && count < 20);
	lan->uid = 1001; /* which is no other user's loss */
	assert_ok(publish(lan, 2, "x", bytes_of(&data), 2, data.len));
	lan->uid = 1000;
	assert_ok(close_handle(lan, 0, 1, first));
	(void)open_stream(lan, 1, "again", 0, &result);
	assert_ok(result);
	/* handles: of a program, of a user */
	open.tag.data = tag;
	open.tag.len = 16;
	for (count = 0, result = PONTO_OK; result == PONTO_OK && count < 2000; count++)
		(void)ask_handle(lan, 0, 3, "OpenContent", &open.base, &result);
	assert_int_equal(result, PONTO_ELIMIT);
	assert_int_equal(count, 257);
	for (uint64_t program = 4; program < 10; program++) {
		for (result = PONTO_OK; result == PONTO_OK && count < 2000; count++)
			(void)ask_handle(lan, 0, program, "OpenContent", &open.base, &result);
		assert_int_equal(result, PONTO_ELIMIT);
	}
	assert_true(count < 1040);
	lan->uid = 1002;
	(void)ask_handle(lan, 0, 11, "OpenContent", &open.base, &result);
	assert_ok(result);
	end_scene(lan);
	free(data.data);
}

/* Hashes of what was withdrawn are not held by a description that somebody keeps open. */
static void what_is_withdrawn_is_given_back(void **state)
{
	static const char *const settings[] = {"programs_memory=2", NULL};
	struct lan *lan = scene(settings, 1);
	struct blob data = pattern(960000);
	Ponto__Dist__V1__OpenInfoRequest open = MSG(OPEN_INFO_REQUEST);

	(void)state;
	open.content.data = (uint8_t *)(uintptr_t) "x";
	open.content.len = 1;
	open.min_version = open.max_version = 1;
	for (unsigned i = 0; i < 200; i++) {
		assert_ok(publish(lan, 1, "x", bytes_of(&data), 2, data.len));
		assert_ok(ask(lan, 0, 1, "OpenInfo", &open.base, &ponto__dist__v1__open_info_reply__descriptor, NULL));
		assert_ok(withdraw(lan, 1, "x"));
	}
	end_scene(lan);
	free(data.data);
}

static void a_content_too_large_for_its_user(void **state)
{
	static const char *const settings[] = {"programs_memory=2", NULL};
	struct lan *lan = scene(settings, 1);
	struct blob data = pattern(960000);
	uint64_t handle;
	int result;
	unsigned count = 0;

	(void)state;
	handle = open_stream(lan, 1, "x", 0, &result);
	for (; result == PONTO_OK && count < 5000; count++)
		result = add_to(lan, 1, handle, data.data, data.len);
	assert_int_equal(result, PONTO_ELIMIT);
	assert_true(count > 900); /* a gigabyte takes a megabyte of hashes */
	assert_ok(close_handle(lan, 0, 1, handle));
	assert_ok(publish(lan, 1, "x", bytes_of(&data), 2, data.len));
	end_scene(lan);
	free(data.data);
}

static void kept_from_programs(void **state)
{
	static const char *const settings[] = {"programs=false", NULL};
	struct lan *lan = scene(settings, 1);
	Ponto__Dist__V1__StateRequest request = MSG(STATE_REQUEST);
	Ponto__Dist__V1__OpenContentRequest open = MSG(OPEN_CONTENT_REQUEST);
	Ponto__Dist__V1__FlushRequest flush = MSG(FLUSH_REQUEST);
	uint8_t tag[16] = {0};
	ProtobufCMessage *reply;
	int result;

	(void)state;
	assert_ok(ask(lan, 0, 1, "State", &request.base, &ponto__dist__v1__state_reply__descriptor, &reply));
	assert_int_equal(((Ponto__Dist__V1__StateReply *)reply)->state, 0);
	protobuf_c_message_free_unpacked(reply, NULL);
	(void)open_stream(lan, 1, "x", 0, &result);
	assert_int_equal(result, PONTO_EACCES);
	assert_int_equal(withdraw(lan, 1, "x"), PONTO_EACCES);
	assert_int_equal(info_result(lan, 1, "x", 0, 0, 1, 2), PONTO_EACCES);
	open.tag.data = flush.tag.data = tag;
	open.tag.len = flush.tag.len = 16;
	(void)ask_handle(lan, 0, 1, "OpenContent", &open.base, &result);
	assert_int_equal(result, PONTO_EACCES);
	assert_int_equal(ask(lan, 0, 1, "Flush", &flush.base, NULL, NULL), PONTO_EACCES);
	end_scene(lan);
}

static void the_state_and_its_changes(void **state)
{
	struct lan *lan = scene(NULL, 1);
	Ponto__Dist__V1__StateRequest request = MSG(STATE_REQUEST);
	struct asked asked;
	const struct ponto_service *service = &lan->nodes[0].service;

	(void)state;
	asked_begin(lan, 0, 1, "State", &request.base, &ponto__dist__v1__state_reply__descriptor, &asked);
	assert_true(asked.done);
	assert_int_equal(((Ponto__Dist__V1__StateReply *)asked.reply)->state, 2);
	assert_int_equal(((Ponto__Dist__V1__StateReply *)asked.reply)->max_version, 2);
	asked_clear(&asked);
	request.has_unlike = true;
	request.unlike = 1;
	asked_begin(lan, 0, 1, "State", &request.base, &ponto__dist__v1__state_reply__descriptor, &asked);
	assert_true(asked.done);
	asked_clear(&asked);
	request.unlike = 2;
	asked_begin(lan, 0, 1, "State", &request.base, &ponto__dist__v1__state_reply__descriptor, &asked);
	lan_run(lan, 60 * PONTO_SECOND);
	assert_false(asked.done);
	service->ops->client_gone(service->self, 1);
	assert_true(asked.done);
	assert_int_equal(asked.result, PONTO_ECLOSED);
	end_scene(lan);
}

/* Requests that are none. */
static void hostile_requests(void **state)
{
	struct lan *lan = scene(NULL, 1);
	Ponto__Dist__V1__OpenStreamRequest open = MSG(OPEN_STREAM_REQUEST);
	char name[4097];
	int result;

	(void)state;
	memset(name, 'n', sizeof(name));
	(void)open_stream(lan, 1, "", 0, &result);
	assert_int_equal(result, PONTO_EINVAL);
	open.content.data = (uint8_t *)name;
	open.content.len = sizeof(name);
	open.version = 2;
	(void)ask_handle(lan, 0, 1, "OpenStream", &open.base, &result);
	assert_int_equal(result, PONTO_EINVAL);
	open.content.len--;
	(void)ask_handle(lan, 0, 1, "OpenStream", &open.base, &result);
	assert_ok(result);
	for (uint32_t version = 0; version < 4; version += 3) {
		open.content.len--;
		open.version = version;
		(void)ask_handle(lan, 0, 1, "OpenStream", &open.base, &result);
		assert_int_equal(result, PONTO_EINVAL);
	}
	assert_int_equal(withdraw(lan, 1, ""), PONTO_EINVAL);
	assert_int_equal(add_to(lan, 1, 0, "a", 1), PONTO_ENOENT);
	assert_int_equal(add_to(lan, 1, UINT64_MAX, "a", 1), PONTO_ENOENT);
	assert_int_equal(complete(lan, 1, 12345), PONTO_ENOENT);
	end_scene(lan);
}

/* The nth allocation of the node is refused, and no other: what is published is right, or is refused. */
static void refused_allocations(void **state)
{
	struct blob data = pattern(300000);
	struct content_made made = content_make(CONTENT_TRUNCATED, bytes_of(&data), NULL);
	struct blob expected = content_describe(&made, 0, data.len);
	bool more = true;

	(void)state;
	for (size_t n = 1; more; n++) {
		struct ponto_test_alloc alloc;
		struct lan *lan = calloc(1, sizeof(*lan));
		Ponto__Dist__V1__SecretRequest secret = MSG(SECRET_REQUEST);
		int result;

		lan_init(lan, 1);
		ponto_test_alloc_init(&alloc);
		lan->alloc = &alloc.alloc;
		lan_add(lan, NULL);
		lan_run(lan, PONTO_SECOND);
		secret.has_key = true;
		secret.key.data = (uint8_t *)(uintptr_t)SECRET_KEY;
		secret.key.len = strlen(SECRET_KEY);
		assert_ok(ask(lan, 0, 99, "Secret", &secret.base, &ponto__dist__v1__secret_reply__descriptor, NULL));
		alloc.fail_at = alloc.made + n;
		result = publish(lan, 1, "x", bytes_of(&data), 2, 100000);
		if (result == PONTO_OK) {
			struct blob info = retrieve(lan, 1, "x", 0, 0, 2, 2, 100000, &result);

			if (result == PONTO_OK) {
				assert_int_equal(info.len, expected.len);
				assert_memory_equal(info.data, expected.data, info.len);
			}
			free(info.data);
		}
		more = alloc.refused;
		alloc.fail_at = 0;
		if (result != PONTO_OK)
			assert_int_equal(result, PONTO_ENOMEM);
		(void)withdraw(lan, 1, "x");
		assert_ok(publish(lan, 1, "x", bytes_of(&data), 2, 100000));
		end_scene(lan);
		assert_int_equal(alloc.live, 0);
	}
	free(expected.data);
	content_made_free(&made);
	free(data.data);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(contents_are_described_as_they_are),
	cmocka_unit_test(descriptions_are_read_from_any_place),
	cmocka_unit_test(versions_are_as_published_and_wanted),
	cmocka_unit_test(ranges_beyond_the_content),
	cmocka_unit_test(publications_are_the_users),
	cmocka_unit_test(only_what_is_complete_is_published),
	cmocka_unit_test(publications_end_with_who_made_them),
	cmocka_unit_test(withdrawn_while_it_is_read),
	cmocka_unit_test(users_are_bounded),
	cmocka_unit_test(what_is_withdrawn_is_given_back),
	cmocka_unit_test(a_content_too_large_for_its_user),
	cmocka_unit_test(kept_from_programs),
	cmocka_unit_test(the_state_and_its_changes),
	cmocka_unit_test(hostile_requests),
	cmocka_unit_test(refused_allocations),
};

PONTO_TEST_MAIN(tests)
