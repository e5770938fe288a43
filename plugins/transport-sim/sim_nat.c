/* IPv4 in the simulated network: public addresses, networks behind NAT boxes, and what the boxes do. RFC 4787 4, 5. */
#include "plugins/transport-sim/sim_internal.h"

#include <string.h>

#define PUBLIC 0x2c000000u  /* 44.0.0.0/8: nodes, SIM_ADDRESSES_MAX each */
#define OUTSIDE 0x2d000000u /* 45.0.0.0/8: boxes, their first addresses, then their second ones */
#define INSIDE 0x0a000000u  /* 10.X.0.0/16: nodes behind them */
#define FIRST_PORT 20000    /* SEQUENTIAL, LOWEST */
#define ALLOWED 64	    /* remote ends that a mapping lets in, the latest */
#define TIMEOUT (120 * PONTO_SECOND)

struct sim_end {
	uint32_t ip;
	uint16_t port;
};

/* What a box keeps of one inner end, or of one and where it sends to. */
struct sim_mapping {
	uint32_t node;
	struct sim_end inner, remote;
	uint16_t outer; /* port */
	uint64_t used;
	struct sim_end allowed[ALLOWED];
	size_t allowed_count;
};

struct sim_box {
	struct ponto_sim_nat nat;
	struct sim_mapping *mappings;
	size_t count, cap;
	uint16_t next; /* SEQUENTIAL */
	bool there;
};

struct sim_nats {
	struct sim_box *boxes; /* from 1 on */
	uint16_t *box_of;
	size_t box_count, nodes;
};

static struct sim_nats *nats_of(struct sim_network *network)
{
	struct sim_nats **slot = sim_network_nats(network);

	if (!*slot)
		*slot = ponto_new(sim_network_alloc(network), 1, sizeof(**slot));
	return *slot;
}

void sim_nats_destroy(const struct ponto_alloc *alloc, struct sim_nats *nats)
{
	if (!nats)
		return;
	for (size_t i = 0; i < nats->box_count; i++)
		ponto_free(alloc, nats->boxes[i].mappings);
	ponto_free(alloc, nats->boxes);
	ponto_free(alloc, nats->box_of);
	ponto_free(alloc, nats);
}

static uint32_t box_of(struct sim_network *network, uint32_t node)
{
	const struct sim_nats *nats = *sim_network_nats(network);

	return nats && node < nats->nodes ? nats->box_of[node] : 0;
}

/* ---- addresses ---------------------------------------------------------------------------- */

static struct sim_end end_of(const struct ponto_addr *addr)
{
	return (struct sim_end){(uint32_t)addr->ip[0] << 24 | (uint32_t)addr->ip[1] << 16 | (uint32_t)addr->ip[2] << 8 |
					addr->ip[3],
				addr->port};
}

static void addr_of(struct sim_end end, struct ponto_addr *out)
{
	*out = (struct ponto_addr){.family = PONTO_FAMILY_IPV4, .port = end.port};
	for (unsigned i = 0; i < 4; i++)
		out->ip[i] = (uint8_t)(end.ip >> (24 - 8 * i));
}

static bool same_end(struct sim_end a, struct sim_end b)
{
	return a.ip == b.ip && a.port == b.port;
}

static uint32_t inside_of(uint32_t box)
{
	return INSIDE + ((box & 0xff) << 16);
}

static uint32_t outside_of(const struct sim_box *box, uint32_t number)
{
	return OUTSIDE + ((uint32_t)box->nat.address << 16) + number;
}

void ponto_sim_network_address4(uint32_t node, uint32_t index, uint16_t port, struct ponto_addr *out)
{
	addr_of((struct sim_end){PUBLIC + (node + 1) * SIM_ADDRESSES_MAX + index, port}, out);
}

void ponto_sim_network_box_address(uint32_t box, uint16_t port, struct ponto_addr *out)
{
	addr_of((struct sim_end){OUTSIDE + box, port}, out);
}

void sim_nat_local(const struct ponto_datagram_handle *h, uint32_t index, struct ponto_addr *out)
{
	uint32_t box = box_of(h->network, h->node);

	if (box)
		addr_of((struct sim_end){inside_of(box) + h->node + 1, h->port}, out);
	else
		ponto_sim_network_address4(h->node, index, h->port, out);
}

uint32_t sim_nat_addresses(const struct ponto_datagram_handle *h, uint32_t has)
{
	return has && box_of(h->network, h->node) ? 1 : has;
}

void sim_nat_subnet(struct sim_network *network, uint32_t node, uint32_t index, struct ponto_subnet *out)
{
	struct ponto_datagram_handle as = {.network = network, .node = node};

	*out = (struct ponto_subnet){.zone = PONTO_SIM_ZONE, .bits = box_of(network, node) ? 16 : 32};
	sim_nat_local(&as, index, &out->addr);
}

/* ---- what a box does ----------------------------------------------------------------------------- */

static bool expired(const struct sim_box *box, const struct sim_mapping *m, uint64_t now)
{
	return now - m->used >= box->nat.timeout;
}

static bool port_used(const struct sim_box *box, uint16_t port, uint64_t now)
{
	for (size_t i = 0; i < box->count; i++)
		if (box->mappings[i].outer == port && !expired(box, &box->mappings[i], now))
			return true;
	return false;
}

static uint16_t pick_port(struct sim_network *network, struct sim_box *box, uint16_t inner, uint64_t now)
{
	const struct ponto_random *random = ponto_sim_random(sim_network_world(network));
	uint16_t port = inner;

	bool ascending = box->nat.ports == PONTO_SIM_PORTS_SEQUENTIAL || box->nat.ports == PONTO_SIM_PORTS_LOWEST;

	if (ascending)
		port = box->next && box->nat.ports == PONTO_SIM_PORTS_SEQUENTIAL ? box->next : FIRST_PORT;
	else if (box->nat.ports == PONTO_SIM_PORTS_RANDOM)
		port = (uint16_t)(1024 + ponto_random_below(random, 64512));
	while (port_used(box, port, now))
		port = ascending ? (uint16_t)(port < 65535 ? port + 1 : 1024)
				 : (uint16_t)(1024 + ponto_random_below(random, 64512));
	box->next = (uint16_t)(port < 65535 ? port + 1 : 1024);
	return port;
}

static bool rule_holds(enum ponto_sim_nat_rule rule, struct sim_end a, struct sim_end b)
{
	if (rule == PONTO_SIM_NAT_ANY)
		return true;
	return a.ip == b.ip && (rule == PONTO_SIM_NAT_ADDRESS || a.port == b.port);
}

/* The mapping for what goes from inner to remote, made when there is none. */
static struct sim_mapping *outgoing(struct sim_network *network, struct sim_box *box, uint32_t node,
				    struct sim_end inner, struct sim_end remote)
{
	uint64_t now = ponto_sim_now(sim_network_world(network));
	struct sim_mapping *m;
	size_t kept = 0;

	for (size_t i = 0; i < box->count; i++) {
		m = &box->mappings[i];
		if (!expired(box, m, now) && m->node == node && same_end(m->inner, inner) &&
		    rule_holds(box->nat.mapping, m->remote, remote))
			return m;
	}
	for (size_t i = 0; i < box->count; i++)
		if (!expired(box, &box->mappings[i], now))
			box->mappings[kept++] = box->mappings[i];
	box->count = kept;
	if (box->count == box->cap) {
		size_t cap = box->cap ? box->cap * 2 : 2;

		m = ponto_resize(sim_network_alloc(network), box->mappings, cap, sizeof(*m));
		if (!m)
			return NULL;
		box->mappings = m;
		box->cap = cap;
	}
	m = &box->mappings[box->count];
	*m = (struct sim_mapping){.node = node, .inner = inner, .remote = remote, .used = now};
	m->outer = pick_port(network, box, inner.port, now);
	box->count++;
	return m;
}

static void allow(struct sim_mapping *m, struct sim_end remote)
{
	for (size_t i = 0; i < m->allowed_count && i < ALLOWED; i++)
		if (same_end(m->allowed[i], remote))
			return;
	m->allowed[m->allowed_count++ % ALLOWED] = remote;
}

/* The mapping that lets it in from remote, or NULL. */
static struct sim_mapping *incoming(struct sim_network *network, struct sim_box *box, uint16_t port,
				    struct sim_end remote)
{
	uint64_t now = ponto_sim_now(sim_network_world(network));

	for (size_t i = 0; i < box->count; i++) {
		struct sim_mapping *m = &box->mappings[i];

		if (m->outer != port || expired(box, m, now))
			continue;
		for (size_t j = 0; j < m->allowed_count && j < ALLOWED; j++)
			if (rule_holds(box->nat.filter, m->allowed[j], remote))
				return m;
	}
	return NULL;
}

/* ---- the way of a datagram --------------------------------------------------------------------------- */

static struct ponto_datagram_handle *claimant(struct sim_network *network, uint32_t node, const struct ponto_addr *to)
{
	struct sim_host *host = sim_host_of(network, node);

	for (struct ponto_datagram_handle *h = host ? host->handles : NULL; h; h = h->next) {
		uint32_t n = h->family == PONTO_FAMILY_IPV4 && h->port == to->port ? sim_address_count(h) : 0;

		for (uint32_t i = 0; i < n; i++) {
			struct ponto_addr local;

			sim_nat_local(h, i, &local);
			if (memcmp(local.ip, to->ip, sizeof(local.ip)) == 0)
				return h;
		}
	}
	return NULL;
}

/* Who gets it, as it arrives: a box may have forgotten meanwhile, or may let it in just now. */
static struct ponto_datagram_handle *arrives_at(struct sim_packet *packet)
{
	struct sim_network *network = packet->network;
	struct ponto_datagram *d = &packet->datagram;
	struct sim_end to = end_of(&d->local), from = end_of(&d->peer);
	const struct sim_nats *nats = *sim_network_nats(network);
	struct sim_mapping *m;
	uint32_t number;

	if (packet->group)
		return sim_network_member(network, packet->node, &d->local);
	if (to.ip >> 24 == INSIDE >> 24) {
		packet->node = (to.ip & 0xffff) - 1;
		return claimant(network, packet->node, &d->local);
	}
	if (to.ip >> 24 == PUBLIC >> 24) {
		packet->node = (to.ip & 0xffffff) / SIM_ADDRESSES_MAX - 1;
		return box_of(network, packet->node) ? NULL : claimant(network, packet->node, &d->local);
	}
	number = to.ip & 0xffff;
	if (!nats || number >= nats->box_count || to.ip != outside_of(&nats->boxes[number], number))
		return NULL;
	m = incoming(network, &nats->boxes[number], to.port, from);
	if (!m)
		return NULL;
	packet->node = m->node;
	addr_of(m->inner, &d->local);
	return claimant(network, m->node, &d->local);
}

void sim_nat_arrive(void *arg)
{
	struct sim_packet *packet = arg;

	sim_network_deliver(packet, arrives_at(packet));
}

static int to_group(struct ponto_datagram_handle *h, const struct ponto_datagram *d)
{
	uint32_t box = box_of(h->network, h->node);
	int result = PONTO_OK;

	for (uint32_t node = 0; box && result == PONTO_OK && node < (*sim_network_nats(h->network))->nodes; node++)
		if (box_of(h->network, node) == box && sim_network_member(h->network, node, &d->local))
			result = sim_network_launch4(h->network, node, true, d);
	return result;
}

/* d as it leaves: local is where to, peer the sender's own address. */
int sim_nat_send(struct ponto_datagram_handle *h, const struct ponto_datagram *sent)
{
	uint32_t number = box_of(h->network, h->node);
	struct sim_end to = end_of(&sent->local), from = end_of(&sent->peer);
	struct ponto_datagram d = *sent;
	struct sim_mapping *m;
	struct sim_box *box;

	if (to.ip >> 28 == 0xe)
		return to_group(h, &d);
	if (to.ip >> 24 == INSIDE >> 24 && (!number || box_of(h->network, (to.ip & 0xffff) - 1) != number))
		return PONTO_OK; /* nobody is there */
	if (!number || to.ip >> 24 == INSIDE >> 24)
		return sim_network_launch4(h->network, h->node, false, &d);
	box = &nats_of(h->network)->boxes[number];
	if (box->nat.blocked || (to.ip == outside_of(box, number) && !box->nat.hairpin))
		return PONTO_OK;
	m = outgoing(h->network, box, h->node, from, to);
	if (!m)
		return PONTO_ENOMEM;
	m->used = ponto_sim_now(sim_network_world(h->network));
	allow(m, to);
	addr_of((struct sim_end){outside_of(box, number), m->outer}, &d.peer);
	return sim_network_launch4(h->network, h->node, false, &d);
}

/* ---- control ---------------------------------------------------------------------------------------------- */

/* The box, made when it is beyond those there are. NULL: no memory. */
static struct sim_box *box_at(struct sim_network *network, struct sim_nats *nats, uint32_t number)
{
	size_t count = nats->box_count ? nats->box_count : 16;
	struct sim_box *boxes;

	if (number < nats->box_count)
		return &nats->boxes[number];
	while (count <= number)
		count *= 2;
	boxes = ponto_resize(sim_network_alloc(network), nats->boxes, count, sizeof(*boxes));
	if (!boxes)
		return NULL;
	memset(boxes + nats->box_count, 0, (count - nats->box_count) * sizeof(*boxes));
	nats->boxes = boxes;
	nats->box_count = count;
	return &boxes[number];
}

int ponto_sim_network_nat(struct ponto_sim *sim, uint32_t number, const struct ponto_sim_nat *nat)
{
	struct sim_network *network = sim_network_of(sim);
	struct sim_nats *nats = network ? nats_of(network) : NULL;
	struct sim_box *box;

	if (number == 0 || number > PONTO_SIM_BOXES)
		return PONTO_EINVAL;
	box = nats ? box_at(network, nats, number) : NULL;
	if (!box)
		return PONTO_ENOMEM;
	box->nat = *nat;
	if (nat->timeout == 0)
		box->nat.timeout = TIMEOUT;
	box->count = 0;
	box->next = 0;
	box->there = true;
	return PONTO_OK;
}

int ponto_sim_network_behind(struct ponto_sim *sim, uint32_t node, uint32_t box)
{
	struct sim_network *network = sim_network_of(sim);
	struct sim_nats *nats = network ? nats_of(network) : NULL;

	if (!nats)
		return PONTO_ENOMEM;
	if ((box && (box >= nats->box_count || !nats->boxes[box].there)) || node > UINT16_MAX - 2)
		return PONTO_EINVAL;
	if (node >= nats->nodes) {
		size_t count = (size_t)node + node / 2 + 16;
		uint16_t *grown = ponto_resize(sim_network_alloc(network), nats->box_of, count, sizeof(*grown));

		if (!grown)
			return PONTO_ENOMEM;
		memset(grown + nats->nodes, 0, (count - nats->nodes) * sizeof(*grown));
		nats->box_of = grown;
		nats->nodes = count;
	}
	nats->box_of[node] = (uint16_t)box;
	return PONTO_OK;
}

int ponto_sim_network_forge(struct ponto_sim *sim, const struct ponto_addr *from, const struct ponto_addr *to,
			    struct ponto_bytes data)
{
	struct sim_network *network = sim_network_of(sim);
	struct ponto_datagram d = {.peer = *from, .local = *to, .data = data, .hop_limit = 64};

	return network ? sim_network_launch4(network, 0, false, &d) : PONTO_ENOMEM;
}
