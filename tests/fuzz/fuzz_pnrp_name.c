/* Texts: a peer name, and the same bytes as UTF-16 units. What parses formats
 * to a text that parses to the same. */
#include "tests/fuzz/fuzz.h"
#include "engines/pnrp/pnrp_name.h"

#include <string.h>

static void fuzz_name(const char *text)
{
	char back[PNRP_NAME_TEXT];
	struct pnrp_name a, b;

	if (pnrp_name_parse(text, &a) == PONTO_OK) {
		FUZZ_REQUIRE(pnrp_name_format(&a, back) == PONTO_OK);
		FUZZ_REQUIRE(strcmp(text, back) == 0);
	}
	if (pnrp_name_make(NULL, text, &a) == PONTO_OK) {
		FUZZ_REQUIRE(pnrp_name_format(&a, back) == PONTO_OK);
		FUZZ_REQUIRE(strcmp(text, back + 2) == 0);
		FUZZ_REQUIRE(pnrp_name_parse(back, &b) == PONTO_OK && pnrp_name_equal(&a, &b));
	}
}

static void fuzz_units(const uint8_t *data, size_t size)
{
	uint16_t units[512];
	uint8_t wire[2 * PNRP_CLASSIFIER_MAX], hash[PNRP_HASH_SIZE];
	struct pnrp_name a, b;
	char text[PNRP_NAME_TEXT];
	size_t count = size / 2 < 512 ? size / 2 : 512, len;

	for (size_t i = 0; i < count; i++)
		units[i] = (uint16_t)(data[2 * i] << 8 | data[2 * i + 1]);
	if (pnrp_name_parse_units(units, count, &a) != PONTO_OK)
		return;
	if (pnrp_name_format(&a, text) == PONTO_OK)
		FUZZ_REQUIRE(pnrp_name_parse(text, &b) == PONTO_OK && pnrp_name_equal(&a, &b));
	len = pnrp_classifier_write(&a, wire);
	pnrp_classifier_hash(&pnrp_windows, &a, hash);
	b = a;
	b.classifier_len = 0;
	FUZZ_REQUIRE(pnrp_classifier_read(&pnrp_windows, ponto_bytes(wire, len), hash, &b) == PONTO_OK);
	FUZZ_REQUIRE(pnrp_name_equal(&a, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_REQUIRE(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	fuzz_name(text);
	fuzz_units(data, size);
	free(text);
	return 0;
}
