/* The socket where every local user may resolve names, and nothing else: SEQPACKET, one request and one answer a
 * packet, and while it is worked on a packet that says so; the same messages as on the bus. Who asks comes from
 * SO_PEERCRED; each uid has a rate. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/pontod/local_call.h"
#include "apps/pontod/node.pb-c.h"

#define TOPIC "pontod.resolve"
#define SERVICE "pnrp"
#define REQUEST_MAX 2048 /* bytes: a name, a cloud, a few numbers */
#define CONNECTIONS_MAX 256
#define CONNECTIONS_UID 16
#define BURST 20		      /* requests a uid may make at once */
#define RATE_US (100 * PONTO_MS)      /* one more each */
#define UIDS 128		      /* buckets; the least recently used one makes room */
#define ACCEPT_PAUSE (500 * PONTO_MS) /* without descriptors: until some may have been given back */
#define TIMEOUT (30 * PONTO_SECOND)
#define BEAT (50 * PONTO_MS)	    /* how often those who wait are told that their request is worked on */
#define CLIENTS (UINT64_C(1) << 63) /* numbers that the bus does not use */

struct connection {
	struct connection *next, *prev;
	struct resolve_socket *socket;
	struct ponto_watch *watch;
	struct local_call *call; /* the open request */
	uint64_t number;
	uint64_t asked; /* monotonic: when call began */
	uint32_t uid;
	int32_t pid;
	int fd;
};

struct bucket {
	uint32_t uid;
	bool used;
	uint64_t full_at; /* monotonic: when all of BURST is there again */
};

struct resolve_socket {
	struct daemon *daemon;
	int fd, lock;
	struct ponto_watch *watch;
	struct ponto_timer *again; /* listens again after a pause */
	struct ponto_timer *beat;
	bool beating;
	struct connection *connections;
	size_t count;
	uint64_t next;
	struct bucket buckets[UIDS];
	struct ponto_counter *requests, *refused, *pauses;
};

/* True when this uid may ask now: a token bucket kept as the time when it is full. */
static bool allowed(struct resolve_socket *s, uint32_t uid)
{
	uint64_t now = ponto_mono(&ponto_clock_system);
	struct bucket *b = NULL, *oldest = &s->buckets[0];

	for (size_t i = 0; i < UIDS && !b; i++) {
		struct bucket *each = &s->buckets[i];

		if (each->used && each->uid == uid)
			b = each;
		else if (!each->used || (oldest->used && each->full_at < oldest->full_at))
			oldest = each;
	}
	if (!b) {
		b = oldest;
		*b = (struct bucket){.uid = uid, .used = true, .full_at = now};
	}
	if (b->full_at < now)
		b->full_at = now;
	if (b->full_at + RATE_US > now + BURST * RATE_US)
		return false;
	b->full_at += RATE_US;
	return true;
}

static void tell(struct connection *c, const Ponto__Node__V1__ResolveAnswer *m)
{
	size_t size = ponto__node__v1__resolve_answer__get_packed_size(m);
	uint8_t *data = ponto_new(&ponto_alloc_system, size, 1);

	if (!data)
		return; /* the asker's own time limit ends it */
	size = ponto__node__v1__resolve_answer__pack(m, data);
	if (send(c->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		ponto_debug(c->socket->daemon->log, TOPIC, "user %u does not read its answers: %s", c->uid,
			    strerror(errno));
		(void)shutdown(c->fd, SHUT_RDWR); /* the end of the connection is read next, and drops it */
	}
	ponto_free(&ponto_alloc_system, data);
}

/* Nothing that was sent waits to be read. */
static bool has_read_all(const struct connection *c)
{
	int waiting;

	return ioctl(c->fd, SIOCOUTQ, &waiting) != 0 || waiting == 0;
}

static void answer(struct connection *c, int result, struct ponto_bytes payload, const char *error)
{
	Ponto__Node__V1__ResolveAnswer m = PONTO__NODE__V1__RESOLVE_ANSWER__INIT;

	m.result = result;
	m.error = (char *)(uintptr_t)(result && !error ? ponto_strerror(result) : error);
	m.has_payload = result == PONTO_OK;
	m.payload.data = (uint8_t *)(uintptr_t)payload.data;
	m.payload.len = payload.len;
	tell(c, &m);
}

/* A live daemon is slow, a dead one is silent. Who has not read the last word needs no other. */
static void on_beat(void *arg)
{
	Ponto__Node__V1__ResolveAnswer m = PONTO__NODE__V1__RESOLVE_ANSWER__INIT;
	struct resolve_socket *s = arg;
	uint64_t now = ponto_loop_now(s->daemon->loop);

	m.has_pending = m.pending = true;
	s->beating = false;
	for (struct connection *c = s->connections; c; c = c->next) {
		if (!c->call)
			continue;
		s->beating = true;
		if (c->asked + BEAT <= now && has_read_all(c))
			tell(c, &m);
	}
	if (s->beating)
		ponto_timer_set(s->daemon->loop, s->beat, now + BEAT);
}

static void resolved(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	struct connection *c = arg;

	c->call = NULL;
	answer(c, result, payload, error);
}

static void drop(struct connection *c)
{
	struct resolve_socket *s = c->socket;

	if (c->prev)
		c->prev->next = c->next;
	else
		s->connections = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->count--;
	if (c->call) { /* nobody waits for it any more: its walk ends */
		local_call_abandon(c->call);
		if (ponto_node_client_gone(s->daemon->node, SERVICE, CLIENTS | c->number) == PONTO_ENOMEM)
			ponto_debug(s->daemon->log, TOPIC, "a resolve goes on until its time is up: out of memory");
	}
	ponto_watch_destroy(s->daemon->loop, c->watch);
	close(c->fd);
	ponto_free(&ponto_alloc_system, c);
}

static void request(struct connection *c, struct ponto_bytes payload)
{
	struct local_call_setup setup = {
		.service = SERVICE,
		.method = "Resolve",
		.payload = payload,
		.uid = c->uid,
		.pid = c->pid,
		.client = CLIENTS | c->number,
		.timeout = TIMEOUT,
		.done = resolved,
		.arg = c,
	};
	int result;

	ponto_counter_add(c->socket->requests, 1);
	if (c->call || !allowed(c->socket, c->uid)) {
		ponto_counter_add(c->socket->refused, 1);
		answer(c, PONTO_EBUSY, ponto_bytes(NULL, 0), c->call ? "one request at a time" : "too many requests");
		return;
	}
	c->asked = ponto_loop_now(c->socket->daemon->loop);
	result = local_call_start(c->socket->daemon, &setup, &c->call);
	if (result) {
		answer(c, result, ponto_bytes(NULL, 0), result == PONTO_ENOENT ? "no name service runs here" : NULL);
	} else if (!c->socket->beating) {
		c->socket->beating = true;
		ponto_timer_set(c->socket->daemon->loop, c->socket->beat, c->asked + BEAT);
	}
}

static void on_request(void *arg, unsigned events)
{
	struct connection *c = arg;
	uint8_t data[REQUEST_MAX];
	ssize_t got;

	(void)events;
	got = recv(c->fd, data, sizeof(data), MSG_DONTWAIT | MSG_TRUNC);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		drop(c);
	else if (got > REQUEST_MAX)
		answer(c, PONTO_ELIMIT, ponto_bytes(NULL, 0), "a request has at most 2048 bytes");
	else
		request(c, ponto_bytes(data, (size_t)got));
}

static size_t count_of(const struct resolve_socket *s, uint32_t uid)
{
	size_t count = 0;

	for (const struct connection *c = s->connections; c; c = c->next)
		count += c->uid == uid;
	return count;
}

/* takes fd when PONTO_OK */
static int adopt(struct resolve_socket *s, int fd)
{
	struct connection *c;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int result;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return PONTO_EACCES;
	if (s->count >= CONNECTIONS_MAX || count_of(s, peer.uid) >= CONNECTIONS_UID)
		return PONTO_EBUSY;
	c = ponto_new(&ponto_alloc_system, 1, sizeof(*c));
	if (!c)
		return PONTO_ENOMEM;
	c->socket = s;
	c->fd = fd;
	c->uid = peer.uid;
	c->pid = peer.pid;
	c->number = s->next++;
	result = ponto_watch_create(s->daemon->loop, fd, PONTO_READABLE, on_request, c, &c->watch);
	if (result) {
		ponto_free(&ponto_alloc_system, c);
		return result;
	}
	c->next = s->connections;
	if (c->next)
		c->next->prev = c;
	s->connections = c;
	s->count++;
	return PONTO_OK;
}

static void on_connection(void *arg, unsigned events)
{
	struct resolve_socket *s = arg;
	int fd;

	(void)events;
	while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (adopt(s, fd) != PONTO_OK) {
			ponto_counter_add(s->refused, 1);
			close(fd);
		}
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	/* the connection stays readable: looking at it all the time would not help */
	ponto_counter_add(s->pauses, 1);
	if (ponto_watch_set(s->daemon->loop, s->watch, 0) == PONTO_OK)
		ponto_timer_set(s->daemon->loop, s->again, ponto_loop_now(s->daemon->loop) + ACCEPT_PAUSE);
}

static void on_again(void *arg)
{
	struct resolve_socket *s = arg;

	if (ponto_watch_set(s->daemon->loop, s->watch, PONTO_READABLE) != PONTO_OK)
		ponto_timer_set(s->daemon->loop, s->again, ponto_loop_now(s->daemon->loop) + ACCEPT_PAUSE);
}

/* ---- making ----------------------------------------------------------------------- */

static int listen_at(struct resolve_socket *s, const char *path, char reason[PONTOD_REASON])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char lock[PONTOD_PATH + 8];
	struct stat st;

	if (strlen(path) >= sizeof(address.sun_path)) {
		snprintf(reason, PONTOD_REASON, "node.resolve_socket: %.150s: the path is too long", path);
		return PONTO_EINVAL;
	}
	strcpy(address.sun_path, path);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	s->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		goto fail;
	if (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
		snprintf(reason, PONTOD_REASON, "another daemon holds %.300s", path);
		return PONTO_ELOCKED;
	}
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		snprintf(reason, PONTOD_REASON, "%.300s exists and is not a socket", path);
		return PONTO_EINVAL;
	}
	(void)unlink(path);
	s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&address, sizeof(address)) != 0 || chmod(path, 0666) != 0 ||
	    listen(s->fd, 64) != 0)
		goto fail;
	return PONTO_OK;
fail:
	snprintf(reason, PONTOD_REASON, "%.300s: %s", path, strerror(errno));
	return PONTO_EACCES;
}

static void free_socket(struct resolve_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->lock >= 0)
		close(s->lock);
	ponto_free(&ponto_alloc_system, s);
}

int resolve_socket_create(struct daemon *d, struct resolve_socket **out, char reason[PONTOD_REASON])
{
	bool asked_for = ponto_conf_string(daemon_node_conf(d), "resolve_socket")[0] != '\0';
	struct resolve_socket *s;
	int result;

	if (!d->resolve_path[0])
		return PONTO_OK;
	s = ponto_new(&ponto_alloc_system, 1, sizeof(*s));
	if (!s)
		return PONTO_ENOMEM;
	s->daemon = d;
	s->fd = s->lock = -1;
	s->requests = ponto_counter(d->metrics, "resolve_requests_total", "", "requests on the resolve socket");
	s->refused = ponto_counter(d->metrics, "resolve_refused_total", "",
				   "requests and connections that the resolve socket refused");
	s->pauses = ponto_counter(d->metrics, "resolve_pauses_total", "",
				  "times that the resolve socket waited for free descriptors");
	result = listen_at(s, d->resolve_path, reason);
	if (result == PONTO_OK)
		result = ponto_timer_create(d->loop, on_again, s, &s->again);
	if (result == PONTO_OK)
		result = ponto_timer_create(d->loop, on_beat, s, &s->beat);
	if (result == PONTO_OK)
		result = ponto_watch_create(d->loop, s->fd, PONTO_READABLE, on_connection, s, &s->watch);
	if (result) {
		ponto_timer_destroy(d->loop, s->beat);
		ponto_timer_destroy(d->loop, s->again);
		free_socket(s);
		if (asked_for)
			return result;
		ponto_info(d->log, TOPIC, "other users cannot resolve: %s", reason);
		reason[0] = '\0';
		d->resolve_path[0] = '\0';
		return PONTO_OK;
	}
	*out = s;
	return PONTO_OK;
}

void resolve_socket_stop(struct resolve_socket *s)
{
	if (!s)
		return;
	(void)unlink(s->daemon->resolve_path);
	ponto_watch_destroy(s->daemon->loop, s->watch);
	ponto_timer_destroy(s->daemon->loop, s->again);
	ponto_timer_destroy(s->daemon->loop, s->beat);
	s->watch = NULL;
	s->again = s->beat = NULL;
	while (s->connections)
		drop(s->connections);
}

void resolve_socket_destroy(struct resolve_socket *s)
{
	if (s)
		free_socket(s);
}
