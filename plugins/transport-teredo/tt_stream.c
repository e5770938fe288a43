/* Streams: a stack of its own behind the hub, made by the first who needs it. Its packets pass the engine on the hub's
 * thread; the streams are sockets, on their loops. */
#include "engines/teredo/teredo_icmp.h"
#include "plugins/transport-teredo/tt.h"

#include <string.h>

/* ---- packets, on the hub's thread ---------------------------------------------------------------- */

/* The kernel hears at once what it would find out by time alone. RFC 4443 3.1 */
static void unreachable(struct tt_hub *hub, struct ponto_bytes packet)
{
	uint8_t buf[TEREDO_MTU];
	struct ponto_writer w = ponto_writer(buf, sizeof(buf));
	struct teredo_ip6 own, peer;
	size_t len;

	memcpy(own.bytes, packet.data + 8, 16);
	memcpy(peer.bytes, packet.data + 24, 16);
	/* Not about errors, nor about groups: 2.4 (e) */
	if (teredo_is_multicast(&peer) || (packet.data[6] == TEREDO_NEXT_ICMP && packet.len > TEREDO_IP6_HEADER &&
					   packet.data[TEREDO_IP6_HEADER] < TEREDO_ICMP_ECHO_REQUEST))
		return;
	teredo_write_error(&w, &peer, &own, TEREDO_HOP_LIMIT, TEREDO_ICMP_UNREACHABLE, TEREDO_UNREACHABLE_ADDRESS, 0,
			   packet);
	if (ponto_writer_done(&w, &len) == PONTO_OK)
		stack_input(hub->stack, ponto_bytes(buf, len));
}

static void output(void *arg, const struct ponto_bytes *packets, size_t count)
{
	struct tt_hub *hub = arg;
	uint64_t now = ponto_loop_now(hub->loop);

	for (size_t i = 0; i < count; i++) {
		if (hub->role->send_packet(hub, now, packets[i]) == PONTO_EUNREACH)
			unreachable(hub, packets[i]);
	}
	stack_flush(hub->stack);
	tt_hub_pump(hub);
}

void tt_stream_input(struct tt_hub *hub, struct ponto_bytes packet)
{
	if (hub->attached)
		stack_input(hub->stack, packet);
}

void tt_stream_flush(struct tt_hub *hub)
{
	if (hub->attached)
		stack_flush(hub->stack);
}

void tt_stream_address(struct tt_hub *hub)
{
	const uint8_t *own;

	if (!hub->attached)
		return;
	if (hub->native.ops) /* hub->address is written by handles */
		own = hub->relay ? hub->relayed.bytes : NULL;
	else
		own = hub->has_address ? hub->address.bytes : NULL;
	if (stack_address(hub->stack, own) != PONTO_OK)
		ponto_error(hub->env->log, TT_TOPIC, "streams have no address");
}

void tt_stream_attach(struct tt_hub *hub)
{
	struct stack *stack;

	if (hub->attached)
		return;
	pthread_mutex_lock(&hub->lock);
	stack = hub->stack;
	pthread_mutex_unlock(&hub->lock);
	if (!stack)
		return;
	if (stack_attach(stack, hub->loop, output, hub) != PONTO_OK) {
		ponto_error(hub->env->log, TT_TOPIC, "streams have no way out");
		return;
	}
	hub->attached = true;
	tt_stream_address(hub);
}

void tt_stream_detach(struct tt_hub *hub)
{
	if (hub->attached)
		stack_detach(hub->stack);
	hub->attached = false;
}

/* ---- the contract ------------------------------------------------------------------------------------ */

/* Under the lock of starting. */
static int make_stack(struct tt_hub *hub)
{
	struct tcp_settings settings;
	struct stack *stack;
	int result;

	if (hub->stack || hub->refused)
		return hub->refused;
	tcpt_settings_read(hub->env->conf, &settings);
	if (hub->tun)
		result = stack_create_host(hub->env, &settings, hub->tun, &stack);
	else
		result = stack_create(hub->env, &settings, STACK_KERNEL, &stack);
	if (result == PONTO_EACCES || result == PONTO_ENOTSUP) {
		if (!ponto_conf_bool(hub->env->conf, "weak_streams")) {
			hub->refused = result;
			return result;
		}
		ponto_warning(hub->env->log, TT_TOPIC, "streams are lwIP's: without TLS others can put bytes into them");
		result = stack_create(hub->env, &settings, STACK_LWIP, &stack);
	}
	if (result != PONTO_OK)
		return result;
	pthread_mutex_lock(&hub->lock);
	hub->stack = stack;
	if (hub->running)
		tt_bell_ring(&hub->bell);
	pthread_mutex_unlock(&hub->lock);
	return PONTO_OK;
}

/* Of a relaying host: the machine's own sockets. Under the lock of starting. */
static int make_plain(struct tt_hub *hub)
{
	struct tcp_settings settings;

	if (hub->plain)
		return PONTO_OK;
	tcpt_settings_read(hub->env->conf, &settings);
	return stack_create_host(hub->env, &settings, NULL, &hub->plain);
}

static int begin(struct tt_hub *hub, struct ponto_loop *loop)
{
	int result;

	if (ponto_loop_sim(loop))
		return PONTO_ENOTSUP;
	pthread_mutex_lock(&hub->starting);
	result = make_stack(hub);
	if (hub->native.ops && result == hub->refused)
		result = make_plain(hub);
	if (result == PONTO_OK)
		result = tt_hub_start(hub, loop);
	pthread_mutex_unlock(&hub->starting);
	return result;
}

int tt_stream_host(struct tt_hub *hub)
{
	int result;

	if (!hub->tun)
		return PONTO_OK;
	pthread_mutex_lock(&hub->starting);
	result = make_stack(hub);
	if (result == PONTO_OK)
		result = tt_hub_start(hub, NULL);
	pthread_mutex_unlock(&hub->starting);
	return result;
}

bool tt_wants_tls(void *self)
{
	struct tt_hub *hub = self;
	bool wants;

	/* What it will be shows when it is made. */
	pthread_mutex_lock(&hub->starting);
	wants = make_stack(hub) == PONTO_OK && stack_kind(hub->stack) == STACK_LWIP;
	pthread_mutex_unlock(&hub->starting);
	return wants;
}

int tt_connect(void *self, struct ponto_loop *loop, const struct ponto_addr *peer,
	       const struct ponto_stream_events *events, void *arg, struct ponto_stream_handle **out)
{
	struct tt_hub *hub = self;
	struct ponto_transport streams;
	int result = begin(hub, loop);

	if (result != PONTO_OK)
		return result;
	if (hub->native.ops)
		return tt_both_connect(hub, loop, peer, events, arg, out);
	streams = stack_streams(hub->stack);
	return streams.ops->connect(streams.self, loop, peer, events, arg, out);
}

int tt_listen(void *self, struct ponto_loop *loop, const struct ponto_addr *local,
	      void (*accepted)(void *arg, struct ponto_stream_handle *stream, const struct ponto_addr *peer), void *arg,
	      struct ponto_listener_handle **out)
{
	struct tt_hub *hub = self;
	struct ponto_transport streams;
	int result = begin(hub, loop);

	if (result != PONTO_OK)
		return result;
	if (hub->native.ops)
		return tt_both_listen(hub, loop, local, accepted, arg, out);
	streams = stack_streams(hub->stack);
	return streams.ops->listen(streams.self, loop, local, accepted, arg, out);
}
