#include "engines/teredo/teredo_server.h"

#include <string.h>

#include "engines/teredo/teredo_icmp.h"
#include "framework/digest.h"

struct key_entry {
	struct ponto_bytes id, secret; /* in the server's own block; id empty: free */
	uint8_t algo;
	bool expired;
};

struct teredo_server {
	struct teredo_server_config config;
	struct teredo_limit *limit;
	struct teredo_subnet subnets[TEREDO_SERVER_SUBNETS_MAX];
	size_t subnet_count;
	struct key_entry *keys; /* an open table of a power of two, at most half full */
	size_t key_mask;
	uint8_t *key_bytes;
	size_t key_bytes_len;
	uint8_t hash_key[16];
	struct teredo_server_stats stats;
};

/* One datagram on its way. */
struct way {
	struct teredo_server *s;
	uint64_t now;
	struct teredo_endpoint from;
	uint32_t to;
	struct teredo_packet p;
	struct ponto_writer w;
	struct teredo_server_output *out;
};

/* ---- keys ------------------------------------------------------------------------------- */

/* The entry of that identifier, or the free one where it would be. */
static struct key_entry *key_place(const struct teredo_server *s, struct ponto_bytes id)
{
	size_t at = (size_t)ponto_siphash(s->hash_key, id);

	for (;; at++) {
		struct key_entry *e = &s->keys[at & s->key_mask];

		if (e->id.len == 0 || ponto_bytes_equal(e->id, id))
			return e;
	}
}

static const struct key_entry *key_find(const struct teredo_server *s, struct ponto_bytes id)
{
	struct key_entry *e;

	if (!s->keys || id.len == 0)
		return NULL;
	e = key_place(s, id);
	return e->id.len ? e : NULL;
}

static struct ponto_bytes keep(uint8_t **at, struct ponto_bytes bytes)
{
	struct ponto_bytes kept = ponto_bytes(*at, bytes.len);

	if (bytes.len)
		memcpy(*at, bytes.data, bytes.len);
	*at += bytes.len;
	return kept;
}

static int make_keys(struct teredo_server *s, const struct teredo_key *keys, size_t count)
{
	size_t slots = 2;
	uint8_t *at;

	if (count == 0)
		return PONTO_OK;
	if (count > TEREDO_SERVER_KEYS_MAX)
		return PONTO_EINVAL;
	for (size_t i = 0; i < count; i++)
		s->key_bytes_len += keys[i].id.len + keys[i].secret.len;
	while (slots < 2 * count)
		slots *= 2;
	s->keys = ponto_new(s->config.alloc, slots, sizeof(*s->keys));
	s->key_bytes = ponto_new(s->config.alloc, s->key_bytes_len + 1, 1);
	if (!s->keys || !s->key_bytes)
		return PONTO_ENOMEM;
	s->key_mask = slots - 1;
	at = s->key_bytes;
	for (size_t i = 0; i < count; i++) {
		struct key_entry *e;

		if (keys[i].id.len == 0 || keys[i].id.len > UINT8_MAX || keys[i].algo > TEREDO_HMAC_SHA256)
			return PONTO_EINVAL;
		e = key_place(s, keys[i].id);
		if (e->id.len)
			return PONTO_EINVAL;
		e->id = keep(&at, keys[i].id);
		e->secret = keep(&at, keys[i].secret);
		e->algo = keys[i].algo;
		e->expired = keys[i].expired;
	}
	return PONTO_OK;
}

/* ---- life ------------------------------------------------------------------------------- */

int teredo_server_create(const struct teredo_server_config *config, struct teredo_server **out)
{
	struct teredo_server *s;
	int result;

	if (!teredo_ip4_global(config->primary) || (config->secondary && !teredo_ip4_global(config->secondary)) ||
	    config->primary == config->secondary || (config->secure && config->key_count == 0) ||
	    config->extra_max > TEREDO_SERVER_EXTRA_MAX)
		return PONTO_EINVAL;
	s = ponto_new(config->alloc, 1, sizeof(*s));
	if (!s)
		return PONTO_ENOMEM;
	s->config = *config;
	s->config.keys = NULL;
	config->random->fill(config->random->ctx, s->hash_key, sizeof(s->hash_key));
	result = make_keys(s, config->keys, config->key_count);
	if (result == PONTO_OK)
		result = teredo_limit_create(config->alloc, config->random, &config->limit, &s->limit);
	if (result != PONTO_OK) {
		teredo_server_destroy(s);
		return result;
	}
	*out = s;
	return PONTO_OK;
}

void teredo_server_destroy(struct teredo_server *server)
{
	const struct ponto_alloc *alloc;

	if (!server)
		return;
	alloc = server->config.alloc;
	teredo_limit_destroy(server->limit);
	if (server->key_bytes)
		ponto_wipe(server->key_bytes, server->key_bytes_len);
	ponto_free(alloc, server->key_bytes);
	ponto_free(alloc, server->keys);
	ponto_free(alloc, server);
}

void teredo_server_subnets(struct teredo_server *server, const struct teredo_subnet *subnets, size_t count)
{
	server->subnet_count = count < TEREDO_SERVER_SUBNETS_MAX ? count : TEREDO_SERVER_SUBNETS_MAX;
	for (size_t i = 0; i < server->subnet_count; i++)
		server->subnets[i] = subnets[i];
}

int teredo_server_limit(struct teredo_server *server, uint32_t rate, uint32_t burst)
{
	return teredo_limit_change(server->limit, rate, burst);
}

void teredo_server_stats(const struct teredo_server *server, struct teredo_server_stats *out)
{
	*out = server->stats;
}

const char *teredo_server_refusal_name(enum teredo_server_refusal refusal)
{
	static const char *const names[TEREDO_REFUSALS] = {
		[TEREDO_REFUSED_MALFORMED] = "malformed", [TEREDO_REFUSED_KIND] = "kind",
		[TEREDO_REFUSED_LARGE] = "large",	  [TEREDO_REFUSED_SOURCE] = "source",
		[TEREDO_REFUSED_LOOP] = "loop",		  [TEREDO_REFUSED_MISMATCH] = "mismatch",
		[TEREDO_REFUSED_FOREIGN] = "foreign",	  [TEREDO_REFUSED_UNAUTHENTICATED] = "unauthenticated",
		[TEREDO_REFUSED_CONE] = "cone",		  [TEREDO_REFUSED_DESTINATION] = "destination",
		[TEREDO_REFUSED_SCOPE] = "scope",	  [TEREDO_REFUSED_NATIVE] = "native",
		[TEREDO_REFUSED_LIMIT] = "limit",
	};

	return (unsigned)refusal < TEREDO_REFUSALS ? names[refusal] : "unknown";
}

/* ---- what is sent, and what is not --------------------------------------------------------- */

static void refuse(struct way *y, enum teredo_server_refusal why)
{
	y->s->stats.refused[why]++;
	y->out->kind = TEREDO_SERVER_NOTHING;
	y->out->refusal = (uint8_t)why;
}

static void finish(struct way *y, enum teredo_server_kind kind, uint64_t *counter)
{
	size_t len;

	if (ponto_writer_done(&y->w, &len) != PONTO_OK) {
		refuse(y, TEREDO_REFUSED_LARGE);
		return;
	}
	++*counter;
	y->out->kind = (uint8_t)kind;
	y->out->len = len;
}

static bool usable(const struct way *y, const struct teredo_endpoint *e)
{
	return teredo_endpoint_usable(e, y->s->subnets, y->s->subnet_count);
}

static bool own(const struct way *y, const struct teredo_endpoint *e)
{
	return e->port == TEREDO_PORT && (e->ip == y->s->config.primary || e->ip == y->s->config.secondary);
}

static bool within_limit(struct way *y, uint32_t ip)
{
	return teredo_limit_take(y->s->limit, y->now, ip);
}

/* RFC 4380 5.3.1 (5): the source address embeds where the datagram comes from. tolerant: a symmetric NAT gives it
 * another port towards every server, so that of its bubbles only the address fits. */
static bool embeds_source(const struct way *y)
{
	struct teredo_address a;

	teredo_address_split(&y->p.src, &a);
	if (a.mapped.ip != y->from.ip)
		return false;
	return a.mapped.port == y->from.port || (y->s->config.tolerant && teredo_is_bubble(&y->p));
}

/* ---- qualification, 5.3.2 -------------------------------------------------------------------- */

/* The key that the solicitation proves. False: it is not to be answered. */
static bool authenticate(const struct way *y, const struct key_entry **key)
{
	*key = y->p.has_auth ? key_find(y->s, y->p.auth.id) : NULL;
	if (!*key)
		return !y->s->config.secure;
	return teredo_authentic(&y->p, (enum teredo_algo)(*key)->algo, (*key)->secret);
}

static void advertise(struct way *y, const struct key_entry *key)
{
	struct teredo_auth auth = {0};
	uint64_t at = y->w.pos;

	/* The nonce goes back even to those of whom no proof is wanted: it is theirs. */
	if (y->p.has_auth) {
		memcpy(auth.nonce, y->p.auth.nonce, sizeof(auth.nonce));
		if (key) {
			auth.id = key->id;
			auth.confirmation = key->expired;
		}
		teredo_write_auth(&y->w, &auth, key ? teredo_value_size((enum teredo_algo)key->algo) : 0);
	}
	teredo_write_origin(&y->w, &y->from);
	teredo_write_advertisement(&y->w, y->s->config.primary, &y->p.src);
	if (key)
		teredo_write_value(&y->w, at, (enum teredo_algo)key->algo, key->secret);
	y->out->to = y->from;
	finish(y, TEREDO_SERVER_ADVERTISEMENT, &y->s->stats.advertised);
}

static void solicited(struct way *y)
{
	const struct teredo_server_config *c = &y->s->config;
	bool cone = y->p.src.bytes[8] & (TEREDO_CONE >> 8);
	const struct key_entry *key;

	if (y->p.next_header != TEREDO_NEXT_ICMP || y->p.payload.len == 0 ||
	    y->p.payload.data[0] != TEREDO_ICMP_SOLICITATION) {
		refuse(y, TEREDO_REFUSED_KIND);
	} else if (teredo_is_address(&y->p.src) && !embeds_source(y)) {
		refuse(y, TEREDO_REFUSED_MISMATCH);
	} else if (!teredo_is_address(&y->p.src) && !teredo_is_link_local(&y->p.src)) {
		refuse(y, TEREDO_REFUSED_FOREIGN);
	} else if (teredo_solicitation_parse(&y->p) != PONTO_OK) {
		refuse(y, TEREDO_REFUSED_MALFORMED);
	} else if (cone && c->secondary == 0) {
		refuse(y, TEREDO_REFUSED_CONE);
	} else if (!within_limit(y, y->from.ip)) {
		refuse(y, TEREDO_REFUSED_LIMIT);
	} else if (!authenticate(y, &key)) {
		refuse(y, TEREDO_REFUSED_UNAUTHENTICATED);
	} else {
		/* An answer from where the client never sent to is what shows a cone NAT. */
		y->out->from = !cone ? y->to : y->to == c->primary ? c->secondary : c->primary;
		advertise(y, key);
	}
}

/* ---- bubbles and echoes, 5.3.1 ---------------------------------------------------------------- */

/* Only what clients need to meet: no data passes, neither as ICMPv6 nor as trailers. */
static bool relays(struct way *y)
{
	const struct teredo_packet *p = &y->p;
	bool echo = p->next_header == TEREDO_NEXT_ICMP && p->payload.len >= 8 &&
		    (p->payload.data[0] == TEREDO_ICMP_ECHO_REQUEST || p->payload.data[0] == TEREDO_ICMP_ECHO_REPLY);

	if (p->has_auth || (!echo && !teredo_is_bubble(p))) {
		refuse(y, TEREDO_REFUSED_KIND);
		return false;
	}
	if (p->payload.len > y->s->config.extra_max || p->trailers.len > y->s->config.extra_max) {
		refuse(y, TEREDO_REFUSED_LARGE);
		return false;
	}
	return true;
}

static void to_client(struct way *y, const struct teredo_endpoint *mapped)
{
	if (!usable(y, mapped)) {
		refuse(y, TEREDO_REFUSED_DESTINATION);
	} else if (own(y, mapped)) {
		refuse(y, TEREDO_REFUSED_LOOP);
	} else if (!within_limit(y, y->from.ip) || !within_limit(y, mapped->ip)) {
		refuse(y, TEREDO_REFUSED_LIMIT);
	} else {
		/* The origin is ours to tell, whatever came; the hop limit is left alone, for clients send 0. */
		teredo_write_origin(&y->w, &y->from);
		ponto_write_bytes(&y->w, y->p.ip6);
		ponto_write_bytes(&y->w, y->p.trailers);
		y->out->from = y->s->config.primary;
		y->out->to = *mapped;
		finish(y, TEREDO_SERVER_RELAYED, &y->s->stats.relayed);
	}
}

static void to_native(struct way *y)
{
	if ((y->p.dst.bytes[0] & 0xe0) != 0x20) {
		refuse(y, TEREDO_REFUSED_SCOPE);
	} else if (!y->s->config.native) {
		refuse(y, TEREDO_REFUSED_NATIVE);
	} else if (!within_limit(y, y->from.ip)) {
		refuse(y, TEREDO_REFUSED_LIMIT);
	} else {
		ponto_write_bytes(&y->w, y->p.ip6);
		finish(y, TEREDO_SERVER_NATIVE, &y->s->stats.native);
	}
}

static void passing(struct way *y)
{
	const struct teredo_packet *p = &y->p;
	bool from_client = teredo_is_address(&p->src), to_teredo = teredo_is_address(&p->dst), ours;
	struct teredo_address dst;

	teredo_address_split(&p->dst, &dst);
	ours = to_teredo && dst.server == y->s->config.primary;
	if (!relays(y))
		return;
	if (!from_client && !teredo_is_link_local(&p->src) && !teredo_is_unicast(&p->src))
		refuse(y, TEREDO_REFUSED_MALFORMED);
	else if (from_client && !embeds_source(y))
		refuse(y, TEREDO_REFUSED_MISMATCH);
	else if (ours)
		to_client(y, &dst.mapped);
	else if (to_teredo || !from_client)
		/* A client's packet for another server's client is to be sent there: docs/decisions.md. */
		refuse(y, TEREDO_REFUSED_FOREIGN);
	else
		to_native(y);
}

void teredo_server_ahead(const struct teredo_server *server, const struct teredo_endpoint *from,
			 struct ponto_bytes datagram)
{
	struct teredo_address dst;
	struct teredo_packet p;

	teredo_limit_ahead(server->limit, from->ip);
	/* Bubbles without anything around them: most of what is passed on. */
	if (datagram.len != TEREDO_IP6_HEADER || teredo_decode(datagram, &p) != PONTO_OK)
		return;
	teredo_address_split(&p.dst, &dst);
	teredo_limit_ahead(server->limit, dst.mapped.ip);
}

void teredo_server_input(struct teredo_server *server, uint64_t now, const struct teredo_endpoint *from, uint32_t to,
			 struct ponto_bytes datagram, uint8_t *buf, struct teredo_server_output *out)
{
	struct way y = {.s = server, .now = now, .from = *from, .to = to, .out = out};

	*out = (struct teredo_server_output){0};
	y.w = ponto_writer(buf, TEREDO_SERVER_OUTPUT_MAX);
	server->stats.received++;
	if (teredo_decode(datagram, &y.p) != PONTO_OK)
		refuse(&y, TEREDO_REFUSED_MALFORMED);
	else if (own(&y, from))
		refuse(&y, TEREDO_REFUSED_LOOP);
	else if (!usable(&y, from))
		refuse(&y, TEREDO_REFUSED_SOURCE);
	else if (teredo_ip6_equal(&y.p.dst, &teredo_all_routers))
		solicited(&y);
	else
		passing(&y);
}
