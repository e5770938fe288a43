/* The role of a host with native IPv6 that relays for itself. RFC 4380 5.4, 5.5; docs/teredo.md. Peers with Teredo
 * addresses are sent to by the engine of relays; what comes from them is for its one address. Clients ask that address
 * over IPv6 for the way to it: what the kernel hears of this is answered from here, which shows them the way. */
#include "engines/teredo/teredo_icmp.h"
#include "plugins/transport-teredo/tt.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ECHO_MAX (TEREDO_MTU - TEREDO_IP6_HEADER)
#define OWN_MAX 8
#define TURN 64 /* requests before others have theirs */

/* ---- out ---------------------------------------------------------------------------------------------- */

/* What is in slot. */
static void relay(struct tt_hub *hub, uint64_t now, struct teredo_slot *slot)
{
	if (!hub->relay || !teredo_relay_send(hub->relay, now, ponto_bytes(slot->data, slot->len), &slot->to))
		return;
	slot->via = TEREDO_VIA_SERVICE;
	slot->ttl = 0;
	tt_carrier_keep(hub);
}

static void host_send(struct tt_hub *hub, uint64_t now, const struct tt_item *item)
{
	struct teredo_udp udp = {item->from, item->to, ponto_bytes(item->data, item->len)};
	struct teredo_slot *slot = tt_carrier_slot(hub);
	struct ponto_writer w = ponto_writer(slot->data, sizeof(slot->data));

	teredo_write_udp(&w, &item->own, &item->peer, item->hop_limit ? item->hop_limit : TEREDO_HOP_LIMIT, &udp);
	if (item->ecn)
		ponto_patch_be16(&w, 0, 0x6000u | (uint64_t)(item->ecn & 3) << 4);
	if (ponto_writer_done(&w, &slot->len) == PONTO_OK)
		relay(hub, now, slot);
}

static int host_send_packet(struct tt_hub *hub, uint64_t now, struct ponto_bytes packet)
{
	struct teredo_slot *slot = tt_carrier_slot(hub);

	if (packet.len > sizeof(slot->data))
		return PONTO_ELIMIT;
	memcpy(slot->data, packet.data, packet.len);
	slot->len = packet.len;
	relay(hub, now, slot);
	return PONTO_OK;
}

/* ---- in ----------------------------------------------------------------------------------------------- */

static void answer(struct tt_hub *hub, uint64_t now, const struct teredo_ip6 *peer, struct teredo_icmp icmp)
{
	struct teredo_slot *slot = tt_carrier_slot(hub);
	struct ponto_writer w = ponto_writer(slot->data, sizeof(slot->data));

	if (icmp.type != TEREDO_ICMP_ECHO_REQUEST || icmp.code != 0)
		return;
	icmp.type = TEREDO_ICMP_ECHO_REPLY;
	teredo_write_icmp(&w, &hub->relayed, peer, TEREDO_HOP_LIMIT, &icmp);
	if (ponto_writer_done(&w, &slot->len) == PONTO_OK)
		relay(hub, now, slot);
}

static void host_receive(struct tt_hub *hub, uint64_t now, const struct teredo_received *in)
{
	struct teredo_packet p;
	struct ponto_bytes packet;
	struct teredo_icmp icmp;
	struct teredo_udp udp;

	if (!hub->relay || !teredo_relay_input(hub->relay, now, &in->from, in->data, &packet) ||
	    teredo_decode(packet, &p) != PONTO_OK)
		return;
	if (p.next_header == TEREDO_NEXT_UDP && teredo_udp_parse(&p, &udp) == PONTO_OK) {
		struct tt_item head = {.peer = p.src,
				       .own = p.dst,
				       .from = udp.from,
				       .to = udp.to,
				       .hop_limit = p.hop_limit,
				       .ecn = p.traffic_class & 3};

		(void)tt_hub_deliver(hub, &head, udp.data);
	} else if (teredo_icmp_parse(&p, &icmp) == PONTO_OK && !teredo_icmp_is_error(&icmp)) {
		answer(hub, now, &p.src, icmp);
	} else {
		tt_stream_input(hub, packet);
	}
}

/* A client's request that came over IPv6, of which the kernel tells whom it was for. */
static void asked(struct tt_hub *hub, struct msghdr *message, const struct sockaddr_in6 *from, struct ponto_bytes data)
{
	struct ponto_reader r = ponto_reader(data);
	struct teredo_icmp icmp = {0};
	struct teredo_ip6 peer;

	memcpy(peer.bytes, &from->sin6_addr, sizeof(peer.bytes));
	icmp.type = ponto_read_u8(&r);
	icmp.code = ponto_read_u8(&r);
	ponto_read_skip(&r, 2); /* its checksum, which the kernel looked at */
	icmp.word = ponto_read_be32(&r);
	icmp.body = ponto_read_bytes(&r, ponto_reader_left(&r));
	if (r.failed || !hub->relay || !teredo_is_address(&peer))
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct in6_pktinfo to;

		if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO)
			continue;
		memcpy(&to, CMSG_DATA(c), sizeof(to));
		if (memcmp(&to.ipi6_addr, hub->relayed.bytes, sizeof(hub->relayed.bytes)) == 0)
			answer(hub, ponto_loop_now(hub->loop), &peer, icmp);
	}
}

static void echo_readable(void *arg, unsigned events)
{
	struct tt_hub *hub = arg;

	(void)events;
	for (unsigned i = 0; i < TURN; i++) {
		_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct sockaddr_in6 from = {0};
		uint8_t data[ECHO_MAX + 1];
		struct iovec part = {data, sizeof(data)};
		struct msghdr message = {.msg_name = &from,
					 .msg_namelen = sizeof(from),
					 .msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control)};
		ssize_t got = recvmsg(hub->echo->fd, &message, MSG_DONTWAIT);

		if (got < 0)
			break;
		if (got <= ECHO_MAX)
			asked(hub, &message, &from, ponto_bytes(data, (size_t)got));
	}
	tt_hub_pump(hub);
}

/* ---- the address -------------------------------------------------------------------------------------- */

void tt_host_address(struct ponto_datagram_handle *h)
{
	struct tt_hub *hub = h->hub;
	struct ponto_addr own[OWN_MAX];
	struct teredo_ip6 ip;
	size_t count = 0, i = 0;

	if (ponto_datagrams_local(h->native, own, OWN_MAX, &count) != PONTO_OK)
		count = 0;
	for (; i < count && i < OWN_MAX; i++) {
		memcpy(ip.bytes, own[i].ip, sizeof(ip.bytes));
		if (own[i].family == PONTO_FAMILY_IPV6 && teredo_is_unicast(&ip) && !teredo_is_address(&ip))
			break;
	}
	pthread_mutex_lock(&hub->lock);
	hub->has_address = i < count && i < OWN_MAX;
	if (hub->has_address)
		hub->address = ip;
	if (hub->running)
		tt_bell_ring(&hub->bell);
	pthread_mutex_unlock(&hub->lock);
}

static void tell_new(const struct tt_hub *hub, bool there)
{
	struct ponto_addr addr;
	char text[PONTO_ADDR_TEXT];

	teredo_ip6_to(&hub->relayed, 0, &addr);
	if (there)
		ponto_info(hub->env->log, TT_TOPIC, "relays between Teredo and %s", ponto_addr_format(&addr, text));
	else
		ponto_info(hub->env->log, TT_TOPIC, "no native address any more");
}

/* Peers are those of an address: with another one all begins anew. */
static void host_woken(struct tt_hub *hub)
{
	struct teredo_prefix served = {.bits = 128};
	bool there;

	pthread_mutex_lock(&hub->lock);
	there = hub->has_address;
	served.ip = hub->address;
	pthread_mutex_unlock(&hub->lock);
	if (there ? hub->relay && teredo_ip6_equal(&hub->relayed, &served.ip) : !hub->relay)
		return;
	teredo_relay_destroy(hub->relay);
	hub->relay = NULL;
	hub->metrics.relay_last = (struct teredo_relay_stats){0};
	hub->relay_config.source = hub->relayed = served.ip;
	hub->relay_config.served = &served;
	hub->relay_config.served_count = 1;
	if (there && teredo_relay_create(&hub->relay_config, &hub->relay) != PONTO_OK) {
		ponto_error(hub->env->log, TT_TOPIC, "no memory to relay");
		hub->relay = NULL;
		return;
	}
	tell_new(hub, there);
	tt_carrier_local(hub);
	tt_stream_address(hub);
}

static void host_local(struct tt_hub *hub, const struct teredo_endpoint *at)
{
	struct teredo_subnet subnets[TEREDO_RELAY_SUBNETS_MAX];

	if (hub->relay)
		teredo_relay_local(hub->relay, at, at ? 1 : 0, subnets,
				   tt_carrier_subnets(hub, subnets, TEREDO_RELAY_SUBNETS_MAX));
}

/* ---- its life ------------------------------------------------------------------------------------------- */

static int host_begin(struct tt_hub *hub)
{
	const int yes = 1;

	if (setsockopt(hub->echo->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof(yes)) != 0)
		return PONTO_EIO;
	return ponto_watch_create(hub->loop, hub->echo->fd, PONTO_READABLE, echo_readable, hub, &hub->echo_watch);
}

static void host_end(struct tt_hub *hub)
{
	if (hub->echo_watch)
		ponto_watch_destroy(hub->loop, hub->echo_watch);
	hub->echo_watch = NULL;
	teredo_relay_destroy(hub->relay);
	hub->relay = NULL;
}

static void host_advance(struct tt_hub *hub, uint64_t now)
{
	if (hub->relay)
		teredo_relay_advance(hub->relay, now);
}

static uint64_t host_pump(struct tt_hub *hub)
{
	struct teredo_relay_slot out;

	while (hub->relay && teredo_relay_output(hub->relay, &out)) {
		struct teredo_slot *slot = tt_carrier_slot(hub);

		memcpy(slot->data, out.data, out.len);
		slot->len = out.len;
		slot->to = out.to;
		slot->via = TEREDO_VIA_SERVICE;
		slot->ttl = 0;
		tt_carrier_keep(hub);
	}
	tt_carrier_flush(hub);
	tt_metrics_relay(hub);
	return hub->relay ? teredo_relay_deadline(hub->relay) : PONTO_NEVER;
}

/* ---- what it says of itself ----------------------------------------------------------------------------- */

static void host_fill(struct tt_hub *hub, struct tt_report *report)
{
	report->has_relayed = hub->relay != NULL;
	report->relayed = hub->relayed;
	if (hub->relay)
		teredo_relay_status(hub->relay, &report->relay);
}

static void number(ponto_describe_fn *line, void *arg, const char *key, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, value);
	line(arg, key, text);
}

static void host_tell(const struct tt_hub *hub, const struct tt_report *r, ponto_describe_fn *line, void *arg)
{
	char text[PONTO_ADDR_TEXT];
	struct ponto_addr addr;

	(void)hub;
	line(arg, "state", r->has_relayed && r->has_local ? "relaying" : "off-line");
	if (r->has_local)
		line(arg, "local", ponto_addr_format(&r->local, text));
	if (r->has_relayed) {
		teredo_ip6_to(&r->relayed, 0, &addr);
		line(arg, "address", ponto_addr_format(&addr, text));
	}
	number(line, arg, "peers-reached", r->relay.trusted);
	number(line, arg, "peers-tried", r->relay.peers - r->relay.trusted);
}

const struct tt_role tt_host = {
	.begin = host_begin,
	.end = host_end,
	.local = host_local,
	.woken = host_woken,
	.receive = host_receive,
	.send = host_send,
	.send_packet = host_send_packet,
	.advance = host_advance,
	.pump = host_pump,
	.fill = host_fill,
	.tell = host_tell,
};
