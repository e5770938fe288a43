/* Datagrams to a Teredo server, several in a row: what goes out is well-formed, to somebody who may be sent to, no
 * larger than what the specification makes it, and never to the server itself.
 *
 * Input: options, then (endpoint 6, address 1, length 1, datagram)*. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/teredo/teredo_icmp.h"
#include "engines/teredo/teredo_server.h"

#define PRIMARY 0xcb007178u
#define SECONDARY 0xcb007179u

static void fill(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	memset(out, 5, len);
}

static struct teredo_server *make(uint8_t options)
{
	static const struct ponto_random random = {.fill = fill};
	const struct teredo_key key = {.id = ponto_bytes("client-7", 8), .secret = ponto_bytes("vector-secret", 13),
				       .expired = options & 16};
	struct teredo_server_config config = {.alloc = &ponto_alloc_system,
					      .random = &random,
					      .primary = PRIMARY,
					      .secondary = options & 1 ? SECONDARY : 0,
					      .keys = &key,
					      .key_count = options & 2 ? 1 : 0,
					      .secure = (options & 6) == 6,
					      .tolerant = options & 8,
					      .native = options & 32,
					      .extra_max = 128,
					      .limit = {options & 64 ? 1 : 0, 4, 8}};
	const struct teredo_subnet subnet = {0xc0000200, 24};
	struct teredo_server *server;

	if (teredo_server_create(&config, &server) != PONTO_OK)
		return NULL;
	teredo_server_subnets(server, &subnet, 1);
	return server;
}

static void check(const struct teredo_endpoint *from, uint32_t to, struct ponto_bytes in, const uint8_t *buf,
		  const struct teredo_server_output *out)
{
	const struct teredo_subnet subnet = {0xc0000200, 24};
	struct teredo_advertisement a;
	struct teredo_packet p, q;

	FUZZ_REQUIRE(out->kind != TEREDO_SERVER_NOTHING || (out->len == 0 && out->refusal < TEREDO_REFUSALS));
	if (out->kind == TEREDO_SERVER_NOTHING)
		return;
	FUZZ_REQUIRE(teredo_endpoint_usable(from, &subnet, 1));
	FUZZ_REQUIRE(teredo_decode(ponto_bytes(buf, out->len), &p) == PONTO_OK);
	FUZZ_REQUIRE(teredo_decode(in, &q) == PONTO_OK);
	if (out->kind == TEREDO_SERVER_NATIVE) {
		FUZZ_REQUIRE(!p.has_auth && !p.has_origin && p.trailers.len == 0 && !teredo_is_address(&p.dst));
		FUZZ_REQUIRE(ponto_bytes_equal(p.ip6, q.ip6));
		return;
	}
	FUZZ_REQUIRE(teredo_endpoint_usable(&out->to, &subnet, 1));
	FUZZ_REQUIRE(out->from == PRIMARY || out->from == SECONDARY);
	FUZZ_REQUIRE(!(out->to.port == TEREDO_PORT && (out->to.ip == PRIMARY)));
	FUZZ_REQUIRE(p.has_origin && teredo_endpoint_equal(&p.origin, from));
	if (out->kind == TEREDO_SERVER_ADVERTISEMENT) {
		FUZZ_REQUIRE(teredo_endpoint_equal(&out->to, from) && teredo_ip6_equal(&p.dst, &q.src));
		FUZZ_REQUIRE(teredo_advertisement_parse(&p, &a) == PONTO_OK && a.prefixes == 1);
		FUZZ_REQUIRE((out->from == to) == !(q.src.bytes[8] & 0x80));
		FUZZ_REQUIRE(out->len <= in.len + 56);
		return;
	}
	FUZZ_REQUIRE(!p.has_auth && out->from == PRIMARY && out->len <= in.len + TEREDO_ORIGIN);
	FUZZ_REQUIRE(ponto_bytes_equal(p.ip6, q.ip6) && ponto_bytes_equal(p.trailers, q.trailers));
	FUZZ_REQUIRE(p.payload.len <= 128 && p.trailers.len <= 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ponto_reader r = ponto_reader(ponto_bytes(data, size));
	uint8_t options = ponto_read_u8(&r), buf[TEREDO_SERVER_OUTPUT_MAX];
	struct teredo_server *server = make(options);
	uint64_t now = PONTO_SECOND;

	while (server && ponto_reader_left(&r) > 0) {
		struct teredo_server_output out;
		struct teredo_endpoint from;
		struct ponto_bytes datagram;
		uint32_t to;
		uint8_t len;

		from.ip = ponto_read_be32(&r);
		from.port = ponto_read_be16(&r);
		to = ponto_read_u8(&r) & 1 && options & 1 ? SECONDARY : PRIMARY;
		len = ponto_read_u8(&r);
		/* The last one may be of any length. */
		datagram = ponto_read_bytes(&r, len < ponto_reader_left(&r) ? len : ponto_reader_left(&r));
		if (r.failed)
			break;
		teredo_server_input(server, now, &from, to, datagram, buf, &out);
		check(&from, to, datagram, buf, &out);
		now += len * PONTO_MS;
	}
	teredo_server_destroy(server);
	return 0;
}
