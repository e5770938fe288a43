#include "plugins/transport-udp6/udp_transport.h"

/* With several local addresses the right source towards a peer is the one the kernel would choose (RFC 6724):
 * connecting a socket that sends nothing makes it tell. */

static bool ask_kernel(int probe, const struct ponto_addr *peer, struct ponto_addr *source)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	union udp_sockaddr address;
	socklen_t len = udp_to_sockaddr(peer, &address);

	connect(probe, &none, sizeof(none));
	if (connect(probe, &address.any, len) < 0)
		return false;
	len = sizeof(address);
	if (getsockname(probe, &address.any, &len) < 0)
		return false;
	udp_from_sockaddr(&address, 0, source);
	return true;
}

static unsigned common_bits(const struct ponto_addr *a, const struct ponto_addr *b)
{
	for (unsigned i = 0; i < sizeof(a->ip); i++) {
		uint8_t differing = a->ip[i] ^ b->ip[i];

		if (differing)
			return i * 8 + (unsigned)__builtin_clz(differing) - 24;
	}
	return 128;
}

/* The kernel may prefer a temporary address that the handle does not use: then the nearest one to it. */
static struct udp_socket *choose(const struct ponto_datagram_handle *h, const struct ponto_addr *peer)
{
	struct udp_socket *best = h->sockets;
	struct ponto_addr source;

	if (!ask_kernel(h->probe, peer, &source))
		return best;
	for (struct udp_socket *s = best->next; s; s = s->next) {
		if (common_bits(&s->local, &source) > common_bits(&best->local, &source))
			best = s;
	}
	return best;
}

struct udp_socket *udp_route(struct ponto_datagram_handle *h, const struct ponto_addr *peer)
{
	struct udp_route *route;
	uint64_t hash;

	if (h->socket_count <= 1 || h->scope != PONTO_SCOPE_GLOBAL || udp_is_multicast(peer))
		return h->sockets;
	if (!h->routes)
		h->routes = ponto_new(h->udp->env->alloc, UDP_ROUTES, sizeof(*h->routes));
	if (!h->routes)
		return choose(h, peer);
	memcpy(&hash, peer->ip + (peer->family == PONTO_FAMILY_IPV6 ? 8 : 0), sizeof(hash));
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	route = &h->routes[hash >> 32 & (UDP_ROUTES - 1)];
	if (!route->socket || !ponto_addr_same_host(&route->peer, peer)) {
		route->socket = choose(h, peer);
		route->peer = *peer;
	}
	return route->socket;
}

void udp_routes_forget(struct ponto_datagram_handle *h)
{
	if (h->routes)
		memset(h->routes, 0, UDP_ROUTES * sizeof(*h->routes));
}
