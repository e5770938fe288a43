/* The broker: one thread, its sockets, and the core's decisions carried out; and what components' threads do with
 * them. libzmq's descriptors are edge-triggered: a socket that was used is looked at again before the broker's thread
 * sleeps. */
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

#define TURN 64 /* messages of one socket before the others, and the components, have their turn */

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

static void send_port(void *arg, unsigned port, struct bus_item *item)
{
	struct ponto_bus *bus = arg;

	strcpy(item->route, bus->routes[port]);
	item->next = NULL;
	*bus->outbox_end = item;
	bus->outbox_end = &item->next;
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
		s->used = !drains[i](bus, i); /* what it sent meanwhile came before its last look */
	}
	if (bus_core_deadline(bus->core) != PONTO_NEVER)
		bus_core_expire(bus->core, ponto_mono(bus->setup.clock));
	ponto_counter_add(bus->turns, 1);
}

/* Leaves the monitor and hands over what the turn has made. handing is taken before monitor is left: whoever detaches
 * waits for it, and has all its items then. */
static void hand_over(struct ponto_bus *bus)
{
	struct bus_item *item = bus->outbox, *next;

	if (!item) {
		pthread_mutex_unlock(&bus->monitor);
		return;
	}
	bus->outbox = NULL;
	bus->outbox_end = &bus->outbox;
	pthread_mutex_lock(&bus->handing);
	pthread_mutex_unlock(&bus->monitor);
	for (; item; item = next) {
		next = item->next;
		if (bus_item_send(bus->hand, item) != PONTO_OK) {
			ponto_error(bus->setup.log, BUS_TOPIC, "a component left without a word");
			bus_item_free(bus->setup.alloc, item);
		}
	}
	pthread_mutex_unlock(&bus->handing);
}

void *bus_broker_run(void *arg)
{
	struct ponto_bus *bus = arg;
	struct pollfd fds[BUS_SOURCE_COUNT + 2];
	uint64_t wakes;

	(void)prctl(PR_SET_NAME, "ponto-bus");
	pthread_mutex_lock(&bus->monitor); /* the first component may be at work already */
	for (unsigned i = 0; i < BUS_SOURCE_COUNT; i++) {
		fds[i].fd = bus->sources[i].socket ? bus->sources[i].fd : -1;
		fds[i].events = POLLIN;
		fds[i].revents = 0;
		bus->sources[i].used = bus->sources[i].socket != NULL; /* what came before the thread did has had its edge */
	}
	fds[BUS_SOURCE_COUNT] = (struct pollfd){.fd = bus->processes, .events = POLLIN};
	fds[BUS_SOURCE_COUNT + 1] = (struct pollfd){.fd = bus->wake, .events = POLLIN};
	while (!bus->ending) {
		int wait;

		turn(bus, fds);
		wait = wait_time(bus);
		hand_over(bus);
		if (poll(fds, PONTO_ARRAY_SIZE(fds), wait) < 0 && errno != EINTR)
			ponto_error(bus->setup.log, BUS_TOPIC, "poll: %s", strerror(errno));
		pthread_mutex_lock(&bus->monitor);
		if (fds[BUS_SOURCE_COUNT + 1].revents)
			(void)!read(bus->wake, &wakes, sizeof(wakes));
	}
	bus_core_close(bus->core);
	pthread_mutex_unlock(&bus->monitor);
	return NULL;
}

void bus_broker_wake(struct ponto_bus *bus)
{
	uint64_t one = 1;

	while (write(bus->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* ---- the components' threads ----------------------------------------------------------- */

static bool readable(void *socket)
{
	uint32_t events = 0;
	size_t size = sizeof(events);
	int result;

	do {
		result = zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
	} while (result != 0 && errno == EINTR);
	return events & ZMQ_POLLIN;
}

/* What arrived at a socket while this thread used it is the broker's, which may sleep and miss it. */
static void leave(struct ponto_bus *bus)
{
	bool missed = false;

	for (unsigned i = 0; i < BUS_SOURCE_COUNT; i++) {
		struct bus_socket *s = &bus->sources[i];

		s->used = s->used && readable(s->socket);
		missed |= s->used;
	}
	pthread_mutex_unlock(&bus->monitor);
	if (missed)
		bus_broker_wake(bus);
}

/* Connects a component's socket, and waits for its word: before that the ROUTER need not know it yet. */
static int introduce(void *hand, void *socket, const char *route)
{
	char word[BUS_COMPONENT_SIZE];
	int more = 1, got;
	size_t size = sizeof(more);

	if (zmq_setsockopt(socket, ZMQ_ROUTING_ID, route, strlen(route)) != 0 ||
	    zmq_connect(socket, BUS_COMPONENTS) != 0 || send_frame(socket, "", 0, 0) != 0)
		return PONTO_EIO;
	while (more) {
		do {
			got = zmq_recv(hand, word, sizeof(word), 0);
		} while (got < 0 && errno == EINTR);
		if (got < 0 || zmq_getsockopt(hand, ZMQ_RCVMORE, &more, &size) != 0)
			return PONTO_EIO;
	}
	return PONTO_OK;
}

int bus_broker_attach(struct ponto_bus *bus, void *socket, const char *name, unsigned *port)
{
	char route[BUS_COMPONENT_SIZE];
	int result;

	pthread_mutex_lock(&bus->handing);
	snprintf(route, sizeof(route), "%u", (unsigned)++bus->components);
	result = introduce(bus->hand, socket, route);
	pthread_mutex_unlock(&bus->handing);
	if (result)
		return result;
	pthread_mutex_lock(&bus->monitor);
	result = bus_core_attach(bus->core, name, port);
	if (result == PONTO_OK)
		strcpy(bus->routes[*port], route);
	pthread_mutex_unlock(&bus->monitor);
	return result;
}

void bus_broker_detach(struct ponto_bus *bus, unsigned port)
{
	pthread_mutex_lock(&bus->monitor);
	bus_core_detach(bus->core, port);
	leave(bus);
	pthread_mutex_lock(&bus->handing);
	pthread_mutex_unlock(&bus->handing);
}

void bus_broker_reply(struct ponto_bus *bus, struct bus_call *call)
{
	pthread_mutex_lock(&bus->monitor);
	bus_core_reply(bus->core, call);
	leave(bus);
}

/* A full subscriber makes the strict attempt fail: counted, and then everybody else gets it. */
static void publish_on(struct ponto_bus *bus, enum bus_source source, const char *topic, struct ponto_bytes envelope)
{
	void *socket = bus->sources[source].socket;
	int strict = 1, lossy = 0;

	if (!socket)
		return;
	use(bus, source);
	if (send_frame(socket, topic, strlen(topic), ZMQ_SNDMORE) != 0) {
		ponto_counter_add(bus->dropped, 1);
		(void)zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &lossy, sizeof(lossy));
		if (send_frame(socket, topic, strlen(topic), ZMQ_SNDMORE) == 0)
			(void)send_frame(socket, envelope.data, envelope.len, 0);
		(void)zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &strict, sizeof(strict));
		return;
	}
	if (send_frame(socket, envelope.data, envelope.len, 0) != 0)
		ponto_counter_add(bus->dropped, 1);
}

void bus_broker_publish(struct ponto_bus *bus, const char *topic, struct ponto_bytes envelope)
{
	pthread_mutex_lock(&bus->monitor);
	publish_on(bus, BUS_EVENTS, topic, envelope);
	publish_on(bus, BUS_REMOTE_EVENTS, topic, envelope);
	leave(bus);
}
