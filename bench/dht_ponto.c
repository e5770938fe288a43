/* Ponto's side of bench-pnrp: nodes as the daemon composes them: transport-udp6, security-pki, store-mem,
 * discovery-seed and service-pnrp, each service on loop-uv; the broker is left out, as OpenDHT has none. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/dht_side.h"
#include "framework/node.h"
#include "framework/service.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define PORT 4000
#define TIMEOUT_MS 8000

extern const struct ponto_plugin transport_udp6_LTX_ponto_plugin;
extern const struct ponto_plugin security_pki_LTX_ponto_plugin;
extern const struct ponto_plugin store_mem_LTX_ponto_plugin;
extern const struct ponto_plugin discovery_seed_LTX_ponto_plugin;
extern const struct ponto_plugin service_pnrp_LTX_ponto_plugin;

struct member {
	struct ponto_node *node;
	struct ponto_metrics *metrics;
	struct ponto_loop *loop; /* shared when there are fewer threads than nodes */
};

static struct member members[DHT_NODES_MAX];

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned registered;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* ---- calls: made on the service's thread ------------------------------------------------ */

struct call {
	struct ponto_call call;
	struct member *member;
	struct dht_get *get;
	size_t len;
	uint8_t payload[128];
};

static void run_call(void *arg)
{
	struct call *c = arg;

	c->call.payload = ponto_bytes(c->payload, c->len);
	c->call.deadline = PONTO_NEVER;
	c->call.uid = 1000;
	c->call.client = 1;
	if (ponto_node_call(c->member->node, "pnrp", &c->call) != PONTO_OK)
		dht_die("no service");
}

static struct call *new_call(unsigned node, const char *method, const struct ponto_call_ops *ops)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		dht_die("no memory");
	c->member = &members[node];
	c->call.ops = ops;
	c->call.method = method;
	return c;
}

static void post(struct call *c)
{
	if (ponto_loop_post(c->member->loop, run_call, c) != PONTO_OK)
		dht_die("no memory");
}

static void format_name(unsigned node, char out[32])
{
	snprintf(out, 32, "0.bench-%u", node);
}

static void on_registered(struct ponto_call *call, int result, struct ponto_bytes payload, const char *error)
{
	(void)payload;
	if (result != PONTO_OK)
		dht_die(error);
	pthread_mutex_lock(&state.lock);
	state.registered++;
	pthread_cond_signal(&state.changed);
	pthread_mutex_unlock(&state.lock);
	free(call);
}

static void register_name(unsigned node)
{
	static const struct ponto_call_ops ops = {on_registered};
	Ponto__Pnrp__V1__RegisterRequest request = PONTO__PNRP__V1__REGISTER_REQUEST__INIT;
	struct call *c = new_call(node, "Register", &ops);
	char name[32];

	format_name(node, name);
	request.name = name;
	c->len = ponto__pnrp__v1__register_request__pack(&request, c->payload);
	post(c);
}

static void on_resolved(struct ponto_call *call, int result, struct ponto_bytes payload, const char *error)
{
	struct call *c = (struct call *)call;
	Ponto__Pnrp__V1__ResolveReply *reply = NULL;
	bool found = false;
	char name[32];

	(void)error;
	if (result == PONTO_OK)
		reply = ponto__pnrp__v1__resolve_reply__unpack(NULL, payload.len, payload.data);
	if (reply) {
		format_name(c->get->name, name);
		found = reply->n_match == 1 && strcmp(reply->match[0]->name, name) == 0;
		ponto__pnrp__v1__resolve_reply__free_unpacked(reply, NULL);
	}
	dht_got(c->get, found);
	free(c);
}

static void get(struct dht_get *get)
{
	static const struct ponto_call_ops ops = {on_resolved};
	Ponto__Pnrp__V1__ResolveRequest request = PONTO__PNRP__V1__RESOLVE_REQUEST__INIT;
	struct call *c = new_call(get->node, "Resolve", &ops);
	char name[32];

	format_name(get->name, name);
	request.name = name;
	request.has_timeout_ms = true;
	request.timeout_ms = TIMEOUT_MS;
	c->get = get;
	c->len = ponto__pnrp__v1__resolve_request__pack(&request, c->payload);
	post(c);
}

/* A node keeps no copy of another's name. */
static bool remote(unsigned node, unsigned name)
{
	return node != name;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static void add(struct member *m, const struct ponto_plugin *plugin, const char *name, const char *const *settings)
{
	char reason[PONTO_REASON_SIZE] = "";
	struct ponto_conf *conf; /* lives as long as the process */

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, reason,
			    sizeof(reason), &conf) != PONTO_OK ||
	    ponto_node_add(m->node, plugin, name, conf, reason) != PONTO_OK)
		dht_die(reason);
}

/* On its loop's thread, and the name with it. */
static void make_node(void *arg)
{
	static const char *const seeds[] = {"peers=[::1]:4000", "store=", NULL};
	char port[32], node_name[32], reason[PONTO_REASON_SIZE];
	const char *transport[] = {port, NULL};
	const char *service[] = {"transport=net", "security=id",    "discovery=seeds",
				 "store=main",	  "scope=loopback", NULL};
	struct member *m = arg;
	unsigned i = (unsigned)(m - members);
	struct ponto_node_setup setup = {.alloc = &ponto_alloc_system,
					 .random = &ponto_random_system,
					 .clock = &ponto_clock_system,
					 .loop = m->loop,
					 .name = node_name};

	snprintf(port, sizeof(port), "port=%u", PORT + i);
	snprintf(node_name, sizeof(node_name), "n%u", i);
	if (ponto_metrics_create(&ponto_alloc_system, &m->metrics) != PONTO_OK)
		dht_die("no memory");
	setup.metrics = m->metrics;
	if (ponto_node_create(&setup, &m->node) != PONTO_OK)
		dht_die("no memory");
	add(m, &transport_udp6_LTX_ponto_plugin, "net", transport);
	add(m, &security_pki_LTX_ponto_plugin, "id", NULL);
	add(m, &store_mem_LTX_ponto_plugin, "main", NULL);
	add(m, &discovery_seed_LTX_ponto_plugin, "seeds", seeds);
	add(m, &service_pnrp_LTX_ponto_plugin, "pnrp", service);
	if (ponto_node_start(m->node, reason) != PONTO_OK)
		dht_die(reason);
	register_name(i);
}

static void *run_loop(void *arg)
{
	if (ponto_loop_run(arg) != PONTO_OK)
		dht_die("a loop failed");
	return NULL;
}

static void make_thread(struct member *m)
{
	pthread_t thread;

	if (ponto_loop_uv_create(&ponto_alloc_system, &m->loop) != PONTO_OK ||
	    pthread_create(&thread, NULL, run_loop, m->loop) != 0)
		dht_die("no thread");
}

/* One after another: a node finds a cloud only where a name is registered. threads 0: one each. */
static void join(unsigned nodes, unsigned threads)
{
	threads = threads ? threads : nodes;
	for (unsigned i = 0; i < nodes; i++) {
		struct member *m = &members[i];

		if (i < threads)
			make_thread(m);
		else
			m->loop = members[i % threads].loop;
		if (ponto_loop_post(m->loop, make_node, m) != PONTO_OK)
			dht_die("no memory");
		pthread_mutex_lock(&state.lock);
		while (state.registered <= i)
			pthread_cond_wait(&state.changed, &state.lock);
		pthread_mutex_unlock(&state.lock);
	}
}

int main(int argc, char **argv)
{
	static const struct dht_side side = {"ponto", join, remote, get};

	dht_run(&side, argc, argv);
}
