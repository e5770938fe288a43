/* A TUN interface, through which IPv6 packets go to and come from the host's own routing.
 *
 * The interface is the administrator's: made before, with an owner, up, with its routes; what opens it needs no
 * privilege then. On the loop's thread. */
#ifndef TEREDO_TUN_H
#define TEREDO_TUN_H

#include "framework/env.h"

#define TEREDO_TUN_PACKET 2048 /* longer ones are not read whole and fall away */

struct teredo_tun;

struct teredo_tun_events {
	void (*receive)(void *arg, struct ponto_bytes packet); /* an IPv6 packet that the host sent into the interface */
	void (*drained)(void *arg);			       /* after some of them */
};

/* events NULL: packets are read and dropped. copies events; arg is handed back.
 * PONTO_ECONF, PONTO_EACCES, PONTO_EIO, PONTO_ENOMEM; the reason is in the log under topic. gives */
PONTO_MUST_CHECK int teredo_tun_open(const struct ponto_env *env, const char *topic, const char *name,
				     const struct teredo_tun_events *events, void *arg, struct teredo_tun **out);
void teredo_tun_close(struct teredo_tun *tun); /* accepts NULL; safe in its callbacks */

/* Gives an IPv6 packet to the host. PONTO_EIO: it was not taken. borrows */
PONTO_MUST_CHECK int teredo_tun_send(struct teredo_tun *tun, struct ponto_bytes packet);

/* An option's rule: "" or a name that an interface may have. */
bool teredo_tun_fits(const char *text, int64_t number, char *why, size_t size);

#endif
