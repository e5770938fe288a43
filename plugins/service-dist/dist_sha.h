/* service-dist: SHA-2 of several messages side by side.
 *
 * Each round waits for the one before it, so that one message leaves most of a core idle; another one fills it. OpenSSL
 * 3.0 hashes one at a time. Any thread. FIPS 180-4, 6.2.2 and 6.4.2. */
#ifndef PLUGINS_SERVICE_DIST_DIST_SHA_H
#define PLUGINS_SERVICE_DIST_DIST_SHA_H

#include "engines/content/content_hash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIST_SHA_WIDTH_MAX 4

struct dist_sha {
	const char *name;
	unsigned width; /* messages, at least 2 */
	uint32_t block; /* bytes: 64, 128 */
	void (*blocks)(void *const states[], const uint8_t *const data[], size_t count);
};

/* The ways that this processor has, the fastest first; NULL from some index on. A state is the eight words that
 * OpenSSL's SHA256_CTX and SHA512_CTX hold; blocks hashes count blocks of each of width messages. */
const struct dist_sha *dist_sha256(unsigned index);
const struct dist_sha *dist_sha512(unsigned index); /* SHA-384 too */

static inline const struct dist_sha *dist_sha(enum content_algo algo, unsigned index)
{
	return algo == CONTENT_SHA256 ? dist_sha256(index) : dist_sha512(index);
}

#ifdef __cplusplus
}
#endif
#endif
