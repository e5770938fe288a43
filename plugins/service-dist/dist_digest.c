/* OpenSSL's block functions are called directly: a message is begun, and ended, by them, and its state between is what
 * several are hashed by. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "plugins/service-dist/dist_digest.h"

#include <string.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

/* A piece that is being hashed. */
struct strand {
	enum content_algo algo;
	struct ponto_bytes rest;
	uint64_t bits; /* before it */
	uint8_t *out;
	union {
		SHA256_CTX sha256;
		SHA512_CTX sha512; /* SHA-384 too */
	} ctx;
};

_Static_assert(offsetof(SHA256_CTX, h) == 0 && offsetof(SHA512_CTX, h) == 0, "either begins with the state");

const EVP_MD *dist_digest_md(enum content_algo algo)
{
	return algo == CONTENT_SHA256 ? EVP_sha256() : algo == CONTENT_SHA384 ? EVP_sha384() : EVP_sha512();
}

static void begin(struct strand *s, enum content_algo algo, struct ponto_bytes piece, uint8_t *out)
{
	*s = (struct strand){.algo = algo, .rest = piece, .out = out};
	if (algo == CONTENT_SHA256)
		SHA256_Init(&s->ctx.sha256);
	else if (algo == CONTENT_SHA384)
		SHA384_Init(&s->ctx.sha512);
	else
		SHA512_Init(&s->ctx.sha512);
}

static void end(struct strand *s)
{
	uint8_t full[CONTENT_HASH_MAX];

	if (s->algo == CONTENT_SHA256) {
		s->ctx.sha256.Nl = (SHA_LONG)s->bits;
		s->ctx.sha256.Nh = (SHA_LONG)(s->bits >> 32);
		SHA256_Update(&s->ctx.sha256, s->rest.data, s->rest.len);
		SHA256_Final(full, &s->ctx.sha256);
	} else {
		s->ctx.sha512.Nl = s->bits;
		SHA512_Update(&s->ctx.sha512, s->rest.data, s->rest.len);
		SHA512_Final(full, &s->ctx.sha512);
	}
	memset(s->out, 0, CONTENT_HASH_MAX);
	memcpy(s->out, full, content_hash_size(s->algo));
}

/* As many blocks of each as the shortest has left; fewer strands than way is wide leave the others' results unused. */
static void advance(const struct dist_sha *way, struct strand *strands, unsigned busy)
{
	uint64_t unused[8] = {0};
	void *states[DIST_SHA_WIDTH_MAX];
	const uint8_t *data[DIST_SHA_WIDTH_MAX];
	size_t len = SIZE_MAX;

	for (unsigned i = 0; i < way->width; i++) {
		struct strand *s = &strands[i < busy ? i : 0];

		states[i] = i < busy ? (void *)&s->ctx : unused;
		data[i] = s->rest.data;
		len = s->rest.len < len ? s->rest.len : len;
	}
	len -= len % way->block;
	way->blocks(states, data, len / way->block);
	for (unsigned i = 0; i < busy; i++) {
		strands[i].rest = ponto_bytes(strands[i].rest.data + len, strands[i].rest.len - len);
		strands[i].bits += 8 * (uint64_t)len;
	}
}

void dist_digests(const struct dist_sha *way, enum content_algo algo, const struct ponto_bytes *pieces, size_t count,
		  uint8_t (*out)[CONTENT_HASH_MAX])
{
	struct strand strands[DIST_SHA_WIDTH_MAX];
	unsigned width = way ? way->width : 1, busy = 0;
	size_t begun = 0;

	while (begun < count || busy > 0) {
		bool alone;

		for (; busy < width && begun < count; busy++, begun++)
			begin(&strands[busy], algo, pieces[begun], out[begun]);
		alone = busy == 1;
		if (!alone)
			advance(way, strands, busy);
		for (unsigned i = busy; i-- > 0;) {
			if (alone || strands[i].rest.len < way->block) {
				end(&strands[i]);
				strands[i] = strands[--busy];
			}
		}
	}
}
