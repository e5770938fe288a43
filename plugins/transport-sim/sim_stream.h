/* transport-sim: streams in the simulated world.
 *
 * A connection has two flows, each a queue of segments that arrive in order: the model's latency and jitter delay them,
 * its loss delays them longer (what is lost is sent again), a partition holds them back and, if it lasts, ends the
 * stream. At most SIM_WINDOW bytes of a flow are under way or not consumed. */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include "plugins/transport-sim/sim_internal.h"

#define SIM_WINDOW 65536u
#define SIM_AGAIN (200 * PONTO_MS) /* until what was lost is sent again */
#define SIM_TRIES 8		   /* to reach the other side of a partition, each after twice the time: 51 seconds */

enum sim_segment_kind {
	SIM_OPEN,
	SIM_OPENED,
	SIM_REFUSED,
	SIM_DATA,
	SIM_CREDIT, /* len bytes were consumed */
	SIM_END,
	SIM_RESET,
};

struct sim_segment {
	struct sim_segment *next;
	uint64_t at;
	size_t len, used;
	uint8_t kind; /* enum sim_segment_kind */
	uint8_t data[];
};

struct sim_connection;

/* From side i to the other. */
struct sim_flow {
	struct sim_segment *head, *last;
	uint64_t event;
	uint64_t last_at; /* nothing overtakes it */
	unsigned tries;
	size_t outstanding; /* bytes of the window in use */
};

struct sim_side {
	struct ponto_stream_handle *handle; /* NULL: not yet, or no longer */
	uint32_t node;
	struct ponto_addr addr;
};

struct sim_connection {
	struct sim_streams *streams;
	struct sim_side side[2]; /* 0 connected to 1 */
	struct sim_flow flow[2];
	unsigned busy;
};

struct ponto_stream_handle {
	struct sim_connection *connection;
	const struct ponto_alloc *alloc;
	unsigned i; /* its side */
	struct ponto_loop *loop;
	struct ponto_stream_events events;
	void *arg;
	struct sim_segment *inbox, *inbox_last; /* not consumed */
	uint64_t soon;			       /* an event: calls that are owed */
	int failure;
	unsigned busy;
	bool connecting, adopted, paused, resumed, peer_ended, told_end, shut, want_write, closing, closed;
};

struct ponto_listener_handle {
	struct ponto_listener_handle *next;
	struct sim_streams *streams;
	const struct ponto_alloc *alloc;
	struct ponto_loop *loop;
	uint32_t node;
	struct ponto_addr addr;
	void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer);
	void *arg;
};

/* Of a world. */
struct sim_streams {
	struct ponto_sim *sim;
	struct sim_network *network;
	const struct ponto_alloc *alloc;
	struct ponto_listener_handle *listeners;
	uint16_t next_port;
};

/* sim_flow.c */
struct sim_streams *sim_streams_of(struct ponto_sim *sim);
/* From handle's side to the other. PONTO_ENOMEM. copies */
PONTO_MUST_CHECK int sim_flow_send(struct sim_connection *c, unsigned from, enum sim_segment_kind kind,
				   struct ponto_bytes data, size_t len);
/* Frees the connection if no side is left. */
void sim_connection_check(struct sim_connection *c);
void sim_segments_free(const struct ponto_alloc *alloc, struct sim_segment *list);

/* sim_stream.c: a segment for side `to` arrived. takes it */
void sim_stream_arrived(struct sim_connection *c, unsigned to, struct sim_segment *segment);
/* The way stayed blocked. */
void sim_stream_timed_out(struct sim_connection *c, unsigned from);
int sim_connect(void *self, struct ponto_loop *loop, const struct ponto_addr *peer,
		const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out);
int sim_listen(void *self, struct ponto_loop *loop, const struct ponto_addr *local,
	       void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
	       struct ponto_listener_handle **out);
void sim_unlisten(struct ponto_listener_handle *l);
int sim_adopt(struct ponto_stream_handle *s, const struct ponto_stream_events *events, void *arg);
int sim_write(struct ponto_stream_handle *s, struct ponto_bytes data, size_t *taken);
void sim_resume(struct ponto_stream_handle *s);
int sim_shutdown(struct ponto_stream_handle *s);
void sim_abort(struct ponto_stream_handle *s);
int sim_listening(struct ponto_listener_handle *l, struct ponto_addr *out);
int sim_ends(struct ponto_stream_handle *s, struct ponto_addr *local, struct ponto_addr *peer);
PONTO_MUST_CHECK int sim_stream_new(struct sim_connection *c, unsigned side, const struct ponto_alloc *alloc,
				    struct ponto_loop *loop, struct ponto_stream_handle **out);

/* sim_listen.c */
/* An OPEN arrived at side 1. */
void sim_listener_open(struct sim_connection *c);
uint16_t sim_free_port(struct sim_streams *streams, uint32_t node);

#endif
