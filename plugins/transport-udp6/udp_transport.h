/* transport-udp: what its files share. One source for both families: transport-udp6 and transport-udp4 register
 * it, each with its own family.
 *
 * A handle holds one socket per local address, bound to exactly that address, so that two handles of different
 * scopes share a port, replies leave from the address that was asked, and nothing else is listened on; and one
 * more per multicast group. Everything of a handle lives on its loop's thread. */
#ifndef UDP_TRANSPORT_H
#define UDP_TRANSPORT_H

#include "framework/env.h"
#include "framework/transport.h"
#include "plugins/transport-udp6/udp_sockaddr.h"

#define UDP_ADDRESSES_MAX 64 /* of a handle, and as many candidates looked at */
#define UDP_GROUPS_MAX 16
#define UDP_ROUTES 64 /* remembered choices of a source, a power of two */

struct udp_spares;

/* An instance: immutable after creation. */
struct udp_transport {
	const struct ponto_env *env;
	uint8_t family;
	uint16_t port;
	int receive_buffer;
	const char *const *interfaces; /* empty: all */
	struct ponto_addr *addresses;  /* empty: all suitable ones */
	size_t address_count;
	struct ponto_counter *received, *received_bytes, *sent, *sent_bytes, *refused;
	struct udp_spares *spares;
};

/* One local address that may be used. */
struct udp_address {
	struct ponto_addr addr; /* port 0 */
	uint32_t interface;
	unsigned rank; /* lower is better */
	uint8_t bits;  /* of its subnet */
};

struct udp_socket {
	struct udp_socket *next;
	struct ponto_datagram_handle *handle;
	struct ponto_watch *watch;
	struct ponto_addr local;
	uint32_t interface;
	int fd;
	uint16_t fragment; /* the socket's present state, of enum ponto_datagram_flags */
	bool joins;	   /* several datagrams may pass the kernel as one, to be cut where they leave */
};

struct udp_group {
	struct udp_group *next;
	struct ponto_addr addr;
	struct udp_socket *sockets; /* one, or one per interface for link-local groups */
};

struct udp_route {
	struct ponto_addr peer;
	struct udp_socket *socket;
};

struct udp_sender;

struct ponto_datagram_handle {
	const struct udp_transport *udp;
	struct ponto_loop *loop;
	struct ponto_datagram_events events;
	void *arg;
	enum ponto_scope scope;
	uint32_t zone; /* of link and site scope, fixed at open; of global scope the wanted one */
	uint16_t port;
	size_t max_addresses;
	struct udp_socket *sockets; /* in order of preference */
	size_t socket_count;
	struct udp_group *groups;
	struct udp_sender *sender; /* during a call */
	struct udp_route *routes;  /* NULL until a choice is to be remembered */
	struct udp_socket *current; /* the one a callback runs for; NULL when it was closed meanwhile */
	int probe;		    /* asks the kernel for source addresses */
	int netlink;
	struct ponto_watch *netlink_watch;
	unsigned busy; /* callbacks under way */
	bool closed;
};

/* udp_transport.c */
int udp_create(const struct ponto_env *env, uint8_t family, void **self);
void udp_destroy(void *self);
int udp_open(void *self, struct ponto_loop *loop, const struct ponto_datagram_want *want,
	     const struct ponto_datagram_events *events, void *arg, struct ponto_datagram_handle **out);
void udp_close(struct ponto_datagram_handle *h);
int udp_local(struct ponto_datagram_handle *h, struct ponto_addr *out, size_t cap, size_t *count);
/* Between them callbacks may close the handle, which then ends with the outermost leave. */
void udp_callback_begin(struct ponto_datagram_handle *h);
void udp_callback_end(struct ponto_datagram_handle *h);

/* The options of both plugins. */
#define UDP_OPTION_COUNT 4
extern const struct ponto_option udp_options[UDP_OPTION_COUNT];

/* udp_address.c: the addresses of the host that a handle may use, best first; at most cap. */
int udp_addresses(const struct udp_transport *udp, enum ponto_scope scope, uint32_t zone, struct udp_address *out,
		  size_t cap, size_t *count);
/* The interfaces that have addresses of that scope. */
int udp_zones(void *self, enum ponto_scope scope, uint32_t *out, size_t cap, size_t *count);
/* Of all scopes but loopback. */
int udp_subnets(void *self, struct ponto_loop *loop, struct ponto_subnet *out, size_t cap, size_t *count);
/* Tells of changes: a netlink socket, not blocking. PONTO_EIO */
int udp_netlink_open(uint8_t family, int *fd);
/* Reads it empty; true when addresses or links may have changed. */
bool udp_netlink_drain(int fd);

/* udp_socket.c */
int udp_socket_open(struct ponto_datagram_handle *h, const struct ponto_addr *local, uint32_t interface,
		    struct udp_socket **out);
void udp_socket_close(struct udp_socket *s);
int udp_socket_bind_all(struct ponto_datagram_handle *h, const struct udp_address *addresses, size_t count);
/* Brings the sockets in line with the host's addresses; true when they changed. */
bool udp_socket_refresh(struct ponto_datagram_handle *h);
int udp_result(int error);

/* udp_group.c */
int udp_join(struct ponto_datagram_handle *h, const struct ponto_addr *group);
int udp_leave(struct ponto_datagram_handle *h, const struct ponto_addr *group);
void udp_groups_refresh(struct ponto_datagram_handle *h);
void udp_groups_close(struct ponto_datagram_handle *h);

/* udp_spare.c: receivers and senders, shared by the handles of all instances that have the same allocator. From any
 * thread. */
enum udp_spare_kind { UDP_RECEIVER, UDP_SENDER, UDP_SPARE_KINDS };
int udp_spares_join(const struct ponto_alloc *alloc, struct udp_spares **out);
void udp_spares_leave(struct udp_spares *spares);
int udp_spare_take(struct udp_spares *spares, enum udp_spare_kind kind, void **out);
void udp_spare_give(struct udp_spares *spares, enum udp_spare_kind kind, void *spare);

/* udp_receive.c */
int udp_receiver_create(const struct ponto_alloc *alloc, void **out);
void udp_receiver_destroy(const struct ponto_alloc *alloc, void *receiver);
void udp_socket_ready(void *socket, unsigned events);

/* udp_send.c */
int udp_sender_create(const struct ponto_alloc *alloc, void **out);
void udp_sender_destroy(const struct ponto_alloc *alloc, void *sender);
int udp_send(struct ponto_datagram_handle *h, const struct ponto_datagram *batch, size_t count, size_t *sent);

/* udp_route.c: the socket whose address the kernel would use towards peer; NULL when there is no socket. */
struct udp_socket *udp_route(struct ponto_datagram_handle *h, const struct ponto_addr *peer);
void udp_routes_forget(struct ponto_datagram_handle *h);

/* One source, two plugins: the descriptor of transport-udp4 or transport-udp6. */
#define UDP_PLUGIN(id, text, of_family, about)                                                                         \
	static int plugin_create(const struct ponto_env *env, void **self)                                             \
	{                                                                                                              \
		return udp_create(env, of_family, self);                                                               \
	}                                                                                                              \
	static const struct ponto_transport_ops ops = {                                                                \
		.head = {PONTO_TRANSPORT_ABI, sizeof(ops)},                                                            \
		.create = plugin_create,                                                                               \
		.destroy = udp_destroy,                                                                                \
		.open = udp_open,                                                                                      \
		.close = udp_close,                                                                                    \
		.local = udp_local,                                                                                    \
		.send = udp_send,                                                                                      \
		.join = udp_join,                                                                                      \
		.leave = udp_leave,                                                                                    \
		.zones = udp_zones,                                                                                    \
		.subnets = udp_subnets,                                                                                \
	};                                                                                                             \
	static const char *const offers[] = {PONTO_FEATURE_DATAGRAM, NULL};                                            \
	PONTO_PLUGIN(id) = {                                                                                           \
		.abi = PONTO_PLUGIN_ABI,                                                                               \
		.kind = PONTO_KIND_TRANSPORT,                                                                          \
		.name = text,                                                                                          \
		.version = "1",                                                                                        \
		.summary = about,                                                                                      \
		.offers = offers,                                                                                      \
		.options = udp_options,                                                                                \
		.option_count = UDP_OPTION_COUNT,                                                                      \
		.vtable = &ops.head,                                                                                   \
	}

#endif
