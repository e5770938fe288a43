/* A datagram of SSDP. What is read are views into it; an AL that is an address is written back and read to the same
 * one; the answer made from a search is read again. */
#include "tests/fuzz/fuzz.h"
#include "plugins/discovery-ssdp/ssdp_message.h"

#include <string.h>

static bool inside(struct ponto_bytes view, struct ponto_bytes text)
{
	return view.len == 0 || (view.data >= text.data && view.data + view.len <= text.data + text.len);
}

static void check_location(struct ponto_bytes text)
{
	struct ponto_addr addr, again;
	char out[SSDP_TEXT_MAX];
	struct ssdp_message message;
	size_t len;

	if (ssdp_location_parse(text, &addr) != PONTO_OK)
		return;
	FUZZ_REQUIRE(addr.family == PONTO_FAMILY_IPV6 && addr.port != 0 && addr.zone == 0);
	len = ssdp_format_answer("urn:x", &addr, "00112233445566778899aabbccddeeff", out);
	FUZZ_REQUIRE(len > 0);
	FUZZ_REQUIRE(ssdp_parse(ponto_bytes(out, len), &message) == PONTO_OK && message.kind == SSDP_ANSWER);
	FUZZ_REQUIRE(ssdp_location_parse(message.location, &again) == PONTO_OK && ponto_addr_equal(&addr, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ponto_bytes text = ponto_bytes(data, size);
	struct ssdp_message message;

	check_location(text);
	if (ssdp_parse(text, &message) != PONTO_OK)
		return 0;
	FUZZ_REQUIRE(size <= SSDP_TEXT_MAX);
	FUZZ_REQUIRE(message.kind >= SSDP_SEARCH && message.kind <= SSDP_NOTIFY);
	FUZZ_REQUIRE(inside(message.target, text) && inside(message.man, text) && inside(message.location, text));
	FUZZ_REQUIRE(message.mx >= 1 && message.mx <= SSDP_MX);
	check_location(message.location);
	return 0;
}
