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

#define PONTO_CLASSIFIER_UNITS 149 /* of UTF-16 in a classifier */
#define PONTO_CLASSIFIER_TEXT 448  /* bytes of UTF-8 they take at most, NUL included */

/* What an identity has beside its key and name. */
struct ponto_identity_detail {
	char classifier[PONTO_CLASSIFIER_TEXT]; /* of its peer name, authority.classifier; may be empty */
	bool is_default;			/* its owner chose it */
};

/* What to change; NULL and false leave things as they are. */
struct ponto_identity_change {
	const char *name;
	const char *classifier; /* as ponto_identity_classifier_valid says */
	bool make_default;	/* and no other one */
};

/* borrows. Return false to stop. */
typedef bool ponto_identity_fn(void *arg, const struct ponto_identity *identity);

/* ---- certificate chains: one identity lets another use its peer names ------- */

#define PONTO_CHAIN_MAX 31744	   /* bytes of a certificate chain */
#define PONTO_CHAIN_TEXT_MAX 65536 /* bytes of one as text */
#define PONTO_CHAIN_CERTIFICATES 25
#define PONTO_CHAIN_CLASSIFIERS 64 /* that one certificate is issued for */

/* What the holder of a certificate may hand on. Bits. */
enum ponto_role {
	PONTO_ROLE_ADMIN = 1,	 /* names that begin with one of its classifiers, to anybody */
	PONTO_ROLE_MEMBER = 2,	 /* uses its classifiers as they are; hands on no more */
	PONTO_ROLE_INVITING = 4, /* as admin; applications tell the two apart */
};

/* What is granted to a key. */
struct ponto_delegation {
	struct ponto_bytes public_key;	/* of the delegate */
	const char *name;		/* its display name, as that of an identity */
	uint32_t roles;			/* at least one */
	const char *const *classifiers; /* UTF-8, at most 149 UTF-16 units each; none: every classifier */
	size_t classifier_count;
	uint64_t not_before, not_after; /* wall microseconds; cut to whole seconds */
};

/* A chain from afar. */
struct ponto_chain {
	char id[PONTO_IDENTITY_ID];   /* names the chain: a hash of its bytes */
	char root[PONTO_IDENTITY_ID]; /* id of the identity whose names are delegated */
	char leaf[PONTO_IDENTITY_ID]; /* id of the one that may use them */
	uint32_t profile;
	uint32_t certificates;
	uint64_t not_before, not_after; /* wall microseconds: when all of it is valid; may be no time at all */
	size_t size;			/* bytes */
};

/* One certificate of a chain. */
struct ponto_certificate {
	char id[PONTO_IDENTITY_ID];	/* of its owner */
	char name[PONTO_IDENTITY_NAME]; /* its owner's display name, cut if it is longer; may be empty */
	uint32_t roles;			/* 0: it has none, as a root */
	uint64_t not_before, not_after; /* wall microseconds */
	const char *const *classifiers; /* UTF-8; none: every classifier */
	size_t classifier_count;
};

/* borrow. Return false to stop. */
typedef bool ponto_chain_fn(void *arg, const struct ponto_chain *chain);
typedef bool ponto_certificate_fn(void *arg, const struct ponto_certificate *certificate);

/* Who claims what by a chain. */
struct ponto_chain_use {
	uint8_t authority[PONTO_AUTHORITY_SIZE]; /* of the name */
	struct ponto_bytes public_key;		 /* that signed */
	struct ponto_bytes classifier;		 /* of the name, UTF-16 with the high byte first */
};

/* ---- the rules every implementation shares; pure --------------------------- */

#define PONTO_RSA1024_KEY_SIZE 140 /* bytes of a DER RSAPublicKey with 128 bytes of modulus and 3 of exponent */
#define PONTO_RSA1024_SIGNATURE_SIZE 128
#define PONTO_ED25519_KEY_SIZE 32
#define PONTO_ED25519_SIGNATURE_SIZE 64

/* The classifier of an identity's peer name: UTF-8 of at most 149 UTF-16 units, all of them characters that XML can
 * carry; may be empty. NULL is none. */
bool ponto_identity_classifier_valid(const char *classifier);

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
	/* from here on: may be missing */
	int (*chain_issue)(void *self, uint32_t owner, const char *id, struct ponto_bytes chain,
			   const struct ponto_delegation *delegation, bool text, const struct ponto_alloc *alloc,
			   uint8_t **data, size_t *len);
	int (*chain_read)(void *self, struct ponto_bytes data, ponto_certificate_fn *fn, void *arg,
			  struct ponto_chain *out);
	int (*chain_verify)(void *self, uint32_t profile, struct ponto_bytes chain, const struct ponto_chain_use *use);
	int (*chain_add)(void *self, uint32_t owner, struct ponto_bytes data, struct ponto_chain *out);
	int (*chain_list)(void *self, uint32_t owner, ponto_chain_fn *fn, void *arg);
	int (*chain_get)(void *self, uint32_t owner, const char *id, bool text, const struct ponto_alloc *alloc,
			 uint8_t **data, size_t *len);
	int (*chain_remove)(void *self, uint32_t owner, const char *id);
	int (*identity_detail)(void *self, uint32_t owner, const char *id, struct ponto_identity_detail *out);
	int (*identity_change)(void *self, uint32_t owner, const char *id, const struct ponto_identity_change *change);
	int (*identity_card)(void *self, uint32_t owner, const char *id, const struct ponto_alloc *alloc,
			     uint8_t **data, size_t *len);
	int (*identity_export_pfx)(void *self, uint32_t owner, const char *id, const char *password,
				   const struct ponto_alloc *alloc, uint8_t **data, size_t *len);
	int (*identity_import_pfx)(void *self, uint32_t owner, const char *peer_name, struct ponto_bytes data,
				   const char *password, struct ponto_identity *out);
	int (*identity_adopt)(void *self, uint32_t owner, uint32_t profile, const char *name, struct ponto_bytes key,
			      struct ponto_identity *out);
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

/* PONTO_EAUTH: wrong password; PONTO_EPROTO: damaged; PONTO_EEXIST: already there, and out says which; PONTO_ELIMIT: as
 * for create; PONTO_EINVAL: empty password. On failure nothing changes. Name and time of creation come along. */
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

/* ---- certificate chains. PONTO_ENOTSUP of every call: this plugin has none --------- */

/* Delegates: id's identity certifies a key. chain: how id came by the names itself, ending in its key; empty: they
 * are its own. The new chain has one certificate more (from nothing: two, the root's own first). Ends no later than
 * the chain it continues. PONTO_ENOTSUP also: the identity's profile has no chains; PONTO_EINVAL: the delegation
 * breaks a rule of form, or its key is of another profile; PONTO_EAUTH: the chain is not the identity's, or does not
 * let it delegate that; PONTO_ELIMIT: 25 certificates or PONTO_CHAIN_MAX bytes would not do; PONTO_EPROTO: chain is
 * none. The new chain comes as bytes, or as text. gives *data, allocated with alloc */
PONTO_MUST_CHECK static inline int ponto_chain_issue(struct ponto_security s, uint32_t owner, const char *id,
						     struct ponto_bytes chain,
						     const struct ponto_delegation *delegation, bool text,
						     const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	return PONTO_HAS(s.ops, chain_issue)
		       ? s.ops->chain_issue(s.self, owner, id, chain, delegation, text, alloc, data, len)
		       : PONTO_ENOTSUP;
}

/* What a chain, in bytes or as text, says: its rules and signatures are checked, not the time. PONTO_EPROTO: it is
 * none; PONTO_EAUTH: a signature does not fit, or something was not delegated. fn, which may be NULL, is called once
 * all is good, root first. */
PONTO_MUST_CHECK static inline int ponto_chain_read(struct ponto_security s, struct ponto_bytes data,
						    ponto_certificate_fn *fn, void *arg, struct ponto_chain *out)
{
	return PONTO_HAS(s.ops, chain_read) ? s.ops->chain_read(s.self, data, fn, arg, out) : PONTO_ENOTSUP;
}

/* [MS-PNRP] 3.1.5.10, at the present time. PONTO_OK, PONTO_EAUTH, PONTO_EPROTO; PONTO_ENOTSUP also: the profile has
 * no chains. */
PONTO_MUST_CHECK static inline int ponto_chain_verify(struct ponto_security s, uint32_t profile,
						      struct ponto_bytes chain, const struct ponto_chain_use *use)
{
	return PONTO_HAS(s.ops, chain_verify) ? s.ops->chain_verify(s.self, profile, chain, use) : PONTO_ENOTSUP;
}

/* Keeps a chain, given in bytes or as text, for the owner. As chain_read, and: PONTO_ENOENT: its leaf is no identity
 * of the owner's; PONTO_EEXIST: already there; PONTO_ELIMIT: the owner has as many as identities
 * are allowed. */
PONTO_MUST_CHECK static inline int ponto_chain_add(struct ponto_security s, uint32_t owner, struct ponto_bytes data,
						   struct ponto_chain *out)
{
	return PONTO_HAS(s.ops, chain_add) ? s.ops->chain_add(s.self, owner, data, out) : PONTO_ENOTSUP;
}

/* The owner's chains, in the order of their ids. A damaged one is logged and left out. fn must not call back in. */
PONTO_MUST_CHECK static inline int ponto_chain_list(struct ponto_security s, uint32_t owner, ponto_chain_fn *fn,
						    void *arg)
{
	return PONTO_HAS(s.ops, chain_list) ? s.ops->chain_list(s.self, owner, fn, arg) : PONTO_ENOTSUP;
}

/* The chain's bytes, or its text. gives *data, allocated with alloc */
PONTO_MUST_CHECK static inline int ponto_chain_get(struct ponto_security s, uint32_t owner, const char *id, bool text,
						   const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	return PONTO_HAS(s.ops, chain_get) ? s.ops->chain_get(s.self, owner, id, text, alloc, data, len)
					   : PONTO_ENOTSUP;
}

PONTO_MUST_CHECK static inline int ponto_chain_remove(struct ponto_security s, uint32_t owner, const char *id)
{
	return PONTO_HAS(s.ops, chain_remove) ? s.ops->chain_remove(s.self, owner, id) : PONTO_ENOTSUP;
}

/* ---- more of an identity: a plugin has all of these or none, then each is PONTO_ENOTSUP ------ */

PONTO_MUST_CHECK static inline int ponto_identity_detail(struct ponto_security s, uint32_t owner, const char *id,
							 struct ponto_identity_detail *out)
{
	return PONTO_HAS(s.ops, identity_detail) ? s.ops->identity_detail(s.self, owner, id, out) : PONTO_ENOTSUP;
}

/* All of it or nothing. PONTO_EINVAL: no such name or classifier can be. */
PONTO_MUST_CHECK static inline int ponto_identity_change(struct ponto_security s, uint32_t owner, const char *id,
							 const struct ponto_identity_change *change)
{
	return PONTO_HAS(s.ops, identity_change) ? s.ops->identity_change(s.self, owner, id, change) : PONTO_ENOTSUP;
}

/* The public card: the identity's self-signed certificate ([MS-PPSEC] 2.2.3.1, IDC) in a PKCS #7 message, the same each
 * time until it changes. PONTO_ENOTSUP also: the profile has no certificates. gives *data, allocated with alloc */
PONTO_MUST_CHECK static inline int ponto_identity_card(struct ponto_security s, uint32_t owner, const char *id,
						       const struct ponto_alloc *alloc, uint8_t **data, size_t *len)
{
	return PONTO_HAS(s.ops, identity_card) ? s.ops->identity_card(s.self, owner, id, alloc, data, len)
					       : PONTO_ENOTSUP;
}

/* As ponto_identity_export, as PKCS #12 (RFC 7292). PONTO_ENOTSUP as for the card. gives *data, allocated with alloc */
PONTO_MUST_CHECK static inline int ponto_identity_export_pfx(struct ponto_security s, uint32_t owner, const char *id,
							     const char *password, const struct ponto_alloc *alloc,
							     uint8_t **data, size_t *len)
{
	return PONTO_HAS(s.ops, identity_export_pfx)
		       ? s.ops->identity_export_pfx(s.self, owner, id, password, alloc, data, len)
		       : PONTO_ENOTSUP;
}

/* As ponto_identity_import, of PKCS #12. The key must be that of peer_name, whose classifier the identity gets; where
 * the certificate inside says a peer name it must be the same one; else PONTO_EPROTO. Damage that the password's check
 * tells is PONTO_EAUTH: nothing tells it from a wrong password. */
PONTO_MUST_CHECK static inline int ponto_identity_import_pfx(struct ponto_security s, uint32_t owner,
							     const char *peer_name, struct ponto_bytes data,
							     const char *password, struct ponto_identity *out)
{
	return PONTO_HAS(s.ops, identity_import_pfx)
		       ? s.ops->identity_import_pfx(s.self, owner, peer_name, data, password, out)
		       : PONTO_ENOTSUP;
}

/* Keeps a key pair of the caller's, a private key in PEM without password. Errors as of create, and: PONTO_EPROTO: no
 * key pair of that profile; PONTO_EEXIST: already there, and out says which. borrows key */
PONTO_MUST_CHECK static inline int ponto_identity_adopt(struct ponto_security s, uint32_t owner, uint32_t profile,
							const char *name, struct ponto_bytes key,
							struct ponto_identity *out)
{
	return PONTO_HAS(s.ops, identity_adopt) ? s.ops->identity_adopt(s.self, owner, profile, name, key, out)
						: PONTO_ENOTSUP;
}

#ifdef __cplusplus
}
#endif
#endif
