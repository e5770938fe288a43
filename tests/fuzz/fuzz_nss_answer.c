/* What a hostile daemon may say to every program: one packet. */
#include "tests/fuzz/fuzz.h"
#include "apps/nss-pnrp/resolve_wire.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolve_answer answer;

	memset(&answer, 0xa5, sizeof(answer));
	if (resolve_answer_read(ponto_bytes(data, size), &answer) != PONTO_OK) {
		FUZZ_REQUIRE(answer.count == (size_t)0xa5a5a5a5a5a5a5a5);
		return 0;
	}
	FUZZ_REQUIRE(answer.count <= RESOLVE_ADDRESSES);
	for (size_t i = 0; i < answer.count; i++)
		for (size_t j = 0; j < i; j++)
			FUZZ_REQUIRE(memcmp(&answer.address[i], &answer.address[j], sizeof(answer.address[i])) != 0);
	return 0;
}
