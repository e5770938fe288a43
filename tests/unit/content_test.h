/* Tests of content distribution: contents, hashed by OpenSSL, and what is made of them. */
#ifndef PONTO_TESTS_UNIT_CONTENT_TEST_H
#define PONTO_TESTS_UNIT_CONTENT_TEST_H

#include "engines/content/content_info.h"
#include "tests/support/test.h"

#define SECRET_KEY "no more secrets"

/* Bytes from malloc. */
struct blob {
	uint8_t *data;
	size_t len;
};

static inline struct ponto_bytes bytes_of(const struct blob *b)
{
	return ponto_bytes(b->data, b->len);
}

/* The n-byte test content: byte i is i mod 251. gives */
struct blob pattern(size_t n);

/* gives */
struct blob blob_hex(const char *hex);
struct blob blob_copy(const void *data, size_t len);

/* Replaces bytes at at. */
void blob_edit(struct blob *b, size_t at, const char *hex);

/* All bytes of actual are those of hex. */
void assert_hex(const void *actual, size_t len, const char *hex);

/* The SHA-256 of data is hex. */
void assert_sha256(struct ponto_bytes data, const char *hex);

/* OpenSSL's hash, truncated for version 2.0. */
void openssl_hash(enum content_algo algo, struct ponto_bytes data, uint8_t out[CONTENT_HASH_MAX]);

/* AES-CBC by OpenSSL with PKCS#7 padding; key of 16, 24 or 32 bytes. gives */
struct blob openssl_encrypt(struct ponto_bytes key, const uint8_t iv[16], struct ponto_bytes plain);
/* Without looking at the padding. gives */
struct blob openssl_decrypt(struct ponto_bytes key, const uint8_t iv[16], struct ponto_bytes cipher);

/* A content cut and hashed: its segments with the keys of SECRET_KEY. */
struct content_made {
	enum content_algo algo;
	uint64_t size;
	size_t count;
	struct content_segment *segments;
};

/* sizes: of the pieces of version 2.0, ending with 0; NULL: as content_cut says. gives */
struct content_made content_make(enum content_algo algo, struct ponto_bytes data, const uint32_t *sizes);
void content_made_free(struct content_made *made);

/* The Content Information of a range. gives */
struct blob content_describe(const struct content_made *made, uint64_t start, uint64_t length);

#endif
