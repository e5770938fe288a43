#include "plugins/transport-udp6/udp_transport.h"

#include <errno.h>
#include <netinet/udp.h>

#define TOPIC "transport.udp.send"

/* What a message may carry beside its bytes: hop limit and ECN, an int each, and how long its datagrams are. */
#define CONTROL_SIZE (2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t)))

/* Datagrams of one length to one peer pass the kernel as one message and are cut where they leave (UDP_SEGMENT). Longer
 * ones may not fit the MTU, where the kernel refuses to cut. */
#define JOINED_MAX 1400
#define JOINED_BYTES 65000

struct udp_sender {
	struct mmsghdr messages[PONTO_BATCH];
	struct iovec views[PONTO_BATCH]; /* of datagrams; a message has one or several */
	union udp_sockaddr peers[PONTO_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[PONTO_BATCH][CONTROL_SIZE];
	size_t count; /* of messages */
	size_t bytes; /* of the last one */
};

int udp_sender_create(const struct ponto_alloc *alloc, void **out)
{
	struct udp_sender *s = ponto_new(alloc, 1, sizeof(*s));

	if (!s)
		return PONTO_ENOMEM;
	for (size_t i = 0; i < PONTO_BATCH; i++)
		s->messages[i].msg_hdr.msg_name = &s->peers[i];
	*out = s;
	return PONTO_OK;
}

void udp_sender_destroy(const struct ponto_alloc *alloc, void *sender)
{
	ponto_free(alloc, sender);
}

/* ---- one datagram as the kernel wants it ------------------------------------------------ */

static struct cmsghdr *put_int(struct cmsghdr *c, int level, int type, int value)
{
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(sizeof(value));
	memcpy(CMSG_DATA(c), &value, sizeof(value));
	return (struct cmsghdr *)((uint8_t *)c + CMSG_SPACE(sizeof(value)));
}

static void write_control(struct msghdr *message, uint8_t *control, const struct ponto_datagram *d)
{
	bool six = d->peer.family == PONTO_FAMILY_IPV6;
	struct cmsghdr *c = (struct cmsghdr *)control;

	if (d->hop_limit)
		c = put_int(c, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_HOPLIMIT : IP_TTL, d->hop_limit);
	if (d->ecn)
		c = put_int(c, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_TCLASS : IP_TOS, d->ecn & 3);
	message->msg_control = control;
	message->msg_controllen = (size_t)((uint8_t *)c - control);
}

/* A message of its own; view is the datagram's place in the run. */
static void prepare(struct udp_sender *s, size_t view, const struct ponto_datagram *d, uint32_t zone)
{
	size_t i = s->count++;
	struct msghdr *message = &s->messages[i].msg_hdr;
	union udp_sockaddr *peer = &s->peers[i];

	if (d->peer.family == PONTO_FAMILY_IPV6) {
		peer->in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(d->peer.port)};
		memcpy(&peer->in6.sin6_addr, d->peer.ip, 16);
		peer->in6.sin6_scope_id = d->peer.zone ? d->peer.zone : zone;
		message->msg_namelen = sizeof(peer->in6);
	} else {
		peer->in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(d->peer.port)};
		memcpy(&peer->in4.sin_addr, d->peer.ip, 4);
		message->msg_namelen = sizeof(peer->in4);
	}
	s->views[view] = (struct iovec){(void *)(uintptr_t)d->data.data, d->data.len};
	s->bytes = d->data.len;
	message->msg_iov = &s->views[view];
	message->msg_iovlen = 1;
	message->msg_controllen = 0;
	message->msg_control = NULL;
	if (d->hop_limit || d->ecn)
		write_control(message, s->control[i], d);
}

/* ---- several datagrams in a message ---------------------------------------------------------- */

static bool same_peer(const struct ponto_addr *a, const struct ponto_addr *b)
{
	return a->port == b->port && a->zone == b->zone && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* All but the last one are as long as the first. d follows those of the last message. */
static bool can_join(const struct udp_sender *s, const struct ponto_datagram *d)
{
	const struct msghdr *message = &s->messages[s->count - 1].msg_hdr;
	const struct ponto_datagram *first = d - message->msg_iovlen, *last = d - 1;

	return first->data.len <= JOINED_MAX && last->data.len == first->data.len && d->data.len > 0 &&
	       d->data.len <= first->data.len && s->bytes + d->data.len <= JOINED_BYTES &&
	       first->hop_limit == d->hop_limit && first->ecn == d->ecn && same_peer(&first->peer, &d->peer);
}

static void join(struct udp_sender *s, size_t view, const struct ponto_datagram *d)
{
	s->views[view] = (struct iovec){(void *)(uintptr_t)d->data.data, d->data.len};
	s->messages[s->count - 1].msg_hdr.msg_iovlen++;
	s->bytes += d->data.len;
}

static void write_lengths(struct udp_sender *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct msghdr *message = &s->messages[i].msg_hdr;
		struct cmsghdr *c = (struct cmsghdr *)(s->control[i] + message->msg_controllen);
		uint16_t len = (uint16_t)message->msg_iov[0].iov_len;

		if (message->msg_iovlen == 1)
			continue;
		c->cmsg_level = SOL_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(len));
		memcpy(CMSG_DATA(c), &len, sizeof(len));
		message->msg_control = s->control[i];
		message->msg_controllen += CMSG_SPACE(sizeof(len));
	}
}

/* ---- runs of datagrams that leave the same way -------------------------------------------- */

static struct udp_socket *socket_for(struct ponto_datagram_handle *h, const struct ponto_datagram *d)
{
	if (d->local.family == PONTO_FAMILY_NONE)
		return udp_route(h, &d->peer);
	for (struct udp_socket *s = h->sockets; s; s = s->next) {
		if (memcmp(s->local.ip, d->local.ip, sizeof(d->local.ip)) == 0)
			return s;
	}
	return NULL;
}

static int check(const struct ponto_datagram_handle *h, const struct ponto_datagram *d)
{
	if (d->peer.family != h->udp->family || d->peer.port == 0)
		return PONTO_EINVAL;
	return d->data.len > PONTO_DATAGRAM_MAX ? PONTO_ELIMIT : PONTO_OK;
}

/* What a datagram wants of its socket. */
static uint16_t fragment_flags(const struct ponto_datagram *d)
{
	if (d->flags & PONTO_DGRAM_DONT_FRAGMENT)
		return PONTO_DGRAM_DONT_FRAGMENT;
	/* IPv6 routers never fragment. */
	return d->peer.family == PONTO_FAMILY_IPV4 ? d->flags & PONTO_DGRAM_MAY_FRAGMENT : 0;
}

static int set_fragment(struct udp_socket *s, uint16_t fragment)
{
	bool six = s->local.family == PONTO_FAMILY_IPV6;
	int value = six ? IPV6_PMTUDISC_WANT : IP_PMTUDISC_WANT;

	if (s->fragment == fragment)
		return PONTO_OK;
	if (fragment == PONTO_DGRAM_DONT_FRAGMENT)
		value = six ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
	else if (fragment == PONTO_DGRAM_MAY_FRAGMENT)
		value = IP_PMTUDISC_DONT;
	if (setsockopt(s->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &value,
		       sizeof(value)) < 0)
		return PONTO_EIO;
	s->fragment = fragment;
	return PONTO_OK;
}

/* Sends messages 0..count-1: the number sent, or a negative result when not even the first one went. 0: full. */
static int send_messages(struct udp_socket *s, struct udp_sender *sender, size_t count)
{
	/* An ICMP error of an earlier datagram is reported to whatever call comes next: only one that comes
	 * again belongs to this datagram. */
	for (unsigned attempt = 0;; attempt++) {
		int n = sendmmsg(s->fd, sender->messages, (unsigned)count, MSG_DONTWAIT);

		if (n >= 0)
			return n;
		if (errno == EAGAIN || errno == ENOBUFS)
			return 0;
		if (errno != EINTR && attempt > 0)
			break;
	}
	if (errno == EADDRNOTAVAIL || errno == ENODEV || errno == ENXIO)
		return PONTO_EUNREACH;
	return udp_result(errno);
}

/* The first run of at most PONTO_BATCH datagrams that one system call can take, made ready. */
static int make_run(struct ponto_datagram_handle *h, const struct ponto_datagram *batch, size_t count, size_t *took,
		    struct udp_socket **out)
{
	struct udp_sender *sender = h->sender;
	struct udp_socket *s = NULL;
	uint16_t fragment = fragment_flags(&batch[0]);
	size_t n = 0;
	int result = PONTO_OK;

	sender->count = 0;
	for (; n < count && n < PONTO_BATCH; n++) {
		struct udp_socket *via;

		result = check(h, &batch[n]);
		if (result != PONTO_OK)
			break;
		via = n > 0 && h->socket_count == 1 && batch[n].local.family == PONTO_FAMILY_NONE
			      ? s
			      : socket_for(h, &batch[n]);
		if (n == 0)
			s = via;
		if (via != s || fragment != fragment_flags(&batch[n]))
			break;
		if (s && s->joins && n > 0 && can_join(sender, &batch[n]))
			join(sender, n, &batch[n]);
		else
			prepare(sender, n, &batch[n], h->zone);
	}
	*took = n;
	if (n == 0)
		return result;
	if (!s)
		return PONTO_EUNREACH;
	write_lengths(sender);
	*out = s;
	return set_fragment(s, fragment);
}

static int send_run(struct ponto_datagram_handle *h, const struct ponto_datagram *batch, size_t count, size_t *took,
		    size_t *sent)
{
	struct udp_sender *sender = h->sender;
	struct udp_socket *s = NULL;
	uint64_t bytes = 0;
	size_t n = 0;
	int result = make_run(h, batch, count, took, &s);

	if (result != PONTO_OK)
		return result;
	result = send_messages(s, sender, sender->count);
	/* A way that cannot cut: a smaller MTU, or an interface that does not compute checksums. */
	if ((result == PONTO_EINVAL || result == PONTO_ELIMIT || result == PONTO_EIO) &&
	    sender->messages[0].msg_hdr.msg_iovlen > 1) {
		s->joins = false;
		return send_run(h, batch, count, took, sent);
	}
	if (result < 0)
		return result;
	for (int i = 0; i < result; i++)
		n += sender->messages[i].msg_hdr.msg_iovlen;
	for (size_t i = 0; i < n; i++)
		bytes += batch[i].data.len;
	ponto_counter_add(h->udp->sent, n);
	ponto_counter_add(h->udp->sent_bytes, bytes);
	*sent = n;
	return PONTO_OK;
}

int udp_send(struct ponto_datagram_handle *h, const struct ponto_datagram *batch, size_t count, size_t *sent)
{
	size_t done = 0;
	void *spare;
	int result = udp_spare_take(h->udp->spares, UDP_SENDER, &spare);

	if (result != PONTO_OK) {
		*sent = 0;
		return result;
	}
	h->sender = spare;
	while (done < count) {
		size_t took = 0, went = 0;

		result = send_run(h, batch + done, count - done, &took, &went);
		if (result != PONTO_OK || went == 0)
			break;
		/* Short of the run: either the socket is full or the next one is at fault. The next call tells. */
		done += went;
	}
	h->sender = NULL;
	udp_spare_give(h->udp->spares, UDP_SENDER, spare);
	if (result != PONTO_OK)
		ponto_counter_add(h->udp->refused, 1);
	*sent = done;
	return result;
}
