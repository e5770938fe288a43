/* PNRP: what makes a certificate chain prove that a peer name was delegated.
 *
 * The rules only: taking certificates apart, and their signatures, are work for a security plugin, which fills in
 * struct pnrp_certificate, root first. Pure; allocation only where an allocator is given.
 * [MS-PNRP] 2.2.3.5, 3.1.5.10; the readings are in docs/pnrp-wire.md. */
#ifndef ENGINES_PNRP_PNRP_CHAIN_H
#define ENGINES_PNRP_PNRP_CHAIN_H

#include "engines/pnrp/pnrp_name.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PNRP_CERTIFICATES_MAX 25   /* in a chain, 2.2.3.5 */
#define PNRP_CERTIFICATE_SERIAL 16 /* bytes of a serialNumber */
#define PNRP_CERTIFICATE_TEXT 255  /* characters of subject, issuer and alternative names */
#define PNRP_PEER_NAME_TEXT 192	   /* characters of a PnrpPeerName, 2.2.3.5.1.3 */
#define PNRP_GRANT_CLASSIFIERS 64  /* classifiers we put into one certificate; any number is accepted */
#define PNRP_CLASSIFIER_TEXT 150   /* characters of a PnrpClassifier, 2.2.3.5.1.5; its grammar allows 149 */

enum pnrp_certificate_type { /* 2.2.3.5.1.1 */
			     PNRP_CERTIFICATE_MEMBER = 1,
			     PNRP_CERTIFICATE_ROOT = 2,
			     PNRP_CERTIFICATE_IDENTITY = 3, /* [MS-PPSEC]: in no chain */
};

/* Bits; values equal enum ponto_role. 2.2.3.5.1.4 */
enum pnrp_role {
	PNRP_ROLE_ADMIN = 1,
	PNRP_ROLE_MEMBER = 2,
	PNRP_ROLE_INVITING = 4,
};

/* The role a 16-byte RoleUuid stands for, in any form a peer may have written it (T31, T41); 0: none. */
unsigned pnrp_role_of(const uint8_t uuid[16]);

/* The RoleUuid of one role, as 2.2.3.5.1.4 spells it. */
const uint8_t *pnrp_role_uuid(enum pnrp_role role);

/* UTF-16 units owned by someone else. */
struct pnrp_units {
	const uint16_t *unit;
	size_t count;
};

bool pnrp_units_equal(struct pnrp_units a, struct pnrp_units b);

/* Two places where an alternative name may stand: the extensions [RFC2459] defines, and their forerunners. */
enum pnrp_alt_name { PNRP_ALT_NAME, PNRP_ALT_NAME_OLD, PNRP_ALT_NAMES };

/* One certificate, its syntax checked. Views borrow. */
struct pnrp_certificate {
	uint64_t not_before, not_after; /* wall seconds since 1970, both still valid */
	struct ponto_bytes public_key;
	uint32_t type; /* enum pnrp_certificate_type, or another number */
	unsigned roles;
	bool has_roles, has_peer_name, has_classifiers;
	bool has_subject_alt[PNRP_ALT_NAMES], has_issuer_alt[PNRP_ALT_NAMES];
	struct pnrp_units subject, peer_name;
	struct pnrp_units subject_alt[PNRP_ALT_NAMES], issuer_alt[PNRP_ALT_NAMES];
	const struct pnrp_units *classifiers;
	size_t classifier_count; /* 0: every classifier */
};

/* Whether this classifier may follow from the delegator's list under these roles, 2.2.3.5.1.5.1. */
bool pnrp_classifier_legal(const struct pnrp_certificate *delegator, unsigned roles, struct pnrp_units classifier);

/* Whether child may follow parent: alternative names, roles, and every classifier of its list. PONTO_EAUTH */
PONTO_MUST_CHECK int pnrp_chain_link(const struct pnrp_certificate *parent, const struct pnrp_certificate *child);

/* The rules of 2.2.3.5 and 3.1.5.10 that need neither the time nor a CPA. PONTO_EPROTO: a certificate is not what it
 * has to be; PONTO_EAUTH: something was not delegated. borrows */
PONTO_MUST_CHECK int pnrp_chain_check(const struct pnrp_certificate *certificates, size_t count);

/* Whether every certificate is valid now. PONTO_EAUTH. now: wall seconds since 1970 */
PONTO_MUST_CHECK int pnrp_chain_timely(const struct pnrp_certificate *certificates, size_t count, uint64_t now);

/* Whether a chain that passed pnrp_chain_check lets the holder of public_key use authority.classifier. PONTO_EAUTH */
PONTO_MUST_CHECK int pnrp_chain_allows(const struct pnrp_wire *wire, const struct pnrp_certificate *certificates,
				       size_t count, const uint8_t authority[PNRP_HASH_SIZE],
				       struct ponto_bytes public_key, struct pnrp_units classifier);

/* ---- telling ---------------------------------------------------------------------- */

#define PNRP_KEY_ID 41 /* bytes of an authority as text, NUL included */

/* The authority of a key in hexadecimal. */
void pnrp_key_id(const struct pnrp_wire *wire, struct ponto_bytes public_key, char out[PNRP_KEY_ID]);

/* A certificate for people. */
struct pnrp_certificate_text {
	char id[PNRP_KEY_ID];
	char name[256];		  /* the subject, cut if it is longer */
	const char **classifiers; /* UTF-8 */
};

/* gives *out, one block: ponto_free it. PONTO_ENOMEM */
PONTO_MUST_CHECK int pnrp_certificate_tell(const struct pnrp_wire *wire, const struct pnrp_certificate *certificate,
					   const struct ponto_alloc *alloc, struct pnrp_certificate_text **out);

/* When every certificate is valid. */
void pnrp_chain_times(const struct pnrp_certificate *certificates, size_t count, uint64_t *not_before,
		      uint64_t *not_after);

/* ---- issuing -------------------------------------------------------------------- */

/* What a new certificate shall say. */
struct pnrp_grant {
	const struct pnrp_certificate *chain; /* what it is added to, root first; none: a root is made */
	size_t chain_count;
	struct ponto_bytes public_key;	/* of the new certificate's owner */
	const char *name;		/* UTF-8, its subject; at most 255 characters */
	unsigned roles;			/* 0 for a root */
	const char *const *classifiers; /* UTF-8; none: every classifier */
	size_t classifier_count;
	uint64_t not_before, not_after; /* wall seconds since 1970 */
};

/* The certificate's content in one block; ponto_free it. Its alternative names are peer names without classifier:
 * the owner's, the issuer's; its PnrpPeerName is the root's. PONTO_EINVAL: a text is not what it has to be;
 * PONTO_EAUTH: the chain cannot grant that; PONTO_ELIMIT: it is full. The views into grant's public_key and chain
 * are kept. gives *out */
PONTO_MUST_CHECK int pnrp_grant_make(const struct pnrp_wire *wire, const struct pnrp_grant *grant,
				     const struct ponto_alloc *alloc, struct pnrp_certificate **out);

#ifdef __cplusplus
}
#endif
#endif
