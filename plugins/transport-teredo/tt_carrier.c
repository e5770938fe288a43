/* What carries Teredo: sockets of an IPv4 transport, all on the hub's loop. */
#include "plugins/transport-teredo/tt.h"

#define FIRST_PORT 49152u /* RFC 6335 6: dynamic */
#define ATTEMPTS 10
#define RETRY (5 * PONTO_SECOND)

static const struct teredo_endpoint discovery = {TEREDO_DISCOVERY_IP4, TEREDO_PORT};

/* ---- in --------------------------------------------------------------------------------------- */

static void receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct tt_carrier *carrier = arg;
	struct tt_hub *hub = carrier->hub;
	uint64_t now = ponto_loop_now(hub->loop);

	for (size_t i = 0; i < count; i++) {
		struct teredo_received in = {.via = carrier->via, .data = batch[i].data};
		struct teredo_endpoint local;

		if (!teredo_endpoint_from(&batch[i].peer, &in.from) || !teredo_endpoint_from(&batch[i].local, &local))
			continue;
		if (carrier->via == TEREDO_VIA_SERVICE && local.ip == discovery.ip)
			in.via = TEREDO_VIA_GROUP;
		hub->role->receive(hub, now, &in);
	}
	tt_hub_ring(hub);
	tt_stream_flush(hub);
	tt_hub_pump(hub);
}

/* ---- where we are --------------------------------------------------------------------------------- */

size_t tt_carrier_subnets(struct tt_hub *hub, struct teredo_subnet *out, size_t cap)
{
	struct ponto_subnet subnets[2 * TEREDO_SUBNETS_MAX];
	size_t count = 0, n = 0;

	if (ponto_datagrams_subnets(hub->carrier, hub->loop, subnets, PONTO_ARRAY_SIZE(subnets), &count) != PONTO_OK)
		return 0;
	for (size_t i = 0; i < count && i < PONTO_ARRAY_SIZE(subnets) && n < cap; i++) {
		struct teredo_endpoint e;

		if (subnets[i].bits <= 32 && teredo_endpoint_from(&subnets[i].addr, &e))
			out[n++] = (struct teredo_subnet){e.ip, subnets[i].bits};
	}
	return n;
}

void tt_carrier_local(struct tt_hub *hub)
{
	struct teredo_endpoint local;
	struct ponto_addr addr;
	size_t count = 0;
	bool there = hub->service.d.handle && ponto_datagrams_local(hub->service.d, &addr, 1, &count) == PONTO_OK && count > 0 &&
		     teredo_endpoint_from(&addr, &local);

	hub->role->local(hub, there ? &local : NULL);
}

static void addresses_changed(void *arg)
{
	struct tt_carrier *carrier = arg;

	if (carrier->via != TEREDO_VIA_SERVICE)
		return;
	tt_carrier_local(carrier->hub);
	tt_hub_pump(carrier->hub);
}

int tt_carrier_open(struct tt_hub *hub, struct tt_carrier *carrier, uint8_t via, uint16_t port)
{
	struct ponto_datagram_want want = {.scope = PONTO_SCOPE_GLOBAL, .port = port, .max_addresses = 1};
	struct ponto_datagram_events events = {.receive = receive, .addresses_changed = addresses_changed};

	carrier->hub = hub;
	carrier->via = via;
	return ponto_datagrams_open(hub->carrier, hub->loop, &want, &events, carrier, &carrier->d);
}

static void join_discovery(struct tt_hub *hub)
{
	struct ponto_addr group;
	int result;

	if (!(hub->config.features & TEREDO_FEATURE_LOCAL))
		return;
	teredo_endpoint_to(&discovery, &group);
	result = ponto_datagrams_join(hub->service.d, &group);
	if (result != PONTO_OK)
		ponto_warning(hub->env->log, TT_TOPIC, "local discovery: 224.0.0.253 cannot be joined: %s",
			      ponto_strerror(result));
}

void tt_carrier_begin(struct tt_hub *hub)
{
	int result = PONTO_EEXIST;

	hub->retry_at = PONTO_NEVER;
	for (unsigned i = 0; i < ATTEMPTS && result == PONTO_EEXIST; i++) {
		uint16_t port = hub->service_port;

		if (port == 0)
			port = (uint16_t)(FIRST_PORT + ponto_random_below(hub->env->random, 65536 - FIRST_PORT));
		result = tt_carrier_open(hub, &hub->service, TEREDO_VIA_SERVICE, port);
	}
	if (result != PONTO_OK) {
		ponto_debug(hub->env->log, TT_TOPIC, "no service port: %s", ponto_strerror(result));
		hub->retry_at = ponto_loop_now(hub->loop) + RETRY;
		return;
	}
	join_discovery(hub);
	tt_carrier_local(hub);
}

void tt_carrier_end(struct tt_hub *hub)
{
	ponto_datagrams_close(&hub->service.d);
	for (size_t i = 1; i <= TEREDO_PORTS_MAX; i++)
		ponto_datagrams_close(&hub->ports[i].d);
}

/* ---- out ---------------------------------------------------------------------------------------------- */

struct teredo_slot *tt_carrier_slot(struct tt_hub *hub)
{
	if (hub->slot_count == PONTO_BATCH)
		tt_carrier_flush(hub);
	return &hub->slots[hub->slot_count];
}

void tt_carrier_keep(struct tt_hub *hub)
{
	hub->slot_count++;
}

static const struct tt_carrier *carrier_of(const struct tt_hub *hub, uint8_t via)
{
	return via == TEREDO_VIA_SERVICE ? &hub->service : &hub->ports[via <= TEREDO_PORTS_MAX ? via : 0];
}

/* Those of one port that follow each other, in one call. What a full socket does not take is lost, as on the way. */
void tt_carrier_flush(struct tt_hub *hub)
{
	struct ponto_datagram batch[PONTO_BATCH];
	size_t first = 0;

	while (first < hub->slot_count) {
		const struct tt_carrier *carrier = carrier_of(hub, hub->slots[first].via);
		size_t n = 0, sent = 0;
		int result;

		while (first + n < hub->slot_count && hub->slots[first + n].via == hub->slots[first].via) {
			const struct teredo_slot *slot = &hub->slots[first + n];

			/* No DF, no ECN: RFC 4380 5.1.2, RFC 9601. */
			batch[n] = (struct ponto_datagram){.data = ponto_bytes(slot->data, slot->len),
							   .hop_limit = slot->ttl,
							   .flags = PONTO_DGRAM_MAY_FRAGMENT};
			teredo_endpoint_to(&slot->to, &batch[n++].peer);
		}
		for (size_t done = 0; carrier->d.handle && done < n; done += sent + 1) {
			result = ponto_datagrams_send(carrier->d, batch + done, n - done, &sent);
			if (result == PONTO_OK)
				break;
			ponto_debug(hub->env->log, TT_TOPIC, "a datagram could not be sent: %s",
				    ponto_strerror(result));
		}
		first += n;
	}
	hub->slot_count = 0;
}
