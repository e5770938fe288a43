#include "tests/conform/mapping_world.h"

#include <stdio.h>
#include <string.h>

#define SETTINGS_MAX 6
#define PATIENCE (60 * PONTO_SECOND)

static int add(struct mapping_world *w, unsigned node, unsigned conf, const struct ponto_plugin *plugin, const char *name,
	       const char *const *settings)
{
	char error[256] = "", reason[PONTO_REASON_SIZE] = "";
	int result = ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error,
				     sizeof(error), &w->conf[conf]);

	return result == PONTO_OK ? ponto_node_add(w->node[node], plugin, name, w->conf[conf], reason) : result;
}

static int make_node(struct mapping_world *w, unsigned i, const struct ponto_plugin *transport_sim)
{
	static const char *const four[] = {"family=4", NULL};
	struct ponto_node_setup setup = {.name = "node", .alloc = &ponto_alloc_system, .simulation = true};
	struct ponto_iface iface;
	int result = ponto_sim_node(w->sim, &w->place[i]);

	if (result != PONTO_OK)
		return result;
	setup.random = ponto_sim_node_random(w->place[i]);
	setup.clock = ponto_sim_node_clock(w->place[i]);
	setup.loop = ponto_sim_node_loop(w->place[i]);
	result = ponto_node_create(&setup, &w->node[i]);
	if (result == PONTO_OK)
		result = add(w, i, i, transport_sim, "wire", four);
	if (result == PONTO_OK)
		result = ponto_node_find(w->node[i], PONTO_KIND_TRANSPORT, "wire", &iface);
	if (result == PONTO_OK)
		w->wire[i] = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self,
						      iface.pool};
	return result;
}

int mapping_world_open(struct mapping_world *w, const struct ponto_plugin *transport_sim)
{
	int result;

	memset(w, 0, sizeof(*w));
	result = ponto_sim_create(&ponto_alloc_system, 1, &w->sim);
	for (unsigned i = 0; i < MAPPING_WORLD_NODES && result == PONTO_OK; i++)
		result = make_node(w, i, transport_sim);
	if (result != PONTO_OK)
		mapping_world_close(w);
	return result;
}

static void ignore(void *arg, const struct ponto_datagram *batch, size_t count)
{
	(void)arg;
	(void)batch;
	(void)count;
}

/* By a handle that is closed again. */
static int own_address(struct mapping_world *w, struct ponto_addr *out)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = MAPPING_WORLD_PORT, .max_addresses = 1};
	struct ponto_datagram_events events = {.receive = ignore};
	struct ponto_datagrams d;
	size_t count = 0;
	int result = ponto_datagrams_open(w->wire[MAPPING_WORLD_CLIENT],
					  ponto_sim_node_loop(w->place[MAPPING_WORLD_CLIENT]), &want, &events, w, &d);

	if (result != PONTO_OK)
		return result;
	result = ponto_datagrams_local(d, out, 1, &count);
	ponto_datagrams_close(&d);
	return result == PONTO_OK && count == 0 ? PONTO_ENOENT : result;
}

int mapping_world_add(struct mapping_world *w, const struct ponto_plugin *plugin, const char *const *settings,
		      struct mapping_bed *out)
{
	const char *all[SETTINGS_MAX + 2] = {NULL};
	struct mapping_bed bed = {.patience = PATIENCE};
	char wire[64] = "";
	struct ponto_iface iface;
	size_t count = 0;
	int result;

	for (size_t i = 0; i < plugin->option_count && !wire[0]; i++)
		if (plugin->options[i].type == PONTO_OPTION_REF && plugin->options[i].ref_kind == PONTO_KIND_TRANSPORT)
			snprintf(wire, sizeof(wire), "%s=wire", plugin->options[i].name);
	if (wire[0])
		all[count++] = wire;
	for (size_t i = 0; settings && settings[i] && i < SETTINGS_MAX; i++)
		all[count++] = settings[i];
	result = own_address(w, &bed.local);
	if (result == PONTO_OK)
		result = add(w, MAPPING_WORLD_CLIENT, MAPPING_WORLD_NODES, plugin, "mapped", all);
	if (result == PONTO_OK)
		result = ponto_node_find(w->node[MAPPING_WORLD_CLIENT], PONTO_KIND_MAPPING, "mapped", &iface);
	if (result != PONTO_OK)
		return result;
	bed.mapping = (struct ponto_mapping){(const struct ponto_mapping_ops *)iface.ops, iface.self, iface.pool};
	bed.loop = ponto_sim_node_loop(w->place[MAPPING_WORLD_CLIENT]);
	*out = bed;
	return PONTO_OK;
}

void mapping_world_close(struct mapping_world *w)
{
	for (unsigned i = MAPPING_WORLD_NODES; i-- > 0;)
		(void)ponto_node_destroy(w->node[i]);
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(w->conf); i++)
		ponto_conf_destroy(w->conf[i]);
	ponto_sim_destroy(w->sim);
	memset(w, 0, sizeof(*w));
}
