/* The line of ponto-map: what is taken from it can be printed and given back to it as an argument. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "plugins/mapping-gateway/mg.h"

static void printable(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	FUZZ_REQUIRE(len < size);
	for (size_t i = 0; i < len; i++)
		FUZZ_REQUIRE(text[i] >= ' ' && text[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mg_answer a;

	mg_answer_read(ponto_bytes(data, size), &a);
	printable(a.control, sizeof(a.control));
	printable(a.type, sizeof(a.type));
	printable(a.words, sizeof(a.words));
	FUZZ_REQUIRE((a.control[0] == '\0') == (a.type[0] == '\0') || a.kind != MG_ANSWER_HELD);
	if (a.kind == MG_ANSWER_HELD)
		FUZZ_REQUIRE(a.external.family == PONTO_FAMILY_IPV4 && a.external.port != 0);
	FUZZ_REQUIRE(a.kind != MG_ANSWER_NONE || a.words[0]);
	return 0;
}
