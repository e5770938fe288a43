/* service-dist: a content that passes by is hashed, and the hashes kept, when it passed whole.
 *
 * The component's thread; cutting, hashing and the store are a worker's, one batch at a time, in order. What comes
 * faster waits: two batches of 256 KiB at the most. */
#ifndef PLUGINS_SERVICE_DIST_DIST_TEE_H
#define PLUGINS_SERVICE_DIST_DIST_TEE_H

#include "framework/loop.h"
#include "plugins/service-dist/dist_hashes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dist_tee;

struct dist_tee_setup {
	const struct ponto_alloc *alloc;
	struct ponto_loop *loop;
	struct ponto_pool *pool;
	struct dist_hashes *hashes;
	struct dist_file file; /* what the hashes are kept under, and the length */
	enum content_algo algo;
	/* There is room again, after dist_tee_ready said no. */
	void (*room)(void *arg);
	/* Once, last: PONTO_OK: the hashes are kept; PONTO_EEXIST: they were; anything else: nothing is. The tee is
	 * gone when it returns. */
	void (*done)(void *arg, int result);
	void *arg;
};

/* PONTO_ENOMEM. copies setup; gives, until done */
PONTO_MUST_CHECK int dist_tee_open(const struct dist_tee_setup *setup, struct dist_tee **out);

/* Whether there is room for the next bytes; if not, room tells when. */
PONTO_MUST_CHECK bool dist_tee_ready(struct dist_tee *tee);

/* They come, when it is ready. What goes wrong is told by done, and bytes are taken as before. copies */
void dist_tee_put(struct dist_tee *tee, struct ponto_bytes bytes);

/* Nothing more comes; room is not called any more, and done comes later. whole: all of it came, as far as who
 * sent it says. */
void dist_tee_end(struct dist_tee *tee, bool whole);

#ifdef __cplusplus
}
#endif
#endif
