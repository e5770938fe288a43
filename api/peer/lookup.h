/* Resolves that go on while the program does something else: a queue of what was found, filled by threads of the
 * library, one for each cloud. PeerPnrpStartResolve, the namespace functions and blocking resolves in several clouds
 * are made of it.
 *
 * An event of the caller's is kept signalled while there is something to take: an endpoint, or the end not yet told. It
 * is looked at again ten times a second, so an entry is not stranded when the program resets the event itself, nor when
 * several lookups share one. Thread-safe. */
#ifndef PONTO_API_PEER_LOOKUP_H
#define PONTO_API_PEER_LOOKUP_H

#include <stdbool.h>

#include <p2p.h>

#include "api/win32/handle.h"
#include "engines/pnrp/pnrp_name.h"
#include "plugins/service-pnrp/pnrp.pb-c.h"

#define PEER_FOUND_MAX 32 /* results that a cloud gives for one resolve */

/* Which part of the interfaces made something, and ends it. */
enum peer_owner { PEER_OWNER_PNRP, PEER_OWNER_NSP };

struct peer_query {
	enum peer_owner owner;
	char name[PNRP_NAME_TEXT];
	char cloud[64]; /* "": every one */
	ULONG max;	/* results, 0: as many as there are */
	unsigned timeout_ms;
	PNRP_RESOLVE_CRITERIA criteria;
	bool has_prefix;
	uint8_t prefix[8]; /* near to what, for the criteria that ask for the nearest */
};

struct peer_found {
	struct peer_found *next;
	Ponto__Pnrp__V1__ResolveReply *reply; /* with at least one match */
	char cloud[64];
	ULONG scope_id; /* of link-local addresses in it */
};

void peer_found_free(struct peer_found *found);

struct peer_lookup;
extern const struct handle_type peer_lookup_type;

/* Fills a request: the whole query, with max as given, in that cloud of the instance that is asked. exclude: IDs that
 * do not count. borrows query for the request's life. */
void peer_query_request(const struct peer_query *query, const char *cloud, Ponto__Pnrp__V1__ResolveRequest *request);

/* PEER_E_CLOUD_NOT_FOUND and the like as of peer_clouds_match, E_OUTOFMEMORY. event may be NULL: of event_type, holds.
 * gives one reference */
HRESULT peer_lookup_start(const struct peer_query *query, struct handle_object *event, struct peer_lookup **out);

/* The handle under which the owner opened it, closed with it. */
void peer_lookup_opened(struct peer_lookup *lookup, HANDLE handle);

/* The next result. With wait it waits for it. PEER_E_NO_MORE: the end, for good; E_ABORT: it was ended; PEER_S_NOT_YET:
 * not yet (without wait); another: why nothing could be found, once, and then the end. gives */
#define PEER_S_NOT_YET S_FALSE
HRESULT peer_lookup_next(struct peer_lookup *lookup, bool wait, struct peer_found **out);

/* Undoes it. takes found */
void peer_lookup_return(struct peer_lookup *lookup, struct peer_found *found);

/* True when there is something to take: a result, or the end not yet told. */
bool peer_lookup_ready(struct peer_lookup *lookup);

/* ready is called whenever there is something to take, perhaps at once; it must call nothing of this header. NULL:
 * nobody is called any more once this returns. */
void peer_lookup_on_ready(struct peer_lookup *lookup, void (*ready)(void *arg), void *arg);

/* Ends it: whoever waits is told, the daemon stops looking. The references stay. */
void peer_lookup_cancel(struct peer_lookup *lookup);
void peer_lookup_put(struct peer_lookup *lookup);

/* Ends all of an owner's and closes their handles. */
void peer_lookups_close(enum peer_owner owner);

/* Ends the threads; and, in the child of a fork, gives up all. */
void peer_lookups_end(void);
void peer_lookups_forget(void);

#endif
