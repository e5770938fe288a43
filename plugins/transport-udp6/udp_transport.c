#include "plugins/transport-udp6/udp_transport.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define TOPIC "transport.udp"

static bool address_fits(const char *text, int64_t number, char *why, size_t size)
{
	struct ponto_addr addr;

	(void)number;
	if (ponto_addr_parse(text, 0, &addr) == PONTO_OK && addr.port == 0)
		return true;
	snprintf(why, size, "\"%s\" is not an address without port", text);
	return false;
}

/* MS-PNRP section 2.1: the port is 1024 or higher, by default 3540; 1024 itself is ignored by some readers of it. */
const struct ponto_option udp_options[UDP_OPTION_COUNT] = {
	{.name = "port", .type = PONTO_OPTION_INT, .fallback = "3540", .min = 1025, .max = 65535,
	 .doc = "UDP port that services listen on unless they name another"},
	{.name = "addresses", .type = PONTO_OPTION_LIST, .fallback = NULL, .fits = address_fits,
	 .doc = "local addresses to use, best first; empty: all suitable ones"},
	{.name = "interfaces", .type = PONTO_OPTION_LIST, .fallback = NULL,
	 .doc = "names of the interfaces whose addresses are used; empty: all"},
	{.name = "receive_buffer", .type = PONTO_OPTION_INT, .fallback = "1048576", .min = 0, .max = 1 << 30, .unit = "bytes",
	 .doc = "receive buffer asked of the kernel, which may grant less; 0: the system's default"},
};

/* ---- instances ------------------------------------------------------------------------ */

static int read_addresses(struct udp_transport *udp)
{
	const char *const *list = ponto_conf_list(udp->env->conf, "addresses");
	size_t count = 0;

	while (list[count])
		count++;
	if (count == 0)
		return PONTO_OK;
	udp->addresses = ponto_new(udp->env->alloc, count, sizeof(*udp->addresses));
	if (!udp->addresses)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct ponto_addr *addr = &udp->addresses[i];

		if (ponto_addr_parse(list[i], 0, addr) != PONTO_OK || addr->port != 0 || addr->family != udp->family) {
			ponto_error(udp->env->log, TOPIC, "addresses: \"%s\" is not an IPv%u address without port", list[i],
				    udp->family);
			return PONTO_ECONF;
		}
	}
	udp->address_count = count;
	return PONTO_OK;
}

static void make_counters(struct udp_transport *udp)
{
	struct ponto_metrics *metrics = udp->env->metrics;
	const char *instance = udp->env->instance;

	if (!metrics)
		return;
	udp->received = ponto_counter(metrics, "transport_datagrams_received_total", instance, "Datagrams received");
	udp->received_bytes = ponto_counter(metrics, "transport_bytes_received_total", instance, "Payload bytes received");
	udp->sent = ponto_counter(metrics, "transport_datagrams_sent_total", instance, "Datagrams sent");
	udp->sent_bytes = ponto_counter(metrics, "transport_bytes_sent_total", instance, "Payload bytes sent");
	udp->refused = ponto_counter(metrics, "transport_send_errors_total", instance, "Datagrams that could not be sent");
}

int udp_create(const struct ponto_env *env, uint8_t family, void **self)
{
	struct udp_transport *udp = ponto_new(env->alloc, 1, sizeof(*udp));
	int result;

	if (!udp)
		return PONTO_ENOMEM;
	udp->env = env;
	udp->family = family;
	udp->port = (uint16_t)ponto_conf_int(env->conf, "port");
	udp->receive_buffer = (int)ponto_conf_int(env->conf, "receive_buffer");
	udp->interfaces = ponto_conf_list(env->conf, "interfaces");
	result = read_addresses(udp);
	if (result == PONTO_OK)
		result = udp_spares_join(env->alloc, &udp->spares);
	if (result != PONTO_OK) {
		udp_destroy(udp);
		return result;
	}
	make_counters(udp);
	*self = udp;
	return PONTO_OK;
}

void udp_destroy(void *self)
{
	struct udp_transport *udp = self;

	if (!udp)
		return;
	udp_spares_leave(udp->spares);
	ponto_free(udp->env->alloc, udp->addresses);
	ponto_free(udp->env->alloc, udp);
}

/* ---- handles ----------------------------------------------------------------------------- */

static void free_handle(struct ponto_datagram_handle *h)
{
	const struct ponto_alloc *alloc = h->udp->env->alloc;

	ponto_free(alloc, h->routes);
	ponto_free(alloc, h);
}

void udp_callback_begin(struct ponto_datagram_handle *h)
{
	h->busy++;
}

void udp_callback_end(struct ponto_datagram_handle *h)
{
	h->current = NULL;
	if (--h->busy == 0 && h->closed)
		free_handle(h);
}

void udp_close(struct ponto_datagram_handle *h)
{
	udp_groups_close(h);
	while (h->sockets) {
		struct udp_socket *s = h->sockets;

		h->sockets = s->next;
		udp_socket_close(s);
	}
	ponto_watch_destroy(h->loop, h->netlink_watch);
	if (h->netlink >= 0)
		close(h->netlink);
	if (h->probe >= 0)
		close(h->probe);
	h->closed = true;
	if (h->busy == 0)
		free_handle(h);
}

static void addresses_moved(void *arg, unsigned events)
{
	struct ponto_datagram_handle *h = arg;

	(void)events;
	if (!udp_netlink_drain(h->netlink))
		return;
	udp_callback_begin(h);
	if (udp_socket_refresh(h)) {
		udp_groups_refresh(h);
		if (h->events.addresses_changed)
			h->events.addresses_changed(h->arg);
	} else {
		udp_routes_forget(h);
	}
	udp_callback_end(h);
}

static int open_helpers(struct ponto_datagram_handle *h)
{
	uint8_t family = h->udp->family;
	int result;

	h->probe = socket(family == PONTO_FAMILY_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (h->probe < 0)
		return errno == EAFNOSUPPORT ? PONTO_ENOENT : PONTO_EIO;
	/* Before the first look, so that no change is missed. */
	result = udp_netlink_open(family, &h->netlink);
	if (result != PONTO_OK)
		return result;
	return ponto_watch_create(h->loop, h->netlink, PONTO_READABLE, addresses_moved, h, &h->netlink_watch);
}

static int open_sockets(struct ponto_datagram_handle *h)
{
	struct udp_address addresses[UDP_ADDRESSES_MAX];
	size_t count;
	int result = udp_addresses(h->udp, h->scope, h->zone, addresses, UDP_ADDRESSES_MAX, &count);

	if (result != PONTO_OK)
		return result;
	if (count == 0)
		return PONTO_ENOENT;
	if (udp_scope_has_zone(h->scope))
		h->zone = addresses[0].interface;
	return udp_socket_bind_all(h, addresses, count);
}

int udp_open(void *self, struct ponto_loop *loop, const struct ponto_datagram_want *want,
	     const struct ponto_datagram_events *events, void *arg, struct ponto_datagram_handle **out)
{
	const struct udp_transport *udp = self;
	struct ponto_datagram_handle *h;
	int result;

	if (want->scope == PONTO_SCOPE_NONE || !events->receive)
		return PONTO_EINVAL;
	h = ponto_new(udp->env->alloc, 1, sizeof(*h));
	if (!h)
		return PONTO_ENOMEM;
	h->udp = udp;
	h->loop = loop;
	h->events = *events;
	h->arg = arg;
	h->scope = want->scope;
	h->zone = want->scope == PONTO_SCOPE_LOOPBACK ? 0 : want->zone;
	h->port = want->port ? want->port : udp->port;
	h->max_addresses = want->max_addresses ? want->max_addresses : 4;
	if (h->max_addresses > UDP_ADDRESSES_MAX)
		h->max_addresses = UDP_ADDRESSES_MAX;
	h->probe = h->netlink = -1;
	result = open_helpers(h);
	if (result == PONTO_OK)
		result = open_sockets(h);
	if (result != PONTO_OK) {
		ponto_debug(udp->env->log, TOPIC, "no %s scope on port %u: %s", ponto_scope_name(want->scope), h->port,
			    ponto_strerror(result));
		udp_close(h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

int udp_local(struct ponto_datagram_handle *h, struct ponto_addr *out, size_t cap, size_t *count)
{
	size_t n = 0;

	for (const struct udp_socket *s = h->sockets; s; s = s->next, n++) {
		if (n < cap)
			out[n] = s->local;
	}
	*count = n;
	return PONTO_OK;
}
