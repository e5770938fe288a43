/* ponto-sim's Teredo: clients behind NAT boxes of every kind, servers, relays and native hosts, each the production engine
 * on transport-sim's network, with a host around it as thin as can be in the place of the plugins' glue: it moves
 * datagrams, opens the ports the engine asks for and keeps its one timer.
 *
 * One thread. Memory that runs out ends the process with a message. */
#ifndef PONTO_SIM_TEREDO_NET_H
#define PONTO_SIM_TEREDO_NET_H

#include "apps/ponto-sim/measure.h"
#include "apps/ponto-sim/pool.h"
#include "engines/teredo/teredo_client.h"
#include "engines/teredo/teredo_relay.h"
#include "engines/teredo/teredo_server.h"
#include "framework/sim.h"
#include "framework/transport.h"
#include "plugins/transport-sim/sim_network.h"

#define TSIM_APPLICATION 3540 /* port of everybody's application */

/* Who can be at an end: clients by what is between them and the world, and hosts with native IPv6. */
enum tsim_kind {
	TSIM_NONE = 0,
	TSIM_CONE,
	TSIM_ADDRESS,
	TSIM_PORT,
	TSIM_PRESERVING, /* symmetric: a mapping for each address and port */
	TSIM_SEQUENTIAL,
	TSIM_SYMMETRIC,
	TSIM_BY_ADDRESS, /* symmetric, but for each address only */
	TSIM_NATIVE,
	TSIM_KINDS,
	TSIM_BLOCKED = TSIM_KINDS, /* no UDP at all: at no end */
	TSIM_BOXES
};

struct tsim_net;
struct tsim_client;

/* A port of a client: the service port, or one that its engine asked for. */
struct tsim_port {
	struct tsim_client *client;
	struct ponto_datagrams d;
	uint8_t via;
};

struct tsim_client {
	struct tsim_net *net;
	struct ponto_sim_node *place;
	struct teredo_client *engine;
	struct ponto_timer *timer;
	uint64_t armed; /* what it is set to */
	struct tsim_port *ports[TEREDO_PORTS_MAX + 1];
	enum tsim_kind kind;
	uint32_t box; /* 0: none */
	uint64_t begun;
	bool asleep;	  /* a notebook that is shut */
	uint64_t changed; /* when its mapping was lost, until it knows; 0 otherwise */
	uint64_t advertisements; /* that it had by then */
	bool target;	  /* of attackers */
	struct teredo_ip6 address_before; /* the attack */
};

struct tsim_box {
	struct ponto_sim_nat nat;
	enum tsim_kind kind;
	uint32_t clients;
};

struct tsim_server {
	struct tsim_net *net;
	struct ponto_sim_node *place;
	struct teredo_server *engine;
	struct ponto_datagrams four, six;
	struct teredo_pair pair;
	bool down;
};

struct tsim_relay {
	struct tsim_net *net;
	struct ponto_sim_node *place;
	struct teredo_relay *engine;
	struct ponto_timer *timer;
	struct ponto_datagrams four, six;
	struct ponto_addr inside; /* where IPv6 packets for it go */
};

struct tsim_native {
	struct tsim_net *net;
	struct ponto_sim_node *place;
	struct ponto_datagrams six;
	struct teredo_ip6 ip;
	uint32_t relay; /* the nearest */
};

/* An end of a conversation: one of the two. */
struct tsim_end {
	struct tsim_client *client;
	struct tsim_native *native;
};

struct tsim_talk;

struct tsim_setup {
	uint64_t seed;
	uint32_t clients, servers, relays, natives;
	uint32_t peers; /* that a client remembers */
};

struct tsim_net {
	struct tsim_setup setup;
	struct psim_pool *pool;
	const struct ponto_alloc *alloc;
	struct ponto_sim *sim;
	struct ponto_transport wire[2]; /* IPv4, IPv6 */
	struct ponto_conf *conf[2];
	struct ponto_env env[2];
	struct tsim_server *servers;
	struct tsim_relay *relays;
	struct tsim_native *natives;
	struct tsim_client *clients;
	struct tsim_box *boxes; /* from 1 on */
	uint32_t box_count, box_room;
	uint64_t events; /* run so far */

	struct tsim_talk **talks;
	uint32_t talk_count, talk_room;
	uint64_t misled; /* datagrams that reached another than whom they were for */

	/* mappings that were lost */
	struct psim_histogram requalified; /* microseconds until the client had another address */
	uint64_t kept;			   /* its mapping came back as it was */
	uint64_t changes;		   /* of addresses that nobody lost a mapping for */
};

void tsim_net_init(struct tsim_net *net, const struct tsim_setup *setup);
void tsim_net_clear(struct tsim_net *net);

/* A client begins: its engine is made and looks for an address. */
void tsim_client_begin(struct tsim_client *c);
/* Moves everything its engine has ready: call after any call to it. */
void tsim_client_pump(struct tsim_client *c);
/* Its address; false: it has none. */
bool tsim_client_address(const struct tsim_client *c, struct teredo_ip6 *out);
/* Shuts it, or opens it again. */
void tsim_client_sleep(struct tsim_client *c, bool asleep);

/* The box starts anew; it gets another public address as well. */
void tsim_box_restart(struct tsim_net *net, uint32_t box, bool renumbered);

/* An IPv6 packet on its way to a native host, or to the relay that is nearest to from. */
void tsim_route(struct tsim_net *net, struct ponto_datagrams from, uint32_t relay, struct ponto_bytes packet);

void tsim_server_stop(struct tsim_server *s, bool down);

/* Lets virtual time pass; tick (may be NULL) is called each tenth of a second. */
void tsim_run(struct tsim_net *net, uint64_t us, void (*tick)(void *arg), void *arg);

const char *tsim_kind_name(enum tsim_kind kind);
/* As it can be told from its mapping: a box that keeps ports may have given this one to somebody else before. */
enum tsim_kind tsim_end_kind(const struct tsim_end *e);

/* ---- teredo_talk.c: somebody begins to talk to somebody ------------------------------------------------ */

struct tsim_talk {
	struct tsim_net *net;
	struct tsim_end from, to;
	enum tsim_kind kind[2]; /* of both when it began */
	uint64_t begun, until; /* until: begins no more after it */
	uint64_t heard;	   /* the first datagram at the other end; 0: none */
	uint64_t answered; /* the first answer */
	uint64_t last;	   /* the latest one */
	uint64_t gap;	   /* the longest time without one, of those that go on */
	uint64_t pause;	   /* 0: ends with the first answer; else goes on so far apart */
	uint32_t number;
	uint32_t sent, answers;
	uint64_t event;
};

/* A datagram each second until there is an answer, or us microseconds have passed; then, with a pause, others so far
 * apart, to the end. The talk is the net's. */
struct tsim_talk *tsim_talk_begin(struct tsim_net *net, struct tsim_end from, struct tsim_end to, uint64_t us,
				  uint64_t pause);
void tsim_talks_clear(struct tsim_net *net);

/* For the hosts: what came for the application, and what it sends. */
void tsim_talk_input(struct tsim_net *net, const struct tsim_end *at, const struct teredo_ip6 *from,
		     const struct teredo_udp *udp);
void tsim_end_send(const struct tsim_end *from, const struct teredo_ip6 *to, const struct teredo_udp *udp);

#endif
