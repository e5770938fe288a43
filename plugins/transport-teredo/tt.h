/* transport-teredo: what its files share.
 *
 * One instance has one mapping, whatever number of handles: the engine and the sockets that carry it live on a thread
 * of their own (the hub), which is started by the first handle and ends with the instance: the mapping outlives a
 * handle that is opened anew. Handles live on their loops. Between the two there are queues under one lock, and bells.
 * In a simulation the hub runs on the first handle's loop.
 *
 * What an instance is, its role, is one of two: a client, or a host with native IPv6 that relays for itself. */
#ifndef TT_H
#define TT_H

#include <pthread.h>

#include "engines/teredo/teredo_client.h"
#include "engines/teredo/teredo_relay.h"
#include "framework/env.h"
#include "framework/mapping.h"
#include "framework/transport.h"
#include "plugins/stack-netns/stack.h"

#define TT_TOPIC "transport.teredo"
#define TT_QUEUE 1024 /* datagrams that wait for a handle, or for the hub */
#define TT_SPARE 256  /* that are kept for what is next */
#define TT_ERRORS 16  /* peers that a handle has yet to be told of as unreachable */

/* Wakes a loop from any thread, or within a simulation. */
struct tt_bell {
	struct ponto_loop *loop;
	struct ponto_watch *watch;
	struct ponto_timer *timer; /* in a simulation */
	int fd;
	ponto_loop_fn *fn;
	void *arg;
};

/* A datagram between a handle and the hub. */
struct tt_item {
	struct tt_item *next;
	struct teredo_ip6 peer, own;
	uint16_t from, to; /* ports */
	uint8_t hop_limit, ecn;
	uint16_t len, room; /* of data, and for it */
	uint8_t data[];
};

struct tt_queue {
	struct tt_item *head, **tail;
	size_t count;
};

struct ponto_datagram_handle {
	struct ponto_datagram_handle *next;
	struct tt_hub *hub;
	struct ponto_loop *loop;
	struct ponto_datagram_events events;
	void *arg;
	uint16_t port;
	struct tt_bell bell;
	unsigned busy; /* callbacks under way */
	bool closed;
	struct ponto_datagrams native; /* of a relaying host: for all that is not Teredo */
	/* under the hub's lock */
	struct tt_queue in;
	bool ring;    /* at the end of the batch that the hub reads */
	bool changed; /* the address */
	uint32_t mtu; /* not 0: a path took no more */
	struct ponto_addr mtu_peer;
	struct teredo_ip6 errors[TT_ERRORS];
	size_t error_count;
};

/* A handle of the carrier: the service port, or a random one. */
struct tt_carrier {
	struct tt_hub *hub;
	struct ponto_datagrams d;
	uint8_t via;
};

struct tt_metrics {
	struct ponto_counter *received, *sent, *solicitations, *bubbles, *echoes, *refused, *dropped;
	struct ponto_gauge *qualified, *peers;
	struct teredo_client_stats last;
	struct teredo_relay_stats relay_last;
};

/* What tt_describe tells. */
struct tt_report {
	bool running, has_local, map_wanted;
	struct ponto_addr local;
	/* of a relaying host */
	struct teredo_relay_status relay;
	struct teredo_ip6 relayed;
	bool has_relayed;
	/* of a client */
	struct teredo_client_status status;
	struct teredo_census census;
	struct teredo_client_stats stats;
	struct ponto_mapping_info map;
	uint64_t heard; /* seconds since the server was */
};

/* On the hub's thread, but for read. */
struct tt_role {
	PONTO_MUST_CHECK int (*begin)(struct tt_hub *hub); /* its engine: PONTO_ENOMEM */
	void (*end)(struct tt_hub *hub);		   /* also when it did not begin */
	void (*local)(struct tt_hub *hub, const struct teredo_endpoint *at); /* the service port; NULL: there is none */
	void (*woken)(struct tt_hub *hub); /* by a handle; may be NULL */
	void (*receive)(struct tt_hub *hub, uint64_t now, const struct teredo_received *in);
	void (*send)(struct tt_hub *hub, uint64_t now, const struct tt_item *item);
	/* Of a stack. PONTO_EUNREACH: no way there */
	int (*send_packet)(struct tt_hub *hub, uint64_t now, struct ponto_bytes packet);
	void (*advance)(struct tt_hub *hub, uint64_t now);
	/* Whatever it wants done; when it is due next. */
	uint64_t (*pump)(struct tt_hub *hub);
	void (*fill)(struct tt_hub *hub, struct tt_report *report); /* which is empty */
	void (*tell)(const struct tt_hub *hub, const struct tt_report *report, ponto_describe_fn *line, void *arg);
};

struct tt_hub {
	const struct ponto_env *env;
	const struct tt_role *role;
	struct teredo_client_config config;
	uint8_t secret[256];
	struct ponto_transport carrier;
	struct ponto_mapping mapping; /* ops NULL: none */
	uint16_t port;	       /* that handles listen on unless they name another */
	uint16_t service_port; /* 0: drawn */
	struct tt_metrics metrics;

	pthread_mutex_t starting; /* taken before lock */
	pthread_mutex_t lock;
	struct ponto_datagram_handle *handles;
	struct tt_queue out;
	struct tt_item *spare;
	size_t spare_count;
	bool has_address, running, stopping;
	bool report_wanted;
	pthread_cond_t reported;
	struct tt_report report;
	struct teredo_ip6 address;

	struct stack *stack; /* of streams; NULL before the first */
	int refused;	     /* why there can be none, found out once; under starting */
	const struct ponto_grant *tun; /* not NULL: the stack is the machine */
	struct stack *plain; /* a relaying host's streams to all but Teredo addresses; NULL before the first */

	/* the hub's own */
	bool attached; /* the stack */
	bool ring;     /* a handle is to be rung */
	pthread_t thread;
	struct ponto_loop *loop;
	struct ponto_timer *timer;
	struct tt_bell bell;
	struct tt_carrier service, ports[TEREDO_PORTS_MAX + 1];
	uint64_t retry_at; /* opening the service port */
	/* a client's */
	struct teredo_client *client;
	struct ponto_mapping_handle *map;
	struct ponto_mapping_info map_info;
	enum teredo_client_state told;
	/* a relaying host's */
	struct ponto_transport native;	/* ops NULL: it is none */
	const struct ponto_grant *echo; /* where it hears what clients ask */
	struct ponto_watch *echo_watch;
	struct teredo_relay_config relay_config;
	struct teredo_relay *relay; /* NULL while there is no address */
	struct teredo_ip6 relayed;  /* of that address */
	struct teredo_slot slots[PONTO_BATCH];
	size_t slot_count;
};

/* tt_bell.c */
PONTO_MUST_CHECK int tt_bell_open(struct tt_bell *bell, struct ponto_loop *loop, ponto_loop_fn *fn, void *arg);
void tt_bell_ring(struct tt_bell *bell); /* from any thread, while it is open */
void tt_bell_close(struct tt_bell *bell);

/* tt_conf.c */
#define TT_OPTION_COUNT 32
extern const struct ponto_option tt_options[TT_OPTION_COUNT];
PONTO_MUST_CHECK int tt_conf_read(struct tt_hub *hub);

/* tt_hub.c */
/* Starts it, if it does not run. */
PONTO_MUST_CHECK int tt_hub_start(struct tt_hub *hub, struct ponto_loop *loop);
void tt_hub_stop(struct tt_hub *hub);
/* Does what the engine wants: effects, datagrams, the next deadline. */
void tt_hub_pump(struct tt_hub *hub);
/* The handle that listens on a port, or NULL. Under the lock. */
struct ponto_datagram_handle *tt_hub_listener(struct tt_hub *hub, uint16_t port);
/* Gives a datagram to whoever listens on its port; false: nobody does. Takes the lock. */
bool tt_hub_deliver(struct tt_hub *hub, const struct tt_item *head, struct ponto_bytes data);
/* After a batch of those, so that who wakes finds all of it. Takes the lock. */
void tt_hub_ring(struct tt_hub *hub);
/* The address is another one, or none (NULL); from any thread. */
void tt_hub_address(struct tt_hub *hub, const struct teredo_ip6 *address);
/* What waited for that peer did not get there. */
void tt_hub_unreachable(struct tt_hub *hub, const struct teredo_ip6 *peer);
/* Tells the role where the service port is. */
void tt_carrier_local(struct tt_hub *hub);
/* The attached subnets: at most cap. */
size_t tt_carrier_subnets(struct tt_hub *hub, struct teredo_subnet *out, size_t cap);

/* tt_client.c, tt_host.c */
extern const struct tt_role tt_client, tt_host;
/* tt_tell.c */
void tt_client_fill(struct tt_hub *hub, struct tt_report *report);
void tt_client_tell(const struct tt_hub *hub, const struct tt_report *report, ponto_describe_fn *line, void *arg);
/* The first address of the handle's native side is what a host relays for; on its loop. */
void tt_host_address(struct ponto_datagram_handle *h);
/* For a handle; copies. False: there is no room, or no memory. Under the lock. */
bool tt_queue_add(struct tt_hub *hub, struct tt_queue *queue, const struct tt_item *head, struct ponto_bytes data);
void tt_queue_init(struct tt_queue *queue);
void tt_queue_clear(struct tt_hub *hub, struct tt_queue *queue);
/* What was read, linked by next: some are kept for others. Takes the lock. */
void tt_items_done(struct tt_hub *hub, struct tt_item *items);

/* tt_carrier.c */
PONTO_MUST_CHECK int tt_carrier_open(struct tt_hub *hub, struct tt_carrier *carrier, uint8_t via, uint16_t port);
/* The service port, its local address told to the engine; tries again later when there is none. */
void tt_carrier_begin(struct tt_hub *hub);
void tt_carrier_end(struct tt_hub *hub);
/* Puts the datagram in the next slot on its way; flush sends what is there. */
struct teredo_slot *tt_carrier_slot(struct tt_hub *hub);
void tt_carrier_keep(struct tt_hub *hub);
void tt_carrier_flush(struct tt_hub *hub);

/* tt_handle.c */
int tt_open(void *self, struct ponto_loop *loop, const struct ponto_datagram_want *want,
	    const struct ponto_datagram_events *events, void *arg, struct ponto_datagram_handle **out);
void tt_close(struct ponto_datagram_handle *h);
int tt_local(struct ponto_datagram_handle *h, struct ponto_addr *out, size_t cap, size_t *count);
int tt_send(struct ponto_datagram_handle *h, const struct ponto_datagram *batch, size_t count, size_t *sent);

/* tt_stream.c: on the hub's thread, but for the last three */
void tt_stream_input(struct tt_hub *hub, struct ponto_bytes packet);
void tt_stream_flush(struct tt_hub *hub);
/* After the address changed. */
void tt_stream_address(struct tt_hub *hub);
/* With an interface for the whole machine: makes it, and begins. */
PONTO_MUST_CHECK int tt_stream_host(struct tt_hub *hub);
/* Does nothing before there is a stack, or when it is attached. */
void tt_stream_attach(struct tt_hub *hub);
void tt_stream_detach(struct tt_hub *hub);
int tt_connect(void *self, struct ponto_loop *loop, const struct ponto_addr *peer,
	       const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out);
int tt_listen(void *self, struct ponto_loop *loop, const struct ponto_addr *local,
	      void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
	      struct ponto_listener_handle **out);
bool tt_wants_tls(void *self);

/* tt_both.c: a relaying host's */
int tt_both_connect(struct tt_hub *hub, struct ponto_loop *loop, const struct ponto_addr *peer,
		    const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out);
int tt_both_listen(struct tt_hub *hub, struct ponto_loop *loop, const struct ponto_addr *local,
		   void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
		   struct ponto_listener_handle **out);

/* tt_map.c: the service port, mapped by the NAT; needs a mapping */
void tt_map_open(struct tt_hub *hub);
void tt_map_close(struct tt_hub *hub); /* also when it is not open */

/* tt_describe.c */
int tt_describe(void *self, ponto_describe_fn *line, void *arg);
void tt_report_answer(struct tt_hub *hub); /* on the hub's loop: if somebody asked */

/* tt_metrics.c */
void tt_metrics_make(struct tt_hub *hub);
void tt_metrics_update(struct tt_hub *hub); /* a client's */
void tt_metrics_relay(struct tt_hub *hub);  /* a relaying host's */

#endif
