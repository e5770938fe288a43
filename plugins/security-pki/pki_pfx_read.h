/* security-pki: PKCS #12 (RFC 7292) of others, read. OpenSSL takes it apart and decrypts; which schemes, and how many
 * rounds a file may ask for, is decided here. Thread-safe. */
#ifndef SECURITY_PKI_PFX_READ_H
#define SECURITY_PKI_PFX_READ_H

#include <openssl/x509.h>

#include "plugins/security-pki/pki_crypto.h"

/* What a file holds: its first private key, and the certificate of that key, if there is one, with its friendly name as
 * alias. rounds: those of the whole file together. PONTO_EAUTH: the password does not fit, or it is damaged;
 * PONTO_EPROTO: no such file, or one that asks for too much. gives *key and *x, which is NULL without a certificate */
PONTO_MUST_CHECK int pki_pfx_read(struct pki_crypto *crypto, struct ponto_bytes data, const char *password,
				  int64_t rounds, EVP_PKEY **key, X509 **x);

#endif
