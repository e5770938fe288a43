#include "plugins/transport-sim/sim_internal.h"

#include <string.h>

struct sim_network {
	struct ponto_sim *sim;
	const struct ponto_alloc *alloc;
	struct ponto_sim_network_model model;
	struct ponto_sim_network_stats stats;
	struct sim_host *hosts;
	uint32_t host_count;
	bool parted;		  /* not all are on side 0: hosts all over the memory are looked at only then */
	struct sim_group *groups; /* in order of joining */
	size_t group_count, group_cap;
	struct sim_packets packets;
	ponto_sim_filter_fn *filter;
	void *filter_ctx;
	ponto_sim_network_ahead_fn *ahead;
	struct sim_nats *nats; /* once there is IPv4 behind NATs */
};

static void destroy_network(void *value)
{
	struct sim_network *network = value;

	sim_packets_fini(&network->packets);
	sim_nats_destroy(network->alloc, network->nats);
	ponto_free(network->alloc, network->hosts);
	ponto_free(network->alloc, network->groups);
	ponto_free(network->alloc, network);
}

struct sim_network *sim_network_of(struct ponto_sim *sim)
{
	void **slot = ponto_sim_slot(sim, "network", destroy_network);
	struct sim_network *network;

	if (!slot || *slot)
		return slot ? *slot : NULL;
	network = ponto_new(ponto_sim_alloc(sim), 1, sizeof(*network));
	if (!network)
		return NULL;
	network->sim = sim;
	network->alloc = ponto_sim_alloc(sim);
	network->packets.alloc = network->alloc;
	network->model = (struct ponto_sim_network_model){.latency = 10 * PONTO_MS, .mtu = 1452};
	*slot = network;
	return network;
}

struct sim_host *sim_host_of(struct sim_network *network, uint32_t node)
{
	if (node >= network->host_count) {
		uint64_t count = network->host_count ? network->host_count : 16;
		struct sim_host *hosts;

		while (count <= node)
			count *= 2;
		hosts = ponto_resize(network->alloc, network->hosts, count, sizeof(*hosts));
		if (!hosts)
			return NULL;
		for (uint64_t i = network->host_count; i < count; i++)
			hosts[i] = (struct sim_host){.addresses = 1};
		network->hosts = hosts;
		network->host_count = (uint32_t)count;
	}
	return &network->hosts[node];
}

struct ponto_sim *sim_network_world(struct sim_network *network)
{
	return network->sim;
}

const struct ponto_alloc *sim_network_alloc(struct sim_network *network)
{
	return network->alloc;
}

struct sim_nats **sim_network_nats(struct sim_network *network)
{
	return &network->nats;
}

/* ---- addresses ---------------------------------------------------------------------------- */

void ponto_sim_network_address(uint32_t node, enum ponto_scope scope, uint32_t index, uint16_t port,
			       struct ponto_addr *out)
{
	uint32_t number = node + 1;

	*out = (struct ponto_addr){.family = PONTO_FAMILY_IPV6, .port = port};
	if (scope == PONTO_SCOPE_LOOPBACK) {
		out->ip[15] = 1;
		return;
	}
	if (scope == PONTO_SCOPE_GLOBAL) {
		memcpy(out->ip, (const uint8_t[]){0x20, 0x01, 0x0d, 0xb8}, 4);
		out->ip[7] = (uint8_t)index;
	} else {
		out->ip[0] = 0xfe;
		out->ip[1] = scope == PONTO_SCOPE_LINK ? 0x80 : 0xc0;
		out->ip[9] = (uint8_t)index;
		out->zone = PONTO_SIM_ZONE;
	}
	for (unsigned i = 0; i < 4; i++)
		out->ip[15 - i] = (uint8_t)(number >> 8 * i);
}

/* How many of the host's addresses a handle uses. */
static uint32_t used_of(const struct ponto_datagram_handle *h, uint32_t has)
{
	uint32_t max = h->scope == PONTO_SCOPE_LOOPBACK ? 1 : h->max_addresses;

	return has < max ? has : max;
}

uint32_t sim_address_count(const struct ponto_datagram_handle *h)
{
	uint32_t has = h->network->hosts[h->node].addresses;

	return used_of(h, h->family == PONTO_FAMILY_IPV4 ? sim_nat_addresses(h, has) : has);
}

bool sim_node_at(const struct ponto_addr *addr, uint32_t seen_from, uint32_t *node, uint32_t *index)
{
	enum ponto_scope scope = ponto_addr_scope(addr);
	struct ponto_addr again;

	if (scope == PONTO_SCOPE_LOOPBACK) {
		*node = seen_from;
		*index = 0;
		return true;
	}
	*node = ((uint32_t)addr->ip[12] << 24 | (uint32_t)addr->ip[13] << 16 | (uint32_t)addr->ip[14] << 8 |
		 addr->ip[15]) -
		1;
	if (scope == PONTO_SCOPE_GLOBAL) {
		static const uint8_t before[7] = {0x20, 0x01, 0x0d, 0xb8}, behind[4];

		*index = addr->ip[7];
		return memcmp(addr->ip, before, sizeof(before)) == 0 &&
		       memcmp(addr->ip + 8, behind, sizeof(behind)) == 0;
	}
	*index = addr->ip[9];
	ponto_sim_network_address(*node, scope, *index, 0, &again);
	return memcmp(again.ip, addr->ip, sizeof(again.ip)) == 0;
}

/* ---- handles and groups ---------------------------------------------------------------------- */

int sim_network_attach(struct sim_network *network, struct ponto_datagram_handle *h)
{
	struct sim_host *host = sim_host_of(network, h->node);

	if (!host)
		return PONTO_ENOMEM;
	if (host->addresses == 0)
		return PONTO_ENOENT;
	for (const struct ponto_datagram_handle *other = host->handles; other; other = other->next) {
		if (other->port == h->port && other->scope == h->scope && other->family == h->family)
			return PONTO_EEXIST;
	}
	h->network = network;
	h->next = host->handles;
	host->handles = h;
	return PONTO_OK;
}

void sim_network_detach(struct ponto_datagram_handle *h)
{
	struct sim_network *network = h->network;
	struct ponto_datagram_handle **link = &network->hosts[h->node].handles;
	size_t kept = 0;

	while (*link != h)
		link = &(*link)->next;
	*link = h->next;
	for (size_t i = 0; i < network->group_count && h->groups > 0; i++) {
		if (network->groups[i].member != h)
			network->groups[kept++] = network->groups[i];
	}
	if (h->groups > 0)
		network->group_count = kept;
	ponto_sim_cancel(network->sim, h->change_event);
	ponto_sim_cancel(network->sim, h->mtu_event);
}

static struct sim_group *find_group(struct ponto_datagram_handle *h, const struct ponto_addr *addr)
{
	for (size_t i = 0; i < h->network->group_count; i++) {
		struct sim_group *group = &h->network->groups[i];

		if (group->member == h && memcmp(group->addr.ip, addr->ip, sizeof(addr->ip)) == 0)
			return group;
	}
	return NULL;
}

int sim_network_join(struct ponto_datagram_handle *h, const struct ponto_addr *addr)
{
	struct sim_network *network = h->network;

	if (find_group(h, addr))
		return PONTO_EEXIST;
	if (h->groups >= SIM_GROUPS_MAX)
		return PONTO_ELIMIT;
	if (network->group_count == network->group_cap) {
		size_t cap = network->group_cap ? network->group_cap * 2 : 16;
		struct sim_group *groups = ponto_resize(network->alloc, network->groups, cap, sizeof(*groups));

		if (!groups)
			return PONTO_ENOMEM;
		network->groups = groups;
		network->group_cap = cap;
	}
	network->groups[network->group_count] = (struct sim_group){h, *addr};
	if (addr->port == 0)
		network->groups[network->group_count].addr.port = h->port;
	network->group_count++;
	h->groups++;
	return PONTO_OK;
}

int sim_network_leave(struct ponto_datagram_handle *h, const struct ponto_addr *addr)
{
	struct sim_network *network = h->network;
	struct sim_group *group = find_group(h, addr);

	if (!group)
		return PONTO_ENOENT;
	memmove(group, group + 1, (size_t)(network->groups + --network->group_count - group) * sizeof(*group));
	h->groups--;
	return PONTO_OK;
}

/* ---- the way of a datagram ---------------------------------------------------------------------- */

struct ponto_datagram_handle *sim_network_member(struct sim_network *network, uint32_t node,
						 const struct ponto_addr *to)
{
	for (struct ponto_datagram_handle *h = network->hosts[node].handles; h; h = h->next) {
		const struct sim_group *group = h->family == PONTO_FAMILY_IPV4 ? find_group(h, to) : NULL;

		if (group && group->addr.port == to->port)
			return h;
	}
	return NULL;
}

static struct ponto_datagram_handle *claimant(struct sim_network *network, uint32_t node, const struct ponto_addr *to)
{
	enum ponto_scope scope = ponto_addr_scope(to);
	uint32_t there, index;

	for (struct ponto_datagram_handle *h = network->hosts[node].handles; h; h = h->next) {
		if (h->family != PONTO_FAMILY_IPV6)
			continue;
		if (to->ip[0] == 0xff) {
			const struct sim_group *group = find_group(h, to);

			if (group && group->addr.port == to->port)
				return h;
		} else if (h->port == to->port && h->scope == scope && sim_node_at(to, node, &there, &index) &&
			   there == node && index < sim_address_count(h)) {
			return h;
		}
	}
	return NULL;
}

void sim_network_deliver(struct sim_packet *packet, struct ponto_datagram_handle *h)
{
	struct sim_network *network = packet->network;
	struct ponto_datagram *d = &packet->datagram;

	if (h) {
		network->stats.delivered++;
		network->stats.delivered_bytes += d->data.len;
		ponto_sim_trace(network->sim, packet->node, "datagram",
				ponto_bytes(packet->traced, SIM_SENDER + d->data.len));
		h->events.receive(h->arg, d, 1);
	} else {
		network->stats.unclaimed++;
	}
	sim_packet_free(&network->packets, packet);
}

static void arrive(void *arg)
{
	struct sim_packet *packet = arg;

	sim_network_deliver(packet, claimant(packet->network, packet->node, &packet->datagram.local));
}

/* Who will get it, unless that changes. */
static void foresee(void *arg, unsigned step)
{
	const struct sim_packet *packet = arg;
	const struct sim_network *network;
	const struct ponto_datagram_handle *h;

	if (step == 0) {
		ponto_prefetch(packet, sizeof(*packet));
		return;
	}
	network = packet->network;
	if (step == 1) {
		ponto_prefetch(packet->traced, SIM_SENDER + packet->datagram.data.len);
		ponto_prefetch(&network->hosts[packet->node], sizeof(*network->hosts));
		return;
	}
	h = network->hosts[packet->node].handles;
	if (step == 2) {
		ponto_prefetch(h, sizeof(*h));
	} else if (h && network->ahead) {
		network->ahead(h->arg, packet->datagram.data, step);
	}
}

int ponto_sim_network_ahead(struct ponto_sim *sim, ponto_sim_network_ahead_fn *ahead)
{
	struct sim_network *network = sim_network_of(sim);
	int result = PONTO_OK;

	if (!network)
		return PONTO_ENOMEM;
	if (!network->ahead)
		result = ponto_sim_ahead(sim, arrive, foresee);
	if (result == PONTO_OK)
		network->ahead = ahead;
	return result;
}

static bool chance(struct sim_network *network, uint32_t ppm)
{
	return ppm > 0 && ponto_random_below(ponto_sim_random(network->sim), PONTO_SIM_PPM) < ppm;
}

static int launch(struct sim_network *network, uint32_t node, const struct ponto_datagram *d, ponto_loop_fn *arrives,
		  bool group)
{
	const struct ponto_sim_network_model *model = &network->model;
	uint64_t at = ponto_sim_now(network->sim) + model->latency;
	struct sim_packet *packet = sim_packet_new(&network->packets, d);

	if (!packet)
		return PONTO_ENOMEM;
	if (model->jitter)
		at += ponto_random_below(ponto_sim_random(network->sim), model->jitter);
	if (chance(network, model->reorder)) {
		network->stats.reordered++;
		at += model->reorder_delay;
	}
	packet->network = network;
	packet->node = node;
	packet->group = group;
	if (ponto_sim_at(network->sim, at, arrives, packet) == 0) {
		sim_packet_free(&network->packets, packet);
		return PONTO_ENOMEM;
	}
	return PONTO_OK;
}

/* False: the filter or bad luck has it. */
static bool goes(struct sim_network *network, const struct ponto_datagram *d)
{
	if (network->filter) {
		struct ponto_datagram seen = *d;

		seen.local = d->peer;
		seen.peer = d->local;
		if (!network->filter(network->filter_ctx, &seen)) {
			network->stats.filtered++;
			return false;
		}
	}
	if (chance(network, network->model.loss)) {
		network->stats.lost++;
		return false;
	}
	return true;
}

/* Once or twice. */
static int launch_all(struct sim_network *network, uint32_t node, const struct ponto_datagram *d,
		      ponto_loop_fn *arrives, bool group)
{
	int result = launch(network, node, d, arrives, group);

	if (result == PONTO_OK && chance(network, network->model.duplicate)) {
		network->stats.duplicated++;
		result = launch(network, node, d, arrives, group);
	}
	return result;
}

int sim_network_launch4(struct sim_network *network, uint32_t node, bool group, const struct ponto_datagram *d)
{
	network->stats.sent++;
	network->stats.sent_bytes += d->data.len;
	return goes(network, d) ? launch_all(network, node, d, sim_nat_arrive, group) : PONTO_OK;
}

/* d as its receiver on node will see it. */
static int send_to(struct ponto_datagram_handle *h, uint32_t node, const struct ponto_datagram *d)
{
	struct sim_network *network = h->network;

	network->stats.sent++;
	network->stats.sent_bytes += d->data.len;
	if (network->parted && node < network->host_count &&
	    network->hosts[node].side != network->hosts[h->node].side) {
		network->stats.partitioned++;
		return PONTO_OK;
	}
	if (node >= network->host_count) {
		network->stats.unclaimed++;
		return PONTO_OK;
	}
	return goes(network, d) ? launch_all(network, node, d, arrive, false) : PONTO_OK;
}

static void tell_mtu(void *arg)
{
	struct ponto_datagram_handle *h = arg;

	h->mtu_event = 0;
	h->events.path_mtu(h->arg, &h->mtu_peer, h->network->model.mtu);
}

static int refuse_large(struct ponto_datagram_handle *h, const struct ponto_datagram *d)
{
	if (d->data.len <= SIM_PAYLOAD_MAX && h->events.path_mtu && h->mtu_event == 0) {
		h->mtu_peer = d->peer;
		h->mtu_event = ponto_sim_at(h->network->sim, ponto_sim_now(h->network->sim), tell_mtu, h);
	}
	return PONTO_ELIMIT;
}

int sim_network_send(struct ponto_datagram_handle *h, const struct ponto_datagram *d)
{
	struct sim_network *network = h->network;
	bool multicast = d->peer.ip[0] == 0xff;
	struct ponto_datagram arrives = *d;
	uint32_t node, index;
	int result = PONTO_OK;

	if (d->data.len > SIM_PAYLOAD_MAX || (d->flags & PONTO_DGRAM_DONT_FRAGMENT && d->data.len > network->model.mtu))
		return refuse_large(h, d);
	arrives.peer = d->local;
	arrives.local = d->peer;
	arrives.flags = 0;
	if (d->hop_limit == 0)
		arrives.hop_limit = multicast ? 1 : 64;
	if (h->family == PONTO_FAMILY_IPV4)
		return sim_nat_send(h, &arrives);
	if (!multicast) {
		if (!sim_node_at(&d->peer, h->node, &node, &index)) {
			network->stats.unclaimed++;
			return PONTO_OK;
		}
		return send_to(h, node, &arrives);
	}
	for (size_t i = 0; i < network->group_count && result == PONTO_OK; i++) {
		const struct sim_group *group = &network->groups[i];

		if (memcmp(group->addr.ip, d->peer.ip, sizeof(group->addr.ip)) == 0 && group->addr.port == d->peer.port)
			result = send_to(h, group->member->node, &arrives);
	}
	return result;
}

/* ---- control -------------------------------------------------------------------------------------- */

int ponto_sim_network_set(struct ponto_sim *sim, const struct ponto_sim_network_model *model)
{
	struct sim_network *network = sim_network_of(sim);

	if (!network)
		return PONTO_ENOMEM;
	if (model->loss > PONTO_SIM_PPM || model->duplicate > PONTO_SIM_PPM || model->reorder > PONTO_SIM_PPM)
		return PONTO_EINVAL;
	network->model = *model;
	return PONTO_OK;
}

int ponto_sim_network_get(struct ponto_sim *sim, struct ponto_sim_network_model *out)
{
	struct sim_network *network = sim_network_of(sim);

	if (!network)
		return PONTO_ENOMEM;
	*out = network->model;
	return PONTO_OK;
}

int ponto_sim_network_stats(struct ponto_sim *sim, struct ponto_sim_network_stats *out)
{
	struct sim_network *network = sim_network_of(sim);

	if (!network)
		return PONTO_ENOMEM;
	*out = network->stats;
	return PONTO_OK;
}

int ponto_sim_network_partition(struct ponto_sim *sim, uint32_t node, uint32_t side)
{
	struct sim_network *network = sim_network_of(sim);
	struct sim_host *host = network ? sim_host_of(network, node) : NULL;

	if (!host)
		return PONTO_ENOMEM;
	host->side = side;
	network->parted = network->parted || side != 0;
	return PONTO_OK;
}

int ponto_sim_network_heal(struct ponto_sim *sim)
{
	struct sim_network *network = sim_network_of(sim);

	if (!network)
		return PONTO_ENOMEM;
	for (uint32_t i = 0; i < network->host_count; i++)
		network->hosts[i].side = 0;
	network->parted = false;
	return PONTO_OK;
}

static void tell_change(void *arg)
{
	struct ponto_datagram_handle *h = arg;

	h->change_event = 0;
	h->events.addresses_changed(h->arg);
}

int ponto_sim_network_set_addresses(struct ponto_sim *sim, uint32_t node, uint32_t count)
{
	struct sim_network *network = sim_network_of(sim);
	struct sim_host *host = network ? sim_host_of(network, node) : NULL;
	int result = PONTO_OK;

	if (count > SIM_ADDRESSES_MAX)
		return PONTO_EINVAL;
	if (!host)
		return PONTO_ENOMEM;
	for (struct ponto_datagram_handle *h = host->handles; h; h = h->next) {
		if (sim_address_count(h) == used_of(h, count) || !h->events.addresses_changed || h->change_event)
			continue;
		h->change_event = ponto_sim_at(sim, ponto_sim_now(sim), tell_change, h);
		if (h->change_event == 0)
			result = PONTO_ENOMEM;
	}
	host->addresses = count;
	return result;
}

int ponto_sim_network_filter(struct ponto_sim *sim, ponto_sim_filter_fn *filter, void *ctx)
{
	struct sim_network *network = sim_network_of(sim);

	if (!network)
		return PONTO_ENOMEM;
	network->filter = filter;
	network->filter_ctx = ctx;
	return PONTO_OK;
}
