/* The way to the daemon, whose bus a program reaches at the endpoint of its user (PONTO_ENDPOINT, else the default).
 *
 *   calls        any thread takes a free client of a pool and waits for the answer itself: a call costs what a bare bus
 *                call costs. Nothing needs to be started for them.
 *   the thread   runs while somebody uses the link. It listens to the daemon's events: clouds that change, a daemon
 * that came back. Then it has the registrations made again (registration.h) and tells the watchers.
 *
 * All threads of the library, and those of the bus in it, have every signal blocked and raise no SIGPIPE. After fork
 * the child has none of it: it starts from nothing, as if the library had just been loaded, and its parent's
 * registrations stay its parent's. Memory of the parent's link is given up, not freed. A child that only calls exec is
 * not concerned: every descriptor is close-on-exec. */
#ifndef PONTO_API_PEER_LINK_H
#define PONTO_API_PEER_LINK_H

#include <pthread.h>
#include <stdbool.h>

#include <p2p.h>
#include <protobuf-c/protobuf-c.h>

#include "framework/bus.h"

struct link_answer {
	struct ponto_reply reply; /* result and payload, or error */
	struct ponto_client *client;
};

/* Calls and waits, at most timeout_ms and a little. cancel: a descriptor that ends the wait with E_ABORT when it
 * becomes readable, or -1. S_OK: an answer came, see out->reply.result; to be cleared. Else what peer_result_of_call
 * says. borrows */
HRESULT link_call(const char *service, const char *method, const ProtobufCMessage *request, unsigned timeout_ms,
		  int cancel, struct link_answer *out);
void link_answer_clear(struct link_answer *answer);

/* The same over a client of the caller's, who makes the rules for its threads. */
HRESULT link_call_over(struct ponto_client *client, const char *service, const char *method,
		       const ProtobufCMessage *request, unsigned timeout_ms, struct ponto_reply *out);

/* A client of its own for the caller. gives */
HRESULT link_client(bool tell_reconnect, struct ponto_client **out);

/* Counted: the first starts the thread, the last ends it and frees what the pool holds. link_use: E_OUTOFMEMORY. */
HRESULT link_use(void);
void link_drop(void);

/* A thread with all signals blocked. False: none could be made. */
bool link_thread(void *(*run)(void *arg), void *arg, pthread_t *out);

/* Told that clouds may have changed: once by link_watch itself, since they may have before somebody listened, then by
 * the link's thread; never two at a time. False: it could not be found out, and is told again soon. Not called any more
 * once link_unwatch has returned. A watcher must not call either. */
struct link_watch {
	struct link_watch *next;
	bool (*changed)(struct link_watch *watch);
};
void link_watch(struct link_watch *watch);
void link_unwatch(struct link_watch *watch);

/* Sees to it that a child starts from nothing, whichever part of the library is used first. */
void link_watch_forks(void);

/* The number of forks between the loading of the library and this process: what another number made is not ours. */
unsigned link_generation(void);

#endif
