/* Cloud names and DNS-style names: texts that people type. */
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

/* ---- DNS-style names ------------------------------------------------------------- */

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */
#define DOMAIN_TEXT "pnrp.net"
#define PUNYCODE_PREFIX "xn--"

static bool is_label_char(uint16_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Whether a classifier can stand in a host name as it is: no case to lose, nothing to escape. */
static bool is_plain_label(const uint16_t *units, size_t count)
{
	static const uint16_t punycode[] = {'x', 'n', '-', '-'};

	if (count == 0 || count > LABEL_MAX || units[0] == '-' || units[count - 1] == '-')
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_label_char(units[i]))
			return false;
	return count < 4 || memcmp(units, punycode, sizeof(punycode)) != 0;
}

int pnrp_dns_format(const struct pnrp_name *name, char out[PNRP_DNS_TEXT])
{
	if (!is_plain_label(name->classifier, name->classifier_len))
		return PONTO_ENOTSUP;
	for (size_t i = 0; i < name->classifier_len; i++)
		*out++ = (char)name->classifier[i];
	if (name->secure) {
		out = put_text(out, ".p");
		ponto_hex(ponto_bytes(name->authority, PNRP_HASH_SIZE), out);
		out += 2 * PNRP_HASH_SIZE;
	}
	put_text(out, "." DOMAIN_TEXT);
	return PONTO_OK;
}

/* Copies text in lower case without a trailing dot; PONTO_EINVAL when it does not fit. */
static int fold(const char *text, char *out, size_t cap)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len >= cap)
		return PONTO_EINVAL;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
	out[len] = '\0';
	return PONTO_OK;
}

/* "p0", "p<40 hex>" or bare "<40 hex>". */
static int parse_authority_label(const char *label, uint8_t authority[PNRP_HASH_SIZE], bool *secure)
{
	*secure = true;
	if (strcmp(label, "p0") == 0) {
		*secure = false;
		return PONTO_OK;
	}
	if (*label == 'p')
		label++;
	if (strlen(label) != 2 * PNRP_HASH_SIZE)
		return PONTO_EINVAL;
	return ponto_unhex(label, authority, PNRP_HASH_SIZE);
}

int pnrp_dns_parse(const char *text, struct pnrp_name *out)
{
	char folded[PNRP_DNS_TEXT];
	uint8_t authority[PNRP_HASH_SIZE];
	struct pnrp_name name;
	bool secure = false;
	size_t len;
	char *dot;
	int result = fold(text, folded, sizeof(folded));

	if (result != PONTO_OK)
		return result;
	len = strlen(folded);
	if (len <= strlen("." DOMAIN_TEXT) || strcmp(folded + len - strlen("." DOMAIN_TEXT), "." DOMAIN_TEXT) != 0)
		return PONTO_EINVAL;
	folded[len - strlen("." DOMAIN_TEXT)] = '\0';
	dot = strchr(folded, '.');
	if (dot) {
		*dot = '\0';
		result = parse_authority_label(dot + 1, authority, &secure);
	}
	if (result == PONTO_OK)
		result = pnrp_name_make(secure ? authority : NULL, folded, &name);
	if (result != PONTO_OK)
		return result;
	if (strncmp(folded, PUNYCODE_PREFIX, strlen(PUNYCODE_PREFIX)) == 0)
		return PONTO_ENOTSUP;
	if (!is_plain_label(name.classifier, name.classifier_len))
		return PONTO_EINVAL;
	*out = name;
	return PONTO_OK;
}
