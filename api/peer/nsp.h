/* PNRP as a namespace of Winsock: what the parts of it share (pnrpns.h). A query is a lookup of a name, or the list of
 * clouds and its changes.
 *
 * Functions return 0 or a Winsock code, which those of winsock2.h turn into SOCKET_ERROR and the last error. */
#ifndef PONTO_API_PEER_NSP_H
#define PONTO_API_PEER_NSP_H

#include <pthread.h>
#include <stdbool.h>

#include <p2p.h>

#include "api/peer/block.h"
#include "api/peer/clouds.h"
#include "api/peer/link.h"
#include "api/peer/lookup.h"
#include "api/win32/handle.h"

/* One change of the list of clouds. */
struct nsp_change {
	struct nsp_change *next;
	DWORD flags; /* RESULT_IS_…; 0: it was there at the beginning */
	struct peer_cloud cloud;
};

struct nsp_query {
	struct handle_object object;
	unsigned generation;
	DWORD flags; /* LUP_RETURN_… that are in force */
	GUID class_id;
	struct peer_lookup *lookup; /* of a name; NULL: clouds */

	struct link_watch watch; /* of clouds, with what follows */
	PNRP_SCOPE scope;	 /* PNRP_SCOPE_ANY: every one */
	pthread_mutex_t lock;	 /* of what follows; taken after a lookup's */
	pthread_cond_t changed;
	struct peer_clouds known;
	struct nsp_change *first, **last;
	bool delimiter; /* WSA_E_NO_MORE is due when the list is empty */
	bool closed;

	LPWSAOVERLAPPED overlapped; /* the program waits to be told; NULL: it does not */
	struct handle_object *event;
};

extern const struct handle_type nsp_query_type;

/* ---- nsp_read.c: what programs ask ------------------------------------------------ */

/* Which namespace a query set means. WSASERVICE_NOT_FOUND, WSAEFAULT, WSAEINVAL. */
int nsp_read_class(const WSAQUERYSETW *set, bool *names);

/* The options in the blob; without one, none: dwSize 0. A version 1 has no payload. WSAEINVAL, WSAEFAULT. */
int nsp_read_info(const WSAQUERYSETW *set, PNRPINFO_V2 *out);

/* The high half of the hint's address. WSAEINVAL. */
int nsp_read_hint(const PNRPINFO_V2 *info, bool *has, uint8_t prefix[8]);

/* The name of the cloud that lpszContext means: NULL and "" are the global one, where there is none that of the
 * instance "pnrp". WSA_PNRP_CLOUD_NOT_FOUND and what the daemon says. */
int nsp_read_cloud(PCWSTR context, char out[64]);

/* ---- nsp_clouds.c: the list of clouds ------------------------------------------------ */

int nsp_clouds_begin(struct nsp_query *q, const BLOB *blob);
void nsp_clouds_end(struct nsp_query *q);

/* The next one, waiting for it. WSA_E_NO_MORE, WSA_E_CANCELLED. gives */
int nsp_clouds_next(struct nsp_query *q, struct nsp_change **out);
void nsp_clouds_return(struct nsp_query *q, struct nsp_change *change);
bool nsp_clouds_ready(struct nsp_query *q);

/* ---- nsp_notify.c: telling the program ------------------------------------------------- */

/* There is something to take: whoever waits to be told is told, once. */
void nsp_tell(void *query);

/* The query has ended: a notification that was asked for is aborted. */
void nsp_tell_end(struct nsp_query *q);

/* ---- nsp_pack.c: results ------------------------------------------------------------------ */

/* Both are called twice, see block.h. results NULL when measuring. */
void nsp_pack_found(struct peer_block *b, const struct nsp_query *q, const struct peer_found *found,
		    WSAQUERYSETW *results);
void nsp_pack_cloud(struct peer_block *b, const struct nsp_query *q, const struct nsp_change *change,
		    WSAQUERYSETW *results);

/* ---- nsp_service.c ---------------------------------------------------------------------------- */

/* The last WSACleanup: names registered through Winsock end. */
void nsp_cleanup(void);

#endif
