/* An Authorization header at a hosted cache: a token that is taken is not empty, not too long, and its text was the
 * header's. */
#include "tests/fuzz/fuzz.h"

#include <openssl/evp.h>
#include <string.h>

#include "plugins/service-dist/dist_gss.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t text[(DIST_GSS_TOKEN + 2) / 3 * 4 + 1];
	char *header = malloc(size + 1);
	uint8_t *token;
	size_t len;

	FUZZ_REQUIRE(header);
	memcpy(header, data, size);
	header[size] = '\0';
	if (dist_gss_token(&ponto_alloc_system, header, &token, &len) == PONTO_OK) {
		const char *from = strrchr(header, ' ') + 1;
		size_t whole = len / 3 * 4;

		FUZZ_REQUIRE(len >= 1 && len <= DIST_GSS_TOKEN && strlen(from) == (len + 2) / 3 * 4);
		/* But for the last letters, whose lowest bits are nobody's. */
		EVP_EncodeBlock(text, token, (int)len);
		FUZZ_REQUIRE(memcmp(text, from, whole) == 0);
		ponto_free(&ponto_alloc_system, token);
	}
	free(header);
	return 0;
}
