#include "plugins/transport-sim/sim_stream.h"

#include <string.h>

static bool unspecified(const struct ponto_addr *addr)
{
	static const uint8_t zero[16];

	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

/* Whether node has the address, number index of its scope. */
static bool has_address(struct sim_streams *streams, uint32_t node, const struct ponto_addr *addr)
{
	struct sim_host *host = sim_host_of(streams->network, node);
	uint32_t there, index;

	return host && sim_node_at(addr, node, &there, &index) && there == node && index < host->addresses;
}

static struct ponto_listener_handle *listener_at(struct sim_streams *streams, uint32_t node, const struct ponto_addr *addr)
{
	for (struct ponto_listener_handle *l = streams->listeners; l; l = l->next) {
		if (l->node == node && l->addr.port == addr->port &&
		    (unspecified(&l->addr) || unspecified(addr) || ponto_addr_same_host(&l->addr, addr)))
			return l;
	}
	return NULL;
}

uint16_t sim_free_port(struct sim_streams *streams, uint32_t node)
{
	struct ponto_addr addr = {.family = PONTO_FAMILY_IPV6};

	do {
		addr.port = streams->next_port++;
		if (streams->next_port == 0)
			streams->next_port = 49152;
	} while (listener_at(streams, node, &addr));
	return addr.port;
}

/* ---- listening -------------------------------------------------------------------------------------- */

int sim_listen(void *self, struct ponto_loop *loop, const struct ponto_addr *local,
	       void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
	       struct ponto_listener_handle **out)
{
	const struct ponto_env *env = sim_transport_env(self);
	struct ponto_sim_node *node = ponto_loop_sim(loop);
	struct sim_streams *streams;
	struct ponto_listener_handle *l;

	if (!node)
		return PONTO_ENOTSUP;
	if (!accepted || local->family != PONTO_FAMILY_IPV6)
		return PONTO_EINVAL;
	streams = sim_streams_of(ponto_sim_node_world(node));
	if (!streams)
		return PONTO_ENOMEM;
	if (!unspecified(local) && !has_address(streams, ponto_sim_node_number(node), local))
		return PONTO_ENOENT;
	if (local->port && listener_at(streams, ponto_sim_node_number(node), local))
		return PONTO_EEXIST;
	l = ponto_new(env->alloc, 1, sizeof(*l));
	if (!l)
		return PONTO_ENOMEM;
	*l = (struct ponto_listener_handle){.next = streams->listeners,
					    .streams = streams,
					    .alloc = env->alloc,
					    .loop = loop,
					    .node = ponto_sim_node_number(node),
					    .addr = *local,
					    .accepted = accepted,
					    .arg = arg};
	if (l->addr.port == 0)
		l->addr.port = sim_free_port(streams, l->node);
	streams->listeners = l;
	*out = l;
	return PONTO_OK;
}

void sim_unlisten(struct ponto_listener_handle *l)
{
	struct ponto_listener_handle **link = &l->streams->listeners;

	while (*link != l)
		link = &(*link)->next;
	*link = l->next;
	ponto_free(l->alloc, l);
}

int sim_listening(struct ponto_listener_handle *l, struct ponto_addr *out)
{
	*out = l->addr;
	return PONTO_OK;
}

void sim_listener_open(struct sim_connection *c)
{
	struct ponto_listener_handle *l = listener_at(c->streams, c->side[1].node, &c->side[1].addr);
	struct ponto_stream_handle *s;

	if (!l || !has_address(c->streams, c->side[1].node, &c->side[1].addr) ||
	    sim_stream_new(c, 1, l->alloc, l->loop, &s) != PONTO_OK) {
		/* Unanswered, the one who connects waits until it is out of patience. */
		if (sim_flow_send(c, 1, SIM_REFUSED, ponto_bytes(NULL, 0), 0) != PONTO_OK)
			sim_stream_timed_out(c, 0);
		return;
	}
	s->busy++;
	if (sim_flow_send(c, 1, SIM_OPENED, ponto_bytes(NULL, 0), 0) == PONTO_OK)
		l->accepted(l->arg, s, &c->side[0].addr);
	if (!s->adopted && !s->closed)
		sim_abort(s);
	if (--s->busy == 0 && s->closed)
		ponto_free(s->alloc, s);
}

/* ---- connecting ------------------------------------------------------------------------------------------ */

/* A connection whose sides have addresses. */
static int make_connection(struct sim_streams *streams, uint32_t node, const struct ponto_addr *peer,
			   struct sim_connection **out)
{
	enum ponto_scope scope = ponto_addr_scope(peer);
	struct sim_connection *c;
	uint32_t there, index;

	/* Whoever might be there may be made later; what no node can ever have is not reached. */
	if (!sim_node_at(peer, node, &there, &index))
		return PONTO_EUNREACH;
	c = ponto_new(streams->alloc, 1, sizeof(*c));
	if (!c)
		return PONTO_ENOMEM;
	c->streams = streams;
	c->side[0].node = node;
	c->side[1].node = there;
	ponto_sim_network_address(node, scope, 0, sim_free_port(streams, node), &c->side[0].addr);
	ponto_sim_network_address(there, scope, index, peer->port, &c->side[1].addr);
	*out = c;
	return PONTO_OK;
}

int sim_connect(void *self, struct ponto_loop *loop, const struct ponto_addr *peer,
		const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out)
{
	const struct ponto_env *env = sim_transport_env(self);
	struct ponto_sim_node *node = ponto_loop_sim(loop);
	struct sim_streams *streams;
	struct sim_connection *c;
	struct ponto_stream_handle *s;
	int result;

	if (!node)
		return PONTO_ENOTSUP;
	if (!events->receive || peer->family != PONTO_FAMILY_IPV6 || peer->port == 0)
		return PONTO_EINVAL;
	streams = sim_streams_of(ponto_sim_node_world(node));
	if (!streams)
		return PONTO_ENOMEM;
	result = make_connection(streams, ponto_sim_node_number(node), peer, &c);
	if (result != PONTO_OK)
		return result;
	result = sim_stream_new(c, 0, env->alloc, loop, &s);
	if (result != PONTO_OK) {
		sim_connection_check(c);
		return result;
	}
	s->connecting = s->adopted = true;
	s->events = *events;
	s->arg = arg;
	result = sim_flow_send(c, 0, SIM_OPEN, ponto_bytes(NULL, 0), 0);
	if (result != PONTO_OK) {
		s->shut = s->told_end = true;
		sim_abort(s);
		return result;
	}
	*out = s;
	return PONTO_OK;
}
