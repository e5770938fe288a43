/* Peer names that this process has registered, and that it keeps registered: in clouds that open later where every
 * cloud was meant, and with a daemon that comes back. They hang on one client of the bus (the keeper), so that the
 * daemon ends them when the process ends. Thread-safe; changes wait for each other. */
#ifndef PONTO_API_PEER_REGISTRATION_H
#define PONTO_API_PEER_REGISTRATION_H

#include <stdbool.h>

#include <p2p.h>

#include "api/peer/lookup.h"
#include "api/win32/handle.h"

#define PEER_COMMENT_UNITS 39

struct peer_address {
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	uint16_t protocol;
};

/* What is published. Plain data. */
struct peer_publication {
	enum peer_owner owner;
	char name[PNRP_NAME_TEXT];
	bool every;	   /* cloud; those that open later included */
	char cloud[64];	   /* unless every: a name, or PEER_PNRP_ALL_LINKS */
	char identity[41]; /* an authority; "": found by the daemon */
	bool automatic;	   /* the node's own addresses, with port */
	uint16_t port;
	size_t count;
	struct peer_address address[PNRP_MAX_ENDPOINT_ADDRESSES];
	char comment[PEER_COMMENT_UNITS * 3 + 1];
	bool has_prefix;
	uint8_t prefix[8]; /* high half of the service location */
	bool payload_text; /* it is UTF-8 */
	size_t payload_len;
	uint8_t payload[PNRP_MAX_EXTENDED_PAYLOAD_BYTES];
};

struct peer_registration;
extern const struct handle_type peer_registration_type;

/* In at least one cloud; PEER_E_PNRP_DUPLICATE_PEER_NAME: this process publishes the name with these addresses in such
 * a cloud already. copies. gives one reference, the list holds another until peer_unpublish */
HRESULT peer_publish(const struct peer_publication *publication, struct peer_registration **out);

/* Replaces what is published; the name is there all the time. On failure all stays as it was. copies */
HRESULT peer_republish(struct peer_registration *registration, const struct peer_publication *publication);

/* False: it was ended already. */
bool peer_unpublish(struct peer_registration *registration);

/* What a registration publishes. copies */
void peer_publication_of(struct peer_registration *registration, struct peer_publication *out);

/* A registration of the process under this name in this cloud, or NULL. gives one reference */
struct peer_registration *peer_registration_find(enum peer_owner owner, const char *name, const char *cloud);

void peer_registration_opened(struct peer_registration *registration, HANDLE handle);
void peer_registration_put(struct peer_registration *registration);

/* Ends all of an owner's, and closes their handles. Returns how many there were. */
size_t peer_registrations_close(enum peer_owner owner);

/* For the link's thread: registers what the daemon does not know (any more). True: nothing is left to do. */
bool peer_registrations_renew(void);

/* In the child of a fork: nothing is registered. */
void peer_registrations_forget(void);

#endif
