/* service-dist: media types by a file name's extension: those of the system's mime.types, else a few of the web's.
 *
 * Read once; then any thread. */
#ifndef PLUGINS_SERVICE_DIST_DIST_MIME_H
#define PLUGINS_SERVICE_DIST_DIST_MIME_H

#include "framework/base.h"

struct dist_mime;

/* path: in the format of /etc/mime.types; when it cannot be read there are only those built in. PONTO_ENOMEM. gives */
PONTO_MUST_CHECK int dist_mime_load(const struct ponto_alloc *alloc, const char *path, struct dist_mime **out);
void dist_mime_free(struct dist_mime *mime);

/* "application/octet-stream" for what is not known. Lives as long as mime. */
const char *dist_mime_of(const struct dist_mime *mime, const char *path);

#endif
