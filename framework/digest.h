/* Ponto: hashes of bytes in memory. Pure: same input, same output, no
 * allocation, no failure. For identifiers and checksums inside engines; bulk
 * hashing, signatures and ciphers are work for plugins.
 * FIPS 180-4. SHA-1 is here because the published protocols demand it. */
#ifndef PONTO_DIGEST_H
#define PONTO_DIGEST_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PONTO_SHA1_SIZE 20
#define PONTO_SHA256_SIZE 32
#define PONTO_SHA384_SIZE 48
#define PONTO_SHA512_SIZE 64

/* The hash of the concatenation of count views. borrows parts */
void ponto_sha1(const struct ponto_bytes *parts, size_t count, uint8_t out[PONTO_SHA1_SIZE]);
void ponto_sha256(const struct ponto_bytes *parts, size_t count, uint8_t out[PONTO_SHA256_SIZE]);
void ponto_sha384(const struct ponto_bytes *parts, size_t count, uint8_t out[PONTO_SHA384_SIZE]);
void ponto_sha512(const struct ponto_bytes *parts, size_t count, uint8_t out[PONTO_SHA512_SIZE]);

/* A keyed 64-bit hash for tables whose keys a peer may choose (SipHash-2-4). key is 16 bytes. */
uint64_t ponto_siphash(const uint8_t key[16], struct ponto_bytes bytes);

#ifdef __cplusplus
}
#endif
#endif
