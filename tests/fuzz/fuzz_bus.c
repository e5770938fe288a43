/* The input is what clients, components and time do to a broker: steps of an operation, a client and data. Checked
 * beside memory errors: no client has more than its share of open calls, every answer fits an envelope, the next
 * deadline is never before one that was met, and at the end nothing is left. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "framework/bus_private.h"

#define CALLS_MAX 4096

struct world {
	struct bus_core *core;
	uint64_t now;
	unsigned port;
	bool attached;
	unsigned watches;
	struct bus_call *calls[CALLS_MAX];
	size_t call_count;
	uint64_t answers;
};

static uint64_t clock_now(void *ctx)
{
	return ((struct world *)ctx)->now;
}

static int send_client(void *arg, bool remote, struct ponto_bytes route, bool delimiter, struct ponto_bytes envelope)
{
	struct world *w = arg;
	Ponto__Bus__V1__Reply *reply;

	(void)remote;
	(void)delimiter;
	FUZZ_REQUIRE(route.len > 0 && route.len <= BUS_ROUTE_MAX);
	FUZZ_REQUIRE(envelope.len <= PONTO_BUS_MESSAGE_MAX);
	reply = ponto__bus__v1__reply__unpack(NULL, envelope.len, envelope.data);
	FUZZ_REQUIRE(reply);
	ponto__bus__v1__reply__free_unpacked(reply, NULL);
	w->answers++;
	return w->answers % 7 == 0 ? PONTO_EUNREACH : PONTO_OK;
}

static void send_port(void *arg, unsigned port, struct bus_item *item)
{
	struct world *w = arg;

	FUZZ_REQUIRE(w->attached && port == w->port);
	FUZZ_REQUIRE(item->kind == BUS_ITEM_GONE || item->kind == BUS_ITEM_CALL);
	if (item->kind == BUS_ITEM_GONE || w->call_count == CALLS_MAX) { /* a call more is one that is never answered */
		bus_item_free(&ponto_alloc_system, item);
		return;
	}
	FUZZ_REQUIRE(bus_name_valid(((struct bus_call *)item)->call.method));
	w->calls[w->call_count++] = (struct bus_call *)item;
}

static int begin_watch(void *arg, uint64_t client, const struct bus_peer *peer, int *watch)
{
	struct world *w = arg;

	(void)client;
	if (peer->pid % 5 == 4)
		return PONTO_ENOENT;
	*watch = 1;
	w->watches++;
	return PONTO_OK;
}

static void end_watch(void *arg, int watch)
{
	FUZZ_REQUIRE(watch == 1);
	FUZZ_REQUIRE(((struct world *)arg)->watches-- > 0);
}

static const struct bus_core_ops ops = {send_client, send_port, begin_watch, end_watch};

static struct bus_peer peer_of(uint8_t who)
{
	struct bus_peer peer = {.uid = 1000, .pid = who % 16, .fd = who % 32, .remote = who >= 128};

	return peer;
}

static void message(struct world *w, uint8_t who, unsigned frame_count, const uint8_t *data, size_t len)
{
	struct bus_peer peer = peer_of(who);
	uint8_t route = who % 8 + 1;
	struct ponto_bytes frames[2] = {ponto_bytes(data, len), ponto_bytes(data, len)};

	if (frame_count > 1)
		frames[0].len = len % 3 ? 0 : len;
	(void)bus_core_knows(w->core, ponto_bytes(&route, 1), &peer);
	bus_core_message(w->core, ponto_bytes(&route, 1), &peer, frames, frame_count);
}

static void answer(struct world *w, uint8_t which, const uint8_t *data, size_t len)
{
	size_t n = w->call_count ? which % w->call_count : 0;
	struct bus_call *call;

	if (w->call_count == 0)
		return;
	call = w->calls[n];
	w->calls[n] = w->calls[--w->call_count];
	if (which % 11 != 10)
		FUZZ_REQUIRE(bus_reply_encode(&ponto_alloc_system, call->id, -(int)(which % 3), ponto_bytes(data, len),
					      NULL, &call->reply, &call->reply_len) == PONTO_OK);
	bus_core_reply(w->core, call);
}

static void step(struct world *w, uint8_t op, uint8_t who, const uint8_t *data, size_t len)
{
	switch (op % 10) {
	case 0:
	case 1:
	case 2:
	case 3:
		message(w, who, op % 10, data, len); /* 0 frames to 3 */
		break;
	case 4:
		answer(w, who, data, len);
		break;
	case 5:
		w->now += (uint64_t)who * PONTO_SECOND;
		bus_core_expire(w->core, w->now);
		FUZZ_REQUIRE(bus_core_deadline(w->core) > w->now);
		break;
	case 6:
		bus_core_disconnected(w->core, who >= 128, who % 32);
		break;
	case 7:
		bus_core_gone(w->core, who);
		break;
	case 8:
		if (w->attached)
			bus_core_detach(w->core, w->port);
		w->attached = !w->attached && bus_core_attach(w->core, "svc", &w->port) == PONTO_OK;
		break;
	default:
		message(w, who, 1000, data, len);
		break;
	}
	FUZZ_REQUIRE(bus_core_open(w->core) <= bus_core_clients(w->core) * PONTO_BUS_OPEN_CALLS);
}

static void peers(const uint8_t *data, size_t size)
{
	uint32_t uid, gid;
	int32_t pid;
	char text[128];

	if (size >= sizeof(text))
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (bus_peer_parse(text, &uid, &gid, &pid) == PONTO_OK)
		FUZZ_REQUIRE(pid >= 0 && uid != BUS_UID_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	struct world *w = &world;
	struct ponto_clock clock = {clock_now, clock_now, w};
	struct bus_core_setup setup = {&ops, w, &ponto_alloc_system, &clock, NULL, NULL};

	peers(data, size);
	memset(w, 0, sizeof(*w));
	w->now = PONTO_SECOND;
	FUZZ_REQUIRE(bus_core_create(&setup, &w->core) == PONTO_OK);
	FUZZ_REQUIRE(bus_core_attach(w->core, "svc", &w->port) == PONTO_OK);
	w->attached = true;
	while (size >= 4) {
		size_t len = (size_t)data[2] << 8 | data[3];

		if (len > size - 4)
			len = size - 4;
		step(w, data[0], data[1], data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
	bus_core_close(w->core);
	FUZZ_REQUIRE(bus_core_open(w->core) == 0);
	while (w->call_count > 0)
		bus_item_free(&ponto_alloc_system, &w->calls[--w->call_count]->item);
	bus_core_destroy(w->core);
	FUZZ_REQUIRE(w->watches == 0);
	return 0;
}
