#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugins/http-mhd/mhd.h"

struct ponto_addr mhd_socket_addr(const void *sockaddr)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const struct sockaddr_in *v4 = sockaddr;
	const struct sockaddr_in6 *v6 = sockaddr;
	struct ponto_addr addr = {.family = PONTO_FAMILY_IPV4};

	if (v4->sin_family == AF_INET) {
		addr.port = ntohs(v4->sin_port);
		memcpy(addr.ip, &v4->sin_addr, 4);
	} else if (memcmp(&v6->sin6_addr, mapped, sizeof(mapped)) == 0) {
		addr.port = ntohs(v6->sin6_port);
		memcpy(addr.ip, (const uint8_t *)&v6->sin6_addr + sizeof(mapped), 4);
	} else {
		addr.family = PONTO_FAMILY_IPV6;
		addr.port = ntohs(v6->sin6_port);
		addr.zone = v6->sin6_scope_id;
		memcpy(addr.ip, &v6->sin6_addr, 16);
	}
	return addr;
}

static socklen_t to_sockaddr(const struct ponto_addr *addr, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (addr->family == PONTO_FAMILY_IPV4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(addr->port);
		memcpy(&v4->sin_addr, addr->ip, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(addr->port);
	v6->sin6_scope_id = addr->zone;
	memcpy(&v6->sin6_addr, addr->ip, 16);
	return sizeof(*v6);
}

static int result_of(int error)
{
	switch (error) {
	case EADDRINUSE:
		return PONTO_EEXIST;
	case EACCES:
	case EPERM:
		return PONTO_EACCES;
	case EADDRNOTAVAIL:
	case ENODEV:
		return PONTO_ENOENT;
	case EAFNOSUPPORT:
		return PONTO_ENOTSUP;
	default:
		return PONTO_EIO;
	}
}

int mhd_socket_listen(struct mhd_http *http, const struct ponto_addr *local, int *out, struct ponto_addr *bound)
{
	struct sockaddr_storage addr;
	socklen_t len = to_sockaddr(local, &addr);
	char text[PONTO_ADDR_TEXT];
	int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0, error;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (local->family == PONTO_FAMILY_IPV6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0) ||
	    bind(fd, (const struct sockaddr *)&addr, len) != 0 || listen(fd, SOMAXCONN) != 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
		error = errno;
		ponto_error(http->env->log, MHD_TOPIC_SERVE, "cannot listen on %s: %s", ponto_addr_format(local, text),
			    strerror(error));
		if (fd >= 0)
			close(fd);
		return result_of(error);
	}
	*bound = mhd_socket_addr(&addr);
	/* :: reads as itself, not as an IPv4 address. */
	bound->family = local->family;
	*out = fd;
	return PONTO_OK;
}
