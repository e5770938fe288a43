/* service-dist: one POST and its answer, whole, in memory: what the Retrieval and the Hosted Cache Protocol are made
 * of.
 *
 * On the component's loop. */
#ifndef PLUGINS_SERVICE_DIST_DIST_POST_H
#define PLUGINS_SERVICE_DIST_DIST_POST_H

#include "plugins/service-dist/dist.h"

#define DIST_POST_URL 320

struct dist_post;

struct dist_post_setup {
	const char *url;
	struct ponto_bytes body; /* copied */
	uint64_t timeout;	 /* microseconds */
	size_t limit;		 /* bytes of the answer */
	size_t usual;		 /* that it most often has */
	const char *ca_file;	 /* NULL: the system's */
	bool negotiate;		 /* with HTTP authentication by SPNEGO */
};

/* result: the exchange's; PONTO_OK: there was an answer of that status, and body is all of it, until dist_post_close.
 * Not after that was called, nor before dist_post_open returned. */
typedef void dist_post_fn(void *arg, int result, unsigned status, struct ponto_bytes body);

/* ponto_http_fetch's results, PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int dist_post_open(struct dist *dist, const struct dist_post_setup *setup, dist_post_fn *done,
				    void *arg, struct dist_post **out);

/* Breaks it off when it is still under way. Safe inside done. Accepts NULL. */
void dist_post_close(struct dist_post *post);

/* "http://ADDRESS:PORT" and path; a zone is written as RFC 6874 has it. */
void dist_post_url(const struct ponto_addr *addr, const char *path, char out[DIST_POST_URL]);

#endif
