/* service-dist: the hashes of whole pieces: of blocks and segments, which are too long for engines to hash.
 * Thread-safe; to be called on workers. [MS-PCCRC] 2.2. */
#ifndef PLUGINS_SERVICE_DIST_DIST_DIGEST_H
#define PLUGINS_SERVICE_DIST_DIST_DIGEST_H

#include "plugins/service-dist/dist_sha.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of count pieces, out[i] of pieces[i], way's width of them at a time; way is one of dist_sha(algo, …), or NULL: one
 * after the other, by OpenSSL. Bytes of out beyond the hash's size are zero. borrows pieces */
void dist_digests(const struct dist_sha *way, enum content_algo algo, const struct ponto_bytes *pieces, size_t count,
		  uint8_t (*out)[CONTENT_HASH_MAX]);

static inline void dist_digest(enum content_algo algo, struct ponto_bytes bytes, uint8_t out[CONTENT_HASH_MAX])
{
	dist_digests(NULL, algo, &bytes, 1, (uint8_t(*)[CONTENT_HASH_MAX])out);
}

/* OpenSSL's name of it, for what comes in parts: of version 2.0 the first bytes count. Static. */
struct evp_md_st;
const struct evp_md_st *dist_digest_md(enum content_algo algo);

#ifdef __cplusplus
}
#endif
#endif
