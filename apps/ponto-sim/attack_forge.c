/* What attackers say: forged route entries, and lies when they are asked about them. They certify what they are asked
 * to certify, as far as a key of their own can: an ID of a name that anybody may use, at their own address. */
#include <stdio.h>
#include <string.h>

#include "apps/ponto-sim/attack.h"
#include "engines/pnrp/pnrp_cpa.h"
#include "engines/pnrp/pnrp_name.h"
#include "plugins/security-sim/sim_signature.h"

#define CPA_HOURS 24

struct ponto_bytes psim_encode(const struct psim_cloud *c, const struct pnrp_message *m,
			       uint8_t room[PNRP_DATAGRAM_MAX])
{
	size_t len = 0;

	psim_require(pnrp_encode(c->wire, m, room, PNRP_DATAGRAM_MAX, &len) == PONTO_OK, "a message breaks a rule");
	return ponto_bytes(room, len);
}

struct pnrp_route_entry psim_route(const struct ring_id *id, const struct psim_node *at)
{
	struct ponto_addr a = psim_address(at);
	struct pnrp_route_entry r = {.id = *id, .port = a.port, .count = 1};

	memcpy(r.addrs[0], a.ip, sizeof(r.addrs[0]));
	return r;
}

struct psim_node *psim_honest(struct psim_cloud *c)
{
	struct psim_node *n;

	do
		n = psim_anybody(c);
	while (n->bad);
	return n;
}

static struct psim_node *another_attacker(struct psim_cloud *c, const struct psim_node *but)
{
	struct psim_node *n;

	do
		n = psim_anybody(c);
	while (!n->bad || n == but);
	return n;
}

/* ---- IDs ------------------------------------------------------------------------------- */

/* The name of a forged ID is kept nowhere: its number is in the ID, as the free half of the service location. */
static void parse_numbered(uint64_t number, struct pnrp_name *out)
{
	char text[PNRP_NAME_TEXT];

	snprintf(text, sizeof(text), "0.x%llu", (unsigned long long)number);
	psim_require(pnrp_name_parse(text, out) == PONTO_OK, "name");
}

struct ring_id psim_forged_id(const struct psim_cloud *c)
{
	uint64_t number = ponto_random_u64(ponto_sim_random(c->sim));
	uint8_t p2p[PNRP_P2P_ID_SIZE], location[PNRP_LOCATION_SIZE] = {0};
	struct pnrp_name name;
	struct ring_id id;

	parse_numbered(number, &name);
	pnrp_p2p_id(c->wire, &name, p2p);
	for (unsigned i = 0; i < 8; i++)
		location[8 + i] = (uint8_t)(number >> (56 - 8 * i));
	pnrp_id_make(p2p, location, &id);
	return id;
}

/* Whose ID it is, or what it was made from. */
static void name_of(const struct psim_cloud *c, const struct ring_id *id, struct pnrp_name *out)
{
	char text[PNRP_NAME_TEXT];
	uint64_t number = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		if (!ring_id_equal(&c->live[i]->id, id))
			continue;
		psim_name(c->live[i], text);
		psim_require(pnrp_name_parse(text, out) == PONTO_OK, "name");
		return;
	}
	for (unsigned i = 24; i < 32; i++)
		number = number << 8 | id->b[i];
	parse_numbered(number, out);
}

/* ---- answers ------------------------------------------------------------------------------- */

/* A CPA of this ID with the attacker's key and address. False: the name is somebody's own. */
static bool certify(const struct psim_node *n, const struct ring_id *id, const uint8_t nonce[PNRP_NONCE_SIZE],
		    uint8_t *room, size_t cap, struct ponto_bytes *out)
{
	const struct psim_cloud *c = n->cloud;
	uint8_t key[PNRP_KEY_BYTES], signature[PONTO_SIGNATURE_MAX];
	struct pnrp_route_entry route = psim_route(id, n);
	uint64_t wall = ponto_wall(ponto_sim_node_clock(n->place));
	struct pnrp_cpa cpa = {.has_classifier_hash = true, .service_count = 1};
	struct pnrp_name name;
	size_t len;

	name_of(c, id, &name);
	if (name.secure)
		return false;
	cpa.not_after = pnrp_filetime(wall + CPA_HOURS * 3600 * PONTO_SECOND);
	pnrp_classifier_hash(c->wire, &name, cpa.classifier_hash);
	memcpy(cpa.location, id->b + PNRP_P2P_ID_SIZE, sizeof(cpa.location));
	memcpy(cpa.nonce, nonce, sizeof(cpa.nonce));
	memcpy(cpa.services[0].ip, route.addrs[0], sizeof(cpa.services[0].ip));
	cpa.services[0].port = route.port;
	cpa.public_key = psim_key(c, n->number, key);
	psim_require(pnrp_cpa_encode(c->wire, &cpa, room, cap, &len) == PONTO_OK, "CPA");
	*out = ponto_bytes(signature,
			   sim_signature(c->wire->security, cpa.public_key, ponto_bytes(room, len), signature));
	psim_require(pnrp_signature_append(c->wire, *out, room, cap, &len) == PONTO_OK, "signature");
	*out = ponto_bytes(room, len);
	return true;
}

static void answer(struct psim_node *n, const struct ponto_addr *to, uint32_t acked_id,
		   const struct pnrp_authority_buffer *b)
{
	struct pnrp_message m = {.type = PNRP_AUTHORITY, .id = acked_id ^ 0x5a5a5a5a};
	uint8_t buffer[PNRP_FRAGMENT], room[PNRP_DATAGRAM_MAX];
	size_t len;

	psim_require(pnrp_authority_encode(n->cloud->wire, b, buffer, sizeof(buffer), &len) == PONTO_OK, "buffer");
	m.authority.acked_id = acked_id;
	m.authority.size = (uint16_t)len;
	m.authority.slice = ponto_bytes(buffer, len);
	psim_send(n, to, psim_encode(n->cloud, &m, room));
}

/* Whoever asks a forged ID whether it is there hears yes. */
static void claim(struct psim_node *n, const struct ponto_addr *to, const struct pnrp_message *m)
{
	struct pnrp_authority_buffer b = {0};
	uint8_t room[PNRP_CPA_MAX];

	if (m->inquire.want_cpa)
		b.has_cpa = certify(n, &m->inquire.validate_id, m->inquire.nonce, room, sizeof(room), &b.cpa);
	answer(n, to, m->id, &b);
}

bool psim_deceive(void *arg, struct psim_node *n, const struct ponto_datagram *d)
{
	const struct psim_lie *lie = arg;
	struct pnrp_authority_buffer b = {0};
	struct pnrp_message m;

	if (!n->bad || pnrp_decode(n->cloud->wire, d->data, &m))
		return false;
	if (m.type == PNRP_INQUIRE && !ring_id_equal(&m.inquire.validate_id, &n->id)) {
		claim(n, &d->peer, &m);
		return true;
	}
	if (m.type != PNRP_LOOKUP)
		return false;
	if (lie->friend && lie->friend != n) {
		b.has_route = true;
		b.route = psim_route(&lie->friend->id, lie->friend);
	} else if (lie->nearer) {
		struct ring_id way = ring_id_sub(&m.lookup.validate_id, &m.lookup.target),
			       half = ring_id_shift_right(&way, 1);
		struct ring_id id = ring_id_add(&m.lookup.target, &half);

		b.has_route = true;
		b.route = psim_route(&id, another_attacker(n->cloud, n));
	}
	answer(n, &d->peer, m.id, &b);
	return true;
}

void psim_forge(struct psim_node *attacker)
{
	struct psim_cloud *c = attacker->cloud;
	const struct ponto_random *random = ponto_sim_random(c->sim);
	struct pnrp_message m = {.type = PNRP_FLOOD, .id = (uint32_t)ponto_random_u64(random)};
	struct psim_node *to = psim_honest(c);
	struct ponto_addr a = psim_address(to);
	struct ring_id id = ponto_random_below(random, 2) ? psim_forged_id(c) : psim_honest(c)->id;
	uint8_t room[PNRP_DATAGRAM_MAX];

	m.flood.no_ack = true;
	m.flood.has_route = true;
	m.flood.validate_id = to->id;
	m.flood.route = psim_route(&id, attacker);
	psim_send(attacker, &a, psim_encode(c, &m, room));
}
