/* What parses is walked, written, parsed again and written again to the same bytes. */
#include "tests/fuzz/fuzz.h"
#include "framework/xml.h"

#include <string.h>

static void walk(const struct ponto_xml_node *node)
{
	static const char *const names[] = {"a", "b", "Envelope", "Body", "Hello"};
	char *text;

	FUZZ_REQUIRE(ponto_xml_is(node, ponto_xml_space(node), ponto_xml_name(node)));
	if (ponto_xml_attribute(node, NULL, "a", &text) == PONTO_OK)
		ponto_xml_free_text(text);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(names); i++) {
		const struct ponto_xml_node *child = ponto_xml_first(node, NULL, names[i]);

		for (; child; child = ponto_xml_next(child, NULL, names[i]))
			walk(child);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ponto_xml *xml, *again;
	size_t len, again_len;
	char *text, *written, *rewritten;

	if (ponto_xml_parse(ponto_bytes(data, size), &xml) != PONTO_OK)
		return 0;
	walk(ponto_xml_root(xml));
	FUZZ_REQUIRE(ponto_xml_text(ponto_xml_root(xml), &text) == PONTO_OK);
	FUZZ_REQUIRE(ponto_xml_write(xml, &written, &len) == PONTO_OK);
	FUZZ_REQUIRE(ponto_xml_parse(ponto_bytes(written, len), &again) == PONTO_OK);
	FUZZ_REQUIRE(ponto_xml_write(again, &rewritten, &again_len) == PONTO_OK);
	FUZZ_REQUIRE(len == again_len && memcmp(written, rewritten, len) == 0);
	ponto_xml_free_text(text);
	ponto_xml_free_text(written);
	ponto_xml_free_text(rewritten);
	ponto_xml_destroy(again);
	ponto_xml_destroy(xml);
	return 0;
}
