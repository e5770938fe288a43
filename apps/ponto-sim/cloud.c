#include "apps/ponto-sim/cloud.h"

#include <stdio.h>
#include <string.h>

#include "plugins/security-sim/sim_signature.h"

#define PORT 3540
#define APPLICATION_PORT 8080
#define PROTOCOL_TCP 6
#define SEEDS_NAMED 4 /* addresses a name server hands out at once */

extern const struct ponto_plugin transport_sim_LTX_ponto_plugin;

/* ---- keys ------------------------------------------------------------------------ */

struct stream {
	uint64_t state;
};

static void stream_fill(void *ctx, uint8_t *out, size_t len)
{
	struct stream *s = ctx;

	while (len > 0) {
		uint64_t z = (s->state += UINT64_C(0x9e3779b97f4a7c15));
		size_t n = len < sizeof(z) ? len : sizeof(z);

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
		memcpy(out, &z, n);
		out += n;
		len -= n;
	}
}

/* A node's key follows from its number: none is kept. */
struct ponto_bytes psim_key(const struct psim_cloud *c, uint32_t number, uint8_t room[PNRP_KEY_BYTES])
{
	struct stream stream = {number};
	struct ponto_random random = {stream_fill, &stream};

	_Static_assert(PNRP_KEY_BYTES >= PONTO_PUBLIC_KEY_MAX, "a key fits");
	return ponto_bytes(room, sim_public_key(c->wire->security, &random, room));
}

void psim_name(const struct psim_node *n, char *out)
{
	if (n->name)
		snprintf(out, PNRP_NAME_TEXT, "%s", n->name);
	else
		snprintf(out, PNRP_NAME_TEXT, "0.n%u", (unsigned)n->number);
}

void psim_secure_name(const struct psim_cloud *c, uint32_t others, const char *classifier, char *out)
{
	uint8_t key[PNRP_KEY_BYTES], authority[PONTO_AUTHORITY_SIZE];
	char hex[2 * PONTO_AUTHORITY_SIZE + 1];

	psim_require(ponto_public_key_authority(c->wire->security, psim_key(c, c->joined + others, key), authority) ==
			     PONTO_OK,
		     "key");
	ponto_hex(ponto_bytes(authority, sizeof(authority)), hex);
	snprintf(out, PNRP_NAME_TEXT, "%s.%s", hex, classifier);
}

/* ---- work for the engine ------------------------------------------------------------ */

static void sign(struct psim_node *n, const struct pnrp_effect *effect)
{
	uint8_t key[PNRP_KEY_BYTES], room[PNRP_ITEMS_MAX][PONTO_SIGNATURE_MAX];
	struct ponto_bytes public_key = psim_key(n->cloud, n->number, key);
	struct pnrp_completion c = {.result = PONTO_OK};

	for (size_t i = 0; i < effect->sign.count; i++)
		c.signatures[i] = ponto_bytes(room[i], sim_signature(n->cloud->wire->security, public_key,
								     effect->sign.items[i].data, room[i]));
	pnrp_engine_complete(n->engine, ponto_sim_now(n->cloud->sim), effect->token, &c);
}

static void verify(struct psim_node *n, const struct pnrp_effect *effect)
{
	struct pnrp_completion c = {.result = effect->verify.chain.len ? PONTO_ENOTSUP : PONTO_OK};
	uint8_t room[PONTO_SIGNATURE_MAX];

	for (size_t i = 0; i < effect->verify.count && c.result == PONTO_OK; i++) {
		const struct pnrp_item *item = &effect->verify.items[i];
		size_t len = sim_signature(n->cloud->wire->security, effect->verify.public_key, item->data, room);

		if (!ponto_bytes_equal(item->signature, ponto_bytes(room, len)))
			c.result = PONTO_EAUTH;
	}
	pnrp_engine_complete(n->engine, ponto_sim_now(n->cloud->sim), effect->token, &c);
}

/* What a name server would answer: some of the seed servers, in any order. Nothing is remembered: all are new. */
static void discover(struct psim_node *n, unsigned sources)
{
	struct psim_cloud *c = n->cloud;
	uint64_t now = ponto_sim_now(c->sim);

	if (sources & PNRP_SOURCE_SEED && c->seed_count > 0) {
		const struct ponto_random *random = ponto_sim_random(c->sim);
		uint32_t first = (uint32_t)ponto_random_below(random, c->seed_count);

		for (uint32_t i = 0; i < SEEDS_NAMED && i < c->seed_count; i++)
			pnrp_engine_found(n->engine, now, PNRP_SOURCE_SEED, &c->seed_addr[(first + i) % c->seed_count],
					  1);
	}
	for (unsigned source = 1; source <= PNRP_SOURCE_SEED; source <<= 1)
		if (sources & source)
			pnrp_engine_discovery_done(n->engine, now, (enum pnrp_source)source);
}

static void query_over(struct psim_node *n, const struct pnrp_effect *effect)
{
	struct psim_query *q = (struct psim_query *)(uintptr_t)effect->token, **at = &n->queries;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (!q->withdrawn)
		q->target->asked_for--;
	n->cloud->asking--;
	q->done(q->arg, q, effect);
	ponto_free(n->cloud->alloc, q);
}

static void do_effect(struct psim_node *n, const struct pnrp_effect *effect)
{
	switch (effect->type) {
	case PNRP_EFFECT_SIGN:
		sign(n, effect);
		break;
	case PNRP_EFFECT_VERIFY:
		verify(n, effect);
		break;
	case PNRP_EFFECT_DISCOVER:
		discover(n, effect->discover.sources);
		break;
	case PNRP_EFFECT_RESOLVED:
	case PNRP_EFFECT_UNRESOLVED:
		query_over(n, effect);
		break;
	case PNRP_EFFECT_REGISTRATION:
		n->active = effect->registration.state == PNRP_REGISTRATION_ACTIVE;
		break;
	default:
		break;
	}
}

/* ---- moving -------------------------------------------------------------------------- */

static void send_all(struct psim_node *n, uint64_t now)
{
	uint8_t bytes[PNRP_DATAGRAM_MAX];
	struct pnrp_slot slot = {.data = bytes, .cap = sizeof(bytes)};

	while (pnrp_engine_output(n->engine, now, &slot) == 1) {
		struct ponto_datagram d = {
			.peer = slot.to, .local = slot.from, .data = ponto_bytes(slot.data, slot.len)};
		size_t sent;

		psim_require(ponto_datagrams_send(n->net, &d, 1, &sent) != PONTO_ENOMEM, "out of memory");
		slot.from = (struct ponto_addr){0};
	}
}

void psim_pump(struct psim_node *n)
{
	uint64_t now = ponto_sim_now(n->cloud->sim), deadline;
	struct pnrp_effect effect;

	if (n->pumping)
		return;
	n->pumping = true;
	while (pnrp_engine_effect(n->engine, &effect) == 1)
		do_effect(n, &effect);
	send_all(n, now); /* what leaves brings no new work */
	n->pumping = false;
	deadline = pnrp_engine_deadline(n->engine);
	if (deadline != n->armed) {
		n->armed = deadline;
		ponto_timer_set(ponto_sim_node_loop(n->place), n->timer, deadline);
	}
}

static void on_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct psim_node *n = arg;
	struct psim_cloud *c = n->cloud;

	for (size_t i = 0; i < count; i++)
		if (!c->intercept || !c->intercept(c->intercept_arg, n, &batch[i]))
			psim_require(pnrp_engine_input(n->engine, ponto_sim_now(c->sim), &batch[i].peer,
						       &batch[i].local, batch[i].data) != PONTO_ENOMEM,
				     "out of memory");
	psim_pump(n);
}

void psim_send(struct psim_node *from, const struct ponto_addr *to, struct ponto_bytes bytes)
{
	struct ponto_datagram d = {.peer = *to, .data = bytes};
	size_t sent;

	psim_require(ponto_datagrams_send(from->net, &d, 1, &sent) != PONTO_ENOMEM, "out of memory");
}

void psim_spoof(struct psim_node *to, const struct ponto_addr *from, struct ponto_bytes bytes)
{
	struct ponto_addr local = psim_address(to);

	psim_require(pnrp_engine_input(to->engine, ponto_sim_now(to->cloud->sim), from, &local, bytes) != PONTO_ENOMEM,
		     "out of memory");
	psim_pump(to);
}

static const struct ponto_datagram_events net_events = {.receive = on_receive};

static void on_timer(void *arg)
{
	struct psim_node *n = arg;

	n->armed = PONTO_NEVER;
	pnrp_engine_tick(n->engine, ponto_sim_now(n->cloud->sim));
	psim_pump(n);
}

/* A node, what it is made of, what its engine points to: from PONTO_SIM_NETWORK_AHEAD on. */
static void foresee(void *arg, struct ponto_bytes datagram, unsigned step)
{
	const struct psim_node *n = arg;

	if (step < PONTO_SIM_NETWORK_AHEAD)
		return;
	step -= PONTO_SIM_NETWORK_AHEAD;
	if (step == 0) {
		ponto_prefetch(n, PONTO_CACHE_LINE);
	} else {
		if (step == 1) {
			ponto_prefetch(n->place, 2 * PONTO_CACHE_LINE);
			ponto_prefetch(n->timer, 1);
			ponto_prefetch(n->net.handle, 2 * PONTO_CACHE_LINE);
		}
		if (step == 2)
			ponto_sim_timer_ahead(n->cloud->sim, n->timer);
		pnrp_engine_ahead(n->engine, datagram, step - 1);
	}
}

static void foresee_timer(void *arg, unsigned step)
{
	foresee(arg, ponto_bytes(NULL, 0), step);
}

/* ---- joining and leaving ------------------------------------------------------------------ */

static void make_engine(struct psim_node *n)
{
	struct psim_cloud *c = n->cloud;
	const struct ponto_clock *clock = ponto_sim_node_clock(n->place);
	struct pnrp_engine_config config = {
		.alloc = *c->alloc,
		.random = *ponto_sim_node_random(n->place),
		.profile = (enum pnrp_profile)c->wire->security,
		.scope = PONTO_SCOPE_GLOBAL,
		.no_multicast = true,
	};
	uint64_t now = ponto_sim_now(c->sim);
	struct ponto_addr local;
	size_t count = 0;

	psim_require(pnrp_engine_create(&config, &n->engine) == PONTO_OK, "out of memory");
	pnrp_engine_set_wall(n->engine, (int64_t)(ponto_wall(clock) - ponto_mono(clock)));
	psim_require(ponto_datagrams_local(n->net, &local, 1, &count) == PONTO_OK && count == 1, "no address");
	psim_require(pnrp_engine_set_local(n->engine, now, &local, 1) == PONTO_OK, "address refused");
	psim_require(pnrp_engine_open(n->engine, now, NULL, 0) == PONTO_OK, "cloud cannot be opened");
	if (c->seed_count < c->seeds)
		c->seed_addr[c->seed_count++] = local;
}

struct ponto_addr psim_address(const struct psim_node *n)
{
	struct ponto_addr a;

	ponto_sim_network_address(n->number, PONTO_SCOPE_GLOBAL, 0, PORT, &a);
	return a;
}

static void register_name(struct psim_node *n, size_t payload)
{
	static uint8_t filler[PNRP_PAYLOAD_BYTES];
	struct pnrp_endpoint endpoint = {.port = APPLICATION_PORT, .protocol = PROTOCOL_TCP};
	uint8_t key[PNRP_KEY_BYTES];
	char name[PNRP_NAME_TEXT];
	struct pnrp_registration r = {.name = name,
				      .public_key = psim_key(n->cloud, n->number, key),
				      .endpoints = &endpoint,
				      .endpoint_count = 1};
	struct ponto_addr local = psim_address(n);

	memcpy(endpoint.ip, local.ip, sizeof(endpoint.ip));
	psim_name(n, name);
	if (payload > 0) {
		r.payload_type = PNRP_PAYLOAD_BINARY;
		r.payload = ponto_bytes(filler, payload);
	}
	psim_require(pnrp_engine_register(n->engine, ponto_sim_now(n->cloud->sim), &r, &n->registration, &n->id) ==
			     PONTO_OK,
		     "name cannot be registered");
}

struct psim_node *psim_join(struct psim_cloud *c)
{
	return psim_join_as(c, NULL, 0);
}

struct psim_node *psim_join_as(struct psim_cloud *c, const char *name, size_t payload)
{
	struct psim_node *n = ponto_new(c->alloc, 1, sizeof(*n));
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = PORT, .max_addresses = 1};
	struct ponto_loop *loop;

	psim_require(n && ponto_sim_node(c->sim, &n->place) == PONTO_OK, "out of memory");
	if (c->count == c->room) {
		c->room = c->room ? c->room * 2 : 1024;
		c->live = ponto_resize(c->alloc, c->live, c->room, sizeof(struct psim_node *));
		psim_require(c->live, "out of memory");
	}
	n->cloud = c;
	n->number = ponto_sim_node_number(n->place);
	c->joined = n->number + 1;
	if (name)
		n->name = ponto_strdup(c->alloc, name);
	psim_require(n->name || !name, "out of memory");
	n->joined_at = ponto_sim_now(c->sim);
	n->armed = PONTO_NEVER;
	loop = ponto_sim_node_loop(n->place);
	psim_require(ponto_timer_create(loop, on_timer, n, &n->timer) == PONTO_OK &&
			     ponto_datagrams_open(c->transport, loop, &want, &net_events, n, &n->net) == PONTO_OK,
		     "out of memory");
	make_engine(n);
	register_name(n, payload);
	n->live = c->count;
	c->live[c->count++] = n;
	psim_pump(n);
	return n;
}

static void add_stats(struct pnrp_stats *sum, const struct pnrp_stats *s)
{
	uint64_t *to = (uint64_t *)(void *)sum;
	const uint64_t *from = (const uint64_t *)(const void *)s;

	_Static_assert(sizeof(*s) % sizeof(uint64_t) == 0, "counters only");
	for (size_t i = 0; i < sizeof(*s) / sizeof(uint64_t); i++)
		to[i] += from[i];
}

/* Those who look for the name of one who has left look for nothing. */
static void withdraw(struct psim_cloud *c, const struct psim_node *target)
{
	for (uint32_t i = 0; target->asked_for > 0 && i < c->count; i++)
		for (struct psim_query *q = c->live[i]->queries; q; q = q->next)
			if (q->target == target)
				q->withdrawn = true;
}

void psim_leave(struct psim_cloud *c, struct psim_node *n)
{
	withdraw(c, n);
	while (n->queries) {
		struct psim_query *q = n->queries;

		n->queries = q->next;
		if (!q->withdrawn)
			q->target->asked_for--;
		c->asking--;
		ponto_free(c->alloc, q);
	}
	add_stats(&c->gone, pnrp_engine_stats(n->engine));
	ponto_datagrams_close(&n->net);
	ponto_timer_destroy(ponto_sim_node_loop(n->place), n->timer);
	pnrp_engine_destroy(n->engine);
	c->live[n->live] = c->live[--c->count];
	c->live[n->live]->live = n->live;
	ponto_free(c->alloc, n->name);
	ponto_free(c->alloc, n);
}

struct psim_node *psim_anybody(struct psim_cloud *c)
{
	return c->live[ponto_random_below(ponto_sim_random(c->sim), c->count)];
}

struct psim_node *psim_any_leaver(struct psim_cloud *c)
{
	struct psim_node *n;

	if (c->count <= c->seeds)
		return NULL;
	do
		n = psim_anybody(c);
	while (n->number < c->seeds);
	return n;
}

/* ---- resolving ------------------------------------------------------------------------------ */

void psim_resolve(struct psim_node *from, struct psim_node *target, uint64_t timeout, psim_done_fn *done, void *arg)
{
	struct psim_cloud *c = from->cloud;
	struct psim_query *q = ponto_new(c->alloc, 1, sizeof(*q));
	uint64_t now = ponto_sim_now(c->sim), handle;
	char name[PNRP_NAME_TEXT];
	struct pnrp_query query = {.name = name,
				   .token = (uint64_t)(uintptr_t)q,
				   .criteria = PNRP_CRITERIA_ANY,
				   .include_local = true,
				   .timeout = timeout,
				   .max_restarts = PNRP_RESTARTS_MAX};

	psim_require(q, "out of memory");
	psim_name(target, name);
	*q = (struct psim_query){
		.next = from->queries, .from = from, .target = target, .begun = now, .done = done, .arg = arg};
	if (pnrp_engine_resolve(from->engine, now, &query, &handle) != PONTO_OK) {
		static const struct pnrp_effect refused = {.type = PNRP_EFFECT_UNRESOLVED,
							   .unresolved = {.result = PONTO_EBUSY}};

		done(arg, q, &refused);
		ponto_free(c->alloc, q);
		return;
	}
	from->queries = q;
	target->asked_for++;
	c->asking++;
	psim_pump(from);
}

/* ---- the whole --------------------------------------------------------------------------------- */

void psim_cloud_init(struct psim_cloud *c, const char *profile, uint64_t seed, uint32_t seeds)
{
	const struct ponto_plugin *plugin = &transport_sim_LTX_ponto_plugin;
	char reason[PONTO_REASON_SIZE] = "";

	memset(c, 0, sizeof(*c));
	c->wire = strcmp(profile, "modern") == 0 ? &pnrp_modern : &pnrp_windows;
	c->seeds = seeds;
	c->pool = psim_pool_create();
	psim_require(c->pool, "out of memory");
	c->alloc = psim_pool_alloc(c->pool);
	c->env = ponto_new(c->alloc, 1, sizeof(*c->env));
	c->seed_addr = ponto_new(c->alloc, seeds, sizeof(*c->seed_addr));
	psim_require(c->env && c->seed_addr && ponto_sim_create(c->alloc, seed, &c->sim) == PONTO_OK, "out of memory");
	psim_require(ponto_conf_make(c->alloc, plugin->options, plugin->option_count, NULL, reason, sizeof(reason),
				     &c->conf) == PONTO_OK,
		     reason);
	*c->env = (struct ponto_env){.abi = PONTO_PLUGIN_ABI,
				     .size = sizeof(*c->env),
				     .instance = "net",
				     .node_name = "sim",
				     .conf = c->conf,
				     .alloc = c->alloc,
				     .random = ponto_sim_random(c->sim),
				     .simulation = true};
	c->transport.ops = (const struct ponto_transport_ops *)(const void *)plugin->vtable;
	psim_require(c->transport.ops->create(c->env, &c->transport.self) == PONTO_OK, "no network");
	psim_require(ponto_sim_network_ahead(c->sim, foresee) == PONTO_OK &&
			     ponto_sim_ahead(c->sim, on_timer, foresee_timer) == PONTO_OK,
		     "out of memory");
}

void psim_cloud_clear(struct psim_cloud *c)
{
	while (c->count > 0)
		psim_leave(c, c->live[c->count - 1]);
	c->transport.ops->destroy(c->transport.self);
	ponto_sim_destroy(c->sim);
	ponto_conf_destroy(c->conf);
	ponto_free(c->alloc, c->live);
	ponto_free(c->alloc, c->seed_addr);
	ponto_free(c->alloc, c->env);
	psim_pool_destroy(c->pool);
}

void psim_run(struct psim_cloud *c, uint64_t us, void (*tick)(void *arg), void *arg)
{
	uint64_t end = ponto_sim_now(c->sim) + us;

	while (ponto_sim_now(c->sim) < end) {
		uint64_t next = ponto_sim_now(c->sim) + PONTO_SECOND;

		c->events += ponto_sim_run(c->sim, next < end ? next : end);
		if (tick)
			tick(arg);
	}
}

void psim_traffic(const struct psim_cloud *c, struct psim_traffic *out)
{
	struct ponto_sim_network_stats net;

	psim_require(ponto_sim_network_stats(c->sim, &net) == PONTO_OK, "out of memory");
	*out = (struct psim_traffic){.at = ponto_sim_now(c->sim),
				     .events = c->events,
				     .messages = net.sent,
				     .bytes = net.sent_bytes,
				     .engine = c->gone};
	for (uint32_t i = 0; i < c->count; i++)
		add_stats(&out->engine, pnrp_engine_stats(c->live[i]->engine));
}
