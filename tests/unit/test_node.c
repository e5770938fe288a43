/* The node: order, look-up, a thread for each service, stopping, reloading, failures that leave nothing behind. */
#include "tests/unit/bus_fixture.h"

#include <sys/syscall.h>

#include "framework/node.h"
#include "framework/sim.h"
#include "framework/store.h"

/* ---- a store and a service to compose with ----------------------------------------- */

struct trace {
	pthread_mutex_t lock;
	char text[1024];
};

static struct trace trace = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(const char *what, const char *instance)
{
	pthread_mutex_lock(&trace.lock);
	strncat(trace.text, what, sizeof(trace.text) - strlen(trace.text) - 1);
	strncat(trace.text, instance, sizeof(trace.text) - strlen(trace.text) - 1);
	strncat(trace.text, " ", sizeof(trace.text) - strlen(trace.text) - 1);
	pthread_mutex_unlock(&trace.lock);
}

static int store_create(const struct ponto_env *env, void **self)
{
	note("create:", env->instance);
	*self = (void *)(uintptr_t)env;
	return PONTO_OK;
}

static void store_destroy(void *self)
{
	note("destroy:", ((const struct ponto_env *)self)->instance);
}

static int store_flush(void *self, uint64_t deadline)
{
	(void)deadline;
	note("flush:", ((const struct ponto_env *)self)->instance);
	return PONTO_OK;
}

static const struct ponto_store_ops store_ops = {
	.head = {PONTO_STORE_ABI, sizeof(store_ops)},
	.create = store_create,
	.destroy = store_destroy,
	.flush = store_flush,
};

struct service {
	const struct ponto_env *env;
	pid_t thread;
	int64_t level;
	struct ponto_timer *timer;
	ponto_loop_fn *done;
	void *arg;
};

static const struct ponto_option service_options[] = {
	{.name = "store", .type = PONTO_OPTION_STRING, .fallback = "main", .doc = "store"},
	{.name = "fail", .type = PONTO_OPTION_STRING, .fallback = "", .doc = "create, start or hang"},
	{.name = "level", .type = PONTO_OPTION_INT, .fallback = "1", .min = 0, .max = 9, .doc = "live", .live = true},
	{.name = "fixed", .type = PONTO_OPTION_INT, .fallback = "1", .min = 0, .max = 9, .doc = "not live"},
};

static bool fails(const struct ponto_env *env, const char *how)
{
	return strcmp(ponto_conf_string(env->conf, "fail"), how) == 0;
}

static int service_create(const struct ponto_env *env, void **self)
{
	struct ponto_iface store;
	struct service *s;

	if (fails(env, "create"))
		return PONTO_EACCES;
	if (ponto_env_find(env, PONTO_KIND_STORE, ponto_conf_string(env->conf, "store"), &store) != PONTO_OK)
		return PONTO_ENOENT;
	assert_non_null(store.pool);
	assert_non_null(env->loop);
	s = ponto_new(env->alloc, 1, sizeof(*s));
	if (!s)
		return PONTO_ENOMEM;
	s->env = env;
	s->thread = (pid_t)syscall(SYS_gettid);
	s->level = ponto_conf_int(env->conf, "level");
	note("create:", env->instance);
	*self = s;
	return PONTO_OK;
}

static void on_stopped(void *arg)
{
	struct service *s = arg;

	ponto_timer_destroy(s->env->loop, s->timer);
	s->done(s->arg);
}

static int service_start(void *self)
{
	struct service *s = self;

	if (fails(s->env, "start"))
		return PONTO_EIO;
	assert_int_equal(s->thread, (pid_t)syscall(SYS_gettid));
	note("start:", s->env->instance);
	return ponto_timer_create(s->env->loop, on_stopped, s, &s->timer);
}

static void service_call(void *self, struct ponto_call *call)
{
	struct service *s = self;
	char text[64];

	snprintf(text, sizeof(text), "%d %d", s->thread == (pid_t)syscall(SYS_gettid), (int)s->level);
	ponto_call_reply(call, PONTO_OK, ponto_bytes(text, strlen(text)), NULL);
}

static int service_reload(void *self, const struct ponto_conf *conf)
{
	struct service *s = self;

	assert_int_equal(s->thread, (pid_t)syscall(SYS_gettid));
	s->level = ponto_conf_int(conf, "level");
	return PONTO_OK;
}

static void service_stop(void *self, ponto_loop_fn *done, void *arg)
{
	struct service *s = self;

	note("stop:", s->env->instance);
	s->done = done;
	s->arg = arg;
	if (!fails(s->env, "hang"))
		ponto_timer_set(s->env->loop, s->timer, ponto_loop_now(s->env->loop) + 5 * PONTO_MS);
}

static void service_destroy(void *self)
{
	struct service *s = self;

	note("destroy:", s->env->instance);
	ponto_free(s->env->alloc, s);
}

static const struct ponto_service_ops service_ops = {
	.head = {PONTO_SERVICE_ABI, sizeof(service_ops)},
	.create = service_create,
	.start = service_start,
	.call = service_call,
	.reload = service_reload,
	.stop = service_stop,
	.destroy = service_destroy,
};

static const struct ponto_plugin store_plugin = {
	.abi = PONTO_PLUGIN_ABI, .kind = PONTO_KIND_STORE, .name = "store-test", .version = "1", .summary = "a store",
	.vtable = &store_ops.head,
};

static const struct ponto_plugin service_plugin = {
	.abi = PONTO_PLUGIN_ABI, .kind = PONTO_KIND_SERVICE, .name = "service-test", .version = "1",
	.summary = "a service", .options = service_options, .option_count = PONTO_ARRAY_SIZE(service_options),
	.vtable = &service_ops.head,
};

/* ---- a node on a bus ------------------------------------------------------------------ */

struct fixture {
	struct bus_fixture bus;
	struct ponto_node *node;
	struct ponto_conf *empty, *confs[8];
	size_t conf_count;
	char reason[PONTO_REASON_SIZE];
};

static const struct ponto_conf *conf_of(struct fixture *f, const char *setting)
{
	const char *settings[] = {setting, NULL};
	char error[128];

	assert_ok(ponto_conf_make(&ponto_alloc_system, service_options, PONTO_ARRAY_SIZE(service_options),
				  setting ? settings : NULL, error, sizeof(error), &f->confs[f->conf_count]));
	return f->confs[f->conf_count++];
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ponto_node_setup s = {.name = "n", .alloc = &ponto_alloc_system, .random = &ponto_random_system,
				     .clock = &ponto_clock_system};
	char error[128];

	trace.text[0] = '\0';
	bus_fixture_start(&f->bus, NULL);
	s.log = f->bus.log;
	s.metrics = f->bus.metrics;
	s.bus = f->bus.bus;
	assert_ok(ponto_node_create(&s, &f->node));
	assert_ok(ponto_conf_make(&ponto_alloc_system, NULL, 0, NULL, error, sizeof(error), &f->empty));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_ok(ponto_node_destroy(f->node));
	for (size_t i = 0; i < f->conf_count; i++)
		ponto_conf_destroy(f->confs[i]);
	ponto_conf_destroy(f->empty);
	bus_fixture_stop(&f->bus);
	free(f);
	return 0;
}

static int add_store(struct fixture *f)
{
	return ponto_node_add(f->node, &store_plugin, "main", f->empty, f->reason);
}

static int add_service(struct fixture *f, const char *name, const char *setting)
{
	return ponto_node_add(f->node, &service_plugin, name, conf_of(f, setting), f->reason);
}

static void ask(struct fixture *f, const char *service, const char *expected)
{
	struct ponto_client *client = bus_fixture_client(&f->bus);
	struct ponto_reply reply;

	assert_ok(ponto_client_call(client, service, "Ask", ponto_bytes(NULL, 0), 20000, &reply));
	assert_int_equal(reply.result, PONTO_OK);
	assert_int_equal(reply.len, strlen(expected));
	assert_memory_equal(reply.payload, expected, reply.len);
	ponto_reply_clear(client, &reply);
	ponto_client_destroy(client);
}

static void test_order_and_threads(void **state)
{
	struct fixture *f = *state;
	const struct ponto_plugin *plugin;
	struct ponto_iface iface;
	const char *name;

	assert_ok(add_store(f));
	assert_ok(add_service(f, "one", NULL));
	assert_ok(add_service(f, "two", NULL));
	assert_ok(ponto_node_start(f->node, f->reason));
	ask(f, "one", "1 1");
	ask(f, "two", "1 1");
	assert_ok(ponto_node_find(f->node, PONTO_KIND_STORE, "main", &iface));
	assert_int_equal(ponto_node_find(f->node, PONTO_KIND_SERVICE, "main", &iface), PONTO_ENOENT);
	assert_true(ponto_node_at(f->node, 2, &plugin, &name));
	assert_string_equal(name, "two");
	assert_false(ponto_node_at(f->node, 3, &plugin, &name));
	assert_ok(ponto_node_destroy(f->node));
	f->node = NULL;
	assert_string_equal(trace.text, "create:main create:one create:two start:one start:two "
					"stop:two destroy:two stop:one destroy:one destroy:main ");
}

static void test_failures_say_what(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add_service(f, "early", NULL), PONTO_ENOENT); /* its store is not there yet */
	assert_string_equal(f->reason, "services.early: service-test cannot be made: not found");
	assert_ok(add_store(f));
	assert_int_equal(add_store(f), PONTO_EEXIST);
	assert_int_equal(add_service(f, "bad", "fail=create"), PONTO_EACCES);
	assert_int_equal(add_service(f, "echo", NULL), PONTO_EEXIST); /* taken on the bus */
	assert_ok(add_service(f, "early", NULL));
	assert_ok(add_service(f, "late", "fail=start"));
	assert_int_equal(ponto_node_start(f->node, f->reason), PONTO_EIO);
	assert_string_equal(f->reason, "services.late: service-test does not start: input or output failed");
}

static void test_ends_without_start(void **state)
{
	struct fixture *f = *state;

	assert_ok(add_store(f));
	assert_ok(add_service(f, "one", NULL));
	assert_ok(ponto_node_destroy(f->node));
	f->node = NULL;
	assert_string_equal(trace.text, "create:main create:one destroy:one destroy:main ");
}

/* Without bus: on the caller's loop, in virtual time. */
static void test_on_a_simulated_loop(void **state)
{
	struct ponto_sim_node *world_node;
	struct ponto_node_setup s = {.name = "n", .alloc = &ponto_alloc_system, .simulation = true};
	struct fixture f = {0};
	struct ponto_sim *sim;
	char error[128];

	(void)state;
	trace.text[0] = '\0';
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &sim));
	assert_ok(ponto_sim_node(sim, &world_node));
	s.loop = ponto_sim_node_loop(world_node);
	s.clock = ponto_sim_node_clock(world_node);
	s.random = ponto_sim_node_random(world_node);
	assert_ok(ponto_node_create(&s, &f.node));
	assert_ok(ponto_conf_make(&ponto_alloc_system, NULL, 0, NULL, error, sizeof(error), &f.empty));
	assert_ok(add_store(&f));
	assert_ok(add_service(&f, "one", NULL));
	assert_ok(ponto_node_start(f.node, f.reason));
	assert_ok(ponto_node_destroy(f.node));
	assert_string_equal(trace.text, "create:main create:one start:one stop:one destroy:one destroy:main ");
	ponto_conf_destroy(f.confs[0]);
	ponto_conf_destroy(f.empty);
	ponto_sim_destroy(sim);
}

static int run_out(const struct ponto_alloc *alloc, void *arg)
{
	struct ponto_node_setup s = {.name = "n", .state_dir = "/s", .alloc = alloc, .simulation = true};
	char error[128], reason[PONTO_REASON_SIZE];
	struct ponto_sim_node *world_node;
	struct ponto_conf *empty, *conf;
	struct ponto_node *node = NULL;
	struct ponto_sim *sim;
	int result;

	(void)arg;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &sim));
	assert_ok(ponto_sim_node(sim, &world_node));
	assert_ok(ponto_conf_make(&ponto_alloc_system, NULL, 0, NULL, error, sizeof(error), &empty));
	assert_ok(ponto_conf_make(&ponto_alloc_system, service_options, PONTO_ARRAY_SIZE(service_options), NULL, error,
				  sizeof(error), &conf));
	s.loop = ponto_sim_node_loop(world_node);
	s.clock = ponto_sim_node_clock(world_node);
	result = ponto_node_create(&s, &node);
	if (result == PONTO_OK)
		result = ponto_node_add(node, &store_plugin, "main", empty, reason);
	if (result == PONTO_OK)
		result = ponto_node_add(node, &service_plugin, "one", conf, reason);
	if (result == PONTO_OK)
		result = ponto_node_start(node, reason);
	assert_ok(ponto_node_destroy(node));
	ponto_conf_destroy(conf);
	ponto_conf_destroy(empty);
	ponto_sim_destroy(sim);
	return result;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	ponto_test_oom(run_out, NULL, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order_and_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures_say_what, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends_without_start, setup, teardown),
		cmocka_unit_test(test_on_a_simulated_loop),
		cmocka_unit_test(test_out_of_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
