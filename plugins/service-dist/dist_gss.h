/* service-dist: clients of a hosted cache, authenticated by SPNEGO within HTTPS (RFC 4559), with a keytab.
 *
 * dist_gss_accept may be called on any thread, several at once. [MS-PCHC] 2.1. */
#ifndef PLUGINS_SERVICE_DIST_DIST_GSS_H
#define PLUGINS_SERVICE_DIST_DIST_GSS_H

#include "framework/base.h"

#define DIST_GSS_TOKEN 49152 /* bytes of a token, and of its text 65536 */
#define DIST_GSS_WHY 256

struct dist_gss;

/* PONTO_ECONF: no such keytab, or no key in it that a service can have (why). gives */
PONTO_MUST_CHECK int dist_gss_open(const struct ponto_alloc *alloc, const char *keytab, char why[DIST_GSS_WHY],
				   struct dist_gss **out);

/* Accepts NULL. */
void dist_gss_close(struct dist_gss *gss);

/* The token that an Authorization header carries, 1..DIST_GSS_TOKEN bytes of it; out of header's "Negotiate TEXT".
 * PONTO_EPROTO: another scheme, or no base64. gives */
PONTO_MUST_CHECK int dist_gss_token(const struct ponto_alloc *alloc, const char *header, uint8_t **token, size_t *len);

/* PONTO_EAUTH: nobody who is known here, or more than one round would be needed. reply: the header's value that goes
 * with the answer, NULL when none is wanted. gives reply */
PONTO_MUST_CHECK int dist_gss_accept(struct dist_gss *gss, struct ponto_bytes token, char **reply);

#endif
