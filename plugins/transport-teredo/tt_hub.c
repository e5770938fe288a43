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

/* ---- effects --------------------------------------------------------------------------------------- */

static void address_changed(struct tt_hub *hub)
{
	struct teredo_client_status status;
	struct ponto_addr addr;
	char text[PONTO_ADDR_TEXT];

	teredo_client_status(hub->client, &status);
	pthread_mutex_lock(&hub->lock);
	hub->has_address = status.has_address;
	hub->address = status.address;
	for (struct ponto_datagram_handle *h = hub->handles; h; h = h->next) {
		h->changed = true;
		tt_bell_ring(&h->bell);
	}
	pthread_mutex_unlock(&hub->lock);
	tt_stream_address(hub);
	if (!status.has_address) {
		ponto_info(hub->env->log, TT_TOPIC, "no Teredo address any more");
		return;
	}
	teredo_ip6_to(&status.address, 0, &addr);
	ponto_info(hub->env->log, TT_TOPIC, "Teredo address %s, NAT: %s%s", ponto_addr_format(&addr, text),
		   teredo_nat_name(status.nat), status.preserving ? ", keeps ports" : "");
}

static void unreachable(struct tt_hub *hub, const struct teredo_ip6 *peer)
{
	pthread_mutex_lock(&hub->lock);
	for (struct ponto_datagram_handle *h = hub->handles; h; h = h->next)
		if (h->error_count < TT_ERRORS)
			h->errors[h->error_count++] = *peer;
	pthread_mutex_unlock(&hub->lock);
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
			unreachable(hub, &effect.peer);
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

void tt_hub_pump(struct tt_hub *hub)
{
	uint64_t deadline;

	effects(hub);
	while (teredo_client_output(hub->client, tt_carrier_slot(hub)))
		tt_carrier_keep(hub);
	tt_carrier_flush(hub);
	tell_state(hub);
	tt_metrics_update(hub);
	deadline = teredo_client_deadline(hub->client);
	ponto_timer_set(hub->loop, hub->timer, deadline < hub->retry_at ? deadline : hub->retry_at);
}

static void due(void *arg)
{
	struct tt_hub *hub = arg;

	if (ponto_loop_now(hub->loop) >= hub->retry_at)
		tt_carrier_begin(hub);
	teredo_client_advance(hub->client, ponto_loop_now(hub->loop));
	tt_hub_pump(hub);
}

/* ---- what handles send -------------------------------------------------------------------------------- */

/* To ourselves, from one handle to another or the same. */
static void loop_back(struct tt_hub *hub, const struct tt_item *item)
{
	struct tt_item head = *item;
	struct ponto_datagram_handle *h;

	head.own = item->peer;
	head.hop_limit = item->hop_limit ? item->hop_limit : TEREDO_HOP_LIMIT;
	pthread_mutex_lock(&hub->lock);
	h = tt_hub_listener(hub, item->to);
	if (h && tt_queue_add(hub, &h->in, &head, ponto_bytes(item->data, item->len)) && h->in.count == 1)
		tt_bell_ring(&h->bell);
	pthread_mutex_unlock(&hub->lock);
}

static void send_item(struct tt_hub *hub, const struct tt_item *item)
{
	struct teredo_udp udp = {item->from, item->to, ponto_bytes(item->data, item->len)};

	if (hub->has_address && teredo_ip6_equal(&item->peer, &hub->address)) {
		loop_back(hub, item);
		return;
	}
	switch (teredo_client_send(hub->client, ponto_loop_now(hub->loop), &item->peer, &udp, item->hop_limit,
				   item->ecn, tt_carrier_slot(hub))) {
	case 1:
		tt_carrier_keep(hub);
		break;
	case PONTO_EUNREACH:
		unreachable(hub, &item->peer);
		break;
	default:
		break;
	}
}

static void finish(struct tt_hub *hub)
{
	tt_stream_detach(hub);
	tt_map_close(hub);
	tt_carrier_end(hub);
	teredo_client_destroy(hub->client);
	hub->client = NULL;
	ponto_timer_destroy(hub->loop, hub->timer);
	hub->timer = NULL;
	pthread_mutex_lock(&hub->lock);
	tt_bell_close(&hub->bell);
	tt_queue_clear(hub, &hub->out);
	hub->has_address = false;
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
	tt_stream_attach(hub);
	if (hub->out.head) {
		taken = hub->out;
		tt_queue_init(&hub->out);
	}
	pthread_mutex_unlock(&hub->lock);
	for (const struct tt_item *item = taken.head; item; item = item->next)
		send_item(hub, item);
	tt_items_done(hub, taken.head);
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
	int result = teredo_client_create(&hub->config, &hub->client);

	hub->retry_at = PONTO_NEVER;
	hub->told = TEREDO_INITIAL;
	hub->metrics.last = (struct teredo_client_stats){0};
	hub->stopping = false;
	hub->slot_count = 0;
	if (result == PONTO_OK)
		result = ponto_timer_create(hub->loop, due, hub, &hub->timer);
	if (result == PONTO_OK)
		result = tt_bell_open(&hub->bell, hub->loop, woken, hub);
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
	hub->running = true;
	if (simulated)
		begin(hub);
	return PONTO_OK;
}

void tt_hub_stop(struct tt_hub *hub)
{
	if (!hub->running)
		return;
	hub->running = false;
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
