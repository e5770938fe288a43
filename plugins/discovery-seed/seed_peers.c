#include "plugins/discovery-seed/seed_peers.h"

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

int seed_peer_parse(const char *text, struct seed_peer *out)
{
	struct seed_peer peer;
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	memset(&peer, 0, sizeof(peer));
	if (ponto_addr_parse(text, 0, &peer.address) == PONTO_OK) {
		if (ponto_addr_scope(&peer.address) == PONTO_SCOPE_NONE)
			return PONTO_EINVAL;
		*out = peer;
		return PONTO_OK;
	}
	if (len >= sizeof(peer.host))
		return PONTO_EINVAL;
	memcpy(peer.host, text, len);
	if (!host_valid(peer.host) || (colon && parse_port(colon + 1, &peer.port)))
		return PONTO_EINVAL;
	*out = peer;
	return PONTO_OK;
}

static bool is_multicast(const struct ponto_addr *addr)
{
	return addr->family == PONTO_FAMILY_IPV6 ? addr->ip[0] == 0xff : addr->ip[0] >= 0xe0;
}

bool seed_address_fits(const struct ponto_discovery_want *want, struct ponto_addr *addr)
{
	enum ponto_scope scope = ponto_addr_scope(addr);

	if (scope == PONTO_SCOPE_NONE || is_multicast(addr))
		return false;
	if ((want->family && addr->family != want->family) || (want->scope && scope != want->scope))
		return false;
	if (addr->family == PONTO_FAMILY_IPV6 && (scope == PONTO_SCOPE_LINK || scope == PONTO_SCOPE_SITE)) {
		if (addr->zone && want->zone && addr->zone != want->zone)
			return false; /* the same words about another link */
		if (addr->zone == 0)
			addr->zone = want->zone;
	}
	if (addr->port == 0)
		addr->port = want->port;
	return addr->port != 0;
}

void seed_found_add(struct seed_found *found, const struct ponto_addr *addr)
{
	for (size_t i = 0; i < found->count; i++)
		if (ponto_addr_equal(&found->addrs[i], addr))
			return;
	if (found->count == SEED_FOUND_MAX)
		return;
	if (found->count == found->room) {
		size_t room = found->room ? 2 * found->room : 8;
		struct ponto_addr *more = ponto_resize(found->alloc, found->addrs, room, sizeof(*more));

		if (!more) {
			found->refused = true;
			return;
		}
		found->addrs = more;
		found->room = room;
	}
	found->addrs[found->count++] = *addr;
}

void seed_found_clear(struct seed_found *found)
{
	ponto_free(found->alloc, found->addrs);
	found->addrs = NULL;
	found->count = found->room = 0;
	found->refused = false;
}
