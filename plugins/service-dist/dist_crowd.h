/* service-dist: how many requests of whom are at work, on the loop or answered at once on threads of the HTTP server, so
 * that the bounds hold for both together.
 *
 * Any thread. */
#ifndef PLUGINS_SERVICE_DIST_DIST_CROWD_H
#define PLUGINS_SERVICE_DIST_DIST_CROWD_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dist_crowd;

enum dist_crowd_side { DIST_CROWD_LOOP, DIST_CROWD_ONCE, DIST_CROWD_SIDES };

/* limit: of all requests; per_client: of one client's, 0: any. gives */
PONTO_MUST_CHECK int dist_crowd_create(const struct ponto_alloc *alloc, uint32_t limit, uint32_t per_client,
				       struct dist_crowd **out);
/* Accepts NULL. */
void dist_crowd_destroy(struct dist_crowd *crowd);

/* False: no memory, or, of those at once, as many as may be are at work. True: dist_crowd_leave follows. */
bool dist_crowd_enter(struct dist_crowd *crowd, const struct ponto_addr *client, enum dist_crowd_side side);
void dist_crowd_leave(struct dist_crowd *crowd, const struct ponto_addr *client, enum dist_crowd_side side);

/* At work on that side, of one client or, with NULL, of all. */
uint32_t dist_crowd_count(struct dist_crowd *crowd, const struct ponto_addr *client, enum dist_crowd_side side);

#ifdef __cplusplus
}
#endif
#endif
