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

/* OpenSSL's name of it, for what comes in parts: of version 2.0 the first bytes count. Static. */
struct evp_md_st;
const struct evp_md_st *dist_digest_md(enum content_algo algo);

#ifdef __cplusplus
}
#endif
#endif
