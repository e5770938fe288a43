/* service-pnrp as a whole, in simulated nodes: the policies of a cloud, what it shows, its cache over a restart,
 * and chains that end. */
#include <stdio.h>
#include <string.h>

#include "framework/log.h"
#include "framework/metrics.h"
#include "framework/security.h"
#include "framework/store.h"
#include "framework/transport.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"
#include "plugins/transport-sim/sim_network.h"
#include "tests/sim/sim_cloud.h"
#include "tests/support/test.h"

#define ABSENT "[2001:db8::dead]:3540"

struct outcome {
	bool done;
	size_t clouds;
	char state[32];
};

static void on_clouds(void *arg, int result, struct ponto_bytes payload)
{
	Ponto__Pnrp__V1__CloudsReply *reply = ponto__pnrp__v1__clouds_reply__unpack(NULL, payload.len, payload.data);
	struct outcome *outcome = arg;

	assert_ok(result);
	assert_non_null(reply);
	outcome->done = true;
	outcome->clouds = reply->n_cloud;
	if (reply->n_cloud)
		snprintf(outcome->state, sizeof(outcome->state), "%s", reply->cloud[0]->state);
	ponto__pnrp__v1__clouds_reply__free_unpacked(reply, NULL);
}

/* What leaves the nodes, by kind of destination. */
struct traffic {
	const struct ponto_addr *of; /* a node: only its own; NULL: everybody's */
	size_t all, multicast;
};

static bool count_datagram(void *ctx, const struct ponto_datagram *datagram)
{
	struct traffic *traffic = ctx;

	if (traffic->of && !ponto_addr_same_host(traffic->of, &datagram->local) &&
	    !ponto_addr_same_host(traffic->of, &datagram->peer))
		return true;
	traffic->all++;
	traffic->multicast += datagram->peer.ip[0] == 0xff;
	return true;
}

/* ---- policies -------------------------------------------------------------------------------- */

static void a_disabled_cloud_does_nothing(void **state)
{
	static const char *const service[] = {"discovery=seeds,near", "store=", "disabled=true", NULL};
	struct outcome outcome = {0};
	struct traffic traffic = {0};
	struct sim_cloud cloud;
	size_t a;

	(void)state;
	sim_cloud_init(&cloud, 1, 1);
	a = sim_cloud_add(&cloud, NULL, service);
	assert_ok(ponto_sim_network_filter(cloud.sim, count_datagram, &traffic));
	sim_cloud_run(&cloud, 60 * PONTO_SECOND);
	assert_int_equal(sim_cloud_registered(&cloud, a, "0.here"), PONTO_EACCES);
	assert_int_equal(sim_cloud_resolved(&cloud, a, "0.here"), PONTO_EACCES);
	assert_int_equal(traffic.all, 0);
	sim_cloud_call(&cloud, a, "Clouds", ponto_bytes(NULL, 0), on_clouds, &outcome);
	assert_true(outcome.done);
	assert_int_equal(outcome.clouds, 1);
	assert_string_equal(outcome.state, "disabled");
	sim_cloud_clear(&cloud);
}

static void multicast_bootstrap_can_be_turned_off(void **state)
{
	static const char *const quiet[] = {"discovery=seeds,near", "store=", "multicast_bootstrap=false", NULL};
	static const char *const open[] = {"discovery=seeds,near", "store=", NULL};
	struct traffic traffic = {0};
	struct sim_cloud cloud;
	size_t a, b;

	(void)state;
	sim_cloud_init(&cloud, 2, 1);
	assert_ok(ponto_sim_network_filter(cloud.sim, count_datagram, &traffic));
	a = sim_cloud_add(&cloud, NULL, quiet);
	assert_ok(sim_cloud_registered(&cloud, a, "0.here"));
	sim_cloud_run(&cloud, 60 * PONTO_SECOND);
	assert_int_equal(traffic.multicast, 0);
	b = sim_cloud_add(&cloud, NULL, open);
	sim_cloud_run(&cloud, 60 * PONTO_SECOND);
	assert_int_not_equal(sim_cloud_resolved(&cloud, b, "0.here"), PONTO_OK); /* it is not found, */
	assert_ok(sim_cloud_registered(&cloud, b, "0.there"));
	sim_cloud_run(&cloud, 60 * PONTO_SECOND);
	assert_int_not_equal(sim_cloud_resolved(&cloud, a, "0.there"), PONTO_OK); /* nor does it find */
	sim_cloud_clear(&cloud);
}

static size_t with_seeds(struct sim_cloud *cloud, const char *configured, const char *own, bool only)
{
	char peers[PONTO_ADDR_TEXT + 16], servers[PONTO_ADDR_TEXT + 16];
	const char *seeds[] = {peers, "store=", NULL};
	const char *service[] = {"discovery=seeds", "store=", servers, only ? "only_seed_servers=true" : NULL, NULL};

	snprintf(peers, sizeof(peers), "peers=%s", configured);
	snprintf(servers, sizeof(servers), "seed_servers=%s", own);
	return sim_cloud_add(cloud, seeds, service);
}

static void seed_servers_are_asked(void **state)
{
	static const char *const service[] = {"discovery=seeds", "store=", NULL};
	struct sim_cloud cloud;
	const char *seed;
	size_t both, own, excluded;

	(void)state;
	sim_cloud_init(&cloud, 4, 1);
	seed = cloud.members[sim_cloud_add(&cloud, NULL, service)].address;
	assert_ok(sim_cloud_registered(&cloud, 0, "0.here"));
	own = with_seeds(&cloud, "", seed, false);
	both = with_seeds(&cloud, seed, ABSENT, false);
	excluded = with_seeds(&cloud, seed, ABSENT, true);
	sim_cloud_run(&cloud, 60 * PONTO_SECOND);
	assert_ok(sim_cloud_resolved(&cloud, own, "0.here"));
	assert_ok(sim_cloud_resolved(&cloud, both, "0.here"));
	assert_int_not_equal(sim_cloud_resolved(&cloud, excluded, "0.here"), PONTO_OK);
	sim_cloud_clear(&cloud);
}

static void resolve_only_registers_nothing(void **state)
{
	static const char *const service[] = {"discovery=seeds,near", "store=", "resolve_only=true", NULL};
	static const char *const other[] = {"discovery=seeds,near", "store=", NULL};
	struct sim_cloud cloud;
	size_t a, b;

	(void)state;
	sim_cloud_init(&cloud, 2, 1);
	a = sim_cloud_add(&cloud, NULL, other);
	assert_ok(sim_cloud_registered(&cloud, a, "0.here"));
	b = sim_cloud_add(&cloud, NULL, service);
	sim_cloud_run(&cloud, 20 * PONTO_SECOND);
	assert_int_equal(sim_cloud_registered(&cloud, b, "0.there"), PONTO_EACCES);
	assert_ok(sim_cloud_resolved(&cloud, b, "0.here"));
	sim_cloud_clear(&cloud);
}

/* ---- what can be seen ---------------------------------------------------------------------------- */

static uint64_t counter(const Ponto__Pnrp__V1__CloudInfo *info, const char *name)
{
	for (size_t i = 0; i < info->n_counters; i++)
		if (strcmp(info->counters[i]->name, name) == 0)
			return info->counters[i]->value;
	fail_msg("no counter %s", name);
	return 0;
}

static void on_cloud(void *arg, int result, struct ponto_bytes payload)
{
	assert_ok(result);
	*(Ponto__Pnrp__V1__CloudReply **)arg = ponto__pnrp__v1__cloud_reply__unpack(NULL, payload.len, payload.data);
}

static void assert_metric(const struct sim_member *member, const char *name, uint64_t value)
{
	char line[128], *text;

	snprintf(line, sizeof(line), "ponto_%s{instance=\"pnrp\"} %llu\n", name, (unsigned long long)value);
	assert_ok(ponto_metrics_prometheus(member->metrics, &text));
	if (!strstr(text, line))
		fail_msg("no line %s in:\n%s", line, text);
	free(text);
}

static void ignore(void *arg, const struct ponto_datagram *batch, size_t count)
{
	(void)arg;
	(void)batch;
	(void)count;
}

/* Garbage from a neighbour, to see it counted. */
static void disturb(struct sim_cloud *cloud, const char *to)
{
	static const struct ponto_datagram_events events = {.receive = ignore};
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = 5000};
	struct ponto_datagram d = {.data = ponto_bytes("garbage", 7)};
	struct ponto_sim_node *place;
	struct ponto_iface iface;
	struct ponto_transport transport;
	struct ponto_datagrams net = {0};
	size_t sent;

	assert_ok(ponto_node_find(cloud->members[0].node, PONTO_KIND_TRANSPORT, "net", &iface));
	transport = (struct ponto_transport){(const struct ponto_transport_ops *)iface.ops, iface.self, iface.pool};
	assert_ok(ponto_sim_node(cloud->sim, &place));
	assert_ok(ponto_datagrams_open(transport, ponto_sim_node_loop(place), &want, &events, NULL, &net));
	assert_ok(ponto_addr_parse(to, 0, &d.peer));
	assert_ok(ponto_datagrams_send(net, &d, 1, &sent));
	sim_cloud_run(cloud, PONTO_SECOND);
	ponto_datagrams_close(&net);
}

#define MANY 13 /* nodes: both sides of a leaf set, and some */

static void a_cloud_shows_what_it_does(void **state)
{
	static const char *const service[] = {"discovery=near", "store=", NULL};
	Ponto__Pnrp__V1__CloudReply *reply = NULL;
	Ponto__Pnrp__V1__CloudInfo *info;
	struct sim_cloud cloud;
	uint32_t cached = 0;
	char name[16];

	(void)state;
	sim_cloud_init(&cloud, MANY, 1);
	cloud.metered = true;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "0.n%zu", i);
		assert_ok(sim_cloud_registered(&cloud, sim_cloud_add(&cloud, NULL, service), name));
	}
	sim_cloud_run(&cloud, 120 * PONTO_SECOND);
	disturb(&cloud, cloud.members[0].address);
	sim_cloud_run(&cloud, 60 * PONTO_SECOND); /* metrics follow at the next tick */
	sim_cloud_call(&cloud, 0, "Cloud", ponto_bytes(NULL, 0), on_cloud, &reply);
	assert_non_null(reply);
	info = reply->cloud;
	assert_int_equal(info->cached, MANY - 1);
	assert_int_equal(info->leaves, 10);
	for (size_t i = 0; i < info->n_level; i++)
		cached += info->level[i]->entries;
	assert_int_equal(cached, MANY - 1);
	assert_int_equal(info->n_leaf_set, 1);
	assert_string_equal(info->leaf_set[0]->name, "0.n0");
	assert_true(info->leaf_set[0]->below == 5 && info->leaf_set[0]->above == 5);
	assert_true(info->estimate > MANY / 4 && info->estimate < MANY * 4);
	assert_true(counter(info, "received lookup") > 0 && counter(info, "sent authority") > 0);
	assert_int_equal(counter(info, "dropped header"), 1);
	assert_metric(&cloud.members[0], "pnrp_cached_routes", MANY - 1);
	assert_metric(&cloud.members[0], "pnrp_cached_routes_level_0",
		      info->level[0]->level == 0 ? info->level[0]->entries : 0);
	assert_metric(&cloud.members[0], "pnrp_leaf_routes", 10);
	assert_metric(&cloud.members[0], "pnrp_estimated_nodes", (uint64_t)info->estimate);
	assert_metric(&cloud.members[0], "pnrp_dropped_header_total", 1);
	assert_metric(&cloud.members[0], "pnrp_registered_names", 1);
	ponto__pnrp__v1__cloud_reply__free_unpacked(reply, NULL);
	sim_cloud_clear(&cloud);
}

/* ---- the cache over a restart ------------------------------------------------------------------------ */

#define GROUP ponto_bytes("pnrp/routes/Global_", 19)
#define KEY ponto_bytes("cache", 5)

static const char *const keeping[] = {"discovery=seeds", "store=main", NULL};

static struct ponto_store store_of(struct ponto_node *node)
{
	struct ponto_iface iface;

	assert_ok(ponto_node_find(node, PONTO_KIND_STORE, "main", &iface));
	return (struct ponto_store){(const struct ponto_store_ops *)iface.ops, iface.self, iface.pool};
}

struct record {
	uint8_t bytes[4096];
	size_t len;
};

static void put_record(void *arg, struct ponto_node *node)
{
	const struct record *record = arg;

	assert_ok(ponto_store_put(store_of(node), GROUP, KEY, ponto_bytes(record->bytes, record->len), 0, 0,
				  PONTO_NEVER));
}

/* A cloud of three, and what the last of them kept after a while. */
static void live(struct sim_cloud *cloud, struct record *record)
{
	char peers[PONTO_ADDR_TEXT + 16];
	const char *const seeds[] = {peers, "store=", NULL};
	uint8_t *bytes;

	sim_cloud_init(cloud, 40, 1);
	cloud->stored = true;
	sim_cloud_add(cloud, NULL, keeping);
	snprintf(peers, sizeof(peers), "peers=%s", cloud->members[0].address);
	for (size_t i = 1; i < 3; i++)
		sim_cloud_add(cloud, seeds, keeping);
	assert_ok(sim_cloud_registered(cloud, 0, "0.a"));
	assert_ok(sim_cloud_registered(cloud, 1, "0.b"));
	sim_cloud_run(cloud, 200 * PONTO_SECOND);
	assert_ok(ponto_store_get(store_of(cloud->members[2].node), GROUP, KEY, PONTO_NEVER, &ponto_alloc_system,
				  &bytes, &record->len, NULL));
	assert_true(record->len <= sizeof(record->bytes));
	memcpy(record->bytes, bytes, record->len);
	ponto_free(&ponto_alloc_system, bytes);
}

static size_t cached(struct sim_cloud *cloud, size_t member)
{
	Ponto__Pnrp__V1__CloudReply *reply = NULL;
	size_t count;

	sim_cloud_call(cloud, member, "Cloud", ponto_bytes(NULL, 0), on_cloud, &reply);
	assert_non_null(reply);
	count = reply->cloud->cached;
	ponto__pnrp__v1__cloud_reply__free_unpacked(reply, NULL);
	return count;
}

static void what_was_cached_comes_back_in_one_round_trip(void **state)
{
	struct traffic traffic = {0};
	struct sim_cloud cloud;
	struct record record;
	struct ponto_addr addr;
	size_t back;

	(void)state;
	live(&cloud, &record);
	cloud.prepare = put_record;
	cloud.prepare_arg = &record;
	back = sim_cloud_add(&cloud, NULL, keeping); /* it knows nobody but by that */
	assert_ok(ponto_addr_parse(cloud.members[back].address, 0, &addr));
	traffic.of = &addr;
	assert_ok(ponto_sim_network_filter(cloud.sim, count_datagram, &traffic));
	sim_cloud_run(&cloud, 25 * PONTO_MS); /* the way is 10 ms */
	assert_int_equal(cached(&cloud, back), 2);
	assert_int_equal(traffic.all, 4); /* two questions, two answers */
	assert_ok(ponto_sim_network_filter(cloud.sim, NULL, NULL));
	assert_ok(sim_cloud_resolved(&cloud, back, "0.b"));
	sim_cloud_clear(&cloud);
}

static void a_damaged_record_is_as_good_as_none(void **state)
{
	struct sim_cloud cloud;
	struct record record, bad;
	size_t member;

	(void)state;
	live(&cloud, &record);
	cloud.prepare = put_record;
	cloud.prepare_arg = &bad;
	for (size_t cut = 0; cut < 24; cut++) {
		bad = record;
		if (cut < 16)
			bad.len = record.len * cut / 16;
		else if (cut < 20)
			bad.bytes[cut - 16] ^= 0xff; /* version, count */
		else if (cut < 22)
			bad.bytes[3 + 34] = cut == 20 ? 0 : 0xff; /* addresses of the first */
		else
			bad.bytes[bad.len++] = 0;
		member = sim_cloud_add(&cloud, NULL, keeping);
		sim_cloud_run(&cloud, PONTO_SECOND);
		if (cut != 19) /* a bit of an ID: nobody is there */
			assert_int_equal(cached(&cloud, member), 0);
	}
	sim_cloud_clear(&cloud);
}

/* ---- certificate chains that end ------------------------------------------------------------------ */

#define UID 1000u /* of sim_cloud's calls */
#define HOUR (UINT64_C(3600) * PONTO_SECOND)
#define EPOCH (UINT64_C(1767225600) * PONTO_SECOND) /* framework/sim.h */

struct heard {
	unsigned warned, expired, renewed;
};

struct delegation {
	struct sim_cloud cloud;
	struct ponto_log *log;
	struct heard heard;
	size_t holder, stranger;
	struct ponto_security theirs, ours; /* of the stranger, who has the root, and of the holder */
	struct ponto_identity root, leaf;
	char name[PONTO_IDENTITY_ID + 8];
};

static struct ponto_security security_of(const struct sim_member *member)
{
	struct ponto_iface iface;

	assert_ok(ponto_node_find(member->node, PONTO_KIND_SECURITY, "id", &iface));
	return (struct ponto_security){(const struct ponto_security_ops *)iface.ops, iface.self, iface.pool};
}

static void delegate(struct delegation *d, uint64_t not_after)
{
	static const char *const classifiers[] = {"fish"};
	struct ponto_delegation grant = {
		.public_key = ponto_bytes(d->leaf.public_key, d->leaf.public_key_len),
		.name = "leaf",
		.roles = PONTO_ROLE_MEMBER,
		.classifiers = classifiers,
		.classifier_count = 1,
		.not_before = EPOCH,
		.not_after = EPOCH + not_after,
	};
	struct ponto_chain chain;
	uint8_t *data;
	size_t len;

	assert_ok(ponto_chain_issue(d->theirs, UID, d->root.id, ponto_bytes(NULL, 0), &grant, false,
				    &ponto_alloc_system, &data, &len));
	assert_ok(ponto_chain_add(d->ours, UID, ponto_bytes(data, len), &chain));
	ponto_free(&ponto_alloc_system, data);
}

struct listed {
	char state[32], reason[128];
	uint64_t until;
};

static void on_names(void *arg, int result, struct ponto_bytes payload)
{
	Ponto__Pnrp__V1__NamesReply *reply = ponto__pnrp__v1__names_reply__unpack(NULL, payload.len, payload.data);
	struct listed *listed = arg;

	assert_ok(result);
	assert_non_null(reply);
	for (size_t i = 0; i < reply->n_name; i++) {
		const Ponto__Pnrp__V1__NameInfo *name = reply->name[i];

		if (!name->chain)
			continue;
		snprintf(listed->state, sizeof(listed->state), "%s", name->state);
		snprintf(listed->reason, sizeof(listed->reason), "%s", name->reason ? name->reason : "");
		listed->until = name->chain_until_us;
	}
	ponto__pnrp__v1__names_reply__free_unpacked(reply, NULL);
}

static void assert_state(struct delegation *d, const char *state, const char *reason, uint64_t until)
{
	struct listed listed = {0};

	sim_cloud_call(&d->cloud, d->holder, "Names", ponto_bytes(NULL, 0), on_names, &listed);
	assert_string_equal(listed.state, state);
	assert_string_equal(listed.reason, reason);
	assert_int_equal(listed.until, EPOCH + until);
}

static void hear(void *ctx, enum ponto_log_level level, const char *topic, const char *message)
{
	struct heard *heard = ctx;

	(void)topic;
	heard->warned += level == PONTO_LOG_WARNING && strstr(message, "chain expires in");
	heard->expired += level == PONTO_LOG_ERROR && strstr(message, "chain has expired");
	heard->renewed += level == PONTO_LOG_INFO && strstr(message, "a new certificate chain");
}

static void run_until(struct delegation *d, uint64_t time)
{
	sim_cloud_run(&d->cloud, time - ponto_sim_now(d->cloud.sim));
}

static void begin_delegation(struct delegation *d)
{
	static const char *const service[] = {"discovery=seeds,near", NULL};
	struct sim_cloud *cloud = &d->cloud;

	sim_cloud_init(cloud, 2, 1);
	assert_ok(ponto_log_create(&ponto_alloc_system, &ponto_clock_system, PONTO_LOG_NONE, "info", &d->log));
	ponto_log_tap(d->log, hear, &d->heard);
	cloud->log = d->log;
	cloud->stored = true;
	d->holder = sim_cloud_add(cloud, NULL, service);
	assert_ok(sim_cloud_registered(cloud, d->holder, "0.first")); /* so that it can be found */
	d->stranger = sim_cloud_add(cloud, NULL, service);
	sim_cloud_run(cloud, 20 * PONTO_SECOND);
	d->ours = security_of(&cloud->members[d->holder]);
	d->theirs = security_of(&cloud->members[d->stranger]);
	assert_ok(ponto_identity_create(d->theirs, UID, PONTO_PROFILE_WINDOWS, "root", &d->root));
	assert_ok(ponto_identity_create(d->ours, UID, PONTO_PROFILE_WINDOWS, "leaf", &d->leaf));
	snprintf(d->name, sizeof(d->name), "%s.fish", d->root.id);
}

/* A delegation ends: its name is said to have failed, nobody finds it, and a new delegation brings it back. One that
 * comes in time replaces the old one without a gap. */
static void a_chain_that_ends_takes_its_name_along(void **state)
{
	struct delegation d = {0};

	(void)state;
	begin_delegation(&d);
	delegate(&d, 30 * HOUR);
	assert_ok(sim_cloud_registered(&d.cloud, d.holder, d.name));
	assert_state(&d, "registered", "", 30 * HOUR);
	assert_ok(sim_cloud_resolved(&d.cloud, d.stranger, d.name));

	run_until(&d, 5 * HOUR);
	assert_int_equal(d.heard.warned, 0);
	run_until(&d, 7 * HOUR);
	assert_int_equal(d.heard.warned, 1);
	run_until(&d, 30 * HOUR - PONTO_SECOND);
	assert_state(&d, "registered", "", 30 * HOUR);
	run_until(&d, 30 * HOUR + PONTO_SECOND);
	assert_state(&d, "failed", "its certificate chain has expired", 30 * HOUR);
	run_until(&d, 31 * HOUR);
	assert_int_equal(d.heard.expired, 1);
	assert_int_not_equal(sim_cloud_resolved(&d.cloud, d.stranger, d.name), PONTO_OK);

	delegate(&d, 60 * HOUR);
	run_until(&d, 31 * HOUR + 180 * PONTO_SECOND);
	assert_state(&d, "registered", "", 60 * HOUR);
	assert_int_equal(d.heard.renewed, 1);
	assert_ok(sim_cloud_resolved(&d.cloud, d.stranger, d.name));

	run_until(&d, 50 * HOUR);
	delegate(&d, 90 * HOUR);
	run_until(&d, 50 * HOUR + 180 * PONTO_SECOND);
	assert_state(&d, "registered", "", 90 * HOUR);
	assert_int_equal(d.heard.renewed, 2);
	run_until(&d, 61 * HOUR);
	assert_ok(sim_cloud_resolved(&d.cloud, d.stranger, d.name));
	assert_int_equal(d.heard.expired, 1);
	sim_cloud_clear(&d.cloud);
	ponto_log_destroy(d.log);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_chain_that_ends_takes_its_name_along),
	cmocka_unit_test(what_was_cached_comes_back_in_one_round_trip),
	cmocka_unit_test(a_damaged_record_is_as_good_as_none),
	cmocka_unit_test(a_cloud_shows_what_it_does),
	cmocka_unit_test(a_disabled_cloud_does_nothing),
	cmocka_unit_test(multicast_bootstrap_can_be_turned_off),
	cmocka_unit_test(seed_servers_are_asked),
	cmocka_unit_test(resolve_only_registers_nothing),
};

PONTO_TEST_MAIN(tests)
