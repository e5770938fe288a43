#include "plugins/transport-teredo/tt.h"

#include <signal.h>
#include <string.h>

/* ---- queues ----------------------------------------------------------------------------------- */

void tt_queue_init(struct tt_queue *queue)
{
	queue->head = NULL;
	queue->tail = &queue->head;
	queue->count = 0;
}

/* Of those that are kept, or a new one. Under the lock. */
static struct tt_item *make_item(struct tt_hub *hub, size_t len)
{
	size_t room = len > TEREDO_UDP_MAX ? len : TEREDO_UDP_MAX;
	struct tt_item *item = hub->spare;

	if (item && len <= item->room) {
		hub->spare = item->next;
		hub->spare_count--;
		return item;
	}
	item = ponto_resize(hub->env->alloc, NULL, 1, sizeof(*item) + room);
	if (item)
		item->room = (uint16_t)room;
	return item;
}

void tt_items_done(struct tt_hub *hub, struct tt_item *items)
{
	struct tt_queue rest = {.head = items};

	if (!items)
		return;
	pthread_mutex_lock(&hub->lock);
	for (struct tt_item **link = &rest.head; *link && hub->spare_count < TT_SPARE;) {
		struct tt_item *item = *link;

		if (item->room != TEREDO_UDP_MAX) {
			link = &item->next;
			continue;
		}
		*link = item->next;
		item->next = hub->spare;
		hub->spare = item;
		hub->spare_count++;
	}
	pthread_mutex_unlock(&hub->lock);
	tt_queue_clear(hub, &rest);
}

bool tt_queue_add(struct tt_hub *hub, struct tt_queue *queue, const struct tt_item *head, struct ponto_bytes data)
{
	struct tt_item *item;
	uint16_t room;

	if (queue->count >= TT_QUEUE)
		return false;
	item = make_item(hub, data.len);
	if (!item)
		return false;
	room = item->room;
	*item = *head;
	item->room = room;
	item->next = NULL;
	item->len = (uint16_t)data.len;
	if (data.len)
		memcpy(item->data, data.data, data.len);
	*queue->tail = item;
	queue->tail = &item->next;
	queue->count++;
	return true;
}

void tt_queue_clear(struct tt_hub *hub, struct tt_queue *queue)
{
	while (queue->head) {
		struct tt_item *item = queue->head;

		queue->head = item->next;
		ponto_free(hub->env->alloc, item);
	}
	tt_queue_init(queue);
}

struct ponto_datagram_handle *tt_hub_listener(struct tt_hub *hub, uint16_t port)
{
	struct ponto_datagram_handle *h = hub->handles;

	while (h && h->port != port)
		h = h->next;
	return h;
}

/* ---- what handles get ------------------------------------------------------------------------------- */

bool tt_hub_deliver(struct tt_hub *hub, const struct tt_item *head, struct ponto_bytes data)
{
	struct ponto_datagram_handle *h;

	pthread_mutex_lock(&hub->lock);
	h = tt_hub_listener(hub, head->to);
	if (h && tt_queue_add(hub, &h->in, head, data) && h->in.count == 1)
		hub->ring = h->ring = true;
	pthread_mutex_unlock(&hub->lock);
	return h != NULL;
}

void tt_hub_ring(struct tt_hub *hub)
{
	if (!hub->ring)
		return;
	hub->ring = false;
	pthread_mutex_lock(&hub->lock);
	for (struct ponto_datagram_handle *h = hub->handles; h; h = h->next) {
		if (h->ring)
			tt_bell_ring(&h->bell);
		h->ring = false;
	}
	pthread_mutex_unlock(&hub->lock);
}

void tt_hub_address(struct tt_hub *hub, const struct teredo_ip6 *address)
{
	pthread_mutex_lock(&hub->lock);
	hub->has_address = address != NULL;
	if (address)
		hub->address = *address;
	for (struct ponto_datagram_handle *h = hub->handles; h; h = h->next) {
		h->changed = true;
		tt_bell_ring(&h->bell);
	}
	pthread_mutex_unlock(&hub->lock);
}

void tt_hub_unreachable(struct tt_hub *hub, const struct teredo_ip6 *peer)
{
	pthread_mutex_lock(&hub->lock);
	for (struct ponto_datagram_handle *h = hub->handles; h; h = h->next)
		if (h->error_count < TT_ERRORS)
			h->errors[h->error_count++] = *peer;
	pthread_mutex_unlock(&hub->lock);
}

void tt_hub_pump(struct tt_hub *hub)
{
	uint64_t deadline = hub->role->pump(hub);

	ponto_timer_set(hub->loop, hub->timer, deadline < hub->retry_at ? deadline : hub->retry_at);
}

static void due(void *arg)
{
	struct tt_hub *hub = arg;

	if (ponto_loop_now(hub->loop) >= hub->retry_at)
		tt_carrier_begin(hub);
	hub->role->advance(hub, ponto_loop_now(hub->loop));
	tt_hub_pump(hub);
}

/* ---- what handles send -------------------------------------------------------------------------------- */

/* To ourselves, from one handle to another or the same. */
static void loop_back(struct tt_hub *hub, const struct tt_item *item)
{
	struct tt_item head = *item;

	head.own = item->peer;
	head.hop_limit = item->hop_limit ? item->hop_limit : TEREDO_HOP_LIMIT;
	(void)tt_hub_deliver(hub, &head, ponto_bytes(item->data, item->len));
}

static void send_item(struct tt_hub *hub, const struct tt_item *item)
{
	if (teredo_ip6_equal(&item->peer, &item->own))
		loop_back(hub, item);
	else
		hub->role->send(hub, ponto_loop_now(hub->loop), item);
}

static void finish(struct tt_hub *hub)
{
	tt_stream_detach(hub);
	hub->role->end(hub);
	tt_carrier_end(hub);
	ponto_timer_destroy(hub->loop, hub->timer);
	hub->timer = NULL;
	pthread_mutex_lock(&hub->lock);
	tt_bell_close(&hub->bell);
	tt_queue_clear(hub, &hub->out);
	hub->has_address = false;
	hub->running = false;
	pthread_mutex_unlock(&hub->lock);
}

static void woken(void *arg)
{
	struct tt_hub *hub = arg;
	struct tt_queue taken;
	bool stopping;

	tt_queue_init(&taken);
	pthread_mutex_lock(&hub->lock);
	stopping = hub->stopping;
	if (hub->out.head) {
		taken = hub->out;
		tt_queue_init(&hub->out);
	}
	pthread_mutex_unlock(&hub->lock);
	tt_stream_attach(hub);
	if (hub->role->woken)
		hub->role->woken(hub);
	for (const struct tt_item *item = taken.head; item; item = item->next)
		send_item(hub, item);
	tt_items_done(hub, taken.head);
	tt_hub_ring(hub);
	tt_hub_pump(hub);
	tt_report_answer(hub);
	if (stopping) {
		finish(hub);
		ponto_loop_stop(hub->loop);
	}
}

/* ---- starting and stopping ------------------------------------------------------------------------------- */

static void begin(struct tt_hub *hub)
{
	tt_carrier_begin(hub);
	if (hub->role->woken)
		hub->role->woken(hub);
	tt_stream_attach(hub);
	tt_hub_pump(hub);
}

static void *run(void *arg)
{
	struct tt_hub *hub = arg;

	begin(hub);
	if (ponto_loop_run(hub->loop) != PONTO_OK)
		ponto_error(hub->env->log, TT_TOPIC, "its loop does not run");
	return NULL;
}

static int start_thread(struct tt_hub *hub)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&hub->thread, NULL, run, hub);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error ? PONTO_EIO : PONTO_OK;
}

static int prepare(struct tt_hub *hub)
{
	int result = hub->role->begin(hub);

	hub->retry_at = PONTO_NEVER;
	hub->stopping = false;
	hub->slot_count = 0;
	if (result == PONTO_OK)
		result = ponto_timer_create(hub->loop, due, hub, &hub->timer);
	if (result == PONTO_OK)
		result = tt_bell_open(&hub->bell, hub->loop, woken, hub);
	/* Before it looks at anything: what changes from now on rings. */
	pthread_mutex_lock(&hub->lock);
	hub->running = result == PONTO_OK;
	pthread_mutex_unlock(&hub->lock);
	return result;
}

int tt_hub_start(struct tt_hub *hub, struct ponto_loop *loop)
{
	bool simulated = loop && ponto_loop_sim(loop) != NULL;
	int result = PONTO_OK;

	if (hub->running)
		return PONTO_OK;
	hub->loop = NULL;
	if (simulated)
		hub->loop = loop;
	else
		result = ponto_loop_uv_create(hub->env->alloc, &hub->loop);
	if (result == PONTO_OK)
		result = prepare(hub);
	if (result == PONTO_OK && !simulated)
		result = start_thread(hub);
	if (result != PONTO_OK) {
		if (hub->loop)
			finish(hub);
		if (!simulated)
			ponto_loop_destroy(hub->loop);
		hub->loop = NULL;
		return result;
	}
	if (simulated)
		begin(hub);
	return PONTO_OK;
}

void tt_hub_stop(struct tt_hub *hub)
{
	if (!hub->running)
		return;
	if (ponto_loop_sim(hub->loop)) {
		finish(hub);
		return;
	}
	pthread_mutex_lock(&hub->lock);
	hub->stopping = true;
	tt_bell_ring(&hub->bell);
	pthread_mutex_unlock(&hub->lock);
	pthread_join(hub->thread, NULL);
	ponto_loop_destroy(hub->loop);
	hub->loop = NULL;
}
