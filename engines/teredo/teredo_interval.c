/* The search for a longer refresh interval, RFC 4380 5.2.7: how long does the NAT keep a mapping that nothing refreshes?
 *
 *     OPENING ─▶ ASKING ─ advertisement ─▶ WAITING ─ candidate is over ─▶ PROBING ─ heard ─▶ longer ─┐
 *                  ▲ │ silent: OFF                                            └─ silent ─▶ shorter ─┤
 *                  └─┼──────────────────────── another candidate ───────────────────────────────────┘
 *                    └▶ OFF, when no other candidate is worth it
 *
 * The secondary port is asked anew for each candidate, so that its mapping is as old as that. The probe comes by the
 * server, whom the NAT lets in: many do not let their own nodes' datagrams in again. */
#include "engines/teredo/teredo_state.h"

#define FIRST_PORT 49152u /* RFC 6335 6: dynamic */
#define CANDIDATE (60 * PONTO_SECOND)
#define MAXIMUM (120 * PONTO_SECOND)
#define ASK_TIMEOUT (4 * PONTO_SECOND) /* T, N: 5.2.1 */
#define ASK_TRIES 3
#define PROBES 4 /* the first and three repetitions */

void interval_stop(struct teredo_client *c)
{
	struct search *s = &c->search;

	if (s->stage > SEARCH_OPENING)
		client_effect(c, &(struct teredo_effect){.kind = TEREDO_EFFECT_CLOSE, .via = VIA_SECONDARY});
	s->unwanted = s->stage == SEARCH_OPENING;
	s->stage = SEARCH_OFF;
	s->at = PONTO_NEVER;
}

void interval_begin(struct teredo_client *c)
{
	struct search *s = &c->search;
	uint16_t port = (uint16_t)(FIRST_PORT + ponto_random_below(c->config.random, 65536 - FIRST_PORT));

	interval_stop(c);
	c->refresh = c->config.refresh;
	if (!has(c, TEREDO_FEATURE_INTERVAL) || c->config.refresh >= MAXIMUM)
		return;
	s->maximum = MAXIMUM;
	s->candidate = c->config.refresh < CANDIDATE ? CANDIDATE : (c->config.refresh + MAXIMUM) / 2;
	s->stage = SEARCH_OPENING;
	client_effect(c, &(struct teredo_effect){.kind = TEREDO_EFFECT_OPEN, .via = VIA_SECONDARY, .port = port});
}

static void ask(struct teredo_client *c, uint64_t now)
{
	struct search *s = &c->search;

	c->config.random->fill(c->config.random->ctx, s->nonce, sizeof(s->nonce));
	s->stage = SEARCH_ASKING;
	s->tries++;
	s->at = now + ASK_TIMEOUT;
	qualify_solicit(c, c->home.primary, VIA_SECONDARY, s->nonce);
}

void interval_opened(struct teredo_client *c, uint64_t now, int result)
{
	struct search *s = &c->search;

	if (s->unwanted && result == PONTO_OK)
		client_effect(c, &(struct teredo_effect){.kind = TEREDO_EFFECT_CLOSE, .via = VIA_SECONDARY});
	s->unwanted = false;
	if (s->stage != SEARCH_OPENING)
		return;
	s->stage = SEARCH_OFF;
	s->tries = 0;
	if (result == PONTO_OK)
		ask(c, now);
}

/* ---- steps 2 to 5 ------------------------------------------------------------------------------- */

static void probe(struct teredo_client *c, uint64_t now)
{
	uint8_t buf[TEREDO_IP6_HEADER];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));
	struct search *s = &c->search;

	s->stage = SEARCH_PROBING;
	s->tries++;
	s->at = now + RETRY;
	teredo_write_bubble(&w, &c->address, &s->address, BUBBLE_HOP_LIMIT);
	client_emit(c, &w, &(struct teredo_endpoint){c->home.primary, TEREDO_PORT}, TEREDO_VIA_SERVICE, 0);
}

static void decide(struct teredo_client *c, uint64_t now, bool heard)
{
	struct search *s = &c->search;
	uint64_t mean;

	if (heard)
		c->refresh = s->candidate;
	else
		s->maximum = s->candidate;
	if (c->refresh >= s->maximum / 4 * 3) {
		interval_stop(c);
		return;
	}
	mean = (c->refresh + s->maximum) / 2;
	s->candidate = heard && 2 * c->refresh < mean ? 2 * c->refresh : mean;
	s->tries = 0;
	ask(c, now);
}

void interval_advance(struct teredo_client *c, uint64_t now)
{
	struct search *s = &c->search;

	if (now < s->at)
		return;
	if (s->stage == SEARCH_ASKING) {
		if (s->tries < ASK_TRIES)
			ask(c, now);
		else
			interval_stop(c);
	} else if (s->stage == SEARCH_WAITING || s->tries < PROBES) {
		probe(c, now);
	} else {
		decide(c, now, false);
	}
}

void interval_input(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
		    const struct teredo_packet *p)
{
	struct search *s = &c->search;
	struct teredo_address parts = {.server = c->home.primary, .mapped = p->origin};

	if (s->stage == SEARCH_ASKING && qualify_valid(c, p, s->nonce)) {
		c->stats.advertisements++;
		parts.flags = teredo_flags(c->config.random, c->cone);
		teredo_address_make(&parts, &s->address);
		s->stage = SEARCH_WAITING;
		s->tries = 0;
		s->at = now + s->candidate;
		return;
	}
	if (s->stage == SEARCH_PROBING && teredo_is_bubble(p) && p->has_origin && in->from.port == TEREDO_PORT &&
	    in->from.ip == c->home.primary && teredo_ip6_equal(&p->src, &c->address) &&
	    teredo_ip6_equal(&p->dst, &s->address)) {
		decide(c, now, true);
		return;
	}
	c->stats.refused++;
}
