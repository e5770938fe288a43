/* service-dist: the client of hosted caches: who is asked instead of neighbours, and what is offered to them.
 *
 * On the component's loop. [MS-PCHC] 3.2; [MS-CCROD] 2.8.2.2. Accepts NULL throughout: none are configured. */
#ifndef PLUGINS_SERVICE_DIST_DIST_CACHES_H
#define PLUGINS_SERVICE_DIST_DIST_CACHES_H

#include "engines/content/content_caches.h"
#include "plugins/service-dist/dist.h"
#include "plugins/service-dist/dist_post.h"

/* Whether text names a cache: HOST, HOST:PORT, or with http:// or https:// before it. */
bool dist_caches_fits(const char *text, int64_t number, char *why, size_t size);

/* Whether addr stands for one of them; the URL of its retrieval server comes out. */
bool dist_caches_url(const struct dist_caches *caches, const struct ponto_addr *addr, char out[DIST_POST_URL]);

/* Asks for a segment: content_client_found and _searched of the client's engine come, perhaps at once. */
void dist_caches_seek(struct dist_caches *caches, const struct content_id *id, bool v2);

/* A block from this address is right, or wrong; it did not answer. False: the address is none of theirs. */
bool dist_caches_right(struct dist_caches *caches, const struct ponto_addr *addr);
bool dist_caches_wrong(struct dist_caches *caches, const struct ponto_addr *addr);
void dist_caches_failed(struct dist_caches *caches, const struct ponto_addr *addr);

/* A block that came from an origin can be retrieved here. */
void dist_caches_fresh(struct dist_caches *caches, const struct content_fresh *fresh, uint32_t index);

/* The port at which others retrieve from here. */
void dist_caches_serve(struct dist_caches *caches, uint16_t port);

#endif
