/* security-pki: parsed private keys kept at hand, in bounded number.
 *
 * Reading a key costs about as much as using it, decrypting one far more. A set's
 * place is chosen by a keyed hash; its least recently used key makes room. Thread-safe. */
#ifndef SECURITY_PKI_CACHE_H
#define SECURITY_PKI_CACHE_H

#include <openssl/evp.h>

#include "framework/env.h"

#define PKI_CACHE_NAME_MAX 192 /* bytes of a name a key is kept under */

struct pki_cache;

/* gives */
PONTO_MUST_CHECK int pki_cache_create(const struct ponto_alloc *alloc, const struct ponto_random *random,
				      size_t capacity, struct pki_cache **out);
/* Accepts NULL. */
void pki_cache_destroy(struct pki_cache *cache);

/* NULL when it is not there. gives a reference, freed with EVP_PKEY_free */
EVP_PKEY *pki_cache_get(struct pki_cache *cache, struct ponto_bytes name, uint32_t *tag);

/* Keeps a reference of its own, but for a longer name; tag comes back with the key. PONTO_ENOMEM. */
PONTO_MUST_CHECK int pki_cache_put(struct pki_cache *cache, struct ponto_bytes name, EVP_PKEY *key, uint32_t tag);

void pki_cache_drop(struct pki_cache *cache, struct ponto_bytes name);

#endif
