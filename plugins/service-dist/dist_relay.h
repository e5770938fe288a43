/* service-dist: the reverse proxy: requests of what no published folder has go to the site's own web server, and its
 * answers come back as they are; on top of that Content Information of what it serves.
 *
 *   request ─▶ PeerDist wanted, and hashes kept as far as known? ── no ─▶ fetch ─▶ answer, stream ─▶ hashed in passing
 *                 │ yes                                              ▲
 *                 ▼                                                  │ no
 *              ask: HEAD with the client's own headers ─▶ 200, and hashes of this very entity are kept?
 *                                                                    └─ yes ─▶ Content Information
 *
 * So the origin decides each time who may read what. The component's thread, but for bodies, which the HTTP plugin's
 * threads take from a queue. RFC 9110 7; [MS-PCCRTP] 3.2. */
#ifndef PLUGINS_SERVICE_DIST_DIST_RELAY_H
#define PLUGINS_SERVICE_DIST_DIST_RELAY_H

#include "plugins/service-dist/dist_server.h"

#ifdef __cplusplus
extern "C" {
#endif

/* By the options; NULL when there is no origin. PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int dist_relay_open(struct dist_server *server, struct dist_relay **out);

/* Whatever was under way is given up; to be called when nothing listens any more. What is left of it ends soon. The
 * three accept NULL. */
void dist_relay_stop(struct dist_relay *relay);
bool dist_relay_idle(const struct dist_relay *relay);
void dist_relay_close(struct dist_relay *relay);

/* Answers a request, now or later. */
void dist_relay_take(struct dist_relay *relay, struct ponto_http_listener *listener,
		     struct ponto_http_request *request);

#ifdef __cplusplus
}
#endif
#endif
