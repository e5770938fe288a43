/* An Encoded CPA and an EXTENDED_PAYLOAD in both profiles; its first byte chooses the structure. Whatever
 * decodes encodes again, to something that decodes to the same; what a CPA certifies does not depend on the
 * byte order its maker chose. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/pnrp_equal.h"

#include <string.h>

static uint8_t out[8192];

static void fuzz_cpa(const struct pnrp_wire *wire, struct ponto_bytes input)
{
	struct pnrp_cpa a, b;
	size_t len;

	if (pnrp_cpa_decode(wire, input, &a) != PONTO_OK)
		return;
	FUZZ_REQUIRE(pnrp_cpa_encode(wire, &a, out, sizeof(out), &len) == PONTO_OK);
	FUZZ_REQUIRE(pnrp_signature_append(wire, a.signature, out, sizeof(out), &len) == PONTO_OK);
	FUZZ_REQUIRE(len <= PNRP_CPA_MAX);
	FUZZ_REQUIRE(pnrp_cpa_decode(wire, ponto_bytes(out, len), &b) == PONTO_OK);
	FUZZ_REQUIRE(cpa_equal(&a, &b) && ponto_bytes_equal(a.signature, b.signature));
	for (unsigned reading = 0; reading < PNRP_CPA_READINGS; reading++) {
		struct ring_id id, again;

		b = a;
		pnrp_cpa_id(wire, &b, reading, &id);
		FUZZ_REQUIRE(pnrp_cpa_match_id(wire, &id, &b) == PONTO_OK);
		pnrp_cpa_id(wire, &b, 0, &again);
		FUZZ_REQUIRE(memcmp(id.b, again.b, sizeof(id.b)) == 0);
	}
	(void)pnrp_cpa_key_fits(wire, &a);
}

static void fuzz_payload(const struct pnrp_wire *wire, struct ponto_bytes input)
{
	struct pnrp_payload a, b;
	size_t len;

	if (pnrp_payload_decode(wire, input, &a) != PONTO_OK)
		return;
	FUZZ_REQUIRE(pnrp_payload_encode(wire, &a, out, sizeof(out), &len) == PONTO_OK);
	FUZZ_REQUIRE(pnrp_signature_append(wire, a.signature, out, sizeof(out), &len) == PONTO_OK);
	FUZZ_REQUIRE(len == input.len && len <= PNRP_PAYLOAD_ENCODED_MAX);
	FUZZ_REQUIRE(pnrp_payload_decode(wire, ponto_bytes(out, len), &b) == PONTO_OK);
	FUZZ_REQUIRE(payload_equal(&a, &b) && ponto_bytes_equal(a.signature, b.signature));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int modern = 0; size > 0 && modern < 2; modern++) {
		const struct pnrp_wire *wire = modern ? &pnrp_modern : &pnrp_windows;
		struct ponto_bytes input = ponto_bytes(data + 1, size - 1);

		if (data[0] & 1)
			fuzz_payload(wire, input);
		else
			fuzz_cpa(wire, input);
	}
	return 0;
}
