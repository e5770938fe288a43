/* transport-teredo: what it refuses, memory that runs out, handles on several threads. */
#include "tests/support/teredo_world.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct ponto_plugin transport_sim_LTX_ponto_plugin, transport_udp4_LTX_ponto_plugin,
	transport_teredo_LTX_ponto_plugin;

/* A node with a carrier and, added last, the instance; the result of adding that. */
struct made {
	struct ponto_sim *sim;
	struct ponto_sim_node *sim_node;
	struct ponto_node *node;
	struct ponto_conf *confs[3];
	struct ponto_transport wide;
};

static int add(struct made *m, unsigned which, const struct ponto_plugin *plugin, const char *name,
	       const char *const *settings)
{
	char error[256], reason[PONTO_REASON_SIZE];
	int result = ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error,
				     sizeof(error), &m->confs[which]);

	return result == PONTO_OK ? ponto_node_add(m->node, plugin, name, m->confs[which], reason) : result;
}

static int make(struct made *m, const struct ponto_alloc *alloc, const char *state, const char *const *settings)
{
	const char *family[] = {"family=4", NULL};
	struct ponto_node_setup setup = {.name = "node", .alloc = alloc, .state_dir = state, .simulation = true};
	struct ponto_iface iface;
	int result;

	memset(m, 0, sizeof(*m));
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &m->sim));
	assert_ok(ponto_sim_node(m->sim, &m->sim_node));
	setup.random = ponto_sim_node_random(m->sim_node);
	setup.clock = ponto_sim_node_clock(m->sim_node);
	setup.loop = ponto_sim_node_loop(m->sim_node);
	result = ponto_node_create(&setup, &m->node);
	if (result == PONTO_OK)
		result = add(m, 0, &transport_sim_LTX_ponto_plugin, "wire", family);
	if (result == PONTO_OK)
		result = add(m, 1, &transport_teredo_LTX_ponto_plugin, "wide", settings);
	if (result == PONTO_OK && ponto_node_find(m->node, PONTO_KIND_TRANSPORT, "wide", &iface) == PONTO_OK)
		m->wide =
			(struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	return result;
}

static void unmake(struct made *m)
{
	(void)ponto_node_destroy(m->node);
	ponto_conf_destroy(m->confs[0]);
	ponto_conf_destroy(m->confs[1]);
	ponto_sim_destroy(m->sim);
}

#define SERVER "servers=44.0.0.64"

static void settings_that_are_refused(void **state)
{
	static const char *const bad[][5] = {
		{"carrier=wire"},
		{"carrier=nobody", SERVER},
		{"carrier=wire", "servers=10.0.0.1"},
		{"carrier=wire", "servers=2001:db8::1"},
		{"carrier=wire", "servers=44.0.0.64:3544"},
		{"carrier=wire", "servers=44.0.0.64/44.0.0.64"},
		{"carrier=wire", "servers=44.0.0.64/x"},
		{"carrier=wire", SERVER, "extensions=sequential"},
		{"carrier=wire", SERVER, "extensions=other"},
		{"carrier=wire", SERVER, "refresh_low=101"},
		{"carrier=wire", SERVER, "refresh=0"},
		{"carrier=wire", SERVER, "identifier=me"},
		{"carrier=wire", SERVER, "secret_file=/nowhere"},
	};
	static const char *const good[][5] = {
		{"carrier=wire", SERVER},
		{"carrier=wire", "servers=44.0.0.64/none,44.0.0.70/44.0.0.90"},
		{"carrier=wire", SERVER, "extensions="},
		{"carrier=wire", SERVER, "refresh_low=50", "refresh_high=150"},
	};
	struct made m;

	(void)state;
	PONTO_PROVES("TEREDO-030", "TEREDO-039");
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		assert_int_equal(make(&m, &ponto_alloc_system, NULL, bad[i]), PONTO_ECONF);
		unmake(&m);
	}
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(good); i++) {
		assert_ok(make(&m, &ponto_alloc_system, NULL, good[i]));
		unmake(&m);
	}
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void secret_is_the_owners(void **state)
{
	static const char *const settings[] = {"carrier=wire", SERVER, "identifier=me", "secret_file=key", NULL};
	char *dir = ponto_test_mkdir(), path[256];
	struct made m;

	(void)state;
	PONTO_PROVES("TEREDO-031");
	snprintf(path, sizeof(path), "%s/key", dir);
	assert_int_equal(make(&m, &ponto_alloc_system, dir, settings), PONTO_EIO);
	unmake(&m);
	write_file(path, "secret\n", 0644);
	assert_int_equal(make(&m, &ponto_alloc_system, dir, settings), PONTO_EACCES);
	unmake(&m);
	write_file(path, "\n", 0600);
	assert_int_equal(make(&m, &ponto_alloc_system, dir, settings), PONTO_ECONF);
	unmake(&m);
	write_file(path, "secret\n", 0600);
	assert_ok(make(&m, &ponto_alloc_system, dir, settings));
	unmake(&m);
	ponto_test_rmdir(dir);
}

/* ---- memory ------------------------------------------------------------------------------------ */

static void ignore(void *arg, const struct ponto_datagram *batch, size_t count)
{
	(void)arg;
	(void)batch;
	(void)count;
}

static int oom_run(const struct ponto_alloc *alloc, void *arg)
{
	static const char *const settings[] = {"carrier=wire", SERVER, NULL};
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL};
	struct ponto_datagram_events events = {.receive = ignore};
	struct ponto_datagrams d = {0};
	struct made m;
	int result = make(&m, alloc, NULL, settings);

	(void)arg;
	if (result == PONTO_OK)
		result = ponto_datagrams_open(m.wide, ponto_sim_node_loop(m.sim_node), &want, &events, NULL, &d);
	if (result == PONTO_OK)
		(void)ponto_sim_run(m.sim, ponto_sim_now(m.sim) + 30 * PONTO_SECOND);
	ponto_datagrams_close(&d);
	unmake(&m);
	return result;
}

static void memory_runs_out(void **state)
{
	(void)state;
	ponto_test_oom(oom_run, NULL, true);
}

/* ---- threads -------------------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 20

struct user {
	pthread_t thread;
	struct ponto_transport wide;
	struct ponto_loop *loop;
	struct ponto_datagrams d;
	uint16_t port;
	bool relays;
	unsigned round;
	struct ponto_timer *timer;
};

static void again(void *arg)
{
	struct ponto_datagram_events events = {.receive = ignore, .addresses_changed = NULL};
	struct user *u = arg;
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = u->port};
	struct ponto_datagram d = {.data = ponto_bytes("x", 1)};
	struct ponto_addr local;
	size_t count, sent;

	if (u->d.handle) {
		assert_ok(ponto_datagrams_local(u->d, &local, 1, &count));
		assert_ok(ponto_addr_parse("[2001:0:2c00:40:0:efff:d2ff:fffd]:3540", 0, &d.peer));
		/* Nobody qualifies it. */
		if (!u->relays)
			assert_int_equal(ponto_datagrams_send(u->d, &d, 1, &sent), PONTO_EUNREACH);
		ponto_datagrams_close(&u->d);
		u->round++;
	} else {
		assert_ok(ponto_datagrams_open(u->wide, u->loop, &want, &events, u, &u->d));
	}
	if (u->round == ROUNDS)
		ponto_loop_stop(u->loop);
	else
		ponto_timer_set(u->loop, u->timer, ponto_loop_now(u->loop));
}

static void *use(void *arg)
{
	struct user *u = arg;

	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &u->loop));
	assert_ok(ponto_timer_create(u->loop, again, u, &u->timer));
	ponto_timer_set(u->loop, u->timer, 0);
	assert_ok(ponto_loop_run(u->loop));
	ponto_timer_destroy(u->loop, u->timer);
	ponto_loop_destroy(u->loop);
	return NULL;
}

static void use_by_threads(struct made *m, bool relays)
{
	struct user users[THREADS];
	struct ponto_iface iface;

	assert_ok(ponto_node_find(m->node, PONTO_KIND_TRANSPORT, "wide", &iface));
	for (unsigned i = 0; i < THREADS; i++) {
		users[i] =
			(struct user){.wide = {(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool},
				      .port = (uint16_t)(3540 + i),
				      .relays = relays};
		assert_int_equal(pthread_create(&users[i].thread, NULL, use, &users[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(users[i].thread, NULL), 0);
	(void)ponto_node_destroy(m->node);
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(m->confs); i++)
		ponto_conf_destroy(m->confs[i]);
}

/* One mapping behind handles on several loops, with the kernel's sockets below. */
static void handles_on_several_threads(void **state)
{
	static const char *const settings[] = {"carrier=wire", SERVER, NULL};
	struct ponto_node_setup setup = {.name = "node",
					 .alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system};
	struct made m = {0};

	(void)state;
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &setup.loop));
	assert_ok(ponto_node_create(&setup, &m.node));
	assert_ok(add(&m, 0, &transport_udp4_LTX_ponto_plugin, "wire", NULL));
	assert_ok(add(&m, 1, &transport_teredo_LTX_ponto_plugin, "wide", settings));
	use_by_threads(&m, false);
	ponto_loop_destroy(setup.loop);
}

/* Native IPv6 whose address is another one all the time. */
struct ponto_datagram_handle {
	struct ponto_loop *loop;
	struct ponto_timer *timer;
	struct ponto_datagram_events events;
	void *arg;
	unsigned changes;
};

static int native_create(const struct ponto_env *env, void **self)
{
	*self = (void *)(uintptr_t)env;
	return PONTO_OK;
}

static void native_destroy(void *self)
{
	(void)self;
}

static void native_change(void *arg)
{
	struct ponto_datagram_handle *h = arg;

	h->changes++;
	ponto_timer_set(h->loop, h->timer, ponto_loop_now(h->loop));
	h->events.addresses_changed(h->arg);
}

static int native_open(void *self, struct ponto_loop *loop, const struct ponto_datagram_want *want,
		       const struct ponto_datagram_events *events, void *arg, struct ponto_datagram_handle **out)
{
	struct ponto_datagram_handle *h = calloc(1, sizeof(*h));

	(void)self;
	(void)want;
	assert_non_null(h);
	*h = (struct ponto_datagram_handle){.loop = loop, .events = *events, .arg = arg};
	assert_ok(ponto_timer_create(loop, native_change, h, &h->timer));
	ponto_timer_set(loop, h->timer, ponto_loop_now(loop));
	*out = h;
	return PONTO_OK;
}

static void native_close(struct ponto_datagram_handle *h)
{
	ponto_timer_destroy(h->loop, h->timer);
	free(h);
}

static int native_local(struct ponto_datagram_handle *h, struct ponto_addr *out, size_t cap, size_t *count)
{
	assert_true(cap > 0);
	assert_ok(ponto_addr_parse(h->changes % 2 ? "2001:db8::1" : "2001:db8::2", 3540, out));
	*count = 1;
	return PONTO_OK;
}

static void relaying_handles_on_several_threads(void **state)
{
	static const struct ponto_transport_ops native_ops = {
		.head = {PONTO_TRANSPORT_ABI, sizeof(native_ops)},
		.create = native_create,
		.destroy = native_destroy,
		.open = native_open,
		.close = native_close,
		.local = native_local,
	};
	static const struct ponto_plugin native = {.abi = PONTO_PLUGIN_ABI,
						   .kind = PONTO_KIND_TRANSPORT,
						   .name = "transport-native",
						   .version = "1",
						   .summary = "changes its address",
						   .vtable = &native_ops.head};
	static const char *const settings[] = {"carrier=wire", "native=inner", NULL};
	struct ponto_grant echo = {.name = "echo", .fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	struct ponto_node_setup setup = {.name = "node",
					 .alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system,
					 .grants = &echo,
					 .grant_count = 1};
	struct made m = {0};

	(void)state;
	assert_true(echo.fd >= 0);
	assert_ok(ponto_loop_uv_create(&ponto_alloc_system, &setup.loop));
	assert_ok(ponto_node_create(&setup, &m.node));
	assert_ok(add(&m, 0, &transport_udp4_LTX_ponto_plugin, "wire", NULL));
	assert_ok(add(&m, 1, &native, "inner", NULL));
	assert_ok(add(&m, 2, &transport_teredo_LTX_ponto_plugin, "wide", settings));
	use_by_threads(&m, true);
	ponto_loop_destroy(setup.loop);
	close(echo.fd);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(settings_that_are_refused),
	cmocka_unit_test(secret_is_the_owners),
	cmocka_unit_test(memory_runs_out),
	cmocka_unit_test(handles_on_several_threads),
	cmocka_unit_test(relaying_handles_on_several_threads),
};

PONTO_TEST_MAIN(tests)
