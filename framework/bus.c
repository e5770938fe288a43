/* Making and ending a bus: sockets, their options, the lock, the thread. */
#include "framework/bus_broker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#define LINGER_MS 200	      /* last answers may take this long to leave */
#define HANDSHAKE_MS 5000     /* a connection that never says who it is ends */
#define HEARTBEAT_MS 10000    /* remote only: a stopped local process is alive, its pidfd tells when not */
#define SEND_QUEUE 2048	      /* messages to one client: PONTO_BUS_OPEN_CALLS answers and refusals besides */
#define EVENTS_MESSAGE_MAX 1024 /* bytes: a subscription is shorter, a CURVE handshake is not */
#define RECEIVE_QUEUE 256     /* messages of one client before its socket pushes back */

static int zmq_fault(const char *what, char reason[256])
{
	int error = errno;

	snprintf(reason, 256, "%.160s: %s", what, zmq_strerror(error));
	if (error == EACCES || error == EPERM)
		return PONTO_EACCES;
	return error == ENOMEM || error == EMFILE ? PONTO_ENOMEM : PONTO_EIO;
}

static int set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value));
}

static int open_socket(struct ponto_bus *bus, enum bus_source source, int type, char reason[256])
{
	struct bus_socket *s = &bus->sources[source];
	size_t size = sizeof(s->fd);

	s->socket = zmq_socket(bus->context, type);
	if (!s->socket || set_int(s->socket, ZMQ_LINGER, LINGER_MS) != 0 ||
	    zmq_getsockopt(s->socket, ZMQ_FD, &s->fd, &size) != 0)
		return zmq_fault("a socket of the bus", reason);
	return PONTO_OK;
}

static int curve_options(void *socket, const char *secret)
{
	return set_int(socket, ZMQ_CURVE_SERVER, 1) || zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, 41) ||
	       set_int(socket, ZMQ_IPV6, 1) || set_int(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) ||
	       set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, 3 * HEARTBEAT_MS);
}

/* What both client-facing sockets have: bounds, and ZAP, which a NULL mechanism only has with a domain. */
static int common_options(void *socket, const char *domain, int64_t max)
{
	return set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) ||
	       zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) ||
	       zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof(max));
}

static int open_calls(struct ponto_bus *bus, bool remote, const char *secret, char reason[256])
{
	enum bus_source source = remote ? BUS_REMOTE_CALLS : BUS_CALLS;
	enum bus_source watch = remote ? BUS_REMOTE_MONITOR : BUS_MONITOR;
	const char *monitor = remote ? "inproc://ponto-monitor-remote" : "inproc://ponto-monitor";
	int result = open_socket(bus, source, ZMQ_ROUTER, reason);
	void *socket = bus->sources[source].socket;

	if (result)
		return result;
	if (common_options(socket, remote ? "ponto-remote" : "ponto", PONTO_BUS_MESSAGE_MAX) ||
	    set_int(socket, ZMQ_ROUTER_MANDATORY, 1) || set_int(socket, ZMQ_SNDHWM, SEND_QUEUE) ||
	    set_int(socket, ZMQ_RCVHWM, RECEIVE_QUEUE) || (remote && curve_options(socket, secret)) ||
	    zmq_socket_monitor(socket, monitor, ZMQ_EVENT_DISCONNECTED) != 0)
		return zmq_fault("a socket for calls", reason);
	result = open_socket(bus, watch, ZMQ_PAIR, reason);
	if (result)
		return result;
	/* a lost notice would keep a dead client's record: no limit; each is one connection's end */
	if (set_int(bus->sources[watch].socket, ZMQ_RCVHWM, 0) || zmq_connect(bus->sources[watch].socket, monitor))
		return zmq_fault(monitor, reason);
	return PONTO_OK;
}

static int open_events(struct ponto_bus *bus, bool remote, const char *secret, char reason[256])
{
	enum bus_source source = remote ? BUS_REMOTE_EVENTS : BUS_EVENTS;
	int result = open_socket(bus, source, ZMQ_XPUB, reason);
	void *socket = bus->sources[source].socket;

	if (result)
		return result;
	if (common_options(socket, remote ? "ponto-remote" : "ponto", EVENTS_MESSAGE_MAX) ||
	    set_int(socket, ZMQ_SNDHWM, BUS_EVENTS_HWM) || set_int(socket, ZMQ_XPUB_VERBOSE, 1) ||
	    set_int(socket, ZMQ_XPUB_NODROP, 1) || (remote && curve_options(socket, secret)))
		return zmq_fault("a socket for events", reason);
	return PONTO_OK;
}

static int bind_pair(struct ponto_bus *bus, const char *endpoint, bool remote, char reason[256])
{
	char events[BUS_EVENTS_SIZE];

	if (bus_endpoint_events(endpoint, events) != PONTO_OK) {
		snprintf(reason, 256, "%.160s: a port from 1 to 65534 is needed", endpoint);
		return PONTO_EINVAL;
	}
	if (zmq_bind(bus->sources[remote ? BUS_REMOTE_CALLS : BUS_CALLS].socket, endpoint) != 0)
		return zmq_fault(endpoint, reason);
	if (zmq_bind(bus->sources[remote ? BUS_REMOTE_EVENTS : BUS_EVENTS].socket, events) != 0)
		return zmq_fault(events, reason);
	return PONTO_OK;
}

/* Inside: who may connect, and the components. Before anything outside can ask. */
static int open_inside(struct ponto_bus *bus, char reason[256])
{
	int result = open_socket(bus, BUS_ACCESS, ZMQ_REP, reason);

	if (result)
		return result;
	if (zmq_bind(bus->sources[BUS_ACCESS].socket, "inproc://zeromq.zap.01") != 0)
		return zmq_fault("ZAP", reason);
	bus->hand = zmq_socket(bus->context, ZMQ_ROUTER);
	if (!bus->hand || set_int(bus->hand, ZMQ_ROUTER_MANDATORY, 1) || set_int(bus->hand, ZMQ_SNDHWM, 0) ||
	    zmq_bind(bus->hand, BUS_COMPONENTS) != 0)
		return zmq_fault(BUS_COMPONENTS, reason);
	return PONTO_OK;
}

static int open_local(struct ponto_bus *bus, char reason[256])
{
	const char *path = bus_endpoint_path(bus->endpoint);
	int result = bus_path_claim(path, &bus->access, reason, &bus->lock);

	if (result == PONTO_OK)
		result = open_calls(bus, false, NULL, reason);
	if (result == PONTO_OK)
		result = open_events(bus, false, NULL, reason);
	if (result == PONTO_OK)
		result = bind_pair(bus, bus->endpoint, false, reason);
	return result ? result : bus_path_open(path, &bus->access, reason);
}

static int open_remote(struct ponto_bus *bus, char reason[256])
{
	const struct ponto_bus_setup *setup = &bus->setup;
	char secret[41], public_key[41], endpoint[PONTO_ENDPOINT_SIZE];
	int result;

	if (!setup->remote || !setup->remote[0])
		return PONTO_OK;
	if (!setup->curve_key_file || !setup->curve_key_file[0] || !setup->curve_clients || !setup->curve_clients[0]) {
		snprintf(reason, 256, "a remote endpoint needs a key file and a file of permitted clients");
		return PONTO_EINVAL;
	}
	result = ponto_bus_endpoint(setup->remote, reason, endpoint);
	if (result == PONTO_OK && bus_endpoint_path(endpoint)) {
		snprintf(reason, 256, "%.160s: a remote endpoint is tcp://address:port", setup->remote);
		result = PONTO_EINVAL;
	}
	if (result == PONTO_OK)
		result = bus_curve_secret(setup->curve_key_file, true, reason, secret, public_key);
	if (result)
		return result;
	result = bus_curve_clients(setup->curve_clients, &bus->access, reason);
	if (result == PONTO_OK)
		result = open_calls(bus, true, secret, reason);
	if (result == PONTO_OK)
		result = open_events(bus, true, secret, reason);
	if (result == PONTO_OK)
		result = bind_pair(bus, endpoint, true, reason);
	ponto_wipe(secret, sizeof(secret));
	if (result == PONTO_OK)
		ponto_info(setup->log, BUS_TOPIC, "remote administration at %s, public key %s", endpoint, public_key);
	return result;
}

/* Signals belong to the program's main thread. */
static int start_thread(struct ponto_bus *bus, char reason[256])
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&bus->thread, NULL, bus_broker_run, bus);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		snprintf(reason, 256, "cannot start the bus's thread: %s", strerror(error));
		return PONTO_ENOMEM;
	}
	return PONTO_OK;
}

static int prepare(struct ponto_bus *bus, char reason[256])
{
	const struct ponto_bus_setup *setup = &bus->setup;
	struct bus_core_setup core = {&bus_broker_ops, bus, setup->alloc, setup->clock, setup->log, setup->metrics};
	int result = ponto_bus_endpoint(setup->endpoint, reason, bus->endpoint);

	if (result)
		return result;
	if (!bus_endpoint_path(bus->endpoint)) {
		snprintf(reason, 256, "%.160s: clients of this machine use ipc; tcp is for remote", setup->endpoint);
		return PONTO_EINVAL;
	}
	bus->access.own_uid = geteuid();
	if (setup->group && setup->group[0]) {
		result = bus_access_group(&bus->access, setup->group);
		if (result) {
			snprintf(reason, 256, "group %.64s: %s", setup->group, ponto_strerror(result));
			return result;
		}
	}
	if (setup->metrics) {
		bus->dropped = ponto_counter(setup->metrics, "bus_events_dropped_total", "",
					     "events that not every subscriber got");
		bus->turns = ponto_counter(setup->metrics, "bus_wakeups_total", "", "rounds of the broker's thread");
		bus->refused = ponto_counter(setup->metrics, "bus_refused_total", "", "connections refused");
	}
	bus->processes = epoll_create1(EPOLL_CLOEXEC);
	bus->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bus->context = zmq_ctx_new();
	if (bus->processes < 0 || bus->wake < 0 || !bus->context) {
		snprintf(reason, 256, "the bus: %s", strerror(errno));
		return PONTO_ENOMEM;
	}
	(void)zmq_ctx_set(bus->context, ZMQ_MAX_SOCKETS, 1023);
	return bus_core_create(&core, &bus->core);
}

static void bus_free(struct ponto_bus *bus)
{
	if (bus->sources[BUS_CALLS].socket)
		(void)zmq_socket_monitor(bus->sources[BUS_CALLS].socket, NULL, 0);
	if (bus->sources[BUS_REMOTE_CALLS].socket)
		(void)zmq_socket_monitor(bus->sources[BUS_REMOTE_CALLS].socket, NULL, 0);
	bus_core_destroy(bus->core);
	for (unsigned i = 0; i < BUS_SOURCE_COUNT; i++) {
		if (bus->sources[i].socket)
			(void)zmq_close(bus->sources[i].socket);
	}
	if (bus->hand)
		(void)zmq_close(bus->hand);
	while (bus->context && zmq_ctx_term(bus->context) != 0 && errno == EINTR)
		;
	if (bus->processes >= 0)
		close(bus->processes);
	if (bus->wake >= 0)
		close(bus->wake);
	if (bus->lock >= 0) {
		bus_path_remove(bus_endpoint_path(bus->endpoint));
		close(bus->lock);
	}
	(void)pthread_mutex_destroy(&bus->handing);
	(void)pthread_mutex_destroy(&bus->monitor);
	ponto_free(bus->setup.alloc, bus);
}

int ponto_bus_create(const struct ponto_bus_setup *setup, char reason[256], struct ponto_bus **out)
{
	struct ponto_bus *bus = ponto_new(setup->alloc, 1, sizeof(*bus));
	int result;

	reason[0] = '\0';
	if (!bus) {
		snprintf(reason, 256, "the bus: %s", ponto_strerror(PONTO_ENOMEM));
		return PONTO_ENOMEM;
	}
	bus->setup = *setup;
	bus->processes = bus->lock = bus->wake = -1;
	bus->outbox_end = &bus->outbox;
	(void)pthread_mutex_init(&bus->monitor, NULL);
	(void)pthread_mutex_init(&bus->handing, NULL);
	result = prepare(bus, reason);
	if (result == PONTO_OK)
		result = open_inside(bus, reason);
	if (result == PONTO_OK)
		result = open_local(bus, reason);
	if (result == PONTO_OK)
		result = open_remote(bus, reason);
	if (result == PONTO_OK)
		result = start_thread(bus, reason);
	if (result) {
		if (!reason[0])
			snprintf(reason, 256, "the bus: %s", ponto_strerror(result));
		bus_free(bus);
		return result;
	}
	bus->setup.endpoint = bus->endpoint;
	bus->setup.group = bus->setup.remote = bus->setup.curve_key_file = bus->setup.curve_clients = NULL;
	*out = bus;
	return PONTO_OK;
}

void ponto_bus_destroy(struct ponto_bus *bus)
{
	if (!bus)
		return;
	pthread_mutex_lock(&bus->monitor);
	bus->ending = true;
	pthread_mutex_unlock(&bus->monitor);
	bus_broker_wake(bus);
	(void)pthread_join(bus->thread, NULL);
	bus_free(bus);
}

const char *ponto_bus_bound(const struct ponto_bus *bus)
{
	return bus->endpoint;
}
