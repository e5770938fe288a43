/* A program's side of the bus. Never waits for a daemon that is not there: a monitor tells how connecting goes,
 * and after a failure the sockets are made anew, so nothing old is sent to a new daemon. */
#include "framework/bus_private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define CONNECT_MS 900	/* "within a second" */
#define GRACE_MS 250	/* the daemon's own word that time is up travels, too */
#define SLICE_MS 50	/* how long a call waits before it looks whether the daemon is still there */
#define RECONNECT_MS 50 /* events only */
#define RECONNECT_MAX_MS 2000
/* Calls: not behind our back, but the last answer of a daemon stays readable, which ZMQ_IMMEDIATE and an interval of -1
 * would throw away. */
#define RECONNECT_NEVER_MS 86400000

struct channel {
	void *socket;
	void *monitor;
	bool connected;
	int fd;		   /* of the last connection, libzmq's own; open at least until the monitor tells its end */
	uint64_t sessions; /* connections so far, of all sockets of this channel */
};

struct ponto_client {
	const struct ponto_alloc *alloc;
	char endpoint[PONTO_ENDPOINT_SIZE];
	char events_endpoint[BUS_EVENTS_SIZE];
	bool remote;
	char server_key[41], public_key[41], secret_key[41];
	void *context;
	struct channel calls, events;
	bool tell_reconnect;
	uint64_t called; /* the session of the last call */
	uint64_t told;	 /* sessions of events that the caller knows of */
	int cancel;
	uint64_t next_id;
	unsigned waiting; /* calls sent by ponto_client_send that have no answer */
	bool same;	  /* a connection that has ended is not made anew behind the caller's back */
	unsigned monitors; /* each has its own name */
};

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static long left_ms(uint64_t deadline)
{
	uint64_t now = now_ms();

	return now < deadline ? (long)(deadline - now) : 0;
}

int ponto_client_create(const struct ponto_client_setup *setup, struct ponto_client **out)
{
	struct ponto_client *client = ponto_new(setup->alloc, 1, sizeof(*client));
	int result = PONTO_OK;
	char reason[256];

	if (!client)
		return PONTO_ENOMEM;
	client->alloc = setup->alloc;
	client->tell_reconnect = setup->tell_reconnect;
	client->cancel = -1;
	if (setup->endpoint)
		result = ponto_bus_endpoint(setup->endpoint, NULL, client->endpoint);
	else
		(void)ponto_bus_default_endpoint(client->endpoint);
	if (result == PONTO_OK)
		result = bus_endpoint_events(client->endpoint, client->events_endpoint);
	if (result)
		goto fail;
	client->remote = !bus_endpoint_path(client->endpoint);
	if (client->remote) {
		result = PONTO_EINVAL;
		if (!setup->curve_server_key || strlen(setup->curve_server_key) != 40 || !setup->curve_secret_file)
			goto fail;
		strcpy(client->server_key, setup->curve_server_key);
		result = bus_curve_secret(setup->curve_secret_file, false, reason, client->secret_key,
					  client->public_key);
		if (result)
			goto fail;
	}
	client->context = zmq_ctx_new();
	if (!client->context) {
		result = PONTO_ENOMEM;
		goto fail;
	}
	*out = client;
	return PONTO_OK;
fail:
	ponto_client_destroy(client);
	return result;
}

static void close_channel(struct channel *channel)
{
	if (channel->monitor) {
		(void)zmq_socket_monitor(channel->socket, NULL, 0);
		(void)zmq_close(channel->monitor);
	}
	if (channel->socket)
		(void)zmq_close(channel->socket);
	*channel = (struct channel){.sessions = channel->sessions};
}

void ponto_client_destroy(struct ponto_client *client)
{
	if (!client)
		return;
	close_channel(&client->calls);
	close_channel(&client->events);
	while (client->context && zmq_ctx_term(client->context) != 0 && errno == EINTR)
		;
	ponto_wipe(client->secret_key, sizeof(client->secret_key));
	ponto_free(client->alloc, client);
}

void ponto_reply_clear(struct ponto_client *client, struct ponto_reply *reply)
{
	ponto_free(client->alloc, reply->payload);
	memset(reply, 0, sizeof(*reply));
}

void ponto_event_clear(struct ponto_client *client, struct ponto_event *event)
{
	ponto_free(client->alloc, event->payload);
	memset(event, 0, sizeof(*event));
}

/* ---- connecting ------------------------------------------------------------------ */

/* The kernel's plain answer, which libzmq would retry behind our back. */
static int probe(const char *endpoint)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = bus_endpoint_path(endpoint);
	int fd, error = 0;

	if (!path)
		return PONTO_OK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return PONTO_ENOMEM;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 && errno != EAGAIN)
		error = errno;
	close(fd);
	if (error == EACCES || error == EPERM)
		return PONTO_EACCES;
	return error ? PONTO_EUNREACH : PONTO_OK;
}

static int set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value));
}

static int open_channel(struct ponto_client *client, struct channel *channel, int type, const char *endpoint)
{
	char monitor[48];
	int64_t max = PONTO_BUS_MESSAGE_MAX;

	snprintf(monitor, sizeof(monitor), "inproc://ponto-client-%u", client->monitors++);
	channel->socket = zmq_socket(client->context, type);
	channel->monitor = zmq_socket(client->context, ZMQ_PAIR);
	if (!channel->socket || !channel->monitor)
		return PONTO_ENOMEM;
	if (set_int(channel->socket, ZMQ_LINGER, 0) || set_int(channel->monitor, ZMQ_LINGER, 0) ||
	    set_int(channel->monitor, ZMQ_RCVHWM, 0) || set_int(channel->socket, ZMQ_RCVTIMEO, SLICE_MS) ||
	    set_int(channel->socket, ZMQ_RECONNECT_IVL, type == ZMQ_SUB ? RECONNECT_MS : RECONNECT_NEVER_MS) ||
	    set_int(channel->socket, ZMQ_RECONNECT_IVL_MAX, type == ZMQ_SUB ? RECONNECT_MAX_MS : 0) ||
	    zmq_setsockopt(channel->socket, ZMQ_MAXMSGSIZE, &max, sizeof(max)))
		return PONTO_EINTERNAL;
	if (client->remote && (zmq_setsockopt(channel->socket, ZMQ_CURVE_SERVERKEY, client->server_key, 41) ||
			       zmq_setsockopt(channel->socket, ZMQ_CURVE_PUBLICKEY, client->public_key, 41) ||
			       zmq_setsockopt(channel->socket, ZMQ_CURVE_SECRETKEY, client->secret_key, 41) ||
			       set_int(channel->socket, ZMQ_IPV6, 1)))
		return PONTO_EINVAL;
	if (zmq_socket_monitor(channel->socket, monitor, ZMQ_EVENT_ALL) || zmq_connect(channel->monitor, monitor))
		return PONTO_ENOMEM;
	return zmq_connect(channel->socket, endpoint) ? PONTO_EINVAL : PONTO_OK;
}

/* The next notice of a monitor; 0 when there is none. */
static unsigned next_notice(struct channel *channel, int *error)
{
	uint8_t frame[6], rest[256];
	uint16_t event;
	uint32_t value;
	int got;

	do {
		got = zmq_recv(channel->monitor, frame, sizeof(frame), ZMQ_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return 0;
	(void)zmq_recv(channel->monitor, rest, sizeof(rest), 0);
	memcpy(&event, frame, 2);
	memcpy(&value, frame + 2, 4);
	*error = (int)value;
	if (event == ZMQ_EVENT_CONNECTED)
		channel->fd = (int)value;
	if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
		channel->connected = true;
		channel->sessions++;
	} else if (event == ZMQ_EVENT_DISCONNECTED) {
		channel->connected = false;
	}
	return event;
}

static bool cancelled(const struct ponto_client *client)
{
	struct pollfd item = {.fd = client->cancel, .events = POLLIN};

	return client->cancel >= 0 && poll(&item, 1, 0) > 0;
}

/* Until one of two sockets, of which the second may be NULL, has something, or the client is cancelled. */
static void wait_for(const struct ponto_client *client, void *first, void *second, uint64_t deadline)
{
	zmq_pollitem_t items[3];
	int count = 0;

	items[count++] = (zmq_pollitem_t){.socket = first, .events = ZMQ_POLLIN};
	if (second)
		items[count++] = (zmq_pollitem_t){.socket = second, .events = ZMQ_POLLIN};
	if (client->cancel >= 0)
		items[count++] = (zmq_pollitem_t){.fd = client->cancel, .events = ZMQ_POLLIN};
	(void)zmq_poll(items, count, left_ms(deadline));
}

/* Waits until the daemon has accepted this connection. */
static int wait_connected(const struct ponto_client *client, struct channel *channel, uint64_t deadline)
{
	while (!channel->connected) {
		int error = 0;
		unsigned event = next_notice(channel, &error);

		if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH || event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
			return PONTO_EACCES;
		if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL || event == ZMQ_EVENT_CONNECT_RETRIED)
			return PONTO_EUNREACH;
		if (event)
			continue;
		if (cancelled(client))
			return PONTO_ECLOSED;
		if (left_ms(deadline) == 0)
			return PONTO_EUNREACH;
		wait_for(client, channel->monitor, NULL, deadline);
	}
	return PONTO_OK;
}

static int establish(struct ponto_client *client, struct channel *channel, int type, const char *endpoint)
{
	uint64_t deadline = now_ms() + CONNECT_MS;
	int result = probe(endpoint);

	if (result)
		return result;
	result = open_channel(client, channel, type, endpoint);
	if (result == PONTO_OK)
		result = wait_connected(client, channel, deadline);
	if (result)
		close_channel(channel);
	return result;
}

/* ---- calls ------------------------------------------------------------------------ */

/* The kernel knows that a daemon has gone before libzmq's thread does. What is asked is this connection, and not
 * another that got its number, if no notice of its end has come afterwards. */
static bool stands(struct channel *channel)
{
	struct pollfd item = {.fd = channel->fd, .events = POLLRDHUP};
	bool gone = poll(&item, 1, 0) > 0;
	int error;

	while (next_notice(channel, &error))
		;
	return channel->connected && !gone;
}

static int ready_for_call(struct ponto_client *client)
{
	struct channel *calls = &client->calls;

	if (calls->socket) {
		if (stands(calls))
			return PONTO_OK;
		close_channel(calls);
		if (client->same)
			return PONTO_EUNREACH;
	}
	return establish(client, calls, ZMQ_DEALER, client->endpoint);
}

static int send_call(struct ponto_client *client, const char *service, const char *method, struct ponto_bytes payload,
		     unsigned timeout_ms)
{
	Ponto__Bus__V1__Call call = PONTO__BUS__V1__CALL__INIT;
	uint8_t small[1024];
	uint8_t *data = small;
	size_t size;
	int result;

	if (!bus_name_valid(service) || !bus_name_valid(method))
		return PONTO_EINVAL;
	call.id = ++client->next_id;
	call.service = (char *)(uintptr_t)service;
	call.method = (char *)(uintptr_t)method;
	call.has_payload = true;
	call.payload.data = (uint8_t *)(uintptr_t)payload.data;
	call.payload.len = payload.len;
	call.has_timeout_ms = true;
	call.timeout_ms = timeout_ms;
	if (payload.len > PONTO_BUS_MESSAGE_MAX || ponto__bus__v1__call__get_packed_size(&call) > PONTO_BUS_MESSAGE_MAX)
		return PONTO_ELIMIT;
	result = ready_for_call(client);
	if (result)
		return result;
	size = ponto__bus__v1__call__get_packed_size(&call);
	if (size > sizeof(small)) {
		data = ponto_new(client->alloc, size, 1);
		if (!data)
			return PONTO_ENOMEM;
	}
	(void)ponto__bus__v1__call__pack(&call, data);
	client->called = client->calls.sessions;
	result = zmq_send(client->calls.socket, data, size, ZMQ_DONTWAIT) < 0 ? PONTO_EUNREACH : PONTO_OK;
	if (result)
		close_channel(&client->calls);
	if (data != small)
		ponto_free(client->alloc, data);
	return result;
}

/* One message, for which it waits at most SLICE_MS. PONTO_EBUSY: no answer to this call; PONTO_ETIME: none came. */
static int take_reply(struct ponto_client *client, int flags, struct ponto_reply *out)
{
	int result = PONTO_ETIME;
	zmq_msg_t msg;

	zmq_msg_init(&msg);
	if (zmq_msg_recv(&msg, client->calls.socket, flags) >= 0)
		result = bus_reply_decode(client->alloc, client->next_id,
					  ponto_bytes(zmq_msg_data(&msg), zmq_msg_size(&msg)), out);
	zmq_msg_close(&msg);
	return result;
}

/* The connection has ended: the answer may have come just before. */
static int take_last_reply(struct ponto_client *client, uint64_t deadline, struct ponto_reply *out)
{
	int result;

	do {
		result = take_reply(client, ZMQ_DONTWAIT, out);
	} while (result == PONTO_EBUSY && left_ms(deadline) > 0);
	close_channel(&client->calls);
	return result == PONTO_EBUSY || result == PONTO_ETIME ? PONTO_EUNREACH : result;
}

/* Waiting on the one socket is what makes a call quick; the monitor is asked between slices. A daemon that says much,
 * but not the answer, does not make the call longer. */
int ponto_client_call(struct ponto_client *client, const char *service, const char *method, struct ponto_bytes payload,
		      unsigned timeout_ms, struct ponto_reply *reply)
{
	uint64_t deadline;
	int result = send_call(client, service, method, payload, timeout_ms);
	bool lost = false;
	unsigned event;
	int error;

	if (result)
		return result;
	deadline = now_ms() + timeout_ms + GRACE_MS;
	for (;;) {
		result = take_reply(client, 0, reply);
		if (result != PONTO_EBUSY && result != PONTO_ETIME)
			return result;
		while ((event = next_notice(&client->calls, &error)))
			lost |= event == ZMQ_EVENT_DISCONNECTED; /* even if another daemon is there by now */
		if (lost)
			return take_last_reply(client, deadline, reply);
		if (cancelled(client)) {
			close_channel(&client->calls);
			return PONTO_ECLOSED;
		}
		if (left_ms(deadline) == 0)
			return PONTO_ETIME;
	}
}

/* ---- several calls at once -------------------------------------------------------- */

/* What was sent before over a connection that has ended is not answered. */
static int give_up(struct ponto_client *client, int result)
{
	client->waiting = 0;
	close_channel(&client->calls);
	return result;
}

int ponto_client_send(struct ponto_client *client, const char *service, const char *method, struct ponto_bytes payload,
		      unsigned timeout_ms, uint64_t *id)
{
	int cancel = client->cancel, result;

	client->cancel = -1; /* it wakes who receives, and nobody else */
	client->same = client->calls.socket != NULL;
	result = send_call(client, service, method, payload, timeout_ms);
	client->same = false;
	client->cancel = cancel;
	if (result == PONTO_OK) {
		client->waiting++;
		*id = client->next_id;
	} else if (!client->calls.socket) {
		client->waiting = 0;
	}
	return result;
}

/* One message, without waiting. PONTO_ETIME: none is there. */
static int take_any(struct ponto_client *client, uint64_t *id, struct ponto_reply *out)
{
	int result = PONTO_ETIME;
	zmq_msg_t msg;

	zmq_msg_init(&msg);
	if (zmq_msg_recv(&msg, client->calls.socket, ZMQ_DONTWAIT) >= 0)
		result = bus_reply_decode_any(client->alloc, ponto_bytes(zmq_msg_data(&msg), zmq_msg_size(&msg)), id,
					      out);
	zmq_msg_close(&msg);
	return result;
}

/* Answers that came before the end are taken first. */
static int receive_now(struct ponto_client *client, uint64_t *id, struct ponto_reply *reply)
{
	int result, error;

	while (next_notice(&client->calls, &error))
		;
	result = take_any(client, id, reply);
	if (result == PONTO_OK)
		client->waiting -= client->waiting > 0;
	else if (result != PONTO_ETIME)
		return give_up(client, result);
	else if (!client->calls.connected)
		return give_up(client, PONTO_EUNREACH);
	return result;
}

int ponto_client_receive(struct ponto_client *client, unsigned timeout_ms, uint64_t *id, struct ponto_reply *reply)
{
	uint64_t deadline = now_ms() + timeout_ms;

	for (;;) {
		int result = client->calls.socket ? receive_now(client, id, reply) : PONTO_ETIME;

		if (result != PONTO_ETIME)
			return result;
		if (cancelled(client))
			return PONTO_ECLOSED;
		if (left_ms(deadline) == 0)
			return PONTO_ETIME;
		if (client->calls.socket) {
			wait_for(client, client->calls.socket, client->calls.monitor, deadline);
		} else {
			struct pollfd item = {.fd = client->cancel, .events = POLLIN};

			(void)poll(&item, 1, (int)left_ms(deadline));
		}
	}
}

void ponto_client_set_cancel(struct ponto_client *client, int fd)
{
	client->cancel = fd;
}

void ponto_client_sessions(struct ponto_client *client, uint64_t *called, uint64_t *now)
{
	*called = client->called;
	*now = client->calls.socket && stands(&client->calls) ? client->calls.sessions : 0;
}

/* ---- events ------------------------------------------------------------------------- */

/* One message: two frames are an event, one is the daemon's word that a subscription stands. */
static int take_event(struct ponto_client *client, const char *prefix, struct ponto_event *out, bool *stands)
{
	static const char mark[] = "\0ready";
	int result = PONTO_EBUSY;
	zmq_msg_t msg;

	zmq_msg_init(&msg);
	if (zmq_msg_recv(&msg, client->events.socket, ZMQ_DONTWAIT) < 0)
		goto out;
	result = PONTO_EPROTO;
	if (!zmq_msg_more(&msg)) {
		size_t len = prefix ? strlen(prefix) : 0;

		if (prefix && zmq_msg_size(&msg) == len + sizeof(mark) - 1 &&
		    memcmp(zmq_msg_data(&msg), prefix, len) == 0 &&
		    memcmp((char *)zmq_msg_data(&msg) + len, mark, sizeof(mark) - 1) == 0)
			*stands = true;
		goto out;
	}
	if (zmq_msg_recv(&msg, client->events.socket, ZMQ_DONTWAIT) < 0)
		goto out;
	while (zmq_msg_more(&msg)) { /* no event of ours: read to its end */
		if (zmq_msg_recv(&msg, client->events.socket, ZMQ_DONTWAIT) < 0)
			goto out;
	}
	if (out)
		result = bus_event_decode(client->alloc, ponto_bytes(zmq_msg_data(&msg), zmq_msg_size(&msg)), out);
out:
	zmq_msg_close(&msg);
	return result;
}

int ponto_client_subscribe(struct ponto_client *client, const char *prefix)
{
	uint64_t deadline = now_ms() + CONNECT_MS;
	bool stands = false;
	int result;

	if (strlen(prefix) > BUS_TOPIC_MAX)
		return PONTO_EINVAL;
	if (cancelled(client))
		return PONTO_ECLOSED;
	if (!client->events.socket) {
		result = establish(client, &client->events, ZMQ_SUB, client->events_endpoint);
		if (result)
			return result;
	}
	if (zmq_setsockopt(client->events.socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix)) != 0)
		return PONTO_ENOMEM;
	while (!stands) {
		bool idle = take_event(client, prefix, NULL, &stands) == PONTO_EBUSY;

		if (stands)
			break;
		if (cancelled(client))
			return PONTO_ECLOSED;
		if (left_ms(deadline) == 0)
			return PONTO_EUNREACH;
		if (idle)
			wait_for(client, client->events.socket, NULL, deadline);
	}
	client->told = client->events.sessions;
	return PONTO_OK;
}

int ponto_client_next_event(struct ponto_client *client, unsigned timeout_ms, struct ponto_event *out)
{
	uint64_t deadline = now_ms() + timeout_ms;
	bool stands;
	int result, error;

	if (!client->events.socket)
		return PONTO_EINVAL;
	for (;;) {
		result = take_event(client, NULL, out, &stands);
		if (result == PONTO_OK || result == PONTO_ENOMEM)
			return result;
		while (next_notice(&client->events, &error))
			;
		if (result == PONTO_EPROTO && left_ms(deadline) > 0 && !cancelled(client))
			continue;
		if (client->tell_reconnect && client->events.connected && client->told != client->events.sessions) {
			client->told = client->events.sessions;
			return PONTO_ECLOSED;
		}
		if (cancelled(client))
			return PONTO_ECLOSED;
		if (left_ms(deadline) == 0)
			return PONTO_ETIME;
		wait_for(client, client->events.socket, client->tell_reconnect ? client->events.monitor : NULL,
			 deadline);
	}
}
