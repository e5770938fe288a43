/* A search, and what comes in. */
#include <string.h>

#include "plugins/discovery-ssdp/ssdp.h"

/* Searches and answers leave from a port of the handle's own, drawn from IANA's dynamic range: the group's port may
 * belong to another program, and two clouds of one host must not take each other's answers. */
#define PORT_FIRST 49152u
#define PORT_COUNT 16384u
#define PORT_ATTEMPTS 8

#define LINKS_MAX 16
#define COPIES 2	       /* of a search: datagrams get lost */
#define COPY_AFTER PONTO_SECOND
#define ANSWER_WAY (PONTO_SECOND / 2) /* from the last moment to answer until it is here */

static void release(struct ponto_discovery_handle *h)
{
	ponto_free(h->ssdp->env->alloc, h);
}

static void enter(struct ponto_discovery_handle *h)
{
	h->calls++;
}

static void leave(struct ponto_discovery_handle *h)
{
	if (--h->calls == 0 && h->closed)
		release(h);
}

/* ---- sending ------------------------------------------------------------------------ */

/* The addresses to search from: one for each prefix, so one for each link. */
static size_t links(struct ponto_discovery_handle *h, struct ponto_addr out[LINKS_MAX])
{
	struct ponto_addr local[LINKS_MAX];
	size_t count, n = 0;

	if (ponto_datagrams_local(h->net, local, LINKS_MAX, &count) != PONTO_OK)
		return 0;
	for (size_t i = 0; i < count && i < LINKS_MAX; i++) {
		bool known = false;

		for (size_t k = 0; k < n && !known; k++)
			known = memcmp(out[k].ip, local[i].ip, 8) == 0 && out[k].zone == local[i].zone;
		if (!known)
			out[n++] = local[i];
	}
	return n;
}

bool ssdp_multicast(struct ponto_discovery_handle *h, const char *text, size_t len)
{
	struct ponto_datagram datagram = {
		.peer = {.family = PONTO_FAMILY_IPV6, .port = SSDP_PORT, .zone = h->zone},
		.data = ponto_bytes(text, len),
		.hop_limit = 1,
	};
	struct ponto_addr from[LINKS_MAX];
	size_t count = links(h, from);
	bool any = false;

	memcpy(datagram.peer.ip, (const uint8_t[16]){0xff, 2, [15] = 0xc}, 16);
	for (size_t i = 0; i < count; i++) {
		size_t sent = 0;

		datagram.local = from[i];
		if (ponto_datagrams_send(h->net, &datagram, 1, &sent) == PONTO_OK && sent == 1)
			any = true;
	}
	return any;
}

static void ask(struct ponto_discovery_handle *h, uint64_t now)
{
	char text[SSDP_TEXT_MAX];

	if (ssdp_multicast(h, text, ssdp_format_search(h->target, text)))
		ponto_counter_add(h->ssdp->searches, 1);
	h->asked++;
	h->ask_at = h->asked < COPIES ? now + COPY_AFTER : PONTO_NEVER;
	h->end_at = now + SSDP_MX * PONTO_SECOND + ANSWER_WAY;
}

/* ---- receiving ------------------------------------------------------------------------ */

/* Whoever is on a link of ours: nothing goes to or comes from further away. Hop limits of 1 see to what addresses
 * cannot tell. */
static bool is_neighbour(const struct ponto_discovery_handle *h, const struct ponto_addr *peer)
{
	enum ponto_scope scope = ponto_addr_scope(peer);

	if (peer->family != PONTO_FAMILY_IPV6 || peer->port == 0)
		return false;
	if (scope == PONTO_SCOPE_LINK)
		return h->scope != PONTO_SCOPE_LINK || peer->zone == h->zone || h->zone == 0;
	return scope == h->scope;
}

static bool is_own(struct ponto_discovery_handle *h, const struct ponto_addr *peer)
{
	struct ponto_addr local[LINKS_MAX];
	size_t count;

	if (ponto_datagrams_local(h->net, local, LINKS_MAX, &count) != PONTO_OK)
		return false;
	for (size_t i = 0; i < count && i < LINKS_MAX; i++)
		if (ponto_addr_equal(&local[i], peer))
			return true;
	return false;
}

static bool is_target(const struct ponto_discovery_handle *h, struct ponto_bytes target)
{
	return ponto_bytes_equal(target, ponto_bytes(h->target, strlen(h->target)));
}

/* [MS-PNRP] 3.1.5.1. 1: out is worth telling; 0: heard already, or ourselves; PONTO_EPROTO. */
static int read_answer(struct ponto_discovery_handle *h, const struct ssdp_message *message, struct ponto_addr *out)
{
	const struct ssdp_publication *own = &h->publication;

	if (!is_target(h, message->target) || ssdp_location_parse(message->location, out) != PONTO_OK)
		return PONTO_EPROTO;
	if (ponto_addr_scope(out) != h->scope || out->ip[0] == 0xff)
		return PONTO_EPROTO;
	if (h->scope == PONTO_SCOPE_LINK || h->scope == PONTO_SCOPE_SITE)
		out->zone = h->zone;
	if (own->wanted && ponto_addr_equal(&own->location, out))
		return 0;
	for (size_t i = 0; i < h->seen_count; i++)
		if (ponto_addr_equal(&h->seen[i], out))
			return 0;
	return 1;
}

static void drop(struct ponto_discovery_handle *h, const struct ponto_addr *peer, const char *why)
{
	ponto_counter_add(h->ssdp->dropped, 1);
	if (why)
		ponto_peer_fault(h->ssdp->env->log, SSDP_TOPIC, peer, "%s", why);
}

static void take_answer(struct ponto_discovery_handle *h, const struct ponto_datagram *d,
			const struct ssdp_message *message)
{
	struct ponto_addr found;
	int result;

	if (!h->searching || h->seen_count == SSDP_SEEN_MAX) {
		drop(h, &d->peer, NULL);
		return;
	}
	result = read_answer(h, message, &found);
	if (result < 0)
		drop(h, &d->peer, "an answer to a search nobody made, or without a usable AL");
	if (result != 1)
		return;
	h->seen[h->seen_count++] = found;
	ponto_counter_add(h->ssdp->found, 1);
	h->events.found(h->arg, PONTO_SOURCE_MULTICAST, &found, 1);
}

static void take_search(struct ponto_discovery_handle *h, const struct ponto_datagram *d,
			const struct ssdp_message *message)
{
	static const char discover[] = "ssdp:discover";

	if (!is_target(h, message->target) || is_own(h, &d->peer))
		return; /* groups are for everybody: no fault */
	if (!ponto_bytes_equal(message->man, ponto_bytes(discover, strlen(discover))))
		drop(h, &d->peer, "a search that does not say ssdp:discover");
	else
		ssdp_asked(h, &d->peer, message->mx);
}

static void take(struct ponto_discovery_handle *h, const struct ponto_datagram *d)
{
	bool to_group = d->local.ip[0] == 0xff;
	struct ssdp_message message;

	if (!is_neighbour(h, &d->peer)) {
		drop(h, &d->peer, NULL);
	} else if (to_group ? !h->publication.joined : !h->searching) {
		drop(h, &d->peer, NULL);
	} else if (ssdp_parse(d->data, &message) != PONTO_OK) {
		drop(h, &d->peer, "not SSDP");
	} else if (to_group && message.kind == SSDP_SEARCH) {
		take_search(h, d, &message);
	} else if (!to_group && message.kind == SSDP_ANSWER) {
		take_answer(h, d, &message);
	}
}

static void on_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct ponto_discovery_handle *h = arg;

	enter(h);
	for (size_t i = 0; i < count && !h->closed; i++)
		take(h, &batch[i]);
	if (!h->closed)
		ssdp_arm(h);
	leave(h);
}

/* ---- time ---------------------------------------------------------------------------------- */

static void finish(struct ponto_discovery_handle *h, enum ponto_discovery_source source)
{
	if (!h->closed)
		h->events.done(h->arg, source);
}

static void search_tick(struct ponto_discovery_handle *h, uint64_t now)
{
	if (h->net.handle && h->ask_at <= now)
		ask(h, now);
	if (h->end_at > now)
		return;
	h->searching = false;
	finish(h, PONTO_SOURCE_MULTICAST);
}

static void on_timer(void *arg)
{
	struct ponto_discovery_handle *h = arg;
	uint64_t now = ponto_loop_now(h->loop);
	unsigned ready = h->ready;

	enter(h);
	h->ready = 0;
	for (unsigned source = 1; source <= PONTO_SOURCE_SEED; source <<= 1)
		if (ready & source)
			finish(h, (enum ponto_discovery_source)source);
	if (!h->closed)
		ssdp_publication_tick(h, now);
	if (!h->closed && h->searching)
		search_tick(h, now);
	if (!h->closed)
		ssdp_arm(h);
	leave(h);
}

void ssdp_arm(struct ponto_discovery_handle *h)
{
	uint64_t next = ssdp_publication_deadline(h);

	if (h->ready)
		next = ponto_loop_now(h->loop);
	if (h->searching && h->ask_at < next)
		next = h->ask_at;
	if (h->searching && h->end_at < next)
		next = h->end_at;
	ponto_timer_set(h->loop, h->timer, next);
}

/* ---- the handle -------------------------------------------------------------------------------- */

int ssdp_net_open(struct ponto_discovery_handle *h)
{
	static const struct ponto_datagram_events events = {.receive = on_receive};
	struct ponto_datagram_want want = {.scope = h->scope, .zone = h->zone, .max_addresses = LINKS_MAX};
	int result = PONTO_EEXIST;

	if (h->net.handle)
		return PONTO_OK;
	for (unsigned i = 0; i < PORT_ATTEMPTS && result == PONTO_EEXIST; i++) {
		want.port = (uint16_t)(PORT_FIRST + ponto_random_below(h->ssdp->env->random, PORT_COUNT));
		result = ponto_datagrams_open(h->ssdp->transport, h->loop, &want, &events, h, &h->net);
	}
	return result;
}

/* Where there is nothing to search with, the search finds nothing. */
static int start_search(struct ponto_discovery_handle *h)
{
	int result = h->target[0] ? ssdp_net_open(h) : PONTO_ENOENT;
	uint64_t now = ponto_loop_now(h->loop);

	if (result == PONTO_ENOMEM)
		return result;
	if (result != PONTO_OK && result != PONTO_ENOENT)
		ponto_warning(h->ssdp->env->log, SSDP_TOPIC, "%s: neighbours cannot be searched: %s",
			      h->ssdp->env->instance, ponto_strerror(result));
	h->searching = true;
	h->seen_count = 0;
	h->asked = 0;
	h->ask_at = h->end_at = now;
	if (result == PONTO_OK)
		h->end_at = PONTO_NEVER; /* until the first copy is out */
	return PONTO_OK;
}

int ssdp_search(struct ponto_discovery_handle *h, unsigned sources)
{
	int result = PONTO_OK;

	if (sources & ~(unsigned)(PONTO_SOURCE_REMEMBERED | PONTO_SOURCE_MULTICAST | PONTO_SOURCE_SEED))
		return PONTO_EINVAL;
	if ((sources & PONTO_SOURCE_MULTICAST) && !h->searching)
		result = start_search(h);
	if (result != PONTO_OK)
		return result;
	h->ready |= sources & ~(unsigned)PONTO_SOURCE_MULTICAST;
	ssdp_arm(h);
	return PONTO_OK;
}

int ssdp_open(void *self, struct ponto_loop *loop, const struct ponto_discovery_want *want,
	      const struct ponto_discovery_events *events, void *arg, struct ponto_discovery_handle **out)
{
	struct ssdp *ssdp = self;
	struct ponto_discovery_handle *h = ponto_new(ssdp->env->alloc, 1, sizeof(*h));
	int result;

	if (!h)
		return PONTO_ENOMEM;
	h->ssdp = ssdp;
	h->loop = loop;
	h->scope = want->scope;
	h->zone = want->scope == PONTO_SCOPE_LINK || want->scope == PONTO_SCOPE_SITE ? want->zone : 0;
	h->events = *events;
	h->arg = arg;
	result = want->family == PONTO_FAMILY_IPV4 ? PONTO_ENOTSUP : ssdp_target(want->topic, want->scope, h->target);
	if (result == PONTO_ENOTSUP)
		result = PONTO_OK; /* a handle that finds nothing */
	if (result == PONTO_OK)
		result = ponto_timer_create(loop, on_timer, h, &h->timer);
	if (result != PONTO_OK) {
		release(h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

void ssdp_close(struct ponto_discovery_handle *h)
{
	ssdp_unpublish(h);
	ponto_datagrams_close(&h->net);
	ponto_timer_destroy(h->loop, h->timer);
	h->closed = true;
	if (h->calls == 0)
		release(h);
}
