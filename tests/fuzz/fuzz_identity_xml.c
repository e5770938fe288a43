/* Cards and exports in XML: what reads is written to a text that reads to the same. */
#include "tests/fuzz/fuzz.h"
#include "apps/pontod/identity_xml.h"

#include <string.h>

static void cards(struct ponto_bytes text)
{
	const struct ponto_alloc *alloc = &ponto_alloc_system;
	uint8_t *data, *again;
	size_t len, again_len;
	char *written;

	if (identity_xml_read_card(text, alloc, &data, &len) != PONTO_OK)
		return;
	FUZZ_REQUIRE(identity_xml_card(ponto_bytes(data, len), alloc, &written) == PONTO_OK);
	FUZZ_REQUIRE(identity_xml_read_card(ponto_bytes(written, strlen(written)), alloc, &again, &again_len) ==
		     PONTO_OK);
	FUZZ_REQUIRE(again_len == len && memcmp(again, data, len) == 0);
	ponto_free(alloc, again);
	ponto_free(alloc, written);
	ponto_free(alloc, data);
}

static void exports(struct ponto_bytes text)
{
	const struct ponto_alloc *alloc = &ponto_alloc_system;
	char name[IDENTITY_XML_NAME], again_name[IDENTITY_XML_NAME], *written;
	uint8_t *data, *again;
	size_t len, again_len;

	if (identity_xml_read_export(text, alloc, name, &data, &len) != PONTO_OK)
		return;
	FUZZ_REQUIRE(identity_xml_export(name, ponto_bytes(data, len), alloc, &written) == PONTO_OK);
	FUZZ_REQUIRE(identity_xml_read_export(ponto_bytes(written, strlen(written)), alloc, again_name, &again,
					      &again_len) == PONTO_OK);
	FUZZ_REQUIRE(again_len == len && memcmp(again, data, len) == 0 && strcmp(name, again_name) == 0);
	ponto_free(alloc, again);
	ponto_free(alloc, written);
	ponto_free(alloc, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ponto_bytes text = ponto_bytes(data, size);

	(void)identity_xml_is(text);
	cards(text);
	exports(text);
	return 0;
}
