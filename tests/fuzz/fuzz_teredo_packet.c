/* A Teredo datagram: its parts lie within it in their order and together make it up; UDP, echoes and solicitations that
 * are accepted are written again as they were. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/teredo/teredo_auth.h"
#include "engines/teredo/teredo_icmp.h"

static uint8_t out[UINT16_MAX + TEREDO_IP6_HEADER + TEREDO_AUTH_MAX + TEREDO_ORIGIN];

/* The header that is written has no traffic class and no flow label. */
static bool same_packet(const struct ponto_writer *w, uint64_t at, struct ponto_bytes ip6)
{
	return !w->failed && w->pos - at == ip6.len && memcmp(w->data + at + 4, ip6.data + 4, ip6.len - 4) == 0;
}

static void front(const struct teredo_packet *p, const uint8_t *data)
{
	struct ponto_writer w = ponto_writer(out, sizeof(out));

	if (p->has_auth)
		teredo_write_auth(&w, &p->auth, p->auth.value.len);
	if (p->has_origin)
		teredo_write_origin(&w, &p->origin);
	FUZZ_REQUIRE(!w.failed && data + w.pos == p->ip6.data);
	if (p->has_auth) {
		size_t value = 4 + p->auth.id.len;

		memcpy(out + value, p->auth.value.data, p->auth.value.len);
		FUZZ_REQUIRE(p->covered.data == data + value + p->auth.value.len);
		FUZZ_REQUIRE(p->covered.data + p->covered.len == p->ip6.data + p->ip6.len);
		(void)teredo_authentic(p, TEREDO_HMAC_SHA1, ponto_bytes("secret", 6));
	}
	FUZZ_REQUIRE(memcmp(out, data, w.pos) == 0);
}

static void udp(const struct teredo_packet *p)
{
	struct ponto_writer w = ponto_writer(out, sizeof(out));
	struct teredo_udp u;

	if (teredo_udp_parse(p, &u) != PONTO_OK)
		return;
	teredo_write_udp(&w, &p->src, &p->dst, p->hop_limit, &u);
	/* What a packet has behind its UDP is not written. */
	FUZZ_REQUIRE(!w.failed && u.data.len + 48 <= p->ip6.len);
	if (u.data.len + 48 == p->ip6.len)
		FUZZ_REQUIRE(memcmp(out + 40, p->ip6.data + 40, 6) == 0);
}

static void icmp(const struct teredo_packet *p)
{
	struct ponto_writer w = ponto_writer(out, sizeof(out));
	struct teredo_advertisement a;
	struct teredo_packet quoted;
	struct teredo_icmp i;

	if (teredo_icmp_parse(p, &i) != PONTO_OK)
		return;
	teredo_write_icmp(&w, &p->src, &p->dst, p->hop_limit, &i);
	/* A checksum has two forms of zero. */
	memcpy(out + 42, p->ip6.data + 42, 2);
	FUZZ_REQUIRE(same_packet(&w, 0, p->ip6));
	if (teredo_icmp_is_error(&i) && teredo_decode_quoted(i.body, &quoted) == PONTO_OK) {
		struct teredo_udp u;

		FUZZ_REQUIRE(quoted.ip6.len <= i.body.len);
		FUZZ_REQUIRE(teredo_udp_parse(&quoted, &u) != PONTO_OK || u.data.len < quoted.payload.len);
	}
	if (teredo_advertisement_parse(p, &a) == PONTO_OK)
		FUZZ_REQUIRE(a.prefixes <= p->payload.len / 32);
	FUZZ_REQUIRE(teredo_solicitation_parse(p) != PONTO_OK || i.type == TEREDO_ICMP_SOLICITATION);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct teredo_packet p;

	if (size > UINT16_MAX || teredo_decode(ponto_bytes(data, size), &p) != PONTO_OK)
		return 0;
	front(&p, data);
	FUZZ_REQUIRE(p.payload.len + TEREDO_IP6_HEADER == p.ip6.len);
	FUZZ_REQUIRE(p.payload.len == 0 || p.payload.data == p.ip6.data + TEREDO_IP6_HEADER);
	FUZZ_REQUIRE(p.ip6.data + p.ip6.len + p.trailers.len == data + size);
	udp(&p);
	icmp(&p);
	return 0;
}
