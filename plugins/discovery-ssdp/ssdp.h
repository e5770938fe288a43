/* discovery-ssdp, inside: the instance and what is opened on it. [MS-PNRP] 3.1.4.2.2, 3.1.5.1, 3.2.4.1, 3.2.4.2. */
#ifndef DISCOVERY_SSDP_H
#define DISCOVERY_SSDP_H

#include "framework/discovery.h"
#include "framework/transport.h"
#include "plugins/discovery-ssdp/ssdp_message.h"

#define SSDP_TOPIC "discovery.ssdp"

#define SSDP_SEEN_MAX 32    /* addresses that one search gives */
#define SSDP_ANSWERS_MAX 32 /* answers waiting for their moment */
#define SSDP_BURST 16	    /* answers at once, */
#define SSDP_RATE 8	    /* and then a second */

/* The instance: immutable after creation, so handles of several threads share it without a lock. */
struct ssdp {
	const struct ponto_env *env;
	struct ponto_transport transport;
	struct ponto_counter *searches, *answered, *found, *dropped;
};

/* Someone's search that will be answered. */
struct ssdp_answer {
	struct ponto_addr to;
	uint64_t due;
};

/* What is announced to others, and their searches. */
struct ssdp_publication {
	bool wanted;  /* published, and not yet taken back */
	bool joined;  /* the group is listened to */
	bool refused; /* and that has been logged */
	struct ponto_addr location;
	char signature[SSDP_SIGNATURE + 1];
	uint64_t notify_at; /* the next announcement, or the next attempt to join */
	unsigned notified;  /* announcements so far */
	struct ssdp_answer answers[SSDP_ANSWERS_MAX];
	size_t answer_count;
	unsigned credit;     /* answers that may be promised now */
	uint64_t credit_at;  /* when that was so */
};

struct ponto_discovery_handle {
	struct ssdp *ssdp;
	struct ponto_loop *loop;
	enum ponto_scope scope;
	uint32_t zone;
	char target[SSDP_TARGET_TEXT]; /* empty: nothing is ever found or published */
	struct ponto_discovery_events events;
	void *arg;
	struct ponto_datagrams net; /* handle NULL: not open */
	struct ponto_timer *timer;
	unsigned ready;		 /* sources on which the timer is to report done */
	bool searching;
	unsigned asked;		 /* copies of the search sent */
	uint64_t ask_at, end_at; /* the next copy; the end of the search */
	struct ponto_addr seen[SSDP_SEEN_MAX];
	size_t seen_count;
	struct ssdp_publication publication;
	unsigned calls; /* on the stack */
	bool closed;
};

/* ---- ssdp_handle.c: searching, and what comes in ----------------------------------- */

int ssdp_open(void *self, struct ponto_loop *loop, const struct ponto_discovery_want *want,
	      const struct ponto_discovery_events *events, void *arg, struct ponto_discovery_handle **out);
void ssdp_close(struct ponto_discovery_handle *h);
int ssdp_search(struct ponto_discovery_handle *h, unsigned sources);

/* Opens the handle's own port unless it is open. PONTO_ENOENT: no address of the scope now. */
PONTO_MUST_CHECK int ssdp_net_open(struct ponto_discovery_handle *h);

/* Sends text to the group, once on every link of the handle; true when it went out on one at least. */
bool ssdp_multicast(struct ponto_discovery_handle *h, const char *text, size_t len);

/* Sets the timer to what is next. */
void ssdp_arm(struct ponto_discovery_handle *h);

/* ---- ssdp_publish.c: answering others ------------------------------------------------ */

int ssdp_publish(struct ponto_discovery_handle *h, const struct ponto_addr *addrs, size_t count);
void ssdp_unpublish(struct ponto_discovery_handle *h);

/* A search by peer, read and for this handle's target. */
void ssdp_asked(struct ponto_discovery_handle *h, const struct ponto_addr *peer, unsigned mx);

/* What is due by now, and when there is something next. */
void ssdp_publication_tick(struct ponto_discovery_handle *h, uint64_t now);
uint64_t ssdp_publication_deadline(const struct ponto_discovery_handle *h);

#endif
