#include "apps/ponto-sim/teredo_net.h"

#include <string.h>

#include "engines/teredo/teredo_icmp.h"
#include "framework/node.h"

#define SIX_PORT 41	   /* of IPv6 packets on the simulated network: their payload is a whole packet */
#define SERVICE_PORT 49152u /* RFC 6335 6: dynamic */
#define SHARED 4	   /* clients behind one box at most */
#define PASSED_EXTRA 128   /* as service-teredo-server's default */
#define TICK (100 * PONTO_MS)

extern const struct ponto_plugin transport_sim_LTX_ponto_plugin;

/* ---- kinds ---------------------------------------------------------------------------- */

static const struct profile {
	const char *name;
	unsigned share; /* percent of the clients */
	struct ponto_sim_nat nat;
} profiles[TSIM_BOXES] = {
	[TSIM_NONE] = {"none", 10, {0}},
	[TSIM_CONE] = {"cone", 12, {.filter = PONTO_SIM_NAT_ANY}},
	[TSIM_ADDRESS] = {"address", 12, {.filter = PONTO_SIM_NAT_ADDRESS}},
	[TSIM_PORT] = {"port", 20, {.filter = PONTO_SIM_NAT_ADDRESS_PORT}},
	[TSIM_PRESERVING] = {"preserving",
			     12,
			     {.mapping = PONTO_SIM_NAT_ADDRESS_PORT,
			      .filter = PONTO_SIM_NAT_ADDRESS_PORT,
			      .ports = PONTO_SIM_PORTS_PRESERVING}},
	[TSIM_SEQUENTIAL] = {"sequential",
			     12,
			     {.mapping = PONTO_SIM_NAT_ADDRESS_PORT,
			      .filter = PONTO_SIM_NAT_ADDRESS_PORT,
			      .ports = PONTO_SIM_PORTS_SEQUENTIAL}},
	[TSIM_SYMMETRIC] = {"symmetric",
			    10,
			    {.mapping = PONTO_SIM_NAT_ADDRESS_PORT, .filter = PONTO_SIM_NAT_ADDRESS_PORT}},
	[TSIM_BY_ADDRESS] = {"by address",
			     10,
			     {.mapping = PONTO_SIM_NAT_ADDRESS, .filter = PONTO_SIM_NAT_ADDRESS_PORT}},
	[TSIM_NATIVE] = {"native", 0, {0}},
	[TSIM_BLOCKED] = {"blocked", 2, {.blocked = true}},
};

const char *tsim_kind_name(enum tsim_kind kind)
{
	return profiles[kind].name;
}

enum tsim_kind tsim_end_kind(const struct tsim_end *e)
{
	struct teredo_client_status status;

	if (!e->client)
		return TSIM_NATIVE;
	if (e->client->kind == TSIM_PRESERVING && e->client->engine) {
		teredo_client_status(e->client->engine, &status);
		if (status.has_address && !status.preserving)
			return TSIM_SYMMETRIC;
	}
	return e->client->kind;
}

static uint64_t below(struct tsim_net *net, uint64_t n)
{
	return ponto_random_below(ponto_sim_random(net->sim), n);
}

static enum tsim_kind draw_kind(struct tsim_net *net)
{
	unsigned at = (unsigned)below(net, 100);

	for (enum tsim_kind kind = TSIM_NONE; kind < TSIM_BOXES; kind++) {
		if (at < profiles[kind].share)
			return kind;
		at -= profiles[kind].share;
	}
	return TSIM_NONE;
}

/* ---- IPv6 between hosts ------------------------------------------------------------------- */

static void open_port(struct tsim_net *net, struct ponto_sim_node *place, bool six, uint16_t port, uint16_t addresses,
		      void (*receive)(void *arg, const struct ponto_datagram *batch, size_t count), void *arg,
		      struct ponto_datagrams *out)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = port, .max_addresses = addresses};
	struct ponto_datagram_events events = {.receive = receive};

	psim_require(ponto_datagrams_open(net->wire[six], ponto_sim_node_loop(place), &want, &events, arg, out) ==
			     PONTO_OK,
		     "a port cannot be opened");
}

static void send_datagram(struct ponto_datagrams d, const struct ponto_datagram *datagram)
{
	size_t sent;

	psim_require(ponto_datagrams_send(d, datagram, 1, &sent) != PONTO_ENOMEM, "out of memory");
}

void tsim_route(struct tsim_net *net, struct ponto_datagrams from, uint32_t relay, struct ponto_bytes packet)
{
	struct ponto_datagram d = {.data = packet};
	struct teredo_packet p;

	if (teredo_decode(packet, &p) != PONTO_OK)
		return;
	if (teredo_is_address(&p.dst))
		d.peer = net->relays[relay].inside;
	else
		teredo_ip6_to(&p.dst, SIX_PORT, &d.peer);
	send_datagram(from, &d);
}

/* ---- servers -------------------------------------------------------------------------------- */

static void server_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	static uint8_t buf[TEREDO_SERVER_OUTPUT_MAX];
	struct tsim_server *s = arg;

	for (size_t i = 0; i < count && !s->down; i++) {
		struct ponto_datagram reply = {0};
		struct teredo_endpoint from, to;
		struct teredo_server_output out;

		if (!teredo_endpoint_from(&batch[i].peer, &from) || !teredo_endpoint_from(&batch[i].local, &to))
			continue;
		teredo_server_input(s->engine, ponto_sim_now(s->net->sim), &from, to.ip, batch[i].data, buf, &out);
		if (out.kind == TEREDO_SERVER_NATIVE) {
			tsim_route(s->net, s->six, 0, ponto_bytes(buf, out.len));
		} else if (out.kind != TEREDO_SERVER_NOTHING) {
			teredo_endpoint_to(&out.to, &reply.peer);
			teredo_endpoint_to(&(struct teredo_endpoint){out.from, TEREDO_PORT}, &reply.local);
			reply.data = ponto_bytes(buf, out.len);
			send_datagram(s->four, &reply);
		}
	}
}

/* It only sends there: answers come by a relay. */
static void ignore(void *arg, const struct ponto_datagram *batch, size_t count)
{
	(void)arg;
	(void)batch;
	(void)count;
}

static void make_server(struct tsim_net *net, struct tsim_server *s)
{
	struct teredo_server_config config = {.alloc = net->alloc,
					      .tolerant = true,
					      .native = true,
					      .extra_max = PASSED_EXTRA,
					      .limit = {.slots = 65536, .rate = 50, .burst = 200}};
	struct teredo_endpoint primary;
	struct ponto_addr addr;
	uint32_t number;

	s->net = net;
	psim_require(ponto_sim_node(net->sim, &s->place) == PONTO_OK, "out of memory");
	number = ponto_sim_node_number(s->place);
	psim_require(ponto_sim_network_set_addresses(net->sim, number, 2) == PONTO_OK, "out of memory");
	ponto_sim_network_address4(number, 0, 0, &addr);
	psim_require(teredo_endpoint_from(&addr, &primary), "address");
	s->pair = (struct teredo_pair){primary.ip, primary.ip + 1};
	config.random = ponto_sim_node_random(s->place);
	config.primary = s->pair.primary;
	config.secondary = s->pair.secondary;
	psim_require(teredo_server_create(&config, &s->engine) == PONTO_OK, "a server cannot be made");
	open_port(net, s->place, false, TEREDO_PORT, 2, server_receive, s, &s->four);
	open_port(net, s->place, true, SIX_PORT, 1, ignore, s, &s->six);
}

void tsim_server_stop(struct tsim_server *s, bool down)
{
	s->down = down;
}

/* ---- relays ------------------------------------------------------------------------------------ */

static void relay_pump(struct tsim_relay *r)
{
	struct teredo_relay_slot slot;

	while (teredo_relay_output(r->engine, &slot)) {
		struct ponto_datagram d = {.data = ponto_bytes(slot.data, slot.len)};

		teredo_endpoint_to(&slot.to, &d.peer);
		send_datagram(r->four, &d);
	}
	ponto_timer_set(ponto_sim_node_loop(r->place), r->timer, teredo_relay_deadline(r->engine));
}

static void relay_due(void *arg)
{
	struct tsim_relay *r = arg;

	teredo_relay_advance(r->engine, ponto_sim_now(r->net->sim));
	relay_pump(r);
}

static void relay_receive4(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct tsim_relay *r = arg;
	struct ponto_bytes packet;

	for (size_t i = 0; i < count; i++) {
		struct teredo_endpoint from;

		if (teredo_endpoint_from(&batch[i].peer, &from) &&
		    teredo_relay_input(r->engine, ponto_sim_now(r->net->sim), &from, batch[i].data, &packet))
			tsim_route(r->net, r->six, 0, packet);
	}
	relay_pump(r);
}

static void relay_receive6(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct tsim_relay *r = arg;

	for (size_t i = 0; i < count; i++) {
		struct ponto_datagram d = {.data = batch[i].data};
		struct teredo_endpoint to;

		if (teredo_relay_send(r->engine, ponto_sim_now(r->net->sim), batch[i].data, &to)) {
			teredo_endpoint_to(&to, &d.peer);
			send_datagram(r->four, &d);
		}
	}
	relay_pump(r);
}

static void make_relay(struct tsim_net *net, struct tsim_relay *r)
{
	struct teredo_prefix served = {.ip = {{0x20, 0x01, 0x0d, 0xb8}}, .bits = 32};
	struct teredo_relay_config config = {.alloc = net->alloc,
					     .served = &served,
					     .served_count = 1,
					     .peers = 65536,
					     .queue = 8 * TEREDO_MTU,
					     .queues = 16 << 20,
					     .fresh = 1000};

	r->net = net;
	psim_require(ponto_sim_node(net->sim, &r->place) == PONTO_OK, "out of memory");
	ponto_sim_network_address(ponto_sim_node_number(r->place), PONTO_SCOPE_GLOBAL, 0, SIX_PORT, &r->inside);
	memcpy(config.source.bytes, r->inside.ip, sizeof(config.source.bytes));
	config.random = ponto_sim_node_random(r->place);
	psim_require(teredo_relay_create(&config, &r->engine) == PONTO_OK, "a relay cannot be made");
	psim_require(ponto_timer_create(ponto_sim_node_loop(r->place), relay_due, r, &r->timer) == PONTO_OK,
		     "out of memory");
	open_port(net, r->place, false, SERVICE_PORT, 1, relay_receive4, r, &r->four);
	open_port(net, r->place, true, SIX_PORT, 1, relay_receive6, r, &r->six);
}

/* ---- native hosts --------------------------------------------------------------------------------- */

static void native_answer(struct tsim_native *n, const struct teredo_packet *p, struct teredo_icmp *icmp)
{
	uint8_t buf[TEREDO_MTU];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));

	icmp->type = TEREDO_ICMP_ECHO_REPLY;
	teredo_write_icmp(&w, &n->ip, &p->src, TEREDO_HOP_LIMIT, icmp);
	tsim_route(n->net, n->six, n->relay, ponto_bytes(buf, (size_t)w.pos));
}

static void native_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct tsim_native *n = arg;

	for (size_t i = 0; i < count; i++) {
		struct teredo_packet p;
		struct teredo_icmp icmp;
		struct teredo_udp udp;

		if (teredo_decode(batch[i].data, &p) != PONTO_OK)
			continue;
		if (teredo_udp_parse(&p, &udp) == PONTO_OK)
			tsim_talk_input(n->net, &(struct tsim_end){.native = n}, &p.src, &udp);
		else if (teredo_icmp_parse(&p, &icmp) == PONTO_OK && icmp.type == TEREDO_ICMP_ECHO_REQUEST)
			native_answer(n, &p, &icmp);
	}
}

static void make_native(struct tsim_net *net, struct tsim_native *n, uint32_t relay)
{
	struct ponto_addr addr;

	n->net = net;
	n->relay = relay;
	psim_require(ponto_sim_node(net->sim, &n->place) == PONTO_OK, "out of memory");
	ponto_sim_network_address(ponto_sim_node_number(n->place), PONTO_SCOPE_GLOBAL, 0, SIX_PORT, &addr);
	memcpy(n->ip.bytes, addr.ip, sizeof(n->ip.bytes));
	open_port(net, n->place, true, SIX_PORT, 1, native_receive, n, &n->six);
}

void tsim_end_send(const struct tsim_end *from, const struct teredo_ip6 *to, const struct teredo_udp *udp)
{
	struct tsim_client *c = from->client;
	struct teredo_slot slot;
	uint8_t buf[TEREDO_MTU];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));

	if (!c) {
		teredo_write_udp(&w, &from->native->ip, to, TEREDO_HOP_LIMIT, udp);
		tsim_route(from->native->net, from->native->six, from->native->relay, ponto_bytes(buf, (size_t)w.pos));
		return;
	}
	if (c->asleep)
		return;
	if (teredo_client_send(c->engine, ponto_sim_now(c->net->sim), to, udp, 0, 0, &slot) == 1) {
		struct ponto_datagram d = {.data = ponto_bytes(slot.data, slot.len)};

		teredo_endpoint_to(&slot.to, &d.peer);
		if (c->ports[slot.via])
			send_datagram(c->ports[slot.via]->d, &d);
	}
	tsim_client_pump(c);
}

/* ---- boxes ------------------------------------------------------------------------------------------ */

/* Another one, or the latest of that kind with its next client. */
static uint32_t draw_box(struct tsim_net *net, enum tsim_kind kind)
{
	static const enum ponto_sim_nat_ports orders[] = {PONTO_SIM_PORTS_RANDOM, PONTO_SIM_PORTS_PRESERVING,
							  PONTO_SIM_PORTS_SEQUENTIAL, PONTO_SIM_PORTS_LOWEST};
	bool shared = below(net, 3) == 0;
	struct tsim_box *box;

	for (uint32_t i = net->box_count; shared && i >= 1 && i + 64 > net->box_count; i--) {
		if (net->boxes[i].kind != kind || net->boxes[i].clients >= SHARED)
			continue;
		net->boxes[i].clients++;
		return i;
	}
	if (++net->box_count >= net->box_room) {
		net->box_room = net->box_room ? net->box_room * 2 : 1024;
		net->boxes = ponto_resize(net->alloc, net->boxes, net->box_room, sizeof(*net->boxes));
		psim_require(net->boxes, "out of memory");
	}
	box = &net->boxes[net->box_count];
	*box = (struct tsim_box){.nat = profiles[kind].nat, .kind = kind, .clients = 1};
	box->nat.hairpin = below(net, 2) == 0;
	/* From what the refreshing just keeps alive to what is common. */
	box->nat.timeout = (35 + below(net, 266)) * PONTO_SECOND;
	if (kind >= TSIM_CONE && kind <= TSIM_PORT)
		box->nat.ports = orders[below(net, PONTO_ARRAY_SIZE(orders))];
	psim_require(ponto_sim_network_nat(net->sim, net->box_count, &box->nat) == PONTO_OK, "out of memory");
	return net->box_count;
}

static void lost_mapping(struct tsim_client *c)
{
	if (!c->engine || c->changed || c->asleep)
		return;
	c->changed = ponto_sim_now(c->net->sim);
	c->advertisements = teredo_client_stats(c->engine)->advertisements;
}

void tsim_box_restart(struct tsim_net *net, uint32_t number, bool renumbered)
{
	struct tsim_box *box = &net->boxes[number];

	if (renumbered)
		box->nat.address++;
	psim_require(ponto_sim_network_nat(net->sim, number, &box->nat) == PONTO_OK, "out of memory");
	for (uint32_t i = 0; i < net->setup.clients && box->kind != TSIM_BLOCKED; i++)
		if (net->clients[i].box == number)
			lost_mapping(&net->clients[i]);
}

/* ---- clients ------------------------------------------------------------------------------------------- */

static void close_port(struct tsim_client *c, uint8_t via)
{
	if (!c->ports[via])
		return;
	ponto_datagrams_close(&c->ports[via]->d);
	ponto_free(c->net->alloc, c->ports[via]);
	c->ports[via] = NULL;
}

static void client_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	const struct tsim_port *port = arg;
	struct tsim_client *c = port->client;
	struct teredo_received in = {.via = port->via};

	for (size_t i = 0; i < count && !c->asleep; i++) {
		struct teredo_delivery d;

		in.data = batch[i].data;
		if (!teredo_endpoint_from(&batch[i].peer, &in.from) ||
		    teredo_client_input(c->engine, ponto_sim_now(c->net->sim), &in, &d) != 1 ||
		    d.kind != TEREDO_DELIVERY_DATAGRAM)
			continue;
		if (d.udp.to == TSIM_APPLICATION)
			tsim_talk_input(c->net, &(struct tsim_end){.client = c}, &d.peer, &d.udp);
		else
			teredo_client_refuse(c->engine, ponto_sim_now(c->net->sim), &in);
	}
	tsim_client_pump(c);
}

static int client_open(struct tsim_client *c, uint8_t via, uint16_t number)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = number, .max_addresses = 1};
	struct ponto_datagram_events events = {.receive = client_receive};
	struct tsim_port *port = ponto_new(c->net->alloc, 1, sizeof(*port));
	int result;

	psim_require(port, "out of memory");
	*port = (struct tsim_port){.client = c, .via = via};
	result = ponto_datagrams_open(c->net->wire[0], ponto_sim_node_loop(c->place), &want, &events, port, &port->d);
	if (result == PONTO_OK)
		c->ports[via] = port;
	else
		ponto_free(c->net->alloc, port);
	return result;
}

static void address_changed(struct tsim_client *c)
{
	struct teredo_client_status status;

	teredo_client_status(c->engine, &status);
	if (!status.has_address)
		return;
	if (c->changed)
		psim_histogram_add(&c->net->requalified, ponto_sim_now(c->net->sim) - c->changed);
	else
		c->net->changes++;
	c->changed = 0;
}

/* The box gave it the mapping that it had. */
static void look_for_kept(struct tsim_client *c)
{
	if (!c->changed || teredo_client_stats(c->engine)->advertisements == c->advertisements)
		return;
	c->net->kept++;
	c->changed = 0;
}

void tsim_client_pump(struct tsim_client *c)
{
	uint64_t now = ponto_sim_now(c->net->sim), deadline;
	struct teredo_effect effect;
	struct teredo_slot slot;

	while (teredo_client_effect(c->engine, &effect)) {
		if (effect.kind == TEREDO_EFFECT_ADDRESS)
			address_changed(c);
		else if (effect.kind == TEREDO_EFFECT_OPEN)
			teredo_client_opened(c->engine, now, effect.via, client_open(c, effect.via, effect.port));
		else if (effect.kind == TEREDO_EFFECT_CLOSE)
			close_port(c, effect.via);
	}
	look_for_kept(c);
	while (teredo_client_output(c->engine, &slot)) {
		struct ponto_datagram d = {.data = ponto_bytes(slot.data, slot.len), .hop_limit = slot.ttl};

		teredo_endpoint_to(&slot.to, &d.peer);
		if (c->ports[slot.via])
			send_datagram(c->ports[slot.via]->d, &d);
	}
	deadline = teredo_client_deadline(c->engine);
	if (deadline != c->armed) {
		c->armed = deadline;
		ponto_timer_set(ponto_sim_node_loop(c->place), c->timer, deadline);
	}
}

static void client_due(void *arg)
{
	struct tsim_client *c = arg;

	c->armed = PONTO_NEVER;
	if (c->asleep)
		return;
	teredo_client_advance(c->engine, ponto_sim_now(c->net->sim));
	tsim_client_pump(c);
}

bool tsim_client_address(const struct tsim_client *c, struct teredo_ip6 *out)
{
	struct teredo_client_status status;

	if (!c->engine)
		return false;
	teredo_client_status(c->engine, &status);
	*out = status.address;
	return status.has_address;
}

void tsim_client_sleep(struct tsim_client *c, bool asleep)
{
	if (!c->engine || asleep == c->asleep)
		return;
	c->asleep = asleep;
	if (asleep) {
		c->changed = 0;
		return;
	}
	lost_mapping(c);
	teredo_client_advance(c->engine, ponto_sim_now(c->net->sim));
	tsim_client_pump(c);
}

static void make_client(struct tsim_net *net, struct tsim_client *c)
{
	c->net = net;
	c->kind = draw_kind(net);
	c->armed = PONTO_NEVER;
	psim_require(ponto_sim_node(net->sim, &c->place) == PONTO_OK, "out of memory");
	if (c->kind != TSIM_NONE)
		c->box = draw_box(net, c->kind);
	psim_require(ponto_sim_network_behind(net->sim, ponto_sim_node_number(c->place), c->box) == PONTO_OK &&
			     ponto_timer_create(ponto_sim_node_loop(c->place), client_due, c, &c->timer) == PONTO_OK,
		     "out of memory");
}

static void tell_local(struct tsim_client *c)
{
	struct teredo_endpoint local = {0}, subnet = {0};
	struct ponto_subnet attached;
	struct ponto_addr addr;
	size_t count = 0;

	psim_require(ponto_datagrams_local(c->ports[0]->d, &addr, 1, &count) == PONTO_OK && count == 1 &&
			     teredo_endpoint_from(&addr, &local) &&
			     ponto_datagrams_subnets(c->net->wire[0], ponto_sim_node_loop(c->place), &attached, 1,
						     &count) == PONTO_OK &&
			     teredo_endpoint_from(&attached.addr, &subnet),
		     "no address");
	teredo_client_local(c->engine, ponto_sim_now(c->net->sim), &local,
			    &(struct teredo_subnet){subnet.ip, attached.bits}, 1);
}

void tsim_client_begin(struct tsim_client *c)
{
	const struct ponto_random *random = ponto_sim_node_random(c->place);
	struct teredo_client_config config = teredo_client_defaults(c->net->alloc, random);
	uint32_t home = (uint32_t)ponto_random_below(random, c->net->setup.servers);

	/* One to go to when the first is lost. */
	config.servers[0] = c->net->servers[home].pair;
	config.servers[1] = c->net->servers[(home + 1) % c->net->setup.servers].pair;
	config.server_count = c->net->setup.servers > 1 ? 2 : 1;
	config.peers = c->net->setup.peers;
	psim_require(teredo_client_create(&config, &c->engine) == PONTO_OK, "a client cannot be made");
	while (client_open(c, 0, (uint16_t)(SERVICE_PORT + ponto_random_below(random, 65536 - SERVICE_PORT))) !=
	       PONTO_OK)
		;
	c->begun = c->changed = ponto_sim_now(c->net->sim);
	tell_local(c);
	tsim_client_pump(c);
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static void make_wire(struct tsim_net *net, unsigned six)
{
	const struct ponto_plugin *plugin = &transport_sim_LTX_ponto_plugin;
	const char *const settings[] = {six ? "family=6" : "family=4", NULL};
	char reason[PONTO_REASON_SIZE] = "";

	psim_require(ponto_conf_make(net->alloc, plugin->options, plugin->option_count, settings, reason,
				     sizeof(reason), &net->conf[six]) == PONTO_OK,
		     reason);
	net->env[six] = (struct ponto_env){.abi = PONTO_PLUGIN_ABI,
					   .size = sizeof(net->env[six]),
					   .instance = "wire",
					   .node_name = "sim",
					   .conf = net->conf[six],
					   .alloc = net->alloc,
					   .random = ponto_sim_random(net->sim),
					   .simulation = true};
	net->wire[six].ops = (const struct ponto_transport_ops *)(const void *)plugin->vtable;
	psim_require(net->wire[six].ops->create(&net->env[six], &net->wire[six].self) == PONTO_OK, "no network");
}

void tsim_net_init(struct tsim_net *net, const struct tsim_setup *setup)
{
	memset(net, 0, sizeof(*net));
	net->setup = *setup;
	net->pool = psim_pool_create();
	psim_require(net->pool, "out of memory");
	net->alloc = psim_pool_alloc(net->pool);
	psim_require(ponto_sim_create(net->alloc, setup->seed, &net->sim) == PONTO_OK, "out of memory");
	make_wire(net, 0);
	make_wire(net, 1);
	net->servers = ponto_new(net->alloc, setup->servers, sizeof(*net->servers));
	net->relays = ponto_new(net->alloc, setup->relays, sizeof(*net->relays));
	net->natives = ponto_new(net->alloc, setup->natives, sizeof(*net->natives));
	net->clients = ponto_new(net->alloc, setup->clients, sizeof(*net->clients));
	psim_require(net->servers && net->relays && net->natives && net->clients, "out of memory");
	for (uint32_t i = 0; i < setup->servers; i++)
		make_server(net, &net->servers[i]);
	for (uint32_t i = 0; i < setup->relays; i++)
		make_relay(net, &net->relays[i]);
	for (uint32_t i = 0; i < setup->natives; i++)
		make_native(net, &net->natives[i], i % setup->relays);
	for (uint32_t i = 0; i < setup->clients; i++)
		make_client(net, &net->clients[i]);
}

void tsim_net_clear(struct tsim_net *net)
{
	tsim_talks_clear(net);
	for (uint32_t i = 0; i < net->setup.clients; i++) {
		struct tsim_client *c = &net->clients[i];

		teredo_client_destroy(c->engine);
		for (unsigned via = 0; via <= TEREDO_PORTS_MAX; via++)
			close_port(c, (uint8_t)via);
		ponto_timer_destroy(ponto_sim_node_loop(c->place), c->timer);
	}
	for (uint32_t i = 0; i < net->setup.natives; i++)
		ponto_datagrams_close(&net->natives[i].six);
	for (uint32_t i = 0; i < net->setup.relays; i++) {
		ponto_timer_destroy(ponto_sim_node_loop(net->relays[i].place), net->relays[i].timer);
		ponto_datagrams_close(&net->relays[i].four);
		ponto_datagrams_close(&net->relays[i].six);
		teredo_relay_destroy(net->relays[i].engine);
	}
	for (uint32_t i = 0; i < net->setup.servers; i++) {
		ponto_datagrams_close(&net->servers[i].four);
		ponto_datagrams_close(&net->servers[i].six);
		teredo_server_destroy(net->servers[i].engine);
	}
	for (unsigned six = 0; six < 2; six++)
		net->wire[six].ops->destroy(net->wire[six].self);
	ponto_sim_destroy(net->sim);
	ponto_conf_destroy(net->conf[0]);
	ponto_conf_destroy(net->conf[1]);
	ponto_free(net->alloc, net->talks);
	ponto_free(net->alloc, net->boxes);
	ponto_free(net->alloc, net->clients);
	ponto_free(net->alloc, net->natives);
	ponto_free(net->alloc, net->relays);
	ponto_free(net->alloc, net->servers);
	psim_pool_destroy(net->pool);
}

void tsim_run(struct tsim_net *net, uint64_t us, void (*tick)(void *arg), void *arg)
{
	uint64_t end = ponto_sim_now(net->sim) + us;

	while (ponto_sim_now(net->sim) < end) {
		uint64_t next = ponto_sim_now(net->sim) + TICK;

		net->events += ponto_sim_run(net->sim, next < end ? next : end);
		if (tick)
			tick(arg);
	}
}
