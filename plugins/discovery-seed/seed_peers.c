#include "plugins/discovery-seed/seed_peers.h"

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
