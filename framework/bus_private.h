/* Ponto: the bus inside. Which thread owns what:
 *
 *   bus_core.c      what a broker knows and decides; no sockets; under the broker's monitor
 *   bus_broker.c    the broker's thread, its sockets, its monitor
 *   bus_access.c    who may connect (ZAP) and what a peer address means
 *   bus_path.c      directories, the lock file, endpoints
 *   bus_curve.c     key files of the remote endpoint
 *   bus_envelope.c  bus.proto, bounds included
 *   bus_port.c      the component's side; the component's thread
 *   bus_client.c    the client's side; the client's thread
 *
 * From the broker to a component items change hands over inproc sockets: the
 * frame holds the item's address, so exactly one side owns an item at any time.
 * libzmq is not instrumented, so the hand-over is told to TSan. The way back has
 * none: a component's thread enters the monitor and does itself what the broker
 * would, for each hand-over is a wake-up, and wake-ups are what a call costs. */
#ifndef PONTO_BUS_PRIVATE_H
#define PONTO_BUS_PRIVATE_H

#include <stdatomic.h>

#include "framework/bus.h"
#include "framework/bus.pb-c.h"

#define BUS_TOPIC "bus"
#define BUS_CLIENTS_MAX 1024		/* connections with a record at one time */
#define BUS_PORTS_MAX 64		/* components: one bit each in a client's record */
#define BUS_FAULTS_MAX 16		/* malformed messages of one client that are answered; later ones are ignored */
#define BUS_ROUTE_MAX 255		/* bytes of a routing id */
#define BUS_NAME_MAX 64			/* bytes of a service's or method's name */
#define BUS_ERROR_MAX 511		/* bytes of an error's text */
#define BUS_TOPIC_MAX 127		/* bytes of an event's topic */
#define BUS_TIMEOUT_DEFAULT 10000u	/* ms */
#define BUS_TIMEOUT_MAX 3600000u	/* ms */
#define BUS_EVENTS_HWM 1024		/* events waiting for one subscriber, then dropped */
#define BUS_UID_NONE UINT32_MAX
#define BUS_COMPONENTS "inproc://ponto-components"
#define BUS_COMPONENT_SIZE 12		/* a component's routing id: a number as text, NUL included */

#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define BUS_TSAN_ACQUIRE(p) __tsan_acquire(p)
#define BUS_TSAN_RELEASE(p) __tsan_release(p)
#else
#define BUS_TSAN_ACQUIRE(p) ((void)(p))
#define BUS_TSAN_RELEASE(p) ((void)(p))
#endif

/* ---- envelopes ------------------------------------------------------------- */

/* PONTO_EPROTO: not a Call, or a name that is empty, too long or not of [A-Za-z0-9._-]. gives */
PONTO_MUST_CHECK int bus_call_decode(const struct ponto_alloc *alloc, struct ponto_bytes data,
				     Ponto__Bus__V1__Call **out);
void bus_call_free(const struct ponto_alloc *alloc, Ponto__Bus__V1__Call *call);

/* A Reply. error may be NULL; it is cut to BUS_ERROR_MAX bytes. A payload that makes the envelope larger than
 * PONTO_BUS_MESSAGE_MAX becomes PONTO_ELIMIT. gives */
PONTO_MUST_CHECK int bus_reply_encode(const struct ponto_alloc *alloc, uint64_t id, int result,
				      struct ponto_bytes payload, const char *error, uint8_t **out, size_t *len);

/* The same without payload, into BUS_REPLY_SMALL bytes: cannot fail. Returns the length. */
#define BUS_REPLY_SMALL (BUS_ERROR_MAX + 64)
size_t bus_reply_small(uint64_t id, int result, const char *error, uint8_t out[BUS_REPLY_SMALL]);

/* What a client reads of a Reply. PONTO_EBUSY: the answer to another call than id; PONTO_EPROTO: not a Reply. gives what
 * is in out */
PONTO_MUST_CHECK int bus_reply_decode(const struct ponto_alloc *alloc, uint64_t id, struct ponto_bytes data,
				      struct ponto_reply *out);

/* The same of whatever call it answers; 0: of none that could be read. */
PONTO_MUST_CHECK int bus_reply_decode_any(const struct ponto_alloc *alloc, struct ponto_bytes data, uint64_t *id,
					  struct ponto_reply *out);

/* PONTO_EPROTO: not an Event. gives what is in out */
PONTO_MUST_CHECK int bus_event_decode(const struct ponto_alloc *alloc, struct ponto_bytes data,
				      struct ponto_event *out);

/* gives */
PONTO_MUST_CHECK int bus_event_encode(const struct ponto_alloc *alloc, const char *topic, struct ponto_bytes payload,
				      uint64_t wall, uint8_t **out, size_t *len);

/* True for a non-empty name of at most BUS_NAME_MAX of [A-Za-z0-9._-]. */
bool bus_name_valid(const char *name);

/* ---- items ----------------------------------------------------------------- */

enum bus_item_kind {
	BUS_ITEM_CALL = 1,
	BUS_ITEM_GONE = 2, /* a client that the component had calls of */
};

/* What the broker has for a component. */
struct bus_item {
	enum bus_item_kind kind;
	struct bus_item *next;		/* in the outbox */
	char route[BUS_COMPONENT_SIZE]; /* the component */
	uint64_t client;		/* GONE */
};

/* One call on its way through the daemon: made by the core, answered by the component, freed by the core. */
struct bus_call {
	struct bus_item item;
	struct ponto_call call; /* what the component's handler sees */
	struct ponto_port *port;
	struct bus_call *next, *prev; /* open calls of the port */
	Ponto__Bus__V1__Call *request;
	uint64_t token;
	uint64_t id;
	uint8_t *reply; /* the encoded envelope; NULL: memory ran out */
	size_t reply_len;
};

void bus_item_free(const struct ponto_alloc *alloc, struct bus_item *item);

/* Hands item over to its component: PONTO_OK and it is the component's, else it still belongs to the caller. */
PONTO_MUST_CHECK int bus_item_send(void *router, struct bus_item *item);

/* The next item of a component's socket, NULL when there is none. gives */
struct bus_item *bus_item_receive(void *dealer);

/* ---- the core ---------------------------------------------------------------- */

/* Who is at the other end of a connection. */
struct bus_peer {
	uint32_t uid;
	int32_t pid; /* 0: unknown */
	bool admin;
	int fd;	      /* the connection's descriptor inside libzmq, -1 unknown: tells connections apart */
	bool remote;  /* the CURVE socket */
};

struct bus_core;

/* How a core acts on the world. */
struct bus_core_ops {
	/* PONTO_EUNREACH: no such peer any more; PONTO_EBUSY: its queue is full. copies */
	int (*send_client)(void *arg, bool remote, struct ponto_bytes route, bool delimiter, struct ponto_bytes envelope);
	/* takes item */
	void (*send_port)(void *arg, unsigned port, struct bus_item *item);
	/* Starts watching the process; *watch is what end_watch gets. PONTO_ENOENT: it has ended already. */
	int (*begin_watch)(void *arg, uint64_t client, const struct bus_peer *peer, int *watch);
	void (*end_watch)(void *arg, int watch);
};

struct bus_core_setup {
	const struct bus_core_ops *ops;
	void *arg;
	const struct ponto_alloc *alloc;
	const struct ponto_clock *clock;
	struct ponto_log *log;
	struct ponto_metrics *metrics;
};

PONTO_MUST_CHECK int bus_core_create(const struct bus_core_setup *setup, struct bus_core **out);
void bus_core_destroy(struct bus_core *core);

/* A client's message: frames after the routing one, those beyond PONTO_BUS_FRAMES_MAX only counted. */
void bus_core_message(struct bus_core *core, struct ponto_bytes route, const struct bus_peer *peer,
		      const struct ponto_bytes *frames, size_t frame_count);

/* A call was given its reply. takes call */
void bus_core_reply(struct bus_core *core, struct bus_call *call);

/* Components. PONTO_EEXIST, PONTO_EBUSY (too many). */
PONTO_MUST_CHECK int bus_core_attach(struct bus_core *core, const char *name, unsigned *port);
void bus_core_detach(struct bus_core *core, unsigned port);

/* A connection or a process ended. */
void bus_core_disconnected(struct bus_core *core, bool remote, int fd);
void bus_core_gone(struct bus_core *core, uint64_t client);

/* Answers what is overdue. */
void bus_core_expire(struct bus_core *core, uint64_t now);

/* When to call that next; PONTO_NEVER. */
uint64_t bus_core_deadline(const struct bus_core *core);

/* True when the connection behind fd already is the one on record for route: nothing else needs looking at. */
bool bus_core_knows(const struct bus_core *core, struct ponto_bytes route, const struct bus_peer *peer);

/* Answers every open call PONTO_ECLOSED. */
void bus_core_close(struct bus_core *core);

/* For tests. */
size_t bus_core_clients(const struct bus_core *core);
size_t bus_core_open(const struct bus_core *core);

/* ---- access ------------------------------------------------------------------- */

#define BUS_MEMBERS_MAX 256
#define BUS_CURVE_CLIENTS_MAX 256

/* Who may connect. Fixed when the bus is made. */
struct bus_access {
	uint32_t own_uid;
	bool group_set;
	uint32_t group;
	uint32_t members[BUS_MEMBERS_MAX]; /* uids that the group's entry names */
	size_t member_count;
	uint8_t curve_clients[BUS_CURVE_CLIENTS_MAX][32];
	size_t curve_client_count;
};

/* "localhost:UID:GID:PID", as libzmq writes it for ipc. PONTO_EPROTO */
PONTO_MUST_CHECK int bus_peer_parse(const char *text, uint32_t *uid, uint32_t *gid, int32_t *pid);

/* Looks up the group. PONTO_ENOENT: no such group. */
PONTO_MUST_CHECK int bus_access_group(struct bus_access *access, const char *group);

bool bus_access_local(const struct bus_access *access, uint32_t uid, uint32_t gid);
bool bus_access_curve(const struct bus_access *access, const uint8_t key[32]);

/* Answers one ZAP request (RFC 27) waiting on socket. False when there was none. */
bool bus_access_serve(const struct bus_access *access, void *socket, struct ponto_log *log,
		      struct ponto_counter *refused);

/* ---- paths and keys ------------------------------------------------------------ */

/* The events' endpoint that belongs to a calls' endpoint. out holds PONTO_ENDPOINT_SIZE + 8. */
#define BUS_EVENTS_SIZE (PONTO_ENDPOINT_SIZE + 8)
PONTO_MUST_CHECK int bus_endpoint_events(const char *endpoint, char out[BUS_EVENTS_SIZE]);

/* The path of an ipc endpoint, else NULL. */
const char *bus_endpoint_path(const char *endpoint);

/* Checks or makes the directory, takes the lock, removes what a dead daemon left. *lock is the lock's
 * descriptor; closing it gives the lock back. */
PONTO_MUST_CHECK int bus_path_claim(const char *path, const struct bus_access *access, char reason[256], int *lock);

/* Gives the bound sockets their mode and group. */
PONTO_MUST_CHECK int bus_path_open(const char *path, const struct bus_access *access, char reason[256]);

/* Takes the sockets away, which libzmq leaves behind; the lock must still be held. */
void bus_path_remove(const char *path);

/* Reads a Z85 secret key of mode 0600; with make a missing file is written. */
PONTO_MUST_CHECK int bus_curve_secret(const char *file, bool make, char reason[256], char secret[41], char public_key[41]);

/* Reads the permitted public keys, one a line, what follows after a blank is ignored; lines that start
 * with # and are no key are comments. */
PONTO_MUST_CHECK int bus_curve_clients(const char *file, struct bus_access *access, char reason[256]);

#endif
