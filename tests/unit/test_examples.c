/* The examples of docs/examples keep the contracts they are examples of. */
#include "tests/support/test.h"

#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "framework/discovery.h"
#include "framework/registry.h"
#include "framework/security.h"
#include "framework/service.h"
#include "framework/sim.h"
#include "framework/transport.h"
#include "tests/conform/store_suite.h"

extern const struct ponto_plugin store_file_LTX_ponto_plugin, transport_loop_LTX_ponto_plugin,
	discovery_list_LTX_ponto_plugin, service_echo_LTX_ponto_plugin, security_memory_LTX_ponto_plugin;

static const struct ponto_plugin *const examples[] = {
	&store_file_LTX_ponto_plugin,	&transport_loop_LTX_ponto_plugin,  &discovery_list_LTX_ponto_plugin,
	&service_echo_LTX_ponto_plugin, &security_memory_LTX_ponto_plugin, NULL,
};

/* Whatever an instance needs, over an allocator that counts. */
struct fixture {
	struct ponto_test_alloc alloc;
	struct ponto_test_random random;
	struct ponto_test_clock clock;
	struct ponto_conf *conf;
	struct ponto_env env;
	char *folder;
};

static void fixture_init(struct fixture *f, const struct ponto_plugin *plugin, const char *const *settings)
{
	char error[256];

	memset(f, 0, sizeof(*f));
	ponto_test_alloc_init(&f->alloc);
	ponto_test_random_init(&f->random, 1);
	ponto_test_clock_init(&f->clock);
	f->folder = ponto_test_mkdir();
	assert_ok(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, error, sizeof(error),
				  &f->conf));
	f->env = (struct ponto_env){.abi = PONTO_PLUGIN_ABI, .size = sizeof(f->env), .instance = "example",
				    .node_name = "test", .state_dir = f->folder, .conf = f->conf,
				    .alloc = &f->alloc.alloc, .random = &f->random.random, .clock = &f->clock.clock};
}

static void fixture_free(struct fixture *f)
{
	assert_int_equal(f->alloc.live, 0);
	ponto_conf_destroy(f->conf);
	ponto_test_rmdir(f->folder);
}

static void all_pass_the_loader(void **state)
{
	struct ponto_registry *registry;
	char reason[PONTO_REASON_SIZE];

	(void)state;
	assert_ok(ponto_registry_create(&ponto_alloc_system, examples, NULL, &registry));
	for (const struct ponto_plugin *const *p = examples; *p; p++)
		assert_ok(ponto_registry_load(registry, (*p)->name, reason));
	ponto_registry_destroy(registry);
}

/* ---- store-file ----------------------------------------------------------------------- */

static int store_open(void *ctx, const struct ponto_clock *clock, struct ponto_store *out)
{
	struct fixture *f = ctx;

	fixture_init(f, &store_file_LTX_ponto_plugin, NULL);
	f->env.clock = clock;
	f->env.alloc = &ponto_alloc_system; /* the suite's threads share it */
	out->ops = (const struct ponto_store_ops *)(const void *)store_file_LTX_ponto_plugin.vtable;
	return out->ops->create(&f->env, &out->self);
}

static void store_close(void *ctx, struct ponto_store store)
{
	store.ops->destroy(store.self);
	fixture_free(ctx);
}

static void store_file_keeps_the_store_contract(void **state)
{
	struct fixture f;
	struct store_subject subject = {store_open, store_close, &f};

	(void)state;
	for (size_t i = 0; i < store_suite_count(); i++) {
		char why[512] = "";

		if (!store_suite_run(i, &subject, why, sizeof(why)))
			fail_msg("%s: %s", store_suite_name(i), why);
	}
}

static void store_file_outlives_its_instance_and_tells_damage(void **state)
{
	const struct ponto_store_ops *ops = (const void *)store_file_LTX_ponto_plugin.vtable;
	struct ponto_store store = {.ops = ops};
	struct ponto_bytes g = ponto_bytes("g", 1), k = ponto_bytes("k", 1);
	struct fixture f;
	char command[4400];
	uint8_t *value = NULL;
	size_t len = 0;

	(void)state;
	fixture_init(&f, &store_file_LTX_ponto_plugin, NULL);
	assert_ok(ops->create(&f.env, &store.self));
	assert_ok(ponto_store_put(store, g, k, ponto_bytes("v", 1), 0, PONTO_STORE_SYNC, PONTO_NEVER));
	ops->destroy(store.self);
	assert_ok(ops->create(&f.env, &store.self));
	assert_ok(ponto_store_get(store, g, k, PONTO_NEVER, &ponto_alloc_system, &value, &len, NULL));
	assert_int_equal(len, 1);
	free(value);
	snprintf(command, sizeof(command), "for f in '%s'/files/*; do printf x >>\"$f\"; done", f.folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(ponto_store_get(store, g, k, PONTO_NEVER, &ponto_alloc_system, &value, &len, NULL),
			 PONTO_ECORRUPT);
	ops->destroy(store.self);
	fixture_free(&f);
}

static int store_without_memory(const struct ponto_alloc *alloc, void *arg)
{
	const struct ponto_store_ops *ops = (const void *)store_file_LTX_ponto_plugin.vtable;
	struct ponto_store store = {.ops = ops};
	struct fixture *f = arg;
	struct ponto_bytes g = ponto_bytes("g", 1), k = ponto_bytes("k", 1);
	uint8_t *value = NULL;
	size_t len;
	int result;

	f->env.alloc = alloc;
	result = ops->create(&f->env, &store.self);
	if (result != PONTO_OK)
		return result;
	result = ponto_store_put(store, g, k, ponto_bytes("v", 1), 0, 0, PONTO_NEVER);
	if (result == PONTO_OK)
		result = ponto_store_get(store, g, k, PONTO_NEVER, alloc, &value, &len, NULL);
	ponto_free(alloc, value);
	ops->destroy(store.self);
	return result;
}

static void store_file_survives_without_memory(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, &store_file_LTX_ponto_plugin, NULL);
	ponto_test_oom(store_without_memory, &f, false);
	fixture_free(&f);
}

/* ---- transport-loop --------------------------------------------------------------------- */

struct end {
	struct ponto_datagrams d;
	struct end *close_me;
	size_t received;
	struct ponto_addr from;
	char text[16];
};

static void on_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct end *end = arg;

	end->received += count;
	end->from = batch[0].peer;
	snprintf(end->text, sizeof(end->text), "%.*s", (int)batch[0].data.len, (const char *)batch[0].data.data);
	if (end->close_me)
		ponto_datagrams_close(&end->close_me->d);
}

static void transport_loop_carries_datagrams(void **state)
{
	static const struct ponto_datagram_events events = {.receive = on_receive};
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_LOOPBACK};
	struct ponto_transport t = {.ops = (const void *)transport_loop_LTX_ponto_plugin.vtable};
	struct ponto_datagram message = {.data = ponto_bytes("hello", 5)};
	struct end a = {0}, b = {0};
	struct ponto_sim_node *node;
	struct ponto_sim *sim;
	struct fixture f;
	size_t count;

	(void)state;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &sim));
	assert_ok(ponto_sim_node(sim, &node));
	fixture_init(&f, &transport_loop_LTX_ponto_plugin, NULL);
	assert_ok(t.ops->create(&f.env, &t.self));
	assert_ok(ponto_datagrams_open(t, ponto_sim_node_loop(node), &want, &events, &a, &a.d));
	assert_ok(ponto_datagrams_open(t, ponto_sim_node_loop(node), &want, &events, &b, &b.d));
	assert_ok(ponto_datagrams_local(b.d, &message.peer, 1, &count));
	assert_int_equal(message.peer.port, 49153);
	want.port = 49153;
	assert_int_equal(ponto_datagrams_open(t, ponto_sim_node_loop(node), &want, &events, &b, &b.d), PONTO_EEXIST);
	want.scope = PONTO_SCOPE_GLOBAL;
	assert_int_equal(ponto_datagrams_open(t, ponto_sim_node_loop(node), &want, &events, &b, &b.d), PONTO_ENOENT);
	for (int i = 0; i < 300; i++)
		assert_ok(ponto_datagrams_send(a.d, &message, 1, &count));
	assert_int_equal(b.received, 0);
	ponto_sim_run(sim, ponto_sim_now(sim) + PONTO_SECOND);
	assert_int_equal(b.received, 256);
	assert_string_equal(b.text, "hello");
	assert_int_equal(b.from.port, 49152);
	assert_int_equal(a.received, 0);
	b.close_me = &b;
	assert_ok(ponto_datagrams_send(a.d, &message, 1, &count));
	ponto_sim_run(sim, ponto_sim_now(sim) + PONTO_SECOND);
	assert_int_equal(b.received, 257);
	assert_ok(ponto_datagrams_send(a.d, &message, 1, &count));
	message.peer.ip[0] = 0x20;
	assert_int_equal(ponto_datagrams_send(a.d, &message, 1, &count), PONTO_EUNREACH);
	assert_int_equal(count, 0);
	ponto_datagrams_close(&a.d);
	t.ops->destroy(t.self);
	fixture_free(&f);
	ponto_sim_destroy(sim);
}

/* ---- discovery-list ------------------------------------------------------------------------ */

struct finds {
	size_t found, done;
	struct ponto_addr first;
};

static void on_found(void *arg, enum ponto_discovery_source source, const struct ponto_addr *addrs, size_t count)
{
	struct finds *finds = arg;

	assert_int_equal(source, PONTO_SOURCE_SEED);
	finds->found += count;
	finds->first = addrs[0];
}

static void on_done(void *arg, enum ponto_discovery_source source)
{
	(void)source;
	((struct finds *)arg)->done++;
}

static void discovery_list_gives_its_addresses(void **state)
{
	static const char *const settings[] = {"addresses=[2001:db8::1]:7,2001:db8::2,192.0.2.1,::1", NULL};
	static const struct ponto_discovery_events events = {on_found, on_done};
	struct ponto_discovery_want want = {.topic = "t", .scope = PONTO_SCOPE_GLOBAL, .port = 9, .family = PONTO_FAMILY_IPV6};
	struct ponto_discovery d = {.ops = (const void *)discovery_list_LTX_ponto_plugin.vtable};
	struct ponto_discovery_handle *h;
	struct ponto_sim_node *node;
	struct ponto_sim *sim;
	struct finds finds = {0};
	struct fixture f;

	(void)state;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &sim));
	assert_ok(ponto_sim_node(sim, &node));
	fixture_init(&f, &discovery_list_LTX_ponto_plugin, settings);
	assert_ok(d.ops->create(&f.env, &d.self));
	assert_ok(ponto_discovery_open(d, ponto_sim_node_loop(node), &want, &events, &finds, &h));
	assert_ok(ponto_discovery_search(d, h, PONTO_SOURCE_SEED | PONTO_SOURCE_MULTICAST));
	assert_int_equal(finds.done, 0);
	ponto_sim_run(sim, ponto_sim_now(sim) + PONTO_SECOND);
	assert_int_equal(finds.done, 2);
	assert_int_equal(finds.found, 2);
	assert_int_equal(finds.first.port, 7);
	ponto_discovery_close(d, h);
	d.ops->destroy(d.self);
	fixture_free(&f);
	ponto_sim_destroy(sim);
}

static void discovery_list_refuses_what_is_no_address(void **state)
{
	static const char *const settings[] = {"addresses=seed.example.net", NULL};
	const struct ponto_discovery_ops *ops = (const void *)discovery_list_LTX_ponto_plugin.vtable;
	struct fixture f;
	void *self;

	(void)state;
	fixture_init(&f, &discovery_list_LTX_ponto_plugin, settings);
	assert_int_equal(ops->create(&f.env, &self), PONTO_ECONF);
	fixture_free(&f);
}

/* ---- service-echo -------------------------------------------------------------------------- */

struct answer {
	struct ponto_call call;
	int result;
	char text[64];
};

static void on_reply(struct ponto_call *call, int result, struct ponto_bytes payload, const char *error)
{
	struct answer *answer = (struct answer *)call;

	answer->result = result;
	snprintf(answer->text, sizeof(answer->text), "%.*s", result ? 60 : (int)payload.len,
		 result ? error : (const char *)payload.data);
}

static void on_stopped(void *arg)
{
	*(bool *)arg = true;
}

static void service_echo_answers(void **state)
{
	static const struct ponto_call_ops call_ops = {on_reply};
	static const char *const settings[] = {"limit=5", NULL};
	const struct ponto_service_ops *ops = (const void *)service_echo_LTX_ponto_plugin.vtable;
	struct answer answer = {.call = {.ops = &call_ops, .method = "Echo", .payload = ponto_bytes("hello", 5)}};
	struct fixture f;
	bool stopped = false;
	void *self;

	(void)state;
	fixture_init(&f, &service_echo_LTX_ponto_plugin, settings);
	assert_ok(ops->create(&f.env, &self));
	assert_ok(ops->start(self));
	ops->call(self, &answer.call);
	assert_ok(answer.result);
	assert_string_equal(answer.text, "hello");
	answer.call.payload.len = 6;
	ops->call(self, &answer.call);
	assert_int_equal(answer.result, PONTO_ELIMIT);
	answer.call.method = "Shout";
	ops->call(self, &answer.call);
	assert_int_equal(answer.result, PONTO_ENOTSUP);
	ops->stop(self, on_stopped, &stopped);
	assert_true(stopped);
	ops->destroy(self);
	fixture_free(&f);
}

/* ---- security-memory ------------------------------------------------------------------------- */

static void security_memory_signs_and_exports(void **state)
{
	struct ponto_security s = {.ops = (const void *)security_memory_LTX_ponto_plugin.vtable};
	struct ponto_identity identity, again;
	struct ponto_bytes data = ponto_bytes("data", 4), key;
	uint8_t signature[PONTO_SIGNATURE_MAX], *exported;
	struct fixture f;
	size_t len, size;

	(void)state;
	fixture_init(&f, &security_memory_LTX_ponto_plugin, NULL);
	assert_ok(s.ops->create(&f.env, &s.self));
	assert_int_equal(ponto_identity_create(s, 1, PONTO_PROFILE_WINDOWS, "Ann", &identity), PONTO_ENOTSUP);
	assert_int_equal(ponto_identity_create(s, 1, PONTO_PROFILE_MODERN, "", &identity), PONTO_EINVAL);
	assert_int_equal(ponto_identity_create(s, 1, PONTO_PROFILE_MODERN, "a\nb", &identity), PONTO_EINVAL);
	assert_int_equal(ponto_identity_create(s, 1, PONTO_PROFILE_MODERN, "\xc3(", &identity), PONTO_EINVAL);
	assert_ok(ponto_identity_create(s, 1, PONTO_PROFILE_MODERN, "J\xc3\xb6rg \xf0\x9f\x8c\x89", &identity));
	key = ponto_bytes(identity.public_key, identity.public_key_len);
	assert_int_equal(ponto_sign(s, 2, identity.id, data, signature, &len), PONTO_ENOENT);
	assert_ok(ponto_sign(s, 1, identity.id, data, signature, &len));
	assert_ok(ponto_verify(s, PONTO_PROFILE_MODERN, key, data, ponto_bytes(signature, len)));
	signature[0] ^= 1;
	assert_int_equal(ponto_verify(s, PONTO_PROFILE_MODERN, key, data, ponto_bytes(signature, len)), PONTO_EAUTH);
	assert_ok(ponto_identity_export(s, 1, identity.id, "secret", &ponto_alloc_system, &exported, &size));
	assert_int_equal(ponto_identity_import(s, 1, ponto_bytes(exported, size), "secret", &again), PONTO_EEXIST);
	assert_int_equal(ponto_identity_import(s, 2, ponto_bytes(exported, size), "guess", &again), PONTO_EAUTH);
	assert_int_equal(ponto_identity_import(s, 2, ponto_bytes("x", 1), "secret", &again), PONTO_EPROTO);
	assert_ok(ponto_identity_remove(s, 1, identity.id));
	assert_int_equal(ponto_identity_get(s, 1, identity.id, &again), PONTO_ENOENT);
	assert_ok(ponto_identity_import(s, 1, ponto_bytes(exported, size), "secret", &again));
	assert_string_equal(again.id, identity.id);
	assert_string_equal(again.name, identity.name);
	free(exported);
	s.ops->destroy(s.self);
	fixture_free(&f);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_pass_the_loader),
	cmocka_unit_test(store_file_keeps_the_store_contract),
	cmocka_unit_test(store_file_outlives_its_instance_and_tells_damage),
	cmocka_unit_test(store_file_survives_without_memory),
	cmocka_unit_test(transport_loop_carries_datagrams),
	cmocka_unit_test(discovery_list_gives_its_addresses),
	cmocka_unit_test(discovery_list_refuses_what_is_no_address),
	cmocka_unit_test(service_echo_answers),
	cmocka_unit_test(security_memory_signs_and_exports),
};

int main(void)
{
	struct statvfs shm;

	/* The store syncs often; nothing here asks whether a disk keeps its word. */
	if (access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &shm) == 0 && shm.f_bavail * shm.f_frsize > 512 << 20)
		setenv("TMPDIR", "/dev/shm", 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(NULL, tests, NULL, NULL);
}
