/* Qualification and maintenance: RFC 4380 5.2.1, 5.2.2, 5.2.5; RFC 5991 3.2; RFC 6081 5.1.1.
 *
 *     INITIAL ─ local ─▶ STARTING: [MAP] [CONE] PRIMARY ─▶ SECONDARY ─▶ QUALIFIED ─ changed ─▶ a new address
 *                            ▲              │ silent          │ silent        │ ▲
 *                            └── a while ── OFFLINE ◀─────────┴───────────────┘ └ MAINTAIN every interval */
#include "engines/teredo/teredo_state.h"

#define RS_TIMEOUT (4 * PONTO_SECOND) /* T */
#define RS_TRIES 3		      /* N */
#define MAP_TIMEOUT (10 * PONTO_SECOND)
#define BACKOFF (10 * PONTO_SECOND)
#define BACKOFF_MAX (160 * PONTO_SECOND)
#define DISCOVERY_MIN (200 * PONTO_SECOND) /* 5.2.8 */
#define DISCOVERY_SPAN (100 * PONTO_SECOND)

static const struct teredo_pair *pair_of(const struct teredo_client *c)
{
	return &c->config.servers[c->server];
}

static void tell_address(struct teredo_client *c)
{
	c->address_changed = true;
	c->stats.changes++;
}

void qualify_withdraw(struct teredo_client *c)
{
	peers_forget(c);
	interval_stop(c);
	if (!c->has_address)
		return;
	c->has_address = false;
	tell_address(c);
}

/* ---- solicitations ---------------------------------------------------------------------------- */

void qualify_solicit(struct teredo_client *c, uint32_t server, uint8_t via, const uint8_t nonce[TEREDO_NONCE])
{
	uint8_t buf[TEREDO_AUTH_MAX + 48];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));
	struct teredo_endpoint to = {server, TEREDO_PORT};
	struct teredo_auth auth = {.id = ponto_bytes(c->id, c->config.secret.len ? c->config.id.len : 0)};
	bool bare = has(c, TEREDO_FEATURE_NO_NONCE) && !c->config.secret.len && via == TEREDO_VIA_SERVICE;

	memcpy(auth.nonce, nonce, sizeof(auth.nonce));
	if (!bare)
		teredo_write_auth(&w, &auth, c->config.secret.len ? teredo_value_size(c->config.algo) : 0);
	teredo_write_solicitation(&w, &c->asked_from);
	if (c->config.secret.len)
		teredo_write_value(&w, 0, c->config.algo, c->config.secret);
	c->stats.solicitations++;
	client_emit(c, &w, &to, via, 0);
}

/* With a nonce of its own: an answer to an earlier one is not believed. */
static void ask(struct teredo_client *c, uint64_t now, uint32_t server, bool cone)
{
	/* The identifier of nobody, as it says nothing about us. */
	teredo_link_local(cone ? TEREDO_CONE : 0, &(struct teredo_endpoint){0, 0}, &c->asked_from);
	c->config.random->fill(c->config.random->ctx, c->nonce, sizeof(c->nonce));
	c->asked = server;
	c->tries++;
	c->phase_at = now + RS_TIMEOUT;
	qualify_solicit(c, server, TEREDO_VIA_SERVICE, c->nonce);
}

static void begin_phase(struct teredo_client *c, uint64_t now, enum phase phase)
{
	c->phase = phase;
	c->tries = 0;
	switch (phase) {
	case PHASE_CONE:
		ask(c, now, pair_of(c)->primary, true);
		break;
	case PHASE_SECONDARY:
		ask(c, now, pair_of(c)->secondary, false);
		break;
	default:
		ask(c, now, pair_of(c)->primary, c->phase == PHASE_MAINTAIN && c->cone);
		break;
	}
}

static void start_asking(struct teredo_client *c, uint64_t now)
{
	if (c->state != TEREDO_OFFLINE || !c->has_address)
		c->state = TEREDO_STARTING;
	begin_phase(c, now, has(c, TEREDO_FEATURE_CONE_PROBE) ? PHASE_CONE : PHASE_PRIMARY);
}

void qualify_start(struct teredo_client *c, uint64_t now)
{
	if (has(c, TEREDO_FEATURE_UPNP) && !c->mapping_asked) {
		c->state = TEREDO_STARTING;
		c->mapping_asked = true;
		c->phase = PHASE_MAP;
		c->phase_at = now + MAP_TIMEOUT;
		client_effect(c, &(struct teredo_effect){.kind = TEREDO_EFFECT_MAP, .port = c->local.port});
		return;
	}
	start_asking(c, now);
}

void qualify_mapped(struct teredo_client *c, uint64_t now)
{
	if (c->phase == PHASE_MAP)
		start_asking(c, now);
}

/* ---- how it ends -------------------------------------------------------------------------------- */

static uint64_t draw(struct teredo_client *c, uint64_t low, uint64_t high)
{
	return low + ponto_random_below(c->config.random, high - low + 1);
}

static void rest(struct teredo_client *c, uint64_t now)
{
	uint64_t low = c->refresh / 100 * c->config.refresh_low;
	uint64_t high = c->refresh / 100 * c->config.refresh_high;

	c->phase = PHASE_REST;
	c->phase_at = now + draw(c, low, high);
}

/* Peers that are heard go on being spoken to while the server is away: their mappings live by that. */
static bool anyone_heard(const struct teredo_client *c, uint64_t now)
{
	for (unsigned i = 0; i < STANDINGS; i++)
		for (const struct peer *p = c->lists[i].oldest; p; p = p->newer)
			if (peer_valid(p, now))
				return true;
	return false;
}

static void go_offline(struct teredo_client *c, uint64_t now)
{
	uint64_t wait = BACKOFF;

	for (uint64_t i = 0; i < c->failures && wait < BACKOFF_MAX; i++)
		wait *= 2;
	c->failures++;
	c->state = TEREDO_OFFLINE;
	c->phase = PHASE_REST;
	c->phase_at = now + draw(c, wait * 3 / 4, wait);
	c->server = (c->server + 1) % c->config.server_count;
	if (c->has_address && !anyone_heard(c, now))
		qualify_withdraw(c);
}

static void qualified(struct teredo_client *c, uint64_t now, enum teredo_nat nat)
{
	struct teredo_address parts = {.server = pair_of(c)->primary, .mapped = c->candidate};
	bool same = c->has_address && teredo_endpoint_equal(&c->mapped, &c->candidate) &&
		    c->home.primary == parts.server && c->cone == (nat == TEREDO_NAT_CONE);

	c->state = TEREDO_QUALIFIED;
	c->nat = nat;
	c->cone = nat == TEREDO_NAT_CONE;
	c->failures = 0;
	c->mapped = c->candidate;
	c->home = *pair_of(c);
	c->preserving = c->mapped.port == c->local.port;
	/* RFC 6081 5.3.3: when both say the same there is one NAT only. */
	if (teredo_endpoint_equal(&c->upnp_mapped, &c->mapped))
		c->upnp_mapped = (struct teredo_endpoint){0, 0};
	/* Anew also when a longer interval lost the mapping. */
	if (!same)
		interval_begin(c);
	rest(c, now);
	if (same)
		return;
	peers_forget(c);
	parts.flags = teredo_flags(c->config.random, c->cone);
	teredo_address_make(&parts, &c->address);
	c->has_address = true;
	tell_address(c);
	if (has(c, TEREDO_FEATURE_LOCAL))
		c->discovery_at = now + draw(c, DISCOVERY_MIN, DISCOVERY_MIN + DISCOVERY_SPAN);
}

/* ---- advertisements ------------------------------------------------------------------------------- */

static bool authenticated(const struct teredo_client *c, const struct teredo_packet *p,
			  const uint8_t nonce[TEREDO_NONCE], bool wanted)
{
	if (!wanted)
		return true;
	if (!p->has_auth || memcmp(p->auth.nonce, nonce, TEREDO_NONCE) != 0)
		return false;
	return !c->config.secret.len || teredo_authentic(p, c->config.algo, c->config.secret);
}

bool qualify_valid(const struct teredo_client *c, const struct teredo_packet *p, const uint8_t nonce[TEREDO_NONCE])
{
	struct teredo_advertisement a;
	struct teredo_address prefix;
	bool wanted = nonce != NULL;

	if (!p->has_origin || !teredo_ip6_equal(&p->dst, &c->asked_from) ||
	    teredo_advertisement_parse(p, &a) != PONTO_OK)
		return false;
	if (a.prefixes != 1 || !teredo_is_address(&a.prefix))
		return false;
	teredo_address_split(&a.prefix, &prefix);
	return prefix.server == pair_of(c)->primary && authenticated(c, p, nonce, wanted) &&
	       teredo_endpoint_usable(&p->origin, c->subnets, c->subnet_count);
}

/* The phase that the answer belongs to is over. */
static void answered(struct teredo_client *c, uint64_t now, const struct teredo_endpoint *mapped)
{
	switch (c->phase) {
	case PHASE_CONE:
		c->candidate = *mapped;
		qualified(c, now, TEREDO_NAT_CONE);
		break;
	case PHASE_PRIMARY:
		c->candidate = *mapped;
		if (pair_of(c)->secondary)
			begin_phase(c, now, PHASE_SECONDARY);
		else
			qualified(c, now, TEREDO_NAT_UNKNOWN);
		break;
	case PHASE_SECONDARY:
		if (teredo_endpoint_equal(mapped, &c->candidate))
			qualified(c, now, TEREDO_NAT_RESTRICTED);
		else if (has(c, TEREDO_FEATURE_SYMMETRIC))
			qualified(c, now, TEREDO_NAT_SYMMETRIC);
		else {
			c->nat = TEREDO_NAT_SYMMETRIC;
			go_offline(c, now);
		}
		break;
	default:
		c->candidate = *mapped;
		qualified(c, now, c->nat);
		break;
	}
}

bool qualify_input(struct teredo_client *c, uint64_t now, const struct teredo_received *in,
		   const struct teredo_packet *p)
{
	bool bare = has(c, TEREDO_FEATURE_NO_NONCE) && !c->config.secret.len;
	bool waiting = c->phase >= PHASE_CONE && c->phase <= PHASE_MAINTAIN;
	bool from_server = in->from.port == TEREDO_PORT &&
			   (in->from.ip == pair_of(c)->primary || in->from.ip == pair_of(c)->secondary);

	if (p->next_header != TEREDO_NEXT_ICMP || p->payload.len == 0 ||
	    p->payload.data[0] != TEREDO_ICMP_ADVERTISEMENT)
		return false;
	/* An answer to a cone solicitation comes from another address of the server, 5.3.2: its nonce tells then. */
	if (!waiting || in->via != TEREDO_VIA_SERVICE || (bare && !from_server) ||
	    !qualify_valid(c, p, bare ? NULL : c->nonce)) {
		c->stats.bad_advertisements++;
		return true;
	}
	c->stats.advertisements++;
	c->interaction = now;
	if (p->has_auth && p->auth.confirmation && !bare) {
		c->renew = true;
		c->key_changed = true;
	} else {
		c->renew = false;
	}
	answered(c, now, &p->origin);
	return true;
}

/* ---- time ------------------------------------------------------------------------------------------ */

static void unanswered(struct teredo_client *c, uint64_t now)
{
	if (c->tries < RS_TRIES)
		ask(c, now, c->asked, c->phase == PHASE_CONE || (c->phase == PHASE_MAINTAIN && c->cone));
	else if (c->phase == PHASE_CONE)
		begin_phase(c, now, PHASE_PRIMARY);
	else
		go_offline(c, now);
}

void qualify_advance(struct teredo_client *c, uint64_t now)
{
	if (now >= c->discovery_at && c->has_address) {
		bubble_discovery(c);
		c->discovery_at = now + draw(c, DISCOVERY_MIN, DISCOVERY_MIN + DISCOVERY_SPAN);
	}
	if (now < c->phase_at)
		return;
	switch (c->phase) {
	case PHASE_IDLE:
		break;
	case PHASE_MAP: /* the NAT does not answer */
		start_asking(c, now);
		break;
	case PHASE_REST:
		if (c->state == TEREDO_QUALIFIED) {
			begin_phase(c, now, PHASE_MAINTAIN);
		} else {
			if (c->has_address && !anyone_heard(c, now))
				qualify_withdraw(c);
			start_asking(c, now);
		}
		break;
	default:
		unanswered(c, now);
		break;
	}
}
