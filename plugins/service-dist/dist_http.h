/* service-dist: what an HTTP server of files decides by headers alone: dates, validators, preconditions, paths.
 *
 * Pure; no allocation; any thread. RFC 9110 5.6.7, 8.8, 13; RFC 3986 5.2.4. */
#ifndef PLUGINS_SERVICE_DIST_DIST_HTTP_H
#define PLUGINS_SERVICE_DIST_DIST_HTTP_H

#include "framework/http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIST_DATE_TEXT 32

/* Seconds since 1970 as an IMF-fixdate. */
void dist_date_format(int64_t seconds, char out[DIST_DATE_TEXT]);

/* All three forms; PONTO_EINVAL for anything else. */
PONTO_MUST_CHECK int dist_date_parse(const char *text, int64_t *seconds);

/* What a request says of the entity that its sender knows; any may be NULL. Views into the request. */
struct dist_conditions {
	const char *if_match, *if_none_match, *if_modified_since, *if_unmodified_since, *if_range;
};

struct dist_validators {
	const char *etag;     /* strong, in quotes */
	int64_t modified; /* seconds since 1970 */
	int64_t now;	  /* the same: a date as young as this proves nothing */
};

/* Of GET and HEAD: 200: go on, 304 or 412. */
unsigned dist_precondition(const struct dist_conditions *conditions, const struct dist_validators *validators);

/* Whether a Range header counts. */
bool dist_range_applies(const struct dist_conditions *conditions, const struct dist_validators *validators);

#define DIST_PATH_MAX 4096

/* The path of a request's target, in origin or absolute form: without query, percent-decoded once, dot segments and
 * doubled slashes taken out, beginning with "/". PONTO_EINVAL: not a path, leads above its root, or holds NUL or a
 * wrong escape; PONTO_ELIMIT: too long. */
PONTO_MUST_CHECK int dist_path(const char *target, char out[DIST_PATH_MAX]);

#ifdef __cplusplus
}
#endif
#endif
