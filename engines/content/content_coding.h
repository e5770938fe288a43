/* Content: the PeerDist content encoding of HTTP: what headers say, and what to
 * answer.
 *
 * Pure; no allocation. Headers are handed in one by one, as they come, on either
 * side. What deployed clients get wrong is answered with ordinary HTTP, never
 * with an error. [MS-PCCRTP] 2.2, 3; RFC 9110 12.5.3, 14.1.2. */
#ifndef ENGINES_CONTENT_CONTENT_CODING_H
#define ENGINES_CONTENT_CONTENT_CODING_H

#include "engines/content/content_codec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_PARAMS "X-P2P-PeerDist"
#define CONTENT_PARAMS_EX "X-P2P-PeerDistEx"
#define CONTENT_VARY "Accept-Encoding, X-P2P-PeerDist, X-P2P-PeerDistEx"
#define CONTENT_PARAMS_TEXT 128 /* bytes of the longest value made here, NUL included */

/* What the headers of a message say. Zero it before the first. */
struct content_coding {
	bool accepted;	/* Accept-Encoding lists peerdist and not with q=0 */
	bool encoded;	/* Content-Encoding is peerdist and nothing else */
	bool bad_value; /* a parameter of ours with a value that it cannot have */
	bool has_version, has_ex, has_min, has_max, has_length;
	struct content_version version, min, max;
	uint64_t length; /* ContentLength */
	bool missing_data, make_hash, hash_request;
};

/* Headers of other names do not matter. borrows */
void content_coding_header(struct content_coding *coding, const char *name, const char *value);

/* 1.23 is above 1.3: negative, 0 or positive. */
int content_version_compare(struct content_version a, struct content_version b);

/* ---- server --------------------------------------------------------------------- */

enum content_answer {
	CONTENT_ANSWER_ORDINARY, /* as if there were no PeerDist */
	CONTENT_ANSWER_MAKE,	 /* the same with the header that invites a hash request; hashes are to be made */
	CONTENT_ANSWER_V1,
	CONTENT_ANSWER_V2,
};

/* What is known of the answer that an ordinary server would give. */
struct content_answerable {
	bool get; /* the method is GET and the status 200 or a single range's 206: readable by this client, not empty */
	bool validator;		   /* with ETag or Last-Modified */
	bool hashed_v1, hashed_v2; /* hashes of this very entity are kept */
};

enum content_answer content_answer(const struct content_coding *request, const struct content_answerable *answerable);

/* The values of both headers of an answer: version and length of the entity, if encoded. The version is the client's,
 * at most 1.1. Empty: not to be sent. */
void content_answer_params(const struct content_coding *request, enum content_answer answer, uint64_t length,
			   char params[CONTENT_PARAMS_TEXT], char params_ex[CONTENT_PARAMS_TEXT]);

/* A Range header against an entity of size bytes. PONTO_OK and the one range; PONTO_EINVAL: not satisfiable (416);
 * PONTO_ENOTSUP: several ranges, another unit, or malformed: no PeerDist, and the header may be ignored. */
PONTO_MUST_CHECK int content_range_parse(const char *value, uint64_t size, uint64_t *start, uint64_t *length);

/* ---- client --------------------------------------------------------------------- */

enum content_ask {
	CONTENT_ASK_FIRST,   /* to be sent with peerdist in Accept-Encoding */
	CONTENT_ASK_HASHES,  /* too; since MakeHashRequest=true was answered */
	CONTENT_ASK_MISSING, /* without it: what peers did not have */
};

/* Whether to offer peerdist in Accept-Encoding. */
static inline bool content_ask_offers(enum content_ask ask)
{
	return ask != CONTENT_ASK_MISSING;
}

/* The values of both headers of a GET; max_major: of the Content Information understood, 1 or 2. */
void content_ask_params(enum content_ask ask, unsigned max_major, char params[CONTENT_PARAMS_TEXT],
			char params_ex[CONTENT_PARAMS_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
