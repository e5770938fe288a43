/* service-dist: blocks under way: sealed and opened with the ciphers of [MS-PCCRR] 2.2.4, hashed. Any thread. */
#ifndef PLUGINS_SERVICE_DIST_DIST_SEAL_H
#define PLUGINS_SERVICE_DIST_DIST_SEAL_H

#include "engines/content/content_codec.h"

/* AES-CBC with PKCS#7 padding, key: the leading bytes of Kp. out: room for len and 16 bytes more, of which the cipher's
 * whole blocks are used. PONTO_EINVAL: not a cipher; PONTO_ENOMEM. */
PONTO_MUST_CHECK int dist_seal(enum content_crypto crypto, const uint8_t kp[CONTENT_HASH_MAX],
			       const uint8_t iv[CONTENT_IV], struct ponto_bytes plain, uint8_t *out);

/* The reverse, of whole cipher blocks; what lies behind the data, padding of whatever kind, is left in. out: room for
 * sealed.len. PONTO_EPROTO: no whole blocks; PONTO_EINVAL, PONTO_ENOMEM. */
PONTO_MUST_CHECK int dist_unseal(enum content_crypto crypto, struct ponto_bytes key, const uint8_t iv[CONTENT_IV],
				 struct ponto_bytes sealed, uint8_t *out);

#endif
