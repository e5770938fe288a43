/* service-dist: the answer of a published folder to one request: which file, which of its bytes, and whether as they
 * are or as Content Information.
 *
 * On a worker: opens and reads. What a client may have is what the daemon's user may read below the folder; links do
 * not lead out of it. RFC 9110; [MS-PCCRTP] 3.2. */
#ifndef PLUGINS_SERVICE_DIST_DIST_FILE_H
#define PLUGINS_SERVICE_DIST_DIST_FILE_H

#include "engines/content/content_coding.h"
#include "framework/http.h"
#include "plugins/service-dist/dist_hashes.h"
#include "plugins/service-dist/dist_http.h"
#include "plugins/service-dist/dist_mime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What was asked; all that it points to outlives the work. */
struct dist_ask {
	const char *path; /* below the folder, without leading slash: dist_path's, the prefix taken off */
	bool get;	  /* else HEAD */
	const char *range;
	struct dist_conditions conditions;
	struct content_coding coding;
};

struct dist_house {
	int folder; /* descriptor of the folder */
	const struct dist_mime *mime;
	struct dist_hashes *hashes; /* NULL: not read yet */
	enum content_algo algo; /* of version 1.0 */
	bool v2;		/* version 2.0 is spoken */
	/* Ks; PONTO_EBUSY: no Content Information now. */
	int (*ks)(void *arg, enum content_algo algo, uint8_t ks[CONTENT_HASH_MAX]);
	void *ks_arg;
	int64_t now; /* seconds since 1970 */
};

#define DIST_ANSWER_HEADERS 12
#define DIST_ANSWER_TEXT 1024

struct dist_answer {
	unsigned status;
	struct ponto_http_header headers[DIST_ANSWER_HEADERS];
	size_t header_count;
	int fd; /* -1: no body but the status in words */
	uint64_t offset, length;
	bool encoded;		/* it is Content Information */
	enum content_algo wish; /* 0, or hashes of this are wanted and are not kept */
	struct dist_file file;	/* of whom */
	char text[DIST_ANSWER_TEXT]; /* of headers */
	size_t text_len;
};

/* Always fills out, with the status that says how it went. borrows ask and house; headers live with out; gives fd */
void dist_file_answer(const struct dist_house *house, const struct dist_ask *ask, struct dist_answer *out);

/* Of an entity that lies elsewhere and would be answered with 200: out->file, which is filled in already, as what its hashes
 * are kept under. Headers of the range and of PeerDist, and fd, when out->encoded; else it is not to be answered from
 * here. borrows, gives as above */
void dist_file_describe(const struct dist_house *house, const struct dist_ask *ask,
			const struct dist_validators *validators, struct dist_answer *out);

/* What is to be hashed for who asks so and cannot be given Content Information yet. */
enum content_algo dist_file_wish(const struct content_coding *coding, enum content_algo algo, bool v2);

/* One more header of an answer; dropped when there is no room, which DIST_ANSWER_TEXT leaves for all that are used. */
void dist_answer_header(struct dist_answer *answer, const char *name, const char *format, ...) PONTO_PRINTF(3, 4);

/* "404 Not Found". */
const char *dist_status_text(unsigned status);

#ifdef __cplusplus
}
#endif
#endif
