/* service-dist: inside the hosted cache: what dist_hosted.c (offers, pulls) and dist_hosted_listen.c (HTTPS, who may
 * offer) share. On the component's loop. [MS-PCHC] 2.1, 3.1.3. */
#ifndef PLUGINS_SERVICE_DIST_DIST_HOSTED_H
#define PLUGINS_SERVICE_DIST_DIST_HOSTED_H

#include "engines/content/content_offer.h"
#include "plugins/service-dist/dist.h"

/* ---- dist_hosted.c */

/* A request with an offer of that version, which is answered before it returns. negotiate: a value of WWW-Authenticate
 * that goes with it, or NULL. */
void dist_hosted_take(struct dist_hosted *hosted, unsigned version, struct ponto_http_listener *listener,
		      struct ponto_http_request *request, const char *negotiate);

/* status other than 200: without a body, and but for 401 the connection ends. */
void dist_hosted_answer(struct dist_hosted *hosted, struct ponto_http_listener *listener,
			struct ponto_http_request *request, unsigned status, enum content_offer_code code,
			const char *negotiate);

/* ---- dist_hosted_listen.c */

struct dist_hosted_listen;

/* Listens as the options say; NULL without a certificate. PONTO_ECONF, ponto_http_listen's. gives */
PONTO_MUST_CHECK int dist_hosted_listen_open(struct dist *dist, struct dist_hosted *hosted,
					     struct dist_hosted_listen **out);
void dist_hosted_listen_stop(struct dist_hosted_listen *listen);
bool dist_hosted_listen_idle(const struct dist_hosted_listen *listen);
void dist_hosted_listen_close(struct dist_hosted_listen *listen);

#endif
