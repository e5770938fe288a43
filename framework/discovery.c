#include "framework/discovery.h"

#include <stdio.h>
#include <string.h>

static int parse_port(const char *text, uint16_t *out)
{
	unsigned long port = 0;

	if (!*text || strlen(text) > 5 || text[strspn(text, "0123456789")])
		return PONTO_EINVAL;
	for (; *text; text++)
		port = port * 10 + (unsigned)(*text - '0');
	if (port == 0 || port > UINT16_MAX)
		return PONTO_EINVAL;
	*out = (uint16_t)port;
	return PONTO_OK;
}

static bool label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of 1..63 letters, digits, hyphens, underscores; the last not all digits, for getaddrinfo would take
 * "10.1" for an address. A dot at the end is the root's. */
static bool host_valid(const char *host)
{
	size_t len = strlen(host), label = 0;
	bool digits = true;

	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (host[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
			digits = true;
			continue;
		}
		if (!label_char(host[i]) || (label == 0 && host[i] == '-') || ++label > 63)
			return false;
		digits &= host[i] >= '0' && host[i] <= '9';
	}
	return label > 0 && !digits;
}

int ponto_seed_parse(const char *text, struct ponto_seed *out)
{
	struct ponto_seed seed;
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	memset(&seed, 0, sizeof(seed));
	if (ponto_addr_parse(text, 0, &seed.address) == PONTO_OK) {
		if (ponto_addr_scope(&seed.address) == PONTO_SCOPE_NONE)
			return PONTO_EINVAL;
		*out = seed;
		return PONTO_OK;
	}
	if (len >= sizeof(seed.host))
		return PONTO_EINVAL;
	memcpy(seed.host, text, len);
	if (!host_valid(seed.host) || (colon && parse_port(colon + 1, &seed.port)))
		return PONTO_EINVAL;
	*out = seed;
	return PONTO_OK;
}

bool ponto_seed_fits(const char *text, int64_t number, char *why, size_t size)
{
	struct ponto_seed seed;

	(void)number;
	if (ponto_seed_parse(text, &seed) == PONTO_OK)
		return true;
	snprintf(why, size, "\"%s\" is neither an address nor a host name, with or without a port", text);
	return false;
}
