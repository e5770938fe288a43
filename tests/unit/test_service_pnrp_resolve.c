/* service-pnrp in simulated nodes: who finds which names, and how long it is tried. */
#include <stdio.h>
#include <string.h>

#include "plugins/service-pnrp/pnrp.pb-c.h"
#include "plugins/transport-sim/sim_network.h"
#include "tests/sim/sim_cloud.h"
#include "tests/support/test.h"

static const char *const service[] = {"discovery=seeds,near", "store=", NULL};

/* Neither knows a seed; the first one's name makes it be heard. */
static void neighbours_need_no_seed(void **state)
{
	struct sim_cloud cloud;
	size_t a, b;

	(void)state;
	sim_cloud_init(&cloud, 2, 1);
	a = sim_cloud_add(&cloud, NULL, service);
	assert_ok(sim_cloud_registered(&cloud, a, "0.here"));
	b = sim_cloud_add(&cloud, NULL, service);
	sim_cloud_run(&cloud, 20 * PONTO_SECOND);
	assert_ok(sim_cloud_resolved(&cloud, b, "0.here"));
	sim_cloud_clear(&cloud);
}

/* ---- several processes of one user ---------------------------------------------------------------- */

#define UNANSWERED 1

/* A call that a process makes of the first node, which has so many seconds to answer. */
static void call_as(struct sim_cloud *cloud, int32_t pid, const char *method, const ProtobufCMessage *request,
		    unsigned seconds, sim_done_fn *done, void *arg)
{
	uint8_t packed[2048];

	assert_true(protobuf_c_message_get_packed_size(request) <= sizeof(packed));
	cloud->pid = pid;
	cloud->client = (uint64_t)pid;
	sim_cloud_call(cloud, 0, method, ponto_bytes(packed, protobuf_c_message_pack(request, packed)), done, arg);
	sim_cloud_run(cloud, seconds * PONTO_SECOND);
}

static void on_result(void *arg, int result, struct ponto_bytes payload)
{
	(void)payload;
	*(int *)arg = result;
}

static int register_as(struct sim_cloud *cloud, int32_t pid, uint64_t instance)
{
	Ponto__Pnrp__V1__RegisterRequest request = PONTO__PNRP__V1__REGISTER_REQUEST__INIT;
	int result = UNANSWERED;

	request.name = (char *)(uintptr_t) "0.room";
	request.has_client_lifetime = request.client_lifetime = true;
	request.has_instance = instance != 0;
	request.instance = instance;
	call_as(cloud, pid, "Register", &request.base, 1, on_result, &result);
	assert_int_not_equal(result, UNANSWERED);
	return result;
}

static int unregister_as(struct sim_cloud *cloud, int32_t pid, uint64_t instance)
{
	Ponto__Pnrp__V1__UnregisterRequest request = PONTO__PNRP__V1__UNREGISTER_REQUEST__INIT;
	int result = UNANSWERED;

	request.name = (char *)(uintptr_t) "0.room";
	request.has_instance = instance != 0;
	request.instance = instance;
	call_as(cloud, pid, "Unregister", &request.base, 1, on_result, &result);
	assert_int_not_equal(result, UNANSWERED);
	return result;
}

struct found {
	int result;
	size_t count;
	uint8_t id[4][32];
};

static void on_matches(void *arg, int result, struct ponto_bytes payload)
{
	struct found *found = arg;
	Ponto__Pnrp__V1__ResolveReply *reply;

	found->result = result;
	if (result != PONTO_OK)
		return;
	reply = ponto__pnrp__v1__resolve_reply__unpack(NULL, payload.len, payload.data);
	assert_non_null(reply);
	found->count = reply->n_match;
	for (size_t i = 0; i < reply->n_match && i < 4; i++)
		assert_ok(ponto_unhex(reply->match[i]->id, found->id[i], 32));
	ponto__pnrp__v1__resolve_reply__free_unpacked(reply, NULL);
}

static struct found resolve_as(struct sim_cloud *cloud, int32_t pid, bool others, uint8_t (*exclude)[32],
			       size_t excluded)
{
	Ponto__Pnrp__V1__ResolveRequest request = PONTO__PNRP__V1__RESOLVE_REQUEST__INIT;
	ProtobufCBinaryData ids[32];
	struct found found = {.result = UNANSWERED};

	request.name = (char *)(uintptr_t) "0.room";
	request.has_max = true;
	request.max = 4;
	request.has_other_process = true;
	request.other_process = others;
	request.exclude = ids;
	request.n_exclude = excluded;
	for (size_t i = 0; i < excluded; i++)
		ids[i] = (ProtobufCBinaryData){32, exclude[i % 2]};
	call_as(cloud, pid, "Resolve", &request.base, 30, on_matches, &found);
	assert_int_not_equal(found.result, UNANSWERED);
	return found;
}

static void processes_share_a_name(void **state)
{
	struct sim_cloud cloud;
	struct found all, found;

	(void)state;
	sim_cloud_init(&cloud, 1, 1);
	(void)sim_cloud_add(&cloud, NULL, service);
	assert_ok(register_as(&cloud, 11, 0));
	assert_int_equal(register_as(&cloud, 11, 0), PONTO_EEXIST);
	assert_ok(register_as(&cloud, 11, 7));
	assert_ok(register_as(&cloud, 12, 0));
	all = resolve_as(&cloud, 13, true, NULL, 0);
	assert_int_equal(all.count, 3);
	assert_int_equal(resolve_as(&cloud, 11, false, NULL, 0).count, 3);
	assert_int_equal(resolve_as(&cloud, 11, true, NULL, 0).count, 1);
	assert_int_equal(resolve_as(&cloud, 12, true, NULL, 0).count, 2);
	assert_int_equal(resolve_as(&cloud, 0, true, NULL, 0).count, 3);
	found = resolve_as(&cloud, 13, false, all.id, 2);
	assert_int_equal(found.count, 1);
	assert_memory_equal(found.id[0], all.id[2], 32);
	assert_int_equal(resolve_as(&cloud, 13, false, all.id, 32).result, PONTO_EINVAL);
	/* Each ends its own; what has no number comes first, then anybody's of this user. */
	assert_int_equal(unregister_as(&cloud, 12, 7), PONTO_ENOENT);
	assert_ok(unregister_as(&cloud, 11, 7));
	assert_ok(unregister_as(&cloud, 11, 0));
	assert_int_equal(resolve_as(&cloud, 11, true, NULL, 0).count, 1);
	assert_ok(unregister_as(&cloud, 13, 0));
	assert_int_equal(resolve_as(&cloud, 11, false, NULL, 0).result, PONTO_ENOENT);
	sim_cloud_clear(&cloud);
}

/* ---- how often it is tried ------------------------------------------------------------------------ */

#define NEIGHBOURS 16

struct tries {
	bool done;
	uint32_t walks, begun; /* begun: of those that the trace shows, after the first */
	int result;
};

static void on_tried(void *arg, int result, struct ponto_bytes payload)
{
	Ponto__Pnrp__V1__ResolveReply *reply = ponto__pnrp__v1__resolve_reply__unpack(NULL, payload.len, payload.data);
	struct tries *tries = arg;

	assert_ok(result); /* with a trace a failure is an answer */
	assert_non_null(reply);
	*tries = (struct tries){.done = true, .walks = reply->walks, .result = reply->result};
	for (size_t i = 0; i < reply->n_hop; i++)
		tries->begun += strcmp(reply->hop[i]->outcome, "new walk") == 0;
	ponto__pnrp__v1__resolve_reply__free_unpacked(reply, NULL);
}

static struct tries try_for(struct sim_cloud *cloud, const char *name, uint32_t seconds)
{
	Ponto__Pnrp__V1__ResolveRequest request = PONTO__PNRP__V1__RESOLVE_REQUEST__INIT;
	struct tries tries = {0};

	request.name = (char *)(uintptr_t)name;
	request.has_timeout_ms = request.has_trace = request.trace = true;
	request.timeout_ms = seconds * 1000;
	call_as(cloud, 0, "Resolve", &request.base, seconds + 1, on_tried, &tries);
	assert_true(tries.done);
	return tries;
}

/* Walks begin again as long as the caller waits: that all say there is nobody may be a lie. */
static void the_callers_time_is_used(void **state)
{
	struct ponto_sim_network_model model;
	struct sim_cloud cloud;
	struct tries tries;

	(void)state;
	sim_cloud_init(&cloud, NEIGHBOURS, 1);
	for (size_t i = 0; i < NEIGHBOURS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "0.n%zu", i);
		assert_ok(sim_cloud_registered(&cloud, sim_cloud_join(&cloud, i ? 0 : -1), name));
	}
	sim_cloud_run(&cloud, 60 * PONTO_SECOND);
	tries = try_for(&cloud, "0.nowhere", 30);
	assert_int_equal(tries.result, PONTO_ENOENT);
	assert_int_equal(tries.walks, 17);
	assert_int_equal(tries.begun, 16);
	tries = try_for(&cloud, "0.nowhere", 1);
	assert_int_equal(tries.result, PONTO_ETIME);
	assert_true(tries.walks < 17);
	assert_ok(ponto_sim_network_get(cloud.sim, &model));
	model.loss = PONTO_SIM_PPM;
	assert_ok(ponto_sim_network_set(cloud.sim, &model));
	tries = try_for(&cloud, "0.n7", 60);
	assert_true(tries.walks > 3);
	sim_cloud_clear(&cloud);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(neighbours_need_no_seed),
	cmocka_unit_test(processes_share_a_name),
	cmocka_unit_test(the_callers_time_is_used),
};

PONTO_TEST_MAIN(tests)
