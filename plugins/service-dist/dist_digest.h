/* service-dist: the hash of a whole piece in one call, by OpenSSL: for blocks and segments, which are too long for
 * framework/digest.h. Thread-safe; to be called on workers. [MS-PCCRC] 2.2. */
#ifndef PLUGINS_SERVICE_DIST_DIST_DIGEST_H
#define PLUGINS_SERVICE_DIST_DIST_DIGEST_H

#include "engines/content/content_hash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of out beyond the hash's size are zero. PONTO_ENOMEM: OpenSSL has no memory. borrows bytes */
PONTO_MUST_CHECK int dist_digest(enum content_algo algo, struct ponto_bytes bytes, uint8_t out[CONTENT_HASH_MAX]);

#ifdef __cplusplus
}
#endif
#endif
