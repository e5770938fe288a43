/* service-dist: what was answered on the HTTP server's threads, on its way to the component's loop. The first message wakes
 * the loop; while more come it looks every five milliseconds by itself.
 *
 * Bounded: when it is full nothing more is answered there, and so who sends waits for the loop. */
#ifndef PLUGINS_SERVICE_DIST_DIST_INBOX_H
#define PLUGINS_SERVICE_DIST_DIST_INBOX_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dist_inbox;

struct dist_inbox_events {
	void (*take)(void *arg, const struct ponto_addr *from, struct ponto_bytes message); /* borrows */
	void (*taken)(void *arg); /* all that had come was; may destroy the inbox */
};

/* room: bytes, of messages with 40 for each. gives */
PONTO_MUST_CHECK int dist_inbox_create(const struct ponto_alloc *alloc, struct ponto_loop *loop, size_t room,
				       const struct dist_inbox_events *events, void *arg, struct dist_inbox **out);

/* Idle, or its loop runs no more; not inside take. Accepts NULL. */
void dist_inbox_destroy(struct dist_inbox *inbox);

/* On any thread. False: there is no room. copies */
bool dist_inbox_put(struct dist_inbox *inbox, const struct ponto_addr *from, struct ponto_bytes message);

/* Nothing is on its way. Accepts NULL. */
bool dist_inbox_idle(struct dist_inbox *inbox);

#ifdef __cplusplus
}
#endif
#endif
