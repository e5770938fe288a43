/* service-dist inside: one component: content server, client and serving peer, and what ties them to the world.
 *
 * Everything here happens on the component's loop thread, but the run halves of jobs on dist->pool, which see only
 * their job and what never changes between start and stop. docs/distribution.md. */
#ifndef PLUGINS_SERVICE_DIST_DIST_H
#define PLUGINS_SERVICE_DIST_DIST_H

#include "framework/answer.h"
#include "framework/discovery.h"
#include "framework/env.h"
#include "framework/http.h"
#include "framework/service.h"
#include "framework/store.h"
#include "plugins/service-dist/dist.pb-c.h"
#include "plugins/service-dist/dist_cache.h"

#define DIST_DISCOVERY_MAX 8

struct dist_secret;
struct dist_server;
struct dist_peer;
struct dist_search;
struct dist_client;
struct dist_api;
struct dist_caches;
struct dist_hosted;

struct dist {
	const struct ponto_env *env;
	const struct ponto_conf *conf;
	struct ponto_http http;
	struct ponto_store store;
	struct ponto_pool *pool; /* what reads files, hashes and ciphers */
	struct dist_secret *secret;
	struct dist_server *server; /* content server */
	struct dist_peer *peer;	    /* serving peer */
	struct dist_search *search; /* who has what */
	struct dist_client *client;
	struct dist_api *api; /* programs of peerdist.h */
	struct dist_caches *caches; /* hosted caches that are asked and offered to; NULL: neighbours are */
	struct dist_hosted *hosted; /* this is one; NULL: no */
	struct dist_cache *cache;
	unsigned packaging; /* calls of Export and Import that the cache works for */
	bool cached; /* blocks can be kept and read, perhaps before all that is held is known */
	ponto_loop_fn *stopped; /* set: stopping */
	void *stopped_arg;
};

static inline uint64_t dist_now(const struct dist *dist)
{
	return ponto_loop_now(dist->env->loop);
}

/* A method of the bus, with its request read. takes call; borrows request */
typedef void dist_call_fn(struct dist *dist, struct ponto_call *call, const ProtobufCMessage *request);

/* dist_calls.c: decodes, and finds who answers. */
void dist_take_call(struct dist *dist, struct ponto_call *call);

/* ---- dist_secret.c: the server's secret key ---------------------------------------------- */

/* Reads it from the store, or makes one there; until then there is none. gives */
PONTO_MUST_CHECK int dist_secret_open(struct dist *dist, struct dist_secret **out);
void dist_secret_close(struct dist_secret *secret);

/* Ks, for what is described now. PONTO_EBUSY: not read yet, or the store failed. On any thread. */
PONTO_MUST_CHECK int dist_secret_ks(struct dist_secret *secret, enum content_algo algo, uint8_t ks[CONTENT_HASH_MAX]);

/* No job is under way. */
bool dist_secret_idle(const struct dist_secret *secret);

dist_call_fn dist_call_secret;

/* ---- dist_server.c: the content server ------------------------------------------------------ */

/* Listens where option "listen" says; NULL when nowhere. gives */
PONTO_MUST_CHECK int dist_server_open(struct dist *dist, struct dist_server **out);

/* Takes no more requests; jobs may still be under way. */
void dist_server_stop(struct dist_server *server);
bool dist_server_idle(const struct dist_server *server);
void dist_server_close(struct dist_server *server);

dist_call_fn dist_call_publish, dist_call_unpublish, dist_call_published;

/* ---- dist_peer.c: the serving peer ---------------------------------------------------------- */

/* Listens where option "retrieval" says; NULL when nowhere. gives */
PONTO_MUST_CHECK int dist_peer_open(struct dist *dist, struct dist_peer **out);
void dist_peer_stop(struct dist_peer *peer);
bool dist_peer_idle(const struct dist_peer *peer);
void dist_peer_close(struct dist_peer *peer);

/* ---- dist_caches.c: the client of hosted caches ---------------------------------------------- */

/* Those that option "hosted" names; NULL when none. gives */
PONTO_MUST_CHECK int dist_caches_open(struct dist *dist, struct dist_caches **out);
void dist_caches_stop(struct dist_caches *caches);
bool dist_caches_idle(const struct dist_caches *caches);
void dist_caches_close(struct dist_caches *caches);

/* ---- dist_hosted.c: the hosted cache ----------------------------------------------------------- */

/* When option "hosted_cache" says so; NULL otherwise. Listens for offers over HTTPS. gives */
PONTO_MUST_CHECK int dist_hosted_open(struct dist *dist, struct dist_hosted **out);
void dist_hosted_stop(struct dist_hosted *hosted);
bool dist_hosted_idle(const struct dist_hosted *hosted);
void dist_hosted_close(struct dist_hosted *hosted);

/* What was offered, for Stats. */
struct content_hosted_stats;
void dist_hosted_figures(const struct dist_hosted *hosted, struct content_hosted_stats *out);

/* An offer that came over HTTP, at a listener of others; it is answered before this returns. */
void dist_hosted_offer(struct dist_hosted *hosted, struct ponto_http_listener *listener,
		       struct ponto_http_request *request);

/* On a thread of the HTTP server: the answer to an offer that is one, which the loop learns of later. False: to be given to
 * dist_hosted_offer. */
bool dist_hosted_at_once(struct dist_hosted *hosted, const struct ponto_http_request *request,
			 struct ponto_http_response *response);

/* A block of a segment that is relayed was given to this address. Accepts NULL. */
void dist_hosted_served(struct dist_hosted *hosted, const struct content_id *id, const struct ponto_addr *to);

/* ---- dist_search.c: neighbours, by discovery ------------------------------------------------ */

/* Opens every discovery that knows pieces. gives */
PONTO_MUST_CHECK int dist_search_open(struct dist *dist, struct dist_search **out);
void dist_search_close(struct dist_search *search);

/* Questions of others are answered from now on: blocks are to be had at port, of every own address. */
PONTO_MUST_CHECK int dist_search_publish(struct dist_search *search, uint16_t port);

/* Asks neighbours for a segment, in that version of the protocol; dist_client_found, then dist_client_searched once,
 * never before it returns. PONTO_ENOTSUP: no discovery here knows pieces; PONTO_EBUSY, PONTO_ENOMEM. copies */
PONTO_MUST_CHECK int dist_search_seek(struct dist_search *search, const struct content_id *id, bool v2);

/* ---- dist_client.c: the client ---------------------------------------------------------------- */

PONTO_MUST_CHECK int dist_client_open(struct dist *dist, struct dist_client **out);
void dist_client_stop(struct dist_client *client);
bool dist_client_idle(const struct dist_client *client);
void dist_client_close(struct dist_client *client);

void dist_client_found(struct dist_client *client, const struct content_id *id, const struct ponto_addr *addrs,
		       size_t count);
void dist_client_searched(struct dist_client *client, const struct content_id *id);

/* dist_proxy.c: whether option "proxy" is one that may be listened on; before anything is opened. PONTO_ECONF. */
PONTO_MUST_CHECK int dist_proxy_check(const struct dist *dist);

/* The fetches of a program that is gone end. */
void dist_client_gone(struct dist_client *client, uint64_t program);

dist_call_fn dist_call_fetch, dist_call_information, dist_call_read, dist_call_cancel;

/* ---- dist_held.c: what is held, told and cleared ------------------------------------------------ */

/* As it is shown: a text, or hexadecimal. In arena. */
const char *dist_tag_text(struct ponto_arena *arena, const uint8_t tag[DIST_TAG]);

dist_call_fn dist_call_segments, dist_call_clear, dist_call_verify;

/* ---- dist_export.c, dist_import.c: packages --------------------------------------------------------- */

#define DIST_PACKAGING_MAX 16	    /* calls of either kind under way at once */
#define DIST_PACKAGE_BYTES (896u * 1024) /* of blocks, in one answer: with a segment's hashes it fits a message of the bus */

dist_call_fn dist_call_export, dist_call_import;

/* ---- dist_figures.c: what the cache has done ------------------------------------------------------ */

dist_call_fn dist_call_stats, dist_call_top;

/* ---- dist_api.c: programs of peerdist.h --------------------------------------------------------- */

PONTO_MUST_CHECK int dist_api_open(struct dist *dist, struct dist_api **out);
void dist_api_stop(struct dist_api *api);
bool dist_api_idle(const struct dist_api *api);
void dist_api_close(struct dist_api *api);

/* The handles and publications of a program that is gone end. */
void dist_api_gone(struct dist_api *api, uint64_t program);

/* Sessions of the client's engine with such a tag are its own. What comes for them: a block whose hash is right (takes
 * memory, in which size bytes are), and the end. */
#define DIST_API_TAG (UINT64_C(1) << 63)
void dist_api_block(struct dist_api *api, uint64_t tag, uint32_t index, uint8_t *memory, uint32_t size,
		    const uint8_t hash[CONTENT_HASH_MAX], const struct ponto_addr *addr);
void dist_api_ended(struct dist_api *api, uint64_t tag, const struct content_blocks *missing);

dist_call_fn dist_api_call_state, dist_api_call_close, dist_api_call_end_instance, dist_api_call_open_stream,
	dist_api_call_add_to_stream, dist_api_call_complete_stream, dist_api_call_withdraw, dist_api_call_open_info,
	dist_api_call_retrieve_info, dist_api_call_open_content, dist_api_call_describe, dist_api_call_described,
	dist_api_call_read_content, dist_api_call_add_data, dist_api_call_flush, dist_api_call_inquire,
	dist_api_call_stop;

/* Something that may have been the last of what stop waits for has ended. */
void dist_check_stopped(struct dist *dist);

#endif
