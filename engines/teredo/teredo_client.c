#include "engines/teredo/teredo_state.h"

#define OUT_MAX (1024 * 1024) /* bytes that wait for output */

struct teredo_client_config teredo_client_defaults(const struct ponto_alloc *alloc, const struct ponto_random *random)
{
	return (struct teredo_client_config){
		.alloc = alloc,
		.random = random,
		.features = TEREDO_FEATURE_DEFAULT,
		.refresh = TEREDO_REFRESH,
		.refresh_low = 75,
		.refresh_high = 100,
		.peers = 1024,
		.queue = 8 * TEREDO_MTU,
		.queues = 256 * TEREDO_MTU,
		.tests = 50,
		.echoes = 100,
	};
}

static bool valid(const struct teredo_client_config *config)
{
	unsigned f = config->features;
	bool depends = (f & TEREDO_FEATURE_SYMMETRIC || !(f & (TEREDO_FEATURE_PRESERVING | TEREDO_FEATURE_UPNP))) &&
		       (f & TEREDO_FEATURE_PRESERVING || !(f & TEREDO_FEATURE_SEQUENTIAL));

	if (config->server_count == 0 || config->server_count > TEREDO_SERVERS_MAX)
		return false;
	for (size_t i = 0; i < config->server_count; i++)
		if (!teredo_ip4_global(config->servers[i].primary) ||
		    (config->servers[i].secondary && !teredo_ip4_global(config->servers[i].secondary)))
			return false;
	return f <= TEREDO_FEATURE_ALL && depends && config->id.len <= UINT8_MAX &&
	       config->algo <= TEREDO_HMAC_SHA256 && config->refresh >= TEREDO_REFRESH_MIN &&
	       config->refresh <= TEREDO_REFRESH_MAX && config->refresh_low >= 50 &&
	       config->refresh_low <= config->refresh_high && config->refresh_high <= 150 &&
	       config->peers >= TEREDO_PEERS_MIN && config->peers <= TEREDO_PEERS_MAX && config->queue >= TEREDO_MTU &&
	       config->queues >= config->queue && config->tests && config->echoes;
}

int teredo_client_create(const struct teredo_client_config *config, struct teredo_client **out)
{
	struct teredo_client *c;

	if (!valid(config))
		return PONTO_EINVAL;
	c = ponto_new(config->alloc, 1, sizeof(*c));
	if (!c)
		return PONTO_ENOMEM;
	c->config = *config;
	c->tests = (struct bucket){.rate = config->tests, .left = config->tests};
	c->relayed = c->tests;
	c->echoes = (struct bucket){.rate = config->echoes, .left = config->echoes};
	c->phase_at = c->discovery_at = c->search.at = PONTO_NEVER;
	c->refresh = config->refresh;
	pending_init(&c->out);
	config->random->fill(config->random->ctx, c->hash_key, sizeof(c->hash_key));
	c->id = ponto_bytes_dup(config->alloc, config->id);
	c->secret = ponto_bytes_dup(config->alloc, config->secret);
	if (!c->id || !c->secret || peers_init(c) != PONTO_OK) {
		teredo_client_destroy(c);
		return PONTO_ENOMEM;
	}
	c->config.id.data = c->id;
	c->config.secret.data = c->secret;
	*out = c;
	return PONTO_OK;
}

void teredo_client_destroy(struct teredo_client *c)
{
	const struct ponto_alloc *alloc;

	if (!c)
		return;
	alloc = c->config.alloc;
	peers_fini(c);
	pending_clear(c, &c->out);
	if (c->secret)
		ponto_wipe(c->secret, c->config.secret.len);
	ponto_free(alloc, c->id);
	ponto_free(alloc, c->secret);
	ponto_free(alloc, c);
}

/* ---- what goes out --------------------------------------------------------------------------- */

bool client_take(struct bucket *bucket, uint64_t now)
{
	uint64_t each = PONTO_SECOND / bucket->rate ? PONTO_SECOND / bucket->rate : 1, back = (now - bucket->at) / each;

	if (back >= bucket->rate - bucket->left) {
		bucket->at = now;
		bucket->left = bucket->rate;
	} else {
		bucket->at += back * each;
		bucket->left += (uint32_t)back;
	}
	if (bucket->left == 0)
		return false;
	bucket->left--;
	return true;
}

void client_emit(struct teredo_client *c, const struct ponto_writer *w, const struct teredo_endpoint *to, uint8_t via,
		 uint8_t ttl)
{
	struct pending *one = NULL;

	if (!w->failed && c->out.bytes + w->pos <= OUT_MAX)
		one = pending_new(c, ponto_bytes(w->data, (size_t)w->pos));
	if (!one) {
		c->stats.limited++;
		return;
	}
	one->to = *to;
	one->via = via;
	one->ttl = ttl;
	pending_add(&c->out, one);
}

int teredo_client_output(struct teredo_client *c, struct teredo_slot *slot)
{
	struct pending *one = c->out.head;

	if (!one)
		return 0;
	memcpy(slot->data, one->data, one->len);
	slot->len = one->len;
	slot->to = one->to;
	slot->via = one->via;
	slot->ttl = one->ttl;
	c->out.head = one->next;
	c->out.bytes -= one->len;
	if (!c->out.head)
		c->out.tail = &c->out.head;
	ponto_free(c->config.alloc, one);
	return 1;
}

uint32_t client_nonce(struct teredo_client *c)
{
	return (uint32_t)(1 + ponto_random_below(c->config.random, UINT32_MAX));
}

/* ---- effects ------------------------------------------------------------------------------------ */

/* Those about ports are at most two for each; of UNREACHABLE the later ones are dropped when there is no room. */
void client_effect(struct teredo_client *c, const struct teredo_effect *effect)
{
	size_t room = EFFECTS_MAX - c->effect_count;

	if (effect->kind == TEREDO_EFFECT_UNREACHABLE && room <= EFFECTS_MAX * 3 / 4)
		return;
	if (room == 0)
		return;
	c->effects[(c->effect_head + c->effect_count++) % (EFFECTS_MAX)] = *effect;
}

int teredo_client_effect(struct teredo_client *c, struct teredo_effect *out)
{
	if (c->address_changed || c->key_changed) {
		*out = (struct teredo_effect){.kind = c->address_changed ? TEREDO_EFFECT_ADDRESS : TEREDO_EFFECT_KEY};
		if (c->address_changed)
			c->address_changed = false;
		else
			c->key_changed = false;
		return 1;
	}
	if (c->effect_count == 0)
		return 0;
	*out = c->effects[c->effect_head];
	c->effect_head = (c->effect_head + 1) % (EFFECTS_MAX);
	c->effect_count--;
	return 1;
}

/* ---- where we are --------------------------------------------------------------------------------- */

void teredo_client_local(struct teredo_client *c, uint64_t now, const struct teredo_endpoint *local,
			 const struct teredo_subnet *subnets, size_t count)
{
	bool same = c->has_local && teredo_endpoint_equal(&c->local, local);

	c->subnet_count = count < TEREDO_SUBNETS_MAX ? count : TEREDO_SUBNETS_MAX;
	if (c->subnet_count)
		memcpy(c->subnets, subnets, c->subnet_count * sizeof(*subnets));
	if (same)
		return;
	teredo_client_stop(c);
	c->has_local = true;
	c->local = *local;
	c->failures = 0;
	qualify_start(c, now);
}

void teredo_client_stop(struct teredo_client *c)
{
	qualify_withdraw(c);
	pending_clear(c, &c->out);
	if (c->mapping_asked)
		client_effect(c, &(struct teredo_effect){.kind = TEREDO_EFFECT_UNMAP, .port = c->local.port});
	c->mapping_asked = c->upnp = false;
	c->upnp_mapped = (struct teredo_endpoint){0, 0};
	c->has_local = false;
	c->state = TEREDO_INITIAL;
	c->nat = TEREDO_NAT_UNKNOWN;
	c->phase = PHASE_IDLE;
	c->phase_at = c->discovery_at = PONTO_NEVER;
}

void teredo_client_mapped(struct teredo_client *c, uint64_t now, int result, const struct teredo_endpoint *external)
{
	if (!c->mapping_asked)
		return;
	c->upnp = result == PONTO_OK;
	if (c->upnp)
		c->upnp_mapped = *external;
	else
		c->upnp_mapped = (struct teredo_endpoint){0, 0};
	qualify_mapped(c, now);
}

void teredo_client_refresh(struct teredo_client *c, uint64_t now)
{
	if (c->phase == PHASE_REST) {
		c->phase_at = now;
		qualify_advance(c, now);
	}
}

/* ---- sending --------------------------------------------------------------------------------------- */

static int write_datagram(const struct teredo_client *c, const struct teredo_ip6 *peer, const struct teredo_udp *udp,
			  uint8_t hop_limit, uint8_t ecn, struct teredo_slot *slot)
{
	struct ponto_writer w = ponto_writer(slot->data, sizeof(slot->data));

	teredo_write_udp(&w, &c->address, peer, hop_limit ? hop_limit : TEREDO_HOP_LIMIT, udp);
	/* The inner packet's; the outer one's stays 0, RFC 9601. */
	if (ecn)
		ponto_patch_be16(&w, 0, 0x6000u | (uint64_t)(ecn & 3) << 4);
	return ponto_writer_done(&w, &slot->len);
}

/* Case 4 of 5.2.4, only when asked for: RFC 5991 3.2. */
static bool cone_peer(const struct teredo_client *c, const struct peer *p)
{
	struct teredo_address parts;

	teredo_address_split(&p->ip, &parts);
	return has(c, TEREDO_FEATURE_CONE_TRUST) && teredo_is_address(&p->ip) && parts.flags & TEREDO_CONE &&
	       teredo_endpoint_usable(&parts.mapped, c->subnets, c->subnet_count);
}

static int send_now(struct teredo_client *c, struct peer *p, uint64_t now, struct teredo_slot *slot)
{
	slot->to = bubble_target(c, p);
	slot->via = p->via;
	slot->ttl = 0;
	p->transmitted = now;
	p->data_at = now;
	c->stats.sent++;
	peer_touch(c, p);
	return 1;
}

/* It waits, and something is done for it. */
static int send_later(struct teredo_client *c, struct peer *p, uint64_t now, const struct teredo_slot *slot)
{
	bool first = !p->queue.head;
	int result;

	/* Off-line nobody new is looked for: the server is needed for that. */
	if (c->state != TEREDO_QUALIFIED)
		return PONTO_EUNREACH;
	if (p->effort == EFFORT_ECHO && p->tries == ROUNDS && first)
		p->tries = 1; /* begun for a stranger, now it is for us */
	result = bubble_begin(c, p, now);
	if (result != PONTO_OK)
		return result;
	result = peer_queue(c, p, ponto_bytes(slot->data, slot->len));
	if (result != PONTO_OK)
		c->stats.dropped++;
	peer_touch(c, p);
	return result;
}

/* The peer to send to: with its place when there is none yet. */
static int find_way(struct teredo_client *c, uint64_t now, const struct teredo_ip6 *peer, struct peer **out)
{
	struct peer *p;

	if (!c->has_address || !teredo_is_unicast(peer) || teredo_ip6_equal(peer, &c->address))
		return PONTO_EUNREACH;
	p = peer_find(c, peer);
	if (!p && teredo_is_address(peer) && !bubble_possible(c, peer))
		return PONTO_EUNREACH;
	*out = peer_get(c, now, peer, false);
	return *out ? PONTO_OK : PONTO_ENOMEM;
}

/* What is in slot. */
static int send_it(struct teredo_client *c, uint64_t now, struct peer *p, struct teredo_slot *slot)
{
	return peer_valid(p, now) || cone_peer(c, p) ? send_now(c, p, now, slot) : send_later(c, p, now, slot);
}

int teredo_client_send(struct teredo_client *c, uint64_t now, const struct teredo_ip6 *peer,
		       const struct teredo_udp *udp, uint8_t hop_limit, uint8_t ecn, struct teredo_slot *slot)
{
	struct peer *p;
	int result;

	if (udp->data.len > TEREDO_UDP_MAX)
		return PONTO_ELIMIT;
	result = find_way(c, now, peer, &p);
	if (result != PONTO_OK)
		return result;
	if (write_datagram(c, peer, udp, hop_limit, ecn, slot) != PONTO_OK)
		return PONTO_ENOMEM;
	return send_it(c, now, p, slot);
}

int teredo_client_send_packet(struct teredo_client *c, uint64_t now, struct ponto_bytes packet, struct teredo_slot *slot)
{
	struct teredo_packet parts;
	struct peer *p;
	int result;

	if (packet.len > TEREDO_MTU)
		return PONTO_ELIMIT;
	if (teredo_decode(packet, &parts) != PONTO_OK || parts.has_auth || parts.has_origin || parts.trailers.len > 0 ||
	    (parts.next_header != TEREDO_NEXT_TCP && !has(c, TEREDO_FEATURE_WHOLE)))
		return PONTO_EINVAL;
	/* One that was made before the address changed. */
	if (!teredo_ip6_equal(&parts.src, &c->address))
		return PONTO_EUNREACH;
	result = find_way(c, now, &parts.dst, &p);
	if (result != PONTO_OK)
		return result;
	memcpy(slot->data, packet.data, packet.len);
	slot->len = packet.len;
	return send_it(c, now, p, slot);
}

/* ---- time ---------------------------------------------------------------------------------------------- */

void teredo_client_advance(struct teredo_client *c, uint64_t now)
{
	struct peer *p;

	qualify_advance(c, now);
	interval_advance(c, now);
	while ((p = peer_due(c)) && p->due <= now) {
		bubble_advance(c, p, now);
		port_advance(c, p, now);
		peer_arm(c, p);
	}
}

uint64_t teredo_client_deadline(const struct teredo_client *c)
{
	const struct peer *p = peer_due(c);
	uint64_t at = c->phase_at;

	if (c->has_address && c->discovery_at < at)
		at = c->discovery_at;
	if (c->search.at < at)
		at = c->search.at;
	return p && p->due < at ? p->due : at;
}

/* ---- inspection --------------------------------------------------------------------------------------------- */

void teredo_client_status(const struct teredo_client *c, struct teredo_client_status *out)
{
	*out = (struct teredo_client_status){
		.state = c->state,
		.nat = c->nat,
		.has_address = c->has_address,
		.preserving = c->preserving,
		.single_nat = c->upnp && c->upnp_mapped.port == 0,
		.renew = c->renew,
		.address = c->address,
		.mapped = c->mapped,
		.server = c->has_address ? c->home : c->config.servers[c->server],
		.interaction = c->interaction,
		.refresh = c->refresh,
		.searching = c->search.stage != SEARCH_OFF,
		.peers = peer_count(c),
		.trusted = c->trusted_count,
		.queued = c->queued,
	};
}

static void census_of(const struct peer_list *list, uint64_t now, struct teredo_census *out)
{
	for (const struct peer *p = list->oldest; p; p = p->newer) {
		if (p->trusted)
			*(peer_valid(p, now) ? &out->reached : &out->quiet) += 1;
		else
			*(p->effort != EFFORT_NONE ? &out->tried : &out->unreached) += 1;
		out->relayed += !teredo_is_address(&p->ip) && !teredo_is_link_local(&p->ip);
		out->symmetric += p->symmetric;
		out->local += p->has_local;
	}
}

void teredo_client_census(const struct teredo_client *c, uint64_t now, struct teredo_census *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < STANDINGS; i++)
		census_of(&c->lists[i], now, out);
}

const struct teredo_client_stats *teredo_client_stats(const struct teredo_client *c)
{
	return &c->stats;
}

const char *teredo_client_state_name(enum teredo_client_state state)
{
	static const char *const names[] = {"initial", "starting", "qualified", "off-line"};

	return (unsigned)state < PONTO_ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *teredo_nat_name(enum teredo_nat nat)
{
	static const char *const names[] = {"unknown", "cone", "restricted", "symmetric"};

	return (unsigned)nat < PONTO_ARRAY_SIZE(names) ? names[nat] : "unknown";
}

int teredo_client_peer(const struct teredo_client *c, const struct teredo_ip6 *ip, struct teredo_peer_info *out)
{
	const struct peer *p = peer_find(c, ip);

	if (!p)
		return PONTO_ENOENT;
	*out = (struct teredo_peer_info){
		.trusted = p->trusted,
		.local = p->has_local,
		.symmetric = p->symmetric,
		.endpoint = p->endpoint,
		.local_endpoint = p->local,
		.received = p->received,
		.transmitted = p->transmitted,
		.bubbles = p->rounds,
		.queued = p->queue.bytes,
		.via = p->via,
	};
	return PONTO_OK;
}
