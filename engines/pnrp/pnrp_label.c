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

/* Decimal without leading zeros, below 2^32. */
static int parse_zone(const char **text, uint32_t *zone)
{
	const char *at = *text;
	uint64_t value = 0;

	if (*at < '0' || *at > '9' || (at[0] == '0' && at[1] >= '0' && at[1] <= '9'))
		return PONTO_EINVAL;
	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (uint64_t)(*at - '0');
		if (value > UINT32_MAX)
			return PONTO_EINVAL;
	}
	*text = at;
	*zone = (uint32_t)value;
	return PONTO_OK;
}

int pnrp_cloud_parse(const char *text, struct pnrp_cloud_name *out)
{
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(scopes); i++) {
		struct pnrp_cloud_name cloud = {scopes[i].scope, 0, &pnrp_windows};
		const char *at = text + strlen(scopes[i].prefix);

		if (strncmp(text, scopes[i].prefix, strlen(scopes[i].prefix)) != 0)
			continue;
		if (scopes[i].zoned && (*at++ != '%' || parse_zone(&at, &cloud.zone) != PONTO_OK))
			return PONTO_EINVAL;
		if (strcmp(at, MODERN_SUFFIX) == 0)
			cloud.wire = &pnrp_modern;
		else if (*at != '\0')
			return PONTO_EINVAL;
		*out = cloud;
		return PONTO_OK;
	}
	return PONTO_EINVAL;
}
