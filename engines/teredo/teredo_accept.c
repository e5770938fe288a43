/* Packets that are believed: datagrams for applications, echo, errors. RFC 4380 7.1; RFC 4443. */
#include "engines/teredo/teredo_state.h"

static int datagram(struct teredo_client *c, const struct teredo_packet *p, struct teredo_delivery *out)
{
	struct teredo_delivery d = {.kind = TEREDO_DELIVERY_DATAGRAM,
				    .peer = p->src,
				    .hop_limit = p->hop_limit,
				    .ecn = p->traffic_class & 3,
				    .packet = p->ip6};

	if (teredo_udp_parse(p, &d.udp) != PONTO_OK) {
		c->stats.malformed++;
		return 0;
	}
	c->stats.delivered++;
	*out = d;
	return 1;
}

/* For a stack of its own, which checks the rest. */
static int packet(struct teredo_client *c, const struct teredo_packet *p, struct teredo_delivery *out)
{
	*out = (struct teredo_delivery){.kind = TEREDO_DELIVERY_PACKET,
					.peer = p->src,
					.hop_limit = p->hop_limit,
					.ecn = p->traffic_class & 3,
					.packet = p->ip6};
	c->stats.delivered++;
	return 1;
}

static void reply(struct teredo_client *c, uint64_t now, const struct teredo_packet *p, struct teredo_icmp *icmp,
		  const struct teredo_endpoint *back, uint8_t via)
{
	uint8_t buf[TEREDO_MTU];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));

	if (p->ip6.len > TEREDO_MTU || !client_take(&c->echoes, now)) {
		c->stats.limited++;
		return;
	}
	icmp->type = TEREDO_ICMP_ECHO_REPLY;
	icmp->code = 0;
	teredo_write_icmp(&w, &c->address, &p->src, TEREDO_HOP_LIMIT, icmp);
	client_emit(c, &w, back, via, 0);
}

/* It is about a datagram that we sent to where the error comes from: whoever is there could lose it as well. */
int accept_error(struct teredo_client *c, const struct teredo_received *in, const struct teredo_packet *p,
		 struct teredo_delivery *out)
{
	struct teredo_delivery d = {.kind = TEREDO_DELIVERY_ERROR};
	struct teredo_packet quoted;
	struct teredo_icmp icmp;
	struct ponto_reader r;
	const struct peer *peer;

	if (teredo_icmp_parse(p, &icmp) != PONTO_OK || !teredo_icmp_is_error(&icmp) ||
	    teredo_decode_quoted(icmp.body, &quoted) != PONTO_OK || !teredo_ip6_equal(&quoted.src, &c->address) ||
	    (quoted.next_header != TEREDO_NEXT_UDP && quoted.next_header != TEREDO_NEXT_TCP &&
	     !has(c, TEREDO_FEATURE_WHOLE))) {
		c->stats.refused++;
		return 0;
	}
	peer = peer_find(c, &quoted.dst);
	r = ponto_reader(quoted.payload);
	d.udp.from = ponto_read_be16(&r);
	d.udp.to = ponto_read_be16(&r);
	if (r.failed || !peer || !peer->trusted || !teredo_endpoint_equal(&peer->endpoint, &in->from)) {
		c->stats.refused++;
		return 0;
	}
	if (quoted.next_header != TEREDO_NEXT_UDP)
		d.kind = TEREDO_DELIVERY_PACKET;
	d.packet = p->ip6;
	d.peer = quoted.dst;
	d.mtu = icmp.type == TEREDO_ICMP_TOO_BIG ? icmp.word : 0;
	c->stats.errors++;
	*out = d;
	return 1;
}

int accept_packet(struct teredo_client *c, uint64_t now, const struct teredo_packet *p,
		  const struct teredo_endpoint *back, uint8_t via, struct teredo_delivery *out)
{
	struct teredo_icmp icmp;

	if (p->next_header == TEREDO_NEXT_UDP)
		return datagram(c, p, out);
	if (p->next_header == TEREDO_NEXT_ICMP && teredo_icmp_parse(p, &icmp) == PONTO_OK && teredo_icmp_is_error(&icmp))
		return accept_error(c, &(struct teredo_received){.from = *back, .via = via}, p, out);
	if (p->next_header == TEREDO_NEXT_TCP || has(c, TEREDO_FEATURE_WHOLE))
		return packet(c, p, out);
	if (p->next_header == TEREDO_NEXT_FRAGMENT)
		c->stats.fragments++;
	if (p->next_header == TEREDO_NEXT_ICMP && teredo_icmp_parse(p, &icmp) == PONTO_OK &&
	    icmp.type == TEREDO_ICMP_ECHO_REQUEST)
		reply(c, now, p, &icmp, back, via);
	return 0;
}

/* To whom we have something to say ourselves, the error tells as much as it can. A source that may be forged gets no more
 * than it sent. */
static bool quotable(const struct peer *peer, const struct teredo_packet *p, struct ponto_bytes *out)
{
	*out = p->ip6;
	if (peer->ours)
		return true;
	if (p->ip6.len < 2 * (TEREDO_IP6_HEADER + TEREDO_UDP_HEADER))
		return false;
	out->len -= TEREDO_IP6_HEADER + 8;
	return true;
}

void teredo_client_refuse(struct teredo_client *c, uint64_t now, const struct teredo_received *in)
{
	uint8_t buf[TEREDO_MTU];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));
	struct ponto_bytes quoted;
	struct teredo_packet p;
	const struct peer *peer;

	if (!c->has_address || teredo_decode(in->data, &p) != PONTO_OK || p.next_header != TEREDO_NEXT_UDP)
		return;
	peer = peer_find(c, &p.src);
	if (!peer || !peer_valid(peer, now) || !teredo_endpoint_equal(&peer->endpoint, &in->from) ||
	    !quotable(peer, &p, &quoted) || !client_take(&c->echoes, now))
		return;
	teredo_write_error(&w, &c->address, &p.src, TEREDO_HOP_LIMIT, TEREDO_ICMP_UNREACHABLE, TEREDO_UNREACHABLE_PORT,
			   0, quoted);
	client_emit(c, &w, &in->from, in->via, 0);
}
