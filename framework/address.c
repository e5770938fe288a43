#include "framework/base.h"

#include <stdio.h>
#include <string.h>

bool ponto_addr_same_host(const struct ponto_addr *a, const struct ponto_addr *b)
{
	return a->family == b->family && a->zone == b->zone && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool ponto_addr_equal(const struct ponto_addr *a, const struct ponto_addr *b)
{
	return a->port == b->port && ponto_addr_same_host(a, b);
}

static enum ponto_scope scope_ipv4(const uint8_t *ip)
{
	if (ip[0] == 127)
		return PONTO_SCOPE_LOOPBACK;
	if (ip[0] == 169 && ip[1] == 254)
		return PONTO_SCOPE_LINK;
	return PONTO_SCOPE_GLOBAL;
}

/* RFC 4291 section 2.4, 2.7; unique local addresses are global in scope, RFC 4193 section 3.3. */
static enum ponto_scope scope_ipv6(const uint8_t *ip)
{
	static const uint8_t loopback[16] = {[15] = 1};

	if (memcmp(ip, loopback, sizeof(loopback)) == 0)
		return PONTO_SCOPE_LOOPBACK;
	if (ip[0] == 0xff) {
		switch (ip[1] & 0x0f) {
		case 1:
			return PONTO_SCOPE_LOOPBACK;
		case 2:
			return PONTO_SCOPE_LINK;
		case 5:
			return PONTO_SCOPE_SITE;
		default:
			return PONTO_SCOPE_GLOBAL;
		}
	}
	if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80)
		return PONTO_SCOPE_LINK;
	if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0xc0)
		return PONTO_SCOPE_SITE;
	return PONTO_SCOPE_GLOBAL;
}

enum ponto_scope ponto_addr_scope(const struct ponto_addr *addr)
{
	static const uint8_t any[16];

	if (addr->family == PONTO_FAMILY_IPV6 && addr->ip[0] >> 5 == 1)
		return PONTO_SCOPE_GLOBAL; /* 2000::/3: nearly all */
	if (memcmp(addr->ip, any, sizeof(any)) == 0)
		return PONTO_SCOPE_NONE;
	switch (addr->family) {
	case PONTO_FAMILY_IPV4:
		return scope_ipv4(addr->ip);
	case PONTO_FAMILY_IPV6:
		return scope_ipv6(addr->ip);
	default:
		return PONTO_SCOPE_NONE;
	}
}

const char *ponto_scope_name(enum ponto_scope scope)
{
	static const char *const names[] = {"none", "loopback", "link", "site", "global"};

	return (unsigned)scope < PONTO_ARRAY_SIZE(names) ? names[scope] : "none";
}

/* ---- text ---------------------------------------------------------------------- */

/* The longest run of zero groups, at least two long: RFC 5952 section 4.2. */
static int zero_run(const uint16_t group[8], int *length)
{
	int best = -1;

	*length = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > *length) {
			best = i;
			*length = n;
		}
		i += n;
	}
	return best;
}

static size_t format_ipv6(const uint8_t ip[16], char *out, size_t size)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint16_t group[8];
	int run, run_length;
	size_t used = 0;

	if (memcmp(ip, mapped, sizeof(mapped)) == 0)
		return (size_t)snprintf(out, size, "::ffff:%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
	for (int i = 0; i < 8; i++)
		group[i] = (uint16_t)(ip[2 * i] << 8 | ip[2 * i + 1]);
	run = zero_run(group, &run_length);
	for (int i = 0; i < 8; i++) {
		if (i == run) {
			used += (size_t)snprintf(out + used, size - used, "::");
			i += run_length - 1;
			continue;
		}
		used += (size_t)snprintf(out + used, size - used, "%s%x",
					 i == 0 || (run >= 0 && i == run + run_length) ? "" : ":", group[i]);
	}
	return used;
}

const char *ponto_addr_format(const struct ponto_addr *addr, char out[PONTO_ADDR_TEXT])
{
	char host[64];

	if (addr->family == PONTO_FAMILY_IPV4) {
		snprintf(host, sizeof(host), "%u.%u.%u.%u", addr->ip[0], addr->ip[1], addr->ip[2], addr->ip[3]);
	} else if (addr->family == PONTO_FAMILY_IPV6) {
		size_t used = format_ipv6(addr->ip, host, sizeof(host));

		if (addr->zone)
			snprintf(host + used, sizeof(host) - used, "%%%u", addr->zone);
	} else {
		snprintf(host, sizeof(host), "none");
	}
	if (addr->port == 0)
		snprintf(out, PONTO_ADDR_TEXT, "%s", host);
	else if (addr->family == PONTO_FAMILY_IPV6)
		snprintf(out, PONTO_ADDR_TEXT, "[%s]:%u", host, addr->port);
	else
		snprintf(out, PONTO_ADDR_TEXT, "%s:%u", host, addr->port);
	return out;
}

/* Decimal without sign or leading zeros, at most max; the first character behind it, NULL on a fault. */
static const char *parse_number(const char *text, const char *end, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;
	const char *start = text;

	while (text < end && *text >= '0' && *text <= '9') {
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > max)
			return NULL;
		text++;
	}
	if (text == start || (*start == '0' && text - start > 1))
		return NULL;
	*out = (uint32_t)value;
	return text;
}

static bool parse_ipv4(const char *text, const char *end, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		uint32_t part;

		text = parse_number(text, end, 255, &part);
		if (!text)
			return false;
		out[i] = (uint8_t)part;
		if (i < 3 && (text == end || *text++ != '.'))
			return false;
	}
	return text == end;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 4291 section 2.2, all three forms. */
static bool parse_ipv6(const char *text, const char *end, uint8_t out[16])
{
	uint8_t head[16], tail[16];
	size_t head_len = 0, tail_len = 0;
	bool gap = false;

	if (end - text >= 2 && text[0] == ':' && text[1] == ':') {
		gap = true;
		text += 2;
	}
	while (text < end) {
		uint8_t *part = gap ? tail : head;
		size_t *len = gap ? &tail_len : &head_len;
		const char *stop = text;
		uint32_t value = 0;

		while (stop < end && hex_value(*stop) >= 0 && stop - text < 5)
			value = value << 4 | (uint32_t)hex_value(*stop++);
		if (stop < end && *stop == '.') {
			if (head_len + tail_len > 12 || !parse_ipv4(text, end, part + *len))
				return false;
			*len += 4;
			text = end;
			break;
		}
		if (stop == text || stop - text > 4 || head_len + tail_len > 14)
			return false;
		part[(*len)++] = (uint8_t)(value >> 8);
		part[(*len)++] = (uint8_t)value;
		text = stop;
		if (text == end)
			break;
		if (*text++ != ':' || text == end)
			return false;
		if (*text == ':') {
			if (gap)
				return false;
			gap = true;
			text++;
		}
	}
	if (gap ? head_len + tail_len > 14 : head_len != 16)
		return false;
	memset(out, 0, 16);
	memcpy(out, head, head_len);
	memcpy(out + 16 - tail_len, tail, tail_len);
	return true;
}

static bool parse_host6(const char *text, const char *end, struct ponto_addr *addr)
{
	const char *zone = memchr(text, '%', (size_t)(end - text));

	addr->family = PONTO_FAMILY_IPV6;
	if (zone && (parse_number(zone + 1, end, UINT32_MAX, &addr->zone) != end || addr->zone == 0))
		return false;
	return parse_ipv6(text, zone ? zone : end, addr->ip);
}

int ponto_addr_parse(const char *text, uint16_t default_port, struct ponto_addr *out)
{
	struct ponto_addr addr = {.port = default_port};
	const char *end = text + strlen(text);
	const char *port = NULL;
	const char *colon = strchr(text, ':');
	uint32_t number;

	if (*text == '[') {
		const char *close = strchr(text, ']');

		if (!close || !parse_host6(text + 1, close, &addr))
			return PONTO_EINVAL;
		if (close + 1 != end) {
			if (close[1] != ':')
				return PONTO_EINVAL;
			port = close + 2;
		}
	} else if (colon && strchr(colon + 1, ':')) {
		if (!parse_host6(text, end, &addr))
			return PONTO_EINVAL;
	} else {
		addr.family = PONTO_FAMILY_IPV4;
		if (!parse_ipv4(text, colon ? colon : end, addr.ip))
			return PONTO_EINVAL;
		port = colon ? colon + 1 : NULL;
	}
	if (port) {
		if (parse_number(port, end, 65535, &number) != end || number == 0)
			return PONTO_EINVAL;
		addr.port = (uint16_t)number;
	}
	*out = addr;
	return PONTO_OK;
}
