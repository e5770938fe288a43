/* One link: what comes in, what goes out. */
#include <string.h>

#include "framework/digest.h"
#include "plugins/discovery-wsd/wsdd.h"

struct ponto_addr wsdd_link_group(const struct wsdd_link *link, unsigned family)
{
	struct ponto_addr group = {.port = WSD_PORT, .zone = link->zone};

	if (family == WSDD_IPV6) {
		group.family = PONTO_FAMILY_IPV6;
		memcpy(group.ip, (const uint8_t[16]){0xff, 2, [15] = 0xc}, 16);
	} else {
		group.family = PONTO_FAMILY_IPV4;
		memcpy(group.ip, (const uint8_t[4]){239, 255, 255, 250}, 4);
	}
	return group;
}

/* ---- out -------------------------------------------------------------------------------- */

/* Nothing leaves the link, whatever source a question claims. */
static bool send_one(const struct wsdd_socket *s, const struct ponto_addr *to, struct ponto_bytes text, bool to_group)
{
	struct ponto_datagram d = {.peer = *to, .data = text, .hop_limit = 1};
	size_t count = 0, sent = 0;

	if (!s->net.handle)
		return false;
	/* A link's group is everybody's: the address says over which one it goes. */
	if (to_group && (ponto_datagrams_local(s->net, &d.local, 1, &count) != PONTO_OK || count == 0))
		return false;
	return ponto_datagrams_send(s->net, &d, 1, &sent) == PONTO_OK && sent == 1;
}

static void send_to_group(const struct wsdd_link *link, struct ponto_bytes text)
{
	bool any = false;

	for (unsigned family = 0; family < WSDD_FAMILIES; family++) {
		struct ponto_addr group = wsdd_link_group(link, family);

		any |= send_one(&link->sockets[family], &group, text, true);
	}
	if (any)
		ponto_counter_add(link->handle->wsdd->searches, 1);
}

static void send_all(struct wsdd_link *link, uint64_t now)
{
	char text[WSD_MESSAGE_MAX];
	struct ponto_addr to;
	size_t len;

	while ((len = wsd_engine_output(link->engine, now, text, &to)) > 0) {
		if (to.family == PONTO_FAMILY_NONE)
			send_to_group(link, ponto_bytes(text, len));
		else if (send_one(&link->sockets[to.family == PONTO_FAMILY_IPV6 ? WSDD_IPV6 : WSDD_IPV4], &to,
				  ponto_bytes(text, len), false))
			ponto_counter_add(link->handle->wsdd->answered, 1);
	}
}

/* ---- what the engine wishes ------------------------------------------------------------------ */

static struct wsd_held to_engine(const struct ponto_held *held)
{
	static const uint8_t states[] = {WSD_ABSENT, WSD_PARTIAL, WSD_COMPLETE};

	return (struct wsd_held){
		.segment = {.state = held->state < PONTO_ARRAY_SIZE(states) ? states[held->state] : WSD_ABSENT,
			    .blocks = held->state ? held->blocks : 0,
			    .has_age = held->age != PONTO_NEVER,
			    .age = held->age != PONTO_NEVER ? held->age : 0},
		.replies = held->replies,
		.full = held->full};
}

static struct ponto_held from_engine(const struct wsd_segment *segment)
{
	static const uint8_t states[] = {[WSD_PARTIAL] = PONTO_HELD_PART, [WSD_COMPLETE] = PONTO_HELD_ALL};

	return (struct ponto_held){.state = states[segment->state],
				   .blocks = segment->blocks,
				   .age = segment->has_age ? segment->age : PONTO_NEVER};
}

static void look_up(struct wsdd_link *link, uint64_t now, const struct wsd_effect *e)
{
	struct ponto_discovery_handle *h = link->handle;
	struct ponto_bytes ids[WSD_IDS_MAX];
	struct ponto_held held[WSD_IDS_MAX];
	struct wsd_held own[WSD_IDS_MAX];

	memset(held, 0, e->count * sizeof(held[0]));
	for (unsigned i = 0; i < e->count; i++)
		ids[i] = content_id_bytes(&e->ids[i]);
	if (h->pieces.lookup)
		h->pieces.lookup(h->arg, ids, e->count, held);
	for (unsigned i = 0; i < e->count; i++)
		own[i] = to_engine(&held[i]);
	if (!h->closed)
		wsd_engine_held(link->engine, now, e->answer, own);
}

static void tell_found(struct wsdd_link *link, const struct wsd_effect *e)
{
	struct ponto_discovery_handle *h = link->handle;
	const struct wsdd_search *s = wsdd_search_numbered(h, e->tag);
	struct ponto_addr addrs[WSD_ADDRS_MAX];
	struct ponto_held held[WSD_IDS_MAX];
	size_t count = 0;

	for (unsigned i = 0; i < e->addr_count; i++) {
		if (h->scope == PONTO_SCOPE_NONE || ponto_addr_scope(&e->addrs[i]) == h->scope)
			addrs[count++] = e->addrs[i];
	}
	for (unsigned i = 0; i < e->count; i++)
		held[i] = from_engine(&e->segments[i]);
	if (s && count > 0)
		h->pieces.found(h->arg, s->tag, addrs, count, held, e->count);
}

static void note_end(struct wsdd_link *link, const struct wsd_effect *e)
{
	struct ponto_discovery_handle *h = link->handle;
	struct wsdd_search *s = wsdd_search_numbered(h, e->tag);

	for (unsigned i = 0; s && i < WSDD_LINKS_MAX; i++) {
		if (h->links[i] == link)
			s->links &= ~(1u << i);
	}
	if (s) {
		s->replies += e->replies;
		s->full += e->full;
	}
}

static void count(struct wsdd_link *link)
{
	struct wsdd *wsdd = link->handle->wsdd;
	struct wsd_stats *old = &link->counted, now;

	wsd_engine_stats(link->engine, &now);
	ponto_counter_add(wsdd->asked, now.probes - old->probes);
	ponto_counter_add(wsdd->found, now.matches - old->matches);
	ponto_counter_add(wsdd->dropped, now.malformed - old->malformed + now.dropped - old->dropped + now.unasked -
						 old->unasked + now.remote - old->remote);
	*old = now;
}

void wsdd_link_pump(struct wsdd_link *link)
{
	struct ponto_discovery_handle *h = link->handle;
	uint64_t now = ponto_loop_now(h->loop);
	struct wsd_effect e;

	while (!h->closed && wsd_engine_effect(link->engine, &e)) {
		if (e.kind == WSD_EFFECT_LOOKUP)
			look_up(link, now, &e);
		else if (e.kind == WSD_EFFECT_FOUND)
			tell_found(link, &e);
		else
			note_end(link, &e);
	}
	if (h->closed)
		return;
	send_all(link, now);
	count(link);
}

/* ---- in ------------------------------------------------------------------------------------- */

static bool spend(struct wsdd_budget *b, uint64_t now, uint32_t burst, uint32_t rate)
{
	uint64_t gained = (now - b->at) / (PONTO_SECOND / rate);

	if (gained > 0) {
		b->spent = gained < b->spent ? b->spent - (uint32_t)gained : 0;
		b->at = now;
	}
	if (b->spent >= burst)
		return false;
	b->spent++;
	return true;
}

/* Reading XML costs more than sending a datagram: one sender does not use up what the others may have. */
static bool affordable(struct wsdd_link *link, uint64_t now, const struct ponto_addr *from)
{
	uint64_t hash = ponto_siphash(link->handle->key, ponto_bytes(from->ip, sizeof(from->ip)));

	return spend(&link->senders[hash % WSDD_SENDERS], now, WSDD_SENDER_BURST, WSDD_SENDER_RATE) &&
	       spend(&link->all, now, WSDD_LINK_BURST, WSDD_LINK_RATE);
}

static void take(struct wsdd_link *link, uint64_t now, const struct ponto_datagram *d)
{
	const struct ponto_env *env = link->handle->wsdd->env;
	struct wsd_stats before, after;

	if (d->peer.port == 0 || !affordable(link, now, &d->peer)) {
		ponto_counter_add(link->handle->wsdd->dropped, 1);
		return;
	}
	wsd_engine_stats(link->engine, &before);
	if (wsd_engine_input(link->engine, now, &d->peer, d->data) != PONTO_OK)
		ponto_counter_add(link->handle->wsdd->dropped, 1); /* no memory: as if it had got lost */
	wsd_engine_stats(link->engine, &after);
	if (after.malformed > before.malformed)
		ponto_peer_fault(env->log, WSDD_TOPIC, &d->peer, "a message that is malformed");
}

void wsdd_link_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct wsdd_link *link = arg;
	struct ponto_discovery_handle *h = link->handle;
	uint64_t now = ponto_loop_now(h->loop);

	wsdd_enter(h);
	for (size_t i = 0; i < count && !h->closed; i++)
		take(link, now, &batch[i]);
	if (!h->closed)
		wsdd_link_pump(link);
	wsdd_end_searches(h);
	wsdd_arm(h);
	wsdd_leave(h);
}
