/* Host names: a text is read as a host name, as a peer name and as a classifier. What reads writes to a host name
 * that reads to the same; what writes reads back, and has the form of a host name. */
#include "tests/fuzz/fuzz.h"
#include "engines/pnrp/pnrp_host.h"

#include <string.h>

/* RFC 1035 2.3.1, without the rule that a digit may not begin. */
static void require_host_form(const char *host)
{
	size_t label = 0;

	FUZZ_REQUIRE(strlen(host) < PNRP_HOST_TEXT);
	for (const char *at = host;; at++) {
		if (*at == '.' || *at == '\0') {
			FUZZ_REQUIRE(label > 0 && label <= 63 && at[-1] != '-' && at[-(ptrdiff_t)label] != '-');
			label = 0;
			if (*at == '\0')
				return;
			continue;
		}
		FUZZ_REQUIRE((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-');
		label++;
	}
}

static void written_reads(const struct pnrp_name *name)
{
	char host[PNRP_HOST_TEXT];
	struct pnrp_name back;

	if (pnrp_host_format(name, host) != PONTO_OK)
		return;
	require_host_form(host);
	FUZZ_REQUIRE(pnrp_host_parse(host, &back) == PONTO_OK && pnrp_name_equal(name, &back));
}

static void read_writes(const char *text)
{
	char host[PNRP_HOST_TEXT];
	struct pnrp_name name;

	if (pnrp_host_parse(text, &name) != PONTO_OK)
		return;
	/* labels in UTF-8 are shorter than what stands for them */
	for (const char *at = text; *at; at++)
		if ((uint8_t)*at >= 0x80) {
			written_reads(&name);
			return;
		}
	FUZZ_REQUIRE(pnrp_host_format(&name, host) == PONTO_OK);
	written_reads(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + sizeof(".pnrp.net"));
	struct pnrp_name name;

	FUZZ_REQUIRE(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	read_writes(text);
	if (pnrp_name_parse(text, &name) == PONTO_OK)
		written_reads(&name);
	if (pnrp_name_make(NULL, text, &name) == PONTO_OK)
		written_reads(&name);
	memcpy(text + size, ".pnrp.net", sizeof(".pnrp.net"));
	read_writes(text);
	free(text);
	return 0;
}
