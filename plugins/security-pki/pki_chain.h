/* security-pki: certificate chains as bytes, by OpenSSL: PKCS#7 SignedData that holds X.509 certificates, root first.
 *
 * Thread-safe. What a chain has to say to prove anything is in engines/pnrp/pnrp_chain.h; OpenSSL takes the bytes
 * apart and computes signatures, its own opinion of certificates is not asked for: purposes, policies, trust and name
 * constraints mean nothing here, and its system-wide settings must not decide what a peer name is.
 * [MS-PNRP] 2.2.3.5; [RFC2315] 9.1; [RFC2459]. */
#ifndef SECURITY_PKI_CHAIN_H
#define SECURITY_PKI_CHAIN_H

#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "engines/pnrp/pnrp_chain.h"
#include "plugins/security-pki/pki_crypto.h"

/* A chain taken apart. */
struct pki_chain {
	const struct ponto_alloc *alloc;
	size_t count;
	struct pnrp_certificate certificates[PNRP_CERTIFICATES_MAX]; /* root first */
	X509 *x509[PNRP_CERTIFICATES_MAX];			     /* in p7 */
	PKCS7 *p7;
	uint16_t *units; /* what the certificates' texts show */
	size_t unit_count, unit_room;
	struct pnrp_units *words; /* and their lists */
	size_t word_count, word_room;
};

/* The syntax of 2.2.3.5: PONTO_EPROTO when something breaks it. Costs no signature, and memory and time in proportion
 * to der, at most PONTO_CHAIN_MAX bytes. borrows der for the call only. gives *out */
PONTO_MUST_CHECK int pki_chain_parse(const struct ponto_alloc *alloc, struct ponto_bytes der, struct pki_chain **out);

/* Accepts NULL. */
void pki_chain_free(struct pki_chain *chain);

/* Each certificate is signed with the key of the one before it, the first with its own: PONTO_EAUTH. */
PONTO_MUST_CHECK int pki_chain_signed(struct pki_crypto *crypto, const struct pki_chain *chain);

/* Between bytes and text: PEM, label PKCS7, as `openssl pkcs7 -print_certs` reads it. PONTO_EPROTO. gives *out,
 * allocated with alloc */
PONTO_MUST_CHECK int pki_chain_to_text(struct ponto_bytes der, const struct ponto_alloc *alloc, uint8_t **out,
				       size_t *len);
PONTO_MUST_CHECK int pki_chain_from_text(struct ponto_bytes text, const struct ponto_alloc *alloc, uint8_t **out,
					 size_t *len);

/* ---- pki_certificate.c: writing ---------------------------------------------------- */

/* Signs tbs with the issuer's key: 128 bytes. */
typedef int pki_sign_fn(void *arg, struct ponto_bytes tbs, uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len);

/* A certificate that says content, under the issuer's name. gives *out, freed with X509_free */
PONTO_MUST_CHECK int pki_certificate_make(struct pki_crypto *crypto, const struct ponto_random *random,
					  const struct pnrp_certificate *content, struct pnrp_units issuer,
					  pki_sign_fn *sign, void *arg, X509 **out);

/* The certificates as one chain. PONTO_ELIMIT: more than PONTO_CHAIN_MAX bytes. gives *out, allocated with alloc */
PONTO_MUST_CHECK int pki_chain_write(X509 *const *certificates, size_t count, const struct ponto_alloc *alloc,
				     uint8_t **out, size_t *len);

/* ---- pki_oid.c: what both know -------------------------------------------------------- */

/* 1.3.6.1.4.1.311.44.a.b: how it begins, and its parts. */
#define PKI_P2P_GENERAL 0
#define PKI_P2P_PNRP 3
#define PKI_OID_TYPE PKI_P2P_GENERAL, 1		    /* PnrpCertificateType, 2.2.3.5.1.1 */
#define PKI_OID_VERSION PKI_P2P_GENERAL, 4	    /* PnrpCertificateVersion, 2.2.3.5.1.2 */
#define PKI_OID_PEER_NAME PKI_P2P_PNRP, 1	    /* PnrpPeerName, 2.2.3.5.1.3 */
#define PKI_OID_FLAGS PKI_P2P_PNRP, 2		    /* grouping flags, [MS-PPSEC]: zero if they are there */
#define PKI_OID_ROLE PKI_P2P_PNRP, 3		    /* PnrpRole, 2.2.3.5.1.4 */
#define PKI_OID_PEER_AUTHENTICATION PKI_P2P_PNRP, 4 /* [MS-PPSEC] */
#define PKI_OID_CLASSIFIERS PKI_P2P_PNRP, 5
#define PKI_OID_PEER_NAME_VALUE PKI_P2P_GENERAL, 2  /* type-id of a PnrpPeerNameString */
#define PKI_OID_CLASSIFIER_VALUE PKI_P2P_GENERAL, 3 /* type-id of a PnrpClassifier */

bool pki_oid_is(const ASN1_OBJECT *oid, uint8_t a, uint8_t b);
/* NULL: no memory. gives */
ASN1_OBJECT *pki_oid_make(uint8_t a, uint8_t b);

extern const uint8_t pki_certificate_version[4];

#endif
