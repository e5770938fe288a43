#include "tests/sim/sim_cloud.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/service-pnrp/pnrp.pb-c.h"

extern const struct ponto_plugin transport_sim_LTX_ponto_plugin;
extern const struct ponto_plugin security_sim_LTX_ponto_plugin;
extern const struct ponto_plugin discovery_seed_LTX_ponto_plugin;
extern const struct ponto_plugin discovery_ssdp_LTX_ponto_plugin;
extern const struct ponto_plugin service_pnrp_LTX_ponto_plugin;
extern const struct ponto_plugin store_mem_LTX_ponto_plugin;

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	printf("Bail out! simulation cannot be set up: %s\n", what);
	exit(1);
}

void sim_cloud_init(struct sim_cloud *cloud, size_t capacity, uint64_t seed)
{
	memset(cloud, 0, sizeof(*cloud));
	require(ponto_sim_create(&ponto_alloc_system, seed, &cloud->sim) == PONTO_OK, "world");
	cloud->members = calloc(capacity, sizeof(*cloud->members));
	require(cloud->members != NULL, "memory");
	cloud->capacity = capacity;
}

void sim_cloud_clear(struct sim_cloud *cloud)
{
	for (size_t i = 0; i < cloud->count; i++) {
		struct sim_member *member = &cloud->members[i];

		ponto_node_destroy(member->node);
		ponto_metrics_destroy(member->metrics);
		for (size_t k = 0; k < member->conf_count; k++)
			ponto_conf_destroy(member->confs[k]);
	}
	free(cloud->members);
	ponto_sim_destroy(cloud->sim);
	memset(cloud, 0, sizeof(*cloud));
}

static void add(struct sim_member *member, const struct ponto_plugin *plugin, const char *name,
		const char *const *settings)
{
	char reason[PONTO_REASON_SIZE] = "";
	struct ponto_conf *conf;

	require(ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, reason,
				sizeof(reason), &conf) == PONTO_OK,
		reason);
	member->confs[member->conf_count++] = conf;
	require(ponto_node_add(member->node, plugin, name, conf, reason) == PONTO_OK, reason);
}

static void learn_address(const struct sim_cloud *cloud, struct sim_member *member);

size_t sim_cloud_add(struct sim_cloud *cloud, const char *const *seeds, const char *const *service)
{
	static const char *const nobody[] = {"peers=", "store=", NULL}, *const near[] = {"transport=net", NULL};
	struct sim_member *member = &cloud->members[cloud->count];
	const char *settings[16] = {"transport=net", "security=id"};
	char reason[PONTO_REASON_SIZE] = "";
	struct ponto_node_setup setup = {.alloc = &ponto_alloc_system, .simulation = true};
	struct ponto_sim_node *sim_node;
	struct ponto_iface iface;
	char name[32];

	require(cloud->count < cloud->capacity, "capacity");
	for (size_t i = 0; service[i]; i++)
		settings[2 + i] = service[i];
	require(ponto_sim_node(cloud->sim, &sim_node) == PONTO_OK, "node");
	snprintf(name, sizeof(name), "n%zu", cloud->count);
	setup.name = name;
	setup.random = ponto_sim_node_random(sim_node);
	setup.clock = ponto_sim_node_clock(sim_node);
	setup.loop = ponto_sim_node_loop(sim_node);
	require(!cloud->metered || ponto_metrics_create(&ponto_alloc_system, &member->metrics) == PONTO_OK, "metrics");
	setup.metrics = member->metrics;
	setup.log = cloud->log;
	require(ponto_node_create(&setup, &member->node) == PONTO_OK, "node");
	add(member, &transport_sim_LTX_ponto_plugin, "net", NULL);
	add(member, cloud->security ? cloud->security : &security_sim_LTX_ponto_plugin, "id", NULL);
	if (cloud->stored)
		add(member, &store_mem_LTX_ponto_plugin, "main", NULL);
	add(member, &discovery_seed_LTX_ponto_plugin, "seeds", seeds ? seeds : nobody);
	add(member, &discovery_ssdp_LTX_ponto_plugin, "near", near);
	add(member, &service_pnrp_LTX_ponto_plugin, "pnrp", settings);
	if (cloud->prepare)
		cloud->prepare(cloud->prepare_arg, member->node);
	require(ponto_node_start(member->node, reason) == PONTO_OK, reason);
	require(ponto_node_find(member->node, PONTO_KIND_SERVICE, "pnrp", &iface) == PONTO_OK, "service");
	member->service.ops = (const struct ponto_service_ops *)iface.ops;
	member->service.self = iface.self;
	learn_address(cloud, member);
	return cloud->count++;
}

size_t sim_cloud_join(struct sim_cloud *cloud, long seed)
{
	static const char *const service[] = {"discovery=seeds", "store=", NULL};
	char peers[2 * PONTO_ADDR_TEXT + 16] = "peers=";
	const char *seeds[] = {peers, "store=", NULL};
	size_t index;

	if (seed >= 0)
		snprintf(peers, sizeof(peers), "peers=%s,%s", cloud->members[0].address, cloud->members[seed].address);
	index = sim_cloud_add(cloud, seeds, service);
	require(cloud->members[index].address[0] != '\0', "address");
	return index;
}

/* ---- calls ---------------------------------------------------------------------- */

struct sim_call {
	struct ponto_call call;
	sim_done_fn *done;
	void *arg;
	uint8_t payload[];
};

static void on_reply(struct ponto_call *call, int result, struct ponto_bytes payload, const char *error)
{
	struct sim_call *sc = (struct sim_call *)call;

	(void)error;
	if (sc->done)
		sc->done(sc->arg, result, payload);
	free(sc);
}

static const struct ponto_call_ops call_ops = {on_reply};

static void call_member(const struct sim_cloud *cloud, struct sim_member *member, const char *method,
			struct ponto_bytes payload, sim_done_fn *done, void *arg)
{
	struct sim_call *sc = calloc(1, sizeof(*sc) + payload.len);

	require(sc != NULL, "memory");
	if (payload.len)
		memcpy(sc->payload, payload.data, payload.len);
	sc->call.ops = &call_ops;
	sc->call.method = method;
	sc->call.payload = ponto_bytes(sc->payload, payload.len);
	sc->call.uid = 1000;
	sc->call.pid = cloud->pid;
	sc->call.client = cloud->client ? cloud->client : 1;
	sc->call.deadline = PONTO_NEVER;
	sc->done = done;
	sc->arg = arg;
	member->service.ops->call(member->service.self, &sc->call);
}

void sim_cloud_call(struct sim_cloud *cloud, size_t member, const char *method, struct ponto_bytes payload,
		    sim_done_fn *done, void *arg)
{
	call_member(cloud, &cloud->members[member], method, payload, done, arg);
}

static void address_known(void *arg, int result, struct ponto_bytes payload)
{
	struct sim_member *member = arg;
	Ponto__Pnrp__V1__CloudReply *reply;

	if (result != PONTO_OK)
		return;
	reply = ponto__pnrp__v1__cloud_reply__unpack(NULL, payload.len, payload.data);
	require(reply && reply->cloud->n_addresses > 0, "address");
	snprintf(member->address, sizeof(member->address), "%s", reply->cloud->addresses[0]);
	ponto__pnrp__v1__cloud_reply__free_unpacked(reply, NULL);
}

static void learn_address(const struct sim_cloud *cloud, struct sim_member *member)
{
	call_member(cloud, member, "Cloud", ponto_bytes(NULL, 0), address_known, member);
}

void sim_cloud_register(struct sim_cloud *cloud, size_t member, const char *name, sim_done_fn *done, void *arg)
{
	Ponto__Pnrp__V1__RegisterRequest request = PONTO__PNRP__V1__REGISTER_REQUEST__INIT;
	uint8_t packed[512];

	request.name = (char *)(uintptr_t)name;
	require(ponto__pnrp__v1__register_request__get_packed_size(&request) <= sizeof(packed), "name");
	sim_cloud_call(cloud, member, "Register",
		       ponto_bytes(packed, ponto__pnrp__v1__register_request__pack(&request, packed)), done, arg);
}

void sim_cloud_resolve(struct sim_cloud *cloud, size_t member, const char *name, unsigned timeout_ms, sim_done_fn *done,
		       void *arg)
{
	Ponto__Pnrp__V1__ResolveRequest request = PONTO__PNRP__V1__RESOLVE_REQUEST__INIT;
	uint8_t packed[512];

	request.name = (char *)(uintptr_t)name;
	request.has_timeout_ms = true;
	request.timeout_ms = timeout_ms;
	require(ponto__pnrp__v1__resolve_request__get_packed_size(&request) <= sizeof(packed), "name");
	sim_cloud_call(cloud, member, "Resolve",
		       ponto_bytes(packed, ponto__pnrp__v1__resolve_request__pack(&request, packed)), done, arg);
}

void sim_cloud_run(struct sim_cloud *cloud, uint64_t us)
{
	ponto_sim_run(cloud->sim, ponto_sim_now(cloud->sim) + us);
}

#define UNANSWERED 1

static void on_answer(void *arg, int result, struct ponto_bytes payload)
{
	(void)payload;
	*(int *)arg = result;
}

int sim_cloud_registered(struct sim_cloud *cloud, size_t member, const char *name)
{
	int result = UNANSWERED;

	sim_cloud_register(cloud, member, name, on_answer, &result);
	sim_cloud_run(cloud, 20 * PONTO_SECOND);
	require(result != UNANSWERED, "register");
	return result;
}

int sim_cloud_resolved(struct sim_cloud *cloud, size_t member, const char *name)
{
	int result = UNANSWERED;

	sim_cloud_resolve(cloud, member, name, 10000, on_answer, &result);
	sim_cloud_run(cloud, 15 * PONTO_SECOND);
	require(result != UNANSWERED, "resolve");
	return result;
}
