/* The packets of the resolve socket as a host program sees them: service-pnrp's ResolveRequest and ResolveReply in the
 * daemon's ResolveAnswer, read and written by hand, so that no library comes along.
 *
 * Pure; no allocation. A packet is hostile. Fields that are not wanted here are skipped. */
#ifndef PONTO_APPS_NSS_RESOLVE_WIRE_H
#define PONTO_APPS_NSS_RESOLVE_WIRE_H

#include "framework/base.h"

#define RESOLVE_ADDRESSES 16 /* that are kept of an answer */
#define RESOLVE_HOST_MAX 253 /* bytes of a host name */
#define RESOLVE_REQUEST_MAX 300
#define RESOLVE_PACKET_MAX 16384 /* bytes; an answer for one name has at most half of it */

struct resolve_address {
	uint8_t ip[16];
	uint32_t scope; /* interface index of a link-local address, else 0 */
};

struct resolve_answer {
	bool pending; /* the daemon is at work; another packet follows */
	int result;   /* PONTO_OK or an error of the daemon's */
	size_t count; /* addresses, each once */
	struct resolve_address address[RESOLVE_ADDRESSES];
};

/* PONTO_ELIMIT when it does not fit. borrows host */
PONTO_MUST_CHECK int resolve_request_write(const char *host, uint8_t data[RESOLVE_REQUEST_MAX], size_t *len);

/* PONTO_EPROTO when it is no answer. borrows packet */
PONTO_MUST_CHECK int resolve_answer_read(struct ponto_bytes packet, struct resolve_answer *out);

#endif
