#include "tests/sim/sim_lan_private.h"

#include "framework/discovery.h"
#include "framework/metrics.h"
#include "framework/store.h"

extern const struct ponto_plugin store_mem_LTX_ponto_plugin;
extern const struct ponto_plugin service_dist_LTX_ponto_plugin;

#define SEARCH_TIME (300 * PONTO_MS)

/* ---- discovery ------------------------------------------------------------------------------------ */

struct ponto_discovery_handle {
	struct ponto_discovery_handle *next;
	struct lan *lan;
	unsigned node;
	void *arg;
	struct ponto_discovery_pieces pieces;
	bool published;
	uint16_t port;
};

struct search {
	struct ponto_discovery_handle *handle;
	struct lan *lan;
	unsigned node;
	uint64_t tag;
	size_t count;
	uint32_t replies, full;
	struct content_id ids[16];
};

static int d_open(void *self, struct ponto_loop *loop, const struct ponto_discovery_want *want,
		  const struct ponto_discovery_events *events, void *arg, struct ponto_discovery_handle **out)
{
	struct ponto_discovery_handle *h = must(calloc(1, sizeof(*h)));

	(void)self;
	(void)want;
	(void)events;
	h->lan = lan_of(loop);
	h->node = ponto_sim_node_number(ponto_loop_sim(loop));
	h->arg = arg;
	h->next = h->lan->handles;
	h->lan->handles = h;
	*out = h;
	return PONTO_OK;
}

static void d_close(struct ponto_discovery_handle *handle)
{
	struct ponto_discovery_handle **at = &handle->lan->handles;

	while (*at != handle)
		at = &(*at)->next;
	*at = handle->next;
	free(handle);
}

static bool is_open(const struct lan *lan, const struct ponto_discovery_handle *handle, unsigned node)
{
	const struct ponto_discovery_handle *h = lan->handles;

	while (h && h != handle)
		h = h->next;
	return h && h->node == node;
}

static int d_publish(struct ponto_discovery_handle *handle, const struct ponto_addr *addrs, size_t count)
{
	handle->published = count > 0;
	handle->port = count ? addrs[0].port : 0;
	return PONTO_OK;
}

static void d_unpublish(struct ponto_discovery_handle *handle)
{
	handle->published = false;
}

static int d_pieces(struct ponto_discovery_handle *handle, const struct ponto_discovery_pieces *events)
{
	handle->pieces = *events;
	return PONTO_OK;
}

static void search_ended(void *arg)
{
	struct search *s = arg;

	if (is_open(s->lan, s->handle, s->node))
		s->handle->pieces.ended(s->handle->arg, s->tag, s->replies, s->full);
	free(s);
}

/* All answer, from a place on, until there are enough of them. */
static void searched(void *arg)
{
	struct search *s = arg;
	struct lan *lan = s->lan;
	struct ponto_bytes ids[16];
	struct ponto_discovery_handle *all[LAN_NODES];
	size_t handles = 0, first;

	for (size_t i = 0; i < s->count; i++)
		ids[i] = content_id_bytes(&s->ids[i]);
	for (struct ponto_discovery_handle *h = lan->handles; h && handles < LAN_NODES; h = h->next)
		all[handles++] = h;
	first = (size_t)ponto_random_below(ponto_sim_random(lan->sim), handles);
	for (size_t k = 0; k < handles && is_open(lan, s->handle, s->node) && s->replies < lan->search_limit; k++) {
		struct ponto_discovery_handle *h = all[(first + k) % handles];
		struct ponto_held held[16];
		struct ponto_addr addr;
		bool any = false;

		memset(held, 0, sizeof(held));
		if (h->node == s->node || !h->published || lan->nodes[h->node].gone || lan->nodes[s->node].gone)
			continue;
		h->pieces.lookup(h->arg, ids, s->count, held);
		for (size_t i = 0; i < s->count; i++)
			any |= held[i].state != PONTO_HELD_NOTHING;
		if (!any)
			continue;
		addr = addr_of(h->node, h->port);
		s->replies++;
		s->handle->pieces.found(s->handle->arg, s->tag, &addr, 1, held, s->count);
	}
	if (!ponto_sim_at(lan->sim, ponto_sim_now(lan->sim) + SEARCH_TIME - 50 * PONTO_MS, search_ended, s))
		free(s);
}

static int d_seek(struct ponto_discovery_handle *handle, unsigned version, const struct ponto_bytes *ids, size_t count,
		  uint64_t tag)
{
	struct search *s = must(calloc(1, sizeof(*s)));

	(void)version;
	assert_true(count <= 16);
	s->handle = handle;
	s->lan = handle->lan;
	s->node = handle->node;
	s->tag = tag;
	s->count = count;
	s->lan->searches++;
	for (size_t i = 0; i < count; i++)
		assert_ok(content_id_set(ids[i], &s->ids[i]));
	(void)ponto_sim_at(s->lan->sim, ponto_sim_now(s->lan->sim) + 50 * PONTO_MS, searched, s);
	return PONTO_OK;
}

static const struct ponto_discovery_ops discovery_ops = {
	.head = {PONTO_DISCOVERY_ABI, sizeof(discovery_ops)},
	.sources = PONTO_SOURCE_MULTICAST,
	.create = nothing_create,
	.destroy = nothing_destroy,
	.open = d_open,
	.close = d_close,
	.publish = d_publish,
	.unpublish = d_unpublish,
	.pieces = d_pieces,
	.seek = d_seek,
};

static const struct ponto_plugin discovery_plugin = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_DISCOVERY,
	.name = "discovery-lan",
	.version = "1",
	.summary = "neighbours of a simulated branch",
	.vtable = &discovery_ops.head,
};

/* store-mem with a disk. */
static uint64_t disk_size;

static int disk_space(void *self, uint64_t *total, uint64_t *left, uint64_t deadline)
{
	(void)self;
	(void)deadline;
	*total = *left = disk_size;
	return PONTO_OK;
}

static const struct ponto_plugin *store_of(const struct lan *lan)
{
	static struct ponto_store_ops ops;
	static struct ponto_plugin plugin;

	if (!lan->disk)
		return &store_mem_LTX_ponto_plugin;
	disk_size = lan->disk;
	ops = *(const struct ponto_store_ops *)store_mem_LTX_ponto_plugin.vtable;
	ops.space = disk_space;
	plugin = store_mem_LTX_ponto_plugin;
	plugin.vtable = &ops.head;
	return &plugin;
}

/* ---- nodes -------------------------------------------------------------------------------------------- */

void lan_init(struct lan *lan, uint64_t seed)
{
	memset(lan, 0, sizeof(*lan));
	assert_ok(ponto_sim_create(&ponto_alloc_system, seed, &lan->sim));
	*ponto_sim_slot(lan->sim, "lan", NULL) = lan;
	lan->alloc = &ponto_alloc_system;
	lan->latency = PONTO_MS;
	lan->peer_rate = 100 * 1000 * 1000;
	lan->line_rate = 12500 * 1000;
	lan->search_limit = 16;
	lan->uid = 1000;
	lan->admin = true;
	ponto_sim_run(lan->sim, PONTO_SECOND);
}

static void add(struct lan_node *n, const struct ponto_plugin *plugin, const char *name, const char *const *settings)
{
	char reason[PONTO_REASON_SIZE] = "";

	if (ponto_conf_make(&ponto_alloc_system, plugin->options, plugin->option_count, settings, reason,
			    sizeof(reason), &n->confs[n->conf_count]) != PONTO_OK ||
	    ponto_node_add(n->node, plugin, name, n->confs[n->conf_count++], reason) != PONTO_OK)
		fail_msg("%s: %s", name, reason);
}

/* PONTO_OK: it runs. */
static int add_node(struct lan *lan, const char *const *settings)
{
	struct lan_node *n = &lan->nodes[lan->count];
	const char *all[32] = {"http=http", "store=main", "discovery=near"};
	struct ponto_node_setup setup = {.alloc = lan->alloc, .simulation = true};
	char reason[PONTO_REASON_SIZE] = "", name[32];
	struct ponto_iface iface;

	assert_true(lan->count < LAN_NODES);
	for (size_t i = 0; settings && settings[i]; i++)
		all[3 + i] = settings[i];
	assert_ok(ponto_sim_node(lan->sim, &n->sim));
	snprintf(name, sizeof(name), "n%u", lan->count);
	setup.name = name;
	setup.random = ponto_sim_node_random(n->sim);
	setup.clock = ponto_sim_node_clock(n->sim);
	setup.loop = ponto_sim_node_loop(n->sim);
	assert_ok(ponto_metrics_create(&ponto_alloc_system, &n->metrics));
	setup.metrics = n->metrics;
	assert_ok(ponto_node_create(&setup, &n->node));
	add(n, &lan_http_plugin, "http", NULL);
	add(n, &discovery_plugin, "near", NULL);
	add(n, store_of(lan), "main", NULL);
	add(n, &service_dist_LTX_ponto_plugin, "dist", all);
	lan->count++;
	if (ponto_node_start(n->node, reason) != PONTO_OK) {
		printf("# %s\n", reason);
		return PONTO_ECONF;
	}
	assert_ok(ponto_node_find(n->node, PONTO_KIND_SERVICE, "dist", &iface));
	n->service.ops = (const struct ponto_service_ops *)iface.ops;
	n->service.self = iface.self;
	lan_run(lan, 10 * PONTO_MS);
	return PONTO_OK;
}

unsigned lan_add(struct lan *lan, const char *const *settings)
{
	assert_ok(add_node(lan, settings));
	return lan->count - 1;
}

bool lan_starts(struct lan *lan, const char *const *settings)
{
	bool started = add_node(lan, settings) == PONTO_OK;

	lan_remove(lan, lan->count - 1);
	return started;
}

void lan_remove(struct lan *lan, unsigned node)
{
	struct lan_node *n = &lan->nodes[node];

	if (!n->node)
		return;
	ponto_node_destroy(n->node);
	n->node = NULL;
	n->gone = true;
	ponto_metrics_destroy(n->metrics);
	for (size_t i = 0; i < n->conf_count; i++)
		ponto_conf_destroy(n->confs[i]);
}

void lan_clear(struct lan *lan)
{
	for (unsigned i = 0; i < lan->count; i++)
		lan_remove(lan, i);
	assert_null(lan->exchanges);
	assert_null(lan->listeners);
	assert_null(lan->handles);
	lan_run(lan, 10 * PONTO_SECOND); /* searches end */
	ponto_sim_destroy(lan->sim);
	lan_content_clear(&lan->content);
}

void lan_run(struct lan *lan, uint64_t us)
{
	ponto_sim_run(lan->sim, ponto_sim_now(lan->sim) + us);
}

/* ---- calls ----------------------------------------------------------------------------------------------- */

struct lan_call {
	struct ponto_call call;
	lan_reply_fn *reply;
	void *arg;
	uint8_t payload[];
};

static void on_reply(struct ponto_call *call, int result, struct ponto_bytes payload, const char *error)
{
	struct lan_call *c = (struct lan_call *)call;

	if (c->reply)
		c->reply(c->arg, result, payload, error);
	free(c);
}

static const struct ponto_call_ops call_ops = {on_reply};

void lan_call(struct lan *lan, unsigned node, const char *method, struct ponto_bytes payload, uint64_t client,
	      lan_reply_fn *reply, void *arg)
{
	struct lan_call *c = must(calloc(1, sizeof(*c) + payload.len));

	if (payload.len)
		memcpy(c->payload, payload.data, payload.len);
	c->call.ops = &call_ops;
	c->call.method = method;
	c->call.payload = ponto_bytes(c->payload, payload.len);
	c->call.uid = lan->uid;
	c->call.client = client;
	c->call.deadline = PONTO_NEVER;
	c->call.admin = lan->admin;
	c->reply = reply;
	c->arg = arg;
	lan->nodes[node].service.ops->call(lan->nodes[node].service.self, &c->call);
}

