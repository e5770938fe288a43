/* PCP over the transport, and what the gateway announces to all. */
#include "plugins/mapping-gateway/mg.h"

#define FIRST_PORT 49152u /* RFC 6335 6: dynamic */
#define ATTEMPTS 10
#define NATPMP_ANNOUNCED 12 /* bytes: RFC 6886 3.2.1 */

static const struct ponto_addr all_hosts = {{224, 0, 0, 1}, 0, PCP_CLIENT_PORT, PONTO_FAMILY_IPV4, 0};

/* RFC 6886 3.2.1: version 0, opcode 128, result 0. */
static bool natpmp_announcement(struct ponto_bytes data)
{
	struct ponto_reader r = ponto_reader(data);

	return data.len == NATPMP_ANNOUNCED && ponto_read_be32(&r) == UINT32_C(0x00800000);
}

static bool pcp_announcement(struct ponto_bytes data)
{
	struct pcp_response r;

	return pcp_read_response(data, &r) == PONTO_OK && r.version == PCP_VERSION && r.opcode == PCP_ANNOUNCE &&
	       r.result == PCP_SUCCESS;
}

static void hear(struct ponto_mapping_handle *h, const struct ponto_datagram *in)
{
	bool multicast = in->local.ip[0] >= 224 && in->local.ip[0] < 240;

	if (in->peer.port != PCP_SERVER_PORT || !ponto_addr_same_host(&in->peer, &h->info.gateway)) {
		ponto_counter_add(h->mg->foreign, 1);
		return;
	}
	if (h->pcp_on) {
		if (pcp_client_input(&h->pcp, ponto_loop_now(h->loop), &in->peer, multicast, in->data))
			mg_pcp_said(h);
		return;
	}
	if (multicast && (natpmp_announcement(in->data) || pcp_announcement(in->data)))
		mg_hint(h);
}

static void receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct ponto_mapping_handle *h = arg;

	for (size_t i = 0; i < count; i++)
		hear(h, &batch[i]);
	mg_pcp_pump(h);
	mg_settle(h);
}

static void addresses_changed(void *arg)
{
	struct ponto_mapping_handle *h = arg;

	mg_hint(h);
	mg_settle(h);
}

/* The socket of the address that is to be mapped: a server believes no other. RFC 6887 8.2 */
static int find_source(struct ponto_mapping_handle *h)
{
	struct ponto_addr own[16];
	size_t count = 0;

	if (ponto_datagrams_local(h->d, own, PONTO_ARRAY_SIZE(own), &count) != PONTO_OK)
		return PONTO_ENOENT;
	for (size_t i = 0; i < count && i < PONTO_ARRAY_SIZE(own); i++) {
		if (!ponto_addr_same_host(&own[i], &h->want.local))
			continue;
		h->source = own[i];
		return PONTO_OK;
	}
	return PONTO_ENOENT;
}

int mg_pcp_open(struct ponto_mapping_handle *h)
{
	struct ponto_datagram_want want = {.scope = ponto_addr_scope(&h->want.local), .max_addresses = 16};
	struct ponto_datagram_events events = {.receive = receive, .addresses_changed = addresses_changed};
	int result = PONTO_EEXIST;

	for (unsigned i = 0; i < ATTEMPTS && result == PONTO_EEXIST; i++) {
		want.port = (uint16_t)(FIRST_PORT + ponto_random_below(h->mg->env->random, 65536 - FIRST_PORT));
		result = ponto_datagrams_open(h->mg->transport, h->loop, &want, &events, h, &h->d);
	}
	if (result != PONTO_OK)
		return result;
	result = ponto_datagrams_join(h->d, &all_hosts);
	if (result != PONTO_OK)
		ponto_debug(h->mg->env->log, MG_TOPIC, "announcements of the gateway are not heard: %s",
			    ponto_strerror(result));
	return PONTO_OK;
}

int mg_pcp_start(struct ponto_mapping_handle *h)
{
	struct pcp_client_config config = {.random = h->mg->env->random,
					   .server = h->info.gateway,
					   .client = h->want.local,
					   .protocol = h->want.protocol,
					   .external_port = h->want.local.port,
					   .exact = h->want.exact,
					   .lifetime = h->want.lifetime ? h->want.lifetime : h->mg->lifetime};
	int result;

	if (!h->d.handle)
		return PONTO_ENOENT;
	result = find_source(h);
	config.server.port = PCP_SERVER_PORT;
	if (config.lifetime > PCP_LIFETIME_MAX)
		config.lifetime = PCP_LIFETIME_MAX;
	if (result == PONTO_OK)
		result = pcp_client_init(&h->pcp, &config, ponto_loop_now(h->loop));
	h->pcp_on = result == PONTO_OK;
	return result;
}

void mg_pcp_pump(struct ponto_mapping_handle *h)
{
	uint8_t out[PCP_MAX];
	struct ponto_datagram datagram = {.peer = h->pcp.config.server, .local = h->source};
	size_t len = 0, sent = 0;

	while (h->pcp_on && pcp_client_output(&h->pcp, ponto_loop_now(h->loop), out, &len)) {
		datagram.data = ponto_bytes(out, len);
		ponto_counter_add(h->mg->asked, 1);
		if (ponto_datagrams_send(h->d, &datagram, 1, &sent) != PONTO_OK)
			ponto_debug(h->mg->env->log, MG_TOPIC, "PCP: a request could not be sent");
	}
}

void mg_pcp_stop(struct ponto_mapping_handle *h)
{
	if (!h->pcp_on)
		return;
	pcp_client_release(&h->pcp, ponto_loop_now(h->loop));
	mg_pcp_pump(h);
	h->pcp_on = false;
}
