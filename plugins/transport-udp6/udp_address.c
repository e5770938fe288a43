#include "plugins/transport-udp6/udp_transport.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TOPIC "transport.udp.address"

/* Ranks: an explicit list decides by its order, else usable addresses come before the rest. */
#define RANK_TEMPORARY 1u
#define RANK_DEPRECATED 2u
#define ZONED_MAX 256 /* addresses looked at for their zones */

struct search {
	const struct udp_transport *udp;
	enum ponto_scope scope; /* NONE: all but loopback */
	uint32_t zone;
	struct udp_address *out;
	size_t cap, count;
};

/* ---- which addresses suit ------------------------------------------------------------ */

static bool interface_suits(const struct udp_transport *udp, uint32_t index)
{
	struct ifreq request = {0};
	char name[IF_NAMESIZE];
	bool named = !udp->interfaces[0];
	int fd, failed;

	if (!if_indextoname(index, name))
		return false;
	for (const char *const *wanted = udp->interfaces; *wanted && !named; wanted++)
		named = strcmp(*wanted, name) == 0;
	if (!named)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	memcpy(request.ifr_name, name, sizeof(request.ifr_name));
	failed = ioctl(fd, SIOCGIFFLAGS, &request);
	close(fd);
	return !failed && (request.ifr_flags & IFF_UP);
}

/* The place in the explicit list; false when there is a list and addr is not in it. */
static bool explicit_rank(const struct udp_transport *udp, const struct ponto_addr *addr, unsigned *rank)
{
	for (size_t i = 0; i < udp->address_count; i++) {
		const struct ponto_addr *given = &udp->addresses[i];

		if (memcmp(given->ip, addr->ip, sizeof(addr->ip)) == 0 &&
		    (given->zone == 0 || given->zone == addr->zone)) {
			*rank = (unsigned)i;
			return true;
		}
	}
	return udp->address_count == 0;
}

static bool scope_suits(const struct search *s, enum ponto_scope scope)
{
	return s->scope == PONTO_SCOPE_NONE ? scope > PONTO_SCOPE_LOOPBACK : scope == s->scope;
}

static void consider(struct search *s, const uint8_t *ip, const struct ifaddrmsg *message, uint32_t flags)
{
	struct udp_address found = {
		.addr = {.family = s->udp->family}, .interface = message->ifa_index, .bits = message->ifa_prefixlen};
	enum ponto_scope scope;
	size_t place;

	memcpy(found.addr.ip, ip, s->udp->family == PONTO_FAMILY_IPV6 ? 16 : 4);
	scope = ponto_addr_scope(&found.addr);
	/* An address is not ours before duplicate detection has passed (RFC 4862 section 5.4). */
	if (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED) || !scope_suits(s, scope))
		return;
	if (scope != PONTO_SCOPE_LOOPBACK && s->zone && s->zone != found.interface)
		return;
	if (udp_scope_has_zone(scope) && s->udp->family == PONTO_FAMILY_IPV6)
		found.addr.zone = found.interface;
	found.rank = (flags & IFA_F_DEPRECATED ? RANK_DEPRECATED : 0) | (flags & IFA_F_TEMPORARY ? RANK_TEMPORARY : 0);
	if (!explicit_rank(s->udp, &found.addr, &found.rank) || !interface_suits(s->udp, found.interface))
		return;
	/* Insertion keeps the kernel's order among equals. */
	for (place = s->count; place > 0 && s->out[place - 1].rank > found.rank; place--)
		;
	if (place == s->cap)
		return;
	if (s->count < s->cap)
		s->count++;
	memmove(&s->out[place + 1], &s->out[place], (s->count - 1 - place) * sizeof(found));
	s->out[place] = found;
}

/* Zoned scopes: one zone only, the first one found. Unless listed, addresses that will go away soon are
 * announced only when there is nothing better. */
static void narrow(struct search *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (udp_scope_has_zone(s->scope) && s->out[i].interface != s->out[0].interface)
			continue;
		if (s->udp->address_count == 0 && s->out[i].rank > s->out[0].rank)
			continue;
		s->out[kept++] = s->out[i];
	}
	s->count = kept;
}

/* ---- asking the kernel ----------------------------------------------------------------- */

static void consider_message(struct search *s, const struct nlmsghdr *header)
{
	const struct ifaddrmsg *message = NLMSG_DATA(header);
	const struct rtattr *attribute = IFA_RTA(message);
	int left = (int)IFA_PAYLOAD(header);
	size_t size = s->udp->family == PONTO_FAMILY_IPV6 ? 16 : 4;
	const uint8_t *address = NULL, *local = NULL;
	uint32_t flags = message->ifa_flags;

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == IFA_ADDRESS && RTA_PAYLOAD(attribute) >= size)
			address = RTA_DATA(attribute);
		else if (attribute->rta_type == IFA_LOCAL && RTA_PAYLOAD(attribute) >= size)
			local = RTA_DATA(attribute);
		else if (attribute->rta_type == IFA_FLAGS && RTA_PAYLOAD(attribute) >= sizeof(flags))
			memcpy(&flags, RTA_DATA(attribute), sizeof(flags));
	}
	/* On point-to-point links IFA_ADDRESS is the other end. */
	if (local || address)
		consider(s, local ? local : address, message, flags);
}

static int netlink_socket(uint32_t groups, int flags, int *out)
{
	struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (fd < 0)
		return PONTO_EIO;
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0) {
		close(fd);
		return PONTO_EIO;
	}
	*out = fd;
	return PONTO_OK;
}

/* 1: more follows; 0: the end; PONTO_EIO. */
static int read_part(struct search *s, int fd)
{
	_Alignas(struct nlmsghdr) char buffer[8192]; /* the kernel's NLMSG_GOODSIZE is no more */
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
	unsigned left = (unsigned)n;

	if (n < 0)
		return errno == EINTR ? 1 : PONTO_EIO;
	for (struct nlmsghdr *header = (struct nlmsghdr *)buffer; NLMSG_OK(header, left);
	     header = NLMSG_NEXT(header, left)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 0;
		if (header->nlmsg_type == NLMSG_ERROR)
			return PONTO_EIO;
		if (header->nlmsg_type == RTM_NEWADDR)
			consider_message(s, header);
	}
	return 1;
}

static int dump(struct search *s)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg message;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETADDR,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.message = {.ifa_family = s->udp->family == PONTO_FAMILY_IPV6 ? AF_INET6 : AF_INET},
	};
	int fd;
	int result = netlink_socket(0, 0, &fd);

	if (result != PONTO_OK)
		return result;
	result = send(fd, &request, sizeof(request), 0) == (ssize_t)sizeof(request) ? 1 : PONTO_EIO;
	while (result == 1)
		result = read_part(s, fd);
	close(fd);
	return result;
}

static int find_all(struct search *s)
{
	int result = dump(s);

	if (result != PONTO_OK)
		ponto_error(s->udp->env->log, TOPIC, "the kernel does not list its addresses: %s", strerror(errno));
	return result;
}

int udp_zones(void *self, enum ponto_scope scope, uint32_t *out, size_t cap, size_t *count)
{
	struct udp_address found[ZONED_MAX];
	struct search search = {self, scope, 0, found, ZONED_MAX, 0};
	size_t zones = 0;
	int result = find_all(&search);

	if (result != PONTO_OK)
		return result;
	for (size_t i = 0; i < search.count; i++) {
		size_t before = 0;

		while (before < i && found[before].interface != found[i].interface)
			before++;
		if (before < i)
			continue;
		if (zones < cap)
			out[zones] = found[i].interface;
		zones++;
	}
	*count = zones;
	return PONTO_OK;
}

int udp_subnets(void *self, struct ponto_loop *loop, struct ponto_subnet *out, size_t cap, size_t *count)
{
	struct udp_address found[ZONED_MAX];
	struct search search = {self, PONTO_SCOPE_NONE, 0, found, ZONED_MAX, 0};
	int result = find_all(&search);

	(void)loop; /* all of a host's see the same */
	if (result != PONTO_OK)
		return result;
	for (size_t i = 0; i < search.count && i < cap; i++)
		out[i] = (struct ponto_subnet){found[i].addr, found[i].interface, found[i].bits};
	*count = search.count;
	return PONTO_OK;
}

int udp_addresses(const struct udp_transport *udp, enum ponto_scope scope, uint32_t zone, struct udp_address *out,
		  size_t cap, size_t *count)
{
	struct search search = {udp, scope, zone, out, cap, 0};
	int result = find_all(&search);

	if (result != PONTO_OK)
		return result;
	narrow(&search);
	*count = search.count;
	return PONTO_OK;
}

/* ---- changes ------------------------------------------------------------------------------ */

int udp_netlink_open(uint8_t family, int *fd)
{
	return netlink_socket(RTMGRP_LINK | (family == PONTO_FAMILY_IPV6 ? RTMGRP_IPV6_IFADDR : RTMGRP_IPV4_IFADDR),
			      SOCK_NONBLOCK, fd);
}

bool udp_netlink_drain(int fd)
{
	char buffer[8192];
	bool changed = false;

	/* What happened does not matter, only that something did; ENOBUFS says that notices were lost. */
	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != ENOBUFS)
			return changed;
		changed = true;
	}
}
