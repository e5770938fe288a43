#include "plugins/transport-udp6/udp_transport.h"

#include <errno.h>
#include <netinet/udp.h>
#include <unistd.h>

#define TOPIC "transport.udp.socket"

int udp_result(int error)
{
	switch (error) {
	case EADDRINUSE:
		return PONTO_EEXIST;
	case EACCES:
	case EPERM:
		return PONTO_EACCES;
	case EADDRNOTAVAIL:
	case ENODEV:
	case ENXIO:
		return PONTO_ENOENT;
	case ENOMEM:
		return PONTO_ENOMEM;
	case EMSGSIZE:
		return PONTO_ELIMIT;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case ECONNREFUSED:
		return PONTO_EUNREACH;
	case EINVAL:
		return PONTO_EINVAL;
	default:
		return PONTO_EIO;
	}
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? PONTO_OK : PONTO_EIO;
}

static int set_options(int fd, const struct udp_transport *udp)
{
	int result = PONTO_OK;

	if (udp->receive_buffer > 0)
		result = set(fd, SOL_SOCKET, SO_RCVBUF, udp->receive_buffer);
	if (udp->family == PONTO_FAMILY_IPV6) {
		result = result ? result : set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		result = result ? result : set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
		result = result ? result : set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
		result = result ? result : set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
		result = result ? result : set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT);
	} else {
		result = result ? result : set(fd, IPPROTO_IP, IP_RECVTTL, 1);
		result = result ? result : set(fd, IPPROTO_IP, IP_RECVTOS, 1);
		result = result ? result : set(fd, IPPROTO_IP, IP_RECVERR, 1);
		result = result ? result : set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT);
	}
	/* Datagrams that came together are handed over together; where the kernel cannot, they come one by one. */
	(void)set(fd, SOL_UDP, UDP_GRO, 1);
	return result;
}

/* Multicast leaves through the address's own interface, and groups joined by other sockets are not ours. */
static int set_multicast(int fd, uint8_t family, const struct ponto_addr *local, uint32_t interface)
{
	if (family == PONTO_FAMILY_IPV6) {
		int result = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)interface);

		return result ? result : set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	}
	struct ip_mreqn request = {.imr_ifindex = (int)interface};

	if (!udp_is_multicast(local))
		memcpy(&request.imr_address, local->ip, 4);
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request)) < 0)
		return PONTO_EIO;
	return set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

static int bind_socket(int fd, const struct ponto_addr *local)
{
	union udp_sockaddr address;
	socklen_t len = udp_to_sockaddr(local, &address);

	/* Others on this host may listen to the same group; an address of our own is ours alone. */
	if (udp_is_multicast(local) && set(fd, SOL_SOCKET, SO_REUSEADDR, 1) != PONTO_OK)
		return PONTO_EIO;
	return bind(fd, &address.any, len) == 0 ? PONTO_OK : udp_result(errno);
}

int udp_socket_open(struct ponto_datagram_handle *h, const struct ponto_addr *local, uint32_t interface,
		    struct udp_socket **out)
{
	const struct udp_transport *udp = h->udp;
	struct udp_socket *s = ponto_new(udp->env->alloc, 1, sizeof(*s));
	char text[PONTO_ADDR_TEXT];
	int result = PONTO_ENOMEM;

	if (!s)
		return PONTO_ENOMEM;
	s->handle = h;
	s->local = *local;
	s->interface = interface;
	s->joins = true;
	s->fd = socket(udp->family == PONTO_FAMILY_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0);
	if (s->fd < 0) {
		result = udp_result(errno);
		goto out;
	}
	result = set_options(s->fd, udp);
	if (result == PONTO_OK && h->scope != PONTO_SCOPE_LOOPBACK)
		result = set_multicast(s->fd, udp->family, local, interface);
	if (result == PONTO_OK)
		result = bind_socket(s->fd, local);
	if (result == PONTO_OK)
		result = ponto_watch_create(h->loop, s->fd, PONTO_READABLE, udp_socket_ready, s, &s->watch);
	if (result == PONTO_OK) {
		*out = s;
		return PONTO_OK;
	}
out:
	ponto_info(udp->env->log, TOPIC, "%s cannot be used: %s", ponto_addr_format(local, text),
		   result == PONTO_EEXIST ? "another program uses this port" : ponto_strerror(result));
	if (s->fd >= 0)
		close(s->fd);
	ponto_free(udp->env->alloc, s);
	return result;
}

void udp_socket_close(struct udp_socket *s)
{
	struct ponto_datagram_handle *h = s->handle;

	if (h->current == s)
		h->current = NULL;
	ponto_watch_destroy(h->loop, s->watch);
	close(s->fd);
	ponto_free(h->udp->env->alloc, s);
}

static void append(struct ponto_datagram_handle *h, struct udp_socket *s)
{
	struct udp_socket **end = &h->sockets;

	while (*end)
		end = &(*end)->next;
	*end = s;
	s->next = NULL;
	h->socket_count++;
}

int udp_socket_bind_all(struct ponto_datagram_handle *h, const struct udp_address *addresses, size_t count)
{
	for (size_t i = 0; i < count && h->socket_count < h->max_addresses; i++) {
		struct ponto_addr local = addresses[i].addr;
		struct udp_socket *s;
		int result;

		local.port = h->port;
		result = udp_socket_open(h, &local, addresses[i].interface, &s);
		if (result == PONTO_ENOENT) /* it went away between the list and the bind */
			continue;
		if (result != PONTO_OK)
			return result;
		append(h, s);
	}
	return h->socket_count ? PONTO_OK : PONTO_ENOENT;
}

/* ---- when the host's addresses change -------------------------------------------------- */

static const struct udp_socket *socket_at(const struct ponto_datagram_handle *h, const struct ponto_addr *addr)
{
	for (const struct udp_socket *s = h->sockets; s; s = s->next) {
		if (ponto_addr_same_host(&s->local, addr))
			return s;
	}
	return NULL;
}

static bool close_stale(struct ponto_datagram_handle *h, const struct udp_address *addresses, size_t count)
{
	bool changed = false;

	for (struct udp_socket **link = &h->sockets; *link;) {
		struct udp_socket *s = *link;
		bool stays = false;

		for (size_t i = 0; i < count && !stays; i++)
			stays = ponto_addr_same_host(&s->local, &addresses[i].addr) &&
				s->interface == addresses[i].interface;
		if (stays) {
			link = &s->next;
			continue;
		}
		*link = s->next;
		h->socket_count--;
		udp_socket_close(s);
		changed = true;
	}
	return changed;
}

bool udp_socket_refresh(struct ponto_datagram_handle *h)
{
	struct udp_address addresses[UDP_ADDRESSES_MAX];
	size_t count;
	bool changed;

	if (udp_addresses(h->udp, h->scope, h->zone, addresses, UDP_ADDRESSES_MAX, &count) != PONTO_OK)
		return false;
	changed = close_stale(h, addresses, count);
	for (size_t i = 0; i < count && h->socket_count < h->max_addresses; i++) {
		struct ponto_addr local = addresses[i].addr;
		struct udp_socket *s;

		if (socket_at(h, &local))
			continue;
		local.port = h->port;
		if (udp_socket_open(h, &local, addresses[i].interface, &s) != PONTO_OK)
			continue;
		append(h, s);
		changed = true;
	}
	if (changed)
		udp_routes_forget(h);
	return changed;
}
