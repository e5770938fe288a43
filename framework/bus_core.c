/* What a broker knows and decides: clients, components, open calls and their deadlines. No socket and no clock
 * of its own, so tests and the fuzzer drive it directly. One thread at a time. */
#include "framework/bus_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BUCKETS 256
#define NO_SLOT UINT32_MAX

struct client {
	struct client *next; /* in its bucket */
	uint64_t id;
	struct bus_peer peer;
	uint64_t ports;	  /* components that had a call of it, one bit each */
	unsigned open;	  /* calls without an answer */
	unsigned faults;
	int watch; /* -1: none */
	uint8_t route_len;
	uint8_t route[BUS_ROUTE_MAX];
};

/* One open call. Slots are reused; the token's upper half tells generations apart. */
struct slot {
	struct client *client;
	uint64_t id;
	uint64_t deadline;
	uint32_t generation;
	uint32_t heap;	/* its place there; NO_SLOT: the slot is free */
	uint32_t next;	/* free list */
	uint8_t port;
	bool delimiter;
};

struct port {
	bool used;
	char name[BUS_NAME_MAX + 1];
};

struct bus_core {
	struct bus_core_setup setup;
	struct client *buckets[BUCKETS];
	size_t client_count;
	uint64_t next_client;
	struct port ports[BUS_PORTS_MAX];
	struct slot *slots;
	uint32_t *heap; /* slot numbers, earliest deadline first */
	uint32_t slot_count, heap_count, free_slot;
	struct ponto_counter *calls, *busy, *late, *overdue, *faults, *lost;
	struct ponto_gauge *clients;
};

int bus_core_create(const struct bus_core_setup *setup, struct bus_core **out)
{
	struct bus_core *core = ponto_new(setup->alloc, 1, sizeof(*core));
	struct ponto_metrics *m = setup->metrics;

	if (!core)
		return PONTO_ENOMEM;
	core->setup = *setup;
	core->next_client = 1;
	core->free_slot = NO_SLOT;
	if (m) {
		core->calls = ponto_counter(m, "bus_calls_total", "", "calls received from clients");
		core->busy = ponto_counter(m, "bus_busy_total", "", "calls refused because too many were open");
		core->late = ponto_counter(m, "bus_late_replies_total", "", "answers that came after their call ended");
		core->overdue = ponto_counter(m, "bus_overdue_total", "", "calls answered by their deadline");
		core->faults = ponto_counter(m, "bus_malformed_total", "", "malformed messages from clients");
		core->lost = ponto_counter(m, "bus_replies_lost_total", "", "answers whose client had gone");
		core->clients = ponto_gauge(m, "bus_clients", "", "client connections with a call on record");
	}
	*out = core;
	return PONTO_OK;
}

static unsigned bucket_of(struct ponto_bytes route, bool remote)
{
	uint32_t h = remote ? 2166136261u : 2166136262u;

	for (size_t i = 0; i < route.len; i++)
		h = (h ^ route.data[i]) * 16777619u;
	return h % BUCKETS;
}

static struct client *find_client(const struct bus_core *core, struct ponto_bytes route, bool remote)
{
	struct client *c = core->buckets[bucket_of(route, remote)];

	for (; c; c = c->next) {
		if (c->peer.remote == remote && c->route_len == route.len &&
		    memcmp(c->route, route.data, route.len) == 0)
			return c;
	}
	return NULL;
}

static bool same_peer(const struct bus_peer *a, const struct bus_peer *b)
{
	return a->uid == b->uid && a->pid == b->pid && a->fd == b->fd && a->remote == b->remote;
}

bool bus_core_knows(const struct bus_core *core, struct ponto_bytes route, const struct bus_peer *peer)
{
	const struct client *c = find_client(core, route, peer->remote);

	return c && same_peer(&c->peer, peer);
}

/* ---- open calls: slots and their heap ------------------------------------------- */

static void heap_put(struct bus_core *core, uint32_t place, uint32_t slot)
{
	core->heap[place] = slot;
	core->slots[slot].heap = place;
}

static void heap_up(struct bus_core *core, uint32_t place)
{
	uint32_t slot = core->heap[place];

	while (place > 0) {
		uint32_t parent = (place - 1) / 2;

		if (core->slots[core->heap[parent]].deadline <= core->slots[slot].deadline)
			break;
		heap_put(core, place, core->heap[parent]);
		place = parent;
	}
	heap_put(core, place, slot);
}

static void heap_down(struct bus_core *core, uint32_t place)
{
	uint32_t slot = core->heap[place];

	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child >= core->heap_count)
			break;
		if (child + 1 < core->heap_count &&
		    core->slots[core->heap[child + 1]].deadline < core->slots[core->heap[child]].deadline)
			child++;
		if (core->slots[slot].deadline <= core->slots[core->heap[child]].deadline)
			break;
		heap_put(core, place, core->heap[child]);
		place = child;
	}
	heap_put(core, place, slot);
}

static int grow(struct bus_core *core)
{
	uint32_t count = core->slot_count ? core->slot_count * 2 : 64;
	struct slot *slots = ponto_resize(core->setup.alloc, core->slots, count, sizeof(*slots));
	uint32_t *heap;

	if (!slots)
		return PONTO_ENOMEM;
	core->slots = slots;
	heap = ponto_resize(core->setup.alloc, core->heap, count, sizeof(*heap));
	if (!heap)
		return PONTO_ENOMEM;
	core->heap = heap;
	for (uint32_t i = count; i > core->slot_count; i--) {
		struct slot *s = &slots[i - 1];

		memset(s, 0, sizeof(*s));
		s->heap = NO_SLOT;
		s->next = core->free_slot;
		core->free_slot = i - 1;
	}
	core->slot_count = count;
	return PONTO_OK;
}

static int open_slot(struct bus_core *core, struct client *client, uint64_t deadline, uint32_t *out)
{
	struct slot *s;
	uint32_t n;

	if (core->free_slot == NO_SLOT && grow(core))
		return PONTO_ENOMEM;
	n = core->free_slot;
	s = &core->slots[n];
	core->free_slot = s->next;
	s->generation++;
	s->client = client;
	s->deadline = deadline;
	core->heap[core->heap_count] = n;
	heap_up(core, core->heap_count++);
	client->open++;
	*out = n;
	return PONTO_OK;
}

static void close_slot(struct bus_core *core, uint32_t n)
{
	struct slot *s = &core->slots[n];
	uint32_t place = s->heap, last = core->heap[--core->heap_count];

	if (last != n) {
		heap_put(core, place, last);
		heap_up(core, place);
		heap_down(core, core->slots[last].heap);
	}
	s->client->open--;
	s->client = NULL;
	s->heap = NO_SLOT;
	s->next = core->free_slot;
	core->free_slot = n;
}

static uint64_t token_of(const struct bus_core *core, uint32_t n)
{
	return (uint64_t)core->slots[n].generation << 32 | n;
}

static uint32_t slot_of(const struct bus_core *core, uint64_t token)
{
	uint32_t n = (uint32_t)token;

	if (n >= core->slot_count || core->slots[n].heap == NO_SLOT || core->slots[n].generation != token >> 32)
		return NO_SLOT;
	return n;
}

/* ---- clients --------------------------------------------------------------------- */

static void send_client(struct bus_core *core, const struct client *c, bool delimiter, struct ponto_bytes envelope)
{
	int result = core->setup.ops->send_client(core->setup.arg, c->peer.remote,
						  ponto_bytes(c->route, c->route_len), delimiter, envelope);

	if (result) {
		ponto_counter_add(core->lost, 1);
		ponto_debug(core->setup.log, BUS_TOPIC, "an answer to process %d was lost: %s", (int)c->peer.pid,
			    ponto_strerror(result));
	}
}

static void send_error(struct bus_core *core, const struct client *c, bool delimiter, uint64_t id, int result,
		       const char *error)
{
	uint8_t buffer[BUS_REPLY_SMALL];
	size_t len = bus_reply_small(id, result, error, buffer);

	send_client(core, c, delimiter, ponto_bytes(buffer, len));
}

static void tell_gone(struct bus_core *core, unsigned port, uint64_t client)
{
	struct bus_item *item = ponto_new(core->setup.alloc, 1, sizeof(*item));

	if (!item) {
		ponto_error(core->setup.log, BUS_TOPIC, "cannot tell %s that a client ended: %s",
			    core->ports[port].name, ponto_strerror(PONTO_ENOMEM));
		return;
	}
	item->kind = BUS_ITEM_GONE;
	item->client = client;
	core->setup.ops->send_port(core->setup.arg, port, item);
}

/* Takes the record out; what it registered anywhere ends. */
static void end_client(struct bus_core *core, struct client *c)
{
	struct client **link = &core->buckets[bucket_of(ponto_bytes(c->route, c->route_len), c->peer.remote)];

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	core->client_count--;
	ponto_gauge_add(core->clients, -1);
	for (uint32_t n = 0; c->open > 0 && n < core->slot_count; n++) {
		if (core->slots[n].heap != NO_SLOT && core->slots[n].client == c)
			close_slot(core, n);
	}
	for (unsigned port = 0; port < BUS_PORTS_MAX; port++) {
		if (c->ports & (UINT64_C(1) << port))
			tell_gone(core, port, c->id);
	}
	if (c->watch >= 0)
		core->setup.ops->end_watch(core->setup.arg, c->watch);
	ponto_free(core->setup.alloc, c);
}

static size_t clients_of(const struct bus_core *core, const struct bus_peer *peer)
{
	size_t count = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		for (const struct client *c = core->buckets[i]; c; c = c->next)
			count += c->peer.uid == peer->uid && c->peer.remote == peer->remote;
	}
	return count;
}

static int new_client(struct bus_core *core, struct ponto_bytes route, const struct bus_peer *peer,
		      struct client **out)
{
	struct client *c;
	unsigned bucket = bucket_of(route, peer->remote);
	int result;

	if (!ponto_share(clients_of(core, peer), core->client_count, BUS_CLIENTS_MAX))
		return PONTO_EBUSY;
	c = ponto_new(core->setup.alloc, 1, sizeof(*c));
	if (!c)
		return PONTO_ENOMEM;
	c->id = core->next_client++;
	c->peer = *peer;
	c->watch = -1;
	c->route_len = (uint8_t)route.len;
	memcpy(c->route, route.data, route.len);
	if (peer->pid > 0) {
		result = core->setup.ops->begin_watch(core->setup.arg, c->id, peer, &c->watch);
		if (result) {
			ponto_free(core->setup.alloc, c);
			return result;
		}
	}
	c->next = core->buckets[bucket];
	core->buckets[bucket] = c;
	core->client_count++;
	ponto_gauge_add(core->clients, 1);
	*out = c;
	return PONTO_OK;
}

static struct client *client_by_id(struct bus_core *core, uint64_t id)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct client *c = core->buckets[i]; c; c = c->next) {
			if (c->id == id)
				return c;
		}
	}
	return NULL;
}

void bus_core_gone(struct bus_core *core, uint64_t client)
{
	struct client *c = client_by_id(core, client);

	if (c)
		end_client(core, c);
}

void bus_core_disconnected(struct bus_core *core, bool remote, int fd)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct client *next;

		for (struct client *c = core->buckets[i]; c; c = next) {
			next = c->next;
			if (c->peer.remote == remote && c->peer.fd == fd)
				end_client(core, c);
		}
	}
}

/* ---- components -------------------------------------------------------------------- */

static int find_port(const struct bus_core *core, const char *name)
{
	for (int i = 0; i < BUS_PORTS_MAX; i++) {
		if (core->ports[i].used && strcmp(core->ports[i].name, name) == 0)
			return i;
	}
	return -1;
}

int bus_core_attach(struct bus_core *core, const char *name, unsigned *port)
{
	if (!bus_name_valid(name))
		return PONTO_EINVAL;
	if (find_port(core, name) >= 0)
		return PONTO_EEXIST;
	for (unsigned i = 0; i < BUS_PORTS_MAX; i++) {
		if (core->ports[i].used)
			continue;
		core->ports[i].used = true;
		strcpy(core->ports[i].name, name);
		*port = i;
		return PONTO_OK;
	}
	return PONTO_EBUSY;
}

/* Ends the open calls of one component, or of all (port < 0). */
static void end_calls(struct bus_core *core, int port)
{
	for (uint32_t n = 0; n < core->slot_count; n++) {
		struct slot *s = &core->slots[n];
		struct client *c = s->client;
		char text[BUS_NAME_MAX + 32];

		if (s->heap == NO_SLOT || (port >= 0 && s->port != port))
			continue;
		snprintf(text, sizeof(text), port >= 0 ? "service %s ended" : "the daemon ends", core->ports[s->port].name);
		send_error(core, c, s->delimiter, s->id, PONTO_ECLOSED, text);
		close_slot(core, n);
	}
}

void bus_core_detach(struct bus_core *core, unsigned port)
{
	assert(port < BUS_PORTS_MAX && core->ports[port].used);
	end_calls(core, (int)port);
	core->ports[port].used = false;
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct client *c = core->buckets[i]; c; c = c->next)
			c->ports &= ~(UINT64_C(1) << port);
	}
}

void bus_core_close(struct bus_core *core)
{
	end_calls(core, -1);
}

/* ---- calls ---------------------------------------------------------------------------- */

/* Makes the object that goes to the component and back. takes request when PONTO_OK */
static int make_call(struct bus_core *core, const struct client *c, uint32_t n, Ponto__Bus__V1__Call *request,
		     struct bus_call **out)
{
	struct bus_call *call = ponto_new(core->setup.alloc, 1, sizeof(*call));

	if (!call)
		return PONTO_ENOMEM;
	call->item.kind = BUS_ITEM_CALL;
	call->request = request;
	call->id = request->id;
	call->token = token_of(core, n);
	call->call.method = request->method;
	call->call.payload = request->has_payload ? ponto_bytes(request->payload.data, request->payload.len) :
						    ponto_bytes(NULL, 0);
	call->call.uid = c->peer.uid;
	call->call.pid = c->peer.pid;
	call->call.client = c->id;
	call->call.admin = c->peer.admin;
	call->call.deadline = core->slots[n].deadline;
	*out = call;
	return PONTO_OK;
}

/* takes request */
static void dispatch(struct bus_core *core, struct client *c, bool delimiter, Ponto__Bus__V1__Call *request)
{
	uint64_t timeout = request->timeout_ms < BUS_TIMEOUT_MAX ? request->timeout_ms : BUS_TIMEOUT_MAX;
	uint64_t deadline = ponto_mono(core->setup.clock) + timeout * PONTO_MS;
	uint64_t id = request->id;
	int port = find_port(core, request->service);
	struct bus_call *call;
	const char *text = NULL;
	uint32_t n = NO_SLOT;
	int result = PONTO_OK;

	ponto_counter_add(core->calls, 1);
	if (c->open >= PONTO_BUS_OPEN_CALLS) {
		ponto_counter_add(core->busy, 1);
		result = PONTO_EBUSY;
		text = "too many open calls";
	} else if (port < 0) {
		result = PONTO_ENOENT;
		text = "no such service";
	} else {
		result = open_slot(core, c, deadline, &n);
	}
	if (result)
		goto out;
	core->slots[n].id = id;
	core->slots[n].port = (uint8_t)port;
	core->slots[n].delimiter = delimiter;
	result = make_call(core, c, n, request, &call);
	if (result)
		goto out;
	c->ports |= UINT64_C(1) << port;
	core->setup.ops->send_port(core->setup.arg, (unsigned)port, &call->item);
	return;
out:
	if (n != NO_SLOT)
		close_slot(core, n);
	send_error(core, c, delimiter, id, result, text);
	bus_call_free(core->setup.alloc, request);
}

static void fault(struct bus_core *core, struct client *c, bool delimiter, int result, const char *text)
{
	ponto_counter_add(core->faults, 1);
	if (++c->faults > BUS_FAULTS_MAX)
		return;
	if (c->faults == BUS_FAULTS_MAX)
		ponto_warning(core->setup.log, BUS_TOPIC,
			      "process %d of user %u sends malformed messages: no longer answered", (int)c->peer.pid,
			      c->peer.uid);
	send_error(core, c, delimiter, 0, result, text);
}

void bus_core_message(struct bus_core *core, struct ponto_bytes route, const struct bus_peer *peer,
		      const struct ponto_bytes *frames, size_t frame_count)
{
	struct client *c = find_client(core, route, peer->remote);
	Ponto__Bus__V1__Call *request;
	bool delimiter = frame_count > 1 && frames[0].len == 0;
	int result;

	if (route.len == 0 || route.len > BUS_ROUTE_MAX || frame_count == 0)
		return;
	if (c && !same_peer(&c->peer, peer)) { /* another connection under an old name */
		end_client(core, c);
		c = NULL;
	}
	if (!c) {
		struct client refused = {.peer = *peer, .watch = -1, .route_len = (uint8_t)route.len};

		result = new_client(core, route, peer, &c);
		if (result == PONTO_ENOENT)
			return; /* its process has ended: nobody waits */
		if (result) {
			memcpy(refused.route, route.data, route.len);
			send_error(core, &refused, delimiter, 0, result, result == PONTO_EBUSY ? "too many clients" : NULL);
			return;
		}
	}
	if (c->faults >= BUS_FAULTS_MAX) {
		ponto_counter_add(core->faults, 1);
		return;
	}
	if (frame_count > PONTO_BUS_FRAMES_MAX || (frame_count == PONTO_BUS_FRAMES_MAX && !delimiter)) {
		fault(core, c, delimiter, PONTO_EPROTO, "a message has one frame, after an empty one at most");
		return;
	}
	result = bus_call_decode(core->setup.alloc, frames[frame_count - 1], &request);
	if (result == PONTO_EPROTO)
		fault(core, c, delimiter, result, "not a call");
	else if (result)
		send_error(core, c, delimiter, 0, result, NULL);
	else
		dispatch(core, c, delimiter, request);
}

void bus_core_reply(struct bus_core *core, struct bus_call *call)
{
	uint32_t n = slot_of(core, call->token);

	if (n == NO_SLOT) {
		ponto_counter_add(core->late, 1);
	} else {
		struct slot *s = &core->slots[n];

		if (call->reply)
			send_client(core, s->client, s->delimiter, ponto_bytes(call->reply, call->reply_len));
		else
			send_error(core, s->client, s->delimiter, s->id, PONTO_ENOMEM, NULL);
		close_slot(core, n);
	}
	bus_item_free(core->setup.alloc, &call->item);
}

uint64_t bus_core_deadline(const struct bus_core *core)
{
	return core->heap_count ? core->slots[core->heap[0]].deadline : PONTO_NEVER;
}

void bus_core_expire(struct bus_core *core, uint64_t now)
{
	while (bus_core_deadline(core) <= now) {
		uint32_t n = core->heap[0];
		struct slot *s = &core->slots[n];
		char text[BUS_NAME_MAX + 48];

		ponto_counter_add(core->overdue, 1);
		snprintf(text, sizeof(text), "service %s did not answer in time", core->ports[s->port].name);
		send_error(core, s->client, s->delimiter, s->id, PONTO_ETIME, text);
		close_slot(core, n);
	}
}

size_t bus_core_clients(const struct bus_core *core)
{
	return core->client_count;
}

size_t bus_core_open(const struct bus_core *core)
{
	return core->heap_count;
}

void bus_core_destroy(struct bus_core *core)
{
	if (!core)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct client *next;

		for (struct client *c = core->buckets[i]; c; c = next) {
			next = c->next;
			if (c->watch >= 0)
				core->setup.ops->end_watch(core->setup.arg, c->watch);
			ponto_free(core->setup.alloc, c);
		}
	}
	ponto_free(core->setup.alloc, core->slots);
	ponto_free(core->setup.alloc, core->heap);
	ponto_free(core->setup.alloc, core);
}
