/* Packet reception: who is believed. RFC 4380 5.2.3; RFC 6081 5.2.4, 5.4.4.5, 5.6.4, 5.7.4. */
#include "engines/teredo/teredo_state.h"

#define STRANGER_PAUSE (RETRY * 3 / 4)

static int refused(struct teredo_client *c)
{
	c->stats.refused++;
	return 0;
}

static int limited(struct teredo_client *c)
{
	c->stats.limited++;
	return 0;
}

void receive_trust(struct teredo_client *c, struct peer *p, uint64_t now, const struct teredo_endpoint *at, uint8_t via)
{
	struct teredo_address parts;

	teredo_address_split(&p->ip, &parts);
	p->symmetric = teredo_is_address(&p->ip) && !teredo_endpoint_equal(at, &parts.mapped) &&
		       !(p->has_local && teredo_endpoint_equal(at, &p->local));
	p->endpoint = *at;
	p->effort = EFFORT_NONE;
	p->echoing = false;
	p->rounds = 0;
	p->received = now;
	peer_trust(c, p, true);
	if (via == TEREDO_VIA_SERVICE) {
		p->direct_primary = true;
		p->direct_random = false;
		port_close(c, p);
	} else {
		p->direct_random = true;
		if (p->refresh_at == PONTO_NEVER)
			p->refresh_at = now + PEER_REFRESH;
		p->failover_at = PONTO_NEVER;
	}
	peer_flush(c, p, now);
	peer_arm(c, p);
}

/* Heard where it was known to be. */
static void still_there(struct teredo_client *c, struct peer *p, uint64_t now)
{
	p->received = now;
	p->rounds = 0;
	if (p->effort != EFFORT_NONE || p->queue.head) {
		p->effort = EFFORT_NONE;
		peer_flush(c, p, now);
		peer_arm(c, p);
	}
	peer_touch(c, p);
}

/* What strangers may cause: one thing per peer and a while, and so many for all. The while is shorter than the two
 * seconds after which bubbles are repeated, so that none that was quick on its way falls into it. */
static bool may_cause(struct bucket *bucket, struct peer *p, uint64_t now)
{
	if ((p->was_tested && now - p->tested < STRANGER_PAUSE) || !client_take(bucket, now))
		return false;
	p->was_tested = true;
	p->tested = now;
	return true;
}

/* ---- indirect bubbles ------------------------------------------------------------------------ */

/* RFC 6081 5.6.4.2. Only behind the same NAT as we are can an alternate be near us. */
static void try_alternates(struct teredo_client *c, const struct peer *p, const struct teredo_trailers *t)
{
	struct teredo_trailers answer = {.has_nonce = t->has_nonce, .nonce = t->nonce};
	struct teredo_address parts;

	teredo_address_split(&p->ip, &parts);
	if (!has(c, TEREDO_FEATURE_HAIRPIN) || parts.mapped.ip != c->mapped.ip || !t->has_nonce)
		return;
	for (uint8_t i = 0; i < t->alternate_count; i++) {
		const struct teredo_endpoint *at = &t->alternates[i];

		if (at->ip >> 24 == 127 || teredo_endpoint_equal(at, &c->local) ||
		    teredo_ip4_broadcast(at->ip, c->subnets, c->subnet_count))
			continue;
		bubble_direct(c, &p->ip, at, TEREDO_VIA_SERVICE, &answer);
	}
}

/* Its address names the address that it is at as its server. */
static bool own_server(const struct peer *p)
{
	struct teredo_address parts;

	teredo_address_split(&p->ip, &parts);
	return parts.server == parts.mapped.ip;
}

static void answer_teredo(struct teredo_client *c, uint64_t now, struct peer *p, const struct teredo_packet *packet,
			  const struct teredo_trailers *t)
{
	bool known = peer_valid(p, now);
	struct teredo_endpoint to = packet->origin;

	bubble_outdated(c, p, now);
	p->nonce_received_set = t->has_nonce && t->nonce != 0;
	p->nonce_received = p->nonce_received_set ? t->nonce : 0;
	if (t->has_port)
		port_announced(c, p, now, t->port);
	if (!may_cause(&c->relayed, p, now)) {
		limited(c);
		return;
	}
	if (known)
		to = bubble_target(c, p);
	if (known && p->via) {
		/* RFC 6081 6.3, step 20: by the random port only. */
		struct teredo_trailers answer = {.has_nonce = p->nonce_received_set,
						 .nonce = p->nonce_received,
						 .has_port = p->predicted != 0,
						 .port = p->predicted};

		bubble_direct(c, &p->ip, &to, p->via, &answer);
	} else {
		bubble_direct_all(c, p, &to);
	}
	if (t->alternate_count)
		try_alternates(c, p, t);
	/* Its answer tells us where it is, wherever that may be: if it gives nonces back. Nobody has us send two bubbles
	 * to one address. */
	if (!known && has(c, TEREDO_FEATURE_SYMMETRIC) && p->nonce_received_set && !own_server(p) &&
	    bubble_allowed(p, now)) {
		p->no_alternates = t->alternate_count == 0;
		bubble_round(c, p, now, false);
	}
	peer_arm(c, p);
}

static int indirect(struct teredo_client *c, uint64_t now, const struct teredo_packet *packet,
		    const struct teredo_trailers *t)
{
	struct peer *p = NULL;

	if (!teredo_is_bubble(packet) || !teredo_endpoint_usable(&packet->origin, c->subnets, c->subnet_count) ||
	    teredo_ip6_equal(&packet->src, &c->address))
		return refused(c);
	if (t->alternates_bad && has(c, TEREDO_FEATURE_HAIRPIN))
		return refused(c);
	if (teredo_is_address(&packet->src)) {
		struct teredo_address parts;

		teredo_address_split(&packet->src, &parts);
		if (!teredo_ip4_global(parts.server))
			return refused(c);
		p = peer_get(c, now, &packet->src, true);
		if (p) {
			answer_teredo(c, now, p, packet, t);
			return 0;
		}
	} else if (!teredo_is_link_local(&packet->src) && !teredo_is_unicast(&packet->src)) {
		return refused(c);
	}
	/* A relay, or a client that shows another address: it gets exactly that one back. */
	if (!client_take(&c->relayed, now))
		return limited(c);
	bubble_direct(c, &packet->src, &packet->origin, TEREDO_VIA_SERVICE,
		      t->has_nonce ? &(struct teredo_trailers){.has_nonce = true, .nonce = t->nonce} : NULL);
	return 0;
}

/* ---- local discovery ------------------------------------------------------------------------------ */

static int discovery(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
		     const struct teredo_packet *packet)
{
	struct teredo_address parts;
	struct peer *p;

	teredo_address_split(&packet->src, &parts);
	if (!has(c, TEREDO_FEATURE_LOCAL) || !teredo_is_bubble(packet) || packet->has_origin ||
	    !teredo_ip6_equal(&packet->dst, &teredo_all_nodes) || !teredo_is_address(&packet->src) ||
	    !teredo_endpoint_usable(&parts.mapped, NULL, 0) || !teredo_ip4_global(parts.server))
		return refused(c);
	if (teredo_ip6_equal(&packet->src, &c->address) ||
	    !teredo_ip4_attached(in->from.ip, c->subnets, c->subnet_count) || in->from.port == 0 ||
	    (has(c, TEREDO_FEATURE_LOCAL_SAME) && parts.mapped.ip != c->mapped.ip))
		return refused(c);
	p = peer_find(c, &packet->src);
	if (!p) {
		p = peer_get(c, now, &packet->src, true);
		if (!p)
			return limited(c);
		p->received = now;
	}
	p->local = in->from;
	p->has_local = true;
	p->discovered = now;
	if (!may_cause(&c->tests, p, now))
		return limited(c);
	bubble_direct(c, &p->ip, &p->local, TEREDO_VIA_SERVICE, NULL);
	return 0;
}

/* ---- directly -------------------------------------------------------------------------------------- */

/* Answers whether it is there. RFC 6081 5.7.4.2 */
static void answer_solicitation(struct teredo_client *c, uint64_t now, struct peer *p, const struct teredo_trailers *t)
{
	struct teredo_trailers answer = {.discovery = TEREDO_DISCOVERY_ADVERTISEMENT,
					 .has_nonce = p->nonce_received_set,
					 .nonce = p->nonce_received};
	struct teredo_endpoint to = bubble_target(c, p);

	if (t->discovery == TEREDO_DISCOVERY_SOLICITATION && may_cause(&c->tests, p, now))
		bubble_direct(c, &p->ip, &to, p->via, &answer);
}

/* Case 2: the answer to our test, from where the peer or its relay is. */
static bool answers_test(const struct peer *p, const struct teredo_packet *packet)
{
	struct teredo_icmp icmp;

	return p->echoing && teredo_icmp_parse(packet, &icmp) == PONTO_OK && icmp.type == TEREDO_ICMP_ECHO_REPLY &&
	       ponto_bytes_equal_secret(icmp.body, ponto_bytes(p->echo_nonce, sizeof(p->echo_nonce)));
}

/* The nonce came to the peer through its server, so the peer is where it comes back from. RFC 6081 5.2.4.4, 5.6.4.3 */
static bool has_our_nonce(const struct teredo_client *c, const struct peer *p, const struct teredo_received *in,
			  const struct teredo_trailers *t)
{
	struct teredo_address parts;

	if (!p->nonce_sent_set || !t->has_nonce || t->nonce != p->nonce_sent)
		return false;
	if (teredo_endpoint_usable(&in->from, c->subnets, c->subnet_count))
		return true;
	/* A private one only on our side of the NAT. */
	teredo_address_split(&p->ip, &parts);
	return has(c, TEREDO_FEATURE_HAIRPIN) && parts.mapped.ip == c->mapped.ip && in->from.port != 0 &&
	       teredo_ip4_unicast(in->from.ip) && in->from.ip >> 24 != 127;
}

/* A peer whose mapping changed while nothing was said. RFC 6081 5.4.4.5 */
static void moved(struct teredo_client *c, uint64_t now, struct peer *p)
{
	if (p->direct_random && !p->direct_primary)
		port_close(c, p);
	else if (!peer_silent(p, now))
		return;
	if (!may_cause(&c->tests, p, now) || !bubble_allowed(p, now))
		return;
	peer_trust(c, p, false);
	p->direct_primary = p->direct_random = false;
	bubble_round(c, p, now, false);
	peer_arm(c, p);
}

/* Behind its NAT it has no answer from here yet, or could not let it in: now it can. It would learn of us from its next
 * try only, if there is one. */
static void trusted_by_nonce(struct teredo_client *c, uint64_t now, struct peer *p, const struct teredo_received *in)
{
	struct teredo_trailers t = {.has_nonce = p->nonce_received_set, .nonce = p->nonce_received};
	bool tell = !p->trusted && !p->queue.head;

	receive_trust(c, p, now, &in->from, in->via);
	if (tell)
		bubble_direct(c, &p->ip, &in->from, in->via, &t);
}

static struct peer *believe(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
			    const struct teredo_packet *packet, const struct teredo_trailers *t)
{
	struct peer *p = peer_find(c, &packet->src);
	bool teredo = teredo_is_address(&packet->src);
	struct teredo_address parts;

	if (p && p->trusted && p->via == in->via && teredo_endpoint_equal(&p->endpoint, &in->from)) {
		still_there(c, p, now);
		return p;
	}
	if (p && answers_test(p, packet) && in->via == TEREDO_VIA_SERVICE &&
	    teredo_endpoint_usable(&in->from, c->subnets, c->subnet_count)) {
		peer_ours(c, p);
		receive_trust(c, p, now, &in->from, in->via);
		return p;
	}
	if (!teredo)
		return NULL;
	teredo_address_split(&packet->src, &parts);
	/* Likewise by the random port that the peer alone was told of: the bubble before may have been lost. */
	if ((in->via == TEREDO_VIA_SERVICE || (p && !p->trusted && c->ports[in->via].peer == p)) &&
	    teredo_endpoint_equal(&parts.mapped, &in->from)) {
		if (!teredo_endpoint_usable(&in->from, c->subnets, c->subnet_count))
			return NULL;
		p = p ? p : peer_get(c, now, &packet->src, true);
		if (p)
			receive_trust(c, p, now, &in->from, in->via);
		return p;
	}
	if (p && in->via == TEREDO_VIA_SERVICE && p->has_local && now - p->discovered < PEER_LOCAL &&
	    teredo_endpoint_equal(&p->local, &in->from)) {
		receive_trust(c, p, now, &in->from, in->via);
		return p;
	}
	if (!p || !teredo_is_bubble(packet))
		return NULL;
	if ((in->via == TEREDO_VIA_SERVICE || c->ports[in->via].peer == p) && has_our_nonce(c, p, in, t)) {
		/* Once: bubbles from several ports of a peer shall not send us to and fro. */
		if (in->via == TEREDO_VIA_SERVICE)
			p->nonce_sent_set = false;
		peer_ours(c, p);
		trusted_by_nonce(c, now, p, in);
		return p;
	}
	if (p->trusted && has(c, TEREDO_FEATURE_PRESERVING))
		moved(c, now, p);
	return NULL;
}

/* What has come is no less than the test, which may be sent to another than whom it came from. */
static bool paid_for_test(struct peer *p, const struct teredo_packet *packet)
{
	if (p->paid < BUBBLE_ECHO_BYTES)
		p->paid = (uint16_t)(p->paid + packet->ip6.len);
	return p->paid >= BUBBLE_ECHO_BYTES;
}

/* Case 6: from whom we do not know. */
static int stranger(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
		    const struct teredo_packet *packet, struct teredo_delivery *out)
{
	struct peer *p;

	if (in->via != TEREDO_VIA_SERVICE)
		return refused(c);
	if (teredo_is_link_local(&packet->src)) {
		if (!teredo_is_bubble(packet) || !teredo_endpoint_usable(&in->from, c->subnets, c->subnet_count))
			return refused(c);
		if (!client_take(&c->tests, now))
			return limited(c);
		bubble_direct(c, &packet->src, &in->from, TEREDO_VIA_SERVICE, NULL);
		return 0;
	}
	if (packet->next_header == TEREDO_NEXT_ICMP && packet->payload.len && packet->payload.data[0] < 128)
		return accept_error(c, in, packet, out);
	if (teredo_is_address(&packet->src) || !teredo_is_unicast(&packet->src) || c->state != TEREDO_QUALIFIED)
		return refused(c);
	c->stats.refused++;
	p = peer_get(c, now, &packet->src, true);
	if (!p || !paid_for_test(p, packet) || !may_cause(&c->tests, p, now) || bubble_begin(c, p, now) != PONTO_OK)
		return limited(c);
	p->paid = 0;
	/* One packet for one: repeated is only what we want ourselves. */
	if (!p->queue.head)
		p->tries = ROUNDS;
	return 0;
}

static int direct(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
		  const struct teredo_packet *packet, const struct teredo_trailers *t, struct teredo_delivery *out)
{
	struct peer *p;

	if (packet->has_origin || teredo_is_multicast(&packet->src) || teredo_ip6_equal(&packet->src, &c->address))
		return refused(c);
	p = believe(c, now, in, packet, t);
	if (!p)
		return stranger(c, now, in, packet, out);
	if (teredo_is_bubble(packet)) {
		answer_solicitation(c, now, p, t);
		return 0;
	}
	return accept_packet(c, now, packet, &in->from, in->via, out);
}

int teredo_client_input(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
			struct teredo_delivery *out)
{
	struct teredo_trailers t = {0};
	struct teredo_packet packet;

	if (teredo_decode(in->data, &packet) != PONTO_OK || teredo_trailers_parse(packet.trailers, &t) != PONTO_OK) {
		c->stats.malformed++;
		return 0;
	}
	if (in->via == VIA_SECONDARY && has(c, TEREDO_FEATURE_INTERVAL)) {
		interval_input(c, now, in, &packet);
		return 0;
	}
	if (in->via != TEREDO_VIA_SERVICE && in->via != TEREDO_VIA_GROUP &&
	    (in->via > TEREDO_PORTS_MAX || !c->ports[in->via].open || port_advertisement(c, now, in, &packet)))
		return 0;
	if (in->via == TEREDO_VIA_SERVICE && qualify_input(c, now, in, &packet))
		return 0;
	if (!c->has_address || packet.has_auth)
		return refused(c);
	if (in->via == TEREDO_VIA_GROUP)
		return discovery(c, now, in, &packet);
	if (!teredo_ip6_equal(&packet.dst, &c->address)) {
		c->stats.foreign++;
		return 0;
	}
	if (in->via == TEREDO_VIA_SERVICE && in->from.port == TEREDO_PORT &&
	    (in->from.ip == c->home.primary || in->from.ip == c->home.secondary)) {
		c->interaction = now;
		if (packet.has_origin)
			return indirect(c, now, &packet, &t);
	}
	return direct(c, now, in, &packet, &t, out);
}
