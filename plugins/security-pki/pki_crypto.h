/* security-pki: keys and signatures, by OpenSSL.
 *
 * Thread-safe: a crypto and a key may be used by several threads at once.
 * [MS-PNRP] 2.2.3.1.4 and 2.2.3.2, RFC 8017 (RSASSA-PKCS1-v1_5), RFC 8032 (Ed25519). */
#ifndef SECURITY_PKI_CRYPTO_H
#define SECURITY_PKI_CRYPTO_H

#include <openssl/evp.h>

#include "framework/security.h"

/* A library context of our own, which all instances of a process share: the system's OpenSSL configuration, which may
 * forbid what the windows profile needs, does not reach it. */
struct pki_crypto {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *provider;
	bool works[PONTO_PROFILE_MODERN + 1]; /* by profile: it passed pki_crypto_test when the context was made */
};

/* Each to be undone by pki_crypto_fini. PONTO_ENOTSUP: OpenSSL's default provider cannot be loaded. */
PONTO_MUST_CHECK int pki_crypto_init(struct pki_crypto *crypto);
/* Accepts one that was zeroed or failed. */
void pki_crypto_fini(struct pki_crypto *crypto);

/* Signs and verifies with published values: PONTO_ENOTSUP when this OpenSSL cannot do the profile. */
PONTO_MUST_CHECK int pki_crypto_test(struct pki_crypto *crypto, uint32_t profile);

/* gives; freed with EVP_PKEY_free */
PONTO_MUST_CHECK int pki_key_generate(struct pki_crypto *crypto, uint32_t profile, EVP_PKEY **out);

/* PONTO_EPROTO: not a public key of this profile. gives */
PONTO_MUST_CHECK int pki_key_public(struct pki_crypto *crypto, uint32_t profile, struct ponto_bytes public_key,
				    EVP_PKEY **out);

/* PONTO_EPROTO: not a whole and consistent key pair of this profile. Slow for RSA: primes are tested. */
PONTO_MUST_CHECK int pki_key_check(struct pki_crypto *crypto, uint32_t profile, EVP_PKEY *key);

/* Sets public_key, authority and id of out. PONTO_EPROTO: a key of another profile. */
PONTO_MUST_CHECK int pki_key_describe(uint32_t profile, const EVP_PKEY *key, struct ponto_identity *out);

PONTO_MUST_CHECK int pki_key_sign(struct pki_crypto *crypto, uint32_t profile, EVP_PKEY *key, struct ponto_bytes data,
				  uint8_t signature[PONTO_SIGNATURE_MAX], size_t *len);

/* PONTO_EPROTO: not a public key of this profile; PONTO_EAUTH when the signature does not fit. */
PONTO_MUST_CHECK int pki_verify_with(struct pki_crypto *crypto, uint32_t profile, struct ponto_bytes public_key,
				     struct ponto_bytes data, struct ponto_bytes signature);

/* What OpenSSL last complained about: PONTO_ENOMEM, else otherwise. Empties the thread's error queue. */
int pki_crypto_error(int otherwise);

#endif
