/* Host names under pnrp.net: how a peer name looks to programs that know host names only, as
 * PeerNameToPeerHostName and PeerHostNameToPeerName convert them.
 *
 *     0.alice                 alice.pnrp.net
 *     0.games.john            games.john.pnrp.net
 *     428f….alice             alice.p428f….pnrp.net    p only before a digit
 *     428f….                  p428f….pnrp.net
 *     0.café                  xn--caf-dma.pnrp.net     as RFC 3492 and programs with international names have it
 *     0.Alice                 pn--lice-….pnrp.net      capitals, other signs, long labels: bootstring of the whole
 *
 * Host names ignore case and peer names do not, so a capital is a character to escape. Both directions are each
 * other's inverse; docs/decisions.md tells what is published and what was chosen.
 *
 * Pure; no allocation. */
#ifndef ENGINES_PNRP_PNRP_HOST_H
#define ENGINES_PNRP_PNRP_HOST_H

#include "engines/pnrp/pnrp_name.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PNRP_HOST_TEXT 254 /* bytes that hold any host name, NUL included: RFC 1035 2.3.4 */

/* PONTO_ENOTSUP when the name has no host name: longer than 253 bytes, a lone surrogate, nothing at all ("0.").
 * borrows name */
PONTO_MUST_CHECK int pnrp_host_format(const struct pnrp_name *name, char out[PNRP_HOST_TEXT]);

/* The reverse. Accepted besides: any case, a trailing dot, a "p" before any authority, "p0" for none, and labels in
 * UTF-8 as people type them. PONTO_EINVAL when the text is not under pnrp.net or says no peer name that way.
 * borrows text */
PONTO_MUST_CHECK int pnrp_host_parse(const char *text, struct pnrp_name *out);

#ifdef __cplusplus
}
#endif
#endif
