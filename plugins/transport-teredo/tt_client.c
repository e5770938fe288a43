/* The role of a client: what its engine wants of the world, and what the world has for it. RFC 4380 5.2; RFC 6081 5. */
#include "plugins/transport-teredo/tt.h"

/* ---- effects ----------------------------------------------------------------------------------------- */

static void address_changed(struct tt_hub *hub)
{
	struct teredo_client_status status;
	struct ponto_addr addr;
	char text[PONTO_ADDR_TEXT];

	teredo_client_status(hub->client, &status);
	tt_hub_address(hub, status.has_address ? &status.address : NULL);
	tt_stream_address(hub);
	if (!status.has_address) {
		ponto_info(hub->env->log, TT_TOPIC, "no Teredo address any more");
		return;
	}
	teredo_ip6_to(&status.address, 0, &addr);
	ponto_info(hub->env->log, TT_TOPIC, "Teredo address %s, NAT: %s%s", ponto_addr_format(&addr, text),
		   teredo_nat_name(status.nat), status.preserving ? ", keeps ports" : "");
}

static void effects(struct tt_hub *hub)
{
	struct teredo_effect effect;

	while (teredo_client_effect(hub->client, &effect)) {
		switch (effect.kind) {
		case TEREDO_EFFECT_ADDRESS:
			address_changed(hub);
			break;
		case TEREDO_EFFECT_UNREACHABLE:
			tt_hub_unreachable(hub, &effect.peer);
			break;
		case TEREDO_EFFECT_OPEN:
			teredo_client_opened(hub->client, ponto_loop_now(hub->loop), effect.via,
					     tt_carrier_open(hub, &hub->ports[effect.via], effect.via, effect.port));
			break;
		case TEREDO_EFFECT_CLOSE:
			/* What it still has to send goes first. */
			tt_carrier_flush(hub);
			ponto_datagrams_close(&hub->ports[effect.via].d);
			break;
		case TEREDO_EFFECT_MAP:
			tt_map_open(hub);
			break;
		case TEREDO_EFFECT_UNMAP:
			tt_map_close(hub);
			break;
		case TEREDO_EFFECT_KEY:
			ponto_warning(hub->env->log, TT_TOPIC, "the server asks for a new secret");
			break;
		default:
			break;
		}
	}
}

static void tell_state(struct tt_hub *hub)
{
	struct teredo_client_status status;

	teredo_client_status(hub->client, &status);
	if (status.state == hub->told)
		return;
	hub->told = status.state;
	if (status.state == TEREDO_OFFLINE)
		ponto_warning(hub->env->log, TT_TOPIC, "no Teredo server can be used (NAT: %s)",
			      teredo_nat_name(status.nat));
	else
		ponto_debug(hub->env->log, TT_TOPIC, "%s", teredo_client_state_name(status.state));
}

static uint64_t client_pump(struct tt_hub *hub)
{
	effects(hub);
	while (teredo_client_output(hub->client, tt_carrier_slot(hub)))
		tt_carrier_keep(hub);
	tt_carrier_flush(hub);
	tell_state(hub);
	tt_metrics_update(hub);
	return teredo_client_deadline(hub->client);
}

/* ---- out ---------------------------------------------------------------------------------------------- */

static void client_send(struct tt_hub *hub, uint64_t now, const struct tt_item *item)
{
	struct teredo_udp udp = {item->from, item->to, ponto_bytes(item->data, item->len)};
	int result = teredo_client_send(hub->client, now, &item->peer, &udp, item->hop_limit, item->ecn,
					tt_carrier_slot(hub));

	if (result == 1)
		tt_carrier_keep(hub);
	else if (result == PONTO_EUNREACH)
		tt_hub_unreachable(hub, &item->peer);
}

static int client_send_packet(struct tt_hub *hub, uint64_t now, struct ponto_bytes packet)
{
	int result = teredo_client_send_packet(hub->client, now, packet, tt_carrier_slot(hub));

	if (result != 1)
		return result;
	tt_carrier_keep(hub);
	return PONTO_OK;
}

/* ---- in ----------------------------------------------------------------------------------------------- */

static void deliver(struct tt_hub *hub, uint64_t now, const struct teredo_received *in, const struct teredo_delivery *d)
{
	struct tt_item head = {.peer = d->peer,
			       .own = hub->address,
			       .from = d->udp.from,
			       .to = d->udp.to,
			       .hop_limit = d->hop_limit,
			       .ecn = d->ecn};

	if (tt_hub_deliver(hub, &head, d->udp.data))
		return;
	if (hub->tun)
		tt_stream_input(hub, d->packet);
	else
		teredo_client_refuse(hub->client, now, in);
}

/* That nobody listens there is no fault of the handle, as with any UDP; that something was too large is to be known. */
static void tell_error(struct tt_hub *hub, const struct teredo_delivery *d)
{
	const uint32_t headers = TEREDO_IP6_HEADER + TEREDO_UDP_HEADER;
	struct ponto_datagram_handle *h;

	pthread_mutex_lock(&hub->lock);
	h = tt_hub_listener(hub, d->udp.from);
	if (h && d->mtu) {
		h->mtu = d->mtu > headers ? d->mtu - headers : 1;
		teredo_ip6_to(&d->peer, d->udp.to, &h->mtu_peer);
		tt_bell_ring(&h->bell);
	}
	pthread_mutex_unlock(&hub->lock);
	if (!h)
		tt_stream_input(hub, d->packet);
}

static void client_receive(struct tt_hub *hub, uint64_t now, const struct teredo_received *in)
{
	struct teredo_delivery d;

	if (teredo_client_input(hub->client, now, in, &d) != 1)
		return;
	if (d.kind == TEREDO_DELIVERY_DATAGRAM)
		deliver(hub, now, in, &d);
	else if (d.kind == TEREDO_DELIVERY_PACKET)
		tt_stream_input(hub, d.packet);
	else
		tell_error(hub, &d);
}

/* ---- its life ------------------------------------------------------------------------------------------ */

static int client_begin(struct tt_hub *hub)
{
	hub->told = TEREDO_INITIAL;
	hub->metrics.last = (struct teredo_client_stats){0};
	return teredo_client_create(&hub->config, &hub->client);
}

static void client_end(struct tt_hub *hub)
{
	tt_map_close(hub);
	teredo_client_destroy(hub->client);
	hub->client = NULL;
}

static void client_local(struct tt_hub *hub, const struct teredo_endpoint *at)
{
	struct teredo_subnet subnets[TEREDO_SUBNETS_MAX];

	if (!at)
		teredo_client_stop(hub->client);
	else
		teredo_client_local(hub->client, ponto_loop_now(hub->loop), at, subnets,
				    tt_carrier_subnets(hub, subnets, TEREDO_SUBNETS_MAX));
}

static void client_advance(struct tt_hub *hub, uint64_t now)
{
	teredo_client_advance(hub->client, now);
}

const struct tt_role tt_client = {
	.begin = client_begin,
	.end = client_end,
	.local = client_local,
	.receive = client_receive,
	.send = client_send,
	.send_packet = client_send_packet,
	.advance = client_advance,
	.pump = client_pump,
	.fill = tt_client_fill,
	.tell = tt_client_tell,
};
