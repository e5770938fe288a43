/* A datagram, in the profile its header names. Whatever decodes encodes again, to something that decodes to
 * the same message and encodes to the same bytes. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/pnrp_equal.h"

#include <string.h>

static uint8_t first[65536], second[65536];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ponto_bytes input = ponto_bytes(data, size);
	const struct pnrp_wire *wire = pnrp_peek_version(input) == 5 ? &pnrp_modern : &pnrp_windows;
	struct pnrp_message a, b;
	size_t len, again;

	if (size > UINT16_MAX || pnrp_decode(wire, input, &a) != PONTO_OK)
		return 0;
	if (a.type == PNRP_AUTHORITY && !pnrp_authority_fits(&a.authority)) {
		FUZZ_REQUIRE(pnrp_encode(wire, &a, first, sizeof(first), &len) == PONTO_EINVAL);
		return 0;
	}
	FUZZ_REQUIRE(pnrp_encode(wire, &a, first, sizeof(first), &len) == PONTO_OK);
	FUZZ_REQUIRE(len <= size + 3);
	FUZZ_REQUIRE(pnrp_decode(wire, ponto_bytes(first, len), &b) == PONTO_OK);
	FUZZ_REQUIRE(message_equal(&a, &b));
	FUZZ_REQUIRE(pnrp_encode(wire, &b, second, sizeof(second), &again) == PONTO_OK);
	FUZZ_REQUIRE(len == again && memcmp(first, second, len) == 0);
	FUZZ_REQUIRE(pnrp_encode(wire, &a, first, len - 1, &again) == PONTO_ELIMIT);
	return 0;
}
