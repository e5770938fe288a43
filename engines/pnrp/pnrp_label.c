/* Cloud names: texts that people type. */
#include "engines/pnrp/pnrp_name.h"

#include <string.h>

/* ---- clouds -------------------------------------------------------------------- */

#define MODERN_SUFFIX "@modern"

static const struct {
	uint8_t scope;
	bool zoned;
	char prefix[11];
} scopes[] = {
	{PONTO_SCOPE_GLOBAL, false, "Global_"},
	{PONTO_SCOPE_SITE, true, "SiteLocal_"},
	{PONTO_SCOPE_LINK, true, "LinkLocal_"},
	{PONTO_SCOPE_LOOPBACK, false, "Loopback_"},
};

static char *put_text(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len + 1);
	return out + len;
}

static char *put_number(char *out, uint32_t number)
{
	char digits[10];
	int count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	while (count > 0)
		*out++ = digits[--count];
	*out = '\0';
	return out;
}

int pnrp_cloud_format(const struct pnrp_cloud_name *cloud, char out[PNRP_CLOUD_TEXT])
{
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(scopes); i++) {
		if (scopes[i].scope != cloud->scope)
			continue;
		if (!scopes[i].zoned && cloud->zone != 0)
			return PONTO_EINVAL;
		out = put_text(out, scopes[i].prefix);
		if (scopes[i].zoned) {
			out = put_text(out, "%");
			out = put_number(out, cloud->zone);
		}
		if (cloud->wire == &pnrp_modern)
			put_text(out, MODERN_SUFFIX);
		return PONTO_OK;
	}
	return PONTO_EINVAL;
}
