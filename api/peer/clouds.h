/* The clouds that the daemon is in: those of each instance of its service-pnrp. Known from the last look while the
 * link's thread listens for changes, asked for anew otherwise. Thread-safe. */
#ifndef PONTO_API_PEER_CLOUDS_H
#define PONTO_API_PEER_CLOUDS_H

#include <stdbool.h>

#include <p2p.h>

#include "framework/bus.h"

#define PEER_CLOUDS_MAX 32
#define PEER_SERVICE_TEXT 65

struct peer_cloud {
	char service[PEER_SERVICE_TEXT]; /* the instance that serves it */
	char name[64];
	PNRP_SCOPE scope;
	ULONG scope_id; /* interface index, 0 for Global */
	PNRP_CLOUD_STATE state;
	bool resolve_only;
	bool named; /* by the configuration only, since it is disabled: the name means nothing elsewhere */
};

struct peer_clouds {
	uint64_t started; /* which run of the daemon says so */
	size_t count;
	struct peer_cloud cloud[PEER_CLOUDS_MAX];
	size_t services; /* instances, with a cloud open or not */
	char service[PEER_CLOUDS_MAX][PEER_SERVICE_TEXT];
};

/* fresh: asks in any case. PEER_E_CANNOT_START_SERVICE: no instance; and what link_call says. */
HRESULT peer_clouds(bool fresh, struct peer_clouds *out);

/* The clouds that a name means, as indices: NULL all that are not off, PEER_PNRP_ALL_LINK_CLOUDS, or one's name in any
 * letter case, "Global" for "Global_". PEER_E_NO_CLOUD, PEER_E_CLOUD_NOT_FOUND, PEER_E_CLOUD_NAME_AMBIGUOUS,
 * PEER_E_CLOUD_DISABLED, PEER_E_CLOUD_IS_DEAD. name is UTF-8. borrows */
HRESULT peer_clouds_match(const struct peer_clouds *clouds, const char *name, size_t out[PEER_CLOUDS_MAX],
			  size_t *count);

/* What was known may be wrong now. */
void peer_clouds_stale(void);

/* For the link's thread: has client listen to the changes of all clouds. False: the daemon does not answer. */
bool peer_clouds_subscribe(struct ponto_client *client);

/* Nobody listens any more, told by the link's thread; and, in the child of a fork, nothing is known. */
void peer_clouds_unwatched(void);
void peer_clouds_forget(void);

#endif
