/* The transport suite against every transport plugin: UDP on loopback, the simulated network in its world, Teredo behind
 * two NATs in such a world. */
#include "tests/support/test.h"

#include <stdio.h>

#include "framework/plugin.h"
#include "framework/sim.h"
#include "plugins/transport-sim/sim_network.h"
#include "tests/conform/transport_suite.h"
#include "tests/support/teredo_world.h"

extern const struct ponto_plugin transport_udp6_LTX_ponto_plugin, transport_udp4_LTX_ponto_plugin,
	transport_sim_LTX_ponto_plugin, transport_teredo_LTX_ponto_plugin;

struct subject {
	const struct ponto_plugin *plugin;
	bool real; /* on loopback; else simulated */
	enum ponto_scope scope;
	struct ponto_conf *conf;
	struct ponto_env env;
	struct ponto_sim *sim;
	int teredo; /* 1: both ends on one instance; 2: behind two NATs */
	struct teredo_world world;
	struct ponto_datagrams kept[2];
};

struct run {
	struct subject *subject;
	size_t index;
};

static void open_loops(struct subject *s, struct transport_bed *bed)
{
	if (s->real) {
		assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &bed->loop[0]));
		bed->loop[1] = bed->loop[0];
		bed->port[0] = ponto_test_port();
		bed->port[1] = ponto_test_port();
		return;
	}
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &s->sim));
	for (unsigned i = 0; i < 2; i++) {
		struct ponto_sim_node *node;

		assert_ok(ponto_sim_node(s->sim, &node));
		bed->loop[i] = ponto_sim_node_loop(node);
		bed->port[i] = (uint16_t)(4000 + i);
	}
	if (s->scope != PONTO_SCOPE_LOOPBACK)
		assert_ok(ponto_sim_network_set_addresses(s->sim, 1, 3));
	else
		bed->loop[1] = bed->loop[0];
}

static void ignore(void *arg, const struct ponto_datagram *batch, size_t count)
{
	(void)arg;
	(void)batch;
	(void)count;
}

/* Both have an address and have met before anything is tested: what the suite sends is sent at once. */
static int teredo_open(struct subject *s, struct transport_bed *bed)
{
	struct ponto_sim_nat nat = {.filter = PONTO_SIM_NAT_ADDRESS_PORT};
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = 5000};
	struct ponto_datagram_events events = {.receive = ignore};
	struct ponto_datagram d = {.data = ponto_bytes("hello", 5)};
	struct ponto_addr addr[2];
	size_t sent;

	assert_true(teredo_world_init(&s->world, 1, false));
	for (uint32_t i = 0; i < 2; i++) {
		assert_ok(ponto_sim_network_nat(s->world.sim, i + 1, &nat));
		assert_int_equal(teredo_world_add(&s->world, i + 1, NULL), i);
	}
	for (int i = 0; i < s->teredo; i++) {
		assert_ok(ponto_datagrams_open(s->world.nodes[i].wide, teredo_world_loop(&s->world, i), &want, &events, NULL,
					       &s->kept[i]));
		assert_true(teredo_world_wait(&s->world, s->kept[i], &addr[i]));
	}
	for (int i = 0; i < 2; i++) {
		int who = i % s->teredo;

		d.peer = addr[(i + 1) % s->teredo];
		assert_ok(ponto_datagrams_send(s->kept[who], &d, 1, &sent));
		teredo_world_run(&s->world, 5 * PONTO_SECOND);
		bed->transport[i] = s->world.nodes[who].wide;
		bed->loop[i] = teredo_world_loop(&s->world, who);
		bed->port[i] = (uint16_t)(4000 + i);
	}
	bed->scope = s->scope;
	bed->largest = 1232;
	return PONTO_OK;
}

static int subject_open(void *ctx, struct transport_bed *bed)
{
	struct subject *s = ctx;
	char error[256];

	if (s->teredo)
		return teredo_open(s, bed);
	assert_ok(ponto_conf_make(&ponto_alloc_system, s->plugin->options, s->plugin->option_count, NULL, error,
				  sizeof(error), &s->conf));
	s->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(s->env),
		.instance = "wide",
		.node_name = "test",
		.conf = s->conf,
		.alloc = &ponto_alloc_system,
		.simulation = !s->real,
	};
	bed->scope = s->scope;
	open_loops(s, bed);
	bed->transport[0].ops = (const struct ponto_transport_ops *)(const void *)s->plugin->vtable;
	assert_ok(bed->transport[0].ops->create(&s->env, &bed->transport[0].self));
	bed->transport[1] = bed->transport[0];
	return PONTO_OK;
}

static void subject_close(void *ctx, struct transport_bed *bed)
{
	struct subject *s = ctx;

	if (s->teredo) {
		ponto_datagrams_close(&s->kept[0]);
		ponto_datagrams_close(&s->kept[1]);
		teredo_world_fini(&s->world);
		return;
	}
	bed->transport[0].ops->destroy(bed->transport[0].self);
	ponto_loop_destroy(bed->loop[0]);
	if (bed->loop[1] != bed->loop[0])
		ponto_loop_destroy(bed->loop[1]);
	ponto_sim_destroy(s->sim);
	s->sim = NULL;
	ponto_conf_destroy(s->conf);
}

static void run_case(void **state)
{
	struct run *run = *state;
	struct transport_subject subject = {subject_open, subject_close, run->subject};
	char why[512];

	if (!transport_suite_run(run->index, &subject, why, sizeof(why)))
		fail_msg("%s", why);
}

int main(void)
{
	static struct subject subjects[] = {
		{.plugin = &transport_udp6_LTX_ponto_plugin, .real = true, .scope = PONTO_SCOPE_LOOPBACK},
		{.plugin = &transport_udp4_LTX_ponto_plugin, .real = true, .scope = PONTO_SCOPE_LOOPBACK},
		{.plugin = &transport_sim_LTX_ponto_plugin, .scope = PONTO_SCOPE_LOOPBACK},
		{.plugin = &transport_sim_LTX_ponto_plugin, .scope = PONTO_SCOPE_LINK},
		{.plugin = &transport_sim_LTX_ponto_plugin, .scope = PONTO_SCOPE_GLOBAL},
		{.plugin = &transport_teredo_LTX_ponto_plugin, .scope = PONTO_SCOPE_GLOBAL, .teredo = 1},
		{.plugin = &transport_teredo_LTX_ponto_plugin, .scope = PONTO_SCOPE_GLOBAL, .teredo = 2},
	};
	static struct CMUnitTest tests[PONTO_ARRAY_SIZE(subjects) * 32];
	static struct run runs[PONTO_ARRAY_SIZE(tests)];
	static char names[PONTO_ARRAY_SIZE(tests)][64];
	size_t count = 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(subjects); i++) {
		for (size_t j = 0; j < transport_suite_count(); j++, count++) {
			snprintf(names[count], sizeof(names[count]), "%s (%s, %s%s)", transport_suite_name(j),
				 subjects[i].plugin->name, ponto_scope_name(subjects[i].scope),
				 subjects[i].teredo == 2 ? ", two NATs" : "");
			runs[count] = (struct run){&subjects[i], j};
			tests[count] = (struct CMUnitTest){names[count], run_case, NULL, NULL, &runs[count]};
		}
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("transport", tests, count, NULL, NULL);
}
