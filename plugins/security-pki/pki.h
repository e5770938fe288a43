/* security-pki inside: an instance, and what its parts ask of each other. Thread-safe by its lock. */
#ifndef SECURITY_PKI_PKI_H
#define SECURITY_PKI_PKI_H

#include <pthread.h>

#include "plugins/security-pki/pki_cache.h"
#include "plugins/security-pki/pki_file.h"
#include "plugins/security-pki/pki_vault.h"

#define PKI_TOPIC "security.pki"

struct pki {
	const struct ponto_env *env;
	struct pki_crypto crypto;
	bool works[PONTO_PROFILE_MODERN + 1]; /* by profile */
	pthread_rwlock_t lock;		      /* over the vault, and over private keys entering the cache */
	struct pki_vault *vault;
	struct pki_cache *cache;
	uint64_t last_created; /* under lock */
	size_t limit;
	int iterations;
	uint8_t secret[PKI_PASSWORD_MAX]; /* of key_file */
	size_t secret_len;
	struct ponto_counter *signed_count, *verified_count, *refused_count;
};

/* ---- pki_plugin.c ------------------------------------------------------------------ */

/* PONTO_ENOTSUP: this OpenSSL cannot do the profile; PONTO_EINVAL: there is none. */
PONTO_MUST_CHECK int pki_usable(const struct pki *pki, uint32_t profile);
PONTO_MUST_CHECK int pki_identity_get(void *self, uint32_t owner, const char *id, struct ponto_identity *out);
PONTO_MUST_CHECK int pki_sign(void *self, uint32_t owner, const char *id, struct ponto_bytes data,
			      uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len);

/* ---- pki_delegate.c: the contract's chain calls -------------------------------------- */

PONTO_MUST_CHECK int pki_chain_issue(void *self, uint32_t owner, const char *id, struct ponto_bytes chain,
				     const struct ponto_delegation *delegation, bool text,
				     const struct ponto_alloc *alloc, uint8_t **data, size_t *len);
PONTO_MUST_CHECK int pki_chain_read(void *self, struct ponto_bytes data, ponto_certificate_fn *fn, void *arg,
				    struct ponto_chain *out);
PONTO_MUST_CHECK int pki_chain_verify(void *self, uint32_t profile, struct ponto_bytes chain,
				      const struct ponto_chain_use *use);
PONTO_MUST_CHECK int pki_chain_add(void *self, uint32_t owner, struct ponto_bytes data, struct ponto_chain *out);
PONTO_MUST_CHECK int pki_chain_list(void *self, uint32_t owner, ponto_chain_fn *fn, void *arg);
PONTO_MUST_CHECK int pki_chain_get(void *self, uint32_t owner, const char *id, bool text,
				   const struct ponto_alloc *alloc, uint8_t **data, size_t *len);
PONTO_MUST_CHECK int pki_chain_remove(void *self, uint32_t owner, const char *id);

#endif
