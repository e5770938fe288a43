/* security-pki: an identity as text: headers, then a PKCS#8 key in PEM.
 *
 *     Ponto-Identity: 1
 *     Ponto-Profile: windows
 *     Ponto-Id: febe3705565228fca059cb0caec74e06404aa229
 *     Ponto-Created: 1767225600000000
 *     Ponto-Name: alice
 *     Ponto-Classifier: work      (of its peer name; left out when it is empty)
 *     Ponto-Public-Key: 30818902…
 *     Ponto-Check: SHA-256 of the lines above (ended by single line feeds) and the DER between the PEM lines
 *     -----BEGIN ENCRYPTED PRIVATE KEY-----
 *
 * The same text is an export and a file of the vault. The check tells damage from a wrong password before
 * anything is decrypted; `openssl pkey` skips the headers. RFC 5958, RFC 8018 (PBES2), RFC 7468. Thread-safe. */
#ifndef SECURITY_PKI_FILE_H
#define SECURITY_PKI_FILE_H

#include "plugins/security-pki/pki_crypto.h"

#define PKI_ITERATIONS_MAX 10000000 /* of PBKDF2; a file that asks for more is refused */
#define PKI_PASSWORD_MAX 1024	    /* bytes */

/* An identity and the classifier of its peer name. */
struct pki_record {
	struct ponto_identity identity;
	char classifier[PONTO_CLASSIFIER_TEXT];
};

/* Writes key under record. An empty password leaves the key in the clear. gives *text, allocated with alloc,
 * NUL-terminated; it may hold a secret: wipe it */
PONTO_MUST_CHECK int pki_file_write(struct pki_crypto *crypto, const struct pki_record *record, EVP_PKEY *key,
				    struct ponto_bytes password, int iterations, const struct ponto_alloc *alloc,
				    uint8_t **text, size_t *len);

/* Who it is, without the secret; owner is left alone. encrypted may be NULL. PONTO_EPROTO: damaged. */
PONTO_MUST_CHECK int pki_file_describe(struct ponto_bytes text, struct pki_record *out, bool *encrypted);

/* The key pair too. PONTO_EAUTH: wrong password; PONTO_EPROTO: damaged. thorough: also tests the key pair's
 * mathematics. gives *key, freed with EVP_PKEY_free */
PONTO_MUST_CHECK int pki_file_read(struct pki_crypto *crypto, struct ponto_bytes text, struct ponto_bytes password,
				   bool thorough, struct pki_record *out, EVP_PKEY **key);

#endif
