/* security-pki: where identities and certificate chains lie: <state>/<instance>/<uid>/<id>.pem and .p7b,
 * files 0600 in directories 0700; in memory when the node keeps nothing.
 *
 * The caller serialises: any number of readers, or one writer. Ids are valid
 * (ponto_identity_id_valid) when they get here, so they are safe as file names. */
#ifndef SECURITY_PKI_VAULT_H
#define SECURITY_PKI_VAULT_H

#include "framework/security.h"

struct pki_vault;

#define PKI_OWNER_ID "0000000000000000000000000000000000000000" /* of what is the owner's, and no key's */

enum pki_kind {
	PKI_IDENTITY, /* text, at most PONTO_EXPORT_MAX bytes */
	PKI_CHAIN,    /* at most PONTO_CHAIN_MAX bytes */
	PKI_DEFAULT,  /* under PKI_OWNER_ID: the id of the owner's default identity */
	PKI_KINDS
};

/* Clears away files a crash left half-written. gives */
PONTO_MUST_CHECK int pki_vault_create(const struct ponto_env *env, struct pki_vault **out);
/* Accepts NULL. */
void pki_vault_destroy(struct pki_vault *vault);

/* Adds one; when it returns PONTO_OK it survives a power cut, when not nothing has changed. PONTO_EEXIST: the
 * owner has that id. PONTO_EACCES, PONTO_ENOSPC, PONTO_EIO: logged. copies */
PONTO_MUST_CHECK int pki_vault_add(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id,
				   struct ponto_bytes text);

/* The same, in the place of what may be there. copies */
PONTO_MUST_CHECK int pki_vault_put(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id,
				   struct ponto_bytes text);

/* PONTO_ECORRUPT: not a file of acceptable size. gives *text; it may hold a secret: wipe it */
PONTO_MUST_CHECK int pki_vault_get(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id,
				   const struct ponto_alloc *alloc, uint8_t **text, size_t *len);

PONTO_MUST_CHECK int pki_vault_remove(struct pki_vault *vault, enum pki_kind kind, uint32_t owner, const char *id);

/* The owner's ids in no order. gives *ids, allocated with the instance's allocator; NULL when there are none */
PONTO_MUST_CHECK int pki_vault_ids(struct pki_vault *vault, enum pki_kind kind, uint32_t owner,
				   char (**ids)[PONTO_IDENTITY_ID], size_t *count);

#endif
