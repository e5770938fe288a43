/* Trailers of a bubble: what is read is written again, to something that reads the same. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "engines/teredo/teredo_trailer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[TEREDO_TRAILERS_MAX];
	struct ponto_writer w = ponto_writer(out, sizeof(out));
	struct teredo_trailers t, again;

	if (teredo_trailers_parse(ponto_bytes(data, size), &t) != PONTO_OK)
		return 0;
	FUZZ_REQUIRE(t.alternate_count <= TEREDO_ALTERNATES_MAX);
	FUZZ_REQUIRE(!t.alternates_bad || t.alternate_count == 0);
	teredo_write_trailers(&w, &t);
	FUZZ_REQUIRE(!w.failed);
	FUZZ_REQUIRE(teredo_trailers_parse(ponto_bytes(out, (size_t)w.pos), &again) == PONTO_OK);
	FUZZ_REQUIRE(again.has_nonce == t.has_nonce && again.nonce == t.nonce && again.discovery == t.discovery);
	FUZZ_REQUIRE(again.has_port == t.has_port && (!t.has_port || again.port == t.port));
	FUZZ_REQUIRE(again.alternate_count ==
		     (t.alternate_count < TEREDO_ALTERNATES_SENT ? t.alternate_count : TEREDO_ALTERNATES_SENT));
	for (uint8_t i = 0; i < again.alternate_count; i++)
		FUZZ_REQUIRE(teredo_endpoint_equal(&again.alternates[i], &t.alternates[i]));
	return 0;
}
