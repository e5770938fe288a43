/* The Teredo client: records of an operation and bytes for it, on a client that is qualified. Limits hold, nothing goes
 * where it must not, only what trusted peers say is for applications. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/teredo/teredo_client.h"
#include "engines/teredo/teredo_icmp.h"
#include "framework/cursor.h"

#define S1 0xcb007178u

static const struct teredo_subnet subnet = {0x0a000002, 24};

struct world {
	struct teredo_client *c;
	uint64_t now, random;
	struct teredo_ip6 own;
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *state = ctx;

	while (len--) {
		*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		*out++ = (uint8_t)(*state >> 56);
	}
}

static void give(struct world *w, const struct teredo_endpoint *from, uint8_t via, const void *data, size_t len)
{
	struct teredo_received in = {.from = *from, .via = via};
	uint8_t *exact = malloc(len ? len : 1);
	struct teredo_delivery d;

	FUZZ_REQUIRE(exact);
	if (len)
		memcpy(exact, data, len);
	in.data = ponto_bytes(exact, len);
	if (teredo_client_input(w->c, w->now, &in, &d) == 1) {
		struct teredo_peer_info info;

		/* From a peer that is trusted at that endpoint, or about one. */
		FUZZ_REQUIRE(teredo_client_peer(w->c, &d.peer, &info) == PONTO_OK && info.trusted);
		FUZZ_REQUIRE(teredo_endpoint_equal(&info.endpoint, from));
		if (d.kind == TEREDO_DELIVERY_DATAGRAM)
			teredo_client_refuse(w->c, w->now, &in);
	}
	free(exact);
}

static void answer(struct world *w, const struct teredo_slot *slot, const struct teredo_packet *p, uint16_t port)
{
	uint8_t buf[256];
	struct ponto_writer out = ponto_writer(buf, sizeof(buf));

	teredo_write_auth(&out, &p->auth, 0);
	teredo_write_origin(&out, &(struct teredo_endpoint){0xc0000201, port});
	teredo_write_advertisement(&out, S1, &p->src);
	give(w, &(struct teredo_endpoint){slot->to.ip, TEREDO_PORT}, slot->via, buf, (size_t)out.pos);
}

/* What goes out goes to where somebody may be, and is a packet of ours. */
static void drain(struct world *w, uint16_t answer_port)
{
	struct teredo_effect effect;
	struct teredo_slot slot;
	struct teredo_packet p;

	while (teredo_client_effect(w->c, &effect))
		if (effect.kind == TEREDO_EFFECT_OPEN)
			teredo_client_opened(w->c, w->now, effect.via, effect.port & 1 ? PONTO_OK : PONTO_EEXIST);
	while (teredo_client_output(w->c, &slot)) {
		FUZZ_REQUIRE(slot.len <= sizeof(slot.data) && slot.to.port != 0);
		FUZZ_REQUIRE(slot.to.ip == TEREDO_DISCOVERY_IP4 || teredo_ip4_unicast(slot.to.ip));
		FUZZ_REQUIRE(slot.to.ip >> 24 != 127);
		FUZZ_REQUIRE(teredo_decode(ponto_bytes(slot.data, slot.len), &p) == PONTO_OK);
		FUZZ_REQUIRE(p.ip6.len <= TEREDO_MTU && !p.has_origin);
		if (answer_port && teredo_solicitation_parse(&p) == PONTO_OK)
			answer(w, &slot, &p, slot.to.ip == S1 ? 4096 : answer_port);
	}
}

static struct teredo_ip6 someone(uint8_t which)
{
	struct teredo_address parts = {0xc6336476, which & 0x30, {0xc000020a, (uint16_t)(8192 + (which & 3))}};
	struct teredo_ip6 ip = {{0x20, 0x01, 0x0d, 0xb8, [15] = which}};

	if (which & 0x80)
		ip = (struct teredo_ip6){{0xfe, 0x80, [15] = which}};
	else if (!(which & 0x40))
		teredo_address_make(&parts, &ip);
	return ip;
}

static struct teredo_endpoint somewhere(uint8_t which)
{
	static const uint32_t ips[] = {0xc000020a, 0xc000020a, S1,     0xc63364c8,
				       0x0a000007, 0xc0000201, S1 + 1, 0xe0000001};
	uint32_t ip = ips[which & 7];

	if (ip == S1 || ip == S1 + 1)
		return (struct teredo_endpoint){ip, TEREDO_PORT};
	return (struct teredo_endpoint){ip, (uint16_t)(8192 + (which >> 3 & 3))};
}

/* A packet to us, from one of a few: its next header, payload and trailers are the input's. */
static void packet(struct world *w, struct ponto_reader *r)
{
	uint8_t buf[700], who = ponto_read_u8(r), where = ponto_read_u8(r), how = ponto_read_u8(r);
	struct ponto_writer out = ponto_writer(buf, sizeof(buf));
	struct ponto_bytes rest = ponto_read_bytes(r, ponto_reader_left(r) < 200 ? ponto_reader_left(r) : 200);
	struct teredo_endpoint from = somewhere(where);
	struct teredo_ip6 src = someone(who);
	uint8_t via = how >> 6 == 3 ? TEREDO_VIA_GROUP : how >> 6;

	if (how & 1)
		teredo_write_origin(&out, (struct teredo_endpoint[]){somewhere((uint8_t)(who + where))});
	switch (how >> 1 & 7) {
	case 0: { /* the whole of it an ICMPv6 message whose checksum is right */
		struct teredo_icmp icmp = {.type = rest.len ? rest.data[0] : 1, .body = rest};

		teredo_write_icmp(&out, &src, &w->own, 255, &icmp);
		break;
	}
	case 1:
		teredo_write_udp(&out, &src, &w->own, 64, &(struct teredo_udp){who, where, rest});
		break;
	case 2:
		teredo_write_ip6(&out, &src, &w->own, who, 64, (uint16_t)rest.len);
		ponto_write_bytes(&out, rest);
		break;
	case 3:
		ponto_write_bytes(&out, rest);
		break;
	default:
		teredo_write_bubble(&out, &src, how & 0x20 ? &teredo_all_nodes : &w->own, 0);
		ponto_write_bytes(&out, rest);
		break;
	}
	FUZZ_REQUIRE(!out.failed);
	give(w, &from, via, buf, (size_t)out.pos);
}

static void step(struct world *w, struct ponto_reader *r)
{
	struct teredo_udp udp = {1, 2, ponto_bytes("data", 4)};
	uint8_t op = ponto_read_u8(r);
	struct teredo_client_status status;
	struct teredo_slot slot;
	struct teredo_ip6 to;
	int result;

	switch (op & 3) {
	case 0:
		w->now += (uint64_t)(op >> 2) * 500 * PONTO_MS;
		teredo_client_advance(w->c, w->now);
		FUZZ_REQUIRE(teredo_client_deadline(w->c) > w->now);
		break;
	case 1:
		to = someone(ponto_read_u8(r));
		result = teredo_client_send(w->c, w->now, &to, &udp, 0, op >> 2 & 3, &slot);
		FUZZ_REQUIRE(result <= 1);
		break;
	default: {
		uint64_t len = ponto_read_u8(r);
		struct ponto_reader one = ponto_read_nested(r, len < ponto_reader_left(r) ? len : ponto_reader_left(r));

		packet(w, &one);
		break;
	}
	}
	drain(w, op & 0x80 ? 4096 : 0);
	teredo_client_status(w->c, &status);
	FUZZ_REQUIRE(status.peers <= 16 && status.queued <= 8 * TEREDO_MTU);
	if (status.has_address)
		w->own = status.address;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {.now = 1000 * PONTO_SECOND};
	struct ponto_random random = {fill, &w.random};
	struct teredo_client_config config = teredo_client_defaults(&ponto_alloc_system, &random);
	struct ponto_reader r = ponto_reader(ponto_bytes(data, size));
	uint8_t kind = ponto_read_u8(&r);

	config.servers[0] = (struct teredo_pair){S1, S1 + 1};
	config.server_count = 1;
	config.features |= TEREDO_FEATURE_LOCAL;
	config.peers = 16;
	config.queue = 2 * TEREDO_MTU;
	config.queues = 8 * TEREDO_MTU;
	FUZZ_REQUIRE(teredo_client_create(&config, &w.c) == PONTO_OK);
	teredo_client_local(w.c, w.now, &(struct teredo_endpoint){0x0a000002, kind & 1 ? 4096 : 4000}, &subnet, 1);
	drain(&w, kind & 2 ? 4096 : 4097);
	while (size <= 4096 && ponto_reader_left(&r))
		step(&w, &r);
	teredo_client_destroy(w.c);
	return 0;
}
