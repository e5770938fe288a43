#include "tests/support/teredo_world.h"

#include <stdio.h>
#include <string.h>

extern const struct ponto_plugin transport_sim_LTX_ponto_plugin, transport_teredo_LTX_ponto_plugin;

/* ---- the server ------------------------------------------------------------------------------ */

static void server_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	static uint8_t buf[TEREDO_SERVER_OUTPUT_MAX];
	struct teredo_world *world = arg;

	for (size_t i = 0; i < count && !world->server_down; i++) {
		struct ponto_datagram reply = {0};
		struct teredo_endpoint from, to;
		struct teredo_server_output out;
		size_t sent;

		if (!teredo_endpoint_from(&batch[i].peer, &from) || !teredo_endpoint_from(&batch[i].local, &to))
			continue;
		teredo_server_input(world->server, ponto_sim_now(world->sim), &from, to.ip, batch[i].data, buf, &out);
		if (out.kind != TEREDO_SERVER_ADVERTISEMENT && out.kind != TEREDO_SERVER_RELAYED)
			continue;
		teredo_endpoint_to(&out.to, &reply.peer);
		teredo_endpoint_to(&(struct teredo_endpoint){out.from, TEREDO_PORT}, &reply.local);
		reply.data = ponto_bytes(buf, out.len);
		(void)!ponto_datagrams_send(world->server_port, &reply, 1, &sent);
	}
}

static bool start_server(struct teredo_world *world, bool tolerant)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = TEREDO_PORT, .max_addresses = 2};
	struct ponto_datagram_events events = {.receive = server_receive};
	const struct ponto_plugin *plugin = &transport_sim_LTX_ponto_plugin;
	struct teredo_server_config config = {.alloc = &ponto_alloc_system,
					      .tolerant = tolerant,
					      .extra_max = 256,
					      .limit = {.slots = 1024, .rate = 1000, .burst = 1000}};
	const char *const settings[] = {"family=4", NULL};
	struct teredo_endpoint primary;
	struct ponto_addr addr;
	char error[256];

	ponto_sim_network_address4(0, 0, 0, &addr);
	if (!teredo_endpoint_from(&addr, &primary))
		return false;
	config.random = ponto_sim_node_random(world->server_node);
	config.primary = primary.ip;
	config.secondary = primary.ip + 1;
	if (teredo_server_create(&config, &world->server) != PONTO_OK ||
	    ponto_sim_network_set_addresses(world->sim, 0, 2) != PONTO_OK ||
	    ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			    &world->server_conf) != PONTO_OK)
		return false;
	world->server_env = (struct ponto_env){.abi = PONTO_PLUGIN_ABI,
					       .size = sizeof(world->server_env),
					       .instance = "wire",
					       .conf = world->server_conf,
					       .alloc = &ponto_alloc_system,
					       .simulation = true};
	world->server_wire.ops = (const struct ponto_transport_ops *)(const void *)plugin->vtable;
	return world->server_wire.ops->create(&world->server_env, &world->server_wire.self) == PONTO_OK &&
	       ponto_datagrams_open(world->server_wire, ponto_sim_node_loop(world->server_node), &want, &events, world,
				    &world->server_port) == PONTO_OK;
}

bool teredo_world_init(struct teredo_world *world, uint64_t seed, bool tolerant)
{
	memset(world, 0, sizeof(*world));
	if (ponto_sim_create(&ponto_alloc_system, seed, &world->sim) == PONTO_OK &&
	    ponto_sim_node(world->sim, &world->server_node) == PONTO_OK && start_server(world, tolerant))
		return true;
	teredo_world_fini(world);
	return false;
}

void teredo_world_fini(struct teredo_world *world)
{
	for (size_t i = 0; i < world->count; i++) {
		(void)ponto_node_destroy(world->nodes[i].node);
		ponto_conf_destroy(world->nodes[i].confs[0]);
		ponto_conf_destroy(world->nodes[i].confs[1]);
	}
	ponto_datagrams_close(&world->server_port);
	if (world->server_wire.self)
		world->server_wire.ops->destroy(world->server_wire.self);
	ponto_conf_destroy(world->server_conf);
	teredo_server_destroy(world->server);
	ponto_sim_destroy(world->sim);
	memset(world, 0, sizeof(*world));
}

/* ---- nodes ------------------------------------------------------------------------------------- */

static bool add_instance(struct teredo_world_node *n, unsigned which, const struct ponto_plugin *plugin,
			 const char *name, const char *const *settings)
{
	char error[256], reason[PONTO_REASON_SIZE];

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
			    &n->confs[which]) != PONTO_OK) {
		fprintf(stderr, "# %s: %s\n", name, error);
		return false;
	}
	if (ponto_node_add(n->node, plugin, name, n->confs[which], reason) != PONTO_OK) {
		fprintf(stderr, "# %s: %s\n", name, reason);
		return false;
	}
	return true;
}

static bool fill_node(struct teredo_world *world, struct teredo_world_node *n, const char *const *settings)
{
	const char *wire[] = {"family=4", NULL}, *wide[TEREDO_WORLD_SETTINGS + 3] = {"carrier=wire"};
	struct ponto_node_setup setup = {.name = "node",
					 .alloc = &ponto_alloc_system,
					 .random = ponto_sim_node_random(n->sim),
					 .clock = ponto_sim_node_clock(n->sim),
					 .loop = ponto_sim_node_loop(n->sim),
					 .simulation = true};
	char text[PONTO_ADDR_TEXT], servers[PONTO_ADDR_TEXT + 16];
	struct ponto_iface iface;
	struct ponto_addr addr;
	size_t count = 1;

	(void)world;
	ponto_sim_network_address4(0, 0, 0, &addr);
	snprintf(servers, sizeof(servers), "servers=%s", ponto_addr_format(&addr, text));
	wide[count++] = servers;
	for (size_t i = 0; settings && settings[i] && i < TEREDO_WORLD_SETTINGS; i++)
		wide[count++] = settings[i];
	if (ponto_node_create(&setup, &n->node) != PONTO_OK ||
	    !add_instance(n, 0, &transport_sim_LTX_ponto_plugin, "wire", wire) ||
	    !add_instance(n, 1, &transport_teredo_LTX_ponto_plugin, "wide", wide) ||
	    ponto_node_find(n->node, PONTO_KIND_TRANSPORT, "wide", &iface) != PONTO_OK)
		return false;
	n->wide = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	return true;
}

int teredo_world_add(struct teredo_world *world, uint32_t box, const char *const *settings)
{
	struct teredo_world_node *n = &world->nodes[world->count];

	if (world->count == TEREDO_WORLD_NODES || ponto_sim_node(world->sim, &n->sim) != PONTO_OK)
		return -1;
	world->count++;
	if (box && ponto_sim_network_behind(world->sim, ponto_sim_node_number(n->sim), box) != PONTO_OK)
		return -1;
	return fill_node(world, n, settings) ? (int)world->count - 1 : -1;
}

struct ponto_loop *teredo_world_loop(struct teredo_world *world, size_t node)
{
	return ponto_sim_node_loop(world->nodes[node].sim);
}

void teredo_world_run(struct teredo_world *world, uint64_t time)
{
	(void)ponto_sim_run(world->sim, ponto_sim_now(world->sim) + time);
}

bool teredo_world_wait(struct teredo_world *world, struct ponto_datagrams d, struct ponto_addr *out)
{
	size_t count = 0;

	for (int i = 0; i < 600 && count == 0; i++) {
		if (ponto_datagrams_local(d, out, 1, &count) != PONTO_OK)
			return false;
		if (count == 0)
			teredo_world_run(world, 100 * PONTO_MS);
	}
	return count > 0;
}
