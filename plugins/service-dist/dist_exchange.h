/* service-dist: the exchanges of a fetching engine with those whom it asks: a POST each, and the block that it brings. On the
 * component's loop, but dist_exchange_open. */
#ifndef PLUGINS_SERVICE_DIST_DIST_EXCHANGE_H
#define PLUGINS_SERVICE_DIST_DIST_EXCHANGE_H

#include "engines/content/content_client.h"
#include "plugins/service-dist/dist.h"
#include "plugins/service-dist/dist_open.h"

struct dist_post;
struct dist_exchanges;

/* What begins one; more of whose they are may follow. */
struct dist_exchange {
	struct dist_exchange *next;
	struct dist_exchanges *all;
	struct content_request *request;
	struct ponto_addr addr;
	struct dist_post *post;
	struct dist_opened block;
};

struct dist_exchange_events {
	/* It brought a block, which is to be opened: takes ex. */
	void (*block)(struct dist_exchange *ex);
	/* It brought none, for that reason; malformed: what came is none of the Retrieval Protocol. borrows ex */
	void (*none)(struct dist_exchange *ex, int result, bool malformed);
	/* An answer came, and one of these was told: the engine has new wishes. */
	void (*pump)(void *owner);
};

struct dist_exchanges {
	struct dist *dist;
	struct content_client *engine;
	const struct dist_exchange_events *events;
	void *owner;
	size_t size; /* bytes of one */
	struct dist_exchange *first;
};

/* What CONTENT_CLIENT_REQUEST wants; when it cannot be, the engine is told. */
void dist_exchange_begin(struct dist_exchanges *all, const struct content_client_effect *e);

/* What CONTENT_CLIENT_CANCEL wants, because of that result. */
void dist_exchange_cancel(struct dist_exchanges *all, struct content_request *request, int result);

/* The block deciphered and hashed. On any thread. */
void dist_exchange_open(void *ex);

/* takes ex */
void dist_exchange_forget(struct dist_exchange *ex);

/* All that are under way are broken off. */
void dist_exchanges_end(struct dist_exchanges *all);

#endif
