/* An AUTHORITY_BUFFER, whose parts are decoded too. Whatever decodes encodes again, to something that decodes
 * to the same. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/pnrp_equal.h"

#include <string.h>

static uint8_t out[65536];

static void parts(const struct pnrp_wire *wire, const struct pnrp_authority_buffer *b)
{
	struct pnrp_payload payload;
	struct pnrp_name name = {0};
	struct pnrp_cpa cpa;

	if (b->has_payload && pnrp_payload_decode(wire, b->payload, &payload) == PONTO_OK)
		FUZZ_REQUIRE(payload.signed_part.len + 8 + payload.signature.len == b->payload.len);
	if (!b->has_cpa || pnrp_cpa_decode(wire, b->cpa, &cpa) != PONTO_OK)
		return;
	FUZZ_REQUIRE(cpa.signed_part.len + 8 + cpa.signature.len == b->cpa.len);
	if (b->has_route && pnrp_cpa_match_id(wire, &b->route.id, &cpa) == PONTO_OK) {
		struct ring_id id;

		pnrp_cpa_id(wire, &cpa, 0, &id);
		FUZZ_REQUIRE(memcmp(id.b, b->route.id.b, sizeof(id.b)) == 0);
	}
	if (b->has_classifier && pnrp_classifier_read(wire, b->classifier, cpa.classifier_hash, &name) == PONTO_OK) {
		uint8_t hash[PNRP_HASH_SIZE];

		pnrp_classifier_hash(wire, &name, hash);
		FUZZ_REQUIRE(memcmp(hash, cpa.classifier_hash, sizeof(hash)) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pnrp_authority_buffer a, b;
	size_t len;

	for (int modern = 0; modern < 2; modern++) {
		const struct pnrp_wire *wire = modern ? &pnrp_modern : &pnrp_windows;

		if (pnrp_authority_decode(wire, ponto_bytes(data, size), &a) != PONTO_OK)
			continue;
		parts(wire, &a);
		/* Pad bytes that the sender left out may not fit any more. */
		if (pnrp_authority_encode(wire, &a, out, sizeof(out), &len) == PONTO_ELIMIT) {
			FUZZ_REQUIRE(size > PNRP_AUTHORITY_MAX - 4);
			continue;
		}
		FUZZ_REQUIRE(len <= size + 3);
		FUZZ_REQUIRE(pnrp_authority_decode(wire, ponto_bytes(out, len), &b) == PONTO_OK);
		FUZZ_REQUIRE(buffer_equal(&a, &b));
	}
	return 0;
}
