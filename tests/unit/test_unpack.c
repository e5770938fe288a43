/* Messages of Protocol Buffers: what is none is told from a want of memory. */
#include "framework/unpack.h"

#include "framework/bus.pb-c.h"
#include "tests/support/test.h"

static uint8_t packed[256];
static size_t len;

static int setup(void **state)
{
	Ponto__Bus__V1__Call call = PONTO__BUS__V1__CALL__INIT;
	uint8_t payload[100] = {1};

	(void)state;
	call.id = 7;
	call.service = (char *)(uintptr_t) "svc";
	call.method = (char *)(uintptr_t) "Do";
	call.has_payload = true;
	call.payload = (ProtobufCBinaryData){sizeof(payload), payload};
	len = ponto__bus__v1__call__pack(&call, packed);
	return 0;
}

static int run(const struct ponto_alloc *alloc, void *arg)
{
	const Ponto__Bus__V1__Call *call;
	ProtobufCMessage *message = (ProtobufCMessage *)16;
	int result = ponto_unpack(alloc, &ponto__bus__v1__call__descriptor, ponto_bytes(packed, len), &message);

	(void)arg;
	if (result) {
		assert_ptr_equal(message, (ProtobufCMessage *)16);
		return result;
	}
	call = (const Ponto__Bus__V1__Call *)message;
	assert_int_equal(call->id, 7);
	assert_string_equal(call->method, "Do");
	assert_int_equal(call->payload.len, 100);
	ponto_unpacked_free(alloc, message);
	return PONTO_OK;
}

static void each_allocation_refused(void **state)
{
	(void)state;
	ponto_test_oom(run, NULL, false);
}

static void what_is_no_message(void **state)
{
	const ProtobufCMessageDescriptor *type = &ponto__bus__v1__call__descriptor;
	struct ponto_test_alloc ta;
	ProtobufCMessage *message;

	(void)state;
	ponto_test_alloc_init(&ta);
	assert_int_equal(ponto_unpack(&ta.alloc, type, ponto_bytes("\xff\xff\xff", 3), &message), PONTO_EPROTO);
	assert_int_equal(ponto_unpack(&ta.alloc, type, ponto_bytes(NULL, 0), &message), PONTO_EPROTO); /* no id */
	for (size_t cut = len - 100; cut < len; cut++) /* in the payload, which is last */
		assert_int_equal(ponto_unpack(&ta.alloc, type, ponto_bytes(packed, cut), &message), PONTO_EPROTO);
	assert_int_equal(ta.live, 0);
	ponto_unpacked_free(&ta.alloc, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_allocation_refused, setup),
		cmocka_unit_test_setup(what_is_no_message, setup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
