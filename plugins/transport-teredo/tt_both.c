/* Streams of a host that relays for itself: those with Teredo addresses by the stack behind the hub, all others by the
 * machine's own sockets. A listener is one of each. */
#include "engines/teredo/teredo_address.h"
#include "plugins/transport-teredo/tt.h"

#include <string.h>

/* ---- listeners: a head as that of the others, stack_any.c ----------------------------------------------- */

struct both {
	const struct ponto_transport_ops *ops; /* first */
	const struct ponto_alloc *alloc;
	struct ponto_listener_handle *native, *teredo; /* the latter may be NULL */
};

static void unlisten(struct ponto_listener_handle *l)
{
	struct both *b = (struct both *)(void *)l;

	if (b->teredo)
		stack_unlisten(b->teredo);
	stack_unlisten(b->native);
	ponto_free(b->alloc, b);
}

static int listening(struct ponto_listener_handle *l, struct ponto_addr *out)
{
	return stack_listening(((struct both *)(void *)l)->native, out);
}

static const struct ponto_transport_ops both_ops = {
	.head = {PONTO_TRANSPORT_ABI, sizeof(both_ops)},
	.unlisten = unlisten,
	.listening = listening,
};

/* Where the other one got its port. The stack has but one address. */
static int listen_teredo(struct tt_hub *hub, struct ponto_loop *loop, struct both *b,
			 void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer),
			 void *arg)
{
	struct ponto_transport streams = stack_streams(hub->stack);
	struct ponto_addr at;
	int result = stack_listening(b->native, &at);

	memset(at.ip, 0, sizeof(at.ip));
	if (result == PONTO_OK)
		result = streams.ops->listen(streams.self, loop, &at, accepted, arg, &b->teredo);
	return result;
}

int tt_both_listen(struct tt_hub *hub, struct ponto_loop *loop, const struct ponto_addr *local,
		   void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
		   struct ponto_listener_handle **out)
{
	struct ponto_transport streams = stack_streams(hub->plain);
	struct both *b = ponto_new(hub->env->alloc, 1, sizeof(*b));
	int result;

	if (!b)
		return PONTO_ENOMEM;
	*b = (struct both){.ops = &both_ops, .alloc = hub->env->alloc};
	result = streams.ops->listen(streams.self, loop, local, accepted, arg, &b->native);
	if (result != PONTO_OK) {
		ponto_free(b->alloc, b);
		return result;
	}
	if (hub->stack)
		result = listen_teredo(hub, loop, b, accepted, arg);
	if (result != PONTO_OK) {
		unlisten((struct ponto_listener_handle *)(void *)b);
		return result;
	}
	*out = (struct ponto_listener_handle *)(void *)b;
	return PONTO_OK;
}

int tt_both_connect(struct tt_hub *hub, struct ponto_loop *loop, const struct ponto_addr *peer,
		    const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out)
{
	struct ponto_transport streams = stack_streams(hub->plain);
	struct teredo_ip6 ip;

	memcpy(ip.bytes, peer->ip, sizeof(ip.bytes));
	if (peer->family == PONTO_FAMILY_IPV6 && teredo_is_address(&ip)) {
		if (!hub->stack)
			return hub->refused;
		streams = stack_streams(hub->stack);
	}
	return streams.ops->connect(streams.self, loop, peer, events, arg, out);
}
