/* Teredo: what may stand behind the IPv6 packet of a bubble.
 *
 * Pure. RFC 6081 4. */
#ifndef ENGINES_TEREDO_TEREDO_TRAILER_H
#define ENGINES_TEREDO_TEREDO_TRAILER_H

#include "engines/teredo/teredo_codec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEREDO_ALTERNATES_MAX 4	 /* received */
#define TEREDO_ALTERNATES_SENT 2 /* sent, 4.3 */
#define TEREDO_TRAILERS_MAX (6 + 16 + 6 + 4)

enum teredo_discovery {
	TEREDO_DISCOVERY_NONE = 0,
	TEREDO_DISCOVERY_SOLICITATION,
	TEREDO_DISCOVERY_ADVERTISEMENT,
};

struct teredo_trailers {
	bool has_nonce, has_port;
	bool alternates_bad; /* there is an alternate address trailer that breaks the rules */
	uint32_t nonce;
	uint8_t discovery; /* enum teredo_discovery */
	uint16_t port;	   /* the random port */
	uint8_t alternate_count;
	struct teredo_endpoint alternates[TEREDO_ALTERNATES_MAX];
};

/* In order, so the last of several counts; reading stops at a malformed one. PONTO_EPROTO: an unknown one demands that
 * the packet is discarded; out untouched. */
PONTO_MUST_CHECK int teredo_trailers_parse(struct ponto_bytes trailers, struct teredo_trailers *out);

/* All that is set, of the alternates the first TEREDO_ALTERNATES_SENT. */
void teredo_write_trailers(struct ponto_writer *w, const struct teredo_trailers *trailers);

#ifdef __cplusplus
}
#endif
#endif
