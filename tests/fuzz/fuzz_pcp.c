/* A PCP client among hostile answers: a run of steps, each (seconds to pass, flags, length, datagram). What is granted is
 * usable, what stands to be done lies ahead, and no answer makes it talk more often than its times allow. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/pcp/pcp_client.h"

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *state = ctx;

	for (size_t i = 0; i < len; i++) {
		*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
		out[i] = (uint8_t)(*state >> 56);
	}
}

static void check(const struct pcp_client *c, uint64_t now)
{
	if (c->state == PCP_HELD) {
		FUZZ_REQUIRE(c->external.port != 0 && c->granted >= 8 && c->granted <= PCP_LIFETIME_MAX);
		FUZZ_REQUIRE(c->expires >= now || pcp_client_deadline(c) <= now);
		FUZZ_REQUIRE(c->expires != PONTO_NEVER);
	} else {
		FUZZ_REQUIRE(c->expires == PONTO_NEVER);
	}
	if (c->state == PCP_FOREIGN)
		FUZZ_REQUIRE(pcp_client_deadline(c) == PONTO_NEVER);
	else if (c->state != PCP_RELEASED)
		FUZZ_REQUIRE(pcp_client_deadline(c) != PONTO_NEVER);
}

static void due(struct pcp_client *c, uint64_t now)
{
	uint8_t out[PCP_MAX];
	unsigned count = 0;
	size_t len;

	pcp_client_advance(c, now);
	while (pcp_client_output(c, now, out, &len)) {
		FUZZ_REQUIRE(len == PCP_HEADER + PCP_MAP_SIZE && out[0] == PCP_VERSION && out[1] == PCP_MAP);
		FUZZ_REQUIRE(++count < 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t seed = 1, now = PONTO_SECOND;
	struct ponto_random random = {fill, &seed};
	struct ponto_addr server = {{10, 0, 1, 1}, 0, PCP_SERVER_PORT, PONTO_FAMILY_IPV4, 0};
	struct pcp_client_config config = {.random = &random,
					   .server = server,
					   .client = {{10, 0, 1, 2}, 0, 4000, PONTO_FAMILY_IPV4, 0},
					   .protocol = 17,
					   .lifetime = 7200};
	struct ponto_reader r = ponto_reader(ponto_bytes(data, size));
	struct pcp_client c;

	if (pcp_client_init(&c, &config, now) != PONTO_OK)
		abort();
	due(&c, now);
	while (ponto_reader_left(&r) >= 4) {
		uint16_t pass = ponto_read_be16(&r);
		uint8_t flags = ponto_read_u8(&r);
		uint8_t copy[256];
		size_t len = ponto_read_u8(&r);

		if (len > ponto_reader_left(&r))
			len = (size_t)ponto_reader_left(&r);
		ponto_read_copy(&r, copy, len);
		if (flags & 1u && len >= PCP_HEADER + PCP_NONCE)
			memcpy(copy + PCP_HEADER, c.nonce, PCP_NONCE); /* a server that was asked */
		now += pass * PONTO_SECOND / (flags & 4u ? 1 : 256);
		due(&c, now);
		pcp_client_input(&c, now, &server, flags & 2u, ponto_bytes(copy, len));
		if (flags & 0x80u)
			pcp_client_release(&c, now);
		due(&c, now);
		check(&c, now);
	}
	return 0;
}
