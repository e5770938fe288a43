/* service-teredo-relay: descriptor, options, the component's life, packets both ways. */
#include <string.h>

#include "plugins/service-teredo-relay/trl.h"

#define TOPIC "service.teredo.relay"
#define ADDRESSES 4
#define ADDRESS_RETRY (5 * PONTO_SECOND) /* how often to look when there is none */

/* ---- packets ---------------------------------------------------------------------------- */

static void send_one(struct trl *t, const struct teredo_endpoint *to, struct ponto_bytes bytes)
{
	/* RFC 4380 5.1.2: without DF. What does not go is lost, as packets are. */
	struct ponto_datagram d = {.data = bytes, .flags = PONTO_DGRAM_MAY_FRAGMENT};
	char text[PONTO_ADDR_TEXT];
	size_t sent;
	int result;

	teredo_endpoint_to(to, &d.peer);
	if (!t->net.handle)
		return;
	result = ponto_datagrams_send(t->net, &d, 1, &sent);
	if (result != PONTO_OK)
		ponto_debug(t->env->log, TOPIC, "to %s: %s", ponto_addr_format(&d.peer, text), ponto_strerror(result));
}

static void pump(struct trl *t)
{
	struct teredo_relay_slot slot;

	while (teredo_relay_output(t->engine, &slot))
		send_one(t, &slot.to, ponto_bytes(slot.data, slot.len));
	if (t->net.handle)
		ponto_timer_set(t->env->loop, t->timer, teredo_relay_deadline(t->engine));
}

static void on_packet(void *arg, struct ponto_bytes packet)
{
	struct trl *t = arg;
	struct teredo_endpoint to;

	if (teredo_relay_send(t->engine, ponto_loop_now(t->env->loop), packet, &to))
		send_one(t, &to, packet);
}

static void on_drained(void *arg)
{
	struct trl *t = arg;

	pump(t);
	trl_metrics_update(t);
}

static const struct teredo_tun_events tun_events = {on_packet, on_drained};

static void on_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct trl *t = arg;

	for (size_t i = 0; i < count; i++) {
		struct teredo_endpoint from;
		struct ponto_bytes packet;

		if (!teredo_endpoint_from(&batch[i].peer, &from) ||
		    !teredo_relay_input(t->engine, ponto_loop_now(t->env->loop), &from, batch[i].data, &packet))
			continue;
		if (teredo_tun_send(t->tun, packet) != PONTO_OK)
			ponto_debug(t->env->log, TOPIC, "the interface took no packet");
	}
	pump(t);
	trl_metrics_update(t);
}

/* ---- addresses --------------------------------------------------------------------------------- */

static int tell_local(struct trl *t)
{
	struct ponto_subnet subnets[TEREDO_RELAY_SUBNETS_MAX];
	struct teredo_subnet plain[TEREDO_RELAY_SUBNETS_MAX];
	struct teredo_endpoint own[ADDRESSES], e;
	struct ponto_addr addrs[ADDRESSES];
	size_t count, own_count = 0, subnet_count = 0;
	int result = ponto_datagrams_local(t->net, addrs, ADDRESSES, &count);

	if (result != PONTO_OK)
		return result;
	for (size_t i = 0; i < count && i < ADDRESSES; i++)
		own_count += teredo_endpoint_from(&addrs[i], &own[own_count]);
	if (ponto_datagrams_subnets(t->transport, t->env->loop, subnets, TEREDO_RELAY_SUBNETS_MAX, &count) != PONTO_OK)
		count = 0;
	for (size_t i = 0; i < count && i < TEREDO_RELAY_SUBNETS_MAX; i++) {
		if (teredo_endpoint_from(&subnets[i].addr, &e))
			plain[subnet_count++] = (struct teredo_subnet){e.ip, subnets[i].bits};
	}
	teredo_relay_local(t->engine, own, own_count, plain, subnet_count);
	return PONTO_OK;
}

static void on_addresses_changed(void *arg)
{
	if (tell_local(arg) != PONTO_OK)
		ponto_warning(((struct trl *)arg)->env->log, TOPIC, "the new addresses cannot be used");
}

static const struct ponto_datagram_events net_events = {
	.receive = on_receive,
	.addresses_changed = on_addresses_changed,
};

static int open_net(struct trl *t)
{
	const struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL,
						 .port = (uint16_t)ponto_conf_int(t->env->conf, "port"),
						 .max_addresses = ADDRESSES};
	int result = ponto_datagrams_open(t->transport, t->env->loop, &want, &net_events, t, &t->net);

	if (result == PONTO_OK) {
		result = tell_local(t);
		ponto_timer_set(t->env->loop, t->timer, teredo_relay_deadline(t->engine));
		if (result == PONTO_OK)
			ponto_info(t->env->log, TOPIC, "relays between Teredo and %s",
				   ponto_conf_string(t->env->conf, "tun"));
		return result;
	}
	if (result != PONTO_ENOENT) {
		ponto_error(t->env->log, TOPIC, "UDP: %s", ponto_strerror(result));
		return result;
	}
	if (!t->told)
		ponto_warning(t->env->log, TOPIC, "no IPv4 address to relay from: waiting for one");
	t->told = true;
	ponto_timer_set(t->env->loop, t->timer, ponto_loop_now(t->env->loop) + ADDRESS_RETRY);
	return PONTO_OK;
}

static void on_timer(void *arg)
{
	struct trl *t = arg;

	if (!t->net.handle) {
		if (open_net(t) != PONTO_OK)
			ponto_timer_set(t->env->loop, t->timer, ponto_loop_now(t->env->loop) + ADDRESS_RETRY);
		return;
	}
	teredo_relay_advance(t->engine, ponto_loop_now(t->env->loop));
	pump(t);
	trl_metrics_update(t);
}

/* ---- life ----------------------------------------------------------------------------------------- */

static void destroy(void *self)
{
	struct trl *t = self;

	if (!t)
		return;
	ponto_datagrams_close(&t->net);
	teredo_tun_close(t->tun);
	ponto_timer_destroy(t->env->loop, t->timer);
	teredo_relay_destroy(t->engine);
	ponto_free(t->env->alloc, t);
}

static int make_engine(struct trl *t)
{
	const struct ponto_conf *conf = t->env->conf;
	struct teredo_prefix served[TEREDO_RELAY_SERVED_MAX];
	struct teredo_relay_config config = {.alloc = t->env->alloc,
					     .random = t->env->random,
					     .served = served,
					     .peers = (uint32_t)ponto_conf_int(conf, "peers"),
					     .queue = (uint32_t)ponto_conf_int(conf, "queue"),
					     .queues = (uint32_t)ponto_conf_int(conf, "queues"),
					     .fresh = (uint32_t)ponto_conf_int(conf, "new_peers"),
					     .natted = ponto_conf_bool(conf, "natted"),
					     .cone_trust = ponto_conf_bool(conf, "cone")};
	int result = trl_served(t->env, served, &config.served_count);

	if (result == PONTO_OK)
		result = trl_source(t->env, &t->source);
	if (result != PONTO_OK)
		return result;
	config.source = t->source;
	result = teredo_relay_create(&config, &t->engine);
	if (result == PONTO_EINVAL) {
		ponto_error(t->env->log, TOPIC, "\"queues\" is less than \"queue\"");
		result = PONTO_ECONF;
	}
	return result;
}

static int create(const struct ponto_env *env, void **self)
{
	const char *name = ponto_conf_string(env->conf, "transport");
	struct trl *t = ponto_new(env->alloc, 1, sizeof(*t));
	struct ponto_iface iface;
	int result;

	if (!t)
		return PONTO_ENOMEM;
	t->env = env;
	result = ponto_env_find(env, PONTO_KIND_TRANSPORT, name, &iface);
	if (result != PONTO_OK) {
		ponto_error(env->log, TOPIC, "no transport instance '%s'", name);
	} else {
		t->transport.ops = (const struct ponto_transport_ops *)iface.ops;
		t->transport.self = iface.self;
		result = make_engine(t);
	}
	if (result == PONTO_OK)
		result = ponto_timer_create(env->loop, on_timer, t, &t->timer);
	if (result != PONTO_OK) {
		destroy(t);
		return result;
	}
	trl_metrics_make(t);
	*self = t;
	return PONTO_OK;
}

static int start(void *self)
{
	struct trl *t = self;
	int result = teredo_tun_open(t->env, TOPIC, ponto_conf_string(t->env->conf, "tun"), &tun_events, t, &t->tun);

	return result == PONTO_OK ? open_net(t) : result;
}

static void call(void *self, struct ponto_call *c)
{
	trl_take_call(self, c);
}

static void stop(void *self, ponto_loop_fn *done, void *arg)
{
	struct trl *t = self;

	ponto_timer_set(t->env->loop, t->timer, PONTO_NEVER);
	ponto_datagrams_close(&t->net);
	teredo_tun_close(t->tun);
	t->tun = NULL;
	done(arg);
}

static const char *const needs[] = {PONTO_FEATURE_DATAGRAM, NULL};

static const struct ponto_option options[] = {
	{.name = "transport", .type = PONTO_OPTION_REF, .ref_kind = PONTO_KIND_TRANSPORT, .doc = "UDP over IPv4"},
	{.name = "port",
	 .type = PONTO_OPTION_INT,
	 .fallback = "3545",
	 .min = 1025,
	 .max = 65535,
	 .doc = "UDP port towards clients"},
	{.name = "tun",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "teredo",
	 .fits = teredo_tun_fits,
	 .doc = "a TUN interface of the daemon's user, with a route for 2001::/32"},
	{.name = "served",
	 .type = PONTO_OPTION_LIST,
	 .fallback = "2000::/3",
	 .fits = trl_prefix_fits,
	 .doc = "prefixes of the IPv6 hosts that may speak with clients; Teredo's own is never one"},
	{.name = "address",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = trl_address_fits,
	 .doc = "the IPv6 address that bubbles come from; \"\": the host's first native one"},
	{.name = "natted",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "the relay is behind a NAT that is no cone: bubbles go directly to clients as well"},
	{.name = "cone",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "believe clients that say they are behind a cone NAT, against RFC 5991"},
	{.name = "peers",
	 .type = PONTO_OPTION_INT,
	 .fallback = "65536",
	 .min = TEREDO_RELAY_PEERS_MIN,
	 .max = TEREDO_RELAY_PEERS_MAX,
	 .doc = "clients known at once; half of them have answered, at most half are waited for"},
	{.name = "queue",
	 .type = PONTO_OPTION_INT,
	 .fallback = "5120",
	 .min = TEREDO_MTU,
	 .max = 1048576,
	 .unit = "bytes",
	 .doc = "that wait for one client's answer"},
	{.name = "queues",
	 .type = PONTO_OPTION_INT,
	 .fallback = "16777216",
	 .min = TEREDO_MTU,
	 .max = 1073741824,
	 .unit = "bytes",
	 .doc = "that wait in all"},
	{.name = "new_peers",
	 .type = PONTO_OPTION_INT,
	 .fallback = "1000",
	 .min = 0,
	 .max = 1000000,
	 .unit = "a second",
	 .doc = "clients that are sent bubbles for the first time; 0: no limit"},
};

static const struct ponto_service_ops ops = {
	.head = {PONTO_SERVICE_ABI, sizeof(ops)},
	.create = create,
	.start = start,
	.call = call,
	.stop = stop,
	.destroy = destroy,
};

PONTO_PLUGIN(service_teredo_relay) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_SERVICE,
	.name = "service-teredo-relay",
	.version = PACKAGE_VERSION,
	.summary = "a Teredo relay: carries packets between IPv6 hosts and Teredo clients",
	.needs = needs,
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
