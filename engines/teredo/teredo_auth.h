/* Teredo: secure qualification.
 *
 * Pure. The value of an authentication is an HMAC (RFC 2104) with the shared
 * secret over nonce, confirmation, origin and IPv6 packet. RFC 4380 5.2.2. */
#ifndef ENGINES_TEREDO_TEREDO_AUTH_H
#define ENGINES_TEREDO_TEREDO_AUTH_H

#include "engines/teredo/teredo_codec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEREDO_VALUE_MAX 32

enum teredo_algo {
	TEREDO_HMAC_SHA1 = 0, /* the default, 20 bytes */
	TEREDO_HMAC_SHA256 = 1,
};

/* Bytes of a value. */
size_t teredo_value_size(enum teredo_algo algo);

/* out: teredo_value_size bytes. borrows */
void teredo_value(enum teredo_algo algo, struct ponto_bytes secret, struct ponto_bytes covered,
		  uint8_t out[TEREDO_VALUE_MAX]);

/* The datagram has an authentication whose value fits; takes the same time wherever it differs. borrows */
bool teredo_authentic(const struct teredo_packet *p, enum teredo_algo algo, struct ponto_bytes secret);

/* Writes one without value (auth->value does not matter) when value_len is 0, else with room for it, which
 * teredo_write_value fills when the rest of the datagram up to the end of its IPv6 packet is written. at: where the
 * authentication begins. */
void teredo_write_auth(struct ponto_writer *w, const struct teredo_auth *auth, size_t value_len);
void teredo_write_value(struct ponto_writer *w, uint64_t at, enum teredo_algo algo, struct ponto_bytes secret);

#ifdef __cplusplus
}
#endif
#endif
