/* service-dist: the inside of the content server. The component's thread. */
#ifndef PLUGINS_SERVICE_DIST_DIST_SERVER_H
#define PLUGINS_SERVICE_DIST_DIST_SERVER_H

#include "plugins/service-dist/dist.h"
#include "plugins/service-dist/dist_file.h"
#include "plugins/service-dist/dist_folders.h"
#include "plugins/service-dist/dist_hashes.h"

#define DIST_LISTENERS_MAX 8
#define DIST_BODY_LIMIT 65536 /* bytes of a request's body, where no origin takes it */

struct job;
struct dist_relay;

/* Who has a request that is not answered yet: its user. */
struct dist_waiter {
	void (*gone)(struct dist_waiter *waiter);
};

struct dist_listener {
	struct dist_server *server;
	struct ponto_http_listener *listener;
	struct ponto_addr addr;
};

struct dist_server {
	struct dist *dist;
	struct dist_listener places[DIST_LISTENERS_MAX];
	size_t place_count;
	struct dist_folders folders;
	struct dist_mime *mime;
	struct dist_hashing *hashing;
	struct dist_relay *relay; /* NULL: what lies in no folder is not there */
	enum content_algo algo; /* of version 1.0 */
	bool v2;
	struct job *jobs; /* requests at work */
	size_t job_count;
	unsigned store_jobs; /* of dist_publish.c */
	struct ponto_counter *requests, *refused, *plain, *encoded;
};

/* Answers with an error and its name. */
void dist_refuse_request(struct dist_server *server, struct ponto_http_listener *listener,
			 struct ponto_http_request *request, unsigned status);

/* ---- dist_publish.c: folders that clients publish, kept in the store ----------------------- */

/* Reads what was kept; those that are not there any more are told and stay kept. */
void dist_publish_load(struct dist_server *server);

/* ---- dist_hashing.c: hashes that are wanted, made one file after the other ------------------ */

struct dist_hashing;

/* Reads what is kept. gives */
PONTO_MUST_CHECK int dist_hashing_create(struct dist *dist, struct dist_hashing **out);
void dist_hashing_stop(struct dist_hashing *hashing);
bool dist_hashing_idle(const struct dist_hashing *hashing);
void dist_hashing_destroy(struct dist_hashing *hashing);

/* NULL: not read yet. */
struct dist_hashes *dist_hashing_kept(const struct dist_hashing *hashing);

/* Hashes of path below folder, unless they are on their way; forgotten when too many are. copies */
void dist_hashing_want(struct dist_hashing *hashing, const char *folder, const char *path, enum content_algo algo);

#endif
