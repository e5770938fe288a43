/* A Teredo relay between packets of the IPv6 side, datagrams of clients and time: what goes to clients is bubbles and
 * packets of those who are served, to usable endpoints; what comes in is from who it says and for those; memory is
 * bounded.
 *
 * Input: options, then (operation 1, length 1, [endpoint 6,] bytes)*. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/teredo/teredo_relay.h"

#define PEERS 16
#define QUEUES (4 * TEREDO_MTU)

static const struct teredo_endpoint own = {0xc63364c8u, 3545};
static const struct teredo_subnet subnet = {0xc6336400u, 24};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	memset(out, 5, len);
}

static struct teredo_relay *make(uint8_t options)
{
	static const struct ponto_random random = {.fill = fill};
	const struct teredo_prefix served = {{{0x20, 1, 0xd, 0xb8}}, 32};
	const struct teredo_relay_config config = {.alloc = &ponto_alloc_system,
						   .random = &random,
						   .source = {{0x20, 1, 0xd, 0xb8, [15] = 0x20}},
						   .served = &served,
						   .served_count = 1,
						   .peers = PEERS,
						   .queue = TEREDO_MTU,
						   .queues = QUEUES,
						   .fresh = options & 4 ? 2 : 0,
						   .natted = options & 1,
						   .cone_trust = options & 2};
	struct teredo_relay *relay;

	if (teredo_relay_create(&config, &relay) != PONTO_OK)
		return NULL;
	teredo_relay_local(relay, &own, 1, &subnet, 1);
	return relay;
}

static bool ours(const struct teredo_ip6 *ip)
{
	return ip->bytes[0] == 0x20 && ip->bytes[1] == 1 && ip->bytes[2] == 0xd && ip->bytes[3] == 0xb8;
}

static void check_sent(struct ponto_bytes bytes, const struct teredo_endpoint *to)
{
	struct teredo_address dst;
	struct teredo_packet p;

	FUZZ_REQUIRE(teredo_decode(bytes, &p) == PONTO_OK && !p.has_auth && !p.has_origin && p.trailers.len == 0);
	FUZZ_REQUIRE(ours(&p.src) && teredo_is_address(&p.dst));
	teredo_address_split(&p.dst, &dst);
	FUZZ_REQUIRE(!teredo_endpoint_equal(to, &own) && teredo_endpoint_usable(to, &subnet, 1));
	FUZZ_REQUIRE(teredo_endpoint_equal(to, &dst.mapped) ||
		     (teredo_is_bubble(&p) && to->ip == dst.server && to->port == TEREDO_PORT));
}

static void drain(struct teredo_relay *relay)
{
	struct teredo_relay_status status;
	struct teredo_relay_slot slot;

	while (teredo_relay_output(relay, &slot))
		check_sent(ponto_bytes(slot.data, slot.len), &slot.to);
	teredo_relay_status(relay, &status);
	FUZZ_REQUIRE(status.peers <= PEERS && status.trusted <= PEERS / 2 && status.queued <= QUEUES);
}

static void hear(struct teredo_relay *relay, uint64_t now, struct ponto_reader *r, uint8_t len)
{
	struct ponto_bytes bytes, packet;
	struct teredo_endpoint from;
	struct teredo_address src;
	struct teredo_packet p;

	from.ip = ponto_read_be32(r);
	from.port = ponto_read_be16(r);
	bytes = ponto_read_bytes(r, len < ponto_reader_left(r) ? len : ponto_reader_left(r));
	if (r->failed || !teredo_relay_input(relay, now, &from, bytes, &packet))
		return;
	FUZZ_REQUIRE(teredo_decode(packet, &p) == PONTO_OK && teredo_is_address(&p.src) && ours(&p.dst));
	teredo_address_split(&p.src, &src);
	FUZZ_REQUIRE(teredo_endpoint_equal(&src.mapped, &from) && teredo_endpoint_usable(&from, &subnet, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ponto_reader r = ponto_reader(ponto_bytes(data, size));
	struct teredo_relay *relay = make(ponto_read_u8(&r));
	uint64_t now = PONTO_SECOND;

	while (relay && ponto_reader_left(&r) >= 2) {
		uint8_t operation = ponto_read_u8(&r) % 3, len = ponto_read_u8(&r);
		struct teredo_endpoint to;
		struct ponto_bytes bytes;

		if (operation == 0) {
			bytes = ponto_read_bytes(&r, len < ponto_reader_left(&r) ? len : ponto_reader_left(&r));
			if (teredo_relay_send(relay, now, bytes, &to))
				check_sent(bytes, &to);
		} else if (operation == 1) {
			hear(relay, now, &r, len);
		} else {
			now += len * 100 * PONTO_MS;
			teredo_relay_advance(relay, now);
			FUZZ_REQUIRE(teredo_relay_deadline(relay) > now);
		}
		drain(relay);
	}
	teredo_relay_destroy(relay);
	return 0;
}
