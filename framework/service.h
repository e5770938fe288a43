/* Ponto: the service contract. A service instance is a component: its own
 * thread, its own loop, its own state, no locks. Everything below happens on
 * that one thread.
 *
 * Calls carry Protocol Buffers messages of the service's own .proto; a service
 * answers each call exactly once, at once or later. */
#ifndef PONTO_SERVICE_H
#define PONTO_SERVICE_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_SERVICE_ABI 1

struct ponto_call;

struct ponto_call_ops {
	void (*reply)(struct ponto_call *call, int result, struct ponto_bytes payload, const char *error);
};

/* One call. Valid from ops->call until ponto_call_reply. Whoever makes calls embeds this. */
struct ponto_call {
	const struct ponto_call_ops *ops;
	const char *method;	    /* "Resolve" */
	struct ponto_bytes payload; /* the request message; hostile until decoded */
	uint32_t uid;		    /* who asks, from the kernel */
	int32_t pid;		    /* 0: unknown (remote) */
	uint64_t client;	    /* one connection of one process, unique for the daemon's life */
	uint64_t deadline;	    /* monotonic microseconds after which nobody waits for the answer */
	bool admin;		    /* root, the daemon's own uid, or an authenticated remote administrator */
};

/* Answers and ends the call. result 0 with payload, or a negative PONTO_E* with one clear line in error
 * (NULL: ponto_strerror). copies payload and error. takes call */
static inline void ponto_call_reply(struct ponto_call *call, int result, struct ponto_bytes payload, const char *error)
{
	call->ops->reply(call, result, payload, error);
}

struct ponto_service_ops {
	struct ponto_vtable head;
	/* Reads the configuration, finds what it refers to. No traffic yet. */
	int (*create)(const struct ponto_env *env, void **self);
	int (*start)(void *self);
	void (*call)(void *self, struct ponto_call *call);
	/* A client process ended or disconnected: what it registered for its own life ends now. May be NULL. */
	void (*client_gone)(void *self, uint64_t client);
	/* Applies the live options of conf, which replaces the former. May be NULL. borrows conf until the
	 * next reload that succeeds; on failure the former one stays in force */
	int (*reload)(void *self, const struct ponto_conf *conf);
	/* Ends politely (answers open calls, tells peers), then calls done once, within a second. */
	void (*stop)(void *self, ponto_loop_fn *done, void *arg);
	void (*destroy)(void *self);
};

struct ponto_service {
	const struct ponto_service_ops *ops;
	void *self;
	struct ponto_pool *pool;
};

/* Publishes an event under "<instance>.<topic>" to whoever subscribed; may be dropped when a subscriber is
 * slow. Accepts a NULL port (simulation). copies */
void ponto_port_event(struct ponto_port *port, const char *topic, struct ponto_bytes payload);

#ifdef __cplusplus
}
#endif
#endif
