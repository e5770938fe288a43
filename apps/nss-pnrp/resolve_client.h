/* One question on the daemon's resolve socket, from whatever process: one close-on-exec descriptor that lives as long
 * as the call, no thread, no signal, no memory, no state, no environment.
 *
 * A daemon that works says so every RESOLVE_BEAT_MS, so one that is dead, stopped or gone costs RESOLVE_PATIENCE_MS
 * at most (and a beat more, when it had begun), and one that searches may take its time. */
#ifndef PONTO_APPS_NSS_RESOLVE_CLIENT_H
#define PONTO_APPS_NSS_RESOLVE_CLIENT_H

#include "apps/nss-pnrp/resolve_wire.h"

#define RESOLVE_BEAT_MS 50	/* a daemon at work says so as often */
#define RESOLVE_PATIENCE_MS 150 /* without a word from the daemon: with a beat before it, 200 at most */
#define RESOLVE_LIMIT_MS 10000	/* altogether; the daemon itself gives up after 8 s */

/* The addresses of a host name under pnrp.net. PONTO_ENOENT: no such name; PONTO_EUNREACH: no daemon there (errno
 * tells why), PONTO_ETIME: it does not answer; PONTO_EBUSY: ask again later; PONTO_EPROTO: its answer is none.
 * borrows path and host */
PONTO_MUST_CHECK int resolve_host(const char *path, const char *host, struct resolve_answer *out);

#endif
