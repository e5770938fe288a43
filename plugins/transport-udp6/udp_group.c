#include "plugins/transport-udp6/udp_transport.h"

#include <errno.h>

#define TOPIC "transport.udp.group"

/* A socket bound to the group receives that group and nothing else. Link-local groups are bound to one interface
 * each; the others are joined on every interface of the handle by one socket. */
static bool is_link_local(const struct ponto_addr *group)
{
	return group->family == PONTO_FAMILY_IPV6 && ponto_addr_scope(group) == PONTO_SCOPE_LINK;
}

static int join_on(struct udp_socket *s, uint32_t interface)
{
	int failed;

	if (s->local.family == PONTO_FAMILY_IPV6) {
		struct ipv6_mreq request = {.ipv6mr_interface = interface};

		memcpy(&request.ipv6mr_multiaddr, s->local.ip, 16);
		failed = setsockopt(s->fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request));
	} else {
		struct ip_mreqn request = {.imr_ifindex = (int)interface};

		memcpy(&request.imr_multiaddr, s->local.ip, 4);
		failed = setsockopt(s->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
	}
	/* Already a member there. */
	if (failed && errno == EADDRINUSE)
		return PONTO_OK;
	return failed ? udp_result(errno) : PONTO_OK;
}

static struct udp_socket *group_socket(const struct udp_group *group, uint32_t zone)
{
	for (struct udp_socket *s = group->sockets; s; s = s->next) {
		if (s->local.zone == zone)
			return s;
	}
	return NULL;
}

static int join_interface(struct ponto_datagram_handle *h, struct udp_group *group, uint32_t interface)
{
	struct ponto_addr local = group->addr;
	struct udp_socket *s;
	int result;

	local.zone = is_link_local(&group->addr) ? interface : 0;
	local.port = group->addr.port ? group->addr.port : h->port;
	s = group_socket(group, local.zone);
	if (!s) {
		result = udp_socket_open(h, &local, interface, &s);
		if (result != PONTO_OK)
			return result;
		s->next = group->sockets;
		group->sockets = s;
	}
	return join_on(s, interface);
}

static int join_all(struct ponto_datagram_handle *h, struct udp_group *group)
{
	int first_fault = PONTO_OK;
	size_t joined = 0;

	if (group->addr.zone)
		return join_interface(h, group, group->addr.zone);
	for (const struct udp_socket *s = h->sockets; s; s = s->next) {
		int result = join_interface(h, group, s->interface);

		if (result == PONTO_OK)
			joined++;
		else if (first_fault == PONTO_OK)
			first_fault = result;
	}
	if (joined > 0)
		return PONTO_OK;
	return first_fault == PONTO_OK ? PONTO_ENOENT : first_fault;
}

static void destroy_group(struct ponto_datagram_handle *h, struct udp_group *group)
{
	while (group->sockets) {
		struct udp_socket *s = group->sockets;

		group->sockets = s->next;
		udp_socket_close(s);
	}
	ponto_free(h->udp->env->alloc, group);
}

static bool same_group(const struct ponto_addr *a, const struct ponto_addr *b)
{
	return a->zone == b->zone && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

int udp_join(struct ponto_datagram_handle *h, const struct ponto_addr *addr)
{
	struct udp_group *group;
	size_t count = 0;
	int result;

	if (addr->family != h->udp->family || !udp_is_multicast(addr))
		return PONTO_EINVAL;
	if (h->scope == PONTO_SCOPE_LOOPBACK)
		return PONTO_ENOTSUP;
	for (group = h->groups; group; group = group->next, count++) {
		if (same_group(&group->addr, addr))
			return PONTO_EEXIST;
	}
	if (count >= UDP_GROUPS_MAX)
		return PONTO_ELIMIT;
	group = ponto_new(h->udp->env->alloc, 1, sizeof(*group));
	if (!group)
		return PONTO_ENOMEM;
	group->addr = *addr;
	result = join_all(h, group);
	if (result != PONTO_OK) {
		destroy_group(h, group);
		return result;
	}
	group->next = h->groups;
	h->groups = group;
	return PONTO_OK;
}

int udp_leave(struct ponto_datagram_handle *h, const struct ponto_addr *addr)
{
	for (struct udp_group **link = &h->groups; *link; link = &(*link)->next) {
		struct udp_group *group = *link;

		if (!same_group(&group->addr, addr))
			continue;
		*link = group->next;
		destroy_group(h, group);
		return PONTO_OK;
	}
	return PONTO_ENOENT;
}

/* Interfaces that came since; those that went take their memberships with them. */
void udp_groups_refresh(struct ponto_datagram_handle *h)
{
	for (struct udp_group *group = h->groups; group; group = group->next) {
		int result = join_all(h, group);
		char text[PONTO_ADDR_TEXT];

		if (result != PONTO_OK)
			ponto_info(h->udp->env->log, TOPIC, "no interface left for %s: %s",
				   ponto_addr_format(&group->addr, text), ponto_strerror(result));
	}
}

void udp_groups_close(struct ponto_datagram_handle *h)
{
	while (h->groups) {
		struct udp_group *group = h->groups;

		h->groups = group->next;
		destroy_group(h, group);
	}
}
