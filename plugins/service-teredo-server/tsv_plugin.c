/* service-teredo-server: descriptor, options, the component's life, its datagrams. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "plugins/service-teredo-server/tsv.h"

#define TOPIC "service.teredo.server"
#define ADDRESSES 8			   /* looked at for two that are global */
#define ADDRESS_RETRY (5 * PONTO_SECOND) /* how often to look when there is none */
#define SUBNETS 64

/* ---- datagrams ----------------------------------------------------------------------- */

/* Whoever gets nothing asks again; a full socket drops the rest. */
static void send_all(struct tsv *s, const struct ponto_datagram *batch, size_t count)
{
	for (size_t done = 0; done < count; done++) {
		size_t sent = 0;
		int result = ponto_datagrams_send(s->net, batch + done, count - done, &sent);
		char text[PONTO_ADDR_TEXT];

		done += sent;
		if (result == PONTO_OK) {
			if (done < count)
				ponto_debug(s->env->log, TOPIC, "socket full: %zu datagrams dropped", count - done);
			return;
		}
		if (done < count)
			ponto_debug(s->env->log, TOPIC, "to %s: %s", ponto_addr_format(&batch[done].peer, text),
				    ponto_strerror(result));
	}
}

/* One datagram in; true when reply is to be sent. */
static bool serve(struct tsv *s, const struct ponto_datagram *in, uint8_t *buf, struct ponto_datagram *reply)
{
	struct teredo_server_output out;
	struct teredo_endpoint from, to, own;

	if (!teredo_endpoint_from(&in->peer, &from) || !teredo_endpoint_from(&in->local, &to) || to.ip == 0 ||
	    (to.ip != s->primary && to.ip != s->secondary))
		return false;
	teredo_server_input(s->engine, ponto_loop_now(s->env->loop), &from, to.ip, in->data, buf, &out);
	if (out.kind == TEREDO_SERVER_NOTHING)
		return false;
	if (out.kind == TEREDO_SERVER_NATIVE) {
		if (teredo_tun_send(s->tun, ponto_bytes(buf, out.len)) != PONTO_OK)
			ponto_debug(s->env->log, TOPIC, "the interface took no packet");
		return false;
	}
	/* RFC 4380 5.1.2: without DF. */
	*reply = (struct ponto_datagram){.data = ponto_bytes(buf, out.len), .flags = PONTO_DGRAM_MAY_FRAGMENT};
	own = (struct teredo_endpoint){out.from, TEREDO_PORT};
	teredo_endpoint_to(&own, &reply->local);
	teredo_endpoint_to(&out.to, &reply->peer);
	return true;
}

static void on_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct ponto_datagram replies[PONTO_BATCH];
	struct tsv *s = arg;
	uint8_t *at = s->bytes;
	size_t n = 0;

	if (!s->engine)
		return;
	count = count < PONTO_BATCH ? count : PONTO_BATCH;
	for (size_t i = 0; i < count; i++) {
		struct teredo_endpoint from;

		if (teredo_endpoint_from(&batch[i].peer, &from))
			teredo_server_ahead(s->engine, &from, batch[i].data);
	}
	for (size_t i = 0; i < count; i++) {
		if (serve(s, &batch[i], at, &replies[n]))
			at += replies[n++].data.len;
	}
	send_all(s, replies, n);
	tsv_metrics_update(s);
}

/* ---- addresses --------------------------------------------------------------------------- */

/* The first two that a server may have, in the transport's order. */
static int find_addresses(struct tsv *s, uint32_t out[2])
{
	struct ponto_addr addrs[ADDRESSES];
	size_t count, found = 0;
	int result = ponto_datagrams_local(s->net, addrs, PONTO_ARRAY_SIZE(addrs), &count);

	out[0] = out[1] = 0;
	if (result != PONTO_OK)
		return result;
	for (size_t i = 0; i < count && i < PONTO_ARRAY_SIZE(addrs) && found < 2; i++) {
		struct teredo_endpoint e;

		if (teredo_endpoint_from(&addrs[i], &e) && teredo_ip4_global(e.ip))
			out[found++] = e.ip;
	}
	return PONTO_OK;
}

static void tell_subnets(struct tsv *s)
{
	struct ponto_subnet subnets[SUBNETS];
	struct teredo_subnet plain[SUBNETS];
	size_t count, n = 0;

	if (ponto_datagrams_subnets(s->transport, s->env->loop, subnets, SUBNETS, &count) != PONTO_OK)
		return;
	for (size_t i = 0; i < count && i < SUBNETS; i++) {
		struct teredo_endpoint e;

		if (teredo_endpoint_from(&subnets[i].addr, &e))
			plain[n++] = (struct teredo_subnet){e.ip, subnets[i].bits};
	}
	teredo_server_subnets(s->engine, plain, n);
}

static void drop_engine(struct tsv *s)
{
	tsv_metrics_update(s);
	teredo_server_destroy(s->engine);
	s->engine = NULL;
	s->seen = (struct teredo_server_stats){0};
	s->primary = s->secondary = 0;
	tsv_metrics_update(s);
}

static int make_engine(struct tsv *s, const uint32_t ips[2])
{
	struct teredo_server_config config = {
		.alloc = s->env->alloc,
		.random = s->env->random,
		.primary = ips[0],
		.secondary = ips[1],
		.keys = s->keys.keys,
		.key_count = s->keys.count,
		.secure = ponto_conf_bool(s->conf, "secure"),
		.tolerant = ponto_conf_bool(s->conf, "tolerant"),
		.native = s->tun != NULL,
		.extra_max = (uint16_t)ponto_conf_int(s->conf, "relay_max"),
		.limit = {.rate = (uint32_t)ponto_conf_int(s->conf, "rate"),
			  .burst = (uint32_t)ponto_conf_int(s->conf, "burst"),
			  .slots = (uint32_t)ponto_conf_int(s->conf, "limit_slots")},
	};
	int result = teredo_server_create(&config, &s->engine);

	if (result != PONTO_OK) {
		ponto_error(s->env->log, TOPIC, "the server cannot be made: %s%s", ponto_strerror(result),
			    result == PONTO_EINVAL ? " (an identifier that is there twice, or \"secure\" without keys)"
						   : "");
		return result;
	}
	s->primary = ips[0];
	s->secondary = ips[1];
	return PONTO_OK;
}

static void tell(struct tsv *s)
{
	char primary[PONTO_ADDR_TEXT], secondary[PONTO_ADDR_TEXT];
	struct teredo_endpoint e = {s->primary, TEREDO_PORT}, f = {s->secondary, TEREDO_PORT};
	struct ponto_addr addr;

	teredo_endpoint_to(&e, &addr);
	ponto_addr_format(&addr, primary);
	teredo_endpoint_to(&f, &addr);
	ponto_addr_format(&addr, secondary);
	if (s->secondary)
		ponto_info(s->env->log, TOPIC, "serves at %s and %s", primary, secondary);
	else
		ponto_warning(s->env->log, TOPIC,
			      "serves at %s alone: without a second address clients do not learn the kind of their NAT",
			      primary);
}

/* Serves from what addresses there are now. */
static int adapt(struct tsv *s)
{
	uint32_t ips[2];
	int result = find_addresses(s, ips);

	if (result != PONTO_OK)
		return result;
	if (s->engine && (ips[0] != s->primary || ips[1] != s->secondary))
		drop_engine(s);
	if (!s->engine && ips[0]) {
		result = make_engine(s, ips);
		if (result != PONTO_OK)
			return result;
		tell(s);
	}
	if (s->engine) {
		tell_subnets(s);
		s->told = false;
	} else if (!s->told) {
		ponto_warning(s->env->log, TOPIC, "no global IPv4 address to serve from: waiting for one");
		s->told = true;
	}
	tsv_metrics_update(s);
	return PONTO_OK;
}

static void on_addresses_changed(void *arg)
{
	if (adapt(arg) != PONTO_OK)
		ponto_warning(((struct tsv *)arg)->env->log, TOPIC, "the new addresses cannot be used");
}

static const struct ponto_datagram_events net_events = {
	.receive = on_receive,
	.addresses_changed = on_addresses_changed,
};

static int open_net(struct tsv *s)
{
	const struct ponto_datagram_want want = {
		.scope = PONTO_SCOPE_GLOBAL, .port = TEREDO_PORT, .max_addresses = ADDRESSES};
	int result = ponto_datagrams_open(s->transport, s->env->loop, &want, &net_events, s, &s->net);

	if (result == PONTO_OK)
		return adapt(s);
	if (result == PONTO_ENOENT) {
		if (!s->told)
			ponto_warning(s->env->log, TOPIC, "no IPv4 address to serve from: waiting for one");
		s->told = true;
		ponto_timer_set(s->env->loop, s->timer, ponto_loop_now(s->env->loop) + ADDRESS_RETRY);
		return PONTO_OK;
	}
	ponto_error(s->env->log, TOPIC, "UDP port %d: %s", TEREDO_PORT, ponto_strerror(result));
	return result;
}

static void on_timer(void *arg)
{
	struct tsv *s = arg;

	if (open_net(s) != PONTO_OK)
		ponto_timer_set(s->env->loop, s->timer, ponto_loop_now(s->env->loop) + ADDRESS_RETRY);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void destroy(void *self)
{
	struct tsv *s = self;

	if (!s)
		return;
	ponto_datagrams_close(&s->net);
	ponto_timer_destroy(s->env->loop, s->timer);
	teredo_tun_close(s->tun);
	teredo_server_destroy(s->engine);
	tsv_keys_free(s->env, &s->keys);
	ponto_free(s->env->alloc, s);
}

static int read_keys(struct tsv *s)
{
	const char *path = ponto_conf_string(s->conf, "keys");
	char whole[PATH_MAX];

	if (*path && *path != '/' && s->env->state_dir) {
		if ((size_t)snprintf(whole, sizeof(whole), "%s/%s", s->env->state_dir, path) >= sizeof(whole))
			return PONTO_ECONF;
		path = whole;
	}
	return tsv_keys_read(s->env, path, &s->keys);
}

static int create(const struct ponto_env *env, void **self)
{
	const char *name = ponto_conf_string(env->conf, "transport");
	struct tsv *s = ponto_new(env->alloc, 1, sizeof(*s));
	struct ponto_iface iface;
	int result;

	if (!s)
		return PONTO_ENOMEM;
	s->env = env;
	s->conf = env->conf;
	result = ponto_env_find(env, PONTO_KIND_TRANSPORT, name, &iface);
	if (result != PONTO_OK) {
		ponto_error(env->log, TOPIC, "no transport instance '%s'", name);
	} else {
		s->transport.ops = (const struct ponto_transport_ops *)iface.ops;
		s->transport.self = iface.self;
		result = read_keys(s);
	}
	if (result == PONTO_OK && s->keys.count == 0 && ponto_conf_bool(env->conf, "secure")) {
		ponto_error(env->log, TOPIC, "\"secure\" without a key in \"keys\" serves nobody");
		result = PONTO_ECONF;
	}
	if (result == PONTO_OK)
		result = ponto_timer_create(env->loop, on_timer, s, &s->timer);
	if (result != PONTO_OK) {
		destroy(s);
		return result;
	}
	tsv_metrics_make(s);
	*self = s;
	return PONTO_OK;
}

static int start(void *self)
{
	struct tsv *s = self;
	const char *tun = ponto_conf_string(s->conf, "tun");
	int result = PONTO_OK;

	if (*tun)
		result = teredo_tun_open(s->env, TOPIC, tun, NULL, NULL, &s->tun);
	return result == PONTO_OK ? open_net(s) : result;
}

static void call(void *self, struct ponto_call *c)
{
	tsv_take_call(self, c);
}

static int reload(void *self, const struct ponto_conf *conf)
{
	struct tsv *s = self;
	int result = PONTO_OK;

	if (s->engine)
		result = teredo_server_limit(s->engine, (uint32_t)ponto_conf_int(conf, "rate"),
					     (uint32_t)ponto_conf_int(conf, "burst"));
	if (result == PONTO_OK)
		s->conf = conf;
	return result;
}

/* Clients are not told: they find out, as of any server that is gone. */
static void stop(void *self, ponto_loop_fn *done, void *arg)
{
	struct tsv *s = self;

	ponto_timer_set(s->env->loop, s->timer, PONTO_NEVER);
	ponto_datagrams_close(&s->net);
	done(arg);
}

static const char *const needs[] = {PONTO_FEATURE_DATAGRAM, NULL};

static const struct ponto_option options[] = {
	{.name = "transport",
	 .type = PONTO_OPTION_REF,
	 .ref_kind = PONTO_KIND_TRANSPORT,
	 .doc = "UDP over IPv4; its first two global addresses are the server's primary and secondary one"},
	{.name = "tun",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .fits = teredo_tun_fits,
	 .doc = "a TUN interface of the daemon's user, through which clients' echo requests go to native hosts; \"\": "
		"they are refused"},
	{.name = "secure",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "serve only clients that have one of the keys"},
	{.name = "keys",
	 .type = PONTO_OPTION_STRING,
	 .fallback = "",
	 .unit = "path",
	 .doc = "a file with a line for each client: IDENTIFIER SECRET [sha1|sha256] [expired]"},
	{.name = "tolerant",
	 .type = PONTO_OPTION_BOOL,
	 .fallback = "false",
	 .doc = "pass on bubbles of clients that come from another port than their address says, as symmetric NATs "
		"make it"},
	{.name = "relay_max",
	 .type = PONTO_OPTION_INT,
	 .fallback = "128",
	 .min = 32,
	 .max = TEREDO_SERVER_EXTRA_MAX,
	 .unit = "bytes",
	 .doc = "the largest ICMPv6 message, and the most trailers, that are passed on"},
	{.name = "rate",
	 .type = PONTO_OPTION_INT,
	 .fallback = "50",
	 .min = 0,
	 .max = 1000000,
	 .unit = "a second",
	 .live = true,
	 .doc = "datagrams served from one IPv4 address, and sent to one; 0: no limit"},
	{.name = "burst",
	 .type = PONTO_OPTION_INT,
	 .fallback = "200",
	 .min = 1,
	 .max = 1000000,
	 .live = true,
	 .doc = "how many of them at once"},
	{.name = "limit_slots",
	 .type = PONTO_OPTION_INT,
	 .fallback = "65536",
	 .min = 256,
	 .max = TEREDO_LIMIT_SLOTS_MAX,
	 .doc = "size of the table in which they are counted; 16 bytes each"},
};

static const struct ponto_service_ops ops = {
	.head = {PONTO_SERVICE_ABI, sizeof(ops)},
	.create = create,
	.start = start,
	.call = call,
	.reload = reload,
	.stop = stop,
	.destroy = destroy,
};

PONTO_PLUGIN(service_teredo_server) = {
	.abi = PONTO_PLUGIN_ABI,
	.kind = PONTO_KIND_SERVICE,
	.name = "service-teredo-server",
	.version = PACKAGE_VERSION,
	.summary = "a Teredo server: qualifies clients behind NATs and lets them meet",
	.needs = needs,
	.options = options,
	.option_count = PONTO_ARRAY_SIZE(options),
	.vtable = &ops.head,
};
