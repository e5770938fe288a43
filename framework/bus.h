/* Ponto: messages between components and clients, over ZeroMQ: ROUTER/DEALER
 * for calls, PUB/SUB for events; inproc:// inside the daemon, ipc:// for
 * clients, optional CURVE-secured tcp:// for remote administration. The envelope
 * is bus.proto, at most two frames a message.
 *
 * The broker has its own thread. attach, detach and handlers belong to the
 * component's loop thread; a client object belongs to one thread at a time.
 *
 * Endpoints: calls at ENDPOINT ("ipc:///run/ponto/bus", "tcp://host:port"),
 * events at "ENDPOINT-events" for ipc and at port + 1 for tcp. */
#ifndef PONTO_BUS_H
#define PONTO_BUS_H

#include "framework/base.h"
#include "framework/log.h"
#include "framework/loop.h"
#include "framework/metrics.h"
#include "framework/service.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_BUS_OPEN_CALLS 64		     /* per client; the next one gets PONTO_EBUSY */
#define PONTO_BUS_MESSAGE_MAX (1024u * 1024) /* bytes of one frame, envelope included */
#define PONTO_BUS_FRAMES_MAX 2		     /* after the routing frame: an empty delimiter and the envelope */
#define PONTO_ENDPOINT_SIZE 160		     /* longest endpoint text, NUL included */

struct ponto_bus;
struct ponto_port;

struct ponto_bus_setup {
	const char *endpoint; /* copies; an ipc:// path whose directory is made 0700 (or 0750 for group) when missing */
	const char *group;    /* a group's name that may connect too; NULL or "": only the own uid and root */
	const char *remote;   /* tcp://address:port, or NULL */
	const char *curve_key_file; /* the server's secret key, 0600, made when missing; needed with remote */
	const char *curve_clients;  /* file with one permitted client public key (Z85) a line; needed with remote */
	const struct ponto_alloc *alloc;
	const struct ponto_clock *clock;
	const struct ponto_random *random;
	struct ponto_log *log;
	struct ponto_metrics *metrics;
};

/* Takes the lock file, binds, starts the broker. PONTO_ELOCKED: another daemon holds the endpoint;
 * PONTO_EACCES; PONTO_EINVAL: path too long or directory open to others. The reason is in reason. gives */
PONTO_MUST_CHECK int ponto_bus_create(const struct ponto_bus_setup *setup, char reason[256], struct ponto_bus **out);

/* The endpoint in its full form; lives as long as bus. */
const char *ponto_bus_bound(const struct ponto_bus *bus);

/* Components must be detached. Open calls of clients are answered PONTO_ECLOSED. Accepts NULL. */
void ponto_bus_destroy(struct ponto_bus *bus);

struct ponto_port_events {
	void (*call)(void *arg, struct ponto_call *call);
	void (*client_gone)(void *arg, uint64_t client); /* may be NULL */
};

/* A component's place, under its instance name. Called on the loop's thread. PONTO_EEXIST. gives */
PONTO_MUST_CHECK int ponto_bus_attach(struct ponto_bus *bus, struct ponto_loop *loop, const char *name,
				      const struct ponto_port_events *events, void *arg, struct ponto_port **out);

/* Calls still open are answered PONTO_ECLOSED; their objects stay valid until replied to. Accepts NULL. */
void ponto_port_detach(struct ponto_port *port);

/* ---- clients --------------------------------------------------------------- */

/* The endpoint a client of this user tries when told none: $PONTO_ENDPOINT, else the daemon's default for
 * this uid, else the system daemon's. Returns out. */
const char *ponto_bus_default_endpoint(char out[PONTO_ENDPOINT_SIZE]);

/* The one a daemon of this user binds when told none: under $RUNTIME_DIRECTORY (systemd), /run/ponto for
 * root, $XDG_RUNTIME_DIR/ponto, /tmp/ponto-UID. Returns out. */
const char *ponto_bus_own_endpoint(char out[PONTO_ENDPOINT_SIZE]);

/* Brings an endpoint into its full form: "/a/path" means ipc:///a/path. PONTO_EINVAL, why in reason (may be NULL). */
PONTO_MUST_CHECK int ponto_bus_endpoint(const char *text, char reason[256], char out[PONTO_ENDPOINT_SIZE]);

/* The public key (Z85) of a secret key file for tcp://, mode 0600; with make a missing file is written. PONTO_EACCES,
 * PONTO_EINVAL, why in reason. */
#define PONTO_CURVE_KEY_SIZE 41
PONTO_MUST_CHECK int ponto_bus_key(const char *file, bool make, char reason[256],
				   char public_key[PONTO_CURVE_KEY_SIZE]);

struct ponto_client;

struct ponto_client_setup {
	const char *endpoint;	       /* NULL: the default. "/a/path" means ipc:///a/path. copies */
	const char *curve_server_key;  /* Z85 public key for tcp://; else NULL */
	const char *curve_secret_file; /* the client's own secret key for tcp:// */
	const struct ponto_alloc *alloc;
	bool tell_reconnect;	       /* see ponto_client_next_event */
};

/* Connects lazily. PONTO_EINVAL: an endpoint that cannot be. gives */
PONTO_MUST_CHECK int ponto_client_create(const struct ponto_client_setup *setup, struct ponto_client **out);
void ponto_client_destroy(struct ponto_client *client);

struct ponto_reply {
	int result;	  /* the service's: 0 or PONTO_E* */
	uint8_t *payload; /* with result 0; freed by ponto_reply_clear */
	size_t len;
	char error[512]; /* with another result: one line */
};

void ponto_reply_clear(struct ponto_client *client, struct ponto_reply *reply);

/* Calls and waits. PONTO_OK: an answer came, see reply->result (the daemon itself answers PONTO_ETIME for a
 * service that does not within timeout_ms). PONTO_EUNREACH: no daemon (told within a second), or it went away
 * during the call; PONTO_EACCES: it, or its socket's mode, refuses this user; PONTO_ETIME: the daemon is silent,
 * told a quarter of a second after timeout_ms, a later answer is dropped; PONTO_ELIMIT: payload too large.
 * Reconnects by itself. borrows. gives what is in reply */
PONTO_MUST_CHECK int ponto_client_call(struct ponto_client *client, const char *service, const char *method,
				       struct ponto_bytes payload, unsigned timeout_ms, struct ponto_reply *reply);

/* ---- several calls at once: for a client that makes no others. At most PONTO_BUS_OPEN_CALLS wait for their answer ---- */

/* Sends a call and gives its number; its answer is received. PONTO_EUNREACH: no daemon, or the connection ended
 * since the last call: those sent before are not answered any more, and the next one connects anew. Otherwise as
 * ponto_client_call. borrows */
PONTO_MUST_CHECK int ponto_client_send(struct ponto_client *client, const char *service, const char *method,
				       struct ponto_bytes payload, unsigned timeout_ms, uint64_t *id);

/* The next answer, whichever call's. PONTO_ETIME: none came within timeout_ms; PONTO_ECLOSED: the descriptor of
 * ponto_client_set_cancel is readable, nothing else has changed; PONTO_EUNREACH: the connection has ended, no call sent
 * before is answered any more; PONTO_ENOMEM, PONTO_EPROTO: the same, since an answer could not be read. gives what is
 * in reply */
PONTO_MUST_CHECK int ponto_client_receive(struct ponto_client *client, unsigned timeout_ms, uint64_t *id,
					  struct ponto_reply *reply);

/* Waiting calls of this client end with PONTO_ECLOSED, within 50 ms, once fd is readable; -1: none, as at the start.
 * A call that ends so closes its connection, so that the service stops working for it. borrows fd until another one
 * is set */
void ponto_client_set_cancel(struct ponto_client *client, int fd);

/* Connections for calls have numbers that grow. *called: the one that carried the last call; *now: the present one,
 * 0 when there is none. Where they differ, what that call made for the client's life has ended. Never waits. */
void ponto_client_sessions(struct ponto_client *client, uint64_t *called, uint64_t *now);

/* Events whose "<instance>.<topic>" starts with prefix, from the return on. PONTO_EUNREACH: no daemon now (told
 * within a second), PONTO_EACCES; PONTO_EINVAL: longer than 127 bytes. */
PONTO_MUST_CHECK int ponto_client_subscribe(struct ponto_client *client, const char *prefix);

struct ponto_event {
	char topic[128];
	uint8_t *payload; /* freed by ponto_event_clear */
	size_t len;
};

void ponto_event_clear(struct ponto_client *client, struct ponto_event *event);

/* Waits for the next. PONTO_ETIME after timeout_ms. Subscriptions survive a restart of the daemon; with tell_reconnect
 * each new connection is told once as PONTO_ECLOSED: events may have been missed. gives */
PONTO_MUST_CHECK int ponto_client_next_event(struct ponto_client *client, unsigned timeout_ms, struct ponto_event *out);

#ifdef __cplusplus
}
#endif
#endif
