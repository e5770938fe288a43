/* A network interface: made, and given addresses, by requests to the kernel. RFC 3549; linux/if_tun.h */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/pontod/pontod.h"

#define MTU 1280
#define METRIC 1029 /* behind every other default route */
#define PREFIX 32   /* Teredo's: RFC 4380 2.6 */
#define PATIENCE_S 2

struct request {
	uint8_t has; /* an address, or none */
	uint8_t ip[16];
};

/* ---- making it -------------------------------------------------------------------------------- */

static int set_up(const char *name)
{
	struct ifreq request = {.ifr_mtu = MTU};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), result;

	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	result = ioctl(fd, SIOCSIFMTU, &request);
	request.ifr_flags = IFF_UP | IFF_NOARP;
	if (result == 0)
		result = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return result;
}

int grant_net_open(const char *name, int *tun)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	int fd;

	/* Who has one of that name does not want it changed. */
	if (if_nametoindex(name) != 0) {
		errno = EEXIST;
		return -1;
	}
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) != 0 || set_up(name) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	*tun = fd;
	return 0;
}

/* ---- its address: the helper ---------------------------------------------------------------------- */

struct message {
	union {
		struct nlmsghdr head;
		uint8_t bytes[256];
	};
};

static void *begin(struct message *m, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->head = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(len), .nlmsg_type = type,
				    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)};
	memcpy(NLMSG_DATA(&m->head), body, len);
	return m;
}

static void add(struct message *m, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)(m->bytes + NLMSG_ALIGN(m->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	m->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

/* 0, or an errno. */
static int ask(int fd, const struct message *m)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		uint8_t rest[sizeof(struct message)];
	} answer;

	if (send(fd, m, m->head.nlmsg_len, 0) < 0)
		return errno;
	if (recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return EIO;
	return -answer.error.error;
}

static int change_address(int fd, uint32_t interface, bool there, const uint8_t ip[16])
{
	const struct ifaddrmsg about = {
		.ifa_family = AF_INET6, .ifa_prefixlen = PREFIX, .ifa_flags = IFA_F_NODAD, .ifa_index = interface};
	struct message m;

	begin(&m, there ? RTM_NEWADDR : RTM_DELADDR, there ? NLM_F_CREATE | NLM_F_REPLACE : 0, &about, sizeof(about));
	add(&m, IFA_LOCAL, ip, 16);
	return ask(fd, &m);
}

static int change_route(int fd, uint32_t interface, bool there)
{
	const struct rtmsg about = {.rtm_family = AF_INET6,
				    .rtm_table = RT_TABLE_MAIN,
				    .rtm_protocol = RTPROT_STATIC,
				    .rtm_scope = RT_SCOPE_UNIVERSE,
				    .rtm_type = RTN_UNICAST};
	const uint32_t metric = METRIC;
	struct message m;

	begin(&m, there ? RTM_NEWROUTE : RTM_DELROUTE, there ? NLM_F_CREATE | NLM_F_REPLACE : 0, &about, sizeof(about));
	add(&m, RTA_OIF, &interface, sizeof(interface));
	add(&m, RTA_PRIORITY, &metric, sizeof(metric));
	return ask(fd, &m);
}

static int change(int fd, uint32_t interface, struct request *now, const struct request *wanted)
{
	int result = 0;

	if (now->has && (!wanted->has || memcmp(now->ip, wanted->ip, 16) != 0)) {
		(void)change_route(fd, interface, false);
		(void)change_address(fd, interface, false, now->ip);
		now->has = 0;
	}
	if (wanted->has)
		result = change_address(fd, interface, true, wanted->ip);
	if (result == 0 && wanted->has)
		result = change_route(fd, interface, true);
	if (result == 0)
		*now = *wanted;
	return result;
}

void grant_net_serve(const char *name, int channel)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	uint32_t interface = if_nametoindex(name);
	struct request now = {0}, wanted;
	int32_t result;
	ssize_t got;

	while ((got = recv(channel, &wanted, sizeof(wanted), 0)) != 0) {
		static const uint8_t teredo[4] = {0x20, 0x01, 0, 0};

		if (got < 0 && errno == EINTR)
			continue;
		if (got != sizeof(wanted))
			return;
		/* No other address than it is there for: the daemon may have been taken over. */
		result = wanted.has && memcmp(wanted.ip, teredo, sizeof(teredo)) != 0
				 ? EACCES
				 : change(fd, interface, &now, &wanted);
		if (send(channel, &result, sizeof(result), MSG_NOSIGNAL) < 0)
			return;
	}
}

/* ---- its address: the daemon ------------------------------------------------------------------------ */

int grant_net_address(const struct ponto_grant *grant, struct ponto_log *log, const uint8_t *ip)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct request wanted = {.has = ip != NULL};
	int32_t result = EIO;

	if (ip)
		memcpy(wanted.ip, ip, 16);
	/* What came too late once answers nothing now. */
	while (recv(grant->control, &result, sizeof(result), MSG_DONTWAIT) > 0)
		;
	result = EIO;
	(void)setsockopt(grant->control, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(grant->control, &wanted, sizeof(wanted), MSG_NOSIGNAL) != sizeof(wanted) ||
	    recv(grant->control, &result, sizeof(result), 0) != sizeof(result))
		result = EPIPE;
	if (result == 0)
		return PONTO_OK;
	ponto_error(log, PONTOD_TOPIC, "%s: the address cannot be changed: %s", grant->name,
		    result == EPIPE ? "its helper is gone" : strerror(result));
	return PONTO_EIO;
}
