/* service-dist: what a reverse proxy decides by headers alone: what goes on to the origin, what comes back, and which
 * entity an answer is of.
 *
 * Pure but for the allocator it is given; any thread. RFC 9110 3.7, 7.6, 8.8; RFC 9112 3.2; docs/distribution.md. */
#ifndef PLUGINS_SERVICE_DIST_DIST_RELAY_HEAD_H
#define PLUGINS_SERVICE_DIST_DIST_RELAY_HEAD_H

#include "framework/http.h"
#include "plugins/service-dist/dist_hash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- headers, copied ------------------------------------------------------------------------ */

struct dist_fields {
	const struct ponto_alloc *alloc;
	struct ponto_http_header *list;
	size_t count;
	/* inside: */
	size_t list_room, text_len, text_room;
	char *text;
};

/* Accepts zeroed ones. */
void dist_fields_clear(struct dist_fields *fields);

/* ---- to the origin ---------------------------------------------------------------------------- */

/* "http://host:port" or https, and nothing behind it. */
bool dist_relay_is_origin(const char *text);

/* Whom and what a request means. Views into it. */
struct dist_relay_target {
	const char *path; /* with query; "" or beginning with "?": of the root */
	const char *host; /* NULL: not said */
	size_t host_len;
};

/* PONTO_EINVAL: not a target, or several hosts; PONTO_ENOTSUP: of no resource that a URL names (CONNECT, "*"). */
PONTO_MUST_CHECK int dist_relay_target(const struct ponto_http_request *request, struct dist_relay_target *out);

/* The request's headers as they go on: without those of the connection and those of PeerDist; with Host as it was, the
 * client added to X-Forwarded-For and ourselves to Via. whole: it asks for all of the entity: Range and If-Range stay
 * away. PONTO_ENOMEM. borrows; fields are for dist_fields_clear, also on failure */
PONTO_MUST_CHECK int dist_relay_request_fields(const struct ponto_alloc *alloc,
					       const struct ponto_http_request *request,
					       const struct dist_relay_target *target, bool whole,
					       struct dist_fields *out);

/* ---- back from it -------------------------------------------------------------------------------- */

/* The answer's headers as they go back: without those of the connection. encoded: the body will be Content Information:
 * nor with digests of the other. vary, when not NULL, is added to Vary. PONTO_ENOMEM. As above */
PONTO_MUST_CHECK int dist_relay_answer_fields(const struct ponto_alloc *alloc, const struct ponto_http_header *headers,
					      size_t count, bool encoded, const char *vary, struct dist_fields *out);

/* One more; room for DIST_RELAY_MORE of them, with DIST_RELAY_MORE_TEXT bytes in all, is always there. */
#define DIST_RELAY_MORE 8
#define DIST_RELAY_MORE_TEXT 1024
void dist_fields_add(struct dist_fields *fields, const char *name, const char *value);

/* Bytes of the body: PONTO_HTTP_CHUNKED: not told. PONTO_EPROTO: told twice, or not a number. */
PONTO_MUST_CHECK int dist_relay_length(const struct ponto_http_header *headers, size_t count, uint64_t *out);

/* What is asked for, as a number: for a table. */
struct dist_relay_name {
	const char *origin; /* as configured */
	const struct dist_relay_target *target;
};
uint64_t dist_relay_name_hash(const struct dist_relay_name *name);

struct dist_relay_entity {
	struct dist_file file; /* what its hashes are kept under */
	const char *etag;      /* "": none. A view into the headers */
	int64_t modified;      /* seconds since 1970; -1: not told */
};

/* The entity that the headers of a 200 are of, if its hashes may be kept and given out: when a validator tells it from
 * any other, its length is told, and caches shared by all may have it as it is. authorized: the request has
 * credentials. False: no PeerDist.
 *
 * A strong entity tag tells entities apart, unless the entity changed in the second of the answer; without one, a date
 * of change does that is more than a second before the answer's (RFC 9110 8.8.2.2), where the URL alone chooses what
 * answers. As a dist_file: the highest bit of device, which no device has, and below it, in inode and in changed the
 * first 191 bits of SHA-256 over origin, host, target, kind of validator, validator and length; and the length. */
bool dist_relay_entity(const struct dist_relay_name *name, const struct ponto_http_header *headers, size_t count,
		       bool authorized, struct dist_relay_entity *out);

#define DIST_RELAY_DEVICE (UINT64_C(1) << 63)

#ifdef __cplusplus
}
#endif
#endif
