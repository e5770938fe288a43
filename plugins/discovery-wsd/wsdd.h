/* discovery-wsd, inside: the instance, what is opened on it, and its links. [MS-PCCRD] 2.1, 3. */
#ifndef DISCOVERY_WSDD_H
#define DISCOVERY_WSDD_H

#include "engines/wsd/wsd_engine.h"
#include "framework/discovery.h"
#include "framework/transport.h"

#define WSDD_TOPIC "discovery.wsd"

#define WSDD_TRANSPORTS_MAX 8
#define WSDD_LINKS_MAX 16
#define WSDD_SUBNETS_MAX 128
#define WSDD_LOOK_AGAIN (30 * PONTO_SECOND) /* links come, and other programs give the port back */
#define WSDD_PUBLISHED_MAX 8
#define WSDD_SENDERS 256 /* of a link whose datagrams are counted apart, by a hash of the address */

/* Datagrams that are read at once, and then a second: of one sender, and of a link in all. Deployed clients ask for
 * hundreds of segments in a burst. */
#define WSDD_SENDER_BURST 1024
#define WSDD_SENDER_RATE 512
#define WSDD_LINK_BURST 4096
#define WSDD_LINK_RATE 2048

/* The instance: immutable after creation, so handles of several threads share it without a lock. */
struct wsdd {
	const struct ponto_env *env;
	struct ponto_transport transports[WSDD_TRANSPORTS_MAX];
	size_t transport_count;
	uint64_t backoff, wait;
	uint32_t suppress;
	struct ponto_counter *searches, *found, *asked, *answered, *dropped;
};

struct wsdd_budget {
	uint64_t at;
	uint32_t spent;
};

/* One family on one link. */
struct wsdd_socket {
	struct ponto_datagrams net; /* handle NULL: not open */
	bool joined;
	bool refused; /* the group, and that has been logged */
};

enum { WSDD_IPV6, WSDD_IPV4, WSDD_FAMILIES };

struct wsdd_link {
	struct ponto_discovery_handle *handle;
	uint32_t zone;
	bool seen; /* by the look at the subnets that is under way */
	struct wsd_engine *engine;
	struct wsdd_socket sockets[WSDD_FAMILIES];
	struct wsd_prefix prefixes[WSD_PREFIXES_MAX]; /* with the own address in each */
	size_t prefix_count;
	struct wsdd_budget senders[WSDD_SENDERS], all;
	struct wsd_stats counted; /* what the metrics have of the engine's */
};

/* A question of the owner, asked on several links. */
struct wsdd_search {
	struct wsdd_search *next;
	uint64_t number, tag;
	uint32_t links; /* bits: where it is not over yet */
	uint32_t replies, full;
};

struct ponto_discovery_handle {
	struct wsdd *wsdd;
	struct ponto_loop *loop;
	enum ponto_scope scope; /* of addresses that are found; NONE: any */
	uint32_t zone;		/* the only link; 0: all */
	uint8_t family;		/* NONE: both */
	bool content;		/* the topic; else nothing is ever sent or heard */
	struct ponto_discovery_events events;
	struct ponto_discovery_pieces pieces;
	void *arg;
	struct ponto_timer *timer;
	unsigned ready; /* sources on which the timer is to report done */
	bool active;	/* links are looked at */
	bool asked;	/* something is to be sent now */
	uint64_t look_at;
	uint8_t key[16];
	struct wsdd_link *links[WSDD_LINKS_MAX];
	struct ponto_addr published[WSDD_PUBLISHED_MAX];
	size_t published_count;
	struct wsdd_search *searches, **searches_end;
	size_t search_count;
	uint64_t number; /* of the last search */
	unsigned calls;	 /* on the stack */
	bool closed;
};

/* ---- wsdd_handle.c: the calls of the contract, and time ------------------------------- */

int wsdd_open(void *self, struct ponto_loop *loop, const struct ponto_discovery_want *want,
	      const struct ponto_discovery_events *events, void *arg, struct ponto_discovery_handle **out);
void wsdd_close(struct ponto_discovery_handle *h);
int wsdd_search(struct ponto_discovery_handle *h, unsigned sources);
int wsdd_publish(struct ponto_discovery_handle *h, const struct ponto_addr *addrs, size_t count);
void wsdd_unpublish(struct ponto_discovery_handle *h);
int wsdd_pieces(struct ponto_discovery_handle *h, const struct ponto_discovery_pieces *events);
int wsdd_seek(struct ponto_discovery_handle *h, unsigned version, const struct ponto_bytes *ids, size_t count,
	      uint64_t tag);

/* Around everything that may call the owner back, who may close the handle there. */
void wsdd_enter(struct ponto_discovery_handle *h);
void wsdd_leave(struct ponto_discovery_handle *h);

/* Sets the timer to what is next. */
void wsdd_arm(struct ponto_discovery_handle *h);

struct wsdd_search *wsdd_search_numbered(const struct ponto_discovery_handle *h, uint64_t number);
void wsdd_end_searches(struct ponto_discovery_handle *h);

/* ---- wsdd_links.c: which links there are ------------------------------------------------ */

/* Brings the links in line with the host's subnets, and their groups and addresses with what is published. Not inside
 * a callback of an engine's. */
void wsdd_links_look(struct ponto_discovery_handle *h);
void wsdd_links_close(struct ponto_discovery_handle *h);

/* ---- wsdd_link.c: one link: what comes in, what goes out --------------------------------- */

/* receive of its sockets; arg: the link */
void wsdd_link_receive(void *arg, const struct ponto_datagram *batch, size_t count);

/* Does what the engine wishes, and sends what it has. The owner is called back, and may have closed the handle. */
void wsdd_link_pump(struct wsdd_link *link);

/* The group of a family, as seen on this link. */
struct ponto_addr wsdd_link_group(const struct wsdd_link *link, unsigned family);

#endif
