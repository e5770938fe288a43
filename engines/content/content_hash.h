/* Content: the hash functions, and the keys and names made with them.
 *
 * Pure; no allocation. Only small things are hashed here (lists of hashes,
 * keys); hashing the bytes of contents is work for others, who hand in the
 * results. [MS-PCCRC] 2.2, 2.5. */
#ifndef ENGINES_CONTENT_CONTENT_HASH_H
#define ENGINES_CONTENT_CONTENT_HASH_H

#include "framework/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_HASH_MAX 64

/* What Content Information may be made with. All but the last are of version 1.0. */
enum content_algo {
	CONTENT_SHA256 = 1,
	CONTENT_SHA384 = 2,
	CONTENT_SHA512 = 3,
	CONTENT_TRUNCATED = 4, /* version 2.0: SHA-512 cut to its first 32 bytes */
};

bool content_algo_known(unsigned algo);

static inline bool content_is_v2(enum content_algo algo)
{
	return algo == CONTENT_TRUNCATED;
}

/* Bytes of a hash: 32, 48 or 64. */
size_t content_hash_size(enum content_algo algo);

/* The hash of the concatenation of count views; bytes of out beyond its size are zero. borrows parts */
void content_hash(enum content_algo algo, const struct ponto_bytes *parts, size_t count, uint8_t out[CONTENT_HASH_MAX]);

/* RFC 2104 over the same function, of message's two parts joined; truncated after the HMAC, not within. key: at most
 * CONTENT_HASH_MAX bytes. borrows */
void content_hmac(enum content_algo algo, struct ponto_bytes key, struct ponto_bytes first, struct ponto_bytes second,
		  uint8_t out[CONTENT_HASH_MAX]);

/* Ks of a secret key (2.5): under the Content Information's own function. */
void content_server_secret(enum content_algo algo, struct ponto_bytes secret_key, uint8_t ks[CONTENT_HASH_MAX]);

/* Kp, which is also Ke, of a segment with this HoD. */
void content_segment_secret(enum content_algo algo, const uint8_t ks[CONTENT_HASH_MAX],
			    const uint8_t hod[CONTENT_HASH_MAX], uint8_t kp[CONTENT_HASH_MAX]);

/* A segment's public name, HoHoDk. Bytes beyond len are zero, so that two are equal exactly when memcmp says so. */
#define CONTENT_ID_MAX 64
struct content_id {
	uint8_t len; /* 1..64; 32, 48 or 64 in what this engine makes */
	uint8_t b[CONTENT_ID_MAX];
};

void content_segment_id(enum content_algo algo, const uint8_t kp[CONTENT_HASH_MAX], const uint8_t hod[CONTENT_HASH_MAX],
			struct content_id *out);

static inline struct ponto_bytes content_id_bytes(const struct content_id *id)
{
	return ponto_bytes(id->b, id->len);
}

bool content_id_equal(const struct content_id *a, const struct content_id *b);

/* One of count buckets, which nobody can aim at who does not know the seed. */
uint32_t content_id_bucket(const struct content_id *id, uint64_t seed, uint32_t count);

/* PONTO_EPROTO for a length outside 1..64; out is untouched then. copies */
PONTO_MUST_CHECK int content_id_set(struct ponto_bytes bytes, struct content_id *out);

#ifdef __cplusplus
}
#endif
#endif
