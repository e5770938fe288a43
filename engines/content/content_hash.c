#include "engines/content/content_hash.h"

#include <assert.h>
#include <string.h>

#include "framework/digest.h"

/* The constant C2, MS_P2P_CACHING: the text calls it ASCII; deployed peers use UTF-16LE, terminator included. */
static const uint8_t caching[30] = {'M', 0,   'S', 0,	'_', 0,	  'P', 0,   '2', 0,   'P', 0,	'_', 0, 'C',
				    0,	 'A', 0,   'C', 0,   'H', 0,   'I', 0,	 'N', 0,   'G', 0,   0, 0};

bool content_algo_known(unsigned algo)
{
	return algo >= CONTENT_SHA256 && algo <= CONTENT_TRUNCATED;
}

size_t content_hash_size(enum content_algo algo)
{
	switch (algo) {
	case CONTENT_SHA384:
		return PONTO_SHA384_SIZE;
	case CONTENT_SHA512:
		return PONTO_SHA512_SIZE;
	default:
		return 32;
	}
}

/* Not yet truncated: what HMAC needs inside. Returns the length. */
static size_t full_hash(enum content_algo algo, const struct ponto_bytes *parts, size_t count,
			uint8_t out[CONTENT_HASH_MAX])
{
	switch (algo) {
	case CONTENT_SHA256:
		ponto_sha256(parts, count, out);
		return PONTO_SHA256_SIZE;
	case CONTENT_SHA384:
		ponto_sha384(parts, count, out);
		return PONTO_SHA384_SIZE;
	default:
		ponto_sha512(parts, count, out);
		return PONTO_SHA512_SIZE;
	}
}

static void truncate_hash(enum content_algo algo, uint8_t out[CONTENT_HASH_MAX])
{
	size_t size = content_hash_size(algo);

	memset(out + size, 0, CONTENT_HASH_MAX - size);
}

void content_hash(enum content_algo algo, const struct ponto_bytes *parts, size_t count, uint8_t out[CONTENT_HASH_MAX])
{
	full_hash(algo, parts, count, out);
	truncate_hash(algo, out);
}

void content_hmac(enum content_algo algo, struct ponto_bytes key, struct ponto_bytes first, struct ponto_bytes second,
		  uint8_t out[CONTENT_HASH_MAX])
{
	size_t block = algo == CONTENT_SHA256 ? 64 : 128, len;
	uint8_t pad[128], inner[CONTENT_HASH_MAX];
	struct ponto_bytes parts[3] = {ponto_bytes(pad, block), first, second};

	assert(key.len <= CONTENT_HASH_MAX);
	memset(pad, 0x36, block);
	for (size_t i = 0; i < key.len; i++)
		pad[i] ^= key.data[i];
	len = full_hash(algo, parts, 3, inner);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	parts[1] = ponto_bytes(inner, len);
	full_hash(algo, parts, 2, out);
	truncate_hash(algo, out);
	ponto_wipe(pad, sizeof(pad));
	ponto_wipe(inner, sizeof(inner));
}

void content_server_secret(enum content_algo algo, struct ponto_bytes secret_key, uint8_t ks[CONTENT_HASH_MAX])
{
	content_hash(algo, &secret_key, 1, ks);
}

void content_segment_secret(enum content_algo algo, const uint8_t ks[CONTENT_HASH_MAX],
			    const uint8_t hod[CONTENT_HASH_MAX], uint8_t kp[CONTENT_HASH_MAX])
{
	size_t size = content_hash_size(algo);

	content_hmac(algo, ponto_bytes(ks, size), ponto_bytes(hod, size), ponto_bytes(NULL, 0), kp);
}

void content_segment_id(enum content_algo algo, const uint8_t kp[CONTENT_HASH_MAX], const uint8_t hod[CONTENT_HASH_MAX],
			struct content_id *out)
{
	size_t size = content_hash_size(algo);

	content_hmac(algo, ponto_bytes(kp, size), ponto_bytes(hod, size), ponto_bytes(caching, sizeof(caching)),
		     out->b);
	out->len = (uint8_t)size;
}

bool content_id_equal(const struct content_id *a, const struct content_id *b)
{
	return ponto_bytes_equal(content_id_bytes(a), content_id_bytes(b));
}

int content_id_set(struct ponto_bytes bytes, struct content_id *out)
{
	if (bytes.len == 0 || bytes.len > CONTENT_ID_MAX)
		return PONTO_EPROTO;
	memset(out->b, 0, sizeof(out->b));
	memcpy(out->b, bytes.data, bytes.len);
	out->len = (uint8_t)bytes.len;
	return PONTO_OK;
}

uint32_t content_id_bucket(const struct content_id *id, uint64_t seed, uint32_t count)
{
	uint64_t hash = seed ^ id->len;

	for (unsigned i = 0; i < id->len; i++) {
		hash = (hash ^ id->b[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return (uint32_t)((hash ^ seed) % count);
}
