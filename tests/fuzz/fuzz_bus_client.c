/* What a hostile daemon may send to a client of the bus: one message, read as an answer and as an event. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "framework/bus_private.h"

static void answer(struct ponto_bytes data, uint64_t id)
{
	struct ponto_reply reply;
	int result;

	memset(&reply, 0xa5, sizeof(reply));
	result = bus_reply_decode(&ponto_alloc_system, id, data, &reply);
	FUZZ_REQUIRE(result == PONTO_OK || result == PONTO_EBUSY || result == PONTO_EPROTO);
	if (result != PONTO_OK) {
		FUZZ_REQUIRE(reply.len == (size_t)0xa5a5a5a5a5a5a5a5);
		return;
	}
	FUZZ_REQUIRE(reply.result <= 0 && reply.len <= data.len);
	FUZZ_REQUIRE(memchr(reply.error, 0, sizeof(reply.error)));
	FUZZ_REQUIRE((reply.result == PONTO_OK) == (reply.payload != NULL));
	FUZZ_REQUIRE((reply.result == PONTO_OK) == (reply.error[0] == '\0'));
	ponto_free(&ponto_alloc_system, reply.payload);
}

static void event(struct ponto_bytes data)
{
	struct ponto_event event;

	memset(&event, 0xa5, sizeof(event));
	if (bus_event_decode(&ponto_alloc_system, data, &event) != PONTO_OK) {
		FUZZ_REQUIRE(event.len == (size_t)0xa5a5a5a5a5a5a5a5);
		return;
	}
	FUZZ_REQUIRE(memchr(event.topic, 0, sizeof(event.topic)) && event.payload && event.len <= data.len);
	ponto_free(&ponto_alloc_system, event.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	answer(ponto_bytes(data, size), 1);
	event(ponto_bytes(data, size));
	return 0;
}
