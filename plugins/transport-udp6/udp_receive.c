#include "plugins/transport-udp6/udp_transport.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/udp.h>

/* A busy socket must not keep the loop from the others: it is level-triggered and comes back. */
#define BATCHES_A_ROUND 4
#define ERRORS_A_ROUND 32

/* Room for the hop limit, the traffic class and the length of datagrams that came together. */
#define CONTROL_SIZE (3 * CMSG_SPACE(sizeof(int)))

/* The odd rest keeps the starts of the buffers from falling on the same few cache sets. */
#define BUFFER_STRIDE (PONTO_DATAGRAM_MAX + 1 + 9 * 64)

#define IPV6_HEADER 40
#define IPV4_HEADER 20
#define UDP_HEADER 8

struct udp_receiver {
	uint8_t *buffers; /* never written as a whole: pages that no datagram reached cost nothing */
	struct mmsghdr messages[PONTO_BATCH];
	struct iovec views[PONTO_BATCH];
	union udp_sockaddr peers[PONTO_BATCH];
	struct ponto_datagram datagrams[PONTO_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[PONTO_BATCH][CONTROL_SIZE];
};

static void reset_message(struct udp_receiver *r, size_t i)
{
	r->messages[i].msg_hdr.msg_namelen = sizeof(r->peers[i]);
	r->messages[i].msg_hdr.msg_controllen = CONTROL_SIZE;
}

int udp_receiver_create(const struct ponto_alloc *alloc, void **out)
{
	struct udp_receiver *r = ponto_new(alloc, 1, sizeof(*r));

	if (!r)
		return PONTO_ENOMEM;
	r->buffers = ponto_resize(alloc, NULL, PONTO_BATCH, BUFFER_STRIDE);
	if (!r->buffers) {
		ponto_free(alloc, r);
		return PONTO_ENOMEM;
	}
	for (size_t i = 0; i < PONTO_BATCH; i++) {
		r->views[i] = (struct iovec){r->buffers + i * BUFFER_STRIDE, PONTO_DATAGRAM_MAX};
		r->messages[i].msg_hdr = (struct msghdr){.msg_name = &r->peers[i],
							 .msg_iov = &r->views[i],
							 .msg_iovlen = 1,
							 .msg_control = r->control[i]};
		reset_message(r, i);
	}
	*out = r;
	return PONTO_OK;
}

void udp_receiver_destroy(const struct ponto_alloc *alloc, void *receiver)
{
	struct udp_receiver *r = receiver;

	ponto_free(alloc, r->buffers);
	ponto_free(alloc, r);
}

/* ---- datagrams ---------------------------------------------------------------------- */

/* The kernel gives all of these as an int but IP_TOS, which is a byte. Returns the length of datagrams that came
 * together in this message, 0 when it is one. */
static size_t read_control(struct msghdr *message, struct ponto_datagram *d)
{
	size_t segment = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		int value;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			d->ecn = *CMSG_DATA(c) & 3;
			continue;
		}
		memcpy(&value, CMSG_DATA(c), sizeof(value));
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)
			d->hop_limit = (uint8_t)value;
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			d->ecn = value & 3;
		else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
			d->hop_limit = (uint8_t)value;
		else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO && value > 0)
			segment = (size_t)value;
	}
	return segment;
}

/* False: the socket was closed meanwhile. */
static bool hand_over(struct udp_socket *s, struct udp_receiver *r, size_t count)
{
	struct ponto_datagram_handle *h = s->handle;
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += r->datagrams[i].data.len;
	ponto_counter_add(h->udp->received, count);
	ponto_counter_add(h->udp->received_bytes, bytes);
	h->events.receive(h->arg, r->datagrams, count);
	return h->current == s;
}

static void deliver(struct udp_socket *s, struct udp_receiver *r, size_t count)
{
	const struct ponto_datagram_handle *h = s->handle;
	bool open = true;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct ponto_datagram d = {.local = s->local};
		const uint8_t *data = r->views[i].iov_base;
		size_t left = r->messages[i].msg_len, segment;

		udp_from_sockaddr(&r->peers[i], h->zone, &d.peer);
		segment = read_control(&r->messages[i].msg_hdr, &d);
		reset_message(r, i);
		do {
			size_t len = segment && segment < left ? segment : left;

			if (n == PONTO_BATCH) {
				open = hand_over(s, r, n);
				n = 0;
			}
			if (!open)
				break;
			d.data = ponto_bytes(data, len);
			r->datagrams[n++] = d;
			data += len;
			left -= len;
		} while (left > 0);
		if (!open)
			break;
	}
	/* Of a socket that is gone the rest is not looked at. */
	for (size_t i = 0; i < count && !open; i++)
		reset_message(r, i);
	if (open && n > 0)
		(void)hand_over(s, r, n);
}

/* ---- what ICMP and the own stack report ------------------------------------------------ */

static bool is_mtu(const struct sock_extended_err *e)
{
	if (e->ee_errno != EMSGSIZE)
		return false;
	return e->ee_origin == SO_EE_ORIGIN_LOCAL ||
	       (e->ee_origin == SO_EE_ORIGIN_ICMP6 && e->ee_type == ICMPV6_PKT_TOOBIG) ||
	       (e->ee_origin == SO_EE_ORIGIN_ICMP && e->ee_type == ICMP_DEST_UNREACH && e->ee_code == ICMP_FRAG_NEEDED);
}

static void report(struct udp_socket *s, const union udp_sockaddr *to, const struct sock_extended_err *e)
{
	struct ponto_datagram_handle *h = s->handle;
	uint32_t headers = UDP_HEADER + (h->udp->family == PONTO_FAMILY_IPV6 ? IPV6_HEADER : IPV4_HEADER);
	struct ponto_addr peer;

	if (!is_mtu(e) || e->ee_info <= headers || !h->events.path_mtu)
		return;
	udp_from_sockaddr(to, h->zone, &peer);
	h->events.path_mtu(h->arg, &peer, e->ee_info - headers);
}

/* Takes one error off the queue: false when there is none. */
static bool read_error(struct udp_socket *s)
{
	_Alignas(struct cmsghdr) uint8_t control[512];
	union udp_sockaddr to = {.any.sa_family = AF_UNSPEC};
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_control = control, .msg_controllen = sizeof(control)};

	if (recvmsg(s->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct sock_extended_err e;

		if (!(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		if (to.any.sa_family != AF_UNSPEC)
			report(s, &to, &e);
		return true;
	}
	return true;
}

/* Without memory to read a datagram it is lost, or the loop would be woken for it for ever. */
static void discard(const struct udp_socket *s)
{
	uint8_t byte;

	if (recv(s->fd, &byte, sizeof(byte), MSG_DONTWAIT) < 0 && errno == EAGAIN)
		(void)recv(s->fd, &byte, sizeof(byte), MSG_ERRQUEUE | MSG_DONTWAIT);
}

void udp_socket_ready(void *socket, unsigned events)
{
	struct udp_socket *s = socket;
	struct ponto_datagram_handle *h = s->handle;
	struct udp_spares *spares = h->udp->spares;
	struct udp_receiver *r;
	unsigned errors = 0;
	bool failed = false; /* an error, or woken for no datagram: only then is there one to read of */
	void *spare;

	(void)events;
	if (udp_spare_take(spares, UDP_RECEIVER, &spare) != PONTO_OK) {
		discard(s);
		return;
	}
	r = spare;
	udp_callback_begin(h);
	h->current = s;
	for (unsigned round = 0; round < BATCHES_A_ROUND; round++) {
		int count = recvmmsg(s->fd, r->messages, PONTO_BATCH, MSG_DONTWAIT, NULL);

		failed |= count <= 0;
		if (count > 0)
			deliver(s, r, (size_t)count);
		/* A pending ICMP error is handed to any call; its story waits in the error queue. */
		else if (errno == EAGAIN || errno == EINTR)
			break;
		if (h->current != s || (count > 0 && count < PONTO_BATCH))
			break;
	}
	while (failed && h->current == s && errors++ < ERRORS_A_ROUND && read_error(s))
		;
	udp_callback_end(h);
	udp_spare_give(spares, UDP_RECEIVER, spare);
}
