#include "tests/conform/service_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/node.h"

void service_case_fail(struct service_case *c, const char *file, int line, const char *text)
{
	if (c->verdict != SERVICE_BROKEN)
		snprintf(c->why, c->why_size, "%s:%d: %s does not hold", file, line, text);
	c->verdict = SERVICE_BROKEN;
}

/* ---- memory ------------------------------------------------------------------------ */

static bool may(struct service_case *c)
{
	bool no = ++c->made == c->refuse_at;

	c->refused |= no;
	return !no;
}

static void *count_alloc(void *ctx, size_t size)
{
	struct service_case *c = ctx;
	void *block = may(c) ? calloc(1, size ? size : 1) : NULL;

	c->live += block != NULL;
	return block;
}

static void *count_resize(void *ctx, void *block, size_t size)
{
	struct service_case *c = ctx;
	void *moved = may(c) ? realloc(block, size ? size : 1) : NULL;

	c->live += moved && !block;
	return moved;
}

static void count_release(void *ctx, void *block)
{
	struct service_case *c = ctx;

	c->live -= block != NULL;
	free(block);
}

bool service_case_refuse(struct service_case *c, size_t nth)
{
	bool refused = c->refused;

	c->refused = false;
	c->refuse_at = nth ? c->made + nth : 0;
	return refused;
}

size_t service_case_live(const struct service_case *c)
{
	return c->live;
}

/* ---- the instance -------------------------------------------------------------------- */

static void not_tried(struct service_case *c, const char *what, int result)
{
	if (c->verdict != SERVICE_HOLDS)
		return;
	c->verdict = SERVICE_NOT_TRIED;
	snprintf(c->why, c->why_size, "it refused to be %s with default options: %s", what, ponto_strerror(result));
}

bool service_case_create(struct service_case *c)
{
	void *self = c;
	int result = c->ops->create(&c->env, &self);

	HOLDS(result <= 0);
	if (result == PONTO_OK) {
		c->self = self;
		return true;
	}
	HOLDS(self == c); /* outs are untouched */
	HOLDS(service_case_live(c) == 0);
	not_tried(c, "made", result);
	return false;
}

bool service_case_start(struct service_case *c)
{
	int result;

	c->asked_count = 0;
	if (!service_case_create(c))
		return false;
	result = c->ops->start(c->self);
	if (result == PONTO_OK)
		return true;
	HOLDS(result < 0);
	service_case_destroy(c);
	HOLDS(service_case_live(c) == 0);
	not_tried(c, "started", result);
	return false;
}

static void on_reply(struct ponto_call *call, int result, struct ponto_bytes payload, const char *error)
{
	struct asked *asked = (struct asked *)call;
	struct service_case *c = asked->of;

	asked->answers++;
	asked->result = result;
	HOLDS(asked->answers == 1);
	HOLDS(result <= 0);
	HOLDS(payload.len == 0 || payload.data != NULL);
	HOLDS(result == PONTO_OK || !error || !strchr(error, '\n'));
}

void service_case_ask(struct service_case *c, const char *method, struct ponto_bytes payload, uint64_t client)
{
	static const struct ponto_call_ops ops = {on_reply};
	struct asked *asked = &c->asked[c->asked_count];

	if (c->asked_count == SERVICE_CALLS_MAX)
		return;
	c->asked_count++;
	*asked = (struct asked){.of = c};
	snprintf(asked->method, sizeof(asked->method), "%s", method);
	asked->call = (struct ponto_call){
		.ops = &ops,
		.method = asked->method,
		.payload = payload,
		.uid = 1000,
		.pid = 1,
		.client = client,
		.deadline = ponto_loop_now(c->loop) + SERVICE_DEADLINE,
	};
	c->ops->call(c->self, &asked->call);
}

void service_case_pass(struct service_case *c, uint64_t us)
{
	ponto_sim_run(c->sim, ponto_sim_now(c->sim) + us);
}

bool service_case_answered_once(struct service_case *c)
{
	for (size_t i = 0; i < c->asked_count; i++) {
		if (c->asked[i].answers != 1)
			return false;
	}
	return true;
}

static void on_stopped(void *arg)
{
	((struct service_case *)arg)->stopped++;
}

void service_case_stop(struct service_case *c)
{
	c->stopped = 0;
	c->ops->stop(c->self, on_stopped, c);
	service_case_pass(c, PONTO_SECOND);
	HOLDS(c->stopped == 1); /* within a second */
	HOLDS(service_case_answered_once(c));
	service_case_pass(c, PONTO_SECOND);
	HOLDS(c->stopped == 1);
}

void service_case_destroy(struct service_case *c)
{
	if (c->self)
		c->ops->destroy(c->self);
	c->self = NULL;
	service_case_pass(c, PONTO_SECOND);
}

void service_case_end(struct service_case *c)
{
	service_case_stop(c);
	service_case_destroy(c);
	HOLDS(service_case_live(c) == 0);
}

/* ---- the node ---------------------------------------------------------------------------- */

static int add_helpers(struct service_case *c, const struct ponto_node_setup *setup)
{
	int result = ponto_node_create(setup, &c->node);

	for (size_t i = 0; result == PONTO_OK && i < SERVICE_HELPERS_MAX && c->subject->helpers[i]; i++) {
		const struct ponto_plugin *helper = c->subject->helpers[i];
		char reason[PONTO_REASON_SIZE];

		result = ponto_conf_make(&ponto_alloc_system, helper->options, helper->option_count, NULL, reason,
					 sizeof(reason), &c->helper_conf[i]);
		if (result == PONTO_OK)
			result = ponto_node_add(c->node, helper, "helper", c->helper_conf[i], reason);
	}
	return result;
}

/* Defaults, but for what refers to instances: the helper of that kind, or none. */
static int configure(struct service_case *c)
{
	const struct ponto_plugin *plugin = c->subject->plugin;
	char texts[32][64], error[256] = "";
	const char *settings[33] = {NULL};
	size_t count = 0;
	int result;

	for (size_t i = 0; i < plugin->option_count && count < 32; i++) {
		const struct ponto_option *o = &plugin->options[i];
		bool there = false;

		if (o->type != PONTO_OPTION_REF && o->type != PONTO_OPTION_REFS)
			continue;
		for (size_t h = 0; h < SERVICE_HELPERS_MAX && c->subject->helpers[h]; h++)
			there |= c->subject->helpers[h]->kind == o->ref_kind;
		snprintf(texts[count], sizeof(texts[count]), "%s=%s", o->name, there ? "helper" : "");
		settings[count] = texts[count];
		count++;
	}
	result = ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error,
				 sizeof(error), &c->conf);
	if (result != PONTO_OK)
		snprintf(c->why, c->why_size, "its defaults are no configuration: %s", error);
	return result;
}

static int open_node(struct service_case *c)
{
	struct ponto_node_setup setup = {.name = "check", .alloc = &ponto_alloc_system, .simulation = true};
	struct ponto_sim_node *place;
	int result = ponto_sim_create(&ponto_alloc_system, 1, &c->sim);

	if (result == PONTO_OK)
		result = ponto_sim_node(c->sim, &place);
	if (result != PONTO_OK)
		return result;
	setup.loop = c->loop = ponto_sim_node_loop(place);
	setup.random = ponto_sim_node_random(place);
	setup.clock = ponto_sim_node_clock(place);
	result = ponto_log_create(&ponto_alloc_system, setup.clock, PONTO_LOG_NONE, "error", &c->log);
	if (result == PONTO_OK)
		result = ponto_metrics_create(&ponto_alloc_system, &c->metrics);
	setup.log = c->log;
	setup.metrics = c->metrics;
	if (result == PONTO_OK)
		result = add_helpers(c, &setup);
	if (result == PONTO_OK)
		result = configure(c);
	c->alloc = (struct ponto_alloc){count_alloc, count_resize, count_release, c};
	c->env = (struct ponto_env){.abi = PONTO_PLUGIN_ABI, .size = sizeof(c->env), .instance = "checked",
				    .node_name = "check", .conf = c->conf, .alloc = &c->alloc, .random = setup.random,
				    .clock = setup.clock, .log = c->log, .metrics = c->metrics, .loop = c->loop,
				    .node = c->node, .simulation = true};
	return result;
}

static void close_node(struct service_case *c)
{
	if (c->sim)
		service_case_pass(c, PONTO_SECOND);
	if (ponto_node_destroy(c->node) != PONTO_OK)
		service_case_fail(c, __FILE__, __LINE__, "the helpers can be destroyed");
	ponto_conf_destroy(c->conf);
	for (size_t i = 0; i < SERVICE_HELPERS_MAX; i++)
		ponto_conf_destroy(c->helper_conf[i]);
	ponto_metrics_destroy(c->metrics);
	ponto_log_destroy(c->log);
	ponto_sim_destroy(c->sim);
}

enum service_verdict service_case_run(void (*run)(struct service_case *c), const struct service_subject *subject,
				      char *why, size_t why_size)
{
	struct service_case *c = calloc(1, sizeof(*c));
	enum service_verdict verdict;
	int result;

	snprintf(why, why_size, "out of memory");
	if (!c)
		return SERVICE_BROKEN;
	why[0] = 0;
	c->subject = subject;
	c->ops = (const struct ponto_service_ops *)(const void *)subject->plugin->vtable;
	c->verdict = SERVICE_HOLDS;
	c->why = why;
	c->why_size = why_size;
	result = open_node(c);
	if (result == PONTO_OK) {
		run(c);
	} else {
		c->verdict = SERVICE_BROKEN;
		if (!why[0])
			snprintf(why, why_size, "no simulated node can be made: %s", ponto_strerror(result));
	}
	close_node(c);
	verdict = c->verdict;
	free(c);
	return verdict;
}
