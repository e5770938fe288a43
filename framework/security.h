/* Ponto: the security contract: identities, and what their keys do.
 *
 * Calls block and are thread-safe: run them on the instance's pool, except
 * authority, which is a hash. Private keys never cross this contract but by
 * export. Every identity has an owner, a uid; another uid's identity does not
 * exist for the caller (PONTO_ENOENT). */
#ifndef PONTO_SECURITY_H
#define PONTO_SECURITY_H

#include "framework/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_SECURITY_ABI 1

/* The primitives of a cloud, graph or cache. */
enum ponto_profile {
	PONTO_PROFILE_WINDOWS = 1, /* RSA-1024, RSASSA-PKCS1-v1_5 with SHA-1, as [MS-PNRP] 2.2.3 demands */
	PONTO_PROFILE_MODERN = 2,  /* Ed25519; SHA-256 cut to 20 bytes as authority (docs/modern.md) */
};

#define PONTO_AUTHORITY_SIZE 20
#define PONTO_PUBLIC_KEY_MAX 160 /* bytes: DER RSAPublicKey of 140, or 32 raw */
#define PONTO_SIGNATURE_MAX 128	 /* bytes: 128 or 64 */
#define PONTO_IDENTITY_ID 41	 /* the authority in hexadecimal, NUL included */
#define PONTO_IDENTITY_NAME 256	 /* bytes of UTF-8, NUL included */
#define PONTO_EXPORT_MAX 16384	 /* bytes of an exported identity */

struct ponto_identity {
	char id[PONTO_IDENTITY_ID];
	char name[PONTO_IDENTITY_NAME]; /* display name, never empty */
	uint8_t authority[PONTO_AUTHORITY_SIZE];
	uint32_t profile; /* enum ponto_profile */
	uint32_t owner;	  /* uid */
	uint64_t created; /* wall microseconds */
	uint8_t public_key[PONTO_PUBLIC_KEY_MAX];
	uint16_t public_key_len;
};

/* borrows. Return false to stop. */
typedef bool ponto_identity_fn(void *arg, const struct ponto_identity *identity);

/* ---- the rules every implementation shares; pure --------------------------- */

#define PONTO_RSA1024_KEY_SIZE 140 /* bytes of a DER RSAPublicKey with 128 bytes of modulus and 3 of exponent */
#define PONTO_RSA1024_SIGNATURE_SIZE 128
#define PONTO_ED25519_KEY_SIZE 32
#define PONTO_ED25519_SIGNATURE_SIZE 64

/* A display name: 1..255 bytes of UTF-8 without control characters. NULL is none. */
bool ponto_identity_name_valid(const char *name);

/* 40 lower-case hexadecimal digits. NULL is none. */
bool ponto_identity_id_valid(const char *id);

/* PONTO_EPROTO: not the encoding of a public key of this profile; PONTO_EINVAL: no such profile. */
PONTO_MUST_CHECK int ponto_public_key_check(uint32_t profile, struct ponto_bytes public_key);

/* What the authority call answers; the same errors. */
PONTO_MUST_CHECK int ponto_public_key_authority(uint32_t profile, struct ponto_bytes public_key,
						uint8_t out[PONTO_AUTHORITY_SIZE]);

/* Fills public_key, authority and id of out from a key; nothing else. The same errors. */
PONTO_MUST_CHECK int ponto_identity_set_key(uint32_t profile, struct ponto_bytes public_key,
					    struct ponto_identity *out);

/* ---- the contract ------------------------------------------------------------ */

struct ponto_security_ops {
	struct ponto_vtable head;
	int (*create)(const struct ponto_env *env, void **self);
	void (*destroy)(void *self);
	int (*identity_create)(void *self, uint32_t owner, uint32_t profile, const char *name,
			       struct ponto_identity *out);
	int (*identity_list)(void *self, uint32_t owner, ponto_identity_fn *fn, void *arg);
	int (*identity_get)(void *self, uint32_t owner, const char *id, struct ponto_identity *out);
	int (*identity_remove)(void *self, uint32_t owner, const char *id);
	int (*identity_export)(void *self, uint32_t owner, const char *id, const char *password,
			       const struct ponto_alloc *alloc, uint8_t **data, size_t *len);
	int (*identity_import)(void *self, uint32_t owner, struct ponto_bytes data, const char *password,
			       struct ponto_identity *out);
	int (*sign)(void *self, uint32_t owner, const char *id, struct ponto_bytes data,
		    uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len);
	int (*verify)(void *self, uint32_t profile, struct ponto_bytes public_key, struct ponto_bytes data,
		      struct ponto_bytes signature);
	int (*authority)(void *self, uint32_t profile, struct ponto_bytes public_key,
			 uint8_t out[PONTO_AUTHORITY_SIZE]);
};

struct ponto_security {
	const struct ponto_security_ops *ops;
	void *self;
	struct ponto_pool *pool;
};

/* Makes a key pair and keeps it. name: 1..255 bytes of UTF-8 without control characters, else PONTO_EINVAL.
 * PONTO_ELIMIT: the owner has as many as the configuration allows. PONTO_ENOTSUP: this plugin lacks that profile. */
PONTO_MUST_CHECK static inline int ponto_identity_create(struct ponto_security s, uint32_t owner, uint32_t profile,
							 const char *name, struct ponto_identity *out)
{
	return s.ops->identity_create(s.self, owner, profile, name, out);
}

/* The owner's identities, oldest first. A damaged one is logged and left out. fn must not call back in. */
PONTO_MUST_CHECK static inline int ponto_identity_list(struct ponto_security s, uint32_t owner, ponto_identity_fn *fn,
						       void *arg)
{
	return s.ops->identity_list(s.self, owner, fn, arg);
}

/* Here and below: PONTO_ENOENT for an id the owner has not, whatever its text; PONTO_ECORRUPT: damaged. */
PONTO_MUST_CHECK static inline int ponto_identity_get(struct ponto_security s, uint32_t owner, const char *id,
						      struct ponto_identity *out)
{
	return s.ops->identity_get(s.self, owner, id, out);
}

/* A damaged one too. */
PONTO_MUST_CHECK static inline int ponto_identity_remove(struct ponto_security s, uint32_t owner, const char *id)
{
	return s.ops->identity_remove(s.self, owner, id);
}

/* Encrypted with password (not empty, else PONTO_EINVAL). gives *data, allocated with alloc */
PONTO_MUST_CHECK static inline int ponto_identity_export(struct ponto_security s, uint32_t owner, const char *id,
							 const char *password, const struct ponto_alloc *alloc,
							 uint8_t **data, size_t *len)
{
	return s.ops->identity_export(s.self, owner, id, password, alloc, data, len);
}

/* PONTO_EAUTH: wrong password; PONTO_EPROTO: damaged; PONTO_EEXIST: already there; PONTO_ELIMIT: as for
 * create; PONTO_EINVAL: empty password. On failure nothing changes. Name and time of creation come along. */
PONTO_MUST_CHECK static inline int ponto_identity_import(struct ponto_security s, uint32_t owner,
							 struct ponto_bytes data, const char *password,
							 struct ponto_identity *out)
{
	return s.ops->identity_import(s.self, owner, data, password, out);
}

/* The profile's signature in the published byte order (RFC 8017, RFC 8032). */
PONTO_MUST_CHECK static inline int ponto_sign(struct ponto_security s, uint32_t owner, const char *id,
					      struct ponto_bytes data, uint8_t signature[PONTO_SIGNATURE_MAX],
					      size_t *len)
{
	return s.ops->sign(s.self, owner, id, data, signature, len);
}

/* PONTO_OK, PONTO_EAUTH (does not fit), PONTO_EPROTO (not a key of this profile). A windows-profile
 * signature is also accepted in the byte-reversed order of CryptoAPI. */
PONTO_MUST_CHECK static inline int ponto_verify(struct ponto_security s, uint32_t profile,
						struct ponto_bytes public_key, struct ponto_bytes data,
						struct ponto_bytes signature)
{
	return s.ops->verify(s.self, profile, public_key, data, signature);
}

/* The peer-name authority of a key: [MS-PNRP] 2.2.3.1 BinaryAuthority, or its modern counterpart. */
PONTO_MUST_CHECK static inline int ponto_authority(struct ponto_security s, uint32_t profile,
						   struct ponto_bytes public_key, uint8_t out[PONTO_AUTHORITY_SIZE])
{
	return s.ops->authority(s.self, profile, public_key, out);
}

#ifdef __cplusplus
}
#endif
#endif
