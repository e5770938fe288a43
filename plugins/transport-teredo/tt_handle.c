/* Handles: each on its own loop; what goes to the hub and comes from it is queued. */
#include "plugins/transport-teredo/tt.h"

#include <string.h>

static void free_handle(struct ponto_datagram_handle *h)
{
	tt_queue_clear(h->hub, &h->in);
	ponto_free(h->hub->env->alloc, h);
}

/* After a callback. */
static void leave(struct ponto_datagram_handle *h)
{
	if (--h->busy == 0 && h->closed)
		free_handle(h);
}

/* ---- in --------------------------------------------------------------------------------------- */

/* Up to a batch of what waits; what else the handle is to be told. True: there is more. */
struct news {
	struct tt_item *items[PONTO_BATCH];
	size_t count;
	bool changed, more;
	uint32_t mtu;
	struct ponto_addr mtu_peer;
};

static void take(struct ponto_datagram_handle *h, struct news *news)
{
	pthread_mutex_lock(&h->hub->lock);
	for (news->count = 0; news->count < PONTO_BATCH && h->in.head; news->count++) {
		news->items[news->count] = h->in.head;
		h->in.head = h->in.head->next;
		h->in.count--;
	}
	if (!h->in.head)
		h->in.tail = &h->in.head;
	news->more = h->in.head != NULL;
	news->changed = h->changed;
	news->mtu = h->mtu;
	news->mtu_peer = h->mtu_peer;
	h->changed = false;
	h->mtu = 0;
	pthread_mutex_unlock(&h->hub->lock);
}

static void hand_over(struct ponto_datagram_handle *h, struct news *news)
{
	struct ponto_datagram batch[PONTO_BATCH];

	for (size_t i = 0; i < news->count; i++) {
		const struct tt_item *item = news->items[i];

		batch[i] = (struct ponto_datagram){
			.data = ponto_bytes(item->data, item->len), .hop_limit = item->hop_limit, .ecn = item->ecn};
		teredo_ip6_to(&item->peer, item->from, &batch[i].peer);
		teredo_ip6_to(&item->own, item->to, &batch[i].local);
	}
	if (news->count && !h->closed)
		h->events.receive(h->arg, batch, news->count);
	if (news->count == 0)
		return;
	news->items[news->count - 1]->next = NULL;
	tt_items_done(h->hub, news->items[0]);
}

static void woken(void *arg)
{
	struct ponto_datagram_handle *h = arg;
	struct news news;

	h->busy++;
	take(h, &news);
	if (news.changed && h->events.addresses_changed)
		h->events.addresses_changed(h->arg);
	if (news.mtu && !h->closed && h->events.path_mtu)
		h->events.path_mtu(h->arg, &news.mtu_peer, news.mtu);
	hand_over(h, &news);
	/* Others on the loop get their turn between two batches. */
	if (news.more && !h->closed)
		tt_bell_ring(&h->bell);
	leave(h);
}

/* ---- the native side of a relaying host, on the handle's loop --------------------------------------- */

static void native_receive(void *arg, const struct ponto_datagram *batch, size_t count)
{
	struct ponto_datagram_handle *h = arg;

	h->busy++;
	h->events.receive(h->arg, batch, count);
	leave(h);
}

static void native_addresses_changed(void *arg)
{
	struct ponto_datagram_handle *h = arg;

	tt_host_address(h);
	h->busy++;
	if (h->events.addresses_changed)
		h->events.addresses_changed(h->arg);
	leave(h);
}

static void native_path_mtu(void *arg, const struct ponto_addr *peer, uint32_t mtu)
{
	struct ponto_datagram_handle *h = arg;

	h->busy++;
	if (h->events.path_mtu)
		h->events.path_mtu(h->arg, peer, mtu);
	leave(h);
}

static int open_native(struct ponto_datagram_handle *h, const struct ponto_datagram_want *want)
{
	static const struct ponto_datagram_events events = {native_receive, native_addresses_changed, native_path_mtu};
	struct ponto_datagram_want same = *want;
	int result;

	if (!h->hub->native.ops)
		return PONTO_OK;
	same.port = h->port;
	result = ponto_datagrams_open(h->hub->native, h->loop, &same, &events, h, &h->native);
	if (result == PONTO_OK)
		tt_host_address(h);
	return result;
}

/* ---- opening and closing ------------------------------------------------------------------------- */

static void take_out(struct tt_hub *hub, struct ponto_datagram_handle *h)
{
	struct ponto_datagram_handle **link = &hub->handles;

	pthread_mutex_lock(&hub->lock);
	while (*link != h)
		link = &(*link)->next;
	*link = h->next;
	pthread_mutex_unlock(&hub->lock);
}

/* It is listed before the hub starts, which may have an address to tell of at once. */
static int add(struct tt_hub *hub, struct ponto_datagram_handle *h)
{
	bool taken;
	int result;

	pthread_mutex_lock(&hub->lock);
	taken = tt_hub_listener(hub, h->port) != NULL;
	if (!taken) {
		h->next = hub->handles;
		hub->handles = h;
	}
	pthread_mutex_unlock(&hub->lock);
	if (taken)
		return PONTO_EEXIST;
	pthread_mutex_lock(&hub->starting);
	result = tt_hub_start(hub, h->loop);
	pthread_mutex_unlock(&hub->starting);
	if (result != PONTO_OK)
		take_out(hub, h);
	return result;
}

int tt_open(void *self, struct ponto_loop *loop, const struct ponto_datagram_want *want,
	    const struct ponto_datagram_events *events, void *arg, struct ponto_datagram_handle **out)
{
	struct tt_hub *hub = self;
	struct ponto_datagram_handle *h;
	int result;

	if (want->scope == PONTO_SCOPE_NONE || !events->receive)
		return PONTO_EINVAL;
	/* Its addresses are global ones. */
	if (want->scope != PONTO_SCOPE_GLOBAL)
		return PONTO_ENOENT;
	h = ponto_new(hub->env->alloc, 1, sizeof(*h));
	if (!h)
		return PONTO_ENOMEM;
	h->hub = hub;
	h->loop = loop;
	h->events = *events;
	h->arg = arg;
	h->port = want->port ? want->port : hub->port;
	tt_queue_init(&h->in);
	result = tt_bell_open(&h->bell, loop, woken, h);
	if (result == PONTO_OK)
		result = open_native(h, want);
	if (result == PONTO_OK)
		result = add(hub, h);
	if (result != PONTO_OK) {
		ponto_datagrams_close(&h->native);
		tt_bell_close(&h->bell);
		free_handle(h);
		return result;
	}
	*out = h;
	return PONTO_OK;
}

void tt_close(struct ponto_datagram_handle *h)
{
	take_out(h->hub, h);
	ponto_datagrams_close(&h->native);
	tt_bell_close(&h->bell);
	h->closed = true;
	if (h->busy == 0)
		free_handle(h);
}

int tt_local(struct ponto_datagram_handle *h, struct ponto_addr *out, size_t cap, size_t *count)
{
	if (h->native.handle)
		return ponto_datagrams_local(h->native, out, cap, count);
	pthread_mutex_lock(&h->hub->lock);
	*count = h->hub->has_address ? 1 : 0;
	if (*count && cap)
		teredo_ip6_to(&h->hub->address, h->port, out);
	pthread_mutex_unlock(&h->hub->lock);
	return PONTO_OK;
}

/* ---- out --------------------------------------------------------------------------------------------- */

/* An earlier datagram to it did not arrive: told once. */
static bool had_error(struct ponto_datagram_handle *h, const uint8_t ip[16])
{
	for (size_t i = 0; i < h->error_count; i++) {
		if (memcmp(h->errors[i].bytes, ip, 16) != 0)
			continue;
		h->errors[i] = h->errors[--h->error_count];
		return true;
	}
	return false;
}

/* Under the lock. */
static int check(struct ponto_datagram_handle *h, const struct ponto_datagram *d)
{
	struct teredo_ip6 peer;

	if (d->peer.family != PONTO_FAMILY_IPV6 || d->peer.port == 0)
		return PONTO_EINVAL;
	if (d->data.len > TEREDO_UDP_MAX)
		return PONTO_ELIMIT;
	memcpy(peer.bytes, d->peer.ip, sizeof(peer.bytes));
	if (!h->hub->has_address || !teredo_is_unicast(&peer))
		return PONTO_EUNREACH;
	if (d->local.family != PONTO_FAMILY_NONE &&
	    (d->local.family != PONTO_FAMILY_IPV6 || memcmp(d->local.ip, h->hub->address.bytes, 16) != 0))
		return PONTO_EUNREACH;
	return had_error(h, d->peer.ip) ? PONTO_EUNREACH : PONTO_OK;
}

static int send_teredo(struct ponto_datagram_handle *h, const struct ponto_datagram *batch, size_t count, size_t *sent)
{
	struct tt_hub *hub = h->hub;
	int result = PONTO_OK;
	size_t done = 0;
	bool was_empty, ring;

	pthread_mutex_lock(&hub->lock);
	was_empty = !hub->out.head;
	for (; done < count; done++) {
		const struct ponto_datagram *d = &batch[done];
		struct tt_item head = {.from = h->port, .to = d->peer.port, .hop_limit = d->hop_limit, .ecn = d->ecn};

		result = check(h, d);
		if (result != PONTO_OK)
			break;
		head.own = hub->address;
		memcpy(head.peer.bytes, d->peer.ip, sizeof(head.peer.bytes));
		if (!tt_queue_add(hub, &hub->out, &head, d->data))
			break;
	}
	ring = was_empty && hub->out.head;
	pthread_mutex_unlock(&hub->lock);
	/* Not under the lock, which the hub takes as soon as it wakes; it outlives its handles. */
	if (ring)
		tt_bell_ring(&hub->bell);
	*sent = done;
	return result;
}

static bool is_native(const struct ponto_datagram_handle *h, const struct ponto_datagram *d)
{
	struct teredo_ip6 peer;

	if (!h->native.handle)
		return false;
	memcpy(peer.bytes, d->peer.ip, sizeof(peer.bytes));
	return d->peer.family != PONTO_FAMILY_IPV6 || !teredo_is_address(&peer);
}

/* Those of one side that follow each other, in one call. */
int tt_send(struct ponto_datagram_handle *h, const struct ponto_datagram *batch, size_t count, size_t *sent)
{
	int result = PONTO_OK;
	size_t done = 0, n, part;

	do {
		bool native = count > 0 && is_native(h, &batch[done]);

		for (n = 0; done + n < count && is_native(h, &batch[done + n]) == native; n++)
			;
		part = 0;
		result = native ? ponto_datagrams_send(h->native, batch + done, n, &part)
				: send_teredo(h, batch + done, n, &part);
		done += part;
	} while (result == PONTO_OK && part == n && done < count);
	*sent = done;
	return result;
}
