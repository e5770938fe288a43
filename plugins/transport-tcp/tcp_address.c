#include "plugins/transport-tcp/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static socklen_t to_kernel(const struct ponto_addr *addr, union address *out)
{
	memset(out, 0, sizeof(*out));
	if (addr->family == PONTO_FAMILY_IPV6) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(addr->port);
		out->in6.sin6_scope_id = addr->zone;
		memcpy(&out->in6.sin6_addr, addr->ip, 16);
		return sizeof(out->in6);
	}
	out->in4.sin_family = AF_INET;
	out->in4.sin_port = htons(addr->port);
	memcpy(&out->in4.sin_addr, addr->ip, 4);
	return sizeof(out->in4);
}

static void from_kernel(const union address *in, struct ponto_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (in->any.sa_family == AF_INET6) {
		out->family = PONTO_FAMILY_IPV6;
		out->port = ntohs(in->in6.sin6_port);
		out->zone = in->in6.sin6_scope_id;
		memcpy(out->ip, &in->in6.sin6_addr, 16);
		return;
	}
	out->family = PONTO_FAMILY_IPV4;
	out->port = ntohs(in->in4.sin_port);
	memcpy(out->ip, &in->in4.sin_addr, 4);
}

int tcpt_bind(int fd, const struct ponto_addr *local)
{
	union address address;
	socklen_t len = to_kernel(local, &address);

	if (bind(fd, &address.any, len) == 0)
		return PONTO_OK;
	return errno == EADDRNOTAVAIL || errno == ENODEV ? PONTO_ENOENT : tcpt_result(errno);
}

int tcpt_start(int fd, const struct ponto_addr *peer)
{
	union address address;
	socklen_t len = to_kernel(peer, &address);

	return connect(fd, &address.any, len) == 0 ? 0 : errno;
}

int tcpt_accept(int listener, int *fd, struct ponto_addr *peer)
{
	union address address;
	socklen_t len = sizeof(address);
	int got = accept4(listener, &address.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (got < 0)
		return errno;
	from_kernel(&address, peer);
	*fd = got;
	return 0;
}

int tcpt_names(int fd, struct ponto_addr *local, struct ponto_addr *peer)
{
	union address ours, theirs;
	socklen_t len = sizeof(ours);

	if (getsockname(fd, &ours.any, &len) < 0)
		return tcpt_result(errno);
	len = sizeof(theirs);
	if (peer && getpeername(fd, &theirs.any, &len) < 0)
		return tcpt_result(errno);
	if (local)
		from_kernel(&ours, local);
	if (peer)
		from_kernel(&theirs, peer);
	return PONTO_OK;
}
