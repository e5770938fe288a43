/* Bubbles and connectivity tests: RFC 4380 5.2.4, 5.2.6, 5.2.8, 5.2.9; RFC 6081 5. */
#include "engines/teredo/teredo_state.h"

#define ECHO_HOP_LIMIT 128

struct teredo_endpoint bubble_target(const struct teredo_client *c, const struct peer *p)
{
	struct teredo_address parts;

	/* Both are behind symmetric NATs: only a port that a NAT keeps for the peer can be open. */
	if (c->nat == TEREDO_NAT_SYMMETRIC && c->upnp && c->upnp_mapped.port == 0 && p->symmetric &&
	    teredo_is_address(&p->ip)) {
		teredo_address_split(&p->ip, &parts);
		return parts.mapped;
	}
	return p->endpoint;
}

/* ---- one bubble ---------------------------------------------------------------------------- */

void bubble_direct(struct teredo_client *c, const struct teredo_ip6 *to_ip, const struct teredo_endpoint *to,
		   uint8_t via, const struct teredo_trailers *trailers)
{
	uint8_t buf[TEREDO_IP6_HEADER + TEREDO_TRAILERS_MAX];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));

	teredo_write_bubble(&w, &c->address, to_ip, BUBBLE_HOP_LIMIT);
	if (trailers)
		teredo_write_trailers(&w, trailers);
	c->stats.direct++;
	client_emit(c, &w, to, via, 0);
}

void bubble_by_port(struct teredo_client *c, struct peer *p)
{
	struct teredo_trailers t = {.has_nonce = p->nonce_received_set, .nonce = p->nonce_received};
	struct teredo_endpoint to;
	struct teredo_address parts;

	if (p->trusted || !has(c, TEREDO_FEATURE_PRESERVING) || (!p->peer_port && !(p->via && p->nonce_received_set)))
		return;
	teredo_address_split(&p->ip, &parts);
	to = parts.mapped;
	if (p->peer_port)
		to.port = p->peer_port;
	if (!teredo_endpoint_usable(&to, c->subnets, c->subnet_count))
		return;
	t.has_port = p->via && p->predicted;
	t.port = p->predicted;
	bubble_direct(c, &p->ip, &to, p->via, &t);
}

void bubble_direct_all(struct teredo_client *c, struct peer *p, const struct teredo_endpoint *to)
{
	struct teredo_trailers t = {.has_nonce = p->nonce_received_set, .nonce = p->nonce_received};

	bubble_direct(c, &p->ip, to, TEREDO_VIA_SERVICE, &t);
	bubble_by_port(c, p);
}

/* RFC 6081 5.6.4.1: until there is contact, where else we can be reached. */
static void add_alternates(const struct teredo_client *c, const struct peer *p, struct teredo_trailers *t)
{
	if (!has(c, TEREDO_FEATURE_HAIRPIN) || p->trusted || p->no_alternates || c->local.ip == c->mapped.ip)
		return;
	t->alternates[t->alternate_count++] = c->local;
	if (c->upnp_mapped.port)
		t->alternates[t->alternate_count++] = c->upnp_mapped;
}

void bubble_indirect_now(struct teredo_client *c, struct peer *p, uint64_t now)
{
	uint8_t buf[TEREDO_IP6_HEADER + TEREDO_TRAILERS_MAX];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));
	struct teredo_trailers t = {0};
	struct teredo_address parts;

	p->indirect_waits = false;
	teredo_address_split(&p->ip, &parts);
	if (has(c, TEREDO_FEATURE_SYMMETRIC | TEREDO_FEATURE_HAIRPIN)) {
		p->nonce_sent = client_nonce(c);
		p->nonce_sent_set = true;
		t.has_nonce = true;
		t.nonce = p->nonce_sent;
	}
	add_alternates(c, p, &t);
	if (p->via && p->predicted) {
		t.has_port = true;
		t.port = p->predicted;
	}
	teredo_write_bubble(&w, &c->address, &p->ip, BUBBLE_HOP_LIMIT);
	teredo_write_trailers(&w, &t);
	c->stats.indirect++;
	p->transmitted = now;
	client_emit(c, &w, &(struct teredo_endpoint){parts.server, TEREDO_PORT}, TEREDO_VIA_SERVICE, 0);
}

void bubble_indirect(struct teredo_client *c, struct peer *p, uint64_t now)
{
	if (!port_before_indirect(c, p, now))
		bubble_indirect_now(c, p, now);
}

void bubble_discovery(struct teredo_client *c)
{
	uint8_t buf[TEREDO_IP6_HEADER];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));

	teredo_write_bubble(&w, &c->address, &teredo_all_nodes, 1);
	client_emit(c, &w, &(struct teredo_endpoint){TEREDO_DISCOVERY_IP4, TEREDO_PORT}, TEREDO_VIA_SERVICE, 1);
}

/* ---- rounds: what 5.2.6 limits is a direct and an indirect one together -------------------------- */

bool bubble_allowed(struct peer *p, uint64_t now)
{
	if (!p->has_round)
		return true;
	if (now - p->round_at < RETRY)
		return false;
	if (now - p->window >= WINDOW)
		p->rounds = 0;
	return p->rounds < ROUNDS;
}

static void count_round(struct peer *p, uint64_t now)
{
	if (!p->has_round || p->rounds == 0 || now - p->window >= WINDOW) {
		p->window = now;
		p->rounds = 0;
	}
	p->has_round = true;
	p->rounds++;
	p->round_at = now;
	p->transmitted = now;
}

void bubble_round(struct teredo_client *c, struct peer *p, uint64_t now, bool direct)
{
	struct teredo_endpoint to = bubble_target(c, p);

	count_round(p, now);
	/* Behind a cone NAT nothing has to be opened. */
	if (direct && c->nat != TEREDO_NAT_CONE)
		bubble_direct_all(c, p, &to);
	bubble_indirect(c, p, now);
}

/* ---- efforts ------------------------------------------------------------------------------------------ */

static void send_echo(struct teredo_client *c, struct peer *p, uint64_t now)
{
	uint8_t buf[TEREDO_IP6_HEADER + 8 + sizeof(p->echo_nonce)];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));
	struct teredo_icmp icmp = {.type = TEREDO_ICMP_ECHO_REQUEST, .word = p->tries};

	if (!p->echoing)
		c->config.random->fill(c->config.random->ctx, p->echo_nonce, sizeof(p->echo_nonce));
	p->echoing = true;
	p->transmitted = now;
	p->has_round = true;
	p->round_at = now;
	icmp.body = ponto_bytes(p->echo_nonce, sizeof(p->echo_nonce));
	teredo_write_icmp(&w, &c->address, &p->ip, ECHO_HOP_LIMIT, &icmp);
	c->stats.echoes++;
	client_emit(c, &w, &(struct teredo_endpoint){c->home.primary, TEREDO_PORT}, TEREDO_VIA_SERVICE, 0);
}

static void send_solicitation(struct teredo_client *c, struct peer *p, uint64_t now)
{
	struct teredo_trailers t = {.discovery = TEREDO_DISCOVERY_SOLICITATION,
				    .has_nonce = p->nonce_received_set,
				    .nonce = p->nonce_received};
	struct teredo_endpoint to = bubble_target(c, p);

	p->transmitted = now;
	bubble_direct(c, &p->ip, &to, p->via, &t);
}

/* It is where its address says: what was learnt is too old. */
static void unlearn(struct teredo_client *c, struct peer *p)
{
	struct teredo_address parts;

	teredo_address_split(&p->ip, &parts);
	if (p->trusted)
		peer_trust(c, p, false);
	p->endpoint = parts.mapped;
	p->direct_primary = p->direct_random = false;
}

static void start_over(struct teredo_client *c, struct peer *p)
{
	unlearn(c, p);
	p->effort = EFFORT_BUBBLE;
	p->tries = 0;
}

void bubble_outdated(struct teredo_client *c, struct peer *p, uint64_t now)
{
	/* Not by when it was sent to: random ports are refreshed long after. */
	if (p->effort != EFFORT_NONE || now - p->received < PEER_VALID ||
	    (p->has_round && now - p->round_at < PEER_VALID))
		return;
	unlearn(c, p);
	port_close(c, p);
	p->peer_port = 0;
}

bool bubble_possible(const struct teredo_client *c, const struct teredo_ip6 *ip)
{
	struct teredo_address parts;

	teredo_address_split(ip, &parts);
	return teredo_endpoint_usable(&parts.mapped, c->subnets, c->subnet_count) && teredo_ip4_global(parts.server) &&
	       !teredo_ip4_broadcast(parts.server, c->subnets, c->subnet_count);
}

static bool is_local(const struct peer *p, uint64_t now)
{
	return p->has_local && now - p->discovered < PEER_LOCAL;
}

/* False: nothing may be sent now. */
static bool try_once(struct teredo_client *c, struct peer *p, uint64_t now)
{
	switch (p->effort) {
	case EFFORT_ECHO:
		send_echo(c, p, now);
		break;
	case EFFORT_SOLICIT:
		send_solicitation(c, p, now);
		break;
	case EFFORT_LOCAL:
		if (!bubble_allowed(p, now))
			return false;
		count_round(p, now);
		bubble_direct(c, &p->ip, &p->local, TEREDO_VIA_SERVICE, NULL);
		bubble_discovery(c);
		break;
	default:
		if (!bubble_allowed(p, now))
			return false;
		bubble_round(c, p, now, true);
		break;
	}
	p->tries++;
	p->effort_at = now + RETRY;
	return true;
}

int bubble_begin(struct teredo_client *c, struct peer *p, uint64_t now)
{
	if (p->effort != EFFORT_NONE)
		return PONTO_OK;
	p->tries = 0;
	if (!teredo_is_address(&p->ip)) {
		p->effort = EFFORT_ECHO;
		p->echoing = false;
	} else if (is_local(p, now)) {
		p->effort = EFFORT_LOCAL;
	} else if (!bubble_possible(c, &p->ip)) {
		return PONTO_EUNREACH;
	} else if (p->trusted && has(c, TEREDO_FEATURE_SOLICIT)) {
		p->effort = EFFORT_SOLICIT;
	} else {
		start_over(c, p);
	}
	if (!try_once(c, p, now)) {
		p->effort = EFFORT_NONE;
		peer_arm(c, p);
		return PONTO_EUNREACH;
	}
	peer_arm(c, p);
	return PONTO_OK;
}

static void give_up(struct teredo_client *c, struct peer *p)
{
	p->effort = EFFORT_NONE;
	p->echoing = false;
	if (!p->trusted) {
		/* Nor what it said: a NAT that keeps ports would spend the next random port's number on where it was. */
		port_close(c, p);
		p->peer_port = 0;
		p->nonce_received_set = false;
	}
	if (p->queue.head)
		client_effect(c, &(struct teredo_effect){.kind = TEREDO_EFFECT_UNREACHABLE, .peer = p->ip});
	peer_drop_queue(c, p);
}

void bubble_advance(struct teredo_client *c, struct peer *p, uint64_t now)
{
	bool more;

	if (p->effort == EFFORT_NONE || now < p->effort_at)
		return;
	if (p->effort == EFFORT_SOLICIT && p->tries == SOLICITATIONS - 1) {
		/* RFC 6081 5.7.2: the third goes along with an indirect one, and then it is as at first. */
		send_solicitation(c, p, now);
		start_over(c, p);
		more = bubble_allowed(p, now);
		if (more) {
			bubble_round(c, p, now, false);
			p->tries = 1;
			p->effort_at = now + RETRY;
		}
	} else if (p->effort == EFFORT_LOCAL && p->tries == ROUNDS) {
		/* Not on this link any more. */
		p->has_local = false;
		p->rounds = 0;
		start_over(c, p);
		more = bubble_possible(c, &p->ip) && try_once(c, p, now);
	} else {
		more = p->tries < ROUNDS && try_once(c, p, now);
	}
	if (!more)
		give_up(c, p);
}
