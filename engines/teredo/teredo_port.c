/* Random ports: where a NAT gives each destination a port of its own, one that is used for one peer only can be told
 * in advance. RFC 6081 5.4, 5.5. */
#include "engines/teredo/teredo_state.h"

#define FIRST_PORT 49152u /* RFC 6335 6: dynamic */
#define ATTEMPTS 3
#define TESTS 2 /* 5.5.2.2 */

static uint16_t draw(struct teredo_client *c)
{
	return (uint16_t)(FIRST_PORT + ponto_random_below(c->config.random, 65536 - FIRST_PORT));
}

static uint8_t slot_of(const struct teredo_client *c, const struct peer *p)
{
	for (uint8_t i = 1; i <= TEREDO_PORTS_MAX; i++)
		if (c->ports[i].used && c->ports[i].peer == p)
			return i;
	return 0;
}

static void ask(struct teredo_client *c, uint8_t i)
{
	c->ports[i].number = draw(c);
	c->ports[i].attempts++;
	client_effect(c, &(struct teredo_effect){.kind = TEREDO_EFFECT_OPEN,
						 .via = i,
						 .port = c->ports[i].number,
						 .peer = c->ports[i].peer->ip});
}

/* Strangers can have us open ports, too: those of peers that were not reached in the time that trying takes are had by
 * others. */
static void free_one(struct teredo_client *c, uint64_t now)
{
	for (uint8_t i = 1; i <= TEREDO_PORTS_MAX; i++) {
		struct port *port = &c->ports[i];

		if (!port->open || port->peer->trusted || now - port->since < RETRY * (ROUNDS + 1))
			continue;
		port_close(c, port->peer);
		return;
	}
}

static bool take_slot(struct teredo_client *c, struct peer *p, uint64_t now)
{
	for (uint8_t i = 1; i <= TEREDO_PORTS_MAX; i++) {
		if (c->ports[i].used || (i == VIA_SECONDARY && has(c, TEREDO_FEATURE_INTERVAL)))
			continue;
		c->ports[i] = (struct port){.peer = p, .used = true, .since = now};
		ask(c, i);
		return true;
	}
	return false;
}

bool port_want(struct teredo_client *c, struct peer *p, uint64_t now)
{
	if (slot_of(c, p) || take_slot(c, p, now))
		return true;
	free_one(c, now);
	return take_slot(c, p, now);
}

/* One still being opened is closed as soon as it is. */
void port_close(struct teredo_client *c, struct peer *p)
{
	uint8_t i = slot_of(c, p);

	p->via = TEREDO_VIA_SERVICE;
	p->predicted = 0;
	p->failover_at = p->refresh_at = PONTO_NEVER;
	p->indirect_waits = false;
	p->refreshes = 0;
	p->tests = 0;
	if (!i)
		return;
	c->ports[i].peer = NULL;
	if (!c->ports[i].open)
		return;
	c->ports[i] = (struct port){0};
	client_effect(c, &(struct teredo_effect){.kind = TEREDO_EFFECT_CLOSE, .via = i});
}

static bool preserving(const struct teredo_client *c)
{
	return c->preserving && has(c, TEREDO_FEATURE_PRESERVING);
}

bool port_before_indirect(struct teredo_client *c, struct peer *p, uint64_t now)
{
	bool testing = p->failover_at != PONTO_NEVER;

	if (c->nat != TEREDO_NAT_SYMMETRIC || p->trusted || p->predicted)
		return false;
	if (!preserving(c) && (c->preserving || !has(c, TEREDO_FEATURE_SEQUENTIAL) || (!testing && p->tests >= TESTS)))
		return false;
	if (!testing && (p->via || !port_want(c, p, now)))
		return false;
	p->indirect_waits = true;
	return true;
}

/* ---- the test, 5.5.4.1.1 ---------------------------------------------------------------------- */

static void start_test(struct teredo_client *c, struct peer *p, uint64_t now)
{
	struct teredo_endpoint to = bubble_target(c, p);

	/* Each destination has a port of its own: the bubble goes where the peer will be spoken to. */
	if (p->peer_port)
		to.port = p->peer_port;
	for (unsigned i = 0; i < 2; i++)
		c->config.random->fill(c->config.random->ctx, p->test_nonce[i], sizeof(p->test_nonce[i]));
	p->test_port[0] = p->test_port[1] = 0;
	p->tests++;
	p->failover_at = now + p->tests * PONTO_SECOND;
	qualify_solicit(c, c->home.primary, p->via, p->test_nonce[0]);
	bubble_direct(c, &p->ip, &to, p->via, NULL);
	qualify_solicit(c, c->home.secondary, p->via, p->test_nonce[1]);
}

bool port_advertisement(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
			const struct teredo_packet *packet)
{
	struct peer *p = c->ports[in->via].peer;

	if (packet->next_header != TEREDO_NEXT_ICMP || packet->payload.len == 0 ||
	    packet->payload.data[0] != TEREDO_ICMP_ADVERTISEMENT)
		return false;
	for (unsigned i = 0; p && p->failover_at != PONTO_NEVER && i < 2; i++) {
		if (p->test_port[i] || !qualify_valid(c, packet, p->test_nonce[i]))
			continue;
		c->stats.advertisements++;
		p->test_port[i] = packet->origin.port;
		if (!p->test_port[0] || !p->test_port[1])
			return true;
		/* The bubble went out between them. The text has the upper one twice; erratum. */
		p->predicted = (uint16_t)(((uint32_t)p->test_port[0] + p->test_port[1]) / 2);
		p->failover_at = PONTO_NEVER;
		if (!p->trusted)
			bubble_indirect_now(c, p, now);
		peer_arm(c, p);
		return true;
	}
	c->stats.bad_advertisements++;
	return true;
}

/* ---- opened --------------------------------------------------------------------------------------- */

static void use_port(struct teredo_client *c, struct peer *p, uint64_t now, uint8_t via)
{
	p->via = via;
	if (!preserving(c)) {
		start_test(c, p, now);
	} else {
		p->predicted = c->ports[via].number;
		bubble_by_port(c, p);
		if (p->indirect_waits)
			bubble_indirect_now(c, p, now);
	}
	peer_arm(c, p);
}

void teredo_client_opened(struct teredo_client *c, uint64_t now, uint8_t via, int result)
{
	struct port *port;
	struct peer *p;

	if (via == VIA_SECONDARY && has(c, TEREDO_FEATURE_INTERVAL)) {
		interval_opened(c, now, result);
		return;
	}
	if (via == 0 || via > TEREDO_PORTS_MAX || !c->ports[via].used || c->ports[via].open)
		return;
	port = &c->ports[via];
	p = port->peer;
	if (result == PONTO_OK && p) {
		port->open = true;
		use_port(c, p, now, via);
		return;
	}
	if (result != PONTO_OK && p && port->attempts < ATTEMPTS) {
		ask(c, via);
		return;
	}
	*port = (struct port){0};
	if (result == PONTO_OK)
		client_effect(c, &(struct teredo_effect){.kind = TEREDO_EFFECT_CLOSE, .via = via});
	else if (p && p->indirect_waits)
		bubble_indirect_now(c, p, now);
}

/* ---- what the peer announced, 5.4.4.4 --------------------------------------------------------------- */

void port_announced(struct teredo_client *c, struct peer *p, uint64_t now, uint16_t port)
{
	if (!has(c, TEREDO_FEATURE_PRESERVING) || p->peer_port == port)
		return;
	if (p->peer_port && !peer_silent(p, now))
		return;
	if (p->peer_port && c->preserving)
		port_close(c, p);
	p->peer_port = port;
}

/* ---- time ---------------------------------------------------------------------------------------------- */

/* 5.4.2.1: the mapping of a random port is kept by us alone. */
static void refresh(struct teredo_client *c, struct peer *p, uint64_t now)
{
	p->refresh_at = now + PEER_REFRESH;
	p->tests = 0;
	if (now - p->data_at < PEER_REFRESH) {
		p->refreshes = 0;
	} else if (p->refreshes < PEER_REFRESHES) {
		struct teredo_trailers t = {.has_nonce = p->nonce_received_set,
					    .nonce = p->nonce_received,
					    .has_port = p->predicted != 0,
					    .port = p->predicted};

		p->refreshes++;
		p->transmitted = now;
		bubble_direct(c, &p->ip, &p->endpoint, p->via, &t);
	}
}

void port_advance(struct teredo_client *c, struct peer *p, uint64_t now)
{
	if (now >= p->refresh_at)
		refresh(c, p, now);
	if (now < p->failover_at)
		return;
	p->failover_at = PONTO_NEVER;
	if (p->trusted)
		return;
	if (p->tests < TESTS)
		start_test(c, p, now);
	else
		bubble_indirect_now(c, p, now);
}
