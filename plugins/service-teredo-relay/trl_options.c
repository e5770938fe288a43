/* Options that are more than a number: prefixes, addresses. */
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "plugins/service-teredo-relay/trl.h"

#define TOPIC "service.teredo.relay"

static bool parse_prefix(const char *text, struct teredo_prefix *out)
{
	const char *slash = strchr(text, '/');
	char address[PONTO_ADDR_TEXT];
	struct ponto_addr addr;
	uint64_t bits = 128;

	if (slash && !ponto_bytes_decimal(ponto_bytes(slash + 1, strlen(slash + 1)), 128, &bits))
		return false;
	if (!slash)
		slash = text + strlen(text);
	if ((size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = 0;
	if (ponto_addr_parse(address, 0, &addr) != PONTO_OK || addr.family != PONTO_FAMILY_IPV6 || addr.port || addr.zone)
		return false;
	memcpy(out->ip.bytes, addr.ip, sizeof(out->ip.bytes));
	out->bits = (uint8_t)bits;
	return true;
}

bool trl_prefix_fits(const char *text, int64_t number, char *why, size_t size)
{
	struct teredo_prefix prefix;

	(void)number;
	if (parse_prefix(text, &prefix))
		return true;
	snprintf(why, size, "\"%s\" is not an IPv6 prefix, such as 2001:db8::/32", text);
	return false;
}

static bool parse_source(const char *text, struct teredo_ip6 *out)
{
	struct teredo_prefix prefix;

	if (strchr(text, '/') || !parse_prefix(text, &prefix) || !teredo_is_unicast(&prefix.ip) ||
	    teredo_is_address(&prefix.ip))
		return false;
	*out = prefix.ip;
	return true;
}

bool trl_address_fits(const char *text, int64_t number, char *why, size_t size)
{
	struct teredo_ip6 ip;

	(void)number;
	if (!*text || parse_source(text, &ip))
		return true;
	snprintf(why, size, "\"%s\" is no native unicast IPv6 address", text);
	return false;
}

int trl_served(const struct ponto_env *env, struct teredo_prefix *out, size_t *count)
{
	const char *const *list = ponto_conf_list(env->conf, "served");

	for (*count = 0; list[*count]; ++*count) {
		if (*count == TEREDO_RELAY_SERVED_MAX || !parse_prefix(list[*count], &out[*count])) {
			ponto_error(env->log, TOPIC, "served: more than %d prefixes, or a wrong one",
				    TEREDO_RELAY_SERVED_MAX);
			return PONTO_ECONF;
		}
	}
	return PONTO_OK;
}

/* The first native global one of the host. */
static bool host_address(struct teredo_ip6 *out)
{
	struct ifaddrs *list, *i;

	if (getifaddrs(&list) != 0)
		return false;
	for (i = list; i; i = i->ifa_next) {
		struct sockaddr_in6 in6;
		struct teredo_ip6 ip;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET6)
			continue;
		memcpy(&in6, i->ifa_addr, sizeof(in6));
		memcpy(ip.bytes, &in6.sin6_addr, sizeof(ip.bytes));
		if (!teredo_is_unicast(&ip) || teredo_is_address(&ip))
			continue;
		*out = ip;
		break;
	}
	freeifaddrs(list);
	return i != NULL;
}

int trl_source(const struct ponto_env *env, struct teredo_ip6 *out)
{
	const char *text = ponto_conf_string(env->conf, "address");

	if (*text ? parse_source(text, out) : !env->simulation && host_address(out))
		return PONTO_OK;
	ponto_error(env->log, TOPIC, "no native IPv6 address to send bubbles from: name one in \"address\"");
	return PONTO_ECONF;
}
