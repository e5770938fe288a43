/* discovery-seed: which peers it takes, what it gives, what it remembers. */
#include <stdio.h>

#include "plugins/discovery-seed/seed_peers.h"
#include "plugins/discovery-seed/seed_recent.h"
#include "tests/conform/discovery_suite.h"

extern const struct ponto_plugin discovery_seed_LTX_ponto_plugin;
extern const struct ponto_plugin store_mem_LTX_ponto_plugin;

#define SEED (&discovery_seed_LTX_ponto_plugin)
#define DAY (24 * 3600 * PONTO_SECOND)

static const struct ponto_discovery_want anything = {.topic = "t", .port = 3540};
static const struct ponto_discovery_want global = {
	.topic = "t", .scope = PONTO_SCOPE_GLOBAL, .port = 3540, .family = PONTO_FAMILY_IPV6};

static void assert_seen(const struct discovery_watcher *w, const char *const *texts)
{
	size_t n = 0;

	for (; texts[n]; n++) {
		char text[PONTO_ADDR_TEXT];

		if (n >= w->count)
			fail_msg("%s is missing", texts[n]);
		assert_string_equal(ponto_addr_format(&w->seen[n], text), texts[n]);
	}
	assert_int_equal(w->count, n);
}

/* ---- peers ---------------------------------------------------------------------- */

static void peers_are_parsed(void **state)
{
	static const struct {
		const char *text, *host, *addr;
		uint16_t port;
	} good[] = {
		{"[2001:db8::1]:3540", "", "[2001:db8::1]:3540", 3540},
		{"2001:db8::1", "", "2001:db8::1", 0},
		{"[fe80::1%3]:99", "", "[fe80::1%3]:99", 99},
		{"192.0.2.1", "", "192.0.2.1", 0},
		{"192.0.2.1:70", "", "192.0.2.1:70", 70},
		{"seed.example.net", "seed.example.net", NULL, 0},
		{"seed.example.net.", "seed.example.net.", NULL, 0},
		{"seed.example.net:65535", "seed.example.net", NULL, 65535},
		{"a", "a", NULL, 0},
		{"3com.example", "3com.example", NULL, 0},
		{"_pnrp.x-1.example:1", "_pnrp.x-1.example", NULL, 1},
	};
	char text[PONTO_ADDR_TEXT], label[70], host[300];
	struct ponto_seed peer;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(good); i++) {
		if (ponto_seed_parse(good[i].text, &peer))
			fail_msg("%s", good[i].text);
		assert_string_equal(peer.host, good[i].host);
		if (good[i].addr)
			assert_string_equal(ponto_addr_format(&peer.address, text), good[i].addr);
		else
			assert_int_equal(peer.port, good[i].port);
	}
	memset(label, 'x', sizeof(label));
	label[64] = 0;
	assert_int_equal(ponto_seed_parse(label, &peer), PONTO_EINVAL);
	label[63] = 0;
	assert_ok(ponto_seed_parse(label, &peer));
	snprintf(host, sizeof(host), "%.61s.%s.%s.%s", label, label, label, label); /* 253 */
	assert_ok(ponto_seed_parse(host, &peer));
	snprintf(host, sizeof(host), "%.62s.%s.%s.%s", label, label, label, label);
	assert_int_equal(ponto_seed_parse(host, &peer), PONTO_EINVAL);
}

static void what_is_no_peer_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		"a..b",
		".a",
		"-a",
		"a.-b",
		"a b",
		"a/b",
		"a:b:c",
		"a:",
		"a:0",
		"a:65536",
		"a:-1",
		"a:1x",
		":1",
		"10.1",
		"1",
		"1.2.3.4.5",
		"256.1.1.1",
		"[::1",
		"::1]",
		"[a]:1",
		"fe80::1%eth0",
		"::",
		"0.0.0.0",
		"h\xc3\xa9.example",
		"http://seed.example",
	};
	struct ponto_seed peer, untouched;

	(void)state;
	memset(&untouched, 0x55, sizeof(untouched));
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		peer = untouched;
		if (ponto_seed_parse(bad[i], &peer) != PONTO_EINVAL)
			fail_msg("%s", bad[i]);
		assert_memory_equal(&peer, &untouched, sizeof(peer));
	}
}

static void wrong_peers_are_all_reported(void **state)
{
	const char *const settings[] = {"peers=good.example,bad peer,[::1]:1,10.1", "store=", NULL};
	char text[4096], many[2048] = "peers=h0";
	const char *const too_many[] = {many, "store=", NULL};

	(void)state;
	assert_int_equal(discovery_try(SEED, settings, text, sizeof(text)), PONTO_ECONF);
	assert_non_null(strstr(text, "\"bad peer\""));
	assert_non_null(strstr(text, "\"10.1\""));
	assert_null(strstr(text, "good.example"));
	for (int i = 1; i < 65; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), ",h%d", i);
	assert_int_equal(discovery_try(SEED, too_many, text, sizeof(text)), PONTO_ECONF);
	assert_non_null(strstr(text, "65 peers"));
}

static void unknown_store_is_refused(void **state)
{
	const char *const settings[] = {"store=elsewhere", NULL};
	char text[4096];

	(void)state;
	assert_int_equal(discovery_try(SEED, settings, text, sizeof(text)), PONTO_ENOENT);
	assert_non_null(strstr(text, "elsewhere"));
}

static void only_what_is_wanted_is_given(void **state)
{
	static const char *const settings[] = {
		"peers=[2001:db8::1]:1,2001:db8::2,192.0.2.1,[fe80::1%7]:5,fe80::2,[fec0::1]:6,::1,[2001:db8::1]:1,"
		"[2001:db8::1]:2,2001:db8::2,[2001:db8::2]:3540,ff02::c,127.0.0.1,224.0.0.1",
		"store=", NULL};
	static const struct {
		struct ponto_discovery_want want;
		const char *seen[10];
	} table[] = {
		{{.topic = "t", .scope = PONTO_SCOPE_GLOBAL, .port = 3540, .family = PONTO_FAMILY_IPV6},
		 {"[2001:db8::1]:1", "[2001:db8::2]:3540", "[2001:db8::1]:2"}},
		{{.topic = "t", .scope = PONTO_SCOPE_GLOBAL, .port = 9, .family = PONTO_FAMILY_IPV4}, {"192.0.2.1:9"}},
		{{.topic = "t", .scope = PONTO_SCOPE_GLOBAL, .family = PONTO_FAMILY_IPV6}, /* no port: no address */
		 {"[2001:db8::1]:1", "[2001:db8::1]:2", "[2001:db8::2]:3540"}},
		{{.topic = "t", .scope = PONTO_SCOPE_LINK, .zone = 3, .port = 9}, {"[fe80::2%3]:9"}},
		{{.topic = "t", .scope = PONTO_SCOPE_LINK, .zone = 7, .port = 9}, {"[fe80::1%7]:5", "[fe80::2%7]:9"}},
		{{.topic = "t", .scope = PONTO_SCOPE_LINK, .port = 9}, {"[fe80::1%7]:5", "[fe80::2]:9"}},
		{{.topic = "t", .scope = PONTO_SCOPE_SITE, .zone = 2, .port = 9}, {"[fec0::1%2]:6"}},
		{{.topic = "t", .scope = PONTO_SCOPE_LOOPBACK, .port = 9}, {"[::1]:9", "127.0.0.1:9"}},
		{{.topic = "t", .scope = PONTO_SCOPE_LOOPBACK, .port = 9, .family = PONTO_FAMILY_IPV6}, {"[::1]:9"}},
	};
	struct discovery_fixture *f = discovery_fixture_new(SEED, settings, true);
	struct discovery_watcher w;

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(table); i++) {
		discovery_open(f, &table[i].want, &w);
		discovery_search(&w, PONTO_SOURCE_SEED);
		assert_seen(&w, table[i].seen);
		discovery_close(&w);
	}
	discovery_open(f, &anything, &w);
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_int_equal(w.count, 9);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void a_searcher_has_seeds_of_its_own(void **state)
{
	static const char *const settings[] = {"peers=2001:db8::1,2001:db8::2", "store=", NULL};
	static const char *const own[] = {"2001:db8::9", "[2001:db8::2]:3540", "[2001:db8::8]:99"}, *const bad[] = {"a b"};
	static const char *const before[] = {"[2001:db8::9]:3540", "[2001:db8::2]:3540", "[2001:db8::8]:99",
					     "[2001:db8::1]:3540", NULL};
	static const char *const alone[] = {"[2001:db8::9]:3540", NULL}, *const none[] = {NULL};
	static const char *const plain[] = {"[2001:db8::1]:3540", "[2001:db8::2]:3540", NULL};
	struct discovery_fixture *f = discovery_fixture_new(SEED, settings, true);
	struct discovery_watcher w;

	(void)state;
	discovery_open(f, &global, &w);
	assert_ok(ponto_discovery_seeds(f->discovery, w.handle, own, 3, false));
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_seen(&w, before);
	assert_int_equal(ponto_discovery_seeds(f->discovery, w.handle, bad, 1, true), PONTO_ECONF);
	assert_non_null(strstr(f->log_text, "\"a b\""));
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_seen(&w, before);
	assert_ok(ponto_discovery_seeds(f->discovery, w.handle, own, 1, true));
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_seen(&w, alone);
	assert_ok(ponto_discovery_seeds(f->discovery, w.handle, NULL, 0, true));
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_seen(&w, none);
	assert_ok(ponto_discovery_seeds(f->discovery, w.handle, NULL, 0, false));
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_seen(&w, plain);
	assert_ok(ponto_discovery_search(f->discovery, w.handle, PONTO_SOURCE_SEED));
	assert_int_equal(ponto_discovery_seeds(f->discovery, w.handle, own, 1, true), PONTO_EBUSY);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void names_are_reported_in_simulation(void **state)
{
	static const char *const settings[] = {"peers=seed.example.net,2001:db8::1", "store=", NULL};
	static const char *const seen[] = {"[2001:db8::1]:3540", NULL};
	struct discovery_fixture *f = discovery_fixture_new(SEED, settings, true);
	struct discovery_watcher w;
	char *told;

	(void)state;
	discovery_open(f, &global, &w);
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_seen(&w, seen);
	discovery_search(&w, PONTO_SOURCE_SEED);
	assert_seen(&w, seen);
	told = strstr(f->log_text, "seed.example.net");
	assert_non_null(told);
	assert_null(strstr(told + 1, "seed.example.net")); /* once */
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void overlong_topics_are_refused(void **state)
{
	struct discovery_fixture *f = discovery_fixture_new(SEED, (const char *const[]){"store=main", NULL}, true);
	struct ponto_discovery_want want = anything;
	static const struct ponto_discovery_events events;
	struct ponto_discovery_handle *handle = (void *)1;
	char topic[300];

	(void)state;
	memset(topic, 't', sizeof(topic));
	topic[PONTO_STORE_GROUP_MAX - strlen("discovery/disc/") + 1] = 0;
	want.topic = topic;
	assert_int_equal(ponto_discovery_open(f->discovery, f->loop, &want, &events, NULL, &handle), PONTO_EINVAL);
	assert_ptr_equal(handle, (void *)1);
	topic[PONTO_STORE_GROUP_MAX - strlen("discovery/disc/")] = 0;
	assert_ok(ponto_discovery_open(f->discovery, f->loop, &want, &events, NULL, &handle));
	ponto_discovery_close(f->discovery, handle);
	discovery_fixture_free(f);
}

/* ---- remembered ------------------------------------------------------------------- */

static void remember(struct discovery_watcher *w, const char *text)
{
	struct ponto_addr addr = discovery_addr(text);

	ponto_discovery_remember(w->fixture->discovery, w->handle, &addr);
}

static void newest_stay(void **state)
{
	const char *const settings[] = {"store=main", "remember=3", NULL};
	static const char *const last[] = {"[2001:db8::2]:1", "[2001:db8::5]:1", "[2001:db8::4]:1", NULL};
	struct discovery_fixture *f = discovery_fixture_new(SEED, settings, true);
	struct discovery_watcher w;

	(void)state;
	discovery_open(f, &global, &w);
	for (int i = 1; i <= 5; i++) {
		char text[32];

		snprintf(text, sizeof(text), "[2001:db8::%d]:1", i);
		remember(&w, text);
		discovery_settle(f); /* virtual time passes, or all would be of the same moment */
	}
	remember(&w, "[2001:db8::2]:1"); /* fell off, comes back */
	remember(&w, "[2001:db8::5]:1"); /* answered again within the minute: no news */
	remember(&w, "192.0.2.1:5");	 /* not of this cloud */
	remember(&w, "[fe80::1%2]:5");
	remember(&w, "2001:db8::9"); /* no port */
	for (int i = 0; i < 2; i++) {
		discovery_search(&w, PONTO_SOURCE_REMEMBERED);
		assert_seen(&w, last);
		discovery_close(&w);
		discovery_settle(f);
		discovery_open(f, &global, &w);
	}
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void zones_are_those_of_today(void **state)
{
	struct ponto_discovery_want want = {.topic = "l", .scope = PONTO_SCOPE_LINK, .zone = 4, .port = 1};
	static const char *const before[] = {"[fe80::1%4]:3540", NULL}, *const after[] = {"[fe80::1%9]:3540", NULL};
	struct discovery_fixture *f = discovery_fixture_new(SEED, (const char *const[]){"store=main", NULL}, true);
	struct discovery_watcher w;

	(void)state;
	discovery_open(f, &want, &w);
	remember(&w, "[fe80::1%4]:3540");
	discovery_search(&w, PONTO_SOURCE_REMEMBERED);
	assert_seen(&w, before);
	discovery_close(&w);
	discovery_settle(f);
	want.zone = 9;
	discovery_open(f, &want, &w);
	discovery_search(&w, PONTO_SOURCE_REMEMBERED);
	assert_seen(&w, after);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void without_a_store_memory_must_do(void **state)
{
	struct discovery_fixture *f = discovery_fixture_new(SEED, (const char *const[]){"store=", NULL}, true);
	static const char *const seen[] = {"[2001:db8::1]:1", NULL};
	struct discovery_watcher w;

	(void)state;
	discovery_open(f, &global, &w);
	remember(&w, "[2001:db8::1]:1");
	discovery_search(&w, PONTO_SOURCE_REMEMBERED);
	assert_seen(&w, seen);
	discovery_close(&w);
	discovery_open(f, &global, &w);
	discovery_search(&w, PONTO_SOURCE_REMEMBERED);
	assert_int_equal(w.count, 0);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void old_addresses_are_forgotten(void **state)
{
	struct discovery_fixture *f = discovery_fixture_new(SEED, (const char *const[]){"store=main", NULL}, true);
	static const char *const young[] = {"[2001:db8::2]:1", NULL};
	struct discovery_watcher w;

	(void)state;
	discovery_open(f, &global, &w);
	remember(&w, "[2001:db8::1]:1");
	ponto_sim_run(f->world, ponto_sim_now(f->world) + 3 * DAY);
	remember(&w, "[2001:db8::2]:1");
	discovery_settle(f);
	discovery_close(&w);
	ponto_sim_run(f->world, ponto_sim_now(f->world) + 5 * DAY);
	discovery_open(f, &global, &w);
	discovery_search(&w, PONTO_SOURCE_REMEMBERED);
	assert_seen(&w, young);
	discovery_close(&w);
	ponto_sim_run(f->world, ponto_sim_now(f->world) + 3 * DAY);
	discovery_open(f, &global, &w);
	discovery_search(&w, PONTO_SOURCE_REMEMBERED);
	assert_int_equal(w.count, 0);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static void damaged_records_are_replaced(void **state)
{
	struct discovery_fixture *f = discovery_fixture_new(SEED, (const char *const[]){"store=main", NULL}, true);
	static const char *const seen[] = {"[2001:db8::1]:1", NULL};
	struct ponto_bytes group = ponto_bytes("discovery/disc/t", 16), key = ponto_bytes("recent", 6);
	struct discovery_watcher w;
	uint8_t *value;
	size_t len;

	(void)state;
	assert_ok(ponto_store_put(f->store, group, key, ponto_bytes("rubbish", 7), 0, 0, PONTO_NEVER));
	discovery_open(f, &global, &w);
	discovery_search(&w, PONTO_SOURCE_REMEMBERED);
	assert_int_equal(w.count, 0);
	assert_non_null(strstr(f->log_text, "cannot be read"));
	remember(&w, "[2001:db8::1]:1");
	discovery_settle(f);
	discovery_search(&w, PONTO_SOURCE_REMEMBERED);
	assert_seen(&w, seen);
	assert_ok(ponto_store_get(f->store, group, key, PONTO_NEVER, &ponto_alloc_system, &value, &len, NULL));
	assert_int_equal(len, 2 + 27);
	ponto_free(&ponto_alloc_system, value);
	discovery_close(&w);
	discovery_fixture_free(f);
}

static size_t writes;

static int counting_put(void *self, struct ponto_bytes group, struct ponto_bytes key, struct ponto_bytes value,
			uint64_t expires, unsigned flags, uint64_t deadline)
{
	writes++;
	return ((const struct ponto_store_ops *)store_mem_LTX_ponto_plugin.vtable)
		->put(self, group, key, value, expires, flags, deadline);
}

/* A node that meets a new peer every millisecond must not write as often. */
static void writes_are_few(void **state)
{
	struct ponto_store_ops counting = *(const struct ponto_store_ops *)store_mem_LTX_ponto_plugin.vtable;
	struct ponto_plugin plugin = store_mem_LTX_ponto_plugin;
	struct ponto_conf *conf, *store_conf;
	struct ponto_sim *world;
	struct ponto_sim_node *place;
	struct ponto_node_setup setup = {.name = "n", .alloc = &ponto_alloc_system, .simulation = true};
	struct ponto_node *node;
	struct ponto_iface iface;
	struct discovery_fixture f = {0};
	struct discovery_watcher w;
	char reason[PONTO_REASON_SIZE];

	(void)state;
	counting.put = counting_put;
	plugin.vtable = &counting.head;
	assert_ok(ponto_sim_create(&ponto_alloc_system, 1, &world));
	assert_ok(ponto_sim_node(world, &place));
	setup.loop = ponto_sim_node_loop(place);
	setup.random = ponto_sim_node_random(place);
	setup.clock = ponto_sim_node_clock(place);
	assert_ok(ponto_node_create(&setup, &node));
	assert_ok(
		ponto_conf_make(&ponto_alloc_system, plugin.options, plugin.option_count, NULL, NULL, 0, &store_conf));
	assert_ok(ponto_conf_make(&ponto_alloc_system, SEED->options, SEED->option_count,
				  (const char *const[]){"store=main", NULL}, NULL, 0, &conf));
	assert_ok(ponto_node_add(node, &plugin, "main", store_conf, reason));
	assert_ok(ponto_node_add(node, SEED, "disc", conf, reason));
	assert_ok(ponto_node_find(node, PONTO_KIND_DISCOVERY, "disc", &iface));
	f.world = world;
	f.loop = setup.loop;
	f.discovery = (struct ponto_discovery){(const struct ponto_discovery_ops *)iface.ops, iface.self, NULL};
	discovery_open(&f, &global, &w);
	writes = 0;
	for (unsigned i = 0; i < 10000; i++) { /* ten seconds */
		struct ponto_addr addr = discovery_addr("[2001:db8::1]:1");

		addr.ip[14] = (uint8_t)(i >> 8);
		addr.ip[15] = (uint8_t)i;
		ponto_discovery_remember(f.discovery, w.handle, &addr);
		ponto_sim_run(world, ponto_sim_now(world) + PONTO_MS);
	}
	assert_in_range(writes, 9, 12);
	discovery_close(&w);
	ponto_sim_run(world, ponto_sim_now(world) + PONTO_SECOND);
	ponto_node_destroy(node);
	ponto_conf_destroy(conf);
	ponto_conf_destroy(store_conf);
	ponto_sim_destroy(world);
}

/* ---- the record --------------------------------------------------------------------- */

static void record_comes_back(void **state)
{
	struct seed_recent made = {0}, back = {0};
	uint8_t record[SEED_RECENT_RECORD];
	struct ponto_test_random random;
	uint64_t now = 100 * DAY;
	size_t len;

	(void)state;
	ponto_test_random_init(&random, 3);
	for (int i = 0; i < 1000; i++) {
		struct ponto_addr addr = discovery_addr(i % 2 ? "[2001:db8::1]:7" : "192.0.2.1:7");

		addr.ip[3] = (uint8_t)ponto_random_below(&random.random, 60);
		seed_recent_add(&made, &addr, now - ponto_random_below(&random.random, DAY), SEED_RECENT_MAX);
		assert_in_range(made.count, 1, SEED_RECENT_MAX);
		for (size_t j = 1; j < made.count; j++)
			assert_true(made.entry[j - 1].seen >= made.entry[j].seen);
	}
	assert_int_equal(made.count, SEED_RECENT_MAX);
	len = seed_recent_write(&made, record);
	assert_int_equal(len, SEED_RECENT_RECORD);
	assert_ok(seed_recent_read(&back, ponto_bytes(record, len), now, SEED_RECENT_MAX));
	assert_int_equal(back.count, made.count);
	for (size_t i = 0; i < made.count; i++)
		assert_int_equal(back.entry[i].seen, made.entry[i].seen);
	for (size_t n = 0; n < len; n += 13) { /* cut short */
		memset(&back, 0, sizeof(back));
		assert_int_equal(seed_recent_read(&back, ponto_bytes(n ? record : NULL, n), now, 10), PONTO_EPROTO);
		assert_int_equal(back.count, 0);
	}
	for (int i = 0; i < 20000; i++) { /* changed anywhere: refused, or a list within its rules */
		uint8_t changed[SEED_RECENT_RECORD];

		memcpy(changed, record, len);
		changed[ponto_random_below(&random.random, len)] = (uint8_t)ponto_random_u64(&random.random);
		memset(&back, 0, sizeof(back));
		if (seed_recent_read(&back, ponto_bytes(changed, len), now, 10))
			assert_int_equal(back.count, 0);
		assert_in_range(back.count, 0, 10);
		for (size_t j = 0; j < back.count; j++)
			assert_true(back.entry[j].addr.port != 0 && back.entry[j].seen <= now);
	}
}

/* ---- memory ---------------------------------------------------------------------------- */

static void count_done(void *arg, enum ponto_discovery_source source)
{
	(void)source;
	++*(unsigned *)arg;
}

static void ignore_found(void *arg, enum ponto_discovery_source source, const struct ponto_addr *addrs, size_t count)
{
	(void)arg;
	(void)source;
	(void)addrs;
	(void)count;
}

static int oom_run(const struct ponto_alloc *alloc, void *arg)
{
	static const struct ponto_discovery_events events = {ignore_found, count_done};
	struct discovery_fixture *f = arg;
	struct ponto_conf *conf;
	struct ponto_env env = {.abi = PONTO_PLUGIN_ABI,
				.size = sizeof(env),
				.instance = "disc",
				.alloc = alloc,
				.clock = ponto_sim_node_clock(f->place),
				.random = ponto_sim_node_random(f->place),
				.simulation = true};
	struct ponto_discovery d = {(const struct ponto_discovery_ops *)SEED->vtable, NULL, NULL};
	struct ponto_discovery_handle *handle = NULL;
	struct ponto_addr addr = discovery_addr("[2001:db8::1]:1");
	unsigned done = 0;
	int result;

	assert_ok(ponto_conf_make(&ponto_alloc_system, SEED->options, SEED->option_count,
				  (const char *const[]){"store=", "peers=2001:db8::1,h.example", NULL}, NULL, 0,
				  &conf));
	env.conf = conf;
	result = d.ops->create(&env, &d.self);
	if (!result)
		result = ponto_discovery_open(d, f->loop, &global, &events, &done, &handle);
	if (!result) {
		ponto_discovery_remember(d, handle, &addr);
		result = ponto_discovery_search(d, handle, PONTO_SOURCE_SEED | PONTO_SOURCE_REMEMBERED);
		discovery_settle(f);
		assert_int_equal(done, result ? 0 : 2);
	}
	ponto_discovery_close(d, handle);
	d.ops->destroy(d.self);
	ponto_conf_destroy(conf);
	return result;
}

static void refused_memory_is_survived(void **state)
{
	struct discovery_fixture *f = discovery_fixture_new(SEED, (const char *const[]){"store=", NULL}, true);

	(void)state;
	ponto_test_oom(oom_run, f, false);
	discovery_fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_are_parsed),
		cmocka_unit_test(what_is_no_peer_is_refused),
		cmocka_unit_test(wrong_peers_are_all_reported),
		cmocka_unit_test(unknown_store_is_refused),
		cmocka_unit_test(only_what_is_wanted_is_given),
		cmocka_unit_test(a_searcher_has_seeds_of_its_own),
		cmocka_unit_test(names_are_reported_in_simulation),
		cmocka_unit_test(overlong_topics_are_refused),
		cmocka_unit_test(newest_stay),
		cmocka_unit_test(zones_are_those_of_today),
		cmocka_unit_test(without_a_store_memory_must_do),
		cmocka_unit_test(old_addresses_are_forgotten),
		cmocka_unit_test(damaged_records_are_replaced),
		cmocka_unit_test(writes_are_few),
		cmocka_unit_test(record_comes_back),
		cmocka_unit_test(refused_memory_is_survived),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("discovery-seed", tests, NULL, NULL);
}
