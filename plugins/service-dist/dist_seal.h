/* service-dist: blocks under way: sealed and opened with the ciphers of [MS-PCCRR] 2.2.4, hashed. Any thread. */
#ifndef PLUGINS_SERVICE_DIST_DIST_SEAL_H
#define PLUGINS_SERVICE_DIST_DIST_SEAL_H

#include "engines/content/content_codec.h"

/* AES-CBC with PKCS#7 padding, key: the leading bytes of Kp. out: room for len and 16 bytes more, of which the cipher's
 * whole blocks are used. PONTO_EINVAL: not a cipher; PONTO_ENOMEM. */
PONTO_MUST_CHECK int dist_seal(enum content_crypto crypto, const uint8_t kp[CONTENT_HASH_MAX],
			       const uint8_t iv[CONTENT_IV], struct ponto_bytes plain, uint8_t *out);

#define DIST_SEALED_TOGETHER 8 /* more take as long as in turns */

/* One of several blocks that are sealed; the members are as above. */
struct dist_sealing {
	const uint8_t *kp;
	uint8_t iv[CONTENT_IV];
	struct ponto_bytes plain;
	uint8_t *out;
};

/* Whether this processor seals several blocks in less time than one after the other. */
bool dist_seals_together(void);

/* Seals all of count blocks, side by side where the processor can. PONTO_EINVAL, PONTO_ENOMEM: of some out is unusable.
 */
PONTO_MUST_CHECK int dist_seal_all(enum content_crypto crypto, const struct dist_sealing *blocks, size_t count);

/* The reverse, of whole cipher blocks; what lies behind the data, padding of whatever kind, is left in. out: room for
 * sealed.len. PONTO_EPROTO: no whole blocks; PONTO_EINVAL, PONTO_ENOMEM. */
PONTO_MUST_CHECK int dist_unseal(enum content_crypto crypto, struct ponto_bytes key, const uint8_t iv[CONTENT_IV],
				 struct ponto_bytes sealed, uint8_t *out);

#endif
