/* The pump: transport and timer on one side, the engine on the other. */
#include <string.h>

#include "engines/pnrp/pnrp_name.h"
#include "plugins/service-pnrp/svc.h"

#define TOPIC "service.pnrp.pump"

/* How often to look for an address when the wanted scope has none. */
#define ADDRESS_RETRY (5 * PONTO_SECOND)

uint64_t svc_now(struct svc *svc)
{
	return ponto_loop_now(svc->env->loop);
}

void svc_check_stopped(struct svc *svc)
{
	ponto_loop_fn *done = svc->stopped;

	if (!done || svc->jobs > 0)
		return;
	if (svc->engine && pnrp_engine_state(svc->engine) != PNRP_CLOUD_DEAD)
		return;
	svc->stopped = NULL;
	if (svc->timer)
		ponto_timer_set(svc->env->loop, svc->timer, PONTO_NEVER);
	done(svc->stopped_arg);
}

/* ---- sending ---------------------------------------------------------------- */

/* A datagram that cannot go is passed over: the protocol sends again. A full socket drops the rest. */
static void send_batch(struct svc *svc, const struct ponto_datagram *batch, size_t count)
{
	size_t done = 0;

	while (done < count) {
		size_t sent = 0;
		int result = ponto_datagrams_send(svc->net, batch + done, count - done, &sent);

		done += sent;
		if (result == PONTO_OK) {
			if (done < count)
				ponto_debug(svc->env->log, TOPIC, "socket full: %zu datagrams dropped", count - done);
			return;
		}
		if (done < count) {
			char text[PONTO_ADDR_TEXT];

			ponto_debug(svc->env->log, TOPIC, "to %s: %s", ponto_addr_format(&batch[done].peer, text),
				    ponto_strerror(result));
			done++;
		}
	}
}

/* True when something was sent. */
static bool send_all(struct svc *svc)
{
	uint8_t bytes[SVC_BATCH_BYTES];
	struct ponto_datagram batch[SVC_BATCH];
	uint64_t now = svc_now(svc);
	bool any = false, dry = false;

	while (!dry) {
		size_t count = 0, used = 0;

		while (count < SVC_BATCH && used + PNRP_DATAGRAM_MAX <= sizeof(bytes)) {
			struct pnrp_slot slot = {.data = bytes + used, .cap = PNRP_DATAGRAM_MAX};

			dry = pnrp_engine_output(svc->engine, now, &slot) != 1;
			if (dry)
				break;
			batch[count++] = (struct ponto_datagram){
				.peer = slot.to, .local = slot.from, .data = ponto_bytes(slot.data, slot.len)};
			used += slot.len;
		}
		any |= count > 0;
		if (count > 0 && svc->net.handle)
			send_batch(svc, batch, count);
	}
	return any;
}

/* ---- discovery -------------------------------------------------------------------- */

static void discovery_done(struct svc *svc, unsigned source)
{
	for (size_t i = 0; i < svc->discovery_count; i++) {
		if (svc->discovery[i].searching & source)
			return;
	}
	pnrp_engine_discovery_done(svc->engine, svc_now(svc), (enum pnrp_source)source);
}

static void on_found(void *arg, enum ponto_discovery_source source, const struct ponto_addr *addrs, size_t count)
{
	struct svc_discovery *d = arg;

	if (source == PONTO_SOURCE_SEED && d->foreign_seeds && ponto_conf_bool(d->svc->conf, "only_seed_servers"))
		return;
	pnrp_engine_found(d->svc->engine, svc_now(d->svc), (enum pnrp_source)source, addrs, count);
	svc_pump(d->svc);
}

static void on_done(void *arg, enum ponto_discovery_source source)
{
	struct svc_discovery *d = arg;

	d->searching &= ~(unsigned)source;
	discovery_done(d->svc, source);
	svc_pump(d->svc);
}

static const struct ponto_discovery_events discovery_events = {on_found, on_done};

static void discover(struct svc *svc, unsigned source)
{
	for (size_t i = 0; i < svc->discovery_count; i++) {
		struct svc_discovery *d = &svc->discovery[i];

		if (!d->handle || !(d->discovery.ops->sources & source) || (d->searching & source))
			continue;
		d->searching |= source;
		if (ponto_discovery_search(d->discovery, d->handle, source) != PONTO_OK)
			d->searching &= ~source;
	}
	discovery_done(svc, source);
}

/* The policy, and whether the scope has neighbours at all. */
static bool svc_multicast(const struct svc *svc)
{
	return svc->scope != PONTO_SCOPE_LOOPBACK && ponto_conf_bool(svc->conf, "multicast_bootstrap");
}

void svc_discover(struct svc *svc, unsigned sources)
{
	if (svc->recalling) {
		svc->held_sources |= sources;
		return;
	}
	for (unsigned source = 1; source <= PNRP_SOURCE_SEED; source <<= 1) {
		if (sources & source)
			discover(svc, source);
	}
}

static void publish(struct svc *svc, const struct ponto_addr *addrs, size_t count)
{
	if (!svc_multicast(svc))
		return;
	for (size_t i = 0; i < svc->discovery_count; i++) {
		struct svc_discovery *d = &svc->discovery[i];

		if (!d->handle)
			continue;
		if (!addrs)
			ponto_discovery_unpublish(d->discovery, d->handle);
		else if (ponto_discovery_publish(d->discovery, d->handle, addrs, count) != PONTO_OK)
			ponto_warning(svc->env->log, TOPIC, "the address cannot be announced to neighbours");
	}
}

static void remember(struct svc *svc, const struct ponto_addr *addr)
{
	for (size_t i = 0; i < svc->discovery_count; i++) {
		if (svc->discovery[i].handle)
			ponto_discovery_remember(svc->discovery[i].discovery, svc->discovery[i].handle, addr);
	}
}

/* ---- effects ---------------------------------------------------------------------------- */

/* A node alone looks for others for ever: only where that leads is news. Names are static. */
static void tell_state(struct svc *svc, enum pnrp_cloud_state state)
{
	const char *name = pnrp_cloud_state_name(state);
	bool news = state != PNRP_CLOUD_SYNCHRONIZING && svc->told != name;

	ponto_log(svc->env->log, news ? PONTO_LOG_INFO : PONTO_LOG_DEBUG, "service.pnrp.cloud", "%s: %s", svc->cloud,
		  name);
	if (news)
		svc->told = name;
}

static void do_effect(struct svc *svc, const struct pnrp_effect *effect)
{
	switch (effect->type) {
	case PNRP_EFFECT_SIGN:
		svc_work_sign(svc, effect);
		break;
	case PNRP_EFFECT_VERIFY:
		svc_work_verify(svc, effect);
		break;
	case PNRP_EFFECT_DISCOVER:
		svc_discover(svc, effect->discover.sources);
		break;
	case PNRP_EFFECT_PUBLISH:
		publish(svc, effect->publish.addrs, effect->publish.count);
		break;
	case PNRP_EFFECT_UNPUBLISH:
		publish(svc, NULL, 0);
		break;
	case PNRP_EFFECT_REMEMBER:
		remember(svc, &effect->remember.addr);
		break;
	case PNRP_EFFECT_RESOLVED:
		svc_resolve_found(svc, effect);
		break;
	case PNRP_EFFECT_UNRESOLVED:
		svc_resolve_failed(svc, effect);
		break;
	case PNRP_EFFECT_TRACE:
		svc_resolve_trace(svc, effect);
		break;
	case PNRP_EFFECT_REGISTRATION:
		svc_name_changed(svc, effect->handle, effect->token, effect->registration.state);
		break;
	case PNRP_EFFECT_CLOUD:
		tell_state(svc, effect->cloud.state);
		svc_cloud_event(svc);
		break;
	case PNRP_EFFECT_ABANDON:
		break; /* the job's answer will be ignored */
	}
}

void svc_pump(struct svc *svc)
{
	struct pnrp_effect effect;
	uint64_t deadline;
	bool any;

	if (svc->pumping || !svc->engine)
		return;
	svc->pumping = true;
	do {
		any = false;
		while (pnrp_engine_effect(svc->engine, &effect) == 1) {
			do_effect(svc, &effect);
			any = true;
		}
		any |= send_all(svc);
	} while (any);
	svc->pumping = false;
	deadline = pnrp_engine_deadline(svc->engine);
	ponto_timer_set(svc->env->loop, svc->timer, deadline < svc->chains_at ? deadline : svc->chains_at);
	svc_check_stopped(svc);
}

/* ---- receiving and time --------------------------------------------------------------------- */

static void set_wall(struct svc *svc)
{
	const struct ponto_clock *clock = svc->env->clock;

	pnrp_engine_set_wall(svc->engine, (int64_t)(ponto_wall(clock) - ponto_mono(clock)));
}

static void on_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct svc *svc = arg;
	uint64_t now = svc_now(svc);

	if (!svc->engine)
		return;
	for (size_t i = 0; i < count; i++)
		(void)pnrp_engine_input(svc->engine, now, &batch[i].peer, &batch[i].local, batch[i].data);
	svc_pump(svc);
}

static int set_local(struct svc *svc)
{
	struct ponto_addr addrs[PNRP_LOCAL_MAX];
	size_t count;
	int result = ponto_datagrams_local(svc->net, addrs, PONTO_ARRAY_SIZE(addrs), &count);

	if (result != PONTO_OK)
		return result;
	count = count < PONTO_ARRAY_SIZE(addrs) ? count : PONTO_ARRAY_SIZE(addrs);
	return pnrp_engine_set_local(svc->engine, svc_now(svc), addrs, count);
}

static void on_addresses_changed(void *arg)
{
	struct svc *svc = arg;
	int result;

	if (!svc->engine)
		return;
	result = set_local(svc);
	if (result != PONTO_OK)
		ponto_warning(svc->env->log, TOPIC, "%s: the new addresses cannot be used: %s", svc->cloud,
			      ponto_strerror(result));
	svc_name_addresses_changed(svc);
	svc_cloud_event(svc);
	svc_pump(svc);
}

static const struct ponto_datagram_events net_events = {
	.receive = on_receive,
	.addresses_changed = on_addresses_changed,
};

static void on_timer(void *arg)
{
	struct svc *svc = arg;

	if (!svc->engine) {
		if (svc_open(svc) != PONTO_OK)
			ponto_timer_set(svc->env->loop, svc->timer, svc_now(svc) + ADDRESS_RETRY);
		return;
	}
	set_wall(svc);
	pnrp_engine_tick(svc->engine, svc_now(svc));
	svc_metrics_update(svc);
	svc_routes_tick(svc);
	svc_name_tick(svc);
	svc_pump(svc);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static const enum ponto_scope scope_order[] = {PONTO_SCOPE_GLOBAL, PONTO_SCOPE_SITE, PONTO_SCOPE_LINK,
					       PONTO_SCOPE_LOOPBACK};

static int open_net(struct svc *svc)
{
	int result = PONTO_ENOENT;

	for (size_t i = 0; i < PONTO_ARRAY_SIZE(scope_order) && result == PONTO_ENOENT; i++) {
		struct ponto_datagram_want want = {
			.scope = scope_order[i],
			.zone = svc->link,
			.port = (uint16_t)ponto_conf_int(svc->conf, "port"),
			.max_addresses = PNRP_LOCAL_MAX,
		};

		if (!(svc->scopes & 1u << scope_order[i]))
			continue;
		result = ponto_datagrams_open(svc->transport, svc->env->loop, &want, &net_events, svc, &svc->net);
		if (result == PONTO_OK)
			svc->scope = scope_order[i];
	}
	return result;
}

/* The same name for every node of the cloud: scopes with zones carry theirs. */
static int name_cloud(struct svc *svc)
{
	struct pnrp_cloud_name cloud = {
		.scope = (uint8_t)svc->scope,
		.zone = svc->zone,
		.wire = svc->profile == PONTO_PROFILE_MODERN ? &pnrp_modern : &pnrp_windows,
	};

	return pnrp_cloud_format(&cloud, svc->cloud);
}

/* The cloud's own seed servers: whichever discovery knows what to do with seeds is told. */
static int set_seeds(struct svc *svc, struct svc_discovery *d, bool *told)
{
	const char *const *seeds = ponto_conf_list(svc->conf, "seed_servers");
	bool only = ponto_conf_bool(svc->conf, "only_seed_servers");
	size_t count = 0;
	int result;

	while (seeds[count])
		count++;
	if (count == 0 && !only)
		return PONTO_OK;
	result = ponto_discovery_seeds(d->discovery, d->handle, *told ? NULL : seeds, *told ? 0 : count, only);
	d->foreign_seeds = result == PONTO_ENOTSUP;
	if (result == PONTO_OK)
		*told = true;
	return result == PONTO_ENOTSUP ? PONTO_OK : result;
}

static int open_discovery(struct svc *svc)
{
	const char *const *seeds = ponto_conf_list(svc->conf, "seed_servers");
	char topic[SVC_CLOUD_TEXT + 8];
	size_t len = strlen(svc->cloud);
	bool told = false;

	memcpy(topic, "pnrp/", 5);
	memcpy(topic + 5, svc->cloud, len + 1);
	for (size_t i = 0; i < svc->discovery_count; i++) {
		struct svc_discovery *d = &svc->discovery[i];
		struct ponto_discovery_want want = {
			.topic = topic,
			.scope = svc->scope,
			.zone = svc->zone,
			.port = PNRP_DEFAULT_PORT,
			.family = PONTO_FAMILY_IPV6,
		};
		int result =
			ponto_discovery_open(d->discovery, svc->env->loop, &want, &discovery_events, d, &d->handle);

		if (result == PONTO_OK)
			result = set_seeds(svc, d, &told);
		if (result != PONTO_OK)
			return result;
	}
	if (seeds[0] && !told)
		ponto_warning(svc->env->log, TOPIC,
			      "%s: seed_servers: no discovery instance takes seeds, as discovery-seed does",
			      svc->env->instance);
	return PONTO_OK;
}

static int open_engine(struct svc *svc)
{
	struct pnrp_engine_config config = {
		.alloc = *svc->env->alloc,
		.random = *svc->env->random,
		.profile = (enum pnrp_profile)svc->profile,
		.scope = svc->scope,
		.resolve_only = ponto_conf_bool(svc->conf, "resolve_only"),
		.no_multicast = !svc_multicast(svc),
	};
	struct ponto_addr local;
	size_t count = 0;
	int result = ponto_datagrams_local(svc->net, &local, 1, &count);

	if (result != PONTO_OK || count == 0)
		return result != PONTO_OK ? result : PONTO_ENOENT;
	svc->zone = svc->scope == PONTO_SCOPE_LINK || svc->scope == PONTO_SCOPE_SITE ? local.zone : 0;
	config.zone = svc->zone;
	result = name_cloud(svc);
	if (result == PONTO_OK)
		result = pnrp_engine_create(&config, &svc->engine);
	if (result != PONTO_OK)
		return result;
	set_wall(svc);
	result = set_local(svc);
	if (result == PONTO_OK)
		result = open_discovery(svc);
	if (result == PONTO_OK)
		result = pnrp_engine_open(svc->engine, svc_now(svc), NULL, 0);
	return result;
}

/* Everything that opening made, but the timer. */
static void unopen(struct svc *svc)
{
	for (size_t i = 0; i < svc->discovery_count; i++) {
		ponto_discovery_close(svc->discovery[i].discovery, svc->discovery[i].handle);
		svc->discovery[i].handle = NULL;
		svc->discovery[i].searching = 0;
	}
	if (svc->net.handle)
		ponto_datagrams_close(&svc->net);
	pnrp_engine_destroy(svc->engine);
	svc->engine = NULL;
}

int svc_open(struct svc *svc)
{
	char text[PONTO_ADDR_TEXT];
	struct ponto_addr local;
	size_t count;
	int result = PONTO_OK;

	if (!svc->timer)
		result = ponto_timer_create(svc->env->loop, on_timer, svc, &svc->timer);
	if (result == PONTO_OK)
		result = open_net(svc);
	if (result == PONTO_OK)
		result = open_engine(svc);
	if (result != PONTO_OK) {
		unopen(svc);
		if (result == PONTO_ENOENT)
			ponto_debug(svc->env->log, TOPIC, "no address of scope '%s' yet",
				    ponto_conf_string(svc->conf, "scope"));
		else
			ponto_error(svc->env->log, TOPIC, "the cloud cannot be opened: %s",
				    result == PONTO_EEXIST ? "its port is in use; set another with the option port"
							   : ponto_strerror(result));
		return result;
	}
	if (ponto_datagrams_local(svc->net, &local, 1, &count) == PONTO_OK && count > 0)
		ponto_info(svc->env->log, "service.pnrp.cloud", "%s: open at %s", svc->cloud,
			   ponto_addr_format(&local, text));
	svc_routes_load(svc);
	svc_kept_load(svc);
	svc_pump(svc);
	return PONTO_OK;
}

void svc_close(struct svc *svc)
{
	if (!svc->timer)
		return;
	unopen(svc);
	ponto_timer_destroy(svc->env->loop, svc->timer);
	svc->timer = NULL;
}
