/* transport-udp: between the framework's addresses and the kernel's. Pure. */
#ifndef UDP_SOCKADDR_H
#define UDP_SOCKADDR_H

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "framework/base.h"

union udp_sockaddr {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* The scopes whose addresses mean nothing without an interface (RFC 4007). */
static inline bool udp_scope_has_zone(enum ponto_scope scope)
{
	return scope == PONTO_SCOPE_LINK || scope == PONTO_SCOPE_SITE;
}

/* Returns the length. The family must be one of the two. */
static inline socklen_t udp_to_sockaddr(const struct ponto_addr *addr, union udp_sockaddr *out)
{
	if (addr->family == PONTO_FAMILY_IPV6) {
		out->in6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6, .sin6_port = htons(addr->port), .sin6_scope_id = addr->zone};
		memcpy(&out->in6.sin6_addr, addr->ip, 16);
		return sizeof(out->in6);
	}
	out->in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(addr->port)};
	memcpy(&out->in4.sin_addr, addr->ip, 4);
	return sizeof(out->in4);
}

/* zone is put into scoped addresses the kernel gives none for. */
static inline void udp_from_sockaddr(const union udp_sockaddr *in, uint32_t zone, struct ponto_addr *out)
{
	*out = (struct ponto_addr){0};
	if (in->any.sa_family == AF_INET6) {
		out->family = PONTO_FAMILY_IPV6;
		out->port = ntohs(in->in6.sin6_port);
		memcpy(out->ip, &in->in6.sin6_addr, 16);
		/* Only fe80::/10 and fec0::/10 have zones; the test is cheap because this is the receiving path. */
		if (out->ip[0] == 0xfe && (out->ip[1] & 0x80))
			out->zone = in->in6.sin6_scope_id ? in->in6.sin6_scope_id : zone;
		return;
	}
	out->family = PONTO_FAMILY_IPV4;
	out->port = ntohs(in->in4.sin_port);
	memcpy(out->ip, &in->in4.sin_addr, 4);
}

static inline bool udp_is_multicast(const struct ponto_addr *addr)
{
	return addr->family == PONTO_FAMILY_IPV6 ? addr->ip[0] == 0xff : (addr->ip[0] & 0xf0) == 0xe0;
}

#endif
