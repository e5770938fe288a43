/* The stream suite against every transport plugin that offers streams. */
#include "tests/support/test.h"

#include <stdio.h>

#include "framework/plugin.h"
#include "framework/sim.h"
#include "plugins/transport-sim/sim_network.h"
#include "tests/conform/stream_suite.h"

extern const struct ponto_plugin transport_tcp_LTX_ponto_plugin, transport_sim_LTX_ponto_plugin;

struct subject {
	const struct ponto_plugin *plugin;
	const char *name;
	const char *local, *foreign; /* NULL: simulated */
	enum ponto_scope scope;
	uint32_t loss;
	struct ponto_conf *conf;
	struct ponto_env env;
	struct ponto_sim *sim;
};

struct run {
	struct subject *subject;
	size_t index;
};

static void open_world(struct subject *s, struct stream_bed *bed)
{
	struct ponto_sim_network_model model;

	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &s->sim));
	assert_ok(ponto_sim_network_get(s->sim, &model));
	model.loss = s->loss;
	model.jitter = s->loss ? 5 * PONTO_MS : 0;
	assert_ok(ponto_sim_network_set(s->sim, &model));
	for (unsigned i = 0; i < 2; i++) {
		struct ponto_sim_node *node;

		assert_ok(ponto_sim_node(s->sim, &node));
		bed->loop[i] = ponto_sim_node_loop(node);
		ponto_sim_network_address(i, s->scope, 0, 0, &bed->local[i]);
	}
	if (s->scope == PONTO_SCOPE_LOOPBACK)
		bed->loop[1] = bed->loop[0];
	ponto_sim_network_address(9, PONTO_SCOPE_GLOBAL, 0, 0, &bed->foreign);
}

static void open_system(struct subject *s, struct stream_bed *bed)
{
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &bed->loop[0]));
	bed->loop[1] = bed->loop[0];
	for (unsigned i = 0; i < 2; i++)
		assert_ok(ponto_addr_parse(s->local, 0, &bed->local[i]));
	assert_ok(ponto_addr_parse(s->foreign, 0, &bed->foreign));
}

static int subject_open(void *ctx, struct stream_bed *bed)
{
	struct subject *s = ctx;
	char error[256];

	assert_ok(ponto_conf_make(&ponto_alloc_system, s->plugin->options, s->plugin->option_count, NULL, error,
				  sizeof(error), &s->conf));
	s->env = (struct ponto_env){
		.abi = PONTO_PLUGIN_ABI,
		.size = sizeof(s->env),
		.instance = "wide",
		.node_name = "test",
		.conf = s->conf,
		.alloc = &ponto_alloc_system,
		.simulation = !s->local,
	};
	if (s->local)
		open_system(s, bed);
	else
		open_world(s, bed);
	bed->transport[0].ops = (const struct ponto_transport_ops *)(const void *)s->plugin->vtable;
	assert_ok(bed->transport[0].ops->create(&s->env, &bed->transport[0].self));
	bed->transport[1] = bed->transport[0];
	return PONTO_OK;
}

static void subject_close(void *ctx, struct stream_bed *bed)
{
	struct subject *s = ctx;

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
	struct stream_subject subject = {subject_open, subject_close, run->subject};
	char why[512];

	if (!stream_suite_run(run->index, &subject, why, sizeof(why)))
		fail_msg("%s", why);
}

int main(void)
{
	static struct subject subjects[] = {
		{.plugin = &transport_tcp_LTX_ponto_plugin, .name = "IPv6", .local = "::1", .foreign = "2001:db8::ffff"},
		{.plugin = &transport_tcp_LTX_ponto_plugin, .name = "IPv4", .local = "127.0.0.1", .foreign = "192.0.2.77"},
		{.plugin = &transport_sim_LTX_ponto_plugin, .name = "loopback", .scope = PONTO_SCOPE_LOOPBACK},
		{.plugin = &transport_sim_LTX_ponto_plugin, .name = "link", .scope = PONTO_SCOPE_LINK},
		{.plugin = &transport_sim_LTX_ponto_plugin, .name = "lossy", .scope = PONTO_SCOPE_GLOBAL, .loss = 200000},
	};
	static struct CMUnitTest tests[PONTO_ARRAY_SIZE(subjects) * 32];
	static struct run runs[PONTO_ARRAY_SIZE(tests)];
	static char names[PONTO_ARRAY_SIZE(tests)][64];
	size_t count = 0;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(subjects); i++) {
		for (size_t j = 0; j < stream_suite_count(); j++, count++) {
			snprintf(names[count], sizeof(names[count]), "%s (%s, %s)", stream_suite_name(j),
				 subjects[i].plugin->name, subjects[i].name);
			runs[count] = (struct run){&subjects[i], j};
			tests[count] = (struct CMUnitTest){names[count], run_case, NULL, NULL, &runs[count]};
		}
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("stream", tests, count, NULL, NULL);
}
