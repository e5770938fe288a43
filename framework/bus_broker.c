/* The broker: one thread, its sockets, and the core's decisions carried out. libzmq's descriptors are
 * edge-triggered: a socket that was used is looked at again before the thread sleeps. */
#include "framework/bus_broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

#define TURN 256 /* messages of one socket before the others have their turn */

static int receive_frame(void *socket, zmq_msg_t *msg)
{
	int got;

	do {
		got = zmq_msg_recv(msg, socket, ZMQ_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	return got;
}

static int send_frame(void *socket, const void *data, size_t len, int flags)
{
	int sent;

	do {
		sent = zmq_send(socket, data, len, flags | ZMQ_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static void use(struct ponto_bus *bus, enum bus_source source)
{
	bus->sources[source].used = true;
}

/* ---- the core's hands ------------------------------------------------------------ */

static int send_client(void *arg, bool remote, struct ponto_bytes route, bool delimiter, struct ponto_bytes envelope)
{
	struct ponto_bus *bus = arg;
	enum bus_source source = remote ? BUS_REMOTE_CALLS : BUS_CALLS;
	void *socket = bus->sources[source].socket;

	use(bus, source);
	if (send_frame(socket, route.data, route.len, ZMQ_SNDMORE) != 0)
		return errno == EAGAIN ? PONTO_EBUSY : PONTO_EUNREACH;
	if (delimiter && send_frame(socket, "", 0, ZMQ_SNDMORE) != 0)
		return PONTO_EIO;
	return send_frame(socket, envelope.data, envelope.len, 0) ? PONTO_EIO : PONTO_OK;
}

static int send_port(void *arg, unsigned port, struct bus_item *item)
{
	struct ponto_bus *bus = arg;
	void *socket = bus->sources[BUS_COMPONENTS].socket;

	use(bus, BUS_COMPONENTS);
	if (send_frame(socket, bus->routes[port], bus->route_len[port], ZMQ_SNDMORE) != 0)
		return errno == EAGAIN ? PONTO_EBUSY : PONTO_EUNREACH;
	return bus_item_send(socket, item, false);
}

/* The process may have ended and its number been given to another user's: then nobody waits for an answer. */
static bool process_belongs(int32_t pid, uint32_t uid)
{
	char name[64], line[256];
	unsigned id[4];
	bool belongs = true; /* where /proc hides it the kernel's word at connection time stands */
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/status", (int)pid);
	f = fopen(name, "re");
	if (!f)
		return true;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Uid: %u %u %u %u", &id[0], &id[1], &id[2], &id[3]) == 4) {
			belongs = id[0] == uid || id[1] == uid || id[2] == uid || id[3] == uid;
			break;
		}
	}
	fclose(f);
	return belongs;
}

static int begin_watch(void *arg, uint64_t client, const struct bus_peer *peer, int *watch)
{
	struct ponto_bus *bus = arg;
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = client};
	int fd = (int)syscall(SYS_pidfd_open, peer->pid, 0);

	if (fd < 0)
		return errno == ESRCH ? PONTO_ENOENT : PONTO_OK; /* unwatched: the connection's end still tells */
	if (!process_belongs(peer->pid, peer->uid)) {
		close(fd);
		return PONTO_ENOENT;
	}
	if (epoll_ctl(bus->processes, EPOLL_CTL_ADD, fd, &event) != 0) {
		close(fd);
		return PONTO_ENOMEM;
	}
	*watch = fd;
	return PONTO_OK;
}

static void end_watch(void *arg, int watch)
{
	(void)arg;
	close(watch); /* which takes it out of the epoll set */
}

const struct bus_core_ops bus_broker_ops = {send_client, send_port, begin_watch, end_watch};

/* ---- what arrives ------------------------------------------------------------------- */

static bool drain_monitor(struct ponto_bus *bus, enum bus_source source)
{
	void *socket = bus->sources[source].socket;
	zmq_msg_t frame;
	uint16_t event;
	uint32_t value;

	for (unsigned i = 0; i < TURN; i++) {
		zmq_msg_init(&frame);
		if (receive_frame(socket, &frame) < 0)
			return true;
		if (zmq_msg_size(&frame) == 6) {
			memcpy(&event, zmq_msg_data(&frame), 2);
			memcpy(&value, (uint8_t *)zmq_msg_data(&frame) + 2, 4);
			if (event == ZMQ_EVENT_DISCONNECTED)
				bus_core_disconnected(bus->core, source == BUS_REMOTE_MONITOR, (int)value);
		}
		while (zmq_msg_more(&frame) && receive_frame(socket, &frame) >= 0)
			;
		zmq_msg_close(&frame);
	}
	return false;
}

/* Who sent it, from the kernel by way of libzmq. False: unknown, and then not served. */
static bool peer_of(struct ponto_bus *bus, zmq_msg_t *frame, bool remote, struct bus_peer *out)
{
	const char *address;
	uint32_t gid;

	memset(out, 0, sizeof(*out));
	out->remote = remote;
	out->fd = zmq_msg_get(frame, ZMQ_SRCFD);
	if (remote) { /* CURVE has told who: an administrator */
		out->uid = bus->access.own_uid;
		out->admin = true;
		return true;
	}
	address = zmq_msg_gets(frame, "Peer-Address");
	if (!address || bus_peer_parse(address, &out->uid, &gid, &out->pid) != PONTO_OK)
		return false;
	out->admin = out->uid == 0 || out->uid == bus->access.own_uid;
	return true;
}

/* One message: the routing frame, then as many as the client sent; only the first two of those are kept. */
static bool receive_message(struct ponto_bus *bus, enum bus_source source)
{
	void *socket = bus->sources[source].socket;
	zmq_msg_t frames[PONTO_BUS_FRAMES_MAX + 1], rest;
	struct ponto_bytes views[PONTO_BUS_FRAMES_MAX];
	struct ponto_bytes route;
	struct bus_peer peer;
	size_t count = 0;
	bool more = true;

	while (more && count <= PONTO_BUS_FRAMES_MAX) {
		zmq_msg_init(&frames[count]);
		if (receive_frame(socket, &frames[count]) < 0)
			break;
		more = zmq_msg_more(&frames[count]);
		count++;
	}
	for (size_t i = 1; i < count; i++)
		views[i - 1] = ponto_bytes(zmq_msg_data(&frames[i]), zmq_msg_size(&frames[i]));
	if (count > 1) {
		size_t total = count - 1;

		route = ponto_bytes(zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0]));
		zmq_msg_init(&rest);
		for (; more && receive_frame(socket, &rest) >= 0; total++)
			more = zmq_msg_more(&rest);
		zmq_msg_close(&rest);
		if (peer_of(bus, &frames[1], source == BUS_REMOTE_CALLS, &peer)) {
			/* libzmq tells of a connection's end before it can give its descriptor to another */
			if (!bus_core_knows(bus->core, route, &peer))
				(void)drain_monitor(bus, source == BUS_CALLS ? BUS_MONITOR : BUS_REMOTE_MONITOR);
			bus_core_message(bus->core, route, &peer, views, total);
		} else {
			ponto_counter_add(bus->refused, 1);
		}
	}
	for (size_t i = 0; i < count; i++)
		zmq_msg_close(&frames[i]);
	return count > 0;
}

static bool drain_calls(struct ponto_bus *bus, enum bus_source source)
{
	for (unsigned i = 0; i < TURN; i++) {
		if (!receive_message(bus, source))
			return true;
	}
	return false;
}

/* A subscription: byte 1 and the prefix. The subscriber is told that it stands. */
static bool drain_subscriptions(struct ponto_bus *bus, enum bus_source source)
{
	static const char mark[] = "\0ready";
	void *socket = bus->sources[source].socket;
	uint8_t frame[BUS_TOPIC_MAX + 1 + sizeof(mark)];

	for (unsigned i = 0; i < TURN; i++) {
		int got;

		do {
			got = zmq_recv(socket, frame, BUS_TOPIC_MAX + 1, ZMQ_DONTWAIT);
		} while (got < 0 && errno == EINTR);
		if (got < 0)
			return true;
		if (got < 1 || got > BUS_TOPIC_MAX + 1 || frame[0] != 1)
			continue;
		memcpy(frame + got, mark, sizeof(mark) - 1);
		(void)send_frame(socket, frame + 1, (size_t)got - 1 + sizeof(mark) - 1, 0);
	}
	return false;
}

/* A full subscriber makes the strict attempt fail: counted, and then everybody else gets it. */
static void publish_on(struct ponto_bus *bus, enum bus_source source, const struct bus_item *event)
{
	void *socket = bus->sources[source].socket;
	int strict = 1, lossy = 0;

	if (!socket)
		return;
	use(bus, source);
	if (send_frame(socket, event->name, strlen(event->name), ZMQ_SNDMORE) != 0) {
		ponto_counter_add(bus->dropped, 1);
		(void)zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &lossy, sizeof(lossy));
		if (send_frame(socket, event->name, strlen(event->name), ZMQ_SNDMORE) == 0)
			(void)send_frame(socket, event->data, event->len, 0);
		(void)zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &strict, sizeof(strict));
		return;
	}
	if (send_frame(socket, event->data, event->len, 0) != 0)
		ponto_counter_add(bus->dropped, 1);
}

static void answer_item(struct ponto_bus *bus, const uint8_t *route, size_t route_len, struct bus_item *item)
{
	void *socket = bus->sources[BUS_COMPONENTS].socket;

	/* the component waits for it: this queue has no limit and the peer is there */
	if (send_frame(socket, route, route_len, ZMQ_SNDMORE) != 0 || bus_item_send(socket, item, false) != PONTO_OK)
		ponto_error(bus->setup.log, BUS_TOPIC, "a component left without a word");
}

static void attach(struct ponto_bus *bus, const uint8_t *route, size_t route_len, struct bus_item *item)
{
	item->result = bus_core_attach(bus->core, item->name, &item->port);
	if (item->result == PONTO_OK) {
		memcpy(bus->routes[item->port], route, route_len);
		bus->route_len[item->port] = (uint8_t)route_len;
	}
	answer_item(bus, route, route_len, item);
}

static bool drain_components(struct ponto_bus *bus, enum bus_source source)
{
	uint8_t route[BUS_ROUTE_MAX];
	size_t route_len;

	for (unsigned i = 0; i < TURN; i++) {
		struct bus_item *item = bus_item_receive(bus->sources[source].socket, route, &route_len);

		if (!item)
			return true;
		switch (item->kind) {
		case BUS_ITEM_ATTACH:
			attach(bus, route, route_len, item);
			break;
		case BUS_ITEM_DETACH:
			bus_core_detach(bus->core, item->port);
			answer_item(bus, route, route_len, item);
			break;
		case BUS_ITEM_CALL:
			bus_core_reply(bus->core, (struct bus_call *)item);
			break;
		case BUS_ITEM_EVENT:
			atomic_fetch_sub_explicit(&bus->events_pending, 1, memory_order_relaxed);
			publish_on(bus, BUS_EVENTS, item);
			publish_on(bus, BUS_REMOTE_EVENTS, item);
			bus_item_free(bus->setup.alloc, item);
			break;
		case BUS_ITEM_GONE:
			bus_item_free(bus->setup.alloc, item);
			break;
		}
	}
	return false;
}

static bool drain_access(struct ponto_bus *bus, enum bus_source source)
{
	for (unsigned i = 0; i < TURN; i++) {
		if (!bus_access_serve(&bus->access, bus->sources[source].socket, bus->setup.log, bus->refused))
			return true;
	}
	return false;
}

static void drain_processes(struct ponto_bus *bus)
{
	struct epoll_event events[32];
	int count = epoll_wait(bus->processes, events, PONTO_ARRAY_SIZE(events), 0);

	for (int i = 0; i < count; i++)
		bus_core_gone(bus->core, events[i].data.u64);
}

typedef bool drain_fn(struct ponto_bus *bus, enum bus_source source);

static drain_fn *const drains[BUS_SOURCE_COUNT] = {
	[BUS_COMPONENTS] = drain_components,
	[BUS_CALLS] = drain_calls,
	[BUS_MONITOR] = drain_monitor,
	[BUS_EVENTS] = drain_subscriptions,
	[BUS_ACCESS] = drain_access,
	[BUS_REMOTE_CALLS] = drain_calls,
	[BUS_REMOTE_MONITOR] = drain_monitor,
	[BUS_REMOTE_EVENTS] = drain_subscriptions,
};

/* ---- the thread ------------------------------------------------------------------------ */

static int wait_time(struct ponto_bus *bus)
{
	uint64_t deadline = bus_core_deadline(bus->core);
	uint64_t now;

	for (unsigned i = 0; i < BUS_SOURCE_COUNT; i++) {
		if (bus->sources[i].used)
			return 0;
	}
	if (deadline == PONTO_NEVER)
		return -1;
	now = ponto_mono(bus->setup.clock);
	if (deadline <= now)
		return 0;
	return deadline - now > 60 * PONTO_SECOND ? 60000 : (int)((deadline - now + PONTO_MS - 1) / PONTO_MS);
}

static void turn(struct ponto_bus *bus, const struct pollfd *fds)
{
	if (fds[BUS_SOURCE_COUNT].revents)
		drain_processes(bus);
	for (unsigned i = 0; i < BUS_SOURCE_COUNT; i++) {
		struct bus_socket *s = &bus->sources[i];

		if (!s->socket || (!s->used && !fds[i].revents))
			continue;
		s->used = false;
		if (!drains[i](bus, i))
			s->used = true;
	}
	if (bus_core_deadline(bus->core) != PONTO_NEVER)
		bus_core_expire(bus->core, ponto_mono(bus->setup.clock));
}

void *bus_broker_run(void *arg)
{
	struct ponto_bus *bus = arg;
	struct pollfd fds[BUS_SOURCE_COUNT + 2];

	(void)prctl(PR_SET_NAME, "ponto-bus");
	for (unsigned i = 0; i < BUS_SOURCE_COUNT; i++) {
		fds[i].fd = bus->sources[i].socket ? bus->sources[i].fd : -1;
		fds[i].events = POLLIN;
		fds[i].revents = 0;
		bus->sources[i].used = bus->sources[i].socket != NULL; /* what came before the thread did has had its edge */
	}
	fds[BUS_SOURCE_COUNT] = (struct pollfd){.fd = bus->processes, .events = POLLIN};
	fds[BUS_SOURCE_COUNT + 1] = (struct pollfd){.fd = bus->stop, .events = POLLIN};
	do {
		turn(bus, fds);
		ponto_counter_add(bus->turns, 1);
		if (poll(fds, PONTO_ARRAY_SIZE(fds), wait_time(bus)) < 0 && errno != EINTR)
			ponto_error(bus->setup.log, BUS_TOPIC, "poll: %s", strerror(errno));
	} while (!fds[BUS_SOURCE_COUNT + 1].revents);
	bus_core_close(bus->core);
	return NULL;
}
