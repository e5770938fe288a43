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

/* Wipes and frees; accepts NULL. */
void pki_free_text(const struct ponto_alloc *alloc, uint8_t *text, size_t len);
/* Reads who id is; the caller holds the lock. */
PONTO_MUST_CHECK int pki_describe(struct pki *pki, uint32_t owner, const char *id, struct pki_record *out);
/* Reads the key pair too; the caller holds the lock. gives *key */
PONTO_MUST_CHECK int pki_load_key(struct pki *pki, uint32_t owner, const char *id, struct pki_record *out,
				  EVP_PKEY **key);
/* Adds an identity with its key to the vault, and to nothing when it fails. fresh: made here, so it gets its time. */
PONTO_MUST_CHECK int pki_admit(struct pki *pki, struct pki_record *record, EVP_PKEY *key, bool fresh);
/* Refused with PONTO_ELIMIT before the costly part; pki_admit decides. */
PONTO_MUST_CHECK int pki_has_room(struct pki *pki, uint32_t owner);
/* PONTO_EINVAL: none, or a longer one than PKI_PASSWORD_MAX. */
PONTO_MUST_CHECK int pki_check_password(const char *password);

/* ---- pki_detail.c: what an identity has beside its key ------------------------------- */

PONTO_MUST_CHECK int pki_identity_detail(void *self, uint32_t owner, const char *id, struct ponto_identity_detail *out);
PONTO_MUST_CHECK int pki_identity_change(void *self, uint32_t owner, const char *id,
					 const struct ponto_identity_change *change);

/* ---- pki_card.c: certificates of identities ---------------------------------------------- */

PONTO_MUST_CHECK int pki_identity_card(void *self, uint32_t owner, const char *id, const struct ponto_alloc *alloc,
				       uint8_t **data, size_t *len);
/* The identity, its key and its certificate. PONTO_ENOTSUP: its profile has none. gives *key and *x, *key even then */
PONTO_MUST_CHECK int pki_card_load(struct pki *pki, uint32_t owner, const char *id, struct pki_record *out,
				   EVP_PKEY **key, X509 **x);

/* ---- pki_pfx.c: keys on their way in and out in forms of others -------------------------- */

PONTO_MUST_CHECK int pki_identity_export_pfx(void *self, uint32_t owner, const char *id, const char *password,
					     const struct ponto_alloc *alloc, uint8_t **data, size_t *len);
PONTO_MUST_CHECK int pki_identity_adopt(void *self, uint32_t owner, uint32_t profile, const char *name,
					struct ponto_bytes key, struct ponto_identity *out);
PONTO_MUST_CHECK int pki_identity_import_pfx(void *self, uint32_t owner, const char *peer_name, struct ponto_bytes data,
					     const char *password, struct ponto_identity *out);

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
